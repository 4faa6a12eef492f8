/* What lies between the runs of a section: tests against dense, frontiers, and how many tokens were left by layer. */
#include "report.h"

#include "../engine/base/err.h"
#include "../eval/compare.h"
#include "../eval/pareto.h"
#include "../eval/stats.h"
#include "../eval/store_facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double within = 0.01; /* a point */

/* One run of every entry and seed, with its facts: what else an entry has are the same facts again. */
struct weighing {
	const struct report *report;
	struct section *section;
	const struct evaluation **run; /* [count] */
	int *entry;                    /* [count] whose it is */
	struct facts *facts;           /* [count] */
	int count, read;
};

/* ---- facts ---- */

static void choose_runs(struct weighing *w)
{
	for (int i = 0; i < w->section->entries; i++) {
		const struct entry *x = &w->section->entry[i];
		const int first = w->count;
		for (int k = 0; k < x->runs; k++) {
			int is_known = 0;
			for (int j = first; j < w->count; j++)
				is_known |= w->run[j]->seed == x->run[k].seed;
			if (is_known)
				continue;
			w->entry[w->count] = i;
			w->run[w->count++] = &x->run[k];
		}
	}
}

static int open_weighing(struct weighing *w, struct err *e)
{
	size_t runs = 0;
	for (int i = 0; i < w->section->entries; i++)
		runs += (size_t)w->section->entry[i].runs;
	w->run = malloc(runs * sizeof *w->run);
	w->entry = malloc(runs * sizeof *w->entry);
	w->facts = calloc(runs, sizeof *w->facts);
	if (!w->run || !w->entry || !w->facts)
		return err_set(e, ERR_MEMORY, "out of memory for %zu runs", runs);
	choose_runs(w);
	int code = 0;
	for (; w->read < w->count && !code; w->read += !code)
		code = store_facts_get(w->report->store, w->run[w->read]->id, 0, &w->facts[w->read], e);
	return code;
}

static void close_weighing(struct weighing *w)
{
	for (int i = 0; i < w->read; i++)
		facts_close(&w->facts[i]);
	free(w->facts);
	free(w->entry);
	free(w->run);
}

/* ---- tests ---- */

/* The dense run of this seed, else the first: a policy that draws may have several seeds where its model has one. */
static int dense_beside(const struct weighing *w, int run)
{
	int dense = -1;
	for (int i = 0; i < w->count; i++)
		if (w->entry[i] == w->section->dense && (dense < 0 || w->run[i]->seed == w->run[run]->seed))
			dense = i;
	return dense;
}

/* The runs of an entry from `first` on, each beside the dense run of its seed. */
static int compare_entry(struct weighing *w, int first, struct err *e)
{
	struct entry *x = &w->section->entry[w->entry[first]];
	const struct facts **dense = malloc((size_t)w->count * sizeof *dense),
					   **own = malloc((size_t)w->count * sizeof *own);
	struct compared c = {0};
	int count = 0, code = dense && own ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d runs", w->count);
	for (int i = first; i < w->count && w->entry[i] == w->entry[first] && !code; i++) {
		dense[count] = &w->facts[dense_beside(w, i)];
		own[count++] = &w->facts[i];
	}
	if (!code)
		code = compare_seeds(&c, dense, own, count, 0, e);
	if (!code) {
		x->difference = c.effect;
		x->lo = c.lo;
		x->hi = c.hi;
		x->p = c.p;
	}
	free(dense);
	free(own);
	return code;
}

/* Every entry but the dense one, at its first run. */
static int compare_all(struct weighing *w, struct err *e)
{
	struct section *s = w->section;
	double *p = malloc((size_t)s->entries * sizeof *p);
	int code = p ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d tests", s->entries);
	for (int i = 0; i < w->count && !code; i++)
		if (w->entry[i] != s->dense && (!i || w->entry[i] != w->entry[i - 1]))
			code = compare_entry(w, i, e);
	for (int i = 0; i < s->entries && !code; i++)
		p[i] = s->entry[i].p;
	if (!code)
		code = stats_holm(p, p, s->entries, e);
	for (int i = 0; i < s->entries && !code; i++)
		s->entry[i].p = p[i];
	free(p);
	return code;
}

/* ---- frontiers ---- */

static double time_of(const struct entry *x, int64_t seed, int batch)
{
	for (int i = 0; i < x->runs; i++)
		if (x->run[i].seed == seed && x->run[i].batch == batch && !isnan(x->run[i].time))
			return x->run[i].time;
	return NAN;
}

/* The points of the entries that have this speedup for all seeds; point [entries], run [count]. */
static int gather_points(const struct weighing *w, enum speed speed, struct pareto_point *point, int *run, int *entry,
                         double *speedup)
{
	const struct section *s = w->section;
	int points = 0;
	for (int i = 0, at = 0; i < s->entries; i++) {
		struct pareto_point *x = &point[points];
		int is_complete = 1;
		*x = (struct pareto_point){.label = s->entry[i].settings, .run = run + at};
		for (; at < w->count && w->entry[at] == i; at++) {
			run[at] = at;
			speedup[at] = time_of(&s->entry[i], w->run[at]->seed, speed_table[speed].batch);
			is_complete &= speed == SPEED_FLOPS || !isnan(speedup[at]);
			x->runs++;
		}
		if (is_complete)
			entry[points++] = i;
	}
	return points;
}

static void keep_frontier(struct section *s, enum speed speed, const struct pareto *out,
                          const struct pareto_point *point, const int *entry, int points)
{
	for (int i = 0; i < s->entries; i++)
		s->entry[i].on_frontier[speed] = -1;
	for (int i = 0; i < points; i++)
		s->entry[entry[i]].on_frontier[speed] = point[i].dominated_by < 0;
	s->fastest[speed].entry = entry[out->fastest];
	s->fastest[speed].speedup = out->speedup;
	s->fastest[speed].lo = out->speedup_lo;
	s->fastest[speed].hi = out->speedup_hi;
}

static int find_frontier(struct weighing *w, enum speed speed, struct err *e)
{
	struct section *s = w->section;
	struct pareto out;
	struct pareto_point *point = calloc((size_t)s->entries, sizeof *point);
	int *run = calloc((size_t)w->count, sizeof *run), *entry = calloc((size_t)s->entries, sizeof *entry);
	double *speedup = malloc((size_t)w->count * sizeof *speedup);
	int code = point && run && entry && speedup ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d runs", w->count);
	int points = code ? 0 : gather_points(w, speed, point, run, entry, speedup), dense = -1;
	const struct pareto_input in = {
		.facts = w->facts, .speedup = speed == SPEED_FLOPS ? NULL : speedup, .count = w->count, .within = within};
	for (int i = 0; i < points; i++)
		dense = entry[i] == s->dense ? i : dense;
	if (!code && dense >= 0) {
		code = pareto(&out, point, points, &in, dense, e);
		if (!code)
			keep_frontier(s, speed, &out, point, entry, points);
	}
	free(speedup);
	free(entry);
	free(run);
	free(point);
	return code;
}

/* ---- tokens by layer ---- */

static int keep_quartiles(struct entry *x, const struct facts *f, struct err *e)
{
	double *share = malloc((size_t)f->n * sizeof *share);
	if (!share)
		return err_set(e, ERR_MEMORY, "out of memory for %d examples", f->n);
	for (int l = 0; l < f->shape.L; l++) {
		for (int i = 0; i < f->n; i++)
			share[i] = (double)f->rows[(size_t)i * (size_t)f->shape.L + (size_t)l] / f->tokens[i];
		for (int q = 0; q < 3; q++)
			x->kept[l][q] = stats_quantile(share, f->n, 0.25 * (q + 1));
	}
	free(share);
	return 0;
}

static int count_tokens(struct weighing *w, struct err *e)
{
	int code = 0;
	for (int i = 0; i < w->count && !code; i++)
		if (!i || w->entry[i] != w->entry[i - 1])
			code = keep_quartiles(&w->section->entry[w->entry[i]], &w->facts[i], e);
	/* Models of several depths: a figure has the layers of the deepest. */
	for (int i = 0; i < w->count; i++)
		w->section->L = w->facts[i].shape.L > w->section->L ? w->facts[i].shape.L : w->section->L;
	return code;
}

/* ---- the section ---- */

static int is_labelled(const struct section *s) { return s->dense >= 0 && !isnan(s->entry[s->dense].quality.value); }

int report_weigh(struct report *r, struct section *s, struct err *e)
{
	struct weighing w = {.report = r, .section = s};
	for (int k = 0; k < SPEED_COUNT; k++)
		s->fastest[k].entry = -1;
	for (int i = 0; i < s->entries; i++)
		for (int k = 0; k < SPEED_COUNT; k++)
			s->entry[i].on_frontier[k] = -1;
	int code = open_weighing(&w, e);
	if (!code)
		code = count_tokens(&w, e);
	if (!code && is_labelled(s))
		code = compare_all(&w, e);
	for (int speed = 0; speed < SPEED_COUNT && !code && is_labelled(s); speed++)
		code = find_frontier(&w, (enum speed)speed, e);
	close_weighing(&w);
	return code;
}
