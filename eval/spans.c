#include "spans.h"

#include <stdlib.h>
#include <string.h>

static int by_start(const void *a, const void *b)
{
	const int *x = a, *y = b;
	if (x[0] != y[0])
		return x[0] < y[0] ? -1 : 1;
	return (x[1] > y[1]) - (x[1] < y[1]);
}

int spans_unique(int (*span)[2], int count)
{
	int kept = 0;
	if (count)
		qsort(span, (size_t)count, sizeof *span, by_start);
	for (int i = 0; i < count; i++)
		if (!kept || span[i][0] != span[kept - 1][0] || span[i][1] != span[kept - 1][1]) {
			span[kept][0] = span[i][0];
			span[kept++][1] = span[i][1];
		}
	return kept;
}

/* A walk over the union of sorted spans: its next stretch without a gap, or 0 at the end. */
struct stretch {
	const int (*span)[2];
	int count, at;
	long long start, end;
};

static int next_stretch(struct stretch *s)
{
	while (s->at < s->count && s->span[s->at][1] <= s->span[s->at][0])
		s->at++;
	if (s->at == s->count)
		return 0;
	s->start = s->span[s->at][0];
	s->end = s->span[s->at][1];
	for (s->at++; s->at < s->count && s->span[s->at][0] <= s->end; s->at++)
		s->end = s->span[s->at][1] > s->end ? s->span[s->at][1] : s->end;
	return 1;
}

long long spans_tokens(const int (*span)[2], int count)
{
	struct stretch s = {span, count, 0, 0, 0};
	long long tokens = 0;
	while (next_stretch(&s))
		tokens += s.end - s.start;
	return tokens;
}

long long spans_common_tokens(const int (*a)[2], int a_count, const int (*b)[2], int b_count)
{
	struct stretch x = {a, a_count, 0, 0, 0}, y = {b, b_count, 0, 0, 0};
	long long tokens = 0;
	int more_x = next_stretch(&x), more_y = next_stretch(&y);
	while (more_x && more_y) {
		const long long start = x.start > y.start ? x.start : y.start, end = x.end < y.end ? x.end : y.end;
		tokens += end > start ? end - start : 0;
		if (x.end < y.end)
			more_x = next_stretch(&x);
		else
			more_y = next_stretch(&y);
	}
	return tokens;
}

int spans_common(const int (*a)[2], int a_count, const int (*b)[2], int b_count)
{
	int common = 0;
	for (int i = 0, k = 0; i < a_count && k < b_count;) {
		const int order = by_start(a[i], b[k]);
		common += order == 0;
		i += order <= 0;
		k += order >= 0;
	}
	return common;
}

static double iou(const int a[2], const int b[2])
{
	const long long sizes[2] = {(long long)a[1] - a[0], (long long)b[1] - b[0]};
	const long long start = a[0] > b[0] ? a[0] : b[0], end = a[1] < b[1] ? a[1] : b[1];
	const long long both = end > start ? end - start : 0;
	const long long either = (sizes[0] > 0 ? sizes[0] : 0) + (sizes[1] > 0 ? sizes[1] : 0) - both;
	return either > 0 ? (double)both / (double)either : 0;
}

double spans_best_iou(const int span[2], const int (*of)[2], int count)
{
	double best = 0;
	for (int i = 0; i < count; i++) {
		const double here = iou(span, of[i]);
		best = here > best ? here : best;
	}
	return best;
}

/* Kuhn's augmenting paths. */
static int augment(const int (*a)[2], int i, const int (*b)[2], int b_count, double threshold, int *match,
                   unsigned char *seen)
{
	for (int k = 0; k < b_count; k++) {
		const double here = seen[k] ? 0 : iou(a[i], b[k]);
		if (seen[k] || here < threshold || here == 0)
			continue;
		seen[k] = 1;
		if (match[k] < 0 || augment(a, match[k], b, b_count, threshold, match, seen)) {
			match[k] = i;
			return 1;
		}
	}
	return 0;
}

int spans_match(const int (*a)[2], int a_count, const int (*b)[2], int b_count, double threshold, int *match,
                unsigned char *seen)
{
	int pairs = 0;
	for (int k = 0; k < b_count; k++)
		match[k] = -1;
	for (int i = 0; i < a_count; i++) {
		memset(seen, 0, (size_t)b_count);
		pairs += augment(a, i, b, b_count, threshold, match, seen);
	}
	return pairs;
}
