/* A study: documents, models and methods put together; and its runs in a store. */
#include "small_eraser.h"

#include "../eraser/study_runs.h"

#include <math.h>

static int open_study(struct study *s, struct small_eraser *data, struct study_options o)
{
	struct err e = {0};
	if (!small_eraser_open(data, NULL))
		return 0;
	o.explain.model = data->model;
	o.explain.policy = "adapler:keep=0.7/0.5/0.3";
	o.explain.threads = 1;
	o.data = data->data;
	o.split = "test";
	return CHECK_OK(study_open(s, &o, &e), &e);
}

static const double thresholds[] = {0, 0.5};
static const struct study_options plain = {
	.explain = {.methods = 1u << METHOD_CP | 1u << METHOD_SALIENCY}, .threshold = thresholds, .thresholds = 2};

TEST(a_study_knows_its_data)
{
	struct study s;
	struct small_eraser data;
	char sha[65];
	int gold;
	struct err e = {0};
	REQUIRE(open_study(&s, &data, plain));
	CHECK_STR(s.name, "data");
	CHECK_INT(s.count, 3);
	CHECK_INT(s.rationales, 2);
	CHECK_NEAR(s.mean_share, (4.0 / 11 + 6.0 / 20) / 2, 1e-12);
	CHECK(s.options.explain.methods & 1u << METHOD_KEPT); /* its budgets are needed */
	CHECK_OK(study_gold(&s, &s.instances.annotations.item[2], &gold, &e), &e);
	CHECK_INT(gold, 2);
	memcpy(sha, s.data_sha, sizeof sha);
	study_close(&s);
	small_eraser_close(&data);
	REQUIRE(open_study(&s, &data, (struct study_options){.explain = plain.explain, .limit = 2}));
	CHECK(strcmp(sha, s.data_sha) != 0);
	study_close(&s);
	small_eraser_close(&data);
}

TEST(budgets_are_what_lives_in_each_window)
{
	struct study s;
	struct small_eraser data;
	struct study_documents x;
	struct err e = {0};
	REQUIRE(open_study(&s, &data, plain));
	REQUIRE_OK(study_explain(&s, 0, 3, &x, &e), &e);
	for (int i = 0; i < 3; i++) {
		const struct rationale_document *d = &x.document[METHOD_SALIENCY][i], *kept = &x.document[METHOD_KEPT][i];
		CHECK_INT(d->window[d->windows], d->tokens);
		for (int w = 0; w < d->windows; w++)
			for (int l = 0; l < 3; l++) {
				int alive = 0;
				for (int t = d->window[w]; t < d->window[w + 1]; t++)
					alive += kept->score[t] > (float)l;
				CHECK_INT(d->budget[w * 3 + l], alive);
			}
		for (int k = 0; k < 2; k++)
			CHECK(d->removed[k] > 0 && d->removed[k] < 1 && d->alone[k] > 0 && d->alone[k] < 1);
	}
	CHECK(x.document[METHOD_CP][2].spans == 2 && x.document[METHOD_CP][1].spans == 0);
	CHECK(x.document[METHOD_CP][0].gold == 1 && x.document[METHOD_CP][1].gold == 0);
	study_documents_close(&x);
	study_close(&s);
	small_eraser_close(&data);
}

TEST(runs_are_found_again_and_finished_once)
{
	struct study s;
	struct small_eraser data;
	struct study_documents x;
	struct study_runs r;
	struct err e = {0};
	REQUIRE(open_study(&s, &data, plain));
	REQUIRE_OK(study_runs_open(&r, &s, test_path("runs.db"), &e), &e);
	CHECK_INT(study_runs_missing(&r), 0);
	REQUIRE_OK(study_explain(&s, 0, 2, &x, &e), &e);
	REQUIRE_OK(study_runs_add(&r, &x, 0, &e), &e);
	study_documents_close(&x);
	study_runs_close(&r); /* as if it had been killed here */
	REQUIRE_OK(study_runs_open(&r, &s, test_path("runs.db"), &e), &e);
	CHECK_INT(study_runs_missing(&r), 2);
	REQUIRE_OK(study_explain(&s, 1, 2, &x, &e), &e); /* one of them again */
	REQUIRE_OK(study_runs_add(&r, &x, 1, &e), &e);
	study_documents_close(&x);
	REQUIRE_OK(study_runs_finish(&r, &e), &e);
	CHECK_INT(r.run[METHOD_CP].facts.n, 3);
	study_runs_close(&r);
	REQUIRE_OK(study_runs_open(&r, &s, test_path("runs.db"), &e), &e);
	CHECK(r.run[METHOD_CP].is_finished && r.run[METHOD_KEPT].is_finished);
	CHECK_INT(study_runs_missing(&r), 3);
	study_runs_close(&r);
	study_close(&s);
	small_eraser_close(&data);
}
