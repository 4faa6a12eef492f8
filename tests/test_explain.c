/* Explainers against what they must be: sums, differences, products by hand. */
#include "small_eraser.h"

#include "../eraser/inputs.h"

#include <math.h>
#include <stdlib.h>

enum { DOCUMENTS = 3, L = 3 };

struct explained {
	struct small_eraser data;
	struct explainer *explainer;
	struct instance instance[DOCUMENTS];
	struct explanation found[DOCUMENTS];
};

static int explain(struct explained *x, struct explain_options o)
{
	struct err e = {0};
	int is_open = small_eraser_open(&x->data, NULL);
	o.model = x->data.model;
	o.threads = 2;
	is_open = is_open && CHECK_OK(explainer_open(&x->explainer, &o, &e), &e);
	for (int i = 0; i < DOCUMENTS && is_open; i++)
		is_open = CHECK_OK(instance_open(&x->instance[i], &x->data.instances, i, &e), &e);
	return is_open && CHECK_OK(explainer_run(x->explainer, x->instance, DOCUMENTS, x->found, &e), &e);
}

static void finish(struct explained *x)
{
	for (int i = 0; i < DOCUMENTS; i++) {
		explanation_close(&x->found[i]);
		instance_close(&x->instance[i]);
	}
	explainer_close(x->explainer);
	small_eraser_close(&x->data);
}

/* The logit of one window with some words left out, computed alone. */
static double logit(struct explained *x, int i, int window, const unsigned char *keep, int class)
{
	struct err e = {0};
	struct inputs in = {.count = 0};
	float logits[TINY_C];
	CHECK_OK(inputs_add(&in, &x->instance[i].windows.item[window], &x->instance[i].pieces, keep, &e), &e);
	CHECK_OK(inputs_logits(&in, explainer_runner(x->explainer, EXPLAIN_DENSE), logits, &e), &e);
	inputs_free(&in);
	return (double)logits[class];
}

TEST(methods_are_named_in_lists)
{
	struct err e = {0};
	unsigned m;
	CHECK_OK(methods_parse(&m, "cp,rollout", &e), &e);
	CHECK_INT(m, 1u << METHOD_CP | 1u << METHOD_ROLLOUT);
	CHECK_OK(methods_parse(&m, "all", &e), &e);
	CHECK_INT(m, (1u << METHOD_COUNT) - 1);
	CHECK(methods_parse(&m, "cp,salience", &e) == ERR_USAGE);
	CHECK_CONTAINS(e.text, "did you mean 'saliency'");
}

TEST(a_document_s_logits_are_its_windows_by_their_pieces)
{
	const struct window item[] = {{.pieces = 3}, {.pieces = 1}};
	const struct windows w = {.count = 2, .item = (struct window *)(uintptr_t)item};
	const float logits[] = {1, 0, 5, 4};
	float out[2];
	explain_document_logits(out, &w, logits, 2);
	CHECK_NEAR(out[0], 2, 0);
	CHECK_NEAR(out[1], 1, 0);
	CHECK_INT(explain_best(out, 2), 0);
}

TEST(what_is_left_out_costs_what_its_window_loses)
{
	struct explained x;
	REQUIRE(explain(&x, (struct explain_options){.methods = 1u << METHOD_LEAVE_ONE_OUT}));
	for (int i = 0; i < DOCUMENTS; i++)
		for (int w = 0; w < x.instance[i].windows.count; w++) {
			const struct window *window = &x.instance[i].windows.item[w];
			const int class = x.found[i].pred[EXPLAIN_DENSE];
			unsigned char keep[64];
			memset(keep, 1, sizeof keep);
			for (int t = window->first; t < window->last; t++) {
				keep[t] = 0;
				CHECK_NEAR(x.found[i].score[METHOD_LEAVE_ONE_OUT][t],
				           logit(&x, i, w, NULL, class) - logit(&x, i, w, keep, class), 1e-5);
				keep[t] = 1;
			}
		}
	finish(&x);
}

TEST(integrated_gradients_sum_to_what_the_logit_gains)
{
	for (enum explain_baseline b = BASELINE_PAD; b <= BASELINE_ZERO; b++) {
		struct explained x;
		REQUIRE(explain(
			&x, (struct explain_options){
					.methods = 1u << METHOD_INTEGRATED, .steps = 200, .baseline = b, .aggregation = AGGREGATE_SUM}));
		for (int i = 0; i < DOCUMENTS; i++) {
			double sum = 0;
			for (int t = 0; t < x.instance[i].tokens; t++)
				sum += (double)x.found[i].score[METHOD_INTEGRATED][t];
			CHECK_NEAR(sum, x.found[i].completeness[0], 1e-5);
			CHECK_NEAR(x.found[i].completeness[0], x.found[i].completeness[1],
			           1e-3 + 1e-3 * fabs(x.found[i].completeness[1]));
			CHECK(fabs(x.found[i].completeness[1]) > 1e-6);
		}
		finish(&x);
	}
}

/* The gradient along the embedding itself, by differences: moving it to (1 + h) e. With one step from zeros, integrated
 * gradients are the gradient at e / 2 times e. */
TEST(signed_gradients_and_saliency_are_consistent)
{
	struct explained x;
	REQUIRE(explain(&x, (struct explain_options){.methods = 1u << METHOD_SALIENCY | 1u << METHOD_GRADIENT_INPUT}));
	for (int i = 0; i < DOCUMENTS; i++)
		for (int t = 0; t < x.instance[i].tokens; t++) {
			const double norm = (double)x.found[i].score[METHOD_SALIENCY][t],
						 sum = (double)x.found[i].score[METHOD_GRADIENT_INPUT][t];
			CHECK(norm > 0 && fabs(sum) <= norm * sqrt(12) * (1 + 1e-5)); /* Cauchy-Schwarz over H = 12 */
		}
	finish(&x);
}

/* One layer up from [CLS]: (A + I) / 2, its row 0, times the rows; of [CLS] attention itself for the words. */
TEST(the_first_rollout_is_half_of_the_attention_from_cls)
{
	struct explained x;
	REQUIRE(explain(&x, (struct explain_options){.methods = 1u << METHOD_ROLLOUT | 1u << METHOD_ATTENTION_CLS}));
	for (int i = 0; i < DOCUMENTS; i++)
		for (int t = 0; t < x.instance[i].tokens; t++)
			CHECK_NEAR(x.found[i].score[METHOD_ROLLOUT][t], 0.5 * (double)x.found[i].score[METHOD_ATTENTION_CLS][t],
			           1e-5);
	finish(&x);
}

/* Document e is one window of four rows: [CLS] b a [SEP]. The product of the layers' matrices, by hand. */
TEST(rollout_is_the_product_of_the_layers)
{
	enum { N = 4 };
	struct explained x;
	struct err e = {0};
	struct session *s;
	struct policy none;
	struct trace t;
	REQUIRE(explain(&x, (struct explain_options){.methods = 1u << METHOD_ROLLOUT}));
	const struct window *w = &x.instance[1].windows.item[0];
	const int start[2] = {0, w->n};
	const struct batch b = {.B = 1, .start = start, .ids = w->ids, .type_ids = w->type_ids};
	const struct session_options o = {.threads = 1, .max_rows = 16, .max_sequences = 1, .want = WANT_MAPS};
	REQUIRE(w->n == N);
	REQUIRE_OK(policy_parse(&none, "none", &e), &e);
	REQUIRE_OK(session_open(&s, explainer_model(x.explainer, EXPLAIN_DENSE), &o, &e), &e);
	REQUIRE_OK(session_run(s, &b, &none, &t, &e), &e);
	double product[N][N], next[N][N];
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			product[i][k] = i == k;
	for (int l = 0; l < L; l++) {
		for (int i = 0; i < N; i++)
			for (int k = 0; k < N; k++) {
				next[i][k] = 0.5 * product[i][k];
				for (int m = 0; m < N; m++)
					next[i][k] += 0.5 * (double)t.maps[l][i * N + m] * product[m][k];
			}
		memcpy(product, next, sizeof product);
		for (int word = 0; word < 2; word++)
			CHECK_NEAR(x.found[1].score[METHOD_ROLLOUT][l * 2 + word], N * product[0][word + 1], 1e-5);
	}
	session_close(s);
	finish(&x);
}

/* Scores are of the rows alive then: a word without one died before. */
TEST(predictors_score_what_lives_and_kept_says_how_long_it_did)
{
	struct explained x;
	REQUIRE(explain(&x, (struct explain_options){.policy = "adapler:keep=0.7/0.5/0.3",
	                                             .methods = 1u << METHOD_CP | 1u << METHOD_KEPT}));
	int dead = 0, alive = 0;
	for (int i = 0; i < DOCUMENTS; i++) {
		const int n = x.instance[i].tokens;
		for (int t = 0; t < n; t++) {
			const int died = (int)x.found[i].score[METHOD_KEPT][t];
			CHECK(died >= 0 && died <= L);
			for (int l = 0; l < L; l++)
				CHECK(isnan(x.found[i].score[METHOD_CP][l * n + t]) == (died < l));
			dead += died < L;
			alive += died == L;
		}
	}
	CHECK(dead > 0 && alive > 0);
	finish(&x);
}

TEST(one_document_alone_gets_the_same_scores)
{
	struct explained x;
	struct explanation alone;
	struct err e = {0};
	const unsigned all = ((1u << METHOD_COUNT) - 1);
	REQUIRE(explain(&x, (struct explain_options){.methods = all, .steps = 3}));
	REQUIRE_OK(explainer_run(x.explainer, &x.instance[2], 1, &alone, &e), &e);
	for (int m = 0; m < METHOD_COUNT; m++) {
		const size_t n = (size_t)(method_table[m].by_layer ? L : 1) * (size_t)x.instance[2].tokens;
		if (memcmp(alone.score[m], x.found[2].score[m], n * sizeof(float)) != 0)
			test_fail(__FILE__, __LINE__, "%s depends on company", method_table[m].name);
	}
	explanation_close(&alone);
	finish(&x);
}

TEST(what_cannot_be_explained_is_refused)
{
	struct err e = {0};
	struct explainer *x;
	const struct tiny_shape plain = {.seed = 1};
	char dense[4096];
	snprintf(dense, sizeof dense, "%s", tiny_model("plain", &plain));
	struct explain_options o = {.model = dense, .methods = 1u << METHOD_CP};
	CHECK(explainer_open(&x, &o, &e) == ERR_MISMATCH && !x);
	CHECK_CONTAINS(e.text, "needs contribution predictors");
	e = (struct err){0};
	const struct tiny_shape deep = {.seed = 1, .L = 3};
	char other[4096];
	snprintf(other, sizeof other, "%s", tiny_model("deep", &deep));
	CHECK(explainer_open(&x, &(struct explain_options){.model = dense, .dense = other}, &e) == ERR_MISMATCH && !x);
	CHECK_CONTAINS(e.text, "2 and 3 layers");
	e = (struct err){0};
	o.methods = 1u << METHOD_SALIENCY;
	o.dense_policy = "attention:keep=0.5";
	CHECK(explainer_open(&x, &o, &e) == ERR_UNSUPPORTED && !x);
	CHECK_CONTAINS(e.text, "gradients are taken of the whole text");
}
