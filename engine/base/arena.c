/* The piece of memory is one anonymous map: the kernel zeroes it lazily, and from two megabytes on it is aligned so
 * that huge pages can back it. Under AddressSanitizer every piece is followed by a poisoned gap, so that an overrun
 * inside the workspace is found like one on the heap. */
#include "arena.h"

#include "err.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
enum { GAP_BYTES = 64 };
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
enum { GAP_BYTES = 0 };
#endif

enum { PIECE_ALIGNMENT = 64, SMALL_PAGE_BYTES = 4096, HUGE_PAGE_BYTES = 2 << 20 };

/* SIZE_MAX stands for "too large" and stays. */
static size_t round_up(size_t n, size_t unit) { return n > SIZE_MAX - unit ? SIZE_MAX : (n + unit - 1) / unit * unit; }

static size_t map_bytes(size_t size)
{
	return round_up(size ? size : 1, size >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : SMALL_PAGE_BYTES);
}

/* Maps more than asked and gives the ends back, so that the map begins on a huge page. */
static char *map_aligned(size_t bytes)
{
	size_t larger = bytes + HUGE_PAGE_BYTES;
	char *map = mmap(NULL, larger, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	size_t before = (HUGE_PAGE_BYTES - (uintptr_t)map % HUGE_PAGE_BYTES) % HUGE_PAGE_BYTES;
	if (before)
		munmap(map, before);
	munmap(map + before + bytes, larger - before - bytes);
	madvise(map + before, bytes, MADV_HUGEPAGE); /* a wish: without huge pages everything still works */
	return map + before;
}

static char *map_small(size_t bytes)
{
	char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return map == MAP_FAILED ? NULL : map;
}

int arena_open(struct arena *a, struct err *e)
{
	assert(!a->base);
	size_t bytes = map_bytes(a->used);
	if (bytes > SIZE_MAX / 2)
		return err_set(e, ERR_LIMIT, "workspace is larger than the address space");
	a->base = bytes >= HUGE_PAGE_BYTES ? map_aligned(bytes) : map_small(bytes);
	if (!a->base)
		return err_set(e, ERR_MEMORY, "out of memory for a workspace of %zu bytes", a->used);
	a->size = a->used;
	a->used = 0;
	return 0;
}

void arena_close(struct arena *a)
{
	if (a->base) {
		ASAN_UNPOISON_MEMORY_REGION(a->base, map_bytes(a->size));
		munmap(a->base, map_bytes(a->size));
	}
	*a = (struct arena){0};
}

void *arena_take(struct arena *a, size_t count, size_t size)
{
	size_t bytes = 0;
	if (__builtin_mul_overflow(count, size, &bytes))
		bytes = SIZE_MAX;
	size_t padded = round_up(bytes, PIECE_ALIGNMENT);
	if (padded > SIZE_MAX - GAP_BYTES || a->used > SIZE_MAX - GAP_BYTES - padded) {
		assert(!a->base);
		a->used = SIZE_MAX;
		return NULL;
	}
	char *piece = a->base ? a->base + a->used : NULL;
	a->used += padded + GAP_BYTES;
	if (piece) {
		assert(a->used <= a->size);
		ASAN_POISON_MEMORY_REGION(piece + bytes, padded - bytes + GAP_BYTES);
	}
	return piece;
}
