/* Rationales in the store: what goes in comes out, bit for bit, and what cannot be is refused. */
#include "../engine/base/err.h"
#include "../eval/store_rationale.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static float scores[2 * 3] = {0.1f, NAN, 3e-30f, -1, 2, 0.3333333f}, logits[] = {0.25f, -7};
static int spans[][2] = {{0, 2}, {1, 3}}, window[] = {0, 2, 3}, budget[] = {2, 1, 1, 0};
static double removed[] = {0.5, NAN, 0.1, 0.2}, alone[] = {1, 0.25, 0, 1e-300};
static const struct rationale_document document = {.tokens = 3,
                                                   .gold = 1,
                                                   .logits = logits,
                                                   .spans = 2,
                                                   .span = spans,
                                                   .windows = 2,
                                                   .window = window,
                                                   .budget = budget,
                                                   .score = scores,
                                                   .removed = removed,
                                                   .alone = alone};
static const struct rationale_facts shape = {
	.classes = 2, .L = 2, .layers = 2, .thresholds = 2, .threshold = {0, 0.1}, .mean_share = 1};

static int64_t write_run(struct store *s, const char *key, int documents)
{
	struct err e = {0};
	struct buf args = {0};
	int64_t id = 0;
	enum store_found found;
	buf_add_byte(&args, '{');
	store_rationale_describe(&args, &shape);
	buf_add_text(&args, "\"method\":\"cp\"}");
	const struct store_run run = {
		.key = key, .kind = "rationale", .task = "movies", .args = args.data, .data_sha = "data"};
	CHECK_OK(store_run_start(s, &run, &id, &found, &e), &e);
	for (int i = 0; i < documents; i++) {
		const struct store_document d = {
			.data = "data", .idx = i, .annotation = "a", .docid = "d", .words = "x y z", .spans = 2, .span = spans};
		CHECK_OK(store_document_add(s, &d, &e), &e);
		CHECK_OK(store_rationale_add(s, id, i, &shape, &document, &e), &e);
	}
	buf_free(&args);
	return id;
}

static struct store *open_store(const char *name)
{
	struct err e = {0};
	struct store *s = NULL;
	CHECK_OK(store_open(&s, test_path(name), NULL, &e), &e);
	return s;
}

TEST(what_goes_in_comes_out)
{
	struct err e = {0};
	struct rationale_facts f;
	int count;
	struct store *s = open_store("in.db");
	REQUIRE(s != NULL);
	const int64_t id = write_run(s, "k", 2);
	write_run(s, "other", 1); /* shares the documents */
	REQUIRE_OK(store_rationale_count(s, id, &count, &e), &e);
	CHECK_INT(count, 2);
	REQUIRE_OK(store_rationale_get(s, id, &f, &e), &e);
	REQUIRE(f.n == 2 && f.classes == 2 && f.L == 2 && f.layers == 2 && f.thresholds == 2);
	CHECK_NEAR(f.threshold[1], 0.1, 0);
	for (int i = 0; i < 2; i++) {
		const struct rationale_document *d = &f.document[i];
		REQUIRE(d->tokens == 3 && d->spans == 2 && d->windows == 2);
		CHECK(d->gold == 1 && d->pred == 0 && d->span[1][0] == 1 && d->span[1][1] == 3);
		CHECK(!memcmp(d->logits, logits, sizeof logits) && !memcmp(d->window, window, sizeof window));
		CHECK(!memcmp(d->budget, budget, sizeof budget));
		for (int k = 0; k < 6; k++)
			CHECK_NEAR(d->score[k], scores[k], 0);
		for (int k = 0; k < 4; k++) {
			CHECK_NEAR(d->removed[k], removed[k], 0);
			CHECK_NEAR(d->alone[k], alone[k], 0);
		}
	}
	rationale_close(&f);
	store_close(s);
}

static int touch(const struct store_value *values, int columns, void *arg, struct err *e)
{
	(void)values, (void)columns, (void)arg, (void)e;
	return 0;
}

static const char *refusal_after(const char *sql)
{
	static struct err e;
	struct rationale_facts f;
	struct store *s = open_store("bad.db");
	e = (struct err){0};
	const int64_t id = write_run(s, sql, 1);
	CHECK_OK(store_select(s, touch, NULL, &e, sql, "i", id), &e);
	CHECK(store_rationale_get(s, id, &f, &e) == ERR_FORMAT);
	CHECK(!f.document);
	CHECK_OK(store_run_remove(s, id, &(struct err){0}), &e);
	store_close(s);
	return e.text;
}

TEST(facts_that_cannot_be_are_refused)
{
	CHECK_CONTAINS(refusal_after("UPDATE explained SET pred = 2 WHERE run = ?"),
	               "field 'idx, tokens, pred' of document 0");
	CHECK_CONTAINS(refusal_after("UPDATE explained SET windows = '[0,3,2]' WHERE run = ?"), "field 'windows'");
	CHECK_CONTAINS(refusal_after("UPDATE explained SET windows = '[0,2]' WHERE run = ?"), "field 'windows'");
	CHECK_CONTAINS(refusal_after("UPDATE explained SET budget = '[[1,1]]' WHERE run = ?"), "field 'budget'");
	CHECK_CONTAINS(refusal_after("UPDATE explained SET logits = '[1]' WHERE run = ?"), "field 'logits'");
	CHECK_CONTAINS(refusal_after("UPDATE attribution SET scores = '[1,2]' WHERE run = ?"), "field 'scores'");
	CHECK_CONTAINS(refusal_after("DELETE FROM attribution WHERE layer = 1 AND run = ?"), "lacks scores");
	CHECK_CONTAINS(refusal_after("DELETE FROM attribution WHERE layer = 0 AND run = ?"), "field 'layer'");
	CHECK_CONTAINS(refusal_after("DELETE FROM perturbation WHERE layer = 1 AND threshold = 1 AND run = ?"),
	               "lacks perturbations");
	CHECK_CONTAINS(refusal_after("DELETE FROM explained WHERE run = ?"), "explains no document");
	CHECK_CONTAINS(refusal_after("DELETE FROM document WHERE ?"), "field 'rationale'");
}

TEST(runs_of_other_kinds_have_no_rationales)
{
	struct err e = {0};
	struct rationale_facts f;
	int64_t id;
	enum store_found found;
	struct store *s = open_store("kinds.db");
	REQUIRE_OK(store_run_start(s, &(struct store_run){.key = "k", .kind = "eval"}, &id, &found, &e), &e);
	CHECK(store_rationale_get(s, id, &f, &e) == ERR_USAGE);
	CHECK_CONTAINS(e.text, "is of kind eval, not rationale");
	store_close(s);
}
