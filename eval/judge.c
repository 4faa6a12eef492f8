#include "judge.h"

#include "../engine/base/clock.h"
#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_DEFAULT = 32 };

struct judging {
	const struct config *c;
	const struct encoded *data;
	struct policy policy, dense;
	struct session *session;
	int batch, is_regression;
	int *start, *ids, *type_ids; /* of the batch in hand */
	int *gold, *pred;            /* [n] */
	double *target, *predicted;  /* [n] */
	double *probs;               /* [n,C] */
	int64_t flops, flops_dense, rows[JUDGE_LAYERS_MAX];
	double loss;
	struct judgement *out;
};

/* Names may be others (LABEL_0 ...), but those that are the same must be the same classes. */
static int check_order(const struct dataset *d, const struct config *c, struct err *e)
{
	for (int i = 0; i < d->classes && c->labels; i++)
		for (int k = 0; k < c->C; k++)
			if (k != i && !strcmp(d->labels[i], c->labels[k]))
				return err_set(e, ERR_MISMATCH, "label '%s' is class %d of %s, but class %d of the model", d->labels[i],
				               i, d->task->name, k);
	return 0;
}

int judge_check(const struct dataset *d, const struct config *c, struct err *e)
{
	int code = dataset_check_labelled(d, e);
	if (code)
		return code;
	if (d->count < 1)
		return err_set(e, ERR_FORMAT, "%s %s is empty", d->task->name, split_name(d->split));
	if ((d->classes ? d->classes : 1) != c->C)
		return err_set(e, ERR_MISMATCH, "%s has %d labels, the model predicts %d", d->task->name,
		               d->classes ? d->classes : 1, c->C);
	if (c->L > JUDGE_LAYERS_MAX)
		return err_set(e, ERR_LIMIT, "the model has %d layers, at most %d can be judged", c->L, JUDGE_LAYERS_MAX);
	return check_order(d, c, e);
}

static int open_judging(struct judging *j, const struct model *m, const struct judge_options *o, struct err *e)
{
	const size_t n = (size_t)j->data->count;
	j->batch = o->batch ? o->batch : BATCH_DEFAULT;
	if (o->rows && j->batch > o->rows / j->data->longest)
		j->batch = o->rows < j->data->longest ? 1 : o->rows / j->data->longest;
	const int64_t rows = encoded_largest_batch(j->data, j->batch);
	const struct session_options session = {.threads = o->threads, .max_rows = (int)rows, .max_sequences = j->batch};
	j->start = malloc(((size_t)j->batch + 1) * sizeof *j->start);
	j->ids = malloc((size_t)rows * sizeof *j->ids);
	j->type_ids = malloc((size_t)rows * sizeof *j->type_ids);
	j->gold = malloc(n * sizeof *j->gold);
	j->pred = malloc(n * sizeof *j->pred);
	j->target = malloc(n * sizeof *j->target);
	j->predicted = malloc(n * sizeof *j->predicted);
	j->probs = malloc(n * (size_t)j->c->C * sizeof *j->probs);
	if (!j->start || !j->ids || !j->type_ids || !j->gold || !j->pred || !j->target || !j->predicted || !j->probs)
		return err_set(e, ERR_MEMORY, "out of memory for %zu predictions", n);
	int code = policy_parse(&j->policy, o->policy, e);
	if (!code)
		code = policy_parse(&j->dense, "none", e);
	return code ? code : session_open(&j->session, m, &session, e);
}

static void softmax(double *p, const float *z, int n)
{
	double max = -INFINITY, sum = 0;
	for (int i = 0; i < n; i++)
		max = fmax(max, (double)z[i]);
	for (int i = 0; i < n; i++)
		sum += p[i] = exp((double)z[i] - max);
	for (int i = 0; i < n; i++)
		p[i] /= sum;
}

static void note_prediction(struct judging *j, int index, const float *logits)
{
	const struct example *x = &j->data->examples[index];
	const int C = j->c->C;
	double *p = j->probs + (size_t)index * (size_t)C;
	softmax(p, logits, C);
	j->gold[index] = x->label;
	j->target[index] = x->value;
	j->predicted[index] = (double)logits[0];
	j->pred[index] = 0;
	for (int i = 1; i < C; i++)
		j->pred[index] = logits[i] > logits[j->pred[index]] ? i : j->pred[index];
	const double error = (double)logits[0] - x->value;
	j->loss += j->is_regression ? error * error : -log(fmax(p[x->label], 1e-300));
}

static void note_cost(struct judging *j, const struct trace *t, int b)
{
	struct flops f;
	const int begin = j->start[b], n = j->start[b + 1] - begin;
	flops_count(&f, j->c, &j->policy, n, t->died_at + begin, 0);
	j->flops += flops_total(&f);
	flops_count(&f, j->c, &j->dense, n, NULL, 0);
	j->flops_dense += flops_total(&f);
	for (int l = 0; l < j->c->L; l++)
		j->rows[l] += t->layer_start[l][b + 1] - t->layer_start[l][b];
}

static struct batch load_batch(struct judging *j, int first, int count)
{
	j->start[0] = 0;
	for (int i = 0; i < count; i++) {
		const struct example *x = &j->data->examples[first + i];
		memcpy(j->ids + j->start[i], x->ids, (size_t)x->n * sizeof *j->ids);
		memcpy(j->type_ids + j->start[i], x->type_ids, (size_t)x->n * sizeof *j->type_ids);
		j->start[i + 1] = j->start[i] + x->n;
	}
	return (struct batch){.B = count, .start = j->start, .ids = j->ids, .type_ids = j->type_ids};
}

/* The first run of a session touches its memory for the first time: not what is timed. */
static int warm_up(struct judging *j, struct err *e)
{
	struct trace t;
	const struct batch batch = load_batch(j, 0, j->data->count < j->batch ? j->data->count : j->batch);
	return session_run(j->session, &batch, &j->policy, &t, e);
}

static int run_batch(struct judging *j, int first, int count, struct err *e)
{
	struct trace t;
	const struct batch batch = load_batch(j, first, count);
	const int64_t begin = clock_ns();
	int code = session_run(j->session, &batch, &j->policy, &t, e);
	j->out->seconds += (double)(clock_ns() - begin) * 1e-9;
	for (int i = 0; i < count && !code; i++) {
		note_prediction(j, first + i, t.logits + (size_t)i * (size_t)j->c->C);
		note_cost(j, &t, i);
	}
	return code;
}

static int conclude(struct judging *j, const struct dataset *d, struct err *e)
{
	struct judgement *out = j->out;
	const struct metric *metric = metric_find(d->task->metrics[0], e);
	if (!metric)
		return ERR_USAGE;
	const struct outcome o = {.n = j->data->count,
	                          .classes = d->classes,
	                          .gold = j->gold,
	                          .pred = j->pred,
	                          .target = j->target,
	                          .predicted = j->predicted,
	                          .probs = j->probs};
	out->score = metric->compute(&o);
	out->n = o.n;
	out->L = j->c->L;
	out->loss = j->loss / o.n;
	out->flops_speedup = (double)j->flops_dense / (double)j->flops;
	for (int l = 0; l < j->c->L; l++)
		out->kept[l] = (double)j->rows[l] / (double)j->data->tokens;
	return 0;
}

int judge(struct judgement *out, const struct model *m, const struct dataset *d, const struct encoded *data,
          const struct judge_options *o, struct err *e)
{
	struct judging j = {.c = model_config(m), .data = data, .is_regression = !d->classes, .out = out};
	memset(out, 0, sizeof *out);
	int code = judge_check(d, j.c, e);
	if (!code)
		code = open_judging(&j, m, o, e);
	if (!code)
		code = warm_up(&j, e);
	for (int i = 0; i < data->count && !code; i += j.batch)
		code = run_batch(&j, i, data->count - i < j.batch ? data->count - i : j.batch, e);
	if (!code)
		code = conclude(&j, d, e);
	session_close(j.session);
	free(j.start);
	free(j.ids);
	free(j.type_ids);
	free(j.gold);
	free(j.pred);
	free(j.target);
	free(j.predicted);
	free(j.probs);
	return code;
}
