/* A training run: epochs, batches, learning rates, checkpoints. Everything that it draws is a function of (seed, epoch,
 * position), so that the position alone says how it goes on. */
#include "base/clock.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "run_folder.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_DEFAULT = 3, CHECKPOINT_SECONDS = 300 };
static const double WARMUP = 0.06;

struct run {
	struct trainer *t;
	const struct example *examples;
	int count;
	const struct training_plan *plan;
	const struct training_events *events;
	struct err *e;
	struct run_folder folder;
	struct run_state state;
	int64_t steps;                /* of all epochs */
	int64_t steps_before;         /* of the epochs before the one in hand */
	int has_state;                /* the folder holds this run's */
	int *order;                   /* [count] the examples of the epoch in hand, in their order */
	int *starts;                  /* [count+1] where its batches begin in it */
	int batches;                  /* of the epoch in hand */
	const struct example **batch; /* [count] */
	struct example *masked;       /* [count]; MLM */
	int *masked_ids, *targets;    /* [tokens of a batch] */
	size_t masked_room;
	int64_t saved_ns; /* when the last checkpoint was written */
};

/* ---- the order of an epoch ------------------------------------------------------------------------------------ */

static void shuffle(struct run *r, int epoch)
{
	const uint64_t stream = rng_stream("order") + (uint64_t)epoch;
	for (int i = 0; i < r->count; i++)
		r->order[i] = i;
	for (int i = r->count - 1; i > 0; i--) {
		const int j = (int)rng_below(r->plan->seed, stream, (uint64_t)i, (uint32_t)i + 1), kept = r->order[i];
		r->order[i] = r->order[j];
		r->order[j] = kept;
	}
}

static void cut_into_batches(struct run *r)
{
	const struct training_plan *p = r->plan;
	int64_t tokens = 0;
	int size = 0;
	r->batches = 0;
	for (int i = 0; i < r->count; i++) {
		const int n = r->examples[r->order[i]].n;
		const int is_full = p->batch ? size == p->batch : size && tokens + n > p->batch_tokens;
		if (i == 0 || is_full) {
			r->starts[r->batches++] = i;
			tokens = size = 0;
		}
		tokens += n;
		size++;
	}
	r->starts[r->batches] = r->count;
}

/* By length, those of one length as they were. */
static void sort_by_length(const struct run *r, int *order, int count)
{
	for (int gap = count / 2, i; gap > 0; gap /= 2)
		for (i = gap; i < count; i++) {
			const int kept = order[i], n = r->examples[kept].n;
			int j = i;
			for (; j >= gap &&
			       (r->examples[order[j - gap]].n > n || (r->examples[order[j - gap]].n == n && order[j - gap] > kept));
			     j -= gap)
				order[j] = order[j - gap];
			order[j] = kept;
		}
}

static void swap_batches(int *order, int a, int b, int size)
{
	for (int i = 0; i < size; i++) {
		const int kept = order[a * size + i];
		order[a * size + i] = order[b * size + i];
		order[b * size + i] = kept;
	}
}

/* Neighbours in length share a batch, within windows of so many batches, and the full batches are mixed again. Nothing
 * is padded, so this only evens out what the sequences of a batch cost. */
static void bucket(struct run *r, int epoch)
{
	const int size = r->plan->batch;
	const int64_t window = (int64_t)r->plan->bucket * size;
	const uint64_t stream = rng_stream("batches") + (uint64_t)epoch;
	if (window <= size)
		return;
	for (int64_t i = 0; i < r->count; i += window)
		sort_by_length(r, r->order + i, (int)(r->count - i < window ? r->count - i : window));
	for (int i = r->count / size - 1; i > 0; i--)
		swap_batches(r->order, i, (int)rng_below(r->plan->seed, stream, (uint64_t)i, (uint32_t)i + 1), size);
}

static void plan_epoch(struct run *r, int epoch)
{
	shuffle(r, epoch);
	bucket(r, epoch);
	cut_into_batches(r);
}

/* ---- hidden words --------------------------------------------------------------------------------------------- */

enum { ASKED_PERCENT = 15 };

struct masking {
	uint64_t seed, stream;
	int V, mask_id;
};

static void mask_token(const struct masking *m, int i, int *id, int *target)
{
	const uint32_t kind = rng_below(m->seed, m->stream, 2 * (uint64_t)i, 10), words = (uint32_t)(m->V - m->mask_id - 1);
	*target = *id;
	if (kind < 8)
		*id = m->mask_id;
	else if (kind == 8 && words > 0)
		*id = m->mask_id + 1 + (int)rng_below(m->seed, m->stream, 2 * (uint64_t)i + 1, words);
}

/* Exactly as many as the share makes: the i-th of n is taken with probability left / (n - i). */
void training_mask(const struct example *x, const struct config *c, int mask_id, uint64_t seed, uint64_t stream,
                   int *ids, int *targets)
{
	const struct masking m = {seed, 2 * stream, c->V, mask_id};
	int left = (int)(((int64_t)(x->n - 2) * ASKED_PERCENT + 50) / 100);
	left = left > 0 ? left : x->n > 2;
	memcpy(ids, x->ids, (size_t)x->n * sizeof *ids);
	for (int i = 0; i < x->n; i++) {
		targets[i] = -1;
		if (i == 0 || i == x->n - 1 || !left)
			continue;
		if ((int)rng_below(seed, 2 * stream + 1, (uint64_t)i, (uint32_t)(x->n - 1 - i)) >= left)
			continue;
		mask_token(&m, i, &ids[i], &targets[i]);
		left--;
	}
}

static int reserve_masks(struct run *r, int count)
{
	size_t tokens = 0;
	for (int i = 0; i < count; i++)
		tokens += (size_t)r->batch[i]->n;
	if (tokens <= r->masked_room)
		return 0;
	free(r->masked_ids);
	free(r->targets);
	r->masked_ids = malloc(tokens * sizeof *r->masked_ids);
	r->targets = malloc(tokens * sizeof *r->targets);
	r->masked_room = r->masked_ids && r->targets ? tokens : 0;
	return r->masked_room ? 0 : err_set(r->e, ERR_MEMORY, "out of memory for a batch of %zu tokens", tokens);
}

static int mask_batch(struct run *r, int first, int count)
{
	int code = reserve_masks(r, count);
	int *ids = r->masked_ids, *targets = r->targets;
	for (int i = 0; i < count && !code; i++) {
		const struct example *x = r->batch[i];
		const uint64_t text = (uint64_t)r->state.epoch << 32 | (uint64_t)r->order[first + i];
		training_mask(x, &r->t->config, r->plan->mask_id, r->plan->seed, rng_stream("mask") + text, ids, targets);
		r->masked[i] = *x;
		r->masked[i].ids = ids;
		r->masked[i].targets = targets;
		r->batch[i] = &r->masked[i];
		ids += x->n;
		targets += x->n;
	}
	return code;
}

/* ---- what is kept --------------------------------------------------------------------------------------------- */

static int keep_of(const struct training_plan *p) { return p->keep ? p->keep : KEEP_DEFAULT; }

static const char *dtype_of(const struct training_plan *p) { return p->dtype ? p->dtype : "f32"; }

static int is_above(const struct run *r, int epoch) { return r->state.scores[epoch].score >= r->plan->floor; }

/* Does epoch a beat b? The faster of two above the floor; else the better score; the earlier of equals. */
static int is_better(const struct run *r, int a, int b)
{
	const struct training_score *x = &r->state.scores[a], *y = &r->state.scores[b];
	if (isfinite(r->plan->floor) && isfinite(x->speed) && isfinite(y->speed)) {
		if (is_above(r, a) != is_above(r, b))
			return is_above(r, a);
		if (is_above(r, a) && x->speed != y->speed)
			return x->speed > y->speed;
	}
	if (isnan(y->score) != isnan(x->score))
		return isnan(y->score);
	return x->score != y->score && !isnan(x->score) ? x->score > y->score : a < b;
}

static int rank_of(const struct run *r, int epoch)
{
	int rank = 0;
	for (int i = 0; i < r->state.scored; i++)
		rank += i != epoch && is_better(r, i, epoch);
	return rank;
}

static int best_of(const struct run *r)
{
	int best = 0;
	for (int i = 1; i < r->state.scored; i++)
		best = is_better(r, i, best) ? i : best;
	return best;
}

/* The epoch just scored: keeps its model if it is worth it. */
static int keep_epoch(struct run *r, int epoch)
{
	const struct training_plan *p = r->plan;
	const char *dtype = dtype_of(p);
	int code = 0;
	if (rank_of(r, epoch) < keep_of(p))
		code = run_folder_keep(&r->folder, r->t, epoch, dtype, p->tokenizer, r->e);
	if (!code && best_of(r) == epoch)
		code = trainer_save(r->t, p->out, dtype, p->tokenizer, r->e);
	return code;
}

/* Those that it pushed out, once a state knows of it. */
static void forget_epochs(const struct run *r)
{
	for (int i = 0; i < r->state.scored; i++)
		if (rank_of(r, i) >= keep_of(r->plan))
			run_folder_forget(&r->folder, i);
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

/* Linear up over the warm-up, linear down to 0 at the end. */
static double schedule(const struct run *r)
{
	const double share = r->plan->warmup < 0 ? 0 : r->plan->warmup > 0 ? r->plan->warmup : WARMUP;
	const double warm = floor(share * (double)r->steps), step = (double)r->state.step;
	return step < warm ? step / warm : ((double)r->steps - step) / fmax((double)r->steps - warm, 1);
}

static double lambda_of(const struct run *r, int64_t epoch)
{
	return r->t->options.adapler ? r->plan->lambda * pow(r->plan->lambda_factor, (double)epoch) : 0;
}

static int report(struct run *r, const struct losses *losses, struct norms norms, double rate, int64_t begin_ns)
{
	const struct training_step s = {.epoch = (int)r->state.epoch,
	                                .epochs = r->plan->epochs,
	                                .step = r->state.step,
	                                .steps = r->steps,
	                                .losses = losses,
	                                .norms = norms,
	                                .rate = rate,
	                                .lambda = lambda_of(r, r->state.epoch),
	                                .seconds = (double)(clock_ns() - begin_ns) * 1e-9};
	return r->events->step ? r->events->step(r->events->arg, &s, r->e) : 0;
}

static int run_step(struct run *r)
{
	const int64_t begin_ns = clock_ns();
	const int first = r->starts[r->state.batch], count = r->starts[r->state.batch + 1] - first;
	const double factor = schedule(r);
	const struct rates rates = {
		.network = r->plan->rate * factor, .speed = r->plan->speed_rate * factor, .decay = r->plan->decay};
	struct losses losses;
	struct norms norms = {0};
	int code = 0;
	for (int i = 0; i < count; i++)
		r->batch[i] = &r->examples[r->order[first + i]];
	if (r->t->options.objective == OBJECTIVE_MLM)
		code = mask_batch(r, first, count);
	if (!code)
		code = trainer_gradient(r->t, r->batch, count, (uint64_t)r->state.step, lambda_of(r, r->state.epoch), &losses,
		                        r->e);
	if (!code)
		code = trainer_update(r->t, &rates, &norms, r->e);
	if (!code)
		code = report(r, &losses, norms, rates.network, begin_ns);
	if (code)
		return code;
	r->state.step++;
	r->state.batch++;
	return 0;
}

/* The last step may have left no numbers behind, which only the next one's loss would show. */
static int check_weights(const struct run *r)
{
	const struct extreme x = train_extreme(r->t, &r->t->w);
	if (isfinite(x.value))
		return 0;
	return err_set(r->e, ERR_LIMIT, "tensor '%s' is not finite after step %lld: a smaller learning rate may help",
	               x.tensor, (long long)r->state.step);
}

static int checkpoint(struct run *r)
{
	int code = check_weights(r);
	if (!code && r->events->checkpoint)
		code = r->events->checkpoint(r->events->arg, r->e);
	if (!code)
		code = run_state_write(&r->folder, r->t, &r->state, r->e);
	r->has_state |= !code;
	r->saved_ns = clock_ns();
	return code;
}

static int stop(struct run *r)
{
	int code = checkpoint(r);
	return code ? code
	            : err_set(r->e, ERR_INTERRUPTED, "stopped after step %lld of %lld; the same command goes on from there",
	                      (long long)r->state.step, (long long)r->steps);
}

static int run_epoch(struct run *r)
{
	const double every = r->plan->checkpoint_seconds > 0 ? r->plan->checkpoint_seconds : CHECKPOINT_SECONDS;
	plan_epoch(r, (int)r->state.epoch);
	if (r->state.batch > r->batches)
		return err_set(r->e, ERR_FORMAT, "the state in '%s' is at batch %lld of an epoch of %d", r->folder.path,
		               (long long)r->state.batch, r->batches);
	while (r->state.batch < r->batches) {
		int code = run_step(r);
		if (code)
			return code;
		if (r->events->should_stop && r->events->should_stop(r->events->arg))
			return stop(r);
		if ((double)(clock_ns() - r->saved_ns) * 1e-9 > every && (code = checkpoint(r)))
			return code;
	}
	return 0;
}

static int finish_epoch(struct run *r)
{
	const int epoch = (int)r->state.epoch;
	struct training_score score = {(double)epoch, NAN};
	/* A folder with models has a state, or they are somebody else's. */
	int code = r->has_state ? check_weights(r) : checkpoint(r);
	if (code)
		return code;
	if (r->events->epoch)
		code = r->events->epoch(r->events->arg, r->t, epoch, r->state.step, &score, r->e);
	if (code) {
		checkpoint(r);
		return code;
	}
	r->state.scores[epoch] = score;
	r->state.scored = epoch + 1;
	r->state.epoch++;
	r->state.batch = 0;
	r->state.ended = r->state.epoch == r->plan->epochs;
	code = keep_epoch(r, epoch);
	if (!code)
		code = checkpoint(r);
	if (!code)
		forget_epochs(r);
	return code;
}

/* ---- the run -------------------------------------------------------------------------------------------------- */

static void add_text(struct sha256 *hash, const char *text) { sha256_add(hash, text, strlen(text) + 1); }

static void add_example(struct sha256 *hash, const struct example *x)
{
	const size_t n = (size_t)x->n;
	sha256_add(hash, &x->n, sizeof x->n);
	sha256_add(hash, x->ids, n * sizeof *x->ids);
	if (x->type_ids)
		sha256_add(hash, x->type_ids, n * sizeof *x->type_ids);
	sha256_add(hash, &x->label, sizeof x->label);
	sha256_add(hash, &x->value, sizeof x->value);
	if (x->saliency)
		sha256_add(hash, x->saliency, n * sizeof *x->saliency);
}

static void add_format(struct sha256 *hash, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_format(struct sha256 *hash, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	add_text(hash, text);
}

/* The model: its shape is in the number of its weights, or almost. */
static void add_model(struct sha256 *hash, const struct trainer *t)
{
	const struct config *c = &t->config;
	const struct trainer_options *o = &t->options;
	add_format(hash,
	           "objective %d adapler %d gamma %.17g phi %.17g dropout %u %u seed %llu kernels %s rows %d sequences %zu "
	           "length %d",
	           (int)o->objective, o->adapler, o->gamma, o->phi, (unsigned)drop_hidden(t).threshold,
	           (unsigned)drop_attention(t).threshold, (unsigned long long)o->seed, t->kernels->name, trainer_rows(t),
	           t->max_sequences, o->max_length);
	add_format(hash, "family %d layers %d heads %d activation %d epsilon %.17g", (int)c->family, c->L, c->A,
	           (int)c->act, (double)c->layer_norm_eps);
	for (int i = 0; i < c->C; i++)
		add_text(hash, c->labels[i]);
	for (int i = 0; o->class_weights && i < c->C; i++)
		sha256_add(hash, &o->class_weights[i], sizeof o->class_weights[i]);
	sha256_add(hash, t->w.values, t->w.count * sizeof *t->w.values);
}

/* Everything that determines the run: its plan, what the caller says of the data, and the weights it begins with. */
static void find_key(struct run *r)
{
	const struct training_plan *p = r->plan;
	struct sha256 hash;
	sha256_init(&hash);
	add_text(&hash, ADAPLER_VERSION);
	add_format(
		&hash,
		"epochs %d batch %d tokens %d bucket %d rate %.17g %.17g decay %.17g warmup %.17g lambda %.17g %.17g floor "
		"%.17g seed %llu mask %d keep %d dtype %s",
		p->epochs, p->batch, p->batch_tokens, p->bucket, p->rate, p->speed_rate, p->decay, p->warmup, p->lambda,
		p->lambda_factor, p->floor, (unsigned long long)p->seed, p->mask_id, keep_of(p), dtype_of(p));
	add_text(&hash, p->identity ? p->identity : "");
	/* Not a corpus of texts: it is large, and its own hash is in the identity. */
	for (int i = 0; r->t->options.objective != OBJECTIVE_MLM && i < r->count; i++)
		add_example(&hash, &r->examples[i]);
	add_model(&hash, r->t);
	sha256_end(&hash, r->state.key);
}

/* Of all epochs, and of those before the one in hand. */
static void count_steps(struct run *r)
{
	for (int epoch = 0; epoch < r->plan->epochs; epoch++) {
		if (epoch == r->state.epoch)
			r->steps_before = r->steps;
		plan_epoch(r, epoch);
		r->steps += r->batches;
	}
	if (r->state.epoch == r->plan->epochs)
		r->steps_before = r->steps;
}

static int check_rates(const struct run *r)
{
	const struct training_plan *p = r->plan;
	const double last = lambda_of(r, p->epochs - 1);
	if (!(p->rate >= 0) || !isfinite(p->rate) || !(p->speed_rate >= 0) || !isfinite(p->speed_rate))
		return err_set(r->e, ERR_LIMIT, "learning rates %g and %g", p->rate, p->speed_rate);
	if (!(p->warmup <= 1) || !(p->decay < 1))
		return err_set(r->e, ERR_LIMIT, "a warm-up of %g of the steps and a decay of %g", p->warmup, p->decay);
	if (r->t->options.adapler && !(p->lambda > 0 && last > 0 && isfinite(p->lambda) && isfinite(last)))
		return err_set(r->e, ERR_LIMIT, "lambda goes from %g to %g: it must be finite and above 0", p->lambda, last);
	return 0;
}

static int check_plan(const struct run *r)
{
	const struct training_plan *p = r->plan;
	enum dtype dtype;
	if (!p->out || !p->tokenizer)
		return err_set(r->e, ERR_USAGE, "a run needs a folder, and a model whose vocabulary goes with its own");
	if (r->t->updates)
		return err_set(r->e, ERR_USAGE, "a run needs a trainer that was just opened");
	if (r->count < 1)
		return err_set(r->e, ERR_USAGE, "there is nothing to train on");
	if (p->epochs < 1 || p->epochs > EPOCHS_MAX)
		return err_set(r->e, ERR_LIMIT, "epochs must be from 1 to %d, found %d", EPOCHS_MAX, p->epochs);
	if (p->batch < 0 || (!p->batch && p->batch_tokens < 1))
		return err_set(r->e, ERR_LIMIT, "a batch of %d examples and %d tokens", p->batch, p->batch_tokens);
	if (!p->batch && p->bucket > 1)
		return err_set(r->e, ERR_USAGE, "batches of so many tokens are not bucketed by length");
	if (r->t->options.objective == OBJECTIVE_MLM && (p->mask_id < 0 || p->mask_id >= r->t->config.V))
		return err_set(r->e, ERR_LIMIT, "mask id %d is outside the vocabulary of %d", p->mask_id, r->t->config.V);
	int code = train_find_dtype(&dtype, dtype_of(p), r->e);
	return code ? code : check_rates(r);
}

/* All of them now, by their place in the data, rather than one by one after hours. */
static int check_examples(const struct run *r)
{
	int code = 0;
	for (int i = 0; i < r->count && !code; i++) {
		code = train_check_example(r->t, &r->examples[i], i, r->e);
		if (!code && r->t->options.adapler)
			code = train_check_saliency(&r->examples[i], i, r->e);
	}
	return code;
}

static int allocate_order(struct run *r)
{
	const size_t count = (size_t)r->count;
	r->order = malloc(count * sizeof *r->order);
	r->starts = malloc((count + 1) * sizeof *r->starts);
	if (!r->order || !r->starts)
		return err_set(r->e, ERR_MEMORY, "out of memory for the order of %d examples", r->count);
	return 0;
}

static int allocate(struct run *r)
{
	const size_t count = (size_t)r->count;
	int code = allocate_order(r);
	if (code)
		return code;
	r->batch = malloc(count * sizeof *r->batch);
	r->masked = malloc(count * sizeof *r->masked);
	r->state.scores = calloc((size_t)r->plan->epochs, sizeof *r->state.scores);
	if (!r->batch || !r->masked || !r->state.scores)
		return err_set(r->e, ERR_MEMORY, "out of memory for the order of %d examples", r->count);
	r->state.epochs = r->plan->epochs;
	return 0;
}

/* The state of this run, or with start_over none: another run's, or a broken one, is in the way. */
static int find_state(struct run *r)
{
	struct err unsaid = {0};
	const int starts_over = r->plan->start_over;
	int code = run_state_read(&r->folder, r->t, &r->state, &r->has_state, starts_over ? &unsaid : r->e);
	if (code && starts_over)
		r->has_state = code = 0;
	return code;
}

static int check_position(const struct run *r)
{
	const struct run_state *s = &r->state;
	if (s->step - s->batch == r->steps_before && s->step <= r->steps)
		return 0;
	return err_set(r->e, ERR_FORMAT, "the state in '%s' is at step %lld of %lld, which is not batch %lld of epoch %lld",
	               r->folder.path, (long long)s->step, (long long)r->steps, (long long)s->batch,
	               (long long)s->epoch + 1);
}

static int open_run(struct run *r)
{
	int code = allocate(r);
	if (!code)
		code = run_folder_open(&r->folder, r->plan->out, r->plan->start_over, r->e);
	if (code)
		return code;
	find_key(r);
	code = find_state(r);
	if (code)
		return code;
	count_steps(r);
	return check_position(r);
}

static int run_epochs(struct run *r)
{
	int code = 0;
	if (r->events->begin)
		code = r->events->begin(r->events->arg, r->state.key, r->state.step, r->steps, r->e);
	/* Only now: what could be wrong with the new run would have come out. */
	if (!code && !r->has_state && r->plan->start_over)
		code = run_folder_clear(&r->folder, r->e);
	if (code)
		return code;
	run_folder_sweep(&r->folder);
	forget_epochs(r);
	r->saved_ns = clock_ns();
	while (!code && r->state.epoch < r->plan->epochs) {
		code = run_epoch(r);
		if (!code)
			code = finish_epoch(r);
	}
	return code;
}

static int64_t largest_batch(const struct run *r)
{
	int64_t most = 0;
	for (int b = 0; b < r->batches; b++) {
		int64_t tokens = 0;
		for (int i = r->starts[b]; i < r->starts[b + 1]; i++)
			tokens += r->examples[r->order[i]].n;
		most = tokens > most ? tokens : most;
	}
	return most;
}

int training_rows(const struct example *examples, int count, const struct training_plan *plan, int64_t *rows,
                  struct err *e)
{
	struct run r = {.examples = examples, .count = count, .plan = plan, .e = e};
	int code = allocate_order(&r);
	*rows = 0;
	for (int epoch = 0; epoch < plan->epochs && !code; epoch++) {
		plan_epoch(&r, epoch);
		const int64_t most = largest_batch(&r);
		*rows = most > *rows ? most : *rows;
	}
	free(r.order);
	free(r.starts);
	return code;
}

int training_run(struct trainer *t, const struct example *examples, int count, const struct training_plan *plan,
                 const struct training_events *events, struct training_result *out, struct err *e)
{
	static const struct training_events silence = {0};
	struct run r = {.t = t, .examples = examples, .count = count, .plan = plan, .e = e, .folder = {.lock = -1}};
	r.events = events ? events : &silence;
	memset(out, 0, sizeof *out);
	int code = check_plan(&r);
	if (!code)
		code = check_examples(&r);
	if (!code)
		code = open_run(&r);
	if (!code) {
		out->was_done = r.has_state && r.state.ended;
		code = run_epochs(&r);
	}
	if (!code) {
		out->steps = r.state.step;
		out->best = best_of(&r);
		out->score = r.state.scores[out->best];
	}
	run_folder_close(&r.folder);
	free(r.order);
	free(r.starts);
	free(r.batch);
	free(r.masked);
	free(r.masked_ids);
	free(r.targets);
	free(r.state.scores);
	return code;
}
