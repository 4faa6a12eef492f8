/* Reading: rows of the questions, grouped into sections, entries and studies. */
#include "report.h"

#include "embed.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/log.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EMBED(evaluations_sql, "reports/query/evaluations.sql");
EMBED(studies_sql, "reports/query/studies.sql");
EMBED(trainings_sql, "reports/query/trainings.sql");

#define SPEED_ROW(id, name, batch) {name, batch},
const struct speed_row speed_table[SPEED_COUNT] = {SPEEDS(SPEED_ROW)};

/* ---- rows ---- */

struct reading {
	struct report *report;
	const char *without;
	void *rows;
	int count, capacity;
};

/* "3,7,9", each a run of the store. */
static int check_left_out(struct report *r, const char *list, struct err *e)
{
	char text[30];
	int64_t id;
	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',') {
		const size_t size = strcspn(at, ",");
		if (!size || size >= sizeof text || strspn(at, "0123456789") != size)
			return err_set(e, ERR_USAGE, "--without takes numbers of runs, 3,7,9, not '%.80s'", list);
		snprintf(text, sizeof text, "%.*s", (int)size, at);
		const int code = store_run_find(r->store, text, &id, e);
		if (code)
			return code;
	}
	return 0;
}

static int is_left_out(const char *list, int64_t id)
{
	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strtoll(at, NULL, 10) == id)
			return 1;
	return 0;
}

/* The next row, of `size` bytes; NULL, with *e set, without memory. */
static void *add_row(struct reading *x, size_t size, struct err *e)
{
	if (x->count == x->capacity) {
		const int capacity = x->capacity ? 2 * x->capacity : 64;
		void *rows = realloc(x->rows, (size_t)capacity * size);
		if (!rows) {
			err_set(e, ERR_MEMORY, "out of memory for %d runs", capacity);
			return NULL;
		}
		x->rows = rows;
		x->capacity = capacity;
	}
	return (char *)x->rows + (size_t)x->count++ * size;
}

static const char *text_of(struct report *r, const struct store_value *v, struct err *e)
{
	const char *text = v->text ? v->text : "";
	char *copy = texts_copy(&r->texts, text, strlen(text), e);
	/* A line end would end comments and commands of what is written. */
	for (char *at = copy; at && *at; at++)
		if (iscntrl((unsigned char)*at))
			*at = ' ';
	return copy;
}

#define TAKE_INTEGER(name) row->name = (v->type == STORE_REAL ? (int64_t)v->real : v->integer), v++;
#define TAKE_REAL(name)    row->name = v->real, v++;
#define TAKE_TEXT(name)                          \
	if (!(row->name = text_of(x->report, v, e))) \
		return ERR_MEMORY;                       \
	v++;
/* A visitor that takes a row of a question into an array of its struct. */
#define READER(reader, type, FIELDS)                                                      \
	static int reader(const struct store_value *v, int columns, void *arg, struct err *e) \
	{                                                                                     \
		struct reading *x = arg;                                                          \
		struct type *row;                                                                 \
		(void)columns;                                                                    \
		if (is_left_out(x->without, v[0].integer))                                        \
			return 0;                                                                     \
		row = add_row(x, sizeof *row, e);                                                 \
		if (!row)                                                                         \
			return ERR_MEMORY;                                                            \
		FIELDS(TAKE_INTEGER, TAKE_REAL, TAKE_TEXT)                                        \
		if (strcmp(row->finished, x->report->newest) > 0)                                 \
			x->report->newest = row->finished;                                            \
		return 0;                                                                         \
	}
READER(take_evaluation, evaluation, EVALUATION_FIELDS)
READER(take_method_run, method_run, STUDY_FIELDS)
READER(take_training, training, TRAINING_FIELDS)

static int ask(struct report *r, const char *without, const char *sql, store_value_visitor *take, void *rows,
               int *count, struct err *e)
{
	struct reading x = {.report = r, .without = without};
	int code = store_select(r->store, take, &x, e, sql, "");
	*(void **)rows = x.rows;
	*count = x.count;
	return code;
}

static int count_unfinished(const struct store_value *v, int columns, void *arg, struct err *e)
{
	(void)columns;
	(void)e;
	((struct report *)arg)->unfinished = (int)v[0].integer;
	return 0;
}

/* Those of one task have one name and one figure. */
static int name_training(struct report *r, int i, struct err *e)
{
	struct training *x = &r->training[i], *before = i ? x - 1 : NULL;
	if (before && !strcmp(before->task, x->task)) {
		x->name = before->name;
		x->anchor = before->anchor;
		return 0;
	}
	x->name = report_task_name(r, x->task, e);
	x->anchor = x->name ? report_anchor(r, "training-", x->name, "", e) : NULL;
	return x->anchor ? 0 : ERR_MEMORY;
}

static int read_rows(struct report *r, const char *without, struct err *e)
{
	int code = ask(r, without, evaluations_sql, take_evaluation, &r->evaluation, &r->evaluations, e);
	if (!code)
		code = ask(r, without, studies_sql, take_method_run, &r->method_run, &r->method_runs, e);
	if (!code)
		code = ask(r, without, trainings_sql, take_training, &r->training, &r->trainings, e);
	if (!code)
		code = store_select(r->store, count_unfinished, r, e,
		                    "SELECT count(*) FROM run WHERE finished IS NULL AND kind IN ('eval', 'rationale')", "");
	for (int i = 0; i < r->trainings && !code; i++)
		code = name_training(r, i, e);
	if (!code && !r->evaluations && !r->method_runs)
		code = err_set(e, ERR_USAGE,
		               "no finished evaluation and no comparison of rationales in '%s': `adapler sweep` and `adapler "
		               "rationale` write them%s",
		               r->db, r->unfinished ? "; the unfinished ones go on by the same command" : "");
	return code;
}

/* ---- sections ---- */

static int is_new_section(const struct evaluation *a, const struct evaluation *b)
{
	return strcmp(a->task, b->task) || strcmp(a->split, b->split) || strcmp(a->data_sha, b->data_sha);
}

static int is_new_entry(const struct evaluation *a, const struct evaluation *b)
{
	return is_new_section(a, b) || strcmp(a->family, b->family) || strcmp(a->kind, b->kind);
}

static int refuse_mixture(const struct evaluation *a, const struct evaluation *b, const char *what, struct err *e)
{
	return err_set(e, ERR_MISMATCH,
	               "runs %lld and %lld are both of %.200s %.60s%s%.200s, but of other %s: leave one out by --without",
	               (long long)a->id, (long long)b->id, a->task, a->split, is_new_entry(a, b) ? "" : ", ",
	               is_new_entry(a, b) ? "" : a->kind, what);
}

/* What goes under one name must be of the same data, what goes under one entry and seed of the same weights: neither can be put
 * side by side otherwise, nor be told apart by a reader. */
static int check_mixtures(const struct report *r, struct err *e)
{
	for (int i = 1; i < r->evaluations; i++) {
		const struct evaluation *a = &r->evaluation[i - 1], *b = &r->evaluation[i];
		if (strcmp(a->task, b->task) || strcmp(a->split, b->split))
			continue;
		if (strcmp(a->data_sha, b->data_sha) || a->sample_limit != b->sample_limit || a->examples != b->examples)
			return refuse_mixture(a, b, "data or samples", e);
		if (is_new_entry(a, b) || a->seed != b->seed)
			continue;
		if (strcmp(a->model_sha, b->model_sha))
			return refuse_mixture(a, b, "weights", e);
		if (a->max_length != b->max_length)
			return refuse_mixture(a, b, "lengths of texts", e);
	}
	return 0;
}

/* Mean over seeds, or what the one run says. Every seed counts once, by its first run for which `is_wanted`. */
static struct measured summarise(const struct entry *x, int batch, size_t value)
{
	struct measured m = {NAN, NAN, NAN, NAN};
	double sum = 0, squares = 0;
	int n = 0;
	for (int i = 0; i < x->runs; i++) {
		const struct evaluation *run = &x->run[i];
		const double *v = (const void *)((const char *)run + value);
		int is_counted = 0;
		for (int k = 0; k < i; k++)
			is_counted |= x->run[k].seed == run->seed && (!batch || x->run[k].batch == batch);
		if (isnan(v[0]) || is_counted || (batch && run->batch != batch))
			continue;
		sum += v[0];
		squares += v[0] * v[0];
		m.lo = v[1];
		m.hi = v[2];
		n++;
	}
	if (n)
		m.value = sum / n;
	if (n > 1) {
		m.lo = m.hi = NAN;
		m.sd = sqrt(fmax(0, squares - sum * sum / n) / (n - 1));
	}
	return m;
}

/* The three columns of a metric stand one after the other. */
_Static_assert(offsetof(struct evaluation, score_hi) == offsetof(struct evaluation, score) + 2 * sizeof(double),
               "value, lo, hi");

static int fill_entry(struct report *r, struct entry *x, struct err *e)
{
	x->method = report_method(x->run->policy);
	x->settings = report_settings(r, x->run, e);
	if (!x->settings)
		return ERR_MEMORY;
	for (int i = 0; i < x->runs; i++) {
		int is_known = 0;
		for (int k = 0; k < i; k++)
			is_known |= x->run[k].seed == x->run[i].seed;
		x->seeds += !is_known;
	}
	x->quality = summarise(x, 0, offsetof(struct evaluation, score));
	for (int s = 0; s < SPEED_COUNT; s++)
		x->speed[s] = s == SPEED_FLOPS ? summarise(x, 0, offsetof(struct evaluation, flops))
		                               : summarise(x, speed_table[s].batch, offsetof(struct evaluation, time));
	x->difference = x->lo = x->hi = x->p = NAN;
	for (int l = 0; l < REPORT_LAYERS_MAX; l++)
		x->kept[l][0] = x->kept[l][1] = x->kept[l][2] = NAN;
	return 0;
}

/* By method, then the model and the cost. */
static int by_method(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->method != y->method)
		return x->method < y->method ? -1 : 1;
	const double d = x->speed[SPEED_FLOPS].value - y->speed[SPEED_FLOPS].value;
	const int family = strcmp(x->run->family, y->run->family);
	return family ? family : d < 0 ? -1 : d > 0;
}

/* The best by quality of those that drop nothing. */
static int find_dense(const struct section *s)
{
	int dense = -1;
	for (int i = 0; i < s->entries; i++)
		if (s->entry[i].method == METHOD_DENSE &&
		    (dense < 0 || s->entry[i].quality.value > s->entry[dense].quality.value))
			dense = i;
	return dense;
}

/* Takes evaluations from `first` on; returns how many. */
static int take_section(struct report *r, struct section *s, const struct evaluation *first, int left, struct err *e)
{
	int taken = 0, code = 0;
	*s = (struct section){.task = report_task_name(r, first->task, e),
	                      .split = first->split,
	                      .metric = first->metric,
	                      .examples = (int)first->examples,
	                      .entry = calloc((size_t)left, sizeof *s->entry)};
	if (!s->entry || !s->task)
		return -err_set(e, ERR_MEMORY, "out of memory for %d runs", left);
	for (const struct section *other = r->section; other < s; other++)
		if (!strcmp(other->task, s->task) && !strcmp(other->split, s->split))
			s->task = first->task; /* in full */
	s->anchor = report_anchor(r, "", s->task, s->split, e);
	while (taken < left && !is_new_section(first, first + taken)) {
		struct entry *x = &s->entry[s->entries++];
		x->run = first + taken;
		do
			x->runs++;
		while (++taken < left && !is_new_entry(x->run, first + taken));
		code = code ? code : fill_entry(r, x, e);
	}
	qsort(s->entry, (size_t)s->entries, sizeof *s->entry, by_method);
	s->dense = find_dense(s);
	return code || !s->anchor ? -ERR_MEMORY : taken;
}

static int make_sections(struct report *r, struct err *e)
{
	r->section = calloc((size_t)r->evaluations + 1, sizeof *r->section);
	if (!r->section)
		return err_set(e, ERR_MEMORY, "out of memory for %d runs", r->evaluations);
	for (int at = 0; at < r->evaluations;) {
		const int taken = take_section(r, &r->section[r->sections++], &r->evaluation[at], r->evaluations - at, e);
		if (taken < 0)
			return -taken;
		at += taken;
	}
	int code = 0;
	for (int i = 0; i < r->sections && !code; i++)
		code = report_weigh(r, &r->section[i], e);
	return code;
}

/* ---- studies ---- */

static int is_of_study(const struct method_run *a, const struct method_run *b)
{
	return !strcmp(a->study, b->study) && !strcmp(a->data, b->data) && !strcmp(a->split, b->split) &&
	       !strcmp(a->data_sha, b->data_sha);
}

static int take_study(struct report *r, struct study *s, const struct method_run *first, int left, struct err *e)
{
	*s = (struct study){.run = first, .cp = -1, .data = first->data, .split = first->split, .L = (int)first->L};
	s->anchor = report_anchor(r, "rationales-", s->data, s->split, e);
	if (!s->anchor)
		return -ERR_MEMORY;
	while (s->methods < left && is_of_study(first, &first[s->methods])) {
		if (!strcmp(first[s->methods].method, "cp"))
			s->cp = s->methods;
		s->methods++;
	}
	if (s->methods > STUDY_METHODS_MAX || s->L > REPORT_LAYERS_MAX)
		return -err_set(e, ERR_LIMIT, "run %lld: more than %d methods or %d layers", (long long)first->id,
		                STUDY_METHODS_MAX, REPORT_LAYERS_MAX);
	return s->methods;
}

static int make_studies(struct report *r, struct err *e)
{
	r->study = calloc((size_t)r->method_runs + 1, sizeof *r->study);
	if (!r->study)
		return err_set(e, ERR_MEMORY, "out of memory for %d runs", r->method_runs);
	for (int at = 0; at < r->method_runs;) {
		const int taken = take_study(r, &r->study[r->studies++], &r->method_run[at], r->method_runs - at, e);
		if (taken < 0)
			return -taken;
		at += taken;
	}
	int code = 0;
	for (int i = 0; i < r->studies && !code; i++)
		code = report_judge(r, &r->study[i], e);
	return code;
}

/* ---- open, close ---- */

int report_open(struct report *r, const char *db, const char *without, struct err *e)
{
	*r = (struct report){.db = report_last_part(db), .newest = ""};
	int code = store_open(&r->store, db, &(struct store_options){.is_read_only = 1}, e);
	if (!code)
		code = check_left_out(r, without, e);
	if (!code)
		code = read_rows(r, without, e);
	if (!code)
		code = check_mixtures(r, e);
	if (!code)
		code = make_sections(r, e);
	if (!code)
		code = make_studies(r, e);
	if (code)
		report_close(r);
	return code;
}

void report_close(struct report *r)
{
	for (int i = 0; i < r->sections; i++)
		free(r->section[i].entry);
	free(r->section);
	free(r->anchor);
	free(r->study);
	free(r->evaluation);
	free(r->method_run);
	free(r->training);
	texts_free(&r->texts);
	store_close(r->store);
	*r = (struct report){0};
}

/* ---- for the writers ---- */

struct found {
	const char *name;
	struct measured *m;
};

static int find_metric(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	struct found *f = arg;
	(void)e;
	if (!strcmp(name, f->name))
		*f->m = (struct measured){value, lo, hi, NAN};
	return 0;
}

int report_metric(const struct report *r, int64_t run, const char *name, struct measured *m, struct err *e)
{
	*m = (struct measured){NAN, NAN, NAN, NAN};
	struct found f = {name, m};
	return store_metric_each(r->store, run, find_metric, &f, e);
}

void report_add_runs(struct buf *b, const int64_t *ids, int count)
{
	buf_addf(b, "%d run%s (", count, count == 1 ? "" : "s");
	for (int i = 0; i < count;) {
		int end = i;
		while (end + 1 < count && ids[end + 1] == ids[end] + 1)
			end++;
		buf_addf(b, end > i ? "%s%lld-%lld" : "%s%lld", i ? ", " : "", (long long)ids[i], (long long)ids[end]);
		i = end + 1;
	}
	buf_add_byte(b, ')');
}
