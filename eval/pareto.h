/* Quality against speedup: which points nothing beats, and how much speed a loss of quality buys. */
#ifndef ADAPLER_EVAL_PARETO_H
#define ADAPLER_EVAL_PARETO_H

#include "facts.h"

/* The runs of one model and policy, trained from one or several seeds. */
struct pareto_point {
	const char *label;
	int runs;
	const int *run;             /* [runs] of the facts given */
	double quality, quality_sd; /* mean and spread over the runs; sd NaN of one */
	double speedup, speedup_sd;
	int dominated_by; /* a point at least as good in both and better in one, the best of those; -1: on the frontier */
	double frontier_share; /* of resamples in which it is on the frontier */
};

struct pareto {
	int dense;     /* the point that the others are held against */
	double within; /* as asked for */
	int fastest;   /* the fastest point that loses at most that; the dense one if none else does */
	double speedup, speedup_lo,
		speedup_hi; /* its speedup; in 95 of 100 resamples of the examples it is from lo to hi */
	double area, area_lo,
		area_hi; /* mean quality of the frontier over the logarithm of speedup, from 1 to the largest */
};

/* Where a resample cannot tell: speedups measured in time are taken as they are. */
struct pareto_input {
	const struct facts *facts; /* [count] of the same examples, labelled */
	const double *speedup;     /* [count] NULL: of FLOPs, of the examples drawn */
	int count;
	double within;
	uint64_t seed;
};

/* Quality, speedup and their spread of each point. */
int pareto_qualities(struct pareto_point *points, int count, const struct pareto_input *in, struct err *e);

/* Fills all of the points but label and runs. ERR_MISMATCH: not the same examples. */
int pareto(struct pareto *out, struct pareto_point *points, int count, const struct pareto_input *in, int dense,
           struct err *e);

#endif
