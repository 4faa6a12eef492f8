/* adapler eval: a model on a labelled split under a policy: quality, FLOPs, time. */
#include "judge.h"
#include "task_data.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MOST = 1000 };

struct eval_args {
	const char *model, *task, *data, *split, *policy, *kernels;
	int max_length, limit, batch, threads, runs;
};

static const struct opt options[] = {
	{"model", 'm', OPT_DIR, offsetof(struct eval_args, model), "DIR", "a classifier or regression", 0, 0},
	DATA_OPTIONS(struct eval_args, task, data),
	{"split", 0, OPT_STRING, offsetof(struct eval_args, split), "S", "train, dev or test (dev)", 0, 0},
	{"policy", 'p', OPT_STRING, offsetof(struct eval_args, policy), "P", "what is dropped (none); see predict", 0, 0},
	{"max-length", 0, OPT_INT, offsetof(struct eval_args, max_length), "N", "longest text in tokens (the model's)", 4,
     1 << 20},
	{"limit", 0, OPT_INT, offsetof(struct eval_args, limit), "N", "so many samples, drawn by seed 0 (all)", 1, 1 << 30},
	{"batch", 0, OPT_INT, offsetof(struct eval_args, batch), "N", "texts at a time (32)", 1, 1 << 16},
	{"runs", 0, OPT_INT, offsetof(struct eval_args, runs), "N",
     "times that everything runs, in turn with the dense model (1)", 1, RUNS_MOST},
	{"threads", 't', OPT_INT, offsetof(struct eval_args, threads), "N", "threads (one per processor)", 1, 1024},
	{"kernels", 0, OPT_STRING, offsetof(struct eval_args, kernels), "NAME", "avx512, avx2, portable, openblas", 0, 0},
	{.kind = OPT_END},
};

struct evaluation {
	const struct eval_args *args;
	struct tokenizer *tokenizer;
	struct model *model;
	struct task_split split;
	struct judgement dense, pruned;
	double dense_seconds[RUNS_MOST], seconds[RUNS_MOST];
};

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int open_all(struct evaluation *v, struct err *e)
{
	const struct eval_args *a = v->args;
	const struct model_options o = {.kernels = a->kernels};
	struct policy policy;
	enum split split = SPLIT_DEV;
	int length = 0;
	int code = policy_parse(&policy, a->policy, e); /* judge does it as well, but after the dense pass */
	if (!code)
		code = split_parse(&split, a->split, e);
	if (!code)
		code = encoded_max_length(&length, a->model, a->max_length, e);
	if (!code)
		code = model_open(&v->model, a->model, &o, e);
	if (!code)
		code = tokenizer_open(&v->tokenizer, a->model, e);
	return code ? code : task_split_open(&v->split, a->task, a->data, split, a->limit, v->tokenizer, length, e);
}

/* Dense and pruned in turn, so that what else the machine does meets both. */
static int run(struct evaluation *v, struct err *e)
{
	const struct eval_args *a = v->args;
	const struct judge_options dense = {.policy = "none", .batch = a->batch, .threads = a->threads};
	struct judge_options pruned = dense;
	pruned.policy = a->policy;
	int code = 0;
	for (int i = 0; i < a->runs && !code; i++) {
		code = judge(&v->dense, v->model, &v->split.rows, &v->split.texts, &dense, e);
		if (!code)
			code = judge(&v->pruned, v->model, &v->split.rows, &v->split.texts, &pruned, e);
		v->dense_seconds[i] = v->dense.seconds;
		v->seconds[i] = v->pruned.seconds;
	}
	qsort(v->dense_seconds, (size_t)a->runs, sizeof *v->dense_seconds, by_value);
	qsort(v->seconds, (size_t)a->runs, sizeof *v->seconds, by_value);
	return code;
}

static void add_number(struct buf *b, const char *name, double value)
{
	buf_addf(b, ",\"%s\":", name);
	buf_add_json_double(b, value);
}

static void add_text(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, ",\"%s\":", name);
	buf_add_json_string(b, value, strlen(value));
}

static int print(const struct evaluation *v, struct err *e)
{
	const struct eval_args *a = v->args;
	const struct judgement *j = &v->pruned;
	const double dense = v->dense_seconds[a->runs / 2], seconds = v->seconds[a->runs / 2];
	struct buf b = {0};
	buf_add_text(&b, "{\"model\":");
	buf_add_json_string(&b, a->model, strlen(a->model));
	add_text(&b, "task", v->split.rows.task->name);
	add_text(&b, "split", split_name(v->split.rows.split));
	add_text(&b, "policy", a->policy);
	buf_addf(&b, ",\"n\":%d,\"tokens\":%lld,\"metric\":\"%s\"", j->n, (long long)v->split.texts.tokens,
	         v->split.rows.task->metrics[0]);
	add_number(&b, "score", j->score);
	add_number(&b, "dense_score", v->dense.score);
	add_number(&b, "loss", j->loss);
	add_number(&b, "flops_speedup", j->flops_speedup);
	add_number(&b, "time_speedup", dense / seconds);
	add_number(&b, "seconds", seconds);
	add_number(&b, "seconds_least", v->seconds[0]);
	add_number(&b, "seconds_most", v->seconds[a->runs - 1]);
	add_number(&b, "dense_seconds", dense);
	buf_addf(&b, ",\"runs\":%d,\"batch\":%d,\"kept\":[", a->runs, a->batch);
	for (int l = 0; l < j->L; l++) {
		buf_add_text(&b, l ? "," : "");
		buf_add_json_double(&b, j->kept[l]);
	}
	buf_add_text(&b, "]}\n");
	int code = buf_check(&b, e);
	if (!code)
		fwrite(b.data, 1, b.size, stdout);
	buf_free(&b);
	return code;
}

static int eval_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct eval_args a = {.split = "dev", .policy = "none", .batch = 32, .runs = 1};
	struct evaluation v = {.args = &a};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.model || !a.task || !a.data || count)
		return err_set(e, ERR_USAGE, "eval needs --model DIR, --task T and --data DATA");
	code = open_all(&v, e);
	if (!code)
		code = run(&v, e);
	if (!code)
		code = print(&v, e);
	task_split_close(&v.split);
	tokenizer_close(v.tokenizer);
	model_close(v.model);
	return code;
}

const struct command eval_command = {
	.name = "eval",
	.summary = "judge a model on a labelled split: quality, FLOPs, time",
	.usage = "--model DIR --task T --data DATA [--split S] [--policy P] [OPTION...]",
	.details = "Prints one JSON object: the task's main metric under the policy and dense, the FLOPs speedup (sum over "
			   "sum), and\n"
			   "the time speedup: dense and pruned run in turn, --runs times each, medians of the model's own time. "
			   "`kept` is the\n"
			   "share of all tokens that each layer attends to.",
	.examples = "adapler eval --model sst2-fast --policy adapler --task sst2 --data glue/SST-2 --runs 9 --threads 1",
	.options = options,
	.run = eval_run,
};
