/* A method's scores of the tokens of documents, beside what people marked there: the facts of one run of kind rationale,
 * and the metrics that follow from them.
 *
 * A selection is the k tokens with the highest scores, ties to the earlier. Three budgets say what k is:
 *   replay  by window and layer of the adapted model, as many as it kept there itself: all methods keep equally many
 *   human   by document, as many as people marked
 *   mean    by document, the data set's mean share of marked tokens, rounded up
 * Where a token has no score at a layer it had been dropped before: it ranks below all that have one, and the longer it
 * lived, the higher. Only documents with a rationale are compared with it. */
#ifndef ADAPLER_EVAL_RATIONALE_H
#define ADAPLER_EVAL_RATIONALE_H

#include "derive.h"

enum { RATIONALE_THRESHOLDS_MAX = 16 };

struct rationale_document {
	int tokens;
	int gold, pred; /* classes; gold -1: unknown */
	float *logits;  /* [classes] of the model that the method explains */
	int spans;
	int (*span)[2]; /* [spans] what people marked, [start, end); may overlap */
	int windows;
	int *window;  /* [windows+1] first token of each; the last is `tokens` */
	int *budget;  /* [windows,L] tokens that the adapted model kept for layer l */
	float *score; /* [layers,tokens]; NaN: none */
	double *removed,
		*alone; /* [layers,thresholds] probability of `pred` without the tokens on top, and with them alone;
	                          * NULL: not measured */
};

struct rationale_facts {
	int classes, L; /* L: of the adapted model, whose budgets are replayed */
	int layers;     /* of the scores: L's own number, or 1 for a method that has no layers */
	int thresholds; /* 0: nothing was perturbed */
	double
		threshold[RATIONALE_THRESHOLDS_MAX]; /* share of the tokens that is on top; 0: the mean share of rationales */
	double mean_share;                       /* of marked tokens, over documents that have any */
	int n;
	struct rationale_document *document; /* [n] */
};

void rationale_close(struct rationale_facts *f);
/* The mean share, from the documents' spans. */
double rationale_mean_share(const struct rationale_facts *f);

/* Softmax of one class. */
double rationale_probability(const float *logits, int classes, int class);

/* Tokens by rank at a layer: order[0] is the first that is selected. scores [layers,tokens]. ERR_MEMORY. */
int rationale_order(int *order, const float *scores, int layer, int tokens, struct err *e);

enum rationale_budget { BUDGET_REPLAY, BUDGET_HUMAN, BUDGET_MEAN, BUDGET_COUNT };
extern const char *const rationale_budgets[BUDGET_COUNT]; /* "replay" ... */
/* keep [tokens]: what is selected of document d at `layer` of the adapted model. `order`: rationale_order's. */
void rationale_select(unsigned char *keep, const struct rationale_facts *f, const struct rationale_document *d,
                      const int *order, int layer, enum rationale_budget budget);

/* What a selection has to do with what people marked. */
struct agreement {
	int tp, fp, fn, tn; /* tokens */
	int spans, truths, hits,
		hits_one_to_one; /* runs of selected tokens; marked spans; overlaps (IoU) of a half or more:
	                                           * of any selected run with any span, and matched one to one */
};
int rationale_agreement(struct agreement *out, const struct rationale_document *d, const unsigned char *keep,
                        struct err *e);

/* Visits, for every layer of the adapted model ("layer-0" ...; of human and mean budgets, and what follows, a method
 * without layers has none of them):
 *   "fpr/replay/layer-0"  FP / (FP + TN), pooled; "fpr-macro/..." its mean over documents. So are
 *   fdr FP / (FP + TP), recall TP / (TP + FN), f1 of tokens; "iou/..." IOU F1 as ERASER's scorer has it (may pass 1),
 *   "iou-bounded/..." with spans matched one to one
 *   "average-precision/layer-0", "auprc/layer-0"  mean over documents
 *   "comprehensiveness/...", "sufficiency/..." at the mean share, and with "-aopc" their mean over the other thresholds
 * and "documents", "rationales" (documents with one), "kept/layer-0" (share of tokens), "accuracy".
 * Intervals: percentile bootstrap over documents. */
int rationale_derive(const struct rationale_facts *f, derived_metric *visit, void *arg, struct err *e);

/* By document with a rationale, in order: a rate at a budget and layer, for paired tests. Returns how many. */
enum rationale_rate { RATE_FPR, RATE_FDR, RATE_RECALL, RATE_F1, RATE_COUNT };
extern const char *const rationale_rates[RATE_COUNT];
int rationale_rates_of(double *rate /* [n] */, int *count, const struct rationale_facts *f, enum rationale_rate which,
                       enum rationale_budget budget, int layer, struct err *e);

/* How a rate of f differs from that of g on the same documents: mean of the differences by document, and its sign-flip test
 * (10,000 draws). NaN where there is nothing to compare. ERR_MISMATCH: not as many documents. */
int rationale_difference(double *difference, double *p, const struct rationale_facts *f,
                         const struct rationale_facts *g, enum rationale_rate rate, enum rationale_budget budget,
                         int layer, struct err *e);

#endif
