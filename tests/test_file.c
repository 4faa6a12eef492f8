#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static const char *text_of(const char *path)
{
	static char *text;
	size_t size;
	free(text);
	static struct err e;
	e = (struct err){0};
	return file_read(&text, &size, path, 1 << 20, &e) ? e.text : text;
}

static int entries(const char *folder)
{
	DIR *d = opendir(folder);
	int n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

TEST(a_map_shows_the_file)
{
	struct err e = {0};
	struct file_map m;
	put(test_path("map"), "hello");
	REQUIRE_OK(file_map_open(&m, test_path("map"), &e), &e);
	CHECK(m.size == 5 && !memcmp(m.data, "hello", 5));
	file_map_close(&m);
	CHECK(m.data == NULL);
	put(test_path("empty"), "");
	REQUIRE_OK(file_map_open(&m, test_path("empty"), &e), &e);
	CHECK(m.size == 0 && m.data == NULL);
	file_map_close(&m);
}

TEST(what_cannot_be_mapped_is_named)
{
	struct err e = {0};
	struct file_map m;
	CHECK_INT(file_map_open(&m, "/no/such", &e), ERR_IO);
	CHECK_STR(e.text, "cannot open '/no/such': No such file or directory");
	e = (struct err){0};
	CHECK_INT(file_map_open(&m, "/tmp", &e), ERR_IO);
	CHECK_STR(e.text, "not a regular file: '/tmp' is a directory");
	CHECK(m.data == NULL);
}

TEST(reading_stops_at_the_limit)
{
	struct err e = {0};
	char *data;
	size_t size;
	put(test_path("ten"), "0123456789");
	REQUIRE_OK(file_read(&data, &size, test_path("ten"), 10, &e), &e);
	CHECK_STR(data, "0123456789");
	CHECK_INT((long long)size, 10);
	free(data);
	CHECK_INT(file_read(&data, &size, test_path("ten"), 9, &e), ERR_LIMIT);
	CHECK_CONTAINS(e.text, "more than 9 bytes in '");
	CHECK(data == NULL && size == 0);
}

TEST(a_stream_of_unknown_length_is_read_whole)
{
	struct err e = {0};
	char *data;
	size_t size;
	CHECK_INT(file_read(&data, &size, "/dev/zero", 100000, &e), ERR_LIMIT);
	REQUIRE_OK(file_read(&data, &size, "/proc/self/status", 1 << 20, &(struct err){0}), &e);
	CHECK(size > 100 && strlen(data) == size);
	free(data);
}

TEST(a_committed_file_replaces_the_old_one)
{
	struct err e = {0};
	const char *path = test_path("new/deep/file");
	REQUIRE_OK(file_make_directories(test_path("new/deep"), &e), &e);
	REQUIRE_OK(file_make_directories(test_path("new/deep/"), &e), &e);
	put(path, "old");
	struct file_writer w;
	REQUIRE_OK(file_writer_open(&w, path, &e), &e);
	REQUIRE_OK(file_writer_write(&w, "new", 3, &e), &e);
	CHECK_STR(text_of(path), "old");
	REQUIRE_OK(file_writer_commit(&w, &e), &e);
	CHECK_STR(text_of(path), "new");
	CHECK_INT(entries(test_path("new/deep")), 1);
}

TEST(an_aborted_file_leaves_no_trace)
{
	struct err e = {0};
	const char *folder = test_path("aborted");
	REQUIRE_OK(file_make_directories(folder, &e), &e);
	struct file_writer w;
	REQUIRE_OK(file_writer_open(&w, test_path("aborted/x"), &e), &e);
	CHECK_INT(entries(folder), 1);
	file_writer_abort(&w);
	file_writer_abort(&w);
	CHECK_INT(entries(folder), 0);
}

TEST(a_device_is_never_replaced)
{
	struct err e = {0};
	CHECK_INT(file_write_atomic("/dev/null", "x", 1, &e), ERR_IO);
	CHECK_STR(e.text, "not a regular file: '/dev/null'");
}

/* /dev/full refuses every byte, as a full disk does. */
TEST(a_full_disk_is_an_error_and_the_old_file_stays)
{
	struct err e = {0};
	const char *path = test_path("full");
	put(path, "old");
	struct file_writer w;
	REQUIRE_OK(file_writer_open(&w, path, &e), &e);
	REQUIRE(freopen("/dev/full", "w", w.stream) != NULL);
	CHECK_OK(file_writer_write(&w, "new", 3, &e), &e);
	CHECK_INT(file_writer_commit(&w, &e), ERR_IO);
	CHECK_CONTAINS(e.text, "No space left on device");
	CHECK_STR(text_of(path), "old");
	CHECK(!file_exists(w.temporary));
}

TEST(a_written_file_has_ordinary_permissions)
{
	struct err e = {0};
	struct stat st;
	mode_t mask = umask(022);
	REQUIRE_OK(file_write_atomic(test_path("mode"), "x", 1, &e), &e);
	umask(mask);
	stat(test_path("mode"), &st);
	CHECK_INT(st.st_mode & 0777, 0644);
}

TEST(paths_are_joined_with_one_slash)
{
	char out[12];
	struct err e = {0};
	CHECK_OK(file_join(out, sizeof out, "a/b", "c", &e), &e);
	CHECK_STR(out, "a/b/c");
	CHECK_OK(file_join(out, sizeof out, "a/", "c", &e), &e);
	CHECK_STR(out, "a/c");
	CHECK_OK(file_join(out, sizeof out, "", "c", &e), &e);
	CHECK_STR(out, "c");
	CHECK_INT(file_join(out, sizeof out, "abcdef", "ghijkl", &e), ERR_LIMIT);
}

TEST(a_file_in_the_way_of_a_folder_is_an_error)
{
	struct err e = {0};
	put(test_path("inway"), "");
	CHECK_INT(file_make_directories(test_path("inway/x"), &e), ERR_IO);
	CHECK_CONTAINS(e.text, "cannot create directory '");
	CHECK(!file_is_directory(test_path("inway")));
	CHECK(file_is_directory(test_folder()));
}

TEST(reading_a_text_twice_leaves_nothing_behind)
{
	text_of("/no/such");
	CHECK_STR(text_of("/no/such"), "cannot open '/no/such': No such file or directory");
}
