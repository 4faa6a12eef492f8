#include "datasets.h"

#include "reader.h"

#include "../engine/base/err.h"
#include "../engine/base/rng.h"
#include "../engine/base/sha256.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, FILES_MAX = 2 };

/* ---- splits ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum split split;
} split_names[] = {
	{"train", SPLIT_TRAIN}, {"dev", SPLIT_DEV}, {"test", SPLIT_TEST}, {"val", SPLIT_DEV}, {"validation", SPLIT_DEV},
};

int split_parse(enum split *split, const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof split_names / sizeof split_names[0]; i++)
		if (!strcmp(split_names[i].name, name)) {
			*split = split_names[i].split;
			return 0;
		}
	return err_set(e, ERR_USAGE, "unknown split '%.80s' (known: train, dev, test)", name);
}

const char *split_name(enum split split) { return split_names[split].name; }

/* ---- where a task's files lie ---------------------------------------------------------------------------------- */

struct place {
	const struct layout *layout;
	char folder[PATH_SIZE];
};

struct choice {
	int count;       /* files to read, one after the other */
	int alternative; /* 0: as published first */
	char path[FILES_MAX][PATH_SIZE];
	char name[FILES_MAX][256];
};

/* The names of one alternative, "a" or "a+b"; 0 unless the first is there. */
static int choose_from(struct choice *c, const char *folder, const char *names, size_t size)
{
	for (c->count = 0; size && c->count < FILES_MAX;) {
		const char *plus = memchr(names, '+', size);
		size_t n = plus ? (size_t)(plus - names) : size;
		snprintf(c->name[c->count], sizeof c->name[0], "%.*s", (int)n, names);
		if (file_join(c->path[c->count], PATH_SIZE, folder, c->name[c->count], NULL))
			return 0;
		if (file_exists(c->path[c->count]))
			c->count++;
		else if (!c->count)
			return 0;
		names += plus ? n + 1 : n;
		size -= plus ? n + 1 : n;
	}
	return c->count > 0;
}

static int choose_literal(struct choice *c, const char *folder, const char *name)
{
	c->count = 1;
	snprintf(c->name[0], sizeof c->name[0], "%s", name);
	if (file_join(c->path[0], PATH_SIZE, name[0] == '/' ? "" : folder, name, NULL))
		return 0;
	return file_exists(c->path[0]);
}

static int choose(struct choice *c, const struct layout *l, const char *folder, enum split split)
{
	const char *names = l->files[split];
	*c = (struct choice){0};
	if (!names)
		return 0;
	if (l->is_literal)
		return choose_literal(c, folder, names);
	for (;; c->alternative++) {
		size_t size = strcspn(names, "|");
		if (choose_from(c, folder, names, size))
			return 1;
		if (!names[size])
			return 0;
		names += size + 1;
	}
}

/* Whether the folder is of this layout: by its train or dev files, or (`any`) by its test file alone. */
static int is_of(const struct layout *l, const char *folder, int any)
{
	struct choice c;
	return choose(&c, l, folder, SPLIT_TRAIN) || choose(&c, l, folder, SPLIT_DEV) ||
	       (any && choose(&c, l, folder, SPLIT_TEST));
}

static int try_folder(struct place *p, const struct task *t, const char *folder)
{
	snprintf(p->folder, sizeof p->folder, "%s", folder);
	for (int any = 0; any < 2; any++)
		for (p->layout = t->layouts; p->layout->read; p->layout++)
			if (is_of(p->layout, folder, any))
				return 1;
	return 0;
}

/* The tails of "glue/SST-2", shortest first: "", "SST-2", "glue/SST-2". */
static const char *tail(const char *name, const char *from)
{
	if (from == name)
		return NULL;
	for (from -= *from != '\0'; from > name && from[-1] != '/'; from--)
		;
	return from;
}

static int locate(struct place *p, const struct task *t, const char *path, struct err *e)
{
	const char *name = t->layouts->folder;
	char folder[PATH_SIZE];
	for (const char *from = name + strlen(name); from; from = tail(name, from)) {
		if (*from && file_join(folder, sizeof folder, path, from, e))
			return ERR_LIMIT;
		if (try_folder(p, t, *from ? folder : path))
			return 0;
	}
	if (!file_exists(path))
		return err_set(e, ERR_IO, "no folder '%s'", path);
	return err_set(e, ERR_FORMAT, "no data of task '%s' in '%s', nor in '%s' below it: expected %s", t->name, path,
	               name, t->layouts->files[SPLIT_TRAIN]);
}

/* ---- what is drawn --------------------------------------------------------------------------------------------- */

/* Marks k of n without replacement (Fisher and Yates). */
static unsigned char *draw(int n, int k, uint64_t seed, const char *use, struct err *e)
{
	unsigned char *mark = calloc((size_t)n + 1, 1);
	int *order = malloc(((size_t)n + 1) * sizeof *order);
	if (!mark || !order) {
		err_set(e, ERR_MEMORY, "out of memory for %d samples", n);
		free(mark);
		free(order);
		return NULL;
	}
	for (int i = 0; i < n; i++)
		order[i] = i;
	for (int i = 0; i < k; i++) {
		int j = i + (int)rng_below(seed, rng_stream(use), (uint64_t)i, (uint32_t)(n - i));
		mark[order[j]] = 1;
		order[j] = order[i];
	}
	free(order);
	return mark;
}

static int keep_drawn(struct dataset *d, int k, int wanted, uint64_t seed, const char *use, struct err *e)
{
	unsigned char *mark = draw(d->count, k, seed, use, e);
	if (!mark)
		return ERR_MEMORY;
	int kept = 0;
	for (int i = 0; i < d->count; i++)
		if (mark[i] == wanted)
			d->sample[kept++] = d->sample[i];
	d->count = kept;
	free(mark);
	return 0;
}

/* d holds train; afterwards it holds the dev split, or train without it. Never more than a third goes to dev. */
static int carve(struct dataset *d, const struct layout *l, enum split split, uint64_t seed, struct err *e)
{
	int n = d->count, k = l->carve < n / 3 ? l->carve : n / 3;
	if (!k)
		return err_set(e, ERR_FORMAT, "too few rows in train to carve a dev split from: %d", n);
	dataset_note(d, "dev is %d of the %d rows of train, drawn with seed %llu", k, n, (unsigned long long)seed);
	return keep_drawn(d, k, split == SPLIT_DEV, seed, "carve dev from train", e);
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

static int read_files(struct dataset *d, const struct place *p, enum split split, const struct choice *c, struct err *e)
{
	int code = 0;
	for (int i = 0; i < c->count && !code; i++)
		code = p->layout->read(d, &(struct source){p->layout, split, p->folder, c->path[i]}, e);
	if (!code && c->alternative)
		dataset_note(d, "%s is '%s'%s%s%s, as there is no '%.*s'", split_name(split), c->name[0],
		             c->count > 1 ? " and '" : "", c->count > 1 ? c->name[1] : "", c->count > 1 ? "'" : "",
		             (int)strcspn(p->layout->files[split], "|"), p->layout->files[split]);
	return code;
}

static int read_split(struct dataset *d, const struct place *p, uint64_t seed, struct err *e)
{
	struct choice c;
	int is_carved = p->layout->carve && !p->layout->files[SPLIT_DEV];
	enum split from = is_carved && d->split == SPLIT_DEV ? SPLIT_TRAIN : d->split;
	if (!p->layout->files[from] && !strncmp(d->task->name, "file:", 5))
		return err_set(e, ERR_USAGE, "no %s split of task '%s': give %s=FILE", split_name(from), d->task->name,
		               split_name(from));
	if (!choose(&c, p->layout, p->folder, from))
		return err_set(e, ERR_FORMAT, "no %s split of task '%s' in '%s': no '%s'", split_name(from), d->task->name,
		               p->folder, p->layout->files[from] ? p->layout->files[from] : split_name(from));
	int code = read_files(d, p, from, &c, e);
	if (!code && is_carved && d->split != SPLIT_TEST)
		code = carve(d, p->layout, d->split, seed, e);
	return code;
}

static int find_task(struct dataset *d, const char *task, const char *path, struct err *e)
{
	if (!strncmp(task, "file:", 5)) {
		int code = file_task(d, task, path, e);
		if (code)
			return code;
	} else {
		d->task = task_find(task, e);
	}
	if (!d->task)
		return ERR_USAGE;
	d->labels = d->task->labels;
	for (d->classes = 0; d->labels && d->labels[d->classes];)
		d->classes++;
	return 0;
}

static int open_split(struct dataset *d, const char *task, const char *path, const struct dataset_options *o,
                      struct err *e)
{
	struct place p = {0};
	int code = find_task(d, task, path ? path : ".", e);
	if (!code && !path && strncmp(task, "file:", 5) != 0)
		code = err_set(e, ERR_USAGE, "no folder of data given for task '%s'", task);
	if (!code)
		code = locate(&p, d->task, path ? path : ".", e);
	if (!code)
		code = read_split(d, &p, o->seed, e);
	if (!code && o->limit && o->limit < d->count)
		code = keep_drawn(d, o->limit, 1, o->seed, "limit", e);
	for (int i = 0; i < d->count && !code; i++)
		d->labelled += d->sample[i].label >= 0 || !isnan(d->sample[i].value);
	return code;
}

int dataset_open(struct dataset *d, const char *task, const char *path, enum split split,
                 const struct dataset_options *o, struct err *e)
{
	*d = (struct dataset){.split = split};
	d->memory = calloc(1, sizeof *d->memory);
	if (!d->memory)
		return err_set(e, ERR_MEMORY, "out of memory for a data set");
	int code = open_split(d, task, path, o ? o : &(struct dataset_options){0}, e);
	if (code)
		dataset_close(d);
	return code;
}

void dataset_close(struct dataset *d)
{
	if (d->memory) {
		for (int i = 0; i < d->memory->map_count; i++)
			file_map_close(&d->memory->maps[i]);
		free(d->memory->maps);
		texts_free(&d->memory->texts);
	}
	free(d->memory);
	free(d->files);
	free(d->sample);
	*d = (struct dataset){0};
}

int dataset_has(const char *task, const char *path, enum split split)
{
	struct place p = {0};
	struct choice c;
	const struct task *t = task_find(task, NULL);
	if (!t || locate(&p, t, path, NULL))
		return 0;
	if (split == SPLIT_DEV && p.layout->carve && !p.layout->files[SPLIT_DEV])
		split = SPLIT_TRAIN;
	return choose(&c, p.layout, p.folder, split);
}

/* ---- the sum --------------------------------------------------------------------------------------------------- */

static void add_number(struct sha256 *h, uint64_t value)
{
	unsigned char bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
	sha256_add(h, bytes, sizeof bytes);
}

int dataset_check_labelled(const struct dataset *d, struct err *e)
{
	if (d->labelled == d->count)
		return 0;
	return err_set(e, ERR_USAGE, "%s %s has %d samples without a label", d->task->name, split_name(d->split),
	               d->count - d->labelled);
}

void dataset_sha(const struct dataset *d, char hex[65])
{
	struct sha256 h;
	sha256_init(&h);
	for (int i = 0; i < d->count; i++) {
		const struct sample *s = &d->sample[i];
		uint64_t value = 0;
		if (!d->classes && !isnan(s->value))
			memcpy(&value, &s->value, sizeof value);
		add_number(&h, s->text_size);
		sha256_add(&h, s->text, s->text_size);
		add_number(&h, s->pair ? s->pair_size : UINT64_MAX);
		if (s->pair)
			sha256_add(&h, s->pair, s->pair_size);
		add_number(&h, d->classes || isnan(s->value) ? (uint64_t)(int64_t)s->label : value);
	}
	sha256_end(&h, hex);
}
