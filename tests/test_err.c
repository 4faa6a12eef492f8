#include "../engine/base/err.h"
#include "test.h"

#include <errno.h>
#include <string.h>

TEST(the_first_sentence_wins)
{
	struct err e = {0};
	CHECK_INT(err_set(&e, ERR_FORMAT, "expected %d columns", 4), ERR_FORMAT);
	CHECK_INT(err_set(&e, ERR_IO, "something else"), ERR_FORMAT);
	CHECK_INT(err_set_errno(&e, ENOENT, "something else"), ERR_FORMAT);
	CHECK_STR(e.text, "expected 4 columns");
}

TEST(nobody_has_to_listen)
{
	CHECK_INT(err_set(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
	CHECK_INT(err_set_errno(NULL, ENOENT, "x"), ERR_IO);
}

TEST(the_system_has_the_last_word)
{
	struct err e = {0};
	CHECK_INT(err_set_errno(&e, ENOENT, "cannot open '%s'", "a.txt"), ERR_IO);
	CHECK_STR(e.text, "cannot open 'a.txt': No such file or directory");
}

TEST(a_long_sentence_is_cut_not_spilled)
{
	struct err e = {0};
	char text[3000];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	err_set_errno(&e, ENOENT, "%s", text);
	CHECK_INT((long long)strlen(e.text), sizeof e.text - 1);
}

TEST(exit_codes_tell_usage_and_expectation_apart)
{
	CHECK_INT(err_exit_code(ERR_NONE), 0);
	CHECK_INT(err_exit_code(ERR_IO), 1);
	CHECK_INT(err_exit_code(ERR_INTERRUPTED), 1);
	CHECK_INT(err_exit_code(ERR_USAGE), 2);
	CHECK_INT(err_exit_code(ERR_EXPECTATION), 3);
}

TEST(a_slip_of_the_finger_is_recognised)
{
	static const char *const names[] = {"none", "adapler", "random", NULL};
	char out[200];
	err_suggest(out, sizeof out, "adaplre", names);
	CHECK_STR(out, "; did you mean 'adapler'? (known: none, adapler, random)");
	err_suggest(out, sizeof out, "zzz", names);
	CHECK_STR(out, " (known: none, adapler, random)");
}

TEST(a_suggestion_fits_its_buffer)
{
	static const char *const names[] = {"none", "adapler", NULL};
	char out[12];
	memset(out, '#', sizeof out);
	err_suggest(out, 10, "adaplerr", names);
	CHECK_STR(out, "; did you");
	CHECK(out[10] == '#');
}
