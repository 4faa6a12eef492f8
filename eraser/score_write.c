/* The scores as the benchmark writes them. */
#include "score_parts.h"

#include "../engine/base/err.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON: keys sorted, indented by 4 ------------------------------------------------------------------------- */

static void add_line(struct buf *b, int depth)
{
	buf_add_byte(b, '\n');
	for (int i = 0; i < 4 * depth; i++)
		buf_add_byte(b, ' ');
}

static const cJSON *next_by_key(const cJSON *object, const char *after)
{
	const cJSON *best = NULL, *item;
	cJSON_ArrayForEach(item, object)
	{
		if ((!after || strcmp(item->string, after) > 0) && (!best || strcmp(item->string, best->string) < 0))
			best = item;
	}
	return best;
}

static void print(struct buf *b, const cJSON *json, int depth)
{
	const cJSON *item = cJSON_IsObject(json) ? next_by_key(json, NULL) : json->child;
	if (!cJSON_IsObject(json) && !cJSON_IsArray(json)) {
		if (cJSON_IsNumber(json))
			buf_add_json_double(b, json->valuedouble);
		else
			buf_add_text(b, "null");
		return;
	}
	buf_add_byte(b, cJSON_IsObject(json) ? '{' : '[');
	for (const char *separator = ""; item; separator = ",") {
		buf_add_text(b, separator);
		add_line(b, depth + 1);
		if (cJSON_IsObject(json)) {
			buf_add_json_string(b, item->string, strlen(item->string));
			buf_add_text(b, ": ");
		}
		print(b, item, depth + 1);
		item = cJSON_IsObject(json) ? next_by_key(json, item->string) : item->next;
	}
	if (json->child)
		add_line(b, depth);
	buf_add_byte(b, cJSON_IsObject(json) ? '}' : ']');
}

/* ---- parts ---------------------------------------------------------------------------------------------------- */

static double divided(double a, double b) { return b > 0 ? a / b : NAN; }
static double mean(const struct mean *m) { return divided(m->sum, (double)m->n); }

static void put(cJSON *to, const char *name, double value)
{
	if (isfinite(value))
		cJSON_AddNumberToObject(to, name, value);
	else
		cJSON_AddNullToObject(to, name);
}

static void put_prf(cJSON *to, const char *name, double p, double r, double f)
{
	cJSON *x = cJSON_AddObjectToObject(to, name);
	put(x, "p", p);
	put(x, "r", r);
	put(x, "f1", f);
}

static void write_prf(cJSON *to, const char *name, const struct prf *all)
{
	cJSON *x = cJSON_AddObjectToObject(to, name);
	const double p = divided((double)all->common, (double)all->predicted),
				 r = divided((double)all->common, (double)all->truth), keys = (double)all->keys;
	put_prf(x, "instance_micro", p, r, score_f1(p, r));
	put_prf(x, "instance_macro", divided(all->p, keys), divided(all->r, keys), divided(all->f, keys));
}

/* The benchmark has 0 where there is nothing to divide by. */
static double or_0(double value) { return isnan(value) ? 0 : value; }

static void write_ious(cJSON *to, const char *name, const struct score *s, const struct iou_sums *all)
{
	cJSON *list = cJSON_AddArrayToObject(to, name);
	for (int k = 0; k < s->options.ious; k++) {
		cJSON *x = cJSON_CreateObject();
		const double p = or_0(divided(all[k].hits, (double)s->predicted_spans)),
					 r = or_0(divided(all[k].hits, (double)s->truth_spans));
		const double macro_p = or_0(divided(all[k].p, (double)s->predicted_keys)),
					 macro_r = or_0(divided(all[k].r, (double)s->truth_keys));
		cJSON_AddItemToArray(list, x);
		put(x, "threshold", s->options.iou[k]);
		put_prf(x, "micro", p, r, score_f1(p, r));
		put_prf(x, "macro", macro_p, macro_r, score_f1(macro_p, macro_r));
	}
}

static void write_soft(cJSON *to, const char *name, const struct score *s, int i)
{
	cJSON *x = cJSON_AddObjectToObject(to, name);
	put(x, "auprc", mean(&s->auprc[i]));
	put(x, "average_precision", mean(&s->average_precision[i]));
	put(x, "roc_auc_score", mean(&s->roc_auc[i]));
}

static void put_class(cJSON *to, const char *name, double p, double r, double f, double support)
{
	cJSON *x = cJSON_AddObjectToObject(to, name);
	put(x, "precision", p);
	put(x, "recall", r);
	put(x, "f1-score", f);
	put(x, "support", support);
}

static void write_report(cJSON *to, const struct score *s)
{
	cJSON *x = cJSON_AddObjectToObject(to, "prf");
	double macro[3] = {0}, weighted[3] = {0}, total = 0;
	for (int i = 0; i < s->labels; i++) {
		const struct confusion_row *l = &s->label[i];
		const double p = or_0(divided((double)l->both, (double)l->predicted)),
					 r = or_0(divided((double)l->both, (double)l->truth)), f = score_f1(p, r), n = (double)l->truth;
		const double values[] = {p, r, f};
		put_class(x, l->label, p, r, f, n);
		for (int k = 0; k < 3; k++) {
			macro[k] += values[k] / s->labels;
			weighted[k] += values[k] * n;
		}
		total += n;
	}
	put(x, "accuracy", divided((double)s->right, (double)s->classified));
	put_class(x, "macro avg", macro[0], macro[1], macro[2], total);
	put_class(x, "weighted avg", divided(weighted[0], total), divided(weighted[1], total), divided(weighted[2], total),
	          total);
}

static void write_aopc(cJSON *to, const char *name, const char *points_name, const struct score *s,
                       const struct mean *all)
{
	double sum = 0;
	cJSON *points =
		s->any.thresholds ? cJSON_AddArrayToObject(to, points_name) : cJSON_AddNullToObject(to, points_name);
	for (int k = 0; k < s->options.aopcs && s->any.thresholds; k++) {
		const double value = mean(&all[k]);
		sum += value;
		cJSON_AddItemToArray(points, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
	}
	put(to, name, s->any.thresholds ? divided(sum, s->options.aopcs) : NAN);
}

static void write_classes(cJSON *to, const struct score *s)
{
	cJSON *x = cJSON_AddObjectToObject(to, "classification_scores");
	put(x, "accuracy", divided((double)s->right, (double)s->classified));
	write_report(x, s);
	put(x, "comprehensiveness", mean(&s->without));
	put(x, "comprehensiveness_entropy", mean(&s->without_entropy));
	put(x, "comprehensiveness_kl", mean(&s->without_kl));
	put(x, "sufficiency", mean(&s->alone));
	put(x, "sufficiency_entropy", mean(&s->alone_entropy));
	put(x, "sufficiency_kl", mean(&s->alone_kl));
	cJSON *thresholds =
		s->any.thresholds ? cJSON_AddArrayToObject(x, "aopc_thresholds") : cJSON_AddNullToObject(x, "aopc_thresholds");
	for (int k = 0; k < s->options.aopcs && s->any.thresholds; k++)
		cJSON_AddItemToArray(thresholds, cJSON_CreateNumber(s->options.aopc[k]));
	write_aopc(x, "comprehensiveness_aopc", "comprehensiveness_aopc_points", s, s->aopc_without);
	write_aopc(x, "sufficiency_aopc", "sufficiency_aopc_points", s, s->aopc_alone);
}

int score_write(struct score *s, struct buf *json, struct err *e)
{
	const int is_compat = s->options.mode == SCORE_COMPAT;
	int code = score_end(s, e);
	cJSON *all = code ? NULL : cJSON_CreateObject();
	if (!all)
		return code ? code : err_set(e, ERR_MEMORY, "out of memory for scores");
	if (is_compat ? s->first.hard : s->any.hard) {
		write_ious(all, "iou_scores", s, s->iou);
		if (s->options.bounded)
			write_ious(all, "iou_scores_bounded", s, s->bounded);
		write_prf(all, "rationale_prf", &s->spans);
		write_prf(all, "token_prf", &s->tokens);
	}
	if (is_compat ? s->first.soft : s->any.soft)
		write_soft(all, "token_soft_metrics", s, 0);
	if (is_compat ? s->first.sentences : s->any.sentences)
		write_soft(all, "sentence_soft_metrics", s, 1);
	if (s->any.classes)
		write_classes(all, s);
	print(json, all, 0);
	buf_add_byte(json, '\n');
	cJSON_Delete(all);
	return buf_check(json, e);
}
