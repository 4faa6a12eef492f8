/* What the readers of data sets share. Only datasets.c and the readers include it.
 *
 * A reader adds the samples of one file (or folder) to a data set; a layout says which reader, which files and which
 * columns. */
#ifndef ADAPLER_EVAL_READER_H
#define ADAPLER_EVAL_READER_H

#include "datasets.h"
#include "table.h"
#include "texts.h"

#include "../engine/base/file.h"

struct source {
	const struct layout *layout;
	enum split split;
	const char *folder, *path; /* path: folder/name */
};

/* A file that is known, by its sum, to number its classes otherwise from some line on. */
struct mend {
	const char *sha256;
	size_t size; /* of the file; looked at first, as sums take time */
	int line;
	const int *class_of; /* [classes]: what the number there stands for */
};

struct layout {
	/* "glue/SST-2": looked for as the given path itself, then as its tails below it: SST-2, glue/SST-2. */
	const char *folder;
	int (*read)(struct dataset *d, const struct source *s, struct err *e);
	/* By split: "a|b": the first that is there; "a+b": both, b if it is there; NULL: none. */
	const char *files[SPLIT_COUNT];
	int carve;                        /* rows of train that become dev when dev has no file */
	int is_literal;                   /* files[] hold one name each, whatever is in it */
	enum table_format format;         /* of read_table, with the five that follow */
	int ragged;                       /* the published file has broken rows: they are left out, and noted */
	const char *columns[SPLIT_COUNT]; /* names where the file has no header; NULL: it has one */
	const char *text, *pair, *label;  /* columns; "title+description": joined by a space, empty ones left out */
	int label_required;               /* in test too */
	const struct mend *mend;          /* NULL: none */
};

struct dataset_memory {
	struct texts texts;
	struct file_map *maps;
	int map_count, map_capacity, sample_capacity, file_capacity;
};

int read_table(struct dataset *d, const struct source *s, struct err *e);
int read_imdb(struct dataset *d, const struct source *s, struct err *e);
int read_hatexplain(struct dataset *d, const struct source *s, struct err *e);
int read_eraser(struct dataset *d, const struct source *s, struct err *e);

/* Sets d->task to the one that "file:..." describes, owned by d. Relative paths start from `root`. */
int file_task(struct dataset *d, const char *spec, const char *root, struct err *e);

/* Notes a path in d->files; its index goes to *file. */
int dataset_add_file(struct dataset *d, const char *path, int *file, struct err *e);
/* Maps a file for as long as d lives; refuses an empty one and what is not UTF-8. */
int dataset_map(struct dataset *d, const char *path, struct span *bytes, struct err *e);
/* The same into texts, for small files of which there are many. */
int dataset_load(struct dataset *d, const char *path, struct span *bytes, struct err *e);
int dataset_add(struct dataset *d, const struct sample *s, struct err *e);
/* Sets the label, or the value, of a sample from its spelling; `field` names it in errors. s->file and line are set. */
int dataset_label(const struct dataset *d, struct sample *s, struct span text, const char *field, struct err *e);
/* Adds to the note; the sentences are joined by "; ". */
void dataset_note(struct dataset *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for one more in an array that is doubled; NULL, with *e set, when there is no memory. */
void *grown(void *array, int count, int *capacity, size_t size, struct err *e);

#endif
