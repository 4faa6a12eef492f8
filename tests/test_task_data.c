#include "../eval/task_data.h"

#include "../engine/base/log.h"
#include "data_files.h"

static struct tokenizer *words(void)
{
	struct err e = {0};
	struct tokenizer *t = NULL;
	log_set_quiet(1);
	CHECK_OK(tokenizer_open(&t, put("words/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\n"), &e), &e);
	return t;
}

static struct task_split opened(const struct tokenizer *t, const char *task, enum split split, int limit, int length)
{
	struct err e = {0};
	struct task_split s;
	CHECK_OK(task_split_open(&s, task, test_folder(), split, limit, t, length, &e), &e);
	return s;
}

TEST(a_split_is_read_tokenized_and_summed)
{
	struct tokenizer *t = words();
	put("x.tsv", "text\tlabel\na b\tyes\nc\tno\na a a a a\tyes\n");
	const char *task = "file::train=x.tsv,dev=x.tsv,label=label";
	struct task_split all = opened(t, task, SPLIT_TRAIN, 0, 5), two = opened(t, task, SPLIT_DEV, 2, 5);
	CHECK_INT(all.texts.count, 3);
	CHECK_INT(all.texts.tokens, 4 + 3 + 5);
	CHECK_INT(all.texts.truncated, 1);
	CHECK_INT(all.texts.examples[0].label, 1);
	CHECK_INT(two.texts.count, 2);
	CHECK(strlen(all.sha) == 64 && strcmp(all.sha, two.sha) != 0);
	struct task_split cut = opened(t, task, SPLIT_TRAIN, 0, 4);
	CHECK_STR(cut.sha, all.sha);
	CHECK(strcmp(cut.token_sha, all.token_sha) != 0);
	task_split_close(&all);
	task_split_close(&two);
	task_split_close(&cut);
	tokenizer_close(t);
}

TEST(a_split_that_cannot_be_tokenized_leaves_nothing)
{
	struct err e = {0};
	struct task_split s;
	struct tokenizer *t = words();
	put("x.tsv", "text\tlabel\na b\tyes\nc\tno\n");
	CHECK(task_split_open(&s, "file:x.tsv:label=label", test_folder(), SPLIT_DEV, 0, t, 1, &e) != 0);
	CHECK(!s.rows.sample && !s.texts.examples);
	CHECK(task_split_open(&s, "no such task", test_folder(), SPLIT_DEV, 0, t, 5, &e) != 0);
	CHECK(!s.rows.sample && !s.texts.examples);
	task_split_close(&s);
	tokenizer_close(t);
}

static void labels_say(const struct tokenizer *t, const char *task, enum split split, const char *sentence)
{
	struct err e = {0};
	struct task_split s = opened(t, task, split, 0, 0);
	const int code = task_split_check_labels(&s, &e);
	CHECK_INT(code != 0, *sentence != '\0');
	CHECK_CONTAINS(e.text, sentence);
	task_split_close(&s);
}

TEST(every_sample_has_a_label_and_every_class_a_sample)
{
	struct tokenizer *t = words();
	put("whole.tsv", "text\tlabel\na\tyes\nb\tno\n");
	put("values.tsv", "text\tvalue\na\t1\nb\t-2.5\n");
	put("plain.tsv", "text\na\nb\n");
	labels_say(t, "file::train=whole.tsv,dev=whole.tsv,label=label", SPLIT_TRAIN, "");
	labels_say(t, "file::train=values.tsv,dev=values.tsv,value=value", SPLIT_TRAIN, "");
	labels_say(t, "file::train=whole.tsv,dev=whole.tsv,labels=yes|no|maybe", SPLIT_TRAIN,
	           "class 'maybe' of file::train=whole.tsv,dev=whole.tsv,labels=yes|no|maybe has no sample in train");
	labels_say(t, "file:plain.tsv:labels=yes|no", SPLIT_TEST,
	           "file:plain.tsv:labels=yes|no test has 2 samples without a label");
	tokenizer_close(t);
}
