#include "../eval/derive.h"

#include "../engine/base/err.h"
#include "../engine/base/rng.h"
#include "small_facts.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const of_classes[] = {"accuracy", "f1", NULL};
static const char *const of_values[] = {"pearson", "spearman", NULL};

/* ---- what was told --------------------------------------------------------------------------------------------- */

enum { TOLD_MOST = 64 };

struct told {
	int count, stop_at;
	struct {
		char name[40];
		double value, lo, hi;
	} row[TOLD_MOST];
	char names[2000]; /* one after the other, each with a blank after it */
};

static int note(const char *name, double value, double lo, double hi, void *arg, struct err *e)
{
	struct told *t = arg;
	if (t->stop_at && t->count + 1 == t->stop_at)
		return err_set(e, ERR_IO, "the disk is full");
	if (!CHECK(t->count < TOLD_MOST))
		return ERR_LIMIT;
	snprintf(t->row[t->count].name, sizeof t->row[0].name, "%s", name);
	t->row[t->count].value = value;
	t->row[t->count].lo = lo;
	t->row[t->count++].hi = hi;
	strncat(t->names, name, sizeof t->names - strlen(t->names) - 2);
	strcat(t->names, " ");
	return 0;
}

static struct told told_of(const struct facts *f)
{
	struct err e = {0};
	struct told t = {0};
	CHECK_OK(derive(f, note, &t, &e), &e);
	return t;
}

static int place_of(const struct told *t, const char *name)
{
	for (int i = 0; i < t->count; i++)
		if (!strcmp(t->row[i].name, name))
			return i;
	return -1;
}

static void check_value(const struct told *t, const char *name, double value, double tolerance)
{
	const int i = place_of(t, name);
	if (i < 0 || !CHECK_NEAR(t->row[i].value, value, tolerance))
		test_fail(__FILE__, __LINE__, "%s", name);
}

static void check_interval(const struct told *t, const char *name, double lo, double hi, double tolerance)
{
	const int i = place_of(t, name);
	if (i < 0 || !CHECK_NEAR(t->row[i].lo, lo, tolerance) || !CHECK_NEAR(t->row[i].hi, hi, tolerance))
		test_fail(__FILE__, __LINE__, "%s", name);
}

/* ---- facts that agree ------------------------------------------------------------------------------------------ */

/* Two layers of H = 4, F = 6, two classes:
 *   a layer of k keys, q queries and r rows   projection 32 (2k + q + r), attention 16 k q, feed-forward 96 r
 *   the last layer computes one row; the head costs 48
 *   dense                        3 tokens: 816 + 400 + 48 = 1264     5 tokens: 1520 + 560 + 48 = 2128
 *   random: layers of 3 and 2 rows, each 384+144+288 = 816 and 192+32+96 = 320, and 48 = 1184
 *   attention, whose rows die one site later and whose queries of the last layer are the policy's:
 *     5 tokens, 3 live on, then 2: 576+400+288, 256+48+96, 2 (32+48) = 160, 48 = 1872
 *     3 tokens, 3 live on, then 2: 384+144+288, 256+48+96, 160, 48 = 1424 */
static const int tokens_of[] = {3, 5, 5, 3};
static const unsigned char died_at[] = {2, 1, 2, 2, 0, 2, 1, 0, 2, 0, 2, 1, 0, 2, 1, 2};

static void add_tokens(struct facts *f, const int *rows_long, const int *rows_short, int flops_long, int flops_short)
{
	for (int i = 0; i < f->n; i++) {
		const int is_long = tokens_of[i % 4] == 5;
		f->tokens[i] = tokens_of[i % 4];
		f->start[i + 1] = f->start[i] + f->tokens[i];
		f->flops[i] = is_long ? flops_long : flops_short;
		f->dense_flops[i] = is_long ? 2128 : 1264;
		for (int l = 0; l < 2; l++)
			f->rows[2 * i + l] = is_long ? rows_long[l] : rows_short[l];
	}
	if (!policy_drops(&f->policy))
		return;
	REQUIRE((f->died_at = malloc((size_t)f->start[f->n])) != NULL);
	for (int64_t t = 0; t < f->start[f->n]; t++)
		f->died_at[t] = died_at[t % 16];
}

static void add_random(struct facts *f) { add_tokens(f, (int[]){3, 2}, (int[]){3, 2}, 1184, 1184); }
static void add_attention(struct facts *f) { add_tokens(f, (int[]){5, 3}, (int[]){3, 3}, 1872, 1424); }
static void add_dense(struct facts *f) { add_tokens(f, (int[]){5, 5}, (int[]){3, 3}, 2128, 1264); }

/* Four examples as in test_outcomes.c: three of four right. */
static void add_predictions(struct facts *f)
{
	static const int gold[] = {0, 1, 1, 0}, pred[] = {0, 1, 0, 0};
	for (int i = 0; i < 4; i++) {
		f->gold[i] = gold[i];
		small_facts_predict(f, i, pred[i], i == 1 ? 9 : 3);
	}
}

static struct facts pruned(int turns)
{
	struct facts f = small_facts_blank(4, 2, of_classes, "random:keep=0.5", turns);
	add_random(&f);
	add_predictions(&f);
	return f;
}

static struct facts attentive(int turns)
{
	struct facts f = small_facts_blank(4, 2, of_classes, "attention:keep=0.5", turns);
	add_attention(&f);
	add_predictions(&f);
	return f;
}

static struct facts dense(int turns)
{
	struct facts f = small_facts_blank(4, 2, of_classes, "none", turns);
	add_dense(&f);
	add_predictions(&f);
	return f;
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

#define FLOPS_NAMES \
	"flops_speedup flops dense_flops flops/projection flops/attention flops/feed_forward flops/policy flops/head "

TEST(every_metric_is_told_in_the_order_promised)
{
	struct facts f = pruned(1), untimed = pruned(0);
	small_facts_times(&f, ARM_POLICY, (double[]){1, 2});
	small_facts_times(&f, ARM_DENSE, (double[]){2, 4});
	const struct told t = told_of(&f), u = told_of(&untimed);
	CHECK_STR(t.names, "accuracy f1 ece loss examples tokens " FLOPS_NAMES
	                   "kept/layer-0 kept/layer-1 seconds dense_seconds time_speedup examples_per_second ");
	CHECK_STR(u.names, "accuracy f1 ece loss examples tokens " FLOPS_NAMES "kept/layer-0 kept/layer-1 ");
	facts_close(&f);
	facts_close(&untimed);
}

TEST(quality_is_that_of_the_predictions)
{
	struct facts f = pruned(0);
	const struct told t = told_of(&f);
	check_value(&t, "accuracy", 0.75, 1e-12);
	check_value(&t, "f1", 2.0 / 3, 1e-12);
	check_value(&t, "ece", 0.35 / 4, 1e-7);
	check_value(&t, "loss", (-2 * log(0.75) - log(0.9) - log(0.25)) / 4, 1e-7);
	check_value(&t, "examples", 4, 0);
	check_value(&t, "tokens", 16, 0);
	check_interval(&t, "ece", NAN, NAN, 0);
	check_interval(&t, "examples", NAN, NAN, 0);
	check_interval(&t, "tokens", NAN, NAN, 0);
	facts_close(&f);
}

TEST(flops_are_summed_by_what_they_were_spent_on)
{
	struct facts f = pruned(0), a = attentive(0);
	const struct told t = told_of(&f), u = told_of(&a);
	check_value(&t, "flops_speedup", 6784.0 / 4736, 1e-12);
	check_value(&t, "flops", 4736, 0);
	check_value(&t, "dense_flops", 6784, 0);
	check_value(&t, "flops/projection", 2304, 0);
	check_value(&t, "flops/attention", 704, 0);
	check_value(&t, "flops/feed_forward", 1536, 0);
	check_value(&t, "flops/policy", 0, 0);
	check_value(&t, "flops/head", 192, 0);
	check_value(&u, "flops_speedup", 6784.0 / 6592, 1e-12);
	check_value(&u, "flops", 6592, 0);
	check_value(&u, "flops/projection", 2 * (576 + 256 + 384 + 256), 0);
	check_value(&u, "flops/attention", 2 * (400 + 48 + 144 + 48), 0);
	check_value(&u, "flops/feed_forward", 2 * (288 + 96 + 288 + 96), 0);
	check_value(&u, "flops/policy", 4 * 160, 0);
	CHECK_NEAR(derive_flops_speedup(&f), 6784.0 / 4736, 1e-12);
	facts_close(&f);
	facts_close(&a);
}

TEST(kept_is_the_share_of_all_tokens_that_a_layer_attends_to)
{
	struct facts f = pruned(0), a = attentive(0), d = dense(0);
	const struct told t = told_of(&f), u = told_of(&a), v = told_of(&d);
	check_value(&t, "kept/layer-0", 12.0 / 16, 1e-12);
	check_value(&t, "kept/layer-1", 8.0 / 16, 1e-12);
	check_value(&u, "kept/layer-0", 1, 0);
	check_value(&u, "kept/layer-1", 12.0 / 16, 1e-12);
	check_value(&v, "kept/layer-0", 1, 0);
	check_value(&v, "kept/layer-1", 1, 0);
	CHECK_NEAR(derive_kept(&f, 0), 0.75, 1e-12);
	CHECK_NEAR(derive_kept(&f, 1), 0.5, 1e-12);
	facts_close(&f);
	facts_close(&a);
	facts_close(&d);
}

TEST(without_a_label_there_is_no_quality_but_all_the_rest)
{
	static const char *const names[] = {"accuracy", "f1", "ece", "loss"};
	struct facts f = pruned(0);
	f.gold[2] = -1;
	const struct told t = told_of(&f);
	CHECK_STR(t.names, "accuracy f1 ece loss examples tokens " FLOPS_NAMES "kept/layer-0 kept/layer-1 ");
	for (int i = 0; i < 4; i++) {
		check_value(&t, names[i], NAN, 0);
		check_interval(&t, names[i], NAN, NAN, 0);
	}
	check_value(&t, "flops_speedup", 6784.0 / 4736, 1e-12);
	facts_close(&f);
}

TEST(a_regression_has_correlations_and_a_squared_error)
{
	static const double predicted[] = {1, 3, 2, 6};
	struct facts f = small_facts_blank(4, 0, of_values, "random:keep=0.5", 0);
	/* Its head has one output: 8 FLOPs fewer. */
	add_tokens(&f, (int[]){3, 2}, (int[]){3, 2}, 1176, 1176);
	for (int i = 0; i < 4; i++) {
		f.dense_flops[i] -= 8;
		small_facts_value(&f, i, i + 1, predicted[i]);
	}
	struct told t = told_of(&f);
	CHECK_STR(t.names, "pearson spearman loss examples tokens " FLOPS_NAMES "kept/layer-0 kept/layer-1 ");
	check_value(&t, "pearson", 7 / sqrt(70), 1e-12);
	/* Ranks 1 3 2 4: 1 - 6 * 2 / (4 * 15). */
	check_value(&t, "spearman", 0.8, 1e-12);
	check_value(&t, "loss", 1.5, 1e-12);
	CHECK(t.row[0].lo <= t.row[0].value && t.row[0].value <= t.row[0].hi);
	f.target[1] = NAN;
	t = told_of(&f);
	check_value(&t, "pearson", NAN, 0);
	check_interval(&t, "spearman", NAN, NAN, 0);
	check_value(&t, "loss", NAN, 0);
	facts_close(&f);
}

/* Two texts: 4 tokens of which 2 live in every layer, and 3 that all live. */
static struct facts of_shape(const struct config *c)
{
	static const int died[2][4] = {{64, 64, 0, 0}, {64, 64, 64}};
	struct err e = {0};
	struct facts f = {.classes = 2, .shape = *c};
	struct policy none;
	struct flops flops;
	CHECK_OK(policy_parse(&f.policy, "random:keep=0.5", &e), &e);
	CHECK_OK(policy_parse(&none, "none", &e), &e);
	CHECK_OK(facts_open(&f, 2, 7, 0, &e), &e);
	for (int i = 0; i < 2; i++) {
		f.tokens[i] = 4 - i;
		f.start[i + 1] = f.start[i] + f.tokens[i];
		for (int t = 0; t < f.tokens[i]; t++)
			f.died_at[f.start[i] + t] = (unsigned char)died[i][t];
		for (int l = 0; l < c->L; l++)
			f.rows[i * c->L + l] = 2 + i;
		flops_count(&flops, c, &f.policy, f.tokens[i], died[i], 0);
		f.flops[i] = flops_total(&flops);
		flops_count(&flops, c, &none, f.tokens[i], NULL, 0);
		f.dense_flops[i] = flops_total(&flops);
	}
	return f;
}

static const struct config bert_base = {.L = 12, .H = 768, .A = 12, .D = 64, .F = 3072, .V = 10, .P = 16, .C = 2};

/* 37872 n^2 + 170216500 n + 1183490 - 1537 + 2 * 1537:             682656979 for n = 4, 512175375 for 3
 * 1183537 + 1537 + 6152 n + 12 (3156 r^2 + 14233554 r), r rows:    342966466 for r = 2, 513952322 for 3 */
TEST(the_published_formula_is_that_of_bert_base)
{
	struct facts f = of_shape(&bert_base);
	const struct told t = told_of(&f);
	const int at = place_of(&t, "paper_flops_speedup");
	check_value(&t, "paper_flops_speedup", (682656979.0 + 512175375) / (342966466.0 + 513952322), 1e-12);
	CHECK_INT(at, place_of(&t, "flops/head") + 1);
	CHECK_INT(at, place_of(&t, "kept/layer-0") - 1);
	facts_close(&f);
}

TEST(the_published_formula_is_told_of_no_other_shape)
{
	struct config other[] = {bert_base, bert_base, bert_base};
	other[0].L = 11;
	other[1].H = 1024;
	other[2].F = 4096;
	for (int i = 0; i < 3; i++) {
		struct facts f = of_shape(&other[i]);
		const struct told t = told_of(&f);
		CHECK_INT(place_of(&t, "paper_flops_speedup"), -1);
		facts_close(&f);
	}
}

TEST(the_callers_error_ends_it)
{
	struct err e = {0};
	struct facts f = dense(1);
	small_facts_times(&f, ARM_POLICY, (double[]){1, 1});
	const int count = told_of(&f).count;
	for (int stop_at = 1; stop_at <= count; stop_at++) {
		struct told t = {.stop_at = stop_at};
		e = (struct err){0};
		CHECK_INT(derive(&f, note, &t, &e), ERR_IO);
		CHECK_INT(t.count, stop_at - 1);
		CHECK_STR(e.text, "the disk is full");
	}
	facts_close(&f);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

/* Turns of 2, 3 and 4 s against 8, 6 and 12 s: single speedups 4, 2 and 3. */
TEST(of_three_turns_the_middle_one_counts)
{
	struct facts f = pruned(3);
	small_facts_times(&f, ARM_POLICY, (double[]){1.5, 0.5, 2, 1, 1, 3});
	small_facts_times(&f, ARM_DENSE, (double[]){4, 4, 3, 3, 5, 7});
	CHECK_INT(derive_ns(&f, ARM_POLICY, 0), 2000000000);
	CHECK_INT(derive_ns(&f, ARM_DENSE, 2), 12000000000);
	CHECK_NEAR(derive_seconds(&f, ARM_POLICY), 3, 1e-12);
	CHECK_NEAR(derive_seconds(&f, ARM_DENSE), 8, 1e-12);
	const struct told t = told_of(&f);
	check_value(&t, "seconds", 3, 1e-12);
	check_interval(&t, "seconds", 2, 4, 1e-12);
	check_value(&t, "dense_seconds", 8, 1e-12);
	check_interval(&t, "dense_seconds", 6, 12, 1e-12);
	check_value(&t, "time_speedup", 8.0 / 3, 1e-12);
	check_interval(&t, "time_speedup", 2, 4, 1e-12);
	check_value(&t, "examples_per_second", 4.0 / 3, 1e-12);
	check_interval(&t, "examples_per_second", NAN, NAN, 0);
	facts_close(&f);
}

/* 2, 3, 5 and 9 s against 8, 6, 10 and 9 s: single speedups 4, 2, 2 and 1. */
TEST(of_four_turns_the_mean_of_the_middle_two_counts)
{
	struct facts f = pruned(4);
	small_facts_times(&f, ARM_POLICY, (double[]){1, 1, 2, 1, 9, 0, 2, 3});
	small_facts_times(&f, ARM_DENSE, (double[]){4, 4, 3, 3, 4, 5, 5, 5});
	const struct told t = told_of(&f);
	check_value(&t, "seconds", 4, 1e-12);
	check_interval(&t, "seconds", 2, 9, 1e-12);
	check_value(&t, "dense_seconds", 8.5, 1e-12);
	check_interval(&t, "dense_seconds", 6, 10, 1e-12);
	check_value(&t, "time_speedup", 8.5 / 4, 1e-12);
	check_interval(&t, "time_speedup", 1, 4, 1e-12);
	check_value(&t, "examples_per_second", 1, 1e-12);
	facts_close(&f);
}

TEST(what_drops_nothing_is_as_fast_as_itself)
{
	struct facts f = dense(3);
	small_facts_times(&f, ARM_POLICY, (double[]){1, 1, 2, 2, 1, 2});
	const struct told t = told_of(&f);
	check_value(&t, "seconds", 3, 1e-12);
	CHECK_INT(place_of(&t, "dense_seconds"), -1);
	check_value(&t, "time_speedup", 1, 0);
	check_interval(&t, "time_speedup", 1, 1, 0);
	check_value(&t, "flops_speedup", 1, 0);
	check_interval(&t, "flops_speedup", 1, 1, 0);
	facts_close(&f);
	f = dense(0);
	const struct told untimed = told_of(&f);
	CHECK_INT(place_of(&untimed, "time_speedup"), -1);
	facts_close(&f);
}

TEST(without_the_dense_arm_there_is_no_time_speedup)
{
	struct facts f = pruned(1);
	small_facts_times(&f, ARM_POLICY, (double[]){1, 1});
	f.turns[ARM_DENSE] = 0;
	const struct told t = told_of(&f);
	check_value(&t, "seconds", 2, 1e-12);
	check_value(&t, "examples_per_second", 2, 1e-12);
	CHECK_INT(place_of(&t, "dense_seconds"), -1);
	CHECK_INT(place_of(&t, "time_speedup"), -1);
	CHECK(isnan(derive_seconds(&f, ARM_DENSE)));
	facts_close(&f);
}

/* ---- intervals ------------------------------------------------------------------------------------------------- */

/* Wilson's ends are those p that are 1.959964 of their own standard errors from 3/4; as R's prop.test(3, 4, correct =
 * FALSE) gives them: 0.30064 and 0.95441. */
TEST(accuracy_has_wilsons_interval)
{
	struct facts f = pruned(0);
	const struct told t = told_of(&f);
	check_interval(&t, "accuracy", 0.30064, 0.95441, 1e-5);
	CHECK_NEAR((0.75 - t.row[0].lo) / sqrt(t.row[0].lo * (1 - t.row[0].lo) / 4), 1.9599640, 1e-6);
	CHECK_NEAR((t.row[0].hi - 0.75) / sqrt(t.row[0].hi * (1 - t.row[0].hi) / 4), 1.9599640, 1e-6);
	facts_close(&f);
}

enum { MANY = 400 };

static struct facts many(void)
{
	struct facts f = small_facts_blank(MANY, 2, of_classes, "attention:keep=0.5", 0);
	add_attention(&f);
	for (int i = 0; i < MANY; i++) {
		f.gold[i] = rng_uniform(5, 1, (uint64_t)i) < 0.4;
		small_facts_predict(&f, i, rng_uniform(5, 2, (uint64_t)i) < 0.8 ? f.gold[i] : !f.gold[i],
		                    1.5 + 8 * rng_uniform(5, 3, (uint64_t)i));
	}
	return f;
}

/* The bootstrap's interval of a mean is about that of its standard error. */
static void check_mean_interval(const struct told *t, const char *name, const double *x)
{
	const int at = place_of(t, name);
	double mean = 0, square = 0;
	for (int i = 0; i < MANY; i++)
		mean += x[i] / MANY;
	for (int i = 0; i < MANY; i++)
		square += (x[i] - mean) * (x[i] - mean) / MANY;
	const double half = 1.96 * sqrt(square / MANY);
	check_value(t, name, mean, 1e-6);
	CHECK_NEAR(t->row[at].lo, mean - half, 0.1 * half);
	CHECK_NEAR(t->row[at].hi, mean + half, 0.1 * half);
}

TEST(the_loss_has_an_interval_as_wide_as_its_standard_error_says)
{
	struct facts f = many();
	double loss[MANY];
	for (int i = 0; i < MANY; i++) {
		const double right = (double)f.logits[2 * i + f.gold[i]], wrong = (double)f.logits[2 * i + !f.gold[i]];
		loss[i] = log1p(exp(wrong - right));
	}
	const struct told t = told_of(&f);
	check_mean_interval(&t, "loss", loss);
	facts_close(&f);
}

/* A resample holds k texts of 5 tokens and MANY - k of 3, k binomial: nearly normal around MANY / 2. */
TEST(the_flops_speedup_is_resampled_as_a_ratio_of_sums)
{
	struct facts f = many();
	const struct told t = told_of(&f);
	const int at = place_of(&t, "flops_speedup");
	double end[2];
	for (int k = 0; k < 2; k++) {
		const double share = 0.5 + (k ? 1 : -1) * 1.96 * 0.5 / sqrt(MANY);
		end[k] = (share * 2128 + (1 - share) * 1264) / (share * 1872 + (1 - share) * 1424);
	}
	CHECK_NEAR(t.row[at].lo, end[0], 0.05 * (end[1] - end[0]));
	CHECK_NEAR(t.row[at].hi, end[1], 0.05 * (end[1] - end[0]));
	CHECK(t.row[at].lo < t.row[at].value && t.row[at].value < t.row[at].hi);
	facts_close(&f);
}

/* F1 = 2h / (2h + m), h hits and m mistakes: by the delta method its variance is that of the mean of
 * (2 hit - F1 (2 hit + mistake)) / mean(2 hit + mistake). */
TEST(f1_has_an_interval_as_wide_as_the_delta_method_says)
{
	struct facts f = many();
	double hits = 0, mistakes = 0, square = 0;
	for (int i = 0; i < MANY; i++) {
		hits += f.gold[i] && f.pred[i];
		mistakes += f.gold[i] != f.pred[i];
	}
	const double f1 = 2 * hits / (2 * hits + mistakes), below = (2 * hits + mistakes) / MANY;
	for (int i = 0; i < MANY; i++) {
		const double hit = f.gold[i] && f.pred[i], mistake = f.gold[i] != f.pred[i];
		square += pow((2 * hit - f1 * (2 * hit + mistake)) / below, 2) / MANY;
	}
	const struct told t = told_of(&f);
	const int at = place_of(&t, "f1");
	const double half = 1.96 * sqrt(square / MANY);
	check_value(&t, "f1", f1, 1e-12);
	CHECK_NEAR(t.row[at].lo, f1 - half, 0.1 * half);
	CHECK_NEAR(t.row[at].hi, f1 + half, 0.1 * half);
	facts_close(&f);
}

TEST(intervals_are_the_same_every_time)
{
	struct facts f = many();
	const struct told t = told_of(&f), u = told_of(&f);
	for (int i = 0; i < t.count; i++) {
		CHECK_NEAR(t.row[i].lo, u.row[i].lo, 0);
		CHECK_NEAR(t.row[i].hi, u.row[i].hi, 0);
	}
	facts_close(&f);
}

/* Of one example every resample is the same; a correlation of one is undefined in all of them. */
TEST(what_is_defined_in_no_resample_has_no_interval)
{
	struct facts f = small_facts_blank(1, 0, of_values, "none", 0);
	add_dense(&f);
	f.flops[0] = f.dense_flops[0] = 1256;
	small_facts_value(&f, 0, 1, 3);
	const struct told t = told_of(&f);
	check_value(&t, "pearson", NAN, 0);
	check_interval(&t, "pearson", NAN, NAN, 0);
	check_interval(&t, "loss", 4, 4, 1e-12);
	facts_close(&f);
}

/* ---- facts that contradict each other -------------------------------------------------------------------------- */

static void refused(const struct facts *f, const char *why)
{
	struct err e = {0};
	struct told t = {0};
	CHECK_INT(derive(f, note, &t, &e), ERR_FORMAT);
	CHECK_CONTAINS(e.text, why);
}

TEST(a_prediction_that_is_not_the_largest_logit_is_refused)
{
	struct facts f = pruned(0);
	f.idx[2] = 17;
	f.pred[2] = 1;
	refused(&f, "example 17 cannot have been predicted as class 1: the largest logit is that of 0");
	f.logits[4] = f.logits[5] = 1;
	refused(&f, "example 17 cannot have been predicted as class 1: the largest logit is that of 0");
	f.pred[2] = 0;
	told_of(&f);
	facts_close(&f);
}

TEST(rows_that_what_died_does_not_leave_are_refused)
{
	struct facts f = pruned(0), a = attentive(0);
	f.rows[2 * 1 + 1] = 3;
	refused(&f, "example 1 cannot have had 3 rows in layer 1: by what died there were 2");
	f.rows[2 * 1 + 1] = 2;
	f.rows[2 * 3 + 0] = 2;
	refused(&f, "example 3 cannot have had 2 rows in layer 0: by what died there were 3");
	a.rows[2 * 2 + 0] = 3;
	refused(&a, "example 2 cannot have had 3 rows in layer 0: by what died there were 5");
	a.rows[2 * 2 + 0] = 5;
	told_of(&a);
	a.died_at[8 + 3] = 0;
	refused(&a, "example 2 cannot have had 3 rows in layer 1: by what died there were 2");
	facts_close(&f);
	facts_close(&a);
}

/* The same deaths mean other rows before a layer than after its attention. */
TEST(rows_are_held_against_the_site_of_the_policy)
{
	struct facts f = pruned(0), a = attentive(0);
	f.policy.site = SITE_AFTER_ATTENTION;
	a.policy.site = SITE_BEFORE_LAYER;
	refused(&f, "example 0 cannot have had 2 rows in layer 1: by what died there were 3");
	refused(&a, "example 0 cannot have had 3 rows in layer 1: by what died there were 2");
	facts_close(&f);
	facts_close(&a);
}

TEST(rows_are_all_tokens_where_nothing_can_die)
{
	struct facts d = dense(0);
	d.rows[2 * 3 + 1] = 2;
	refused(&d, "example 3 cannot have had 2 rows in layer 1: by what died there were 3");
	facts_close(&d);
}

TEST(flops_that_the_closed_form_does_not_give_are_refused)
{
	struct facts f = pruned(0), d = dense(0);
	f.flops[3]++;
	refused(&f, "example 3 cannot have cost 1185 FLOPs: by what died it is 1184");
	f.flops[3]--;
	f.dense_flops[3]--;
	refused(&f, "example 3 of 3 tokens cannot cost 1263 FLOPs dense: it is 1264");
	d.flops[0] = 2000;
	refused(&d, "example 0 cannot have cost 2000 FLOPs: by what died it is 1264");
	facts_close(&f);
	facts_close(&d);
}

TEST(a_policy_that_drops_has_traces_and_no_other)
{
	struct err e = {0};
	struct facts f = pruned(0), d = dense(0);
	unsigned char *died = f.died_at;
	f.died_at = NULL;
	refused(&f, "no traces of what died under policy 'random:keep=0.5");
	f.died_at = died;
	CHECK_OK(policy_parse(&f.policy, "none", &e), &e);
	struct told t = {0};
	CHECK_INT(derive(&f, note, &t, &e), ERR_FORMAT);
	CHECK_STR(e.text, "traces of what died under policy 'none'");
	d.n = 0;
	refused(&d, "no examples");
	facts_close(&f);
	facts_close(&d);
}
