/* What a model did with a data set under a policy, example by example: what it predicted, what died where, how long each
 * batch took. Everything else that is said of a run (metrics, speedups, intervals, tests) is computed from these. */
#ifndef ADAPLER_EVAL_FACTS_H
#define ADAPLER_EVAL_FACTS_H

#include "../engine/engine.h"
#include "metrics.h"

#include <stddef.h>
#include <stdint.h>

enum { FACTS_LAYERS_MAX = 64, FACTS_METRICS_MAX = 8 };

/* Whose time it was: the run's own, or that of the same model without a policy, measured in turn with it. */
enum facts_arm { ARM_POLICY, ARM_DENSE, ARM_COUNT };

struct facts {
	/* What they are facts of. */
	struct config shape; /* the dimensions that FLOPs are counted by; no labels */
	struct policy policy;
	const struct metric *metrics[FACTS_METRICS_MAX + 1]; /* the task's, the main one first, then NULL */
	int classes;                                         /* 0: regression */

	/* By example, in the order of the data set. */
	int n, outputs;               /* outputs: classes, or 1 */
	int *idx;                     /* [n] place in the split */
	int *gold;                    /* [n] class; -1: unlabelled, or a regression */
	int *pred;                    /* [n] class with the largest logit, the first of equals; 0 in a regression */
	double *target;               /* [n] regression's; NaN: unlabelled, or classes */
	float *logits;                /* [n,outputs] */
	int *tokens;                  /* [n] at the start */
	int *rows;                    /* [n,L] that layer l attends to */
	int64_t *flops, *dense_flops; /* [n] under the policy, and if nothing were dropped */

	/* By token: example i has those from start[i] on. NULL when nothing can die; scores NULL when they were not asked for. */
	int64_t *start;         /* [n+1] */
	unsigned char *died_at; /* [start[n]] */
	float *score;           /* [start[n]] the policy's, at the last layer that scored the token; NaN: at none */

	/* By turn and batch: nanoseconds of the engine alone. */
	int batch, batches;     /* examples of a batch, and how many there are: n / batch, rounded up */
	int turns[ARM_COUNT];   /* 0: that arm was not timed */
	int64_t *ns[ARM_COUNT]; /* [turns,batches] */
};

/* Room for n examples, `tokens` tokens (0: none die) and the turns of each arm; sizes and what the facts are of are set
 * before: shape, classes, batch. All is zero, idx counts from 0. */
int facts_open(struct facts *f, int n, int64_t tokens, int has_scores, struct err *e);
void facts_close(struct facts *f);

/* The probability of every class: softmax of the logits. probs [n,classes]. */
void facts_probabilities(const struct facts *f, double *probs);
double facts_predicted(const struct facts *f, int i); /* of a regression */

#endif
