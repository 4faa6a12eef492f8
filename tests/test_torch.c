#include "../engine/torch.h"

#include "../engine/base/file.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The values of make.py's views(), worked by hand. */
static void check_floats(const struct checkpoint *c, const char *name, const float *expected, int count)
{
	float found[32];
	const struct tensor *t = checkpoint_find(c, name);
	if (!t || t->count != count) {
		test_fail(__FILE__, __LINE__, "tensor '%s' is absent or of another size", name);
		return;
	}
	tensor_to_float(found, t, 0, count);
	for (int i = 0; i < count; i++)
		if (found[i] != expected[i])
			test_fail(__FILE__, __LINE__, "%s[%d] is %g, expected %g", name, i, (double)found[i], (double)expected[i]);
}

static void check_views(const char *path)
{
	struct err e = {0};
	struct torch_file *f;
	struct checkpoint *c;
	float whole[24], turned[24];
	REQUIRE_OK(torch_open(&f, &c, path, &e), &e);
	CHECK_INT(checkpoint_count(c), 11);
	for (int i = 0; i < 24; i++) {
		whole[i] = (float)i;
		turned[i] = (float)(i % 4 * 6 + i / 4);
	}
	check_floats(c, "whole", whole, 24);
	check_floats(c, "same", whole, 24);
	check_floats(c, "turned", turned, 24);
	check_floats(c, "part", (float[]){6, 8, 10, 12, 14, 16}, 6);
	check_floats(c, "scalar", (float[]){2.5f}, 1);
	check_floats(c, "half", (float[]){1.5f, -2, 65504}, 3);
	check_floats(c, "brain", (float[]){1.5f, -2, 3}, 3);
	check_floats(c, "parameter", (float[]){4}, 1);
	const struct tensor *ids = checkpoint_find(c, "ids"), *turn = checkpoint_find(c, "turned"),
						*wide = checkpoint_find(c, "double"), *empty = checkpoint_find(c, "empty");
	REQUIRE(ids && turn && wide && empty);
	CHECK_INT(ids->dtype, DTYPE_I64);
	CHECK(!memcmp(ids->data, (int64_t[]){7, -7}, 16));
	CHECK_INT(turn->shape[0], 6);
	CHECK_INT(wide->dtype, DTYPE_F64);
	CHECK(!memcmp(wide->data, (double[]){0.1, -1e300}, 16));
	CHECK_INT(empty->count, 0);
	checkpoint_close(c);
	torch_close(f);
}

TEST(files_of_torch_read_as_torch_reads_them)
{
	check_views("tests/golden/torch/views-2.bin");
	check_views("tests/golden/torch/views-4.bin");
}

static void refused(const char *path, const char *part)
{
	struct err e = {0};
	struct torch_file *f;
	struct checkpoint *c;
	CHECK(torch_open(&f, &c, path, &e) != 0);
	CHECK_CONTAINS(e.text, part);
	CHECK(f == NULL && c == NULL);
}

static const char *write_bytes(const char *name, const char *bytes, size_t size)
{
	struct err e = {0};
	const char *path = test_path(name);
	CHECK_OK(file_write_atomic(path, bytes, size, &e), &e);
	return path;
}

TEST(the_format_before_1_6_is_refused_with_a_hint)
{
	static const char old[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.";
	refused(write_bytes("old.bin", old, sizeof old - 1), "format from before 1.6: load and save it again");
	refused(write_bytes("text.bin", "hello", 5), "no zip archive");
	refused(write_bytes("empty.bin", "", 0), "no zip archive");
	refused(test_path("absent.bin"), "cannot open");
}

/* Whatever byte is wrong, the file opens or is refused with a sentence; the sanitizers watch the rest. */
TEST(a_flipped_byte_anywhere_is_survived)
{
	struct err e = {0};
	char *bytes;
	size_t size;
	REQUIRE_OK(file_read(&bytes, &size, "tests/golden/torch/views-4.bin", 1 << 20, &e), &e);
	for (size_t i = 0; i < size; i++) {
		struct torch_file *f;
		struct checkpoint *c;
		e = (struct err){0};
		bytes[i] = (char)(bytes[i] ^ 0x55);
		const char *path = write_bytes("flipped.bin", bytes, size);
		if (torch_open(&f, &c, path, &e)) {
			CHECK(e.text[0] != '\0');
		} else {
			checkpoint_close(c);
			torch_close(f);
		}
		bytes[i] = (char)(bytes[i] ^ 0x55);
	}
	free(bytes);
}

TEST(shards_are_read_through_their_index_and_only_beside_it)
{
	struct err e = {0};
	struct torch_file *f;
	struct checkpoint *c;
	char *bytes;
	size_t size;
	REQUIRE_OK(file_read(&bytes, &size, "tests/golden/torch/bert.bin", 1 << 20, &e), &e);
	write_bytes("a.bin", bytes, size);
	write_bytes("b.bin", bytes, size);
	free(bytes);
#define INDEX(text) write_bytes("pytorch_model.bin.index.json", text, sizeof text - 1)
	REQUIRE_OK(torch_open(&f, &c, INDEX("{\"weight_map\":{\"x\":\"a.bin\",\"y\":\"a.bin\"}}"), &e), &e);
	CHECK_INT(checkpoint_count(c), 26);
	checkpoint_close(c);
	torch_close(f);
	refused(INDEX("{\"weight_map\":{\"x\":\"a.bin\",\"y\":\"b.bin\"}}"), "occurs twice");
	refused(INDEX("{\"weight_map\":{\"x\":\"../a.bin\"}}"), "not a plain file name");
	refused(INDEX("{\"weight_map\":{\"x\":3}}"), "not a plain file name");
	refused(INDEX("{\"weight_map\":{}}"), "no tensors");
	refused(INDEX("{}"), "'weight_map'");
}
