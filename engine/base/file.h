/* Files: read-only maps, and writes that are all there or not there at all. */
#ifndef ADAPLER_BASE_FILE_H
#define ADAPLER_BASE_FILE_H

#include <stddef.h>
#include <stdio.h>

struct err;

struct file_map {
	const unsigned char *data; /* NULL when the file is empty */
	size_t size;
};

/* Maps a regular file read-only. A file that another process shortens while it is mapped is not defended against. */
int file_map_open(struct file_map *m, const char *path, struct err *e);
void file_map_close(struct file_map *m);

/* The whole of a file or of a stream that cannot be mapped ("-" is standard input), malloc'ed and NUL-terminated.
 * More than `limit` bytes is an error. */
int file_read(char **data, size_t *size, const char *path, size_t limit, struct err *e);

int file_exists(const char *path);
int file_is_directory(const char *path);
/* Creates a directory and its parents; fine when it is there already. */
int file_make_directories(const char *path, struct err *e);
/* What was renamed to `path` is there after a power cut too. */
void file_sync_folder_of(const char *path);
/* dir + "/" + name into `out`; ERR_LIMIT when it does not fit. */
int file_join(char *out, size_t size, const char *dir, const char *name, struct err *e);

/* A file being written: a temporary file beside `path`, which file_writer_commit flushes, fsyncs and renames (and it
 * fsyncs the folder), and file_writer_abort removes. A full disk is an error at write or commit, and the old file at
 * `path` is then still whole. */
struct file_writer {
	FILE *stream;
	char path[4096];
	char temporary[4096 + 32];
};

int file_writer_open(struct file_writer *w, const char *path, struct err *e);
int file_writer_write(struct file_writer *w, const void *bytes, size_t size, struct err *e);
int file_writer_commit(struct file_writer *w, struct err *e);
void file_writer_abort(struct file_writer *w);

int file_write_atomic(const char *path, const void *bytes, size_t size, struct err *e);

#endif
