#include "convert.h"

#include "base/file.h"
#include "config.h"
#include "hdf5.h"
#include "new_files.h"
#include "torch.h"
#include "weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct conversion {
	char source[4096], folder[4096]; /* the weights, and where they lie */
	struct config config;
	struct torch_file *torch;
	struct hdf5_file *hdf5;
	struct checkpoint *file; /* until weights take it over */
	struct weights weights;
	struct tensor_source *tensors;
	char (*names)[TENSOR_NAME_SIZE];
	int count;
	const struct convert_options *options;
	struct convert_report *report;
	struct err *e;
};

/* ---- the source ---- */

static int find_weights(struct conversion *v, const char *dir)
{
	static const char *const names[] = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
	                                    "pytorch_model.bin.index.json", "tf_model.h5"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		int code = file_join(v->source, sizeof v->source, dir, names[i], v->e);
		if (code || file_exists(v->source))
			return code;
	}
	return err_set(v->e, ERR_IO, "no model.safetensors, pytorch_model.bin or tf_model.h5 in '%s'", dir);
}

static int find_source(struct conversion *v, const char *path)
{
	if (file_is_directory(path)) {
		int code = find_weights(v, path);
		if (code)
			return code;
	} else if (snprintf(v->source, sizeof v->source, "%s", path) >= (int)sizeof v->source) {
		return err_set(v->e, ERR_LIMIT, "path too long: '%.200s...'", path);
	}
	const char *slash = strrchr(v->source, '/');
	size_t length = slash ? (size_t)(slash - v->source) + (slash == v->source) : 1;
	memcpy(v->folder, slash ? v->source : ".", length);
	v->folder[length] = '\0';
	memcpy(v->report->source, v->source, sizeof v->source);
	return 0;
}

enum format { FORMAT_SAFETENSORS, FORMAT_TORCH, FORMAT_HDF5 };

static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && !strcmp(text + n - m, end);
}

/* By the first bytes, whatever the file is called; an index by its name. */
static int find_format(const struct conversion *v, enum format *format)
{
	unsigned char first[4] = {0};
	*format = ends_with(v->source, ".bin.index.json") ? FORMAT_TORCH : FORMAT_SAFETENSORS;
	if (ends_with(v->source, ".json"))
		return 0;
	FILE *f = fopen(v->source, "rb");
	if (!f)
		return err_set(v->e, ERR_IO, "cannot open '%s'", v->source);
	size_t n = fread(first, 1, sizeof first, f);
	fclose(f);
	if (n == sizeof first && !memcmp(first, "\211HDF", 4))
		*format = FORMAT_HDF5;
	else if ((n >= 2 && !memcmp(first, "PK", 2)) || (n >= 3 && first[0] == 0x80 && first[2] == 0x8a))
		*format = FORMAT_TORCH; /* zip, or the older pickle, which is refused with a hint there */
	else if (ends_with(v->source, ".bin") || ends_with(v->source, ".pt") || ends_with(v->source, ".pth"))
		*format = FORMAT_TORCH;
	return 0;
}

static int open_source(struct conversion *v)
{
	enum format format;
	int code = find_format(v, &format);
	if (code)
		return code;
	switch (format) {
	case FORMAT_TORCH: return torch_open(&v->torch, &v->file, v->source, v->e);
	case FORMAT_HDF5: return hdf5_open(&v->hdf5, &v->file, v->source, &v->config, v->e);
	case FORMAT_SAFETENSORS: break;
	}
	return checkpoint_open(&v->file, v->source, v->e);
}

/* ---- the config ---- */

static int set_labels(struct conversion *v)
{
	const char *at = v->options->labels;
	struct config *c = &v->config;
	int count = 1;
	for (const char *comma = at; (comma = strchr(comma, ',')); comma++)
		count++;
	if (count > CLASSES_MAX)
		return err_set(v->e, ERR_USAGE, "--labels names %d labels, at most %d are possible", count, CLASSES_MAX);
	free(c->labels);
	c->C = count;
	c->labels = calloc((size_t)count, sizeof *c->labels);
	if (!c->labels)
		return err_set(v->e, ERR_MEMORY, "out of memory for %d labels", count);
	for (int i = 0; i < count; i++) {
		size_t length = strcspn(at, ",");
		if (length == 0 || length >= LABEL_SIZE)
			return err_set(v->e, ERR_USAGE, "label %d of --labels has %zu bytes, expected 1 to %d", i, length,
			               LABEL_SIZE - 1);
		memcpy(c->labels[i], at, length);
		at += length + 1;
	}
	return 0;
}

static int read_config(struct conversion *v)
{
	char path[4096];
	const char *given = v->options->config;
	int code = given ? 0 : file_join(path, sizeof path, v->folder, "config.json", v->e);
	if (!code && !given && !file_exists(path))
		code = err_set(v->e, ERR_IO, "no config.json beside '%s': give one with --config", v->source);
	if (!code)
		code = config_read(&v->config, given ? given : path, v->e);
	if (!code && v->options->labels)
		code = set_labels(v);
	return code;
}

/* ---- what is written ---- */

/* A tensor keeps the dtype it has in the source where it may; otherwise it is written from floats. */
static int add_tensor(const struct weight_info *info, void *arg)
{
	struct conversion *v = arg;
	if (!*info->slot)
		return 0;
	const struct tensor *t = weights_find(v->weights.checkpoint, info->name);
	struct tensor_source *out = &v->tensors[v->count];
	snprintf(v->names[v->count], sizeof v->names[0], "%s", info->name);
	*out = (struct tensor_source){.name = v->names[v->count++], .rank = t->rank, .shape = {info->rows, info->columns}};
	if (v->options->dtype == CONVERT_KEEP && t->dtype != DTYPE_F64) {
		out->dtype = t->dtype;
		out->raw = t->data;
	} else {
		out->dtype = v->options->dtype == CONVERT_KEEP ? DTYPE_F32 : (enum dtype)v->options->dtype;
		out->values = *info->slot;
	}
	v->report->parameters += t->count;
	return 0;
}

static int count_tensor(const struct weight_info *info, void *arg)
{
	(void)info;
	++*(int *)arg;
	return 0;
}

static int list_tensors(struct conversion *v)
{
	int most = 0;
	weights_visit(&v->weights, &v->config, ~0u, count_tensor, &most);
	v->tensors = calloc((size_t)most, sizeof *v->tensors);
	v->names = calloc((size_t)most, sizeof *v->names);
	if (!v->tensors || !v->names)
		return err_set(v->e, ERR_MEMORY, "out of memory for %d tensors", most);
	weights_visit(&v->weights, &v->config, ~0u, add_tensor, v);
	return 0;
}

static void note_left_out(struct conversion *v)
{
	const struct checkpoint *file = v->weights.checkpoint;
	for (int i = 0; i < checkpoint_count(file); i++) {
		const struct tensor *t = checkpoint_tensor(file, i);
		int is_written = 0;
		for (int j = 0; j < v->count && !is_written; j++)
			is_written = weights_find(file, v->names[j]) == t;
		if (!is_written && !v->report->left_out++)
			memcpy(v->report->first_left_out, t->name, sizeof t->name);
	}
	v->report->written = v->count;
	v->report->K = v->config.K;
	v->report->has_head =
		v->weights.classifier_w && v->weights.classifier_b && v->weights.pooler_w && v->weights.pooler_b;
}

/* The head may be missing, as in a pretrained model; everything else must be there. */
static int bind(struct conversion *v)
{
	const unsigned groups = 1u << GROUP_EMBEDDINGS | 1u << GROUP_TYPES | 1u << GROUP_ENCODER;
	struct checkpoint *file = v->file;
	v->file = NULL;
	int code = weights_bind(&v->weights, &v->config, file, groups, v->e);
	if (!code)
		code = list_tensors(v);
	if (!code)
		note_left_out(v);
	return code;
}

/* ---- the destination ---- */

static int is_same_folder(const char *a, const char *b)
{
	struct stat x, y;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int check_destination(const struct conversion *v, const char *dir)
{
	if (is_same_folder(v->folder, dir))
		return err_set(v->e, ERR_USAGE, "source and destination are the same folder: '%s'", dir);
	return v->options->force ? 0 : new_files_check_free(dir, v->e);
}

static int write_files(const struct conversion *v, struct new_files *files)
{
	char path[4096];
	int code = new_files_path(files, path, sizeof path, "model.safetensors", v->e);
	if (!code)
		code = checkpoint_write(path, v->tensors, v->count, v->e);
	if (!code)
		code = new_files_copy_tokenizer(files, v->folder, v->e);
	if (!code)
		code = new_files_path(files, path, sizeof path, "config.json", v->e);
	if (!code)
		code = config_write(&v->config, path, v->e);
	return code;
}

static int write_model(const struct conversion *v, const char *dir)
{
	struct new_files files;
	int code = new_files_open(&files, dir, v->e);
	if (!code)
		code = write_files(v, &files);
	if (code)
		new_files_undo(&files);
	return code;
}

int convert_model(const char *source, const char *destination, const struct convert_options *options,
                  struct convert_report *report, struct err *e)
{
	struct conversion v = {.options = options, .report = report, .e = e};
	memset(report, 0, sizeof *report);
	int code = find_source(&v, source);
	if (!code)
		code = check_destination(&v, destination);
	if (!code)
		code = read_config(&v);
	if (!code)
		code = open_source(&v);
	if (!code)
		code = bind(&v);
	if (!code)
		code = write_model(&v, destination);
	weights_close(&v.weights);
	checkpoint_close(v.file);
	torch_close(v.torch);
	hdf5_close(v.hdf5);
	config_free(&v.config);
	free(v.tensors);
	free(v.names);
	return code;
}
