#include "../engine/base/err.h"
#include "../eval/lbfgs.h"
#include "test.h"

#include <math.h>

/* sum (i+1) (x_i - i)^2 */
static double bowl(void *context, const double *x, double *g, size_t n)
{
	double value = 0;
	(void)context;
	for (size_t i = 0; i < n; i++) {
		double a = (double)i + 1, d = x[i] - (double)i;
		value += a * d * d;
		g[i] = 2 * a * d;
	}
	return value;
}

/* Rosenbrock's valley, lowest at (1, 1). */
static double valley(void *context, const double *x, double *g, size_t n)
{
	double a = 1 - x[0], b = x[1] - x[0] * x[0];
	++*(int *)context;
	g[0] = -2 * a - 400 * x[0] * b;
	g[1] = 200 * b;
	return n == 2 ? a * a + 100 * b * b : NAN;
}

TEST(the_bottom_of_a_bowl_is_found)
{
	double x[20] = {0};
	struct lbfgs_result r;
	struct err e = {0};
	CHECK_OK(lbfgs_minimise(x, 20, bowl, NULL, &(struct lbfgs_options){.tolerance = 1e-10}, &r, &e), &e);
	CHECK(r.converged);
	for (int i = 0; i < 20; i++)
		CHECK_NEAR(x[i], i, 1e-6);
}

TEST(a_curved_valley_is_followed)
{
	double x[2] = {-1.2, 1};
	int calls = 0;
	struct lbfgs_result r;
	struct err e = {0};
	CHECK_OK(lbfgs_minimise(x, 2, valley, &calls, &(struct lbfgs_options){.tolerance = 1e-9}, &r, &e), &e);
	CHECK_NEAR(x[0], 1, 1e-6);
	CHECK_NEAR(x[1], 1, 1e-6);
	CHECK_INT(r.evaluations, calls);
}

TEST(iterations_are_bounded)
{
	double x[2] = {-1.2, 1};
	int calls = 0;
	struct lbfgs_result r;
	struct err e = {0};
	CHECK_OK(lbfgs_minimise(x, 2, valley, &calls, &(struct lbfgs_options){.iterations = 3}, &r, &e), &e);
	CHECK_INT(r.iterations, 3);
	CHECK(!r.converged);
}

static int at_once(void) { return 1; }

TEST(it_stops_when_asked)
{
	double x[2] = {-1.2, 1};
	int calls = 0;
	struct lbfgs_result r;
	struct err e = {0};
	CHECK_INT(lbfgs_minimise(x, 2, valley, &calls, &(struct lbfgs_options){.stop = at_once}, &r, &e), ERR_INTERRUPTED);
}

TEST(a_start_at_the_bottom_stays_there)
{
	double x[3] = {0, 1, 2};
	struct lbfgs_result r;
	struct err e = {0};
	CHECK_OK(lbfgs_minimise(x, 3, bowl, NULL, NULL, &r, &e), &e);
	CHECK(r.converged && r.iterations == 0 && x[2] == 2);
}
