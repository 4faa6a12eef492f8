#include "json_pull.h"

#include "../engine/base/utf8.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_pull_begin(struct json_pull *r, const char *bytes, size_t size, const char *path, int line, struct err *e)
{
	r->at = bytes;
	r->end = bytes + size;
	r->path = path;
	r->line = line;
	r->code = 0;
	r->e = e;
	r->depth = 0;
	r->field[0] = '\0';
}

void json_pull_free(struct json_pull *r) { buf_free(&r->text); }

int json_pull_fail(struct json_pull *r, const char *sentence)
{
	if (!r->code)
		r->code =
			err_set(r->e, ERR_FORMAT, "%s:%d:%s%s%s", r->path, r->line, r->field, r->field[0] ? ": " : " ", sentence);
	return 0;
}

static void skip_space(struct json_pull *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

/* The byte that comes; 0 at the end and after an error. */
static char next(struct json_pull *r)
{
	if (r->code)
		return 0;
	skip_space(r);
	return r->at < r->end ? *r->at : 0;
}

static int expected(struct json_pull *r, const char *what)
{
	char sentence[96];
	snprintf(sentence, sizeof sentence, r->at < r->end ? "expected %s" : "expected %s, found the end of the line",
	         what);
	return json_pull_fail(r, sentence);
}

int json_pull_end(struct json_pull *r)
{
	if (next(r) || (!r->code && r->at < r->end))
		return json_pull_fail(r, "text after the JSON");
	return !r->code;
}

/* ---- objects and arrays --------------------------------------------------------------------------------------- */

static int begin(struct json_pull *r, char bracket, int is_array)
{
	if (next(r) != bracket)
		return expected(r, is_array ? "an array" : "an object");
	if (r->depth == JSON_PULL_DEPTH)
		return json_pull_fail(r, "nested too deeply");
	r->at++;
	r->open[r->depth].is_array = is_array;
	r->open[r->depth].count = 0;
	r->open[r->depth++].field = strlen(r->field);
	return 1;
}

int json_pull_object(struct json_pull *r) { return begin(r, '{', 0); }
int json_pull_array(struct json_pull *r) { return begin(r, '[', 1); }

/* Whether another member comes; takes the comma before it, or the bracket after the last. */
static int more(struct json_pull *r, char bracket)
{
	if (r->code)
		return 0;
	const int top = r->depth - 1;
	r->field[r->open[top].field] = '\0';
	char c = next(r);
	if (c == bracket) {
		r->at++;
		r->depth--;
		return 0;
	}
	if (r->open[top].count) {
		if (c != ',')
			return expected(r, bracket == ']' ? "',' or ']'" : "',' or '}'");
		r->at++;
	}
	r->open[top].count++;
	return 1;
}

static void add_field(struct json_pull *r, const char *text)
{
	const size_t at = r->open[r->depth - 1].field;
	snprintf(r->field + at, sizeof r->field - at, "%s%.100s", at ? "." : "", text);
}

int json_pull_key(struct json_pull *r, const char **key)
{
	size_t size;
	if (!more(r, '}'))
		return 0;
	if (!json_pull_text(r, key, &size))
		return 0;
	add_field(r, *key);
	if (next(r) != ':')
		return expected(r, "':'");
	r->at++;
	return 1;
}

int json_pull_item(struct json_pull *r)
{
	if (!more(r, ']'))
		return 0;
	/* "[12]", by hand: this is done for every one of millions of numbers. */
	const int top = r->depth - 1;
	const size_t at = r->open[top].field;
	if (at + 16 < sizeof r->field) {
		char digits[12], *to = r->field + at;
		int n = 0;
		for (int i = r->open[top].count - 1; n == 0 || i > 0; i /= 10)
			digits[n++] = (char)('0' + i % 10);
		*to++ = '[';
		while (n)
			*to++ = digits[--n];
		*to++ = ']';
		*to = '\0';
	}
	return 1;
}

/* ---- texts ---------------------------------------------------------------------------------------------------- */

static int hex4(struct json_pull *r, unsigned *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++, r->at++) {
		const char c = r->at < r->end ? *r->at : 0;
		const int digit = c >= '0' && c <= '9'   ? c - '0'
		                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
		                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
		                                         : -1;
		if (digit < 0)
			return json_pull_fail(r, "a broken \\u escape");
		*value = *value * 16 + (unsigned)digit;
	}
	return 1;
}

static void add_utf8(struct buf *b, unsigned c)
{
	char bytes[4];
	int n = 0;
	if (c < 0x80) {
		bytes[n++] = (char)c;
	} else if (c < 0x800) {
		bytes[n++] = (char)(0xC0 | c >> 6);
		bytes[n++] = (char)(0x80 | (c & 0x3F));
	} else if (c < 0x10000) {
		bytes[n++] = (char)(0xE0 | c >> 12);
		bytes[n++] = (char)(0x80 | (c >> 6 & 0x3F));
		bytes[n++] = (char)(0x80 | (c & 0x3F));
	} else {
		bytes[n++] = (char)(0xF0 | c >> 18);
		bytes[n++] = (char)(0x80 | (c >> 12 & 0x3F));
		bytes[n++] = (char)(0x80 | (c >> 6 & 0x3F));
		bytes[n++] = (char)(0x80 | (c & 0x3F));
	}
	buf_add(b, bytes, (size_t)n);
}

/* After "\u". Halves of a surrogate pair that stand alone become U+FFFD. */
static int unicode_escape(struct json_pull *r)
{
	unsigned c, low;
	if (!hex4(r, &c))
		return 0;
	if (c == 0)
		return json_pull_fail(r, "a NUL in a text");
	if (c >= 0xD800 && c < 0xDC00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
		const char *back = r->at;
		r->at += 2;
		if (!hex4(r, &low))
			return 0;
		if (low >= 0xDC00 && low < 0xE000)
			c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
		else
			r->at = back;
	}
	add_utf8(&r->text, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
	return 1;
}

static int escape(struct json_pull *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char c = ++r->at < r->end ? *r->at++ : 0;
	if (c == 'u')
		return unicode_escape(r);
	const char *found = c ? strchr(from, c) : NULL;
	if (!found)
		return json_pull_fail(r, "an unknown escape in a text");
	buf_add_byte(&r->text, to[found - from]);
	return 1;
}

int json_pull_text(struct json_pull *r, const char **text, size_t *size)
{
	if (next(r) != '"')
		return expected(r, "a text");
	r->at++;
	buf_reset(&r->text);
	for (;;) {
		const char *from = r->at;
		while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (unsigned char)*r->at >= 0x20)
			r->at++;
		buf_add(&r->text, from, (size_t)(r->at - from));
		if (r->at == r->end)
			return json_pull_fail(r, "a text without an end");
		if (*r->at == '"')
			break;
		if (*r->at != '\\')
			return json_pull_fail(r, "a control character in a text");
		if (!escape(r))
			return 0;
	}
	r->at++;
	buf_add_byte(&r->text, '\0');
	*text = r->text.data;
	*size = r->text.size ? r->text.size - 1 : 0;
	if (r->text.failed)
		r->code = err_set(r->e, ERR_MEMORY, "out of memory for a text");
	else if (utf8_span(*text, *size) != *size)
		return json_pull_fail(r, "a text that is not UTF-8");
	return !r->code;
}

/* ---- numbers -------------------------------------------------------------------------------------------------- */

static int word(struct json_pull *r, const char *text)
{
	const size_t n = strlen(text);
	if ((size_t)(r->end - r->at) < n || memcmp(r->at, text, n) != 0)
		return 0;
	r->at += n;
	return 1;
}

static int not_a_number(struct json_pull *r, double *value)
{
	static const struct {
		const char *text;
		double value;
	} words[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (word(r, words[i].text)) {
			*value = words[i].value;
			return r->allow_nan ? 1 : json_pull_fail(r, "NaN or Infinity, which JSON does not have");
		}
	return expected(r, "a number");
}

static int is_digit(const struct json_pull *r) { return r->at < r->end && *r->at >= '0' && *r->at <= '9'; }

/* Up to 19 digits of the mantissa; `places`: digits after the point. 0: not a number of JSON. */
struct decimal {
	uint64_t digits;
	int count, exponent; /* digits that count; power of ten */
};

static int integer_part(struct json_pull *r, struct decimal *d)
{
	if (!is_digit(r))
		return 0;
	if (*r->at == '0') {
		r->at++;
		return !is_digit(r);
	}
	for (; is_digit(r); r->at++, d->count++)
		d->digits = d->count < 19 ? d->digits * 10 + (uint64_t)(*r->at - '0') : d->digits;
	return 1;
}

static int fraction(struct json_pull *r, struct decimal *d)
{
	if (r->at == r->end || *r->at != '.')
		return 1;
	r->at++;
	if (!is_digit(r))
		return 0;
	for (; is_digit(r); r->at++, d->exponent--) {
		d->digits = d->count < 19 ? d->digits * 10 + (uint64_t)(*r->at - '0') : d->digits;
		d->count += d->count > 0 || *r->at != '0';
	}
	return 1;
}

static int exponent(struct json_pull *r, struct decimal *d)
{
	if (r->at == r->end || (*r->at != 'e' && *r->at != 'E'))
		return 1;
	r->at++;
	int sign = 1, value = 0;
	if (r->at < r->end && (*r->at == '-' || *r->at == '+'))
		sign = *r->at++ == '-' ? -1 : 1;
	if (!is_digit(r))
		return 0;
	for (; is_digit(r); r->at++)
		value = value < 100000 ? value * 10 + (*r->at - '0') : value;
	d->exponent += sign * value;
	return 1;
}

/* Whole numbers up to 2^53 times or by a power of ten that is exact: one rounding, so the right one (Clinger 1990). */
static int exact(const struct decimal *d, double *value)
{
	static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	if (d->count > 19 || d->digits > (uint64_t)1 << 53 || d->exponent < -22 || d->exponent > 22)
		return 0;
	*value = d->exponent < 0 ? (double)d->digits / tens[-d->exponent] : (double)d->digits * tens[d->exponent];
	return 1;
}

#if LDBL_MANT_DIG == 64
/* 17 digits, as most numbers have: right to 64 bits, and so right to 53 unless the 11 bits beyond are close to a half. */
static int nearly_exact(const struct decimal *d, double *value)
{
	static const long double tens[] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,
	                                   1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
	                                   1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
	uint64_t mantissa;
	if (d->count > 19 || !d->digits || d->exponent < -27 || d->exponent > 0)
		return 0;
	const long double v = (long double)d->digits / tens[-d->exponent];
	memcpy(&mantissa, &v, sizeof mantissa);
	const unsigned beyond = mantissa & 0x7FF;
	*value = (double)v;
	return beyond < 0x3FE || beyond > 0x402;
}
#else
static int nearly_exact(const struct decimal *d, double *value)
{
	(void)d, (void)value;
	return 0;
}
#endif

/* strtod on a copy: the bytes do not end with a NUL. The form has been checked, and the locale is C. */
static int by_library(struct json_pull *r, const char *from, double *value)
{
	char copy[512];
	const size_t n = (size_t)(r->at - from);
	if (n >= sizeof copy)
		return json_pull_fail(r, "a number of more than 500 characters");
	memcpy(copy, from, n);
	copy[n] = '\0';
	*value = strtod(copy, NULL);
	return isfinite(*value) ? 1 : json_pull_fail(r, "a number out of range");
}

int json_pull_number(struct json_pull *r, double *value)
{
	struct decimal d = {0};
	const char c = next(r), *from = r->at;
	if (c == 'N' || c == 'I' || (c == '-' && r->end - r->at > 1 && r->at[1] == 'I'))
		return not_a_number(r, value);
	if (c != '-' && (c < '0' || c > '9'))
		return expected(r, "a number");
	r->at += c == '-';
	if (!integer_part(r, &d) || !fraction(r, &d) || !exponent(r, &d))
		return json_pull_fail(r, "a broken number");
	if (!exact(&d, value) && !nearly_exact(&d, value))
		return by_library(r, from, value);
	*value = c == '-' ? -*value : *value;
	return 1;
}

int json_pull_integer(struct json_pull *r, int *value)
{
	double v;
	if (!json_pull_number(r, &v))
		return 0;
	if (!(v >= INT_MIN && v <= INT_MAX) || v != floor(v))
		return json_pull_fail(r, "expected a whole number");
	*value = (int)v;
	return 1;
}

/* ---- the rest ------------------------------------------------------------------------------------------------- */

int json_pull_null(struct json_pull *r) { return next(r) == 'n' && (word(r, "null") || expected(r, "a value")); }

void json_pull_skip(struct json_pull *r)
{
	const char c = next(r);
	const char *text;
	double number;
	size_t size;
	if (c == '{') {
		if (json_pull_object(r))
			while (json_pull_key(r, &text))
				json_pull_skip(r);
	} else if (c == '[') {
		if (json_pull_array(r))
			while (json_pull_item(r))
				json_pull_skip(r);
	} else if (c == '"') {
		json_pull_text(r, &text, &size);
	} else if (c == 't' || c == 'f' || c == 'n') {
		if (!word(r, "true") && !word(r, "false") && !word(r, "null"))
			expected(r, "a value");
	} else {
		json_pull_number(r, &number);
	}
}
