/* Whether bytes are UTF-8. */
#ifndef ADAPLER_BASE_UTF8_H
#define ADAPLER_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character at s; 0 when it is not one (overlong, surrogate, past U+10FFFF, cut off). */
size_t utf8_character(const unsigned char *s, size_t size);

/* Bytes from the start that are well-formed UTF-8 without a NUL: `size` when all are. */
size_t utf8_span(const char *bytes, size_t size);

#endif
