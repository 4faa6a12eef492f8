/* The tables, and what does not depend on the instruction set: layouts. */
#include "kernels.h"

#include "kernels_table.h"

#include <string.h>

#ifdef ADAPLER_TEST
struct kernels_flops kernels_flops;
#endif

static const struct kernels *const tables[] = {
#if defined(__x86_64__)
	&kernels_avx512,
	&kernels_avx2,
#endif
	&kernels_portable,
#if !defined(ADAPLER_NO_OPENBLAS)
	&kernels_openblas,
#endif
	NULL,
};

const struct kernels *const *kernels_all(void) { return tables; }

#if !defined(ADAPLER_NO_OPENBLAS)
/* Absent when another BLAS stands in for OpenBLAS. */
extern void openblas_set_num_threads(int threads) __attribute__((weak));

static void prepare(const struct kernels *k)
{
	if (k == &kernels_openblas && openblas_set_num_threads)
		openblas_set_num_threads(1);
}
#else
static void prepare(const struct kernels *k) { (void)k; }
#endif

const struct kernels *kernels_find(const char *name)
{
	int any = !name || !*name;
	for (const struct kernels *const *k = tables; *k; k++)
		if ((any || strcmp((*k)->name, name) == 0) && (*k)->is_available()) {
			prepare(*k);
			return *k;
		}
	return NULL;
}

/* An odd number of 64-byte lines: equal columns of neighbouring rows then fall into different sets of the cache.
 * Rows of one or two lines need no such care. */
size_t row_stride(int columns)
{
	size_t lines = ((size_t)columns + 15) / 16;
	return (lines > 2 ? lines | 1 : lines) * 16;
}

typedef float v4 __attribute__((vector_size(16)));
enum { QUAD = 4 };

/* to[k][n] = from[n][k], four by four. */
static void transpose_quad(float *to, const float *from, size_t from_stride)
{
	v4 a[QUAD];
	for (int n = 0; n < QUAD; n++)
		memcpy(&a[n], from + (size_t)n * from_stride, sizeof a[n]);
	const v4 low01 = __builtin_shufflevector(a[0], a[1], 0, 4, 1, 5),
			 low23 = __builtin_shufflevector(a[2], a[3], 0, 4, 1, 5);
	const v4 high01 = __builtin_shufflevector(a[0], a[1], 2, 6, 3, 7),
			 high23 = __builtin_shufflevector(a[2], a[3], 2, 6, 3, 7);
	a[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
	a[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
	a[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
	a[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
	for (int k = 0; k < QUAD; k++)
		memcpy(to + (size_t)k * PANEL, &a[k], sizeof a[k]);
}

/* Rows of w into columns of one panel. */
static void pack_rows(float *panel, int K, const float *w, int count)
{
	const int quads_n = count / QUAD * QUAD, quads_k = K / QUAD * QUAD;
	for (int n = 0; n < quads_n; n += QUAD)
		for (int k = 0; k < quads_k; k += QUAD)
			transpose_quad(panel + (size_t)k * PANEL + n, w + (size_t)n * (size_t)K + k, (size_t)K);
	for (int n = 0; n < count; n++)
		for (int k = n < quads_n ? quads_k : 0; k < K; k++)
			panel[(size_t)k * PANEL + (size_t)n] = w[(size_t)n * (size_t)K + (size_t)k];
}

void linear_pack(float *panels, int K, int first, const float *w, int N)
{
	for (int n = 0, count; n < N; n += count) {
		const int column = (first + n) % PANEL;
		count = PANEL - column < N - n ? PANEL - column : N - n;
		pack_rows(panels + (size_t)((first + n) / PANEL) * (size_t)K * PANEL + column, K, w + (size_t)n * (size_t)K,
		          count);
	}
}

/* As laid out in kernels_simd.h, with the most rows any table's tile has. */
size_t attention_scratch(int n, int D)
{
	size_t keys = (size_t)panel_count(n) * (size_t)D * PANEL, values = (size_t)panel_count(D) * (size_t)n * PANEL;
	size_t scores = TILE_ROWS_MAX * row_stride(panel_count(n) * PANEL),
		   sums = (size_t)TILE_ROWS_MAX * (size_t)panel_count(D) * PANEL;
	return keys + values + scores + sums;
}

/* As laid out in kernels_grad_simd.h. */
size_t attention_grad_scratch(int n, int D)
{
	size_t keys = (size_t)panel_count(n) * (size_t)D * PANEL, values = (size_t)panel_count(D) * (size_t)n * PANEL;
	size_t scores = GRAD_QUERIES * row_stride(panel_count(n) * PANEL),
		   sums = (size_t)TILE_ROWS_MAX * (size_t)panel_count(D) * PANEL;
	return 2 * keys + values + 2 * scores + sums;
}

void linear_pack_backward(float *panels, int total, int first_row, const float *w, int N, int K)
{
	for (int k = 0; k < K; k += PANEL) {
		float *to = panels + ((size_t)(k / PANEL) * (size_t)total + (size_t)first_row) * PANEL;
		int columns = K - k < PANEL ? K - k : PANEL;
		for (int n = 0; n < N; n++, to += PANEL) {
			memcpy(to, w + (size_t)n * (size_t)K + k, (size_t)columns * sizeof *w);
			memset(to + columns, 0, (size_t)(PANEL - columns) * sizeof *w);
		}
	}
}
