#include "new_files.h"

#include "base/file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COPY_BYTES_MAX = 256 << 20 }; /* a vocabulary, a tokenizer */

int new_files_open(struct new_files *f, const char *dir, struct err *e)
{
	memset(f, 0, sizeof *f);
	if (snprintf(f->dir, sizeof f->dir, "%s", dir) >= (int)sizeof f->dir)
		return err_set(e, ERR_LIMIT, "path too long: '%.200s...'", dir);
	f->is_new = !file_exists(dir);
	return file_make_directories(dir, e);
}

int new_files_path(struct new_files *f, char *out, size_t size, const char *name, struct err *e)
{
	int code = file_join(out, size, f->dir, name, e);
	if (code || file_exists(out))
		return code;
	assert(f->count < NEW_FILES_MAX && strlen(name) < NEW_FILE_NAME_SIZE);
	strcpy(f->names[f->count++], name);
	return 0;
}

int new_files_copy(struct new_files *f, const char *from, const char *name, struct err *e)
{
	char to[4096], *bytes;
	size_t size;
	int code = new_files_path(f, to, sizeof to, name, e);
	if (!code)
		code = file_read(&bytes, &size, from, COPY_BYTES_MAX, e);
	if (code)
		return code;
	code = file_write_atomic(to, bytes, size, e);
	free(bytes);
	return code;
}

int new_files_copy_tokenizer(struct new_files *f, const char *dir, struct err *e)
{
	static const char *const names[] = {"vocab.txt", "tokenizer.json", "tokenizer_config.json",
	                                    "special_tokens_map.json", "added_tokens.json"};
	int code = 0;
	for (size_t i = 0; i < sizeof names / sizeof names[0] && !code; i++) {
		char from[4096];
		code = file_join(from, sizeof from, dir, names[i], e);
		if (!code && file_exists(from))
			code = new_files_copy(f, from, names[i], e);
	}
	return code;
}

void new_files_undo(const struct new_files *f)
{
	char path[4096];
	for (int i = 0; i < f->count; i++)
		if (!file_join(path, sizeof path, f->dir, f->names[i], NULL))
			unlink(path);
	if (f->is_new)
		rmdir(f->dir);
}

int new_files_check_free(const char *dir, struct err *e)
{
	static const char *const names[] = {"model.safetensors", "model.safetensors.index.json", "config.json"};
	char path[4096];
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		int code = file_join(path, sizeof path, dir, names[i], e);
		if (code)
			return code;
		if (file_exists(path))
			return err_set(e, ERR_USAGE, "there is a model in '%s' already ('%s'): --force replaces it", dir, names[i]);
	}
	return 0;
}
