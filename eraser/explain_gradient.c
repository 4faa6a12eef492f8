/* Explainers that differentiate the predicted class's logit by the embeddings. */
#include "explainer.h"

#include "../engine/base/err.h"
#include "../engine/base/interrupt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int explain_open_trainer(struct explainer *x, struct err *e)
{
	const struct explain_options *o = &x->options;
	const struct config *c = model_config(x->model[EXPLAIN_DENSE]);
	const char *dir = o->dense ? o->dense : o->model;
	const struct trainer_options t = {
		.objective = OBJECTIVE_CLASSIFY, .threads = o->threads, .max_rows = o->rows > c->P ? o->rows : c->P};
	struct tokenizer *pieces;
	if (policy_drops(&x->runner[EXPLAIN_DENSE].policy))
		return err_set(e, ERR_UNSUPPORTED, "gradients are taken of the whole text: not under the policy '%s'",
		               x->runner[EXPLAIN_DENSE].policy.text);
	int code = tokenizer_open(&pieces, dir, e);
	if (code)
		return code;
	x->baseline_id =
		o->baseline == BASELINE_ZERO ? -1 : tokenizer_find(pieces, o->baseline == BASELINE_PAD ? "[PAD]" : "[MASK]");
	tokenizer_close(pieces);
	if (o->baseline != BASELINE_ZERO && x->baseline_id < 0)
		return err_set(e, ERR_FORMAT, "the vocabulary of '%s' has no %s", dir,
		               o->baseline == BASELINE_PAD ? "[PAD]" : "[MASK]");
	return trainer_open(&x->trainer, dir, &t, e);
}

/* Windows that are differentiated together. */
struct slab {
	struct explainer *x;
	int first, count; /* windows */
	size_t tokens, H;
	struct example *example;
	const struct example **list;
	int *baseline_ids;                              /* [tokens] */
	float *embedding, *baseline, *gradient, *given; /* [tokens,H] */
	double *path;                                   /* [tokens,H] gradients summed along it */
	float *logit, *baseline_logit;                  /* [count] */
};

static const struct window *window_of(const struct explainer *x, int w, const struct instance **in)
{
	*in = &x->in[x->place[w].instance];
	return &(*in)->windows.item[x->place[w].window];
}

static int open_slab(struct slab *s, struct err *e)
{
	const size_t floats = s->tokens * s->H, count = (size_t)s->count;
	const int is_path = explain_wants(s->x, METHOD_BIT(INTEGRATED));
	s->example = calloc(count, sizeof *s->example);
	s->list = calloc(count, sizeof *s->list);
	s->baseline_ids = malloc(s->tokens * sizeof *s->baseline_ids);
	s->embedding = malloc(floats * sizeof *s->embedding);
	s->gradient = malloc(floats * sizeof *s->gradient);
	s->baseline = is_path ? calloc(floats, sizeof *s->baseline) : NULL;
	s->given = is_path ? malloc(floats * sizeof *s->given) : NULL;
	s->path = is_path ? calloc(floats, sizeof *s->path) : NULL;
	s->logit = malloc(count * sizeof *s->logit);
	s->baseline_logit = malloc(count * sizeof *s->baseline_logit);
	if (!s->example || !s->list || !s->baseline_ids || !s->embedding || !s->gradient || !s->logit ||
	    !s->baseline_logit || (is_path && (!s->baseline || !s->given || !s->path)))
		return err_set(e, ERR_MEMORY, "out of memory for the gradients of %zu tokens", s->tokens);
	return 0;
}

static void close_slab(struct slab *s)
{
	free(s->example);
	free(s->list);
	free(s->baseline_ids);
	free(s->embedding);
	free(s->gradient);
	free(s->baseline);
	free(s->given);
	free(s->path);
	free(s->logit);
	free(s->baseline_logit);
}

static void list_examples(struct slab *s)
{
	for (int i = 0; i < s->count; i++) {
		const struct instance *in;
		const struct window *w = window_of(s->x, s->first + i, &in);
		s->example[i] = (struct example){.n = w->n,
		                                 .ids = w->ids,
		                                 .type_ids = w->type_ids,
		                                 .label = s->x->out[s->x->place[s->first + i].instance].pred[EXPLAIN_DENSE]};
		s->list[i] = &s->example[i];
	}
}

/* Sums of products over H: the row of a token, times its embedding (less the baseline). */
static void note_rows(const struct slab *s, const struct window *w, float *norm, float *sign, size_t at)
{
	for (int p = 0; p < w->pieces; p++) {
		const float *g = s->gradient + (at + 1 + (size_t)p) * s->H, *x = s->embedding + (at + 1 + (size_t)p) * s->H;
		double square = 0, sum = 0;
		for (size_t h = 0; h < s->H; h++) {
			const double product = (double)g[h] * (double)x[h];
			square += product * product;
			sum += product;
		}
		if (norm)
			norm[w->piece + p] = (float)sqrt(square);
		if (sign)
			sign[w->piece + p] = (float)sum;
	}
}

static void note_slab(const struct slab *s)
{
	const struct explainer *x = s->x;
	size_t at = 0;
	for (int i = 0; i < s->count; at += (size_t)s->example[i++].n) {
		const struct instance *in;
		const struct window *w = window_of(x, s->first + i, &in);
		const int k = x->place[s->first + i].instance;
		note_rows(s, w, x->piece[METHOD_SALIENCY][k], x->piece[METHOD_GRADIENT_INPUT][k], at);
	}
}

/* ---- integrated gradients ------------------------------------------------------------------------------------- */

/* The document's pieces are replaced; specials and the query stay. */
static int find_baseline(struct slab *s, struct err *e)
{
	struct explainer *x = s->x;
	struct example *example = calloc((size_t)s->count, sizeof *example);
	const struct example **list = calloc((size_t)s->count, sizeof *list);
	size_t at = 0;
	for (int i = 0; example && list && i < s->count; at += (size_t)s->example[i++].n) {
		const struct instance *in;
		const struct window *w = window_of(x, s->first + i, &in);
		example[i] = s->example[i];
		example[i].ids = memcpy(s->baseline_ids + at, w->ids, (size_t)w->n * sizeof *w->ids);
		for (int p = 0; p < w->pieces && x->baseline_id >= 0; p++)
			s->baseline_ids[at + 1 + (size_t)p] = x->baseline_id;
		list[i] = &example[i];
	}
	int code = example && list ? trainer_input_gradient(x->trainer, list, s->count,
	                                                    &(struct input_gradient){.embedding = s->baseline}, e)
	                           : err_set(e, ERR_MEMORY, "out of memory for %d windows", s->count);
	at = 0;
	for (int i = 0; !code && x->baseline_id < 0 && i < s->count; at += (size_t)s->example[i++].n) {
		const struct instance *in;
		const struct window *w = window_of(x, s->first + i, &in);
		memset(s->baseline + (at + 1) * s->H, 0, (size_t)w->pieces * s->H * sizeof *s->baseline);
	}
	free(example);
	free(list);
	return code;
}

/* The mean gradient along the straight line from the baseline, at the middles of equal steps. */
static int follow_path(struct slab *s, struct err *e)
{
	const int steps = s->x->options.steps;
	const size_t floats = s->tokens * s->H;
	int code = trainer_input_gradient(s->x->trainer, s->list, s->count,
	                                  &(struct input_gradient){.given = s->baseline, .logit = s->baseline_logit}, e);
	for (int k = 0; k < steps && !code; k++) {
		const float share = (float)((k + 0.5) / steps);
		for (size_t i = 0; i < floats; i++)
			s->given[i] = s->baseline[i] + share * (s->embedding[i] - s->baseline[i]);
		code = trainer_input_gradient(s->x->trainer, s->list, s->count,
		                              &(struct input_gradient){.given = s->given, .gradient = s->gradient}, e);
		for (size_t i = 0; i < floats && !code; i++)
			s->path[i] += (double)s->gradient[i] / steps;
		if (!code && interrupt_pending())
			code = err_set(e, ERR_INTERRUPTED, "interrupted");
	}
	return code;
}

/* A document's completeness is the sum of its windows'. */
static void note_path(const struct slab *s)
{
	const struct explainer *x = s->x;
	size_t at = 0;
	for (int i = 0; i < s->count; at += (size_t)s->example[i++].n) {
		const struct instance *in;
		const struct window *w = window_of(x, s->first + i, &in);
		const int k = x->place[s->first + i].instance;
		double *complete = x->out[k].completeness;
		if (isnan(complete[0]))
			complete[0] = complete[1] = 0;
		complete[1] += (double)s->logit[i] - (double)s->baseline_logit[i];
		for (int p = 0; p < w->pieces; p++) {
			const size_t row = (at + 1 + (size_t)p) * s->H;
			double sum = 0;
			for (size_t h = 0; h < s->H; h++)
				sum += s->path[row + h] * ((double)s->embedding[row + h] - (double)s->baseline[row + h]);
			x->piece[METHOD_INTEGRATED][k][w->piece + p] = (float)sum;
			complete[0] += sum;
		}
	}
}

static int run_slab(struct slab *s, struct err *e)
{
	const struct input_gradient out = {.embedding = s->embedding, .gradient = s->gradient, .logit = s->logit};
	list_examples(s);
	int code = trainer_input_gradient(s->x->trainer, s->list, s->count, &out, e);
	if (code)
		return code;
	note_slab(s);
	if (!explain_wants(s->x, METHOD_BIT(INTEGRATED)))
		return 0;
	code = find_baseline(s, e);
	if (!code)
		code = follow_path(s, e);
	if (!code)
		note_path(s);
	return code;
}

int explain_differentiate(struct explainer *x, struct err *e)
{
	const size_t most = (size_t)trainer_rows(x->trainer);
	int code = 0;
	for (int first = 0; first < x->windows && !code;) {
		struct slab s = {.x = x, .first = first, .H = (size_t)model_config(x->model[EXPLAIN_DENSE])->H};
		const struct instance *in;
		for (; first < x->windows; first++, s.count++) {
			const size_t n = (size_t)window_of(x, first, &in)->n;
			if (s.count && s.tokens + n > most)
				break;
			s.tokens += n;
		}
		code = open_slab(&s, e);
		if (!code)
			code = run_slab(&s, e);
		close_slab(&s);
	}
	return code;
}
