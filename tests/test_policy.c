/* Policies: the parser's answers, the selectors by hand, and the invariants for every row of the table. */
#include "../engine/policy.h"
#include "small_model.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *canonical(const char *text)
{
	static struct policy p;
	static struct err e;
	e = (struct err){0};
	return policy_parse(&p, text, &e) ? e.text : p.text;
}

TEST(equal_policies_have_one_spelling)
{
	CHECK_STR(canonical("none"), "none");
	CHECK_STR(canonical("adapler"), "adapler");
	CHECK_STR(canonical("adapler:scale=1.0"), "adapler");
	CHECK_STR(canonical("adapler:site=before,fate=discard"), "adapler");
	CHECK_STR(canonical("attention:keep=0.50"), "attention:keep=0.5");
	CHECK_STR(canonical("attention"), "attention:keep=0.5");
	CHECK_STR(canonical("random:seed=3,top=8/4"), "random:top=8/4,seed=3");
	CHECK_STR(canonical("adapler:replay"), "adapler:replay");
	CHECK_STR(canonical("attention:keep=0.9/0.1/0.1/0.10"), "attention:keep=0.9/0.1");
	CHECK_STR(canonical("adapler:eta=0.12345678912"), "adapler:eta=0.12345678912");
}

TEST(a_wrong_policy_is_named_and_the_known_ones_are_listed)
{
	CHECK_CONTAINS(canonical("adapter"), "unknown policy 'adapter'");
	CHECK_CONTAINS(canonical("adapter"), "adapler");
	CHECK_CONTAINS(canonical(""), "unknown policy ''");
	CHECK_CONTAINS(canonical("attention:kep=1"), "no argument 'kep'");
	CHECK_CONTAINS(canonical("attention:keep"), "needs a value");
	CHECK_CONTAINS(canonical("attention:keep=1.5"), "outside [0, 1]");
	CHECK_CONTAINS(canonical("attention:keep=0.5/x"), "'x' is not a number");
	CHECK_CONTAINS(canonical("attention:keep=nan"), "not a number");
	CHECK_CONTAINS(canonical("attention:site=nowhere"), "known: before, after");
	CHECK_CONTAINS(canonical("power-bert"), "needs keep=");
	CHECK_CONTAINS(canonical("none:keep=0.5"), "drops nothing");
	CHECK_CONTAINS(canonical("adapler:site=after"), "layer's input");
	CHECK_CONTAINS(canonical("attention:lambda=10"), "soft removal");
	CHECK_CONTAINS(canonical("attention:eta=x"), "not a number");
	CHECK_CONTAINS(canonical("random:seed=1.5"), "not an integer");
	CHECK_CONTAINS(canonical("adapler:replay=7"), "takes no value");
	CHECK_CONTAINS(canonical("random:top=1.5"), "not a number of rows");
	CHECK_CONTAINS(canonical("adapler:eta=1,keep=0.5"), "one of eta, keep, top, threshold, replay");
}

static void select_by(const char *policy, const float *score, int n, int n0, int layer, double eta, unsigned char *keep)
{
	struct policy p;
	struct err e = {0};
	float scratch[64];
	if (!CHECK_OK(policy_parse(&p, policy, &e), &e))
		return;
	struct selection in = {&p, score, n, n0, layer, eta, 3, scratch};
	p.selector->run(&in, keep);
}

static const char *kept(const char *policy, const float *score, int n, int n0, int layer, double eta)
{
	static char text[64];
	unsigned char keep[64];
	select_by(policy, score, n, n0, layer, eta, keep);
	for (int i = 0; i < n; i++)
		text[i] = keep[i] ? '1' : '.';
	text[n] = 0;
	return text;
}

/* Thresholds by hand: eta 0.8 over 5 rows is 0.16. */
TEST(selectors_keep_what_they_say)
{
	const float s[] = {0.10F, 0.30F, 0.16F, 0.04F, 0.40F};
	CHECK_STR(kept("adapler", s, 5, 5, 0, 0.8), ".11.1"); /* a score at its threshold lives */
	CHECK_STR(kept("adapler:eta=0.1", s, 5, 5, 0, 0.75), "11111");
	CHECK_STR(kept("adapler:scale=2.5", s, 5, 5, 0, 0.75), "....1");
	CHECK_STR(kept("saliency:threshold=0.2", s, 5, 5, 0, NAN), ".1..1");
	CHECK_STR(kept("saliency:top=3", s, 5, 5, 0, NAN), "11..1");
	CHECK_STR(kept("saliency:top=1", s, 5, 5, 0, NAN), "1....");
	CHECK_STR(kept("saliency:top=9", s, 5, 5, 0, NAN), "11111");
	CHECK_STR(kept("saliency:replay", s, 5, 5, 0, NAN), "11..1");
}

/* Equal scores at eta 1 are all at their threshold, whatever 1/n rounds to. */
TEST(rows_at_their_threshold_live_at_every_length)
{
	float s[60];
	for (int n = 1; n <= 60; n++) {
		for (int i = 0; i < n; i++)
			s[i] = 1.0F / (float)n;
		CHECK_INT(strspn(kept("adapler", s, n, n, 0, 1), "1"), n);
	}
}

TEST(keep_is_a_share_of_the_length_at_the_start)
{
	const float s[] = {5, 4, 3, 2, 1, 0};
	CHECK_STR(kept("saliency:keep=0.5", s, 6, 10, 0, NAN), "11111.");
	CHECK_STR(kept("saliency:keep=0.1", s, 6, 30, 0, NAN), "111...");
	CHECK_STR(kept("saliency:keep=0.6/0.2", s, 6, 10, 0, NAN), "111111");
	CHECK_STR(kept("saliency:keep=0.6/0.2", s, 6, 10, 3, NAN), "11....");
	CHECK_STR(kept("saliency:keep=0", s, 6, 10, 0, NAN), "1.....");
}

TEST(ties_go_to_the_earlier_row)
{
	const float s[] = {0, 2, 1, 2, 1, 2, 1};
	CHECK_STR(kept("saliency:top=3", s, 7, 7, 0, NAN), "11.1...");
	CHECK_STR(kept("saliency:top=6", s, 7, 7, 0, NAN), "111111.");
}

/* Quickselect against counting: k best of random scores with ties. */
TEST(the_best_are_kept_whatever_the_order)
{
	float s[50];
	unsigned char keep[50];
	for (uint64_t seed = 0; seed < 200; seed++) {
		int n = 2 + (int)rng_below(seed, 1, 0, 48), k = 1 + (int)rng_below(seed, 1, 1, (uint32_t)n);
		char policy[32];
		for (int i = 0; i < n; i++)
			s[i] = (float)rng_below(seed, 2, (uint64_t)i, 1 + (uint32_t)seed % 20);
		snprintf(policy, sizeof policy, "saliency:top=%d", k);
		select_by(policy, s, n, n, 0, NAN, keep);
		int count = 0, is_best = 1;
		for (int i = 1; i < n; i++) {
			int better = 0;
			for (int j = 1; j < n; j++)
				better += s[j] > s[i] || (s[j] == s[i] && j < i);
			is_best &= keep[i] == (better < k - 1);
			count += keep[i];
		}
		CHECK_INT(count + keep[0], k);
		CHECK(is_best);
	}
}

/* ---- invariants ----------------------------------------------------------------------------------------------- */

/* Every layer's rows are the survivors, in order, with row 0 among them. */
static void check_invariants(const struct trace *t, const struct small_batch *s, const struct policy *p)
{
	for (int b = 0; b < t->B; b++) {
		int n = s->start[b + 1] - s->start[b];
		const int *died_at = t->died_at + s->start[b];
		CHECK_INT(died_at[0], SMALL_L);
		for (int l = 0; l < t->L; l++) {
			int alive = 0, least = p->site == SITE_AFTER_ATTENTION ? l : l + 1;
			for (int i = 0; i < n; i++)
				alive += died_at[i] >= least;
			CHECK_INT(t->layer_start[l][b + 1] - t->layer_start[l][b], alive);
			CHECK(died_at[n - 1] >= 0 && died_at[n - 1] <= SMALL_L);
		}
	}
}

TEST(cls_lives_and_the_dead_stay_dead_under_every_policy)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	struct session_options o = {.threads = 2, .max_rows = SMALL_B * SMALL_P, .want = WANT_SCORES | WANT_SOFT};
	struct session *s;
	static struct small_batch batch;
	REQUIRE(m != NULL);
	REQUIRE_OK(session_open(&s, m, &o, &e), &e);
	for (int i = 0; i < SMALL_POLICIES; i++)
		for (uint64_t seed = 0; seed < 6; seed++) {
			struct policy p;
			struct trace t;
			small_batch_fill(&batch, seed);
			REQUIRE_OK(policy_parse(&p, small_policies[i], &e), &e);
			REQUIRE_OK(session_run(s, &batch.batch, &p, &t, &e), &e);
			check_invariants(&t, &batch, &p);
			for (int c = 0; c < SMALL_B * 3; c++)
				CHECK(isfinite(t.logits[c]));
		}
	session_close(s);
	model_close(m);
}

TEST(every_policy_of_the_table_is_tried_here)
{
	for (int i = 0; policy_name(i); i++) {
		int is_tried = 0;
		size_t size = strlen(policy_name(i));
		for (int j = 0; j < SMALL_POLICIES; j++)
			is_tried |= strncmp(small_policies[j], policy_name(i), size) == 0 && strchr(":", small_policies[j][size]);
		CHECK(is_tried);
		CHECK(policy_summary(policy_name(i)) != NULL);
	}
}

/* Replaying the counts of a run with the same scorer drops the same tokens. */
TEST(replay_of_a_run_is_that_run)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	struct session_options o = {.threads = 1, .max_rows = SMALL_B * SMALL_P};
	struct session *s;
	struct policy p;
	struct trace t;
	static struct small_batch batch;
	int died_at[SMALL_B * SMALL_P];
	REQUIRE(m != NULL);
	REQUIRE_OK(session_open(&s, m, &o, &e), &e);
	small_batch_fill(&batch, 3);
	REQUIRE_OK(policy_parse(&p, "adapler:eta=1", &e), &e);
	REQUIRE_OK(session_run(s, &batch.batch, &p, &t, &e), &e);
	memcpy(died_at, t.died_at, (size_t)t.T0 * sizeof *died_at);
	for (int b = 0; b < SMALL_B; b++)
		for (int l = 0; l < SMALL_L; l++)
			batch.counts[b * SMALL_L + l] = t.layer_start[l][b + 1] - t.layer_start[l][b];
	REQUIRE_OK(policy_parse(&p, "adapler:replay", &e), &e);
	REQUIRE_OK(session_run(s, &batch.batch, &p, &t, &e), &e);
	for (int i = 0; i < t.T0; i++)
		CHECK_INT(t.died_at[i], died_at[i]);
	session_close(s);
	model_close(m);
}
