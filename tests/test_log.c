#include "../engine/base/log.h"
#include "../engine/base/progress.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What `say` writes to standard error, which is a file here. */
static const char *heard(void (*say)(void))
{
	static char text[1000];
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	say();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void say_both(void)
{
	log_info("read %d files", 3);
	log_warn("cut '%s'", "x");
}

static void show_progress(void)
{
	struct progress p;
	progress_begin(&p, "running", "texts", 10, 0);
	progress_update(&p, 5, "note");
	progress_end(&p);
}

TEST(quiet_silences_information_but_not_warnings)
{
	CHECK_STR(heard(say_both), "read 3 files\nwarning: cut 'x'\n");
	log_set_quiet(1);
	CHECK_STR(heard(say_both), "warning: cut 'x'\n");
	log_set_quiet(0);
}

TEST(progress_is_for_terminals_only)
{
	CHECK_STR(heard(show_progress), "");
}

TEST(a_file_gets_no_colour)
{
	FILE *f = tmpfile();
	CHECK(!log_has_colour(fileno(f)));
	fclose(f);
}
