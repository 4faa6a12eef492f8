/* Masked language modelling: transform, LayerNorm and the decoder, which is the word embedding itself, on the hidden
 * words only; the loss and the way back at once, some hundred words at a time, since their logits are [M,V]. */
#include "trainer.h"

#include <string.h>

enum { WORDS_MOST = 1024 };

void train_mlm_plan(struct trainer *t, struct arena *a)
{
	struct train_mlm *m = &t->mlm;
	const size_t M = WORDS_MOST, H = t->h_stride;
	m->row = ARENA_TAKE(a, M, int);
	m->target = ARENA_TAKE(a, M, int);
	m->loss = ARENA_TAKE(a, M, double);
	m->is_right = ARENA_TAKE(a, M, unsigned char);
	float **const rows[] = {&m->x, &m->inner, &m->active, &m->out, &m->dout};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		*rows[i] = ARENA_TAKE(a, M * H, float);
	m->logits = ARENA_TAKE(a, M * t->v_stride, float);
}

static void transform_rows(struct trainer *t, int layer, int row0, int row1, int worker)
{
	struct train_mlm *m = &t->mlm;
	const size_t H = t->h_stride, at = (size_t)row0 * H;
	(void)layer, (void)worker;
	for (int i = row0; i < row1; i++)
		memcpy(m->x + (size_t)i * H, t->state + (size_t)m->row[i] * H, (size_t)t->config.H * sizeof *m->x);
	train_product(t, &m->transform, m->inner, H, m->x, H, NULL, row0, row1);
	t->kernels->activation(m->active + at, H, m->inner + at, H, t->config.act, row1 - row0, t->config.H);
	train_normalise(t, m->out, m->active, t->w.mlm_norm_g, t->w.mlm_norm_b, row0, row1);
}

static int is_best(const float *z, int n, int at)
{
	for (int i = 0; i < n; i++)
		if (z[i] > z[at])
			return 0;
	return 1;
}

static void predict_rows(struct trainer *t, int layer, int row0, int row1, int worker)
{
	struct train_mlm *m = &t->mlm;
	(void)layer, (void)worker;
	train_product(t, &m->decoder, m->logits, t->v_stride, m->out, t->h_stride, NULL, row0, row1);
	for (int i = row0; i < row1; i++) {
		float *z = m->logits + (size_t)i * t->v_stride;
		m->is_right[i] = (unsigned char)is_best(z, t->config.V, m->target[i]);
		m->loss[i] = t->kernels->softmax_loss(z, t->config.V, m->target[i], (float)t->share);
	}
}

/* From d logits down to d.x's rows of the hidden words; the transform's d goes to m->dout. */
static void transform_rows_backward(struct trainer *t, int layer, int row0, int row1, int worker)
{
	struct train_mlm *m = &t->mlm;
	const size_t H = t->h_stride, at = (size_t)row0 * H;
	(void)layer, (void)worker;
	train_product(t, train_back(t, &m->decoder), m->dout, H, m->logits, t->v_stride, NULL, row0, row1);
	train_normalise_backward(t, m->dout, train_norm_part(t, 0, row0, m->count), m->dout, m->active, t->w.mlm_norm_g,
	                         row0, row1);
	t->kernels->activation_grad(m->dout + at, H, NULL, 0, m->dout + at, H, m->inner + at, H, t->config.act, row1 - row0,
	                            t->config.H);
	train_product(t, train_back(t, &m->transform), m->active, H, m->dout, H, NULL, row0, row1);
	for (int i = row0; i < row1; i++)
		memcpy(t->d.x + (size_t)m->row[i] * H, m->active + (size_t)i * H, (size_t)t->config.H * sizeof *m->active);
}

static void words_backward(struct trainer *t)
{
	struct train_mlm *m = &t->mlm;
	const size_t H = t->h_stride;
	const int h = t->config.H;
	train_for_rows(t, 0, m->count, transform_rows_backward);
	train_reduce_norm(t, 0, t->g.mlm_norm_g, t->g.mlm_norm_b, m->count);
	struct train_jobs all = {.weights_count = 0};
	train_jobs_add_weight(&all, t->g.word_embedding, t->g.mlm_bias, m->logits, t->v_stride, m->out, H, m->count,
	                      t->config.V, h);
	train_jobs_add_weight(&all, t->g.mlm_dense_w, t->g.mlm_dense_b, m->dout, H, m->x, H, m->count, h, h);
	train_jobs_run(t, 0, &all);
}

static void words(struct trainer *t)
{
	struct train_mlm *m = &t->mlm;
	train_for_rows(t, 0, m->count, transform_rows);
	train_for_rows(t, 0, m->count, predict_rows);
	for (int i = 0; i < m->count; i++) {
		t->losses.task += m->loss[i] * t->share;
		t->losses.correct += m->is_right[i];
	}
	t->losses.predicted += m->count;
	if (t->is_training)
		words_backward(t);
	m->count = 0;
}

void train_mlm(struct trainer *t)
{
	struct train_mlm *m = &t->mlm;
	memset(t->d.x, 0, (size_t)t->T * t->h_stride * sizeof *t->d.x);
	m->count = 0;
	if (t->is_training)
		memset(t->touched, 1, (size_t)t->config.V);
	for (int b = 0; b < t->B; b++)
		for (int i = 0; i < t->examples[b]->n; i++) {
			if (t->examples[b]->targets[i] < 0)
				continue;
			m->row[m->count] = t->start[b] + i;
			m->target[m->count++] = t->examples[b]->targets[i];
			if (m->count == WORDS_MOST)
				words(t);
		}
	if (m->count)
		words(t);
}
