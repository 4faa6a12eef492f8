/* Predictions in the form that the benchmark's scorer reads: a JSON object a line. */
#ifndef ADAPLER_ERASER_PREDICTION_H
#define ADAPLER_ERASER_PREDICTION_H

#include "../eval/rationale.h"

#include "../engine/base/buf.h"

struct prediction {
	const char *annotation;
	int count;                                        /* documents of the annotation */
	const char *const *docid;                         /* [count] */
	const struct rationale_document *const *document; /* [count] */
	const struct rationale_facts *facts;
	int layer;                    /* of the scores; 0 for a method without layers */
	enum rationale_budget budget; /* of the hard selection; BUDGET_COUNT: none */
	int budget_layer;             /* of the adapted model, for replay */
	char (*labels)[LABEL_SIZE];   /* [classes] */
};

/* Adds one line. Soft scores are the method's; a token without one gets the least of the document, 0 where there is none
 * at all. The class is that of the mean logits over the documents. Perturbed probabilities come with an annotation of one
 * document where they were measured. */
int prediction_add(struct buf *out, const struct prediction *p, struct err *e);

#endif
