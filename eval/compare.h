/* Two runs on the same examples: what differs, how surely, and what the sample could have shown. */
#ifndef ADAPLER_EVAL_COMPARE_H
#define ADAPLER_EVAL_COMPARE_H

#include "facts.h"

/* A measure of both. Quality is compared by its difference b - a, FLOPs and time by the ratio of costs a / b: how many times
 * cheaper b is. */
struct compared {
	const char *measure;    /* "accuracy" ..., "flops", "time" */
	const char *test;       /* "mcnemar", "permutation", "sign-flip" */
	double a, b;            /* of a metric; of costs, FLOPs and seconds in sum */
	double effect, lo, hi;  /* difference or ratio, with its paired bootstrap interval of 95 % */
	double p;               /* two-sided; NaN: not to be tested */
	double adjusted;        /* by Holm, over all that are in one table */
	double detectable;      /* of accuracy: the least difference that 80 of 100 such samples would show at 5 % */
	int64_t only_a, only_b; /* of accuracy: examples that one run has right alone; -1 otherwise */
};

enum { COMPARED_MAX = FACTS_METRICS_MAX + 2 };

/* Facts of both with their times. Time is compared where both were timed by batches of the same size: each run's time is
 * taken relative to that of its dense twin, measured in turn with it, so that a machine that was busier for one of them does
 * not count. ERR_MISMATCH: not the same examples, or other metrics. out [COMPARED_MAX]. */
int compare(struct compared *out, int *count, const struct facts *a, const struct facts *b, uint64_t seed,
            struct err *e);

/* The main metric of two methods that were trained `pairs` times each: a[k] beside b[k], all on the same examples. What is
 * compared is the mean over the pairs; examples are drawn, or exchanged, in all pairs alike. So it is said of these trained
 * models on other examples; how far trainings differ is not in it. One pair is compared as above. */
int compare_seeds(struct compared *out, const struct facts *const *a, const struct facts *const *b, int pairs,
                  uint64_t seed, struct err *e);

#endif
