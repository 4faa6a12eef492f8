#include "../engine/new_files.h"

#include "../engine/base/file.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void write_one(struct new_files *f, const char *name, const char *text)
{
	struct err e = {0};
	char path[4096];
	CHECK_OK(new_files_path(f, path, sizeof path, name, &e), &e);
	CHECK_OK(file_write_atomic(path, text, strlen(text), &e), &e);
}

TEST(undo_removes_what_was_new_and_the_folder_with_it)
{
	struct err e = {0};
	struct new_files f;
	const char *dir = test_path("fresh/model");
	REQUIRE_OK(new_files_open(&f, dir, &e), &e);
	write_one(&f, "config.json", "{}");
	write_one(&f, "vocab.txt", "a");
	CHECK(file_exists(test_path("fresh/model/vocab.txt")));
	new_files_undo(&f);
	CHECK(!file_exists(dir));
}

TEST(undo_leaves_what_was_there_before)
{
	struct err e = {0};
	struct new_files f;
	char *text;
	size_t size;
	CHECK_OK(file_make_directories(test_path("old"), &e), &e);
	CHECK_OK(file_write_atomic(test_path("old/vocab.txt"), "before", 6, &e), &e);
	REQUIRE_OK(new_files_open(&f, test_path("old"), &e), &e);
	CHECK_OK(new_files_copy(&f, test_path("old/vocab.txt"), "copy.txt", &e), &e);
	write_one(&f, "vocab.txt", "after");
	new_files_undo(&f);
	CHECK(!file_exists(test_path("old/copy.txt")));
	REQUIRE_OK(file_read(&text, &size, test_path("old/vocab.txt"), 100, &e), &e);
	CHECK_STR(text, "after"); /* replaced whole, not removed */
	free(text);
}

TEST(a_folder_with_a_model_is_not_free)
{
	struct err e = {0};
	CHECK_OK(file_make_directories(test_path("model"), &e), &e);
	CHECK_OK(new_files_check_free(test_path("model"), &e), &e);
	CHECK_OK(file_write_atomic(test_path("model/config.json"), "{}", 2, &e), &e);
	CHECK_INT(new_files_check_free(test_path("model"), &e), ERR_USAGE);
	CHECK_CONTAINS(e.text, "('config.json'): --force replaces it");
}
