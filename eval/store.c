/* The database as a file: opening, what version it is, transactions, statements, errors. */
#include "store.h"

#include "../engine/base/buf.h"
#include "../engine/base/clock.h"
#include "../engine/base/file.h"
#include "store_sql.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

_Static_assert(SQLITE_VERSION_NUMBER >= 3037000, "STRICT tables need SQLite 3.37 or newer");

enum {
	APPLICATION_ID = 0x41644c52, /* "AdLR", in the file's header */
	TIMEOUT_MS = 30000,
};

/* Migration i leads from version i to i + 1. A step that was published is never changed: a new one follows it. */
static const char *const migrations[] = {
	/* 0 -> 1: runs and their training curves */
	"CREATE TABLE run("
	" id INTEGER PRIMARY KEY,"
	" key TEXT NOT NULL UNIQUE CONSTRAINT key_is_not_empty CHECK (key <> ''),"
	" kind TEXT NOT NULL CONSTRAINT kind_is_not_empty CHECK (kind <> ''),"
	" task TEXT, split TEXT, policy TEXT,"
	" args TEXT NOT NULL, seed INTEGER NOT NULL, model_sha TEXT, data_sha TEXT, rev TEXT, threads INTEGER NOT NULL,"
	" started TEXT NOT NULL, finished TEXT"
	") STRICT;"
	"CREATE TABLE curve("
	" run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
	" step INTEGER NOT NULL CONSTRAINT step_is_not_negative CHECK (step >= 0),"
	" name TEXT NOT NULL CONSTRAINT name_is_not_empty CHECK (name <> ''),"
	" value REAL,"
	" PRIMARY KEY(run, step, name)"
	") STRICT, WITHOUT ROWID;",
	/* 1 -> 2: what a model did with each example, and what was computed from it.
	 * gold and pred are classes, or numbers of a regression; logits and rows are JSON arrays, rows by layer. A trace has
	 * an array with a value a token: the layer at which it died, or [that, its score]; what never dies has none. */
	"CREATE TABLE example("
	" run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
	" idx INTEGER NOT NULL CONSTRAINT idx_is_not_negative CHECK (idx >= 0),"
	" gold REAL, pred REAL, logits TEXT NOT NULL, tokens INTEGER NOT NULL, rows TEXT NOT NULL,"
	" flops INTEGER NOT NULL, dense_flops INTEGER NOT NULL,"
	" PRIMARY KEY(run, idx)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE trace("
	" run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
	" idx INTEGER NOT NULL CONSTRAINT idx_is_not_negative CHECK (idx >= 0),"
	" tokens TEXT NOT NULL,"
	" PRIMARY KEY(run, idx)"
	") STRICT;"
	"CREATE TABLE timing("
	" run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
	" arm TEXT NOT NULL CONSTRAINT arm_is_known CHECK (arm IN ('policy', 'dense')),"
	" turn INTEGER NOT NULL, batch INTEGER NOT NULL, ns INTEGER NOT NULL,"
	" PRIMARY KEY(run, arm, turn, batch)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE metric("
	" run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
	" name TEXT NOT NULL CONSTRAINT name_is_not_empty CHECK (name <> ''),"
	" value REAL, lo REAL, hi REAL,"
	" PRIMARY KEY(run, name)"
	") STRICT, WITHOUT ROWID;"
	"CREATE VIEW length(run, idx, layer, rows) AS"
	" SELECT run, idx, r.key, r.value FROM example, json_each(example.rows) AS r;"
	"CREATE VIEW token(run, idx, pos, died_at, score) AS"
	" SELECT run, idx, t.key,"
	"  CASE t.type WHEN 'array' THEN json_extract(t.value, '$[0]') ELSE t.value END,"
	"  CASE t.type WHEN 'array' THEN json_extract(t.value, '$[1]') END"
	" FROM trace, json_each(trace.tokens) AS t;",
	/* 2 -> 3: documents that people marked, and how methods score their tokens.
	 * A document belongs to data, by its hash, not to a run. Arrays are JSON: rationale [[start,end],...], windows
	 * [first token of each ..., tokens], budget [window][layer] tokens kept, scores a number or null a token. A
	 * perturbation has the probability of the predicted class without the share of tokens on top, and with it alone. */
	"CREATE TABLE document("
	" data TEXT NOT NULL, idx INTEGER NOT NULL CONSTRAINT idx_is_not_negative CHECK (idx >= 0),"
	" annotation TEXT NOT NULL, docid TEXT NOT NULL, label TEXT, words TEXT NOT NULL, rationale TEXT NOT NULL,"
	" PRIMARY KEY(data, idx)"
	") STRICT;"
	"CREATE TABLE explained("
	" run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
	" idx INTEGER NOT NULL CONSTRAINT idx_is_not_negative CHECK (idx >= 0),"
	" gold INTEGER, pred INTEGER NOT NULL, logits TEXT NOT NULL, tokens INTEGER NOT NULL,"
	" windows TEXT NOT NULL, budget TEXT NOT NULL,"
	" PRIMARY KEY(run, idx)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE attribution("
	" run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
	" idx INTEGER NOT NULL, layer INTEGER NOT NULL, scores TEXT NOT NULL,"
	" PRIMARY KEY(run, idx, layer)"
	") STRICT;"
	"CREATE TABLE perturbation("
	" run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
	" idx INTEGER NOT NULL, layer INTEGER NOT NULL, threshold INTEGER NOT NULL, removed REAL, alone REAL,"
	" PRIMARY KEY(run, idx, layer, threshold)"
	") STRICT, WITHOUT ROWID;"
	"CREATE VIEW attributed(run, idx, layer, pos, score) AS"
	" SELECT run, idx, layer, s.key, s.value FROM attribution, json_each(attribution.scores) AS s;",
};

enum { VERSION = sizeof migrations / sizeof migrations[0] };

/* ---- errors ---- */

int sql_fail(const struct store *s, int rc, struct err *e)
{
	const char *why = sqlite3_errmsg(s->db);
	int number = sqlite3_system_errno(s->db);
	switch (rc & 0xff) {
	case SQLITE_BUSY:
		return err_set(e, ERR_IO, "'%s' is locked by another process (waited %g s)", s->path, s->timeout_ms / 1e3);
	case SQLITE_FULL: return err_set(e, ERR_IO, "no room on the disk for '%s'; what was committed is safe", s->path);
	case SQLITE_READONLY: return err_set(e, ERR_IO, "'%s' is read-only: %s", s->path, why);
	case SQLITE_NOTADB: return err_set(e, ERR_FORMAT, "'%s' is not a database of SQLite", s->path);
	case SQLITE_CORRUPT: return err_set(e, ERR_FORMAT, "'%s' is damaged: %s", s->path, why);
	case SQLITE_NOMEM: return err_set(e, ERR_MEMORY, "out of memory for '%s'", s->path);
	case SQLITE_CONSTRAINT: return err_set(e, ERR_MISMATCH, "not a row for '%s': %s", s->path, why);
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_IOERR:
		return number ? err_set_errno(e, number, "cannot use '%s': %s", s->path, why)
		              : err_set(e, ERR_IO, "cannot use '%s': %s", s->path, why);
	default: return err_set(e, ERR_FORMAT, "cannot use '%s': %s", s->path, why);
	}
}

int sql_no_run(const struct store *s, int64_t id, struct err *e)
{
	return err_set(e, ERR_USAGE, "no run %lld in '%s'", (long long)id, s->path);
}

/* ---- statements ---- */

#define STORE_TEXT(name, text) text,
static const char *const sql_text[] = {STORE_STATEMENTS(STORE_TEXT)};

static int prepare(struct store *s, enum sql which, struct err *e)
{
	if (s->prepared[which])
		return 0;
	int rc = sqlite3_prepare_v3(s->db, sql_text[which], -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[which], NULL);
	return rc ? sql_fail(s, rc, e) : 0;
}

static int bind_one(sqlite3_stmt *q, int at, char type, va_list *values)
{
	if (type == 'i')
		return sqlite3_bind_int64(q, at, va_arg(*values, int64_t));
	if (type == 't')
		return sqlite3_bind_text(q, at, va_arg(*values, const char *), -1, SQLITE_STATIC);
	assert(type == 'd');
	return sqlite3_bind_double(q, at, va_arg(*values, double)); /* SQLite makes NaN NULL */
}

int sql_bind_all(sqlite3_stmt *q, const char *types, va_list *values)
{
	int rc = 0;
	for (int i = 0; types[i] && !rc; i++)
		rc = bind_one(q, i + 1, types[i], values);
	return rc;
}

int sql_bind(struct store *s, sqlite3_stmt **out, enum sql which, struct err *e, const char *types, ...)
{
	*out = NULL;
	int code = prepare(s, which, e), rc = 0;
	if (code)
		return code;
	va_list values;
	va_start(values, types);
	rc = sql_bind_all(s->prepared[which], types, &values);
	va_end(values);
	*out = s->prepared[which];
	return rc ? sql_fail(s, rc, e) : 0;
}

int sql_step(struct store *s, sqlite3_stmt *q, int *row, struct err *e)
{
	int rc = sqlite3_step(q);
	*row = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sql_fail(s, rc, e);
}

void sql_end(sqlite3_stmt *q)
{
	if (!q)
		return;
	sqlite3_reset(q); /* repeats the error that sql_step told */
	sqlite3_clear_bindings(q);
}

/* SQLite ends a transaction by itself when it runs out of disk or memory: what follows must not be taken for part of
 * it, nor be committed one by one. */
static int check_transaction(const struct store *s, struct err *e)
{
	if (!s->in_transaction || !sqlite3_get_autocommit(s->db))
		return 0;
	return err_set(e, ERR_IO, "the transaction on '%s' is lost since a write failed", s->path);
}

int sql_write(struct store *s, sqlite3_stmt *q, struct err *e)
{
	int row, code = check_transaction(s, e);
	if (!code)
		code = sql_step(s, q, &row, e);
	sql_end(q);
	return code;
}

/* ---- transactions ---- */

int store_begin(struct store *s, struct err *e)
{
	assert(!s->in_transaction);
	if (sqlite3_db_readonly(s->db, "main")) /* SQLite would only notice at the first write */
		return err_set(e, ERR_IO, "'%s' is read-only", s->path);
	sqlite3_stmt *q;
	int code = sql_bind(s, &q, SQL_BEGIN, e, "");
	if (!code)
		code = sql_write(s, q, e);
	s->in_transaction = !code;
	return code;
}

int store_commit(struct store *s, struct err *e)
{
	assert(s->in_transaction);
	sqlite3_stmt *q;
	int code = sql_bind(s, &q, SQL_COMMIT, e, "");
	if (!code)
		code = sql_write(s, q, e);
	s->in_transaction = code != 0;
	return code;
}

void store_rollback(struct store *s)
{
	if (s->in_transaction && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL); /* it fails only when nothing is left to roll back */
	s->in_transaction = 0;
}

/* ---- whose file is it, and how old ---- */

struct identity {
	int application, version, tables;
};

static int identify(struct store *s, struct identity *id, struct err *e)
{
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(s->db,
	                            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
	                            " FROM pragma_application_id, pragma_user_version",
	                            -1, &q, NULL);
	if (!rc)
		rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		*id = (struct identity){sqlite3_column_int(q, 0), sqlite3_column_int(q, 1), sqlite3_column_int(q, 2)};
	int code = rc == SQLITE_ROW ? 0 : sql_fail(s, rc, e);
	sqlite3_finalize(q);
	return code;
}

static int check_identity(const struct store *s, const struct identity *id, struct err *e)
{
	int is_empty = !id->application && !id->version && !id->tables;
	if (!is_empty && id->application != APPLICATION_ID)
		return err_set(e, ERR_FORMAT, "'%s' is the database of another program", s->path);
	if (id->version > VERSION)
		return err_set(e, ERR_UNSUPPORTED,
		               "'%s' was written by a newer adapler: its tables are of version %d, known are %d", s->path,
		               id->version, VERSION);
	if (!is_empty && id->version < 1)
		return err_set(e, ERR_FORMAT, "'%s' is damaged: its tables are of version %d", s->path, id->version);
	return 0;
}

static int migrate_from(struct store *s, int version, struct err *e)
{
	char pragmas[100];
	int rc = 0;
	for (int i = version; i < VERSION && !rc; i++)
		rc = sqlite3_exec(s->db, migrations[i], NULL, NULL, NULL);
	snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID, VERSION);
	if (!rc)
		rc = sqlite3_exec(s->db, pragmas, NULL, NULL, NULL);
	return rc ? sql_fail(s, rc, e) : 0;
}

/* Another process may have migrated, or taken an empty file, since it was looked at. */
static int migrate(struct store *s, struct err *e)
{
	struct identity id = {0};
	int code = store_begin(s, e);
	if (code)
		return code;
	code = identify(s, &id, e);
	if (!code)
		code = check_identity(s, &id, e);
	if (!code)
		code = migrate_from(s, id.version, e);
	if (!code)
		code = store_commit(s, e);
	store_rollback(s);
	return code;
}

/* ---- opening ---- */

/* SQLite does not wait by itself for the lock that a change of the journal needs. A file system without shared memory
 * keeps the old journal, which is slower but as safe. */
static int use_wal(struct store *s, struct err *e)
{
	const struct timespec nap = {0, 5000000};
	int64_t deadline = clock_ns() + (int64_t)s->timeout_ms * 1000000;
	for (;;) {
		int rc = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", NULL, NULL, NULL);
		if (!rc)
			return 0;
		if ((rc & 0xff) != SQLITE_BUSY || clock_ns() > deadline)
			return sql_fail(s, rc, e);
		nanosleep(&nap, NULL);
	}
}

/* A file may come from anywhere: its schema gets no functions with side effects, and no cell is believed. */
static void configure(struct store *s)
{
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, s->timeout_ms);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_exec(s->db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
}

/* `name` is a URI. The user's path is never read as one, nor as one of SQLite's special names. */
static int connect_to(struct store *s, const char *name, int flags, struct err *e)
{
	int rc = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	if (!s->db)
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", s->path);
	if (rc)
		return sql_fail(s, rc, e);
	configure(s);
	return 0;
}

static void add_uri(struct buf *b, const char *path)
{
	buf_add_text(b, path[0] == '/' ? "file:" : "file:./");
	for (; *path; path++)
		if (strchr("%?#", *path))
			buf_addf(b, "%%%02x", *path);
		else
			buf_add_byte(b, *path);
}

static int open_writable(struct store *s, const char *uri, struct err *e)
{
	struct identity id = {0};
	int code = connect_to(s, uri, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, e);
	if (!code && sqlite3_db_readonly(s->db, "main") == 1) /* SQLite falls back to reading without a word */
		code = err_set(e, ERR_IO, "'%s' is read-only", s->path);
	if (!code)
		code = identify(s, &id, e);
	if (!code)
		code = check_identity(s, &id, e);
	if (!code)
		code = use_wal(s, e);
	if (!code && id.version < VERSION)
		code = migrate(s, e);
	return code;
}

static int has_wal(const char *path)
{
	char wal[4096];
	return snprintf(wal, sizeof wal, "%s-wal", path) >= (int)sizeof wal || file_exists(wal);
}

/* Brings an old file up to date where it can be written. */
static int update(const char *path, int timeout_ms)
{
	struct store *s;
	int code = store_open(&s, path, &(struct store_options){.timeout_ms = timeout_ms}, NULL);
	store_close(s);
	return !code;
}

/* A WAL database needs files beside it even to be read. In a folder that cannot be written, and without such a file,
 * nobody is writing to it: it can be read as it lies. */
static int open_readable(struct store *s, struct buf *uri, struct err *e)
{
	struct identity id = {0};
	struct err first = {0};
	int code = connect_to(s, uri->data, SQLITE_OPEN_READONLY, e);
	if (!code)
		code = identify(s, &id, &first);
	if (code == ERR_IO && !has_wal(s->path)) {
		sqlite3_close(s->db);
		s->db = NULL;
		first = (struct err){0};
		buf_add_text(uri, "?immutable=1");
		code = buf_check(uri, e);
		if (!code)
			code = connect_to(s, uri->data, SQLITE_OPEN_READONLY, e);
		if (!code)
			code = identify(s, &id, &first);
	}
	if (first.code)
		return err_set(e, first.code, "%s", first.text);
	if (!code)
		code = check_identity(s, &id, e);
	if (!code && !id.version)
		code = err_set(e, ERR_FORMAT, "'%s' is empty: no run was ever written to it", s->path);
	if (!code && id.version < VERSION && !update(s->path, s->timeout_ms))
		code = err_set(e, ERR_UNSUPPORTED,
		               "'%s' is of an older version, and cannot be written to be brought up to date", s->path);
	return code;
}

static int check_path(const char *path, int must_be_there, struct err *e)
{
	struct stat st;
	if (!path[0])
		return err_set(e, ERR_USAGE, "the path of the database is empty");
	if (stat(path, &st))
		return errno != ENOENT || must_be_there ? err_set_errno(e, errno, "cannot open '%s'", path) : 0;
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_IO, "not a regular file: '%s'%s", path, S_ISDIR(st.st_mode) ? " is a directory" : "");
	return 0;
}

static int open_at(struct store *s, int is_read_only, struct err *e)
{
	struct buf uri = {0};
	add_uri(&uri, s->path);
	int code = buf_check(&uri, e);
	if (!code)
		code = is_read_only ? open_readable(s, &uri, e) : open_writable(s, uri.data, e);
	buf_free(&uri);
	return code;
}

int store_open(struct store **out, const char *path, const struct store_options *o, struct err *e)
{
	*out = NULL;
	struct store *s = calloc(1, sizeof *s);
	if (!s || !(s->path = strdup(path))) {
		free(s);
		return err_set(e, ERR_MEMORY, "out of memory for '%s'", path);
	}
	s->timeout_ms = o && o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
	int is_read_only = o && o->is_read_only, code = check_path(path, is_read_only, e);
	if (!code)
		code = open_at(s, is_read_only, e);
	if (code)
		store_close(s);
	else
		*out = s;
	return code;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->prepared[i]);
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}
