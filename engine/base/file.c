#include "file.h"

#include "clock.h"
#include "err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map_descriptor(struct file_map *m, int fd, const char *path, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st))
		return err_set_errno(e, errno, "cannot examine '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_IO, "not a regular file: '%s'%s", path, S_ISDIR(st.st_mode) ? " is a directory" : "");
	if (st.st_size == 0)
		return 0;
	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return err_set_errno(e, errno, "cannot map '%s'", path);
	m->data = data;
	m->size = (size_t)st.st_size;
	return 0;
}

int file_map_open(struct file_map *m, const char *path, struct err *e)
{
	*m = (struct file_map){0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must be refused, not waited for */
	if (fd < 0)
		return err_set_errno(e, errno, "cannot open '%s'", path);
	int code = map_descriptor(m, fd, path, e);
	close(fd);
	return code;
}

void file_map_close(struct file_map *m)
{
	if (m->data)
		munmap((void *)(uintptr_t)m->data, m->size);
	*m = (struct file_map){0};
}

/* Doubles *data, but never past limit + 1 bytes of content and the final NUL. */
static int grow(char **data, size_t *capacity, size_t limit)
{
	size_t most = limit > SIZE_MAX - 2 ? SIZE_MAX : limit + 2;
	size_t larger = *capacity > most / 2 ? most : *capacity * 2;
	if (larger < 4096)
		larger = most < 4096 ? most : 4096;
	char *moved = realloc(*data, larger);
	if (!moved)
		return 0;
	*data = moved;
	*capacity = larger;
	return 1;
}

static int read_descriptor(char **data, size_t *size, int fd, const char *path, size_t limit, struct err *e)
{
	size_t capacity = 0;
	if (!grow(data, &capacity, limit))
		return err_set(e, ERR_MEMORY, "out of memory while reading '%s'", path);
	for (;;) {
		if (*size > limit)
			return err_set(e, ERR_LIMIT, "more than %zu bytes in '%s'", limit, path);
		if (*size + 1 == capacity && !grow(data, &capacity, limit))
			return err_set(e, ERR_MEMORY, "out of memory after %zu bytes of '%s'", *size, path);
		ssize_t n = read(fd, *data + *size, capacity - *size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(e, errno, "cannot read '%s'", path);
		if (n == 0)
			break;
		*size += (size_t)n;
	}
	(*data)[*size] = '\0';
	return 0;
}

int file_read(char **data, size_t *size, const char *path, size_t limit, struct err *e)
{
	*data = NULL;
	*size = 0;
	int is_input = !strcmp(path, "-");
	int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(e, errno, "cannot open '%s'", path);
	int code = read_descriptor(data, size, fd, is_input ? "standard input" : path, limit, e);
	if (!is_input)
		close(fd);
	if (code) {
		free(*data);
		*data = NULL;
		*size = 0;
	}
	return code;
}

int file_exists(const char *path) { return access(path, F_OK) == 0; }

int file_is_directory(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int make_directory(const char *path, struct err *e)
{
	if (mkdir(path, 0777) == 0 || (errno == EEXIST && file_is_directory(path)))
		return 0;
	return err_set_errno(e, errno, "cannot create directory '%s'", path);
}

int file_make_directories(const char *path, struct err *e)
{
	char part[4096];
	if (strlen(path) >= sizeof part)
		return err_set(e, ERR_LIMIT, "path too long: '%.200s...'", path);
	strcpy(part, path);
	for (char *slash = strchr(part + (part[0] != '\0'), '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int code = make_directory(part, e);
		if (code)
			return code;
		*slash = '/';
	}
	return file_is_directory(path) ? 0 : make_directory(path, e);
}

int file_join(char *out, size_t size, const char *dir, const char *name, struct err *e)
{
	size_t n = strlen(dir);
	int need = snprintf(out, size, "%s%s%s", dir, n && dir[n - 1] != '/' ? "/" : "", name);
	if (need < 0 || (size_t)need >= size)
		return err_set(e, ERR_LIMIT, "path too long: '%.200s...'", dir);
	return 0;
}

/* A name nobody else takes: O_EXCL decides. mkstemp would do, but its files are readable by their owner only. */
static int open_temporary(struct file_writer *w, struct err *e)
{
	for (int attempt = 0; attempt < 100; attempt++) {
		unsigned tag = (unsigned)clock_ns() + (unsigned)attempt;
		snprintf(w->temporary, sizeof w->temporary, "%s.%ld.%08x.tmp", w->path, (long)getpid(), tag);
		int fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0) {
			w->stream = fdopen(fd, "wb");
			if (w->stream)
				return 0;
			close(fd);
			unlink(w->temporary);
		}
		if (errno != EEXIST)
			break;
	}
	return err_set_errno(e, errno, "cannot create '%s'", w->path);
}

int file_writer_open(struct file_writer *w, const char *path, struct err *e)
{
	w->stream = NULL;
	if (strlen(path) >= sizeof w->path)
		return err_set(e, ERR_LIMIT, "path too long: '%.200s...'", path);
	strcpy(w->path, path);
	struct stat st;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a rename would replace the device or fail late */
		return err_set(e, ERR_IO, "not a regular file: '%s'", path);
	return open_temporary(w, e);
}

int file_writer_write(struct file_writer *w, const void *bytes, size_t size, struct err *e)
{
	if (size && fwrite(bytes, 1, size, w->stream) != size)
		return err_set_errno(e, errno, "cannot write '%s'", w->path);
	return 0;
}

/* The rename is on disk only once the folder is. Some file systems refuse this; the data itself is safe then too. */
void file_sync_folder_of(const char *path)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash - path) : 0;
	snprintf(folder, sizeof folder, "%.*s", n ? n : 1, n ? path : slash ? "/" : ".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int file_writer_commit(struct file_writer *w, struct err *e)
{
	int failed = 0;
	errno = 0;
	if (ferror(w->stream) || fflush(w->stream) || fsync(fileno(w->stream)))
		failed = errno ? errno : EIO;
	if (fclose(w->stream) && !failed)
		failed = errno;
	w->stream = NULL;
	if (!failed && rename(w->temporary, w->path))
		failed = errno;
	if (failed) {
		unlink(w->temporary);
		return err_set_errno(e, failed, "cannot write '%s'", w->path);
	}
	file_sync_folder_of(w->path);
	return 0;
}

void file_writer_abort(struct file_writer *w)
{
	if (!w->stream)
		return;
	fclose(w->stream);
	w->stream = NULL;
	unlink(w->temporary);
}

int file_write_atomic(const char *path, const void *bytes, size_t size, struct err *e)
{
	struct file_writer w;
	int code = file_writer_open(&w, path, e);
	if (code)
		return code;
	code = file_writer_write(&w, bytes, size, e);
	if (code) {
		file_writer_abort(&w);
		return code;
	}
	return file_writer_commit(&w, e);
}
