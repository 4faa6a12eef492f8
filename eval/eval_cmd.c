/* adapler eval: one cell: a model on a split under a policy: quality, FLOPs, time. */
#include "cell.h"
#include "claims.h"
#include "derive.h"
#include "submission.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"
#include "../engine/base/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS_MOST = 1000 };

struct eval_args {
	const char *model, *task, *data, *split, *policy, *kernels, *precision, *db, *shard, *submission, *counts,
		*counts_model;
	int max_length, limit, batch, threads, turns, token_scores;
	uint64_t seed;
};

static const struct opt options[] = {
	{"model", 'm', OPT_DIR, offsetof(struct eval_args, model), "DIR", "a classifier or regression", 0, 0},
	DATA_OPTIONS(struct eval_args, task, data),
	{"split", 0, OPT_STRING, offsetof(struct eval_args, split), "S", "train, dev or test (dev)", 0, 0},
	{"policy", 'p', OPT_STRING, offsetof(struct eval_args, policy), "P", "what is dropped (none); see predict", 0, 0},
	{"db", 'd', OPT_FILE, offsetof(struct eval_args, db), "FILE",
     "store facts and metrics there; what it has is not run again", 0, 0},
	{"max-length", 0, OPT_INT, offsetof(struct eval_args, max_length), "N", "longest text in tokens (the model's)", 4,
     1 << 20},
	{"limit", 0, OPT_INT, offsetof(struct eval_args, limit), "N", "so many samples, drawn by seed 0 (all)", 1, 1 << 30},
	{"batch", 0, OPT_INT, offsetof(struct eval_args, batch), "N", "texts at a time (32)", 1, 1 << 16},
	{"runs", 0, OPT_INT, offsetof(struct eval_args, turns), "N",
     "dense and policy are timed in turn so often; 0: policy alone, once (1)", 0, TURNS_MOST},
	{"threads", 't', OPT_INT, offsetof(struct eval_args, threads), "N", "threads (one per processor)", 1, 1024},
	{"seed", 0, OPT_U64, offsetof(struct eval_args, seed), "N",
     "noted as the training's; a random policy draws by it (0)", 0, 0},
	{"counts", 0, OPT_STRING, offsetof(struct eval_args, counts), "P",
     "the policy whose rows by layer a policy with :replay keeps", 0, 0},
	{"counts-model", 0, OPT_DIR, offsetof(struct eval_args, counts_model), "DIR", "the model that it runs on (--model)",
     0, 0},
	{"token-scores", 0, OPT_FLAG, offsetof(struct eval_args, token_scores), NULL,
     "store the policy's score of every token", 0, 0},
	{"shard", 0, OPT_STRING, offsetof(struct eval_args, shard), "I/N", "of N parts the I-th, from 1; see merge", 0, 0},
	{"submission", 0, OPT_FILE, offsetof(struct eval_args, submission), "FILE",
     "write predictions as GLUE's server takes them", 0, 0},
	{"precision", 0, OPT_STRING, offsetof(struct eval_args, precision), "P", "f32", 0, 0},
	{"kernels", 0, OPT_STRING, offsetof(struct eval_args, kernels), "NAME", "avx512, avx2, portable, openblas", 0, 0},
	{.kind = OPT_END},
};

/* ---- metrics, in the order in which they are told --------------------------------------------------------------- */

enum { METRICS_MAX = 200 };

struct metric_list {
	int count;
	struct {
		char name[60];
		double value, lo, hi;
	} row[METRICS_MAX];
};

static int take_metric(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	struct metric_list *m = arg;
	if (m->count == METRICS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d metrics", METRICS_MAX);
	snprintf(m->row[m->count].name, sizeof m->row[0].name, "%s", name);
	m->row[m->count].value = value;
	m->row[m->count].lo = lo;
	m->row[m->count++].hi = hi;
	return 0;
}

static int find_metric(const struct metric_list *m, const char *name)
{
	for (int i = 0; i < m->count; i++)
		if (!strcmp(m->row[i].name, name))
			return i;
	return -1;
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

struct evaluation {
	const struct eval_args *args;
	struct cell cell;
	struct workbench bench;
	struct store *store;
	struct claims *claims;
	struct progress progress;
	struct metric_list metrics;
	char key[65];
	int64_t run, tokens;
};

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

/* One of the metrics, and its interval if `lo` names it. */
static void add_metric(struct buf *b, const struct metric_list *m, const char *metric, const char *name, const char *lo,
                       const char *hi)
{
	const int at = find_metric(m, metric);
	if (at < 0)
		return;
	add_number(b, name, m->row[at].value);
	if (lo && !isnan(m->row[at].lo)) {
		add_number(b, lo, m->row[at].lo);
		add_number(b, hi, m->row[at].hi);
	}
}

static void add_kept(struct buf *b, const struct metric_list *m)
{
	char name[60];
	buf_add_text(b, ",\"kept\":[");
	for (int l = 0, at; snprintf(name, sizeof name, "kept/layer-%d", l), (at = find_metric(m, name)) >= 0; l++) {
		buf_add_text(b, l ? "," : "");
		buf_add_json_double(b, m->row[at].value);
	}
	buf_add_byte(b, ']');
}

static void add_all(struct buf *b, const struct metric_list *m)
{
	buf_add_text(b, ",\"metrics\":{");
	for (int i = 0; i < m->count; i++) {
		buf_addf(b, "%s\"%s\":[", i ? "," : "", m->row[i].name);
		buf_add_json_double(b, m->row[i].value);
		buf_add_byte(b, ',');
		buf_add_json_double(b, m->row[i].lo);
		buf_add_byte(b, ',');
		buf_add_json_double(b, m->row[i].hi);
		buf_add_byte(b, ']');
	}
	buf_add_text(b, "}}\n");
}

static int print(const struct evaluation *v, struct err *e)
{
	const struct metric_list *m = &v->metrics;
	const char *main_metric = v->bench.split.rows.task->metrics[0];
	struct buf b = {0};
	buf_add_text(&b, "{\"model\":");
	buf_add_json_string(&b, v->cell.model, strlen(v->cell.model));
	add_text(&b, "task", v->bench.split.rows.task->name);
	add_text(&b, "split", split_name(v->cell.split));
	add_text(&b, "policy", v->cell.policy);
	if (v->store)
		buf_addf(&b, ",\"run\":%lld", (long long)v->run);
	add_text(&b, "key", v->key);
	add_metric(&b, m, "examples", "n", NULL, NULL);
	add_metric(&b, m, "tokens", "tokens", NULL, NULL);
	add_text(&b, "metric", main_metric);
	add_metric(&b, m, main_metric, "score", "score_lo", "score_hi");
	add_metric(&b, m, "loss", "loss", NULL, NULL);
	add_metric(&b, m, "flops_speedup", "flops_speedup", NULL, NULL);
	add_metric(&b, m, "time_speedup", "time_speedup", "time_speedup_least", "time_speedup_most");
	add_metric(&b, m, "seconds", "seconds", "seconds_least", "seconds_most");
	add_metric(&b, m, "dense_seconds", "dense_seconds", NULL, NULL);
	buf_addf(&b, ",\"runs\":%d,\"batch\":%d,\"threads\":%d", v->cell.turns, v->cell.batch, v->cell.threads);
	add_kept(&b, m);
	add_all(&b, m);
	int code = buf_check(&b, e);
	if (!code)
		fwrite(b.data, 1, b.size, stdout);
	buf_free(&b);
	return code;
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static int on_progress(void *arg, int64_t tokens, struct err *e)
{
	struct evaluation *v = arg;
	progress_update(&v->progress, v->tokens += tokens, NULL);
	return interrupt_pending() ? err_set(e, ERR_INTERRUPTED, "stopped; nothing of it was stored") : 0;
}

static int find_finished(struct evaluation *v, int *is_there, struct err *e)
{
	int code = v->store ? store_run_finished(v->store, v->key, &v->run, is_there, e) : 0;
	if (code || !*is_there)
		return code;
	log_info("run %lld of '%s' is this one: nothing to do", (long long)v->run, v->args->db);
	return store_metric_each(v->store, v->run, take_metric, &v->metrics, e);
}

static int claim(struct evaluation *v, struct err *e)
{
	int is_taken = 1;
	if (!v->store)
		return 0;
	int code = claims_open(&v->claims, v->args->db, e);
	if (!code)
		code = claims_take(v->claims, v->key, &is_taken, e);
	return code || is_taken ? code : err_set(e, ERR_IO, "another process is at this very run, for '%s'", v->args->db);
}

static int measure(struct evaluation *v, struct err *e)
{
	struct facts f;
	progress_begin(&v->progress, "eval", "tokens", cell_tokens(&v->bench, &v->cell), log_is_quiet());
	int code = cell_run(&v->bench, &v->cell, &f, on_progress, v, e);
	progress_end(&v->progress);
	if (code)
		return code;
	if (v->args->submission)
		code = submission_write(v->args->submission, &v->bench.split.rows, &f, e);
	if (!code && v->store)
		code = cell_write(v->store, &v->bench, &v->cell, v->key, &f, &v->run, e);
	if (!code && v->store)
		code = store_metric_each(v->store, v->run, take_metric, &v->metrics, e);
	else if (!code)
		code = derive(&f, take_metric, &v->metrics, e);
	facts_close(&f);
	return code;
}

static int check_submission(const struct evaluation *v, struct err *e)
{
	const struct cell *c = &v->cell;
	if (!v->args->submission)
		return 0;
	if (c->limit || c->shards)
		return err_set(e, ERR_USAGE, "a submission is of the whole split: not with --limit or --shard");
	return submission_check(v->bench.split.rows.task, e);
}

static int run(struct evaluation *v, struct err *e)
{
	int is_there = 0, code = cell_key(&v->bench, &v->cell, v->key, e);
	if (!code)
		code = check_submission(v, e);
	if (!code && v->args->db)
		code = store_open(&v->store, v->args->db, NULL, e);
	if (!code && !v->args->submission)
		code = find_finished(v, &is_there, e);
	if (!code && !is_there)
		code = claim(v, e);
	if (!code && !is_there)
		code = measure(v, e);
	return code ? code : print(v, e);
}

/* ---- arguments ------------------------------------------------------------------------------------------------- */

static int make_cell(struct cell *c, const struct eval_args *a, struct err *e)
{
	*c = (struct cell){.model = a->model,
	                   .task = a->task,
	                   .data = a->data,
	                   .policy = a->policy,
	                   .max_length = a->max_length,
	                   .limit = a->limit,
	                   .batch = a->batch,
	                   .threads = a->threads,
	                   .turns = a->turns,
	                   .with_scores = a->token_scores,
	                   .seed = a->seed,
	                   .kernels = a->kernels,
	                   .precision = a->precision,
	                   .counts = a->counts,
	                   .counts_model = a->counts_model};
	int code = split_parse(&c->split, a->split, e);
	return code || !a->shard ? code : cell_parse_shard(c, a->shard, e);
}

static int eval_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct eval_args a = {.split = "dev", .policy = "none", .batch = 32, .turns = 1};
	struct evaluation v = {.args = &a};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.model || !a.task || !a.data || count)
		return err_set(e, ERR_USAGE, "eval needs --model DIR, --task T and --data DATA");
	code = make_cell(&v.cell, &a, e);
	interrupt_install();
	if (!code)
		code = run(&v, e);
	claims_close(v.claims);
	store_close(v.store);
	workbench_close(&v.bench);
	return code;
}

const struct command eval_command = {
	.name = "eval",
	.summary = "judge a model on a split: quality, FLOPs, time",
	.usage = "--model DIR --task T --data DATA [--split S] [--policy P] [--db FILE] [OPTION...]",
	.details =
		"Prints one JSON object: the task's main metric with its 95 % interval, the FLOPs speedup (sum over sum), and\n"
		"the time speedup: dense and policy run in turn, --runs times each, medians of the engine's own time. `kept` "
		"is\n"
		"the share of all tokens that each layer attends to; `metrics` holds every metric as [value, lo, hi].\n\n"
		"With --db the facts (predictions, what died where, times) and the metrics become a run of the store, in one\n"
		"transaction; `adapler sweep` does many. A split without labels has no quality, but can be submitted.",
	.examples =
		"adapler eval --model sst2-fast --policy adapler --task sst2 --data glue/SST-2 --runs 9 --threads 1\n"
		"adapler eval --model sst2-fast --policy random:replay --counts adapler --task sst2 --data glue --db runs.db\n"
		"adapler eval --model mnli --task mnli --data glue --split test --submission MNLI-m.tsv",
	.options = options,
	.run = eval_run,
};
