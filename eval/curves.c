#include "curves.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct point {
	uint64_t key; /* the larger the score, the smaller */
	int truth;
};

/* Numbers in the order of whole numbers: the sign's bit turned, negative ones turned over; then all of it turned over. */
static uint64_t key_of(double score)
{
	uint64_t bits;
	score += 0.0; /* -0 is 0 */
	memcpy(&bits, &score, sizeof bits);
	return ~(bits >> 63 ? ~bits : bits | (uint64_t)1 << 63);
}

/* By key, byte by byte from the last; what all share is passed over. `other` [n] is scratch; where they end up is
 * returned. */
static struct point *sorted(struct point *p, struct point *other, int n)
{
	static const int bytes = 8;
	int count[8][256] = {{0}};
	for (int i = 0; i < n; i++)
		for (int b = 0; b < bytes; b++)
			count[b][p[i].key >> (8 * b) & 255]++;
	for (int b = 0; b < bytes; b++) {
		int at[256], sum = 0;
		if (count[b][p[0].key >> (8 * b) & 255] == n)
			continue;
		for (int v = 0; v < 256; v++) {
			at[v] = sum;
			sum += count[b][v];
		}
		for (int i = 0; i < n; i++)
			other[at[p[i].key >> (8 * b) & 255]++] = p[i];
		struct point *from = p;
		p = other;
		other = from;
	}
	return p;
}

/* From the highest score down. A curve of precision begins at recall 0 with precision 1. */
static void walk(struct curves *out, const struct point *p, int n, int truths)
{
	int true_above = 0, at = 0;
	double precision = 1, recall = 0, area = 0, steps = 0, roc = 0;
	while (at < n) {
		const int before = at, true_before = true_above;
		for (; at < n && p[at].key == p[before].key; at++)
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
	struct point *p = malloc(2 * (size_t)n * sizeof *p);
	if (!p)
		return err_set(e, ERR_MEMORY, "out of memory for a curve of %d points", n);
	for (int i = 0; i < n; i++) {
		p[i] = (struct point){key_of(score[i]), truth[i] != 0};
		truths += p[i].truth;
	}
	walk(out, sorted(p, p + n, n), n, truths);
	free(p);
	return 0;
}
