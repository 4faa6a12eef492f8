/* adapler rationale: are the tokens that a model keeps, or a method points at, those that people marked? */
#include "prediction.h"
#include "study_options.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/pool.h"
#include "../engine/base/progress.h"
#include "../engine/base/rows.h"
#include "../engine/base/sha256.h"
#include "../eval/claims.h"
#include "../eval/stats.h"
#include "../eval/store.h"
#include "../eval/store_rationale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Raised whenever what the explainers find changes: runs of another version are other runs. */
enum { FACTS_VERSION = 1 };

struct rationale_args {
	struct study_args study;
	const char *db, *predictions;
	int format, json, table, rate;
};

static const struct opt options[] = {
	STUDY_OPTIONS(struct rationale_args, study),
	{"methods", 0, OPT_STRING, offsetof(struct rationale_args, study.methods), "LIST",
     "as adapler explain has them (all but leave-one-out)", 0, 0},
	{"db", 'd', OPT_FILE, offsetof(struct rationale_args, db), "FILE", "the database", 0, 0},
	{"predictions", 0, OPT_DIR, offsetof(struct rationale_args, predictions), "DIR",
     "also write every selection as predictions that ERASER's scorer reads", 0, 0},
	{"rate", 0, OPT_CHOICE, offsetof(struct rationale_args, rate), "fpr|fdr|recall|f1",
     "of the paired tests against the adapted model (fpr)", 0, 0},
	{"format", 'f', OPT_CHOICE, offsetof(struct rationale_args, format), ROWS_FORMATS, "of the table (tsv)", 0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct rationale_args, json), NULL, "the same as --format json", 0, 0},
	{.kind = OPT_END},
};

/* A method's run. */
struct method_run {
	char key[65];
	int64_t id;
	int is_finished, done;        /* documents */
	struct rationale_facts facts; /* once they are all there */
};

struct job {
	const struct rationale_args *args;
	struct study study;
	struct store *store;
	struct claims *claims; /* on the runs that are not finished */
	struct method_run run[METHOD_COUNT];
	unsigned methods;
	struct rows rows;
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

/* ---- the table ------------------------------------------------------------------------------------------------ */

struct found {
	const char *name;
	double value, lo, hi;
};

static int find_metric(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	struct found *f = arg;
	(void)e;
	if (!strcmp(name, f->name)) {
		f->value = value;
		f->lo = lo;
		f->hi = hi;
	}
	return 0;
}

/* "fpr" at "replay/layer-0". */
static int metric_of(const struct job *j, int m, const char *what, const char *where, struct found *f, struct err *e)
{
	char name[96];
	snprintf(name, sizeof name, "%s%s%s", what, where[0] ? "/" : "", where);
	*f = (struct found){name, NAN, NAN, NAN};
	return store_metric_each(j->store, j->run[m].id, find_metric, f, e);
}

/* The row of one method, layer and budget: what it is compared with the adapted model by. */
struct comparison {
	int method, layer;
	enum rationale_budget budget;
	double difference, p;
};

/* A method without layers has one selection for all of them, but for replay, whose budgets differ. */
static int has_row(const struct job *j, int m, int layer, enum rationale_budget budget)
{
	return budget == BUDGET_REPLAY || j->run[m].facts.layers > 1 || layer == 0;
}

static int compare(const struct job *j, struct comparison *c, enum method with, struct err *e)
{
	const struct rationale_facts *f = &j->run[c->method].facts, *g = &j->run[with].facts;
	double *a = malloc((size_t)f->n * sizeof *a), *b = malloc((size_t)f->n * sizeof *b);
	int n = 0, code = a && b ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d documents", f->n);
	const enum rationale_rate rate = (enum rationale_rate)j->args->rate;
	c->difference = c->p = NAN;
	if (!code)
		code = rationale_rates_of(a, &n, f, rate, c->budget, c->layer, e);
	if (!code)
		code = rationale_rates_of(b, &n, g, rate, c->budget, c->layer, e);
	int defined = 0;
	for (int i = 0; i < n && !code; i++)
		if (!isnan(a[i] - b[i]))
			a[defined++] = a[i] - b[i];
	if (!code && defined && (int)with != c->method) {
		c->difference = stats_mean(a, defined);
		code = stats_sign_flip(&c->p, a, defined, 10000, 0, e);
	}
	free(a);
	free(b);
	return code;
}

static void print_header(struct job *j)
{
	static const char *const names[] = {"run",
	                                    "method",
	                                    "layer",
	                                    "budget",
	                                    "fpr",
	                                    "fpr_lo",
	                                    "fpr_hi",
	                                    "fdr",
	                                    "recall",
	                                    "f1",
	                                    "iou",
	                                    "iou_bounded",
	                                    "average_precision",
	                                    "comprehensiveness",
	                                    "sufficiency",
	                                    "difference",
	                                    "p_holm"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		rows_header(&j->rows, names[i]);
}

static int print_row(struct job *j, const struct comparison *c, double p_holm, struct err *e)
{
	static const struct {
		const char *metric, *column;
		int by_budget;
	} columns[] = {{"fdr", "fdr", 1},
	               {"recall", "recall", 1},
	               {"f1", "f1", 1},
	               {"iou", "iou", 1},
	               {"iou-bounded", "iou_bounded", 1},
	               {"average-precision", "average_precision", 0},
	               {"comprehensiveness", "comprehensiveness", 0},
	               {"sufficiency", "sufficiency", 0}};
	char where[2][64] = {"", ""};
	const int has_layers = j->run[c->method].facts.layers > 1;
	struct found f;
	if (has_layers || c->budget == BUDGET_REPLAY)
		snprintf(where[1], sizeof where[1], "%s/layer-%d", rationale_budgets[c->budget], c->layer);
	else
		snprintf(where[1], sizeof where[1], "%s", rationale_budgets[c->budget]);
	if (has_layers)
		snprintf(where[0], sizeof where[0], "layer-%d", c->layer);
	rows_int(&j->rows, "run", (long long)j->run[c->method].id);
	rows_text(&j->rows, "method", method_table[c->method].name);
	if (has_layers || c->budget == BUDGET_REPLAY)
		rows_int(&j->rows, "layer", c->layer);
	else
		rows_nothing(&j->rows, "layer");
	rows_text(&j->rows, "budget", rationale_budgets[c->budget]);
	int code = metric_of(j, c->method, "fpr", where[1], &f, e);
	rows_double(&j->rows, "fpr", f.value);
	rows_double(&j->rows, "fpr_lo", f.lo);
	rows_double(&j->rows, "fpr_hi", f.hi);
	for (size_t i = 0; i < sizeof columns / sizeof *columns && !code; i++) {
		code = metric_of(j, c->method, columns[i].metric, where[columns[i].by_budget], &f, e);
		rows_double(&j->rows, columns[i].column, f.value);
	}
	rows_double(&j->rows, "difference", c->difference);
	rows_double(&j->rows, "p_holm", p_holm);
	return code ? code : rows_end(&j->rows, e);
}

static int list_comparisons(const struct job *j, struct comparison *all, int *count, struct err *e)
{
	int code = 0;
	*count = 0;
	for (enum rationale_budget b = 0; b < BUDGET_COUNT; b++)
		for (int l = 0; l < j->run[METHOD_KEPT].facts.L; l++)
			for (int m = 0; m < METHOD_COUNT && !code; m++) {
				if (!wants(j, m) || !has_row(j, m, l, b))
					continue;
				struct comparison *c = &all[(*count)++];
				*c = (struct comparison){.method = m, .layer = l, .budget = b};
				code = compare(j, c, wants(j, METHOD_CP) ? METHOD_CP : METHOD_KEPT, e);
			}
	return code;
}

static int print_table(struct job *j, struct err *e)
{
	const size_t most = (size_t)METHOD_COUNT * (size_t)BUDGET_COUNT * FACTS_LAYERS_MAX;
	struct comparison *all = malloc(most * sizeof *all);
	double *p = malloc(most * sizeof *p);
	int count = 0, code = all && p ? list_comparisons(j, all, &count, e) : err_set(e, ERR_MEMORY, "out of memory");
	for (int i = 0; i < count && !code; i++)
		p[i] = all[i].p;
	if (!code)
		code = stats_holm(p, p, count, e);
	print_header(j);
	if (!code)
		code = rows_end(&j->rows, e);
	for (int i = 0; i < count && !code; i++)
		code = print_row(j, &all[i], p[i], e);
	free(all);
	free(p);
	return code;
}

/* ---- predictions ---------------------------------------------------------------------------------------------- */

static int write_selection(const struct job *j, const struct comparison *c, struct err *e)
{
	char path[4096], name[128];
	const struct rationale_facts *f = &j->run[c->method].facts;
	const struct study *s = &j->study;
	struct file_writer w;
	struct buf line = {0};
	snprintf(name, sizeof name, "%s-%s-layer-%d.jsonl", method_table[c->method].name, rationale_budgets[c->budget],
	         c->layer);
	int code = file_join(path, sizeof path, j->args->predictions, name, e);
	if (!code)
		code = file_writer_open(&w, path, e);
	if (code)
		return code;
	for (int i = 0, next; i < f->n && !code; i = next) {
		const char *docid[64];
		const struct rationale_document *document[64];
		const struct annotation *a = &s->instances.annotations.item[s->instances.key[i].annotation];
		int n = 0;
		for (next = i; next < f->n && n < 64 && s->instances.key[next].annotation == s->instances.key[i].annotation;
		     next++) {
			docid[n] = a->docids[s->instances.key[next].document];
			document[n++] = &f->document[next];
		}
		const struct prediction p = {.annotation = a->id,
		                             .count = n,
		                             .docid = docid,
		                             .document = document,
		                             .facts = f,
		                             .layer = f->layers > 1 ? c->layer : 0,
		                             .budget = c->budget,
		                             .budget_layer = c->layer,
		                             .labels = model_config(explainer_model(s->explainer, EXPLAIN_ADAPTED))->labels};
		buf_reset(&line);
		code = prediction_add(&line, &p, e);
		if (!code)
			code = file_writer_write(&w, line.data, line.size, e);
	}
	buf_free(&line);
	if (!code)
		return file_writer_commit(&w, e);
	file_writer_abort(&w);
	return code;
}

static int write_predictions(const struct job *j, struct err *e)
{
	int code = j->args->predictions ? file_make_directories(j->args->predictions, e) : 0;
	for (int m = 0; m < METHOD_COUNT && j->args->predictions; m++)
		for (int l = 0; l < j->run[METHOD_KEPT].facts.L; l++)
			for (enum rationale_budget b = 0; b < BUDGET_COUNT && !code; b++)
				if (wants(j, m) && has_row(j, m, l, b))
					code = write_selection(j, &(struct comparison){.method = m, .layer = l, .budget = b}, e);
	return code;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

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
	if (!code)
		code = print_table(j, e);
	return code ? code : write_predictions(j, e);
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
	struct job j = {.args = &a, .rows = {.out = stdout, .format = a.json ? ROWS_JSON : (enum rows_format)a.format}};
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
	rows_free(&j.rows);
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
