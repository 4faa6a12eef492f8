#include "../engine/base/denormals.h"
#include "../engine/base/err.h"
#include "../engine/base/pool.h"
#include "test.h"

#include <float.h>
#include <math.h>

static volatile float tiny = FLT_MIN, half = 0.5f;

static float below(void) { return tiny * half; }

static void work(void *arg, int task, int worker)
{
	(void)worker;
	((float *)arg)[task] = below();
}

#if defined(__x86_64__) || defined(__aarch64__)
TEST(denormals_are_zero_within_the_block_and_in_threads_that_start_there)
{
	struct err e = {0};
	struct pool *p;
	float found[64];
	CHECK(below() > 0);
	{
		DENORMALS_ARE_ZERO();
		CHECK(below() == 0);
		CHECK(isnan(tiny * NAN) && isinf(tiny * INFINITY));
		REQUIRE_OK(pool_open(&p, 3, &e), &e);
		pool_for(p, 64, work, found);
	}
	for (int i = 0; i < 64; i++)
		CHECK(found[i] == 0);
	pool_close(p);
	CHECK(below() > 0);
}
#endif

TEST(what_was_set_before_comes_back)
{
	const uint64_t before = denormals_flush();
	denormals_restore(before);
	CHECK(below() > 0);
}
