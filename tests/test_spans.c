#include "../eval/spans.h"
#include "test.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

TEST(spans_are_sets)
{
	int s[][2] = {{5, 8}, {0, 3}, {5, 8}, {0, 2}};
	CHECK_INT(spans_unique(s, COUNT(s)), 3);
	CHECK(s[0][0] == 0 && s[0][1] == 2 && s[1][1] == 3 && s[2][0] == 5);
	CHECK_INT(spans_unique(s, 0), 0);
}

TEST(tokens_under_overlapping_spans_count_once)
{
	const int s[][2] = {{0, 4}, {2, 6}, {6, 7}, {9, 9}, {12, 10}, {13, 15}};
	CHECK_INT(spans_tokens(s, COUNT(s)), 9); /* 0..6 and 13, 14 */
	const int t[][2] = {{5, 14}};
	CHECK_INT(spans_common_tokens(s, COUNT(s), t, 1), 3); /* 5, 6, 13 */
	CHECK_INT(spans_common_tokens(t, 1, s, COUNT(s)), 3);
	CHECK_INT(spans_common_tokens(t, 1, s, 0), 0);
}

TEST(common_spans_are_exactly_the_same)
{
	const int a[][2] = {{0, 2}, {0, 3}, {5, 6}}, b[][2] = {{0, 3}, {5, 7}};
	CHECK_INT(spans_common(a, 3, b, 2), 1);
	CHECK_INT(spans_common(a, 3, a, 3), 3);
}

TEST(overlap_is_over_the_union)
{
	const int p[] = {0, 4}, of[][2] = {{2, 6}, {0, 8}, {4, 9}};
	CHECK_NEAR(spans_best_iou(p, of, 3), 0.5, 0); /* 4 of 8 with the second, 2 of 6 with the first */
	CHECK_NEAR(spans_best_iou(p, of + 2, 1), 0, 0);
	const int empty[] = {3, 3};
	CHECK_NEAR(spans_best_iou(empty, of, 3), 0, 0);
}

/* Two predictions on one truth: both are hits, one pair can be made. A greedy match of [0,4) with the first truth that it
 * meets would leave [0,3) without one. */
TEST(matching_is_one_to_one_and_the_largest)
{
	int match[4];
	unsigned char seen[4];
	const int two[][2] = {{0, 3}, {0, 4}}, one[][2] = {{0, 4}};
	CHECK_INT(spans_match(two, 2, one, 1, 0.5, match, seen), 1);
	const int p[][2] = {{0, 4}, {0, 3}}, t[][2] = {{0, 3}, {0, 5}};
	/* IoU: [0,4) 3/4, 4/5; [0,3) 1, 3/5 */
	CHECK_INT(spans_match(p, 2, t, 2, 0.7, match, seen), 2);
	CHECK_INT(spans_match(p, 2, t, 2, 0.9, match, seen), 1);
}
