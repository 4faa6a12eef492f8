/* adapler rationale: are the tokens that a model keeps, or a method points at, those that people marked? */
#include "rationale_table.h"
#include "study_options.h"

#include "../engine/base/err.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/pool.h"
#include "../engine/base/progress.h"
#include "../engine/base/sha256.h"
#include "../eval/claims.h"
#include "../eval/store_rationale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Raised whenever what the explainers find changes: runs of another version are other runs. */
enum { FACTS_VERSION = 1 };

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
	struct store *store;
	struct claims *claims; /* on the runs that are not finished */
	struct method_run run[METHOD_COUNT];
	unsigned methods;
};

static int wants(const struct job *j, int m) { return (j->methods >> m & 1) != 0; }

/* ---- runs in the store ---------------------------------------------------------------------------------------- */

static void find_key(const struct job *j, enum method m, char key[65])
{
	struct buf b = {0};
	struct sha256 h;
	const struct rationale_facts f = study_facts(&j->study, m);
	buf_addf(&b, "rationale %d\nsources %s\nkernels %s\ndata %s\n", FACTS_VERSION, adapler_sources(),
	         adapler_kernels(NULL), j->study.data_sha);
	study_describe(&j->study, m, &b);
	store_rationale_describe(&b, &f);
	sha256_init(&h);
	sha256_add(&h, b.data, b.size);
	sha256_end(&h, key);
	buf_free(&b);
}

/* A run is one process's: its documents come in their order. */
static int claim_run(struct job *j, const struct method_run *r, enum method m, struct err *e)
{
	int is_taken, code = claims_take(j->claims, r->key, &is_taken, e);
	if (code || is_taken)
		return code;
	return err_set(e, ERR_IO, "another process is at '%s', run %lld of '%s': wait until it is done",
	               method_table[m].name, (long long)r->id, j->args->db);
}

static int start_run(struct job *j, enum method m, struct err *e)
{
	struct method_run *r = &j->run[m];
	struct buf args = {0};
	enum store_found found;
	const struct rationale_facts f = study_facts(&j->study, m);
	const enum explain_arm arm = method_table[m].arm;
	find_key(j, m, r->key);
	buf_add_byte(&args, '{');
	study_describe(&j->study, m, &args);
	store_rationale_describe(&args, &f);
	buf_addf(&args, "\"kernels\":\"%s\"}", adapler_kernels(NULL));
	const struct store_run run = {.key = r->key,
	                              .kind = "rationale",
	                              .task = j->study.name,
	                              .split = j->study.options.split,
	                              .policy = explainer_policy(j->study.explainer, arm)->text,
	                              .args = args.data,
	                              .seed = m == METHOD_RANDOM ? j->study.options.explain.seed : 0,
	                              .model_sha = j->study.model_sha[arm],
	                              .data_sha = j->study.data_sha,
	                              .rev = adapler_commit(),
	                              .threads = j->args->study.threads ? j->args->study.threads : pool_processors()};
	int code = buf_check(&args, e);
	if (!code)
		code = store_run_start(j->store, &run, &r->id, &found, e);
	r->is_finished = !code && found == STORE_FINISHED;
	if (!code && !r->is_finished)
		code = claim_run(j, r, m, e);
	if (!code)
		code = store_rationale_count(j->store, r->id, &r->done, e);
	buf_free(&args);
	return code;
}

static int write_document(struct job *j, const struct study_documents *x, int k, int idx, struct err *e)
{
	const struct instance *in = &x->instance[k];
	const struct rationale_document *any = &x->document[METHOD_KEPT][k];
	const struct store_document d = {.data = j->study.data_sha,
	                                 .idx = idx,
	                                 .annotation = in->annotation->id,
	                                 .docid = in->docid,
	                                 .label = in->annotation->label,
	                                 .words = in->words,
	                                 .spans = any->spans,
	                                 .span = any->span};
	int code = store_document_add(j->store, &d, e);
	for (int m = 0; m < METHOD_COUNT && !code; m++) {
		if (!wants(j, m) || j->run[m].is_finished || j->run[m].done > idx)
			continue;
		const struct rationale_facts f = study_facts(&j->study, (enum method)m);
		code = store_rationale_add(j->store, j->run[m].id, idx, &f, &x->document[m][k], e);
		j->run[m].done += !code;
	}
	return code;
}

/* A chunk is there as a whole or not at all. */
static int write_chunk(struct job *j, const struct study_documents *x, int first, struct err *e)
{
	int code = store_begin(j->store, e);
	if (code)
		return code;
	for (int k = 0; k < x->count && !code; k++)
		code = write_document(j, x, k, first + k, e);
	if (!code)
		code = store_commit(j->store, e);
	if (code)
		store_rollback(j->store);
	return code;
}

/* The first document that some run lacks. */
static int first_missing(const struct job *j)
{
	int first = j->study.count;
	for (int m = 0; m < METHOD_COUNT; m++)
		if (wants(j, m) && !j->run[m].is_finished && j->run[m].done < first)
			first = j->run[m].done;
	return first;
}

static int explain_missing(struct job *j, struct err *e)
{
	struct study *s = &j->study;
	struct progress p;
	int i = first_missing(j), code = 0;
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
			code = write_chunk(j, &x, i, e);
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

/* ---- what follows from the facts ------------------------------------------------------------------------------ */

struct metric_rows {
	struct store *store;
	int64_t run;
};

static int add_metric(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	const struct metric_rows *r = arg;
	return store_metric_set(r->store, r->run, name, value, lo, hi, e);
}

static int finish_run(struct job *j, struct method_run *r, struct err *e)
{
	struct metric_rows rows = {j->store, r->id};
	int code = store_begin(j->store, e);
	if (code)
		return code;
	code = rationale_derive(&r->facts, add_metric, &rows, e);
	if (!code)
		code = store_run_finish(j->store, r->id, e);
	if (!code)
		code = store_commit(j->store, e);
	if (code)
		store_rollback(j->store);
	return code;
}

static int read_runs(struct job *j, struct err *e)
{
	int code = 0;
	for (int m = 0; m < METHOD_COUNT && !code; m++) {
		struct method_run *r = &j->run[m];
		if (!wants(j, m))
			continue;
		code = store_rationale_get(j->store, r->id, &r->facts, e);
		if (!code && !r->is_finished)
			code = finish_run(j, r, e);
	}
	return code;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

enum { FORMAT_AUTO, FORMAT_TABLE, FORMAT_ROWS };

static int tell(const struct job *j, struct err *e)
{
	const struct rationale_args *a = j->args;
	struct rationale_table t = {
		.store = j->store, .run = j->run, .methods = j->methods, .rate = (enum rationale_rate)a->rate};
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
	int code = 0;
	for (int m = 0; m < METHOD_COUNT && !code; m++)
		if (wants(j, m))
			code = start_run(j, (enum method)m, e);
	if (!code)
		code = explain_missing(j, e);
	if (!code)
		code = read_runs(j, e);
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
		code = store_open(&j.store, a.db, NULL, e);
	if (!code)
		code = claims_open(&j.claims, a.db, e);
	if (!code)
		code = study_open(&j.study, &o, e);
	if (!code && !j.study.rationales)
		code = err_set(e, ERR_FORMAT, "no instance of '%s' %s has a rationale", a.study.data, o.split);
	j.methods = j.study.options.explain.methods;
	if (!code)
		code = compare_all(&j, e);
	for (int m = 0; m < METHOD_COUNT; m++)
		rationale_close(&j.run[m].facts);
	study_close(&j.study);
	claims_close(j.claims);
	store_close(j.store);
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
