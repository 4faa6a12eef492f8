#include "lbfgs.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY = 6, BACKTRACKS = 40 };

struct lbfgs {
	size_t n;
	double *memory;
	double *g, *direction, *next, *next_g; /* [n] */
	double *s[HISTORY], *y[HISTORY];       /* steps and changes of the gradient, a ring */
	double rho[HISTORY];
	int kept, newest;
};

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static void add_scaled(double *to, const double *from, double scale, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += scale * from[i];
}

static int open_memory(struct lbfgs *l, size_t n, struct err *e)
{
	*l = (struct lbfgs){.n = n, .newest = -1};
	size_t arrays = 4 + 2 * HISTORY;
	l->memory = n && n < SIZE_MAX / sizeof(double) / arrays ? calloc(n * arrays, sizeof(double)) : NULL;
	if (!l->memory)
		return err_set(e, ERR_MEMORY, "out of memory to minimise a function of %zu variables", n);
	double *at = l->memory;
	double **const array[] = {&l->g, &l->direction, &l->next, &l->next_g};
	for (int i = 0; i < 4; i++, at += n)
		*array[i] = at;
	for (int i = 0; i < HISTORY; i++, at += 2 * n) {
		l->s[i] = at;
		l->y[i] = at + n;
	}
	return 0;
}

/* direction = -H g by the two loops over the history. */
static void find_direction(struct lbfgs *l)
{
	double alpha[HISTORY] = {0}, *d = l->direction;
	for (size_t i = 0; i < l->n; i++)
		d[i] = -l->g[i];
	for (int k = 0, at = l->newest; k < l->kept; k++, at = (at + HISTORY - 1) % HISTORY) {
		alpha[at] = l->rho[at] * dot(l->s[at], d, l->n);
		add_scaled(d, l->y[at], -alpha[at], l->n);
	}
	double scale = l->kept ? 1 / (l->rho[l->newest] * dot(l->y[l->newest], l->y[l->newest], l->n))
	                       : 1 / sqrt(dot(l->g, l->g, l->n));
	for (size_t i = 0; i < l->n; i++)
		d[i] *= scale;
	for (int k = l->kept - 1; k >= 0; k--) {
		int at = (l->newest + HISTORY - k) % HISTORY;
		double beta = l->rho[at] * dot(l->y[at], d, l->n);
		add_scaled(d, l->s[at], alpha[at] - beta, l->n);
	}
}

/* A step that lowers f enough (Armijo): into next, next_g; returns f there, NaN when there is none. */
static double search(struct lbfgs *l, const double *x, double value, lbfgs_function *f, void *context,
                     struct lbfgs_result *r)
{
	double slope = dot(l->g, l->direction, l->n), step = 1;
	for (int i = 0; i < BACKTRACKS && slope < 0; i++, step /= 2) {
		memcpy(l->next, x, l->n * sizeof *x);
		add_scaled(l->next, l->direction, step, l->n);
		double found = f(context, l->next, l->next_g, l->n);
		r->evaluations++;
		if (found <= value + 1e-4 * step * slope)
			return found;
	}
	return NAN;
}

/* Pairs without positive curvature would make the next direction go uphill: they are not kept. */
static void remember(struct lbfgs *l, const double *x)
{
	int at = (l->newest + 1) % HISTORY;
	for (size_t i = 0; i < l->n; i++) {
		l->s[at][i] = l->next[i] - x[i];
		l->y[at][i] = l->next_g[i] - l->g[i];
	}
	double sy = dot(l->s[at], l->y[at], l->n);
	if (sy <= 1e-12 * dot(l->y[at], l->y[at], l->n))
		return;
	l->rho[at] = 1 / sy;
	l->newest = at;
	l->kept += l->kept < HISTORY;
}

static int iterate(struct lbfgs *l, double *x, lbfgs_function *f, void *context, const struct lbfgs_options *o,
                   struct lbfgs_result *r, struct err *e)
{
	int most = o->iterations ? o->iterations : 200;
	r->value = f(context, x, l->g, l->n);
	r->evaluations = 1;
	double enough = sqrt(dot(l->g, l->g, l->n)) * (o->tolerance > 0 ? o->tolerance : 1e-4);
	while (r->iterations < most) {
		r->converged = sqrt(dot(l->g, l->g, l->n)) <= enough;
		if (r->converged)
			break;
		if (o->stop && o->stop())
			return err_set(e, ERR_INTERRUPTED, "interrupted after %d iterations", r->iterations);
		find_direction(l);
		double found = search(l, x, r->value, f, context, r);
		if (isnan(found))
			break;
		remember(l, x);
		memcpy(x, l->next, l->n * sizeof *x);
		memcpy(l->g, l->next_g, l->n * sizeof *x);
		r->value = found;
		r->iterations++;
	}
	return 0;
}

int lbfgs_minimise(double *x, size_t n, lbfgs_function *f, void *context, const struct lbfgs_options *o,
                   struct lbfgs_result *result, struct err *e)
{
	struct lbfgs l;
	*result = (struct lbfgs_result){0};
	int code = open_memory(&l, n, e);
	if (!code)
		code = iterate(&l, x, f, context, o ? o : &(struct lbfgs_options){0}, result, e);
	free(l.memory);
	return code;
}
