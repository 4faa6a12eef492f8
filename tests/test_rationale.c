/* Selections and how they agree with people, worked by hand. */
#include "../engine/base/err.h"
#include "../engine/base/rng.h"
#include "../eval/rationale.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 400 };

struct seen {
	int count;
	char name[NAMES][96];
	double value[NAMES], lo[NAMES], hi[NAMES];
};

static int see(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	struct seen *s = arg;
	(void)e;
	snprintf(s->name[s->count], sizeof s->name[0], "%s", name);
	s->value[s->count] = value;
	s->lo[s->count] = lo;
	s->hi[s->count++] = hi;
	return s->count < NAMES ? 0 : ERR_LIMIT;
}

static int find(const struct seen *s, const char *name)
{
	for (int i = 0; i < s->count; i++)
		if (!strcmp(s->name[i], name))
			return i;
	test_fail(__FILE__, __LINE__, "no metric '%s'", name);
	return 0;
}

static double of(const struct seen *s, const char *name) { return s->value[find(s, name)]; }

/* Two layers, two windows: words 0-3 and 4-7. Layer 0 kept 3 and 2 words, layer 1 one of each. People marked 1-2 and 5. */
static float scores[2 * 8] = {
	0.1f, 0.9f, 0.5f, 0.4f, 0.3f, 0.2f, 0.8f, 0.7f, /* layer 0 */
	NAN,  0.2f, 0.6f, 0.1f, NAN,  NAN,  0.3f, 0.3f, /* layer 1: 0, 4 and 5 had been dropped */
};
static int spans[][2] = {{1, 3}, {5, 6}}, window[] = {0, 4, 8}, budget[] = {3, 1, 2, 1};
static float logits[] = {0, 1};
static double removed[] = {0.5, 0.6, 0.4, 0.3}, alone[] = {0.7, 0.6, 0.5, 0.4};
static struct rationale_document document = {.tokens = 8,
                                             .gold = 1,
                                             .pred = 1,
                                             .logits = logits,
                                             .spans = 2,
                                             .span = spans,
                                             .windows = 2,
                                             .window = window,
                                             .budget = budget,
                                             .score = scores,
                                             .removed = removed,
                                             .alone = alone};

static struct rationale_facts facts_of(int n)
{
	struct rationale_facts f = {.classes = 2, .L = 2, .layers = 2, .thresholds = 2, .threshold = {0, 0.1}, .n = n};
	f.document = &document;
	f.mean_share = rationale_mean_share(&f);
	return f;
}

static const char *order_text(int layer)
{
	static char text[64];
	struct err e = {0};
	int order[8];
	CHECK_OK(rationale_order(order, scores, layer, 8, &e), &e);
	text[0] = '\0';
	for (int i = 0; i < 8; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%d", order[i]);
	return text;
}

TEST(ties_go_to_the_earlier_and_the_dead_below_the_living)
{
	CHECK_STR(order_text(0), "16723450");
	/* By layer 1: 2, then 6 and 7 alike, 1, 3; then those that only layer 0 scored: 4, 5, 0. */
	CHECK_STR(order_text(1), "26713450");
}

static const char *selected(int layer, enum rationale_budget b)
{
	static char text[16];
	struct err e = {0};
	struct rationale_facts f = facts_of(1);
	int order[8];
	unsigned char keep[8];
	CHECK_OK(rationale_order(order, scores, layer, 8, &e), &e);
	rationale_select(keep, &f, &document, order, layer, b);
	for (int t = 0; t < 8; t++)
		text[t] = keep[t] ? 'x' : '.';
	text[8] = '\0';
	return text;
}

TEST(budgets_are_replayed_window_by_window_or_those_of_people)
{
	CHECK_STR(selected(0, BUDGET_REPLAY), ".xxx..xx");
	CHECK_STR(selected(1, BUDGET_REPLAY), "..x...x.");
	CHECK_STR(selected(0, BUDGET_HUMAN), ".x....xx");
	CHECK_STR(selected(0, BUDGET_MEAN), ".x....xx"); /* 3 of 8, rounded up */
}

/* Replay at layer 0 keeps 1, 2, 3, 6, 7: true 1 and 2. */
TEST(rates_by_hand)
{
	static struct seen s;
	struct err e = {0};
	struct rationale_facts f = facts_of(1);
	s.count = 0;
	CHECK_NEAR(f.mean_share, 3.0 / 8, 0);
	REQUIRE_OK(rationale_derive(&f, see, &s, &e), &e);
	CHECK_NEAR(of(&s, "fpr/replay/layer-0"), 3.0 / 5, 1e-15);
	CHECK_NEAR(of(&s, "fdr/replay/layer-0"), 3.0 / 5, 1e-15);
	CHECK_NEAR(of(&s, "recall/replay/layer-0"), 2.0 / 3, 1e-15);
	CHECK_NEAR(of(&s, "f1/replay/layer-0"), 4.0 / 8, 1e-15);
	/* Runs [1,4) and [6,8): [1,4) has 2 of 3 with [1,3); F1 2 * 1 / (2 + 2). */
	CHECK_NEAR(of(&s, "iou/replay/layer-0"), 0.5, 0);
	CHECK_NEAR(of(&s, "iou-macro/replay/layer-0"), 0.5, 0);
	CHECK_NEAR(of(&s, "kept/layer-0"), 5.0 / 8, 0);
	CHECK_NEAR(of(&s, "fpr/human/layer-0"), 2.0 / 5, 1e-15);
	CHECK_NEAR(of(&s, "fpr/human/layer-1"), 2.0 / 5, 1e-15); /* 2, 6, 7 */
	/* Layer 0 from the top: 1 true, 6, 7, 2 true, 3, 4, 5 true, 0: AP = (1 + 2/4 + 3/7) / 3. */
	CHECK_NEAR(of(&s, "average-precision/layer-0"), (1 + 0.5 + 3.0 / 7) / 3, 1e-15);
	/* Layer 1: 2 true, 6 and 7 alike, 1 true, 3, 4, 5 true, 0: (1 + 2/4 + 3/7) / 3 as well. */
	CHECK_NEAR(of(&s, "average-precision/layer-1"), (1 + 0.5 + 3.0 / 7) / 3, 1e-15);
	const double p = exp(1) / (1 + exp(1));
	CHECK_NEAR(of(&s, "comprehensiveness/layer-0"), p - 0.5, 1e-15);
	CHECK_NEAR(of(&s, "sufficiency/layer-1"), p - 0.5, 1e-15);
	CHECK_NEAR(of(&s, "comprehensiveness-aopc/layer-1"), p - 0.3, 1e-15);
	CHECK_NEAR(of(&s, "accuracy"), 1, 0);
	CHECK_NEAR(of(&s, "documents"), 1, 0);
	CHECK_NEAR(s.lo[find(&s, "fpr/replay/layer-0")], 0.6, 1e-15); /* one document: every resample is it */
}

TEST(a_method_without_layers_has_its_layer_only_in_replays)
{
	static struct seen s;
	struct err e = {0};
	struct rationale_facts f = facts_of(1);
	s.count = 0;
	f.layers = 1;
	REQUIRE_OK(rationale_derive(&f, see, &s, &e), &e);
	CHECK_NEAR(of(&s, "fpr/replay/layer-1"), 1.0 / 5, 1e-15); /* words 1 and 6 */
	CHECK_NEAR(of(&s, "fpr/human"), 2.0 / 5, 1e-15);
	CHECK_NEAR(of(&s, "comprehensiveness-aopc"), exp(1) / (1 + exp(1)) - 0.6, 1e-15);
	for (int i = 0; i < s.count; i++)
		CHECK(!strstr(s.name[i], "human/layer"));
}

static struct agreement agree(const char *keep)
{
	struct agreement a;
	struct err e = {0};
	unsigned char bits[8];
	for (int t = 0; t < 8; t++)
		bits[t] = keep[t] == 'x';
	CHECK_OK(rationale_agreement(&a, &document, bits, &e), &e);
	return a;
}

TEST(a_perfect_selection_has_no_false_and_its_complement_no_true)
{
	const struct agreement all = agree(".xx..x.."), none = agree("x..xx.xx");
	CHECK(all.tp == 3 && all.fp == 0 && all.fn == 0 && all.tn == 5 && all.hits == 2 && all.hits_one_to_one == 2);
	CHECK(none.tp == all.fn && none.fp == all.tn && none.fn == all.tp && none.tn == all.fp && none.hits == 0);
}

/* [1,3) is overlapped to exactly a half by the run of one word, and again by nothing else. */
TEST(half_an_overlap_is_enough_and_one_span_is_matched_once)
{
	CHECK_INT(agree(".x......").hits, 1);
	CHECK_INT(agree("xxxx....").hits, 1); /* 2 of 4 */
	CHECK_INT(agree("xxxxx...").hits, 0);
	const struct agreement two = agree("..x.....");
	CHECK(two.spans == 1 && two.truths == 2 && two.hits_one_to_one == 1);
	/* Both words of [1,3) cannot be runs of their own: they are one. The same span twice is one truth. */
	static int twice[][2] = {{1, 3}, {1, 3}, {5, 6}};
	document.span = twice;
	document.spans = 3;
	CHECK_INT(agree(".xx..x..").truths, 2);
	CHECK_INT(agree(".xx..x..").hits_one_to_one, 2);
	document.span = spans;
	document.spans = 2;
}

/* Random selections against counting. */
TEST(pooled_and_mean_rates_are_what_counting_gives)
{
	enum { N = 40, T = 30 };
	static struct rationale_document d[N];
	static float score[N][T];
	static int span[N][1][2], ends[2] = {0, T}, kept[N][1];
	static float z[2];
	static struct seen s;
	struct err e = {0};
	struct rationale_facts f = {.classes = 2, .L = 1, .layers = 1, .n = N, .document = d};
	double fp = 0, negatives = 0, mean = 0;
	int with = 0;
	s.count = 0;
	for (int i = 0; i < N; i++) {
		const int start = (int)rng_below(1, 1, (uint64_t)i, 20),
				  length = i % 4 ? 1 + (int)rng_below(1, 2, (uint64_t)i, 10) : 0;
		for (int t = 0; t < T; t++)
			score[i][t] = (float)rng_uniform(1, 3, (uint64_t)(i * T + t));
		span[i][0][0] = start;
		span[i][0][1] = start + length;
		kept[i][0] = (int)rng_below(1, 4, (uint64_t)i, T);
		d[i] = (struct rationale_document){.tokens = T,
		                                   .gold = i % 2,
		                                   .logits = z,
		                                   .spans = length > 0,
		                                   .span = span[i],
		                                   .windows = 1,
		                                   .window = ends,
		                                   .budget = kept[i],
		                                   .score = score[i]};
		double here = 0;
		for (int t = 0; t < T; t++) {
			int above = 0;
			for (int k = 0; k < T; k++)
				above += score[i][k] > score[i][t] || (score[i][k] == score[i][t] && k < t);
			here += above < kept[i][0] && (t < start || t >= start + length);
		}
		if (!length)
			continue;
		with++;
		fp += here;
		negatives += T - length;
		mean += here / (T - length);
	}
	f.mean_share = rationale_mean_share(&f);
	REQUIRE_OK(rationale_derive(&f, see, &s, &e), &e);
	CHECK_NEAR(of(&s, "rationales"), with, 0);
	CHECK_NEAR(of(&s, "fpr/replay/layer-0"), fp / negatives, 1e-12);
	CHECK_NEAR(of(&s, "fpr-macro/replay/layer-0"), mean / with, 1e-12);
	CHECK_NEAR(of(&s, "accuracy"), 0.5, 0);
	const int at = find(&s, "fpr/replay/layer-0");
	CHECK(s.lo[at] < s.value[at] && s.value[at] < s.hi[at]);
	double rate[N];
	int count;
	REQUIRE_OK(rationale_rates_of(rate, &count, &f, RATE_FPR, BUDGET_REPLAY, 0, &e), &e);
	CHECK_INT(count, with);
	double sum = 0;
	for (int i = 0; i < count; i++)
		sum += rate[i];
	CHECK_NEAR(sum / count, mean / with, 1e-12);
}
