#include "merge.h"

#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/json.h"
#include "record.h"
#include "store_facts.h"
#include "store_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows from one database to the other ----------------------------------------------------------------------- */

/* The tables that hang on a run; the run is their first column. */
#define RUN_TABLES(X) X(example) X(trace) X(timing) X(metric) X(curve) X(explained) X(attribution) X(perturbation)

static int prepare(struct store *s, sqlite3_stmt **q, const char *sql, struct err *e)
{
	const int rc = sqlite3_prepare_v2(s->db, sql, -1, q, NULL);
	return rc ? sql_fail(s, rc, e) : 0;
}

/* INSERT INTO table VALUES (?, ?, ...), as many as the source has columns. */
static int prepare_insert(struct store *into, sqlite3_stmt **q, const char *table, int columns, struct err *e)
{
	char sql[300];
	int used = snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?", table);
	for (int i = 1; i < columns; i++)
		used += snprintf(sql + used, sizeof sql - (size_t)used, ", ?");
	snprintf(sql + used, sizeof sql - (size_t)used, ")");
	return prepare(into, q, sql, e);
}

static int copy_row(struct store *into, sqlite3_stmt *to, sqlite3_stmt *from, int64_t run, struct err *e)
{
	int rc = sqlite3_bind_int64(to, 1, run), is_row = 0;
	for (int i = 1; i < sqlite3_column_count(from) && !rc; i++)
		rc = sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
	int code = rc ? sql_fail(into, rc, e) : sql_step(into, to, &is_row, e);
	sqlite3_reset(to);
	return code;
}

static int copy_table(struct store *into, struct store *from, const char *table, int64_t to_run, int64_t from_run,
                      struct err *e)
{
	char sql[120];
	sqlite3_stmt *q = NULL, *insert = NULL;
	int is_row = 0;
	snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE run = ?", table);
	int code = prepare(from, &q, sql, e);
	if (!code)
		code = prepare_insert(into, &insert, table, sqlite3_column_count(q), e);
	if (!code)
		sqlite3_bind_int64(q, 1, from_run);
	while (!code && !(code = sql_step(from, q, &is_row, e)) && is_row)
		code = copy_row(into, insert, q, to_run, e);
	sqlite3_finalize(q);
	sqlite3_finalize(insert);
	return code;
}

/* The run's own row, with a number of its own here. */
static int copy_run(struct store *into, struct store *from, int64_t from_run, int64_t *to_run, struct err *e)
{
	static const char columns[] = "key, kind, task, split, policy, args, seed, model_sha, data_sha, rev, threads, "
								  "started, finished";
	char sql[400];
	sqlite3_stmt *q = NULL, *insert = NULL;
	int is_row = 0;
	snprintf(sql, sizeof sql, "SELECT id, %s FROM run WHERE id = ?", columns);
	int code = prepare(from, &q, sql, e);
	snprintf(sql, sizeof sql, "INSERT INTO run(id, %s) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", columns);
	if (!code)
		code = prepare(into, &insert, sql, e);
	if (!code)
		sqlite3_bind_int64(q, 1, from_run);
	if (!code)
		code = sql_step(from, q, &is_row, e);
	for (int i = 1; i < sqlite3_column_count(q) && is_row && !code; i++)
		if (sqlite3_bind_value(insert, i, sqlite3_column_value(q, i)))
			code = sql_fail(into, SQLITE_NOMEM, e);
	if (!code)
		code = sql_step(into, insert, &is_row, e);
	*to_run = sqlite3_last_insert_rowid(into->db);
	sqlite3_finalize(q);
	sqlite3_finalize(insert);
	return code;
}

/* Documents hang on the data that a run is about; those that are there stay. */
static int copy_documents(struct store *into, struct store *from, int64_t from_run, struct err *e)
{
	static const char sql[] =
		"SELECT d.data, d.idx, d.annotation, d.docid, d.label, d.words, d.rationale FROM document d "
		"JOIN run r ON r.data_sha = d.data WHERE r.id = ?";
	sqlite3_stmt *q = NULL, *insert = NULL;
	int is_row = 0, code = prepare(from, &q, sql, e);
	if (!code)
		code = prepare(into, &insert, "INSERT OR IGNORE INTO document VALUES (?, ?, ?, ?, ?, ?, ?)", e);
	if (!code)
		sqlite3_bind_int64(q, 1, from_run);
	while (!code && !(code = sql_step(from, q, &is_row, e)) && is_row) {
		int rc = 0;
		for (int i = 0; i < sqlite3_column_count(q) && !rc; i++)
			rc = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(q, i));
		code = rc ? sql_fail(into, rc, e) : sql_step(into, insert, &is_row, e);
		sqlite3_reset(insert);
	}
	sqlite3_finalize(q);
	sqlite3_finalize(insert);
	return code;
}

static int copy_all(struct store *into, struct store *from, int64_t from_run, struct err *e)
{
	int64_t to_run = 0;
	int code = store_begin(into, e);
	if (code)
		return code;
	code = copy_run(into, from, from_run, &to_run, e);
#define COPY_TABLE(table) \
	if (!code)            \
		code = copy_table(into, from, #table, to_run, from_run, e);
	RUN_TABLES(COPY_TABLE)
	if (!code)
		code = copy_documents(into, from, from_run, e);
	if (!code)
		code = store_commit(into, e);
	if (code)
		store_rollback(into);
	return code;
}

/* ---- runs that both have --------------------------------------------------------------------------------------- */

static int same_row(sqlite3_stmt *a, sqlite3_stmt *b)
{
	for (int i = 0; i < sqlite3_column_count(a); i++) {
		const void *x = sqlite3_column_text(a, i), *y = sqlite3_column_text(b, i);
		if ((x == NULL) != (y == NULL) || (x && strcmp(x, y) != 0))
			return 0;
	}
	return 1;
}

/* What the key determines: not the times, which no two runs share. */
static int check_same_facts(struct store *a, struct store *b, int64_t run_a, int64_t run_b, const char *key,
                            struct err *e)
{
	static const char sql[] =
		"SELECT idx, gold, pred, logits, tokens, rows, flops FROM example WHERE run = ? ORDER BY idx";
	sqlite3_stmt *p = NULL, *q = NULL;
	int more_a = 1, more_b = 1, is_same = 1;
	int code = prepare(a, &p, sql, e);
	if (!code)
		code = prepare(b, &q, sql, e);
	if (!code) {
		sqlite3_bind_int64(p, 1, run_a);
		sqlite3_bind_int64(q, 1, run_b);
	}
	while (!code && is_same && more_a && more_b) {
		code = sql_step(a, p, &more_a, e);
		if (!code)
			code = sql_step(b, q, &more_b, e);
		is_same = more_a == more_b && (!more_a || same_row(p, q));
	}
	sqlite3_finalize(p);
	sqlite3_finalize(q);
	if (code || is_same)
		return code;
	return err_set(e, ERR_MISMATCH, "run %lld of '%s' and run %lld of '%s' have one key, %.12s..., but other facts",
	               (long long)run_a, a->path, (long long)run_b, b->path, key);
}

/* ---- merging --------------------------------------------------------------------------------------------------- */

struct merging {
	struct store *into, *from;
	struct merge_counts *counts;
	int64_t *ids; /* of the runs to look at */
	int count, capacity;
};

static int note_id(const struct store_row *row, void *arg, struct err *e)
{
	struct merging *m = arg;
	if (!row->finished) {
		m->counts->unfinished++;
		return 0;
	}
	if (m->count == m->capacity) {
		const int capacity = m->capacity ? 2 * m->capacity : 256;
		int64_t *ids = realloc(m->ids, (size_t)capacity * sizeof *ids);
		if (!ids)
			return err_set(e, ERR_MEMORY, "out of memory for %d runs", capacity);
		m->ids = ids;
		m->capacity = capacity;
	}
	m->ids[m->count++] = row->id;
	return 0;
}

static int copy_key(const struct store_row *row, void *arg, struct err *e)
{
	char *key = arg;
	(void)e;
	snprintf(key, 129, "%s", row->run.key);
	return 0;
}

static int merge_run(struct merging *m, int64_t id, struct err *e)
{
	char key[129];
	int64_t here;
	int is_there;
	int code = store_run_get(m->from, id, copy_key, key, e);
	if (!code)
		code = store_run_finished(m->into, key, &here, &is_there, e);
	if (code)
		return code;
	if (is_there) {
		m->counts->there++;
		return check_same_facts(m->into, m->from, here, id, key, e);
	}
	code = copy_all(m->into, m->from, id, e);
	m->counts->added += !code;
	return code;
}

int merge_from(struct store *into, const char *path, struct merge_counts *counts, struct err *e)
{
	struct merging m = {.into = into, .counts = counts};
	int code = store_open(&m.from, path, &(struct store_options){.is_read_only = 1}, e);
	if (!code)
		code = store_run_each(m.from, note_id, &m, e);
	for (int i = 0; i < m.count && !code; i++)
		code = merge_run(&m, m.ids[i], e);
	free(m.ids);
	store_close(m.from);
	return code;
}

/* ---- shards ---------------------------------------------------------------------------------------------------- */

/* A whole run that is not there, and the shards of it that are. */
struct whole {
	char key[65];
	int shards, count, capacity;
	int64_t *run; /* [count] */
};

struct wholes {
	struct whole *whole;
	int count, capacity;
};

static struct whole *find_whole(struct wholes *w, const char *key, int shards, struct err *e)
{
	for (int i = 0; i < w->count; i++)
		if (!strcmp(w->whole[i].key, key) && w->whole[i].shards == shards)
			return &w->whole[i];
	if (w->count == w->capacity) {
		const int capacity = w->capacity ? 2 * w->capacity : 16;
		struct whole *more = realloc(w->whole, (size_t)capacity * sizeof *more);
		if (!more) {
			err_set(e, ERR_MEMORY, "out of memory for %d runs", capacity);
			return NULL;
		}
		w->whole = more;
		w->capacity = capacity;
	}
	struct whole *x = &w->whole[w->count++];
	*x = (struct whole){.shards = shards};
	snprintf(x->key, sizeof x->key, "%s", key);
	x->run = calloc((size_t)shards, sizeof *x->run);
	if (!x->run)
		err_set(e, ERR_MEMORY, "out of memory for %d shards", shards);
	return x->run ? x : NULL;
}

/* run, whole's key, "I/N" */
static int note_shard(const struct store_value *v, int columns, void *arg, struct err *e)
{
	int shard, shards;
	(void)columns;
	if (!v[1].text || !v[2].text || strlen(v[1].text) != 64 || sscanf(v[2].text, "%9d/%9d", &shard, &shards) != 2 ||
	    shard < 1 || shard > shards || shards > 1000000)
		return err_set(e, ERR_FORMAT, "run %lld is a shard of nothing that can be", (long long)v[0].integer);
	struct whole *w = find_whole(arg, v[1].text, shards, e);
	if (!w)
		return ERR_MEMORY;
	w->count += !w->run[shard - 1];
	w->run[shard - 1] = v[0].integer;
	return 0;
}

/* Example i of a whole is example i / shards of shard i % shards: so they were dealt out. */
static int deal_in(struct facts *whole, const struct facts *part, int shard, int shards, struct err *e)
{
	const size_t L = (size_t)whole->shape.L, outputs = (size_t)whole->outputs;
	for (int k = 0; k < part->n; k++) {
		const int i = shard + k * shards;
		if (i >= whole->n || part->idx[k] != i)
			return err_set(e, ERR_FORMAT, "shard %d of %d has example %d where %d should be", shard + 1, shards,
			               part->idx[k], i);
		whole->idx[i] = i;
		whole->gold[i] = part->gold[k];
		whole->pred[i] = part->pred[k];
		whole->target[i] = part->target[k];
		whole->tokens[i] = part->tokens[k];
		whole->flops[i] = part->flops[k];
		whole->dense_flops[i] = part->dense_flops[k];
		memcpy(whole->logits + (size_t)i * outputs, part->logits + (size_t)k * outputs,
		       outputs * sizeof *whole->logits);
		memcpy(whole->rows + (size_t)i * L, part->rows + (size_t)k * L, L * sizeof *whole->rows);
	}
	return 0;
}

static void deal_traces(struct facts *whole, const struct facts *part, int shard, int shards)
{
	for (int k = 0; k < part->n && part->died_at; k++) {
		const int i = shard + k * shards;
		const size_t size = (size_t)part->tokens[k];
		memcpy(whole->died_at + whole->start[i], part->died_at + part->start[k], size);
		if (whole->score && part->score)
			memcpy(whole->score + whole->start[i], part->score + part->start[k], size * sizeof *whole->score);
	}
}

static int open_whole(struct facts *whole, const struct facts *parts, int shards, struct err *e)
{
	int n = 0;
	int64_t tokens = 0;
	for (int k = 0; k < shards; k++) {
		n += parts[k].n;
		tokens += parts[k].died_at ? parts[k].start[parts[k].n] : 0;
	}
	*whole = (struct facts){
		.shape = parts[0].shape, .policy = parts[0].policy, .classes = parts[0].classes, .batch = parts[0].batch};
	memcpy(whole->metrics, parts[0].metrics, sizeof whole->metrics);
	int code = facts_open(whole, n, tokens, parts[0].score != NULL, e);
	for (int k = 0; k < shards && !code; k++)
		code = deal_in(whole, &parts[k], k, shards, e);
	for (int i = 0; i < n && !code; i++)
		whole->start[i + 1] = whole->start[i] + whole->tokens[i];
	for (int k = 0; k < shards && !code; k++)
		deal_traces(whole, &parts[k], k, shards);
	return code;
}

static int join_parts(struct store *s, const struct whole *w, struct facts *whole, struct err *e)
{
	struct facts *parts = calloc((size_t)w->shards, sizeof *parts);
	int code = parts ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d shards", w->shards);
	for (int k = 0; k < w->shards && !code; k++)
		code = store_facts_get(s, w->run[k], STORE_TRACES, &parts[k], e);
	if (!code)
		code = open_whole(whole, parts, w->shards, e);
	for (int k = 0; k < w->shards && parts; k++)
		facts_close(&parts[k]);
	free(parts);
	return code;
}

struct whole_row {
	struct store *store;
	const struct whole *whole;
	struct buf args;
	struct store_run run;
	char *texts[8]; /* what `run` borrows */
};

static char *copied(struct whole_row *r, int at, const char *text)
{
	r->texts[at] = text ? strdup(text) : NULL;
	return r->texts[at];
}

/* The first shard's, without what makes it a shard. */
static int describe(const struct store_row *row, void *arg, struct err *e)
{
	struct whole_row *r = arg;
	cJSON *args = json_parse(row->run.args, strlen(row->run.args), "args of a shard", e);
	if (!args)
		return ERR_FORMAT;
	cJSON_DeleteItemFromObjectCaseSensitive(args, "shard");
	cJSON_DeleteItemFromObjectCaseSensitive(args, "whole");
	cJSON_AddNumberToObject(args, "shards", r->whole->shards);
	char *text = cJSON_PrintUnformatted(args);
	cJSON_Delete(args);
	if (!text)
		return err_set(e, ERR_MEMORY, "out of memory for the args of a run");
	buf_add_text(&r->args, text);
	cJSON_free(text);
	r->run = row->run;
	r->run.key = r->whole->key;
	r->run.args = r->args.data;
	r->run.kind = copied(r, 0, row->run.kind);
	r->run.task = copied(r, 1, row->run.task);
	r->run.split = copied(r, 2, row->run.split);
	r->run.policy = copied(r, 3, row->run.policy);
	r->run.model_sha = copied(r, 4, row->run.model_sha);
	r->run.data_sha = copied(r, 5, row->run.data_sha);
	r->run.rev = copied(r, 6, row->run.rev);
	return buf_check(&r->args, e);
}

static int assemble(struct store *s, const struct whole *w, struct err *e)
{
	struct whole_row row = {.store = s, .whole = w};
	struct facts f = {0};
	int64_t id;
	int code = join_parts(s, w, &f, e);
	if (!code)
		code = store_run_get(s, w->run[0], describe, &row, e);
	if (!code)
		code = record_run(s, &row.run, &f, &id, e);
	facts_close(&f);
	buf_free(&row.args);
	for (size_t i = 0; i < sizeof row.texts / sizeof *row.texts; i++)
		free(row.texts[i]);
	return code;
}

int merge_shards(struct store *into, struct merge_counts *counts, struct err *e)
{
	struct wholes w = {0};
	int is_there,
		code = store_select(into, note_shard, &w, e,
	                        "SELECT id, json_extract(args, '$.whole'), json_extract(args, '$.shard') FROM run "
	                        "WHERE kind = 'eval' AND finished IS NOT NULL AND "
	                        "json_extract(args, '$.shard') IS NOT NULL ORDER BY id",
	                        "");
	for (int i = 0; i < w.count && !code; i++) {
		int64_t id;
		code = store_run_finished(into, w.whole[i].key, &id, &is_there, e);
		if (code || is_there || w.whole[i].count < w.whole[i].shards)
			continue;
		code = assemble(into, &w.whole[i], e);
		counts->assembled += !code;
	}
	for (int i = 0; i < w.count; i++)
		free(w.whole[i].run);
	free(w.whole);
	return code;
}
