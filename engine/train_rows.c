/* What the passes through the layers share: rows in blocks, products, jobs that give the gradients of weights, dropout
 * and LayerNorm.
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
