/* Draws on a terminal how a text thins out as it climbs the layers. */
#ifndef ADAPLER_SHOW_H
#define ADAPLER_SHOW_H

#include "base/buf.h"
#include "engine.h"

/* One block of rows for as many tokens as fit `width` columns, then the next: the tokens, and for every layer those
 * that it still works on. */
void show_survival(struct buf *out, const struct tokenizer *t, const int *ids, const int *died_at, int n, int L,
                   int width, int has_colour);

#endif
