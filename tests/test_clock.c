#include "../engine/base/clock.h"
#include "test.h"

#include <time.h>

static const char *format(double seconds)
{
	static char out[32];
	clock_format(out, sizeof out, seconds);
	return out;
}

TEST(time_goes_forward_in_nanoseconds)
{
	int64_t begin = clock_ns();
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	int64_t passed = clock_ns() - begin;
	CHECK(passed >= 2000000 && passed < 5000000000);
}

TEST(durations_read_as_people_say_them)
{
	CHECK_STR(format(0), "0 us");
	CHECK_STR(format(12.3e-6), "12 us");
	CHECK_STR(format(0.0123), "12 ms");
	CHECK_STR(format(0.9996), "1.0 s");
	CHECK_STR(format(3.14), "3.1 s");
	CHECK_STR(format(59.97), "1 min 00 s");
	CHECK_STR(format(185), "3 min 05 s");
	CHECK_STR(format(3720), "1 h 02 min");
	CHECK_STR(format(90000), "25 h 00 min");
}
