/* One session: the planned workspace of a forward pass, and the state of the pass that is running. */
#ifndef ADAPLER_SESSION_H
#define ADAPLER_SESSION_H

#include "base/arena.h"
#include "base/pool.h"
#include "model.h"
#include "policy.h"
#include "ragged.h"
#include "soft.h"

/* Rows that one task takes through the whole of a layer after its attention, at most: enough to use every weight many
 * times while it is near, few enough that [rows,F] does not cost much memory. */
enum { BLOCK_ROWS = 512 };

struct session {
	const struct model *model;
	const struct config *c;
	const struct kernels *kernels;
	struct pool *pool;
	int threads;
	struct session_options options;
	struct arena arena;

	/* The running pass. */
	const struct batch *batch;
	const struct policy *policy;
	struct ragged live;
	float *x; /* [T,H] the state of the live rows; points at `state` or, once only row 0 counts, at `first` */
	int is_first_only;
	int64_t lap_ns;

	/* Workspace; every [rows,H] has row stride h_stride. */
	size_t h_stride, kv_stride, f_stride, k_stride;
	float *state, *query, *key_value, *context; /* [T,H] [T,H] [T,2H] [T,H] */
	float *first, *first_context;               /* [B,H]: row 0 of every sequence */
	float *middle;                              /* [threads][block_rows,F] */
	int block_rows;                             /* BLOCK_ROWS, or a thread's share of the largest batch */
	float *predictor_hidden;                    /* [T,K] */
	float *predictor_score;                     /* [T]: where the predictor that is running writes */
	float *score, *select_scratch;
	int *moved;
	unsigned char *keep;
	float *attention_scratch; /* [threads][attention_scratch_floats] */
	size_t attention_scratch_floats;
	float *head_received, *head_from_cls; /* [A,T]: before the mean over heads */
	float *received, *from_cls;           /* [T], of the latest attention */
	int attention_rows;                   /* rows that `received` holds; 0: none yet */
	float *carried;                       /* [T0,H]: rows dropped under FATE_CARRY, where they were in the batch */
	uint64_t *identity;                   /* [B]: a hash of each sequence, for the random scorer */
	double *soft_length;                  /* [B] */
	double *soft_mask, *soft_bias;        /* [T0] */
	double *soft_score;                   /* [T0]: the scores of the step that runs */
	float *key_bias;                      /* [T0] */
	float *pooled, *logits;               /* [B,H] [B,C] */

	/* The trace. */
	struct trace trace;
	int *died_at;
	int **layer_start, **score_start, **hidden_start;
	float **score_at, **score_room, **received_at, **from_cls_at, **map_at, **hidden_at, **soft_mask_at,
		**soft_length_at;
};

/* layer.c: the arithmetic of one layer on the live rows. */
void layer_embed(struct session *s);
/* From the state to `context`; with `first_queries` only row 0 of every sequence asks: from `first`, to
 * `first_context`. */
void layer_attend(struct session *s, int layer, int first_queries);
/* The attention probabilities of the state that layer_attend has just projected, to map_at (layer_map.c). */
void layer_map(struct session *s, int layer);
/* From the context (of `first`, when is_first_only) to the next state, in place. */
void layer_feed_forward(struct session *s, int layer);
void layer_head(struct session *s);
/* Scores of the contribution predictor before the softmax: z [T]. */
void layer_predict(struct session *s, int layer, float *z);

/* When profiling: adds the time since the last lap to *part. */
void session_lap(struct session *s, int64_t *part);

#endif
