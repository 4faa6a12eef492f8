/* The front door: the table of commands, and nothing else. The only place that exits. */
#include "engine/base/err.h"
#include "engine/base/opt.h"
#include "engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
#define COMMANDS(X) \
	X(tokenize) X(inspect) X(convert) X(corpus) X(vocab) X(init) \
	X(pretrain) X(finetune) X(saliency) X(adapt) \
	X(predict) X(eval) X(sweep) X(ls) X(show) X(compare) X(pareto) X(export) X(merge) X(verify) \
	X(windows) X(explain) X(rationale) X(score) X(report) X(bench) X(baseline) X(curve)
/* clang-format on */

#define DECLARE(name) extern const struct command name##_command;
COMMANDS(DECLARE)
extern const struct command version_command;

#define ROW(name) &name##_command,
static const struct command *const commands[] = {COMMANDS(ROW) NULL};

enum { COMMANDS_MAX = sizeof commands / sizeof commands[0] };

static const struct command *find(const char *name)
{
	for (int i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int unknown(const char *name, struct err *e)
{
	const char *names[COMMANDS_MAX + 4];
	int n = 0;
	for (; commands[n]; n++)
		names[n] = commands[n]->name;
	names[n++] = "help";
	names[n++] = "man";
	names[n++] = "completion";
	names[n] = NULL;
	char hint[700];
	err_suggest(hint, sizeof hint, name, names);
	return err_set(e, ERR_USAGE, "unknown command '%.80s'%s", name, hint);
}

static void overview(FILE *out)
{
	fprintf(out, "adapler runs token-pruned BERT classifiers.\n\nusage:\n"
	             "  adapler COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:\n");
	command_list(commands, out);
	fprintf(out, "  %-12s %s\n", "help", "explain a command: adapler help COMMAND");
	fprintf(out, "  %-12s %s\n", "man", "print the manual page");
	fprintf(out, "  %-12s %s\n", "completion", "print shell completion: bash or zsh");
	fprintf(out, "\n`adapler --version --verbose` says what this program was built from and runs on.\n");
}

static int help(const char *name, struct err *e)
{
	if (!name) {
		overview(stdout);
		return 0;
	}
	const struct command *c = find(name);
	if (!c)
		return unknown(name, e);
	command_help(c, stdout);
	return 0;
}

static int completion(const char *shell, struct err *e)
{
	if (shell && !strcmp(shell, "bash"))
		command_completion_bash(commands, stdout);
	else if (shell && !strcmp(shell, "zsh"))
		command_completion_zsh(commands, stdout);
	else
		return err_set(e, ERR_USAGE, "completion is printed for bash or zsh%s%.80s%s", shell ? ", not for '" : "",
		               shell ? shell : "", shell ? "'" : "");
	return 0;
}

static int dispatch(int argc, char **argv, struct err *e)
{
	const char *name = argv[1], *argument = argc > 2 ? argv[2] : NULL;
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return help(argument, e);
	if (!strcmp(name, "--version"))
		return version_command.run(&version_command, argc - 1, argv + 1, e);
	if (!strcmp(name, "man")) {
		command_man(commands, ADAPLER_VERSION, stdout);
		return 0;
	}
	if (!strcmp(name, "completion"))
		return completion(argument, e);
	const struct command *c = find(name);
	return c ? c->run(c, argc - 1, argv + 1, e) : unknown(name, e);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		overview(stderr);
		return err_exit_code(ERR_USAGE);
	}
	struct err e = {0};
	int code = dispatch(argc, argv, &e);
	if (code == OPT_HELP)
		code = 0;
	/* What did not reach the disk was not printed. */
	if ((fflush(stdout) || ferror(stdout)) && !code)
		code = err_set_errno(&e, errno, "cannot write standard output");
	if (code)
		fprintf(stderr, "adapler: %s\n", e.text);
	return err_exit_code(code);
}
