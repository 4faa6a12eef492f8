/* The figures: what is in each, what it is called, and what is told to those who cannot see it. */
#include "report_out.h"

#include "embed.h"
#include "gnuplot.h"

#include "../engine/base/err.h"
#include "../engine/base/json.h"
#include "../engine/base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EMBED(tradeoff_script, "reports/plot/tradeoff.gp");
EMBED(speedup_script, "reports/plot/speedup.gp");
EMBED(kept_script, "reports/plot/kept.gp");
EMBED(rationale_script, "reports/plot/rationale.gp");
EMBED(training_script, "reports/plot/training.gp");

enum { METHODS_MAX = 16 };

static int draw(struct output *o, struct figure *f, const char *part, struct err *e)
{
	char folder[4096 + 16];
	snprintf(folder, sizeof folder, "%s/plots", o->folder);
	const struct figure_context c = {.folder = folder,
	                                 .provenance = o->provenance.data,
	                                 .footer = o->footer.data,
	                                 .date = o->report->newest,
	                                 .is_drawn = o->is_drawn};
	struct shown_figure *figures = realloc(o->figure, ((size_t)o->figures + 1) * sizeof *figures);
	if (!figures)
		return err_set(e, ERR_MEMORY, "out of memory for a figure");
	o->figure = figures;
	struct shown_figure *shown = &figures[o->figures++];
	*shown = (struct shown_figure){.width = f->width, .height = f->height};
	snprintf(shown->name, sizeof shown->name, "%s", f->name);
	snprintf(shown->title, sizeof shown->title, "%s", f->title);
	snprintf(shown->alt, sizeof shown->alt, "%s", f->alt);
	snprintf(shown->part, sizeof shown->part, "%s", part);
	return figure_write(f, &c, e);
}

/* Legends and colours of the series, as arrays that count from 1. */
static void set_series(struct figure *f, int series, const char *const *legend, const int *hue)
{
	figure_set_number(f, "series", series);
	buf_addf(&f->head, "array legend[%d]\narray hue[%d]\n", series ? series : 1, series ? series : 1);
	for (int i = 0; i < series; i++) {
		char name[32];
		snprintf(name, sizeof name, "legend[%d]", i + 1);
		figure_set_string(f, name, legend[i]);
		buf_addf(&f->head, "hue[%d] = %d\n", i + 1, hue[i]);
	}
}

static void end_data_set(struct figure *f) { buf_add_text(&f->data, "\n\n"); }

/* ---- quality against speedup ------------------------------------------------------------------------------------ */

static double percent(double share) { return 100 * share; }

static int has_speed(const struct section *s, enum speed speed)
{
	int n = 0;
	for (int i = 0; i < s->entries; i++)
		n += !isnan(s->entry[i].speed[speed].value) && !isnan(s->entry[i].quality.value);
	return n > 1;
}

static int by_speed(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (x[0] > y[0]) - (x[0] < y[0]);
}

/* The frontier is a staircase: up to its own speedup a point gives its quality. */
static void add_frontier(struct figure *f, const struct section *s, enum speed speed)
{
	double point[512][2];
	int n = 0;
	for (int i = 0; i < s->entries && n < 512; i++)
		if (s->entry[i].on_frontier[speed] == 1) {
			point[n][0] = s->entry[i].speed[speed].value;
			point[n++][1] = percent(s->entry[i].quality.value);
		}
	qsort(point, (size_t)n, sizeof *point, by_speed);
	buf_add_text(&f->data, "# frontier: speedup, quality\n");
	for (int i = 0; i < n; i++) {
		if (i)
			figure_add_numbers(f, (double[]){point[i - 1][0], point[i][1]}, 2);
		figure_add_numbers(f, point[i], 2);
	}
	if (!n)
		buf_add_text(&f->data, "NaN\tNaN\n");
	end_data_set(f);
}

static void add_names(struct figure *f, const struct section *s, enum speed speed)
{
	int n = 0;
	buf_add_text(&f->data, "# names of the points on it\n");
	for (int i = 0; i < s->entries; i++) {
		const struct entry *x = &s->entry[i];
		if (x->on_frontier[speed] != 1 || !*x->settings)
			continue;
		buf_addf(&f->data, "%.10g\t%.10g\t\"", x->speed[speed].value, percent(x->quality.value));
		for (const char *at = x->settings; *at; at++)
			buf_add_byte(&f->data, *at == '"' ? '\'' : *at);
		buf_add_text(&f->data, "\"\n");
		n++;
	}
	if (!n)
		buf_add_text(&f->data, "NaN\tNaN\t\"\"\n");
	end_data_set(f);
}

/* Ends of a bar: of the interval, or one standard deviation over seeds away. */
static void bar(const struct measured *m, double ends[2])
{
	const int is_interval = isnan(m->sd) && !isnan(m->lo);
	ends[0] = is_interval ? m->lo : isnan(m->sd) ? m->value : m->value - m->sd;
	ends[1] = is_interval ? m->hi : isnan(m->sd) ? m->value : m->value + m->sd;
}

struct range {
	double low, high;
};

static void widen(struct range *r, double value)
{
	if (isnan(value))
		return;
	r->low = fmin(r->low, value);
	r->high = fmax(r->high, value);
}

static void add_points(struct figure *f, const struct section *s, enum speed speed, int method, struct range *x_range,
                       struct range *y_range)
{
	buf_addf(&f->data, "# %s: speedup, lo, hi, quality, lo, hi\n", method_names[method]);
	for (int i = 0; i < s->entries; i++) {
		const struct entry *x = &s->entry[i];
		double fast[2], good[2];
		if (x->method != method || isnan(x->speed[speed].value))
			continue;
		bar(&x->speed[speed], fast);
		bar(&x->quality, good);
		figure_add_numbers(f,
		                   (double[]){x->speed[speed].value, fast[0], fast[1], percent(x->quality.value),
		                              percent(good[0]), percent(good[1])},
		                   6);
		widen(x_range, fast[0]);
		widen(x_range, fast[1]);
		widen(y_range, percent(good[0]));
		widen(y_range, percent(good[1]));
	}
	end_data_set(f);
}

static void describe_tradeoff(struct figure *f, const struct section *s, enum speed speed)
{
	const int i = s->fastest[speed].entry;
	int points = 0;
	for (int k = 0; k < s->entries; k++)
		points += !isnan(s->entry[k].speed[speed].value);
	const int n =
		snprintf(f->alt, sizeof f->alt, "%.60s of %.200s (%.60s) against %s, %d points.", s->metric, s->task, s->split,
	             speed == SPEED_FLOPS ? "how many times fewer FLOPs" : "how many times less time", points);
	if (i >= 0)
		snprintf(f->alt + n, sizeof f->alt - (size_t)n,
		         " Within a point of dense the largest speedup is %.2f (%s%s%s).", s->fastest[speed].speedup,
		         method_names[s->entry[i].method], *s->entry[i].settings ? ", " : "", s->entry[i].settings);
}

static int has_method(const struct section *s, enum speed speed, int method)
{
	for (int i = 0; i < s->entries; i++)
		if (s->entry[i].method == method && !isnan(s->entry[i].speed[speed].value))
			return 1;
	return 0;
}

static void add_methods(struct figure *f, const struct section *s, enum speed speed, struct range *x, struct range *y)
{
	const char *legend[METHODS_MAX];
	int hue[METHODS_MAX], series = 0;
	for (int method = 0; method_names[method]; method++)
		if (has_method(s, speed, method)) {
			legend[series] = method_names[method];
			hue[series++] = method;
			add_points(f, s, speed, method, x, y);
		}
	set_series(f, series, legend, hue);
}

static void set_axes(struct figure *f, const struct section *s, enum speed speed, const struct range *x,
                     const struct range *y)
{
	char label[80];
	const double room = fmax(0.5, 0.06 * (y->high - y->low));
	snprintf(label, sizeof label, speed ? "less time at batch %d, measured" : "fewer FLOPs", speed_table[speed].batch);
	figure_set_string(f, "x_title", label);
	snprintf(label, sizeof label, "%s (%%)", s->metric);
	figure_set_string(f, "y_title", label);
	figure_set_number(f, "x_low", fmin(0.97, x->low / 1.03));
	figure_set_number(f, "x_high", fmax(1.6, x->high * 1.12));
	figure_set_number(f, "y_low", y->low - room);
	figure_set_number(f, "y_high", y->high + room);
}

static int draw_tradeoff(struct output *o, const struct section *s, enum speed speed, struct err *e)
{
	struct figure f;
	char name[160];
	struct range x = {1, 1}, y = {INFINITY, -INFINITY};
	snprintf(name, sizeof name, "%s-%s", s->anchor, speed_table[speed].name);
	figure_open(&f, name, tradeoff_script);
	add_frontier(&f, s, speed);
	add_names(&f, s, speed);
	add_methods(&f, s, speed, &x, &y);
	set_axes(&f, s, speed, &x, &y);
	snprintf(f.title, sizeof f.title, "%s, %s split", s->task, s->split);
	describe_tradeoff(&f, s, speed);
	int code = draw(o, &f, s->anchor, e);
	figure_free(&f);
	return code;
}

/* ---- what FLOPs promise ----------------------------------------------------------------------------------------- */

static int add_promises(struct figure *f, const struct section *s, enum speed speed, struct range *range)
{
	int n = 0;
	buf_addf(&f->data, "# %s %s, batch %d: FLOPs, lo, hi, time, lo, hi\n", s->task, s->split, speed_table[speed].batch);
	for (int i = 0; i < s->entries; i++) {
		const struct measured *a = &s->entry[i].speed[SPEED_FLOPS], *b = &s->entry[i].speed[speed];
		if (s->entry[i].method == METHOD_DENSE || isnan(a->value) || isnan(b->value))
			continue;
		figure_add_numbers(f, (double[]){a->value, a->lo, a->hi, b->value, b->lo, b->hi}, 6);
		widen(range, a->value);
		widen(range, b->value);
		n++;
	}
	if (!n)
		buf_add_text(&f->data, "NaN\tNaN\tNaN\tNaN\tNaN\tNaN\n");
	end_data_set(f);
	return n;
}

static int draw_speedups(struct output *o, struct err *e)
{
	const struct report *r = o->report;
	struct figure f;
	struct range range = {1, 2};
	const char **legend = malloc(((size_t)r->sections + 1) * sizeof *legend);
	int *hue = calloc((size_t)r->sections + 1, sizeof *hue), points = 0, code = 0;
	if (!legend || !hue)
		code = err_set(e, ERR_MEMORY, "out of memory for a figure");
	figure_open(&f, "speedup", speedup_script);
	f.height = 400;
	for (int speed = SPEED_TIME_32; speed < SPEED_COUNT && !code; speed++)
		for (int i = 0; i < r->sections; i++) {
			points += add_promises(&f, &r->section[i], (enum speed)speed, &range);
			legend[i] = r->section[i].anchor;
			hue[i] = i;
		}
	if (!code && points) {
		set_series(&f, r->sections, legend, hue);
		figure_set_number(&f, "high", range.high * 1.15);
		snprintf(f.title, sizeof f.title, "Speedup: what FLOPs promise, and what the clock says");
		snprintf(f.alt, sizeof f.alt,
		         "Measured speedup of time against the speedup that FLOPs promise, %d points of %d tasks; on the "
		         "dashed line "
		         "the promise is kept.",
		         points, r->sections);
		code = draw(o, &f, "speed", e);
	}
	figure_free(&f);
	free(legend);
	free(hue);
	return code;
}

/* ---- tokens by layer -------------------------------------------------------------------------------------------- */

/* Those of AdapLeR's models as they were trained; of others as room allows. */
static int is_in_kept(const struct entry *x, int wants_adapler)
{
	const int is_adapler =
		x->method == METHOD_ADAPLER && !strstr(x->run->policy, "scale=") && !strstr(x->run->policy, "eta=");
	return wants_adapler ? is_adapler : !is_adapler && x->method > METHOD_ADAPLER && !strstr(x->run->policy, "replay");
}

static void add_kept(struct figure *f, const struct section *s, const struct entry *x)
{
	buf_addf(&f->data, "# %s %s: layer, median, lower and upper quartile\n", method_names[x->method], x->settings);
	for (int l = 0; l < s->L; l++)
		figure_add_numbers(f, (double[]){l, percent(x->kept[l][1]), percent(x->kept[l][0]), percent(x->kept[l][2])}, 4);
	end_data_set(f);
}

enum { KEPT_MAX = 4, LEGEND_SIZE = 64 };

static int draw_kept(struct output *o, const struct section *s, struct err *e)
{
	struct figure f;
	char name[160], text[KEPT_MAX][LEGEND_SIZE];
	const char *legend[KEPT_MAX];
	int hue[KEPT_MAX], series = 0;
	snprintf(name, sizeof name, "%s-kept", s->anchor);
	figure_open(&f, name, kept_script);
	for (int wants_adapler = 1; wants_adapler >= 0; wants_adapler--)
		for (int i = 0; i < s->entries && series < KEPT_MAX; i++) {
			const struct entry *x = &s->entry[i];
			if (!is_in_kept(x, wants_adapler))
				continue;
			snprintf(text[series], LEGEND_SIZE, "%s", *x->settings ? x->settings : method_names[x->method]);
			legend[series] = text[series];
			hue[series] = series + 1;
			series++;
			add_kept(&f, s, x);
		}
	if (!series) {
		figure_free(&f);
		return 0;
	}
	set_series(&f, series, legend, hue);
	figure_set_number(&f, "layers", s->L);
	snprintf(f.title, sizeof f.title, "%s, %s split: tokens that each layer sees (median, quartiles)", s->task,
	         s->split);
	snprintf(f.alt, sizeof f.alt,
	         "Median and quartiles over the examples of %s of the share of tokens that each of %d layers "
	         "sees, for %d policies.",
	         s->task, s->L, series);
	int code = draw(o, &f, s->anchor, e);
	figure_free(&f);
	return code;
}

/* ---- rationales ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *metric, *title;
	int is_replayed;
} panels[4] = {{"fpr/replay", "false-positive rate (%)", 1},
               {"fdr/replay", "false-discovery rate (%)", 1},
               {"recall/replay", "recall (%)", 1},
               {"average-precision", "average precision (%)", 0}};

static int add_agreement(const struct report *r, struct figure *f, const struct study *s, int m, struct range *range,
                         struct err *e)
{
	const struct method_run *x = &s->run[m];
	int code = 0;
	buf_addf(&f->data, "# %s, run %lld: layer, then value, lo, hi of four panels\n", x->method, (long long)x->id);
	for (int l = 0; l < s->L && !code; l++) {
		double line[13] = {l};
		for (int p = 0; p < 4 && !code; p++) {
			char name[96];
			struct measured value;
			if (panels[p].is_replayed || x->layers > 1)
				snprintf(name, sizeof name, "%s/layer-%d", panels[p].metric, l);
			else
				snprintf(name, sizeof name, "%s", panels[p].metric);
			code = report_metric(r, x->id, name, &value, e);
			const double three[3] = {value.value, isnan(value.lo) ? value.value : value.lo,
			                         isnan(value.hi) ? value.value : value.hi};
			for (int k = 0; k < 3; k++) {
				line[1 + 3 * p + k] = percent(three[k]);
				widen(&range[p], percent(three[k]));
			}
		}
		figure_add_numbers(f, line, 13);
	}
	end_data_set(f);
	return code;
}

static void set_panels(struct figure *f, const struct range *range)
{
	buf_add_text(&f->head, "array panel[4]\narray low[4]\narray high[4]\n");
	for (int p = 0; p < 4; p++) {
		char name[32];
		/* A rate may be defined for no method. */
		const int is_empty = range[p].low > range[p].high;
		const double low = is_empty ? 0 : range[p].low, high = is_empty ? 100 : range[p].high;
		const double room = fmax(1, 0.05 * (high - low));
		snprintf(name, sizeof name, "panel[%d]", p + 1);
		figure_set_string(f, name, panels[p].title);
		buf_addf(&f->head, "low[%d] = %.6g\nhigh[%d] = %.6g\n", p + 1, low - room, p + 1, high + room);
	}
}

static int draw_study(struct output *o, const struct study *s, struct err *e)
{
	struct figure f;
	const char *legend[STUDY_METHODS_MAX];
	int hue[STUDY_METHODS_MAX], series = 0, code = 0;
	struct range range[4];
	for (int p = 0; p < 4; p++)
		range[p] = (struct range){INFINITY, -INFINITY};
	figure_open(&f, s->anchor, rationale_script);
	for (int m = 0; m < s->methods && !code; m++) {
		/* What the model kept is its predictors' choice at these budgets. */
		if (!strcmp(s->run[m].method, "kept") && s->cp >= 0)
			continue;
		legend[series] = explainer_name(s->run[m].method);
		hue[series] = m == s->cp ? 1 : series + 1;
		series++;
		code = add_agreement(o->report, &f, s, m, range, e);
	}
	f.height = 470 + 13 * ((series + 2) / 3);
	set_series(&f, series, legend, hue);
	set_panels(&f, range);
	figure_set_number(&f, "layers", s->L);
	snprintf(f.title, sizeof f.title, "%s, %s split: selected words and what people marked, at equal counts", s->data,
	         s->split);
	snprintf(f.alt, sizeof f.alt,
	         "False-positive rate, false-discovery rate, recall and average precision by layer for %d methods "
	         "on %s; bands are 95 %% intervals over documents. The numbers are in the table.",
	         series, s->data);
	if (!code)
		code = draw(o, &f, s->anchor, e);
	figure_free(&f);
	return code;
}

/* ---- trainings -------------------------------------------------------------------------------------------------- */

enum { TRAININGS_MAX = 8, CURVES = 4, BINS = 80 };

/* A panel for each: what people read, the curve (NULL: the task's metric on dev), whether it jumps from batch to batch. */
static const struct {
	const char *title, *curve;
	int is_smoothed;
} curves[CURVES] = {{"training loss", "train/loss", 1},
                    {"dev loss", "dev/loss", 0},
                    {NULL, NULL, 0},
                    {"dev: fewer FLOPs (times)", "dev/flops_speedup", 0}};

struct trainings {
	const struct report *report;
	const struct training *training; /* [count] of one task */
	int count;
	char metric[80]; /* "dev/accuracy" */
	struct figure figure;
	struct buf panel;                              /* settings of the panels so far */
	int panels, sets, hue[TRAININGS_MAX * CURVES]; /* sets: curves so far; hue: whose they are */
	double last_step;
};

/* Means over `width` steps. */
struct smoothing {
	struct trainings *t;
	struct range *range;
	int64_t width, bin, points;
	double sum;
};

static void end_bin(struct smoothing *c)
{
	if (!c->points)
		return;
	const double mean = c->sum / (double)c->points;
	const double step = c->width > 1 ? ((double)c->bin + 0.5) * (double)c->width : (double)c->bin;
	figure_add_numbers(&c->t->figure, (double[]){step, mean}, 2);
	widen(c->range, mean);
	c->points = 0;
	c->sum = 0;
}

static int take_point(int64_t step, const char *name, double value, void *arg, struct err *e)
{
	struct smoothing *c = arg;
	(void)name;
	(void)e;
	if (isnan(value))
		return 0;
	if (c->points && step / c->width != c->bin)
		end_bin(c);
	c->bin = step / c->width;
	c->sum += value;
	c->points++;
	c->t->last_step = fmax(c->t->last_step, (double)step);
	return 0;
}

/* The curve of training i as a data set, if it has one of that name. */
static int add_curve(struct trainings *t, int i, const char *name, int is_smoothed, struct range *range, struct err *e)
{
	const size_t before = t->figure.data.size;
	const int64_t id = t->training[i].id, steps = t->training[i].last_step;
	struct smoothing c = {.t = t, .range = range, .width = is_smoothed && steps > BINS ? (steps + BINS - 1) / BINS : 1};
	int code = store_curve_each(t->report->store, id, name, take_point, &c, e);
	end_bin(&c);
	if (t->figure.data.size == before)
		return code;
	t->hue[t->sets++] = i;
	end_data_set(&t->figure);
	return code;
}

static void add_panel(struct trainings *t, const char *title, int first, const struct range *range, int is_sparse)
{
	const double room = fmax(1e-3, 0.06 * (range->high - range->low));
	const int p = ++t->panels;
	buf_addf(&t->panel,
	         "first[%d] = %d\nlast[%d] = %d\nlow[%d] = %.6g\nhigh[%d] = %.6g\nis_sparse[%d] = %d\npanel[%d] = ", p,
	         first + 1, p, t->sets, p, range->low - room, p, range->high + room, p, is_sparse, p);
	gnuplot_add_string(&t->panel, title);
	buf_add_byte(&t->panel, '\n');
}

static int add_panels(struct trainings *t, struct err *e)
{
	int code = 0;
	for (int p = 0; p < CURVES && !code; p++) {
		struct range range = {INFINITY, -INFINITY};
		const int first = t->sets;
		const char *curve = curves[p].curve ? curves[p].curve : t->metric;
		for (int i = 0; i < t->count && !code && *curve; i++)
			code = add_curve(t, i, curve, curves[p].is_smoothed, &range, e);
		if (t->sets > first)
			add_panel(t, curves[p].title ? curves[p].title : t->metric, first, &range, !curves[p].is_smoothed);
	}
	return code;
}

static int find_metric(const char *name, int64_t points, void *arg, struct err *e)
{
	struct trainings *t = arg;
	(void)points;
	(void)e;
	if (!strncmp(name, "dev/", 4) && strcmp(name, "dev/loss") != 0 && strcmp(name, "dev/flops_speedup") != 0 &&
	    !*t->metric)
		snprintf(t->metric, sizeof t->metric, "%s", name);
	return 0;
}

static void set_trainings(struct trainings *t)
{
	char text[TRAININGS_MAX][LEGEND_SIZE];
	const char *legend[TRAININGS_MAX];
	int hue[TRAININGS_MAX], seeds = 0;
	struct figure *f = &t->figure;
	for (int i = 1; i < t->count; i++)
		seeds |= t->training[i].seed != t->training[0].seed;
	for (int i = 0; i < t->count; i++) {
		const struct training *x = &t->training[i];
		const int n = snprintf(text[i], LEGEND_SIZE, *x->phi ? "phi %.20s" : "dense", x->phi);
		if (seeds)
			snprintf(text[i] + n, LEGEND_SIZE - (size_t)n, ", seed %lld", (long long)x->seed);
		legend[i] = text[i];
		hue[i] = i;
	}
	buf_addf(
		&f->head,
		"panels = %d\narray panel[4]\narray first[4]\narray last[4]\narray low[4]\narray high[4]\narray is_sparse[4]\n",
		t->panels);
	buf_add(&f->head, t->panel.data, t->panel.size);
	set_series(f, t->count, legend, hue);
	buf_addf(&f->head, "array hue[%d]\n", t->sets);
	for (int i = 0; i < t->sets; i++)
		buf_addf(&f->head, "hue[%d] = %d\n", i + 1, t->hue[i]);
	figure_set_number(f, "last_step", t->last_step);
}

static int draw_trainings(struct output *o, const struct training *first, int count, struct err *e)
{
	struct trainings t = {
		.report = o->report, .training = first, .count = count < TRAININGS_MAX ? count : TRAININGS_MAX, .last_step = 1};
	figure_open(&t.figure, first->anchor, training_script);
	int code = store_curve_names(o->report->store, first->id, find_metric, &t, e);
	if (!code)
		code = add_panels(&t, e);
	if (!code && t.panels) {
		set_trainings(&t);
		t.figure.height = 110 + 115 * t.panels;
		snprintf(t.figure.title, sizeof t.figure.title, "%.100s: training", first->name);
		snprintf(t.figure.alt, sizeof t.figure.alt,
		         "Loss, dev quality and FLOPs speedup over the steps of %d trainings on %.200s%s.", t.count,
		         first->name, count > t.count ? ", the first of more" : "");
		code = draw(o, &t.figure, "training", e);
	}
	figure_free(&t.figure);
	buf_free(&t.panel);
	return code;
}

static int draw_all_trainings(struct output *o, struct err *e)
{
	const struct report *r = o->report;
	int code = 0;
	for (int i = 0, end; i < r->trainings && !code; i = end) {
		for (end = i + 1; end < r->trainings && !strcmp(r->training[i].task, r->training[end].task);)
			end++;
		code = draw_trainings(o, &r->training[i], end - i, e);
	}
	return code;
}

/* ---- all -------------------------------------------------------------------------------------------------------- */

int output_figures(struct output *o, struct err *e)
{
	const struct report *r = o->report;
	struct err missing = {0};
	int code = 0;
	o->is_drawn = !gnuplot_check_installed(&missing);
	if (!o->is_drawn)
		log_warn("%s; the figures' .gp and .dat files are written, and all else: install it and run the same command "
		         "again, or "
		         "`gnuplot NAME.gp` in their folder",
		         missing.text);
	for (int i = 0; i < r->sections && !code; i++) {
		const struct section *s = &r->section[i];
		for (int speed = 0; speed < SPEED_COUNT && !code; speed++)
			if (has_speed(s, (enum speed)speed))
				code = draw_tradeoff(o, s, (enum speed)speed, e);
		if (!code)
			code = draw_kept(o, s, e);
	}
	if (!code)
		code = draw_speedups(o, e);
	for (int i = 0; i < r->studies && !code; i++)
		code = draw_study(o, &r->study[i], e);
	return code ? code : draw_all_trainings(o, e);
}
