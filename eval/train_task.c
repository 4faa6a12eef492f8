#include "train_task.h"

#include "../engine/base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a batch of dev: enough to keep the processors busy, little beside what training takes. */
enum { JUDGED_ROWS = 256 };

int train_task_check_args(const struct task_args *a, const char *command, struct err *e)
{
	if (!a->task || !a->data)
		return err_set(e, ERR_USAGE, "%s needs --task T and --data DATA", command);
	return train_check_args(&a->train, command, e);
}

/* n / (classes * n_c), as scikit-learn balances. */
static void balance(double *weights, const struct dataset *d)
{
	for (int i = 0; i < d->count; i++)
		weights[d->sample[i].label]++;
	for (int c = 0; c < d->classes; c++)
		weights[c] = d->count / (d->classes * weights[c]);
}

static int parse_weights(double *weights, const char *text, int classes, struct err *e)
{
	const char *at = text;
	for (int c = 0; c < classes; c++) {
		char *end;
		weights[c] = strtod(at, &end);
		if (end == at || !(weights[c] > 0) || !isfinite(weights[c]) || *end != (c + 1 < classes ? '/' : '\0'))
			return err_set(e, ERR_USAGE,
			               "--class-weights must be 'balanced' or %d numbers above 0 with / between, found '%s'",
			               classes, text);
		at = end + 1;
	}
	return 0;
}

static int read_weights(struct train_task *t, struct err *e)
{
	const struct dataset *d = &t->train.rows;
	const char *text = t->args->class_weights;
	if (!text)
		return 0;
	if (!d->classes)
		return err_set(e, ERR_USAGE, "%s is a regression: it has no classes to weigh", d->task->name);
	t->class_weights = calloc((size_t)d->classes, sizeof *t->class_weights);
	if (!t->class_weights)
		return err_set(e, ERR_MEMORY, "out of memory for %d weights", d->classes);
	if (strcmp(text, "balanced") != 0)
		return parse_weights(t->class_weights, text, d->classes, e);
	balance(t->class_weights, d);
	return 0;
}

int train_task_read(struct train_task *t, struct task_args *a, struct err *e)
{
	t->args = a;
	int code = encoded_max_length(&t->max_length, a->train.model, a->train.max_length, e);
	if (!code)
		code = tokenizer_open(&t->tokenizer, a->train.model, e);
	if (!code)
		code = task_split_open(&t->train, a->task, a->data, SPLIT_TRAIN, a->limit, t->tokenizer, t->max_length, e);
	if (!code)
		code = task_split_open(&t->dev, a->task, a->data, SPLIT_DEV, 0, t->tokenizer, t->max_length, e);
	if (!code)
		code = task_split_check_labels(&t->train, e);
	return code ? code : read_weights(t, e);
}

/* Tokens of the largest batch. */
static int find_rows(const struct train_task *t, int64_t *rows, struct err *e)
{
	const struct task_args *a = t->args;
	const struct encoded *texts = &t->train.texts;
	const struct training_plan plan = {
		.epochs = a->train.epochs, .batch = a->batch, .bucket = a->bucket, .seed = a->train.seed};
	return training_rows(texts->examples, texts->count, &plan, rows, e);
}

int train_task_open(struct train_task *t, struct err *e)
{
	const struct dataset *d = &t->train.rows;
	const struct encoded *texts = &t->train.texts;
	int64_t rows;
	t->options.objective = d->classes ? OBJECTIVE_CLASSIFY : OBJECTIVE_REGRESS;
	t->options.classes = d->classes ? d->classes : 1;
	t->options.labels = d->classes ? d->labels : NULL;
	t->options.class_weights = t->class_weights;
	const int longest = texts->longest > t->dev.texts.longest ? texts->longest : t->dev.texts.longest;
	t->options.max_sequences = t->args->batch < texts->count ? t->args->batch : texts->count;
	int code = find_rows(t, &rows, e);
	if (!code)
		code = train_open(&t->trainer, &t->args->train, &t->options, rows, longest, e);
	return code ? code : judge_check(&t->dev.rows, model_config(trainer_model(t->trainer)), e);
}

static int note_layer(struct train_task *t, int64_t step, int l, const char *what, double value, struct err *e)
{
	char name[40];
	snprintf(name, sizeof name, "layer-%d/%s", l, what);
	return train_log_note(&t->log, step, name, value, e);
}

static int note(struct train_task *t, const struct trainer *trainer, int64_t step, const char *metric, struct err *e)
{
	const struct judgement *j = &t->judged;
	const float *eta = model_eta(trainer_model(trainer));
	char name[40];
	snprintf(name, sizeof name, "dev/%s", metric);
	int code = train_log_note(&t->log, step, name, j->score, e);
	if (!code)
		code = train_log_note(&t->log, step, "dev/loss", j->loss, e);
	if (code || !t->options.adapler)
		return code;
	code = train_log_note(&t->log, step, "dev/flops_speedup", j->flops_speedup, e);
	for (int l = 0; l < j->L && !code; l++) {
		code = note_layer(t, step, l, "kept", j->kept[l], e);
		if (!code)
			code = note_layer(t, step, l, "eta", (double)eta[l], e);
	}
	return code;
}

static void say(struct train_task *t, int epoch, const char *metric)
{
	const struct judgement *j = &t->judged;
	char kept[16 * FACTS_LAYERS_MAX] = "", speed[64] = "";
	int at = 0;
	for (int l = 0; l < j->L && t->options.adapler; l++)
		at += snprintf(kept + at, sizeof kept - (size_t)at, " %.2f", j->kept[l]);
	if (t->options.adapler)
		snprintf(speed, sizeof speed, ", FLOPs speedup %.2f, kept by layer", j->flops_speedup);
	train_log_say(&t->log, "epoch %d: dev %s %.4f, loss %.4f%s%s", epoch + 1, metric, j->score, j->loss, speed, kept);
}

static int on_epoch(void *arg, struct trainer *trainer, int epoch, int64_t step, struct training_score *out,
                    struct err *e)
{
	struct train_log *l = arg;
	struct train_task *t = l->owner;
	const struct judge_options o = {.policy = t->policy, .threads = t->args->train.threads, .rows = JUDGED_ROWS};
	const char *metric = t->dev.rows.task->metrics[0];
	int code = judge(&t->judged, trainer_model(trainer), &t->dev.rows, &t->dev.texts, &o, e);
	if (!code)
		code = note(t, trainer, step, metric, e);
	if (!code)
		say(t, epoch, metric);
	*out = (struct training_score){t->judged.score, t->options.adapler ? t->judged.flops_speedup : NAN};
	return code;
}

int train_task_run(struct train_task *t, struct training_plan *plan, struct training_result *out, struct err *e)
{
	const struct task_args *a = t->args;
	const char *saliency = t->saliency_sha ? t->saliency_sha : "";
	snprintf(t->identity, sizeof t->identity, "%s %.200s train %s dev %s tokens %s%s%s", t->kind, a->task, t->train.sha,
	         t->dev.sha, t->train.token_sha, *saliency ? " saliency " : "", saliency);
	t->log.args = &a->train;
	t->log.owner = t;
	t->log.run = (struct store_run){.kind = t->kind,
	                                .task = t->train.rows.task->name,
	                                .split = "train",
	                                .policy = t->options.adapler ? t->policy : NULL,
	                                .data_sha = t->train.sha};
	plan->identity = t->identity;
	plan->batch = a->batch;
	plan->bucket = a->bucket;
	struct training_events events = train_log_events(&t->log);
	events.epoch = on_epoch;
	int code = train_run(&t->log, t->trainer, t->train.texts.examples, t->train.texts.count, plan, &events, out, e);
	return code ? code : train_print_result(&a->train, out, t->dev.rows.task->metrics[0], out->score.score, e);
}

void train_task_close(struct train_task *t)
{
	trainer_close(t->trainer);
	train_log_close(&t->log);
	task_split_close(&t->train);
	task_split_close(&t->dev);
	tokenizer_close(t->tokenizer);
	free(t->class_weights);
}
