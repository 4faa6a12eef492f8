#include "../eval/saliency_file.h"

#include "../engine/base/file.h"
#include "data_files.h"

#include <math.h>
#include <stdlib.h>

enum { COUNT = 3, TOKENS = 7 };

static struct saliency_key some_key(void)
{
	struct saliency_key k = {.models = 2, .model = {"a \"b\"", "c"}, .task = "sst2", .split = "train", .max_length = 9};
	k.dev_score = 0.875;
	memset(k.data_sha, 'd', 64);
	memset(k.token_sha, 't', 64);
	memset(k.dev_sha, 'e', 64);
	memset(k.model_sha[0], '0', 64);
	memset(k.model_sha[1], '1', 64);
	return k;
}

static const float some_saliency[TOKENS] = {2, 1, 0.5f, 0, 0, 3, 3e-5f};

/* Texts of 3, 2 and 2 tokens. */
static struct encoded some_texts(struct example examples[COUNT])
{
	const int n[COUNT] = {3, 2, 2};
	for (int i = 0; i < COUNT; i++)
		examples[i] = (struct example){.n = n[i]};
	return (struct encoded){.count = COUNT, .examples = examples, .longest = 3, .tokens = TOKENS};
}

static const char *written(const char *name)
{
	struct err e = {0};
	struct example examples[COUNT];
	const struct encoded x = some_texts(examples);
	const struct saliency_key k = some_key();
	const char *path = put(name, "");
	CHECK_OK(saliency_write(path, &k, &x, some_saliency, &e), &e);
	return path;
}

static void refused(const char *path, const struct saliency_key *k, struct encoded *x, const char *why)
{
	struct err e = {0};
	struct saliency_file f;
	if (!CHECK(saliency_open(&f, path, k, x, &e) != 0))
		saliency_close(&f);
	CHECK_CONTAINS(e.text, why);
	CHECK(!f.values);
}

/* The file with its bytes from `at` (from the end when negative) replaced by `bytes`. */
static const char *changed(const char *name, long at, const char *bytes, size_t size)
{
	struct err e = {0};
	char *data;
	size_t n;
	CHECK_OK(file_read(&data, &n, written("whole.saliency"), 1 << 20, &e), &e);
	memcpy(data + (at < 0 ? (long)n + at : at), bytes, size);
	const char *path = put_bytes(name, data, n);
	free(data);
	return path;
}

TEST(saliency_comes_back_in_65535ths_of_each_texts_largest)
{
	struct err e = {0};
	struct example examples[COUNT];
	struct encoded x = some_texts(examples);
	struct saliency_file f;
	const struct saliency_key k = some_key();
	REQUIRE_OK(saliency_open(&f, written("a.saliency"), &k, &x, &e), &e);
	/* 0.5 x 65535 = 32767.5 and 0.25 x 65535 = 16383.75 are rounded, to even; 1e-5 x 65535 = 0.66 is 1. */
	const float expected[TOKENS] = {1, 32768 / 65535.f, 16384 / 65535.f, 0, 0, 1, 1 / 65535.f};
	for (int i = 0; i < TOKENS; i++)
		CHECK_NEAR((double)f.values[i], (double)expected[i], 1e-9);
	CHECK(examples[0].saliency == f.values && examples[1].saliency == f.values + 3);
	CHECK(examples[2].saliency == f.values + 5);
	CHECK_NEAR(f.key.dev_score, 0.875, 0);
	CHECK_INT((long long)strlen(f.sha), 64);
	saliency_close(&f);
	saliency_close(&f);
}

TEST(an_unknown_dev_score_comes_back_unknown)
{
	struct err e = {0};
	struct example examples[COUNT];
	struct encoded x = some_texts(examples);
	struct saliency_file f;
	struct saliency_key k = some_key();
	k.dev_score = NAN;
	const char *path = test_path("nan.saliency");
	REQUIRE_OK(saliency_write(path, &k, &x, some_saliency, &e), &e);
	REQUIRE_OK(saliency_open(&f, path, &k, &x, &e), &e);
	CHECK_NEAR(f.key.dev_score, NAN, 0);
	saliency_close(&f);
}

TEST(saliency_of_anything_else_is_refused)
{
	struct example examples[COUNT];
	struct encoded x = some_texts(examples);
	const char *path = written("a.saliency");
	struct saliency_key k = some_key();
	strcpy(k.task, "imdb");
	refused(path, &k, &x, "is of task 'sst2', expected 'imdb'");
	k = some_key();
	strcpy(k.split, "dev");
	refused(path, &k, &x, "is of split 'train', expected 'dev'");
	k = some_key();
	k.data_sha[63] = 'e';
	refused(path, &k, &x, "is of other texts or labels");
	k = some_key();
	k.max_length = 10;
	refused(path, &k, &x, "is of max_length 9, expected 10");
	k = some_key();
	k.token_sha[0] = 'x';
	refused(path, &k, &x, "is of other tokens: its models have another vocabulary");
	k = some_key();
	k.dev_sha[63] = 'x';
	refused(path, &k, &x, "is of models with a dev score on other dev data");
	k = some_key();
	x.count = 2;
	refused(path, &k, &x, "is of examples 3, expected 2");
	x.count = 3;
	x.tokens = 8;
	refused(path, &k, &x, "is of tokens 7, expected 8");
	x.tokens = 7;
	examples[1].n = 3;
	examples[2].n = 1;
	refused(path, &k, &x, "sample 1 has 3 tokens, but 2 in");
	for (int i = 0; i < COUNT; i++)
		CHECK(!examples[i].saliency);
}

TEST(a_file_that_is_not_whole_is_refused)
{
	struct err e = {0};
	struct example examples[COUNT];
	struct encoded x = some_texts(examples);
	const struct saliency_key k = some_key();
	char *data;
	size_t n;
	REQUIRE_OK(file_read(&data, &n, written("a.saliency"), 1 << 20, &e), &e);
	refused(put_bytes("cut.saliency", data, n - 1), &k, &x, "expected 20 bytes of values, found 19 in");
	refused(put_bytes("key.saliency", data, 60), &k, &x, "is cut off within its key");
	data[n] = 'x';
	refused(put_bytes("long.saliency", data, n + 1), &k, &x, "expected 20 bytes of values, found 21 in");
	free(data);
	refused(changed("bit.saliency", -1, "x", 1), &k, &x, "is damaged");
	refused(changed("json.saliency", 19, "[", 1), &k, &x, "json.saliency");
	refused(changed("magic.saliency", 17, "1", 1), &k, &x, "is no file of saliency");
	refused(put("empty.saliency", ""), &k, &x, "is no file of saliency");
	refused(put("text.saliency", "text\tlabel\n"), &k, &x, "is no file of saliency");
	refused(put("no-key.saliency", "adapler saliency 2\n{}\n"), &k, &x, "is of task ''");
	refused(put("list.saliency", "adapler saliency 2\n[]\n"), &k, &x, "list.saliency");
	refused(put("number.saliency", "adapler saliency 2\n{\"task\": 3}\n"), &k, &x, "'task'");
	refused(test_path("none.saliency"), &k, &x, "cannot open");
}

TEST(what_is_no_saliency_is_not_written)
{
	struct example examples[COUNT];
	struct encoded x = some_texts(examples);
	const struct saliency_key k = some_key();
	const float bad[] = {NAN, -1, INFINITY};
	const char *path = test_path("bad.saliency");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = {0};
		float saliency[TOKENS] = {1, 1, 1, 1, 1, 1, bad[i]};
		CHECK_INT(saliency_write(path, &k, &x, saliency, &e), ERR_LIMIT);
		CHECK(!file_exists(path));
	}
	struct err e = {0};
	x.longest = 65536;
	CHECK_INT(saliency_write(path, &k, &x, some_saliency, &e), ERR_LIMIT);
	CHECK_CONTAINS(e.text, "a text of 65536 tokens");
}
