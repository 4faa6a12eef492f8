/* Options as tables. A command is one `struct command`; help, the man page and shell completion are printed from it, so
 * they cannot disagree with what is parsed. */
#ifndef ADAPLER_BASE_OPT_H
#define ADAPLER_BASE_OPT_H

#include <stddef.h>
#include <stdio.h>

struct buf;
struct err;

enum opt_kind {
	OPT_END = 0,
	OPT_FLAG,   /* int: set to 1; --no-NAME sets 0 */
	OPT_INT,    /* int, within [low, high] */
	OPT_U64,    /* uint64_t */
	OPT_DOUBLE, /* double */
	OPT_STRING, /* const char * */
	OPT_FILE,   /* const char *, completed as a path */
	OPT_DIR,    /* const char *, completed as a folder */
	OPT_CHOICE, /* int: the index of the word in the metavar's list ("f32|bf16|int8") */
};

struct opt {
	const char *name; /* long, without the dashes */
	char letter;      /* short form, 0 for none */
	enum opt_kind kind;
	size_t offset;       /* of the value in the command's struct of arguments: offsetof(struct x_args, field) */
	const char *metavar; /* N, DIR ...; for OPT_CHOICE the choices, separated by | */
	const char *help;    /* one line, lower case; the default is said here */
	long long low, high; /* OPT_INT: inclusive bounds; both 0 for none */
};

/* A command: what runs it, and what it shows of itself. `usage` and `examples` may hold several lines. */
struct command {
	const char *name;
	const char *summary;       /* one line, for the list of commands */
	const char *usage;         /* after "adapler NAME": "--model DIR [FILE|-]" */
	const char *details;       /* a paragraph or more; may be NULL */
	const char *examples;      /* whole command lines, with comments; may be NULL */
	const struct opt *options; /* ends with OPT_END */
	int (*run)(const struct command *c, int argc, char **argv, struct err *e);
};

/* Parses argv[1..] into `args` (the struct that the offsets are of; the caller sets the defaults first). Options may
 * stand anywhere; "--" ends them; "--name=value" and "--name value" are the same. Positional arguments are moved to the
 * front: *positional points at them, *count says how many. --help prints the command's help on standard output and
 * returns OPT_HELP, which run() hands on and the front door takes as success. --quiet is understood by every command
 * (log_set_quiet). Unknown options are ERR_USAGE with a suggestion; one with a value that is given twice is, too. */
enum { OPT_HELP = -1 };
int opt_parse(const struct command *c, int argc, char **argv, void *args, char ***positional, int *count,
              struct err *e);

/* Lists of numbers in option values: "1,8,32" or "0.1:1.0:0.1" (from:to:step, end included). */
int opt_int_list(int *out, int capacity, int *count, const char *text, const char *option, long long low,
                 long long high, struct err *e);
int opt_double_list(double *out, int capacity, int *count, const char *text, const char *option, struct err *e);

/* The values in a command's struct of arguments as a JSON object by option; what is NULL or NaN is left out. */
void opt_json(struct buf *b, const struct command *c, const void *args);

/* Printed from the tables; `commands` ends with NULL. */
void command_help(const struct command *c, FILE *out);
void command_list(const struct command *const *commands, FILE *out);
void command_man(const struct command *const *commands, const char *version, FILE *out); /* adapler(1), roff */
void command_completion_bash(const struct command *const *commands, FILE *out);
void command_completion_zsh(const struct command *const *commands, FILE *out);

#endif
