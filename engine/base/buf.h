/* A growing byte buffer, always NUL-terminated once something was added. Running out of memory is remembered in
 * `failed` and later additions are ignored, so a writer checks once, at the end (buf_check). */
#ifndef ADAPLER_BASE_BUF_H
#define ADAPLER_BASE_BUF_H

#include <stddef.h>

struct err;

struct buf {
	char *data;
	size_t size;
	size_t capacity;
	int failed;
};

void buf_free(struct buf *b);
void buf_reset(struct buf *b); /* empties it, keeps the memory */
void buf_add(struct buf *b, const void *bytes, size_t size);
void buf_add_byte(struct buf *b, char byte);
void buf_add_text(struct buf *b, const char *text);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for `size` more bytes and returns where they begin (NULL: out of memory); the caller adds to b->size. */
char *buf_reserve(struct buf *b, size_t size);
int buf_check(const struct buf *b, struct err *e);

/* JSON pieces: a quoted string (bytes that are not UTF-8 become U+FFFD), and a number in the shortest form that reads
 * back as the same float or double; NaN and infinities become null. */
void buf_add_json_string(struct buf *b, const char *bytes, size_t size);
void buf_add_json_float(struct buf *b, float value);
void buf_add_json_double(struct buf *b, double value);
void buf_add_json_int(struct buf *b, long long value);

#endif
