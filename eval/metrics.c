#include "metrics.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- classes --------------------------------------------------------------------------------------------------- */

void metric_confusion(long long *counts, const int *gold, const int *pred, int n, int classes)
{
	memset(counts, 0, (size_t)classes * (size_t)classes * sizeof *counts);
	for (int i = 0; i < n; i++)
		counts[(size_t)gold[i] * (size_t)classes + (size_t)pred[i]]++;
}

double metric_accuracy(const int *gold, const int *pred, int n)
{
	int right = 0;
	for (int i = 0; i < n; i++)
		right += gold[i] == pred[i];
	return n ? (double)right / n : NAN;
}

double metric_f1(const int *gold, const int *pred, int n, int positive)
{
	int hits = 0, golds = 0, preds = 0;
	for (int i = 0; i < n; i++) {
		golds += gold[i] == positive;
		preds += pred[i] == positive;
		hits += gold[i] == positive && pred[i] == positive;
	}
	return golds + preds ? 2.0 * hits / (golds + preds) : NAN;
}

double metric_f1_macro(const int *gold, const int *pred, int n, int classes)
{
	double sum = 0;
	int seen = 0;
	for (int c = 0; c < classes; c++) {
		double f1 = metric_f1(gold, pred, n, c);
		if (isnan(f1))
			continue;
		sum += f1;
		seen++;
	}
	return seen ? sum / seen : NAN;
}

/* With c right of n, and t_k, p_k the times class k is in gold, pred:
 *   (c n - sum t_k p_k) / sqrt((n^2 - sum p_k^2) (n^2 - sum t_k^2)). */
double metric_matthews(const int *gold, const int *pred, int n, int classes)
{
	double both = 0, golds2 = 0, preds2 = 0, right = 0, square = (double)n * n;
	for (int k = 0; k < classes; k++) {
		double golds = 0, preds = 0;
		for (int i = 0; i < n; i++) {
			golds += gold[i] == k;
			preds += pred[i] == k;
			right += gold[i] == k && pred[i] == k;
		}
		both += golds * preds;
		golds2 += golds * golds;
		preds2 += preds * preds;
	}
	double below = (square - preds2) * (square - golds2);
	return below > 0 ? (right * n - both) / sqrt(below) : NAN;
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static double mean(const double *x, int n)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += x[i];
	return sum / n;
}

static int is_constant(const double *x, int n)
{
	for (int i = 1; i < n; i++)
		if (x[i] != x[0])
			return 0;
	return 1;
}

double metric_pearson(const double *x, const double *y, int n)
{
	/* The variance of equal numbers is not always 0 after rounding: looked at first. */
	if (n < 2 || is_constant(x, n) || is_constant(y, n))
		return NAN;
	double mx = mean(x, n), my = mean(y, n), xy = 0, xx = 0, yy = 0;
	for (int i = 0; i < n; i++) {
		xy += (x[i] - mx) * (y[i] - my);
		xx += (x[i] - mx) * (x[i] - mx);
		yy += (y[i] - my) * (y[i] - my);
	}
	double r = xy / (sqrt(xx) * sqrt(yy));
	return r > 1 ? 1 : r < -1 ? -1 : r;
}

struct ranked {
	double value;
	int at;
};

static int by_value(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return (x->value > y->value) - (x->value < y->value);
}

static void rank(double *ranks, struct ranked *sorted, const double *x, int n)
{
	for (int i = 0; i < n; i++)
		sorted[i] = (struct ranked){x[i], i};
	qsort(sorted, (size_t)n, sizeof *sorted, by_value);
	for (int i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && sorted[end].value == sorted[i].value; end++)
			;
		for (int k = i; k < end; k++)
			ranks[sorted[k].at] = (i + 1 + end) / 2.0;
	}
}

static int has_nan(const double *x, int n)
{
	for (int i = 0; i < n; i++)
		if (isnan(x[i]))
			return 1;
	return 0;
}

double metric_spearman(const double *x, const double *y, int n)
{
	if (n < 2 || has_nan(x, n) || has_nan(y, n))
		return NAN;
	double result = NAN;
	double *ranks = malloc(2 * (size_t)n * sizeof *ranks);
	struct ranked *sorted = malloc((size_t)n * sizeof *sorted);
	if (ranks && sorted) {
		rank(ranks, sorted, x, n);
		rank(ranks + n, sorted, y, n);
		result = metric_pearson(ranks, ranks + n, n);
	}
	free(ranks);
	free(sorted);
	return result;
}

/* ---- calibration ----------------------------------------------------------------------------------------------- */

static int largest(const double *p, int classes)
{
	int best = 0;
	for (int c = 1; c < classes; c++)
		if (p[c] > p[best])
			best = c;
	return best;
}

/* The bin of a probability: bin b holds (b/bins, (b+1)/bins], and 0 is in the first. */
static int bin_of(double p, int bins)
{
	int b = (int)ceil(p * bins) - 1;
	return b < 0 ? 0 : b >= bins ? bins - 1 : b;
}

/* sum over bins of |right - confidence| / n, both summed over the samples of the bin. */
double metric_ece(const double *probs, const int *gold, int n, int classes, int bins)
{
	double sum = 0;
	if (!n || classes < 1 || bins < 1)
		return NAN;
	for (int b = 0; b < bins; b++) {
		double gap = 0;
		for (int i = 0; i < n; i++) {
			const double *p = probs + (size_t)i * (size_t)classes;
			int best = largest(p, classes);
			if (isnan(p[best]))
				return NAN;
			if (bin_of(p[best], bins) == b)
				gap += (gold[i] == best) - p[best];
		}
		sum += fabs(gap);
	}
	return sum / n;
}

/* ---- by name --------------------------------------------------------------------------------------------------- */

enum { ECE_BINS = 15 };

static double accuracy(const struct outcome *o) { return metric_accuracy(o->gold, o->pred, o->n); }

static double f1(const struct outcome *o) { return metric_f1(o->gold, o->pred, o->n, 1); }

static double f1_macro(const struct outcome *o) { return metric_f1_macro(o->gold, o->pred, o->n, o->classes); }

static double matthews(const struct outcome *o) { return metric_matthews(o->gold, o->pred, o->n, o->classes); }

static double pearson(const struct outcome *o) { return metric_pearson(o->target, o->predicted, o->n); }

static double spearman(const struct outcome *o) { return metric_spearman(o->target, o->predicted, o->n); }

static double ece(const struct outcome *o)
{
	return o->probs ? metric_ece(o->probs, o->gold, o->n, o->classes, ECE_BINS) : NAN;
}

const struct metric metrics[] = {
	{"accuracy", "Accuracy", 0, accuracy},
	{"f1", "F1", 0, f1},
	{"f1-macro", "macro F1", 0, f1_macro},
	{"matthews", "Matthews' correlation", 0, matthews},
	{"pearson", "Pearson", 1, pearson},
	{"spearman", "Spearman", 1, spearman},
	{"ece", "ECE", 0, ece},
	{0},
};

const struct metric *metric_find(const char *name, struct err *e)
{
	const char *names[sizeof metrics / sizeof metrics[0]] = {0};
	for (int i = 0; metrics[i].name; i++) {
		if (!strcmp(metrics[i].name, name))
			return &metrics[i];
		names[i] = metrics[i].name;
	}
	char hint[400];
	err_suggest(hint, sizeof hint, name, names);
	err_set(e, ERR_USAGE, "unknown metric '%.80s'%s", name, hint);
	return NULL;
}
