/* What can be said about a number that was measured on a sample: intervals, tests, and what it could show at all.
 *
 * Pure functions of arrays; what is drawn is a function of (seed, draw), so the same input gives the same numbers on
 * any machine and any number of threads. What is not defined (no samples, an alpha not between 0 and 1) is NaN.
 * Sampling is over examples. A confidence is 1 - alpha. */
#ifndef ADAPLER_EVAL_STATS_H
#define ADAPLER_EVAL_STATS_H

#include <stdint.h>

struct err;

struct interval {
	double lo, hi;
};

/* ---- one sample ---- */

/* Wilson's score interval of a proportion (Wilson 1927); NaN without trials. Ends at exactly 0 without successes, at
 * exactly 1 without failures. */
struct interval stats_wilson(int64_t successes, int64_t trials, double alpha);

double stats_mean(const double *x, int n);
double stats_sd(const double *x, int n); /* by n - 1; NaN below two */
double stats_median(double *x, int n);   /* reorders x */
/* Linear between order statistics (Hyndman and Fan 1996, type 7); reorders x. NaN when a number is. */
double stats_quantile(double *x, int n, double q);
/* Student's interval of a mean (over seeds); NaN below two, a point when all are equal. */
struct interval stats_mean_interval(const double *x, int n, double alpha);

/* ---- resampling ---- */

/* The statistic of the samples pick[0..n): indices with repetition. NaN where it is undefined. */
typedef double statistic(const int *pick, int n, void *arg);

/* Percentile bootstrap (Efron 1979): of `draws` resamples those where the statistic is defined; NaN when fewer than
 * half are. Equal n and seed give equal resamples, whatever the statistic. ERR_MEMORY. */
int stats_bootstrap(struct interval *out, int n, statistic *f, void *arg, int draws, uint64_t seed, double alpha,
                    struct err *e);

/* The same for several statistics of each resample at once: f fills value [count]. values [draws,count] gets all, for
 * what is made of them jointly, in the order of the draws; NaN without samples. ERR_MEMORY. */
typedef void statistics(double *value, const int *pick, int n, void *arg);
int stats_resample(double *values /* [draws,count] */, int count, int n, statistics *f, void *arg, int draws,
                   uint64_t seed, struct err *e);

/* ---- two systems on the same samples ---- */

/* Exact McNemar test (binomial, two-sided): `b` samples only the one has right, `c` only the other. 1 if both are 0. */
double stats_mcnemar(int64_t b, int64_t c);

/* Paired permutation test, two-sided: swapped[i] says whether sample i's two results change places; f gives the
 * difference of the two systems' statistic then. p = (1 + those at least as far from 0) / (1 + draws); NaN where the
 * observed difference is undefined, which f is asked for first. Equal but for rounding (1e-12) is as far, and so is an
 * undefined swap: p errs to the large side. ERR_MEMORY. */
typedef double swapped_difference(const unsigned char *swapped, int n, void *arg);
int stats_permutation(double *p, int n, swapped_difference *f, void *arg, int draws, uint64_t seed, struct err *e);

/* Sign-flip permutation test of mean(d) = 0 over paired differences, two-sided; exact (all 2^n signs) up to n = 16,
 * above by draws as in stats_permutation. NaN without samples, or when one is NaN. ERR_MEMORY. */
int stats_sign_flip(double *p, const double *d, int n, int draws, uint64_t seed, struct err *e);

/* ---- many tests ---- */

/* Holm's adjusted p-values (Holm 1979), in the order given; NaN stay NaN and do not count. `adjusted` may be `p`.
 * ERR_MEMORY. */
int stats_holm(double *adjusted, const double *p, int n, struct err *e);

/* ---- what could be seen ---- */

/* The least difference of two accuracies on the same `n` samples that a two-sided test at `alpha` finds with
 * probability `power`, where a share `discordant` of the samples is right in one system only (Connor 1987, solved for
 * the difference). NaN where there is none: too few samples, so that not even a difference of all that is discordant
 * would be found. */
double stats_detectable_difference(int64_t n, double discordant, double alpha, double power);

/* Infinite at p = 0 and 1, NaN beyond. */
double stats_normal_quantile(double p);
double stats_student_quantile(double p,
                              double df); /* to 1e-9 for df >= 1 and tails above 1e-100; df need not be whole */

#endif
