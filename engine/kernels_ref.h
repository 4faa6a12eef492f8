/* The naive twin of every kernel: double precision, one loop per formula, nothing clever. The tests hold the fast
 * tables against it. A product reads `rows` of the linear map, or its panels where rows is NULL. */
#ifndef ADAPLER_KERNELS_REF_H
#define ADAPLER_KERNELS_REF_H

#include "kernels.h"

/* A table like the others, named "reference"; kernels_find does not offer it. */
extern const struct kernels kernels_reference;

double activation_ref(double z, enum activation act);
double activation_grad_ref(double z, enum activation act);
/* Whether element i of a row of n is kept; always without bits. */
int is_kept_ref(const uint16_t *bits, int n, int row, int i);

/* Training's part of the table (kernels_grad_ref.c). */
void weight_grad_ref(const struct weight_grad *g, int n0, int n1);
void column_sums_ref(float *out, const float *x, size_t x_stride, int T, int n0, int n1);
void layernorm_grad_ref(float *dx, size_t dx_stride, float *dg, float *db, const float *dy, size_t dy_stride,
                        const float *x, size_t x_stride, const float *g, double eps, int rows, int H);
void activation_rows_ref(float *a, size_t a_stride, const float *z, size_t z_stride, enum activation act, int rows,
                         int n);
void activation_grad_rows_ref(float *dz, size_t dz_stride, float *a, size_t a_stride, const float *da, size_t da_stride,
                              const float *z, size_t z_stride, enum activation act, int rows, int n);
void dropout_bits_ref(uint16_t *bits, int rows, int n, uint64_t seed, uint64_t stream, uint64_t first_row,
                      uint32_t threshold);
void dropout_ref(float *y, size_t y_stride, const float *x, size_t x_stride, const float *residual,
                 size_t residual_stride, const uint16_t *bits, float scale, int rows, int n);
void attention_grad_ref(const struct attention_grad *a, float *scratch);
void adam_ref(float *w, const float *g, float *m, float *v, size_t n, const struct adam *a);
double square_sum_ref(const float *x, size_t n);
double softmax_loss_ref(float *z, int n, int label, float weight);

#endif
