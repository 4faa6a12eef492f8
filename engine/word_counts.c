#include "word_counts.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { BITS_FIRST = 10, BITS_MAX = 31 };

/* FNV-1a, whose low bits, the ones used, depend on every byte. */
static uint32_t hash_of(const unsigned char *word, int size)
{
	uint32_t hash = 2166136261u;
	for (int i = 0; i < size; i++)
		hash = (hash ^ word[i]) * 16777619u;
	return hash ^ hash >> 15;
}

/* The slot of the word, or the free one where it belongs. */
static uint32_t *slot_of(const struct word_counts *c, const unsigned char *word, int size, uint32_t hash)
{
	uint32_t mask = (1u << c->bits) - 1, i = hash & mask;
	for (; c->slots[i]; i = (i + 1) & mask) {
		const struct word_count *w = &c->words[c->slots[i] - 1];
		if (w->hash == hash && w->size == size && !memcmp(word_counts_text(c, w), word, (size_t)size))
			break;
	}
	return &c->slots[i];
}

/* The table is at most half full, and `words` has room for as many. */
static int grow(struct word_counts *c)
{
	unsigned bits = c->bits ? c->bits + 1 : BITS_FIRST;
	if (bits > BITS_MAX)
		return 1;
	struct word_count *words = realloc(c->words, ((size_t)1 << (bits - 1)) * sizeof *words);
	if (words)
		c->words = words;
	uint32_t *slots = calloc((size_t)1 << bits, sizeof *slots), mask = (1u << bits) - 1;
	if (!words || !slots) {
		free(slots);
		return 1;
	}
	for (uint32_t k = 0; k < c->n; k++) {
		uint32_t i = words[k].hash & mask;
		while (slots[i])
			i = (i + 1) & mask;
		slots[i] = k + 1;
	}
	free(c->slots);
	c->slots = slots;
	c->bits = bits;
	return 0;
}

void word_counts_add(struct word_counts *c, const unsigned char *word, int size, int64_t count)
{
	c->failed |= (!c->bits || c->n == 1u << (c->bits - 1)) && grow(c);
	if (c->failed)
		return;
	uint32_t hash = hash_of(word, size), *slot = slot_of(c, word, size, hash);
	if (!*slot) {
		size_t at = c->text.size;
		buf_add(&c->text, word, (size_t)size);
		c->failed = c->text.failed;
		if (c->failed)
			return;
		c->words[c->n] = (struct word_count){.at = at, .hash = hash, .size = size};
		*slot = ++c->n;
	}
	c->words[*slot - 1].count += count;
}

int64_t word_counts_find(const struct word_counts *c, const unsigned char *word, int size)
{
	uint32_t slot = c->bits ? *slot_of(c, word, size, hash_of(word, size)) : 0;
	return slot ? c->words[slot - 1].count : 0;
}

int word_counts_check(const struct word_counts *c, struct err *e)
{
	return c->failed ? err_set(e, ERR_MEMORY, "out of memory after %u different words", (unsigned)c->n) : 0;
}

void word_counts_free(struct word_counts *c)
{
	buf_free(&c->text);
	free(c->words);
	free(c->slots);
	*c = (struct word_counts){0};
}
