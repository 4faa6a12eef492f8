/* adapler pareto: quality against speedup over the stored runs of a task. */
#include "derive.h"
#include "pareto.h"
#include "store_facts.h"
#include "texts.h"

#include "../engine/base/err.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"
#include "../engine/base/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pareto_args {
	const char *db, *task, *split, *dense;
	double within;
	uint64_t seed;
	int by_time, batch, threads, format, json;
};

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct pareto_args, db), "FILE", "the database", 0, 0},
	{"task", 0, OPT_STRING, offsetof(struct pareto_args, task), "T", "the task (the only one there)", 0, 0},
	{"split", 0, OPT_STRING, offsetof(struct pareto_args, split), "S", "the split (dev)", 0, 0},
	{"by", 0, OPT_CHOICE, offsetof(struct pareto_args, by_time), "flops|time", "which speedup (flops)", 0, 0},
	{"batch", 0, OPT_INT, offsetof(struct pareto_args, batch), "N", "runs of this batch size only", 1, 1 << 16},
	{"threads", 't', OPT_INT, offsetof(struct pareto_args, threads), "N", "runs on so many threads only", 1, 1024},
	{"dense", 0, OPT_STRING, offsetof(struct pareto_args, dense), "RUN",
     "what the others are held against (the best point without a policy)", 0, 0},
	{"within", 0, OPT_DOUBLE, offsetof(struct pareto_args, within), "X", "a loss of quality to accept (0.01)", 0, 0},
	{"seed", 0, OPT_U64, offsetof(struct pareto_args, seed), "N", "of the resamples (0)", 0, 0},
	{"format", 'f', OPT_CHOICE, offsetof(struct pareto_args, format), "table|" ROWS_FORMATS,
     "table for people, or rows for programs (table)", 0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct pareto_args, json), NULL, "the same as --format json", 0, 0},
	{.kind = OPT_END},
};

enum { RUNS_MOST = 2000 };

/* ---- which runs ------------------------------------------------------------------------------------------------ */

struct chosen {
	int64_t id;
	const char *label, *same; /* runs of one label are one point; of one `same` the same measurement again */
	const char *task, *data_sha;
	double time_speedup;
	int batch, threads;
};

struct choosing {
	const struct pareto_args *args;
	struct texts texts;
	struct chosen run[RUNS_MOST];
	int count;
};

static const char *text_of(struct choosing *c, const struct store_value *v, struct err *e)
{
	const char *text = v->text ? v->text : "";
	return texts_copy(&c->texts, text, strlen(text), e);
}

static int choose(const struct store_value *v, int columns, void *arg, struct err *e)
{
	struct choosing *c = arg;
	(void)columns;
	if (c->count == RUNS_MOST)
		return err_set(e, ERR_LIMIT, "more than %d runs: choose by --batch and --threads", RUNS_MOST);
	struct chosen *x = &c->run[c->count];
	*x = (struct chosen){.id = v[0].integer,
	                     .label = text_of(c, &v[1], e),
	                     .same = text_of(c, &v[2], e),
	                     .task = text_of(c, &v[3], e),
	                     .data_sha = text_of(c, &v[4], e),
	                     .time_speedup = v[5].real,
	                     .batch = (int)v[6].integer,
	                     .threads = (int)v[7].integer};
	if (!x->label || !x->same || !x->task || !x->data_sha)
		return ERR_MEMORY;
	/* The quality and the FLOPs of other batch sizes are the same again. */
	for (int i = 0; i < c->count; i++)
		if (!strcmp(c->run[i].same, x->same))
			return 0;
	c->count++;
	return 0;
}

/* A run of a sweep is one of its family, another one of its model; its cell says when two are the same measurement. */
static const char question[] =
	"SELECT id, coalesce(json_extract(args, '$.family'), json_extract(args, '$.model')) || ' ' ||"
	"  replace(replace(policy, ',seed=' || seed, ''), ':seed=' || seed, '') ||"
	"  coalesce(' as ' || json_extract(args, '$.counts'), ''),"
	" model_sha || policy || seed || coalesce(json_extract(args, '$.counts') ||"
	"  coalesce(json_extract(args, '$.counts_model'), ''), '') ||"
	"  CASE ?3 WHEN 1 THEN '/' || threads || '/' || json_extract(args, '$.batch') ELSE '' END,"
	" task, data_sha, (SELECT value FROM metric WHERE run = id AND name = 'time_speedup'),"
	" json_extract(args, '$.batch'), threads "
	"FROM run WHERE kind = 'eval' AND finished IS NOT NULL AND (?1 IS NULL OR task = ?1) AND split = ?2"
	" AND json_extract(args, '$.shard') IS NULL AND (?4 = 0 OR json_extract(args, '$.batch') = ?4)"
	" AND (?5 = 0 OR threads = ?5) ORDER BY id";

static int check_chosen(const struct choosing *c, const struct pareto_args *a, struct err *e)
{
	if (!c->count)
		return err_set(e, ERR_USAGE, "no finished evaluation of that kind in '%s': adapler ls shows what there is",
		               a->db);
	for (int i = 1; i < c->count; i++) {
		const struct chosen *x = &c->run[0], *y = &c->run[i];
		if (strcmp(x->task, y->task) != 0)
			return err_set(e, ERR_USAGE, "there are runs of '%s' and of '%s': choose by --task", x->task, y->task);
		if (strcmp(x->data_sha, y->data_sha) != 0)
			return err_set(e, ERR_MISMATCH, "runs %lld and %lld are of other data: their texts or labels differ",
			               (long long)x->id, (long long)y->id);
		if (a->by_time && (x->batch != y->batch || x->threads != y->threads))
			return err_set(e, ERR_USAGE,
			               "times are of several batch sizes or threads: choose by --batch and --threads");
	}
	for (int i = 0; i < c->count && a->by_time; i++)
		if (isnan(c->run[i].time_speedup))
			return err_set(e, ERR_USAGE, "run %lld was not timed", (long long)c->run[i].id);
	return 0;
}

/* ---- points ---------------------------------------------------------------------------------------------------- */

struct plot {
	struct facts facts[RUNS_MOST];
	double speedup[RUNS_MOST];
	struct pareto_point point[RUNS_MOST];
	int run[RUNS_MOST];       /* of the points, one after the other */
	int64_t first[RUNS_MOST]; /* the id of a point's first run */
	int count, facts_count;
};

static void group(struct plot *p, const struct choosing *c)
{
	int used = 0;
	for (int i = 0; i < c->count; i++) {
		int is_known = 0;
		for (int k = 0; k < i; k++)
			is_known |= !strcmp(c->run[k].label, c->run[i].label);
		if (is_known)
			continue;
		struct pareto_point *x = &p->point[p->count];
		*x = (struct pareto_point){.label = c->run[i].label, .run = p->run + used};
		p->first[p->count++] = c->run[i].id;
		for (int k = i; k < c->count; k++)
			if (!strcmp(c->run[k].label, c->run[i].label)) {
				p->run[used++] = k;
				x->runs++;
			}
	}
}

static int read_facts(struct plot *p, struct store *s, const struct choosing *c, struct err *e)
{
	int code = 0;
	for (int i = 0; i < c->count && !code; i++) {
		code = store_facts_get(s, c->run[i].id, 0, &p->facts[i], e);
		p->facts_count += !code;
		p->speedup[i] = c->run[i].time_speedup;
	}
	return code;
}

static int is_dense(const struct plot *p, int point) { return !policy_drops(&p->facts[p->point[point].run[0]].policy); }

static int find_asked(const struct plot *p, const struct choosing *c, int64_t id)
{
	for (int i = 0; i < p->count; i++)
		for (int k = 0; k < p->point[i].runs; k++)
			if (c->run[p->point[i].run[k]].id == id)
				return i;
	return -1;
}

/* The best by quality of those that drop nothing: quality is known once pareto has run, so any of them first. */
static int find_dense(const struct plot *p, const struct choosing *c, struct store *s, const char *asked, int *dense,
                      struct err *e)
{
	int64_t id;
	if (asked) {
		int code = store_run_find(s, asked, &id, e);
		if (code)
			return code;
		*dense = find_asked(p, c, id);
		return *dense >= 0 ? 0 : err_set(e, ERR_USAGE, "run '%.80s' is none of those chosen", asked);
	}
	*dense = -1;
	for (int i = 0; i < p->count; i++)
		if (is_dense(p, i) && (*dense < 0 || p->point[i].quality > p->point[*dense].quality))
			*dense = i;
	if (*dense < 0)
		return err_set(e, ERR_USAGE, "no run without a policy to hold the others against: give --dense RUN");
	return 0;
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

static int by_speedup(const void *a, const void *b, void *arg)
{
	const struct plot *p = arg;
	const double x = p->point[*(const int *)a].speedup, y = p->point[*(const int *)b].speedup;
	return (x > y) - (x < y);
}

static void put_point(struct rows *r, const char *name, const struct plot *p, int point)
{
	rows_text(r, name, point < 0 ? NULL : p->point[point].label);
}

static const char *role(const struct pareto *r, int i)
{
	return i == r->fastest ? (i == r->dense ? "dense, fastest" : "fastest") : i == r->dense ? "dense" : NULL;
}

static int print_rows(const struct plot *p, const struct pareto *result, const int *order, enum rows_format format,
                      struct err *e)
{
	static const char *const names[] = {"point",   "run",        "runs",        "quality",      "quality_sd",
	                                    "speedup", "speedup_sd", "on_frontier", "dominated_by", "frontier_share",
	                                    "role"};
	struct rows r = {.out = stdout, .format = format};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		rows_header(&r, names[i]);
	int code = rows_end(&r, e);
	for (int k = 0; k < p->count && !code; k++) {
		const struct pareto_point *x = &p->point[order[k]];
		rows_text(&r, "point", x->label);
		rows_int(&r, "run", (long long)p->first[order[k]]);
		rows_int(&r, "runs", x->runs);
		rows_double(&r, "quality", x->quality);
		rows_double(&r, "quality_sd", x->quality_sd);
		rows_double(&r, "speedup", x->speedup);
		rows_double(&r, "speedup_sd", x->speedup_sd);
		rows_int(&r, "on_frontier", x->dominated_by < 0);
		put_point(&r, "dominated_by", p, x->dominated_by);
		rows_double(&r, "frontier_share", x->frontier_share);
		rows_text(&r, "role", role(result, order[k]));
		code = rows_end(&r, e);
	}
	rows_free(&r);
	return code;
}

static void print_table(const struct plot *p, const int *order)
{
	printf("%8s  %-18s %-10s %s\n", "speedup", "quality", "frontier", "point (run)");
	for (int k = 0; k < p->count; k++) {
		const struct pareto_point *x = &p->point[order[k]];
		char quality[40];
		if (isnan(x->quality_sd))
			snprintf(quality, sizeof quality, "%.2f", 100 * x->quality);
		else
			snprintf(quality, sizeof quality, "%.2f +- %.2f (%d)", 100 * x->quality, 100 * x->quality_sd, x->runs);
		printf("%7.2fx  %-18s %s %4.0f %%   %s (%lld)\n", x->speedup, quality, x->dominated_by < 0 ? "*" : " ",
		       100 * x->frontier_share, x->label, (long long)p->first[order[k]]);
	}
}

/* To people, whatever the format: it is about all of the rows. */
static void summarise(const struct plot *p, const struct pareto *r, const struct pareto_args *a, FILE *out)
{
	const char *by = a->by_time ? "time" : "FLOPs";
	fprintf(out, "\nheld against: %s\n", p->point[r->dense].label);
	fprintf(out, "largest %s speedup within %.2f of it: %.2fx [%.2f, %.2f], %s\n", by, 100 * r->within, r->speedup,
	        r->speedup_lo, r->speedup_hi, p->point[r->fastest].label);
	if (!isnan(r->area))
		fprintf(out, "mean quality of the frontier over log speedup: %.2f [%.2f, %.2f]\n", 100 * r->area,
		        100 * r->area_lo, 100 * r->area_hi);
	fprintf(out, "*: on the frontier; %%: resamples of the examples in which it is\n");
}

static int print(const struct plot *p, const struct pareto *result, const struct pareto_args *a, struct err *e)
{
	int *order = malloc((size_t)p->count * sizeof *order), code = 0;
	if (!order)
		return err_set(e, ERR_MEMORY, "out of memory for %d points", p->count);
	for (int i = 0; i < p->count; i++)
		order[i] = i;
	qsort_r(order, (size_t)p->count, sizeof *order, by_speedup, (void *)(uintptr_t)p);
	if (a->json || a->format) {
		code = print_rows(p, result, order, a->json ? ROWS_JSON : (enum rows_format)(a->format - 1), e);
	} else {
		print_table(p, order);
		summarise(p, result, a, stdout);
	}
	free(order);
	return code;
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static int weigh(struct plot *p, struct store *s, const struct choosing *c, const struct pareto_args *a, struct err *e)
{
	struct pareto result;
	const struct pareto_input in = {.facts = p->facts,
	                                .speedup = a->by_time ? p->speedup : NULL,
	                                .count = p->facts_count,
	                                .within = a->within,
	                                .seed = a->seed};
	int dense = 0;
	group(p, c);
	int code = pareto_qualities(p->point, p->count, &in, e);
	if (!code)
		code = find_dense(p, c, s, a->dense, &dense, e);
	if (!code)
		code = pareto(&result, p->point, p->count, &in, dense, e);
	return code ? code : print(p, &result, a, e);
}

static int show(const struct pareto_args *a, struct choosing *c, struct plot *p, struct err *e)
{
	struct store *s;
	int code = store_open(&s, a->db, &(struct store_options){.is_read_only = 1}, e);
	if (!code)
		code = store_select(s, choose, c, e, question, "ttiii", a->task, a->split, (int64_t)a->by_time,
		                    (int64_t)a->batch, (int64_t)a->threads);
	if (!code)
		code = check_chosen(c, a, e);
	if (!code)
		code = read_facts(p, s, c, e);
	if (!code)
		code = weigh(p, s, c, a, e);
	store_close(s);
	return code;
}

static int pareto_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct pareto_args a = {.split = "dev", .within = 0.01};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.db || count)
		return err_set(e, ERR_USAGE, "pareto needs --db FILE");
	struct choosing *c = calloc(1, sizeof *c);
	struct plot *p = calloc(1, sizeof *p);
	code = c && p ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d runs", RUNS_MOST);
	if (!code)
		code = show(&a, c, p, e);
	for (int i = 0; p && i < p->facts_count; i++)
		facts_close(&p->facts[i]);
	if (c)
		texts_free(&c->texts);
	free(c);
	free(p);
	return code;
}

const struct command pareto_command = {
	.name = "pareto",
	.summary = "the frontier of quality and speedup over stored runs",
	.usage = "--db FILE [--task T] [--split S] [--by flops|time] [OPTION...]",
	.details = "A point is a model and policy; runs of one family that differ in the training's seed are one point, "
			   "with mean and\n"
			   "standard deviation. The frontier is what no other point beats in both; of the others the point that "
			   "beats them is\n"
			   "named. The largest speedup within a loss of quality, and the mean height of the frontier, come with "
			   "intervals of\n"
			   "95 %, from resamples of the examples that all runs share.",
	.examples = "adapler pareto --db runs.db --task sst2\n"
				"adapler pareto --db runs.db --task sst2 --split test --by time --batch 1 --json",
	.options = options,
	.run = pareto_run,
};
