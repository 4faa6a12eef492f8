/* Opening a model: config, checked weights, packed matrices. Everything is read-only afterwards. */
#include "model.h"

#include "base/rng.h"
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Takes room for a linear map of `count` matrices [N,K] side by side, and fills it when the arena is placed. The
 * openblas table reads rows as they are in the checkpoint; several matrices are then copied one under the other. */
static void place_linear(struct linear *out, struct model *m, int K, int N, const float *const *w,
                         const float *const *bias, int count)
{
	int is_blas = strcmp(m->kernels->name, "openblas") == 0;
	size_t columns = (size_t)panel_count(N * count) * PANEL;
	float *panels = is_blas ? NULL : ARENA_TAKE(&m->block, columns * (size_t)K, float);
	float *rows = is_blas && count > 1 ? ARENA_TAKE(&m->block, (size_t)N * (size_t)count * (size_t)K, float) : NULL;
	float *b = ARENA_TAKE(&m->block, columns, float);
	*out = (struct linear){.K = K,
	                       .N = N * count,
	                       .panels = panels,
	                       .bias = b,
	                       .rows = !is_blas ? NULL
	                               : rows   ? rows
	                                        : w[0]};
	if (!b)
		return;
	for (int i = 0; i < count; i++) {
		memcpy(b + (size_t)i * (size_t)N, bias[i], (size_t)N * sizeof *b);
		if (panels)
			linear_pack(panels, K, i * N, w[i], N);
		else if (rows)
			memcpy(rows + (size_t)i * (size_t)N * (size_t)K, w[i], (size_t)N * (size_t)K * sizeof *rows);
	}
}

static void place_layer(struct layer_maps *maps, struct model *m, const struct layer_weights *w)
{
	const struct config *c = &m->config;
	place_linear(&maps->query, m, c->H, c->H, &w->query_w, &w->query_b, 1);
	place_linear(&maps->key_value, m, c->H, c->H, (const float *[]){w->key_w, w->value_w},
	             (const float *[]){w->key_b, w->value_b}, 2);
	place_linear(&maps->attention, m, c->H, c->H, &w->attention_w, &w->attention_b, 1);
	place_linear(&maps->ffn_in, m, c->H, c->F, &w->ffn_in_w, &w->ffn_in_b, 1);
	place_linear(&maps->ffn_out, m, c->F, c->H, &w->ffn_out_w, &w->ffn_out_b, 1);
	if (c->K)
		place_linear(&maps->predictor, m, c->H, c->K, &w->cp_dense_w, &w->cp_dense_b, 1);
}

/* The file's pages that were packed leave memory, so that the peak is the packed weights and no second copy. */
static void release_source(const struct model *m)
{
	if (m->block.base && m->weights.checkpoint)
		checkpoint_release_pages(m->weights.checkpoint);
}

/* Run twice: on a zeroed arena it measures, on an open one it places and packs. */
static void place_model(struct model *m)
{
	const struct config *c = &m->config;
	for (int l = 0; l < c->L; l++) {
		place_layer(&m->maps[l], m, &m->weights.layer[l]);
		release_source(m);
	}
	place_linear(&m->pooler, m, c->H, c->H, &m->weights.pooler_w, &m->weights.pooler_b, 1);
	place_linear(&m->classifier, m, c->H, c->C, &m->weights.classifier_w, &m->weights.classifier_b, 1);
}

static int pack(struct model *m, struct err *e)
{
	m->maps = calloc((size_t)m->config.L, sizeof *m->maps);
	if (!m->maps)
		return err_set(e, ERR_MEMORY, "out of memory for %d layers", m->config.L);
	place_model(m);
	int code = arena_open(&m->block, e);
	if (code)
		return code;
	place_model(m);
	release_source(m);
	return 0;
}

static int find_kernels(struct model *m, const char *name, struct err *e)
{
	m->kernels = kernels_find(name);
	if (m->kernels)
		return 0;
	const char *known[16] = {NULL};
	int count = 0;
	for (const struct kernels *const *k = kernels_all(); *k && count < 15; k++)
		if ((*k)->is_available())
			known[count++] = (*k)->name;
	char hint[256];
	err_suggest(hint, sizeof hint, name ? name : "", known);
	return err_set(e, ERR_USAGE, "no kernels '%s' on this processor%s", name ? name : "", hint);
}

static int open_parts(struct model *m, const char *dir, const struct model_options *o, struct err *e)
{
	unsigned groups = 1U << GROUP_ENCODER | 1U << GROUP_HEAD;
	if (!o->without_embeddings)
		groups |= 1U << GROUP_EMBEDDINGS | 1U << GROUP_TYPES;
	int code = find_kernels(m, o->kernels, e);
	if (!code)
		code = config_read(&m->config, dir, e);
	if (!code)
		code = weights_open(&m->weights, &m->config, dir, groups, e);
	return code ? code : pack(m, e);
}

int model_open(struct model **out, const char *dir, const struct model_options *options, struct err *e)
{
	static const struct model_options defaults = {0};
	struct model *m = calloc(1, sizeof *m);
	*out = NULL;
	if (!m)
		return err_set(e, ERR_MEMORY, "out of memory for a model");
	int code = open_parts(m, dir, options ? options : &defaults, e);
	if (code) {
		model_close(m);
		return code;
	}
	*out = m;
	return 0;
}

struct filling {
	float *random;
	int64_t size;
};

static int count_largest(const struct weight_info *info, void *arg)
{
	struct filling *f = arg;
	int64_t size = info->rows * (info->columns ? info->columns : 1);
	f->size = size > f->size ? size : f->size;
	return 0;
}

/* All tensors share one block of values: time does not depend on them. */
static int point_at_random(const struct weight_info *info, void *arg)
{
	const struct filling *f = arg;
	*(const float **)(uintptr_t)info->slot = f->random;
	return 0;
}

static int fill_random(struct model *m, struct err *e)
{
	struct filling f = {0};
	m->weights.layer = calloc((size_t)m->config.L, sizeof *m->weights.layer);
	if (!m->weights.layer)
		return err_set(e, ERR_MEMORY, "out of memory for %d layers", m->config.L);
	weights_visit(&m->weights, &m->config, ~0U, count_largest, &f);
	m->random = f.random = malloc((size_t)f.size * sizeof *f.random);
	if (!f.random)
		return err_set(e, ERR_MEMORY, "out of memory for %lld random weights", (long long)f.size);
	for (int64_t i = 0; i < f.size; i++)
		f.random[i] = (float)(rng_uniform(1, 0, (uint64_t)i) - 0.5) * 0.07F;
	weights_visit(&m->weights, &m->config, ~0U, point_at_random, &f);
	return pack(m, e);
}

int model_open_random(struct model **out, const struct config *c, const struct model_options *options, struct err *e)
{
	struct model *m = calloc(1, sizeof *m);
	*out = NULL;
	if (!m)
		return err_set(e, ERR_MEMORY, "out of memory for a model");
	m->config = *c;
	int code = find_kernels(m, options ? options->kernels : NULL, e);
	if (!code)
		code = fill_random(m, e);
	if (code) {
		model_close(m);
		return code;
	}
	*out = m;
	return 0;
}

void model_close(struct model *m)
{
	if (!m)
		return;
	arena_close(&m->block);
	weights_close(&m->weights);
	config_free(&m->config);
	free(m->random);
	free(m->maps);
	free(m);
}

const struct config *model_config(const struct model *m) { return &m->config; }

const char *model_kernels(const struct model *m) { return m->kernels->name; }

const float *model_eta(const struct model *m) { return m->config.K ? m->weights.eta : NULL; }

size_t model_bytes(const struct model *m)
{
	const struct config *c = &m->config;
	size_t rows = m->weights.word_embedding ? (size_t)c->V + (size_t)c->P + (size_t)c->types : 0;
	return m->block.size + rows * (size_t)c->H * sizeof(float);
}
