#include "../engine/base/interrupt.h"
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child: installs, raises `number` `times` times, and ends with interrupt_pending() as its status. */
static int status_after(int number, int times)
{
	pid_t child = fork();
	if (child == 0) {
		interrupt_install();
		for (int i = 0; i < times; i++)
			raise(number);
		_exit(interrupt_pending());
	}
	int status = 0;
	waitpid(child, &status, 0);
	return status;
}

TEST(the_first_signal_asks)
{
	CHECK_INT(WEXITSTATUS(status_after(SIGINT, 0)), 0);
	int status = status_after(SIGINT, 1);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 1);
	CHECK_INT(WEXITSTATUS(status_after(SIGTERM, 1)), 1);
}

TEST(the_second_signal_kills)
{
	int status = status_after(SIGINT, 2);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}
