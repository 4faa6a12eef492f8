/* The documents of an ERASER folder (DeYoung et al. 2020), cut into tokens and sentences as the benchmark's own scorer
 * cuts them: all indices of evidences and predictions count in these.
 *
 * docs/ID: a sentence a line (LF, CR or CR LF), white space around it stripped, tokens between single ASCII spaces;
 * empty lines and empty tokens are left out. docs.jsonl, {docid, document}: the same, but lines end with LF alone, and
 * empty lines (one empty token) and empty tokens stay. A document is in memory only while it is looked at. */
#ifndef ADAPLER_ERASER_DOCUMENTS_H
#define ADAPLER_ERASER_DOCUMENTS_H

#include <stddef.h>

struct err;
struct documents;

struct document {
	const char *id;
	const char *text; /* as published */
	size_t size;
	int tokens, sentences;
	size_t (*token)[2]; /* [tokens] bytes [begin, end) of the text */
	int *sentence;      /* [sentences+1] the first token of each; the last is `tokens` */
};

int documents_open(struct documents **d, const char *folder, struct err *e);
void documents_close(struct documents *d);
int documents_has(const struct documents *d, const char *id);
/* Reads and cuts a document: borrowed until the next one is loaded. ERR_FORMAT when there is none, it has no token or is
 * not UTF-8; `where` says who asks: "'test.jsonl' line 3". */
int documents_load(struct documents *d, const char *id, const char *where, struct document *out, struct err *e);

#endif
