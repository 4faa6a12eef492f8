/* Rows of files with named columns: tab-separated, comma-separated (RFC 4180) and JSON lines.
 *
 * Tab-separated as GLUE publishes it: quotes are text, nothing is escaped. Every row must have the columns of the
 * header; a byte order mark, CR LF and a missing last line end are fine. JSON lines have the columns that are asked
 * for; blank lines are skipped, strings, numbers and booleans are text. */
#ifndef ADAPLER_EVAL_TABLE_H
#define ADAPLER_EVAL_TABLE_H

#include "texts.h"

#include <cjson/cJSON.h>
#include <stddef.h>

struct err;

enum table_format { TABLE_TSV, TABLE_CSV, TABLE_JSONL };
enum { TABLE_COLUMNS_MAX = 64 };

struct span {
	const char *bytes; /* not NUL-terminated; NULL: absent (JSON only) */
	size_t size;
};

struct table {
	enum table_format format;
	const char *path; /* for errors */
	struct texts *texts;
	const char *bytes;
	size_t size, at;
	int line;   /* where the row that was read last begins, from 1 */
	int lines;  /* begun so far */
	int ragged; /* set it to pass over rows with too few columns, which are counted in `skipped` */
	int skipped;
	int columns;
	struct span name[TABLE_COLUMNS_MAX];
	struct span field[TABLE_COLUMNS_MAX]; /* of the row that was read last; borrowed from bytes, or in texts */
};

/* Begins on `bytes`, which must be UTF-8 (base/utf8.h). Names are read from the first row, unless `columns` gives them
 * ("class,title,description") for a file without a header. */
int table_open(struct table *t, enum table_format format, const char *path, const char *bytes, size_t size,
               const char *columns, struct texts *texts, struct err *e);
/* A column's index; -1: there is none of that name. JSON lines take any name, before the first row. */
int table_column(struct table *t, const char *name, struct err *e);
/* The next row; *more is 0 at the end. */
int table_next(struct table *t, int *more, struct err *e);
/* JSON lines: the next row as it is, an object that the caller deletes; NULL at the end. */
int table_next_json(struct table *t, cJSON **row, struct err *e);
/* Whether JSON escapes a NUL: cJSON would end the string there in silence, so readers refuse it. */
int table_has_nul_escape(struct span json);

#endif
