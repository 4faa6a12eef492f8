#include "study.h"

#include "perturb.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/log.h"
#include "../engine/base/sha256.h"
#include "../eval/encoded.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening -------------------------------------------------------------------------------------------------- */

/* "movies" of ".../movies", "hatexplain" of ".../hatexplain/eraser". */
static void name_data(struct study *s, const char *folder)
{
	char path[4096];
	snprintf(path, sizeof path, "%s", folder);
	for (;;) {
		size_t n = strlen(path);
		while (n > 1 && path[n - 1] == '/')
			path[--n] = '\0';
		char *slash = strrchr(path, '/');
		const char *last = slash ? slash + 1 : path;
		if (slash && slash > path && !strcmp(last, "eraser")) {
			*slash = '\0';
			continue;
		}
		snprintf(s->name, sizeof s->name, "%.100s", last);
		return;
	}
}

static void hash_text(struct sha256 *h, const char *text)
{
	sha256_add(h, text ? text : "", strlen(text ? text : "") + 1);
}

/* Once over all documents: nothing long begins before all of them have been read. */
static int survey(struct study *s, struct err *e)
{
	struct sha256 hash;
	double shares = 0;
	int code = 0, gold;
	sha256_init(&hash);
	for (int i = 0; i < s->count && !code; i++) {
		struct instance x;
		code = instance_open(&x, &s->instances, i, e);
		if (code)
			break;
		code = study_gold(s, x.annotation, &gold, e);
		hash_text(&hash, x.annotation->id);
		hash_text(&hash, x.docid);
		hash_text(&hash, x.annotation->label);
		hash_text(&hash, s->instances.options.query == QUERY_PAIR ? x.annotation->query : NULL);
		hash_text(&hash, x.words);
		sha256_add(&hash, x.rationale, (size_t)x.tokens);
		s->rationales += x.rationale_tokens > 0;
		shares += (double)x.rationale_tokens / x.tokens;
		instance_close(&x);
	}
	sha256_end(&hash, s->data_sha);
	s->mean_share = s->rationales ? shares / s->rationales : NAN;
	if (!code && s->instances.faults)
		log_warn("%d evidences do not fit their documents and were mended", s->instances.faults);
	s->instances.is_told = 1;
	return code;
}

static int hash_models(struct study *s, struct err *e)
{
	const struct explain_options *o = &s->options.explain;
	int code = model_sha256(o->model, s->model_sha[EXPLAIN_ADAPTED], e);
	if (!code)
		code = model_sha256(o->dense ? o->dense : o->model, s->model_sha[EXPLAIN_DENSE], e);
	return code;
}

/* Both models read the same pieces. */
static int check_vocabularies(const struct study *s, struct err *e)
{
	struct tokenizer *t;
	if (!s->options.explain.dense)
		return 0;
	int code = tokenizer_open(&t, s->options.explain.dense, e);
	if (code)
		return code;
	const int size = tokenizer_size(s->tokenizer);
	int same = tokenizer_size(t) == size;
	for (int id = 0; id < size && same; id++)
		same = !strcmp(tokenizer_piece(t, id), tokenizer_piece(s->tokenizer, id));
	tokenizer_close(t);
	return same ? 0
	            : err_set(e, ERR_MISMATCH, "the vocabularies of '%s' and '%s' differ", s->options.explain.model,
	                      s->options.explain.dense);
}

static int find_max_length(struct study *s, struct err *e)
{
	int other = 0,
		code = encoded_max_length(&s->options.read.max_length, s->options.explain.model, s->options.read.max_length, e);
	if (!code && s->options.explain.dense)
		code = encoded_max_length(&other, s->options.explain.dense, 0, e);
	if (!code && other && other < s->options.read.max_length)
		s->options.read.max_length = other;
	return code;
}

int study_open(struct study *s, const struct study_options *o, struct err *e)
{
	*s = (struct study){.options = *o};
	s->options.explain.methods |= 1u << METHOD_KEPT; /* the others are given its budgets */
	name_data(s, o->data);
	int code = find_max_length(s, e);
	if (!code)
		code = tokenizer_open(&s->tokenizer, o->explain.model, e);
	if (!code)
		code = check_vocabularies(s, e);
	if (!code)
		code = hash_models(s, e);
	if (!code)
		code = explainer_open(&s->explainer, &s->options.explain, e);
	if (!code)
		code = instances_open(&s->instances, o->data, o->split, s->tokenizer, &s->options.read, e);
	s->count = o->limit && o->limit < s->instances.count ? o->limit : s->instances.count;
	s->inputs.mask = o->is_mask && s->tokenizer ? tokenizer_find(s->tokenizer, "[MASK]") : 0;
	if (!code && s->inputs.mask < 0)
		code = err_set(e, ERR_FORMAT, "the vocabulary of '%s' has no [MASK]", o->explain.model);
	if (!code)
		code = survey(s, e);
	if (code)
		study_close(s);
	return code;
}

void study_close(struct study *s)
{
	explainer_close(s->explainer);
	instances_close(&s->instances);
	tokenizer_close(s->tokenizer);
	inputs_free(&s->inputs);
	*s = (struct study){0};
}

int study_gold(const struct study *s, const struct annotation *a, int *gold, struct err *e)
{
	const struct config *c = model_config(explainer_model(s->explainer, EXPLAIN_ADAPTED));
	*gold = -1;
	for (int i = 0; i < c->C && a->label; i++)
		if (!strcmp(c->labels[i], a->label))
			*gold = i;
	if (*gold >= 0 || !a->label)
		return 0;
	return err_set(e, ERR_MISMATCH,
	               "the model knows no label '%.100s', found in field 'classification' of '%s' line %d "
	               "(it knows '%s', '%s'%s)",
	               a->label, s->instances.annotations.path, a->line, c->labels[0], c->labels[1],
	               c->C > 2 ? " ..." : "");
}

/* ---- what a run is -------------------------------------------------------------------------------------------- */

struct rationale_facts study_facts(const struct study *s, enum method m)
{
	const struct config *c = model_config(explainer_model(s->explainer, EXPLAIN_ADAPTED));
	const struct config *of = model_config(explainer_model(s->explainer, method_table[m].arm));
	struct rationale_facts f = {.classes = c->C,
	                            .L = c->L,
	                            .layers = method_table[m].by_layer ? of->L : 1,
	                            .thresholds = s->options.thresholds,
	                            .mean_share = s->mean_share};
	for (int k = 0; k < f.thresholds; k++)
		f.threshold[k] = s->options.threshold[k];
	return f;
}

void study_describe(const struct study *s, enum method m, struct buf *json)
{
	static const char *const aggregations[] = {"max", "mean", "first", "sum"};
	static const char *const baselines[] = {"pad", "mask", "zero"};
	const struct explain_options *o = &s->options.explain;
	const struct policy *adapted = explainer_policy(s->explainer, EXPLAIN_ADAPTED),
						*dense = explainer_policy(s->explainer, EXPLAIN_DENSE);
	buf_addf(json,
	         "\"method\":\"%s\",\"adapted\":\"%s\",\"adapted_policy\":\"%s\",\"dense\":\"%s\",\"dense_policy\":\"%s\",",
	         method_table[m].name, s->model_sha[EXPLAIN_ADAPTED], adapted->text, s->model_sha[EXPLAIN_DENSE],
	         dense->text);
	buf_addf(json,
	         "\"aggregation\":\"%s\",\"max_length\":%d,\"query\":\"%s\",\"instances\":%d,\"windows\":\"%s\","
	         "\"rounding\":\"%s\",\"removal\":\"%s\",",
	         aggregations[o->aggregation], s->options.read.max_length,
	         s->instances.options.query == QUERY_PAIR ? "pair" : "none", s->count,
	         s->options.read.free_windows ? "free" : "whole rationales", s->options.floors ? "floor" : "ceil",
	         s->options.is_mask ? "mask" : "delete");
	if (m == METHOD_INTEGRATED)
		buf_addf(json, "\"steps\":%d,\"baseline\":\"%s\",", o->steps ? o->steps : EXPLAIN_STEPS,
		         baselines[o->baseline]);
	if (m == METHOD_RANDOM)
		buf_addf(json, "\"seed\":%llu,", (unsigned long long)o->seed);
}

/* ---- explaining ----------------------------------------------------------------------------------------------- */

static int count_spans(const struct instance *x)
{
	int n = 0;
	for (int i = 0; i < x->annotation->evidence_count; i++)
		n += !strcmp(x->annotation->evidence[i].docid, x->docid);
	return n;
}

/* The evidence as it was given, cut to the document. */
static void copy_spans(struct rationale_document *d, const struct instance *x)
{
	for (int i = 0; i < x->annotation->evidence_count; i++) {
		const struct evidence *v = &x->annotation->evidence[i];
		const int start = v->start < 0 ? 0 : v->start, end = v->end < x->tokens ? v->end : x->tokens;
		if (strcmp(v->docid, x->docid) != 0 || start >= end)
			continue;
		d->span[d->spans][0] = start;
		d->span[d->spans++][1] = end;
	}
}

/* Tokens that live on at each layer, by window, from the layer at which each died. */
static void count_kept(struct rationale_document *d, const float *died, int L)
{
	for (int w = 0; w < d->windows; w++)
		for (int l = 0; l < L; l++) {
			int kept = 0;
			for (int t = d->window[w]; t < d->window[w + 1]; t++)
				kept += died[t] > (float)l;
			d->budget[w * L + l] = kept;
		}
}

static int fill(struct study *s, enum method m, const struct instance *x, const struct explanation *of,
                struct rationale_document *d, struct err *e)
{
	const struct rationale_facts f = study_facts(s, m);
	const size_t scores = (size_t)f.layers * (size_t)x->tokens;
	const size_t perturbations = (size_t)f.layers * (size_t)f.thresholds + 1;
	const enum explain_arm arm = method_table[m].arm;
	*d = (struct rationale_document){.tokens = x->tokens, .pred = of->pred[arm], .windows = x->windows.count};
	d->logits = malloc((size_t)f.classes * sizeof *d->logits);
	d->span = malloc(((size_t)count_spans(x) + 1) * sizeof *d->span);
	d->window = malloc(((size_t)d->windows + 1) * sizeof *d->window);
	d->budget = malloc((size_t)d->windows * (size_t)f.L * sizeof *d->budget);
	d->score = malloc(scores * sizeof *d->score);
	d->removed = calloc(perturbations, sizeof *d->removed);
	d->alone = calloc(perturbations, sizeof *d->alone);
	if (!d->logits || !d->span || !d->window || !d->budget || !d->score || !d->removed || !d->alone)
		return err_set(e, ERR_MEMORY, "out of memory for document '%.200s'", x->docid);
	memcpy(d->logits, of->logits[arm], (size_t)f.classes * sizeof *d->logits);
	memcpy(d->score, of->score[m], scores * sizeof *d->score);
	copy_spans(d, x);
	for (int w = 0; w < d->windows; w++)
		d->window[w] = x->windows.item[w].first;
	d->window[d->windows] = x->tokens;
	count_kept(d, of->score[METHOD_KEPT], f.L);
	int code = study_gold(s, x->annotation, &d->gold, e);
	if (!code && f.thresholds)
		code = perturb(&f, d, x, explainer_runner(s->explainer, arm), &s->inputs, s->options.floors, e);
	return code;
}

static int explain_all(struct study *s, int i, struct study_documents *out, struct err *e)
{
	int code = 0;
	for (int k = 0; k < out->count && !code; k++)
		code = instance_open(&out->instance[k], &s->instances, i + k, e);
	if (!code)
		code = explainer_run(s->explainer, out->instance, out->count, out->explanation, e);
	for (int m = 0; m < METHOD_COUNT; m++)
		for (int k = 0; k < out->count && out->document[m] && !code; k++)
			code = fill(s, (enum method)m, &out->instance[k], &out->explanation[k], &out->document[m][k], e);
	return code;
}

int study_explain(struct study *s, int i, int count, struct study_documents *out, struct err *e)
{
	int code = 0;
	*out = (struct study_documents){.count = count};
	out->instance = calloc((size_t)count, sizeof *out->instance);
	out->explanation = calloc((size_t)count, sizeof *out->explanation);
	if (!out->instance || !out->explanation)
		code = err_set(e, ERR_MEMORY, "out of memory for %d documents", count);
	for (int m = 0; m < METHOD_COUNT && !code; m++)
		if (s->options.explain.methods & 1u << m && !(out->document[m] = calloc((size_t)count, sizeof **out->document)))
			code = err_set(e, ERR_MEMORY, "out of memory for %d documents", count);
	if (!code)
		code = explain_all(s, i, out, e);
	if (code)
		study_documents_close(out);
	return code;
}

void study_documents_close(struct study_documents *x)
{
	for (int k = 0; k < x->count; k++) {
		if (x->instance)
			instance_close(&x->instance[k]);
		if (x->explanation)
			explanation_close(&x->explanation[k]);
	}
	for (int m = 0; m < METHOD_COUNT; m++)
		if (x->document[m]) {
			struct rationale_facts f = {.n = x->count, .document = x->document[m]};
			rationale_close(&f);
		}
	free(x->instance);
	free(x->explanation);
	*x = (struct study_documents){0};
}
