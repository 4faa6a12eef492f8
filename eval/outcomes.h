/* Facts as metrics take them: of all examples, or of a resample of them. */
#ifndef ADAPLER_EVAL_OUTCOMES_H
#define ADAPLER_EVAL_OUTCOMES_H

#include "facts.h"

struct outcomes {
	const struct facts *f;
	int is_labelled;    /* every example: otherwise no metric is defined */
	double *probs;      /* [n,outputs] */
	double *predicted;  /* [n] of a regression */
	double *loss;       /* [n] log loss, or squared error; NaN without labels */
	struct picked *own; /* room for a resample */
};

/* Borrows the facts. */
int outcomes_open(struct outcomes *o, const struct facts *f, struct err *e);
void outcomes_close(struct outcomes *o);

struct outcome outcomes_whole(const struct outcomes *o);
/* Of the examples pick[0..n), n at most that of the facts; without probabilities. Borrowed until the next call. */
struct outcome outcomes_pick(struct outcomes *o, const int *pick, int n);

/* NaN without labels. */
double outcomes_metric(const struct outcomes *o, const struct metric *m);
double outcomes_loss(const struct outcomes *o);

#endif
