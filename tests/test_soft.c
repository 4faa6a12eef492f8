/* Soft removal: by hand, by its limits, and its derivatives by central differences. */
#include "../engine/soft.h"

#include "../engine/base/rng.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { N_MAX = 30 };

/* ---- by hand -------------------------------------------------------------------------------------------------- */

TEST(scores_are_rescaled_by_the_mask_but_cls)
{
	const double score[] = {0.5, 0.3, 0.2}, mask[] = {0, 1, 0.5}; /* 0.5 + 0.3 + 0.1 */
	double out[3];
	soft_rescale(out, score, mask, 3);
	CHECK_NEAR(out[0], 0.5 / 0.9, 1e-12);
	CHECK_NEAR(out[1], 0.3 / 0.9, 1e-12);
	CHECK_NEAR(out[2], 0.1 / 0.9, 1e-12);
}

/* delta = 0.5 / 3; row 1: (0.4 - 1) 0.01 / (1 - delta); row 2: 60 (0.1 - delta) - 0.01, half as much at u = 1/2. */
TEST(one_step_by_hand)
{
	const double score[] = {0.5, 0.4, 0.1}, mask[] = {0, 1, 0.5}, bias[] = {0, -1, -2};
	double mask_out[3], bias_out[3];
	struct soft_step s = {.n = 3, .eta = 0.5, .lambda = 10, .score = score, .mask = mask, .bias = bias, .length = 3};
	s.mask_out = mask_out;
	s.bias_out = bias_out;
	soft_forward(&s);
	CHECK_NEAR(bias_out[0], 0, 0);
	CHECK_NEAR(bias_out[1], -1 - 0.0072, 1e-8);
	CHECK_NEAR(bias_out[2], -2 - 4.01 / 2, 1e-8);
	CHECK_NEAR(mask_out[0], 0, 0);
	CHECK_NEAR(mask_out[1], exp(-0.0072), 1e-8);
	CHECK_NEAR(mask_out[2], 0.5 * exp(-2.005), 1e-8);
	CHECK_NEAR(s.length_out, 1 + exp(-0.0072) + 0.5 * exp(-2.005), 1e-8);
}

/* ---- random sequences ----------------------------------------------------------------------------------------- */

struct sequence {
	int n;
	double eta, lambda, length;
	double score[N_MAX], mask[N_MAX], bias[N_MAX];
	double mask_out[N_MAX], bias_out[N_MAX], length_out;
	/* Weights of a made-up loss: their sum with what comes out. */
	double by_mask[N_MAX], by_bias[N_MAX], by_length;
};

static double draw(uint64_t seed, int kind, int i) { return rng_uniform(seed, (uint64_t)kind, (uint64_t)i); }

/* Masks from 1 down to below 1e-6, biases down to the clamp at -10000. */
static struct sequence sequence_of(int n, double lambda, uint64_t seed)
{
	struct sequence x = {.n = n, .lambda = lambda, .eta = 0.05 + 0.95 * draw(seed, 0, 0), .length = 1};
	double sum = 0;
	x.by_length = draw(seed, 1, 0) - 0.5;
	for (int i = 0; i < n; i++) {
		const double u = draw(seed, 2, i);
		x.score[i] = exp(rng_normal(seed, 3, (uint64_t)i));
		sum += x.score[i];
		x.mask[i] = u < 0.4 ? 1 : u < 0.6 ? 1e-8 : draw(seed, 4, i);
		x.bias[i] = u < 0.4 ? 0 : -10000 * draw(seed, 5, i);
		x.by_mask[i] = draw(seed, 6, i) - 0.5;
		x.by_bias[i] = draw(seed, 7, i) - 0.5;
		x.length += i ? x.mask[i] : 0;
	}
	for (int i = 0; i < n; i++)
		x.score[i] /= sum;
	return x;
}

static struct soft_step step_of(struct sequence *x, int with_bias)
{
	struct soft_step s = {.n = x->n, .eta = x->eta, .lambda = x->lambda, .score = x->score, .mask = x->mask};
	s.length = x->length;
	s.bias = with_bias ? x->bias : NULL;
	s.mask_out = x->mask_out;
	s.bias_out = x->bias_out;
	return s;
}

static double loss(struct sequence *x, int with_bias)
{
	struct soft_step s = step_of(x, with_bias);
	soft_forward(&s);
	double sum = x->by_length * s.length_out;
	for (int i = 0; i < x->n; i++)
		sum += x->by_mask[i] * x->mask_out[i] + (with_bias ? x->by_bias[i] * x->bias_out[i] : 0);
	return sum;
}

/* What rounding makes of a difference at +-h: the last bits of the terms that the loss adds up. */
static double noise(const struct sequence *x, int with_bias, double h)
{
	double sum = fabs(x->by_length) * x->n;
	for (int i = 0; i < x->n; i++)
		sum += 1 + (with_bias ? fabs(x->by_bias[i] * x->bias_out[i]) : 0);
	return 2e-16 * sum / h;
}

static double difference(struct sequence *x, int with_bias, double *at, double h)
{
	const double kept = *at;
	*at = kept + h;
	const double above = loss(x, with_bias);
	*at = kept - h;
	const double below = loss(x, with_bias);
	*at = kept;
	return (above - below) / (2 * h);
}

static void check_list(struct sequence *x, int with_bias, double *at, const double *found, int count, double h,
                       const char *what)
{
	for (int i = 0; i < count; i++) {
		const double expected = difference(x, with_bias, &at[i], h);
		if (!(fabs(found[i] - expected) <= 1e-5 * fabs(expected) + noise(x, with_bias, h)))
			test_fail(__FILE__, __LINE__, "n %d lambda %g: by %s[%d] is %.12g, not %.12g", x->n, x->lambda, what, i,
			          found[i], expected);
	}
}

static void check_step(int n, double lambda, int with_bias, uint64_t seed)
{
	struct sequence x = sequence_of(n, lambda, seed);
	const struct soft_step s = step_of(&x, with_bias);
	double mask[N_MAX], bias[N_MAX], score[N_MAX] = {0};
	memcpy(mask, x.by_mask, sizeof mask);
	memcpy(bias, x.by_bias, sizeof bias);
	struct soft_gradient g = {.mask = mask, .bias = with_bias ? bias : NULL, .length = x.by_length, .score = score};
	soft_backward(&s, &g);
	/* So small that no exponent moves by more than a thousandth. */
	check_list(&x, with_bias, x.score, score, n, 1e-3 * x.eta / x.length / lambda, "score");
	check_list(&x, with_bias, x.mask, mask, n, 1e-7, "mask");
	if (with_bias)
		check_list(&x, with_bias, x.bias, bias, n, 1e-4, "bias");
	check_list(&x, with_bias, &x.eta, &g.eta, 1, 1e-4 * x.eta / lambda, "eta");
	check_list(&x, with_bias, &x.length, &g.length, 1, 1e-4 * x.length / lambda, "length");
}

static const int lengths[] = {1, 2, 7, 30};
static const double lambdas[] = {10, 50, 1000};

TEST(a_steps_derivatives_are_the_differences)
{
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 3; j++)
			for (uint64_t seed = 0; seed < 20; seed++) {
				check_step(lengths[i], lambdas[j], 1, seed);
				check_step(lengths[i], lambdas[j], 0, seed);
			}
}

TEST(gradients_of_scores_and_eta_are_added_to)
{
	struct sequence x = sequence_of(7, 10, 3);
	const struct soft_step s = step_of(&x, 0);
	double mask[7], score[7] = {0}, added[7];
	for (int i = 0; i < 7; i++)
		added[i] = i;
	memcpy(mask, x.by_mask, sizeof mask);
	struct soft_gradient g = {.mask = mask, .length = x.by_length, .score = score};
	soft_backward(&s, &g);
	memcpy(mask, x.by_mask, sizeof mask);
	struct soft_gradient more = {.mask = mask, .length = x.by_length, .score = added, .eta = 5};
	soft_backward(&s, &more);
	for (int i = 0; i < 7; i++)
		CHECK_NEAR(added[i], i + score[i], 1e-12);
	CHECK_NEAR(more.eta, 5 + g.eta, 1e-12);
}

static double rescaled_loss(const struct sequence *x)
{
	double out[N_MAX], sum = 0;
	soft_rescale(out, x->score, x->mask, x->n);
	for (int i = 0; i < x->n; i++)
		sum += x->by_mask[i] * out[i];
	return sum;
}

static double rescaled_difference(const struct sequence *x, double *at)
{
	const double kept = *at, h = 1e-6;
	*at = kept + h;
	const double above = rescaled_loss(x);
	*at = kept - h;
	const double below = rescaled_loss(x);
	*at = kept;
	return (above - below) / (2 * h);
}

TEST(rescalings_derivatives_are_the_differences)
{
	for (int k = 0; k < 4; k++)
		for (uint64_t seed = 0; seed < 20; seed++) {
			struct sequence x = sequence_of(lengths[k], 10, seed);
			double by_score[N_MAX], by_mask[N_MAX], rescaled[N_MAX];
			soft_rescale(rescaled, x.score, x.mask, x.n);
			for (int i = 0; i < x.n; i++)
				by_mask[i] = 1; /* added to */
			memcpy(by_score, x.by_mask, sizeof by_score);
			soft_rescale_backward(by_score, by_mask, by_score, rescaled, x.score, x.mask, x.n);
			for (int i = 0; i < x.n; i++) {
				CHECK_NEAR(by_score[i], rescaled_difference(&x, &x.score[i]), 1e-7);
				CHECK_NEAR(by_mask[i], 1 + rescaled_difference(&x, &x.mask[i]), 1e-7);
			}
		}
}

/* ---- bounds and limits ---------------------------------------------------------------------------------------- */

TEST(masks_only_fall_and_biases_stay_within_their_clamp)
{
	static const double wide[] = {1e-3, 10, 1000, 1e5, 1e20};
	for (int j = 0; j < 5; j++)
		for (uint64_t seed = 0; seed < 50; seed++) {
			struct sequence x = sequence_of(30, wide[j], seed);
			struct soft_step s = step_of(&x, 1);
			double sum = 1;
			soft_forward(&s);
			for (int i = 1; i < x.n; i++) {
				CHECK(0 <= x.mask_out[i] && x.mask_out[i] <= x.mask[i]);
				CHECK(-10000 <= x.bias_out[i] && x.bias_out[i] <= x.bias[i]);
				sum += x.mask_out[i];
			}
			CHECK_NEAR(s.length_out, sum, 1e-12);
			CHECK(x.mask_out[0] == x.mask[0] && x.bias_out[0] == x.bias[0]);
		}
}

TEST(outputs_may_be_the_inputs)
{
	struct sequence a = sequence_of(30, 1000, 1), b = a;
	struct soft_step apart = step_of(&a, 1), in_place = step_of(&b, 1);
	in_place.mask_out = b.mask;
	in_place.bias_out = b.bias;
	soft_forward(&apart);
	soft_forward(&in_place);
	CHECK(!memcmp(a.mask_out, b.mask, sizeof b.mask) && !memcmp(a.bias_out, b.bias, sizeof b.bias));
	CHECK(apart.length_out == in_place.length_out);
}

TEST(a_large_lambda_removes_what_the_threshold_drops_and_nothing_else)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct sequence x = sequence_of(30, 1e20, seed);
		for (int i = 0; i < x.n; i++) {
			x.mask[i] = 1;
			x.bias[i] = 0;
		}
		x.length = x.n;
		struct soft_step s = step_of(&x, 1);
		soft_forward(&s);
		for (int i = 1; i < x.n; i++) {
			const int lives = x.score[i] >= x.eta / x.n;
			CHECK_NEAR(x.mask_out[i], lives, 0);
			CHECK_NEAR(x.bias_out[i], lives ? 0 : -10000, 1e-15);
		}
	}
}
