/* adapler report: tables, figures and a page out of a store. */
#include "report_out.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report_args {
	const char *db, *out, *format, *reference, *without;
};

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct report_args, db), "FILE", "the database", 0, 0},
	{"out", 'o', OPT_DIR, offsetof(struct report_args, out), "DIR",
     "the report's folder; an earlier report there gives way", 0, 0},
	{"format", 'f', OPT_STRING, offsetof(struct report_args, format), "LIST", "of the tables: md,latex,csv,html (all)",
     0, 0},
	{"reference", 'r', OPT_FILE, offsetof(struct report_args, reference), "FILE",
     "published figures to stand beside ours (data/reference/paper.json)", 0, 0},
	{"without", 0, OPT_STRING, offsetof(struct report_args, without), "RUNS", "numbers of runs to leave out: 3,7,9", 0,
     0},
	{.kind = OPT_END},
};

/* ---- where it comes from --------------------------------------------------------------------------------------- */

/* Different texts of a field over the evaluations and comparisons, each once; of the report's memory. */
enum { DISTINCT_MAX = 40 };
struct distinct {
	struct buf list;
	const char *text[DISTINCT_MAX];
	int count;
};

static void add_distinct(struct distinct *d, const char *text)
{
	for (int i = 0; i < d->count; i++)
		if (!strcmp(d->text[i], text))
			return;
	if (!*text || d->count == DISTINCT_MAX)
		return;
	buf_addf(&d->list, "%s%s", d->count ? "; " : "", text);
	d->text[d->count++] = text;
}

enum { FIELDS = 4 };
static const char *number_text(struct report *r, int64_t number)
{
	char text[30];
	snprintf(text, sizeof text, "%lld", (long long)number);
	const char *copy = texts_copy(&r->texts, text, strlen(text), NULL);
	return copy ? copy : "";
}

static void collect(struct report *r, struct distinct d[FIELDS])
{
	for (int i = 0; i < r->evaluations; i++) {
		const struct evaluation *x = &r->evaluation[i];
		add_distinct(&d[0], x->rev);
		add_distinct(&d[1], x->cpu);
		add_distinct(&d[2], x->kernels);
		add_distinct(&d[3], number_text(r, x->threads));
	}
	for (int i = 0; i < r->method_runs; i++) {
		const struct method_run *x = &r->method_run[i];
		add_distinct(&d[0], x->rev);
		add_distinct(&d[1], x->cpu);
		add_distinct(&d[2], x->kernels);
		add_distinct(&d[3], number_text(r, x->threads));
	}
}

static int by_id(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static int add_ids(const struct report *r, struct buf *b, struct err *e)
{
	const int n = r->evaluations + r->method_runs + r->trainings;
	int64_t *ids = malloc((size_t)n * sizeof *ids);
	int at = 0;
	if (!ids)
		return err_set(e, ERR_MEMORY, "out of memory for %d runs", n);
	for (int i = 0; i < r->evaluations; i++)
		ids[at++] = r->evaluation[i].id;
	for (int i = 0; i < r->method_runs; i++)
		ids[at++] = r->method_run[i].id;
	for (int i = 0; i < r->trainings; i++)
		ids[at++] = r->training[i].id;
	qsort(ids, (size_t)n, sizeof *ids, by_id);
	report_add_runs(b, ids, n);
	free(ids);
	return 0;
}

static const char *text_of(const struct distinct *d) { return d->list.data ? d->list.data : "unknown"; }

int output_describe(struct output *o, struct err *e)
{
	struct report *r = o->report;
	struct distinct d[FIELDS] = {0};
	struct buf *b = &o->provenance;
	collect(r, d);
	buf_addf(b, "store: %s, ", r->db);
	int code = add_ids(r, b, e);
	buf_addf(b, "\nmeasured by: adapler at %s\n", text_of(&d[0]));
	buf_addf(b, "on: %s; kernels %s; threads %s\n", text_of(&d[1]), text_of(&d[2]), text_of(&d[3]));
	buf_addf(b, "last run ended: %s\n", r->newest);
	buf_add_text(b, "weights, data and keys of every run: tables/runs.csv\n");
	buf_addf(b, "again: adapler report%s --out DIR\n", o->again.data);
	buf_addf(b, "every number anew from its facts: adapler verify --db %s\n", r->db);
	buf_addf(&o->footer, "adapler %s · %s · %.10s · %s", text_of(&d[0]), text_of(&d[1]), r->newest, r->db);
	for (int i = 0; i < FIELDS; i++)
		buf_free(&d[i].list);
	if (!code)
		code = buf_check(b, e);
	return code ? code : buf_check(&o->footer, e);
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static int parse_formats(unsigned *formats, const char *list, struct err *e)
{
	char hint[300], word[20];
	*formats = list ? 0 : (1U << GRID_FORMAT_COUNT) - 1;
	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',') {
		int f = 0;
		snprintf(word, sizeof word, "%.*s", (int)strcspn(at, ","), at);
		while (f < GRID_FORMAT_COUNT && strcmp(grid_format_names[f], word) != 0)
			f++;
		if (f == GRID_FORMAT_COUNT) {
			err_suggest(hint, sizeof hint, word, grid_format_names);
			return err_set(e, ERR_USAGE, "unknown format '%s'%s", word, hint);
		}
		*formats |= 1U << f;
	}
	/* A report is known by its table of runs. */
	*formats |= 1U << GRID_csv;
	return 0;
}

static int write_all(struct output *o, struct err *e)
{
	int code = output_describe(o, e);
	if (!code)
		code = output_tables(o, e);
	if (!code)
		code = output_figures(o, e);
	if (!code)
		code = output_examples(o, e);
	return code ? code : output_page(o, e);
}

static int write_report(struct output *o, const char *out, struct err *e)
{
	int code = folder_begin(o, out, e);
	if (!code)
		code = write_all(o, e);
	if (!code)
		code = folder_end(o, out, e);
	if (code)
		folder_abandon(o);
	buf_free(&o->provenance);
	buf_free(&o->footer);
	buf_free(&o->tables);
	buf_free(&o->examples);
	free(o->figure);
	return code;
}

/* For the shell. */
static void add_option(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	buf_addf(b, " --%s ", name);
	if (*value &&
	    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,-") == strlen(value)) {
		buf_add_text(b, value);
		return;
	}
	buf_add_byte(b, '\'');
	for (; *value; value++)
		if (*value == '\'')
			buf_add_text(b, "'\\''");
		else
			buf_add_byte(b, *value);
	buf_add_byte(b, '\'');
}

/* The options that a report depends on, as they were given. */
static void note_options(struct buf *b, const struct report_args *a)
{
	add_option(b, "db", a->db);
	add_option(b, "reference", a->reference);
	add_option(b, "format", a->format);
	add_option(b, "without", a->without);
}

static int make(const struct report_args *a, struct err *e)
{
	char place[4096];
	struct report r = {0};
	struct reference reference = {0};
	struct output o = {.report = &r, .reference = &reference};
	int code = parse_formats(&o.formats, a->format, e);
	note_options(&o.again, a);
	if (!code)
		code = folder_find(place, a->out, e);
	if (!code)
		code = reference_read(&reference, a->reference, e);
	if (!code)
		code = report_open(&r, a->db, a->without, e);
	if (!code)
		code = write_report(&o, place, e);
	if (!code) {
		if (r.unfinished)
			log_warn("%d unfinished run%s left out", r.unfinished, r.unfinished == 1 ? " is" : "s are");
		log_info("%s/index.html: tasks %d, comparisons of rationales %d, figures %d", a->out, r.sections, r.studies,
		         o.figures);
	}
	report_close(&r);
	reference_free(&reference);
	buf_free(&o.again);
	return code;
}

static int report_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct report_args a = {0};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.db || !a.out || count)
		return err_set(e, ERR_USAGE, "report needs --db FILE and --out DIR");
	return make(&a, e);
}

const struct command report_command = {
	.name = "report",
	.summary = "tables, figures and a page out of a store",
	.usage = "--db FILE --out DIR [--format md,latex,csv,html] [--reference FILE]",
	.details = "DIR/index.html is a page without network access: key numbers, tables, figures, and a viewer of "
			   "examples. tables/ has the\n"
			   "tables in each format, plots/ the figures as SVG, PNG and PDF beside their gnuplot scripts and data, "
			   "examples/ the\n"
			   "words that the viewer loads. No model is run; numbers are the store's, tests and frontiers are "
			   "computed from its facts.\n"
			   "The same store gives the same bytes. A report is written beside DIR and renamed when it is whole.",
	.examples = "adapler report --db runs.db --out report\n"
				"adapler report --db runs.db --out report --reference data/reference/paper.json --format md,latex",
	.options = options,
	.run = report_run,
};
