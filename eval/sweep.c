#include "sweep.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/json.h"
#include "../engine/base/opt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 1000, CELLS_MAX = 10000, SPEC_BYTES_MAX = 1 << 24 };

#define ENUM_FIELD(name, kind, help) FIELD_##name,
enum field { SWEEP_FIELDS(ENUM_FIELD) FIELDS };

enum kind { TEXT, NUMBER, POLICY };

#define FIELD_ROW(name, kind, help) {#name, kind},
static const struct {
	const char *name;
	enum kind kind;
} fields[FIELDS] = {SWEEP_FIELDS(FIELD_ROW)};

/* The values of every field, as text; none: the default. */
struct grid {
	const char **value[FIELDS];
	int count[FIELDS], capacity[FIELDS];
};

struct parsing {
	struct sweep *sweep;
	const char *name; /* of the specification */
	int number;       /* of the grid, from 1 */
};

/* ---- values ---- */

static int bad_field(const struct parsing *p, enum field f, const char *why, struct err *e)
{
	return err_set(e, ERR_FORMAT, "field '%s' of grid %d in '%s' %s", fields[f].name, p->number, p->name, why);
}

/* The same with a sentence of its own. */
static int bad_value(const struct parsing *p, enum field f, const struct err *why, struct err *e)
{
	return err_set(e, ERR_FORMAT, "field '%s' of grid %d in '%s': %s", fields[f].name, p->number, p->name, why->text);
}

static int add_value(struct parsing *p, struct grid *g, enum field f, const char *text, struct err *e)
{
	if (g->count[f] == VALUES_MAX)
		return bad_field(p, f, "has more than 1000 values", e);
	if (g->count[f] == g->capacity[f]) {
		const int capacity = g->capacity[f] ? 2 * g->capacity[f] : 8;
		const char **more = realloc(g->value[f], (size_t)capacity * sizeof *more);
		if (!more)
			return err_set(e, ERR_MEMORY, "out of memory for '%s'", p->name);
		g->value[f] = more;
		g->capacity[f] = capacity;
	}
	const char *copy = texts_copy(&p->sweep->texts, text, strlen(text), e);
	g->value[f][g->count[f]++] = copy;
	return copy ? 0 : ERR_MEMORY;
}

/* "0.1:1.0:0.1" or "1,2,3", each without the dust of binary fractions. */
static int expand_numbers(double *values, int *count, const char *text, const char *name, struct err *e)
{
	return opt_double_list(values, VALUES_MAX, count, text, name, e);
}

static int add_numbers(struct parsing *p, struct grid *g, enum field f, const char *text, struct err *e)
{
	double values[VALUES_MAX];
	char number[40];
	int count = 0, code = expand_numbers(values, &count, text, fields[f].name, NULL);
	if (code)
		return bad_field(p, f, "must be numbers or ranges FROM:TO:STEP", e);
	for (int i = 0; i < count && !code; i++) {
		snprintf(number, sizeof number, "%.12g", values[i]);
		code = add_value(p, g, f, number, e);
	}
	return code;
}

/* ---- policies ---- */

/* One alternative, or the numbers of a range, each ended by a NUL. */
static int add_alternative(struct buf *list, int *count, const char *word, struct err *e)
{
	double values[VALUES_MAX];
	int n = 1;
	if (!strchr(word, ':')) {
		buf_add_text(list, word);
		buf_add_byte(list, '\0');
	} else if (expand_numbers(values, &n, word, "policy", e)) {
		return ERR_USAGE;
	} else {
		for (int i = 0; i < n; i++) {
			buf_addf(list, "%.12g", values[i]);
			buf_add_byte(list, '\0');
		}
	}
	*count += n;
	return buf_check(list, e);
}

/* The alternatives of one argument's value, "a|b", of any length. */
static int add_alternatives(struct buf *list, int *count, const char *value, size_t size, struct err *e)
{
	int code = 0;
	char *text = strndup(value, size);
	if (!text)
		return err_set(e, ERR_MEMORY, "out of memory for a policy of %zu bytes", size);
	for (char *rest = text, *word; !code && (word = strsep(&rest, "|"));)
		code = add_alternative(list, count, word, e);
	free(text);
	return code;
}

/* Where the first value with alternatives begins and ends; NULL: there is none. */
static const char *find_alternatives(const char *policy, size_t *size)
{
	const char *at = strchr(policy, ':');
	for (at = at ? at + 1 : NULL; at && *at; at += *at == ',') {
		const size_t argument = strcspn(at, ","), key = strcspn(at, "=");
		if (key < argument && strcspn(at + key + 1, ":|") < argument - key - 1) {
			*size = argument - key - 1;
			return at + key + 1;
		}
		at += argument;
	}
	return NULL;
}

static int add_policies(struct parsing *p, struct grid *g, const char *text, struct err *e);

/* One policy for each alternative of the first argument that has some; those of the others follow. */
static int add_each(struct parsing *p, struct grid *g, const char *text, const char *at, size_t size, struct err *e)
{
	struct buf list = {0}, policy = {0};
	int count = 0, code = add_alternatives(&list, &count, at, size, NULL);
	if (code)
		code = code == ERR_MEMORY ? err_set(e, code, "out of memory for '%s'", p->name)
		                          : bad_field(p, FIELD_policy, "must have ranges FROM:TO:STEP", e);
	const char *word = list.data;
	for (int i = 0; i < count && !code; i++, word += strlen(word) + 1) {
		buf_reset(&policy);
		buf_addf(&policy, "%.*s%s%s", (int)(at - text), text, word, at + size);
		code = buf_check(&policy, e);
		if (!code)
			code = add_policies(p, g, policy.data, e);
	}
	buf_free(&policy);
	buf_free(&list);
	return code;
}

static int add_policies(struct parsing *p, struct grid *g, const char *text, struct err *e)
{
	size_t size = 0;
	struct policy policy;
	struct err why = {0};
	const char *at = find_alternatives(text, &size);
	if (at)
		return add_each(p, g, text, at, size, e);
	if (policy_parse(&policy, text, &why))
		return bad_value(p, FIELD_policy, &why, e);
	return add_value(p, g, FIELD_policy, policy.text, e);
}

/* ---- fields ---- */

static int add_text(struct parsing *p, struct grid *g, enum field f, const char *text, struct err *e)
{
	if (fields[f].kind == POLICY)
		return add_policies(p, g, text, e);
	/* phi and gamma are numbers too, but the folders of models spell them as they like. */
	if (fields[f].kind == NUMBER || ((f == FIELD_phi || f == FIELD_gamma) && strchr(text, ':')))
		return add_numbers(p, g, f, text, e);
	return add_value(p, g, f, text, e);
}

static int add_scalar(struct parsing *p, struct grid *g, enum field f, const cJSON *item, struct err *e)
{
	char number[40];
	if (cJSON_IsString(item))
		return add_text(p, g, f, item->valuestring, e);
	if (cJSON_IsBool(item) && fields[f].kind == NUMBER)
		return add_value(p, g, f, cJSON_IsTrue(item) ? "1" : "0", e);
	if (cJSON_IsNumber(item) && fields[f].kind != POLICY) {
		snprintf(number, sizeof number, "%.12g", item->valuedouble);
		return add_value(p, g, f, number, e);
	}
	return bad_field(p, f,
	                 fields[f].kind == NUMBER ? "must be a number, a range or a list of them"
	                                          : "must be a text or a list of texts",
	                 e);
}

static int read_field(struct parsing *p, struct grid *g, const cJSON *item, struct err *e)
{
	const char *names[FIELDS + 1] = {0};
	int f = 0, code = 0;
	while (f < FIELDS && strcmp(fields[f].name, item->string) != 0)
		f++;
	if (f == FIELDS) {
		char hint[700];
		for (int i = 0; i < FIELDS; i++)
			names[i] = fields[i].name;
		err_suggest(hint, sizeof hint, item->string, names);
		return err_set(e, ERR_FORMAT, "unknown field '%.80s' of grid %d in '%s'%s", item->string, p->number, p->name,
		               hint);
	}
	g->count[f] = 0; /* a grid's own value takes the place of the common one */
	if (!cJSON_IsArray(item))
		return add_scalar(p, g, (enum field)f, item, e);
	if (!cJSON_GetArraySize(item))
		return bad_field(p, (enum field)f, "is an empty list", e);
	const cJSON *one;
	cJSON_ArrayForEach(one, item) if (!code) code = add_scalar(p, g, (enum field)f, one, e);
	return code;
}

static int read_fields(struct parsing *p, struct grid *g, const cJSON *object, struct err *e)
{
	const cJSON *item;
	int code =
		cJSON_IsObject(object) ? 0 : err_set(e, ERR_FORMAT, "grid %d in '%s' must be an object", p->number, p->name);
	if (code)
		return code;
	cJSON_ArrayForEach(item, object) if (!code && strcmp(item->string, "grids") != 0) code = read_field(p, g, item, e);
	return code;
}

static void grid_free(struct grid *g)
{
	for (int f = 0; f < FIELDS; f++)
		free(g->value[f]);
}

/* ---- cells ---- */

/* One value of each field; NULL: the default. */
struct choice {
	const char *value[FIELDS];
};

static const enum field variables[] = {FIELD_task, FIELD_seed, FIELD_phi, FIELD_gamma};
enum { VARIABLES = sizeof variables / sizeof *variables };

/* The variable whose name in braces `text` begins with, and how long that is; VARIABLES: none. */
static int find_variable(const char *text, size_t *size)
{
	int i = 0;
	for (; i < VARIABLES; i++) {
		const char *name = fields[variables[i]].name;
		*size = strlen(name) + 2;
		if (*text == '{' && !strncmp(text + 1, name, *size - 2) && text[*size - 1] == '}')
			break;
	}
	return i;
}

/* "runs/{task}-{seed}": with the choice's values in. `keeps_seed`: all but {seed}, the name of a family. */
static const char *fill(struct parsing *p, const struct choice *c, enum field f, int keeps_seed, struct err *e)
{
	struct buf b = {0};
	const char *copy = NULL;
	int code = 0;
	for (const char *text = c->value[f]; *text && !code;) {
		size_t size;
		const int i = find_variable(text, &size);
		if (i == VARIABLES || (keeps_seed && variables[i] == FIELD_seed)) {
			buf_add_byte(&b, *text++);
			continue;
		}
		if (!c->value[variables[i]])
			code = bad_field(p, f, "names a variable that is not given: {task}, {seed}, {phi} or {gamma}", e);
		else
			buf_add_text(&b, c->value[variables[i]]);
		text += size;
	}
	if (!code && !buf_check(&b, e))
		copy = texts_copy(&p->sweep->texts, b.data ? b.data : "", b.size, e);
	buf_free(&b);
	return copy;
}

static int names(const struct choice *c, const char *variable)
{
	static const enum field templates[] = {FIELD_model, FIELD_counts_model, FIELD_data};
	for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
		if (c->value[templates[i]] && strstr(c->value[templates[i]], variable))
			return 1;
	return 0;
}

/* Whether another value of the field would be the same cell again. */
static int is_idle(const struct choice *c, enum field f)
{
	const char *policy = c->value[FIELD_policy];
	const int is_random = policy && !strncmp(policy, "random", 6);
	return (f == FIELD_seed && !is_random && !names(c, "{seed}")) || (f == FIELD_phi && !names(c, "{phi}")) ||
	       (f == FIELD_gamma && !names(c, "{gamma}"));
}

static int number(const struct parsing *p, const struct choice *c, enum field f, int otherwise, int low, int *out,
                  struct err *e)
{
	const char *text = c->value[f];
	const double value = text ? strtod(text, NULL) : otherwise;
	if (text && (value != floor(value) || value < low || value > 1e9))
		return bad_field(p, f, low ? "must be whole numbers from 1 on" : "must be whole numbers from 0 on", e);
	*out = (int)value;
	return 0;
}

static int set_numbers(const struct parsing *p, const struct choice *c, struct cell *x, struct err *e)
{
	int seed = 0, code = number(p, c, FIELD_max_length, 0, 0, &x->max_length, e);
	if (!code)
		code = number(p, c, FIELD_limit, 0, 0, &x->limit, e);
	if (!code)
		code = number(p, c, FIELD_batch, 32, 1, &x->batch, e);
	if (!code)
		code = number(p, c, FIELD_threads, 0, 0, &x->threads, e);
	if (!code)
		code = number(p, c, FIELD_runs, 1, 0, &x->turns, e);
	if (!code)
		code = number(p, c, FIELD_token_scores, 0, 0, &x->with_scores, e);
	if (!code)
		code = number(p, c, FIELD_seed, 0, 0, &seed, e);
	if (!code)
		x->seed = (uint64_t)seed;
	return code;
}

static int set_texts(struct parsing *p, const struct choice *c, struct cell *x, struct err *e)
{
	struct err why = {0};
	const enum field needed[] = {FIELD_task, FIELD_data, FIELD_model};
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (!c->value[needed[i]])
			return bad_field(p, needed[i], "is missing", e);
	x->task = c->value[FIELD_task];
	x->policy = c->value[FIELD_policy] ? c->value[FIELD_policy] : "none";
	x->counts = c->value[FIELD_counts];
	x->kernels = c->value[FIELD_kernels];
	x->precision = c->value[FIELD_precision];
	x->phi = is_idle(c, FIELD_phi) ? NULL : c->value[FIELD_phi];
	x->gamma = is_idle(c, FIELD_gamma) ? NULL : c->value[FIELD_gamma];
	x->data = fill(p, c, FIELD_data, 0, e);
	x->model = fill(p, c, FIELD_model, 0, e);
	x->family = fill(p, c, FIELD_model, 1, e);
	x->counts_model = c->value[FIELD_counts_model] ? fill(p, c, FIELD_counts_model, 0, e) : NULL;
	if (!x->data || !x->model || !x->family || (c->value[FIELD_counts_model] && !x->counts_model))
		return e->code ? e->code : ERR_MEMORY;
	if (!strstr(x->policy, ":replay") && !strstr(x->policy, ",replay"))
		x->counts = x->counts_model = NULL; /* counts are for those that replay them; others may stand beside them */
	if (split_parse(&x->split, c->value[FIELD_split] ? c->value[FIELD_split] : "dev", &why))
		return bad_value(p, FIELD_split, &why, e);
	return 0;
}

static int is_same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static int is_same(const struct cell *a, const struct cell *b)
{
	return is_same_text(a->model, b->model) && is_same_text(a->task, b->task) && is_same_text(a->data, b->data) &&
	       is_same_text(a->policy, b->policy) && a->split == b->split && a->max_length == b->max_length &&
	       a->limit == b->limit && a->batch == b->batch && a->threads == b->threads && a->turns == b->turns &&
	       a->with_scores == b->with_scores && a->seed == b->seed && is_same_text(a->kernels, b->kernels) &&
	       is_same_text(a->precision, b->precision) && is_same_text(a->counts, b->counts) &&
	       is_same_text(a->counts_model, b->counts_model);
}

static int is_there(const struct sweep *s, const struct cell *x)
{
	for (int i = s->count - 1; i >= 0; i--)
		if (is_same(&s->cells[i], x))
			return 1;
	return 0;
}

static int add_cell(struct parsing *p, const struct choice *c, struct err *e)
{
	struct sweep *s = p->sweep;
	struct cell x = {0};
	int code = set_texts(p, c, &x, e);
	if (!code)
		code = set_numbers(p, c, &x, e);
	if (code || is_there(s, &x))
		return code;
	if (s->count == CELLS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d cells in '%s'", CELLS_MAX, p->name);
	if (s->count == s->capacity) {
		const int capacity = s->capacity ? 2 * s->capacity : 64;
		struct cell *more = realloc(s->cells, (size_t)capacity * sizeof *more);
		if (!more)
			return err_set(e, ERR_MEMORY, "out of memory for %d cells", capacity);
		s->cells = more;
		s->capacity = capacity;
	}
	s->cells[s->count++] = x;
	return 0;
}

static void choose(const struct grid *g, const int *at, struct choice *c)
{
	for (int f = 0; f < FIELDS; f++)
		c->value[f] = g->count[f] ? g->value[f][at[f]] : NULL;
}

static int is_repeated(const struct choice *c, const int *at)
{
	for (int f = 0; f < FIELDS; f++)
		if (at[f] && is_idle(c, (enum field)f))
			return 1;
	return 0;
}

/* Those that make no difference are tried and left out, but not for ever. */
static int check_size(const struct parsing *p, const struct grid *g, struct err *e)
{
	double product = 1;
	for (int f = 0; f < FIELDS; f++)
		product *= g->count[f] ? g->count[f] : 1;
	if (product <= 100.0 * CELLS_MAX)
		return 0;
	return err_set(e, ERR_LIMIT, "grid %d in '%s' has %.3g combinations, more than %d", p->number, p->name, product,
	               100 * CELLS_MAX);
}

/* All combinations, the last field fastest, like the digits of a counter. */
static int add_cells(struct parsing *p, const struct grid *g, struct err *e)
{
	int at[FIELDS] = {0}, code = check_size(p, g, e);
	for (int f = 0; f >= 0 && !code;) {
		struct choice c;
		choose(g, at, &c);
		code = is_repeated(&c, at) ? 0 : add_cell(p, &c, e);
		for (f = FIELDS - 1; f >= 0 && ++at[f] >= (g->count[f] ? g->count[f] : 1); f--)
			at[f] = 0;
	}
	return code;
}

/* ---- grids ---- */

/* The common fields, and over them the grid's own (NULL: none). */
static int read_grid(struct parsing *p, const cJSON *common, const cJSON *own, struct err *e)
{
	struct grid g = {0};
	int code = read_fields(p, &g, common, e);
	if (!code && own)
		code = read_fields(p, &g, own, e);
	if (!code)
		code = add_cells(p, &g, e);
	grid_free(&g);
	return code;
}

static int read_grids(struct parsing *p, const cJSON *json, struct err *e)
{
	const cJSON *grids = cJSON_GetObjectItemCaseSensitive(json, "grids"), *own;
	int code = 0;
	p->number = 1;
	if (!grids)
		return read_grid(p, json, NULL, e);
	if (!cJSON_IsArray(grids) || !cJSON_GetArraySize(grids))
		return err_set(e, ERR_FORMAT, "field 'grids' in '%s' must be a list of objects", p->name);
	cJSON_ArrayForEach(own, grids)
	{
		if (!code)
			code = read_grid(p, json, own, e);
		p->number++;
	}
	return code;
}

int sweep_parse(struct sweep *s, const char *json, size_t size, const char *name, struct err *e)
{
	struct parsing p = {.sweep = s, .name = name, .number = 1};
	struct err local = {0};
	*s = (struct sweep){0};
	cJSON *root = json_parse(json, size, name, &local);
	int code = root ? read_grids(&p, root, &local) : local.code;
	cJSON_Delete(root);
	if (code)
		sweep_free(s);
	return code ? err_set(e, code, "%s", local.text) : 0;
}

int sweep_read(struct sweep *s, const char *path, struct err *e)
{
	char *json;
	size_t size;
	*s = (struct sweep){0};
	int code = file_read(&json, &size, path, SPEC_BYTES_MAX, e);
	if (code)
		return code;
	code = sweep_parse(s, json, size, path, e);
	free(json);
	return code;
}

void sweep_free(struct sweep *s)
{
	free(s->cells);
	texts_free(&s->texts);
	*s = (struct sweep){0};
}
