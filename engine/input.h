/* What the commands read: one record a line, in one of three formats, with errors that name file, line and field.
 *
 *     lines   a text; the first TAB splits a pair
 *     jsonl   {"text": "..", "text_pair": "..", "scores": [..], "counts": [..]}, all but the text optional
 *     ids     {"ids": [..], "type_ids": [..], "scores": [..], "counts": [..]}, all but the ids optional */
#ifndef ADAPLER_INPUT_H
#define ADAPLER_INPUT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>

enum input_format { INPUT_LINES, INPUT_JSONL, INPUT_IDS };
#define INPUT_FORMATS "lines|jsonl|ids" /* the words, in the order of the enum */

/* Values of one list field. `count` is -1 where the record has none. */
struct number_list {
	int count, capacity;
	double *value;
};

/* Kept from record to record by its owner; freed by record_free. */
struct record {
	long line;
	struct buf text, pair;
	int has_pair;
	struct number_list ids, type_ids, scores, counts;
};

struct input {
	FILE *stream;
	const char *name;
	enum input_format format;
	long line;
	char *buffer;
	size_t capacity;
};

/* `path` NULL or "-": standard input. */
int input_open(struct input *in, const char *path, enum input_format format, struct err *e);
/* *more is 0 at the end, and the record is then untouched. */
int input_next(struct input *in, struct record *r, int *more, struct err *e);
void input_close(struct input *in);
void record_free(struct record *r);

#endif
