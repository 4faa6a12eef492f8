#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The one switch of a program run from a command line; the library never comes here. */
static int quiet_flag;

void log_set_quiet(int quiet) { quiet_flag = quiet; }

int log_is_quiet(void) { return quiet_flag; }

void log_info(const char *format, ...)
{
	if (quiet_flag)
		return;
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void log_warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("warning: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int log_has_colour(int fd)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
	int is_dumb = terminal && strcmp(terminal, "dumb") == 0;
	return isatty(fd) && !is_dumb && !(no_colour && no_colour[0]);
}
