/* adapler's engine: BERT in, logits and a trace out.
 *
 * A model is read-only and may be shared by threads. A session is one workspace for one thread (it may own helper
 * threads of its own). Results that a call returns are borrowed: they stay valid until the next call on the same
 * object. A zeroed options struct means the defaults. The library keeps no global state, never exits and never prints.
 *
 * Dimensions, everywhere:  B sequences, T live rows (tokens) of a batch, T0 rows at the start, n rows of one sequence,
 * H hidden, A heads, D = H/A, F feed-forward, L layers, V vocabulary, P positions, C classes, K width of a contribution
 * predictor. Layers count from 0. Matrices are row-major; [N,K] weights as Hugging Face stores them.
 *
 * Method: Modarressi, Mohebbi, Pilehvar, "AdapLeR: Speeding up Inference by Adaptive Length Reduction", ACL 2022. */
#ifndef ADAPLER_ENGINE_H
#define ADAPLER_ENGINE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ADAPLER_VERSION "0.1.0"
const char *adapler_commit(void); /* of the sources this was built from, or "unknown" */
const char *adapler_sources(
	void); /* a hash of the library's sources: what results may depend on. "unknown" without one */
/* The set of kernels that `name` means on this processor (NULL: the fastest); NULL when it has none of that name. */
const char *adapler_kernels(const char *name);

/* ---- configuration -------------------------------------------------------------------------------------------- */

enum family { FAMILY_BERT, FAMILY_DISTILBERT };
enum activation { ACT_NONE, ACT_GELU, ACT_GELU_NEW, ACT_RELU, ACT_TANH }; /* gelu: erf form; gelu_new: tanh form */

enum { LABEL_SIZE = 256, CLASSES_MAX = 4096 };

struct config {
	int L, H, A, D, F, V, P, C;
	int types; /* rows of the token type table; 0 for DistilBERT */
	int K;     /* width of the contribution predictors; 0: the model has none */
	enum family family;
	enum activation act;
	double layer_norm_eps;
	double hidden_dropout, attention_dropout, initializer_range;
	int pad_id;
	char (*labels)[LABEL_SIZE]; /* [C], from id2label; owned */
};

/* Reads DIR/config.json or the file itself. Missing fields take the family's defaults as the transformers library has
 * them; impossible values (H not a multiple of A, V < 1 ...) are errors that name the field. */
int config_read(struct config *c, const char *path, struct err *e);
void config_free(struct config *c);

/* ---- tokenizer ------------------------------------------------------------------------------------------------ */

struct tokenizer;

/* One text, or a pair, as the model takes it: [CLS] a [SEP] (b [SEP]). Memory is owned by the encoding, kept from call
 * to call, and freed by encoding_free. */
struct encoding {
	int n;
	int capacity;
	int *ids;
	int *type_ids;
	int *word_ids;     /* index of the word within its text, -1 for specials */
	int (*offsets)[2]; /* [begin, end) in bytes of the text given; 0,0 for specials */
	int truncated;     /* pieces left out because of max_length */
	int replaced;      /* ill-formed UTF-8 sequences of the text(s), each read as U+FFFD */
};

/* From a model directory (tokenizer.json, or vocab.txt with tokenizer_config.json) or a vocab.txt itself. */
int tokenizer_open(struct tokenizer **t, const char *path, struct err *e);
void tokenizer_close(struct tokenizer *t);
int tokenizer_size(const struct tokenizer *t);
/* The piece of an id (NUL-terminated, "##" included); NULL outside the vocabulary. */
const char *tokenizer_piece(const struct tokenizer *t, int id);
int tokenizer_find(const struct tokenizer *t, const char *piece); /* its id, or -1 */

/* Equal to Hugging Face's BertTokenizerFast (tokenizers 0.23.2). `pair` may be NULL. max_length counts specials, 0 means no limit; pairs are
 * truncated longest first. Read-only on the tokenizer: any number of threads may encode with one. Fails only for lack of
 * memory, a text of 2 GiB or more, or a max_length that leaves no room for the specials. */
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t text_size, const char *pair, size_t pair_size,
                     int max_length, struct encoding *out, struct err *e);
void encoding_free(struct encoding *x);

/* ---- model ---------------------------------------------------------------------------------------------------- */

struct model;

struct model_options {
	const char *kernels;    /* "avx512", "avx2", "portable", "openblas"; NULL: the fastest this processor has */
	int without_embeddings; /* accept a checkpoint that lacks the embedding tables: batches must give `embeddings` */
};

/* Opens a Hugging Face directory (config.json, model.safetensors or its shards), checks every tensor and packs the
 * matrices for the kernels. */
int model_open(struct model **m, const char *dir, const struct model_options *options, struct err *e);
void model_close(struct model *m);
const struct config *model_config(const struct model *m);
const char *model_kernels(const struct model *m);
const float *model_eta(const struct model *m); /* [L] thresholds; NULL without contribution predictors */
/* SHA-256 in hexadecimal of a directory's weights: of their file, or of the shards' files one after the other. */
int model_sha256(const char *dir, char hex[65], struct err *e);
size_t model_bytes(const struct model *m); /* memory of the weights: packed matrices and tables */

/* ---- policy: what is dropped, where, and what becomes of it --------------------------------------------------- */

enum site { SITE_BEFORE_LAYER, SITE_AFTER_ATTENTION };
enum fate { FATE_DISCARD, FATE_CARRY }; /* carry: a dropped row keeps its last state in the final hidden states */

struct scorer; /* internal rows of the tables in policy.c */
struct selector;

/* A policy is scorer x selector x site x fate. Parsed from "NAME" or "NAME:key=value,..."; a list of numbers, one a
 * layer, is written a/b/c and its last value holds for the layers that remain. */
struct policy {
	const char *name;
	const struct scorer *scorer;
	const struct selector *selector;
	enum site site;
	enum fate fate;
	int first_layer;    /* layers below it drop nothing */
	uint64_t seed;      /* for the random scorer */
	double eta_scale;   /* multiplies the trained thresholds */
	double soft_lambda; /* > 0: soft removal at this temperature, nothing is dropped (training's forward) */
	int values;         /* how many of value[] were given */
	double value[64];   /* the selector's argument by layer */
	char text[2048];    /* the canonical spelling: same text, same behaviour */
};

int policy_parse(struct policy *p, const char *text, struct err *e);
/* Whether the policy may drop rows at all: not "none", and no soft removal. */
int policy_drops(const struct policy *p);
/* The policies in the table's order, for help texts; NULL past the end. */
const char *policy_name(int i);
const char *policy_summary(const char *name);

/* ---- batch and trace ------------------------------------------------------------------------------------------ */

/* A ragged batch: sequence b is rows start[b] .. start[b+1]-1. Nothing is padded. */
struct batch {
	int B;
	const int *start;    /* [B+1], start[0] = 0; T0 = start[B] */
	const int *ids;      /* [T0] */
	const int *type_ids; /* [T0]; NULL: all 0 */
	/* Optional. */
	const float *embeddings; /* [T0,H] outputs of the embedding layer, instead of ids */
	const float *scores;     /* [T0] given scores, for the `given` scorer (saliency) */
	const int *counts;       /* [B,L] rows to keep at each layer, for the `replay` selector */
};

enum want {
	WANT_SCORES = 1,    /* the policy's scores at every layer */
	WANT_HIDDEN = 2,    /* hidden states after the embeddings and after every layer */
	WANT_ATTENTION = 4, /* attention received and [CLS]'s attention, mean over heads, at every layer */
	WANT_SOFT = 8,      /* room for soft removal: without it a policy with lambda is refused */
	WANT_PROFILE = 16,  /* where the time goes */
	WANT_MAPS = 32,     /* every attention probability, mean over heads; max_rows * P floats a layer */
};

/* Where the time of a run went, nanoseconds of the calling thread (WANT_PROFILE). */
struct profile {
	int64_t total, embedding, products, attention, normalisation, policy, head;
};

/* What a run did. A per-layer array holds the rows alive at that point, sequence after sequence in order; the rows of
 * sequence b are [start[l][b], start[l][b+1]) of the start array named beside it. */
struct trace {
	int B, T0, L;
	const float *logits;            /* [B,C] */
	const int *died_at;             /* [T0]: the layer at whose pruning site the token was dropped; L: it lived */
	const int *const *layer_start;  /* [L][B+1]: the rows that layer l attends to */
	const int *const *score_start;  /* [L][B+1]: the rows that the policy scored at layer l */
	const float *const *scores;     /* WANT_SCORES, by score_start; NULL at a layer where nothing was scored */
	const float *const *received;   /* WANT_ATTENTION, by layer_start: mean over heads and queries, by key */
	const float *const *from_cls;   /* WANT_ATTENTION, by layer_start: mean over heads of row 0 */
	const float *const *maps;       /* WANT_MAPS [L]: [n,n], query by key, of each sequence in turn, by layer_start */
	const int *const *hidden_start; /* [L+1][B+1] */
	const float *const *hidden;     /* WANT_HIDDEN: [L+1], after the embeddings and after each layer, by hidden_start */
	size_t hidden_stride;           /* floats from row to row of `hidden` */
	const float *const *soft_mask;  /* soft removal: [L][T0], u after layer l's step */
	const float *const *soft_length; /* soft removal: [L][B], 1 + sum of u */
	struct profile profile;
};

/* ---- session -------------------------------------------------------------------------------------------------- */

struct session;

struct session_options {
	int threads;         /* 0: one per processor */
	int max_rows;        /* T0 of the largest batch; 0: 32 * P */
	int max_sequences;   /* 0: 64 */
	unsigned want;       /* WANT_* */
	int full_last_layer; /* compute every row of the last layer, though logits need only row 0; implied by
	                      * WANT_HIDDEN, WANT_ATTENTION and WANT_MAPS */
};

int session_open(struct session **s, const struct model *m, const struct session_options *options, struct err *e);
void session_close(struct session *s);
size_t session_bytes(const struct session *s); /* the planned workspace */
/* No memory is allocated here. ids out of range, a batch larger than planned, a sequence longer than P, a policy whose
 * needs are not met (predictors, given scores, counts): an error, and the session stays usable. */
int session_run(struct session *s, const struct batch *b, const struct policy *p, struct trace *out, struct err *e);

/* ---- training: one step at a time ----------------------------------------------------------------------------- */

/* What is learnt: the logarithmic loss over classes, the squared error of one output, or the hidden words of a text. */
enum objective { OBJECTIVE_CLASSIFY, OBJECTIVE_REGRESS, OBJECTIVE_MLM };

/* One text. `label`: the class, ignored with other objectives. `value`: the target of a regression. `targets` [n]: the
 * id that was hidden at each token, -1 where none was. `saliency` [n]: the teacher's, not negative, for AdapLeR. */
struct example {
	int n;
	const int *ids, *type_ids; /* type_ids NULL: all 0 */
	int label;
	double value;
	const int *targets;
	const float *saliency;
};

struct trainer;

struct trainer_options {
	enum objective objective;
	int adapler;                              /* contribution predictors and soft removal */
	double gamma, phi;                        /* AdapLeR: weights of the predictors' loss and of the length */
	int classes;                              /* outputs of the head; 0: as the model has them */
	const char *const *labels;                /* [classes]; NULL: as the model has them */
	const double *class_weights;              /* [classes] of the examples' losses, borrowed; NULL: all 1 */
	double hidden_dropout, attention_dropout; /* 0: the config's; below 0: none. AdapLeR has none in attention */
	uint64_t seed;                            /* dropout, and weights that the model does not bring */
	const char *kernels;                      /* as in model_options; "openblas" cannot train */
	int threads;                              /* 0: one per processor */
	int max_length;                           /* of a text; 0: the model's positions */
	int max_rows;                             /* tokens worked on at once; larger batches are accumulated. 0: 8192 */
	int max_sequences;                        /* texts worked on at once; 0: one for every four of max_rows */
	size_t memory_bytes; /* budget: max_rows shrinks until everything fits, with up to 16 threads. 0: none */
};

/* Opens a model directory for training. What the model lacks (a head of this many classes, predictors) is drawn from
 * the seed; contribution predictors are left out unless AdapLeR is trained. */
int trainer_open(struct trainer **t, const char *dir, const struct trainer_options *options, struct err *e);
void trainer_close(struct trainer *t);
/* The model as it is now: sessions may run on it between steps. */
const struct model *trainer_model(const struct trainer *t);
/* Everything that is allocated: fixed bytes (weights, gradients, two moments, weights packed twice) and so many for each
 * of max_rows tokens. */
size_t trainer_bytes(const struct trainer *t);
size_t trainer_row_bytes(const struct trainer *t);
int trainer_rows(const struct trainer *t); /* max_rows as it came out */
size_t trainer_parameters(const struct trainer *t);

/* What a step saw, means over the examples: model = task + gamma sum_l (L-l) kl_l, speed = task + phi sum_l length_l. */
struct losses {
	double model, speed, task;
	double correct;            /* share of examples (of hidden words) predicted right; NaN for a regression */
	int64_t tokens, predicted; /* seen, and predicted */
	int L;
	const double *kl;     /* [L] borrowed; 0 without AdapLeR */
	const double *length; /* [L] rows that each layer still sees, softly counted */
};

/* Sets the gradients to those of the mean loss over the examples. `step` numbers the dropout; `lambda` > 0 is soft
 * removal's, with AdapLeR. A loss that is not finite is an error that names the step and the tensor. */
int trainer_gradient(struct trainer *t, const struct example *const *examples, int count, uint64_t step, double lambda,
                     struct losses *out, struct err *e);

/* One AdamW step (method.md, "Optimisers") by the gradients. */
struct rates {
	double network, speed; /* learning rates of this step: weights; eta and theta */
	double decay;          /* 0: 0.01; negative: none */
	double epsilon;        /* 0: 1e-12 */
	double clip;           /* largest norm of each group's gradient; 0: 1; negative: none */
};
struct norms {
	double network, speed; /* of the gradients before clipping */
};
int trainer_update(struct trainer *t, const struct rates *r, struct norms *out, struct err *e);

/* || g * e || by token, g the derivative of the true label's logit by the output e of the embedding layer; no dropout.
 * out: all examples' tokens in turn. */
int trainer_saliency(struct trainer *t, const struct example *const *examples, int count, float *out, struct err *e);

/* The logit of each example's label, and its derivative by the outputs of the embedding layer; no dropout, nothing is
 * removed. Arrays are of all examples' tokens in turn, without gaps, H floats each. */
struct input_gradient {
	const float *given; /* [T,H] in the place of the embedding layer's outputs; NULL: its own */
	float *embedding;   /* [T,H] out: what they were; NULL: not wanted */
	float *gradient;    /* [T,H] out; NULL: not wanted */
	float *logit;       /* [count] out; NULL: not wanted */
};
int trainer_input_gradient(struct trainer *t, const struct example *const *examples, int count,
                           const struct input_gradient *x, struct err *e);

/* Writes a model directory: weights as dtype "f32", "bf16" or "f16", config, and the vocabulary files of `from`. */
int trainer_save(const struct trainer *t, const char *dir, const char *dtype, const char *from, struct err *e);

/* The same losses without dropout and without touching gradients. AdapLeR's own parts are left out: nothing is removed,
 * the task's loss is all there is. */
int trainer_evaluate(struct trainer *t, const struct example *const *examples, int count, struct losses *out,
                     struct err *e);

/* ---- training: a whole run ------------------------------------------------------------------------------------ */

/* A run lives in a folder: `lock`, held while somebody trains; `state.safetensors`, everything that a run needs to go on
 * (weights, moments, position), written now and then, each epoch, and when it is asked to stop; `epoch-N/`, the models
 * of the epochs worth keeping; and, as a model directory itself, the best of them.
 * Killed at any moment and started again with the same plan it ends with the same weights, bit for bit. */
struct training_plan {
	const char *out;
	const char *tokenizer; /* model directory whose vocabulary goes with the models */
	const char *identity;  /* text that names the data and whatever else determines the run */
	const char *dtype;     /* of the models written; NULL: f32 */
	int epochs;
	int batch;         /* examples of a step; 0: as many as have batch_tokens */
	int batch_tokens;  /* tokens of a step */
	int bucket;        /* of `batch`: so many, from whose examples neighbours in length are put together; 0, 1: none */
	int keep;          /* epochs kept; 0: 3 */
	double rate;       /* the network's learning rate at its peak */
	double speed_rate; /* of eta and theta */
	double decay;      /* as in struct rates */
	double warmup;     /* share of the steps; 0: 0.06; negative: none */
	double lambda, lambda_factor; /* AdapLeR: lambda * lambda_factor^epoch */
	double floor; /* of two epochs above it the faster is better; below it, and without a speed, the better score */
	double checkpoint_seconds; /* 0: 300 */
	int mask_id;               /* of [MASK], for hidden words; the pieces before it are special */
	uint64_t seed;             /* order, masks */
	int start_over;            /* whatever else the folder holds, another run or a model, gives way */
};

struct training_step {
	int epoch, epochs;
	int64_t step, steps; /* from 0 */
	const struct losses *losses;
	struct norms norms;
	double rate, lambda;
	double seconds; /* of this step */
};

struct training_score {
	double score; /* higher is better */
	double speed; /* speedup that goes with it; NaN: none */
};

/* What the caller is told. Each may be NULL. One that returns an error ends the run, which can go on from its last
 * checkpoint; one is written when it was `epoch`. */
struct training_events {
	void *arg;
	/* A run begins, or goes on after `step` steps: what was noted beyond them is done again. Nothing has been written or
	 * removed yet. */
	int (*begin)(void *arg, const char *key, int64_t step, int64_t steps, struct err *e);
	int (*step)(void *arg, const struct training_step *s, struct err *e);
	/* An epoch is over: how good is the model now? */
	int (*epoch)(void *arg, struct trainer *t, int epoch, int64_t step, struct training_score *out, struct err *e);
	/* A checkpoint is about to be written. */
	int (*checkpoint)(void *arg, struct err *e);
	int (*should_stop)(void *arg);
};

struct training_result {
	int64_t steps;
	int best; /* epoch, from 0 */
	struct training_score score;
	int was_done; /* the run had ended before */
};

/* Masked language modelling's hidden words (Devlin et al. 2019): 15 % of the tokens between the first and the last, at
 * least one, are asked for; 80 % of them read [MASK], 10 % another word, 10 % stay. ids, targets: [n] of `x`. */
void training_mask(const struct example *x, const struct config *c, int mask_id, uint64_t seed, uint64_t stream,
                   int *ids, int *targets);

/* *rows: tokens of the largest batch that the plan ever makes of the examples, which is what max_rows need be. */
int training_rows(const struct example *examples, int count, const struct training_plan *plan, int64_t *rows,
                  struct err *e);

/* Runs from the beginning, or from where the folder's state says, to the end. The trainer must have just been opened.
 * ERR_INTERRUPTED: asked to stop, and the state is written. ERR_USAGE: another process is at it; the folder holds
 * another run, or a model without one. ERR_FORMAT: the state is broken. ERR_LIMIT: a number that is not finite came up
 * (the sentence says where), and the last checkpoint stands; or the plan or an example is out of range.
 * With masked language modelling `identity` alone stands for the texts in the run's key. */
int training_run(struct trainer *t, const struct example *examples, int count, const struct training_plan *plan,
                 const struct training_events *events, struct training_result *out, struct err *e);

/* ---- cost ----------------------------------------------------------------------------------------------------- */

/* Floating-point operations of the matrix products (1 multiply-add = 2), by part. Normalisation, softmax and GELU are
 * not counted: they are under 1 % of the arithmetic. */
struct flops {
	int64_t projection; /* query, key, value and output products */
	int64_t attention;  /* scores and weighted sums */
	int64_t feed_forward;
	int64_t policy; /* contribution predictors */
	int64_t head;   /* pooler and classifier */
};

int64_t flops_total(const struct flops *f);
/* Closed form for one sequence of n tokens; equal to what the kernels execute. died_at == NULL: nothing died. */
void flops_count(struct flops *out, const struct config *c, const struct policy *p, int n, const int *died_at,
                 int full_last_layer);
/* Of one layer, in which `scored` tokens were alive before its pruning and `kept` are after it; no head. */
void flops_count_layer(struct flops *out, const struct config *c, const struct policy *p, int layer, int scored,
                       int kept);
/* The published formulas for BERT-base (n tokens, rows[l] alive in layer l, C classes): arXiv 2203.08991's code. */
int64_t flops_paper_bert(int n, int C);
int64_t flops_paper_adapler(int n, const int *rows, int L, int C);

#ifdef __cplusplus
}
#endif
#endif
