/* The test harness: one binary for every test_x.c, a test is named as a sentence.
 *
 *     TEST(undefined_is_nan_not_zero)
 *     {
 *         CHECK(isnan(f1(0, 0, 0)));
 *     }
 *
 * CHECK_* note a failure and go on; REQUIRE ends the test. SKIP ends it too, and says loudly why. Values are given as
 * (found, expected). A binary takes the names of tests to run as arguments, and ends with the line
 * `N passed, M failed, K skipped`. */
#ifndef ADAPLER_TEST_H
#define ADAPLER_TEST_H

#include <stddef.h>

struct err;

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *t);
/* Notes the failure of the test that runs. */
void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

int test_check(int holds, const char *text, const char *file, int line);
int test_check_int(long long found, long long expected, const char *text, const char *file, int line);
int test_check_text(const char *found, const char *expected, const char *text, const char *file, int line);
/* NaN equals NaN only. */
int test_check_near(double found, double expected, double tolerance, const char *text, const char *file, int line);
int test_check_code(int code, const struct err *e, const char *text, const char *file, int line);
int test_check_contains(const char *found, const char *part, const char *text, const char *file, int line);

/* A path under the folder of real data and goldens that may lie beside the project (ADAPLER_SHARED, else ../shared);
 * NULL after skipping the test when it is not there. Borrowed until the next call but three. */
const char *test_shared(const char *path);
/* A fresh folder for the binary's files, removed at the end. */
const char *test_folder(void);
/* test_folder() + "/" + name; borrowed like test_shared's. */
const char *test_path(const char *name);

#define TEST(name_)                                                 \
	static void test_##name_(void);                                 \
	__attribute__((constructor)) static void register_##name_(void) \
	{                                                               \
		static struct test t = {#name_, test_##name_, NULL};        \
		test_register(&t);                                          \
	}                                                               \
	static void test_##name_(void)

#define CHECK(condition)           test_check(!!(condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(found, expected) test_check_int((found), (expected), #found, __FILE__, __LINE__)
#define CHECK_STR(found, expected) test_check_text((found), (expected), #found, __FILE__, __LINE__)
#define CHECK_NEAR(found, expected, tolerance) \
	test_check_near((found), (expected), (tolerance), #found, __FILE__, __LINE__)
/* The call succeeded; otherwise the error's sentence is shown. */
#define CHECK_OK(call, e)           test_check_code((call), (e), #call, __FILE__, __LINE__)
#define CHECK_CONTAINS(found, part) test_check_contains((found), (part), #found, __FILE__, __LINE__)

#define REQUIRE(condition)     \
	do {                       \
		if (!CHECK(condition)) \
			return;            \
	} while (0)
#define REQUIRE_OK(call, e)     \
	do {                        \
		if (!CHECK_OK(call, e)) \
			return;             \
	} while (0)
#define SKIP(...)               \
	do {                        \
		test_skip(__VA_ARGS__); \
		return;                 \
	} while (0)

#endif
