/* Token spans as the benchmark's scorer sees them: sets of [start, end), and sets of tokens. */
#ifndef ADAPLER_EVAL_SPANS_H
#define ADAPLER_EVAL_SPANS_H

/* Sorts, and removes what is there twice; the new count. */
int spans_unique(int (*span)[2], int count);
/* Tokens covered; `span` as spans_unique leaves it. Reversed and empty spans cover none. */
long long spans_tokens(const int (*span)[2], int count);
/* Tokens covered by both. */
long long spans_common_tokens(const int (*a)[2], int a_count, const int (*b)[2], int b_count);
/* Spans that are in both, both as spans_unique leaves them. */
int spans_common(const int (*a)[2], int a_count, const int (*b)[2], int b_count);

/* The largest intersection over union of a span with any of `of`; 0 without. */
double spans_best_iou(const int span[2], const int (*of)[2], int count);
/* The most pairs of one span of `a` and one of `b` with an intersection over union of at least `threshold` (above 0),
 * each span in one pair at most. match [b_count], seen [b_count]: scratch. */
int spans_match(const int (*a)[2], int a_count, const int (*b)[2], int b_count, double threshold, int *match,
                unsigned char *seen);

#endif
