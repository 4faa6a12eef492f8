/* Samples from rows with named columns: GLUE's TSV, the CSV of AG's News and DBpedia, and any file of `file:`. */
#include "reader.h"

#include "../engine/base/err.h"
#include "../engine/base/sha256.h"

#include <math.h>
#include <string.h>

enum { PARTS_MAX = 4 };

/* Where one text of a sample comes from: one column, or several that are joined. */
struct parts {
	int count;
	int column[PARTS_MAX];
};

struct columns {
	struct parts text, pair;
	int label; /* -1: the file has none */
	const struct mend *mend;
};

static int find_parts(struct parts *p, struct table *t, const char *names, struct err *e)
{
	*p = (struct parts){0};
	while (names && *names && p->count < PARTS_MAX) {
		size_t size = strcspn(names, "+");
		char name[256];
		if (size >= sizeof name)
			return err_set(e, ERR_LIMIT, "name of a column too long: '%.40s...'", names);
		memcpy(name, names, size);
		name[size] = '\0';
		int column = table_column(t, name, e);
		if (column < 0)
			return err_set(e, ERR_FORMAT, "no column '%s' in '%s' line %d", name, t->path, t->line);
		p->column[p->count++] = column;
		names += size + (names[size] == '+');
	}
	return 0;
}

static int find_columns(struct columns *c, struct table *t, const struct source *s, struct err *e)
{
	const struct layout *l = s->layout;
	int code = find_parts(&c->text, t, l->text, e);
	if (!code)
		code = find_parts(&c->pair, t, l->pair, e);
	if (code)
		return code;
	c->label = l->label ? table_column(t, l->label, e) : -1;
	if (c->label < 0 && (s->split != SPLIT_TEST || l->label_required))
		return err_set(e, ERR_FORMAT, "no column '%s' in '%s' line %d: only a test split may be without labels",
		               l->label ? l->label : "label", t->path, t->line);
	return 0;
}

static int join(struct dataset *d, struct span *out, const struct table *t, const struct parts *p, struct err *e)
{
	size_t size = 0;
	for (int i = 0; i < p->count; i++)
		size += t->field[p->column[i]].size + 1;
	char *at = texts_take(&d->memory->texts, size, e), *from = at;
	if (!at)
		return ERR_MEMORY;
	for (int i = 0; i < p->count; i++) {
		struct span f = t->field[p->column[i]];
		if (!f.size)
			continue;
		if (at > from)
			*at++ = ' ';
		memcpy(at, f.bytes, f.size);
		at += f.size;
	}
	*out = (struct span){from, (size_t)(at - from)};
	return 0;
}

static int take_text(struct dataset *d, struct span *out, const struct table *t, const struct parts *p, struct err *e)
{
	int filled = 0;
	for (int i = 0; i < p->count; i++) {
		struct span f = t->field[p->column[i]];
		if (!f.bytes)
			return err_set(e, ERR_FORMAT, "no field '%.*s' in '%s' line %d", (int)t->name[p->column[i]].size,
			               t->name[p->column[i]].bytes, t->path, t->line);
		if (f.size && filled++ == 0)
			*out = f;
	}
	if (filled > 1)
		return join(d, out, t, p, e);
	if (!filled)
		*out = t->field[p->column[0]];
	return 0;
}

/* A pair may have one empty side (MNLI has); a sample without any text has nothing to classify. */
static int check_text(const struct table *t, const struct sample *s, const char *name, struct err *e)
{
	if (s->text_size || s->pair_size)
		return 0;
	return err_set(e, ERR_FORMAT, "field '%s' is empty in '%s' line %d", name, t->path, t->line);
}

/* The task's mend if the file is the one that it is for. */
static const struct mend *find_mend(const struct source *s, struct span bytes)
{
	const struct mend *m = s->layout->mend;
	char hex[65];
	struct sha256 h;
	if (!m || m->size != bytes.size)
		return NULL;
	sha256_init(&h);
	sha256_add(&h, bytes.bytes, bytes.size);
	sha256_end(&h, hex);
	return strcmp(hex, m->sha256) ? NULL : m;
}

static int set_label(const struct dataset *d, struct sample *s, const struct source *src, const struct table *t,
                     const struct columns *c, struct err *e)
{
	struct span text = c->label >= 0 ? t->field[c->label] : (struct span){0};
	if (c->label < 0 || (!text.bytes && src->split == SPLIT_TEST && !src->layout->label_required))
		return 0;
	int code = dataset_label(d, s, text, src->layout->label, e);
	if (!code && c->mend && s->line >= c->mend->line)
		s->label = c->mend->class_of[s->label];
	return code;
}

static int add_row(struct dataset *d, const struct source *src, const struct table *t, const struct columns *c,
                   int file, struct err *e)
{
	struct span text = {0}, pair = {0};
	int code = take_text(d, &text, t, &c->text, e);
	if (!code && c->pair.count)
		code = take_text(d, &pair, t, &c->pair, e);
	if (code)
		return code;
	struct sample s = {.text = text.bytes,
	                   .text_size = text.size,
	                   .pair = pair.bytes,
	                   .pair_size = pair.size,
	                   .label = -1,
	                   .value = NAN,
	                   .file = file,
	                   .line = t->line};
	code = check_text(t, &s, src->layout->text, e);
	if (!code)
		code = set_label(d, &s, src, t, c, e);
	return code ? code : dataset_add(d, &s, e);
}

int read_table(struct dataset *d, const struct source *s, struct err *e)
{
	struct span bytes;
	struct table t;
	struct columns c;
	int file, more = 1, before = d->count, code = dataset_map(d, s->path, &bytes, e);
	if (!code)
		code = dataset_add_file(d, s->path, &file, e);
	if (!code)
		code = table_open(&t, s->layout->format, d->files[file], bytes.bytes, bytes.size, s->layout->columns[s->split],
		                  &d->memory->texts, e);
	if (code)
		return code;
	t.ragged = s->layout->ragged;
	c.mend = find_mend(s, bytes);
	code = find_columns(&c, &t, s, e);
	while (!code && !(code = table_next(&t, &more, e)) && more)
		code = add_row(d, s, &t, &c, file, e);
	if (!code && t.skipped)
		dataset_note(d, "%d broken rows of '%s' left out", t.skipped, s->path);
	if (!code && c.mend)
		dataset_note(d, "classes of '%s' from line %d on are renumbered", s->path, c.mend->line);
	if (!code && d->count == before)
		code = err_set(e, ERR_FORMAT, "no rows in '%s'", s->path);
	return code;
}
