#include "data_files.h"

#include "../eval/metrics.h"

#include <stdlib.h>

/* 300 rows "row I", class I % 2. */
static void put_rows(const char *name)
{
	static char text[300 * 32];
	int used = 0;
	for (int i = 0; i < 300; i++)
		used += snprintf(text + used, sizeof text - (size_t)used, "\"%d\",\"\",\"row %d\"\n", i % 2 + 1, i);
	put(name, text);
}

static int row(const struct sample *s) { return atoi(s->text + 4); }

TEST(carved_dev_and_train_are_all_of_train_and_disjoint)
{
	struct dataset train, dev;
	int seen[300] = {0};
	put_rows("c/train.csv");
	REQUIRE(must_open(&train, "agnews", "c", SPLIT_TRAIN));
	REQUIRE(must_open(&dev, "agnews", "c", SPLIT_DEV));
	CHECK(train.count == 200 && dev.count == 100);
	for (int i = 0; i < train.count; i++)
		seen[row(&train.sample[i])]++;
	for (int i = 0; i < dev.count; i++) {
		seen[row(&dev.sample[i])]++;
		CHECK(i == 0 || row(&dev.sample[i]) > row(&dev.sample[i - 1]));
	}
	int once = 0;
	for (int i = 0; i < 300; i++)
		once += seen[i] == 1;
	CHECK_INT(once, 300);
	CHECK_STR(train.note, "dev is 100 of the 300 rows of train, drawn with seed 0");
	CHECK_STR(train.note, dev.note);
	dataset_close(&train);
	dataset_close(&dev);
}

TEST(what_is_drawn_depends_on_the_seed_alone)
{
	struct dataset d[3];
	struct err e = {0};
	char sum[3][65];
	put_rows("s/test.csv");
	for (int i = 0; i < 3; i++) {
		struct dataset_options o = {.seed = i == 2, .limit = 50};
		REQUIRE_OK(dataset_open(&d[i], "agnews", test_path("s"), SPLIT_TEST, &o, &e), &e);
		CHECK_INT(d[i].count, 50);
		dataset_sha(&d[i], sum[i]);
	}
	CHECK_STR(sum[0], sum[1]);
	CHECK(strcmp(sum[0], sum[2]) != 0);
	for (int i = 0; i < 3; i++)
		dataset_close(&d[i]);
}

TEST(the_sum_is_of_the_rows_not_of_the_files)
{
	struct dataset tsv, csv;
	char a[65], b[65];
	put("sum/a.tsv", "text\tlabel\nx y\t0\nz\t1\n");
	put("sum/b.csv", "id,label,text\n7,0,\"x y\"\n8,1,z\n");
	put("sum/c.csv", "id,label,text\n7,1,\"x y\"\n8,0,z\n");
	REQUIRE(must_open(&tsv, "file:a.tsv", "sum", SPLIT_TEST));
	REQUIRE(must_open(&csv, "file:b.csv", "sum", SPLIT_TEST));
	dataset_sha(&tsv, a);
	dataset_sha(&csv, b);
	CHECK_STR(a, b);
	dataset_close(&csv);
	REQUIRE(must_open(&csv, "file:c.csv", "sum", SPLIT_TEST));
	dataset_sha(&csv, b);
	CHECK(strcmp(a, b) != 0);
	dataset_close(&tsv);
	dataset_close(&csv);
}

TEST(a_pair_and_one_text_of_the_same_bytes_have_different_sums)
{
	struct dataset one, two;
	char a[65], b[65];
	put("pairs/a.csv", "text,p,label\nx,,0\ny,,1\n");
	REQUIRE(must_open(&one, "file:a.csv", "pairs", SPLIT_TEST));
	REQUIRE(must_open(&two, "file:a.csv:text_pair=p", "pairs", SPLIT_TEST));
	dataset_sha(&one, a);
	dataset_sha(&two, b);
	CHECK(strcmp(a, b) != 0);
	dataset_close(&one);
	dataset_close(&two);
}

TEST(splits_have_names)
{
	enum split s;
	struct err e = {0};
	CHECK_OK(split_parse(&s, "validation", &e), &e);
	CHECK_STR(split_name(s), "dev");
	CHECK_OK(split_parse(&s, "val", &e), &e);
	CHECK_INT(s, SPLIT_DEV);
	CHECK_INT(split_parse(&s, "trian", &e), ERR_USAGE);
	CHECK_STR(e.text, "unknown split 'trian' (known: train, dev, test)");
}

TEST(what_is_not_there_is_said)
{
	put("q/QNLI/dev.tsv", "index\tquestion\tsentence\tlabel\n0\tq\ts\tentailment\n");
	CHECK_CONTAINS(refusal("qnli", "q", SPLIT_TRAIN), "no train split of task 'qnli' in '");
	CHECK(dataset_has("qnli", test_path("q"), SPLIT_DEV) && !dataset_has("qnli", test_path("q"), SPLIT_TRAIN));
	CHECK(!dataset_has("rte", test_path("q"), SPLIT_DEV));
	CHECK_CONTAINS(refusal("rte", "q", SPLIT_DEV), "no data of task 'rte' in '");
	CHECK_CONTAINS(refusal("rte", "nowhere", SPLIT_DEV), "no folder '");
	CHECK_CONTAINS(refusal("sts2", "q", SPLIT_DEV), "unknown task 'sts2'; did you mean '");
	struct dataset d;
	struct err e = {0};
	CHECK_INT(dataset_open(&d, "rte", NULL, SPLIT_DEV, NULL, &e), ERR_USAGE);
}

TEST(a_third_at_most_is_carved_and_one_row_at_least)
{
	put("few/train.csv", "\"1\",\"\",\"a\"\n\"2\",\"\",\"b\"\n");
	CHECK_CONTAINS(refusal("agnews", "few", SPLIT_DEV), "too few rows in train to carve a dev split from: 2");
}

TEST(the_original_mrpc_files_do_without_glues)
{
	struct dataset d;
	put("msr/msr_paraphrase_train.txt",
	    "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\ta\tb\n0\t3\t4\tc\td\n1\t5\t6\te\tf\n");
	put("msr/msr_paraphrase_test.txt", "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\ta\tb\n");
	REQUIRE(must_open(&d, "mrpc", "msr", SPLIT_TRAIN));
	CHECK_INT(d.count, 2);
	dataset_close(&d);
	REQUIRE(must_open(&d, "mrpc", "msr", SPLIT_TEST));
	CHECK(d.count == 1 && d.labelled == 1);
	dataset_close(&d);
	/* With GLUE's dev there, the original train would hold it: then it is not taken. */
	put("msr/dev.tsv", "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\ta\tb\n");
	CHECK_CONTAINS(refusal("mrpc", "msr", SPLIT_TRAIN), "no train split of task 'mrpc' in '");
}

TEST(every_task_is_whole)
{
	for (const struct task *const *t = task_list(); *t; t++) {
		struct err e = {0};
		CHECK(task_find((*t)->name, &e) == *t && (*t)->title && (*t)->layouts);
		for (int i = 0; (*t)->labels && ((*t)->labels[i] || (*t)->spelled[i]); i++)
			CHECK((*t)->labels[i] && (*t)->spelled[i]);
		for (const char *const *m = (*t)->metrics; *m; m++) {
			const struct metric *metric = metric_find(*m, &e);
			REQUIRE(metric);
			CHECK_INT(metric->regression, !(*t)->labels);
		}
	}
}
