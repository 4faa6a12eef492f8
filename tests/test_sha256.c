#include "../engine/base/err.h"
#include "../engine/base/sha256.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static int is_plain; /* also where the processor could do it faster */

static const char *digest(const char *bytes, size_t size, size_t piece)
{
	static char hex[65];
	struct sha256 s;
	sha256_init(&s);
	if (is_plain)
		s.is_fast = 0;
	for (size_t at = 0; at < size; at += piece)
		sha256_add(&s, bytes + at, size - at < piece ? size - at : piece);
	sha256_end(&s, hex);
	return hex;
}

/* The examples of FIPS 180-4 (and the empty message). */
TEST(digests_are_those_of_the_standard)
{
	CHECK_STR(digest("", 0, 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	CHECK_STR(digest("abc", 3, 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	CHECK_STR(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 56),
	          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(a_million_letters_in_any_pieces_give_one_digest)
{
	static char a[1000000];
	memset(a, 'a', sizeof a);
	static const size_t pieces[] = {1, 63, 64, 65, 1000, sizeof a};
	for (int i = 0; i < 6; i++)
		CHECK_STR(digest(a, sizeof a, pieces[i]), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(the_processors_instructions_make_no_difference)
{
	char text[1000], fast[65];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7 + i / 13);
	for (size_t size = 0; size <= sizeof text; size += 37) {
		is_plain = 0;
		strcpy(fast, digest(text, size, 100));
		is_plain = 1;
		CHECK_STR(digest(text, size, 100), fast);
	}
	CHECK_STR(digest("abc", 3, 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	is_plain = 0;
}

TEST(a_file_has_the_digest_of_its_bytes)
{
	struct err e = {0};
	char hex[65];
	FILE *f = fopen(test_path("abc"), "w");
	fputs("abc", f);
	fclose(f);
	REQUIRE_OK(sha256_file(test_path("abc"), hex, &e), &e);
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	CHECK_INT(sha256_file(test_path("none"), hex, &e), ERR_IO);
}
