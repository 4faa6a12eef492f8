#include "../eval/outcomes.h"

#include "small_facts.h"
#include "test.h"

#include <math.h>

static const char *const of_classes[] = {"accuracy", "f1", "ece", NULL};
static const char *const of_values[] = {"pearson", NULL};

/* Gold 0 1 1 0, predicted 0 1 0 0, at odds of 3, 9, 3 and 3 to 1: probabilities 3/4, 9/10, 3/4, 3/4. */
static struct facts four(void)
{
	static const int gold[] = {0, 1, 1, 0}, pred[] = {0, 1, 0, 0};
	struct facts f = small_facts_blank(4, 2, of_classes, "none", 0);
	for (int i = 0; i < 4; i++) {
		f.gold[i] = gold[i];
		small_facts_predict(&f, i, pred[i], i == 1 ? 9 : 3);
	}
	return f;
}

/* Targets 1 2 3 4, predicted 1 3 2 6. */
static struct facts four_values(void)
{
	static const double predicted[] = {1, 3, 2, 6};
	struct facts f = small_facts_blank(4, 0, of_values, "none", 0);
	for (int i = 0; i < 4; i++)
		small_facts_value(&f, i, i + 1, predicted[i]);
	return f;
}

TEST(metrics_and_loss_are_of_all_examples)
{
	struct err e = {0};
	struct outcomes o;
	struct facts f = four();
	REQUIRE_OK(outcomes_open(&o, &f, &e), &e);
	CHECK(o.is_labelled);
	CHECK_NEAR(outcomes_metric(&o, f.metrics[0]), 0.75, 1e-12);
	/* One hit, one missed, none too many. */
	CHECK_NEAR(outcomes_metric(&o, f.metrics[1]), 2.0 / 3, 1e-12);
	/* In one bin 2 right for 2.25 expected, in another 1 for 0.9. */
	CHECK_NEAR(outcomes_metric(&o, f.metrics[2]), (0.25 + 0.1) / 4, 1e-7);
	CHECK_NEAR(o.loss[0], -log(0.75), 1e-7);
	CHECK_NEAR(o.loss[1], -log(0.9), 1e-7);
	CHECK_NEAR(o.loss[2], -log(0.25), 1e-7);
	CHECK_NEAR(outcomes_loss(&o), (-2 * log(0.75) - log(0.9) - log(0.25)) / 4, 1e-7);
	outcomes_close(&o);
	facts_close(&f);
}

TEST(probabilities_are_the_softmax_of_all_classes)
{
	struct err e = {0};
	struct outcomes o;
	struct facts f = small_facts_blank(1, 3, of_classes, "none", 0);
	f.gold[0] = 1;
	small_facts_predict(&f, 0, 2, 8);
	REQUIRE_OK(outcomes_open(&o, &f, &e), &e);
	const struct outcome all = outcomes_whole(&o);
	CHECK_NEAR(all.probs[0], 0.1, 1e-7);
	CHECK_NEAR(all.probs[1], 0.1, 1e-7);
	CHECK_NEAR(all.probs[2], 0.8, 1e-7);
	CHECK_NEAR(o.loss[0], log(10), 1e-6);
	outcomes_close(&o);
	facts_close(&f);
}

TEST(what_was_held_impossible_has_a_large_but_finite_loss)
{
	struct err e = {0};
	struct outcomes o;
	struct facts f = four();
	f.logits[0] = 0;
	f.logits[1] = 5000;
	REQUIRE_OK(outcomes_open(&o, &f, &e), &e);
	CHECK_NEAR(o.loss[0], 300 * log(10), 1e-9);
	outcomes_close(&o);
	facts_close(&f);
}

TEST(a_regression_is_judged_by_its_squared_error)
{
	struct err e = {0};
	struct outcomes o;
	struct facts f = four_values();
	REQUIRE_OK(outcomes_open(&o, &f, &e), &e);
	CHECK(o.is_labelled);
	/* Around the means 2.5 and 3: 7 / sqrt(5 * 14). */
	CHECK_NEAR(outcomes_metric(&o, f.metrics[0]), 7 / sqrt(70), 1e-12);
	CHECK_NEAR(o.loss[1], 1, 0);
	CHECK_NEAR(o.loss[3], 4, 0);
	CHECK_NEAR(outcomes_loss(&o), 1.5, 1e-12);
	CHECK(outcomes_whole(&o).probs == NULL);
	CHECK_INT(outcomes_whole(&o).classes, 0);
	outcomes_close(&o);
	facts_close(&f);
}

TEST(one_example_without_a_label_leaves_all_metrics_undefined)
{
	struct err e = {0};
	struct outcomes o;
	struct facts f = four(), v = four_values();
	f.gold[3] = -1;
	v.target[0] = NAN;
	REQUIRE_OK(outcomes_open(&o, &f, &e), &e);
	CHECK(!o.is_labelled);
	for (int m = 0; m < 3; m++)
		CHECK(isnan(outcomes_metric(&o, f.metrics[m])));
	CHECK(isnan(outcomes_loss(&o)));
	CHECK(isnan(o.loss[3]));
	CHECK_NEAR(o.loss[0], -log(0.75), 1e-7);
	outcomes_close(&o);
	REQUIRE_OK(outcomes_open(&o, &v, &e), &e);
	CHECK(!o.is_labelled);
	CHECK(isnan(outcomes_metric(&o, v.metrics[0])));
	CHECK(isnan(outcomes_loss(&o)));
	outcomes_close(&o);
	facts_close(&f);
	facts_close(&v);
}

TEST(no_examples_are_not_labelled)
{
	struct err e = {0};
	struct outcomes o;
	struct facts f = small_facts_blank(0, 2, of_classes, "none", 0);
	REQUIRE_OK(outcomes_open(&o, &f, &e), &e);
	CHECK(!o.is_labelled);
	CHECK(isnan(outcomes_metric(&o, f.metrics[0])));
	CHECK(isnan(outcomes_loss(&o)));
	outcomes_close(&o);
	facts_close(&f);
}

TEST(a_resample_takes_examples_as_often_as_they_were_drawn)
{
	static const int twice[] = {2, 2, 1, 0}, pair[] = {1, 2};
	struct err e = {0};
	struct outcomes o;
	struct facts f = four();
	REQUIRE_OK(outcomes_open(&o, &f, &e), &e);
	struct outcome picked = outcomes_pick(&o, twice, 4);
	CHECK_INT(picked.n, 4);
	CHECK_INT(picked.classes, 2);
	CHECK_INT(picked.gold[0], 1);
	CHECK_INT(picked.pred[0], 0);
	CHECK_INT(picked.pred[2], 1);
	CHECK_NEAR(f.metrics[0]->compute(&picked), 0.5, 1e-12);
	/* One hit, two missed. */
	CHECK_NEAR(f.metrics[1]->compute(&picked), 0.5, 1e-12);
	/* Without probabilities. */
	CHECK(isnan(f.metrics[2]->compute(&picked)));
	picked = outcomes_pick(&o, pair, 2);
	CHECK_INT(picked.n, 2);
	CHECK_NEAR(f.metrics[1]->compute(&picked), 2.0 / 3, 1e-12);
	/* All of them are as they were. */
	CHECK_NEAR(outcomes_metric(&o, f.metrics[0]), 0.75, 1e-12);
	outcomes_close(&o);
	facts_close(&f);
}

TEST(a_resample_of_a_regression_takes_targets_with_their_predictions)
{
	static const int pick[] = {3, 0, 0};
	struct err e = {0};
	struct outcomes o;
	struct facts f = four_values();
	REQUIRE_OK(outcomes_open(&o, &f, &e), &e);
	const struct outcome picked = outcomes_pick(&o, pick, 3);
	CHECK_NEAR(picked.target[0], 4, 0);
	CHECK_NEAR(picked.predicted[0], 6, 0);
	CHECK_NEAR(picked.target[2], 1, 0);
	CHECK_NEAR(picked.predicted[2], 1, 0);
	CHECK_NEAR(f.metrics[0]->compute(&picked), 1, 1e-12);
	outcomes_close(&o);
	facts_close(&f);
}
