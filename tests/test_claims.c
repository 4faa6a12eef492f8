#include "../eval/claims.h"

#include "test.h"

#include "../engine/base/err.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char other[] = "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static struct claims *opened(void)
{
	struct err e = {0};
	struct claims *c;
	return CHECK_OK(claims_open(&c, test_path("x.db"), &e), &e) ? c : NULL;
}

static int takes(struct claims *c, const char *k)
{
	struct err e = {0};
	int is_taken = -1;
	CHECK_OK(claims_take(c, k, &is_taken, &e), &e);
	return is_taken;
}

TEST(a_cell_is_taken_by_one_only_until_it_lets_go)
{
	struct claims *a = opened(), *b = opened();
	REQUIRE(a && b);
	CHECK(takes(a, key));
	CHECK(!takes(b, key));
	CHECK(takes(b, other));
	CHECK(!takes(a, other));
	claims_release(a, key);
	CHECK(takes(b, key));
	claims_close(b);
	CHECK(takes(a, key));
	CHECK(takes(a, other));
	claims_close(a);
	claims_close(NULL);
}

/* The child takes the cell, says so, and waits to be killed. */
static pid_t holder(int *told)
{
	int ends[2];
	CHECK(!pipe(ends));
	const pid_t pid = fork();
	if (!pid) {
		struct claims *c;
		int is_taken = 0;
		if (claims_open(&c, test_path("x.db"), NULL) || claims_take(c, key, &is_taken, NULL))
			is_taken = 0;
		if (write(ends[1], &is_taken, sizeof is_taken) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	CHECK_INT(read(ends[0], told, sizeof *told), sizeof *told);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

TEST(a_process_that_is_killed_lets_go)
{
	int told = 0;
	struct claims *c = opened();
	REQUIRE(c != NULL);
	const pid_t pid = holder(&told);
	CHECK(told);
	CHECK(!takes(c, key));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK(takes(c, key));
	claims_close(c);
}

TEST(a_folder_that_is_not_there_is_an_error)
{
	struct err e = {0};
	struct claims *c;
	CHECK(claims_open(&c, test_path("nowhere/x.db"), &e) != 0);
	CHECK_CONTAINS(e.text, "nowhere/x.db-claims");
	CHECK(!c);
}
