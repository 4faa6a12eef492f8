/* The tokenizer's inside: what its files say (tokenizer_open.c) and what encoding reads (tokenizer.c). */
#ifndef ADAPLER_ENGINE_TOKENIZER_H
#define ADAPLER_ENGINE_TOKENIZER_H

#include "engine.h"
#include "vocab.h"

/* WORD_MAX bounds max_input_chars_per_word (BERT's is 100), because a word is put together on the stack. */
enum { WORD_MAX = 400, WORD_DEFAULT = 100 };

/* What a byte begins, in the text as it is given. RARE is all that the fast path leaves alone. */
enum byte_kind { BYTE_RARE, BYTE_SPACE, BYTE_PUNCT, BYTE_WORD };

/* BertNormalizer's switches. */
struct cleaning {
	int clean; /* drop controls */
	int cjk;   /* spaces around Chinese characters */
	int strip; /* NFD without nonspacing marks */
	int lower;
};

/* A piece that is found in the raw text, before anything is cleaned: [SEP], [MASK] ... */
struct added {
	const char *content;
	int size;
	int id;
};

struct tokenizer {
	struct vocab vocab;
	struct cleaning cleaning;
	int word_max; /* characters; a longer word is [UNK] */
	int cls, sep, unk;
	struct added *added; /* longest first, so that the first that fits is the longest */
	int added_count;
	int added_first;             /* the byte that all of them begin with; -1: they differ */
	unsigned char is_added[256]; /* one of them begins with this byte */
	unsigned char kind[256];     /* enum byte_kind */
	unsigned char lower[128];
	int single[128]; /* the id of a one-byte word */
};

/* A tokenizer.json as text; `name` is used in errors. `override`: switches given by tokenizer_config.json, -1 where it
 * gives none; may be NULL. */
int tokenizer_parse(struct tokenizer **t, const char *json, size_t size, const struct cleaning *override,
                    const char *name, struct err *e);
/* A vocab.txt as text, which is cut into lines in place; text[size] is a NUL. */
int tokenizer_parse_vocab(struct tokenizer **t, char *text, size_t size, const struct cleaning *override,
                          const char *name, struct err *e);
/* Fills the tables that depend on the switches. */
void tokenizer_prepare(struct tokenizer *t);

/* Takes the words of texts: what encoding would cut into pieces, normalised, not NUL-terminated. Added pieces are no
 * words. Words of more than word_max characters, which encoding makes [UNK], are counted but not given. */
struct word_walk {
	void (*take)(void *arg, const unsigned char *word, int size);
	void *arg;
	long words;    /* given */
	long too_long; /* not given */
	long replaced; /* ill-formed UTF-8 sequences */
};

/* Adds to the counts of *walk. Fails only for a text of 2 GiB or more. */
int tokenizer_words(const struct tokenizer *t, const char *text, size_t size, struct word_walk *walk, struct err *e);

#endif
