/* One trainer: parameters, gradients, moments, and the planned workspace of a step. The passes mirror forward.c and
 * layer.c, and keep what the way back needs. Everything is ragged: T rows of all sequences, packed.
 *
 * The last layer of a classifier is narrow: only row 0 of every sequence asks (the logits need no other), so its R rows
 * are B instead of T. Keys and values are those of all T rows. */
#ifndef ADAPLER_TRAINER_H
#define ADAPLER_TRAINER_H

#include "base/arena.h"
#include "base/pool.h"
#include "model.h"
#include "parameters.h"
#include "soft.h"

/* What one layer leaves behind on the way up. */
struct train_layer {
	float *x;                                 /* [T,H] its input */
	float *first;                             /* [B,H] row 0 of every sequence of it, when the layer is narrow */
	float *query;                             /* [R,H] */
	float *key_value;                         /* [T,2H] */
	float *context;                           /* [R,H] what attention gave */
	float *lse;                               /* [A][max_rows] log-sum-exp of every query's logits */
	float *sum1;                              /* [R,H] input + attention's output, before LayerNorm */
	float *middle;                            /* [R,H] after it */
	float *inner;                             /* [R,F] before the activation */
	float *sum2;                              /* [R,H] middle + feed-forward's output, before LayerNorm */
	uint16_t *attention_bits, *bits1, *bits2; /* dropout: which elements live */

	/* AdapLeR, by token of the batch. */
	float *predictor;                /* [T,K] before the activation */
	double *probability, *score;     /* [T] softmax over each sequence, and rescaled by the mask */
	double *mask, *bias, *length;    /* [T] [T] [B] on entry: u, the keys' bias, 1 + sum u */
	double *loss_mask, *loss_length; /* [T] [B] the loss's own recursion, on entry */
	float *key_bias;                 /* [T] that this layer's attention adds */
};

/* Derivatives on their way down, for one of the two losses at a time. */
struct train_gradients {
	float *x;                            /* [T,H] by the layer's output, then by its input */
	float *sum2, *output2;               /* [R,H] by sum2, and through the dropout by the feed-forward's output */
	float *inner, *active;               /* [R,F] by inner; and the activation again */
	float *sum1, *output1;               /* [R,H] */
	float *context, *query;              /* [R,H] */
	float *key_value;                    /* [T,2H] */
	float *head_bias;                    /* [A][max_rows] by the key bias, head by head */
	float *predictor, *predictor_active; /* [T,K] by the predictor's hidden layer, and its activation again */
	float *score;                        /* [T] by the predictor's output */
	float *norm_partial[2];              /* [blocks][2H] a LayerNorm's gradient, block by block; a layer has two */
	/* AdapLeR's recursions, one entry more than rows where a sequence needs it. */
	double *mask, *bias, *loss_mask, *soft_score, *scratch; /* [T] */
	double *length, *loss_length;                           /* [B] */
};

struct train_mlm {
	int count;                       /* M: hidden words in hand */
	int *row, *target;               /* [M] */
	float *x, *inner, *active, *out; /* [M,H]: states; the transform before and after its activation; normalised */
	float *logits;                   /* [M,V] */
	double *loss;                    /* [M] */
	unsigned char *is_right;         /* [M] */
	float *dout;                     /* [M,H] */
	struct linear transform, decoder;
};

struct trainer {
	struct trainer_options options;
	struct config config;
	const struct kernels *kernels;
	struct pool *pool;
	int threads;

	struct arena parameters, memory; /* w g m v; everything else but the model's packed maps */
	struct parameters w, g, m, v;
	struct weights view;        /* of w */
	struct model *model;        /* packed from w */
	struct map_source *sources; /* of the model's maps */
	int sources_count;
	struct linear *back;      /* by source: packed for x = y W */
	float *zero_bias;         /* as long as any map's output */
	struct segment *segments; /* of the parameters, for the optimiser */
	int segments_count;
	double *partial_sums;   /* [segments_count] */
	unsigned char *touched; /* [V] rows of the word embedding whose gradient may not be 0 */
	int64_t updates;        /* steps of the optimiser so far */

	/* The micro-batch in hand. */
	const struct example *const *examples;
	int B, T, first_row, first_sequence; /* first_*: what of the batch came before this micro-batch */
	int *start;                          /* [B+1] */
	int *ids, *type_ids;                 /* [T] */
	double share, mean;                  /* of an example of weight 1 in the task's loss, and of any in the others */
	uint64_t step;
	double lambda;
	int is_training; /* dropout */

	size_t h_stride, kv_stride, f_stride, k_stride, v_stride;
	size_t row_bytes;
	size_t max_rows, max_sequences, max_words; /* max_words: of a row of attention's dropout */
	float *embedding_sum;                      /* [T,H] before LayerNorm */
	uint16_t *embedding_bits;
	float *state;              /* [T,H] the output of the last layer */
	struct train_layer *layer; /* [L] */
	struct train_gradients d;
	struct train_mlm mlm;
	float *active;            /* [threads][block,F] */
	float *attention_scratch; /* [threads][attention_scratch_floats] */
	size_t attention_scratch_floats;
	float *pooled_sum, *pooled, *dropped, *logits; /* [B,H] [B,H] [B,H] [B,C] */
	float *dlogits, *dpooled, *dfirst;
	uint16_t *pooled_bits;

	/* What the step's micro-batches added up to. */
	struct losses losses;
	double *kl, *length;                   /* [L] */
	double *eta_gradient, *theta_gradient; /* [L] of the speed loss */
};

/* trainer_open on these kernels (NULL: those that the options name), for the tests' reference table. */
int trainer_open_with(struct trainer **t, const char *dir, const struct trainer_options *options,
                      const struct kernels *kernels, struct err *e);

/* trainer_open without a model directory: random weights of this shape, for measuring time. The config is copied. */
int trainer_open_random(struct trainer **t, const struct config *c, const struct trainer_options *options,
                        struct err *e);

static inline int train_is_mlm(const struct trainer *t) { return t->options.objective == OBJECTIVE_MLM; }

/* train_plan.c: pieces of the workspace, measured and placed (base/arena.h). */
void train_place_work(struct trainer *t, struct arena *a);
void train_place_mlm_maps(struct trainer *t, struct arena *a);
void train_place_back(struct trainer *t, struct arena *a);
/* The maps whose weights are trained: the model's and the masked language model's own. */
int train_list_sources(struct trainer *t, struct err *e);

/* train_rows.c */

/* Sites of dropout within a layer, for the rng's stream. */
enum drop_site { DROP_ATTENTION, DROP_OUTPUT1, DROP_OUTPUT2, DROP_EMBEDDING, DROP_POOLED, DROP_SITES };

/* The rng's stream for a site of a layer, of one sequence of the batch (0 where rows are numbered through). */
uint64_t drop_stream(const struct trainer *t, int layer, enum drop_site site, int sequence);
struct drop {
	uint32_t threshold; /* of 65536 */
	float scale;
};
struct drop drop_hidden(const struct trainer *t);
struct drop drop_attention(const struct trainer *t);

/* Rows are cut into blocks, one a task: so many for so many rows, since a LayerNorm's gradient is summed by block. */
enum { TRAIN_BLOCK_MOST = 192, TRAIN_BLOCK_LEAST = 12 };
typedef void train_rows(struct trainer *t, int layer, int row0, int row1, int worker);
void train_for_rows(struct trainer *t, int layer, int rows, train_rows *run);

/* What can be done side by side, collected and run: gradients of weights, dw += dy^T x, db += sum dy; rows. */
struct train_jobs {
	struct {
		struct weight_grad g;
		float *bias;
	} weights[8];
	struct {
		train_rows *run;
		int rows;
	} rows[2];
	int weights_count, rows_count;
};
void train_jobs_add_weight(struct train_jobs *all, float *dw, float *db, const float *dy, size_t dy_stride,
                           const float *x, size_t x_stride, int T, int N, int K);
void train_jobs_add_rows(struct train_jobs *all, int rows, train_rows *run);
/* The largest are best added first. */
void train_jobs_run(struct trainer *t, int layer, const struct train_jobs *all);
/* LayerNorm on rows [row0,row1), and back; `part` [2H]: the block's share of dg and db. */
void train_normalise(const struct trainer *t, float *y, const float *x, const float *g, const float *b, int row0,
                     int row1);
void train_normalise_backward(const struct trainer *t, float *dx, float *part, const float *dy, const float *x,
                              const float *g, int row0, int row1);
/* The zeroed part of the block that begins at row0, of so many rows in all, for norm 0 or 1. */
float *train_norm_part(struct trainer *t, int norm, int row0, int rows);
/* LayerNorm's dg += and db += from its blocks' parts, in their order. */
void train_reduce_norm(struct trainer *t, int norm, float *dg, float *db, int rows);

/* y = x W^T + b (+ residual), or with a packed-back map y = x W (+ residual), on rows [row0,row1). */
void train_product(const struct trainer *t, const struct linear *w, float *y, size_t y_stride, const float *x,
                   size_t x_stride, const float *residual, int row0, int row1);

int train_is_narrow(const struct trainer *t, int layer);
int train_layer_rows(const struct trainer *t, int layer); /* R */
/* y = residual + drop(x) on rows [row0,row1); the bits are kept for the way back. */
void train_drop(struct trainer *t, uint16_t *bits, int layer, enum drop_site site, float *y, const float *x,
                const float *residual, int row0, int row1);
void train_drop_backward(const struct trainer *t, const uint16_t *bits, float *dx, const float *dy, int row0, int row1);

/* A dtype for weights, by its name. */
int train_find_dtype(enum dtype *d, const char *name, struct err *e);
/* The packed-back twin of one of the model's maps. */
const struct linear *train_back(const struct trainer *t, const struct linear *map);
/* Brings the packed maps up to date with the weights. */
void train_pack(struct trainer *t);
/* Whether the trainer can take the example; `index` names it. Neither asks for the targets of hidden words. */
int train_check_example(const struct trainer *t, const struct example *x, int index, struct err *e);
int train_check_saliency(const struct example *x, int index, struct err *e);
/* Weight of an example's loss. */
double train_weight(const struct trainer *t, const struct example *x);
/* The largest value by magnitude, or the first that is not finite, and the tensor that it is in. */
struct extreme {
	char tensor[TENSOR_NAME_SIZE];
	float value;
};
struct extreme train_extreme(const struct trainer *t, const struct parameters *p);

/* The two losses of AdapLeR: the network learns from one, eta and theta from the other. */
enum adapler_loss { ADAPLER_MODEL, ADAPLER_SPEED };

/* train_layer.c */
void train_embed(struct trainer *t);
void train_layer_forward(struct trainer *t, int layer);
/* Under the speed loss only the derivatives by activations. */
void train_layer_backward(struct trainer *t, int layer, enum adapler_loss loss);
void train_embed_backward(struct trainer *t);

/* train_head.c, train_mlm.c: losses, and d.x by the last layer's output. */
void train_head(struct trainer *t);
/* In the place of a loss: the true label's logit, whose derivative is wanted. */
void train_head_logit(struct trainer *t);
void train_head_backward(struct trainer *t, int with_weights);
void train_mlm_plan(struct trainer *t, struct arena *a);
/* Loss and derivatives at once: the logits of all hidden words would not fit. */
void train_mlm(struct trainer *t);

/* adapler.c: contribution predictors and the recursions, before attention on the way up and after it on the way down. */
void adapler_begin(struct trainer *t);
void adapler_forward(struct trainer *t, int layer);
void adapler_backward_begin(struct trainer *t, enum adapler_loss loss);
void adapler_backward(struct trainer *t, int layer, enum adapler_loss loss);

/* optim.c */
int optim_plan(struct trainer *t, struct err *e);
/* Zeroes the gradients: of eta and theta none are kept between steps. */
void optim_clear(struct trainer *t);

#endif
