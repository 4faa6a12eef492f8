/* Training on a labelled task: what finetune and adapt share. */
#ifndef ADAPLER_EVAL_TRAIN_TASK_H
#define ADAPLER_EVAL_TRAIN_TASK_H

#include "judge.h"
#include "task_data.h"
#include "train_log.h"

struct task_args {
	struct train_args train;
	const char *task, *data, *class_weights;
	int batch, bucket, limit;
};

/* clang-format off */
#define TASK_OPTIONS(args, epochs_, lr_)                                                                              \
	TRAIN_OPTIONS(args, task.train, epochs_, lr_),                                                                                 \
	{"task", 0, OPT_STRING, offsetof(args, task.task), "T", "sst2, imdb, ..., or file:PATH", 0, 0},                    \
	{"data", 0, OPT_DIR, offsetof(args, task.data), "DATA", "the data set's folder, or one above it", 0, 0},           \
	{"batch", 0, OPT_INT, offsetof(args, task.batch), "N", "texts of a step (32)", 1, 1 << 16},                        \
	{"bucket", 0, OPT_INT, offsetof(args, task.bucket), "N",                                                           \
	 "put texts of like length together within N batches (1: as they come)", 1, 1 << 16},                              \
	{"class-weights", 0, OPT_STRING, offsetof(args, task.class_weights), "LIST",                                       \
	 "weights of the classes' losses: a/b/..., or balanced", 0, 0},                                                    \
	{"limit", 0, OPT_INT, offsetof(args, task.limit), "N", "train on so many samples, drawn by seed 0", 1, 1 << 30}
/* clang-format on */

struct train_task {
	struct task_args *args;
	struct tokenizer *tokenizer;
	int max_length; /* of a text, in tokens */
	struct task_split train, dev;
	double *class_weights; /* [classes] or NULL */
	struct trainer_options options;
	struct trainer *trainer;
	struct train_log log;
	struct judgement judged; /* of the last epoch */
	const char *policy;      /* that dev is judged under */
};

int train_task_check_args(const struct task_args *a, const char *command, struct err *e);
/* Reads the data. */
int train_task_read(struct train_task *t, struct task_args *a, struct err *e);
/* Opens the trainer with t->options, labels and weights filled in. */
int train_task_open(struct train_task *t, struct err *e);
/* Judges dev, notes and says it. */
int train_task_judge(struct train_task *t, struct trainer *trainer, int epoch, int64_t step, struct err *e);
void train_task_close(struct train_task *t);

#endif
