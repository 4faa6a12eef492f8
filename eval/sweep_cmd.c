/* adapler sweep: a grid of cells, each done once. */
#include "sweep_run.h"

#include "../engine/base/clock.h"
#include "../engine/base/err.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"
#include "../engine/base/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS_MOST = 256 };

struct sweep_args {
	const char *db, *shard;
	int jobs, dry_run, format, json;
};

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct sweep_args, db), "FILE", "the store; what it has is not run again", 0, 0},
	{"jobs", 'j', OPT_INT, offsetof(struct sweep_args, jobs), "N", "cells at a time, each in a process (1)", 1,
     JOBS_MOST},
	{"dry-run", 'n', OPT_FLAG, offsetof(struct sweep_args, dry_run), NULL, "list the cells and estimate the time", 0,
     0},
	{"shard", 0, OPT_STRING, offsetof(struct sweep_args, shard), "I/N",
     "of N machines the I-th: every N-th cell, into a database of its own; see merge", 0, 0},
	{"format", 'f', OPT_CHOICE, offsetof(struct sweep_args, format), ROWS_FORMATS, "of the list of cells (tsv)", 0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct sweep_args, json), NULL, "the same as --format json", 0, 0},
	{.kind = OPT_END},
};

/* ---- the list of cells ----------------------------------------------------------------------------------------- */

static const char *state_name(const struct cell_status *x)
{
	switch (x->state) {
	case CELL_OPEN: return "open";
	case CELL_DONE: return "done";
	case CELL_FAILED: return "failed";
	default: return "left";
	}
}

static void put_run(struct rows *r, const char *name, const struct cell_status *x)
{
	if (x->state == CELL_DONE)
		rows_int(r, name, (long long)x->run);
	else
		rows_nothing(r, name);
}

static void put_why(struct rows *r, const char *name, const struct cell_status *x)
{
	rows_text(r, name, x->state == CELL_FAILED ? x->why : NULL);
}

static void put_key(struct rows *r, const char *name, const struct cell_status *x)
{
	rows_text(r, name, *x->key ? x->key : NULL);
}

static void put_phi(struct rows *r, const char *name, const char *text) { rows_text(r, name, text); }

#define CELL_COLUMNS(X)                       \
	X(state, rows_text, state_name(x))        \
	X(run, put_run, x)                        \
	X(key, put_key, x)                        \
	X(task, rows_text, c->task)               \
	X(split, rows_text, split_name(c->split)) \
	X(model, rows_text, c->model)             \
	X(phi, put_phi, c->phi)                   \
	X(seed, rows_int, (long long)c->seed)     \
	X(policy, rows_text, c->policy)           \
	X(batch, rows_int, c->batch)              \
	X(threads, rows_int, c->threads)          \
	X(runs, rows_int, c->turns)               \
	X(tokens, rows_int, (long long)x->tokens) \
	X(why, put_why, x)

static int print_cells(const struct sweep *s, const struct cell_status *status, const struct sweep_args *a,
                       struct err *e)
{
	struct rows r = {.out = stdout, .format = a->json ? ROWS_JSON : (enum rows_format)a->format};
#define PUT_NAME(name, put, value) rows_header(&r, #name);
	CELL_COLUMNS(PUT_NAME)
	int code = rows_end(&r, e);
	for (int i = 0; i < s->count && !code; i++) {
		const struct cell *c = &s->cells[i];
		const struct cell_status *x = &status[i];
		if (x->state == CELL_LEFT)
			continue;
#define PUT_VALUE(name, put, value) put(&r, #name, value);
		CELL_COLUMNS(PUT_VALUE)
		code = rows_end(&r, e);
	}
	rows_free(&r);
	return code;
}

/* ---- how long it will take ------------------------------------------------------------------------------------- */

/* FLOPs a second of the first open cell's model on one thread, dense: a tenth of a second and more of its first texts. */
static double measure_rate(const struct sweep *s, const struct cell_status *status)
{
	for (int i = 0; i < s->count; i++) {
		struct workbench w = {0};
		struct facts f;
		char key[65];
		struct cell c = s->cells[i];
		if (status[i].state != CELL_OPEN)
			continue;
		c.limit = 64;
		c.policy = "none";
		c.counts = c.counts_model = NULL;
		c.turns = c.with_scores = c.shards = 0;
		c.threads = 1;
		double rate = NAN;
		if (!cell_key(&w, &c, key, NULL) && !cell_run(&w, &c, &f, NULL, NULL, NULL)) {
			double flops = 0, ns = 0;
			for (int k = 0; k < f.n; k++)
				flops += (double)f.flops[k];
			for (int b = 0; b < f.batches; b++)
				ns += (double)f.ns[ARM_POLICY][b];
			rate = flops / (ns * 1e-9);
			facts_close(&f);
		}
		workbench_close(&w);
		return rate;
	}
	return NAN;
}

static void say_plan(const struct sweep *s, const struct cell_status *status, const struct sweep_args *a)
{
	int open = 0, done = 0, failed = 0;
	double work = 0;
	char time[40];
	for (int i = 0; i < s->count; i++) {
		open += status[i].state == CELL_OPEN;
		done += status[i].state == CELL_DONE;
		failed += status[i].state == CELL_FAILED;
		if (status[i].state == CELL_OPEN)
			work += status[i].flops / (s->cells[i].threads ? s->cells[i].threads : 1);
	}
	log_info("%d cells: %d done, %d to do, %d cannot be done", open + done + failed, done, open, failed);
	const double rate = open ? measure_rate(s, status) : NAN;
	if (isnan(rate))
		return;
	clock_format(time, sizeof time, work / rate / (a->jobs > 1 ? a->jobs : 1));
	log_info("at most about %s: dense FLOPs at %.0f GFLOP/s a thread, as measured now", time, rate * 1e-9);
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static int count_failed(const struct sweep *s, const struct cell_status *status)
{
	int failed = 0;
	for (int i = 0; i < s->count; i++)
		failed += status[i].state == CELL_FAILED;
	return failed;
}

static int carry_out(struct sweep *s, const struct sweep_options *o, const struct sweep_args *a, struct err *e)
{
	struct cell_status *status = calloc((size_t)s->count + 1, sizeof *status);
	int code = status ? sweep_plan(s, status, o, e) : err_set(e, ERR_MEMORY, "out of memory for %d cells", s->count);
	for (int i = 0; i < s->count; i++)
		s->cells[i].jobs = a->jobs;
	if (!code && a->dry_run)
		say_plan(s, status, a);
	else if (!code)
		code = sweep_run(s, status, o, e);
	if (!code || code == ERR_INTERRUPTED) {
		const int printed = print_cells(s, status, a, e);
		code = code ? code : printed;
	}
	const int failed = code ? 0 : count_failed(s, status);
	free(status);
	return failed ? err_set(e, ERR_MISMATCH, "%d of %d cells could not be done; the list says why", failed, s->count)
	              : code;
}

static int sweep_run_command(const struct command *command, int argc, char **argv, struct err *e)
{
	struct sweep_args a = {.jobs = 1};
	struct sweep s;
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (count != 1 || (!a.db && !a.dry_run))
		return err_set(e, ERR_USAGE, "sweep needs SPEC.json and --db FILE");
	struct cell part = {0};
	code = a.shard ? cell_parse_shard(&part, a.shard, e) : 0;
	const struct sweep_options o = {.db = a.db, .jobs = a.jobs, .shard = part.shard, .shards = part.shards};
	if (!code)
		code = sweep_read(&s, rest[0], e);
	if (code)
		return code;
	interrupt_install();
	code = carry_out(&s, &o, &a, e);
	sweep_free(&s);
	return code;
}

const struct command sweep_command = {
	.name = "sweep",
	.summary = "a grid of evaluations, each done once and stored",
	.usage = "SPEC.json --db FILE [--jobs N] [--dry-run] [OPTION...]",
	.details =
		"SPEC is a JSON object: task, data, model, policy, split, max_length, limit, batch, threads, runs, seed, phi,\n"
		"gamma, counts, counts_model, kernels, precision, token_scores, each a value or a list of values; the cells "
		"are\n"
		"all combinations. Numbers may be ranges, \"0.1:1.0:0.1\", in a policy's arguments too, where a|b is a list:\n"
		"\"attention:keep=0.2:0.8:0.2\". {seed}, {phi}, {gamma} and {task} in model, counts_model and data stand for "
		"the\n"
		"fields of that name. \"grids\": [{..}, {..}] are several, with what stands beside it in common.\n\n"
		"A cell is one run of the store, and one transaction: what is killed loses the cell in hand at most, and the "
		"same\n"
		"command goes on. Any number of processes may be at one sweep (--jobs, or started by hand): none does a cell\n"
		"twice. Times of cells that ran beside each other are noted as such; for times to trust use --jobs 1.",
	.examples = "adapler sweep sst2.json --db runs.db --dry-run\n"
				"adapler sweep sst2.json --db runs.db --jobs 2\n"
				"adapler sweep big.json --db part2.db --shard 2/3     # then: adapler merge all.db part*.db",
	.options = options,
	.run = sweep_run_command,
};
