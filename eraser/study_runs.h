/* A study's methods as runs of a store: each is claimed by one process, filled document by document, and finished with
 * what follows from its facts. One that was killed goes on at its next document. */
#ifndef ADAPLER_ERASER_STUDY_RUNS_H
#define ADAPLER_ERASER_STUDY_RUNS_H

#include "study.h"

#include "../eval/store.h"

/* A method's run. */
struct method_run {
	char key[65];
	int64_t id;
	int is_finished, done;        /* documents */
	struct rationale_facts facts; /* once they are all there */
};

struct study_runs {
	struct study *study;
	struct store *store;
	struct claims *claims; /* on the runs that are not finished */
	unsigned methods;
	struct method_run run[METHOD_COUNT];
};

/* Opens the database and finds or begins the runs. ERR_IO when another process is at one of them. */
int study_runs_open(struct study_runs *r, struct study *s, const char *db, struct err *e);
void study_runs_close(struct study_runs *r);
/* The first document that some run lacks; the study's count when none does. */
int study_runs_missing(const struct study_runs *r);
/* Documents first ... of the study, in one transaction; what is there stays. */
int study_runs_add(struct study_runs *r, const struct study_documents *x, int first, struct err *e);
/* Reads the facts of all runs, and finishes those that are not: all documents must be there. */
int study_runs_finish(struct study_runs *r, struct err *e);

#endif
