/* Training a WordPiece vocabulary from counted words, in the way of Hugging Face's WordPieceTrainer: byte-pair encoding
 * over words that are cut into characters, the first one as "x" and the others as "##x".
 *
 * The vocabulary is the specials, then the alphabet (the first characters, then the continuing ones, both by code point),
 * then what is merged, in order. A merge joins the pair of neighbours that occurs most often, every word weighing what it
 * counts. Of pairs that occur equally often, the one whose left piece has the lower id goes first, then the one whose
 * right piece has.
 *
 * The alphabet is the most frequent characters, of equally frequent ones those with the lower code points, each in the
 * forms in which it occurs. A word with a character outside it is [UNK] and left out of all that follows (there, such
 * characters are cut out of words, and their neighbours counted as a pair that no text has). So any text
 * whose words were counted is cut without [UNK] but for those words, and the result depends on the words and their
 * counts alone: not on the order in which they came.
 *
 * Source: Schuster and Nakajima, "Japanese and Korean voice search", ICASSP 2012; the choice of merges by frequency:
 * Sennrich, Haddow, Birch, "Neural machine translation of rare words with subword units", ACL 2016. */
#ifndef ADAPLER_ENGINE_VOCAB_TRAIN_H
#define ADAPLER_ENGINE_VOCAB_TRAIN_H

#include "base/buf.h"
#include "word_counts.h"

#include <stdint.h>

struct err;

struct vocab_train_options {
	int size;          /* pieces, exactly; below VOCAB_MAX */
	int alphabet;      /* characters at most; 0: ALPHABET_DEFAULT */
	int64_t min_count; /* a pair that occurs less often is not merged; 0: MIN_COUNT_DEFAULT */
	/* Called before every merge with the number of pieces so far; not 0 stops with ERR_INTERRUPTED. May be NULL. */
	int (*step)(void *arg, int pieces);
	void *arg;
};

enum { ALPHABET_DEFAULT = 1000, MIN_COUNT_DEFAULT = 2 };

struct trained_vocab {
	struct buf text;       /* the pieces in the order of their ids, each ended by a newline: a vocab.txt */
	int size;              /* pieces */
	int alphabet;          /* pieces of one character */
	int64_t unknown;       /* occurrences of words with a character outside the alphabet */
	int characters_unused; /* characters outside the alphabet */
};

/* The words must be as the tokenizer splits them: UTF-8, none of them empty. ERR_LIMIT, with what would do: the specials
 * and the alphabet need more than `size`, or the words yield less. *v is to be freed in any case. */
int vocab_train(struct trained_vocab *v, const struct word_counts *words, const struct vocab_train_options *o,
                struct err *e);
void trained_vocab_free(struct trained_vocab *v);

#endif
