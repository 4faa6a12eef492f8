/* The two optimisers of method.md: AdamW for the network, Adam for eta and theta, each clipped by its own norm. */
#include "trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A piece of a tensor: what one task updates, and the unit in which norms are summed. */
struct segment {
	size_t begin, count;
	int has_decay;
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

/* Biases and norms do not decay: the tensors that are vectors. */
static int list_segments(const struct weight_info *info, void *arg)
{
	struct listing *l = arg;
	if (!*info->slot || is_speed(info))
		return 0;
	const size_t size = (size_t)info->rows * (size_t)(info->columns ? info->columns : 1);
	const size_t begin = (size_t)(*info->slot - l->t->w.values);
	for (size_t at = 0; at < size; at += SEGMENT_FLOATS) {
		const size_t left = size - at;
		if (l->out)
			l->out[l->count] =
				(struct segment){begin + at, left < SEGMENT_FLOATS ? left : SEGMENT_FLOATS, info->columns > 0};
		l->count++;
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

static void square_task(void *arg, int task, int worker)
{
	struct trainer *t = arg;
	const struct segment *s = &t->segments[task];
	(void)worker;
	t->partial_sums[task] = t->kernels->square_sum(t->g.values + s->begin, s->count);
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

struct update {
	struct trainer *t;
	struct adam adam;
	float decay;
};

static void update_task(void *arg, int task, int worker)
{
	const struct update *u = arg;
	struct trainer *t = u->t;
	const struct segment *s = &t->segments[task];
	struct adam adam = u->adam;
	(void)worker;
	adam.decay = s->has_decay ? u->decay : 0;
	t->kernels->adam(t->w.values + s->begin, t->g.values + s->begin, t->m.values + s->begin, t->v.values + s->begin,
	                 s->count, &adam);
}

static double given(double value, double otherwise) { return value < 0 ? 0 : value > 0 ? value : otherwise; }

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
	               isfinite(x.value) ? "adapler.eta" : x.tensor, (unsigned long long)t->step);
}

int trainer_update(struct trainer *t, const struct rates *r, struct norms *out, struct err *e)
{
	const double clip = given(r->clip, CLIP), epsilon = given(r->epsilon, EPSILON);
	out->network = network_norm(t);
	out->speed = t->options.adapler ? speed_norm(t) : 0;
	int code = check_norms(t, out, e);
	if (code)
		return code;
	t->updates++;
	struct update u = {t, adam_of(r->network, clip_factor(out->network, clip), epsilon, t->updates),
	                   (float)(r->network * given(r->decay, DECAY))};
	pool_for(t->pool, t->segments_count, update_task, &u);
	if (t->options.adapler) {
		const struct adam adam = adam_of(r->speed, clip_factor(out->speed, clip), epsilon, t->updates);
		update_speed(t, &adam);
	}
	train_pack(t);
	return 0;
}
