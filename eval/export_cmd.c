/* adapler export: facts and metrics for other tools, in full precision. */
#include "store_facts.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/opt.h"
#include "../engine/base/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct export_args {
	const char *db, *runs, *out;
	int what, format, json;
};

/* name, SQL of one run (NULL: made from facts). JSON arrays stay such. */
#define TABLES(X)                                                                                                   \
	X(runs, "SELECT id AS run, key, kind, task, split, policy, seed, threads, model_sha, data_sha, rev, started, "  \
	        "finished, args FROM run WHERE id = ?")                                                                 \
	X(metrics, "SELECT run, name, value, lo, hi FROM metric WHERE run = ? ORDER BY name")                           \
	X(examples, "SELECT run, idx, gold, pred, logits, tokens, rows, flops, dense_flops FROM example WHERE run = ? " \
	            "ORDER BY idx")                                                                                     \
	X(tokens, "SELECT run, idx, t.key AS pos, "                                                                     \
	          "CASE t.type WHEN 'array' THEN json_extract(t.value, '$[0]') ELSE t.value END AS died_at, "           \
	          "CASE t.type WHEN 'array' THEN json_extract(t.value, '$[1]') END AS score "                           \
	          "FROM trace, json_each(trace.tokens) AS t WHERE run = ?")                                             \
	X(timing, "SELECT run, arm, turn, batch, ns FROM timing WHERE run = ? ORDER BY arm, turn, batch")               \
	X(cost, NULL)

#define ENUM_TABLE(name, sql) TABLE_##name,
enum table { TABLES(ENUM_TABLE) TABLE_COUNT };

#define TABLE_ROW(name, sql) sql,

static const char *const table_sql[TABLE_COUNT] = {TABLES(TABLE_ROW)};

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct export_args, db), "FILE", "the database", 0, 0},
	{"run", 'r', OPT_STRING, offsetof(struct export_args, runs), "RUN,...", "these runs (every finished evaluation)", 0,
     0},
	{"what", 'w', OPT_CHOICE, offsetof(struct export_args, what), "runs|metrics|examples|tokens|timing|cost",
     "the table wanted (runs)", 0, 0},
	{"format", 'f', OPT_CHOICE, offsetof(struct export_args, format), ROWS_FORMATS, "of the output (tsv)", 0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct export_args, json), NULL, "the same as --format json", 0, 0},
	{"out", 'o', OPT_FILE, offsetof(struct export_args, out), "FILE",
     "write there, whole or not at all (standard output)", 0, 0},
	{.kind = OPT_END},
};

struct export
{
	const struct export_args *args;
	struct store *store;
	struct rows rows;
	int has_header;
};

/* ---- tables as they are ---------------------------------------------------------------------------------------- */

static int put_header(struct export *x, const struct store_value *v, int columns, struct err *e)
{
	if (x->has_header++)
		return 0;
	for (int i = 0; i < columns; i++)
		rows_header(&x->rows, v[i].name);
	return rows_end(&x->rows, e);
}

static void put_value(struct rows *r, const struct store_value *v)
{
	const int is_json =
		v->type == STORE_TEXT && (!strcmp(v->name, "args") || !strcmp(v->name, "logits") || !strcmp(v->name, "rows"));
	if (is_json)
		rows_object(r, v->name, v->text);
	else if (v->type == STORE_TEXT)
		rows_text(r, v->name, v->text);
	else if (v->type == STORE_INTEGER)
		rows_int(r, v->name, (long long)v->integer);
	else if (v->type == STORE_REAL)
		rows_double(r, v->name, v->real);
	else
		rows_nothing(r, v->name);
}

static int put_row(const struct store_value *v, int columns, void *arg, struct err *e)
{
	struct export *x = arg;
	int code = put_header(x, v, columns, e);
	for (int i = 0; i < columns; i++)
		put_value(&x->rows, &v[i]);
	return code ? code : rows_end(&x->rows, e);
}

/* ---- cost by example and layer --------------------------------------------------------------------------------- */

static const char *const cost_names[] = {"run",        "idx",       "layer",        "scored", "kept",
                                         "projection", "attention", "feed_forward", "policy"};

static int cost_header(struct export *x, struct err *e)
{
	if (x->has_header++)
		return 0;
	for (size_t i = 0; i < sizeof cost_names / sizeof *cost_names; i++)
		rows_header(&x->rows, cost_names[i]);
	return rows_end(&x->rows, e);
}

/* Alive once the pruning of layer `l` is done; -1: all. */
static int alive_after(const struct facts *f, int i, int l)
{
	int alive = 0;
	if (!f->died_at)
		return f->tokens[i];
	for (int64_t t = f->start[i]; t < f->start[i + 1]; t++)
		alive += f->died_at[t] > l;
	return alive;
}

static int put_cost(struct export *x, int64_t run, const struct facts *f, int i, int l, struct err *e)
{
	struct flops c;
	struct rows *r = &x->rows;
	const int scored = alive_after(f, i, l - 1), kept = alive_after(f, i, l);
	flops_count_layer(&c, &f->shape, &f->policy, l, scored, kept);
	const long long values[] = {(long long)run, f->idx[i],      l,       scored, kept, c.projection,
	                            c.attention,    c.feed_forward, c.policy};
	for (size_t k = 0; k < sizeof values / sizeof *values; k++)
		rows_int(r, cost_names[k], values[k]);
	return rows_end(r, e);
}

static int export_cost(struct export *x, int64_t run, struct err *e)
{
	struct facts f;
	int code = store_facts_get(x->store, run, STORE_TRACES, &f, e);
	if (code)
		return code;
	code = cost_header(x, e);
	for (int i = 0; i < f.n && !code; i++)
		for (int l = 0; l < f.shape.L && !code; l++)
			code = put_cost(x, run, &f, i, l, e);
	facts_close(&f);
	return code;
}

/* ---- which runs ------------------------------------------------------------------------------------------------ */

static int export_run(struct export *x, int64_t run, struct err *e)
{
	if (x->args->what == TABLE_cost)
		return export_cost(x, run, e);
	return store_select(x->store, put_row, x, e, table_sql[x->args->what], "i", run);
}

static int export_named(struct export *x, struct err *e)
{
	char *names = strdup(x->args->runs), *rest = names;
	int code = names ? 0 : err_set(e, ERR_MEMORY, "out of memory for '%s'", x->args->runs);
	for (char *name; !code && (name = strsep(&rest, ","));) {
		int64_t run;
		code = store_run_find(x->store, name, &run, e);
		if (!code)
			code = export_run(x, run, e);
	}
	free(names);
	return code;
}

struct ids {
	int64_t *id;
	int count, capacity;
};

static int take_id(const struct store_value *v, int columns, void *arg, struct err *e)
{
	struct ids *x = arg;
	(void)columns;
	if (x->count == x->capacity) {
		const int capacity = x->capacity ? 2 * x->capacity : 256;
		int64_t *more = realloc(x->id, (size_t)capacity * sizeof *more);
		if (!more)
			return err_set(e, ERR_MEMORY, "out of memory for %d runs", capacity);
		x->id = more;
		x->capacity = capacity;
	}
	x->id[x->count++] = v[0].integer;
	return 0;
}

static int export_all(struct export *x, struct err *e)
{
	struct ids ids = {0};
	int code = store_select(x->store, take_id, &ids, e,
	                        "SELECT id FROM run WHERE kind = 'eval' AND finished IS NOT NULL ORDER BY id", "");
	if (!code && !ids.count)
		code = err_set(e, ERR_USAGE, "no finished evaluation in '%s'", x->args->db);
	for (int i = 0; i < ids.count && !code; i++)
		code = export_run(x, ids.id[i], e);
	free(ids.id);
	return code;
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static int write_out(struct export *x, struct err *e)
{
	struct file_writer w;
	int code = x->args->out ? file_writer_open(&w, x->args->out, e) : 0;
	if (code)
		return code;
	x->rows.out = x->args->out ? w.stream : stdout;
	code = x->args->runs ? export_named(x, e) : export_all(x, e);
	rows_free(&x->rows);
	if (!x->args->out)
		return code;
	if (!code)
		return file_writer_commit(&w, e);
	file_writer_abort(&w);
	return code;
}

static int export_run_command(const struct command *command, int argc, char **argv, struct err *e)
{
	struct export_args a = {0};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.db || count)
		return err_set(e, ERR_USAGE, "export needs --db FILE");
	struct export x = {.args = &a, .rows = {.format = a.json ? ROWS_JSON : (enum rows_format)a.format}};
	code = store_open(&x.store, a.db, &(struct store_options){.is_read_only = 1}, e);
	if (!code)
		code = write_out(&x, e);
	store_close(x.store);
	return code;
}

const struct command export_command = {
	.name = "export",
	.summary = "facts and metrics as TSV, CSV or JSON lines",
	.usage = "--db FILE [--run RUN,...] [--what TABLE] [--out FILE]",
	.details = "runs: settings and hashes. metrics: values with intervals. examples: predictions, logits, rows by "
			   "layer, FLOPs.\n"
			   "tokens: the layer at which each token died (as many as there are layers: it lived), and its score "
			   "where that was\n"
			   "kept. timing: nanoseconds by arm, turn and batch. cost: FLOPs by example, layer and part, `scored` "
			   "tokens being alive\n"
			   "before the layer's pruning and `kept` after it.",
	.examples = "adapler export --db runs.db --what metrics --format csv --out metrics.csv\n"
				"adapler export --db runs.db --run 3,4 --what cost --json | head",
	.options = options,
	.run = export_run_command,
};
