#include "stats.h"

#include "../engine/base/err.h"
#include "../engine/base/rng.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

static const double PI = 3.141592653589793238463;

static int is_level(double alpha) { return alpha > 0 && alpha < 1; }

/* ---- one sample ------------------------------------------------------------------------------------------------ */

/* The lower of the two roots c -+ h of Wilson's equation, by their product p^2: the difference would cancel for rare
 * successes. Exactly 0 without any. */
static double wilson_lower(double successes, double trials, double z)
{
	double p = successes / trials, z2 = z * z / trials;
	return p * p / (p + z2 / 2 + sqrt(z2 * (p * (1 - p) + z2 / 4)));
}

struct interval stats_wilson(int64_t successes, int64_t trials, double alpha)
{
	assert(0 <= successes && successes <= trials);
	if (!trials || !is_level(alpha))
		return (struct interval){NAN, NAN};
	double z = stats_normal_quantile(alpha / 2), n = (double)trials;
	return (struct interval){wilson_lower((double)successes, n, z), 1 - wilson_lower(n - (double)successes, n, z)};
}

/* The second pass takes off what the first one rounded: the mean of equal numbers is that number. */
double stats_mean(const double *x, int n)
{
	double sum = 0, rest = 0;
	for (int i = 0; i < n; i++)
		sum += x[i];
	for (int i = 0; i < n; i++)
		rest += x[i] - sum / n;
	return n > 0 ? sum / n + rest / n : NAN;
}

double stats_sd(const double *x, int n)
{
	double mean = stats_mean(x, n), squares = 0;
	for (int i = 0; i < n; i++)
		squares += (x[i] - mean) * (x[i] - mean);
	return n > 1 ? sqrt(squares / (n - 1)) : NAN;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double quantile_of_sorted(const double *x, int n, double q)
{
	double at = q * (n - 1);
	int i = (int)at;
	/* Nothing to interpolate: at the last one, and between infinities. */
	if (at == i || x[i] == x[i + 1])
		return x[i];
	return x[i] + (at - i) * (x[i + 1] - x[i]);
}

static int has_nan(const double *x, int n)
{
	for (int i = 0; i < n; i++)
		if (isnan(x[i]))
			return 1;
	return 0;
}

double stats_quantile(double *x, int n, double q)
{
	if (n < 1 || !(q >= 0 && q <= 1) || has_nan(x, n))
		return NAN;
	qsort(x, (size_t)n, sizeof *x, by_value);
	return quantile_of_sorted(x, n, q);
}

double stats_median(double *x, int n) { return stats_quantile(x, n, 0.5); }

struct interval stats_mean_interval(const double *x, int n, double alpha)
{
	if (n < 2 || !is_level(alpha))
		return (struct interval){NAN, NAN};
	double mean = stats_mean(x, n), half = -stats_student_quantile(alpha / 2, n - 1) * stats_sd(x, n) / sqrt(n);
	return (struct interval){mean - half, mean + half};
}

/* ---- resampling ------------------------------------------------------------------------------------------------ */

/* Four indices a block, each the upper half of word * n, which favours none by more than n / 2^32: 2,000 draws of
 * 25,000 take 0.2 s, and 0.6 s with rng_below. */
static void resample(int *pick, int n, uint64_t seed, uint64_t stream, uint64_t draw)
{
	for (int i = 0; i < n; i += 4) {
		uint32_t w[4];
		rng_block(w, seed, stream, draw << 32 | (uint64_t)i / 4);
		for (int k = 0; k < 4 && k < n - i; k++)
			pick[i + k] = (int)((uint64_t)w[k] * (uint64_t)n >> 32);
	}
}

int stats_resample(double *values, int count, int n, statistics *f, void *arg, int draws, uint64_t seed, struct err *e)
{
	assert(n >= 0 && count >= 0 && draws >= 0);
	for (size_t i = 0; n == 0 && i < (size_t)draws * (size_t)count; i++)
		values[i] = NAN;
	if (!n)
		return 0;
	const uint64_t stream = rng_stream("bootstrap");
	int *pick = malloc((size_t)n * sizeof *pick);
	if (!pick)
		return err_set(e, ERR_MEMORY, "out of memory for a resample of %d", n);
	for (int i = 0; i < draws; i++) {
		resample(pick, n, seed, stream, (uint64_t)i);
		f(values + (size_t)i * (size_t)count, pick, n, arg);
	}
	free(pick);
	return 0;
}

struct single {
	statistic *f;
	void *arg;
};

static void one_value(double *value, const int *pick, int n, void *arg)
{
	const struct single *s = arg;
	*value = s->f(pick, n, s->arg);
}

/* Moves the defined ones to the front; their number. */
static int defined(double *x, int n)
{
	int kept = 0;
	for (int i = 0; i < n; i++)
		if (!isnan(x[i]))
			x[kept++] = x[i];
	return kept;
}

static struct interval percentiles(double *values, int draws, double alpha)
{
	int n = defined(values, draws);
	if (n < draws - n || !is_level(alpha))
		return (struct interval){NAN, NAN};
	return (struct interval){stats_quantile(values, n, alpha / 2), stats_quantile(values, n, 1 - alpha / 2)};
}

int stats_bootstrap(struct interval *out, int n, statistic *f, void *arg, int draws, uint64_t seed, double alpha,
                    struct err *e)
{
	assert(draws >= 0);
	double *values = malloc(((size_t)draws + 1) * sizeof *values);
	if (!values)
		return err_set(e, ERR_MEMORY, "out of memory for %d draws", draws);
	int code = stats_resample(values, 1, n, one_value, &(struct single){f, arg}, draws, seed, e);
	if (!code)
		*out = percentiles(values, draws, alpha);
	free(values);
	return code;
}

/* ---- two systems on the same samples --------------------------------------------------------------------------- */

/* Binomial weights from the middle outwards, relative to the middle one: neither a factorial nor 2^(b+c) is ever
 * formed, and the weights vanish after some 20 sqrt(b+c) steps. */
double stats_mcnemar(int64_t b, int64_t c)
{
	assert(b >= 0 && c >= 0);
	const int64_t n = b + c, fewer = b < c ? b : c;
	double weight = 1, all = 0, tails = 0;
	for (int64_t k = n / 2; weight >= DBL_MIN; k--) {
		all += 2 * k == n ? weight : 2 * weight;
		tails += k <= fewer ? 2 * weight : 0;
		weight *= (double)k / (double)(n - k + 1);
	}
	return fmin(1, tails / all);
}

/* What is equal but for rounding is as far. An undefined difference is too: it cannot speak against chance. */
static const double SLACK = 1e-12;

static int is_as_far(double difference, double least) { return !(fabs(difference) < least); }

/* A bit a sample, 128 a block. */
static void swap_some(unsigned char *swapped, int n, uint64_t seed, uint64_t stream, uint64_t draw)
{
	uint32_t w[4] = {0};
	for (int i = 0; i < n; i += 32) {
		if (i % 128 == 0)
			rng_block(w, seed, stream, draw << 32 | (uint64_t)i / 128);
		const uint32_t bits = w[i / 32 % 4];
		const int end = n - i < 32 ? n - i : 32;
		for (int k = 0; k < end; k++)
			swapped[i + k] = bits >> k & 1;
	}
}

static double sampled_p(unsigned char *swapped, int n, swapped_difference *f, void *arg, double least, int draws,
                        uint64_t seed)
{
	const uint64_t stream = rng_stream("permutation");
	int far = 0;
	for (int i = 0; i < draws; i++) {
		swap_some(swapped, n, seed, stream, (uint64_t)i);
		far += is_as_far(f(swapped, n, arg), least);
	}
	return (1.0 + far) / (1.0 + draws);
}

int stats_permutation(double *p, int n, swapped_difference *f, void *arg, int draws, uint64_t seed, struct err *e)
{
	assert(n >= 0 && draws >= 0);
	unsigned char *swapped = calloc((size_t)n + 1, 1);
	if (!swapped)
		return err_set(e, ERR_MEMORY, "out of memory for a permutation of %d", n);
	double observed = n ? f(swapped, n, arg) : NAN;
	*p = isnan(observed) ? NAN : sampled_p(swapped, n, f, arg, fabs(observed) * (1 - SLACK), draws, seed);
	free(swapped);
	return 0;
}

static double flipped_sum(const unsigned char *swapped, int n, void *arg)
{
	const double *d = *(const double **)arg;
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += swapped[i] ? -d[i] : d[i];
	return sum;
}

enum { EXACT = 16 };

static double enumerated_p(const double *d, int n, double least)
{
	unsigned char swapped[EXACT];
	int far = 0;
	for (int signs = 0; signs < 1 << n; signs++) {
		for (int i = 0; i < n; i++)
			swapped[i] = signs >> i & 1;
		far += is_as_far(flipped_sum(swapped, n, &d), least);
	}
	return (double)far / (1 << n);
}

int stats_sign_flip(double *p, const double *d, int n, int draws, uint64_t seed, struct err *e)
{
	assert(n >= 0 && draws >= 0);
	double sum = 0, size = 0;
	for (int i = 0; i < n; i++) {
		sum += d[i];
		size += fabs(d[i]);
	}
	/* A sum is rounded in proportion to its terms, not to itself: 0.2 + 0.4 - 0.2 - 0.4 is not 0 in every order. */
	double least = fabs(sum) - SLACK * size;
	*p = NAN;
	if (!n || isnan(sum))
		return 0;
	if (n <= EXACT) {
		*p = enumerated_p(d, n, least);
		return 0;
	}
	unsigned char *swapped = malloc((size_t)n);
	if (!swapped)
		return err_set(e, ERR_MEMORY, "out of memory for a permutation of %d", n);
	*p = sampled_p(swapped, n, flipped_sum, &d, least, draws, seed);
	free(swapped);
	return 0;
}

/* ---- many tests ------------------------------------------------------------------------------------------------ */

struct ranked {
	double p;
	int at;
};

static int by_p(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return (x->p > y->p) - (x->p < y->p);
}

int stats_holm(double *adjusted, const double *p, int n, struct err *e)
{
	assert(n >= 0);
	struct ranked *sorted = malloc(((size_t)n + 1) * sizeof *sorted);
	if (!sorted)
		return err_set(e, ERR_MEMORY, "out of memory for %d p-values", n);
	int tests = 0;
	for (int i = 0; i < n; i++) {
		adjusted[i] = p[i];
		if (!isnan(p[i]))
			sorted[tests++] = (struct ranked){p[i], i};
	}
	qsort(sorted, (size_t)tests, sizeof *sorted, by_p);
	double largest = 0;
	for (int i = 0; i < tests; i++) {
		largest = fmax(largest, (tests - i) * sorted[i].p);
		adjusted[sorted[i].at] = fmin(1, largest);
	}
	free(sorted);
	return 0;
}

/* ---- what could be seen ---------------------------------------------------------------------------------------- */

/* Connor: sqrt(n) d = a sqrt(s) + b sqrt(s - d^2) with a, b the normal quantiles of 1 - alpha/2 and power, s the
 * discordant share. Squared it is quadratic in d; below n = a^2 that root is of the other sign of the square root. */
double stats_detectable_difference(int64_t n, double discordant, double alpha, double power)
{
	double a = -stats_normal_quantile(alpha / 2), b = stats_normal_quantile(power), samples = (double)n;
	double d = a * sqrt(samples) + b * sqrt(samples + b * b - a * a);
	d *= sqrt(discordant) / (samples + b * b);
	return is_level(alpha) && samples > a * a && d > 0 && d <= discordant ? d : NAN;
}

/* ---- quantiles ------------------------------------------------------------------------------------------------- */

/* For p < 1/2: Abramowitz and Stegun 26.2.23 (within 4.5e-4), then Halley's steps, each of which cubes the error. */
static double normal_lower(double p)
{
	double t = sqrt(-2 * log(p));
	double x = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
	for (int i = 0; i < 2; i++) {
		double off = (erfc(-x / sqrt(2)) / 2 - p) / (exp(-x * x / 2) / sqrt(2 * PI));
		x -= off / (1 + x * off / 2);
	}
	return x;
}

/* The quantile of a distribution that is symmetric about 0, from that of its lower half: 1 - p is exact from 1/2 on. */
double stats_normal_quantile(double p)
{
	if (!(p >= 0 && p <= 1))
		return NAN;
	if (p == 0 || p == 1)
		return p ? INFINITY : -INFINITY;
	return p == 0.5 ? 0 : p < 0.5 ? normal_lower(p) : -normal_lower(1 - p);
}

/* Gamma(a + 1/2) / Gamma(a): the series in 1/a from 100 on, by recurrence below. The difference of two lgamma would
 * lose digits as a grows. */
static double gamma_ratio(double a)
{
	double scale = 1;
	for (; a < 100; a++)
		scale *= a / (a + 0.5);
	double u = 1 / (8 * a);
	return scale * sqrt(a) * (1 - u * (1 - u / 2 * (1 + u * (5 - u * 21 / 4))));
}

/* The continued fraction 1 + d1/(1 + d2/(1 + ...)) of the incomplete beta function (DLMF 8.17.22), by Lentz:
 * I_x(a,b) = x^a (1-x)^b / (a B(a,b)) / it. */
static double beta_fraction(double a, double b, double x)
{
	double f = 1, c = 1, d = 0, step = 0;
	for (int i = 1; i < 100000 && step != 1; i++) {
		const int m = i / 2;
		double term = i % 2 ? -(a + m) * (a + b + m) : m * (b - m);
		term *= x / ((a + i - 1) * (a + i));
		d = 1 / (1 + term * d);
		c = 1 + term / c;
		step = c * d;
		f *= step;
	}
	return f;
}

/* P(T > t), t > 0, which is I_x(df/2, 1/2) / 2 with x = df / (df + t^2); by 1 - I_(1-x)(1/2, df/2) where that converges
 * faster. */
static double student_tail(double t, double df)
{
	double a = df / 2, r = t * t / df, x = 1 / (1 + r), y = 1 / (1 + 1 / r);
	double front = exp(-a * log1p(r)) * sqrt(y / PI) * gamma_ratio(a);
	if (x < (a + 1) / (a + 2.5))
		return front / (2 * a * beta_fraction(a, 0.5, x));
	return 0.5 - front / beta_fraction(0.5, a, y);
}

/* Bisection: slow, but sure for the heaviest tails, and a quantile is asked for once a table. */
static double student_upper(double p, double df)
{
	double lo = 0, hi = 1;
	for (; student_tail(hi, df) > p; hi *= 2)
		lo = hi;
	for (int i = 0; i < 64; i++) {
		double t = (lo + hi) / 2;
		if (student_tail(t, df) > p)
			lo = t;
		else
			hi = t;
	}
	return (lo + hi) / 2;
}

/* The first terms in 1/df (Abramowitz and Stegun 26.7.5): from a million on the next is below 1e-9 even at z = 38. */
static double student_near_normal(double z, double df)
{
	double z2 = z * z;
	return z + z * (1 + z2) / (4 * df) + z * (3 + z2 * (16 + z2 * 5)) / (96 * df * df);
}

double stats_student_quantile(double p, double df)
{
	double z = stats_normal_quantile(p);
	if (!(df > 0))
		return NAN;
	if (isnan(z) || isinf(z) || z == 0)
		return z;
	if (df > 1e6)
		return student_near_normal(z, df);
	return p < 0.5 ? -student_upper(p, df) : student_upper(1 - p, df);
}
