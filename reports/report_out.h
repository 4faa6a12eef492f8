/* Writing a report: tables, figures, examples, the page. All goes into one folder, which is renamed when it is whole. */
#ifndef ADAPLER_REPORT_OUT_H
#define ADAPLER_REPORT_OUT_H

#include "figure.h"
#include "grid.h"
#include "reference.h"
#include "report.h"

/* What the page shows of a figure. */
struct shown_figure {
	char name[160], title[200], alt[800], part[160]; /* part: the section or study it belongs to */
	int width, height;
};

struct output {
	struct report *report;
	const struct reference *reference;
	char folder[4096]; /* where it is being written */
	unsigned formats;  /* 1 << enum grid_format */
	struct buf again;  /* the command's options */
	struct buf provenance, footer;
	int is_drawn; /* gnuplot is there */
	struct shown_figure *figure;
	int figures;
	struct buf tables;   /* HTML of all tables, for the page */
	struct buf examples; /* what the page has to know of the examples' files, JavaScript */
};

/* Lines that say where everything comes from, and one for below pictures. */
int output_describe(struct output *o, struct err *e);

int output_tables(struct output *o, struct err *e);   /* tables/ */
int output_figures(struct output *o, struct err *e);  /* plots/ */
int output_examples(struct output *o, struct err *e); /* examples/ */
int output_page(struct output *o, struct err *e);     /* index.html */

/* ---- the folder (report_folder.c) ---- */

/* `place` [4096]: `out` without links, dots or a slash at its end. ERR_USAGE when something is there that is no report. */
int folder_find(char place[4096], const char *out, struct err *e);
int folder_begin(struct output *o, const char *place, struct err *e); /* sets o->folder, beside it */
int folder_end(const struct output *o, const char *place, struct err *e);
void folder_abandon(const struct output *o);
/* "OUT/part/name" of the folder that is being written. */
int output_write(const struct output *o, const char *part, const char *name, const struct buf *text, struct err *e);

#endif
