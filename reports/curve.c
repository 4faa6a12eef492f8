#include "curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static int add_name(struct curve *c, const char *name, size_t size, struct err *e)
{
	char **names = realloc(c->names, ((size_t)c->count + 2) * sizeof *names);
	char *copy = names ? strndup(name, size) : NULL;
	if (names)
		c->names = names;
	if (!copy)
		return err_set(e, ERR_MEMORY, "out of memory for the names of curves");
	c->names[c->count++] = copy;
	c->names[c->count] = NULL; /* err_suggest's end */
	return 0;
}

static int collect(const char *name, int64_t points, void *arg, struct err *e)
{
	(void)points;
	return add_name(arg, name, strlen(name), e);
}

static int find_name(const struct curve *c, const char *name)
{
	for (int i = 0; i < c->count; i++)
		if (!strcmp(c->names[i], name))
			return i;
	return -1;
}

static int take_name(struct curve *c, const struct curve *all, const char *name, size_t size, struct err *e)
{
	char hint[600];
	int code = add_name(c, name, size, e);
	if (code || find_name(all, c->names[c->count - 1]) >= 0)
		return code;
	const char *unknown = c->names[c->count - 1];
	err_suggest(hint, sizeof hint, unknown, (const char *const *)all->names);
	return err_set(e, ERR_USAGE, "run %lld has no curve '%.80s'%s", (long long)c->run, unknown, hint);
}

static int choose(struct curve *c, const struct curve *all, const char *list, struct err *e)
{
	int code = 0;
	for (const char *name = list; name && !code;) {
		const char *comma = strchr(name, ',');
		code = take_name(c, all, name, comma ? (size_t)(comma - name) : strlen(name), e);
		name = comma ? comma + 1 : NULL;
	}
	for (int i = 0; i < c->count && !code; i++)
		if (find_name(c, c->names[i]) < i)
			code = err_set(e, ERR_USAGE, "curve '%.80s' is asked for twice", c->names[i]);
	return code;
}

int curve_open(struct curve *c, struct store *s, int64_t run, const char *list, struct err *e)
{
	struct curve all = {.store = s, .run = run};
	*c = all;
	int code = store_curve_names(s, run, collect, &all, e);
	if (!code && !all.count)
		code = err_set(e, ERR_USAGE, "run %lld has no curves yet", (long long)run);
	if (!code && list)
		code = choose(c, &all, list, e);
	if (code)
		curve_close(c);
	if (code || list)
		curve_close(&all);
	else
		*c = all;
	return code;
}

void curve_close(struct curve *c)
{
	for (int i = 0; i < c->count; i++)
		free(c->names[i]);
	free(c->names);
	c->names = NULL;
	c->count = 0;
}

/* ---- the table: points come by step, a line is written when its step is over ---- */

struct printer {
	const struct curve *c;
	struct rows *rows;
	int64_t step;
	int points; /* of the step */
	double *value;
	char *is_there;
};

static int print_step(struct printer *p, struct err *e)
{
	if (!p->points)
		return 0;
	rows_int(p->rows, "step", (long long)p->step);
	for (int i = 0; i < p->c->count; i++)
		if (p->is_there[i])
			rows_double(p->rows, p->c->names[i], p->value[i]);
		else
			rows_nothing(p->rows, p->c->names[i]);
	memset(p->is_there, 0, (size_t)p->c->count);
	p->points = 0;
	return rows_end(p->rows, e);
}

static int take_point(int64_t step, const char *name, double value, void *arg, struct err *e)
{
	struct printer *p = arg;
	int at = find_name(p->c, name), code = step == p->step ? 0 : print_step(p, e);
	if (code || at < 0)
		return code;
	p->step = step;
	p->points++;
	p->value[at] = value;
	p->is_there[at] = 1;
	return 0;
}

static int print_all(struct printer *p, struct err *e)
{
	const struct curve *c = p->c;
	rows_header(p->rows, "step");
	for (int i = 0; i < c->count; i++)
		rows_header(p->rows, c->names[i]);
	int code = rows_end(p->rows, e);
	if (!code)
		code = store_curve_each(c->store, c->run, NULL, take_point, p, e);
	return code ? code : print_step(p, e);
}

int curve_print(const struct curve *c, struct rows *r, struct err *e)
{
	struct printer p = {.c = c, .rows = r};
	p.value = calloc((size_t)c->count, sizeof *p.value);
	p.is_there = calloc((size_t)c->count, 1);
	int code = p.value && p.is_there ? print_all(&p, e) : err_set(e, ERR_MEMORY, "out of memory for a row");
	free(p.value);
	free(p.is_there);
	return code;
}
