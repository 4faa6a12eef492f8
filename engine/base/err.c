#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAME_LIMIT = 64 }; /* longer names are not worth a guess */

__attribute__((format(printf, 2, 0))) static void set_text(struct err *e, const char *format, va_list args)
{
	int n = vsnprintf(e->text, sizeof e->text, format, args);
	if (n < 0)
		e->text[0] = '\0';
}

int err_set(struct err *e, int code, const char *format, ...)
{
	if (!e)
		return code;
	if (e->code)
		return e->code;
	e->code = code;
	va_list args;
	va_start(args, format);
	set_text(e, format, args);
	va_end(args);
	return code;
}

int err_set_errno(struct err *e, int number, const char *format, ...)
{
	if (!e)
		return ERR_IO;
	if (e->code)
		return e->code;
	e->code = ERR_IO;
	va_list args;
	va_start(args, format);
	set_text(e, format, args);
	va_end(args);
	size_t n = strlen(e->text);
	snprintf(e->text + n, sizeof e->text - n, ": %s", strerror(number));
	return ERR_IO;
}

int err_exit_code(int code)
{
	switch (code) {
	case ERR_NONE: return 0;
	case ERR_USAGE: return 2;
	case ERR_EXPECTATION: return 3;
	default: return 1;
	}
}

static int min3(int a, int b, int c)
{
	int ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* Levenshtein distance; both lengths are at most NAME_LIMIT. */
static int edit_distance(const char *a, int a_size, const char *b, int b_size)
{
	int row[NAME_LIMIT + 1];
	for (int j = 0; j <= b_size; j++)
		row[j] = j;
	for (int i = 1; i <= a_size; i++) {
		int diagonal = row[0];
		row[0] = i;
		for (int j = 1; j <= b_size; j++) {
			int above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_size];
}

/* The nearest known name, if a typing error could lead from it to `unknown`. */
static const char *nearest(const char *unknown, const char *const *names)
{
	size_t size = strlen(unknown);
	if (size > NAME_LIMIT)
		return NULL;
	const char *best = NULL;
	int best_distance = 1 + (int)(size + 1) / 3;
	for (; *names; names++) {
		size_t name_size = strlen(*names);
		if (name_size > NAME_LIMIT)
			continue;
		int d = edit_distance(unknown, (int)size, *names, (int)name_size);
		if (d < best_distance) {
			best = *names;
			best_distance = d;
		}
	}
	return best;
}

void err_suggest(char *out, int size, const char *unknown, const char *const *names)
{
	if (size <= 0)
		return;
	const char *best = nearest(unknown, names);
	int n = best ? snprintf(out, (size_t)size, "; did you mean '%s'? (known: ", best)
	             : snprintf(out, (size_t)size, " (known: ");
	for (int i = 0; names[i] && n < size; i++)
		n += snprintf(out + n, (size_t)(size - n), "%s%s", i ? ", " : "", names[i]);
	if (n < size)
		snprintf(out + n, (size_t)(size - n), ")");
}
