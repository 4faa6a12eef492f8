/* Fails on purpose, in each way a test can fail: tests/harness.sh checks that the harness notices. Not counted. */
#include "../engine/base/err.h"
#include "test.h"

#include <stdlib.h>

TEST(passes)
{
	CHECK(1);
}

TEST(fails_check)
{
	CHECK(0);
}

TEST(fails_int)
{
	CHECK_INT(1, 2);
}

TEST(fails_text)
{
	CHECK_STR("a", "b");
}

TEST(fails_near)
{
	CHECK_NEAR(1, 1.1, 0.01);
}

TEST(fails_nan)
{
	CHECK_NEAR(0.0 / 0.0, 1, 1);
}

TEST(fails_code)
{
	struct err e = {0};
	CHECK_OK(err_set(&e, ERR_IO, "no such luck"), &e);
}

TEST(fails_require)
{
	REQUIRE(0);
	abort();
}

TEST(fails_after_skip)
{
	test_skip("on purpose");
	CHECK(0);
}

TEST(skips)
{
	SKIP("on purpose");
}

TEST(crashes)
{
	abort();
}

/* Undefined, and no crash by itself: the sanitizer has to see it. */
TEST(overflows)
{
	volatile int most = 0x7fffffff;
	most = most + 1;
}

TEST(leaks)
{
	char *volatile lost = malloc(10);
	lost = NULL;
	(void)lost;
}

TEST(hangs)
{
	for (volatile int i = 0; i >= 0;)
		i = 0;
}
