/* Ragged batches: packed rows of all sequences, thinned in place. Nothing is ever padded. */
#ifndef ADAPLER_RAGGED_H
#define ADAPLER_RAGGED_H

#include <stddef.h>

/* The rows alive. Row t of sequence b lies in [start[b], start[b+1]); origin[t] is its token's index in the batch. */
struct ragged {
	int B, T;
	int *start;  /* [B+1] */
	int *origin; /* [T] */
};

/* Drops the rows whose keep is 0 and writes to moved [T kept] where each surviving row came from, in order. */
void ragged_drop(struct ragged *r, const unsigned char *keep /* [T] */, int *moved);

/* Moves the surviving rows of x (`stride` floats apart, `columns` used) to the front: x[i] = x[moved[i]]. */
void ragged_compact(float *x, size_t stride, int columns, const int *moved, int kept);

#endif
