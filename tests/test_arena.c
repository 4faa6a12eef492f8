#include "../engine/base/arena.h"
#include "../engine/base/err.h"
#include "test.h"

#include <stdint.h>

struct plan {
	float *a;
	int *b;
	char *none;
	double *c;
};

static void layout(struct plan *p, struct arena *a, size_t n)
{
	p->a = ARENA_TAKE(a, n, float);
	p->b = ARENA_TAKE(a, 3, int);
	p->none = ARENA_TAKE(a, 0, char);
	p->c = ARENA_TAKE(a, n, double);
}

static int is_aligned(const void *p) { return (uintptr_t)p % 64 == 0; }

TEST(measuring_gives_nothing_and_placing_what_was_measured)
{
	struct arena a = {0};
	struct err e = {0};
	struct plan p;
	layout(&p, &a, 1000);
	CHECK(!p.a && !p.b && !p.c);
	size_t measured = a.used;
	/* 4000 bytes in 63 lines of 64, 12 in one, nothing, 8000 in 125 lines. */
	CHECK(measured >= 64 * (63 + 1 + 125));
	REQUIRE_OK(arena_open(&a, &e), &e);
	layout(&p, &a, 1000);
	CHECK_INT((long long)a.used, (long long)measured);
	CHECK(is_aligned(p.a) && is_aligned(p.b) && is_aligned(p.c));
	CHECK((char *)p.b >= (char *)(p.a + 1000) && (char *)p.c >= (char *)(p.b + 3));
	for (int i = 0; i < 1000; i++) {
		CHECK(p.a[i] == 0 && p.c[i] == 0);
		p.a[i] = 1, p.c[i] = 2;
	}
	arena_close(&a);
	CHECK(!a.base && !a.used);
}

TEST(a_large_arena_begins_on_a_huge_page)
{
	struct arena a = {0};
	struct err e = {0};
	ARENA_TAKE(&a, 5 << 20, char);
	REQUIRE_OK(arena_open(&a, &e), &e);
	char *bytes = ARENA_TAKE(&a, 5 << 20, char);
	CHECK((uintptr_t)bytes % (2 << 20) == 0);
	bytes[0] = bytes[(5 << 20) - 1] = 1;
	arena_close(&a);
}

TEST(an_empty_arena_is_fine)
{
	struct arena a = {0};
	struct err e = {0};
	REQUIRE_OK(arena_open(&a, &e), &e);
	arena_close(&a);
	arena_close(&a);
}

TEST(sizes_that_overflow_are_an_error_at_open)
{
	struct arena a = {0};
	struct err e = {0};
	arena_take(&a, SIZE_MAX / 2, 3);
	arena_take(&a, 1, 1);
	CHECK_INT(arena_open(&a, &e), ERR_LIMIT);
	struct arena b = {0};
	e = (struct err){0};
	arena_take(&b, 1, SIZE_MAX / 4);
	CHECK_INT(arena_open(&b, &e), ERR_MEMORY);
}
