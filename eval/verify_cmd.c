/* adapler verify: every stored metric again, from the stored facts. */
#include "derive.h"
#include "store_facts.h"
#include "store_rationale.h"

#include "../engine/base/err.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"
#include "../engine/base/progress.h"
#include "../engine/base/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verify_args {
	const char *db, *run;
	int format, json;
};

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct verify_args, db), "FILE", "the database", 0, 0},
	{"run", 'r', OPT_STRING, offsetof(struct verify_args, run), "ID|KEY", "this run only (all that have facts)", 0, 0},
	{"format", 'f', OPT_CHOICE, offsetof(struct verify_args, format), ROWS_FORMATS, "of the list of differences (tsv)",
     0, 0},
	{"json", 0, OPT_FLAG, offsetof(struct verify_args, json), NULL, "the same as --format json", 0, 0},
	{.kind = OPT_END},
};

enum { METRICS_MAX = 4096 };

/* Libraries of mathematics differ in the last digits. */
static const double tolerance = 1e-9;

struct stored {
	char name[96];
	double value[3]; /* value, lo, hi */
	int is_derived;
};

struct verification {
	struct rows rows;
	struct store *store;
	int64_t run;
	struct verified {
		int64_t id;
		int is_rationale;
	} * ids;
	int ids_count, ids_capacity;
	struct stored metric[METRICS_MAX];
	int count; /* of metric */
	int runs, metrics, differences;
};

static int differs(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) != isnan(b);
	return a != b && !(fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b)));
}

static int tell(struct verification *v, const char *metric, const char *part, double stored, double derived,
                const char *why, struct err *e)
{
	struct rows *r = &v->rows;
	v->differences++;
	rows_int(r, "run", (long long)v->run);
	rows_text(r, "metric", metric);
	rows_text(r, "part", part);
	rows_double(r, "stored", stored);
	rows_double(r, "derived", derived);
	rows_text(r, "why", why);
	return rows_end(r, e);
}

static int see_stored(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	struct verification *v = arg;
	if (v->count == METRICS_MAX)
		return err_set(e, ERR_LIMIT, "run %lld has more than %d metrics", (long long)v->run, METRICS_MAX);
	struct stored *m = &v->metric[v->count++];
	*m = (struct stored){.value = {value, lo, hi}};
	snprintf(m->name, sizeof m->name, "%s", name);
	return 0;
}

static int see_derived(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	static const char *const parts[] = {"value", "lo", "hi"};
	struct verification *v = arg;
	const double derived[] = {value, lo, hi};
	int at = 0, code = 0;
	v->metrics++;
	while (at < v->count && strcmp(v->metric[at].name, name) != 0)
		at++;
	if (at == v->count)
		return tell(v, name, "value", NAN, value, "is not stored", e);
	v->metric[at].is_derived = 1;
	for (int k = 0; k < 3 && !code; k++)
		if (differs(v->metric[at].value[k], derived[k]))
			code = tell(v, name, parts[k], v->metric[at].value[k], derived[k], "differs", e);
	return code;
}

static int derive_eval(struct verification *v, struct err *why)
{
	struct facts f;
	int code = store_facts_get(v->store, v->run, STORE_TRACES | STORE_TIMES, &f, why);
	if (code)
		return code;
	code = derive(&f, see_derived, v, why);
	facts_close(&f);
	return code;
}

static int derive_rationale(struct verification *v, struct err *why)
{
	struct rationale_facts f;
	int code = store_rationale_get(v->store, v->run, &f, why);
	if (code)
		return code;
	const double stated = f.mean_share, share = rationale_mean_share(&f);
	code = differs(stated, share) ? tell(v, "mean_share", "value", stated, share, "differs", why) : 0;
	if (!code)
		code = rationale_derive(&f, see_derived, v, why);
	rationale_close(&f);
	return code;
}

/* Facts that contradict each other are a finding, not the end. */
static int verify_run(struct verification *v, const struct verified *run, struct err *e)
{
	struct err why = {0};
	v->run = run->id;
	v->count = 0;
	v->runs++;
	int code = store_metric_each(v->store, v->run, see_stored, v, e);
	if (code)
		return code;
	code = run->is_rationale ? derive_rationale(v, &why) : derive_eval(v, &why);
	if (code)
		return why.code == ERR_FORMAT ? tell(v, "facts", NULL, NAN, NAN, why.text, e)
		                              : err_set(e, code, "%s", why.text);
	for (int i = 0; i < v->count && !code; i++)
		if (!v->metric[i].is_derived)
			code = tell(v, v->metric[i].name, "value", v->metric[i].value[0], NAN, "is not derived from facts", e);
	return code;
}

static int note_run(const struct store_row *row, void *arg, struct err *e)
{
	struct verification *v = arg;
	const int is_rationale = !strcmp(row->run.kind, "rationale");
	if ((!is_rationale && strcmp(row->run.kind, "eval") != 0) || !row->finished)
		return 0;
	if (v->ids_count == v->ids_capacity) {
		v->ids_capacity = v->ids_capacity ? 2 * v->ids_capacity : 256;
		struct verified *ids = realloc(v->ids, (size_t)v->ids_capacity * sizeof *ids);
		if (!ids)
			return err_set(e, ERR_MEMORY, "out of memory for %d runs", v->ids_capacity);
		v->ids = ids;
	}
	v->ids[v->ids_count++] = (struct verified){row->id, is_rationale};
	return 0;
}

static int find_runs(struct verification *v, const char *text, struct err *e)
{
	int64_t id;
	if (!text)
		return store_run_each(v->store, note_run, v, e);
	int code = store_run_find(v->store, text, &id, e);
	if (!code)
		code = store_run_get(v->store, id, note_run, v, e);
	return code || v->ids_count ? code : err_set(e, ERR_USAGE, "run '%.80s' is no finished evaluation", text);
}

static int verify_all(struct verification *v, struct err *e)
{
	struct progress p;
	int code = 0;
	static const char *const names[] = {"run", "metric", "part", "stored", "derived", "why"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		rows_header(&v->rows, names[i]);
	code = rows_end(&v->rows, e);
	progress_begin(&p, "verify", "runs", v->ids_count, log_is_quiet());
	for (int i = 0; i < v->ids_count && !code; i++) {
		code = verify_run(v, &v->ids[i], e);
		progress_update(&p, i + 1, NULL);
	}
	progress_end(&p);
	return code;
}

static int verify_run_command(const struct command *command, int argc, char **argv, struct err *e)
{
	struct verify_args a = {0};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.db || count)
		return err_set(e, ERR_USAGE, "verify needs --db FILE");
	struct verification v = {.rows = {.out = stdout, .format = a.json ? ROWS_JSON : (enum rows_format)a.format}};
	code = store_open(&v.store, a.db, &(struct store_options){.is_read_only = 1}, e);
	if (!code)
		code = find_runs(&v, a.run, e);
	if (!code)
		code = verify_all(&v, e);
	rows_free(&v.rows);
	free(v.ids);
	store_close(v.store);
	if (!code)
		log_info("runs: %d, metrics: %d, differences: %d", v.runs, v.metrics, v.differences);
	return code || !v.differences
	           ? code
	           : err_set(e, ERR_EXPECTATION, "%d numbers in '%s' do not follow from its facts", v.differences, a.db);
}

const struct command verify_command = {
	.name = "verify",
	.summary = "derive every stored metric again from the stored facts",
	.usage = "--db FILE [--run ID|KEY]",
	.details =
		"Predictions must be those of the logits, rows and FLOPs those of what died, and every metric, interval and\n"
		"speedup must come out as it is stored (to 1e-9). Lists what does not; exit status 3 if anything.",
	.examples = "adapler verify --db runs.db",
	.options = options,
	.run = verify_run_command,
};
