#include "../engine/base/rng.h"
#include "test.h"

#include <math.h>

static void check_block(uint64_t seed, uint64_t stream, uint64_t index, const uint32_t expected[4])
{
	uint32_t w[4];
	rng_block(w, seed, stream, index);
	for (int i = 0; i < 4; i++)
		CHECK_INT(w[i], expected[i]);
}

/* The vectors of the authors' Random123 library for philox4x32-10; the counter is (index, stream). */
TEST(blocks_are_those_of_the_published_generator)
{
	check_block(0, 0, 0, (uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
	check_block(~0ull, ~0ull, ~0ull, (uint32_t[]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
	check_block(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88,
	            (uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

/* 53 bits of the first two words: 0xe169c58d6627e8d5 >> 11 over 2^53. */
TEST(uniform_takes_the_high_bits)
{
	CHECK_NEAR(rng_uniform(0, 0, 0), (double)0xe169c58d6627e8d5 / 0x1p64, 0x1p-53);
	CHECK_INT(rng_u32(0, 0, 0), 0x6627e8d5);
}

TEST(uniform_has_the_moments_of_a_uniform)
{
	enum { N = 200000 };
	double sum = 0, squares = 0;
	for (int i = 0; i < N; i++) {
		double u = rng_uniform(1, 2, (uint64_t)i);
		CHECK(u >= 0 && u < 1);
		sum += u, squares += u * u;
	}
	CHECK_NEAR(sum / N, 1 / 2., 5 * sqrt(1 / 12. / N));
	CHECK_NEAR(squares / N, 1 / 3., 5 * sqrt(4 / 45. / N));
}

TEST(normal_has_the_moments_of_a_normal)
{
	enum { N = 200000 };
	double sum = 0, squares = 0, fourth = 0;
	for (int i = 0; i < N; i++) {
		double x = rng_normal(7, rng_stream("moments"), (uint64_t)i);
		sum += x, squares += x * x, fourth += x * x * x * x;
	}
	CHECK_NEAR(sum / N, 0, 5 / sqrt(N));
	CHECK_NEAR(squares / N, 1, 5 * sqrt(2. / N));
	CHECK_NEAR(fourth / N, 3, 5 * sqrt(96. / N));
}

TEST(below_reaches_every_value_and_none_above)
{
	int count[3] = {0};
	for (uint64_t i = 0; i < 30000; i++) {
		uint32_t v = rng_below(3, 4, i, 3);
		if (CHECK(v < 3))
			count[v]++;
	}
	for (int k = 0; k < 3; k++)
		CHECK_NEAR(count[k], 10000, 5 * sqrt(30000 * 2 / 9.));
	CHECK_INT(rng_below(3, 4, 5, 1), 0);
	/* The top 64 bits of the first block are e169c58d 6627e8d5: their share of 2^32 is the upper word. */
	CHECK_INT(rng_below(0, 0, 0, 0xffffffff), 0xe169c58c);
}

TEST(seed_stream_and_index_all_matter)
{
	CHECK(rng_u32(1, 0, 0) != rng_u32(0, 0, 0));
	CHECK(rng_u32(0, 1, 0) != rng_u32(0, 0, 0));
	CHECK(rng_u32(0, 0, 1) != rng_u32(0, 0, 0));
	CHECK(rng_stream("dropout") != rng_stream("shuffle"));
}

/* FNV-1a's published values. */
TEST(stream_numbers_are_fnv_1a)
{
	CHECK(rng_stream("") == 0xcbf29ce484222325);
	CHECK(rng_stream("a") == 0xaf63dc4c8601ec8c);
}
