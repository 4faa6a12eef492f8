#include "submission.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/file.h"

#include <math.h>
#include <stdio.h>

int submission_check(const struct task *t, struct err *e)
{
	if (t->submission)
		return 0;
	return err_set(e, ERR_USAGE, "task '%s' is not one of GLUE's: it has no form of submission", t->name);
}

/* STS-B's scores are from 0 to 5. */
static void add_prediction(struct buf *b, const struct dataset *d, const struct facts *f, int i)
{
	if (d->classes)
		buf_addf(b, "%d\t%s\n", i, d->task->spelled[f->pred[i]]);
	else
		buf_addf(b, "%d\t%.3f\n", i, fmin(fmax(facts_predicted(f, i), 0), 5));
}

int submission_write(const char *path, const struct dataset *d, const struct facts *f, struct err *e)
{
	struct buf b = {0};
	char name[64], inside[4096];
	int code = submission_check(d->task, e);
	if (!code && f->n != d->count)
		code = err_set(e, ERR_USAGE, "a submission is of all %d samples, not of %d", d->count, f->n);
	if (code)
		return code;
	buf_add_text(&b, "index\tprediction\n");
	for (int i = 0; i < f->n; i++)
		add_prediction(&b, d, f, i);
	code = buf_check(&b, e);
	if (!code && file_is_directory(path)) {
		snprintf(name, sizeof name, "%s.tsv", d->task->submission);
		code = file_join(inside, sizeof inside, path, name, e);
		path = inside;
	}
	if (!code)
		code = file_write_atomic(path, b.data, b.size, e);
	buf_free(&b);
	return code;
}
