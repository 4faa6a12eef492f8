/* Processes at work on one sweep share nothing but the store and the claims beside it. With --jobs this one forks workers
 * and listens to what they report through a pipe; alone it works itself. */
#include "sweep_run.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/progress.h"
#include "claims.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void cell_describe(char *out, size_t size, const struct cell *c)
{
	snprintf(out, size, "%s %s %s %s, batch %d", c->task, split_name(c->split), c->model, c->policy, c->batch);
}

/* Loading says what the data is, which is the same again for every cell. */
static int load_quietly(struct workbench *w, const struct cell *c, char key[65], struct err *e)
{
	const int was_quiet = log_is_quiet();
	log_set_quiet(1);
	int code = cell_key(w, c, key, e);
	log_set_quiet(was_quiet);
	return code;
}

/* ---- planning -------------------------------------------------------------------------------------------------- */

static int is_of_shard(const struct sweep_options *o, int i) { return !o->shards || i % o->shards == o->shard; }

static int plan_cell(struct workbench *w, struct store *store, const struct cell *c, struct cell_status *x,
                     struct err *e)
{
	struct err why = {0};
	int is_there = 0;
	if (load_quietly(w, c, x->key, &why)) {
		x->state = CELL_FAILED;
		snprintf(x->why, sizeof x->why, "%.399s", why.text);
		workbench_close(w); /* half a load is none */
		memset(w, 0, sizeof *w);
		return 0;
	}
	x->tokens = cell_tokens(w, c);
	x->flops = cell_flops(w, c);
	int code = store ? store_run_finished(store, x->key, &x->run, &is_there, e) : 0;
	if (is_there)
		x->state = CELL_DONE;
	x->was_there = is_there;
	return code;
}

int sweep_plan(const struct sweep *s, struct cell_status *status, const struct sweep_options *o, struct err *e)
{
	struct workbench w = {0};
	struct store *store = NULL;
	struct progress progress;
	memset(status, 0, (size_t)s->count * sizeof *status);
	int code = o->db && file_exists(o->db) ? store_open(&store, o->db, NULL, e) : 0;
	progress_begin(&progress, "planning", "cells", s->count, log_is_quiet());
	for (int i = 0; i < s->count && !code; i++) {
		if (is_of_shard(o, i))
			code = plan_cell(&w, store, &s->cells[i], &status[i], e);
		else
			status[i].state = CELL_LEFT;
		progress_update(&progress, i + 1, NULL);
	}
	progress_end(&progress);
	workbench_close(&w);
	store_close(store);
	return code;
}

/* ---- one process at work --------------------------------------------------------------------------------------- */

enum { REPORT_EVERY = 8192 }; /* tokens */

enum report_kind { REPORT_TOKENS, REPORT_DONE, REPORT_ELSEWHERE, REPORT_FAILED };

/* What a worker says, small enough that a pipe takes it whole. */
struct report {
	enum report_kind kind;
	int cell;
	int64_t tokens, run;
	char why[400];
};

struct worker {
	const struct sweep *sweep;
	const struct sweep_options *options;
	struct cell_status *status;
	struct workbench bench;
	struct store *store;
	struct claims *claims;
	int cell;           /* in hand */
	int64_t unreported; /* tokens of it */
	void (*report)(void *arg, const struct report *r);
	void *arg;
};

static int on_progress(void *arg, int64_t tokens, struct err *e)
{
	struct worker *w = arg;
	w->unreported += tokens;
	if (w->unreported >= REPORT_EVERY) {
		w->report(w->arg, &(struct report){.kind = REPORT_TOKENS, .cell = w->cell, .tokens = w->unreported});
		w->unreported = 0;
	}
	return interrupt_pending() ? err_set(e, ERR_INTERRUPTED, "stopped") : 0;
}

/* The store's errors end the work, the cell's own do not. */
static int run_cell(struct worker *w, struct err *e)
{
	struct facts f;
	struct err why = {0};
	w->unreported = 0;
	const struct cell *c = &w->sweep->cells[w->cell];
	struct cell_status *x = &w->status[w->cell];
	int code = load_quietly(&w->bench, c, x->key, &why);
	if (!code)
		code = cell_run(&w->bench, c, &f, on_progress, w, &why);
	if (code == ERR_INTERRUPTED)
		return err_set(e, code, "%s", why.text);
	if (code) {
		struct report r = {.kind = REPORT_FAILED, .cell = w->cell};
		snprintf(r.why, sizeof r.why, "%.399s", why.text);
		w->report(w->arg, &r);
		x->state = CELL_FAILED;
		return 0;
	}
	code = cell_write(w->store, &w->bench, c, x->key, &f, &x->run, e);
	facts_close(&f);
	if (code)
		return code;
	w->report(w->arg, &(struct report){.kind = REPORT_DONE, .cell = w->cell, .run = x->run});
	x->state = CELL_DONE;
	return 0;
}

/* Another process may have done it since it was planned. */
static int look_again(struct worker *w, struct err *e)
{
	int is_there;
	struct cell_status *x = &w->status[w->cell];
	int code = store_run_finished(w->store, x->key, &x->run, &is_there, e);
	if (code || !is_there)
		return code;
	w->report(w->arg, &(struct report){.kind = REPORT_ELSEWHERE, .cell = w->cell, .run = x->run});
	x->state = CELL_DONE;
	return 0;
}

static int try_cell(struct worker *w, struct err *e)
{
	struct cell_status *x = &w->status[w->cell];
	int is_taken, code = claims_take(w->claims, x->key, &is_taken, e);
	if (code || !is_taken)
		return code ? code : look_again(w, e);
	code = look_again(w, e);
	if (!code && x->state == CELL_OPEN)
		code = run_cell(w, e);
	claims_release(w->claims, x->key);
	return code;
}

static int count_open(const struct worker *w)
{
	int open = 0;
	for (int i = 0; i < w->sweep->count; i++)
		open += w->status[i].state == CELL_OPEN;
	return open;
}

/* Round after round: what others are at is looked at again until it is done, or they are gone. */
static int work(struct worker *w, struct err *e)
{
	const struct timespec nap = {0, 100000000};
	int code = store_open(&w->store, w->options->db, NULL, e);
	if (!code)
		code = claims_open(&w->claims, w->options->db, e);
	for (int open; !code && (open = count_open(w)) > 0;) {
		for (int i = 0; i < w->sweep->count && !code; i++) {
			w->cell = i;
			if (w->status[i].state == CELL_OPEN)
				code = interrupt_pending() ? err_set(e, ERR_INTERRUPTED, "stopped") : try_cell(w, e);
		}
		if (!code && count_open(w) == open)
			nanosleep(&nap, NULL);
	}
	claims_close(w->claims);
	store_close(w->store);
	workbench_close(&w->bench);
	return code;
}

/* ---- what is told ---------------------------------------------------------------------------------------------- */

struct teller {
	const struct sweep *sweep;
	struct cell_status *status;
	struct progress progress;
	int64_t tokens, *seen; /* seen [cells]: of each cell, so that one that ends elsewhere counts once */
	int done, open;
};

static void note_tokens(struct teller *t, int cell, int64_t tokens)
{
	t->seen[cell] += tokens;
	t->tokens += tokens;
	progress_update(&t->progress, t->tokens, NULL);
}

static void say(struct teller *t, const struct report *r)
{
	char cell[1000];
	const int is_active = t->progress.active;
	cell_describe(cell, sizeof cell, &t->sweep->cells[r->cell]);
	progress_end(&t->progress);
	if (r->kind == REPORT_FAILED)
		log_warn("failed: %s: %s", cell, r->why);
	else
		log_info("%d of %d: %s: run %lld%s", ++t->done, t->open, cell, (long long)r->run,
		         r->kind == REPORT_ELSEWHERE ? ", by another process" : "");
	t->progress.active = is_active;
}

static void on_report(void *arg, const struct report *r)
{
	struct teller *t = arg;
	struct cell_status *x = &t->status[r->cell];
	if (r->kind == REPORT_TOKENS) {
		note_tokens(t, r->cell, r->tokens);
		return;
	}
	/* Another worker of this process found it so too. */
	if (x->state == CELL_DONE || (x->state == CELL_FAILED && r->kind == REPORT_FAILED))
		return;
	note_tokens(t, r->cell, x->tokens - t->seen[r->cell]);
	x->state = r->kind == REPORT_FAILED ? CELL_FAILED : CELL_DONE;
	x->run = r->run;
	if (r->kind == REPORT_FAILED)
		snprintf(x->why, sizeof x->why, "%s", r->why);
	say(t, r);
}

/* ---- several processes ------------------------------------------------------------------------------------------ */

struct crew {
	int jobs, from_workers; /* the pipe's end that is read */
	pid_t *pid;
};

static void write_report(void *arg, const struct report *r)
{
	const int *fd = arg;
	ssize_t written;
	do
		written = write(*fd, r, sizeof *r);
	while (written < 0 && errno == EINTR);
}

/* Exits with the error's code; the sentence goes to standard error, but for an interruption, which all share. */
static _Noreturn void worker_main(const struct sweep *s, struct cell_status *status, const struct sweep_options *o,
                                  int to_parent, pid_t parent)
{
	struct err e = {0};
	struct worker w = {.sweep = s, .options = o, .status = status, .report = write_report, .arg = &to_parent};
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int code = getppid() == parent ? work(&w, &e) : ERR_INTERRUPTED;
	if (code && code != ERR_INTERRUPTED)
		log_warn("%s", e.text);
	_exit(code);
}

static int start_crew(struct crew *c, const struct sweep *s, struct cell_status *status, const struct sweep_options *o,
                      struct err *e)
{
	int ends[2];
	const pid_t parent = getpid();
	c->pid = calloc((size_t)o->jobs, sizeof *c->pid);
	if (!c->pid)
		return err_set(e, ERR_MEMORY, "out of memory for %d jobs", o->jobs);
	if (pipe(ends))
		return err_set_errno(e, errno, "cannot start %d jobs", o->jobs);
	fflush(NULL);
	for (; c->jobs < o->jobs; c->jobs++) {
		const pid_t pid = fork();
		if (pid < 0)
			break;
		if (!pid) {
			close(ends[0]);
			worker_main(s, status, o, ends[1], parent);
		}
		c->pid[c->jobs] = pid;
	}
	close(ends[1]);
	c->from_workers = ends[0];
	return c->jobs == o->jobs ? 0 : err_set_errno(e, errno, "cannot start job %d of %d", c->jobs + 1, o->jobs);
}

/* The signal reached the terminal's whole group; one that was sent to this process alone is handed on. */
static void hand_on(const struct crew *c)
{
	for (int i = 0; i < c->jobs; i++)
		kill(c->pid[i], SIGTERM);
}

static void listen_to(struct crew *c, struct teller *t)
{
	struct report r;
	int is_told = 0;
	for (;;) {
		const ssize_t size = read(c->from_workers, &r, sizeof r);
		if (interrupt_pending() && !is_told++)
			hand_on(c);
		if (size == (ssize_t)sizeof r)
			on_report(t, &r);
		else if (size >= 0 || errno != EINTR)
			return;
	}
}

static int wait_for(struct crew *c, struct err *e)
{
	int worst = 0;
	for (int i = 0; i < c->jobs; i++) {
		int status = 0;
		while (waitpid(c->pid[i], &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status))
			log_warn("a job ended by signal %d; the cell that it was at is done by another", WTERMSIG(status));
		else if (WEXITSTATUS(status) && worst != ERR_INTERRUPTED)
			worst = WEXITSTATUS(status);
	}
	if (worst)
		err_set(e, worst, worst == ERR_INTERRUPTED ? "stopped" : "a job failed");
	return worst;
}

static int run_crew(const struct sweep *s, struct cell_status *status, const struct sweep_options *o, struct teller *t,
                    struct err *e)
{
	struct crew c = {0};
	int code = start_crew(&c, s, status, o, e);
	if (c.from_workers) {
		if (code)
			hand_on(&c);
		listen_to(&c, t);
		close(c.from_workers);
		const int ended = wait_for(&c, e);
		code = code ? code : ended;
	}
	free(c.pid);
	return code;
}

/* ---- all together ---------------------------------------------------------------------------------------------- */

static void open_teller(struct teller *t)
{
	int64_t tokens = 0;
	for (int i = 0; i < t->sweep->count; i++)
		if (t->status[i].state == CELL_OPEN) {
			tokens += t->status[i].tokens;
			t->open++;
		}
	progress_begin(&t->progress, "sweep", "tokens", tokens, log_is_quiet());
}

static int count_state(const struct sweep *s, const struct cell_status *status, enum cell_state state)
{
	int count = 0;
	for (int i = 0; i < s->count; i++)
		count += status[i].state == state;
	return count;
}

static int run_alone(const struct sweep *s, struct cell_status *status, const struct sweep_options *o, struct teller *t,
                     struct err *e)
{
	struct worker w = {.sweep = s, .options = o, .status = status, .report = on_report, .arg = t};
	return work(&w, e);
}

int sweep_run(const struct sweep *s, struct cell_status *status, const struct sweep_options *o, struct err *e)
{
	struct teller t = {.sweep = s, .status = status};
	struct err why = {0};
	t.seen = calloc((size_t)s->count + 1, sizeof *t.seen);
	if (!t.seen)
		return err_set(e, ERR_MEMORY, "out of memory for %d cells", s->count);
	open_teller(&t);
	int code = t.open && o->jobs > 1 ? run_crew(s, status, o, &t, &why) : run_alone(s, status, o, &t, &why);
	/* Where every job died there is still somebody left. */
	if (!code && count_state(s, status, CELL_OPEN))
		code = run_alone(s, status, o, &t, &why);
	progress_end(&t.progress);
	free(t.seen);
	if (code == ERR_INTERRUPTED)
		return err_set(e, code, "stopped: %d of %d cells are done, and stay so; the same command goes on",
		               count_state(s, status, CELL_DONE), s->count - count_state(s, status, CELL_LEFT));
	return code ? err_set(e, code, "%s", why.text) : 0;
}
