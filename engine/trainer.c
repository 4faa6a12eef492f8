/* Opening, planning and saving a trainer, and the batch that becomes micro-batches. */
#include "trainer.h"

#include "config.h"
#include "init.h"
#include "new_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_DEFAULT = 8192, CP_SIZE_DEFAULT = 32 };

/* ---- the model that is trained -------------------------------------------------------------------------------- */

static int is_mlm(const struct trainer *t) { return t->options.objective == OBJECTIVE_MLM; }

static int copy_labels(struct config *c, const struct trainer_options *o, const struct config *source, struct err *e)
{
	c->C = o->classes ? o->classes : source->C;
	c->labels = calloc((size_t)c->C, sizeof *c->labels);
	if (!c->labels)
		return err_set(e, ERR_MEMORY, "out of memory for %d labels", c->C);
	for (int i = 0; i < c->C; i++)
		if (o->labels)
			snprintf(c->labels[i], LABEL_SIZE, "%s", o->labels[i]);
		else if (c->C == source->C && source->labels)
			memcpy(c->labels[i], source->labels[i], LABEL_SIZE);
		else
			snprintf(c->labels[i], LABEL_SIZE, "LABEL_%d", i);
	return 0;
}

static int has_same_labels(const struct config *a, const struct config *b)
{
	if (a->C != b->C || !b->labels)
		return 0;
	for (int i = 0; i < a->C; i++)
		if (strcmp(a->labels[i], b->labels[i]) != 0)
			return 0;
	return 1;
}

struct filling {
	const struct config *c;
	const struct checkpoint *file;
	uint64_t seed;
	int keeps_head;
};

static int is_classifier(const char *name) { return !strncmp(name, "classifier.", 11); }

static int has_shape(const struct tensor *t, const struct weight_info *info)
{
	return t->shape[0] == info->rows && t->rank == (info->columns ? 2 : 1) &&
	       (!info->columns || t->shape[1] == info->columns);
}

/* From the checkpoint where it has the tensor, else drawn. */
static int fill(const struct weight_info *info, void *arg)
{
	const struct filling *f = arg;
	float *to = (float *)(uintptr_t)*info->slot;
	const struct tensor *t = f->file ? weights_find(f->file, info->name) : NULL;
	if (!to)
		return 0;
	if (t && has_shape(t, info) && (f->keeps_head || !is_classifier(info->name)))
		tensor_to_float(to, t, 0, t->count);
	else
		init_tensor(to, info, f->c, f->seed);
	return 0;
}

/* config.json and weights, checked as a whole before anything is allocated. */
static int open_source(struct weights *w, struct config *c, const char *dir, struct err *e)
{
	const unsigned groups = 1u << GROUP_EMBEDDINGS | 1u << GROUP_TYPES | 1u << GROUP_ENCODER;
	int code = config_read(c, dir, e);
	if (code)
		return code;
	code = weights_open(w, c, dir, groups, e);
	if (code)
		config_free(c);
	return code;
}

/* ---- the workspace -------------------------------------------------------------------------------------------- */

static void place_adapler_layer(struct trainer *t, int layer, struct arena *a)
{
	struct train_layer unplaced, *l = t->layer ? &t->layer[layer] : &unplaced;
	const size_t T = t->max_rows, B = t->max_sequences;
	l->predictor = ARENA_TAKE(a, T * t->k_stride, float);
	l->probability = ARENA_TAKE(a, T, double);
	l->score = ARENA_TAKE(a, T, double);
	l->mask = ARENA_TAKE(a, T, double);
	l->bias = ARENA_TAKE(a, T, double);
	l->length = ARENA_TAKE(a, B, double);
	l->loss_mask = ARENA_TAKE(a, T, double);
	l->loss_length = ARENA_TAKE(a, B, double);
	l->key_bias = ARENA_TAKE(a, T, float);
}

static void place_layer(struct trainer *t, int layer, struct arena *a)
{
	struct train_layer unplaced, *l = t->layer ? &t->layer[layer] : &unplaced;
	const int is_narrow = train_is_narrow(t, layer);
	const size_t T = t->max_rows, R = is_narrow ? t->max_sequences : T, H = t->h_stride;
	l->x = ARENA_TAKE(a, T * H, float);
	if (is_narrow)
		l->first = ARENA_TAKE(a, R * H, float);
	l->query = ARENA_TAKE(a, R * H, float);
	l->key_value = ARENA_TAKE(a, T * t->kv_stride, float);
	l->context = ARENA_TAKE(a, R * H, float);
	l->lse = ARENA_TAKE(a, (size_t)t->config.A * R, float);
	l->sum1 = ARENA_TAKE(a, R * H, float);
	l->middle = ARENA_TAKE(a, R * H, float);
	l->inner = ARENA_TAKE(a, R * t->f_stride, float);
	l->sum2 = ARENA_TAKE(a, R * H, float);
	if (drop_hidden(t).threshold) {
		l->bits1 = ARENA_TAKE(a, R * (size_t)mask_words(t->config.H), uint16_t);
		l->bits2 = ARENA_TAKE(a, R * (size_t)mask_words(t->config.H), uint16_t);
	}
	if (drop_attention(t).threshold)
		l->attention_bits = ARENA_TAKE(a, R * (size_t)t->config.A * t->max_words, uint16_t);
	if (t->options.adapler)
		place_adapler_layer(t, layer, a);
}

static void place_gradients(struct trainer *t, struct arena *a)
{
	struct train_gradients *d = &t->d;
	const size_t T = t->max_rows, H = t->h_stride;
	float **const rows[] = {&d->x, &d->sum2, &d->output2, &d->sum1, &d->output1, &d->context, &d->query};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		*rows[i] = ARENA_TAKE(a, T * H, float);
	d->inner = ARENA_TAKE(a, T * t->f_stride, float);
	d->active = ARENA_TAKE(a, T * t->f_stride, float);
	d->key_value = ARENA_TAKE(a, T * t->kv_stride, float);
	for (int i = 0; i < 2; i++)
		d->norm_partial[i] = ARENA_TAKE(a, (T / TRAIN_BLOCK_LEAST + 1) * 2 * H, float);
	if (!t->options.adapler)
		return;
	d->head_bias = ARENA_TAKE(a, (size_t)t->config.A * T, float);
	d->predictor = ARENA_TAKE(a, T * t->k_stride, float);
	d->predictor_active = ARENA_TAKE(a, T * t->k_stride, float);
	d->score = ARENA_TAKE(a, T, float);
	double **const wide[] = {&d->mask, &d->bias, &d->loss_mask, &d->soft_score, &d->scratch};
	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		*wide[i] = ARENA_TAKE(a, T, double);
	d->length = ARENA_TAKE(a, t->max_sequences, double);
	d->loss_length = ARENA_TAKE(a, t->max_sequences, double);
}

static void place_head(struct trainer *t, struct arena *a)
{
	const size_t B = t->max_sequences, H = t->h_stride, C = row_stride(t->config.C);
	float **const rows[] = {&t->pooled_sum, &t->pooled, &t->dropped, &t->dpooled, &t->dfirst};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		*rows[i] = ARENA_TAKE(a, B * H, float);
	t->logits = ARENA_TAKE(a, B * C, float);
	t->dlogits = ARENA_TAKE(a, B * C, float);
	t->pooled_bits = ARENA_TAKE(a, B * (size_t)mask_words(t->config.H), uint16_t);
}

/* Run twice, measuring and placing: see base/arena.h. */
static void place_work(struct trainer *t, struct arena *a)
{
	const size_t T = t->max_rows, B = t->max_sequences, H = t->h_stride, L = (size_t)t->config.L;
	t->start = ARENA_TAKE(a, B + 1, int);
	t->ids = ARENA_TAKE(a, T, int);
	t->type_ids = ARENA_TAKE(a, T, int);
	t->touched = ARENA_TAKE(a, (size_t)t->config.V, unsigned char);
	t->embedding_sum = ARENA_TAKE(a, T * H, float);
	t->embedding_bits = ARENA_TAKE(a, T * (size_t)mask_words(t->config.H), uint16_t);
	t->state = ARENA_TAKE(a, T * H, float);
	t->layer = ARENA_TAKE(a, L + 1, struct train_layer);
	for (int l = 0; l < t->config.L; l++)
		place_layer(t, l, a);
	if (t->options.adapler)
		place_adapler_layer(t, t->config.L, a);
	place_gradients(t, a);
	t->active = ARENA_TAKE(a, (size_t)t->threads * TRAIN_BLOCK_MOST * t->f_stride, float);
	t->attention_scratch = ARENA_TAKE(a, (size_t)t->threads * t->attention_scratch_floats, float);
	double **const layers[] = {&t->kl, &t->length, &t->eta_gradient, &t->theta_gradient};
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		*layers[i] = ARENA_TAKE(a, L + 1, double);
	if (is_mlm(t))
		train_mlm_plan(t, a);
	else
		place_head(t, a);
}

/* ---- packed weights ------------------------------------------------------------------------------------------- */

static size_t back_floats(const struct map_source *s)
{
	return (size_t)panel_count(s->K) * (size_t)(s->N * s->count) * PANEL;
}

static void place_back(struct trainer *t, struct arena *a)
{
	size_t widest = 0;
	t->back = ARENA_TAKE(a, (size_t)t->sources_count, struct linear);
	for (int i = 0; i < t->sources_count; i++) {
		const struct map_source *s = &t->sources[i];
		float *panels = ARENA_TAKE(a, back_floats(s), float);
		size_t columns = (size_t)panel_count(s->K) * PANEL;
		widest = columns > widest ? columns : widest;
		if (t->back)
			t->back[i] = (struct linear){.K = s->N * s->count, .N = s->K, .panels = panels};
	}
	t->zero_bias = ARENA_TAKE(a, widest, float);
	for (int i = 0; i < t->sources_count && t->back; i++)
		t->back[i].bias = t->zero_bias;
}

/* The maps of the masked language model are the trainer's own: their packed weights are placed here. */
static void place_mlm_maps(struct trainer *t, struct arena *a)
{
	for (int i = t->sources_count - (is_mlm(t) ? 2 : 0); i < t->sources_count; i++) {
		const struct map_source *s = &t->sources[i];
		const size_t columns = (size_t)panel_count(s->N) * PANEL;
		*s->map = (struct linear){.K = s->K, .N = s->N};
		s->map->panels = ARENA_TAKE(a, columns * (size_t)s->K, float);
		s->map->bias = ARENA_TAKE(a, columns, float);
	}
}

static int list_sources(struct trainer *t, struct err *e)
{
	const struct config *c = &t->config;
	const size_t most = (size_t)c->L * MAPS_PER_LAYER + MAPS_OF_MODEL + 2;
	t->sources = calloc(most, sizeof *t->sources);
	if (!t->sources)
		return err_set(e, ERR_MEMORY, "out of memory for %zu maps", most);
	t->sources_count = model_list_maps(t->model, t->sources);
	if (is_mlm(t)) {
		t->sources[t->sources_count++] =
			(struct map_source){&t->mlm.transform, c->H, c->H, 1, {t->w.mlm_dense_w}, {t->w.mlm_dense_b}};
		t->sources[t->sources_count++] =
			(struct map_source){&t->mlm.decoder, c->H, c->V, 1, {t->w.word_embedding}, {t->w.mlm_bias}};
	}
	return 0;
}

static const struct linear *back_of(const struct trainer *t, const struct linear *map)
{
	for (int i = 0; i < t->sources_count; i++)
		if (t->sources[i].map == map)
			return &t->back[i];
	return NULL;
}

const struct linear *train_back(const struct trainer *t, const struct linear *map) { return back_of(t, map); }

/* ---- opening -------------------------------------------------------------------------------------------------- */

static int check_class_weights(const struct trainer_options *o, const struct config *c, struct err *e)
{
	const int C = o->classes ? o->classes : c->C;
	double sum = 0;
	for (int i = 0; i < C; i++) {
		if (!(o->class_weights[i] >= 0) || !isfinite(o->class_weights[i]))
			return err_set(e, ERR_LIMIT, "weight %g of class %d must be finite and not negative", o->class_weights[i],
			               i);
		sum += o->class_weights[i];
	}
	return sum > 0 ? 0 : err_set(e, ERR_LIMIT, "all %d classes have a weight of 0", C);
}

static int check_options(const struct trainer_options *o, const struct config *c, struct err *e)
{
	if (o->objective == OBJECTIVE_MLM && o->adapler)
		return err_set(e, ERR_USAGE, "AdapLeR trains a classifier, not a language model");
	if (o->objective == OBJECTIVE_REGRESS && o->classes > 1)
		return err_set(e, ERR_USAGE, "a regression has one output, not %d", o->classes);
	if (o->classes < 0 || o->classes > CLASSES_MAX)
		return err_set(e, ERR_LIMIT, "classes must be from 1 to %d, found %d", CLASSES_MAX, o->classes);
	if (!(o->gamma >= 0 && o->phi >= 0 && isfinite(o->gamma) && isfinite(o->phi)))
		return err_set(e, ERR_LIMIT, "gamma and phi must be finite and not negative, found %g and %g", o->gamma,
		               o->phi);
	if (!(o->hidden_dropout < 1 && o->attention_dropout < 1))
		return err_set(e, ERR_LIMIT, "dropout must be below 1, found %g and %g", o->hidden_dropout,
		               o->attention_dropout);
	if (o->max_length < 0 || o->max_length > c->P)
		return err_set(e, ERR_LIMIT, "texts of %d tokens, but the model has %d positions", o->max_length, c->P);
	if (o->max_rows < 0 || o->max_rows > 1 << 22)
		return err_set(e, ERR_LIMIT, "max_rows must be from 1 to %d, found %d", 1 << 22, o->max_rows);
	return o->class_weights ? check_class_weights(o, c, e) : 0;
}

static int find_kernels(struct trainer *t, struct err *e)
{
	const char *name = t->options.kernels;
	if (t->kernels)
		return 0;
	t->kernels = kernels_find(name);
	if (!t->kernels)
		return err_set(e, ERR_USAGE, "no kernels '%s' on this processor", name ? name : "");
	if (!strcmp(t->kernels->name, "openblas"))
		return err_set(e, ERR_UNSUPPORTED, "kernels 'openblas' cannot train: it is only compared with");
	return 0;
}

static void set_rows(struct trainer *t, int rows)
{
	t->max_rows = (size_t)rows;
	t->max_sequences = t->max_rows / 4 + 1;
}

static void set_sizes(struct trainer *t)
{
	const struct config *c = &t->config;
	struct trainer_options *o = &t->options;
	o->max_length = o->max_length ? o->max_length : c->P;
	o->max_rows = o->max_rows ? o->max_rows : ROWS_DEFAULT;
	t->max_words = (size_t)mask_words(o->max_length);
	t->h_stride = row_stride(c->H);
	t->kv_stride = row_stride(2 * c->H);
	t->f_stride = row_stride(c->F);
	t->k_stride = row_stride(c->K);
	t->v_stride = row_stride(c->V);
	size_t up = attention_scratch(o->max_length, c->D), down = attention_grad_scratch(o->max_length, c->D);
	t->attention_scratch_floats = up > down ? up : down;
}

static unsigned groups_of(const struct trainer *t)
{
	unsigned groups = 1u << GROUP_EMBEDDINGS | 1u << GROUP_TYPES | 1u << GROUP_ENCODER;
	groups |= 1u << (is_mlm(t) ? GROUP_MLM : GROUP_HEAD);
	return groups | (t->config.K ? 1u << GROUP_PREDICTORS : 0);
}

static void place_parameters(struct trainer *t, struct arena *a)
{
	parameters_place(&t->w, &t->config, groups_of(t), a);
	parameters_place(&t->g, &t->config, groups_of(t), a);
	parameters_place(&t->m, &t->config, groups_of(t), a);
	parameters_place(&t->v, &t->config, groups_of(t), a);
}

static int open_parameters(struct trainer *t, const struct weights *source, int keeps_head, struct err *e)
{
	struct filling f = {&t->config, source->checkpoint, t->options.seed, keeps_head};
	place_parameters(t, &t->parameters);
	int code = arena_open(&t->parameters, e);
	if (code)
		return code;
	place_parameters(t, &t->parameters);
	struct layer_weights *layers = calloc((size_t)t->config.L, sizeof *layers);
	if (!layers)
		return err_set(e, ERR_MEMORY, "out of memory for %d layers", t->config.L);
	parameters_view(&t->view, layers, &t->w, &t->config);
	weights_visit(&t->view, &t->config, ~0u, fill, &f);
	/* The model owns the list of layers from here on, and the labels. */
	code = model_open_view(&t->model, &t->config, &t->view, t->kernels, e);
	if (code) {
		free(layers);
		t->view.layer = NULL;
	}
	return code;
}

static void place_all(struct trainer *t)
{
	place_mlm_maps(t, &t->memory);
	place_back(t, &t->memory);
	place_work(t, &t->memory);
}

/* Of the workspace for batches of so many rows. */
static size_t measure(struct trainer *t, int rows)
{
	set_rows(t, rows);
	t->memory = (struct arena){0};
	place_all(t);
	return t->memory.used;
}

/* The rows that the budget leaves room for: bytes are linear in rows but for rounding. */
static int fit(struct trainer *t, struct err *e)
{
	const size_t other = t->parameters.size + model_packed_bytes(t->model), budget = t->options.memory_bytes;
	const int most = t->options.max_rows, least = t->options.max_length;
	const size_t needed = measure(t, least) + other;
	int rows = most > least ? most : least;
	t->row_bytes = (measure(t, 2 * least) + other - needed) / (size_t)least;
	if (!budget)
		return measure(t, rows) ? 0 : ERR_LIMIT;
	if (needed > budget)
		return err_set(e, ERR_LIMIT, "training this model on texts of %d tokens needs %zu MB, the budget is %zu MB",
		               least, needed / 1000000 + 1, budget / 1000000);
	const size_t room = (budget - needed) / (t->row_bytes ? t->row_bytes : 1) + (size_t)least;
	rows = room < (size_t)rows ? (int)room : rows;
	while (rows > least && measure(t, rows) + other > budget)
		rows -= 16;
	measure(t, rows > least ? rows : least);
	return 0;
}

static int open_work(struct trainer *t, struct err *e)
{
	int code = list_sources(t, e);
	if (!code)
		code = fit(t, e);
	if (!code)
		code = arena_open(&t->memory, e);
	if (code)
		return code;
	place_all(t);
	if ((code = optim_plan(t, e)))
		return code;
	train_pack(t);
	return 0;
}

static int open_all(struct trainer *t, const struct config *c, const struct weights *source, struct err *e)
{
	t->config = *c;
	t->config.labels = NULL;
	t->config.K = !t->options.adapler ? 0 : c->K ? c->K : CP_SIZE_DEFAULT;
	int code = check_options(&t->options, c, e);
	if (t->options.objective == OBJECTIVE_REGRESS)
		t->options.classes = 1;
	if (!code)
		code = copy_labels(&t->config, &t->options, c, e);
	if (code)
		return code;
	set_sizes(t);
	code = open_parameters(t, source, has_same_labels(&t->config, c), e);
	return code ? code : open_work(t, e);
}

static int open_directory(struct trainer *t, const char *dir, struct err *e)
{
	struct weights source;
	struct config c;
	int code = open_source(&source, &c, dir, e);
	if (code)
		return code;
	code = open_all(t, &c, &source, e);
	weights_close(&source);
	config_free(&c);
	return code;
}

static int open_empty(struct trainer **out, const struct trainer_options *options, const struct kernels *kernels,
                      struct err *e)
{
	struct trainer *t = *out = calloc(1, sizeof *t);
	if (!t)
		return err_set(e, ERR_MEMORY, "out of memory for a trainer");
	t->options = *options;
	t->kernels = kernels;
	int code = find_kernels(t, e);
	if (!code)
		code = pool_open(&t->pool, t->options.threads, e);
	t->threads = pool_threads(t->pool);
	return code;
}

/* A trainer that could not be opened is none. */
static int opened(struct trainer **t, int code)
{
	if (code) {
		trainer_close(*t);
		*t = NULL;
	}
	return code;
}

int trainer_open_with(struct trainer **t, const char *dir, const struct trainer_options *options,
                      const struct kernels *kernels, struct err *e)
{
	int code = open_empty(t, options, kernels, e);
	return opened(t, code ? code : open_directory(*t, dir, e));
}

int trainer_open_random(struct trainer **t, const struct config *c, const struct trainer_options *options,
                        struct err *e)
{
	const struct weights none = {0};
	int code = open_empty(t, options, NULL, e);
	return opened(t, code ? code : open_all(*t, c, &none, e));
}

int trainer_open(struct trainer **t, const char *dir, const struct trainer_options *options, struct err *e)
{
	return trainer_open_with(t, dir, options, NULL, e);
}

void trainer_close(struct trainer *t)
{
	if (!t)
		return;
	if (t->model)
		model_close(t->model); /* frees the labels and the list of layers with it */
	else
		config_free(&t->config);
	pool_close(t->pool);
	arena_close(&t->memory);
	arena_close(&t->parameters);
	free(t->sources);
	free(t->segments);
	free(t->partial_sums);
	free(t);
}

const struct model *trainer_model(const struct trainer *t) { return t->model; }

size_t trainer_bytes(const struct trainer *t)
{
	return t->parameters.size + t->memory.size + model_packed_bytes(t->model);
}

size_t trainer_row_bytes(const struct trainer *t) { return t->row_bytes; }

int trainer_rows(const struct trainer *t) { return (int)t->max_rows; }

size_t trainer_parameters(const struct trainer *t) { return t->w.count; }

/* ---- the batch ------------------------------------------------------------------------------------------------ */

static int check_ids(const struct trainer *t, const struct example *x, int index, struct err *e)
{
	const struct config *c = &t->config;
	for (int i = 0; i < x->n; i++) {
		if (x->ids[i] < 0 || x->ids[i] >= c->V)
			return err_set(e, ERR_LIMIT, "token id %d of example %d is outside the vocabulary of %d", x->ids[i], index,
			               c->V);
		if (x->type_ids && c->types && (x->type_ids[i] < 0 || x->type_ids[i] >= c->types))
			return err_set(e, ERR_LIMIT, "type id %d of example %d is outside the %d token types", x->type_ids[i],
			               index, c->types);
		if (is_mlm(t) && x->targets && x->targets[i] >= c->V)
			return err_set(e, ERR_LIMIT, "target %d of example %d is outside the vocabulary of %d", x->targets[i],
			               index, c->V);
	}
	return 0;
}

int train_check_example(const struct trainer *t, const struct example *x, int index, struct err *e)
{
	if (x->n < 1 || x->n > t->options.max_length)
		return err_set(e, ERR_LIMIT, "example %d has %d tokens, the trainer was opened for 1 to %d", index, x->n,
		               t->options.max_length);
	if (t->options.objective == OBJECTIVE_CLASSIFY && (x->label < 0 || x->label >= t->config.C))
		return err_set(e, ERR_LIMIT, "label %d of example %d is outside 0..%d", x->label, index, t->config.C - 1);
	if (t->options.objective == OBJECTIVE_REGRESS && !isfinite(x->value))
		return err_set(e, ERR_LIMIT, "the value of example %d is not finite", index);
	return check_ids(t, x, index, e);
}

int train_check_saliency(const struct example *x, int index, struct err *e)
{
	double sum = 0;
	if (!x->saliency)
		return err_set(e, ERR_USAGE, "example %d brings no saliency, which AdapLeR learns from", index);
	for (int i = 0; i < x->n; i++) {
		if (!(x->saliency[i] >= 0))
			return err_set(e, ERR_LIMIT, "saliency %g of example %d at token %d is negative or no number",
			               (double)x->saliency[i], index, i);
		sum += x->saliency[i];
	}
	if (!isfinite(sum))
		return err_set(e, ERR_LIMIT, "the saliency of example %d is not finite", index);
	return 0;
}

static int check_examples(const struct trainer *t, const struct example *const *examples, int count, struct err *e)
{
	if (count < 1)
		return err_set(e, ERR_USAGE, "a batch of %d examples", count);
	for (int i = 0; i < count; i++) {
		int code = train_check_example(t, examples[i], i, e);
		if (!code && is_mlm(t) && !examples[i]->targets)
			code = err_set(e, ERR_USAGE, "example %d brings no targets", i);
		if (!code && t->options.adapler && t->is_training)
			code = train_check_saliency(examples[i], i, e);
		if (code)
			return code;
	}
	return 0;
}

double train_weight(const struct trainer *t, const struct example *x)
{
	const double *weights = t->options.class_weights;
	return weights && t->options.objective == OBJECTIVE_CLASSIFY ? weights[x->label] : 1;
}

/* What the mean divides by: hidden words, or the examples by their weight. */
static double total_weight(const struct trainer *t, const struct example *const *examples, int count)
{
	double sum = 0;
	for (int i = 0; i < count; i++) {
		if (!is_mlm(t))
			sum += train_weight(t, examples[i]);
		for (int j = 0; is_mlm(t) && j < examples[i]->n; j++)
			sum += examples[i]->targets[j] >= 0;
	}
	return sum;
}

/* Takes the next examples that fit; returns how many. */
static int take(struct trainer *t, const struct example *const *examples, int count)
{
	t->examples = examples;
	t->B = t->T = t->start[0] = 0;
	while (t->B < count && t->B < (int)t->max_sequences) {
		const struct example *x = examples[t->B];
		if (t->T + x->n > (int)t->max_rows)
			break;
		memcpy(t->ids + t->T, x->ids, (size_t)x->n * sizeof *t->ids);
		if (x->type_ids)
			memcpy(t->type_ids + t->T, x->type_ids, (size_t)x->n * sizeof *t->type_ids);
		else
			memset(t->type_ids + t->T, 0, (size_t)x->n * sizeof *t->type_ids);
		t->T += x->n;
		t->start[++t->B] = t->T;
	}
	return t->B;
}

static void forward(struct trainer *t)
{
	train_embed(t);
	if (t->options.adapler && t->is_training)
		adapler_begin(t);
	for (int l = 0; l < t->config.L; l++) {
		if (t->options.adapler && t->is_training)
			adapler_forward(t, l);
		train_layer_forward(t, l);
	}
}

static void backward(struct trainer *t)
{
	if (t->options.adapler)
		adapler_backward_begin(t, ADAPLER_MODEL);
	for (int l = t->config.L - 1; l >= 0; l--)
		train_layer_backward(t, l, ADAPLER_MODEL);
	train_embed_backward(t);
}

/* The same forward pass seen by the other loss: only eta and theta learn from it. */
static void backward_speed(struct trainer *t)
{
	adapler_backward_begin(t, ADAPLER_SPEED);
	train_head_backward(t, 0);
	for (int l = t->config.L - 1; l >= 0; l--)
		train_layer_backward(t, l, ADAPLER_SPEED);
}

static void run_micro_batch(struct trainer *t)
{
	forward(t);
	if (is_mlm(t)) {
		train_mlm(t);
	} else {
		train_head(t);
		train_head_backward(t, 1);
	}
	backward(t);
	if (t->options.adapler)
		backward_speed(t);
	t->losses.tokens += t->T;
}

static void begin_losses(struct trainer *t, uint64_t step, double lambda, double weight, int count)
{
	const size_t L = (size_t)t->config.L;
	t->losses = (struct losses){.L = t->config.L, .kl = t->kl, .length = t->length};
	memset(t->kl, 0, L * sizeof *t->kl);
	memset(t->length, 0, L * sizeof *t->length);
	memset(t->eta_gradient, 0, L * sizeof *t->eta_gradient);
	memset(t->theta_gradient, 0, L * sizeof *t->theta_gradient);
	t->step = step;
	t->lambda = lambda;
	t->share = weight > 0 ? 1 / weight : 0;
	t->mean = 1.0 / count;
	t->first_row = 0;
	t->first_sequence = 0;
}

static void finish_losses(struct trainer *t, int count)
{
	struct losses *l = &t->losses;
	l->model = l->speed = l->task;
	for (int i = 0; i < l->L; i++) {
		l->model += t->options.gamma * (l->L - i) * t->kl[i];
		l->speed += t->options.phi * t->length[i];
	}
	if (is_mlm(t))
		l->correct = l->predicted ? l->correct / (double)l->predicted : NAN;
	else
		l->correct = t->options.objective == OBJECTIVE_CLASSIFY ? l->correct / count : NAN;
}

static int find_extreme(const struct weight_info *info, void *arg)
{
	struct extreme *x = arg;
	const int64_t count = info->rows * (info->columns ? info->columns : 1);
	for (int64_t i = 0; *info->slot && i < count && isfinite(x->value); i++)
		if (!(fabsf((*info->slot)[i]) <= fabsf(x->value))) {
			x->value = (*info->slot)[i];
			snprintf(x->tensor, sizeof x->tensor, "%s", info->name);
		}
	return !isfinite(x->value);
}

struct extreme train_extreme(const struct trainer *t, const struct parameters *p)
{
	struct extreme x = {"", 0};
	struct weights view;
	struct layer_weights *layers = calloc((size_t)t->config.L, sizeof *layers);
	if (!layers)
		return x;
	parameters_view(&view, layers, p, &t->config);
	weights_visit(&view, &t->config, ~0u, find_extreme, &x);
	free(layers);
	return x;
}

static int check_loss(const struct trainer *t, struct err *e)
{
	if (isfinite(t->losses.model) && isfinite(t->losses.speed))
		return 0;
	const struct extreme x = train_extreme(t, &t->w);
	return err_set(e, ERR_LIMIT,
	               "the loss is %g at step %llu; the largest weight is %g, in tensor '%s': a smaller learning rate may "
	               "help",
	               isfinite(t->losses.model) ? t->losses.speed : t->losses.model, (unsigned long long)t->step,
	               (double)x.value, x.tensor);
}

int trainer_gradient(struct trainer *t, const struct example *const *examples, int count, uint64_t step, double lambda,
                     struct losses *out, struct err *e)
{
	t->is_training = 1;
	int code = check_examples(t, examples, count, e);
	if (!code && t->options.adapler && (!(lambda > 0) || !isfinite(lambda)))
		code = err_set(e, ERR_USAGE, "AdapLeR needs a finite lambda above 0, found %g", lambda);
	if (code)
		return code;
	begin_losses(t, step, lambda, total_weight(t, examples, count), count);
	optim_clear(t);
	for (int done = 0; done < count;) {
		done += take(t, examples + done, count - done);
		run_micro_batch(t);
		t->first_row += t->T;
		t->first_sequence = done;
	}
	finish_losses(t, count);
	*out = t->losses;
	return check_loss(t, e);
}

int trainer_evaluate(struct trainer *t, const struct example *const *examples, int count, struct losses *out,
                     struct err *e)
{
	t->is_training = 0;
	int code = check_examples(t, examples, count, e);
	if (code)
		return code;
	begin_losses(t, 0, 0, total_weight(t, examples, count), count);
	for (int done = 0; done < count;) {
		done += take(t, examples + done, count - done);
		forward(t);
		if (is_mlm(t))
			train_mlm(t);
		else
			train_head(t);
		t->losses.tokens += t->T;
	}
	finish_losses(t, count);
	*out = t->losses;
	return check_loss(t, e);
}

/* ---- saliency ------------------------------------------------------------------------------------------------- */

static void write_saliency(const struct trainer *t, float *out)
{
	const int H = t->config.H;
	for (int i = 0; i < t->T; i++) {
		const float *g = t->d.x + (size_t)i * t->h_stride, *x = t->layer[0].x + (size_t)i * t->h_stride;
		double sum = 0;
		for (int h = 0; h < H; h++)
			sum += (double)g[h] * x[h] * g[h] * x[h];
		out[i] = (float)sqrt(sum);
	}
}

int trainer_saliency(struct trainer *t, const struct example *const *examples, int count, float *out, struct err *e)
{
	t->is_training = 0;
	int code = is_mlm(t) ? err_set(e, ERR_USAGE, "saliency is a classifier's") : check_examples(t, examples, count, e);
	if (code)
		return code;
	begin_losses(t, 0, 0, 1, 1);
	for (int done = 0; done < count; out += t->T) {
		done += take(t, examples + done, count - done);
		forward(t);
		train_head_logit(t);
		train_head_backward(t, 0);
		for (int l = t->config.L - 1; l >= 0; l--)
			train_layer_backward(t, l, ADAPLER_SPEED);
		write_saliency(t, out);
	}
	return 0;
}

/* ---- saving --------------------------------------------------------------------------------------------------- */

struct listing {
	struct tensor_source *tensors;
	char (*names)[TENSOR_NAME_SIZE];
	enum dtype dtype;
	int count;
};

static int list_tensor(const struct weight_info *info, void *arg)
{
	struct listing *l = arg;
	if (!*info->slot)
		return 0;
	if (l->tensors) {
		snprintf(l->names[l->count], TENSOR_NAME_SIZE, "%s", info->name);
		l->tensors[l->count] = (struct tensor_source){.name = l->names[l->count],
		                                              .dtype = l->dtype,
		                                              .rank = info->columns ? 2 : 1,
		                                              .shape = {info->rows, info->columns},
		                                              .values = *info->slot};
	}
	l->count++;
	return 0;
}

static int write_weights(const struct trainer *t, const char *path, enum dtype dtype, struct err *e)
{
	struct listing l = {.dtype = dtype};
	weights_visit(&t->view, &t->config, ~0u, list_tensor, &l);
	l.tensors = calloc((size_t)l.count, sizeof *l.tensors);
	l.names = calloc((size_t)l.count, sizeof *l.names);
	int code = l.tensors && l.names ? 0 : err_set(e, ERR_MEMORY, "out of memory for the names of %d tensors", l.count);
	l.count = 0;
	if (!code) {
		weights_visit(&t->view, &t->config, ~0u, list_tensor, &l);
		code = checkpoint_write(path, l.tensors, l.count, e);
	}
	free(l.tensors);
	free(l.names);
	return code;
}

static int find_dtype(enum dtype *d, const char *name, struct err *e)
{
	static const enum dtype known[] = {DTYPE_F32, DTYPE_BF16, DTYPE_F16};
	static const char *const names[] = {"f32", "bf16", "f16"};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(name, names[i])) {
			*d = known[i];
			return 0;
		}
	return err_set(e, ERR_USAGE, "no dtype '%s' for weights (known: f32, bf16, f16)", name);
}

int trainer_save(const struct trainer *t, const char *dir, const char *dtype, const char *from, struct err *e)
{
	char path[4096];
	enum dtype d = DTYPE_F32;
	struct new_files files;
	int code = find_dtype(&d, dtype, e);
	if (!code)
		code = new_files_open(&files, dir, e);
	if (code)
		return code;
	code = new_files_path(&files, path, sizeof path, "model.safetensors", e);
	if (!code)
		code = write_weights(t, path, d, e);
	if (!code)
		code = new_files_copy_tokenizer(&files, from, e);
	if (!code)
		code = new_files_path(&files, path, sizeof path, "config.json", e);
	if (!code)
		code = config_write(&t->config, path, e);
	if (code)
		new_files_undo(&files);
	return code;
}
