#include "cell.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/machine.h"
#include "../engine/base/pool.h"
#include "../engine/base/sha256.h"
#include "gather.h"
#include "record.h"
#include "store_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_same(const char *a, const char *b) { return a && b && !strcmp(a, b); }

/* ---- what a cell is ---- */

static int threads_of(const struct cell *c) { return c->threads ? c->threads : pool_processors(); }

static int is_random(const struct policy *p) { return !strcmp(p->name, "random"); }

/* A random policy without a seed of its own takes the cell's. */
static int parse_policy(struct policy *p, const struct cell *c, struct err *e)
{
	char text[sizeof p->text + 40];
	int code = policy_parse(p, c->policy, e);
	if (code || !is_random(p) || p->seed || !c->seed)
		return code;
	snprintf(text, sizeof text, "%s%cseed=%llu", c->policy, strchr(c->policy, ':') ? ',' : ':',
	         (unsigned long long)c->seed);
	return policy_parse(p, text, e);
}

static int check_settings(const struct cell *c, struct err *e)
{
	if (c->precision && strcmp(c->precision, "f32") != 0)
		return err_set(e, strcmp(c->precision, "bf16") && strcmp(c->precision, "int8") ? ERR_USAGE : ERR_UNSUPPORTED,
		               "precision '%s' is not offered yet: f32 is", c->precision);
	if (!adapler_kernels(c->kernels))
		return err_set(e, ERR_USAGE, "no kernels '%.80s' on this processor (known: avx512, avx2, portable, openblas)",
		               c->kernels);
	if (c->batch < 1)
		return err_set(e, ERR_USAGE, "batch must be 1 or more, found %d", c->batch);
	return 0;
}

int cell_parse_shard(struct cell *c, const char *text, struct err *e)
{
	int shard, shards, end = 0;
	if (sscanf(text, "%9d/%9d%n", &shard, &shards, &end) != 2 || text[end] || shard < 1 || shard > shards)
		return err_set(e, ERR_USAGE, "--shard takes I/N with I from 1 to N, found '%.40s'", text);
	c->shard = shard - 1;
	c->shards = shards;
	return 0;
}

/* ---- loading ---- */

static void close_model(struct workbench *w)
{
	model_close(w->model);
	tokenizer_close(w->tokenizer);
	config_free(&w->config);
	free(w->model_path);
	w->model = NULL;
	w->tokenizer = NULL;
	w->model_path = NULL;
}

static void close_counts(struct workbench *w)
{
	model_close(w->counts_model);
	free(w->counts_path);
	w->counts_model = NULL;
	w->counts_path = NULL;
}

static void close_data(struct workbench *w)
{
	if (w->data_name)
		task_split_close(&w->split);
	free(w->data_name);
	w->data_name = NULL;
}

void workbench_close(struct workbench *w)
{
	close_data(w);
	close_counts(w);
	close_model(w);
}

static int load_model(struct workbench *w, const struct cell *c, struct err *e)
{
	if (is_same(w->model_path, c->model))
		return 0;
	close_data(w); /* another vocabulary may make other tokens of it */
	close_model(w);
	int code = config_read(&w->config, c->model, e);
	if (!code)
		code = tokenizer_open(&w->tokenizer, c->model, e);
	if (!code)
		code = model_sha256(c->model, w->model_sha, e);
	if (!code && !(w->model_path = strdup(c->model)))
		code = err_set(e, ERR_MEMORY, "out of memory for '%s'", c->model);
	return code;
}

static int load_counts(struct workbench *w, const struct cell *c, struct err *e)
{
	if (is_same(w->counts_path, c->counts_model))
		return 0;
	close_counts(w); /* also when this cell has none: it would be taken for this cell's */
	if (!c->counts_model)
		return 0;
	int code = model_sha256(c->counts_model, w->counts_sha, e);
	if (!code && !(w->counts_path = strdup(c->counts_model)))
		code = err_set(e, ERR_MEMORY, "out of memory for '%s'", c->counts_model);
	return code;
}

static int load_data(struct workbench *w, const struct cell *c, struct err *e)
{
	char name[5000];
	int length, code = encoded_max_length(&length, c->model, c->max_length, e);
	if (code)
		return code;
	snprintf(name, sizeof name, "%s\n%s\n%d %d %d", c->task, c->data, c->split, c->limit, length);
	if (is_same(w->data_name, name))
		return 0;
	close_data(w);
	code = task_split_open(&w->split, c->task, c->data, c->split, c->limit, w->tokenizer, length, e);
	if (!code && !(w->data_name = strdup(name))) {
		task_split_close(&w->split);
		code = err_set(e, ERR_MEMORY, "out of memory for '%s'", name);
	}
	return code;
}

static int load(struct workbench *w, const struct cell *c, struct err *e)
{
	int code = load_model(w, c, e);
	if (!code)
		code = load_counts(w, c, e);
	if (!code)
		code = load_data(w, c, e);
	return code ? code : gather_check(&w->split.rows, &w->config, e);
}

/* ---- the key ---- */

static void add_config(struct buf *b, const struct config *c)
{
	buf_addf(b, "config %d %d %d %d %d %d %d %d %d %d %d %.17g\n", c->L, c->H, c->A, c->F, c->V, c->P, c->C, c->types,
	         c->K, c->family, c->act, c->layer_norm_eps);
}

static void add_settings(struct buf *b, const struct cell *c, const struct policy *p)
{
	buf_addf(b, "policy %s\nbatch %d\nthreads %d\nturns %d\nscores %d\nseed %llu\nkernels %s\nprecision %s\n", p->text,
	         c->batch, threads_of(c), c->turns, c->with_scores, (unsigned long long)c->seed,
	         adapler_kernels(c->kernels), c->precision ? c->precision : "f32");
	if (c->shards)
		buf_addf(b, "shard %d/%d\n", c->shard + 1, c->shards);
}

static int add_counts(struct buf *b, const struct workbench *w, const struct cell *c, struct err *e)
{
	struct policy p;
	if (!c->counts)
		return 0;
	int code = policy_parse(&p, c->counts, e);
	if (!code && (!policy_drops(&p) || strstr(p.text, "replay")))
		code = err_set(e, ERR_USAGE, "policy '%s' has no counts to replay", p.text);
	buf_addf(b, "counts %s of %s\n", code ? "" : p.text, c->counts_model ? w->counts_sha : w->model_sha);
	return code;
}

static void hash(const void *bytes, size_t size, char hex[65])
{
	struct sha256 h;
	sha256_init(&h);
	sha256_add(&h, bytes, size);
	sha256_end(&h, hex);
}

/* The key of the run that the shards of one make together has no shard in it. */
static int key_of(const struct workbench *w, const struct cell *c, char key[65], struct err *e)
{
	struct buf b = {0};
	struct policy p;
	int code = parse_policy(&p, c, e);
	if (code)
		return code;
	const int is_replayed = strstr(p.text, "replay") != NULL;
	if (is_replayed != (c->counts != NULL))
		return err_set(e, ERR_USAGE,
		               is_replayed ? "policy '%s' wants the counts of another: give counts"
		                           : "policy '%s' does not replay counts: :replay does",
		               p.text);
	buf_addf(&b, "eval 1\nsources %s\nmodel %s\n", adapler_sources(), w->model_sha);
	add_config(&b, &w->config);
	buf_addf(&b, "task %s\nsplit %s\ndata %s\ntokens %s\n", w->split.rows.task->name, split_name(c->split),
	         w->split.sha, w->split.token_sha);
	add_settings(&b, c, &p);
	code = add_counts(&b, w, c, e);
	if (!code)
		code = buf_check(&b, e);
	if (!code)
		hash(b.data, b.size, key);
	buf_free(&b);
	return code;
}

int cell_key(struct workbench *w, const struct cell *c, char key[65], struct err *e)
{
	struct policy p;
	int code = check_settings(c, e);
	if (!code)
		code = parse_policy(&p, c, e);
	if (!code)
		code = load(w, c, e);
	return code ? code : key_of(w, c, key, e);
}

/* ---- how much work it is ---- */

static int passes(const struct cell *c, const struct policy *p)
{
	const int turns = c->turns ? c->turns : 1;
	return turns * (c->turns && policy_drops(p) ? 2 : 1) + (c->with_scores && policy_drops(p)) + (c->counts != NULL);
}

int64_t cell_tokens(const struct workbench *w, const struct cell *c)
{
	struct policy p;
	const int64_t all = w->split.texts.tokens / (c->shards ? c->shards : 1);
	return parse_policy(&p, c, NULL) ? 0 : all * passes(c, &p);
}

double cell_flops(const struct workbench *w, const struct cell *c)
{
	struct policy none, p;
	struct flops f;
	double sum = 0;
	if (parse_policy(&p, c, NULL) || policy_parse(&none, "none", NULL))
		return 0;
	for (int i = 0; i < w->split.texts.count; i++) {
		flops_count(&f, &w->config, &none, w->split.texts.examples[i].n, NULL, 0);
		sum += (double)flops_total(&f);
	}
	return sum * passes(c, &p) / (c->shards ? c->shards : 1);
}

/* ---- running ---- */

/* A replay keeps so many rows after the site of each layer. What attention saw is one site behind. */
static int *counts_of(const struct facts *f, struct err *e)
{
	const int L = f->shape.L;
	int *counts = calloc((size_t)f->n * (size_t)L, sizeof *counts);
	if (!counts) {
		err_set(e, ERR_MEMORY, "out of memory for the counts of %d examples", f->n);
		return NULL;
	}
	for (int i = 0; i < f->n; i++)
		for (int l = 0; l < L; l++)
			for (int64_t t = f->start[i]; t < f->start[i + 1]; t++)
				counts[(size_t)i * (size_t)L + (size_t)l] += f->died_at[t] > l;
	return counts;
}

/* A model stays open for the cells that want the same kernels. */
static int open_one(struct model **m, const char *path, const char *kernels, struct err *e)
{
	const struct model_options o = {.kernels = kernels};
	if (*m && strcmp(model_kernels(*m), adapler_kernels(kernels)) != 0) {
		model_close(*m);
		*m = NULL;
	}
	return *m ? 0 : model_open(m, path, &o, e);
}

static int open_models(struct workbench *w, const struct cell *c, struct err *e)
{
	int code = open_one(&w->model, c->model, c->kernels, e);
	if (code || !c->counts_model)
		return code;
	code = open_one(&w->counts_model, c->counts_model, c->kernels, e);
	if (!code && model_config(w->counts_model)->L != w->config.L)
		code = err_set(e, ERR_MISMATCH, "'%s' has %d layers, '%s' has %d: counts are by layer", c->counts_model,
		               model_config(w->counts_model)->L, c->model, w->config.L);
	return code;
}

static int run_for_counts(struct workbench *w, const struct cell *c, struct gather_options *o, int **counts,
                          struct err *e)
{
	struct facts f;
	struct gather_options first = *o;
	if (!c->counts)
		return 0;
	first.policy = c->counts;
	first.turns = first.with_scores = 0;
	int code =
		facts_gather(&f, c->counts_model ? w->counts_model : w->model, &w->split.rows, &w->split.texts, &first, e);
	if (code)
		return code;
	*counts = counts_of(&f, e);
	o->counts = *counts;
	facts_close(&f);
	return *counts ? 0 : ERR_MEMORY;
}

int cell_run(struct workbench *w, const struct cell *c, struct facts *f,
             int (*progress)(void *arg, int64_t tokens, struct err *e), void *arg, struct err *e)
{
	struct policy p;
	int *counts = NULL, code = parse_policy(&p, c, e);
	struct gather_options o = {.policy = p.text,
	                           .batch = c->batch,
	                           .threads = threads_of(c),
	                           .turns = c->turns,
	                           .shard = c->shard,
	                           .shards = c->shards,
	                           .with_scores = c->with_scores,
	                           .progress = progress,
	                           .progress_arg = arg};
	if (!code)
		code = open_models(w, c, e);
	if (!code)
		code = run_for_counts(w, c, &o, &counts, e);
	if (!code)
		code = facts_gather(f, w->model, &w->split.rows, &w->split.texts, &o, e);
	free(counts);
	return code;
}

/* ---- writing ---- */

static void add_text(struct buf *b, const char *name, const char *text)
{
	if (!text)
		return;
	buf_addf(b, "\"%s\":", name);
	buf_add_json_string(b, text, strlen(text));
	buf_add_byte(b, ',');
}

static void add_labels(struct buf *b, const struct dataset *d)
{
	if (!d->classes)
		return;
	buf_add_text(b, "\"labels\":");
	for (int i = 0; i < d->classes; i++) {
		buf_add_byte(b, i ? ',' : '[');
		buf_add_json_string(b, d->labels[i], strlen(d->labels[i]));
	}
	buf_add_text(b, "],");
}

/* For people and reports; store_facts_get reads what facts need of it. */
static void describe(struct buf *b, const struct workbench *w, const struct cell *c, const char *whole,
                     const struct facts *f)
{
	char cpu[200];
	machine_cpu(cpu, sizeof cpu);
	buf_add_byte(b, '{');
	add_text(b, "model", c->model);
	add_text(b, "data", c->data);
	store_facts_describe(b, f);
	add_labels(b, &w->split.rows);
	add_text(b, "note", *w->split.rows.note ? w->split.rows.note : NULL);
	buf_addf(b, "\"max_length\":%d,\"limit\":%d,\"turns\":%d,\"scores\":%d,", c->max_length, c->limit, c->turns,
	         c->with_scores);
	add_text(b, "precision", c->precision ? c->precision : "f32");
	add_text(b, "kernels", adapler_kernels(c->kernels));
	add_text(b, "counts", c->counts);
	add_text(b, "counts_model", c->counts_model);
	add_text(b, "family", c->family);
	add_text(b, "phi", c->phi);
	add_text(b, "gamma", c->gamma);
	if (c->shards)
		buf_addf(b, "\"shard\":\"%d/%d\",\"whole\":\"%s\",", c->shard + 1, c->shards, whole);
	add_text(b, "token_sha", w->split.token_sha);
	add_text(b, "sources", adapler_sources());
	add_text(b, "version", ADAPLER_VERSION);
	add_text(b, "cpu", cpu);
	buf_addf(b, "\"jobs\":%d}", c->jobs ? c->jobs : 1);
}

int cell_write(struct store *s, const struct workbench *w, const struct cell *c, const char *key, const struct facts *f,
               int64_t *id, struct err *e)
{
	struct buf args = {0};
	char whole[65];
	struct cell without = *c;
	without.shards = 0;
	int code = key_of(w, &without, whole, e);
	describe(&args, w, c, whole, f);
	if (!code)
		code = buf_check(&args, e);
	const struct store_run run = {.key = key,
	                              .kind = "eval",
	                              .task = w->split.rows.task->name,
	                              .split = split_name(c->split),
	                              .policy = f->policy.text,
	                              .args = args.data,
	                              .seed = c->seed,
	                              .model_sha = w->model_sha,
	                              .data_sha = w->split.sha,
	                              .rev = adapler_commit(),
	                              .threads = threads_of(c)};
	if (!code)
		code = record_run(s, &run, f, id, e);
	buf_free(&args);
	return code;
}
