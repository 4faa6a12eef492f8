#include "../eval/corpus.h"
#include "data_files.h"

static char *cleaned(const char *task, const char *text)
{
	static struct buf b;
	buf_reset(&b);
	corpus_clean(&b, task, text, strlen(text));
	return b.data;
}

TEST(a_document_becomes_one_line)
{
	CHECK_STR(cleaned("imdb", "  One<br /><br />two\n\nthree\tfour \r\n"), "One two three four");
	CHECK_STR(cleaned("sst2", "a \\ b &lt;c&gt;"), "a \\ b &lt;c&gt;");
	CHECK_STR(cleaned("sst2", " \n"), "");
	CHECK_STR(cleaned("sst2", ""), "");
}

TEST(ags_news_loses_the_remains_of_html)
{
	CHECK_STR(
		cleaned("agnews", "Messier #39;s  quot;team\\of quot; &lt;A HREF=\"x\"&gt;GOOG.O&lt;/A&gt; AT amp;T #36;5"),
		"Messier's \"team of\" GOOG.O AT&T$5");
	CHECK_STR(cleaned("agnews", "1 &lt; 2"), "1 < 2");
}

struct fixture {
	struct corpus corpus;
	struct corpus_count count;
};

static enum corpus_fate offer(struct fixture *f, const char *text)
{
	struct err e = {0};
	enum corpus_fate fate = CORPUS_FATES;
	CHECK_OK(corpus_offer(&f->corpus, "sst2", text, strlen(text), &f->count, &fate, &e), &e);
	return fate;
}

static void hold_out(struct fixture *f, const char *rows)
{
	struct dataset d;
	struct err e = {0};
	put("h/dev.tsv", rows);
	REQUIRE(must_open(&d, "rte", "h", SPLIT_DEV));
	CHECK_OK(corpus_hold_out(&f->corpus, &d, &e), &e);
	dataset_close(&d);
}

#define HEADER "index\tsentence1\tsentence2\tlabel\n"

TEST(texts_held_out_are_known_whatever_their_spelling)
{
	struct fixture f = {0};
	hold_out(&f, HEADER "0\tIt's fine.\tAll of it\tentailment\n");
	CHECK_INT(offer(&f, "it 's FINE"), CORPUS_HELD_OUT);
	CHECK_INT(offer(&f, "All of it!"), CORPUS_HELD_OUT);
	CHECK_INT(offer(&f, "all of it is fine"), CORPUS_KEPT);
	CHECK_INT(offer(&f, "All of it is fine."), CORPUS_DUPLICATE);
	CHECK_INT(offer(&f, "?!"), CORPUS_EMPTY);
	CHECK_INT(f.count.texts[CORPUS_HELD_OUT], 2);
	CHECK_INT(f.count.texts[CORPUS_KEPT], 1);
	CHECK_INT(f.count.words, 5);
	corpus_close(&f.corpus);
}

TEST(thirteen_words_in_common_are_too_many_and_twelve_are_not)
{
	struct fixture f = {0};
	hold_out(&f, HEADER "0\tx a b c d e f g h i j k l m y\tshort\tentailment\n");
	CHECK_INT(offer(&f, "before a b c d e f g h i j k l after"), CORPUS_KEPT);
	CHECK_INT(offer(&f, "before A b, c d e f g h i j k l m after"), CORPUS_PASSAGE);
	CHECK_INT(offer(&f, "x a b c d e f g h i j k l"), CORPUS_PASSAGE);
	CHECK_INT(offer(&f, "a short one"), CORPUS_KEPT);
	corpus_close(&f.corpus);
}

/* Two texts that are one to the letter, "a b c ..." and "ab c ...", have passages of their own. */
TEST(texts_of_the_same_letters_hold_out_their_own_passages)
{
	struct fixture f = {0};
	hold_out(&f, HEADER "0\ta b c d e f g h i j k l m n\tab c d e f g h i j k l m n\tentailment\n");
	CHECK_INT(offer(&f, "before a b c d e f g h i j k l m after"), CORPUS_PASSAGE);
	CHECK_INT(offer(&f, "before ab c d e f g h i j k l m n after"), CORPUS_PASSAGE);
	corpus_close(&f.corpus);
}

TEST(a_text_of_eight_words_may_not_be_quoted_whole)
{
	struct fixture f = {0};
	hold_out(&f, HEADER "0\ta b c d e f g h\tp q r s t u v\tentailment\n");
	CHECK_INT(offer(&f, "he said: a b c d e f g h."), CORPUS_PASSAGE);
	CHECK_INT(offer(&f, "he said: a b c d e f g"), CORPUS_KEPT);
	CHECK_INT(offer(&f, "seven words are too common: p q r s t u v"), CORPUS_KEPT);
	corpus_close(&f.corpus);
}
