/* A file of saliency of arbitrary bytes: refused with a sentence and without a trace, or shares from 0 to 1 for every
 * token. Bytes are the whole file; as no guess has the right checksum, what follows the key is given it when the first
 * byte is odd. */
#include "../../eval/saliency_file.h"

#include "../../engine/base/buf.h"
#include "../../engine/base/err.h"
#include "../../engine/base/file.h"
#include "../../engine/base/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds)
{
	if (!holds)
		abort();
}

static void add_whole(struct buf *b, const uint8_t *data, size_t size)
{
	struct sha256 hash;
	char hex[65];
	sha256_init(&hash);
	sha256_add(&hash, data, size);
	sha256_end(&hash, hex);
	buf_addf(b,
	         "adapler saliency 2\n{\"task\":\"t\",\"split\":\"dev\",\"data_sha\":\"x\",\"token_sha\":\"y\","
	         "\"dev_sha\":\"z\",\"max_length\":0,\"examples\":3,\"tokens\":7,\"dev_score\":null,\"sha256\":\"%s\"}\n",
	         hex);
	buf_add(b, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct buf b = {0};
	struct example examples[] = {{.n = 3}, {.n = 0}, {.n = 4}};
	struct encoded x = {.count = 3, .examples = examples, .longest = 4, .tokens = 7};
	const struct saliency_key k = {.task = "t", .split = "dev", .data_sha = "x", .token_sha = "y", .dev_sha = "z"};
	struct saliency_file f;
	char path[64];
	if (!size)
		return 0;
	snprintf(path, sizeof path, "/tmp/fuzz-saliency-%ld", (long)getpid());
	if (data[0] & 1)
		add_whole(&b, data + 1, size - 1);
	else
		buf_add(&b, data + 1, size - 1);
	FILE *file = fopen(path, "wb");
	expect(file && fwrite(b.data ? b.data : "", 1, b.size, file) == b.size && !fclose(file));
	const int code = saliency_open(&f, path, &k, &x, &e);
	expect(!code == !e.text[0] && !code == !!f.values);
	for (int i = 0; i < 3; i++)
		expect(!code == !!examples[i].saliency);
	for (int i = 0; i < 7 && !code; i++)
		expect(f.values[i] >= 0 && f.values[i] <= 1);
	saliency_close(&f);
	buf_free(&b);
	unlink(path);
	return 0;
}
