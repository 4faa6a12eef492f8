/* A pytorch_model.bin of arbitrary bytes: as an archive, and its bytes as a bare pickle. The archive's checksums are in
 * the way of a fuzzer, so the pickle is also tried alone. */
#include "../../engine/pickle.h"
#include "../../engine/torch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct checkpoint *c)
{
	unsigned sum = 0;
	for (int i = 0; i < checkpoint_count(c); i++) {
		const struct tensor *t = checkpoint_tensor(c, i);
		for (size_t j = 0; j < t->bytes; j++)
			sum += ((const unsigned char *)t->data)[j];
	}
	if (sum == 1)
		fputs("", stderr); /* the sum is used */
}

static void as_archive(const uint8_t *data, size_t size)
{
	char path[64];
	struct err e = {0};
	struct torch_file *f;
	struct checkpoint *c;
	int fd = memfd_create("x", 0);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!torch_open(&f, &c, path, &e))
		read_all(c);
	else if (!e.text[0])
		abort();
	checkpoint_close(c);
	torch_close(f);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct pickle_tensor *tensors;
	int count;
	as_archive(data, size);
	if (pickle_read(&tensors, &count, data, size, "x", &e) && !e.text[0])
		abort();
	free(tensors);
	return 0;
}
