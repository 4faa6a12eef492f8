/* Encoding: text to pieces, equal to Hugging Face's BertTokenizerFast in ids, words and places.
 *
 * There, a text is rewritten five times (clean, space out, decompose, strip, lower) and every rewriting carries a table of
 * places along. Here it is read once, character by character, each with the bytes it stands on. Runs of plain ASCII, which
 * need no such care, go from the text to the vocabulary's table without a copy; everything else takes the way of `struct
 * word`. Places are bytes of the text as given: where a character was replaced, those of the character that it replaces. */
#include "tokenizer.h"

#include "base/err.h"
#include "unicode.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = WORD_MAX * UTF8_SIZE, ROOM = 64 };

struct work {
	const struct tokenizer *t;
	const unsigned char *text;
	struct encoding *out;
	int word;                  /* index of the next word */
	int failed;                /* out of memory */
	int limit;                 /* max_length */
	int measured, is_measured; /* see measure_span */
	int bad;                   /* the text is not all UTF-8 */
	struct word_walk *walk;    /* takes the words instead of `out`; NULL when encoding */
};

/* A word as the vocabulary sees it. Every byte knows the place [begin, end) of the character that it comes from. */
struct word {
	int chars, size;
	int begin_first, end_last;
	unsigned char bytes[WORD_BYTES];
	int begin[WORD_BYTES], end[WORD_BYTES];
};

/* ---- the encoding grows ---- */

static int grow_ints(int **p, size_t count, size_t width)
{
	int *grown = realloc(*p, count * width * sizeof **p);
	if (grown)
		*p = grown;
	return !grown;
}

static int grow(struct encoding *out, int pieces)
{
	size_t count = (size_t)out->n + (size_t)pieces;
	count += count / 2 + ROOM;
	if (count > INT_MAX)
		return 1;
	int *offsets = out->offsets ? out->offsets[0] : NULL;
	int failed = grow_ints(&offsets, count, 2);
	out->offsets = (int(*)[2])(void *)offsets;
	failed |= grow_ints(&out->ids, count, 1);
	failed |= grow_ints(&out->type_ids, count, 1);
	failed |= grow_ints(&out->word_ids, count, 1);
	if (!failed)
		out->capacity = (int)count;
	return failed;
}

static inline int has_room(struct work *w, int pieces)
{
	if (pieces > w->out->capacity - w->out->n && grow(w->out, pieces))
		w->failed = 1;
	return !w->failed;
}

static inline void put(struct work *w, int id, int word, int begin, int end)
{
	struct encoding *out = w->out;
	int n = out->n++;
	out->ids[n] = id;
	out->word_ids[n] = word;
	out->offsets[n][0] = begin;
	out->offsets[n][1] = end;
}

static void put_special(struct work *w, int id)
{
	if (has_room(w, 1))
		put(w, id, -1, 0, 0);
}

/* ---- WordPiece ---- */

/* Longest match first; places count from the word's first byte. A word with a part that no piece fits is [UNK]. */
static void put_pieces(struct work *w, const unsigned char *bytes, int size)
{
	const struct tokenizer *t = w->t;
	uint32_t root = TRIE_FIRST;
	int n = w->out->n, length = 0;
	for (int at = 0; at < size; at += length, root = TRIE_MORE) {
		int id = vocab_longest(&t->vocab, root, bytes + at, size - at, &length);
		if (id == VOCAB_NONE) {
			w->out->n = n;
			put(w, t->unk, w->word, 0, size);
			break;
		}
		put(w, id, w->word, at, at + length);
	}
	w->word++;
}

/* ---- plain ASCII ---- */

static void put_ascii_pieces(struct work *w, int at, int size)
{
	unsigned char bytes[WORD_MAX];
	int n = w->out->n;
	for (int i = 0; i < size; i++)
		bytes[i] = w->t->lower[w->text[at + i]];
	put_pieces(w, bytes, size);
	for (; n < w->out->n; n++) {
		w->out->offsets[n][0] += at;
		w->out->offsets[n][1] += at;
	}
}

static void put_ascii_word(struct work *w, int at, int size, uint64_t a, uint64_t b)
{
	const struct tokenizer *t = w->t;
	if (!has_room(w, size))
		return;
	int id = size <= VOCAB_KEY ? vocab_find_word(&t->vocab, a, b) : VOCAB_NONE;
	if (size > t->word_max)
		id = t->unk;
	if (id == VOCAB_NONE)
		put_ascii_pieces(w, at, size);
	else
		put(w, id, w->word++, at, at + size);
}

static int rare_words(struct work *w, int at, int end);

/* A run of letters and digits; where something rare adjoins it, the whole word is read with care. */
static int ascii_word(struct work *w, int at, int end)
{
	const unsigned char *text = w->text, *kind = w->t->kind, *lower = w->t->lower;
	uint64_t key[2] = {0, 0};
	int to = at;
	for (int k = 0; k < 2; k++) {
		int stop = end - to < 8 ? end : to + 8;
		for (int shift = 0; to < stop && kind[text[to]] == BYTE_WORD; to++, shift += 8)
			key[k] |= (uint64_t)lower[text[to]] << shift;
	}
	while (to < end && kind[text[to]] == BYTE_WORD)
		to++;
	if (to < end && kind[text[to]] == BYTE_RARE)
		return rare_words(w, at, end);
	put_ascii_word(w, at, to - at, key[0], key[1]);
	return to;
}

/* ---- everything else ---- */

static void give_word(struct work *w, const unsigned char *bytes, int size, int chars)
{
	struct word_walk *walk = w->walk;
	if (chars > w->t->word_max) {
		walk->too_long++;
		return;
	}
	walk->words++;
	walk->take(walk->arg, bytes, size);
}

static void flush_word(struct work *w, struct word *x)
{
	if (!x->chars)
		return;
	if (w->walk) {
		give_word(w, x->bytes, x->size, x->chars);
	} else if (x->chars > w->t->word_max) {
		if (has_room(w, 1))
			put(w, w->t->unk, w->word++, x->begin_first, x->end_last);
	} else if (has_room(w, x->size)) {
		int n = w->out->n;
		put_pieces(w, x->bytes, x->size);
		for (; n < w->out->n; n++) {
			int *place = w->out->offsets[n];
			place[0] = x->begin[place[0]];
			place[1] = x->end[place[1] - 1];
		}
	}
	x->chars = x->size = 0;
}

static void add_char(struct work *w, struct word *x, uint32_t c, int begin, int end)
{
	if (!x->chars)
		x->begin_first = begin;
	x->end_last = end;
	if (++x->chars > w->t->word_max)
		return;
	int size = utf8_write(x->bytes + x->size, c);
	for (int i = 0; i < size; i++, x->size++) {
		x->begin[x->size] = begin;
		x->end[x->size] = end;
	}
}

/* One character after decomposition: lower case, then the splitting at spaces and around punctuation. */
static void take_char(struct work *w, struct word *x, uint32_t c, int begin, int end)
{
	uint32_t parts[RUNE_PARTS] = {c};
	int count = w->t->cleaning.lower ? rune_lower(parts, c) : 1;
	for (int i = 0; i < count; i++) {
		int flags = rune_find(parts[i])->flags;
		if (flags & (RUNE_SPACE | RUNE_PUNCT))
			flush_word(w, x);
		if (!(flags & RUNE_SPACE))
			add_char(w, x, parts[i], begin, end);
		if (flags & RUNE_PUNCT)
			flush_word(w, x);
	}
}

/* The next character that cleaning leaves, at or after *at. */
struct place {
	uint32_t c;
	int begin, end;
};

static int next_char(struct work *w, int at, int end, struct place *p)
{
	while (at < end) {
		p->begin = at;
		at += utf8_read(&p->c, w->text + at, (size_t)(end - at), &w->bad);
		p->end = at;
		if (!w->t->cleaning.clean || !(rune_find(p->c)->flags & RUNE_DROP))
			return 1;
	}
	return 0;
}

/* A row of marks, as they stand after decomposition, is sorted by rank. Nearly all of them are then stripped; some stay
 * (marks younger than the tables of the normaliser, and a few spacing ones). The sorted characters take the places of the
 * row in the order of the row: a mark that moves to the front gets the first place. */
struct marks {
	struct place first; /* the character in which the row begins ... */
	int skip;           /* ... after so many parts */
	int stop;           /* end of the last character in the row */
	uint64_t ranks;     /* those that occur */
	int staying;
};

/* Looks how far the row goes. */
static void measure_marks(struct work *w, struct marks *m, int end)
{
	struct place p = m->first;
	int skip = m->skip;
	do {
		uint32_t parts[RUNE_PARTS];
		int count = rune_decompose(parts, p.c);
		for (int i = skip; i < count; i++) {
			const struct rune *r = rune_find(parts[i]);
			if (!r->rank)
				return;
			m->ranks |= (uint64_t)1 << r->rank;
			m->staying += !(r->flags & RUNE_MARK);
		}
		skip = 0;
		m->stop = p.end;
	} while (next_char(w, p.end, end, &p));
}

/* Emits the marks of one rank. `at` is the place that the last character taken has; a character's first part moves on to
 * the next place, further parts stay. */
static void take_marks(struct work *w, struct word *x, const struct marks *m, int rank, struct place *at)
{
	struct place p = m->first;
	int skip = m->skip;
	do {
		uint32_t parts[RUNE_PARTS];
		int count = rune_decompose(parts, p.c);
		for (int i = skip; i < count; i++) {
			const struct rune *r = rune_find(parts[i]);
			if (r->rank != rank)
				continue;
			if (i == 0)
				next_char(w, at->end, m->stop, at);
			if (!(r->flags & RUNE_MARK))
				take_char(w, x, parts[i], at->begin, at->end);
		}
		skip = 0;
	} while (next_char(w, p.end, m->stop, &p));
}

/* The row that begins at part `skip` of a character; returns where reading goes on. Rows are read again for every rank
 * in them instead of being copied, since they may be of any length and those in which a mark stays are hardly met. */
static int rare_marks(struct work *w, struct word *x, const struct place *first, int skip, int end)
{
	struct marks m = {.first = *first, .skip = skip, .stop = first->end};
	struct place at = *first;
	measure_marks(w, &m, end);
	if (!skip)
		at.end = first->begin;
	for (int rank = 1; m.staying && rank < 64; rank++)
		if (m.ranks >> rank & 1)
			take_marks(w, x, &m, rank, &at);
	return m.stop;
}

/* Returns where reading goes on. */
static int take_parts(struct work *w, struct word *x, const struct place *p, int end)
{
	uint32_t parts[RUNE_PARTS] = {p->c};
	int strip = w->t->cleaning.strip, count = strip ? rune_decompose(parts, p->c) : 1;
	for (int i = 0; i < count; i++) {
		if (strip && rune_find(parts[i])->rank)
			return rare_marks(w, x, p, i, end);
		if (!strip || !(rune_find(parts[i])->flags & RUNE_MARK))
			take_char(w, x, parts[i], p->begin, p->end);
	}
	return p->end;
}

/* Words with anything but ASCII in or beside them, until plain text begins again. */
static int rare_words(struct work *w, int at, int end)
{
	struct word x;
	struct place p;
	x.chars = x.size = 0;
	do {
		if (!next_char(w, at, end, &p)) {
			at = end;
			break;
		}
		int apart = w->t->cleaning.cjk && rune_find(p.c)->flags & RUNE_CJK;
		if (apart)
			flush_word(w, &x);
		at = take_parts(w, &x, &p, end);
		if (apart)
			flush_word(w, &x);
	} while (at < end && (x.chars || w->t->kind[w->text[at]] == BYTE_RARE));
	flush_word(w, &x);
	return at;
}

/* ---- a text ---- */

static void take_span(struct work *w, int at, int end)
{
	const unsigned char *kind = w->t->kind, *text = w->text;
	while (at < end) {
		switch (kind[text[at]]) {
		case BYTE_SPACE: at++; break;
		case BYTE_WORD: at = ascii_word(w, at, end); break;
		case BYTE_PUNCT:
			if (has_room(w, 1))
				put(w, w->t->single[text[at]], w->word++, at, at + 1);
			at++;
			break;
		default: at = rare_words(w, at, end);
		}
	}
}

static int give_ascii_word(struct work *w, int at, int end)
{
	const unsigned char *text = w->text, *kind = w->t->kind;
	unsigned char bytes[WORD_MAX];
	int to = at;
	for (; to < end && kind[text[to]] == BYTE_WORD; to++)
		if (to - at < WORD_MAX)
			bytes[to - at] = w->t->lower[text[to]];
	if (to < end && kind[text[to]] == BYTE_RARE)
		return rare_words(w, at, end);
	give_word(w, bytes, to - at, to - at);
	return to;
}

/* take_span for the words alone; apart from it, so that encoding does not pay for the question. */
static void give_span(struct work *w, int at, int end)
{
	const unsigned char *kind = w->t->kind, *text = w->text;
	while (at < end) {
		switch (kind[text[at]]) {
		case BYTE_SPACE: at++; break;
		case BYTE_WORD: at = give_ascii_word(w, at, end); break;
		case BYTE_PUNCT: give_word(w, text + at++, 1, 1); break;
		default: at = rare_words(w, at, end);
		}
	}
}

/* The next byte that an added piece may begin with; `size` when there is none. */
static int next_added_byte(const struct tokenizer *t, const unsigned char *text, int at, int size)
{
	if (!t->added_count)
		return size;
	if (t->added_first >= 0) {
		const unsigned char *p = at < size ? memchr(text + at, t->added_first, (size_t)(size - at)) : NULL;
		return p ? (int)(p - text) : size;
	}
	while (at < size && !t->is_added[text[at]])
		at++;
	return at;
}

static const struct added *find_added(const struct tokenizer *t, const unsigned char *text, int *at, int size)
{
	for (*at = next_added_byte(t, text, *at, size); *at < size; *at = next_added_byte(t, text, *at + 1, size))
		for (int i = 0; i < t->added_count; i++) {
			const struct added *x = &t->added[i];
			if (x->size <= size - *at && !memcmp(text + *at, x->content, (size_t)x->size))
				return x;
		}
	return NULL;
}

/* How long a text counts as beside its pair: since 0.23.1 the package stops after the first word, added ones aside, at
 * which max_length is reached. It shows in which of two long texts gets an odd piece. `from`: the first piece of a span
 * without added ones. */
static void measure_span(struct work *w, int from)
{
	const int *word = w->out->word_ids + from;
	int count = w->out->n - from, i = w->measured < w->limit ? w->limit - w->measured : 1;
	if (w->is_measured)
		return;
	w->is_measured = i <= count;
	while (i < count && word[i] == word[i - 1])
		i++;
	w->measured += i < count ? i : count;
}

static void take_plain(struct work *w, int from, int to)
{
	int n = w->out->n;
	if (w->walk) {
		give_span(w, from, to);
		return;
	}
	take_span(w, from, to);
	measure_span(w, n);
}

/* Added pieces cut the raw text; what lies between them is cleaned and split by itself. Returns the number of pieces. */
static int take_text(struct work *w, const char *text, int size)
{
	int from = 0, at = 0, first = w->out->n;
	const struct added *x;
	w->text = (const unsigned char *)text;
	w->word = w->bad = w->measured = w->is_measured = 0;
	while ((x = find_added(w->t, w->text, &at, size))) {
		take_plain(w, from, at);
		from = at + x->size;
		if (!w->walk && has_room(w, 1))
			put(w, x->id, w->word++, at, from);
		at = from;
		w->measured += !w->is_measured;
	}
	take_plain(w, from, size);
	/* Counted apart, because rows of marks are read more than once. */
	if (w->bad)
		w->out->replaced += utf8_count_bad(w->text, (size_t)size);
	return w->out->n - first;
}

/* ---- truncation ---- */

/* The pieces of a text and its pair that stay when `room` is all there is: the longer one is cut to what the shorter
 * leaves, but where the shorter has more than half, they share, and the odd piece goes to the longer (on a tie to the
 * second). */
static void share_room(int *a, int *b, int is_first_longer, int room)
{
	int *shorter = is_first_longer ? b : a, *longer = is_first_longer ? a : b;
	if (*shorter > room / 2) {
		*shorter = room / 2;
		*longer = room - room / 2;
	} else {
		*longer = room - *shorter;
	}
}

static void move_pieces(struct encoding *out, int to, int from, int count)
{
	size_t bytes = (size_t)count * sizeof *out->ids;
	memmove(out->ids + to, out->ids + from, bytes);
	memmove(out->word_ids + to, out->word_ids + from, bytes);
	memmove(out->offsets + to, out->offsets + from, 2 * bytes);
}

/* The encoding holds [CLS] a [SEP] with a pieces, and b [SEP] with b pieces behind them when there is a pair. */
static void truncate_pieces(const struct work *w, int a, int b, int is_pair, int is_first_longer)
{
	struct encoding *out = w->out;
	int room = w->limit - 2 - is_pair, kept_a = a, kept_b = b;
	if (a > room - b) {
		if (is_pair)
			share_room(&kept_a, &kept_b, is_first_longer, room);
		else
			kept_a = room;
		move_pieces(out, 1 + kept_a, 1 + a, 1 + kept_b);
		if (is_pair)
			move_pieces(out, 2 + kept_a + kept_b, 2 + a + b, 1);
		out->n = 2 + is_pair + kept_a + kept_b;
		out->truncated = a + b - kept_a - kept_b;
	}
	for (int i = 0; i < out->n; i++)
		out->type_ids[i] = i > kept_a + 1;
}

static int check_sizes(size_t text_size, size_t pair_size, int is_pair, int max_length, struct err *e)
{
	size_t larger = is_pair && pair_size > text_size ? pair_size : text_size;
	if (larger >= INT_MAX)
		return err_set(e, ERR_LIMIT, "a text has %zu bytes, 2 GiB or more", larger);
	if (max_length && max_length < 2 + is_pair)
		return err_set(e, ERR_LIMIT, "a max_length of %d leaves no room for the %d special pieces", max_length,
		               2 + is_pair);
	return 0;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t text_size, const char *pair, size_t pair_size,
                     int max_length, struct encoding *out, struct err *e)
{
	int is_pair = pair != NULL, a, b = 0, measured;
	int code = check_sizes(text_size, pair_size, is_pair, max_length, e);
	if (code)
		return code;
	struct work w = {.t = t, .out = out, .limit = max_length ? max_length : INT_MAX};
	out->n = out->truncated = out->replaced = 0;
	put_special(&w, t->cls);
	a = take_text(&w, text, (int)text_size);
	measured = w.measured;
	put_special(&w, t->sep);
	if (is_pair) {
		b = take_text(&w, pair, (int)pair_size);
		put_special(&w, t->sep);
	}
	if (w.failed) {
		out->n = 0;
		return err_set(e, ERR_MEMORY, "out of memory for the pieces of a text of %zu bytes", text_size);
	}
	truncate_pieces(&w, a, b, is_pair, measured > w.measured);
	return 0;
}

int tokenizer_words(const struct tokenizer *t, const char *text, size_t size, struct word_walk *walk, struct err *e)
{
	struct encoding none = {0};
	struct work w = {.t = t, .out = &none, .limit = INT_MAX, .walk = walk};
	int code = check_sizes(size, 0, 0, 0, e);
	if (code)
		return code;
	take_text(&w, text, (int)size);
	walk->replaced += none.replaced;
	return 0;
}

void encoding_free(struct encoding *x)
{
	free(x->ids);
	free(x->type_ids);
	free(x->word_ids);
	free(x->offsets);
	*x = (struct encoding){0};
}
