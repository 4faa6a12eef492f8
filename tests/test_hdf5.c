#include "../engine/hdf5.h"

#include "../engine/base/file.h"
#include "../engine/config.h"
#include "../engine/weights.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#ifndef HAVE_HDF5

TEST(without_libhdf5_the_error_says_what_to_install)
{
	struct err e = {0};
	struct hdf5_file *f;
	struct checkpoint *c;
	struct config config = {.L = 1};
	CHECK_INT(hdf5_open(&f, &c, "x.h5", &config, &e), ERR_UNSUPPORTED);
	CHECK_CONTAINS(e.text, "libhdf5-dev");
}

#else
#include <hdf5.h>

static const char text[] = "{\"vocab_size\":3,\"hidden_size\":2,\"num_hidden_layers\":2,\"num_attention_heads\":1,"
						   "\"intermediate_size\":3,\"max_position_embeddings\":4,\"type_vocab_size\":2,"
						   "\"adapler\":{\"cp_size\":2}}";

/* Values count up from `start`; groups on the way are made. */
static void put(hid_t file, const char *path, int rows, int columns, float start)
{
	float values[64];
	hsize_t sizes[2] = {(hsize_t)rows, (hsize_t)columns};
	for (int i = 0; i < rows * (columns ? columns : 1); i++)
		values[i] = start + (float)i;
	hid_t space = H5Screate_simple(columns ? 2 : 1, sizes, NULL), list = H5Pcreate(H5P_LINK_CREATE);
	H5Pset_create_intermediate_group(list, 1);
	hid_t set = H5Dcreate2(file, path, H5T_IEEE_F32LE, space, list, H5P_DEFAULT, H5P_DEFAULT);
	CHECK(set >= 0 && H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
	H5Dclose(set);
	H5Pclose(list);
	H5Sclose(space);
}

/* The layout of save_weights on the published model: TFBertForSequenceClassification after to_ALR. */
static void put_model(hid_t file, const char *outer)
{
	static const struct {
		const char *path;
		int rows, columns;
	} in_layer[] = {
		{"attention/self/query/kernel", 2, 2},
		{"attention/self/query/bias", 2, 0},
		{"attention/self/key/kernel", 2, 2},
		{"attention/self/key/bias", 2, 0},
		{"attention/self/value/kernel", 2, 2},
		{"attention/self/value/bias", 2, 0},
		{"attention/output/dense/kernel", 2, 2},
		{"attention/output/dense/bias", 2, 0},
		{"attention/output/LayerNorm/gamma", 2, 0},
		{"attention/output/LayerNorm/beta", 2, 0},
		{"intermediate/dense/kernel", 2, 3},
		{"intermediate/dense/bias", 3, 0},
		{"output/dense/kernel", 3, 2},
		{"output/dense/bias", 2, 0},
		{"output/LayerNorm/gamma", 2, 0},
		{"output/LayerNorm/beta", 2, 0},
	};
	char path[400];
#define PUT(rows, columns, start, ...) (snprintf(path, sizeof path, __VA_ARGS__), put(file, path, rows, columns, start))
	PUT(3, 2, 10, "bert/%sbert/embeddings/word_embeddings/weight:0", outer);
	PUT(4, 2, 20, "bert/%sbert/embeddings/position_embeddings/embeddings:0", outer);
	PUT(2, 2, 30, "bert/%sbert/embeddings/token_type_embeddings/embeddings:0", outer);
	PUT(2, 0, 40, "bert/%sbert/embeddings/LayerNorm/gamma:0", outer);
	PUT(2, 0, 50, "bert/%sbert/embeddings/LayerNorm/beta:0", outer);
	for (int l = 0; l < 2; l++) {
		for (int i = 0; i < 16; i++)
			PUT(in_layer[i].rows, in_layer[i].columns, (float)(100 * l + 100 + 6 * i),
			    "bert/%sbert/encoder/layer_._%d/%s:0", outer, l, in_layer[i].path);
		PUT(2, 2, (float)(300 + l), "bert/%sbert/encoder/t_fbert_lr_exp_head_%d/exp_head_pre_%d/kernel:0", outer, l,
		    l + 1);
		PUT(2, 0, (float)(310 + l), "bert/%sbert/encoder/t_fbert_lr_exp_head_%d/exp_head_pre_%d/bias:0", outer, l,
		    l + 1);
		PUT(2, 1, (float)(320 + l), "bert/%sbert/encoder/t_fbert_lr_exp_head_%d/exp_head_%d/kernel:0", outer, l, l + 1);
		PUT(1, 0, (float)(330 + l), "bert/%sbert/encoder/t_fbert_lr_exp_head_%d/exp_head_%d/bias:0", outer, l, l + 1);
	}
	PUT(2, 2, 60, "bert/%sbert/pooler/dense/kernel:0", outer);
	PUT(2, 0, 70, "bert/%sbert/pooler/dense/bias:0", outer);
	PUT(2, 2, 80, "classifier/%sclassifier/kernel:0", outer);
	PUT(2, 0, 90, "classifier/%sclassifier/bias:0", outer);
	PUT(12, 0, 1, "bert/%sETA:0", outer); /* 12 and 11 whatever the number of layers */
	PUT(11, 0, 2, "bert/%sTHETA:0", outer);
	PUT(11, 0, 3, "bert/%sTHETA_PR:0", outer);
	PUT(1, 0, 4, "bert/%slr_lambda:0", outer);
	PUT(2, 2, 999, "optimizer_weights/classifier/kernel:0");
#undef PUT
}

static const char *model_file(const char *outer)
{
	const char *path = test_path("m.h5");
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	put_model(file, outer);
	H5Fclose(file);
	return path;
}

static void check_model(const char *path)
{
	struct err e = {0};
	struct config c;
	struct hdf5_file *f;
	struct checkpoint *file;
	struct weights w;
	REQUIRE_OK(config_parse(&c, text, sizeof text - 1, "text", &e), &e);
	REQUIRE_OK(hdf5_open(&f, &file, path, &c, &e), &e);
	REQUIRE_OK(weights_bind(&w, &c, file, GROUPS_CLASSIFIER, &e), &e);
	CHECK_NEAR(w.word_embedding[5], 15, 0);
	CHECK_NEAR(w.position_embedding[7], 27, 0);
	CHECK_NEAR(w.type_embedding[1], 31, 0);
	CHECK_NEAR(w.embedding_norm_g[1], 41, 0);
	CHECK_NEAR(w.embedding_norm_b[1], 51, 0);
	CHECK_NEAR(w.layer[1].query_w[1], 202, 0); /* [in,out] turned: row 0 is column 0 */
	CHECK_NEAR(w.layer[1].query_w[2], 201, 0);
	CHECK_NEAR(w.layer[0].ffn_in_w[1], 163, 0); /* [2,3] turned to [3,2] */
	CHECK_NEAR(w.layer[0].ffn_in_b[2], 168, 0);
	CHECK_NEAR(w.layer[0].attention_norm_b[0], 154, 0);
	CHECK_NEAR(w.classifier_w[1], 82, 0);
	CHECK_NEAR(w.pooler_b[1], 71, 0);
	CHECK_NEAR(w.layer[1].cp_dense_w[1], 303, 0);
	CHECK_NEAR(w.layer[1].cp_dense_b[1], 312, 0);
	CHECK_NEAR(w.layer[0].cp_score_w[1], 321, 0);
	CHECK_NEAR(w.layer[1].cp_score_b[0], 331, 0);
	CHECK_NEAR(w.eta[1], 2, 0);
	CHECK_NEAR(w.theta[0], 2, 0);
	weights_close(&w);
	hdf5_close(f);
	config_free(&c);
}

TEST(the_published_layout_is_understood_with_and_without_outer_groups)
{
	check_model(model_file("tf_bert_for_sequence_classification/"));
	check_model(model_file(""));
}

static void refused(const char *path, const char *part)
{
	struct err e = {0};
	struct config c;
	struct hdf5_file *f;
	struct checkpoint *file;
	REQUIRE_OK(config_parse(&c, text, sizeof text - 1, "text", &e), &e);
	CHECK(hdf5_open(&f, &file, path, &c, &e) != 0);
	CHECK_CONTAINS(e.text, part);
	CHECK(f == NULL && file == NULL);
	config_free(&c);
}

TEST(files_that_are_no_model_are_refused)
{
	struct err e = {0};
	refused(test_path("absent.h5"), "cannot open");
	CHECK_OK(file_write_atomic(test_path("x.h5"), "\211HDF\r\n\032\nrest", 12, &e), &e);
	refused(test_path("x.h5"), "as HDF5");
	const char *path = test_path("other.h5");
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	put(file, "something/else", 2, 2, 0);
	H5Fclose(file);
	refused(path, "no weights of a BERT");
	file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	put(file, "a/classifier/bias:0", 2, 0, 0);
	put(file, "b/classifier/bias:0", 2, 0, 0);
	H5Fclose(file);
	refused(path, "'classifier.bias' occurs twice");
}

TEST(links_are_not_followed_out_of_the_file)
{
	const char *other = model_file(""), *path = test_path("links.h5");
	hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	H5Lcreate_external(other, "/bert", file, "bert", H5P_DEFAULT, H5P_DEFAULT);
	H5Lcreate_soft("/", file, "loop", H5P_DEFAULT, H5P_DEFAULT);
	H5Fclose(file);
	refused(path, "no weights");
	file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
	hid_t group = H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	H5Lcreate_hard(file, "/", group, "again", H5P_DEFAULT, H5P_DEFAULT); /* a cycle */
	H5Gclose(group);
	H5Fclose(file);
	refused(path, "nested deeper");
}
#endif
