/* adapler corpus */
#include "corpus.h"
#include "datasets.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS_MAX = 64 };

struct corpus_args {
	const char *data, *tasks, *out;
};

static const struct opt options[] = {
	{"data", 0, OPT_DIR, offsetof(struct corpus_args, data), "DIR", "holds the data sets: glue/SST-2, imdb, ...", 0, 0},
	{"tasks", 0, OPT_STRING, offsetof(struct corpus_args, tasks), "LIST", "tasks, comma-separated (all that are there)",
     0, 0},
	{"out", 'o', OPT_FILE, offsetof(struct corpus_args, out), "FILE", "the corpus (standard output)", 0, 0},
	{.kind = OPT_END},
};

struct job {
	const char *data;
	const struct task *task[TASKS_MAX];
	int tasks;
	struct corpus_count count[TASKS_MAX];
	struct corpus corpus;
	FILE *out;
};

static int hold_out_split(struct job *j, const struct task *t, enum split split, struct err *e)
{
	struct dataset d;
	if (!dataset_has(t->name, j->data, split))
		return 0;
	int code = dataset_open(&d, t->name, j->data, split, NULL, e);
	if (!code)
		code = corpus_hold_out(&j->corpus, &d, e);
	if (!code)
		log_info("%s %s: %d samples held out", t->name, split_name(split), d.count);
	dataset_close(&d);
	return code;
}

/* Of every data set that is there, asked for or not: the corpus may be used for any of them. */
static int hold_out_all(struct job *j, struct err *e)
{
	int code = 0;
	for (const struct task *const *t = task_list(); *t && !code; t++) {
		code = hold_out_split(j, *t, SPLIT_DEV, e);
		if (!code)
			code = hold_out_split(j, *t, SPLIT_TEST, e);
		if (!code && interrupt_pending())
			code = err_set(e, ERR_INTERRUPTED, "interrupted: nothing was written");
	}
	return code;
}

static int offer(struct job *j, int task, const char *text, size_t size, struct err *e)
{
	enum corpus_fate fate;
	struct corpus *c = &j->corpus;
	int code = corpus_offer(c, j->task[task]->name, text, size, &j->count[task], &fate, e);
	if (code || fate != CORPUS_KEPT)
		return code;
	if (fwrite(c->line.data, 1, c->line.size, j->out) != c->line.size || fputc('\n', j->out) == EOF)
		return err_set_errno(e, errno, "cannot write the corpus");
	return 0;
}

static int write_task(struct job *j, int task, struct err *e)
{
	struct dataset d;
	int code = dataset_open(&d, j->task[task]->name, j->data, SPLIT_TRAIN, NULL, e);
	if (!code && d.note[0])
		log_info("%s: %s", d.task->name, d.note);
	for (int i = 0; i < d.count && !code; i++) {
		const struct sample *s = &d.sample[i];
		code = offer(j, task, s->text, s->text_size, e);
		if (!code && s->pair)
			code = offer(j, task, s->pair, s->pair_size, e);
		if (!code && interrupt_pending())
			code = err_set(e, ERR_INTERRUPTED, "interrupted: the corpus was not finished");
	}
	dataset_close(&d);
	return code;
}

static void print_counts(const struct job *j, FILE *out)
{
	struct corpus_count sum = {{0}, 0};
	fprintf(out, "task");
	for (int f = 0; f < CORPUS_FATES; f++)
		fprintf(out, "\t%s", corpus_fate_name(f));
	fprintf(out, "\twords\n");
	for (int i = 0; i <= j->tasks; i++) {
		const struct corpus_count *c = i < j->tasks ? &j->count[i] : &sum;
		fprintf(out, "%s", i < j->tasks ? j->task[i]->name : "total");
		for (int f = 0; f < CORPUS_FATES; f++) {
			fprintf(out, "\t%lld", c->texts[f]);
			sum.texts[f] += i < j->tasks ? c->texts[f] : 0;
		}
		fprintf(out, "\t%lld\n", c->words);
		sum.words += i < j->tasks ? c->words : 0;
	}
}

static int add_task(struct job *j, const char *name, struct err *e)
{
	const struct task *t = task_find(name, e);
	if (!t)
		return ERR_USAGE;
	for (int i = 0; i < j->tasks; i++)
		if (j->task[i] == t)
			return err_set(e, ERR_USAGE, "task '%s' is named twice in --tasks", name);
	j->task[j->tasks++] = t;
	return 0;
}

static int choose_tasks(struct job *j, const char *list, struct err *e)
{
	int code = 0;
	for (const struct task *const *t = task_list(); *t && !list; t++)
		if (dataset_has((*t)->name, j->data, SPLIT_TRAIN))
			j->task[j->tasks++] = *t;
	while (list && !code) {
		char name[64];
		size_t size = strcspn(list, ",");
		snprintf(name, sizeof name, "%.*s", (int)(size < sizeof name ? size : sizeof name - 1), list);
		code = add_task(j, name, e);
		if (!list[size])
			break;
		list += size + 1;
	}
	if (!code && !j->tasks)
		code = err_set(e, ERR_FORMAT, "no data set with a train split in '%s'", j->data);
	return code;
}

static int make(struct job *j, struct err *e)
{
	int code = hold_out_all(j, e);
	for (int i = 0; i < j->tasks && !code; i++)
		code = write_task(j, i, e);
	return code;
}

static int make_file(struct job *j, const char *path, struct err *e)
{
	struct file_writer w;
	int code = file_writer_open(&w, path, e);
	if (code)
		return code;
	j->out = w.stream;
	code = make(j, e);
	if (!code)
		return file_writer_commit(&w, e);
	file_writer_abort(&w);
	return code;
}

static int corpus_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct corpus_args a = {0};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.data || count)
		return err_set(e, ERR_USAGE, "corpus needs --data DIR");
	struct job *j = calloc(1, sizeof *j);
	if (!j)
		return err_set(e, ERR_MEMORY, "out of memory");
	j->data = a.data;
	j->out = stdout;
	interrupt_install();
	code = choose_tasks(j, a.tasks, e);
	if (!code)
		code = a.out ? make_file(j, a.out, e) : make(j, e);
	if (!code)
		print_counts(j, a.out ? stdout : stderr);
	corpus_close(&j->corpus);
	free(j);
	return code;
}

const struct command corpus_command = {
	.name = "corpus",
	.summary = "gather training texts, with no dev or test text among them",
	.usage = "--data DIR [--tasks LIST] [--out FILE]",
	.details =
		"Writes the texts of the training splits, a document a line, for pretrain and vocab. Left out is what equals "
		"a\n"
		"dev or test text of any data set in DIR (letters and digits are compared, case aside), or has 13 words in a "
		"row\n"
		"in common with one, or holds one of 8 to 12 words as a whole; and duplicates. Dev splits carved from train "
		"are\n"
		"left out too. The counts are printed as a table: to standard output with --out, else to standard error.",
	.examples = "adapler corpus --data data --tasks sst2,imdb --out corpus.txt",
	.options = options,
	.run = corpus_run,
};
