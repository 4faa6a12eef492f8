#include "../engine/base/buf.h"
#include "../engine/base/err.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"
#include "test.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MAX = 20 };

struct sample_args {
	int trace, batch, precision;
	uint64_t seed;
	double gamma;
	const char *model;
};

static const struct opt options[] = {
	{"trace", 't', OPT_FLAG, offsetof(struct sample_args, trace), NULL, "print the trace", 0, 0},
	{"batch", 'b', OPT_INT, offsetof(struct sample_args, batch), "N", "sequences at once (8)", 1, 64},
	{"seed", 0, OPT_U64, offsetof(struct sample_args, seed), "N", "where randomness begins", 0, 0},
	{"gamma", 0, OPT_DOUBLE, offsetof(struct sample_args, gamma), "G", "how strongly", 0, 0},
	{"precision", 0, OPT_CHOICE, offsetof(struct sample_args, precision), "f32|bf16|int8", "of products", 0, 0},
	{"model", 'm', OPT_DIR, offsetof(struct sample_args, model), "DIR", "the model's folder", 0, 0},
	{"wrapped", 0, OPT_FLAG, offsetof(struct sample_args, trace), NULL,
     "a sentence so long that it does not fit into what is left of a line, at its last word", 0, 0},
	{.kind = OPT_END},
};

static const struct command sample = {
	.name = "sample",
	.summary = "shows options",
	.usage = "--model DIR [FILE|-]",
	.details = ".dots and 'quotes' begin lines here",
	.examples = "adapler sample --model m   # as it is",
	.options = options,
};

static struct sample_args args;
static struct err error;
static char **positional;
static int count;

/* Parses `line`, split at spaces, into the variables above. */
static int parse(const char *line)
{
	static char text[400], *argv[ARGUMENTS_MAX];
	int argc = 0;
	snprintf(text, sizeof text, "sample %s", line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	args = (struct sample_args){.batch = 8};
	error = (struct err){0};
	return opt_parse(&sample, argc, argv, &args, &positional, &count, &error);
}

static const char *complaint(const char *line)
{
	CHECK_INT(parse(line), ERR_USAGE);
	return error.text;
}

TEST(every_kind_of_option_is_read)
{
	REQUIRE_OK(parse("--trace --batch 4 --seed=18446744073709551615 --gamma -0.5 --precision int8 -m d"), &error);
	CHECK_INT(args.trace, 1);
	CHECK_INT(args.batch, 4);
	CHECK(args.seed == UINT64_MAX);
	CHECK_NEAR(args.gamma, -0.5, 0);
	CHECK_INT(args.precision, 2);
	CHECK_STR(args.model, "d");
	CHECK_INT(count, 0);
}

TEST(defaults_stay_when_nothing_is_said)
{
	REQUIRE_OK(parse(""), &error);
	CHECK_INT(args.batch, 8);
	CHECK_INT(args.trace, 0);
}

TEST(positional_arguments_may_stand_anywhere)
{
	REQUIRE_OK(parse("a --batch 4 - b -- --trace"), &error);
	REQUIRE(count == 4);
	CHECK_STR(positional[0], "a");
	CHECK_STR(positional[1], "-");
	CHECK_STR(positional[2], "b");
	CHECK_STR(positional[3], "--trace");
	CHECK_INT(args.trace, 0);
}

TEST(letters_join_their_values_and_each_other)
{
	REQUIRE_OK(parse("-tb16"), &error);
	CHECK_INT(args.trace, 1);
	CHECK_INT(args.batch, 16);
}

TEST(a_flag_can_be_taken_back)
{
	REQUIRE_OK(parse("--trace --no-trace"), &error);
	CHECK_INT(args.trace, 0);
	complaint("--no-batch");
}

TEST(a_value_is_given_once)
{
	CHECK_STR(complaint("--model a --batch 4 --model b"), "option '--model' is given twice");
	CHECK_STR(complaint("-b4 --batch=4"), "option '--batch' is given twice");
	REQUIRE_OK(parse("--trace -t --quiet --quiet -- --model a --model b"), &error);
	log_set_quiet(0);
}

TEST(bad_values_name_option_bounds_and_what_was_found)
{
	CHECK_STR(complaint("--batch x"), "option '--batch' must be an integer, found 'x'");
	CHECK_STR(complaint("--batch 65"), "option '--batch' must be from 1 to 64, found '65'");
	CHECK_STR(complaint("--batch 99999999999999999999"),
	          "option '--batch' must be from 1 to 64, found '99999999999999999999'");
	CHECK_STR(complaint("--seed -1"), "option '--seed' must be an integer from 0 to 2^64-1, found '-1'");
	CHECK_STR(complaint("--gamma nan"), "option '--gamma' must be a number, found 'nan'");
	CHECK_STR(complaint("--precision f16"), "option '--precision' must be one of f32|bf16|int8, found 'f16'");
	CHECK_STR(complaint("--precision f3"), "option '--precision' must be one of f32|bf16|int8, found 'f3'");
	CHECK_STR(complaint("--model"), "option '--model' needs a value (DIR)");
	CHECK_STR(complaint("--trace=1"), "option '--trace' takes no value");
}

TEST(an_unknown_option_is_met_with_a_suggestion)
{
	CHECK_STR(complaint("--modle x"), "unknown option '--modle'; did you mean 'model'? (known: trace, batch, seed, "
	                                  "gamma, precision, model, wrapped, quiet, help)");
	CHECK_CONTAINS(complaint("-z"), "unknown option '-z'");
}

TEST(quiet_is_understood_everywhere)
{
	log_set_quiet(0);
	REQUIRE_OK(parse("--quiet"), &error);
	CHECK(log_is_quiet());
	log_set_quiet(0);
}

TEST(lists_hold_numbers_and_ranges)
{
	double d[20];
	REQUIRE_OK(opt_double_list(d, 20, &count, "0.1:1.0:0.1,3", "x", &error), &error);
	REQUIRE(count == 11);
	for (int i = 0; i < 10; i++)
		CHECK_NEAR(d[i], 0.1 * (i + 1), 1e-12);
	CHECK_NEAR(d[10], 3, 0);
	int n[4];
	REQUIRE_OK(opt_int_list(n, 4, &count, "1,8,32", "x", 1, 32, &error), &error);
	CHECK(count == 3 && n[0] == 1 && n[1] == 8 && n[2] == 32);
	REQUIRE_OK(opt_int_list(n, 4, &count, "3:1:-1", "x", 1, 32, &error), &error);
	CHECK(count == 3 && n[0] == 3 && n[2] == 1);
}

static const char *list_complaint(const char *text)
{
	double d[4];
	error = (struct err){0};
	CHECK_INT(opt_double_list(d, 4, &count, text, "keep", &error), ERR_USAGE);
	return error.text;
}

TEST(bad_lists_are_refused)
{
	CHECK_STR(list_complaint("1,x"), "option '--keep' must be a number, found 'x'");
	CHECK_STR(list_complaint(""), "option '--keep' must be a number, found ''");
	CHECK_STR(list_complaint("1,"), "option '--keep' must be a number, found ''");
	CHECK_STR(list_complaint("1:2"), "expected FROM:TO:STEP in option '--keep', found '1:2'");
	CHECK_STR(list_complaint("1:2:3:4"), "expected FROM:TO:STEP in option '--keep', found '1:2:3:4'");
	CHECK_STR(list_complaint("1:2:-1"), "option '--keep' never gets from 1 to 2 in steps of -1");
	CHECK_STR(list_complaint("1:1:0"), "option '--keep' never gets from 1 to 1 in steps of 0");
	CHECK_STR(list_complaint("1:9:1"), "more than 4 numbers in option '--keep'");
	int n[4];
	error = (struct err){0};
	CHECK_INT(opt_int_list(n, 4, &count, "1.5", "batch", 1, 9, &error), ERR_USAGE);
	CHECK_STR(error.text, "option '--batch' must be integers from 1 to 9, found 1.5");
}

static char *printed(void (*print)(const struct command *const *, FILE *))
{
	static const struct command *const commands[] = {&sample, NULL};
	static char text[10000];
	FILE *out = fmemopen(text, sizeof text, "w");
	print(commands, out);
	fclose(out);
	return text;
}

static void print_help(const struct command *const *commands, FILE *out) { command_help(commands[0], out); }

static void print_man(const struct command *const *commands, FILE *out) { command_man(commands, "1.2", out); }

TEST(help_shows_usage_options_and_examples)
{
	const char *text = printed(print_help);
	CHECK_CONTAINS(text, "adapler sample: shows options\n\nusage:\n  adapler sample --model DIR [FILE|-]\n");
	CHECK_CONTAINS(text, "\n  -b, --batch N             sequences at once (8)\n");
	CHECK_CONTAINS(text, "\n  -t, --trace               print the trace\n");
	CHECK_CONTAINS(text, "\n      --precision f32|bf16|int8\n                            of products\n");
	CHECK_CONTAINS(text, "  a sentence so long that it does not fit into what is left of a line, at\n"
	                     "                            its last word\n");
	CHECK_CONTAINS(text, "\nexamples:\n  adapler sample --model m   # as it is\n");
}

TEST(the_man_page_escapes_what_roff_would_read)
{
	const char *text = printed(print_man);
	CHECK_CONTAINS(text, ".TH ADAPLER 1 \"\" \"adapler 1.2\"");
	CHECK_CONTAINS(text, "\n\\&.dots and 'quotes' begin lines here\n");
	CHECK_CONTAINS(text, "\\fB\\-b\\fR, \\fB\\-\\-batch\\fR \\fIN\\fR\nsequences at once (8)\n");
}

/* What bash itself offers after `line`; NULL when there is no bash. */
static const char *bash_completes(const char *words, int at)
{
	static char answer[1000];
	const char *script = test_path("completion");
	FILE *out = fopen(script, "w");
	fputs(printed(command_completion_bash), out);
	fclose(out);
	char line[4500];
	snprintf(line, sizeof line, "bash -c '. %s; COMP_WORDS=(%s) COMP_CWORD=%d; _adapler; echo ${COMPREPLY[*]}'", script,
	         words, at);
	FILE *pipe = popen(line, "r");
	size_t n = fread(answer, 1, sizeof answer - 1, pipe);
	answer[n] = '\0';
	return pclose(pipe) == 0 ? answer : NULL;
}

TEST(bash_completes_commands_options_and_choices)
{
	CHECK_STR(bash_completes("adapler sam", 1), "sample\n");
	CHECK_STR(bash_completes("adapler sample --pre", 2), "--precision\n");
	CHECK_STR(bash_completes("adapler sample --precision b", 3), "bf16\n");
	CHECK_STR(bash_completes("adapler help s", 2), "sample\n");
}

TEST(zsh_completion_names_options_and_choices)
{
	const char *text = printed(command_completion_zsh);
	CHECK_CONTAINS(text, "#compdef adapler\n");
	CHECK_CONTAINS(text, "'--precision=[of products]:precision:(f32 bf16 int8)'");
	CHECK_CONTAINS(text, "'--model=[the model'\\''s folder]:DIR:_directories'");
}

TEST(values_are_json_by_option)
{
	struct buf b = {0};
	CHECK_INT(parse("-b 3 --seed 18446744073709551615 --gamma 0.1 --precision bf16 --model a\"b"), 0);
	opt_json(&b, &sample, &args);
	CHECK_STR(b.data, "{\"trace\":false,\"batch\":3,\"seed\":18446744073709551615,\"gamma\":0.1,"
	                  "\"precision\":\"bf16\",\"model\":\"a\\\"b\",\"wrapped\":false}");
	buf_reset(&b);
	args = (struct sample_args){.gamma = NAN, .trace = 1};
	opt_json(&b, &sample, &args);
	CHECK_STR(b.data, "{\"trace\":true,\"batch\":0,\"seed\":0,\"precision\":\"f32\",\"wrapped\":true}");
	buf_free(&b);
}
