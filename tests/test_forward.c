/* The forward pass against the float64 goldens: dense, hard removal, soft removal. */
#include "../engine/base/file.h"
#include "../engine/base/json.h"
#include "../engine/engine.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LENGTH_MAX = 64 };

struct golden {
	struct model *model;
	struct session *session;
	cJSON *json;
	struct err e;
};

static int golden_open(struct golden *g, const char *name, unsigned want)
{
	char path[512];
	memset(g, 0, sizeof *g);
	snprintf(path, sizeof path, "goldens/%s", name);
	const char *dir = test_shared(path);
	if (!dir)
		return 0;
	struct session_options options = {.threads = 2, .want = want, .max_rows = 512};
	snprintf(path, sizeof path, "%s/forward.json", dir);
	return CHECK_OK(model_open(&g->model, dir, NULL, &g->e), &g->e) &&
	       CHECK_OK(session_open(&g->session, g->model, &options, &g->e), &g->e) &&
	       CHECK((g->json = json_parse_file(path, &g->e)) != NULL);
}

static void golden_close(struct golden *g)
{
	session_close(g->session);
	model_close(g->model);
	cJSON_Delete(g->json);
}

static int read_ints(int *out, const cJSON *array)
{
	int n = 0;
	for (const cJSON *x = array->child; x; x = x->next)
		out[n++] = x->valueint;
	return n;
}

static const cJSON *at(const cJSON *object, const char *name) { return cJSON_GetObjectItemCaseSensitive(object, name); }

/* Runs one example alone. */
static int run_example(struct golden *g, const cJSON *example, const char *policy, struct trace *out)
{
	static int ids[LENGTH_MAX], types[LENGTH_MAX], start[2];
	struct policy p;
	start[1] = read_ints(ids, at(example, "ids"));
	read_ints(types, at(example, "type_ids"));
	struct batch b = {.B = 1, .start = start, .ids = ids, .type_ids = types};
	return CHECK_OK(policy_parse(&p, policy, &g->e), &g->e) &&
	       CHECK_OK(session_run(g->session, &b, &p, out, &g->e), &g->e);
}

/* 1e-5 relative to the largest of the list: a single value may be near zero. */
static void check_list(const float *found, const cJSON *expected, double tolerance, const char *what)
{
	double largest = 1e-30;
	for (const cJSON *x = expected->child; x; x = x->next)
		largest = fmax(largest, fabs(x->valuedouble));
	int i = 0;
	for (const cJSON *x = expected->child; x; x = x->next, i++)
		if (!(fabs(found[i] - x->valuedouble) <= tolerance * largest))
			test_fail(__FILE__, __LINE__, "%s[%d] is %.9g, not %.9g", what, i, found[i], x->valuedouble);
}

static void check_norms(const struct golden *g, const struct trace *t, int index, const cJSON *expected)
{
	float norms[LENGTH_MAX];
	int H = model_config(g->model)->H;
	for (int i = 0; i < t->T0; i++) {
		double sum = 0;
		for (int h = 0; h < H; h++) {
			double x = t->hidden[index][(size_t)i * t->hidden_stride + (size_t)h];
			sum += x * x;
		}
		norms[i] = (float)sqrt(sum);
	}
	check_list(norms, expected, 1e-5, "hidden norm");
}

static void check_dense(struct golden *g, const cJSON *example)
{
	struct trace t;
	const cJSON *dense = at(example, "dense"), *x;
	if (!run_example(g, example, "none", &t))
		return;
	check_list(t.logits, at(dense, "logits"), 1e-5, "logit");
	check_list(t.hidden[0], at(dense, "embedding_row0"), 1e-5, "embedding");
	check_list(t.hidden[t.L], at(dense, "last_hidden_row0"), 1e-5, "last hidden");
	int l = 0;
	cJSON_ArrayForEach(x, at(dense, "hidden_norms")) check_norms(g, &t, l++, x);
	l = 0;
	cJSON_ArrayForEach(x, at(dense, "attention_received")) check_list(t.received[l++], x, 1e-5, "attention received");
	l = 0;
	cJSON_ArrayForEach(x, at(dense, "attention_from_cls")) check_list(t.from_cls[l++], x, 1e-5, "attention from cls");
}

static void check_hard(struct golden *g, const cJSON *example)
{
	struct trace t;
	const cJSON *hard = at(example, "hard"), *x;
	int died_at[LENGTH_MAX], l = 0;
	if (!run_example(g, example, "adapler", &t))
		return;
	check_list(t.logits, at(hard, "logits"), 1e-5, "logit");
	read_ints(died_at, at(hard, "died_at"));
	for (int i = 0; i < t.T0; i++)
		CHECK_INT(t.died_at[i], died_at[i]);
	cJSON_ArrayForEach(x, at(hard, "scores"))
	{
		CHECK_INT(t.score_start[l][1], cJSON_GetArraySize(x));
		check_list(t.scores[l++], x, 1e-5, "score");
	}
	l = 0;
	cJSON_ArrayForEach(x, at(hard, "kept_after")) CHECK_INT(t.layer_start[l++][1], x->valueint);
}

static void check_soft(struct golden *g, const cJSON *example, const char *lambda)
{
	struct trace t;
	char policy[64];
	const cJSON *soft = at(at(example, "soft"), lambda), *x;
	snprintf(policy, sizeof policy, "adapler:lambda=%s", lambda);
	if (!run_example(g, example, policy, &t))
		return;
	check_list(t.logits, at(soft, "logits"), 1e-5, "soft logit");
	int l = 0;
	cJSON_ArrayForEach(x, at(soft, "scores")) check_list(t.scores[l++], x, 1e-5, "soft score");
	l = 0;
	cJSON_ArrayForEach(x, at(soft, "mask")) check_list(t.soft_mask[l++], x, 2e-4, "soft mask");
	l = 0;
	cJSON_ArrayForEach(x, at(soft, "length")) CHECK_NEAR(t.soft_length[l++][0], x->valuedouble, 2e-4 * x->valuedouble);
}

static void check_golden(const char *name)
{
	struct golden g;
	if (golden_open(&g, name, WANT_SCORES | WANT_HIDDEN | WANT_ATTENTION | WANT_SOFT)) {
		const cJSON *example;
		cJSON_ArrayForEach(example, at(g.json, "examples"))
		{
			check_dense(&g, example);
			check_hard(&g, example);
			check_soft(&g, example, "10");
			check_soft(&g, example, "1000");
			check_soft(&g, example, "1e+20");
		}
	}
	golden_close(&g);
}

TEST(goldens_a_come_out)
{
	check_golden("adapler-a");
}

TEST(goldens_b_come_out)
{
	check_golden("adapler-b");
}

/* ---- a real trained encoder without embeddings ---------------------------------------------------------------- */

static const char tiny_config[] =
	"{\"model_type\": \"bert\", \"hidden_size\": 128, \"num_hidden_layers\": 2, \"num_attention_heads\": 2,"
	" \"intermediate_size\": 512, \"vocab_size\": 30522, \"layer_norm_eps\": 1e-12}";

/* A model directory of a config and a link to the weights. */
static const char *tiny_directory(struct err *e)
{
	const char *weights = test_shared("weights/bert-tiny-sst2-encoder/bert-tiny-sst2-encoder.safetensors");
	static char dir[512], config[600], link[600];
	if (!weights)
		return NULL;
	char *absolute = realpath(weights, NULL);
	snprintf(dir, sizeof dir, "%s", test_path("tiny"));
	snprintf(config, sizeof config, "%s/config.json", dir);
	snprintf(link, sizeof link, "%s/model.safetensors", dir);
	int is_made = absolute && CHECK_OK(file_make_directories(dir, e), e) && symlink(absolute, link) == 0 &&
	              CHECK_OK(file_write_atomic(config, tiny_config, sizeof tiny_config - 1, e), e);
	free(absolute);
	return is_made ? dir : NULL;
}

static int read_matrix(float *out, const cJSON *rows)
{
	const cJSON *row, *x;
	int n = 0;
	cJSON_ArrayForEach(row, rows)
	{
		cJSON_ArrayForEach(x, row) *out++ = (float)x->valuedouble;
		n++;
	}
	return n;
}

TEST(a_trained_encoder_gives_its_published_logits)
{
	struct golden g = {0};
	const char *dir = tiny_directory(&g.e);
	if (!dir)
		return;
	struct model_options without = {.without_embeddings = 1};
	REQUIRE_OK(model_open(&g.model, dir, &without, &g.e), &g.e);
	REQUIRE_OK(session_open(&g.session, g.model, &(struct session_options){.want = WANT_HIDDEN}, &g.e), &g.e);
	g.json = json_parse_file(test_shared("weights/bert-tiny-sst2-encoder/encoder_test_vectors.json"), &g.e);
	REQUIRE(g.json != NULL);
	const cJSON *x;
	cJSON_ArrayForEach(x, g.json)
	{
		static float embeddings[LENGTH_MAX * 128];
		int start[2] = {0, read_matrix(embeddings, at(x, "embedding_layer_output"))};
		struct batch b = {.B = 1, .start = start, .embeddings = embeddings};
		struct policy none;
		struct trace t;
		REQUIRE_OK(policy_parse(&none, "none", &g.e), &g.e);
		REQUIRE_OK(session_run(g.session, &b, &none, &t, &g.e), &g.e);
		check_list(t.logits, at(x, "logits_float64_exact_layernorm"), 1e-5, "logit");
		check_list(t.hidden[2], at(x, "last_hidden_row0_float64"), 1e-5, "last hidden");
	}
	golden_close(&g);
}
