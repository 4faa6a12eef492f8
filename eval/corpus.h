/* A corpus for pre-training and vocabularies: the texts of training splits, with nothing in it of what is evaluated on.
 *
 * First every dev and test text is held out (corpus_hold_out), then training texts are offered (corpus_offer). One is
 * left out when it is, letter for letter and digit for digit (case and everything else aside), a text that is held out
 * or one that was offered before, or when it shares a passage with a text that is held out: PASSAGE_WORDS words in a
 * row, or the whole of a shorter one of at least PASSAGE_WORDS_LEAST. */
#ifndef ADAPLER_EVAL_CORPUS_H
#define ADAPLER_EVAL_CORPUS_H

#include "hash.h"
#include "words.h"

#include "../engine/base/buf.h"

struct dataset;
struct err;

enum { PASSAGE_WORDS = 13, PASSAGE_WORDS_LEAST = 8 };

enum corpus_fate { CORPUS_KEPT, CORPUS_EMPTY, CORPUS_DUPLICATE, CORPUS_HELD_OUT, CORPUS_PASSAGE, CORPUS_FATES };

struct corpus {
	struct hash_set held_out, passages, seen;
	struct words words;
	struct buf line; /* the text of the last offer, cleaned: one line, without its end */
};

struct corpus_count {
	long long texts[CORPUS_FATES];
	long long words; /* of those kept */
};

/* "kept", "empty", "duplicate" ... as reports name them. */
const char *corpus_fate_name(enum corpus_fate fate);

/* Text as the corpus has it: one line, runs of white space and IMDB's <br /> one space; for AG's News also the
 * remains of HTML entities, links and backslashes read as what they stood for. Appends to `out`. */
void corpus_clean(struct buf *out, const char *task, const char *text, size_t size);

int corpus_hold_out(struct corpus *c, const struct dataset *d, struct err *e);
/* Says what becomes of a training text of `task` and counts it; when it is kept, c->line is to be written. */
int corpus_offer(struct corpus *c, const char *task, const char *text, size_t size, struct corpus_count *count,
                 enum corpus_fate *fate, struct err *e);
void corpus_close(struct corpus *c);

#endif
