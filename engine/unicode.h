/* What the tokenizer needs to know of Unicode: UTF-8, and one small record for every code point.
 *
 * The records say what BertNormalizer and BertPreTokenizer of Hugging Face do, character by character; their values were
 * asked of that implementation (scripts/unicode_tables.cjs), not taken from a Unicode library. */
#ifndef ADAPLER_ENGINE_UNICODE_H
#define ADAPLER_ENGINE_UNICODE_H

#include <stddef.h>
#include <stdint.h>

enum {
	RUNE_DROP = 1,  /* clean_text removes it */
	RUNE_SPACE = 2, /* white space: ends a word */
	RUNE_PUNCT = 4, /* a word by itself */
	RUNE_CJK = 8,   /* handle_chinese_chars puts spaces around it */
	RUNE_MARK = 16, /* nonspacing mark: strip_accents removes it */
};

struct rune {
	uint8_t flags;
	uint8_t rank;  /* 0: a starter; else marks in a row are sorted by it (canonical ordering) */
	uint16_t nfd;  /* index of its canonical decomposition; 0: none */
	int32_t lower; /* added, gives the lower-case letter */
};

enum { UNICODE_BLOCK = 128, RUNE_PARTS = 4, UTF8_SIZE = 4, REPLACEMENT = 0xFFFD };

extern const struct rune unicode_runes[];
extern const uint32_t unicode_nfd[];
extern const uint16_t unicode_stage[];
extern const uint16_t unicode_blocks[][UNICODE_BLOCK];

/* c <= 0x10FFFF. */
static inline const struct rune *rune_find(uint32_t c)
{
	return &unicode_runes[unicode_blocks[unicode_stage[c / UNICODE_BLOCK]][c % UNICODE_BLOCK]];
}

/* The full canonical decomposition of one character (itself, when it has none); returns the number of parts. */
int rune_decompose(uint32_t parts[RUNE_PARTS], uint32_t c);
/* The lower case, one code point or two. */
int rune_lower(uint32_t parts[RUNE_PARTS], uint32_t c);

/* Reads one code point of s[0..size), size > 0; returns its bytes. What is not UTF-8 reads as U+FFFD, one for each
 * maximal part of an ill-formed sequence (the practice of the WHATWG decoder), and sets *bad. */
int utf8_read(uint32_t *c, const unsigned char *s, size_t size, int *bad);
/* Writes one code point; returns its bytes. */
int utf8_write(unsigned char out[UTF8_SIZE], uint32_t c);
/* How many U+FFFD utf8_read makes of s for what is not UTF-8. */
int utf8_count_bad(const unsigned char *s, size_t size);

#endif
