#include "align.h"

#include "documents.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pieces between [CLS] and [SEP]; both stand alone. */
static int pieces_of(const struct encoding *x) { return x->n - 2; }

/* Pieces and tokens are both in the order of the text: one walk over both. */
static int walk(struct alignment *a, const struct encoding *x, const struct document *d, struct err *e)
{
	int t = 0;
	for (int p = 0; p < a->pieces; p++) {
		const size_t begin = (size_t)x->offsets[p + 1][0];
		while (t < a->tokens && d->token[t][1] <= begin)
			a->first[++t] = p;
		if (t == a->tokens || begin < d->token[t][0])
			return err_set(e, ERR_MISMATCH, "a piece at byte %zu of document '%.200s' belongs to no token", begin,
			               d->id);
		a->token[p] = t;
		a->ids[p] = x->ids[p + 1];
	}
	while (t < a->tokens)
		a->first[++t] = a->pieces;
	return 0;
}

static int take(struct alignment *a, const struct encoding *x, const struct document *d, struct err *e)
{
	a->tokens = d->tokens;
	a->pieces = pieces_of(x);
	const size_t pieces = (size_t)a->pieces + 1;
	a->first = calloc((size_t)a->tokens + 1, sizeof *a->first);
	a->token = malloc(pieces * sizeof *a->token);
	a->ids = malloc(pieces * sizeof *a->ids);
	if (!a->first || !a->token || !a->ids)
		return err_set(e, ERR_MEMORY, "out of memory for the pieces of document '%.200s'", d->id);
	return walk(a, x, d, e);
}

int alignment_make(struct alignment *a, const struct tokenizer *t, const struct document *d, struct err *e)
{
	struct encoding x = {0};
	*a = (struct alignment){0};
	int code = tokenizer_encode(t, d->text, d->size, NULL, 0, 0, &x, e);
	if (!code)
		code = take(a, &x, d, e);
	encoding_free(&x);
	if (code)
		alignment_free(a);
	return code;
}

void alignment_free(struct alignment *a)
{
	free(a->first);
	free(a->token);
	free(a->ids);
	*a = (struct alignment){0};
}

static double aggregate(const float *value, int n, enum aggregation how)
{
	double sum = 0, most = NAN, first = NAN;
	int count = 0;
	for (int i = 0; i < n; i++) {
		if (isnan(value[i]))
			continue;
		sum += (double)value[i];
		most = count && most > (double)value[i] ? most : (double)value[i];
		first = count++ ? first : (double)value[i];
	}
	if (!count)
		return NAN;
	return how == AGGREGATE_MAX ? most : how == AGGREGATE_FIRST ? first : how == AGGREGATE_SUM ? sum : sum / count;
}

void alignment_aggregate(float *out, const struct alignment *a, const float *value, enum aggregation how)
{
	for (int t = 0; t < a->tokens; t++)
		out[t] = (float)aggregate(value + a->first[t], a->first[t + 1] - a->first[t], how);
}
