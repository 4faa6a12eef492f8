#include "pareto.h"

#include "../engine/base/err.h"
#include "derive.h"
#include "outcomes.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 1000 };
static const double alpha = 0.05;

/* Quality and speedup of a point. */
struct place {
	double quality, speedup;
};

/* Of one example and run, and summed up over a resample. */
struct tally {
	double right, flops, dense_flops;
};

struct plane {
	const struct pareto_input *in;
	struct pareto_point *points;
	int count, dense;
	struct outcomes *outcomes; /* [in->count] */
	struct tally *example;     /* [n, in->count] */
	struct tally *sum;         /* [in->count] of the resample in hand */
	int is_accuracy;           /* the metric is: then the sums are enough */
	struct place *place;       /* [count] of the resample in hand */
	int *on_frontier;          /* [count] resamples */
};

/* ---- geometry -------------------------------------------------------------------------------------------------- */

static int dominates(struct place a, struct place b)
{
	return a.quality >= b.quality && a.speedup >= b.speedup && (a.quality > b.quality || a.speedup > b.speedup);
}

static int dominator(const struct place *p, int count, int of)
{
	int best = -1;
	for (int i = 0; i < count; i++)
		if (dominates(p[i], p[of]) && (best < 0 || p[i].quality > p[best].quality ||
		                               (p[i].quality == p[best].quality && p[i].speedup > p[best].speedup)))
			best = i;
	return best;
}

static int fastest_within(const struct place *p, int count, int dense, double within)
{
	int best = dense;
	/* 0.85 - 0.01 is a little above 0.84 in binary. */
	for (int i = 0; i < count; i++)
		if (p[i].quality >= p[dense].quality - within - 1e-12 && p[i].speedup > p[best].speedup)
			best = i;
	return best;
}

/* The best quality at a speedup of s or more is a staircase, which ends at the fastest point. Its mean over log s from 0:
 * the point that is best beyond `from` holds until its own speedup. */
static double area(const struct place *p, int count)
{
	double sum = 0, from = 0, most = 1;
	for (int i = 0; i < count; i++)
		most = fmax(most, p[i].speedup);
	while (from < log(most)) {
		int best = -1;
		for (int i = 0; i < count; i++)
			if (log(p[i].speedup) > from && (best < 0 || p[i].quality > p[best].quality ||
			                                 (p[i].quality == p[best].quality && p[i].speedup > p[best].speedup)))
				best = i;
		sum += p[best].quality * (log(p[best].speedup) - from);
		from = log(p[best].speedup);
	}
	return most > 1 ? sum / log(most) : NAN;
}

/* ---- places ---------------------------------------------------------------------------------------------------- */

/* The table of example x run, by rows, so that drawing an example adds a row to the sums of all runs. */
static int tabulate(struct plane *x, struct err *e)
{
	const struct pareto_input *in = x->in;
	const size_t R = (size_t)in->count, n = (size_t)in->facts[0].n;
	x->example = malloc(n * R * sizeof *x->example);
	x->sum = malloc(R * sizeof *x->sum);
	x->is_accuracy = !strcmp(in->facts[0].metrics[0]->name, "accuracy");
	if (!x->example || !x->sum)
		return err_set(e, ERR_MEMORY, "out of memory for %zu examples of %zu runs", n, R);
	for (size_t r = 0; r < R; r++)
		for (size_t i = 0; i < n; i++) {
			const struct facts *f = &in->facts[r];
			x->example[i * R + r] = (struct tally){.right = f->pred[i] == f->gold[i],
			                                       .flops = (double)f->flops[i],
			                                       .dense_flops = (double)f->dense_flops[i]};
		}
	return 0;
}

static void add_up(struct plane *x, const int *pick, int n)
{
	const size_t R = (size_t)x->in->count;
	memset(x->sum, 0, R * sizeof *x->sum);
	for (int k = 0; k < n; k++) {
		const struct tally *row = x->example + (size_t)pick[k] * R;
		for (size_t r = 0; r < R; r++) {
			x->sum[r].right += row[r].right;
			x->sum[r].flops += row[r].flops;
			x->sum[r].dense_flops += row[r].dense_flops;
		}
	}
}

static double quality_of(struct plane *x, int r, const int *pick, int n)
{
	if (x->is_accuracy)
		return x->sum[r].right / n;
	const struct outcome o = outcomes_pick(&x->outcomes[r], pick, n);
	return x->in->facts[r].metrics[0]->compute(&o);
}

static void take_places(struct plane *x, const int *pick, int n)
{
	add_up(x, pick, n);
	for (int i = 0; i < x->count; i++) {
		const struct pareto_point *p = &x->points[i];
		struct place sum = {0, 0};
		for (int k = 0; k < p->runs; k++) {
			const int r = p->run[k];
			sum.quality += quality_of(x, r, pick, n);
			sum.speedup += x->in->speedup ? x->in->speedup[r] : x->sum[r].dense_flops / x->sum[r].flops;
		}
		x->place[i] = (struct place){sum.quality / p->runs, sum.speedup / p->runs};
	}
}

static void draw(double *value, const int *pick, int n, void *arg)
{
	struct plane *x = arg;
	take_places(x, pick, n);
	for (int i = 0; i < x->count; i++)
		x->on_frontier[i] += dominator(x->place, x->count, i) < 0;
	value[0] = x->place[fastest_within(x->place, x->count, x->dense, x->in->within)].speedup;
	value[1] = area(x->place, x->count);
}

/* ---- as measured ----------------------------------------------------------------------------------------------- */

static int describe_point(struct plane *x, struct pareto_point *p, struct err *e)
{
	double *quality = malloc((size_t)p->runs * sizeof *quality), *speedup = malloc((size_t)p->runs * sizeof *speedup);
	int code = quality && speedup ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d runs", p->runs);
	for (int k = 0; k < p->runs && !code; k++) {
		const int r = p->run[k];
		quality[k] = outcomes_metric(&x->outcomes[r], x->in->facts[r].metrics[0]);
		speedup[k] = x->in->speedup ? x->in->speedup[r] : derive_flops_speedup(&x->in->facts[r]);
	}
	if (!code) {
		p->quality = stats_mean(quality, p->runs);
		p->quality_sd = stats_sd(quality, p->runs);
		p->speedup = stats_mean(speedup, p->runs);
		p->speedup_sd = stats_sd(speedup, p->runs);
	}
	free(quality);
	free(speedup);
	return code;
}

static void find_frontier(struct plane *x, struct pareto *out)
{
	for (int i = 0; i < x->count; i++)
		x->place[i] = (struct place){x->points[i].quality, x->points[i].speedup};
	for (int i = 0; i < x->count; i++)
		x->points[i].dominated_by = dominator(x->place, x->count, i);
	out->dense = x->dense;
	out->within = x->in->within;
	out->fastest = fastest_within(x->place, x->count, x->dense, x->in->within);
	out->speedup = x->place[out->fastest].speedup;
	out->area = area(x->place, x->count);
}

static struct interval column_interval(const double *values, int column)
{
	double x[DRAWS];
	int n = 0;
	for (int k = 0; k < DRAWS; k++)
		if (!isnan(values[2 * k + column]))
			x[n++] = values[2 * k + column];
	if (n < DRAWS / 2)
		return (struct interval){NAN, NAN};
	const double lo = stats_quantile(x, n, alpha / 2);
	return (struct interval){lo, stats_quantile(x, n, 1 - alpha / 2)};
}

static int resample(struct plane *x, struct pareto *out, struct err *e)
{
	double *values = malloc((size_t)DRAWS * 2 * sizeof *values);
	int code = values ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d resamples", DRAWS);
	if (!code)
		code = stats_resample(values, 2, x->in->facts[0].n, draw, x, DRAWS, x->in->seed, e);
	if (!code) {
		const struct interval s = column_interval(values, 0), a = column_interval(values, 1);
		out->speedup_lo = s.lo;
		out->speedup_hi = s.hi;
		out->area_lo = a.lo;
		out->area_hi = a.hi;
		for (int i = 0; i < x->count; i++)
			x->points[i].frontier_share = (double)x->on_frontier[i] / DRAWS;
	}
	free(values);
	return code;
}

static int check_input(const struct pareto_input *in, struct err *e)
{
	const struct facts *a = &in->facts[0];
	for (int r = 1; r < in->count; r++) {
		const struct facts *b = &in->facts[r];
		if (a->n != b->n || a->classes != b->classes || a->metrics[0] != b->metrics[0])
			return err_set(e, ERR_MISMATCH, "the runs are not of the same examples");
		for (int i = 0; i < a->n; i++)
			if (a->gold[i] != b->gold[i] || a->idx[i] != b->idx[i])
				return err_set(e, ERR_MISMATCH, "the runs are not of the same examples: they differ at example %d",
				               a->idx[i]);
	}
	return 0;
}

static int open_plane(struct plane *x, struct err *e)
{
	int code = 0;
	x->outcomes = calloc((size_t)x->in->count, sizeof *x->outcomes);
	x->place = calloc((size_t)x->count, sizeof *x->place);
	x->on_frontier = calloc((size_t)x->count, sizeof *x->on_frontier);
	if (!x->outcomes || !x->place || !x->on_frontier)
		return err_set(e, ERR_MEMORY, "out of memory for %d runs", x->in->count);
	for (int r = 0; r < x->in->count && !code; r++)
		code = outcomes_open(&x->outcomes[r], &x->in->facts[r], e);
	for (int r = 0; r < x->in->count && !code; r++)
		if (!x->outcomes[r].is_labelled)
			code = err_set(e, ERR_USAGE, "a split without labels has no quality to compare");
	return code ? code : tabulate(x, e);
}

static void close_plane(struct plane *x)
{
	for (int r = 0; r < x->in->count && x->outcomes; r++)
		outcomes_close(&x->outcomes[r]);
	free(x->outcomes);
	free(x->example);
	free(x->sum);
	free(x->place);
	free(x->on_frontier);
}

static int describe_points(struct plane *x, struct err *e)
{
	int code = check_input(x->in, e);
	if (!code)
		code = open_plane(x, e);
	for (int i = 0; i < x->count && !code; i++)
		code = describe_point(x, &x->points[i], e);
	return code;
}

int pareto_qualities(struct pareto_point *points, int count, const struct pareto_input *in, struct err *e)
{
	struct plane x = {.in = in, .points = points, .count = count};
	int code = describe_points(&x, e);
	close_plane(&x);
	return code;
}

int pareto(struct pareto *out, struct pareto_point *points, int count, const struct pareto_input *in, int dense,
           struct err *e)
{
	struct plane x = {.in = in, .points = points, .count = count, .dense = dense};
	*out = (struct pareto){0};
	int code = describe_points(&x, e);
	if (!code) {
		find_frontier(&x, out);
		code = resample(&x, out, e);
	}
	close_plane(&x);
	return code;
}
