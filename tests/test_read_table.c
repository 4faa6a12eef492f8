#include "data_files.h"

#include <math.h>

TEST(sst2_is_read_with_its_labels)
{
	struct dataset d;
	put("sst2/train.tsv", "sentence\tlabel\nit 's \"good\" \t1\nbad\t0\n");
	REQUIRE(must_open(&d, "sst2", "sst2", SPLIT_TRAIN));
	CHECK_INT(d.count, 2);
	CHECK_INT(d.labelled, 2);
	CHECK(text_is(&d.sample[0], "it 's \"good\" ") && !d.sample[0].pair);
	CHECK_STR(d.labels[d.sample[0].label], "positive");
	CHECK_STR(d.labels[d.sample[1].label], "negative");
	CHECK_INT(d.sample[1].line, 3);
	CHECK_CONTAINS(d.files[d.sample[1].file], "sst2/train.tsv");
	CHECK(isnan(d.sample[0].value));
	dataset_close(&d);
}

TEST(a_test_split_may_be_without_labels_but_train_may_not)
{
	struct dataset d;
	put("nolabel/test.tsv", "index\tsentence\n0\ta b\n");
	put("nolabel/train.tsv", "index\tsentence\n0\ta b\n");
	REQUIRE(must_open(&d, "sst2", "nolabel", SPLIT_TEST));
	CHECK_INT(d.sample[0].label, -1);
	CHECK_INT(d.labelled, 0);
	CHECK_CONTAINS(d.note, "test is 'test.tsv', as there is no 'test-labeled.tsv'");
	dataset_close(&d);
	CHECK_CONTAINS(refusal("sst2", "nolabel", SPLIT_TRAIN), "no column 'label' in ");
}

TEST(labelled_test_files_come_before_unlabelled_ones)
{
	struct dataset d;
	put("both/test.tsv", "index\tsentence\n0\ta b\n");
	put("both/test-labeled.tsv", "sentence\tlabel\r\na b\t1\r\n");
	REQUIRE(must_open(&d, "sst2", "both", SPLIT_TEST));
	CHECK_INT(d.sample[0].label, 1);
	CHECK(text_is(&d.sample[0], "a b"));
	CHECK_STR(d.note, "");
	dataset_close(&d);
}

TEST(cola_has_no_header_but_in_test)
{
	struct dataset d;
	put("cola/dev.tsv", "gj04\t1\t\tThe first.\ngj04\t0\t*\tFirst the.\n");
	put("cola/test.tsv", "index\tsentence\n0\tBill.\n");
	REQUIRE(must_open(&d, "cola", "cola", SPLIT_DEV));
	CHECK_INT(d.count, 2);
	CHECK(text_is(&d.sample[0], "The first."));
	CHECK_STR(d.labels[d.sample[1].label], "unacceptable");
	dataset_close(&d);
	REQUIRE(must_open(&d, "cola", "cola", SPLIT_TEST));
	CHECK(d.count == 1 && text_is(&d.sample[0], "Bill."));
	dataset_close(&d);
}

TEST(mrpc_has_a_byte_order_mark_and_literal_quotes)
{
	struct dataset d;
	put("mrpc/train.tsv",
	    "\xef\xbb\xbfQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tHe said \"so\t\"So, he said\n");
	REQUIRE(must_open(&d, "mrpc", "mrpc", SPLIT_TRAIN));
	CHECK(text_is(&d.sample[0], "He said \"so") && pair_is(&d.sample[0], "\"So, he said"));
	CHECK_STR(d.labels[d.sample[0].label], "equivalent");
	dataset_close(&d);
}

TEST(stsb_is_a_regression)
{
	struct dataset d;
	put("stsb/dev.tsv", "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
	                    "0\tg\tf\ty\to\ts\ts\tA man.\tA dog.\t3.800\n");
	REQUIRE(must_open(&d, "stsb", "stsb", SPLIT_DEV));
	CHECK_INT(d.classes, 0);
	CHECK_INT(d.labelled, 1);
	CHECK_INT(d.sample[0].label, -1);
	CHECK_NEAR(d.sample[0].value, 3.8, 0);
	CHECK(pair_is(&d.sample[0], "A dog."));
	dataset_close(&d);
	put("stsb/dev.tsv", "sentence1\tsentence2\tscore\na\tb\t3,8\n");
	CHECK_CONTAINS(refusal("stsb", "stsb", SPLIT_DEV), "not a number: '3,8' in field 'score' of");
	put("stsb/dev.tsv", "sentence1\tsentence2\tscore\na\tb\tnan\n");
	CHECK_CONTAINS(refusal("stsb", "stsb", SPLIT_DEV), "not a number: 'nan'");
}

TEST(the_other_tasks_of_glue_have_their_published_columns)
{
	struct dataset d;
	put("g/QQP/train.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tWhy?\tWhy so?\t1\nbroken\n");
	put("g/MNLI/dev_matched.tsv", "index\tsentence1\tsentence2\tlabel1\tgold_label\n0\tp\th\tneutral\tcontradiction\n");
	put("g/MNLI/dev_mismatched.tsv", "index\tsentence1\tsentence2\tlabel1\tgold_label\n0\tp\t\tneutral\tentailment\n");
	put("g/QNLI/dev.tsv", "index\tquestion\tsentence\tlabel\n0\tq\ts\tnot_entailment\n");
	put("g/RTE/dev.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n");
	put("g/WNLI/dev.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t1\n");
	REQUIRE(must_open(&d, "qqp", "g/QQP", SPLIT_TRAIN));
	CHECK(d.count == 1 && d.sample[0].label == 1);
	CHECK_CONTAINS(d.note, "1 broken rows of");
	dataset_close(&d);
	static const struct {
		const char *task, *label;
	} each[] = {{"mnli", "contradiction"},
	            {"mnli-mm", "entailment"},
	            {"qnli", "not_entailment"},
	            {"rte", "entailment"},
	            {"wnli", "entailment"}};
	for (int i = 0; i < 5; i++) {
		/* "g" stands in for a folder above: the tails QNLI, RTE ... are looked for below it */
		REQUIRE(must_open(&d, each[i].task, "g", SPLIT_DEV));
		CHECK(d.count == 1 && d.sample[0].pair);
		CHECK_STR(d.labels[d.sample[0].label], each[i].label);
		dataset_close(&d);
	}
}

TEST(titles_and_descriptions_are_joined_by_a_space)
{
	struct dataset d;
	put("ag/test.csv", "\"3\",\"A \"\"title\"\"\",\"and more\"\n\"4\",\"\",\"alone\"\n");
	REQUIRE(must_open(&d, "agnews", "ag", SPLIT_TEST));
	CHECK(text_is(&d.sample[0], "A \"title\" and more"));
	CHECK(text_is(&d.sample[1], "alone"));
	CHECK_STR(d.labels[d.sample[0].label], "Business");
	CHECK_STR(d.labels[d.sample[1].label], "Sci/Tech");
	dataset_close(&d);
}

TEST(dbpedia_may_be_in_samples)
{
	struct dataset d;
	put("db/train_sample.csv", "\"1\",\"\",\"a\"\n\"14\",\"T\",\"b\"\n");
	put("db/train_tokenised.csv", "\"2\",\"\",\"c\"\n\"2\",\"\",\"d\"\n");
	put("db/test_sample.csv", "\"10\",\"\",\"e\"\n");
	REQUIRE(must_open(&d, "dbpedia", "db", SPLIT_TRAIN));
	CHECK_INT(d.count, 3); /* a third at most is carved off for dev */
	CHECK_CONTAINS(d.note, "train is 'train_sample.csv' and 'train_tokenised.csv', as there is no 'train.csv'");
	CHECK_CONTAINS(d.note, "dev is 1 of the 4 rows of train, drawn with seed 0");
	dataset_close(&d);
	REQUIRE(must_open(&d, "dbpedia", "db", SPLIT_TEST));
	CHECK_STR(d.labels[d.sample[0].label], "Animal");
	dataset_close(&d);
}

TEST(faults_name_file_line_and_field)
{
	put("bad/train.tsv", "sentence\tlabel\ngood\t1\nbad\t2\n");
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "unknown label '2' in field 'label' of '");
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "bad/train.tsv' line 3 (known: 0, 1)");
	put("bad/train.tsv", "sentence\tlabel\ngood\t1\textra\n");
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "expected 2 columns, found 3 in '");
	put("bad/train.tsv", "text\tlabel\ngood\t1\n");
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "no column 'sentence' in '");
	put("bad/train.tsv", "sentence\tlabel\n\t1\n");
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "field 'sentence' is empty in '");
	put("bad/train.tsv", "sentence\tlabel\n");
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "no rows in '");
	put("bad/train.tsv", "");
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "nothing in '");
	put("bad/train.tsv", "sentence\tlabel\nx\t1\n\xc3(\t1\n");
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "not UTF-8 at byte 19 of '");
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "', line 3");
	put_bytes("bad/train.tsv", "sentence\tlabel\nx\0y\t1\n", 21);
	CHECK_CONTAINS(refusal("sst2", "bad", SPLIT_TRAIN), "a NUL at byte 16 of '");
}
