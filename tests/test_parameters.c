/* The block of a model's parameters: where every tensor lies in it. */
#include "../engine/parameters.h"

#include "test.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 3 };

static struct config shape(enum family family, int L, int K)
{
	struct config c = {.L = L, .H = 20, .A = 2, .D = 10, .F = 33, .V = 71, .P = 17, .C = 3, .K = K};
	c.family = family;
	c.types = family == FAMILY_BERT ? 2 : 0;
	return c;
}

/* Two blocks, as weights and gradients are; the arena is the caller's to close. */
static void place(struct parameters p[2], const struct config *c, unsigned groups, struct arena *a)
{
	struct err e = {0};
	*a = (struct arena){0};
	for (int i = 0; i < 2; i++)
		parameters_place(&p[i], c, groups, a);
	if (!CHECK_OK(arena_open(a, &e), &e))
		abort();
	for (int i = 0; i < 2; i++)
		parameters_place(&p[i], c, groups, a);
}

struct walk {
	const struct parameters *p;
	const float *end; /* of the tensor before */
	size_t floats;
	int count;
};

static int64_t size_of(const struct weight_info *info) { return info->rows * (info->columns ? info->columns : 1); }

/* Aligned, inside the block, and fills itself with ones: overlaps are counted once. */
static int visit(const struct weight_info *info, void *arg)
{
	struct walk *w = arg;
	float *tensor = (float *)(uintptr_t)*info->slot;
	const size_t size = (size_t)size_of(info);
	if (!tensor)
		return 0;
	CHECK((uintptr_t)tensor % 64 == 0);
	CHECK(tensor >= w->p->values && tensor + size <= w->p->values + w->p->count);
	for (size_t i = 0; i < size; i++)
		tensor[i] = 1;
	w->floats += size;
	w->count++;
	return 0;
}

static struct walk walk_all(const struct parameters *p, const struct config *c)
{
	struct weights view;
	struct layer_weights layers[LAYERS];
	struct walk w = {.p = p};
	parameters_view(&view, layers, p, c);
	weights_visit(&view, c, ~0u, visit, &w);
	return w;
}

static void check_cover(enum family family, unsigned groups, int L, int K, int tensors)
{
	struct config c = shape(family, L, K);
	struct parameters p[2];
	struct arena a;
	place(p, &c, groups, &a);
	const struct walk w = walk_all(&p[0], &c);
	size_t ones = 0, others = 0;
	for (size_t i = 0; i < p[0].count; i++) {
		ones += p[0].values[i] == 1;
		others += p[1].values[i] != 0;
	}
	CHECK_INT((long long)ones, (long long)w.floats);
	CHECK_INT((long long)others, 0);
	CHECK_INT(w.count, tensors);
	CHECK(p[0].count - w.floats < 16 * (size_t)tensors);
	CHECK(p[0].count == p[1].count);
	arena_close(&a);
}

enum {
	BASE = 1 << GROUP_EMBEDDINGS | 1 << GROUP_TYPES | 1 << GROUP_ENCODER,
	CLASSIFIER = BASE | 1 << GROUP_HEAD,
	ADAPLER = CLASSIFIER | 1 << GROUP_PREDICTORS,
	LANGUAGE = BASE | 1 << GROUP_MLM
};

/* Tensors: 5 of the embeddings (4 of DistilBERT), 16 a layer, 4 of the head, 5 of the language model, 4 a layer of the
 * predictors with eta and theta. */
TEST(every_tensor_of_the_groups_has_its_own_aligned_place)
{
	check_cover(FAMILY_BERT, CLASSIFIER, 3, 0, 5 + 3 * 16 + 4);
	check_cover(FAMILY_BERT, ADAPLER, 3, 9, 5 + 3 * 20 + 4 + 2);
	check_cover(FAMILY_BERT, LANGUAGE, 2, 0, 5 + 2 * 16 + 5);
	check_cover(FAMILY_DISTILBERT, ADAPLER, 2, 32, 4 + 2 * 20 + 4 + 2);
}

TEST(predictors_are_left_out_without_a_width_and_theta_with_one_layer)
{
	check_cover(FAMILY_BERT, ADAPLER, 2, 0, 5 + 2 * 16 + 4);
	check_cover(FAMILY_BERT, ADAPLER, 1, 8, 5 + 20 + 4 + 1);
}

TEST(all_blocks_have_one_layout)
{
	struct config c = shape(FAMILY_BERT, 3, 9);
	struct parameters p[2];
	struct arena a;
	place(p, &c, ADAPLER, &a);
#define SAME(field) CHECK((p[0].field) - p[0].values == (p[1].field) - p[1].values)
	SAME(word_embedding);
	SAME(embedding_norm_b);
	SAME(layer[0].query_w);
	SAME(layer[2].output_norm_b);
	SAME(layer[1].cp_score_b);
	SAME(classifier_b);
	SAME(eta);
	SAME(theta);
	CHECK(p[1].values >= p[0].values + p[0].count);
	CHECK(!p[0].mlm_bias && !p[0].mlm_dense_w);
	arena_close(&a);
}

TEST(a_view_shows_the_same_floats)
{
	struct config c = shape(FAMILY_BERT, 2, 9);
	struct parameters p[2];
	struct arena a;
	struct weights view;
	struct layer_weights layers[2];
	place(p, &c, ADAPLER, &a);
	parameters_view(&view, layers, &p[1], &c);
	CHECK(view.layer == layers && !view.checkpoint && !view.owned);
	CHECK(view.word_embedding == p[1].word_embedding && view.theta == p[1].theta && !view.mlm_norm_g);
	CHECK(view.layer[1].ffn_in_w == p[1].layer[1].ffn_in_w && view.layer[0].cp_dense_b == p[1].layer[0].cp_dense_b);
	arena_close(&a);
}
