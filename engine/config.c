/* config.json, read and written as the transformers library does it.
 *
 * The two families name the same things differently, so each integer field is one row of a table with both names and
 * its bounds. The bounds are far above any real model; they keep products of two dimensions inside 64 bits. */
#include "config.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 16 << 20 };

/* X(member, BERT's name and default, DistilBERT's, bounds) */
/* clang-format off */
#define INT_FIELDS(X)                                                                      \
	X(V,      "vocab_size",              30522, "vocab_size",              30522, 1, 1 << 24) \
	X(H,      "hidden_size",               768, "dim",                       768, 1, 1 << 16) \
	X(L,      "num_hidden_layers",          12, "n_layers",                    6, 1, 1 << 10) \
	X(A,      "num_attention_heads",        12, "n_heads",                    12, 1, 1 << 12) \
	X(F,      "intermediate_size",        3072, "hidden_dim",               3072, 1, 1 << 18) \
	X(P,      "max_position_embeddings",   512, "max_position_embeddings",   512, 1, 1 << 20) \
	X(pad_id, "pad_token_id",                0, "pad_token_id",                0, 0, 1 << 24)
/* clang-format on */
enum { TYPES_DEFAULT = 2, TYPES_MAX = 1 << 16, CP_SIZE_MAX = 1 << 16 };

/* Names of an activation, the one we write first. gelu_fast and gelu_pytorch_tanh are the tanh form spelled otherwise:
 * they differ from gelu_new in rounding only. */
static const struct {
	const char *name;
	enum activation act;
} activations[] = {
	{"gelu", ACT_GELU},
	{"gelu_new", ACT_GELU_NEW},
	{"relu", ACT_RELU},
	{"gelu_python", ACT_GELU},
	{"gelu_pytorch_tanh", ACT_GELU_NEW},
	{"gelu_fast", ACT_GELU_NEW},
	{"tanh", ACT_TANH},
	{"none", ACT_NONE},
};
enum { ACTIVATIONS = sizeof activations / sizeof activations[0], ACTIVATIONS_READ = ACTIVATIONS - 2 };

const char *activation_name(enum activation a)
{
	for (int i = 0; i < ACTIVATIONS; i++)
		if (activations[i].act == a)
			return activations[i].name;
	return "unknown";
}

static const char *family_name(enum family f) { return f == FAMILY_BERT ? "bert" : "distilbert"; }

void config_free(struct config *c)
{
	free(c->labels);
	c->labels = NULL;
}

static const char *first_architecture(const cJSON *json)
{
	const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "architectures"), 0);
	return cJSON_IsString(first) ? first->valuestring : NULL;
}

/* Files older than the field model_type (and Google's own) are told apart by architecture, then by DistilBERT's names. */
static int read_family(struct config *c, const cJSON *json, const char *name, struct err *e)
{
	const char *type = NULL, *architecture = first_architecture(json);
	int code = json_get_string(json, "model_type", &type, name, e);
	if (code)
		return code;
	if (!type && architecture && strncmp(architecture, "Bert", 4) && strncmp(architecture, "DistilBert", 10))
		return err_set(e, ERR_UNSUPPORTED,
		               "architecture '%.80s' in '%s' is not supported (known: Bert..., DistilBert...)", architecture,
		               name);
	if (!type)
		type = (architecture ? *architecture == 'D' : cJSON_HasObjectItem(json, "dim")) ? "distilbert" : "bert";
	if (strcmp(type, "bert") && strcmp(type, "distilbert"))
		return err_set(e, ERR_UNSUPPORTED, "model_type '%.80s' in '%s' is not supported (known: bert, distilbert)",
		               type, name);
	c->family = strcmp(type, "bert") ? FAMILY_DISTILBERT : FAMILY_BERT;
	return 0;
}

static int get_int(const cJSON *json, const char *field, int *value, int low, int high, const char *name, struct err *e)
{
	long long wide = *value;
	int code = json_get_int(json, field, &wide, low, high, name, e);
	*value = (int)wide;
	return code;
}

static int read_sizes(struct config *c, const cJSON *json, const char *name, struct err *e)
{
	int distil = c->family == FAMILY_DISTILBERT, code = 0;
#define READ(member, bert, bert_default, distilbert, distilbert_default, low, high) \
	c->member = distil ? distilbert_default : bert_default;                         \
	if (!code)                                                                      \
		code = get_int(json, distil ? distilbert : bert, &c->member, low, high, name, e);
	INT_FIELDS(READ)
#undef READ
	c->types = distil ? 0 : TYPES_DEFAULT;
	if (!code && !distil)
		code = get_int(json, "type_vocab_size", &c->types, 1, TYPES_MAX, name, e);
	if (!code && c->H % c->A)
		code = err_set(e, ERR_FORMAT, "field '%s' of '%s' must be a multiple of '%s': %d is not one of %d",
		               distil ? "dim" : "hidden_size", name, distil ? "n_heads" : "num_attention_heads", c->H, c->A);
	if (!code && c->pad_id >= c->V)
		code = err_set(e, ERR_FORMAT, "field 'pad_token_id' of '%s' must be below 'vocab_size': %d is not below %d",
		               name, c->pad_id, c->V);
	if (!code)
		c->D = c->H / c->A;
	return code;
}

static int read_fraction(const cJSON *json, const char *field, double *value, const char *name, struct err *e)
{
	int code = json_get_double(json, field, value, name, e);
	if (!code && !(*value >= 0 && *value < 1))
		code =
			err_set(e, ERR_FORMAT, "field '%s' of '%s' must be at least 0 and below 1, found %g", field, name, *value);
	return code;
}

static int read_rates(struct config *c, const cJSON *json, const char *name, struct err *e)
{
	int distil = c->family == FAMILY_DISTILBERT;
	c->layer_norm_eps = 1e-12; /* DistilBERT has no field for it */
	c->hidden_dropout = c->attention_dropout = 0.1;
	c->initializer_range = 0.02;
	int code = distil ? 0 : read_fraction(json, "layer_norm_eps", &c->layer_norm_eps, name, e);
	if (!code)
		code = read_fraction(json, distil ? "dropout" : "hidden_dropout_prob", &c->hidden_dropout, name, e);
	if (!code)
		code = read_fraction(json, distil ? "attention_dropout" : "attention_probs_dropout_prob", &c->attention_dropout,
		                     name, e);
	if (!code)
		code = read_fraction(json, "initializer_range", &c->initializer_range, name, e);
	return code;
}

static int read_activation(struct config *c, const cJSON *json, const char *name, struct err *e)
{
	const char *field = c->family == FAMILY_DISTILBERT ? "activation" : "hidden_act", *text = "gelu";
	int code = json_get_string(json, field, &text, name, e);
	if (code)
		return code;
	for (int i = 0; i < ACTIVATIONS_READ; i++)
		if (!strcmp(activations[i].name, text)) {
			c->act = activations[i].act;
			return 0;
		}
	return err_set(e, ERR_UNSUPPORTED, "%s '%.80s' in '%s' is not supported (known: gelu, gelu_new, relu)", field, text,
	               name);
}

/* Settings that change the arithmetic in ways the engine does not have must not be passed over in silence. */
static int check_unsupported(const cJSON *json, const char *name, struct err *e)
{
	static const char *const flags[] = {"is_decoder", "add_cross_attention", "is_encoder_decoder"};
	const char *positions = "absolute", *problem = "";
	int code = json_get_string(json, "position_embedding_type", &positions, name, e);
	if (!code)
		code = json_get_string(json, "problem_type", &problem, name, e);
	if (!code && !strcmp(problem, "multi_label_classification"))
		code = err_set(e, ERR_UNSUPPORTED, "problem_type '%s' in '%s' is not supported: one label a text is predicted",
		               problem, name);
	if (!code && strcmp(positions, "absolute"))
		code = err_set(e, ERR_UNSUPPORTED, "position_embedding_type '%.80s' in '%s' is not supported (known: absolute)",
		               positions, name);
	for (size_t i = 0; i < sizeof flags / sizeof flags[0] && !code; i++)
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, flags[i])))
			code = err_set(e, ERR_UNSUPPORTED, "'%s' in '%s' is not supported: the model must be a plain encoder",
			               flags[i], name);
	const cJSON *pruned = cJSON_GetObjectItemCaseSensitive(json, "pruned_heads");
	if (!code && pruned && pruned->child)
		code = err_set(e, ERR_UNSUPPORTED,
		               "'pruned_heads' in '%s' is not supported: every layer must have all its heads", name);
	return code;
}

/* ---- labels ---- */

static int labels_allocate(struct config *c, int count, const char *name, struct err *e)
{
	if (count < 1 || count > CLASSES_MAX)
		return err_set(e, ERR_LIMIT, "expected 1 to %d labels, found %d in '%s'", CLASSES_MAX, count, name);
	c->C = count;
	c->labels = calloc((size_t)count, sizeof *c->labels);
	return c->labels ? 0 : err_set(e, ERR_MEMORY, "out of memory for the %d labels of '%s'", count, name);
}

static int label_set(struct config *c, long long id, const char *text, const char *field, const char *name,
                     unsigned char *seen, struct err *e)
{
	if (id < 0 || id >= c->C)
		return err_set(e, ERR_FORMAT, "label number %lld of '%s' is outside 0..%d: '%s' holds %d labels", id, name,
		               c->C - 1, field, c->C);
	if (seen[id])
		return err_set(e, ERR_FORMAT, "field '%s' of '%s' gives label %lld twice", field, name, id);
	if (strlen(text) >= LABEL_SIZE)
		return err_set(e, ERR_LIMIT, "label %lld of '%s' is longer than %d bytes: '%.40s...'", id, name, LABEL_SIZE - 1,
		               text);
	seen[id] = 1;
	memcpy(c->labels[id], text, strlen(text) + 1);
	return 0;
}

/* One entry of {"0": "negative"}. Labels that are numbers are kept as they would be printed. */
static int read_by_id(struct config *c, const cJSON *entry, const char *name, unsigned char *seen, struct err *e)
{
	char number[32], *end = NULL;
	const char *text = entry->valuestring;
	long id = strtol(entry->string, &end, 10); /* what does not fit becomes the largest */
	if (end == entry->string || *end || id == LONG_MAX || id == LONG_MIN)
		return err_set(e, ERR_FORMAT, "field 'id2label' of '%s' has the key '%.40s', expected a label number", name,
		               entry->string);
	if (cJSON_IsNumber(entry)) {
		snprintf(number, sizeof number, "%.15g", entry->valuedouble);
		text = number;
	} else if (!cJSON_IsString(entry)) {
		return err_set(e, ERR_FORMAT, "label '%.40s' in field 'id2label' of '%s' must be a string", entry->string,
		               name);
	}
	return label_set(c, id, text, "id2label", name, seen, e);
}

/* One entry of {"negative": 0}. */
static int read_by_label(struct config *c, const cJSON *entry, const char *name, unsigned char *seen, struct err *e)
{
	double id = entry->valuedouble;
	if (!cJSON_IsNumber(entry) || id != floor(id) || fabs(id) > 1e9)
		return err_set(e, ERR_FORMAT, "label '%.40s' in field 'label2id' of '%s' must have a whole number",
		               entry->string, name);
	return label_set(c, (long long)id, entry->string, "label2id", name, seen, e);
}

static int read_label_map(struct config *c, const cJSON *map, int by_label, const char *name, struct err *e)
{
	const char *field = by_label ? "label2id" : "id2label";
	unsigned char seen[CLASSES_MAX] = {0};
	int code = 0;
	const cJSON *entry;
	if (!cJSON_IsObject(map))
		return err_set(e, ERR_FORMAT, "field '%s' of '%s' must be an object", field, name);
	code = labels_allocate(c, cJSON_GetArraySize(map), name, e);
	if (code)
		return code;
	cJSON_ArrayForEach(entry, map)
	{
		code = by_label ? read_by_label(c, entry, name, seen, e) : read_by_id(c, entry, name, seen, e);
		if (code)
			return code;
	}
	return 0;
}

static int default_labels(struct config *c, int count, const char *name, struct err *e)
{
	int code = labels_allocate(c, count, name, e);
	for (int i = 0; !code && i < count; i++)
		snprintf(c->labels[i], LABEL_SIZE, "LABEL_%d", i);
	return code;
}

static int is_given(const cJSON *item) { return item && !cJSON_IsNull(item); }

/* id2label rules, as in transformers; without it label2id, then num_labels, then two classes. */
static int read_labels(struct config *c, const cJSON *json, const char *name, struct err *e)
{
	const cJSON *by_id = cJSON_GetObjectItemCaseSensitive(json, "id2label");
	const cJSON *by_label = cJSON_GetObjectItemCaseSensitive(json, "label2id");
	int declared = 0;
	int code = get_int(json, "num_labels", &declared, 1, CLASSES_MAX, name, e);
	if (code)
		return code;
	if (is_given(by_id))
		code = read_label_map(c, by_id, 0, name, e);
	else if (is_given(by_label))
		code = read_label_map(c, by_label, 1, name, e);
	else
		code = default_labels(c, declared ? declared : 2, name, e);
	if (!code && declared && declared != c->C)
		code = err_set(e, ERR_MISMATCH, "'num_labels' of '%s' is %d, but it names %d labels", name, declared, c->C);
	return code;
}

static int read_predictors(struct config *c, const cJSON *json, const char *name, struct err *e)
{
	const cJSON *own = cJSON_GetObjectItemCaseSensitive(json, "adapler");
	c->K = 0;
	if (!is_given(own))
		return 0;
	if (!cJSON_IsObject(own))
		return err_set(e, ERR_FORMAT, "field 'adapler' of '%s' must be an object", name);
	return get_int(own, "cp_size", &c->K, 0, CP_SIZE_MAX, name, e);
}

static int read_all(struct config *c, const cJSON *json, const char *name, struct err *e)
{
	int code = cJSON_IsObject(json) ? 0 : err_set(e, ERR_FORMAT, "expected a JSON object in '%s'", name);
	if (!code)
		code = read_family(c, json, name, e);
	if (!code)
		code = check_unsupported(json, name, e);
	if (!code)
		code = read_sizes(c, json, name, e);
	if (!code)
		code = read_rates(c, json, name, e);
	if (!code)
		code = read_activation(c, json, name, e);
	if (!code)
		code = read_predictors(c, json, name, e);
	if (!code)
		code = read_labels(c, json, name, e);
	return code;
}

int config_parse(struct config *c, const char *json, size_t size, const char *name, struct err *e)
{
	memset(c, 0, sizeof *c);
	cJSON *tree = json_parse(json, size, name, e);
	if (!tree)
		return e && e->code ? e->code : ERR_FORMAT;
	int code = read_all(c, tree, name, e);
	cJSON_Delete(tree);
	if (code)
		config_free(c);
	return code;
}

int config_read(struct config *c, const char *path, struct err *e)
{
	char inside[4096], *text;
	size_t size;
	memset(c, 0, sizeof *c);
	if (file_is_directory(path)) {
		int code = file_join(inside, sizeof inside, path, "config.json", e);
		if (code)
			return code;
		path = inside;
	}
	int code = file_read(&text, &size, path, CONFIG_BYTES_MAX, e);
	if (code)
		return code;
	code = config_parse(c, text, size, path, e);
	free(text);
	return code;
}

/* ---- writing ---- */

static void add_labels(struct buf *b, const struct config *c)
{
	buf_add_text(b, "  \"id2label\": {");
	for (int i = 0; i < c->C; i++) {
		buf_addf(b, "%s\n    \"%d\": ", i ? "," : "", i);
		buf_add_json_string(b, c->labels[i], strlen(c->labels[i]));
	}
	buf_add_text(b, "\n  },\n  \"label2id\": {");
	for (int i = 0; i < c->C; i++) {
		buf_addf(b, "%s\n    ", i ? "," : "");
		buf_add_json_string(b, c->labels[i], strlen(c->labels[i]));
		buf_addf(b, ": %d", i);
	}
	buf_add_text(b, "\n  }");
}

static void add_number(struct buf *b, const char *field, double value)
{
	buf_addf(b, "  \"%s\": ", field);
	buf_add_json_double(b, value);
	buf_add_text(b, ",\n");
}

static void add_config(struct buf *b, const struct config *c)
{
	int distil = c->family == FAMILY_DISTILBERT;
	buf_addf(b, "{\n  \"architectures\": [\"%s\"],\n",
	         distil ? "DistilBertForSequenceClassification" : "BertForSequenceClassification");
	buf_addf(b, "  \"model_type\": \"%s\",\n", family_name(c->family));
#define WRITE(member, bert, bert_default, distilbert, distilbert_default, low, high) \
	add_number(b, distil ? distilbert : bert, c->member);
	INT_FIELDS(WRITE)
#undef WRITE
	if (!distil) {
		add_number(b, "type_vocab_size", c->types);
		add_number(b, "layer_norm_eps", c->layer_norm_eps);
	}
	buf_addf(b, "  \"%s\": \"%s\",\n", distil ? "activation" : "hidden_act", activation_name(c->act));
	add_number(b, distil ? "dropout" : "hidden_dropout_prob", c->hidden_dropout);
	add_number(b, distil ? "attention_dropout" : "attention_probs_dropout_prob", c->attention_dropout);
	add_number(b, "initializer_range", c->initializer_range);
	add_labels(b, c);
	if (c->K)
		buf_addf(b, ",\n  \"adapler\": {\n    \"cp_size\": %d\n  }", c->K);
	buf_add_text(b, "\n}\n");
}

int config_write(const struct config *c, const char *path, struct err *e)
{
	struct buf b = {0};
	add_config(&b, c);
	int code = buf_check(&b, e);
	if (!code)
		code = file_write_atomic(path, b.data, b.size, e);
	buf_free(&b);
	return code;
}
