/* Facts made by hand, for tests of what is computed from them. */
#ifndef ADAPLER_SMALL_FACTS_H
#define ADAPLER_SMALL_FACTS_H

#include "../eval/facts.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { SMALL_BATCH = 2 };

/* Room for n examples without tokens or FLOPs, and for `turns` of both arms. names: of metrics, then NULL. */
static inline struct facts small_facts_blank(int n, int classes, const char *const *names, const char *policy,
                                             int turns)
{
	struct err e = {0};
	struct facts f = {.classes = classes, .batch = SMALL_BATCH};
	f.shape = (struct config){.L = 2, .H = 4, .A = 2, .D = 2, .F = 6, .V = 10, .P = 16, .K = 3, .types = 2};
	f.shape.C = classes ? classes : 1;
	CHECK_OK(policy_parse(&f.policy, policy, &e), &e);
	for (int m = 0; names[m]; m++)
		CHECK((f.metrics[m] = metric_find(names[m], &e)) != NULL);
	f.turns[ARM_POLICY] = turns;
	f.turns[ARM_DENSE] = policy_drops(&f.policy) ? turns : 0;
	CHECK_OK(facts_open(&f, n, 0, 0, &e), &e);
	for (int i = 0; i < n; i++) {
		f.gold[i] = -1;
		f.target[i] = NAN;
	}
	return f;
}

/* Example i is predicted as `class`, at these odds against each other class. */
static inline void small_facts_predict(struct facts *f, int i, int class, double odds)
{
	float *z = f->logits + (size_t)i * (size_t)f->outputs;
	memset(z, 0, (size_t)f->outputs * sizeof *z);
	z[class] = (float)log(odds);
	f->pred[i] = class;
}

static inline void small_facts_value(struct facts *f, int i, double target, double predicted)
{
	f->target[i] = target;
	f->logits[i] = (float)predicted;
}

/* Nanoseconds of an arm: [turns,batches] seconds. */
static inline void small_facts_times(struct facts *f, enum facts_arm arm, const double *seconds)
{
	for (int i = 0; i < f->turns[arm] * f->batches; i++)
		f->ns[arm][i] = (int64_t)(seconds[i] * 1e9);
}

#endif
