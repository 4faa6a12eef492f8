/* The trainer against float64 goldens of an independent implementation: losses, gradients, optimiser steps. */
#include "../engine/base/json.h"
#include "../engine/kernels_ref.h"
#include "../engine/trainer.h"
#include "small_training.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES_MAX = 16, TOKENS_MAX = 64 };

struct golden {
	struct trainer *trainer;
	cJSON *forward, *training;
	struct checkpoint *expected;
	int count;
	struct example examples[EXAMPLES_MAX];
	const struct example *list[EXAMPLES_MAX];
	int ids[EXAMPLES_MAX][TOKENS_MAX], type_ids[EXAMPLES_MAX][TOKENS_MAX];
	float saliency[EXAMPLES_MAX][TOKENS_MAX];
	struct err e;
};

static const cJSON *at(const cJSON *object, const char *name) { return cJSON_GetObjectItemCaseSensitive(object, name); }

static double number(const cJSON *object, const char *name) { return at(object, name)->valuedouble; }

static void read_example(struct golden *g, const cJSON *json)
{
	struct example *x = &g->examples[g->count];
	const cJSON *item;
	int i = 0;
	cJSON_ArrayForEach(item, at(json, "ids")) g->ids[g->count][x->n++] = item->valueint;
	cJSON_ArrayForEach(item, at(json, "type_ids")) g->type_ids[g->count][i++] = item->valueint;
	i = 0;
	cJSON_ArrayForEach(item, at(json, "saliency")) g->saliency[g->count][i++] = (float)item->valuedouble;
	x->ids = g->ids[g->count];
	x->type_ids = g->type_ids[g->count];
	x->saliency = g->saliency[g->count];
	x->label = at(json, "label")->valueint;
	g->list[g->count++] = x;
}

/* `kernels` NULL: the fastest. */
static int golden_open(struct golden *g, const char *name, const struct kernels *kernels, int max_rows, int threads)
{
	char path[512];
	const cJSON *example;
	memset(g, 0, sizeof *g);
	snprintf(path, sizeof path, "goldens/%s", name);
	const char *dir = test_shared(path);
	if (!dir)
		return 0;
	snprintf(path, sizeof path, "%s/training.json", dir);
	if (!CHECK((g->training = json_parse_file(path, &g->e)) != NULL))
		return 0;
	snprintf(path, sizeof path, "%s/forward.json", dir);
	if (!CHECK((g->forward = json_parse_file(path, &g->e)) != NULL))
		return 0;
	cJSON_ArrayForEach(example, at(g->forward, "examples")) read_example(g, example);
	struct trainer_options o = {.adapler = 1,
	                            .gamma = number(g->training, "gamma"),
	                            .phi = number(g->training, "phi"),
	                            .hidden_dropout = -1,
	                            .threads = threads,
	                            .max_rows = max_rows};
	return CHECK_OK(trainer_open_with(&g->trainer, dir, &o, kernels, &g->e), &g->e);
}

static void golden_close(struct golden *g)
{
	trainer_close(g->trainer);
	checkpoint_close(g->expected);
	cJSON_Delete(g->forward);
	cJSON_Delete(g->training);
}

struct comparison {
	const struct checkpoint *expected;
	double tolerance, scale;
	int by_norm; /* compare norms instead of values */
	int count;
};

static void check_norm(const struct weight_info *info, const float *found, const float *expected, double tolerance)
{
	double a = 0, b = 0;
	for (int64_t i = 0; i < info->rows * (info->columns ? info->columns : 1); i++) {
		a += (double)found[i] * found[i];
		b += (double)expected[i] * expected[i];
	}
	if (!(fabs(sqrt(a) - sqrt(b)) <= tolerance * sqrt(b)))
		test_fail(__FILE__, __LINE__, "norm of %s is %.9g, not %.9g", info->name, sqrt(a), sqrt(b));
}

/* Relative to the tensor's largest value; key biases have no gradient but rounding. */
static int compare(const struct weight_info *info, void *arg)
{
	struct comparison *c = arg;
	const struct tensor *t = checkpoint_find(c->expected, info->name);
	const int64_t count = info->rows * (info->columns ? info->columns : 1);
	if (!*info->slot || strstr(info->name, "key.bias") || strstr(info->name, "score.bias") || !t)
		return 0;
	float *expected = malloc((size_t)count * sizeof *expected);
	tensor_to_float(expected, t, 0, count);
	double largest = c->scale;
	for (int64_t i = 0; i < count; i++)
		largest = fmax(largest, fabs(expected[i]));
	if (c->by_norm)
		check_norm(info, *info->slot, expected, c->tolerance);
	for (int64_t i = 0; i < count && !c->by_norm; i++)
		if (!(fabs((*info->slot)[i] - expected[i]) <= c->tolerance * largest)) {
			test_fail(__FILE__, __LINE__, "%s[%lld] is %.9g, not %.9g (largest %.3g)", info->name, (long long)i,
			          (double)(*info->slot)[i], (double)expected[i], largest);
			break;
		}
	free(expected);
	c->count++;
	return 0;
}

static void compare_all(struct golden *g, const struct parameters *p, const char *name, const char *file,
                        struct comparison c)
{
	char path[512];
	struct weights view;
	struct layer_weights layers[16];
	snprintf(path, sizeof path, "goldens/%s/%s", name, file);
	REQUIRE_OK(checkpoint_open(&g->expected, test_shared(path), &g->e), &g->e);
	c.expected = g->expected;
	parameters_view(&view, layers, p, &g->trainer->config);
	weights_visit(&view, &g->trainer->config, GROUPS_CLASSIFIER, compare, &c);
	CHECK(c.count > 20);
	checkpoint_close(g->expected);
	g->expected = NULL;
}

static void check_losses(const struct losses *l, const cJSON *log, double tolerance)
{
	const cJSON *kl;
	double length = 0;
	int i = 0;
	CHECK_NEAR(l->task, number(log, "ce"), tolerance);
	cJSON_ArrayForEach(kl, at(log, "kl"))
	{
		CHECK_NEAR(l->kl[i], kl->valuedouble, tolerance);
		length += l->length[i++];
	}
	CHECK_NEAR(length, number(log, "length"), 20 * tolerance);
	CHECK_NEAR(l->model, number(log, "model_loss"), tolerance);
	CHECK_NEAR(l->speed, number(log, "speed_loss"), tolerance);
}

static void check_list(const double *found, const cJSON *expected, double tolerance)
{
	int i = 0;
	const cJSON *x;
	cJSON_ArrayForEach(x, expected) CHECK_NEAR(found[i++], x->valuedouble, tolerance);
}

static void check_gradients(const char *name, const struct kernels *kernels, int max_rows, int threads)
{
	struct golden g;
	struct losses l;
	if (!golden_open(&g, name, kernels, max_rows, threads))
		return;
	const cJSON *log = at(g.training, "log")->child;
	REQUIRE_OK(trainer_gradient(g.trainer, g.list, g.count, 0, number(g.training, "lambda"), &l, &g.e), &g.e);
	check_losses(&l, log, 1e-5);
	check_list(g.trainer->eta_gradient, at(log, "grad_eta"), 1e-5);
	check_list(g.trainer->theta_gradient, at(log, "grad_theta"), 1e-6);
	compare_all(&g, &g.trainer->g, name, "grads_step0.safetensors", (struct comparison){.tolerance = 1e-4});
	golden_close(&g);
}

TEST(one_steps_gradients_are_the_goldens)
{
	check_gradients("adapler-a", NULL, 0, 2);
	check_gradients("adapler-b", NULL, 0, 2);
}

TEST(the_reference_kernels_give_the_goldens_too)
{
	check_gradients("adapler-a", &kernels_reference, 0, 1);
	check_gradients("adapler-b", &kernels_reference, 0, 1);
}

TEST(micro_batches_add_up_to_the_batch)
{
	check_gradients("adapler-a", NULL, 64, 3);
}

static void check_trajectory(const char *name)
{
	struct golden g;
	struct losses l;
	struct norms n;
	if (!golden_open(&g, name, NULL, 0, 2))
		return;
	const cJSON *log = at(g.training, "log")->child;
	for (uint64_t step = 0; log; log = log->next, step++) {
		const struct rates r = {.network = number(log, "lr"), .speed = number(log, "lr_speed")};
		REQUIRE_OK(trainer_gradient(g.trainer, g.list, g.count, step, number(g.training, "lambda"), &l, &g.e), &g.e);
		check_losses(&l, log, 1e-4);
		REQUIRE_OK(trainer_update(g.trainer, &r, &n, &g.e), &g.e);
		CHECK_NEAR(n.network, number(log, "clip_norm"), 1e-4 * number(log, "clip_norm"));
		/* Float weights under an eps of 1e-12 drift with the steps, with the twins in double too. */
		CHECK_NEAR(n.speed, number(log, "clip_norm_speed"), 3e-4 * number(log, "clip_norm_speed"));
		int i = 0;
		const cJSON *x;
		cJSON_ArrayForEach(x, at(log, "eta_after")) CHECK_NEAR(g.trainer->w.eta[i++], x->valuedouble, 1e-4);
		i = 0;
		cJSON_ArrayForEach(x, at(log, "theta_after")) CHECK_NEAR(g.trainer->w.theta[i++], x->valuedouble, 1e-4);
	}
	compare_all(&g, &g.trainer->w, name, "after_steps.safetensors",
	            (struct comparison){.tolerance = 1e-4, .by_norm = 1});
	golden_close(&g);
}

TEST(several_steps_of_both_optimisers_are_the_goldens)
{
	check_trajectory("adapler-a");
	check_trajectory("adapler-b");
}

TEST(saliency_is_the_goldens)
{
	struct golden g;
	float found[EXAMPLES_MAX * TOKENS_MAX], *x = found;
	if (!golden_open(&g, "adapler-a", NULL, 100, 2))
		return;
	REQUIRE_OK(trainer_saliency(g.trainer, g.list, g.count, found, &g.e), &g.e);
	for (int i = 0; i < g.count; x += g.list[i++]->n)
		for (int j = 0; j < g.list[i]->n; j++)
			CHECK_NEAR(x[j], g.saliency[i][j], 1e-5);
	golden_close(&g);
}

/* ---- derivatives by the embeddings ---- */

enum { TINY_H = 12, TINY_TEXTS = 5 };

struct tiny_trainer {
	struct trainer *trainer;
	struct tiny_data data;
	float embedding[TINY_TEXTS * TINY_P * TINY_H], gradient[TINY_TEXTS * TINY_P * TINY_H], logit[TINY_TEXTS];
	int tokens;
};

/* With room for one text at a time or for all. */
static void tiny_differentiate(struct tiny_trainer *x, int max_sequences)
{
	struct err e = {0};
	const struct trainer_options o = {
		.objective = OBJECTIVE_CLASSIFY, .threads = 2, .max_rows = TINY_TEXTS * TINY_P, .max_sequences = max_sequences};
	const struct tiny_shape shape = {.seed = 4};
	const struct input_gradient out = {.embedding = x->embedding, .gradient = x->gradient, .logit = x->logit};
	tiny_data_fill(&x->data, TINY_TEXTS, 9);
	REQUIRE_OK(trainer_open(&x->trainer, tiny_model("differentiable", &shape), &o, &e), &e);
	CHECK_OK(trainer_input_gradient(x->trainer, x->data.list, TINY_TEXTS, &out, &e), &e);
	x->tokens = 0;
	for (int i = 0; i < TINY_TEXTS; i++)
		x->tokens += x->data.examples[i].n;
}

TEST(input_gradients_are_differences_of_the_label_s_logit)
{
	static struct tiny_trainer x;
	struct err e = {0};
	float moved[TINY_TEXTS * TINY_P * TINY_H], up[TINY_TEXTS], down[TINY_TEXTS];
	tiny_differentiate(&x, 0);
	int token = 0;
	for (int i = 0; i < TINY_TEXTS; token += x.data.examples[i++].n)
		for (int k = 0; k < 6; k++) {
			const int at = (token + k % x.data.examples[i].n) * TINY_H + (k * 7) % TINY_H;
			const float step = 2e-3f;
			memcpy(moved, x.embedding, sizeof moved);
			moved[at] += step;
			REQUIRE_OK(trainer_input_gradient(x.trainer, x.data.list, TINY_TEXTS,
			                                  &(struct input_gradient){.given = moved, .logit = up}, &e),
			           &e);
			moved[at] -= 2 * step;
			REQUIRE_OK(trainer_input_gradient(x.trainer, x.data.list, TINY_TEXTS,
			                                  &(struct input_gradient){.given = moved, .logit = down}, &e),
			           &e);
			CHECK_NEAR((up[i] - down[i]) / (2 * step), x.gradient[at], 2e-3);
		}
	trainer_close(x.trainer);
}

TEST(input_gradients_do_not_depend_on_company_and_give_the_saliency)
{
	static struct tiny_trainer x, y;
	struct err e = {0};
	float saliency[TINY_TEXTS * TINY_P];
	tiny_differentiate(&x, 0);
	tiny_differentiate(&y, 1);
	CHECK(!memcmp(x.gradient, y.gradient, (size_t)x.tokens * TINY_H * sizeof *x.gradient));
	CHECK(!memcmp(x.embedding, y.embedding, (size_t)x.tokens * TINY_H * sizeof *x.embedding));
	CHECK(!memcmp(x.logit, y.logit, sizeof x.logit));
	REQUIRE_OK(trainer_saliency(x.trainer, x.data.list, TINY_TEXTS, saliency, &e), &e);
	for (int t = 0; t < x.tokens; t++) {
		double sum = 0;
		for (int h = 0; h < TINY_H; h++)
			sum += pow((double)x.gradient[t * TINY_H + h] * (double)x.embedding[t * TINY_H + h], 2);
		CHECK_NEAR(saliency[t], sqrt(sum), 1e-6);
	}
	trainer_close(x.trainer);
	trainer_close(y.trainer);
}
