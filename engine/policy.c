/* Policies as rows of a table: scorer x selector x site x fate, and the parser of "name:key=value,...". */
#include "policy.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = sizeof((struct policy *)0)->value / sizeof(double), WORD_SIZE = 512 };

/* ---- selectors ------------------------------------------------------------------------------------------------ */

static void keep_all(const struct selection *in, unsigned char *keep) { memset(keep, 1, (size_t)in->n); }

/* s_i >= eta_l / n: method.md, "Forward, hard removal". A score that is the threshold in exact arithmetic (1/n at eta 1,
 * which training saturates at) must not die of its rounding, hence the slack of 1e-6. */
static void keep_share(const struct selection *in, unsigned char *keep)
{
	double eta = policy_value(in->policy, in->layer, in->eta) * in->policy->eta_scale;
	for (int i = 0; i < in->n; i++)
		keep[i] = (double)in->score[i] * in->n >= eta * (1 - 1e-6);
}

static void keep_threshold(const struct selection *in, unsigned char *keep)
{
	double threshold = policy_value(in->policy, in->layer, 0);
	for (int i = 0; i < in->n; i++)
		keep[i] = (double)in->score[i] >= threshold;
}

static void swap(float *a, float *b)
{
	float t = *a;
	*a = *b;
	*b = t;
}

/* The k-th largest (k from 1) of v [n], which is reordered. Quickselect: nothing is allocated in the hot path. */
static float kth_largest(float *v, int n, int k)
{
	int low = 0, high = n - 1;
	while (low < high) {
		float pivot = v[low + (high - low) / 2];
		int i = low, j = high;
		while (i <= j) {
			while (v[i] > pivot)
				i++;
			while (v[j] < pivot)
				j--;
			if (i <= j)
				swap(&v[i++], &v[j--]);
		}
		if (k - 1 <= j)
			high = j;
		else if (k - 1 >= i)
			low = i;
		else
			break;
	}
	return v[k - 1];
}

/* The k best rows, [CLS] among them whatever its score; ties go to the earlier row. */
static void keep_best(const struct selection *in, int k, unsigned char *keep)
{
	int others = in->n - 1;
	k = k < 1 ? 0 : k - 1;
	keep[0] = 1;
	if (k >= others || k == 0) {
		memset(keep + 1, k != 0, (size_t)others);
		return;
	}
	memcpy(in->scratch, in->score + 1, (size_t)others * sizeof(float));
	float least = kth_largest(in->scratch, others, k);
	int above = 0;
	for (int i = 1; i <= others; i++)
		above += in->score[i] > least;
	int ties = k - above;
	for (int i = 1; i <= others; i++)
		keep[i] = in->score[i] > least || (in->score[i] == least && ties-- > 0);
}

/* Fractions are of the length at the start, so a schedule says how many rows a layer sees. The 1e-9 keeps 0.1 * 30,
 * which is above 3 in binary, at 3. */
static void keep_fraction(const struct selection *in, unsigned char *keep)
{
	double rows = ceil(policy_value(in->policy, in->layer, 1) * in->n0 - 1e-9);
	keep_best(in, (int)rows, keep);
}

static void keep_top(const struct selection *in, unsigned char *keep)
{
	keep_best(in, (int)policy_value(in->policy, in->layer, in->n), keep);
}

static void keep_count(const struct selection *in, unsigned char *keep) { keep_best(in, in->count, keep); }

enum { SELECT_ALL, SELECT_SHARE, SELECT_KEEP, SELECT_TOP, SELECT_THRESHOLD, SELECT_REPLAY, SELECTORS };

static const struct selector selectors[SELECTORS] = {
	[SELECT_ALL] = {"all", 0, 0, 0, "drop nothing", keep_all},
	[SELECT_SHARE] = {"eta", 0, 0, 1e9, "drop rows whose score is below eta / rows (default: the model's eta)",
                      keep_share},
	[SELECT_KEEP] = {"keep", 0, 0, 1, "keep this share of the length at the start", keep_fraction},
	[SELECT_TOP] = {"top", 0, 1, 1e9, "keep this many rows", keep_top},
	[SELECT_THRESHOLD] = {"threshold", 0, -1e30, 1e30, "drop rows whose score is below", keep_threshold},
	[SELECT_REPLAY] = {"replay", NEED_COUNTS, 0, 0, "keep as many rows as the batch's counts say", keep_count},
};

/* ---- scorers and policies ------------------------------------------------------------------------------------- */

static const struct scorer no_scorer = {"none", 0, NULL};
static const struct scorer predictor_scorer = {"cp", NEED_PREDICTORS, score_predictor};
static const struct scorer received_scorer = {"received", NEED_ATTENTION, score_received};
static const struct scorer from_cls_scorer = {"from-cls", NEED_ATTENTION, score_from_cls};
static const struct scorer given_scorer = {"given", NEED_GIVEN, score_given};
static const struct scorer random_scorer = {"random", 0, score_random};

struct row {
	const char *name;
	const struct scorer *scorer;
	int selector;
	enum site site;
	enum fate fate;
	double value; /* the selector's default; NAN: the model's eta; below 0: must be given */
	const char *summary;
};

static const struct row rows[] = {
	{"none", &no_scorer, SELECT_ALL, SITE_BEFORE_LAYER, FATE_DISCARD, NAN, "dense: nothing is dropped"},
	{"adapler", &predictor_scorer, SELECT_SHARE, SITE_BEFORE_LAYER, FATE_DISCARD, NAN,
     "contribution predictors with their trained thresholds (AdapLeR)"},
	{"attention", &received_scorer, SELECT_KEEP, SITE_AFTER_ATTENTION, FATE_DISCARD, 0.5,
     "attention received, mean over heads and queries"},
	{"attention-cls", &from_cls_scorer, SELECT_KEEP, SITE_AFTER_ATTENTION, FATE_DISCARD, 0.5,
     "[CLS]'s attention, mean over heads"},
	{"saliency", &given_scorer, SELECT_KEEP, SITE_BEFORE_LAYER, FATE_DISCARD, 0.5, "scores given with the input"},
	{"random", &random_scorer, SELECT_KEEP, SITE_BEFORE_LAYER, FATE_DISCARD, 0.5, "random scores, from the seed"},
	{"power-bert", &received_scorer, SELECT_KEEP, SITE_AFTER_ATTENTION, FATE_DISCARD, -1,
     "PoWER-BERT: attention received, a fixed schedule"},
	{"ltp", &received_scorer, SELECT_THRESHOLD, SITE_AFTER_ATTENTION, FATE_DISCARD, -1,
     "LTP: attention received, a threshold by layer"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

const char *policy_name(int i) { return i >= 0 && i < ROWS ? rows[i].name : NULL; }

static const struct row *find_row(const char *name)
{
	for (int i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const char *policy_summary(const char *name)
{
	const struct row *r = find_row(name);
	return r ? r->summary : NULL;
}

unsigned policy_needs(const struct policy *p) { return p->scorer->needs | p->selector->needs; }

int policy_drops(const struct policy *p) { return p->scorer->run != NULL && !(p->soft_lambda > 0); }

int policy_sees_all_queries(const struct policy *p, int layer)
{
	return policy_drops(p) && p->site == SITE_AFTER_ATTENTION && (p->scorer->needs & NEED_ATTENTION) &&
	       layer >= p->first_layer;
}

double policy_value(const struct policy *p, int layer, double otherwise)
{
	if (p->values == 0)
		return otherwise;
	return p->value[layer < p->values ? layer : p->values - 1];
}

/* ---- parsing -------------------------------------------------------------------------------------------------- */

static int parse_number(double *out, const char *text, const char *key, const struct policy *p, struct err *e)
{
	char *end;
	errno = 0;
	*out = strtod(text, &end);
	if (end == text || *end || errno || !isfinite(*out))
		return err_set(e, ERR_USAGE, "'%s' is not a number in argument '%s' of policy '%s'", text, key, p->name);
	return 0;
}

static int parse_values(struct policy *p, const struct selector *s, char *list, struct err *e)
{
	p->selector = s;
	p->values = 0;
	if (s->needs & NEED_COUNTS)
		return list ? err_set(e, ERR_USAGE, "argument '%s' of policy '%s' takes no value", s->name, p->name) : 0;
	char *rest = list;
	for (char *word; (word = strsep(&rest, "/"));) {
		double v;
		if (p->values == VALUES_MAX)
			return err_set(e, ERR_USAGE, "more than %d values in argument '%s' of policy '%s'", VALUES_MAX, s->name,
			               p->name);
		if (parse_number(&v, word, s->name, p, e))
			return e ? e->code : ERR_USAGE;
		if (v < s->low || v > s->high)
			return err_set(e, ERR_USAGE, "%s=%s of policy '%s' is outside [%g, %g]", s->name, word, p->name, s->low,
			               s->high);
		if (s == &selectors[SELECT_TOP] && v != floor(v))
			return err_set(e, ERR_USAGE, "top=%s of policy '%s' is not a number of rows", word, p->name);
		p->value[p->values++] = v;
	}
	return 0;
}

static int parse_word(int *out, const char *value, const char *key, const char *const words[2], const struct policy *p,
                      struct err *e)
{
	for (int i = 0; i < 2; i++)
		if (strcmp(value, words[i]) == 0) {
			*out = i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "'%s' is not a value of '%s' of policy '%s' (known: %s, %s)", value, key, p->name,
	               words[0], words[1]);
}

static const char *const site_words[] = {"before", "after"};
static const char *const fate_words[] = {"discard", "carry"};

enum { SCALAR_SCALE, SCALAR_LAMBDA, SCALAR_FIRST, SCALAR_SEED, SCALARS };
static const struct {
	const char *key;
	double low, high;
	int is_integer;
	const char *help;
} scalars[SCALARS] = {
	[SCALAR_SCALE] = {"scale", 0, 1e9, 0, "multiply the thresholds of eta"},
	[SCALAR_LAMBDA] = {"lambda", 1e-9, 1e30, 0, "remove softly, as in training (adapler only)"},
	[SCALAR_FIRST] = {"first", 0, 1e6, 1, "drop nothing before this layer"},
	[SCALAR_SEED] = {"seed", 0, 9e15, 1, "of the random scores"},
};

static int unknown_argument(const struct policy *p, const char *key, struct err *e)
{
	const char *known[SELECTORS + SCALARS + 2] = {"site", "fate"};
	char hint[256];
	int count = 2;
	for (int i = 1; i < SELECTORS; i++)
		known[count++] = selectors[i].name;
	for (int i = 0; i < SCALARS; i++)
		known[count++] = scalars[i].key;
	known[count] = NULL;
	err_suggest(hint, sizeof hint, key, known);
	return err_set(e, ERR_USAGE, "policy '%s' has no argument '%s'%s", p->name, key, hint);
}

static int parse_scalar(struct policy *p, const char *key, const char *value, struct err *e)
{
	double v;
	int i = 0;
	while (i < SCALARS && strcmp(scalars[i].key, key) != 0)
		i++;
	if (i == SCALARS)
		return unknown_argument(p, key, e);
	if (parse_number(&v, value, key, p, e))
		return ERR_USAGE;
	if (v < scalars[i].low || v > scalars[i].high || (scalars[i].is_integer && v != floor(v)))
		return err_set(e, ERR_USAGE, "%s=%s of policy '%s' is not %s in [%g, %g]", key, value, p->name,
		               scalars[i].is_integer ? "an integer" : "a number", scalars[i].low, scalars[i].high);
	switch (i) {
	case SCALAR_SCALE: p->eta_scale = v; break;
	case SCALAR_LAMBDA: p->soft_lambda = v; break;
	case SCALAR_FIRST: p->first_layer = (int)v; break;
	default: p->seed = (uint64_t)v; break;
	}
	return 0;
}

static int parse_argument(struct policy *p, char *argument, int *is_selected, struct err *e)
{
	char *value = argument, *key = strsep(&value, "=");
	int is_after = p->site, is_carry = p->fate, code = 0;
	for (int i = 1; i < SELECTORS; i++)
		if (strcmp(selectors[i].name, key) == 0) {
			if (!value && !(selectors[i].needs & NEED_COUNTS))
				return err_set(e, ERR_USAGE, "argument '%s' of policy '%s' needs a value", key, p->name);
			if ((*is_selected)++)
				return err_set(e, ERR_USAGE,
				               "policy '%s' takes one of eta, keep, top, threshold, replay, found '%s' too", p->name,
				               key);
			return parse_values(p, &selectors[i], value, e);
		}
	const char *given = value ? value : "";
	if (strcmp(key, "site") == 0)
		code = parse_word(&is_after, given, key, site_words, p, e);
	else if (strcmp(key, "fate") == 0)
		code = parse_word(&is_carry, given, key, fate_words, p, e);
	else
		code = parse_scalar(p, key, given, e);
	p->site = (enum site)is_after;
	p->fate = (enum fate)is_carry;
	return code;
}

static int check_combination(const struct policy *p, const struct row *r, struct err *e)
{
	int is_predictor = p->scorer == &predictor_scorer;
	int is_share = p->selector == &selectors[SELECT_SHARE];
	if (!p->scorer->run && p->selector != &selectors[SELECT_ALL])
		return err_set(e, ERR_USAGE, "policy 'none' drops nothing and has no argument '%s'", p->selector->name);
	if (r->value < 0 && p->values == 0 && p->selector == &selectors[r->selector])
		return err_set(e, ERR_USAGE, "policy '%s' needs %s=...", p->name, p->selector->name);
	if (is_share && !is_predictor && p->values == 0)
		return err_set(e, ERR_USAGE, "policy '%s' needs values for 'eta'", p->name);
	if (is_predictor && p->site != SITE_BEFORE_LAYER)
		return err_set(e, ERR_USAGE,
		               "contribution predictors score a layer's input: site=after is not defined for '%s'", p->name);
	if (p->soft_lambda > 0 && !(is_predictor && is_share))
		return err_set(e, ERR_USAGE, "soft removal (lambda) is defined for policy 'adapler' only, not for '%s'",
		               p->name);
	return 0;
}

/* The shortest decimal that reads back as the same number. */
static const char *shortest(char out[32], double value)
{
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(out, 32, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			break;
	}
	return out;
}

/* Adds ",key=value" (":" before the first); policy.text has room for all the values there can be. */
static void add_argument(struct policy *p, const char *key, const char *value)
{
	size_t used = strlen(p->text);
	snprintf(p->text + used, sizeof p->text - used, "%c%s%s%s", strchr(p->text, ':') ? ',' : ':', key, value ? "=" : "",
	         value ? value : "");
}

static void add_values(struct policy *p)
{
	char number[32];
	while (p->values > 1 && p->value[p->values - 1] == p->value[p->values - 2])
		p->values--;
	add_argument(p, p->selector->name, p->values ? shortest(number, p->value[0]) : NULL);
	for (int i = 1; i < p->values; i++) {
		size_t used = strlen(p->text);
		snprintf(p->text + used, sizeof p->text - used, "/%s", shortest(number, p->value[i]));
	}
}

/* The canonical spelling: defaults left out, so that equal behaviour has one name. */
static void write_text(struct policy *p, const struct row *r)
{
	char number[32];
	snprintf(p->text, sizeof p->text, "%s", p->name);
	if (p->values > 0 || p->selector != &selectors[r->selector])
		add_values(p);
	if (p->eta_scale != 1)
		add_argument(p, "scale", shortest(number, p->eta_scale));
	if (p->soft_lambda > 0)
		add_argument(p, "lambda", shortest(number, p->soft_lambda));
	if (p->first_layer)
		add_argument(p, "first", shortest(number, p->first_layer));
	if (p->seed)
		add_argument(p, "seed", shortest(number, (double)p->seed));
	if (p->site != r->site)
		add_argument(p, "site", site_words[p->site]);
	if (p->fate != r->fate)
		add_argument(p, "fate", fate_words[p->fate]);
}

static void set_defaults(struct policy *p, const struct row *r)
{
	memset(p, 0, sizeof *p);
	p->name = r->name;
	p->scorer = r->scorer;
	p->selector = &selectors[r->selector];
	p->site = r->site;
	p->fate = r->fate;
	p->eta_scale = 1;
	if (r->value >= 0) {
		p->values = 1;
		p->value[0] = r->value;
	}
}

int policy_parse(struct policy *p, const char *text, struct err *e)
{
	char copy[WORD_SIZE];
	if (strlen(text) >= sizeof copy)
		return err_set(e, ERR_USAGE, "a policy of more than %d characters", WORD_SIZE - 1);
	strcpy(copy, text);
	char *arguments = copy, *name = strsep(&arguments, ":");
	const struct row *r = find_row(name);
	if (!r) {
		char hint[512];
		const char *names[ROWS + 1];
		for (int i = 0; i <= ROWS; i++)
			names[i] = policy_name(i);
		err_suggest(hint, sizeof hint, name, names);
		return err_set(e, ERR_USAGE, "unknown policy '%s'%s", name, hint);
	}
	set_defaults(p, r);
	int is_selected = 0;
	for (char *word; (word = strsep(&arguments, ","));) {
		struct err local = {0};
		int code = parse_argument(p, word, &is_selected, &local);
		if (code)
			return err_set(e, code, "%s", local.text);
	}
	int code = check_combination(p, r, e);
	if (code)
		return code;
	write_text(p, r);
	return 0;
}

void policy_describe(struct buf *out)
{
	buf_add_text(out, "policies:\n");
	for (int i = 0; i < ROWS; i++)
		buf_addf(out, "  %-15s %s\n", rows[i].name, rows[i].summary);
	buf_add_text(out,
	             "arguments, as in attention:keep=0.8/0.6/0.4,first=1 (a/b/c: a value a layer, the last holds on):\n");
	for (int i = 1; i < SELECTORS; i++)
		buf_addf(out, "  %-15s %s\n", selectors[i].name, selectors[i].help);
	for (int i = 0; i < SCALARS; i++)
		buf_addf(out, "  %-15s %s\n", scalars[i].key, scalars[i].help);
	buf_add_text(out,
	             "  site            before: prune a layer's input; after: prune between attention and feed-forward\n"
	             "  fate            discard the dropped, or carry their last state to the output\n");
}
