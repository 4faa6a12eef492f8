#include "soft.h"

#include <math.h>

static const double BETA = 0.1, FLOOR = -10000, MASK_LEAST = 1e-6, SUM_LEAST = 1e-15, SLOPE_LEAST = 1e-7;

/* Sum of score * [1, u_1..]; the scores are renormalised by it. */
static double weighted_sum(const struct soft_step *s)
{
	double sum = s->score[0];
	for (int i = 1; i < s->n; i++)
		sum += s->score[i] * s->mask[i];
	return sum + SUM_LEAST;
}

static double rescaled(const struct soft_step *s, int i, double sum)
{
	if (!s->is_rescaled)
		return s->score[i];
	return (i ? s->score[i] * s->mask[i] : s->score[i]) / sum;
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
	const double delta = s->eta / s->length, sum = weighted_sum(s);
	double length = 1;
	if (s->rescaled)
		s->rescaled[0] = rescaled(s, 0, sum);
	s->mask_out[0] = s->mask[0];
	if (s->bias)
		s->bias_out[0] = s->bias[0];
	for (int i = 1; i < s->n; i++) {
		const double score = rescaled(s, i, sum), u = s->mask[i];
		const double m = removal(score, delta, s->lambda).value * u;
		if (s->rescaled)
			s->rescaled[i] = score;
		if (s->bias)
			s->bias_out[i] = fmax(s->bias[i] + m, FLOOR);
		s->mask_out[i] = u > MASK_LEAST ? u * exp(m) : u;
		length += s->mask_out[i];
	}
	s->length_out = length;
}

/* Through the renormalised scores q_i / Q, q = score * [1, u_1..]: by[i] is the derivative by the i-th of them. */
static void rescale_backward(const struct soft_step *s, struct soft_gradient *g, const double *by, double dot,
                             double sum)
{
	for (int i = 0; i < s->n; i++) {
		const double by_q = ((i ? by[i] : 0) - dot) / sum;
		g->score[i] += i ? by_q * s->mask[i] : by_q;
		if (i)
			g->mask[i] += by_q * s->score[i];
	}
}

/* Row i's step: replaces the derivative by the outgoing mask and bias by those by the incoming ones; returns the
 * derivative by the score that met the threshold, adds to the one by delta. */
static double row_backward(const struct soft_step *s, struct soft_gradient *g, int i, double score, double delta,
                           double *by_delta)
{
	const double u = s->mask[i], by_mask = g->mask[i] + g->length;
	const struct removal r = removal(score, delta, s->lambda);
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
	*by_delta += by_m * u * r.by_delta;
	return by_m * u * r.by_score;
}

void soft_backward(const struct soft_step *s, struct soft_gradient *g)
{
	const double delta = s->eta / s->length, sum = weighted_sum(s);
	double by_delta = 0, dot = 0, *by = g->scratch;
	for (int i = 1; i < s->n; i++) {
		const double score = rescaled(s, i, sum);
		by[i] = row_backward(s, g, i, score, delta, &by_delta);
		dot += by[i] * score;
	}
	if (s->is_rescaled)
		rescale_backward(s, g, by, dot, sum);
	else
		for (int i = 1; i < s->n; i++)
			g->score[i] += by[i];
	g->eta += by_delta / s->length;
	g->length = -by_delta * s->eta / (s->length * s->length);
}
