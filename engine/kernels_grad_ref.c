/* The naive twins of the kernels that training adds: one loop per formula, in double. */
#include "base/rng.h"
#include "kernels_ref.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void weight_grad_ref(const struct weight_grad *g, int n0, int n1)
{
	for (int n = n0; n < n1; n++)
		for (int k = 0; k < g->K; k++) {
			float *dw = &g->dw[(size_t)n * g->dw_stride + (size_t)k];
			double sum = *dw;
			for (int t = 0; t < g->T; t++)
				sum += (double)g->dy[(size_t)t * g->dy_stride + (size_t)n] * g->x[(size_t)t * g->x_stride + (size_t)k];
			*dw = (float)sum;
		}
}

void column_sums_ref(float *out, const float *x, size_t x_stride, int T, int n0, int n1)
{
	for (int n = n0; n < n1; n++) {
		double sum = out[n];
		for (int t = 0; t < T; t++)
			sum += x[(size_t)t * x_stride + (size_t)n];
		out[n] = (float)sum;
	}
}

static void moments(double *mean, double *s, const float *x, double eps, int H)
{
	double var = 0.0;
	*mean = 0.0;
	for (int h = 0; h < H; h++)
		*mean += x[h] / (double)H;
	for (int h = 0; h < H; h++)
		var += (x[h] - *mean) * (x[h] - *mean) / H;
	*s = 1.0 / sqrt(var + eps);
}

void layernorm_grad_ref(float *dx, size_t dx_stride, float *dg, float *db, const float *dy, size_t dy_stride,
                        const float *x, size_t x_stride, const float *g, double eps, int rows, int H)
{
	for (int t = 0; t < rows; t++, x += x_stride, dx += dx_stride, dy += dy_stride) {
		double m, s, e_mean = 0.0, en_mean = 0.0;
		moments(&m, &s, x, eps, H);
		for (int h = 0; h < H; h++) {
			double n = (x[h] - m) * s, e = (double)g[h] * dy[h];
			e_mean += e / H;
			en_mean += e * n / H;
		}
		for (int h = 0; h < H; h++) {
			double n = (x[h] - m) * s, e = (double)g[h] * dy[h];
			if (dg) {
				dg[h] += (float)(dy[h] * n);
				db[h] += dy[h];
			}
			dx[h] = (float)(s * (e - e_mean - n * en_mean));
		}
	}
}

double activation_grad_ref(double z, enum activation act)
{
	switch (act) {
	case ACT_GELU: return 0.5 * erfc(-z / sqrt(2.0)) + z * exp(-0.5 * z * z) / sqrt(2.0 * M_PI);
	case ACT_GELU_NEW: {
		double c = sqrt(2.0 / M_PI), th = tanh(c * (z + 0.044715 * z * z * z));
		return 0.5 * (1.0 + th) + 0.5 * z * (1.0 - th * th) * c * (1.0 + 3.0 * 0.044715 * z * z);
	}
	case ACT_RELU: return isnan(z) ? z : z > 0.0;
	case ACT_TANH: return 1.0 - tanh(z) * tanh(z);
	default: return 1.0;
	}
}

void activation_rows_ref(float *a, size_t a_stride, const float *z, size_t z_stride, enum activation act, int rows,
                         int n)
{
	for (int t = 0; t < rows; t++)
		for (int i = 0; i < n; i++)
			a[(size_t)t * a_stride + (size_t)i] = (float)activation_ref(z[(size_t)t * z_stride + (size_t)i], act);
}

void activation_grad_rows_ref(float *dz, size_t dz_stride, float *a, size_t a_stride, const float *da, size_t da_stride,
                              const float *z, size_t z_stride, enum activation act, int rows, int n)
{
	for (int t = 0; t < rows; t++, dz += dz_stride, da += da_stride, z += z_stride)
		for (int i = 0; i < n; i++) {
			double at = z[i];
			dz[i] = (float)(da[i] * activation_grad_ref(at, act));
			if (a)
				a[(size_t)t * a_stride + (size_t)i] = (float)activation_ref(at, act);
		}
}

void dropout_bits_ref(uint16_t *bits, int rows, int n, uint64_t seed, uint64_t stream, uint64_t first_row,
                      uint32_t threshold)
{
	const uint64_t words = (uint64_t)mask_words(n), first = first_row * words;
	for (uint64_t w = 0; w < (uint64_t)rows * words; w++) {
		uint32_t out[8];
		rng_block(out, seed, stream, (first + w) * 2);
		rng_block(out + 4, seed, stream, (first + w) * 2 + 1);
		bits[w] = 0;
		for (int i = 0; i < 16; i++) {
			uint32_t piece = out[i / 2] >> (i % 2 * 16) & 0xffff;
			bits[w] |= (uint16_t)((piece >= threshold) << i);
		}
	}
}

int is_kept_ref(const uint16_t *bits, int n, int row, int i)
{
	return !bits || bits[(size_t)row * (size_t)mask_words(n) + (size_t)(i / 16)] >> i % 16 & 1;
}

void dropout_ref(float *y, size_t y_stride, const float *x, size_t x_stride, const float *residual,
                 size_t residual_stride, const uint16_t *bits, float scale, int rows, int n)
{
	for (int t = 0; t < rows; t++)
		for (int i = 0; i < n; i++) {
			double kept = is_kept_ref(bits, n, t, i) ? x[(size_t)t * x_stride + (size_t)i] : 0.0;
			double add = residual ? residual[(size_t)t * residual_stride + (size_t)i] : 0.0;
			y[(size_t)t * y_stride + (size_t)i] = (float)(kept * (bits ? scale : 1.0f) + add);
		}
}

/* ---- attention ------------------------------------------------------------------------------------------------- */

static double dot(const float *a, const float *b, int n)
{
	double sum = 0.0;
	for (int i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

/* Query i's masked probabilities and the gradient of its logits, [n] each. */
static void query_grad(const struct attention_grad *a, int i, double *p, double *ds)
{
	const struct attention *f = &a->forward;
	const float *q = f->q + (size_t)i * f->q_stride, *dout = a->dout + (size_t)i * a->dout_stride;
	double delta = dot(dout, f->out + (size_t)i * f->out_stride, f->D);
	for (int j = 0; j < f->n; j++) {
		double logit = dot(q, f->k + (size_t)j * f->k_stride, f->D) / sqrt((double)f->D);
		double prob = exp(logit + (f->key_bias ? f->key_bias[j] : 0.0) - f->lse[i]);
		double keep = !f->drop_bits ? 1.0 : is_kept_ref(f->drop_bits, f->n, i, j) ? f->drop_scale : 0.0;
		double dp = dot(dout, f->v + (size_t)j * f->v_stride, f->D) * keep;
		p[j] = prob * keep;
		ds[j] = prob * (dp - delta);
	}
}

/* to[j] = sum over i of weight_ij from[i], the weights being Pd or dS / sqrt(D). */
static void key_sums(const struct attention_grad *a, int is_value, float *to, size_t to_stride, const float *from,
                     size_t from_stride, double *space)
{
	const int n = a->forward.n, D = a->forward.D;
	double *p = space, *ds = p + n, *sum = ds + n; /* sum: [n,D] */
	memset(sum, 0, (size_t)n * (size_t)D * sizeof *sum);
	for (int i = 0; i < a->queries; i++) {
		query_grad(a, i, p, ds);
		for (int j = 0; j < n; j++)
			for (int d = 0; d < D; d++)
				sum[j * D + d] +=
					(is_value ? p[j] : ds[j] / sqrt((double)D)) * from[(size_t)i * from_stride + (size_t)d];
	}
	for (int j = 0; j < n; j++)
		for (int d = 0; d < D; d++)
			to[(size_t)j * to_stride + (size_t)d] = (float)sum[j * D + d];
}

void attention_grad_ref(const struct attention_grad *a, float *scratch)
{
	const struct attention *f = &a->forward;
	double *p = (double *)(void *)scratch, *ds = p + f->n, *bias = ds + f->n;
	memset(bias, 0, (size_t)f->n * sizeof *bias);
	for (int i = 0; i < a->queries; i++) {
		query_grad(a, i, p, ds);
		for (int j = 0; j < f->n; j++)
			bias[j] += ds[j];
		for (int d = 0; d < f->D; d++) {
			double sum = 0.0;
			for (int j = 0; j < f->n; j++)
				sum += ds[j] * f->k[(size_t)j * f->k_stride + (size_t)d];
			a->dq[(size_t)i * a->dq_stride + (size_t)d] = (float)(sum / sqrt((double)f->D));
		}
	}
	for (int j = 0; a->dkey_bias && j < f->n; j++)
		a->dkey_bias[j] = (float)bias[j];
	key_sums(a, 1, a->dv, a->dv_stride, a->dout, a->dout_stride, p);
	key_sums(a, 0, a->dk, a->dk_stride, f->q, f->q_stride, p);
}

/* ---- steps and losses ------------------------------------------------------------------------------------------ */

void adam_ref(float *w, const float *g, float *m, float *v, size_t n, const struct adam *a)
{
	for (size_t i = 0; i < n; i++) {
		double grad = g ? (double)a->gradient_scale * g[i] : 0.0;
		double mean = (double)a->beta1 * m[i] + (1.0 - a->beta1) * grad;
		double square = (double)a->beta2 * v[i] + (1.0 - a->beta2) * grad * grad;
		m[i] = (float)mean;
		v[i] = (float)square;
		w[i] = (float)(w[i] - (double)a->decay * w[i] - a->step_size * mean / (sqrt(square) + a->eps));
	}
}

double square_sum_ref(const float *x, size_t n)
{
	double sum = 0.0;
	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * x[i];
	return sum;
}

double softmax_loss_ref(float *z, int n, int label, float weight)
{
	assert(0 <= label && label < n);
	double max = -INFINITY, sum = 0.0;
	for (int j = 0; j < n; j++)
		max = fmax(max, z[j]);
	for (int j = 0; j < n; j++)
		sum += exp(z[j] - max);
	/* cppcheck-suppress invalidFunctionArg ; n > 0 */
	double lse = max + log(sum), loss = lse - z[label];
	for (int j = 0; j < n; j++)
		z[j] = (float)((exp(z[j] - lse) - (j == label)) * weight);
	return loss;
}
