/* Joining the databases that several machines wrote. */
#ifndef ADAPLER_EVAL_MERGE_H
#define ADAPLER_EVAL_MERGE_H

#include "store.h"

struct merge_counts {
	int added, there, unfinished; /* runs: new to INTO, known to it, left out */
	int assembled;                /* whole runs made of all their shards */
};

/* Adds the finished runs of `path` that `into` does not have, each in one transaction: stopped anywhere and done again it
 * ends the same. ERR_MISMATCH when a run that both have has other facts here and there. */
int merge_from(struct store *into, const char *path, struct merge_counts *counts, struct err *e);

/* Makes the whole run of every set of shards that is complete. Its facts are those of the shards, its metrics are derived
 * anew; it has no times, as those of several machines do not add up. */
int merge_shards(struct store *into, struct merge_counts *counts, struct err *e);

#endif
