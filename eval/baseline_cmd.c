/* adapler baseline */
#include "baseline.h"
#include "datasets.h"
#include "metrics.h"

#include "../engine/base/buf.h"
#include "../engine/base/clock.h"
#include "../engine/base/err.h"
#include "../engine/base/interrupt.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct baseline_args {
	const char *task, *data, *split;
	double l2;
	int least, limit, json;
};

static const struct opt options[] = {
	{"task", 't', OPT_STRING, offsetof(struct baseline_args, task), "TASK", "sst2, imdb ... or file:PATH", 0, 0},
	{"data", 0, OPT_DIR, offsetof(struct baseline_args, data), "DIR", "the data set's folder, or one above it", 0, 0},
	{"split", 0, OPT_STRING, offsetof(struct baseline_args, split), "SPLIT", "what is scored: dev or test (dev)", 0, 0},
	{"l2", 0, OPT_DOUBLE, offsetof(struct baseline_args, l2), "X", "strength of the regulariser (5e-6)", 0, 0},
	{"least", 0, OPT_INT, offsetof(struct baseline_args, least), "N", "samples a feature must occur in (2)", 1,
     1000000000},
	{"limit", 0, OPT_INT, offsetof(struct baseline_args, limit), "N", "learn from so many samples, drawn (all)", 0,
     1000000000},
	{"json", 0, OPT_FLAG, offsetof(struct baseline_args, json), NULL, "one JSON object a baseline", 0, 0},
	{.kind = OPT_END},
};

/* What was predicted for a split, in the form that metrics take. */
struct predictions {
	struct outcome outcome;
	int *gold, *pred;
	double *target, *probs; /* probs: the predicted values of a regression */
};

static int open_predictions(struct predictions *p, const struct dataset *d, struct err *e)
{
	size_t n = (size_t)d->count + 1, width = d->classes ? (size_t)d->classes : 1;
	p->gold = malloc(n * sizeof *p->gold);
	p->pred = malloc(n * sizeof *p->pred);
	p->target = malloc(n * sizeof *p->target);
	p->probs = malloc(n * width * sizeof *p->probs);
	if (!p->gold || !p->pred || !p->target || !p->probs)
		return err_set(e, ERR_MEMORY, "out of memory for %d predictions", d->count);
	for (int i = 0; i < d->count; i++) {
		p->gold[i] = d->sample[i].label;
		p->target[i] = d->sample[i].value;
	}
	p->outcome = (struct outcome){.n = d->count,
	                              .classes = d->classes,
	                              .gold = p->gold,
	                              .pred = p->pred,
	                              .target = p->target,
	                              .predicted = p->probs,
	                              .probs = d->classes ? p->probs : NULL};
	return 0;
}

static void close_predictions(struct predictions *p)
{
	free(p->gold);
	free(p->pred);
	free(p->target);
	free(p->probs);
}

static int best_of(const double *p, int n)
{
	int best = 0;
	for (int c = 1; c < n; c++)
		if (p[c] > p[best])
			best = c;
	return best;
}

static void predict_constant(struct predictions *p, const struct dataset *train)
{
	int majority = baseline_majority(train), classes = p->outcome.classes;
	double mean = baseline_mean(train);
	for (int i = 0; i < p->outcome.n; i++) {
		p->pred[i] = majority;
		for (int c = 0; c < classes; c++)
			p->probs[(size_t)i * (size_t)classes + (size_t)c] = c == majority;
		if (!classes)
			p->probs[i] = mean;
	}
}

static int predict_words(struct predictions *p, const struct baseline *b, const struct dataset *d, struct err *e)
{
	int code = baseline_predict(b, d, p->probs, e);
	for (int i = 0; i < d->count && d->classes && !code; i++)
		p->pred[i] = best_of(p->probs + (size_t)i * (size_t)d->classes, d->classes);
	return code;
}

static void print_json(const struct dataset *train, const struct dataset *d, const char *name, const struct baseline *b,
                       const struct outcome *o)
{
	struct buf out = {0};
	buf_addf(&out, "{\"task\":");
	buf_add_json_string(&out, d->task->name, strlen(d->task->name));
	buf_addf(&out, ",\"split\":\"%s\",\"baseline\":\"%s\",\"train\":%d,\"n\":%d", split_name(d->split), name,
	         train->count, d->count);
	if (b)
		buf_addf(&out, ",\"features\":%zu,\"iterations\":%d", baseline_features(b), baseline_iterations(b));
	for (const char *const *m = d->task->metrics; *m; m++) {
		buf_addf(&out, ",\"%s\":", *m);
		buf_add_json_double(&out, metric_find(*m, NULL)->compute(o));
	}
	buf_add_text(&out, "}\n");
	fwrite(out.data, 1, out.size, stdout);
	buf_free(&out);
}

static void print(const struct dataset *train, const struct dataset *d, const char *name, const struct baseline *b,
                  const struct outcome *o, int json)
{
	if (json) {
		print_json(train, d, name, b, o);
		return;
	}
	printf("%s\t%s\t%s", d->task->name, split_name(d->split), name);
	for (const char *const *m = d->task->metrics; *m; m++)
		printf("\t%s %.4f", *m, metric_find(*m, NULL)->compute(o));
	printf("\n");
}

static int score(const struct baseline_args *a, const struct dataset *train, const struct dataset *d, struct err *e)
{
	struct baseline *b = NULL;
	struct predictions p = {0};
	struct baseline_options o = {.l2 = a->l2, .least = a->least, .stop = interrupt_pending};
	int64_t start = clock_ns();
	int code = open_predictions(&p, d, e);
	if (!code) {
		predict_constant(&p, train);
		print(train, d, d->classes ? "majority" : "mean", NULL, &p.outcome, a->json);
		code = baseline_open(&b, train, &o, e);
	}
	if (!code)
		code = predict_words(&p, b, d, e);
	if (!code) {
		log_info("%zu features, %d iterations, %.1f s", baseline_features(b), baseline_iterations(b),
		         (double)(clock_ns() - start) * 1e-9);
		print(train, d, "words", b, &p.outcome, a->json);
	}
	baseline_close(b);
	close_predictions(&p);
	return code;
}

static int open_and_score(const struct baseline_args *a, enum split split, struct err *e)
{
	struct dataset train = {0}, d = {0};
	int code = dataset_open(&train, a->task, a->data, SPLIT_TRAIN, &(struct dataset_options){.limit = a->limit}, e);
	if (!code)
		code = dataset_open(&d, a->task, a->data, split, NULL, e);
	if (!code && d.labelled < d.count)
		code = err_set(e, ERR_FORMAT, "no labels to score against in the %s split of task '%s'", split_name(split),
		               a->task);
	if (!code && train.note[0])
		log_info("%s: %s", a->task, train.note);
	if (!code)
		code = score(a, &train, &d, e);
	dataset_close(&train);
	dataset_close(&d);
	return code;
}

static int baseline_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct baseline_args a = {.split = "dev"};
	enum split split;
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.task || (!a.data && strncmp(a.task, "file:", 5) != 0) || count)
		return err_set(e, ERR_USAGE, "baseline needs --task TASK and --data DIR");
	if ((code = split_parse(&split, a.split, e)))
		return code;
	if (split == SPLIT_TRAIN)
		return err_set(e, ERR_USAGE, "baselines learn from train: --split is dev or test");
	interrupt_install();
	return open_and_score(&a, split, e);
}

const struct command baseline_command = {
	.name = "baseline",
	.summary = "score the majority class and a bag of words",
	.usage = "--task TASK --data DIR [--split dev|test] [OPTION...]",
	.details =
		"What a model must beat. `majority` is the most frequent class of train, `words` logistic regression on words\n"
		"and pairs of neighbouring words (idf, rows of length 1, L2). For regression: the mean, and least squares.\n"
		"Both are deterministic. Metrics are the task's, the main one first.",
	.examples = "adapler baseline --task sst2 --data glue\n"
				"adapler baseline --task file::text=review,label=stars,train=a.csv,dev=b.csv --json",
	.options = options,
	.run = baseline_run,
};
