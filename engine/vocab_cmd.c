/* adapler vocab: texts in, a vocab.txt out. Memory is bounded by the different words (and the longest line), however
 * long the texts are. */
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/progress.h"
#include "input.h"
#include "tokenizer.h"
#include "vocab_train.h"
#include "word_counts.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_MOST = 1000000 };

struct vocab_args {
	int size, alphabet, min_count, force;
	const char *out;
};

#define OPTION(name, letter, kind, field, metavar, help, low, high)                      \
	{                                                                                    \
		name, letter, kind, offsetof(struct vocab_args, field), metavar, help, low, high \
	}

static const struct opt options[] = {
	OPTION("size", 0, OPT_INT, size, "N", "pieces of the vocabulary, the 5 specials counted", 1, SIZE_MOST),
	OPTION("out", 'o', OPT_FILE, out, "FILE", "the vocabulary, a piece a line", 0, 0),
	OPTION("alphabet", 0, OPT_INT, alphabet, "N", "characters at most, the most frequent (default 1000)", 1, 0x110000),
	OPTION("min-count", 0, OPT_INT, min_count, "N", "a pair that occurs less often is not merged (default 2)", 1,
           1 << 30),
	OPTION("force", 'f', OPT_FLAG, force, NULL, "replace FILE if it is there already", 0, 0),
	{.kind = OPT_END},
};

struct counting {
	struct tokenizer *tokenizer;
	struct word_counts counts;
	struct word_walk walk;
	struct record record;
	struct progress progress;
	long lines;
};

/* ---- counting ---- */

static void take_word(void *arg, const unsigned char *word, int size)
{
	struct counting *k = arg;
	word_counts_add(&k->counts, word, size, 1);
}

static int count_text(struct counting *k, const struct buf *text, struct err *e)
{
	return text->size ? tokenizer_words(k->tokenizer, text->data, text->size, &k->walk, e) : 0;
}

/* The reader splits a line at its first TAB, which no word goes across. */
static int count_line(struct counting *k, struct err *e)
{
	int code = count_text(k, &k->record.text, e);
	if (!code && k->record.has_pair)
		code = count_text(k, &k->record.pair, e);
	progress_update(&k->progress, ++k->lines, NULL);
	return code ? code : word_counts_check(&k->counts, e);
}

static int count_file(struct counting *k, const char *path, struct err *e)
{
	struct input in;
	int more = 1, code = input_open(&in, path, INPUT_LINES, e);
	if (code)
		return code;
	while (!code && more) {
		code = interrupt_pending() ? err_set(e, ERR_INTERRUPTED, "interrupted after %ld lines", k->lines)
		                           : input_next(&in, &k->record, &more, e);
		if (!code && more)
			code = count_line(k, e);
	}
	input_close(&in);
	return code;
}

static int count_files(struct counting *k, char **paths, int count, struct err *e)
{
	int code = 0;
	k->walk = (struct word_walk){.take = take_word, .arg = k};
	progress_begin(&k->progress, "counting words", "lines", 0, log_is_quiet());
	for (int i = 0; i < count && !code; i++)
		code = count_file(k, paths[i], e);
	progress_end(&k->progress);
	if (!code && !k->counts.n)
		code = err_set(e, ERR_FORMAT, "no words in '%s'%s", paths[0], count > 1 ? " and the other texts" : "");
	return code;
}

/* A tokenizer that knows the specials only: they are found in texts as they will be, and are no words. */
static int open_specials(struct tokenizer **t, struct err *e)
{
	struct buf text = {0};
	for (int i = 0; i < VOCAB_SPECIALS; i++)
		buf_addf(&text, "%s\n", vocab_specials[i]);
	int code = buf_check(&text, e);
	if (!code)
		code = tokenizer_parse_vocab(t, text.data, text.size, NULL, "the specials", e);
	buf_free(&text);
	return code;
}

/* ---- training ---- */

static int step(void *arg, int pieces)
{
	progress_update(arg, pieces, NULL);
	return interrupt_pending();
}

static void say_what_was_lost(const struct counting *k)
{
	if (k->walk.replaced)
		log_warn("left out %ld byte sequences that are not UTF-8", k->walk.replaced);
	if (k->walk.too_long)
		log_warn("left out words of more than %d characters, which are [UNK]: %ld", k->tokenizer->word_max,
		         k->walk.too_long);
}

static void say_what_is_there(const struct vocab_args *a, const struct counting *k, const struct trained_vocab *v)
{
	if (v->characters_unused)
		log_warn("left out %d rare characters; words that hold them, which are [UNK]: %lld", v->characters_unused,
		         (long long)v->unknown);
	log_info("wrote %d pieces to %s: %d specials, %d of the alphabet, %d merged; from %ld words, %u of them different",
	         v->size, a->out, VOCAB_SPECIALS, v->alphabet, v->size - VOCAB_SPECIALS - v->alphabet, k->walk.words,
	         (unsigned)k->counts.n);
}

static int train(const struct vocab_args *a, const struct counting *k, struct trained_vocab *v, struct err *e)
{
	struct progress progress;
	struct vocab_train_options o = {
		.size = a->size, .alphabet = a->alphabet, .min_count = a->min_count, .step = step, .arg = &progress};
	progress_begin(&progress, "training", "pieces", a->size, log_is_quiet());
	int code = vocab_train(v, &k->counts, &o, e);
	progress_end(&progress);
	return code;
}

static int make_vocabulary(const struct vocab_args *a, char **paths, int count, struct file_writer *w, struct err *e)
{
	struct counting k = {0};
	struct trained_vocab v = {0};
	int code = open_specials(&k.tokenizer, e);
	if (!code)
		code = count_files(&k, paths, count, e);
	if (!code) {
		say_what_was_lost(&k);
		code = train(a, &k, &v, e);
	}
	if (!code)
		code = file_writer_write(w, v.text.data, v.text.size, e);
	if (!code)
		code = file_writer_commit(w, e);
	else
		file_writer_abort(w);
	if (!code)
		say_what_is_there(a, &k, &v);
	trained_vocab_free(&v);
	record_free(&k.record);
	word_counts_free(&k.counts);
	tokenizer_close(k.tokenizer);
	return code;
}

/* ---- the command ---- */

static int check_args(const struct vocab_args *a, int count, struct err *e)
{
	if (!a->size || !a->out || !count)
		return err_set(e, ERR_USAGE, "vocab needs --size N, --out FILE and a text (- for standard input)");
	if (file_exists(a->out) && !a->force)
		return err_set(e, ERR_USAGE, "there is '%s' already: --force replaces it", a->out);
	return 0;
}

static int vocab_run(const struct command *c, int argc, char **argv, struct err *e)
{
	struct vocab_args a = {0};
	struct file_writer w;
	char **paths;
	int count, code = opt_parse(c, argc, argv, &a, &paths, &count, e);
	if (!code)
		code = check_args(&a, count, e);
	if (code)
		return code;
	interrupt_install();
	/* Opened first: a folder that cannot be written to should not cost the time of a training. */
	code = file_writer_open(&w, a.out, e);
	return code ? code : make_vocabulary(&a, paths, count, &w, e);
}

const struct command vocab_command = {
	.name = "vocab",
	.summary = "train a WordPiece vocabulary on texts",
	.usage = "--size N --out FILE [OPTION...] TEXT|-...",
	.details =
		"Reads texts, one a line, splits them into words as BERT uncased does, and merges the pair of pieces that\n"
		"occurs most often until there are N: [PAD] [UNK] [CLS] [SEP] [MASK], the alphabet, then what was merged, in\n"
		"order. Of pairs that occur equally often, the one with the lower ids goes first, so the same texts give the\n"
		"same vocabulary, in whatever order they come. Fewer than N is an error that says how many there can be.",
	.examples = "adapler vocab --size 12000 --out vocab.txt reviews.txt sentences.txt\n"
				"cut -f1 train.tsv | adapler vocab --size 8000 --out vocab.txt -",
	.options = options,
	.run = vocab_run,
};
