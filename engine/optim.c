/* The two optimisers of method.md: AdamW for the network, Adam for eta and theta, each clipped by its own norm. */
#include "trainer.h"

#include "base/denormals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a tensor: what one task updates, and the unit in which norms are summed. A vector is a single column. */
struct segment {
	size_t begin; /* among the parameters */
	int row, rows, columns;
	int is_matrix;    /* decays */
	int is_of_words;  /* the word embedding: rows of words that the batch lacks have no gradient */
	int source, part; /* the map that is packed from it, and which of its tensors it belongs to; -1: none */
};

enum { SEGMENT_FLOATS = 1 << 15 };
static const double BETA1 = 0.9, BETA2 = 0.999, DECAY = 0.01, EPSILON = 1e-12, CLIP = 1, ETA_LEAST = 0.01, ETA_MOST = 1;

struct listing {
	struct trainer *t;
	struct segment *out; /* NULL while counting */
	int count;
};

static int is_speed(const struct weight_info *info)
{
	return !strcmp(info->name, "adapler.eta") || !strcmp(info->name, "adapler.theta");
}

/* The map whose matrix or bias the tensor is. */
static void find_source(struct segment *s, const struct trainer *t, const float *tensor)
{
	s->source = -1;
	for (int i = 0; i < t->sources_count; i++)
		for (int j = 0; j < t->sources[i].count; j++)
			if (t->sources[i].w[j] == tensor || t->sources[i].bias[j] == tensor) {
				s->source = i;
				s->part = j;
			}
}

/* Biases and norms do not decay: the tensors that are vectors. Whole panels: two tasks pack into
 * one only where two matrices meet in it, and then other columns. */
static int list_segments(const struct weight_info *info, void *arg)
{
	struct listing *l = arg;
	const struct trainer *t = l->t;
	if (!*info->slot || is_speed(info))
		return 0;
	const int columns = info->columns ? (int)info->columns : 1, panels = SEGMENT_FLOATS / columns / PANEL;
	const int most = PANEL * (panels ? panels : 1), rows = (int)info->rows;
	struct segment s = {.columns = columns, .is_matrix = info->columns > 0};
	s.is_of_words = *info->slot == t->w.word_embedding;
	find_source(&s, t, *info->slot);
	for (s.row = 0; s.row < rows; s.row += most, l->count++) {
		s.begin = (size_t)(*info->slot - t->w.values) + (size_t)s.row * (size_t)columns;
		s.rows = rows - s.row < most ? rows - s.row : most;
		if (l->out)
			l->out[l->count] = s;
	}
	return 0;
}

int optim_plan(struct trainer *t, struct err *e)
{
	struct listing l = {.t = t};
	weights_visit(&t->view, &t->config, ~0u, list_segments, &l);
	t->segments_count = l.count;
	l.out = t->segments = calloc((size_t)l.count, sizeof *t->segments);
	t->partial_sums = calloc((size_t)l.count, sizeof *t->partial_sums);
	if (!t->segments || !t->partial_sums)
		return err_set(e, ERR_MEMORY, "out of memory for the optimiser's list of %d pieces", l.count);
	l.count = 0;
	weights_visit(&t->view, &t->config, ~0u, list_segments, &l);
	return 0;
}

/* ---- rows with a gradient ------------------------------------------------------------------------------------- */

/* The next rows of a segment that all have a gradient, or all have none; returns where they end. */
static int run_of_rows(const struct trainer *t, const struct segment *s, int row, int *has_gradient)
{
	const unsigned char *touched = t->touched + s->row;
	int end = row + 1;
	*has_gradient = !s->is_of_words || touched[row];
	if (!s->is_of_words)
		return s->rows;
	while (end < s->rows && !touched[end] == !touched[row])
		end++;
	return end;
}

static void clear_task(void *arg, int task, int worker)
{
	struct trainer *t = arg;
	const struct segment *s = &t->segments[task];
	const size_t columns = (size_t)s->columns;
	(void)worker;
	for (int row = 0, end, has_gradient; row < s->rows; row = end) {
		end = run_of_rows(t, s, row, &has_gradient);
		float *g = t->g.values + s->begin + (size_t)row * columns;
		if (has_gradient)
			memset(g, 0, (size_t)(end - row) * columns * sizeof *g);
	}
}

void optim_clear(struct trainer *t)
{
	pool_for(t->pool, t->segments_count, clear_task, t);
	memset(t->touched, 0, (size_t)t->config.V);
}

static void square_task(void *arg, int task, int worker)
{
	struct trainer *t = arg;
	const struct segment *s = &t->segments[task];
	const size_t columns = (size_t)s->columns;
	double sum = 0;
	(void)worker;
	for (int row = 0, end, has_gradient; row < s->rows; row = end) {
		end = run_of_rows(t, s, row, &has_gradient);
		if (has_gradient)
			sum +=
				t->kernels->square_sum(t->g.values + s->begin + (size_t)row * columns, (size_t)(end - row) * columns);
	}
	t->partial_sums[task] = sum;
}

static double network_norm(struct trainer *t)
{
	double sum = 0;
	pool_for(t->pool, t->segments_count, square_task, t);
	for (int i = 0; i < t->segments_count; i++)
		sum += t->partial_sums[i];
	return sqrt(sum);
}

static double speed_norm(const struct trainer *t)
{
	double sum = 0;
	for (int l = 0; l < t->config.L; l++)
		sum += t->eta_gradient[l] * t->eta_gradient[l];
	for (int l = 0; l + 1 < t->config.L; l++)
		sum += t->theta_gradient[l] * t->theta_gradient[l];
	return sqrt(sum);
}

/* As torch's clip_grad_norm_: with a little in the denominator. */
static double clip_factor(double norm, double most) { return norm > most ? most / (norm + 1e-6) : 1; }

/* ---- packed maps ---------------------------------------------------------------------------------------------- */

static void pack_segment(const struct trainer *t, const struct segment *s)
{
	if (s->source < 0)
		return;
	const struct map_source *source = &t->sources[s->source];
	const float *w = t->w.values + s->begin;
	const int first = s->part * source->N + s->row;
	if (!s->is_matrix) {
		memcpy((float *)(uintptr_t)source->map->bias + first, w, (size_t)s->rows * sizeof *w);
		return;
	}
	linear_pack((float *)(uintptr_t)source->map->panels, source->K, first, w, s->rows);
	linear_pack_backward((float *)(uintptr_t)t->back[s->source].panels, source->N * source->count, first, w, s->rows,
	                     source->K);
}

static void pack_task(void *arg, int task, int worker)
{
	const struct trainer *t = arg;
	(void)worker;
	pack_segment(t, &t->segments[task]);
}

void train_pack(struct trainer *t) { pool_for(t->pool, t->segments_count, pack_task, t); }

/* ---- the step ------------------------------------------------------------------------------------------------- */

struct update {
	struct trainer *t;
	struct adam adam;
	float decay;
};

/* Packs what it has just updated, while a cache still holds it. */
static void update_task(void *arg, int task, int worker)
{
	const struct update *u = arg;
	struct trainer *t = u->t;
	const struct segment *s = &t->segments[task];
	struct adam adam = u->adam;
	(void)worker;
	adam.decay = s->is_matrix ? u->decay : 0;
	for (int row = 0, end, has_gradient; row < s->rows; row = end) {
		end = run_of_rows(t, s, row, &has_gradient);
		const size_t columns = (size_t)s->columns, at = s->begin + (size_t)row * columns;
		t->kernels->adam(t->w.values + at, has_gradient ? t->g.values + at : NULL, t->m.values + at, t->v.values + at,
		                 (size_t)(end - row) * columns, &adam);
	}
	pack_segment(t, s);
}

/* 0 means the usual value, below it `none`. */
static double given(double value, double otherwise, double none)
{
	return value < 0 ? none : value > 0 ? value : otherwise;
}

static struct adam adam_of(double rate, double factor, double epsilon, int64_t step)
{
	const double correction = sqrt(1 - pow(BETA2, (double)step)) / (1 - pow(BETA1, (double)step));
	return (struct adam){.gradient_scale = (float)factor,
	                     .beta1 = (float)BETA1,
	                     .beta2 = (float)BETA2,
	                     .eps = (float)epsilon,
	                     .step_size = (float)(rate * correction)};
}

/* Not fmin and fmax, which would hide a NaN. */
static float clipped_eta(float eta)
{
	return eta < (float)ETA_LEAST ? (float)ETA_LEAST : eta > (float)ETA_MOST ? (float)ETA_MOST : eta;
}

/* eta and theta are few: their gradients come in double and are set down beside the others. */
static void update_speed(struct trainer *t, const struct adam *adam)
{
	const int L = t->config.L;
	for (int l = 0; l < L; l++)
		t->g.eta[l] = (float)t->eta_gradient[l];
	t->kernels->adam(t->w.eta, t->g.eta, t->m.eta, t->v.eta, (size_t)L, adam);
	for (int l = 0; l < L; l++)
		t->w.eta[l] = clipped_eta(t->w.eta[l]);
	if (L == 1)
		return;
	for (int l = 0; l + 1 < L; l++)
		t->g.theta[l] = (float)t->theta_gradient[l];
	t->kernels->adam(t->w.theta, t->g.theta, t->m.theta, t->v.theta, (size_t)L - 1, adam);
}

static int check_norms(const struct trainer *t, const struct norms *n, struct err *e)
{
	if (isfinite(n->network) && isfinite(n->speed))
		return 0;
	const struct extreme x = train_extreme(t, &t->g);
	return err_set(e, ERR_LIMIT,
	               "the gradient of tensor '%s' is not finite at step %llu: the weights are left as they were",
	               isfinite(x.value) ? "adapler.eta (or theta)" : x.tensor, (unsigned long long)t->step + 1);
}

int trainer_update(struct trainer *t, const struct rates *r, struct norms *out, struct err *e)
{
	DENORMALS_ARE_ZERO();
	const double clip = given(r->clip, CLIP, INFINITY), epsilon = r->epsilon > 0 ? r->epsilon : EPSILON;
	out->network = network_norm(t);
	out->speed = t->options.adapler ? speed_norm(t) : 0;
	int code = check_norms(t, out, e);
	if (code)
		return code;
	t->updates++;
	struct update u = {t, adam_of(r->network, clip_factor(out->network, clip), epsilon, t->updates),
	                   (float)(r->network * given(r->decay, DECAY, 0))};
	pool_for(t->pool, t->segments_count, update_task, &u);
	if (t->options.adapler) {
		const struct adam adam = adam_of(r->speed, clip_factor(out->speed, clip), epsilon, t->updates);
		update_speed(t, &adam);
	}
	return 0;
}
