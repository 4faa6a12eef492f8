/* Pictures, drawn by gnuplot. A drawing is a script of ours under reports/plot, which is compiled in, below a head of
 * settings and data. */
#ifndef ADAPLER_GNUPLOT_H
#define ADAPLER_GNUPLOT_H

#include "../engine/base/buf.h"

struct err;

/* ERR_USAGE unless the path ends with what can be drawn: .png, .svg, .pdf. */
int gnuplot_check_path(const char *path, struct err *e);
/* A string of gnuplot's, in quotes, in which nothing is carried out. */
void gnuplot_add_string(struct buf *b, const char *text);
/* Runs head and script with a terminal for `path` of about width x height typographic points; the file is there whole
 * or not at all. ERR_UNSUPPORTED when gnuplot is not installed. */
int gnuplot_draw(const char *path, int width, int height, const struct buf *head, const char *script, struct err *e);

/* ERR_UNSUPPORTED, with how to get it, when gnuplot is not installed. */
int gnuplot_check_installed(struct err *e);
/* Runs the script `file` in `folder`. */
int gnuplot_run(const char *folder, const char *file, struct err *e);

#endif
