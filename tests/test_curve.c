#include "../reports/curve.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct store *filled(const char *name, int64_t *run)
{
	struct err e = {0};
	struct store *s;
	enum store_found found;
	CHECK_OK(store_open(&s, test_path(name), NULL, &e), &e);
	CHECK_OK(store_run_start(s, &(struct store_run){.key = "k", .kind = "finetune"}, run, &found, &e), &e);
	CHECK_OK(store_curve_add(s, *run, 1, "b", 0.5, &e), &e);
	CHECK_OK(store_curve_add(s, *run, 1, "a", NAN, &e), &e);
	CHECK_OK(store_curve_add(s, *run, 9, "b", 0.25, &e), &e);
	return s;
}

static void printed(struct store *s, int64_t run, const char *list, const char *expected)
{
	struct err e = {0};
	struct curve c;
	char *text = NULL;
	size_t size;
	REQUIRE_OK(curve_open(&c, s, run, list, &e), &e);
	FILE *f = open_memstream(&text, &size);
	struct rows r = {.out = f};
	CHECK_OK(curve_print(&c, &r, &e), &e);
	fclose(f);
	CHECK_STR(text, expected);
	free(text);
	rows_free(&r);
	curve_close(&c);
}

TEST(a_row_a_step_a_column_a_name_in_the_order_asked_for)
{
	int64_t run;
	struct store *s = filled("print.db", &run);
	printed(s, run, NULL, "step\ta\tb\n1\tNaN\t0.5\n9\t\t0.25\n");
	printed(s, run, "b,a", "step\tb\ta\n1\t0.5\tNaN\n9\t0.25\t\n");
	printed(s, run, "a", "step\ta\n1\tNaN\n");
	store_close(s);
}

static void refused(struct store *s, int64_t run, const char *list, const char *part)
{
	struct err e = {0};
	struct curve c;
	CHECK_INT(curve_open(&c, s, run, list, &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, part);
}

TEST(curves_that_are_not_there_are_named)
{
	int64_t run;
	struct store *s = filled("refused.db", &run);
	refused(s, run, "b,c", "run 1 has no curve 'c'");
	refused(s, run, "", "run 1 has no curve ''");
	refused(s, run, "a,,b", "run 1 has no curve ''");
	refused(s, run, "a,b,a", "curve 'a' is asked for twice");
	refused(s, run + 1, NULL, "run 2 has no curves yet");
	store_close(s);
}

TEST(more_measures_than_a_picture_holds_are_refused)
{
	struct err e = {0};
	struct curve c;
	int64_t run;
	char name[20];
	struct store *s = filled("many.db", &run);
	for (int i = 0; i < 21; i++) {
		snprintf(name, sizeof name, "m%d", i);
		CHECK_OK(store_curve_add(s, run, 1, name, 1, &e), &e);
	}
	REQUIRE_OK(curve_open(&c, s, run, NULL, &e), &e);
	CHECK_INT(curve_plot(&c, test_path("many.svg"), &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "more than 20 measures in one picture");
	curve_close(&c);
	store_close(s);
}
