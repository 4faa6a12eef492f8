#include "rng.h"

#include <math.h>

enum { ROUNDS = 10 };

void rng_block(uint32_t out[4], uint64_t seed, uint64_t stream, uint64_t index)
{
	uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32);
	uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
	uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a = (uint64_t)c0 * 0xd2511f53, b = (uint64_t)c2 * 0xcd9e8d57;
		c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
		c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
		c1 = (uint32_t)b;
		c3 = (uint32_t)a;
		k0 += 0x9e3779b9;
		k1 += 0xbb67ae85;
	}
	out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

static uint64_t join(uint32_t low, uint32_t high) { return (uint64_t)high << 32 | low; }

static double unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

uint32_t rng_u32(uint64_t seed, uint64_t stream, uint64_t index)
{
	uint32_t w[4];
	rng_block(w, seed, stream, index);
	return w[0];
}

double rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
	uint32_t w[4];
	rng_block(w, seed, stream, index);
	return unit(join(w[0], w[1]));
}

double rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
	uint32_t w[4];
	rng_block(w, seed, stream, index);
	double u = 1 - unit(join(w[0], w[1])); /* (0, 1]: its logarithm is finite */
	double v = unit(join(w[2], w[3]));
	return sqrt(-2 * log(u)) * cos(6.283185307179586476925 * v);
}

uint32_t rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t n)
{
	uint32_t w[4];
	rng_block(w, seed, stream, index);
	/* The upper half of a 96-bit product, (w1 w0) * n >> 64, without a 128-bit type. */
	uint64_t low = (uint64_t)w[0] * n;
	return (uint32_t)(((uint64_t)w[1] * n + (low >> 32)) >> 32);
}

/* FNV-1a. */
uint64_t rng_stream(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3;
	return h;
}
