#include "../eval/store.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static const struct store_run whole_run = {.key = "00ffee12",
                                           .kind = "finetune",
                                           .task = "sst2",
                                           .split = "train",
                                           .policy = "adapler:eta=1",
                                           .args = "{\"lr\":3e-05}",
                                           .seed = 42,
                                           .model_sha = "m",
                                           .data_sha = "d",
                                           .rev = "r",
                                           .threads = 8};

static struct store *opened(const char *name)
{
	struct err e = {0};
	struct store *s;
	CHECK_OK(store_open(&s, test_path(name), NULL, &e), &e);
	return s;
}

static int64_t started(struct store *s, const struct store_run *r, enum store_found expected)
{
	struct err e = {0};
	enum store_found found = STORE_NEW;
	int64_t id = -1;
	CHECK_OK(store_run_start(s, r, &id, &found, &e), &e);
	CHECK_INT(found, expected);
	return id;
}

static int64_t started_key(struct store *s, const char *key)
{
	return started(s, &(struct store_run){.key = key, .kind = "eval"}, STORE_NEW);
}

/* A copy of what a visitor is shown. */
struct seen {
	int rows;
	int64_t ids[10], last_step;
	char started[40], finished[40], text[200];
};

static int see(const struct store_row *row, void *arg, struct err *e)
{
	struct seen *x = arg;
	(void)e;
	x->ids[x->rows++ % 10] = row->id;
	x->last_step = row->last_step;
	snprintf(x->started, sizeof x->started, "%s", row->started);
	snprintf(x->finished, sizeof x->finished, "%s", row->finished ? row->finished : "");
	const struct store_run *r = &row->run;
	snprintf(x->text, sizeof x->text, "%s %s %s %s %s %s %llu %s %s %s %d", r->key, r->kind, r->task ? r->task : "-",
	         r->split ? r->split : "-", r->policy ? r->policy : "-", r->args, (unsigned long long)r->seed,
	         r->model_sha ? r->model_sha : "-", r->data_sha ? r->data_sha : "-", r->rev ? r->rev : "-", r->threads);
	return 0;
}

static struct seen seen_run(struct store *s, int64_t id)
{
	struct err e = {0};
	struct seen x = {0};
	CHECK_OK(store_run_get(s, id, see, &x, &e), &e);
	return x;
}

TEST(a_run_is_new_then_unfinished_then_finished)
{
	struct err e = {0};
	struct store *s = opened("life.db");
	int64_t id = started(s, &whole_run, STORE_NEW);
	CHECK_INT(started(s, &whole_run, STORE_UNFINISHED), id);
	store_close(s);
	s = opened("life.db");
	CHECK_INT(started(s, &whole_run, STORE_UNFINISHED), id);
	CHECK_OK(store_run_finish(s, id, &e), &e);
	CHECK_INT(started(s, &whole_run, STORE_FINISHED), id);
	CHECK_OK(store_run_finish(s, id, &e), &e);
	store_close(s);
}

TEST(every_field_comes_back_and_unknown_ones_are_null)
{
	struct store *s = opened("fields.db");
	int64_t id = started(s, &whole_run, STORE_NEW);
	struct seen x = seen_run(s, id);
	CHECK_STR(x.text, "00ffee12 finetune sst2 train adapler:eta=1 {\"lr\":3e-05} 42 m d r 8");
	CHECK_INT(x.last_step, -1);
	x = seen_run(s, started_key(s, "bare"));
	CHECK_STR(x.text, "bare eval - - - {} 0 - - - 0");
	store_close(s);
}

/* "2022-05-22T09:30:00Z" */
static int is_time(const char *text)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	for (int i = 0; i < 20; i++)
		if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return 0;
	return text[20] == '\0' && strcmp(text, "2024") > 0;
}

TEST(times_are_iso_8601_in_utc_and_the_first_end_stands)
{
	struct err e = {0};
	struct store *s = opened("times.db");
	int64_t id = started(s, &whole_run, STORE_NEW);
	struct seen x = seen_run(s, id);
	CHECK(is_time(x.started));
	CHECK_STR(x.finished, "");
	CHECK_OK(store_run_finish(s, id, &e), &e);
	x = seen_run(s, id);
	CHECK(is_time(x.finished));
	CHECK(strcmp(x.started, x.finished) <= 0);
	store_close(s);
}

static void refused(struct store *s, const struct store_run *r, int code, const char *part)
{
	struct err e = {0};
	int64_t id;
	enum store_found found;
	CHECK_INT(store_run_start(s, r, &id, &found, &e), code);
	CHECK_CONTAINS(e.text, part);
}

TEST(a_key_never_stands_for_two_different_runs)
{
	struct store *s = opened("mismatch.db");
	started(s, &whole_run, STORE_NEW);
	struct store_run r = whole_run;
	r.task = "cola";
	refused(s, &r, ERR_MISMATCH, "has task 'sst2', not 'cola'");
	r = whole_run, r.data_sha = NULL;
	refused(s, &r, ERR_MISMATCH, "has data_sha 'd', not ''");
	r = whole_run, r.seed = 43;
	refused(s, &r, ERR_MISMATCH, "has seed 42, not 43");
	r = whole_run, r.threads = 1, r.rev = "later", r.args = "{\"lr\":3e-05,\"out\":\"x\"}";
	started(s, &r, STORE_UNFINISHED);
	store_close(s);
}

TEST(what_is_no_run_is_refused_and_leaves_no_row)
{
	struct err e = {0};
	struct seen x = {0};
	struct store *s = opened("bad.db");
	struct store_run r = whole_run;
	r.args = "[1]";
	refused(s, &r, ERR_FORMAT, "'args of run 00ffee12' must be a JSON object");
	r.args = "{\"lr\":";
	refused(s, &r, ERR_FORMAT, "args of run 00ffee12");
	r = whole_run, r.key = "";
	refused(s, &r, ERR_MISMATCH, "key_is_not_empty");
	r = whole_run, r.kind = "";
	refused(s, &r, ERR_MISMATCH, "kind_is_not_empty");
	r = whole_run, r.seed = UINT64_C(1) << 63;
	refused(s, &r, ERR_LIMIT, "seed 9223372036854775808 is too large");
	CHECK_OK(store_run_each(s, see, &x, &e), &e);
	CHECK_INT(x.rows, 0);
	store_close(s);
}

TEST(a_run_that_is_not_there_is_named)
{
	struct err e = {0};
	struct seen x = {0};
	struct store *s = opened("absent.db");
	CHECK_INT(store_run_finish(s, 7, &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "no run 7 in '");
	CHECK_INT(store_run_remove(s, 7, &(struct err){0}), ERR_USAGE);
	CHECK_INT(store_run_get(s, 7, see, &x, &(struct err){0}), ERR_USAGE);
	store_close(s);
}

TEST(removing_a_run_removes_its_rows_and_no_others)
{
	struct err e = {0};
	struct store *s = opened("remove.db");
	int64_t a = started_key(s, "a"), b = started_key(s, "b");
	CHECK_OK(store_curve_add(s, a, 5, "loss", 1, &e), &e);
	CHECK_OK(store_curve_add(s, b, 6, "loss", 1, &e), &e);
	CHECK_OK(store_run_remove(s, a, &e), &e);
	CHECK_INT(seen_run(s, b).last_step, 6);
	int64_t again = started_key(s, "a");
	CHECK_INT(seen_run(s, again).last_step, -1);
	store_close(s);
}

static void found(struct store *s, const char *text, int64_t expected)
{
	struct err e = {0};
	int64_t id = -1;
	CHECK_OK(store_run_find(s, text, &id, &e), &e);
	CHECK_INT(id, expected);
}

TEST(a_run_is_found_by_key_then_id_then_the_beginning_of_a_key)
{
	struct err e = {0};
	struct store *s = opened("find.db");
	int64_t id;
	CHECK_INT(started_key(s, "abcdef1"), 1);
	CHECK_INT(started_key(s, "abcdef2"), 2);
	CHECK_INT(started_key(s, "1"), 3);
	CHECK_INT(started_key(s, "abcd"), 4);
	CHECK_INT(started_key(s, "%_%_"), 5);
	found(s, "abcdef1", 1);
	found(s, "1", 3); /* the key, not the id */
	found(s, "2", 2);
	found(s, "abcd", 4);
	found(s, "%_%_", 5);
	CHECK_INT(store_run_find(s, "abcde", &id, &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "several runs");
	CHECK_INT(store_run_find(s, "abc", &id, &(struct err){0}), ERR_USAGE); /* too short */
	e = (struct err){0};
	CHECK_INT(store_run_find(s, "6", &id, &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "no run '6' in '");
	CHECK_INT(store_run_find(s, "", &id, &(struct err){0}), ERR_USAGE);
	store_close(s);
}

static int stop(const struct store_row *row, void *arg, struct err *e)
{
	int *calls = arg;
	++*calls;
	return err_set(e, ERR_INTERRUPTED, "stopped at %lld", (long long)row->id);
}

TEST(visits_are_by_id_and_stop_when_the_visitor_says_so)
{
	struct err e = {0};
	struct seen x = {0};
	int calls = 0;
	struct store *s = opened("visit.db");
	started_key(s, "z");
	started_key(s, "a");
	CHECK_OK(store_run_each(s, see, &x, &e), &e);
	CHECK(x.rows == 2 && x.ids[0] == 1 && x.ids[1] == 2);
	CHECK_INT(store_run_each(s, stop, &calls, &e), ERR_INTERRUPTED);
	CHECK_STR(e.text, "stopped at 1");
	CHECK_INT(calls, 1);
	started_key(s, "the store can still be written");
	store_close(s);
}
