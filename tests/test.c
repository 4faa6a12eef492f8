#include "test.h"

#include "../engine/base/err.h"

#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATE_PASSED, STATE_FAILED, STATE_SKIPPED, STATES };
enum { FAILURES_SHOWN = 20 };

static struct test *first_test, **last_link = &first_test;
static const struct test *current;
static int state, failures;
static char folder[64];

void test_register(struct test *t)
{
	*last_link = t;
	last_link = &t->next;
}

void test_fail(const char *file, int line, const char *format, ...)
{
	state = STATE_FAILED;
	if (failures++ >= FAILURES_SHOWN)
		return;
	printf("failed: %s (%s:%d): ", current->name, file, line);
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("%s\n", failures == FAILURES_SHOWN ? " (further failures of this test are not shown)" : "");
}

void test_skip(const char *format, ...)
{
	if (state == STATE_PASSED)
		state = STATE_SKIPPED;
	printf("skipped: %s: ", current->name);
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

int test_check(int holds, const char *text, const char *file, int line)
{
	if (!holds)
		test_fail(file, line, "%s", text);
	return holds;
}

int test_check_int(long long found, long long expected, const char *text, const char *file, int line)
{
	if (found != expected)
		test_fail(file, line, "%s is %lld, expected %lld", text, found, expected);
	return found == expected;
}

int test_check_text(const char *found, const char *expected, const char *text, const char *file, int line)
{
	int same = found && expected ? !strcmp(found, expected) : found == expected;
	if (!same)
		test_fail(file, line, "%s is \"%s\", expected \"%s\"", text, found ? found : "(null)",
		          expected ? expected : "(null)");
	return same;
}

int test_check_near(double found, double expected, double tolerance, const char *text, const char *file, int line)
{
	int near = (isnan(found) && isnan(expected)) || found == expected || fabs(found - expected) <= tolerance;
	if (!near)
		test_fail(file, line, "%s is %.9g, expected %.9g within %.3g", text, found, expected, tolerance);
	return near;
}

int test_check_code(int code, const struct err *e, const char *text, const char *file, int line)
{
	if (code)
		test_fail(file, line, "%s returned %d: %s", text, code, e ? e->text : "");
	return code == 0;
}

int test_check_contains(const char *found, const char *part, const char *text, const char *file, int line)
{
	int holds = found && strstr(found, part);
	if (!holds)
		test_fail(file, line, "%s is \"%s\", which does not contain \"%s\"", text, found ? found : "(null)", part);
	return holds;
}

/* Four slots in turn, so that a test may hold a few paths at once. */
static const char *path_slot(const char *dir, const char *name)
{
	static char slots[4][4096];
	static int next;
	char *slot = slots[next++ % 4];
	snprintf(slot, sizeof slots[0], "%s/%s", dir, name);
	return slot;
}

const char *test_shared(const char *path)
{
	const char *dir = getenv("ADAPLER_SHARED");
	const char *full = path_slot(dir && dir[0] ? dir : "../shared", path);
	if (access(full, R_OK) == 0)
		return full;
	test_skip("no '%s' here (set ADAPLER_SHARED to the folder that has it)", full);
	return NULL;
}

const char *test_folder(void)
{
	if (!folder[0]) {
		strcpy(folder, "/tmp/adapler-test-XXXXXX");
		if (!mkdtemp(folder))
			abort();
	}
	return folder;
}

const char *test_path(const char *name) { return path_slot(test_folder(), name); }

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static int is_chosen(const struct test *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], t->name))
			return 1;
	return argc == 1;
}

int main(int argc, char **argv)
{
	int count[STATES] = {0};
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (const struct test *t = first_test; t; t = t->next) {
		if (!is_chosen(t, argc, argv))
			continue;
		current = t;
		state = STATE_PASSED;
		failures = 0;
		t->run();
		count[state]++;
	}
	if (folder[0])
		nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	printf("%d passed, %d failed, %d skipped\n", count[STATE_PASSED], count[STATE_FAILED], count[STATE_SKIPPED]);
	return count[STATE_FAILED] != 0;
}
