#include "parameters.h"

#include <string.h>

/* Where the next tensor goes, counted in floats; the block itself is NULL while measuring. */
struct placing {
	const struct config *c;
	unsigned groups;
	float *values;
	size_t used;
};

static float *place(struct placing *p, enum weight_group group, int64_t rows, int64_t columns)
{
	const int is_absent = rows == 0 || !(p->groups & 1u << group) || (group == GROUP_PREDICTORS && !p->c->K);
	if (is_absent)
		return NULL;
	float *tensor = p->values ? p->values + p->used : NULL;
	p->used += ((size_t)rows * (size_t)(columns ? columns : 1) + 15) / 16 * 16;
	return tensor;
}

static void place_all(struct parameters *out, struct placing *p)
{
	const struct config *c = p->c;
	const int64_t V = c->V, P = c->P, H = c->H, F = c->F, L = c->L, C = c->C, K = c->K;
	const int64_t types = c->family == FAMILY_BERT ? c->types : 0;
	p->used = 0;
#define MODEL_TENSOR(field, bert, distil, rows, columns, group) out->field = place(p, GROUP_##group, rows, columns);
#include "weights.def"
	for (int l = 0; l < c->L; l++) {
		struct layer_parameters unplaced = {0}, *layer = out->layer ? &out->layer[l] : &unplaced;
#define LAYER_TENSOR(field, bert, distil, rows, columns, group) layer->field = place(p, GROUP_##group, rows, columns);
#include "weights.def"
	}
}

void parameters_place(struct parameters *out, const struct config *c, unsigned groups, struct arena *a)
{
	struct placing p = {.c = c, .groups = groups};
	out->layer = ARENA_TAKE(a, (size_t)c->L, struct layer_parameters);
	place_all(out, &p);
	out->count = p.used;
	out->values = p.values = ARENA_TAKE(a, out->count, float);
	if (out->values)
		place_all(out, &p);
}

void parameters_view(struct weights *w, struct layer_weights *layer, const struct parameters *p, const struct config *c)
{
	memset(w, 0, sizeof *w);
	w->layer = layer;
#define MODEL_TENSOR(field, bert, distil, rows, columns, group) w->field = p->field;
#include "weights.def"
	for (int l = 0; l < c->L; l++) {
#define LAYER_TENSOR(field, bert, distil, rows, columns, group) layer[l].field = p->layer[l].field;
#include "weights.def"
	}
}
