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
	DATA_OPTIONS(args, task.task, task.data),                                                                          \
	{"batch", 0, OPT_INT, offsetof(args, task.batch), "N", "texts of a step (32)", 1, 1 << 16},                        \
	{"bucket", 0, OPT_INT, offsetof(args, task.bucket), "N",                                                           \
	 "put texts of like length together within N batches (1: as they come)", 1, 1 << 16},                              \
	{"class-weights", 0, OPT_STRING, offsetof(args, task.class_weights), "LIST",                                       \
	 "weights of the classes' losses: a/b/..., or balanced", 0, 0},                                                    \
	{"limit", 0, OPT_INT, offsetof(args, task.limit), "N", "train on so many samples, drawn by seed 0", 1, 1 << 30}
/* clang-format on */

struct train_task {
	const char *kind;         /* finetune, adapt */
	const char *policy;       /* that dev is judged under */
	const char *saliency_sha; /* of what is learnt from besides the labels; NULL: nothing */
	struct task_args *args;
	struct tokenizer *tokenizer;
	int max_length; /* of a text, in tokens */
	struct task_split train, dev;
	double *class_weights; /* [classes] or NULL */
	struct trainer_options options;
	struct trainer *trainer;
	struct train_log log;
	char identity[1000];     /* of the run: what it learns from */
	struct judgement judged; /* of the last epoch */
};

int train_task_check_args(const struct task_args *a, const char *command, struct err *e);
/* Reads the data. */
int train_task_read(struct train_task *t, struct task_args *a, struct err *e);
/* Opens the trainer with t->options, labels and weights filled in, and checks that dev can be judged. */
int train_task_open(struct train_task *t, struct err *e);
/* Runs the plan, of which data and batches are filled in; dev is judged after each epoch, noted and said. Prints the
 * result. */
int train_task_run(struct train_task *t, struct training_plan *plan, struct training_result *out, struct err *e);
void train_task_close(struct train_task *t);

#endif
