#include "soft.h"

#include <math.h>

static const double BETA = 0.1, FLOOR = -10000, MASK_LEAST = 1e-6, SUM_LEAST = 1e-15, SLOPE_LEAST = 1e-7;

static double rescaled_sum(const double *score, const double *mask, int n)
{
	double sum = score[0];
	for (int i = 1; i < n; i++)
		sum += score[i] * mask[i];
	return sum + SUM_LEAST;
}

void soft_rescale(double *out, const double *score, const double *mask, int n)
{
	const double sum = rescaled_sum(score, mask, n);
	for (int i = 0; i < n; i++)
		out[i] = (i ? score[i] * mask[i] : score[i]) / sum;
}

void soft_rescale_backward(double *by_score, double *by_mask, const double *by_out, const double *rescaled,
                           const double *score, const double *mask, int n)
{
	const double sum = rescaled_sum(score, mask, n);
	double dot = 0;
	for (int i = 0; i < n; i++)
		dot += by_out[i] * rescaled[i];
	for (int i = 0; i < n; i++) {
		const double by_product = (by_out[i] - dot) / sum;
		by_score[i] = i ? by_product * mask[i] : by_product;
		if (i)
			by_mask[i] += by_product * score[i];
	}
}

/* m / u = clamp(min(steep ramp below the threshold, gentle slope above it), -10000, 0), and its derivatives. */
struct removal {
	double value, by_score, by_delta;
};

static struct removal removal(double score, double delta, double lambda)
{
	const double below = lambda / delta * (score - delta) - BETA / lambda;
	const double room = 1 - delta + SLOPE_LEAST, above = (score - 1) * (BETA / lambda) / room;
	struct removal r = {fmin(below, above), 0, 0};
	if (r.value > 0 || r.value < FLOOR)
		return (struct removal){fmax(fmin(r.value, 0), FLOOR), 0, 0};
	if (below < above) {
		r.by_score = lambda / delta;
		r.by_delta = -lambda * score / (delta * delta);
	} else {
		r.by_score = BETA / lambda / room;
		r.by_delta = above / room;
	}
	return r;
}

void soft_forward(struct soft_step *s)
{
	const double delta = s->eta / s->length;
	double length = 1;
	s->mask_out[0] = s->mask[0];
	if (s->bias)
		s->bias_out[0] = s->bias[0];
	for (int i = 1; i < s->n; i++) {
		const double u = s->mask[i], m = removal(s->score[i], delta, s->lambda).value * u;
		if (s->bias)
			s->bias_out[i] = fmax(s->bias[i] + m, FLOOR);
		s->mask_out[i] = u > MASK_LEAST ? u * exp(m) : u;
		length += s->mask_out[i];
	}
	s->length_out = length;
}

/* Row i: the derivatives by the outgoing mask and bias become those by the incoming ones; returns the one by delta. */
static double row_backward(const struct soft_step *s, struct soft_gradient *g, int i, double delta)
{
	const double u = s->mask[i], by_mask = g->mask[i] + g->length;
	const struct removal r = removal(s->score[i], delta, s->lambda);
	double by_m = 0;
	g->mask[i] = by_mask;
	if (u > MASK_LEAST) {
		const double decay = exp(r.value * u);
		g->mask[i] = by_mask * decay;
		by_m = by_mask * u * decay;
	}
	if (s->bias) {
		if (s->bias[i] + r.value * u < FLOOR)
			g->bias[i] = 0;
		by_m += g->bias[i];
	}
	g->mask[i] += by_m * r.value;
	g->score[i] += by_m * u * r.by_score;
	return by_m * u * r.by_delta;
}

void soft_backward(const struct soft_step *s, struct soft_gradient *g)
{
	const double delta = s->eta / s->length;
	double by_delta = 0;
	for (int i = 1; i < s->n; i++)
		by_delta += row_backward(s, g, i, delta);
	g->eta += by_delta / s->length;
	g->length = -by_delta * s->eta / (s->length * s->length);
}
