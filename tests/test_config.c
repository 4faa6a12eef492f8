#include "../engine/config.h"

#include "../engine/base/file.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse(struct config *c, const char *text, struct err *e)
{
	*e = (struct err){0};
	return config_parse(c, text, strlen(text), "config.json", e);
}

static void refused(const char *text, const char *part)
{
	struct err e;
	struct config c;
	CHECK(parse(&c, text, &e) != 0);
	CHECK_CONTAINS(e.text, part);
	CHECK(c.labels == NULL);
}

TEST(an_empty_config_is_bert_base)
{
	struct err e;
	struct config c;
	REQUIRE_OK(parse(&c, "{}", &e), &e);
	CHECK_INT(c.family, FAMILY_BERT);
	CHECK_INT(c.V, 30522);
	CHECK_INT(c.H, 768);
	CHECK_INT(c.D, 64);
	CHECK_INT(c.L, 12);
	CHECK_INT(c.A, 12);
	CHECK_INT(c.F, 3072);
	CHECK_INT(c.P, 512);
	CHECK_INT(c.types, 2);
	CHECK_INT(c.K, 0);
	CHECK_INT(c.C, 2);
	CHECK_STR(c.labels[1], "LABEL_1");
	CHECK_INT(c.act, ACT_GELU);
	CHECK(c.layer_norm_eps == 1e-12);
	config_free(&c);
}

TEST(distilbert_has_names_of_its_own)
{
	struct err e;
	struct config c;
	REQUIRE_OK(parse(&c,
	                 "{\"model_type\":\"distilbert\",\"dim\":12,\"n_heads\":3,\"n_layers\":2,\"hidden_dim\":24,"
	                 "\"activation\":\"relu\",\"dropout\":0.2,\"qa_dropout\":0.1,\"sinusoidal_pos_embds\":false,"
	                 "\"layer_norm_eps\":0.5}",
	                 &e),
	           &e);
	CHECK_INT(c.family, FAMILY_DISTILBERT);
	CHECK_INT(c.H, 12);
	CHECK_INT(c.D, 4);
	CHECK_INT(c.L, 2);
	CHECK_INT(c.F, 24);
	CHECK_INT(c.types, 0);
	CHECK_INT(c.act, ACT_RELU);
	CHECK(c.hidden_dropout == 0.2 && c.layer_norm_eps == 1e-12);
	config_free(&c);
}

TEST(the_family_is_told_from_the_architecture_when_no_type_is_given)
{
	struct err e;
	struct config c;
	REQUIRE_OK(parse(&c, "{\"architectures\":[\"DistilBertForSequenceClassification\"]}", &e), &e);
	CHECK_INT(c.family, FAMILY_DISTILBERT);
	config_free(&c);
	REQUIRE_OK(parse(&c, "{\"architectures\":[\"BertForMaskedLM\"]}", &e), &e);
	CHECK_INT(c.family, FAMILY_BERT);
	config_free(&c);
	REQUIRE_OK(parse(&c, "{\"dim\":768}", &e), &e);
	CHECK_INT(c.family, FAMILY_DISTILBERT);
	config_free(&c);
	refused("{\"architectures\":[\"RobertaModel\"]}", "'RobertaModel'");
	refused("{\"model_type\":\"roberta\"}",
	        "model_type 'roberta' in 'config.json' is not supported (known: bert, distilbert)");
}

TEST(activations_go_by_every_name_of_the_same_function)
{
	static const struct {
		const char *name;
		enum activation act;
	} known[] = {{"gelu", ACT_GELU},          {"gelu_python", ACT_GELU},
	             {"gelu_new", ACT_GELU_NEW},  {"gelu_pytorch_tanh", ACT_GELU_NEW},
	             {"gelu_fast", ACT_GELU_NEW}, {"relu", ACT_RELU}};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		char text[100];
		struct err e;
		struct config c;
		snprintf(text, sizeof text, "{\"hidden_act\":\"%s\"}", known[i].name);
		REQUIRE_OK(parse(&c, text, &e), &e);
		CHECK_INT(c.act, known[i].act);
		config_free(&c);
	}
	refused("{\"hidden_act\":\"silu\"}", "hidden_act 'silu'");
	refused("{\"hidden_act\":\"tanh\"}", "hidden_act 'tanh'"); /* the pooler's, never the layers' */
	refused("{\"hidden_act\":\"none\"}", "hidden_act 'none'");
	CHECK_STR(activation_name(ACT_GELU), "gelu");
	CHECK_STR(activation_name(ACT_GELU_NEW), "gelu_new");
	CHECK_STR(activation_name(ACT_NONE), "none");
}

TEST(labels_come_from_either_map_or_from_their_number)
{
	struct err e;
	struct config c;
	REQUIRE_OK(parse(&c, "{\"id2label\":{\"1\":\"pos\",\"0\":\"neg\"},\"num_labels\":2}", &e), &e);
	CHECK_STR(c.labels[0], "neg");
	CHECK_STR(c.labels[1], "pos");
	config_free(&c);
	REQUIRE_OK(parse(&c, "{\"label2id\":{\"pos\":1,\"neg\":0,\"so-so\":2}}", &e), &e);
	CHECK_INT(c.C, 3);
	CHECK_STR(c.labels[2], "so-so");
	config_free(&c);
	REQUIRE_OK(parse(&c, "{\"num_labels\":1,\"id2label\":null}", &e), &e);
	CHECK_INT(c.C, 1);
	config_free(&c);
	REQUIRE_OK(parse(&c, "{\"id2label\":{\"0\":1,\"1\":2.5}}", &e), &e);
	CHECK_STR(c.labels[0], "1");
	CHECK_STR(c.labels[1], "2.5");
	config_free(&c);
}

TEST(labels_that_make_no_sense_are_refused)
{
	refused("{\"id2label\":{\"0\":\"a\",\"2\":\"b\"}}", "label number 2 of 'config.json' is outside 0..1");
	refused("{\"id2label\":{\"0\":\"a\",\"0\":\"b\"}}", "gives label 0 twice");
	refused("{\"id2label\":{\"x\":\"a\"}}", "has the key 'x'");
	refused("{\"id2label\":{\"-1\":\"a\"}}", "label number -1");
	refused("{\"id2label\":{\"0\":\"a\",\"99999999999999999999\":\"b\"}}", "has the key '99999999999999999999'");
	refused("{\"id2label\":{\"0\":[]}}", "must be a string");
	refused("{\"id2label\":[]}", "must be an object");
	refused("{\"id2label\":{}}", "expected 1 to 4096 labels, found 0");
	refused("{\"label2id\":{\"a\":0.5}}", "must have a whole number");
	refused("{\"label2id\":{\"a\":1e300}}", "must have a whole number");
	refused("{\"num_labels\":3,\"id2label\":{\"0\":\"a\"}}",
	        "'num_labels' of 'config.json' is 3, but it names 1 labels");
	refused("{\"num_labels\":0}", "'num_labels'");
	refused("{\"num_labels\":1000000}", "'num_labels'");
}

TEST(impossible_values_name_the_field)
{
	refused("[]", "expected a JSON object");
	refused("{", "not valid JSON");
	refused("{\"hidden_size\":100,\"num_attention_heads\":12}", "'hidden_size' of 'config.json' must be a multiple");
	refused("{\"vocab_size\":0}", "'vocab_size'");
	refused("{\"vocab_size\":\"many\"}", "'vocab_size'");
	refused("{\"vocab_size\":2147483647}", "'vocab_size'");
	refused("{\"num_hidden_layers\":1.5}", "'num_hidden_layers'");
	refused("{\"num_hidden_layers\":0}", "'num_hidden_layers'");
	refused("{\"type_vocab_size\":0}", "'type_vocab_size'");
	refused("{\"pad_token_id\":30522}", "'pad_token_id' of 'config.json' must be below 'vocab_size'");
	refused("{\"layer_norm_eps\":-1}", "'layer_norm_eps'");
	refused("{\"layer_norm_eps\":1e999}", "'layer_norm_eps'");
	refused("{\"hidden_dropout_prob\":1}", "'hidden_dropout_prob'");
	refused("{\"adapler\":3}", "field 'adapler'");
	refused("{\"adapler\":{\"cp_size\":-3}}", "'cp_size'");
}

TEST(settings_that_the_engine_does_not_have_are_refused)
{
	struct err e;
	struct config c;
	refused("{\"position_embedding_type\":\"relative_key\"}", "position_embedding_type 'relative_key'");
	refused("{\"problem_type\":\"multi_label_classification\"}", "problem_type 'multi_label_classification'");
	refused("{\"is_decoder\":true}", "'is_decoder'");
	refused("{\"pruned_heads\":{\"0\":[1]}}", "'pruned_heads'");
	REQUIRE_OK(parse(&c, "{\"position_embedding_type\":\"absolute\",\"is_decoder\":false,\"pruned_heads\":{}}", &e),
	           &e);
	config_free(&c);
}

static void survives(const char *text)
{
	struct err e;
	struct config a, b;
	const char *path = test_path("config.json");
	REQUIRE_OK(parse(&a, text, &e), &e);
	CHECK_OK(config_write(&a, path, &e), &e);
	REQUIRE_OK(config_read(&b, test_folder(), &e), &e);
	CHECK_INT(b.V, a.V);
	CHECK_INT(b.H, a.H);
	CHECK_INT(b.L, a.L);
	CHECK_INT(b.A, a.A);
	CHECK_INT(b.F, a.F);
	CHECK_INT(b.P, a.P);
	CHECK_INT(b.types, a.types);
	CHECK_INT(b.K, a.K);
	CHECK_INT(b.pad_id, a.pad_id);
	CHECK_INT(b.family, a.family);
	CHECK_INT(b.act, a.act);
	CHECK(a.layer_norm_eps == b.layer_norm_eps && a.hidden_dropout == b.hidden_dropout);
	CHECK(a.attention_dropout == b.attention_dropout && a.initializer_range == b.initializer_range);
	CHECK_INT(b.C, a.C);
	CHECK(!memcmp(a.labels, b.labels, (size_t)a.C * sizeof *a.labels));
	config_free(&a);
	config_free(&b);
}

TEST(what_is_written_reads_back_the_same)
{
	survives(
		"{\"vocab_size\":99,\"hidden_size\":20,\"num_hidden_layers\":3,\"num_attention_heads\":5,\"intermediate_size\":"
		"7,"
		"\"max_position_embeddings\":31,\"type_vocab_size\":4,\"layer_norm_eps\":1e-5,\"hidden_dropout_prob\":0.3,"
		"\"attention_probs_dropout_prob\":0,\"initializer_range\":0.037,\"hidden_act\":\"gelu_new\",\"pad_token_id\":3,"
		"\"id2label\":{\"0\":\"a \\\"b\\\"\",\"1\":\"\\u00e9\\n\"},\"adapler\":{\"cp_size\":16}}");
	survives("{\"model_type\":\"distilbert\",\"dim\":20,\"n_layers\":3,\"n_heads\":5,\"hidden_dim\":7,\"dropout\":0.3,"
	         "\"attention_dropout\":0.4,\"activation\":\"relu\",\"num_labels\":5}");
}

TEST(a_missing_config_is_an_error_that_names_it)
{
	struct err e = {0};
	struct config c;
	CHECK(config_read(&c, test_path("nowhere"), &e) != 0);
	CHECK_CONTAINS(e.text, "nowhere");
}
