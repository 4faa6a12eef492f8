/* A safetensors file of arbitrary bytes: it opens, and then every byte of every tensor is readable, or it is refused. */
#include "../../engine/checkpoint.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct checkpoint *c)
{
	float values[64];
	unsigned sum = 0;
	for (int i = 0; i < checkpoint_count(c); i++) {
		const struct tensor *t = checkpoint_tensor(c, i);
		for (size_t j = 0; j < t->bytes; j++)
			sum += ((const unsigned char *)t->data)[j];
		for (int64_t j = 0; dtype_is_float(t->dtype) && j < t->count; j += 64)
			tensor_to_float(values, t, j, t->count - j < 64 ? t->count - j : 64);
		if (checkpoint_find(c, t->name) != t)
			abort();
	}
	if (sum == 1)
		fputs("", stderr); /* the sum is used */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct err e = {0};
	struct checkpoint *c;
	int fd = memfd_create("x", 0);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!checkpoint_open(&c, path, &e))
		read_all(c);
	else if (!e.text[0])
		abort();
	checkpoint_close(c);
	close(fd);
	return 0;
}
