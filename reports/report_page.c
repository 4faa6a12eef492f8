/* index.html: everything on one page that needs no network; only the words of examples are in files of their own. */
#include "report_out.h"

#include "embed.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EMBED(report_css, "reports/html/report.css");
EMBED(report_js, "reports/html/report.js");
EMBED(viewer_html, "reports/html/viewer.html");

/* ---- pieces ---------------------------------------------------------------------------------------------------- */

static void add_base64(struct buf *b, const unsigned char *bytes, size_t size)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < size; i += 3) {
		const size_t left = size - i;
		const unsigned v =
			(unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
		const char four[4] = {digit[v >> 18], digit[v >> 12 & 63], left > 1 ? digit[v >> 6 & 63] : '=',
		                      left > 2 ? digit[v & 63] : '='};
		buf_add(b, four, 4);
	}
}

static void add_figure_files(struct buf *b, const struct shown_figure *f, int is_drawn)
{
	static const char *const endings[] = {"svg", "png", "pdf", "gp", "dat"};
	for (int i = is_drawn ? 0 : 3; i < 5; i++)
		buf_addf(b, " <a href=\"plots/%s.%s\">%s</a>", f->name, endings[i], endings[i]);
}

static int add_figure(const struct output *o, struct buf *b, const struct shown_figure *f, struct err *e)
{
	char path[4096 + 300], *svg = NULL;
	size_t size = 0;
	int code = 0;
	buf_add_text(b, "<figure>");
	if (o->is_drawn) {
		snprintf(path, sizeof path, "%s/plots/%s.svg", o->folder, f->name);
		code = file_read(&svg, &size, path, (size_t)1 << 28, e);
		buf_addf(b, "<img width=\"%d\" height=\"%d\" alt=\"", f->width, f->height);
		grid_add_html(b, f->alt);
		buf_add_text(b, "\" src=\"data:image/svg+xml;base64,");
		if (!code)
			add_base64(b, (const unsigned char *)svg, size);
		buf_add_text(b, "\">");
		free(svg);
	}
	buf_add_text(b, "<figcaption>");
	grid_add_html(b, f->alt);
	add_figure_files(b, f, o->is_drawn);
	buf_add_text(b, "</figcaption></figure>\n");
	return code;
}

static int has_figures(const struct output *o, const char *part)
{
	for (int i = 0; i < o->figures; i++)
		if (!strcmp(o->figure[i].part, part))
			return 1;
	return 0;
}

static int add_figures(const struct output *o, struct buf *b, const char *part, struct err *e)
{
	int code = 0, any = 0;
	for (int i = 0; i < o->figures && !code; i++)
		if (!strcmp(o->figure[i].part, part)) {
			buf_add_text(b, any++ ? "" : "<div class=\"figures\">\n");
			code = add_figure(o, b, &o->figure[i], e);
		}
	buf_add_text(b, any ? "</div>\n" : "");
	return code;
}

/* The part of o->tables between <section id="ID"> and its end. */
static void add_table(const struct output *o, struct buf *b, const char *id)
{
	char mark[400];
	snprintf(mark, sizeof mark, "<section id=\"%s\"", id);
	const char *at = strstr(o->tables.data ? o->tables.data : "", mark), *end = at ? strstr(at, "</section>\n") : NULL;
	if (end)
		buf_add(b, at, (size_t)(end - at) + strlen("</section>\n"));
}

/* ---- what to see first ----------------------------------------------------------------------------------------- */

static void add_card_speed(struct buf *b, const struct section *s, enum speed speed)
{
	const double value = s->fastest[speed].speedup, lo = s->fastest[speed].lo, hi = s->fastest[speed].hi;
	buf_addf(b, "%.2f×", value);
	if (speed == SPEED_FLOPS && !isnan(lo))
		buf_addf(b, " <small>[%.2f, %.2f]</small>", lo, hi);
}

static void add_card(struct buf *b, const struct section *s)
{
	const int fastest = s->fastest[SPEED_FLOPS].entry;
	const struct entry *x = fastest < 0 ? NULL : &s->entry[fastest];
	int times = 0;
	buf_add_text(b, "<li><span class=\"task\">");
	grid_add_html(b, s->task);
	buf_add_text(b, ", ");
	grid_add_html(b, s->split);
	buf_add_text(b, "</span>");
	if (!x || s->dense < 0) {
		buf_add_text(b, "<p>nothing is held against dense</p></li>\n");
		return;
	}
	buf_add_text(b, "<div class=\"big\">");
	add_card_speed(b, s, SPEED_FLOPS);
	buf_add_text(b, "</div><p>fewer FLOPs within a point of dense: ");
	grid_add_html(b, method_names[x->method]);
	buf_addf(b, "%s", *x->settings ? ", " : "");
	grid_add_html(b, x->settings);
	buf_add_text(b, "; ");
	grid_add_html(b, s->metric);
	buf_addf(b, " %.1f %%, dense %.1f %%", 100 * x->quality.value, 100 * s->entry[s->dense].quality.value);
	for (int speed = SPEED_TIME_32; speed < SPEED_COUNT; speed++)
		if (s->fastest[speed].entry >= 0 && s->fastest[speed].entry != s->dense) {
			buf_addf(b, "%s ", times++ ? "," : ". Time, within a point:");
			add_card_speed(b, s, (enum speed)speed);
			buf_addf(b, " at batch %d", speed_table[speed].batch);
		}
	buf_add_text(b, "</p></li>\n");
}

static void add_study_card(const struct report *r, struct buf *b, const struct study *s)
{
	struct measured cp;
	char name[64];
	int better = 0, worse = 0, others = 0;
	snprintf(name, sizeof name, "fpr/replay/layer-%d", s->L - 1);
	if (s->cp < 0 || report_metric(r, s->run[s->cp].id, name, &cp, NULL) || isnan(cp.value))
		return;
	for (int m = 0; m < s->methods; m++) {
		if (m == s->cp || !strcmp(s->run[m].method, "kept"))
			continue;
		others++;
		better += s->p[m][s->L - 1] < 0.05 && s->difference[m][s->L - 1] > 0;
		worse += s->p[m][s->L - 1] < 0.05 && s->difference[m][s->L - 1] < 0;
	}
	buf_add_text(b, "<li><span class=\"task\">");
	grid_add_html(b, s->data);
	buf_add_text(b, ", ");
	grid_add_html(b, s->split);
	buf_addf(b, ": rationales</span><div class=\"big\">%.1f %%", 100 * cp.value);
	if (!isnan(cp.lo))
		buf_addf(b, " <small>[%.1f, %.1f]</small>", 100 * cp.lo, 100 * cp.hi);
	buf_add_text(b, "</div>\n");
	buf_addf(b,
	         "<p>false-positive rate of the predictors' words at the last layer; of %d other methods at equal counts "
	         "%d have "
	         "more, %d fewer, the rest cannot be told apart</p></li>\n",
	         others, better, worse);
}

/* ---- parts ----------------------------------------------------------------------------------------------------- */

static void add_head(const struct output *o, struct buf *b)
{
	const struct report *r = o->report;
	buf_add_text(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	                "<link rel=\"icon\" href=\"data:,\">\n<title>adapler report: ");
	grid_add_html(b, r->db);
	buf_add_text(b, "</title>\n<style>\n");
	buf_add_text(b, report_css);
	buf_add_text(b, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">to the content</a>\n"
	                "<header class=\"top\">\n<h1>Token-pruned BERT classifiers: quality, speed, rationales</h1>\n<p>");
	grid_add_html(b, o->footer.data ? o->footer.data : "");
	buf_add_text(b, "</p>\n</header>\n<nav class=\"parts\" aria-label=\"parts of the report\">");
	if (r->sections)
		buf_add_text(b, "<a href=\"#quality\">Quality and speed</a>");
	if (r->studies)
		buf_add_text(b, "<a href=\"#rationales\">Rationales</a><a href=\"#examples\">Examples</a>");
	if (r->trainings)
		buf_add_text(b, "<a href=\"#training\">Training</a>");
	buf_add_text(b, "<a href=\"#provenance\">Provenance</a></nav>\n<main id=\"main\">\n");
}

static int add_quality(const struct output *o, struct buf *b, struct err *e)
{
	const struct report *r = o->report;
	int code = 0;
	if (!r->sections)
		return 0;
	buf_add_text(b, "<h2 id=\"quality\">Quality and speed</h2>\n");
	add_table(o, b, "quality-and-speed-table");
	for (int i = 0; i < r->sections && !code; i++) {
		buf_add_text(b, "<h3>");
		grid_add_html(b, r->section[i].task);
		buf_add_text(b, ", ");
		grid_add_html(b, r->section[i].split);
		buf_add_text(b, " split</h3>\n");
		code = add_figures(o, b, r->section[i].anchor, e);
	}
	if (code || !has_figures(o, "speed"))
		return code;
	buf_add_text(b, "<h3>All tasks: what FLOPs promise and what is measured</h3>\n");
	return add_figures(o, b, "speed", e);
}

static int add_rationales(const struct output *o, struct buf *b, struct err *e)
{
	const struct report *r = o->report;
	int code = 0;
	if (!r->studies)
		return 0;
	buf_add_text(b, "<h2 id=\"rationales\">Rationales</h2>\n");
	for (int i = 0; i < r->studies && !code; i++) {
		char id[300];
		snprintf(id, sizeof id, "%s-table", r->study[i].anchor);
		add_table(o, b, id);
		code = add_figures(o, b, r->study[i].anchor, e);
	}
	buf_add_text(b, "<h2 id=\"examples\">Examples</h2>\n");
	buf_add_text(b, viewer_html);
	return code;
}

static int add_rest(const struct output *o, struct buf *b, struct err *e)
{
	int code = 0;
	if (o->report->trainings) {
		buf_add_text(b, "<h2 id=\"training\">Training</h2>\n");
		code = add_figures(o, b, "training", e);
	}
	buf_add_text(b, "<h2 id=\"provenance\">Provenance</h2>\n<pre>");
	grid_add_html(b, o->provenance.data ? o->provenance.data : "");
	buf_add_text(b, "</pre>\n<details><summary>The runs</summary>\n");
	add_table(o, b, "runs-table");
	buf_add_text(b, "</details>\n</main>\n<script>\nwindow.adaplerStudies = [");
	buf_add(b, o->examples.data, o->examples.size);
	buf_add_text(b, "];\n</script>\n<script>\n");
	buf_add_text(b, report_js);
	buf_add_text(b, "</script>\n</body>\n</html>\n");
	return code;
}

int output_page(struct output *o, struct err *e)
{
	struct buf b = {0};
	add_head(o, &b);
	buf_add_text(&b, "<ul class=\"cards\" aria-label=\"key numbers\">\n");
	for (int i = 0; i < o->report->sections; i++)
		add_card(&b, &o->report->section[i]);
	for (int i = 0; i < o->report->studies; i++)
		add_study_card(o->report, &b, &o->report->study[i]);
	buf_add_text(&b, "</ul>\n");
	if (!o->is_drawn)
		buf_add_text(
			&b, "<p class=\"notes\">gnuplot was not installed, so the figures are only there as scripts and data; with "
				"it (package gnuplot-nox) the same command draws them.</p>\n");
	int code = add_quality(o, &b, e);
	if (!code)
		code = add_rationales(o, &b, e);
	if (!code)
		code = add_rest(o, &b, e);
	if (!code)
		code = output_write(o, "", "index.html", &b, e);
	buf_free(&b);
	return code;
}
