/* Who is at which cell: processes that share a store never do a cell twice.
 *
 * A claim is a lock on one byte of a file beside the database, at the place that the cell's key names. The system lets go
 * of it when the process ends, however it ends: no claim is ever stale. Like the database's own locks it holds among the
 * processes of one machine. */
#ifndef ADAPLER_EVAL_CLAIMS_H
#define ADAPLER_EVAL_CLAIMS_H

struct err;
struct claims;

/* The file is `db`-claims; it is made when it is not there, and stays empty. Not shared across fork(). */
int claims_open(struct claims **c, const char *db, struct err *e);
void claims_close(struct claims *c); /* lets go of all; NULL is fine */

/* *is_taken: whether it is ours now; 0 when another process holds it. */
int claims_take(struct claims *c, const char *key, int *is_taken, struct err *e);
void claims_release(struct claims *c, const char *key);

#endif
