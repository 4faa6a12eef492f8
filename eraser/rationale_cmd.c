/* adapler rationale: are the tokens that a model keeps, or a method points at, those that people marked? */
#include "rationale_table.h"
#include "study_options.h"

#include "../engine/base/err.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/progress.h"

#include <stdio.h>
#include <unistd.h>

struct rationale_args {
	struct study_args study;
	const char *db, *predictions;
	int format, json, rate;
};

static const struct opt options[] = {
	STUDY_OPTIONS(struct rationale_args, study),
	{"methods", 0, OPT_STRING, offsetof(struct rationale_args, study.methods), "LIST",
     "as adapler explain has them (all but leave-one-out)", 0, 0},
	{"db", 'd', OPT_FILE, offsetof(struct rationale_args, db), "FILE", "the database", 0, 0},
	{"predictions", 0, OPT_DIR, offsetof(struct rationale_args, predictions), "DIR",
     "also write every selection as predictions that ERASER's scorer reads", 0, 0},
	{"rate", 0, OPT_CHOICE, offsetof(struct rationale_args, rate), "fpr|fdr|recall|f1",
     "of the table for people, and of the paired tests (fpr)", 0, 0},
	{"format", 'f', OPT_CHOICE, offsetof(struct rationale_args, format), "auto|table|" ROWS_FORMATS,
     "of the output (a table on a terminal, else tsv)", 0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct rationale_args, json), NULL, "the same as --format json", 0, 0},
	{.kind = OPT_END},
};

struct job {
	const struct rationale_args *args;
	struct study study;
	struct study_runs runs;
};

static int explain_missing(struct job *j, struct err *e)
{
	struct study *s = &j->study;
	struct progress p;
	int i = study_runs_missing(&j->runs), code = 0;
	if (i == s->count)
		return 0;
	progress_begin(&p, "explain", "documents", s->count, log_is_quiet());
	p.skipped = i;
	for (int count; i < s->count && !code; i += count) {
		struct study_documents x;
		const int batch = study_options_batch(&j->args->study);
		count = s->count - i < batch ? s->count - i : batch;
		code = study_explain(s, i, count, &x, e);
		if (!code) {
			code = study_runs_add(&j->runs, &x, i, e);
			study_documents_close(&x);
		}
		progress_update(&p, i + count, NULL);
		if (!code && interrupt_pending())
			code = err_set(e, ERR_INTERRUPTED, "interrupted after %d of %d documents; the same command goes on",
			               i + count, s->count);
	}
	progress_end(&p);
	return code;
}

enum { FORMAT_AUTO, FORMAT_TABLE, FORMAT_ROWS };

static int tell(const struct job *j, struct err *e)
{
	const struct rationale_args *a = j->args;
	struct rationale_table t = {
		.store = j->runs.store, .run = j->runs.run, .methods = j->runs.methods, .rate = (enum rationale_rate)a->rate};
	const int is_table = !a->json && (a->format == FORMAT_TABLE || (a->format == FORMAT_AUTO && isatty(STDOUT_FILENO)));
	const enum rows_format format = a->json                   ? ROWS_JSON
	                                : a->format < FORMAT_ROWS ? ROWS_TSV
	                                                          : (enum rows_format)(a->format - FORMAT_ROWS);
	int code = rationale_table_make(&t, e);
	if (!code)
		code = is_table ? rationale_table_print(&t, stdout, e) : rationale_table_rows(&t, stdout, format, e);
	if (!code && a->predictions)
		code = rationale_table_predictions(&t, &j->study, a->predictions, e);
	rationale_table_free(&t);
	return code;
}

static int compare_all(struct job *j, struct err *e)
{
	int code = study_runs_open(&j->runs, &j->study, j->args->db, e);
	if (!code)
		code = explain_missing(j, e);
	if (!code)
		code = study_runs_finish(&j->runs, e);
	return code ? code : tell(j, e);
}

static int rationale_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct rationale_args a = {.study = {.methods = "cp,kept,attention,attention-cls,rollout,saliency,gradient-input,"
	                                                "integrated,random"}};
	struct study_options o;
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.study.model || !a.study.data || !a.db || count)
		return err_set(e, ERR_USAGE, "rationale needs --model DIR, --data DIR and --db FILE");
	struct job j = {.args = &a};
	interrupt_install();
	code = study_options_read(&o, &a.study, e);
	if (!code)
		code = study_open(&j.study, &o, e);
	if (!code && !j.study.rationales)
		code = err_set(e, ERR_FORMAT, "no instance of '%s' %s has a rationale", a.study.data, o.split);
	if (!code)
		code = compare_all(&j, e);
	study_runs_close(&j.runs);
	study_close(&j.study);
	return code;
}

const struct command rationale_command = {
	.name = "rationale",
	.summary = "compare what methods point at with what people marked, layer by layer",
	.usage = "--model DIR --data DIR --db FILE [--split S] [--dense DIR]",
	.details =
		"Every method is a run of the database, its scores are facts, and what the table shows follows from them\n"
		"(`adapler verify`). A row is a method and a layer at a budget: `replay`, as many tokens as the adapted model\n"
		"kept in each window for that layer; `human`, as many as people marked in the document; `mean`, the mean "
		"share\n"
		"of that. Rates are pooled over documents with a rationale, intervals are of 95 % by bootstrap over "
		"documents.\n"
		"`difference`: mean over documents of the method's --rate less that of the contribution predictors, with a\n"
		"sign-flip test, Holm-corrected over the table. Killed and started again, it goes on where it was.",
	.examples = "adapler rationale --model adapted --dense finetuned --data movies --split test --db runs.db --lenient",
	.options = options,
	.run = rationale_run,
};
