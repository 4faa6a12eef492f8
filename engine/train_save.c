/* Writing the model as it is now. */
#include "trainer.h"

#include "config.h"
#include "new_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	struct tensor_source *tensors;
	char (*names)[TENSOR_NAME_SIZE];
	enum dtype dtype;
	int count;
};

static int list_tensor(const struct weight_info *info, void *arg)
{
	struct listing *l = arg;
	if (!*info->slot)
		return 0;
	if (l->tensors) {
		snprintf(l->names[l->count], TENSOR_NAME_SIZE, "%s", info->name);
		l->tensors[l->count] = (struct tensor_source){.name = l->names[l->count],
		                                              .dtype = l->dtype,
		                                              .rank = info->columns ? 2 : 1,
		                                              .shape = {info->rows, info->columns},
		                                              .values = *info->slot};
	}
	l->count++;
	return 0;
}

static int write_weights(const struct trainer *t, const char *path, enum dtype dtype, struct err *e)
{
	struct listing l = {.dtype = dtype};
	weights_visit(&t->view, &t->config, ~0u, list_tensor, &l);
	l.tensors = calloc((size_t)l.count, sizeof *l.tensors);
	l.names = calloc((size_t)l.count, sizeof *l.names);
	int code = l.tensors && l.names ? 0 : err_set(e, ERR_MEMORY, "out of memory for the names of %d tensors", l.count);
	l.count = 0;
	if (!code) {
		weights_visit(&t->view, &t->config, ~0u, list_tensor, &l);
		code = checkpoint_write(path, l.tensors, l.count, e);
	}
	free(l.tensors);
	free(l.names);
	return code;
}

int train_find_dtype(enum dtype *d, const char *name, struct err *e)
{
	static const enum dtype known[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
	static const char *const names[] = {"f32", "bf16", "f16"};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(name, names[i])) {
			*d = known[i];
			return 0;
		}
	return err_set(e, ERR_USAGE, "no dtype '%s' for weights (known: f32, bf16, f16)", name);
}

int trainer_save(const struct trainer *t, const char *dir, const char *dtype, const char *from, struct err *e)
{
	char path[4096];
	enum dtype d = DTYPE_F32;
	struct new_files files;
	int code = train_find_dtype(&d, dtype, e);
	if (!code)
		code = new_files_open(&files, dir, e);
	if (code)
		return code;
	code = new_files_path(&files, path, sizeof path, "model.safetensors", e);
	if (!code)
		code = write_weights(t, path, d, e);
	if (!code)
		code = new_files_copy_tokenizer(&files, from, e);
	if (!code)
		code = new_files_path(&files, path, sizeof path, "config.json", e);
	if (!code)
		code = config_write(&t->config, path, e);
	if (code)
		new_files_undo(&files);
	return code;
}
