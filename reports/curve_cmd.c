/* adapler curve: training curves out of the store. */
#include "../engine/base/log.h"
#include "../engine/base/opt.h"
#include "../engine/base/rows.h"
#include "curve.h"
#include "gnuplot.h"

#include <string.h>

struct curve_args {
	const char *db, *run, *names, *plot;
	int format, json;
};

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct curve_args, db), "FILE", "the database that trainings write", 0, 0},
	{"run", 'r', OPT_STRING, offsetof(struct curve_args, run), "ID|KEY",
     "the run: its number, its key or how the key begins", 0, 0},
	{"name", 'n', OPT_STRING, offsetof(struct curve_args, names), "NAME,...", "the curves wanted, in this order (all)",
     0, 0},
	{"format", 'f', OPT_CHOICE, offsetof(struct curve_args, format), ROWS_FORMATS, "of the output (tsv)", 0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct curve_args, json), NULL, "the same as --format json", 0, 0},
	{"plot", 'p', OPT_FILE, offsetof(struct curve_args, plot), "FILE", "draw a .png, .svg or .pdf with gnuplot instead",
     0, 0},
	{.kind = OPT_END},
};

/* ---- the list of runs ---- */

static void print_step(struct rows *r, const char *name, int64_t step)
{
	if (step >= 0)
		rows_int(r, name, (long long)step);
	else
		rows_nothing(r, name);
}

#define RUN_COLUMNS(X)                          \
	X(id, rows_int, (long long)row->id)         \
	X(key, rows_text, row->run.key)             \
	X(kind, rows_text, row->run.kind)           \
	X(task, rows_text, row->run.task)           \
	X(split, rows_text, row->run.split)         \
	X(policy, rows_text, row->run.policy)       \
	X(seed, rows_int, (long long)row->run.seed) \
	X(threads, rows_int, row->run.threads)      \
	X(started, rows_text, row->started)         \
	X(finished, rows_text, row->finished)       \
	X(last_step, print_step, row->last_step)    \
	X(model_sha, rows_text, row->run.model_sha) \
	X(data_sha, rows_text, row->run.data_sha)   \
	X(rev, rows_text, row->run.rev)             \
	X(args, rows_object, row->run.args)

static int print_run(const struct store_row *row, void *arg, struct err *e)
{
	struct rows *r = arg;
#define PRINT_COLUMN(name, print, value) print(r, #name, value);
	RUN_COLUMNS(PRINT_COLUMN)
	return rows_end(r, e);
}

static int list_runs(struct store *s, struct rows *r, struct err *e)
{
#define PRINT_NAME(name, print, value) rows_header(r, #name);
	RUN_COLUMNS(PRINT_NAME)
	int code = rows_end(r, e);
	return code ? code : store_run_each(s, print_run, r, e);
}

/* ---- one run ---- */

static int show_run(struct store *s, const struct curve_args *a, struct rows *r, struct err *e)
{
	struct curve c;
	int64_t id;
	int code = store_run_find(s, a->run, &id, e);
	if (!code)
		code = curve_open(&c, s, id, a->names, e);
	if (code)
		return code;
	code = a->plot ? curve_plot(&c, a->plot, e) : curve_print(&c, r, e);
	curve_close(&c);
	if (!code && a->plot)
		log_info("drew run %lld to %s", (long long)id, a->plot);
	return code;
}

static int show(const struct curve_args *a, struct err *e)
{
	struct rows r = {.out = stdout, .format = a->json ? ROWS_JSON : (enum rows_format)a->format};
	struct store *s;
	int code = store_open(&s, a->db, &(struct store_options){.is_read_only = 1}, e);
	if (code)
		return code;
	code = a->run ? show_run(s, a, &r, e) : list_runs(s, &r, e);
	rows_free(&r);
	store_close(s);
	return code;
}

static int curve_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct curve_args a = {0};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.db || count)
		return err_set(e, ERR_USAGE, "curve needs --db FILE");
	if (!a.run && (a.names || a.plot))
		return err_set(e, ERR_USAGE, "--name and --plot need --run; without it the runs are listed");
	if (a.plot && (code = gnuplot_check_path(a.plot, e)))
		return code;
	return show(&a, e);
}

const struct command curve_command = {
	.name = "curve",
	.summary = "show or draw training curves",
	.usage = "--db FILE [--run ID|KEY [--name NAME,...] [--plot FILE]] [OPTION...]",
	.details =
		"Without a run, the runs of the database are listed. With one, there is a row a step and a column a curve:\n"
		"undefined values are NaN (null in JSON), a curve without a point at the step has an empty field. A picture\n"
		"has a panel for each measure, so that loss and dev/loss are together and accuracy is below them.",
	.examples = "adapler curve --db runs.db\n"
				"adapler curve --db runs.db --run 3 --name loss,dev/loss > loss.tsv\n"
				"adapler curve --db runs.db --run 3 --plot curve.pdf",
	.options = options,
	.run = curve_run,
};
