#include "annotations.h"

#include "documents.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/json.h"
#include "../engine/base/utf8.h"
#include "../eval/table.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The row being read, and what errors call it. */
struct row {
	struct annotations *all;
	const cJSON *json;
	struct annotation *out;
	char where[4200];
	int docid_capacity;
};

static const char *copy(struct row *r, const char *text, struct err *e)
{
	return texts_copy(&r->all->texts, text, strlen(text), e);
}

static int get_text(struct row *r, const char *field, const char **text, int is_needed, struct err *e)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->json, field);
	if (cJSON_IsString(item) && (item->valuestring[0] || !is_needed)) {
		*text = copy(r, item->valuestring, e);
		return *text ? 0 : ERR_MEMORY;
	}
	return is_needed ? err_set(e, ERR_FORMAT, "field '%s' must be a text in %s", field, r->where) : 0;
}

/* Few annotations are about more than a handful of documents. */
static int add_docid(struct row *r, const char *id, const char **kept, struct err *e)
{
	const char **ids = (const char **)(uintptr_t)r->out->docids;
	for (int i = 0; i < r->out->docid_count; i++)
		if (!strcmp(ids[i], id)) {
			*kept = ids[i];
			return 0;
		}
	if (r->out->docid_count == r->docid_capacity) {
		const int capacity = r->docid_capacity ? 2 * r->docid_capacity : 2;
		const char **more = texts_take(&r->all->texts, (size_t)capacity * sizeof *more, e);
		if (!more)
			return ERR_MEMORY;
		if (ids)
			memcpy(more, ids, (size_t)r->out->docid_count * sizeof *more);
		r->out->docids = ids = more;
		r->docid_capacity = capacity;
	}
	*kept = copy(r, id, e);
	if (!*kept)
		return ERR_MEMORY;
	ids[r->out->docid_count++] = *kept;
	return 0;
}

static int read_docids(struct row *r, struct err *e)
{
	const cJSON *item, *ids = cJSON_GetObjectItemCaseSensitive(r->json, "docids");
	const char *kept;
	int code = 0;
	if (!ids || cJSON_IsNull(ids))
		return 0;
	if (!cJSON_IsArray(ids))
		return err_set(e, ERR_FORMAT, "field 'docids' must be an array in %s", r->where);
	for (item = ids->child; item && !code; item = item->next)
		code = cJSON_IsString(item) && item->valuestring[0]
		           ? add_docid(r, item->valuestring, &kept, e)
		           : err_set(e, ERR_FORMAT, "field 'docids' must hold texts in %s", r->where);
	return code;
}

static int get_index(const cJSON *json, const char *field, int is_needed, int *value, const char *name, struct err *e)
{
	long long wide = -1;
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, field);
	if (is_needed && (!item || cJSON_IsNull(item)))
		return err_set(e, ERR_FORMAT, "no field '%s' in %s", field, name);
	int code = json_get_int(json, field, &wide, INT_MIN, INT_MAX, name, e);
	*value = (int)wide;
	return code;
}

static int read_evidence(struct row *r, const cJSON *json, int group, int item, struct err *e)
{
	char name[4300];
	snprintf(name, sizeof name, "evidences[%d][%d] of %s", group, item, r->where);
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "docid"),
				*text = cJSON_GetObjectItemCaseSensitive(json, "text");
	if (!cJSON_IsObject(json) || !cJSON_IsString(id) || !id->valuestring[0])
		return err_set(e, ERR_FORMAT, "field 'docid' must be a text in %s", name);
	struct evidence *x = &r->out->evidence[r->out->evidence_count];
	*x = (struct evidence){.group = group, .item = item};
	int code = add_docid(r, id->valuestring, &x->docid, e);
	if (!code)
		code = get_index(json, "start_token", 1, &x->start, name, e);
	if (!code)
		code = get_index(json, "end_token", 1, &x->end, name, e);
	if (!code)
		code = get_index(json, "start_sentence", 0, &x->start_sentence, name, e);
	if (!code)
		code = get_index(json, "end_sentence", 0, &x->end_sentence, name, e);
	if (!code && cJSON_IsString(text) && !(x->text = copy(r, text->valuestring, e)))
		code = ERR_MEMORY;
	r->out->evidence_count += !code;
	return code;
}

static int read_evidences(struct row *r, struct err *e)
{
	const cJSON *group, *item, *groups = cJSON_GetObjectItemCaseSensitive(r->json, "evidences");
	int count = 0, g = 0, code = 0;
	if (!cJSON_IsArray(groups))
		return err_set(e, ERR_FORMAT, "field 'evidences' must be an array in %s", r->where);
	cJSON_ArrayForEach(group, groups) count += cJSON_GetArraySize(group);
	r->out->evidence = texts_take(&r->all->texts, (size_t)count * sizeof *r->out->evidence + 1, e);
	if (!r->out->evidence)
		return ERR_MEMORY;
	for (group = groups->child; group && !code; group = group->next, g++) {
		int i = 0;
		if (!cJSON_IsArray(group))
			return err_set(e, ERR_FORMAT, "field 'evidences[%d]' must be an array in %s", g, r->where);
		for (item = group->child; item && !code; item = item->next)
			code = read_evidence(r, item, g, i++, e);
	}
	return code;
}

/* ---- the table of ids ----------------------------------------------------------------------------------------- */

static int find(const struct annotations *a, const char *id, uint64_t *key)
{
	for (*key = hash_bytes(HASH_START, id, strlen(id));; ++*key) {
		int at = (int)hash_map_get(&a->by_id, *key, -1);
		if (at < 0 || !strcmp(a->item[at].id, id))
			return at;
	}
}

int annotations_find(const struct annotations *a, const char *id)
{
	uint64_t key;
	return find(a, id, &key);
}

static int add_id(struct annotations *a, const struct row *r, struct err *e)
{
	uint64_t key;
	if (find(a, r->out->id, &key) >= 0)
		return err_set(e, ERR_FORMAT, "annotation '%.200s' is there twice, again in %s", r->out->id, r->where);
	return hash_map_set(&a->by_id, key, a->count, e);
}

static int read_row(struct annotations *a, const cJSON *json, int line, int *capacity, struct err *e)
{
	if (a->count == *capacity) {
		const int more = *capacity ? 2 * *capacity : 256;
		struct annotation *item = realloc(a->item, (size_t)more * sizeof *item);
		if (!item)
			return err_set(e, ERR_MEMORY, "out of memory for the annotations of '%s'", a->path);
		a->item = item;
		*capacity = more;
	}
	struct row r = {.all = a, .json = json, .out = &a->item[a->count]};
	const char *kept;
	snprintf(r.where, sizeof r.where, "'%s' line %d", a->path, line);
	*r.out = (struct annotation){.line = line};
	int code = get_text(&r, "annotation_id", &r.out->id, 1, e);
	if (!code)
		code = add_id(a, &r, e);
	if (!code)
		code = get_text(&r, "query", &r.out->query, 0, e);
	if (!code)
		code = get_text(&r, "classification", &r.out->label, 0, e);
	if (!code)
		code = read_docids(&r, e);
	if (!code)
		code = read_evidences(&r, e);
	if (!code && !r.out->docid_count)
		code = add_docid(&r, r.out->id, &kept, e);
	a->count += !code;
	return code;
}

static int read_rows(struct annotations *a, const struct file_map *m, struct err *e)
{
	struct table t;
	cJSON *row = NULL;
	const char *bytes = (const char *)m->data;
	int capacity = 0, code = 0;
	if (utf8_span(bytes, m->size) != m->size)
		return err_set(e, ERR_FORMAT, "'%s' is not UTF-8 at byte %zu", a->path, utf8_span(bytes, m->size));
	code = table_open(&t, TABLE_JSONL, a->path, bytes, m->size, NULL, &a->texts, e);
	while (!code && !(code = table_next_json(&t, &row, e)) && row) {
		code = read_row(a, row, t.line, &capacity, e);
		cJSON_Delete(row);
	}
	return code;
}

int annotations_open(struct annotations *a, const char *path, struct err *e)
{
	struct file_map m = {0};
	*a = (struct annotations){0};
	if ((size_t)snprintf(a->path, sizeof a->path, "%s", path) >= sizeof a->path)
		return err_set(e, ERR_LIMIT, "path too long: '%.200s...'", path);
	int code = file_map_open(&m, path, e);
	if (!code && m.size)
		code = read_rows(a, &m, e);
	if (!code && !a->count)
		code = err_set(e, ERR_FORMAT, "no annotations in '%s'", path);
	file_map_close(&m);
	if (code)
		annotations_close(a);
	return code;
}

void annotations_close(struct annotations *a)
{
	free(a->item);
	texts_free(&a->texts);
	hash_map_free(&a->by_id);
	*a = (struct annotations){0};
}

/* ---- against the document ------------------------------------------------------------------------------------- */

/* The tokens of the span, in turn, at *text; white space between them is free. */
static int says(const struct document *d, int start, int end, const char *text)
{
	for (int t = start; t < end; t++) {
		const size_t size = d->token[t][1] - d->token[t][0];
		text += strspn(text, " \t\r\n");
		if (strncmp(text, d->text + d->token[t][0], size) != 0)
			return 0;
		text += size;
	}
	return !text[strspn(text, " \t\r\n")];
}

int evidence_check(const struct evidence *x, const struct annotation *of, const char *path, const struct document *d,
                   struct err *e)
{
	char name[4300];
	snprintf(name, sizeof name, "'%s' line %d, evidences[%d][%d]", path, of->line, x->group, x->item);
	if (x->start < 0 || x->end <= x->start)
		return err_set(e, ERR_FORMAT, "tokens [%d,%d) are no span in %s", x->start, x->end, name);
	if (x->end > d->tokens)
		return err_set(e, ERR_FORMAT, "tokens [%d,%d) are past the end of document '%.200s' (%d tokens) in %s",
		               x->start, x->end, d->id, d->tokens, name);
	if (x->text && !says(d, x->start, x->end, x->text))
		return err_set(e, ERR_FORMAT, "the text is not that of tokens [%d,%d) of document '%.200s' in %s", x->start,
		               x->end, d->id, name);
	return 0;
}
