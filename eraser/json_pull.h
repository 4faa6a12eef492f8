/* JSON read piece by piece, without a tree: for lines of megabytes of numbers.
 *
 * Strict (RFC 8259, well-formed UTF-8, no NUL in a text, a key once in an object is the caller's business), with errors
 * that say file, line and field. The first error stays: after it every call says no or 0, and `code` is set.
 *
 *     if (json_pull_object(&r))
 *         while (json_pull_key(&r, &key))
 *             !strcmp(key, "id") ? json_pull_text(&r, &id) : json_pull_skip(&r);
 *
 * NaN, Infinity and -Infinity, which Python writes and JSON forbids, are errors of their own unless `allow_nan`. */
#ifndef ADAPLER_ERASER_JSON_PULL_H
#define ADAPLER_ERASER_JSON_PULL_H

#include "../engine/base/buf.h"
#include "../engine/base/err.h"

#include <stddef.h>

enum { JSON_PULL_DEPTH = 32, JSON_PULL_FIELD = 512 };

struct json_pull {
	const char *at, *end;
	const char *path; /* of the file */
	int line;
	int allow_nan;
	int code;
	struct err *e;

	/* Where it is: objects and arrays that are open, and the names on the way. */
	int depth;
	struct {
		int is_array, count; /* members so far */
		size_t field;        /* length of the field's name up to here */
	} open[JSON_PULL_DEPTH];
	char field[JSON_PULL_FIELD]; /* "rationales[0].docid" */
	struct buf text;             /* of the last text or key */
};

/* Begins on one value. Keeps the memory of what was read before. */
void json_pull_begin(struct json_pull *r, const char *bytes, size_t size, const char *path, int line, struct err *e);
/* Whether nothing but white space is left; an error otherwise. */
int json_pull_end(struct json_pull *r);
void json_pull_free(struct json_pull *r);

int json_pull_object(struct json_pull *r); /* an object begins */
int json_pull_key(struct json_pull *r,
                  const char **key); /* the next member; 0 at the end. The text stays until the next one */
int json_pull_array(struct json_pull *r);
int json_pull_item(struct json_pull *r); /* the next item; 0 at the end */
int json_pull_number(struct json_pull *r, double *value);
int json_pull_integer(struct json_pull *r, int *value);
int json_pull_text(struct json_pull *r, const char **text, size_t *size);
int json_pull_null(struct json_pull *r); /* takes a null, if that is what comes */
void json_pull_skip(struct json_pull *r);

/* Sets an error at this place: "PATH:LINE:FIELD: sentence". */
int json_pull_fail(struct json_pull *r, const char *sentence);

#endif
