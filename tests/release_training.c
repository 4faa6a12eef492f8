/* The whole method on a task whose rationale is known: one keyword among filler decides the class. Fine-tune, ask the
 * fine-tuned model for saliency, train AdapLeR from the fresh weights with it, drop tokens for good. */
#include "../engine/trainer.h"
#include "small_training.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { V = 60, P = 24, L = 3, CLASSES = 2, KEYWORDS = 4, TRAIN = 2000, DEV = 500, CLS = 2, SEP = 3, FIRST = 5 };

/* Words FIRST.. are keywords, the first half of them of class 0; all others are filler. */
struct task {
	int count;
	struct example *examples;
	const struct example **list;
	int (*ids)[P];
	float (*saliency)[P];
};

static int is_keyword(int id) { return id >= FIRST && id < FIRST + KEYWORDS; }

static void task_open(struct task *k, int count, uint64_t seed)
{
	k->count = count;
	k->examples = calloc((size_t)count, sizeof *k->examples);
	k->list = calloc((size_t)count, sizeof *k->list);
	k->ids = calloc((size_t)count, sizeof *k->ids);
	k->saliency = calloc((size_t)count, sizeof *k->saliency);
	for (int b = 0; b < count; b++) {
		struct example *x = &k->examples[b];
		const uint64_t at = (uint64_t)b * P;
		x->n = 10 + (int)rng_below(seed, 0, at, P - 10 + 1);
		x->label = (int)rng_below(seed, 1, at, CLASSES);
		x->ids = k->ids[b];
		for (int i = 0; i < x->n; i++)
			k->ids[b][i] = FIRST + KEYWORDS + (int)rng_below(seed, 2, at + (uint64_t)i, V - FIRST - KEYWORDS);
		k->ids[b][0] = CLS;
		k->ids[b][x->n - 1] = SEP;
		const int words = 1 + (int)rng_below(seed, 3, at, 2);
		for (int w = 0; w < words; w++)
			k->ids[b][1 + rng_below(seed, 4, at + (uint64_t)w, (uint32_t)x->n - 2)] =
				FIRST + x->label * KEYWORDS / 2 + (int)rng_below(seed, 5, at + (uint64_t)w, KEYWORDS / 2);
		k->list[b] = x;
	}
}

static void task_close(struct task *k)
{
	free(k->examples);
	free(k->list);
	free(k->ids);
	free(k->saliency);
}

static void write_model(const char *dir, uint64_t seed)
{
	static char labels[CLASSES][LABEL_SIZE] = {"a", "b"};
	const struct config c = {.L = L,
	                         .H = 32,
	                         .A = 2,
	                         .D = 16,
	                         .F = 64,
	                         .V = V,
	                         .P = P,
	                         .C = CLASSES,
	                         .types = 2,
	                         .act = ACT_GELU,
	                         .layer_norm_eps = 1e-12,
	                         .hidden_dropout = 0.1,
	                         .attention_dropout = 0.1,
	                         .initializer_range = 0.05,
	                         .labels = labels};
	tiny_write(dir, &c, seed);
}

/* ---- the two runs --------------------------------------------------------------------------------------------- */

static int learn(const char *model, const char *out, const struct task *k, const struct trainer_options *o,
                 uint64_t seed, int epochs)
{
	const struct training_plan plan = {.out = out,
	                                   .tokenizer = model,
	                                   .epochs = epochs,
	                                   .batch = 32,
	                                   .keep = 1,
	                                   .rate = 2e-3,
	                                   .speed_rate = 1e-2,
	                                   .lambda = epochs == 3 ? 50 : 10,
	                                   .lambda_factor = epochs == 3 ? 50 : 10,
	                                   .floor = NAN,
	                                   .seed = seed};
	struct trainer *t;
	struct training_result result;
	struct err e = {0};
	int holds = CHECK_OK(trainer_open(&t, model, o, &e), &e) &&
	            CHECK_OK(training_run(t, k->examples, k->count, &plan, NULL, &result, &e), &e);
	trainer_close(t);
	return holds;
}

static void add_saliency(struct task *k, const char *model)
{
	const struct trainer_options o = {.threads = 1};
	struct trainer *t;
	struct err e = {0};
	float *flat = calloc((size_t)k->count * P, sizeof *flat), *at = flat;
	if (CHECK_OK(trainer_open(&t, model, &o, &e), &e))
		CHECK_OK(trainer_saliency(t, k->list, k->count, flat, &e), &e);
	for (int b = 0; b < k->count; at += k->examples[b++].n) {
		memcpy(k->saliency[b], at, (size_t)k->examples[b].n * sizeof *at);
		k->examples[b].saliency = k->saliency[b];
	}
	trainer_close(t);
	free(flat);
}

/* ---- what the pruned model does ------------------------------------------------------------------------------- */

struct outcome {
	double correct;
	double filler[L], keywords[L]; /* share that lives through the step before layer l */
	double texts;                  /* share of which a keyword lives through the first step */
};

static void count_text(struct outcome *o, int seen[2], const int *ids, const int *died_at, int n)
{
	int lives = 0;
	for (int i = 1; i < n - 1; i++) {
		double *kept = is_keyword(ids[i]) ? o->keywords : o->filler;
		seen[is_keyword(ids[i])]++;
		lives |= is_keyword(ids[i]) && died_at[i] > 0;
		for (int l = 0; l < L; l++)
			kept[l] += died_at[i] > l;
	}
	o->texts += lives;
}

static struct outcome judge(const char *model, const char *policy, const struct task *k)
{
	struct outcome o = {0};
	struct model *m = NULL;
	struct session *s = NULL;
	struct policy p;
	struct err e = {0};
	int seen[2] = {0};
	if (!CHECK_OK(model_open(&m, model, NULL, &e), &e))
		return o;
	CHECK_OK(policy_parse(&p, policy, &e), &e);
	CHECK_OK(session_open(&s, m, &(struct session_options){.threads = 1}, &e), &e);
	for (int b = 0; b < k->count; b++) {
		const struct example *x = &k->examples[b];
		const int start[] = {0, x->n};
		const struct batch batch = {.B = 1, .start = start, .ids = x->ids};
		struct trace trace;
		if (!CHECK_OK(session_run(s, &batch, &p, &trace, &e), &e))
			break;
		o.correct += (trace.logits[1] > trace.logits[0]) == x->label;
		count_text(&o, seen, x->ids, trace.died_at, x->n);
	}
	o.correct /= k->count;
	o.texts /= k->count;
	for (int l = 0; l < L; l++) {
		o.filler[l] /= seen[0];
		o.keywords[l] /= seen[1];
	}
	session_close(s);
	model_close(m);
	return o;
}

static void name_folder(char out[4096], const char *kind, uint64_t seed)
{
	char name[32];
	snprintf(name, sizeof name, "%s-%d", kind, (int)seed);
	snprintf(out, 4096, "%s", test_path(name));
}

static void check_seed(uint64_t seed)
{
	char fresh[4096], tuned[4096], pruned[4096];
	struct task train, dev;
	name_folder(fresh, "fresh", seed);
	name_folder(tuned, "tuned", seed);
	name_folder(pruned, "pruned", seed);
	write_model(fresh, seed);
	task_open(&train, TRAIN, 2 * seed);
	task_open(&dev, DEV, 2 * seed + 1);
	const struct trainer_options dense = {.seed = seed, .threads = 1};
	const struct trainer_options adapler = {.seed = seed, .threads = 1, .adapler = 1, .gamma = 0.1, .phi = 0.005};
	if (learn(fresh, tuned, &train, &dense, seed, 4)) {
		add_saliency(&train, tuned);
		learn(fresh, pruned, &train, &adapler, seed, 5);
		const struct outcome a = judge(tuned, "none", &dev), b = judge(pruned, "adapler", &dev);
		CHECK(a.correct >= 0.99 && b.correct >= 0.99);
		CHECK(a.filler[2] == 1 && a.texts == 1);
		CHECK(b.filler[0] < 0.3 && b.filler[2] < 0.05);
		CHECK(b.keywords[0] >= 0.95 && b.texts >= 0.95);
	}
	task_close(&train);
	task_close(&dev);
}

/* Seeds 1 to 12: all 500 texts right each time; 0 to 9 % of the filler reaches the first layer and none the last; in eleven
 * of them 98.6 to 100 % of the keywords reach the first layer, after which [CLS] knows the answer and they go too. Seed 12
 * learns to do without one of the keywords (72 %): where nothing is left, its class is meant. */
TEST(adapler_learns_the_task_and_drops_what_does_not_matter)
{
	for (uint64_t seed = 1; seed <= 3; seed++)
		check_seed(seed);
}

/* ---- memory --------------------------------------------------------------------------------------------------- */

/* Bytes of this process in memory now. */
static double resident(void)
{
	long pages[2] = {0};
	FILE *f = fopen("/proc/self/statm", "r");
	if (!f || fscanf(f, "%ld %ld", &pages[0], &pages[1]) != 2)
		pages[1] = 0;
	if (f)
		fclose(f);
	return (double)pages[1] * (double)sysconf(_SC_PAGESIZE);
}

/* What one step leaves in memory, as a share of what the trainer says it takes. */
static double share_of_formula(const struct config *c, const struct trainer_options *o, int length)
{
	enum { BATCH = 16 };
	static int ids[BATCH][128];
	static float saliency[128];
	struct example examples[BATCH];
	const struct example *list[BATCH];
	struct trainer *t;
	struct losses losses;
	struct norms norms;
	struct err e = {0};
	const struct rates rates = {.network = 1e-4, .speed = 1e-4};
	const double before = resident();
	for (int b = 0; b < BATCH; b++) {
		for (int i = 0; i < length; i++)
			ids[b][i] = (b * 131 + i * 17) % c->V;
		for (int i = 0; i < 128; i++)
			saliency[i] = 1;
		examples[b] = (struct example){.n = length, .ids = ids[b], .targets = ids[b], .saliency = saliency};
		list[b] = &examples[b];
	}
	if (!CHECK_OK(trainer_open_random(&t, c, o, &e), &e))
		return 0;
	CHECK_OK(trainer_gradient(t, list, BATCH, 0, 10, &losses, &e), &e);
	CHECK_OK(trainer_update(t, &rates, &norms, &e), &e);
	const double share = (resident() - before) / (double)trainer_bytes(t);
	trainer_close(t);
	return share;
}

/* In a process of its own, which no earlier test's memory helps. */
static void check_memory(const struct trainer_options *o)
{
	int status = 0;
	const pid_t child = fork();
	if (child == 0) {
		static char labels[2][LABEL_SIZE] = {"a", "b"};
		const struct config c = {.L = 3,
		                         .H = 256,
		                         .A = 4,
		                         .D = 64,
		                         .F = 1024,
		                         .V = 4000,
		                         .P = 128,
		                         .types = 2,
		                         .C = 2,
		                         .act = ACT_GELU,
		                         .layer_norm_eps = 1e-12,
		                         .initializer_range = 0.02,
		                         .hidden_dropout = 0.1,
		                         .attention_dropout = 0.1,
		                         .labels = labels};
		const double share = share_of_formula(&c, o, 128);
		if (!(share > 0.95 && share < 1.05))
			fprintf(stderr, "objective %d, adapler %d: %.3f of the formula\n", (int)o->objective, o->adapler, share);
		_exit(share > 0.95 && share < 1.05 ? 0 : 1);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(a_step_takes_the_memory_that_the_trainer_says)
{
	const struct trainer_options dense = {.threads = 2, .max_rows = 16 * 128, .max_sequences = 16};
	struct trainer_options adapler = dense, language = dense;
	adapler.adapler = 1;
	adapler.gamma = adapler.phi = 0.01;
	language.objective = OBJECTIVE_MLM;
	check_memory(&dense);
	check_memory(&adapler);
	check_memory(&language);
}
