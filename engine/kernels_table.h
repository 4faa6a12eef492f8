/* What the kernel files share with each other and with nobody else. */
#ifndef ADAPLER_KERNELS_TABLE_H
#define ADAPLER_KERNELS_TABLE_H

#include "kernels.h"

extern const struct kernels kernels_portable;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avx512;
#endif
#if !defined(ADAPLER_NO_OPENBLAS)
extern const struct kernels kernels_openblas;
#endif

enum {
	TILE_ROWS_MAX = 12, /* the most rows any table's tile has */
	GRAD_QUERIES = 96,  /* queries in a chunk of attention's gradient: 512 keys' scores fit the second cache */
};

#ifdef ADAPLER_TEST
#define COUNT_FLOPS(part, count) atomic_fetch_add_explicit(&kernels_flops.part, (count), memory_order_relaxed)
#else
#define COUNT_FLOPS(part, count) ((void)0)
#endif

#endif
