#include "clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void clock_format(char *out, int size, double seconds)
{
	size_t n = (size_t)size;
	long long whole = (long long)(seconds + 0.5);
	if (seconds < 0.9995e-3)
		snprintf(out, n, "%.0f us", seconds * 1e6);
	else if (seconds < 0.9995)
		snprintf(out, n, "%.0f ms", seconds * 1e3);
	else if (seconds < 59.95)
		snprintf(out, n, "%.1f s", seconds);
	else if (whole < 3600)
		snprintf(out, n, "%lld min %02lld s", whole / 60, whole % 60);
	else
		snprintf(out, n, "%lld h %02lld min", whole / 3600, whole % 3600 / 60);
}
