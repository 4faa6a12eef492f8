#include "buf.h"

#include "err.h"
#include "utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_free(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof *b);
}

void buf_reset(struct buf *b)
{
	b->size = 0;
	b->failed = 0;
	if (b->data)
		b->data[0] = '\0';
}

static int grow(struct buf *b, size_t need)
{
	size_t capacity = b->capacity < 64 ? 64 : b->capacity;
	while (capacity < need)
		capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
	char *data = realloc(b->data, capacity);
	if (!data) {
		b->failed = 1;
		return 0;
	}
	b->data = data;
	b->capacity = capacity;
	return 1;
}

char *buf_reserve(struct buf *b, size_t size)
{
	if (b->failed)
		return NULL;
	if (size >= SIZE_MAX - b->size) {
		b->failed = 1;
		return NULL;
	}
	size_t need = b->size + size + 1;
	if (need > b->capacity && !grow(b, need))
		return NULL;
	return b->data + b->size;
}

void buf_add(struct buf *b, const void *bytes, size_t size)
{
	char *to = buf_reserve(b, size);
	if (!to)
		return;
	if (size)
		memcpy(to, bytes, size);
	to[size] = '\0';
	b->size += size;
}

void buf_add_byte(struct buf *b, char byte) { buf_add(b, &byte, 1); }

void buf_add_text(struct buf *b, const char *text) { buf_add(b, text, strlen(text)); }

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (size < 0) {
		b->failed = 1;
		return;
	}
	char *to = buf_reserve(b, (size_t)size);
	if (!to)
		return;
	va_start(args, format);
	vsnprintf(to, (size_t)size + 1, format, args);
	va_end(args);
	b->size += (size_t)size;
}

int buf_check(const struct buf *b, struct err *e)
{
	return b->failed ? err_set(e, ERR_MEMORY, "out of memory after %zu bytes of text", b->size) : 0;
}

static void add_json_ascii(struct buf *b, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *found = c ? strchr(plain, c) : NULL;
	if (found) {
		buf_add_byte(b, '\\');
		buf_add_byte(b, letters[found - plain]);
	} else if (c < 0x20) {
		buf_addf(b, "\\u%04x", c);
	} else {
		buf_add_byte(b, (char)c);
	}
}

/* Bytes from s on that stand in a JSON string as they are. */
static size_t plain_run(const unsigned char *s, size_t size)
{
	size_t i = 0;
	while (i < size && s[i] >= 0x20 && s[i] < 0x80 && s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

void buf_add_json_string(struct buf *b, const char *bytes, size_t size)
{
	const unsigned char *s = (const unsigned char *)bytes;
	buf_add_byte(b, '"');
	for (size_t i = 0; i < size;) {
		size_t run = plain_run(s + i, size - i);
		buf_add(b, s + i, run);
		i += run;
		if (i == size)
			break;
		size_t n = utf8_character(s + i, size - i);
		if (n == 1)
			add_json_ascii(b, s[i]);
		else if (n)
			buf_add(b, s + i, n);
		else
			buf_add_text(b, "\xef\xbf\xbd");
		i += n ? n : 1;
	}
	buf_add_byte(b, '"');
}

/* JSON has a point whatever the locale of the program that holds the library. */
static void add_number(struct buf *b, char *text)
{
	char *comma = strchr(text, ',');
	if (comma)
		*comma = '.';
	buf_add_text(b, text);
}

void buf_add_json_float(struct buf *b, float value)
{
	char text[32] = "null";
	for (int digits = 6; isfinite(value) && digits <= 9; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, (double)value);
		if (strtof(text, NULL) == value)
			break;
	}
	add_number(b, text);
}

void buf_add_json_double(struct buf *b, double value)
{
	char text[40] = "null";
	for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	add_number(b, text);
}

/* Facts are written by millions of small numbers, for which printf takes as long as the model. */
void buf_add_json_int(struct buf *b, long long value)
{
	char digits[24];
	size_t at = sizeof digits;
	unsigned long long rest = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		digits[--at] = '-';
	buf_add(b, digits + at, sizeof digits - at);
}
