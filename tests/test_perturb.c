/* Perturbed probabilities against each text run alone. */
#include "small_eraser.h"

#include "../eraser/perturb.h"

#include <math.h>

static double probability(struct runner *r, const struct instance *x, const unsigned char *keep, int class, int mask)
{
	struct err e = {0};
	float logits[4 * TINY_C], mean[TINY_C];
	double sum = 0;
	for (int w = 0; w < x->windows.count; w++) {
		struct inputs one = {.mask = mask};
		CHECK_OK(inputs_add(&one, &x->windows.item[w], &x->pieces, keep, &e), &e);
		CHECK_OK(inputs_logits(&one, r, logits + w * TINY_C, &e), &e);
		inputs_free(&one);
	}
	explain_document_logits(mean, &x->windows, logits, TINY_C);
	for (int c = 0; c < TINY_C; c++)
		sum += exp((double)mean[c] - (double)mean[class]);
	return 1 / sum;
}

static void check(int mask, int floors, const int *top /* words on top at each threshold */)
{
	struct small_eraser s;
	struct instance x;
	struct model *m;
	struct runner r;
	struct err e = {0};
	struct inputs in = {.mask = mask};
	REQUIRE(small_eraser_open(&s, NULL));
	REQUIRE_OK(instance_open(&x, &s.instances, 2, &e), &e);
	REQUIRE_OK(model_open(&m, s.model, NULL, &e), &e);
	REQUIRE_OK(runner_open(&r, m, "none", 1, 64, 0, &e), &e);
	float score[2 * 20];
	double removed[2 * 3], alone[2 * 3];
	for (int t = 0; t < 40; t++)
		score[t] = (float)((t * 7) % 20); /* words 17, 14, 11 ... first */
	const struct rationale_facts f = {
		.classes = TINY_C, .L = 2, .layers = 2, .thresholds = 3, .threshold = {0, 0.12, 0.5}, .mean_share = 0.25};
	struct rationale_document d = {
		.tokens = 20, .pred = 1, .score = score, .removed = removed, .alone = alone, .windows = x.windows.count};
	REQUIRE_OK(perturb(&f, &d, &x, &r, &in, floors, &e), &e);
	for (int l = 0; l < 2; l++)
		for (int k = 0; k < 3; k++) {
			unsigned char without[20], only[20];
			for (int t = 0; t < 20; t++) {
				int above = 0;
				for (int u = 0; u < 20; u++)
					above += score[20 * l + u] > score[20 * l + t];
				only[t] = above < top[k];
				without[t] = !only[t];
			}
			CHECK_NEAR(removed[3 * l + k], probability(&r, &x, without, 1, mask), 1e-6);
			CHECK_NEAR(alone[3 * l + k], probability(&r, &x, only, 1, mask), 1e-6);
		}
	CHECK(fabs(removed[0] - removed[2]) > 1e-9); /* it makes a difference at all */
	inputs_free(&in);
	runner_close(&r);
	model_close(m);
	instance_close(&x);
	small_eraser_close(&s);
}

TEST(what_is_removed_and_what_is_left_alone_are_texts_of_their_own)
{
	static const int ceil_of[] = {5, 3, 10}, floor_of[] = {5, 2, 10};
	check(0, 0, ceil_of);
	check(0, 1, floor_of);
	check(TINY_MASK, 0, ceil_of);
}
