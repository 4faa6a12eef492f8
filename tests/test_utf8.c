#include "../engine/base/utf8.h"
#include "test.h"

#include <string.h>

static size_t span(const char *text) { return utf8_span(text, strlen(text)); }

TEST(text_of_every_length_of_character_is_well_formed)
{
	CHECK_INT(span("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"), 11);
	CHECK_INT(span(""), 0);
}

TEST(the_first_fault_is_found)
{
	CHECK_INT(span("ab\xff"
	               "c"),
	          2);
	CHECK_INT(span("a\xc3"), 1);              /* cut off */
	CHECK_INT(span("\xc0\xaf"), 0);           /* overlong */
	CHECK_INT(span("x\xed\xa0\x80"), 1);      /* a surrogate */
	CHECK_INT(span("xy\xf4\x90\x80\x80"), 2); /* past U+10FFFF */
	CHECK_INT(utf8_span("a\0b", 3), 1);       /* NUL is no text */
}

TEST(a_character_never_ends_past_the_bytes)
{
	CHECK_INT(utf8_character((const unsigned char *)"\xe2\x82\xac", 2), 0);
	CHECK_INT(utf8_character((const unsigned char *)"\xe2\x82\xac", 3), 3);
	CHECK_INT(utf8_character((const unsigned char *)"", 0), 0);
}
