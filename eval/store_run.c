/* The rows of table run. */
#include "../engine/base/json.h"
#include "store_sql.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- starting and finishing ---- */

static int check_args(const struct store_run *r, struct err *e)
{
	char name[120];
	if (!r->args)
		return 0;
	snprintf(name, sizeof name, "args of run %.80s", r->key);
	cJSON *args = json_parse(r->args, strlen(r->args), name, e);
	int is_object = cJSON_IsObject(args);
	cJSON_Delete(args);
	return is_object ? 0 : err_set(e, ERR_FORMAT, "'%s' must be a JSON object", name);
}

static int add_run(struct store *s, const struct store_run *r, int *is_new, struct err *e)
{
	sqlite3_stmt *q;
	int code =
		sql_bind(s, &q, SQL_RUN_ADD, e, "tttttttttii", r->key, r->kind, r->task, r->split, r->policy,
	             r->args ? r->args : "{}", r->model_sha, r->data_sha, r->rev, (int64_t)r->seed, (int64_t)r->threads);
	if (!code)
		code = sql_write(s, q, e);
	*is_new = !code && sqlite3_changes(s->db) == 1;
	return code;
}

static int is_same(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

/* What the key must stand for. args may hold what does not determine the result, rev and threads do not. */
#define DETERMINING(X) X(kind) X(task) X(split) X(policy) X(model_sha) X(data_sha)

static int check_same(const struct store *s, const struct store_run *old, const struct store_run *r, struct err *e)
{
#define CHECK_FIELD(field)                                                                                          \
	if (!is_same(old->field, r->field))                                                                             \
		return err_set(e, ERR_MISMATCH, "run '%.80s' in '%s' has " #field " '%.80s', not '%.80s'", r->key, s->path, \
		               old->field ? old->field : "", r->field ? r->field : "");
	DETERMINING(CHECK_FIELD)
	if (old->seed != r->seed)
		return err_set(e, ERR_MISMATCH, "run '%.80s' in '%s' has seed %llu, not %llu", r->key, s->path,
		               (unsigned long long)old->seed, (unsigned long long)r->seed);
	return 0;
}

static void read_row(struct store_row *row, sqlite3_stmt *q)
{
	int at = 0;
#define READ_FIELD(field) row->run.field = (const char *)sqlite3_column_text(q, at++);
	STORE_RUN_TEXTS(READ_FIELD)
	row->run.seed = (uint64_t)sqlite3_column_int64(q, at++);
	row->run.threads = sqlite3_column_int(q, at++);
	row->id = sqlite3_column_int64(q, at++);
	row->started = (const char *)sqlite3_column_text(q, at++);
	row->finished = (const char *)sqlite3_column_text(q, at++);
	row->last_step = sqlite3_column_int64(q, at);
}

static int look_up(struct store *s, const struct store_run *r, int64_t *id, int *is_finished, struct err *e)
{
	sqlite3_stmt *q;
	struct store_row row;
	int is_row = 0, code = sql_bind(s, &q, SQL_RUN_BY_KEY, e, "t", r->key);
	if (!code)
		code = sql_step(s, q, &is_row, e);
	if (!code && !is_row) /* removed by another process in this very moment */
		code = err_set(e, ERR_IO, "run '%.80s' was removed from '%s'", r->key, s->path);
	if (!code) {
		read_row(&row, q);
		*id = row.id;
		*is_finished = row.finished != NULL;
		code = check_same(s, &row.run, r, e);
	}
	sql_end(q);
	return code;
}

int store_run_start(struct store *s, const struct store_run *r, int64_t *id, enum store_found *found, struct err *e)
{
	int is_new, is_finished;
	assert(r->key && r->kind);
	if (r->seed > INT64_MAX)
		return err_set(e, ERR_LIMIT, "seed %llu is too large for '%s': below 2^63", (unsigned long long)r->seed,
		               s->path);
	int code = check_args(r, e);
	if (!code)
		code = add_run(s, r, &is_new, e);
	if (!code)
		code = look_up(s, r, id, &is_finished, e);
	if (!code)
		*found = is_new ? STORE_NEW : is_finished ? STORE_FINISHED : STORE_UNFINISHED;
	return code;
}

static int write_to_run(struct store *s, enum sql which, int64_t id, struct err *e)
{
	sqlite3_stmt *q;
	int code = sql_bind(s, &q, which, e, "i", id);
	if (!code)
		code = sql_write(s, q, e);
	return code || sqlite3_changes(s->db) == 1 ? code : sql_no_run(s, id, e);
}

int store_run_finish(struct store *s, int64_t id, struct err *e) { return write_to_run(s, SQL_RUN_FINISH, id, e); }

int store_run_reopen(struct store *s, int64_t id, struct err *e) { return write_to_run(s, SQL_RUN_REOPEN, id, e); }

int store_run_remove(struct store *s, int64_t id, struct err *e) { return write_to_run(s, SQL_RUN_REMOVE, id, e); }

/* ---- looking ---- */

static int visit_rows(struct store *s, sqlite3_stmt *q, int64_t *count, store_row_visitor *visit, void *arg,
                      struct err *e)
{
	int is_row, code = 0;
	struct store_row row;
	for (*count = 0; !code; ++*count) {
		if ((code = sql_step(s, q, &is_row, e)) || !is_row)
			break;
		read_row(&row, q);
		code = visit(&row, arg, e);
	}
	sql_end(q);
	return code;
}

int store_run_each(struct store *s, store_row_visitor *visit, void *arg, struct err *e)
{
	sqlite3_stmt *q;
	int64_t count;
	int code = sql_bind(s, &q, SQL_RUN_ALL, e, "");
	return code ? code : visit_rows(s, q, &count, visit, arg, e);
}

int store_run_get(struct store *s, int64_t id, store_row_visitor *visit, void *arg, struct err *e)
{
	sqlite3_stmt *q;
	int64_t count = 0;
	int code = sql_bind(s, &q, SQL_RUN_BY_ID, e, "i", id);
	if (!code)
		code = visit_rows(s, q, &count, visit, arg, e);
	return code || count ? code : sql_no_run(s, id, e);
}

int store_run_find(struct store *s, const char *text, int64_t *id, struct err *e)
{
	sqlite3_stmt *q;
	int is_row = 0, is_second = 0, is_prefix = 0, code = sql_bind(s, &q, SQL_RUN_FIND, e, "t", text);
	if (!code)
		code = sql_step(s, q, &is_row, e);
	if (!code && is_row) {
		*id = sqlite3_column_int64(q, 0);
		is_prefix = sqlite3_column_int(q, 1) == 2;
		code = sql_step(s, q, &is_second, e);
	}
	sql_end(q);
	if (!code && !is_row)
		return err_set(e, ERR_USAGE, "no run '%.80s' in '%s'", text, s->path);
	if (!code && is_prefix && is_second)
		return err_set(e, ERR_USAGE, "several runs in '%s' have keys that begin with '%.80s'", s->path, text);
	return code;
}

int store_run_finished(struct store *s, const char *key, int64_t *id, int *is_there, struct err *e)
{
	sqlite3_stmt *q;
	struct store_row row;
	int code = sql_bind(s, &q, SQL_RUN_BY_KEY, e, "t", key);
	if (!code)
		code = sql_step(s, q, is_there, e);
	if (!code && *is_there) {
		read_row(&row, q);
		*id = row.id;
		*is_there = row.finished != NULL;
	}
	sql_end(q);
	return code;
}
