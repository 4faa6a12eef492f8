#include "explain.h"

#include "explainer.h"

#include "../engine/base/err.h"
#include "../engine/base/rng.h"
#include "../eval/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_DEFAULT = 4096 };

#define METHOD_ROW(id, name_, arm_, by_layer_, summary_) [METHOD_##id] = {name_, arm_, by_layer_, summary_},
const struct method_row method_table[METHOD_COUNT] = {METHODS(METHOD_ROW)};

static int find_method(unsigned *methods, const char *name, struct err *e)
{
	const char *names[METHOD_COUNT + 1] = {NULL};
	char hint[512];
	for (int i = 0; i < METHOD_COUNT; i++) {
		names[i] = method_table[i].name;
		if (!strcmp(name, names[i])) {
			*methods |= 1u << i;
			return 0;
		}
	}
	err_suggest(hint, sizeof hint, name, names);
	return err_set(e, ERR_USAGE, "unknown method '%.80s'%s", name, hint);
}

int methods_parse(unsigned *methods, const char *text, struct err *e)
{
	char name[64];
	int code = 0;
	*methods = 0;
	if (!strcmp(text, "all")) {
		*methods = (1u << METHOD_COUNT) - 1;
		return 0;
	}
	for (const char *at = text; !code; at++) {
		const size_t n = strcspn(at, ",");
		if (n >= sizeof name)
			return err_set(e, ERR_USAGE, "unknown method '%.80s'", at);
		memcpy(name, at, n);
		name[n] = '\0';
		code = find_method(methods, name, e);
		at += n;
		if (!*at)
			break;
	}
	return code;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

static unsigned wants_of(const struct explainer *x, enum explain_arm arm)
{
	if (arm == EXPLAIN_ADAPTED)
		return explain_wants(x, METHOD_BIT(CP)) ? WANT_SCORES : 0;
	return (explain_wants(x, METHOD_BIT(ATTENTION) | METHOD_BIT(ATTENTION_CLS)) ? WANT_ATTENTION : 0u) |
	       (explain_wants(x, METHOD_BIT(ROLLOUT)) ? WANT_MAPS : 0u);
}

static int open_arm(struct explainer *x, enum explain_arm arm, struct err *e)
{
	const struct explain_options *o = &x->options;
	int code = 0;
	if (arm == EXPLAIN_ADAPTED || o->dense)
		code = model_open(&x->owned[arm], arm == EXPLAIN_ADAPTED ? o->model : o->dense, NULL, e);
	x->model[arm] = x->owned[arm] ? x->owned[arm] : x->model[EXPLAIN_ADAPTED];
	if (code)
		return code;
	const char *policy = arm == EXPLAIN_DENSE       ? o->dense_policy ? o->dense_policy : "none"
	                     : o->policy                ? o->policy
	                     : model_eta(x->model[arm]) ? "adapler"
	                                                : "none";
	code = runner_open(&x->runner[arm], x->model[arm], policy, o->threads, o->rows, wants_of(x, arm), e);
	return code ? code : runner_open(&x->plain[arm], x->model[arm], policy, o->threads, o->rows, 0, e);
}

static int check(const struct explainer *x, struct err *e)
{
	const struct config *a = model_config(x->model[EXPLAIN_ADAPTED]), *d = model_config(x->model[EXPLAIN_DENSE]);
	if (a->C < 2 || a->C != d->C)
		return err_set(e, ERR_MISMATCH, "%d and %d classes: both models must be classifiers of the same classes", a->C,
		               d->C);
	if (a->L != d->L)
		return err_set(e, ERR_MISMATCH,
		               "%d and %d layers: both models must have as many, they are compared layer by layer", a->L, d->L);
	for (int i = 0; i < a->C; i++)
		if (strcmp(a->labels[i], d->labels[i]) != 0)
			return err_set(e, ERR_MISMATCH, "class %d is '%s' to the one model and '%s' to the other", i, a->labels[i],
			               d->labels[i]);
	if (explain_wants(x, METHOD_BIT(CP)) && !a->K)
		return err_set(e, ERR_MISMATCH, "method 'cp' needs contribution predictors, which '%s' has not",
		               x->options.model);
	return 0;
}

int explainer_open(struct explainer **out, const struct explain_options *o, struct err *e)
{
	struct explainer *x = calloc(1, sizeof *x);
	*out = NULL;
	if (!x)
		return err_set(e, ERR_MEMORY, "out of memory for explainers");
	x->options = *o;
	x->options.rows = o->rows ? o->rows : ROWS_DEFAULT;
	x->options.steps = o->steps ? o->steps : EXPLAIN_STEPS;
	int code = open_arm(x, EXPLAIN_ADAPTED, e);
	if (!code)
		code = open_arm(x, EXPLAIN_DENSE, e);
	if (!code)
		code = check(x, e);
	if (!code && explain_wants(x, METHOD_BIT(SALIENCY) | METHOD_BIT(GRADIENT_INPUT) | METHOD_BIT(INTEGRATED)))
		code = explain_open_trainer(x, e);
	if (code) {
		explainer_close(x);
		return code;
	}
	*out = x;
	return 0;
}

void explainer_close(struct explainer *x)
{
	if (!x)
		return;
	trainer_close(x->trainer);
	for (int arm = 0; arm < EXPLAIN_ARMS; arm++) {
		runner_close(&x->runner[arm]);
		runner_close(&x->plain[arm]);
		model_close(x->owned[arm]);
	}
	inputs_free(&x->inputs);
	free(x->place);
	free(x->logits);
	free(x);
}

const struct model *explainer_model(const struct explainer *x, enum explain_arm arm) { return x->model[arm]; }
const struct policy *explainer_policy(const struct explainer *x, enum explain_arm arm)
{
	return &x->runner[arm].policy;
}
struct runner *explainer_runner(struct explainer *x, enum explain_arm arm) { return &x->plain[arm]; }

/* ---- documents ------------------------------------------------------------------------------------------------ */

void explain_document_logits(float *out, const struct windows *w, const float *logits, int C)
{
	for (int c = 0; c < C; c++) {
		double sum = 0, weight = 0;
		for (int i = 0; i < w->count; i++) {
			const double pieces = w->item[i].pieces ? w->item[i].pieces : 1;
			sum += pieces * (double)logits[(size_t)i * (size_t)C + (size_t)c];
			weight += pieces;
		}
		out[c] = (float)(sum / weight);
	}
}

int explain_best(const float *logits, int C)
{
	int best = 0;
	for (int c = 1; c < C; c++)
		best = logits[c] > logits[best] ? c : best;
	return best;
}

static int layers_of(const struct explainer *x, int method)
{
	return method_table[method].by_layer ? model_config(x->model[method_table[method].arm])->L : 1;
}

static int scores_pieces(int method) { return method != METHOD_LEAVE_ONE_OUT && method != METHOD_RANDOM; }

static float *nothing_yet(size_t n, struct err *e)
{
	float *v = malloc((n + 1) * sizeof *v);
	if (!v)
		err_set(e, ERR_MEMORY, "out of memory for %zu scores", n);
	for (size_t i = 0; v && i < n; i++)
		v[i] = NAN;
	return v;
}

static int open_explanation(struct explainer *x, int i, struct err *e)
{
	struct explanation *out = &x->out[i];
	const struct config *c = model_config(x->model[EXPLAIN_ADAPTED]);
	*out = (struct explanation){.tokens = x->in[i].tokens, .L = c->L, .C = c->C, .completeness = {NAN, NAN}};
	for (int arm = 0; arm < EXPLAIN_ARMS; arm++)
		if (!(out->logits[arm] = nothing_yet((size_t)c->C, e)))
			return ERR_MEMORY;
	for (int m = 0; m < METHOD_COUNT; m++) {
		if (!explain_wants(x, 1u << m))
			continue;
		const size_t layers = (size_t)layers_of(x, m);
		if (!(out->score[m] = nothing_yet(layers * (size_t)out->tokens, e)))
			return ERR_MEMORY;
		if (scores_pieces(m) && !(x->piece[m][i] = nothing_yet(layers * (size_t)x->in[i].pieces.pieces, e)))
			return ERR_MEMORY;
	}
	return 0;
}

void explanation_close(struct explanation *x)
{
	for (int arm = 0; arm < EXPLAIN_ARMS; arm++)
		free(x->logits[arm]);
	for (int m = 0; m < METHOD_COUNT; m++)
		free(x->score[m]);
	*x = (struct explanation){0};
}

/* ---- the windows of all instances in turn --------------------------------------------------------------------- */

static int list_windows(struct explainer *x, struct err *e)
{
	int windows = 0, code = 0;
	for (int i = 0; i < x->count; i++)
		windows += x->in[i].windows.count;
	const size_t C = (size_t)model_config(x->model[EXPLAIN_ADAPTED])->C;
	free(x->place);
	free(x->logits);
	x->place = malloc(((size_t)windows + 1) * sizeof *x->place);
	x->logits = malloc(((size_t)windows + 1) * C * sizeof *x->logits);
	if (!x->place || !x->logits)
		return err_set(e, ERR_MEMORY, "out of memory for %d windows", windows);
	inputs_clear(&x->inputs);
	x->windows = 0;
	for (int i = 0; i < x->count; i++)
		for (int w = 0; w < x->in[i].windows.count && !code; w++) {
			x->place[x->windows++] = (struct place){i, w};
			code = inputs_add(&x->inputs, &x->in[i].windows.item[w], &x->in[i].pieces, NULL, e);
		}
	return code;
}

static void draw_random(struct explainer *x)
{
	for (int i = 0; i < x->count && explain_wants(x, METHOD_BIT(RANDOM)); i++) {
		const struct instance *in = &x->in[i];
		uint64_t h = hash_bytes(HASH_START, in->annotation->id, strlen(in->annotation->id));
		h = hash_bytes(h, in->docid, strlen(in->docid));
		for (int t = 0; t < in->tokens; t++)
			x->out[i].score[METHOD_RANDOM][t] =
				(float)rng_uniform(x->options.seed, rng_stream("explain random"), h + (uint64_t)t);
	}
}

static void aggregate(struct explainer *x)
{
	for (int m = 0; m < METHOD_COUNT; m++)
		for (int i = 0; i < x->count && explain_wants(x, 1u << m) && scores_pieces(m); i++)
			for (int l = 0; l < layers_of(x, m); l++)
				alignment_aggregate(x->out[i].score[m] + (size_t)l * (size_t)x->in[i].tokens, &x->in[i].pieces,
				                    x->piece[m][i] + (size_t)l * (size_t)x->in[i].pieces.pieces,
				                    m == METHOD_KEPT ? AGGREGATE_MAX : x->options.aggregation);
}

static int run(struct explainer *x, struct err *e)
{
	int code = 0;
	for (int i = 0; i < x->count && !code; i++)
		code = open_explanation(x, i, e);
	if (!code)
		code = list_windows(x, e);
	if (!code)
		code = explain_look(x, EXPLAIN_ADAPTED, e);
	if (!code)
		code = explain_look(x, EXPLAIN_DENSE, e);
	if (!code && explain_wants(x, METHOD_BIT(LEAVE_ONE_OUT)))
		code = explain_leave_out(x, e);
	if (!code && x->trainer)
		code = explain_differentiate(x, e);
	if (code)
		return code;
	draw_random(x);
	aggregate(x);
	return 0;
}

int explainer_run(struct explainer *x, const struct instance *in, int count, struct explanation *out, struct err *e)
{
	int code = 0;
	x->in = in;
	x->out = out;
	x->count = count;
	memset(out, 0, (size_t)count * sizeof *out);
	for (int m = 0; m < METHOD_COUNT && !code; m++)
		if (!(x->piece[m] = calloc((size_t)count, sizeof *x->piece[m])))
			code = err_set(e, ERR_MEMORY, "out of memory for %d explanations", count);
	if (!code)
		code = run(x, e);
	for (int m = 0; m < METHOD_COUNT; m++) {
		for (int i = 0; i < count && x->piece[m]; i++)
			free(x->piece[m][i]);
		free(x->piece[m]);
		x->piece[m] = NULL;
	}
	for (int i = 0; i < count && code; i++)
		explanation_close(&out[i]);
	return code;
}
