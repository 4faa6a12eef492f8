/* What torch.save pickles of a state dict: names to tensors.
 *
 * Nothing is evaluated. The stack machine knows the opcodes that torch writes for dicts of tensors (protocols 2 to 5)
 * and a short list of globals, each with a meaning of its own here; anything else is refused by its name. Memory is a
 * small multiple of the pickle's size. */
#ifndef ADAPLER_PICKLE_H
#define ADAPLER_PICKLE_H

#include "checkpoint.h"

enum { PICKLE_KEY_SIZE = 64 };

/* A view of a storage that lies elsewhere: element (i, j, ..) is at offset + i*stride[0] + j*stride[1] + .. */
struct pickle_tensor {
	char name[TENSOR_NAME_SIZE];
	char key[PICKLE_KEY_SIZE]; /* the storage */
	enum dtype dtype;
	int element_bytes;
	int64_t storage_count; /* elements of the storage, as the pickle says */
	int64_t offset;
	int rank;
	int64_t shape[TENSOR_RANK_MAX], stride[TENSOR_RANK_MAX];
};

/* *tensors is malloc'ed. */
int pickle_read(struct pickle_tensor **tensors, int *count, const unsigned char *data, size_t size, const char *name,
                struct err *e);

#endif
