/* The embeddings and one encoder layer, forwards and backwards, mirrors of each other:
 *
 *   query, key, value = x W + b;  context = attention;  sum1 = x + drop(context W + b);  middle = LN(sum1)
 *   inner = middle W + b;  sum2 = middle + drop(act(inner) W + b);  next x = LN(sum2)
 *
 * Work is cut into blocks of rows that go through everything between two attentions, into sequences by heads, and, for
 * the gradients of weights, into ranges of their rows: each sum is taken in one order, whatever the threads. */
#include "trainer.h"

#include <assert.h>
#include <string.h>

static int least(int a, int b) { return a < b ? a : b; }

static int ceil_div(int a, int b) { return (a + b - 1) / b; }

/* ---- rows in blocks ------------------------------------------------------------------------------------------- */

/* Whole tiles of 12 rows. Few blocks read the weights less often, many can be shared out evenly: their number has many
 * divisors, until blocks grow too long for a cache. */
static int tile_count(int rows) { return ceil_div(rows, TRAIN_BLOCK_LEAST); }

static int row_blocks(int rows)
{
	enum { FEW = 12, MANY = 24, FEW_TILES = 48, TILES_MOST = TRAIN_BLOCK_MOST / TRAIN_BLOCK_LEAST };
	const int tiles = tile_count(rows);
	if (tiles <= FEW_TILES)
		return least(tiles, FEW);
	return MANY * ceil_div(tiles, MANY * TILES_MOST);
}

static int block_begin(int rows, int block)
{
	return least(TRAIN_BLOCK_LEAST * (int)((int64_t)tile_count(rows) * block / row_blocks(rows)), rows);
}

/* The inverse. */
static int block_of(int rows, int row0)
{
	return (int)(((int64_t)(row0 / TRAIN_BLOCK_LEAST + 1) * row_blocks(rows) - 1) / tile_count(rows));
}

struct row_tasks {
	struct trainer *t;
	train_rows *run;
	int layer, rows;
};

static void row_task(void *arg, int task, int worker)
{
	const struct row_tasks *r = arg;
	r->run(r->t, r->layer, block_begin(r->rows, task), block_begin(r->rows, task + 1), worker);
}

void train_for_rows(struct trainer *t, int layer, int rows, train_rows *run)
{
	struct row_tasks r = {t, run, layer, rows};
	pool_for(t->pool, row_blocks(rows), row_task, &r);
}

int train_is_narrow(const struct trainer *t, int layer)
{
	return layer == t->config.L - 1 && t->options.objective != OBJECTIVE_MLM;
}

int train_layer_rows(const struct trainer *t, int layer) { return train_is_narrow(t, layer) ? t->B : t->T; }

/* ---- products and their gradients ----------------------------------------------------------------------------- */

void train_product(const struct trainer *t, const struct linear *w, float *y, size_t y_stride, const float *x,
                   size_t x_stride, const float *residual, int row0, int row1)
{
	const struct product p = {.x = x,
	                          .x_stride = x_stride,
	                          .y = y,
	                          .y_stride = y_stride,
	                          .residual = residual,
	                          .residual_stride = y_stride,
	                          .w = w};
	t->kernels->product(&p, row0, row1, 0, panel_count(w->N));
}

void train_jobs_add_weight(struct train_jobs *all, float *dw, float *db, const float *dy, size_t dy_stride,
                           const float *x, size_t x_stride, int T, int N, int K)
{
	assert(all->weights_count < (int)(sizeof all->weights / sizeof *all->weights));
	all->weights[all->weights_count].g = (struct weight_grad){dy, dy_stride, x, x_stride, dw, (size_t)K, T, N, K};
	all->weights[all->weights_count++].bias = db;
}

void train_jobs_add_rows(struct train_jobs *all, int rows, train_rows *run)
{
	assert(all->rows_count < (int)(sizeof all->rows / sizeof *all->rows));
	all->rows[all->rows_count].run = run;
	all->rows[all->rows_count++].rows = rows;
}

struct job_tasks {
	struct trainer *t;
	int layer;
	const struct train_jobs *all;
};

/* Rows of a weight that one task takes: more of them read x less often. */
enum { GRADIENT_ROWS = 128 };

static void gradient_task(const struct kernels *kernels, const struct weight_grad *g, float *bias, int task)
{
	const int n0 = task * GRADIENT_ROWS, n1 = least(n0 + GRADIENT_ROWS, g->N);
	kernels->weight_grad(g, n0, n1);
	if (bias)
		kernels->column_sums(bias, g->dy, g->dy_stride, g->T, n0, n1);
}

static void job_task(void *arg, int task, int worker)
{
	const struct job_tasks *j = arg;
	const struct train_jobs *all = j->all;
	for (int i = 0; i < all->weights_count; i++) {
		const int tasks = ceil_div(all->weights[i].g.N, GRADIENT_ROWS);
		if (task < tasks) {
			gradient_task(j->t->kernels, &all->weights[i].g, all->weights[i].bias, task);
			return;
		}
		task -= tasks;
	}
	int i = 0;
	for (int tasks; task >= (tasks = row_blocks(all->rows[i].rows)); i++)
		task -= tasks;
	struct row_tasks r = {j->t, all->rows[i].run, j->layer, all->rows[i].rows};
	row_task(&r, task, worker);
}

void train_jobs_run(struct trainer *t, int layer, const struct train_jobs *all)
{
	struct job_tasks j = {t, layer, all};
	int tasks = 0;
	for (int i = 0; i < all->weights_count; i++)
		tasks += ceil_div(all->weights[i].g.N, GRADIENT_ROWS);
	for (int i = 0; i < all->rows_count; i++)
		tasks += row_blocks(all->rows[i].rows);
	pool_for(t->pool, tasks, job_task, &j);
}

float *train_norm_part(struct trainer *t, int norm, int row0, int rows)
{
	float *part = t->d.norm_partial[norm] + (size_t)block_of(rows, row0) * 2 * t->h_stride;
	memset(part, 0, 2 * t->h_stride * sizeof *part);
	return part;
}

void train_reduce_norm(struct trainer *t, int norm, float *dg, float *db, int rows)
{
	const int blocks = row_blocks(rows);
	for (int h = 0; h < t->config.H; h++) {
		double g = 0, b = 0;
		for (int i = 0; i < blocks; i++) {
			const float *part = t->d.norm_partial[norm] + (size_t)i * 2 * t->h_stride;
			g += part[h];
			b += part[t->h_stride + (size_t)h];
		}
		dg[h] += (float)g;
		db[h] += (float)b;
	}
}

/* ---- dropout -------------------------------------------------------------------------------------------------- */

static struct drop drop_of(double probability)
{
	const uint32_t rounded = (uint32_t)(probability * 65536 + 0.5), threshold = rounded < 65536 ? rounded : 65535;
	return (struct drop){threshold, 65536.0F / (float)(65536 - threshold)};
}

struct drop drop_hidden(const struct trainer *t)
{
	const double p = t->options.hidden_dropout;
	return drop_of(p < 0 ? 0 : p > 0 ? p : t->config.hidden_dropout);
}

struct drop drop_attention(const struct trainer *t)
{
	const double p = t->options.attention_dropout;
	return drop_of(p < 0 || t->options.adapler ? 0 : p > 0 ? p : t->config.attention_dropout);
}

uint64_t drop_stream(const struct trainer *t, int layer, enum drop_site site, int sequence)
{
	const uint64_t place = (uint64_t)layer * DROP_SITES + site;
	return t->step << 34 | place << 20 | (uint64_t)sequence;
}

/* y = residual + drop(x) on rows [row0,row1); the bits are kept for the way back. */
void train_drop(struct trainer *t, uint16_t *bits, int layer, enum drop_site site, float *y, const float *x,
                const float *residual, int row0, int row1)
{
	const struct drop d = drop_hidden(t);
	const size_t at = (size_t)row0 * t->h_stride;
	const int H = t->config.H, rows = row1 - row0;
	const int is_dropping = d.threshold && t->is_training;
	uint16_t *row_bits = is_dropping ? bits + (size_t)row0 * (size_t)mask_words(H) : NULL;
	/* Rows are numbered through the whole batch, so that its micro-batches do not matter. */
	const int is_by_sequence = site == DROP_POOLED || (site != DROP_EMBEDDING && train_is_narrow(t, layer));
	const int first = is_by_sequence ? t->first_sequence : t->first_row;
	if (is_dropping)
		t->kernels->dropout_bits(row_bits, rows, H, t->options.seed, drop_stream(t, layer, site, 0),
		                         (uint64_t)(first + row0), d.threshold);
	t->kernels->dropout(y + at, t->h_stride, x + at, t->h_stride, residual ? residual + at : NULL, t->h_stride,
	                    row_bits, d.scale, rows, H);
}

void train_drop_backward(const struct trainer *t, const uint16_t *bits, float *dx, const float *dy, int row0, int row1)
{
	const struct drop d = drop_hidden(t);
	const size_t at = (size_t)row0 * t->h_stride;
	const int is_dropping = d.threshold && t->is_training;
	t->kernels->dropout(dx + at, t->h_stride, dy + at, t->h_stride, NULL, 0,
	                    is_dropping ? bits + (size_t)row0 * (size_t)mask_words(t->config.H) : NULL, d.scale,
	                    row1 - row0, t->config.H);
}

void train_normalise(const struct trainer *t, float *y, const float *x, const float *g, const float *b, int row0,
                     int row1)
{
	const size_t at = (size_t)row0 * t->h_stride;
	t->kernels->layernorm(y + at, t->h_stride, x + at, t->h_stride, g, b, t->config.layer_norm_eps, row1 - row0,
	                      t->config.H);
}

void train_normalise_backward(const struct trainer *t, float *dx, float *part, const float *dy, const float *x,
                              const float *g, int row0, int row1)
{
	const size_t at = (size_t)row0 * t->h_stride;
	t->kernels->layernorm_grad(dx + at, t->h_stride, part, part + t->h_stride, dy + at, t->h_stride, x + at,
	                           t->h_stride, g, t->config.layer_norm_eps, row1 - row0, t->config.H);
}

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
