/* One block of memory, planned before it exists.
 *
 * A layout function takes an arena and asks it for pieces. Run on a zeroed arena it only measures (every piece is
 * NULL, `used` grows); after arena_open the same function places. Size and use therefore cannot differ.
 * Pieces are 64-byte aligned and zeroed at open. */
#ifndef ADAPLER_BASE_ARENA_H
#define ADAPLER_BASE_ARENA_H

#include <stddef.h>

struct err;

struct arena {
	char *base; /* NULL while measuring */
	size_t size;
	size_t used;
};

/* Maps `a->used` bytes (as measured), zeroed, on huge pages where the system grants them, and resets `used` to 0. */
int arena_open(struct arena *a, struct err *e);
void arena_close(struct arena *a);

/* `count` pieces of `size` bytes; NULL while measuring. Asserts that a placed arena was measured the same way. */
void *arena_take(struct arena *a, size_t count, size_t size);

#define ARENA_TAKE(a, count, type) ((type *)arena_take((a), (count), sizeof(type)))

#endif
