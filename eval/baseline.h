/* What a model must beat: the majority class, and logistic regression on words and pairs of words.
 *
 * Features of a sample are the words (words.h) and pairs of neighbouring words of its texts that occur in at least
 * `least` training samples; a second text has features of its own, and so have words that are in both. Their weights
 * are idf, scaled to length 1. Regression tasks get the mean, and least squares, in place of the two.
 *
 *   minimise  mean_i loss(W x_i + b, y_i) + l2/2 |W|^2 */
#ifndef ADAPLER_EVAL_BASELINE_H
#define ADAPLER_EVAL_BASELINE_H

#include <stddef.h>

struct dataset;
struct err;
struct baseline;

struct baseline_options {
	double l2;         /* 0: 5e-6 */
	int least;         /* 0: 2 */
	int iterations;    /* 0: 200 */
	int (*stop)(void); /* asked between iterations; NULL: never */
};

/* Learns from a labelled split. ERR_FORMAT when nothing is labelled. `o` may be NULL. */
int baseline_open(struct baseline **b, const struct dataset *train, const struct baseline_options *o, struct err *e);
size_t baseline_features(const struct baseline *b);
int baseline_iterations(const struct baseline *b);
/* Probabilities [d->count, classes], or values [d->count] for regression. */
int baseline_predict(const struct baseline *b, const struct dataset *d, double *out, struct err *e);
void baseline_close(struct baseline *b);

/* The most frequent class, the lower number on a tie. */
int baseline_majority(const struct dataset *train);
double baseline_mean(const struct dataset *train); /* regression; NaN when nothing has a value */

#endif
