#include "../engine/init.h"

#include "../engine/config.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct config small(void)
{
	static const char text[] =
		"{\"vocab_size\":500,\"hidden_size\":32,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
		"\"intermediate_size\":64,\"max_position_embeddings\":16,\"pad_token_id\":3,"
		"\"initializer_range\":0.05,\"adapler\":{\"cp_size\":4}}";
	struct err e = {0};
	struct config c;
	CHECK_OK(config_parse(&c, text, sizeof text - 1, "text", &e), &e);
	return c;
}

static int all_are(const float *x, int count, float value)
{
	for (int i = 0; i < count; i++)
		if (x[i] != value)
			return 0;
	return 1;
}

TEST(a_new_model_loads_and_is_as_bert_starts)
{
	struct err e = {0};
	struct config c = small();
	struct weights w;
	const char *path = test_path("new.safetensors");
	REQUIRE_OK(init_write(&c, 7, POSITIONS_NORMAL, DTYPE_F32, path, &e), &e);
	REQUIRE_OK(weights_open(&w, &c, path, GROUPS_CLASSIFIER, &e), &e);
	CHECK(all_are(w.embedding_norm_g, 32, 1) && all_are(w.embedding_norm_b, 32, 0));
	CHECK(all_are(w.layer[1].output_norm_g, 32, 1) && all_are(w.layer[1].ffn_in_b, 64, 0));
	CHECK(all_are(w.eta, 2, 0.25f) && all_are(w.theta, 1, 1) && all_are(w.layer[0].cp_score_b, 1, 0));
	CHECK(all_are(w.word_embedding + 3 * 32, 32, 0));
	double sum = 0, squares = 0;
	for (int i = 0; i < 64 * 32; i++) {
		sum += (double)w.layer[0].ffn_in_w[i];
		squares += (double)w.layer[0].ffn_in_w[i] * (double)w.layer[0].ffn_in_w[i];
	}
	CHECK_NEAR(sum / 2048, 0, 4 * 0.05 / sqrt(2048));
	CHECK_NEAR(sqrt(squares / 2048), 0.05, 4 * 0.05 / sqrt(2 * 2048));
	CHECK(memcmp(w.layer[0].query_w, w.layer[1].query_w, 32 * 32 * sizeof(float)) != 0);
	weights_close(&w);
	config_free(&c);
}

TEST(the_seed_alone_decides)
{
	struct err e = {0};
	struct config c = small();
	struct weights a, b, other;
	CHECK_OK(init_write(&c, 7, POSITIONS_NORMAL, DTYPE_F32, test_path("a.safetensors"), &e), &e);
	CHECK_OK(init_write(&c, 7, POSITIONS_NORMAL, DTYPE_F32, test_path("b.safetensors"), &e), &e);
	CHECK_OK(init_write(&c, 8, POSITIONS_NORMAL, DTYPE_F32, test_path("c.safetensors"), &e), &e);
	REQUIRE_OK(weights_open(&a, &c, test_path("a.safetensors"), 0, &e), &e);
	REQUIRE_OK(weights_open(&b, &c, test_path("b.safetensors"), 0, &e), &e);
	REQUIRE_OK(weights_open(&other, &c, test_path("c.safetensors"), 0, &e), &e);
	CHECK(!memcmp(a.word_embedding, b.word_embedding, 500 * 32 * sizeof(float)));
	CHECK(memcmp(a.word_embedding, other.word_embedding, 500 * 32 * sizeof(float)) != 0);
	weights_close(&a);
	weights_close(&b);
	weights_close(&other);
	config_free(&c);
}

TEST(sinusoidal_positions_are_as_large_as_drawn_ones)
{
	const struct config c = {.H = 6, .P = 50, .initializer_range = 0.05};
	float x[50 * 6];
	double sum = 0;
	init_sinusoids(x, &c);
	for (int i = 0; i < 50 * 6; i++)
		sum += (double)x[i] * x[i];
	CHECK_NEAR(sqrt(sum / (50 * 6)), 0.05, 1e-8);
	CHECK_NEAR(x[0], 0, 0);
	CHECK_NEAR(x[1], 0.05 * sqrt(2), 1e-8);
	CHECK_NEAR(x[3 * 6 + 2], 0.05 * sqrt(2) * sin(3 / pow(10000, 2.0 / 6)), 1e-8);
}
