/* Errors are values that the caller owns.
 *
 * A function that can fail returns 0 or one of ERR_*, and takes a `struct err *` last. The first sentence wins: a
 * caller that adds to an error already set changes nothing, so the deepest and most exact fault reaches the user.
 * Sentences: lower case, the fault first, the subject in 'single quotes', the place given
 * (`expected 4 columns, found 3 in 'dev.tsv' line 17`). */
#ifndef ADAPLER_BASE_ERR_H
#define ADAPLER_BASE_ERR_H

enum {
	ERR_NONE = 0,
	ERR_IO,          /* the system refused: open, read, write, map */
	ERR_FORMAT,      /* a file or a text is not what it should be */
	ERR_MISMATCH,    /* two inputs that are fine by themselves disagree */
	ERR_LIMIT,       /* too large, too long, out of range */
	ERR_MEMORY,      /* out of memory */
	ERR_USAGE,       /* the caller asked for what does not exist: exit code 2 at the command line */
	ERR_UNSUPPORTED, /* understood, but not built in or not offered */
	ERR_INTERRUPTED, /* SIGINT: the work stopped at a safe point */
	ERR_EXPECTATION, /* ran, and a stated expectation did not hold: exit code 3 */
};

struct err {
	int code;
	char text[1024];
};

/* Sets the sentence unless one is there already; returns the code that then stands. `e` may be NULL. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with ": strerror(number)" at the end; code ERR_IO. */
int err_set_errno(struct err *e, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The exit code of a command that ended with `code`: 0, 1, 2 (usage) or 3 (expectation). */
int err_exit_code(int code);

/* "; did you mean 'x'? (known: a, b, c)" into `out`, for unknown names. `names` ends with NULL. */
void err_suggest(char *out, int size, const char *unknown, const char *const *names);

#endif
