#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "test.h"

#include <stdio.h>

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct buf b;

static const char *json_string(const char *bytes, size_t size)
{
	buf_reset(&b);
	buf_add_json_string(&b, bytes, size);
	return b.data;
}

static const char *json_float(float value)
{
	buf_reset(&b);
	buf_add_json_float(&b, value);
	return b.data;
}

static const char *json_double(double value)
{
	buf_reset(&b);
	buf_add_json_double(&b, value);
	return b.data;
}

TEST(what_is_added_stands_in_order)
{
	struct buf x = {0};
	buf_add(&x, "ab", 2);
	buf_add_byte(&x, 'c');
	buf_addf(&x, "%d-%s", 42, "d");
	buf_add_text(&x, "");
	buf_add_json_int(&x, -7);
	CHECK_STR(x.data, "abc42-d-7");
	CHECK_INT((long long)x.size, 9);
	buf_reset(&x);
	CHECK_STR(x.data, "");
	buf_free(&x);
	CHECK(x.data == NULL);
}

TEST(integers_are_written_whatever_their_size)
{
	static const long long values[] = {0, 9, 10, -1, 64, 12345678901234, 9223372036854775807, -9223372036854775807 - 1};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct buf x = {0};
		char expected[30];
		snprintf(expected, sizeof expected, "%lld", values[i]);
		buf_add_json_int(&x, values[i]);
		CHECK_STR(x.data, expected);
		buf_free(&x);
	}
}

TEST(it_grows_past_any_first_size)
{
	struct buf x = {0};
	for (int i = 0; i < 10000; i++)
		buf_addf(&x, "%d,", i % 10);
	CHECK_INT((long long)x.size, 20000);
	CHECK_INT((long long)strlen(x.data), 20000);
	buf_free(&x);
}

TEST(lack_of_memory_is_remembered_until_it_is_asked_for)
{
	struct buf x = {0};
	buf_add_text(&x, "kept");
	CHECK(buf_reserve(&x, SIZE_MAX) == NULL);
	CHECK(buf_reserve(&x, SIZE_MAX - 5) == NULL);
	buf_add_text(&x, "ignored");
	struct err e = {0};
	CHECK_INT(buf_check(&x, &e), ERR_MEMORY);
	CHECK_STR(x.data, "kept");
	buf_free(&x);
}

TEST(json_strings_are_escaped)
{
	CHECK_STR(json_string("a\"b\\c\n\t\r\b\f\x01\x7f/", 13), "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\x7f/\"");
	CHECK_STR(json_string("a\0b", 3), "\"a\\u0000b\"");
	CHECK_STR(json_string("", 0), "\"\"");
	CHECK_STR(json_string("h\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x98\x80", 12),
	          "\"h\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x98\x80\"");
}

#define REPLACEMENT "\xef\xbf\xbd"

/* Table 3-7 of the Unicode standard: overlong forms, surrogates, values past U+10FFFF and cut-off sequences. */
TEST(bytes_that_are_not_utf8_become_replacement_characters)
{
	CHECK_STR(json_string("\xc0\xaf", 2), "\"" REPLACEMENT REPLACEMENT "\"");
	CHECK_STR(json_string("\xe0\x80\xaf", 3), "\"" REPLACEMENT REPLACEMENT REPLACEMENT "\"");
	CHECK_STR(json_string("\xed\xa0\x80", 3), "\"" REPLACEMENT REPLACEMENT REPLACEMENT "\"");
	CHECK_STR(json_string("\xf4\x90\x80\x80", 4), "\"" REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT "\"");
	CHECK_STR(json_string("\xe4\xbd", 2), "\"" REPLACEMENT REPLACEMENT "\"");
	CHECK_STR(json_string("\xc3z", 2), "\"" REPLACEMENT "z\"");
	CHECK_STR(json_string("\xf4\x8f\xbf\xbf", 4), "\"\xf4\x8f\xbf\xbf\"");
}

TEST(numbers_are_short_and_read_back_equal)
{
	CHECK_STR(json_float(0.1f), "0.1");
	CHECK_STR(json_float(1), "1");
	CHECK_STR(json_float(-0.0f), "-0");
	CHECK_STR(json_float(0x1p24f), "16777216");
	CHECK_STR(json_float(1.0f / 3), "0.33333334");
	CHECK_STR(json_double(0.1), "0.1");
	CHECK_STR(json_double(0.1 + 0.2), "0.30000000000000004");
	CHECK_STR(json_double(5e-324), "4.94065645841247e-324");
	for (uint32_t bits = 1; bits < 0x7f800000; bits += 1234577) {
		float f;
		memcpy(&f, &bits, sizeof f);
		if (strtof(json_float(f), NULL) != f)
			test_fail(__FILE__, __LINE__, "%a does not come back from %s", (double)f, b.data);
	}
}

TEST(what_is_no_number_is_null)
{
	CHECK_STR(json_float(NAN), "null");
	CHECK_STR(json_double(-INFINITY), "null");
}

TEST(the_memory_goes_in_the_end)
{
	buf_free(&b);
}
