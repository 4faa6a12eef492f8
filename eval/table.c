#include "table.h"

#include "../engine/base/err.h"
#include "../engine/base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int too_many(const struct table *t, struct err *e)
{
	return err_set(e, ERR_LIMIT, "more than %d columns in '%s' line %d", TABLE_COLUMNS_MAX, t->path, t->line);
}

/* The next line without its end; the last may lack one. */
static struct span take_line(struct table *t)
{
	const char *from = t->bytes + t->at;
	size_t left = t->size - t->at;
	const char *end = memchr(from, '\n', left);
	size_t size = end ? (size_t)(end - from) : left;
	t->at += end ? size + 1 : size;
	t->line = ++t->lines;
	if (size && from[size - 1] == '\r')
		size--;
	return (struct span){from, size};
}

static int split(struct table *t, struct span s, char separator, int *count, struct err *e)
{
	const char *end = s.bytes + s.size;
	for (*count = 0;; s.bytes++) {
		const char *stop = memchr(s.bytes, separator, (size_t)(end - s.bytes));
		if (*count == TABLE_COLUMNS_MAX)
			return too_many(t, e);
		t->field[(*count)++] = (struct span){s.bytes, (size_t)((stop ? stop : end) - s.bytes)};
		if (!stop)
			return 0;
		s.bytes = stop;
	}
}

static int next_tsv(struct table *t, int *count, struct err *e) { return split(t, take_line(t), '\t', count, e); }

/* ---- comma-separated ------------------------------------------------------------------------------------------- */

static int csv_fault(const struct table *t, int count, const char *what, struct err *e)
{
	return err_set(e, ERR_FORMAT, "%s in '%s' line %d, column %d", what, t->path, t->line, count + 1);
}

/* A field in quotes, t->at behind the first; doubled quotes are one, which is why such a field is copied. */
static int csv_quoted(struct table *t, int count, struct span *field, struct err *e)
{
	const char *from = t->bytes + t->at;
	size_t size = 0, doubled = 0, left = t->size - t->at;
	for (; size < left; size++) {
		if (from[size] == '\n')
			t->lines++;
		if (from[size] != '"')
			continue;
		if (size + 1 == left || from[size + 1] != '"')
			break;
		size++;
		doubled++;
	}
	if (size == left)
		return csv_fault(t, count, "a quoted field does not end", e);
	t->at += size + 1;
	*field = (struct span){from, size};
	if (!doubled)
		return 0;
	char *copy = texts_take(t->texts, size - doubled, e);
	if (!copy)
		return ERR_MEMORY;
	*field = (struct span){copy, size - doubled};
	for (size_t i = 0; i < size; i++) {
		*copy++ = from[i];
		i += from[i] == '"';
	}
	return 0;
}

static int csv_plain(struct table *t, int count, struct span *field, struct err *e)
{
	const char *from = t->bytes + t->at;
	size_t size = 0, left = t->size - t->at;
	while (size < left && from[size] != ',' && from[size] != '\n' && from[size] != '"')
		size++;
	if (size < left && from[size] == '"')
		return csv_fault(t, count, "a quote inside a field that is not quoted", e);
	t->at += size;
	if (size && (size == left || from[size] == '\n') && from[size - 1] == '\r')
		size--;
	*field = (struct span){from, size};
	return 0;
}

/* What follows a field: a comma, or the end of the row. */
static int csv_after(struct table *t, int count, int *is_last, struct err *e)
{
	if (t->at < t->size && t->bytes[t->at] == '\r' && (t->at + 1 == t->size || t->bytes[t->at + 1] == '\n'))
		t->at++;
	*is_last = t->at == t->size || t->bytes[t->at] == '\n';
	if (!*is_last && t->bytes[t->at] != ',')
		return csv_fault(t, count, "text after the closing quote", e);
	if (t->at < t->size)
		t->at++;
	return 0;
}

static int next_csv(struct table *t, int *count, struct err *e)
{
	t->line = ++t->lines;
	int code = 0, is_last = 0;
	for (*count = 0; !is_last && !code; ++*count) {
		if (*count == TABLE_COLUMNS_MAX)
			return too_many(t, e);
		struct span *field = &t->field[*count];
		int is_quoted = t->at < t->size && t->bytes[t->at] == '"';
		t->at += (size_t)is_quoted;
		code = is_quoted ? csv_quoted(t, *count, field, e) : csv_plain(t, *count, field, e);
		if (!code)
			code = csv_after(t, *count, &is_last, e);
	}
	return code;
}

/* ---- JSON lines ------------------------------------------------------------------------------------------------ */

int table_has_nul_escape(struct span json)
{
	const char *end = json.bytes + json.size;
	for (const char *p = json.bytes; (p = memchr(p, '\\', (size_t)(end - p))) && end - p >= 6; p += 2)
		if (!memcmp(p, "\\u0000", 6))
			return 1;
	return 0;
}

static int json_field(struct table *t, int column, const cJSON *value, struct err *e)
{
	char number[40];
	const char *text = number;
	struct span name = t->name[column];
	if (cJSON_IsString(value))
		text = value->valuestring;
	else if (cJSON_IsBool(value))
		text = cJSON_IsTrue(value) ? "true" : "false";
	else if (cJSON_IsNumber(value) && value->valuedouble == floor(value->valuedouble) &&
	         fabs(value->valuedouble) < 1e15)
		snprintf(number, sizeof number, "%.0f", value->valuedouble);
	else if (cJSON_IsNumber(value))
		snprintf(number, sizeof number, "%.17g", value->valuedouble);
	else
		return err_set(e, ERR_FORMAT, "field '%.*s' must be a text, a number or a boolean in '%s' line %d",
		               (int)name.size, name.bytes, t->path, t->line);
	size_t size = strlen(text);
	char *copy = texts_copy(t->texts, text, size, e);
	t->field[column] = (struct span){copy, size};
	return copy ? 0 : ERR_MEMORY;
}

static int json_fields(struct table *t, const cJSON *row, struct err *e)
{
	int code = 0;
	for (int i = 0; i < t->columns && !code; i++) {
		/* names of columns are NUL-terminated for JSON lines: table_column copies them */
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(row, t->name[i].bytes);
		t->field[i] = (struct span){NULL, 0};
		if (value && !cJSON_IsNull(value))
			code = json_field(t, i, value, e);
	}
	return code;
}

static int is_blank(struct span s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.bytes[i] != ' ' && s.bytes[i] != '\t' && s.bytes[i] != '\r')
			return 0;
	return 1;
}

int table_next_json(struct table *t, cJSON **row, struct err *e)
{
	struct span s;
	*row = NULL;
	do {
		if (t->at == t->size)
			return 0;
		s = take_line(t);
	} while (is_blank(s));
	if (table_has_nul_escape(s))
		return err_set(e, ERR_FORMAT, "a NUL character in '%s' line %d", t->path, t->line);
	char name[4200];
	snprintf(name, sizeof name, "%s line %d", t->path, t->line);
	if (!(*row = json_parse(s.bytes, s.size, name, e)))
		return ERR_FORMAT;
	if (cJSON_IsObject(*row))
		return 0;
	cJSON_Delete(*row);
	*row = NULL;
	return err_set(e, ERR_FORMAT, "expected a JSON object in '%s' line %d", t->path, t->line);
}

static int next_json(struct table *t, int *more, struct err *e)
{
	cJSON *row;
	int code = table_next_json(t, &row, e);
	*more = row != NULL;
	if (row)
		code = json_fields(t, row, e);
	cJSON_Delete(row);
	return code;
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

static int check_names(const struct table *t, struct err *e)
{
	for (int i = 0; i < t->columns; i++)
		for (int j = 0; j < i; j++)
			if (t->name[i].size == t->name[j].size && !memcmp(t->name[i].bytes, t->name[j].bytes, t->name[i].size))
				return err_set(e, ERR_FORMAT, "column '%.*s' is there twice in '%s' line %d", (int)t->name[i].size,
				               t->name[i].bytes, t->path, t->line);
	return 0;
}

static int next_row(struct table *t, int *count, struct err *e)
{
	return t->format == TABLE_TSV ? next_tsv(t, count, e) : next_csv(t, count, e);
}

int table_open(struct table *t, enum table_format format, const char *path, const char *bytes, size_t size,
               const char *columns, struct texts *texts, struct err *e)
{
	*t = (struct table){.format = format, .path = path, .bytes = bytes, .size = size, .texts = texts};
	if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
		t->at = 3;
	if (format == TABLE_JSONL)
		return 0;
	if (t->at == size)
		return err_set(e, ERR_FORMAT, "nothing in '%s'", path);
	int code =
		columns ? split(t, (struct span){columns, strlen(columns)}, ',', &t->columns, e) : next_row(t, &t->columns, e);
	memcpy(t->name, t->field, sizeof t->name);
	return code ? code : check_names(t, e);
}

static int add_json_column(struct table *t, const char *name, struct err *e)
{
	if (t->columns == TABLE_COLUMNS_MAX) {
		too_many(t, e);
		return -1;
	}
	size_t size = strlen(name);
	char *copy = texts_copy(t->texts, name, size, e);
	if (!copy)
		return -1;
	t->name[t->columns] = (struct span){copy, size};
	return t->columns++;
}

int table_column(struct table *t, const char *name, struct err *e)
{
	for (int i = 0; i < t->columns; i++)
		if (t->name[i].size == strlen(name) && !memcmp(t->name[i].bytes, name, t->name[i].size))
			return i;
	return t->format == TABLE_JSONL ? add_json_column(t, name, e) : -1;
}

int table_next(struct table *t, int *more, struct err *e)
{
	if (t->format == TABLE_JSONL)
		return next_json(t, more, e);
	while ((*more = t->at < t->size)) {
		int count, code = next_row(t, &count, e);
		if (code)
			return code;
		if (count == t->columns)
			return 0;
		if (!t->ragged || count > t->columns)
			return err_set(e, ERR_FORMAT, "expected %d columns, found %d in '%s' line %d", t->columns, count, t->path,
			               t->line);
		t->skipped++;
	}
	return 0;
}
