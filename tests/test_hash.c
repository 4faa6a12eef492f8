#include "../engine/base/err.h"
#include "../eval/hash.h"
#include "test.h"

TEST(hashes_see_every_byte_and_the_length)
{
	CHECK(hash_bytes(HASH_START, "abcdefgh1", 9) != hash_bytes(HASH_START, "abcdefgh2", 9));
	CHECK(hash_bytes(HASH_START, "abcdefgh", 8) != hash_bytes(HASH_START, "abcdefgi", 8));
	CHECK(hash_bytes(HASH_START, "a\0", 2) != hash_bytes(HASH_START, "a", 1));
	CHECK(hash_bytes(HASH_START, "", 0) != hash_bytes(HASH_START, "\0", 1));
	CHECK(hash_bytes(HASH_START, "abc", 3) == hash_bytes(HASH_START, "abc", 3));
}

TEST(order_matters_to_a_mix)
{
	CHECK(hash_mix(hash_mix(HASH_START, 1), 2) != hash_mix(hash_mix(HASH_START, 2), 1));
}

TEST(a_map_keeps_what_was_set_last)
{
	struct hash_map m = {0};
	struct err e = {0};
	CHECK_INT(hash_map_get(&m, 5, -7), -7);
	for (int i = 0; i < 10000; i++)
		REQUIRE_OK(hash_map_set(&m, (uint64_t)i * 1024, i, &e), &e);
	REQUIRE_OK(hash_map_set(&m, 0, 99, &e), &e);
	CHECK_INT(m.count, 10000);
	CHECK_INT(hash_map_get(&m, 0, -1), 99);
	int right = 0;
	for (int i = 1; i < 10000; i++)
		right += hash_map_get(&m, (uint64_t)i * 1024, -1) == i;
	CHECK_INT(right, 9999);
	CHECK_INT(hash_map_get(&m, 3, -1), -1);
	hash_map_free(&m);
}

TEST(a_set_tells_new_keys_from_old)
{
	struct hash_set s = {0};
	struct err e = {0};
	int is_new, news = 0;
	CHECK(!hash_set_has(&s, 1));
	for (int i = 0; i < 20000; i++) {
		REQUIRE_OK(hash_set_add(&s, (uint64_t)(i % 10000) * 77 + 2, &is_new, &e), &e);
		news += is_new;
	}
	CHECK_INT(news, 10000);
	CHECK(hash_set_has(&s, 2) && !hash_set_has(&s, 3));
	REQUIRE_OK(hash_set_add(&s, 0, NULL, &e), &e);
	CHECK(hash_set_has(&s, 0));
	hash_set_free(&s);
}
