/* A table of text and numbers, written as Markdown, LaTeX (booktabs), CSV or HTML from the same cells.
 *
 * Columns first, then rows: grid_row, and a cell for every column in order. For people a number is rounded and stands
 * beside its interval; CSV has it in full, with columns of its own for the ends of the interval and the spread. Undefined
 * values (NaN) are empty everywhere. */
#ifndef ADAPLER_GRID_H
#define ADAPLER_GRID_H

#include "../engine/base/buf.h"

struct err;

/* name, ending of the file */
#define GRID_FORMATS(X)                X(md, "md") X(latex, "tex") X(csv, "csv") X(html, "html")
#define GRID_FORMAT_ENUM(name, ending) GRID_##name,
enum grid_format { GRID_FORMATS(GRID_FORMAT_ENUM) GRID_FORMAT_COUNT };
extern const char *const grid_format_names[GRID_FORMAT_COUNT + 1]; /* then NULL */
extern const char *const grid_endings[GRID_FORMAT_COUNT];

enum grid_kind {
	GRID_TEXT,
	GRID_PERCENT, /* 0.841 is 84.1 */
	GRID_POINTS,  /* a difference of percentages, with its sign */
	GRID_TIMES,   /* a ratio */
	GRID_P,       /* a probability of a test */
};

enum grid_style {
	GRID_BODY,
	GRID_STRONG,   /* what to look at first */
	GRID_PUBLISHED /* not ours */
};

struct grid_column {
	const char *name, *title; /* in CSV; for people */
	enum grid_kind kind;
	int has_interval;
	int is_only_csv; /* what people look up where they need it: hashes, dates */
};

struct grid_cell {
	char *text;           /* of a text */
	double value, lo, hi; /* of a number */
	double sd;            /* over seeds */
	const char *mark;     /* "*", or NULL */
};

struct grid_row {
	char *group; /* a title over the rows that follow, without cells; else NULL */
	enum grid_style style;
	struct grid_cell *cell; /* [columns] */
};

struct grid {
	const char *name, *title; /* name: of files and labels */
	const struct grid_column *column;
	int columns;
	struct grid_row *row;
	int rows, cells;  /* cells: of the last row */
	struct buf notes; /* sentences below the table, a line each */
	int failed;       /* out of memory; grid_check */
};

/* Borrows `columns`. */
void grid_open(struct grid *g, const char *name, const char *title, const struct grid_column *columns, int count);
void grid_free(struct grid *g);
void grid_group(struct grid *g, const char *title);
void grid_row(struct grid *g, enum grid_style style);
void grid_text(struct grid *g, const char *text);
void grid_number(struct grid *g, double value, double lo, double hi, double sd, const char *mark);
void grid_nothing(struct grid *g);
int grid_check(const struct grid *g, struct err *e);

/* `provenance`: lines of text, which become a comment or a paragraph. */
void grid_write(const struct grid *g, enum grid_format format, const char *provenance, struct buf *out);

void grid_add_html(struct buf *b, const char *text); /* escaped, in attributes too */

#endif
