/* Everything that anybody later asks of a run is in one SQLite file.
 *
 * The file is created and migrated when it is opened for writing (PRAGMA user_version counts the migrations); a file of
 * a newer version, of another program or a damaged one is refused before anything is written to it. Several processes
 * may share it: each write is a short transaction, alone or between store_begin and store_commit, and waits for the
 * others. What was committed survives kill -9 and a power cut; what was not is gone as a whole.
 *
 * A store belongs to one thread and does not survive fork(). Undefined values are NaN here and NULL there. */
#ifndef ADAPLER_STORE_H
#define ADAPLER_STORE_H

#include "../engine/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct store; /* an open database */

struct store_options {
	int is_read_only; /* the file must be there; nothing is changed but that an older version is migrated */
	int timeout_ms;   /* how long to wait for another process's transaction; 0: half a minute */
};

/* `o` may be NULL. ERR_IO: cannot be opened, read-only, locked for too long; ERR_FORMAT: not a database, damaged, of
 * another program; ERR_UNSUPPORTED: of a newer version. */
int store_open(struct store **s, const char *path, const struct store_options *o, struct err *e);
/* What was not committed is rolled back. NULL is fine. */
void store_close(struct store *s);

/* One transaction around several writes; they do not nest. When a write fails the transaction stays open, and what
 * stands before the write stays in it; but when the disk is full SQLite may drop the transaction as a whole, and then
 * all further writes and the commit fail until store_rollback. */
int store_begin(struct store *s, struct err *e);
int store_commit(struct store *s, struct err *e); /* on error the transaction is still open: try again or roll back */
void store_rollback(struct store *s);             /* fine without a transaction */

/* ---- runs ---- */

/* Texts that are NULL are unknown. The key names everything that determines the result (store_run_start never gives the
 * rows of one key to another run); `args` is for people and reports. */
struct store_run {
	const char *key;    /* not NULL, not empty */
	const char *kind;   /* not NULL: pretrain, finetune, adapt, eval ... */
	const char *task;   /* sst2 ... */
	const char *split;  /* train, dev ... */
	const char *policy; /* adapler:eta=1 ... */
	const char *args;   /* a JSON object; NULL: {} */
	uint64_t seed;      /* below 2^63 */
	const char *model_sha;
	const char *data_sha;
	const char *rev; /* of the program */
	int threads;
};

enum store_found {
	STORE_NEW,        /* there was no such run */
	STORE_UNFINISHED, /* it is there with what it wrote so far, to be resumed */
	STORE_FINISHED,   /* it is there and whole: nothing is left to do */
};

/* Finds the run of this key or adds it. ERR_MISMATCH when the run of this key is of another kind, task, split, policy,
 * seed, model or data. */
int store_run_start(struct store *s, const struct store_run *r, int64_t *id, enum store_found *found, struct err *e);
/* Notes the time; a run that is finished already keeps its own. */
int store_run_finish(struct store *s, int64_t id, struct err *e);
/* Finished no more: it is being done over. */
int store_run_reopen(struct store *s, int64_t id, struct err *e);
/* Removes the run with all its rows. */
int store_run_remove(struct store *s, int64_t id, struct err *e);

/* A run as it is stored. Texts are borrowed for the time of the call that they are given to. */
struct store_row {
	int64_t id;
	struct store_run run;
	const char *started, *finished; /* ISO 8601 in UTC, "2022-05-22T09:30:00Z"; finished is NULL while unfinished */
	int64_t last_step;              /* of its curves; -1 without any */
};

/* Visitors return 0 to go on; anything else ends the visit and is returned. They must not write to the store,
 * nor visit again. */
typedef int store_row_visitor(const struct store_row *row, void *arg, struct err *e);
typedef int store_point_visitor(int64_t step, const char *name, double value, void *arg, struct err *e);
typedef int store_name_visitor(const char *name, int64_t points, void *arg, struct err *e);

int store_run_each(struct store *s, store_row_visitor *visit, void *arg, struct err *e); /* by id */
/* The run with this key, else this id, else the only one whose key begins so (four characters at least). ERR_USAGE when
 * there is none or several. */
int store_run_find(struct store *s, const char *text, int64_t *id, struct err *e);
/* *is_there: whether the run of this key is there, and finished. */
int store_run_finished(struct store *s, const char *key, int64_t *id, int *is_there, struct err *e);
/* Visits one run; ERR_USAGE when there is none. */
int store_run_get(struct store *s, int64_t id, store_row_visitor *visit, void *arg, struct err *e);

/* ---- metrics: what was computed of a run ---- */

/* Replaces what is there. lo and hi: an interval, or NaN. */
int store_metric_set(struct store *s, int64_t run, const char *name, double value, double lo, double hi, struct err *e);
typedef int store_metric_visitor(const char *name, double value, double lo, double hi, void *arg, struct err *e);
int store_metric_each(struct store *s, int64_t run, store_metric_visitor *visit, void *arg,
                      struct err *e); /* by name */

/* ---- questions ---- */

enum store_type { STORE_NULL, STORE_INTEGER, STORE_REAL, STORE_TEXT };

struct store_value {
	const char *name; /* of the column */
	enum store_type type;
	int64_t integer;
	double real;      /* of an integer too; NaN for NULL */
	const char *text; /* borrowed for the time of the call; NULL unless it is one */
};

typedef int store_value_visitor(const struct store_value *values, int columns, void *arg, struct err *e);
/* Carries out one SELECT of the program's own; `types` has a letter for each ?: i int64_t, t const char *, d double. */
int store_select(struct store *s, store_value_visitor *visit, void *arg, struct err *e, const char *sql,
                 const char *types, ...);

/* ---- curves: named values by training step ---- */

/* Names are "loss", or "dev/loss": where one measure is known of several things. The value that is there is replaced,
 * as a resumed training writes the same steps again. */
int store_curve_add(struct store *s, int64_t run, int64_t step, const char *name, double value, struct err *e);
/* Removes what a training wrote past the step of the checkpoint that it resumes from. */
int store_curve_forget_after(struct store *s, int64_t run, int64_t step, struct err *e);
/* By step, then name. `name` NULL: all. */
int store_curve_each(struct store *s, int64_t run, const char *name, store_point_visitor *visit, void *arg,
                     struct err *e);
/* The names of a run's curves, in order of the alphabet. */
int store_curve_names(struct store *s, int64_t run, store_name_visitor *visit, void *arg, struct err *e);

#endif
