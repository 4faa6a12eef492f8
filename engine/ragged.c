/* Dropping rows of a ragged batch. Survivors only move towards the front and keep their order, so compaction is in
 * place. */
#include "ragged.h"

#include <string.h>

void ragged_drop(struct ragged *r, const unsigned char *keep, int *moved)
{
	int kept = 0, t = 0;
	for (int b = 0; b < r->B; b++) {
		int end = r->start[b + 1];
		r->start[b] = kept;
		for (; t < end; t++)
			if (keep[t]) {
				r->origin[kept] = r->origin[t];
				moved[kept++] = t;
			}
	}
	r->start[r->B] = kept;
	r->T = kept;
}

void ragged_compact(float *x, size_t stride, int columns, const int *moved, int kept)
{
	for (int i = 0; i < kept; i++)
		if (moved[i] != i)
			memcpy(x + (size_t)i * stride, x + (size_t)moved[i] * stride, (size_t)columns * sizeof *x);
}
