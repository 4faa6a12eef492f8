/* The table of tasks: GLUE's names of columns and labels are as published (Wang et al. 2019), the order of labels is
 * that of the usual releases, so that a model trained elsewhere agrees. */
#include "reader.h"

#include "../engine/base/err.h"

#include <string.h>

#define LIST(...)    ((const char *const[]){__VA_ARGS__, NULL})
#define LAYOUTS(...) ((const struct layout[]){__VA_ARGS__, {0}})

#define ZERO_ONE   LIST("0", "1")
#define ENTAILMENT .labels = LIST("entailment", "not_entailment"), .spelled = LIST("entailment", "not_entailment")
#define MNLI \
	.labels = LIST("entailment", "neutral", "contradiction"), .spelled = LIST("entailment", "neutral", "contradiction")
#define TSV(...)                                             \
	{                                                        \
		.read = read_table, .format = TABLE_TSV, __VA_ARGS__ \
	}
#define TSV_FILES .files = {"train.tsv", "dev.tsv", "test.tsv"}
#define SENTENCES .text = "sentence1", .pair = "sentence2"
#define ERASER(folder_, train_) \
	LAYOUTS({.folder = folder_, .read = read_eraser, .files = {train_, "val.jsonl", "test.jsonl"}})
#define NUMBERS_4 "1", "2", "3", "4"

/* train_partial.csv was gathered from two sources, of which the second numbers Sports, Sci/Tech, World, Business: what
 * is learnt on the lines before it agrees with 90 % of the labels up to there, with 4 % after, and with 89 % of these
 * once they are renumbered. */
static const struct mend agnews_partial = {
	.sha256 = "c4c91542eee57c66f82a9c3c4079abeedebee27b30c2eed1aa1369c16eac7946",
	.size = 7878306,
	.line = 24525,
	.class_of = (const int[]){1, 3, 0, 2},
};

static const struct task
	sst2 = {.name = "sst2",
            .title = "SST-2",
            .submission = "SST-2",
            .metrics = LIST("accuracy"),
            .labels = LIST("negative", "positive"),
            .spelled = ZERO_ONE,
            .layouts = LAYOUTS(TSV(.folder = "glue/SST-2", .text = "sentence", .label = "label",
                                   .files = {"train.tsv", "dev.tsv", "test-labeled.tsv|test.tsv"}))},

	cola = {.name = "cola",
            .title = "CoLA",
            .submission = "CoLA",
            .metrics = LIST("matthews", "accuracy"),
            .labels = LIST("unacceptable", "acceptable"),
            .spelled = ZERO_ONE,
            .layouts = LAYOUTS(TSV(.folder = "glue/CoLA", TSV_FILES, .text = "sentence", .label = "label",
                                   .columns = {"source,label,mark,sentence", "source,label,mark,sentence"}))},

	mrpc = {.name = "mrpc",
            .title = "MRPC",
            .submission = "MRPC",
            .metrics = LIST("f1", "accuracy"),
            .is_pair = 1,
            .labels = LIST("not_equivalent", "equivalent"),
            .spelled = ZERO_ONE,
            .layouts =
                LAYOUTS(TSV(.folder = "glue/MRPC", .text = "#1 String", .pair = "#2 String", .label = "Quality",
                            .files = {"train.tsv", "dev.tsv", "msr_paraphrase_test.txt|test.tsv"}),
                        TSV(.folder = "glue/MRPC", .text = "#1 String", .pair = "#2 String", .label = "Quality",
                            .files = {"msr_paraphrase_train.txt", NULL, "msr_paraphrase_test.txt"}, .carve = 408))},

	qqp = {.name = "qqp",
           .title = "QQP",
           .submission = "QQP",
           .metrics = LIST("f1", "accuracy"),
           .is_pair = 1,
           .labels = LIST("not_duplicate", "duplicate"),
           .spelled = ZERO_ONE,
           .layouts = LAYOUTS(TSV(.folder = "glue/QQP", TSV_FILES, .text = "question1", .pair = "question2",
                                  .label = "is_duplicate", .ragged = 1))},

	stsb = {.name = "stsb",
            .title = "STS-B",
            .submission = "STS-B",
            .metrics = LIST("pearson", "spearman"),
            .is_pair = 1,
            .layouts = LAYOUTS(TSV(.folder = "glue/STS-B", TSV_FILES, SENTENCES, .label = "score"))},

	mnli = {.name = "mnli",
            .title = "MNLI-m",
            .submission = "MNLI-m",
            .metrics = LIST("accuracy"),
            .is_pair = 1,
            MNLI,
            .layouts = LAYOUTS(TSV(.folder = "glue/MNLI", SENTENCES, .label = "gold_label",
                                   .files = {"train.tsv", "dev_matched.tsv", "test_matched.tsv"}))},

	mnli_mm = {.name = "mnli-mm",
               .title = "MNLI-mm",
               .submission = "MNLI-mm",
               .metrics = LIST("accuracy"),
               .is_pair = 1,
               MNLI,
               .layouts = LAYOUTS(TSV(.folder = "glue/MNLI", SENTENCES, .label = "gold_label",
                                      .files = {"train.tsv", "dev_mismatched.tsv", "test_mismatched.tsv"}))},

	qnli = {.name = "qnli",
            .title = "QNLI",
            .submission = "QNLI",
            .metrics = LIST("accuracy"),
            .is_pair = 1,
            ENTAILMENT,
            .layouts = LAYOUTS(
				TSV(.folder = "glue/QNLI", TSV_FILES, .text = "question", .pair = "sentence", .label = "label"))},

	rte = {.name = "rte",
           .title = "RTE",
           .submission = "RTE",
           .metrics = LIST("accuracy"),
           .is_pair = 1,
           ENTAILMENT,
           .layouts = LAYOUTS(TSV(.folder = "glue/RTE", TSV_FILES, SENTENCES, .label = "label"))},

	wnli = {.name = "wnli",
            .title = "WNLI",
            .submission = "WNLI",
            .metrics = LIST("accuracy"),
            .is_pair = 1,
            .labels = LIST("not_entailment", "entailment"),
            .spelled = ZERO_ONE,
            .layouts = LAYOUTS(TSV(.folder = "glue/WNLI", TSV_FILES, SENTENCES, .label = "label"))},

	imdb = {.name = "imdb",
            .title = "IMDB",
            .metrics = LIST("accuracy", "f1"),
            .labels = LIST("neg", "pos"),
            .spelled = LIST("neg", "pos"),
            .layouts = LAYOUTS({.folder = "imdb/aclImdb",
                                .read = read_imdb,
                                .carve = 4096,
                                .files = {"train/pos|train/neg", NULL, "test/pos|test/neg"}})},

	agnews = {.name = "agnews",
              .title = "AG's News",
              .metrics = LIST("accuracy", "f1-macro"),
              .labels = LIST("World", "Sports", "Business", "Sci/Tech"),
              .spelled = LIST(NUMBERS_4),
              .layouts = LAYOUTS({.folder = "agnews",
                                  .read = read_table,
                                  .format = TABLE_CSV,
                                  .carve = 6000,
                                  .files = {"train.csv|train_partial.csv", NULL, "test.csv"},
                                  .columns = {"class,title,description", NULL, "class,title,description"},
                                  .text = "title+description",
                                  .label = "class",
                                  .mend = &agnews_partial})},

	dbpedia = {.name = "dbpedia",
               .title = "DBpedia",
               .metrics = LIST("accuracy", "f1-macro"),
               .labels = LIST("Company", "EducationalInstitution", "Artist", "Athlete", "OfficeHolder",
                              "MeanOfTransportation", "Building", "NaturalPlace", "Village", "Animal", "Plant", "Album",
                              "Film", "WrittenWork"),
               .spelled = LIST(NUMBERS_4, "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"),
               .layouts = LAYOUTS(
				   {.folder = "dbpedia",
                    .read = read_table,
                    .format = TABLE_CSV,
                    .carve = 6000,
                    .files = {"train.csv|train_sample.csv+train_tokenised.csv", NULL, "test.csv|test_sample.csv"},
                    .columns = {"class,title,content", NULL, "class,title,content"},
                    .text = "content",
                    .label = "class"})},

	hatexplain = {.name = "hatexplain",
                  .title = "HateXplain",
                  .metrics = LIST("accuracy", "f1-macro"),
                  .labels = LIST("hatespeech", "normal", "offensive"),
                  .spelled = LIST("hatespeech", "normal", "offensive"),
                  .layouts = LAYOUTS({.folder = "hatexplain/three_class",
                                      .read = read_hatexplain,
                                      .files = {"train.json", "val.json", "test.json"}})},

	hatexplain_toxic = {.name = "hatexplain-toxic",
                        .title = "HateXplain (toxic)",
                        .metrics = LIST("accuracy", "f1-macro"),
                        .labels = LIST("non-toxic", "toxic"),
                        .spelled = LIST("non-toxic", "toxic"),
                        .layouts = ERASER("hatexplain/eraser", "train.jsonl")},

	movies = {.name = "movies",
              .title = "Movie reviews",
              .metrics = LIST("f1-macro", "accuracy"),
              .labels = LIST("NEG", "POS"),
              .spelled = LIST("NEG", "POS"),
              .layouts = ERASER("movies", "train.jsonl")},

	multirc = {.name = "multirc",
               .title = "MultiRC",
               .metrics = LIST("f1-macro", "accuracy"),
               .is_pair = 1,
               .labels = LIST("False", "True"),
               .spelled = LIST("False", "True"),
               .layouts = ERASER("multirc", "train.jsonl|train_subset.jsonl")};

static const struct task *const tasks[] = {
	&sst2,    &cola, &mrpc, &qqp,    &stsb,    &mnli,       &mnli_mm,          &qnli,
	&rte,     &wnli, &imdb, &agnews, &dbpedia, &hatexplain, &hatexplain_toxic, &movies,
	&multirc, NULL,
};

const struct task *const *task_list(void) { return tasks; }

const struct task *task_find(const char *name, struct err *e)
{
	const char *names[sizeof tasks / sizeof tasks[0] + 1];
	int n = 0;
	for (; tasks[n]; n++) {
		if (!strcmp(tasks[n]->name, name))
			return tasks[n];
		names[n] = tasks[n]->name;
	}
	names[n++] = "file:PATH";
	names[n] = NULL;
	char hint[700];
	err_suggest(hint, sizeof hint, name, names);
	err_set(e, ERR_USAGE, "unknown task '%.80s'%s", name, hint);
	return NULL;
}
