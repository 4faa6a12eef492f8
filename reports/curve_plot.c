/* The picture of a run's curves: the data and the panels are written here, how they look is in plot/curve.gp. */
#include "curve.h"
#include "embed.h"
#include "gnuplot.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EMBED(curve_script, "reports/plot/curve.gp");

enum {
	PANELS_MAX = 20,
	SPARSE = 40, /* curves of so few points show them */
	WIDTH = 480, /* points: the text width of a paper */
	PANEL_HEIGHT = 130,
	ONLY_PANEL_HEIGHT = 210,
	MARGINS_HEIGHT = 72,
};

struct series {
	struct buf data;
	int64_t finite;
	double low, high;
};

struct plot {
	const struct curve *c;
	struct series *series; /* [c->count] */
	double first_step, last_step;
	int panels, order[PANELS_MAX]; /* order: the curve whose measure the panel shows */
	struct buf head;
};

/* ---- reading ---- */

struct reader {
	struct plot *plot;
	struct series *series;
};

/* What is not finite is a gap in the line. */
static int take_point(int64_t step, const char *name, double value, void *arg, struct err *e)
{
	struct reader *r = arg;
	struct series *s = r->series;
	(void)name;
	(void)e;
	buf_addf(&s->data, "%lld ", (long long)step);
	if (!isfinite(value)) {
		buf_add_text(&s->data, "NaN\n");
		return 0;
	}
	buf_add_json_double(&s->data, value);
	buf_add_byte(&s->data, '\n');
	s->low = s->finite ? fmin(s->low, value) : value;
	s->high = s->finite ? fmax(s->high, value) : value;
	s->finite++;
	r->plot->first_step = fmin(r->plot->first_step, (double)step);
	r->plot->last_step = fmax(r->plot->last_step, (double)step);
	return 0;
}

static int read_all(struct plot *p, struct err *e)
{
	p->first_step = INFINITY;
	p->last_step = -INFINITY;
	for (int i = 0; i < p->c->count; i++) {
		struct reader r = {p, &p->series[i]};
		int code = store_curve_each(p->c->store, p->c->run, p->c->names[i], take_point, &r, e);
		if (!code)
			code = buf_check(&p->series[i].data, e);
		if (code)
			return code;
	}
	return isfinite(p->first_step)
	           ? 0
	           : err_set(e, ERR_USAGE, "nothing to draw: no value of run %lld is finite", (long long)p->c->run);
}

/* ---- panels ---- */

static const char *measure(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash && slash[1] ? slash + 1 : name;
}

/* What stands before the measure: curves of the same source have the same colour in all panels. */
static int is_of_one_source(const char *a, const char *b)
{
	ptrdiff_t n = measure(a) - a;
	return n == measure(b) - b && !strncmp(a, b, (size_t)n);
}

static int first_of_source(const struct curve *c, int series)
{
	int first = 0;
	while (!is_of_one_source(c->names[first], c->names[series]))
		first++;
	return first;
}

/* How many other sources came before. */
static int hue(const struct curve *c, int series)
{
	int sources = 0;
	for (int i = 0, first = first_of_source(c, series); i < first; i++)
		sources += first_of_source(c, i) == i;
	return sources;
}

static int is_in_panel(const struct plot *p, int series, int panel)
{
	return p->series[series].finite && !strcmp(measure(p->c->names[series]), measure(p->c->names[p->order[panel]]));
}

static int find_panels(struct plot *p, struct err *e)
{
	for (int i = 0; i < p->c->count; i++) {
		int panel = 0;
		while (panel < p->panels && !is_in_panel(p, i, panel))
			panel++;
		if (panel < p->panels || !p->series[i].finite)
			continue;
		if (p->panels == PANELS_MAX)
			return err_set(e, ERR_USAGE, "more than %d measures in one picture: choose some by name", PANELS_MAX);
		p->order[p->panels++] = i;
	}
	return 0;
}

/* ---- writing: curve.gp says what it needs ---- */

/* One data set a curve, in the order of the panels. */
static void add_data(struct plot *p)
{
	buf_add_text(&p->head, "$curves << EOD\n");
	for (int panel = 0; panel < p->panels; panel++)
		for (int i = 0; i < p->c->count; i++)
			if (is_in_panel(p, i, panel)) {
				buf_add(&p->head, p->series[i].data.data, p->series[i].data.size);
				buf_add_text(&p->head, "\n\n");
			}
	buf_add_text(&p->head, "EOD\n");
}

static int panel_height(const struct plot *p) { return p->panels == 1 ? ONLY_PANEL_HEIGHT : PANEL_HEIGHT; }

static int height(const struct plot *p) { return MARGINS_HEIGHT + p->panels * panel_height(p); }

static void add_arrays(struct plot *p)
{
	buf_addf(&p->head, "panels = %d\narray first[%d]\narray last[%d]\narray measure[%d]\n", p->panels, p->panels,
	         p->panels, p->panels);
	buf_addf(&p->head, "array low[%d]\narray high[%d]\nheight = %d\npanel_height = %d\n", p->panels, p->panels,
	         height(p), panel_height(p));
	buf_addf(&p->head, "array legend[%d]\narray hue[%d]\narray is_sparse[%d]\n", p->c->count, p->c->count, p->c->count);
	/* One step alone needs room beside it, or gnuplot complains. */
	int room = p->first_step == p->last_step;
	buf_addf(&p->head, "first_step = %.0f\nlast_step = %.0f\n", p->first_step - room, p->last_step + room);
}

static void add_curve(struct plot *p, int i, int number)
{
	buf_addf(&p->head, "hue[%d] = %d\nis_sparse[%d] = %d\nlegend[%d] = ", number, hue(p->c, i), number,
	         p->series[i].finite <= SPARSE, number);
	gnuplot_add_string(&p->head, p->c->names[i]);
	buf_add_byte(&p->head, '\n');
}

static void add_panel(struct plot *p, int panel, int *number)
{
	double low = INFINITY, high = -INFINITY;
	int before = *number, at = panel + 1;
	for (int i = 0; i < p->c->count; i++) {
		if (!is_in_panel(p, i, panel))
			continue;
		add_curve(p, i, ++*number);
		low = fmin(low, p->series[i].low);
		high = fmax(high, p->series[i].high);
	}
	double room = low < high ? 0.06 * (high - low) : fmax(fabs(low) * 0.1, 1e-3);
	buf_addf(&p->head, "first[%d] = %d\nlast[%d] = %d\n", at, before + 1, at, *number);
	buf_addf(&p->head, "low[%d] = %.9g\nhigh[%d] = %.9g\nmeasure[%d] = ", at, low - room, at, high + room, at);
	gnuplot_add_string(&p->head, measure(p->c->names[p->order[panel]]));
	buf_add_byte(&p->head, '\n');
}

static int take_title(const struct store_row *row, void *arg, struct err *e)
{
	struct buf title = {0};
	const struct store_run *r = &row->run;
	buf_add_text(&title, r->kind);
	if (r->task)
		buf_addf(&title, " on %s", r->task);
	if (r->policy)
		buf_addf(&title, ", %s", r->policy);
	buf_addf(&title, ", seed %llu%s", (unsigned long long)r->seed, row->finished ? "" : " (unfinished)");
	int code = buf_check(&title, e);
	if (!code) {
		buf_add_text(arg, "title = ");
		gnuplot_add_string(arg, title.data);
		buf_add_byte(arg, '\n');
	}
	buf_free(&title);
	return code;
}

static int write_head(struct plot *p, struct err *e)
{
	int number = 0, code = store_run_get(p->c->store, p->c->run, take_title, &p->head, e);
	if (code)
		return code;
	add_data(p);
	add_arrays(p);
	for (int panel = 0; panel < p->panels; panel++)
		add_panel(p, panel, &number);
	return buf_check(&p->head, e);
}

int curve_plot(const struct curve *c, const char *path, struct err *e)
{
	struct plot p = {.c = c, .series = calloc((size_t)c->count, sizeof *p.series)};
	int code = p.series ? read_all(&p, e) : err_set(e, ERR_MEMORY, "out of memory for %d curves", c->count);
	if (!code)
		code = find_panels(&p, e);
	if (!code)
		code = write_head(&p, e);
	if (!code)
		code = gnuplot_draw(path, WIDTH, height(&p), &p.head, curve_script, e);
	for (int i = 0; p.series && i < c->count; i++)
		buf_free(&p.series[i].data);
	free(p.series);
	buf_free(&p.head);
	return code;
}
