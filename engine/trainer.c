/* Opening a trainer: the model that is trained, and how much is worked on at once. */
#include "trainer.h"

#include "base/denormals.h"

#include "config.h"
#include "init.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_DEFAULT = 8192, CP_SIZE_DEFAULT = 32, BUDGET_THREADS = 16 };

/* ---- the model that is trained -------------------------------------------------------------------------------- */

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
	if (o->max_sequences < 0 || o->max_sequences > 1 << 20)
		return err_set(e, ERR_LIMIT, "max_sequences must be from 1 to %d, found %d", 1 << 20, o->max_sequences);
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
	t->max_sequences = t->options.max_sequences ? (size_t)t->options.max_sequences : t->max_rows / 4 + 1;
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
	groups |= 1u << (train_is_mlm(t) ? GROUP_MLM : GROUP_HEAD);
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
	train_place_mlm_maps(t, &t->memory);
	train_place_back(t, &t->memory);
	train_place_work(t, &t->memory);
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
static int fit_rows(struct trainer *t, int *out, struct err *e)
{
	const size_t other = t->parameters.size + model_packed_bytes(t->model), budget = t->options.memory_bytes;
	const int most = t->options.max_rows, least = t->options.max_length;
	const size_t needed = measure(t, least) + other;
	int rows = *out = most > least ? most : least;
	t->row_bytes = (measure(t, 2 * least) + other - needed) / (size_t)least;
	if (!budget)
		return 0;
	if (needed > budget)
		return err_set(e, ERR_LIMIT, "training this model on texts of %d tokens needs %zu MB, the budget is %zu MB",
		               least, needed / 1000000 + 1, budget / 1000000);
	const size_t room = (budget - needed) / (t->row_bytes ? t->row_bytes : 1) + (size_t)least;
	rows = room < (size_t)rows ? (int)room : rows;
	while (rows > least && measure(t, rows) + other > budget)
		rows -= 16;
	*out = rows > least ? rows : least;
	return 0;
}

/* How a batch is cut decides its sums' last bits: it must not depend on the threads, whose scratch is in the budget. */
static int fit(struct trainer *t, struct err *e)
{
	const int threads = t->threads;
	int rows;
	t->threads = threads < BUDGET_THREADS ? BUDGET_THREADS : threads;
	int code = fit_rows(t, &rows, e);
	t->threads = threads;
	if (!code)
		measure(t, rows);
	return code;
}

static int open_work(struct trainer *t, struct err *e)
{
	int code = train_list_sources(t, e);
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
	DENORMALS_ARE_ZERO(); /* for the pool's threads, as long as they live */
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
