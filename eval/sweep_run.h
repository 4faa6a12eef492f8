/* Carries a sweep out: every cell once, whatever happens to the processes at work on it. */
#ifndef ADAPLER_EVAL_SWEEP_RUN_H
#define ADAPLER_EVAL_SWEEP_RUN_H

#include "sweep.h"

enum cell_state {
	CELL_OPEN,   /* to be done */
	CELL_DONE,   /* its run is in the store */
	CELL_FAILED, /* could not be run; the others go on */
	CELL_LEFT,   /* of another shard */
};

struct cell_status {
	enum cell_state state;
	char key[65];
	int64_t run;    /* of a cell that is done */
	int64_t tokens; /* that the engine will see */
	double flops;   /* as if nothing were dropped */
	int was_there;  /* done before this sweep began */
	char why[400];  /* it failed */
};

struct sweep_options {
	const char *db; /* NULL: no store, for planning only */
	int jobs;       /* processes; 0 or 1: this one alone */
	int shard, shards;
};

/* Finds out what there is to do: loads data and hashes weights, runs nothing. status [s->count]. */
int sweep_plan(const struct sweep *s, struct cell_status *status, const struct sweep_options *o, struct err *e);

/* Runs what sweep_plan left open. A cell that fails is noted and the others go on; ERR_INTERRUPTED, or what ails the
 * store, ends it. Cells that other processes are at are waited for, and taken over when these die. */
int sweep_run(const struct sweep *s, struct cell_status *status, const struct sweep_options *o, struct err *e);

/* "sst2 dev runs/phi-0.005 adapler, batch 1": for people. */
void cell_describe(char *out, size_t size, const struct cell *c);

#endif
