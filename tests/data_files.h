/* Small files for tests of readers, in the test's own folder. */
#ifndef ADAPLER_DATA_FILES_H
#define ADAPLER_DATA_FILES_H

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../eval/datasets.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* Writes test_folder()/name and the folders above it; returns its path. */
static inline const char *put_bytes(const char *name, const void *bytes, size_t size)
{
	struct err e = {0};
	char folder[4096];
	const char *path = test_path(name);
	snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = '\0';
	CHECK_OK(file_make_directories(folder, &e), &e);
	CHECK_OK(file_write_atomic(path, bytes, size, &e), &e);
	return path;
}

static inline const char *put(const char *name, const char *text) { return put_bytes(name, text, strlen(text)); }

/* Opens a data set that must open. */
static inline int must_open(struct dataset *d, const char *task, const char *folder, enum split split)
{
	struct err e = {0};
	return CHECK_OK(dataset_open(d, task, test_path(folder), split, NULL, &e), &e);
}

/* The sentence with which a data set is refused; nothing may be left behind. Borrowed until the next call. */
static inline const char *refusal(const char *task, const char *folder, enum split split)
{
	static struct err e;
	struct dataset d;
	e = (struct err){0};
	if (!CHECK(dataset_open(&d, task, test_path(folder), split, NULL, &e) != 0))
		dataset_close(&d);
	CHECK(!d.sample && !d.files && !d.memory);
	return e.text;
}

static inline int text_is(const struct sample *s, const char *text)
{
	return s->text_size == strlen(text) && !memcmp(s->text, text, s->text_size);
}

static inline int pair_is(const struct sample *s, const char *text)
{
	return s->pair && s->pair_size == strlen(text) && !memcmp(s->pair, text, s->pair_size);
}

#endif
