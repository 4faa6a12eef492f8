#include "progress.h"

#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SHOW_NS = 100000000 };

void progress_begin(struct progress *p, const char *label, const char *unit, int64_t total, int quiet)
{
	*p = (struct progress){.label = label, .unit = unit, .total = total, .start_ns = clock_ns()};
	p->active = !quiet && isatty(STDERR_FILENO);
}

/* A line that wraps could not be taken back. */
static void cut(char *text)
{
	struct winsize size;
	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col && strlen(text) >= size.ws_col)
		text[size.ws_col - 1] = '\0';
}

static void show(const struct progress *p, const char *note, double rate)
{
	char of[32] = "", share[32] = "", duration[32] = "-", left[48] = "", line[400];
	if (rate > 0)
		clock_format(duration, sizeof duration, (double)(p->total - p->done) / rate);
	if (p->total > 0) {
		snprintf(of, sizeof of, "/%lld", (long long)p->total);
		snprintf(share, sizeof share, " (%.0f %%)", 100.0 * (double)p->done / (double)p->total);
		snprintf(left, sizeof left, ", %s left", duration);
	}
	snprintf(line, sizeof line, "\r\033[K%s %lld%s %s%s, %.4g/s%s%s%s", p->label, (long long)p->done, of, p->unit,
	         share, rate, left, note ? "  " : "", note ? note : "");
	cut(line + strlen("\r\033[K"));
	fputs(line, stderr); /* one write: a terminal never shows half a line */
}

void progress_update(struct progress *p, int64_t done, const char *note)
{
	p->done = done;
	int64_t now = clock_ns();
	if (!p->active || (p->shown_ns && now - p->shown_ns < SHOW_NS))
		return;
	p->shown_ns = now;
	double seconds = (double)(now - p->start_ns) * 1e-9;
	show(p, note, seconds > 0 ? (double)(done - p->skipped) / seconds : 0);
}

void progress_end(struct progress *p)
{
	if (p->active && p->shown_ns)
		fputs("\r\033[K", stderr);
	p->active = 0;
}
