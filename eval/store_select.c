/* Metrics by run, and SELECTs of the program's own. */
#include "store_sql.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

static double real_of(sqlite3_stmt *q, int column)
{
	return sqlite3_column_type(q, column) == SQLITE_NULL ? NAN : sqlite3_column_double(q, column);
}

/* ---- metrics ---- */

int store_metric_set(struct store *s, int64_t run, const char *name, double value, double lo, double hi, struct err *e)
{
	sqlite3_stmt *q;
	int code = sql_bind(s, &q, SQL_METRIC_SET, e, "itddd", run, name, value, lo, hi);
	return code ? code : sql_write(s, q, e);
}

int store_metric_each(struct store *s, int64_t run, store_metric_visitor *visit, void *arg, struct err *e)
{
	sqlite3_stmt *q;
	int is_row, code = sql_bind(s, &q, SQL_METRIC_ALL, e, "i", run);
	while (!code && !(code = sql_step(s, q, &is_row, e)) && is_row)
		code = visit((const char *)sqlite3_column_text(q, 0), real_of(q, 1), real_of(q, 2), real_of(q, 3), arg, e);
	sql_end(q);
	return code;
}

/* ---- questions ---- */

static struct store_value value_of(sqlite3_stmt *q, int column)
{
	const int type = sqlite3_column_type(q, column);
	struct store_value v = {.name = sqlite3_column_name(q, column), .real = real_of(q, column)};
	v.type = type == SQLITE_NULL      ? STORE_NULL
	         : type == SQLITE_INTEGER ? STORE_INTEGER
	         : type == SQLITE_FLOAT   ? STORE_REAL
	                                  : STORE_TEXT;
	if (v.type == STORE_INTEGER)
		v.integer = sqlite3_column_int64(q, column);
	if (v.type == STORE_TEXT)
		v.text = (const char *)sqlite3_column_text(q, column);
	return v;
}

static int visit_values(struct store *s, sqlite3_stmt *q, store_value_visitor *visit, void *arg, struct err *e)
{
	const int columns = sqlite3_column_count(q);
	struct store_value *values = calloc((size_t)columns + 1, sizeof *values);
	int is_row, code = values ? 0 : err_set(e, ERR_MEMORY, "out of memory for %d columns", columns);
	while (!code && !(code = sql_step(s, q, &is_row, e)) && is_row) {
		for (int i = 0; i < columns; i++)
			values[i] = value_of(q, i);
		code = visit(values, columns, arg, e);
	}
	free(values);
	return code;
}

int store_select(struct store *s, store_value_visitor *visit, void *arg, struct err *e, const char *sql,
                 const char *types, ...)
{
	sqlite3_stmt *q;
	va_list values;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
	if (rc)
		return sql_fail(s, rc, e);
	va_start(values, types);
	rc = sql_bind_all(q, types, &values);
	va_end(values);
	int code = rc ? sql_fail(s, rc, e) : visit_values(s, q, visit, arg, e);
	sqlite3_finalize(q);
	return code;
}
