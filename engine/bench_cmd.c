/* adapler bench: time a shape or a model by length, batch, threads and keep schedule, and hold the measured speedup
 * against the one that the FLOPs promise. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/progress.h"
#include "bench.h"
#include "config.h"
#include "model.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { LIST_MAX = 64, RUNS_MAX = 2000, SEQUENCES_MAX = 4096 };

struct bench_args {
	const char *model, *shape, *lengths, *batch, *threads, *keep, *policy, *kernels, *lengths_file;
	int precision, is_json, runs, is_full, is_train;
	double seconds;
};

#define OPTION(name, letter, kind, field, metavar, help, low, high)                      \
	{                                                                                    \
		name, letter, kind, offsetof(struct bench_args, field), metavar, help, low, high \
	}

static const struct opt options[] = {
	OPTION("model", 'm', OPT_DIR, model, "DIR", "time this model", 0, 0),
	OPTION("shape", 0, OPT_STRING, shape, "LxHxAxF",
           "time random weights: base, minilm, small, or numbers (default base)", 0, 0),
	OPTION("lengths", 'n', OPT_STRING, lengths, "LIST", "tokens a sequence (default 16,64,128,256,512)", 0, 0),
	OPTION("lengths-file", 0, OPT_FILE, lengths_file, "FILE", "a length a line: a real distribution, in that order", 0,
           0),
	OPTION("batch", 'b', OPT_STRING, batch, "LIST", "sequences a batch (default 1,8)", 0, 0),
	OPTION("threads", 'j', OPT_STRING, threads, "LIST", "threads (default 1)", 0, 0),
	OPTION("keep", 'k', OPT_STRING, keep, "SCHEDULES",
           "shares of the rows that layers keep, a,b,.. or a/b/c,.. by layer (default 1)", 0, 0),
	OPTION("policy", 'p', OPT_STRING, policy, "P", "what scores the rows under --keep (default adapler)", 0, 0),
	OPTION("precision", 0, OPT_CHOICE, precision, "f32|bf16|int8", "of the matrix products; this version has f32", 0,
           0),
	OPTION("kernels", 0, OPT_STRING, kernels, "K", "avx512, avx2, portable or openblas (default: the fastest)", 0, 0),
	OPTION("seconds", 0, OPT_DOUBLE, seconds, "S", "time to spend on a cell (default 0.5)", 0, 0),
	OPTION("runs", 0, OPT_INT, runs, "N", "runs a cell at least (default 5)", 1, RUNS_MAX),
	OPTION("full-last-layer", 0, OPT_FLAG, is_full, NULL, "compute the rows of the last layer that logits do not need",
           0, 0),
	OPTION("train", 0, OPT_FLAG, is_train, NULL,
           "time whole training steps: forward, backward and AdamW, with dropout; --policy adapler: of AdapLeR", 0, 0),
	OPTION("json", 0, OPT_FLAG, is_json, NULL, "one JSON object a cell", 0, 0),
	{.kind = OPT_END},
};

static const struct {
	const char *name;
	int L, H, A, F;
} shapes[] = {{"base", 12, 768, 12, 3072}, {"minilm", 6, 384, 12, 1536}, {"small", 4, 256, 4, 1024}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

struct bench {
	const struct bench_args *args;
	struct model *model; /* NULL under --train, which opens trainers */
	struct config config;
	const struct config *c; /* of the model */
	char shape[64];
	int lengths[LIST_MAX], length_count, batches[LIST_MAX], batch_count, threads[LIST_MAX], thread_count;
	char *keep[LIST_MAX]; /* pieces of keep_text */
	char *keep_text;
	int keep_count;
	int *distribution, distribution_count; /* --lengths-file */
	struct progress progress;
	int64_t done;
	struct buf out;
};

/* What one cell of the grid is, and what came out. */
struct cell {
	int length, batch, threads; /* length 0: by --lengths-file */
	const char *keep;
	double flops, dense_flops;
	struct timing timing;
	struct profile profile; /* of the median's run, roughly: the last */
	size_t workspace_bytes;
};

/* ---- timing --------------------------------------------------------------------------------------------------- */

struct batches {
	int *start, *ids;
	int sequences, batch; /* of which `batch` run together, one lot after the other */
};

static int length_of(const struct bench *b, const struct cell *cell, int i)
{
	return cell->length ? cell->length : b->distribution[i % b->distribution_count];
}

/* One batch of equal lengths, or the whole distribution cut into batches. */
static int make_batches(struct batches *out, const struct bench *b, const struct cell *cell, struct err *e)
{
	int sequences = cell->length ? cell->batch : b->distribution_count, rows = 0;
	*out = (struct batches){.batch = cell->batch, .sequences = sequences};
	out->start = malloc(((size_t)sequences + 1) * sizeof *out->start);
	for (int i = 0; i < sequences; i++)
		rows += length_of(b, cell, i);
	out->ids = malloc((size_t)rows * sizeof *out->ids);
	if (!out->start || !out->ids)
		return err_set(e, ERR_MEMORY, "out of memory for %d tokens", rows);
	out->start[0] = 0;
	for (int i = 0; i < sequences; i++)
		out->start[i + 1] = out->start[i] + length_of(b, cell, i);
	int V = b->c->V, least = V > 1000 ? 1000 : 0;
	for (int t = 0; t < rows; t++)
		out->ids[t] = least + (int)((int64_t)t * 7919 % (V - least));
	return 0;
}

static void free_batches(struct batches *b)
{
	free(b->start);
	free(b->ids);
}

/* Runs every batch once; adds up FLOPs when `flops` is given. */
static int run_all(struct session *s, const struct bench *b, const struct batches *all, const struct policy *p,
                   double *flops, struct trace *t, struct err *e)
{
	int local[SEQUENCES_MAX + 1];
	for (int first = 0; first < all->sequences; first += all->batch) {
		int B = all->sequences - first < all->batch ? all->sequences - first : all->batch;
		for (int i = 0; i <= B; i++)
			local[i] = all->start[first + i] - all->start[first];
		struct batch batch = {.B = B, .start = local, .ids = all->ids + all->start[first]};
		int code = session_run(s, &batch, p, t, e);
		if (code)
			return code;
		for (int i = 0; i < B && flops; i++) {
			struct flops f;
			flops_count(&f, b->c, p, local[i + 1] - local[i], t->died_at + local[i], b->args->is_full);
			*flops += (double)flops_total(&f);
		}
	}
	return 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int timing_run(struct timing *t, int (*run)(void *arg, struct err *e), void *arg, struct err *e)
{
	static double ms[RUNS_MAX];
	const int64_t begin = clock_ns(), limit = (int64_t)(t->seconds * 1e9);
	int code = 0;
	t->runs = 0;
	while (!code && t->runs < RUNS_MAX && !interrupt_pending() && (t->runs < t->least || clock_ns() - begin < limit)) {
		const int64_t start = clock_ns();
		code = run(arg, e);
		ms[t->runs++] = (double)(clock_ns() - start) * 1e-6;
	}
	if (!code && interrupt_pending())
		return err_set(e, ERR_INTERRUPTED, "interrupted within a cell");
	if (code)
		return code;
	qsort(ms, (size_t)t->runs, sizeof *ms, compare_doubles);
	t->median_ms = ms[t->runs / 2];
	t->min_ms = ms[0];
	t->max_ms = ms[t->runs - 1];
	return 0;
}

struct forward_run {
	struct session *session;
	const struct bench *bench;
	const struct batches *all;
	const struct policy *policy;
	struct trace trace;
};

static int run_forward(void *arg, struct err *e)
{
	struct forward_run *r = arg;
	return run_all(r->session, r->bench, r->all, r->policy, NULL, &r->trace, e);
}

/* Two passes, which also warm up, count the FLOPs. */
static int time_cell(struct cell *cell, struct session *s, const struct bench *b, const struct batches *all,
                     const struct policy *p, const struct policy *dense, struct err *e)
{
	struct forward_run r = {.session = s, .bench = b, .all = all, .policy = p};
	int code = run_all(s, b, all, dense, &cell->dense_flops, &r.trace, e);
	if (!code)
		code = run_all(s, b, all, p, &cell->flops, &r.trace, e);
	cell->timing = (struct timing){.least = b->args->runs, .seconds = b->args->seconds};
	if (!code)
		code = timing_run(&cell->timing, run_forward, &r, e);
	cell->profile = r.trace.profile;
	return code;
}

static int cell_policy(struct policy *p, const struct bench *b, const struct cell *cell, struct err *e)
{
	char text[512];
	if (strcmp(cell->keep, "1") == 0)
		return policy_parse(p, "none", e);
	const char *name = b->args->policy ? b->args->policy : "adapler";
	snprintf(text, sizeof text, "%s%ckeep=%s", name, strchr(name, ':') ? ',' : ':', cell->keep);
	return policy_parse(p, text, e);
}

static int run_cell(struct cell *cell, const struct bench *b, struct err *e)
{
	struct policy p, dense;
	struct batches all = {0};
	struct session *s = NULL;
	int longest = 0, sequences = cell->length ? 1 : b->distribution_count;
	for (int i = 0; i < sequences; i++)
		longest = length_of(b, cell, i) > longest ? length_of(b, cell, i) : longest;
	struct session_options o = {
		.threads = cell->threads, .max_sequences = cell->batch, .max_rows = cell->batch * longest};
	o.want = WANT_PROFILE;
	o.full_last_layer = b->args->is_full;
	int code = cell_policy(&p, b, cell, e);
	if (!code)
		code = policy_parse(&dense, "none", e);
	if (!code)
		code = make_batches(&all, b, cell, e);
	if (!code)
		code = session_open(&s, b->model, &o, e);
	if (!code) {
		cell->workspace_bytes = session_bytes(s);
		code = time_cell(cell, s, b, &all, &p, &dense, e);
	}
	session_close(s);
	free_batches(&all);
	return code;
}

/* ---- printing ------------------------------------------------------------------------------------------------- */

static void add_shares(struct buf *out, const struct profile *p)
{
	double total = p->total > 0 ? (double)p->total : 1;
	buf_addf(
		out,
		",\"shares\":{\"embedding\":%.4f,\"products\":%.4f,\"attention\":%.4f,\"normalisation\":%.4f,\"policy\":%.4f,"
		"\"head\":%.4f}",
		(double)p->embedding / total, (double)p->products / total, (double)p->attention / total,
		(double)p->normalisation / total, (double)p->policy / total, (double)p->head / total);
}

static void print_json(struct bench *b, const struct cell *cell, double speedup)
{
	struct buf *out = &b->out;
	buf_addf(out,
	         "{\"shape\":\"%s\",\"length\":%d,\"batch\":%d,\"threads\":%d,\"precision\":\"f32\",\"kernels\":\"%s\"",
	         b->shape, cell->length, cell->batch, cell->threads, model_kernels(b->model));
	buf_addf(out, ",\"keep\":\"%s\",\"median_ms\":%.5g,\"min_ms\":%.5g,\"max_ms\":%.5g,\"runs\":%d,\"gflops\":%.4g",
	         cell->keep, cell->timing.median_ms, cell->timing.min_ms, cell->timing.max_ms, cell->timing.runs,
	         cell->flops / cell->timing.median_ms * 1e-6);
	buf_addf(out, ",\"flops_speedup\":%.4g,\"time_speedup\":", cell->dense_flops / cell->flops);
	buf_add_json_double(out, speedup);
	buf_addf(out, ",\"weight_bytes\":%zu,\"workspace_bytes\":%zu", model_bytes(b->model), cell->workspace_bytes);
	add_shares(out, &cell->profile);
	buf_add_text(out, "}\n");
}

static void print_line(struct bench *b, const struct cell *cell, double speedup)
{
	const struct profile *p = &cell->profile;
	double percent = p->total > 0 ? 100.0 / (double)p->total : 0;
	char length[16] = "file";
	if (cell->length)
		snprintf(length, sizeof length, "%d", cell->length);
	buf_addf(&b->out, "%-16s %6s %5d %7d  %-9s %9.3f %9.3f %9.3f %5d %8.1f %7.2f %7.2f", b->shape, length, cell->batch,
	         cell->threads, cell->keep, cell->timing.median_ms, cell->timing.min_ms, cell->timing.max_ms,
	         cell->timing.runs, cell->flops / cell->timing.median_ms * 1e-6, cell->dense_flops / cell->flops, speedup);
	buf_addf(&b->out, "  %5.1f %5.1f %5.1f %5.1f\n", (double)p->products * percent, (double)p->attention * percent,
	         (double)p->normalisation * percent, (double)p->policy * percent);
}

static void print_train_json(struct bench *b, int length, const struct train_cell *cell)
{
	const struct timing *t = &cell->timing;
	buf_addf(&b->out, "{\"train\":true,\"shape\":\"%s\",\"length\":%d,\"batch\":%d,\"threads\":%d", b->shape, length,
	         cell->batch, cell->threads);
	buf_addf(&b->out, ",\"precision\":\"f32\",\"keep\":\"1\",\"policy\":\"%s\"", cell->is_adapler ? "adapler" : "none");
	buf_addf(&b->out, ",\"median_ms\":%.5g,\"min_ms\":%.5g,\"max_ms\":%.5g,\"runs\":%d,\"steps\":%d", t->median_ms,
	         t->min_ms, t->max_ms, t->runs, cell->steps);
	buf_addf(&b->out,
	         ",\"tokens\":%lld,\"tokens_per_second\":%.5g,\"gflops\":%.4g,\"flops_speedup\":1,"
	         "\"time_speedup\":1,\"bytes\":%zu}\n",
	         (long long)cell->tokens, (double)cell->tokens / t->median_ms * 1e3, cell->flops / t->median_ms * 1e-6,
	         cell->bytes);
}

static void print_train_line(struct bench *b, int length, const struct train_cell *cell)
{
	const struct timing *t = &cell->timing;
	char text[16] = "file";
	if (length)
		snprintf(text, sizeof text, "%d", length);
	buf_addf(&b->out, "%-16s %6s %5d %7d  %9.3f %9.3f %9.3f %5d %6d %9.0f %8.1f %9.1f\n", b->shape, text, cell->batch,
	         cell->threads, t->median_ms, t->min_ms, t->max_ms, t->runs, cell->steps,
	         (double)cell->tokens / t->median_ms * 1e3, cell->flops / t->median_ms * 1e-6,
	         (double)cell->bytes / 1048576);
}

static void print_head(struct bench *b)
{
	if (b->args->is_train) {
		buf_addf(&b->out, "%-16s %6s %5s %7s  %9s %9s %9s %5s %6s %9s %8s %9s\n", "shape", "length", "batch", "threads",
		         "median ms", "min ms", "max ms", "runs", "steps", "tokens/s", "GFLOP/s", "MiB");
		return;
	}
	buf_addf(&b->out, "%-16s %6s %5s %7s  %-9s %9s %9s %9s %5s %8s %7s %7s  %5s %5s %5s %5s\n", "shape", "length",
	         "batch", "threads", "keep", "median ms", "min ms", "max ms", "runs", "GFLOP/s", "flops x", "time x",
	         "prod%", "attn%", "norm%", "pol%");
}

static void flush(struct bench *b)
{
	if (b->out.data)
		fwrite(b->out.data, 1, b->out.size, stdout);
	fflush(stdout);
	buf_reset(&b->out);
}

/* The schedules of one cell, dense first: the others are measured against it. */
static int run_schedules(struct bench *b, int length, int batch, int threads, struct err *e)
{
	double dense_ms = 0;
	for (int k = 0; k < b->keep_count; k++) {
		struct cell cell = {.length = length, .batch = batch, .threads = threads, .keep = b->keep[k]};
		int code = run_cell(&cell, b, e);
		if (code)
			return code;
		if (k == 0)
			dense_ms = cell.timing.median_ms;
		(b->args->is_json ? print_json : print_line)(b, &cell, dense_ms / cell.timing.median_ms);
		progress_update(&b->progress, ++b->done, NULL);
		flush(b);
		if (interrupt_pending())
			return err_set(e, ERR_INTERRUPTED, "interrupted after %lld cells", (long long)b->done);
	}
	return 0;
}

/* Training in one cell: a batch of equal lengths is a step, a distribution is as many as it takes. */
static int run_training(struct bench *b, int length, int batch, int threads, struct err *e)
{
	const struct bench_args *a = b->args;
	int equal[SEQUENCES_MAX];
	for (int i = 0; i < batch; i++)
		equal[i] = length;
	struct train_cell cell = {.model = a->model,
	                          .config = b->c,
	                          .kernels = a->kernels,
	                          .is_adapler = a->policy && !strcmp(a->policy, "adapler"),
	                          .lengths = length ? equal : b->distribution,
	                          .sequences = length ? batch : b->distribution_count,
	                          .batch = batch,
	                          .threads = threads,
	                          .timing = {.least = a->runs, .seconds = a->seconds}};
	int code = bench_train(&cell, e);
	if (code)
		return code;
	(a->is_json ? print_train_json : print_train_line)(b, length, &cell);
	progress_update(&b->progress, ++b->done, NULL);
	flush(b);
	return 0;
}

static int run_grid(struct bench *b, struct err *e)
{
	int code = 0, lengths = b->distribution ? 1 : b->length_count;
	if (!b->args->is_json) {
		print_head(b);
		flush(b);
	}
	progress_begin(&b->progress, "bench", "cells", (int64_t)lengths * b->batch_count * b->thread_count * b->keep_count,
	               log_is_quiet());
	for (int j = 0; j < b->thread_count; j++)
		for (int i = 0; i < b->batch_count; i++)
			for (int n = 0; n < lengths && !code; n++)
				code = (b->args->is_train ? run_training : run_schedules)(b, b->distribution ? 0 : b->lengths[n],
				                                                          b->batches[i], b->threads[j], e);
	progress_end(&b->progress);
	return code;
}

/* ---- what to run ---------------------------------------------------------------------------------------------- */

static int parse_shape(struct config *c, const char *text, struct err *e)
{
	for (int i = 0; i < SHAPES; i++)
		if (strcmp(text, shapes[i].name) == 0) {
			c->L = shapes[i].L, c->H = shapes[i].H, c->A = shapes[i].A, c->F = shapes[i].F;
			return 0;
		}
	char end;
	if (sscanf(text, "%dx%dx%dx%d%c", &c->L, &c->H, &c->A, &c->F, &end) != 4 || c->L < 1 || c->A < 1 || c->H < 1 ||
	    c->F < 1 || c->H % c->A || c->L > 1000 || c->H > 65536 || c->F > 65536)
		return err_set(e, ERR_USAGE, "'%s' is no shape: LxHxAxF with H a multiple of A, or base, minilm, small", text);
	return 0;
}

static int read_config(struct bench *b, struct err *e)
{
	struct config *c = &b->config;
	if (b->args->model)
		return config_read(c, b->args->model, e);
	*c = (struct config){.V = 30522,
	                     .P = 512,
	                     .C = 2,
	                     .types = 2,
	                     .K = 32,
	                     .act = ACT_GELU,
	                     .layer_norm_eps = 1e-12,
	                     .initializer_range = 0.02};
	int code = parse_shape(c, b->args->shape ? b->args->shape : "base", e);
	c->D = code ? 0 : c->H / c->A;
	return code;
}

static int open_model(struct bench *b, struct err *e)
{
	struct model_options o = {.kernels = b->args->kernels};
	int code = read_config(b, e);
	if (!code && !b->args->is_train)
		code = b->args->model ? model_open(&b->model, b->args->model, &o, e)
		                      : model_open_random(&b->model, &b->config, &o, e);
	if (code)
		return code;
	b->c = &b->config;
	snprintf(b->shape, sizeof b->shape, "%dx%dx%dx%d", b->c->L, b->c->H, b->c->A, b->c->F);
	return 0;
}

static int read_distribution(struct bench *b, struct err *e)
{
	FILE *f = fopen(b->args->lengths_file, "r");
	int capacity = 0, n, line = 1;
	if (!f)
		return err_set(e, ERR_IO, "cannot open '%s'", b->args->lengths_file);
	while (fscanf(f, "%d", &n) == 1) {
		if (n < 1 || n > b->c->P) {
			fclose(f);
			return err_set(e, ERR_LIMIT, "length %d in '%s' line %d is not in 1 to %d", n, b->args->lengths_file, line,
			               b->c->P);
		}
		if (b->distribution_count == capacity) {
			capacity = capacity ? 2 * capacity : 1024;
			int *grown = realloc(b->distribution, (size_t)capacity * sizeof *grown);
			if (!grown)
				break;
			b->distribution = grown;
		}
		b->distribution[b->distribution_count++] = n;
		line++;
	}
	int is_whole = feof(f);
	fclose(f);
	if (!is_whole || b->distribution_count == 0)
		return err_set(e, ERR_FORMAT, "expected a length a line in '%s' line %d", b->args->lengths_file, line);
	return 0;
}

/* "1" is put first unless it is there: speedups need the dense time. */
static int parse_keep(struct bench *b, const char *text, struct err *e)
{
	static char dense[] = "1";
	b->keep_text = strdup(text);
	if (!b->keep_text)
		return err_set(e, ERR_MEMORY, "out of memory");
	b->keep[b->keep_count++] = dense;
	char *rest = b->keep_text;
	for (char *word; (word = strsep(&rest, ","));) {
		if (strcmp(word, "1") == 0)
			continue;
		if (b->keep_count == LIST_MAX)
			return err_set(e, ERR_USAGE, "more than %d keep schedules", LIST_MAX);
		b->keep[b->keep_count++] = word;
	}
	return 0;
}

static int parse_lists(struct bench *b, struct err *e)
{
	const struct bench_args *a = b->args;
	int code = opt_int_list(b->lengths, LIST_MAX, &b->length_count, a->lengths ? a->lengths : "16,64,128,256,512",
	                        "lengths", 1, 1 << 20, e);
	if (!code)
		code = opt_int_list(b->batches, LIST_MAX, &b->batch_count, a->batch ? a->batch : "1,8", "batch", 1,
		                    SEQUENCES_MAX, e);
	if (!code)
		code =
			opt_int_list(b->threads, LIST_MAX, &b->thread_count, a->threads ? a->threads : "1", "threads", 1, 1024, e);
	return code ? code : parse_keep(b, a->keep ? a->keep : "1", e);
}

static void say_memory(const struct bench *b)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	log_info("weights %.1f MiB (%s), peak of the process %.1f MiB", (double)model_bytes(b->model) / 1048576,
	         model_kernels(b->model), (double)usage.ru_maxrss / 1024);
}

static int bench_run(const struct command *c, int argc, char **argv, struct err *e)
{
	struct bench_args args = {.seconds = 0.5, .runs = 5};
	struct bench b = {.args = &args};
	char **rest;
	int count, code = opt_parse(c, argc, argv, &args, &rest, &count, e);
	if (code)
		return code;
	if (count || (args.model && args.shape))
		return err_set(e, ERR_USAGE, "bench takes --model or --shape, and no other words");
	if (args.is_train && (args.keep || args.is_full || (args.policy && strcmp(args.policy, "adapler") != 0)))
		return err_set(e, ERR_USAGE, "--train knows no --keep, no --full-last-layer and only --policy adapler");
	if (args.precision)
		return err_set(e, ERR_UNSUPPORTED, "precision '%s' is not built in (known: f32)",
		               args.precision == 1 ? "bf16" : "int8");
	interrupt_install();
	code = parse_lists(&b, e);
	if (!code)
		code = open_model(&b, e);
	if (!code && args.lengths_file)
		code = read_distribution(&b, e);
	if (!code)
		code = run_grid(&b, e);
	if (b.model)
		say_memory(&b);
	model_close(b.model);
	config_free(&b.config);
	buf_free(&b.out);
	free(b.distribution);
	free(b.keep_text);
	return code;
}

const struct command bench_command = {
	.name = "bench",
	.summary = "time a model by length, batch, threads and keep schedule",
	.usage = "[--model DIR | --shape LxHxAxF] [--lengths ..] [--batch ..] [--threads ..] [--keep ..] [--json]",
	.details =
		"Lists are 1,8,32 or from:to:step. Every cell is warmed up, then repeated; the median, minimum and maximum\n"
		"of a whole forward pass are printed, with the FLOPs speedup over dense (flops x), the speedup measured\n"
		"(time x), and the share of each part of the pass. --keep schedules are shares of the length at the\n"
		"start: 0.5 at every layer, or 0.8/0.6/0.4 by layer. --train times steps of training instead: forward,\n"
		"backward and AdamW with a dropout of 0.1, on random weights or the model's. --json: shape, length,\n"
		"batch, threads, precision, keep, median_ms, min_ms, runs, gflops, flops_speedup, time_speedup and more,\n"
		"one object a cell.",
	.examples = "adapler bench --shape small --lengths 16,128 --batch 1,8 --threads 1,2\n"
				"adapler bench --shape base --lengths 128 --keep 0.75,0.5,0.25,0.1 --json\n"
				"adapler bench --train --shape small --lengths 64 --batch 32 --threads 2",
	.options = options,
	.run = bench_run,
};
