#include "../eval/judge.h"

#include "../engine/base/rng.h"
#include "../engine/model.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 23, MOST = 30 };

static const char *const letters[] = {"a", "b", "c", NULL};
static const char *const metric_accuracy_only[] = {"accuracy", NULL};
static const char *const metric_pearson_only[] = {"pearson", NULL};
static const struct task classes_task = {.name = "letters", .labels = letters, .metrics = metric_accuracy_only};
static const struct task value_task = {.name = "values", .metrics = metric_pearson_only};

static struct model *model_of(int C)
{
	struct err e = {0};
	struct model *m = NULL;
	const struct model_options o = {.kernels = "portable"};
	struct config c = {.L = 3, .H = 24, .A = 2, .D = 12, .F = 40, .V = 50, .P = MOST, .C = C, .types = 2, .K = 6};
	c.act = ACT_GELU;
	c.layer_norm_eps = 1e-12;
	CHECK_OK(model_open_random(&m, &c, &o, &e), &e);
	return m;
}

/* Texts of 1 to MOST tokens, without labels yet. */
struct made {
	struct encoded texts;
	struct dataset data;
	struct example examples[TEXTS];
	int ids[TEXTS * MOST], type_ids[TEXTS * MOST];
};

static void make(struct made *x, int classes)
{
	int at = 0;
	memset(x, 0, sizeof *x);
	for (int i = 0; i < TEXTS; i++) {
		const int n = 1 + (i * 7) % MOST;
		x->examples[i] = (struct example){.n = n, .ids = x->ids + at, .type_ids = x->type_ids + at, .value = NAN};
		x->texts.longest = n > x->texts.longest ? n : x->texts.longest;
		for (int end = at + n; at < end; at++) {
			x->ids[at] = (int)rng_below(1, 2, (uint64_t)at, 50);
			x->type_ids[at] = (int)rng_below(1, 3, (uint64_t)at, 2);
		}
	}
	x->texts.count = x->data.count = x->data.labelled = TEXTS;
	x->texts.examples = x->examples;
	x->texts.tokens = at;
	x->data.classes = classes;
	x->data.labels = classes ? letters : NULL;
	x->data.task = classes ? &classes_task : &value_task;
}

/* One text alone, as an independent run sees it. */
static void run_alone(const struct model *m, const char *policy, const struct example *x, float *logits, int *died_at,
                      struct policy *p)
{
	struct err e = {0};
	struct session *s;
	struct trace t;
	const int start[] = {0, x->n};
	const struct batch b = {.B = 1, .start = start, .ids = x->ids, .type_ids = x->type_ids};
	CHECK_OK(policy_parse(p, policy, &e), &e);
	REQUIRE_OK(session_open(&s, m, &(struct session_options){.threads = 1, .max_rows = MOST, .max_sequences = 1}, &e),
	           &e);
	CHECK_OK(session_run(s, &b, p, &t, &e), &e);
	memcpy(logits, t.logits, (size_t)model_config(m)->C * sizeof *logits);
	memcpy(died_at, t.died_at, (size_t)x->n * sizeof *died_at);
	session_close(s);
}

static int largest(const float *z, int n)
{
	int best = 0;
	for (int i = 1; i < n; i++)
		best = z[i] > z[best] ? i : best;
	return best;
}

TEST(score_and_loss_are_those_of_each_text_alone_whatever_the_batch)
{
	static struct made x;
	struct err e = {0};
	struct model *m = model_of(3);
	double loss = 0;
	make(&x, 3);
	for (int i = 0; i < TEXTS; i++) {
		float z[3];
		int died_at[MOST];
		struct policy p;
		run_alone(m, "adapler:eta=1", &x.examples[i], z, died_at, &p);
		/* Every fourth text is labelled wrongly: 6 of 23. */
		x.examples[i].label = (largest(z, 3) + (i % 4 == 0)) % 3;
		loss += log(exp((double)z[0]) + exp((double)z[1]) + exp((double)z[2])) - (double)z[x.examples[i].label];
	}
	for (int batch = 0; batch <= TEXTS + 1; batch += 6) {
		struct judgement j;
		const struct judge_options o = {.policy = "adapler:eta=1", .batch = batch, .threads = 1 + batch % 4};
		REQUIRE_OK(judge(&j, m, &x.data, &x.texts, &o, &e), &e);
		CHECK_INT(j.n, TEXTS);
		CHECK_INT(j.L, 3);
		CHECK_NEAR(j.score, 17.0 / 23, 1e-12);
		CHECK_NEAR(j.loss, loss / TEXTS, 1e-5);
		CHECK(j.seconds > 0);
		const struct judge_options few = {.policy = "adapler:eta=1", .batch = batch, .rows = 5 * batch};
		REQUIRE_OK(judge(&j, m, &x.data, &x.texts, &few, &e), &e);
		CHECK_NEAR(j.loss, loss / TEXTS, 1e-5);
	}
	model_close(m);
}

TEST(speedup_is_a_ratio_of_sums_of_flops)
{
	static struct made x;
	struct err e = {0};
	struct judgement j;
	struct model *m = model_of(3);
	int64_t dense = 0, pruned = 0;
	double ratios = 0;
	make(&x, 3);
	for (int i = 0; i < TEXTS; i++) {
		float z[3];
		int died_at[MOST];
		struct policy p, none;
		struct flops f, all;
		CHECK_OK(policy_parse(&none, "none", &e), &e);
		run_alone(m, "adapler:eta=1", &x.examples[i], z, died_at, &p);
		flops_count(&f, model_config(m), &p, x.examples[i].n, died_at, 0);
		flops_count(&all, model_config(m), &none, x.examples[i].n, NULL, 0);
		dense += flops_total(&all);
		pruned += flops_total(&f);
		ratios += (double)flops_total(&all) / (double)flops_total(&f);
	}
	REQUIRE_OK(judge(&j, m, &x.data, &x.texts, &(struct judge_options){.policy = "adapler:eta=1"}, &e), &e);
	CHECK_NEAR(j.flops_speedup, (double)dense / (double)pruned, 1e-12);
	CHECK(fabs(j.flops_speedup - ratios / TEXTS) > 0.01);
	model_close(m);
}

TEST(kept_is_the_share_of_all_tokens_by_layer)
{
	static struct made x;
	struct err e = {0};
	struct judgement j;
	struct model *m = model_of(3);
	int tokens = 0, four = 0, two = 0;
	make(&x, 3);
	for (int i = 0; i < TEXTS; i++) {
		const int n = x.examples[i].n;
		tokens += n;
		four += n < 4 ? n : 4;
		two += n < 2 ? n : 2;
	}
	REQUIRE_OK(judge(&j, m, &x.data, &x.texts, &(struct judge_options){.policy = "adapler:top=4/2"}, &e), &e);
	CHECK_NEAR(j.kept[0], (double)four / tokens, 1e-12);
	CHECK_NEAR(j.kept[1], (double)two / tokens, 1e-12);
	CHECK_NEAR(j.kept[2], (double)two / tokens, 1e-12);
	CHECK(j.flops_speedup > 1);
	REQUIRE_OK(judge(&j, m, &x.data, &x.texts, &(struct judge_options){.policy = "none"}, &e), &e);
	for (int l = 0; l < 3; l++)
		CHECK_NEAR(j.kept[l], 1, 0);
	CHECK_NEAR(j.flops_speedup, 1, 0);
	model_close(m);
}

TEST(a_regression_is_judged_by_its_values)
{
	static struct made x;
	struct err e = {0};
	struct judgement j;
	struct model *m = model_of(1);
	double squares = 0;
	make(&x, 0);
	for (int i = 0; i < TEXTS; i++) {
		float z[1];
		int died_at[MOST];
		struct policy p;
		run_alone(m, "none", &x.examples[i], z, died_at, &p);
		x.examples[i].label = -1;
		x.examples[i].value = 3 - 2 * (double)z[0];
		squares += (3 - 3 * (double)z[0]) * (3 - 3 * (double)z[0]);
	}
	REQUIRE_OK(judge(&j, m, &x.data, &x.texts, &(struct judge_options){.policy = "none"}, &e), &e);
	CHECK_NEAR(j.score, -1, 1e-6);
	CHECK_NEAR(j.loss, squares / TEXTS, 1e-6);
	model_close(m);
}

static void refused(const struct model *m, const struct made *x, const char *policy, const char *why)
{
	struct err e = {0};
	struct judgement j;
	CHECK(judge(&j, m, &x->data, &x->texts, &(struct judge_options){.policy = policy}, &e) != 0);
	CHECK_CONTAINS(e.text, why);
}

TEST(what_cannot_be_judged_is_refused)
{
	static struct made x;
	struct model *m = model_of(3), *two = model_of(2);
	make(&x, 3);
	refused(two, &x, "none", "letters has 3 labels, the model predicts 2");
	refused(m, &x, "no such", "no such");
	x.data.split = SPLIT_TEST;
	x.data.labelled = TEXTS - 2;
	refused(m, &x, "none", "letters test has 2 samples without a label");
	x.data.labelled = x.data.count = 0;
	refused(m, &x, "none", "letters test is empty");
	make(&x, 0);
	refused(m, &x, "none", "values has 1 labels, the model predicts 3");
	model_close(m);
	model_close(two);
}

/* LABEL_0 may be anything, but "a" is no other class than "a". */
TEST(labels_in_another_order_are_refused)
{
	static struct made x;
	struct err e = {0};
	struct judgement j;
	struct model *m = model_of(3);
	char names[3][LABEL_SIZE] = {"LABEL_0", "b", "LABEL_2"}, swapped[3][LABEL_SIZE] = {"b", "a", "c"};
	make(&x, 3);
	char(*kept)[LABEL_SIZE] = m->config.labels;
	m->config.labels = names;
	CHECK_OK(judge(&j, m, &x.data, &x.texts, &(struct judge_options){.policy = "none"}, &e), &e);
	m->config.labels = swapped;
	refused(m, &x, "none", "label 'a' is class 0 of letters, but class 1 of the model");
	m->config.labels = kept;
	model_close(m);
}
