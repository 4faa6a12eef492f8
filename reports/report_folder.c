/* The folder of a report: found, written beside its place, and put there when it is whole. */
#include "report_out.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const parts[] = {"tables", "plots", "examples"};
enum { PARTS = sizeof parts / sizeof *parts };
/* By which a folder is known as a report, and may be replaced. */
static const char page[] = "index.html", runs_table[] = "tables/runs.csv";

int output_write(const struct output *o, const char *part, const char *name, const struct buf *text, struct err *e)
{
	char folder[4096], path[4096];
	int code = buf_check(text, e);
	if (!code)
		code = *part ? file_join(folder, sizeof folder, o->folder, part, e) : 0;
	if (!code)
		code = file_join(path, sizeof path, *part ? folder : o->folder, name, e);
	return code ? code : file_write_atomic(path, text->data, text->size, e);
}

/* Files of a folder, and those of the folders in it: a report is no deeper. What cannot be removed stays, and is told. */
static void remove_folder(const char *path, int depth)
{
	char inside[4096];
	struct dirent *entry;
	DIR *d = opendir(path);
	while (d && (entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    file_join(inside, sizeof inside, path, entry->d_name, NULL))
			continue;
		if (unlink(inside) && depth > 0)
			remove_folder(inside, depth - 1);
	}
	if (d)
		closedir(d);
	if (rmdir(path) && errno != ENOENT)
		log_warn("cannot remove '%s': %s", path, strerror(errno));
}

/* Whether a folder has nothing but what `is_ours` says; `d` may be NULL. */
static int has_only(const char *path, int (*is_ours)(const char *folder, const char *name))
{
	struct dirent *entry;
	int others = 0;
	DIR *d = opendir(path);
	while (d && (entry = readdir(d)))
		others += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && !is_ours(path, entry->d_name);
	if (d)
		closedir(d);
	return d && !others;
}

static int nothing(const char *folder, const char *name)
{
	(void)folder;
	(void)name;
	return 0;
}

static int file(const char *folder, const char *name)
{
	char path[4096];
	struct stat there;
	return !file_join(path, sizeof path, folder, name, NULL) && !lstat(path, &there) && S_ISREG(there.st_mode);
}

static int part(const char *folder, const char *name)
{
	char path[4096];
	if (!strcmp(name, page))
		return file(folder, name);
	for (int i = 0; i < PARTS; i++)
		if (!strcmp(name, parts[i]))
			return !file_join(path, sizeof path, folder, name, NULL) && has_only(path, file);
	return 0;
}

static int is_report(const char *path)
{
	char inside[4096];
	return has_only(path, part) && !file_join(inside, sizeof inside, path, runs_table, NULL) && file_exists(inside);
}

/* `out` as a path without links, dots or a slash at its end; where it is not there yet, that of its folder is. Other people's
 * files are never replaced. */
int folder_find(char place[4096], const char *out, struct err *e)
{
	char given[4096], folder[4096] = ".", real[4096];
	struct stat there;
	size_t size = strlen(out);
	while (size > 1 && out[size - 1] == '/')
		size--;
	if (!size || size >= sizeof given)
		return err_set(e, ERR_USAGE, "'%.100s' is no name of a folder", out);
	snprintf(given, sizeof given, "%.*s", (int)size, out);
	if (!lstat(given, &there)) {
		if (S_ISDIR(there.st_mode) && realpath(given, place) && strcmp(place, "/") != 0 &&
		    (has_only(place, nothing) || is_report(place)))
			return 0;
		return err_set(e, ERR_USAGE, "'%s' is there and is no report of ours, or more: give another --out", out);
	}
	const char *slash = strrchr(given, '/'), *name = slash ? slash + 1 : given;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return err_set(e, ERR_USAGE, "'%s' is no name of a new folder", out);
	if (slash)
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - given) + (slash == given), given);
	int code = file_make_directories(folder, e);
	if (!code && !realpath(folder, real))
		code = err_set_errno(e, errno, "cannot find '%s'", folder);
	return code ? code : file_join(place, 4096, real, name, e);
}

/* "OUT.PID.tmp" of a process that was killed while it wrote. */
static int is_abandoned(const char *name, const char *base)
{
	const size_t n = strlen(base);
	char *end;
	if (strncmp(name, base, n) != 0 || name[n] != '.')
		return 0;
	const long pid = strtol(name + n + 1, &end, 10);
	return pid > 0 && !strcmp(end, ".tmp") && kill((pid_t)pid, 0) && errno == ESRCH;
}

static void remove_abandoned(const char *place)
{
	char folder[4096], inside[4096];
	const char *slash = strrchr(place, '/');
	struct dirent *entry;
	snprintf(folder, sizeof folder, "%.*s", (int)(slash - place) + 1, place);
	DIR *d = opendir(folder);
	while (d && (entry = readdir(d)))
		if (is_abandoned(entry->d_name, slash + 1) && !file_join(inside, sizeof inside, folder, entry->d_name, NULL))
			remove_folder(inside, 1);
	if (d)
		closedir(d);
}

int folder_begin(struct output *o, const char *place, struct err *e)
{
	char path[4096];
	if (strlen(place) + 64 > sizeof o->folder)
		return err_set(e, ERR_LIMIT, "the name of '%s' is too long", place);
	remove_abandoned(place);
	snprintf(o->folder, sizeof o->folder, "%.4000s.%ld.tmp", place, (long)getpid());
	int code = 0;
	for (int i = 0; i < PARTS && !code; i++) {
		code = file_join(path, sizeof path, o->folder, parts[i], e);
		if (!code)
			code = file_make_directories(path, e);
	}
	return code;
}

/* Old and new change places in one step where the file system can, so that there is always one of them; else the old one
 * steps aside first. */
int folder_end(const struct output *o, const char *place, struct err *e)
{
	char aside[4200];
	if (!renameat2(AT_FDCWD, o->folder, AT_FDCWD, place, RENAME_EXCHANGE)) {
		remove_folder(o->folder, 1);
		file_sync_folder_of(place);
		return 0;
	}
	snprintf(aside, sizeof aside, "%s.old", o->folder);
	const int has_old = rename(place, aside) == 0;
	if (!has_old && errno != ENOENT)
		return err_set_errno(e, errno, "cannot replace '%s'", place);
	if (rename(o->folder, place)) {
		const int number = errno;
		if (has_old && rename(aside, place))
			return err_set_errno(e, number, "cannot write '%s'; the earlier report is in '%s'", place, aside);
		return err_set_errno(e, number, "cannot write '%s'", place);
	}
	if (has_old)
		remove_folder(aside, 1);
	file_sync_folder_of(place);
	return 0;
}

void folder_abandon(const struct output *o)
{
	if (*o->folder)
		remove_folder(o->folder, 1);
}
