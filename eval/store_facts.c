/* Facts as rows. Arrays are JSON: any tool can read them, and they are shorter than a row a value. */
#include "store_facts.h"

#include "../engine/base/err.h"
#include "../engine/base/json.h"
#include "store_sql.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const arm_names[ARM_COUNT] = {"policy", "dense"};

/* ---- writing ---- */

static int add_example(struct store *s, int64_t run, const struct facts *f, int i, struct buf *b, struct err *e)
{
	sqlite3_stmt *q;
	const int L = f->shape.L;
	buf_reset(b);
	for (int c = 0; c < f->outputs; c++) {
		buf_add_byte(b, c ? ',' : '[');
		buf_add_json_float(b, f->logits[(size_t)i * (size_t)f->outputs + (size_t)c]);
	}
	buf_add(b, "]", 2); /* with its NUL: two texts in one buffer */
	const size_t rows = b->size;
	for (int l = 0; l < L; l++) {
		buf_add_byte(b, l ? ',' : '[');
		buf_add_json_int(b, f->rows[(size_t)i * (size_t)L + (size_t)l]);
	}
	buf_add_byte(b, ']');
	int code = buf_check(b, e);
	if (code)
		return code;
	const double gold = f->classes ? (f->gold[i] < 0 ? NAN : f->gold[i]) : f->target[i];
	const double pred = f->classes ? f->pred[i] : facts_predicted(f, i);
	code = sql_bind(s, &q, SQL_EXAMPLE_ADD, e, "iiddtitii", run, (int64_t)f->idx[i], gold, pred, b->data,
	                (int64_t)f->tokens[i], b->data + rows, f->flops[i], f->dense_flops[i]);
	return code ? code : sql_write(s, q, e);
}

static int add_trace(struct store *s, int64_t run, const struct facts *f, int i, struct buf *b, struct err *e)
{
	sqlite3_stmt *q;
	buf_reset(b);
	buf_add_byte(b, '[');
	for (int64_t t = f->start[i]; t < f->start[i + 1]; t++) {
		if (t > f->start[i])
			buf_add_byte(b, ',');
		if (f->score)
			buf_add_byte(b, '[');
		buf_add_json_int(b, f->died_at[t]);
		if (f->score) {
			buf_add_byte(b, ',');
			buf_add_json_float(b, f->score[t]);
			buf_add_byte(b, ']');
		}
	}
	buf_add_byte(b, ']');
	int code = buf_check(b, e);
	if (!code)
		code = sql_bind(s, &q, SQL_TRACE_ADD, e, "iit", run, (int64_t)f->idx[i], b->data);
	return code ? code : sql_write(s, q, e);
}

static int add_times(struct store *s, int64_t run, const struct facts *f, enum facts_arm arm, struct err *e)
{
	sqlite3_stmt *q;
	int code = 0;
	for (int64_t turn = 0; turn < f->turns[arm]; turn++)
		for (int64_t batch = 0; batch < f->batches && !code; batch++) {
			code = sql_bind(s, &q, SQL_TIMING_ADD, e, "itiii", run, arm_names[arm], turn, batch,
			                f->ns[arm][turn * f->batches + batch]);
			if (!code)
				code = sql_write(s, q, e);
		}
	return code;
}

int store_facts_add(struct store *s, int64_t run, const struct facts *f, struct err *e)
{
	struct buf b = {0};
	int code = 0;
	for (int i = 0; i < f->n && !code; i++) {
		code = add_example(s, run, f, i, &b, e);
		if (!code && f->died_at)
			code = add_trace(s, run, f, i, &b, e);
	}
	buf_free(&b);
	for (int arm = 0; arm < ARM_COUNT && !code; arm++)
		code = add_times(s, run, f, (enum facts_arm)arm, e);
	return code;
}

/* ---- what they are facts of ---- */

#define SHAPE_FIELDS(X) X(L) X(H) X(A) X(D) X(F) X(K) X(C)

void store_facts_describe(struct buf *json, const struct facts *f)
{
	const char *separator = "";
	buf_add_text(json, "\"config\":{");
#define ADD_FIELD(name)                                             \
	buf_addf(json, "%s\"" #name "\":%d", separator, f->shape.name); \
	separator = ",";
	SHAPE_FIELDS(ADD_FIELD)
	buf_addf(json, "},\"classes\":%d,\"batch\":%d,\"metrics\":[", f->classes, f->batch);
	for (int i = 0; f->metrics[i]; i++)
		buf_addf(json, "%s\"%s\"", i ? "," : "", f->metrics[i]->name);
	buf_add_text(json, "],");
}

static int read_shape(struct config *c, const cJSON *args, const char *name, struct err *e)
{
	const cJSON *shape = cJSON_GetObjectItemCaseSensitive(args, "config");
	int code = cJSON_IsObject(shape) ? 0 : err_set(e, ERR_FORMAT, "'%s' have no \"config\"", name);
	long long value;
#define READ_FIELD(field)                                                             \
	value = -1;                                                                       \
	if (!code)                                                                        \
		code = json_get_int(shape, #field, &value, 0, INT32_MAX, name, e);            \
	if (!code && value < 0)                                                           \
		code = err_set(e, ERR_FORMAT, "field '" #field "' of '%s' is missing", name); \
	c->field = (int)value;
	SHAPE_FIELDS(READ_FIELD)
	if (!code && (c->L < 1 || c->L > FACTS_LAYERS_MAX || c->H < 1))
		code = err_set(e, ERR_FORMAT, "field 'L' of '%s' must be from 1 to %d", name, FACTS_LAYERS_MAX);
	return code;
}

static int read_metrics(struct facts *f, const cJSON *args, const char *name, struct err *e)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(args, "metrics"), *item;
	int count = 0;
	if (!cJSON_IsArray(list) || !cJSON_GetArraySize(list) || cJSON_GetArraySize(list) > FACTS_METRICS_MAX)
		return err_set(e, ERR_FORMAT, "field 'metrics' of '%s' must be a list of 1 to %d names", name,
		               FACTS_METRICS_MAX);
	cJSON_ArrayForEach(item, list)
	{
		f->metrics[count] = cJSON_IsString(item) ? metric_find(item->valuestring, e) : NULL;
		if (!f->metrics[count++])
			return err_set(e, ERR_FORMAT, "field 'metrics' of '%s' has an unknown name", name);
	}
	return 0;
}

static int read_args(struct facts *f, const char *text, const char *name, struct err *e)
{
	long long classes = -1, batch = -1;
	cJSON *args = json_parse(text, strlen(text), name, e);
	int code = args ? read_shape(&f->shape, args, name, e) : ERR_FORMAT;
	if (!code)
		code = json_get_int(args, "classes", &classes, 0, CLASSES_MAX, name, e);
	if (!code)
		code = json_get_int(args, "batch", &batch, 1, INT32_MAX, name, e);
	if (!code && (classes < 0 || batch < 0))
		code = err_set(e, ERR_FORMAT, "field '%s' of '%s' is missing", classes < 0 ? "classes" : "batch", name);
	if (!code)
		code = read_metrics(f, args, name, e);
	f->classes = (int)classes;
	f->batch = (int)batch;
	cJSON_Delete(args);
	return code;
}

static int read_description(const struct store_row *row, void *arg, struct err *e)
{
	struct facts *f = arg;
	char name[80];
	snprintf(name, sizeof name, "args of run %lld", (long long)row->id);
	if (strcmp(row->run.kind, "eval") != 0 || !row->run.policy)
		return err_set(e, ERR_USAGE, "run %lld is of kind %s: it has no facts", (long long)row->id, row->run.kind);
	int code = policy_parse(&f->policy, row->run.policy, e);
	return code ? code : read_args(f, row->run.args, name, e);
}

/* ---- reading ---- */

int store_read_numbers(const char *text, double *values, int count)
{
	if (*text++ != '[')
		return 0;
	for (int i = 0; i < count; i++) {
		char *end = NULL;
		if (!strncmp(text, "null", 4)) {
			values[i] = NAN;
			end = (char *)(uintptr_t)text + 4;
		} else {
			values[i] = strtod(text, &end);
		}
		if (end == text || *end != (i < count - 1 ? ',' : ']'))
			return 0;
		text = end + 1;
	}
	return !*text;
}

static int bad_row(const char *table, int64_t run, int64_t idx, const char *field, struct err *e)
{
	return err_set(e, ERR_FORMAT, "field '%s' of example %lld of run %lld cannot be (table %s)", field, (long long)idx,
	               (long long)run, table);
}

static double real_or_nan(sqlite3_stmt *q, int column)
{
	return sqlite3_column_type(q, column) == SQLITE_NULL ? NAN : sqlite3_column_double(q, column);
}

static int set_labels(struct facts *f, int i, double gold, double pred)
{
	f->target[i] = NAN;
	f->gold[i] = -1;
	if (!f->classes) {
		f->target[i] = gold;
		return 1;
	}
	if (!(pred >= 0 && pred < f->classes) || pred != floor(pred))
		return 0;
	f->pred[i] = (int)pred;
	if (isnan(gold))
		return 1;
	f->gold[i] = gold >= 0 && gold < f->classes ? (int)gold : -1;
	return f->gold[i] >= 0 && gold == floor(gold);
}

static int read_example(struct facts *f, int64_t run, int i, sqlite3_stmt *q, struct err *e)
{
	double values[CLASSES_MAX];
	const int L = f->shape.L, outputs = f->outputs;
	const int64_t idx = sqlite3_column_int64(q, 0), tokens = sqlite3_column_int64(q, 4);
	if (tokens < 1 || tokens > INT32_MAX || idx > INT32_MAX)
		return bad_row("example", run, idx, "tokens", e);
	f->idx[i] = (int)idx;
	f->tokens[i] = (int)tokens;
	f->start[i + 1] = f->start[i] + tokens;
	if (!set_labels(f, i, real_or_nan(q, 1), real_or_nan(q, 2)))
		return bad_row("example", run, idx, "gold, pred", e);
	if (!store_read_numbers((const char *)sqlite3_column_text(q, 3), values, outputs))
		return bad_row("example", run, idx, "logits", e);
	for (int c = 0; c < outputs; c++)
		f->logits[(size_t)i * (size_t)outputs + (size_t)c] = (float)values[c];
	if (!store_read_numbers((const char *)sqlite3_column_text(q, 5), values, L))
		return bad_row("example", run, idx, "rows", e);
	for (int l = 0; l < L; l++) {
		if (!(values[l] >= 1 && values[l] <= (double)tokens))
			return bad_row("example", run, idx, "rows", e);
		f->rows[(size_t)i * (size_t)L + (size_t)l] = (int)values[l];
	}
	f->flops[i] = sqlite3_column_int64(q, 6);
	f->dense_flops[i] = sqlite3_column_int64(q, 7);
	return f->flops[i] > 0 && f->dense_flops[i] > 0 ? 0 : bad_row("example", run, idx, "flops", e);
}

static int read_examples(struct store *s, int64_t run, struct facts *f, struct err *e)
{
	sqlite3_stmt *q;
	int is_row = 0, i = 0, code = sql_bind(s, &q, SQL_EXAMPLE_ALL, e, "i", run);
	while (!code && !(code = sql_step(s, q, &is_row, e)) && is_row)
		code = i < f->n ? read_example(f, run, i++, q, e)
		                : err_set(e, ERR_IO, "run %lld is being written", (long long)run);
	sql_end(q);
	return code;
}

/* "[3,[0,0.5],...]": a value a token, a pair where scores were kept. */
static int read_tokens(const char *text, struct facts *f, int i)
{
	if (*text++ != '[')
		return 0;
	for (int64_t t = f->start[i]; t < f->start[i + 1]; t++) {
		const int is_pair = *text == '[';
		char *end;
		const long layer = strtol(text + is_pair, &end, 10);
		if (end == text + is_pair || layer < 0 || layer > f->shape.L || is_pair != (f->score != NULL))
			return 0;
		f->died_at[t] = (unsigned char)layer;
		if (is_pair) {
			const char *score = end + 1;
			const int is_null = !strncmp(score, "null", 4);
			if (*end != ',')
				return 0;
			f->score[t] = is_null ? NAN : strtof(score, &end);
			end = is_null ? (char *)(uintptr_t)score + 4 : end;
			if (*end++ != ']')
				return 0;
		}
		if (*end != (t < f->start[i + 1] - 1 ? ',' : ']'))
			return 0;
		text = end + 1;
	}
	return !*text;
}

static int read_traces(struct store *s, int64_t run, struct facts *f, struct err *e)
{
	sqlite3_stmt *q;
	int is_row = 0, i = 0, code = sql_bind(s, &q, SQL_TRACE_ALL, e, "i", run);
	while (!code && !(code = sql_step(s, q, &is_row, e)) && is_row) {
		const int64_t idx = sqlite3_column_int64(q, 0);
		if (i >= f->n || idx != f->idx[i] || !read_tokens((const char *)sqlite3_column_text(q, 1), f, i++))
			code = bad_row("trace", run, idx, "tokens", e);
	}
	sql_end(q);
	if (!code && i < f->n)
		code = err_set(e, ERR_FORMAT, "run %lld has traces of %d examples of %d", (long long)run, i, f->n);
	return code;
}

static int read_times(struct store *s, int64_t run, struct facts *f, struct err *e)
{
	sqlite3_stmt *q;
	int64_t seen[ARM_COUNT] = {0};
	int is_row = 0, code = sql_bind(s, &q, SQL_TIMING_ALL, e, "i", run);
	while (!code && !(code = sql_step(s, q, &is_row, e)) && is_row) {
		const int arm = !strcmp((const char *)sqlite3_column_text(q, 0), arm_names[ARM_DENSE]);
		const int64_t at = seen[arm]++;
		if (sqlite3_column_int64(q, 1) * f->batches + sqlite3_column_int64(q, 2) != at ||
		    at >= (int64_t)f->turns[arm] * f->batches)
			code = err_set(e, ERR_FORMAT, "the times of run %lld have gaps", (long long)run);
		else
			f->ns[arm][at] = sqlite3_column_int64(q, 3);
	}
	sql_end(q);
	for (int arm = 0; arm < ARM_COUNT && !code; arm++)
		if (seen[arm] != (int64_t)f->turns[arm] * f->batches)
			code = err_set(e, ERR_FORMAT, "the times of run %lld have gaps", (long long)run);
	return code;
}

/* ---- sizes ---- */

struct sizes {
	int64_t examples, traces, tokens, turns[ARM_COUNT];
	int has_scores;
};

static int see_sizes(const struct store_value *v, int columns, void *arg, struct err *e)
{
	struct sizes *z = arg;
	(void)columns;
	(void)e;
	*z = (struct sizes){.examples = v[0].integer,
	                    .traces = v[1].integer,
	                    .tokens = v[2].integer,
	                    .turns = {[ARM_POLICY] = v[3].integer, [ARM_DENSE] = v[4].integer},
	                    .has_scores = (int)v[5].integer};
	return 0;
}

static int get_sizes(struct store *s, int64_t run, struct sizes *z, struct err *e)
{
	return store_select(s, see_sizes, z, e,
	                    "SELECT (SELECT count(*) FROM example WHERE run = ?1),"
	                    " (SELECT count(*) FROM trace WHERE run = ?1),"
	                    " (SELECT coalesce(sum(tokens), 0) FROM example WHERE run = ?1),"
	                    " (SELECT coalesce(max(turn) + 1, 0) FROM timing WHERE run = ?1 AND arm = 'policy'),"
	                    " (SELECT coalesce(max(turn) + 1, 0) FROM timing WHERE run = ?1 AND arm = 'dense'),"
	                    " coalesce((SELECT tokens LIKE '[[%' FROM trace WHERE run = ?1 LIMIT 1), 0)",
	                    "i", run);
}

static int open_facts(struct store *s, int64_t run, unsigned what, struct facts *f, struct err *e)
{
	struct sizes z = {0};
	int code = get_sizes(s, run, &z, e);
	if (!code && (z.examples < 1 || z.examples > INT32_MAX))
		code = err_set(e, ERR_USAGE, "run %lld has no facts", (long long)run);
	for (int arm = 0; arm < ARM_COUNT && !code && (what & STORE_TIMES); arm++) {
		f->turns[arm] = (int)z.turns[arm];
		if (z.turns[arm] < 0 || z.turns[arm] > 1000000)
			code = err_set(e, ERR_FORMAT, "run %lld cannot have %lld turns", (long long)run, (long long)z.turns[arm]);
	}
	return code ? code
	            : facts_open(f, (int)z.examples, (what & STORE_TRACES) && z.traces ? z.tokens : 0, z.has_scores, e);
}

int store_facts_get(struct store *s, int64_t run, unsigned what, struct facts *f, struct err *e)
{
	memset(f, 0, sizeof *f);
	int code = store_run_get(s, run, read_description, f, e);
	if (!code)
		code = open_facts(s, run, what, f, e);
	if (!code)
		code = read_examples(s, run, f, e);
	if (!code && f->died_at)
		code = read_traces(s, run, f, e);
	if (!code && (what & STORE_TIMES))
		code = read_times(s, run, f, e);
	if (code)
		facts_close(f);
	return code;
}
