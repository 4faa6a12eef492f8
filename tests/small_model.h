/* A small model with random weights and a random ragged batch, for tests of what holds for every input. */
#ifndef ADAPLER_SMALL_MODEL_H
#define ADAPLER_SMALL_MODEL_H

#include "../engine/base/rng.h"
#include "../engine/model.h"

#include <stdlib.h>

enum { SMALL_L = 4, SMALL_V = 97, SMALL_P = 80, SMALL_B = 7 };

static inline struct model *small_model(const char *kernels, struct err *e)
{
	struct config c = {
		.L = SMALL_L, .H = 36, .A = 3, .D = 12, .F = 52, .V = SMALL_V, .P = SMALL_P, .C = 3, .types = 2, .K = 9};
	c.act = ACT_GELU;
	c.layer_norm_eps = 1e-12;
	struct model_options o = {.kernels = kernels};
	struct model *m;
	return model_open_random(&m, &c, &o, e) ? NULL : m;
}

struct small_batch {
	struct batch batch;
	int start[SMALL_B + 1], ids[SMALL_B * SMALL_P], type_ids[SMALL_B * SMALL_P], counts[SMALL_B * SMALL_L];
	float scores[SMALL_B * SMALL_P];
};

/* Sequences of 1 to SMALL_P tokens; scores with many ties; counts that do not grow. */
static inline void small_batch_fill(struct small_batch *s, uint64_t seed)
{
	s->start[0] = 0;
	for (int b = 0; b < SMALL_B; b++) {
		int n = b == 0 ? 1 : 1 + (int)rng_below(seed, 1, (uint64_t)b, SMALL_P);
		s->start[b + 1] = s->start[b] + n;
		for (int l = 0; l < SMALL_L; l++)
			s->counts[b * SMALL_L + l] = 1 + n * (SMALL_L - l) / (SMALL_L + 1);
	}
	for (int t = 0; t < s->start[SMALL_B]; t++) {
		s->ids[t] = (int)rng_below(seed, 2, (uint64_t)t, SMALL_V);
		s->type_ids[t] = (int)rng_below(seed, 3, (uint64_t)t, 2);
		s->scores[t] = (float)rng_below(seed, 4, (uint64_t)t, 10);
	}
	s->batch = (struct batch){.B = SMALL_B, .start = s->start, .ids = s->ids, .type_ids = s->type_ids};
	s->batch.scores = s->scores;
	s->batch.counts = s->counts;
}

/* Sequence `b` of it, alone. */
static inline struct batch small_batch_one(const struct small_batch *s, int b, int start[2])
{
	int first = s->start[b];
	start[0] = 0;
	start[1] = s->start[b + 1] - first;
	struct batch one = {.B = 1, .start = start, .ids = s->ids + first, .type_ids = s->type_ids + first};
	one.scores = s->scores + first;
	one.counts = s->counts + b * SMALL_L;
	return one;
}

/* Every policy of the table, and every selector, site and fate. */
static const char *const small_policies[] = {
	"none",
	"adapler:eta=1",
	"adapler:eta=0.99/1/1.01,first=1",
	"adapler:keep=0.7/0.5/0.3/0.2",
	"adapler:replay",
	"adapler:lambda=100,eta=1",
	"adapler:lambda=1e20,eta=1,first=2",
	"attention",
	"attention:keep=0.8/0.4/0.1,site=before",
	"attention:top=9/5/2,fate=carry",
	"attention-cls:threshold=0.02",
	"attention-cls:replay,site=before,fate=carry",
	"saliency",
	"saliency:threshold=3/4/5,site=after",
	"saliency:top=12/8",
	"random:keep=0.6/0.3,seed=5",
	"random:keep=0.5,site=after,fate=carry",
	"power-bert:keep=0.9/0.6/0.3",
	"ltp:threshold=0.01/0.02/0.03",
};
enum { SMALL_POLICIES = sizeof small_policies / sizeof small_policies[0] };

#endif
