#include "baseline.h"

#include "datasets.h"
#include "hash.h"
#include "lbfgs.h"
#include "words.h"

#include "../engine/base/err.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sparse rows: those of sample i are [begin[i], begin[i+1]). */
struct rows {
	int count;
	size_t *begin;
	int *feature;
	float *value;
	size_t size, capacity;
};

struct baseline {
	int outputs; /* classes; 1 for regression */
	int is_regression;
	size_t features;
	struct hash_map index; /* feature's hash -> number */
	double *idf;           /* [features] */
	double *weight;        /* [outputs, features + 1]: the last is the bias */
	struct lbfgs_result result;
};

/* The features of one sample, each once. */
struct bag {
	struct words first, second;
	uint64_t *hash;
	size_t count, capacity;
};

/* ---- features -------------------------------------------------------------------------------------------------- */

enum { OF_TEXT = 1, OF_PAIR, OF_BOTH };

static int by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void add_grams(struct bag *bag, const struct words *w, uint64_t kind)
{
	for (int i = 0; i < w->count; i++) {
		uint64_t one = hash_mix(kind, w->hash[i]);
		bag->hash[bag->count++] = one;
		if (i + 1 < w->count)
			bag->hash[bag->count++] = hash_mix(one, w->hash[i + 1]);
	}
}

static void add_common(struct bag *bag)
{
	qsort(bag->first.hash, (size_t)bag->first.count, sizeof(uint64_t), by_hash);
	for (int i = 0; i < bag->second.count; i++)
		if (bsearch(&bag->second.hash[i], bag->first.hash, (size_t)bag->first.count, sizeof(uint64_t), by_hash))
			bag->hash[bag->count++] = hash_mix(OF_BOTH, bag->second.hash[i]);
}

static int reserve(struct bag *bag, struct err *e)
{
	size_t need = 2 * (size_t)bag->first.count + 3 * (size_t)bag->second.count;
	if (need <= bag->capacity)
		return 0;
	uint64_t *moved = realloc(bag->hash, 2 * need * sizeof *moved);
	if (!moved)
		return err_set(e, ERR_MEMORY, "out of memory for %zu features", need);
	bag->hash = moved;
	bag->capacity = 2 * need;
	return 0;
}

static int fill_bag(struct bag *bag, const struct sample *s, struct err *e)
{
	bag->count = 0;
	bag->second.count = 0;
	int code = words_of(&bag->first, s->text, s->text_size, e);
	if (!code && s->pair)
		code = words_of(&bag->second, s->pair, s->pair_size, e);
	if (!code)
		code = reserve(bag, e);
	if (code)
		return code;
	add_grams(bag, &bag->first, OF_TEXT);
	add_grams(bag, &bag->second, OF_PAIR);
	if (bag->second.count && bag->first.count)
		add_common(bag);
	if (!bag->count)
		return 0;
	qsort(bag->hash, bag->count, sizeof *bag->hash, by_hash);
	size_t kept = 1;
	for (size_t i = 1; i < bag->count; i++)
		if (bag->hash[i] != bag->hash[i - 1])
			bag->hash[kept++] = bag->hash[i];
	bag->count = kept;
	return 0;
}

static void bag_free(struct bag *bag)
{
	words_free(&bag->first);
	words_free(&bag->second);
	free(bag->hash);
}

static int is_labelled(const struct sample *s) { return s->label >= 0 || !isnan(s->value); }

static int count_samples(struct hash_map *counts, struct bag *bag, const struct dataset *d, struct err *e)
{
	int code = 0;
	for (int i = 0; i < d->count && !code; i++) {
		code = fill_bag(bag, &d->sample[i], e);
		for (size_t k = 0; k < bag->count && !code; k++)
			code = hash_map_set(counts, bag->hash[k], hash_map_get(counts, bag->hash[k], 0) + 1, e);
	}
	return code;
}

/* Numbers go out in the order of the training set, so that they do not depend on the table. */
static int number_features(struct baseline *b, const struct hash_map *counts, struct bag *bag, const struct dataset *d,
                           int least, struct err *e)
{
	int code = 0;
	b->idf = malloc((counts->count + 1) * sizeof *b->idf);
	if (!b->idf)
		return err_set(e, ERR_MEMORY, "out of memory for %zu features", counts->count);
	for (int i = 0; i < d->count && !code; i++) {
		code = fill_bag(bag, &d->sample[i], e);
		for (size_t k = 0; k < bag->count && !code; k++) {
			int64_t times = hash_map_get(counts, bag->hash[k], 0);
			if (times < least || hash_map_get(&b->index, bag->hash[k], -1) >= 0)
				continue;
			b->idf[b->features] = log((double)d->count / (double)times) + 1;
			code = hash_map_set(&b->index, bag->hash[k], (int64_t)b->features++, e);
		}
	}
	return code;
}

static int add_value(struct rows *r, int feature, double value, struct err *e)
{
	if (r->size == r->capacity) {
		size_t larger = r->capacity ? r->capacity * 2 : 1 << 16;
		int *features = realloc(r->feature, larger * sizeof *features);
		r->feature = features ? features : r->feature;
		float *values = realloc(r->value, larger * sizeof *values);
		r->value = values ? values : r->value;
		if (!features || !values)
			return err_set(e, ERR_MEMORY, "out of memory for %zu features", larger);
		r->capacity = larger;
		/* cppcheck-suppress memleak ; what was moved is kept */
	}
	r->feature[r->size] = feature;
	r->value[r->size++] = (float)value;
	return 0;
}

static int add_row(struct rows *r, const struct baseline *b, const struct bag *bag, struct err *e)
{
	double square = 0;
	int code = 0;
	size_t begin = r->size;
	for (size_t k = 0; k < bag->count && !code; k++) {
		int64_t feature = hash_map_get(&b->index, bag->hash[k], -1);
		if (feature < 0)
			continue;
		square += b->idf[feature] * b->idf[feature];
		code = add_value(r, (int)feature, b->idf[feature], e);
	}
	for (size_t k = begin; k < r->size; k++)
		r->value[k] = (float)(r->value[k] / sqrt(square));
	r->begin[++r->count] = r->size;
	return code;
}

static int make_rows(struct rows *r, const struct baseline *b, const struct dataset *d, struct err *e)
{
	struct bag bag = {0};
	int code = 0;
	r->begin = calloc((size_t)d->count + 1, sizeof *r->begin);
	if (!r->begin)
		return err_set(e, ERR_MEMORY, "out of memory for %d samples", d->count);
	for (int i = 0; i < d->count && !code; i++) {
		code = fill_bag(&bag, &d->sample[i], e);
		if (!code)
			code = add_row(r, b, &bag, e);
	}
	bag_free(&bag);
	return code;
}

static void rows_free(struct rows *r)
{
	free(r->begin);
	free(r->feature);
	free(r->value);
}

/* ---- learning -------------------------------------------------------------------------------------------------- */

struct problem {
	const struct baseline *b;
	const struct dataset *d;
	const struct rows *r;
	double l2;
	double *out; /* [outputs] */
};

static void outputs_of(double *out, const struct baseline *b, const double *weight, const struct rows *r, int i)
{
	size_t stride = b->features + 1;
	for (int c = 0; c < b->outputs; c++) {
		const double *w = weight + (size_t)c * stride;
		double sum = w[b->features];
		for (size_t k = r->begin[i]; k < r->begin[i + 1]; k++)
			sum += w[r->feature[k]] * (double)r->value[k];
		out[c] = sum;
	}
}

/* out = exp(out - max) / sum; returns log(sum) + max. */
static double softmax(double *out, int n)
{
	double top = out[0], sum = 0;
	for (int c = 1; c < n; c++)
		top = out[c] > top ? out[c] : top;
	for (int c = 0; c < n; c++)
		sum += out[c] = exp(out[c] - top);
	for (int c = 0; c < n; c++)
		out[c] /= sum;
	/* cppcheck-suppress invalidFunctionArg ; n > 0 */
	return log(sum) + top;
}

/* The loss of one sample; `out` becomes its derivative by the outputs. */
static double loss_of(double *out, const struct baseline *b, const struct sample *s)
{
	if (b->is_regression) {
		out[0] -= s->value;
		return out[0] * out[0] / 2;
	}
	double gold = out[s->label], loss = softmax(out, b->outputs) - gold;
	out[s->label] -= 1;
	return loss;
}

static double objective(void *context, const double *w, double *g, size_t n)
{
	const struct problem *p = context;
	const struct baseline *b = p->b;
	size_t stride = b->features + 1;
	double share = 1.0 / p->d->labelled, loss = 0, square = 0;
	for (size_t i = 0; i < n; i++) {
		int is_bias = i % stride == b->features;
		g[i] = is_bias ? 0 : p->l2 * w[i];
		square += is_bias ? 0 : w[i] * w[i];
	}
	for (int i = 0; i < p->d->count; i++) {
		if (!is_labelled(&p->d->sample[i]))
			continue;
		outputs_of(p->out, b, w, p->r, i);
		loss += loss_of(p->out, b, &p->d->sample[i]);
		for (int c = 0; c < b->outputs; c++) {
			double *to = g + (size_t)c * stride, scale = p->out[c] * share;
			to[b->features] += scale;
			for (size_t k = p->r->begin[i]; k < p->r->begin[i + 1]; k++)
				to[p->r->feature[k]] += scale * (double)p->r->value[k];
		}
	}
	return loss * share + p->l2 / 2 * square;
}

static int find_features(struct baseline *b, const struct dataset *d, int least, struct err *e)
{
	struct hash_map counts = {0};
	struct bag bag = {0};
	int code = count_samples(&counts, &bag, d, e);
	if (!code)
		code = number_features(b, &counts, &bag, d, least, e);
	if (!code && b->features >= INT_MAX)
		code = err_set(e, ERR_LIMIT, "more than %d features", INT_MAX);
	bag_free(&bag);
	hash_map_free(&counts);
	return code;
}

static int learn(struct baseline *b, const struct dataset *d, const struct baseline_options *o, struct err *e)
{
	struct rows rows = {0};
	struct problem p = {b, d, &rows, o->l2 > 0 ? o->l2 : 5e-6, NULL};
	/* A hundredth of the default precision moves no accuracy here by more than a sample or two. */
	struct lbfgs_options how = {.iterations = o->iterations, .tolerance = 1e-3, .stop = o->stop};
	size_t n = (size_t)b->outputs * (b->features + 1);
	b->weight = calloc(n, sizeof *b->weight);
	p.out = calloc((size_t)b->outputs, sizeof *p.out);
	int code =
		b->weight && p.out ? make_rows(&rows, b, d, e) : err_set(e, ERR_MEMORY, "out of memory for %zu weights", n);
	if (!code)
		code = lbfgs_minimise(b->weight, n, objective, &p, &how, &b->result, e);
	rows_free(&rows);
	free(p.out);
	return code;
}

int baseline_open(struct baseline **out, const struct dataset *train, const struct baseline_options *o, struct err *e)
{
	*out = NULL;
	if (!train->labelled)
		return err_set(e, ERR_FORMAT, "no labels to learn from in the %s split of task '%s'", split_name(train->split),
		               train->task->name);
	struct baseline *b = calloc(1, sizeof *b);
	if (!b)
		return err_set(e, ERR_MEMORY, "out of memory");
	o = o ? o : &(struct baseline_options){0};
	b->is_regression = !train->classes;
	b->outputs = train->classes ? train->classes : 1;
	int code = find_features(b, train, o->least ? o->least : 2, e);
	if (!code)
		code = learn(b, train, o, e);
	if (code)
		baseline_close(b);
	else
		*out = b;
	return code;
}

size_t baseline_features(const struct baseline *b) { return b->features; }

int baseline_iterations(const struct baseline *b) { return b->result.iterations; }

int baseline_predict(const struct baseline *b, const struct dataset *d, double *out, struct err *e)
{
	struct rows rows = {0};
	int code = make_rows(&rows, b, d, e);
	for (int i = 0; i < d->count && !code; i++) {
		double *row = out + (size_t)i * (size_t)b->outputs;
		outputs_of(row, b, b->weight, &rows, i);
		if (!b->is_regression)
			softmax(row, b->outputs);
	}
	rows_free(&rows);
	return code;
}

void baseline_close(struct baseline *b)
{
	if (!b)
		return;
	hash_map_free(&b->index);
	free(b->idf);
	free(b->weight);
	free(b);
}

/* ---- without looking at the text ------------------------------------------------------------------------------- */

int baseline_majority(const struct dataset *train)
{
	int best = 0, most = -1;
	for (int c = 0; c < train->classes; c++) {
		int count = 0;
		for (int i = 0; i < train->count; i++)
			count += train->sample[i].label == c;
		if (count > most) {
			most = count;
			best = c;
		}
	}
	return best;
}

double baseline_mean(const struct dataset *train)
{
	double sum = 0;
	int count = 0;
	for (int i = 0; i < train->count; i++) {
		if (isnan(train->sample[i].value))
			continue;
		sum += train->sample[i].value;
		count++;
	}
	return count ? sum / count : NAN;
}
