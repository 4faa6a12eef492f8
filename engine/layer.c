/* One layer on the live rows: what is computed, and how it is shared out among threads.
 *
 * Many rows: a task takes a block of rows through everything after attention (output product, LayerNorm, feed-forward,
 * LayerNorm) without meeting the other threads. Few rows: threads share each product's columns instead, so that every
 * weight is read by one of them only. Both orders give the same bits, since kernels do. */
#include "base/clock.h"
#include "session.h"

#include <string.h>

enum {
	BLOCK_ROWS_LEAST = 32, /* per thread: below it threads share columns instead of rows */
	TASKS_PER_THREAD = 3,  /* so that a thread that was delayed costs a third of its share at most */
	PRODUCTS_MAX = 2,
};

static int least(int a, int b) { return a < b ? a : b; }

static int ceil_div(int a, int b) { return (a + b - 1) / b; }

/* ---- rows shared out in blocks -------------------------------------------------------------------------------- */

typedef void block_run(struct session *s, int layer, int row0, int row1, int worker);

struct blocks {
	struct session *s;
	block_run *run;
	int layer, rows, size;
};

static void blocks_task(void *arg, int task, int worker)
{
	const struct blocks *b = arg;
	int row0 = task * b->size;
	b->run(b->s, b->layer, row0, least(row0 + b->size, b->rows), worker);
}

/* Equal blocks of at most block_rows rows, as many for each thread. */
static void for_blocks(struct session *s, block_run *run, int layer, int rows)
{
	int blocks = ceil_div(rows, s->block_rows * s->threads) * s->threads;
	struct blocks b = {s, run, layer, rows, ceil_div(rows, blocks)};
	pool_for(s->pool, ceil_div(rows, b.size), blocks_task, &b);
}

static int is_blockwise(const struct session *s, int rows)
{
	return s->threads == 1 || rows >= BLOCK_ROWS_LEAST * s->threads;
}

/* ---- columns shared out in groups of panels ------------------------------------------------------------------- */

struct products {
	const struct kernels *kernels;
	struct product p[PRODUCTS_MAX];
	int rows[PRODUCTS_MAX], panels[PRODUCTS_MAX];
	int count, group; /* panels of a task */
};

static void products_task(void *arg, int task, int worker)
{
	const struct products *all = arg;
	int i = 0;
	(void)worker;
	for (int groups; task >= (groups = ceil_div(all->panels[i], all->group)); i++)
		task -= groups;
	int first = task * all->group;
	all->kernels->product(&all->p[i], 0, all->rows[i], first, least(first + all->group, all->panels[i]));
}

static void products_add(struct products *all, struct product p, int rows)
{
	all->p[all->count] = p;
	all->rows[all->count] = rows;
	all->panels[all->count++] = panel_count(p.w->N);
}

/* The products side by side, as one list of tasks. */
static void products_run(struct session *s, struct products *all)
{
	int panels = 0, tasks = 0;
	all->kernels = s->kernels;
	for (int i = 0; i < all->count; i++)
		panels += all->panels[i];
	all->group = s->threads == 1 ? panels : ceil_div(panels, TASKS_PER_THREAD * s->threads);
	for (int i = 0; i < all->count; i++)
		tasks += ceil_div(all->panels[i], all->group);
	pool_for(s->pool, tasks, products_task, all);
}

static void product_rows(const struct session *s, const struct product *p, int row0, int row1)
{
	s->kernels->product(p, row0, row1, 0, panel_count(p->w->N));
}

/* ---- embeddings ----------------------------------------------------------------------------------------------- */

static void add_row(float *y, const float *x, int H)
{
	for (int i = 0; i < H; i++)
		y[i] += x[i];
}

static void embed_token(struct session *s, int t, int position)
{
	const struct weights *w = &s->model->weights;
	const struct batch *b = s->batch;
	size_t H = (size_t)s->c->H;
	float *x = s->x + (size_t)t * s->h_stride;
	if (b->embeddings) {
		memcpy(x, b->embeddings + (size_t)t * H, H * sizeof *x);
		return;
	}
	memcpy(x, w->word_embedding + (size_t)b->ids[t] * H, H * sizeof *x);
	if (w->type_embedding)
		add_row(x, w->type_embedding + (size_t)(b->type_ids ? b->type_ids[t] : 0) * H, s->c->H);
	add_row(x, w->position_embedding + (size_t)position * H, s->c->H);
}

static void normalise(struct session *s, float *x, const float *g, const float *b, int row0, int row1)
{
	float *from = x + (size_t)row0 * s->h_stride;
	s->kernels->layernorm(from, s->h_stride, from, s->h_stride, g, b, s->c->layer_norm_eps, row1 - row0, s->c->H);
}

static void embed_block(struct session *s, int layer, int row0, int row1, int worker)
{
	const struct weights *w = &s->model->weights;
	int sequence = 0;
	(void)layer, (void)worker;
	for (int t = row0; t < row1; t++) {
		while (t >= s->live.start[sequence + 1])
			sequence++;
		embed_token(s, t, t - s->live.start[sequence]);
	}
	if (!s->batch->embeddings)
		normalise(s, s->x, w->embedding_norm_g, w->embedding_norm_b, row0, row1);
}

void layer_embed(struct session *s) { for_blocks(s, embed_block, 0, s->live.T); }

/* ---- attention ------------------------------------------------------------------------------------------------ */

static struct product query_product(struct session *s, int layer, int first_queries)
{
	return (struct product){.x = first_queries ? s->first : s->x,
	                        .x_stride = s->h_stride,
	                        .y = s->query,
	                        .y_stride = s->h_stride,
	                        .w = &s->model->maps[layer].query};
}

static struct product key_value_product(struct session *s, int layer)
{
	return (struct product){.x = s->x,
	                        .x_stride = s->h_stride,
	                        .y = s->key_value,
	                        .y_stride = s->kv_stride,
	                        .w = &s->model->maps[layer].key_value};
}

static void key_value_block(struct session *s, int layer, int row0, int row1, int worker)
{
	struct product key_value = key_value_product(s, layer);
	(void)worker;
	product_rows(s, &key_value, row0, row1);
}

static void query_key_value_block(struct session *s, int layer, int row0, int row1, int worker)
{
	struct product query = query_product(s, layer, 0);
	product_rows(s, &query, row0, row1);
	key_value_block(s, layer, row0, row1, worker);
}

static void project(struct session *s, int layer, int first_queries)
{
	if (!first_queries && is_blockwise(s, s->live.T)) {
		for_blocks(s, query_key_value_block, layer, s->live.T);
		return;
	}
	struct products all = {.count = 0};
	products_add(&all, query_product(s, layer, first_queries), first_queries ? s->live.B : s->live.T);
	if (is_blockwise(s, s->live.T))
		for_blocks(s, key_value_block, layer, s->live.T);
	else
		products_add(&all, key_value_product(s, layer), s->live.T);
	products_run(s, &all);
}

struct attend {
	struct session *s;
	int first_queries; /* only row 0 asks */
	int is_watched;    /* the probabilities are summed up by key */
	int chunks;        /* parts that the queries of one sequence and head are cut into */
};

static struct attention head_view(const struct attend *a, int b, int h)
{
	const struct session *s = a->s;
	int begin = s->live.start[b];
	size_t column = (size_t)h * (size_t)s->c->D, watched = (size_t)h * (size_t)s->options.max_rows + (size_t)begin;
	size_t asking = (size_t)(a->first_queries ? b : begin);
	const float *keys = s->key_value + (size_t)begin * s->kv_stride + column;
	return (struct attention){
		.q = s->query + asking * s->h_stride + column,
		.k = keys,
		.v = keys + s->c->H,
		.q_stride = s->h_stride,
		.k_stride = s->kv_stride,
		.v_stride = s->kv_stride,
		.n = s->live.start[b + 1] - begin,
		.D = s->c->D,
		.out = (a->first_queries ? s->first_context : s->context) + asking * s->h_stride + column,
		.out_stride = s->h_stride,
		.key_bias = s->policy->soft_lambda > 0 ? s->key_bias + begin : NULL,
		.received = a->is_watched ? s->head_received + watched : NULL,
		.from_cls = a->is_watched ? s->head_from_cls + watched : NULL,
	};
}

static void attend_task(void *arg, int task, int worker)
{
	const struct attend *a = arg;
	struct session *s = a->s;
	int A = s->c->A, chunk = task % a->chunks, head = task / a->chunks % A, b = task / a->chunks / A;
	struct attention view = head_view(a, b, head);
	float *scratch = s->attention_scratch + (size_t)worker * s->attention_scratch_floats;
	int queries = a->first_queries ? 1 : view.n, size = ceil_div(queries, a->chunks);
	if (view.received)
		memset(view.received, 0, (size_t)view.n * sizeof *view.received);
	int query0 = chunk * size, query1 = least(query0 + size, queries);
	if (query0 < query1)
		s->kernels->attention(&view, query0, query1, scratch);
}

/* The mean over heads (and, for attention received, over queries). */
static void reduce_heads(struct session *s, int layer)
{
	int A = s->c->A;
	for (int b = 0; b < s->live.B; b++) {
		int n = s->live.start[b + 1] - s->live.start[b];
		for (int t = s->live.start[b]; t < s->live.start[b + 1]; t++) {
			double received = 0, from_cls = 0;
			for (int h = 0; h < A; h++) {
				size_t at = (size_t)h * (size_t)s->options.max_rows + (size_t)t;
				received += s->head_received[at];
				from_cls += s->head_from_cls[at];
			}
			s->received[t] = (float)(received / ((double)A * n));
			s->from_cls[t] = (float)(from_cls / A);
		}
	}
	s->attention_rows = s->live.T;
	if (s->options.want & WANT_ATTENTION) {
		memcpy(s->received_at[layer], s->received, (size_t)s->live.T * sizeof(float));
		memcpy(s->from_cls_at[layer], s->from_cls, (size_t)s->live.T * sizeof(float));
	}
}

void layer_attend(struct session *s, int layer, int first_queries)
{
	int heads = s->live.B * s->c->A;
	struct attend a = {s, first_queries, 0, 1};
	a.is_watched = !first_queries && ((policy_needs(s->policy) & NEED_ATTENTION) || (s->options.want & WANT_ATTENTION));
	if (!a.is_watched && !first_queries && s->threads > 1 && heads < TASKS_PER_THREAD * s->threads)
		a.chunks = ceil_div(TASKS_PER_THREAD * s->threads, heads);
	project(s, layer, first_queries);
	session_lap(s, &s->trace.profile.products);
	pool_for(s->pool, heads * a.chunks, attend_task, &a);
	if (a.is_watched)
		reduce_heads(s, layer);
	if (s->options.want & WANT_MAPS)
		layer_map(s, layer);
	session_lap(s, &s->trace.profile.attention);
}

/* ---- what follows attention ----------------------------------------------------------------------------------- */

/* All of it in the order of the mathematics: x += context W + b, LayerNorm, x += gelu(x W + b) W + b, LayerNorm. */
struct after_attention {
	struct product attention, ffn_in, ffn_out;
};

/* On the rows from row0 on, whose feed-forward's middle goes to `middle`. */
static struct after_attention after_attention(struct session *s, int layer, int row0, float *middle)
{
	const struct layer_maps *maps = &s->model->maps[layer];
	float *x = s->x + (size_t)row0 * s->h_stride;
	const float *context = (s->is_first_only ? s->first_context : s->context) + (size_t)row0 * s->h_stride;
	struct product onto_x = {.y = x, .y_stride = s->h_stride, .residual = x, .residual_stride = s->h_stride};
	struct after_attention p = {.attention = onto_x, .ffn_out = onto_x};
	p.attention.x = context;
	p.attention.x_stride = s->h_stride;
	p.attention.w = &maps->attention;
	p.ffn_in = (struct product){.x = x, .x_stride = s->h_stride, .y = middle, .y_stride = s->f_stride};
	p.ffn_in.w = &maps->ffn_in;
	p.ffn_in.act = s->c->act;
	p.ffn_out.x = middle;
	p.ffn_out.x_stride = s->f_stride;
	p.ffn_out.w = &maps->ffn_out;
	return p;
}

/* Time spent in LayerNorm inside a block is the caller's own when the worker is the caller. */
static void normalise_in_block(struct session *s, const float *g, const float *b, int row0, int row1, int worker)
{
	int is_timed = worker == 0 && (s->options.want & WANT_PROFILE);
	int64_t start = is_timed ? clock_ns() : 0;
	normalise(s, s->x, g, b, row0, row1);
	if (!is_timed)
		return;
	int64_t spent = clock_ns() - start;
	s->trace.profile.normalisation += spent;
	s->trace.profile.products -= spent;
}

static void after_attention_block(struct session *s, int layer, int row0, int row1, int worker)
{
	const struct layer_weights *w = &s->model->weights.layer[layer];
	float *middle = s->middle + (size_t)worker * (size_t)s->block_rows * s->f_stride;
	struct after_attention p = after_attention(s, layer, row0, middle);
	product_rows(s, &p.attention, 0, row1 - row0);
	normalise_in_block(s, w->attention_norm_g, w->attention_norm_b, row0, row1, worker);
	product_rows(s, &p.ffn_in, 0, row1 - row0);
	product_rows(s, &p.ffn_out, 0, row1 - row0);
	normalise_in_block(s, w->output_norm_g, w->output_norm_b, row0, row1, worker);
}

static void one_product(struct session *s, struct product p, int rows)
{
	struct products all = {.count = 0};
	products_add(&all, p, rows);
	products_run(s, &all);
	session_lap(s, &s->trace.profile.products);
}

static void after_attention_columns(struct session *s, int layer, int rows)
{
	const struct layer_weights *w = &s->model->weights.layer[layer];
	struct after_attention p = after_attention(s, layer, 0, s->middle);
	one_product(s, p.attention, rows);
	normalise(s, s->x, w->attention_norm_g, w->attention_norm_b, 0, rows);
	session_lap(s, &s->trace.profile.normalisation);
	one_product(s, p.ffn_in, rows);
	one_product(s, p.ffn_out, rows);
	normalise(s, s->x, w->output_norm_g, w->output_norm_b, 0, rows);
	session_lap(s, &s->trace.profile.normalisation);
}

void layer_feed_forward(struct session *s, int layer)
{
	int rows = s->is_first_only ? s->live.B : s->live.T;
	if (is_blockwise(s, rows))
		for_blocks(s, after_attention_block, layer, rows);
	else
		after_attention_columns(s, layer, rows);
	session_lap(s, &s->trace.profile.products);
}

/* ---- contribution predictor ----------------------------------------------------------------------------------- */

static void predict_block(struct session *s, int layer, int row0, int row1, int worker)
{
	const struct layer_weights *w = &s->model->weights.layer[layer];
	struct product p = {.x = s->x,
	                    .x_stride = s->h_stride,
	                    .y = s->predictor_hidden,
	                    .y_stride = s->k_stride,
	                    .w = &s->model->maps[layer].predictor,
	                    .act = ACT_GELU};
	(void)worker;
	product_rows(s, &p, row0, row1);
	s->kernels->dot_rows(s->predictor_score + row0, s->predictor_hidden + (size_t)row0 * s->k_stride, s->k_stride,
	                     w->cp_score_w, *w->cp_score_b, row1 - row0, s->c->K);
}

void layer_predict(struct session *s, int layer, float *z)
{
	s->predictor_score = z;
	for_blocks(s, predict_block, layer, s->live.T);
}

/* ---- head ----------------------------------------------------------------------------------------------------- */

void layer_head(struct session *s)
{
	if (!s->is_first_only)
		for (int b = 0; b < s->live.B; b++)
			memcpy(s->first + (size_t)b * s->h_stride, s->x + (size_t)s->live.start[b] * s->h_stride,
			       (size_t)s->c->H * sizeof(float));
	struct product pooler = {.x = s->first,
	                         .x_stride = s->h_stride,
	                         .y = s->pooled,
	                         .y_stride = s->h_stride,
	                         .w = &s->model->pooler,
	                         .act = s->c->family == FAMILY_DISTILBERT ? ACT_RELU : ACT_TANH};
	struct product classifier = {.x = s->pooled,
	                             .x_stride = s->h_stride,
	                             .y = s->logits,
	                             .y_stride = (size_t)s->c->C,
	                             .w = &s->model->classifier};
	one_product(s, pooler, s->live.B);
	one_product(s, classifier, s->live.B);
}
