#include "../engine/base/err.h"
#include "../eval/table.h"
#include "test.h"

#include <string.h>

static struct texts texts;
static struct table table;
static struct err error;

static int open_columns(enum table_format format, const char *text, const char *columns)
{
	texts_free(&texts);
	error = (struct err){0};
	return table_open(&table, format, "x", text, strlen(text), columns, &texts, &error);
}

static int open(enum table_format format, const char *text) { return open_columns(format, text, NULL); }

/* Whether the next row has exactly these fields, joined by '|'. */
static int row_is(const char *expected)
{
	char found[1000] = "";
	int more;
	if (!CHECK_OK(table_next(&table, &more, &error), &error) || !more)
		return CHECK_STR("no row", expected);
	for (int i = 0; i < table.columns; i++) {
		strcat(found, i ? "|" : "");
		strncat(found, table.field[i].bytes ? table.field[i].bytes : "(none)",
		        table.field[i].bytes ? table.field[i].size : 6);
	}
	return CHECK_STR(found, expected);
}

static void ends(void)
{
	int more = 1;
	CHECK_OK(table_next(&table, &more, &error), &error);
	CHECK_INT(more, 0);
	texts_free(&texts);
}

static const char *fault(void)
{
	int more = 1, code = error.code;
	while (!code && more)
		code = table_next(&table, &more, &error);
	CHECK(code != 0);
	texts_free(&texts);
	return error.text;
}

TEST(tabs_separate_and_quotes_are_text)
{
	REQUIRE_OK(open(TABLE_TSV, "\xef\xbb\xbfid\ttext\n1\t\"a \"b\n2\t\n"), &error);
	CHECK_INT(table_column(&table, "text", &error), 1);
	CHECK_INT(table_column(&table, "tex", &error), -1);
	row_is("1|\"a \"b");
	CHECK_INT(table.line, 2);
	row_is("2|");
	ends();
}

TEST(lines_may_end_in_cr_lf_and_the_last_in_nothing)
{
	REQUIRE_OK(open(TABLE_TSV, "a\tb\r\n1\t2\r\n3\t4"), &error);
	CHECK_INT(table_column(&table, "b", &error), 1);
	row_is("1|2");
	row_is("3|4");
	ends();
}

TEST(names_may_be_given_for_a_file_without_them)
{
	REQUIRE_OK(open_columns(TABLE_TSV, "1\t2\n", "a,b"), &error);
	CHECK_INT(table_column(&table, "b", &error), 1);
	row_is("1|2");
	ends();
}

TEST(a_wrong_number_of_columns_is_located)
{
	open(TABLE_TSV, "a\tb\n1\t2\n3\n");
	CHECK_STR(fault(), "expected 2 columns, found 1 in 'x' line 3");
	open(TABLE_TSV, "a\tb\n1\t2\t3\n");
	CHECK_STR(fault(), "expected 2 columns, found 3 in 'x' line 2");
	open(TABLE_TSV, "a\tb\n1\t2\n\n");
	CHECK_STR(fault(), "expected 2 columns, found 1 in 'x' line 3");
	open(TABLE_CSV, "a,b\n\"1\n2\",3\n4\n");
	CHECK_STR(fault(), "expected 2 columns, found 1 in 'x' line 4");
	open(TABLE_TSV, "");
	CHECK_STR(fault(), "nothing in 'x'");
	open(TABLE_TSV, "a\ta\n");
	CHECK_STR(fault(), "column 'a' is there twice in 'x' line 1");
}

TEST(ragged_files_lose_short_rows_and_say_how_many)
{
	open(TABLE_TSV, "a\tb\n1\n2\t3\n");
	table.ragged = 1;
	row_is("2|3");
	ends();
	CHECK_INT(table.skipped, 1);
	open(TABLE_TSV, "a\tb\n1\t2\t3\n");
	table.ragged = 1;
	CHECK_STR(fault(), "expected 2 columns, found 3 in 'x' line 2");
}

TEST(commas_and_line_ends_may_stand_in_quotes)
{
	REQUIRE_OK(open(TABLE_CSV, "a,b\r\n\"x, \"\"y\"\"\nz\",\"\"\r\nplain,\"\"\"\"\n"), &error);
	row_is("x, \"y\"\nz|");
	CHECK_INT(table.line, 2);
	row_is("plain|\"");
	CHECK_INT(table.line, 4);
	ends();
}

TEST(a_csv_may_end_without_a_line_end)
{
	open(TABLE_CSV, "a,b\n\"1\",\"2\"");
	row_is("1|2");
	ends();
	open(TABLE_CSV, "a,b\n1,");
	row_is("1|");
	ends();
}

TEST(faults_of_quoting_are_located)
{
	open(TABLE_CSV, "a,b\n1,\"2\n3\n");
	CHECK_STR(fault(), "a quoted field does not end in 'x' line 2, column 2");
	open(TABLE_CSV, "a,b\n1,2\"\n");
	CHECK_STR(fault(), "a quote inside a field that is not quoted in 'x' line 2, column 2");
	open(TABLE_CSV, "a,b\n\"1\"2,3\n");
	CHECK_STR(fault(), "text after the closing quote in 'x' line 2, column 1");
}

TEST(json_lines_give_the_columns_asked_for)
{
	open(TABLE_JSONL, "{\"t\": \"a\\tb\", \"n\": 3, \"f\": 0.5, \"b\": true}\n\n  \r\n{\"n\": null, \"t\": \"\"}\n");
	CHECK_INT(table_column(&table, "t", &error), 0);
	CHECK_INT(table_column(&table, "n", &error), 1);
	CHECK_INT(table_column(&table, "f", &error), 2);
	CHECK_INT(table_column(&table, "b", &error), 3);
	CHECK_INT(table_column(&table, "n", &error), 1);
	row_is("a\tb|3|0.5|true");
	row_is("|(none)|(none)|(none)");
	CHECK_INT(table.line, 4);
	ends();
}

TEST(faults_of_json_lines_are_located)
{
	open(TABLE_JSONL, "{}\n{\"a\" 1}\n");
	CHECK_STR(fault(), "not valid JSON near byte 5 of 'x line 2'");
	open(TABLE_JSONL, "[1]\n");
	CHECK_STR(fault(), "expected a JSON object in 'x' line 1");
	open(TABLE_JSONL, "{\"a\": [1]}\n");
	table_column(&table, "a", &error);
	CHECK_STR(fault(), "field 'a' must be a text, a number or a boolean in 'x' line 1");
	open(TABLE_JSONL, "{\"a\": \"x\\u0000y\"}\n");
	CHECK_STR(fault(), "a NUL character in 'x' line 1");
}

TEST(a_backslash_before_u0000_is_no_nul)
{
	open(TABLE_JSONL, "{\"a\": \"\\\\u0000\"}\n");
	table_column(&table, "a", &error);
	row_is("\\u0000");
	ends();
}

TEST(columns_are_bounded)
{
	char wide[TABLE_COLUMNS_MAX + 2];
	memset(wide, ',', sizeof wide);
	wide[TABLE_COLUMNS_MAX] = '\0';
	open(TABLE_CSV, wide);
	CHECK_STR(fault(), "more than 64 columns in 'x' line 1");
	memset(wide, '\t', TABLE_COLUMNS_MAX);
	open(TABLE_TSV, wide);
	CHECK_STR(fault(), "more than 64 columns in 'x' line 1");
}
