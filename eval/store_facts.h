/* Facts in the store: tables example, trace and timing of one run. */
#ifndef ADAPLER_EVAL_STORE_FACTS_H
#define ADAPLER_EVAL_STORE_FACTS_H

#include "../engine/base/buf.h"
#include "facts.h"
#include "store.h"

/* All of them, to a run without any. The caller opens the transaction. */
int store_facts_add(struct store *s, int64_t run, const struct facts *f, struct err *e);

enum { STORE_TRACES = 1, STORE_TIMES = 2 };
/* Reads those of a run of kind eval, with what they are facts of (out of the run's args). `what`: traces and times too.
 * ERR_USAGE: no such run, or one without facts; ERR_FORMAT: facts that cannot be. */
int store_facts_get(struct store *s, int64_t run, unsigned what, struct facts *f, struct err *e);

/* The part of a run's args that store_facts_get needs: "config", "classes", "metrics", "batch", each followed by a comma. */
void store_facts_describe(struct buf *json, const struct facts *f);

/* "[1,2.5,null]": the `count` numbers of a JSON array without nested ones, without building a tree. 1 when it is that. */
int store_read_numbers(const char *text, double *values, int count);

#endif
