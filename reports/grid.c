#include "grid.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_NAME(name, ending) #name,
const char *const grid_format_names[GRID_FORMAT_COUNT + 1] = {GRID_FORMATS(FORMAT_NAME) NULL};
#define FORMAT_ENDING(name, ending) ending,
const char *const grid_endings[GRID_FORMAT_COUNT] = {GRID_FORMATS(FORMAT_ENDING)};

/* ---- filling ---- */

void grid_open(struct grid *g, const char *name, const char *title, const struct grid_column *columns, int count)
{
	*g = (struct grid){.name = name, .title = title, .column = columns, .columns = count};
}

void grid_free(struct grid *g)
{
	for (int i = 0; i < g->rows; i++) {
		for (int c = 0; c < g->columns && g->row[i].cell; c++)
			free(g->row[i].cell[c].text);
		free(g->row[i].cell);
		free(g->row[i].group);
	}
	free(g->row);
	buf_free(&g->notes);
	*g = (struct grid){0};
}

static struct grid_row *add_row(struct grid *g)
{
	struct grid_row *rows = g->failed ? NULL : realloc(g->row, ((size_t)g->rows + 1) * sizeof *rows);
	if (!rows) {
		g->failed = 1;
		return NULL;
	}
	g->row = rows;
	g->cells = 0;
	rows[g->rows] = (struct grid_row){0};
	return &rows[g->rows++];
}

void grid_group(struct grid *g, const char *title)
{
	struct grid_row *row = add_row(g);
	if (row && !(row->group = strdup(title)))
		g->failed = 1;
}

void grid_row(struct grid *g, enum grid_style style)
{
	struct grid_row *row = add_row(g);
	if (!row)
		return;
	row->style = style;
	row->cell = calloc((size_t)g->columns, sizeof *row->cell);
	g->failed |= !row->cell;
}

static void add_cell(struct grid *g, struct grid_cell cell)
{
	if (g->failed || g->cells == g->columns)
		free(cell.text);
	else
		g->row[g->rows - 1].cell[g->cells++] = cell;
}

void grid_text(struct grid *g, const char *text)
{
	char *copy = strdup(text);
	g->failed |= !copy;
	add_cell(g, (struct grid_cell){.text = copy, .value = NAN, .lo = NAN, .hi = NAN, .sd = NAN});
}

void grid_number(struct grid *g, double value, double lo, double hi, double sd, const char *mark)
{
	add_cell(g, (struct grid_cell){.value = value, .lo = lo, .hi = hi, .sd = sd, .mark = mark});
}

void grid_nothing(struct grid *g) { grid_number(g, NAN, NAN, NAN, NAN, NULL); }

int grid_check(const struct grid *g, struct err *e)
{
	return g->failed || g->notes.failed ? err_set(e, ERR_MEMORY, "out of memory for the table '%s'", g->name) : 0;
}

/* ---- texts of each format ---- */

static void add_replaced(struct buf *b, const char *text, const char *const (*replace)[2], int count)
{
	for (; *text; text++) {
		int i = 0;
		while (i < count && *text != replace[i][0][0])
			i++;
		if (i < count)
			buf_add_text(b, replace[i][1]);
		else
			buf_add_byte(b, *text);
	}
}

void grid_add_html(struct buf *b, const char *text)
{
	static const char *const replace[][2] = {
		{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}};
	add_replaced(b, text, replace, 5);
}

static void add_latex(struct buf *b, const char *text)
{
	static const char *const replace[][2] = {{"\\", "\\textbackslash{}"},
	                                         {"{", "\\{"},
	                                         {"}", "\\}"},
	                                         {"$", "\\$"},
	                                         {"&", "\\&"},
	                                         {"#", "\\#"},
	                                         {"_", "\\_"},
	                                         {"%", "\\%"},
	                                         {"~", "\\textasciitilde{}"},
	                                         {"^", "\\textasciicircum{}"},
	                                         {"[", "{[}"},
	                                         {"]", "{]}"},
	                                         {"<", "$<$"},
	                                         {">", "$>$"},
	                                         {"*", "$^{*}$"}};
	add_replaced(b, text, replace, 15);
}

static void add_markdown(struct buf *b, const char *text)
{
	static const char *const replace[][2] = {{"|", "\\|"},  {"\n", " "},  {"*", "\\*"},
	                                         {"<", "&lt;"}, {"_", "\\_"}, {"`", "\\`"}};
	add_replaced(b, text, replace, 6);
}

static void add_csv(struct buf *b, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		buf_add_text(b, text);
		return;
	}
	static const char *const replace[][2] = {{"\"", "\"\""}};
	buf_add_byte(b, '"');
	add_replaced(b, text, replace, 1);
	buf_add_byte(b, '"');
}

static void add_text(struct buf *b, enum grid_format format, const char *text)
{
	static void (*const add[])(struct buf *, const char *) = {
		[GRID_md] = add_markdown, [GRID_latex] = add_latex, [GRID_csv] = add_csv, [GRID_html] = grid_add_html};
	add[format](b, text);
}

/* ---- numbers for people ---- */

static const char *minus(enum grid_format format) { return format == GRID_latex ? "$-$" : "−"; /* U+2212 */ }

static void add_signed(struct buf *b, enum grid_format format, const char *pattern_free, int is_negative, int with_plus)
{
	if (is_negative)
		buf_add_text(b, minus(format));
	else if (with_plus)
		buf_add_byte(b, '+');
	buf_add_text(b, pattern_free);
}

static void add_value(struct buf *b, enum grid_format format, enum grid_kind kind, double v)
{
	char digits[40];
	const double shown = kind == GRID_TIMES || kind == GRID_P ? v : 100 * v, size = fabs(shown);
	if (kind == GRID_P && v < 1e-4 && v > 0)
		snprintf(digits, sizeof digits, v < 1e-99 ? "0.0000" : "%.0e", v);
	else if (kind == GRID_P)
		snprintf(digits, sizeof digits, size < 0.001 ? "%.4f" : size < 0.1 ? "%.3f" : "%.2f", size);
	else if (kind == GRID_TIMES)
		snprintf(digits, sizeof digits, size < 9.995 ? "%.2f" : "%.1f", size);
	else
		snprintf(digits, sizeof digits, "%.1f", size);
	/* What rounds to nothing has no sign. */
	add_signed(b, format, digits, shown < 0 && strtod(digits, NULL) > 0, kind == GRID_POINTS);
}

static void add_interval(struct buf *b, enum grid_format format, const struct grid_column *c, const struct grid_cell *x)
{
	static const char *const before[] = {" [", " {\\scriptsize[", NULL, " <small>["}, *const after[] = {"]", "]}", NULL,
	                                                                                                    "]</small>"};
	if (!isnan(x->sd)) {
		buf_add_text(b, format == GRID_latex ? " {\\scriptsize$\\pm$ " : format == GRID_html ? " <small>± " : " ± ");
		add_value(b, format, c->kind == GRID_POINTS ? GRID_PERCENT : c->kind, x->sd);
		buf_add_text(b, format == GRID_latex ? "}" : format == GRID_html ? "</small>" : "");
	} else if (c->has_interval && x->lo < x->hi) { /* of one turn, or of what is always the same, there is none */
		buf_add_text(b, before[format]);
		add_value(b, format, c->kind, x->lo);
		buf_add_text(b, ", ");
		add_value(b, format, c->kind, x->hi);
		buf_add_text(b, after[format]);
	}
}

/* "*" begins emphasis in Markdown; a minus of Unicode is none in LaTeX's mathematics. */
static void add_mark(struct buf *b, enum grid_format format, const char *mark)
{
	const char *text = format == GRID_latex && !strcmp(mark, "−") ? "-" : mark;
	for (; *text; text++) {
		if (format == GRID_md && *text == '*')
			buf_add_byte(b, '\\');
		buf_add_byte(b, *text);
	}
}

static void add_cell_text(struct buf *b, enum grid_format format, const struct grid_column *c,
                          const struct grid_cell *x)
{
	if (x->text) {
		add_text(b, format, x->text);
	} else if (!isnan(x->value)) {
		add_value(b, format, c->kind, x->value);
		if (x->mark && *x->mark) {
			buf_add_text(b, format == GRID_latex ? "$^{" : format == GRID_html ? "<sup>" : "");
			add_mark(b, format, x->mark);
			buf_add_text(b, format == GRID_latex ? "}$" : format == GRID_html ? "</sup>" : "");
		}
		add_interval(b, format, c, x);
	}
}

static int is_shown(const struct grid_column *c) { return !c->is_only_csv; }

/* ---- Markdown ---- */

static void write_markdown_row(const struct grid *g, const struct grid_row *r, struct buf *out)
{
	static const char *const emphasis[] = {"", "**", "*"};
	buf_add_byte(out, '|');
	for (int i = 0; i < g->columns; i++) {
		const struct grid_column *c = &g->column[i];
		const int is_name = c->kind == GRID_TEXT && r->cell[i].text && *r->cell[i].text;
		if (!is_shown(c))
			continue;
		buf_add_byte(out, ' ');
		buf_add_text(out, is_name ? emphasis[r->style] : "");
		add_cell_text(out, GRID_md, c, &r->cell[i]);
		buf_add_text(out, is_name ? emphasis[r->style] : "");
		buf_add_text(out, " |");
	}
	buf_add_byte(out, '\n');
}

/* A group is a table of its own under a heading, as Markdown has no cells that span columns. */
static void write_markdown_head(const struct grid *g, const char *group, struct buf *out)
{
	if (group) {
		buf_add_text(out, "\n### ");
		add_markdown(out, group);
		buf_add_text(out, "\n");
	}
	buf_add_text(out, "\n|");
	for (int i = 0; i < g->columns; i++)
		if (is_shown(&g->column[i])) {
			buf_add_byte(out, ' ');
			add_markdown(out, g->column[i].title);
			buf_add_text(out, " |");
		}
	buf_add_text(out, "\n|");
	for (int i = 0; i < g->columns; i++)
		if (is_shown(&g->column[i]))
			buf_add_text(out, g->column[i].kind == GRID_TEXT ? "---|" : "--:|");
	buf_add_byte(out, '\n');
}

static void write_markdown(const struct grid *g, const char *provenance, struct buf *out)
{
	buf_add_text(out, "## ");
	add_markdown(out, g->title);
	buf_add_byte(out, '\n');
	if (!g->rows || !g->row[0].group)
		write_markdown_head(g, NULL, out);
	for (int i = 0; i < g->rows; i++)
		if (g->row[i].group)
			write_markdown_head(g, g->row[i].group, out);
		else
			write_markdown_row(g, &g->row[i], out);
	buf_add_byte(out, '\n');
	buf_add(out, g->notes.data, g->notes.size);
	buf_add_text(out, "\n```\n");
	buf_add_text(out, provenance);
	buf_add_text(out, "```\n");
}

/* ---- LaTeX ---- */

static void add_comment(struct buf *out, const char *sign, const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		buf_addf(out, "%s %.*s\n", sign, (int)strcspn(text, "\n"), text);
}

static void write_latex_row(const struct grid *g, const struct grid_row *r, int columns, struct buf *out)
{
	static const char *const before[] = {"", "\\textbf{", "\\textit{"};
	int shown = 0;
	if (r->group) {
		buf_addf(out, "\\midrule\n\\multicolumn{%d}{l}{\\textbf{", columns);
		add_latex(out, r->group);
		buf_add_text(out, "}} \\\\\n\\midrule\n");
		return;
	}
	for (int i = 0; i < g->columns; i++) {
		if (!is_shown(&g->column[i]))
			continue;
		const int is_name = g->column[i].kind == GRID_TEXT && r->style != GRID_BODY;
		buf_add_text(out, shown++ ? " & " : "");
		buf_add_text(out, is_name ? before[r->style] : "");
		add_cell_text(out, GRID_latex, &g->column[i], &r->cell[i]);
		buf_add_text(out, is_name ? "}" : "");
	}
	buf_add_text(out, " \\\\\n");
}

static void write_latex(const struct grid *g, const char *provenance, struct buf *out)
{
	int columns = 0;
	add_comment(out, "%", provenance);
	buf_add_text(
		out, "% \\usepackage{booktabs,longtable}\n{\\footnotesize\\setlength{\\tabcolsep}{3pt}\n\\begin{longtable}{");
	for (int i = 0; i < g->columns; i++)
		if (is_shown(&g->column[i])) {
			buf_add_byte(out, g->column[i].kind == GRID_TEXT ? 'l' : 'r');
			columns++;
		}
	buf_add_text(out, "}\n\\caption{");
	add_latex(out, g->title);
	buf_addf(out, "}\\label{tab:%s} \\\\\n\\toprule\n", g->name);
	for (int i = 0, shown = 0; i < g->columns; i++)
		if (is_shown(&g->column[i])) {
			buf_add_text(out, shown++ ? " & " : "");
			add_latex(out, g->column[i].title);
		}
	buf_add_text(out, g->rows && g->row[0].group ? " \\\\\n\\endhead\n" : " \\\\\n\\midrule\n\\endhead\n");
	for (int i = 0; i < g->rows; i++)
		write_latex_row(g, &g->row[i], columns, out);
	buf_add_text(out, "\\bottomrule\n\\end{longtable}}\n");
	if (g->notes.size)
		add_comment(out, "%", g->notes.data);
}

/* ---- CSV: all in full, no comments, as readers of CSV know none ---- */

static void write_csv_head(const struct grid *g, struct buf *out)
{
	buf_add_text(out, "group,style");
	for (int i = 0; i < g->columns; i++) {
		const struct grid_column *c = &g->column[i];
		buf_addf(out, ",%s", c->name);
		if (c->has_interval)
			buf_addf(out, ",%s_lo,%s_hi,%s_sd", c->name, c->name, c->name);
	}
	buf_add_byte(out, '\n');
}

static void add_csv_number(struct buf *out, double v)
{
	if (!isnan(v))
		buf_add_json_double(out, v);
}

static void write_csv_cell(const struct grid_column *c, const struct grid_cell *x, struct buf *out)
{
	buf_add_byte(out, ',');
	if (x->text)
		add_csv(out, x->text);
	else
		add_csv_number(out, x->value);
	const double more[3] = {x->lo, x->hi, x->sd};
	for (int i = 0; i < 3 && c->has_interval; i++) {
		buf_add_byte(out, ',');
		add_csv_number(out, more[i]);
	}
}

static void write_csv(const struct grid *g, struct buf *out)
{
	static const char *const styles[] = {"ours", "ours", "published"};
	const char *group = "";
	write_csv_head(g, out);
	for (int i = 0; i < g->rows; i++) {
		const struct grid_row *r = &g->row[i];
		if (r->group) {
			group = r->group;
			continue;
		}
		add_csv(out, group);
		buf_addf(out, ",%s", styles[r->style]);
		for (int c = 0; c < g->columns; c++)
			write_csv_cell(&g->column[c], &r->cell[c], out);
		buf_add_byte(out, '\n');
	}
}

/* ---- HTML ---- */

static void write_html_row(const struct grid *g, const struct grid_row *r, int columns, struct buf *out)
{
	static const char *const classes[] = {"", " class=\"strong\"", " class=\"published\""};
	int is_first = 1;
	if (r->group) {
		buf_addf(out, "<tr class=\"group\"><th colspan=\"%d\" scope=\"rowgroup\">", columns);
		grid_add_html(out, r->group);
		buf_add_text(out, "</th></tr>\n");
		return;
	}
	buf_addf(out, "<tr%s>", classes[r->style]);
	for (int i = 0; i < g->columns; i++) {
		const struct grid_column *c = &g->column[i];
		if (!is_shown(c))
			continue;
		buf_add_text(out, is_first ? "<th scope=\"row\">" : c->kind == GRID_TEXT ? "<td>" : "<td class=\"n\">");
		add_cell_text(out, GRID_html, c, &r->cell[i]);
		buf_add_text(out, is_first ? "</th>" : "</td>");
		is_first = 0;
	}
	buf_add_text(out, "</tr>\n");
}

static void write_html(const struct grid *g, const char *provenance, struct buf *out)
{
	int columns = 0;
	buf_add_text(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
	grid_add_html(out, g->title);
	buf_addf(out, "\">\n<table id=\"%s\">\n<caption>", g->name);
	grid_add_html(out, g->title);
	buf_add_text(out, "</caption>\n<thead><tr>");
	for (int i = 0; i < g->columns; i++)
		if (is_shown(&g->column[i])) {
			buf_add_text(out, g->column[i].kind == GRID_TEXT ? "<th scope=\"col\">" : "<th scope=\"col\" class=\"n\">");
			grid_add_html(out, g->column[i].title);
			buf_add_text(out, "</th>");
			columns++;
		}
	buf_add_text(out, "</tr></thead>\n<tbody>\n");
	for (int i = 0; i < g->rows; i++)
		write_html_row(g, &g->row[i], columns, out);
	buf_add_text(out, "</tbody>\n</table>\n</div>\n<p class=\"notes\">");
	grid_add_html(out, g->notes.data ? g->notes.data : "");
	buf_add_text(out, "</p>\n<!--\n");
	for (const char *at = provenance; *at; at++)
		if (!(at[0] == '-' && at[1] == '-')) /* which would end the comment */
			buf_add_byte(out, *at);
	buf_add_text(out, "-->\n");
}

void grid_write(const struct grid *g, enum grid_format format, const char *provenance, struct buf *out)
{
	switch (format) {
	case GRID_md: write_markdown(g, provenance, out); break;
	case GRID_latex: write_latex(g, provenance, out); break;
	case GRID_csv: write_csv(g, out); break;
	case GRID_html: write_html(g, provenance, out); break;
	default: break;
	}
}
