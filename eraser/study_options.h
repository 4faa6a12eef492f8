/* The options that the commands on explanations share, and how they become those of a study. */
#ifndef ADAPLER_ERASER_STUDY_OPTIONS_H
#define ADAPLER_ERASER_STUDY_OPTIONS_H

#include "study.h"

#include "../engine/base/opt.h"

struct study_args {
	const char *model, *dense, *data, *split, *methods, *policy, *dense_policy, *thresholds;
	int max_length, query, is_lenient, free_windows, limit, aggregation, steps, baseline, rounding, removal, threads,
		batch;
	uint64_t seed;
	double threshold[RATIONALE_THRESHOLDS_MAX];
};

/* clang-format off */
#define STUDY_OPTIONS(args, s)                                                                                          \
	{"model", 'm', OPT_DIR, offsetof(args, s.model), "DIR", "the adapted model, whose predictors are looked at", 0, 0},   \
	{"dense", 0, OPT_DIR, offsetof(args, s.dense), "DIR",                                                                 \
	 "the model that the other methods explain (the same, with nothing dropped)", 0, 0},                                  \
	{"data", 0, OPT_DIR, offsetof(args, s.data), "DIR", "an ERASER data set", 0, 0},                                      \
	{"split", 0, OPT_STRING, offsetof(args, s.split), "S", "train, val or test (test)", 0, 0},                            \
	{"policy", 'p', OPT_STRING, offsetof(args, s.policy), "P", "of the adapted model (adapler)", 0, 0},                   \
	{"dense-policy", 0, OPT_STRING, offsetof(args, s.dense_policy), "P",                                                  \
	 "under which attention and omissions are looked at (none)", 0, 0},                                                   \
	{"aggregation", 0, OPT_CHOICE, offsetof(args, s.aggregation), AGGREGATIONS, "of pieces to words (max)", 0, 0},        \
	{"max-length", 0, OPT_INT, offsetof(args, s.max_length), "N", "tokens of a window (the model's)", 4, 1 << 20},        \
	{"query", 0, OPT_CHOICE, offsetof(args, s.query), INSTANCE_QUERIES,                                                   \
	 "whether the query is a second text (auto: when the split asks more than one)", 0, 0},                               \
	{"free-windows", 0, OPT_FLAG, offsetof(args, s.free_windows), NULL, "windows may end within a rationale", 0, 0},      \
	{"lenient", 0, OPT_FLAG, offsetof(args, s.is_lenient), NULL, "mend evidence that does not fit its document", 0, 0},   \
	{"limit", 0, OPT_INT, offsetof(args, s.limit), "N", "the first N instances (all)", 1, 1 << 30},                       \
	{"thresholds", 0, OPT_STRING, offsetof(args, s.thresholds), "LIST",                                                   \
	 "shares of tokens that are removed and left alone; none (0.01,0.05,0.1,0.2,0.5)", 0, 0},                             \
	{"rounding", 0, OPT_CHOICE, offsetof(args, s.rounding), STUDY_ROUNDINGS, "of such a share to tokens (ceil)", 0, 0},   \
	{"removal", 0, OPT_CHOICE, offsetof(args, s.removal), STUDY_REMOVALS, "what removing does (delete)", 0, 0},           \
	{"steps", 0, OPT_INT, offsetof(args, s.steps), "N", "of integrated gradients (32)", 1, 100000},                       \
	{"baseline", 0, OPT_CHOICE, offsetof(args, s.baseline), EXPLAIN_BASELINES, "of integrated gradients (pad)", 0, 0},    \
	{"seed", 0, OPT_U64, offsetof(args, s.seed), "N", "of the random method (0)", 0, 0},                                  \
	{"batch", 0, OPT_INT, offsetof(args, s.batch), "N", "instances at a time (16)", 1, 4096},                             \
	{"threads", 't', OPT_INT, offsetof(args, s.threads), "N", "threads (one per processor)", 1, 1024}
/* clang-format on */

/* What the options mean; *o borrows from *a. */
int study_options_read(struct study_options *o, struct study_args *a, struct err *e);
int study_options_batch(const struct study_args *a);

#endif
