/* A model's parameters that may be written: weights in training, their gradients, the optimiser's moments. One block of
 * floats, the same layout for all of them, expanded from weights.def; a field is NULL when its group is left out. Every
 * tensor begins on 64 bytes; the gaps stay 0. */
#ifndef ADAPLER_PARAMETERS_H
#define ADAPLER_PARAMETERS_H

#include "base/arena.h"
#include "weights.h"

struct layer_parameters {
#define LAYER_TENSOR(field, bert, distil, rows, columns, group) float *field;
#include "weights.def"
};

struct parameters {
#define MODEL_TENSOR(field, bert, distil, rows, columns, group) float *field;
#include "weights.def"
	struct layer_parameters *layer; /* [L] */
	float *values;                  /* all of them */
	size_t count;                   /* floats, gaps included */
};

/* Run twice, measuring and placing: see base/arena.h. `groups`: bits of enum weight_group. */
void parameters_place(struct parameters *p, const struct config *c, unsigned groups, struct arena *a);

/* The same tensors as read-only weights; `layer` [L] is the caller's. */
void parameters_view(struct weights *w, struct layer_weights *layer, const struct parameters *p,
                     const struct config *c);

#endif
