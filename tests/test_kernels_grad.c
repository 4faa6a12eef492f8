/* Training's kernels: every table against its twin in double precision at odd sizes, in buffers that end where the data
 * ends, and every twin of a gradient against finite differences of the twin of its forward. */
#include "test.h"

#include "../engine/kernels_ref.h"
#include "kernel_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct kernels *const twin = &kernels_reference;

/* The derivative of f by *at: a five-point difference, exact to the fourth order. */
static double slope(double (*f)(void *), void *context, float *at)
{
	const double h = 1.0 / 32;
	const float x = *at;
	double value[4];
	for (int i = 0; i < 4; i++) {
		*at = (float)(x + (i < 2 ? i - 2 : i - 1) * h);
		value[i] = f(context);
	}
	*at = x;
	return (8.0 * (value[2] - value[1]) - (value[3] - value[0])) / (12.0 * h);
}

/* sum of a[r][i] b[r][i]: with b a fixed weighting, a loss whose gradient by a is b. */
static double inner(const float *a, size_t a_stride, const float *b, size_t b_stride, int rows, int n)
{
	double sum = 0.0;
	for (int r = 0; r < rows; r++)
		for (int i = 0; i < n; i++)
			sum += (double)a[(size_t)r * a_stride + (size_t)i] * b[(size_t)r * b_stride + (size_t)i];
	return sum;
}

/* Whether columns [n, stride) of every row but the last are the same in both. */
static int gaps_equal(const float *a, const float *b, int rows, size_t stride, int n)
{
	for (size_t i = 0; i < extent(rows, stride, n); i++)
		if (i % stride >= (size_t)n && memcmp(a + i, b + i, sizeof *a) != 0)
			return 0;
	return 1;
}

/* ---- gradients of weights -------------------------------------------------------------------------------------- */

struct case_weight {
	struct weight_grad g;
	float *dy, *x, *dw;
	size_t size; /* of dw */
};

static void weight_open(struct case_weight *c, int T, int N, int K)
{
	size_t dy_stride = (size_t)N + 3, x_stride = (size_t)K + 5, dw_stride = (size_t)K + 2;
	c->size = extent(N, dw_stride, K);
	c->dy = random_array(extent(T, dy_stride, N), 1.0);
	c->x = random_array(extent(T, x_stride, K), 1.0);
	c->dw = random_array(c->size, 1.0);
	c->g = (struct weight_grad){c->dy, dy_stride, c->x, x_stride, c->dw, dw_stride, T, N, K};
}

static void weight_close(struct case_weight *c)
{
	free(c->dy);
	free(c->x);
	free(c->dw);
}

static void check_weight_grad(const struct kernels *k, int T, int N, int K)
{
	struct case_weight c;
	weight_open(&c, T, N, K);
	struct weight_grad exact = c.g;
	float *before = copy_array(c.dw, c.size);
	exact.dw = copy_array(c.dw, c.size);
	k->weight_grad(&c.g, 0, N);
	twin->weight_grad(&exact, 0, N);
	double worst = difference(c.dw, exact.dw, c.size);
	if (!(worst < 3e-7 * (4 + sqrt(T) * 2)) || !gaps_equal(c.dw, before, N, c.g.dw_stride, K))
		test_fail(__FILE__, __LINE__, "%s: T %d N %d K %d: off by %g, or wrote between the rows", k->name, T, N, K,
		          worst);
	free(before);
	free(exact.dw);
	weight_close(&c);
}

TEST(weight_grad_equals_its_twin_at_odd_sizes)
{
	static const int sizes[][3] = {{1, 1, 1},     {3, 2, 17},   {17, 3, 33},   {33, 36, 48}, {100, 13, 100},
	                               {130, 25, 36}, {128, 17, 5}, {257, 12, 32}, {64, 600, 9}, {7, 100, 130}};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		check_weight_grad(k, sizes[i][0], sizes[i][1], sizes[i][2]);
	EACH_TABLE(k)
	for (int N = 1; N < 27; N++)
		check_weight_grad(k, 5, N, 2 * N + 1);
}

TEST(weight_grad_bits_do_not_depend_on_how_its_rows_are_cut)
{
	static const int sizes[][3] = {{300, 60, 40}, {129, 1100, 17}, {40, 23, 768}};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct case_weight c;
		const int N = sizes[i][1];
		weight_open(&c, sizes[i][0], N, sizes[i][2]);
		struct weight_grad whole = c.g;
		whole.dw = copy_array(c.dw, c.size);
		k->weight_grad(&whole, 0, N);
		for (int n = 0, n1; n < N; n = n1) {
			n1 = n + 1 + (int)rng_below(1, i, (uint64_t)n, (uint32_t)(N - n));
			k->weight_grad(&c.g, n, n1);
		}
		CHECK(memcmp(whole.dw, c.dw, c.size * sizeof(float)) == 0);
		free(whole.dw);
		weight_close(&c);
	}
}

TEST(weight_grad_shows_nan_in_its_row_and_column_alone)
{
	EACH_TABLE(k)
	{
		struct case_weight c;
		weight_open(&c, 20, 15, 35);
		c.dy[4 * c.g.dy_stride + 6] = NAN;
		c.x[9 * c.g.x_stride + 34] = NAN;
		k->weight_grad(&c.g, 0, 15);
		for (int n = 0; n < 15; n++)
			for (int i = 0; i < 35; i++)
				CHECK_INT(isnan(c.dw[(size_t)n * c.g.dw_stride + (size_t)i]) != 0, n == 6 || i == 34);
		weight_close(&c);
	}
}

TEST(column_sums_equal_their_twin_whatever_the_cut)
{
	static const int sizes[][2] = {{1, 1}, {3, 17}, {17, 33}, {100, 130}, {130, 100}, {300, 48}, {257, 768}};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const int T = sizes[i][0], N = sizes[i][1];
		const size_t stride = (size_t)N + 1;
		float *x = random_array(extent(T, stride, N), 1.0), *sum = random_array((size_t)N, 1.0);
		float *exact = copy_array(sum, (size_t)N), *cut = copy_array(sum, (size_t)N);
		k->column_sums(sum, x, stride, T, 0, N);
		twin->column_sums(exact, x, stride, T, 0, N);
		CHECK_NEAR(difference(sum, exact, (size_t)N), 0.0, 1e-6 * (1 + sqrt(T)));
		for (int n = 0, n1; n < N; n = n1) {
			n1 = n + 1 + (int)rng_below(2, i, (uint64_t)n, (uint32_t)(N - n));
			k->column_sums(cut, x, stride, T, n, n1);
		}
		CHECK(memcmp(sum, cut, (size_t)N * sizeof *sum) == 0);
		free(x);
		free(sum);
		free(exact);
		free(cut);
	}
}

/* A small map y = x W^T + b, its loss the inner product with dy. */
struct small_map {
	struct linear w;
	struct product p;
	float rows[4 * 3], bias[PANEL], x[5 * 3], y[5 * 4], dy[5 * 4];
};

static void small_map_init(struct small_map *m)
{
	enum { T = 5, N = 4, K = 3 };
	float *random = random_array(N * K + T * K + T * N, 1.0);
	*m = (struct small_map){.w = {.K = K, .N = N}};
	memcpy(m->rows, random, sizeof m->rows);
	memcpy(m->x, random + N * K, sizeof m->x);
	memcpy(m->dy, random + N * K + T * K, sizeof m->dy);
	m->w.rows = m->rows;
	m->w.bias = m->bias;
	m->p = (struct product){.x = m->x, .x_stride = K, .y = m->y, .y_stride = N, .w = &m->w};
	free(random);
}

static double small_map_loss(void *context)
{
	struct small_map *m = context;
	twin->product(&m->p, 0, 5, 0, 1);
	return inner(m->y, 4, m->dy, 4, 5, 4);
}

TEST(the_twins_of_a_maps_gradients_are_its_differences)
{
	struct small_map m;
	small_map_init(&m);
	float dw[4 * 3] = {0}, db[4] = {0}, dx[5 * 3], panels[4 * PANEL], zeros[PANEL] = {0};
	struct weight_grad g = {m.dy, 4, m.x, 3, dw, 3, 5, 4, 3};
	twin->weight_grad(&g, 0, 4);
	twin->column_sums(db, m.dy, 4, 5, 0, 4);
	linear_pack_backward(panels, 4, 0, m.rows, 4, 3);
	struct linear back = {.K = 4, .N = 3, .panels = panels, .bias = zeros};
	struct product p = {.x = m.dy, .x_stride = 4, .y = dx, .y_stride = 3, .w = &back};
	twin->product(&p, 0, 5, 0, 1);
	for (int i = 0; i < 12; i++)
		CHECK_NEAR(dw[i], slope(small_map_loss, &m, &m.rows[i]), 2e-5);
	for (int i = 0; i < 4; i++)
		CHECK_NEAR(db[i], slope(small_map_loss, &m, &m.bias[i]), 2e-5);
	for (int i = 0; i < 15; i++)
		CHECK_NEAR(dx[i], slope(small_map_loss, &m, &m.x[i]), 2e-5);
}

/* Two matrices of 20 and 23 rows over K = 37 columns, stacked. */
TEST(matrices_packed_backward_into_one_map_give_the_gradient_of_their_input)
{
	enum { T = 6, N = 43, K = 37 };
	float *w = random_array(N * K, 1.0), *dy = random_array(T * N, 1.0), *dx = random_array(T * K, 1.0);
	float *panels = random_array((size_t)panel_count(K) * N * PANEL, 1.0), zeros[2 * PANEL] = {0};
	linear_pack_backward(panels, N, 0, w, 20, K);
	linear_pack_backward(panels, N, 20, w + (size_t)20 * K, N - 20, K);
	struct linear back = {.K = N, .N = K, .panels = panels, .bias = zeros};
	struct product p = {.x = dy, .x_stride = N, .y = dx, .y_stride = K, .w = &back};
	EACH_TABLE(k)
	{
		memset(dx, 0, T * K * sizeof *dx);
		k->product(&p, 0, T, 0, panel_count(K));
		for (int t = 0; t < T; t++)
			for (int i = 0; i < K; i++) {
				double sum = 0.0;
				for (int n = 0; n < N; n++)
					sum += (double)dy[t * N + n] * w[n * K + i];
				CHECK_NEAR(dx[t * K + i], sum, 5e-6);
			}
	}
	for (int n = 0; n < N; n++)
		for (int c = K - PANEL; c < PANEL; c++)
			CHECK(panels[(N + n) * PANEL + c] == 0.0f);
	free(w);
	free(dy);
	free(dx);
	free(panels);
}

/* ---- layernorm ------------------------------------------------------------------------------------------------- */

struct case_norm {
	int rows, H;
	size_t stride, size;
	float *x, *dy, *g, *b, *dg, *db, *y, *dx;
};

static void norm_open(struct case_norm *c, int rows, int H)
{
	*c = (struct case_norm){.rows = rows, .H = H, .stride = (size_t)H + 3};
	c->size = extent(rows, c->stride, H);
	c->x = random_array(c->size, 3.0);
	c->dy = random_array(c->size, 1.0);
	c->y = random_array(c->size, 1.0);
	c->dx = random_array(c->size, 1.0);
	c->g = random_array((size_t)H, 1.0);
	c->b = random_array((size_t)H, 1.0);
	c->dg = random_array((size_t)H, 1.0);
	c->db = random_array((size_t)H, 1.0);
}

static void norm_close(struct case_norm *c)
{
	float *all[] = {c->x, c->dy, c->g, c->b, c->dg, c->db, c->y, c->dx};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
}

static void check_norm_grad(const struct kernels *k, int rows, int H, double offset, int in_place, int sums)
{
	struct case_norm c;
	norm_open(&c, rows, H);
	for (size_t i = 0; i < c.size; i++)
		c.x[i] += (float)offset;
	float *dx = copy_array(c.dy, c.size), *exact = copy_array(c.dy, c.size);
	float *dg = copy_array(c.dg, (size_t)H), *db = copy_array(c.db, (size_t)H);
	k->layernorm_grad(dx, c.stride, sums ? dg : NULL, sums ? db : NULL, in_place ? dx : c.dy, c.stride, c.x, c.stride,
	                  c.g, 1e-5, rows, H);
	twin->layernorm_grad(exact, c.stride, sums ? c.dg : NULL, sums ? c.db : NULL, c.dy, c.stride, c.x, c.stride, c.g,
	                     1e-5, rows, H);
	double worst = difference(dx, exact, c.size);
	double worst_sum = fmax(difference(dg, c.dg, (size_t)H), difference(db, c.db, (size_t)H));
	double tolerance = 2e-6 + fabs(offset) * 2e-7;
	if (!(worst < tolerance) || !(worst_sum < tolerance + 1e-6 * rows) || !gaps_equal(dx, c.dy, rows, c.stride, H))
		test_fail(__FILE__, __LINE__, "%s: rows %d H %d offset %g: off by %g, sums by %g, or wrote between the rows",
		          k->name, rows, H, offset, worst, worst_sum);
	free(dx);
	free(exact);
	free(dg);
	free(db);
	norm_close(&c);
}

TEST(layernorm_grad_equals_its_twin)
{
	static const int widths[] = {3, 17, 33, 36, 48, 100, 130, 768};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
		check_norm_grad(k, 1, widths[i], 0.0, 0, 1);
		check_norm_grad(k, 11, widths[i], 0.5, 1, 1);
		check_norm_grad(k, 6, widths[i], 0.0, 0, 0);
		check_norm_grad(k, 4, widths[i], 50.0, 0, 1);
	}
}

TEST(layernorm_grad_of_a_row_does_not_depend_on_the_rows_beside)
{
	EACH_TABLE(k)
	for (int H = 5; H < 200; H += 61) {
		struct case_norm c;
		norm_open(&c, 7, H);
		float *whole = copy_array(c.dx, c.size);
		k->layernorm_grad(whole, c.stride, c.dg, c.db, c.dy, c.stride, c.x, c.stride, c.g, 1e-5, 7, H);
		for (size_t t = 0; t < 7; t++)
			k->layernorm_grad(c.dx + t * c.stride, c.stride, NULL, NULL, c.dy + t * c.stride, c.stride,
			                  c.x + t * c.stride, c.stride, c.g, 1e-5, 1, H);
		CHECK(memcmp(whole, c.dx, c.size * sizeof *whole) == 0);
		norm_close(&c);
		free(whole);
	}
}

TEST(layernorm_grad_keeps_nan_in_its_row)
{
	EACH_TABLE(k)
	{
		struct case_norm c;
		norm_open(&c, 6, 20);
		c.dy[2 * c.stride + 19] = NAN;
		k->layernorm_grad(c.dx, c.stride, c.dg, c.db, c.dy, c.stride, c.x, c.stride, c.g, 1e-5, 6, 20);
		for (size_t t = 0; t < 6; t++)
			for (size_t h = 0; h < 20; h++)
				CHECK_INT(isnan(c.dx[t * c.stride + h]) != 0, t == 2);
		CHECK(isnan(c.dg[19]) && isnan(c.db[19]) && !isnan(c.db[18]));
		norm_close(&c);
	}
}

static double norm_loss(void *context)
{
	struct case_norm *c = context;
	twin->layernorm(c->y, c->stride, c->x, c->stride, c->g, c->b, 1e-5, c->rows, c->H);
	return inner(c->y, c->stride, c->dy, c->stride, c->rows, c->H);
}

TEST(the_twin_of_layernorm_grad_is_the_difference)
{
	enum { ROWS = 3, H = 9 };
	struct case_norm c;
	norm_open(&c, ROWS, H);
	memset(c.dg, 0, H * sizeof(float));
	memset(c.db, 0, H * sizeof(float));
	twin->layernorm_grad(c.dx, c.stride, c.dg, c.db, c.dy, c.stride, c.x, c.stride, c.g, 1e-5, ROWS, H);
	for (size_t t = 0; t < ROWS; t++)
		for (size_t h = 0; h < H; h++)
			CHECK_NEAR(c.dx[t * c.stride + h], slope(norm_loss, &c, &c.x[t * c.stride + h]), 3e-5);
	for (int h = 0; h < H; h++) {
		CHECK_NEAR(c.dg[h], slope(norm_loss, &c, &c.g[h]), 3e-5);
		CHECK_NEAR(c.db[h], slope(norm_loss, &c, &c.b[h]), 3e-5);
	}
	norm_close(&c);
}

/* ---- activations ----------------------------------------------------------------------------------------------- */

TEST(the_twin_of_activation_grad_is_the_difference)
{
	for (int act = ACT_NONE; act <= ACT_TANH; act++)
		for (int i = -400; i <= 400; i++) {
			const double x = i / 50.0 + 0.003, h = 1e-3;
			double near = activation_ref(x + h, (enum activation)act) - activation_ref(x - h, (enum activation)act);
			double far =
				activation_ref(x + 2 * h, (enum activation)act) - activation_ref(x - 2 * h, (enum activation)act);
			CHECK_NEAR(activation_grad_ref(x, (enum activation)act), (8.0 * near - far) / (12.0 * h), 1e-10);
		}
}

/* The largest derivative is 1.13. */
TEST(activation_grad_is_within_1_5e_6_of_its_twin)
{
	enum { N = 4001 };
	static float z[N], ones[N], dz[N], exact[N];
	for (int act = ACT_NONE; act <= ACT_TANH; act++)
		for (int range = 1; range <= 27; range *= 3) {
			for (int i = 0; i < N; i++) {
				z[i] = (float)(range * (i - 2000.5) / 2000.0);
				ones[i] = 1.0f;
			}
			twin->activation_grad(exact, N, NULL, 0, ones, N, z, N, (enum activation)act, 1, N);
			EACH_TABLE(k)
			{
				k->activation_grad(dz, N, NULL, 0, ones, N, z, N, (enum activation)act, 1, N);
				CHECK_NEAR(difference(dz, exact, N), 0.0, 1.5e-6);
			}
		}
}

static void check_activation_rows(const struct kernels *k, enum activation act, int n)
{
	enum { ROWS = 3 };
	const size_t stride = (size_t)n + 4, size = extent(ROWS, stride, n);
	float *z = random_array(size, 4.0), *a = random_array(size, 1.0), *again = copy_array(a, size);
	float *da = random_array(size, 1.0), *exact = copy_array(da, size), *before = copy_array(da, size);
	float *through = copy_array(z, size), *zeros = calloc((size_t)panel_count(n) * PANEL, sizeof *zeros);
	twin->activation_grad(exact, stride, NULL, 0, da, stride, z, stride, act, ROWS, n);
	k->activation(a, stride, z, stride, act, ROWS, n);
	k->activation_grad(da, stride, again, stride, da, stride, z, stride, act, ROWS, n);
	CHECK(memcmp(a, again, size * sizeof *a) == 0); /* the gaps too: they began alike */
	CHECK_NEAR(difference(da, exact, size), 0.0, 1.5e-6);
	CHECK(gaps_equal(da, before, ROWS, stride, n));
	struct linear w = {.K = 1, .N = n, .bias = zeros};
	struct product p = {.y = through, .y_stride = stride, .w = &w, .act = act};
	k->finish(&p, 0, ROWS, 0, panel_count(n));
	for (size_t i = 0; i < size; i++)
		if (i % stride < (size_t)n)
			CHECK(through[i] == a[i]);
	float *all[] = {z, a, again, da, exact, before, through, zeros};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
}

TEST(activations_by_row_are_those_of_a_product_bit_for_bit)
{
	static const int widths[] = {1, 3, 17, 33, 100, 130};
	EACH_TABLE(k)
	for (int act = ACT_NONE; act <= ACT_TANH; act++)
		for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
			check_activation_rows(k, (enum activation)act, widths[i]);
}

TEST(activation_grad_is_finite_far_out_and_shows_nan)
{
	enum { N = 6 };
	static const float z[N] = {1e30f, -1e30f, INFINITY, -INFINITY, NAN, 0.0f};
	static const float ones[N] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
	static const float expected[5][N] = {[ACT_NONE] = {1, 1, 1, 1, 1, 1},
	                                     [ACT_GELU] = {1, 0, 1, 0, NAN, 0.5f},
	                                     [ACT_GELU_NEW] = {1, 0, 1, 0, NAN, 0.5f},
	                                     [ACT_RELU] = {1, 0, 1, 0, NAN, 0},
	                                     [ACT_TANH] = {0, 0, 0, 0, NAN, 1}};
	EACH_TABLE(k)
	for (int act = ACT_NONE; act <= ACT_TANH; act++) {
		float dz[N];
		k->activation_grad(dz, N, NULL, 0, ones, N, z, N, (enum activation)act, 1, N);
		for (int i = 0; i < N; i++)
			CHECK_NEAR(dz[i], expected[act][i], 1e-6);
	}
}

/* ---- dropout --------------------------------------------------------------------------------------------------- */

TEST(dropout_bits_are_the_random_number_generators_in_every_table)
{
	static const int widths[] = {1, 3, 17, 33, 100, 130, 768};
	static const uint32_t thresholds[] = {0, 1, 6554, 0x8000, 0xffff, 0x10000};
	const uint64_t seed = 0x123456789abcdef0, name = rng_stream("dropout");
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
		for (size_t j = 0; j < sizeof thresholds / sizeof *thresholds; j++) {
			const int n = widths[i];
			const uint64_t first = j % 2 ? 5 : 0x700000000 + j;
			const size_t size = 7 * (size_t)mask_words(n) * sizeof(uint16_t);
			uint16_t *bits = malloc(size), *exact = malloc(size);
			k->dropout_bits(bits, 7, n, seed, name, first, thresholds[j]);
			twin->dropout_bits(exact, 7, n, seed, name, first, thresholds[j]);
			CHECK(memcmp(bits, exact, size) == 0);
			k->dropout_bits(bits, 1, n, seed, name, first + 3, thresholds[j]); /* a row alone */
			CHECK(memcmp(bits, exact + 3 * mask_words(n), size / 7) == 0);
			free(bits);
			free(exact);
		}
}

/* 160000 draws at 0.9: the standard deviation of the share is 0.00075. */
TEST(dropout_keeps_the_share_asked_for)
{
	static uint16_t bits[100 * 100];
	EACH_TABLE(k)
	{
		int kept = 0;
		k->dropout_bits(bits, 100, 1600, 1, 2, 0, 6554);
		for (size_t i = 0; i < 100 * 100; i++)
			kept += __builtin_popcount(bits[i]);
		CHECK_NEAR(kept / 160000.0, 1.0 - 6554 / 65536.0, 0.003);
	}
}

static void check_dropout(const struct kernels *k, int n, int masked, int residual, int in_place)
{
	enum { ROWS = 4 };
	const size_t stride = (size_t)n + 2, size = extent(ROWS, stride, n);
	float *x = random_array(size, 1.0), *add = random_array(size, 1.0), *y = copy_array(x, size);
	float *exact = copy_array(x, size), *before = copy_array(x, size);
	uint16_t *bits = malloc(ROWS * (size_t)mask_words(n) * sizeof *bits);
	twin->dropout_bits(bits, ROWS, n, 5, (uint64_t)n, 0, 0x6000);
	twin->dropout(exact, stride, x, stride, residual ? add : NULL, stride, masked ? bits : NULL, 1.6f, ROWS, n);
	k->dropout(y, stride, in_place ? y : x, stride, residual ? add : NULL, stride, masked ? bits : NULL, 1.6f, ROWS, n);
	CHECK_NEAR(difference(y, exact, size), 0.0, residual ? 4e-7 : 0.0);
	CHECK(gaps_equal(y, before, ROWS, stride, n));
	for (size_t i = 0; i < size && masked && !residual; i++)
		if (i % stride < (size_t)n && !is_kept_ref(bits, n, (int)(i / stride), (int)(i % stride)))
			CHECK(y[i] == 0.0f);
	free(x);
	free(add);
	free(y);
	free(exact);
	free(before);
	free(bits);
}

TEST(dropout_equals_its_twin)
{
	static const int widths[] = {1, 3, 17, 33, 100, 130};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
		for (int kind = 0; kind < 8; kind++)
			check_dropout(k, widths[i], kind & 1, kind & 2, kind & 4);
}

TEST(dropout_shows_nan_that_is_kept)
{
	EACH_TABLE(k)
	{
		float x[3] = {NAN, NAN, 1.0f};
		const uint16_t bits = 5; /* the first and the third */
		k->dropout(x, 3, x, 3, NULL, 0, &bits, 2.0f, 1, 3);
		CHECK(isnan(x[0]) && x[1] == 0.0f && x[2] == 2.0f);
	}
}

/* ---- attention ------------------------------------------------------------------------------------------------- */

struct case_heads {
	int n, D;
	size_t stride, size;
	float *q, *k, *v, *out, *dout, *bias, *lse, *dq, *dk, *dv, *dbias, *scratch;
	uint16_t *bits;
	struct attention_grad g; /* g.forward: the forward pass */
};

static float *open_scratch(int n, int D)
{
	size_t count = attention_scratch(n, D) + attention_grad_scratch(n, D);
	float *scratch = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
	memset(scratch, 0xff, count * sizeof(float)); /* NaN: nothing stale may be used */
	return scratch;
}

static void heads_open(struct case_heads *c, int n, int D, double scale, int extras)
{
	*c = (struct case_heads){.n = n, .D = D, .stride = (size_t)(3 * D + 1)};
	c->size = extent(n, c->stride, D);
	float **arrays[] = {&c->q, &c->k, &c->v, &c->out, &c->dout, &c->dq, &c->dk, &c->dv};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		*arrays[i] = random_array(c->size, i < 2 ? scale : 1.0);
	c->bias = random_array((size_t)n, 2.0);
	c->dbias = random_array((size_t)n, 1.0);
	c->lse = random_array((size_t)n, 1.0);
	c->scratch = open_scratch(n, D);
	c->bits = malloc((size_t)n * (size_t)mask_words(n) * sizeof *c->bits);
	twin->dropout_bits(c->bits, n, n, 11, (uint64_t)D, 0, 0x4000);
	const size_t s = c->stride;
	c->g = (struct attention_grad){.dout = c->dout, .dout_stride = s, .dq = c->dq, .dk = c->dk, .dv = c->dv};
	c->g.dq_stride = c->g.dk_stride = c->g.dv_stride = s;
	c->g.queries = n;
	c->g.forward = (struct attention){.q = c->q, .k = c->k, .v = c->v, .n = n, .D = D, .out = c->out, .lse = c->lse};
	c->g.forward.q_stride = c->g.forward.k_stride = c->g.forward.v_stride = c->g.forward.out_stride = s;
	if (extras) {
		c->g.forward.key_bias = c->bias;
		c->g.forward.drop_bits = c->bits;
		c->g.forward.drop_scale = 1.0f / 0.75f;
		c->g.dkey_bias = c->dbias;
	}
}

static void heads_close(struct case_heads *c)
{
	float *all[] = {c->q, c->k, c->v, c->out, c->dout, c->bias, c->lse, c->dq, c->dk, c->dv, c->dbias, c->scratch};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
	free(c->bits);
}

static void check_attention_grad(const struct kernels *k, int n, int D, int extras, double scale)
{
	struct case_heads c;
	heads_open(&c, n, D, scale, extras);
	struct attention_grad exact = c.g;
	float *copies[] = {copy_array(c.out, c.size), copy_array(c.lse, (size_t)n),   copy_array(c.dq, c.size),
	                   copy_array(c.dk, c.size),  copy_array(c.dv, c.size),       copy_array(c.dbias, (size_t)n),
	                   open_scratch(n, D),        copy_array(c.dbias, (size_t)n), copy_array(c.dk, c.size)};
	exact.forward.out = copies[0];
	exact.forward.lse = copies[1];
	exact.dq = copies[2];
	exact.dk = copies[3];
	exact.dv = copies[4];
	exact.dkey_bias = extras ? copies[5] : NULL;
	k->attention(&c.g.forward, 0, n, c.scratch);
	k->attention_grad(&c.g, c.scratch);
	twin->attention(&exact.forward, 0, n, copies[6]);
	twin->attention_grad(&exact, copies[6]);
	const double tolerance = 3e-6 * (1.0 + scale * scale) * sqrt(D);
	double off[] = {difference(c.out, copies[0], c.size), difference(c.lse, copies[1], (size_t)n),
	                difference(c.dq, copies[2], c.size),  difference(c.dk, copies[3], c.size),
	                difference(c.dv, copies[4], c.size),  difference(c.dbias, copies[5], (size_t)n)};
	for (int i = 0; i < 6; i++)
		if (!(off[i] < tolerance))
			test_fail(__FILE__, __LINE__, "%s: n %d D %d extras %d scale %g: %s off by %g", k->name, n, D, extras,
			          scale, (const char *[]){"out", "lse", "dq", "dk", "dv", "dkey_bias"}[i], off[i]);
	CHECK(gaps_equal(c.dk, copies[8], n, c.stride, D));
	for (size_t i = 0; i < sizeof copies / sizeof *copies; i++)
		free(copies[i]);
	heads_close(&c);
}

TEST(attention_and_its_gradient_equal_their_twins)
{
	static const int sizes[][2] = {{1, 64}, {3, 12}, {17, 64}, {33, 12}, {100, 64}, {130, 12}, {40, 33}, {200, 4}};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int extras = 0; extras < 2; extras++)
			check_attention_grad(k, sizes[i][0], sizes[i][1], extras, 1.0);
	EACH_TABLE(k)
	for (int n = 2; n < 30; n += 3)
		check_attention_grad(k, n, n + 3, n % 2, 2.5);
}

TEST(attentions_dropout_and_lse_do_not_depend_on_the_query_range)
{
	EACH_TABLE(k)
	{
		struct case_heads c;
		heads_open(&c, 45, 12, 1.0, 1);
		struct attention whole = c.g.forward;
		whole.out = copy_array(c.out, c.size);
		whole.lse = copy_array(c.lse, 45);
		k->attention(&whole, 0, 45, c.scratch);
		for (int q = 0; q < 45; q += 9)
			k->attention(&c.g.forward, q, q + 9, c.scratch);
		CHECK(memcmp(whole.out, c.out, c.size * sizeof(float)) == 0);
		CHECK(memcmp(whole.lse, c.lse, 45 * sizeof(float)) == 0);
		free(whole.out);
		free(whole.lse);
		heads_close(&c);
	}
}

TEST(attention_received_and_from_cls_see_probabilities_before_dropout)
{
	EACH_TABLE(k)
	{
		struct case_heads c;
		heads_open(&c, 21, 8, 1.0, 1);
		float received[21] = {0}, plain[21] = {0}, cls[21], plain_cls[21];
		c.g.forward.received = received;
		c.g.forward.from_cls = cls;
		k->attention(&c.g.forward, 0, 21, c.scratch);
		c.g.forward.received = plain;
		c.g.forward.from_cls = plain_cls;
		c.g.forward.drop_bits = NULL;
		k->attention(&c.g.forward, 0, 21, c.scratch);
		CHECK(memcmp(received, plain, sizeof plain) == 0);
		CHECK(memcmp(cls, plain_cls, sizeof cls) == 0);
		heads_close(&c);
	}
}

static double heads_loss(void *context)
{
	struct case_heads *c = context;
	struct attention forward = c->g.forward;
	float *out = copy_array(c->out, c->size), lse[16]; /* the base point's stay */
	forward.out = out;
	forward.lse = lse;
	twin->attention(&forward, 0, c->n, c->scratch);
	double loss = inner(out, c->stride, c->dout, c->stride, c->n, c->D);
	free(out);
	return loss;
}

static void check_heads_slopes(struct case_heads *c)
{
	float *inputs[] = {c->q, c->k, c->v}, *grads[] = {c->dq, c->dk, c->dv};
	twin->attention(&c->g.forward, 0, c->n, c->scratch);
	twin->attention_grad(&c->g, c->scratch);
	for (int i = 0; i < 3; i++)
		for (size_t j = 0; j < c->size; j++)
			if (j % c->stride < (size_t)c->D)
				CHECK_NEAR(grads[i][j], slope(heads_loss, c, &inputs[i][j]), 3e-5);
	for (int j = 0; c->g.dkey_bias && j < c->n; j++)
		CHECK_NEAR(c->dbias[j], slope(heads_loss, c, &c->bias[j]), 3e-5);
}

TEST(the_twin_of_attention_grad_is_the_difference)
{
	for (int extras = 0; extras < 2; extras++) {
		struct case_heads c;
		heads_open(&c, 7, 5, 1.0, extras);
		check_heads_slopes(&c);
		heads_close(&c);
	}
}

/* One key: its probability is 1 whatever the logits, so that nothing reaches the query or the key. */
TEST(attention_grad_of_a_single_token_reaches_its_value_alone)
{
	EACH_TABLE(k)
	{
		struct case_heads c;
		heads_open(&c, 1, 10, 1.0, 0);
		k->attention(&c.g.forward, 0, 1, c.scratch);
		k->attention_grad(&c.g, c.scratch);
		for (int d = 0; d < 10; d++) {
			CHECK_NEAR(c.dq[d], 0.0, 1e-6);
			CHECK_NEAR(c.dk[d], 0.0, 1e-6);
			CHECK_NEAR(c.dv[d], c.dout[d], 1e-6);
		}
		heads_close(&c);
	}
}

TEST(attention_grad_gives_nothing_to_a_key_with_a_bias_of_minus_10000)
{
	EACH_TABLE(k)
	{
		struct case_heads c;
		heads_open(&c, 21, 12, 1.0, 1);
		c.bias[20] = -10000.0f;
		k->attention(&c.g.forward, 0, 21, c.scratch);
		k->attention_grad(&c.g, c.scratch);
		for (int d = 0; d < 12; d++)
			CHECK(c.dk[20 * c.stride + (size_t)d] == 0.0f && c.dv[20 * c.stride + (size_t)d] == 0.0f);
		CHECK(c.dbias[20] == 0.0f);
		heads_close(&c);
	}
}

TEST(attention_grad_shows_nan_where_it_belongs)
{
	EACH_TABLE(k)
	{
		struct case_heads c;
		heads_open(&c, 30, 10, 1.0, 0);
		k->attention(&c.g.forward, 0, 30, c.scratch);
		c.dout[13 * c.stride + 4] = NAN; /* query 13's, and with it every key's and column 4 of every value's */
		k->attention_grad(&c.g, c.scratch);
		for (size_t i = 0; i < 30; i++) {
			CHECK_INT(isnan(c.dq[i * c.stride]) != 0, i == 13);
			CHECK(isnan(c.dk[i * c.stride + 9]));
			CHECK(isnan(c.dv[i * c.stride + 4]) && !isnan(c.dv[i * c.stride + 5]));
		}
		heads_close(&c);
	}
}

/* ---- steps and losses ------------------------------------------------------------------------------------------ */

/* t = 1: m / (1 - beta1) is the gradient and sqrt(v / (1 - beta2)) its size, so that a weight moves by the learning
 * rate against the gradient's sign, after losing a share of rate * decay. */
TEST(adams_first_step_is_the_learning_rate)
{
	const double rate = 0.01;
	const struct adam a = {.gradient_scale = 0.5f,
	                       .beta1 = 0.9f,
	                       .beta2 = 0.999f,
	                       .eps = 1e-12f,
	                       .decay = (float)(rate * 0.1),
	                       .step_size = (float)(rate * sqrt(1.0 - 0.999) / (1.0 - 0.9))};
	EACH_TABLE(k)
	{
		float w[2] = {1.0f, -2.0f}, m[2] = {0}, v[2] = {0};
		const float g[2] = {4.0f, -0.02f};
		k->adam(w, g, m, v, 2, &a);
		CHECK_NEAR(w[0], 1.0 - 0.001 - 0.01, 3e-7);
		CHECK_NEAR(w[1], -2.0 + 0.002 + 0.01, 3e-7);
		CHECK_NEAR(m[0], 0.1 * 2.0, 1e-7);
		CHECK_NEAR(v[0], 0.001 * 4.0, 1e-7);
	}
}

TEST(adam_equals_its_twin_and_its_bits_do_not_depend_on_the_cut)
{
	const struct adam a = {0.3f, 0.9f, 0.999f, 1e-6f, 1e-4f, 2e-3f};
	EACH_TABLE(k)
	for (size_t n = 1; n < 140; n += n < 20 ? 1 : 37) {
		float *w = random_array(n, 1.0), *g = random_array(n, 1.0), *m = random_array(n, 1.0),
			  *v = random_array(n, 1.0);
		for (size_t i = 0; i < n; i++)
			v[i] = fabsf(v[i]);
		float *copy[] = {copy_array(w, n), copy_array(m, n), copy_array(v, n)};
		float *cut[] = {copy_array(w, n), copy_array(m, n), copy_array(v, n)};
		for (int step = 0; step < 3; step++) {
			k->adam(w, g, m, v, n, &a);
			twin->adam(copy[0], g, copy[1], copy[2], n, &a);
			k->adam(cut[0], g, cut[1], cut[2], n / 3, &a);
			k->adam(cut[0] + n / 3, g + n / 3, cut[1] + n / 3, cut[2] + n / 3, n - n / 3, &a);
		}
		CHECK_NEAR(difference(w, copy[0], n), 0.0, 1e-6);
		CHECK_NEAR(difference(m, copy[1], n), 0.0, 3e-7);
		CHECK_NEAR(difference(v, copy[2], n), 0.0, 3e-7);
		CHECK(memcmp(w, cut[0], n * sizeof *w) == 0);
		for (int i = 0; i < 3; i++) {
			free(copy[i]);
			free(cut[i]);
		}
		free(w);
		free(g);
		free(m);
		free(v);
	}
}

TEST(adam_without_a_gradient_is_adam_with_zeros)
{
	const struct adam a = {0.3f, 0.9f, 0.999f, 1e-6f, 1e-4f, 2e-3f};
	enum { N = 37 };
	EACH_TABLE(k)
	{
		float *w = random_array(N, 1.0), *m = random_array(N, 1.0), *v = random_array(N, 1.0), zeros[N] = {0};
		for (int i = 0; i < N; i++)
			v[i] = fabsf(v[i]);
		float *copy[] = {copy_array(w, N), copy_array(m, N), copy_array(v, N)};
		k->adam(w, NULL, m, v, N, &a);
		k->adam(copy[0], zeros, copy[1], copy[2], N, &a);
		CHECK(memcmp(w, copy[0], N * sizeof *w) == 0);
		CHECK(memcmp(m, copy[1], N * sizeof *m) == 0);
		CHECK(memcmp(v, copy[2], N * sizeof *v) == 0);
		for (int i = 0; i < 3; i++)
			free(copy[i]);
		free(w);
		free(m);
		free(v);
	}
}

TEST(square_sum_is_exact_to_double_and_shows_nan)
{
	EACH_TABLE(k)
	{
		for (size_t n = 0; n < 200; n += n < 40 ? 1 : 37) {
			float *x = random_array(n, 1.0);
			double exact = twin->square_sum(x, n);
			CHECK_NEAR(k->square_sum(x, n), exact, 1e-13 * exact);
			free(x);
		}
		float x[100] = {[0] = 3e30f, [99] = 4e30f}; /* overflows in float */
		CHECK_NEAR(sqrt(k->square_sum(x, 100)), 5e30, 1e24);
		x[57] = NAN;
		CHECK(isnan(k->square_sum(x, 100)));
	}
}

static void check_softmax_loss(const struct kernels *k, int n, double scale)
{
	float *z = random_array((size_t)n, scale), *exact = copy_array(z, (size_t)n);
	double mine = k->softmax_loss(z, n, n / 2, 0.125f), loss = twin->softmax_loss(exact, n, n / 2, 0.125f);
	CHECK_NEAR(mine, loss, 1e-6 + 2e-7 * scale);
	CHECK_NEAR(difference(z, exact, (size_t)n), 0.0, 2e-7 + 2e-8 * scale);
	free(z);
	free(exact);
}

TEST(softmax_loss_equals_its_twin)
{
	static const int counts[] = {1, 2, 3, 17, 33, 100, 130, 1024, 1025, 30522};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		check_softmax_loss(k, counts[i], 1.0);
		check_softmax_loss(k, counts[i], 30.0);
	}
}

TEST(softmax_loss_of_four_equal_logits_is_log_4)
{
	EACH_TABLE(k)
	{
		float z[4] = {1000.0f, 1000.0f, 1000.0f, 1000.0f};
		CHECK_NEAR(k->softmax_loss(z, 4, 2, 2.0f), log(4.0), 1e-4); /* 1000 in units of log 2 is rounded */
		CHECK_NEAR(z[0], 0.5, 1e-7);
		CHECK_NEAR(z[2], -1.5, 1e-7);
		float y[3] = {0.0f, NAN, 1.0f};
		CHECK(isnan(k->softmax_loss(y, 3, 0, 1.0f)) && isnan(y[2]));
	}
}

struct case_loss {
	float z[11];
};

static double loss_of(void *context)
{
	struct case_loss copy = *(struct case_loss *)context;
	return twin->softmax_loss(copy.z, 11, 4, 1.0f);
}

TEST(the_twin_of_softmax_loss_leaves_the_difference)
{
	struct case_loss c, grad;
	float *z = random_array(11, 2.0);
	memcpy(c.z, z, sizeof c.z);
	grad = c;
	twin->softmax_loss(grad.z, 11, 4, 0.5f);
	for (int j = 0; j < 11; j++)
		CHECK_NEAR(grad.z[j], 0.5 * slope(loss_of, &c, &c.z[j]), 1e-6);
	free(z);
}

#ifdef ADAPLER_TEST
TEST(counters_count_training_once)
{
	EACH_TABLE(k)
	{
		struct case_weight w;
		struct case_heads h;
		weight_open(&w, 20, 14, 10);
		heads_open(&h, 9, 7, 1.0, 0);
		k->attention(&h.g.forward, 0, 9, h.scratch);
		int64_t before = kernels_flops.weight_grad, before_heads = kernels_flops.attention_grad;
		k->weight_grad(&w.g, 3, 14);
		k->attention_grad(&h.g, h.scratch);
		CHECK_INT(kernels_flops.weight_grad - before, 2 * 20 * 11 * 10);
		CHECK_INT(kernels_flops.attention_grad - before_heads, 10 * 9 * 9 * 7);
		weight_close(&w);
		heads_close(&h);
	}
}
#endif
