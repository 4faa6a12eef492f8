/* The arithmetic, one table of functions for each instruction set.
 *
 * Kernels are serial, cannot fail and allocate nothing; layer.c splits work among threads by calling them on ranges.
 * Every output element is computed by the same operations in the same order whatever range it is computed in, so
 * results are bit-identical for any thread count and any company in the batch (within one table; OpenBLAS's own products excepted). Each kernel has a
 * naive double-precision twin in kernels_ref.c.
 *
 * Rows of activations are `stride` floats apart; row_stride() picks one that is a multiple of 16 and keeps equal
 * columns of neighbouring rows out of the same cache set. Buffers are 64-byte aligned. */
#ifndef ADAPLER_KERNELS_H
#define ADAPLER_KERNELS_H

#include "engine.h"

#ifdef ADAPLER_TEST
#include <stdatomic.h>
#endif

enum { PANEL = 32 }; /* columns of a packed panel */

/* y = x W^T + b. `panels`: ceil(N/PANEL) blocks of [K][PANEL] floats, columns past N zero; `bias` as many floats. */
struct linear {
	int K, N;
	const float *panels; /* NULL with the openblas table, but for a map without rows */
	const float *bias;   /* [panels * PANEL] */
	const float *rows;   /* [N,K] as in the checkpoint: the openblas table only; NULL: it reads the panels too */
};

static inline int panel_count(int N) { return (N + PANEL - 1) / PANEL; }
size_t row_stride(int columns);

/* Packs w [N,K] (row stride K) into panels starting at column `first` of a linear map (several matrices can share one
 * map: query, key, value). */
void linear_pack(float *panels, int K, int first, const float *w, int N);

struct product {
	const float *x; /* [T,K] */
	size_t x_stride;
	float *y; /* [T,N]; may be the residual itself */
	size_t y_stride;
	const float *residual; /* [T,N] added to the sum, with ACT_NONE only; NULL: none */
	size_t residual_stride;
	const struct linear *w;
	enum activation act;
};

/* One sequence and one head of softmax(Q K^T / sqrt(D) + key_bias) V, for queries [query0, query1). */
struct attention {
	const float *q, *k, *v; /* [n,D] of this head, rows `stride` apart */
	size_t q_stride, k_stride, v_stride;
	int n, D;
	float *out; /* [n,D], rows out_stride apart */
	size_t out_stride;
	const float *key_bias; /* [n] added to every query's logits; NULL: none */
	float *received;       /* [n] += the probabilities, summed over the queries in order; NULL: not wanted */
	float *from_cls;       /* [n] = row 0's probabilities, when query 0 is in the range; NULL: not wanted */
	/* Training. Dropout masks and scales the probabilities after the softmax; received and from_cls see them before. */
	float *lse; /* [n] = log(sum over keys of exp(logit)), natural, of the queries in range; NULL: not wanted */
	const uint16_t *drop_bits; /* [n][mask_words(n)], row i for query i; NULL: no dropout */
	float drop_scale;          /* 1 / probability of being kept; ignored without drop_bits */
};

/* ---- training: structures -------------------------------------------------------------------------------------- */

/* The gradient of a weight [N,K]: dw[n][k] += sum over t of dy[t][n] x[t][k]. */
struct weight_grad {
	const float *dy; /* [T,N] */
	size_t dy_stride;
	const float *x; /* [T,K] */
	size_t x_stride;
	float *dw; /* [N,K] += */
	size_t dw_stride;
	int T, N, K;
};

/* Backward of one sequence and head. With the forward's lse and out,
 *   P = exp(logit - lse), Pd = P * mask * scale, dV = Pd^T dO, dP = (dO V^T) * mask * scale, dS = P (dP - dO . O),
 *   dkey_bias_j = sum_i dS_ij, dQ = dS K / sqrt(D), dK = dS^T Q / sqrt(D). */
struct attention_grad {
	struct attention forward; /* as it was run; received and from_cls are ignored, out and lse are read */
	int queries;              /* rows of q, out, dout, dq: n, or fewer that asked */
	const float *dout;        /* [queries,D] */
	size_t dout_stride;
	float *dq, *dk, *dv; /* [queries,D] [n,D] [n,D] overwritten; none may be an input */
	size_t dq_stride, dk_stride, dv_stride;
	float *dkey_bias; /* [n] overwritten; NULL: not wanted */
};

/* AdamW: g' = gradient_scale g, m = beta1 m + (1 - beta1) g', v = beta2 v + (1 - beta2) g'^2,
 * w = w - decay w, then w = w - step_size m / (sqrt(v) + eps). */
struct adam {
	float gradient_scale, beta1, beta2, eps;
	float decay;     /* learning rate * weight decay; 0 for biases and norms */
	float step_size; /* learning rate * sqrt(1 - beta2^t) / (1 - beta1^t) */
};

/* A row of n dropout bits: element i is bit i % 16 of word i / 16, set: kept. Bits past n are drawn like the others. */
static inline int mask_words(int n) { return (n + 15) / 16; }

struct kernels {
	const char *name;
	int (*is_available)(void);
	/* Rows [row0,row1) and panels [panel0,panel1) of a product: y = act(x W^T + b), or x W^T + b + residual. */
	void (*product)(const struct product *p, int row0, int row1, int panel0, int panel1);
	/* Its last step by itself, in place: y = act(y + b). */
	void (*finish)(const struct product *p, int row0, int row1, int panel0, int panel1);
	/* y = (x - mean) / sqrt(var + eps) * g + b by row, moments in double or pairwise; y may be x. */
	void (*layernorm)(float *y, size_t y_stride, const float *x, size_t x_stride, const float *g, const float *b,
	                  double eps, int rows, int H);
	/* scratch: attention_scratch(n, D) floats. */
	void (*attention)(const struct attention *a, int query0, int query1, float *scratch);
	/* z[t] = w2 . h[t] + b2, h [rows,K]: the last step of a contribution predictor. */
	void (*dot_rows)(float *z, const float *h, size_t h_stride, const float *w2, float b2, int rows, int K);
	/* In place, over n values, with the true maximum subtracted. */
	void (*softmax)(float *z, int n);

	/* ---- training ---- */

	/* Rows [n0,n1) of dw. The bits of an element do not depend on the range: sums over blocks of t in their order. */
	void (*weight_grad)(const struct weight_grad *g, int n0, int n1);
	/* out[n] += sum over t of x[t][n] for n in [n0,n1), by the same rule. */
	void (*column_sums)(float *out, const float *x, size_t x_stride, int T, int n0, int n1);
	/* Backward of y = layernorm(x), the moments computed again: with n = (x - mean) s and e = g dy,
	 * dx = s (e - mean(e) - n mean(e n)); dg += sum over the rows of dy n, db += sum of dy. dx may be dy.
	 * dg and db [H]: both or neither (NULL); their bits depend on how rows were cut into calls, dx's do not. */
	void (*layernorm_grad)(float *dx, size_t dx_stride, float *dg, float *db, const float *dy, size_t dy_stride,
	                       const float *x, size_t x_stride, const float *g, double eps, int rows, int H);
	/* a = act(z) by row; a may be z. The same bits as a product's own activation. */
	void (*activation)(float *a, size_t a_stride, const float *z, size_t z_stride, enum activation act, int rows,
	                   int n);
	/* dz = da act'(z), and a = act(z) again unless a is NULL. dz may be da, a may be z. */
	void (*activation_grad)(float *dz, size_t dz_stride, float *a, size_t a_stride, const float *da, size_t da_stride,
	                        const float *z, size_t z_stride, enum activation act, int rows, int n);
	/* bits [rows][mask_words(n)]: word w of row r comes from the two Philox blocks (rng.h) at index
	 * ((first_row + r) * words + w) * 2 and + 1 of (seed, stream). Element i is kept when its 16-bit piece (out[0] to
	 * out[3] of both blocks, low halves first) is >= threshold: kept with probability 1 - threshold / 65536. */
	void (*dropout_bits)(uint16_t *bits, int rows, int n, uint64_t seed, uint64_t stream, uint64_t first_row,
	                     uint32_t threshold);
	/* y = (kept ? x * scale : 0) + residual; y may be x or the residual, the residual NULL. bits NULL: y = x +
	 * residual. */
	void (*dropout)(float *y, size_t y_stride, const float *x, size_t x_stride, const float *residual,
	                size_t residual_stride, const uint16_t *bits, float scale, int rows, int n);
	/* scratch: attention_grad_scratch(n, D) floats. */
	void (*attention_grad)(const struct attention_grad *a, float *scratch);
	/* One step for n weights; one value depends on nothing beside it, so ranges may be cut anywhere. g NULL: zeros. */
	void (*adam)(float *w, const float *g, float *m, float *v, size_t n, const struct adam *a);
	/* The sum of x^2 in double, in a fixed order. */
	double (*square_sum)(const float *x, size_t n);
	/* Cross-entropy of one row of n logits, 0 <= label < n: returns log(sum exp z) - z[label], unweighted;
	 * z = (softmax(z) - onehot(label)) * weight. */
	double (*softmax_loss)(float *z, int n, int label, float weight);
};

size_t attention_scratch(int n, int D); /* floats */
size_t attention_grad_scratch(int n, int D);

/* Packs w [N,K] (row stride K) so that `product` computes dx [T,K] = dy [T,total] w with a map of {K = total, N = K}:
 * panels [panel_count(K)][total][PANEL], columns past K zero; w fills the rows from first_row (matrices that shared one
 * map forward are stacked backward). The map has a bias of zeros, and no `rows`. */
void linear_pack_backward(float *panels, int total, int first_row, const float *w, int N, int K);

#ifdef ADAPLER_TEST
/* Test builds: what all threads executed so far, 2 for each multiply-add of the sizes asked for. Reading before and
 * after a call, with the threads joined, gives that call's share. */
extern struct kernels_flops {
	_Atomic int64_t product, attention, dot_rows, weight_grad, attention_grad;
} kernels_flops;
#endif

/* NULL when unknown or not available on this processor. "" or NULL: the fastest. Finding "openblas" sets
 * OpenBLAS to one thread for the whole process (it has no other way): threads are the caller's business. */
const struct kernels *kernels_find(const char *name);
/* All tables, fastest first, NULL-terminated. */
const struct kernels *const *kernels_all(void);

#endif
