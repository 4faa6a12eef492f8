/* The tables: quality and speed of every task, rationales of every study, the runs behind them. */
#include "report_out.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_grid(struct output *o, const struct grid *g, struct err *e)
{
	struct buf text = {0};
	char name[300];
	int code = grid_check(g, e);
	for (int f = 0; f < GRID_FORMAT_COUNT && !code; f++) {
		if (!(o->formats >> f & 1))
			continue;
		buf_reset(&text);
		grid_write(g, (enum grid_format)f, o->provenance.data, &text);
		snprintf(name, sizeof name, "%s.%s", g->name, grid_endings[f]);
		code = output_write(o, "tables", name, &text, e);
	}
	buf_free(&text);
	return code;
}

static void show_grid(struct output *o, const struct grid *g, const char *id)
{
	buf_addf(&o->tables, "<section id=\"%s\" class=\"table\">\n", id);
	grid_write(g, GRID_html, "", &o->tables);
	buf_add_text(&o->tables, "<p class=\"files\">This table: ");
	for (int f = 0, shown = 0; f < GRID_FORMAT_COUNT; f++)
		if (o->formats >> f & 1)
			buf_addf(&o->tables, "%s<a href=\"tables/%s.%s\">%s</a>", shown++ ? ", " : "", g->name, grid_endings[f],
			         grid_format_names[f]);
	buf_add_text(&o->tables, "</p>\n</section>\n");
}

/* "*" below 5 %, "**" below 1 %, "***" below 0.1 %. */
static const char *stars(double p) { return !(p < 0.05) ? "" : p < 0.001 ? "***" : p < 0.01 ? "**" : "*"; }

/* ---- quality and speed ---------------------------------------------------------------------------------------- */

static const struct grid_column main_columns[] = {
	{"method", "method", GRID_TEXT, 0, 0},
	{"settings", "settings", GRID_TEXT, 0, 0},
	{"quality", "quality", GRID_PERCENT, 1, 0},
	{"difference", "to dense", GRID_POINTS, 1, 0},
	{"p_holm", "p", GRID_P, 0, 1},
	{"flops_speedup", "fewer FLOPs", GRID_TIMES, 1, 0},
	{"time_speedup_batch_32", "less time, batch 32", GRID_TIMES, 1, 0},
	{"time_speedup_batch_1", "batch 1", GRID_TIMES, 1, 0},
	{"seeds", "seeds", GRID_TEXT, 0, 1},
	{"runs", "runs", GRID_TEXT, 0, 1},
	{"metric", "metric", GRID_TEXT, 0, 1},
	{"examples", "examples", GRID_TEXT, 0, 1},
	{"model_sha256", "weights", GRID_TEXT, 0, 1},
	{"data_sha256", "data", GRID_TEXT, 0, 1},
	{"revision", "revision", GRID_TEXT, 0, 1},
	{"cpu", "cpu", GRID_TEXT, 0, 1},
	{"threads", "threads", GRID_TEXT, 0, 1},
	{"finished", "finished", GRID_TEXT, 0, 1},
};
enum { MAIN_COLUMNS = sizeof main_columns / sizeof *main_columns, PROVENANCE_COLUMNS = 10 };

static void add_measured(struct grid *g, const struct measured *m)
{
	grid_number(g, m->value, m->lo, m->hi, m->sd, NULL);
}

static void add_integer(struct grid *g, int64_t value)
{
	char text[30];
	snprintf(text, sizeof text, "%lld", (long long)value);
	grid_text(g, text);
}

static void add_run_list(struct grid *g, const struct entry *x)
{
	struct buf b = {0};
	for (int i = 0; i < x->runs; i++)
		buf_addf(&b, i ? " %lld" : "%lld", (long long)x->run[i].id);
	grid_text(g, b.size ? b.data : "");
	buf_free(&b);
}

static void add_provenance(struct grid *g, const struct section *s, const struct entry *x)
{
	add_integer(g, x->seeds);
	add_run_list(g, x);
	grid_text(g, s->metric);
	add_integer(g, s->examples);
	grid_text(g, x->run->model_sha);
	grid_text(g, x->run->data_sha);
	grid_text(g, x->run->rev);
	grid_text(g, x->run->cpu);
	add_integer(g, x->run->threads);
	grid_text(g, x->run->finished);
}

static void add_entry(struct grid *g, const struct section *s, const struct entry *x)
{
	grid_row(g, x->on_frontier[SPEED_FLOPS] == 1 ? GRID_STRONG : GRID_BODY);
	grid_text(g, method_names[x->method]);
	grid_text(g, x->settings);
	add_measured(g, &x->quality);
	grid_number(g, x->difference, x->lo, x->hi, NAN, stars(x->p));
	grid_number(g, x->p, NAN, NAN, NAN, NULL);
	for (int k = 0; k < SPEED_COUNT; k++)
		add_measured(g, &x->speed[k]);
	add_provenance(g, s, x);
}

static void add_published(struct grid *g, const struct section *s, const struct reference_row *r)
{
	struct buf settings = {0};
	buf_addf(&settings, *r->settings ? "published, %s" : "published%s", r->settings);
	if (*r->metric && strcmp(r->metric, s->metric) != 0)
		buf_addf(&settings, ", %s", r->metric);
	if (*r->note)
		buf_addf(&settings, ", %s", r->note);
	grid_row(g, GRID_PUBLISHED);
	grid_text(g, r->method);
	grid_text(g, settings.size ? settings.data : "");
	grid_number(g, r->quality, NAN, NAN, NAN, NULL);
	grid_nothing(g);
	grid_nothing(g);
	grid_number(g, r->flops_speedup, NAN, NAN, NAN, NULL);
	grid_number(g, r->time_speedup, NAN, NAN, NAN, NULL);
	grid_nothing(g);
	for (int i = 0; i < PROVENANCE_COLUMNS; i++)
		grid_text(g, "");
	buf_free(&settings);
}

static void add_section(const struct output *o, struct grid *g, const struct section *s)
{
	char title[300];
	snprintf(title, sizeof title, "%s, %s split, %d examples, %s", s->task, s->split, s->examples, s->metric);
	grid_group(g, title);
	for (int i = 0; i < s->entries; i++)
		add_entry(g, s, &s->entry[i]);
	for (int i = 0; i < o->reference->rows; i++)
		if (!strcmp(o->reference->row[i].task, s->task))
			add_published(g, s, &o->reference->row[i]);
}

static int has_reference(const struct output *o, const struct section *s)
{
	for (int i = 0; i < o->reference->rows; i++)
		if (!strcmp(o->reference->row[i].task, s->task))
			return 1;
	return 0;
}

static void add_main_notes(const struct output *o, struct grid *g)
{
	buf_add_text(
		&g->notes,
		"In brackets 95 % intervals over examples (of times, over turns), or the standard deviation over seeds. To "
		"dense: percentage points on the same examples, with a paired bootstrap; stars are p < 0.05, 0.01, 0.001 "
		"(McNemar's exact test of one run's accuracy, else permutation), by Holm over the task's table. Times are of "
		"the engine, dense and pruned in turn. Bold: no other row is better in both quality and FLOPs. Of several "
		"seeds, quality, speedups and the comparison with dense are means; its interval and test are over examples, "
		"with these trained models.\n");
	if (o->reference->rows)
		buf_addf(&g->notes, "Published figures are not ours: %s.\n", o->reference->source);
	for (int i = 0; i < o->report->sections; i++) {
		const struct section *s = &o->report->section[i];
		if (o->reference->rows && !has_reference(o, s))
			buf_addf(&g->notes, "%s, %s: the reference has no row of this task.\n", s->task, s->split);
		if (s->dense < 0)
			buf_addf(&g->notes, "%s, %s: no run without a policy, so nothing is held against dense.\n", s->task,
			         s->split);
	}
	if (o->report->unfinished)
		buf_addf(&g->notes, "%d run%s of the store unfinished and left out.\n", o->report->unfinished,
		         o->report->unfinished == 1 ? " is" : "s are");
}

static int write_main(struct output *o, struct err *e)
{
	struct grid g;
	if (!o->report->sections)
		return 0;
	grid_open(&g, "quality-and-speed", "Quality and speed", main_columns, MAIN_COLUMNS);
	for (int i = 0; i < o->report->sections; i++)
		add_section(o, &g, &o->report->section[i]);
	add_main_notes(o, &g);
	int code = write_grid(o, &g, e);
	if (!code)
		show_grid(o, &g, "quality-and-speed-table");
	grid_free(&g);
	return code;
}

/* ---- rationales ------------------------------------------------------------------------------------------------ */

/* People are shown at most so many layers, evenly spread. */
enum { LAYERS_SHOWN = 6 };

static int is_layer_shown(int layer, int L)
{
	for (int i = 0; i < LAYERS_SHOWN && L > LAYERS_SHOWN; i++)
		if (layer == i * (L - 1) / (LAYERS_SHOWN - 1))
			return 1;
	return L <= LAYERS_SHOWN;
}

/* Measures beside the false-positive rate: metric, title, by layer for all methods (replay), else only for those with layers. */
static const struct {
	const char *metric, *column, *title;
	enum grid_kind kind;
	int is_replayed;
} measures[] = {{"fdr/replay", "fdr", "FDR", GRID_PERCENT, 1},
                {"recall/replay", "recall", "recall", GRID_PERCENT, 1},
                {"iou-bounded/replay", "iou_f1", "IOU F1", GRID_PERCENT, 1},
                {"average-precision", "average_precision", "AP", GRID_PERCENT, 0},
                {"comprehensiveness", "comprehensiveness", "comprehensiveness", GRID_PERCENT, 0},
                {"sufficiency", "sufficiency", "sufficiency", GRID_PERCENT, 0}};
enum { MEASURES = sizeof measures / sizeof *measures };

struct study_columns {
	struct grid_column column[REPORT_LAYERS_MAX + 2 + MEASURES + 8];
	char name[REPORT_LAYERS_MAX][32], title[REPORT_LAYERS_MAX][32];
	int count;
};

static void add_column(struct study_columns *c, const char *name, const char *title, enum grid_kind kind, int interval,
                       int is_only_csv)
{
	c->column[c->count++] = (struct grid_column){name, title, kind, interval, is_only_csv};
}

static void lay_out(struct study_columns *c, const struct study *s)
{
	add_column(c, "method", "method", GRID_TEXT, 0, 0);
	for (int l = 0; l < s->L; l++) {
		snprintf(c->name[l], sizeof c->name[l], "fpr_layer_%d", l);
		snprintf(c->title[l], sizeof c->title[l], "FPR, layer %d", l);
		add_column(c, c->name[l], c->title[l], GRID_PERCENT, 1, !is_layer_shown(l, s->L));
	}
	for (int m = 0; m < MEASURES; m++)
		add_column(c, measures[m].column, measures[m].title, measures[m].kind, 1, 0);
	static const char *const provenance[] = {"run",         "model",    "adapted_sha256", "dense_sha256",
	                                         "data_sha256", "revision", "threads"};
	for (size_t i = 0; i < sizeof provenance / sizeof *provenance; i++)
		add_column(c, provenance[i], provenance[i], GRID_TEXT, 0, 1);
}

/* At the last layer; of a method without layers as it is. */
static int add_measure(const struct report *r, struct grid *g, const struct study *s, const struct method_run *x, int m,
                       struct err *e)
{
	char name[96];
	struct measured value;
	if (measures[m].is_replayed || x->layers > 1)
		snprintf(name, sizeof name, "%s/layer-%d", measures[m].metric, s->L - 1);
	else
		snprintf(name, sizeof name, "%s", measures[m].metric);
	int code = report_metric(r, x->id, name, &value, e);
	if (!code)
		grid_number(g, value.value, value.lo, value.hi, NAN, NULL);
	return code;
}

/* Whether the predictors are better or worse than this method: the mark says how this method's rate differs. */
static const char *sign(const struct study *s, int m, int layer)
{
	return !(s->p[m][layer] < 0.05) ? "" : s->difference[m][layer] > 0 ? "+" : "−";
}

static int add_method(const struct report *r, struct grid *g, const struct study *s, int m, struct err *e)
{
	const struct method_run *x = &s->run[m];
	char name[96];
	int code = 0;
	grid_row(g, m == s->cp ? GRID_STRONG : GRID_BODY);
	grid_text(g, explainer_name(x->method));
	for (int l = 0; l < s->L && !code; l++) {
		struct measured value;
		snprintf(name, sizeof name, "fpr/replay/layer-%d", l);
		code = report_metric(r, x->id, name, &value, e);
		grid_number(g, value.value, value.lo, value.hi, NAN, sign(s, m, l));
	}
	for (int i = 0; i < MEASURES && !code; i++)
		code = add_measure(r, g, s, x, i, e);
	add_integer(g, x->id);
	grid_text(g, x->model);
	grid_text(g, x->adapted);
	grid_text(g, x->dense);
	grid_text(g, x->data_sha);
	grid_text(g, x->rev);
	add_integer(g, x->threads);
	return code;
}

/* A sentence for each number that there is. */
static int note_study(const struct report *r, struct grid *g, const struct study *s, struct err *e)
{
	struct measured rationales, share, accuracy = {.value = NAN};
	int code = report_metric(r, s->run->id, "rationales", &rationales, e);
	if (!code)
		code = report_metric(r, s->run->id, "rationale-share", &share, e);
	if (!code && s->cp >= 0)
		code = report_metric(r, s->run[s->cp].id, "accuracy", &accuracy, e);
	if (code)
		return code;
	if (!isnan(rationales.value))
		buf_addf(&g->notes, "%.0f documents with a rationale. ", rationales.value);
	if (!isnan(share.value))
		buf_addf(&g->notes, "People marked %.1f %% of their words. ", 100 * share.value);
	buf_add_text(
		&g->notes,
		"All methods select as many words in each window and layer as the adapted model keeps there. FPR: share of the "
		"words that people did not mark which a method selects; FDR: share of the selected words that people did not "
		"mark; all but FPR at the last layer. In brackets 95 % bootstrap intervals over documents; + and −: more and "
		"fewer false positives than the predictors (sign-flip over documents, p < 0.05 by Holm over the table).");
	if (!isnan(accuracy.value))
		buf_addf(&g->notes, " The predictors' model is right on %.1f %% of the documents.", 100 * accuracy.value);
	buf_add_byte(&g->notes, '\n');
	return 0;
}

static int write_study(struct output *o, const struct study *s, struct err *e)
{
	struct study_columns *c = calloc(1, sizeof *c);
	struct grid g;
	char id[200], title[300];
	if (!c)
		return err_set(e, ERR_MEMORY, "out of memory for a table");
	lay_out(c, s);
	snprintf(id, sizeof id, "%s-table", s->anchor);
	snprintf(title, sizeof title, "Rationales: %.180s, %.60s split", s->data, s->split);
	grid_open(&g, s->anchor, title, c->column, c->count);
	int code = 0;
	for (int m = 0; m < s->methods && !code; m++)
		code = add_method(o->report, &g, s, m, e);
	if (!code)
		code = note_study(o->report, &g, s, e);
	if (!code)
		code = write_grid(o, &g, e);
	if (!code)
		show_grid(o, &g, id);
	grid_free(&g);
	free(c);
	return code;
}

/* ---- the runs -------------------------------------------------------------------------------------------------- */

static const struct grid_column run_columns[] = {
	{"run", "run", GRID_TEXT, 0, 0},
	{"kind", "kind", GRID_TEXT, 0, 0},
	{"task", "task", GRID_TEXT, 0, 0},
	{"split", "split", GRID_TEXT, 0, 0},
	{"policy", "policy or method", GRID_TEXT, 0, 0},
	{"model", "model", GRID_TEXT, 0, 0},
	{"seed", "seed", GRID_TEXT, 0, 0},
	{"batch", "batch", GRID_TEXT, 0, 0},
	{"threads", "threads", GRID_TEXT, 0, 0},
	{"weights", "weights", GRID_TEXT, 0, 0},
	{"data", "data", GRID_TEXT, 0, 0},
	{"revision", "revision", GRID_TEXT, 0, 0},
	{"cpu", "cpu, kernels", GRID_TEXT, 0, 0},
	{"finished", "finished", GRID_TEXT, 0, 0},
	{"key", "key", GRID_TEXT, 0, 1},
	{"model_sha256", "model_sha256", GRID_TEXT, 0, 1},
	{"data_sha256", "data_sha256", GRID_TEXT, 0, 1},
};
enum { RUN_COLUMNS = sizeof run_columns / sizeof *run_columns };

/* A row of it; numbers below 0 do not exist. */
struct listed {
	int64_t id, seed, batch, threads;
	const char *kind, *task, *split, *policy, *model, *model_sha, *data_sha, *rev, *cpu, *kernels, *finished, *key;
};

static void add_short(struct grid *g, const char *hash)
{
	char text[13];
	snprintf(text, sizeof text, "%s", hash);
	grid_text(g, text);
}

static void add_known(struct grid *g, int64_t number)
{
	if (number < 0)
		grid_text(g, "");
	else
		add_integer(g, number);
}

static void add_listed(struct grid *g, const struct listed *x)
{
	char machine[300];
	snprintf(machine, sizeof machine, "%s%s%s", x->cpu, *x->kernels ? ", " : "", x->kernels);
	grid_row(g, GRID_BODY);
	add_integer(g, x->id);
	grid_text(g, x->kind);
	grid_text(g, x->task);
	grid_text(g, x->split);
	grid_text(g, x->policy);
	grid_text(g, x->model);
	add_integer(g, x->seed);
	add_known(g, x->batch);
	add_known(g, x->threads);
	add_short(g, x->model_sha);
	add_short(g, x->data_sha);
	grid_text(g, x->rev);
	grid_text(g, machine);
	grid_text(g, x->finished);
	grid_text(g, x->key);
	grid_text(g, x->model_sha);
	grid_text(g, x->data_sha);
}

static void add_evaluation(struct grid *g, const struct evaluation *x)
{
	add_listed(g,
	           &(struct listed){x->id, x->seed, x->batch, x->threads, "eval", x->task, x->split, x->policy, x->family,
	                            x->model_sha, x->data_sha, x->rev, x->cpu, x->kernels, x->finished, x->key});
}

static void add_method_run(struct grid *g, const struct method_run *x)
{
	add_listed(g, &(struct listed){x->id, x->seed, -1, x->threads, "rationale", x->data, x->split, x->method, x->model,
	                               x->adapted, x->data_sha, x->rev, x->cpu, x->kernels, x->finished, x->key});
}

static void add_training(struct grid *g, const struct training *x)
{
	add_listed(g, &(struct listed){x->id, x->seed, -1, -1, x->kind, x->task, "train", *x->phi ? "phi" : "", x->out, "",
	                               x->data_sha, x->rev, "", "", x->finished, x->key});
}

static int write_runs(struct output *o, struct err *e)
{
	const struct report *r = o->report;
	struct grid g;
	grid_open(&g, "runs", "The runs behind this report", run_columns, RUN_COLUMNS);
	for (int i = 0; i < r->evaluations; i++)
		add_evaluation(&g, &r->evaluation[i]);
	for (int i = 0; i < r->method_runs; i++)
		add_method_run(&g, &r->method_run[i]);
	for (int i = 0; i < r->trainings; i++)
		add_training(&g, &r->training[i]);
	int code = write_grid(o, &g, e);
	if (!code)
		show_grid(o, &g, "runs-table");
	grid_free(&g);
	return code;
}

int output_tables(struct output *o, struct err *e)
{
	int code = write_main(o, e);
	for (int i = 0; i < o->report->studies && !code; i++)
		code = write_study(o, &o->report->study[i], e);
	return code ? code : write_runs(o, e);
}
