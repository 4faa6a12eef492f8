#include "perturb.h"

#include "explain.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_HELD = 1 << 20 }; /* of texts that wait for each other */

static int tokens_on_top(const struct rationale_facts *f, int k, int tokens, int floors)
{
	const double share = f->threshold[k] > 0 ? f->threshold[k] : isnan(f->mean_share) ? 0 : f->mean_share;
	const double n = share * tokens;
	return (int)(floors ? floor(n + 1e-9) : ceil(n - 1e-9));
}

/* The document without its first `top` of the order, or with them alone, window by window. */
static int add_document(struct inputs *in, const struct instance *x, const int *order, int top, int is_alone,
                        unsigned char *keep, struct err *e)
{
	int code = 0;
	memset(keep, !is_alone, (size_t)x->tokens);
	for (int i = 0; i < top; i++)
		keep[order[i]] = (unsigned char)is_alone;
	for (int w = 0; w < x->windows.count && !code; w++)
		code = inputs_add(in, &x->windows.item[w], &x->pieces, keep, e);
	return code;
}

struct room {
	int *order;
	unsigned char *keep;
	float *logits;   /* [2 thresholds windows, C] */
	float *document; /* [C] */
};

static int run_layer(const struct rationale_facts *f, struct rationale_document *d, const struct instance *x,
                     struct runner *r, struct inputs *in, int floors, int layer, const struct room *room, struct err *e)
{
	const int windows = x->windows.count;
	int code = rationale_order(room->order, d->score, layer, d->tokens, e);
	inputs_clear(in);
	int texts = 0; /* that have gone through the model */
	for (int k = 0; k < 2 * f->thresholds && !code; k++) {
		code = add_document(in, x, room->order, tokens_on_top(f, k / 2, d->tokens, floors), k % 2, room->keep, e);
		if (code || (in->tokens < TOKENS_HELD && k + 1 < 2 * f->thresholds))
			continue;
		code = inputs_logits(in, r, room->logits + (size_t)texts * (size_t)f->classes, e);
		texts += in->count;
		inputs_clear(in);
	}
	for (int k = 0; k < 2 * f->thresholds && !code; k++) {
		explain_document_logits(room->document, &x->windows, room->logits + (size_t)(k * windows * f->classes),
		                        f->classes);
		(k % 2 ? d->alone : d->removed)[layer * f->thresholds + k / 2] =
			rationale_probability(room->document, f->classes, d->pred);
	}
	return code;
}

int perturb(const struct rationale_facts *f, struct rationale_document *d, const struct instance *x, struct runner *r,
            struct inputs *in, int floors, struct err *e)
{
	const size_t texts = 2 * (size_t)f->thresholds * (size_t)x->windows.count, C = (size_t)f->classes;
	const struct room room = {.order = malloc((size_t)d->tokens * sizeof *room.order),
	                          .keep = malloc((size_t)d->tokens),
	                          .logits = malloc(texts * C * sizeof *room.logits),
	                          .document = malloc(C * sizeof *room.document)};
	int code = room.order && room.keep && room.logits && room.document
	               ? 0
	               : err_set(e, ERR_MEMORY, "out of memory for %zu texts", texts);
	for (int l = 0; l < f->layers && !code; l++)
		code = run_layer(f, d, x, r, in, floors, l, &room, e);
	free(room.order);
	free(room.keep);
	free(room.logits);
	free(room.document);
	return code;
}
