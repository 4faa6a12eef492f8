#include "instances.h"

#include "documents.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_SHOWN = 10 };

/* ---- the split ------------------------------------------------------------------------------------------------ */

static int list_keys(struct instances *all, struct err *e)
{
	size_t count = 0;
	for (int i = 0; i < all->annotations.count; i++)
		count += (size_t)all->annotations.item[i].docid_count;
	all->key = malloc((count + 1) * sizeof *all->key);
	if (!all->key)
		return err_set(e, ERR_MEMORY, "out of memory for %zu instances", count);
	for (int i = 0; i < all->annotations.count; i++)
		for (int k = 0; k < all->annotations.item[i].docid_count; k++)
			all->key[all->count++] = (struct instance_key){i, k};
	return 0;
}

static int asks_differently(const struct annotations *a)
{
	for (int i = 1; i < a->count; i++)
		if (a->item[i].query && (!a->item[0].query || strcmp(a->item[i].query, a->item[0].query) != 0))
			return 1;
	return 0;
}

int instances_open(struct instances *all, const char *folder, const char *split, const struct tokenizer *t,
                   const struct instances_options *o, struct err *e)
{
	char path[4096], name[256];
	*all = (struct instances){.tokenizer = t, .options = *o};
	const char *file = !strcmp(split, "dev") || !strcmp(split, "validation") ? "val" : split;
	if (strchr(file, '/') || (size_t)snprintf(name, sizeof name, "%s.jsonl", file) >= sizeof name)
		return err_set(e, ERR_USAGE, "'%.100s' is no split: expected train, val or test", split);
	int code = file_join(path, sizeof path, folder, name, e);
	if (!code && !file_exists(path))
		code = err_set(e, ERR_USAGE, "no split '%s': there is no '%s'", split, path);
	if (!code)
		code = annotations_open(&all->annotations, path, e);
	if (!code)
		code = documents_open(&all->documents, folder, e);
	if (!code)
		code = list_keys(all, e);
	if (!code && o->query == QUERY_AUTO)
		all->options.query = asks_differently(&all->annotations) ? QUERY_PAIR : QUERY_NONE;
	if (code)
		instances_close(all);
	return code;
}

void instances_close(struct instances *all)
{
	annotations_close(&all->annotations);
	documents_close(all->documents);
	free(all->key);
	*all = (struct instances){0};
}

/* ---- one of them ---------------------------------------------------------------------------------------------- */

static int copy_document(struct instance *x, const struct document *d, struct err *e)
{
	size_t size = 1;
	for (int t = 0; t < d->tokens; t++)
		size += d->token[t][1] - d->token[t][0] + 1;
	x->tokens = d->tokens;
	x->sentences = d->sentences;
	x->words = malloc(size);
	x->sentence = malloc(((size_t)d->sentences + 1) * sizeof *x->sentence);
	x->rationale = calloc((size_t)d->tokens, 1);
	if (!x->words || !x->sentence || !x->rationale)
		return err_set(e, ERR_MEMORY, "out of memory for document '%.200s'", d->id);
	memcpy(x->sentence, d->sentence, ((size_t)d->sentences + 1) * sizeof *x->sentence);
	char *at = x->words;
	for (int t = 0; t < d->tokens; t++) {
		const size_t n = d->token[t][1] - d->token[t][0];
		if (t)
			*at++ = ' ';
		memcpy(at, d->text + d->token[t][0], n);
		at += n;
	}
	*at = '\0';
	return 0;
}

/* Whether the reading may go on although the evidence does not fit. */
static int forgive(struct instances *all, int code, struct err *e)
{
	if (!code || code != ERR_FORMAT || !all->options.is_lenient)
		return code;
	if (all->faults++ < FAULTS_SHOWN && !all->is_told)
		log_warn("%s", e->text);
	*e = (struct err){0};
	return 0;
}

static int mark_rationale(struct instance *x, struct instances *all, const struct document *d, struct err *e)
{
	struct err fault = {0};
	const struct annotation *a = x->annotation;
	for (int i = 0; i < a->evidence_count; i++) {
		const struct evidence *v = &a->evidence[i];
		if (strcmp(v->docid, x->docid) != 0)
			continue;
		const int code = forgive(all, evidence_check(v, a, all->annotations.path, d, &fault), &fault);
		if (code)
			return err_set(e, code, "%s (--lenient goes on)", fault.text);
		for (int t = v->start < 0 ? 0 : v->start; t < v->end && t < x->tokens; t++)
			x->rationale[t] = 1;
	}
	for (int t = 0; t < x->tokens; t++)
		x->rationale_tokens += x->rationale[t];
	return 0;
}

static int query_pieces(struct encoding *q, const struct instances *all, const struct instance *x, struct err *e)
{
	const char *query = x->annotation->query;
	if (all->options.query != QUERY_PAIR)
		return 0;
	if (!query || !query[0])
		return err_set(e, ERR_FORMAT, "no query in '%s' line %d", all->annotations.path, x->annotation->line);
	return tokenizer_encode(all->tokenizer, query, strlen(query), NULL, 0, 0, q, e);
}

static int cut_windows(struct instance *x, struct instances *all, struct err *e)
{
	struct encoding q = {0};
	struct frame f = {.cls = tokenizer_find(all->tokenizer, "[CLS]"),
	                  .sep = tokenizer_find(all->tokenizer, "[SEP]"),
	                  .max_length = all->options.max_length};
	int code = query_pieces(&q, all, x, e);
	if (!code && q.n) {
		f.query = q.ids + 1;
		f.query_size = q.n - 2;
	}
	if (!code)
		code = windows_cut(&x->windows, &x->pieces, all->options.free_windows ? NULL : x->rationale, &f, e);
	encoding_free(&q);
	return code;
}

int instance_open(struct instance *x, struct instances *all, int i, struct err *e)
{
	struct document d;
	char where[4200];
	const struct annotation *a = &all->annotations.item[all->key[i].annotation];
	*x = (struct instance){.annotation = a, .docid = a->docids[all->key[i].document]};
	snprintf(where, sizeof where, "'%s' line %d", all->annotations.path, a->line);
	int code = documents_load(all->documents, x->docid, where, &d, e);
	if (!code)
		code = copy_document(x, &d, e);
	if (!code)
		code = mark_rationale(x, all, &d, e);
	if (!code)
		code = alignment_make(&x->pieces, all->tokenizer, &d, e);
	if (!code)
		code = cut_windows(x, all, e);
	if (code)
		instance_close(x);
	return code;
}

void instance_close(struct instance *x)
{
	free(x->words);
	free(x->sentence);
	free(x->rationale);
	alignment_free(&x->pieces);
	windows_free(&x->windows);
	*x = (struct instance){0};
}
