/* A run with its facts and what is derived from them, in the store all at once or not at all. */
#ifndef ADAPLER_EVAL_RECORD_H
#define ADAPLER_EVAL_RECORD_H

#include "facts.h"
#include "store.h"

/* One transaction. *id: the run's number; one of this key that is finished stays as it is. */
int record_run(struct store *s, const struct store_run *run, const struct facts *f, int64_t *id, struct err *e);

#endif
