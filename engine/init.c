#include "init.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t count_of(const struct weight_info *info) { return info->rows * (info->columns ? info->columns : 1); }

static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && !strcmp(text + n - m, end);
}

static void fill(float *out, float value, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		out[i] = value;
}

void init_tensor(float *out, const struct weight_info *info, const struct config *c, uint64_t seed)
{
	int64_t count = count_of(info);
	if (!info->columns) {
		int is_one = ends_with(info->name, ".weight") || !strcmp(info->name, "adapler.theta");
		fill(out, !strcmp(info->name, "adapler.eta") ? 0.25f : is_one ? 1 : 0, count);
		return;
	}
	uint64_t stream = rng_stream(info->name);
	for (int64_t i = 0; i < count; i++)
		out[i] = (float)(c->initializer_range * rng_normal(seed, stream, (uint64_t)i));
	if (ends_with(info->name, "word_embeddings.weight"))
		fill(out + (int64_t)c->pad_id * info->columns, 0, info->columns);
}

void init_sinusoids(float *out, const struct config *c)
{
	const double size = c->initializer_range * sqrt(2);
	for (int p = 0; p < c->P; p++)
		for (int h = 0; h < c->H; h++) {
			const double angle = p / pow(10000, (double)(h / 2 * 2) / c->H);
			out[(size_t)p * (size_t)c->H + (size_t)h] = (float)(size * (h % 2 ? cos(angle) : sin(angle)));
		}
}

struct fresh {
	const struct config *c;
	uint64_t seed;
	enum init_positions positions;
	enum dtype dtype;
	struct tensor_source *tensors; /* NULL while counting */
	char (*names)[TENSOR_NAME_SIZE];
	float *values;
	int count;
	int64_t used;
};

static int add(const struct weight_info *info, void *arg)
{
	struct fresh *f = arg;
	if (f->tensors) {
		float *values = f->values + f->used;
		snprintf(f->names[f->count], sizeof f->names[0], "%s", info->name);
		f->tensors[f->count] = (struct tensor_source){.name = f->names[f->count],
		                                              .dtype = f->dtype,
		                                              .rank = info->columns ? 2 : 1,
		                                              .shape = {info->rows, info->columns},
		                                              .values = values};
		init_tensor(values, info, f->c, f->seed);
		if (f->positions == POSITIONS_SINUSOID && ends_with(info->name, "position_embeddings.weight"))
			init_sinusoids(values, f->c);
	}
	f->count++;
	f->used += count_of(info);
	return 0;
}

int init_write(const struct config *c, uint64_t seed, enum init_positions positions, enum dtype d, const char *path,
               struct err *e)
{
	struct fresh f = {.c = c, .seed = seed, .positions = positions, .dtype = d};
	weights_visit(NULL, c, GROUPS_CLASSIFIER, add, &f);
	f.tensors = calloc((size_t)f.count, sizeof *f.tensors);
	f.names = calloc((size_t)f.count, sizeof *f.names);
	f.values = malloc((size_t)f.used * sizeof *f.values);
	int code = 0;
	if (!f.tensors || !f.names || !f.values)
		code = err_set(e, ERR_MEMORY, "out of memory: %lld parameters for '%s'", (long long)f.used, path);
	f.count = 0;
	f.used = 0;
	if (!code) {
		weights_visit(NULL, c, GROUPS_CLASSIFIER, add, &f);
		code = checkpoint_write(path, f.tensors, f.count, e);
	}
	free(f.tensors);
	free(f.names);
	free(f.values);
	return code;
}
