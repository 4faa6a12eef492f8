/* What the benches share: a cell's timing, and the cell of whole training steps. */
#ifndef ADAPLER_BENCH_H
#define ADAPLER_BENCH_H

#include "engine.h"

struct timing {
	int least;      /* runs at least */
	double seconds; /* and as many more as fit */
	double median_ms, min_ms, max_ms;
	int runs;
};

/* Runs again and again; an interruption is an error. */
int timing_run(struct timing *t, int (*run)(void *arg, struct err *e), void *arg, struct err *e);

/* A classifier that learns from random texts: every batch once is a run. */
struct train_cell {
	const char *model;           /* directory; NULL: random weights */
	const struct config *config; /* of the model either way */
	const char *kernels;
	int is_adapler;
	const int *lengths; /* [sequences], cut into batches in their order */
	int sequences, batch, threads;
	struct timing timing;
	/* What came out, of one run. */
	int steps;
	int64_t tokens;
	double flops; /* of matrix products: forward, and twice as many backward (attention: two and a half times) */
	size_t bytes; /* of the trainer */
};

int bench_train(struct train_cell *cell, struct err *e);

#endif
