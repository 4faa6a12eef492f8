/* The ERASER benchmark's scores (DeYoung et al. 2020), with the numbers of its own scorer.
 *
 * A key is an annotation and a document. Instances go in one by one and are forgotten: memory is that of one document
 * and the table of keys. What the benchmark's scorer passes over in silence is a fault: told as FILE:LINE:FIELD. */
#ifndef ADAPLER_ERASER_SCORE_H
#define ADAPLER_ERASER_SCORE_H

#include "annotations.h"
#include "documents.h"
#include "predictions.h"

#include "../engine/base/buf.h"

enum score_mode {
	SCORE_DEFAULT, /* stops where the benchmark's scorer stops, and where it would crash */
	SCORE_COMPAT,  /* with its silences: what the first instance lacks is not scored, NaN is a number */
	SCORE_STRICT,  /* tells every fault, and then gives no scores */
};

enum { SCORE_THRESHOLDS_MAX = 32 };

struct score_options {
	enum score_mode mode;
	int bounded; /* also IOU F1 with spans matched one to one, as "iou_scores_bounded" */
	double iou[SCORE_THRESHOLDS_MAX];
	int ious;
	double aopc[SCORE_THRESHOLDS_MAX];
	int aopcs;
	/* SCORE_STRICT: is told every fault. */
	void (*fault)(void *arg, const char *text);
	void *arg;
};

struct score;

/* Borrows all three for as long as it lives. */
int score_open(struct score **s, const struct annotations *truth, struct documents *documents,
               const struct score_options *o, struct err *e);
void score_close(struct score *s);
/* `path`: of the predictions, for errors. */
int score_add(struct score *s, const struct predicted *x, const char *path, struct err *e);
int score_faults(const struct score *s);
/* All scores as the benchmark writes them: JSON, indented by 4, keys sorted; what is not defined is null. */
int score_write(struct score *s, struct buf *json, struct err *e);

#endif
