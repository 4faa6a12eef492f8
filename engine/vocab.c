#include "vocab.h"

#include "base/err.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

enum { EDGE_BITS = 10, EDGE_BITS_MAX = 30 };

const char *const vocab_specials[VOCAB_SPECIALS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

static int is_continuation(const char *piece) { return piece[0] == '#' && piece[1] == '#' && piece[2] != 0; }

static int no_memory(const char *name, struct err *e)
{
	return err_set(e, ERR_MEMORY, "out of memory for the vocabulary of '%s'", name);
}

static struct vocab_edge *free_edge(const struct vocab *v, uint32_t key)
{
	uint32_t mask = (1u << (32 - v->edge_shift)) - 1;
	size_t i = vocab_edge_slot(v, key);
	while (v->edges[i].key)
		i = (i + 1) & mask;
	return &v->edges[i];
}

/* Doubles the table of edges (or makes it). */
static int grow_edges(struct vocab *v)
{
	struct vocab old = *v;
	unsigned bits = old.edges ? 33 - old.edge_shift : EDGE_BITS;
	if (bits > EDGE_BITS_MAX)
		return 1;
	v->edges = calloc((size_t)1 << bits, sizeof *v->edges);
	if (!v->edges) {
		v->edges = old.edges;
		return 1;
	}
	v->edge_shift = 32 - bits;
	size_t count = old.edges ? (size_t)1 << (bits - 1) : 0;
	for (size_t i = 0; i < count; i++)
		if (old.edges[i].key)
			*free_edge(v, old.edges[i].key) = old.edges[i];
	free(old.edges);
	return 0;
}

/* The edge from `node` by `byte`, made where it was missing; NULL: no memory. */
static struct vocab_edge *take_edge(struct vocab *v, uint32_t node, unsigned char byte)
{
	const struct vocab_edge *known = vocab_find_edge(v, node, byte);
	if (known)
		return &v->edges[known - v->edges];
	if (v->edge_count + v->edge_count / 2 >= 1u << (32 - v->edge_shift) && grow_edges(v))
		return NULL;
	struct vocab_edge *x = free_edge(v, node << 8 | byte);
	*x = (struct vocab_edge){node << 8 | byte, v->node_count++, VOCAB_NONE};
	v->edge_count++;
	return x;
}

/* A piece whose bytes end at an edge that has an id already is given twice. */
static int add_to_trie(struct vocab *v, int id, const char *name, struct err *e)
{
	const char *piece = vocab_piece(v, id);
	uint32_t node = is_continuation(piece) ? TRIE_MORE : TRIE_FIRST;
	struct vocab_edge *x = NULL;
	for (const char *p = is_continuation(piece) ? piece + 2 : piece; *p; p++) {
		x = take_edge(v, node, (unsigned char)*p);
		if (!x)
			return no_memory(name, e);
		node = x->child;
	}
	if (x->id != VOCAB_NONE)
		return err_set(e, ERR_FORMAT, "piece '%s' of '%s' has two ids, %d and %d", piece, name, (int)x->id, id);
	x->id = id;
	return 0;
}

static uint64_t pack(const char *bytes, size_t size)
{
	uint64_t key = 0;
	for (size_t i = 0; i < size && i < 8; i++)
		key |= (uint64_t)(unsigned char)bytes[i] << 8 * i;
	return key;
}

static void add_word(struct vocab *v, int id)
{
	const char *piece = vocab_piece(v, id);
	size_t size = strlen(piece), mask = ((size_t)1 << (64 - v->word_shift)) - 1;
	if (size > VOCAB_KEY || is_continuation(piece))
		return;
	uint64_t a = pack(piece, size), b = size > 8 ? pack(piece + 8, size - 8) : 0;
	size_t i = vocab_word_slot(v, a, b);
	while (v->words[i].taken)
		i = (i + 1) & mask;
	v->words[i] = (struct vocab_word){a, b, id, 1};
}

/* Ids of BERT's vocabularies fall with frequency, so common words are put down first and stay where they hash to. */
static int index_pieces(struct vocab *v, int indexed, const char *name, struct err *e)
{
	unsigned bits = 4;
	while ((size_t)1 << bits < 2 * (size_t)indexed)
		bits++;
	v->word_shift = 64 - bits;
	v->words = calloc((size_t)1 << bits, sizeof *v->words);
	if (!v->words || grow_edges(v))
		return no_memory(name, e);
	for (size_t i = 0; i < (size_t)1 << bits; i++)
		v->words[i].id = VOCAB_NONE;
	v->node_count = TRIE_MORE + 1;
	for (int id = 0; id < indexed; id++) {
		int code = add_to_trie(v, id, name, e);
		if (code)
			return code;
		add_word(v, id);
	}
	return 0;
}

static int check_pieces(const char *const *pieces, int size, size_t *bytes, const char *name, struct err *e)
{
	*bytes = 0;
	for (int id = 0; id < size; id++) {
		size_t length = strlen(pieces[id]);
		if (!length)
			return err_set(e, ERR_FORMAT, "empty piece at id %d of '%s'", id, name);
		if (utf8_count_bad((const unsigned char *)pieces[id], length))
			return err_set(e, ERR_FORMAT, "the piece of id %d of '%s' is not UTF-8", id, name);
		*bytes += length + 1;
	}
	/* An edge's key holds the node above eight bits for the byte. */
	if (*bytes >= VOCAB_MAX * (size_t)2)
		return err_set(e, ERR_LIMIT, "the pieces of '%s' take %zu bytes, more than %d", name, *bytes, VOCAB_MAX * 2);
	return 0;
}

static int copy_pieces(struct vocab *v, const char *const *pieces, int size, const char *name, struct err *e)
{
	size_t bytes;
	int code = check_pieces(pieces, size, &bytes, name, e);
	if (code)
		return code;
	v->text = malloc(bytes + 1);
	v->start = malloc(((size_t)size + 1) * sizeof *v->start);
	if (!v->text || !v->start)
		return no_memory(name, e);
	size_t at = 0;
	for (int id = 0; id < size; id++) {
		size_t length = strlen(pieces[id]) + 1;
		v->start[id] = (uint32_t)at;
		memcpy(v->text + at, pieces[id], length);
		at += length;
	}
	v->size = size;
	return 0;
}

int vocab_open(struct vocab *v, const char *const *pieces, int size, int indexed, const char *name, struct err *e)
{
	*v = (struct vocab){0};
	if (size >= VOCAB_MAX)
		return err_set(e, ERR_LIMIT, "'%s' has %d pieces, more than %d", name, size, VOCAB_MAX - 1);
	int code = copy_pieces(v, pieces, size, name, e);
	if (!code)
		code = index_pieces(v, indexed, name, e);
	if (code)
		vocab_close(v);
	return code;
}

void vocab_close(struct vocab *v)
{
	free(v->text);
	free(v->start);
	free(v->words);
	free(v->edges);
	*v = (struct vocab){0};
}

const char *vocab_piece(const struct vocab *v, int id)
{
	return id >= 0 && id < v->size ? v->text + v->start[id] : NULL;
}

int vocab_find(const struct vocab *v, const char *piece)
{
	int more = is_continuation(piece), length = 0;
	const char *bytes = more ? piece + 2 : piece;
	size_t size = strlen(bytes);
	if (size >= VOCAB_MAX)
		return VOCAB_NONE;
	int id = vocab_longest(v, more ? TRIE_MORE : TRIE_FIRST, (const unsigned char *)bytes, (int)size, &length);
	return (size_t)length == size ? id : VOCAB_NONE;
}
