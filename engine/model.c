/* Opening a model: config, checked weights, packed matrices. Everything is read-only afterwards. */
#include "model.h"

#include "base/file.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "checkpoint.h"
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- packing -------------------------------------------------------------------------------------------------- */

static void add_map(struct map_source *out, int *count, const struct map_source *s)
{
	if (s->w[0] && s->K && s->N)
		out[(*count)++] = *s;
}

int model_list_maps(struct model *m, struct map_source *out)
{
	const struct config *c = &m->config;
	const int H = c->H, F = c->F;
	int count = 0;
#define ADD(map, K, N, count_, ...) add_map(out, &count, &(struct map_source){map, K, N, count_, __VA_ARGS__})
	for (int l = 0; l < c->L; l++) {
		const struct layer_weights *w = &m->weights.layer[l];
		struct layer_maps *maps = &m->maps[l];
		ADD(&maps->query, H, H, 1, {w->query_w}, {w->query_b});
		ADD(&maps->key_value, H, H, 2, {w->key_w, w->value_w}, {w->key_b, w->value_b});
		ADD(&maps->attention, H, H, 1, {w->attention_w}, {w->attention_b});
		ADD(&maps->ffn_in, H, F, 1, {w->ffn_in_w}, {w->ffn_in_b});
		ADD(&maps->ffn_out, F, H, 1, {w->ffn_out_w}, {w->ffn_out_b});
		ADD(&maps->predictor, H, c->K, 1, {w->cp_dense_w}, {w->cp_dense_b});
	}
	ADD(&m->pooler, H, H, 1, {m->weights.pooler_w}, {m->weights.pooler_b});
	ADD(&m->classifier, H, c->C, 1, {m->weights.classifier_w}, {m->weights.classifier_b});
#undef ADD
	return count;
}

static int is_blas(const struct model *m) { return strcmp(m->kernels->name, "openblas") == 0; }

/* Takes room for a map. The openblas table reads rows as they are in the checkpoint; several matrices are then copied
 * one under the other. */
static void map_place(struct model *m, const struct map_source *s)
{
	const size_t columns = (size_t)panel_count(s->N * s->count) * PANEL, size = (size_t)s->N * (size_t)s->K;
	struct linear *out = s->map;
	*out = (struct linear){.K = s->K, .N = s->N * s->count};
	if (!is_blas(m))
		out->panels = ARENA_TAKE(&m->block, columns * (size_t)s->K, float);
	else
		out->rows = s->count > 1 ? ARENA_TAKE(&m->block, size * (size_t)s->count, float) : s->w[0];
	out->bias = ARENA_TAKE(&m->block, columns, float);
}

void map_fill(const struct map_source *s)
{
	const size_t size = (size_t)s->N * (size_t)s->K;
	float *panels = (float *)(uintptr_t)s->map->panels, *rows = (float *)(uintptr_t)s->map->rows,
		  *bias = (float *)(uintptr_t)s->map->bias;
	for (int i = 0; i < s->count; i++) {
		memcpy(bias + (size_t)i * (size_t)s->N, s->bias[i], (size_t)s->N * sizeof *bias);
		if (panels)
			linear_pack(panels, s->K, i * s->N, s->w[i], s->N);
		else if (rows != s->w[i])
			memcpy(rows + (size_t)i * size, s->w[i], size * sizeof *rows);
	}
}

/* The file's pages that were packed leave memory, so that the peak is the packed weights and no second copy. */
static void release_source(const struct model *m)
{
	if (m->weights.checkpoint)
		checkpoint_release_pages(m->weights.checkpoint);
}

/* Measures and places, then fills. */
static int pack_maps(struct model *m, struct map_source *sources, struct err *e)
{
	int count = model_list_maps(m, sources), code;
	for (int i = 0; i < count; i++)
		map_place(m, &sources[i]);
	if ((code = arena_open(&m->block, e)))
		return code;
	for (int i = 0; i < count; i++) {
		map_place(m, &sources[i]);
		map_fill(&sources[i]);
		release_source(m);
	}
	return 0;
}

static int pack(struct model *m, struct err *e)
{
	const size_t L = (size_t)m->config.L;
	m->maps = calloc(L, sizeof *m->maps);
	struct map_source *sources = calloc(L * MAPS_PER_LAYER + MAPS_OF_MODEL, sizeof *sources);
	int code = m->maps && sources ? pack_maps(m, sources, e)
	                              : err_set(e, ERR_MEMORY, "out of memory for %d layers", m->config.L);
	free(sources);
	return code;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

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
	weights_visit(&m->weights, &m->config, GROUPS_CLASSIFIER, count_largest, &f);
	m->random = f.random = malloc((size_t)f.size * sizeof *f.random);
	if (!f.random)
		return err_set(e, ERR_MEMORY, "out of memory for %lld random weights", (long long)f.size);
	for (int64_t i = 0; i < f.size; i++)
		f.random[i] = (float)(rng_uniform(1, 0, (uint64_t)i) - 0.5) * 0.07F;
	weights_visit(&m->weights, &m->config, GROUPS_CLASSIFIER, point_at_random, &f);
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

int model_open_view(struct model **out, const struct config *c, const struct weights *w, const struct kernels *kernels,
                    struct err *e)
{
	struct model *m = calloc(1, sizeof *m);
	*out = m;
	if (!m)
		return err_set(e, ERR_MEMORY, "out of memory for a model");
	m->config = *c;
	m->weights = *w;
	m->kernels = kernels;
	int code = pack(m, e);
	if (code) {
		/* Still the caller's. */
		m->weights = (struct weights){0};
		m->config.labels = NULL;
		model_close(m);
		*out = NULL;
	}
	return code;
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

size_t model_packed_bytes(const struct model *m) { return m->block.size; }

int model_sha256(const char *dir, char hex[65], struct err *e)
{
	struct checkpoint *file;
	struct sha256 hash;
	int code = checkpoint_open(&file, dir, e);
	if (code)
		return code;
	sha256_init(&hash);
	for (int i = 0; i < checkpoint_file_count(file) && !code; i++) {
		struct file_map map;
		code = file_map_open(&map, checkpoint_file(file, i), e);
		if (!code) {
			sha256_add(&hash, map.data, map.size);
			file_map_close(&map);
		}
	}
	sha256_end(&hash, hex);
	checkpoint_close(file);
	return code;
}
