#include "words.h"

#include "hash.h"

#include "../engine/base/err.h"

#include <limits.h>
#include <stdlib.h>

/* Bytes of the separator at s, 0 when a letter or digit is there. */
static size_t separator(const unsigned char *s, size_t size)
{
	/* By the first two bytes: Latin-1 signs; U+2000-2BFF; CJK punctuation; variation selectors; emoji. */
	static const struct {
		unsigned char first, low, high, size;
	} signs[] = {{0xc2, 0x80, 0xbf, 2},
	             {0xe2, 0x80, 0xaf, 3},
	             {0xe3, 0x80, 0x80, 3},
	             {0xef, 0xb8, 0xb8, 3},
	             {0xf0, 0x9f, 0x9f, 4}};
	if (s[0] < 0x80)
		return !((s[0] >= '0' && s[0] <= '9') || (s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z'));
	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (s[0] == signs[i].first && size >= signs[i].size && s[1] >= signs[i].low && s[1] <= signs[i].high)
			return signs[i].size;
	return 0;
}

static unsigned char lower(unsigned char c) { return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c; }

/* A step of FNV-1a. */
static uint64_t step(uint64_t h, unsigned char c) { return (h ^ c) * 0x100000001b3; }

static int add_word(struct words *w, uint64_t h, struct err *e)
{
	if (w->count == w->capacity) {
		int larger = w->capacity ? w->capacity * 2 : 256;
		uint64_t *moved = larger < INT_MAX / 2 ? realloc(w->hash, (size_t)larger * sizeof *moved) : NULL;
		if (!moved)
			return err_set(e, ERR_MEMORY, "out of memory for %d words", larger);
		w->hash = moved;
		w->capacity = larger;
	}
	w->hash[w->count++] = hash_mix(HASH_START, h);
	return 0;
}

int words_of(struct words *w, const char *text, size_t size, struct err *e)
{
	const unsigned char *s = (const unsigned char *)text;
	uint64_t letters = HASH_START, word = HASH_START;
	int inside = 0, code = 0;
	w->count = 0;
	for (size_t i = 0, skip; i < size && !code; i += skip ? skip : 1) {
		skip = separator(s + i, size - i);
		if (!skip) {
			word = step(inside ? word : HASH_START, lower(s[i]));
			letters = step(letters, lower(s[i]));
		} else if (inside) {
			code = add_word(w, word, e);
		}
		inside = !skip;
	}
	w->letters = hash_mix(HASH_START, letters);
	return inside && !code ? add_word(w, word, e) : code;
}

void words_free(struct words *w)
{
	free(w->hash);
	*w = (struct words){0};
}
