#include "../engine/checkpoint.h"

#include "../engine/base/file.h"
#include "test.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of `length` as stated in its first bytes, the header, and `data` bytes that count up from 1. */
static const char *file_stating(uint64_t length, const char *header, size_t data)
{
	const char *path = test_path("x.safetensors");
	FILE *f = fopen(path, "wb");
	fwrite(&length, sizeof length, 1, f);
	fputs(header, f);
	for (size_t i = 0; i < data; i++)
		fputc((int)(i + 1) & 0xff, f);
	fclose(f);
	return path;
}

static const char *file_of(const char *header, size_t data) { return file_stating(strlen(header), header, data); }

static void refused(const char *path, const char *part)
{
	struct err e = {0};
	struct checkpoint *c;
	CHECK_INT(checkpoint_open(&c, path, &e) != 0, 1);
	CHECK_CONTAINS(e.text, part);
	CHECK(c == NULL);
	checkpoint_close(c);
}

#define T(name, dtype, shape, range) \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" range "}"

TEST(a_plain_file_opens_and_its_tensors_are_found)
{
	struct err e = {0};
	struct checkpoint *c;
	const char *path = file_of("{\"__metadata__\":{\"format\":\"pt\"}," T("b", "F32", "[2,3]", "[4,28]") "," //
	                           T("a", "U8", "[4]", "[0,4]") "," T("s", "F16", "[]", "[28,30]") "}",
	                           30);
	REQUIRE_OK(checkpoint_open(&c, path, &e), &e);
	CHECK_INT(checkpoint_count(c), 3);
	CHECK_STR(checkpoint_tensor(c, 0)->name, "a");
	CHECK_STR(checkpoint_path(c), path);
	CHECK_INT(checkpoint_dtype(c), DTYPE_F32);
	const struct tensor *b = checkpoint_find(c, "b"), *s = checkpoint_find(c, "s");
	REQUIRE(b && s);
	CHECK(checkpoint_find(c, "c") == NULL);
	CHECK_INT(b->count, 6);
	CHECK_INT(b->rank, 2);
	CHECK_INT(b->shape[1], 3);
	CHECK_INT(*(const unsigned char *)b->data, 5);
	CHECK_INT(s->count, 1);
	CHECK_INT(s->rank, 0);
	checkpoint_release_pages(c);
	CHECK_INT(*(const unsigned char *)b->data, 5);
	checkpoint_close(c);
}

TEST(a_header_length_that_lies_is_refused)
{
	refused(file_stating(3, "{}", 0), "larger than the file");
	refused(file_stating(UINT64_MAX, "{}", 0), "larger than 100 MB");
	refused(file_stating(100000001, "{}", 0), "larger than 100 MB");
	refused(file_stating(1, "{}", 0), "not valid JSON");
	refused(file_stating(2, "{}", 1), "1 bytes at the end");
	FILE *f = fopen(test_path("short.safetensors"), "wb");
	fputs("abc", f);
	fclose(f);
	refused(test_path("short.safetensors"), "too short");
	f = fopen(test_path("empty.safetensors"), "wb");
	fclose(f);
	refused(test_path("empty.safetensors"), "too short");
	refused(test_path("absent.safetensors"), "cannot open");
}

TEST(a_header_that_is_not_one_is_refused)
{
	refused(file_of("[]", 0), "not a JSON object");
	refused(file_of("{\"a\":3}", 0), "expected an object for tensor 'a'");
	refused(file_of("{\"__metadata__\":3}", 0), "'__metadata__'");
	refused(file_of("{\"__metadata__\":{\"a\":3}}", 0), "'a' of '__metadata__'");
	refused(file_of("{\"\":{}}", 0), "tensor name of 0 bytes");
	char header[600];
	snprintf(header, sizeof header, "{\"%0300d\":{}}", 0);
	refused(file_of(header, 0), "tensor name of 300 bytes");
	refused(file_of("{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8), "'a' occurs twice");
}

TEST(ranges_that_lie_are_refused)
{
	refused(file_of("{" T("a", "F32", "[2]", "[0,8]") "}", 7), "truncated");
	refused(file_of("{" T("a", "F32", "[2]", "[0,7]") "}", 7), "has 7 bytes, but its shape [2] and dtype make 8");
	refused(file_of("{" T("a", "F32", "[1]", "[4,0]") "}", 4), "not [begin, end]");
	refused(file_of("{" T("a", "F32", "[1]", "[0]") "}", 4), "not [begin, end]");
	refused(file_of("{" T("a", "F32", "[1]", "[0,4.5]") "}", 4), "not [begin, end]");
	refused(file_of("{" T("a", "F32", "[1]", "[-4,0]") "}", 4), "not [begin, end]");
	refused(file_of("{" T("a", "F32", "[1]", "[0,1e300]") "}", 4), "not [begin, end]");
	refused(file_of("{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[2,6]") "}", 6), "'a' and 'b' overlap");
	refused(file_of("{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[0,4]") "}", 4), "overlap");
	refused(file_of("{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[5,9]") "}", 9),
	        "1 bytes before tensor 'b'");
	refused(file_of("{" T("a", "F32", "[1]", "[1,5]") "}", 5), "1 bytes before tensor 'a'");
}

TEST(shapes_and_dtypes_that_lie_are_refused)
{
	refused(file_of("{" T("a", "F31", "[1]", "[0,4]") "}", 4), "unknown dtype 'F31'");
	refused(file_of("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4), "has no dtype");
	refused(file_of("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4), "has no shape");
	refused(file_of("{" T("a", "F32", "[-1]", "[0,4]") "}", 4), "not a list of sizes");
	refused(file_of("{" T("a", "F32", "[\"1\"]", "[0,4]") "}", 4), "not a list of sizes");
	refused(file_of("{" T("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0), "too large");
	refused(file_of("{" T("a", "U8", "[4611686018427387904]", "[0,0]") "}", 0), "not a list of sizes");
	refused(file_of("{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4), "more than 8 dimensions");
	refused(file_of("{" T("a", "F4", "[3]", "[0,1]") "}", 1), "has 1 bytes");
}

TEST(tensors_without_elements_are_fine)
{
	struct err e = {0};
	struct checkpoint *c;
	REQUIRE_OK(
		checkpoint_open(&c, file_of("{" T("a", "F32", "[0,5]", "[4,4]") "," T("b", "F32", "[1]", "[0,4]") "}", 4), &e),
		&e);
	CHECK_INT(checkpoint_count(c), 2);
	checkpoint_close(c);
	REQUIRE_OK(checkpoint_open(&c, file_of("{}", 0), &e), &e);
	CHECK_INT(checkpoint_count(c), 0);
	CHECK(checkpoint_find(c, "a") == NULL);
	checkpoint_close(c);
}

/* ---- numbers ---- */

static float from_bits(uint32_t u)
{
	float x;
	memcpy(&x, &u, sizeof x);
	return x;
}

static float read_one(enum dtype d, uint16_t bits)
{
	float x;
	struct tensor t = {.dtype = d, .count = 1, .data = &bits};
	tensor_to_float(&x, &t, 0, 1);
	return x;
}

/* The definition of binary16, by ldexp. */
static double half_by_definition(uint16_t h)
{
	int exponent = h >> 10 & 31, fraction = h & 1023;
	double x = exponent == 31 ? (fraction ? NAN : INFINITY)
	           : exponent     ? ldexp(1024 + fraction, exponent - 25)
	                          : ldexp(fraction, -24);
	return h & 0x8000 ? -x : x;
}

TEST(every_half_reads_as_its_definition_says)
{
	for (unsigned h = 0; h < 65536; h++) {
		float x = read_one(DTYPE_F16, (uint16_t)h);
		double y = half_by_definition((uint16_t)h);
		if (isnan(y) ? !isnan(x) : (double)x != y || !signbit(x) != !signbit(y))
			test_fail(__FILE__, __LINE__, "half %04x reads as %g, expected %g", h, (double)x, y);
	}
}

TEST(every_half_and_bfloat_survives_the_way_there_and_back)
{
	for (unsigned h = 0; h < 65536; h++) {
		uint16_t back;
		float x = read_one(DTYPE_F16, (uint16_t)h);
		dtype_from_float(&back, DTYPE_F16, &x, 1);
		if (!isnan(x) && back != h)
			test_fail(__FILE__, __LINE__, "half %04x comes back as %04x", h, back);
		if (isnan(x) && !isnan(read_one(DTYPE_F16, back)))
			test_fail(__FILE__, __LINE__, "half NaN %04x comes back as %04x", h, back);
		x = read_one(DTYPE_BF16, (uint16_t)h);
		dtype_from_float(&back, DTYPE_BF16, &x, 1);
		if (!isnan(x) && back != h)
			test_fail(__FILE__, __LINE__, "bfloat %04x comes back as %04x", h, back);
		if (isnan(x) && !isnan(read_one(DTYPE_BF16, back)))
			test_fail(__FILE__, __LINE__, "bfloat NaN %04x comes back as %04x", h, back);
	}
}

/* A neighbour may be rounded to only when no other is nearer, and a tie goes to the even one. */
TEST(floats_round_to_the_nearest_half_and_ties_to_even)
{
	for (unsigned h = 0; h < 0x7bff; h++) {
		double low = half_by_definition((uint16_t)h), high = half_by_definition((uint16_t)(h + 1));
		float middle = (float)((low + high) / 2), x[3] = {nextafterf(middle, -1), middle, nextafterf(middle, 1e9f)};
		uint16_t found[3], expected[3] = {(uint16_t)h, (uint16_t)(h & 1 ? h + 1 : h), (uint16_t)(h + 1)};
		dtype_from_float(found, DTYPE_F16, x, 3);
		if (memcmp(found, expected, sizeof found))
			test_fail(__FILE__, __LINE__, "between halves %04x and the next: %04x %04x %04x", h, found[0], found[1],
			          found[2]);
	}
	uint16_t h;
	dtype_from_float(&h, DTYPE_F16, (float[]){65519.996f}, 1);
	CHECK_INT(h, 0x7bff);
	dtype_from_float(&h, DTYPE_F16, (float[]){-65520.0f}, 1);
	CHECK_INT(h, 0xfc00);
}

TEST(floats_round_to_the_nearest_bfloat_and_ties_to_even)
{
	static const uint32_t in[] = {0x3f808000, 0x3f818000, 0x3f807fff, 0x3f808001, 0x00000001, 0x7f7fffff, 0xff800000};
	static const uint16_t out[] = {0x3f80, 0x3f82, 0x3f80, 0x3f81, 0x0000, 0x7f80, 0xff80};
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
		float x = from_bits(in[i]);
		uint16_t found;
		dtype_from_float(&found, DTYPE_BF16, &x, 1);
		CHECK_INT(found, out[i]);
	}
}

TEST(the_first_value_that_is_not_finite_is_found)
{
	enum { N = 5000 };
	float *x = calloc(N, sizeof *x);
	CHECK_INT(find_not_finite(x, N), -1);
	CHECK_INT(find_not_finite(x, 0), -1);
	for (int i = 0; i < N; i += 37) {
		x[i] = i % 2 ? -INFINITY : from_bits(0x7f800001); /* a signalling NaN */
		CHECK_INT(find_not_finite(x, N), i);
		x[i] = 3.4e38f;
	}
	free(x);
}

/* ---- writing ---- */

TEST(what_is_written_is_read_back_and_wide_tensors_come_first)
{
	struct err e = {0};
	struct checkpoint *c;
	float a[6] = {1, -2, 0.5f, 0, 65504, 6e-8f}, out[6];
	int64_t ids[2] = {7, -7};
	struct tensor_source all[] = {{"half", DTYPE_F16, 1, {3}, a, NULL},
	                              {"full", DTYPE_F32, 2, {2, 3}, a, NULL},
	                              {"brain \"quoted\"", DTYPE_BF16, 1, {3}, a, NULL},
	                              {"ids", DTYPE_I64, 1, {2}, NULL, ids},
	                              {"nothing", DTYPE_F32, 1, {0}, a, NULL}};
	const char *path = test_path("w.safetensors");
	REQUIRE_OK(checkpoint_write(path, all, 5, &e), &e);
	REQUIRE_OK(checkpoint_open(&c, path, &e), &e);
	CHECK_INT(checkpoint_count(c), 5);
	const struct tensor *full = checkpoint_find(c, "full"), *half = checkpoint_find(c, "half");
	REQUIRE(full && half && checkpoint_find(c, "ids") && checkpoint_find(c, "brain \"quoted\""));
	CHECK_INT((uintptr_t)checkpoint_find(c, "ids")->data % 64, 0);
	CHECK_INT((uintptr_t)full->data % 4, 0);
	CHECK(!memcmp(full->data, a, sizeof a));
	CHECK(!memcmp(checkpoint_find(c, "ids")->data, ids, sizeof ids));
	tensor_to_float(out, half, 1, 2);
	CHECK(out[0] == -2 && out[1] == 0.5f);
	checkpoint_close(c);
}

TEST(a_value_that_does_not_fit_is_an_error_and_nothing_is_written)
{
	struct err e = {0};
	float a[3] = {1, 2, 70000};
	struct tensor_source t = {"w", DTYPE_F16, 1, {3}, a, NULL};
	const char *path = test_path("overflow.safetensors");
	CHECK_INT(checkpoint_write(path, &t, 1, &e), ERR_LIMIT);
	CHECK_STR(e.text, "value 70000 at index 2 of tensor 'w' does not fit in F16");
	CHECK(!file_exists(path));
}

/* A file size limit stands in for a full disk: both make write() fail half way. */
TEST(a_full_disk_leaves_the_old_file_whole)
{
	struct err e = {0};
	struct checkpoint *c;
	struct rlimit before, small;
	static float a[100000];
	struct tensor_source t = {"w", DTYPE_F32, 1, {10}, a, NULL};
	char folder[4096];
	snprintf(folder, sizeof folder, "%s", test_path("disk"));
	mkdir(folder, 0777);
	const char *path = test_path("disk/m.safetensors");
	REQUIRE_OK(checkpoint_write(path, &t, 1, &e), &e);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 100000;
	setrlimit(RLIMIT_FSIZE, &small);
	t.shape[0] = 100000;
	int code = checkpoint_write(path, &t, 1, &e);
	setrlimit(RLIMIT_FSIZE, &before);
	CHECK_INT(code, ERR_IO);
	CHECK_CONTAINS(e.text, "cannot write");
	e = (struct err){0};
	REQUIRE_OK(checkpoint_open(&c, path, &e), &e);
	CHECK_INT(checkpoint_find(c, "w")->count, 10);
	checkpoint_close(c);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(rmdir(folder), 0); /* no temporary file is left */
}

/* ---- shards ---- */

static const char *index_of(const char *map)
{
	const char *path = test_path("model.safetensors.index.json");
	FILE *f = fopen(path, "wb");
	fprintf(f, "{\"metadata\":{\"total_size\":8},\"weight_map\":%s}", map);
	fclose(f);
	return path;
}

static void write_shard(const char *file, const char *tensor)
{
	float x = 1;
	struct tensor_source t = {tensor, DTYPE_F32, 1, {1}, &x, NULL};
	struct err e = {0};
	CHECK_OK(checkpoint_write(test_path(file), &t, 1, &e), &e);
}

TEST(shards_are_one_checkpoint)
{
	struct err e = {0};
	struct checkpoint *c;
	write_shard("s1.safetensors", "b");
	write_shard("s2.safetensors", "a");
	const char *path = index_of("{\"a\":\"s2.safetensors\",\"b\":\"s1.safetensors\"}");
	REQUIRE_OK(checkpoint_open(&c, path, &e), &e);
	CHECK_INT(checkpoint_count(c), 2);
	CHECK_INT(checkpoint_file_count(c), 2);
	CHECK_STR(checkpoint_tensor(c, 0)->name, "a");
	CHECK_STR(checkpoint_path(c), path);
	checkpoint_close(c);
	REQUIRE_OK(checkpoint_open(&c, test_folder(), &e), &e); /* found in the folder too */
	CHECK_INT(checkpoint_count(c), 2);
	checkpoint_close(c);
}

TEST(an_index_that_lies_is_refused)
{
	write_shard("s1.safetensors", "b");
	write_shard("s2.safetensors", "a");
	write_shard("s3.safetensors", "a");
	refused(index_of("{\"a\":\"s1.safetensors\",\"b\":\"s2.safetensors\"}"),
	        "tensor 'a' is not in shard 's1.safetensors'");
	refused(index_of("{\"b\":\"s1.safetensors\",\"a\":\"s1.safetensors\"}"), "tensor 'a' is not in shard");
	refused(index_of("{\"a\":\"s2.safetensors\",\"x\":\"s3.safetensors\"}"), "'a' occurs twice");
	refused(index_of("{\"a\":\"s2.safetensors\",\"b\":\"s4.safetensors\"}"), "cannot open");
	refused(index_of("{\"a\":\"../s2.safetensors\"}"), "not a plain file name");
	refused(index_of("{\"a\":\"/etc/passwd\"}"), "not a plain file name");
	refused(index_of("{\"a\":\"..\"}"), "not a plain file name");
	refused(index_of("{\"a\":\"\"}"), "not a plain file name");
	refused(index_of("{\"a\":7}"), "must name a shard");
	refused(index_of("[]"), "'weight_map'");
}

TEST(a_folder_with_another_format_says_what_to_do)
{
	char folder[4096];
	snprintf(folder, sizeof folder, "%s", test_path("other"));
	mkdir(folder, 0777);
	refused(folder, "no model.safetensors in");
	FILE *f = fopen(test_path("other/pytorch_model.bin"), "wb");
	fclose(f);
	refused(folder, "run 'adapler convert");
}
