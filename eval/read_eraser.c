/* ERASER (DeYoung et al. 2020): annotations as JSON lines, the text of each in docs/ID or in a line of docs.jsonl.
 *
 * The text is the document, the pair (MultiRC) the query as it stands, "question || answer". Rationales are not read
 * here. A document is loaded once, however many annotations are about it. */
#include "hash.h"
#include "reader.h"

#include "../engine/base/err.h"
#include "../engine/base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct document {
	const char *id;
	struct span text;
};

struct documents {
	const char *folder;
	int is_jsonl;
	struct document *document;
	int count, capacity;
	struct hash_map by_id; /* hash of the id -> index, linear probing over hashes on the unlikely collision */
};

struct annotations {
	struct documents documents;
	struct hash_map ids;
	struct table table;
	int file;
};

static int find_document(const struct documents *all, const char *id, uint64_t *key)
{
	for (*key = hash_bytes(HASH_START, id, strlen(id));; ++*key) {
		int at = (int)hash_map_get(&all->by_id, *key, -1);
		if (at < 0 || !strcmp(all->document[at].id, id))
			return at;
	}
}

static int add_document(struct dataset *d, struct documents *all, const char *id, struct span text, uint64_t key,
                        struct err *e)
{
	struct document *grown_to = grown(all->document, all->count, &all->capacity, sizeof *grown_to, e);
	if (!grown_to)
		return ERR_MEMORY;
	all->document = grown_to;
	all->document[all->count] = (struct document){texts_copy(&d->memory->texts, id, strlen(id), e), text};
	if (!all->document[all->count].id)
		return ERR_MEMORY;
	return hash_map_set(&all->by_id, key, all->count++, e);
}

static int read_documents(struct dataset *d, struct documents *all, const char *path, struct err *e)
{
	struct span bytes;
	struct table t;
	int more = 1, code = dataset_map(d, path, &bytes, e);
	if (!code)
		code = table_open(&t, TABLE_JSONL, path, bytes.bytes, bytes.size, NULL, &d->memory->texts, e);
	if (code)
		return code;
	int id = table_column(&t, "docid", e), text = table_column(&t, "document", e);
	while (!code && id >= 0 && text >= 0 && !(code = table_next(&t, &more, e)) && more) {
		uint64_t key;
		const char *name = t.field[id].bytes;
		if (!name || !t.field[text].size)
			code = err_set(e, ERR_FORMAT, "no '%s' in '%s' line %d", name ? "document" : "docid", path, t.line);
		else if (find_document(all, name, &key) >= 0)
			code = err_set(e, ERR_FORMAT, "document '%s' is there twice in '%s' line %d", name, path, t.line);
		else
			code = add_document(d, all, name, t.field[text], key, e);
	}
	return code;
}

static int load_document(struct dataset *d, struct documents *all, const char *id, uint64_t key, const char *where,
                         struct err *e)
{
	char path[4096 + 300];
	struct span text;
	snprintf(path, sizeof path, "%s/docs/%s", all->folder, id);
	if (all->is_jsonl || strchr(id, '/') || id[0] == '.' || strlen(id) > 255 || !file_exists(path))
		return err_set(e, ERR_FORMAT, "no document '%.255s' in '%s/docs%s', asked for in %s", id, all->folder,
		               all->is_jsonl ? ".jsonl" : "", where);
	int code = dataset_load(d, path, &text, e);
	return code ? code : add_document(d, all, id, text, key, e);
}

static int open_documents(struct dataset *d, struct documents *all, const char *folder, struct err *e)
{
	char path[4096 + 16];
	all->folder = folder;
	snprintf(path, sizeof path, "%s/docs", folder);
	if (file_is_directory(path))
		return 0;
	snprintf(path, sizeof path, "%s/docs.jsonl", folder);
	if (!file_exists(path))
		return err_set(e, ERR_FORMAT, "neither 'docs' nor 'docs.jsonl' in '%s'", folder);
	all->is_jsonl = 1;
	return read_documents(d, all, path, e);
}

/* Several documents in one annotation are ERASER's (FEVER has them), but no task here is of that kind. */
static int same_document(const char **id, const cJSON *value, const char *field, const char *where, struct err *e)
{
	if (!cJSON_IsString(value))
		return err_set(e, ERR_FORMAT, "field '%s' must be a text in %s", field, where);
	if (*id && strcmp(*id, value->valuestring) != 0)
		return err_set(e, ERR_UNSUPPORTED, "two documents, '%.100s' and '%.100s', in %s", *id, value->valuestring,
		               where);
	*id = value->valuestring;
	return 0;
}

static int document_of_evidences(const char **id, const cJSON *row, const char *where, struct err *e)
{
	const cJSON *group, *span, *groups = cJSON_GetObjectItemCaseSensitive(row, "evidences");
	int code = 0;
	if (!cJSON_IsArray(groups))
		return err_set(e, ERR_FORMAT, "field 'evidences' must be an array in %s", where);
	cJSON_ArrayForEach(group, groups)
	{
		if (!cJSON_IsArray(group))
			return err_set(e, ERR_FORMAT, "field 'evidences' must be an array of arrays in %s", where);
		for (span = group->child; span && !code; span = span->next)
			code = same_document(id, cJSON_GetObjectItemCaseSensitive(span, "docid"), "evidences.docid", where, e);
	}
	return code;
}

/* docids where it is given, else what the evidences are of, else the annotation's own name. */
static int document_id(const char **id, const cJSON *row, const char *annotation, const char *where, struct err *e)
{
	const cJSON *item, *ids = cJSON_GetObjectItemCaseSensitive(row, "docids");
	int code = 0;
	*id = NULL;
	if (ids && !cJSON_IsNull(ids) && !cJSON_IsArray(ids))
		return err_set(e, ERR_FORMAT, "field 'docids' must be an array in %s", where);
	for (item = ids ? ids->child : NULL; item && !code; item = item->next)
		code = same_document(id, item, "docids", where, e);
	if (!code)
		code = document_of_evidences(id, row, where, e);
	if (!*id)
		*id = annotation;
	return code;
}

static int get_text(const cJSON *row, const char *field, const char **text, const char *where, struct err *e)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, field);
	if (!cJSON_IsString(item) || !item->valuestring[0])
		return err_set(e, ERR_FORMAT, "field '%s' must be a text in %s", field, where);
	*text = item->valuestring;
	return 0;
}

static int check_new(struct annotations *a, const char *id, const char *where, struct err *e)
{
	uint64_t key = hash_bytes(HASH_START, id, strlen(id));
	if (hash_map_get(&a->ids, key, 0))
		return err_set(e, ERR_FORMAT, "annotation '%.200s' is there twice, again in %s", id, where);
	return hash_map_set(&a->ids, key, 1, e);
}

static int add_pair(struct dataset *d, struct sample *s, const cJSON *row, const char *where, struct err *e)
{
	const char *query = NULL;
	int code = get_text(row, "query", &query, where, e);
	if (code)
		return code;
	s->pair_size = strlen(query);
	s->pair = texts_copy(&d->memory->texts, query, s->pair_size, e);
	return s->pair ? 0 : ERR_MEMORY;
}

static int add_annotation(struct dataset *d, struct annotations *a, const cJSON *row, struct err *e)
{
	char where[4200];
	const char *annotation = NULL, *id = NULL, *label = NULL;
	uint64_t key;
	struct sample s = {.label = -1, .value = NAN, .file = a->file, .line = a->table.line};
	snprintf(where, sizeof where, "'%s' line %d", a->table.path, a->table.line);
	int at = -1, code = get_text(row, "annotation_id", &annotation, where, e);
	if (!code)
		code = check_new(a, annotation, where, e);
	if (!code)
		code = document_id(&id, row, annotation, where, e);
	if (!code && (at = find_document(&a->documents, id, &key)) < 0)
		code = load_document(d, &a->documents, id, key, where, e);
	if (!code)
		code = get_text(row, "classification", &label, where, e);
	if (!code)
		code = dataset_label(d, &s, (struct span){label, strlen(label)}, "classification", e);
	if (!code && d->task->is_pair)
		code = add_pair(d, &s, row, where, e);
	if (code)
		return code;
	struct span text = a->documents.document[at < 0 ? a->documents.count - 1 : at].text;
	s.text = text.bytes;
	s.text_size = text.size;
	return dataset_add(d, &s, e);
}

static int read_annotations(struct dataset *d, const struct source *s, struct annotations *a, struct err *e)
{
	struct span bytes = {0};
	cJSON *row;
	int code = open_documents(d, &a->documents, s->folder, e);
	if (!code)
		code = dataset_map(d, s->path, &bytes, e);
	if (!code)
		code = dataset_add_file(d, s->path, &a->file, e);
	if (!code)
		code = table_open(&a->table, TABLE_JSONL, s->path, bytes.bytes, bytes.size, NULL, &d->memory->texts, e);
	while (!code && !(code = table_next_json(&a->table, &row, e)) && row) {
		code = add_annotation(d, a, row, e);
		cJSON_Delete(row);
	}
	if (!code && !d->count)
		code = err_set(e, ERR_FORMAT, "no annotations in '%s'", s->path);
	return code;
}

int read_eraser(struct dataset *d, const struct source *s, struct err *e)
{
	struct annotations a = {0};
	int code = read_annotations(d, s, &a, e);
	free(a.documents.document);
	hash_map_free(&a.documents.by_id);
	hash_map_free(&a.ids);
	return code;
}
