#include "documents.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/json.h"
#include "../engine/base/utf8.h"
#include "../eval/hash.h"
#include "../eval/table.h"
#include "../eval/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, NAME_LONGEST = 255, DOCUMENT_LARGEST = 1 << 30 };

/* A line of docs.jsonl. */
struct line {
	const char *id;
	size_t at, size;
	int number;
};

struct documents {
	char path[PATH_SIZE + 16]; /* of docs or docs.jsonl */
	int is_jsonl;
	struct file_map map; /* of docs.jsonl */
	struct line *lines;
	int line_count, line_capacity;
	struct hash_map by_id;
	struct texts ids;

	/* The document in hand. */
	char *text;
	cJSON *row;
	size_t (*token)[2];
	int *sentence;
	size_t token_capacity, sentence_capacity;
};

/* ---- docs.jsonl: where each document lies --------------------------------------------------------------------- */

static int find_line(const struct documents *d, const char *id, uint64_t *key)
{
	for (*key = hash_bytes(HASH_START, id, strlen(id));; ++*key) {
		int at = (int)hash_map_get(&d->by_id, *key, -1);
		if (at < 0 || !strcmp(d->lines[at].id, id))
			return at;
	}
}

static int add_line(struct documents *d, const char *id, size_t at, size_t size, int number, struct err *e)
{
	uint64_t key;
	if (find_line(d, id, &key) >= 0)
		return err_set(e, ERR_FORMAT, "document '%.200s' is there twice, again in '%s' line %d", id, d->path, number);
	if (d->line_count == d->line_capacity) {
		int capacity = d->line_capacity ? 2 * d->line_capacity : 256;
		struct line *lines = realloc(d->lines, (size_t)capacity * sizeof *lines);
		if (!lines)
			return err_set(e, ERR_MEMORY, "out of memory for the table of '%s'", d->path);
		d->lines = lines;
		d->line_capacity = capacity;
	}
	const char *copy = texts_copy(&d->ids, id, strlen(id), e);
	if (!copy)
		return ERR_MEMORY;
	d->lines[d->line_count] = (struct line){copy, at, size, number};
	return hash_map_set(&d->by_id, key, d->line_count++, e);
}

static int parse_line(const struct documents *d, size_t at, size_t size, int number, cJSON **row, struct err *e)
{
	char name[PATH_SIZE + 64];
	snprintf(name, sizeof name, "'%s' line %d", d->path, number);
	const char *bytes = (const char *)d->map.data + at;
	if (table_has_nul_escape((struct span){bytes, size}))
		return err_set(e, ERR_FORMAT, "an escaped NUL in %s", name);
	*row = json_parse(bytes, size, name, e);
	if (!*row)
		return e ? e->code : ERR_FORMAT;
	for (int i = 0; i < 2; i++) {
		const char *field = i ? "document" : "docid";
		if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(*row, field)))
			return err_set(e, ERR_FORMAT, "field '%s' must be a text in %s", field, name);
	}
	return 0;
}

static int index_line(struct documents *d, size_t at, size_t size, int number, struct err *e)
{
	cJSON *row = NULL;
	int code = parse_line(d, at, size, number, &row, e);
	if (!code)
		code = add_line(d, cJSON_GetObjectItemCaseSensitive(row, "docid")->valuestring, at, size, number, e);
	cJSON_Delete(row);
	return code;
}

/* The map does not end with a NUL. */
static int is_blank(const char *bytes, size_t size)
{
	while (size && (*bytes == ' ' || *bytes == '\t' || *bytes == '\r')) {
		bytes++;
		size--;
	}
	return !size;
}

static int index_lines(struct documents *d, struct err *e)
{
	int code = file_map_open(&d->map, d->path, e), number = 1;
	const char *bytes = (const char *)d->map.data;
	for (size_t at = 0, next; !code && at < d->map.size; at = next + 1, number++) {
		const char *end = memchr(bytes + at, '\n', d->map.size - at);
		next = end ? (size_t)(end - bytes) : d->map.size;
		if (!is_blank(bytes + at, next - at))
			code = index_line(d, at, next - at, number, e);
	}
	if (!code && !d->line_count)
		code = err_set(e, ERR_FORMAT, "no documents in '%s'", d->path);
	return code;
}

int documents_open(struct documents **out, const char *folder, struct err *e)
{
	struct documents *d = calloc(1, sizeof *d);
	if (!d)
		return err_set(e, ERR_MEMORY, "out of memory for documents");
	int code = file_join(d->path, sizeof d->path, folder, "docs", e);
	if (!code && !file_is_directory(d->path)) {
		code = file_join(d->path, sizeof d->path, folder, "docs.jsonl", e);
		d->is_jsonl = 1;
		if (!code && !file_exists(d->path))
			code = err_set(e, ERR_FORMAT, "neither 'docs' nor 'docs.jsonl' in '%s'", folder);
		if (!code)
			code = index_lines(d, e);
	}
	if (code)
		documents_close(d);
	*out = code ? NULL : d;
	return code;
}

void documents_close(struct documents *d)
{
	if (!d)
		return;
	file_map_close(&d->map);
	free(d->lines);
	hash_map_free(&d->by_id);
	texts_free(&d->ids);
	free(d->text);
	cJSON_Delete(d->row);
	free(d->token);
	free(d->sentence);
	free(d);
}

/* A name from a file must not lead out of the folder. */
static int file_of(const struct documents *d, const char *id, char *path, size_t size)
{
	if (!id[0] || id[0] == '.' || strchr(id, '/') || strlen(id) > NAME_LONGEST)
		return 0;
	return (size_t)snprintf(path, size, "%s/%s", d->path, id) < size && file_exists(path) && !file_is_directory(path);
}

int documents_has(const struct documents *d, const char *id)
{
	char path[PATH_SIZE + NAME_LONGEST + 32];
	uint64_t key;
	return d->is_jsonl ? find_line(d, id, &key) >= 0 : file_of(d, id, path, sizeof path);
}

/* ---- cutting -------------------------------------------------------------------------------------------------- */

static int room(void **array, size_t *capacity, size_t count, size_t size, struct err *e)
{
	if (count < *capacity)
		return 0;
	size_t grown = *capacity ? 2 * *capacity : 1024;
	void *moved = realloc(*array, grown * size);
	if (!moved)
		return err_set(e, ERR_MEMORY, "out of memory for a document's tokens");
	*array = moved;
	*capacity = grown;
	return 0;
}

static int add_token(struct documents *d, struct document *x, size_t begin, size_t end, struct err *e)
{
	void *array = d->token;
	int code = room(&array, &d->token_capacity, (size_t)x->tokens, sizeof *d->token, e);
	d->token = array;
	if (code)
		return code;
	d->token[x->tokens][0] = begin;
	d->token[x->tokens++][1] = end;
	return 0;
}

/* A sentence, already stripped. */
static int cut_sentence(struct documents *d, struct document *x, size_t begin, size_t end, struct err *e)
{
	void *array = d->sentence;
	int code = room(&array, &d->sentence_capacity, (size_t)x->sentences + 1, sizeof *d->sentence, e);
	d->sentence = array;
	if (code)
		return code;
	d->sentence[x->sentences++] = x->tokens;
	for (size_t at = begin, stop; !code && at <= end; at = stop + 1) {
		const char *space = memchr(x->text + at, ' ', end - at);
		stop = space ? (size_t)(space - x->text) : end;
		if (stop > at || d->is_jsonl)
			code = add_token(d, x, at, stop, e);
	}
	return code;
}

/* Bytes of the white space at s, as Python's str.isspace has it, of well-formed UTF-8; 0 when it is none. */
static size_t space_size(const char *s, size_t size)
{
	static const char *const wide[] = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\xA8",
	                                   "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
	const unsigned char c = (unsigned char)s[0];
	if (c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F))
		return 1;
	for (size_t i = 0; c >= 0xC2 && i < sizeof wide / sizeof wide[0]; i++)
		if (size >= strlen(wide[i]) && !memcmp(s, wide[i], strlen(wide[i])))
			return strlen(wide[i]);
	return size >= 3 && !memcmp(s, "\xE2\x80", 2) && (unsigned char)s[2] <= 0x8A ? 3 : 0; /* U+2000 .. U+200A */
}

static void strip(const char *text, size_t *begin, size_t *end)
{
	size_t n;
	while (*begin < *end && (n = space_size(text + *begin, *end - *begin)))
		*begin += n;
	while (*begin < *end) {
		size_t at = *end - 1;
		while (at > *begin && ((unsigned char)text[at] & 0xC0) == 0x80)
			at--;
		if (!space_size(text + at, *end - at))
			break;
		*end = at;
	}
}

static int cut(struct documents *d, struct document *x, struct err *e)
{
	int code = 0;
	for (size_t at = 0, next; !code && at <= x->size; at = next) {
		size_t begin = at, end = at;
		while (end < x->size && x->text[end] != '\n' && (d->is_jsonl || x->text[end] != '\r'))
			end++;
		next = end + 1;
		if (next < x->size && x->text[end] == '\r' && x->text[next] == '\n')
			next++;
		strip(x->text, &begin, &end);
		if (begin < end || d->is_jsonl)
			code = cut_sentence(d, x, begin, end, e);
	}
	if (code)
		return code;
	if (x->tokens)
		d->sentence[x->sentences] = x->tokens;
	x->token = d->token;
	x->sentence = d->sentence;
	return 0;
}

static int load_file(struct documents *d, const char *path, struct document *x, struct err *e)
{
	free(d->text);
	d->text = NULL;
	int code = file_read(&d->text, &x->size, path, DOCUMENT_LARGEST, e);
	x->text = d->text;
	return code;
}

static int load_line(struct documents *d, const struct line *l, struct document *x, struct err *e)
{
	cJSON_Delete(d->row);
	d->row = NULL;
	int code = parse_line(d, l->at, l->size, l->number, &d->row, e);
	if (code)
		return code;
	x->text = cJSON_GetObjectItemCaseSensitive(d->row, "document")->valuestring;
	x->size = strlen(x->text);
	return 0;
}

int documents_load(struct documents *d, const char *id, const char *where, struct document *out, struct err *e)
{
	char path[PATH_SIZE + NAME_LONGEST + 32];
	uint64_t key;
	int line = d->is_jsonl ? find_line(d, id, &key) : -1;
	*out = (struct document){.id = id};
	if (d->is_jsonl ? line < 0 : !file_of(d, id, path, sizeof path))
		return err_set(e, ERR_FORMAT, "no document '%.200s' in '%s', asked for in %s", id, d->path, where);
	int code = d->is_jsonl ? load_line(d, &d->lines[line], out, e) : load_file(d, path, out, e);
	if (!code && utf8_span(out->text, out->size) != out->size)
		code = err_set(e, ERR_FORMAT, "document '%.200s' of '%s' is not UTF-8 at byte %zu", id, d->path,
		               utf8_span(out->text, out->size));
	if (!code)
		code = cut(d, out, e);
	if (!code && !out->tokens)
		code = err_set(e, ERR_FORMAT, "document '%.200s' of '%s' is empty", id, d->path);
	return code;
}
