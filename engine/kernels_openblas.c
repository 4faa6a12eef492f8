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
	if (!p->w->rows) {
		best()->product(p, row0, row1, panel0, panel1);
		return;
	}
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

/* ---- training: nothing of it is a product of OpenBLAS's ---- */

static void weight_grad(const struct weight_grad *g, int n0, int n1) { best()->weight_grad(g, n0, n1); }

static void column_sums(float *out, const float *x, size_t x_stride, int T, int n0, int n1)
{
	best()->column_sums(out, x, x_stride, T, n0, n1);
}

static void layernorm_grad(float *dx, size_t dx_stride, float *dg, float *db, const float *dy, size_t dy_stride,
                           const float *x, size_t x_stride, const float *g, double eps, int rows, int H)
{
	best()->layernorm_grad(dx, dx_stride, dg, db, dy, dy_stride, x, x_stride, g, eps, rows, H);
}

static void activation(float *a, size_t a_stride, const float *z, size_t z_stride, enum activation act, int rows, int n)
{
	best()->activation(a, a_stride, z, z_stride, act, rows, n);
}

static void activation_grad(float *dz, size_t dz_stride, float *a, size_t a_stride, const float *da, size_t da_stride,
                            const float *z, size_t z_stride, enum activation act, int rows, int n)
{
	best()->activation_grad(dz, dz_stride, a, a_stride, da, da_stride, z, z_stride, act, rows, n);
}

static void dropout_bits(uint16_t *bits, int rows, int n, uint64_t seed, uint64_t stream, uint64_t first_row,
                         uint32_t threshold)
{
	best()->dropout_bits(bits, rows, n, seed, stream, first_row, threshold);
}

static void dropout(float *y, size_t y_stride, const float *x, size_t x_stride, const float *residual,
                    size_t residual_stride, const uint16_t *bits, float scale, int rows, int n)
{
	best()->dropout(y, y_stride, x, x_stride, residual, residual_stride, bits, scale, rows, n);
}

static void attention_grad(const struct attention_grad *a, float *scratch) { best()->attention_grad(a, scratch); }

static void adam(float *w, const float *g, float *m, float *v, size_t n, const struct adam *a)
{
	best()->adam(w, g, m, v, n, a);
}

static double square_sum(const float *x, size_t n) { return best()->square_sum(x, n); }

static double softmax_loss(float *z, int n, int label, float weight)
{
	return best()->softmax_loss(z, n, label, weight);
}

const struct kernels kernels_openblas = {
	.name = "openblas",
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
#endif
