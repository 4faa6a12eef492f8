/* adapler score: the ERASER benchmark's scores of a file of predictions. */
#include "score.h"

#include "../engine/base/err.h"
#include "../engine/base/file.h"
#include "../engine/base/log.h"
#include "../engine/base/opt.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct score_args {
	const char *data, *split, *results, *score_file, *iou, *aopc;
	int strict, compat, bounded;
};

enum { FAULTS_SHOWN = 100 };

static const struct opt options[] = {
	{"data_dir", 0, OPT_DIR, offsetof(struct score_args, data), "DIR", "docs/ or docs.jsonl, and SPLIT.jsonl", 0, 0},
	{"split", 0, OPT_STRING, offsetof(struct score_args, split), "S", "train, val or test", 0, 0},
	{"results", 0, OPT_FILE, offsetof(struct score_args, results), "FILE", "predictions, a JSON object a line", 0, 0},
	{"score_file", 0, OPT_FILE, offsetof(struct score_args, score_file), "FILE", "also write the scores here", 0, 0},
	{"iou_thresholds", 0, OPT_STRING, offsetof(struct score_args, iou), "LIST",
     "overlaps from which a span is found (0.5)", 0, 0},
	{"aopc_thresholds", 0, OPT_STRING, offsetof(struct score_args, aopc), "LIST",
     "shares of tokens of thresholded_scores (0.01,0.05,0.1,0.2,0.5)", 0, 0},
	{"strict", 0, OPT_FLAG, offsetof(struct score_args, strict), NULL,
     "tell everything that is wrong, score nothing then", 0, 0},
	{"compat", 0, OPT_CHOICE, offsetof(struct score_args, compat), "none|eraser",
     "eraser: with the silences of the benchmark's scorer", 0, 0},
	{"bounded", 0, OPT_FLAG, offsetof(struct score_args, bounded), NULL,
     "also IOU F1 with spans matched one to one, which cannot pass 1", 0, 0},
	{.kind = OPT_END},
};

/* The benchmark's own flags take a list of words: "--iou_thresholds 0.1 0.5". They are joined with commas here. */
static int join_lists(int *argc, char **argv, struct buf lists[2])
{
	static const char *const flags[] = {"--iou_thresholds", "--aopc_thresholds"};
	int kept = 0;
	for (int i = 0; i < *argc; i++) {
		int which = -1;
		for (int k = 0; k < 2; k++)
			if (!strcmp(argv[i], flags[k]))
				which = k;
		argv[kept++] = argv[i];
		if (which < 0 || i + 1 >= *argc || lists[which].size)
			continue;
		while (i + 1 < *argc && (isdigit((unsigned char)argv[i + 1][0]) || argv[i + 1][0] == '.'))
			buf_addf(&lists[which], "%s%s", lists[which].size ? "," : "", argv[++i]);
		if (lists[which].data)
			argv[kept++] = lists[which].data;
	}
	*argc = kept;
	return lists[0].failed || lists[1].failed ? ERR_MEMORY : 0;
}

static void tell(void *arg, const char *text)
{
	int *told = arg;
	if ((*told)++ < FAULTS_SHOWN)
		fprintf(stderr, "%s\n", text);
}

static int read_options(struct score_options *o, const struct score_args *a, struct err *e)
{
	int code = opt_double_list(o->iou, SCORE_THRESHOLDS_MAX, &o->ious, a->iou ? a->iou : "0.5", "iou_thresholds", e);
	if (!code)
		code = opt_double_list(o->aopc, SCORE_THRESHOLDS_MAX, &o->aopcs, a->aopc ? a->aopc : "0.01,0.05,0.1,0.2,0.5",
		                       "aopc_thresholds", e);
	if (!code && a->strict && a->compat)
		code = err_set(e, ERR_USAGE, "--strict and --compat eraser contradict each other");
	for (int i = 0; i < o->ious && !code; i++)
		if (!(o->iou[i] >= 0 && o->iou[i] <= 1))
			code = err_set(e, ERR_USAGE, "overlap %g of --iou_thresholds is not between 0 and 1", o->iou[i]);
	o->mode = a->strict ? SCORE_STRICT : a->compat ? SCORE_COMPAT : SCORE_DEFAULT;
	o->bounded = a->bounded;
	return code;
}

static int score_all(struct score *s, const struct score_args *a, int allow_nan, struct err *e)
{
	struct predictions p;
	const struct predicted *x = NULL;
	int code = predictions_open(&p, a->results, allow_nan, e);
	while (!code && !(code = predictions_next(&p, &x, e)) && x)
		code = score_add(s, x, a->results, e);
	predictions_close(&p);
	return code;
}

static int write_scores(struct score *s, const struct score_args *a, struct err *e)
{
	struct buf json = {0};
	int code = score_write(s, &json, e);
	if (!code && score_faults(s))
		code = err_set(e, ERR_FORMAT, "%d faults in '%s'%s: nothing is scored", score_faults(s), a->results,
		               score_faults(s) > FAULTS_SHOWN ? ", of which the first 100 are told" : "");
	if (!code && a->score_file)
		code = file_write_atomic(a->score_file, json.data, json.size, e);
	if (!code)
		fwrite(json.data, 1, json.size, stdout);
	buf_free(&json);
	return code;
}

static int score_predictions(const struct score_args *a, const struct score_options *asked, struct err *e)
{
	char path[4096], name[256];
	struct annotations truth = {0};
	struct documents *documents = NULL;
	struct score *s = NULL;
	struct score_options o = *asked;
	int told = 0;
	o.fault = tell;
	o.arg = &told;
	if (strchr(a->split, '/') || (size_t)snprintf(name, sizeof name, "%s.jsonl", a->split) >= sizeof name)
		return err_set(e, ERR_USAGE, "'%.100s' is no split: expected train, val or test", a->split);
	int code = file_join(path, sizeof path, a->data, name, e);
	if (!code)
		code = annotations_open(&truth, path, e);
	if (!code)
		code = documents_open(&documents, a->data, e);
	if (!code)
		code = score_open(&s, &truth, documents, &o, e);
	if (!code)
		code = score_all(s, a, o.mode != SCORE_DEFAULT, e);
	if (!code)
		code = write_scores(s, a, e);
	score_close(s);
	documents_close(documents);
	annotations_close(&truth);
	return code;
}

static int score_run(const struct command *command, int argc, char **argv, struct err *e)
{
	struct score_args a = {0};
	struct score_options o = {0};
	struct buf lists[2] = {{0}, {0}};
	char **rest;
	int count, code = join_lists(&argc, argv, lists);
	if (!code)
		code = opt_parse(command, argc, argv, &a, &rest, &count, e);
	if (!code && (!a.data || !a.split || !a.results || count))
		code = err_set(e, ERR_USAGE, "score needs --data_dir DIR, --split S and --results FILE");
	if (!code)
		code = read_options(&o, &a, e);
	if (!code)
		code = score_predictions(&a, &o, e);
	buf_free(&lists[0]);
	buf_free(&lists[1]);
	return code;
}

const struct command score_command = {
	.name = "score",
	.summary = "score rationales as the ERASER benchmark does",
	.usage = "--data_dir D --split S --results preds.jsonl [--score_file F] [--strict] [--compat eraser]",
	.details =
		"Takes the flags of the benchmark's own scorer and gives its numbers under its names: spans by overlap and "
		"exactly,\n"
		"tokens, soft scores, classes, comprehensiveness and sufficiency. Memory is that of one document and of the\n"
		"annotations. What the benchmark's scorer refuses is refused, with file, line and field; --strict also tells\n"
		"what it passes over in silence. What is not defined is null.",
	.examples = "adapler score --data_dir movies --split test --results preds.jsonl --score_file scores.json\n"
				"adapler score --data_dir movies --split test --results preds.jsonl --strict",
	.options = options,
	.run = score_run,
};
