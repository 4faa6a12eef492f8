#include "../engine/base/rows.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>

static void print_two(struct rows *r)
{
	struct err *e = NULL;
	rows_header(r, "a");
	rows_header(r, "b,c");
	rows_end(r, e);
	rows_nothing(r, "a");
	rows_text(r, "b,c", "x\t\"y\"\nz");
	rows_end(r, e);
	rows_double(r, "a", NAN);
	rows_double(r, "b,c", -INFINITY);
	rows_end(r, e);
	rows_int(r, "a", -7);
	rows_object(r, "b,c", "{\n}");
	rows_end(r, e);
}

static void printed(enum rows_format format, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct rows r = {.out = f, .format = format};
	print_two(&r);
	fclose(f);
	rows_free(&r);
	CHECK_STR(text, expected);
	free(text);
}

TEST(tsv_has_no_quotes_and_one_line_a_row)
{
	printed(ROWS_TSV, "a\tb,c\n\tx \"y\" z\nNaN\t-inf\n-7\t{ }\n");
}

TEST(csv_quotes_what_it_must)
{
	printed(ROWS_CSV, "a,\"b,c\"\n,\"x\t\"\"y\"\"\nz\"\nNaN,-inf\n-7,\"{\n}\"\n");
}

TEST(json_is_an_object_a_line_without_what_does_not_exist)
{
	printed(ROWS_JSON, "{\"b,c\":\"x\\t\\\"y\\\"\\nz\"}\n{\"a\":null,\"b,c\":null}\n{\"a\":-7,\"b,c\":{ }}\n");
}
