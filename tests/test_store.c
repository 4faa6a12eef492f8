#include "../eval/store.h"

#include "../engine/base/file.h"
#include "test.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct store_run plain_run = {.key = "k", .kind = "finetune", .task = "sst2"};

/* ---- looking behind the store's back ---- */

static sqlite3 *raw_open(const char *path)
{
	sqlite3 *db;
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void raw_run(const char *path, const char *sql)
{
	sqlite3 *db = raw_open(path);
	char *why = NULL;
	sqlite3_exec(db, sql, NULL, NULL, &why);
	CHECK_STR(why ? why : "", "");
	sqlite3_free(why);
	sqlite3_close(db);
}

/* The first value of the first row, borrowed until the next call. */
static const char *raw_value(const char *path, const char *sql)
{
	static char value[200];
	sqlite3 *db = raw_open(path);
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
	if (!rc && (rc = sqlite3_step(q)) == SQLITE_ROW)
		snprintf(value, sizeof value, "%s",
		         sqlite3_column_text(q, 0) ? (const char *)sqlite3_column_text(q, 0) : "NULL");
	else
		snprintf(value, sizeof value, "%s", sqlite3_errmsg(db));
	sqlite3_finalize(q);
	sqlite3_close(db);
	return value;
}

static struct store *opened(const char *path)
{
	struct err e = {0};
	struct store *s;
	CHECK_OK(store_open(&s, path, NULL, &e), &e);
	return s;
}

static int64_t started(struct store *s)
{
	struct err e = {0};
	enum store_found found;
	int64_t id = -1;
	CHECK_OK(store_run_start(s, &plain_run, &id, &found, &e), &e);
	return id;
}

static void refused(const char *path, int is_read_only, int code, const char *part)
{
	struct err e = {0};
	struct store *s;
	struct store_options o = {.is_read_only = is_read_only, .timeout_ms = 50};
	CHECK_INT(store_open(&s, path, &o, &e), code);
	CHECK(!s);
	CHECK_CONTAINS(e.text, part);
	store_close(s);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	struct err e = {0};
	CHECK_OK(file_write_atomic(path, bytes, size, &e), &e);
}

static void refused_unchanged(const char *path, int code, const char *part)
{
	struct err e = {0};
	char *before, *after;
	size_t before_size, after_size;
	REQUIRE_OK(file_read(&before, &before_size, path, 1 << 20, &e), &e);
	refused(path, 0, code, part);
	refused(path, 1, code, part);
	if (CHECK_OK(file_read(&after, &after_size, path, 1 << 20, &e), &e)) {
		CHECK(before_size == after_size && !memcmp(before, after, before_size));
		free(after);
	}
	free(before);
}

/* ---- opening ---- */

TEST(a_new_file_is_strict_in_wal_mode_and_says_whose_it_is)
{
	const char *path = test_path("new.db");
	store_close(opened(path));
	CHECK_STR(raw_value(path, "PRAGMA journal_mode"), "wal");
	CHECK_STR(raw_value(path, "PRAGMA user_version"), "3");
	CHECK_STR(raw_value(path, "SELECT printf('%x', application_id) FROM pragma_application_id"), "41644c52");
	CHECK_STR(raw_value(path, "SELECT group_concat(name || strict || wr) FROM "
	                          "(SELECT * FROM pragma_table_list WHERE name NOT LIKE 'sqlite%' ORDER BY name)"),
	          "attributed00,attribution10,curve11,document10,example11,explained11,length00,metric11,"
	          "perturbation11,run10,timing11,token00,trace10");
	CHECK_STR(raw_value(path, "PRAGMA integrity_check"), "ok");
	store_close(opened(path)); /* and is opened again */
	store_close(NULL);
}

TEST(an_empty_file_becomes_a_store_but_cannot_be_read_as_one)
{
	const char *path = test_path("empty.db");
	write_file(path, "", 0);
	refused(path, 1, ERR_FORMAT, "is empty: no run was ever written to it");
	store_close(opened(path));
	struct err e = {0};
	struct store *s;
	REQUIRE_OK(store_open(&s, path, &(struct store_options){.is_read_only = 1}, &e), &e);
	store_close(s);
}

TEST(special_names_of_sqlite_are_plain_files)
{
	char folder[4096];
	REQUIRE(getcwd(folder, sizeof folder) && !chdir(test_folder()));
	static const char *const names[] = {":memory:", "file:x.db?mode=memory", "a%20b#c.db"};
	for (int i = 0; i < 3; i++) {
		store_close(opened(names[i]));
		CHECK(file_exists(names[i]));
	}
	refused("", 0, ERR_USAGE, "the path of the database is empty");
	CHECK_INT(chdir(folder), 0);
}

TEST(what_is_not_there_or_no_file_is_refused)
{
	const char *path = test_path("absent.db");
	refused(path, 1, ERR_IO, "No such file or directory");
	CHECK(!file_exists(path));
	refused(test_path("no/such/folder.db"), 0, ERR_IO, "unable to open database file");
	refused(test_folder(), 0, ERR_IO, "is a directory");
	refused("/dev/null", 0, ERR_IO, "not a regular file");
}

TEST(a_file_that_is_no_database_is_left_alone)
{
	const char *path = test_path("text.db");
	char text[5000];
	memset(text, 'x', sizeof text);
	write_file(path, text, sizeof text);
	refused_unchanged(path, ERR_FORMAT, "is not a database");
	write_file(path, "step\tloss\n", 10);
	refused_unchanged(path, ERR_FORMAT, "is not a database");
}

TEST(the_database_of_another_program_is_left_alone)
{
	const char *path = test_path("other.db");
	raw_run(path, "CREATE TABLE run(id)");
	refused_unchanged(path, ERR_FORMAT, "is the database of another program");
	path = test_path("tagged.db");
	raw_run(path, "PRAGMA application_id = 7");
	refused_unchanged(path, ERR_FORMAT, "is the database of another program");
	path = test_path("versioned.db");
	raw_run(path, "PRAGMA user_version = 1");
	refused_unchanged(path, ERR_FORMAT, "is the database of another program");
}

TEST(a_database_of_a_newer_version_is_left_alone)
{
	const char *path = test_path("newer.db");
	store_close(opened(path));
	raw_run(path, "PRAGMA user_version = 99");
	refused_unchanged(path, ERR_UNSUPPORTED, "written by a newer adapler: its tables are of version 99, known are 3");
}

TEST(a_damaged_file_is_an_error_wherever_the_damage_is)
{
	struct err e = {0};
	const char *path = test_path("damaged.db"), *copy = test_path("copy.db");
	char *bytes;
	size_t size;
	store_close(opened(path));
	REQUIRE_OK(file_read(&bytes, &size, path, 1 << 20, &e), &e);
	memset(bytes + 100, 0xff, 400); /* the page of the schema */
	write_file(copy, bytes, size);
	refused(copy, 0, ERR_FORMAT, "is damaged");
	refused(copy, 1, ERR_FORMAT, "is damaged");
	memset(bytes, 'x', 16);
	write_file(copy, bytes, size);
	refused(copy, 0, ERR_FORMAT, "is not a database");
	free(bytes);
	raw_run(path, "PRAGMA user_version = 0");
	refused(path, 0, ERR_FORMAT, "is damaged: its tables are of version 0");
}

/* Cut off and overwritten at many places: an error or the right rows, never a crash. */
TEST(random_damage_never_crashes)
{
	struct err e = {0};
	char path[4096], copy[4096], *bytes;
	size_t size;
	snprintf(path, sizeof path, "%s", test_path("whole.db"));
	snprintf(copy, sizeof copy, "%s", test_path("hurt.db"));
	struct store *s = opened(path);
	int64_t id = started(s);
	store_begin(s, &e);
	for (int i = 0; i < 500; i++)
		store_curve_add(s, id, i, "loss", i, &e);
	REQUIRE_OK(store_commit(s, &e), &e);
	store_close(s);
	REQUIRE_OK(file_read(&bytes, &size, path, 1 << 22, &e), &e);
	srand(1);
	for (int i = 0; i < 150; i++) {
		size_t at = (size_t)rand() % size;
		char kept = bytes[at];
		bytes[at] = (char)rand();
		write_file(copy, bytes, i % 3 ? size : (size_t)rand() % size);
		bytes[at] = kept;
		e = (struct err){0};
		if (store_open(&s, copy, NULL, &e))
			continue;
		store_curve_add(s, id, 7, "loss", 1, &e);
		store_curve_forget_after(s, id, 100, &e);
		store_run_remove(s, id, &e);
		store_close(s);
	}
	free(bytes);
}

/* Root may write everywhere: the child is nobody. Returns its exit status: the code of store_open. */
static int open_as_nobody(const char *path, int is_read_only)
{
	fflush(NULL);
	pid_t child = fork();
	if (!child) {
		struct err e = {0};
		struct store *s;
		if (getuid() == 0 && setuid(65534))
			_exit(99);
		int code = store_open(&s, path, &(struct store_options){.is_read_only = is_read_only}, &e);
		if (code && !strstr(e.text, "read-only"))
			_exit(98);
		store_close(s);
		_exit(code);
	}
	int status = 0;
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_read_only_file_in_a_read_only_folder_can_be_read_but_not_written)
{
	const char *folder = test_path("frozen"), *path = test_path("frozen/f.db");
	chmod(test_folder(), 0755);
	mkdir(folder, 0777);
	struct store *s = opened(path);
	started(s);
	store_close(s);
	chmod(path, 0444);
	chmod(folder, 0555);
	CHECK_INT(open_as_nobody(path, 0), ERR_IO);
	CHECK_INT(open_as_nobody(path, 1), 0);
	chmod(folder, 0755);
}

TEST(a_store_opened_for_reading_refuses_to_write)
{
	struct err e = {0};
	struct store *s;
	int64_t id;
	enum store_found found;
	const char *path = test_path("reader.db");
	store_close(opened(path));
	REQUIRE_OK(store_open(&s, path, &(struct store_options){.is_read_only = 1}, &e), &e);
	CHECK_INT(store_run_start(s, &plain_run, &id, &found, &e), ERR_IO);
	CHECK_CONTAINS(e.text, "is read-only");
	e = (struct err){0};
	CHECK_INT(store_begin(s, &e), ERR_IO);
	CHECK_CONTAINS(e.text, "is read-only");
	store_close(s);
}

/* ---- transactions ---- */

TEST(a_transaction_is_kept_whole_or_dropped_whole)
{
	struct err e = {0};
	const char *path = test_path("whole_or_not.db");
	struct store *s = opened(path);
	int64_t id = started(s);
	REQUIRE_OK(store_begin(s, &e), &e);
	CHECK_OK(store_curve_add(s, id, 1, "loss", 1, &e), &e);
	store_rollback(s);
	store_rollback(s);
	CHECK_STR(raw_value(path, "SELECT count(*) FROM curve"), "0");
	REQUIRE_OK(store_begin(s, &e), &e);
	CHECK_OK(store_curve_add(s, id, 1, "loss", 1, &e), &e);
	CHECK_OK(store_commit(s, &e), &e);
	REQUIRE_OK(store_begin(s, &e), &e);
	CHECK_OK(store_curve_add(s, id, 2, "loss", 1, &e), &e);
	store_close(s);
	CHECK_STR(raw_value(path, "SELECT count(*) FROM curve"), "1");
}

TEST(a_refused_row_leaves_the_rest_of_its_transaction)
{
	struct err e = {0};
	const char *path = test_path("refused_row.db");
	struct store *s = opened(path);
	int64_t id = started(s);
	REQUIRE_OK(store_begin(s, &e), &e);
	CHECK_OK(store_curve_add(s, id, 1, "loss", 1, &e), &e);
	CHECK_INT(store_curve_add(s, id, -1, "loss", 1, &e), ERR_MISMATCH);
	CHECK_CONTAINS(e.text, "step_is_not_negative");
	e = (struct err){0};
	CHECK_OK(store_commit(s, &e), &e);
	store_close(s);
	CHECK_STR(raw_value(path, "SELECT group_concat(step) FROM curve"), "1");
}

TEST(a_lock_of_another_process_is_waited_for_then_named)
{
	struct err e = {0};
	struct store *s;
	const char *path = test_path("locked.db");
	store_close(opened(path));
	REQUIRE_OK(store_open(&s, path, &(struct store_options){.timeout_ms = 30}, &e), &e);
	sqlite3 *other = raw_open(path);
	CHECK_INT(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	CHECK_INT(store_begin(s, &e), ERR_IO);
	CHECK_CONTAINS(e.text, "locked.db' is locked by another process (waited 0.03 s)");
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	e = (struct err){0};
	CHECK_OK(store_begin(s, &e), &e);
	store_close(s);
}

TEST(a_locked_new_file_is_named_too)
{
	const char *path = test_path("locked_new.db");
	sqlite3 *other = raw_open(path);
	CHECK_INT(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	refused(path, 0, ERR_IO, "is locked by another process");
	sqlite3_close(other);
	store_close(opened(path));
}

/* ---- a full disk ---- */

static int limit_pages(sqlite3 *db, char **why, const void *api)
{
	(void)why;
	(void)api;
	return sqlite3_exec(db, "PRAGMA max_page_count = 24", NULL, NULL, NULL);
}

static int fill(struct store *s, int64_t id, int64_t *step, struct err *e)
{
	int code = 0;
	while (!code && *step < 100000)
		code = store_curve_add(s, id, ++*step, "a name that takes room", 0.1, e);
	return code;
}

TEST(a_full_disk_keeps_what_was_committed_and_no_half_transaction)
{
	struct err e = {0};
	const char *path = test_path("full.db");
	sqlite3_auto_extension((void (*)(void))limit_pages);
	struct store *s = opened(path);
	sqlite3_reset_auto_extension();
	int64_t id = started(s), step = 0;
	CHECK_OK(store_curve_add(s, id, 0, "kept", 1, &e), &e);
	REQUIRE_OK(store_begin(s, &e), &e);
	CHECK_INT(fill(s, id, &step, &e), ERR_IO);
	CHECK_CONTAINS(e.text, "no room on the disk for");
	int code = store_commit(s, &(struct err){0});
	store_rollback(s);
	CHECK_OK(store_run_finish(s, id, &(struct err){0}), &e);
	store_close(s);
	char rows[32];
	snprintf(rows, sizeof rows, "%lld", code ? 1 : (long long)step);
	CHECK_STR(raw_value(path, "SELECT count(*) FROM curve"), rows);
	CHECK_STR(raw_value(path, "PRAGMA integrity_check"), "ok");
}

/* A file size limit makes the writes themselves fail, in the log and at the commit. */
TEST(writes_that_fail_lose_the_transaction_and_nothing_else)
{
	struct err e = {0};
	struct rlimit before, small;
	const char *path = test_path("cut.db");
	struct store *s = opened(path);
	int64_t id = started(s), step = 0;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 120000;
	setrlimit(RLIMIT_FSIZE, &small);
	int code = fill(s, id, &step, &e);
	setrlimit(RLIMIT_FSIZE, &before);
	CHECK_INT(code, ERR_IO);
	CHECK(step > 1);
	CHECK_OK(store_curve_add(s, id, step, "a name that takes room", 0.1, &(struct err){0}), &e);
	store_close(s);
	char rows[32];
	snprintf(rows, sizeof rows, "%lld", (long long)step);
	CHECK_STR(raw_value(path, "SELECT count(*) FROM curve"), rows);
	CHECK_STR(raw_value(path, "PRAGMA integrity_check"), "ok");
}

TEST(after_a_lost_transaction_writes_fail_until_rollback)
{
	struct err e = {0};
	struct rlimit before, small;
	const char *path = test_path("lost.db");
	struct store *s = opened(path);
	int64_t id = started(s), step = 0;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 60000;
	REQUIRE_OK(store_begin(s, &e), &e);
	fill(s, id, &step, &e);
	step = 0;
	setrlimit(RLIMIT_FSIZE, &small);
	CHECK_INT(store_commit(s, &e), ERR_IO);
	setrlimit(RLIMIT_FSIZE, &before);
	struct err second = {0};
	if (store_curve_add(s, id, 1, "later", 1, &second))
		CHECK_CONTAINS(second.text, "is lost");
	store_rollback(s);
	CHECK_OK(store_curve_add(s, id, 1, "after", 1, &second), &second);
	store_close(s);
	CHECK_STR(raw_value(path, "SELECT group_concat(name) FROM curve"), "after");
}

/* ---- several processes ---- */

enum { NAMES = 3 };

/* Writes steps, NAMES rows a transaction, and tells the pipe each step that is committed. Never returns. */
static void write_forever(const char *path, int64_t step, int64_t last, int pipe)
{
	static const char *const names[NAMES] = {"a", "b", "c"};
	struct err e = {0};
	struct store *s;
	int64_t id;
	enum store_found found;
	int code = store_open(&s, path, NULL, &e);
	code = code ? code : store_run_start(s, &plain_run, &id, &found, &e);
	for (; !code && step <= last; step++) {
		code = store_begin(s, &e);
		for (int i = 0; i < NAMES && !code; i++)
			code = store_curve_add(s, id, step, names[i], (double)step, &e);
		code = code ? code : store_commit(s, &e);
		if (!code && pipe >= 0 && write(pipe, &step, sizeof step) != sizeof step)
			code = ERR_IO;
	}
	if (code)
		fprintf(stderr, "%s\n", e.text);
	if (code || pipe < 0)
		store_close(s);
	_exit(code);
}

static int64_t last_told(int pipe, int64_t last)
{
	int64_t step;
	while (read(pipe, &step, sizeof step) == sizeof step)
		last = step;
	return last;
}

TEST(kill_9_loses_at_most_the_transaction_in_hand)
{
	char path[4096], expected[32];
	int64_t told = 0;
	snprintf(path, sizeof path, "%s", test_path("killed.db"));
	srand(3);
	for (int i = 0; i < 12; i++) {
		int ends[2];
		REQUIRE(!pipe(ends));
		fflush(NULL);
		pid_t child = fork();
		if (!child)
			write_forever(path, told + 1, INT64_MAX - 1, ends[1]);
		close(ends[1]);
		if (i % 2) /* killed while it writes; else perhaps while it opens */
			CHECK_INT(read(ends[0], &told, sizeof told), sizeof told);
		const struct timespec nap = {0, rand() % 60 * 1000000L};
		nanosleep(&nap, NULL);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		told = last_told(ends[0], told);
		close(ends[0]);
		store_close(opened(path));
		CHECK_STR(raw_value(path, "PRAGMA integrity_check"), "ok");
		/* All that was told is there, whole steps only, and at most one more than was told. */
		snprintf(expected, sizeof expected, "%lld", (long long)(told * NAMES));
		long long rows = atoll(raw_value(path, "SELECT count(*) FROM curve"));
		CHECK(rows == told * NAMES || rows == (told + 1) * NAMES);
		CHECK_STR(raw_value(path, "SELECT count(*) FROM (SELECT 1 FROM curve GROUP BY step HAVING count(*) <> 3)"),
		          "0");
	}
	CHECK(told > 0);
}

TEST(processes_that_start_together_share_one_file)
{
	enum { PROCESSES = 4, STEPS = 25 };
	char path[4096];
	pid_t child[PROCESSES];
	snprintf(path, sizeof path, "%s", test_path("shared.db"));
	fflush(NULL);
	for (int i = 0; i < PROCESSES; i++)
		if (!(child[i] = fork()))
			write_forever(path, 1 + i * STEPS, (i + 1) * STEPS, -1);
	for (int i = 0; i < PROCESSES; i++) {
		int status = 0;
		waitpid(child[i], &status, 0);
		CHECK_INT(status, 0);
	}
	CHECK_STR(raw_value(path, "SELECT count(*) FROM run"), "1");
	CHECK_STR(raw_value(path, "SELECT count(*) FROM curve"), "300"); /* 4 processes, 25 steps, 3 names */
	CHECK_STR(raw_value(path, "PRAGMA integrity_check"), "ok");
}
