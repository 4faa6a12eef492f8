/* Named tensors in safetensors files: one file, or shards listed by an index.
 *
 * Reading maps the files and checks everything before any tensor is handed out: header length, JSON, dtypes, shapes
 * against byte ranges, overlaps, gaps, ranges past the end. Writing is atomic. */
#ifndef ADAPLER_CHECKPOINT_H
#define ADAPLER_CHECKPOINT_H

#include "engine.h"

enum dtype { DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_F64, DTYPE_I64, DTYPE_OTHER };
enum { TENSOR_NAME_SIZE = 256, TENSOR_RANK_MAX = 8 };

struct tensor {
	char name[TENSOR_NAME_SIZE];
	enum dtype dtype;
	int rank;
	int64_t shape[TENSOR_RANK_MAX];
	int64_t count; /* product of shape */
	size_t bytes;
	const void *data; /* little-endian, not necessarily aligned */
};

struct checkpoint;

const char *dtype_name(enum dtype d);
size_t dtype_bytes(enum dtype d); /* 0 for DTYPE_OTHER */
int dtype_is_float(enum dtype d); /* one that tensor_to_float reads */

/* `path`: a .safetensors file, an index.json, or a directory that holds model.safetensors or its index. */
int checkpoint_open(struct checkpoint **c, const char *path, struct err *e);
/* The same from tensors that another format gave: takes over the malloc'ed list (freed on error too), not what `data`
 * points at. Names that occur twice are an error. */
int checkpoint_adopt(struct checkpoint **c, const char *path, struct tensor *tensors, int count, struct err *e);
void checkpoint_close(struct checkpoint *c);
int checkpoint_count(const struct checkpoint *c);
const struct tensor *checkpoint_tensor(const struct checkpoint *c, int i);          /* in order of the names */
const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name); /* NULL: absent */
/* The file that was opened: the weights, or the index of the shards. */
const char *checkpoint_path(const struct checkpoint *c);
/* The files that hold the tensors. */
int checkpoint_file_count(const struct checkpoint *c);
const char *checkpoint_file(const struct checkpoint *c, int i);
/* Lets go of the pages of the mapped files; data stays readable, from the files again. */
void checkpoint_release_pages(const struct checkpoint *c);
/* The dtype of most bytes, for display. */
enum dtype checkpoint_dtype(const struct checkpoint *c);

/* "[768,3072]" for messages. */
const char *shape_text(char *out, size_t size, const int64_t *shape, int rank);

/* out[i] = element first + i, for F32, F16, BF16 and F64. */
void tensor_to_float(float *out, const struct tensor *t, int64_t first, int64_t count);

/* The other way, rounding to nearest even; F32, F16, BF16 and F64. */
void dtype_from_float(void *out, enum dtype d, const float *values, size_t count);

/* The first value that is NaN or infinite, or -1. */
int64_t find_not_finite(const float *values, int64_t count);

/* What a writer takes: the name, and the values as float or as raw bytes of `dtype`. Tensors follow each other without
 * gaps, as the format demands, in the order given but wide dtypes first, so that every tensor is aligned to its own
 * elements; the first begins on a multiple of 64 bytes. Floats are rounded to nearest even; one that becomes infinite by
 * that is an error. */
struct tensor_source {
	const char *name;
	enum dtype dtype;
	int rank;
	int64_t shape[TENSOR_RANK_MAX];
	const float *values; /* or NULL, and then */
	const void *raw;     /* bytes as they are in the file */
};

int checkpoint_write(const char *path, const struct tensor_source *tensors, int count, struct err *e);

#endif
