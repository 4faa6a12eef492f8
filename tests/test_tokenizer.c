#include "../engine/tokenizer.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/json.h"
#include "../engine/base/pool.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every expectation on the vocabulary below is worked out by hand. */
static const char pieces[] =
	"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
	"un\n##aff\n##able\n##ab\n##le\ncafe\n,\n.\n'\na\nb\nc\n##b\n##c\nab\n##cd\ni\n##\xCC\x87\n"
	"\xE6\x97\xA5\n\xE6\x9C\xAC\n##\xE6\x97\xA5\n##\xE6\x9C\xAC\nx\n##x\nCafe\n[\n]\nsep\n"
	"##\xF0\x9D\x85\xA5\n\xE3\x80\x82\n\xC3\xA9\nabcabcabcabcabcab\n";

static struct tokenizer *open_with(const char *vocab, const char *config)
{
	struct err e = {0};
	struct tokenizer *t = NULL;
	file_make_directories(test_path("model"), &e);
	file_write_atomic(test_path("model/vocab.txt"), vocab, strlen(vocab), &e);
	file_write_atomic(test_path("model/tokenizer_config.json"), config, strlen(config), &e);
	CHECK_OK(tokenizer_open(&t, test_path("model"), &e), &e);
	return t;
}

static struct tokenizer *open_small(void) { return open_with(pieces, "{}"); }

/* "piece@begin-end#word", one after the other; specials are bare. Borrowed until the next call. */
static const char *show(const struct tokenizer *t, const struct encoding *x)
{
	static struct buf b;
	buf_reset(&b);
	for (int i = 0; i < x->n; i++) {
		buf_addf(&b, "%s%s", i ? " " : "", tokenizer_piece(t, x->ids[i]));
		if (x->word_ids[i] >= 0)
			buf_addf(&b, "@%d-%d#%d", x->offsets[i][0], x->offsets[i][1], x->word_ids[i]);
	}
	return b.data;
}

static struct encoding encoding;

static const char *encode_bytes(const struct tokenizer *t, const char *text, size_t size)
{
	struct err e = {0};
	CHECK_OK(tokenizer_encode(t, text, size, NULL, 0, 0, &encoding, &e), &e);
	return show(t, &encoding);
}

static const char *encode(const struct tokenizer *t, const char *text) { return encode_bytes(t, text, strlen(text)); }

TEST(words_are_cut_longest_match_first)
{
	struct tokenizer *t = open_small();
	CHECK_STR(encode(t, "unaffable"), "[CLS] un@0-2#0 ##aff@2-5#0 ##able@5-9#0 [SEP]");
	CHECK_STR(encode(t, "un able xq"), "[CLS] un@0-2#0 ab@3-5#1 ##le@5-7#1 [UNK]@8-10#2 [SEP]");
	CHECK_STR(encode(t, "abcb"), "[CLS] ab@0-2#0 ##c@2-3#0 ##b@3-4#0 [SEP]");
	/* "ab ##c" would leave "d"; longest first takes "##cd". */
	CHECK_STR(encode(t, "abcd"), "[CLS] ab@0-2#0 ##cd@2-4#0 [SEP]");
	CHECK_STR(encode(t, "abcdd"), "[CLS] [UNK]@0-5#0 [SEP]");
	CHECK_STR(encode(t, ""), "[CLS] [SEP]");
	CHECK_STR(encode(t, " \t\r\n "), "[CLS] [SEP]");
	tokenizer_close(t);
}

TEST(words_longer_than_the_tables_key_are_found_too)
{
	struct tokenizer *t = open_small();
	CHECK_STR(encode(t, "abcabcabcabcabcab"), "[CLS] abcabcabcabcabcab@0-17#0 [SEP]");
	CHECK_STR(encode(t, "abcabcabcabcabcabb"), "[CLS] abcabcabcabcabcab@0-17#0 ##b@17-18#0 [SEP]");
	tokenizer_close(t);
}

TEST(punctuation_stands_alone)
{
	struct tokenizer *t = open_small();
	CHECK_STR(encode(t, "a,b..c"), "[CLS] a@0-1#0 ,@1-2#1 b@2-3#2 .@3-4#3 .@4-5#4 c@5-6#5 [SEP]");
	CHECK_STR(encode(t, "a\xE3\x80\x82"
	                    "b!"),
	          "[CLS] a@0-1#0 \xE3\x80\x82@1-4#1 b@4-5#2 [UNK]@5-6#3 [SEP]");
	tokenizer_close(t);
}

TEST(case_and_accents_go_and_places_stay)
{
	struct tokenizer *t = open_small();
	CHECK_STR(encode(t, "CAFE"), "[CLS] cafe@0-4#0 [SEP]");
	CHECK_STR(encode(t, "CAF\xC3\x89"), "[CLS] cafe@0-5#0 [SEP]");
	/* The combining accent belongs to no piece. */
	CHECK_STR(encode(t, "cafe\xCC\x81 a"), "[CLS] cafe@0-4#0 a@7-8#1 [SEP]");
	CHECK_STR(encode(t, "a\xCC\x81x"), "[CLS] a@0-1#0 ##x@3-4#0 [SEP]");
	/* I with a dot is I and a mark, so i. */
	CHECK_STR(encode(t, "\xC4\xB0x"), "[CLS] i@0-2#0 ##x@2-3#0 [SEP]");
	tokenizer_close(t);
}

TEST(case_is_kept_where_the_config_says_so)
{
	struct tokenizer *t = open_with(pieces, "{\"do_lower_case\": false}");
	CHECK_STR(encode(t, "Cafe CAFE cafe"), "[CLS] Cafe@0-4#0 [UNK]@5-9#1 cafe@10-14#2 [SEP]");
	CHECK_STR(encode(t, "\xC3\xA9"), "[CLS] \xC3\xA9@0-2#0 [SEP]"); /* accents follow the case */
	tokenizer_close(t);
	t = open_with(pieces, "{\"do_lower_case\": false, \"strip_accents\": true}");
	CHECK_STR(encode(t, "Caf\xC3\xA9"), "[CLS] Cafe@0-5#0 [SEP]");
	tokenizer_close(t);
	t = open_with(pieces, "{\"do_lower_case\": true, \"strip_accents\": false}");
	CHECK_STR(encode(t, "\xC3\x89"), "[CLS] \xC3\xA9@0-2#0 [SEP]");
	/* Now the lower case of I with a dot is two characters on the one place. */
	CHECK_STR(encode(t, "\xC4\xB0x"), "[CLS] i@0-2#0 ##\xCC\x87@0-2#0 ##x@2-3#0 [SEP]");
	tokenizer_close(t);
}

TEST(chinese_characters_are_words)
{
	struct tokenizer *t = open_small();
	CHECK_STR(encode(t, "a\xE6\x97\xA5\xE6\x9C\xACx"),
	          "[CLS] a@0-1#0 \xE6\x97\xA5@1-4#1 \xE6\x9C\xAC@4-7#2 x@7-8#3 [SEP]");
	tokenizer_close(t);
	t = open_with(pieces, "{\"tokenize_chinese_chars\": false}");
	CHECK_STR(encode(t, "a\xE6\x97\xA5\xE6\x9C\xACx"),
	          "[CLS] a@0-1#0 ##\xE6\x97\xA5@1-4#0 ##\xE6\x9C\xAC@4-7#0 ##x@7-8#0 [SEP]");
	tokenizer_close(t);
}

TEST(controls_vanish_and_odd_spaces_split)
{
	struct tokenizer *t = open_small();
	CHECK_STR(encode(t, "a\xE2\x80\x8B"
	                    "b"),
	          "[CLS] ab@0-5#0 [SEP]"); /* zero width space: a control */
	CHECK_STR(encode(t, "a\x0B"
	                    "b"),
	          "[CLS] ab@0-3#0 [SEP]"); /* vertical tab: a control */
	CHECK_STR(encode(t, "a\xC2\xA0"
	                    "b"),
	          "[CLS] a@0-1#0 b@3-4#1 [SEP]");
	CHECK_STR(encode(t, "a\xE3\x80\x80"
	                    "b"),
	          "[CLS] a@0-1#0 b@4-5#1 [SEP]");
	CHECK_STR(encode_bytes(t, "a\0b", 3), "[CLS] ab@0-3#0 [SEP]");
	CHECK_STR(encode_bytes(t, "\0", 1), "[CLS] [SEP]");
	CHECK_STR(encode(t, "\xE2\x80\x8B"
	                    "a\xE2\x80\x8B"),
	          "[CLS] a@3-4#0 [SEP]");
	tokenizer_close(t);
}

TEST(a_word_of_more_than_a_hundred_characters_is_unknown)
{
	struct tokenizer *t = open_small();
	char word[512];
	memset(word, 'b', sizeof word);
	word[100] = '\0';
	encode(t, word);
	CHECK_INT(encoding.n, 102);
	word[100] = 'b';
	word[101] = '\0';
	CHECK_STR(encode(t, word), "[CLS] [UNK]@0-101#0 [SEP]");
	/* Characters count, not bytes: a hundred of two bytes each are not too many. */
	memset(word, 0, sizeof word);
	for (int i = 0; i < 101; i++)
		memcpy(word + 2 * i, "\xC3\xA9", 2);
	CHECK_STR(encode(t, word), "[CLS] [UNK]@0-202#0 [SEP]");
	tokenizer_close(t);
}

TEST(specials_in_the_text_are_found_before_anything_else)
{
	struct tokenizer *t = open_small();
	CHECK_STR(encode(t, "a[SEP]b"), "[CLS] a@0-1#0 [SEP]@1-6#1 b@6-7#2 [SEP]");
	CHECK_STR(encode(t, "[MASK][MASK] a"), "[CLS] [MASK]@0-6#0 [MASK]@6-12#1 a@13-14#2 [SEP]");
	CHECK_STR(encode(t, "[sep]"), "[CLS] [@0-1#0 sep@1-4#1 ]@4-5#2 [SEP]");
	CHECK_STR(encode(t, "[[UNK]]"), "[CLS] [@0-1#0 [UNK]@1-6#1 ]@6-7#2 [SEP]");
	CHECK_STR(encode(t, "[SEP"), "[CLS] [@0-1#0 sep@1-4#1 [SEP]");
	/* Nothing is cleaned across them: the mark has no letter before it. */
	CHECK_STR(encode(t, "a[CLS]\xCC\x81"
	                    "b"),
	          "[CLS] a@0-1#0 [CLS]@1-6#1 b@8-9#2 [SEP]");
	tokenizer_close(t);
}

/* U+1D165 is a spacing mark of class 216, so it stays and is sorted before the acute (230), whose place it takes. */
TEST(a_mark_that_stays_takes_the_place_that_sorting_gives_it)
{
	struct tokenizer *t = open_small();
	CHECK_STR(encode(t, "a\xCC\x81\xF0\x9D\x85\xA5"
	                    "b"),
	          "[CLS] a@0-1#0 ##\xF0\x9D\x85\xA5@1-3#0 ##b@7-8#0 [SEP]");
	CHECK_STR(encode(t, "a\xF0\x9D\x85\xA5\xCC\x81"
	                    "b"),
	          "[CLS] a@0-1#0 ##\xF0\x9D\x85\xA5@1-5#0 ##b@7-8#0 [SEP]");
	/* A control within the row does not end it. */
	CHECK_STR(encode(t, "a\xCC\x81\xE2\x80\x8D\xF0\x9D\x85\xA5"
	                    "b"),
	          "[CLS] a@0-1#0 ##\xF0\x9D\x85\xA5@1-3#0 ##b@10-11#0 [SEP]");
	/* The accent of a composed letter belongs to the row, but not to its places. */
	CHECK_STR(encode(t, "\xC3\xA1\xF0\x9D\x85\xA5"
	                    "b"),
	          "[CLS] a@0-2#0 ##\xF0\x9D\x85\xA5@2-6#0 ##b@6-7#0 [SEP]");
	tokenizer_close(t);
}

TEST(bytes_that_are_not_utf8_are_dropped_and_counted)
{
	struct tokenizer *t = open_small();
	CHECK_STR(encode(t, "a\xFF"
	                    "b"),
	          "[CLS] ab@0-3#0 [SEP]");
	CHECK_INT(encoding.replaced, 1);
	CHECK_STR(encode(t, "a\xE6\x97"
	                    "b \xC3"),
	          "[CLS] ab@0-4#0 [SEP]");
	CHECK_INT(encoding.replaced, 2);
	CHECK_STR(encode(t, "a\xCC\x81\xFF\xCC\x81"
	                    "b"),
	          "[CLS] ab@0-7#0 [SEP]");
	CHECK_INT(encoding.replaced, 1);
	encode(t, "a \xEF\xBF\xBD b");
	CHECK_INT(encoding.replaced, 0);
	tokenizer_close(t);
}

/* ---- words by themselves ---- */

struct word_list {
	struct buf b;
	long count;
};

static void list_word(void *arg, const unsigned char *word, int size)
{
	struct word_list *l = arg;
	if (l->b.size)
		buf_add_byte(&l->b, '|');
	buf_add(&l->b, word, (size_t)size);
	l->count++;
}

/* "word|word". Borrowed until the next call. */
static const char *words(const struct tokenizer *t, const char *text, struct word_walk *walk)
{
	static struct word_list l;
	struct err e = {0};
	buf_reset(&l.b);
	buf_add(&l.b, "", 0);
	*walk = (struct word_walk){.take = list_word, .arg = &l};
	CHECK_OK(tokenizer_words(t, text, strlen(text), walk, &e), &e);
	return l.b.data;
}

TEST(words_are_given_as_they_are_looked_up)
{
	struct tokenizer *t = open_small();
	struct word_walk walk;
	CHECK_STR(words(t, "", &walk), "");
	CHECK_STR(words(t, "Don't STOP, \xC3\x89t\xC3\xA9.", &walk), "don|'|t|stop|,|ete|.");
	CHECK_INT(walk.words, 7);
	CHECK_STR(words(t, "a\xE6\x97\xA5\xE6\x9C\xACz x\tY", &walk), "a|\xE6\x97\xA5|\xE6\x9C\xAC|z|x|y");
	CHECK_STR(words(t, "a[SEP]B [sep]", &walk), "a|b|[|sep|]");
	CHECK_STR(words(t,
	                "a\xFF"
	                "b \xC3",
	                &walk),
	          "ab");
	CHECK_INT(walk.replaced, 2);
	tokenizer_close(t);
}

TEST(words_that_are_too_long_are_counted_and_not_given)
{
	struct tokenizer *t = open_small();
	struct word_walk walk;
	char text[512] = "x ";
	memset(text + 2, 'b', 101);
	CHECK_STR(words(t, text, &walk), "x");
	CHECK_INT(walk.too_long, 1);
	memcpy(text + 2, "\xC3\xA9", 2); /* one character less, and by the careful way */
	CHECK_INT(strlen(words(t, text, &walk)), 2 + 100);
	CHECK_INT(walk.too_long, 0);
	strcat(text, "b");
	CHECK_STR(words(t, text, &walk), "x");
	CHECK_INT(walk.too_long, 1);
	tokenizer_close(t);
}

TEST(a_vocabulary_in_memory_opens_like_a_file)
{
	struct err e = {0};
	struct tokenizer *t;
	char text[] = "[UNK]\n[CLS]\n[SEP]\na\n", lacking[] = "[UNK]\n[CLS]\na\n";
	REQUIRE_OK(tokenizer_parse_vocab(&t, text, sizeof text - 1, NULL, "text", &e), &e);
	CHECK_STR(encode(t, "A b"), "[CLS] a@0-1#0 [UNK]@2-3#1 [SEP]");
	tokenizer_close(t);
	CHECK_INT(tokenizer_parse_vocab(&t, lacking, sizeof lacking - 1, NULL, "text", &e), ERR_FORMAT);
	CHECK_CONTAINS(e.text, "[SEP]");
	CHECK(t == NULL);
}

/* ---- pairs and truncation ---- */

static const char *cut_pair(const struct tokenizer *t, const char *a, const char *b, int max_length)
{
	struct err e = {0};
	CHECK_OK(tokenizer_encode(t, a, strlen(a), b, b ? strlen(b) : 0, max_length, &encoding, &e), &e);
	return show(t, &encoding);
}

TEST(a_pair_is_two_texts_with_places_of_their_own)
{
	struct tokenizer *t = open_small();
	CHECK_STR(cut_pair(t, "a b", "c ab", 0), "[CLS] a@0-1#0 b@2-3#1 [SEP] c@0-1#0 ab@2-4#1 [SEP]");
	static const int types[] = {0, 0, 0, 0, 1, 1, 1};
	for (int i = 0; i < 7; i++)
		CHECK_INT(encoding.type_ids[i], types[i]);
	CHECK_STR(cut_pair(t, "", "", 0), "[CLS] [SEP] [SEP]");
	CHECK_INT(encoding.type_ids[1], 0);
	CHECK_INT(encoding.type_ids[2], 1);
	tokenizer_close(t);
}

static int count_id(int id)
{
	int count = 0;
	for (int i = 0; i < encoding.n; i++)
		count += encoding.ids[i] == id;
	return count;
}

/* n times the word, with spaces; borrowed until the next call but one. */
static const char *repeat(const char *word, int n)
{
	static struct buf ring[2];
	static int turn;
	struct buf *b = &ring[turn++ % 2];
	buf_reset(b);
	buf_add_text(b, " ");
	while (n-- > 0)
		buf_addf(b, "%s ", word);
	return b->data;
}

/* Texts of a and b words, cut to fit: the shorter one keeps all it has up to half, the odd piece is the longer one's, and
 * on a tie the second's. Texts that both reach max_length by themselves count as a tie. */
TEST(pairs_are_cut_longest_first)
{
	static const struct {
		int a, b, max_length, kept_a, kept_b;
	} cases[] = {{5, 5, 13, 5, 5}, {5, 5, 12, 4, 5}, {5, 5, 9, 3, 3},  {5, 4, 9, 3, 3}, {5, 4, 10, 4, 3},
	             {4, 5, 10, 3, 4}, {9, 2, 10, 5, 2}, {2, 9, 10, 2, 5}, {9, 2, 6, 2, 1}, {2, 9, 6, 1, 2},
	             {2, 9, 4, 0, 1},  {9, 3, 4, 1, 0},  {9, 4, 4, 0, 1},  {1, 1, 4, 0, 1}, {9, 9, 3, 0, 0},
	             {0, 9, 5, 0, 2},  {9, 0, 5, 2, 0},  {9, 5, 6, 2, 1},  {9, 6, 6, 1, 2}};
	struct tokenizer *t = open_small();
	int sep = tokenizer_find(t, "[SEP]");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cut_pair(t, repeat("a", cases[i].a), repeat("b", cases[i].b), cases[i].max_length);
		int a = count_id(tokenizer_find(t, "a")), b = count_id(tokenizer_find(t, "b"));
		CHECK_INT(a, cases[i].kept_a);
		CHECK_INT(b, cases[i].kept_b);
		CHECK_INT(encoding.n, a + b + 3);
		CHECK_INT(encoding.truncated, cases[i].a + cases[i].b - a - b);
		CHECK_INT(encoding.ids[a + 1], sep);
		CHECK_INT(encoding.ids[encoding.n - 1], sep);
		CHECK_INT(encoding.type_ids[a + 1], 0);
		CHECK_INT(encoding.type_ids[a + 2], 1);
	}
	tokenizer_close(t);
}

/* Where a text reaches max_length, 4 here, its word still counts as a whole, and added pieces never end the counting. */
TEST(long_texts_are_measured_up_to_the_word_that_reaches_the_length)
{
	static const struct {
		const char *a, *b;
		int first_gets_the_odd_piece;
	} cases[] = {{"a a a unaffable", "b b b b b b b", 1},                  /* 6 and 4 */
	             {"a a a unaffable", "b b unaffable b", 1},                /* 6 and 5 */
	             {"a a unaffable a", "b b b unaffable", 0},                /* 5 and 6 */
	             {"a a unaffable a", "[MASK][MASK][MASK][MASK][MASK]", 0}, /* 5 and 5 */
	             {"a a unaffable a", "[MASK][MASK][MASK][MASK]", 1},       /* 5 and 4 */
	             {"a a unaffable a", "[MASK][MASK][MASK] b b b", 1},       /* 5 and 4 */
	             {"a a unaffable a", "[MASK][MASK][MASK][MASK] b b", 0},   /* 5 and 5 */
	             {"a a a a", "b b b b [MASK] [MASK]", 0}};                 /* 4 and 4 */
	struct tokenizer *t = open_small();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cut_pair(t, cases[i].a, cases[i].b, 4);
		CHECK_INT(encoding.type_ids[1] == 0 && encoding.type_ids[2] == 0, cases[i].first_gets_the_odd_piece);
	}
	tokenizer_close(t);
}

TEST(a_single_text_is_cut_at_its_end)
{
	struct tokenizer *t = open_small();
	CHECK_STR(cut_pair(t, "a b c", NULL, 4), "[CLS] a@0-1#0 b@2-3#1 [SEP]");
	CHECK_INT(encoding.truncated, 1);
	CHECK_STR(cut_pair(t, "a b c", NULL, 5), "[CLS] a@0-1#0 b@2-3#1 c@4-5#2 [SEP]");
	CHECK_INT(encoding.truncated, 0);
	CHECK_STR(cut_pair(t, "a b c", NULL, 2), "[CLS] [SEP]");
	CHECK_INT(encoding.truncated, 3);
	tokenizer_close(t);
}

TEST(a_length_without_room_for_specials_is_an_error)
{
	struct tokenizer *t = open_small();
	struct err e = {0};
	CHECK_INT(tokenizer_encode(t, "a", 1, NULL, 0, 1, &encoding, &e), ERR_LIMIT);
	CHECK_CONTAINS(e.text, "a max_length of 1 leaves no room for the 2 special pieces");
	CHECK_INT(tokenizer_encode(t, "a", 1, "b", 1, 2, &encoding, &e), ERR_LIMIT);
	CHECK_INT(tokenizer_encode(t, "a", 1, NULL, 0, -1, &encoding, &e), ERR_LIMIT);
	CHECK_INT(tokenizer_encode(t, "a", (size_t)1 << 31, NULL, 0, 0, &encoding, &e), ERR_LIMIT);
	tokenizer_close(t);
}

TEST(an_encoding_keeps_its_memory)
{
	struct tokenizer *t = open_small();
	struct encoding x = {0};
	char text[4000];
	memset(text, '.', sizeof text);
	CHECK_INT(tokenizer_encode(t, text, sizeof text, NULL, 0, 0, &x, NULL), 0);
	CHECK_INT(x.n, 4002);
	int *ids = x.ids, capacity = x.capacity;
	for (size_t size = 0; size < sizeof text; size += 97)
		CHECK_INT(tokenizer_encode(t, text, size, NULL, 0, 0, &x, NULL), 0);
	CHECK(x.ids == ids);
	CHECK_INT(x.capacity, capacity);
	encoding_free(&x);
	CHECK(x.ids == NULL);
	tokenizer_close(t);
}

struct shared_use {
	const struct tokenizer *t;
	int sum[64];
};

static void encode_task(void *arg, int task, int worker)
{
	struct shared_use *u = arg;
	struct encoding x = {0};
	(void)worker;
	CHECK_INT(tokenizer_encode(u->t, "unaffable CAF\xC3\x89, ab", 19 - (size_t)(task % 4), NULL, 0, 0, &x, NULL), 0);
	for (int i = 0; i < x.n; i++)
		u->sum[task] += x.ids[i] * (i + 1) + x.offsets[i][1];
	encoding_free(&x);
}

TEST(threads_share_one_tokenizer)
{
	struct tokenizer *t = open_small();
	struct shared_use alone = {.t = t}, together = {.t = t};
	struct pool *pool;
	REQUIRE_OK(pool_open(&pool, 4, NULL), NULL);
	pool_for(NULL, 64, encode_task, &alone);
	pool_for(pool, 64, encode_task, &together);
	CHECK(memcmp(alone.sum, together.sum, sizeof alone.sum) == 0);
	pool_close(pool);
	tokenizer_close(t);
}

/* ---- files ---- */

TEST(a_vocabulary_file_opens_by_itself)
{
	struct err e = {0};
	struct tokenizer *t;
	const char *path = test_path("vocab.txt");
	static const char crlf[] = "[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n";
	file_write_atomic(path, crlf, sizeof crlf - 1, &e);
	REQUIRE_OK(tokenizer_open(&t, path, &e), &e);
	CHECK_INT(tokenizer_size(t), 4);
	CHECK_STR(encode(t, "a [MASK]"), "[CLS] a@0-1#0 [UNK]@2-3#1 [UNK]@3-7#2 [UNK]@7-8#3 [SEP]");
	CHECK_INT(tokenizer_find(t, "a"), 3);
	CHECK_INT(tokenizer_find(t, "b"), -1);
	CHECK_STR(tokenizer_piece(t, 0), "[UNK]");
	CHECK(tokenizer_piece(t, 4) == NULL);
	CHECK(tokenizer_piece(t, -1) == NULL);
	tokenizer_close(t);
	tokenizer_close(NULL);
}

static void refused_vocab(const char *text, size_t size, const char *part)
{
	struct err e = {0};
	struct tokenizer *t;
	const char *path = test_path("vocab.txt");
	file_write_atomic(path, text, size, &e);
	CHECK(tokenizer_open(&t, path, &e) != 0);
	CHECK(t == NULL);
	CHECK_CONTAINS(e.text, part);
	CHECK_CONTAINS(e.text, "vocab.txt");
}

#define REFUSED_VOCAB(text, part) refused_vocab(text, sizeof text - 1, part)

TEST(vocabulary_files_at_fault_are_refused)
{
	REFUSED_VOCAB("", "is empty");
	REFUSED_VOCAB("[UNK]\n[CLS]\n\n[SEP]\n", "found an empty line in");
	REFUSED_VOCAB("[UNK]\n[CLS]\n[SEP]\n\n", "line 4");
	REFUSED_VOCAB("[UNK]\n\r\n", "line 2");
	REFUSED_VOCAB("[UNK]\n[CLS]\na\n[SEP]\na\n", "has two ids, 2 and 4");
	REFUSED_VOCAB("[CLS]\n[SEP]\na\n", "lacks the piece '[UNK]'");
	REFUSED_VOCAB("[UNK]\n[SEP]\na\n", "lacks the piece '[CLS]'");
	REFUSED_VOCAB("[UNK]\n[CLS]\na", "lacks the piece '[SEP]'");
	REFUSED_VOCAB("[UNK]\n[CLS]\n[SEP]\na\0b\n", "a NUL byte in");
	REFUSED_VOCAB("[UNK]\n[CLS]\n[SEP]\n\xFF\n", "not UTF-8");
}

TEST(directories_without_a_vocabulary_are_refused)
{
	struct err e = {0}, e2 = {0};
	struct tokenizer *t;
	file_make_directories(test_path("empty"), &e);
	CHECK_INT(tokenizer_open(&t, test_path("empty"), &e), ERR_IO);
	CHECK_CONTAINS(e.text, "neither tokenizer.json nor vocab.txt in");
	CHECK_INT(tokenizer_open(&t, test_path("absent"), &e2), ERR_IO);
}

TEST(a_config_at_fault_is_refused)
{
	struct err e = {0};
	struct tokenizer *t;
	file_make_directories(test_path("odd"), &e);
	file_write_atomic(test_path("odd/vocab.txt"), pieces, strlen(pieces), &e);
	file_write_atomic(test_path("odd/tokenizer_config.json"), "{\"do_lower_case\": \"yes\"}", 24, &e);
	CHECK(tokenizer_open(&t, test_path("odd"), &e) != 0);
	CHECK_CONTAINS(e.text, "field 'do_lower_case'");
	CHECK_CONTAINS(e.text, "tokenizer_config.json");
}

/* A whole tokenizer.json; tests replace one part of it. */
static const char model[] =
	"{\"added_tokens\":[{\"id\":0,\"content\":\"[UNK]\",\"special\":true},{\"id\":2,\"content\":\"[SEP]\",\"special\":"
	"true}],"
	"\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"strip_accents\":null,\"lowercase\":true},"
	"\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
	"\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}"
	"},"
	"{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}],"
	"\"pair\":[{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
	"{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":1}},"
	"{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":1}}],"
	"\"special_tokens\":{\"[CLS]\":{\"ids\":[1]},\"[SEP]\":{\"ids\":[2]}}},"
	"\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","
	"\"max_input_chars_per_word\":3,\"vocab\":{\"[UNK]\":0,\"[SEP]\":2,\"[CLS]\":1,\"a\":3,\"##b\":4}}}";

static void replace(struct buf *out, const char *old, const char *new)
{
	const char *at = strstr(model, old);
	CHECK(at != NULL);
	buf_reset(out);
	buf_add(out, model, (size_t)(at - model));
	buf_add_text(out, new);
	buf_add_text(out, at + strlen(old));
}

static int parse_changed(struct tokenizer **t, const char *old, const char *new, struct err *e)
{
	struct buf b = {0};
	replace(&b, old, new);
	int code = tokenizer_parse(t, b.data, b.size, NULL, "tokenizer.json", e);
	buf_free(&b);
	return code;
}

TEST(a_tokenizer_json_is_read)
{
	struct err e = {0};
	struct tokenizer *t;
	REQUIRE_OK(parse_changed(&t, "{", "{", &e), &e);
	CHECK_STR(encode(t, "Ab [SEP] abbb [CLS]"),
	          "[CLS] a@0-1#0 ##b@1-2#0 [SEP]@3-8#1 [UNK]@9-13#2 [UNK]@14-15#3 [UNK]@15-18#4 [UNK]@18-19#5 [SEP]");
	CHECK_INT(tokenizer_size(t), 5);
	tokenizer_close(t);
}

TEST(variants_of_a_tokenizer_json_are_read)
{
	struct err e = {0};
	struct tokenizer *t;
	REQUIRE_OK(parse_changed(&t, "\"lowercase\":true", "\"lowercase\":false", &e), &e);
	CHECK_STR(encode(t, "Ab"), "[CLS] [UNK]@0-2#0 [SEP]");
	tokenizer_close(t);
	REQUIRE_OK(parse_changed(&t, "\"type\":\"WordPiece\",", "", &e), &e);
	tokenizer_close(t);
	REQUIRE_OK(parse_changed(&t, "\"TemplateProcessing\"",
	                         "\"BertProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1]", &e),
	           &e);
	CHECK_STR(encode(t, "ab"), "[CLS] a@0-1#0 ##b@1-2#0 [SEP]");
	tokenizer_close(t);
	/* A token added behind the vocabulary is found as a whole, and only so. */
	REQUIRE_OK(parse_changed(&t, "\"added_tokens\":[",
	                         "\"added_tokens\":[{\"id\":5,\"content\":\"ab\",\"special\":true},", &e),
	           &e);
	CHECK_STR(encode(t, "aab AB"), "[CLS] a@0-1#0 ab@1-3#1 a@4-5#2 ##b@5-6#2 [SEP]");
	CHECK_INT(tokenizer_find(t, "ab"), 5);
	CHECK_INT(tokenizer_size(t), 6);
	tokenizer_close(t);
}

TEST(of_two_added_tokens_the_longer_is_found)
{
	struct err e = {0};
	struct tokenizer *t;
	REQUIRE_OK(parse_changed(
				   &t, "\"added_tokens\":[",
				   "\"added_tokens\":[{\"id\":5,\"content\":\"ab\",\"special\":true},"
				   "{\"id\":6,\"content\":\"abc\",\"special\":true},{\"id\":7,\"content\":\"bcd\",\"special\":true},",
				   &e),
	           &e);
	CHECK_STR(encode(t, "abcd abd bcd"), "[CLS] abc@0-3#0 [UNK]@3-4#1 ab@5-7#2 [UNK]@7-8#3 bcd@9-12#4 [SEP]");
	tokenizer_close(t);
}

static const struct {
	const char *old, *new, *part;
} faults[] = {
	{"BertNormalizer", "NFC",
     "field 'normalizer' of 'tokenizer.json' must have the type 'BertNormalizer', found 'NFC'"},
	{"BertPreTokenizer", "Whitespace", "field 'pre_tokenizer'"},
	{"\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}", "\"pre_tokenizer\":null", "found 'none'"},
	{"WordPiece", "BPE", "field 'model'"},
	{"TemplateProcessing", "RobertaProcessing", "field 'post_processor'"},
	{"TemplateProcessing", "BertProcessing", "field 'cls' of post_processor"},
	{"\"lowercase\":true", "\"lowercase\":1", "field 'lowercase'"},
	{"\"type_id\":1", "\"type_id\":0", "[CLS] A [SEP]"},
	{"\"[CLS]\":{\"ids\":[1]}", "\"[CLS]\":{\"ids\":[3]}", "gives '[CLS]' another id than the vocabulary's 1"},
	{"\"##\"", "\"@@\"", "field 'model.continuing_subword_prefix'"},
	{"\"unk_token\":\"[UNK]\"", "\"unk_token\":\"<unk>\"", "lacks the piece '<unk>'"},
	{"per_word\":3", "per_word\":0", "max_input_chars_per_word"},
	{"per_word\":3", "per_word\":1000000", "max_input_chars_per_word"},
	{"\"a\":3", "\"a\":5", "id 5 of piece 'a' in 'tokenizer.json' leaves a hole: there are 5 pieces"},
	{"\"a\":3", "\"a\":4", "id 4 in 'tokenizer.json' has two pieces, 'a' and '##b'"},
	{"\"a\":3", "\"a\":-1", "must be an integer from 0"},
	{"\"a\":3", "\"a\":2.5", "must be an integer from 0"},
	{"\"a\":3", "\"a\":1e300", "leaves a hole"},
	{"\"a\":3", "\"a\":\"3\"", "must be an integer from 0"},
	{"\"a\":3", "\"##b\":3", "has two ids"},
	{"\"a\":3", "\"\":3", "empty piece at id 3"},
	{"\"vocab\":{", "\"vocab\":null,\"x\":{", "field 'model.vocab'"},
	{"\"id\":2,\"content\"", "\"id\":3,\"content\"", "is not its id in the vocabulary"},
	{"\"id\":2,\"content\"", "\"id\":77,\"content\"", "is not its id in the vocabulary"},
	{"\"id\":2,\"content\"", "\"content\"", "lacks its content or id"},
	{"\"special\":true", "\"special\":false", "must not be normalized"},
	{"\"special\":true", "\"special\":true,\"lstrip\":true", "lstrip"},
	{"\"added_tokens\":[", "\"added_tokens\":[7,", "must hold objects"},
	{"\"added_tokens\":[", "\"added_tokens\":[{\"id\":5,\"content\":\"a\",\"special\":true},", "has two ids, 3 and 5"},
	{"\"added_tokens\":[",
     "\"added_tokens\":[{\"id\":5,\"content\":\"x\",\"special\":true},{\"id\":6,\"content\":\"x\",\"special\":true},",
     "added token 'x' of 'tokenizer.json' has two ids, 5 and 6"},
	{"{", "[{", "not valid JSON"},
};

TEST(a_tokenizer_json_at_fault_is_refused)
{
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		struct err e = {0};
		struct tokenizer *t;
		CHECK(parse_changed(&t, faults[i].old, faults[i].new, &e) != 0);
		CHECK(t == NULL);
		CHECK_CONTAINS(e.text, faults[i].part);
		CHECK_CONTAINS(e.text, "tokenizer.json");
	}
}

TEST(a_cut_off_tokenizer_json_is_refused)
{
	for (size_t size = 0; size < sizeof model - 1; size += 7) {
		struct tokenizer *t;
		struct err e = {0};
		CHECK(tokenizer_parse(&t, model, size, NULL, "tokenizer.json", &e) != 0);
		CHECK(e.code != 0);
	}
}

/* ---- the genuine vocabulary ---- */

static void check_ids(const struct tokenizer *t, const cJSON *c)
{
	const cJSON *ids = cJSON_GetObjectItem(c, "ids"), *text = cJSON_GetObjectItem(c, "text");
	const cJSON *pair = cJSON_GetObjectItem(c, "text_pair");
	struct err e = {0};
	const char *second = cJSON_IsString(pair) ? pair->valuestring : NULL;
	CHECK_OK(tokenizer_encode(t, text->valuestring, strlen(text->valuestring), second, second ? strlen(second) : 0, 0,
	                          &encoding, &e),
	         &e);
	CHECK_INT(encoding.n, cJSON_GetArraySize(ids));
	int wrong = 0, i = 0;
	for (const cJSON *id = ids->child; id && i < encoding.n; id = id->next, i++)
		wrong += encoding.ids[i] != id->valueint;
	if (wrong)
		test_fail(__FILE__, __LINE__, "case %s has %d wrong ids", c->string, wrong);
}

/* cJSON ends a string at an escaped NUL, so the one that the cases hold is read as another control. */
static cJSON *read_cases(const char *path, struct err *e)
{
	char *text, *nul;
	size_t size;
	if (file_read(&text, &size, path, 1 << 20, e))
		return NULL;
	while ((nul = strstr(text, "\\u0000")))
		nul[5] = '1';
	cJSON *all = json_parse(text, size, path, e);
	free(text);
	return all;
}

TEST(the_published_conformance_cases_come_out)
{
	const char *dir = test_shared("weights/bert-base-uncased");
	if (!dir)
		return;
	const char *cases = test_shared("goldens/tokenizer/bert-base-uncased.transformersjs.json");
	if (!cases)
		return;
	struct err e = {0};
	struct tokenizer *t;
	cJSON *all = read_cases(cases, &e);
	REQUIRE_OK(e.code, &e);
	REQUIRE_OK(tokenizer_open(&t, dir, &e), &e);
	CHECK_INT(cJSON_GetArraySize(all), 30);
	for (const cJSON *c = all->child; c; c = c->next)
		check_ids(t, c);
	cJSON_Delete(all);
	tokenizer_close(t);
}

TEST(both_forms_of_the_genuine_vocabulary_are_one)
{
	const char *dir = test_shared("weights/bert-base-uncased");
	if (!dir)
		return;
	char path[4096];
	struct err e = {0};
	struct tokenizer *json, *text;
	REQUIRE_OK(file_join(path, sizeof path, dir, "vocab.txt", &e), &e);
	REQUIRE_OK(tokenizer_open(&json, dir, &e), &e);
	REQUIRE_OK(tokenizer_open(&text, path, &e), &e);
	CHECK_INT(tokenizer_size(json), 30522);
	CHECK_INT(tokenizer_size(text), 30522);
	int wrong = 0;
	for (int id = 0; id < 30522; id++) {
		const char *piece = tokenizer_piece(json, id);
		wrong += strcmp(piece, tokenizer_piece(text, id)) != 0 || tokenizer_find(text, piece) != id;
	}
	CHECK_INT(wrong, 0);
	CHECK_STR(encode(json, "Hello [MASK]!"), encode(text, "Hello [MASK]!"));
	tokenizer_close(json);
	tokenizer_close(text);
}
