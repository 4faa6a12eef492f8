/* The whole model's gradients: central differences of the loss along random directions, tensor by tensor, on tiny models
 * with the naive kernels; and what must not change them: threads, micro-batches. */
#include "../engine/kernels_ref.h"
#include "../engine/trainer.h"
#include "small_training.h"

#include <math.h>
#include <stdlib.h>

struct check {
	struct trainer *t;
	struct tiny_data data;
	double lambda, h, tolerance;
	double weight[TINY_COUNT_MAX][8]; /* AdapLeR: the divergence's stopped weight, by example and layer */
	int is_speed;                     /* the other loss */
	int tensors;
	struct err e;
};

/* Norms and biases begin as ones and zeros, which would hide mistakes. */
static void roughen(struct trainer *t)
{
	struct parameters *w = &t->w;
	float *const speed[] = {w->eta, w->theta};
	float kept[2][8] = {{0}};
	for (int i = 0; i < 2; i++)
		for (int l = 0; speed[i] && l < t->config.L - i; l++)
			kept[i][l] = speed[i][l];
	for (size_t i = 0; i < w->count; i++)
		w->values[i] += (float)(0.2 * rng_normal(9, 9, i));
	for (int i = 0; i < 2; i++)
		for (int l = 0; speed[i] && l < t->config.L - i; l++)
			speed[i][l] = kept[i][l] + 0.1f * (float)l;
	train_pack(t);
}

static int check_open(struct check *c, const struct tiny_shape *shape, struct trainer_options o)
{
	memset(c, 0, sizeof *c);
	c->h = 1e-3;
	c->tolerance = 4e-3; /* relu has kinks; the others stay below 5e-4 */
	o.threads = 1;
	tiny_data_fill(&c->data, 6, 3);
	if (!CHECK_OK(trainer_open_with(&c->t, tiny_model("tiny", shape), &o, &kernels_reference, &c->e), &c->e))
		return 0;
	roughen(c->t);
	return 1;
}

static void check_close(struct check *c) { trainer_close(c->t); }

static struct losses gradient(struct check *c, int first, int count)
{
	struct losses l = {0};
	CHECK_OK(trainer_gradient(c->t, c->data.list + first, count, 5, c->lambda, &l, &c->e), &c->e);
	return l;
}

/* The largest of the mask over all rows but [CLS], by which a divergence is weighted and which is no variable. */
static double stopped(const struct check *c, int layer)
{
	double most = 0;
	for (int i = 1; i < c->t->T; i++)
		most = fmax(most, c->t->layer[layer].loss_mask[i]);
	return most;
}

/* One text at a time, so that each keeps its own weights. */
static double adapler_loss(struct check *c, int is_first)
{
	const int L = c->t->config.L;
	double sum = 0;
	for (int b = 0; b < c->data.count; b++) {
		const struct losses l = gradient(c, b, 1);
		sum += l.task;
		for (int i = 0; i < L; i++) {
			const double now = stopped(c, i);
			if (is_first)
				c->weight[b][i] = now;
			if (now > 0)
				sum += c->t->options.gamma * (L - i) * l.kl[i] / now * c->weight[b][i];
		}
	}
	return sum / c->data.count;
}

static double loss_of(struct check *c)
{
	train_pack(c->t);
	if (c->is_speed)
		return gradient(c, 0, c->data.count).speed;
	return c->t->options.adapler ? adapler_loss(c, 0) : gradient(c, 0, c->data.count).task;
}

/* Along g / |g| and a random direction of the same length: a wrong part shows in the one, a wrong scale in the other. */
static void check_tensor(struct check *c, float *w, const double *g, int count, const char *name)
{
	float *kept = malloc((size_t)count * sizeof *kept);
	double *d = malloc((size_t)count * sizeof *d);
	double norm = 0, random = 0, expected = 0;
	for (int i = 0; i < count; i++) {
		d[i] = rng_normal(1, rng_stream(name), (uint64_t)i);
		norm += g[i] * g[i];
		random += d[i] * d[i];
	}
	norm = sqrt(norm);
	for (int i = 0; i < count; i++) {
		d[i] = d[i] / sqrt(random) + (norm > 0 ? g[i] / norm : 0);
		kept[i] = w[i];
		expected += g[i] * d[i];
	}
	double side[2];
	for (int s = 0; s < 2; s++) {
		for (int i = 0; i < count; i++)
			w[i] = (float)(kept[i] + (s ? -c->h : c->h) * d[i]);
		side[s] = loss_of(c);
	}
	for (int i = 0; i < count; i++)
		w[i] = kept[i];
	const double found = (side[0] - side[1]) / (2 * c->h), bound = c->tolerance * (norm + 0.05);
	if (!(fabs(found - expected) <= bound))
		test_fail(__FILE__, __LINE__, "along a direction of %s: %.9g, differenced %.9g, bound %.3g", name, expected,
		          found, bound);
	free(kept);
	free(d);
}

struct gradients {
	struct check *c;
	const float *g; /* a copy of them all */
};

static int visit(const struct weight_info *info, void *arg)
{
	const struct gradients *all = arg;
	struct trainer *t = all->c->t;
	const int count = (int)(info->rows * (info->columns ? info->columns : 1));
	if (!*info->slot || !strcmp(info->name, "adapler.eta") || !strcmp(info->name, "adapler.theta"))
		return 0;
	float *w = (float *)(uintptr_t)*info->slot;
	double *g = malloc((size_t)count * sizeof *g);
	for (int i = 0; i < count; i++)
		g[i] = all->g[w - t->w.values + i];
	check_tensor(all->c, w, g, count, info->name);
	free(g);
	all->c->tensors++;
	return 0;
}

static void check_gradients(struct check *c, int tensors)
{
	struct trainer *t = c->t;
	float *g = malloc(t->g.count * sizeof *g);
	if (t->options.adapler)
		adapler_loss(c, 1);
	gradient(c, 0, c->data.count);
	memcpy(g, t->g.values, t->g.count * sizeof *g);
	struct gradients all = {c, g};
	weights_visit(&t->view, &t->config, ~0u, visit, &all);
	CHECK_INT(c->tensors, tensors);
	free(g);
}

static void check_model(struct tiny_shape shape, struct trainer_options o, int tensors)
{
	struct check c;
	if (!check_open(&c, &shape, o))
		return;
	c.lambda = 10;
	check_gradients(&c, tensors);
	check_close(&c);
}

enum { BERT = 5 + 2 * 16, DISTIL = 4 + 2 * 16, HEAD = 4, LANGUAGE = 5, PREDICTORS = 2 * 4 };
static const struct trainer_options classify = {.hidden_dropout = -1, .attention_dropout = -1};

TEST(a_classifiers_gradients_are_the_differences)
{
	check_model((struct tiny_shape){.family = FAMILY_BERT}, classify, BERT + HEAD);
	check_model((struct tiny_shape){.family = FAMILY_DISTILBERT}, classify, DISTIL + HEAD);
}

TEST(so_they_are_with_the_other_activations)
{
	check_model((struct tiny_shape){.family = FAMILY_BERT, .act = ACT_GELU_NEW}, classify, BERT + HEAD);
	check_model((struct tiny_shape){.family = FAMILY_BERT, .act = ACT_RELU}, classify, BERT + HEAD);
}

TEST(so_they_are_with_dropout)
{
	const struct trainer_options o = {.hidden_dropout = 0.2, .attention_dropout = 0.3};
	check_model((struct tiny_shape){.family = FAMILY_BERT}, o, BERT + HEAD);
	check_model((struct tiny_shape){.family = FAMILY_DISTILBERT}, o, DISTIL + HEAD);
}

TEST(so_they_are_with_one_layer)
{
	check_model((struct tiny_shape){.family = FAMILY_BERT, .L = 1}, classify, 5 + 16 + HEAD);
}

TEST(a_regressions_gradients_are_the_differences)
{
	struct trainer_options o = classify;
	o.objective = OBJECTIVE_REGRESS;
	check_model((struct tiny_shape){.family = FAMILY_BERT}, o, BERT + HEAD);
	check_model((struct tiny_shape){.family = FAMILY_DISTILBERT}, o, DISTIL + HEAD);
}

TEST(class_weights_count)
{
	static const double weights[TINY_C] = {0.5, 3, 0};
	struct trainer_options o = classify;
	o.class_weights = weights;
	check_model((struct tiny_shape){.family = FAMILY_BERT}, o, BERT + HEAD);
}

TEST(a_language_models_gradients_are_the_differences)
{
	struct trainer_options o = {.objective = OBJECTIVE_MLM, .hidden_dropout = -1, .attention_dropout = -1};
	check_model((struct tiny_shape){.family = FAMILY_BERT}, o, BERT + LANGUAGE);
	check_model((struct tiny_shape){.family = FAMILY_DISTILBERT}, o, DISTIL + LANGUAGE);
	o.hidden_dropout = o.attention_dropout = 0.2;
	check_model((struct tiny_shape){.family = FAMILY_BERT, .L = 1}, o, 5 + 16 + LANGUAGE);
}

static const struct trainer_options adapler = {.adapler = 1, .gamma = 0.3, .phi = 0.2, .hidden_dropout = -1};

TEST(adaplers_model_loss_has_the_differences_gradients)
{
	check_model((struct tiny_shape){.family = FAMILY_BERT, .K = 6}, adapler, BERT + HEAD + PREDICTORS);
	check_model((struct tiny_shape){.family = FAMILY_DISTILBERT, .L = 3}, adapler, DISTIL + 16 + HEAD + 3 * 4);
	check_model((struct tiny_shape){.family = FAMILY_BERT, .L = 1, .K = 6}, adapler, 5 + 16 + HEAD + 4);
}

TEST(adaplers_model_loss_with_dropout_has_them_too)
{
	struct trainer_options o = adapler;
	o.hidden_dropout = 0.2;
	/* Every text has masks of its own place in the batch: one text. */
	struct check c;
	if (!check_open(&c, &(struct tiny_shape){.family = FAMILY_BERT, .K = 6}, o))
		return;
	c.lambda = 10;
	c.data.list[0] = c.data.list[5];
	c.data.count = 1;
	check_gradients(&c, BERT + HEAD + PREDICTORS);
	check_close(&c);
}

TEST(the_speed_loss_has_the_differences_derivatives_by_eta)
{
	for (int L = 1; L <= 3; L++) {
		struct check c;
		double g[8];
		if (!check_open(&c, &(struct tiny_shape){.family = FAMILY_BERT, .K = 6, .L = L}, adapler))
			return;
		c.lambda = 10;
		c.is_speed = 1;
		c.h = 1e-4;
		gradient(&c, 0, c.data.count);
		memcpy(g, c.t->eta_gradient, (size_t)L * sizeof *g);
		for (int l = 0; l < L; l++)
			check_tensor(&c, &c.t->w.eta[l], &g[l], 1, "eta");
		check_close(&c);
	}
}

/* One step's eta[0], with dev judged or not between its gradient and its update. */
static float stepped_eta(int is_judged)
{
	const struct tiny_shape shape = {.family = FAMILY_BERT, .K = 6};
	const struct rates r = {.network = 1e-2, .speed = 1e-2};
	struct check c;
	struct losses l;
	struct norms n;
	if (!check_open(&c, &shape, adapler))
		return 0;
	c.lambda = 10;
	gradient(&c, 0, 6);
	if (is_judged)
		CHECK_OK(trainer_evaluate(c.t, c.data.list, 6, &l, &c.e), &c.e);
	CHECK_OK(trainer_update(c.t, &r, &n, &c.e), &c.e);
	const float eta = c.t->w.eta[0];
	check_close(&c);
	return eta;
}

TEST(judging_leaves_the_gradients_alone)
{
	const float eta = stepped_eta(0);
	CHECK(eta != 0.25f);
	CHECK(stepped_eta(1) == eta);
}

/* ---- what must not matter ------------------------------------------------------------------------------------- */

enum { KINDS = 4 };

static struct trainer_options option_of(int kind)
{
	struct trainer_options o = {.hidden_dropout = 0.2, .attention_dropout = 0.2, .gamma = 0.3, .phi = 0.2};
	o.objective = kind == 1 ? OBJECTIVE_REGRESS : kind == 2 ? OBJECTIVE_MLM : OBJECTIVE_CLASSIFY;
	o.adapler = kind == 3;
	return o;
}

/* The gradients of 40 texts, [count]; NULL after a failure. */
static float *gradients_of(int kind, int threads, int max_rows, size_t *count, struct losses *l)
{
	static const struct tiny_shape shape = {.family = FAMILY_BERT, .K = 6};
	struct trainer_options o = option_of(kind);
	struct tiny_data *d = malloc(sizeof *d);
	struct trainer *t;
	struct err e = {0};
	float *g = NULL;
	o.threads = threads;
	o.max_rows = max_rows;
	tiny_data_fill(d, 40, 4);
	if (CHECK_OK(trainer_open(&t, tiny_model("tiny", &shape), &o, &e), &e) &&
	    CHECK_OK(trainer_gradient(t, d->list, d->count, 7, 10, l, &e), &e)) {
		*count = t->g.count;
		g = malloc(*count * sizeof *g);
		memcpy(g, t->g.values, *count * sizeof *g);
	}
	trainer_close(t);
	free(d);
	return g;
}

TEST(threads_do_not_change_a_bit_of_the_gradients)
{
	for (int kind = 0; kind < KINDS; kind++) {
		size_t count;
		struct losses l[3];
		float *g[3];
		for (int i = 0; i < 3; i++)
			g[i] = gradients_of(kind, i + 1, 100, &count, &l[i]);
		for (int i = 1; i < 3 && g[0] && g[i]; i++) {
			CHECK(!memcmp(g[0], g[i], count * sizeof **g));
			CHECK(l[0].model == l[i].model && l[0].task == l[i].task && l[0].speed == l[i].speed);
		}
		for (int i = 0; i < 3; i++)
			free(g[i]);
	}
}

TEST(micro_batches_add_up_to_the_batch_under_every_objective_with_dropout)
{
	for (int kind = 0; kind < KINDS; kind++) {
		size_t count;
		struct losses one, many;
		float *a = gradients_of(kind, 2, 8192, &count, &one), *b = gradients_of(kind, 2, 1, &count, &many);
		double largest = 0;
		for (size_t i = 0; a && b && i < count; i++)
			largest = fmax(largest, fabs(a[i]));
		for (size_t i = 0; a && b && i < count; i++)
			if (!CHECK_NEAR(a[i], b[i], 1e-5 * largest))
				break;
		CHECK_NEAR(many.model, one.model, 1e-6 * fabs(one.model));
		CHECK_NEAR(many.speed, one.speed, 1e-6 * fabs(one.speed));
		CHECK(one.tokens == many.tokens && one.predicted == many.predicted);
		free(a);
		free(b);
	}
}

static int clear(const struct weight_info *info, void *arg)
{
	(void)arg;
	if (*info->slot)
		memset((float *)(uintptr_t)*info->slot, 0,
		       (size_t)(info->rows * (info->columns ? info->columns : 1)) * sizeof(float));
	return 0;
}

TEST(the_gaps_between_tensors_stay_zero_through_a_step)
{
	const struct tiny_shape shape = {.family = FAMILY_BERT, .K = 6};
	const struct rates r = {.network = 1e-3, .speed = 1e-3};
	struct trainer_options o = adapler;
	struct tiny_data d;
	struct trainer *t;
	struct losses l;
	struct norms n;
	struct err e = {0};
	tiny_data_fill(&d, 6, 3);
	REQUIRE_OK(trainer_open(&t, tiny_model("tiny", &shape), &o, &e), &e);
	CHECK_OK(trainer_gradient(t, d.list, d.count, 0, 10, &l, &e), &e);
	CHECK_OK(trainer_update(t, &r, &n, &e), &e);
	const struct parameters *const all[] = {&t->w, &t->g, &t->m, &t->v};
	for (int i = 0; i < 4; i++) {
		struct weights view;
		struct layer_weights layers[2];
		size_t left = 0;
		parameters_view(&view, layers, all[i], &t->config);
		weights_visit(&view, &t->config, ~0u, clear, NULL);
		for (size_t k = 0; k < all[i]->count; k++)
			left += all[i]->values[k] != 0;
		CHECK_INT((long long)left, 0);
	}
	trainer_close(t);
}

/* ---- saving and opening --------------------------------------------------------------------------------------- */

/* Trains a step, saves, opens again: the weights must be those. L 1: there is no theta. */
static void check_saved(struct tiny_shape shape, struct trainer_options o, const char *dtype, double tolerance)
{
	const struct rates r = {.network = 1e-2, .speed = 1e-2};
	const char *saved = test_path("saved");
	struct tiny_data d;
	struct trainer *a, *b;
	struct losses l;
	struct norms n;
	struct err e = {0};
	tiny_data_fill(&d, 6, 3);
	o.seed = 3;
	REQUIRE_OK(trainer_open(&a, tiny_model("tiny", &shape), &o, &e), &e);
	CHECK_OK(trainer_gradient(a, d.list, d.count, 0, 10, &l, &e), &e);
	CHECK_OK(trainer_update(a, &r, &n, &e), &e);
	CHECK_OK(trainer_save(a, saved, dtype, test_path("tiny"), &e), &e);
	o.seed = 4;
	if (CHECK_OK(trainer_open(&b, saved, &o, &e), &e)) {
		CHECK_INT((long long)b->w.count, (long long)a->w.count);
		for (size_t i = 0; i < a->w.count; i++)
			if (!CHECK_NEAR(b->w.values[i], a->w.values[i], tolerance * fabs(a->w.values[i])))
				break;
		trainer_close(b);
	}
	trainer_close(a);
}

TEST(a_saved_model_opens_with_the_same_weights)
{
	static const enum family families[] = {FAMILY_BERT, FAMILY_DISTILBERT};
	for (int f = 0; f < 2; f++)
		for (int L = 1; L <= 2; L++)
			for (int kind = 0; kind < KINDS; kind++) {
				const struct tiny_shape shape = {.family = families[f], .L = L};
				check_saved(shape, option_of(kind), "f32", 0);
				check_saved(shape, option_of(kind), "bf16", 1.0 / 256);
			}
}

TEST(a_saved_model_of_one_layer_prunes)
{
	const struct tiny_shape shape = {.family = FAMILY_BERT, .L = 1};
	const int start[] = {0, 6}, ids[] = {2, 7, 8, 9, 10, 3};
	const struct batch batch = {.B = 1, .start = start, .ids = ids};
	struct model *m;
	struct session *s;
	struct policy p;
	struct trace trace;
	struct err e = {0};
	check_saved(shape, option_of(3), "f32", 0);
	REQUIRE_OK(model_open(&m, test_path("saved"), NULL, &e), &e);
	CHECK_OK(policy_parse(&p, "adapler", &e), &e);
	CHECK_OK(session_open(&s, m, NULL, &e), &e);
	CHECK_OK(session_run(s, &batch, &p, &trace, &e), &e);
	CHECK(isfinite(trace.logits[0]) && trace.died_at[0] == 1);
	session_close(s);
	model_close(m);
}

static int same_heads(struct trainer_options a, struct trainer_options b)
{
	const struct tiny_shape shape = {.family = FAMILY_BERT};
	struct trainer *x, *y;
	struct err e = {0};
	const char *dir = tiny_model("tiny", &shape);
	if (!CHECK_OK(trainer_open(&x, dir, &a, &e), &e) || !CHECK_OK(trainer_open(&y, dir, &b, &e), &e))
		return -1;
	const int same = x->config.C == y->config.C &&
	                 !memcmp(x->w.classifier_w, y->w.classifier_w, 12 * (size_t)x->config.C * sizeof(float));
	CHECK(!memcmp(x->w.pooler_w, y->w.pooler_w, sizeof(float[12 * 12])));
	trainer_close(x);
	trainer_close(y);
	return same;
}

TEST(a_head_is_kept_with_its_labels_and_drawn_anew_for_others)
{
	static const char *const own[] = {"no", "yes", "perhaps"}, *const other[] = {"no", "yes", "maybe"};
	const struct trainer_options as_is = {.seed = 5}; /* not the seed of the file */
	CHECK_INT(same_heads(as_is, (struct trainer_options){.classes = 3, .labels = own, .seed = 5}), 1);
	CHECK_INT(same_heads(as_is, (struct trainer_options){.classes = 3, .labels = other, .seed = 5}), 0);
	CHECK_INT(same_heads((struct trainer_options){.classes = 5, .seed = 1},
	                     (struct trainer_options){.classes = 5, .seed = 1}),
	          1);
	CHECK_INT(same_heads((struct trainer_options){.classes = 5, .seed = 1},
	                     (struct trainer_options){.classes = 5, .seed = 2}),
	          0);
}

TEST(an_unknown_dtype_writes_nothing)
{
	const struct tiny_shape shape = {.family = FAMILY_BERT};
	struct trainer *t;
	struct err e = {0};
	REQUIRE_OK(trainer_open(&t, tiny_model("tiny", &shape), &classify, &e), &e);
	CHECK(trainer_save(t, test_path("nowhere"), "f8", test_path("tiny"), &e) != 0);
	CHECK_CONTAINS(e.text, "no dtype 'f8' for weights (known: f32, bf16, f16)");
	CHECK(!file_exists(test_path("nowhere")));
	/* Too large for the dtype: the folder that was begun goes too. */
	e = (struct err){0};
	t->w.layer[1].ffn_in_w[3] = 1e6F;
	CHECK(trainer_save(t, test_path("nowhere"), "f16", test_path("tiny"), &e) != 0);
	CHECK_CONTAINS(e.text, "does not fit in F16");
	CHECK(!file_exists(test_path("nowhere")));
	trainer_close(t);
}

/* ---- what is refused ------------------------------------------------------------------------------------------ */

static void check_refused(struct trainer_options o, const char *sentence)
{
	const struct tiny_shape shape = {.family = FAMILY_BERT};
	struct err e = {0};
	struct trainer *t = NULL;
	CHECK(trainer_open(&t, tiny_model("tiny", &shape), &o, &e) != 0 && !t);
	CHECK_CONTAINS(e.text, sentence);
}

TEST(options_that_make_no_sense_are_refused)
{
	const double negative[TINY_C] = {1, -1, 1}, none[TINY_C] = {0};
	check_refused((struct trainer_options){.objective = OBJECTIVE_REGRESS, .classes = 3}, "has one output, not 3");
	check_refused((struct trainer_options){.hidden_dropout = 1}, "dropout must be below 1");
	check_refused((struct trainer_options){.attention_dropout = NAN}, "dropout must be below 1");
	check_refused((struct trainer_options){.adapler = 1, .gamma = INFINITY}, "gamma and phi must be finite");
	check_refused((struct trainer_options){.phi = -1}, "gamma and phi must be finite and not negative");
	check_refused((struct trainer_options){.class_weights = negative}, "weight -1 of class 1");
	check_refused((struct trainer_options){.class_weights = none}, "all 3 classes have a weight of 0");
	check_refused((struct trainer_options){.max_length = TINY_P + 1}, "17 tokens, but the model has 16 positions");
	check_refused((struct trainer_options){.classes = -1}, "classes must be from 1");
	check_refused((struct trainer_options){.objective = OBJECTIVE_MLM, .adapler = 1}, "trains a classifier");
	check_refused((struct trainer_options){.kernels = "openblas"}, "openblas");
	check_refused((struct trainer_options){.memory_bytes = 1000}, "the budget is 0 MB");
}

TEST(dropout_just_below_one_leaves_numbers)
{
	struct check c;
	struct trainer_options o = {.hidden_dropout = 0.999999, .attention_dropout = 0.999999};
	if (!check_open(&c, &(struct tiny_shape){.family = FAMILY_BERT}, o))
		return;
	CHECK(isfinite(gradient(&c, 0, c.data.count).task));
	check_close(&c);
}

TEST(lambda_must_be_a_number_above_zero)
{
	static const double bad[] = {0, -1, NAN, INFINITY};
	struct check c;
	struct losses l;
	if (!check_open(&c, &(struct tiny_shape){.family = FAMILY_BERT}, adapler))
		return;
	for (int i = 0; i < 4; i++) {
		struct err e = {0};
		CHECK(trainer_gradient(c.t, c.data.list, 6, 0, bad[i], &l, &e) != 0);
		CHECK_CONTAINS(e.text, "finite lambda above 0");
	}
	check_close(&c);
}

TEST(budgets_of_memory_are_kept)
{
	const struct tiny_shape shape = {.family = FAMILY_BERT, .K = 6};
	struct err e = {0};
	for (size_t budget = 1 << 20; budget <= 1 << 24; budget *= 2) {
		struct trainer_options o = adapler;
		struct trainer *t;
		o.memory_bytes = budget;
		o.threads = 2;
		REQUIRE_OK(trainer_open(&t, tiny_model("tiny", &shape), &o, &e), &e);
		CHECK(trainer_bytes(t) <= budget);
		CHECK(trainer_rows(t) >= TINY_P);
		const int rows = trainer_rows(t);
		trainer_close(t);
		/* Batches are cut alike on any number of threads. */
		o.threads = 16;
		REQUIRE_OK(trainer_open(&t, tiny_model("tiny", &shape), &o, &e), &e);
		CHECK_INT(trainer_rows(t), rows);
		CHECK(rows == 8192 || trainer_bytes(t) + 32 * trainer_row_bytes(t) > budget);
		CHECK(trainer_bytes(t) <= budget);
		trainer_close(t);
	}
}
