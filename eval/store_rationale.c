#include "store_rationale.h"

#include "../engine/base/err.h"
#include "../engine/base/json.h"
#include "store_facts.h"
#include "store_sql.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void add_ints(struct buf *b, const int *values, int count)
{
	buf_add_byte(b, '[');
	for (int i = 0; i < count; i++) {
		if (i)
			buf_add_byte(b, ',');
		buf_add_json_int(b, values[i]);
	}
	buf_add_byte(b, ']');
}

/* [rows][columns] as an array of arrays. */
static void add_table(struct buf *b, const int *values, int rows, int columns)
{
	buf_add_byte(b, '[');
	for (int i = 0; i < rows; i++) {
		if (i)
			buf_add_byte(b, ',');
		add_ints(b, values + i * columns, columns);
	}
	buf_add_byte(b, ']');
}

static void add_floats(struct buf *b, const float *values, int count)
{
	buf_add_byte(b, '[');
	for (int i = 0; i < count; i++) {
		if (i)
			buf_add_byte(b, ',');
		buf_add_json_float(b, values[i]);
	}
	buf_add_byte(b, ']');
}

int store_document_add(struct store *s, const struct store_document *d, struct err *e)
{
	struct buf b = {0};
	sqlite3_stmt *q;
	add_table(&b, &d->span[0][0], d->spans, 2);
	int code = buf_check(&b, e);
	if (!code)
		code = sql_bind(s, &q, SQL_DOCUMENT_ADD, e, "tittttt", d->data, (int64_t)d->idx, d->annotation, d->docid,
		                d->label, d->words, b.data);
	if (!code)
		code = sql_write(s, q, e);
	buf_free(&b);
	return code;
}

static int add_explained(struct store *s, int64_t run, int idx, const struct rationale_facts *f,
                         const struct rationale_document *d, struct err *e)
{
	struct buf logits = {0}, windows = {0}, budget = {0};
	sqlite3_stmt *q;
	add_floats(&logits, d->logits, f->classes);
	add_ints(&windows, d->window, d->windows + 1);
	add_table(&budget, d->budget, d->windows, f->L);
	int code = buf_check(&logits, e);
	if (!code)
		code = buf_check(&windows, e);
	if (!code)
		code = buf_check(&budget, e);
	if (!code)
		code = sql_bind(s, &q, SQL_EXPLAINED_ADD, e, "iidititt", run, (int64_t)idx, d->gold < 0 ? NAN : d->gold,
		                (int64_t)d->pred, logits.data, (int64_t)d->tokens, windows.data, budget.data);
	if (!code)
		code = sql_write(s, q, e);
	buf_free(&logits);
	buf_free(&windows);
	buf_free(&budget);
	return code;
}

static int add_scores(struct store *s, int64_t run, int idx, int layer, const struct rationale_document *d,
                      struct buf *b, struct err *e)
{
	sqlite3_stmt *q;
	buf_reset(b);
	add_floats(b, d->score + (size_t)layer * (size_t)d->tokens, d->tokens);
	int code = buf_check(b, e);
	if (!code)
		code = sql_bind(s, &q, SQL_ATTRIBUTION_ADD, e, "iiit", run, (int64_t)idx, (int64_t)layer, b->data);
	return code ? code : sql_write(s, q, e);
}

static int add_perturbations(struct store *s, int64_t run, int idx, int layer, const struct rationale_facts *f,
                             const struct rationale_document *d, struct err *e)
{
	sqlite3_stmt *q;
	int code = 0;
	for (int k = 0; k < f->thresholds && !code; k++) {
		const int at = layer * f->thresholds + k;
		code = sql_bind(s, &q, SQL_PERTURBATION_ADD, e, "iiiidd", run, (int64_t)idx, (int64_t)layer, (int64_t)k,
		                d->removed[at], d->alone[at]);
		if (!code)
			code = sql_write(s, q, e);
	}
	return code;
}

int store_rationale_add(struct store *s, int64_t run, int idx, const struct rationale_facts *f,
                        const struct rationale_document *d, struct err *e)
{
	struct buf b = {0};
	int code = add_explained(s, run, idx, f, d, e);
	for (int l = 0; l < f->layers && !code; l++) {
		code = add_scores(s, run, idx, l, d, &b, e);
		if (!code)
			code = add_perturbations(s, run, idx, l, f, d, e);
	}
	buf_free(&b);
	return code;
}

int store_rationale_count(struct store *s, int64_t run, int *count, struct err *e)
{
	sqlite3_stmt *q;
	int is_row = 0, code = sql_bind(s, &q, SQL_EXPLAINED_COUNT, e, "i", run);
	if (!code)
		code = sql_step(s, q, &is_row, e);
	*count = !code && is_row ? (int)sqlite3_column_int64(q, 0) : 0;
	sql_end(q);
	return code;
}

void store_rationale_describe(struct buf *json, const struct rationale_facts *f)
{
	buf_addf(json, "\"classes\":%d,\"L\":%d,\"layers\":%d,\"mean_share\":", f->classes, f->L, f->layers);
	buf_add_json_double(json, f->mean_share);
	buf_add_text(json, ",\"thresholds\":[");
	for (int k = 0; k < f->thresholds; k++) {
		if (k)
			buf_add_byte(json, ',');
		buf_add_json_double(json, f->threshold[k]);
	}
	buf_add_text(json, "],");
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static int read_thresholds(struct rationale_facts *f, const cJSON *args, const char *name, struct err *e)
{
	const cJSON *item, *list = cJSON_GetObjectItemCaseSensitive(args, "thresholds");
	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > RATIONALE_THRESHOLDS_MAX)
		return err_set(e, ERR_FORMAT, "field 'thresholds' of '%s' must be a list of at most %d", name,
		               RATIONALE_THRESHOLDS_MAX);
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 1))
			return err_set(e, ERR_FORMAT, "field 'thresholds' of '%s' must hold shares", name);
		f->threshold[f->thresholds++] = item->valuedouble;
	}
	return 0;
}

static int read_description(const struct store_row *row, void *arg, struct err *e)
{
	struct rationale_facts *f = arg;
	char name[80];
	long long classes = 0, L = 0, layers = 0;
	snprintf(name, sizeof name, "args of run %lld", (long long)row->id);
	if (strcmp(row->run.kind, "rationale") != 0)
		return err_set(e, ERR_USAGE, "run %lld is of kind %s, not rationale", (long long)row->id, row->run.kind);
	cJSON *args = json_parse(row->run.args, strlen(row->run.args), name, e);
	int code = args ? json_get_int(args, "classes", &classes, 2, CLASSES_MAX, name, e) : ERR_FORMAT;
	if (!code)
		code = json_get_int(args, "L", &L, 1, FACTS_LAYERS_MAX, name, e);
	if (!code)
		code = json_get_int(args, "layers", &layers, 1, FACTS_LAYERS_MAX, name, e);
	f->mean_share = NAN;
	if (!code)
		code = json_get_double(args, "mean_share", &f->mean_share, name, e);
	if (!code)
		code = read_thresholds(f, args, name, e);
	if (!code && (!classes || !L || !layers || (layers != 1 && layers != L)))
		code = err_set(e, ERR_FORMAT, "'%s' lack classes, L or layers", name);
	f->classes = (int)classes;
	f->L = (int)L;
	f->layers = (int)layers;
	cJSON_Delete(args);
	return code;
}

static int bad_row(const char *table, int64_t run, int64_t idx, const char *field, struct err *e)
{
	return err_set(e, ERR_FORMAT, "field '%s' of document %lld of run %lld cannot be (table %s)", field, (long long)idx,
	               (long long)run, table);
}

/* [[a,b],...] with `columns` whole numbers from 0 to `most` in each row; NULL when it is not that. */
static int *read_table(const char *text, int columns, int most, int *rows)
{
	cJSON *json = text ? cJSON_Parse(text) : NULL;
	const cJSON *row, *item;
	*rows = cJSON_IsArray(json) ? cJSON_GetArraySize(json) : 0;
	int *values = cJSON_IsArray(json) ? malloc(((size_t)*rows * (size_t)columns + 1) * sizeof *values) : NULL;
	int n = 0, is_good = values != NULL;
	for (row = json && is_good ? json->child : NULL; row && is_good; row = row->next) {
		is_good = cJSON_IsArray(row) && cJSON_GetArraySize(row) == columns;
		for (item = row->child; item && is_good; item = item->next) {
			is_good = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= most;
			values[n++] = (int)item->valuedouble;
		}
	}
	cJSON_Delete(json);
	if (!is_good) {
		free(values);
		return NULL;
	}
	return values;
}

static int *read_windows(const char *text, int tokens, int *windows)
{
	cJSON *json = text ? cJSON_Parse(text) : NULL;
	const cJSON *item;
	int n = 0, is_good = cJSON_IsArray(json) && cJSON_GetArraySize(json) >= 2;
	int *first = is_good ? malloc((size_t)cJSON_GetArraySize(json) * sizeof *first) : NULL;
	for (item = first ? json->child : NULL; item && is_good; item = item->next) {
		is_good = cJSON_IsNumber(item) && item->valuedouble >= (n ? first[n - 1] : 0) && item->valuedouble <= tokens;
		first[n++] = (int)item->valuedouble;
	}
	cJSON_Delete(json);
	is_good = is_good && first && first[0] == 0 && first[n - 1] == tokens;
	*windows = n - 1;
	if (!is_good) {
		free(first);
		return NULL;
	}
	return first;
}

static int are_spans(const struct rationale_document *d)
{
	for (int i = 0; i < d->spans; i++)
		if (d->span[i][0] >= d->span[i][1])
			return 0;
	return 1;
}

static int read_explained(struct rationale_facts *f, int64_t run, int i, sqlite3_stmt *q, struct err *e)
{
	double values[CLASSES_MAX];
	struct rationale_document *d = &f->document[i];
	const int64_t idx = sqlite3_column_int64(q, 0), tokens = sqlite3_column_int64(q, 4);
	const int64_t pred = sqlite3_column_int64(q, 2);
	int rows = 0;
	if (tokens < 1 || tokens > INT32_MAX / 64 || idx != i || pred < 0 || pred >= f->classes)
		return bad_row("explained", run, idx, "idx, tokens, pred", e);
	d->tokens = (int)tokens;
	d->pred = (int)pred;
	d->gold = sqlite3_column_type(q, 1) == SQLITE_NULL ? -1 : sqlite3_column_int(q, 1);
	if (d->gold < -1 || d->gold >= f->classes)
		return bad_row("explained", run, idx, "gold", e);
	if (!store_read_numbers((const char *)sqlite3_column_text(q, 3), values, f->classes))
		return bad_row("explained", run, idx, "logits", e);
	d->logits = malloc((size_t)f->classes * sizeof *d->logits);
	d->score = calloc((size_t)f->layers * (size_t)tokens, sizeof *d->score);
	d->removed = calloc((size_t)f->layers * (size_t)f->thresholds + 1, sizeof *d->removed);
	d->alone = calloc((size_t)f->layers * (size_t)f->thresholds + 1, sizeof *d->alone);
	if (!d->logits || !d->score || !d->removed || !d->alone)
		return err_set(e, ERR_MEMORY, "out of memory for document %lld", (long long)idx);
	for (int c = 0; c < f->classes; c++)
		d->logits[c] = (float)values[c];
	d->window = read_windows((const char *)sqlite3_column_text(q, 5), d->tokens, &d->windows);
	if (!d->window)
		return bad_row("explained", run, idx, "windows", e);
	d->budget = read_table((const char *)sqlite3_column_text(q, 6), f->L, d->tokens, &rows);
	if (!d->budget || rows != d->windows)
		return bad_row("explained", run, idx, "budget", e);
	d->span = (int(*)[2])read_table((const char *)sqlite3_column_text(q, 7), 2, d->tokens, &d->spans);
	return d->span && are_spans(d) ? 0 : bad_row("document", run, idx, "rationale", e);
}

static int read_all_explained(struct store *s, int64_t run, struct rationale_facts *f, struct err *e)
{
	sqlite3_stmt *q;
	int count, is_row = 0, code = store_rationale_count(s, run, &count, e);
	if (code)
		return code;
	if (!count)
		return err_set(e, ERR_FORMAT, "run %lld explains no document", (long long)run);
	f->document = calloc((size_t)count, sizeof *f->document);
	if (!f->document)
		return err_set(e, ERR_MEMORY, "out of memory for %d documents", count);
	code = sql_bind(s, &q, SQL_EXPLAINED_ALL, e, "i", run);
	while (!code && !(code = sql_step(s, q, &is_row, e)) && is_row)
		code = f->n < count ? read_explained(f, run, f->n++, q, e)
		                    : err_set(e, ERR_IO, "run %lld is being written", (long long)run);
	sql_end(q);
	return code;
}

static int read_scores(struct store *s, int64_t run, struct rationale_facts *f, double *values, struct err *e)
{
	sqlite3_stmt *q;
	int64_t at = 0;
	int is_row = 0, code = sql_bind(s, &q, SQL_ATTRIBUTION_ALL, e, "i", run);
	for (; !code && !(code = sql_step(s, q, &is_row, e)) && is_row; at++) {
		const int64_t idx = sqlite3_column_int64(q, 0), layer = sqlite3_column_int64(q, 1);
		if (idx * f->layers + layer != at || idx >= f->n || layer >= f->layers) {
			code = bad_row("attribution", run, idx, "layer", e);
			break;
		}
		struct rationale_document *d = &f->document[idx];
		if (!store_read_numbers((const char *)sqlite3_column_text(q, 2), values, d->tokens))
			code = bad_row("attribution", run, idx, "scores", e);
		for (int t = 0; t < d->tokens && !code; t++)
			d->score[(size_t)layer * (size_t)d->tokens + (size_t)t] = (float)values[t];
	}
	sql_end(q);
	if (!code && at != (int64_t)f->n * f->layers)
		code = err_set(e, ERR_FORMAT, "run %lld lacks scores", (long long)run);
	return code;
}

static double real_or_nan(sqlite3_stmt *q, int column)
{
	return sqlite3_column_type(q, column) == SQLITE_NULL ? NAN : sqlite3_column_double(q, column);
}

static int read_perturbations(struct store *s, int64_t run, struct rationale_facts *f, struct err *e)
{
	sqlite3_stmt *q;
	int64_t at = 0;
	const int64_t K = f->thresholds;
	int is_row = 0, code = sql_bind(s, &q, SQL_PERTURBATION_ALL, e, "i", run);
	for (; !code && !(code = sql_step(s, q, &is_row, e)) && is_row; at++) {
		const int64_t idx = sqlite3_column_int64(q, 0), layer = sqlite3_column_int64(q, 1),
					  k = sqlite3_column_int64(q, 2);
		if ((idx * f->layers + layer) * K + k != at || idx >= f->n || layer >= f->layers || k >= K) {
			code = bad_row("perturbation", run, idx, "threshold", e);
			break;
		}
		f->document[idx].removed[layer * K + k] = real_or_nan(q, 3);
		f->document[idx].alone[layer * K + k] = real_or_nan(q, 4);
	}
	sql_end(q);
	if (!code && at != (int64_t)f->n * f->layers * K)
		code = err_set(e, ERR_FORMAT, "run %lld lacks perturbations", (long long)run);
	return code;
}

int store_rationale_get(struct store *s, int64_t run, struct rationale_facts *f, struct err *e)
{
	*f = (struct rationale_facts){0};
	int longest = 0, code = store_run_get(s, run, read_description, f, e);
	if (!code)
		code = read_all_explained(s, run, f, e);
	for (int i = 0; i < f->n && !code; i++)
		longest = f->document[i].tokens > longest ? f->document[i].tokens : longest;
	double *values = code ? NULL : malloc(((size_t)longest + 1) * sizeof *values);
	if (!code && !values)
		code = err_set(e, ERR_MEMORY, "out of memory for %d scores", longest);
	if (!code)
		code = read_scores(s, run, f, values, e);
	if (!code)
		code = read_perturbations(s, run, f, e);
	free(values);
	if (code)
		rationale_close(f);
	return code;
}
