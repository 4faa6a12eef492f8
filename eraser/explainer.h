/* What the files of the explainers share. Only explain*.c include it. */
#ifndef ADAPLER_ERASER_EXPLAINER_H
#define ADAPLER_ERASER_EXPLAINER_H

#include "explain.h"

struct explainer {
	struct explain_options options;
	struct model *owned[EXPLAIN_ARMS];
	const struct model *model[EXPLAIN_ARMS];
	struct runner runner[EXPLAIN_ARMS]; /* that watches what the methods want to see */
	struct runner plain[EXPLAIN_ARMS];  /* for predictions alone: it need not compute what nobody looks at */
	struct trainer *trainer;            /* of the dense arm; NULL until gradients are wanted */
	int baseline_id;                    /* what integrated gradients begin from; -1: zeros */

	/* The instances in hand. */
	const struct instance *in;
	struct explanation *out;
	int count;
	int windows; /* of all of them in turn */
	struct place {
		int instance, window;
	} * place;                   /* [windows] */
	float *logits;               /* [windows,C] of the arm that ran last */
	float **piece[METHOD_COUNT]; /* [count] -> [layers,pieces], for methods that score pieces */
	struct inputs inputs;
	int place_capacity;
};

static inline int explain_wants(const struct explainer *x, unsigned methods)
{
	return (x->options.methods & methods) != 0;
}

#define METHOD_BIT(id) (1u << METHOD_##id)

/* Passes over the windows of all instances in hand; each adds what it knows to x->piece or x->out. */
int explain_look(struct explainer *x, enum explain_arm arm, struct err *e); /* predictions, predictors, attention */
int explain_differentiate(struct explainer *x, struct err *e);              /* saliency, signed, integrated */
int explain_leave_out(struct explainer *x, struct err *e);
int explain_open_trainer(struct explainer *x, struct err *e);

#endif
