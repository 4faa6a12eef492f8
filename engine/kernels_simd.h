/* The kernels, written once over vectors of LANES floats and compiled once for each instruction set.
 *
 * The including file defines LANES, ROWS (most rows of a tile), the types vf and the few operations v_* that differ,
 * then TABLE and NAME. Everything else is here, so that the tables can differ in speed but not in what they compute.
 *
 * A tile is the product of up to ROWS rows with COLS columns, held in registers. An element is one accumulator that
 * takes its terms in the order of k: never split, never reassociated. That is what makes results independent of how
 * rows and panels were cut into calls and tiles. */
#include "kernels.h"

#include <math.h>
#include <string.h>

#define INLINE   static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
/* The loop after it has a constant count, and must leave no array index behind: its arrays are registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 128")
#endif

enum {
	VECTORS = 2, /* vectors in a tile's row */
	COLS = VECTORS * LANES,
	TILE_IS_NARROW = COLS < (int)PANEL,
	NORM_ROWS = 4, /* rows normalised together */
	WIDE = 4,      /* most tiles side by side, when rows are few */
};

/* ---- elementary functions ------------------------------------------------------------------------------------- */

/* Lanes below n from a, the others from b. */
INLINE vf v_first(vf a, int n, vf b) { return v_less_select(v_lane_numbers(), v_set((float)n), a, b); }

/* 2^t for t < 128, 0 far below; relative error 1.5e-7. The polynomial is the minimax of (2^r - 1)/r on [0,1], so that
 * 2^0 is 1. NaN stays NaN. */
INLINE vf v_exp2(vf t)
{
	vf r = v_fraction(&t);
	vf p = v_set(0.00186712927832f);
	p = v_fma(p, r, v_set(0.00901703227919f));
	p = v_fma(p, r, v_set(0.0557999114925f));
	p = v_fma(p, r, v_set(0.240164450646f));
	p = v_fma(p, r, v_set(0.693151311762f));
	p = v_fma(p, r, v_set(1.0f));
	return v_scale2(p, t);
}

/* Phi(-a), 0 <= a <= 12, is 2^P(a): P is smooth, so one polynomial (minimax, weighted by 1/(1+(a/4)^6), on [0,6]) gives
 * the tail with a small relative error, without a division. Beyond 6 it falls faster than P does: a Phi(-a) is below
 * 6e-9 there. */
INLINE vf v_normal_tail(vf a)
{
	vf p = v_set(-1.61631147698e-8f);
	p = v_fma(p, a, v_set(5.22688493358e-7f));
	p = v_fma(p, a, v_set(-7.22030985979e-6f));
	p = v_fma(p, a, v_set(5.36403076238e-5f));
	p = v_fma(p, a, v_set(-0.000197009725333f));
	p = v_fma(p, a, v_set(-0.0001819594744f));
	p = v_fma(p, a, v_set(0.00718578302912f));
	p = v_fma(p, a, v_set(-0.0526175250855f));
	p = v_fma(p, a, v_set(-0.459156200282f));
	p = v_fma(p, a, v_set(-1.15111319387f));
	p = v_fma(p, a, v_set(-0.999999799109f));
	return v_exp2(p);
}

/* x Phi(x) = max(x,0) - |x| Phi(-|x|) serves both sides. */
INLINE vf v_gelu(vf x)
{
	vf a = v_min(v_set(12.0f), v_abs(x));
	return v_fma(v_set(0.0f) - a, v_normal_tail(a), v_max(v_set(0.0f), x));
}

/* x/2 (1 + tanh u) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3). */
INLINE vf v_gelu_new(vf x)
{
	vf u = v_fma(x * x, v_set(0.044715f), v_set(1.0f)) * x;
	vf t = v_min(v_set(127.0f), u * v_set(-2.302208198f)); /* -2 log2(e) sqrt(2/pi) */
	return x / (v_set(1.0f) + v_exp2(t));
}

/* (1 - e)/(1 + e), e = exp(-2|x|); near 0, where that cancels, x + x^3 P(x^2). */
INLINE vf v_tanh(vf x)
{
	vf a = v_abs(x), z = x * x;
	vf e = v_exp2(a * v_set(-2.885390082f));
	vf far = v_copysign((v_set(1.0f) - e) / (v_set(1.0f) + e), x);
	vf p = v_set(-5.70498872745e-3f);
	p = v_fma(p, z, v_set(2.06390887954e-2f));
	p = v_fma(p, z, v_set(-5.37397155531e-2f));
	p = v_fma(p, z, v_set(1.33314422036e-1f));
	p = v_fma(p, z, v_set(-3.33332819422e-1f));
	return v_less_select(a, v_set(0.625f), v_fma(p * z, x, x), far);
}

INLINE vf v_activate(vf z, enum activation act)
{
	switch (act) {
	case ACT_GELU: return v_gelu(z);
	case ACT_GELU_NEW: return v_gelu_new(z);
	case ACT_RELU: return v_max(v_set(0.0f), z);
	case ACT_TANH: return v_tanh(z);
	default: return z;
	}
}

/* ---- tiles ---------------------------------------------------------------------------------------------------- */

/* Where tile t of a packed matrix of depth K begins. */
INLINE size_t tile_offset(int t, int K)
{
	return (size_t)(t * COLS / PANEL) * (size_t)K * PANEL + (size_t)(t * COLS % PANEL);
}

/* out[r][c] = sum over k, in order, of x[r][k] w[k][c]: R rows, `tiles` tiles side by side, each `vectors` wide. */
INLINE void tile_body(const int R, const int tiles, const int vectors, float *out, size_t out_stride, const float *x,
                      size_t x_stride, const float *w, int K)
{
	vf sum[ROWS * VECTORS * WIDE];
	const int C = tiles * vectors;
	UNROLL
	for (int i = 0; i < R * C; i++)
		sum[i] = v_set(0.0f);
	const float *tile[WIDE];
	UNROLL
	for (int t = 0; t < tiles; t++)
		tile[t] = w + tile_offset(t, K);
	for (int k = 0; k < K; k++) {
		vf b[VECTORS * WIDE];
		UNROLL
		for (int c = 0; c < C; c++) {
			const float *p = tile[c / vectors] + (size_t)k * PANEL + (size_t)(c % vectors) * LANES;
			b[c] = v_load(p);
			/* The line beside is for the panel's next tile: memory sees one stream instead of two halves. */
			if (TILE_IS_NARROW && c == 0)
				__builtin_prefetch(p + 16);
		}
		UNROLL
		for (int r = 0; r < R; r++) {
			vf a = v_set(x[(size_t)r * x_stride + (size_t)k]);
			UNROLL
			for (int c = 0; c < C; c++)
				sum[r * C + c] = v_fma(a, b[c], sum[r * C + c]);
		}
	}
	UNROLL
	for (int r = 0; r < R; r++) {
		UNROLL
		for (int c = 0; c < C; c++)
			v_store(out + (size_t)r * out_stride + (size_t)(c / vectors) * COLS + (size_t)(c % vectors) * LANES,
			        sum[r * C + c]);
	}
}

/* One function for each number of rows; the second set is one vector wide, the third several tiles. */
#define TILE_ARGS float *out, size_t out_stride, const float *x, size_t x_stride, const float *w, int K
#define TILE_FUNCTION(R, tiles, vectors)                                  \
	NOINLINE void tile_##R##_##tiles##_##vectors(TILE_ARGS)               \
	{                                                                     \
		tile_body(R, tiles, vectors, out, out_stride, x, x_stride, w, K); \
	}
#define TILE_FUNCTIONS(R) TILE_FUNCTION(R, 1, 2) TILE_FUNCTION(R, 1, 1)

typedef void tile_function(TILE_ARGS);

/* clang-format off */
TILE_FUNCTIONS(1) TILE_FUNCTIONS(2) TILE_FUNCTIONS(3) TILE_FUNCTIONS(4) TILE_FUNCTIONS(5) TILE_FUNCTIONS(6)
TILE_FUNCTION(1, 4, 2) TILE_FUNCTION(2, 2, 2)
#if ROWS > 6
TILE_FUNCTIONS(7) TILE_FUNCTIONS(8) TILE_FUNCTIONS(9) TILE_FUNCTIONS(10) TILE_FUNCTIONS(11) TILE_FUNCTIONS(12)
TILE_FUNCTION(3, 4, 2) TILE_FUNCTION(4, 2, 2)
#endif

static tile_function *const tile_full[ROWS + 1] = {
	NULL, tile_1_1_2, tile_2_1_2, tile_3_1_2, tile_4_1_2, tile_5_1_2, tile_6_1_2,
#if ROWS > 6
	tile_7_1_2, tile_8_1_2, tile_9_1_2, tile_10_1_2, tile_11_1_2, tile_12_1_2,
#endif
};
static tile_function *const tile_half[ROWS + 1] = {
	NULL, tile_1_1_1, tile_2_1_1, tile_3_1_1, tile_4_1_1, tile_5_1_1, tile_6_1_1,
#if ROWS > 6
	tile_7_1_1, tile_8_1_1, tile_9_1_1, tile_10_1_1, tile_11_1_1, tile_12_1_1,
#endif
};
/* clang-format on */

/* With few rows one tile has too few accumulators to hide the latency of an addition, and too few loads in flight. */
static const struct {
	tile_function *f;
	int tiles;
} tile_wide[] = {
	{NULL, 1},       {tile_1_4_2, 4}, {tile_2_2_2, 2},
#if ROWS > 6
	{tile_3_4_2, 4}, {tile_4_2_2, 2},
#endif
};
enum { WIDE_ROWS = (int)(sizeof tile_wide / sizeof *tile_wide) - 1 };

/* Rows are cut into blocks as equal as possible: 13 is 7 + 6, not 12 + 1. */
INLINE int block_count(int rows) { return (rows + ROWS - 1) / ROWS; }
INLINE int block_begin(int rows, int blocks, int i) { return (int)((long)rows * i / blocks); }

/* ---- product -------------------------------------------------------------------------------------------------- */

/* y = act(sum + bias) + residual on rows [row, row+rows), columns [column, column+columns). */
INLINE void finish_as(enum activation act, const struct product *p, const float *residual, const float *sum,
                      size_t sum_stride, int row, int rows, int column, int columns)
{
	for (int r = 0; r < rows; r++) {
		const float *s = sum + (size_t)r * sum_stride;
		const float *add = residual ? residual + (size_t)(row + r) * p->residual_stride + column : NULL;
		float *y = p->y + (size_t)(row + r) * p->y_stride + column;
		int c = 0;
		for (; c + LANES <= columns; c += LANES) {
			vf z = v_activate(v_load(s + c) + v_load(p->w->bias + column + c), act);
			if (add)
				z += v_load(add + c);
			v_store(y + c, z);
		}
		if (c < columns) {
			int left = columns - c;
			vf z = v_activate(v_load_n(s + c, left) + v_load_n(p->w->bias + column + c, left), act);
			if (add)
				z += v_load_n(add + c, left);
			v_store_n(y + c, left, z);
		}
	}
}

NOINLINE void finish_tile(const struct product *p, const float *residual, const float *sum, size_t sum_stride, int row,
                          int rows, int column, int columns)
{
	switch (p->act) {
	case ACT_GELU: finish_as(ACT_GELU, p, NULL, sum, sum_stride, row, rows, column, columns); break;
	case ACT_GELU_NEW: finish_as(ACT_GELU_NEW, p, NULL, sum, sum_stride, row, rows, column, columns); break;
	case ACT_RELU: finish_as(ACT_RELU, p, NULL, sum, sum_stride, row, rows, column, columns); break;
	case ACT_TANH: finish_as(ACT_TANH, p, NULL, sum, sum_stride, row, rows, column, columns); break;
	default: finish_as(ACT_NONE, p, residual, sum, sum_stride, row, rows, column, columns);
	}
}

INLINE int min_int(int a, int b) { return a < b ? a : b; }

/* Rows [row, row+rows), rows <= ROWS, times columns [column0, column1), column0 a multiple of COLS. */
static void product_rows(const struct product *p, int row, int rows, int column0, int column1)
{
	float sum[ROWS * COLS * WIDE] __attribute__((aligned(64)));
	const int K = p->w->K;
	const float *x = p->x + (size_t)row * p->x_stride;
	for (int column = column0; column < column1;) {
		const float *w = p->w->panels + tile_offset(column / COLS, K);
		int left = column1 - column, width = COLS;
		tile_function *f = left <= LANES ? tile_half[rows] : tile_full[rows];
		if (rows <= WIDE_ROWS && left >= tile_wide[rows].tiles * COLS && column % PANEL == 0) {
			f = tile_wide[rows].f;
			width = tile_wide[rows].tiles * COLS;
		}
		f(sum, (size_t)width, x, p->x_stride, w, K);
		finish_tile(p, p->residual, sum, (size_t)width, row, rows, column, min_int(width, left));
		column += width;
	}
}

/* A group of panels that fits the second-level cache is kept there while all the rows pass. */
static void product(const struct product *p, int row0, int row1, int panel0, int panel1)
{
	enum { GROUP_BYTES = 384 * 1024 };
	const int K = p->w->K, rows = row1 - row0, blocks = block_count(rows);
	int group = (int)(GROUP_BYTES / ((size_t)K * PANEL * sizeof(float)));
	group = rows <= ROWS ? panel1 - panel0 : group < 4 ? 4 : group;
	for (int panel = panel0; panel < panel1; panel += group) {
		int column1 = min_int(p->w->N, min_int(panel + group, panel1) * PANEL);
		for (int i = 0; i < blocks; i++) {
			int begin = block_begin(rows, blocks, i), end = block_begin(rows, blocks, i + 1);
			product_rows(p, row0 + begin, end - begin, panel * PANEL, column1);
		}
	}
	COUNT_FLOPS(product, 2LL * rows * K * (min_int(p->w->N, panel1 * PANEL) - panel0 * PANEL));
}

static void finish(const struct product *p, int row0, int row1, int panel0, int panel1)
{
	const int column = panel0 * PANEL, columns = min_int(p->w->N, panel1 * PANEL) - column;
	const float *y = p->y + (size_t)row0 * p->y_stride + column;
	finish_tile(p, NULL, y, p->y_stride, row0, row1 - row0, column, columns);
}

/* ---- softmax -------------------------------------------------------------------------------------------------- */

/* The largest value; NaN is passed over (the exponential brings it back). */
INLINE float row_max(const float *z, int n)
{
	vf m0 = v_set(-INFINITY), m1 = m0;
	int j = 0;
	for (; j + 2 * LANES <= n; j += 2 * LANES) {
		m0 = v_max(v_load(z + j), m0);
		m1 = v_max(v_load(z + j + LANES), m1);
	}
	for (; j < n; j += LANES)
		m0 = v_max(v_first(v_load_n(z + j, n - j), n - j, m0), m0);
	return v_max_all(v_max(m0, m1));
}

/* z = 2^(scale z - shift); returns the sum. */
INLINE float row_exp2(float *z, int n, float scale, float shift)
{
	vf s0 = v_set(0.0f), s1 = s0, a = v_set(scale), b = v_set(-shift);
	int j = 0;
	for (; j + 2 * LANES <= n; j += 2 * LANES) {
		vf e0 = v_exp2(v_fma(v_load(z + j), a, b)), e1 = v_exp2(v_fma(v_load(z + j + LANES), a, b));
		v_store(z + j, e0);
		v_store(z + j + LANES, e1);
		s0 += e0;
		s1 += e1;
	}
	for (; j < n; j += LANES) {
		vf e = v_exp2(v_fma(v_load_n(z + j, n - j), a, b));
		v_store_n(z + j, n - j, e);
		s0 += v_first(e, n - j, v_set(0.0f));
	}
	return v_add_all(s0 + s1);
}

static const float LOG2E = 1.44269504f;

static void softmax(float *z, int n)
{
	float inverse = 1.0f / row_exp2(z, n, LOG2E, LOG2E * row_max(z, n));
	for (int j = 0; j < n; j++)
		z[j] *= inverse;
}

/* ---- attention ------------------------------------------------------------------------------------------------ */

struct attention_space {
	float *keys;   /* [panels of keys][D][PANEL], past n zero */
	float *values; /* [panels of D][n][PANEL], past D zero */
	float *scores; /* [ROWS][score_stride] */
	float *sums;   /* [ROWS][sum_stride] */
	size_t score_stride, sum_stride;
};

static struct attention_space attention_layout(float *scratch, int n, int D)
{
	struct attention_space s;
	s.keys = scratch;
	s.values = s.keys + (size_t)panel_count(n) * (size_t)D * PANEL;
	s.scores = s.values + (size_t)panel_count(D) * (size_t)n * PANEL;
	s.score_stride = row_stride(panel_count(n) * PANEL);
	s.sums = s.scores + ROWS * s.score_stride;
	s.sum_stride = (size_t)panel_count(D) * PANEL;
	return s;
}

/* Keys transposed, so that one vector holds one coordinate of LANES keys. Vectors past n are not used. */
static void pack_keys(float *keys, const float *k, size_t stride, int n, int D)
{
	for (int first = 0; first < n; first += LANES) {
		float *to = keys + (size_t)(first / PANEL) * (size_t)D * PANEL + first % PANEL;
		const float *from = k + (size_t)first * stride;
		for (int d = 0; d < D; d += LANES) {
			int rows = min_int(LANES, n - first), columns = min_int(LANES, D - d);
			vf block[LANES];
			for (int j = 0; j < LANES; j++)
				block[j] = j < rows ? v_load_n(from + (size_t)j * stride + d, columns) : v_set(0.0f);
			v_transpose(block);
			for (int i = 0; i < columns; i++)
				v_store(to + (size_t)(d + i) * PANEL, block[i]);
		}
	}
}

static void pack_values(float *values, const float *v, size_t stride, int n, int D)
{
	for (int first = 0; first < D; first += PANEL)
		for (int j = 0; j < n; j++, values += PANEL)
			for (int c = 0; c < PANEL; c += LANES) {
				int left = D - first - c;
				const float *p = v + (size_t)j * stride + first + c;
				v_store(values + c, left >= LANES ? v_load(p) : left > 0 ? v_load_n(p, left) : v_set(0.0f));
			}
}

/* out [rows, panels of N] = x [rows,K] times a packed matrix. */
static void multiply(float *out, size_t out_stride, const float *x, size_t x_stride, const float *packed, int rows,
                     int K, int N)
{
	for (int column = 0; column < N; column += COLS) {
		tile_function *f = N - column <= LANES ? tile_half[rows] : tile_full[rows];
		f(out + column, out_stride, x, x_stride, packed + tile_offset(column / COLS, K), K);
	}
}

/* z = scale z + bias, both already in units of log 2. */
static void add_bias(float *z, const float *bias, int n, float scale)
{
	for (int j = 0; j < n; j += LANES) {
		vf b = v_load_n(bias + j, min_int(LANES, n - j)) * v_set(LOG2E);
		v_store(z + j, v_fma(v_load(z + j), v_set(scale), b));
	}
}

static void add_scaled(float *y, const float *x, int n, float scale)
{
	for (int j = 0; j < n; j += LANES) {
		int left = min_int(LANES, n - j);
		v_store_n(y + j, left, v_fma(v_load(x + j), v_set(scale), v_load_n(y + j, left)));
	}
}

INLINE unsigned bits_at(const uint16_t *bits, int i) { return (unsigned)bits[i / 16] >> i % 16; }

static void keep_row(float *z, const uint16_t *bits, int n)
{
	for (int j = 0; j < n; j += LANES)
		v_store(z + j, v_keep(v_load(z + j), bits_at(bits, j)));
}

/* Queries [query, query+rows), rows <= ROWS: the exponentials stay unnormalised until the output. */
static void attention_rows(const struct attention *a, const struct attention_space *s, int query, int rows)
{
	const float unit = LOG2E / sqrtf((float)a->D);
	multiply(s->scores, s->score_stride, a->q + (size_t)query * a->q_stride, a->q_stride, s->keys, rows, a->D, a->n);
	const size_t words = (size_t)mask_words(a->n);
	float inverse[ROWS];
	for (int r = 0; r < rows; r++) {
		float *z = s->scores + (size_t)r * s->score_stride, scale = unit;
		if (a->key_bias) {
			add_bias(z, a->key_bias, a->n, unit);
			scale = 1.0f;
		}
		const float shift = scale * row_max(z, a->n), sum = row_exp2(z, a->n, scale, shift);
		inverse[r] = 1.0f / sum;
		if (a->lse)
			a->lse[query + r] = (float)(shift * M_LN2 + log(sum));
		if (a->received)
			add_scaled(a->received, z, a->n, inverse[r]);
		if (a->from_cls && query + r == 0)
			for (int j = 0; j < a->n; j++)
				a->from_cls[j] = z[j] * inverse[r];
		if (a->drop_bits) {
			keep_row(z, a->drop_bits + (size_t)(query + r) * words, a->n);
			inverse[r] *= a->drop_scale;
		}
	}
	multiply(s->sums, s->sum_stride, s->scores, s->score_stride, s->values, rows, a->n, a->D);
	for (int r = 0; r < rows; r++) {
		float *out = a->out + (size_t)(query + r) * a->out_stride;
		const float *sum = s->sums + (size_t)r * s->sum_stride;
		for (int d = 0; d < a->D; d += LANES)
			v_store_n(out + d, min_int(LANES, a->D - d), v_load(sum + d) * v_set(inverse[r]));
	}
}

static void attention(const struct attention *a, int query0, int query1, float *scratch)
{
	struct attention_space s = attention_layout(scratch, a->n, a->D);
	pack_keys(s.keys, a->k, a->k_stride, a->n, a->D);
	pack_values(s.values, a->v, a->v_stride, a->n, a->D);
	const int rows = query1 - query0, blocks = block_count(rows);
	for (int i = 0; i < blocks; i++) {
		int begin = block_begin(rows, blocks, i), end = block_begin(rows, blocks, i + 1);
		attention_rows(a, &s, query0 + begin, end - begin);
	}
	COUNT_FLOPS(attention, 4LL * rows * a->n * a->D);
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

/* sum[r] = sum of (x[r] - m[r]), or of its squares, over H: two interleaved accumulators of LANES sums each. */
INLINE void row_sums(const int R, float *sum, const float *x, size_t stride, int H, const float *m, const int square)
{
	vf s[2 * NORM_ROWS];
	UNROLL
	for (int i = 0; i < 2 * R; i++)
		s[i] = v_set(0.0f);
	int h = 0;
	for (; h + 2 * LANES <= H; h += 2 * LANES) {
		UNROLL
		for (int i = 0; i < 2 * R; i++) {
			vf d = v_load(x + (size_t)(i / 2) * stride + h + i % 2 * LANES) - v_set(m[i / 2]);
			s[i] = v_fma(d, square ? d : v_set(1.0f), s[i]);
		}
	}
	for (; h < H; h += LANES) {
		int left = min_int(LANES, H - h);
		UNROLL
		for (int r = 0; r < R; r++) {
			vf d = v_first(v_load_n(x + (size_t)r * stride + h, left) - v_set(m[r]), left, v_set(0.0f));
			s[2 * r] = v_fma(d, square ? d : v_set(1.0f), s[2 * r]);
		}
	}
	UNROLL
	for (int r = 0; r < R; r++)
		sum[r] = v_add_all(s[2 * r] + s[2 * r + 1]);
}

struct centre {
	float high;
	double low;
};

/* Not inlined: GCC 12 would vectorise it over the rows and take (double)(float)mean for mean, losing `low`. */
NOINLINE struct centre centre_of(float first, float sum, int H)
{
	const double mean = first + (double)sum / H;
	const float high = (float)mean;
	return (struct centre){high, mean - (double)high};
}

/* Of R rows: n = (x - high) scale + shift is the row normalised. The mean is high + low: a row far from zero must not
 * lose its deviations to the rounding of the mean. With d = x - high:  var = mean(d^2) - low^2. */
struct moments {
	float high[NORM_ROWS], scale[NORM_ROWS], shift[NORM_ROWS];
};

INLINE void row_moments(const int R, struct moments *m, const float *x, size_t x_stride, double eps, int H)
{
	float sum[NORM_ROWS];
	double low[NORM_ROWS];
	for (int r = 0; r < R; r++)
		m->high[r] = x[(size_t)r * x_stride];
	row_sums(R, sum, x, x_stride, H, m->high, 0);
	for (int r = 0; r < R; r++) {
		struct centre c = centre_of(m->high[r], sum[r], H);
		m->high[r] = c.high;
		low[r] = c.low;
	}
	row_sums(R, sum, x, x_stride, H, m->high, 1);
	for (int r = 0; r < R; r++) {
		const double var = (double)sum[r] / H - low[r] * low[r];
		const double s = 1.0 / sqrt((var < 0.0 ? 0.0 : var) + eps);
		m->scale[r] = (float)s;
		m->shift[r] = (float)(-low[r] * s);
	}
}

/* R rows at once hide the latency of the sums. */
INLINE void layernorm_rows(const int R, float *y, size_t y_stride, const float *x, size_t x_stride, const float *g,
                           const float *b, double eps, int H)
{
	struct moments m;
	row_moments(R, &m, x, x_stride, eps, H);
	for (int h = 0; h < H; h += LANES) {
		int left = min_int(LANES, H - h);
		vf gain = left == LANES ? v_load(g + h) : v_load_n(g + h, left);
		vf base = left == LANES ? v_load(b + h) : v_load_n(b + h, left);
		UNROLL
		for (int r = 0; r < R; r++) {
			const float *from = x + (size_t)r * x_stride + h;
			vf d = (left == LANES ? v_load(from) : v_load_n(from, left)) - v_set(m.high[r]);
			vf z = v_fma(v_fma(d, v_set(m.scale[r]), v_set(m.shift[r])), gain, base);
			if (left == LANES)
				v_store(y + (size_t)r * y_stride + h, z);
			else
				v_store_n(y + (size_t)r * y_stride + h, left, z);
		}
	}
}

static void layernorm(float *y, size_t y_stride, const float *x, size_t x_stride, const float *g, const float *b,
                      double eps, int rows, int H)
{
	int r = 0;
	for (; r + NORM_ROWS <= rows; r += NORM_ROWS)
		layernorm_rows(NORM_ROWS, y + (size_t)r * y_stride, y_stride, x + (size_t)r * x_stride, x_stride, g, b, eps, H);
	for (; r < rows; r++)
		layernorm_rows(1, y + (size_t)r * y_stride, y_stride, x + (size_t)r * x_stride, x_stride, g, b, eps, H);
}

static void dot_rows(float *z, const float *h, size_t h_stride, const float *w2, float b2, int rows, int K)
{
	for (int r = 0; r < rows; r++) {
		const float *x = h + (size_t)r * h_stride;
		vf s = v_set(0.0f);
		for (int k = 0; k < K; k += LANES) {
			int left = min_int(LANES, K - k);
			s = v_fma(v_load_n(x + k, left), v_load_n(w2 + k, left), s);
		}
		z[r] = v_add_all(s) + b2;
	}
	COUNT_FLOPS(dot_rows, 2LL * rows * K);
}

#include "kernels_grad_simd.h"

const struct kernels TABLE = {
	.name = NAME,
	.is_available = is_available,
	.product = product,
	.finish = finish,
	.layernorm = layernorm,
	.attention = attention,
	.dot_rows = dot_rows,
	.softmax = softmax,
	.weight_grad = weight_grad,
	.column_sums = column_sums,
	.layernorm_grad = layernorm_grad,
	.activation = activation,
	.activation_grad = activation_grad,
	.dropout_bits = dropout_bits,
	.dropout = dropout,
	.attention_grad = attention_grad,
	.adam = adam,
	.square_sum = square_sum,
	.softmax_loss = softmax_loss,
};
