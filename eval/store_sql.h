/* What the files of the store share: the connection and its prepared statements. */
#ifndef ADAPLER_STORE_SQL_H
#define ADAPLER_STORE_SQL_H

#include "store.h"

#include <sqlite3.h>
#include <stdarg.h>

#define STORE_NOW "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"

/* The text columns of a run, each a field of struct store_run. */
#define STORE_RUN_TEXTS(X) X(key) X(kind) X(task) X(split) X(policy) X(args) X(model_sha) X(data_sha) X(rev)

#define STORE_COLUMN(name) #name ", "
#define STORE_MARK(name)   "?, "
#define STORE_RUN_SELECT                                                                                  \
	"SELECT " STORE_RUN_TEXTS(STORE_COLUMN) "seed, threads, id, started, finished, "                      \
											"coalesce((SELECT max(step) FROM curve WHERE run = id), -1) " \
											"FROM run "

/* Every statement, prepared when it is first used. */
#define STORE_STATEMENTS(X)                                                                                          \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                                      \
	X(COMMIT, "COMMIT")                                                                                              \
	X(RUN_ADD, "INSERT INTO run(" STORE_RUN_TEXTS(STORE_COLUMN) "seed, threads, started) VALUES (" STORE_RUN_TEXTS(  \
				   STORE_MARK) "?, ?, " STORE_NOW ") ON CONFLICT(key) DO NOTHING")                                   \
	X(RUN_FINISH, "UPDATE run SET finished = coalesce(finished, " STORE_NOW ") WHERE id = ?")                        \
	X(RUN_REOPEN, "UPDATE run SET finished = NULL WHERE id = ?")                                                     \
	X(RUN_REMOVE, "DELETE FROM run WHERE id = ?")                                                                    \
	X(RUN_ALL, STORE_RUN_SELECT "ORDER BY id")                                                                       \
	X(RUN_BY_ID, STORE_RUN_SELECT "WHERE id = ?")                                                                    \
	X(RUN_BY_KEY, STORE_RUN_SELECT "WHERE key = ?")                                                                  \
	X(RUN_FIND, "SELECT id, CASE WHEN key = ?1 THEN 0 WHEN id = ?1 THEN 1 ELSE 2 END AS likeness FROM run "          \
	            "WHERE key = ?1 OR id = ?1 OR (length(?1) >= 4 AND substr(key, 1, length(?1)) = ?1) "                \
	            "ORDER BY likeness, id LIMIT 2")                                                                     \
	X(METRIC_SET, "INSERT INTO metric(run, name, value, lo, hi) VALUES (?, ?, ?, ?, ?) "                             \
	              "ON CONFLICT(run, name) DO UPDATE SET value = excluded.value, lo = excluded.lo, hi = excluded.hi") \
	X(METRIC_ALL, "SELECT name, value, lo, hi FROM metric WHERE run = ? ORDER BY name")                              \
	X(EXAMPLE_ADD, "INSERT INTO example(run, idx, gold, pred, logits, tokens, rows, flops, dense_flops) "            \
	               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")                                                             \
	X(EXAMPLE_ALL, "SELECT idx, gold, pred, logits, tokens, rows, flops, dense_flops FROM example "                  \
	               "WHERE run = ? ORDER BY idx")                                                                     \
	X(TRACE_ADD, "INSERT INTO trace(run, idx, tokens) VALUES (?, ?, ?)")                                             \
	X(TRACE_ALL, "SELECT idx, tokens FROM trace WHERE run = ? ORDER BY idx")                                         \
	X(TIMING_ADD, "INSERT INTO timing(run, arm, turn, batch, ns) VALUES (?, ?, ?, ?, ?)")                            \
	X(TIMING_ALL, "SELECT arm, turn, batch, ns FROM timing WHERE run = ? ORDER BY arm, turn, batch")                 \
	X(DOCUMENT_ADD, "INSERT INTO document(data, idx, annotation, docid, label, words, rationale) "                   \
	                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(data, idx) DO NOTHING")                                \
	X(EXPLAINED_ADD, "INSERT INTO explained(run, idx, gold, pred, logits, tokens, windows, budget) "                 \
	                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")                                                              \
	X(EXPLAINED_COUNT, "SELECT count(*) FROM explained WHERE run = ?")                                               \
	X(EXPLAINED_ALL, "SELECT e.idx, e.gold, e.pred, e.logits, e.tokens, e.windows, e.budget, d.rationale "           \
	                 "FROM explained e JOIN run r ON r.id = e.run LEFT JOIN document d ON d.data = r.data_sha "      \
	                 "AND d.idx = e.idx WHERE e.run = ? ORDER BY e.idx")                                             \
	X(ATTRIBUTION_ADD, "INSERT INTO attribution(run, idx, layer, scores) VALUES (?, ?, ?, ?)")                       \
	X(ATTRIBUTION_ALL, "SELECT idx, layer, scores FROM attribution WHERE run = ? ORDER BY idx, layer")               \
	X(PERTURBATION_ADD, "INSERT INTO perturbation(run, idx, layer, threshold, removed, alone) "                      \
	                    "VALUES (?, ?, ?, ?, ?, ?)")                                                                 \
	X(PERTURBATION_ALL, "SELECT idx, layer, threshold, removed, alone FROM perturbation WHERE run = ? "              \
	                    "ORDER BY idx, layer, threshold")                                                            \
	X(CURVE_ADD, "INSERT INTO curve(run, step, name, value) VALUES (?, ?, ?, ?) "                                    \
	             "ON CONFLICT(run, step, name) DO UPDATE SET value = excluded.value")                                \
	X(CURVE_FORGET, "DELETE FROM curve WHERE run = ? AND step > ?")                                                  \
	X(CURVE_ALL, "SELECT step, name, value FROM curve WHERE run = ? ORDER BY step, name")                            \
	X(CURVE_NAMED, "SELECT step, name, value FROM curve WHERE run = ? AND name = ? ORDER BY step")                   \
	X(CURVE_NAMES, "SELECT name, count(*) FROM curve WHERE run = ? GROUP BY name ORDER BY name")

#define STORE_ENUM(name, text) SQL_##name,
enum sql { STORE_STATEMENTS(STORE_ENUM) SQL_COUNT };

struct store {
	sqlite3 *db;
	char *path; /* as the user gave it */
	int timeout_ms;
	int in_transaction; /* between store_begin and its end, whatever SQLite has made of it */
	sqlite3_stmt *prepared[SQL_COUNT];
};

/* A statement ready to be stepped; `types` has a letter for each value: i int64_t, t const char * (NULL is NULL),
 * d double (NaN is NULL). Texts must stay until sql_end. */
int sql_bind(struct store *s, sqlite3_stmt **out, enum sql which, struct err *e, const char *types, ...);
int sql_bind_all(sqlite3_stmt *q, const char *types, va_list *values); /* SQLite's result code */
/* The next row: *row is 0 after the last. */
int sql_step(struct store *s, sqlite3_stmt *q, int *row, struct err *e);
/* Runs a statement that writes, and ends it. */
int sql_write(struct store *s, sqlite3_stmt *q, struct err *e);
/* Lets go of the statement and of what it borrows. NULL is fine. */
void sql_end(sqlite3_stmt *q);
/* The sentence for SQLite's result code `rc`. */
int sql_fail(const struct store *s, int rc, struct err *e);
int sql_no_run(const struct store *s, int64_t id, struct err *e);

#endif
