#include "curves.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>

struct point {
	double score;
	int truth;
};

static int by_score(const void *a, const void *b)
{
	const double x = ((const struct point *)a)->score, y = ((const struct point *)b)->score;
	return (x < y) - (x > y);
}

/* From the highest score down. A curve of precision begins at recall 0 with precision 1. */
static void walk(struct curves *out, const struct point *p, int n, int truths)
{
	int true_above = 0, at = 0;
	double precision = 1, recall = 0, area = 0, steps = 0, roc = 0;
	while (at < n) {
		const int before = at, true_before = true_above;
		for (; at < n && p[at].score == p[before].score; at++)
			true_above += p[at].truth;
		const double precision_here = (double)true_above / at, recall_here = truths ? (double)true_above / truths : 1;
		area += (recall_here - recall) * (precision_here + precision) / 2;
		steps += (recall_here - recall) * precision_here;
		roc += (double)(at - before - (true_above - true_before)) * (true_above + true_before) / 2;
		precision = precision_here;
		recall = recall_here;
	}
	const int is_single = truths == 0 || truths == n;
	out->auprc = area;
	out->average_precision = is_single ? NAN : steps;
	out->roc_auc = is_single ? NAN : roc / ((double)truths * (n - truths));
}

int curves_of(struct curves *out, const double *score, const unsigned char *truth, int n, struct err *e)
{
	int truths = 0;
	*out = (struct curves){NAN, NAN, NAN};
	if (n < 1)
		return 0;
	struct point *p = malloc((size_t)n * sizeof *p);
	if (!p)
		return err_set(e, ERR_MEMORY, "out of memory for a curve of %d points", n);
	for (int i = 0; i < n; i++) {
		p[i] = (struct point){score[i], truth[i] != 0};
		truths += p[i].truth;
	}
	qsort(p, (size_t)n, sizeof *p, by_score);
	walk(out, p, n, truths);
	free(p);
	return 0;
}
