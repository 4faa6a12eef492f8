/* adapler saliency: the teacher of AdapLeR's contribution predictors. */
#include "judge.h"
#include "saliency_file.h"
#include "task_data.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"
#include "../engine/base/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

struct saliency_args {
	const char *model, *task, *data, *split, *out;
	int max_length, limit, threads;
};

static const struct opt options[] = {
	{"model", 'm', OPT_STRING, offsetof(struct saliency_args, model), "DIR[,DIR...]",
     "fine-tuned models to average over", 0, 0},
	DATA_OPTIONS(struct saliency_args, task, data),
	{"split", 0, OPT_STRING, offsetof(struct saliency_args, split), "S", "train, dev or test (train)", 0, 0},
	{"out", 'o', OPT_FILE, offsetof(struct saliency_args, out), "FILE", "the file to write", 0, 0},
	{"max-length", 0, OPT_INT, offsetof(struct saliency_args, max_length), "N", "as adapt will have it (the model's)",
     4, 1 << 20},
	{"limit", 0, OPT_INT, offsetof(struct saliency_args, limit), "N", "as adapt will have it (all samples)", 1,
     1 << 30},
	{"threads", 't', OPT_INT, offsetof(struct saliency_args, threads), "N", "threads (one per processor)", 1, 1024},
	{.kind = OPT_END},
};

struct saliency_job {
	const struct saliency_args *args;
	char models[8192]; /* the list, cut at its commas */
	struct saliency_key key;
	struct tokenizer *tokenizer;
	struct task_split split, dev;
	float *sum, *one; /* [tokens] */
};

static int list_models(struct saliency_job *j, struct err *e)
{
	if (snprintf(j->models, sizeof j->models, "%s", j->args->model) >= (int)sizeof j->models)
		return err_set(e, ERR_LIMIT, "--model is longer than %zu bytes", sizeof j->models - 1);
	for (char *at = j->models, *next; at; at = next) {
		if (j->key.models == SALIENCY_MODELS_MAX)
			return err_set(e, ERR_LIMIT, "more than %d models", SALIENCY_MODELS_MAX);
		next = strchr(at, ',');
		if (next)
			*next++ = '\0';
		j->key.model[j->key.models++] = at;
	}
	return 0;
}

/* Each sample's saliency sums to 1 before models are averaged: none weighs more for its larger gradients. */
static void add_normalised(struct saliency_job *j)
{
	const struct encoded *x = &j->split.texts;
	size_t at = 0;
	for (int i = 0; i < x->count; at += (size_t)x->examples[i++].n) {
		double sum = 0;
		for (int k = 0; k < x->examples[i].n; k++)
			sum += (double)j->one[at + (size_t)k];
		for (int k = 0; k < x->examples[i].n && sum > 0; k++)
			j->sum[at + (size_t)k] += (float)((double)j->one[at + (size_t)k] / sum);
	}
}

static int run_model(struct saliency_job *j, int i, struct trainer *t, struct err *e)
{
	const struct encoded *x = &j->split.texts;
	const struct judge_options o = {.policy = "none", .threads = j->args->threads, .rows = trainer_rows(t)};
	struct judgement dev;
	struct progress progress;
	float *out = j->one;
	int code = judge(&dev, trainer_model(t), &j->dev.rows, &j->dev.texts, &o, e);
	if (code)
		return code;
	log_info("%s: dev %s %.4f", j->key.model[i], j->dev.rows.task->metrics[0], dev.score);
	if (isnan(j->key.dev_score) || dev.score > j->key.dev_score)
		j->key.dev_score = dev.score;
	progress_begin(&progress, "saliency", "texts", x->count, log_is_quiet());
	for (int at = 0; at < x->count && !code; at += BATCH) {
		const int count = x->count - at < BATCH ? x->count - at : BATCH;
		code = trainer_saliency(t, x->list + at, count, out, e);
		for (int k = 0; k < count; k++)
			out += x->examples[at + k].n;
		progress_update(&progress, at + count, NULL);
		if (!code && interrupt_pending())
			code = err_set(e, ERR_INTERRUPTED, "interrupted; nothing is written");
	}
	progress_end(&progress);
	return code;
}

static int add_model(struct saliency_job *j, int i, struct err *e)
{
	struct trainer *t;
	const struct dataset *d = &j->split.rows;
	const int longest = j->split.texts.longest > j->dev.texts.longest ? j->split.texts.longest : j->dev.texts.longest;
	const struct trainer_options o = {.objective = d->classes ? OBJECTIVE_CLASSIFY : OBJECTIVE_REGRESS,
	                                  .threads = j->args->threads,
	                                  .max_length = longest,
	                                  .max_rows = 4096};
	int code = model_sha256(j->key.model[i], j->key.model_sha[i], e);
	if (!code)
		code = trainer_open(&t, j->key.model[i], &o, e);
	if (code)
		return code;
	code = run_model(j, i, t, e);
	trainer_close(t);
	if (!code)
		add_normalised(j);
	return code;
}

/* The texts are tokenized once, for all models. */
static int check_vocabulary(const struct saliency_job *j, int i, struct err *e)
{
	struct tokenizer *t;
	int code = tokenizer_open(&t, j->key.model[i], e);
	if (code)
		return code;
	const int size = tokenizer_size(j->tokenizer);
	int same = tokenizer_size(t) == size;
	for (int id = 0; id < size && same; id++)
		same = !strcmp(tokenizer_piece(t, id), tokenizer_piece(j->tokenizer, id));
	tokenizer_close(t);
	return same
	           ? 0
	           : err_set(e, ERR_MISMATCH, "the vocabularies of '%s' and '%s' differ", j->key.model[0], j->key.model[i]);
}

static int read_splits(struct saliency_job *j, struct err *e)
{
	enum split split;
	const struct saliency_args *a = j->args;
	int code = split_parse(&split, a->split, e);
	if (!code)
		code = encoded_max_length(&j->key.max_length, j->key.model[0], a->max_length, e);
	if (!code)
		code = tokenizer_open(&j->tokenizer, j->key.model[0], e);
	for (int i = 1; i < j->key.models && !code; i++)
		code = check_vocabulary(j, i, e);
	if (!code)
		code = task_split_open(&j->split, a->task, a->data, split, a->limit, j->tokenizer, j->key.max_length, e);
	if (!code)
		code = task_split_open(&j->dev, a->task, a->data, SPLIT_DEV, 0, j->tokenizer, j->key.max_length, e);
	if (!code)
		code = dataset_check_labelled(&j->split.rows, e);
	const size_t tokens = (size_t)j->split.texts.tokens + 1;
	j->sum = calloc(tokens, sizeof *j->sum);
	j->one = calloc(tokens, sizeof *j->one);
	if (!code && (!j->sum || !j->one))
		code = err_set(e, ERR_MEMORY, "out of memory for the saliency of %zu tokens", tokens);
	return code;
}

/* Hours of work should not end with a folder that is not there. */
static int check_out(const char *path, struct err *e)
{
	struct file_writer w;
	int code = file_writer_open(&w, path, e);
	if (!code)
		file_writer_abort(&w);
	return code;
}

static int make(struct saliency_job *j, struct err *e)
{
	int code = check_out(j->args->out, e);
	if (!code)
		code = list_models(j, e);
	if (!code)
		code = read_splits(j, e);
	for (int i = 0; i < j->key.models && !code; i++)
		code = add_model(j, i, e);
	if (code)
		return code;
	snprintf(j->key.task, sizeof j->key.task, "%s", j->split.rows.task->name);
	snprintf(j->key.split, sizeof j->key.split, "%s", split_name(j->split.rows.split));
	memcpy(j->key.data_sha, j->split.sha, sizeof j->key.data_sha);
	memcpy(j->key.token_sha, j->split.token_sha, sizeof j->key.token_sha);
	memcpy(j->key.dev_sha, j->dev.sha, sizeof j->key.dev_sha);
	code = saliency_write(j->args->out, &j->key, &j->split.texts, j->sum, e);
	if (!code)
		log_info("wrote the saliency of %d texts, averaged over %d models, to %s", j->split.texts.count, j->key.models,
		         j->args->out);
	return code;
}

static int saliency_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct saliency_args a = {.split = "train"};
	struct saliency_job j = {.args = &a, .key = {.dev_score = NAN}};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.model || !a.task || !a.data || !a.out || count)
		return err_set(e, ERR_USAGE, "saliency needs --model DIR[,DIR...], --task T, --data DATA and --out FILE");
	interrupt_install();
	code = make(&j, e);
	task_split_close(&j.split);
	task_split_close(&j.dev);
	tokenizer_close(j.tokenizer);
	free(j.sum);
	free(j.one);
	return code;
}

const struct command saliency_command = {
	.name = "saliency",
	.summary = "compute what AdapLeR learns from: the saliency of every token",
	.usage = "--model DIR[,DIR...] --task T --data DATA [--split S] --out FILE",
	.details = "By token: the norm of gradient times embedding, of the true label's logit, on fine-tuned models, "
			   "without dropout;\n"
			   "normalised by text and averaged over the models (AdapLeR averages over the three best epochs). The "
			   "file's key\n"
			   "names the models, the data and the best dev score, which `adapler adapt` measures its own against.",
	.examples = "adapler saliency --model sst2/epoch-1,sst2/epoch-2,sst2/epoch-3 --task sst2 --data glue/SST-2 --out "
				"sst2.saliency",
	.options = options,
	.run = saliency_run,
};
