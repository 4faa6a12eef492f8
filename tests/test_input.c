/* The commands' input: formats, and faults with file, line and field. */
#include "../engine/base/file.h"
#include "../engine/input.h"
#include "test.h"

#include <string.h>

static struct record r;

/* Writes the text to a file and reads its first record. */
static const char *first(const char *text, size_t size, enum input_format format)
{
	static struct err e;
	struct input in;
	int more = 0;
	e = (struct err){0};
	const char *path = test_path("input");
	if (!file_write_atomic(path, text, size, &e) && !input_open(&in, path, format, &e)) {
		input_next(&in, &r, &more, &e);
		input_close(&in);
	}
	return e.code ? e.text : more ? "" : "end";
}

static const char *first_of(const char *text, enum input_format format) { return first(text, strlen(text), format); }

TEST(a_tab_splits_a_pair)
{
	CHECK_STR(first_of("one\ttwo\tthree\n", INPUT_LINES), "");
	CHECK_STR(r.text.data, "one");
	CHECK_STR(r.pair.data, "two\tthree");
	CHECK_INT(r.has_pair, 1);
	CHECK_STR(first_of("one", INPUT_LINES), "");
	CHECK_INT(r.has_pair, 0);
	CHECK_STR(first_of("\n", INPUT_LINES), "");
	CHECK_INT(r.text.size, 0);
	CHECK_STR(first_of("", INPUT_LINES), "end");
}

TEST(a_line_may_hold_any_byte)
{
	CHECK_STR(first("a\0b\377\n", 5, INPUT_LINES), "");
	CHECK_INT(r.text.size, 4);
	CHECK(memcmp(r.text.data, "a\0b\377", 4) == 0);
}

TEST(jsonl_holds_newlines_tabs_and_lists)
{
	CHECK_STR(first_of("{\"text\": \"a\\n\\tb\", \"scores\": [0.5, -1e3], \"counts\": [3, 2]}\n", INPUT_JSONL), "");
	CHECK_STR(r.text.data, "a\n\tb");
	CHECK_INT(r.scores.count, 2);
	CHECK_NEAR(r.scores.value[1], -1000, 0);
	CHECK_INT(r.counts.count, 2);
	CHECK_INT(r.ids.count, -1);
	CHECK_STR(first_of("{\"text\": \"a\", \"text_pair\": null}", INPUT_JSONL), "");
	CHECK_INT(r.has_pair, 0);
}

TEST(faults_name_file_line_and_field)
{
	CHECK_CONTAINS(first_of("{\"text\": 3}", INPUT_JSONL), "field 'text' of '/");
	CHECK_CONTAINS(first_of("{\"text\": 3}", INPUT_JSONL), "input line 1'");
	CHECK_CONTAINS(first_of("{}", INPUT_JSONL), "no field 'text'");
	CHECK_CONTAINS(first_of("[1]", INPUT_JSONL), "not a JSON object");
	CHECK_CONTAINS(first_of("{\"text\": \"\\u0000\"}", INPUT_JSONL), "NUL");
	CHECK_CONTAINS(first_of("{\"ids\": []}", INPUT_IDS), "no id in it");
	CHECK_CONTAINS(first_of("{\"ids\": [1, 2.5]}", INPUT_IDS), "list of integers: item 1 is not");
	CHECK_CONTAINS(first_of("{\"ids\": [1e99]}", INPUT_IDS), "list of integers");
	CHECK_CONTAINS(first_of("{\"ids\": [1], \"type_ids\": [0, 0]}", INPUT_IDS), "2 'type_ids' for 1 'ids'");
	CHECK_CONTAINS(first_of("{\"ids\": [1], \"scores\": 1}", INPUT_IDS), "field 'scores'");
	record_free(&r);
	memset(&r, 0, sizeof r);
}

TEST(a_missing_file_is_named)
{
	struct input in;
	struct err e = {0};
	CHECK_INT(input_open(&in, "no/such/file", INPUT_LINES, &e), ERR_IO);
	CHECK_CONTAINS(e.text, "'no/such/file'");
	input_close(&in);
	record_free(&r);
	memset(&r, 0, sizeof r);
}
