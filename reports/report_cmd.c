/* adapler report: tables, figures and a page out of a store. */
#include "report_out.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct report_args {
	const char *db, *out, *format, *reference, *without;
};

static const struct opt options[] = {
	{"db", 'd', OPT_FILE, offsetof(struct report_args, db), "FILE", "the database", 0, 0},
	{"out", 'o', OPT_DIR, offsetof(struct report_args, out), "DIR",
     "the report's folder; an earlier report there gives way", 0, 0},
	{"format", 'f', OPT_STRING, offsetof(struct report_args, format), "LIST", "of the tables: md,latex,csv,html (all)",
     0, 0},
	{"reference", 'r', OPT_FILE, offsetof(struct report_args, reference), "FILE",
     "published figures to stand beside ours (data/reference/paper.json)", 0, 0},
	{"without", 0, OPT_STRING, offsetof(struct report_args, without), "RUNS", "numbers of runs to leave out: 3,7,9", 0,
     0},
	{.kind = OPT_END},
};

static const char *const parts[] = {"tables", "plots", "examples"};
enum { PARTS = sizeof parts / sizeof *parts };
/* By which a folder is known as a report, and may be replaced. */
static const char page[] = "index.html", runs_table[] = "tables/runs.csv";

/* ---- the folder ------------------------------------------------------------------------------------------------ */

int output_write(const struct output *o, const char *part, const char *name, const struct buf *text, struct err *e)
{
	char folder[4096], path[4096];
	int code = buf_check(text, e);
	if (!code)
		code = *part ? file_join(folder, sizeof folder, o->folder, part, e) : 0;
	if (!code)
		code = file_join(path, sizeof path, *part ? folder : o->folder, name, e);
	return code ? code : file_write_atomic(path, text->data, text->size, e);
}

/* Files of a folder, and those of the folders in it: a report is no deeper. What cannot be removed stays, and is told. */
static void remove_folder(const char *path, int depth)
{
	char inside[4096];
	struct dirent *entry;
	DIR *d = opendir(path);
	while (d && (entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    file_join(inside, sizeof inside, path, entry->d_name, NULL))
			continue;
		if (unlink(inside) && depth > 0)
			remove_folder(inside, depth - 1);
	}
	if (d)
		closedir(d);
	if (rmdir(path) && errno != ENOENT)
		log_warn("cannot remove '%s': %s", path, strerror(errno));
}

/* Whether a folder has nothing but what `is_ours` says; `d` may be NULL. */
static int has_only(const char *path, int (*is_ours)(const char *folder, const char *name))
{
	struct dirent *entry;
	int others = 0;
	DIR *d = opendir(path);
	while (d && (entry = readdir(d)))
		others += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && !is_ours(path, entry->d_name);
	if (d)
		closedir(d);
	return d && !others;
}

static int nothing(const char *folder, const char *name)
{
	(void)folder;
	(void)name;
	return 0;
}

static int file(const char *folder, const char *name)
{
	char path[4096];
	struct stat there;
	return !file_join(path, sizeof path, folder, name, NULL) && !lstat(path, &there) && S_ISREG(there.st_mode);
}

static int part(const char *folder, const char *name)
{
	char path[4096];
	if (!strcmp(name, page))
		return file(folder, name);
	for (int i = 0; i < PARTS; i++)
		if (!strcmp(name, parts[i]))
			return !file_join(path, sizeof path, folder, name, NULL) && has_only(path, file);
	return 0;
}

static int is_report(const char *path)
{
	char inside[4096];
	return has_only(path, part) && !file_join(inside, sizeof inside, path, runs_table, NULL) && file_exists(inside);
}

/* `out` as a path without links, dots or a slash at its end; where it is not there yet, that of its folder is. Other people's
 * files are never replaced. */
static int find_place(char place[4096], const char *out, struct err *e)
{
	char given[4096], folder[4096] = ".", real[4096];
	struct stat there;
	size_t size = strlen(out);
	while (size > 1 && out[size - 1] == '/')
		size--;
	if (!size || size >= sizeof given)
		return err_set(e, ERR_USAGE, "'%.100s' is no name of a folder", out);
	snprintf(given, sizeof given, "%.*s", (int)size, out);
	if (!lstat(given, &there)) {
		if (S_ISDIR(there.st_mode) && realpath(given, place) && strcmp(place, "/") != 0 &&
		    (has_only(place, nothing) || is_report(place)))
			return 0;
		return err_set(e, ERR_USAGE, "'%s' is there and is no report of ours, or more: give another --out", out);
	}
	const char *slash = strrchr(given, '/'), *name = slash ? slash + 1 : given;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return err_set(e, ERR_USAGE, "'%s' is no name of a new folder", out);
	if (slash)
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - given) + (slash == given), given);
	int code = file_make_directories(folder, e);
	if (!code && !realpath(folder, real))
		code = err_set_errno(e, errno, "cannot find '%s'", folder);
	return code ? code : file_join(place, 4096, real, name, e);
}

/* "OUT.PID.tmp" of a process that was killed while it wrote. */
static int is_abandoned(const char *name, const char *base)
{
	const size_t n = strlen(base);
	char *end;
	if (strncmp(name, base, n) != 0 || name[n] != '.')
		return 0;
	const long pid = strtol(name + n + 1, &end, 10);
	return pid > 0 && !strcmp(end, ".tmp") && kill((pid_t)pid, 0) && errno == ESRCH;
}

static void remove_abandoned(const char *place)
{
	char folder[4096], inside[4096];
	const char *slash = strrchr(place, '/');
	struct dirent *entry;
	snprintf(folder, sizeof folder, "%.*s", (int)(slash - place) + 1, place);
	DIR *d = opendir(folder);
	while (d && (entry = readdir(d)))
		if (is_abandoned(entry->d_name, slash + 1) && !file_join(inside, sizeof inside, folder, entry->d_name, NULL))
			remove_folder(inside, 1);
	if (d)
		closedir(d);
}

static int begin_folder(struct output *o, const char *place, struct err *e)
{
	char path[4096];
	if (strlen(place) + 64 > sizeof o->folder)
		return err_set(e, ERR_LIMIT, "the name of '%s' is too long", place);
	remove_abandoned(place);
	snprintf(o->folder, sizeof o->folder, "%.4000s.%ld.tmp", place, (long)getpid());
	int code = 0;
	for (int i = 0; i < PARTS && !code; i++) {
		code = file_join(path, sizeof path, o->folder, parts[i], e);
		if (!code)
			code = file_make_directories(path, e);
	}
	return code;
}

/* Old and new change places in one step where the file system can, so that there is always one of them; else the old one
 * steps aside first. */
static int end_folder(const struct output *o, const char *place, struct err *e)
{
	char aside[4200];
	if (!renameat2(AT_FDCWD, o->folder, AT_FDCWD, place, RENAME_EXCHANGE)) {
		remove_folder(o->folder, 1);
		file_sync_folder_of(place);
		return 0;
	}
	snprintf(aside, sizeof aside, "%s.old", o->folder);
	const int has_old = rename(place, aside) == 0;
	if (!has_old && errno != ENOENT)
		return err_set_errno(e, errno, "cannot replace '%s'", place);
	if (rename(o->folder, place)) {
		const int number = errno;
		if (has_old && rename(aside, place))
			return err_set_errno(e, number, "cannot write '%s'; the earlier report is in '%s'", place, aside);
		return err_set_errno(e, number, "cannot write '%s'", place);
	}
	if (has_old)
		remove_folder(aside, 1);
	file_sync_folder_of(place);
	return 0;
}

/* ---- where it comes from --------------------------------------------------------------------------------------- */

/* Different texts of a field over the evaluations and comparisons, each once; of the report's memory. */
enum { DISTINCT_MAX = 40 };
struct distinct {
	struct buf list;
	const char *text[DISTINCT_MAX];
	int count;
};

static void add_distinct(struct distinct *d, const char *text)
{
	for (int i = 0; i < d->count; i++)
		if (!strcmp(d->text[i], text))
			return;
	if (!*text || d->count == DISTINCT_MAX)
		return;
	buf_addf(&d->list, "%s%s", d->count ? "; " : "", text);
	d->text[d->count++] = text;
}

enum { FIELDS = 4 };
static const char *number_text(struct report *r, int64_t number)
{
	char text[30];
	snprintf(text, sizeof text, "%lld", (long long)number);
	const char *copy = texts_copy(&r->texts, text, strlen(text), NULL);
	return copy ? copy : "";
}

static void collect(struct report *r, struct distinct d[FIELDS])
{
	for (int i = 0; i < r->evaluations; i++) {
		const struct evaluation *x = &r->evaluation[i];
		add_distinct(&d[0], x->rev);
		add_distinct(&d[1], x->cpu);
		add_distinct(&d[2], x->kernels);
		add_distinct(&d[3], number_text(r, x->threads));
	}
	for (int i = 0; i < r->method_runs; i++) {
		const struct method_run *x = &r->method_run[i];
		add_distinct(&d[0], x->rev);
		add_distinct(&d[1], x->cpu);
		add_distinct(&d[2], x->kernels);
		add_distinct(&d[3], number_text(r, x->threads));
	}
}

static int by_id(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static int add_ids(const struct report *r, struct buf *b, struct err *e)
{
	const int n = r->evaluations + r->method_runs + r->trainings;
	int64_t *ids = malloc((size_t)n * sizeof *ids);
	int at = 0;
	if (!ids)
		return err_set(e, ERR_MEMORY, "out of memory for %d runs", n);
	for (int i = 0; i < r->evaluations; i++)
		ids[at++] = r->evaluation[i].id;
	for (int i = 0; i < r->method_runs; i++)
		ids[at++] = r->method_run[i].id;
	for (int i = 0; i < r->trainings; i++)
		ids[at++] = r->training[i].id;
	qsort(ids, (size_t)n, sizeof *ids, by_id);
	report_add_runs(b, ids, n);
	free(ids);
	return 0;
}

static const char *text_of(const struct distinct *d) { return d->list.data ? d->list.data : "unknown"; }

int output_describe(struct output *o, struct err *e)
{
	struct report *r = o->report;
	struct distinct d[FIELDS] = {0};
	struct buf *b = &o->provenance;
	collect(r, d);
	buf_addf(b, "store: %s, ", r->db);
	int code = add_ids(r, b, e);
	buf_addf(b, "\nmeasured by: adapler at %s\n", text_of(&d[0]));
	buf_addf(b, "on: %s; kernels %s; threads %s\n", text_of(&d[1]), text_of(&d[2]), text_of(&d[3]));
	buf_addf(b, "last run ended: %s\n", r->newest);
	buf_add_text(b, "weights, data and keys of every run: tables/runs.csv\n");
	buf_addf(b, "again: adapler report%s --out DIR\n", o->again.data);
	buf_addf(b, "every number anew from its facts: adapler verify --db %s\n", r->db);
	buf_addf(&o->footer, "adapler %s · %s · %.10s · %s", text_of(&d[0]), text_of(&d[1]), r->newest, r->db);
	for (int i = 0; i < FIELDS; i++)
		buf_free(&d[i].list);
	if (!code)
		code = buf_check(b, e);
	return code ? code : buf_check(&o->footer, e);
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static int parse_formats(unsigned *formats, const char *list, struct err *e)
{
	char hint[300], word[20];
	*formats = list ? 0 : (1U << GRID_FORMAT_COUNT) - 1;
	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',') {
		int f = 0;
		snprintf(word, sizeof word, "%.*s", (int)strcspn(at, ","), at);
		while (f < GRID_FORMAT_COUNT && strcmp(grid_format_names[f], word) != 0)
			f++;
		if (f == GRID_FORMAT_COUNT) {
			err_suggest(hint, sizeof hint, word, grid_format_names);
			return err_set(e, ERR_USAGE, "unknown format '%s'%s", word, hint);
		}
		*formats |= 1U << f;
	}
	/* A report is known by its table of runs. */
	*formats |= 1U << GRID_csv;
	return 0;
}

static int write_all(struct output *o, struct err *e)
{
	int code = output_describe(o, e);
	if (!code)
		code = output_tables(o, e);
	if (!code)
		code = output_figures(o, e);
	if (!code)
		code = output_examples(o, e);
	return code ? code : output_page(o, e);
}

static int write_report(struct output *o, const char *out, struct err *e)
{
	int code = begin_folder(o, out, e);
	if (!code)
		code = write_all(o, e);
	if (!code)
		code = end_folder(o, out, e);
	if (code && *o->folder)
		remove_folder(o->folder, 1);
	buf_free(&o->provenance);
	buf_free(&o->footer);
	buf_free(&o->tables);
	buf_free(&o->examples);
	free(o->figure);
	return code;
}

/* For the shell. */
static void add_option(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	buf_addf(b, " --%s ", name);
	if (*value &&
	    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,-") == strlen(value)) {
		buf_add_text(b, value);
		return;
	}
	buf_add_byte(b, '\'');
	for (; *value; value++)
		if (*value == '\'')
			buf_add_text(b, "'\\''");
		else
			buf_add_byte(b, *value);
	buf_add_byte(b, '\'');
}

/* The options that a report depends on, as they were given. */
static void note_options(struct buf *b, const struct report_args *a)
{
	add_option(b, "db", a->db);
	add_option(b, "reference", a->reference);
	add_option(b, "format", a->format);
	add_option(b, "without", a->without);
}

static int make(const struct report_args *a, struct err *e)
{
	char place[4096];
	struct report r = {0};
	struct reference reference = {0};
	struct output o = {.report = &r, .reference = &reference};
	int code = parse_formats(&o.formats, a->format, e);
	note_options(&o.again, a);
	if (!code)
		code = find_place(place, a->out, e);
	if (!code)
		code = reference_read(&reference, a->reference, e);
	if (!code)
		code = report_open(&r, a->db, a->without, e);
	if (!code)
		code = write_report(&o, place, e);
	if (!code) {
		if (r.unfinished)
			log_warn("%d unfinished run%s left out", r.unfinished, r.unfinished == 1 ? " is" : "s are");
		log_info("%s/index.html: tasks %d, comparisons of rationales %d, figures %d", a->out, r.sections, r.studies,
		         o.figures);
	}
	report_close(&r);
	reference_free(&reference);
	buf_free(&o.again);
	return code;
}

static int report_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct report_args a = {0};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.db || !a.out || count)
		return err_set(e, ERR_USAGE, "report needs --db FILE and --out DIR");
	return make(&a, e);
}

const struct command report_command = {
	.name = "report",
	.summary = "tables, figures and a page out of a store",
	.usage = "--db FILE --out DIR [--format md,latex,csv,html] [--reference FILE]",
	.details = "DIR/index.html is a page without network access: key numbers, tables, figures, and a viewer of "
			   "examples. tables/ has the\n"
			   "tables in each format, plots/ the figures as SVG, PNG and PDF beside their gnuplot scripts and data, "
			   "examples/ the\n"
			   "words that the viewer loads. No model is run; numbers are the store's, tests and frontiers are "
			   "computed from its facts.\n"
			   "The same store gives the same bytes. A report is written beside DIR and renamed when it is whole.",
	.examples = "adapler report --db runs.db --out report\n"
				"adapler report --db runs.db --out report --reference data/reference/paper.json --format md,latex",
	.options = options,
	.run = report_run,
};
