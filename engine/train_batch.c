/* A step: a batch is checked, cut into micro-batches that fit, and each goes up and down. */
#include "trainer.h"

#include "base/denormals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the batch ------------------------------------------------------------------------------------------------ */

static int check_ids(const struct trainer *t, const struct example *x, int index, struct err *e)
{
	const struct config *c = &t->config;
	for (int i = 0; i < x->n; i++) {
		if (x->ids[i] < 0 || x->ids[i] >= c->V)
			return err_set(e, ERR_LIMIT, "token id %d of example %d is outside the vocabulary of %d", x->ids[i], index,
			               c->V);
		if (x->type_ids && c->types && (x->type_ids[i] < 0 || x->type_ids[i] >= c->types))
			return err_set(e, ERR_LIMIT, "type id %d of example %d is outside the %d token types", x->type_ids[i],
			               index, c->types);
		if (train_is_mlm(t) && x->targets && x->targets[i] >= c->V)
			return err_set(e, ERR_LIMIT, "target %d of example %d is outside the vocabulary of %d", x->targets[i],
			               index, c->V);
	}
	return 0;
}

int train_check_example(const struct trainer *t, const struct example *x, int index, struct err *e)
{
	if (x->n < 1 || x->n > t->options.max_length)
		return err_set(e, ERR_LIMIT, "example %d has %d tokens, the trainer was opened for 1 to %d", index, x->n,
		               t->options.max_length);
	if (t->options.objective == OBJECTIVE_CLASSIFY && (x->label < 0 || x->label >= t->config.C))
		return err_set(e, ERR_LIMIT, "label %d of example %d is outside 0..%d", x->label, index, t->config.C - 1);
	if (t->options.objective == OBJECTIVE_REGRESS && !isfinite(x->value))
		return err_set(e, ERR_LIMIT, "the value of example %d is not finite", index);
	return check_ids(t, x, index, e);
}

int train_check_saliency(const struct example *x, int index, struct err *e)
{
	double sum = 0;
	if (!x->saliency)
		return err_set(e, ERR_USAGE, "example %d brings no saliency, which AdapLeR learns from", index);
	for (int i = 0; i < x->n; i++) {
		if (!(x->saliency[i] >= 0))
			return err_set(e, ERR_LIMIT, "saliency %g of example %d at token %d is negative or no number",
			               (double)x->saliency[i], index, i);
		sum += x->saliency[i];
	}
	if (!isfinite(sum))
		return err_set(e, ERR_LIMIT, "the saliency of example %d is not finite", index);
	return 0;
}

static int check_examples(const struct trainer *t, const struct example *const *examples, int count, struct err *e)
{
	if (count < 1)
		return err_set(e, ERR_USAGE, "a batch of %d examples", count);
	for (int i = 0; i < count; i++) {
		int code = train_check_example(t, examples[i], i, e);
		if (!code && train_is_mlm(t) && !examples[i]->targets)
			code = err_set(e, ERR_USAGE, "example %d brings no targets", i);
		if (!code && t->options.adapler && t->is_training)
			code = train_check_saliency(examples[i], i, e);
		if (code)
			return code;
	}
	return 0;
}

double train_weight(const struct trainer *t, const struct example *x)
{
	const double *weights = t->options.class_weights;
	return weights && t->options.objective == OBJECTIVE_CLASSIFY ? weights[x->label] : 1;
}

/* What the mean divides by: hidden words, or the examples by their weight. */
static double total_weight(const struct trainer *t, const struct example *const *examples, int count)
{
	double sum = 0;
	for (int i = 0; i < count; i++) {
		if (!train_is_mlm(t))
			sum += train_weight(t, examples[i]);
		for (int j = 0; train_is_mlm(t) && j < examples[i]->n; j++)
			sum += examples[i]->targets[j] >= 0;
	}
	return sum;
}

/* Takes the next examples that fit; returns how many. */
static int take(struct trainer *t, const struct example *const *examples, int count)
{
	t->examples = examples;
	t->B = t->T = t->start[0] = 0;
	while (t->B < count && t->B < (int)t->max_sequences) {
		const struct example *x = examples[t->B];
		if (t->T + x->n > (int)t->max_rows)
			break;
		memcpy(t->ids + t->T, x->ids, (size_t)x->n * sizeof *t->ids);
		if (x->type_ids)
			memcpy(t->type_ids + t->T, x->type_ids, (size_t)x->n * sizeof *t->type_ids);
		else
			memset(t->type_ids + t->T, 0, (size_t)x->n * sizeof *t->type_ids);
		t->T += x->n;
		t->start[++t->B] = t->T;
	}
	return t->B;
}

static void forward(struct trainer *t)
{
	train_embed(t);
	if (t->options.adapler && t->is_training)
		adapler_begin(t);
	for (int l = 0; l < t->config.L; l++) {
		if (t->options.adapler && t->is_training)
			adapler_forward(t, l);
		train_layer_forward(t, l);
	}
}

static void backward(struct trainer *t)
{
	if (t->options.adapler)
		adapler_backward_begin(t, ADAPLER_MODEL);
	for (int l = t->config.L - 1; l >= 0; l--)
		train_layer_backward(t, l, ADAPLER_MODEL);
	train_embed_backward(t);
}

/* The same forward pass seen by the other loss: only eta and theta learn from it. */
static void backward_speed(struct trainer *t)
{
	adapler_backward_begin(t, ADAPLER_SPEED);
	train_head_backward(t, 0);
	for (int l = t->config.L - 1; l >= 0; l--)
		train_layer_backward(t, l, ADAPLER_SPEED);
}

static void run_micro_batch(struct trainer *t)
{
	forward(t);
	if (train_is_mlm(t)) {
		train_mlm(t);
	} else {
		train_head(t);
		train_head_backward(t, 1);
	}
	backward(t);
	if (t->options.adapler)
		backward_speed(t);
	t->losses.tokens += t->T;
}

static void begin_losses(struct trainer *t, uint64_t step, double lambda, double weight, int count)
{
	const size_t L = (size_t)t->config.L;
	t->losses = (struct losses){.L = t->config.L, .kl = t->kl, .length = t->length};
	memset(t->kl, 0, L * sizeof *t->kl);
	memset(t->length, 0, L * sizeof *t->length);
	t->step = step;
	t->lambda = lambda;
	t->share = weight > 0 ? 1 / weight : 0;
	t->mean = 1.0 / count;
	t->first_row = 0;
	t->first_sequence = 0;
}

static void finish_losses(struct trainer *t, int count)
{
	struct losses *l = &t->losses;
	l->model = l->speed = l->task;
	for (int i = 0; i < l->L; i++) {
		l->model += t->options.gamma * (l->L - i) * t->kl[i];
		l->speed += t->options.phi * t->length[i];
	}
	if (train_is_mlm(t))
		l->correct = l->predicted ? l->correct / (double)l->predicted : NAN;
	else
		l->correct = t->options.objective == OBJECTIVE_CLASSIFY ? l->correct / count : NAN;
}

static int find_extreme(const struct weight_info *info, void *arg)
{
	struct extreme *x = arg;
	const int64_t count = info->rows * (info->columns ? info->columns : 1);
	for (int64_t i = 0; *info->slot && i < count && isfinite(x->value); i++)
		if (!(fabsf((*info->slot)[i]) <= fabsf(x->value))) {
			x->value = (*info->slot)[i];
			snprintf(x->tensor, sizeof x->tensor, "%s", info->name);
		}
	return !isfinite(x->value);
}

struct extreme train_extreme(const struct trainer *t, const struct parameters *p)
{
	struct extreme x = {"", 0};
	struct weights view;
	struct layer_weights *layers = calloc((size_t)t->config.L, sizeof *layers);
	if (!layers)
		return (struct extreme){"(out of memory to find it)", NAN};
	parameters_view(&view, layers, p, &t->config);
	weights_visit(&view, &t->config, ~0u, find_extreme, &x);
	free(layers);
	return x;
}

static int check_loss(const struct trainer *t, struct err *e)
{
	if (isfinite(t->losses.model) && isfinite(t->losses.speed))
		return 0;
	const struct extreme x = train_extreme(t, &t->w);
	return err_set(e, ERR_LIMIT,
	               "the loss is %g at step %llu; the largest weight is %g, in tensor '%s': a smaller learning rate may "
	               "help",
	               isfinite(t->losses.model) ? t->losses.speed : t->losses.model, (unsigned long long)t->step + 1,
	               (double)x.value, x.tensor);
}

int trainer_gradient(struct trainer *t, const struct example *const *examples, int count, uint64_t step, double lambda,
                     struct losses *out, struct err *e)
{
	DENORMALS_ARE_ZERO();
	t->is_training = 1;
	int code = check_examples(t, examples, count, e);
	if (!code && t->options.adapler && (!(lambda > 0) || !isfinite(lambda)))
		code = err_set(e, ERR_USAGE, "AdapLeR needs a finite lambda above 0, found %g", lambda);
	if (code)
		return code;
	begin_losses(t, step, lambda, total_weight(t, examples, count), count);
	optim_clear(t);
	memset(t->eta_gradient, 0, (size_t)t->config.L * sizeof *t->eta_gradient);
	memset(t->theta_gradient, 0, (size_t)t->config.L * sizeof *t->theta_gradient);
	for (int done = 0; done < count;) {
		done += take(t, examples + done, count - done);
		run_micro_batch(t);
		t->first_row += t->T;
		t->first_sequence = done;
	}
	finish_losses(t, count);
	*out = t->losses;
	return check_loss(t, e);
}

int trainer_evaluate(struct trainer *t, const struct example *const *examples, int count, struct losses *out,
                     struct err *e)
{
	DENORMALS_ARE_ZERO();
	t->is_training = 0;
	int code = check_examples(t, examples, count, e);
	if (code)
		return code;
	begin_losses(t, 0, 0, total_weight(t, examples, count), count);
	for (int done = 0; done < count;) {
		done += take(t, examples + done, count - done);
		forward(t);
		if (train_is_mlm(t))
			train_mlm(t);
		else
			train_head(t);
		t->losses.tokens += t->T;
	}
	finish_losses(t, count);
	*out = t->losses;
	return check_loss(t, e);
}

/* ---- saliency ------------------------------------------------------------------------------------------------- */

/* Rows of a micro-batch between the workspace and an array without gaps; `at`: its first token there. */
static void put_rows(const struct trainer *t, float *to, const float *from, int64_t at)
{
	const size_t H = (size_t)t->config.H;
	for (int i = 0; i < t->T && to; i++)
		memcpy(to + ((size_t)at + (size_t)i) * H, from + (size_t)i * t->h_stride, H * sizeof *to);
}

static void take_rows(struct trainer *t, const float *from, int64_t at)
{
	const size_t H = (size_t)t->config.H;
	for (int i = 0; i < t->T && from; i++)
		memcpy(t->layer[0].x + (size_t)i * t->h_stride, from + ((size_t)at + (size_t)i) * H, H * sizeof *from);
}

/* The output whose derivative is wanted. */
static size_t label_output(const struct trainer *t, int b)
{
	return t->options.objective == OBJECTIVE_CLASSIFY ? (size_t)t->examples[b]->label : 0;
}

static void label_logits(const struct trainer *t, float *out)
{
	for (int b = 0; b < t->B; b++)
		out[b] = t->logits[(size_t)b * row_stride(t->config.C) + label_output(t, b)];
}

/* Up, and down from the label's logit. */
static void differentiate(struct trainer *t, const float *given, int64_t at, int is_backward)
{
	train_embed(t);
	take_rows(t, given, at);
	for (int l = 0; l < t->config.L; l++)
		train_layer_forward(t, l);
	train_head_logit(t);
	if (!is_backward)
		return;
	train_head_backward(t, 0);
	for (int l = t->config.L - 1; l >= 0; l--)
		train_layer_backward(t, l, ADAPLER_SPEED);
}

static int check_differentiable(struct trainer *t, const struct example *const *examples, int count, struct err *e)
{
	t->is_training = 0;
	return train_is_mlm(t) ? err_set(e, ERR_USAGE, "saliency is a classifier's")
	                       : check_examples(t, examples, count, e);
}

int trainer_input_gradient(struct trainer *t, const struct example *const *examples, int count,
                           const struct input_gradient *x, struct err *e)
{
	DENORMALS_ARE_ZERO();
	int code = check_differentiable(t, examples, count, e);
	int64_t at = 0;
	if (code)
		return code;
	begin_losses(t, 0, 0, 1, 1);
	for (int done = 0; done < count; at += t->T) {
		const int first = done;
		done += take(t, examples + done, count - done);
		differentiate(t, x->given, at, x->gradient != NULL);
		put_rows(t, x->embedding, t->layer[0].x, at);
		put_rows(t, x->gradient, t->d.x, at);
		if (x->logit)
			label_logits(t, x->logit + first);
	}
	return 0;
}

static void write_saliency(const struct trainer *t, float *out)
{
	const int H = t->config.H;
	for (int i = 0; i < t->T; i++) {
		const float *g = t->d.x + (size_t)i * t->h_stride, *x = t->layer[0].x + (size_t)i * t->h_stride;
		double sum = 0;
		for (int h = 0; h < H; h++)
			sum += (double)g[h] * x[h] * g[h] * x[h];
		out[i] = (float)sqrt(sum);
	}
}

int trainer_saliency(struct trainer *t, const struct example *const *examples, int count, float *out, struct err *e)
{
	DENORMALS_ARE_ZERO();
	int code = check_differentiable(t, examples, count, e);
	if (code)
		return code;
	begin_losses(t, 0, 0, 1, 1);
	for (int done = 0; done < count; out += t->T) {
		done += take(t, examples + done, count - done);
		differentiate(t, NULL, 0, 1);
		write_saliency(t, out);
	}
	return 0;
}
