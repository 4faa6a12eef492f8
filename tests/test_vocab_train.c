#include "../engine/vocab_train.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/rng.h"
#include "../engine/tokenizer.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPECIALS "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"

static void add(struct word_counts *c, const char *word, int64_t count)
{
	word_counts_add(c, (const unsigned char *)word, (int)strlen(word), count);
}

/* The classic: hug 10, pug 5, pun 12, bun 4, hugs 5. */
static struct word_counts hugs(void)
{
	struct word_counts c = {0};
	add(&c, "hug", 10);
	add(&c, "pug", 5);
	add(&c, "pun", 12);
	add(&c, "bun", 4);
	add(&c, "hugs", 5);
	return c;
}

#define HUGS_ALPHABET SPECIALS "b\nh\np\n##g\n##n\n##s\n##u\n"

static void check_pieces(const struct word_counts *c, struct vocab_train_options o, const char *expected)
{
	struct trained_vocab v;
	struct err e = {0};
	if (CHECK_OK(vocab_train(&v, c, &o, &e), &e)) {
		CHECK_STR(v.text.data, expected);
		CHECK_INT(v.size, o.size);
	}
	trained_vocab_free(&v);
}

static void check_refused(const struct word_counts *c, struct vocab_train_options o, int code, const char *part)
{
	struct trained_vocab v;
	struct err e = {0};
	CHECK_INT(vocab_train(&v, c, &o, &e), code);
	CHECK_CONTAINS(e.text, part);
	trained_vocab_free(&v);
}

/* ##u ##g 20; ##u ##n 16; h ##ug 15; p ##un 12; p ##ug 5 and hug ##s 5, p being the older piece; b ##un 4. */
TEST(the_most_frequent_pair_is_merged_first)
{
	struct word_counts c = hugs();
	check_pieces(&c, (struct vocab_train_options){.size = 12}, HUGS_ALPHABET);
	check_pieces(&c, (struct vocab_train_options){.size = 15}, HUGS_ALPHABET "##ug\n##un\nhug\n");
	check_pieces(&c, (struct vocab_train_options){.size = 19}, HUGS_ALPHABET "##ug\n##un\nhug\npun\npug\nhugs\nbun\n");
	word_counts_free(&c);
}

TEST(of_equal_pairs_the_one_with_the_lower_ids_goes_first)
{
	struct word_counts c = {0};
	add(&c, "ca", 3);
	add(&c, "ac", 3);
	add(&c, "ba", 3);
	add(&c, "ab", 3);
	check_pieces(&c, (struct vocab_train_options){.size = 15}, SPECIALS "a\nb\nc\n##a\n##b\n##c\nab\nac\nba\nca\n");
	word_counts_free(&c);
}

/* a ##a ##a ##a ##a: ##a ##a occurs three times and is joined twice, from the left. Then a ##aa and ##aa ##aa are even. */
TEST(a_piece_that_follows_itself_is_joined_from_the_left)
{
	struct word_counts c = {0};
	add(&c, "aaaaa", 2);
	add(&c, "aaaa", 1);
	/* pairs: a ##a 3, ##a ##a 8 */
	check_pieces(&c, (struct vocab_train_options){.size = 8}, SPECIALS "a\n##a\n##aa\n");
	/* a ##aa ##aa (2), a ##aa ##a (1): a ##aa 3, ##aa ##aa 2, ##aa ##a 1; then aaa ##aa 2, aaa ##a 1 */
	check_pieces(&c, (struct vocab_train_options){.size = 10}, SPECIALS "a\n##a\n##aa\naaa\naaaaa\n");
	check_refused(&c, (struct vocab_train_options){.size = 11}, ERR_LIMIT, "yields only 10 pieces");
	check_pieces(&c, (struct vocab_train_options){.size = 11, .min_count = 1},
	             SPECIALS "a\n##a\n##aa\naaa\naaaaa\naaaa\n");
	word_counts_free(&c);
}

TEST(sizes_that_cannot_be_are_refused_with_what_can)
{
	struct word_counts c = hugs(), none = {0};
	check_refused(&c, (struct vocab_train_options){.size = 11}, ERR_LIMIT,
	              "11 pieces are too few: 5 specials and an alphabet of 7 need 12");
	check_refused(&c, (struct vocab_train_options){.size = 20}, ERR_LIMIT,
	              "yields only 19 pieces (no pair is left that occurs 2 times); ask for at most 19");
	check_refused(&c, (struct vocab_train_options){.size = 19, .min_count = 5}, ERR_LIMIT, "at most 18");
	check_refused(&none, (struct vocab_train_options){.size = 6}, ERR_LIMIT, "at most 5");
	check_pieces(&none, (struct vocab_train_options){.size = 5}, SPECIALS);
	word_counts_free(&c);
}

/* Characters: u 36, g 20, p 17, n 16, h 15, s 5, b 4. Of six, b is left out, and "bun" with it. */
TEST(words_with_rare_characters_are_left_out)
{
	struct word_counts c = hugs();
	struct vocab_train_options o = {.size = 13, .alphabet = 6};
	struct trained_vocab v;
	struct err e = {0};
	if (CHECK_OK(vocab_train(&v, &c, &o, &e), &e)) {
		CHECK_STR(v.text.data, SPECIALS "h\np\n##g\n##n\n##s\n##u\n##ug\nhug\n");
		CHECK_INT(v.alphabet, 6);
		CHECK_INT(v.unknown, 4);
		CHECK_INT(v.characters_unused, 1);
	}
	trained_vocab_free(&v);
	word_counts_free(&c);
}

TEST(characters_go_by_code_point_whatever_their_bytes)
{
	struct word_counts c = {0};
	add(&c, "\xF0\x9D\x85\xA5\xC3\xA6", 2); /* U+1D165, U+E6 */
	add(&c, "z", 1);
	add(&c, "\xE6\x97\xA5", 1); /* U+65E5 */
	check_pieces(&c, (struct vocab_train_options){.size = 10},
	             SPECIALS "z\n\xE6\x97\xA5\n\xF0\x9D\x85\xA5\n##\xC3\xA6\n\xF0\x9D\x85\xA5\xC3\xA6\n");
	/* As frequent as each other: the lower code point is kept. */
	check_pieces(&c, (struct vocab_train_options){.size = 9, .alphabet = 3},
	             SPECIALS "z\n\xF0\x9D\x85\xA5\n##\xC3\xA6\n\xF0\x9D\x85\xA5\xC3\xA6\n");
	word_counts_free(&c);
}

static int stop_at(void *arg, int pieces) { return pieces == *(int *)arg; }

TEST(training_stops_when_asked_to)
{
	struct word_counts c = hugs();
	int at = 14;
	check_refused(&c, (struct vocab_train_options){.size = 16, .step = stop_at, .arg = &at}, ERR_INTERRUPTED,
	              "interrupted after 14 of 16 pieces");
	at = 16;
	check_pieces(&c, (struct vocab_train_options){.size = 16, .step = stop_at, .arg = &at},
	             HUGS_ALPHABET "##ug\n##un\nhug\npun\n");
	word_counts_free(&c);
}

/* ---- the same, naively: words of pieces as text, all pairs counted anew for every merge ---- */

enum { NAIVE_WORDS = 60, NAIVE_LENGTH = 12, NAIVE_PIECES = 200, PIECE_SIZE = 20 };

struct naive {
	char pieces[NAIVE_PIECES][PIECE_SIZE];
	int size;
	char word[NAIVE_WORDS][NAIVE_LENGTH + 1];
	int ids[NAIVE_WORDS][NAIVE_LENGTH], n[NAIVE_WORDS], words;
	int64_t count[NAIVE_WORDS];
	int64_t pair[NAIVE_PIECES][NAIVE_PIECES];
};

static int naive_find(const struct naive *x, const char *piece)
{
	int id = 0;
	while (id < x->size && strcmp(x->pieces[id], piece) != 0)
		id++;
	return id;
}

static void naive_alphabet(struct naive *x, const char *prefix, int from, int to)
{
	for (char c = 'a'; c <= 'z'; c++) {
		int is_there = 0;
		for (int i = 0; i < x->words; i++)
			for (int k = from; k < to && x->word[i][k]; k++)
				is_there |= x->word[i][k] == c;
		if (is_there)
			snprintf(x->pieces[x->size++], PIECE_SIZE, "%s%c", prefix, c);
	}
}

static void naive_cut(struct naive *x)
{
	char piece[PIECE_SIZE];
	x->size = 0;
	for (const char *p = SPECIALS; *p; p = strchr(p, '\n') + 1)
		snprintf(x->pieces[x->size++], PIECE_SIZE, "%.*s", (int)(strchr(p, '\n') - p), p);
	naive_alphabet(x, "", 0, 1);
	naive_alphabet(x, "##", 1, NAIVE_LENGTH);
	for (int i = 0; i < x->words; i++)
		for (x->n[i] = 0; x->word[i][x->n[i]]; x->n[i]++) {
			snprintf(piece, sizeof piece, "%s%c", x->n[i] ? "##" : "", x->word[i][x->n[i]]);
			x->ids[i][x->n[i]] = naive_find(x, piece);
		}
}

static void naive_join(struct naive *x, int left, int right, int id)
{
	for (int i = 0; i < x->words; i++)
		for (int k = 0; k + 1 < x->n[i]; k++)
			if (x->ids[i][k] == left && x->ids[i][k + 1] == right) {
				x->ids[i][k] = id;
				x->n[i]--;
				for (int m = k + 1; m < x->n[i]; m++)
					x->ids[i][m] = x->ids[i][m + 1];
			}
}

/* Returns 0 when no pair occurs twice. */
static int naive_merge(struct naive *x)
{
	int left = 0, right = 0;
	for (int a = 0; a < x->size; a++)
		memset(x->pair[a], 0, (size_t)x->size * sizeof x->pair[a][0]);
	for (int i = 0; i < x->words; i++)
		for (int k = 0; k + 1 < x->n[i]; k++)
			x->pair[x->ids[i][k]][x->ids[i][k + 1]] += x->count[i];
	for (int a = 0; a < x->size; a++)
		for (int b = 0; b < x->size; b++)
			if (x->pair[a][b] > x->pair[left][right]) {
				left = a;
				right = b;
			}
	if (x->pair[left][right] < 2)
		return 0;
	char piece[PIECE_SIZE];
	snprintf(piece, sizeof piece, "%s%s", x->pieces[left], x->pieces[right] + 2);
	CHECK_INT(naive_find(x, piece), x->size); /* no two merges give one piece */
	strcpy(x->pieces[x->size], piece);
	naive_join(x, left, right, x->size++);
	return 1;
}

static void draw_words(struct naive *x, uint64_t seed)
{
	uint64_t at = 0;
	uint32_t letters = 1 + rng_below(seed, 1, at++, 4);
	x->words = 1 + (int)rng_below(seed, 1, at++, NAIVE_WORDS);
	for (int i = 0; i < x->words; i++) {
		int length = 1 + (int)rng_below(seed, 1, at++, NAIVE_LENGTH);
		memset(x->word[i], 0, sizeof x->word[i]);
		for (int k = 0; k < length; k++)
			x->word[i][k] = (char)('a' + rng_below(seed, 1, at++, letters));
		x->count[i] = 1 + rng_below(seed, 1, at++, 5);
	}
}

static void compare_with_naive(struct naive *x, uint64_t seed)
{
	struct word_counts c = {0};
	struct buf expected = {0};
	draw_words(x, seed);
	for (int i = 0; i < x->words; i++)
		add(&c, x->word[i], x->count[i]);
	naive_cut(x);
	int most = x->size + (int)rng_below(seed, 2, 0, NAIVE_PIECES - 60), more = 1;
	while (x->size < most && (more = naive_merge(x)))
		continue;
	for (int i = 0; i < x->size; i++)
		buf_addf(&expected, "%s\n", x->pieces[i]);
	check_pieces(&c, (struct vocab_train_options){.size = x->size}, expected.data);
	if (!more)
		check_refused(&c, (struct vocab_train_options){.size = x->size + 1}, ERR_LIMIT, "yields only");
	buf_free(&expected);
	word_counts_free(&c);
}

TEST(counting_all_pairs_anew_gives_the_same)
{
	struct naive *x = calloc(1, sizeof *x);
	REQUIRE(x);
	for (uint64_t seed = 0; seed < 40; seed++)
		compare_with_naive(x, seed);
	free(x);
}

TEST(the_order_of_words_does_not_matter)
{
	struct naive *x = calloc(1, sizeof *x);
	REQUIRE(x);
	for (uint64_t seed = 100; seed < 110; seed++) {
		struct word_counts forth = {0}, back = {0};
		struct trained_vocab v, w;
		struct err e = {0};
		draw_words(x, seed);
		naive_cut(x);
		for (int i = 0; i < x->words; i++) {
			add(&forth, x->word[i], x->count[i]);
			for (int k = 0; k < x->count[x->words - 1 - i]; k++)
				add(&back, x->word[x->words - 1 - i], 1);
		}
		struct vocab_train_options o = {.size = x->size + 3, .min_count = 1};
		if (vocab_train(&v, &forth, &o, &e) == 0 && CHECK_OK(vocab_train(&w, &back, &o, &e), &e)) {
			CHECK_STR(w.text.data, v.text.data);
			trained_vocab_free(&w);
		}
		trained_vocab_free(&v);
		word_counts_free(&forth);
		word_counts_free(&back);
	}
	free(x);
}

/* ---- with the tokenizer ---- */

static void count_word(void *arg, const unsigned char *word, int size) { word_counts_add(arg, word, size, 1); }

static struct tokenizer *open_text(const char *pieces)
{
	struct err e = {0};
	struct tokenizer *t = NULL;
	char *copy = strdup(pieces);
	CHECK_OK(tokenizer_parse_vocab(&t, copy, strlen(copy), NULL, "pieces", &e), &e);
	free(copy);
	return t;
}

/* The words of the text that are [UNK], those aside that are written so. */
static int count_unknown(const struct tokenizer *t, const char *text, size_t size)
{
	struct encoding x = {0};
	struct err e = {0};
	int count = 0;
	CHECK_OK(tokenizer_encode(t, text, size, NULL, 0, 0, &x, &e), &e);
	for (int i = 0; i < x.n; i++)
		count += x.ids[i] == tokenizer_find(t, "[UNK]") && strncmp(text + x.offsets[i][0], "[UNK]", 5) != 0;
	encoding_free(&x);
	return count;
}

/* Trains on a text and cuts it; the only words that are unknown are those with a character that is left out. */
static void check_round_trip(const char *text, size_t size, struct vocab_train_options o)
{
	struct word_counts c = {0};
	struct word_walk walk = {.take = count_word, .arg = &c};
	struct trained_vocab v;
	struct err e = {0};
	struct tokenizer *t = open_text(SPECIALS);
	CHECK_OK(tokenizer_words(t, text, size, &walk, &e), &e);
	tokenizer_close(t);
	if (CHECK_OK(vocab_train(&v, &c, &o, &e), &e)) {
		t = open_text(v.text.data);
		CHECK_INT(tokenizer_size(t), o.size);
		CHECK_INT(tokenizer_find(t, "[PAD]"), 0);
		CHECK_INT(count_unknown(t, text, size), v.unknown);
		tokenizer_close(t);
	}
	trained_vocab_free(&v);
	word_counts_free(&c);
}

TEST(the_text_of_the_training_is_cut_without_unknowns)
{
	static const char text[] =
		"Der Na\xC3\xAFve \xC3\xA6sop; it's [MASK] [SEP] [UNK] \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E a\xFFgain, "
		"GR\xC3\x96\xC3\x9F"
		"E #hash ##tags [unk] [UNKNOWN] \xF0\x9F\x98\x80\xF0\x9F\x98\x80 O\xCC\x82 i\xCC\x87 ab\xC2\xAD"
		"c it's its again the the naive aesop";
	check_round_trip(text, sizeof text - 1, (struct vocab_train_options){.size = 80, .min_count = 1});
	check_round_trip(text, sizeof text - 1, (struct vocab_train_options){.size = 29, .alphabet = 12});
	check_round_trip(text, sizeof text - 1, (struct vocab_train_options){.size = 81, .min_count = 1});
}

/* The cases that the tokenizer is held to: many scripts, odd marks, controls. */
TEST(real_text_is_cut_without_unknowns)
{
	const char *path = test_shared("goldens/tokenizer/bert-base-uncased.transformersjs.json");
	if (!path)
		return;
	char *text;
	size_t size;
	struct err e = {0};
	REQUIRE_OK(file_read(&text, &size, path, 1 << 20, &e), &e);
	check_round_trip(text, size, (struct vocab_train_options){.size = 230});
	check_round_trip(text, size, (struct vocab_train_options){.size = 120, .alphabet = 40});
	free(text);
}
