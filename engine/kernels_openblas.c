/* Products by OpenBLAS: the reference that the other tables are measured against. It takes the weights as the
 * checkpoint has them. What is not a product comes from the best of the other tables. */
#include "kernels_table.h"

#if !defined(ADAPLER_NO_OPENBLAS)
#include <assert.h>
#include <cblas.h>
#include <string.h>

static const struct kernels *best(void)
{
	const struct kernels *const *k = kernels_all();
	while (!(*k)->is_available())
		k++;
	return *k;
}

static int is_available(void) { return 1; }

static int min_int(int a, int b) { return a < b ? a : b; }

/* The residual enters through beta, so that y may be the residual itself. */
static void product(const struct product *p, int row0, int row1, int panel0, int panel1)
{
	const int K = p->w->K, column = panel0 * PANEL, columns = min_int(p->w->N, panel1 * PANEL) - column,
			  rows = row1 - row0;
	assert(!p->residual || p->act == ACT_NONE);
	if (rows <= 0 || columns <= 0)
		return;
	float *y = p->y + (size_t)row0 * p->y_stride + column;
	if (p->residual && p->residual != p->y)
		for (int r = 0; r < rows; r++)
			memcpy(y + (size_t)r * p->y_stride, p->residual + (size_t)(row0 + r) * p->residual_stride + column,
			       (size_t)columns * sizeof *y);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, K, 1.0f, p->x + (size_t)row0 * p->x_stride,
	            (int)p->x_stride, p->w->rows + (size_t)column * (size_t)K, K, p->residual ? 1.0f : 0.0f, y,
	            (int)p->y_stride);
	best()->finish(p, row0, row1, panel0, panel1);
	COUNT_FLOPS(product, 2LL * rows * K * columns);
}

static void finish(const struct product *p, int row0, int row1, int panel0, int panel1)
{
	best()->finish(p, row0, row1, panel0, panel1);
}

static void layernorm(float *y, size_t y_stride, const float *x, size_t x_stride, const float *g, const float *b,
                      double eps, int rows, int H)
{
	best()->layernorm(y, y_stride, x, x_stride, g, b, eps, rows, H);
}

static void attention(const struct attention *a, int query0, int query1, float *scratch)
{
	best()->attention(a, query0, query1, scratch);
}

static void dot_rows(float *z, const float *h, size_t h_stride, const float *w2, float b2, int rows, int K)
{
	best()->dot_rows(z, h, h_stride, w2, b2, rows, K);
}

static void softmax(float *z, int n) { best()->softmax(z, n); }

const struct kernels kernels_openblas = {
	.name = "openblas",
	.is_available = is_available,
	.product = product,
	.finish = finish,
	.layernorm = layernorm,
	.attention = attention,
	.dot_rows = dot_rows,
	.softmax = softmax,
};
#endif
