#include "claims.h"

#include "../engine/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct claims {
	int fd;
	char path[4096 + 16];
};

int claims_open(struct claims **out, const char *db, struct err *e)
{
	struct claims *c = calloc(1, sizeof *c);
	*out = NULL;
	if (!c)
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", db);
	if (snprintf(c->path, sizeof c->path, "%s-claims", db) >= (int)sizeof c->path) {
		free(c);
		return err_set(e, ERR_LIMIT, "the path is too long: '%.80s...'", db);
	}
	c->fd = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (c->fd < 0) {
		err_set_errno(e, errno, "cannot open '%s'", c->path);
		free(c);
		return ERR_IO;
	}
	*out = c;
	return 0;
}

void claims_close(struct claims *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c);
}

/* 60 bits of the key: two of a million cells share a place once in two million sweeps, and then one waits. */
static struct flock byte_of(const char *key, short type)
{
	char head[16];
	snprintf(head, sizeof head, "%.15s", key);
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)strtoull(head, NULL, 16), .l_len = 1};
}

int claims_take(struct claims *c, const char *key, int *is_taken, struct err *e)
{
	struct flock lock = byte_of(key, F_WRLCK);
	*is_taken = !fcntl(c->fd, F_OFD_SETLK, &lock);
	if (*is_taken || errno == EAGAIN || errno == EACCES)
		return 0;
	return err_set_errno(e, errno, "cannot lock '%s'", c->path);
}

void claims_release(struct claims *c, const char *key)
{
	struct flock lock = byte_of(key, F_UNLCK);
	fcntl(c->fd, F_OFD_SETLK, &lock);
}
