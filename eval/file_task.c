/* Tasks of the user's own files: file:PATH[:OPTION=VALUE,...]. */
#include "reader.h"

#include "../engine/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_MAX = 1000, CARVE_ROWS = 2000 };

enum { KEY_TEXT, KEY_PAIR, KEY_LABEL, KEY_VALUE, KEY_LABELS, KEY_TRAIN, KEY_DEV, KEY_TEST, KEYS };

static const char *const keys[] = {"text", "text_pair", "label", "value", "labels", "train", "dev", "test", NULL};

/* All that a task points to, in one piece. */
struct own_task {
	struct task task;
	struct layout layouts[2];
	const char *labels[LABELS_MAX + 1];
	const char *metrics[3];
	int label_count;
	int labelled_files; /* that have the column of labels */
	char *value[KEYS];
};

/* ---- the specification ----------------------------------------------------------------------------------------- */

static int find_key(const char *text, size_t size)
{
	for (int i = 0; i < KEYS; i++)
		if (strlen(keys[i]) == size && !memcmp(keys[i], text, size))
			return i;
	return -1;
}

/* Where the options begin: the first ':' before a known "key=", as paths may hold colons. */
static const char *find_options(const char *path)
{
	for (const char *at = strchr(path, ':'); at; at = strchr(at + 1, ':'))
		if (at[1 + strcspn(at + 1, "=,:/")] == '=')
			return at;
	return path + strlen(path);
}

static int parse_option(struct own_task *own, struct dataset *d, const char *text, size_t size, struct err *e)
{
	size_t name = strcspn(text, "=");
	int key = name < size ? find_key(text, name) : -1;
	if (key < 0) {
		char unknown[80], hint[400];
		snprintf(unknown, sizeof unknown, "%.*s", (int)(name < size ? name : size), text);
		err_suggest(hint, sizeof hint, unknown, keys);
		return err_set(e, ERR_USAGE, "unknown option '%s' of a task file:...%s", unknown, hint);
	}
	if (own->value[key])
		return err_set(e, ERR_USAGE, "option '%s' of a task file:... given twice", keys[key]);
	if (name + 1 == size)
		return err_set(e, ERR_USAGE, "nothing in option '%s' of a task file:...", keys[key]);
	own->value[key] = texts_copy(&d->memory->texts, text + name + 1, size - name - 1, e);
	return own->value[key] ? 0 : ERR_MEMORY;
}

static int parse_options(struct own_task *own, struct dataset *d, const char *text, struct err *e)
{
	int code = 0;
	while (*text && !code) {
		size_t size = strcspn(text + 1, ",");
		code = parse_option(own, d, text + 1, size, e);
		text += size + 1;
	}
	if (!code && own->value[KEY_LABEL] && own->value[KEY_VALUE])
		code = err_set(e, ERR_USAGE, "a task file:... has label= or value=, not both");
	return code;
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

static int file_format(const char *path, enum table_format *format, struct err *e)
{
	static const struct {
		const char *ending;
		enum table_format format;
	} endings[] = {{".tsv", TABLE_TSV}, {".csv", TABLE_CSV}, {".jsonl", TABLE_JSONL}, {".ndjson", TABLE_JSONL}};
	const char *dot = strrchr(path, '.');
	for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
		if (!strcmp(dot, endings[i].ending)) {
			*format = endings[i].format;
			return 0;
		}
	return err_set(e, ERR_USAGE, "expected a name that ends in .csv, .tsv or .jsonl: '%.200s'", path);
}

static int check_formats(struct layout *l, struct err *e)
{
	int known = 0;
	for (int i = 0; i < SPLIT_COUNT; i++) {
		enum table_format format = l->format;
		if (!l->files[i])
			continue;
		int code = file_format(l->files[i], &format, e);
		if (code)
			return code;
		if (known++ && format != l->format)
			return err_set(e, ERR_USAGE, "files of one task must be of one format: '%.200s' is of another",
			               l->files[i]);
		l->format = format;
	}
	return known ? 0 : err_set(e, ERR_USAGE, "no file in the task: file:PATH, or file::train=PATH,dev=PATH");
}

/* ---- labels ---------------------------------------------------------------------------------------------------- */

static int add_label(struct own_task *own, struct dataset *d, struct span text, const struct table *t, struct err *e)
{
	int at = 0;
	for (; at < own->label_count; at++)
		if (strlen(own->labels[at]) == text.size && !memcmp(own->labels[at], text.bytes, text.size))
			return 0;
	if (!text.size)
		return err_set(e, ERR_FORMAT, "field '%s' is empty in '%s' line %d", own->layouts[0].label, t->path, t->line);
	if (at == LABELS_MAX)
		return err_set(e, ERR_LIMIT,
		               "more than %d labels in '%s' line %d: a regression's column is given as value=", LABELS_MAX,
		               t->path, t->line);
	own->labels[at] = texts_copy(&d->memory->texts, text.bytes, text.size, e);
	own->label_count++;
	return own->labels[at] ? 0 : ERR_MEMORY;
}

static int scan_file(struct own_task *own, struct dataset *d, const char *root, const char *name, struct err *e)
{
	char path[4096];
	struct span bytes;
	struct table t;
	int more = 1, code = file_join(path, sizeof path, name[0] == '/' ? "" : root, name, e);
	if (!code)
		code = dataset_map(d, path, &bytes, e);
	if (!code)
		code = table_open(&t, own->layouts[0].format, path, bytes.bytes, bytes.size, NULL, &d->memory->texts, e);
	int column = code ? -1 : table_column(&t, own->layouts[0].label, e);
	own->labelled_files += column >= 0;
	while (!code && column >= 0 && !(code = table_next(&t, &more, e)) && more)
		if (t.field[column].bytes)
			code = add_label(own, d, t.field[column], &t, e);
	return code;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Every file of the task is looked at, so that a class has one number in all splits. */
static int scan_labels(struct own_task *own, struct dataset *d, const char *root, struct err *e)
{
	const char *const *files = own->layouts[0].files;
	int code = 0;
	for (int i = 0; i < SPLIT_COUNT && !code; i++)
		if (files[i] && (i == 0 || files[i] != files[i - 1]))
			code = scan_file(own, d, root, files[i], e);
	if (code)
		return code;
	qsort(own->labels, (size_t)own->label_count, sizeof *own->labels, by_text);
	return 0;
}

static int given_labels(struct own_task *own, struct dataset *d, const char *list, struct err *e)
{
	const struct table nowhere = {.path = "labels=", .line = 1};
	int code = 0;
	for (size_t size; !code; list += size + 1) {
		int before = own->label_count;
		size = strcspn(list, "|");
		code = add_label(own, d, (struct span){list, size}, &nowhere, e);
		if (!code && own->label_count == before)
			code = err_set(e, ERR_USAGE, "label '%.*s' is there twice in labels=", (int)size, list);
		if (!list[size])
			break;
	}
	return code;
}

static int set_labels(struct own_task *own, struct dataset *d, const char *root, struct err *e)
{
	const char *list = own->value[KEY_LABELS];
	int code = list ? given_labels(own, d, list, e) : scan_labels(own, d, root, e);
	if (!code && !list && !own->labelled_files)
		return err_set(e, ERR_FORMAT, "no file of task '%.200s' has a column '%s': give label=COLUMN, or value=COLUMN",
		               own->task.name, own->layouts[0].label);
	if (!code && own->label_count < 2)
		code = err_set(e, ERR_FORMAT, "%s in column '%s': give the classes as labels=a|b",
		               own->label_count ? "only one label" : "no labels", own->layouts[0].label);
	own->task.labels = own->task.spelled = own->labels;
	return code;
}

/* ---- all together ---------------------------------------------------------------------------------------------- */

static void set_layout(struct own_task *own, const char *path)
{
	char **v = own->value;
	int separate = v[KEY_TRAIN] != NULL;
	const char *other = *path ? path : NULL;
	own->layouts[0] = (struct layout){
		.folder = "",
		.read = read_table,
		.files = {v[KEY_TRAIN], v[KEY_DEV] ? v[KEY_DEV] : other, v[KEY_TEST] ? v[KEY_TEST] : other},
		.carve = separate && !v[KEY_DEV] && !other ? CARVE_ROWS : 0,
		.is_literal = 1,
		.text = v[KEY_TEXT] ? v[KEY_TEXT] : "text",
		.pair = v[KEY_PAIR],
		.label = v[KEY_VALUE]   ? v[KEY_VALUE]
	             : v[KEY_LABEL] ? v[KEY_LABEL]
	                            : "label",
		.label_required = v[KEY_VALUE] || v[KEY_LABEL],
	};
}

static void set_metrics(struct own_task *own)
{
	int is_regression = own->value[KEY_VALUE] != NULL;
	own->metrics[0] = is_regression ? "pearson" : "accuracy";
	own->metrics[1] = is_regression ? "spearman" : own->label_count == 2 ? "f1" : "f1-macro";
	own->task.metrics = own->metrics;
}

int file_task(struct dataset *d, const char *spec, const char *root, struct err *e)
{
	struct own_task *own = texts_take(&d->memory->texts, sizeof *own, e);
	if (!own)
		return ERR_MEMORY;
	*own = (struct own_task){0};
	const char *from = spec + strlen("file:"), *options = find_options(from);
	char *path = texts_copy(&d->memory->texts, from, (size_t)(options - from), e);
	own->task.name = own->task.title = texts_copy(&d->memory->texts, spec, strlen(spec), e);
	if (!path || !own->task.name)
		return ERR_MEMORY;
	int code = parse_options(own, d, options, e);
	if (code)
		return code;
	set_layout(own, path);
	own->task.is_pair = own->value[KEY_PAIR] != NULL;
	own->task.layouts = own->layouts;
	code = check_formats(&own->layouts[0], e);
	if (!code && !own->value[KEY_VALUE])
		code = set_labels(own, d, root, e);
	set_metrics(own);
	d->task = &own->task;
	return code;
}
