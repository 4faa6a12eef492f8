/* Predictions for an ERASER split, as the benchmark's scorer takes them: JSON lines, read one at a time.
 *
 * An instance stays until the next one is read; memory is that of the largest line. */
#ifndef ADAPLER_ERASER_PREDICTIONS_H
#define ADAPLER_ERASER_PREDICTIONS_H

#include "../engine/base/file.h"
#include "../eval/texts.h"
#include "json_pull.h"

/* {label: probability}; count -1: not given. */
struct class_scores {
	int count;
	struct class_score {
		const char *label;
		double value;
	} * item;
};

struct predicted_document {
	const char *docid;
	int spans; /* -1: no hard predictions given */
	int (*span)[2];
	int scores, sentences; /* -1: not given */
	double *score, *sentence;
};

struct predicted_threshold {
	double threshold;
	struct class_scores without, alone; /* comprehensiveness, sufficiency */
};

struct predicted {
	int line;
	const char *annotation;
	int documents;
	struct predicted_document *document;
	const char *label; /* NULL: not given */
	struct class_scores classes, without, alone;
	int thresholds; /* -1: not given */
	struct predicted_threshold *threshold;
	int has_tokens_to_flip;
};

struct predictions {
	struct file_map map;
	size_t at;
	int line;
	struct json_pull json;
	struct texts texts; /* of the instance in hand */
	struct predicted item;
};

/* `allow_nan`: NaN and Infinity are numbers, as they are to Python. */
int predictions_open(struct predictions *p, const char *path, int allow_nan, struct err *e);
void predictions_close(struct predictions *p);
/* *item is NULL at the end. ERR_FORMAT with "file:line:field: sentence". */
int predictions_next(struct predictions *p, const struct predicted **item, struct err *e);

/* The probability of a label; NaN when it is not there. */
double class_score_of(const struct class_scores *c, const char *label);

#endif
