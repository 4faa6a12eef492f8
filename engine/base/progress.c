#include "progress.h"

#include "clock.h"

#include <stdio.h>
#include <unistd.h>

enum { SHOW_NS = 100000000 };

void progress_begin(struct progress *p, const char *label, const char *unit, int64_t total, int quiet)
{
	*p = (struct progress){.label = label, .unit = unit, .total = total, .start_ns = clock_ns()};
	p->active = !quiet && isatty(STDERR_FILENO);
}

static void show_known(const struct progress *p, double rate)
{
	char left[32] = "-";
	if (rate > 0)
		clock_format(left, sizeof left, (double)(p->total - p->done) / rate);
	fprintf(stderr, "\r\033[K%s %lld/%lld %s (%.0f %%), %.4g/s, %s left", p->label, (long long)p->done,
	        (long long)p->total, p->unit, 100.0 * (double)p->done / (double)p->total, rate, left);
}

void progress_update(struct progress *p, int64_t done, const char *note)
{
	p->done = done;
	int64_t now = clock_ns();
	if (!p->active || (p->shown_ns && now - p->shown_ns < SHOW_NS))
		return;
	p->shown_ns = now;
	double seconds = (double)(now - p->start_ns) * 1e-9;
	double rate = seconds > 0 ? (double)done / seconds : 0;
	if (p->total > 0)
		show_known(p, rate);
	else
		fprintf(stderr, "\r\033[K%s %lld %s, %.4g/s", p->label, (long long)done, p->unit, rate);
	if (note)
		fprintf(stderr, "  %s", note);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->active && p->shown_ns)
		fputs("\r\033[K", stderr);
	p->active = 0;
}
