#include "rationale.h"

#include "../engine/base/err.h"
#include "curves.h"
#include "spans.h"
#include "stats.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 1000 };

const char *const rationale_budgets[BUDGET_COUNT] = {"replay", "human", "mean"};
const char *const rationale_rates[RATE_COUNT] = {"fpr", "fdr", "recall", "f1"};

void rationale_close(struct rationale_facts *f)
{
	for (int i = 0; i < f->n && f->document; i++) {
		struct rationale_document *d = &f->document[i];
		free(d->logits);
		free(d->span);
		free(d->window);
		free(d->budget);
		free(d->score);
		free(d->removed);
		free(d->alone);
	}
	free(f->document);
	*f = (struct rationale_facts){0};
}

/* ---- what people marked --------------------------------------------------------------------------------------- */

/* truth [tokens]; returns how many are marked. */
static int mark(unsigned char *truth, const struct rationale_document *d)
{
	int count = 0;
	memset(truth, 0, (size_t)d->tokens);
	for (int i = 0; i < d->spans; i++)
		memset(truth + d->span[i][0], 1, (size_t)(d->span[i][1] - d->span[i][0]));
	for (int t = 0; t < d->tokens; t++)
		count += truth[t];
	return count;
}

static int count_marked(const struct rationale_document *d)
{
	int count = 0, end = 0;
	/* Spans may overlap and come in any order: tokens are counted one by one. */
	for (int t = 0; t < d->tokens; t = t < end ? end : t + 1) {
		end = t;
		for (int i = 0; i < d->spans; i++)
			if (d->span[i][0] <= t && d->span[i][1] > end)
				end = d->span[i][1];
		count += end - t;
	}
	return count;
}

double rationale_mean_share(const struct rationale_facts *f)
{
	double sum = 0;
	int n = 0;
	for (int i = 0; i < f->n; i++) {
		const int marked = count_marked(&f->document[i]);
		sum += marked ? (double)marked / f->document[i].tokens : 0;
		n += marked > 0;
	}
	return n ? sum / n : NAN;
}

/* ---- selecting ------------------------------------------------------------------------------------------------ */

struct ranked {
	float score;
	int layer, token; /* layer: the last that scored it; -1: none */
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->layer != y->layer)
		return x->layer < y->layer ? 1 : -1;
	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return x->token - y->token;
}

/* From the first of the order to the last. NULL when there is no memory. */
static struct ranked *rank(const float *scores, int layer, int tokens)
{
	struct ranked *r = malloc(((size_t)tokens + 1) * sizeof *r);
	for (int t = 0; r && t < tokens; t++) {
		r[t] = (struct ranked){.layer = layer, .token = t};
		while (r[t].layer >= 0 && isnan(scores[(size_t)r[t].layer * (size_t)tokens + (size_t)t]))
			r[t].layer--;
		r[t].score = r[t].layer < 0 ? 0 : scores[(size_t)r[t].layer * (size_t)tokens + (size_t)t];
	}
	if (r)
		qsort(r, (size_t)tokens, sizeof *r, by_rank);
	return r;
}

int rationale_order(int *order, const float *scores, int layer, int tokens, struct err *e)
{
	struct ranked *r = rank(scores, layer, tokens);
	if (!r)
		return err_set(e, ERR_MEMORY, "out of memory for the order of %d tokens", tokens);
	for (int i = 0; i < tokens; i++)
		order[i] = r[i].token;
	free(r);
	return 0;
}

/* Ranks as numbers, equal for what is equal: for curves. */
static int rank_values(double *value, const float *scores, int layer, int tokens, struct err *e)
{
	struct ranked *r = rank(scores, layer, tokens);
	if (!r)
		return err_set(e, ERR_MEMORY, "out of memory for the order of %d tokens", tokens);
	for (int i = 0, group = 0; i < tokens; i++) {
		group = i && r[i].layer == r[i - 1].layer && r[i].score == r[i - 1].score ? group : i;
		value[r[i].token] = -group;
	}
	free(r);
	return 0;
}

/* The first k of the order that lie in [first, last). */
static void take(unsigned char *keep, const int *order, int tokens, int first, int last, int k)
{
	for (int i = 0; i < tokens && k > 0; i++)
		if (order[i] >= first && order[i] < last) {
			keep[order[i]] = 1;
			k--;
		}
}

void rationale_select(unsigned char *keep, const struct rationale_facts *f, const struct rationale_document *d,
                      const int *order, int layer, enum rationale_budget budget)
{
	memset(keep, 0, (size_t)d->tokens);
	for (int w = 0; w < d->windows && budget == BUDGET_REPLAY; w++)
		take(keep, order, d->tokens, d->window[w], d->window[w + 1], d->budget[w * f->L + layer]);
	if (budget == BUDGET_HUMAN)
		take(keep, order, d->tokens, 0, d->tokens, count_marked(d));
	if (budget == BUDGET_MEAN)
		take(keep, order, d->tokens, 0, d->tokens, (int)ceil(f->mean_share * d->tokens - 1e-9));
}

/* ---- agreement ------------------------------------------------------------------------------------------------ */

static const double half = 0.5; /* of the union: the benchmark's threshold */

/* `runs`: of selected tokens. The benchmark's spans are a set: the same span twice is one. */
static void match_spans(struct agreement *out, const struct rationale_document *d, const int (*runs)[2],
                        int (*spans)[2], int *match, unsigned char *seen)
{
	if (d->spans)
		memcpy(spans, d->span, (size_t)d->spans * sizeof *spans);
	out->truths = spans_unique(spans, d->spans);
	const int(*truth)[2] = (const int(*)[2])spans;
	for (int r = 0; r < out->spans; r++)
		out->hits += spans_best_iou(runs[r], truth, out->truths) >= half;
	out->hits_one_to_one = spans_match(runs, out->spans, truth, out->truths, half, match, seen);
}

static void count_tokens(struct agreement *out, int (*runs)[2], const unsigned char *keep, const unsigned char *truth,
                         int tokens)
{
	for (int t = 0; t < tokens; t++) {
		out->tp += keep[t] && truth[t];
		out->fp += keep[t] && !truth[t];
		out->fn += !keep[t] && truth[t];
		out->tn += !keep[t] && !truth[t];
		if (keep[t] && (t == 0 || !keep[t - 1]))
			runs[out->spans++][0] = t;
		if (keep[t])
			runs[out->spans - 1][1] = t + 1;
	}
}

int rationale_agreement(struct agreement *out, const struct rationale_document *d, const unsigned char *keep,
                        struct err *e)
{
	const size_t n = (size_t)d->tokens + 1, spans = (size_t)d->spans + 1;
	*out = (struct agreement){0};
	unsigned char *truth = malloc(n + spans);
	int(*runs)[2] = malloc((n + spans) * sizeof *runs);
	int *match = malloc(spans * sizeof *match);
	int code = truth && runs && match ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d tokens", d->tokens);
	if (!code) {
		mark(truth, d);
		count_tokens(out, runs, keep, truth, d->tokens);
		match_spans(out, d, (const int(*)[2])runs, runs + n, match, truth + n);
	}
	free(truth);
	free(runs);
	free(match);
	return code;
}

/* ---- measures: ratios of sums over documents ------------------------------------------------------------------ */

enum { PLACE_SIZE = 48, NAME_SIZE = 96 };

/* The ratio of column `a`, or the harmonic mean of two. */
struct measure {
	char name[NAME_SIZE];
	int a, b; /* b -1: none */
};

struct ratio {
	double num, den;
};

struct derivation {
	const struct rationale_facts *f;
	struct ratio *cell; /* [n,columns] */
	int columns, capacity;
	struct measure *measure;
	int measures, measure_capacity;
	int is_counting; /* the first pass: how many columns there are */
	int column, document;
	double *draw; /* [DRAWS,measures] */

	/* Of the document in hand. */
	int *order;
	double *value;
	unsigned char *keep, *truth;
};

/* "fpr" + "-macro" + "/" + "replay/layer-0". */
static void add_measure(struct derivation *d, int a, int b, const char *what, const char *suffix, const char *where)
{
	if (!d->is_counting)
		return;
	struct measure *m = &d->measure[d->measures++];
	assert(d->measures <= d->measure_capacity);
	*m = (struct measure){.a = a, .b = b};
	snprintf(m->name, sizeof m->name, "%s%s%s%s", what, suffix, where[0] ? "/" : "", where);
}

/* One column's numbers for the document in hand; the columns come in the same order for every document. */
static int put(struct derivation *d, double num, double den)
{
	if (!d->is_counting)
		d->cell[(size_t)d->document * (size_t)d->columns + (size_t)d->column] = (struct ratio){num, den};
	return d->column++;
}

/* Pooled, and as the mean of the documents' own. */
static void put_rate(struct derivation *d, const char *what, const char *where, double num, double den)
{
	add_measure(d, put(d, num, den), -1, what, "", where);
	add_measure(d, put(d, den > 0 ? num / den : 0, den > 0), -1, what, "-macro", where);
}

static void put_value(struct derivation *d, const char *what, const char *where, double value)
{
	const int is_defined = !isnan(value);
	add_measure(d, put(d, is_defined ? value : 0, is_defined), -1, what, "", where);
}

/* Pooled F1 is 2 hits / (spans + truths); macro is the harmonic mean of mean precision and mean recall. */
static void put_iou(struct derivation *d, const char *what, const char *where, const struct agreement *a, int hits,
                    int is_marked)
{
	add_measure(d, put(d, is_marked ? 2.0 * hits : 0, is_marked ? a->spans + a->truths : 0), -1, what, "", where);
	const int p = put(d, a->spans ? (double)hits / a->spans : 0, is_marked && a->spans);
	const int r = put(d, a->truths ? (double)hits / a->truths : 0, is_marked && a->truths);
	add_measure(d, p, r, what, "-macro", where);
}

static int put_selection(struct derivation *d, const struct rationale_document *x, int layer,
                         enum rationale_budget budget, const char *where, struct err *e)
{
	struct agreement a;
	rationale_select(d->keep, d->f, x, d->order, layer, budget);
	int code = rationale_agreement(&a, x, d->keep, e);
	const int is_marked = a.tp + a.fn > 0;
	if (!is_marked)
		a.fp = a.tn = a.tp = 0;
	put_rate(d, "fpr", where, a.fp, a.fp + a.tn);
	put_rate(d, "fdr", where, a.fp, a.fp + a.tp);
	put_rate(d, "recall", where, a.tp, a.tp + a.fn);
	put_rate(d, "f1", where, 2 * a.tp, 2 * a.tp + a.fp + a.fn);
	put_iou(d, "iou", where, &a, a.hits, is_marked);
	put_iou(d, "iou-bounded", where, &a, a.hits_one_to_one, is_marked);
	return code;
}

static int put_curves(struct derivation *d, const struct rationale_document *x, int layer, const char *where,
                      struct err *e)
{
	struct curves c;
	int code = rank_values(d->value, x->score, layer, x->tokens, e);
	const int marked = mark(d->truth, x);
	if (!code)
		code = curves_of(&c, d->value, d->truth, x->tokens, e);
	if (code)
		return code;
	put_value(d, "average-precision", where, c.average_precision);
	put_value(d, "auprc", where, marked ? c.auprc : NAN);
	return 0;
}

double rationale_probability(const float *logits, int classes, int class)
{
	double sum = 0;
	for (int c = 0; c < classes; c++)
		sum += exp((double)logits[c] - (double)logits[class]);
	return 1 / sum;
}

static void put_perturbations(struct derivation *d, const struct rationale_document *x, int layer, const char *where)
{
	const struct rationale_facts *f = d->f;
	const double p = rationale_probability(x->logits, f->classes, x->pred);
	double removed = 0, alone = 0;
	int terms = 0;
	for (int k = 0; k < f->thresholds; k++) {
		const double without = p - x->removed[layer * f->thresholds + k],
					 only = p - x->alone[layer * f->thresholds + k];
		if (f->threshold[k] == 0) {
			put_value(d, "comprehensiveness", where, without);
			put_value(d, "sufficiency", where, only);
			continue;
		}
		removed += without;
		alone += only;
		terms++;
	}
	if (!terms)
		return;
	put_value(d, "comprehensiveness-aopc", where, removed / terms);
	put_value(d, "sufficiency-aopc", where, alone / terms);
}

/* "replay/layer-0", or "layer-0", or "replay", or "". */
static const char *place(char out[PLACE_SIZE], const char *budget, int layer)
{
	if (layer < 0)
		snprintf(out, PLACE_SIZE, "%s", budget);
	else
		snprintf(out, PLACE_SIZE, "%s%slayer-%d", budget, budget[0] ? "/" : "", layer);
	return out;
}

static int put_layer(struct derivation *d, const struct rationale_document *x, int l, struct err *e)
{
	char where[PLACE_SIZE];
	const struct rationale_facts *f = d->f;
	const int has_layers = f->layers > 1, named = has_layers ? l : -1;
	int code = has_layers || l == 0 ? rationale_order(d->order, x->score, l, x->tokens, e) : 0;
	if (!code)
		code = put_selection(d, x, l, BUDGET_REPLAY, place(where, "replay", l), e);
	double kept = 0;
	for (int w = 0; w < x->windows; w++)
		kept += x->budget[w * f->L + l];
	add_measure(d, put(d, kept, x->tokens), -1, "kept", "", place(where, "", l));
	if (code || (!has_layers && l > 0))
		return code;
	for (enum rationale_budget b = BUDGET_HUMAN; b < BUDGET_COUNT && !code; b++)
		code = put_selection(d, x, l, b, place(where, rationale_budgets[b], named), e);
	if (!code)
		code = put_curves(d, x, l, place(where, "", named), e);
	if (!code && f->thresholds)
		put_perturbations(d, x, l, where);
	return code;
}

static int put_document(struct derivation *d, int i, struct err *e)
{
	const struct rationale_document *x = &d->f->document[i];
	int code = 0;
	d->document = i;
	d->column = 0;
	put_value(d, "accuracy", "", x->gold < 0 ? NAN : x->gold == x->pred);
	for (int l = 0; l < d->f->L && !code; l++)
		code = put_layer(d, x, l, e);
	d->columns = d->column;
	d->is_counting = 0;
	return code;
}

/* ---- intervals ------------------------------------------------------------------------------------------------ */

static double ratio(struct ratio r) { return r.den > 0 ? r.num / r.den : NAN; }

static double measured(const struct measure *m, const struct ratio *sum)
{
	const double a = ratio(sum[m->a]), b = m->b < 0 ? NAN : ratio(sum[m->b]);
	return m->b < 0 ? a : a + b > 0 ? 2 * a * b / (a + b) : a + b == 0 ? 0 : NAN;
}

static void measure_all(double *value, const int *pick, int n, void *arg)
{
	const struct derivation *d = arg;
	struct ratio *sum = calloc((size_t)d->columns, sizeof *sum);
	for (int i = 0; i < n && sum; i++) {
		const struct ratio *row = d->cell + (size_t)pick[i] * (size_t)d->columns;
		for (int c = 0; c < d->columns; c++) {
			sum[c].num += row[c].num;
			sum[c].den += row[c].den;
		}
	}
	for (int m = 0; m < d->measures; m++)
		value[m] = sum ? measured(&d->measure[m], sum) : NAN;
	free(sum);
}

static struct interval interval_of(const struct derivation *d, int m, double *scratch)
{
	int n = 0;
	for (int k = 0; k < DRAWS; k++) {
		const double v = d->draw[(size_t)k * (size_t)d->measures + (size_t)m];
		if (!isnan(v))
			scratch[n++] = v;
	}
	if (n < DRAWS / 2)
		return (struct interval){NAN, NAN};
	return (struct interval){stats_quantile(scratch, n, 0.025), stats_quantile(scratch, n, 0.975)};
}

static int visit_all(const struct derivation *d, const double *value, derived_metric *visit, void *arg, struct err *e)
{
	double scratch[DRAWS];
	int marked = 0, code = 0;
	for (int i = 0; i < d->f->n; i++)
		marked += d->f->document[i].spans > 0 && count_marked(&d->f->document[i]) > 0;
	code = visit("documents", d->f->n, NAN, NAN, arg, e);
	if (!code)
		code = visit("rationales", marked, NAN, NAN, arg, e);
	if (!code)
		code = visit("rationale-share", d->f->mean_share, NAN, NAN, arg, e);
	for (int m = 0; m < d->measures && !code; m++) {
		const struct interval in = interval_of(d, m, scratch);
		code = visit(d->measure[m].name, value[m], in.lo, in.hi, arg, e);
	}
	return code;
}

static int measure(struct derivation *d, derived_metric *visit, void *arg, struct err *e)
{
	int *all = malloc(((size_t)d->f->n + 1) * sizeof *all);
	double *value = malloc(((size_t)d->measures + 1) * sizeof *value);
	d->draw = malloc((size_t)DRAWS * (size_t)d->measures * sizeof *d->draw);
	int code = all && value && d->draw ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d measures", d->measures);
	if (!code) {
		for (int i = 0; i < d->f->n; i++)
			all[i] = i;
		measure_all(value, all, d->f->n, d);
		code = stats_resample(d->draw, d->measures, d->f->n, measure_all, d, DRAWS, 0, e);
	}
	if (!code)
		code = visit_all(d, value, visit, arg, e);
	free(all);
	free(value);
	free(d->draw);
	return code;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static int longest(const struct rationale_facts *f)
{
	int most = 0;
	for (int i = 0; i < f->n; i++)
		most = f->document[i].tokens > most ? f->document[i].tokens : most;
	return most;
}

static int open_room(struct derivation *d, struct err *e)
{
	const size_t n = (size_t)longest(d->f) + 1;
	d->measure_capacity = 64 * (d->f->L + 1) + 16;
	d->measure = malloc((size_t)d->measure_capacity * sizeof *d->measure);
	d->order = malloc(n * sizeof *d->order);
	d->value = malloc(n * sizeof *d->value);
	d->keep = malloc(n);
	d->truth = malloc(n);
	return d->measure && d->order && d->value && d->keep && d->truth
	           ? 0
	           : err_set(e, ERR_MEMORY, "out of memory for documents of %zu tokens", n - 1);
}

static void close_room(struct derivation *d)
{
	free(d->cell);
	free(d->measure);
	free(d->order);
	free(d->value);
	free(d->keep);
	free(d->truth);
}

int rationale_derive(const struct rationale_facts *f, derived_metric *visit, void *arg, struct err *e)
{
	struct derivation d = {.f = f, .is_counting = 1};
	if (f->n < 1)
		return err_set(e, ERR_FORMAT, "no documents to measure");
	int code = open_room(&d, e);
	if (!code)
		code = put_document(&d, 0, e); /* counts the columns */
	if (!code && !(d.cell = malloc((size_t)f->n * (size_t)d.columns * sizeof *d.cell)))
		code = err_set(e, ERR_MEMORY, "out of memory for %d columns of %d documents", d.columns, f->n);
	for (int i = 0; i < f->n && !code; i++)
		code = put_document(&d, i, e);
	if (!code)
		code = measure(&d, visit, arg, e);
	close_room(&d);
	return code;
}

static double rate_of(const struct agreement *a, enum rationale_rate which)
{
	const double num[RATE_COUNT] = {a->fp, a->fp, a->tp, 2.0 * a->tp};
	const double den[RATE_COUNT] = {a->fp + a->tn, a->fp + a->tp, a->tp + a->fn, 2.0 * a->tp + a->fp + a->fn};
	return den[which] > 0 ? num[which] / den[which] : NAN;
}

int rationale_rates_of(double *rate, int *count, const struct rationale_facts *f, enum rationale_rate which,
                       enum rationale_budget budget, int layer, struct err *e)
{
	struct derivation d = {.f = f};
	int code = open_room(&d, e);
	*count = 0;
	for (int i = 0; i < f->n && !code; i++) {
		struct agreement a;
		const struct rationale_document *x = &f->document[i];
		if (!count_marked(x))
			continue;
		code = rationale_order(d.order, x->score, f->layers > 1 ? layer : 0, x->tokens, e);
		if (code)
			break;
		rationale_select(d.keep, f, x, d.order, layer, budget);
		code = rationale_agreement(&a, x, d.keep, e);
		rate[(*count)++] = rate_of(&a, which);
	}
	close_room(&d);
	return code;
}

/* ---- two methods ---- */

enum { FLIPS = 10000 };

int rationale_difference(double *difference, double *p, const struct rationale_facts *f,
                         const struct rationale_facts *g, enum rationale_rate rate, enum rationale_budget budget,
                         int layer, struct err *e)
{
	double *a = malloc(((size_t)f->n + 1) * sizeof *a), *b = malloc(((size_t)g->n + 1) * sizeof *b);
	int n = 0, m = 0, defined = 0, code = a && b ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d documents", f->n);
	*difference = *p = NAN;
	if (!code)
		code = rationale_rates_of(a, &n, f, rate, budget, layer, e);
	if (!code)
		code = rationale_rates_of(b, &m, g, rate, budget, layer, e);
	if (!code && n != m)
		code = err_set(e, ERR_MISMATCH, "the methods are not of the same documents: %d and %d have a rationale", n, m);
	for (int i = 0; i < n && !code; i++)
		if (!isnan(a[i] - b[i]))
			a[defined++] = a[i] - b[i];
	if (!code && defined) {
		*difference = stats_mean(a, defined);
		code = stats_sign_flip(p, a, defined, FLIPS, 0, e);
	}
	free(a);
	free(b);
	return code;
}
