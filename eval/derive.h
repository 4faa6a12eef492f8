/* The metrics of a run, computed from its facts alone: eval does it when they are written, verify again at any time. */
#ifndef ADAPLER_EVAL_DERIVE_H
#define ADAPLER_EVAL_DERIVE_H

#include "facts.h"

/* ---- single numbers, NaN where undefined ---- */

double derive_flops_speedup(const struct facts *f);
double derive_kept(const struct facts *f, int layer);
int64_t derive_ns(const struct facts *f, enum facts_arm arm, int turn); /* of all batches */
double derive_seconds(const struct facts *f, enum facts_arm arm);       /* the median over turns */

/* ---- all of them ---- */

/* lo and hi are an interval of 95 % over examples: Wilson's for accuracy, the percentile bootstrap for everything else that
 * is a mean or a ratio of sums; of times they are the least and the most of the turns. NaN where there is none. */
typedef int derived_metric(const char *name, double value, double lo, double hi, void *arg, struct err *e);

/* Visits, in this order:
 *   the task's metrics, the main one first (NaN without labels), "ece", "loss"
 *   "examples", "tokens"
 *   "flops_speedup"            sum of dense FLOPs / sum of FLOPs
 *   "flops", "dense_flops"     sums; "flops/projection", attention, feed_forward, policy, head: parts of "flops"
 *   "paper_flops_speedup"      by the published formulas; BERT-base only
 *   "kept/layer-0" ...         share of all tokens that the layer attends to
 *   "seconds", "dense_seconds" median over turns of the engine's time for all batches
 *   "time_speedup"             dense_seconds / seconds; lo, hi: of single turns. 1 when nothing can be dropped
 *   "examples_per_second"      by "seconds"
 * Times that were not taken have no row. ERR_FORMAT: facts that contradict each other (rows, FLOPs, predictions). */
int derive(const struct facts *f, derived_metric *visit, void *arg, struct err *e);

#endif
