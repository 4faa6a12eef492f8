#include "../eraser/json_pull.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_pull reader;
static struct err error;

static void begin(const char *text)
{
	error = (struct err){0};
	json_pull_begin(&reader, text, strlen(text), "f.jsonl", 3, &error);
}

static double number(const char *text)
{
	double value = NAN;
	begin(text);
	return json_pull_number(&reader, &value) && json_pull_end(&reader) ? value : NAN;
}

static const char *refusal(const char *text)
{
	begin(text);
	json_pull_skip(&reader);
	json_pull_end(&reader);
	CHECK(reader.code == ERR_FORMAT);
	return error.text;
}

static const char *text_of(const char *json)
{
	const char *text = "";
	size_t size;
	begin(json);
	CHECK(json_pull_text(&reader, &text, &size) && json_pull_end(&reader));
	CHECK_INT((long long)size, (long long)strlen(text));
	return text;
}

TEST(members_and_items_come_in_turn_and_know_their_place)
{
	const char *key, *text;
	size_t size;
	int n = 0;
	double value;
	begin(" {\"a\": [1, {\"b\" : 2.5}], \"c\": null, \"d\": \"x\"} ");
	REQUIRE(json_pull_object(&reader));
	REQUIRE(json_pull_key(&reader, &key));
	CHECK_STR(key, "a");
	REQUIRE(json_pull_array(&reader));
	REQUIRE(json_pull_item(&reader) && json_pull_integer(&reader, &n));
	CHECK_INT(n, 1);
	CHECK_STR(reader.field, "a[0]");
	REQUIRE(json_pull_item(&reader) && json_pull_object(&reader) && json_pull_key(&reader, &key));
	CHECK_STR(reader.field, "a[1].b");
	REQUIRE(json_pull_number(&reader, &value));
	CHECK_NEAR(value, 2.5, 0);
	CHECK(!json_pull_key(&reader, &key) && !json_pull_item(&reader));
	REQUIRE(json_pull_key(&reader, &key) && json_pull_null(&reader));
	REQUIRE(json_pull_key(&reader, &key) && !json_pull_null(&reader) && json_pull_text(&reader, &text, &size));
	CHECK_STR(text, "x");
	CHECK(!json_pull_key(&reader, &key) && json_pull_end(&reader) && !reader.code);
}

TEST(numbers_are_those_of_the_c_library)
{
	static const char *const texts[] = {"0",
	                                    "-0",
	                                    "1",
	                                    "0.1",
	                                    "-0.5",
	                                    "1e5",
	                                    "1E-5",
	                                    "123456789012345678",
	                                    "9007199254740993",
	                                    "0.30000000000000004",
	                                    "1.7976931348623157e308",
	                                    "4.9e-324",
	                                    "1e-400",
	                                    "2.2250738585072011e-308",
	                                    "0.000000000000000000000000000000000001",
	                                    "1e22",
	                                    "1e23",
	                                    "12345678901234567890123456789",
	                                    "9007199254740992.5",
	                                    "0.50000000000000011102230246251565"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		CHECK_NEAR(number(texts[i]), strtod(texts[i], NULL), 0);
	/* Halves between two doubles, and their neighbours: where rounding twice goes wrong. */
	unsigned long long state = 1;
	for (int i = 0; i < 200000; i++) {
		char text[64];
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		const double x = (double)(state >> 11) * 0x1p-53;
		snprintf(text, sizeof text, i % 3 == 0 ? "%.17g" : i % 3 == 1 ? "%.18g" : "%.16g", x);
		if (number(text) != strtod(text, NULL))
			test_fail(__FILE__, __LINE__, "%s is read as %.20g", text, number(text));
	}
}

TEST(texts_are_unescaped)
{
	CHECK_STR(text_of("\"a\\n\\\"\\\\\\/\\t\""), "a\n\"\\/\t");
	CHECK_STR(text_of("\"\\u00e9\\u20ac\\ud83d\\ude00\""), "é€😀");
	CHECK_STR(text_of("\"\\ud83d\""), "\xEF\xBF\xBD"); /* half a pair */
	CHECK_STR(text_of("\"\\ud83dx\\ud83d\\u0041\""), "\xEF\xBF\xBDx\xEF\xBF\xBD"
	                                                 "A");
}

TEST(what_is_not_json_is_refused_with_file_line_and_field)
{
	CHECK_STR(refusal("{\"a\": [1, 2"), "f.jsonl:3:a: expected ',' or ']', found the end of the line");
	CHECK_STR(refusal("{\"a\": [1, NaN]}"), "f.jsonl:3:a[1]: NaN or Infinity, which JSON does not have");
	CHECK_CONTAINS(refusal("-Infinity"), "NaN or Infinity");
	CHECK_CONTAINS(refusal("[1,]"), "expected a number");
	CHECK_CONTAINS(refusal("[01]"), "broken number");
	CHECK_CONTAINS(refusal("[1.]"), "broken number");
	CHECK_CONTAINS(refusal("[-]"), "broken number");
	CHECK_CONTAINS(refusal("[1e999]"), "out of range");
	CHECK_CONTAINS(refusal("[.5]"), "expected a number");
	CHECK_CONTAINS(refusal("{\"a\" 1}"), "expected ':'");
	CHECK_CONTAINS(refusal("{a: 1}"), "expected a text");
	CHECK_CONTAINS(refusal("\"a"), "without an end");
	CHECK_CONTAINS(refusal("\"\\x\""), "unknown escape");
	CHECK_CONTAINS(refusal("\"\\u12g4\""), "broken \\u escape");
	CHECK_CONTAINS(refusal("\"\\u0000\""), "a NUL in a text");
	CHECK_CONTAINS(refusal("\"\x01\""), "control character");
	CHECK_CONTAINS(refusal("\"\xFF\""), "not UTF-8");
	CHECK_CONTAINS(refusal("1 2"), "text after the JSON");
	CHECK_CONTAINS(refusal("tru"), "expected a value");
	CHECK_CONTAINS(refusal(""), "found the end of the line");
	CHECK_CONTAINS(refusal("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), "nested too deeply");
	reader.allow_nan = 1;
	CHECK(isnan(number("NaN")) && !reader.code);
	CHECK_NEAR(number("-Infinity"), -INFINITY, 0);
	reader.allow_nan = 0;
}

TEST(the_first_error_stays)
{
	const char *key;
	int n;
	begin("{\"a\": \"x\", \"b\": 1}");
	REQUIRE(json_pull_object(&reader) && json_pull_key(&reader, &key));
	CHECK(!json_pull_integer(&reader, &n));
	CHECK(!json_pull_key(&reader, &key) && !json_pull_null(&reader) && !json_pull_end(&reader));
	CHECK_STR(error.text, "f.jsonl:3:a: expected a number");
	json_pull_free(&reader);
}
