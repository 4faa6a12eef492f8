/* Parsing; what is printed from the tables is in opt_print.c. */
#include "opt.h"

#include "err.h"
#include "log.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 100, LIST_MAX = 1000 };

/* The walk over argv. */
struct parse {
	const struct command *command;
	char **argv;
	int argc, at;
	char *args;
	int kept;                   /* positional arguments found so far, in argv[1..kept] */
	char is_given[OPTIONS_MAX]; /* by the option's place in the table */
	struct err *e;
};

/* Option names as the user writes them, without the dashes: what suggestions choose from. */
static int unknown_option(const struct parse *p, const char *given)
{
	const char *names[OPTIONS_MAX + 3];
	int n = 0;
	for (const struct opt *o = p->command->options; o->kind != OPT_END && n < OPTIONS_MAX; o++)
		names[n++] = o->name;
	names[n++] = "quiet";
	names[n++] = "help";
	names[n] = NULL;
	char hint[700];
	err_suggest(hint, sizeof hint, given + strspn(given, "-"), names);
	return err_set(p->e, ERR_USAGE, "unknown option '%.80s'%s", given, hint);
}

static int parse_integer(const struct opt *o, int *value, const char *text, struct err *e)
{
	int is_bounded = o->low || o->high;
	long long low = is_bounded ? o->low : INT_MIN, high = is_bounded ? o->high : INT_MAX;
	char *end;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (end == text || *end || isspace((unsigned char)*text))
		return err_set(e, ERR_USAGE, "option '--%s' must be an integer, found '%.80s'", o->name, text);
	if (errno || v < low || v > high)
		return err_set(e, ERR_USAGE, "option '--%s' must be from %lld to %lld, found '%.80s'", o->name, low, high,
		               text);
	*value = (int)v;
	return 0;
}

static int parse_u64(const struct opt *o, uint64_t *value, const char *text, struct err *e)
{
	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno)
		return err_set(e, ERR_USAGE, "option '--%s' must be an integer from 0 to 2^64-1, found '%.80s'", o->name, text);
	*value = v;
	return 0;
}

static int parse_double(const char *option, double *value, const char *text, struct err *e)
{
	char *end;
	double v = strtod(text, &end);
	if (end == text || *end || !isfinite(v))
		return err_set(e, ERR_USAGE, "option '--%s' must be a number, found '%.80s'", option, text);
	*value = v;
	return 0;
}

static int parse_choice(const struct opt *o, int *value, const char *text, struct err *e)
{
	size_t size = strlen(text);
	int index = 0;
	for (const char *word = o->metavar; word; index++) {
		size_t n = strcspn(word, "|");
		if (n == size && !memcmp(word, text, n)) {
			*value = index;
			return 0;
		}
		word = word[n] ? word + n + 1 : NULL;
	}
	return err_set(e, ERR_USAGE, "option '--%s' must be one of %s, found '%.80s'", o->name, o->metavar, text);
}

static int store(const struct parse *p, const struct opt *o, const char *text)
{
	void *to = p->args + o->offset;
	switch (o->kind) {
	case OPT_INT: return parse_integer(o, to, text, p->e);
	case OPT_U64: return parse_u64(o, to, text, p->e);
	case OPT_DOUBLE: return parse_double(o->name, to, text, p->e);
	case OPT_CHOICE: return parse_choice(o, to, text, p->e);
	case OPT_STRING:
	case OPT_FILE:
	case OPT_DIR: *(const char **)to = text; return 0;
	case OPT_FLAG:
	case OPT_END: break;
	}
	return 0;
}

/* `value` is what stood behind '=' or the letter, NULL for none: then the next argument is the value. */
static int take(struct parse *p, const struct opt *o, const char *value)
{
	if (o->kind == OPT_FLAG) {
		if (value)
			return err_set(p->e, ERR_USAGE, "option '--%s' takes no value", o->name);
		*(int *)(void *)(p->args + o->offset) = 1;
		return 0;
	}
	/* The first value would be lost without a word. */
	const size_t place = (size_t)(o - p->command->options);
	assert(place < OPTIONS_MAX);
	if (p->is_given[place]++)
		return err_set(p->e, ERR_USAGE, "option '--%s' is given twice", o->name);
	if (!value && p->at + 1 >= p->argc)
		return err_set(p->e, ERR_USAGE, "option '--%s' needs a value (%s)", o->name, o->metavar);
	return store(p, o, value ? value : p->argv[++p->at]);
}

static const struct opt *find_long(const struct command *c, const char *name, size_t size)
{
	for (const struct opt *o = c->options; o->kind != OPT_END; o++)
		if (strlen(o->name) == size && !memcmp(o->name, name, size))
			return o;
	return NULL;
}

static int parse_long(struct parse *p, const char *given)
{
	const char *name = given + 2;
	size_t size = strcspn(name, "=");
	const char *value = name[size] ? name + size + 1 : NULL;
	const struct opt *o = find_long(p->command, name, size);
	if (o)
		return take(p, o, value);
	if (!strcmp(name, "help"))
		return OPT_HELP;
	if (!strcmp(name, "quiet")) {
		log_set_quiet(1);
		return 0;
	}
	o = !value && !strncmp(name, "no-", 3) ? find_long(p->command, name + 3, size - 3) : NULL;
	if (!o || o->kind != OPT_FLAG)
		return unknown_option(p, given);
	*(int *)(void *)(p->args + o->offset) = 0;
	return 0;
}

/* "-n8", "-n 8", and flags together: "-ab". */
static int parse_letters(struct parse *p, const char *given)
{
	for (const char *letter = given + 1; *letter; letter++) {
		const struct opt *o = p->command->options;
		while (o->kind != OPT_END && o->letter != *letter)
			o++;
		if (o->kind == OPT_END)
			return *letter == 'h' ? OPT_HELP : unknown_option(p, given);
		if (o->kind != OPT_FLAG)
			return take(p, o, letter[1] ? letter + 1 : NULL);
		*(int *)(void *)(p->args + o->offset) = 1;
	}
	return 0;
}

static int parse_argument(struct parse *p)
{
	char *given = p->argv[p->at];
	if (given[0] == '-' && given[1] == '-')
		return parse_long(p, given);
	if (given[0] == '-' && given[1])
		return parse_letters(p, given);
	p->argv[++p->kept] = given;
	return 0;
}

int opt_parse(const struct command *c, int argc, char **argv, void *args, char ***positional, int *count, struct err *e)
{
	struct parse p = {.command = c, .argv = argv, .argc = argc, .at = 1, .args = args, .e = e};
	for (; p.at < argc && strcmp(argv[p.at], "--") != 0; p.at++) {
		int code = parse_argument(&p);
		if (code == OPT_HELP)
			command_help(c, stdout);
		if (code)
			return code;
	}
	while (++p.at < argc)
		argv[++p.kept] = argv[p.at];
	*positional = argv + 1;
	*count = p.kept;
	return 0;
}

/* Splits "a:b:c" at the colons; returns how many numbers there were, 0 when one is none. */
static int parse_item(double part[3], const char *item, const char *option, struct err *e)
{
	char text[200];
	if (strlen(item) >= sizeof text)
		return err_set(e, ERR_USAGE, "option '--%s' must be a list of numbers, found '%.80s'", option, item), 0;
	strcpy(text, item);
	int n = 0;
	for (char *at = text, *next; at; at = next, n++) {
		next = strchr(at, ':');
		if (next)
			*next++ = '\0';
		if (n == 3)
			return err_set(e, ERR_USAGE, "expected FROM:TO:STEP in option '--%s', found '%s'", option, item), 0;
		if (parse_double(option, &part[n], at, e))
			return 0;
	}
	return n;
}

static int add_item(double *out, int capacity, int *count, const char *item, const char *option, struct err *e)
{
	double part[3];
	int n = parse_item(part, item, option, e);
	if (!n)
		return ERR_USAGE;
	if (n == 2)
		return err_set(e, ERR_USAGE, "expected FROM:TO:STEP in option '--%s', found '%.80s'", option, item);
	double steps = n == 1 ? 0 : (part[1] - part[0]) / part[2] + 1e-9; /* 0.1:1:0.1 must reach 1 */
	if (!(steps >= 0))
		return err_set(e, ERR_USAGE, "option '--%s' never gets from %g to %g in steps of %g", option, part[0], part[1],
		               part[2]);
	if (steps >= capacity - *count)
		return err_set(e, ERR_USAGE, "more than %d numbers in option '--%s'", capacity, option);
	for (int i = 0; i <= (int)steps; i++)
		out[(*count)++] = part[0] + (i ? i * part[2] : 0);
	return 0;
}

int opt_double_list(double *out, int capacity, int *count, const char *text, const char *option, struct err *e)
{
	*count = 0;
	while (text) {
		const char *comma = strchr(text, ',');
		size_t size = comma ? (size_t)(comma - text) : strlen(text);
		char item[200];
		if (size >= sizeof item)
			return err_set(e, ERR_USAGE, "option '--%s' must be a list of numbers, found '%.80s'", option, text);
		memcpy(item, text, size);
		item[size] = '\0';
		int code = add_item(out, capacity, count, item, option, e);
		if (code)
			return code;
		text = comma ? comma + 1 : NULL;
	}
	return 0;
}

int opt_int_list(int *out, int capacity, int *count, const char *text, const char *option, long long low,
                 long long high, struct err *e)
{
	double values[LIST_MAX];
	*count = 0;
	int n;
	int code = opt_double_list(values, capacity < LIST_MAX ? capacity : LIST_MAX, &n, text, option, e);
	if (code)
		return code;
	for (int i = 0; i < n; i++) {
		if (values[i] != floor(values[i]) || values[i] < (double)low || values[i] > (double)high)
			return err_set(e, ERR_USAGE, "option '--%s' must be integers from %lld to %lld, found %.10g", option, low,
			               high, values[i]);
		out[i] = (int)values[i];
	}
	*count = n;
	return 0;
}
