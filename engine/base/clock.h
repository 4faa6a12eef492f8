/* Time: a monotonic clock in nanoseconds. */
#ifndef ADAPLER_BASE_CLOCK_H
#define ADAPLER_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_ns(void);
/* "1 h 02 min", "3.1 s", "12 ms" */
void clock_format(char *out, int size, double seconds);

#endif
