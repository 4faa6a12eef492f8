#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t pending;

static void note(int number)
{
	(void)number;
	pending = 1;
}

void interrupt_install(void)
{
	/* The second signal finds the default again, and no call is restarted: a read that waits for a pipe returns. */
	struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL); /* a terminal that was closed */
}

int interrupt_pending(void) { return pending != 0; }
