/* What score.c adds up, and what score_write.c makes of it. */
#ifndef ADAPLER_ERASER_SCORE_PARTS_H
#define ADAPLER_ERASER_SCORE_PARTS_H

#include "score.h"

struct mean {
	double sum;
	long long n;
};

/* Precision and recall of sets, pooled, and by key. */
struct prf {
	long long common, predicted, truth;
	double p, r, f; /* sums over keys */
	long long keys;
};

struct iou_sums {
	double hits; /* pooled; hits of one key are whole numbers */
	double p, r; /* sums over keys with predictions; with truths */
};

struct confusion_row {
	const char *label;
	long long truth, predicted, both;
};

struct score {
	const struct annotations *truth;
	struct documents *documents;
	struct score_options options;
	int faults;

	/* By annotation: whether it has been predicted. By evidence document of it (key): whether that has. */
	unsigned char *is_predicted;
	int instances;

	/* What the instances have, and what the first one has. */
	struct {
		int hard, soft, sentences, classes, without, alone, thresholds;
	} any, first;
	double threshold[SCORE_THRESHOLDS_MAX]; /* those of the first instance with any, sorted */
	int thresholds;

	struct prf spans, tokens;
	struct iou_sums iou[SCORE_THRESHOLDS_MAX], bounded[SCORE_THRESHOLDS_MAX];
	long long predicted_spans, truth_spans, predicted_keys, truth_keys;
	struct mean auprc[2], average_precision[2], roc_auc[2]; /* of tokens, of sentences */
	struct mean without, alone, without_entropy, alone_entropy, without_kl, alone_kl;
	struct mean aopc_without[SCORE_THRESHOLDS_MAX], aopc_alone[SCORE_THRESHOLDS_MAX];
	struct confusion_row *label;
	int labels;
	long long right, classified;

	/* Scratch that grows. */
	int (*predicted_span)[2], (*truth_span)[2];
	int predicted_capacity, truth_capacity;
	unsigned char *marked;
	size_t marked_capacity;
	int *match;
	int match_capacity;
};

/* As the benchmark has it: 0 when either is 0. */
static inline double score_f1(double p, double r) { return p == 0 || r == 0 ? 0 : 2 * p * r / (p + r); }

/* score.c: counts what was never predicted, once all instances are in. */
int score_end(struct score *s, struct err *e);

#endif
