/* The closed form against the kernels' own counters, and the published formulas. */
#include "../engine/kernels.h"
#include "small_model.h"
#include "test.h"

static long long counted(void)
{
	return (long long)kernels_flops.product + (long long)kernels_flops.attention + (long long)kernels_flops.dot_rows;
}

static void check_policy(const struct model *m, const char *text, unsigned want, int full_last_layer)
{
	struct session_options o = {
		.threads = 2, .max_rows = SMALL_B * SMALL_P, .want = want, .full_last_layer = full_last_layer};
	struct session *s;
	struct err e = {0};
	struct policy p;
	struct trace t;
	static struct small_batch batch;
	small_batch_fill(&batch, 11);
	REQUIRE_OK(session_open(&s, m, &o, &e), &e);
	REQUIRE_OK(policy_parse(&p, text, &e), &e);
	long long before = counted(), expected = 0;
	if (CHECK_OK(session_run(s, &batch.batch, &p, &t, &e), &e)) {
		for (int b = 0; b < SMALL_B; b++) {
			struct flops f;
			flops_count(&f, model_config(m), &p, batch.start[b + 1] - batch.start[b], t.died_at + batch.start[b],
			            full_last_layer || (want & (WANT_HIDDEN | WANT_ATTENTION)));
			expected += flops_total(&f);
		}
		CHECK_INT(counted() - before, expected);
	}
	session_close(s);
}

TEST(the_closed_form_is_what_the_kernels_count)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	REQUIRE(m != NULL);
	for (int i = 0; i < SMALL_POLICIES; i++) {
		check_policy(m, small_policies[i], WANT_SOFT, 0);
		check_policy(m, small_policies[i], WANT_SOFT, 1);
		check_policy(m, small_policies[i], WANT_SOFT | WANT_ATTENTION, 0);
	}
	model_close(m);
}

/* One layer of BERT-base by hand: 24 H^2 n for the products (Q, K, V, output, and 16 H^2 for the feed-forward at F = 4H),
 * 4 n^2 H for attention; the head 2 H^2 + 2 H C. */
TEST(a_dense_layer_costs_what_the_textbook_says)
{
	struct config c = {.L = 1, .H = 768, .A = 12, .D = 64, .F = 3072, .C = 2};
	struct policy none;
	struct flops f;
	struct err e = {0};
	REQUIRE_OK(policy_parse(&none, "none", &e), &e);
	flops_count(&f, &c, &none, 128, NULL, 1);
	CHECK_INT(f.projection + f.feed_forward, 24LL * 768 * 768 * 128);
	CHECK_INT(f.attention, 4LL * 128 * 128 * 768);
	CHECK_INT(f.head, 2LL * 768 * 768 + 2 * 768 * 2);
	CHECK_INT(f.policy, 0);
	/* Without the rows that logits do not need: keys and values of all rows, the rest of one. */
	flops_count(&f, &c, &none, 128, NULL, 0);
	CHECK_INT(f.projection, 4LL * 768 * 768 * 128 + 4LL * 768 * 768);
	CHECK_INT(f.attention, 4LL * 128 * 768);
	CHECK_INT(f.feed_forward, 16LL * 768 * 768);
}

/* By hand from the formulas in arXiv 2203.08991's code: n = 2, C = 2, two rows in each of 12 layers. */
TEST(the_published_formulas_are_theirs)
{
	int rows[12] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
	CHECK_INT(flops_paper_bert(2, 2), 37872LL * 4 + 170216500LL * 2 + 1181953 + 3074);
	CHECK_INT(flops_paper_adapler(2, rows, 12, 2), 1183537LL + 1537 + 6152 * 2 + 12 * (3156LL * 4 + 14233554LL * 2));
}

/* The same policy, token for token, layer by layer. */
TEST(layers_and_the_head_make_the_whole)
{
	static const char *const texts[] = {"none", "adapler:eta=1", "attention:keep=0.5", "random:keep=0.5",
	                                    "adapler:eta=1,first=2"};
	const struct config c = {.L = 4, .H = 12, .A = 3, .D = 4, .F = 20, .K = 5, .C = 3};
	const int died_at[9] = {4, 0, 1, 1, 2, 3, 4, 3, 0};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct policy p;
		struct flops whole, layer;
		int64_t sum = 2 * 12 * 12 + 2 * 12 * 3;
		REQUIRE_OK(policy_parse(&p, texts[i], NULL), NULL);
		flops_count(&whole, &c, &p, 9, died_at, 0);
		const int alive[] = {9, 7, 5, 4, 2};
		for (int l = 0; l < 4; l++) {
			flops_count_layer(&layer, &c, &p, l, alive[l], alive[l + 1]);
			sum += flops_total(&layer);
			CHECK_INT(layer.head, 0);
		}
		CHECK_INT(sum, flops_total(&whole));
	}
}
