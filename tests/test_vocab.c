#include "../engine/vocab.h"

#include "../engine/base/err.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const few[] = {"a", "ab", "##b", "##bcd", "abcdefghijklmnop", "##", "\xC3\xA9", "abcdefghijklmnopq"};
enum { FEW = sizeof few / sizeof few[0] };

static uint64_t key(const char *word, size_t from)
{
	uint64_t k = 0;
	for (size_t i = from; i < strlen(word) && i < from + 8; i++)
		k |= (uint64_t)(unsigned char)word[i] << 8 * (i - from);
	return k;
}

TEST(every_piece_is_found_by_its_spelling)
{
	struct vocab v;
	REQUIRE_OK(vocab_open(&v, few, FEW, FEW, "few", NULL), NULL);
	for (int id = 0; id < FEW; id++) {
		CHECK_INT(vocab_find(&v, few[id]), id);
		CHECK_STR(vocab_piece(&v, id), few[id]);
	}
	CHECK_INT(vocab_find(&v, "b"), VOCAB_NONE);
	CHECK_INT(vocab_find(&v, "abc"), VOCAB_NONE);
	CHECK_INT(vocab_find(&v, ""), VOCAB_NONE);
	CHECK(vocab_piece(&v, FEW) == NULL);
	CHECK(vocab_piece(&v, -1) == NULL);
	vocab_close(&v);
}

TEST(whole_words_of_up_to_sixteen_bytes_are_found_at_once)
{
	struct vocab v;
	REQUIRE_OK(vocab_open(&v, few, FEW, FEW, "few", NULL), NULL);
	CHECK_INT(vocab_find_word(&v, key("ab", 0), 0), 1);
	CHECK_INT(vocab_find_word(&v, key(few[4], 0), key(few[4], 8)), 4);
	CHECK_INT(vocab_find_word(&v, key(few[4], 0), 0), VOCAB_NONE);
	CHECK_INT(vocab_find_word(&v, key("##b", 0), 0), VOCAB_NONE); /* continues a word, so it is none */
	CHECK_INT(vocab_find_word(&v, 0, 0), VOCAB_NONE);
	vocab_close(&v);
}

TEST(the_longest_piece_wins_and_the_two_roots_do_not_mix)
{
	struct vocab v;
	int length = 0;
	REQUIRE_OK(vocab_open(&v, few, FEW, FEW, "few", NULL), NULL);
	CHECK_INT(vocab_longest(&v, TRIE_FIRST, (const unsigned char *)"abc", 3, &length), 1);
	CHECK_INT(length, 2);
	CHECK_INT(vocab_longest(&v, TRIE_MORE, (const unsigned char *)"bcdx", 4, &length), 3);
	CHECK_INT(length, 3);
	CHECK_INT(vocab_longest(&v, TRIE_MORE, (const unsigned char *)"bcx", 3, &length), 2);
	CHECK_INT(length, 1);
	CHECK_INT(vocab_longest(&v, TRIE_MORE, (const unsigned char *)"a", 1, &length), VOCAB_NONE);
	vocab_close(&v);
}

TEST(pieces_beyond_the_indexed_have_a_name_only)
{
	struct vocab v;
	REQUIRE_OK(vocab_open(&v, few, FEW, 1, "few", NULL), NULL);
	CHECK_INT(vocab_find(&v, "ab"), VOCAB_NONE);
	CHECK_STR(vocab_piece(&v, 1), "ab");
	vocab_close(&v);
}

TEST(a_large_vocabulary_grows_its_tables)
{
	enum { MANY = 50000 };
	char(*text)[16] = calloc(MANY, sizeof *text);
	const char **pieces = calloc(MANY, sizeof *pieces);
	for (int i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof text[i], i % 3 ? "%d" : "##%d", i * 7919);
		pieces[i] = text[i];
	}
	struct vocab v;
	REQUIRE_OK(vocab_open(&v, pieces, MANY, MANY, "many", NULL), NULL);
	int wrong = 0;
	for (int i = 0; i < MANY; i++)
		wrong += vocab_find(&v, pieces[i]) != i;
	CHECK_INT(wrong, 0);
	vocab_close(&v);
	free(text);
	free(pieces);
}

static void refused(const char *const *pieces, int size, const char *part)
{
	struct vocab v;
	struct err e = {0};
	CHECK(vocab_open(&v, pieces, size, size, "few", &e) != 0);
	CHECK_CONTAINS(e.text, part);
	CHECK(v.text == NULL);
}

TEST(pieces_that_cannot_be_are_refused)
{
	refused((const char *const[]){"a", "b", "a"}, 3, "piece 'a' of 'few' has two ids, 0 and 2");
	refused((const char *const[]){"##a", "##a"}, 2, "piece '##a' of 'few' has two ids, 0 and 1");
	refused((const char *const[]){"a", ""}, 2, "empty piece at id 1 of 'few'");
	refused((const char *const[]){"a", "\xC3"}, 2, "the piece of id 1 of 'few' is not UTF-8");
}
