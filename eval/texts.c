#include "texts.h"

#include "../engine/base/err.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 18, ALIGN = alignof(max_align_t) };

struct texts_chunk {
	struct texts_chunk *next;
	size_t size, used;
	alignas(max_align_t) char bytes[];
};

static size_t rounded(size_t size) { return (size + ALIGN - 1) / ALIGN * ALIGN; }

void *texts_take(struct texts *t, size_t size, struct err *e)
{
	struct texts_chunk *c = t->chunks;
	size_t need = size < SIZE_MAX / 2 ? rounded(size) : SIZE_MAX;
	if (!c || c->size - c->used < need) {
		size_t room = need > CHUNK_BYTES ? need : CHUNK_BYTES;
		c = size < SIZE_MAX / 2 ? malloc(sizeof *c + room) : NULL;
		if (!c) {
			err_set(e, ERR_MEMORY, "out of memory for a text of %zu bytes", size);
			return NULL;
		}
		*c = (struct texts_chunk){.next = t->chunks, .size = room};
		t->chunks = c;
	}
	void *piece = c->bytes + c->used;
	c->used += need;
	return piece;
}

char *texts_copy(struct texts *t, const char *bytes, size_t size, struct err *e)
{
	char *copy = texts_take(t, size + 1, e);
	if (!copy)
		return NULL;
	if (size)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	return copy;
}

void texts_free(struct texts *t)
{
	while (t->chunks) {
		struct texts_chunk *next = t->chunks->next;
		free(t->chunks);
		t->chunks = next;
	}
}
