/* One line on standard error that says how far a long piece of work is: done, rate, ETA. Only on a terminal, at most
 * ten times a second, never with `quiet`. */
#ifndef ADAPLER_BASE_PROGRESS_H
#define ADAPLER_BASE_PROGRESS_H

#include <stdint.h>

struct progress {
	const char *label;
	const char *unit;
	int64_t total; /* 0: unknown */
	int64_t done;
	int64_t skipped; /* done before it began, by an earlier process: not in the rate */
	int64_t start_ns;
	int64_t shown_ns;
	int active;
};

void progress_begin(struct progress *p, const char *label, const char *unit, int64_t total, int quiet);
/* `note` is put at the end of the line, which is cut to the terminal's width; may be NULL. */
void progress_update(struct progress *p, int64_t done, const char *note);
void progress_end(struct progress *p);

#endif
