/* adapler compare: paired tests of runs against the first. */
#include "compare.h"
#include "stats.h"
#include "store_facts.h"

#include "../engine/base/err.h"
#include "../engine/base/json.h"
#include "../engine/base/opt.h"
#include "../engine/base/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct compare_args {
	const char *db;
	uint64_t seed;
	int format, json;
};

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct compare_args, db), "FILE", "the database", 0, 0},
	{"seed", 0, OPT_U64, offsetof(struct compare_args, seed), "N", "of resamples and permutations (0)", 0, 0},
	{"format", 'f', OPT_CHOICE, offsetof(struct compare_args, format), "table|" ROWS_FORMATS,
     "table for people, or rows for programs (table)", 0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct compare_args, json), NULL, "the same as --format json", 0, 0},
	{.kind = OPT_END},
};

enum { RUNS_MOST = 200, NAME_SIZE = 1000 };

/* Two runs and what was found. */
struct comparison {
	int64_t a, b;
	int count;
	struct compared row[COMPARED_MAX];
};

struct table {
	struct store *store;
	struct comparison *item;
	int count;
};

static int copy_data_sha(const struct store_row *row, void *arg, struct err *e)
{
	(void)e;
	snprintf(arg, 65, "%s", row->run.data_sha ? row->run.data_sha : "");
	return 0;
}

/* The same examples by what they are, not only by their number. */
static int check_data(struct store *s, int64_t a, int64_t b, struct err *e)
{
	char sha[2][65];
	int code = store_run_get(s, a, copy_data_sha, sha[0], e);
	if (!code)
		code = store_run_get(s, b, copy_data_sha, sha[1], e);
	if (!code && strcmp(sha[0], sha[1]) != 0)
		code = err_set(e, ERR_MISMATCH, "runs %lld and %lld are of other data: their texts or labels differ",
		               (long long)a, (long long)b);
	return code;
}

static int compare_pair(struct table *t, const struct facts *a, int64_t id_a, int64_t id_b, uint64_t seed,
                        struct err *e)
{
	struct facts b;
	struct comparison *c = &t->item[t->count];
	*c = (struct comparison){.a = id_a, .b = id_b};
	int code = check_data(t->store, id_a, id_b, e);
	if (!code)
		code = store_facts_get(t->store, id_b, STORE_TIMES, &b, e);
	if (code)
		return code;
	code = compare(c->row, &c->count, a, &b, seed, e);
	t->count += !code;
	facts_close(&b);
	return code;
}

static int adjust(struct table *t, struct err *e)
{
	double p[RUNS_MOST * COMPARED_MAX], adjusted[RUNS_MOST * COMPARED_MAX];
	int n = 0;
	for (int i = 0; i < t->count; i++)
		for (int k = 0; k < t->item[i].count; k++)
			p[n++] = t->item[i].row[k].p;
	int code = stats_holm(adjusted, p, n, e);
	n = 0;
	for (int i = 0; i < t->count && !code; i++)
		for (int k = 0; k < t->item[i].count; k++)
			t->item[i].row[k].adjusted = adjusted[n++];
	return code;
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

static void put_count(struct rows *r, const char *name, int64_t count)
{
	if (count >= 0)
		rows_int(r, name, (long long)count);
	else
		rows_nothing(r, name);
}

#define COLUMNS(X)                      \
	X(a, rows_int, (long long)c->a)     \
	X(b, rows_int, (long long)c->b)     \
	X(measure, rows_text, x->measure)   \
	X(value_a, rows_double, x->a)       \
	X(value_b, rows_double, x->b)       \
	X(effect, rows_double, x->effect)   \
	X(lo, rows_double, x->lo)           \
	X(hi, rows_double, x->hi)           \
	X(test, rows_text, x->test)         \
	X(p, rows_double, x->p)             \
	X(p_holm, rows_double, x->adjusted) \
	X(only_a, put_count, x->only_a)     \
	X(only_b, put_count, x->only_b)     \
	X(detectable, rows_double, x->detectable)

static int print_rows(const struct table *t, enum rows_format format, struct err *e)
{
	struct rows r = {.out = stdout, .format = format};
#define PUT_NAME(name, put, value) rows_header(&r, #name);
	COLUMNS(PUT_NAME)
	int code = rows_end(&r, e);
	for (int i = 0; i < t->count; i++)
		for (int k = 0; k < t->item[i].count && !code; k++) {
			const struct comparison *c = &t->item[i];
			const struct compared *x = &c->row[k];
#define PUT_VALUE(name, put, value) put(&r, #name, value);
			COLUMNS(PUT_VALUE)
			code = rows_end(&r, e);
		}
	rows_free(&r);
	return code;
}

static const char *p_text(char out[24], double p)
{
	if (isnan(p))
		return "";
	if (p == 0)
		return "below 1e-300";
	snprintf(out, 24, p < 0.001 ? "%.1e" : "%.3f", p);
	return out;
}

static void print_compared(const struct compared *x)
{
	char p[24], adjusted[24];
	const int is_cost = !strcmp(x->measure, "flops") || !strcmp(x->measure, "time");
	if (!strcmp(x->measure, "flops"))
		printf("  %-10s %9.4g -> %-9.4g %8.2fx [%.2f, %.2f]", x->measure, x->a, x->b, x->effect, x->lo, x->hi);
	else if (is_cost)
		printf("  %-10s %7.4g s -> %-7.4g s %8.2fx [%.2f, %.2f]", x->measure, x->a, x->b, x->effect, x->lo, x->hi);
	else
		printf("  %-10s %9.2f -> %-9.2f %+8.2f [%+.2f, %+.2f]", x->measure, 100 * x->a, 100 * x->b, 100 * x->effect,
		       100 * x->lo, 100 * x->hi);
	if (!isnan(x->p))
		printf("  p %s, Holm %s (%s)", p_text(p, x->p), p_text(adjusted, x->adjusted), x->test);
	printf("\n");
	if (x->only_a < 0)
		return;
	printf("  %-10s right in one only: %lld, %lld; ", "", (long long)x->only_a, (long long)x->only_b);
	if (isnan(x->detectable))
		printf("so few that no difference would show reliably\n");
	else
		printf("a difference of %.2f would show in 80 of 100 such samples\n", 100 * x->detectable);
}

static int name_run(const struct store_row *row, void *arg, struct err *e)
{
	char *name = arg;
	const char *model = NULL;
	cJSON *args = json_parse(row->run.args, strlen(row->run.args), "args of a run", e);
	if (!args)
		return ERR_FORMAT;
	int code = json_get_string(args, "model", &model, "args of a run", e);
	snprintf(name, NAME_SIZE, "run %lld: %s %s, %.300s, policy %.200s, %d thread%s", (long long)row->id,
	         row->run.task ? row->run.task : "", row->run.split ? row->run.split : "", model ? model : "",
	         row->run.policy ? row->run.policy : "", row->run.threads, row->run.threads == 1 ? "" : "s");
	cJSON_Delete(args);
	return code;
}

static int print_table(const struct table *t, struct err *e)
{
	char name[NAME_SIZE];
	int code = store_run_get(t->store, t->item[0].a, name_run, name, e);
	if (!code)
		printf("%s\n", name);
	for (int i = 0; i < t->count && !code; i++) {
		code = store_run_get(t->store, t->item[i].b, name_run, name, e);
		if (code)
			break;
		printf("against %s\n", name);
		for (int k = 0; k < t->item[i].count; k++)
			print_compared(&t->item[i].row[k]);
	}
	return code;
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static int compare_runs(struct table *t, char **runs, int count, uint64_t seed, struct err *e)
{
	struct facts a;
	int64_t base, id;
	int code = store_run_find(t->store, runs[0], &base, e);
	if (!code)
		code = store_facts_get(t->store, base, STORE_TIMES, &a, e);
	if (code)
		return code;
	for (int i = 1; i < count && !code; i++) {
		code = store_run_find(t->store, runs[i], &id, e);
		if (!code)
			code = compare_pair(t, &a, base, id, seed, e);
	}
	facts_close(&a);
	return code ? code : adjust(t, e);
}

static int compare_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct compare_args a = {0};
	struct table t = {0};
	char **runs;
	int count, code = opt_parse(command, argc, argv, &a, &runs, &count, e);
	if (code)
		return code;
	if (!a.db || count < 2 || count > RUNS_MOST)
		return err_set(e, ERR_USAGE, "compare needs --db FILE and 2 to %d runs", RUNS_MOST);
	code = store_open(&t.store, a.db, &(struct store_options){.is_read_only = 1}, e);
	t.item = calloc((size_t)count, sizeof *t.item);
	if (!code && !t.item)
		code = err_set(e, ERR_MEMORY, "out of memory for %d runs", count);
	if (!code)
		code = compare_runs(&t, runs, count, a.seed, e);
	if (!code && (a.json || a.format))
		code = print_rows(&t, a.json ? ROWS_JSON : (enum rows_format)(a.format - 1), e);
	else if (!code)
		code = print_table(&t, e);
	free(t.item);
	store_close(t.store);
	return code;
}

const struct command compare_command = {
	.name = "compare",
	.summary = "paired tests of runs on the same examples: quality, FLOPs, time",
	.usage = "--db FILE RUN RUN... [OPTION...]",
	.details = "The first run is compared with each other one, example by example. Accuracy: exact McNemar test, and "
			   "the least\n"
			   "difference that the sample could show. Other metrics: paired permutation test. FLOPs by example and "
			   "time by batch:\n"
			   "how many times cheaper, with a sign-flip test on log ratios; each run's time is taken relative to its "
			   "dense twin's,\n"
			   "which was measured in turn with it. Intervals of 95 % are paired bootstraps; p-values are also given "
			   "adjusted by\n"
			   "Holm over the whole table. A run is its number, its key, or how its key begins.",
	.examples = "adapler compare --db runs.db 1 4\n"
				"adapler compare --db runs.db 1 4 5 6 --json",
	.options = options,
	.run = compare_run,
};
