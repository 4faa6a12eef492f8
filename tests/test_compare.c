#include "../eval/compare.h"

#include "../engine/base/err.h"
#include "../engine/base/rng.h"
#include "small_facts.h"
#include "test.h"

#include <math.h>
#include <string.h>

static const char *const accuracy[] = {"accuracy", NULL};
static const char *const f1_accuracy[] = {"f1", "accuracy", NULL};
static const char *const correlations[] = {"pearson", "spearman", NULL};

/* Labels and predictions as digits, one an example; FLOPs that are all the same. */
static struct facts classified(const char *const *names, const char *policy, const char *gold, const char *pred,
                               int turns)
{
	struct facts f = small_facts_blank((int)strlen(gold), 2, names, policy, turns);
	for (int i = 0; i < f.n; i++) {
		f.gold[i] = gold[i] - '0';
		f.flops[i] = 100;
		small_facts_predict(&f, i, pred[i] - '0', 3);
	}
	return f;
}

static struct facts valued(int n, const double *target, const double *predicted)
{
	struct facts f = small_facts_blank(n, 0, correlations, "none", 0);
	for (int i = 0; i < n; i++) {
		f.flops[i] = 100;
		small_facts_value(&f, i, target[i], predicted[i]);
	}
	return f;
}

static struct compared out[COMPARED_MAX];

/* How many rows there are; the facts are closed. */
static int compare_and_close(struct facts a, struct facts b)
{
	struct err e = {0};
	int count = 0;
	CHECK_OK(compare(out, &count, &a, &b, 0, &e), &e);
	facts_close(&a);
	facts_close(&b);
	return count;
}

/* ---- accuracy -------------------------------------------------------------------------------------------------- */

/* Of ten examples both have two right, a alone one, b alone six, neither one. Of seven tosses of a fair coin at most one
 * is a head in (1 + 7) / 128 of all cases; two-sided that is twice as many. */
TEST(accuracies_are_compared_by_the_examples_that_one_alone_has_right)
{
	const int count = compare_and_close(classified(accuracy, "none", "0000000000", "0001111111", 0),
	                                    classified(accuracy, "none", "0000000000", "0010000001", 0));
	CHECK_INT(count, 2);
	CHECK_STR(out[0].measure, "accuracy");
	CHECK_STR(out[0].test, "mcnemar");
	CHECK_NEAR(out[0].a, 0.3, 1e-12);
	CHECK_NEAR(out[0].b, 0.8, 1e-12);
	CHECK_INT(out[0].only_a, 1);
	CHECK_INT(out[0].only_b, 6);
	CHECK_NEAR(out[0].effect, 0.5, 1e-12);
	CHECK_NEAR(out[0].p, 0.125, 1e-12);
	/* Connor's equation: sqrt(n) d = z_0.975 sqrt(psi) + z_0.8 sqrt(psi - d^2). */
	const double d = out[0].detectable;
	CHECK(d > 0 && d < 0.7);
	CHECK_NEAR(sqrt(10) * d, 1.959964 * sqrt(0.7) + 0.841621 * sqrt(0.7 - d * d), 1e-5);
}

TEST(the_other_way_round_a_gain_is_a_loss)
{
	compare_and_close(classified(accuracy, "none", "0000000000", "0010000001", 0),
	                  classified(accuracy, "none", "0000000000", "0001111111", 0));
	CHECK_INT(out[0].only_a, 6);
	CHECK_INT(out[0].only_b, 1);
	CHECK_NEAR(out[0].effect, -0.5, 1e-12);
	CHECK_NEAR(out[0].p, 0.125, 1e-12);
	CHECK(out[0].lo < -0.5 && -0.5 < out[0].hi);
}

TEST(all_rows_stand_in_the_order_of_the_metrics_then_flops_then_time)
{
	static const char *const measures[] = {"f1", "accuracy", "flops", "time"};
	static const char *const tests[] = {"permutation", "mcnemar", "sign-flip", "sign-flip"};
	struct facts a = classified(f1_accuracy, "none", "0110", "0101", 1);
	struct facts b = classified(f1_accuracy, "none", "0110", "0110", 1);
	small_facts_times(&a, ARM_POLICY, (double[]){1, 1});
	small_facts_times(&b, ARM_POLICY, (double[]){1, 1});
	REQUIRE(CHECK_INT(compare_and_close(a, b), 4));
	for (int i = 0; i < 4; i++) {
		CHECK_STR(out[i].measure, measures[i]);
		CHECK_STR(out[i].test, tests[i]);
		CHECK_INT(out[i].only_a >= 0, i == 1);
		CHECK_INT(out[i].only_b >= 0, i == 1);
		CHECK(i == 1 || isnan(out[i].detectable));
	}
	/* One hit, one missed, one too many; both hit. */
	CHECK_NEAR(out[0].a, 0.5, 1e-12);
	CHECK_NEAR(out[0].b, 1, 1e-12);
}

enum { MANY = 400 };

static void draw(char *gold, char *a, char *b)
{
	for (int i = 0; i < MANY; i++) {
		gold[i] = (char)('0' + rng_below(3, 1, (uint64_t)i, 2));
		a[i] = rng_uniform(3, 2, (uint64_t)i) < 0.7 ? gold[i] : (char)('1' - gold[i] + '0');
		b[i] = rng_uniform(3, 3, (uint64_t)i) < 0.8 ? gold[i] : (char)('1' - gold[i] + '0');
	}
}

/* The difference of each example is -1, 0 or 1, and that of the runs has the standard error of their mean. */
static void check_paired_interval(const char *gold, const char *a, const char *b)
{
	double mean = 0, square = 0;
	for (int i = 0; i < MANY; i++)
		mean += ((b[i] == gold[i]) - (a[i] == gold[i])) / (double)MANY;
	for (int i = 0; i < MANY; i++)
		square += pow((b[i] == gold[i]) - (a[i] == gold[i]) - mean, 2) / MANY;
	const double half = 1.96 * sqrt(square / MANY);
	compare_and_close(classified(accuracy, "none", gold, a, 0), classified(accuracy, "none", gold, b, 0));
	CHECK_NEAR(out[0].effect, mean, 1e-12);
	CHECK_NEAR(out[0].lo, mean - half, 0.1 * half);
	CHECK_NEAR(out[0].hi, mean + half, 0.1 * half);
}

TEST(the_interval_of_a_difference_is_that_of_paired_samples)
{
	char gold[MANY + 1] = "", a[MANY + 1] = "", b[MANY + 1] = "";
	draw(gold, a, b);
	check_paired_interval(gold, a, b);
	/* Most mistakes shared: two intervals taken apart would be twice as wide. */
	memcpy(b, a, 3 * MANY / 4);
	check_paired_interval(gold, a, b);
}

/* ---- other metrics --------------------------------------------------------------------------------------------- */

/* The share of all 2^n ways to exchange the two runs' results of an example, those whose bit is set, that are at least as
 * far apart as the runs are. */
static double share_as_far(int n, double (*difference)(unsigned swaps))
{
	const double observed = fabs(difference(0));
	int far = 0;
	for (unsigned swaps = 0; swaps < 1U << n; swaps++)
		far += fabs(difference(swaps)) >= observed - 1e-12;
	return (double)far / (1 << n);
}

static const char f1_gold[] = "1101011010", *const f1_pred[2] = {"1100000110", "1101011000"};

static double f1_of(unsigned swaps, int run)
{
	int hits = 0, mistakes = 0;
	for (int i = 0; f1_gold[i]; i++) {
		const char pred = f1_pred[swaps >> i & 1 ? !run : run][i];
		hits += pred == '1' && f1_gold[i] == '1';
		mistakes += pred != f1_gold[i];
	}
	return 2.0 * hits / (2 * hits + mistakes);
}

static double f1_difference(unsigned swaps) { return f1_of(swaps, 1) - f1_of(swaps, 0); }

/* 2000 permutations are drawn: 0.03 is three standard errors of a half. */
TEST(f1_is_tested_by_exchanging_predictions)
{
	compare_and_close(classified(f1_accuracy, "none", f1_gold, f1_pred[0], 0),
	                  classified(f1_accuracy, "none", f1_gold, f1_pred[1], 0));
	const double p = share_as_far(10, f1_difference);
	CHECK(p > 0.05 && p < 0.5);
	CHECK_NEAR(out[0].effect, f1_difference(0), 1e-12);
	CHECK_NEAR(out[0].p, p, 0.03);
}

static const double values_target[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const double values_of[2][8] = {{4, 1, 3, 2, 8, 5, 6, 7}, {1, 2, 4, 3, 5, 7, 6, 8}};

static double pearson_of(unsigned swaps, int run)
{
	double sum[5] = {0};
	for (int i = 0; i < 8; i++) {
		const double x = values_target[i], y = values_of[swaps >> i & 1 ? !run : run][i];
		const double add[5] = {x, y, x * x, y * y, x * y};
		for (int k = 0; k < 5; k++)
			sum[k] += add[k] / 8;
	}
	return (sum[4] - sum[0] * sum[1]) / sqrt((sum[2] - sum[0] * sum[0]) * (sum[3] - sum[1] * sum[1]));
}

static double pearson_difference(unsigned swaps) { return pearson_of(swaps, 1) - pearson_of(swaps, 0); }

TEST(a_correlation_is_tested_by_exchanging_values)
{
	CHECK_INT(compare_and_close(valued(8, values_target, values_of[0]), valued(8, values_target, values_of[1])), 3);
	const double p = share_as_far(8, pearson_difference);
	CHECK(p > 0.02 && p < 0.5);
	CHECK_STR(out[0].measure, "pearson");
	CHECK_NEAR(out[0].a, pearson_of(0, 0), 1e-12);
	CHECK_NEAR(out[0].b, pearson_of(0, 1), 1e-12);
	CHECK_NEAR(out[0].effect, pearson_difference(0), 1e-12);
	CHECK_NEAR(out[0].p, p, 0.03);
	CHECK(out[0].lo < out[0].effect && out[0].effect < out[0].hi);
	CHECK_STR(out[1].measure, "spearman");
	CHECK_STR(out[1].test, "permutation");
}

/* ---- nothing to tell ------------------------------------------------------------------------------------------- */

TEST(a_run_does_not_differ_from_itself)
{
	static const double seconds[] = {1, 2, 3, 4, 2, 2, 2, 2}, dense[] = {3, 4, 5, 6, 4, 4, 4, 4};
	static struct facts f[2];
	for (int k = 0; k < 2; k++) {
		f[k] = classified(f1_accuracy, "random:keep=0.5", "01101100", "01010110", 2);
		small_facts_times(&f[k], ARM_POLICY, seconds);
		small_facts_times(&f[k], ARM_DENSE, dense);
	}
	REQUIRE(CHECK_INT(compare_and_close(f[0], f[1]), 4));
	for (int i = 0; i < 4; i++) {
		CHECK_NEAR(out[i].a, out[i].b, 0);
		CHECK_NEAR(out[i].effect, i < 2 ? 0 : 1, 1e-12);
		CHECK_NEAR(out[i].lo, i < 2 ? 0 : 1, 1e-12);
		CHECK_NEAR(out[i].hi, i < 2 ? 0 : 1, 1e-12);
		CHECK_NEAR(out[i].p, 1, 0);
	}
	CHECK_INT(out[1].only_a, 0);
	CHECK_INT(out[1].only_b, 0);
	CHECK(isnan(out[1].detectable)); /* nothing differs: nothing is known of how much would */
}

TEST(without_labels_only_costs_are_compared)
{
	struct facts a = classified(f1_accuracy, "none", "0110", "0101", 0);
	struct facts b = classified(f1_accuracy, "none", "0110", "0110", 0);
	a.gold[2] = b.gold[2] = -1;
	b.flops[0] = 50;
	REQUIRE(CHECK_INT(compare_and_close(a, b), 3));
	for (int i = 0; i < 2; i++) {
		CHECK(isnan(out[i].a) && isnan(out[i].b) && isnan(out[i].effect));
		CHECK(isnan(out[i].lo) && isnan(out[i].hi) && isnan(out[i].p));
		CHECK(isnan(out[i].detectable));
		CHECK_INT(out[i].only_a, -1);
		CHECK_INT(out[i].only_b, -1);
	}
	CHECK_NEAR(out[2].effect, 400.0 / 350, 1e-12);
	CHECK_NEAR(out[2].p, 1, 0);
}

/* ---- costs ----------------------------------------------------------------------------------------------------- */

static void set_flops(struct facts *f, const int64_t *flops)
{
	for (int i = 0; i < f->n; i++)
		f->flops[i] = flops[i];
}

/* All four examples are cheaper: 2 of the 16 ways to sign their logarithms are as far from 0. */
TEST(flops_are_compared_as_a_ratio_of_sums)
{
	struct facts a = classified(accuracy, "none", "0110", "0101", 0);
	struct facts b = classified(accuracy, "none", "0110", "0101", 0);
	set_flops(&a, (int64_t[]){100, 300, 600, 1000});
	set_flops(&b, (int64_t[]){50, 100, 350, 500});
	REQUIRE(CHECK_INT(compare_and_close(a, b), 2));
	CHECK_STR(out[1].measure, "flops");
	CHECK_NEAR(out[1].a, 2000, 0);
	CHECK_NEAR(out[1].b, 1000, 0);
	CHECK_NEAR(out[1].effect, 2, 1e-12);
	CHECK_NEAR(out[1].p, 2.0 / 16, 1e-12);
}

/* Logarithms of 2, 2 and 1/4 sum up to 0, though the ratio of sums is 600 / 650. */
TEST(flops_are_tested_by_their_logarithms)
{
	struct facts a = classified(accuracy, "none", "011", "010", 0);
	struct facts b = classified(accuracy, "none", "011", "010", 0);
	set_flops(&a, (int64_t[]){200, 300, 100});
	set_flops(&b, (int64_t[]){100, 150, 400});
	compare_and_close(a, b);
	CHECK_NEAR(out[1].effect, 600.0 / 650, 1e-12);
	CHECK_NEAR(out[1].p, 1, 0);
}

/* A quarter of all resamples of two examples has the first alone, a quarter the second. */
TEST(the_interval_of_a_ratio_is_over_examples)
{
	struct facts a = classified(accuracy, "none", "01", "01", 0);
	struct facts b = classified(accuracy, "none", "01", "01", 0);
	set_flops(&a, (int64_t[]){100, 300});
	set_flops(&b, (int64_t[]){50, 100});
	compare_and_close(a, b);
	CHECK_NEAR(out[1].effect, 400.0 / 150, 1e-12);
	CHECK_NEAR(out[1].lo, 2, 1e-12);
	CHECK_NEAR(out[1].hi, 3, 1e-12);
}

/* Two batches and three turns each; b prunes. Medians: a 1 and 2 s against 2 and 4 s dense, b 1 and 1 s against 3 and 5 s.
 * Relative costs 3/6 and 2/8: b is twice as cheap. By batch 1/2 to 1/3, and 1/2 to 1/5. */
static void take_times(struct facts *a, struct facts *b, double slower)
{
	double seconds[4][6] = {{1, 2, 9, 0.5, 0.5, 2}, {2, 4, 2, 4, 8, 8}, {1, 1, 1, 1, 1, 9}, {3, 5, 1, 1, 7, 5}};
	for (int k = 2; k < 4; k++)
		for (int i = 0; i < 6; i++)
			seconds[k][i] *= slower;
	*a = classified(accuracy, "random:keep=0.5", "0110", "0101", 3);
	*b = classified(accuracy, "random:keep=0.2", "0110", "0101", 3);
	small_facts_times(a, ARM_POLICY, seconds[0]);
	small_facts_times(a, ARM_DENSE, seconds[1]);
	small_facts_times(b, ARM_POLICY, seconds[2]);
	small_facts_times(b, ARM_DENSE, seconds[3]);
}

TEST(time_is_compared_relative_to_the_dense_twin)
{
	struct facts a, b;
	take_times(&a, &b, 1);
	REQUIRE(CHECK_INT(compare_and_close(a, b), 3));
	CHECK_STR(out[2].measure, "time");
	CHECK_NEAR(out[2].a, 3, 1e-12);
	CHECK_NEAR(out[2].b, 2, 1e-12);
	CHECK_NEAR(out[2].effect, 2, 1e-12);
	CHECK_NEAR(out[2].lo, 1.5, 1e-12);
	CHECK_NEAR(out[2].hi, 2.5, 1e-12);
	CHECK_NEAR(out[2].p, 0.5, 1e-12);
}

TEST(a_machine_that_is_twice_as_slow_does_not_count)
{
	struct facts a, b;
	take_times(&a, &b, 2);
	compare_and_close(a, b);
	CHECK_NEAR(out[2].a, 3, 1e-12);
	CHECK_NEAR(out[2].b, 4, 1e-12);
	CHECK_NEAR(out[2].effect, 2, 1e-12);
	CHECK_NEAR(out[2].lo, 1.5, 1e-12);
	CHECK_NEAR(out[2].hi, 2.5, 1e-12);
	CHECK_NEAR(out[2].p, 0.5, 1e-12);
}

TEST(a_run_without_a_policy_is_its_own_twin)
{
	struct facts a = classified(accuracy, "none", "0110", "0101", 1);
	struct facts b = classified(accuracy, "random:keep=0.5", "0110", "0101", 1);
	small_facts_times(&a, ARM_POLICY, (double[]){100, 500});
	small_facts_times(&b, ARM_POLICY, (double[]){1, 3});
	small_facts_times(&b, ARM_DENSE, (double[]){4, 6});
	REQUIRE(CHECK_INT(compare_and_close(a, b), 3));
	CHECK_NEAR(out[2].effect, 2.5, 1e-12);
	CHECK_NEAR(out[2].lo, 2, 1e-12);
	CHECK_NEAR(out[2].hi, 4, 1e-12);
}

TEST(time_is_not_compared_where_it_was_not_taken_alike)
{
	struct facts a, b;
	take_times(&a, &b, 1);
	b.batch = 3;
	CHECK_INT(compare_and_close(a, b), 2);
	take_times(&a, &b, 1);
	a.turns[ARM_DENSE] = 0;
	CHECK_INT(compare_and_close(a, b), 2);
	take_times(&a, &b, 1);
	b.turns[ARM_POLICY] = b.turns[ARM_DENSE] = 0;
	CHECK_INT(compare_and_close(a, b), 2);
}

/* ---- what is drawn --------------------------------------------------------------------------------------------- */

TEST(what_is_drawn_depends_on_the_seed_alone)
{
	char gold[MANY + 1] = "", pred[2][MANY + 1] = {"", ""};
	struct err e = {0};
	struct compared again[COMPARED_MAX];
	int count, differ = 0;
	draw(gold, pred[0], pred[1]);
	struct facts a = classified(f1_accuracy, "none", gold, pred[0], 0);
	struct facts b = classified(f1_accuracy, "none", gold, pred[1], 0);
	CHECK_OK(compare(out, &count, &a, &b, 7, &e), &e);
	CHECK_OK(compare(again, &count, &a, &b, 7, &e), &e);
	for (int i = 0; i < count; i++) {
		CHECK_NEAR(again[i].lo, out[i].lo, 0);
		CHECK_NEAR(again[i].hi, out[i].hi, 0);
		CHECK_NEAR(again[i].p, out[i].p, 0);
	}
	CHECK_OK(compare(again, &count, &a, &b, 8, &e), &e);
	for (int i = 0; i < count; i++)
		differ += again[i].lo != out[i].lo || again[i].hi != out[i].hi;
	CHECK(differ > 0);
	CHECK_NEAR(again[0].effect, out[0].effect, 0);
	facts_close(&a);
	facts_close(&b);
}

/* ---- several seeds --------------------------------------------------------------------------------------------- */

static const char seeds_gold[] = "1101011010";
static const char *const seeds_pred[2][3] = {{"1100000110", "1101010100", "0101111010"},
                                             {"1101011011", "1001011010", "1101011110"}};

static double seeds_difference(unsigned swaps)
{
	int right[2] = {0};
	for (int seed = 0; seed < 3; seed++)
		for (int i = 0; seeds_gold[i]; i++)
			for (int run = 0; run < 2; run++)
				right[run] += seeds_pred[swaps >> i & 1 ? !run : run][seed][i] == seeds_gold[i];
	return (right[1] - right[0]) / 30.0;
}

/* Compares what has been trained `pairs` times; the facts are closed. */
static void compare_trainings(int pairs)
{
	struct facts f[2][3];
	const struct facts *of[2][3];
	struct err e = {0};
	for (int run = 0; run < 2; run++)
		for (int seed = 0; seed < 3; seed++) {
			f[run][seed] = classified(accuracy, "none", seeds_gold, seeds_pred[run][seed], 0);
			of[run][seed] = &f[run][seed];
		}
	CHECK_OK(compare_seeds(&out[0], of[0], of[1], pairs, 0, &e), &e);
	for (int run = 0; run < 2; run++)
		for (int seed = 0; seed < 3; seed++)
			facts_close(&f[run][seed]);
}

TEST(trainings_are_compared_by_their_mean_and_examples_exchanged_in_all_alike)
{
	compare_trainings(3);
	const double p = share_as_far(10, seeds_difference);
	CHECK_STR(out[0].measure, "accuracy");
	CHECK_STR(out[0].test, "permutation");
	CHECK_NEAR(out[0].a, 21 / 30.0, 1e-12);
	CHECK_NEAR(out[0].b, 27 / 30.0, 1e-12);
	CHECK_NEAR(out[0].effect, seeds_difference(0), 1e-12);
	CHECK(p > 0.02 && p < 0.5);
	CHECK_NEAR(out[0].p, p, 0.03);
}

TEST(one_training_is_compared_as_a_run)
{
	compare_trainings(1);
	const struct compared pair = out[0];
	compare_and_close(classified(accuracy, "none", seeds_gold, seeds_pred[0][0], 0),
	                  classified(accuracy, "none", seeds_gold, seeds_pred[1][0], 0));
	CHECK_STR(pair.test, "mcnemar");
	CHECK_NEAR(pair.p, out[0].p, 0);
	CHECK_NEAR(pair.lo, out[0].lo, 0);
	CHECK_NEAR(pair.effect, out[0].effect, 0);
}

TEST(trainings_on_other_examples_are_refused)
{
	struct facts f[2] = {classified(accuracy, "none", "0110", "0101", 0),
	                     classified(accuracy, "none", "0111", "0101", 0)};
	const struct facts *of[2] = {&f[0], &f[1]};
	struct err e = {0};
	CHECK_INT(compare_seeds(&out[0], of, of, 2, 0, &e), ERR_MISMATCH);
	CHECK_CONTAINS(e.text, "the runs are not of the same examples");
	CHECK_INT(compare_seeds(&out[0], of, &of[1], 1, 0, &e), ERR_MISMATCH);
	facts_close(&f[0]);
	facts_close(&f[1]);
}

/* ---- other examples -------------------------------------------------------------------------------------------- */

static void refused(struct facts *a, struct facts *b, const char *why)
{
	for (int k = 0; k < 2; k++) {
		struct err e = {0};
		int count = 7;
		CHECK_INT(compare(out, &count, k ? b : a, k ? a : b, 0, &e), ERR_MISMATCH);
		CHECK_CONTAINS(e.text, why);
		CHECK_INT(count, 0);
	}
	facts_close(b);
}

TEST(runs_on_other_examples_are_refused)
{
	struct facts a = classified(accuracy, "none", "0110", "0101", 0);
	struct facts b = classified(accuracy, "none", "01100", "01010", 0);
	refused(&a, &b, "the runs are not of the same examples");
	b = classified(accuracy, "none", "0110", "0101", 0);
	b.idx[3] = 4;
	refused(&a, &b, "the runs are not of the same examples: they differ at example ");
	b = classified(accuracy, "none", "0111", "0101", 0);
	refused(&a, &b, "they differ at example 3");
	b = classified(accuracy, "none", "0110", "0101", 0);
	b.gold[0] = -1;
	refused(&a, &b, "they differ at example 0");
	b = valued(4, values_target, values_of[0]);
	refused(&a, &b, "the runs are not of the same examples");
	facts_close(&a);
}

TEST(runs_with_other_targets_are_refused)
{
	struct facts a = valued(8, values_target, values_of[0]), b = valued(8, values_of[1], values_of[0]);
	refused(&a, &b, "they differ at example 2");
	facts_close(&a);
}

TEST(runs_judged_by_other_metrics_are_refused)
{
	static const char *const f1_alone[] = {"f1", NULL};
	struct facts a = classified(f1_accuracy, "none", "0110", "0101", 0);
	struct facts b = classified(accuracy, "none", "0110", "0101", 0);
	refused(&a, &b, "the runs are judged by other metrics");
	b = classified(f1_alone, "none", "0110", "0101", 0);
	refused(&a, &b, "the runs are judged by other metrics");
	facts_close(&a);
}
