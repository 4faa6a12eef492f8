/* The files of a model being written into a folder, together or not at all: each is written atomically by itself, and
 * when one fails, new_files_undo removes those that were new. */
#ifndef ADAPLER_NEW_FILES_H
#define ADAPLER_NEW_FILES_H

#include "base/err.h"

#include <stddef.h>

enum { NEW_FILES_MAX = 8, NEW_FILE_NAME_SIZE = 64 };

struct new_files {
	char dir[4096];
	int is_new; /* the folder itself */
	char names[NEW_FILES_MAX][NEW_FILE_NAME_SIZE];
	int count;
};

/* Makes the folder. */
int new_files_open(struct new_files *f, const char *dir, struct err *e);
/* The path to write `name` to; remembered if it does not exist yet. */
int new_files_path(struct new_files *f, char *out, size_t size, const char *name, struct err *e);
int new_files_copy(struct new_files *f, const char *from, const char *name, struct err *e);
/* The vocabulary and the tokenizer's settings of a model directory, those that are there. */
int new_files_copy_tokenizer(struct new_files *f, const char *from, struct err *e);
void new_files_undo(const struct new_files *f);
/* A model is there: ERR_USAGE, with a hint at --force. */
int new_files_check_free(const char *dir, struct err *e);

#endif
