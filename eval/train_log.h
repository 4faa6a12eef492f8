/* What the training commands have in common: their options, what a run says while it goes on (progress on a terminal,
 * rows of its curves in the results database), and its end. */
#ifndef ADAPLER_EVAL_TRAIN_LOG_H
#define ADAPLER_EVAL_TRAIN_LOG_H

#include "../engine/base/buf.h"
#include "../engine/base/opt.h"
#include "../engine/base/progress.h"
#include "../engine/engine.h"
#include "store.h"

/* Options of every training command; embedded in its own struct of arguments. */
struct train_args {
	const char *model, *out, *db, *kernels;
	int epochs, max_length, threads, force, bf16, memory_mb;
	double rate, dropout, checkpoint_minutes; /* dropout NaN: the config's */
	uint64_t seed;
};

/* The rows for a table of options; `in` is where struct train_args lies in the struct of arguments. */
/* clang-format off */
#define TRAIN_OPTION(args, in, name, letter, kind, field, metavar, help, low, high) \
	{name, letter, kind, offsetof(args, in.field), metavar, help, low, high}
#define TRAIN_OPTIONS(args, in, epochs_, lr_)                                                                           \
	TRAIN_OPTION(args, in, "model", 'm', OPT_DIR, model, "DIR", "the model to begin with", 0, 0),                            \
	TRAIN_OPTION(args, in, "out", 'o', OPT_DIR, out, "DIR", "the run's folder: checkpoints and the best model", 0, 0),       \
	TRAIN_OPTION(args, in, "epochs", 0, OPT_INT, epochs, "N", "times through the data (" epochs_ ")", 1, 1000),              \
	TRAIN_OPTION(args, in, "lr", 0, OPT_DOUBLE, rate, "X", "learning rate at its peak (" lr_ ")", 0, 0),                     \
	TRAIN_OPTION(args, in, "dropout", 0, OPT_DOUBLE, dropout, "P", "probability (the model's config)", 0, 0),                \
	TRAIN_OPTION(args, in, "max-length", 0, OPT_INT, max_length, "N", "longest text in tokens (the model's)", 4, 1 << 20),   \
	TRAIN_OPTION(args, in, "seed", 0, OPT_U64, seed, "N", "of order, dropout and new weights (0)", 0, 0),                    \
	TRAIN_OPTION(args, in, "db", 0, OPT_FILE, db, "FILE", "results database (OUT/run.db)", 0, 0),                            \
	TRAIN_OPTION(args, in, "checkpoint-minutes", 0, OPT_DOUBLE, checkpoint_minutes, "X", "between checkpoints (5)", 0, 0),   \
	TRAIN_OPTION(args, in, "memory", 0, OPT_INT, memory_mb, "MB", "budget of the trainer: batches are done in parts that fit", 1, 1 << 22), \
	TRAIN_OPTION(args, in, "bf16", 0, OPT_FLAG, bf16, NULL, "write models in bf16, half the size", 0, 0),                    \
	TRAIN_OPTION(args, in, "threads", 't', OPT_INT, threads, "N", "threads (one per processor)", 1, 1024),                   \
	TRAIN_OPTION(args, in, "kernels", 0, OPT_STRING, kernels, "NAME", "avx512, avx2 or portable (the fastest)", 0, 0),       \
	TRAIN_OPTION(args, in, "force", 'f', OPT_FLAG, force, NULL, "another run or a model in OUT gives way", 0, 0)
/* clang-format on */

struct train_point {
	int64_t step;
	char name[40];
	double value;
};

/* One run's voice. Rows are gathered and written every few seconds in one short transaction, and before a checkpoint. */
struct train_log {
	const struct train_args *args;
	const struct command *command; /* whose options are noted with the run, from the struct of arguments */
	const void *values;
	void *owner;          /* the command's own */
	struct store_run run; /* kind, task, data_sha filled by the command; key by the engine */
	int64_t tokens;       /* of all epochs, for the progress line */
	struct store *store;
	int64_t id;
	struct train_point *points;
	int count, capacity;
	int64_t flushed_ns, seen_tokens, every;
	struct progress progress;
	char note[400];
	struct buf options; /* JSON */
	char db_path[4096];
	char key[65], model_sha[65]; /* of the run, and of the weights it begins with */
};

/* Options that the engine's events hand to training_run; `epoch` is the command's. */
struct training_events train_log_events(struct train_log *l);
/* A line for the user between two states of the progress line. */
void train_log_say(struct train_log *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
int train_log_note(struct train_log *l, int64_t step, const char *name, double value, struct err *e);
/* Opens the trainer with as many rows as the batch has, or the budget allows, and says what memory it takes. */
int train_open(struct trainer **t, const struct train_args *a, struct trainer_options *o, int64_t batch_rows,
               int longest, struct err *e);
int train_check_args(const struct train_args *a, const char *command, struct err *e);
/* Runs, marks the run finished, says how it ended. */
int train_run(struct train_log *l, struct trainer *t, const struct example *examples, int count,
              struct training_plan *plan, struct training_events *events, struct training_result *out, struct err *e);
/* One line of JSON on standard output: the folder, the best epoch, its value of the metric, its speed if it has one. */
int train_print_result(const struct train_args *a, const struct training_result *r, const char *metric, double value,
                       struct err *e);
void train_log_close(struct train_log *l);

#endif
