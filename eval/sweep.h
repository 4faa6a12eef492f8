/* A sweep: the cells of one or more grids, as a specification in JSON spells them.
 *
 * A grid is an object; every field is a value or a list of values, and the cells are all combinations. Numbers may be
 * ranges, "0.1:1.0:0.1" (end included), also within a policy's argument, where "a|b" is a list too:
 * "attention:keep=0.2:0.8:0.2", "random:keep=0.3|0.5". Texts may name {task}, {seed}, {phi} and {gamma}: the fields of
 * that name then make a family of models. With "grids": [...] the fields beside it are common to all.
 *
 * Cells stand in the order of the fields below, the last varying fastest, so that those of one model follow each other.
 * A seed, phi or gamma that makes no difference to a cell (no template names it, the policy is not random) does not
 * multiply it. Cells that are the same are there once. */
#ifndef ADAPLER_EVAL_SWEEP_H
#define ADAPLER_EVAL_SWEEP_H

#include "cell.h"
#include "texts.h"

/* name, what it is */
#define SWEEP_FIELDS(X)                                                        \
	X(task, TEXT, "task")                                                      \
	X(data, TEXT, "the data set's folder, or one above it")                    \
	X(split, TEXT, "train, dev or test (dev)")                                 \
	X(max_length, NUMBER, "longest text in tokens (the model's)")              \
	X(limit, NUMBER, "so many samples (all)")                                  \
	X(gamma, TEXT, "for {gamma}")                                              \
	X(phi, TEXT, "for {phi}")                                                  \
	X(seed, NUMBER, "for {seed}, and a random policy's (0)")                   \
	X(model, TEXT, "the model's folder")                                       \
	X(counts_model, TEXT, "where a replay's counts come from (model)")         \
	X(counts, TEXT, "and under which policy")                                  \
	X(kernels, TEXT, "avx512, avx2, portable, openblas (the fastest)")         \
	X(precision, TEXT, "f32")                                                  \
	X(threads, NUMBER, "threads (one per processor)")                          \
	X(policy, POLICY, "what is dropped (none)")                                \
	X(batch, NUMBER, "texts at a time (32)")                                   \
	X(runs, NUMBER, "times that dense and policy run in turn; 0: untimed (1)") \
	X(token_scores, NUMBER, "1: a score a token is stored (0)")

struct sweep {
	struct cell *cells;
	int count, capacity;
	struct texts texts;
};

/* `name`: of the specification, for errors, which name grid and field. */
int sweep_parse(struct sweep *s, const char *json, size_t size, const char *name, struct err *e);
int sweep_read(struct sweep *s, const char *path, struct err *e);
void sweep_free(struct sweep *s);

#endif
