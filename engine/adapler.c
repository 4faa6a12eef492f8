/* AdapLeR's own part of a training step (method.md; arXiv 2203.08991): before each layer a contribution predictor
 * scores the rows, soft removal turns scores into the keys' bias, and two losses look at what came of it:
 *
 *   model = task + gamma sum_l (L-l) KL_l   teaches the network and the predictors,
 *   speed = task + phi sum_l length_l       teaches eta and theta.
 *
 * The way back is taken once for each, so d.* hold one loss's derivatives at a time. */
#include "trainer.h"

#include <math.h>
#include <string.h>

static const double PROBABILITY_LEAST = 1e-7, THETA_LEAST = 1e-7;

/* ---- the recursions of one sequence at one layer -------------------------------------------------------------- */

static int rows_of(const struct trainer *t, int b) { return t->start[b + 1] - t->start[b]; }

static struct soft_step removal_step(const struct trainer *t, int layer, int b)
{
	const struct train_layer *l = &t->layer[layer];
	const int begin = t->start[b];
	return (struct soft_step){.n = rows_of(t, b),
	                          .eta = t->w.eta[layer],
	                          .lambda = t->lambda,
	                          .score = l->score + begin,
	                          .mask = l->mask + begin,
	                          .bias = l->bias + begin,
	                          .length = l->length[b]};
}

static struct soft_step loss_step(const struct trainer *t, int layer, int b)
{
	const struct train_layer *l = &t->layer[layer];
	struct soft_step step = removal_step(t, layer, b);
	step.mask = l->loss_mask + t->start[b];
	step.bias = NULL;
	step.length = l->loss_length[b];
	return step;
}

/* ---- the way up ----------------------------------------------------------------------------------------------- */

void adapler_begin(struct trainer *t)
{
	struct train_layer *l = &t->layer[0];
	for (int i = 0; i < t->T; i++) {
		l->mask[i] = l->loss_mask[i] = 1;
		l->bias[i] = 0;
	}
	for (int b = 0; b < t->B; b++) {
		l->mask[t->start[b]] = 0;
		l->length[b] = l->loss_length[b] = rows_of(t, b);
	}
}

static void predictor_rows(struct trainer *t, int layer, int row0, int row1, int worker)
{
	const struct train_layer *l = &t->layer[layer];
	const struct layer_parameters *w = &t->w.layer[layer];
	const size_t K = t->k_stride, at = (size_t)row0 * K;
	float *active = t->d.predictor_active, *z = t->d.score;
	(void)worker;
	train_product(t, &t->model->maps[layer].predictor, l->predictor, K, l->x, t->h_stride, NULL, row0, row1);
	t->kernels->activation(active + at, K, l->predictor + at, K, ACT_GELU, row1 - row0, t->config.K);
	t->kernels->dot_rows(z + row0, active + at, K, w->cp_score_w, *w->cp_score_b, row1 - row0, t->config.K);
}

static void softmax(double *s, const float *z, int n)
{
	double max = -INFINITY, sum = 0;
	for (int i = 0; i < n; i++)
		max = fmax(max, z[i]);
	for (int i = 0; i < n; i++)
		sum += s[i] = exp(z[i] - max);
	for (int i = 0; i < n; i++)
		s[i] /= sum;
}

/* The saliency that a layer is to predict: sal * u', [CLS]'s times theta of the layer below, normalised. */
static double target_sum(const struct trainer *t, int layer, int b)
{
	const float *saliency = t->examples[b]->saliency;
	const double *mask = t->layer[layer].loss_mask + t->start[b];
	double sum = layer ? saliency[0] * (double)t->w.theta[layer - 1] : saliency[0];
	for (int i = 1; i < rows_of(t, b); i++)
		sum += saliency[i] * mask[i];
	return sum;
}

static double target(const struct trainer *t, int layer, int b, int i, double sum)
{
	const double saliency = t->examples[b]->saliency[i];
	const double factor = i ? t->layer[layer].loss_mask[t->start[b] + i] : layer ? t->w.theta[layer - 1] : 1;
	return sum > 0 ? saliency * factor / sum : 0;
}

static double clamped(double p) { return fmin(fmax(p, PROBABILITY_LEAST), 1); }

/* The largest of the mask over the rows but [CLS]: a text of which nothing is left teaches nothing. */
static double divergence_weight(const struct trainer *t, int layer, int b)
{
	const double *mask = t->layer[layer].loss_mask + t->start[b];
	double most = 0;
	for (int i = 1; i < rows_of(t, b); i++)
		most = fmax(most, mask[i]);
	return most;
}

static double divergence(const struct trainer *t, int layer, int b)
{
	const double *score = t->layer[layer].score + t->start[b], sum = target_sum(t, layer, b);
	double kl = 0;
	for (int i = 0; i < rows_of(t, b); i++) {
		const double p = clamped(target(t, layer, b, i, sum));
		kl += p * log(p / clamped(score[i]));
	}
	return kl * divergence_weight(t, layer, b);
}

/* Steps both recursions of sequence b; what enters the layer above is written there. */
static void step_sequence(struct trainer *t, int layer, int b)
{
	struct train_layer *l = &t->layer[layer], *above = &t->layer[layer + 1];
	const int begin = t->start[b];
	struct soft_step removal = removal_step(t, layer, b), loss = loss_step(t, layer, b);
	removal.mask_out = above->mask + begin;
	removal.bias_out = above->bias + begin;
	loss.mask_out = above->loss_mask + begin;
	soft_forward(&removal);
	soft_forward(&loss);
	above->length[b] = removal.length_out;
	above->loss_length[b] = loss.length_out;
	for (int i = 0; i < rows_of(t, b); i++)
		l->key_bias[begin + i] = (float)removal.bias_out[i];
}

void adapler_forward(struct trainer *t, int layer)
{
	struct train_layer *l = &t->layer[layer];
	train_for_rows(t, layer, t->T, predictor_rows);
	for (int b = 0; b < t->B; b++) {
		const int begin = t->start[b], n = rows_of(t, b);
		softmax(l->probability + begin, t->d.score + begin, n);
		soft_rescale(l->score + begin, l->probability + begin, l->mask + begin, n);
		t->kl[layer] += t->mean * divergence(t, layer, b);
		step_sequence(t, layer, b);
		t->length[layer] += t->mean * t->layer[layer + 1].length[b];
	}
}

/* ---- the way down --------------------------------------------------------------------------------------------- */

void adapler_backward_begin(struct trainer *t, enum adapler_loss loss)
{
	struct train_gradients *d = &t->d;
	const size_t T = (size_t)t->T, B = (size_t)t->B;
	(void)loss;
	memset(d->mask, 0, T * sizeof *d->mask);
	memset(d->bias, 0, T * sizeof *d->bias);
	memset(d->loss_mask, 0, T * sizeof *d->loss_mask);
	memset(d->length, 0, B * sizeof *d->length);
	memset(d->loss_length, 0, B * sizeof *d->loss_length);
}

/* The key bias is shared by all heads. */
static void add_head_bias(struct trainer *t)
{
	for (int i = 0; i < t->T; i++)
		for (int h = 0; h < t->config.A; h++)
			t->d.bias[i] += t->d.head_bias[(size_t)h * t->max_rows + (size_t)i];
}

/* gamma (L-l) weight KL: by the scores, and by u' through the target. */
static void divergence_backward(struct trainer *t, int layer, int b)
{
	const int n = rows_of(t, b), begin = t->start[b];
	const double *score = t->layer[layer].score + begin, sum = target_sum(t, layer, b);
	const double weight = t->options.gamma * (t->config.L - layer) * t->mean * divergence_weight(t, layer, b);
	double *by_score = t->d.soft_score + begin, *by_target = t->d.scratch + begin, dot = 0;
	for (int i = 0; i < n; i++) {
		const double p = target(t, layer, b, i, sum);
		if (score[i] >= PROBABILITY_LEAST)
			by_score[i] -= weight * clamped(p) / score[i];
		by_target[i] = p >= PROBABILITY_LEAST ? weight * (log(p / clamped(score[i])) + 1) : 0;
		dot += by_target[i] * p;
	}
	for (int i = 1; i < n && sum > 0; i++)
		t->d.loss_mask[begin + i] += (by_target[i] - dot) / sum * t->examples[b]->saliency[i];
}

static struct soft_gradient soft_gradient(struct trainer *t, int b, double *mask, double *bias, double length)
{
	const int begin = t->start[b];
	return (struct soft_gradient){
		.mask = mask + begin, .bias = bias ? bias + begin : NULL, .length = length, .score = t->d.soft_score + begin};
}

static void removal_backward(struct trainer *t, int layer, int b, enum adapler_loss loss)
{
	const struct soft_step step = removal_step(t, layer, b);
	struct soft_gradient g = soft_gradient(t, b, t->d.mask, t->d.bias, t->d.length[b]);
	if (loss == ADAPLER_SPEED)
		g.length += t->options.phi * t->mean;
	soft_backward(&step, &g);
	t->d.length[b] = g.length;
	if (loss == ADAPLER_SPEED)
		t->eta_gradient[layer] += g.eta;
}

static void loss_mask_backward(struct trainer *t, int layer, int b)
{
	const struct soft_step step = loss_step(t, layer, b);
	struct soft_gradient g = soft_gradient(t, b, t->d.loss_mask, NULL, t->d.loss_length[b]);
	soft_backward(&step, &g);
	t->d.loss_length[b] = g.length;
}

/* By the predictor's output: from the rescaled scores through the rescaling and the softmax. */
static void sequence_backward(struct trainer *t, int layer, int b, enum adapler_loss loss)
{
	const struct train_layer *l = &t->layer[layer];
	const int n = rows_of(t, b), begin = t->start[b];
	const double *probability = l->probability + begin;
	double *by_score = t->d.soft_score + begin, dot = 0;
	memset(by_score, 0, (size_t)n * sizeof *by_score);
	removal_backward(t, layer, b, loss);
	if (loss == ADAPLER_MODEL) {
		loss_mask_backward(t, layer, b);
		divergence_backward(t, layer, b);
	}
	soft_rescale_backward(by_score, t->d.mask + begin, by_score, l->score + begin, probability, l->mask + begin, n);
	for (int i = 0; i < n; i++)
		dot += by_score[i] * probability[i];
	/* theta enters the speed loss through a factor of 1 on [CLS]'s probability, with the others renormalised. */
	if (loss == ADAPLER_SPEED && layer)
		t->theta_gradient[layer - 1] += probability[0] * (by_score[0] - dot) / (t->w.theta[layer - 1] + THETA_LEAST);
	for (int i = 0; i < n; i++)
		t->d.score[begin + i] = (float)(probability[i] * (by_score[i] - dot));
}

/* Through the predictor onto d.x. */
static void predictor_rows_backward(struct trainer *t, int layer, int row0, int row1, int worker)
{
	const struct train_layer *l = &t->layer[layer];
	const float *w2 = t->w.layer[layer].cp_score_w;
	struct train_gradients *d = &t->d;
	const size_t K = t->k_stride, at = (size_t)row0 * K;
	(void)worker;
	for (int i = row0; i < row1; i++)
		for (int k = 0; k < t->config.K; k++)
			d->predictor[(size_t)i * K + (size_t)k] = d->score[i] * w2[k];
	t->kernels->activation_grad(d->predictor + at, K, d->predictor_active + at, K, d->predictor + at, K,
	                            l->predictor + at, K, ACT_GELU, row1 - row0, t->config.K);
	train_product(t, train_back(t, &t->model->maps[layer].predictor), d->x, t->h_stride, d->predictor, K, d->x, row0,
	              row1);
}

static void predictor_weight_gradients(struct trainer *t, int layer)
{
	const struct layer_parameters *g = &t->g.layer[layer];
	const struct train_gradients *d = &t->d;
	struct train_jobs all = {.weights_count = 0};
	train_jobs_add_weight(&all, g->cp_dense_w, g->cp_dense_b, d->predictor, t->k_stride, t->layer[layer].x, t->h_stride,
	                      t->T, t->config.K, t->config.H);
	train_jobs_add_weight(&all, g->cp_score_w, g->cp_score_b, d->score, 1, d->predictor_active, t->k_stride, t->T, 1,
	                      t->config.K);
	train_jobs_run(t, 0, &all);
}

void adapler_backward(struct trainer *t, int layer, enum adapler_loss loss)
{
	add_head_bias(t);
	for (int b = 0; b < t->B; b++)
		sequence_backward(t, layer, b, loss);
	train_for_rows(t, layer, t->T, predictor_rows_backward);
	if (loss == ADAPLER_MODEL)
		predictor_weight_gradients(t, layer);
}
