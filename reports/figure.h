/* One figure of a report: NAME.dat, NAME.gp, and what gnuplot makes of them, NAME.svg, NAME.png and NAME.pdf.
 *
 * The script is whole: `gnuplot NAME.gp` in its folder draws the pictures again. It is a head of settings, then one of the
 * scripts of reports/plot/. */
#ifndef ADAPLER_FIGURE_H
#define ADAPLER_FIGURE_H

#include "../engine/base/buf.h"

struct err;

struct figure {
	const char *name;  /* of files */
	char title[200];   /* what is to be seen */
	char alt[800];     /* the same for those who do not see it */
	int width, height; /* points */
	struct buf data;   /* of the .dat, below its comment */
	struct buf head;   /* settings that the script needs */
	const char *script;
};

struct figure_context {
	const char *folder;
	const char *provenance; /* lines: comments of .dat and .gp, description of the SVG */
	const char *footer;     /* a line below the picture */
	const char *date;       /* for the PDF: ISO 8601 in UTC */
	int is_drawn;           /* 0: gnuplot is missing, only .dat and .gp are written */
};

enum { FIGURE_WIDTH = 480, FIGURE_HEIGHT = 320 };

void figure_open(struct figure *f, const char *name, const char *script);
void figure_free(struct figure *f);
int figure_write(const struct figure *f, const struct figure_context *c, struct err *e);

/* Settings: a number, a string, a string as element i of an array. */
void figure_set_number(struct figure *f, const char *name, double value);
void figure_set_string(struct figure *f, const char *name, const char *value);
/* Numbers of a line of data; NaN is a gap. */
void figure_add_numbers(struct figure *f, const double *value, int count);

#endif
