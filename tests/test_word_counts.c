#include "../engine/word_counts.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static void add(struct word_counts *c, const char *word, int64_t count)
{
	word_counts_add(c, (const unsigned char *)word, (int)strlen(word), count);
}

static int64_t find(const struct word_counts *c, const char *word)
{
	return word_counts_find(c, (const unsigned char *)word, (int)strlen(word));
}

TEST(words_are_counted_by_their_bytes)
{
	struct word_counts c = {0};
	CHECK_INT(find(&c, "a"), 0);
	add(&c, "a", 1);
	add(&c, "ab", 2);
	add(&c, "a", 3);
	add(&c, "\xC3\xA9", (int64_t)1 << 40);
	CHECK_INT(c.n, 3);
	CHECK_INT(find(&c, "a"), 4);
	CHECK_INT(find(&c, "ab"), 2);
	CHECK_INT(find(&c, "b"), 0);
	CHECK_INT(find(&c, "\xC3\xA9"), (int64_t)1 << 40);
	CHECK(!memcmp(word_counts_text(&c, &c.words[1]), "ab", 2) && c.words[1].size == 2);
	CHECK_INT(word_counts_check(&c, NULL), 0);
	word_counts_free(&c);
}

TEST(counts_stay_while_the_table_grows)
{
	struct word_counts c = {0};
	char word[16];
	for (int pass = 1; pass <= 2; pass++)
		for (int i = 0; i < 5000; i++) {
			snprintf(word, sizeof word, "w%d", i);
			add(&c, word, i * pass);
		}
	CHECK_INT(c.n, 5000);
	int wrong = 0;
	for (int i = 0; i < 5000; i++) {
		snprintf(word, sizeof word, "w%d", i);
		wrong += find(&c, word) != 3 * i;
	}
	CHECK_INT(wrong, 0);
	word_counts_free(&c);
}
