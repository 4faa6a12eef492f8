/* Sessions: results that do not depend on company or threads, no allocation while running, and bad batches. */
#include "small_model.h"
#include "test.h"

#include <math.h>
#include <string.h>
#include <time.h>

static void run_policy(struct session *s, const struct batch *b, const char *text, struct trace *t)
{
	struct policy p;
	struct err e = {0};
	if (CHECK_OK(policy_parse(&p, text, &e), &e))
		CHECK_OK(session_run(s, b, &p, t, &e), &e);
}

/* The stated bound is zero: the same bits. */
static void check_same(const char *text, const float *a, const float *b, int n, const int *died_a, const int *died_b,
                       int tokens)
{
	if (memcmp(a, b, (size_t)n * sizeof *a) != 0)
		test_fail(__FILE__, __LINE__, "logits differ under policy %s", text);
	if (memcmp(died_a, died_b, (size_t)tokens * sizeof *died_a) != 0)
		test_fail(__FILE__, __LINE__, "died_at differs under policy %s", text);
}

/* The first B sequences together, in a session as tight as can be (the gaps in its arena show an overrun), against each
 * alone. */
static void check_company(struct model *m, const char *text, int threads, int B)
{
	struct session_options o = {.threads = 1, .max_rows = SMALL_B * SMALL_P, .want = WANT_SOFT}, many = o;
	struct session *alone, *together;
	struct err e = {0};
	struct trace one, all;
	static struct small_batch batch;
	small_batch_fill(&batch, 21);
	batch.batch.B = B;
	many.threads = threads;
	many.max_rows = batch.start[B];
	many.max_sequences = B;
	REQUIRE_OK(session_open(&alone, m, &o, &e), &e);
	REQUIRE_OK(session_open(&together, m, &many, &e), &e);
	run_policy(together, &batch.batch, text, &all);
	for (int b = 0; b < B; b++) {
		int start[2];
		struct batch single = small_batch_one(&batch, b, start);
		run_policy(alone, &single, text, &one);
		check_same(text, one.logits, all.logits + b * 3, 3, one.died_at, all.died_at + batch.start[b], start[1]);
	}
	session_close(alone);
	session_close(together);
}

TEST(an_example_gets_the_same_bits_in_any_batch_and_with_any_threads)
{
	static const char *const tables[] = {"avx512", "avx2", "portable"};
	for (int k = 0; k < 3; k++) {
		struct err e = {0};
		if (!kernels_find(tables[k]))
			continue;
		struct model *m = small_model(tables[k], &e);
		REQUIRE(m != NULL);
		for (int i = 0; i < SMALL_POLICIES; i++)
			for (int threads = 1; threads <= 5; threads += 2)
				for (int B = 1; B <= SMALL_B; B++)
					check_company(m, small_policies[i], threads, B);
		model_close(m);
	}
}

/* The kernels of other processors, and OpenBLAS, agree to rounding. */
TEST(all_kernels_give_the_same_logits_to_rounding)
{
	struct err e = {0};
	struct session_options o = {.threads = 2, .max_rows = SMALL_B * SMALL_P};
	static struct small_batch batch;
	float expected[SMALL_B * 3] = {0};
	int tables = 0; /* so far, of those that this processor has */
	small_batch_fill(&batch, 8);
	for (const struct kernels *const *k = kernels_all(); *k; k++) {
		if (!(*k)->is_available())
			continue;
		struct model *m = small_model((*k)->name, &e);
		struct session *s;
		struct trace t;
		REQUIRE(m != NULL);
		REQUIRE_OK(session_open(&s, m, &o, &e), &e);
		run_policy(s, &batch.batch, "none", &t);
		for (int i = 0; i < SMALL_B * 3; i++)
			if (!tables)
				expected[i] = t.logits[i];
			else
				CHECK_NEAR(t.logits[i], expected[i], 1e-6);
		tables++;
		session_close(s);
		model_close(m);
	}
	CHECK(tables > 1);
}

/* Only row 0 of the last layer is computed unless asked otherwise: the logits are the same bits. */
TEST(the_short_last_layer_changes_nothing)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	struct session_options o = {.threads = 2, .max_rows = SMALL_B * SMALL_P, .want = WANT_SOFT}, full = o;
	struct session *a, *b;
	struct trace x, y;
	static struct small_batch batch;
	full.full_last_layer = 1;
	REQUIRE(m != NULL);
	REQUIRE_OK(session_open(&a, m, &o, &e), &e);
	REQUIRE_OK(session_open(&b, m, &full, &e), &e);
	small_batch_fill(&batch, 5);
	for (int i = 0; i < SMALL_POLICIES; i++) {
		run_policy(a, &batch.batch, small_policies[i], &x);
		run_policy(b, &batch.batch, small_policies[i], &y);
		check_same(small_policies[i], x.logits, y.logits, SMALL_B * 3, x.died_at, y.died_at, x.T0);
	}
	session_close(a);
	session_close(b);
	model_close(m);
}

/* Dropped rows under fate=carry stand in the final states as they were when they were dropped. */
TEST(carried_rows_keep_the_state_in_which_they_were_dropped)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	struct session_options o = {.threads = 1, .max_rows = SMALL_B * SMALL_P, .want = WANT_HIDDEN};
	struct session *s;
	struct trace t;
	static struct small_batch batch;
	REQUIRE(m != NULL);
	REQUIRE_OK(session_open(&s, m, &o, &e), &e);
	small_batch_fill(&batch, 9);
	run_policy(s, &batch.batch, "saliency:top=6/3,fate=carry", &t);
	CHECK_INT(t.hidden_start[SMALL_L][SMALL_B], t.T0);
	for (int i = 0; i < t.T0; i++)
		if (t.died_at[i] == 0) {
			const float *input = t.hidden[0] + (size_t)i * t.hidden_stride;
			const float *output = t.hidden[SMALL_L] + (size_t)i * t.hidden_stride;
			CHECK(memcmp(input, output, 36 * sizeof *input) == 0);
		}
	run_policy(s, &batch.batch, "saliency:top=6/3", &t);
	CHECK(t.hidden_start[SMALL_L][SMALL_B] < t.T0);
	session_close(s);
	model_close(m);
}

/* ---- memory --------------------------------------------------------------------------------------------------- */

int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *));
static volatile int allocations, is_counting;

static void count_allocation(const volatile void *p, size_t size)
{
	(void)p, (void)size;
	allocations += is_counting;
}

static void ignore_free(const volatile void *p) { (void)p; }

TEST(a_run_allocates_nothing)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	struct session_options o = {.threads = 2, .max_rows = SMALL_B * SMALL_P};
	struct session *s;
	static struct small_batch batch;
	REQUIRE(m != NULL);
	o.want = WANT_SCORES | WANT_SOFT | WANT_HIDDEN | WANT_ATTENTION | WANT_PROFILE;
	REQUIRE_OK(session_open(&s, m, &o, &e), &e);
	small_batch_fill(&batch, 2);
	CHECK(__sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_free));
	/* The sanitizer itself allocates when the pool's thread starts: let it start first. */
	nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
	for (int i = 0; i < SMALL_POLICIES; i++) {
		struct policy p;
		struct trace t;
		REQUIRE_OK(policy_parse(&p, small_policies[i], &e), &e);
		is_counting = 1;
		int code = session_run(s, &batch.batch, &p, &t, &e);
		is_counting = 0;
		CHECK_INT(code, 0);
	}
	CHECK_INT(allocations, 0);
	is_counting = 1;
	void *volatile one = malloc(1);
	is_counting = 0;
	free(one);
	CHECK_INT(allocations, 1); /* the hook works */
	session_close(s);
	model_close(m);
}

/* ---- bad input ------------------------------------------------------------------------------------------------ */

static const char *refusal(struct session *s, const struct batch *b, const char *text)
{
	static struct err e;
	struct policy p;
	struct trace t;
	e = (struct err){0};
	if (!policy_parse(&p, text, &e))
		session_run(s, b, &p, &t, &e);
	return e.text;
}

TEST(bad_batches_are_refused_and_the_session_goes_on)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	struct session_options o = {.threads = 1, .max_rows = 100, .max_sequences = 2};
	struct session *s;
	struct trace t;
	int start[4] = {0, 3, 6, 9}, ids[100] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, type_ids[100] = {0};
	struct batch b = {.B = 2, .start = start, .ids = ids, .type_ids = type_ids};
	REQUIRE(m != NULL);
	REQUIRE_OK(session_open(&s, m, &o, &e), &e);
	CHECK_STR(refusal(s, &b, "none"), "");
	b.B = 3;
	CHECK_CONTAINS(refusal(s, &b, "none"), "a batch of 3 sequences");
	b.B = 2;
	ids[4] = SMALL_V;
	CHECK_CONTAINS(refusal(s, &b, "none"), "token id 97 at row 4");
	ids[4] = -1;
	CHECK_CONTAINS(refusal(s, &b, "none"), "token id -1 at row 4");
	ids[4] = 4;
	type_ids[5] = 2;
	CHECK_CONTAINS(refusal(s, &b, "none"), "type id 2 at row 5");
	type_ids[5] = 0;
	start[1] = 0;
	CHECK_CONTAINS(refusal(s, &b, "none"), "sequence 0 has 0 tokens");
	start[1] = 3;
	start[2] = 99;
	CHECK_CONTAINS(refusal(s, &b, "none"), "sequence 1 has 96 tokens");
	start[1] = 50, start[2] = 101;
	CHECK_CONTAINS(refusal(s, &b, "none"), "a batch of 101 tokens");
	start[1] = 3, start[2] = 6;
	CHECK_CONTAINS(refusal(s, &b, "saliency"), "needs scores");
	CHECK_CONTAINS(refusal(s, &b, "adapler:replay"), "needs counts");
	CHECK_CONTAINS(refusal(s, &b, "adapler:keep=.9/.8/.7/.6/.5"), "values for 5 layers");
	CHECK_CONTAINS(refusal(s, &b, "adapler:lambda=10"), "WANT_SOFT");
	float scores[6] = {0, 1, 2, NAN, 4, 5};
	b.scores = scores;
	CHECK_CONTAINS(refusal(s, &b, "saliency"), "score of row 3 is not finite");
	run_policy(s, &b, "none", &t);
	session_close(s);
	model_close(m);
}

TEST(logits_that_overflow_are_an_error_and_not_a_label)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	struct session_options o = {.threads = 1, .max_rows = 10, .max_sequences = 2};
	struct session *s;
	float embeddings[3 * 36] = {0};
	int start[2] = {0, 3};
	struct batch b = {.B = 1, .start = start, .embeddings = embeddings};
	REQUIRE(m != NULL);
	REQUIRE_OK(session_open(&s, m, &o, &e), &e);
	CHECK_STR(refusal(s, &b, "none"), "");
	embeddings[5] = NAN;
	CHECK_CONTAINS(refusal(s, &b, "none"), "of sequence 0 is not finite");
	CHECK_CONTAINS(refusal(s, &b, "random:first=4"), "begins at layer 4, the model has 4");
	session_close(s);
	model_close(m);
}

TEST(sessions_out_of_range_are_refused)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	struct session *s;
	struct session_options o = {.threads = -1};
	REQUIRE(m != NULL);
	CHECK_INT(session_open(&s, m, &o, &e), ERR_LIMIT);
	CHECK(s == NULL);
	CHECK(small_model("sse9", &e) == NULL);
	model_close(m);
}

/* Every query's probabilities sum to 1; their mean by key is the attention received, row 0 is [CLS]'s. */
static void check_maps(const struct trace *t, int l)
{
	const float *map = t->maps[l];
	for (int b = 0; b < t->B; b++) {
		const int begin = t->layer_start[l][b], n = t->layer_start[l][b + 1] - begin;
		for (int k = 0; k < n; k++) {
			double sum = 0, received = 0;
			for (int j = 0; j < n; j++) {
				sum += (double)map[k * n + j];
				received += (double)map[j * n + k] / n;
			}
			CHECK_NEAR(sum, 1, 1e-5);
			CHECK_NEAR(t->received[l][begin + k], received, 1e-6);
			CHECK_NEAR(t->from_cls[l][begin + k], map[k], 1e-6);
		}
		map += n * n;
	}
}

TEST(attention_maps_agree_with_what_is_summed_up_of_them)
{
	struct err e = {0};
	struct model *m = small_model(NULL, &e);
	struct session_options o = {
		.threads = 2, .max_rows = SMALL_B * SMALL_P, .want = WANT_MAPS | WANT_ATTENTION | WANT_SOFT};
	struct session *s;
	struct trace t;
	static struct small_batch batch;
	static const char *const policies[] = {"none", "adapler:keep=0.7/0.5/0.3/0.2", "adapler:lambda=100,eta=1"};
	REQUIRE(m != NULL);
	small_batch_fill(&batch, 5);
	REQUIRE_OK(session_open(&s, m, &o, &e), &e);
	for (int i = 0; i < 3; i++) {
		run_policy(s, &batch.batch, policies[i], &t);
		for (int l = 0; l < SMALL_L; l++)
			check_maps(&t, l);
	}
	session_close(s);
	model_close(m);
}
