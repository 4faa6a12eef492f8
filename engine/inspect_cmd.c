/* adapler inspect: what is in a model directory, for people and as JSON. */
#include "base/buf.h"
#include "base/file.h"
#include "base/opt.h"
#include "base/sha256.h"
#include "config.h"
#include "weights.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct inspect_args {
	int json;
};

static const struct opt options[] = {
	{"json", 0, OPT_FLAG, offsetof(struct inspect_args, json), NULL, "one JSON object", 0, 0},
	{.kind = OPT_END},
};

static const char *const group_names[] = {"embeddings", "token_types", "encoder", "head", "mlm", "predictors"};
enum { GROUP_COUNT = sizeof group_names / sizeof group_names[0] };

static const char *const tokenizer_files[] = {"vocab.txt", "tokenizer.json", "tokenizer_config.json"};
enum { TOKENIZER_FILES = sizeof tokenizer_files / sizeof tokenizer_files[0] };

struct inspection {
	const char *dir;
	struct config c;
	struct weights w;
	int64_t parameters[GROUP_COUNT], total;
	char (*sha256)[65]; /* by file */
	int has_file[TOKENIZER_FILES];
};

/* ---- looking ---- */

static int count_one(const struct weight_info *info, void *arg)
{
	struct inspection *x = arg;
	int64_t count = *info->slot ? info->rows * (info->columns ? info->columns : 1) : 0;
	x->parameters[info->group] += count;
	x->total += count;
	return 0;
}

static int hash_files(struct inspection *x, struct err *e)
{
	int count = checkpoint_file_count(x->w.checkpoint), code = 0;
	x->sha256 = calloc((size_t)count, sizeof *x->sha256);
	if (!x->sha256)
		return err_set(e, ERR_MEMORY, "out of memory for the hashes of %d files", count);
	for (int i = 0; i < count && !code; i++)
		code = sha256_file(checkpoint_file(x->w.checkpoint, i), x->sha256[i], e);
	return code;
}

/* Only the encoder must be there: what else is missing is worth seeing. */
static int look(struct inspection *x, struct err *e)
{
	char path[4096];
	int code = config_read(&x->c, x->dir, e);
	if (!code)
		code = weights_open(&x->w, &x->c, x->dir, 1u << GROUP_ENCODER, e);
	if (!code)
		code = hash_files(x, e);
	for (int i = 0; i < TOKENIZER_FILES && !code; i++) {
		code = file_join(path, sizeof path, x->dir, tokenizer_files[i], e);
		x->has_file[i] = !code && file_exists(path);
	}
	if (!code)
		weights_visit(&x->w, &x->c, ~0u, count_one, x);
	return code;
}

static void inspection_free(struct inspection *x)
{
	free(x->sha256);
	weights_close(&x->w);
	config_free(&x->c);
}

static long long size_of(const char *path)
{
	struct stat st;
	return stat(path, &st) ? 0 : (long long)st.st_size;
}

static const char *family_name(const struct config *c) { return c->family == FAMILY_BERT ? "bert" : "distilbert"; }

/* ---- JSON ---- */

static void add_key(struct buf *b, const char *key) { buf_addf(b, "%s\"%s\":", b->size > 1 ? "," : "", key); }

static void add_text(struct buf *b, const char *text) { buf_add_json_string(b, text, strlen(text)); }

static void add_floats(struct buf *b, const float *values, int count)
{
	buf_add_byte(b, '[');
	for (int i = 0; i < count; i++) {
		buf_add_text(b, i ? "," : "");
		buf_add_json_float(b, values[i]);
	}
	buf_add_byte(b, ']');
}

static void add_config(struct buf *b, const struct config *c)
{
	add_key(b, "config");
	buf_addf(b, "{\"model_type\":\"%s\",\"vocab_size\":%d,\"hidden_size\":%d,\"layers\":%d,\"heads\":%d,",
	         family_name(c), c->V, c->H, c->L, c->A);
	buf_addf(b, "\"intermediate_size\":%d,\"max_positions\":%d,\"token_types\":%d,\"activation\":\"%s\",", c->F, c->P,
	         c->types, activation_name(c->act));
	buf_add_text(b, "\"layer_norm_eps\":");
	buf_add_json_double(b, c->layer_norm_eps);
	buf_addf(b, ",\"cp_size\":%d}", c->K);
	add_key(b, "labels");
	for (int i = 0; i < c->C; i++) {
		buf_add_byte(b, i ? ',' : '[');
		add_text(b, c->labels[i]);
	}
	buf_add_byte(b, ']');
}

static void add_parameters(struct buf *b, const struct inspection *x)
{
	add_key(b, "parameters");
	buf_add_byte(b, '{');
	for (int i = 0; i < GROUP_COUNT; i++)
		buf_addf(b, "\"%s\":%lld,", group_names[i], (long long)x->parameters[i]);
	buf_addf(b, "\"total\":%lld}", (long long)x->total);
}

static void add_files(struct buf *b, const struct inspection *x)
{
	add_key(b, "files");
	for (int i = 0; i < checkpoint_file_count(x->w.checkpoint); i++) {
		const char *path = checkpoint_file(x->w.checkpoint, i);
		buf_addf(b, "%c{\"path\":", i ? ',' : '[');
		add_text(b, path);
		buf_addf(b, ",\"bytes\":%lld,\"sha256\":\"%s\"}", size_of(path), x->sha256[i]);
	}
	buf_add_byte(b, ']');
}

static void add_predictors(struct buf *b, const struct inspection *x)
{
	add_key(b, "predictors");
	if (!x->w.eta) {
		buf_add_text(b, "null");
		return;
	}
	buf_addf(b, "{\"size\":%d,\"eta\":", x->c.K);
	add_floats(b, x->w.eta, x->c.L);
	buf_add_text(b, ",\"theta\":");
	if (x->w.theta)
		add_floats(b, x->w.theta, x->c.L - 1);
	else
		buf_add_text(b, "null");
	buf_add_byte(b, '}');
}

static void add_all(struct buf *b, const struct inspection *x)
{
	buf_add_byte(b, '{');
	add_key(b, "path");
	add_text(b, x->dir);
	add_config(b, &x->c);
	add_parameters(b, x);
	add_key(b, "dtype");
	add_text(b, dtype_name(checkpoint_dtype(x->w.checkpoint)));
	add_files(b, x);
	add_predictors(b, x);
	add_key(b, "tokenizer");
	buf_add_byte(b, '[');
	for (int i = 0, any = 0; i < TOKENIZER_FILES; i++)
		if (x->has_file[i])
			buf_addf(b, "%s\"%s\"", any++ ? "," : "", tokenizer_files[i]);
	buf_add_text(b, "]}\n");
}

static int print_json(const struct inspection *x, struct err *e)
{
	struct buf b = {0};
	add_all(&b, x);
	int code = buf_check(&b, e);
	if (!code)
		fwrite(b.data, 1, b.size, stdout);
	buf_free(&b);
	return code;
}

/* ---- for people ---- */

/* 109482240 as "109,482,240". */
static const char *grouped(char out[32], long long x)
{
	char plain[32];
	int length = snprintf(plain, sizeof plain, "%lld", x), at = 0;
	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = plain[i];
	}
	out[at] = '\0';
	return out;
}

static void print_config(const struct inspection *x)
{
	const struct config *c = &x->c;
	printf("model        %s (%s)\n", x->dir, family_name(c));
	printf("layers       %d of %d, %d heads, feed-forward %d, %s\n", c->L, c->H, c->A, c->F, activation_name(c->act));
	printf("vocabulary   %d pieces, %d positions, %d token types\n", c->V, c->P, c->types);
	printf("labels       %d:", c->C);
	for (int i = 0; i < c->C && i < 20; i++)
		printf(" %s", c->labels[i]);
	printf("%s\n", c->C > 20 ? " ..." : "");
}

static void print_parameters(const struct inspection *x)
{
	char number[32];
	printf("parameters   %15s  %s\n", grouped(number, (long long)x->total),
	       dtype_name(checkpoint_dtype(x->w.checkpoint)));
	for (int i = 0; i < GROUP_COUNT; i++)
		if (x->parameters[i] || i == GROUP_EMBEDDINGS || i == GROUP_HEAD)
			printf("  %-11s%15s%s\n", group_names[i], grouped(number, (long long)x->parameters[i]),
			       x->parameters[i] ? "" : "  missing");
}

static void print_floats(const char *name, const float *values, int count)
{
	printf("  %-11s", name);
	for (int i = 0; i < count; i++)
		printf("%s%.4g", i ? " " : "", (double)values[i]);
	printf("\n");
}

static void print_all(const struct inspection *x)
{
	int any = 0;
	char number[32];
	print_config(x);
	print_parameters(x);
	printf("predictors   %s", x->w.eta ? "" : "none\n");
	if (x->w.eta) {
		printf("width %d\n", x->c.K);
		print_floats("eta", x->w.eta, x->c.L);
	}
	if (x->w.eta && x->w.theta)
		print_floats("theta", x->w.theta, x->c.L - 1);
	printf("tokenizer   ");
	for (int i = 0; i < TOKENIZER_FILES; i++)
		if (x->has_file[i])
			any += printf(" %s", tokenizer_files[i]) > 0;
	printf("%s\n", any ? "" : " none");
	for (int i = 0; i < checkpoint_file_count(x->w.checkpoint); i++) {
		const char *path = checkpoint_file(x->w.checkpoint, i);
		printf("file         %s, %s bytes\n  sha256     %s\n", path, grouped(number, size_of(path)), x->sha256[i]);
	}
}

static int inspect_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct inspect_args args = {0};
	struct inspection x = {0};
	char **dirs;
	int count, code = opt_parse(command, argc, argv, &args, &dirs, &count, e);
	if (code)
		return code;
	if (count != 1)
		return err_set(e, ERR_USAGE, "inspect takes one model directory, found %d arguments", count);
	x.dir = dirs[0];
	code = look(&x, e);
	if (!code && args.json)
		code = print_json(&x, e);
	else if (!code)
		print_all(&x);
	inspection_free(&x);
	return code;
}

const struct command inspect_command = {
	.name = "inspect",
	.summary = "show what is in a model directory",
	.usage = "[--json] DIR",
	.details =
		"Config, parameters by group, dtype, SHA-256 of the weights, contribution predictors with their thresholds,\n"
		"labels, tokenizer files. Everything is checked as when the model is run.",
	.examples = "adapler inspect models/sst2\n"
				"adapler inspect --json models/sst2 | jq .predictors.eta",
	.options = options,
	.run = inspect_run,
};
