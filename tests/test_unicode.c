#include "../engine/unicode.h"

#include "test.h"

#include <string.h>

static int is_surrogate(uint32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

TEST(every_code_point_is_written_and_read_back)
{
	int wrong = 0, bad = 0;
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		unsigned char s[UTF8_SIZE];
		uint32_t back;
		int size = utf8_write(s, c);
		if (!is_surrogate(c))
			wrong += utf8_read(&back, s, (size_t)size, &bad) != size || back != c;
	}
	CHECK_INT(wrong, 0);
	CHECK_INT(bad, 0);
}

/* Table 3-8 of the Unicode standard, and the neighbours of its rows. */
TEST(what_is_not_utf8_reads_as_one_replacement_for_each_maximal_part)
{
	static const struct {
		const char *bytes;
		int characters, bad;
	} cases[] = {
		{"\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64", 10, 6},
		{"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", 9, 8},
		{"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", 9, 8},
		{"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", 9, 7},
		{"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 5, 4},
		{"\xF4\x8F\xBF\xBF", 1, 0},
		{"\xF4\x90\x80\x80", 4, 4},
		{"\xE2\x82", 1, 1},
		{"\xF0\x9F\x98", 1, 1},
		{"\xC1\xBF", 2, 2},
		{"\xF5\x80", 2, 2},
		{"", 0, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const unsigned char *s = (const unsigned char *)cases[i].bytes;
		size_t size = strlen(cases[i].bytes);
		int characters = 0;
		for (size_t at = 0; at < size; characters++) {
			uint32_t c;
			int bad = 0;
			at += (size_t)utf8_read(&c, s + at, size - at, &bad);
			CHECK_INT(bad, c == REPLACEMENT);
		}
		CHECK_INT(characters, cases[i].characters);
		CHECK_INT(utf8_count_bad(s, size), cases[i].bad);
	}
}

static void check_parts(const uint32_t *found, int count, const uint32_t *expected, int expected_count)
{
	CHECK_INT(count, expected_count);
	for (int i = 0; i < count && i < expected_count; i++)
		CHECK_INT(found[i], expected[i]);
}

TEST(characters_decompose_in_full)
{
	uint32_t parts[RUNE_PARTS];
	check_parts(parts, rune_decompose(parts, 'a'), (uint32_t[]){'a'}, 1);
	check_parts(parts, rune_decompose(parts, 0xE9), (uint32_t[]){'e', 0x301}, 2);
	check_parts(parts, rune_decompose(parts, 0x1F82), (uint32_t[]){0x3B1, 0x313, 0x300, 0x345}, 4);
	check_parts(parts, rune_decompose(parts, 0x212A), (uint32_t[]){'K'}, 1);
	check_parts(parts, rune_decompose(parts, 0xAC00), (uint32_t[]){0x1100, 0x1161}, 2);
	check_parts(parts, rune_decompose(parts, 0xD7A3), (uint32_t[]){0x1112, 0x1175, 0x11C2}, 3);
	check_parts(parts, rune_decompose(parts, 0xD7A4), (uint32_t[]){0xD7A4}, 1);
}

TEST(lower_case_takes_two_characters_once)
{
	uint32_t parts[RUNE_PARTS];
	check_parts(parts, rune_lower(parts, 'Q'), (uint32_t[]){'q'}, 1);
	check_parts(parts, rune_lower(parts, 'q'), (uint32_t[]){'q'}, 1);
	check_parts(parts, rune_lower(parts, 0x3A3), (uint32_t[]){0x3C3}, 1);
	check_parts(parts, rune_lower(parts, 0x130), (uint32_t[]){'i', 0x307}, 2);
	check_parts(parts, rune_lower(parts, 0x10400), (uint32_t[]){0x10428}, 1);
}

TEST(characters_are_of_the_kind_that_they_are)
{
	CHECK_INT(rune_find(' ')->flags, RUNE_SPACE);
	CHECK_INT(rune_find('\t')->flags, RUNE_SPACE);
	CHECK_INT(rune_find(0x3000)->flags, RUNE_SPACE);
	CHECK_INT(rune_find('\v')->flags, RUNE_SPACE | RUNE_DROP);
	CHECK_INT(rune_find(0)->flags, RUNE_DROP);
	CHECK_INT(rune_find(0x200D)->flags, RUNE_DROP);
	CHECK_INT(rune_find(REPLACEMENT)->flags, RUNE_DROP);
	CHECK_INT(rune_find(0xE000)->flags, RUNE_DROP);
	CHECK_INT(rune_find('$')->flags, RUNE_PUNCT); /* all of ASCII's symbols count as punctuation */
	CHECK_INT(rune_find(0x20AC)->flags, 0);       /* but the euro does not */
	CHECK_INT(rune_find(0x3002)->flags, RUNE_PUNCT);
	CHECK_INT(rune_find(0x4E00)->flags, RUNE_CJK);
	CHECK_INT(rune_find(0x3042)->flags, 0);
	CHECK_INT(rune_find(0x301)->flags, RUNE_MARK);
	CHECK(rune_find(0x323)->rank < rune_find(0x301)->rank);
	CHECK_INT(rune_find('a')->rank, 0);
}
