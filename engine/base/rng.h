/* A counter-based random number generator (Philox 4x32-10, Salmon et al. 2011).
 *
 * A number is a pure function of (seed, stream, index): no state to save, nothing depends on the order of use or on
 * threads, and a resumed run draws what the undisturbed one would have drawn. */
#ifndef ADAPLER_BASE_RNG_H
#define ADAPLER_BASE_RNG_H

#include <stdint.h>

/* Four 32-bit words for counter `index` of (seed, stream). */
void rng_block(uint32_t out[4], uint64_t seed, uint64_t stream, uint64_t index);
uint32_t rng_u32(uint64_t seed, uint64_t stream, uint64_t index);
double rng_uniform(uint64_t seed, uint64_t stream, uint64_t index); /* [0, 1), 53 bits */
double rng_normal(uint64_t seed, uint64_t stream, uint64_t index);  /* mean 0, variance 1 (Box-Muller) */
/* An integer in [0, n), without modulo bias beyond 2^-32. */
uint32_t rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t n);
/* A stream number from a name, so that two uses of one seed never share numbers by accident. */
uint64_t rng_stream(const char *name);

#endif
