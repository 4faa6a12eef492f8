/* adapler explain: which tokens matter, by any of the methods, as predictions that ERASER's scorer reads. */
#include "prediction.h"
#include "study_options.h"
#include "study_runs.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct explain_args {
	struct study_args study;
	const char *out, *db;
	int layer, hard;
};

enum { LAYER_LAST = -1, LAYERS_ALL = -2 };

static const struct opt options[] = {
	STUDY_OPTIONS(struct explain_args, study),
	{"method", 0, OPT_STRING, offsetof(struct explain_args, study.methods), "LIST",
     "cp, kept, attention, attention-cls, rollout, saliency, gradient-input, integrated, leave-one-out, random; or all",
     0, 0},
	{"out", 'o', OPT_FILE, offsetof(struct explain_args, out), "FILE", "predictions as JSON lines", 0, 0},
	{"db", 'd', OPT_FILE, offsetof(struct explain_args, db), "FILE",
     "also keep scores and budgets as runs of a database, as adapler rationale does", 0, 0},
	{"layer", 0, OPT_INT, offsetof(struct explain_args, layer), "N",
     "of methods that have one for each; -1: the last, -2: all, in a file each (-1)", -2, 63},
	{"hard", 0, OPT_CHOICE, offsetof(struct explain_args, hard), "none|replay|human|mean",
     "selects as many tokens: as the adapted model kept in that layer, as people marked, the data set's mean (none)", 0,
     0},
	{.kind = OPT_END},
};

/* One file of predictions. */
struct output {
	enum method method;
	int layer;
	struct file_writer writer;
	struct rationale_facts facts;
};

struct job {
	const struct explain_args *args;
	struct study study;
	struct study_runs runs; /* with --db */
	struct output *output;
	int outputs, capacity;
	struct buf line;
	double completeness; /* largest error of integrated gradients, as a share */
};

/* "preds.jsonl" -> "preds.cp-layer-2.jsonl" where one file does not do. */
static int name_output(char path[4096], const struct job *j, enum method m, int layer, int is_alone, struct err *e)
{
	const char *out = j->args->out, *slash = strrchr(out, '/'), *dot = strrchr(out, '.');
	const int stem = dot && (!slash || dot > slash) ? (int)(dot - out) : (int)strlen(out);
	char number[24] = "";
	if (method_table[m].by_layer)
		snprintf(number, sizeof number, "-layer-%d", layer);
	const int n = is_alone ? snprintf(path, 4096, "%s", out)
	                       : snprintf(path, 4096, "%.*s.%s%s%s", stem, out, method_table[m].name, number, out + stem);
	return n < 4096 ? 0 : err_set(e, ERR_LIMIT, "path too long: '%.200s...'", out);
}

static int add_output(struct job *j, enum method m, int layer, struct err *e)
{
	struct output *grown = realloc(j->output, ((size_t)j->outputs + 1) * sizeof *grown);
	if (!grown)
		return err_set(e, ERR_MEMORY, "out of memory for outputs");
	j->output = grown;
	j->output[j->outputs++] = (struct output){.method = m, .layer = layer, .facts = study_facts(&j->study, m)};
	return 0;
}

static int list_outputs(struct job *j, unsigned methods, struct err *e)
{
	int code = 0;
	for (int m = 0; m < METHOD_COUNT && !code; m++) {
		if (!(methods & 1u << m))
			continue;
		const int layers = study_facts(&j->study, (enum method)m).layers, asked = j->args->layer;
		if (asked >= layers && method_table[m].by_layer)
			return err_set(e, ERR_USAGE, "--layer %d: the model has layers 0 to %d", asked, layers - 1);
		for (int l = 0; l < layers && !code; l++)
			if (!method_table[m].by_layer || asked == LAYERS_ALL || l == (asked == LAYER_LAST ? layers - 1 : asked))
				code = add_output(j, (enum method)m, l, e);
	}
	return code;
}

static int open_outputs(struct job *j, struct err *e)
{
	char path[4096];
	int code = 0;
	for (int i = 0; i < j->outputs && !code; i++) {
		code = name_output(path, j, j->output[i].method, j->output[i].layer, j->outputs == 1, e);
		if (!code)
			code = file_writer_open(&j->output[i].writer, path, e);
	}
	return code;
}

static int close_outputs(struct job *j, int code, struct err *e)
{
	for (int i = 0; i < j->outputs; i++) {
		struct file_writer *w = &j->output[i].writer;
		if (!w->stream)
			continue;
		if (code)
			file_writer_abort(w);
		else if (!(code = file_writer_commit(w, e)))
			log_info("wrote %s", w->path);
	}
	return code;
}

/* The documents [k, k+count) of a chunk are of one annotation. */
static int write_annotation(struct job *j, struct output *o, const struct study_documents *x, int k, int count,
                            struct err *e)
{
	const char *docid[64];
	const struct rationale_document *document[64];
	if (count > 64)
		return err_set(e, ERR_LIMIT, "annotation '%.100s' is about more than 64 documents",
		               x->instance[k].annotation->id);
	for (int i = 0; i < count; i++) {
		docid[i] = x->instance[k + i].docid;
		document[i] = &x->document[o->method][k + i];
	}
	const struct prediction p = {
		.annotation = x->instance[k].annotation->id,
		.count = count,
		.docid = docid,
		.document = document,
		.facts = &o->facts,
		.layer = o->layer,
		.budget = j->args->hard ? (enum rationale_budget)(j->args->hard - 1) : BUDGET_COUNT,
		.budget_layer = method_table[o->method].by_layer                     ? o->layer
	                    : j->args->layer >= 0 && j->args->layer < o->facts.L ? j->args->layer
	                                                                         : o->facts.L - 1,
		.labels = model_config(explainer_model(j->study.explainer, EXPLAIN_ADAPTED))->labels,
	};
	buf_reset(&j->line);
	int code = prediction_add(&j->line, &p, e);
	return code ? code : file_writer_write(&o->writer, j->line.data, j->line.size, e);
}

static int write_chunk(struct job *j, const struct study_documents *x, struct err *e)
{
	int code = 0;
	for (int k = 0, next; k < x->count && !code; k = next) {
		for (next = k + 1; next < x->count && x->instance[next].annotation == x->instance[k].annotation; next++)
			;
		for (int o = 0; o < j->outputs && !code; o++)
			code = write_annotation(j, &j->output[o], x, k, next - k, e);
	}
	for (int k = 0; k < x->count; k++) {
		const double *c = x->explanation[k].completeness, error = fabs(c[0] - c[1]) / fmax(fabs(c[1]), 1e-3);
		j->completeness = error > j->completeness ? error : j->completeness;
	}
	return code;
}

/* Whole annotations. */
static int chunk_end(const struct study *s, int first, int batch)
{
	int end = first + batch < s->count ? first + batch : s->count;
	while (end < s->count && s->instances.key[end].annotation == s->instances.key[end - 1].annotation)
		end++;
	return end;
}

static int explain_all(struct job *j, struct err *e)
{
	struct study *s = &j->study;
	struct progress p;
	int code = 0;
	progress_begin(&p, "explain", "documents", s->count, log_is_quiet());
	for (int i = 0, next; i < s->count && !code; i = next) {
		struct study_documents x;
		next = chunk_end(s, i, study_options_batch(&j->args->study));
		code = study_explain(s, i, next - i, &x, e);
		if (code)
			break;
		code = write_chunk(j, &x, e);
		if (!code && j->args->db)
			code = study_runs_add(&j->runs, &x, i, e);
		study_documents_close(&x);
		progress_update(&p, next, NULL);
		if (!code && interrupt_pending())
			code = err_set(e, ERR_INTERRUPTED, "interrupted; nothing is written");
	}
	progress_end(&p);
	if (!code && s->options.explain.methods & 1u << METHOD_INTEGRATED)
		log_info("integrated gradients miss what they should sum up to by %.2g of it at most", j->completeness);
	return code;
}

static int explain_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct explain_args a = {.study = {.methods = "cp"}, .layer = LAYER_LAST};
	struct job j = {.args = &a};
	struct study_options o;
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.study.model || !a.study.data || !a.out || count)
		return err_set(e, ERR_USAGE, "explain needs --model DIR, --data DIR and --out FILE");
	interrupt_install();
	code = study_options_read(&o, &a.study, e);
	if (!code)
		code = study_open(&j.study, &o, e);
	if (!code)
		code = list_outputs(&j, o.explain.methods, e);
	if (!code)
		code = open_outputs(&j, e);
	if (!code && a.db)
		code = study_runs_open(&j.runs, &j.study, a.db, e);
	if (!code)
		code = explain_all(&j, e);
	if (!code && a.db)
		code = study_runs_finish(&j.runs, e);
	code = close_outputs(&j, code, e);
	study_runs_close(&j.runs);
	study_close(&j.study);
	free(j.output);
	buf_free(&j.line);
	return code;
}

const struct command explain_command = {
	.name = "explain",
	.summary = "score the tokens of ERASER documents by what they contribute",
	.usage = "--model DIR --data DIR --method LIST --out preds.jsonl [--split S]",
	.details =
		"Writes predictions that ERASER's scorer (`adapler score`) reads: a score a token, on request a selection, "
		"the\n"
		"predicted class, and what becomes of its probability without the tokens on top and with them alone. "
		"Documents\n"
		"longer than the model are read window by window. cp and kept are the adapted model's, under its policy; all\n"
		"other methods explain --dense. Several methods or layers go to a file each, named after them.",
	.examples =
		"adapler explain --model adapted --dense finetuned --data movies --method cp,saliency --out preds.jsonl\n"
		"adapler score --data_dir movies --split test --results preds.cp-layer-3.jsonl",
	.options = options,
	.run = explain_run,
};
