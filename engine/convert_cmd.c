/* adapler convert */
#include "base/interrupt.h"
#include "base/log.h"
#include "base/opt.h"
#include "convert.h"

struct convert_args {
	int dtype, force;
	const char *config, *labels;
};

static const struct opt options[] = {
	{"dtype", 0, OPT_CHOICE, offsetof(struct convert_args, dtype), "keep|f32|f16|bf16", "dtype of the result (keep)", 0,
     0},
	{"config", 0, OPT_FILE, offsetof(struct convert_args, config), "FILE",
     "config.json of the model (the one beside SRC)", 0, 0},
	{"labels", 0, OPT_STRING, offsetof(struct convert_args, labels), "A,B,..", "names of the classes (from the config)",
     0, 0},
	{"force", 'f', OPT_FLAG, offsetof(struct convert_args, force), NULL, "replace a model that is in DST already", 0,
     0},
	{.kind = OPT_END},
};

/* In the order of the choices of --dtype. */
static const int dtypes[] = {CONVERT_KEEP, DTYPE_F32, DTYPE_F16, DTYPE_BF16};

static void say(const struct convert_report *r, const char *destination)
{
	log_info("read %s", r->source);
	if (r->left_out)
		log_info("left out %d tensor%s that no classifier needs ('%s'%s)", r->left_out, r->left_out > 1 ? "s" : "",
		         r->first_left_out, r->left_out > 1 ? ", ..." : "");
	if (!r->has_head)
		log_warn("no classifier in it: the result can be trained, not yet run");
	log_info("wrote %d tensors, %lld parameters%s to %s", r->written, (long long)r->parameters,
	         r->K ? ", contribution predictors included," : "", destination);
}

static int convert_run(const struct command *c, int argc, char **argv, struct err *e)
{
	struct convert_args args = {0};
	struct convert_report report;
	char **paths;
	int count, code = opt_parse(c, argc, argv, &args, &paths, &count, e);
	if (code)
		return code;
	if (count != 2)
		return err_set(e, ERR_USAGE, "convert takes SRC and DST, found %d arguments", count);
	struct convert_options o = {
		.dtype = dtypes[args.dtype], .config = args.config, .labels = args.labels, .force = args.force};
	interrupt_install(); /* the first SIGINT lets the files in hand be finished: seconds, and nothing is left half-made */
	code = convert_model(paths[0], paths[1], &o, &report, e);
	if (!code)
		say(&report, paths[1]);
	return code;
}

const struct command convert_command = {
	.name = "convert",
	.summary = "make a model directory of other formats",
	.usage = "[OPTION...] SRC DST",
	.details =
		"SRC is a folder or a file: pytorch_model.bin (one or shards), safetensors (one or shards), or Keras .h5 of\n"
		"transformers or of the published AdapLeR code. A pickle is read by a list of what may be in it, never run.\n"
		"DST gets model.safetensors, config.json and the tokenizer's files that lie beside SRC. An .h5 without its\n"
		"config.json needs --config.",
	.examples = "adapler convert downloads/bert-sst2 models/bert-sst2\n"
				"adapler convert --config bert-base/config.json --labels negative,positive sst2_lr.h5 models/sst2",
	.options = options,
	.run = convert_run,
};
