/* The embeddings and one encoder layer, forwards and backwards, mirrors of each other:
 *
 *   query, key, value = x W + b;  context = attention;  sum1 = x + drop(context W + b);  middle = LN(sum1)
 *   inner = middle W + b;  sum2 = middle + drop(act(inner) W + b);  next x = LN(sum2)
 */
#include "trainer.h"

#include <string.h>

/* ---- embeddings ----------------------------------------------------------------------------------------------- */

static void add_row(float *y, const float *x, int H)
{
	for (int h = 0; h < H; h++)
		y[h] += x[h];
}

static void embed_rows(struct trainer *t, int layer, int row0, int row1, int worker)
{
	const size_t H = (size_t)t->config.H;
	int sequence = 0;
	(void)worker, (void)layer;
	for (int i = row0; i < row1; i++) {
		float *x = t->embedding_sum + (size_t)i * t->h_stride;
		while (i >= t->start[sequence + 1])
			sequence++;
		memcpy(x, t->w.word_embedding + (size_t)t->ids[i] * H, H * sizeof *x);
		if (t->w.type_embedding)
			add_row(x, t->w.type_embedding + (size_t)t->type_ids[i] * H, t->config.H);
		add_row(x, t->w.position_embedding + (size_t)(i - t->start[sequence]) * H, t->config.H);
	}
	float *x = t->layer[0].x;
	train_normalise(t, x, t->embedding_sum, t->w.embedding_norm_g, t->w.embedding_norm_b, row0, row1);
	train_drop(t, t->embedding_bits, 0, DROP_EMBEDDING, x, x, NULL, row0, row1);
}

void train_embed(struct trainer *t) { train_for_rows(t, 0, t->T, embed_rows); }

static void embed_rows_backward(struct trainer *t, int layer, int row0, int row1, int worker)
{
	float *dx = t->d.x;
	(void)worker, (void)layer;
	train_drop_backward(t, t->embedding_bits, dx, dx, row0, row1);
	train_normalise_backward(t, dx, train_norm_part(t, 0, row0, t->T), dx, t->embedding_sum, t->w.embedding_norm_g,
	                         row0, row1);
}

/* Tokens share rows of the tables: one thread adds them, in order. */
void train_embed_backward(struct trainer *t)
{
	const size_t H = (size_t)t->config.H;
	train_for_rows(t, 0, t->T, embed_rows_backward);
	train_reduce_norm(t, 0, t->g.embedding_norm_g, t->g.embedding_norm_b, t->T);
	for (int b = 0; b < t->B; b++)
		for (int i = t->start[b]; i < t->start[b + 1]; i++) {
			const float *dx = t->d.x + (size_t)i * t->h_stride;
			t->touched[t->ids[i]] = 1;
			add_row(t->g.word_embedding + (size_t)t->ids[i] * H, dx, t->config.H);
			if (t->g.type_embedding)
				add_row(t->g.type_embedding + (size_t)t->type_ids[i] * H, dx, t->config.H);
			add_row(t->g.position_embedding + (size_t)(i - t->start[b]) * H, dx, t->config.H);
		}
}

/* ---- attention ------------------------------------------------------------------------------------------------ */

static void key_value_rows(struct trainer *t, int layer, int row0, int row1, int worker)
{
	const struct train_layer *l = &t->layer[layer];
	(void)worker;
	train_product(t, &t->model->maps[layer].key_value, l->key_value, t->kv_stride, l->x, t->h_stride, NULL, row0, row1);
}

static void query_rows(struct trainer *t, int layer, int row0, int row1, int worker)
{
	const struct train_layer *l = &t->layer[layer];
	const float *x = l->first ? l->first : l->x;
	(void)worker;
	train_product(t, &t->model->maps[layer].query, l->query, t->h_stride, x, t->h_stride, NULL, row0, row1);
}

static void query_key_value_rows(struct trainer *t, int layer, int row0, int row1, int worker)
{
	key_value_rows(t, layer, row0, row1, worker);
	query_rows(t, layer, row0, row1, worker);
}

struct attend {
	struct trainer *t;
	int layer;
};

/* Sequence b, head h of a layer: where its queries begin among R rows, and how many there are. */
static struct attention head_view(const struct trainer *t, int layer, int b, int h)
{
	const struct train_layer *l = &t->layer[layer];
	const int begin = t->start[b], is_narrow = train_is_narrow(t, layer);
	const size_t column = (size_t)h * (size_t)t->config.D, asking = (size_t)(is_narrow ? b : begin);
	const size_t R = is_narrow ? t->max_sequences : t->max_rows;
	const float *keys = l->key_value + (size_t)begin * t->kv_stride + column;
	struct attention a = {.q = l->query + asking * t->h_stride + column,
	                      .k = keys,
	                      .v = keys + t->config.H,
	                      .q_stride = t->h_stride,
	                      .k_stride = t->kv_stride,
	                      .v_stride = t->kv_stride,
	                      .n = t->start[b + 1] - begin,
	                      .D = t->config.D,
	                      .out = l->context + asking * t->h_stride + column,
	                      .out_stride = t->h_stride,
	                      .key_bias = t->options.adapler && t->is_training ? l->key_bias + begin : NULL,
	                      .lse = l->lse + (size_t)h * R + asking};
	const struct drop d = drop_attention(t);
	if (d.threshold && t->is_training) {
		a.drop_bits = l->attention_bits +
		              (asking * (size_t)t->config.A + (size_t)h * (size_t)(is_narrow ? 1 : a.n)) * t->max_words;
		a.drop_scale = d.scale;
	}
	return a;
}

static void attend_task(void *arg, int task, int worker)
{
	const struct attend *a = arg;
	struct trainer *t = a->t;
	const int b = task / t->config.A, h = task % t->config.A;
	struct attention view = head_view(t, a->layer, b, h);
	const int queries = train_is_narrow(t, a->layer) ? 1 : view.n;
	if (view.drop_bits)
		t->kernels->dropout_bits((uint16_t *)(uintptr_t)view.drop_bits, queries, view.n, t->options.seed,
		                         drop_stream(t, a->layer, DROP_ATTENTION, t->first_sequence + b),
		                         (uint64_t)h * (uint64_t)view.n, drop_attention(t).threshold);
	t->kernels->attention(&view, 0, queries, t->attention_scratch + (size_t)worker * t->attention_scratch_floats);
}

static void gather_first(const struct trainer *t, float *to, const float *from)
{
	for (int b = 0; b < t->B; b++)
		memcpy(to + (size_t)b * t->h_stride, from + (size_t)t->start[b] * t->h_stride,
		       (size_t)t->config.H * sizeof *to);
}

static void attend(struct trainer *t, int layer)
{
	struct train_layer *l = &t->layer[layer];
	struct attend a = {t, layer};
	if (train_is_narrow(t, layer)) {
		gather_first(t, l->first, l->x);
		train_for_rows(t, layer, t->T, key_value_rows);
		train_for_rows(t, layer, t->B, query_rows);
	} else {
		train_for_rows(t, layer, t->T, query_key_value_rows);
	}
	pool_for(t->pool, t->B * t->config.A, attend_task, &a);
}

/* ---- what follows attention ----------------------------------------------------------------------------------- */

/* Where a layer's output goes: the next layer's input, or the head's. */
static float *output_of(const struct trainer *t, int layer)
{
	return layer + 1 < t->config.L ? t->layer[layer + 1].x : t->state;
}

static void feed_forward_rows(struct trainer *t, int layer, int row0, int row1, int worker)
{
	const struct train_layer *l = &t->layer[layer];
	const struct layer_maps *maps = &t->model->maps[layer];
	const struct layer_parameters *w = &t->w.layer[layer];
	const size_t H = t->h_stride, F = t->f_stride;
	const float *x = l->first ? l->first : l->x;
	const int rows = row1 - row0;
	float *active = t->active + (size_t)worker * TRAIN_BLOCK_MOST * F;
	train_product(t, &maps->attention, l->sum1, H, l->context, H, NULL, row0, row1);
	train_drop(t, l->bits1, layer, DROP_OUTPUT1, l->sum1, l->sum1, x, row0, row1);
	train_normalise(t, l->middle, l->sum1, w->attention_norm_g, w->attention_norm_b, row0, row1);
	train_product(t, &maps->ffn_in, l->inner, F, l->middle, H, NULL, row0, row1);
	t->kernels->activation(active, F, l->inner + (size_t)row0 * F, F, t->config.act, rows, t->config.F);
	train_product(t, &maps->ffn_out, l->sum2 + (size_t)row0 * H, H, active, F, NULL, 0, rows);
	train_drop(t, l->bits2, layer, DROP_OUTPUT2, l->sum2, l->sum2, l->middle, row0, row1);
	train_normalise(t, output_of(t, layer), l->sum2, w->output_norm_g, w->output_norm_b, row0, row1);
}

void train_layer_forward(struct trainer *t, int layer)
{
	attend(t, layer);
	train_for_rows(t, layer, train_layer_rows(t, layer), feed_forward_rows);
}

/* ---- the way back --------------------------------------------------------------------------------------------- */

/* From the layer's output through the feed-forward: to d.inner, and d.sum1 before its LayerNorm. */
static void inner_rows_backward(struct trainer *t, int layer, int row0, int row1)
{
	const struct train_layer *l = &t->layer[layer];
	const struct layer_maps *maps = &t->model->maps[layer];
	struct train_gradients *d = &t->d;
	const size_t H = t->h_stride, F = t->f_stride, at = (size_t)row0 * F;
	float *part = train_norm_part(t, 1, row0, train_layer_rows(t, layer));
	train_normalise_backward(t, d->sum2, part, d->x, l->sum2, t->w.layer[layer].output_norm_g, row0, row1);
	train_drop_backward(t, l->bits2, d->output2, d->sum2, row0, row1);
	train_product(t, train_back(t, &maps->ffn_out), d->inner, F, d->output2, H, NULL, row0, row1);
	t->kernels->activation_grad(d->inner + at, F, d->active + at, F, d->inner + at, F, l->inner + at, F, t->config.act,
	                            row1 - row0, t->config.F);
	train_product(t, train_back(t, &maps->ffn_in), d->sum1, H, d->inner, F, d->sum2, row0, row1);
}

/* On to d.context. */
static void output_rows_backward(struct trainer *t, int layer, int row0, int row1, int worker)
{
	const struct train_layer *l = &t->layer[layer];
	struct train_gradients *d = &t->d;
	(void)worker;
	inner_rows_backward(t, layer, row0, row1);
	float *part = train_norm_part(t, 0, row0, train_layer_rows(t, layer));
	train_normalise_backward(t, d->sum1, part, d->sum1, l->sum1, t->w.layer[layer].attention_norm_g, row0, row1);
	train_drop_backward(t, l->bits1, d->output1, d->sum1, row0, row1);
	train_product(t, train_back(t, &t->model->maps[layer].attention), d->context, t->h_stride, d->output1, t->h_stride,
	              NULL, row0, row1);
}

static void attend_backward_task(void *arg, int task, int worker)
{
	const struct attend *a = arg;
	struct trainer *t = a->t;
	struct train_gradients *d = &t->d;
	const int b = task / t->config.A, h = task % t->config.A, begin = t->start[b];
	const int is_narrow = train_is_narrow(t, a->layer);
	const size_t column = (size_t)h * (size_t)t->config.D, asking = (size_t)(is_narrow ? b : begin);
	const struct attention forward = head_view(t, a->layer, b, h);
	float *keys = d->key_value + (size_t)begin * t->kv_stride + column;
	struct attention_grad g = {.forward = forward,
	                           .queries = is_narrow ? 1 : forward.n,
	                           .dout = d->context + asking * t->h_stride + column,
	                           .dout_stride = t->h_stride,
	                           .dq = d->query + asking * t->h_stride + column,
	                           .dk = keys,
	                           .dv = keys + t->config.H,
	                           .dq_stride = t->h_stride,
	                           .dk_stride = t->kv_stride,
	                           .dv_stride = t->kv_stride};
	if (forward.key_bias)
		g.dkey_bias = d->head_bias + (size_t)h * t->max_rows + (size_t)begin;
	t->kernels->attention_grad(&g, t->attention_scratch + (size_t)worker * t->attention_scratch_floats);
}

/* Onto d.x: what came around attention, and what went through it. */
static void input_rows_backward(struct trainer *t, int layer, int row0, int row1, int worker)
{
	const struct layer_maps *maps = &t->model->maps[layer];
	struct train_gradients *d = &t->d;
	const size_t H = t->h_stride;
	(void)worker;
	train_product(t, train_back(t, &maps->query), d->x, H, d->query, H, d->sum1, row0, row1);
	train_product(t, train_back(t, &maps->key_value), d->x, H, d->key_value, t->kv_stride, d->x, row0, row1);
}

static void key_value_rows_backward(struct trainer *t, int layer, int row0, int row1, int worker)
{
	struct train_gradients *d = &t->d;
	(void)worker;
	train_product(t, train_back(t, &t->model->maps[layer].key_value), d->x, t->h_stride, d->key_value, t->kv_stride,
	              NULL, row0, row1);
}

static void query_rows_backward(struct trainer *t, int layer, int row0, int row1, int worker)
{
	struct train_gradients *d = &t->d;
	(void)worker;
	train_product(t, train_back(t, &t->model->maps[layer].query), d->sum2, t->h_stride, d->query, t->h_stride, d->sum1,
	              row0, row1);
}

/* Heavier tasks first. */
static void add_weights(struct train_jobs *all, const struct trainer *t, int layer)
{
	const struct train_layer *l = &t->layer[layer];
	const struct train_gradients *d = &t->d;
	const struct layer_parameters *g = &t->g.layer[layer];
	const int R = train_layer_rows(t, layer), T = t->T, H = t->config.H, F = t->config.F;
	const size_t hs = t->h_stride, fs = t->f_stride, kvs = t->kv_stride;
	train_jobs_add_weight(all, g->ffn_out_w, g->ffn_out_b, d->output2, hs, d->active, fs, R, H, F);
	train_jobs_add_weight(all, g->ffn_in_w, g->ffn_in_b, d->inner, fs, l->middle, hs, R, F, H);
	train_jobs_add_weight(all, g->key_w, g->key_b, d->key_value, kvs, l->x, hs, T, H, H);
	train_jobs_add_weight(all, g->value_w, g->value_b, d->key_value + H, kvs, l->x, hs, T, H, H);
	train_jobs_add_weight(all, g->attention_w, g->attention_b, d->output1, hs, l->context, hs, R, H, H);
	train_jobs_add_weight(all, g->query_w, g->query_b, d->query, hs, l->first ? l->first : l->x, hs, R, H, H);
}

/* The gradients of the weights, and beside them d.x, which they do not read. */
static void input_backward(struct trainer *t, int layer, int with_weights)
{
	struct train_jobs all = {.weights_count = 0};
	if (with_weights)
		add_weights(&all, t, layer);
	if (train_is_narrow(t, layer)) {
		train_jobs_add_rows(&all, t->T, key_value_rows_backward);
		train_jobs_add_rows(&all, t->B, query_rows_backward);
	} else {
		train_jobs_add_rows(&all, t->T, input_rows_backward);
	}
	train_jobs_run(t, layer, &all);
	for (int b = 0; b < t->B && train_is_narrow(t, layer); b++)
		add_row(t->d.x + (size_t)t->start[b] * t->h_stride, t->d.sum2 + (size_t)b * t->h_stride, t->config.H);
}

void train_layer_backward(struct trainer *t, int layer, enum adapler_loss loss)
{
	const int R = train_layer_rows(t, layer), with_weights = loss == ADAPLER_MODEL;
	const struct layer_parameters *g = &t->g.layer[layer];
	struct attend a = {t, layer};
	train_for_rows(t, layer, R, output_rows_backward);
	if (with_weights) {
		train_reduce_norm(t, 1, g->output_norm_g, g->output_norm_b, R);
		train_reduce_norm(t, 0, g->attention_norm_g, g->attention_norm_b, R);
	}
	pool_for(t->pool, t->B * t->config.A, attend_backward_task, &a);
	input_backward(t, layer, with_weights);
	if (t->options.adapler && t->is_training)
		adapler_backward(t, layer, loss);
}
