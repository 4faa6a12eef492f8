#include "train_log.h"

#include "../engine/base/clock.h"
#include "../engine/base/file.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/pool.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { POINTS_MOST = 2000, FLUSH_SECONDS = 5 };

/* ---- rows of the curves --------------------------------------------------------------------------------------- */

static int write_points(struct train_log *l, struct err *e)
{
	int code = store_begin(l->store, e);
	if (code)
		return code;
	for (int i = 0; i < l->count && !code; i++)
		code = store_curve_add(l->store, l->id, l->points[i].step, l->points[i].name, l->points[i].value, e);
	if (!code)
		code = store_commit(l->store, e);
	if (code)
		store_rollback(l->store);
	return code;
}

static int flush(struct train_log *l, struct err *e)
{
	int code = l->store && l->count ? write_points(l, e) : 0;
	if (!code)
		l->count = 0;
	l->flushed_ns = clock_ns();
	return code;
}

int train_log_note(struct train_log *l, int64_t step, const char *name, double value, struct err *e)
{
	if (l->count == l->capacity) {
		const int capacity = l->capacity ? 2 * l->capacity : 256;
		struct train_point *points = realloc(l->points, (size_t)capacity * sizeof *points);
		if (!points)
			return err_set(e, ERR_MEMORY, "out of memory for %d points of a curve", capacity);
		l->points = points;
		l->capacity = capacity;
	}
	struct train_point *p = &l->points[l->count++];
	p->step = step;
	p->value = value;
	snprintf(p->name, sizeof p->name, "%s", name);
	return 0;
}

static int note_layers(struct train_log *l, int64_t step, const char *name, const double *values, int L, struct err *e)
{
	char full[40];
	int code = 0;
	for (int i = 0; i < L && !code; i++) {
		snprintf(full, sizeof full, "layer-%d/%s", i, name);
		code = train_log_note(l, step, full, values[i], e);
	}
	return code;
}

static int note_step(struct train_log *l, const struct training_step *s, struct err *e)
{
	const struct losses *x = s->losses;
	const struct {
		const char *name;
		double value;
	} rows[] = {{"train/loss", x->task},
	            {"train/correct", x->correct},
	            {"train/gradient_norm", s->norms.network},
	            {"train/learning_rate", s->rate},
	            {"train/tokens_per_second", (double)x->tokens / s->seconds}};
	int code = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows && !code; i++)
		code = train_log_note(l, s->step + 1, rows[i].name, rows[i].value, e);
	if (code || !(s->lambda > 0))
		return code;
	code = train_log_note(l, s->step + 1, "train/lambda", s->lambda, e);
	if (!code)
		code = train_log_note(l, s->step + 1, "train/model_loss", x->model, e);
	if (!code)
		code = train_log_note(l, s->step + 1, "train/speed_loss", x->speed, e);
	if (!code)
		code = train_log_note(l, s->step + 1, "train/speed_gradient_norm", s->norms.speed, e);
	if (!code)
		code = note_layers(l, s->step + 1, "kl", x->kl, x->L, e);
	return code ? code : note_layers(l, s->step + 1, "length", x->length, x->L, e);
}

/* ---- events --------------------------------------------------------------------------------------------------- */

/* A finished run may be done over, in another folder or after its own was cleared; a store may have been lost. */
static int find_run(struct train_log *l, int64_t step, int64_t steps, struct err *e)
{
	enum store_found found;
	int code = store_run_start(l->store, &l->run, &l->id, &found, e);
	if (!code && found == STORE_FINISHED && step < steps)
		code = store_run_reopen(l->store, l->id, e);
	if (!code && found == STORE_NEW && step)
		log_warn("'%s' has no rows of the run's first %lld steps", l->db_path, (long long)step);
	return code ? code : store_curve_forget_after(l->store, l->id, step, e);
}

static int on_begin(void *arg, const char *key, int64_t step, int64_t steps, struct err *e)
{
	struct train_log *l = arg;
	snprintf(l->key, sizeof l->key, "%s", key);
	l->run.key = l->key;
	if (l->command) {
		opt_json(&l->options, l->command, l->values);
		l->run.args = l->options.data;
	}
	l->every = (steps + POINTS_MOST - 1) / POINTS_MOST;
	int code = buf_check(&l->options, e);
	if (!code)
		code = store_open(&l->store, l->db_path, NULL, e);
	if (!code)
		code = find_run(l, step, steps, e);
	if (step)
		log_info("going on after step %lld of %lld", (long long)step, (long long)steps);
	l->seen_tokens = steps ? (int64_t)((double)l->tokens * (double)step / (double)steps) : 0;
	progress_begin(&l->progress, l->run.kind, "tokens", l->tokens, log_is_quiet());
	l->progress.skipped = l->seen_tokens;
	return code;
}

/* "epoch 2/5  loss 0.31  kl 0.6  kept 12.1 8.3 5.0 3.9" */
static const char *describe(struct train_log *l, const struct training_step *s)
{
	const struct losses *x = s->losses;
	int at = snprintf(l->note, sizeof l->note, "epoch %d/%d  loss %.4f", s->epoch + 1, s->epochs, x->task);
	if (!(s->lambda > 0))
		return l->note;
	double kl = 0;
	for (int i = 0; i < x->L; i++)
		kl += x->kl[i];
	at += snprintf(l->note + at, sizeof l->note - (size_t)at, "  kl %.3f  kept", kl / x->L);
	for (int i = 0; i < x->L && at < (int)sizeof l->note - 16; i++)
		at += snprintf(l->note + at, sizeof l->note - (size_t)at, " %.1f", x->length[i]);
	return l->note;
}

static int on_step(void *arg, const struct training_step *s, struct err *e)
{
	struct train_log *l = arg;
	int code = (s->step + 1) % l->every && s->step + 1 != s->steps ? 0 : note_step(l, s, e);
	l->seen_tokens += s->losses->tokens;
	progress_update(&l->progress, l->seen_tokens, describe(l, s));
	if (!code && (double)(clock_ns() - l->flushed_ns) * 1e-9 > FLUSH_SECONDS)
		code = flush(l, e);
	return code;
}

/* The database first: rows past a checkpoint are forgotten when a run goes on, rows before it must be there. */
static int on_checkpoint(void *arg, struct err *e) { return flush(arg, e); }

static int on_should_stop(void *arg)
{
	(void)arg;
	return interrupt_pending();
}

struct training_events train_log_events(struct train_log *l)
{
	return (struct training_events){
		.arg = l, .begin = on_begin, .step = on_step, .checkpoint = on_checkpoint, .should_stop = on_should_stop};
}

void train_log_say(struct train_log *l, const char *format, ...)
{
	char line[1000];
	const int is_active = l->progress.active;
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	progress_end(&l->progress);
	l->progress.active = is_active;
	log_info("%s", line);
}

/* ---- commands ------------------------------------------------------------------------------------------------- */

static int is_same_folder(const char *a, const char *b)
{
	struct stat x, y;
	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Its name where it really lies. */
static int is_an_epoch(const char *folder)
{
	char *path = realpath(folder, NULL);
	const char *slash = path ? strrchr(path, '/') : NULL;
	const int is_epoch = slash && !strncmp(slash + 1, "epoch-", 6);
	free(path);
	return is_epoch;
}

/* The models it writes would take the place of the one it begins with. */
static int check_folders(const struct train_args *a, struct err *e)
{
	char above[4096];
	int code = file_join(above, sizeof above, a->model, "..", e);
	if (code)
		return code;
	if (is_same_folder(a->model, a->out) || (is_an_epoch(a->model) && is_same_folder(above, a->out)))
		return err_set(e, ERR_USAGE, "--model '%s' must not be --out '%s' or an epoch in it", a->model, a->out);
	return 0;
}

int train_check_args(const struct train_args *a, const char *command, struct err *e)
{
	if (!a->model || !a->out)
		return err_set(e, ERR_USAGE, "%s needs --model DIR and --out DIR", command);
	if (!(a->rate > 0))
		return err_set(e, ERR_USAGE, "--lr must be above 0, found %g", a->rate);
	if (a->dropout < 0 || a->dropout >= 1)
		return err_set(e, ERR_USAGE, "--dropout must be at least 0 and below 1, found %g", a->dropout);
	if (!(a->checkpoint_minutes > 0))
		return err_set(e, ERR_USAGE, "--checkpoint-minutes must be above 0, found %g", a->checkpoint_minutes);
	return check_folders(a, e);
}

static double peak_megabytes(void)
{
	struct rusage usage;
	return getrusage(RUSAGE_SELF, &usage) ? NAN : (double)usage.ru_maxrss * 1024e-6;
}

/* What is touched later on beside the trainer: code, the store's cache, the session that judges dev. */
enum { LATER_MEGABYTES = 8 };

/* What there is already, and what the trainer adds to it. */
static void say_memory(const struct trainer *t, double before)
{
	before += LATER_MEGABYTES;
	const double all = (double)trainer_bytes(t) * 1e-6, parameters = (double)trainer_parameters(t) * 1e-6;
	const double row = (double)trainer_row_bytes(t) * 1e-6, rows = trainer_rows(t);
	log_info("memory: %.0f MB = %.0f MB of program and data + %.1f million parameters x 16 bytes + %.0f MB of packed "
	         "weights and scratch + %.0f tokens at once x %.1f kB",
	         before + all, before, parameters, all - 16 * parameters - rows * row, rows, row * 1e3);
}

int train_open(struct trainer **t, const struct train_args *a, struct trainer_options *o, int64_t batch_rows,
               int longest, struct err *e)
{
	/* An option of the trainer is the config's at 0 and none below it. */
	if (!isnan(a->dropout))
		o->hidden_dropout = o->attention_dropout = a->dropout > 0 ? a->dropout : -1;
	o->seed = a->seed;
	o->threads = a->threads;
	o->kernels = a->kernels;
	o->max_length = longest;
	o->max_rows = batch_rows < longest ? longest : batch_rows > 16384 ? 16384 : (int)batch_rows;
	o->memory_bytes = (size_t)a->memory_mb * 1000000;
	const double before = peak_megabytes();
	int code = trainer_open(t, a->model, o, e);
	if (!code)
		say_memory(*t, before);
	return code;
}

static int finish(struct train_log *l, const struct training_plan *plan, const struct training_result *r, struct err *e)
{
	int code = flush(l, e);
	if (!code)
		code = store_run_finish(l->store, l->id, e);
	if (!code)
		log_info("%s: %lld steps%s; epoch %d of %d is the best, in %s; %.0f MB of memory at the peak", l->run.kind,
		         (long long)r->steps, r->was_done ? " (it had ended before)" : "", r->best + 1, plan->epochs, plan->out,
		         peak_megabytes());
	return code;
}

int train_run(struct train_log *l, struct trainer *t, const struct example *examples, int count,
              struct training_plan *plan, struct training_events *events, struct training_result *out, struct err *e)
{
	const struct train_args *a = l->args;
	plan->out = a->out;
	plan->tokenizer = a->model;
	plan->dtype = a->bf16 ? "bf16" : "f32";
	plan->epochs = a->epochs;
	plan->rate = a->rate;
	plan->seed = a->seed;
	plan->start_over = a->force;
	plan->checkpoint_seconds = a->checkpoint_minutes * 60;
	l->run.model_sha = l->model_sha;
	l->run.rev = adapler_commit();
	l->run.seed = a->seed;
	l->run.threads = a->threads ? a->threads : pool_processors();
	l->tokens = 0;
	for (int i = 0; i < count; i++)
		l->tokens += (int64_t)examples[i].n * plan->epochs;
	int code = a->db ? 0 : file_join(l->db_path, sizeof l->db_path, a->out, "run.db", e);
	if (a->db)
		snprintf(l->db_path, sizeof l->db_path, "%s", a->db);
	if (!code)
		code = model_sha256(a->model, l->model_sha, e);
	if (!code)
		code = training_run(t, examples, count, plan, events, out, e);
	progress_end(&l->progress);
	return code ? code : finish(l, plan, out, e);
}

int train_print_result(const struct train_args *a, const struct training_result *r, const char *metric, double value,
                       struct err *e)
{
	struct buf b = {0};
	buf_add_text(&b, "{\"out\":");
	buf_add_json_string(&b, a->out, strlen(a->out));
	buf_addf(&b, ",\"best_epoch\":%d,\"dev_%s\":", r->best + 1, metric);
	buf_add_json_double(&b, value);
	if (!isnan(r->score.speed)) {
		buf_add_text(&b, ",\"flops_speedup\":");
		buf_add_json_double(&b, r->score.speed);
	}
	buf_addf(&b, ",\"steps\":%lld}", (long long)r->steps);
	int code = buf_check(&b, e);
	if (!code)
		puts(b.data);
	buf_free(&b);
	return code;
}

void train_log_close(struct train_log *l)
{
	store_close(l->store);
	free(l->points);
	buf_free(&l->options);
}
