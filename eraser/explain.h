/* Explainers: a score for every document token, by how much a method says it matters.
 *
 * Methods look at one of two models. The contribution predictors belong to the adapted model under its policy; everything
 * else explains the dense arm: by default the same weights with nothing dropped, or the fine-tuned model beside it.
 * Documents are read window by window; a document's logits are the mean of its windows', weighted by their pieces, and
 * its predicted class is what gradients and omissions are taken of. Scores that are shares of a window's rows (predictors,
 * attention, rollout) are multiplied by the number of those rows, so that windows can be put side by side. */
#ifndef ADAPLER_ERASER_EXPLAIN_H
#define ADAPLER_ERASER_EXPLAIN_H

#include "inputs.h"
#include "instances.h"

enum explain_arm { EXPLAIN_ADAPTED, EXPLAIN_DENSE, EXPLAIN_ARMS };

/*     enum             name                arm              by layer  what it is */
#define METHODS(X)                                                                                                  \
	X(CP, "cp", EXPLAIN_ADAPTED, 1, "contribution predictor of each layer, on the rows alive then")                 \
	X(KEPT, "kept", EXPLAIN_ADAPTED, 0, "the layer before which the token was dropped")                             \
	X(ATTENTION, "attention", EXPLAIN_DENSE, 1, "attention received, mean over heads and queries")                  \
	X(ATTENTION_CLS, "attention-cls", EXPLAIN_DENSE, 1, "attention from [CLS], mean over heads")                    \
	X(ROLLOUT, "rollout", EXPLAIN_DENSE, 1, "attention rollout to [CLS] (Abnar and Zuidema 2020)")                  \
	X(SALIENCY, "saliency", EXPLAIN_DENSE, 0, "norm of gradient times embedding")                                   \
	X(GRADIENT_INPUT, "gradient-input", EXPLAIN_DENSE, 0, "signed gradient times embedding")                        \
	X(INTEGRATED, "integrated", EXPLAIN_DENSE, 0, "integrated gradients (Sundararajan et al. 2017)")                \
	X(LEAVE_ONE_OUT, "leave-one-out", EXPLAIN_DENSE, 0, "what the predicted class's logit loses without the token") \
	X(RANDOM, "random", EXPLAIN_DENSE, 0, "a number drawn by seed, instance and token")

#define METHOD_ENUM(id, ...) METHOD_##id,
enum method { METHODS(METHOD_ENUM) METHOD_COUNT };

struct method_row {
	const char *name;
	enum explain_arm arm;
	int by_layer; /* a score for every layer, else one */
	const char *summary;
};
extern const struct method_row method_table[METHOD_COUNT];
/* "cp,attention" -> bits; "all". ERR_USAGE with a suggestion. */
int methods_parse(unsigned *methods, const char *text, struct err *e);

#define EXPLAIN_BASELINES "pad|mask|zero"
enum explain_baseline { BASELINE_PAD, BASELINE_MASK, BASELINE_ZERO };

enum { EXPLAIN_STEPS = 32 };

struct explain_options {
	const char *model, *policy; /* the adapted arm; policy NULL: adapler where there are predictors, else none */
	const char *dense;          /* NULL: the same weights */
	const char *dense_policy;   /* NULL: none */
	unsigned methods;           /* bits 1 << METHOD_... */
	enum aggregation aggregation;
	int steps; /* of integrated gradients; 0: EXPLAIN_STEPS */
	enum explain_baseline baseline;
	int threads, rows; /* rows: tokens of a batch; 0: 4096 */
	uint64_t seed;
};

struct explanation {
	int tokens, L, C;
	float *logits[EXPLAIN_ARMS]; /* [C] */
	int pred[EXPLAIN_ARMS];
	float *score[METHOD_COUNT]; /* [L or 1, tokens]; NaN: not scored (no piece; dead by then). NULL: not asked for */
	double completeness[2];     /* of integrated gradients: what they sum up to, and what they should. NaN without */
};

struct explainer;

int explainer_open(struct explainer **x, const struct explain_options *o, struct err *e);
void explainer_close(struct explainer *x);
const struct model *explainer_model(const struct explainer *x, enum explain_arm arm);
/* Of the arm, as policy_parse spelled it. */
const struct policy *explainer_policy(const struct explainer *x, enum explain_arm arm);
/* For predictions of the caller's own by the arm's model, under its policy. */
struct runner *explainer_runner(struct explainer *x, enum explain_arm arm);

/* Explains instances together. out [count], each to be closed. */
int explainer_run(struct explainer *x, const struct instance *in, int count, struct explanation *out, struct err *e);
void explanation_close(struct explanation *x);

/* The mean of the windows' logits [windows,C], by their pieces (one each where there are none). */
void explain_document_logits(float *out /* [C] */, const struct windows *w, const float *logits, int C);
int explain_best(const float *logits, int C);

#endif
