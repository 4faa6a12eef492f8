/* Soft removal by the formulas of the method, in double: lambda reaches 1e20. */
#include "soft.h"

#include <math.h>

static const double BETA = 0.1, FLOOR = -10000, MASK_LEAST = 1e-6;

void soft_begin(struct soft *s)
{
	for (int i = 0; i < s->n; i++) {
		s->mask[i] = i > 0;
		s->key_bias[i] = 0;
	}
	s->length = s->n;
}

/* s * [1, u_1..], renormalised. */
static void rescale(const struct soft *s, float *score)
{
	double sum = score[0];
	for (int i = 1; i < s->n; i++)
		sum += score[i] * s->mask[i];
	score[0] = (float)(score[0] / (sum + 1e-15));
	for (int i = 1; i < s->n; i++)
		score[i] = (float)(score[i] * s->mask[i] / (sum + 1e-15));
}

/* m = clamp(min(steep ramp below the threshold, gentle slope above it), -10000, 0). */
static double removal(double score, double delta, double lambda)
{
	double below = lambda / delta * (score - delta) - BETA / lambda;
	double above = (score - 1) * (BETA / lambda) / (1 - delta + 1e-7);
	return fmax(fmin(fmin(below, above), 0), FLOOR);
}

void soft_step(struct soft *s, float *score, double eta, double lambda)
{
	double delta = eta / s->length, length = 1;
	rescale(s, score);
	for (int i = 1; i < s->n; i++) {
		double m = removal(score[i], delta, lambda) * s->mask[i];
		if (s->mask[i] > MASK_LEAST)
			s->mask[i] *= exp(m);
		s->key_bias[i] = (float)fmax(s->key_bias[i] + m, FLOOR);
		length += s->mask[i];
	}
	s->length = length;
}
