/* Documents longer than the model, cut into windows of whole tokens, one after the other, that a model reads one by one.
 *
 * A window takes as many tokens as fit; when its end would fall into a rationale it moves left to where that begins
 * (method.md, "Rationales"), unless the rationale alone is longer than a window. */
#ifndef ADAPLER_ERASER_WINDOWS_H
#define ADAPLER_ERASER_WINDOWS_H

#include "align.h"

struct window {
	int first, last;     /* document tokens [first, last) */
	int piece;           /* the document's piece in row 1; row 1 + i has piece + i */
	int pieces;          /* of the document in this window */
	int n;               /* rows: [CLS] pieces [SEP], and query [SEP] */
	int *ids, *type_ids; /* [n] */
};

struct windows {
	int count;
	struct window *item; /* [count] */
	int cut_rationales;  /* longer than a window */
	int cut_tokens;      /* more pieces than fit a window: the last are left out */
	int *memory;
};

/* What stands around a document's pieces in every window. */
struct frame {
	int cls, sep;     /* ids */
	const int *query; /* [query_size] ids of the second text; NULL: there is none */
	int query_size;
	int max_length; /* rows of a window */
};

/* `rationale` [tokens]: whether the token is part of one; neighbours are one span. NULL: windows end anywhere. ERR_USAGE
 * when max_length has no room for a piece. */
int windows_cut(struct windows *w, const struct alignment *a, const unsigned char *rationale, const struct frame *f,
                struct err *e);
void windows_free(struct windows *w);

#endif
