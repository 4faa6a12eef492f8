/* adapler init */
#include "base/interrupt.h"
#include "base/log.h"
#include "base/opt.h"
#include "config.h"
#include "init.h"
#include "new_files.h"

struct init_args {
	const char *config, *vocab, *out;
	uint64_t seed;
	int dtype, positions, force;
};

static const struct opt options[] = {
	{"config", 0, OPT_FILE, offsetof(struct init_args, config), "FILE", "config.json: sizes, labels, adapler.cp_size",
     0, 0},
	{"vocab", 0, OPT_FILE, offsetof(struct init_args, vocab), "FILE", "vocab.txt, as long as the config says", 0, 0},
	{"seed", 0, OPT_U64, offsetof(struct init_args, seed), "N", "seed of the random weights (0)", 0, 0},
	{"out", 'o', OPT_DIR, offsetof(struct init_args, out), "DIR", "the model's folder; made", 0, 0},
	{"positions", 0, OPT_CHOICE, offsetof(struct init_args, positions), "normal|sinusoid",
     "how position embeddings begin (normal)", 0, 0},
	{"dtype", 0, OPT_CHOICE, offsetof(struct init_args, dtype), "f32|f16|bf16", "dtype of the weights (f32)", 0, 0},
	{"force", 'f', OPT_FLAG, offsetof(struct init_args, force), NULL, "replace a model that is in DIR already", 0, 0},
	{.kind = OPT_END},
};

static const enum dtype dtypes[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};

static int check_vocabulary(const struct init_args *a, const struct config *c, struct err *e)
{
	struct tokenizer *t;
	int code = tokenizer_open(&t, a->vocab, e);
	if (code)
		return code;
	if (tokenizer_size(t) != c->V)
		code = err_set(e, ERR_MISMATCH, "'%s' has %d pieces, but 'vocab_size' of '%s' is %d", a->vocab,
		               tokenizer_size(t), a->config, c->V);
	tokenizer_close(t);
	return code;
}

static int write_files(const struct init_args *a, const struct config *c, struct new_files *files, struct err *e)
{
	char path[4096];
	int code = new_files_path(files, path, sizeof path, "model.safetensors", e);
	if (!code)
		code = init_write(c, a->seed, (enum init_positions)a->positions, dtypes[a->dtype], path, e);
	if (!code)
		code = new_files_copy(files, a->vocab, "vocab.txt", e);
	if (!code)
		code = new_files_path(files, path, sizeof path, "config.json", e);
	if (!code)
		code = config_write(c, path, e);
	return code;
}

static int write_model(const struct init_args *a, const struct config *c, struct err *e)
{
	struct new_files files;
	int code = a->force ? 0 : new_files_check_free(a->out, e);
	if (code)
		return code;
	code = new_files_open(&files, a->out, e);
	if (!code)
		code = write_files(a, c, &files, e);
	if (code)
		new_files_undo(&files);
	return code;
}

static int init_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct init_args a = {0};
	struct config c;
	char **rest;
	int count, code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (code)
		return code;
	if (!a.config || !a.vocab || !a.out || count)
		return err_set(e, ERR_USAGE, "init needs --config FILE, --vocab FILE and --out DIR");
	if ((code = config_read(&c, a.config, e)))
		return code;
	interrupt_install(); /* the first SIGINT lets the files in hand be finished: nothing is left half-made */
	code = check_vocabulary(&a, &c, e);
	if (!code)
		code = write_model(&a, &c, e);
	if (!code)
		log_info("wrote a new %s of %d layers%s to %s", c.family == FAMILY_BERT ? "BERT" : "DistilBERT", c.L,
		         c.K ? " with contribution predictors" : "", a.out);
	config_free(&c);
	return code;
}

const struct command init_command = {
	.name = "init",
	.summary = "make a model that has learnt nothing yet",
	.usage = "--config FILE --vocab FILE --out DIR [OPTION...]",
	.details =
		"Weights are drawn as BERT's are: normal with the config's initializer_range, norms 1 and 0, biases 0. The\n"
		"same seed gives the same weights on every machine. For pre-training a small model from nothing, sinusoidal\n"
		"positions and a larger initializer_range than BERT-base's 0.02 (0.05 for a width of 256) save steps.\n"
		"Contribution predictors are made when the config has \"adapler\": {\"cp_size\": 32}.",
	.examples = "adapler init --config config.json --vocab vocab.txt --seed 7 --out models/fresh",
	.options = options,
	.run = init_run,
};
