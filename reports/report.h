/* What a store says, put together for a report: tables' entries, frontiers, comparisons of rationales.
 *
 * Nothing is measured here and no model is run. Quality, speedups and their intervals are the runs' stored metrics; what lies
 * between runs (tests, frontiers, quartiles) is computed from their stored facts. Texts live as long as the report. */
#ifndef ADAPLER_REPORT_H
#define ADAPLER_REPORT_H

#include "../eval/rationale.h"
#include "../eval/store.h"
#include "../eval/texts.h"

struct buf;
struct err;

/* ---- rows of the questions in query/, a field a column ---- */

/* clang-format off */
#define EVALUATION_FIELDS(INTEGER, REAL, TEXT) \
	INTEGER(id) TEXT(key) TEXT(task) TEXT(split) TEXT(policy) TEXT(family) TEXT(kind) TEXT(counts_model) TEXT(phi) \
	TEXT(gamma) TEXT(metric) TEXT(model_sha) TEXT(data_sha) TEXT(rev) TEXT(cpu) TEXT(kernels) TEXT(finished) \
	INTEGER(seed) INTEGER(threads) INTEGER(batch) INTEGER(max_length) INTEGER(sample_limit) INTEGER(examples) \
	REAL(score) REAL(score_lo) REAL(score_hi) REAL(flops) REAL(flops_lo) REAL(flops_hi) REAL(time) REAL(time_lo) REAL(time_hi)

#define STUDY_FIELDS(INTEGER, REAL, TEXT) \
	INTEGER(id) TEXT(key) TEXT(data) TEXT(split) TEXT(method) TEXT(study) TEXT(model) TEXT(adapted) TEXT(dense) \
	TEXT(policy) TEXT(data_sha) TEXT(rev) TEXT(cpu) TEXT(kernels) TEXT(finished) \
	INTEGER(seed) INTEGER(threads) INTEGER(L) INTEGER(layers) REAL(mean_share)

#define TRAINING_FIELDS(INTEGER, REAL, TEXT) \
	INTEGER(id) TEXT(key) TEXT(task) TEXT(kind) INTEGER(seed) TEXT(data_sha) TEXT(rev) TEXT(finished) TEXT(phi) TEXT(out) \
	INTEGER(last_step)
/* clang-format on */

#define INTEGER_FIELD(name) int64_t name;
#define REAL_FIELD(name)    double name;
#define TEXT_FIELD(name)    const char *name; /* never NULL */
struct evaluation {
	EVALUATION_FIELDS(INTEGER_FIELD, REAL_FIELD, TEXT_FIELD)
};
struct method_run {
	STUDY_FIELDS(INTEGER_FIELD, REAL_FIELD, TEXT_FIELD)
};
struct training {
	TRAINING_FIELDS(INTEGER_FIELD, REAL_FIELD, TEXT_FIELD)
	const char *name, *anchor; /* of its task */
};

/* ---- quality and speed ---- */

/* Which speedup: by FLOPs, or of time at a batch size. */
#define SPEEDS(X)             \
	X(FLOPS, "flops", 0)      \
	X(TIME_32, "time-32", 32) \
	X(TIME_1, "time-1", 1)
#define SPEED_ENUM(id, ...) SPEED_##id,
enum speed { SPEEDS(SPEED_ENUM) SPEED_COUNT };
struct speed_row {
	const char *name;
	int batch;
};
extern const struct speed_row speed_table[SPEED_COUNT];

struct measured {
	double value, lo, hi; /* lo, hi: 95 % over examples (turns, of times), of one run; NaN: none */
	double sd;            /* over seeds; NaN of one */
};

enum { REPORT_LAYERS_MAX = 64 };

/* A model under a policy: runs that differ in the training's seed, the batch or the threads. */
struct entry {
	const struct evaluation *run; /* [runs] */
	int runs, seeds;
	int method;           /* of method_names */
	const char *settings; /* "phi 0.005, thresholds x 0.75" */
	struct measured quality, speed[SPEED_COUNT];
	double difference, lo, hi, p;      /* quality against dense, on the same examples; p by Holm over the section */
	int on_frontier[SPEED_COUNT];      /* 1, 0; -1: not timed */
	double kept[REPORT_LAYERS_MAX][3]; /* share of an example's tokens by layer: quartiles over examples */
};

/* The entries of one task and split. */
struct section {
	const char *task, *split, *metric; /* task: as people call it */
	const char *anchor;                /* of file names: "sst2-test", "rationales-movies-test", "training-sst2" */
	int examples, L;
	struct entry *entry;
	int entries, dense; /* dense: what others are held against; -1: nothing */
	struct {
		int entry; /* the fastest within a point of dense; -1: unknown */
		double speedup, lo, hi;
	} fastest[SPEED_COUNT];
};

/* ---- rationales ---- */

enum { STUDY_METHODS_MAX = 16 };

/* One adapted model beside one dense on a data set, by every method. */
struct study {
	const struct method_run *run; /* [methods] */
	int methods, cp;              /* cp: the one the others are compared with; -1: none */
	const char *data, *split, *anchor;
	int L;
	double p[STUDY_METHODS_MAX]
			[REPORT_LAYERS_MAX]; /* of rate fpr at budget replay against cp; by Holm over the study */
	double difference[STUDY_METHODS_MAX][REPORT_LAYERS_MAX];
};

struct report {
	struct store *store;
	const char *db; /* the file's name, without its folder */
	struct texts texts;
	struct evaluation *evaluation;
	struct method_run *method_run;
	struct training *training;
	int evaluations, method_runs, trainings, unfinished;
	const char **anchor; /* [anchors] names of files that are taken */
	int anchors;
	struct section *section;
	struct study *study;
	int sections, studies;
	const char *newest; /* when the last run ended, ISO 8601 in UTC */
};

/* `without`: numbers of runs to leave out, "3,7,9", or NULL. ERR_USAGE: nothing to report; ERR_MISMATCH: runs of one name with
 * other data. */
int report_open(struct report *r, const char *db, const char *without, struct err *e);
void report_close(struct report *r);

/* ---- names (report_names.c); NULL, with *e set, without memory ---- */

/* policy, how it is called; colours and marks of plots go by the same number */
#define METHODS(X)                                            \
	X(DENSE, "none", "dense")                                 \
	X(ADAPLER, "adapler", "AdapLeR")                          \
	X(ATTENTION, "attention", "attention received")           \
	X(ATTENTION_CLS, "attention-cls", "attention from [CLS]") \
	X(SALIENCY, "saliency", "saliency")                       \
	X(POWER_BERT, "power-bert", "PoWER-BERT")                 \
	X(LTP, "ltp", "LTP")                                      \
	X(RANDOM, "random", "random")                             \
	X(OTHER, "", "other")
#define METHOD_ENUM(id, policy, name) METHOD_##id,
enum report_method { METHODS(METHOD_ENUM) REPORT_METHODS };
extern const char *const method_names[REPORT_METHODS + 1]; /* then NULL */
int report_method(const char *policy);
/* How a method of explaining is called; the name itself where it has no other. */
const char *explainer_name(const char *method);
/* What tells an entry from others of its method: "phi 0.005, thresholds x 0.75". */
const char *report_settings(struct report *r, const struct evaluation *x, struct err *e);
/* A task as people call it: "sst2"; of files the folder, or the file. */
const char *report_task_name(struct report *r, const char *task, struct err *e);
/* For names of files and links to them, each once in a report. `kind`: "", "rationales-" ...; `b` may be "". */
const char *report_anchor(struct report *r, const char *kind, const char *a, const char *b, struct err *e);
const char *report_last_part(const char *path); /* what is behind its last slash */

/* The steps of report_open that work on facts. */
int report_weigh(struct report *r, struct section *s, struct err *e);
int report_judge(struct report *r, struct study *s, struct err *e);

/* A stored metric of a run; NaNs where there is none. */
int report_metric(const struct report *r, int64_t run, const char *name, struct measured *m, struct err *e);

/* "8 runs (1-6, 9, 12)", for provenance. */
void report_add_runs(struct buf *b, const int64_t *ids, int count);

#endif
