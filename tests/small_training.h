/* A tiny model directory and made-up examples, for tests of training. */
#ifndef ADAPLER_SMALL_TRAINING_H
#define ADAPLER_SMALL_TRAINING_H

#include "../engine/base/file.h"
#include "../engine/base/rng.h"
#include "../engine/config.h"
#include "../engine/init.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

enum { TINY_V = 40, TINY_P = 16, TINY_C = 3, TINY_COUNT_MAX = 64, TINY_MASK = 4 };

/* What differs from test to test. */
struct tiny_shape {
	enum family family;
	enum activation act; /* ACT_NONE: gelu */
	int L, K;            /* L 0: 2 */
	uint64_t seed;
};

static inline struct config tiny_config(const struct tiny_shape *s)
{
	static char labels[TINY_C][LABEL_SIZE] = {"no", "yes", "perhaps"};
	struct config c = {.L = s->L ? s->L : 2,
	                   .H = 12,
	                   .A = 3,
	                   .D = 4,
	                   .F = 20,
	                   .V = TINY_V,
	                   .P = TINY_P,
	                   .C = TINY_C,
	                   .K = s->K,
	                   .family = s->family,
	                   .act = s->act ? s->act : ACT_GELU,
	                   .layer_norm_eps = 1e-12,
	                   .hidden_dropout = 0.1,
	                   .attention_dropout = 0.1,
	                   .initializer_range = 0.2,
	                   .labels = labels};
	c.types = s->family == FAMILY_BERT ? 2 : 0;
	return c;
}

/* A model of any config in `dir`, with a vocabulary that is only copied. */
static inline void tiny_write(const char *dir, const struct config *c, uint64_t seed)
{
	static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n";
	char path[4096];
	struct err e = {0};
	CHECK_OK(file_make_directories(dir, &e), &e);
	CHECK_OK(file_join(path, sizeof path, dir, "config.json", &e), &e);
	CHECK_OK(config_write(c, path, &e), &e);
	CHECK_OK(file_join(path, sizeof path, dir, "model.safetensors", &e), &e);
	CHECK_OK(init_write(c, seed, POSITIONS_NORMAL, DTYPE_F32, path, &e), &e);
	CHECK_OK(file_join(path, sizeof path, dir, "vocab.txt", &e), &e);
	CHECK_OK(file_write_atomic(path, vocabulary, sizeof vocabulary - 1, &e), &e);
}

/* test_path(name) with a model in it; borrowed like test_path's. */
static inline const char *tiny_model(const char *name, const struct tiny_shape *shape)
{
	const struct config c = tiny_config(shape);
	const char *dir = test_path(name);
	tiny_write(dir, &c, shape->seed);
	return dir;
}

struct tiny_data {
	int count;
	struct example examples[TINY_COUNT_MAX];
	const struct example *list[TINY_COUNT_MAX];
	int ids[TINY_COUNT_MAX][TINY_P], type_ids[TINY_COUNT_MAX][TINY_P], targets[TINY_COUNT_MAX][TINY_P];
	float saliency[TINY_COUNT_MAX][TINY_P];
};

/* Texts of 1, 2 and then 3 to TINY_P tokens; some saliency is 0; every third token is a hidden word. */
static inline void tiny_data_fill(struct tiny_data *d, int count, uint64_t seed)
{
	memset(d, 0, sizeof *d);
	d->count = count;
	for (int b = 0; b < count; b++) {
		struct example *x = &d->examples[b];
		x->n = b < 2 ? b + 1 : 3 + (int)rng_below(seed, 0, (uint64_t)b, TINY_P - 2);
		x->label = (int)rng_below(seed, 1, (uint64_t)b, TINY_C);
		x->value = rng_normal(seed, 2, (uint64_t)b);
		for (int i = 0; i < x->n; i++) {
			const uint64_t at = (uint64_t)b * TINY_P + (uint64_t)i;
			d->ids[b][i] = i == 0 ? 2 : i == x->n - 1 ? 3 : 5 + (int)rng_below(seed, 3, at, TINY_V - 5);
			d->type_ids[b][i] = i > x->n / 2;
			d->targets[b][i] = i % 3 == 1 ? (int)rng_below(seed, 4, at, TINY_V) : -1;
			d->saliency[b][i] = i % 5 == 4 ? 0 : (float)rng_uniform(seed, 5, at);
		}
		x->ids = d->ids[b];
		x->type_ids = d->type_ids[b];
		x->targets = d->targets[b];
		x->saliency = d->saliency[b];
		d->list[b] = x;
	}
}

#endif
