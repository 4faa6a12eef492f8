/* adapler pretrain: masked language modelling on plain text, one document a line. */
#include "encoded.h"
#include "train_log.h"

#include "../engine/base/file.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/rng.h"
#include "../engine/base/sha256.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pretrain_args {
	struct train_args train;
	const char *text;
	int batch_tokens;
	double held_out;
};

static const struct opt options[] = {
	TRAIN_OPTIONS(struct pretrain_args, train, "10", "5e-4"),
	{"text", 0, OPT_FILE, offsetof(struct pretrain_args, text), "FILE",
     "one document a line; more files may follow as arguments", 0, 0},
	{"batch-tokens", 0, OPT_INT, offsetof(struct pretrain_args, batch_tokens), "N", "tokens of a step (8192)", 16,
     1 << 22},
	{"held-out", 0, OPT_DOUBLE, offsetof(struct pretrain_args, held_out), "X",
     "share of the documents that only judges (0.005)", 0, 0},
	{.kind = OPT_END},
};

/* Documents cut into pieces that the model takes, [CLS] and [SEP] around each: nothing is joined, nothing is padded. */
struct pieces {
	int *ids;
	size_t count, capacity;   /* ids */
	struct example *examples; /* while gathering, ids are offsets: see finish_pieces */
	size_t *begin;
	int pieces, room;
};

struct pretraining {
	struct pretrain_args args;
	struct tokenizer *tokenizer;
	int max_length, mask_id, cls_id, sep_id;
	struct pieces train, dev;
	int *dev_ids, *dev_targets; /* the held-out texts with words hidden, always the same ones */
	const struct example **dev_list;
	struct sha256 hash;
	int64_t documents;
	struct train_log log;
};

static void pieces_free(struct pieces *p)
{
	free(p->ids);
	free(p->examples);
	free(p->begin);
}

static int reserve(struct pieces *p, size_t ids, struct err *e)
{
	if (p->pieces == p->room) {
		const int room = p->room ? 2 * p->room : 1024;
		struct example *examples = realloc(p->examples, (size_t)room * sizeof *examples);
		p->examples = examples ? examples : p->examples;
		size_t *begin = realloc(p->begin, (size_t)room * sizeof *begin);
		p->begin = begin ? begin : p->begin;
		if (!examples || !begin)
			return err_set(e, ERR_MEMORY, "out of memory for %d texts", room);
		p->room = room;
		/* cppcheck-suppress memleak ; what was moved is kept */
	}
	if (p->count + ids > p->capacity) {
		const size_t capacity = 2 * (p->count + ids) + 4096;
		int *moved = realloc(p->ids, capacity * sizeof *moved);
		if (!moved)
			return err_set(e, ERR_MEMORY, "out of memory for %zu tokens", capacity);
		p->ids = moved;
		p->capacity = capacity;
	}
	return 0;
}

static int add_piece(const struct pretraining *x, struct pieces *p, const int *words, int n, struct err *e)
{
	int code = reserve(p, (size_t)n + 2, e);
	if (code)
		return code;
	int *to = p->ids + p->count;
	to[0] = x->cls_id;
	memcpy(to + 1, words, (size_t)n * sizeof *to);
	to[n + 1] = x->sep_id;
	p->examples[p->pieces] = (struct example){.n = n + 2};
	p->begin[p->pieces++] = p->count;
	p->count += (size_t)n + 2;
	return 0;
}

/* The ids have stopped moving. */
static void finish_pieces(struct pieces *p)
{
	for (int i = 0; i < p->pieces; i++)
		p->examples[i].ids = p->ids + p->begin[i];
}

/* A document in as few pieces as possible, as equal as possible. */
static int add_document(struct pretraining *x, const struct encoding *doc, struct err *e)
{
	const int words = doc->n - 2, most = x->max_length - 2, count = (words + most - 1) / most;
	const int is_dev = rng_uniform(0, rng_stream("held-out"), (uint64_t)x->documents++) < x->args.held_out;
	int code = 0;
	for (int i = 0; i < count && !code; i++) {
		const int begin = (int)((int64_t)words * i / count), end = (int)((int64_t)words * (i + 1) / count);
		code = add_piece(x, is_dev ? &x->dev : &x->train, doc->ids + 1 + begin, end - begin, e);
	}
	return code;
}

static int read_line(struct pretraining *x, const char *line, size_t size, struct encoding *doc, struct err *e)
{
	int code = tokenizer_encode(x->tokenizer, line, size, NULL, 0, 0, doc, e);
	if (!code && doc->n > 2)
		code = add_document(x, doc, e);
	return code;
}

static int read_text(struct pretraining *x, const char *path, struct err *e)
{
	struct file_map map;
	struct encoding doc = {0};
	int code = file_map_open(&map, path, e);
	if (code)
		return code;
	const char *at = (const char *)map.data, *end = map.data ? at + map.size : at;
	struct progress progress;
	progress_begin(&progress, "reading", "bytes", (int64_t)map.size, log_is_quiet());
	while (at < end && !code) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		code = read_line(x, at, (size_t)(stop - at), &doc, e);
		at = newline ? newline + 1 : end;
		progress_update(&progress, at - (const char *)map.data, NULL);
		if (!code && interrupt_pending())
			code = err_set(e, ERR_INTERRUPTED, "interrupted while reading '%s'", path);
	}
	progress_end(&progress);
	if (map.data)
		sha256_add(&x->hash, map.data, map.size);
	encoding_free(&doc);
	file_map_close(&map);
	return code;
}

static int find_piece(int *id, const struct pretraining *x, const char *piece, struct err *e)
{
	*id = tokenizer_find(x->tokenizer, piece);
	return *id >= 0 ? 0
	                : err_set(e, ERR_MISMATCH, "the vocabulary of '%s' has no piece '%s'", x->args.train.model, piece);
}

static int open_tokenizer(struct pretraining *x, struct err *e)
{
	int code = tokenizer_open(&x->tokenizer, x->args.train.model, e);
	if (!code)
		code = find_piece(&x->mask_id, x, "[MASK]", e);
	if (!code)
		code = find_piece(&x->cls_id, x, "[CLS]", e);
	return code ? code : find_piece(&x->sep_id, x, "[SEP]", e);
}

static int read_texts(struct pretraining *x, char **more, int count, struct err *e)
{
	sha256_init(&x->hash);
	int code = x->args.text ? read_text(x, x->args.text, e) : 0;
	for (int i = 0; i < count && !code; i++)
		code = read_text(x, more[i], e);
	if (!code && !x->train.pieces)
		code = err_set(e, ERR_FORMAT, "there is no text to train on");
	finish_pieces(&x->train);
	finish_pieces(&x->dev);
	return code;
}

/* ---- judging -------------------------------------------------------------------------------------------------- */

static int mask_held_out(struct pretraining *x, const struct config *c, struct err *e)
{
	struct pieces *p = &x->dev;
	x->dev_ids = malloc((p->count + 1) * sizeof *x->dev_ids);
	x->dev_targets = malloc((p->count + 1) * sizeof *x->dev_targets);
	x->dev_list = malloc(((size_t)p->pieces + 1) * sizeof *x->dev_list);
	if (!x->dev_ids || !x->dev_targets || !x->dev_list)
		return err_set(e, ERR_MEMORY, "out of memory for %zu tokens", p->count);
	for (int i = 0; i < p->pieces; i++) {
		struct example *text = &p->examples[i];
		int *ids = x->dev_ids + p->begin[i], *targets = x->dev_targets + p->begin[i];
		training_mask(text, c, x->mask_id, 0, (uint64_t)i, ids, targets);
		text->ids = ids;
		text->targets = targets;
		x->dev_list[i] = text;
	}
	return 0;
}

static int on_epoch(void *arg, struct trainer *t, int epoch, int64_t step, struct training_score *out, struct err *e)
{
	struct train_log *l = arg;
	struct pretraining *x = l->owner;
	struct losses losses;
	if (!x->dev.pieces)
		return 0;
	int code = trainer_evaluate(t, x->dev_list, x->dev.pieces, &losses, e);
	if (!code)
		code = train_log_note(l, step, "dev/loss", losses.task, e);
	if (!code)
		code = train_log_note(l, step, "dev/correct", losses.correct, e);
	if (code)
		return code;
	*out = (struct training_score){-losses.task, NAN};
	train_log_say(l, "epoch %d: loss %.4f on held-out text, %.1f %% of hidden words right", epoch + 1, losses.task,
	              100 * losses.correct);
	return 0;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

/* What is learned from and judged by, after the vocabulary and the cutting: the same text may come as other tokens. */
static void hash_tokens(const struct pretraining *x, char hex[65])
{
	const struct pieces *parts[] = {&x->train, &x->dev};
	struct sha256 hash;
	sha256_init(&hash);
	for (int i = 0; i < 2; i++) {
		sha256_add(&hash, &parts[i]->count, sizeof parts[i]->count);
		sha256_add(&hash, parts[i]->ids, parts[i]->count * sizeof *parts[i]->ids);
	}
	sha256_end(&hash, hex);
}

static int run(struct pretraining *x, struct trainer *t, struct err *e)
{
	char data_sha[65], tokens_sha[65], identity[256];
	struct training_result result;
	sha256_end(&x->hash, data_sha);
	hash_tokens(x, tokens_sha);
	snprintf(identity, sizeof identity, "pretrain %s tokens %s held-out %.17g", data_sha, tokens_sha, x->args.held_out);
	x->log.args = &x->args.train;
	x->log.owner = x;
	x->log.run = (struct store_run){.kind = "pretrain", .data_sha = data_sha};
	struct training_plan plan = {
		.identity = identity, .batch_tokens = x->args.batch_tokens, .mask_id = x->mask_id, .keep = 1, .floor = NAN};
	struct training_events events = train_log_events(&x->log);
	events.epoch = on_epoch;
	int code = train_run(&x->log, t, x->train.examples, x->train.pieces, &plan, &events, &result, e);
	const double loss = x->dev.pieces ? -result.score.score : NAN;
	return code ? code : train_print_result(&x->args.train, &result, "loss", loss, e);
}

static int train(struct pretraining *x, char **more, int count, struct err *e)
{
	struct trainer *t = NULL;
	struct trainer_options o = {.objective = OBJECTIVE_MLM};
	int code = open_tokenizer(x, e);
	if (!code)
		code = encoded_max_length(&x->max_length, x->args.train.model, x->args.train.max_length, e);
	if (!code)
		code = read_texts(x, more, count, e);
	if (!code)
		code = train_open(&t, &x->args.train, &o, x->args.batch_tokens, x->max_length, e);
	if (!code)
		code = mask_held_out(x, model_config(trainer_model(t)), e);
	if (!code) {
		log_info("%lld documents; %zu tokens in %d texts to learn from, %zu in %d to judge by", (long long)x->documents,
		         x->train.count, x->train.pieces, x->dev.count, x->dev.pieces);
		code = run(x, t, e);
	}
	trainer_close(t);
	return code;
}

static int pretrain_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct pretraining x = {.args = {.train = {.epochs = 10, .rate = 5e-4, .dropout = NAN, .checkpoint_minutes = 5},
	                                 .batch_tokens = 8192,
	                                 .held_out = 0.005}};
	char **more;
	int count, code = opt_parse(command, argc, argv, &x.args, &more, &count, e);
	if (code)
		return code;
	code = train_check_args(&x.args.train, "pretrain", e);
	if (!code && !x.args.text && !count)
		code = err_set(e, ERR_USAGE, "pretrain needs --text FILE");
	if (!code && !(x.args.held_out >= 0 && x.args.held_out < 1))
		code = err_set(e, ERR_USAGE, "--held-out must be at least 0 and below 1, found %g", x.args.held_out);
	if (code)
		return code;
	interrupt_install();
	x.log.command = command;
	x.log.values = &x.args;
	code = train(&x, more, count, e);
	train_log_close(&x.log);
	tokenizer_close(x.tokenizer);
	pieces_free(&x.train);
	pieces_free(&x.dev);
	free(x.dev_ids);
	free(x.dev_targets);
	free(x.dev_list);
	return code;
}

const struct command pretrain_command = {
	.name = "pretrain",
	.summary = "train a model on plain text by masked language modelling",
	.usage = "--model DIR --text FILE... --out DIR [OPTION...]",
	.details =
		"Each line of the texts is a document. Documents longer than the model are cut into equal pieces; nothing is\n"
		"padded or joined. 15 % of the words are asked for, drawn anew each epoch: 80 % of them are hidden, 10 % are\n"
		"another word, 10 % stay. After each epoch the held-out documents are judged; OUT is the model of the best "
		"epoch.\n"
		"Interrupted or killed, the same command goes on where it was and ends with the same weights.",
	.examples = "adapler corpus --data data --out corpus.txt\n"
				"adapler vocab --size 12000 --out vocab.txt corpus.txt\n"
				"adapler init --config config.json --vocab vocab.txt --out fresh\n"
				"adapler pretrain --model fresh --text corpus.txt --out pretrained",
	.options = options,
	.run = pretrain_run,
};
