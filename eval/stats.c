#include "stats.h"

#include "../engine/base/err.h"
#include "../engine/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXACT_MOST = 16 }; /* sign flips: all 2^16 are looked at */

static const struct interval undefined = {NAN, NAN};

/* ---- distributions --------------------------------------------------------------------------------------------- */

/* erfc inverted by Newton's steps from a start that is good to 1e-3 (Abramowitz and Stegun 26.2.23). */
double stats_normal_quantile(double p)
{
	if (!(p > 0 && p < 1))
		return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
	const double tail = p < 0.5 ? p : 1 - p, t = sqrt(-2 * log(tail));
	double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
	for (int i = 0; i < 4; i++) {
		const double error = 0.5 * erfc(z / M_SQRT2) - tail, density = exp(-z * z / 2) / sqrt(2 * M_PI);
		z += error / density;
	}
	return p < 0.5 ? -z : z;
}

/* The continued fraction of the incomplete beta function (Lentz). */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1);
	d = 1 / (fabs(d) < tiny ? tiny : d);
	double h = d;
	for (int m = 1; m < 10000; m++) {
		const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		for (int k = 0; k < 2; k++) {
			const double term = k ? odd : even;
			d = 1 + term * d;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = 1 + term / c;
			c = fabs(c) < tiny ? tiny : c;
			h *= d * c;
		}
		if (fabs(d * c - 1) < 1e-15)
			break;
	}
	return h;
}

/* The regularised incomplete beta function I_x(a, b). */
static double incomplete_beta(double a, double b, double x)
{
	if (x <= 0 || x >= 1)
		return x >= 1;
	const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(T > t) for t >= 0. */
static double student_tail(double t, double df) { return 0.5 * incomplete_beta(df / 2, 0.5, df / (df + t * t)); }

double stats_student_quantile(double p, double df)
{
	if (!(p > 0 && p < 1) || !(df > 0))
		return NAN;
	const double tail = p < 0.5 ? p : 1 - p;
	double low = 0, high = 1;
	while (student_tail(high, df) > tail && high < 1e300)
		high *= 2;
	for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
		const double middle = low + (high - low) / 2;
		if (student_tail(middle, df) > tail)
			low = middle;
		else
			high = middle;
	}
	return p < 0.5 ? -high : high;
}

/* ---- one sample ------------------------------------------------------------------------------------------------ */

struct interval stats_wilson(int64_t successes, int64_t trials, double alpha)
{
	if (trials < 1)
		return undefined;
	const double n = (double)trials, p = (double)successes / n, z = stats_normal_quantile(1 - alpha / 2);
	const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
	const double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
	return (struct interval){fmax(0, successes ? middle - half : 0), fmin(1, successes < trials ? middle + half : 1)};
}

double stats_mean(const double *x, int n)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / n : NAN;
}

double stats_sd(const double *x, int n)
{
	const double mean = stats_mean(x, n);
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return n > 1 ? sqrt(sum / (n - 1)) : NAN;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double stats_quantile(double *x, int n, double q)
{
	if (n < 1)
		return NAN;
	qsort(x, (size_t)n, sizeof *x, by_value);
	const double at = q * (n - 1);
	const int low = (int)floor(at), high = low < n - 1 ? low + 1 : low;
	return x[low] + (at - low) * (x[high] - x[low]);
}

double stats_median(double *x, int n) { return stats_quantile(x, n, 0.5); }

struct interval stats_mean_interval(const double *x, int n, double alpha)
{
	if (n < 2)
		return undefined;
	const double mean = stats_mean(x, n);
	const double half = stats_student_quantile(1 - alpha / 2, n - 1) * stats_sd(x, n) / sqrt(n);
	return (struct interval){mean - half, mean + half};
}

/* ---- resampling ------------------------------------------------------------------------------------------------ */

/* n indices below n, four to a block of random words. A multiply-shift is off by at most n / 2^32. */
static void draw_indices(int *pick, int n, uint64_t seed, uint64_t stream, uint64_t draw)
{
	const uint64_t blocks = ((uint64_t)n + 3) / 4;
	uint32_t word[4];
	for (int i = 0; i < n; i++) {
		if (i % 4 == 0)
			rng_block(word, seed, stream, draw * blocks + (uint64_t)i / 4);
		pick[i] = (int)((uint64_t)word[i % 4] * (uint64_t)n >> 32);
	}
}

int stats_resample(double *values, int count, int n, statistics *f, void *arg, int draws, uint64_t seed, struct err *e)
{
	const uint64_t stream = rng_stream("bootstrap");
	int *pick = malloc(((size_t)n + 1) * sizeof *pick);
	if (!pick)
		return err_set(e, ERR_MEMORY, "out of memory for a resample of %d", n);
	for (int d = 0; d < draws; d++) {
		draw_indices(pick, n, seed, stream, (uint64_t)d);
		f(values + (size_t)d * (size_t)count, pick, n, arg);
	}
	free(pick);
	return 0;
}

struct single {
	statistic *f;
	void *arg;
};

static void single_value(double *value, const int *pick, int n, void *arg)
{
	const struct single *s = arg;
	*value = s->f(pick, n, s->arg);
}

int stats_bootstrap(struct interval *out, int n, statistic *f, void *arg, int draws, uint64_t seed, double alpha,
                    struct err *e)
{
	struct single s = {f, arg};
	int defined = 0;
	*out = undefined;
	if (n < 1)
		return 0;
	double *values = malloc(((size_t)draws + 1) * sizeof *values);
	int code = values ? stats_resample(values, 1, n, single_value, &s, draws, seed, e)
	                  : err_set(e, ERR_MEMORY, "out of memory for %d resamples", draws);
	for (int d = 0; d < draws && !code; d++)
		if (!isnan(values[d]))
			values[defined++] = values[d];
	if (!code && 2 * defined >= draws) {
		out->lo = stats_quantile(values, defined, alpha / 2);
		out->hi = stats_quantile(values, defined, 1 - alpha / 2);
	}
	free(values);
	return code;
}

/* ---- two systems ----------------------------------------------------------------------------------------------- */

/* Twice the tail of a fair coin, from the smaller count down; terms fall off fast. */
double stats_mcnemar(int64_t b, int64_t c)
{
	const int64_t n = b + c, least = b < c ? b : c;
	if (b == c)
		return 1;
	double term =
		exp(lgamma((double)n + 1) - lgamma((double)least + 1) - lgamma((double)(n - least) + 1) - (double)n * M_LN2);
	double tail = 0;
	for (int64_t k = least; k >= 0 && term > 0; k--) {
		tail += term;
		if (term < tail * 1e-18)
			break;
		term *= (double)k / (double)(n - k + 1);
	}
	return fmin(1, 2 * tail);
}

static int is_as_far(double x, double observed) { return fabs(x) >= fabs(observed) * (1 - 1e-12); }

int stats_permutation(double *p, int n, swapped_difference *f, void *arg, int draws, uint64_t seed, struct err *e)
{
	const uint64_t stream = rng_stream("permutation"), blocks = ((uint64_t)n + 127) / 128;
	unsigned char *swapped = calloc((size_t)n + 1, 1);
	if (!swapped)
		return err_set(e, ERR_MEMORY, "out of memory for a permutation of %d", n);
	const double observed = f(swapped, n, arg);
	int far = 0;
	for (int d = 0; d < draws && !isnan(observed); d++) {
		uint32_t word[4];
		for (int i = 0; i < n; i++) {
			if (i % 128 == 0)
				rng_block(word, seed, stream, (uint64_t)d * blocks + (uint64_t)i / 128);
			swapped[i] = word[i / 32 % 4] >> (i % 32) & 1;
		}
		far += is_as_far(f(swapped, n, arg), observed);
	}
	*p = isnan(observed) ? NAN : (1.0 + far) / (1.0 + draws);
	free(swapped);
	return 0;
}

static double flipped_sum(const unsigned char *swapped, int n, void *arg)
{
	const double *d = arg;
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += swapped[i] ? -d[i] : d[i];
	return sum;
}

static double exact_sign_flip(const double *d, int n)
{
	unsigned char swapped[EXACT_MOST] = {0};
	const double observed = flipped_sum(swapped, n, (void *)(uintptr_t)d);
	int far = 0;
	for (int set = 0; set < 1 << n; set++) {
		for (int i = 0; i < n; i++)
			swapped[i] = set >> i & 1;
		far += is_as_far(flipped_sum(swapped, n, (void *)(uintptr_t)d), observed);
	}
	return isnan(observed) ? NAN : (double)far / (1 << n);
}

int stats_sign_flip(double *p, const double *d, int n, int draws, uint64_t seed, struct err *e)
{
	*p = NAN;
	if (n < 1)
		return 0;
	if (n > EXACT_MOST)
		return stats_permutation(p, n, flipped_sum, (void *)(uintptr_t)d, draws, seed, e);
	*p = exact_sign_flip(d, n);
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
	struct ranked *sorted = malloc(((size_t)n + 1) * sizeof *sorted);
	int count = 0;
	double most = 0;
	if (!sorted)
		return err_set(e, ERR_MEMORY, "out of memory for %d tests", n);
	for (int i = 0; i < n; i++) {
		adjusted[i] = NAN;
		if (!isnan(p[i]))
			sorted[count++] = (struct ranked){p[i], i};
	}
	qsort(sorted, (size_t)count, sizeof *sorted, by_p);
	for (int i = 0; i < count; i++) {
		most = fmax(most, fmin(1, (count - i) * sorted[i].p));
		adjusted[sorted[i].at] = most;
	}
	free(sorted);
	return 0;
}

/* ---- what could be seen ---------------------------------------------------------------------------------------- */

/* Connor: sqrt(n) d = z_a sqrt(psi) + z_b sqrt(psi - d^2), solved for d. */
double stats_detectable_difference(int64_t n, double discordant, double alpha, double power)
{
	if (n < 1)
		return NAN;
	const double a = stats_normal_quantile(1 - alpha / 2), b = stats_normal_quantile(power), N = (double)n;
	/* (N + b^2) d^2 - 2 a sqrt(N psi) d + (a^2 - b^2) psi = 0 */
	const double half = a * sqrt(N * discordant), square = N + b * b;
	return (half + sqrt(fmax(0, half * half - square * (a * a - b * b) * discordant))) / square;
}
