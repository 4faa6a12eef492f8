/* What training adds to kernels_simd.h, whose last lines include this file: over the same vectors, by the same rule.
 * A sum over rows is cut into blocks of GRAD_BLOCK rows, whatever the call: an element is one register for each block,
 * its terms in order, added to what was there. */
#include <assert.h>

enum {
	GRAD_BLOCK = 128,  /* rows of a block */
	GRAD_GROUP = 512,  /* rows of dw kept in the second-level cache while all its columns pass */
	SUM_VECTORS = 8,   /* vectors of columns summed side by side */
	LOSS_CHUNK = 1024, /* values whose sum is left in float */
};

/* ---- gradients of weights -------------------------------------------------------------------------------------- */

/* dw[r][c] += sum over t, in order, of dy[t][r] x[t][c]: R rows, `columns` of COLS columns; x is packed [T][COLS]. */
INLINE void grad_body(const int R, const int vectors, float *dw, size_t dw_stride, int columns, const float *dy,
                      size_t dy_stride, const float *x, int T)
{
	vf sum[ROWS * VECTORS];
	UNROLL
	for (int i = 0; i < R * vectors; i++)
		sum[i] = v_set(0.0f);
	UNROLL
	for (int r = 0; r < R; r++) {
		__builtin_prefetch(dw + (size_t)r * dw_stride, 1);
		__builtin_prefetch(dw + (size_t)r * dw_stride + columns - 1, 1);
	}
	for (int t = 0; t < T; t++, dy += dy_stride, x += COLS) {
		vf b[VECTORS];
		UNROLL
		for (int c = 0; c < vectors; c++)
			b[c] = v_load(x + c * LANES);
		UNROLL
		for (int r = 0; r < R; r++) {
			vf a = v_set(dy[r]);
			UNROLL
			for (int c = 0; c < vectors; c++)
				sum[r * vectors + c] = v_fma(a, b[c], sum[r * vectors + c]);
		}
	}
	UNROLL
	for (int r = 0; r < R; r++) {
		UNROLL
		for (int c = 0; c < vectors; c++) {
			float *to = dw + (size_t)r * dw_stride + c * LANES;
			const int left = columns - c * LANES;
			if (left >= LANES)
				v_store(to, v_load(to) + sum[r * vectors + c]);
			else
				v_store_n(to, left, v_load_n(to, left) + sum[r * vectors + c]);
		}
	}
}

#define GRAD_ARGS float *dw, size_t dw_stride, int columns, const float *dy, size_t dy_stride, const float *x, int T
#define GRAD_FUNCTION(R, vectors)                                           \
	NOINLINE void grad_##R##_##vectors(GRAD_ARGS)                           \
	{                                                                       \
		grad_body(R, vectors, dw, dw_stride, columns, dy, dy_stride, x, T); \
	}
#define GRAD_FUNCTIONS(R) GRAD_FUNCTION(R, 1) GRAD_FUNCTION(R, 2)
#define GRAD_NAMES(R)              \
	{                              \
		grad_##R##_1, grad_##R##_2 \
	}

typedef void grad_function(GRAD_ARGS);

/* clang-format off */
GRAD_FUNCTIONS(1) GRAD_FUNCTIONS(2) GRAD_FUNCTIONS(3) GRAD_FUNCTIONS(4) GRAD_FUNCTIONS(5) GRAD_FUNCTIONS(6)
#if ROWS > 6
GRAD_FUNCTIONS(7) GRAD_FUNCTIONS(8) GRAD_FUNCTIONS(9) GRAD_FUNCTIONS(10) GRAD_FUNCTIONS(11) GRAD_FUNCTIONS(12)
#endif

static grad_function *const grad_tile[ROWS + 1][VECTORS] = {
	{NULL, NULL}, GRAD_NAMES(1), GRAD_NAMES(2), GRAD_NAMES(3), GRAD_NAMES(4), GRAD_NAMES(5), GRAD_NAMES(6),
#if ROWS > 6
	GRAD_NAMES(7), GRAD_NAMES(8), GRAD_NAMES(9), GRAD_NAMES(10), GRAD_NAMES(11), GRAD_NAMES(12),
#endif
};
/* clang-format on */

/* Columns of x side by side: few pages, aligned loads, and zeros past the last column instead of masks. */
static void pack_columns(float *packed, const float *x, size_t x_stride, int T, int columns)
{
	for (int t = 0; t < T; t++, x += x_stride, packed += COLS)
		for (int c = 0; c < COLS; c += LANES) {
			int left = columns - c;
			v_store(packed + c, left >= LANES ? v_load(x + c) : left > 0 ? v_load_n(x + c, left) : v_set(0.0f));
		}
}

/* Rows [n0,n1) of dw from rows [t, t+T) of dy and x, T <= GRAD_BLOCK. */
static void grad_block(const struct weight_grad *g, int n0, int n1, int t, int T)
{
	float packed[GRAD_BLOCK * COLS] __attribute__((aligned(64)));
	const float *dy = g->dy + (size_t)t * g->dy_stride, *x = g->x + (size_t)t * g->x_stride;
	const int blocks = block_count(n1 - n0);
	for (int k = 0; k < g->K; k += COLS) {
		const int columns = min_int(COLS, g->K - k);
		pack_columns(packed, x + k, g->x_stride, T, columns);
		for (int i = 0; i < blocks; i++) {
			int n = n0 + block_begin(n1 - n0, blocks, i), rows = n0 + block_begin(n1 - n0, blocks, i + 1) - n;
			grad_tile[rows][columns > LANES](g->dw + (size_t)n * g->dw_stride + k, g->dw_stride, columns, dy + n,
			                                 g->dy_stride, packed, T);
		}
	}
}

static void weight_grad_add(const struct weight_grad *g, int n0, int n1)
{
	for (int t = 0; t < g->T; t += GRAD_BLOCK)
		for (int n = n0; n < n1; n += GRAD_GROUP)
			grad_block(g, n, min_int(n + GRAD_GROUP, n1), t, min_int(GRAD_BLOCK, g->T - t));
}

static void weight_grad(const struct weight_grad *g, int n0, int n1)
{
	weight_grad_add(g, n0, n1);
	COUNT_FLOPS(weight_grad, 2LL * g->T * g->K * (n1 - n0));
}

/* out += the sums of `columns` columns, at most `vectors` vectors, over T <= GRAD_BLOCK rows. */
INLINE void column_block(const int vectors, float *out, const float *x, size_t x_stride, int T, int columns)
{
	vf sum[SUM_VECTORS];
	UNROLL
	for (int c = 0; c < vectors; c++)
		sum[c] = v_set(0.0f);
	for (int t = 0; t < T; t++, x += x_stride) {
		UNROLL
		for (int c = 0; c < vectors; c++)
			sum[c] += vectors > 1 ? v_load(x + c * LANES) : v_load_n(x, columns);
	}
	UNROLL
	for (int c = 0; c < vectors; c++)
		v_store_n(out + c * LANES, columns - c * LANES, v_load_n(out + c * LANES, columns - c * LANES) + sum[c]);
}

static void column_sums(float *out, const float *x, size_t x_stride, int T, int n0, int n1)
{
	enum { WIDTH = SUM_VECTORS * LANES };
	for (int t = 0; t < T; t += GRAD_BLOCK) {
		const float *from = x + (size_t)t * x_stride;
		const int rows = min_int(GRAD_BLOCK, T - t);
		int n = n0;
		for (; n + WIDTH <= n1; n += WIDTH)
			column_block(SUM_VECTORS, out + n, from + n, x_stride, rows, WIDTH);
		for (; n < n1; n += LANES)
			column_block(1, out + n, from + n, x_stride, rows, min_int(LANES, n1 - n));
	}
}

/* ---- layernorm ------------------------------------------------------------------------------------------------- */

struct norm_grad {
	float *dx, *dg, *db;
	const float *dy, *x, *g;
	size_t dx_stride, dy_stride, x_stride;
	int H;
};

/* Sums over row r of e = g dy and of e n. */
INLINE void norm_grad_sums(const int R, float *e_sum, float *en_sum, const struct norm_grad *a, const struct moments *m)
{
	vf es[NORM_ROWS], ens[NORM_ROWS];
	UNROLL
	for (int r = 0; r < R; r++)
		es[r] = ens[r] = v_set(0.0f);
	for (int h = 0; h < a->H; h += LANES) {
		const int left = min_int(LANES, a->H - h);
		vf gain = v_load_n(a->g + h, left);
		UNROLL
		for (int r = 0; r < R; r++) {
			vf e = gain * v_load_n(a->dy + (size_t)r * a->dy_stride + h, left);
			vf d = v_load_n(a->x + (size_t)r * a->x_stride + h, left) - v_set(m->high[r]);
			es[r] += e;
			ens[r] = v_fma(e, v_fma(d, v_set(m->scale[r]), v_set(m->shift[r])), ens[r]);
		}
	}
	UNROLL
	for (int r = 0; r < R; r++) {
		e_sum[r] = v_add_all(es[r]);
		en_sum[r] = v_add_all(ens[r]);
	}
}

INLINE void norm_grad_rows(const int R, const struct norm_grad *a, double eps)
{
	struct moments m;
	float e_mean[NORM_ROWS], en_mean[NORM_ROWS];
	row_moments(R, &m, a->x, a->x_stride, eps, a->H);
	norm_grad_sums(R, e_mean, en_mean, a, &m);
	for (int r = 0; r < R; r++) {
		e_mean[r] /= (float)a->H;
		en_mean[r] /= (float)a->H;
	}
	for (int h = 0; h < a->H; h += LANES) {
		const int left = min_int(LANES, a->H - h);
		vf gain = v_load_n(a->g + h, left), gains = v_set(0.0f), bases = v_set(0.0f);
		UNROLL
		for (int r = 0; r < R; r++) {
			vf dy = v_load_n(a->dy + (size_t)r * a->dy_stride + h, left);
			vf d = v_load_n(a->x + (size_t)r * a->x_stride + h, left) - v_set(m.high[r]);
			vf n = v_fma(d, v_set(m.scale[r]), v_set(m.shift[r]));
			vf e = v_fma(v_set(0.0f) - n, v_set(en_mean[r]), v_fma(gain, dy, v_set(-e_mean[r])));
			v_store_n(a->dx + (size_t)r * a->dx_stride + h, left, v_set(m.scale[r]) * e);
			gains = v_fma(dy, n, gains);
			bases += dy;
		}
		if (a->dg) {
			v_store_n(a->dg + h, left, v_load_n(a->dg + h, left) + gains);
			v_store_n(a->db + h, left, v_load_n(a->db + h, left) + bases);
		}
	}
}

static void layernorm_grad(float *dx, size_t dx_stride, float *dg, float *db, const float *dy, size_t dy_stride,
                           const float *x, size_t x_stride, const float *g, double eps, int rows, int H)
{
	struct norm_grad a = {dx, dg, db, dy, x, g, dx_stride, dy_stride, x_stride, H};
	for (int r = 0, step; r < rows; r += step) {
		step = rows - r >= NORM_ROWS ? NORM_ROWS : 1;
		a.dx = dx + (size_t)r * dx_stride;
		a.dy = dy + (size_t)r * dy_stride;
		a.x = x + (size_t)r * x_stride;
		if (step == NORM_ROWS)
			norm_grad_rows(NORM_ROWS, &a, eps);
		else
			norm_grad_rows(1, &a, eps);
	}
}

/* ---- activations ----------------------------------------------------------------------------------------------- */

/* Phi(x) + x phi(x). */
INLINE vf v_gelu_grad(vf x)
{
	vf a = v_min(v_set(12.0f), v_abs(x)), tail = v_normal_tail(a);
	vf density = v_set(0.39894228f) * v_exp2(a * a * v_set(-0.72134752f)); /* 1/sqrt(2 pi), -log2(e)/2 */
	vf side = v_less_select(x, v_set(0.0f), tail, v_set(1.0f) - tail);
	return v_fma(v_copysign(a, x), density, side);
}

/* With s = 1/(1 + e), e = exp(-2u): s + x s (1 - s) 2u', u' = sqrt(2/pi) (1 + 3 * 0.044715 x^2). */
INLINE vf v_gelu_new_grad(vf x)
{
	vf u = v_fma(x * x, v_set(0.044715f), v_set(1.0f)) * x;
	vf e = v_exp2(v_min(v_set(127.0f), u * v_set(-2.302208198f))), s = v_set(1.0f) / (v_set(1.0f) + e);
	vf a = v_copysign(v_min(v_set(12.0f), v_abs(x)), x); /* beyond, s (1 - s) is nothing: keep inf times 0 away */
	vf slope = v_fma(a * a, v_set(0.21406584f), v_set(1.59576912f));
	return v_fma(a * slope, s * (e * s), s);
}

INLINE vf v_activation_grad(vf z, enum activation act)
{
	switch (act) {
	case ACT_GELU: return v_gelu_grad(z);
	case ACT_GELU_NEW: return v_gelu_new_grad(z);
	case ACT_RELU: return v_less_select(v_set(0.0f), z, v_set(1.0f), v_max(v_set(0.0f), z)); /* NaN stays NaN */
	case ACT_TANH: {
		vf th = v_tanh(z);
		return (v_set(1.0f) - th) * (v_set(1.0f) + th);
	}
	default: return v_set(1.0f);
	}
}

INLINE void activation_as(const enum activation act, float *a, size_t a_stride, const float *z, size_t z_stride,
                          int rows, int n)
{
	for (int r = 0; r < rows; r++, a += a_stride, z += z_stride)
		for (int i = 0; i < n; i += LANES) {
			const int left = min_int(LANES, n - i);
			v_store_n(a + i, left, v_activate(v_load_n(z + i, left), act));
		}
}

static void activation(float *a, size_t a_stride, const float *z, size_t z_stride, enum activation act, int rows, int n)
{
	switch (act) {
	case ACT_GELU: activation_as(ACT_GELU, a, a_stride, z, z_stride, rows, n); break;
	case ACT_GELU_NEW: activation_as(ACT_GELU_NEW, a, a_stride, z, z_stride, rows, n); break;
	case ACT_RELU: activation_as(ACT_RELU, a, a_stride, z, z_stride, rows, n); break;
	case ACT_TANH: activation_as(ACT_TANH, a, a_stride, z, z_stride, rows, n); break;
	default: activation_as(ACT_NONE, a, a_stride, z, z_stride, rows, n);
	}
}

INLINE void activation_grad_row(const enum activation act, float *dz, float *a, const float *da, const float *z, int n)
{
	for (int i = 0; i < n; i += LANES) {
		const int left = min_int(LANES, n - i);
		vf at = v_load_n(z + i, left);
		v_store_n(dz + i, left, v_load_n(da + i, left) * v_activation_grad(at, act));
		if (a)
			v_store_n(a + i, left, v_activate(at, act));
	}
}

static void activation_grad(float *dz, size_t dz_stride, float *a, size_t a_stride, const float *da, size_t da_stride,
                            const float *z, size_t z_stride, enum activation act, int rows, int n)
{
	for (int r = 0; r < rows; r++, dz += dz_stride, da += da_stride, z += z_stride) {
		float *again = a ? a + (size_t)r * a_stride : NULL;
		switch (act) {
		case ACT_GELU: activation_grad_row(ACT_GELU, dz, again, da, z, n); break;
		case ACT_GELU_NEW: activation_grad_row(ACT_GELU_NEW, dz, again, da, z, n); break;
		case ACT_RELU: activation_grad_row(ACT_RELU, dz, again, da, z, n); break;
		case ACT_TANH: activation_grad_row(ACT_TANH, dz, again, da, z, n); break;
		default: activation_grad_row(ACT_NONE, dz, again, da, z, n);
		}
	}
}

/* ---- dropout --------------------------------------------------------------------------------------------------- */

typedef uint16_t vh __attribute__((vector_size(sizeof(vf))));
typedef uint8_t vb __attribute__((vector_size(LANES / 2)));
enum { BLOCKS = LANES / 2 }; /* Philox blocks side by side, each word in the low half of 64 bits */

/* The blocks at the indices given: out[q] holds word q of each. The high halves carry rubbish until the end. */
INLINE void philox(vu out[4], uint64_t seed, uint64_t stream, vu index)
{
	enum { ROUNDS = 10 };
	vu c0 = index, c1 = index >> 32, c2 = (vu){0} + (uint32_t)stream, c3 = (vu){0} + (stream >> 32);
	uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
	UNROLL
	for (int i = 0; i < ROUNDS; i++) {
		vu a = v_mul_low(c0, 0xd2511f53), b = v_mul_low(c2, 0xcd9e8d57);
		c0 = (b >> 32) ^ c1 ^ k0;
		c2 = (a >> 32) ^ c3 ^ k1;
		c1 = b;
		c3 = a;
		k0 += 0x9e3779b9;
		k1 += 0xbb67ae85;
	}
	out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* A byte for each block: which of its eight pieces are at least the threshold. */
INLINE vb kept_bytes(const vu word[4], vh threshold)
{
	const vu bits01 = (vu){0} + 0x0008000400020001, bits23 = bits01 << 4;
	vu pieces01 = (word[0] & 0xffffffff) | word[1] << 32, pieces23 = (word[2] & 0xffffffff) | word[3] << 32;
	vu kept = ((vu)((vh)pieces01 >= threshold) & bits01) | ((vu)((vh)pieces23 >= threshold) & bits23);
	kept |= kept >> 32;
	return __builtin_convertvector(kept | kept >> 16, vb);
}

static void dropout_bits(uint16_t *bits, int rows, int n, uint64_t seed, uint64_t stream, uint64_t first_row,
                         uint32_t threshold)
{
	const size_t words = (size_t)mask_words(n), count = (size_t)rows * words;
	if (threshold > 0xffff) {
		memset(bits, 0, count * sizeof *bits);
		return;
	}
	const vh limit = (vh){0} + (uint16_t)threshold;
	vu index = {0};
	for (int i = 0; i < BLOCKS; i++)
		index[i] = first_row * words * 2 + (uint64_t)i;
	for (size_t w = 0; w < count; w += BLOCKS / 2, index += BLOCKS) {
		vu word[4];
		philox(word, seed, stream, index);
		const vb kept = kept_bytes(word, limit); /* two bytes are a word: every target is little-endian */
		if (count - w >= BLOCKS / 2)
			memcpy(bits + w, &kept, sizeof kept);
		else
			memcpy(bits + w, &kept, (count - w) * sizeof *bits);
	}
}

INLINE void dropout_row(float *y, const float *x, const float *residual, const uint16_t *bits, float scale, int n)
{
	for (int i = 0; i < n; i += LANES) {
		const int left = min_int(LANES, n - i);
		vf z = v_load_n(x + i, left);
		if (bits)
			z = v_keep(z * v_set(scale), bits_at(bits, i));
		if (residual)
			z += v_load_n(residual + i, left);
		v_store_n(y + i, left, z);
	}
}

static void dropout(float *y, size_t y_stride, const float *x, size_t x_stride, const float *residual,
                    size_t residual_stride, const uint16_t *bits, float scale, int rows, int n)
{
	const size_t words = (size_t)mask_words(n);
	for (int r = 0; r < rows; r++)
		dropout_row(y + (size_t)r * y_stride, x + (size_t)r * x_stride,
		            residual ? residual + (size_t)r * residual_stride : NULL, bits ? bits + (size_t)r * words : NULL,
		            scale, n);
}

/* ---- attention ------------------------------------------------------------------------------------------------- */

struct attention_grad_space {
	float *keys, *values; /* [panels of keys][D][PANEL], past n zero */
	float *key_rows;      /* [panels of D][n][PANEL], past D zero */
	float *kept;          /* [GRAD_QUERIES][score_stride]: logits, then masked probabilities */
	float *ds;            /* [GRAD_QUERIES][score_stride]: the probabilities' gradient, then the logits' */
	float *sums;          /* [ROWS][sum_stride] */
	size_t score_stride, sum_stride;
};

static struct attention_grad_space attention_grad_layout(float *scratch, int n, int D)
{
	const size_t keys = (size_t)panel_count(n) * (size_t)D * PANEL;
	struct attention_grad_space s;
	s.keys = scratch;
	s.values = s.keys + keys;
	s.key_rows = s.values + keys;
	s.kept = s.key_rows + (size_t)panel_count(D) * (size_t)n * PANEL;
	s.score_stride = row_stride(panel_count(n) * PANEL);
	s.ds = s.kept + GRAD_QUERIES * s.score_stride;
	s.sums = s.ds + GRAD_QUERIES * s.score_stride;
	s.sum_stride = (size_t)panel_count(D) * PANEL;
	return s;
}

static float dot(const float *a, const float *b, int n)
{
	vf s = v_set(0.0f);
	for (int i = 0; i < n; i += LANES) {
		const int left = min_int(LANES, n - i);
		s = v_fma(v_load_n(a + i, left), v_load_n(b + i, left), s);
	}
	return v_add_all(s);
}

/* In place: q.k becomes P * mask * scale, dO.v becomes dS / sqrt(D). */
static void scores_grad(const struct attention_grad *a, float *kept, float *ds, int query)
{
	const struct attention *f = &a->forward;
	const float inverse = 1.0f / sqrtf((float)f->D), unit = LOG2E / sqrtf((float)f->D);
	const vf delta = v_set(dot(a->dout + (size_t)query * a->dout_stride, f->out + (size_t)query * f->out_stride, f->D));
	const vf lse = v_set(f->lse[query] * LOG2E), scale = v_set(f->drop_scale);
	const uint16_t *bits = f->drop_bits ? f->drop_bits + (size_t)query * (size_t)mask_words(f->n) : NULL;
	for (int j = 0; j < f->n; j += LANES) {
		const int left = min_int(LANES, f->n - j);
		vf z = v_load(kept + j), dp = v_load(ds + j);
		if (f->key_bias)
			z = v_fma(z, v_set(unit), v_load_n(f->key_bias + j, left) * v_set(LOG2E)) - lse;
		else
			z = v_fma(z, v_set(unit), v_set(0.0f) - lse);
		vf p = v_exp2(z), masked = p;
		if (bits) {
			masked = v_keep(p * scale, bits_at(bits, j));
			dp = v_keep(dp * scale, bits_at(bits, j));
		}
		vf grad = p * (dp - delta);
		if (a->dkey_bias)
			v_store_n(a->dkey_bias + j, left, v_load_n(a->dkey_bias + j, left) + grad);
		v_store(kept + j, masked);
		v_store(ds + j, grad * v_set(inverse));
	}
}

/* Queries [query, query+rows), rows <= ROWS, kept in rows [at, at+rows) of the space. */
static void attention_grad_rows(const struct attention_grad *a, const struct attention_grad_space *s, int query,
                                int rows, int at)
{
	const struct attention *f = &a->forward;
	float *kept = s->kept + (size_t)at * s->score_stride, *ds = s->ds + (size_t)at * s->score_stride;
	multiply(kept, s->score_stride, f->q + (size_t)query * f->q_stride, f->q_stride, s->keys, rows, f->D, f->n);
	multiply(ds, s->score_stride, a->dout + (size_t)query * a->dout_stride, a->dout_stride, s->values, rows, f->D,
	         f->n);
	for (int r = 0; r < rows; r++)
		scores_grad(a, kept + (size_t)r * s->score_stride, ds + (size_t)r * s->score_stride, query + r);
	multiply(s->sums, s->sum_stride, ds, s->score_stride, s->key_rows, rows, f->n, f->D);
	for (int r = 0; r < rows; r++)
		memcpy(a->dq + (size_t)(query + r) * a->dq_stride, s->sums + (size_t)r * s->sum_stride,
		       (size_t)f->D * sizeof(float));
}

/* What queries [query, query+rows), rows <= GRAD_QUERIES, add to the gradients of values and keys. */
static void key_grads(const struct attention_grad *a, const struct attention_grad_space *s, int query, int rows)
{
	const struct attention *f = &a->forward;
	struct weight_grad g = {.dy = s->kept,
	                        .dy_stride = s->score_stride,
	                        .x = a->dout + (size_t)query * a->dout_stride,
	                        .x_stride = a->dout_stride,
	                        .dw = a->dv,
	                        .dw_stride = a->dv_stride,
	                        .T = rows,
	                        .N = f->n,
	                        .K = f->D};
	weight_grad_add(&g, 0, f->n);
	g.dy = s->ds;
	g.x = f->q + (size_t)query * f->q_stride;
	g.x_stride = f->q_stride;
	g.dw = a->dk;
	g.dw_stride = a->dk_stride;
	weight_grad_add(&g, 0, f->n);
}

static void attention_grad(const struct attention_grad *a, float *scratch)
{
	const struct attention *f = &a->forward;
	const struct attention_grad_space s = attention_grad_layout(scratch, f->n, f->D);
	pack_keys(s.keys, f->k, f->k_stride, f->n, f->D);
	pack_keys(s.values, f->v, f->v_stride, f->n, f->D);
	pack_values(s.key_rows, f->k, f->k_stride, f->n, f->D);
	for (int j = 0; j < f->n; j++) {
		memset(a->dk + (size_t)j * a->dk_stride, 0, (size_t)f->D * sizeof(float));
		memset(a->dv + (size_t)j * a->dv_stride, 0, (size_t)f->D * sizeof(float));
	}
	if (a->dkey_bias)
		memset(a->dkey_bias, 0, (size_t)f->n * sizeof(float));
	for (int query = 0; query < a->queries; query += GRAD_QUERIES) {
		const int rows = min_int(GRAD_QUERIES, a->queries - query), blocks = block_count(rows);
		for (int i = 0; i < blocks; i++) {
			int begin = block_begin(rows, blocks, i), end = block_begin(rows, blocks, i + 1);
			attention_grad_rows(a, &s, query + begin, end - begin, begin);
		}
		key_grads(a, &s, query, rows);
	}
	COUNT_FLOPS(attention_grad, 10LL * a->queries * f->n * f->D);
}

/* ---- steps and losses ------------------------------------------------------------------------------------------ */

static void adam(float *w, const float *g, float *m, float *v, size_t n, const struct adam *a)
{
	const vf scale = v_set(a->gradient_scale), beta1 = v_set(a->beta1), beta2 = v_set(a->beta2), eps = v_set(a->eps);
	const vf rest1 = v_set(1.0f - a->beta1), rest2 = v_set(1.0f - a->beta2);
	const vf decay = v_set(-a->decay), step = v_set(a->step_size);
	for (size_t i = 0; i < n; i += LANES) {
		const int left = n - i < LANES ? (int)(n - i) : LANES;
		vf grad = g ? scale * v_load_n(g + i, left) : v_set(0.0f), weight = v_load_n(w + i, left);
		vf mean = v_fma(beta1, v_load_n(m + i, left), rest1 * grad);
		vf square = v_fma(beta2, v_load_n(v + i, left), rest2 * grad * grad);
		weight = v_fma(decay, weight, weight);
		v_store_n(m + i, left, mean);
		v_store_n(v + i, left, square);
		v_store_n(w + i, left, weight - step * mean / (v_sqrt(square) + eps));
	}
}

typedef double vd __attribute__((vector_size(sizeof(vf))));
typedef float vf_half __attribute__((vector_size(sizeof(vf) / 2)));

INLINE vd v_squares(const float *x)
{
	vf_half a;
	memcpy(&a, x, sizeof a);
	vd b = __builtin_convertvector(a, vd);
	return b * b;
}

/* Four vectors of sums, then the rest. */
static double square_sum(const float *x, size_t n)
{
	enum { SUMS = 4, WIDTH = LANES / 2 };
	vd s[SUMS] = {{0}, {0}, {0}, {0}};
	size_t i = 0;
	for (; i + SUMS * WIDTH <= n; i += SUMS * WIDTH) {
		UNROLL
		for (int c = 0; c < SUMS; c++)
			s[c] += v_squares(x + i + c * WIDTH);
	}
	const vd all = (s[0] + s[1]) + (s[2] + s[3]);
	double sum = 0.0;
	for (int l = 0; l < WIDTH; l++)
		sum += all[l];
	for (; i < n; i++)
		sum += (double)x[i] * x[i];
	return sum;
}

static double softmax_loss(float *z, int n, int label, float weight)
{
	assert(0 <= label && label < n);
	const float shift = LOG2E * row_max(z, n);
	const double at_label = z[label];
	double sum = 0.0;
	for (int j = 0; j < n; j += LOSS_CHUNK)
		sum += row_exp2(z + j, min_int(LOSS_CHUNK, n - j), LOG2E, shift);
	const vf scale = v_set((float)(weight / sum));
	for (int j = 0; j < n; j += LANES)
		v_store_n(z + j, min_int(LANES, n - j), v_load_n(z + j, min_int(LANES, n - j)) * scale);
	z[label] -= weight;
	/* cppcheck-suppress invalidFunctionArg ; n > 0 */
	return shift * M_LN2 + log(sum) - at_label;
}
