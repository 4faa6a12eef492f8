/* adapler finetune: a classifier, or a regression, from a pretrained model. */
#include "train_task.h"

#include "../engine/base/interrupt.h"

#include <math.h>
#include <stdio.h>

struct finetune_args {
	struct task_args task;
};

static const struct opt options[] = {
	TASK_OPTIONS(struct finetune_args, "3", "2e-5"),
	{.kind = OPT_END},
};

static int on_epoch(void *arg, struct trainer *trainer, int epoch, int64_t step, struct training_score *out,
                    struct err *e)
{
	struct train_log *l = arg;
	struct train_task *t = l->owner;
	int code = train_task_judge(t, trainer, epoch, step, e);
	*out = (struct training_score){t->judged.score, NAN};
	return code;
}

static int run(struct train_task *t, struct err *e)
{
	char identity[600];
	const struct task_args *a = t->args;
	snprintf(identity, sizeof identity, "finetune %.200s train %s dev %s tokens %s", a->task, t->train.sha, t->dev.sha,
	         t->train.token_sha);
	t->log.args = &a->train;
	t->log.owner = t;
	t->log.run = (struct store_run){
		.kind = "finetune", .task = t->train.rows.task->name, .split = "train", .data_sha = t->train.sha};
	struct training_plan plan = {.identity = identity, .batch = a->batch, .bucket = a->bucket, .floor = NAN};
	struct training_events events = train_log_events(&t->log);
	struct training_result r;
	events.epoch = on_epoch;
	int code = train_run(&t->log, t->trainer, t->train.texts.examples, t->train.texts.count, &plan, &events, &r, e);
	return code ? code : train_print_result(&a->train, &r, t->dev.rows.task->metrics[0], r.score.score, e);
}

static int finetune_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct finetune_args args = {
		.task = {.train = {.epochs = 3, .rate = 2e-5, .dropout = NAN, .checkpoint_minutes = 5}, .batch = 32}};
	struct train_task t = {.policy = "none", .log = {.command = command, .values = &args}};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &args, &rest, &count, e);
	if (code)
		return code;
	if (count)
		return err_set(e, ERR_USAGE, "finetune takes no arguments, found '%s'", rest[0]);
	if ((code = train_task_check_args(&args.task, "finetune", e)))
		return code;
	interrupt_install();
	code = train_task_read(&t, &args.task, e);
	if (!code)
		code = train_task_open(&t, e);
	if (!code)
		code = run(&t, e);
	train_task_close(&t);
	return code;
}

const struct command finetune_command = {
	.name = "finetune",
	.summary = "train a classifier or a regression on a labelled task",
	.usage = "--model DIR --task T --data DATA --out DIR [OPTION...]",
	.details =
		"AdamW with linear warm-up and decay; dev is judged after every epoch. OUT is the best epoch's model, and\n"
		"OUT/epoch-N are the three best: `adapler saliency` averages over them. The learning rate that suits BERT-base "
		"is\n"
		"2e-5; small models want more (1e-4 to 5e-4). Interrupted or killed, the same command goes on where it was "
		"and\n"
		"ends with the same weights, whatever the number of threads.",
	.examples = "adapler finetune --model adapler-mini --task sst2 --data glue/SST-2 --lr 2e-4 --out sst2\n"
				"adapler finetune --model bert --task file::train=my.csv,text=review,label=stars --data . --out mine",
	.options = options,
	.run = finetune_run,
};
