/* A model directory out of whatever weights were saved as: safetensors (one file or shards), pytorch_model.bin (one or
 * shards), Keras .h5. */
#ifndef ADAPLER_CONVERT_H
#define ADAPLER_CONVERT_H

#include "checkpoint.h"

enum { CONVERT_KEEP = -1 };

struct convert_options {
	int dtype;          /* enum dtype of every tensor, or CONVERT_KEEP: as in the source (F64 becomes F32) */
	const char *config; /* NULL: config.json beside the source */
	const char *labels; /* "negative,positive"; NULL: as in the config */
	int force;          /* a model in the destination is replaced */
};

struct convert_report {
	char source[4096]; /* the file that was read */
	int written;
	int64_t parameters;
	int left_out; /* tensors of other heads, buffers */
	char first_left_out[TENSOR_NAME_SIZE];
	int has_head;
	int K;
};

/* Writes model.safetensors, config.json and the tokenizer's files into `destination`, which is made. What is written has
 * been bound to the config: it loads. A failure leaves nothing behind that was not there before. */
int convert_model(const char *source, const char *destination, const struct convert_options *options,
                  struct convert_report *report, struct err *e);

#endif
