#include "derive.h"

#include "../engine/base/err.h"
#include "outcomes.h"
#include "stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 1000 };
static const double alpha = 0.05;

/* ---- single numbers -------------------------------------------------------------------------------------------- */

double derive_flops_speedup(const struct facts *f)
{
	double dense = 0, run = 0;
	for (int i = 0; i < f->n; i++) {
		dense += (double)f->dense_flops[i];
		run += (double)f->flops[i];
	}
	return dense / run;
}

double derive_kept(const struct facts *f, int layer)
{
	double rows = 0, tokens = 0;
	for (int i = 0; i < f->n; i++) {
		rows += f->rows[(size_t)i * (size_t)f->shape.L + (size_t)layer];
		tokens += f->tokens[i];
	}
	return rows / tokens;
}

int64_t derive_ns(const struct facts *f, enum facts_arm arm, int turn)
{
	int64_t sum = 0;
	for (int i = 0; i < f->batches; i++)
		sum += f->ns[arm][(size_t)turn * (size_t)f->batches + (size_t)i];
	return sum;
}

/* Of each turn. */
static double *seconds_by_turn(const struct facts *f, enum facts_arm arm)
{
	double *seconds = f->turns[arm] ? malloc((size_t)f->turns[arm] * sizeof *seconds) : NULL;
	for (int turn = 0; turn < f->turns[arm] && seconds; turn++)
		seconds[turn] = (double)derive_ns(f, arm, turn) * 1e-9;
	return seconds;
}

double derive_seconds(const struct facts *f, enum facts_arm arm)
{
	double *seconds = seconds_by_turn(f, arm);
	const double median = seconds ? stats_median(seconds, f->turns[arm]) : NAN;
	free(seconds);
	return median;
}

/* ---- visiting -------------------------------------------------------------------------------------------------- */

struct derivation {
	const struct facts *f;
	struct outcomes outcomes;
	int metrics;
	derived_metric *visit;
	void *arg;
	double *draws; /* [DRAWS,values] */
};

/* The values of a resample: the task's metrics, the loss, the FLOPs speedup. */
static int values_of(const struct derivation *d) { return d->metrics + 2; }

static void resampled(double *value, const int *pick, int n, void *arg)
{
	struct derivation *d = arg;
	const struct facts *f = d->f;
	double loss = 0, dense = 0, run = 0;
	for (int k = 0; k < n; k++) {
		loss += d->outcomes.loss[pick[k]];
		dense += (double)f->dense_flops[pick[k]];
		run += (double)f->flops[pick[k]];
	}
	const struct outcome picked = outcomes_pick(&d->outcomes, pick, n);
	for (int m = 0; m < d->metrics; m++)
		value[m] = d->outcomes.is_labelled ? f->metrics[m]->compute(&picked) : NAN;
	value[d->metrics] = loss / n;
	value[d->metrics + 1] = dense / run;
}

/* The interval of value v of all draws. */
static struct interval interval_of(const struct derivation *d, int v)
{
	double column[DRAWS];
	int count = 0;
	for (int k = 0; k < DRAWS; k++) {
		const double value = d->draws[k * values_of(d) + v];
		if (!isnan(value))
			column[count++] = value;
	}
	if (count < DRAWS / 2)
		return (struct interval){NAN, NAN};
	const double lo = stats_quantile(column, count, alpha / 2);
	return (struct interval){lo, stats_quantile(column, count, 1 - alpha / 2)};
}

static int tell(const struct derivation *d, const char *name, double value, struct interval i, struct err *e)
{
	return d->visit(name, value, i.lo, i.hi, d->arg, e);
}

static const struct interval no_interval = {NAN, NAN};

static int tell_alone(const struct derivation *d, const char *name, double value, struct err *e)
{
	return tell(d, name, value, no_interval, e);
}

static int right(const struct facts *f)
{
	int count = 0;
	for (int i = 0; i < f->n; i++)
		count += f->gold[i] == f->pred[i];
	return count;
}

static int tell_quality(const struct derivation *d, struct err *e)
{
	const struct facts *f = d->f;
	const struct outcomes *o = &d->outcomes;
	int code = 0;
	for (int m = 0; m < d->metrics && !code; m++) {
		const int is_accuracy = !strcmp(f->metrics[m]->name, "accuracy");
		const struct interval i =
			is_accuracy && o->is_labelled ? stats_wilson(right(f), f->n, alpha) : interval_of(d, m);
		code = tell(d, f->metrics[m]->name, outcomes_metric(o, f->metrics[m]), i, e);
	}
	if (!code && f->classes)
		code = tell_alone(d, "ece", outcomes_metric(o, metric_find("ece", NULL)), e);
	return code ? code : tell(d, "loss", outcomes_loss(o), interval_of(d, d->metrics), e);
}

/* ---- FLOPs ----------------------------------------------------------------------------------------------------- */

#define FLOPS_PARTS(X) X(projection) X(attention) X(feed_forward) X(policy) X(head)

static int longest(const struct facts *f)
{
	int most = 1;
	for (int i = 0; i < f->n; i++)
		most = f->tokens[i] > most ? f->tokens[i] : most;
	return most;
}

/* The closed form takes what died as int: a copy, as long as the longest text. */
static void count_flops(const struct facts *f, int i, int *died_at, struct flops *out)
{
	for (int t = 0; t < f->tokens[i] && f->died_at; t++)
		died_at[t] = f->died_at[f->start[i] + t];
	flops_count(out, &f->shape, &f->policy, f->tokens[i], f->died_at ? died_at : NULL, 0);
}

static int sum_flops(const struct facts *f, struct flops *sum, struct err *e)
{
	int *died_at = malloc((size_t)longest(f) * sizeof *died_at), code = 0;
	if (!died_at)
		return err_set(e, ERR_MEMORY, "out of memory for %d tokens", longest(f));
	for (int i = 0; i < f->n && !code; i++) {
		struct flops x;
		count_flops(f, i, died_at, &x);
#define ADD_PART(part) sum->part += x.part;
		FLOPS_PARTS(ADD_PART)
		if (flops_total(&x) != f->flops[i])
			code = err_set(e, ERR_FORMAT, "example %d cannot have cost %lld FLOPs: by what died it is %lld", f->idx[i],
			               (long long)f->flops[i], (long long)flops_total(&x));
	}
	free(died_at);
	return code;
}

/* Only the shape that the published constants are of. */
static double paper_speedup(const struct facts *f)
{
	const struct config *c = &f->shape;
	double dense = 0, run = 0;
	if (c->L != 12 || c->H != 768 || c->F != 3072 || !f->classes)
		return NAN;
	for (int i = 0; i < f->n; i++) {
		dense += (double)flops_paper_bert(f->tokens[i], f->classes);
		run += (double)flops_paper_adapler(f->tokens[i], f->rows + (size_t)i * 12, 12, f->classes);
	}
	return dense / run;
}

static int tell_flops(const struct derivation *d, struct err *e)
{
	const struct facts *f = d->f;
	struct flops sum = {0};
	double dense = 0;
	int code = sum_flops(f, &sum, e);
	for (int i = 0; i < f->n; i++)
		dense += (double)f->dense_flops[i];
	if (!code)
		code = tell(d, "flops_speedup", derive_flops_speedup(f), interval_of(d, d->metrics + 1), e);
	if (!code)
		code = tell_alone(d, "flops", (double)flops_total(&sum), e);
	if (!code)
		code = tell_alone(d, "dense_flops", dense, e);
#define TELL_PART(part) \
	if (!code)          \
		code = tell_alone(d, "flops/" #part, (double)sum.part, e);
	FLOPS_PARTS(TELL_PART)
	const double paper = paper_speedup(f);
	return code || isnan(paper) ? code : tell_alone(d, "paper_flops_speedup", paper, e);
}

static int tell_size(const struct derivation *d, struct err *e)
{
	double tokens = 0;
	for (int i = 0; i < d->f->n; i++)
		tokens += d->f->tokens[i];
	int code = tell_alone(d, "examples", d->f->n, e);
	return code ? code : tell_alone(d, "tokens", tokens, e);
}

static int tell_kept(const struct derivation *d, struct err *e)
{
	char name[40];
	int code = 0;
	for (int l = 0; l < d->f->shape.L && !code; l++) {
		snprintf(name, sizeof name, "kept/layer-%d", l);
		code = tell_alone(d, name, derive_kept(d->f, l), e);
	}
	return code;
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static struct interval spread(const double *x, int n)
{
	struct interval i = {x[0], x[0]};
	for (int k = 1; k < n; k++) {
		i.lo = x[k] < i.lo ? x[k] : i.lo;
		i.hi = x[k] > i.hi ? x[k] : i.hi;
	}
	return i;
}

static int tell_seconds(const struct derivation *d, enum facts_arm arm, const char *name, struct err *e)
{
	double *seconds = seconds_by_turn(d->f, arm);
	if (!seconds)
		return d->f->turns[arm] ? err_set(e, ERR_MEMORY, "out of memory for %d turns", d->f->turns[arm]) : 0;
	const struct interval i = spread(seconds, d->f->turns[arm]);
	const double median = stats_median(seconds, d->f->turns[arm]);
	free(seconds);
	return tell(d, name, median, i, e);
}

static int tell_speedup(const struct derivation *d, struct err *e)
{
	const struct facts *f = d->f;
	const int turns = f->turns[ARM_DENSE];
	if (!policy_drops(&f->policy))
		return tell(d, "time_speedup", 1, (struct interval){1, 1}, e);
	if (!turns || turns != f->turns[ARM_POLICY])
		return 0;
	double *dense = seconds_by_turn(f, ARM_DENSE), *run = seconds_by_turn(f, ARM_POLICY);
	int code = dense && run ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d turns", turns);
	if (!code) {
		const double value = derive_seconds(f, ARM_DENSE) / derive_seconds(f, ARM_POLICY);
		for (int i = 0; i < turns; i++)
			dense[i] /= run[i];
		code = tell(d, "time_speedup", value, spread(dense, turns), e);
	}
	free(dense);
	free(run);
	return code;
}

static int tell_times(const struct derivation *d, struct err *e)
{
	const struct facts *f = d->f;
	int code = tell_seconds(d, ARM_POLICY, "seconds", e);
	if (!code)
		code = tell_seconds(d, ARM_DENSE, "dense_seconds", e);
	if (!code && f->turns[ARM_POLICY])
		code = tell_speedup(d, e);
	if (!code && f->turns[ARM_POLICY])
		code = tell_alone(d, "examples_per_second", f->n / derive_seconds(f, ARM_POLICY), e);
	return code;
}

/* ---- whether the facts agree with each other ------------------------------------------------------------------- */

static int check_prediction(const struct facts *f, int i, struct err *e)
{
	const float *z = f->logits + (size_t)i * (size_t)f->outputs;
	int best = 0;
	for (int c = 1; c < f->outputs; c++)
		best = z[c] > z[best] ? c : best;
	if (best == f->pred[i])
		return 0;
	return err_set(e, ERR_FORMAT, "example %d cannot have been predicted as class %d: the largest logit is that of %d",
	               f->idx[i], f->pred[i], best);
}

/* That layer l can have attended to. */
static int rows_left(const struct facts *f, int i, int l)
{
	const int is_after = f->policy.site == SITE_AFTER_ATTENTION;
	int alive = 0;
	if (!f->died_at)
		return f->tokens[i];
	for (int64_t t = f->start[i]; t < f->start[i + 1]; t++)
		alive += f->died_at[t] > l - is_after;
	return alive;
}

static int check_rows(const struct facts *f, int i, struct err *e)
{
	const int *rows = f->rows + (size_t)i * (size_t)f->shape.L;
	for (int l = 0; l < f->shape.L; l++)
		if (rows[l] != rows_left(f, i, l))
			return err_set(e, ERR_FORMAT, "example %d cannot have had %d rows in layer %d: by what died there were %d",
			               f->idx[i], rows[l], l, rows_left(f, i, l));
	return 0;
}

static int check_dense(const struct facts *f, const struct policy *none, int i, struct err *e)
{
	struct flops dense;
	flops_count(&dense, &f->shape, none, f->tokens[i], NULL, 0);
	if (flops_total(&dense) == f->dense_flops[i])
		return 0;
	return err_set(e, ERR_FORMAT, "example %d of %d tokens cannot cost %lld FLOPs dense: it is %lld", f->idx[i],
	               f->tokens[i], (long long)f->dense_flops[i], (long long)flops_total(&dense));
}

static int check_facts(const struct facts *f, struct err *e)
{
	struct policy none;
	int code = policy_parse(&none, "none", e);
	if (!code && f->n < 1)
		code = err_set(e, ERR_FORMAT, "no examples");
	if (!code && policy_drops(&f->policy) != (f->died_at != NULL))
		code = err_set(e, ERR_FORMAT, "%s of what died under policy '%s'", f->died_at ? "traces" : "no traces",
		               f->policy.text);
	for (int i = 0; i < f->n && !code; i++) {
		code = f->classes ? check_prediction(f, i, e) : 0;
		if (!code)
			code = check_rows(f, i, e);
		if (!code)
			code = check_dense(f, &none, i, e);
	}
	return code;
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

static int tell_all(const struct derivation *d, struct err *e)
{
	int code = tell_quality(d, e);
	if (!code)
		code = tell_size(d, e);
	if (!code)
		code = tell_flops(d, e);
	if (!code)
		code = tell_kept(d, e);
	return code ? code : tell_times(d, e);
}

int derive(const struct facts *f, derived_metric *visit, void *arg, struct err *e)
{
	struct derivation d = {.f = f, .visit = visit, .arg = arg};
	int code = check_facts(f, e);
	while (f->metrics[d.metrics])
		d.metrics++;
	if (!code)
		code = outcomes_open(&d.outcomes, f, e);
	if (code)
		return code;
	d.draws = malloc((size_t)DRAWS * (size_t)values_of(&d) * sizeof *d.draws);
	if (!d.draws)
		code = err_set(e, ERR_MEMORY, "out of memory for %d resamples", DRAWS);
	if (!code)
		code = stats_resample(d.draws, values_of(&d), f->n, resampled, &d, DRAWS, 0, e);
	if (!code)
		code = tell_all(&d, e);
	free(d.draws);
	outcomes_close(&d.outcomes);
	return code;
}
