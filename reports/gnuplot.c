#include "gnuplot.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sizes in units a point; the bitmap is for a screen of twice the density and for slides. */
static const struct kind {
	const char *ending;
	const char *format; /* takes width and height */
	double units;
} kinds[] = {
	{".png", "set terminal pngcairo noenhanced size %g,%g font 'Sans,17' linewidth 2 background '#ffffff'\n", 2},
	{".svg", "set terminal svg noenhanced size %g,%g font 'sans-serif,11' linewidth 1 background '#ffffff'\n", 1},
	{".pdf", "set terminal pdfcairo noenhanced size %gin,%gin font 'Sans,8.5' linewidth 1\n", 1.0 / 72},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const struct kind *find_kind(const char *path)
{
	size_t size = strlen(path);
	for (int i = 0; i < KINDS; i++) {
		size_t n = strlen(kinds[i].ending);
		if (size > n && !strcmp(path + size - n, kinds[i].ending))
			return &kinds[i];
	}
	return NULL;
}

int gnuplot_check_path(const char *path, struct err *e)
{
	return find_kind(path) ? 0 : err_set(e, ERR_USAGE, "a picture is a .png, .svg or .pdf file, not '%s'", path);
}

/* Between single quotes only the quote itself means something, doubled. A line end would end the command. */
void gnuplot_add_string(struct buf *b, const char *text)
{
	buf_add_byte(b, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_byte(b, '\'');
		buf_add_byte(b, (unsigned char)*text < 0x20 ? ' ' : *text);
	}
	buf_add_byte(b, '\'');
}

/* popen() tells only at the end, in the shell's words. */
int gnuplot_check_installed(struct err *e)
{
	if (!system("command -v gnuplot >/dev/null 2>&1"))
		return 0;
	return err_set(e, ERR_UNSUPPORTED, "gnuplot, which draws the pictures, is not installed (package gnuplot-nox)");
}

/* A gnuplot that ends early must be an error here, not the end of this program. */
static int feed(const struct buf *script, struct err *e)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	fflush(NULL);
	FILE *f = popen("gnuplot -d", "w"); /* without the user's own settings */
	if (!f)
		return err_set_errno(e, errno, "cannot run gnuplot");
	sigaction(SIGPIPE, &ignore, &before);
	fwrite(script->data, 1, script->size, f);
	int status = pclose(f);
	sigaction(SIGPIPE, &before, NULL);
	if (status == 0)
		return 0;
	return err_set(e, ERR_IO, "gnuplot failed with status %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void add_terminal(struct buf *b, const char *path, int width, int height, const char *output)
{
	const struct kind *k = find_kind(path);
	char line[300];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(line, sizeof line, k->format, width * k->units, height * k->units);
#pragma GCC diagnostic pop
	buf_add_text(b, line);
	buf_add_text(b, "set encoding utf8\nset output ");
	gnuplot_add_string(b, output);
	buf_add_byte(b, '\n');
}

int gnuplot_draw(const char *path, int width, int height, const struct buf *head, const char *script, struct err *e)
{
	struct file_writer w;
	struct stat drawn;
	struct buf all = {0};
	int code = gnuplot_check_path(path, e);
	if (!code)
		code = gnuplot_check_installed(e);
	if (!code)
		code = file_writer_open(&w, path, e);
	if (code)
		return code;
	add_terminal(&all, path, width, height, w.temporary);
	buf_add(&all, head->data, head->size);
	buf_add_text(&all, script);
	code = buf_check(&all, e);
	if (!code)
		code = feed(&all, e);
	if (!code && (stat(w.temporary, &drawn) || drawn.st_size == 0))
		code = err_set(e, ERR_IO, "gnuplot could not write '%s': is the disk full?", path);
	buf_free(&all);
	if (!code)
		return file_writer_commit(&w, e);
	file_writer_abort(&w);
	return code;
}

enum { SAID_MAX = 300 };

/* What gnuplot says, the first of it in `said`: an empty data set is worth a warning to it, but none to our users. */
static void listen(int pipe_end, char said[SAID_MAX])
{
	char bytes[4096];
	size_t size = 0;
	for (ssize_t n; (n = read(pipe_end, bytes, sizeof bytes)) > 0;)
		for (ssize_t i = 0; i < n && size + 1 < SAID_MAX; i++)
			said[size++] = bytes[i] == '\n' ? ' ' : bytes[i];
	said[size] = '\0';
}

/* In UTC, as PDF files have the time zone in them. */
static void become_gnuplot(const char *folder, const char *file, const int ends[2])
{
	char path[300];
	snprintf(path, sizeof path, "./%s", file); /* which is no option, whatever the name */
	if (!chdir(folder) && !setenv("TZ", "UTC", 1) && dup2(ends[1], STDERR_FILENO) >= 0) {
		close(ends[0]);
		close(ends[1]);
		execlp("gnuplot", "gnuplot", "-d", path, (char *)NULL);
	}
	_exit(127);
}

int gnuplot_run(const char *folder, const char *file, struct err *e)
{
	char said[SAID_MAX];
	int status, ends[2];
	if (pipe(ends))
		return err_set_errno(e, errno, "cannot run gnuplot");
	fflush(NULL);
	const pid_t child = fork();
	if (child == 0)
		become_gnuplot(folder, file, ends);
	close(ends[1]);
	listen(ends[0], said);
	close(ends[0]);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return err_set_errno(e, errno, "cannot run gnuplot");
	if (status == 0)
		return 0;
	return err_set(e, ERR_IO, "gnuplot failed with status %d on '%s/%s': %s",
	               WIFEXITED(status) ? WEXITSTATUS(status) : -1, folder, file, said);
}
