/* A data set, models and methods, put together: every document explained by every method, the adapted model's budgets
 * beside it, and what the predicted class's probability becomes when the tokens on top are taken away or left alone
 * (DeYoung et al. 2020: comprehensiveness and sufficiency). What it gives are the facts of eval/rationale.h. */
#ifndef ADAPLER_ERASER_STUDY_H
#define ADAPLER_ERASER_STUDY_H

#include "../eval/rationale.h"
#include "explain.h"

#include "../engine/base/buf.h"

#define STUDY_ROUNDINGS "ceil|floor"
#define STUDY_REMOVALS  "delete|mask"

struct study_options {
	struct explain_options explain;
	struct instances_options read; /* max_length 0: the models' positions */
	const char *data, *split;
	int limit;               /* instances, the first; 0: all */
	const double *threshold; /* [thresholds] shares of tokens; 0: the mean share of rationales */
	int thresholds;
	int floors;  /* of a share: rounded down, not up */
	int is_mask; /* what is taken away leaves [MASK]s */
};

struct study {
	struct study_options options;
	struct tokenizer *tokenizer;
	struct instances instances;
	int count; /* of instances that are looked at */
	double mean_share;
	int rationales;    /* instances with one */
	char data_sha[65]; /* texts, labels and rationales, in order */
	char model_sha[EXPLAIN_ARMS][65];
	char name[128]; /* of the data set: its folder's */
	struct explainer *explainer;
	struct inputs inputs;
};

int study_open(struct study *s, const struct study_options *o, struct err *e);
void study_close(struct study *s);

/* What all documents of a method's run share; no documents. */
struct rationale_facts study_facts(const struct study *s, enum method m);
/* All that determines a method's facts, as JSON members, each followed by a comma. */
void study_describe(const struct study *s, enum method m, struct buf *json);

/* Instances i .. i+count-1. The caller closes all three of them. */
struct study_documents {
	int count;
	struct instance *instance;                         /* [count] */
	struct explanation *explanation;                   /* [count] */
	struct rationale_document *document[METHOD_COUNT]; /* [count]; NULL: not asked for */
};
int study_explain(struct study *s, int i, int count, struct study_documents *out, struct err *e);
void study_documents_close(struct study_documents *x);

/* Class of the annotation in the model's words; ERR_MISMATCH when the model knows no such label. */
int study_gold(const struct study *s, const struct annotation *a, int *gold, struct err *e);

#endif
