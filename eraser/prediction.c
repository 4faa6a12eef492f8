#include "prediction.h"

#include "../engine/base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_text(struct buf *b, const char *field, const char *text)
{
	buf_addf(b, "\"%s\":", field);
	buf_add_json_string(b, text, strlen(text));
}

static void add_soft(struct buf *b, const float *score, int n)
{
	float least = NAN;
	for (int t = 0; t < n; t++)
		if (!isnan(score[t]) && !(least <= score[t]))
			least = score[t];
	buf_add_text(b, "\"soft_rationale_predictions\":[");
	for (int t = 0; t < n; t++) {
		if (t)
			buf_add_byte(b, ',');
		buf_add_json_float(b, !isnan(score[t]) ? score[t] : isnan(least) ? 0 : least);
	}
	buf_add_byte(b, ']');
}

static int add_hard(struct buf *b, const struct prediction *p, const struct rationale_document *d, struct err *e)
{
	int *order = malloc((size_t)d->tokens * sizeof *order);
	unsigned char *keep = malloc((size_t)d->tokens + 1);
	int code = order && keep ? rationale_order(order, d->score, p->layer, d->tokens, e)
	                         : err_set(e, ERR_MEMORY, "out of memory for %d tokens", d->tokens);
	if (!code) {
		const char *separator = "";
		rationale_select(keep, p->facts, d, order, p->budget_layer, p->budget);
		keep[d->tokens] = 0;
		buf_add_text(b, "\"hard_rationale_predictions\":[");
		for (int t = 0, start = -1; t <= d->tokens; t++) {
			if (keep[t] && start < 0)
				start = t;
			if (keep[t] || start < 0)
				continue;
			buf_addf(b, "%s{\"start_token\":%d,\"end_token\":%d}", separator, start, t);
			separator = ",";
			start = -1;
		}
		buf_add_text(b, "],");
	}
	free(order);
	free(keep);
	return code;
}

/* Of two classes the other one has the rest; of more only the predicted one's probability is known. */
static void add_perturbed(struct buf *b, const struct prediction *p, const char *field, double probability)
{
	const int C = p->facts->classes, pred = p->document[0]->pred;
	buf_addf(b, "\"%s\":{", field);
	for (int c = 0; c < C; c++) {
		if (c)
			buf_add_byte(b, ',');
		buf_add_json_string(b, p->labels[c], strlen(p->labels[c]));
		buf_add_byte(b, ':');
		buf_add_json_double(b, c == pred ? probability : (1 - probability) / (C - 1));
	}
	buf_add_byte(b, '}');
}

static void add_both(struct buf *b, const struct prediction *p, int k)
{
	const int at = p->layer * p->facts->thresholds + k;
	add_perturbed(b, p, "comprehensiveness_classification_scores", p->document[0]->removed[at]);
	buf_add_byte(b, ',');
	add_perturbed(b, p, "sufficiency_classification_scores", p->document[0]->alone[at]);
}

static void add_perturbations(struct buf *b, const struct prediction *p)
{
	const struct rationale_facts *f = p->facts;
	const char *separator = "";
	for (int k = 0; k < f->thresholds; k++)
		if (f->threshold[k] == 0) {
			buf_add_byte(b, ',');
			add_both(b, p, k);
		}
	buf_add_text(b, ",\"thresholded_scores\":[");
	for (int k = 0; k < f->thresholds; k++) {
		if (f->threshold[k] == 0)
			continue;
		buf_addf(b, "%s{\"threshold\":", separator);
		buf_add_json_double(b, f->threshold[k]);
		buf_add_byte(b, ',');
		add_both(b, p, k);
		buf_add_byte(b, '}');
		separator = ",";
	}
	buf_add_byte(b, ']');
}

static double mean_logit(const struct prediction *p, int class)
{
	double sum = 0;
	for (int i = 0; i < p->count; i++)
		sum += (double)p->document[i]->logits[class];
	return sum / p->count;
}

static void add_classes(struct buf *b, const struct prediction *p)
{
	const int C = p->facts->classes;
	int best = 0;
	for (int c = 1; c < C; c++)
		best = mean_logit(p, c) > mean_logit(p, best) ? c : best;
	add_text(b, "classification", p->labels[best]);
	buf_add_text(b, ",\"classification_scores\":{");
	for (int c = 0; c < C; c++) {
		double sum = 0;
		for (int k = 0; k < C; k++)
			sum += exp(mean_logit(p, k) - mean_logit(p, c));
		if (c)
			buf_add_byte(b, ',');
		buf_add_json_string(b, p->labels[c], strlen(p->labels[c]));
		buf_add_byte(b, ':');
		buf_add_json_double(b, 1 / sum);
	}
	buf_add_byte(b, '}');
}

static int add_document(struct buf *out, const struct prediction *p, int i, struct err *e)
{
	const struct rationale_document *d = p->document[i];
	int code = 0;
	buf_add_text(out, i ? ",{" : "{");
	add_text(out, "docid", p->docid[i]);
	buf_add_byte(out, ',');
	if (p->budget != BUDGET_COUNT)
		code = add_hard(out, p, d, e);
	add_soft(out, d->score + (size_t)p->layer * (size_t)d->tokens, d->tokens);
	buf_add_byte(out, '}');
	return code;
}

int prediction_add(struct buf *out, const struct prediction *p, struct err *e)
{
	int code = 0;
	buf_add_byte(out, '{');
	add_text(out, "annotation_id", p->annotation);
	buf_add_text(out, ",\"rationales\":[");
	for (int i = 0; i < p->count && !code; i++)
		code = add_document(out, p, i, e);
	buf_add_text(out, "],");
	add_classes(out, p);
	if (p->facts->thresholds && p->count == 1)
		add_perturbations(out, p);
	buf_add_text(out, "}\n");
	return code ? code : buf_check(out, e);
}
