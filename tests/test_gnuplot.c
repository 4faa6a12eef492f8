#include "../reports/gnuplot.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

TEST(a_string_carries_nothing_out)
{
	struct buf b = {0};
	gnuplot_add_string(&b, "it's `rm` $(x) \"y\"\n@z");
	CHECK_STR(b.data, "'it''s `rm` $(x) \"y\" @z'");
	buf_free(&b);
}

TEST(only_known_kinds_of_pictures_are_drawn)
{
	struct err e = {0};
	CHECK_OK(gnuplot_check_path("a.png", &e), &e);
	CHECK_OK(gnuplot_check_path("a/b.svg", &e), &e);
	CHECK_OK(gnuplot_check_path("a.b.pdf", &e), &e);
	CHECK_INT(gnuplot_check_path(".pdf", &(struct err){0}), ERR_USAGE);
	CHECK_INT(gnuplot_check_path("a.jpg", &e), ERR_USAGE);
	CHECK_STR(e.text, "a picture is a .png, .svg or .pdf file, not 'a.jpg'");
}

static int draw(const char *script, struct err *e)
{
	struct buf head = {0};
	buf_add_text(&head, "x = 1\n");
	int code = gnuplot_draw(test_path("drawn.svg"), 100, 50, &head, script, e);
	buf_free(&head);
	return code;
}

TEST(a_script_that_fails_leaves_the_old_picture)
{
	struct err e = {0};
	char *text;
	size_t size;
	if (system("command -v gnuplot >/dev/null 2>&1"))
		SKIP("gnuplot is not installed");
	REQUIRE_OK(file_write_atomic(test_path("drawn.svg"), "old", 3, &e), &e);
	CHECK_INT(draw("exit status 3\n", &e), ERR_IO);
	CHECK_STR(e.text, "gnuplot failed with status 3");
	e = (struct err){0};
	REQUIRE_OK(file_read(&text, &size, test_path("drawn.svg"), 100, &e), &e);
	CHECK_STR(text, "old");
	free(text);
	CHECK_OK(draw("set key off\nplot x\n", &e), &e);
	REQUIRE_OK(file_read(&text, &size, test_path("drawn.svg"), 1 << 20, &e), &e);
	CHECK_CONTAINS(text, "</svg>");
	free(text);
}

TEST(without_gnuplot_the_error_names_the_package)
{
	struct err e = {0};
	char *path = strdup(getenv("PATH"));
	setenv("PATH", test_folder(), 1);
	CHECK_INT(draw("plot x\n", &e), ERR_UNSUPPORTED);
	setenv("PATH", path, 1);
	CHECK_CONTAINS(e.text, "is not installed (package gnuplot-nox)");
	free(path);
}
