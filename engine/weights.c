/* Binding the list of weights.def to a checkpoint.
 *
 * The list becomes a table of entries with this config's sizes, and one walk over the table, layer by layer, serves
 * everything: opening, saving, counting, initialising. Opening walks twice: bind every tensor to its name and check
 * it, then, knowing how much of it needs converting, place and convert. */
#include "weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const char *names[2]; /* by family; NULL: not in this family */
	const char *rows_of, *columns_of;
	int64_t rows, columns;
	size_t offset; /* of the pointer in struct weights or struct layer_weights */
	enum weight_group group;
	int in_layer;
};

enum {
#define MODEL_TENSOR(field, bert, distil, rows, columns, group) ENTRY_##field,
#define LAYER_TENSOR(field, bert, distil, rows, columns, group) ENTRY_##field,
#include "weights.def"
	ENTRIES
};

static void list_entries(struct entry out[ENTRIES], const struct config *c)
{
	const int64_t V = c->V, P = c->P, H = c->H, F = c->F, L = c->L, C = c->C, K = c->K, types = c->types;
#define MODEL_TENSOR(field, bert, distil, rows, columns, group) \
	out[ENTRY_##field] = (struct entry){                        \
		{bert, distil}, #rows, #columns, rows, columns, offsetof(struct weights, field), GROUP_##group, 0};
#define LAYER_TENSOR(field, bert, distil, rows, columns, group) \
	out[ENTRY_##field] = (struct entry){                        \
		{bert, distil}, #rows, #columns, rows, columns, offsetof(struct layer_weights, field), GROUP_##group, 1};
#include "weights.def"
}

/* ---- the walk ---- */

struct item {
	char name[TENSOR_NAME_SIZE];
	const struct entry *entry;
	int layer;
	const float **slot; /* NULL when no struct is walked */
};

typedef int item_visit(const struct item *item, void *arg);

/* Patterns hold at most one "%d". */
static void name_of(char *out, size_t size, const char *pattern, int layer)
{
	const char *hole = strstr(pattern, "%d");
	if (hole)
		snprintf(out, size, "%.*s%d%s", (int)(hole - pattern), pattern, layer, hole + 2);
	else
		snprintf(out, size, "%s", pattern);
}

static int visit_entry(struct weights *w, const struct config *c, const struct entry *entry, int layer,
                       item_visit *visit, void *arg)
{
	struct item item = {.entry = entry, .layer = layer};
	if (!entry->names[c->family] || entry->rows == 0)
		return 0;
	name_of(item.name, sizeof item.name, entry->names[c->family], layer);
	if (w)
		item.slot = (const float **)((char *)(layer < 0 ? (void *)w : (void *)&w->layer[layer]) + entry->offset);
	return visit(&item, arg);
}

/* In the order of the file: neighbours in the list that belong to layers and to one group are walked layer by layer. */
static int walk(struct weights *w, const struct config *c, unsigned groups, item_visit *visit, void *arg)
{
	struct entry entries[ENTRIES];
	int code = 0;
	list_entries(entries, c);
	for (int i = 0, end; i < ENTRIES; i = end) {
		for (end = i + 1;
		     end < ENTRIES && entries[i].in_layer && entries[end].in_layer && entries[end].group == entries[i].group;)
			end++;
		if (!(groups & 1u << entries[i].group) || (entries[i].group == GROUP_PREDICTORS && !c->K))
			continue;
		for (int layer = 0; layer < (entries[i].in_layer ? c->L : 1); layer++)
			for (int j = i; j < end; j++)
				if ((code = visit_entry(w, c, &entries[j], entries[i].in_layer ? layer : -1, visit, arg)))
					return code;
	}
	return 0;
}

struct visitor {
	weight_visit *visit;
	void *arg;
};

static int show_item(const struct item *item, void *arg)
{
	struct visitor *v = arg;
	const struct entry *entry = item->entry;
	struct weight_info info = {item->name,  item->layer,    entry->group,
	                           entry->rows, entry->columns, (const float *const *)item->slot};
	return v->visit(&info, v->arg);
}

int weights_visit(const struct weights *w, const struct config *c, unsigned groups, weight_visit *visit, void *arg)
{
	struct visitor v = {visit, arg};
	return walk((struct weights *)(uintptr_t)w, c, groups, show_item, &v);
}

/* ---- binding ---- */

enum { LARGE_BYTES = 1 << 20 };

struct binding {
	struct weights *w;
	struct config *c;
	const struct checkpoint *file;
	unsigned groups;      /* that must be there */
	unsigned char *bound; /* by tensor of the file */
	float *space;         /* for what is converted; NULL while measuring */
	size_t used;
	struct err *e;
};

/* "" and the prefixes that older tools leave out or put before a model's names. */
static const char *const prefixes[] = {"bert.", "distilbert."};

static const char *without_prefix(const char *name)
{
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name + strlen(prefixes[i]);
	return name;
}

/* LayerNorm's weight and bias were gamma and beta once. */
static int old_norm_name(char out[TENSOR_NAME_SIZE], const char *name)
{
	const char *dot = strrchr(name, '.');
	if (!strstr(name, "LayerNorm.") && !strstr(name, "layer_norm."))
		return 0;
	snprintf(out, TENSOR_NAME_SIZE, "%.*s%s", (int)(dot - name + 1), name, strcmp(dot, ".weight") ? "beta" : "gamma");
	return 1;
}

const struct tensor *weights_find(const struct checkpoint *file, const char *name)
{
	char old[TENSOR_NAME_SIZE];
	const struct tensor *t = checkpoint_find(file, name);
	if (!t)
		t = checkpoint_find(file, without_prefix(name));
	if (!t && old_norm_name(old, name)) {
		t = checkpoint_find(file, old);
		if (!t)
			t = checkpoint_find(file, without_prefix(old));
	}
	return t;
}

/* The config's field for a dimension of weights.def. */
static const char *field_of(const struct config *c, const char *dimension)
{
	static const struct {
		const char *dimension, *bert, *distil;
	} fields[] = {
		{"V", "vocab_size", "vocab_size"},
		{"P", "max_position_embeddings", "max_position_embeddings"},
		{"types", "type_vocab_size", "type_vocab_size"},
		{"H", "hidden_size", "dim"},
		{"F", "intermediate_size", "hidden_dim"},
		{"C", "id2label", "id2label"},
		{"K", "adapler.cp_size", "adapler.cp_size"},
		{"L", "num_hidden_layers", "n_layers"},
		{"L - 1", "num_hidden_layers", "n_layers"},
	};
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (!strcmp(fields[i].dimension, dimension))
			return c->family == FAMILY_BERT ? fields[i].bert : fields[i].distil;
	return "config";
}

static int check_shape(const struct binding *b, const struct entry *entry, const struct tensor *t)
{
	const int64_t expected[2] = {entry->rows, entry->columns};
	int rank = entry->columns ? 2 : 1;
	char found_text[256], expected_text[64];
	if (t->rank == rank && t->shape[0] == entry->rows && (rank == 1 || t->shape[1] == entry->columns))
		return 0;
	int in_columns = rank == 2 && t->rank == 2 && t->shape[0] == entry->rows;
	return err_set(b->e, ERR_MISMATCH, "tensor '%s' in '%s' is %s, but '%s' of the config makes it %s", t->name,
	               checkpoint_path(b->file), shape_text(found_text, sizeof found_text, t->shape, t->rank),
	               field_of(b->c, in_columns ? entry->columns_of : entry->rows_of),
	               shape_text(expected_text, sizeof expected_text, expected, rank));
}

/* theta is training's alone; what belongs to a group that nobody asked for may be absent, tensor by tensor: a
 * pretrained model has a pooler but no classifier. Predictors come whole or not at all. */
static int may_be_absent(const struct binding *b, const struct item *item)
{
	if (item->entry->group == GROUP_PREDICTORS)
		return item->entry->offset == offsetof(struct weights, theta) && item->layer < 0;
	return !(b->groups & 1u << item->entry->group);
}

static int is_view(const struct tensor *t)
{
	return t->dtype == DTYPE_F32 && (uintptr_t)t->data % _Alignof(float) == 0;
}

/* Rows of what is converted begin on cache lines. */
static size_t space_for(const struct tensor *t) { return ((size_t)t->count + 15) / 16 * 16; }

static int bind_item(const struct item *item, void *arg)
{
	struct binding *b = arg;
	const struct tensor *t = weights_find(b->file, item->name);
	*item->slot = NULL;
	if (!t && may_be_absent(b, item))
		return 0;
	if (!t)
		return err_set(b->e, ERR_MISMATCH, "tensor '%s' is missing in '%s'", item->name, checkpoint_path(b->file));
	if (!dtype_is_float(t->dtype))
		return err_set(b->e, ERR_UNSUPPORTED, "tensor '%s' in '%s' holds no floats (known: F32, F16, BF16, F64)",
		               t->name, checkpoint_path(b->file));
	b->bound[t - checkpoint_tensor(b->file, 0)] = 1;
	if (!is_view(t))
		b->used += space_for(t);
	return check_shape(b, item->entry, t);
}

static int fill_item(const struct item *item, void *arg)
{
	struct binding *b = arg;
	const struct tensor *t = weights_find(b->file, item->name);
	if (!t)
		return 0;
	if (is_view(t)) {
		*item->slot = t->data;
	} else {
		float *place = b->space + b->used;
		tensor_to_float(place, t, 0, t->count);
		*item->slot = place;
		b->used += space_for(t);
	}
	int64_t bad = find_not_finite(*item->slot, t->count);
	if (bad >= 0)
		return err_set(b->e, ERR_FORMAT, "value %lld of tensor '%s' in '%s' is %g, expected finite numbers",
		               (long long)bad, t->name, checkpoint_path(b->file), (double)(*item->slot)[bad]);
	/* What was only looked at need not stay in memory: it is packed next, or read when a token asks for its row. */
	if (t->bytes >= LARGE_BYTES)
		checkpoint_release_pages(b->file);
	return 0;
}

/* ---- what is left over ---- */

static int starts_with(const char *text, const char *start) { return !strncmp(text, start, strlen(start)); }

/* Tensors of other heads are none of our business. One that names a part of ours and was not bound is a layer too many,
 * a name twice in different spellings, or a config of another model. */
static int looks_like_ours(const char *name)
{
	static const char *const parts[] = {
		"embeddings.", "encoder.layer.", "transformer.layer.", "pooler.", "classifier.", "pre_classifier.", "adapler."};
	static const char *const buffers[] = {"embeddings.position_ids", "embeddings.token_type_ids"};
	name = without_prefix(name);
	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		if (!strcmp(name, buffers[i]))
			return 0;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (starts_with(name, parts[i]))
			return 1;
	return 0;
}

/* The number after "layer." or "cp.", or -1. */
static int layer_in(const char *name)
{
	const char *at = strstr(name, "layer.");
	if (at)
		at += strlen("layer.");
	else if ((at = strstr(name, "adapler.cp.")))
		at += strlen("adapler.cp.");
	return at && *at >= '0' && *at <= '9' ? (int)strtol(at, NULL, 10) : -1;
}

static int check_left_over(const struct binding *b)
{
	for (int i = 0; i < checkpoint_count(b->file); i++) {
		const struct tensor *t = checkpoint_tensor(b->file, i);
		const char *name = t->name, *path = checkpoint_path(b->file);
		if (b->bound[i] || t->count == 0 || !looks_like_ours(name))
			continue;
		if (layer_in(name) >= b->c->L)
			return err_set(b->e, ERR_MISMATCH, "tensor '%s' in '%s' is of a layer too many: '%s' of the config is %d",
			               name, path, field_of(b->c, "L"), b->c->L);
		return err_set(b->e, ERR_MISMATCH, "tensor '%s' in '%s' has no place in a %s of this config", name, path,
		               b->c->family == FAMILY_BERT ? "BERT" : "DistilBERT");
	}
	return 0;
}

/* ---- opening ---- */

/* Predictors are taken when the config or the checkpoint has them; the checkpoint may say how wide they are. */
static int find_predictors(struct binding *b)
{
	const struct tensor *t = checkpoint_find(b->file, "adapler.cp.0.dense.weight");
	if (!b->c->K && t && t->rank == 2 && t->shape[0] > 0 && t->shape[0] <= 1 << 16)
		b->c->K = (int)t->shape[0];
	if (!b->c->K && b->groups & 1u << GROUP_PREDICTORS)
		return err_set(b->e, ERR_MISMATCH, "no contribution predictors in '%s' (tensor 'adapler.cp.0.dense.weight')",
		               checkpoint_path(b->file));
	return 0;
}

static int place(struct binding *b)
{
	size_t bytes = (b->used * sizeof(float) + 63) / 64 * 64;
	b->w->owned = b->space = bytes ? aligned_alloc(64, bytes) : NULL;
	if (bytes && !b->space)
		return err_set(b->e, ERR_MEMORY, "out of memory: %zu bytes for the weights of '%s'", bytes,
		               checkpoint_path(b->file));
	b->used = 0;
	return 0;
}

static int bind_all(struct binding *b)
{
	const unsigned all = ~0u;
	int code = find_predictors(b);
	if (!code)
		code = walk(b->w, b->c, all, bind_item, b);
	if (!code)
		code = check_left_over(b);
	if (!code)
		code = place(b);
	if (!code)
		code = walk(b->w, b->c, all, fill_item, b);
	return code;
}

int weights_bind(struct weights *w, struct config *c, struct checkpoint *file, unsigned groups, struct err *e)
{
	struct binding b = {.w = w, .c = c, .file = file, .groups = groups, .e = e};
	*w = (struct weights){.checkpoint = file};
	b.bound = calloc((size_t)checkpoint_count(file) + 1, 1);
	w->layer = calloc((size_t)c->L, sizeof *w->layer);
	int code = b.bound && w->layer
	               ? bind_all(&b)
	               : err_set(e, ERR_MEMORY, "out of memory for the weights of '%s'", checkpoint_path(file));
	free(b.bound);
	if (code)
		weights_close(w);
	return code;
}

int weights_open(struct weights *w, struct config *c, const char *dir, unsigned groups, struct err *e)
{
	struct checkpoint *file;
	memset(w, 0, sizeof *w);
	int code = checkpoint_open(&file, dir, e);
	return code ? code : weights_bind(w, c, file, groups, e);
}

void weights_close(struct weights *w)
{
	checkpoint_close(w->checkpoint);
	free(w->layer);
	free(w->owned);
	memset(w, 0, sizeof *w);
}
