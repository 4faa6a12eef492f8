/* A WordPiece vocabulary: the pieces by id, and the two indexes that encoding asks.
 *
 * Most words of a text are pieces themselves. So the first question is about the whole word, by its bytes packed into
 * two integers: one probe of a table. Only words that are not there go through the trie, which finds the longest piece
 * that begins at a place; pieces that continue a word ("##ing") hang under a root of their own, without the "##".
 * Read-only once open. */
#ifndef ADAPLER_ENGINE_VOCAB_H
#define ADAPLER_ENGINE_VOCAB_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { VOCAB_KEY = 16, VOCAB_NONE = -1, TRIE_FIRST = 1, TRIE_MORE = 2, VOCAB_MAX = 1 << 23 };

/* What a vocabulary that is made here begins with, in the order of their ids; [PAD] is 0. */
enum { VOCAB_SPECIALS = 5 };
extern const char *const vocab_specials[VOCAB_SPECIALS];

struct vocab_word {
	uint64_t a, b; /* the bytes of the word, the first one lowest, zeros behind */
	int32_t id;
	int32_t taken;
};

/* An edge of the trie, found by (node, byte). */
struct vocab_edge {
	uint32_t key; /* node * 256 + byte; 0: free */
	uint32_t child;
	int32_t id; /* of the piece that ends here, or VOCAB_NONE */
};

struct vocab {
	int size;
	char *text;      /* the pieces, each ended by NUL */
	uint32_t *start; /* [size] */
	struct vocab_word *words;
	unsigned word_shift; /* 64 - log2 of the table's size */
	struct vocab_edge *edges;
	unsigned edge_shift; /* 32 - log2 of the table's size */
	uint32_t edge_count, node_count;
};

/* Copies `size` pieces; the first `indexed` of them can be found, the rest only have a name. Empty pieces, pieces that
 * are not UTF-8 and pieces given twice are errors that quote `name`, the file. */
int vocab_open(struct vocab *v, const char *const *pieces, int size, int indexed, const char *name, struct err *e);
void vocab_close(struct vocab *v);
const char *vocab_piece(const struct vocab *v, int id);
/* The id of a piece as it is written in the vocabulary ("##" included), or VOCAB_NONE. */
int vocab_find(const struct vocab *v, const char *piece);

static inline size_t vocab_word_slot(const struct vocab *v, uint64_t a, uint64_t b)
{
	return (size_t)((a ^ b * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u >> v->word_shift);
}

/* A whole word of up to VOCAB_KEY bytes, none of them NUL. */
static inline int vocab_find_word(const struct vocab *v, uint64_t a, uint64_t b)
{
	size_t mask = ((size_t)1 << (64 - v->word_shift)) - 1;
	for (size_t i = vocab_word_slot(v, a, b);; i = (i + 1) & mask) {
		const struct vocab_word *w = &v->words[i];
		if (w->a == a && w->b == b)
			return w->id;
		if (!w->taken)
			return VOCAB_NONE;
	}
}

static inline size_t vocab_edge_slot(const struct vocab *v, uint32_t key) { return key * 0x9E3779B1u >> v->edge_shift; }

static inline const struct vocab_edge *vocab_find_edge(const struct vocab *v, uint32_t node, unsigned char byte)
{
	uint32_t key = node << 8 | byte, mask = (1u << (32 - v->edge_shift)) - 1;
	for (size_t i = vocab_edge_slot(v, key);; i = (i + 1) & mask) {
		const struct vocab_edge *x = &v->edges[i];
		if (x->key == key)
			return x;
		if (!x->key)
			return NULL;
	}
}

/* The longest piece at the front of bytes[0..size): its id and length, or VOCAB_NONE. `root`: TRIE_FIRST at the
 * beginning of a word, TRIE_MORE within. */
static inline int vocab_longest(const struct vocab *v, uint32_t root, const unsigned char *bytes, int size, int *length)
{
	int id = VOCAB_NONE;
	for (int i = 0; i < size; i++) {
		const struct vocab_edge *x = vocab_find_edge(v, root, bytes[i]);
		if (!x)
			break;
		if (x->id != VOCAB_NONE) {
			id = x->id;
			*length = i + 1;
		}
		root = x->child;
	}
	return id;
}

#endif
