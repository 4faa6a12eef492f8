#include "../engine/base/err.h"
#include "../engine/base/json.h"
#include "../eval/metrics.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 20000, CLASSES = 20 };

static int ints(int *out, const cJSON *array)
{
	int n = 0;
	const cJSON *item;
	cJSON_ArrayForEach(item, array) out[n++] = item->valueint;
	return n;
}

static int doubles(double *out, const cJSON *array)
{
	int n = 0;
	const cJSON *item;
	cJSON_ArrayForEach(item, array) out[n++] = item->valuedouble;
	return n;
}

static double number(const cJSON *object, const char *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field);
	CHECK(cJSON_IsNumber(item));
	return item ? item->valuedouble : NAN;
}

static void check_classes(const cJSON *golden)
{
	static int gold[N], pred[N];
	long long counts[CLASSES * CLASSES], *found = counts;
	int classes = (int)number(golden, "classes"), n = ints(gold, cJSON_GetObjectItem(golden, "gold"));
	REQUIRE(n < N && classes <= CLASSES);
	CHECK_INT(ints(pred, cJSON_GetObjectItem(golden, "pred")), n);
	CHECK_NEAR(metric_accuracy(gold, pred, n), number(golden, "accuracy"), 1e-12);
	CHECK_NEAR(metric_f1_macro(gold, pred, n, classes), number(golden, "f1_macro"), 1e-12);
	CHECK_NEAR(metric_matthews(gold, pred, n, classes), number(golden, "mcc"), 1e-12);
	if (classes == 2)
		CHECK_NEAR(metric_f1(gold, pred, n, 1), number(golden, "f1_binary"), 1e-12);
	metric_confusion(counts, gold, pred, n, classes);
	const cJSON *row, *cell;
	cJSON_ArrayForEach(row, cJSON_GetObjectItem(golden, "confusion"))
	{
		cJSON_ArrayForEach(cell, row) CHECK_INT(*found++, cell->valueint);
	}
}

static void check_regression(const cJSON *golden)
{
	static double gold[N], pred[N];
	int n = doubles(gold, cJSON_GetObjectItem(golden, "gold"));
	CHECK_INT(doubles(pred, cJSON_GetObjectItem(golden, "pred")), n);
	CHECK_NEAR(metric_pearson(gold, pred, n), number(golden, "pearson"), 1e-12);
	CHECK_NEAR(metric_spearman(gold, pred, n), number(golden, "spearman"), 1e-12);
}

TEST(metrics_agree_with_scikit_learn_and_scipy)
{
	const char *path = test_shared("goldens/metrics/metrics.json");
	if (!path)
		return;
	struct err e = {0};
	cJSON *all = json_parse_file(path, &e);
	const cJSON *golden;
	REQUIRE(all);
	cJSON_ArrayForEach(golden, all)
	{
		if (!strcmp(cJSON_GetObjectItem(golden, "kind")->valuestring, "class"))
			check_classes(golden);
		else
			check_regression(golden);
	}
	CHECK(cJSON_GetArraySize(all) >= 8);
	cJSON_Delete(all);
}

TEST(undefined_is_nan_not_zero)
{
	const int ones[] = {1, 1}, zeros[] = {0, 0};
	const double same[] = {0.1, 0.1, 0.1}, up[] = {1, 2, 3};
	CHECK_NEAR(metric_accuracy(ones, ones, 0), NAN, 0);
	CHECK_NEAR(metric_f1(zeros, zeros, 2, 1), NAN, 0);
	CHECK_NEAR(metric_f1_macro(zeros, zeros, 0, 2), NAN, 0);
	CHECK_NEAR(metric_matthews(ones, zeros, 2, 2), NAN, 0);
	CHECK_NEAR(metric_pearson(same, up, 3), NAN, 0);
	CHECK_NEAR(metric_spearman(up, same, 3), NAN, 0);
	CHECK_NEAR(metric_pearson(up, up, 1), NAN, 0);
	CHECK_NEAR(metric_ece(up, ones, 0, 2, 10), NAN, 0);
}

TEST(f1_of_a_class_never_hit_is_zero)
{
	const int gold[] = {1, 0}, pred[] = {0, 0};
	CHECK_NEAR(metric_f1(gold, pred, 2, 1), 0, 0);
}

TEST(the_macro_mean_is_over_classes_that_occur)
{
	const int gold[] = {0, 0, 2, 2}, pred[] = {0, 0, 2, 0};
	/* class 0: 2*2/(2+3) = 0.8; class 2: 2*1/(2+1) = 2/3; class 1 nowhere */
	CHECK_NEAR(metric_f1_macro(gold, pred, 4, 3), (0.8 + 2.0 / 3) / 2, 1e-15);
}

TEST(matthews_of_two_classes_by_hand)
{
	/* TP 2, TN 1, FP 1, FN 0: (2*1 - 1*0) / sqrt(3*2*2*1) */
	const int gold[] = {1, 1, 0, 0}, pred[] = {1, 1, 1, 0};
	CHECK_NEAR(metric_matthews(gold, pred, 4, 2), 2 / sqrt(12), 1e-15);
}

TEST(ties_share_their_average_rank)
{
	/* ranks of x: 1, 2.5, 2.5, 4 and of y: 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5 */
	const double x[] = {1, 7, 7, 9}, y[] = {10, 20, 30, 40};
	CHECK_NEAR(metric_spearman(x, y, 4), 4.5 / sqrt(4.5 * 5), 1e-15);
}

TEST(correlation_ignores_scale_and_follows_sign)
{
	const double x[] = {1, 2, 4}, y[] = {-10, -20, -40};
	CHECK_NEAR(metric_pearson(x, y, 3), -1, 1e-15);
	CHECK_NEAR(metric_spearman(x, y, 3), -1, 1e-15);
}

TEST(calibration_error_is_the_gap_weighted_by_bin)
{
	/* (0.5, 0.75]: one right at 0.6, one wrong at 0.7: |1 - 1.3|; (0.75, 1]: right at 0.9: |1 - 0.9| */
	const double probs[] = {0.6, 0.4, 0.7, 0.3, 0.1, 0.9};
	const int gold[] = {0, 1, 1};
	CHECK_NEAR(metric_ece(probs, gold, 3, 2, 4), (0.3 + 0.1) / 3, 1e-15);
	/* 0.75 is the upper end of its bin: with 0.9 in another, gaps do not cancel */
	const double edge[] = {0.75, 0.25, 0.9, 0.1};
	const int mixed[] = {0, 1};
	CHECK_NEAR(metric_ece(edge, mixed, 2, 2, 4), (0.25 + 0.9) / 2, 1e-15);
}

TEST(metrics_are_found_by_name)
{
	struct err e = {0};
	const int gold[] = {0, 1}, pred[] = {0, 0};
	const struct metric *m = metric_find("accuracy", &e);
	REQUIRE(m);
	CHECK_NEAR(m->compute(&(struct outcome){.n = 2, .classes = 2, .gold = gold, .pred = pred}), 0.5, 0);
	CHECK(metric_find("pearson", &e)->regression);
	CHECK(!metric_find("acuracy", &e));
	CHECK_INT(e.code, ERR_USAGE);
	CHECK_CONTAINS(e.text, "did you mean 'accuracy'?");
}
