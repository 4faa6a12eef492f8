#include "score.h"

#include "score_parts.h"

#include "../engine/base/err.h"
#include "../eval/curves.h"
#include "../eval/spans.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- faults --------------------------------------------------------------------------------------------------- */

/* The instance that is looked at. */
struct visit {
	struct score *s;
	const struct predicted *x;
	const char *path;
	int annotation; /* of the truth; -1: unknown */
	struct err *e;
};

enum severity {
	TRAP,  /* the benchmark's scorer says nothing */
	FATAL, /* it stops, or crashes */
};

/* 0 when the scoring may go on. */
__attribute__((format(printf, 4, 5))) static int fault(const struct visit *v, enum severity severity, const char *field,
                                                       const char *format, ...)
{
	char sentence[400], text[1000];
	va_list values;
	if (severity == TRAP && v->s->options.mode != SCORE_STRICT)
		return 0;
	va_start(values, format);
	vsnprintf(sentence, sizeof sentence, format, values);
	va_end(values);
	snprintf(text, sizeof text, "%.400s:%d:%.120s: %s", v->path, v->x->line, field, sentence);
	if (v->s->options.mode != SCORE_STRICT)
		return err_set(v->e, ERR_FORMAT, "%s", text);
	v->s->faults++;
	if (v->s->options.fault)
		v->s->options.fault(v->s->options.arg, text);
	return 0;
}

/* "rationales[0].soft_rationale_predictions" */
static const char *field_of(char out[160], int document, const char *member, int item)
{
	if (item < 0)
		snprintf(out, 160, "rationales[%d].%s", document, member);
	else
		snprintf(out, 160, "rationales[%d].%s[%d]", document, member, item);
	return out;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

static struct confusion_row *find_label(struct score *s, const char *label)
{
	for (int i = 0; i < s->labels; i++)
		if (!strcmp(s->label[i].label, label))
			return &s->label[i];
	return NULL;
}

/* Labels are the truth's, sorted as the benchmark writes them. */
static int by_label(const void *a, const void *b)
{
	return strcmp(((const struct confusion_row *)a)->label, ((const struct confusion_row *)b)->label);
}

static int list_labels(struct score *s, struct err *e)
{
	for (int i = 0; i < s->truth->count; i++) {
		const char *label = s->truth->item[i].label;
		if (!label || find_label(s, label))
			continue;
		struct confusion_row *more = realloc(s->label, ((size_t)s->labels + 1) * sizeof *more);
		if (!more)
			return err_set(e, ERR_MEMORY, "out of memory for labels");
		s->label = more;
		s->label[s->labels++] = (struct confusion_row){.label = label};
	}
	if (s->labels)
		qsort(s->label, (size_t)s->labels, sizeof *s->label, by_label);
	return 0;
}

int score_open(struct score **out, const struct annotations *truth, struct documents *documents,
               const struct score_options *o, struct err *e)
{
	struct score *s = calloc(1, sizeof *s);
	*out = NULL;
	if (!s)
		return err_set(e, ERR_MEMORY, "out of memory for scores");
	s->truth = truth;
	s->documents = documents;
	s->options = *o;
	s->is_predicted = calloc((size_t)truth->count + 1, 1);
	int code = s->is_predicted ? list_labels(s, e) : err_set(e, ERR_MEMORY, "out of memory for %d keys", truth->count);
	if (code) {
		score_close(s);
		return code;
	}
	*out = s;
	return 0;
}

void score_close(struct score *s)
{
	if (!s)
		return;
	free(s->is_predicted);
	free(s->label);
	free(s->predicted_span);
	free(s->truth_span);
	free(s->marked);
	free(s->match);
	free(s);
}

int score_faults(const struct score *s) { return s->faults; }

static void add(struct mean *m, double value)
{
	m->sum += value;
	m->n++;
}

/* ---- spans of one key ----------------------------------------------------------------------------------------- */

static int put_span(int (**list)[2], int *capacity, int *count, int start, int end, struct err *e)
{
	if (*count == *capacity) {
		const int more = *capacity ? 2 * *capacity : 64;
		int(*grown)[2] = realloc(*list, (size_t)more * sizeof *grown);
		if (!grown)
			return err_set(e, ERR_MEMORY, "out of memory for spans");
		*list = grown;
		*capacity = more;
	}
	(*list)[*count][0] = start;
	(*list)[(*count)++][1] = end;
	return 0;
}

static int truth_spans(struct score *s, int annotation, const char *docid, int *count, struct err *e)
{
	int code = 0;
	*count = 0;
	if (annotation < 0)
		return 0;
	const struct annotation *a = &s->truth->item[annotation];
	for (int i = 0; i < a->evidence_count && !code; i++)
		if (!strcmp(a->evidence[i].docid, docid))
			code = put_span(&s->truth_span, &s->truth_capacity, count, a->evidence[i].start, a->evidence[i].end, e);
	if (*count)
		*count = spans_unique(s->truth_span, *count);
	return code;
}

/* A document that an instance names twice is one key. */
static int predicted_spans(struct score *s, const struct predicted *x, const char *docid, int *count, struct err *e)
{
	int code = 0;
	*count = 0;
	for (int d = 0; d < x->documents; d++)
		for (int i = 0; i < x->document[d].spans && !strcmp(x->document[d].docid, docid) && !code; i++)
			code = put_span(&s->predicted_span, &s->predicted_capacity, count, x->document[d].span[i][0],
			                x->document[d].span[i][1], e);
	if (*count)
		*count = spans_unique(s->predicted_span, *count);
	return code;
}

/* A key counts when it has any of the two. */
static void add_prf(struct prf *all, long long common, long long predicted, long long truth)
{
	const double p = predicted ? (double)common / (double)predicted : 0, r = truth ? (double)common / (double)truth : 0;
	if (!predicted && !truth)
		return;
	all->common += common;
	all->predicted += predicted;
	all->truth += truth;
	all->p += p;
	all->r += r;
	all->f += score_f1(p, r);
	all->keys++;
}

static void add_iou(struct iou_sums *all, int hits, int predicted, int truth)
{
	all->hits += hits;
	all->p += predicted ? (double)hits / predicted : 0;
	all->r += truth ? (double)hits / truth : 0;
}

static int match_room(struct score *s, int count, struct err *e)
{
	if (count < s->match_capacity)
		return 0;
	int *match = realloc(s->match, ((size_t)count + 1) * (sizeof *match + 1));
	if (!match)
		return err_set(e, ERR_MEMORY, "out of memory for %d spans", count);
	s->match = match;
	s->match_capacity = count + 1;
	return 0;
}

static int add_ious(struct score *s, int predicted, int truth, struct err *e)
{
	const int(*p)[2] = (const int(*)[2])s->predicted_span, (*t)[2] = (const int(*)[2])s->truth_span;
	int code = match_room(s, truth, e);
	for (int k = 0; k < s->options.ious && !code; k++) {
		const double threshold = s->options.iou[k];
		int hits = 0;
		for (int i = 0; i < predicted; i++)
			hits += spans_best_iou(p[i], t, truth) >= threshold;
		add_iou(&s->iou[k], hits, predicted, truth);
		if (s->options.bounded)
			add_iou(&s->bounded[k],
			        spans_match(p, predicted, t, truth, threshold, s->match, (unsigned char *)(s->match + truth)),
			        predicted, truth);
	}
	return code;
}

static int add_key(struct score *s, const struct predicted *x, int annotation, const char *docid, struct err *e)
{
	int predicted = 0, truth = 0, code = x ? predicted_spans(s, x, docid, &predicted, e) : 0;
	if (!code)
		code = truth_spans(s, annotation, docid, &truth, e);
	if (code)
		return code;
	const int(*p)[2] = (const int(*)[2])s->predicted_span, (*t)[2] = (const int(*)[2])s->truth_span;
	add_prf(&s->spans, spans_common(p, predicted, t, truth), predicted, truth);
	add_prf(&s->tokens, spans_common_tokens(p, predicted, t, truth), spans_tokens(p, predicted),
	        spans_tokens(t, truth));
	s->predicted_spans += predicted;
	s->truth_spans += truth;
	s->predicted_keys += predicted > 0;
	s->truth_keys += truth > 0;
	return add_ious(s, predicted, truth, e);
}

static int is_first_of_document(const struct predicted *x, int d)
{
	for (int i = 0; i < d; i++)
		if (!strcmp(x->document[i].docid, x->document[d].docid))
			return 0;
	return 1;
}

/* The documents with evidence that an instance says nothing of are keys too. */
static int add_unpredicted(struct score *s, const struct predicted *x, int annotation, struct err *e)
{
	const struct annotation *a = &s->truth->item[annotation];
	int code = 0;
	for (int i = 0; i < a->docid_count && !code; i++) {
		int is_predicted = 0;
		for (int d = 0; x && d < x->documents && !is_predicted; d++)
			is_predicted = !strcmp(x->document[d].docid, a->docids[i]);
		if (!is_predicted)
			code = add_key(s, NULL, annotation, a->docids[i], e);
	}
	return code;
}

static int add_keys(const struct visit *v)
{
	int code = 0;
	for (int d = 0; d < v->x->documents && !code; d++)
		if (is_first_of_document(v->x, d))
			code = add_key(v->s, v->x, v->annotation, v->x->document[d].docid, v->e);
	return code || v->annotation < 0 ? code : add_unpredicted(v->s, v->x, v->annotation, v->e);
}

/* ---- scores of tokens and sentences --------------------------------------------------------------------------- */

static int mark(const struct visit *v, const char *docid, int n, int by_sentence)
{
	struct score *s = v->s;
	if ((size_t)n > s->marked_capacity) {
		unsigned char *marked = realloc(s->marked, (size_t)n);
		if (!marked)
			return err_set(v->e, ERR_MEMORY, "out of memory for %d tokens", n);
		s->marked = marked;
		s->marked_capacity = (size_t)n;
	}
	memset(s->marked, 0, (size_t)n);
	const struct annotation *a = v->annotation < 0 ? NULL : &s->truth->item[v->annotation];
	for (int i = 0; a && i < a->evidence_count; i++) {
		const struct evidence *x = &a->evidence[i];
		const int start = by_sentence ? x->start_sentence : x->start, end = by_sentence ? x->end_sentence : x->end;
		if (strcmp(x->docid, docid) != 0 || start >= end)
			continue;
		if (start < 0 || end > n)
			return err_set(v->e, ERR_FORMAT, "%s:%d:evidences[%d][%d]: %s [%d,%d) of document '%.100s' with %d",
			               s->truth->path, a->line, x->group, x->item, by_sentence ? "sentences" : "tokens", start, end,
			               docid, n);
		memset(s->marked + start, 1, (size_t)(end - start));
	}
	return 0;
}

static int add_curves(const struct visit *v, const char *docid, const double *score, int n, int by_sentence)
{
	struct score *s = v->s;
	struct curves c;
	int code = mark(v, docid, n, by_sentence);
	for (int i = 0; i < n && !code; i++)
		if (isnan(score[i]))
			return 0; /* it was told */
	if (!code)
		code = curves_of(&c, score, s->marked, n, v->e);
	if (code)
		return code;
	add(&s->auprc[by_sentence], c.auprc);
	if (!isnan(c.average_precision)) {
		add(&s->average_precision[by_sentence], c.average_precision);
		add(&s->roc_auc[by_sentence], c.roc_auc);
	}
	return 0;
}

/* Of a document that is named twice the benchmark takes the last. */
static int is_last_of_document(const struct predicted *x, int d)
{
	for (int i = d + 1; i < x->documents; i++)
		if (!strcmp(x->document[i].docid, x->document[d].docid))
			return 0;
	return 1;
}

static int check_length(const struct visit *v, int d, const char *member, int found, int expected)
{
	char field[160];
	if (found == expected)
		return 0;
	return fault(v, FATAL, field_of(field, d, member, -1), "expected %d scores for document '%.100s', found %d",
	             expected, v->x->document[d].docid, found);
}

static int add_soft(const struct visit *v, int d, const struct document *doc)
{
	const struct predicted_document *p = &v->x->document[d];
	int code = 0;
	if (!is_last_of_document(v->x, d))
		return 0;
	if (p->scores == doc->tokens)
		code = add_curves(v, p->docid, p->score, p->scores, 0);
	if (!code && p->sentences == doc->sentences)
		code = add_curves(v, p->docid, p->sentence, p->sentences, 1);
	return code;
}

/* ---- is it well formed? --------------------------------------------------------------------------------------- */

static int check_overlaps(const struct visit *v, int d)
{
	char field[160];
	const struct predicted_document *p = &v->x->document[d];
	int code = 0;
	for (int i = 0; i < p->spans && !code; i++)
		for (int k = 0; k < i && !code; k++) {
			const int *a = p->span[i], *b = p->span[k];
			const int is_same = a[0] == b[0] && a[1] == b[1];
			const int start = a[0] > b[0] ? a[0] : b[0], end = a[1] < b[1] ? a[1] : b[1];
			if (!is_same && end > start)
				code = fault(v, FATAL, field_of(field, d, "hard_rationale_predictions", i), "[%d,%d) overlaps [%d,%d)",
				             a[0], a[1], b[0], b[1]);
		}
	return code;
}

static int check_spans(const struct visit *v, int d, const struct document *doc)
{
	char field[160];
	const struct predicted_document *p = &v->x->document[d];
	int code = 0;
	for (int i = 0; i < p->spans && !code; i++) {
		const int start = p->span[i][0], end = p->span[i][1];
		field_of(field, d, "hard_rationale_predictions", i);
		if (start > doc->tokens || end > doc->tokens)
			code = fault(v, FATAL, field, "[%d,%d) is past the end of document '%.100s', which has %d tokens", start,
			             end, p->docid, doc->tokens);
		else if (start < 0)
			code = fault(v, TRAP, field, "[%d,%d) begins before the document", start, end);
		else if (end <= start)
			code = fault(v, TRAP, field, "[%d,%d) is empty or reversed", start, end);
	}
	return code ? code : check_overlaps(v, d);
}

static int check_numbers(const struct visit *v, int d, const char *member, const double *value, int n)
{
	char field[160];
	int code = 0;
	for (int i = 0; i < n && !code; i++)
		if (!isfinite(value[i]))
			code = fault(v, FATAL, field_of(field, d, member, i), "not a finite number");
	return code;
}

static int check_document(const struct visit *v, int d)
{
	char field[160], where[600];
	struct score *s = v->s;
	const struct predicted_document *p = &v->x->document[d];
	struct document doc = {0};
	int code = 0;
	if (!documents_has(s->documents, p->docid))
		return fault(v, FATAL, field_of(field, d, "docid", -1), "no document '%.100s'", p->docid);
	if (!is_first_of_document(v->x, d))
		code = fault(v, TRAP, field_of(field, d, "docid", -1), "document '%.100s' is there twice", p->docid);
	snprintf(where, sizeof where, "%.400s:%d", v->path, v->x->line);
	if (!code)
		code = documents_load(s->documents, p->docid, where, &doc, v->e);
	if (!code)
		code = check_spans(v, d, &doc);
	if (!code && p->scores > 0)
		code = check_length(v, d, "soft_rationale_predictions", p->scores, doc.tokens);
	if (!code && p->sentences >= 0)
		code = check_length(v, d, "soft_sentence_predictions", p->sentences, doc.sentences);
	if (!code)
		code = check_numbers(v, d, "soft_rationale_predictions", p->score, p->scores);
	if (!code)
		code = check_numbers(v, d, "soft_sentence_predictions", p->sentence, p->sentences);
	return code ? code : add_soft(v, d, &doc);
}

/* Something that one document of an instance has, and another lacks. */
static int check_all_or_none(const struct visit *v)
{
	int soft = 0, sentences = 0, hard = 0, code = 0;
	char field[160];
	for (int d = 0; d < v->x->documents; d++) {
		soft += v->x->document[d].scores >= 0;
		sentences += v->x->document[d].sentences >= 0;
		hard += v->x->document[d].spans > 0;
	}
	if (soft && soft != v->x->documents)
		code = fault(v, FATAL, "rationales", "soft scores for %d of %d documents", soft, v->x->documents);
	if (!code && sentences && sentences != v->x->documents)
		code = fault(v, FATAL, "rationales", "sentence scores for %d of %d documents", sentences, v->x->documents);
	if (!code && v->s->instances == 0 && v->x->documents && v->x->document[0].spans == 0)
		code = fault(v, TRAP, field_of(field, 0, "hard_rationale_predictions", -1),
		             "empty in the first instance: the benchmark's scorer then scores no hard prediction at all");
	v->s->any.hard |= hard > 0;
	v->s->any.soft |= soft > 0;
	v->s->any.sentences |= sentences > 0;
	if (v->s->instances == 0 && v->x->documents) {
		v->s->first.hard = v->x->document[0].spans > 0;
		v->s->first.soft = v->x->document[0].scores >= 0;
		v->s->first.sentences = v->x->document[0].sentences >= 0;
	}
	return code;
}

/* ---- classes -------------------------------------------------------------------------------------------------- */

static int check_distribution(const struct visit *v, const struct class_scores *c, const char *field)
{
	double sum = 0;
	int code = 0;
	if (c->count < 0)
		return 0;
	for (int i = 0; i < c->count; i++)
		sum += c->item[i].value;
	for (int i = 0; i < c->count && !code; i++)
		if (!(c->item[i].value >= 0))
			code = fault(v, TRAP, field, "the probability of '%.60s' is %g", c->item[i].label, c->item[i].value);
	if (!code && !(fabs(sum - 1) <= 1e-3))
		code = fault(v, TRAP, field, "probabilities sum to %g, not to 1", sum);
	if (!code && v->x->label && isnan(class_score_of(c, v->x->label)))
		code = fault(v, FATAL, field, "no probability of the predicted class '%.60s'", v->x->label);
	return code;
}

/* -sum p log p over p / sum p, natural; NaN with a negative p. */
static double entropy(const struct class_scores *c)
{
	double sum = 0, h = 0;
	for (int i = 0; i < c->count; i++)
		sum += c->item[i].value;
	for (int i = 0; i < c->count; i++) {
		const double p = c->item[i].value / sum;
		h -= p > 0 ? p * log(p) : p == 0 ? 0 : NAN;
	}
	return h;
}

/* KL(of || from), both normalised. */
static double divergence(const struct class_scores *of, const struct class_scores *from)
{
	double sums[2] = {0, 0}, kl = 0;
	for (int i = 0; i < from->count; i++) {
		sums[0] += class_score_of(of, from->item[i].label);
		sums[1] += from->item[i].value;
	}
	for (int i = 0; i < from->count; i++) {
		const double p = class_score_of(of, from->item[i].label) / sums[0], q = from->item[i].value / sums[1];
		kl += p > 0 ? p * log(p / q) : p == 0 ? 0 : NAN;
	}
	return kl;
}

static void add_faithfulness(struct score *s, const struct predicted *x)
{
	const double p = class_score_of(&x->classes, x->label);
	if (x->without.count >= 0) {
		add(&s->without, p - class_score_of(&x->without, x->label));
		add(&s->without_entropy, entropy(&x->classes) - entropy(&x->without));
		add(&s->without_kl, divergence(&x->without, &x->classes));
	}
	if (x->alone.count >= 0) {
		add(&s->alone, p - class_score_of(&x->alone, x->label));
		add(&s->alone_entropy, entropy(&x->classes) - entropy(&x->alone));
		add(&s->alone_kl, divergence(&x->alone, &x->classes));
	}
}

static const struct predicted_threshold *find_threshold(const struct predicted *x, double threshold)
{
	for (int i = 0; i < x->thresholds; i++)
		if (x->threshold[i].threshold == threshold)
			return &x->threshold[i];
	return NULL;
}

static int add_threshold(const struct visit *v, int k)
{
	struct score *s = v->s;
	const struct predicted *x = v->x;
	const struct predicted_threshold *t = find_threshold(x, s->options.aopc[k]);
	if (!t)
		return fault(v, FATAL, "thresholded_scores", "no scores at threshold %g", s->options.aopc[k]);
	if (t->without.count < 0 || t->alone.count < 0)
		return fault(v, FATAL, "thresholded_scores", "comprehensiveness or sufficiency is missing at threshold %g",
		             t->threshold);
	if (!x->label)
		return 0;
	int code = check_distribution(v, &t->without, "thresholded_scores.comprehensiveness_classification_scores");
	if (!code)
		code = check_distribution(v, &t->alone, "thresholded_scores.sufficiency_classification_scores");
	if (code)
		return code;
	const double p = class_score_of(&x->classes, x->label);
	add(&s->aopc_without[k], p - class_score_of(&t->without, x->label));
	add(&s->aopc_alone[k], p - class_score_of(&t->alone, x->label));
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* All instances have the same thresholds. */
static int check_thresholds(const struct visit *v)
{
	struct score *s = v->s;
	const struct predicted *x = v->x;
	int code = 0;
	if (x->thresholds > SCORE_THRESHOLDS_MAX)
		return fault(v, FATAL, "thresholded_scores", "%d thresholds, at most %d", x->thresholds, SCORE_THRESHOLDS_MAX);
	if (!s->any.thresholds) {
		for (int i = 0; i < x->thresholds; i++)
			s->threshold[i] = x->threshold[i].threshold;
		s->thresholds = x->thresholds;
		qsort(s->threshold, (size_t)s->thresholds, sizeof *s->threshold, by_value);
	}
	s->any.thresholds = 1;
	for (int i = 0; i < s->thresholds && !code; i++)
		if (!find_threshold(x, s->threshold[i]))
			code =
				fault(v, FATAL, "thresholded_scores", "no threshold %g, which other instances have", s->threshold[i]);
	if (!code && x->thresholds != s->thresholds)
		code = fault(v, FATAL, "thresholded_scores", "%d thresholds, other instances have %d", x->thresholds,
		             s->thresholds);
	for (int i = 0; i < x->thresholds && !code; i++)
		if (x->threshold[i].threshold > 1)
			code = fault(v, TRAP, "thresholded_scores", "threshold %g: a share is from 0 to 1, this may be percent",
			             x->threshold[i].threshold);
	for (int k = 0; k < s->options.aopcs && !code; k++)
		code = add_threshold(v, k);
	return code;
}

static int count_class(const struct visit *v)
{
	struct score *s = v->s;
	if (v->annotation < 0 || !v->x->label)
		return 0;
	struct confusion_row *predicted = find_label(s, v->x->label);
	const char *gold = s->truth->item[v->annotation].label;
	struct confusion_row *truth = gold ? find_label(s, gold) : NULL;
	if (!predicted)
		return fault(v, FATAL, "classification", "no annotation has the class '%.60s'", v->x->label);
	if (!truth)
		return fault(v, FATAL, "classification", "the annotation has no class");
	truth->truth++;
	predicted->predicted++;
	truth->both += truth == predicted;
	s->right += truth == predicted;
	s->classified++;
	return 0;
}

static int check_class_fields(const struct visit *v)
{
	const struct predicted *x = v->x;
	int code = 0;
	if ((x->label != NULL) != (x->classes.count >= 0))
		code = fault(v, FATAL, "classification_scores", "a class and its probabilities come together or not at all");
	if (!code && x->without.count >= 0 && !x->label)
		code = fault(v, FATAL, "comprehensiveness_classification_scores", "given without a classification");
	if (!code && x->alone.count >= 0 && x->classes.count < 0)
		code = fault(v, FATAL, "sufficiency_classification_scores", "given without classification_scores");
	if (!code && x->thresholds >= 0 && (x->without.count < 0 || x->alone.count < 0 || !x->label))
		code = fault(v, FATAL, "thresholded_scores", "given without classification, comprehensiveness and sufficiency");
	return code;
}

static int add_classes(const struct visit *v)
{
	struct score *s = v->s;
	const struct predicted *x = v->x;
	int code = check_class_fields(v);
	s->any.classes |= x->label != NULL;
	s->any.without |= x->without.count >= 0;
	s->any.alone |= x->alone.count >= 0;
	if (!code)
		code = check_distribution(v, &x->classes, "classification_scores");
	if (!code)
		code = check_distribution(v, &x->without, "comprehensiveness_classification_scores");
	if (!code)
		code = check_distribution(v, &x->alone, "sufficiency_classification_scores");
	if (!code)
		code = count_class(v);
	if (!code && x->label && x->classes.count >= 0)
		add_faithfulness(s, x);
	return code || x->thresholds < 0 ? code : check_thresholds(v);
}

/* What the first instance has, the others have, and the other way round. */
static int check_like_first(const struct visit *v)
{
	struct score *s = v->s;
	const struct predicted *x = v->x;
	const int has[] = {x->label != NULL, x->without.count >= 0, x->alone.count >= 0, x->thresholds >= 0};
	int *first[] = {&s->first.classes, &s->first.without, &s->first.alone, &s->first.thresholds};
	static const char *const names[] = {"classification", "comprehensiveness_classification_scores",
	                                    "sufficiency_classification_scores", "thresholded_scores"};
	int code = 0;
	for (int i = 0; i < 4 && !code; i++) {
		if (s->instances == 0)
			*first[i] = has[i];
		else if (*first[i] != has[i])
			code = fault(v, FATAL, names[i],
			             has[i] ? "the first instance has none" : "missing, though the first instance has it");
	}
	int soft = 0, sentences = 0;
	for (int d = 0; d < x->documents; d++) {
		soft |= x->document[d].scores >= 0;
		sentences |= x->document[d].sentences >= 0;
	}
	if (!code && s->instances && x->documents && soft != s->any.soft)
		code =
			fault(v, FATAL, "rationales",
		          soft ? "soft scores, which earlier instances lack" : "no soft scores, which earlier instances have");
	if (!code && s->instances && x->documents && sentences != s->any.sentences)
		code = fault(v, FATAL, "rationales",
		             sentences ? "sentence scores, which earlier instances lack"
		                       : "no sentence scores, which earlier instances have");
	return code;
}

int score_add(struct score *s, const struct predicted *x, const char *path, struct err *e)
{
	const struct visit v = {s, x, path, annotations_find(s->truth, x->annotation), e};
	int code = 0;
	if (v.annotation < 0)
		code = fault(&v, TRAP, "annotation_id", "no annotation '%.100s' in '%.200s'", x->annotation, s->truth->path);
	else if (s->is_predicted[v.annotation])
		code = fault(&v, FATAL, "annotation_id", "annotation '%.100s' is predicted twice", x->annotation);
	if (!code)
		code = check_like_first(&v);
	if (!code)
		code = check_all_or_none(&v);
	for (int d = 0; d < x->documents && !code; d++)
		code = check_document(&v, d);
	if (!code)
		code = add_keys(&v);
	if (!code)
		code = add_classes(&v);
	if (v.annotation >= 0)
		s->is_predicted[v.annotation] = 1;
	s->instances++;
	return code;
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

/* An annotation without a prediction is found wanting; where classes are scored it is an error. */
int score_end(struct score *s, struct err *e)
{
	int code = 0;
	for (int i = 0; i < s->truth->count && !code; i++) {
		if (s->is_predicted[i])
			continue;
		const struct predicted nothing = {.line = s->truth->item[i].line};
		const struct visit v = {s, &nothing, s->truth->path, i, e};
		code = fault(&v, s->any.classes ? FATAL : TRAP, "annotation_id", "annotation '%.100s' is not predicted",
		             s->truth->item[i].id);
		if (!code)
			code = add_unpredicted(s, NULL, i, e);
	}
	return code;
}
