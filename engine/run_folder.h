/* The folder of a training run: who may write in it, and the state from which the run goes on. */
#ifndef ADAPLER_RUN_FOLDER_H
#define ADAPLER_RUN_FOLDER_H

#include "trainer.h"

enum { EPOCHS_MAX = 1000 };

struct run_folder {
	char path[4000];
	int lock; /* descriptor of the locked file; -1: none */
};

/* Makes the folder and locks it; ERR_USAGE when another process trains in it, or when it holds a model without a run, which
 * only with start_over may give way. */
int run_folder_open(struct run_folder *f, const char *path, int start_over, struct err *e);
void run_folder_close(struct run_folder *f);
/* Removes what killed runs had begun to write. */
void run_folder_sweep(const struct run_folder *f);
/* Removes the state, the epochs and the model in it, and nothing else. */
int run_folder_clear(const struct run_folder *f, struct err *e);

/* What goes with weights and moments into the state. */
struct run_state {
	char key[65];                  /* of the run; hexadecimal */
	int64_t epoch;                 /* in hand */
	int64_t batch;                 /* of the epoch, the next to do */
	int64_t step;                  /* done so far */
	int64_t ended;                 /* the run is complete */
	int64_t scored;                /* epochs with a score */
	int epochs;                    /* of the run */
	struct training_score *scores; /* [epochs] the caller's */
};

int run_state_write(const struct run_folder *f, const struct trainer *t, const struct run_state *s, struct err *e);
/* *found: a state is there. One of another run (another key) is ERR_USAGE, a broken one ERR_FORMAT; s and t are then as
 * they were. */
int run_state_read(const struct run_folder *f, struct trainer *t, struct run_state *s, int *found, struct err *e);

/* OUT/epoch-N: written whole or not there. */
int run_folder_keep(const struct run_folder *f, const struct trainer *t, int epoch, const char *dtype,
                    const char *tokenizer, struct err *e);
void run_folder_forget(const struct run_folder *f, int epoch);

#endif
