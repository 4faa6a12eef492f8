#include "unicode.h"

/* Hangul syllables decompose by arithmetic: Unicode, section 3.12. */
enum { HANGUL = 0xAC00, HANGUL_COUNT = 11172, LEAD = 0x1100, VOWEL = 0x1161, TAIL = 0x11A7, VOWELS = 21, TAILS = 28 };

static int decompose_hangul(uint32_t parts[RUNE_PARTS], uint32_t syllable)
{
	uint32_t tail = syllable % TAILS;
	parts[0] = LEAD + syllable / (VOWELS * TAILS);
	parts[1] = VOWEL + syllable % (VOWELS * TAILS) / TAILS;
	parts[2] = TAIL + tail;
	return tail ? 3 : 2;
}

int rune_decompose(uint32_t parts[RUNE_PARTS], uint32_t c)
{
	if (c - HANGUL < HANGUL_COUNT)
		return decompose_hangul(parts, c - HANGUL);
	const uint32_t *nfd = &unicode_nfd[rune_find(c)->nfd];
	int count = (int)nfd[0];
	for (int i = 0; i < count; i++)
		parts[i] = nfd[1 + i];
	if (!count)
		parts[count++] = c;
	return count;
}

int rune_lower(uint32_t parts[RUNE_PARTS], uint32_t c)
{
	/* The one character whose lower case takes two: I with a dot above. */
	if (c == 0x130) {
		parts[0] = 'i';
		parts[1] = 0x307;
		return 2;
	}
	parts[0] = (uint32_t)((int32_t)c + rune_find(c)->lower);
	return 1;
}

/* Bounds of the second byte: they keep out overlong forms, surrogates and what lies beyond 0x10FFFF. */
static unsigned second_low(unsigned lead) { return lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80; }
static unsigned second_high(unsigned lead) { return lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF; }

int utf8_read(uint32_t *c, const unsigned char *s, size_t size, int *bad)
{
	unsigned lead = s[0];
	*c = lead;
	if (lead < 0x80)
		return 1;
	int more = lead < 0xC2 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 0;
	unsigned low = second_low(lead), high = second_high(lead);
	uint32_t value = lead & (0x3Fu >> more);
	int i = 1;
	for (; i <= more && (size_t)i < size && s[i] >= low && s[i] <= high; i++) {
		value = value << 6 | (s[i] & 0x3Fu);
		low = 0x80;
		high = 0xBF;
	}
	int whole = more && i > more;
	*c = whole ? value : REPLACEMENT;
	*bad |= !whole;
	return i;
}

int utf8_write(unsigned char out[UTF8_SIZE], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (unsigned char)c;
		return 1;
	}
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	out[0] = (unsigned char)((0xFF00u >> (more + 1) & 0xFFu) | c >> 6 * more);
	for (int i = 1; i <= more; i++)
		out[i] = (unsigned char)(0x80u | (c >> 6 * (more - i) & 0x3Fu));
	return more + 1;
}

int utf8_count_bad(const unsigned char *s, size_t size)
{
	int count = 0;
	for (size_t at = 0; at < size;) {
		uint32_t c;
		int bad = 0;
		at += (size_t)utf8_read(&c, s + at, size - at, &bad);
		count += bad;
	}
	return count;
}
