/* Runs a model over a data set under a policy and gathers the facts: predictions, costs, traces, times. */
#ifndef ADAPLER_EVAL_GATHER_H
#define ADAPLER_EVAL_GATHER_H

#include "encoded.h"
#include "facts.h"

struct gather_options {
	const char *policy; /* as policy_parse takes it */
	int batch;          /* texts; 0: 32 */
	int rows;           /* tokens of a batch at most, unless one text has more; 0: no limit */
	int threads;
	int turns;         /* > 0: dense and policy run so often, in turn, and both are timed; 0: the policy alone, once */
	int shard, shards; /* examples shard, shard + shards ...; shards 0: all */
	int with_scores;   /* of tokens; read in a pass of its own, which is not timed */
	const int *counts; /* [n,L] rows to keep, for a policy that replays them; of the examples gathered */
	/* After every batch, with the tokens that the engine has seen since the last call. Not 0 ends the run with that code. */
	int (*progress)(void *arg, int64_t tokens, struct err *e);
	void *progress_arg;
};

/* Whether a model of this config can run on `d`: not empty, the same classes in the same order, not too deep. */
int gather_check(const struct dataset *d, const struct config *c, struct err *e);

/* `data`: `d`, tokenized. Dense and policy take turns by blocks of batches, one first in one block and the other in the
 * next, so that whatever else the machine does meets both; each has run once before the clock starts. Batches are the
 * examples in order. What gather_check refuses is refused. */
int facts_gather(struct facts *f, const struct model *m, const struct dataset *d, const struct encoded *data,
                 const struct gather_options *o, struct err *e);

#endif
