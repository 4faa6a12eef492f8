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
	const float *panels; /* NULL with the openblas table */
	const float *bias;   /* [panels * PANEL] */
	const float *rows;   /* [N,K] as in the checkpoint: the openblas table only */
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
};

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
};

size_t attention_scratch(int n, int D); /* floats */

#ifdef ADAPLER_TEST
/* Test builds: what all threads executed so far, 2 for each multiply-add of the sizes asked for. Reading before and
 * after a call, with the threads joined, gives that call's share. */
extern struct kernels_flops {
	_Atomic int64_t product, attention, dot_rows;
} kernels_flops;
#endif

/* NULL when unknown or not available on this processor. "" or NULL: the fastest. Finding "openblas" sets
 * OpenBLAS to one thread for the whole process (it has no other way): threads are the caller's business. */
const struct kernels *kernels_find(const char *name);
/* All tables, fastest first, NULL-terminated. */
const struct kernels *const *kernels_all(void);

#endif
