#include "../reports/report.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../eval/store_facts.h"
#include "small_facts.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { EXAMPLES = 8 };
static const char *const names[] = {"accuracy", NULL};

/* A run of eight examples of two layers, of which the first `right` are right and each layer sees `rows` of 4 tokens. */
struct made {
	const char *task, *policy, *family, *more; /* more: of args, each member followed by a comma */
	int seed, batch, right, rows;
	double time;
};

static struct facts facts_of(const struct made *m)
{
	struct facts f = small_facts_blank(EXAMPLES, 2, names, m->policy, 0);
	for (int i = 0; i < EXAMPLES; i++) {
		f.gold[i] = i % 2;
		small_facts_predict(&f, i, i < m->right ? i % 2 : 1 - i % 2, 3);
		f.tokens[i] = 4;
		f.rows[2 * i] = f.rows[2 * i + 1] = m->rows;
		f.dense_flops[i] = 400;
		f.flops[i] = 100 * m->rows;
	}
	return f;
}

static void add_run(struct store *s, const struct made *m, const char *data_sha)
{
	static int number;
	struct err e = {0};
	struct facts f = facts_of(m);
	struct buf args = {0};
	char key[32];
	int64_t id;
	enum store_found found;
	f.batch = m->batch;
	snprintf(key, sizeof key, "key-%d", ++number);
	buf_addf(&args, "{\"model\":\"m\",\"family\":\"%s\",%s", m->family, m->more);
	store_facts_describe(&args, &f);
	buf_addf(&args, "\"cpu\":\"a cpu\"}");
	const struct store_run run = {.key = key,
	                              .kind = "eval",
	                              .task = m->task,
	                              .split = "dev",
	                              .policy = m->policy,
	                              .args = args.data,
	                              .seed = (uint64_t)m->seed,
	                              .model_sha = key,
	                              .data_sha = data_sha,
	                              .rev = "r",
	                              .threads = 1};
	CHECK_OK(store_run_start(s, &run, &id, &found, &e), &e);
	CHECK_OK(store_facts_add(s, id, &f, &e), &e);
	CHECK_OK(store_metric_set(s, id, "accuracy", m->right / 8.0, m->right / 8.0 - 0.1, m->right / 8.0 + 0.1, &e), &e);
	CHECK_OK(store_metric_set(s, id, "flops_speedup", 4.0 / m->rows, NAN, NAN, &e), &e);
	CHECK_OK(store_metric_set(s, id, "examples", EXAMPLES, NAN, NAN, &e), &e);
	if (!isnan(m->time))
		CHECK_OK(store_metric_set(s, id, "time_speedup", m->time, m->time, m->time, &e), &e);
	CHECK_OK(store_run_finish(s, id, &e), &e);
	buf_free(&args);
	facts_close(&f);
}

static const char *store_of(const struct made *runs, int count, const char *data_sha)
{
	struct err e = {0};
	struct store *s = NULL;
	unlink(test_path("r.db"));
	CHECK_OK(store_open(&s, test_path("r.db"), NULL, &e), &e);
	for (int i = 0; i < count; i++)
		add_run(s, &runs[i], i + 1 < count || !data_sha ? "data" : data_sha);
	store_close(s);
	return test_path("r.db");
}

static const struct made runs[] = {
	{"sst2", "adapler", "real/phi-{phi}", "\"phi\":\"0.005\",", 1, 32, 6, 2, 1.9},
	{"sst2", "adapler", "real/phi-{phi}", "\"phi\":\"0.005\",", 2, 32, 8, 2, 1.7},
	{"sst2", "adapler:scale=0.75", "real/phi-{phi}", "\"phi\":\"0.005\",", 1, 32, 6, 3, 1.2},
	{"sst2", "none", "real/dense", "", 1, 32, 7, 4, 1},
	{"sst2", "none", "real/dense", "", 2, 32, 7, 4, 1},
	{"sst2", "random:replay,seed=1", "real/dense", "\"counts\":\"adapler\",\"counts_model\":\"x/phi-0.005\",", 1, 32, 3,
     2, NAN},
};
enum { RUNS = sizeof runs / sizeof *runs };

static const struct entry *find(const struct section *s, const char *method, const char *settings)
{
	for (int i = 0; i < s->entries; i++)
		if (!strcmp(method_names[s->entry[i].method], method) && !strcmp(s->entry[i].settings, settings))
			return &s->entry[i];
	test_fail(__FILE__, __LINE__, "no entry %s '%s'", method, settings);
	return &s->entry[0];
}

TEST(runs_that_differ_in_seed_are_one_entry)
{
	struct report r;
	struct err e = {0};
	REQUIRE_OK(report_open(&r, store_of(runs, RUNS, NULL), NULL, &e), &e);
	CHECK_INT(r.sections, 1);
	CHECK_INT(r.section[0].entries, 4);
	const struct entry *x = find(&r.section[0], "AdapLeR", "phi 0.005");
	CHECK_INT(x->seeds, 2);
	CHECK_NEAR(x->quality.value, 7.0 / 8, 1e-12);
	CHECK_NEAR(x->quality.sd, sqrt(2 * 0.125 * 0.125), 1e-12);
	CHECK(isnan(x->quality.lo));
	CHECK_NEAR(x->speed[SPEED_FLOPS].value, 2, 1e-12);
	CHECK_NEAR(x->speed[SPEED_TIME_32].value, 1.8, 1e-12);
	CHECK(isnan(x->speed[SPEED_TIME_1].value));
	report_close(&r);
}

TEST(settings_are_in_words)
{
	struct report r;
	struct err e = {0};
	REQUIRE_OK(report_open(&r, store_of(runs, RUNS, NULL), NULL, &e), &e);
	find(&r.section[0], "dense", "");
	find(&r.section[0], "AdapLeR", "phi 0.005, thresholds x 0.75");
	find(&r.section[0], "random", "as many rows as phi-0.005");
	report_close(&r);
}

TEST(others_are_held_against_dense_on_the_same_examples)
{
	struct report r;
	struct err e = {0};
	REQUIRE_OK(report_open(&r, store_of(runs, RUNS, NULL), NULL, &e), &e);
	const struct section *s = &r.section[0];
	const struct entry *slower = find(s, "AdapLeR", "phi 0.005, thresholds x 0.75"),
					   *random = find(s, "random", "as many rows as phi-0.005");
	CHECK_STR(method_names[s->entry[s->dense].method], "dense");
	CHECK_NEAR(slower->difference, -1.0 / 8, 1e-12);
	/* Four right in dense alone: 2 / 2^4 by McNemar's exact test, times 3 by Holm, as the others are 1. */
	CHECK_NEAR(random->p, 3 * 0.125, 1e-9);
	CHECK(isnan(s->entry[s->dense].p));
	/* One fewer right with one seed, one more with the other. */
	CHECK_NEAR(find(s, "AdapLeR", "phi 0.005")->difference, 0, 1e-12);
	/* The slower one is no better and slower than phi 0.005; dense has its quality at a lower speed. */
	CHECK_INT(slower->on_frontier[SPEED_FLOPS], 0);
	CHECK_INT(find(s, "AdapLeR", "phi 0.005")->on_frontier[SPEED_FLOPS], 1);
	CHECK_INT(random->on_frontier[SPEED_TIME_32], -1);
	CHECK_NEAR(slower->kept[1][1], 0.75, 1e-12);
	CHECK_INT(s->fastest[SPEED_FLOPS].entry, (int)(find(s, "AdapLeR", "phi 0.005") - s->entry));
	report_close(&r);
}

TEST(other_data_under_one_name_is_refused_and_can_be_left_out)
{
	struct report r;
	struct err e = {0};
	const char *db = store_of(runs, RUNS, "other");
	CHECK_INT(report_open(&r, db, NULL, &e), ERR_MISMATCH);
	CHECK_CONTAINS(e.text, "of other data or samples: leave one out by --without");
	e = (struct err){0};
	CHECK_OK(report_open(&r, db, "6", &e), &e);
	CHECK_INT(r.section[0].entries, 3);
	report_close(&r);
}

TEST(a_task_of_files_is_called_by_its_folder)
{
	struct made named[2] = {runs[3], runs[3]};
	struct report r;
	struct err e = {0};
	named[0].task = "file::train=a/phrases/train.tsv,dev=a/phrases/dev.tsv";
	named[1].task = "file:reviews.tsv";
	REQUIRE_OK(report_open(&r, store_of(named, 2, NULL), NULL, &e), &e);
	CHECK_STR(r.section[0].task, "phrases");
	CHECK_STR(r.section[1].task, "reviews");
	CHECK_STR(r.section[1].anchor, "reviews-dev");
	report_close(&r);
}

TEST(an_empty_store_has_nothing_to_report)
{
	struct report r;
	struct err e = {0};
	CHECK_INT(report_open(&r, store_of(NULL, 0, NULL), NULL, &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "no finished evaluation");
}

TEST(numbers_of_runs_are_short)
{
	struct buf b = {0};
	report_add_runs(&b, (int64_t[]){1, 2, 3, 5, 8, 9}, 6);
	CHECK_STR(b.data, "6 runs (1-3, 5, 8-9)");
	buf_free(&b);
}
