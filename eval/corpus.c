#include "corpus.h"

#include "datasets.h"

#include "../engine/base/err.h"

#include <string.h>

/* ---- cleaning -------------------------------------------------------------------------------------------------- */

struct rule {
	const char *task; /* NULL: every task */
	const char *from, *to;
};

/* AG's News lost the '&' of its entities to a space. Windows-1252's numbers stand where HTML's should. */
static const struct rule rules[] = {
	{NULL, "<br />", " "},       {"agnews", "\\", " "},      {"agnews", " #39;", "'"},   {"agnews", " #36;", "$"},
	{"agnews", " #38;", "&"},    {"agnews", " quot;", "\""}, {"agnews", " amp;", "&"},   {"agnews", " #145;", "'"},
	{"agnews", " #146;", "'"},   {"agnews", " #147;", "\""}, {"agnews", " #148;", "\""}, {"agnews", " #150;", " - "},
	{"agnews", " #151;", " - "}, {"agnews", "&lt;", "<"},    {"agnews", "&gt;", ">"},    {"agnews", "&amp;", "&"},
};

enum { LINK_BYTES = 400 };

static int starts(const char *text, size_t size, const char *with)
{
	return size >= strlen(with) && !memcmp(text, with, strlen(with));
}

/* Bytes of the tag "&lt;...&gt;" at `text`; 0 when there is none. */
static size_t tag(const char *text, size_t size)
{
	if (!starts(text, size, "&lt;"))
		return 0;
	size_t within = size < LINK_BYTES ? size : LINK_BYTES;
	const char *end = memmem(text, within, "&gt;", 4);
	return end ? (size_t)(end + 4 - text) : 0;
}

static const struct rule *find_rule(const char *task, const char *text, size_t size)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if ((!rules[i].task || !strcmp(rules[i].task, task)) && starts(text, size, rules[i].from))
			return &rules[i];
	return NULL;
}

static void add_clean(struct buf *out, size_t begin, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = bytes[i];
		if (c == '\n' || c == '\t' || c == '\r' || c == '\v' || c == '\f')
			c = ' ';
		if (c != ' ' || (out->size > begin && out->data[out->size - 1] != ' '))
			buf_add_byte(out, c);
	}
}

void corpus_clean(struct buf *out, const char *task, const char *text, size_t size)
{
	size_t begin = out->size;
	buf_add(out, "", 0);
	for (size_t i = 0, n; i < size && !out->failed; i += n) {
		const struct rule *rule;
		if (!strcmp(task, "agnews") && (n = tag(text + i, size - i)))
			add_clean(out, begin, " ", 1);
		else if ((rule = find_rule(task, text + i, size - i))) {
			n = strlen(rule->from);
			add_clean(out, begin, rule->to, strlen(rule->to));
		} else {
			n = 1;
			add_clean(out, begin, text + i, 1);
		}
	}
	while (!out->failed && out->size > begin && out->data[out->size - 1] == ' ')
		out->data[--out->size] = '\0';
}

/* ---- holding out ----------------------------------------------------------------------------------------------- */

static int clean_words(struct corpus *c, const char *task, const char *text, size_t size, struct err *e)
{
	buf_reset(&c->line);
	corpus_clean(&c->line, task, text, size);
	int code = buf_check(&c->line, e);
	return code ? code : words_of(&c->words, c->line.data, c->line.size, e);
}

static uint64_t passage(const uint64_t *word, int count)
{
	uint64_t h = HASH_START;
	for (int i = 0; i < count; i++)
		h = hash_mix(h, word[i]);
	return h;
}

static int hold_out(struct corpus *c, const char *task, const char *text, size_t size, struct err *e)
{
	int code = clean_words(c, task, text, size, e);
	const struct words *w = &c->words;
	if (!code && w->count)
		code = hash_set_add(&c->held_out, w->letters, NULL, e);
	if (code)
		return code;
	if (w->count >= PASSAGE_WORDS_LEAST && w->count < PASSAGE_WORDS)
		return hash_set_add(&c->passages, passage(w->hash, w->count), NULL, e);
	for (int i = 0; i + PASSAGE_WORDS <= w->count && !code; i++)
		code = hash_set_add(&c->passages, passage(w->hash + i, PASSAGE_WORDS), NULL, e);
	return code;
}

int corpus_hold_out(struct corpus *c, const struct dataset *d, struct err *e)
{
	int code = 0;
	for (int i = 0; i < d->count && !code; i++) {
		const struct sample *s = &d->sample[i];
		code = hold_out(c, d->task->name, s->text, s->text_size, e);
		if (!code && s->pair)
			code = hold_out(c, d->task->name, s->pair, s->pair_size, e);
	}
	return code;
}

/* ---- offering -------------------------------------------------------------------------------------------------- */

static int shares_passage(const struct corpus *c)
{
	const struct words *w = &c->words;
	for (int i = 0; i + PASSAGE_WORDS_LEAST <= w->count; i++) {
		uint64_t h = passage(w->hash + i, PASSAGE_WORDS_LEAST - 1);
		for (int n = PASSAGE_WORDS_LEAST; n <= PASSAGE_WORDS && i + n <= w->count; n++) {
			h = hash_mix(h, w->hash[i + n - 1]);
			if (hash_set_has(&c->passages, h))
				return 1;
		}
	}
	return 0;
}

static int decide(struct corpus *c, enum corpus_fate *fate, struct err *e)
{
	int is_new = 1, code = 0;
	if (!c->words.count)
		*fate = CORPUS_EMPTY;
	else if (hash_set_has(&c->held_out, c->words.letters))
		*fate = CORPUS_HELD_OUT;
	else if ((code = hash_set_add(&c->seen, c->words.letters, &is_new, e)) || !is_new)
		*fate = CORPUS_DUPLICATE;
	else
		*fate = shares_passage(c) ? CORPUS_PASSAGE : CORPUS_KEPT;
	return code;
}

int corpus_offer(struct corpus *c, const char *task, const char *text, size_t size, struct corpus_count *count,
                 enum corpus_fate *fate, struct err *e)
{
	int code = clean_words(c, task, text, size, e);
	if (!code)
		code = decide(c, fate, e);
	if (code)
		return code;
	count->texts[*fate]++;
	if (*fate == CORPUS_KEPT)
		count->words += c->words.count;
	return 0;
}

const char *corpus_fate_name(enum corpus_fate fate)
{
	static const char *const names[] = {"kept", "empty", "duplicate", "held_out", "passage"};
	return names[fate];
}

void corpus_close(struct corpus *c)
{
	hash_set_free(&c->held_out);
	hash_set_free(&c->passages);
	hash_set_free(&c->seen);
	words_free(&c->words);
	buf_free(&c->line);
}
