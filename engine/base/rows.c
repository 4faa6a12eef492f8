#include "rows.h"

#include <math.h>
#include <string.h>

static void begin_field(struct rows *r, const char *name)
{
	if (r->fields++)
		buf_add_byte(&r->line, r->format == ROWS_TSV ? '\t' : ',');
	if (r->format == ROWS_JSON) {
		buf_add_json_string(&r->line, name, strlen(name));
		buf_add_byte(&r->line, ':');
	}
}

/* TSV knows no quotes: what would end a field or a line becomes a space. */
static void add_plain(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_add_byte(b, (unsigned char)*text < 0x20 ? ' ' : *text);
}

/* RFC 4180. */
static void add_quoted(struct buf *b, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		buf_add_text(b, text);
		return;
	}
	buf_add_byte(b, '"');
	for (; *text; text++) {
		if (*text == '"')
			buf_add_byte(b, '"');
		buf_add_byte(b, *text);
	}
	buf_add_byte(b, '"');
}

static void add_text(struct rows *r, const char *text)
{
	if (r->format == ROWS_TSV)
		add_plain(&r->line, text);
	else if (r->format == ROWS_CSV)
		add_quoted(&r->line, text);
	else
		buf_add_json_string(&r->line, text, strlen(text));
}

void rows_header(struct rows *r, const char *name)
{
	if (r->format == ROWS_JSON)
		return;
	begin_field(r, name);
	add_text(r, name);
}

void rows_text(struct rows *r, const char *name, const char *text)
{
	if (!text) {
		rows_nothing(r, name);
		return;
	}
	begin_field(r, name);
	add_text(r, text);
}

void rows_int(struct rows *r, const char *name, long long value)
{
	begin_field(r, name);
	buf_add_json_int(&r->line, value);
}

void rows_double(struct rows *r, const char *name, double value)
{
	begin_field(r, name);
	if (isfinite(value) || r->format == ROWS_JSON)
		buf_add_json_double(&r->line, value);
	else
		buf_add_text(&r->line, isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf");
}

void rows_object(struct rows *r, const char *name, const char *json)
{
	if (r->format != ROWS_JSON) {
		rows_text(r, name, json);
		return;
	}
	begin_field(r, name);
	add_plain(&r->line, json); /* in JSON, line ends stand between values only */
}

void rows_nothing(struct rows *r, const char *name)
{
	if (r->format != ROWS_JSON)
		begin_field(r, name);
}

int rows_end(struct rows *r, struct err *e)
{
	int code = buf_check(&r->line, e);
	if (!code && r->fields && r->format == ROWS_JSON)
		fprintf(r->out, "{%s}\n", r->line.data);
	else if (!code && r->fields)
		fprintf(r->out, "%s\n", r->line.data ? r->line.data : "");
	buf_reset(&r->line);
	r->fields = 0;
	return code;
}

void rows_free(struct rows *r) { buf_free(&r->line); }
