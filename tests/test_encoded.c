#include "../eval/encoded.h"

#include "data_files.h"

#include <math.h>

static struct tokenizer *words(void)
{
	struct err e = {0};
	struct tokenizer *t = NULL;
	CHECK_OK(tokenizer_open(&t, put("words/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\n"), &e), &e);
	return t;
}

static struct sample text(const char *bytes, int label)
{
	return (struct sample){.text = bytes, .text_size = strlen(bytes), .label = label, .value = NAN};
}

static void is_ids(const struct example *x, const int *ids, const int *type_ids, int n)
{
	CHECK_INT(x->n, n);
	for (int i = 0; i < n && i < x->n; i++) {
		CHECK_INT(x->ids[i], ids[i]);
		CHECK_INT(x->type_ids[i], type_ids[i]);
	}
}

TEST(samples_are_tokenized_in_order_with_their_labels_and_values)
{
	struct err e = {0};
	struct encoded x;
	struct tokenizer *t = words();
	struct sample samples[] = {
		text("a b", 1), text("", -1), {.text = "c", .pair = "a a", .text_size = 1, .pair_size = 3}};
	samples[1].value = 2.5;
	const struct dataset d = {.count = 3, .sample = samples};
	REQUIRE_OK(encoded_open(&x, &d, t, 0, &e), &e);
	CHECK_INT(x.count, 3);
	is_ids(&x.examples[0], (const int[]){2, 4, 5, 3}, (const int[]){0, 0, 0, 0}, 4);
	is_ids(&x.examples[1], (const int[]){2, 3}, (const int[]){0, 0}, 2);
	is_ids(&x.examples[2], (const int[]){2, 6, 3, 4, 4, 3}, (const int[]){0, 0, 0, 1, 1, 1}, 6);
	CHECK_INT(x.examples[0].label, 1);
	CHECK_NEAR(x.examples[0].value, NAN, 0);
	CHECK_INT(x.examples[1].label, -1);
	CHECK_NEAR(x.examples[1].value, 2.5, 0);
	CHECK(x.list[2] == &x.examples[2]);
	CHECK_INT(x.longest, 6);
	CHECK_INT(x.tokens, 12);
	CHECK_INT(x.truncated, 0);
	encoded_close(&x);
	encoded_close(&x);
	tokenizer_close(t);
}

TEST(long_texts_are_cut_and_counted)
{
	struct err e = {0};
	struct encoded x;
	struct tokenizer *t = words();
	struct sample samples[] = {text("a b c", 0), text("a b", 0), text("a b c a b c", 0)};
	const struct dataset d = {.count = 3, .sample = samples};
	REQUIRE_OK(encoded_open(&x, &d, t, 4, &e), &e);
	CHECK_INT(x.truncated, 2);
	CHECK_INT(x.longest, 4);
	CHECK_INT(x.tokens, 12);
	is_ids(&x.examples[2], (const int[]){2, 4, 5, 3}, (const int[]){0, 0, 0, 0}, 4);
	encoded_close(&x);
	CHECK(encoded_open(&x, &d, t, 1, &e) != 0);
	CHECK(!x.examples && !x.list && !x.ids && !x.type_ids);
	tokenizer_close(t);
}

TEST(nothing_encodes_to_nothing)
{
	struct err e = {0};
	struct encoded x;
	struct tokenizer *t = words();
	REQUIRE_OK(encoded_open(&x, &(struct dataset){.count = 0}, t, 4, &e), &e);
	CHECK_INT(x.count, 0);
	CHECK_INT(x.longest, 0);
	CHECK_INT(encoded_largest_batch(&x, 32), 0);
	encoded_close(&x);
	tokenizer_close(t);
}

/* Memory grows, and moves, many times on the way. */
TEST(thousands_of_samples_keep_their_tokens)
{
	enum { N = 5000 };
	static struct sample samples[N];
	struct err e = {0};
	struct encoded x;
	struct tokenizer *t = words();
	for (int i = 0; i < N; i++)
		samples[i] = text(i % 3 ? "a b a b a" : "c", i);
	const struct dataset d = {.count = N, .sample = samples};
	REQUIRE_OK(encoded_open(&x, &d, t, 0, &e), &e);
	int wrong = 0;
	for (int i = 0; i < N; i++)
		wrong +=
			x.examples[i].label != i || x.examples[i].n != (i % 3 ? 7 : 3) || x.examples[i].ids[1] != (i % 3 ? 4 : 6);
	CHECK_INT(wrong, 0);
	encoded_close(&x);
	tokenizer_close(t);
}

TEST(the_largest_batch_is_made_of_the_longest_samples)
{
	struct example examples[] = {{.n = 3}, {.n = 9}, {.n = 4}, {.n = 4}, {.n = 7}};
	const struct encoded x = {.count = 5, .examples = examples, .longest = 9, .tokens = 27};
	const int expected[] = {9, 16, 20, 24, 27, 27, 27};
	for (int batch = 1; batch <= 7; batch++)
		CHECK_INT(encoded_largest_batch(&x, batch), expected[batch - 1]);
}

TEST(the_sum_tells_ids_types_and_bounds_apart)
{
	int ids[] = {2, 4, 5, 3}, types[] = {0, 0, 0, 0}, other_ids[] = {2, 4, 6, 3}, other_types[] = {0, 0, 1, 1};
	struct example whole[] = {{.n = 4}}, cut[] = {{.n = 2}, {.n = 2}};
	const struct encoded variants[] = {
		{.count = 1, .examples = whole, .tokens = 4, .ids = ids, .type_ids = types},
		{.count = 2, .examples = cut, .tokens = 4, .ids = ids, .type_ids = types},
		{.count = 1, .examples = whole, .tokens = 4, .ids = other_ids, .type_ids = types},
		{.count = 1, .examples = whole, .tokens = 4, .ids = ids, .type_ids = other_types}};
	char sums[4][65], again[65];
	for (int i = 0; i < 4; i++)
		encoded_sha(&variants[i], sums[i]);
	encoded_sha(&variants[0], again);
	CHECK_STR(again, sums[0]);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			CHECK(strcmp(sums[i], sums[k]) != 0);
}

TEST(texts_are_as_long_as_the_model_has_positions_unless_less_is_asked)
{
	struct err e = {0};
	int length = 0;
	put("model/config.json", "{\"model_type\": \"bert\", \"max_position_embeddings\": 40}");
	const char *model = test_path("model");
	CHECK_OK(encoded_max_length(&length, model, 0, &e), &e);
	CHECK_INT(length, 40);
	CHECK_OK(encoded_max_length(&length, model, 40, &e), &e);
	CHECK_OK(encoded_max_length(&length, model, 12, &e), &e);
	CHECK_INT(length, 12);
	CHECK_INT(encoded_max_length(&length, model, 41, &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "--max-length is 41, but '");
	CHECK_CONTAINS(e.text, "has 40 positions");
	CHECK(encoded_max_length(&length, test_path("no-model"), 0, &e) != 0);
}
