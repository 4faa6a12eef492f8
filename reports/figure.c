#include "figure.h"

#include "embed.h"
#include "gnuplot.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EMBED(style_script, "reports/plot/style.gp");

void figure_open(struct figure *f, const char *name, const char *script)
{
	*f = (struct figure){.name = name, .script = script, .width = FIGURE_WIDTH, .height = FIGURE_HEIGHT};
}

void figure_free(struct figure *f)
{
	buf_free(&f->data);
	buf_free(&f->head);
}

void figure_set_number(struct figure *f, const char *name, double value)
{
	buf_addf(&f->head, "%s = %.10g\n", name, value);
}

void figure_set_string(struct figure *f, const char *name, const char *value)
{
	buf_addf(&f->head, "%s = ", name);
	gnuplot_add_string(&f->head, value);
	buf_add_byte(&f->head, '\n');
}

void figure_add_numbers(struct figure *f, const double *value, int count)
{
	for (int i = 0; i < count; i++)
		if (isnan(value[i]))
			buf_add_text(&f->data, i ? "\tNaN" : "NaN");
		else
			buf_addf(&f->data, i ? "\t%.10g" : "%.10g", value[i]);
	buf_add_byte(&f->data, '\n');
}

/* ---- files ---- */

static void add_comment(struct buf *b, const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		buf_addf(b, "# %.*s\n", (int)strcspn(text, "\n"), text);
}

static int write_text(const struct figure *f, const struct figure_context *c, const char *ending,
                      const struct buf *text, struct err *e)
{
	char path[4096], name[300];
	snprintf(name, sizeof name, "%s.%s", f->name, ending);
	int code = buf_check(text, e);
	if (!code)
		code = file_join(path, sizeof path, c->folder, name, e);
	return code ? code : file_write_atomic(path, text->data, text->size, e);
}

static int write_data(const struct figure *f, const struct figure_context *c, struct err *e)
{
	struct buf text = {0};
	buf_addf(&text, "# %s\n", f->title);
	add_comment(&text, c->provenance);
	buf_add(&text, f->data.data, f->data.size);
	int code = write_text(f, c, "dat", &text, e);
	buf_free(&text);
	return code;
}

/* The script reads itself once for each kind of picture, with another terminal. */
static void add_pictures(struct buf *b, const struct figure *f)
{
	buf_addf(b, "if (!exists('picture')) picture = 0\npicture = picture + 1\nreset\narray terminal[3]\n");
	buf_addf(b,
	         "terminal[1] = \"set terminal svg noenhanced size %d,%d font 'sans-serif,11' linewidth 1 background "
	         "'#ffffff'\"\n",
	         f->width, f->height);
	buf_addf(b,
	         "terminal[2] = \"set terminal pngcairo noenhanced size %d,%d font 'Sans,17' linewidth 2 background "
	         "'#ffffff'\"\n",
	         2 * f->width, 2 * f->height);
	buf_addf(b, "terminal[3] = \"set terminal pdfcairo noenhanced size %.3fin,%.3fin font 'Sans,8.5' linewidth 1\"\n",
	         f->width / 72.0, f->height / 72.0);
	buf_addf(b, "array output[3]\n");
	const char *const endings[] = {"svg", "png", "pdf"};
	for (int i = 0; i < 3; i++)
		buf_addf(b, "output[%d] = '%s.%s'\n", i + 1, f->name, endings[i]);
}

static int write_script(const struct figure *f, const struct figure_context *c, struct err *e)
{
	struct buf text = {0};
	buf_addf(&text, "# %s\n# `gnuplot %s.gp` in this folder draws it from %s.dat.\n", f->title, f->name, f->name);
	add_comment(&text, c->provenance);
	add_pictures(&text, f);
	buf_addf(&text, "data = '%s.dat'\n", f->name);
	buf_addf(&text, "width = %d\nheight = %d\nfooter = ", f->width, f->height);
	gnuplot_add_string(&text, c->footer);
	buf_add_text(&text, "\ntitle = ");
	gnuplot_add_string(&text, f->title);
	buf_add_byte(&text, '\n');
	buf_add(&text, f->head.data, f->head.size);
	buf_add_text(&text, "eval terminal[picture]\nset output output[picture]\n");
	buf_add_text(&text, style_script);
	buf_add_text(&text, f->script);
	buf_add_text(&text, "unset output\nif (picture < 3) reread\n");
	int code = write_text(f, c, "gp", &text, e);
	buf_free(&text);
	return code;
}

/* ---- what gnuplot cannot be told ---- */

static int read_picture(const struct figure *f, const struct figure_context *c, const char *ending, struct buf *text,
                        struct err *e)
{
	char path[4096], name[300], *bytes = NULL;
	size_t size = 0;
	snprintf(name, sizeof name, "%s.%s", f->name, ending);
	int code = file_join(path, sizeof path, c->folder, name, e);
	if (!code)
		code = file_read(&bytes, &size, path, (size_t)1 << 28, e);
	if (!code && !size)
		code = err_set(e, ERR_IO, "gnuplot could not write '%s': is the disk full?", path);
	if (!code)
		buf_add(text, bytes, size);
	free(bytes);
	return code;
}

/* "(D:20261126160309Z)", of a length that the tables of the file count on: the store's date in place of today's. */
static void date_pdf(struct buf *pdf, const char *date)
{
	static const char mark[] = "/CreationDate (D:";
	char digits[15] = "19700101000000";
	int n = 0;
	for (const char *at = date; *at && n < 14; at++)
		if (*at >= '0' && *at <= '9')
			digits[n++] = *at;
	char *at = memmem(pdf->data, pdf->size, mark, sizeof mark - 1);
	if (at && at + sizeof mark - 1 + 14 <= pdf->data + pdf->size)
		memcpy(at + sizeof mark - 1, digits, 14);
}

static void add_xml(struct buf *b, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&': buf_add_text(b, "&amp;"); break;
		case '<': buf_add_text(b, "&lt;"); break;
		case '>': buf_add_text(b, "&gt;"); break;
		default: buf_add_byte(b, *text);
		}
}

/* What a reader that sees nothing is told of it, and where it comes from. */
static void describe_svg(const struct buf *svg, const struct figure *f, const struct figure_context *c, struct buf *out)
{
	const char *title = strstr(svg->data, "<title>"), *end = title ? strstr(title, "</desc>") : NULL;
	if (!end) {
		buf_add(out, svg->data, svg->size);
		return;
	}
	buf_add(out, svg->data, (size_t)(title - svg->data));
	buf_add_text(out, "<title>");
	add_xml(out, f->title);
	buf_add_text(out, "</title>\n<desc>");
	add_xml(out, f->alt);
	buf_add_byte(out, '\n');
	add_xml(out, c->provenance);
	buf_add(out, end, svg->size - (size_t)(end - svg->data));
}

static int finish_pictures(const struct figure *f, const struct figure_context *c, struct err *e)
{
	struct buf pdf = {0}, svg = {0}, described = {0};
	int code = read_picture(f, c, "pdf", &pdf, e);
	if (!code) {
		date_pdf(&pdf, c->date);
		code = write_text(f, c, "pdf", &pdf, e);
	}
	if (!code)
		code = read_picture(f, c, "svg", &svg, e);
	if (!code) {
		describe_svg(&svg, f, c, &described);
		code = write_text(f, c, "svg", &described, e);
	}
	buf_free(&pdf);
	buf_free(&svg);
	buf_free(&described);
	return code;
}

int figure_write(const struct figure *f, const struct figure_context *c, struct err *e)
{
	char script[300];
	int code = buf_check(&f->head, e);
	if (!code)
		code = write_data(f, c, e);
	if (!code)
		code = write_script(f, c, e);
	if (code || !c->is_drawn)
		return code;
	snprintf(script, sizeof script, "%s.gp", f->name);
	code = gnuplot_run(c->folder, script, e);
	return code ? code : finish_pictures(f, c, e);
}
