#include "../eval/pareto.h"

#include "small_facts.h"

#include "../engine/base/err.h"

enum { N = 100 };

static const char *const accuracy[] = {"accuracy", NULL};

/* The first `right` of a hundred examples are right; each takes 1000 / speedup FLOPs. */
static struct facts made(int right, double speedup)
{
	struct facts f = small_facts_blank(N, 2, accuracy, "none", 0);
	for (int i = 0; i < N; i++) {
		f.gold[i] = i % 2;
		small_facts_predict(&f, i, i < right ? i % 2 : 1 - i % 2, 3);
		f.dense_flops[i] = 1000000;
		f.flops[i] = (int64_t)(1000000 / speedup + 0.5);
	}
	return f;
}

enum { MOST = 6 };

struct made_points {
	struct facts facts[MOST];
	struct pareto_point point[MOST];
	int run[MOST], count;
};

static void add_point(struct made_points *m, int right, double speedup)
{
	const int i = m->count++;
	m->facts[i] = made(right, speedup);
	m->run[i] = i;
	m->point[i] = (struct pareto_point){.label = "p", .runs = 1, .run = &m->run[i]};
}

static void weigh(struct made_points *m, double within, int dense, struct pareto *out)
{
	struct err e = {0};
	const struct pareto_input in = {.facts = m->facts, .count = m->count, .within = within};
	CHECK_OK(pareto(out, m->point, m->count, &in, dense, &e), &e);
}

static void close_points(struct made_points *m)
{
	for (int i = 0; i < m->count; i++)
		facts_close(&m->facts[i]);
}

TEST(points_that_another_beats_are_off_the_frontier_and_say_by_which)
{
	struct made_points m = {.count = 0};
	struct pareto out;
	add_point(&m, 90, 1);
	add_point(&m, 88, 2);
	add_point(&m, 80, 1.5); /* by 1, which is better than 3 */
	add_point(&m, 82, 4);
	add_point(&m, 82, 3); /* as good as 3, and slower */
	weigh(&m, 0.01, 0, &out);
	CHECK_INT(m.point[0].dominated_by, -1);
	CHECK_INT(m.point[1].dominated_by, -1);
	CHECK_INT(m.point[2].dominated_by, 1);
	CHECK_INT(m.point[3].dominated_by, -1);
	CHECK_INT(m.point[4].dominated_by, 3);
	CHECK_NEAR(m.point[3].quality, 0.82, 1e-12);
	CHECK_NEAR(m.point[3].speedup, 4, 1e-12);
	CHECK(isnan(m.point[3].quality_sd));
	close_points(&m);
}

TEST(equal_points_are_both_on_the_frontier)
{
	struct made_points m = {.count = 0};
	struct pareto out;
	add_point(&m, 90, 2);
	add_point(&m, 90, 2);
	weigh(&m, 0, 0, &out);
	CHECK(m.point[0].dominated_by == -1 && m.point[1].dominated_by == -1);
	CHECK_INT(out.fastest, 0);
	close_points(&m);
}

TEST(the_fastest_within_a_loss_counts_at_the_boundary)
{
	struct made_points m = {.count = 0};
	struct pareto out;
	add_point(&m, 85, 1);
	add_point(&m, 84, 3); /* 0.85 - 0.01, which is above 0.84 in binary */
	add_point(&m, 83, 5);
	weigh(&m, 0.01, 0, &out);
	CHECK_INT(out.fastest, 1);
	CHECK_NEAR(out.speedup, 3, 1e-5);
	CHECK(out.speedup_lo <= 3 && out.speedup_hi >= 3 - 1e-5);
	weigh(&m, 0.009, 0, &out);
	CHECK_INT(out.fastest, 0);
	weigh(&m, 0.02, 0, &out);
	CHECK_INT(out.fastest, 2);
	close_points(&m);
}

/* Quality 0.9 up to speedup 2, then 0.8 up to 8: (0.9 ln 2 + 0.8 ln 4) / ln 8 = 0.9 / 3 + 0.8 * 2 / 3. */
TEST(the_area_is_the_mean_height_of_the_staircase_over_log_speedup)
{
	struct made_points m = {.count = 0};
	struct pareto out;
	add_point(&m, 85, 1); /* below the step of 0.9, which holds from 1 on */
	add_point(&m, 90, 2);
	add_point(&m, 80, 8);
	add_point(&m, 70, 5); /* under the stairs */
	weigh(&m, 0.01, 0, &out);
	CHECK_NEAR(out.area, 0.9 / 3 + 0.8 * 2 / 3, 1e-9);
	CHECK(out.area_lo < out.area && out.area < out.area_hi);
	close_points(&m);
	m = (struct made_points){.count = 0};
	add_point(&m, 85, 1);
	weigh(&m, 0.01, 0, &out);
	CHECK(isnan(out.area));
	close_points(&m);
}

TEST(runs_of_one_point_are_averaged_and_spread)
{
	struct made_points m = {.count = 0};
	struct pareto out;
	add_point(&m, 80, 2);
	add_point(&m, 90, 4);
	m.point[0].runs = 2;
	m.count = 1;
	struct err e = {0};
	const struct pareto_input in = {.facts = m.facts, .count = 2, .within = 0.01};
	REQUIRE_OK(pareto(&out, m.point, 1, &in, 0, &e), &e);
	CHECK_NEAR(m.point[0].quality, 0.85, 1e-12);
	CHECK_NEAR(m.point[0].quality_sd, sqrt(0.005), 1e-12);
	CHECK_NEAR(m.point[0].speedup, 3, 1e-12);
	CHECK_NEAR(m.point[0].speedup_sd, sqrt(2), 1e-12);
	m.count = 2;
	close_points(&m);
}

TEST(resamples_say_how_surely_a_point_is_on_the_frontier)
{
	struct made_points m = {.count = 0};
	struct pareto out, again;
	add_point(&m, 90, 1);
	add_point(&m, 95, 2); /* right wherever the first is */
	add_point(&m, 20, 1.5);
	weigh(&m, 0.01, 0, &out);
	CHECK_NEAR(m.point[0].frontier_share, 0, 0);
	CHECK_NEAR(m.point[1].frontier_share, 1, 0);
	CHECK_NEAR(m.point[2].frontier_share, 0, 0);
	weigh(&m, 0.01, 0, &again);
	CHECK(out.area_lo == again.area_lo && out.speedup_hi == again.speedup_hi);
	close_points(&m);
}

TEST(speedups_that_are_given_are_taken_as_they_are)
{
	struct made_points m = {.count = 0};
	struct pareto out;
	struct err e = {0};
	const double speedup[] = {1, 1.7};
	add_point(&m, 90, 1);
	add_point(&m, 90, 5);
	const struct pareto_input in = {.facts = m.facts, .count = 2, .within = 0.01, .speedup = speedup};
	REQUIRE_OK(pareto(&out, m.point, 2, &in, 0, &e), &e);
	CHECK_NEAR(out.speedup, 1.7, 0);
	CHECK_NEAR(out.speedup_lo, 1.7, 0);
	close_points(&m);
}

TEST(other_examples_and_no_labels_are_refused)
{
	struct made_points m = {.count = 0};
	struct pareto out;
	add_point(&m, 90, 1);
	add_point(&m, 80, 2);
	const struct pareto_input in = {.facts = m.facts, .count = 2, .within = 0.01};
	struct err e = {0}, labels = {0};
	m.facts[1].gold[7] ^= 1;
	CHECK_INT(pareto(&out, m.point, 2, &in, 0, &e), ERR_MISMATCH);
	CHECK_CONTAINS(e.text, "they differ at example 7");
	m.facts[0].gold[7] = m.facts[1].gold[7] = -1;
	CHECK_INT(pareto(&out, m.point, 2, &in, 0, &labels), ERR_USAGE);
	CHECK_CONTAINS(labels.text, "without labels");
	close_points(&m);
}
