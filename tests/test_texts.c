#include "../engine/base/err.h"
#include "../eval/texts.h"
#include "test.h"

#include <stdint.h>
#include <string.h>

TEST(pieces_are_aligned_and_do_not_move)
{
	struct texts t = {0};
	struct err e = {0};
	const char *first = texts_copy(&t, "one\0two", 7, &e);
	for (int i = 0; i < 3000; i++) {
		char *piece = texts_take(&t, 313, &e);
		REQUIRE(piece && (uintptr_t)piece % 8 == 0);
		memset(piece, i, 313);
	}
	CHECK(!memcmp(first, "one\0two", 8));
	texts_free(&t);
	CHECK(!t.chunks);
}

TEST(pieces_may_be_larger_than_a_chunk_or_empty)
{
	struct texts t = {0};
	struct err e = {0};
	char *large = texts_take(&t, 1 << 20, &e);
	REQUIRE(large);
	memset(large, 1, 1 << 20);
	CHECK_STR(texts_copy(&t, NULL, 0, &e), "");
	CHECK(!texts_take(&t, SIZE_MAX - 5, &e));
	CHECK_INT(e.code, ERR_MEMORY);
	texts_free(&t);
}
