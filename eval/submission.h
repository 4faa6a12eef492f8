/* Predictions in the form that GLUE's server takes: a file NAME.tsv for each task. */
#ifndef ADAPLER_EVAL_SUBMISSION_H
#define ADAPLER_EVAL_SUBMISSION_H

#include "datasets.h"
#include "facts.h"

/* ERR_USAGE unless the task is one of GLUE's: before anything is run. */
int submission_check(const struct task *t, struct err *e);
/* Writes `path`, or the task's own name in it where it is a folder. The facts must be of every sample of the split. */
int submission_write(const char *path, const struct dataset *d, const struct facts *f, struct err *e);

#endif
