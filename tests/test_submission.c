#include "../eval/submission.h"

#include "data_files.h"
#include "small_facts.h"

#include <stdlib.h>

static const char *const accuracy[] = {"accuracy", NULL}, *const pearson[] = {"pearson", NULL};

static const char *written(const char *name)
{
	static char text[1000];
	struct err e = {0};
	char *data;
	size_t size;
	*text = '\0';
	if (CHECK_OK(file_read(&data, &size, test_path(name), sizeof text - 1, &e), &e)) {
		memcpy(text, data, size + 1);
		free(data);
	}
	return text;
}

static struct dataset of(const char *task, int count)
{
	struct dataset d = {.task = task_find(task, NULL), .count = count};
	while (d.task->labels && d.task->labels[d.classes])
		d.classes++;
	return d;
}

TEST(classes_are_spelled_as_the_server_does)
{
	struct err e = {0};
	const struct dataset sst2 = of("sst2", 3), rte = of("rte", 3);
	struct facts f = small_facts_blank(3, 2, accuracy, "none", 0);
	small_facts_predict(&f, 1, 1, 2);
	REQUIRE_OK(submission_write(test_path("s.tsv"), &sst2, &f, &e), &e);
	CHECK_STR(written("s.tsv"), "index\tprediction\n0\t0\n1\t1\n2\t0\n");
	REQUIRE_OK(submission_write(test_path("r.tsv"), &rte, &f, &e), &e);
	CHECK_STR(written("r.tsv"), "index\tprediction\n0\tentailment\n1\tnot_entailment\n2\tentailment\n");
	facts_close(&f);
}

TEST(similarities_are_from_0_to_5_with_three_decimals_and_a_folder_gets_the_tasks_file)
{
	struct err e = {0};
	const struct dataset stsb = of("stsb", 3);
	struct facts f = small_facts_blank(3, 0, pearson, "none", 0);
	small_facts_value(&f, 0, NAN, -0.5);
	small_facts_value(&f, 1, NAN, 2.71828);
	small_facts_value(&f, 2, NAN, 5.5);
	REQUIRE_OK(file_make_directories(test_path("out"), &e), &e);
	REQUIRE_OK(submission_write(test_path("out"), &stsb, &f, &e), &e);
	CHECK_STR(written("out/STS-B.tsv"), "index\tprediction\n0\t0.000\n1\t2.718\n2\t5.000\n");
	facts_close(&f);
}

TEST(only_whole_splits_of_glues_tasks_can_be_submitted)
{
	struct err part = {0}, other = {0}, folder = {0};
	const struct dataset sst2 = of("sst2", 3), four = of("sst2", 4), imdb = of("imdb", 3);
	struct facts f = small_facts_blank(3, 2, accuracy, "none", 0);
	CHECK_INT(submission_write(test_path("x.tsv"), &four, &f, &part), ERR_USAGE);
	CHECK_CONTAINS(part.text, "of all 4 samples, not of 3");
	CHECK_INT(submission_write(test_path("x.tsv"), &imdb, &f, &other), ERR_USAGE);
	CHECK_CONTAINS(other.text, "task 'imdb' is not one of GLUE's");
	CHECK_INT(submission_check(sst2.task, NULL), 0);
	CHECK_INT(submission_write(test_path("nowhere/x.tsv"), &sst2, &f, &folder), ERR_IO);
	CHECK(!file_exists(test_path("x.tsv")));
	facts_close(&f);
}
