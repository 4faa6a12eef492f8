#include "../eval/gather.h"

#include "../engine/base/rng.h"
#include "../engine/model.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 23, MOST = 30, LAYERS = 3, CLASSES = 3 };

static const char *const letters[] = {"a", "b", "c", NULL};
static const char *const accuracy_only[] = {"accuracy", NULL};
static const struct task task = {.name = "letters", .labels = letters, .metrics = accuracy_only};

static struct model *small(void)
{
	struct err e = {0};
	struct model *m = NULL;
	const struct model_options o = {.kernels = "portable"};
	struct config c = {
		.L = LAYERS, .H = 24, .A = 2, .D = 12, .F = 40, .V = 50, .P = MOST, .C = CLASSES, .types = 2, .K = 6};
	c.act = ACT_GELU;
	c.layer_norm_eps = 1e-12;
	CHECK_OK(model_open_random(&m, &c, &o, &e), &e);
	return m;
}

/* Texts of 1 to MOST tokens, labelled in turn. */
struct made {
	struct encoded texts;
	struct dataset data;
	struct example examples[TEXTS];
	int ids[TEXTS * MOST], type_ids[TEXTS * MOST];
};

static void make(struct made *x)
{
	int at = 0;
	memset(x, 0, sizeof *x);
	for (int i = 0; i < TEXTS; i++) {
		const int n = 1 + (i * 7) % MOST;
		x->examples[i] = (struct example){
			.n = n, .ids = x->ids + at, .type_ids = x->type_ids + at, .value = NAN, .label = i % CLASSES};
		x->texts.longest = n > x->texts.longest ? n : x->texts.longest;
		for (int end = at + n; at < end; at++) {
			x->ids[at] = (int)rng_below(1, 2, (uint64_t)at, 50);
			x->type_ids[at] = (int)rng_below(1, 3, (uint64_t)at, 2);
		}
	}
	x->texts.count = x->data.count = x->data.labelled = TEXTS;
	x->texts.examples = x->examples;
	x->texts.tokens = at;
	x->data.classes = CLASSES;
	x->data.labels = letters;
	x->data.task = &task;
}

static struct facts gathered(const struct model *m, const struct made *x, const struct gather_options *o)
{
	struct err e = {0};
	struct facts f = {0};
	CHECK_OK(facts_gather(&f, m, &x->data, &x->texts, o, &e), &e);
	return f;
}

/* Facts of one text against those of a session of its own. */
static void check_alone(const struct model *m, const struct facts *f, int i, const struct example *x)
{
	struct err e = {0};
	struct session *s;
	struct trace t;
	struct flops run, dense;
	struct policy none;
	const int start[] = {0, x->n};
	const struct batch b = {.B = 1, .start = start, .ids = x->ids, .type_ids = x->type_ids};
	const struct session_options o = {.threads = 1, .max_rows = MOST, .max_sequences = 1, .want = WANT_SCORES};
	REQUIRE_OK(policy_parse(&none, "none", &e), &e);
	REQUIRE_OK(session_open(&s, m, &o, &e), &e);
	REQUIRE_OK(session_run(s, &b, &f->policy, &t, &e), &e);
	CHECK(!memcmp(f->logits + i * CLASSES, t.logits, CLASSES * sizeof(float)));
	CHECK_INT(f->tokens[i], x->n);
	CHECK_INT(f->gold[i], x->label);
	for (int c = 0; c < CLASSES; c++)
		CHECK(t.logits[c] <= t.logits[f->pred[i]]);
	for (int l = 0; l < LAYERS; l++)
		CHECK_INT(f->rows[i * LAYERS + l], t.layer_start[l][1]);
	flops_count(&run, model_config(m), &f->policy, x->n, t.died_at, 0);
	flops_count(&dense, model_config(m), &none, x->n, NULL, 0);
	CHECK_INT(f->flops[i], flops_total(&run));
	CHECK_INT(f->dense_flops[i], flops_total(&dense));
	for (int k = 0, row[LAYERS] = {0}; k < x->n && f->died_at; k++) {
		float score = NAN;
		CHECK_INT(f->died_at[f->start[i] + k], t.died_at[k]);
		/* At layer l the rows that lived until then were scored, in order. */
		for (int l = 0; l <= t.died_at[k] && l < LAYERS; l++)
			score = t.scores[l] ? t.scores[l][row[l]++] : score;
		if (f->score)
			CHECK(f->score[f->start[i] + k] == score || (isnan(score) && isnan(f->score[f->start[i] + k])));
	}
	session_close(s);
}

TEST(facts_are_those_of_each_text_alone_whatever_the_batch_and_the_shard)
{
	static struct made x;
	static const char *const policies[] = {"adapler:eta=1", "attention:keep=0.5", "none", "random:keep=0.4,seed=3"};
	struct model *m = small();
	make(&x);
	for (int p = 0; p < 4; p++)
		for (int shards = 0; shards < 4; shards += 3)
			for (int shard = 0; shard < (shards ? shards : 1); shard++) {
				const struct gather_options o = {.policy = policies[p],
				                                 .batch = 1 + 3 * p,
				                                 .threads = 1 + p % 2,
				                                 .with_scores = 1,
				                                 .shard = shard,
				                                 .shards = shards};
				struct facts f = gathered(m, &x, &o);
				CHECK_INT(f.n, shards ? (TEXTS - shard + 2) / 3 : TEXTS);
				for (int i = 0; i < f.n; i++) {
					CHECK_INT(f.idx[i], shard + i * (shards ? shards : 1));
					check_alone(m, &f, i, &x.examples[f.idx[i]]);
				}
				facts_close(&f);
			}
	model_close(m);
}

TEST(dense_and_policy_are_timed_batch_by_batch_in_turn)
{
	static struct made x;
	struct model *m = small();
	make(&x);
	struct facts f =
		gathered(m, &x, &(struct gather_options){.policy = "adapler:eta=1", .batch = 4, .turns = 3, .threads = 1});
	CHECK_INT(f.batches, 6);
	CHECK(f.turns[ARM_POLICY] == 3 && f.turns[ARM_DENSE] == 3);
	for (int i = 0; i < 3 * 6; i++)
		CHECK(f.ns[ARM_POLICY][i] > 0 && f.ns[ARM_DENSE][i] > 0);
	facts_close(&f);
	f = gathered(m, &x, &(struct gather_options){.policy = "none", .batch = 4, .turns = 2, .threads = 1});
	CHECK(f.turns[ARM_POLICY] == 2 && !f.turns[ARM_DENSE] && !f.ns[ARM_DENSE] && !f.died_at);
	facts_close(&f);
	f = gathered(m, &x, &(struct gather_options){.policy = "adapler:eta=1", .threads = 1});
	CHECK(f.turns[ARM_POLICY] == 1 && !f.turns[ARM_DENSE] && f.batch == 32);
	facts_close(&f);
	model_close(m);
}

TEST(a_replay_keeps_exactly_the_rows_that_it_is_given)
{
	static struct made x;
	static int counts[TEXTS * LAYERS];
	struct model *m = small();
	make(&x);
	for (int i = 0; i < TEXTS; i++)
		for (int l = 0; l < LAYERS; l++)
			counts[i * LAYERS + l] = 1 + x.examples[i].n / (2 + l + i % 2);
	struct facts f = gathered(
		m, &x, &(struct gather_options){.policy = "adapler:replay", .batch = 5, .threads = 1, .counts = counts});
	for (int i = 0; i < TEXTS; i++)
		for (int l = 0; l < LAYERS; l++) {
			const int wanted = counts[i * LAYERS + l], n = x.examples[i].n;
			CHECK_INT(f.rows[i * LAYERS + l], wanted < n ? wanted : n);
		}
	facts_close(&f);
	model_close(m);
}

struct told {
	int64_t tokens, most;
};

static int tell(void *arg, int64_t tokens, struct err *e)
{
	struct told *t = arg;
	t->tokens += tokens;
	return t->tokens > t->most ? err_set(e, ERR_INTERRUPTED, "enough") : 0;
}

TEST(progress_is_told_of_every_token_and_may_end_it)
{
	static struct made x;
	struct model *m = small();
	struct told all = {.most = 1 << 30}, some = {.most = 100};
	struct err e = {0};
	struct facts f;
	make(&x);
	struct gather_options o = {
		.policy = "adapler:eta=1", .batch = 3, .turns = 2, .threads = 1, .progress = tell, .with_scores = 1};
	o.progress_arg = &all;
	f = gathered(m, &x, &o);
	facts_close(&f);
	CHECK_INT(all.tokens, 5 * x.texts.tokens); /* two turns of two arms, and once for the scores */
	o.progress_arg = &some;
	CHECK_INT(facts_gather(&f, m, &x.data, &x.texts, &o, &e), ERR_INTERRUPTED);
	CHECK(some.tokens < 2 * 100 && !f.idx && !f.died_at);
	model_close(m);
}

TEST(a_shard_beyond_the_samples_is_refused)
{
	static struct made x;
	struct err e = {0};
	struct facts f;
	struct model *m = small();
	make(&x);
	const struct gather_options o = {.policy = "none", .threads = 1, .shard = TEXTS, .shards = TEXTS + 1};
	CHECK_INT(facts_gather(&f, m, &x.data, &x.texts, &o, &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "letters train has 23 samples: too few for shard 24");
	model_close(m);
}
