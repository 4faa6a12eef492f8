/* What the commands on labelled data sets share: a task's splits, tokenized by a model's vocabulary. */
#ifndef ADAPLER_EVAL_TASK_DATA_H
#define ADAPLER_EVAL_TASK_DATA_H

#include "../engine/base/opt.h"
#include "encoded.h"

/* The rows for a table of options; task_ and data_ are where the names lie in the struct of arguments. */
/* clang-format off */
#define DATA_OPTIONS(args, task_, data_)                                                                    \
	{"task", 0, OPT_STRING, offsetof(args, task_), "T", "sst2, imdb, ..., or file:PATH", 0, 0},             \
	{"data", 0, OPT_DIR, offsetof(args, data_), "DATA", "the data set's folder, or one above it", 0, 0}
/* clang-format on */

struct task_split {
	struct dataset rows;
	struct encoded texts;
	char sha[65]; /* of the texts and labels */
	char token_sha[65];
};

/* `limit`: so many samples, 0: all. Says how many there are, what was cut, and how the split differs from the published
 * one. */
int task_split_open(struct task_split *s, const char *task, const char *data, enum split split, int limit,
                    const struct tokenizer *t, int max_length, struct err *e);
void task_split_close(struct task_split *s);

/* Every sample has a label, and every class a sample. */
int task_split_check_labels(const struct task_split *s, struct err *e);

#endif
