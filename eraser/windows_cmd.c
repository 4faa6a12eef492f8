/* adapler windows: an ERASER data set of long documents as one of windows, to train a model on. */
#include "instances.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"
#include "../eval/encoded.h"

#include <stdio.h>
#include <string.h>

struct windows_args {
	const char *model, *data, *out;
	int max_length, query, lenient, windows;
};

static const struct opt options[] = {
	{"model", 'm', OPT_STRING, offsetof(struct windows_args, model), "DIR", "whose vocabulary counts", 0, 0},
	{"data", 0, OPT_DIR, offsetof(struct windows_args, data), "DIR", "an ERASER data set", 0, 0},
	{"out", 'o', OPT_DIR, offsetof(struct windows_args, out), "DIR", "the folder to write", 0, 0},
	{"max-length", 0, OPT_INT, offsetof(struct windows_args, max_length), "N", "tokens of a window (the model's)", 4,
     1 << 20},
	{"query", 0, OPT_CHOICE, offsetof(struct windows_args, query), INSTANCE_QUERIES,
     "room for the query as second text (auto: when a split asks more than one)", 0, 0},
	{"windows", 0, OPT_CHOICE, offsetof(struct windows_args, windows), "all|adapler",
     "adapler: without those that have no rationale", 0, 0},
	{"lenient", 0, OPT_FLAG, offsetof(struct windows_args, lenient), NULL, "mend evidence that does not fit", 0, 0},
	{.kind = OPT_END},
};

struct windows_job {
	const struct windows_args *args;
	struct tokenizer *tokenizer;
	int max_length;
	struct file_writer documents, annotations;
	struct buf line;
	int written, dropped;
};

/* Where the word begins that `skip` others come before. */
static const char *word(const char *from, int skip)
{
	for (; skip; skip--)
		from = strchr(from, ' ') + 1;
	return from;
}

/* Sentence by sentence, as docs.jsonl has them. Tokens hold no space, so that words can be counted by them. */
static void add_text(struct buf *b, const struct instance *x, const struct window *w)
{
	struct buf text = {0};
	const char *at = word(x->words, w->first);
	for (int t = w->first, s = 0; t < w->last; t++) {
		const size_t n = strcspn(at, " ");
		while (s < x->sentences && x->sentence[s + 1] <= t)
			s++;
		if (t > w->first)
			buf_add_byte(&text, x->sentence[s] == t ? '\n' : ' ');
		buf_add(&text, at, n);
		at += n + 1;
	}
	buf_add_json_string(b, text.data ? text.data : "", text.size);
	b->failed |= text.failed;
	buf_free(&text);
}

static int write_line(struct buf *b, struct file_writer *w, struct err *e)
{
	buf_add_byte(b, '\n');
	int code = buf_check(b, e);
	if (!code)
		code = file_writer_write(w, b->data, b->size, e);
	buf_reset(b);
	return code;
}

static int write_document(struct windows_job *j, const struct instance *x, const struct window *w, const char *id,
                          struct err *e)
{
	buf_add_text(&j->line, "{\"docid\":");
	buf_add_json_string(&j->line, id, strlen(id));
	buf_add_text(&j->line, ",\"document\":");
	add_text(&j->line, x, w);
	buf_add_byte(&j->line, '}');
	return write_line(&j->line, &j->documents, e);
}

static void add_evidences(struct buf *b, const struct instance *x, const struct window *w, const char *id)
{
	int count = 0;
	for (int t = w->first, end; t < w->last; t = end) {
		for (end = t + 1; end < w->last && x->rationale[end] == x->rationale[t]; end++)
			;
		if (!x->rationale[t])
			continue;
		buf_add_text(b, count++ ? ",{\"docid\":" : "{\"docid\":");
		buf_add_json_string(b, id, strlen(id));
		buf_addf(b, ",\"start_token\":%d,\"end_token\":%d}", t - w->first, end - w->first);
	}
}

static int write_annotation(struct windows_job *j, const struct instance *x, const struct window *w, const char *id,
                            struct err *e)
{
	struct buf *b = &j->line;
	buf_add_text(b, "{\"annotation_id\":");
	buf_add_json_string(b, id, strlen(id));
	buf_add_text(b, ",\"docids\":[");
	buf_add_json_string(b, id, strlen(id));
	buf_add_text(b, "],\"query\":");
	buf_add_json_string(b, x->annotation->query ? x->annotation->query : "",
	                    strlen(x->annotation->query ? x->annotation->query : ""));
	buf_add_text(b, ",\"classification\":");
	buf_add_json_string(b, x->annotation->label, strlen(x->annotation->label));
	buf_add_text(b, ",\"evidences\":[[");
	add_evidences(b, x, w, id);
	buf_add_text(b, "]]}");
	return write_line(b, &j->annotations, e);
}

static int has_rationale(const struct instance *x, const struct window *w)
{
	return memchr(x->rationale + w->first, 1, (size_t)(w->last - w->first)) != NULL;
}

static int write_windows(struct windows_job *j, const struct instance *x, const struct instances *all, struct err *e)
{
	int code = 0;
	if (!x->annotation->label)
		return err_set(e, ERR_FORMAT, "field 'classification' must be a text in '%s' line %d", all->annotations.path,
		               x->annotation->line);
	for (int i = 0; i < x->windows.count && !code; i++) {
		char id[1024];
		const struct window *w = &x->windows.item[i];
		const char *of = x->annotation->docid_count > 1 ? x->docid : "";
		snprintf(id, sizeof id, "%.400s%s%.400s.w%d", x->annotation->id, of[0] ? "." : "", of, i + 1);
		if (j->args->windows == 1 && !has_rationale(x, w)) {
			j->dropped++;
			continue;
		}
		code = write_document(j, x, w, id, e);
		if (!code)
			code = write_annotation(j, x, w, id, e);
		j->written++;
	}
	return code;
}

static int write_split(struct windows_job *j, const char *split, struct err *e)
{
	char path[4096];
	struct instances all = {0};
	const struct instances_options o = {
		.max_length = j->max_length, .query = (enum instance_query)j->args->query, .is_lenient = j->args->lenient};
	int cut = 0, code = instances_open(&all, j->args->data, split, j->tokenizer, &o, e);
	j->written = j->dropped = 0;
	if (!code)
		code = file_join(path, sizeof path, j->args->out, split, e);
	if (!code)
		code = (strcat(path, ".jsonl"), file_writer_open(&j->annotations, path, e));
	for (int i = 0; i < all.count && !code; i++) {
		struct instance x;
		code = instance_open(&x, &all, i, e);
		if (code)
			break;
		code = write_windows(j, &x, &all, e);
		cut += x.windows.cut_rationales;
		instance_close(&x);
	}
	if (!code)
		code = file_writer_commit(&j->annotations, e);
	else
		file_writer_abort(&j->annotations);
	if (!code)
		log_info("%s: %d windows of %d instances; %d dropped, %d rationales longer than a window, %d faults mended",
		         split, j->written, all.count, j->dropped, cut, all.faults);
	instances_close(&all);
	return code;
}

static int write_splits(struct windows_job *j, struct err *e)
{
	static const char *const splits[] = {"train", "train_subset", "val", "test"};
	char path[4096], name[64];
	int code = file_make_directories(j->args->out, e), found = 0;
	if (!code)
		code = file_join(path, sizeof path, j->args->out, "docs.jsonl", e);
	if (!code)
		code = file_writer_open(&j->documents, path, e);
	if (code)
		return code;
	for (size_t i = 0; i < sizeof splits / sizeof splits[0] && !code; i++) {
		snprintf(name, sizeof name, "%s.jsonl", splits[i]);
		code = file_join(path, sizeof path, j->args->data, name, e);
		if (!code && file_exists(path)) {
			code = write_split(j, splits[i], e);
			found++;
		}
	}
	if (!code && !found)
		code = err_set(e, ERR_USAGE, "no train.jsonl, val.jsonl or test.jsonl in '%s'", j->args->data);
	if (!code)
		return file_writer_commit(&j->documents, e);
	file_writer_abort(&j->documents);
	return code;
}

static int windows_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct windows_args a = {0};
	struct windows_job j = {.args = &a};
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.model || !a.data || !a.out || count)
		return err_set(e, ERR_USAGE, "windows needs --model DIR, --data DIR and --out DIR");
	code = encoded_max_length(&j.max_length, a.model, a.max_length, e);
	if (!code)
		code = tokenizer_open(&j.tokenizer, a.model, e);
	if (!code)
		code = write_splits(&j, e);
	tokenizer_close(j.tokenizer);
	buf_free(&j.line);
	return code;
}

const struct command windows_command = {
	.name = "windows",
	.summary = "cut an ERASER data set of long documents into windows, to train on",
	.usage = "--model DIR --data DIR --out DIR [--max-length N]",
	.details = "Writes an ERASER data set whose documents are windows that the model takes whole, with the label of "
			   "the document\n"
			   "and the evidence that falls into it. A window ends before a rationale rather than within it.",
	.examples = "adapler windows --model data/models/adapler-mini --data movies --out movies-windows\n"
				"adapler finetune --model data/models/adapler-mini --task movies --data movies-windows --out dense",
	.options = options,
	.run = windows_run,
};
