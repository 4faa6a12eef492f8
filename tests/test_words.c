#include "../engine/base/err.h"
#include "../eval/words.h"
#include "test.h"

#include <string.h>

static struct words a, b;

static void take(struct words *w, const char *text)
{
	struct err e = {0};
	CHECK_OK(words_of(w, text, strlen(text), &e), &e);
}

static void done(void)
{
	words_free(&a);
	words_free(&b);
}

TEST(words_are_runs_of_letters_and_digits_without_case)
{
	take(&a, "  The 2nd, THE second!");
	REQUIRE(a.count == 4);
	CHECK(a.hash[0] == a.hash[2] && a.hash[1] != a.hash[3]);
	take(&b, "the");
	CHECK(b.count == 1 && b.hash[0] == a.hash[0]);
	take(&b, "?! --");
	CHECK_INT(b.count, 0);
	take(&b, "");
	CHECK_INT(b.count, 0);
	done();
}

TEST(letters_are_compared_whatever_separates_them)
{
	take(&a, "It's a charming journey.");
	take(&b, "it 's a charming journey .");
	CHECK(a.letters == b.letters);
	take(&b, "it 's a charming journeys .");
	CHECK(a.letters != b.letters);
	done();
}

TEST(curly_quotes_and_dashes_separate_but_accents_do_not)
{
	take(&a, "\xe2\x80\x9c"
	         "caf\xc3\xa9\xe2\x80\x9d\xe2\x80\x94x");
	take(&b, "caf\xc3\xa9 x");
	REQUIRE(a.count == 2 && b.count == 2);
	CHECK(a.hash[0] == b.hash[0] && a.hash[1] == b.hash[1] && a.letters == b.letters);
	take(&b, "cafe x");
	CHECK(a.hash[0] != b.hash[0]);
	done();
}

TEST(many_words_are_kept)
{
	char text[4001];
	for (int i = 0; i < 4000; i += 2)
		memcpy(text + i, "w ", 2);
	text[4000] = '\0';
	take(&a, text);
	CHECK_INT(a.count, 2000);
	done();
}

TEST(emoji_and_symbols_are_no_letters)
{
	take(&a, "so \xe2\x9d\xa4\xef\xb8\x8f bad\xf0\x9f\x92\x80\xf0\x9f\x92\x80 \xe3\x80\x90x\xe3\x80\x91 \xc2\xa7");
	take(&b, "so bad x");
	CHECK(a.count == 3 && a.letters == b.letters);
	done();
}
