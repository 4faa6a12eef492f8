#include "../eval/baseline.h"
#include "data_files.h"

#include <math.h>

static int open_rows(struct dataset *d, const char *task, const char *rows, enum split split)
{
	put(split == SPLIT_TRAIN ? "b/train.csv" : "b/dev.csv", rows);
	return must_open(d, task, "b", split);
}

#define TASK "file::train=train.csv,dev=dev.csv,labels=a|b|c"

TEST(words_that_tell_the_classes_are_learnt)
{
	struct dataset train, dev;
	struct baseline *b;
	struct err e = {0};
	double p[9];
	REQUIRE(open_rows(&train, TASK,
	                  "text,label\nred one,a\nred two,a\nblue one,b\nblue two,b\ngreen one,c\ngreen two,c\n",
	                  SPLIT_TRAIN));
	REQUIRE(open_rows(&dev, TASK, "text,label\nBLUE three,b\ngreen,c\nred,a\n", SPLIT_DEV));
	REQUIRE_OK(baseline_open(&b, &train, NULL, &e), &e);
	CHECK_INT(baseline_features(b), 5); /* red, blue, green, one, two: no pair of words is there twice */
	CHECK_OK(baseline_predict(b, &dev, p, &e), &e);
	CHECK(p[1] > 0.9 && p[5] > 0.9 && p[6] > 0.9);
	CHECK_NEAR(p[0] + p[1] + p[2], 1, 1e-12);
	baseline_close(b);
	dataset_close(&train);
	dataset_close(&dev);
}

TEST(a_text_of_unknown_words_gets_the_shares_of_the_classes)
{
	struct dataset train, dev;
	struct baseline *b;
	struct err e = {0};
	double p[3];
	REQUIRE(open_rows(&train, TASK, "text,label\nx,a\nx,a\nx,b\nx,c\n", SPLIT_TRAIN));
	REQUIRE(open_rows(&dev, TASK, "text,label\nnew,a\n", SPLIT_DEV));
	REQUIRE_OK(baseline_open(&b, &train, &(struct baseline_options){.l2 = 100, .iterations = 1000}, &e), &e);
	CHECK_OK(baseline_predict(b, &dev, p, &e), &e);
	CHECK_NEAR(p[0], 0.5, 5e-3);
	CHECK_NEAR(p[1], 0.25, 5e-3);
	baseline_close(b);
	dataset_close(&train);
	dataset_close(&dev);
}

TEST(pairs_of_words_and_words_in_both_texts_are_features)
{
	struct dataset train;
	struct baseline *b;
	struct err e = {0};
	REQUIRE(open_rows(&train, TASK ",text_pair=pair", "text,pair,label\nx y,x z,a\nx y,x z,b\n", SPLIT_TRAIN));
	REQUIRE_OK(baseline_open(&b, &train, NULL, &e), &e);
	CHECK_INT(baseline_features(b), 7); /* x, y, xy of the text; x, z, xz of the pair; x of both */
	baseline_close(b);
	dataset_close(&train);
}

TEST(regression_is_least_squares)
{
	struct dataset train, dev;
	struct baseline *b;
	struct err e = {0};
	double value[2];
	const char *task = "file::train=train.csv,dev=dev.csv,value=y";
	REQUIRE(open_rows(&train, task, "text,y\nlow,1\nlow,1\nhigh,5\nhigh,5\n", SPLIT_TRAIN));
	REQUIRE(open_rows(&dev, task, "text,y\nlow,0\nhigh,0\n", SPLIT_DEV));
	CHECK_NEAR(baseline_mean(&train), 3, 0);
	REQUIRE_OK(baseline_open(&b, &train, NULL, &e), &e);
	CHECK_OK(baseline_predict(b, &dev, value, &e), &e);
	CHECK_NEAR(value[0], 1, 0.02);
	CHECK_NEAR(value[1], 5, 0.02);
	baseline_close(b);
	dataset_close(&train);
	dataset_close(&dev);
}

TEST(the_majority_is_the_most_frequent_class_the_first_on_a_tie)
{
	struct dataset train;
	REQUIRE(open_rows(&train, TASK, "text,label\nx,c\nx,b\nx,c\nx,b\n", SPLIT_TRAIN));
	CHECK_INT(baseline_majority(&train), 1);
	CHECK_NEAR(baseline_mean(&train), NAN, 0);
	dataset_close(&train);
}

TEST(nothing_is_learnt_without_labels)
{
	struct dataset d;
	struct baseline *b;
	struct err e = {0};
	put("n/test.tsv", "index\tsentence\n0\ta b\n");
	REQUIRE(must_open(&d, "sst2", "n", SPLIT_TEST));
	CHECK_INT(baseline_open(&b, &d, NULL, &e), ERR_FORMAT);
	CHECK_STR(e.text, "no labels to learn from in the test split of task 'sst2'");
	CHECK(!b);
	dataset_close(&d);
}
