/* adapler finetune: a classifier, or a regression, from a pretrained model. */
#include "train_task.h"

#include "../engine/base/interrupt.h"

#include <math.h>

struct finetune_args {
	struct task_args task;
};

static const struct opt options[] = {
	TASK_OPTIONS(struct finetune_args, "3", "2e-5"),
	{.kind = OPT_END},
};

static int finetune_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct finetune_args args = {
		.task = {.train = {.epochs = 3, .rate = 2e-5, .dropout = NAN, .checkpoint_minutes = 5}, .batch = 32}};
	struct train_task t = {.kind = "finetune", .policy = "none", .log = {.command = command, .values = &args}};
	struct training_plan plan = {.floor = NAN};
	struct training_result result;
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
		code = train_task_run(&t, &plan, &result, e);
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
		"ends with the same weights, whatever the number of threads.\n"
		"\n"
		"Tasks: sst2 cola mrpc qqp stsb mnli mnli-mm qnli rte wnli imdb agnews dbpedia hatexplain hatexplain-toxic "
		"movies\n"
		"multirc, in their published layouts; or a .csv, .tsv or .jsonl with named columns:\n"
		"  file::train=FILE,dev=FILE,text=COLUMN,label=COLUMN\n"
		"without dev= a part of train is put aside; text_pair=COLUMN for pairs, value=COLUMN instead of label= for a\n"
		"regression, labels=a|b|c for an order of the classes. Paths are relative to --data.",
	.examples = "adapler finetune --model adapler-mini --task sst2 --data glue/SST-2 --lr 2e-4 --out sst2\n"
				"adapler finetune --model bert --task file::train=my.csv,text=review,label=stars --data . --out mine",
	.options = options,
	.run = finetune_run,
};
