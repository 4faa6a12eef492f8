/* The drawing of `adapler predict --show`: a column for every token, a row for every layer. */
#include "show.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

enum { MARGIN = 18 };

static int display_width(const char *text)
{
	int width = 0;
	utf8proc_int32_t code;
	for (utf8proc_ssize_t step; *text && (step = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &code)) > 0;
	     text += step)
		width += utf8proc_charwidth(code);
	return width;
}

/* A piece with control characters could steer the terminal: it is not drawn. */
static const char *piece(const struct tokenizer *t, int id)
{
	const char *text = t ? tokenizer_piece(t, id) : NULL;
	for (const char *c = text; c && *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return "?";
	return text ? text : "?";
}

static void pad(struct buf *out, int width)
{
	for (; width > 0; width--)
		buf_add_byte(out, ' ');
}

/* Tokens [first, last) that fit one row. */
static int fit(const struct tokenizer *t, const int *ids, int n, int first, int width)
{
	int last = first, used = MARGIN;
	while (last < n && (last == first || used + display_width(piece(t, ids[last])) < width))
		used += display_width(piece(t, ids[last++])) + 1;
	return last;
}

/* layer -1: the input itself. */
static void draw_row(struct buf *out, const struct tokenizer *t, const int *ids, const int *died_at, int first,
                     int last, int layer, int has_colour)
{
	for (int i = first; i < last; i++) {
		const char *text = piece(t, ids[i]);
		int width = display_width(text), is_alive = died_at[i] > layer;
		buf_add_byte(out, ' ');
		if (has_colour)
			buf_add_text(out, is_alive ? "\033[1m" : "\033[2m");
		buf_add_text(out, is_alive ? text : "\302\267");
		if (has_colour)
			buf_add_text(out, "\033[0m");
		if (i + 1 < last)
			pad(out, is_alive ? 0 : width - 1);
	}
	buf_add_byte(out, '\n');
}

static int alive_at(const int *died_at, int n, int layer)
{
	int alive = 0;
	for (int i = 0; i < n; i++)
		alive += died_at[i] > layer;
	return alive;
}

void show_survival(struct buf *out, const struct tokenizer *t, const int *ids, const int *died_at, int n, int L,
                   int width, int has_colour)
{
	for (int first = 0, last; first < n; first = last) {
		last = fit(t, ids, n, first, width);
		buf_addf(out, "%-*s", MARGIN - 1, first ? "  ..." : "  input");
		draw_row(out, t, ids, died_at, first, last, -1, has_colour);
		for (int l = 0; l < L; l++) {
			char label[MARGIN * 2];
			snprintf(label, sizeof label, "  layer %-2d %4d", l, alive_at(died_at, n, l));
			buf_addf(out, "%-*s", MARGIN - 1, label);
			draw_row(out, t, ids, died_at, first, last, l, has_colour);
		}
	}
}
