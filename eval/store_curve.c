/* The rows of table curve. */
#include "store_sql.h"

#include <math.h>

int store_curve_add(struct store *s, int64_t run, int64_t step, const char *name, double value, struct err *e)
{
	sqlite3_stmt *q;
	int code = sql_bind(s, &q, SQL_CURVE_ADD, e, "iitd", run, step, name, value);
	if (code)
		return code;
	struct err why = {0};
	code = sql_write(s, q, &why);
	if (code && sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_FOREIGNKEY)
		return sql_no_run(s, run, e);
	return code ? err_set(e, code, "%s", why.text) : 0;
}

int store_curve_forget_after(struct store *s, int64_t run, int64_t step, struct err *e)
{
	sqlite3_stmt *q;
	int code = sql_bind(s, &q, SQL_CURVE_FORGET, e, "ii", run, step);
	return code ? code : sql_write(s, q, e);
}

/* ---- looking ---- */

static int visit_point(sqlite3_stmt *q, store_point_visitor *visit, void *arg, struct err *e)
{
	double value = sqlite3_column_type(q, 2) == SQLITE_NULL ? NAN : sqlite3_column_double(q, 2);
	return visit(sqlite3_column_int64(q, 0), (const char *)sqlite3_column_text(q, 1), value, arg, e);
}

int store_curve_each(struct store *s, int64_t run, const char *name, store_point_visitor *visit, void *arg,
                     struct err *e)
{
	sqlite3_stmt *q;
	int is_row, code = name ? sql_bind(s, &q, SQL_CURVE_NAMED, e, "it", run, name)
	                        : sql_bind(s, &q, SQL_CURVE_ALL, e, "i", run);
	while (!code && !(code = sql_step(s, q, &is_row, e)) && is_row)
		code = visit_point(q, visit, arg, e);
	sql_end(q);
	return code;
}

int store_curve_names(struct store *s, int64_t run, store_name_visitor *visit, void *arg, struct err *e)
{
	sqlite3_stmt *q;
	int is_row, code = sql_bind(s, &q, SQL_CURVE_NAMES, e, "i", run);
	while (!code && !(code = sql_step(s, q, &is_row, e)) && is_row)
		code = visit((const char *)sqlite3_column_text(q, 0), sqlite3_column_int64(q, 1), arg, e);
	sql_end(q);
	return code;
}
