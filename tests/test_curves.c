#include "../engine/base/err.h"
#include "../engine/base/rng.h"
#include "../eval/curves.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

static struct curves of(const double *score, const unsigned char *truth, int n)
{
	struct err e = {0};
	struct curves c;
	CHECK_OK(curves_of(&c, score, truth, n, &e), &e);
	return c;
}

/* From the top: true, false, true. Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1. */
TEST(three_scores_by_hand)
{
	const double s[] = {0.9, 0.5, 0.1};
	const unsigned char t[] = {1, 0, 1};
	const struct curves c = of(s, t, 3);
	CHECK_NEAR(c.average_precision, 0.5 * 1 + 0.5 * 2 / 3, 1e-15);
	CHECK_NEAR(c.auprc, 0.5 * (1 + 1) / 2 + 0 + 0.5 * (0.5 + 2.0 / 3) / 2, 1e-15);
	CHECK_NEAR(c.roc_auc, 0.5, 1e-15); /* one of the two pairs is in order */
}

/* All equal: one point, precision 1/4 at recall 1. */
TEST(ties_are_one_point)
{
	const double s[] = {0.5, 0.5, 0.5, 0.5};
	const unsigned char t[] = {0, 1, 0, 0};
	const struct curves c = of(s, t, 4);
	CHECK_NEAR(c.average_precision, 0.25, 0);
	CHECK_NEAR(c.auprc, (1 + 0.25) / 2, 0);
	CHECK_NEAR(c.roc_auc, 0.5, 0);
	const double zeros[] = {0.0, -0.0};
	CHECK_NEAR(of(zeros, t, 2).roc_auc, 0.5, 0);
}

TEST(one_class_alone_is_undefined_but_for_auprc)
{
	const double s[] = {0.2, 0.1};
	const unsigned char none[] = {0, 0}, all[] = {1, 1};
	CHECK(isnan(of(s, none, 2).average_precision) && isnan(of(s, none, 2).roc_auc));
	CHECK_NEAR(of(s, none, 2).auprc, 0.5, 0);
	CHECK(isnan(of(s, all, 2).average_precision));
	CHECK_NEAR(of(s, all, 2).auprc, 1, 0);
	CHECK(isnan(of(s, all, 0).auprc));
}

TEST(a_perfect_order_is_1_and_its_reverse_0)
{
	const double s[] = {-1, -2, -3.5, -1e300};
	const unsigned char t[] = {1, 1, 0, 0}, reverse[] = {0, 0, 1, 1};
	CHECK_NEAR(of(s, t, 4).average_precision, 1, 0);
	CHECK_NEAR(of(s, t, 4).auprc, 1, 0);
	CHECK_NEAR(of(s, t, 4).roc_auc, 1, 0);
	CHECK_NEAR(of(s, reverse, 4).roc_auc, 0, 0);
}

/* Pairs in order, by looking at all of them. */
TEST(roc_is_the_share_of_pairs_in_order)
{
	enum { N = 300 };
	double s[N];
	unsigned char t[N];
	double pairs = 0, right = 0;
	for (int i = 0; i < N; i++) {
		s[i] = (double)rng_below(1, 1, (uint64_t)i, 40) - 20;
		t[i] = (unsigned char)rng_below(1, 2, (uint64_t)i, 2);
	}
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			if (t[i] && !t[k]) {
				pairs++;
				right += s[i] > s[k] ? 1 : s[i] == s[k] ? 0.5 : 0;
			}
	CHECK_NEAR(of(s, t, N).roc_auc, right / pairs, 1e-12);
}
