/* A model ready to run: the checkpoint's tensors, and the matrices packed for the kernels. */
#ifndef ADAPLER_MODEL_H
#define ADAPLER_MODEL_H

#include "base/arena.h"
#include "kernels.h"
#include "weights.h"

/* Queries stand alone, so that the last layer can compute them for row 0 only; keys and values are one product. */
struct layer_maps {
	struct linear query, key_value, attention, ffn_in, ffn_out;
	struct linear predictor; /* the contribution predictor's first product; K == 0 without one */
};

struct model {
	struct config config;
	struct weights weights;
	const struct kernels *kernels;
	struct layer_maps *maps; /* [L] */
	struct linear pooler, classifier;
	struct arena block; /* packed matrices */
	float *random;      /* model_open_random's values, else NULL */
};

/* A model of this shape with random weights, for measuring time. Takes the config over. */
int model_open_random(struct model **m, const struct config *c, const struct model_options *options, struct err *e);

#endif
