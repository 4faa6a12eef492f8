/* adapler ls: the runs of a store, a line each. */
#include "store.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/opt.h"
#include "../engine/base/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ls_args {
	const char *db, *kind, *task, *split, *model, *policy, *sort;
	int reverse, format, json;
};

enum { FORMAT_AUTO, FORMAT_TABLE, FORMAT_ROWS }; /* FORMAT_ROWS + an enum rows_format */

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct ls_args, db), "FILE", "the database", 0, 0},
	{"kind", 'k', OPT_STRING, offsetof(struct ls_args, kind), "K", "eval, finetune, adapt, pretrain (all)", 0, 0},
	{"task", 0, OPT_STRING, offsetof(struct ls_args, task), "T", "of this task; PREFIX* here and below", 0, 0},
	{"split", 0, OPT_STRING, offsetof(struct ls_args, split), "S", "of this split", 0, 0},
	{"model", 'm', OPT_STRING, offsetof(struct ls_args, model), "DIR", "of this model", 0, 0},
	{"policy", 'p', OPT_STRING, offsetof(struct ls_args, policy), "P", "under this policy", 0, 0},
	{"sort", 's', OPT_STRING, offsetof(struct ls_args, sort), "COLUMN", "by this column (id)", 0, 0},
	{"reverse", 'r', OPT_FLAG, offsetof(struct ls_args, reverse), NULL, "largest first", 0, 0},
	{"format", 'f', OPT_CHOICE, offsetof(struct ls_args, format), "auto|table|" ROWS_FORMATS,
     "of the output (a table on a terminal, else tsv)", 0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct ls_args, json), NULL, "the same as --format json", 0, 0},
	{.kind = OPT_END},
};

/* ---- the question ---------------------------------------------------------------------------------------------- */

/* name, SQL */
#define COLUMNS(X)                                      \
	X(id, "run.id")                                     \
	X(key, "run.key")                                   \
	X(kind, "run.kind")                                 \
	X(task, "run.task")                                 \
	X(split, "run.split")                               \
	X(model, "json_extract(run.args, '$.model')")       \
	X(policy, "run.policy")                             \
	X(seed, "run.seed")                                 \
	X(batch, "json_extract(run.args, '$.batch')")       \
	X(threads, "run.threads")                           \
	X(n, "cast(n.value AS INTEGER)")                    \
	X(metric, "json_extract(run.args, '$.metrics[0]')") \
	X(score, "score.value")                             \
	X(score_lo, "score.lo")                             \
	X(score_hi, "score.hi")                             \
	X(flops_speedup, "flops.value")                     \
	X(time_speedup, "time.value")                       \
	X(finished, "run.finished")

#define ENUM_COLUMN(name, sql) COLUMN_##name,
enum column { COLUMNS(ENUM_COLUMN) COLUMN_COUNT };

#define NAME_COLUMN(name, sql) #name,
static const char *const column_names[COLUMN_COUNT + 1] = {COLUMNS(NAME_COLUMN) NULL};

#define LIKE(what, argument)                                                                               \
	"(" argument " IS NULL OR " what " = " argument " OR (substr(" argument ", -1) = '*' AND substr(" what \
	", 1, length(" argument ") - 1) = substr(" argument ", 1, length(" argument ") - 1)))"

#define SELECT_COLUMN(name, sql) sql " AS " #name ", "
static const char question[] =
	"SELECT " COLUMNS(SELECT_COLUMN) "0 FROM run"
									 " LEFT JOIN metric AS n ON n.run = run.id AND n.name = 'examples'"
									 " LEFT JOIN metric AS score ON score.run = run.id AND score.name = "
									 "json_extract(run.args, '$.metrics[0]')"
									 " LEFT JOIN metric AS flops ON flops.run = run.id AND flops.name = 'flops_speedup'"
									 " LEFT JOIN metric AS time ON time.run = run.id AND time.name = 'time_speedup'"
									 " WHERE " LIKE("run.kind", "?1") " AND " LIKE("run.task", "?2") " AND " LIKE(
										 "run.split", "?3") " AND " LIKE("json_extract(run.args, '$.model')",
                                                                         "?4") " AND " LIKE("run.policy", "?5");

static int check_sort(const char *name, struct err *e)
{
	char hint[600];
	for (int i = 0; i < COLUMN_COUNT; i++)
		if (!strcmp(column_names[i], name))
			return 0;
	err_suggest(hint, sizeof hint, name, column_names);
	return err_set(e, ERR_USAGE, "no column '%.80s' to sort by%s", name, hint);
}

static int ask(struct store *s, const struct ls_args *a, store_value_visitor *visit, void *arg, struct err *e)
{
	char sql[sizeof question + 200];
	snprintf(sql, sizeof sql, "%s ORDER BY %s%s, run.id", question, a->sort ? a->sort : "run.id",
	         a->reverse ? " DESC" : "");
	return store_select(s, visit, arg, e, sql, "ttttt", a->kind, a->task, a->split, a->model, a->policy);
}

/* ---- rows for programs ----------------------------------------------------------------------------------------- */

static void put_value(struct rows *r, const struct store_value *v)
{
	switch (v->type) {
	case STORE_INTEGER: rows_int(r, v->name, (long long)v->integer); break;
	case STORE_REAL: rows_double(r, v->name, v->real); break;
	case STORE_TEXT: rows_text(r, v->name, v->text); break;
	default: rows_nothing(r, v->name);
	}
}

static int print_row(const struct store_value *v, int columns, void *arg, struct err *e)
{
	struct rows *r = arg;
	(void)columns;
	for (int i = 0; i < COLUMN_COUNT; i++)
		put_value(r, &v[i]);
	return rows_end(r, e);
}

static int print_rows(struct store *s, const struct ls_args *a, enum rows_format format, struct err *e)
{
	struct rows r = {.out = stdout, .format = format};
	for (int i = 0; i < COLUMN_COUNT; i++)
		rows_header(&r, column_names[i]);
	int code = rows_end(&r, e);
	if (!code)
		code = ask(s, a, print_row, &r, e);
	rows_free(&r);
	return code;
}

/* ---- a table for people ---------------------------------------------------------------------------------------- */

/* title, right-aligned */
#define SHOWN(X)             \
	X(run, "run", 1)         \
	X(kind, "kind", 0)       \
	X(task, "task", 0)       \
	X(split, "split", 0)     \
	X(model, "model", 0)     \
	X(policy, "policy", 0)   \
	X(seed, "seed", 1)       \
	X(batch, "batch", 1)     \
	X(threads, "threads", 1) \
	X(n, "n", 1)             \
	X(score, "score", 0)     \
	X(flops, "FLOPs", 1)     \
	X(time, "time", 1)

#define ENUM_SHOWN(name, title, is_right) SHOWN_##name,
enum shown { SHOWN(ENUM_SHOWN) SHOWN_COUNT };

#define SHOWN_ROW(name, title, is_right) {title, is_right},
static const struct {
	const char *title;
	int is_right;
} shown[SHOWN_COUNT] = {SHOWN(SHOWN_ROW)};

/* All fields, each NUL-terminated, row after row. */
struct table {
	struct buf fields;
	int width[SHOWN_COUNT], rows;
};

/* Columns are counted in characters, as paths may hold any. */
static int width_of(const char *text)
{
	int width = 0;
	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void add_field(struct table *t, enum shown column, const char *text)
{
	const int width = width_of(text);
	buf_add(&t->fields, text, strlen(text) + 1);
	t->width[column] = width > t->width[column] ? width : t->width[column];
}

static void add_text(struct table *t, enum shown column, const struct store_value *v)
{
	char number[30];
	snprintf(number, sizeof number, "%lld", (long long)v->integer);
	add_field(t, column, v->type == STORE_TEXT ? v->text : v->type == STORE_INTEGER ? number : "");
}

static void add_times(struct table *t, enum shown column, const struct store_value *v)
{
	char text[40] = "";
	if (!isnan(v->real))
		snprintf(text, sizeof text, "%.2fx", v->real);
	add_field(t, column, text);
}

/* "84.1 [82.6, 85.5] accuracy"; of a run that goes on, that it does. */
static void add_score(struct table *t, const struct store_value *v)
{
	char text[160] = "";
	const double value = v[COLUMN_score].real, lo = v[COLUMN_score_lo].real, hi = v[COLUMN_score_hi].real;
	const char *metric = v[COLUMN_metric].text ? v[COLUMN_metric].text : "";
	if (v[COLUMN_finished].type == STORE_NULL)
		snprintf(text, sizeof text, "unfinished");
	else if (!isnan(value) && !isnan(lo))
		snprintf(text, sizeof text, "%.1f [%.1f, %.1f] %.60s", 100 * value, 100 * lo, 100 * hi, metric);
	else if (!isnan(value))
		snprintf(text, sizeof text, "%.1f %.60s", 100 * value, metric);
	add_field(t, SHOWN_score, text);
}

static int add_row(const struct store_value *v, int columns, void *arg, struct err *e)
{
	struct table *t = arg;
	(void)columns;
	add_text(t, SHOWN_run, &v[COLUMN_id]);
	add_text(t, SHOWN_kind, &v[COLUMN_kind]);
	add_text(t, SHOWN_task, &v[COLUMN_task]);
	add_text(t, SHOWN_split, &v[COLUMN_split]);
	add_text(t, SHOWN_model, &v[COLUMN_model]);
	add_text(t, SHOWN_policy, &v[COLUMN_policy]);
	add_text(t, SHOWN_seed, &v[COLUMN_seed]);
	add_text(t, SHOWN_batch, &v[COLUMN_batch]);
	add_text(t, SHOWN_threads, &v[COLUMN_threads]);
	add_text(t, SHOWN_n, &v[COLUMN_n]);
	add_score(t, v);
	add_times(t, SHOWN_flops, &v[COLUMN_flops_speedup]);
	add_times(t, SHOWN_time, &v[COLUMN_time_speedup]);
	t->rows++;
	return buf_check(&t->fields, e);
}

static void pad(struct buf *line, int count)
{
	for (int i = 0; i < count; i++)
		buf_add_byte(line, ' ');
}

/* Returns where the next row begins. */
static const char *print_line(const struct table *t, const char *at, struct buf *line)
{
	buf_reset(line);
	for (int i = 0; i < SHOWN_COUNT; i++, at += strlen(at) + 1) {
		const int room = t->width[i] - width_of(at);
		pad(line, i ? 2 : 0);
		pad(line, shown[i].is_right ? room : 0);
		buf_add_text(line, at);
		pad(line, shown[i].is_right ? 0 : room);
	}
	while (line->size && line->data[line->size - 1] == ' ')
		line->size--;
	printf("%.*s\n", (int)line->size, line->data ? line->data : "");
	return at;
}

static int print_table(struct store *s, const struct ls_args *a, struct err *e)
{
	struct table t = {.rows = 1};
	struct buf line = {0};
	for (int i = 0; i < SHOWN_COUNT; i++)
		add_field(&t, (enum shown)i, shown[i].title);
	int code = ask(s, a, add_row, &t, e);
	const char *at = t.fields.data;
	for (int i = 0; i < t.rows && !code; i++)
		at = print_line(&t, at, &line);
	if (!code)
		code = buf_check(&line, e);
	buf_free(&line);
	buf_free(&t.fields);
	return code;
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static int list(const struct ls_args *a, struct err *e)
{
	struct store *s;
	const int is_table = !a->json && (a->format == FORMAT_TABLE || (a->format == FORMAT_AUTO && isatty(STDOUT_FILENO)));
	int code = store_open(&s, a->db, &(struct store_options){.is_read_only = 1}, e);
	if (code)
		return code;
	if (is_table)
		code = print_table(s, a, e);
	else
		code = print_rows(s, a,
		                  a->json                    ? ROWS_JSON
		                  : a->format == FORMAT_AUTO ? ROWS_TSV
		                                             : (enum rows_format)(a->format - FORMAT_ROWS),
		                  e);
	store_close(s);
	return code;
}

static int ls_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct ls_args a = {0};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.db || count)
		return err_set(e, ERR_USAGE, "ls needs --db FILE");
	code = a.sort ? check_sort(a.sort, e) : 0;
	return code ? code : list(&a, e);
}

const struct command ls_command = {
	.name = "ls",
	.summary = "list the runs of a store",
	.usage = "--db FILE [--task T] [--policy P] [--sort COLUMN] [OPTION...]",
	.details =
		"Evaluations with their main metric, its 95 % interval, and their speedups; trainings too. A filter matches\n"
		"exactly, or what begins so when it ends with *.",
	.examples = "adapler ls --db runs.db --task sst2 --split test --sort flops_speedup\n"
				"adapler ls --db runs.db --policy 'adapler*' --json",
	.options = options,
	.run = ls_run,
};
