#include "compare.h"

#include "../engine/base/err.h"
#include "outcomes.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 2000 };
static const double alpha = 0.05, power = 0.8;

struct pair {
	const struct facts *f[2];
	struct outcomes o[2];
	const struct metric *metric;
	int *mixed; /* [n] of either run's predictions */
	double *mixed_value;
	double *cost[2];  /* [items] of FLOPs by example, or of time by batch */
	double *dense[2]; /* [items] of time: of the dense twin; NULL: costs as they are */
	uint64_t seed;
};

static int check_same_examples(const struct facts *a, const struct facts *b, struct err *e)
{
	if (a->n != b->n || a->classes != b->classes)
		return err_set(e, ERR_MISMATCH, "the runs are not of the same examples: %d of %d classes, %d of %d", a->n,
		               a->classes, b->n, b->classes);
	for (int i = 0; i < a->n; i++)
		if (a->idx[i] != b->idx[i] || a->gold[i] != b->gold[i] ||
		    (a->target[i] != b->target[i] && !isnan(a->target[i])))
			return err_set(e, ERR_MISMATCH, "the runs are not of the same examples: they differ at example %d",
			               a->idx[i]);
	for (int m = 0; a->metrics[m] || b->metrics[m]; m++)
		if (a->metrics[m] != b->metrics[m])
			return err_set(e, ERR_MISMATCH, "the runs are judged by other metrics");
	return 0;
}

/* ---- quality --------------------------------------------------------------------------------------------------- */

static double quality_difference(const int *pick, int n, void *arg)
{
	struct pair *p = arg;
	const struct outcome a = outcomes_pick(&p->o[0], pick, n), b = outcomes_pick(&p->o[1], pick, n);
	return p->metric->compute(&b) - p->metric->compute(&a);
}

/* Run `of`'s predictions, but where swapped the other's. */
static double mixed_quality(struct pair *p, int of, const unsigned char *swapped)
{
	struct outcome x = outcomes_whole(&p->o[of]);
	for (int i = 0; i < x.n; i++) {
		const int from = swapped[i] ? !of : of;
		p->mixed[i] = p->f[from]->pred[i];
		p->mixed_value[i] = p->o[from].predicted[i];
	}
	x.pred = p->mixed;
	x.predicted = p->mixed_value;
	x.probs = NULL;
	return p->metric->compute(&x);
}

static double quality_swapped(const unsigned char *swapped, int n, void *arg)
{
	struct pair *p = arg;
	(void)n;
	return mixed_quality(p, 1, swapped) - mixed_quality(p, 0, swapped);
}

static void count_discordant(const struct pair *p, struct compared *c)
{
	const struct facts *a = p->f[0], *b = p->f[1];
	c->only_a = c->only_b = 0;
	for (int i = 0; i < a->n; i++) {
		const int right_a = a->pred[i] == a->gold[i], right_b = b->pred[i] == b->gold[i];
		c->only_a += right_a && !right_b;
		c->only_b += right_b && !right_a;
	}
	c->p = stats_mcnemar(c->only_a, c->only_b);
	c->test = "mcnemar";
	c->detectable = stats_detectable_difference(a->n, (double)(c->only_a + c->only_b) / a->n, alpha, power);
}

static int compare_quality(struct pair *p, const struct metric *m, struct compared *c, struct err *e)
{
	struct interval i = {NAN, NAN};
	p->metric = m;
	*c = (struct compared){.measure = m->name, .test = "permutation", .p = NAN, .detectable = NAN};
	c->only_a = c->only_b = -1;
	c->a = outcomes_metric(&p->o[0], m);
	c->b = outcomes_metric(&p->o[1], m);
	c->effect = c->b - c->a;
	if (!p->o[0].is_labelled) {
		c->lo = c->hi = NAN;
		return 0;
	}
	int code = stats_bootstrap(&i, p->f[0]->n, quality_difference, p, DRAWS, p->seed, alpha, e);
	c->lo = i.lo;
	c->hi = i.hi;
	if (!code && !strcmp(m->name, "accuracy"))
		count_discordant(p, c);
	else if (!code)
		code = stats_permutation(&c->p, p->f[0]->n, quality_swapped, p, DRAWS, p->seed, e);
	return code;
}

/* ---- cost ------------------------------------------------------------------------------------------------------ */

static double sum_of(const double *x, const int *pick, int n)
{
	double sum = 0;
	for (int k = 0; k < n; k++)
		sum += x[pick[k]];
	return sum;
}

/* a's cost / b's, each relative to its dense twin where there is one. */
static double cost_ratio(const int *pick, int n, void *arg)
{
	const struct pair *p = arg;
	double cost[2];
	for (int k = 0; k < 2; k++)
		cost[k] = sum_of(p->cost[k], pick, n) / (p->dense[k] ? sum_of(p->dense[k], pick, n) : 1);
	return cost[0] / cost[1];
}

/* What is no different has the same cost in every item: log of the ratio, item by item. */
static int test_costs(const struct pair *p, int items, double *out, struct err *e)
{
	double *d = malloc(((size_t)items + 1) * sizeof *d);
	if (!d)
		return err_set(e, ERR_MEMORY, "out of memory for %d differences", items);
	for (int i = 0; i < items; i++) {
		const double a = p->cost[0][i] / (p->dense[0] ? p->dense[0][i] : 1);
		const double b = p->cost[1][i] / (p->dense[1] ? p->dense[1][i] : 1);
		d[i] = log(a) - log(b);
	}
	int code = stats_sign_flip(out, d, items, DRAWS, p->seed, e);
	free(d);
	return code;
}

static int compare_costs(struct pair *p, int items, const char *measure, struct compared *c, struct err *e)
{
	struct interval i;
	int *all = malloc(((size_t)items + 1) * sizeof *all);
	if (!all)
		return err_set(e, ERR_MEMORY, "out of memory for %d items", items);
	for (int k = 0; k < items; k++)
		all[k] = k;
	*c = (struct compared){.measure = measure, .test = "sign-flip", .detectable = NAN, .only_a = -1, .only_b = -1};
	c->a = sum_of(p->cost[0], all, items);
	c->b = sum_of(p->cost[1], all, items);
	c->effect = cost_ratio(all, items, p);
	free(all);
	int code = stats_bootstrap(&i, items, cost_ratio, p, DRAWS, p->seed, alpha, e);
	c->lo = i.lo;
	c->hi = i.hi;
	return code ? code : test_costs(p, items, &c->p, e);
}

static double *room(int items, struct err *e)
{
	double *x = malloc(((size_t)items + 1) * sizeof *x);
	if (!x)
		err_set(e, ERR_MEMORY, "out of memory for %d costs", items);
	return x;
}

static int compare_flops(struct pair *p, struct compared *c, struct err *e)
{
	const int n = p->f[0]->n;
	for (int k = 0; k < 2; k++) {
		if (!(p->cost[k] = room(n, e)))
			return ERR_MEMORY;
		for (int i = 0; i < n; i++)
			p->cost[k][i] = (double)p->f[k]->flops[i];
	}
	return compare_costs(p, n, "flops", c, e);
}

static void free_costs(struct pair *p)
{
	for (int k = 0; k < 2; k++) {
		free(p->cost[k]);
		free(p->dense[k]);
		p->cost[k] = p->dense[k] = NULL;
	}
}

/* The median over turns of each batch, seconds. */
static double *batch_seconds(const struct facts *f, enum facts_arm arm, struct err *e)
{
	double *x = room(f->batches, e), *turns = room(f->turns[arm], e);
	for (int i = 0; i < f->batches && x && turns; i++) {
		for (int t = 0; t < f->turns[arm]; t++)
			turns[t] = (double)f->ns[arm][(size_t)t * (size_t)f->batches + (size_t)i] * 1e-9;
		x[i] = stats_median(turns, f->turns[arm]);
	}
	if (!turns) {
		free(x);
		x = NULL;
	}
	free(turns);
	return x;
}

static int is_timed(const struct facts *f)
{
	return f->turns[ARM_POLICY] > 0 && (f->turns[ARM_DENSE] > 0 || !policy_drops(&f->policy));
}

static int compare_time(struct pair *p, struct compared *c, struct err *e)
{
	for (int k = 0; k < 2; k++) {
		const enum facts_arm twin = p->f[k]->turns[ARM_DENSE] ? ARM_DENSE : ARM_POLICY;
		if (!(p->cost[k] = batch_seconds(p->f[k], ARM_POLICY, e)) || !(p->dense[k] = batch_seconds(p->f[k], twin, e)))
			return ERR_MEMORY;
	}
	return compare_costs(p, p->f[0]->batches, "time", c, e);
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

static int compare_all(struct pair *p, struct compared *out, int *count, struct err *e)
{
	const struct facts *a = p->f[0], *b = p->f[1];
	int code = 0;
	for (int m = 0; a->metrics[m] && !code; m++)
		code = compare_quality(p, a->metrics[m], &out[(*count)++], e);
	if (!code)
		code = compare_flops(p, &out[(*count)++], e);
	free_costs(p);
	if (!code && is_timed(a) && is_timed(b) && a->batch == b->batch)
		code = compare_time(p, &out[(*count)++], e);
	free_costs(p);
	return code;
}

int compare(struct compared *out, int *count, const struct facts *a, const struct facts *b, uint64_t seed,
            struct err *e)
{
	struct pair p = {.f = {a, b}, .seed = seed};
	*count = 0;
	int code = check_same_examples(a, b, e);
	if (code)
		return code;
	p.mixed = malloc(((size_t)a->n + 1) * sizeof *p.mixed);
	p.mixed_value = malloc(((size_t)a->n + 1) * sizeof *p.mixed_value);
	if (!p.mixed || !p.mixed_value)
		code = err_set(e, ERR_MEMORY, "out of memory for %d examples", a->n);
	if (!code)
		code = outcomes_open(&p.o[0], a, e);
	if (!code)
		code = outcomes_open(&p.o[1], b, e);
	if (!code)
		code = compare_all(&p, out, count, e);
	outcomes_close(&p.o[0]);
	outcomes_close(&p.o[1]);
	free(p.mixed);
	free(p.mixed_value);
	return code;
}
