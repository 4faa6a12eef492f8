#include "../eval/train_task.h"

#include "../engine/base/log.h"
#include "data_files.h"
#include "small_training.h"

#include <math.h>

/* A model directory as far as its data is concerned. */
static const char *model(void)
{
	static char path[4096];
	snprintf(path, sizeof path, "%s", test_path("model"));
	log_set_quiet(1);
	put("model/config.json", "{\"model_type\": \"bert\", \"max_position_embeddings\": 6}");
	put("model/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\n");
	put("train.tsv", "text\tlabel\na b\tyes\nc\tno\na a a a a\tyes\nb\tyes\n");
	put("dev.tsv", "text\tlabel\na b\tno\n");
	put("values.tsv", "text\tvalue\na\t1\nb\t2\n");
	put("plain.tsv", "text\na\n");
	return path;
}

static struct task_args args_of(const char *task, const char *weights)
{
	struct task_args a = {.task = task, .data = test_folder(), .class_weights = weights};
	a.train.model = model();
	return a;
}

static const char words[] = "file::train=train.tsv,dev=dev.tsv,label=label";

static void refused(struct task_args a, const char *why)
{
	struct err e = {0};
	struct train_task t = {.args = NULL};
	CHECK(train_task_read(&t, &a, &e) != 0);
	CHECK_CONTAINS(e.text, why);
	train_task_close(&t);
}

TEST(texts_are_cut_to_the_models_positions_unless_less_is_asked)
{
	struct err e = {0};
	struct train_task t = {.args = NULL}, shorter = {.args = NULL};
	struct task_args a = args_of(words, NULL), b = args_of(words, NULL);
	REQUIRE_OK(train_task_read(&t, &a, &e), &e);
	CHECK_INT(t.max_length, 6);
	CHECK_INT(t.train.texts.longest, 6);
	CHECK_INT(t.train.texts.truncated, 1);
	CHECK(!t.class_weights);
	b.train.max_length = 4;
	REQUIRE_OK(train_task_read(&shorter, &b, &e), &e);
	CHECK_INT(shorter.train.texts.longest, 4);
	train_task_close(&t);
	train_task_close(&shorter);
	b.train.max_length = 7;
	refused(b, "--max-length is 7, but '");
}

TEST(balanced_weights_make_classes_equal)
{
	struct err e = {0};
	struct train_task t = {.args = NULL};
	struct task_args a = args_of(words, "balanced");
	REQUIRE_OK(train_task_read(&t, &a, &e), &e);
	/* One "no" and three "yes": 4 / (2 x 1) and 4 / (2 x 3). */
	CHECK_NEAR(t.class_weights[0], 2, 1e-12);
	CHECK_NEAR(t.class_weights[1], 2.0 / 3, 1e-12);
	train_task_close(&t);
}

TEST(weights_are_given_in_the_order_of_classes)
{
	struct err e = {0};
	struct train_task t = {.args = NULL};
	struct task_args a = args_of(words, "0.25/3e1");
	REQUIRE_OK(train_task_read(&t, &a, &e), &e);
	CHECK_NEAR(t.class_weights[0], 0.25, 0);
	CHECK_NEAR(t.class_weights[1], 30, 0);
	train_task_close(&t);
}

TEST(other_weights_are_refused)
{
	static const char *const bad[] = {"",    "1",    "1/2/3", "1/-2", "1/0",  "0/1",  "1/inf",   "nan/1",
	                                  "1,2", "1/2x", "1/",    "/1",   "1//2", "even", "Balanced"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refused(args_of(words, bad[i]),
		        "--class-weights must be 'balanced' or 2 numbers above 0 with / between, found '");
	refused(args_of("file::train=values.tsv,dev=values.tsv,value=value", "1/2"), "is a regression");
}

TEST(what_cannot_be_learnt_or_judged_is_refused_before_training)
{
	refused(args_of("file::train=train.tsv,dev=dev.tsv,label=label,labels=yes|no|maybe", NULL),
	        "class 'maybe' of file::train=");
	refused(args_of("file::train=plain.tsv,dev=dev.tsv,labels=yes|no", NULL), "no column 'label' in");
	refused(args_of("file::train=train.tsv,dev=plain.tsv,labels=yes|no", NULL), "no column 'label' in");
	refused(args_of("file::train=train.tsv,dev=no.tsv,label=label", NULL), "no.tsv");
	struct task_args a = args_of(words, NULL);
	a.train.model = test_path("no-model");
	refused(a, "no-model");
}

/* Not after the first epoch, when dev is judged. */
TEST(what_cannot_be_judged_is_refused_when_it_is_opened)
{
	struct err e = {0};
	struct train_task t = {.kind = "finetune"};
	struct task_args a = args_of(words, NULL);
	a.batch = 2;
	a.train.dropout = NAN;
	a.train.model = tiny_model("deep", &(struct tiny_shape){.L = FACTS_LAYERS_MAX + 1});
	REQUIRE_OK(train_task_read(&t, &a, &e), &e);
	CHECK_INT(train_task_open(&t, &e), ERR_LIMIT);
	CHECK_CONTAINS(e.text, "the model has 65 layers, at most 64 can be judged");
	train_task_close(&t);
}
