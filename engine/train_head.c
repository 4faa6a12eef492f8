/* The classifier's head: pooler, dropout, classifier, and the loss. */
#include "trainer.h"

#include <math.h>
#include <string.h>

static enum activation pooler_activation(const struct trainer *t)
{
	return t->config.family == FAMILY_DISTILBERT ? ACT_RELU : ACT_TANH;
}

static size_t logits_stride(const struct trainer *t) { return row_stride(t->config.C); }

static void head_forward(struct trainer *t)
{
	const size_t H = t->h_stride;
	train_product(t, &t->model->pooler, t->pooled_sum, H, t->state, H, NULL, 0, t->B);
	t->kernels->activation(t->pooled, H, t->pooled_sum, H, pooler_activation(t), t->B, t->config.H);
	train_drop(t, t->pooled_bits, 0, DROP_POOLED, t->dropped, t->pooled, NULL, 0, t->B);
	train_product(t, &t->model->classifier, t->logits, logits_stride(t), t->dropped, H, NULL, 0, t->B);
}

static int best_of(const float *z, int n)
{
	int best = 0;
	for (int i = 1; i < n; i++)
		best = z[i] > z[best] ? i : best;
	return best;
}

static double classify(struct trainer *t, const struct example *x, const float *logits, float *dlogits)
{
	const double share = t->share * train_weight(t, x);
	memcpy(dlogits, logits, (size_t)t->config.C * sizeof *dlogits);
	t->losses.correct += best_of(logits, t->config.C) == x->label;
	return share * t->kernels->softmax_loss(dlogits, t->config.C, x->label, (float)share);
}

static double regress(const struct trainer *t, const struct example *x, const float *logits, float *dlogits)
{
	const double error = (double)logits[0] - x->value;
	dlogits[0] = (float)(2 * error * t->share);
	return error * error * t->share;
}

void train_head(struct trainer *t)
{
	head_forward(t);
	for (int b = 0; b < t->B; b++) {
		const float *logits = t->logits + (size_t)b * logits_stride(t);
		float *dlogits = t->dlogits + (size_t)b * logits_stride(t);
		t->losses.task += t->options.objective == OBJECTIVE_CLASSIFY ? classify(t, t->examples[b], logits, dlogits)
		                                                             : regress(t, t->examples[b], logits, dlogits);
	}
	t->losses.predicted += t->B;
}

void train_head_logit(struct trainer *t)
{
	head_forward(t);
	memset(t->dlogits, 0, (size_t)t->B * logits_stride(t) * sizeof *t->dlogits);
	for (int b = 0; b < t->B; b++)
		t->dlogits[(size_t)b * logits_stride(t) +
		           (size_t)(t->options.objective == OBJECTIVE_CLASSIFY ? t->examples[b]->label : 0)] = 1;
}

void train_head_backward(struct trainer *t, int with_weights)
{
	const size_t H = t->h_stride, C = logits_stride(t);
	const int h = t->config.H;
	train_product(t, train_back(t, &t->model->classifier), t->dpooled, H, t->dlogits, C, NULL, 0, t->B);
	train_drop_backward(t, t->pooled_bits, t->dpooled, t->dpooled, 0, t->B);
	t->kernels->activation_grad(t->dpooled, H, NULL, 0, t->dpooled, H, t->pooled_sum, H, pooler_activation(t), t->B, h);
	train_product(t, train_back(t, &t->model->pooler), t->d.x, H, t->dpooled, H, NULL, 0, t->B);
	if (!with_weights)
		return;
	struct train_jobs all = {.weights_count = 0};
	train_jobs_add_weight(&all, t->g.classifier_w, t->g.classifier_b, t->dlogits, C, t->dropped, H, t->B, t->config.C,
	                      h);
	train_jobs_add_weight(&all, t->g.pooler_w, t->g.pooler_b, t->dpooled, H, t->state, H, t->B, h, h);
	train_jobs_run(t, 0, &all);
}
