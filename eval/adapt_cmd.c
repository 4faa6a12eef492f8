/* adapler adapt: AdapLeR's training run. */
#include "saliency_file.h"
#include "train_task.h"

#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct adapt_args {
	struct task_args task;
	const char *saliency;
	double gamma, phi, speed_rate, lambda, lambda_factor, tolerance, dense_score;
};

static const struct opt options[] = {
	TASK_OPTIONS(struct adapt_args, "5", "3e-5"),
	{"saliency", 0, OPT_FILE, offsetof(struct adapt_args, saliency), "FILE", "from adapler saliency", 0, 0},
	{"gamma", 0, OPT_DOUBLE, offsetof(struct adapt_args, gamma), "G", "weight of the predictors' loss (0.005)", 0, 0},
	{"phi", 0, OPT_DOUBLE, offsetof(struct adapt_args, phi), "P", "weight of the length: the speed (0.0005)", 0, 0},
	{"speed-lr", 0, OPT_DOUBLE, offsetof(struct adapt_args, speed_rate), "X", "learning rate of the thresholds (5e-4)",
     0, 0},
	{"lambda", 0, OPT_DOUBLE, offsetof(struct adapt_args, lambda), "X",
     "how hard removal is in the first epoch (10; of 3 epochs 50, of one 1e5)", 0, 0},
	{"lambda-factor", 0, OPT_DOUBLE, offsetof(struct adapt_args, lambda_factor), "X",
     "by which it grows each epoch (of 3 epochs 50, of 10 3; else, and with --lambda, such that it ends at 1e5)", 0, 0},
	{"tolerance", 0, OPT_DOUBLE, offsetof(struct adapt_args, tolerance), "X",
     "the fastest epoch within X of the dense dev score is kept (0.01)", 0, 0},
	{"dense-score", 0, OPT_DOUBLE, offsetof(struct adapt_args, dense_score), "X",
     "the dense dev score (the one in the saliency file)", 0, 0},
	{.kind = OPT_END},
};

/* method.md's schedules of lambda, and one for a single epoch, which is trained as it is judged: hard. */
static const struct schedule {
	int epochs;
	double lambda, factor;
} schedules[] = {{1, 1e5, 1}, {3, 50, 50}, {5, 10, 10}, {10, 10, 3}};

/* Other numbers of epochs begin at 10; they, and every lambda that is asked for, end at 1e5 (or stay above it). */
static void set_schedule(struct adapt_args *a)
{
	const int epochs = a->task.train.epochs;
	struct schedule s = {epochs, 10, NAN};
	for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++)
		s = schedules[i].epochs == epochs ? schedules[i] : s;
	if (!isnan(a->lambda))
		s = (struct schedule){epochs, a->lambda, NAN};
	if (isnan(s.factor))
		s.factor = epochs > 1 ? pow(fmax(1e5 / s.lambda, 1), 1.0 / (epochs - 1)) : 1;
	a->lambda = s.lambda;
	if (isnan(a->lambda_factor))
		a->lambda_factor = s.factor;
}

static int run(struct train_task *t, const struct adapt_args *a, struct err *e)
{
	struct training_plan plan = {.speed_rate = a->speed_rate,
	                             .lambda = a->lambda,
	                             .lambda_factor = a->lambda_factor,
	                             .floor = a->dense_score - a->tolerance};
	struct training_result r;
	if (isnan(a->dense_score))
		log_warn("the dense dev score is unknown (--dense-score): the best score is kept");
	int code = train_task_run(t, &plan, &r, e);
	if (!code && isfinite(plan.floor) && !(r.score.score >= plan.floor))
		log_warn("no epoch's dev score is within the tolerance (%.4f): the best score is kept", plan.floor);
	return code;
}

static int open_saliency(struct saliency_file *s, struct train_task *t, const char *path, struct err *e)
{
	struct saliency_key key = {.max_length = t->max_length};
	snprintf(key.task, sizeof key.task, "%s", t->train.rows.task->name);
	snprintf(key.split, sizeof key.split, "%s", split_name(t->train.rows.split));
	memcpy(key.data_sha, t->train.sha, sizeof key.data_sha);
	memcpy(key.token_sha, t->train.token_sha, sizeof key.token_sha);
	memcpy(key.dev_sha, t->dev.sha, sizeof key.dev_sha);
	return saliency_open(s, path, &key, &t->train.texts, e);
}

static int adapt(struct adapt_args *a, const struct command *command, struct err *e)
{
	struct train_task t = {.kind = "adapt", .policy = "adapler", .log = {.command = command, .values = a}};
	struct saliency_file s = {.values = NULL};
	int code = train_task_read(&t, &a->task, e);
	if (!code)
		code = open_saliency(&s, &t, a->saliency, e);
	if (!code && isnan(a->dense_score))
		a->dense_score = s.key.dev_score; /* before the run, which notes its options */
	t.saliency_sha = s.sha;
	t.options.adapler = 1;
	t.options.gamma = a->gamma;
	t.options.phi = a->phi;
	if (!code)
		code = train_task_open(&t, e);
	if (!code)
		code = run(&t, a, e);
	saliency_close(&s);
	train_task_close(&t);
	return code;
}

static int check_args(const struct adapt_args *a, struct err *e)
{
	int code = train_task_check_args(&a->task, "adapt", e);
	if (code)
		return code;
	if (!a->saliency)
		return err_set(e, ERR_USAGE, "adapt needs --saliency FILE, which adapler saliency makes");
	if (a->gamma < 0 || a->phi < 0 || a->tolerance < 0 || a->speed_rate < 0)
		return err_set(e, ERR_USAGE, "--gamma, --phi, --speed-lr and --tolerance must not be negative");
	if (a->lambda <= 0 || a->lambda_factor <= 0)
		return err_set(e, ERR_USAGE, "--lambda and --lambda-factor must be above 0");
	return 0;
}

static int adapt_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct adapt_args a = {
		.task = {.train = {.epochs = 5, .rate = 3e-5, .dropout = NAN, .checkpoint_minutes = 5}, .batch = 32},
		.gamma = 0.005,
		.phi = 0.0005,
		.speed_rate = 5e-4,
		.lambda = NAN,
		.lambda_factor = NAN,
		.tolerance = 0.01,
		.dense_score = NAN};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (count)
		return err_set(e, ERR_USAGE, "adapt takes no arguments, found '%s'", rest[0]);
	if ((code = check_args(&a, e)))
		return code;
	interrupt_install();
	set_schedule(&a);
	return adapt(&a, command, e);
}

const struct command adapt_command = {
	.name = "adapt",
	.summary = "train a classifier that drops tokens: AdapLeR",
	.usage = "--model DIR --saliency FILE --task T --data DATA --out DIR [--gamma G] [--phi P] [OPTION...]",
	.details =
		"Trains the network and its contribution predictors (task + gamma * KL to the saliency) and the thresholds\n"
		"eta and theta (task + phi * length) by soft removal. Its lambda grows each epoch e until it is as good as\n"
		"hard removal: 10 * 10^e over 5 epochs, 50 * 50^e over 3, 10 * 3^e over 10, from 10 to 1e5 over others, and\n"
		"1e5 in a single one. After each epoch dev is judged with hard removal. OUT is the fastest epoch whose dev\n"
		"score is within --tolerance of the dense one. Starts from the pretrained model, not from the fine-tuned\n"
		"one. More phi: fewer tokens. With few steps the thresholds need a larger --speed-lr (2e-3) to get\n"
		"anywhere.",
	.examples =
		"adapler adapt --model adapler-mini --saliency sst2.saliency --task sst2 --data glue/SST-2 --lr 2e-4 \\\n"
		"    --gamma 0.05 --phi 0.005 --speed-lr 2e-3 --out sst2-fast",
	.options = options,
	.run = adapt_run,
};
