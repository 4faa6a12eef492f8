/* How good a model is on a labelled data set under a policy, and what it costs. */
#ifndef ADAPLER_EVAL_JUDGE_H
#define ADAPLER_EVAL_JUDGE_H

#include "encoded.h"
#include "facts.h"

struct judgement {
	int n, L;
	double score;                  /* the task's main metric */
	double loss;                   /* mean log loss; of a regression the mean squared error */
	double flops_speedup;          /* sum of dense FLOPs / sum of FLOPs (never a mean of ratios) */
	double seconds;                /* of the model's runs alone */
	double kept[FACTS_LAYERS_MAX]; /* share of all tokens that layer l attends to */
};

struct judge_options {
	const char *policy; /* as policy_parse takes it */
	int batch;          /* texts; 0: 32 */
	int rows;           /* tokens of a batch at most, unless one text has more; 0: no limit */
	int threads;
};

/* Whether a model of this config can be judged on `d`: labelled throughout, and what gather_check asks for. */
int judge_check(const struct dataset *d, const struct config *c, struct err *e);

/* `data`: `d`, tokenized. What judge_check refuses is refused. */
int judge(struct judgement *out, const struct model *m, const struct dataset *d, const struct encoded *data,
          const struct judge_options *o, struct err *e);

#endif
