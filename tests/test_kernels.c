/* Every kernel of every table this processor has against its twin in double precision, at sizes that are multiples of
 * nothing, in buffers that end where the data ends. */
#include "test.h"

#include "../engine/kernels_ref.h"
#include "kernel_tables.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int is_own(const struct kernels *k) { return strcmp(k->name, "openblas") != 0; }

/* ---- product -------------------------------------------------------------------------------------------------- */

struct case_product {
	int T, K, N;
	struct linear w;
	float *rows, *panels, *bias, *x, *y, *residual;
	size_t x_stride, y_stride;
	struct product p;
};

static void product_open(struct case_product *c, int T, int K, int N)
{
	*c = (struct case_product){.T = T, .K = K, .N = N, .x_stride = (size_t)K + 3, .y_stride = (size_t)N + 5};
	size_t columns = (size_t)panel_count(N) * PANEL;
	c->rows = random_array((size_t)N * (size_t)K, 1.0 / sqrt(K));
	c->panels = calloc(columns * (size_t)K, sizeof(float));
	c->bias = calloc(columns, sizeof(float));
	float *bias = random_array((size_t)N, 1.0);
	memcpy(c->bias, bias, (size_t)N * sizeof *bias);
	free(bias);
	linear_pack(c->panels, K, 0, c->rows, N);
	c->x = random_array(extent(T, c->x_stride, K), 2.0);
	c->y = random_array(extent(T, c->y_stride, N), 1.0);
	c->residual = random_array(extent(T, c->y_stride, N), 1.0);
	c->w = (struct linear){.K = K, .N = N, .panels = c->panels, .bias = c->bias, .rows = c->rows};
	c->p = (struct product){.x = c->x, .x_stride = c->x_stride, .y = c->y, .y_stride = c->y_stride, .w = &c->w};
}

static void product_close(struct case_product *c)
{
	free(c->rows);
	free(c->panels);
	free(c->bias);
	free(c->x);
	free(c->y);
	free(c->residual);
}

/* The largest |a - b| over the matrix, and whether what lies between the rows was left alone. */
static double largest_difference(const struct case_product *c, const float *a, const float *b, int *gaps_kept)
{
	double worst = 0.0;
	for (size_t i = 0; i < extent(c->T, c->y_stride, c->N); i++) {
		double d = fabs((double)a[i] - b[i]);
		if (i % c->y_stride >= (size_t)c->N)
			*gaps_kept &= a[i] == b[i];
		else if (!(d <= worst))
			worst = d;
	}
	return worst;
}

static void check_product(const struct kernels *k, int T, int K, int N, enum activation act, int residual)
{
	struct case_product c;
	product_open(&c, T, K, N);
	c.p.act = act;
	size_t size = extent(T, c.y_stride, N);
	float *mine = copy_array(c.y, size), *twin = copy_array(c.y, size);
	int gaps_kept = 1;
	for (int i = 0; i < 2; i++) {
		struct product p = c.p;
		p.y = i ? twin : mine;
		p.residual = residual == 2 ? p.y : residual ? c.residual : NULL;
		p.residual_stride = c.y_stride;
		(i ? &kernels_reference : k)->product(&p, 0, T, 0, panel_count(N));
	}
	double worst = largest_difference(&c, mine, twin, &gaps_kept);
	if (!(worst < 4e-6) || !gaps_kept)
		test_fail(__FILE__, __LINE__, "%s: T %d K %d N %d activation %d residual %d: off by %g, gaps kept: %d", k->name,
		          T, K, N, act, residual, worst, gaps_kept);
	free(mine);
	free(twin);
	product_close(&c);
}

TEST(product_equals_its_twin_at_odd_sizes)
{
	static const int sizes[][3] = {{1, 1, 1},    {1, 7, 130},  {2, 65, 33},  {3, 33, 257}, {4, 19, 70},  {5, 96, 64},
	                               {6, 17, 31},  {7, 5, 16},   {8, 130, 48}, {9, 3, 17},   {10, 31, 8},  {11, 64, 40},
	                               {12, 77, 32}, {13, 40, 65}, {23, 11, 34}, {24, 9, 2},   {25, 8, 100}, {61, 13, 47}};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int residual = 0; residual < 3; residual++)
			check_product(k, sizes[i][0], sizes[i][1], sizes[i][2], ACT_NONE, residual);
}

TEST(product_applies_every_activation)
{
	EACH_TABLE(k)
	for (int act = ACT_NONE; act <= ACT_TANH; act++)
		check_product(k, 14, 37, 75, (enum activation)act, 0);
}

TEST(product_of_a_deep_matrix_equals_its_twin)
{
	EACH_TABLE(k)
	{
		check_product(k, 5, 3072, 33, ACT_NONE, 1);
		check_product(k, 29, 2000, 70, ACT_GELU, 0);
	}
}

/* Cuts rows and panels at random; the bits must not depend on it. */
static void check_cuts(const struct kernels *k, int T, int K, int N, uint64_t seed)
{
	struct case_product c;
	product_open(&c, T, K, N);
	c.p.act = ACT_GELU;
	size_t size = extent(T, c.y_stride, N);
	float *whole = copy_array(c.y, size);
	struct product p = c.p;
	p.y = whole;
	k->product(&p, 0, T, 0, panel_count(N));
	uint64_t draw = 0;
	for (int row = 0, row1; row < T; row = row1) {
		row1 = row + 1 + (int)rng_below(seed, 1, draw++, (uint32_t)(T - row));
		for (int panel = 0, panel1; panel < panel_count(N); panel = panel1) {
			panel1 = panel + 1 + (int)rng_below(seed, 1, draw++, (uint32_t)(panel_count(N) - panel));
			k->product(&c.p, row, row1, panel, panel1);
		}
	}
	if (memcmp(whole, c.y, size * sizeof(float)) != 0)
		test_fail(__FILE__, __LINE__, "%s: T %d K %d N %d: bits depend on the cut", k->name, T, K, N);
	free(whole);
	product_close(&c);
}

TEST(product_bits_do_not_depend_on_how_rows_and_panels_are_cut)
{
	EACH_TABLE(k)
	for (uint64_t seed = 0; is_own(k) && seed < 12; seed++) {
		check_cuts(k, 1 + (int)rng_below(seed, 2, 0, 40), 1 + (int)rng_below(seed, 2, 1, 90),
		           1 + (int)rng_below(seed, 2, 2, 400), seed);
	}
	EACH_TABLE(k)
	if (is_own(k))
		check_cuts(k, 27, 1500, 130, 5);
}

TEST(product_keeps_nan_visible_and_in_its_row)
{
	EACH_TABLE(k)
	for (int act = ACT_NONE; act <= ACT_TANH; act++) {
		struct case_product c;
		product_open(&c, 15, 20, 35);
		c.p.act = (enum activation)act;
		c.x[7 * c.x_stride + 11] = NAN;
		k->product(&c.p, 0, 15, 0, 2);
		for (int t = 0; t < 15; t++)
			for (int n = 0; n < 35; n++)
				CHECK_INT(isnan(c.y[(size_t)t * c.y_stride + (size_t)n]) != 0, t == 7);
		product_close(&c);
	}
}

TEST(matrices_packed_into_one_map_keep_their_columns)
{
	enum { K = 5, N = 43 };
	struct case_product c;
	product_open(&c, 3, K, N);
	float *panels = calloc((size_t)panel_count(N) * PANEL * K, sizeof *panels);
	linear_pack(panels, K, 0, c.rows, 20);
	linear_pack(panels, K, 20, c.rows + (size_t)20 * K, N - 20);
	CHECK(memcmp(panels, c.panels, (size_t)panel_count(N) * PANEL * K * sizeof *panels) == 0);
	CHECK(panels[(size_t)(1 * K + 2) * PANEL + 1] == c.rows[33 * K + 2]);
	free(panels);
	product_close(&c);
}

/* ---- activations: through a product with one weight of 1 ------------------------------------------------------- */

static float activate(const struct kernels *k, float x, enum activation act)
{
	float panel[PANEL] = {1.0f}, bias[PANEL] = {0.0f}, y = 0.0f, one = 1.0f;
	struct linear w = {.K = 1, .N = 1, .panels = panel, .bias = bias, .rows = &one};
	struct product p = {.x = &x, .x_stride = 16, .y = &y, .y_stride = 16, .w = &w, .act = act};
	k->product(&p, 0, 1, 0, 1);
	return y;
}

/* The largest relative error over a range, errors below `floor` passed over. */
static double activation_error(const struct kernels *k, enum activation act, double low, double high, double floor)
{
	double worst = 0.0;
	for (int i = 0; i <= 4000; i++) {
		float x = (float)(low + (high - low) * i / 4000.0);
		double exact = activation_ref(x, act), error = fabs(activate(k, x, act) - exact);
		if (error > floor)
			worst = fmax(worst, error / fabs(exact));
	}
	return worst;
}

TEST(gelu_is_within_2e_6_relative_of_the_erf_form_down_to_minus_6)
{
	EACH_TABLE(k)
	{
		CHECK_NEAR(activation_error(k, ACT_GELU, -1e-3, 1e-3, 0.0), 0.0, 5e-7);
		CHECK_NEAR(activation_error(k, ACT_GELU, -3.0, 6.0, 0.0), 0.0, 1e-6);
		CHECK_NEAR(activation_error(k, ACT_GELU, -6.0, -3.0, 0.0), 0.0, 6e-6);
		CHECK_NEAR(activation_error(k, ACT_GELU, -60.0, 60.0, 1e-8), 0.0, 1e-6);
		CHECK(activate(k, -1e30f, ACT_GELU) <= 0.0f && activate(k, -1e30f, ACT_GELU) > -1e-20f);
		CHECK(activate(k, 1e30f, ACT_GELU) == 1e30f);
	}
}

TEST(gelu_new_relu_and_tanh_are_exact_to_rounding)
{
	EACH_TABLE(k)
	{
		CHECK_NEAR(activation_error(k, ACT_GELU_NEW, -3.0, 20.0, 0.0), 0.0, 2e-6);
		CHECK_NEAR(activation_error(k, ACT_GELU_NEW, -60.0, -3.0, 1e-8), 0.0, 2e-6);
		CHECK_NEAR(activation_error(k, ACT_TANH, -1e-3, 1e-3, 0.0), 0.0, 3e-7);
		CHECK_NEAR(activation_error(k, ACT_TANH, -30.0, 30.0, 0.0), 0.0, 5e-7);
		CHECK_NEAR(activation_error(k, ACT_RELU, -3.0, 3.0, 0.0), 0.0, 0.0);
		CHECK(activate(k, 1e30f, ACT_GELU_NEW) == 1e30f);
	}
}

/* ---- layernorm, dot_rows, softmax ------------------------------------------------------------------------------ */

static void check_layernorm(const struct kernels *k, int rows, int H, double offset, int in_place)
{
	size_t stride = (size_t)H + 2, size = extent(rows, stride, H);
	float *x = random_array(size, 3.0), *y = copy_array(x, size), *twin = copy_array(x, size);
	float *g = random_array((size_t)H, 1.0), *b = random_array((size_t)H, 1.0);
	for (size_t i = 0; i < size; i++)
		y[i] = x[i] += (float)offset;
	kernels_reference.layernorm(twin, stride, x, stride, g, b, 1e-12, rows, H);
	k->layernorm(y, stride, in_place ? y : x, stride, g, b, 1e-12, rows, H);
	double worst = 0.0;
	for (size_t i = 0; i < size; i++)
		if (i % stride < (size_t)H)
			worst = fmax(worst, fabs((double)y[i] - twin[i]));
		else
			CHECK(y[i] == x[i]);
	if (!(worst <= 2e-6 + fabs(offset) * 1e-7))
		test_fail(__FILE__, __LINE__, "%s: rows %d H %d offset %g: off by %g", k->name, rows, H, offset, worst);
	free(x);
	free(y);
	free(twin);
	free(g);
	free(b);
}

TEST(layernorm_equals_its_twin)
{
	static const int widths[] = {2, 3, 15, 16, 17, 31, 64, 65, 100, 128, 257, 312, 768, 1000};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
		check_layernorm(k, 1, widths[i], 0.0, 0);
		check_layernorm(k, 5, widths[i], 0.5, 1);
		check_layernorm(k, 2, widths[i], 100.0, 0);
	}
}

TEST(layernorm_bits_do_not_depend_on_the_rows_beside)
{
	EACH_TABLE(k)
	for (int H = 5; H < 400; H += 79) {
		size_t size = (size_t)7 * (size_t)H;
		float *x = random_array(size, 2.0), *y = copy_array(x, size), *g = random_array((size_t)H, 1.0);
		k->layernorm(y, (size_t)H, x, (size_t)H, g, g, 1e-5, 7, H);
		for (int t = 0; t < 7; t++)
			k->layernorm(x + (size_t)t * (size_t)H, (size_t)H, x + (size_t)t * (size_t)H, (size_t)H, g, g, 1e-5, 1, H);
		CHECK(memcmp(x, y, size * sizeof *x) == 0);
		free(x);
		free(y);
		free(g);
	}
}

TEST(layernorm_keeps_nan_in_its_row)
{
	EACH_TABLE(k)
	{
		float x[3][40], g[40], b[40];
		for (int h = 0; h < 40; h++) {
			g[h] = 1.0f;
			b[h] = 0.0f;
			for (int t = 0; t < 3; t++)
				x[t][h] = (float)(h * t % 7);
		}
		x[1][39] = NAN;
		k->layernorm(x[0], 40, x[0], 40, g, b, 1e-12, 3, 40);
		for (int h = 0; h < 40; h++)
			CHECK(!isnan(x[0][h]) && isnan(x[1][h]) && !isnan(x[2][h]));
	}
}

TEST(dot_rows_equals_its_twin)
{
	EACH_TABLE(k)
	for (int K = 1; K < 70; K++) {
		float *h = random_array(extent(3, 80, K), 1.0), *w = random_array((size_t)K, 1.0), z[3], twin[3];
		k->dot_rows(z, h, 80, w, 0.25f, 3, K);
		kernels_reference.dot_rows(twin, h, 80, w, 0.25f, 3, K);
		for (int t = 0; t < 3; t++)
			CHECK_NEAR(z[t], twin[t], 2e-6);
		free(h);
		free(w);
	}
}

static void check_softmax(const struct kernels *k, int n, double scale)
{
	float *z = random_array((size_t)n, scale), *twin = copy_array(z, (size_t)n);
	k->softmax(z, n);
	kernels_reference.softmax(twin, n);
	double sum = 0.0;
	for (int j = 0; j < n; j++) {
		CHECK_NEAR(z[j], twin[j], 1e-9 + twin[j] * (1e-6 + scale * 1.5e-7));
		sum += z[j];
	}
	CHECK_NEAR(sum, 1.0, 2e-6);
	free(z);
	free(twin);
}

TEST(softmax_equals_its_twin_also_at_huge_values)
{
	EACH_TABLE(k)
	for (int n = 1; n <= 600; n += n < 70 ? 1 : 53) {
		check_softmax(k, n, 1.0);
		check_softmax(k, n, 30.0);
		check_softmax(k, n, 1e4);
	}
}

TEST(softmax_shows_nan_and_gives_zero_to_minus_infinity)
{
	EACH_TABLE(k)
	{
		float z[20] = {0}, y[3] = {1.0f, -INFINITY, 1.0f};
		z[18] = NAN;
		k->softmax(z, 20);
		for (int j = 0; j < 20; j++)
			CHECK(isnan(z[j]));
		k->softmax(y, 3);
		CHECK(y[0] == 0.5f && y[1] == 0.0f && y[2] == 0.5f);
	}
}

/* ---- attention ------------------------------------------------------------------------------------------------- */

struct case_attention {
	int n, D;
	float *q, *k, *v, *out, *bias, *received, *cls, *scratch;
	size_t size;
	struct attention a;
};

static void attention_open(struct case_attention *c, int n, int D, double scale)
{
	size_t stride = (size_t)(3 * D + 1), size = extent(n, stride, D);
	*c = (struct case_attention){.n = n, .D = D, .size = size};
	c->q = random_array(size, scale);
	c->k = random_array(size, scale);
	c->v = random_array(size, 1.0);
	c->out = random_array(size, 1.0);
	c->bias = random_array((size_t)n, 2.0);
	c->received = random_array((size_t)n, 1.0);
	c->cls = random_array((size_t)n, 1.0);
	c->scratch = aligned_alloc(64, (attention_scratch(n, D) * sizeof(float) + 63) / 64 * 64);
	memset(c->scratch, 0xff, attention_scratch(n, D) * sizeof(float)); /* NaN: nothing stale may be used */
	c->a = (struct attention){.q = c->q,
	                          .k = c->k,
	                          .v = c->v,
	                          .q_stride = stride,
	                          .k_stride = stride,
	                          .v_stride = stride,
	                          .n = n,
	                          .D = D,
	                          .out = c->out,
	                          .out_stride = stride,
	                          .key_bias = c->bias,
	                          .received = c->received,
	                          .from_cls = c->cls};
}

static void attention_close(struct case_attention *c)
{
	free(c->q);
	free(c->k);
	free(c->v);
	free(c->out);
	free(c->bias);
	free(c->received);
	free(c->cls);
	free(c->scratch);
}

static void check_attention(const struct kernels *k, int n, int D, int query0, int query1, int extras, double scale)
{
	struct case_attention c;
	attention_open(&c, n, D, scale);
	if (!extras)
		c.a.key_bias = c.a.received = c.a.from_cls = NULL;
	struct attention twin = c.a;
	twin.out = copy_array(c.out, c.size);
	if (extras) {
		twin.received = copy_array(c.received, (size_t)n);
		twin.from_cls = copy_array(c.cls, (size_t)n);
	}
	k->attention(&c.a, query0, query1, c.scratch);
	kernels_reference.attention(&twin, query0, query1, c.scratch);
	double out = difference(c.out, twin.out, c.size), tolerance = 2e-6 * (1.0 + scale * scale);
	double sums = extras ? difference(c.received, twin.received, (size_t)n) : 0.0;
	double cls = extras ? difference(c.cls, twin.from_cls, (size_t)n) : 0.0;
	if (!(out < tolerance) || !(sums < tolerance + 1e-6 * (query1 - query0)) || !(cls < tolerance))
		test_fail(__FILE__, __LINE__, "%s: n %d D %d queries %d..%d extras %d scale %g: out %g received %g cls %g",
		          k->name, n, D, query0, query1, extras, scale, out, sums, cls);
	free(twin.out);
	if (extras) {
		free(twin.received);
		free(twin.from_cls);
	}
	attention_close(&c);
}

TEST(attention_equals_its_twin_at_every_head_width)
{
	EACH_TABLE(k)
	for (int D = 1; D <= 128; D += D < 40 ? 1 : 11)
		check_attention(k, 19, D, 0, 19, D % 2, 1.0);
}

TEST(attention_equals_its_twin_at_every_length)
{
	EACH_TABLE(k)
	{
		for (int n = 1; n <= 70; n++)
			check_attention(k, n, 16, 0, n, n % 3 != 0, 1.5);
		check_attention(k, 129, 32, 0, 129, 1, 1.0);
		check_attention(k, 600, 64, 0, 13, 1, 1.0);
		check_attention(k, 511, 24, 510, 511, 1, 1.0);
		check_attention(k, 45, 8, 0, 45, 1, 20.0);
	}
}

TEST(attention_bits_do_not_depend_on_the_query_range)
{
	static const int sizes[][2] = {{1, 64}, {7, 32}, {16, 64}, {29, 20}, {53, 64}, {130, 32}};
	EACH_TABLE(k)
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct case_attention c;
		attention_open(&c, sizes[i][0], sizes[i][1], 1.0);
		float *whole = copy_array(c.out, c.size), *received = copy_array(c.received, (size_t)c.n);
		float *cls = copy_array(c.cls, (size_t)c.n);
		struct attention a = c.a;
		a.out = whole;
		a.received = received;
		a.from_cls = cls;
		k->attention(&a, 0, c.n, c.scratch);
		for (int q = 0, q1; q < c.n; q = q1) {
			q1 = q + 1 + (int)rng_below(3, i, (uint64_t)q, (uint32_t)(c.n - q));
			k->attention(&c.a, q, q1, c.scratch);
		}
		CHECK(memcmp(whole, c.out, c.size * sizeof(float)) == 0);
		CHECK(memcmp(received, c.received, (size_t)c.n * sizeof(float)) == 0);
		CHECK(memcmp(cls, c.cls, (size_t)c.n * sizeof(float)) == 0);
		free(whole);
		free(received);
		free(cls);
		attention_close(&c);
	}
}

/* A key at -10000 must weigh exactly nothing, whatever its value says. */
TEST(attention_ignores_a_key_with_a_bias_of_minus_10000)
{
	EACH_TABLE(k)
	{
		struct case_attention c;
		attention_open(&c, 21, 12, 1.0);
		memset(c.bias, 0, 21 * sizeof *c.bias);
		c.bias[20] = -10000.0f;
		k->attention(&c.a, 0, 21, c.scratch);
		CHECK(c.cls[20] == 0.0f);
		float *masked = copy_array(c.out, c.size);
		c.a.n = 20; /* without it, and without a bias */
		c.a.key_bias = NULL;
		k->attention(&c.a, 0, 20, c.scratch);
		CHECK_NEAR(difference(masked, c.out, (size_t)20 * c.a.out_stride), 0.0, 1e-6);
		free(masked);
		attention_close(&c);
	}
}

TEST(attention_shows_nan_where_it_belongs)
{
	EACH_TABLE(k)
	{
		struct case_attention c;
		attention_open(&c, 30, 10, 1.0);
		c.q[13 * c.a.q_stride + 4] = NAN; /* query 13 only */
		k->attention(&c.a, 0, 30, c.scratch);
		for (int i = 0; i < 30; i++)
			CHECK_INT(isnan(c.out[(size_t)i * c.a.out_stride]) != 0, i == 13);
		c.k[29 * c.a.k_stride] = NAN; /* every query sees the last key */
		k->attention(&c.a, 0, 30, c.scratch);
		for (int i = 0; i < 30; i++)
			CHECK(isnan(c.out[(size_t)i * c.a.out_stride + 9]));
		attention_close(&c);
	}
}

/* ---- tables ---------------------------------------------------------------------------------------------------- */

TEST(kernels_are_found_by_name_and_the_fastest_by_none)
{
	CHECK(kernels_find("abacus") == NULL);
	CHECK(kernels_find("portable") != NULL);
	CHECK(kernels_find(NULL) != NULL && kernels_find(NULL) == kernels_find(""));
	CHECK(kernels_find(NULL)->is_available());
	CHECK(strcmp(kernels_find(NULL)->name, "openblas") != 0);
}

TEST(row_stride_is_an_odd_number_of_lines_that_holds_the_row)
{
	for (int columns = 1; columns < 5000; columns++) {
		size_t stride = row_stride(columns);
		CHECK(stride >= (size_t)columns && stride % 16 == 0 && stride < (size_t)columns + 32);
		CHECK(columns <= 32 || stride / 16 % 2 == 1);
	}
}

#ifdef ADAPLER_TEST
TEST(counters_add_up_whatever_the_cut)
{
	EACH_TABLE(k)
	{
		struct case_product c;
		product_open(&c, 14, 10, 45);
		int64_t before = kernels_flops.product;
		k->product(&c.p, 0, 14, 0, 2);
		CHECK_INT(kernels_flops.product - before, 2 * 14 * 10 * 45);
		before = kernels_flops.product;
		k->product(&c.p, 3, 14, 1, 2);
		CHECK_INT(kernels_flops.product - before, 2 * 11 * 10 * 13);
		product_close(&c);
		struct case_attention a;
		attention_open(&a, 9, 7, 1.0);
		before = kernels_flops.attention;
		k->attention(&a.a, 2, 6, a.scratch);
		CHECK_INT(kernels_flops.attention - before, 4 * 4 * 9 * 7);
		attention_close(&a);
	}
}
#endif
