#include "data_files.h"

TEST(any_file_with_named_columns_is_a_task)
{
	struct dataset d;
	put("f/a.tsv", "id\ttext\tlabel\n1\tone\tyes\n2\ttwo\tno\n");
	REQUIRE(must_open(&d, "file:a.tsv", "f", SPLIT_TEST));
	CHECK_INT(d.count, 2);
	CHECK_INT(d.classes, 2);
	CHECK_STR(d.labels[0], "no");
	CHECK_STR(d.labels[d.sample[0].label], "yes");
	CHECK_STR(d.task->metrics[0], "accuracy");
	CHECK_STR(d.task->metrics[1], "f1");
	CHECK_STR(d.task->name, "file:a.tsv");
	dataset_close(&d);
	CHECK_CONTAINS(refusal("file:a.tsv", "f", SPLIT_TRAIN), "no train split of task 'file:a.tsv'");
}

TEST(columns_splits_and_classes_are_options)
{
	struct dataset d;
	put("g/t.jsonl", "{\"a\": \"x\", \"b\": \"y\", \"c\": 1}\n{\"a\": \"z\", \"b\": \"w\", \"c\": 0}\n");
	put("g/d.jsonl", "{\"a\": \"v\", \"b\": \"\", \"c\": 2}\n");
	const char *task = "file::text=a,text_pair=b,label=c,train=t.jsonl,dev=d.jsonl";
	REQUIRE(must_open(&d, task, "g", SPLIT_TRAIN));
	CHECK(d.count == 2 && d.classes == 3 && pair_is(&d.sample[1], "w") && d.sample[0].label == 1);
	CHECK_STR(d.task->metrics[1], "f1-macro");
	dataset_close(&d);
	REQUIRE(must_open(&d, task, "g", SPLIT_DEV));
	CHECK(d.count == 1 && d.sample[0].label == 2);
	dataset_close(&d);
	CHECK_CONTAINS(refusal(task, "g", SPLIT_TEST), "no test split of task");
	REQUIRE(must_open(&d, "file:d.jsonl:text=a,label=c,labels=2|1", "g", SPLIT_DEV));
	CHECK(d.classes == 2 && d.sample[0].label == 0);
	dataset_close(&d);
}

TEST(dev_is_carved_when_there_is_train_alone)
{
	struct dataset train, dev;
	put("c/t.csv", "text,label\na,0\nb,1\nc,0\nd,1\n");
	REQUIRE(must_open(&train, "file::train=t.csv", "c", SPLIT_TRAIN));
	REQUIRE(must_open(&dev, "file::train=t.csv", "c", SPLIT_DEV));
	CHECK(train.count == 3 && dev.count == 1);
	dataset_close(&train);
	dataset_close(&dev);
}

TEST(a_value_makes_a_regression)
{
	struct dataset d;
	put("v/a.csv", "text,y\none,0.5\ntwo,-1e3\n");
	REQUIRE(must_open(&d, "file:a.csv:value=y", "v", SPLIT_DEV));
	CHECK(d.classes == 0 && !d.labels);
	CHECK_NEAR(d.sample[1].value, -1000, 0);
	CHECK_STR(d.task->metrics[0], "pearson");
	dataset_close(&d);
}

TEST(paths_may_be_absolute_and_hold_colons_bars_and_plus_signs)
{
	struct dataset d;
	struct err e = {0};
	char task[4200];
	put("p/a:b|c+d.csv", "text,label\nx,0\ny,1\n");
	snprintf(task, sizeof task, "file:%s:text=text", test_path("p/a:b|c+d.csv"));
	REQUIRE_OK(dataset_open(&d, task, NULL, SPLIT_TEST, NULL, &e), &e);
	CHECK_INT(d.count, 2);
	dataset_close(&d);
}

TEST(wrong_specifications_are_refused)
{
	put("w/a.csv", "text,label\nx,0\ny,1\n");
	put("w/one.csv", "text,label\nx,0\n");
	put("w/b.tsv", "text\tlabel\nx\t0\n");
	CHECK_CONTAINS(refusal("file:a.csv:txt=a", "w", SPLIT_DEV),
	               "unknown option 'txt' of a task file:...; did you mean 'text'?");
	CHECK_CONTAINS(refusal("file:a.csv:text=", "w", SPLIT_DEV), "nothing in option 'text'");
	CHECK_CONTAINS(refusal("file:a.csv:text=a,text=b", "w", SPLIT_DEV), "option 'text' of a task file:... given twice");
	CHECK_CONTAINS(refusal("file:a.csv:label=a,value=b", "w", SPLIT_DEV), "label= or value=, not both");
	CHECK_CONTAINS(refusal("file:a.txt", "w", SPLIT_DEV), "expected a name that ends in .csv, .tsv or .jsonl: 'a.txt'");
	CHECK_CONTAINS(refusal("file:a.csv:train=b.tsv", "w", SPLIT_DEV), "files of one task must be of one format");
	CHECK_CONTAINS(refusal("file:", "w", SPLIT_DEV), "no file in the task");
	CHECK_CONTAINS(refusal("file:none.csv", "w", SPLIT_DEV), "cannot open '");
	CHECK_CONTAINS(refusal("file:one.csv", "w", SPLIT_DEV),
	               "only one label in column 'label': give the classes as labels=a|b");
	CHECK_CONTAINS(refusal("file:a.csv:labels=0|0", "w", SPLIT_DEV), "label '0' is there twice");
	CHECK_CONTAINS(refusal("file:a.csv:labels=0|2", "w", SPLIT_DEV), "unknown label '1' in field 'label' of '");
	CHECK_CONTAINS(refusal("file:a.csv:text=body", "w", SPLIT_DEV), "no column 'body' in '");
	CHECK_CONTAINS(refusal("file:a.csv:label=y,labels=0|1", "w", SPLIT_TEST), "no column 'y' in '");
}
