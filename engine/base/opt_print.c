/* Help, man page and completion, all printed from the tables of options. */
#include "buf.h"
#include "opt.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { HELP_COLUMN = 28, LINE_WIDTH = 100 };

/* What every command understands. */
static const struct opt common[] = {
	{"quiet", 0, OPT_FLAG, 0, NULL, "say nothing but errors", 0, 0},
	{"help", 'h', OPT_FLAG, 0, NULL, "print this help", 0, 0},
	{NULL, 0, OPT_END, 0, NULL, NULL, 0, 0},
};

/* Words of `text` from HELP_COLUMN on, in lines of at most LINE_WIDTH. */
static void print_help_text(const char *text, FILE *out)
{
	int column = HELP_COLUMN;
	while (*text) {
		int n = (int)strcspn(text, " ");
		int begins = column == HELP_COLUMN;
		if (!begins && column + 1 + n > LINE_WIDTH) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
			begins = 1;
		}
		column += fprintf(out, "%s%.*s", begins ? "" : " ", n, text);
		text += n + (text[n] == ' ');
	}
	fputc('\n', out);
}

static void print_option(const struct opt *o, FILE *out)
{
	char left[200];
	char letter[8] = "    ";
	if (o->letter)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	int is_flag = o->kind == OPT_FLAG;
	snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, is_flag ? "" : " ", is_flag ? "" : o->metavar);
	if (strlen(left) >= HELP_COLUMN)
		fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
	else
		fprintf(out, "%-*s", HELP_COLUMN, left);
	print_help_text(o->help, out);
}

/* Every line of `text` behind `lead`. */
static void print_lines(const char *text, const char *lead, FILE *out)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		fprintf(out, "%s%.*s\n", n ? lead : "", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

void command_help(const struct command *c, FILE *out)
{
	char lead[100];
	snprintf(lead, sizeof lead, "  adapler %s ", c->name);
	fprintf(out, "adapler %s: %s\n\nusage:\n", c->name, c->summary);
	print_lines(c->usage[0] ? c->usage : "\n", lead, out);
	if (!c->usage[0])
		fprintf(out, "%s\n", lead);
	if (c->details) {
		fputc('\n', out);
		print_lines(c->details, "", out);
	}
	fprintf(out, "\noptions:\n");
	for (const struct opt *o = c->options; o->kind != OPT_END; o++)
		print_option(o, out);
	for (const struct opt *o = common; o->kind != OPT_END; o++)
		print_option(o, out);
	if (c->examples) {
		fprintf(out, "\nexamples:\n");
		print_lines(c->examples, "  ", out);
	}
}

void command_list(const struct command *const *commands, FILE *out)
{
	for (; *commands; commands++)
		fprintf(out, "  %-12s %s\n", (*commands)->name, (*commands)->summary);
}

/* ---- man page ------------------------------------------------------------------------------------------------- */

/* Text as roff reads it: a dash is a minus (so that it can be copied), a backslash is escaped, a leading dot or quote
 * is no request. */
static void roff(const char *text, FILE *out)
{
	int begins_line = 1;
	for (; *text; text++) {
		if (begins_line && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
		begins_line = *text == '\n';
	}
}

static void man_block(const char *text, FILE *out)
{
	fprintf(out, ".PP\n.nf\n");
	roff(text, out);
	fprintf(out, "%s.fi\n", text[0] && text[strlen(text) - 1] == '\n' ? "" : "\n");
}

static void man_option(const struct opt *o, FILE *out)
{
	fprintf(out, ".TP\n");
	if (o->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
	fprintf(out, "\\fB\\-\\-");
	roff(o->name, out);
	fprintf(out, "\\fR");
	if (o->kind != OPT_FLAG) {
		fprintf(out, " \\fI");
		roff(o->metavar, out);
		fprintf(out, "\\fR");
	}
	fputc('\n', out);
	roff(o->help, out);
	fputc('\n', out);
}

static void man_command(const struct command *c, FILE *out)
{
	fprintf(out, ".SS adapler %s\n", c->name);
	roff(c->summary, out);
	fprintf(out, ".\n");
	if (c->usage[0])
		man_block(c->usage, out);
	if (c->details)
		man_block(c->details, out);
	for (const struct opt *o = c->options; o->kind != OPT_END; o++)
		man_option(o, out);
	if (c->examples) {
		fprintf(out, ".PP\nExamples:\n");
		man_block(c->examples, out);
	}
}

void command_man(const struct command *const *commands, const char *version, FILE *out)
{
	fprintf(out, ".TH ADAPLER 1 \"\" \"adapler %s\" \"User Commands\"\n", version);
	fprintf(out, ".SH NAME\nadapler \\- run token\\-pruned BERT classifiers\n");
	fprintf(out, ".SH SYNOPSIS\n.B adapler\n.I COMMAND\n[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n");
	fprintf(out, ".SH DESCRIPTION\nData goes to standard output, everything else to standard error.\n");
	fprintf(out, "Every command understands \\fB\\-\\-quiet\\fR and \\fB\\-\\-help\\fR.\n.SH COMMANDS\n");
	for (; *commands; commands++)
		man_command(*commands, out);
	fprintf(out, ".SH EXIT STATUS\n0 done, 1 failed, 2 usage, 3 ran and a stated expectation did not hold.\n");
	fprintf(out, ".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nwhen set and not empty, no colours are used.\n");
}

/* ---- completion ----------------------------------------------------------------------------------------------- */

static void print_names(const struct command *const *commands, FILE *out)
{
	for (; *commands; commands++)
		fprintf(out, "%s ", (*commands)->name);
	fprintf(out, "help man completion");
}

static void print_choices(const struct opt *o, FILE *out)
{
	for (const char *s = o->metavar; *s; s++)
		fputc(*s == '|' ? ' ' : *s, out);
}

static void bash_value(const struct command *c, const struct opt *o, FILE *out)
{
	if (o->kind == OPT_FLAG)
		return;
	fprintf(out, "\t%s:--%s", c->name, o->name);
	if (o->letter)
		fprintf(out, "|%s:-%c", c->name, o->letter);
	fprintf(out, ") ");
	if (o->kind == OPT_FILE) {
		fprintf(out, "COMPREPLY=($(compgen -f -- \"$word\")); ");
	} else if (o->kind == OPT_DIR) {
		fprintf(out, "COMPREPLY=($(compgen -d -- \"$word\")); ");
	} else if (o->kind == OPT_CHOICE) {
		fprintf(out, "COMPREPLY=($(compgen -W '");
		print_choices(o, out);
		fprintf(out, "' -- \"$word\")); ");
	}
	fprintf(out, "return ;;\n");
}

static void bash_options(const struct command *c, FILE *out)
{
	fprintf(out, "\t%s) options='", c->name);
	for (const struct opt *o = c->options; o->kind != OPT_END; o++)
		fprintf(out, "--%s ", o->name);
	fprintf(out, "--quiet --help' ;;\n");
}

void command_completion_bash(const struct command *const *commands, FILE *out)
{
	fprintf(
		out,
		"# bash completion for adapler\n_adapler()\n{\n"
		"\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} options=\n"
		"\tCOMPREPLY=()\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W '");
	print_names(commands, out);
	fprintf(out, "' -- \"$word\"))\n\t\treturn\n\tfi\n\tcase $command:$before in\n");
	for (int i = 0; commands[i]; i++)
		for (const struct opt *o = commands[i]->options; o->kind != OPT_END; o++)
			bash_value(commands[i], o, out);
	fprintf(out, "\tesac\n\tcase $command in\n");
	for (int i = 0; commands[i]; i++)
		bash_options(commands[i], out);
	fprintf(out, "\thelp) options='");
	print_names(commands, out);
	fprintf(out, "' ;;\n\tcompletion) options='bash zsh' ;;\n\tesac\n"
	             "\tcase $word in\n\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
	             "\t*) case $command in help|completion) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
	             "\t\t*) COMPREPLY=($(compgen -f -- \"$word\")) ;; esac ;;\n\tesac\n}\n"
	             "complete -o filenames -F _adapler adapler\n");
}

/* Within zsh's '...[...]' specifications: quotes, brackets and colons are escaped. */
static void zsh_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void zsh_option(const struct opt *o, FILE *out)
{
	fprintf(out, " \\\n\t\t\t'--%s%s[", o->name, o->kind == OPT_FLAG ? "" : "=");
	zsh_text(o->help, out);
	fprintf(out, "]");
	if (o->kind != OPT_FLAG) {
		fprintf(out, ":");
		zsh_text(o->kind == OPT_CHOICE ? o->name : o->metavar, out);
		fprintf(out, ":");
	}
	if (o->kind == OPT_FILE)
		fprintf(out, "_files");
	if (o->kind == OPT_DIR)
		fprintf(out, "_directories");
	if (o->kind == OPT_CHOICE) {
		fprintf(out, "(");
		print_choices(o, out);
		fprintf(out, ")");
	}
	fprintf(out, "'");
}

void command_completion_zsh(const struct command *const *commands, FILE *out)
{
	fprintf(out, "#compdef adapler\n_adapler()\n{\n\tif (( CURRENT == 2 )); then\n\t\tlocal -a commands=(");
	for (int i = 0; commands[i]; i++) {
		fprintf(out, "\n\t\t\t'%s:", commands[i]->name);
		zsh_text(commands[i]->summary, out);
		fprintf(out, "'");
	}
	fprintf(out, "\n\t\t\t'help:explain a command' 'man:print the manual' 'completion:print shell completion')\n"
	             "\t\t_describe command commands\n\t\treturn\n\tfi\n\tcase $words[2] in\n");
	for (int i = 0; commands[i]; i++) {
		fprintf(out, "\t%s)\n\t\t_arguments", commands[i]->name);
		for (const struct opt *o = commands[i]->options; o->kind != OPT_END; o++)
			zsh_option(o, out);
		for (const struct opt *o = common; o->kind != OPT_END; o++)
			zsh_option(o, out);
		fprintf(out, " \\\n\t\t\t'*:file:_files' ;;\n");
	}
	fprintf(out, "\thelp) _values command ");
	print_names(commands, out);
	fprintf(out, " ;;\n\tcompletion) _values shell bash zsh ;;\n\tesac\n}\n_adapler \"$@\"\n");
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static void add_choice(struct buf *b, const char *words, int index)
{
	for (; index > 0; index--)
		words += strcspn(words, "|") + 1;
	buf_add_json_string(b, words, strcspn(words, "|"));
}

static int is_given(const struct opt *o, const void *value)
{
	switch (o->kind) {
	case OPT_DOUBLE: return !isnan(*(const double *)value);
	case OPT_STRING:
	case OPT_FILE:
	case OPT_DIR: return *(const char *const *)value != NULL;
	default: return 1;
	}
}

static void add_value(struct buf *b, const struct opt *o, const void *value)
{
	switch (o->kind) {
	case OPT_FLAG: buf_add_text(b, *(const int *)value ? "true" : "false"); break;
	case OPT_INT: buf_add_json_int(b, *(const int *)value); break;
	case OPT_U64: buf_addf(b, "%llu", (unsigned long long)*(const uint64_t *)value); break;
	case OPT_DOUBLE: buf_add_json_double(b, *(const double *)value); break;
	case OPT_CHOICE: add_choice(b, o->metavar, *(const int *)value); break;
	default: {
		const char *text = *(const char *const *)value;
		buf_add_json_string(b, text, strlen(text));
	}
	}
}

void opt_json(struct buf *b, const struct command *c, const void *args)
{
	const char *before = "";
	buf_add_byte(b, '{');
	for (const struct opt *o = c->options; o->kind != OPT_END; o++) {
		const void *value = (const char *)args + o->offset;
		if (!is_given(o, value))
			continue;
		buf_addf(b, "%s\"%s\":", before, o->name);
		add_value(b, o, value);
		before = ",";
	}
	buf_add_byte(b, '}');
}
