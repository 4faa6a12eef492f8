#include "../engine/convert.h"

#include "../engine/base/file.h"
#include "../engine/config.h"
#include "../engine/init.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROUPS_DENSE = 1 << GROUP_EMBEDDINGS | 1 << GROUP_TYPES | 1 << GROUP_ENCODER | 1 << GROUP_HEAD };

/* Of tests/golden/torch/bert.bin. */
static const char bert_config[] = "{\"model_type\":\"bert\",\"vocab_size\":6,\"hidden_size\":2,\"num_hidden_layers\":1,"
								  "\"num_attention_heads\":1,\"intermediate_size\":3,\"max_position_embeddings\":4}";

static void write_text(const char *path, const char *text)
{
	struct err e = {0};
	CHECK_OK(file_write_atomic(path, text, strlen(text), &e), &e);
}

static char *text_of(const char *path)
{
	struct err e = {0};
	char *text = NULL;
	size_t size;
	CHECK_OK(file_read(&text, &size, path, 1 << 24, &e), &e);
	return text;
}

/* A folder with bert.bin as pytorch_model.bin, its config and a vocabulary. */
static const char *source_folder(const char *name)
{
	struct err e = {0};
	char path[4096], *bytes;
	size_t size;
	const char *dir = test_path(name);
	mkdir(dir, 0777);
	CHECK_OK(file_read(&bytes, &size, "tests/golden/torch/bert.bin", 1 << 20, &e), &e);
	snprintf(path, sizeof path, "%s/pytorch_model.bin", dir);
	CHECK_OK(file_write_atomic(path, bytes, size, &e), &e);
	free(bytes);
	snprintf(path, sizeof path, "%s/config.json", dir);
	write_text(path, bert_config);
	snprintf(path, sizeof path, "%s/vocab.txt", dir);
	write_text(path, "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n");
	return dir;
}

static int check_value(const struct weight_info *info, void *arg)
{
	int *t = arg;
	int64_t count = info->rows * (info->columns ? info->columns : 1);
	for (int i = 0; i < count; i++)
		CHECK_NEAR((*info->slot)[i], (31 * *t + 7 * i) % 64 / 32.0 - 1, 0);
	++*t;
	return 0;
}

TEST(a_bin_becomes_a_model_directory)
{
	struct err e = {0};
	struct convert_report report;
	struct config c;
	struct weights w;
	int t = 0;
	const char *from = source_folder("bin"), *to = test_path("deep/er/out");
	REQUIRE_OK(convert_model(from, to, &(struct convert_options){.dtype = CONVERT_KEEP}, &report, &e), &e);
	CHECK_INT(report.written, 25);
	CHECK_INT(report.left_out, 1);
	CHECK_STR(report.first_left_out, "bert.embeddings.position_ids");
	CHECK(report.has_head);
	CHECK_INT(report.K, 0);
	REQUIRE_OK(config_read(&c, to, &e), &e);
	REQUIRE_OK(weights_open(&w, &c, to, GROUPS_DENSE, &e), &e);
	weights_visit(&w, &c, GROUPS_CLASSIFIER, check_value, &t);
	CHECK_INT(t, 25);
	char *vocab = text_of(test_path("deep/er/out/vocab.txt"));
	CHECK_STR(vocab, "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n");
	free(vocab);
	weights_close(&w);
	config_free(&c);
}

TEST(a_model_is_replaced_only_by_force_and_never_in_place)
{
	struct err e = {0};
	struct convert_report report;
	struct convert_options o = {.dtype = DTYPE_F16};
	const char *from = source_folder("twice"), *to = test_path("twice-out");
	REQUIRE_OK(convert_model(from, to, &o, &report, &e), &e);
	CHECK_INT(convert_model(from, to, &o, &report, &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "--force replaces it");
	e = (struct err){0};
	o.force = 1;
	CHECK_OK(convert_model(from, to, &o, &report, &e), &e);
	CHECK_INT(convert_model(from, from, &o, &report, &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "the same folder");
}

TEST(a_dtype_can_be_asked_for)
{
	struct err e = {0};
	struct convert_report report;
	struct checkpoint *c;
	const char *from = source_folder("dtype"), *to = test_path("dtype-out");
	REQUIRE_OK(convert_model(from, to, &(struct convert_options){.dtype = DTYPE_BF16}, &report, &e), &e);
	REQUIRE_OK(checkpoint_open(&c, to, &e), &e);
	for (int i = 0; i < checkpoint_count(c); i++)
		CHECK_INT(checkpoint_tensor(c, i)->dtype, DTYPE_BF16);
	checkpoint_close(c);
}

TEST(labels_and_config_can_be_given)
{
	struct err e = {0};
	struct convert_report report;
	struct config c;
	const char *from = source_folder("labels"), *to = test_path("labels-out"), *config = test_path("other.json");
	rename(test_path("labels/config.json"), config);
	struct convert_options o = {.dtype = CONVERT_KEEP, .labels = "bad,good"};
	CHECK(convert_model(from, to, &o, &report, &e) != 0);
	CHECK_CONTAINS(e.text, "give one with --config");
	CHECK(!file_exists(to));
	e = (struct err){0};
	o.config = test_path("other.json");
	from = test_path("labels");
	to = test_path("labels-out");
	REQUIRE_OK(convert_model(from, to, &o, &report, &e), &e);
	REQUIRE_OK(config_read(&c, to, &e), &e);
	CHECK_STR(c.labels[1], "good");
	config_free(&c);
	o.force = 1;
	o.labels = "a,b,c";
	CHECK_INT(convert_model(from, to, &o, &report, &e), ERR_MISMATCH);
	CHECK_CONTAINS(e.text, "'id2label' of the config makes it [3,2]");
	e = (struct err){0};
	o.labels = "a,,c";
	CHECK_INT(convert_model(from, to, &o, &report, &e), ERR_USAGE);
}

TEST(shards_become_one_file)
{
	static const char text[] = "{\"vocab_size\":9,\"hidden_size\":4,\"num_hidden_layers\":1,\"num_attention_heads\":2,"
							   "\"intermediate_size\":4,\"max_position_embeddings\":5,\"adapler\":{\"cp_size\":3}}";
	struct err e = {0};
	struct convert_report report;
	struct config c;
	struct checkpoint *one;
	mkdir(test_path("shards"), 0777);
	write_text(test_path("shards/config.json"), text);
	REQUIRE_OK(config_parse(&c, text, sizeof text - 1, "text", &e), &e);
	REQUIRE_OK(init_write(&c, 1, POSITIONS_NORMAL, DTYPE_F32, test_path("shards/s.safetensors"), &e), &e);
	REQUIRE_OK(checkpoint_open(&one, test_path("shards/s.safetensors"), &e), &e);
	FILE *f = fopen(test_path("shards/model.safetensors.index.json"), "wb");
	for (int i = 0; i < checkpoint_count(one); i++)
		fprintf(f, "%s\"%s\":\"s.safetensors\"", i ? "," : "{\"weight_map\":{", checkpoint_tensor(one, i)->name);
	fprintf(f, "}}");
	fclose(f);
	CHECK_OK(convert_model(test_path("shards"), test_path("shards-out"),
	                       &(struct convert_options){.dtype = CONVERT_KEEP}, &report, &e),
	         &e);
	CHECK_INT(report.written, checkpoint_count(one));
	CHECK_INT(report.K, 3);
	checkpoint_close(one);
	CHECK(file_exists(test_path("shards-out/model.safetensors")));
	config_free(&c);
}

/* A file size limit stands in for a full disk. */
TEST(a_full_disk_leaves_nothing_behind)
{
	struct err e = {0};
	struct convert_report report;
	struct rlimit before, small;
	const char *from = source_folder("full"), *to = test_path("full-out");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 1000;
	setrlimit(RLIMIT_FSIZE, &small);
	int code = convert_model(from, to, &(struct convert_options){.dtype = CONVERT_KEEP}, &report, &e);
	setrlimit(RLIMIT_FSIZE, &before);
	CHECK_INT(code, ERR_IO);
	CHECK_CONTAINS(e.text, "cannot write");
	CHECK(!file_exists(to));
}

TEST(a_source_that_is_none_says_so)
{
	struct err e = {0};
	struct convert_report report;
	struct convert_options o = {.dtype = CONVERT_KEEP};
	mkdir(test_path("none"), 0777);
	CHECK(convert_model(test_path("none"), test_path("none-out"), &o, &report, &e) != 0);
	CHECK_CONTAINS(e.text, "no model.safetensors, pytorch_model.bin or tf_model.h5");
	e = (struct err){0};
	write_text(test_path("none/config.json"), bert_config);
	write_text(test_path("none/pytorch_model.bin"), "hello");
	CHECK(convert_model(test_path("none"), test_path("none-out"), &o, &report, &e) != 0);
	CHECK_CONTAINS(e.text, "no zip archive");
}
