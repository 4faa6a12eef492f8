/* Memory for many small texts that are freed together: chunks that never move. */
#ifndef ADAPLER_EVAL_TEXTS_H
#define ADAPLER_EVAL_TEXTS_H

#include <stddef.h>

struct err;

struct texts {
	struct texts_chunk *chunks; /* the one being filled first */
};

/* `size` bytes, aligned for any type, not zeroed; NULL, with *e set, when there is no memory. */
void *texts_take(struct texts *t, size_t size, struct err *e);
/* A copy, NUL-terminated. */
char *texts_copy(struct texts *t, const char *bytes, size_t size, struct err *e);
void texts_free(struct texts *t);

#endif
