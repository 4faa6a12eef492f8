/* Which pieces of a model's vocabulary a document token became, and back.
 *
 * No piece is of two tokens: tokens end at white space, and no piece reaches over that. A token may have no piece at all
 * (it is empty, or of characters that the vocabulary's normaliser drops). */
#ifndef ADAPLER_ERASER_ALIGN_H
#define ADAPLER_ERASER_ALIGN_H

#include "../engine/engine.h"

struct document;

struct alignment {
	int tokens, pieces;
	int *first; /* [tokens+1] the pieces of token t are first[t] .. first[t+1]-1 */
	int *token; /* [pieces] */
	int *ids;   /* [pieces] in the vocabulary */
};

int alignment_make(struct alignment *a, const struct tokenizer *t, const struct document *d, struct err *e);
void alignment_free(struct alignment *a);

/* What a token gets of its pieces' values. */
enum aggregation { AGGREGATE_MAX, AGGREGATE_MEAN, AGGREGATE_FIRST, AGGREGATE_SUM };
#define AGGREGATIONS "max|mean|first|sum" /* the words, in the order of the enum */

/* value [pieces] -> out [tokens]; NaN are passed over, and a token without a number gets NaN. */
void alignment_aggregate(float *out, const struct alignment *a, const float *value, enum aggregation how);

#endif
