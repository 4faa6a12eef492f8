#include "gather.h"

#include "../engine/base/clock.h"
#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A block is long enough that the clock and a change of session cost nothing, and short enough that a disturbance of the
 * machine, which lasts longer, meets both arms. */
enum { BATCH_DEFAULT = 32, BLOCK_TOKENS = 4096 };

struct gathering {
	const struct encoded *data;
	const struct gather_options *o;
	struct policy policy[ARM_COUNT];
	struct session *session[ARM_COUNT];
	struct facts *f;
	int *start, *ids, *type_ids, *counts; /* of the batch in hand */
};

/* ---- what can be run ------------------------------------------------------------------------------------------- */

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

int gather_check(const struct dataset *d, const struct config *c, struct err *e)
{
	if (d->count < 1)
		return err_set(e, ERR_FORMAT, "%s %s is empty", d->task->name, split_name(d->split));
	if ((d->classes ? d->classes : 1) != c->C)
		return err_set(e, ERR_MISMATCH, "%s has %d labels, the model predicts %d", d->task->name,
		               d->classes ? d->classes : 1, c->C);
	if (c->L > FACTS_LAYERS_MAX)
		return err_set(e, ERR_LIMIT, "the model has %d layers, at most %d can be judged", c->L, FACTS_LAYERS_MAX);
	return check_order(d, c, e);
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

static int shards(const struct gather_options *o) { return o->shards ? o->shards : 1; }

static int count_of(const struct encoded *data, const struct gather_options *o)
{
	return (data->count - o->shard + shards(o) - 1) / shards(o);
}

static const struct example *example_of(const struct gathering *g, int i)
{
	return &g->data->examples[g->o->shard + i * shards(g->o)];
}

static int batch_of(const struct encoded *data, const struct gather_options *o)
{
	const int batch = o->batch ? o->batch : BATCH_DEFAULT;
	if (!o->rows || batch <= o->rows / data->longest)
		return batch;
	return o->rows < data->longest ? 1 : o->rows / data->longest;
}

static int has_dense(const struct gathering *g) { return g->o->turns > 0 && policy_drops(&g->policy[ARM_POLICY]); }

static int open_session(struct gathering *g, enum facts_arm arm, const struct model *m, unsigned want, struct err *e)
{
	const struct session_options s = {.threads = g->o->threads,
	                                  .max_rows = (int)encoded_largest_batch(g->data, g->f->batch),
	                                  .max_sequences = g->f->batch,
	                                  .want = want};
	session_close(g->session[arm]);
	g->session[arm] = NULL;
	return session_open(&g->session[arm], m, &s, e);
}

static int64_t tokens_of(const struct gathering *g)
{
	int64_t tokens = 0;
	for (int i = 0; i < count_of(g->data, g->o); i++)
		tokens += example_of(g, i)->n;
	return tokens;
}

static void describe(struct gathering *g, const struct model *m, const struct dataset *d)
{
	struct facts *f = g->f;
	const int is_pruning = policy_drops(&g->policy[ARM_POLICY]);
	f->shape = *model_config(m);
	f->shape.labels = NULL;
	f->policy = g->policy[ARM_POLICY];
	f->classes = d->classes;
	f->batch = batch_of(g->data, g->o);
	f->turns[ARM_POLICY] = g->o->turns ? g->o->turns : 1;
	f->turns[ARM_DENSE] = is_pruning ? g->o->turns : 0;
}

static int find_metrics(struct facts *f, const struct dataset *d, struct err *e)
{
	for (int i = 0; i < FACTS_METRICS_MAX && d->task->metrics[i]; i++)
		if (!(f->metrics[i] = metric_find(d->task->metrics[i], e)))
			return ERR_USAGE;
	return 0;
}

static int open_room(struct gathering *g, struct err *e)
{
	const size_t batch = (size_t)g->f->batch, rows = (size_t)encoded_largest_batch(g->data, g->f->batch);
	const int is_pruning = policy_drops(&g->f->policy);
	g->start = malloc((batch + 1) * sizeof *g->start);
	g->ids = malloc(rows * sizeof *g->ids);
	g->type_ids = malloc(rows * sizeof *g->type_ids);
	g->counts = malloc(batch * (size_t)g->f->shape.L * sizeof *g->counts);
	if (!g->start || !g->ids || !g->type_ids || !g->counts)
		return err_set(e, ERR_MEMORY, "out of memory for a batch of %zu tokens", rows);
	return facts_open(g->f, count_of(g->data, g->o), is_pruning ? tokens_of(g) : 0, is_pruning && g->o->with_scores, e);
}

static int open_gathering(struct gathering *g, const struct model *m, const struct dataset *d, struct err *e)
{
	int code = policy_parse(&g->policy[ARM_POLICY], g->o->policy, e);
	if (!code)
		code = policy_parse(&g->policy[ARM_DENSE], "none", e);
	if (!code && g->o->shard >= d->count)
		code = err_set(e, ERR_USAGE, "%s %s has %d samples: too few for shard %d", d->task->name, split_name(d->split),
		               d->count, g->o->shard + 1);
	if (code)
		return code;
	describe(g, m, d);
	code = find_metrics(g->f, d, e);
	if (!code)
		code = open_room(g, e);
	if (!code)
		code = open_session(g, ARM_POLICY, m, 0, e);
	return code || !has_dense(g) ? code : open_session(g, ARM_DENSE, m, 0, e);
}

static void close_gathering(struct gathering *g)
{
	for (int arm = 0; arm < ARM_COUNT; arm++)
		session_close(g->session[arm]);
	free(g->start);
	free(g->ids);
	free(g->type_ids);
	free(g->counts);
}

/* ---- noting ---------------------------------------------------------------------------------------------------- */

static void note_prediction(struct facts *f, int i, const struct example *x, const float *logits)
{
	float *z = f->logits + (size_t)i * (size_t)f->outputs;
	memcpy(z, logits, (size_t)f->outputs * sizeof *z);
	f->gold[i] = f->classes ? x->label : -1;
	f->target[i] = f->classes ? NAN : x->value;
	for (int c = 1; c < f->outputs; c++)
		f->pred[i] = z[c] > z[f->pred[i]] ? c : f->pred[i];
}

static void note_cost(struct gathering *g, int i, const struct trace *t, int b)
{
	struct facts *f = g->f;
	struct flops flops;
	const int begin = g->start[b], n = g->start[b + 1] - begin;
	f->tokens[i] = n;
	f->start[i + 1] = f->start[i] + n;
	flops_count(&flops, &f->shape, &f->policy, n, t->died_at + begin, 0);
	f->flops[i] = flops_total(&flops);
	flops_count(&flops, &f->shape, &g->policy[ARM_DENSE], n, NULL, 0);
	f->dense_flops[i] = flops_total(&flops);
	for (int l = 0; l < f->shape.L; l++)
		f->rows[(size_t)i * (size_t)f->shape.L + (size_t)l] = t->layer_start[l][b + 1] - t->layer_start[l][b];
	for (int k = 0; k < n && f->died_at; k++)
		f->died_at[f->start[i] + k] = (unsigned char)t->died_at[begin + k];
}

/* The score at the last layer that saw the token: at layer l the policy scores the rows that lived until then, in order. */
static void note_scores(struct gathering *g, int i, const struct trace *t, int b)
{
	const int begin = g->start[b], n = g->start[b + 1] - begin;
	float *score = g->f->score + g->f->start[i];
	for (int k = 0; k < n; k++)
		score[k] = NAN;
	for (int l = 0; l < t->L; l++) {
		int row = t->scores[l] ? t->score_start[l][b] : 0;
		for (int k = 0; k < n && t->scores[l]; k++)
			if (t->died_at[begin + k] >= l)
				score[k] = t->scores[l][row++];
	}
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static struct batch load_batch(struct gathering *g, int index, int *first)
{
	struct facts *f = g->f;
	const size_t L = (size_t)f->shape.L;
	const int from = index * f->batch, count = f->n - from < f->batch ? f->n - from : f->batch;
	g->start[0] = 0;
	for (int i = 0; i < count; i++) {
		const struct example *x = example_of(g, from + i);
		memcpy(g->ids + g->start[i], x->ids, (size_t)x->n * sizeof *g->ids);
		memcpy(g->type_ids + g->start[i], x->type_ids, (size_t)x->n * sizeof *g->type_ids);
		g->start[i + 1] = g->start[i] + x->n;
	}
	if (g->o->counts)
		memcpy(g->counts, g->o->counts + (size_t)from * L, (size_t)count * L * sizeof *g->counts);
	*first = from;
	return (struct batch){.B = count,
	                      .start = g->start,
	                      .ids = g->ids,
	                      .type_ids = g->type_ids,
	                      .counts = g->o->counts ? g->counts : NULL};
}

enum { NOTE_NOTHING, NOTE_FACTS, NOTE_SCORES };

/* *ns may be NULL. */
static int run_batch(struct gathering *g, enum facts_arm arm, int index, int note, int64_t *ns, struct err *e)
{
	struct trace t;
	int first;
	const struct batch batch = load_batch(g, index, &first);
	const int64_t begin = clock_ns();
	int code = session_run(g->session[arm], &batch, &g->policy[arm], &t, e);
	if (ns)
		*ns = clock_ns() - begin;
	for (int b = 0; b < batch.B && !code && note == NOTE_FACTS; b++) {
		note_prediction(g->f, first + b, example_of(g, first + b), t.logits + (size_t)b * (size_t)g->f->outputs);
		note_cost(g, first + b, &t, b);
	}
	for (int b = 0; b < batch.B && !code && note == NOTE_SCORES; b++)
		note_scores(g, first + b, &t, b);
	return code;
}

static int report(struct gathering *g, int64_t tokens, struct err *e)
{
	return g->o->progress ? g->o->progress(g->o->progress_arg, tokens, e) : 0;
}

/* Of the batches [from, to). */
static int64_t tokens_in(const struct gathering *g, int from, int to)
{
	int64_t tokens = 0;
	for (int64_t i = (int64_t)from * g->f->batch; i < (int64_t)to * g->f->batch && i < g->f->n; i++)
		tokens += example_of(g, (int)i)->n;
	return tokens;
}

/* The end of the block that begins at batch `from`. */
static int block_end(const struct gathering *g, int from)
{
	int64_t tokens = 0;
	int to = from;
	while (to < g->f->batches && tokens < BLOCK_TOKENS) {
		tokens += tokens_in(g, to, to + 1);
		to++;
	}
	return to;
}

static int run_block(struct gathering *g, enum facts_arm arm, int turn, int from, int to, struct err *e)
{
	struct facts *f = g->f;
	int code = 0;
	if (!g->session[arm])
		return 0;
	for (int i = from; i < to && !code; i++) {
		code = run_batch(g, arm, i, arm == ARM_POLICY && turn == 0 ? NOTE_FACTS : NOTE_NOTHING,
		                 &f->ns[arm][(size_t)turn * (size_t)f->batches + (size_t)i], e);
		if (!code)
			code = report(g, tokens_in(g, i, i + 1), e);
	}
	return code;
}

static int run_turn(struct gathering *g, int turn, struct err *e)
{
	int code = 0, block = turn;
	for (int from = 0, to; from < g->f->batches && !code; from = to, block++) {
		const enum facts_arm first = block % 2 ? ARM_POLICY : ARM_DENSE;
		to = block_end(g, from);
		code = run_block(g, first, turn, from, to, e);
		if (!code)
			code = run_block(g, first == ARM_DENSE ? ARM_POLICY : ARM_DENSE, turn, from, to, e);
	}
	return code;
}

/* The first run of a session touches its memory for the first time: not what is timed. */
static int warm_up(struct gathering *g, struct err *e)
{
	int code = 0;
	for (int arm = 0; arm < ARM_COUNT && !code; arm++)
		if (g->session[arm])
			code = run_batch(g, (enum facts_arm)arm, 0, NOTE_NOTHING, NULL, e);
	return code;
}

static int run_for_scores(struct gathering *g, const struct model *m, struct err *e)
{
	int code = open_session(g, ARM_POLICY, m, WANT_SCORES, e);
	for (int i = 0; i < g->f->batches && !code; i++) {
		code = run_batch(g, ARM_POLICY, i, NOTE_SCORES, NULL, e);
		if (!code)
			code = report(g, tokens_in(g, i, i + 1), e);
	}
	return code;
}

int facts_gather(struct facts *f, const struct model *m, const struct dataset *d, const struct encoded *data,
                 const struct gather_options *o, struct err *e)
{
	struct gathering g = {.data = data, .o = o, .f = f};
	memset(f, 0, sizeof *f);
	int code = gather_check(d, model_config(m), e);
	if (!code)
		code = open_gathering(&g, m, d, e);
	if (!code)
		code = warm_up(&g, e);
	for (int turn = 0; turn < f->turns[ARM_POLICY] && !code; turn++)
		code = run_turn(&g, turn, e);
	for (int i = 0; i < f->n && !code; i++)
		f->idx[i] = o->shard + i * shards(o);
	if (!code && f->score)
		code = run_for_scores(&g, m, e);
	close_gathering(&g);
	if (code)
		facts_close(f);
	return code;
}
