/* The tables behind struct policy: scorers say how much a row matters, selectors turn scores into keep or drop.
 *
 * A new policy is one row in policy.c, with a new scorer or selector only when none fits. The engine, not the policy,
 * keeps the invariants: row 0 ([CLS]) lives, order holds, the dead stay dead. */
#ifndef ADAPLER_POLICY_H
#define ADAPLER_POLICY_H

#include "base/buf.h"
#include "engine.h"

struct session;

enum need {
	NEED_PREDICTORS = 1, /* the model has contribution predictors */
	NEED_GIVEN = 2,      /* the batch brings scores */
	NEED_ATTENTION = 4,  /* attention of every row is summed up by key */
	NEED_COUNTS = 8,     /* the batch brings counts */
};

/* Writes the score of every live row, sequence after sequence, to score [T]. Returns 0 when there is none at this
 * layer yet (attention before layer 0): nothing is dropped then. */
typedef int score_rows(struct session *s, int layer, float *score);

struct scorer {
	const char *name;
	unsigned needs;
	score_rows *run; /* NULL: the policy never drops */
};

/* What a selector sees of one sequence. */
struct selection {
	const struct policy *policy;
	const float *score; /* [n] */
	int n;              /* rows alive, [CLS] included */
	int n0;             /* rows at the start */
	int layer;
	double eta;     /* the model's threshold at this layer; NAN without predictors */
	int count;      /* replay: rows to keep */
	float *scratch; /* [n] */
};

typedef void select_rows(const struct selection *in, unsigned char *keep /* [n] */);

struct selector {
	const char *name; /* as an argument: "keep=0.5" */
	unsigned needs;
	double low, high; /* range of its values */
	const char *help;
	select_rows *run;
};

unsigned policy_needs(const struct policy *p);
/* Whether the policy scores rows by the attention of the very layer in which it then drops them. */
int policy_sees_all_queries(const struct policy *p, int layer);
/* The selector's argument at a layer: the last one given holds for the layers that remain; `otherwise` when none was. */
double policy_value(const struct policy *p, int layer, double otherwise);
/* The table of policies and their arguments, for `--policy help`. */
void policy_describe(struct buf *out);

score_rows score_predictor, score_received, score_from_cls, score_given, score_random;

#endif
