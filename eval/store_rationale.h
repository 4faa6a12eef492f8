/* Documents, explanations and perturbations in the store: the facts of a run of kind rationale.
 *
 * They are written document by document, so that a long run goes on where it was killed. */
#ifndef ADAPLER_EVAL_STORE_RATIONALE_H
#define ADAPLER_EVAL_STORE_RATIONALE_H

#include "../engine/base/buf.h"
#include "rationale.h"
#include "store.h"

struct store_document {
	const char *data; /* hash of the data set */
	int idx;
	const char *annotation, *docid, *label; /* label NULL: none */
	const char *words;                      /* the tokens, a space between two */
	int spans;
	int (*span)[2];
};

/* One that is there stays. */
int store_document_add(struct store *s, const struct store_document *d, struct err *e);
/* What a run says of document idx. `f`: what is the same for all documents of the run. */
int store_rationale_add(struct store *s, int64_t run, int idx, const struct rationale_facts *f,
                        const struct rationale_document *d, struct err *e);
/* How many documents the run has so far: those of idx 0 .. count-1. */
int store_rationale_count(struct store *s, int64_t run, int *count, struct err *e);
/* ERR_USAGE: no such run, or of another kind; ERR_FORMAT: facts that cannot be. */
int store_rationale_get(struct store *s, int64_t run, struct rationale_facts *f, struct err *e);

/* The part of a run's args that store_rationale_get needs, each member followed by a comma. */
void store_rationale_describe(struct buf *json, const struct rationale_facts *f);

#endif
