#include "kernels_ref.h"

#include <math.h>

double activation_ref(double z, enum activation act)
{
	switch (act) {
	case ACT_GELU: return 0.5 * z * erfc(-z / sqrt(2.0)); /* erfc: 1 + erf cancels in the left tail */
	case ACT_GELU_NEW: return z / (1.0 + exp(-2.0 * sqrt(2.0 / M_PI) * (z + 0.044715 * z * z * z)));
	case ACT_RELU: return isnan(z) || z > 0.0 ? z : 0.0;
	case ACT_TANH: return tanh(z);
	default: return z;
	}
}

static double weight(const struct linear *w, int n, int k)
{
	if (w->rows)
		return w->rows[(size_t)n * (size_t)w->K + (size_t)k];
	return w->panels[((size_t)(n / PANEL) * (size_t)w->K + (size_t)k) * PANEL + (size_t)(n % PANEL)];
}

static int columns_end(const struct linear *w, int panel1) { return w->N < panel1 * PANEL ? w->N : panel1 * PANEL; }

static void product(const struct product *p, int row0, int row1, int panel0, int panel1)
{
	for (int t = row0; t < row1; t++)
		for (int n = panel0 * PANEL; n < columns_end(p->w, panel1); n++) {
			double z = p->w->bias[n];
			for (int k = 0; k < p->w->K; k++)
				z += p->x[(size_t)t * p->x_stride + (size_t)k] * weight(p->w, n, k);
			z = activation_ref(z, p->act);
			if (p->residual)
				z += p->residual[(size_t)t * p->residual_stride + (size_t)n];
			p->y[(size_t)t * p->y_stride + (size_t)n] = (float)z;
		}
}

static void finish(const struct product *p, int row0, int row1, int panel0, int panel1)
{
	for (int t = row0; t < row1; t++)
		for (int n = panel0 * PANEL; n < columns_end(p->w, panel1); n++) {
			float *y = &p->y[(size_t)t * p->y_stride + (size_t)n];
			*y = (float)activation_ref((double)*y + p->w->bias[n], p->act);
		}
}

static void layernorm(float *y, size_t y_stride, const float *x, size_t x_stride, const float *g, const float *b,
                      double eps, int rows, int H)
{
	for (int t = 0; t < rows; t++, x += x_stride, y += y_stride) {
		double mean = 0.0, var = 0.0;
		for (int h = 0; h < H; h++)
			mean += x[h] / (double)H;
		for (int h = 0; h < H; h++)
			var += (x[h] - mean) * (x[h] - mean) / H;
		for (int h = 0; h < H; h++)
			y[h] = (float)((x[h] - mean) / sqrt(var + eps) * g[h] + b[h]);
	}
}

static double logit(const struct attention *a, int i, int j)
{
	double z = 0.0;
	for (int d = 0; d < a->D; d++)
		z += (double)a->q[(size_t)i * a->q_stride + (size_t)d] * a->k[(size_t)j * a->k_stride + (size_t)d];
	return z / sqrt((double)a->D) + (a->key_bias ? a->key_bias[j] : 0.0);
}

/* Returns the logarithm of the sum of exponentials. */
static double softmax_double(double *p, int n)
{
	double max = -INFINITY, sum = 0.0;
	for (int j = 0; j < n; j++)
		max = fmax(max, p[j]);
	for (int j = 0; j < n; j++)
		sum += exp(p[j] - max);
	for (int j = 0; j < n; j++)
		p[j] = exp(p[j] - max) / sum;
	/* cppcheck-suppress invalidFunctionArg ; n > 0 */
	return max + log(sum);
}

static void attention(const struct attention *a, int query0, int query1, float *scratch)
{
	double *p = (double *)(void *)scratch; /* [n] of the much larger scratch */
	for (int i = query0; i < query1; i++) {
		for (int j = 0; j < a->n; j++)
			p[j] = logit(a, i, j);
		double lse = softmax_double(p, a->n), scale = a->drop_bits ? a->drop_scale : 1.0;
		if (a->lse)
			a->lse[i] = (float)lse;
		for (int d = 0; d < a->D; d++) {
			double z = 0.0;
			for (int j = 0; j < a->n; j++)
				if (is_kept_ref(a->drop_bits, a->n, i, j))
					z += scale * p[j] * a->v[(size_t)j * a->v_stride + (size_t)d];
			a->out[(size_t)i * a->out_stride + (size_t)d] = (float)z;
		}
		for (int j = 0; j < a->n; j++) {
			if (a->received)
				a->received[j] += (float)p[j];
			if (a->from_cls && i == 0)
				a->from_cls[j] = (float)p[j];
		}
	}
}

static void dot_rows(float *z, const float *h, size_t h_stride, const float *w2, float b2, int rows, int K)
{
	for (int t = 0; t < rows; t++, h += h_stride) {
		double s = b2;
		for (int k = 0; k < K; k++)
			s += (double)w2[k] * h[k];
		z[t] = (float)s;
	}
}

static void softmax(float *z, int n)
{
	double max = -INFINITY, sum = 0.0;
	for (int j = 0; j < n; j++)
		max = fmax(max, z[j]);
	for (int j = 0; j < n; j++)
		sum += exp(z[j] - max);
	for (int j = 0; j < n; j++)
		z[j] = (float)(exp(z[j] - max) / sum);
}

static int is_available(void) { return 1; }

const struct kernels kernels_reference = {
	.name = "reference",
	.is_available = is_available,
	.product = product,
	.finish = finish,
	.layernorm = layernorm,
	.attention = attention,
	.dot_rows = dot_rows,
	.softmax = softmax,
	.weight_grad = weight_grad_ref,
	.column_sums = column_sums_ref,
	.layernorm_grad = layernorm_grad_ref,
	.activation = activation_rows_ref,
	.activation_grad = activation_grad_rows_ref,
	.dropout_bits = dropout_bits_ref,
	.dropout = dropout_ref,
	.attention_grad = attention_grad_ref,
	.adam = adam_ref,
	.square_sum = square_sum_ref,
	.softmax_loss = softmax_loss_ref,
};
