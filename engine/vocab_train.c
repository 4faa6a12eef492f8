/* Counting all pairs anew after every merge would cost words times merges. Here every pair knows its count and the words
 * it was seen in; a merge visits those words only and corrects the counts beside the places that it joins. A heap keeps
 * the pair to be merged next on top. Each place is joined at most once and brings at most two new neighbourhoods, which
 * bounds all the work and memory by the letters of the different words. */
#include "vocab_train.h"

#include "base/err.h"
#include "unicode.h"
#include "vocab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { RUNES = 0x110000, PAIR_BITS = 12, PAIR_BITS_MAX = 30 };

/* A character. The forms are 0 while they are not seen, then SEEN, then the ids of the pieces (no special has one). */
enum { SEEN = 1 };
struct letter {
	uint32_t c;
	int is_kept;
	int64_t count;
	int32_t form[2]; /* "x", "##x" */
};

struct span {
	size_t at;
	int n;
};

/* Two neighbours. */
struct pair {
	int32_t left, right;
	int64_t count;
	uint32_t places; /* the first of its list in `places`; 0: empty. Words may have lost the pair since. */
	uint32_t heap;   /* where it is in the heap */
};

struct place {
	uint32_t word, next;
};

struct training {
	const struct word_counts *words;
	const struct vocab_train_options *o;
	struct trained_vocab *v;

	struct letter *letters; /* [letter_count], by code point once they are counted */
	int letter_count;
	uint32_t *letter_at; /* [RUNES] index of a code point's letter plus 1; 0: none */

	size_t *start; /* [size + 1] of the pieces in v->text */

	int32_t *pieces;    /* of all words, one after the other */
	struct span *spans; /* [words->n]; n is 0 for words that are left out */
	struct place *places;
	uint32_t place_count;

	struct pair *pairs; /* [pair_count], room for 2^(pair_bits - 1) */
	uint32_t pair_count;
	uint32_t *pair_slots; /* [2^pair_bits] index of a pair plus 1; 0: free */
	unsigned pair_bits;
	uint32_t *heap; /* [pair_count] indexes of pairs, the next one first */
	int failed;
};

static int no_memory(struct err *e) { return err_set(e, ERR_MEMORY, "out of memory while training a vocabulary"); }

/* ---- the alphabet ---- */

static uint32_t next_letter(const unsigned char **at, const unsigned char *end)
{
	uint32_t c;
	int bad = 0;
	*at += utf8_read(&c, *at, (size_t)(end - *at), &bad);
	return c;
}

static struct letter *letter_of(const struct training *t, uint32_t c) { return &t->letters[t->letter_at[c] - 1]; }

/* Doubles the room at every power of two. */
static int add_letter(struct training *t, uint32_t c)
{
	int n = t->letter_count;
	if ((n & (n - 1)) == 0) {
		struct letter *grown = realloc(t->letters, (n ? 2 * (size_t)n : 1) * sizeof *grown);
		if (!grown)
			return 1;
		t->letters = grown;
	}
	t->letters[n] = (struct letter){.c = c};
	t->letter_at[c] = (uint32_t)++t->letter_count;
	return 0;
}

static int count_letters(struct training *t, struct err *e)
{
	t->letter_at = calloc(RUNES, sizeof *t->letter_at);
	if (!t->letter_at)
		return no_memory(e);
	for (uint32_t i = 0; i < t->words->n; i++) {
		const struct word_count *w = &t->words->words[i];
		const unsigned char *at = word_counts_text(t->words, w), *end = at + w->size;
		while (at < end) {
			uint32_t c = next_letter(&at, end);
			if (!t->letter_at[c] && add_letter(t, c))
				return no_memory(e);
			letter_of(t, c)->count += w->count;
		}
	}
	return 0;
}

static int compare_code_points(const void *a, const void *b)
{
	const struct letter *x = a, *y = b;
	return (x->c > y->c) - (x->c < y->c);
}

static int compare_counts(const void *a, const void *b)
{
	const struct letter *x = a, *y = b;
	return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : compare_code_points(a, b);
}

static void sort_letters(struct training *t, int (*compare)(const void *, const void *))
{
	if (t->letter_count)
		qsort(t->letters, (size_t)t->letter_count, sizeof *t->letters, compare);
	for (int i = 0; i < t->letter_count; i++)
		t->letter_at[t->letters[i].c] = (uint32_t)i + 1;
}

static void keep_frequent_letters(struct training *t)
{
	int limit = t->o->alphabet ? t->o->alphabet : ALPHABET_DEFAULT, n = t->letter_count;
	sort_letters(t, compare_counts);
	for (int i = 0; i < n && i < limit; i++)
		t->letters[i].is_kept = 1;
	t->v->characters_unused = n > limit ? n - limit : 0;
	sort_letters(t, compare_code_points);
}

/* The letters of a word; 0 when it has one that is not in the alphabet. */
static int count_if_known(const struct training *t, const struct word_count *w)
{
	const unsigned char *at = word_counts_text(t->words, w), *end = at + w->size;
	int n = 0;
	for (; at < end; n++)
		if (!letter_of(t, next_letter(&at, end))->is_kept)
			return 0;
	return n;
}

/* Marks the forms that occur, and finds where the pieces of every word will be. Returns how many there are in all. */
static size_t measure_words(struct training *t)
{
	size_t total = 0;
	for (uint32_t i = 0; i < t->words->n; i++) {
		const struct word_count *w = &t->words->words[i];
		const unsigned char *from = word_counts_text(t->words, w), *at = from, *end = from + w->size;
		t->spans[i] = (struct span){total, count_if_known(t, w)};
		total += (size_t)t->spans[i].n;
		t->v->unknown += t->spans[i].n ? 0 : w->count;
		while (t->spans[i].n && at < end) {
			int is_more = at > from;
			letter_of(t, next_letter(&at, end))->form[is_more] = SEEN;
		}
	}
	return total;
}

/* ---- pieces ---- */

static const char *piece_text(const struct training *t, int32_t id, size_t *size)
{
	*size = t->start[id + 1] - t->start[id] - 1;
	return t->v->text.data + t->start[id];
}

static void end_piece(struct training *t)
{
	buf_add_byte(&t->v->text, '\n');
	t->failed |= t->v->text.failed;
	t->start[++t->v->size] = t->v->text.size;
}

/* Returns the id. The piece is new: wherever its letters stand unbroken they were joined in the same order, so no other
 * pair gives them. */
static int32_t join_pieces(struct training *t, int32_t left, int32_t right)
{
	size_t size, more;
	piece_text(t, left, &size);
	piece_text(t, right, &more);
	if (buf_reserve(&t->v->text, size + more)) {
		/* Looked up again, because making room may have moved them. */
		buf_add(&t->v->text, piece_text(t, left, &size), size);
		buf_add(&t->v->text, piece_text(t, right, &more) + 2, more - 2);
	}
	end_piece(t);
	return t->v->size - 1;
}

static int count_forms(const struct training *t)
{
	int n = 0;
	for (int i = 0; i < t->letter_count; i++)
		n += t->letters[i].form[0] + t->letters[i].form[1];
	return n;
}

/* The first characters, then the continuing ones. */
static void add_alphabet(struct training *t)
{
	for (int form = 0; form < 2; form++)
		for (int i = 0; i < t->letter_count; i++) {
			struct letter *x = &t->letters[i];
			unsigned char bytes[UTF8_SIZE];
			if (x->form[form] != SEEN)
				continue;
			x->form[form] = t->v->size;
			buf_add(&t->v->text, "##", form ? 2 : 0);
			buf_add(&t->v->text, bytes, (size_t)utf8_write(bytes, x->c));
			end_piece(t);
		}
}

static int open_pieces(struct training *t, struct err *e)
{
	int forms = count_forms(t), needed = VOCAB_SPECIALS + forms, size = t->o->size;
	if (size < needed)
		return err_set(e, ERR_LIMIT, "%d pieces are too few: %d specials and an alphabet of %d need %d", size,
		               VOCAB_SPECIALS, forms, needed);
	t->start = malloc(((size_t)size + 1) * sizeof *t->start);
	if (!t->start)
		return no_memory(e);
	t->start[0] = 0;
	for (int i = 0; i < VOCAB_SPECIALS; i++) {
		buf_add_text(&t->v->text, vocab_specials[i]);
		end_piece(t);
	}
	add_alphabet(t);
	t->v->alphabet = t->v->size - VOCAB_SPECIALS;
	return t->failed ? no_memory(e) : 0;
}

/* ---- pairs, the one to be merged next on top of the heap ---- */

static int goes_before(const struct pair *x, const struct pair *y)
{
	if (x->count != y->count)
		return x->count > y->count;
	return x->left != y->left ? x->left < y->left : x->right < y->right;
}

static void put_in_heap(struct training *t, uint32_t at, uint32_t pair)
{
	t->heap[at] = pair;
	t->pairs[pair].heap = at;
}

static void move_up(struct training *t, uint32_t pair)
{
	uint32_t at = t->pairs[pair].heap;
	for (; at > 0; at = (at - 1) / 2) {
		uint32_t above = t->heap[(at - 1) / 2];
		if (!goes_before(&t->pairs[pair], &t->pairs[above]))
			break;
		put_in_heap(t, at, above);
	}
	put_in_heap(t, at, pair);
}

static void move_down(struct training *t, uint32_t pair)
{
	uint32_t at = t->pairs[pair].heap, below;
	for (; (below = 2 * at + 1) < t->pair_count; at = below) {
		if (below + 1 < t->pair_count && goes_before(&t->pairs[t->heap[below + 1]], &t->pairs[t->heap[below]]))
			below++;
		if (!goes_before(&t->pairs[t->heap[below]], &t->pairs[pair]))
			break;
		put_in_heap(t, at, t->heap[below]);
	}
	put_in_heap(t, at, pair);
}

static uint32_t *pair_slot(const struct training *t, int32_t left, int32_t right)
{
	uint64_t key = (uint64_t)left << 32 | (uint32_t)right;
	uint32_t mask = (1u << t->pair_bits) - 1;
	for (uint32_t i = (uint32_t)(key * 0x9E3779B97F4A7C15u >> (64 - t->pair_bits));; i = (i + 1) & mask) {
		if (!t->pair_slots[i])
			return &t->pair_slots[i];
		const struct pair *p = &t->pairs[t->pair_slots[i] - 1];
		if (p->left == left && p->right == right)
			return &t->pair_slots[i];
	}
}

static int grow_pairs(struct training *t)
{
	unsigned bits = t->pair_bits ? t->pair_bits + 1 : PAIR_BITS;
	size_t room = (size_t)1 << (bits - 1);
	struct pair *pairs = bits <= PAIR_BITS_MAX ? realloc(t->pairs, room * sizeof *pairs) : NULL;
	if (pairs)
		t->pairs = pairs;
	uint32_t *heap = pairs ? realloc(t->heap, room * sizeof *heap) : NULL;
	if (heap)
		t->heap = heap;
	uint32_t *slots = heap ? calloc(2 * room, sizeof *slots) : NULL;
	if (!slots)
		return 1;
	free(t->pair_slots);
	t->pair_slots = slots;
	t->pair_bits = bits;
	for (uint32_t i = 0; i < t->pair_count; i++)
		*pair_slot(t, pairs[i].left, pairs[i].right) = i + 1;
	return 0;
}

/* The index of a pair, with count 0 when it is new. */
static uint32_t take_pair(struct training *t, int32_t left, int32_t right)
{
	t->failed |= (!t->pair_bits || t->pair_count == 1u << (t->pair_bits - 1)) && grow_pairs(t);
	if (t->failed)
		return 0;
	uint32_t *slot = pair_slot(t, left, right);
	if (!*slot) {
		t->pairs[t->pair_count] = (struct pair){.left = left, .right = right};
		put_in_heap(t, t->pair_count, t->pair_count);
		*slot = ++t->pair_count;
		move_up(t, *slot - 1); /* even among those that occur no more, order is by the ids */
	}
	return *slot - 1;
}

/* The pair is there once more in a word. */
static void add_pair(struct training *t, int32_t left, int32_t right, uint32_t word)
{
	uint32_t pair = take_pair(t, left, right);
	if (t->failed)
		return;
	struct pair *p = &t->pairs[pair];
	p->count += t->words->words[word].count;
	if (!p->places || t->places[p->places].word != word) {
		t->places[++t->place_count] = (struct place){word, p->places};
		p->places = t->place_count;
	}
	move_up(t, pair);
}

static void drop_pair(struct training *t, int32_t left, int32_t right, uint32_t word)
{
	uint32_t pair = take_pair(t, left, right);
	if (t->failed)
		return;
	t->pairs[pair].count -= t->words->words[word].count;
	move_down(t, pair);
}

/* ---- words as pieces ---- */

static void cut_word(struct training *t, uint32_t word)
{
	const struct word_count *w = &t->words->words[word];
	const unsigned char *from = word_counts_text(t->words, w), *at = from;
	struct span x = t->spans[word];
	int32_t *pieces = t->pieces + x.at;
	for (int i = 0; i < x.n; i++)
		pieces[i] = letter_of(t, next_letter(&at, from + w->size))->form[i > 0];
	for (int i = 0; i + 1 < x.n; i++)
		add_pair(t, pieces[i], pieces[i + 1], word);
}

static int open_words(struct training *t, struct err *e)
{
	t->spans = malloc(((size_t)t->words->n + 1) * sizeof *t->spans);
	if (!t->spans)
		return no_memory(e);
	size_t total = measure_words(t);
	/* A neighbourhood for every letter, and two more for every merge. */
	if (total >= UINT32_MAX / 3)
		return err_set(e, ERR_LIMIT, "the different words have %zu letters, too many", total);
	t->pieces = malloc((total + 1) * sizeof *t->pieces);
	t->places = malloc((3 * total + 1) * sizeof *t->places);
	return t->pieces && t->places ? 0 : no_memory(e);
}

static int is_pair_at(const int32_t *pieces, int n, int i, const struct pair *p)
{
	return i + 1 < n && pieces[i] == p->left && pieces[i + 1] == p->right;
}

/* Joins the pair wherever it is in a word, from the left. What is read is always ahead of what is written. */
static void merge_in_word(struct training *t, uint32_t word, const struct pair *p, int32_t id)
{
	struct span *x = &t->spans[word];
	int32_t *s = t->pieces + x->at;
	int n = x->n, to = 0;
	for (int i = 0; i < n;) {
		if (!is_pair_at(s, n, i, p)) {
			s[to++] = s[i++];
			continue;
		}
		drop_pair(t, p->left, p->right, word);
		if (i > 0) {
			drop_pair(t, s[i - 1], p->left, word);
			add_pair(t, s[to - 1], id, word);
		}
		i += 2;
		/* Where the pair follows itself, the neighbourhood in between is the next one's affair. */
		if (i < n && !is_pair_at(s, n, i, p)) {
			drop_pair(t, p->right, s[i], word);
			add_pair(t, id, s[i], word);
		}
		s[to++] = id;
	}
	x->n = to;
}

static void merge(struct training *t, uint32_t pair)
{
	struct pair p = t->pairs[pair];
	int32_t id = join_pieces(t, p.left, p.right);
	for (uint32_t i = p.places; i && !t->failed; i = t->places[i].next)
		merge_in_word(t, t->places[i].word, &p, id);
	assert(t->failed || t->pairs[pair].count == 0);
}

static int merge_all(struct training *t, struct err *e)
{
	int64_t least = t->o->min_count ? t->o->min_count : MIN_COUNT_DEFAULT;
	while (t->v->size < t->o->size && !t->failed) {
		if (!t->pair_count || t->pairs[t->heap[0]].count < least)
			return err_set(e, ERR_LIMIT,
			               "the text yields only %d pieces (no pair is left that occurs %lld times); "
			               "ask for at most %d",
			               t->v->size, (long long)least, t->v->size);
		if (t->o->step && t->o->step(t->o->arg, t->v->size))
			return err_set(e, ERR_INTERRUPTED, "interrupted after %d of %d pieces", t->v->size, t->o->size);
		merge(t, t->heap[0]);
	}
	return t->failed ? no_memory(e) : 0;
}

static int train(struct training *t, struct err *e)
{
	int code = count_letters(t, e);
	if (code)
		return code;
	keep_frequent_letters(t);
	code = open_words(t, e);
	if (!code)
		code = open_pieces(t, e);
	if (code)
		return code;
	for (uint32_t i = 0; i < t->words->n; i++)
		cut_word(t, i);
	return merge_all(t, e);
}

int vocab_train(struct trained_vocab *v, const struct word_counts *words, const struct vocab_train_options *o,
                struct err *e)
{
	*v = (struct trained_vocab){0};
	assert(o->size < VOCAB_MAX);
	struct training t = {.words = words, .o = o, .v = v};
	int code = train(&t, e);
	free(t.letters);
	free(t.letter_at);
	free(t.start);
	free(t.pieces);
	free(t.spans);
	free(t.places);
	free(t.pairs);
	free(t.pair_slots);
	free(t.heap);
	return code;
}

void trained_vocab_free(struct trained_vocab *v)
{
	buf_free(&v->text);
	*v = (struct trained_vocab){0};
}
