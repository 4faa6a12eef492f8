/* A data set as the engine takes it: every sample tokenized. */
#ifndef ADAPLER_EVAL_ENCODED_H
#define ADAPLER_EVAL_ENCODED_H

#include "../engine/engine.h"
#include "datasets.h"

struct encoded {
	int count;
	struct example *examples;    /* [count], in the order of the data set */
	const struct example **list; /* [count] the same, for calls that take a list */
	int longest;                 /* tokens of the longest */
	int64_t tokens;
	int truncated; /* samples that lost pieces to max_length */
	int *ids, *type_ids;
};

/* The tokens of a text that a model directory takes: `asked`, or all its positions where that is 0. ERR_USAGE when it has
 * fewer. */
int encoded_max_length(int *max_length, const char *model, int asked, struct err *e);

/* max_length counts specials; 0: no limit. Labels and values are copied; -1 and NaN where the data set has none. */
int encoded_open(struct encoded *x, const struct dataset *d, const struct tokenizer *t, int max_length, struct err *e);
void encoded_close(struct encoded *x);

/* SHA-256 over the tokens: with another vocabulary it is another. */
void encoded_sha(const struct encoded *x, char hex[65]);

/* The tokens of the `batch` longest samples: no batch has more. */
int64_t encoded_largest_batch(const struct encoded *x, int batch);

#endif
