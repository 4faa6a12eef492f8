#include "reader.h"

#include "../engine/base/err.h"
#include "../engine/base/utf8.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A document longer than this is not one of these data sets. */
#define DOCUMENT_BYTES ((size_t)64 << 20)

void *grown(void *array, int count, int *capacity, size_t size, struct err *e)
{
	if (count < *capacity)
		return array;
	if (count > INT_MAX / 2) {
		err_set(e, ERR_LIMIT, "more than %d entries", INT_MAX / 2);
		return NULL;
	}
	int larger = *capacity ? *capacity * 2 : 64;
	void *moved = realloc(array, (size_t)larger * size);
	if (!moved) {
		err_set(e, ERR_MEMORY, "out of memory for %d entries", larger);
		return NULL;
	}
	*capacity = larger;
	return moved;
}

int dataset_add_file(struct dataset *d, const char *path, int *file, struct err *e)
{
	char **files = grown(d->files, d->file_count, &d->memory->file_capacity, sizeof *files, e);
	if (!files)
		return ERR_MEMORY;
	d->files = files;
	d->files[d->file_count] = texts_copy(&d->memory->texts, path, strlen(path), e);
	if (!d->files[d->file_count])
		return ERR_MEMORY;
	*file = d->file_count++;
	return 0;
}

static int check_text(const char *path, struct span s, struct err *e)
{
	if (!s.size)
		return err_set(e, ERR_FORMAT, "nothing in '%s'", path);
	size_t good = utf8_span(s.bytes, s.size);
	if (good == s.size)
		return 0;
	int line = 1;
	for (size_t i = 0; i < good; i++)
		line += s.bytes[i] == '\n';
	return err_set(e, ERR_FORMAT,
	               s.bytes[good] ? "not UTF-8 at byte %zu of '%s', line %d" : "a NUL at byte %zu of '%s', line %d",
	               good, path, line);
}

int dataset_map(struct dataset *d, const char *path, struct span *bytes, struct err *e)
{
	struct dataset_memory *m = d->memory;
	struct file_map *maps = grown(m->maps, m->map_count, &m->map_capacity, sizeof *maps, e);
	if (!maps)
		return ERR_MEMORY;
	m->maps = maps;
	struct file_map *map = &m->maps[m->map_count];
	int code = file_map_open(map, path, e);
	if (code)
		return code;
	m->map_count++;
	*bytes = (struct span){(const char *)map->data, map->size};
	return check_text(path, *bytes, e);
}

int dataset_load(struct dataset *d, const char *path, struct span *bytes, struct err *e)
{
	char *data;
	size_t size;
	int code = file_read(&data, &size, path, DOCUMENT_BYTES, e);
	if (code)
		return code;
	code = check_text(path, (struct span){data, size}, e);
	char *copy = code ? NULL : texts_copy(&d->memory->texts, data, size, e);
	free(data);
	*bytes = (struct span){copy, size};
	return code ? code : copy ? 0 : ERR_MEMORY;
}

int dataset_add(struct dataset *d, const struct sample *s, struct err *e)
{
	struct sample *samples = grown(d->sample, d->count, &d->memory->sample_capacity, sizeof *samples, e);
	if (!samples)
		return ERR_MEMORY;
	d->sample = samples;
	d->sample[d->count++] = *s;
	return 0;
}

static int unknown_label(const struct dataset *d, const struct sample *s, struct span text, const char *field,
                         struct err *e)
{
	char known[300] = "";
	size_t used = 0;
	for (int i = 0; i < d->classes && used < sizeof known; i++)
		used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", d->task->spelled[i]);
	return err_set(e, ERR_FORMAT, "unknown label '%.*s' in field '%s' of '%s' line %d (known: %s)",
	               text.size < 80 ? (int)text.size : 80, text.bytes, field, d->files[s->file], s->line, known);
}

static int parse_value(const struct dataset *d, struct sample *s, struct span text, const char *field, struct err *e)
{
	char number[64] = "", *end = number;
	if (text.size && text.size < sizeof number) {
		memcpy(number, text.bytes, text.size);
		s->value = strtod(number, &end);
	}
	if (end == number || *end || !isfinite(s->value))
		return err_set(e, ERR_FORMAT, "not a number: '%.*s' in field '%s' of '%s' line %d",
		               text.size < 80 ? (int)text.size : 80, text.bytes, field, d->files[s->file], s->line);
	return 0;
}

int dataset_label(const struct dataset *d, struct sample *s, struct span text, const char *field, struct err *e)
{
	if (!text.bytes)
		return err_set(e, ERR_FORMAT, "no field '%s' in '%s' line %d", field, d->files[s->file], s->line);
	if (!d->classes)
		return parse_value(d, s, text, field, e);
	for (int i = 0; i < d->classes; i++)
		if (strlen(d->task->spelled[i]) == text.size && !memcmp(d->task->spelled[i], text.bytes, text.size)) {
			s->label = i;
			return 0;
		}
	return unknown_label(d, s, text, field, e);
}

void dataset_note(struct dataset *d, const char *format, ...)
{
	size_t used = strlen(d->note);
	if (used)
		used += (size_t)snprintf(d->note + used, sizeof d->note - used, "; ");
	if (used >= sizeof d->note)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(d->note + used, sizeof d->note - used, format, args);
	va_end(args);
}
