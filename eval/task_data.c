#include "task_data.h"

#include "../engine/base/err.h"
#include "../engine/base/log.h"

#include <stdlib.h>
#include <string.h>

int task_split_open(struct task_split *s, const char *task, const char *data, enum split split, int limit,
                    const struct tokenizer *t, int max_length, struct err *e)
{
	const struct dataset_options o = {.limit = limit};
	memset(s, 0, sizeof *s);
	int code = dataset_open(&s->rows, task, data, split, &o, e);
	if (code)
		return code;
	code = encoded_open(&s->texts, &s->rows, t, max_length, e);
	if (code) {
		dataset_close(&s->rows);
		return code;
	}
	dataset_sha(&s->rows, s->sha);
	encoded_sha(&s->texts, s->token_sha);
	log_info("%s %s: %d samples, %lld tokens, longest %d%s%s", s->rows.task->name, split_name(split), s->texts.count,
	         (long long)s->texts.tokens, s->texts.longest, *s->rows.note ? "; " : "", s->rows.note);
	if (s->texts.truncated)
		log_info("%d samples are cut to %d tokens", s->texts.truncated, max_length);
	return 0;
}

void task_split_close(struct task_split *s)
{
	encoded_close(&s->texts);
	dataset_close(&s->rows);
}

int task_split_check_labels(const struct task_split *s, struct err *e)
{
	const struct dataset *d = &s->rows;
	int code = dataset_check_labelled(d, e);
	if (code)
		return code;
	int *counts = calloc((size_t)d->classes + 1, sizeof *counts);
	if (!counts)
		return err_set(e, ERR_MEMORY, "out of memory for %d classes", d->classes);
	for (int i = 0; i < d->count && d->classes; i++)
		counts[d->sample[i].label]++;
	for (int c = 0; c < d->classes && !code; c++)
		if (!counts[c])
			code = err_set(e, ERR_FORMAT, "class '%s' of %s has no sample in %s", d->labels[c], d->task->name,
			               split_name(d->split));
	free(counts);
	return code;
}
