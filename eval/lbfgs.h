/* Minimising a smooth function of many variables: L-BFGS (Nocedal 1980) with a backtracking line search. Deterministic. */
#ifndef ADAPLER_EVAL_LBFGS_H
#define ADAPLER_EVAL_LBFGS_H

#include <stddef.h>

struct err;

/* The function's value at x, its gradient into g; both have n. */
typedef double lbfgs_function(void *context, const double *x, double *g, size_t n);

struct lbfgs_options {
	int iterations;    /* at most (0: 200) */
	double tolerance;  /* stop when |g| falls below this share of its first value (0: 1e-4) */
	int (*stop)(void); /* asked between iterations; NULL: never */
};

struct lbfgs_result {
	double value;
	int iterations, evaluations, converged;
};

/* Begins at x and leaves the best point there. ERR_MEMORY; ERR_INTERRUPTED when `stop` said so. */
int lbfgs_minimise(double *x, size_t n, lbfgs_function *f, void *context, const struct lbfgs_options *o,
                   struct lbfgs_result *result, struct err *e);

#endif
