/* One cell of a sweep: a model on a split of a task under a policy, at a batch size and a number of threads. It becomes one
 * run of the store, in one transaction: its facts and what is derived from them.
 *
 * A cell's key hashes all that determines its facts: the weights and the configuration, the samples and what the
 * vocabulary made of them, every setting below that is not a note, the kernels, and the engine's sources. */
#ifndef ADAPLER_EVAL_CELL_H
#define ADAPLER_EVAL_CELL_H

#include "facts.h"
#include "store.h"
#include "task_data.h"

struct cell {
	const char *model, *task, *data, *policy;
	enum split split;
	int max_length;      /* 0: the model's positions */
	int limit;           /* samples, drawn by seed 0; 0: all */
	int batch, threads;  /* threads 0: one per processor */
	int turns;           /* dense and policy in turn, timed; 0: the policy once */
	int with_scores;     /* a score a token is stored too */
	int shard, shards;   /* examples shard, shard + shards ...; shards 0: all */
	uint64_t seed;       /* of the training; and of a random policy that gives none itself */
	const char *kernels; /* NULL: the fastest */
	const char *precision;
	/* A policy that replays counts takes them from this one, run on `counts_model` (NULL: the same model). */
	const char *counts, *counts_model;
	/* Notes for reports, not in the key: what the model is one of, and how it was trained. */
	const char *family, *phi, *gamma;
	int jobs; /* that ran beside each other */
};

/* "2/4": the second of four. */
int cell_parse_shard(struct cell *c, const char *text, struct err *e);

/* What stays open from cell to cell: cells that follow each other with the same model and data load them once. */
struct workbench {
	char *model_path, *counts_path, *data_name;
	struct model *model, *counts_model;
	struct tokenizer *tokenizer;
	struct config config;
	char model_sha[65], counts_sha[65];
	struct task_split split;
};

void workbench_close(struct workbench *w);

/* Loads data and hashes weights, but opens no model. Settings that cannot be (policy, kernels, precision, lengths) are
 * ERR_USAGE. */
int cell_key(struct workbench *w, const struct cell *c, char key[65], struct err *e);
/* Tokens that the engine will see, dense and pruned, once cell_key has loaded the cell. */
int64_t cell_tokens(const struct workbench *w, const struct cell *c);
/* Dense FLOPs of as much. */
double cell_flops(const struct workbench *w, const struct cell *c);

/* Runs a cell that cell_key has just loaded. */
int cell_run(struct workbench *w, const struct cell *c, struct facts *f,
             int (*progress)(void *arg, int64_t tokens, struct err *e), void *arg, struct err *e);
/* Facts and metrics as a finished run, in one transaction. *id: its number. A run of this key that is there stays. */
int cell_write(struct store *s, const struct workbench *w, const struct cell *c, const char *key, const struct facts *f,
               int64_t *id, struct err *e);

#endif
