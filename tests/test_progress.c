#include "../engine/base/progress.h"
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The other end of a terminal gets its bytes a moment later, and in pieces. */
static void read_all(int fd, char *text, size_t size)
{
	size_t used = 0;
	for (struct pollfd wait = {.fd = fd, .events = POLLIN}; used + 1 < size && poll(&wait, 1, 200) == 1;) {
		ssize_t n = read(fd, text + used, size - 1 - used);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
}

/* Standard error becomes a terminal; what was written to it comes out of the other end. */
static const char *seen_on_terminal(void (*say)(void))
{
	static char text[2000];
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return NULL;
	int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
	int saved = dup(STDERR_FILENO);
	dup2(terminal, STDERR_FILENO);
	say();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	read_all(master, text, sizeof text);
	close(terminal);
	close(master);
	return text;
}

static void half_of_ten(void)
{
	struct progress p;
	progress_begin(&p, "running", "texts", 10, 0);
	p.start_ns -= 1000000000;
	progress_update(&p, 5, "a note");
	progress_update(&p, 6, "too soon");
	progress_end(&p);
}

static void unknown_total(void)
{
	struct progress p;
	progress_begin(&p, "reading", "lines", 0, 0);
	progress_update(&p, 7, NULL);
	progress_end(&p);
}

/* Nine of ten, eight of them by an earlier process: one a second, so one second is left. */
static void resumed(void)
{
	struct progress p;
	progress_begin(&p, "running", "texts", 10, 0);
	p.skipped = 8;
	p.start_ns -= 1000000000;
	progress_update(&p, 9, NULL);
	progress_end(&p);
}

static void on_a_narrow_terminal(void)
{
	const struct winsize size = {.ws_row = 24, .ws_col = 20};
	ioctl(STDERR_FILENO, TIOCSWINSZ, &size);
	half_of_ten();
}

static void quietly(void)
{
	struct progress p;
	progress_begin(&p, "running", "texts", 10, 1);
	progress_update(&p, 5, NULL);
	progress_end(&p);
}

TEST(a_terminal_shows_share_rate_and_time_left)
{
	const char *text = seen_on_terminal(half_of_ten);
	if (!text)
		SKIP("no pseudo-terminal here");
	CHECK_CONTAINS(text, "running 5/10 texts (50 %), ");
	CHECK_CONTAINS(text, " left  a note");
	CHECK_CONTAINS(text, ", 1.0 s left");
}

TEST(updates_come_at_most_ten_times_a_second)
{
	const char *text = seen_on_terminal(half_of_ten);
	if (!text)
		SKIP("no pseudo-terminal here");
	CHECK_CONTAINS(text, "a note\r\033[K");
}

TEST(what_an_earlier_process_did_is_not_in_the_rate)
{
	const char *text = seen_on_terminal(resumed);
	if (!text)
		SKIP("no pseudo-terminal here");
	CHECK_CONTAINS(text, "running 9/10 texts (90 %), ");
	CHECK_CONTAINS(text, ", 1.0 s left");
}

TEST(a_line_is_cut_before_it_wraps)
{
	const char *text = seen_on_terminal(on_a_narrow_terminal);
	if (!text)
		SKIP("no pseudo-terminal here");
	CHECK_CONTAINS(text, "\r\033[Krunning 5/10 texts \r\033[K");
}

TEST(an_unknown_total_shows_the_count)
{
	const char *text = seen_on_terminal(unknown_total);
	if (!text)
		SKIP("no pseudo-terminal here");
	CHECK_CONTAINS(text, "reading 7 lines, ");
}

TEST(quiet_is_quiet_on_a_terminal_too)
{
	const char *text = seen_on_terminal(quietly);
	if (!text)
		SKIP("no pseudo-terminal here");
	CHECK_STR(text, "");
}
