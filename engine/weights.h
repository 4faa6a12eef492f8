/* A model's parameters as one struct of float views, expanded from weights.def. */
#ifndef ADAPLER_WEIGHTS_H
#define ADAPLER_WEIGHTS_H

#include "checkpoint.h"
#include "engine.h"

/* Every field points at rows x columns floats (row-major), or is NULL when the tensor is optional and absent. F32
 * tensors that are aligned are views of the mapped file; others are converted into memory that weights_close frees. */
struct layer_weights {
#define LAYER_TENSOR(field, bert, distil, rows, columns, group) const float *field;
#include "weights.def"
};

struct weights {
#define MODEL_TENSOR(field, bert, distil, rows, columns, group) const float *field;
#include "weights.def"
	struct layer_weights *layer; /* [L] */
	struct checkpoint *checkpoint;
	void *owned;
};

/* Groups a tensor belongs to: which must be there depends on what the model is opened for. */
enum weight_group {
	GROUP_EMBEDDINGS,
	GROUP_TYPES, /* the token type table: BERT only */
	GROUP_ENCODER,
	GROUP_HEAD,       /* pooler (BERT) or pre_classifier (DistilBERT), and classifier */
	GROUP_MLM,        /* masked language modelling: what stands before the decoder, which is the word embedding */
	GROUP_PREDICTORS, /* contribution predictors, eta: only when the config or the checkpoint has them */
};

/* What a classifier has: everything but the head that it was pre-trained with. */
#define GROUPS_CLASSIFIER (~(1u << GROUP_MLM))

/* Opens the checkpoint of `dir` and binds every tensor of the list, under any of the accepted names. Checks shapes
 * against the config, and every value to be finite. `groups`: a bit (1 << GROUP_x) for each group that must be there.
 * Sets c->K from the checkpoint when the config does not say. Tensors of other heads are left alone; a tensor that looks
 * like one of ours but is not in the list (a layer too many, say) is an error. */
int weights_open(struct weights *w, struct config *c, const char *dir, unsigned groups, struct err *e);
/* The same from a checkpoint at hand, which `w` takes over (it is closed on error). */
int weights_bind(struct weights *w, struct config *c, struct checkpoint *file, unsigned groups, struct err *e);
/* The tensor of a file under any of the names accepted for `name` of the list; NULL: absent. */
const struct tensor *weights_find(const struct checkpoint *file, const char *name);
void weights_close(struct weights *w);

/* The canonical list, for saving, converting, initialising and counting: calls `visit` for every tensor of the groups,
 * in file order, with its Hugging Face name for this config's family. A visitor that returns non-zero ends the walk. */
struct weight_info {
	const char *name;
	int layer; /* -1 for the model's own */
	enum weight_group group;
	int64_t rows, columns;    /* columns 0: a vector of `rows` */
	const float *const *slot; /* where the pointer lives in `w` */
};
typedef int weight_visit(const struct weight_info *info, void *arg);
int weights_visit(const struct weights *w, const struct config *c, unsigned groups, weight_visit *visit, void *arg);

#endif
