/* GFLOP/s of the kernels: products by shape and rows, attention by length, and the gradients of both; every table in turn, so that a busy machine
 * hits all alike. Calls go round many copies of the weights, so that these come from memory, as a model's do; with a
 * second argument of 12 they come from the third-level cache.
 *   bench_kernels [SECONDS a cell [MB of weights]] */
#include "../engine/base/arena.h"
#include "../engine/base/clock.h"
#include "../engine/base/err.h"
#include "../engine/kernels.h"

#include <stdio.h>
#include <stdlib.h>

enum { TABLES_MAX = 8, COPIES_MAX = 512 };

static const int shapes[][2] = {{768, 768},  {768, 2304}, {768, 3072}, {3072, 768}, {256, 768},
                                {256, 1024}, {1024, 256}, {384, 1536}, {1536, 384}};
static const int row_counts[] = {1, 2, 4, 8, 16, 32, 64, 128, 512};
static const int lengths[] = {8, 16, 32, 64, 128, 256, 512};
static const int grad_shapes[][2] = {{256, 256}, {256, 1024}, {1024, 256}, {768, 768}, {768, 3072}, {256, 12000}};
static const int grad_rows[] = {512, 4096};

struct cell {
	int T, K, N, copies;
	float *x, *y, *grad, *lse, *bias, *panels, *rows, *scratch;
	size_t x_stride, y_stride, copy_panels, copy_rows;
};

static void layout(struct cell *c, struct arena *a)
{
	c->x = ARENA_TAKE(a, (size_t)c->T * c->x_stride, float);
	c->y = ARENA_TAKE(a, (size_t)c->T * c->y_stride, float);
	c->bias = ARENA_TAKE(a, (size_t)panel_count(c->N) * PANEL, float);
	c->panels = ARENA_TAKE(a, c->copy_panels * (size_t)c->copies, float);
	c->rows = ARENA_TAKE(a, c->copy_rows * (size_t)c->copies, float);
	c->grad = ARENA_TAKE(a, (size_t)c->T * c->x_stride, float);
	c->lse = ARENA_TAKE(a, c->T, float);
	c->scratch = ARENA_TAKE(a, attention_scratch(c->T, 64) + attention_grad_scratch(c->T, 64), float);
}

static void cell_open(struct cell *c, struct arena *a, int T, int K, int N, double bytes)
{
	*c = (struct cell){.T = T, .K = K, .N = N, .x_stride = row_stride(K), .y_stride = row_stride(N)};
	c->copy_panels = (size_t)panel_count(N) * PANEL * (size_t)K;
	c->copy_rows = (size_t)N * (size_t)K;
	c->copies = 1 + (int)(bytes / (double)(c->copy_panels * sizeof(float)));
	c->copies = c->copies > COPIES_MAX ? COPIES_MAX : c->copies;
	*a = (struct arena){0};
	struct err e = {0};
	layout(c, a);
	if (arena_open(a, &e)) {
		fputs("bench_kernels: not enough memory\n", stderr);
		exit(1);
	}
	layout(c, a);
	for (size_t i = 0; i < (size_t)T * c->x_stride; i++)
		c->x[i] = (float)(i * 7919 % 1000) / 500.0f - 1.0f;
	for (size_t i = 0; i < c->copy_rows * (size_t)c->copies; i++)
		c->rows[i] = (float)(i % 8191) / 4096.0f - 1.0f;
	for (int i = 0; i < c->copies; i++)
		linear_pack(c->panels + c->copy_panels * (size_t)i, K, 0, c->rows + c->copy_rows * (size_t)i, N);
}

static void run_product(const struct kernels *k, const struct cell *c, int call)
{
	size_t copy = (size_t)(call % c->copies);
	struct linear w = {.K = c->K,
	                   .N = c->N,
	                   .bias = c->bias,
	                   .panels = c->panels + c->copy_panels * copy,
	                   .rows = c->rows + c->copy_rows * copy};
	struct product p = {.x = c->x, .x_stride = c->x_stride, .y = c->y, .y_stride = c->y_stride, .w = &w};
	k->product(&p, 0, c->T, 0, panel_count(c->N));
}

/* One of 12 heads of K/3/12 from rows that hold query, key and value. */
static struct attention head_of(const struct cell *c, int h)
{
	int H = c->K / 3, D = H / 12;
	const float *q = c->x + h * D;
	return (struct attention){.q = q,
	                          .k = q + H,
	                          .v = q + 2 * H,
	                          .n = c->T,
	                          .D = D,
	                          .q_stride = c->x_stride,
	                          .k_stride = c->x_stride,
	                          .v_stride = c->x_stride,
	                          .out = c->y + h * D,
	                          .out_stride = c->y_stride,
	                          .lse = c->lse};
}

static void run_attention(const struct kernels *k, const struct cell *c, int call)
{
	(void)call;
	for (int h = 0; h < 12; h++) {
		struct attention a = head_of(c, h);
		k->attention(&a, 0, c->T, c->scratch);
	}
}

/* The forward's outputs stand in for their own gradient. */
static void run_attention_grad(const struct kernels *k, const struct cell *c, int call)
{
	int H = c->K / 3;
	(void)call;
	for (int h = 0; h < 12; h++) {
		struct attention_grad a = {.forward = head_of(c, h), .dq_stride = c->x_stride};
		a.queries = a.forward.n;
		a.dout = a.forward.out;
		a.dout_stride = c->y_stride;
		a.dk_stride = a.dv_stride = c->x_stride;
		a.dq = c->grad + h * a.forward.D;
		a.dk = a.dq + H;
		a.dv = a.dk + H;
		k->attention_grad(&a, c->scratch);
	}
}

static void run_weight_grad(const struct kernels *k, const struct cell *c, int call)
{
	struct weight_grad g = {.dy = c->y,
	                        .dy_stride = c->y_stride,
	                        .x = c->x,
	                        .x_stride = c->x_stride,
	                        .dw = c->rows + c->copy_rows * (size_t)(call % c->copies),
	                        .dw_stride = (size_t)c->K,
	                        .T = c->T,
	                        .N = c->N,
	                        .K = c->K};
	k->weight_grad(&g, 0, c->N);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Prints the median rate of every table and, in brackets, that of its fastest twentieth. */
static void measure(const struct cell *c, double flop, double seconds,
                    void (*run)(const struct kernels *, const struct cell *, int))
{
	static double taken[TABLES_MAX][4096];
	const struct kernels *const *all = kernels_all();
	int calls = 0;
	for (int64_t start = clock_ns(); calls < 4096 && (calls < 5 || (double)(clock_ns() - start) < seconds * 1e9);
	     calls++)
		for (int i = 0; all[i]; i++)
			if (kernels_find(all[i]->name)) {
				int64_t before = clock_ns();
				run(all[i], c, calls * TABLES_MAX + i);
				taken[i][calls] = (double)(clock_ns() - before);
			}
	for (int i = 0; all[i]; i++) {
		qsort(taken[i], (size_t)calls, sizeof(double), by_value);
		if (kernels_find(all[i]->name))
			printf("  %s %6.1f (%5.1f)", all[i]->name, flop / taken[i][calls / 2], flop / taken[i][calls / 20]);
	}
	putchar('\n');
	fflush(stdout);
}

static void bench_products(double seconds, double bytes)
{
	struct cell c;
	struct arena a;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		for (size_t j = 0; j < sizeof row_counts / sizeof *row_counts; j++) {
			cell_open(&c, &a, row_counts[j], shapes[i][0], shapes[i][1], bytes);
			printf("product K %4d N %4d M %3d", c.K, c.N, c.T);
			measure(&c, 2.0 * c.T * c.K * c.N, seconds, run_product);
			arena_close(&a);
		}
	for (size_t i = 0; i < sizeof grad_shapes / sizeof *grad_shapes; i++)
		for (size_t j = 0; j < sizeof grad_rows / sizeof *grad_rows; j++) {
			cell_open(&c, &a, grad_rows[j], grad_shapes[i][0], grad_shapes[i][1], 0.0);
			printf("weight_grad K %4d N %5d T %4d", c.K, c.N, c.T);
			measure(&c, 2.0 * c.T * c.K * c.N, seconds, run_weight_grad);
			arena_close(&a);
		}
}

static void bench_attention(double seconds)
{
	struct cell c;
	struct arena a;
	for (int D = 32; D <= 64; D += 32)
		for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
			cell_open(&c, &a, lengths[j], 3 * 12 * D, 12 * D, 0.0);
			printf("attention 12 heads of %d, n %3d", D, c.T);
			measure(&c, 12.0 * 4.0 * c.T * c.T * D, seconds, run_attention);
			printf("attention_grad 12 heads of %d, n %3d", D, c.T);
			measure(&c, 12.0 * 10.0 * c.T * c.T * D, seconds, run_attention_grad);
			arena_close(&a);
		}
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0.3, bytes = (argc > 2 ? atof(argv[2]) : 160.0) * 1e6;
	bench_products(seconds, bytes);
	bench_attention(seconds);
	return 0;
}
