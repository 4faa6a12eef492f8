#include "../reports/reference.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "test.h"

#include <math.h>
#include <string.h>

static int read_text(struct reference *r, const char *text, struct err *e)
{
	int code = file_write_atomic(test_path("r.json"), text, strlen(text), e);
	return code ? code : reference_read(r, test_path("r.json"), e);
}

TEST(what_is_not_published_is_undefined)
{
	struct reference r;
	struct err e = {0};
	REQUIRE_OK(
		read_text(&r,
	              "{\"source\": \"a paper\", \"rows\": [{\"task\": \"sst2\", \"method\": \"X\", \"quality\": 92.3},"
	              "{\"task\": \"cola\", \"method\": \"Y\", \"quality\": -1, \"time_speedup\": 2.5, \"note\": \"n\"}]}",
	              &e),
		&e);
	CHECK_INT(r.rows, 2);
	CHECK_STR(r.source, "a paper");
	CHECK_NEAR(r.row[0].quality, 0.923, 1e-12);
	CHECK(isnan(r.row[0].flops_speedup));
	CHECK_STR(r.row[0].settings, "");
	CHECK_NEAR(r.row[1].time_speedup, 2.5, 0);
	reference_free(&r);
}

TEST(no_file_is_no_rows)
{
	struct reference r;
	struct err e = {0};
	CHECK_OK(reference_read(&r, NULL, &e), &e);
	CHECK_INT(r.rows, 0);
	reference_free(&r);
}

TEST(faults_are_told_with_row_and_field)
{
	static const char *const bad[][2] = {
		{"[]", "must be an object"},
		{"{\"rows\": 3}", "field 'rows'"},
		{"{\"rows\": [7]}", "row 1"},
		{"{\"rows\": [{\"task\": \"sst2\", \"method\": \"X\"}]}", "row 1 of"},
		{"{\"rows\": [{\"task\": \"sst2\", \"method\": \"X\", \"quality\": \"92\"}]}", "field 'quality'"},
		{"{\"rows\": [{\"task\": \"sst2\", \"method\": \"X\", \"quality\": 923}]}", "in percent"},
		{"{\"rows\": [", "r.json"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct reference r;
		struct err e = {0};
		CHECK(read_text(&r, bad[i][0], &e) != 0);
		CHECK_CONTAINS(e.text, bad[i][1]);
	}
}

TEST(the_published_figures_that_are_shipped_are_read)
{
	struct reference r;
	struct err e = {0};
	REQUIRE_OK(reference_read(&r, "data/reference/paper.json", &e), &e);
	CHECK(r.rows >= 11);
	for (int i = 0; i < r.rows; i++)
		CHECK(r.row[i].quality > 0.5 && r.row[i].quality < 1);
	reference_free(&r);
}
