/* How well scores put the true ones first, with ties as scikit-learn has them: equal scores are one point of the curve.
 *
 * `score` and `truth` have `n` each; scores may be of any scale, but no NaN. */
#ifndef ADAPLER_EVAL_CURVES_H
#define ADAPLER_EVAL_CURVES_H

struct err;

struct curves {
	double auprc;             /* trapezoid area under precision-recall; 1 when all are true, 0.5 when none is */
	double average_precision; /* sum of precision times the step in recall; NaN when all or none are true */
	double roc_auc;           /* NaN when all or none are true */
};

/* O(n log n). ERR_MEMORY. */
int curves_of(struct curves *out, const double *score, const unsigned char *truth, int n, struct err *e);

#endif
