/* Reading the commands' input, line by line. */
#include "input.h"

#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 512, LINE_LIMIT = 1 << 30 };

int input_open(struct input *in, const char *path, enum input_format format, struct err *e)
{
	int is_stdin = !path || strcmp(path, "-") == 0;
	*in = (struct input){.name = is_stdin ? "standard input" : path, .format = format};
	in->stream = is_stdin ? stdin : fopen(path, "rb");
	if (!in->stream)
		return err_set_errno(e, errno, "cannot open '%s'", path);
	return 0;
}

void input_close(struct input *in)
{
	if (in->stream && in->stream != stdin)
		fclose(in->stream);
	free(in->buffer);
	in->stream = NULL;
	in->buffer = NULL;
}

void record_free(struct record *r)
{
	buf_free(&r->text);
	buf_free(&r->pair);
	free(r->ids.value);
	free(r->type_ids.value);
	free(r->scores.value);
	free(r->counts.value);
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

static int read_plain(struct record *r, const char *line, size_t size, struct err *e)
{
	const char *tab = memchr(line, '\t', size);
	size_t first = tab ? (size_t)(tab - line) : size;
	r->has_pair = tab != NULL;
	buf_add(&r->text, line, first);
	if (tab)
		buf_add(&r->pair, tab + 1, size - first - 1);
	int code = buf_check(&r->text, e);
	return code ? code : buf_check(&r->pair, e);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

static int list_add(struct number_list *l, double value, struct err *e)
{
	if (l->count == l->capacity) {
		int capacity = l->capacity ? 2 * l->capacity : 64;
		double *grown = realloc(l->value, (size_t)capacity * sizeof *grown);
		if (!grown)
			return err_set(e, ERR_MEMORY, "out of memory for a list of %d numbers", capacity);
		l->value = grown;
		l->capacity = capacity;
	}
	l->value[l->count++] = value;
	return 0;
}

static int read_list(struct number_list *l, const cJSON *object, const char *field, int is_integer, const char *name,
                     struct err *e)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, field), *x;
	l->count = -1;
	if (!array || cJSON_IsNull(array))
		return 0;
	if (!cJSON_IsArray(array))
		return err_set(e, ERR_FORMAT, "field '%s' of '%s' must be a list of numbers", field, name);
	l->count = 0;
	cJSON_ArrayForEach(x, array)
	{
		double v = x->valuedouble;
		if (!cJSON_IsNumber(x) || !isfinite(v) || (is_integer && (v != floor(v) || fabs(v) > 2147483647.0)))
			return err_set(e, ERR_FORMAT, "field '%s' of '%s' must be a list of %s: item %d is not", field, name,
			               is_integer ? "integers" : "numbers", l->count);
		int code = list_add(l, v, e);
		if (code)
			return code;
	}
	return 0;
}

static int read_text(struct buf *out, const cJSON *object, const char *field, int *is_there, const char *name,
                     struct err *e)
{
	const char *text = NULL;
	int code = json_get_string(object, field, &text, name, e);
	if (code)
		return code;
	*is_there = text != NULL;
	if (text)
		buf_add_text(out, text);
	return buf_check(out, e);
}

static int read_fields(struct record *r, const cJSON *object, enum input_format format, const char *name, struct err *e)
{
	int code = 0, has_text = 0;
	if (format == INPUT_JSONL) {
		code = read_text(&r->text, object, "text", &has_text, name, e);
		if (!code && !has_text)
			return err_set(e, ERR_FORMAT, "no field 'text' in '%s'", name);
		if (!code)
			code = read_text(&r->pair, object, "text_pair", &r->has_pair, name, e);
	} else {
		code = read_list(&r->ids, object, "ids", 1, name, e);
		if (!code && r->ids.count < 1)
			return err_set(e, ERR_FORMAT, "no field 'ids', or no id in it, in '%s'", name);
		if (!code)
			code = read_list(&r->type_ids, object, "type_ids", 1, name, e);
		if (!code && r->type_ids.count >= 0 && r->type_ids.count != r->ids.count)
			return err_set(e, ERR_MISMATCH, "%d 'type_ids' for %d 'ids' in '%s'", r->type_ids.count, r->ids.count,
			               name);
	}
	if (!code)
		code = read_list(&r->scores, object, "scores", 0, name, e);
	return code ? code : read_list(&r->counts, object, "counts", 1, name, e);
}

static int read_json(struct input *in, struct record *r, const char *line, size_t size, struct err *e)
{
	char name[NAME_SIZE];
	snprintf(name, sizeof name, "%s line %ld", in->name, in->line);
	/* cJSON ends a string at an escaped NUL: the rest of the text would be lost without a word. */
	if (memmem(line, size, "\\u0000", 6))
		return err_set(e, ERR_FORMAT, "'%s' holds an escaped NUL character", name);
	cJSON *object = json_parse(line, size, name, e);
	if (!object)
		return e ? e->code : ERR_FORMAT;
	int code = cJSON_IsObject(object) ? read_fields(r, object, in->format, name, e)
	                                  : err_set(e, ERR_FORMAT, "'%s' is not a JSON object", name);
	cJSON_Delete(object);
	return code;
}

int input_next(struct input *in, struct record *r, int *more, struct err *e)
{
	errno = 0;
	ssize_t size = getline(&in->buffer, &in->capacity, in->stream);
	*more = size >= 0;
	if (size < 0 && errno == EINTR)
		return err_set(e, ERR_INTERRUPTED, "interrupted while waiting for '%s'", in->name);
	if (size < 0)
		return ferror(in->stream) || !feof(in->stream) ? err_set_errno(e, errno, "cannot read '%s'", in->name) : 0;
	in->line++;
	if (size > LINE_LIMIT)
		return err_set(e, ERR_LIMIT, "'%s' line %ld is longer than 1 GiB", in->name, in->line);
	if (size > 0 && in->buffer[size - 1] == '\n')
		size--;
	r->line = in->line;
	r->has_pair = 0;
	buf_reset(&r->text);
	buf_reset(&r->pair);
	r->ids.count = r->type_ids.count = r->scores.count = r->counts.count = -1;
	if (in->format == INPUT_LINES)
		return read_plain(r, in->buffer, (size_t)size, e);
	return read_json(in, r, in->buffer, (size_t)size, e);
}
