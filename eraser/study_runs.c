#include "study_runs.h"

#include "../engine/base/err.h"
#include "../engine/base/machine.h"
#include "../engine/base/pool.h"
#include "../engine/base/sha256.h"
#include "../eval/claims.h"
#include "../eval/store_rationale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Raised whenever what the explainers find changes: runs of another version are other runs. */
enum { FACTS_VERSION = 1 };

static int wants(const struct study_runs *r, int m) { return (r->methods >> m & 1) != 0; }

/* What else the weights mean. */
static void add_config(struct buf *b, const struct config *c)
{
	buf_addf(b, "config %d %d %d %d %d %d %d %d %d %d %.17g\n", c->L, c->H, c->A, c->F, c->V, c->P, c->C, c->types,
	         c->K, c->act, c->layer_norm_eps);
}

static void find_key(const struct study_runs *r, enum method m, char key[65])
{
	struct buf b = {0};
	struct sha256 h;
	const struct rationale_facts f = study_facts(r->study, m);
	buf_addf(&b, "rationale %d\nsources %s\nkernels %s\ndata %s\n", FACTS_VERSION, adapler_sources(),
	         adapler_kernels(NULL), r->study->data_sha);
	for (int arm = 0; arm < EXPLAIN_ARMS; arm++)
		add_config(&b, model_config(explainer_model(r->study->explainer, (enum explain_arm)arm)));
	study_describe(r->study, m, &b);
	store_rationale_describe(&b, &f);
	sha256_init(&h);
	sha256_add(&h, b.data, b.size);
	sha256_end(&h, key);
	buf_free(&b);
}

/* A run is one process's: its documents come in their order. */
static int claim_run(struct study_runs *r, enum method m, struct err *e)
{
	int is_taken, code = claims_take(r->claims, r->run[m].key, &is_taken, e);
	if (code || is_taken)
		return code;
	return err_set(e, ERR_IO, "another process is at '%s', run %lld: wait until it is done", method_table[m].name,
	               (long long)r->run[m].id);
}

static int start_run(struct study_runs *r, enum method m, struct err *e)
{
	struct method_run *run_of = &r->run[m];
	struct buf args = {0};
	enum store_found found;
	const struct rationale_facts f = study_facts(r->study, m);
	const enum explain_arm arm = method_table[m].arm;
	find_key(r, m, run_of->key);
	buf_add_byte(&args, '{');
	study_describe(r->study, m, &args);
	store_rationale_describe(&args, &f);
	const struct explain_options *o = &r->study->options.explain;
	const char *model = arm == EXPLAIN_DENSE && o->dense ? o->dense : o->model;
	char cpu[200];
	machine_cpu(cpu, sizeof cpu);
	buf_add_text(&args, "\"cpu\":");
	buf_add_json_string(&args, cpu, strlen(cpu));
	buf_addf(&args, ",\"kernels\":\"%s\",\"model\":", adapler_kernels(NULL));
	buf_add_json_string(&args, model, strlen(model));
	buf_add_byte(&args, '}');
	const struct store_run run = {.key = run_of->key,
	                              .kind = "rationale",
	                              .task = r->study->name,
	                              .split = r->study->options.split,
	                              .policy = explainer_policy(r->study->explainer, arm)->text,
	                              .args = args.data,
	                              .seed = m == METHOD_RANDOM ? r->study->options.explain.seed : 0,
	                              .model_sha = r->study->model_sha[arm],
	                              .data_sha = r->study->data_sha,
	                              .rev = adapler_commit(),
	                              .threads = r->study->options.explain.threads ? r->study->options.explain.threads
	                                                                           : pool_processors()};
	int code = buf_check(&args, e);
	if (!code)
		code = store_run_start(r->store, &run, &run_of->id, &found, e);
	run_of->is_finished = !code && found == STORE_FINISHED;
	if (!code && !run_of->is_finished)
		code = claim_run(r, m, e);
	if (!code)
		code = store_rationale_count(r->store, run_of->id, &run_of->done, e);
	buf_free(&args);
	return code;
}

static int write_document(struct study_runs *r, const struct study_documents *x, int k, int idx, struct err *e)
{
	const struct instance *in = &x->instance[k];
	const struct rationale_document *any = &x->document[METHOD_KEPT][k];
	const struct store_document d = {.data = r->study->data_sha,
	                                 .idx = idx,
	                                 .annotation = in->annotation->id,
	                                 .docid = in->docid,
	                                 .label = in->annotation->label,
	                                 .words = in->words,
	                                 .spans = any->spans,
	                                 .span = any->span};
	int code = store_document_add(r->store, &d, e);
	for (int m = 0; m < METHOD_COUNT && !code; m++) {
		if (!wants(r, m) || r->run[m].is_finished || r->run[m].done > idx)
			continue;
		const struct rationale_facts f = study_facts(r->study, (enum method)m);
		code = store_rationale_add(r->store, r->run[m].id, idx, &f, &x->document[m][k], e);
		r->run[m].done += !code;
	}
	return code;
}

/* A chunk is there as a whole or not at all. */
int study_runs_add(struct study_runs *r, const struct study_documents *x, int first, struct err *e)
{
	int code = store_begin(r->store, e);
	if (code)
		return code;
	for (int k = 0; k < x->count && !code; k++)
		code = write_document(r, x, k, first + k, e);
	if (!code)
		code = store_commit(r->store, e);
	if (code)
		store_rollback(r->store);
	return code;
}

/* The first document that some run lacks. */
int study_runs_missing(const struct study_runs *r)
{
	int first = r->study->count;
	for (int m = 0; m < METHOD_COUNT; m++)
		if (wants(r, m) && !r->run[m].is_finished && r->run[m].done < first)
			first = r->run[m].done;
	return first;
}

int study_runs_open(struct study_runs *r, struct study *s, const char *db, struct err *e)
{
	*r = (struct study_runs){.study = s, .methods = s->options.explain.methods};
	int code = store_open(&r->store, db, NULL, e);
	if (!code)
		code = claims_open(&r->claims, db, e);
	for (int m = 0; m < METHOD_COUNT && !code; m++)
		if (wants(r, m))
			code = start_run(r, (enum method)m, e);
	return code;
}

void study_runs_close(struct study_runs *r)
{
	for (int m = 0; m < METHOD_COUNT; m++)
		rationale_close(&r->run[m].facts);
	claims_close(r->claims);
	store_close(r->store);
	*r = (struct study_runs){0};
}

/* ---- what follows from the facts ------------------------------------------------------------------------------ */

struct metric_rows {
	struct store *store;
	int64_t run;
};

static int add_metric(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	const struct metric_rows *r = arg;
	return store_metric_set(r->store, r->run, name, value, lo, hi, e);
}

static int finish_run(struct study_runs *r, struct method_run *run, struct err *e)
{
	struct metric_rows rows = {r->store, run->id};
	int code = store_begin(r->store, e);
	if (code)
		return code;
	code = rationale_derive(&run->facts, add_metric, &rows, e);
	if (!code)
		code = store_run_finish(r->store, run->id, e);
	if (!code)
		code = store_commit(r->store, e);
	if (code)
		store_rollback(r->store);
	return code;
}

int study_runs_finish(struct study_runs *r, struct err *e)
{
	int code = 0;
	for (int m = 0; m < METHOD_COUNT && !code; m++) {
		struct method_run *run = &r->run[m];
		if (!wants(r, m))
			continue;
		code = store_rationale_get(r->store, run->id, &run->facts, e);
		if (!code && !run->is_finished)
			code = finish_run(r, run, e);
	}
	return code;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */
