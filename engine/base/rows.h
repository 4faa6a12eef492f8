/* Tables on the way out: TSV, CSV or a JSON object a line, from the same calls. Undefined values are NaN in TSV and CSV
 * and null in JSON; values that do not exist are empty fields, and left out of the object. */
#ifndef ADAPLER_BASE_ROWS_H
#define ADAPLER_BASE_ROWS_H

#include "buf.h"

#include <stdint.h>
#include <stdio.h>

struct err;

enum rows_format { ROWS_TSV, ROWS_CSV, ROWS_JSON };
#define ROWS_FORMATS "tsv|csv|json" /* for an option's table */

struct rows {
	FILE *out;
	enum rows_format format;
	struct buf line;
	int fields; /* in it */
};

/* The first line of TSV and CSV. rows_end is called for it too. */
void rows_header(struct rows *r, const char *name);
/* The fields of a row, in order; a NULL text does not exist. */
void rows_text(struct rows *r, const char *name, const char *text);
void rows_int(struct rows *r, const char *name, long long value);
void rows_double(struct rows *r, const char *name, double value);
void rows_object(struct rows *r, const char *name, const char *json); /* JSON text; TSV and CSV take it as a text */
void rows_nothing(struct rows *r, const char *name);
/* Writes the line. Errors of the stream are left in it, as the front door looks at standard output. */
int rows_end(struct rows *r, struct err *e);
void rows_free(struct rows *r);

#endif
