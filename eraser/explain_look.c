/* What a forward pass shows: predictions, contribution predictors, attention. And what is missing when a token is. */
#include "explainer.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OMITTED_TOKENS = 1 << 20 }; /* of the texts that are held at once */

/* One sequence of a batch, and the window that it is. */
struct view {
	const struct explainer *x;
	const struct trace *t;
	enum site site;
	int b, begin, n;
	const struct window *window;
	int instance;
};

static int row_lives(const struct view *v, int row, int layer)
{
	return v->t->died_at[v->begin + row] >= layer + (v->site == SITE_BEFORE_LAYER);
}

/* Where the window's pieces of a layer go. */
static float *pieces_at(const struct view *v, enum method m, int layer)
{
	const struct instance *in = &v->x->in[v->instance];
	return v->x->piece[m][v->instance] + (size_t)layer * (size_t)in->pieces.pieces + v->window->piece;
}

static void put(const struct view *v, float *to, int row, double value)
{
	if (row >= 1 && row <= v->window->pieces)
		to[row - 1] = (float)value;
}

/* The policy scores the rows that lived until the layer. Shares of a whole are multiplied by the rows that share it. */
static void note_predictors(const struct view *v)
{
	for (int l = 0; l < v->t->L; l++) {
		if (!v->t->scores[l])
			continue;
		float *to = pieces_at(v, METHOD_CP, l);
		const int first = v->t->score_start[l][v->b], rows = v->t->score_start[l][v->b + 1] - first;
		int at = first;
		for (int row = 0; row < v->n; row++)
			if (v->t->died_at[v->begin + row] >= l)
				put(v, to, row, (double)v->t->scores[l][at++] * rows);
	}
}

static void note_deaths(const struct view *v)
{
	for (int row = 0; row < v->n; row++)
		put(v, pieces_at(v, METHOD_KEPT, 0), row, v->t->died_at[v->begin + row]);
}

static void note_attention(const struct view *v, enum method m, const float *const *values)
{
	for (int l = 0; l < v->t->L; l++) {
		float *to = pieces_at(v, m, l);
		const int first = v->t->layer_start[l][v->b], rows = v->t->layer_start[l][v->b + 1] - first;
		int at = first;
		for (int row = 0; row < v->n; row++)
			if (row_lives(v, row, l))
				put(v, to, row, (double)values[l][at++] * rows);
	}
}

/* v <- v (A + I) / 2 over the rows that live at `layer`; the others keep what they have, which is 0. */
static void roll_back(const struct view *v, int layer, double *value, double *next)
{
	const float *map = v->t->maps[layer];
	for (int b = 0; b < v->b; b++) {
		const size_t n = (size_t)(v->t->layer_start[layer][b + 1] - v->t->layer_start[layer][b]);
		map += n * n;
	}
	memset(next, 0, (size_t)v->n * sizeof *next);
	for (int q = 0; q < v->n; q++) {
		if (!row_lives(v, q, layer))
			continue;
		for (int k = 0; k < v->n; k++)
			if (row_lives(v, k, layer))
				next[k] += value[q] * 0.5 * (double)*map++;
		next[q] += 0.5 * value[q];
	}
	memcpy(value, next, (size_t)v->n * sizeof *value);
}

static int note_rollout(const struct view *v, struct err *e)
{
	double *value = malloc(2 * (size_t)v->n * sizeof *value);
	if (!value)
		return err_set(e, ERR_MEMORY, "out of memory for a rollout of %d rows", v->n);
	for (int l = 0; l < v->t->L; l++) {
		memset(value, 0, (size_t)v->n * sizeof *value);
		value[0] = 1;
		for (int below = l; below >= 0; below--)
			roll_back(v, below, value, value + v->n);
		for (int row = 0; row < v->n; row++)
			put(v, pieces_at(v, METHOD_ROLLOUT, l), row, value[row] * v->n);
	}
	free(value);
	return 0;
}

static int note_window(const struct view *v, enum explain_arm arm, struct err *e)
{
	const struct explainer *x = v->x;
	if (arm == EXPLAIN_ADAPTED) {
		if (explain_wants(x, METHOD_BIT(CP)))
			note_predictors(v);
		if (explain_wants(x, METHOD_BIT(KEPT)))
			note_deaths(v);
		return 0;
	}
	if (explain_wants(x, METHOD_BIT(ATTENTION)))
		note_attention(v, METHOD_ATTENTION, v->t->received);
	if (explain_wants(x, METHOD_BIT(ATTENTION_CLS)))
		note_attention(v, METHOD_ATTENTION_CLS, v->t->from_cls);
	return explain_wants(x, METHOD_BIT(ROLLOUT)) ? note_rollout(v, e) : 0;
}

struct look {
	struct explainer *x;
	enum explain_arm arm;
};

static int note_batch(void *arg, const struct trace *t, int first, struct err *e)
{
	const struct look *look = arg;
	struct explainer *x = look->x;
	const struct runner *r = &x->runner[look->arm];
	const size_t C = (size_t)model_config(r->model)->C;
	int code = 0;
	memcpy(x->logits + (size_t)first * C, t->logits, (size_t)t->B * C * sizeof *x->logits);
	for (int b = 0; b < t->B && !code; b++) {
		const struct place *p = &x->place[first + b];
		const struct view v = {.x = x,
		                       .t = t,
		                       .site = r->policy.site,
		                       .b = b,
		                       .begin = r->start[b],
		                       .n = r->start[b + 1] - r->start[b],
		                       .window = &x->in[p->instance].windows.item[p->window],
		                       .instance = p->instance};
		code = note_window(&v, look->arm, e);
	}
	return code;
}

int explain_look(struct explainer *x, enum explain_arm arm, struct err *e)
{
	struct look look = {x, arm};
	const int C = model_config(x->model[arm])->C;
	int code = inputs_run(&x->inputs, &x->runner[arm], note_batch, &look, e);
	const float *logits = x->logits;
	for (int i = 0; i < x->count && !code; i++) {
		explain_document_logits(x->out[i].logits[arm], &x->in[i].windows, logits, C);
		x->out[i].pred[arm] = explain_best(x->out[i].logits[arm], C);
		logits += (size_t)x->in[i].windows.count * (size_t)C;
	}
	return code;
}

/* ---- leave one out -------------------------------------------------------------------------------------------- */

struct omission {
	int window, token; /* of all windows; of the document */
};

struct omissions {
	struct explainer *x;
	struct inputs inputs;
	struct omission *item;
	int count, capacity;
};

static int note_omissions(void *arg, const struct trace *t, int first, struct err *e)
{
	const struct omissions *o = arg;
	const struct explainer *x = o->x;
	(void)e;
	for (int b = 0; b < t->B; b++) {
		const struct omission *m = &o->item[first + b];
		struct explanation *out = &x->out[x->place[m->window].instance];
		const int class = out->pred[EXPLAIN_DENSE];
		out->score[METHOD_LEAVE_ONE_OUT][m->token] =
			x->logits[(size_t)m->window * (size_t)out->C + (size_t) class] - t->logits[b * out->C + class];
	}
	return 0;
}

static int run_omissions(struct omissions *o, struct err *e)
{
	int code = inputs_run(&o->inputs, &o->x->plain[EXPLAIN_DENSE], note_omissions, o, e);
	inputs_clear(&o->inputs);
	o->count = 0;
	return code;
}

static int omit(struct omissions *o, int window, int token, const unsigned char *keep, struct err *e)
{
	const struct place *p = &o->x->place[window];
	const struct instance *in = &o->x->in[p->instance];
	if (o->count == o->capacity) {
		const int more = o->capacity ? 2 * o->capacity : 1024;
		struct omission *item = realloc(o->item, (size_t)more * sizeof *item);
		if (!item)
			return err_set(e, ERR_MEMORY, "out of memory for %d texts", more);
		o->item = item;
		o->capacity = more;
	}
	o->item[o->count++] = (struct omission){window, token};
	int code = inputs_add(&o->inputs, &in->windows.item[p->window], &in->pieces, keep, e);
	return code || o->inputs.tokens < OMITTED_TOKENS ? code : run_omissions(o, e);
}

static int omit_each(struct omissions *o, int window, struct err *e)
{
	const struct place *p = &o->x->place[window];
	const struct instance *in = &o->x->in[p->instance];
	const struct window *w = &in->windows.item[p->window];
	unsigned char *keep = malloc((size_t)in->tokens);
	int code = keep ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d tokens", in->tokens);
	if (keep)
		memset(keep, 1, (size_t)in->tokens);
	for (int t = w->first; t < w->last && !code; t++) {
		if (in->pieces.first[t] == in->pieces.first[t + 1])
			continue;
		keep[t] = 0;
		code = omit(o, window, t, keep, e);
		keep[t] = 1;
	}
	free(keep);
	return code;
}

int explain_leave_out(struct explainer *x, struct err *e)
{
	struct omissions o = {.x = x};
	int code = 0;
	for (int w = 0; w < x->windows && !code; w++)
		code = omit_each(&o, w, e);
	if (!code)
		code = run_omissions(&o, e);
	inputs_free(&o.inputs);
	free(o.item);
	return code;
}
