/* The words of a text, normalised: runs of letters and digits, lower-cased (ASCII); everything else separates. Beyond
 * ASCII all is letters but signs: Latin-1's, punctuation, symbols and emoji. */
#ifndef ADAPLER_EVAL_WORDS_H
#define ADAPLER_EVAL_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct words {
	uint64_t *hash; /* [count], one a word */
	int count, capacity;
	uint64_t letters; /* of all letters and digits in order, whatever separates them; texts may be compared by it */
};

/* The memory is kept from call to call, and freed by words_free. */
int words_of(struct words *w, const char *text, size_t size, struct err *e);
void words_free(struct words *w);

#endif
