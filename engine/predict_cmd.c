/* adapler predict: texts in, a JSON object a line out. */
#include "base/buf.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/opt.h"
#include "engine.h"
#include "input.h"
#include "policy.h"
#include "show.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct predict_args {
	const char *model, *policy, *kernels, *text;
	int format, batch, threads, precision, max_length, is_traced, is_shown;
};

#define OPTION(name, letter, kind, field, metavar, help, low, high)                        \
	{                                                                                      \
		name, letter, kind, offsetof(struct predict_args, field), metavar, help, low, high \
	}

static const struct opt options[] = {
	OPTION("model", 'm', OPT_DIR, model, "DIR", "the model directory", 0, 0),
	OPTION("policy", 'p', OPT_STRING, policy, "P",
           "what is dropped: NAME or NAME:key=value,.., or help (default: adapler with predictors, else none)", 0, 0),
	OPTION("text", 't', OPT_STRING, text, "STR", "predict this text instead of a file", 0, 0),
	OPTION("format", 'f', OPT_CHOICE, format, INPUT_FORMATS, "of the input (default lines)", 0, 0),
	OPTION("batch", 'b', OPT_INT, batch, "N", "texts a batch (default 32)", 1, 4096),
	OPTION("threads", 'j', OPT_INT, threads, "N", "threads (default: one per processor)", 1, 1024),
	OPTION("max-length", 0, OPT_INT, max_length, "N", "tokens a text at most (default: what the model takes)", 2,
           1 << 20),
	OPTION("precision", 0, OPT_CHOICE, precision, "f32|bf16|int8", "of the matrix products; this version has f32", 0,
           0),
	OPTION("kernels", 0, OPT_STRING, kernels, "K", "avx512, avx2, portable or openblas (default: the fastest)", 0, 0),
	OPTION("trace", 0, OPT_FLAG, is_traced, NULL, "print the policy's scores by layer too", 0, 0),
	OPTION("show", 's', OPT_FLAG, is_shown, NULL, "draw the tokens thinning layer by layer", 0, 0),
	{.kind = OPT_END},
};

/* Everything that a run of the command holds. */
struct predictor {
	const struct predict_args *args;
	struct model *model;
	struct tokenizer *tokenizer; /* NULL when the input is ids and the directory has none */
	struct session *session;
	struct policy policy, dense;
	const struct config *c;
	struct input input;
	struct record *record; /* [batch] */
	struct encoding encoding;
	int n, rows, is_scored, is_counted; /* of the batch being filled */
	int *start, *ids, *type_ids, *counts;
	float *scores;
	struct buf out;
	long done, truncated, replaced;
};

/* ---- one batch ------------------------------------------------------------------------------------------------ */

static int encode(struct predictor *p, const struct record *r, int max_length, struct err *e)
{
	int code = tokenizer_encode(p->tokenizer, r->text.data ? r->text.data : "", r->text.size,
	                            r->has_pair ? (r->pair.data ? r->pair.data : "") : NULL, r->pair.size, max_length,
	                            &p->encoding, e);
	if (code)
		return code;
	memcpy(p->ids + p->rows, p->encoding.ids, (size_t)p->encoding.n * sizeof *p->ids);
	memcpy(p->type_ids + p->rows, p->encoding.type_ids, (size_t)p->encoding.n * sizeof *p->type_ids);
	p->truncated += p->encoding.truncated > 0;
	p->replaced += p->encoding.replaced > 0;
	p->rows += p->encoding.n;
	return 0;
}

static int check_id(const struct predictor *p, const struct record *r, const char *field, double id, int count,
                    struct err *e)
{
	if (id >= 0 && id < count)
		return 0;
	return err_set(e, ERR_LIMIT, "%s of %.0f in '%s line %ld' is outside the model's %d", field, id, p->input.name,
	               r->line, count);
}

static int take_ids(struct predictor *p, const struct record *r, int max_length, struct err *e)
{
	int n = r->ids.count < max_length ? r->ids.count : max_length;
	p->truncated += n < r->ids.count;
	for (int i = 0; i < n; i++) {
		double type = r->type_ids.count < 0 ? 0 : r->type_ids.value[i];
		int code = check_id(p, r, "an id", r->ids.value[i], p->c->V, e);
		if (!code && p->c->types)
			code = check_id(p, r, "a type id", type, p->c->types, e);
		if (code)
			return code;
		p->ids[p->rows + i] = (int)r->ids.value[i];
		p->type_ids[p->rows + i] = (int)type;
	}
	p->rows += n;
	return 0;
}

/* What the policy needs of a record is asked of the record, so that the fault has a line. */
static int check_wanted(const struct predictor *p, const struct record *r, struct err *e)
{
	unsigned needs = policy_needs(&p->policy);
	if ((needs & NEED_GIVEN) && r->scores.count < 0)
		return err_set(e, ERR_MISMATCH, "policy '%s' needs 'scores' in '%s line %ld'", p->policy.name, p->input.name,
		               r->line);
	if ((needs & NEED_COUNTS) && r->counts.count < 0)
		return err_set(e, ERR_MISMATCH, "policy '%s' needs 'counts' in '%s line %ld'", p->policy.name, p->input.name,
		               r->line);
	for (int i = 0; i < r->scores.count; i++)
		if (fabs(r->scores.value[i]) > 1e30)
			return err_set(e, ERR_LIMIT, "score %d in '%s line %ld' is out of range", i, p->input.name, r->line);
	for (int l = 0; l < r->counts.count; l++)
		if (r->counts.value[l] < 1)
			return err_set(e, ERR_LIMIT, "count %d in '%s line %ld' is below 1", l, p->input.name, r->line);
	return 0;
}

/* Scores belong to tokens before truncation, which only cuts ids at the end. */
static int take_scores(struct predictor *p, const struct record *r, int first, struct err *e)
{
	int n = p->rows - first, L = p->c->L;
	const char *name = p->input.name;
	p->is_scored &= r->scores.count >= 0;
	p->is_counted &= r->counts.count >= 0;
	int given = r->ids.count >= 0 ? r->ids.count : n, code;
	if (r->scores.count >= 0 && r->scores.count != given)
		return err_set(e, ERR_MISMATCH, "%d 'scores' for %d tokens in '%s line %ld'", r->scores.count, given, name,
		               r->line);
	if (r->counts.count >= 0 && r->counts.count != L)
		return err_set(e, ERR_MISMATCH, "%d 'counts' for %d layers in '%s line %ld'", r->counts.count, L, name,
		               r->line);
	if ((code = check_wanted(p, r, e)))
		return code;
	for (int i = 0; i < n && r->scores.count >= 0; i++)
		p->scores[first + i] = (float)r->scores.value[i];
	for (int l = 0; l < L && r->counts.count >= 0; l++)
		p->counts[p->n * L + l] = (int)r->counts.value[l];
	return 0;
}

static int add_record(struct predictor *p, const struct record *r, struct err *e)
{
	int limit = p->args->max_length && p->args->max_length < p->c->P ? p->args->max_length : p->c->P;
	int first = p->rows;
	int code = r->ids.count >= 0 ? take_ids(p, r, limit, e) : encode(p, r, limit, e);
	if (!code)
		code = take_scores(p, r, first, e);
	if (code)
		return code;
	p->start[++p->n] = p->rows;
	return 0;
}

static void add_probabilities(struct buf *out, const float *logits, int C)
{
	double largest = logits[0], sum = 0;
	for (int i = 1; i < C; i++)
		largest = fmax(largest, (double)logits[i]);
	for (int i = 0; i < C; i++)
		sum += exp(logits[i] - largest);
	for (int i = 0; i < C; i++) {
		buf_add_text(out, i ? "," : "");
		buf_add_json_float(out, (float)(exp(logits[i] - largest) / sum));
	}
}

static int best_class(const float *logits, int C)
{
	int best = 0;
	for (int i = 1; i < C; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

static void add_floats(struct buf *out, const float *v, int n)
{
	for (int i = 0; i < n; i++) {
		buf_add_text(out, i ? "," : "");
		buf_add_json_float(out, v[i]);
	}
}

static void add_scores(struct buf *out, const struct trace *t, int b)
{
	buf_add_text(out, ",\"scores\":[");
	for (int l = 0; l < t->L; l++) {
		const int *start = t->score_start[l];
		buf_add_text(out, l ? ",[" : "[");
		if (t->scores[l])
			add_floats(out, t->scores[l] + start[b], start[b + 1] - start[b]);
		buf_add_text(out, "]");
	}
	buf_add_text(out, "]");
}

static void add_flops(const struct predictor *p, const struct trace *t, int b, struct flops *run, struct flops *dense)
{
	int first = p->start[b], n = p->start[b + 1] - first;
	flops_count(run, p->c, &p->policy, n, t->died_at + first, 0);
	flops_count(dense, p->c, &p->dense, n, NULL, 0);
}

static void print_json(struct predictor *p, const struct trace *t, int b)
{
	struct buf *out = &p->out;
	struct flops run, dense;
	int C = p->c->C, first = p->start[b], n = p->start[b + 1] - first;
	const float *logits = t->logits + (size_t)b * (size_t)C;
	add_flops(p, t, b, &run, &dense);
	buf_add_text(out, "{\"logits\":[");
	add_floats(out, logits, C);
	buf_add_text(out, "],\"probs\":[");
	if (C > 1)
		add_probabilities(out, logits, C);
	const char *label = p->c->labels[best_class(logits, C)];
	buf_add_text(out, "],\"label\":");
	buf_add_json_string(out, label, strlen(label));
	buf_addf(out, ",\"n\":%d,\"died_at\":[", n);
	for (int i = 0; i < n; i++)
		buf_addf(out, i ? ",%d" : "%d", t->died_at[first + i]);
	buf_addf(out, "],\"flops\":{\"dense\":%lld,\"run\":%lld,\"policy\":%lld}", (long long)flops_total(&dense),
	         (long long)flops_total(&run), (long long)run.policy);
	if (p->args->is_traced)
		add_scores(out, t, b);
	buf_add_text(out, "}\n");
}

static int terminal_width(void)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 24)
		return size.ws_col;
	const char *columns = getenv("COLUMNS");
	int width = columns ? atoi(columns) : 0;
	return width > 24 ? width : 100;
}

static void print_show(struct predictor *p, const struct trace *t, int b)
{
	struct buf *out = &p->out;
	struct flops run, dense;
	int C = p->c->C, first = p->start[b], n = p->start[b + 1] - first;
	const float *logits = t->logits + (size_t)b * (size_t)C;
	int best = best_class(logits, C);
	double sum = 0;
	for (int i = 0; i < C; i++)
		sum += exp((double)logits[i] - (double)logits[best]);
	add_flops(p, t, b, &run, &dense);
	show_survival(out, p->tokenizer, p->ids + first, t->died_at + first, n, t->L, terminal_width(),
	              log_has_colour(STDOUT_FILENO));
	if (C > 1)
		buf_addf(out, "  %s %.1f %%", p->c->labels[best], 100 / sum);
	else
		buf_addf(out, "  %.4f", (double)logits[0]);
	double mega = (double)flops_total(&run) * 1e-6, dense_mega = (double)flops_total(&dense) * 1e-6;
	buf_addf(out, ", %d tokens, policy %s: %.4g MFLOPs, dense %.4g", n, p->policy.text, mega, dense_mega);
	if (mega < dense_mega)
		buf_addf(out, ", %.2f times fewer", dense_mega / mega);
	buf_add_text(out, "\n\n");
}

static int write_out(struct predictor *p, struct err *e)
{
	int code = buf_check(&p->out, e);
	if (!code && (fwrite(p->out.data, 1, p->out.size, stdout) != p->out.size || fflush(stdout) != 0))
		code = err_set_errno(e, errno, "cannot write the results");
	buf_reset(&p->out);
	return code;
}

static int run_batch(struct predictor *p, struct err *e)
{
	struct trace t;
	struct batch batch = {.B = p->n, .start = p->start, .ids = p->ids};
	batch.type_ids = p->type_ids;
	batch.scores = p->is_scored ? p->scores : NULL;
	batch.counts = p->is_counted ? p->counts : NULL;
	int code = session_run(p->session, &batch, &p->policy, &t, e);
	if (code)
		return code;
	for (int b = 0; b < p->n; b++)
		if (p->args->is_shown)
			print_show(p, &t, b);
		else
			print_json(p, &t, b);
	p->done += p->n;
	return write_out(p, e);
}

static void begin_batch(struct predictor *p)
{
	p->n = p->rows = p->start[0] = 0;
	p->is_scored = p->is_counted = 1;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static int predict_all(struct predictor *p, struct err *e)
{
	int code = 0, more = 1;
	while (!code && more && !interrupt_pending()) {
		begin_batch(p);
		while (!code && p->n < p->args->batch) {
			code = input_next(&p->input, &p->record[0], &more, e);
			if (code || !more)
				break;
			code = add_record(p, &p->record[0], e);
		}
		/* Rows before a bad line are worth their results. */
		if (p->n > 0) {
			int ran = run_batch(p, e);
			code = code ? code : ran;
		}
	}
	if (!code && interrupt_pending())
		return err_set(e, ERR_INTERRUPTED, "interrupted after %ld texts", p->done);
	return code;
}

static int predict_text(struct predictor *p, const char *text, struct err *e)
{
	struct record *r = &p->record[0];
	const char *tab = strchr(text, '\t');
	p->input.name = "--text";
	r->line = 1;
	r->ids.count = r->type_ids.count = r->scores.count = r->counts.count = -1;
	r->has_pair = tab != NULL;
	buf_add(&r->text, text, tab ? (size_t)(tab - text) : strlen(text));
	if (tab)
		buf_add_text(&r->pair, tab + 1);
	begin_batch(p);
	int code = add_record(p, r, e);
	return code ? code : run_batch(p, e);
}

static int allocate(struct predictor *p, struct err *e)
{
	size_t B = (size_t)p->args->batch, T = B * (size_t)p->c->P, L = (size_t)p->c->L;
	p->record = calloc(1, sizeof *p->record);
	p->start = calloc(B + 1, sizeof *p->start);
	p->ids = calloc(T, sizeof *p->ids);
	p->type_ids = calloc(T, sizeof *p->type_ids);
	p->scores = calloc(T, sizeof *p->scores);
	p->counts = calloc(B * L, sizeof *p->counts);
	if (!p->record || !p->start || !p->ids || !p->type_ids || !p->scores || !p->counts)
		return err_set(e, ERR_MEMORY, "out of memory for a batch of %zu texts", B);
	return 0;
}

static int open_all(struct predictor *p, struct err *e)
{
	const struct predict_args *a = p->args;
	struct model_options mo = {.kernels = a->kernels};
	int code = model_open(&p->model, a->model, &mo, e);
	if (code)
		return code;
	p->c = model_config(p->model);
	int is_tokenizer_needed = a->format != INPUT_IDS || a->text || a->is_shown;
	if (is_tokenizer_needed && (code = tokenizer_open(&p->tokenizer, a->model, e)))
		return code;
	/* Embeddings that were padded want their vocabulary padded too: a piece too few may as well have shifted the rest. */
	if (p->tokenizer && tokenizer_size(p->tokenizer) != p->c->V)
		return err_set(e, ERR_MISMATCH, "the vocabulary of '%s' has %d pieces, the model's embeddings %d rows",
		               a->model, tokenizer_size(p->tokenizer), p->c->V);
	const char *policy = a->policy ? a->policy : p->c->K ? "adapler" : "none";
	if ((code = policy_parse(&p->policy, policy, e)) || (code = policy_parse(&p->dense, "none", e)))
		return code;
	struct session_options so = {.threads = a->threads, .max_sequences = a->batch, .max_rows = a->batch * p->c->P};
	so.want = (a->is_traced ? WANT_SCORES : 0) | (p->policy.soft_lambda > 0 ? WANT_SOFT : 0);
	code = session_open(&p->session, p->model, &so, e);
	return code ? code : allocate(p, e);
}

static void close_all(struct predictor *p)
{
	input_close(&p->input);
	session_close(p->session);
	tokenizer_close(p->tokenizer);
	model_close(p->model);
	encoding_free(&p->encoding);
	buf_free(&p->out);
	if (p->record)
		record_free(p->record);
	free(p->record);
	free(p->start);
	free(p->ids);
	free(p->type_ids);
	free(p->scores);
	free(p->counts);
}

static void say_what_was_lost(const struct predictor *p)
{
	int limit = p->args->max_length && p->args->max_length < p->c->P ? p->args->max_length : p->c->P;
	if (p->truncated)
		log_warn("%ld of %ld texts were cut to %d tokens", p->truncated, p->done, limit);
	if (p->replaced)
		log_warn("%ld of %ld texts had bytes that are not UTF-8, read as U+FFFD", p->replaced, p->done);
}

static int check_args(const struct predict_args *a, int count, struct err *e)
{
	if (!a->model)
		return err_set(e, ERR_USAGE, "predict needs --model DIR");
	if (count > 1 || (count == 1 && a->text))
		return err_set(e, ERR_USAGE, "predict takes one file, or --text");
	if (a->precision != 0)
		return err_set(e, ERR_UNSUPPORTED, "precision '%s' is not built in (known: f32)",
		               a->precision == 1 ? "bf16" : "int8");
	return 0;
}

static int print_policies(struct err *e)
{
	struct predictor p = {0};
	policy_describe(&p.out);
	int code = write_out(&p, e);
	buf_free(&p.out);
	return code;
}

static int predict_run(const struct command *c, int argc, char **argv, struct err *e)
{
	struct predict_args args = {.batch = 32};
	char **files;
	int count, code = opt_parse(c, argc, argv, &args, &files, &count, e);
	if (code)
		return code;
	if (args.policy && strcmp(args.policy, "help") == 0)
		return print_policies(e);
	if ((code = check_args(&args, count, e)))
		return code;
	if (args.text)
		args.batch = 1;
	struct predictor p = {.args = &args};
	interrupt_install();
	code = open_all(&p, e);
	if (!code && args.text)
		code = predict_text(&p, args.text, e);
	else if (!code && !(code = input_open(&p.input, count ? files[0] : "-", (enum input_format)args.format, e)))
		code = predict_all(&p, e);
	if (p.c)
		say_what_was_lost(&p);
	close_all(&p);
	return code;
}

const struct command predict_command = {
	.name = "predict",
	.summary = "classify texts, and say what each token's part in it was",
	.usage = "--model DIR [--policy P] [--text STR | FILE | -]",
	.details =
		"One JSON object a line: logits, probs, label, n (tokens), died_at (the layer before which each token was\n"
		"dropped, or the number of layers if it lived), flops (dense: nothing dropped; run: as run; policy: the\n"
		"part that the policy itself took). With --trace also scores: by layer, of the rows alive then.\n"
		"Floating-point operations are those of the matrix products. Only row 0 of the last layer is computed,\n"
		"since the logits need no other; both dense and run are counted so.",
	.examples = "adapler predict --model DIR --text \"a gorgeous, witty movie\" --show\n"
				"adapler predict --model DIR --policy attention:keep=0.5 reviews.txt > out.jsonl\n"
				"adapler predict --model DIR --policy none --format jsonl --batch 64 < in.jsonl",
	.options = options,
	.run = predict_run,
};
