#include "../engine/weights.h"

#include "../engine/base/file.h"
#include "../engine/config.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GROUPS_DENSE = 1 << GROUP_EMBEDDINGS | 1 << GROUP_TYPES | 1 << GROUP_ENCODER | 1 << GROUP_HEAD };

/* ---- a model made here: every value is a hash of its tensor's place and its own ---- */

enum { TENSORS = 200 };

struct fixture {
	struct tensor_source tensors[TENSORS];
	char names[TENSORS][TENSOR_NAME_SIZE];
	int count;
};

static float value_at(int tensor, int64_t i) { return (float)((tensor * 131 + (int)i * 7) % 251 - 125) / 64; }

static int add_tensor(const struct weight_info *info, void *arg)
{
	struct fixture *f = arg;
	struct tensor_source *t = &f->tensors[f->count];
	int64_t count = info->rows * (info->columns ? info->columns : 1);
	float *values = malloc((size_t)(count + 1) * sizeof *values);
	for (int64_t i = 0; i < count; i++)
		values[i] = value_at(f->count, i);
	snprintf(f->names[f->count], TENSOR_NAME_SIZE, "%s", info->name);
	*t = (struct tensor_source){.name = f->names[f->count++], .dtype = DTYPE_F32, .rank = info->columns ? 2 : 1};
	t->shape[0] = info->rows;
	t->shape[1] = info->columns;
	t->values = values;
	return 0;
}

static struct config tiny(enum family family, int K)
{
	struct err e = {0};
	struct config c;
	char text[400];
	snprintf(
		text, sizeof text,
		family == FAMILY_BERT
			? "{\"model_type\":\"bert\",\"vocab_size\":11,\"hidden_size\":8,\"num_hidden_layers\":2,\"num_attention_"
			  "heads\":2,"
			  "\"intermediate_size\":12,\"max_position_embeddings\":6,\"num_labels\":3,\"adapler\":{\"cp_size\":%d}}"
			: "{\"model_type\":\"distilbert\",\"vocab_size\":11,\"dim\":8,\"n_layers\":2,\"n_heads\":2,"
			  "\"hidden_dim\":12,\"max_position_embeddings\":6,\"num_labels\":3,\"adapler\":{\"cp_size\":%d}}",
		K);
	CHECK_OK(config_parse(&c, text, strlen(text), "tiny", &e), &e);
	return c;
}

static void fixture_make(struct fixture *f, const struct config *c)
{
	f->count = 0;
	weights_visit(NULL, c, GROUPS_CLASSIFIER, add_tensor, f);
}

static int fixture_find(const struct fixture *f, const char *name)
{
	for (int i = 0; i < f->count; i++)
		if (!strcmp(f->names[i], name))
			return i;
	test_fail(__FILE__, __LINE__, "no tensor '%s' in the fixture", name);
	return 0;
}

static float *fixture_values(const struct fixture *f, const char *name)
{
	return (float *)(uintptr_t)f->tensors[fixture_find(f, name)].values;
}

static void fixture_drop(struct fixture *f, const char *name)
{
	int i = fixture_find(f, name);
	free((void *)(uintptr_t)f->tensors[i].values);
	f->count--;
	memmove(&f->tensors[i], &f->tensors[i + 1], (size_t)(f->count - i) * sizeof f->tensors[0]);
	memmove(f->names[i], f->names[i + 1], (size_t)(f->count - i) * sizeof f->names[0]);
	for (; i < f->count; i++)
		f->tensors[i].name = f->names[i];
}

static void fixture_add(struct fixture *f, const char *name, int64_t rows, int64_t columns)
{
	add_tensor(&(struct weight_info){.name = name, .rows = rows, .columns = columns}, f);
}

static const char *fixture_write(const struct fixture *f)
{
	struct err e = {0};
	const char *path = test_path("model.safetensors");
	CHECK_OK(checkpoint_write(path, f->tensors, f->count, &e), &e);
	return path;
}

static void fixture_free(struct fixture *f)
{
	for (int i = 0; i < f->count; i++)
		free((void *)(uintptr_t)f->tensors[i].values);
	f->count = 0;
}

static void opens(const struct fixture *f, struct config *c, unsigned groups)
{
	struct err e = {0};
	struct weights w;
	if (CHECK_OK(weights_open(&w, c, fixture_write(f), groups, &e), &e))
		weights_close(&w);
}

static void refused(const struct fixture *f, struct config *c, unsigned groups, const char *part)
{
	struct err e = {0};
	struct weights w;
	CHECK_INT(weights_open(&w, c, fixture_write(f), groups, &e) != 0, 1);
	CHECK_CONTAINS(e.text, part);
	CHECK(w.checkpoint == NULL && w.layer == NULL);
}

static int count_one(const struct weight_info *info, void *arg)
{
	(void)info;
	++*(int *)arg;
	return 0;
}

/* Every slot holds the values that were written for its name. */
struct comparison {
	const struct fixture *f;
	int at;
	float tolerance;
};

static int compare_one(const struct weight_info *info, void *arg)
{
	struct comparison *c = arg;
	int64_t count = info->rows * (info->columns ? info->columns : 1);
	const float *found = *info->slot, *expected = c->f->tensors[c->at++].values;
	if (!CHECK(found != NULL))
		return 1;
	for (int64_t i = 0; i < count; i++)
		CHECK_NEAR(found[i], expected[i], c->tolerance * fabs((double)expected[i]));
	return 0;
}

static void compares(const struct fixture *f, struct config *c, float tolerance)
{
	struct err e = {0};
	struct weights w;
	struct comparison comparison = {f, 0, tolerance};
	REQUIRE_OK(weights_open(&w, c, fixture_write(f), GROUPS_DENSE, &e), &e);
	CHECK_INT(weights_visit(&w, c, GROUPS_CLASSIFIER, compare_one, &comparison), 0);
	CHECK_INT(comparison.at, f->count);
	weights_close(&w);
}

TEST(every_tensor_reaches_its_place_in_both_families_and_every_dtype)
{
	static const enum dtype dtypes[] = {DTYPE_F32, DTYPE_F64, DTYPE_F16, DTYPE_BF16};
	for (int family = FAMILY_BERT; family <= FAMILY_DISTILBERT; family++)
		for (int d = 0; d < 4; d++) {
			struct config c = tiny((enum family)family, 4);
			struct fixture f;
			fixture_make(&f, &c);
			for (int i = 0; i < f.count; i++)
				f.tensors[i].dtype = dtypes[d];
			compares(&f, &c, d < 2 ? 0 : d == 2 ? 0x1p-11f : 0x1p-8f);
			fixture_free(&f);
			config_free(&c);
		}
}

TEST(the_list_counts_what_the_architecture_has)
{
	struct config c = tiny(FAMILY_BERT, 4);
	int count = 0;
	weights_visit(NULL, &c, GROUPS_CLASSIFIER, count_one, &count);
	CHECK_INT(count, 5 + 2 * 16 + 4 + 2 * 4 + 2);
	count = 0;
	weights_visit(NULL, &c, GROUPS_DENSE, count_one, &count);
	CHECK_INT(count, 5 + 2 * 16 + 4);
	c.K = 0;
	count = 0;
	weights_visit(NULL, &c, GROUPS_CLASSIFIER, count_one, &count);
	CHECK_INT(count, 5 + 2 * 16 + 4);
	config_free(&c);
	c = tiny(FAMILY_DISTILBERT, 0);
	count = 0;
	weights_visit(NULL, &c, GROUPS_CLASSIFIER, count_one, &count);
	CHECK_INT(count, 4 + 2 * 16 + 4);
	config_free(&c);
}

TEST(aligned_floats_are_views_of_the_file)
{
	struct err e = {0};
	struct config c = tiny(FAMILY_BERT, 4);
	struct fixture f;
	struct weights w;
	fixture_make(&f, &c);
	REQUIRE_OK(weights_open(&w, &c, fixture_write(&f), GROUPS_DENSE, &e), &e);
	CHECK(w.owned == NULL);
	CHECK(w.layer[1].ffn_in_w == checkpoint_find(w.checkpoint, "bert.encoder.layer.1.intermediate.dense.weight")->data);
	weights_close(&w);
	fixture_free(&f);
	config_free(&c);
}

TEST(names_without_prefix_and_with_gamma_and_beta_are_known)
{
	struct config c = tiny(FAMILY_BERT, 0);
	struct fixture f;
	fixture_make(&f, &c);
	for (int i = 0; i < f.count; i++) {
		char old[TENSOR_NAME_SIZE], *norm;
		snprintf(old, sizeof old, "%s", f.names[i]);
		if ((norm = strstr(old, "LayerNorm.")))
			strcpy(norm, strstr(norm, "weight") ? "LayerNorm.gamma" : "LayerNorm.beta");
		strcpy(f.names[i], strncmp(old, "bert.", 5) || i % 3 == 0 ? old : old + 5);
	}
	compares(&f, &c, 0);
	fixture_free(&f);
	config_free(&c);
	c = tiny(FAMILY_DISTILBERT, 0);
	fixture_make(&f, &c);
	for (int i = 0; i < f.count; i++)
		if (!strncmp(f.names[i], "distilbert.", 11))
			memmove(f.names[i], f.names[i] + 11, strlen(f.names[i] + 11) + 1);
	compares(&f, &c, 0);
	fixture_free(&f);
	config_free(&c);
}

TEST(tensors_of_other_heads_are_left_alone)
{
	struct config c = tiny(FAMILY_BERT, 0);
	struct fixture f;
	fixture_make(&f, &c);
	fixture_add(&f, "cls.seq_relationship.bias", 2, 0);
	fixture_add(&f, "cls.seq_relationship.weight", 2, 8);
	fixture_add(&f, "bert.embeddings.position_ids", 1, 6);
	fixture_add(&f, "qa_outputs.weight", 2, 8);
	opens(&f, &c, GROUPS_DENSE);
	fixture_free(&f);
	config_free(&c);
}

TEST(a_layer_too_many_or_too_few_is_an_error)
{
	struct config c = tiny(FAMILY_BERT, 0);
	struct fixture f;
	fixture_make(&f, &c);
	c.L = 1;
	refused(&f, &c, GROUPS_DENSE, "of a layer too many: 'num_hidden_layers' of the config is 1");
	c.L = 3;
	refused(&f, &c, GROUPS_DENSE, "tensor 'bert.encoder.layer.2.attention.self.query.weight' is missing");
	c.L = 2;
	fixture_add(&f, "encoder.layer.0.output.dense.weight", 8, 12);
	refused(&f, &c, GROUPS_DENSE, "'encoder.layer.0.output.dense.weight' in");
	fixture_free(&f);
	config_free(&c);
}

TEST(a_missing_tensor_is_named)
{
	struct config c = tiny(FAMILY_BERT, 4);
	struct fixture f;
	fixture_make(&f, &c);
	fixture_drop(&f, "adapler.theta"); /* training's alone */
	opens(&f, &c, GROUPS_DENSE);
	fixture_drop(&f, "adapler.cp.1.score.bias");
	refused(&f, &c, GROUPS_DENSE, "'adapler.cp.1.score.bias' is missing");
	fixture_add(&f, "adapler.cp.1.score.bias", 1, 0);
	fixture_drop(&f, "classifier.bias");
	refused(&f, &c, GROUPS_DENSE, "'classifier.bias' is missing");
	opens(&f, &c, GROUPS_DENSE & ~(1u << GROUP_HEAD));
	fixture_free(&f);
	config_free(&c);
}

TEST(groups_that_nobody_needs_may_be_absent)
{
	struct err e = {0};
	struct config c = tiny(FAMILY_BERT, 0);
	struct fixture f = {.count = 0};
	struct weights w;
	weights_visit(NULL, &c, 1u << GROUP_ENCODER | 1u << GROUP_HEAD, add_tensor, &f);
	refused(&f, &c, GROUPS_DENSE, "'bert.embeddings.word_embeddings.weight' is missing");
	REQUIRE_OK(weights_open(&w, &c, fixture_write(&f), 1u << GROUP_ENCODER | 1u << GROUP_HEAD, &e), &e);
	CHECK(w.word_embedding == NULL && w.type_embedding == NULL && w.eta == NULL);
	CHECK(w.pooler_w != NULL && w.layer[0].query_w != NULL && w.layer[0].cp_dense_w == NULL);
	weights_close(&w);
	fixture_free(&f);
	config_free(&c);
}

TEST(predictors_come_from_the_config_or_the_checkpoint)
{
	struct config c = tiny(FAMILY_BERT, 4);
	struct fixture f;
	fixture_make(&f, &c);
	c.K = 0;
	opens(&f, &c, GROUPS_DENSE);
	CHECK_INT(c.K, 4);
	c.K = 5;
	refused(&f, &c, GROUPS_DENSE, "is [4,8], but 'adapler.cp_size' of the config makes it [5,8]");
	fixture_free(&f);
	c.K = 0;
	fixture_make(&f, &c);
	opens(&f, &c, GROUPS_DENSE);
	refused(&f, &c, GROUPS_DENSE | 1u << GROUP_PREDICTORS, "no contribution predictors");
	c.K = 4;
	refused(&f, &c, GROUPS_DENSE, "'adapler.cp.0.dense.weight' is missing");
	fixture_free(&f);
	config_free(&c);
}

TEST(config_and_weights_that_disagree_say_field_file_and_shapes)
{
	struct config c = tiny(FAMILY_BERT, 0);
	struct fixture f;
	fixture_make(&f, &c);
	c.V = 12;
	refused(&f, &c, GROUPS_DENSE, "'vocab_size' of the config makes it [12,8]");
	refused(&f, &c, GROUPS_DENSE, "model.safetensors' is [11,8]");
	c.V = 11;
	c.C = 2;
	refused(&f, &c, GROUPS_DENSE, "'classifier.weight' in");
	refused(&f, &c, GROUPS_DENSE, "is [3,8], but 'id2label' of the config makes it [2,8]");
	c.C = 3;
	c.F = 16;
	refused(&f, &c, GROUPS_DENSE, "'intermediate_size' of the config makes it [16,8]");
	c.F = 12;
	c.types = 1;
	refused(&f, &c, GROUPS_DENSE, "'type_vocab_size'");
	fixture_free(&f);
	config_free(&c);
	c = tiny(FAMILY_DISTILBERT, 0);
	fixture_make(&f, &c);
	c.H = c.D = 16;
	refused(&f, &c, GROUPS_DENSE, "'dim' of the config makes it [11,16]");
	fixture_free(&f);
	config_free(&c);
}

TEST(weights_that_are_not_finite_are_named)
{
	struct config c = tiny(FAMILY_BERT, 0);
	struct fixture f;
	fixture_make(&f, &c);
	float *values = fixture_values(&f, "bert.encoder.layer.1.output.dense.weight");
	int64_t ids[8] = {0};
	values[95] = NAN;
	f.tensors[fixture_find(&f, "bert.encoder.layer.1.output.dense.weight")].values = NULL;
	f.tensors[fixture_find(&f, "bert.encoder.layer.1.output.dense.weight")].raw = values;
	refused(&f, &c, GROUPS_DENSE, "value 95 of tensor 'bert.encoder.layer.1.output.dense.weight'");
	values[95] = 0;
	int at = fixture_find(&f, "classifier.bias");
	const float *kept = f.tensors[at].values;
	f.tensors[at].dtype = DTYPE_I64;
	f.tensors[at].values = NULL;
	f.tensors[at].raw = ids;
	refused(&f, &c, GROUPS_DENSE, "'classifier.bias' in");
	f.tensors[at].values = kept;
	free(values);
	fixture_free(&f);
	config_free(&c);
}

/* ---- real files ---- */

TEST(the_golden_models_open)
{
	static const char *const dirs[] = {"goldens/adapler-a", "goldens/adapler-b"};
	static const int layers[] = {3, 2};
	for (int i = 0; i < 2; i++) {
		struct err e = {0};
		struct config c;
		struct weights w;
		const char *dir = test_shared(dirs[i]);
		if (!dir)
			return;
		REQUIRE_OK(config_read(&c, dir, &e), &e);
		CHECK_INT(c.L, layers[i]);
		REQUIRE_OK(weights_open(&w, &c, dir, GROUPS_DENSE | 1u << GROUP_PREDICTORS, &e), &e);
		CHECK_INT(c.K, 32);
		CHECK(w.eta != NULL && w.theta != NULL && w.owned == NULL);
		weights_close(&w);
		config_free(&c);
	}
}

TEST(the_real_encoder_opens_without_its_embeddings)
{
	static const char text[] = "{\"model_type\":\"bert\",\"hidden_size\":128,\"num_hidden_layers\":2,"
							   "\"num_attention_heads\":2,\"intermediate_size\":512}";
	struct err e = {0};
	struct config c;
	struct weights w;
	const char *path = test_shared("weights/bert-tiny-sst2-encoder/bert-tiny-sst2-encoder.safetensors");
	if (!path)
		return;
	REQUIRE_OK(config_parse(&c, text, sizeof text - 1, "text", &e), &e);
	REQUIRE_OK(weights_open(&w, &c, path, 1u << GROUP_ENCODER | 1u << GROUP_HEAD, &e), &e);
	CHECK(w.word_embedding == NULL && w.classifier_w != NULL && w.layer[1].output_norm_b != NULL);
	weights_close(&w);
	config_free(&c);
}
