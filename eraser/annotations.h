/* The annotations of a split of an ERASER data set: who says what of which document, and the evidence for it.
 *
 * One JSON object a line: annotation_id, query, classification, evidences [[{docid, start_token, end_token, ...}]], and
 * optionally docids and query_type. Evidence groups are flattened, as the benchmark's scorer has them; ends are
 * exclusive. What the file says of documents is checked by evidence_check when the document is at hand. */
#ifndef ADAPLER_ERASER_ANNOTATIONS_H
#define ADAPLER_ERASER_ANNOTATIONS_H

#include "../eval/hash.h"
#include "../eval/texts.h"

struct document;
struct err;

struct evidence {
	const char *docid;
	const char *text;                 /* as the file gives it; NULL: not given, or not a text */
	int start, end;                   /* tokens */
	int start_sentence, end_sentence; /* -1: not given */
	int group, item;                  /* where it stands: evidences[group][item] */
};

struct annotation {
	const char *id, *query, *label; /* query, label: NULL when not given as a text */
	const char *const *docids;      /* [docid_count] each once: those of "docids", then the evidences', then, with
	                                 * neither, the annotation's id */
	int docid_count;
	struct evidence *evidence; /* [evidence_count] */
	int evidence_count;
	int line;
};

struct annotations {
	char path[4096];
	struct annotation *item; /* [count] in the order of the file */
	int count;
	struct texts texts;
	struct hash_map by_id;
};

/* ERR_FORMAT with file, line and field for anything missing or of the wrong type, an id that is there twice, no
 * annotation at all. */
int annotations_open(struct annotations *a, const char *path, struct err *e);
void annotations_close(struct annotations *a);
/* Its index; -1: there is none. */
int annotations_find(const struct annotations *a, const char *id);

/* Whether the evidence lies in its document and, where it brings its text, says what stands there: ERR_FORMAT otherwise,
 * naming both. `path`: of the annotations. */
int evidence_check(const struct evidence *x, const struct annotation *of, const char *path, const struct document *d,
                   struct err *e);

#endif
