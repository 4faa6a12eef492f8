#include "rationale_table.h"

#include "prediction.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../eval/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double significant = 0.05;

static int wants(const struct rationale_table *t, int m) { return (t->methods >> m & 1) != 0; }

static enum method reference(const struct rationale_table *t) { return wants(t, METHOD_CP) ? METHOD_CP : METHOD_KEPT; }

static int has_layers(const struct rationale_table *t, int m) { return t->run[m].facts.layers > 1; }

/* A method without layers has one selection for all of them, but for replay, whose budgets differ. */
static int has_row(const struct rationale_table *t, int m, int layer, enum rationale_budget budget)
{
	return wants(t, m) && (budget == BUDGET_REPLAY || has_layers(t, m) || layer == 0);
}

/* ---- differences ---------------------------------------------------------------------------------------------- */

static int compare(const struct rationale_table *t, struct rationale_row *r, struct err *e)
{
	r->difference = r->p = NAN;
	if ((int)reference(t) == r->method)
		return 0;
	return rationale_difference(&r->difference, &r->p, &t->run[r->method].facts, &t->run[reference(t)].facts, t->rate,
	                            r->budget, r->layer, e);
}

static int correct(struct rationale_table *t, struct err *e)
{
	double *p = malloc(((size_t)t->rows + 1) * sizeof *p);
	if (!p)
		return err_set(e, ERR_MEMORY, "out of memory for %d tests", t->rows);
	for (int i = 0; i < t->rows; i++)
		p[i] = t->row[i].p;
	int code = stats_holm(p, p, t->rows, e);
	for (int i = 0; i < t->rows && !code; i++)
		t->row[i].p = p[i];
	free(p);
	return code;
}

int rationale_table_make(struct rationale_table *t, struct err *e)
{
	const int L = t->run[METHOD_KEPT].facts.L;
	int code = 0;
	t->rows = 0;
	t->row = malloc((size_t)METHOD_COUNT * (size_t)BUDGET_COUNT * (size_t)L * sizeof *t->row);
	if (!t->row)
		return err_set(e, ERR_MEMORY, "out of memory for a table");
	for (enum rationale_budget b = 0; b < BUDGET_COUNT; b++)
		for (int l = 0; l < L; l++)
			for (int m = 0; m < METHOD_COUNT && !code; m++)
				if (has_row(t, m, l, b)) {
					t->row[t->rows] = (struct rationale_row){.method = m, .layer = l, .budget = b};
					code = compare(t, &t->row[t->rows++], e);
				}
	return code ? code : correct(t, e);
}

void rationale_table_free(struct rationale_table *t)
{
	free(t->row);
	t->row = NULL;
}

/* ---- stored metrics -------------------------------------------------------------------------------------------- */

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
static int metric_of(const struct rationale_table *t, int m, const char *what, const char *where, struct found *f,
                     struct err *e)
{
	char name[96];
	snprintf(name, sizeof name, "%s%s%s", what, where[0] ? "/" : "", where);
	*f = (struct found){name, NAN, NAN, NAN};
	return store_metric_each(t->store, t->run[m].id, find_metric, f, e);
}

/* Where the metrics of a row are: "replay/layer-0", and "layer-0" for those that no budget has a part in. */
static void places(const struct rationale_table *t, const struct rationale_row *r, char where[2][64])
{
	where[0][0] = '\0';
	if (has_layers(t, r->method))
		snprintf(where[0], 64, "layer-%d", r->layer);
	if (has_layers(t, r->method) || r->budget == BUDGET_REPLAY)
		snprintf(where[1], 64, "%s/layer-%d", rationale_budgets[r->budget], r->layer);
	else
		snprintf(where[1], 64, "%s", rationale_budgets[r->budget]);
}

/* ---- for programs --------------------------------------------------------------------------------------------- */

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

enum { COLUMNS = sizeof columns / sizeof *columns };

static int add_header(struct rows *out, struct err *e)
{
	static const char *const first[] = {"run", "method", "layer", "budget", "fpr", "fpr_lo", "fpr_hi"};
	for (size_t i = 0; i < sizeof first / sizeof *first; i++)
		rows_header(out, first[i]);
	for (int i = 0; i < COLUMNS; i++)
		rows_header(out, columns[i].column);
	rows_header(out, "difference");
	rows_header(out, "p_holm");
	return rows_end(out, e);
}

static int add_row(const struct rationale_table *t, struct rows *out, const struct rationale_row *r, struct err *e)
{
	char where[2][64];
	struct found f;
	places(t, r, where);
	rows_int(out, "run", (long long)t->run[r->method].id);
	rows_text(out, "method", method_table[r->method].name);
	if (has_layers(t, r->method) || r->budget == BUDGET_REPLAY)
		rows_int(out, "layer", r->layer);
	else
		rows_nothing(out, "layer");
	rows_text(out, "budget", rationale_budgets[r->budget]);
	int code = metric_of(t, r->method, "fpr", where[1], &f, e);
	rows_double(out, "fpr", f.value);
	rows_double(out, "fpr_lo", f.lo);
	rows_double(out, "fpr_hi", f.hi);
	for (int i = 0; i < COLUMNS && !code; i++) {
		code = metric_of(t, r->method, columns[i].metric, where[columns[i].by_budget], &f, e);
		rows_double(out, columns[i].column, f.value);
	}
	rows_double(out, "difference", r->difference);
	rows_double(out, "p_holm", r->p);
	return code ? code : rows_end(out, e);
}

int rationale_table_rows(const struct rationale_table *t, FILE *out, enum rows_format format, struct err *e)
{
	struct rows rows = {.out = out, .format = format};
	int code = add_header(&rows, e);
	for (int i = 0; i < t->rows && !code; i++)
		code = add_row(t, &rows, &t->row[i], e);
	rows_free(&rows);
	return code;
}

/* ---- for people ----------------------------------------------------------------------------------------------- */

static const struct rationale_row *find_row(const struct rationale_table *t, int m, int layer,
                                            enum rationale_budget budget)
{
	for (int i = 0; i < t->rows; i++)
		if (t->row[i].method == m && t->row[i].layer == layer && t->row[i].budget == budget)
			return &t->row[i];
	return NULL;
}

/* "46.3 [45.0, 47.6] *" */
static int print_cell(const struct rationale_table *t, const struct rationale_row *r, int is_last, FILE *out,
                      struct err *e)
{
	char where[2][64], text[48];
	struct found f;
	places(t, r, where);
	int code = metric_of(t, r->method, rationale_rates[t->rate], where[1], &f, e);
	snprintf(text, sizeof text, "%.1f [%.1f, %.1f]%s", 100 * f.value, 100 * f.lo, 100 * f.hi,
	         !(r->p < significant) ? ""
	         : r->difference > 0   ? " +"
	                               : " -");
	fprintf(out, is_last ? "  %s" : "  %-22s", text);
	return code;
}

static int print_method(const struct rationale_table *t, int m, enum rationale_budget b, FILE *out, struct err *e)
{
	const int L = t->run[METHOD_KEPT].facts.L;
	int code = 0;
	fprintf(out, "  %-15s", method_table[m].name);
	for (int l = 0; l < L && !code; l++) {
		const struct rationale_row *r = find_row(t, m, l, b);
		if (r)
			code = print_cell(t, r, l == L - 1 || !find_row(t, m, l + 1, b), out, e);
	}
	fputc('\n', out);
	return code;
}

int rationale_table_print(const struct rationale_table *t, FILE *out, struct err *e)
{
	static const char *const titles[RATE_COUNT] = {"false-positive rate", "false-discovery rate", "recall", "F1"};
	static const char *const budgets[BUDGET_COUNT] = {"as many tokens as the adapted model kept in each window",
	                                                  "as many as people marked in the document",
	                                                  "as many as people mark on average"};
	struct found documents;
	int code = metric_of(t, METHOD_KEPT, "rationales", "", &documents, e);
	for (enum rationale_budget b = 0; b < BUDGET_COUNT && !code; b++) {
		fprintf(out, "%s, %s (%s)\n  %-15s", titles[t->rate], budgets[b], rationale_budgets[b], "");
		for (int l = 0; l < t->run[METHOD_KEPT].facts.L; l++)
			fprintf(out, l + 1 < t->run[METHOD_KEPT].facts.L ? "  layer %-16d" : "  layer %d", l);
		fputc('\n', out);
		for (int m = 0; m < METHOD_COUNT && !code; m++)
			if (wants(t, m))
				code = print_method(t, m, b, out, e);
	}
	fprintf(
		out,
		"%% pooled over %.0f documents with a rationale, 95 %% intervals; + above, - below %s on the same documents "
		"(sign-flip test, Holm, p < %g)\n",
		documents.value, method_table[reference(t)].name, significant);
	return code;
}

/* ---- predictions ---------------------------------------------------------------------------------------------- */

static int write_selection(const struct rationale_table *t, const struct study *s, const char *folder,
                           const struct rationale_row *c, struct err *e)
{
	char path[4096], name[128];
	const struct rationale_facts *f = &t->run[c->method].facts;
	struct file_writer w;
	struct buf line = {0};
	snprintf(name, sizeof name, "%s-%s-layer-%d.jsonl", method_table[c->method].name, rationale_budgets[c->budget],
	         c->layer);
	int code = file_join(path, sizeof path, folder, name, e);
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

int rationale_table_predictions(const struct rationale_table *t, const struct study *s, const char *folder,
                                struct err *e)
{
	int code = file_make_directories(folder, e);
	for (int i = 0; i < t->rows && !code; i++)
		code = write_selection(t, s, folder, &t->row[i], e);
	return code;
}
