#include "inputs.h"

#include "../engine/base/err.h"
#include "../engine/base/interrupt.h"

#include <stdlib.h>
#include <string.h>

enum { SEQUENCES_MAX = 256 };

void inputs_clear(struct inputs *in)
{
	in->count = 0;
	in->tokens = 0;
}

void inputs_free(struct inputs *in)
{
	free(in->item);
	free(in->ids);
	free(in->type_ids);
	*in = (struct inputs){0};
}

static int grow(int **array, size_t size, struct err *e)
{
	int *grown = realloc(*array, size * sizeof *grown);
	if (!grown)
		return err_set(e, ERR_MEMORY, "out of memory for texts of %zu tokens", size);
	*array = grown;
	return 0;
}

static int make_room(struct inputs *in, int n, struct err *e)
{
	if (in->count == in->capacity) {
		const int more = in->capacity ? 2 * in->capacity : 64;
		struct input *item = realloc(in->item, (size_t)more * sizeof *item);
		if (!item)
			return err_set(e, ERR_MEMORY, "out of memory for %d texts", more);
		in->item = item;
		in->capacity = more;
	}
	if (in->tokens + (size_t)n <= in->token_capacity)
		return 0;
	const size_t more = 2 * in->token_capacity + (size_t)n;
	int code = grow(&in->ids, more, e);
	if (!code)
		code = grow(&in->type_ids, more, e);
	if (!code)
		in->token_capacity = more;
	return code;
}

int inputs_add(struct inputs *in, const struct window *w, const struct alignment *a, const unsigned char *keep,
               struct err *e)
{
	int code = make_room(in, w->n, e);
	if (code)
		return code;
	struct input *x = &in->item[in->count++];
	*x = (struct input){.at = in->tokens};
	for (int i = 0; i < w->n; i++) {
		const int piece = i - 1;
		const int is_out = keep && piece >= 0 && piece < w->pieces && !keep[a->token[w->piece + piece]];
		if (is_out && !in->mask)
			continue;
		in->ids[in->tokens] = is_out ? in->mask : w->ids[i];
		in->type_ids[in->tokens++] = w->type_ids[i];
		x->n++;
	}
	return 0;
}

/* ---- running -------------------------------------------------------------------------------------------------- */

int runner_open(struct runner *r, const struct model *m, const char *policy, int threads, int rows, unsigned want,
                struct err *e)
{
	*r = (struct runner){.model = m, .rows = rows, .sequences = SEQUENCES_MAX};
	const int longest = model_config(m)->P;
	if (r->rows < longest)
		r->rows = longest;
	const struct session_options o = {
		.threads = threads, .max_rows = r->rows, .max_sequences = r->sequences, .want = want};
	int code = policy_parse(&r->policy, policy, e);
	if (!code && !(r->start = malloc(((size_t)r->sequences + 1) * sizeof *r->start)))
		code = err_set(e, ERR_MEMORY, "out of memory for a batch");
	return code ? code : session_open(&r->session, m, &o, e);
}

void runner_close(struct runner *r)
{
	session_close(r->session);
	free(r->start);
	*r = (struct runner){0};
}

static int fill(const struct inputs *in, struct runner *r, int first)
{
	int B = 0;
	r->start[0] = 0;
	while (first + B < in->count && B < r->sequences && r->start[B] + in->item[first + B].n <= r->rows) {
		r->start[B + 1] = r->start[B] + in->item[first + B].n;
		B++;
	}
	return B;
}

int inputs_run(const struct inputs *in, struct runner *r, inputs_visitor *visit, void *arg, struct err *e)
{
	int code = 0;
	for (int first = 0; first < in->count && !code;) {
		struct trace t;
		const size_t at = in->item[first].at;
		const struct batch b = {
			.B = fill(in, r, first), .start = r->start, .ids = in->ids + at, .type_ids = in->type_ids + at};
		if (!b.B)
			return err_set(e, ERR_LIMIT, "a text of %d tokens, the model takes %d", in->item[first].n, r->rows);
		code = session_run(r->session, &b, &r->policy, &t, e);
		if (!code)
			code = visit(arg, &t, first, e);
		if (!code && interrupt_pending())
			code = err_set(e, ERR_INTERRUPTED, "interrupted");
		first += b.B;
		r->seen += r->start[b.B];
	}
	return code;
}

struct logits {
	float *to;
	size_t C;
};

static int copy_logits(void *arg, const struct trace *t, int first, struct err *e)
{
	const struct logits *l = arg;
	(void)e;
	memcpy(l->to + (size_t)first * l->C, t->logits, (size_t)t->B * l->C * sizeof *l->to);
	return 0;
}

int inputs_logits(const struct inputs *in, struct runner *r, float *logits, struct err *e)
{
	struct logits l = {logits, (size_t)model_config(r->model)->C};
	return inputs_run(in, r, copy_logits, &l, e);
}
