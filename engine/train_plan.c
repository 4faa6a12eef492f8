/* The layout of a trainer's memory: what a step leaves behind, layer by layer, and the weights packed both ways. */
#include "trainer.h"

#include <stdlib.h>
#include <string.h>

/* ---- the workspace -------------------------------------------------------------------------------------------- */

static void place_adapler_layer(struct trainer *t, int layer, struct arena *a)
{
	struct train_layer unplaced = {0}, *l = t->layer ? &t->layer[layer] : &unplaced;
	const size_t T = t->max_rows, B = t->max_sequences;
	l->predictor = ARENA_TAKE(a, T * t->k_stride, float);
	l->probability = ARENA_TAKE(a, T, double);
	l->score = ARENA_TAKE(a, T, double);
	l->mask = ARENA_TAKE(a, T, double);
	l->bias = ARENA_TAKE(a, T, double);
	l->length = ARENA_TAKE(a, B, double);
	l->loss_mask = ARENA_TAKE(a, T, double);
	l->loss_length = ARENA_TAKE(a, B, double);
	l->key_bias = ARENA_TAKE(a, T, float);
}

static void place_layer(struct trainer *t, int layer, struct arena *a)
{
	struct train_layer unplaced = {0}, *l = t->layer ? &t->layer[layer] : &unplaced;
	const int is_narrow = train_is_narrow(t, layer);
	const size_t T = t->max_rows, R = is_narrow ? t->max_sequences : T, H = t->h_stride;
	l->x = ARENA_TAKE(a, T * H, float);
	if (is_narrow)
		l->first = ARENA_TAKE(a, R * H, float);
	l->query = ARENA_TAKE(a, R * H, float);
	l->key_value = ARENA_TAKE(a, T * t->kv_stride, float);
	l->context = ARENA_TAKE(a, R * H, float);
	l->lse = ARENA_TAKE(a, (size_t)t->config.A * R, float);
	l->sum1 = ARENA_TAKE(a, R * H, float);
	l->middle = ARENA_TAKE(a, R * H, float);
	l->inner = ARENA_TAKE(a, R * t->f_stride, float);
	l->sum2 = ARENA_TAKE(a, R * H, float);
	if (drop_hidden(t).threshold) {
		l->bits1 = ARENA_TAKE(a, R * (size_t)mask_words(t->config.H), uint16_t);
		l->bits2 = ARENA_TAKE(a, R * (size_t)mask_words(t->config.H), uint16_t);
	}
	if (drop_attention(t).threshold)
		l->attention_bits = ARENA_TAKE(a, R * (size_t)t->config.A * t->max_words, uint16_t);
	if (t->options.adapler)
		place_adapler_layer(t, layer, a);
}

static void place_gradients(struct trainer *t, struct arena *a)
{
	struct train_gradients *d = &t->d;
	const size_t T = t->max_rows, H = t->h_stride;
	float **const rows[] = {&d->x, &d->sum2, &d->output2, &d->sum1, &d->output1, &d->context, &d->query};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		*rows[i] = ARENA_TAKE(a, T * H, float);
	d->inner = ARENA_TAKE(a, T * t->f_stride, float);
	d->active = ARENA_TAKE(a, T * t->f_stride, float);
	d->key_value = ARENA_TAKE(a, T * t->kv_stride, float);
	for (int i = 0; i < 2; i++)
		d->norm_partial[i] = ARENA_TAKE(a, (T / TRAIN_BLOCK_LEAST + 1) * 2 * H, float);
	if (!t->options.adapler)
		return;
	d->head_bias = ARENA_TAKE(a, (size_t)t->config.A * T, float);
	d->predictor = ARENA_TAKE(a, T * t->k_stride, float);
	d->predictor_active = ARENA_TAKE(a, T * t->k_stride, float);
	d->score = ARENA_TAKE(a, T, float);
	double **const wide[] = {&d->mask, &d->bias, &d->loss_mask, &d->soft_score, &d->scratch};
	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		*wide[i] = ARENA_TAKE(a, T, double);
	d->length = ARENA_TAKE(a, t->max_sequences, double);
	d->loss_length = ARENA_TAKE(a, t->max_sequences, double);
}

static void place_head(struct trainer *t, struct arena *a)
{
	const size_t B = t->max_sequences, H = t->h_stride, C = row_stride(t->config.C);
	float **const rows[] = {&t->pooled_sum, &t->pooled, &t->dropped, &t->dpooled, &t->dfirst};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		*rows[i] = ARENA_TAKE(a, B * H, float);
	t->logits = ARENA_TAKE(a, B * C, float);
	t->dlogits = ARENA_TAKE(a, B * C, float);
	t->pooled_bits = ARENA_TAKE(a, B * (size_t)mask_words(t->config.H), uint16_t);
}

/* Run twice, measuring and placing: see base/arena.h. */
void train_place_work(struct trainer *t, struct arena *a)
{
	const size_t T = t->max_rows, B = t->max_sequences, H = t->h_stride, L = (size_t)t->config.L;
	t->start = ARENA_TAKE(a, B + 1, int);
	t->ids = ARENA_TAKE(a, T, int);
	t->type_ids = ARENA_TAKE(a, T, int);
	t->touched = ARENA_TAKE(a, (size_t)t->config.V, unsigned char);
	t->embedding_sum = ARENA_TAKE(a, T * H, float);
	t->embedding_bits = ARENA_TAKE(a, T * (size_t)mask_words(t->config.H), uint16_t);
	t->state = ARENA_TAKE(a, T * H, float);
	t->layer = ARENA_TAKE(a, L + 1, struct train_layer);
	for (int l = 0; l < t->config.L; l++)
		place_layer(t, l, a);
	if (t->options.adapler)
		place_adapler_layer(t, t->config.L, a);
	place_gradients(t, a);
	t->active = ARENA_TAKE(a, (size_t)t->threads * TRAIN_BLOCK_MOST * t->f_stride, float);
	t->attention_scratch = ARENA_TAKE(a, (size_t)t->threads * t->attention_scratch_floats, float);
	double **const layers[] = {&t->kl, &t->length, &t->eta_gradient, &t->theta_gradient};
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		*layers[i] = ARENA_TAKE(a, L + 1, double);
	if (train_is_mlm(t))
		train_mlm_plan(t, a);
	else
		place_head(t, a);
}

/* ---- packed weights ------------------------------------------------------------------------------------------- */

static size_t back_floats(const struct map_source *s)
{
	return (size_t)panel_count(s->K) * (size_t)(s->N * s->count) * PANEL;
}

void train_place_back(struct trainer *t, struct arena *a)
{
	size_t widest = 0;
	t->back = ARENA_TAKE(a, (size_t)t->sources_count, struct linear);
	for (int i = 0; i < t->sources_count; i++) {
		const struct map_source *s = &t->sources[i];
		float *panels = ARENA_TAKE(a, back_floats(s), float);
		size_t columns = (size_t)panel_count(s->K) * PANEL;
		widest = columns > widest ? columns : widest;
		if (t->back)
			t->back[i] = (struct linear){.K = s->N * s->count, .N = s->K, .panels = panels};
	}
	t->zero_bias = ARENA_TAKE(a, widest, float);
	for (int i = 0; i < t->sources_count && t->back; i++)
		t->back[i].bias = t->zero_bias;
}

/* The maps of the masked language model are the trainer's own: their packed weights are placed here. */
void train_place_mlm_maps(struct trainer *t, struct arena *a)
{
	for (int i = t->sources_count - (train_is_mlm(t) ? 2 : 0); i < t->sources_count; i++) {
		const struct map_source *s = &t->sources[i];
		const size_t columns = (size_t)panel_count(s->N) * PANEL;
		*s->map = (struct linear){.K = s->K, .N = s->N};
		s->map->panels = ARENA_TAKE(a, columns * (size_t)s->K, float);
		s->map->bias = ARENA_TAKE(a, columns, float);
	}
}

int train_list_sources(struct trainer *t, struct err *e)
{
	const struct config *c = &t->config;
	const size_t most = (size_t)c->L * MAPS_PER_LAYER + MAPS_OF_MODEL + 2;
	t->sources = calloc(most, sizeof *t->sources);
	if (!t->sources)
		return err_set(e, ERR_MEMORY, "out of memory for %zu maps", most);
	t->sources_count = model_list_maps(t->model, t->sources);
	if (train_is_mlm(t)) {
		t->sources[t->sources_count++] =
			(struct map_source){&t->mlm.transform, c->H, c->H, 1, {t->w.mlm_dense_w}, {t->w.mlm_dense_b}};
		t->sources[t->sources_count++] =
			(struct map_source){&t->mlm.decoder, c->H, c->V, 1, {t->w.word_embedding}, {t->w.mlm_bias}};
	}
	return 0;
}

const struct linear *train_back(const struct trainer *t, const struct linear *map)
{
	for (int i = 0; i < t->sources_count; i++)
		if (t->sources[i].map == map)
			return &t->back[i];
	return NULL;
}
