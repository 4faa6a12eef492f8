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

/* A linear map and the matrices [N,K] that lie side by side in it. */
struct map_source {
	struct linear *map;
	int K, N, count;
	const float *w[2], *bias[2];
};

enum { MAPS_PER_LAYER = 6, MAPS_OF_MODEL = 2 };

/* Every map of the model in order, those whose weights are absent left out; at most L * MAPS_PER_LAYER + MAPS_OF_MODEL.
 * Returns how many. */
int model_list_maps(struct model *m, struct map_source *out);
/* Packs a map from its matrices as they are now. */
void map_fill(const struct map_source *s);

size_t model_packed_bytes(const struct model *m);

/* A model of this shape with random weights, for measuring time. Takes the config over. */
int model_open_random(struct model **m, const struct config *c, const struct model_options *options, struct err *e);
/* A model on weights that the caller owns and may change: map_fill brings the packed matrices up to date. The layers'
 * array and the labels are taken over; the head may be absent. */
int model_open_view(struct model **m, const struct config *c, const struct weights *w, const struct kernels *kernels,
                    struct err *e);

#endif
