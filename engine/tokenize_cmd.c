/* adapler tokenize: texts in, their pieces out, a JSON object a line.
 *
 * A batch of records is read, tokenised by all threads, and written in order; then comes the next. So memory is bounded by
 * the batch (or by the longest line), however long the input is. */
#include "base/buf.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/pool.h"
#include "engine.h"
#include "input.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Threads take GROUP records at a time; a batch ends with its records or its bytes, whichever comes first. */
enum { GROUP = 8, GROUPS = 256, RECORDS = GROUP * GROUPS, BATCH_BYTES = 1 << 20 };
/* Digits and punctuation of one piece in the five lists, at most. */
enum { PIECE_BYTES = 80, RECORD_BYTES = 128, INT_BYTES = 12 };

struct tokenize_args {
	const char *model, *vocab;
	int format, threads, max_length;
};

#define OPTION(name, letter, kind, field, metavar, help, low, high)                         \
	{                                                                                       \
		name, letter, kind, offsetof(struct tokenize_args, field), metavar, help, low, high \
	}

static const struct opt options[] = {
	OPTION("model", 'm', OPT_DIR, model, "DIR", "a directory with tokenizer.json or vocab.txt", 0, 0),
	OPTION("vocab", 0, OPT_FILE, vocab, "FILE", "a vocab.txt by itself (lower-casing, as BERT uncased)", 0, 0),
	OPTION("max-length", 0, OPT_INT, max_length, "N",
           "pieces a text or pair at most, [CLS] and [SEP] counted (default: all)", 2, 1 << 30),
	OPTION("format", 'f', OPT_CHOICE, format, "lines|jsonl", "of the input (default lines)", 0, 0),
	OPTION("threads", 'j', OPT_INT, threads, "N", "threads (default: one per processor)", 1, 1024),
	{.kind = OPT_END},
};

/* What one thread does at a time. */
struct group {
	struct buf out;
	struct err error;
	long truncated, replaced;
};

struct tokenizing {
	const struct tokenize_args *args;
	struct tokenizer *tokenizer;
	struct pool *pool;
	struct encoding *encodings; /* one a worker */
	struct input input;
	struct record *records; /* [RECORDS] */
	struct group *groups;   /* [GROUPS] */
	struct buf quoted;      /* every piece as a JSON string; piece i is quoted[quoted_at[i] .. quoted_at[i+1]) */
	size_t *quoted_at;
	int count; /* records of the batch */
	long done, truncated, replaced;
};

/* ---- one record ---- */

static char *write_int(char *to, int value)
{
	char digits[INT_BYTES];
	unsigned left = value < 0 ? 0u - (unsigned)value : (unsigned)value;
	int n = 0;
	do {
		digits[n++] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (value < 0)
		*to++ = '-';
	while (n)
		*to++ = digits[--n];
	return to;
}

static char *write_text(char *to, const char *text)
{
	size_t size = strlen(text);
	memcpy(to, text, size);
	return to + size;
}

static char *write_ints(char *to, const char *name, const int *values, int n)
{
	to = write_text(to, name);
	for (int i = 0; i < n; i++) {
		if (i)
			*to++ = ',';
		to = write_int(to, values[i]);
	}
	return to;
}

static char *write_tokens(char *to, const struct tokenizing *z, const struct encoding *x)
{
	to = write_text(to, "],\"tokens\":[");
	for (int i = 0; i < x->n; i++) {
		size_t from = z->quoted_at[x->ids[i]], size = z->quoted_at[x->ids[i] + 1] - from;
		if (i)
			*to++ = ',';
		memcpy(to, z->quoted.data + from, size);
		to += size;
	}
	return to;
}

static char *write_word_ids(char *to, const struct encoding *x)
{
	to = write_text(to, "],\"word_ids\":[");
	for (int i = 0; i < x->n; i++) {
		if (i)
			*to++ = ',';
		to = x->word_ids[i] < 0 ? write_text(to, "null") : write_int(to, x->word_ids[i]);
	}
	return to;
}

static char *write_offsets(char *to, const struct encoding *x)
{
	to = write_text(to, "],\"offsets\":[");
	for (int i = 0; i < x->n; i++) {
		to = write_text(to, i ? ",[" : "[");
		to = write_int(to, x->offsets[i][0]);
		*to++ = ',';
		to = write_int(to, x->offsets[i][1]);
		*to++ = ']';
	}
	return to;
}

static void add_json(struct buf *out, const struct tokenizing *z, const struct encoding *x)
{
	size_t bound = RECORD_BYTES + (size_t)x->n * PIECE_BYTES;
	for (int i = 0; i < x->n; i++)
		bound += z->quoted_at[x->ids[i] + 1] - z->quoted_at[x->ids[i]];
	char *begin = buf_reserve(out, bound);
	if (!begin)
		return;
	char *to = write_ints(begin, "{\"ids\":[", x->ids, x->n);
	to = write_ints(to, "],\"type_ids\":[", x->type_ids, x->n);
	to = write_tokens(to, z, x);
	to = write_word_ids(to, x);
	to = write_offsets(to, x);
	to = write_text(to, "]}\n");
	out->size += (size_t)(to - begin);
}

/* ---- one batch ---- */

static const char *text_of(const struct buf *b) { return b->data ? b->data : ""; }

static int tokenize_record(const struct tokenizing *z, struct group *g, const struct record *r, struct encoding *x)
{
	struct err fault = {0};
	int code = tokenizer_encode(z->tokenizer, text_of(&r->text), r->text.size, r->has_pair ? text_of(&r->pair) : NULL,
	                            r->pair.size, z->args->max_length, x, &fault);
	if (code)
		return err_set(&g->error, code, "%.800s, in '%.100s' line %ld", fault.text, z->input.name, r->line);
	g->truncated += x->truncated > 0;
	g->replaced += x->replaced > 0;
	add_json(&g->out, z, x);
	return buf_check(&g->out, &g->error);
}

static void tokenize_group(void *arg, int task, int worker)
{
	struct tokenizing *z = arg;
	struct group *g = &z->groups[task];
	int from = task * GROUP, to = from + GROUP < z->count ? from + GROUP : z->count;
	buf_reset(&g->out);
	g->truncated = g->replaced = 0;
	for (int i = from; i < to; i++)
		if (tokenize_record(z, g, &z->records[i], &z->encodings[worker]))
			break;
}

/* What a single long line needed is not kept for thousands of short ones. */
static void trim(struct buf *b)
{
	if (b->capacity > BATCH_BYTES)
		buf_free(b);
}

/* Writes the groups in order, up to the first fault. */
static int write_groups(struct tokenizing *z, int groups, struct err *e)
{
	for (int i = 0; i < groups; i++) {
		struct group *g = &z->groups[i];
		if (g->out.size && fwrite(g->out.data, 1, g->out.size, stdout) != g->out.size)
			return err_set_errno(e, errno, "cannot write the pieces");
		if (g->error.code)
			return err_set(e, g->error.code, "%s", g->error.text);
		z->truncated += g->truncated;
		z->replaced += g->replaced;
		trim(&g->out);
	}
	return fflush(stdout) ? err_set_errno(e, errno, "cannot write the pieces") : 0;
}

static int read_batch(struct tokenizing *z, int *more, struct err *e)
{
	int code = 0;
	size_t bytes = 0;
	for (z->count = 0; z->count < RECORDS && bytes < BATCH_BYTES; z->count++) {
		struct record *r = &z->records[z->count];
		trim(&r->text);
		trim(&r->pair);
		code = input_next(&z->input, r, more, e);
		if (code || !*more)
			break;
		bytes += r->text.size + r->pair.size;
	}
	return code;
}

/* Records before a bad line are worth their pieces. */
static int tokenize_all(struct tokenizing *z, struct err *e)
{
	int code = 0, more = 1;
	while (!code && more && !interrupt_pending()) {
		code = read_batch(z, &more, e);
		int groups = (z->count + GROUP - 1) / GROUP;
		pool_for(z->pool, groups, tokenize_group, z);
		int written = write_groups(z, groups, e);
		z->done += z->count;
		code = code ? code : written;
	}
	if (!code && more)
		return err_set(e, ERR_INTERRUPTED, "interrupted after %ld texts", z->done);
	return code;
}

/* ---- the command ---- */

static int quote_pieces(struct tokenizing *z, struct err *e)
{
	int size = tokenizer_size(z->tokenizer);
	z->quoted_at = malloc(((size_t)size + 1) * sizeof *z->quoted_at);
	if (!z->quoted_at)
		return err_set(e, ERR_MEMORY, "out of memory for %d pieces", size);
	for (int id = 0; id < size; id++) {
		const char *piece = tokenizer_piece(z->tokenizer, id);
		z->quoted_at[id] = z->quoted.size;
		buf_add_json_string(&z->quoted, piece, strlen(piece));
	}
	z->quoted_at[size] = z->quoted.size;
	return buf_check(&z->quoted, e);
}

static int open_all(struct tokenizing *z, struct err *e)
{
	const struct tokenize_args *a = z->args;
	int code = tokenizer_open(&z->tokenizer, a->model ? a->model : a->vocab, e);
	if (code || (code = quote_pieces(z, e)) || (code = pool_open(&z->pool, a->threads, e)))
		return code;
	z->encodings = calloc((size_t)pool_threads(z->pool), sizeof *z->encodings);
	z->records = calloc(RECORDS, sizeof *z->records);
	z->groups = calloc(GROUPS, sizeof *z->groups);
	if (!z->encodings || !z->records || !z->groups)
		return err_set(e, ERR_MEMORY, "out of memory for a batch of texts");
	return 0;
}

static void close_all(struct tokenizing *z)
{
	input_close(&z->input);
	for (int i = 0; z->encodings && i < pool_threads(z->pool); i++)
		encoding_free(&z->encodings[i]);
	for (int i = 0; z->records && i < RECORDS; i++)
		record_free(&z->records[i]);
	for (int i = 0; z->groups && i < GROUPS; i++)
		buf_free(&z->groups[i].out);
	pool_close(z->pool);
	free(z->encodings);
	free(z->records);
	free(z->groups);
	free(z->quoted_at);
	buf_free(&z->quoted);
	tokenizer_close(z->tokenizer);
}

static void say_what_was_lost(const struct tokenizing *z)
{
	if (z->truncated)
		log_warn("%ld of %ld texts were cut to %d pieces", z->truncated, z->done, z->args->max_length);
	if (z->replaced)
		log_warn("%ld of %ld texts had bytes that are not UTF-8, read as U+FFFD", z->replaced, z->done);
}

static int tokenize_run(const struct command *c, int argc, char **argv, struct err *e)
{
	struct tokenize_args args = {0};
	char **files;
	int count, code = opt_parse(c, argc, argv, &args, &files, &count, e);
	if (code)
		return code;
	if (!args.model == !args.vocab)
		return err_set(e, ERR_USAGE, "tokenize needs --model DIR or --vocab FILE, one of the two");
	if (count > 1)
		return err_set(e, ERR_USAGE, "tokenize takes one file, found %d", count);
	struct tokenizing z = {.args = &args};
	interrupt_install();
	code = open_all(&z, e);
	if (!code && !(code = input_open(&z.input, count ? files[0] : "-", (enum input_format)args.format, e)))
		code = tokenize_all(&z, e);
	say_what_was_lost(&z);
	close_all(&z);
	return code;
}

const struct command tokenize_command = {
	.name = "tokenize",
	.summary = "split texts into the pieces that a model reads",
	.usage = "--model DIR|--vocab FILE [OPTION...] [FILE|-]",
	.details =
		"Reads texts, one a line, where a TAB splits a pair; or, with --format jsonl, objects\n"
		"{\"text\": .., \"text_pair\": ..}. Prints one JSON object a line: ids, type_ids, tokens, word_ids (null for\n"
		"specials) and offsets, [begin,end) in bytes of the text given ([0,0] for specials). The pieces are those of\n"
		"Hugging Face's BertTokenizerFast. Bytes that are not UTF-8 read as U+FFFD.",
	.examples = "echo 'so it goes' | adapler tokenize --vocab vocab.txt\n"
				"adapler tokenize --model bert-base-uncased --max-length 128 pairs.tsv > pieces.jsonl   # pairs by TAB",
	.options = options,
	.run = tokenize_run,
};
