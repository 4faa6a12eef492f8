/* Examples of the rationales for the page's viewer: for every document its words, what people marked, and by method the
 * layers at which a word is selected, at the adapted model's own counts. Files of about a quarter of a megabyte, which the
 * page loads when they are looked at; JavaScript, as pages opened from a folder may load nothing else. */
#include "report_out.h"

#include "../engine/base/err.h"
#include "../eval/store_rationale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES = 250000, CLASSES_SHOWN = 64 };

struct writer {
	struct output *out;
	const struct study *s;
	struct rationale_facts facts[STUDY_METHODS_MAX];
	int reference;        /* the method that others are held against */
	unsigned char *keep;  /* [tokens] at one layer */
	unsigned char *last;  /* [methods,tokens] at the last layer */
	unsigned short *mask; /* [tokens,parts] bits by layer, 16 a part */
	int *order, tokens;   /* tokens: room */
	struct buf file, index;
	int files, in_file, documents;
	char label[CLASSES_SHOWN][64];
};

/* ---- JavaScript ---- */

/* A string that cannot end the page's script. */
static void add_string(struct buf *b, const char *text)
{
	struct buf json = {0};
	buf_add_json_string(&json, text, strlen(text));
	for (size_t i = 0; i < json.size; i++)
		if (json.data[i] == '<')
			buf_add_text(b, "\\u003c");
		else
			buf_add_byte(b, json.data[i]);
	b->failed |= json.failed;
	buf_free(&json);
}

/* ---- one document ---- */

static int make_room(struct writer *w, int tokens, struct err *e)
{
	if (tokens <= w->tokens)
		return 0;
	const size_t n = (size_t)tokens, parts = ((size_t)w->s->L + 15) / 16;
	free(w->keep);
	free(w->last);
	free(w->mask);
	free(w->order);
	w->keep = malloc(n);
	w->last = malloc(n * STUDY_METHODS_MAX);
	w->mask = malloc(n * parts * sizeof *w->mask);
	w->order = malloc(n * sizeof *w->order);
	w->tokens = w->keep && w->last && w->mask && w->order ? tokens : 0;
	return w->tokens ? 0 : err_set(e, ERR_MEMORY, "out of memory for a document of %d words", tokens);
}

/* Bits of the layers at which each word is selected. */
static int select_words(struct writer *w, int m, int idx, struct err *e)
{
	const struct rationale_facts *f = &w->facts[m];
	const struct rationale_document *d = &f->document[idx];
	const size_t parts = ((size_t)w->s->L + 15) / 16, n = (size_t)d->tokens;
	int code = 0;
	memset(w->mask, 0, n * parts * sizeof *w->mask);
	for (int l = 0; l < w->s->L && !code; l++) {
		if (l < f->layers)
			code = rationale_order(w->order, d->score, l, d->tokens, e);
		if (code)
			break;
		rationale_select(w->keep, f, d, w->order, l, BUDGET_REPLAY);
		for (size_t i = 0; i < n; i++)
			w->mask[i * parts + (size_t)l / 16] |= (unsigned short)(w->keep[i] << l % 16);
	}
	memcpy(w->last + (size_t)m * (size_t)w->tokens, w->keep, n);
	return code;
}

/* Hexadecimal digits of the layers from the first on, (L + 3) / 4 a word. */
static void add_mask(struct writer *w, int tokens)
{
	const int digits = (w->s->L + 3) / 4, parts = (w->s->L + 15) / 16;
	buf_add_byte(&w->file, '"');
	for (int i = 0; i < tokens; i++)
		for (int k = 0; k < digits; k++)
			buf_add_byte(&w->file, "0123456789abcdef"[w->mask[i * parts + k / 4] >> 4 * (k % 4) & 15]);
	buf_add_byte(&w->file, '"');
}

static int share(int part, int whole) { return whole ? (200 * part + whole) / (2 * whole) : 0; }

/* In percent, how much of what either of two selections has is not in both. */
static int disagreement(const unsigned char *a, const unsigned char *b, int n)
{
	int both = 0, either = 0;
	for (int i = 0; i < n; i++) {
		both += a[i] && b[i];
		either += a[i] || b[i];
	}
	return either ? 100 - share(both, either) : 0;
}

static int count(const unsigned char *a, int n)
{
	int sum = 0;
	for (int i = 0; i < n; i++)
		sum += a[i];
	return sum;
}

static int marked(struct writer *w, const struct rationale_document *d)
{
	memset(w->keep, 0, (size_t)d->tokens);
	for (int s = 0; s < d->spans; s++)
		for (int i = d->span[s][0]; i < d->span[s][1] && i < d->tokens; i++)
			w->keep[i] = 1;
	return count(w->keep, d->tokens);
}

/* What the list has: [name, gold, predicted by the adapted model, by the dense one, words, kept %, marked %, [disagreement by
 * method]]. */
static void add_to_index(struct writer *w, const char *name, int idx)
{
	const struct rationale_document *d = &w->facts[w->reference].document[idx];
	const unsigned char *reference = w->last + (size_t)w->reference * (size_t)w->tokens;
	int dense = -1;
	for (int m = 0; m < w->s->methods; m++)
		if (strcmp(w->s->run[m].method, "cp") != 0 && strcmp(w->s->run[m].method, "kept") != 0)
			dense = w->facts[m].document[idx].pred;
	buf_add_text(&w->index, w->documents ? ",\n[" : "[");
	add_string(&w->index, name);
	buf_addf(&w->index, ",%d,%d,%d,%d,%d,%d,[", d->gold, d->pred, dense, d->tokens,
	         share(count(reference, d->tokens), d->tokens), share(marked(w, d), d->tokens));
	for (int m = 0; m < w->s->methods; m++)
		buf_addf(&w->index, m ? ",%d" : "%d",
		         disagreement(reference, w->last + (size_t)m * (size_t)w->tokens, d->tokens));
	buf_add_text(&w->index, "]]");
}

static void add_spans(struct writer *w, const struct rationale_document *d)
{
	buf_add_text(&w->file, ",[");
	for (int s = 0; s < d->spans; s++)
		buf_addf(&w->file, s ? ",[%d,%d]" : "[%d,%d]", d->span[s][0], d->span[s][1]);
	buf_add_text(&w->file, "],[");
}

/* ---- files ---- */

static int end_file(struct writer *w, struct err *e)
{
	char name[300];
	if (!w->in_file)
		return 0;
	buf_add_text(&w->file, "\n]);\n");
	snprintf(name, sizeof name, "%s-%d.js", w->s->anchor, w->files++);
	int code = output_write(w->out, "examples", name, &w->file, e);
	buf_reset(&w->file);
	w->in_file = 0;
	return code;
}

static int begin_document(struct writer *w, struct err *e)
{
	int code = w->file.size > FILE_BYTES ? end_file(w, e) : 0;
	if (!w->in_file)
		buf_addf(&w->file, "adaplerChunk(\"%s\",%d,%d,[\n", w->s->anchor, w->files, w->documents);
	else
		buf_add_text(&w->file, ",\n");
	w->in_file++;
	return code;
}

static void learn_label(struct writer *w, const struct rationale_document *d, const char *label)
{
	if (label && d->gold >= 0 && d->gold < CLASSES_SHOWN)
		snprintf(w->label[d->gold], sizeof w->label[0], "%s", label);
}

static int count_words(const char *text)
{
	int words = text && *text;
	for (; text && *text; text++)
		words += *text == ' ';
	return words;
}

/* idx, docid, annotation, label, words */
static int take_document(const struct store_value *v, int columns, void *arg, struct err *e)
{
	struct writer *w = arg;
	const int idx = (int)v[0].integer;
	(void)columns;
	if (idx >= w->facts[w->reference].n)
		return 0;
	const struct rationale_document *d = &w->facts[w->reference].document[idx];
	int code = count_words(v[4].text) == d->tokens
	               ? make_room(w, d->tokens, e)
	               : err_set(e, ERR_FORMAT, "document %d of run %lld has other words than those that were scored", idx,
	                         (long long)w->s->run->id);
	if (!code)
		code = begin_document(w, e);
	if (code)
		return code;
	learn_label(w, d, v[3].text);
	buf_add_byte(&w->file, '[');
	add_string(&w->file, v[4].text ? v[4].text : "");
	add_spans(w, d);
	for (int m = 0; m < w->s->methods && !code; m++) {
		code = select_words(w, m, idx, e);
		buf_add_text(&w->file, m ? "," : "");
		add_mask(w, d->tokens);
	}
	buf_add_text(&w->file, "]]");
	add_to_index(w, v[2].text && *v[2].text ? v[2].text : v[1].text ? v[1].text : "", idx);
	w->documents++;
	return code ? code : buf_check(&w->file, e);
}

/* ---- a study ---- */

static void describe_study(struct writer *w)
{
	struct buf *b = &w->out->examples;
	buf_addf(b, "%s{\"id\":\"%s\",\"title\":", b->size ? ",\n" : "", w->s->anchor);
	char title[300];
	snprintf(title, sizeof title, "%s, %s split", w->s->data, w->s->split);
	add_string(b, title);
	buf_addf(b, ",\"layers\":%d,\"files\":%d,\"reference\":%d,\"labels\":[", w->s->L, w->files, w->reference);
	for (int c = 0; c < w->facts[0].classes && c < CLASSES_SHOWN; c++) {
		char unnamed[30];
		snprintf(unnamed, sizeof unnamed, "class %d", c);
		buf_add_text(b, c ? "," : "");
		add_string(b, *w->label[c] ? w->label[c] : unnamed);
	}
	buf_add_text(b, "],\"methods\":[");
	for (int m = 0; m < w->s->methods; m++) {
		buf_add_text(b, m ? "," : "");
		add_string(b, explainer_name(w->s->run[m].method));
	}
	buf_add_text(b, "],\"documents\":[\n");
	buf_add(b, w->index.data, w->index.size);
	buf_add_text(b, "]}");
}

static int find_reference(const struct study *s)
{
	for (int m = 0; m < s->methods; m++)
		if (!strcmp(s->run[m].method, "kept"))
			return s->cp >= 0 ? s->cp : m;
	return s->cp >= 0 ? s->cp : 0;
}

/* Methods of one study have scored the same words. */
static int check_same(const struct writer *w, int m, struct err *e)
{
	const struct rationale_facts *a = &w->facts[w->reference], *b = &w->facts[m];
	int is_same = a->n == b->n && a->L == b->L && b->L == w->s->L;
	for (int i = 0; is_same && i < a->n; i++)
		is_same = a->document[i].tokens == b->document[i].tokens;
	return is_same ? 0
	               : err_set(e, ERR_MISMATCH, "runs %lld and %lld are not of the same documents",
	                         (long long)w->s->run[w->reference].id, (long long)w->s->run[m].id);
}

static int write_study(struct output *o, const struct study *s, struct err *e)
{
	struct writer *w = calloc(1, sizeof *w);
	int code = 0;
	if (!w)
		return err_set(e, ERR_MEMORY, "out of memory for examples");
	*w = (struct writer){.out = o, .s = s, .reference = find_reference(s)};
	for (int m = 0; m < s->methods && !code; m++)
		code = store_rationale_get(o->report->store, s->run[m].id, &w->facts[m], e);
	for (int m = 0; m < s->methods && !code; m++)
		code = check_same(w, m, e);
	if (!code)
		code = store_select(o->report->store, take_document, w, e,
		                    "SELECT idx, docid, annotation, label, words FROM document WHERE data = ? ORDER BY idx",
		                    "t", s->run->data_sha);
	if (!code)
		code = end_file(w, e);
	if (!code)
		describe_study(w);
	for (int m = 0; m < s->methods; m++)
		rationale_close(&w->facts[m]);
	free(w->keep);
	free(w->last);
	free(w->mask);
	free(w->order);
	buf_free(&w->file);
	buf_free(&w->index);
	free(w);
	return code;
}

int output_examples(struct output *o, struct err *e)
{
	int code = 0;
	for (int i = 0; i < o->report->studies && !code; i++)
		code = write_study(o, &o->report->study[i], e);
	return code ? code : buf_check(&o->examples, e);
}
