#include "../eval/store.h"

#include "../engine/base/buf.h"
#include "test.h"

#include <math.h>
#include <string.h>

static struct store *opened(const char *name, int64_t *run)
{
	struct err e = {0};
	struct store *s;
	enum store_found found;
	CHECK_OK(store_open(&s, test_path(name), NULL, &e), &e);
	CHECK_OK(store_run_start(s, &(struct store_run){.key = "k", .kind = "finetune"}, run, &found, &e), &e);
	return s;
}

static void add(struct store *s, int64_t run, int64_t step, const char *name, double value)
{
	struct err e = {0};
	CHECK_OK(store_curve_add(s, run, step, name, value, &e), &e);
}

static int note(int64_t step, const char *name, double value, void *arg, struct err *e)
{
	(void)e;
	buf_addf(arg, "%lld %s %g;", (long long)step, name, value);
	return 0;
}

static void stored(struct store *s, int64_t run, const char *name, const char *expected)
{
	struct err e = {0};
	struct buf b = {0};
	buf_add_text(&b, "");
	CHECK_OK(store_curve_each(s, run, name, note, &b, &e), &e);
	CHECK_STR(b.data, expected);
	buf_free(&b);
}

TEST(points_come_by_step_and_name_whatever_the_order_of_writing)
{
	int64_t run;
	struct store *s = opened("order.db", &run);
	stored(s, run, NULL, "");
	add(s, run, 10, "loss", 0.5);
	add(s, run, 2, "loss", 1);
	add(s, run, 10, "dev/accuracy", 0.75);
	stored(s, run, NULL, "2 loss 1;10 dev/accuracy 0.75;10 loss 0.5;");
	stored(s, run, "loss", "2 loss 1;10 loss 0.5;");
	stored(s, run, "no such name", "");
	stored(s, run + 1, NULL, "");
	store_close(s);
}

TEST(a_point_written_again_replaces_the_old_one)
{
	int64_t run;
	struct store *s = opened("again.db", &run);
	add(s, run, 1, "loss", 3);
	add(s, run, 1, "loss", 2);
	add(s, run, 1, "rate", 1);
	stored(s, run, NULL, "1 loss 2;1 rate 1;");
	store_close(s);
}

TEST(a_training_that_resumes_forgets_what_came_after_its_checkpoint)
{
	struct err e = {0};
	int64_t run, other;
	enum store_found found;
	struct store *s = opened("forget.db", &run);
	REQUIRE_OK(store_run_start(s, &(struct store_run){.key = "other", .kind = "finetune"}, &other, &found, &e), &e);
	for (int64_t step = 1; step <= 4; step++) {
		add(s, run, step, "loss", (double)step);
		add(s, other, step, "loss", 0);
	}
	CHECK_OK(store_curve_forget_after(s, run, 2, &e), &e);
	CHECK_OK(store_curve_forget_after(s, run, 100, &e), &e);
	stored(s, run, NULL, "1 loss 1;2 loss 2;");
	stored(s, other, NULL, "1 loss 0;2 loss 0;3 loss 0;4 loss 0;");
	CHECK_OK(store_curve_forget_after(s, run, -1, &e), &e);
	stored(s, run, NULL, "");
	store_close(s);
}

static int keep(int64_t step, const char *name, double value, void *arg, struct err *e)
{
	(void)name;
	(void)e;
	((double *)arg)[step] = value;
	return 0;
}

TEST(doubles_come_back_bit_for_bit_and_undefined_is_nan)
{
	static const double values[] = {0.1, 1.0 / 3, 1e-310, 1.7976931348623157e308, INFINITY, -INFINITY, NAN, 3};
	enum { N = sizeof values / sizeof values[0] };
	double back[N] = {0};
	struct err e = {0};
	int64_t run;
	struct store *s = opened("exact.db", &run);
	for (int i = 0; i < N; i++)
		add(s, run, i, "x", values[i]);
	CHECK_OK(store_curve_each(s, run, "x", keep, back, &e), &e);
	for (int i = 0; i < N; i++)
		CHECK(isnan(values[i]) ? isnan(back[i]) : !memcmp(&back[i], &values[i], sizeof back[i]));
	store_close(s);
}

static int note_name(const char *name, int64_t points, void *arg, struct err *e)
{
	(void)e;
	buf_addf(arg, "%s %lld;", name, (long long)points);
	return 0;
}

TEST(names_are_listed_in_order_with_their_points)
{
	struct err e = {0};
	struct buf b = {0};
	int64_t run;
	struct store *s = opened("names.db", &run);
	add(s, run, 1, "loss", 1);
	add(s, run, 2, "loss", NAN);
	add(s, run, 2, "dev/loss", 1);
	CHECK_OK(store_curve_names(s, run, note_name, &b, &e), &e);
	CHECK_STR(b.data, "dev/loss 1;loss 2;");
	buf_free(&b);
	store_close(s);
}

static void refused(struct store *s, int64_t run, int64_t step, const char *name, int code, const char *part)
{
	struct err e = {0};
	CHECK_INT(store_curve_add(s, run, step, name, 1, &e), code);
	CHECK_CONTAINS(e.text, part);
}

TEST(what_is_no_point_is_refused)
{
	int64_t run;
	struct store *s = opened("bad.db", &run);
	refused(s, run + 1, 1, "loss", ERR_USAGE, "no run 2 in '");
	refused(s, run, -1, "loss", ERR_MISMATCH, "step_is_not_negative");
	refused(s, run, 1, "", ERR_MISMATCH, "name_is_not_empty");
	refused(s, run, 1, NULL, ERR_MISMATCH, "curve.name");
	stored(s, run, NULL, "");
	store_close(s);
}
