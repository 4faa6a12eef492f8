/* Expected values are R 4.2's, statsmodels 0.13's, or of exact rational arithmetic, as noted, or worked by hand. What
 * is drawn is compared with theory, within some four of its standard deviations: for a fixed seed that holds or not. */
#include "../engine/base/err.h"
#include "../engine/base/rng.h"
#include "../eval/stats.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_RELATIVE(found, expected, tolerance) CHECK_NEAR((found) / (expected), 1, tolerance)

#define LENGTH(array) (int)(sizeof(array) / sizeof(array)[0])

static void check_interval(struct interval found, double lo, double hi, double tolerance)
{
	CHECK_NEAR(found.lo, lo, tolerance);
	CHECK_NEAR(found.hi, hi, tolerance);
}

/* ---- quantiles of distributions -------------------------------------------------------------------------------- */

TEST(normal_quantiles_agree_with_r)
{
	/* qnorm */
	static const double known[][2] = {
		{1e-300, -37.047096299361201},  {1e-20, -9.2623400897984052},  {1e-9, -5.9978070150076865},
		{0.001, -3.0902323061678132},   {0.025, -1.9599639845400538},  {0.1, -1.2815515655446008},
		{0.3, -0.52440051270804067},    {0.49, -0.025068908258711057}, {0.4999999, -2.5066282747031068e-07},
		{0.6, 0.25334710313579978},     {0.8, 0.84162123357291441},    {0.975, 1.9599639845400536},
		{0.999999, 4.7534243088170891},
	};
	for (int i = 0; i < LENGTH(known); i++)
		CHECK_RELATIVE(stats_normal_quantile(known[i][0]), known[i][1], 1e-9);
}

TEST(normal_quantiles_at_the_ends_and_beyond)
{
	CHECK_NEAR(stats_normal_quantile(0.5), 0, 0);
	CHECK_NEAR(stats_normal_quantile(0), -INFINITY, 0);
	CHECK_NEAR(stats_normal_quantile(1), INFINITY, 0);
	CHECK_NEAR(stats_normal_quantile(-0.1), NAN, 0);
	CHECK_NEAR(stats_normal_quantile(1.1), NAN, 0);
	CHECK_NEAR(stats_normal_quantile(NAN), NAN, 0);
	/* The least double above 0, of which no step keeps many digits: qnorm */
	CHECK_NEAR(stats_normal_quantile(4.9406564584124654e-324), -38.467405617144337, 0.05);
}

TEST(student_quantiles_agree_with_r)
{
	/* qt */
	static const struct {
		double p, df, t;
	} known[] = {
		{1e-9, 1, -318309886.18379068},       {0.0005, 1, -636.61924876871956},   {0.025, 1, -12.706204736174707},
		{0.7, 1, 0.72654252800536079},        {0.975, 1.5, 6.0166631044279288},   {0.0005, 2, -31.599054576443617},
		{0.975, 2, 4.3026527297494619},       {0.1, 3, -1.6377443536962089},      {0.025, 4, -2.7764451051977943},
		{0.4999, 4, -0.00026666667061729334}, {0.995, 9, 3.2498355415921254},     {0.4, 9, -0.26095533647391095},
		{0.025, 30, -2.0422724563012382},     {1e-9, 99, -6.6055176089570491},    {0.025, 199, -1.9719565442517522},
		{0.7, 199, 0.52524154449688876},      {0.025, 999, -1.9623414611334495},  {0.0005, 24999, -3.2909159781061987},
		{0.7, 24999, 0.52440719912850431},    {0.995, 1e6, 2.5758342201053335},   {1e-9, 1e6, -5.9978624557108953},
		{1e-9, 1e7, -5.99781255903837},       {0.025, 1e7, -1.9599642217672053},  {0.995, 1e9, 2.5758293084654476},
		{1e-9, 1999, -6.0256515487109406},    {1e-300, 2e6, -37.053457674989701},
	};
	for (int i = 0; i < LENGTH(known); i++)
		CHECK_RELATIVE(stats_student_quantile(known[i].p, known[i].df), known[i].t, 1e-9);
}

TEST(student_quantiles_of_one_and_two_degrees_have_closed_forms)
{
	/* tan(pi (p - 1/2)), and (2p - 1) / sqrt(2 p (1 - p)) */
	for (int i = 1; i < 100; i++) {
		double p = i / 100.0;
		CHECK_NEAR(stats_student_quantile(p, 1), tan(acos(-1) * (p - 0.5)), 1e-10);
		CHECK_NEAR(stats_student_quantile(p, 2), (2 * p - 1) / sqrt(2 * p * (1 - p)), 1e-11);
	}
}

TEST(student_quantiles_at_the_ends_and_beyond)
{
	CHECK_NEAR(stats_student_quantile(0.5, 3), 0, 0);
	CHECK_NEAR(stats_student_quantile(0, 3), -INFINITY, 0);
	CHECK_NEAR(stats_student_quantile(1, 3), INFINITY, 0);
	CHECK_NEAR(stats_student_quantile(2, 3), NAN, 0);
	CHECK_NEAR(stats_student_quantile(0.5, 0), NAN, 0);
	CHECK_NEAR(stats_student_quantile(0.3, NAN), NAN, 0);
	CHECK_NEAR(stats_student_quantile(0.975, INFINITY), 1.9599639845400536, 1e-12);
}

/* ---- one sample ------------------------------------------------------------------------------------------------ */

TEST(wilson_intervals_agree_with_statsmodels)
{
	/* proportion_confint(method="wilson") */
	static const struct {
		int64_t successes, trials;
		double alpha, lo, hi;
	} known[] = {
		{0, 1, 0.05, 0, 0.79345068562276266},
		{1, 1, 0.05, 0.20654931437723739, 1},
		{0, 10, 0.05, 0, 0.27753279986288926},
		{7, 10, 0.05, 0.39677814746114537, 0.89220873259369893},
		{3, 17, 0.1, 0.072814466547064416, 0.36896697806902595},
		{22150, 25000, 0.05, 0.88200099640462182, 0.88988039757180148},
		{22150, 25000, 0.01, 0.8807198029520934, 0.89107536580223246},
		{999999999, 1000000000, 0.05, 0.9999999943350657, 0.99999999982347543},
	};
	for (int i = 0; i < LENGTH(known); i++) {
		struct interval found = stats_wilson(known[i].successes, known[i].trials, known[i].alpha);
		check_interval(found, known[i].lo, known[i].hi, 1e-12);
	}
	check_interval(stats_wilson(1, 1000000, 0.05), 1.7652457674537e-07, 5.6649118043114e-06, 1e-17);
}

TEST(wilson_intervals_end_exactly_at_none_and_all)
{
	for (int n = 1; n < 200; n++) {
		CHECK_NEAR(stats_wilson(0, n, 0.05).lo, 0, 0);
		CHECK_NEAR(stats_wilson(n, n, 0.05).hi, 1, 0);
	}
}

TEST(wilson_intervals_without_trials_are_nan)
{
	check_interval(stats_wilson(0, 0, 0.05), NAN, NAN, 0);
}

TEST(moments_of_a_sample_agree_with_r)
{
	/* mean, sd, t.test */
	const double x[] = {3.5, -1, 7.25, 2, 2, 11}, seeds[] = {0.871, 0.8834, 0.8655, 0.8791, 0.8802};
	CHECK_NEAR(stats_mean(x, 6), 4.125, 1e-15);
	CHECK_NEAR(stats_sd(x, 6), 4.3062454644388302, 1e-14);
	check_interval(stats_mean_interval(x, 6, 0.05), -0.39412746452254233, 8.6441274645225441, 1e-12);
	check_interval(stats_mean_interval(seeds, 5, 0.05), 0.8666917924376627, 0.88498820756233731, 1e-13);
	check_interval(stats_mean_interval(seeds, 5, 0.01), 0.86066980432750118, 0.89101019567249884, 1e-13);
}

TEST(moments_of_too_few_are_nan)
{
	const double x[] = {3};
	CHECK_NEAR(stats_mean(x, 0), NAN, 0);
	CHECK_NEAR(stats_mean(x, 1), 3, 0);
	CHECK_NEAR(stats_sd(x, 0), NAN, 0);
	CHECK_NEAR(stats_sd(x, 1), NAN, 0);
	check_interval(stats_mean_interval(x, 1, 0.05), NAN, NAN, 0);
	check_interval(stats_mean_interval(x, 0, 0.05), NAN, NAN, 0);
}

TEST(equal_numbers_do_not_vary_after_rounding)
{
	/* (0.1 + 0.1 + 0.1) / 3 is not 0.1 in doubles */
	double x[1000];
	for (int n = 1; n <= 1000; n++) {
		x[n - 1] = 0.1;
		CHECK_NEAR(stats_mean(x, n), 0.1, 0);
		CHECK_NEAR(stats_sd(x, n), n > 1 ? 0 : NAN, 0);
	}
	check_interval(stats_mean_interval(x, 7, 0.05), 0.1, 0.1, 0);
}

TEST(small_variance_far_from_zero_is_not_lost)
{
	/* 1e9 + {1, 2, 3}: by sums of squares all digits would cancel */
	const double x[] = {1e9 + 1, 1e9 + 2, 1e9 + 3};
	CHECK_NEAR(stats_sd(x, 3), 1, 1e-15);
}

TEST(quantiles_agree_with_r)
{
	/* quantile(type = 7) */
	const double sample[] = {3.5, -1, 7.25, 2, 2, 11};
	static const double known[][2] = {{0, -1},     {0.025, -0.625}, {0.1, 0.5},        {0.25, 2},
	                                  {0.5, 2.75}, {0.77, 6.6875},  {0.975, 10.53125}, {1, 11}};
	for (int i = 0; i < LENGTH(known); i++) {
		double x[6];
		memcpy(x, sample, sizeof x);
		CHECK_NEAR(stats_quantile(x, 6, known[i][0]), known[i][1], 1e-14);
	}
}

TEST(medians_of_odd_and_even_numbers)
{
	double odd[] = {9, 1, 4}, even[] = {9, 1, 4, 2};
	CHECK_NEAR(stats_median(odd, 3), 4, 0);
	CHECK_NEAR(stats_median(even, 4), 3, 0);
	CHECK_NEAR(stats_median(odd, 1), 1, 0); /* sorted by now */
}

TEST(quantiles_that_are_undefined_are_nan)
{
	double x[] = {1, NAN, 3}, y[] = {1, 2};
	CHECK_NEAR(stats_quantile(x, 3, 0.5), NAN, 0);
	CHECK_NEAR(stats_quantile(x, 3, 0), NAN, 0);
	CHECK_NEAR(stats_quantile(y, 0, 0.5), NAN, 0);
	CHECK_NEAR(stats_median(y, 0), NAN, 0);
	CHECK_NEAR(stats_quantile(y, 2, -0.01), NAN, 0);
	CHECK_NEAR(stats_quantile(y, 2, 1.01), NAN, 0);
	CHECK_NEAR(stats_quantile(y, 2, NAN), NAN, 0);
}

TEST(infinities_have_quantiles)
{
	double x[] = {INFINITY, 1, -INFINITY, INFINITY, -INFINITY};
	CHECK_NEAR(stats_quantile(x, 5, 0.1), -INFINITY, 0);
	CHECK_NEAR(stats_quantile(x, 5, 0.5), 1, 0);
	CHECK_NEAR(stats_quantile(x, 5, 0.9), INFINITY, 0);
}

/* ---- resampling ------------------------------------------------------------------------------------------------ */

static double mean_of(const int *pick, int n, void *arg)
{
	const double *x = arg;
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += x[pick[i]];
	return sum / n;
}

/* The value of the k-th call is k, undefined for the first `undefined`. */
struct counted {
	int calls, undefined;
};

static double the_call(const int *pick, int n, void *arg)
{
	struct counted *c = arg;
	(void)pick, (void)n;
	int k = c->calls++;
	return k < c->undefined ? NAN : k;
}

TEST(the_bootstrap_interval_is_of_percentiles)
{
	/* 0..100: the quantile q is 100 q */
	struct err e = {0};
	struct interval found;
	struct counted c = {0};
	REQUIRE_OK(stats_bootstrap(&found, 3, the_call, &c, 101, 1, 0.05, &e), &e);
	CHECK_INT(c.calls, 101);
	check_interval(found, 2.5, 97.5, 1e-12);
}

TEST(the_bootstrap_leaves_out_undefined_draws_up_to_half)
{
	struct err e = {0};
	struct interval found;
	struct counted five = {0, 5}, six = {0, 6};
	/* 5 6 7 8 9 are left: their quartiles */
	REQUIRE_OK(stats_bootstrap(&found, 3, the_call, &five, 10, 1, 0.5, &e), &e);
	check_interval(found, 6, 8, 1e-12);
	REQUIRE_OK(stats_bootstrap(&found, 3, the_call, &six, 10, 1, 0.5, &e), &e);
	check_interval(found, NAN, NAN, 0);
}

TEST(the_bootstrap_of_two_samples_by_hand)
{
	/* The mean of {0, 1} is 0, 1/2, 1 with probability 1/4, 1/2, 1/4. */
	struct err e = {0};
	struct interval found;
	double x[] = {0, 1};
	REQUIRE_OK(stats_bootstrap(&found, 2, mean_of, x, 2000, 5, 0.6, &e), &e);
	check_interval(found, 0.5, 0.5, 0);
	REQUIRE_OK(stats_bootstrap(&found, 2, mean_of, x, 2000, 5, 0.4, &e), &e);
	check_interval(found, 0, 1, 0);
}

TEST(the_bootstrap_of_a_mean_follows_normal_theory)
{
	/* 0..402: variance (403^2 - 1) / 12. A 2.5 % quantile of 4000 draws is off by 0.042 standard errors. */
	enum { N = 403, DRAWS = 4000 };
	struct err e = {0};
	struct interval found;
	double x[N], error = sqrt((N * N - 1) / 12.0 / N);
	for (int i = 0; i < N; i++)
		x[i] = i;
	REQUIRE_OK(stats_bootstrap(&found, N, mean_of, x, DRAWS, 11, 0.05, &e), &e);
	check_interval(found, 201 - 1.96 * error, 201 + 1.96 * error, 0.17 * error);
	REQUIRE_OK(stats_bootstrap(&found, N, mean_of, x, DRAWS, 11, 0.32, &e), &e);
	check_interval(found, 201 - 0.9945 * error, 201 + 0.9945 * error, 0.1 * error);
}

TEST(the_bootstrap_of_nothing_is_nan_and_of_one_a_point)
{
	struct err e = {0};
	struct interval found = {1, 1};
	double x[] = {7};
	REQUIRE_OK(stats_bootstrap(&found, 0, mean_of, x, 100, 1, 0.05, &e), &e);
	check_interval(found, NAN, NAN, 0);
	REQUIRE_OK(stats_bootstrap(&found, 1, mean_of, x, 100, 1, 0.05, &e), &e);
	check_interval(found, 7, 7, 0);
	REQUIRE_OK(stats_bootstrap(&found, 1, mean_of, x, 0, 1, 0.05, &e), &e);
	check_interval(found, NAN, NAN, 0);
}

/* Of class 1: undefined without it. */
static double recall(const int *pick, int n, void *arg)
{
	const int *gold = arg;
	int golds = 0;
	for (int i = 0; i < n; i++)
		golds += gold[pick[i]];
	return golds ? 1 : NAN;
}

TEST(the_bootstrap_of_one_class_is_nan_and_of_a_rare_one_is_of_the_draws_that_have_it)
{
	/* One of four is in a resample of four with probability 1 - (3/4)^4 = 0.68. */
	struct err e = {0};
	struct interval found;
	int one_class[4] = {0}, rare[4] = {0, 0, 1, 0};
	REQUIRE_OK(stats_bootstrap(&found, 4, recall, one_class, 1000, 1, 0.05, &e), &e);
	check_interval(found, NAN, NAN, 0);
	REQUIRE_OK(stats_bootstrap(&found, 4, recall, rare, 1000, 1, 0.05, &e), &e);
	check_interval(found, 1, 1, 0);
}

struct tally {
	int n, draws, out_of_range, equal_neighbours;
	int at[7][7]; /* [place,index] */
};

static void count_picks(double *value, const int *pick, int n, void *arg)
{
	struct tally *t = arg;
	t->draws++;
	*value = 0;
	for (int i = 0; i < n; i++) {
		if (pick[i] < 0 || pick[i] >= n) {
			t->out_of_range++;
			continue;
		}
		t->at[i][pick[i]]++;
		t->equal_neighbours += i > 0 && pick[i] == pick[i - 1];
	}
}

TEST(every_place_of_a_resample_holds_every_index_equally_often)
{
	/* Seven is no multiple of the four numbers that are drawn at once. */
	enum { N = 7, DRAWS = 14000 };
	struct err e = {0};
	struct tally t = {0};
	double *values = malloc(DRAWS * sizeof *values);
	REQUIRE(values);
	CHECK_OK(stats_resample(values, 1, N, count_picks, &t, DRAWS, 3, &e), &e);
	CHECK_INT(t.draws, DRAWS);
	CHECK_INT(t.out_of_range, 0);
	for (int place = 0; place < N; place++)
		for (int index = 0; index < N; index++)
			CHECK_NEAR(t.at[place][index], 2000, 4 * sqrt(DRAWS * 6.0 / 49));
	CHECK_NEAR(t.equal_neighbours, 6 * DRAWS / 7.0, 4 * sqrt(6 * DRAWS * 6.0 / 49));
	free(values);
}

static void three_values(double *value, const int *pick, int n, void *arg)
{
	value[0] = mean_of(pick, n, arg);
	value[1] = 2 * value[0];
	value[2] = pick[n - 1];
}

TEST(statistics_share_a_resample_which_is_of_seed_and_draw_alone)
{
	enum { N = 50, MORE = 20, FEWER = 8 };
	struct err e = {0};
	double x[N], all[3 * MORE], some[3 * FEWER], other[3 * FEWER], single[FEWER];
	for (int i = 0; i < N; i++)
		x[i] = i * i;
	REQUIRE_OK(stats_resample(all, 3, N, three_values, x, MORE, 1, &e), &e);
	REQUIRE_OK(stats_resample(some, 3, N, three_values, x, FEWER, 1, &e), &e);
	REQUIRE_OK(stats_resample(other, 3, N, three_values, x, FEWER, 2, &e), &e);
	CHECK(!memcmp(all, some, sizeof some));
	for (int i = 0; i < FEWER; i++) {
		CHECK_NEAR(some[3 * i + 1], 2 * some[3 * i], 0);
		CHECK(some[3 * i] != other[3 * i]);
		CHECK(some[3 * i] != all[3 * i + 3]);
		single[i] = some[3 * i];
	}
	struct interval found;
	REQUIRE_OK(stats_bootstrap(&found, N, mean_of, x, FEWER, 1, 0.2, &e), &e);
	check_interval(found, stats_quantile(single, FEWER, 0.1), stats_quantile(single, FEWER, 0.9), 1e-12);
}

TEST(resamples_of_nothing_are_nan)
{
	struct err e = {0};
	double values[6] = {0};
	REQUIRE_OK(stats_resample(values, 3, 0, three_values, NULL, 2, 1, &e), &e);
	for (int i = 0; i < 6; i++)
		CHECK_NEAR(values[i], NAN, 0);
}

TEST(what_has_no_confidence_is_nan)
{
	static const double none[] = {-0.1, 0, 1, 1.5, NAN};
	double x[] = {1, 2, 4};
	for (int i = 0; i < LENGTH(none); i++) {
		struct err e = {0};
		struct interval found;
		check_interval(stats_wilson(1, 2, none[i]), NAN, NAN, 0);
		check_interval(stats_mean_interval(x, 3, none[i]), NAN, NAN, 0);
		REQUIRE_OK(stats_bootstrap(&found, 3, mean_of, x, 50, 1, none[i], &e), &e);
		check_interval(found, NAN, NAN, 0);
		CHECK_NEAR(stats_detectable_difference(1000, 0.5, none[i], 0.8), NAN, 0);
	}
}

/* ---- two systems ----------------------------------------------------------------------------------------------- */

TEST(mcnemar_by_hand)
{
	CHECK_NEAR(stats_mcnemar(5, 1), 2 * (1 + 6) / 64.0, 1e-15);
	CHECK_NEAR(stats_mcnemar(1, 9), 2 * (1 + 10) / 1024.0, 1e-15);
	CHECK_NEAR(stats_mcnemar(2, 0), 0.5, 1e-15);
	CHECK_RELATIVE(stats_mcnemar(0, 60), 0x1p-59, 1e-13);
}

TEST(mcnemar_agrees_with_exact_arithmetic)
{
	/* R's binom.test, and sums of binomial coefficients as big integers */
	static const struct {
		int64_t b, c;
		double p;
	} known[] = {
		{4, 15, 0.0192108154296875},
		{12, 30, 0.0079158973348967265},
		{120, 163, 0.012401213306105718},
		{300, 250, 0.036578745549102704},
		{2500, 2700, 0.005781442039116254},
		{0, 1000, 1.8665272370064378e-301},
		/* 40 digits of the leading term by mpmath's loggamma, the others by their ratios */
		{1000000, 997000, 0.033820459839203894},
		{980000, 1000000, 7.6322360613779815e-46},
	};
	for (int i = 0; i < LENGTH(known); i++) {
		CHECK_RELATIVE(stats_mcnemar(known[i].b, known[i].c), known[i].p, 1e-11);
		CHECK_NEAR(stats_mcnemar(known[i].c, known[i].b), stats_mcnemar(known[i].b, known[i].c), 0);
	}
}

TEST(mcnemar_of_a_draw_is_one)
{
	CHECK_NEAR(stats_mcnemar(0, 0), 1, 0);
	CHECK_NEAR(stats_mcnemar(1, 0), 1, 0);
	CHECK_NEAR(stats_mcnemar(10, 10), 1, 0);
	CHECK_NEAR(stats_mcnemar(10, 11), 1, 1e-15);
	CHECK_NEAR(stats_mcnemar(1000000, 1000000), 1, 0);
}

TEST(mcnemar_of_huge_counts_follows_normal_theory)
{
	/* Twice R's pnorm(-(2e5 - 1) / 1e5); a p below what a double holds is 0 */
	CHECK_RELATIVE(stats_mcnemar(4999900000, 5000100000), 0.045501343726486926, 1e-8);
	CHECK_NEAR(stats_mcnemar(0, 10000000000), 0, 0);
	CHECK_NEAR(stats_mcnemar(1000000, 0), 0, 0);
}

struct pair {
	const double *one, *other;
};

/* Of the largest values, for something that is no mean. */
static double largest_difference(const unsigned char *swapped, int n, void *arg)
{
	const struct pair *x = arg;
	double one = -INFINITY, other = -INFINITY;
	for (int i = 0; i < n; i++) {
		one = fmax(one, swapped[i] ? x->other[i] : x->one[i]);
		other = fmax(other, swapped[i] ? x->one[i] : x->other[i]);
	}
	return one - other;
}

static double mean_difference(const unsigned char *swapped, int n, void *arg)
{
	const struct pair *x = arg;
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += swapped[i] ? x->other[i] - x->one[i] : x->one[i] - x->other[i];
	return sum / n;
}

TEST(the_permutation_test_of_a_mean_approaches_enumeration)
{
	/* Differences 12 4 -3 8 21: 2 * 2 of the 32 signs give at least the 42 observed, all + and - with or without 3. */
	enum { DRAWS = 20000 };
	const double one[] = {20, 5, 0, 9, 30}, other[] = {8, 1, 3, 1, 9};
	struct err e = {0};
	struct pair x = {one, other};
	double p;
	REQUIRE_OK(stats_permutation(&p, 5, mean_difference, &x, DRAWS, 1, &e), &e);
	CHECK_NEAR(p, 4 / 32.0, 4 * sqrt(4 / 32.0 * 28 / 32.0 / DRAWS));
}

TEST(the_permutation_test_of_any_statistic_approaches_enumeration)
{
	/* The largest are 9, 8.5 and 7, the observed difference 9 - 7. With 8.5 beside 9, which is half the time, the other
	 * side's largest is 7 at most; else the difference is 0.5. */
	enum { DRAWS = 20000 };
	const double one[] = {9, 1, 6, 8.5}, other[] = {3, 7, 0, 2};
	struct err e = {0};
	double p;
	REQUIRE_OK(stats_permutation(&p, 4, largest_difference, &(struct pair){one, other}, DRAWS, 1, &e), &e);
	CHECK_NEAR(p, 0.5, 4 * sqrt(0.25 / DRAWS));
}

TEST(the_least_p_of_a_permutation_test_is_one_of_all_draws)
{
	/* That 60 equal differences all keep or all change their sign has chance 2^-59. */
	double one[60], other[60], p;
	struct err e = {0};
	struct pair x = {one, other};
	for (int i = 0; i < 60; i++)
		one[i] = 2, other[i] = 1;
	REQUIRE_OK(stats_permutation(&p, 60, mean_difference, &x, 999, 1, &e), &e);
	CHECK_NEAR(p, 1 / 1000.0, 1e-18);
	REQUIRE_OK(stats_permutation(&p, 60, mean_difference, &x, 0, 1, &e), &e);
	CHECK_NEAR(p, 1, 0);
	REQUIRE_OK(stats_permutation(&p, 60, mean_difference, &(struct pair){one, one}, 999, 1, &e), &e);
	CHECK_NEAR(p, 1, 0);
}

/* What is observed, and what every swap gives. */
struct constant {
	double observed, swapped;
	int calls;
};

static double constant_difference(const unsigned char *swapped, int n, void *arg)
{
	struct constant *c = arg;
	(void)swapped, (void)n;
	return c->calls++ ? c->swapped : c->observed;
}

static double constant_p(double observed, double swapped)
{
	struct err e = {0};
	struct constant c = {observed, swapped, 0};
	double p = -1;
	CHECK_OK(stats_permutation(&p, 40, constant_difference, &c, 99, 1, &e), &e);
	CHECK_INT(c.calls, isnan(observed) ? 1 : 100);
	return p;
}

TEST(as_far_is_to_either_side_and_but_for_rounding)
{
	CHECK_NEAR(constant_p(0.3, 0.3), 1, 0);
	CHECK_NEAR(constant_p(0.3, -0.3), 1, 0);
	CHECK_NEAR(constant_p(-0.3, 0.4), 1, 0);
	CHECK_NEAR(constant_p(0.3, 0.3 * (1 - 1e-14)), 1, 0);
	CHECK_NEAR(constant_p(0.3, 0.3 * (1 - 1e-9)), 0.01, 1e-17);
	CHECK_NEAR(constant_p(-0.3, 0.2), 0.01, 1e-17);
	CHECK_NEAR(constant_p(0, 0), 1, 0);
}

TEST(an_undefined_observation_has_no_p_and_an_undefined_swap_counts_as_far)
{
	CHECK_NEAR(constant_p(NAN, 1), NAN, 0);
	CHECK_NEAR(constant_p(1, NAN), 1, 0);
}

TEST(permutations_of_none_and_of_one)
{
	const double one[] = {2}, other[] = {1};
	struct err e = {0};
	struct pair x = {one, other};
	double p = -1;
	REQUIRE_OK(stats_permutation(&p, 0, constant_difference, &(struct constant){1, 1, 0}, 10, 1, &e), &e);
	CHECK_NEAR(p, NAN, 0);
	REQUIRE_OK(stats_permutation(&p, 1, mean_difference, &x, 10, 1, &e), &e);
	CHECK_NEAR(p, 1, 0);
}

enum { PLACES = 300 };

static const int BACK[] = {1, 32, 128};

struct swaps {
	int calls, first, odd, at[PLACES];
	int equal[3][PLACES]; /* to the place before, to that a word and that a block before */
};

static double count_swaps(const unsigned char *swapped, int n, void *arg)
{
	struct swaps *s = arg;
	for (int i = 0; i < n; i++) {
		s->odd += swapped[i] > 1;
		if (!s->calls) {
			s->first += swapped[i];
			continue;
		}
		s->at[i] += swapped[i];
		for (int k = 0; k < 3; k++)
			s->equal[k][i] += i >= BACK[k] && swapped[i] == swapped[i - BACK[k]];
	}
	return s->calls++ ? 0 : 1;
}

TEST(every_place_is_swapped_half_the_time_and_by_itself)
{
	/* 300 is no multiple of the 128 swaps that are drawn at once. Five standard deviations for 1200 counts. */
	enum { DRAWS = 4000 };
	const double half = DRAWS / 2.0, tolerance = 5 * sqrt(DRAWS) / 2;
	static struct swaps s;
	struct err e = {0};
	double p;
	REQUIRE_OK(stats_permutation(&p, PLACES, count_swaps, &s, DRAWS, 9, &e), &e);
	CHECK_INT(s.calls, DRAWS + 1);
	CHECK_INT(s.first, 0);
	CHECK_INT(s.odd, 0);
	for (int i = 0; i < PLACES; i++) {
		CHECK_NEAR(s.at[i], half, tolerance);
		for (int k = 0; k < 3; k++)
			CHECK_NEAR(s.equal[k][i], i < BACK[k] ? 0 : half, tolerance);
	}
}

static double sign_flip(const double *d, int n, int draws, uint64_t seed)
{
	struct err e = {0};
	double p = -1;
	CHECK_OK(stats_sign_flip(&p, d, n, draws, seed, &e), &e);
	return p;
}

static const double SIXTEEN[] = {0.8, -0.3, 1.1, 0.4, -0.2, 0.9, 0.5, -0.6, 0.7,
                                 1.3, -0.1, 0.2, 0.6, -0.4, 1.0, 0.3, -0.5 /* and one more */};

TEST(sign_flips_of_few_are_enumerated)
{
	/* Counted over all signs in rational arithmetic. */
	const double five[] = {1.2, 0.4, -0.3, 0.8, 2.1}, seven[] = {0.1, 0.2, 0.3, -0.4, 0.5, 0.6, 0.7};
	const double two[] = {1, 2};
	CHECK_NEAR(sign_flip(five, 5, 0, 1), 4 / 32.0, 0);
	CHECK_NEAR(sign_flip(seven, 7, 0, 1), 14 / 128.0, 0);
	CHECK_NEAR(sign_flip(SIXTEEN, 16, 0, 1), 1384 / 65536.0, 0);
	CHECK_NEAR(sign_flip(two, 2, 0, 1), 2 / 4.0, 0);
	CHECK_NEAR(sign_flip(two, 1, 0, 1), 1, 0);
}

TEST(sign_flips_of_more_than_sixteen_are_drawn)
{
	/* 5252 of the 2^17 are at least as far. */
	enum { DRAWS = 20000 };
	const double exact = 5252 / 131072.0;
	double p = sign_flip(SIXTEEN, 17, DRAWS, 1), far = p * (1 + DRAWS);
	CHECK_NEAR(p, exact, 4 * sqrt(exact * (1 - exact) / DRAWS));
	CHECK_NEAR(far, round(far), 1e-9);
	CHECK_NEAR(sign_flip(SIXTEEN, 17, DRAWS, 1), p, 0);
	CHECK(sign_flip(SIXTEEN, 17, DRAWS, 2) != p);
	CHECK_NEAR(sign_flip(SIXTEEN, 17, 0, 1), 1, 0);
}

TEST(sums_that_tie_but_for_rounding_tie)
{
	/* The sum is 0, so that all signs are as far, but neither 0.2 + 0.4 - 0.2 - 0.4 nor the second is 0 in doubles. */
	const double zero[] = {0.2, 0.4, -0.2, -0.4}, also[] = {0.3, -0.7, 0.4, 0.4, -0.4};
	CHECK_NEAR(sign_flip(zero, 4, 0, 1), 1, 0);
	CHECK_NEAR(sign_flip(also, 5, 0, 1), 1, 0);
	/* The same for draws: the first of them five times, and a 0. */
	double many[21] = {0};
	for (int i = 0; i < 20; i++)
		many[i] = zero[i % 4];
	CHECK_NEAR(sign_flip(many, 21, 2000, 1), 1, 0);
}

TEST(sign_flips_without_difference_or_samples)
{
	const double none[20] = {0}, undefined[] = {1, NAN, 2};
	CHECK_NEAR(sign_flip(none, 3, 0, 1), 1, 0);
	CHECK_NEAR(sign_flip(none, 20, 99, 1), 1, 0);
	CHECK_NEAR(sign_flip(none, 0, 99, 1), NAN, 0);
	CHECK_NEAR(sign_flip(undefined, 3, 99, 1), NAN, 0);
}

/* ---- many tests ------------------------------------------------------------------------------------------------ */

static void check_holm(const double *p, const double *expected, int n)
{
	struct err e = {0};
	double found[8], in_place[8];
	memcpy(in_place, p, (size_t)n * sizeof *p);
	REQUIRE_OK(stats_holm(found, p, n, &e), &e);
	REQUIRE_OK(stats_holm(in_place, in_place, n, &e), &e);
	for (int i = 0; i < n; i++) {
		CHECK_NEAR(found[i], expected[i], 1e-15);
		CHECK_NEAR(in_place[i], expected[i], 1e-15);
	}
}

TEST(holm_agrees_with_r)
{
	/* p.adjust(method = "holm") */
	const double mixed[] = {0.01, 0.04, 0.03, 0.005, 0.03, 0.2, 0.9};
	check_holm(mixed, (double[]){0.06, 0.15, 0.15, 0.035, 0.15, 0.4, 0.9}, 7);
	check_holm((double[]){0.02, 0.02, 0.02, 0.5}, (double[]){0.08, 0.08, 0.08, 0.5}, 4);
	check_holm((double[]){0.9, 0.8}, (double[]){1, 1}, 2);
	check_holm((double[]){0.03}, (double[]){0.03}, 1);
	check_holm(mixed, mixed, 0);
}

TEST(holm_does_not_count_what_is_undefined)
{
	/* R, with NA */
	const double p[] = {0.01, NAN, 0.02, 0.03, 0.0001, NAN, 0.7};
	check_holm(p, (double[]){0.04, NAN, 0.06, 0.06, 0.0005, NAN, 0.7}, 7);
	check_holm((double[]){NAN, NAN}, (double[]){NAN, NAN}, 2);
}

/* ---- what could be seen ---------------------------------------------------------------------------------------- */

TEST(detectable_differences_solve_connors_formula)
{
	/* Bisection of his n = (a sqrt(s) + b sqrt(s - d^2))^2 / d^2 at 30 digits. */
	static const struct {
		int64_t n;
		double discordant, alpha, power, difference;
	} known[] = {
		{25000, 0.1, 0.05, 0.8, 0.005602906209053608}, {1000, 0.2, 0.05, 0.8, 0.039573706615452675},
		{199, 0.4, 0.01, 0.9, 0.17080521560074895},    {101, 0.4, 0.05, 0.9, 0.19986120693995038},
		{500, 0.05, 0.05, 0.5, 0.019599639845400542},  {1000, 0.1, 0.05, 0.3, 0.014361045117397723},
	};
	for (int i = 0; i < LENGTH(known); i++) {
		double found = stats_detectable_difference(known[i].n, known[i].discordant, known[i].alpha, known[i].power);
		CHECK_RELATIVE(found, known[i].difference, 1e-12);
	}
}

TEST(a_difference_beyond_what_is_discordant_is_never_detectable)
{
	/* For s = d = 0.1 the formula asks for 76.09 samples. */
	CHECK_NEAR(stats_detectable_difference(76, 0.1, 0.05, 0.8), NAN, 0);
	CHECK(stats_detectable_difference(77, 0.1, 0.05, 0.8) <= 0.1);
	CHECK_NEAR(stats_detectable_difference(1000, 0, 0.05, 0.8), NAN, 0);
	CHECK_NEAR(stats_detectable_difference(0, 0.1, 0.05, 0.8), NAN, 0);
	/* The formula wants at least a^2 = 3.84 samples for any difference at all; the squared one is content with 3. */
	CHECK_NEAR(stats_detectable_difference(3, 1, 0.05, 0.99), NAN, 0);
	CHECK_NEAR(stats_detectable_difference(0, 1, 0.05, 0.99), NAN, 0);
	/* Less power than the test has without any difference. */
	CHECK_NEAR(stats_detectable_difference(1000, 0.1, 0.05, 0.01), NAN, 0);
}

static int one_is_found(int n, double discordant, double difference, uint64_t stream)
{
	int b = 0, c = 0;
	for (int i = 0; i < n; i++) {
		double u = rng_uniform(1, stream, (uint64_t)i);
		b += u < (discordant + difference) / 2;
		c += u >= (discordant + difference) / 2 && u < discordant;
	}
	return stats_mcnemar(b, c) < 0.05;
}

TEST(mcnemars_test_finds_the_detectable_difference_as_often_as_asked)
{
	/* The exact test is a little shy: 0.787 by summing its binomials with SciPy; 600 are off by 0.017. */
	enum { N = 2000, TRIALS = 600 };
	double difference = stats_detectable_difference(N, 0.2, 0.05, 0.8);
	int found = 0;
	for (int i = 0; i < TRIALS; i++)
		found += one_is_found(N, 0.2, difference, rng_stream("power") + (uint64_t)i);
	CHECK_NEAR((double)found / TRIALS, 0.787, 0.065);
}
