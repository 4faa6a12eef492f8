/* The corpus that adapler-mini was pre-trained on, made anew from all the data sets that lie beside the project: it is the
 * one whose SHA-256 the model's README states, no line of it is a dev or test text, and no 13 words in a row of one are
 * in it. Words and sets are this file's own and simpler than the corpus's: beyond ASCII every byte is a letter, so that 13
 * words here are as many there, or more. What marks up texts is no word: the corpus has lost it, the data sets have not. */
#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"
#include "../engine/base/sha256.h"
#include "../eval/datasets.h"
#include "test.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSAGE = 13 };

extern const struct command corpus_command;

/* ---- sets ------------------------------------------------------------------------------------------------------ */

struct set {
	uint64_t *key;
	size_t count, capacity;
};

static void set_add(struct set *s, uint64_t key)
{
	if (s->count == s->capacity) {
		s->capacity = 2 * s->capacity + 1024;
		s->key = realloc(s->key, s->capacity * sizeof *s->key);
		if (!s->key)
			abort();
	}
	s->key[s->count++] = key;
}

static int by_key(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void set_sort(struct set *s) { qsort(s->key, s->count, sizeof *s->key, by_key); }

static int set_has(const struct set *s, uint64_t key)
{
	return bsearch(&key, s->key, s->count, sizeof key, by_key) != NULL;
}

/* ---- texts ----------------------------------------------------------------------------------------------------- */

static int is_letter(unsigned char c) { return c >= 0x80 || isalnum(c); }

static int is_markup(const char *word, size_t size)
{
	static const char *const markup[] = {"br", "quot", "amp", "lt",  "gt",  "36",  "38",
	                                     "39", "145",  "146", "147", "148", "150", "151"};
	for (size_t i = 0; i < sizeof markup / sizeof *markup; i++)
		if (strlen(markup[i]) == size && !memcmp(markup[i], word, size))
			return 1;
	return 0;
}

/* FNV-1a of what the bytes are in lower case. */
static uint64_t hash(uint64_t h, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		h = (h ^ (unsigned char)tolower((unsigned char)bytes[i])) * 0x100000001b3u;
	return h;
}

#define FNV_START 0xcbf29ce484222325u

/* The words of the text in hand, by their hashes; and all its letters as one. */
static struct set words;

static uint64_t read_words(const char *text, size_t size)
{
	uint64_t letters = FNV_START;
	words.count = 0;
	for (size_t i = 0, n; i < size; i += n) {
		for (n = 0; i + n < size && is_letter((unsigned char)text[i + n]); n++)
			;
		if (n && !is_markup(text + i, n)) {
			set_add(&words, hash(FNV_START, text + i, n));
			letters = hash(letters, text + i, n);
		}
		n += !n;
	}
	return letters;
}

static uint64_t passage_at(size_t first)
{
	uint64_t h = 0;
	for (size_t i = first; i < first + PASSAGE; i++)
		h = h * 0x9e3779b97f4a7c15u + words.key[i];
	return h;
}

struct held_out {
	struct set texts, passages;
};

static void hold_out(struct held_out *h, const char *text, size_t size)
{
	const uint64_t letters = read_words(text, size);
	if (words.count)
		set_add(&h->texts, letters);
	for (size_t i = 0; i + PASSAGE <= words.count; i++)
		set_add(&h->passages, passage_at(i));
}

static int is_text(const struct held_out *h, const char *text, size_t size)
{
	const uint64_t letters = read_words(text, size);
	return words.count && set_has(&h->texts, letters);
}

static int shares_passage(const struct held_out *h, const char *text, size_t size)
{
	read_words(text, size);
	for (size_t i = 0; i + PASSAGE <= words.count; i++)
		if (set_has(&h->passages, passage_at(i)))
			return 1;
	return 0;
}

/* ---- the data sets --------------------------------------------------------------------------------------------- */

/* As published; dev of IMDB, AG's News and DBpedia is carved from train. */
static const struct {
	const char *task;
	int dev, test;
} sizes[] = {{"sst2", 872, 1821},
             {"cola", 1043, 1063},
             {"mrpc", 408, 1725},
             {"stsb", 1500, 1379},
             {"qnli", 5463, 5463},
             {"rte", 277, 3000},
             {"imdb", 4096, 25000},
             {"agnews", 6000, 7600},
             {"dbpedia", 6000, 5000},
             {"hatexplain", 1922, 1924},
             {"hatexplain-toxic", 1922, 1924},
             {"movies", 200, 199},
             {"multirc", 3214, 4848}};

static void hold_out_split(struct held_out *h, const char *task, const char *data, enum split split, int count)
{
	struct err e = {0};
	struct dataset d;
	REQUIRE_OK(dataset_open(&d, task, data, split, NULL, &e), &e);
	CHECK_INT(d.count, count);
	for (int i = 0; i < d.count; i++) {
		hold_out(h, d.sample[i].text, d.sample[i].text_size);
		if (d.sample[i].pair)
			hold_out(h, d.sample[i].pair, d.sample[i].pair_size);
	}
	dataset_close(&d);
}

/* Paths of tests have no spaces in them. */
static void make_corpus(const char *data, const char *out)
{
	struct err e = {0};
	char line[9000], *argv[8];
	int argc = 0;
	snprintf(line, sizeof line, "corpus --quiet --data %s --out %s", data, out);
	for (char *word = strtok(line, " "); word && argc < 8; word = strtok(NULL, " "))
		argv[argc++] = word;
	CHECK_OK(corpus_command.run(&corpus_command, argc, argv, &e), &e);
}

static void is_stated(const char *corpus)
{
	struct err e = {0};
	char hex[65], *readme;
	size_t size;
	REQUIRE_OK(sha256_file(corpus, hex, &e), &e);
	REQUIRE_OK(file_read(&readme, &size, "data/models/adapler-mini/README.md", 1 << 20, &e), &e);
	char *stated = strstr(readme, "# sha256 ");
	if (CHECK(stated && strlen(stated) > 9 + 64)) {
		stated[9 + 64] = '\0';
		CHECK_STR(hex, stated + 9);
	}
	free(readme);
}

static void holds_nothing_of(const struct held_out *h, const struct file_map *corpus)
{
	const char *at = (const char *)corpus->data, *end = at + corpus->size;
	int lines = 0, texts = 0, passages = 0;
	for (const char *next; at < end; at = next + 1, lines++) {
		next = memchr(at, '\n', (size_t)(end - at));
		REQUIRE(next);
		texts += is_text(h, at, (size_t)(next - at));
		passages += shares_passage(h, at, (size_t)(next - at));
	}
	CHECK_INT(lines, 167434);
	CHECK_INT(texts, 0);
	CHECK_INT(passages, 0);
}

TEST(the_shipped_models_corpus_has_no_dev_or_test_text_in_it)
{
	const char *unpack = test_shared("data/unpack.sh");
	if (!unpack)
		return;
	struct err e = {0};
	struct held_out h = {.texts = {.count = 0}};
	struct file_map corpus;
	char data[4096], line[10000];
	snprintf(data, sizeof data, "%s", test_path("data"));
	snprintf(line, sizeof line, "sh '%s' '%s'", unpack, data);
	if (system(line) != 0)
		SKIP("'%s' did not unpack all of the data", unpack);
	log_set_quiet(1);
	const char *out = test_path("corpus.txt");
	make_corpus(data, out);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		hold_out_split(&h, sizes[i].task, data, SPLIT_DEV, sizes[i].dev);
		hold_out_split(&h, sizes[i].task, data, SPLIT_TEST, sizes[i].test);
	}
	set_sort(&h.texts);
	set_sort(&h.passages);
	REQUIRE_OK(file_map_open(&corpus, out, &e), &e);
	is_stated(out);
	holds_nothing_of(&h, &corpus);
	file_map_close(&corpus);
	free(h.texts.key);
	free(h.passages.key);
	free(words.key);
}
