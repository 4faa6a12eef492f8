/* Data sets as rows of a table, read from their own published layouts.
 *
 * A task (struct task) says where its files lie, which columns hold what, how labels are spelled and which metrics
 * judge it. dataset_open reads one split of one task. Readers are strict: a row with a wrong number of columns, an
 * unknown label, text that is not UTF-8, an empty file or a missing document stops them, with file, line and field.
 * A split that is not published is carved from train by seed, and dataset.note says so, as it says everything else in
 * which the files differ from the published ones.
 *
 * Texts are borrowed from mapped files where they stand there as they are; they are not NUL-terminated. */
#ifndef ADAPLER_EVAL_DATASETS_H
#define ADAPLER_EVAL_DATASETS_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum split { SPLIT_TRAIN, SPLIT_DEV, SPLIT_TEST, SPLIT_COUNT };

struct task {
	const char *name;           /* "sst2", as --task takes it */
	const char *title;          /* "SST-2", for tables and reports */
	int is_pair;                /* samples have two texts */
	const char *const *labels;  /* class names in the order of the class numbers, NULL-terminated; NULL: regression */
	const char *const *spelled; /* the same as the files (and GLUE submissions) spell them */
	const char *const *metrics; /* names for metric_find (metrics.h), the main one first, NULL-terminated */
	const char *submission;     /* GLUE's name of the submission file without ".tsv"; NULL where there is none */
	const struct layout *layouts;
};

struct sample {
	const char *text, *pair; /* pair: NULL for one text */
	size_t text_size, pair_size;
	int label;    /* class; -1: unlabelled, or regression */
	double value; /* regression's target; NaN: unlabelled, or classes */
	int file;     /* of dataset.files */
	int line;     /* from 1; the item of a JSON array; 0: the whole file */
};

struct dataset {
	const struct task *task;
	enum split split;
	int count;
	int classes;               /* 0: regression */
	const char *const *labels; /* [classes], then NULL */
	int labelled;              /* samples with a label or value: count, or less in an unlabelled test split */
	struct sample *sample;     /* [count], in the order of the files */
	char note[1024];           /* how the split differs from what is published; "" when it does not */
	int file_count;
	char **files; /* [file_count] paths read */
	struct dataset_memory *memory;
};

struct dataset_options {
	uint64_t seed; /* of what is drawn: carved splits and limit. Not the seed of training: runs share their dev split */
	int limit;     /* so many samples, drawn by seed, their order kept; 0: all */
};

/* NULL-terminated, in the order of the documentation; without `file:`. */
const struct task *const *task_list(void);
/* ERR_USAGE with a suggestion when there is none. Not for `file:...`, whose task dataset_open makes. */
const struct task *task_find(const char *name, struct err *e);

/* "train", "dev", "test"; "val" and "validation" are dev. ERR_USAGE otherwise. */
int split_parse(enum split *split, const char *name, struct err *e);
const char *split_name(enum split split);

/* Reads a split. `path` is the data set's own folder or a folder above it (glue/SST-2, glue, or what holds glue).
 *
 * `task` may be file:PATH[:OPTION=VALUE,...] for any .csv (RFC 4180), .tsv (quotes are text) or .jsonl file with named
 * columns; `path` is then the folder that relative paths start from (NULL: the current one). Options: text=, text_pair=
 * and label= name columns (default text, none, label), value= a regression target instead of label; labels=a|b|c
 * gives the order of classes (default: those of the files, sorted); train=, dev= and test= are files of their own. PATH
 * is read for dev and test when these are not given, never for train; with train= alone dev is carved from it.
 *
 * `o` may be NULL. On error *d is empty. */
int dataset_open(struct dataset *d, const char *task, const char *path, enum split split,
                 const struct dataset_options *o, struct err *e);
void dataset_close(struct dataset *d);

/* ERR_USAGE unless every sample has its label or value. */
int dataset_check_labelled(const struct dataset *d, struct err *e);

/* SHA-256 over texts, pairs and labels in order: the same rows give the same sum wherever they were read from. */
void dataset_sha(const struct dataset *d, char hex[65]);

/* Whether the split's files are there: 1 or 0; 0 for a split that could only be carved from a train that is not. */
int dataset_has(const char *task, const char *path, enum split split);

#endif
