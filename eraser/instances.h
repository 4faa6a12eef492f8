/* The instances of an ERASER split: every annotation with every document that it is about, as a model reads them.
 *
 * Evidence that does not fit its document stops the reading; leniently it is counted and mended: cut at the document's
 * end, left out where nothing remains, kept where only its text differs. */
#ifndef ADAPLER_ERASER_INSTANCES_H
#define ADAPLER_ERASER_INSTANCES_H

#include "annotations.h"
#include "windows.h"

#define INSTANCE_QUERIES "auto|none|pair"
enum instance_query {
	QUERY_AUTO, /* a pair when the split asks more than one question */
	QUERY_NONE,
	QUERY_PAIR, /* the query is the second text */
};

struct instances_options {
	int max_length; /* rows of a window */
	enum instance_query query;
	int is_lenient;
	int free_windows; /* rationales do not move windows' ends */
};

struct instances {
	struct annotations annotations;
	struct documents *documents;
	const struct tokenizer *tokenizer;
	struct instances_options options; /* query: as it came out */
	struct instance_key {
		int annotation, document; /* annotations.item[annotation].docids[document] */
	} * key;                      /* [count] in the order of the file */
	int count;
	int faults;  /* of evidence, met and mended so far */
	int is_told; /* they have been: when documents are read again, they are mended in silence */
};

struct instance {
	const struct annotation *annotation;
	const char *docid;
	int tokens;
	char *words;   /* the tokens, a space between two */
	int *sentence; /* [sentences+1] the first token of each */
	int sentences;
	unsigned char *rationale; /* [tokens] part of the evidence */
	int rationale_tokens;
	struct alignment pieces;
	struct windows windows;
};

/* SPLIT.jsonl of the folder (dev: val). The tokenizer stays the caller's. */
int instances_open(struct instances *all, const char *folder, const char *split, const struct tokenizer *t,
                   const struct instances_options *o, struct err *e);
void instances_close(struct instances *all);
/* Reads one into memory of its own. */
int instance_open(struct instance *x, struct instances *all, int i, struct err *e);
void instance_close(struct instance *x);

#endif
