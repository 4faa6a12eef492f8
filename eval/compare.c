#include "compare.h"

#include "../engine/base/err.h"
#include "outcomes.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 2000 };
static const double alpha = 0.05, power = 0.8;

/* Runs on the same examples, two and two: run k of a beside run k of b. */
struct quality {
	int pairs;
	const struct facts *const *f[2]; /* [pairs] each */
	struct outcomes *o[2];           /* [pairs] each */
	const struct metric *metric;
	int *mixed; /* [n] of either run's predictions */
	double *mixed_value;
	uint64_t seed;
};

struct costs {
	const struct facts *f[2];
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

static int open_quality(struct quality *q, const struct facts *const *a, const struct facts *const *b, int pairs,
                        uint64_t seed, struct err *e)
{
	const size_t n = (size_t)a[0]->n + 1;
	*q = (struct quality){.pairs = pairs, .f = {a, b}, .seed = seed};
	q->mixed = malloc(n * sizeof *q->mixed);
	q->mixed_value = malloc(n * sizeof *q->mixed_value);
	for (int k = 0; k < 2; k++)
		q->o[k] = calloc((size_t)pairs, sizeof *q->o[k]);
	if (!q->mixed || !q->mixed_value || !q->o[0] || !q->o[1])
		return err_set(e, ERR_MEMORY, "out of memory for %d examples", a[0]->n);
	int code = 0;
	for (int i = 0; i < 2 * pairs && !code; i++)
		code = outcomes_open(&q->o[i % 2][i / 2], q->f[i % 2][i / 2], e);
	return code;
}

static void close_quality(struct quality *q)
{
	for (int k = 0; k < 2; k++) {
		for (int i = 0; q->o[k] && i < q->pairs; i++)
			outcomes_close(&q->o[k][i]);
		free(q->o[k]);
	}
	free(q->mixed);
	free(q->mixed_value);
}

/* The mean over the pairs, as all statistics here. */
static double mean_quality(const struct quality *q, int of)
{
	double sum = 0;
	for (int i = 0; i < q->pairs; i++)
		sum += outcomes_metric(&q->o[of][i], q->metric);
	return sum / q->pairs;
}

static double quality_difference(const int *pick, int n, void *arg)
{
	struct quality *q = arg;
	double sum = 0;
	for (int i = 0; i < q->pairs; i++) {
		const struct outcome a = outcomes_pick(&q->o[0][i], pick, n), b = outcomes_pick(&q->o[1][i], pick, n);
		sum += q->metric->compute(&b) - q->metric->compute(&a);
	}
	return sum / q->pairs;
}

/* Run `of` of a pair with its predictions, but where swapped the other's. */
static double mixed_quality(struct quality *q, int pair, int of, const unsigned char *swapped)
{
	struct outcome x = outcomes_whole(&q->o[of][pair]);
	for (int i = 0; i < x.n; i++) {
		const int from = swapped[i] ? !of : of;
		q->mixed[i] = q->f[from][pair]->pred[i];
		q->mixed_value[i] = q->o[from][pair].predicted[i];
	}
	x.pred = q->mixed;
	x.predicted = q->mixed_value;
	x.probs = NULL;
	return q->metric->compute(&x);
}

/* An example is swapped in every pair or in none. */
static double quality_swapped(const unsigned char *swapped, int n, void *arg)
{
	struct quality *q = arg;
	double sum = 0;
	(void)n;
	for (int i = 0; i < q->pairs; i++)
		sum += mixed_quality(q, i, 1, swapped) - mixed_quality(q, i, 0, swapped);
	return sum / q->pairs;
}

static void count_discordant(const struct facts *a, const struct facts *b, struct compared *c)
{
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

static int compare_quality(struct quality *q, const struct metric *m, struct compared *c, struct err *e)
{
	struct interval i = {NAN, NAN};
	const int n = q->f[0][0]->n;
	q->metric = m;
	*c = (struct compared){.measure = m->name, .test = "permutation", .p = NAN, .detectable = NAN};
	c->only_a = c->only_b = -1;
	c->a = mean_quality(q, 0);
	c->b = mean_quality(q, 1);
	c->effect = c->b - c->a;
	if (!q->o[0][0].is_labelled) {
		c->lo = c->hi = NAN;
		return 0;
	}
	int code = stats_bootstrap(&i, n, quality_difference, q, DRAWS, q->seed, alpha, e);
	c->lo = i.lo;
	c->hi = i.hi;
	if (!code && q->pairs == 1 && !strcmp(m->name, "accuracy"))
		count_discordant(q->f[0][0], q->f[1][0], c);
	else if (!code)
		code = stats_permutation(&c->p, n, quality_swapped, q, DRAWS, q->seed, e);
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
	const struct costs *p = arg;
	double cost[2];
	for (int k = 0; k < 2; k++)
		cost[k] = sum_of(p->cost[k], pick, n) / (p->dense[k] ? sum_of(p->dense[k], pick, n) : 1);
	return cost[0] / cost[1];
}

/* What is no different has the same cost in every item: log of the ratio, item by item. */
static int test_costs(const struct costs *p, int items, double *out, struct err *e)
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

static int compare_costs(struct costs *p, int items, const char *measure, struct compared *c, struct err *e)
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

static int compare_flops(struct costs *p, struct compared *c, struct err *e)
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

static void free_costs(struct costs *p)
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

static int compare_time(struct costs *p, struct compared *c, struct err *e)
{
	for (int k = 0; k < 2; k++) {
		const enum facts_arm twin = p->f[k]->turns[ARM_DENSE] ? ARM_DENSE : ARM_POLICY;
		if (!(p->cost[k] = batch_seconds(p->f[k], ARM_POLICY, e)) || !(p->dense[k] = batch_seconds(p->f[k], twin, e)))
			return ERR_MEMORY;
	}
	return compare_costs(p, p->f[0]->batches, "time", c, e);
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

static int compare_qualities(const struct facts *a, const struct facts *b, uint64_t seed, struct compared *out,
                             int *count, struct err *e)
{
	struct quality q;
	int code = open_quality(&q, &a, &b, 1, seed, e);
	for (int m = 0; a->metrics[m] && !code; m++)
		code = compare_quality(&q, a->metrics[m], &out[(*count)++], e);
	close_quality(&q);
	return code;
}

int compare(struct compared *out, int *count, const struct facts *a, const struct facts *b, uint64_t seed,
            struct err *e)
{
	struct costs p = {.f = {a, b}, .seed = seed};
	*count = 0;
	int code = check_same_examples(a, b, e);
	if (!code)
		code = compare_qualities(a, b, seed, out, count, e);
	if (!code)
		code = compare_flops(&p, &out[(*count)++], e);
	free_costs(&p);
	if (!code && is_timed(a) && is_timed(b) && a->batch == b->batch)
		code = compare_time(&p, &out[(*count)++], e);
	free_costs(&p);
	return code;
}

int compare_seeds(struct compared *out, const struct facts *const *a, const struct facts *const *b, int pairs,
                  uint64_t seed, struct err *e)
{
	struct quality q;
	int code = 0;
	for (int i = 0; i < pairs && !code; i++) {
		code = check_same_examples(a[i], b[i], e);
		if (!code)
			code = check_same_examples(a[0], a[i], e);
	}
	if (code)
		return code;
	code = open_quality(&q, a, b, pairs, seed, e);
	if (!code)
		code = compare_quality(&q, a[0]->metrics[0], out, e);
	close_quality(&q);
	return code;
}
