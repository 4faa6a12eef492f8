/* How often every word of a text occurs: a hash table from bytes to counts.
 *
 * Running out of memory is remembered in `failed` and later words are ignored, so a reader checks once in a while
 * (word_counts_check). The order of `words` is that of first occurrence; nothing should depend on it. */
#ifndef ADAPLER_ENGINE_WORD_COUNTS_H
#define ADAPLER_ENGINE_WORD_COUNTS_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

struct err;

struct word_count {
	size_t at; /* of its bytes in `text` */
	uint32_t hash;
	int size;
	int64_t count;
};

struct word_counts {
	struct buf text;
	struct word_count *words; /* [n] */
	uint32_t n;
	uint32_t *slots; /* [2^bits] index of a word plus 1; 0: free */
	unsigned bits;
	int failed;
};

/* From zeros. `count` is added to the word's. */
void word_counts_add(struct word_counts *c, const unsigned char *word, int size, int64_t count);
/* 0 if the word never occurred. */
int64_t word_counts_find(const struct word_counts *c, const unsigned char *word, int size);
int word_counts_check(const struct word_counts *c, struct err *e);
void word_counts_free(struct word_counts *c);

static inline const unsigned char *word_counts_text(const struct word_counts *c, const struct word_count *w)
{
	return (const unsigned char *)c->text.data + w->at;
}

#endif
