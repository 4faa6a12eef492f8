/* What the tests of kernels share: the tables this processor has, and arrays of random numbers. */
#ifndef ADAPLER_TEST_KERNEL_TABLES_H
#define ADAPLER_TEST_KERNEL_TABLES_H

#include "../engine/base/rng.h"
#include "../engine/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = 4 };
static const char *const table_names[TABLES] = {"avx512", "avx2", "portable", "openblas"};

#define EACH_TABLE(k)                   \
	for (int i_ = 0; i_ < TABLES; i_++) \
		for (const struct kernels *k = kernels_find(table_names[i_]); k; k = NULL)

static uint64_t stream; /* every random array has its own */

/* Uniform in [-scale, scale]; owned by the caller, like the next. */
static float *random_array(size_t count, double scale)
{
	float *a = malloc((count ? count : 1) * sizeof *a);
	stream++;
	for (size_t i = 0; i < count; i++)
		a[i] = (float)((2.0 * rng_uniform(7, stream, i) - 1.0) * scale);
	return a;
}

static float *copy_array(const float *a, size_t count)
{
	float *b = malloc(count * sizeof *b);
	memcpy(b, a, count * sizeof *b);
	return b;
}

/* Rows end at the last element: reading or writing past it is caught by the sanitizer. */
static size_t extent(int rows, size_t stride, int columns) { return (size_t)(rows - 1) * stride + (size_t)columns; }

/* The largest |a - b|; NaN when there is one. */
static double difference(const float *a, const float *b, size_t count)
{
	double worst = 0.0;
	for (size_t i = 0; i < count; i++) {
		double d = fabs((double)a[i] - b[i]);
		if (!(d <= worst))
			worst = d;
	}
	return worst;
}

#endif
