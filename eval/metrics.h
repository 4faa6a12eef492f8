/* Metrics: pure functions of arrays. What is not defined (no samples, one class only, no variance) is NaN, never 0.
 *
 * Labels are classes from 0; `gold` and `pred` have `n` each. */
#ifndef ADAPLER_EVAL_METRICS_H
#define ADAPLER_EVAL_METRICS_H

struct err;

/* counts[gold * classes + pred], overwritten. */
void metric_confusion(long long *counts /* [classes,classes] */, const int *gold, const int *pred, int n, int classes);

double metric_accuracy(const int *gold, const int *pred, int n);
/* 2 TP / (2 TP + FP + FN) of one class; NaN when that class is neither in gold nor in pred. */
double metric_f1(const int *gold, const int *pred, int n, int positive);
/* The mean of F1 over the classes that are in gold or pred (scikit-learn's macro average without `labels`). */
double metric_f1_macro(const int *gold, const int *pred, int n, int classes);
/* Matthews' correlation for any number of classes (Gorodkin 2004); NaN when gold or pred is of one class only. */
double metric_matthews(const int *gold, const int *pred, int n, int classes);

double metric_pearson(const double *x, const double *y, int n);
/* Pearson over ranks; ties share their average rank. Allocates; NaN when it cannot. */
double metric_spearman(const double *x, const double *y, int n);

/* Expected calibration error (Guo et al. 2017): probability of the predicted class in `bins` equal bins (a, b]. */
double metric_ece(const double *probs /* [n,classes] */, const int *gold, int n, int classes, int bins);

/* What a metric is computed from; a field that the metric does not need may be NULL. */
struct outcome {
	int n, classes; /* classes 0: regression */
	const int *gold, *pred;
	const double *target, *predicted; /* regression: [n] each */
	const double *probs;              /* [n,classes] */
};

struct metric {
	const char *name;  /* "accuracy", as stored */
	const char *title; /* "Accuracy" */
	int regression;    /* needs target and predicted, not classes */
	double (*compute)(const struct outcome *o);
};

/* NULL-terminated by name: accuracy f1 f1-macro matthews pearson spearman ece. */
extern const struct metric metrics[];
/* ERR_USAGE with a suggestion when there is none. */
const struct metric *metric_find(const char *name, struct err *e);

#endif
