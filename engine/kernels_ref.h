/* The naive twin of every kernel: double precision, one loop per formula, nothing clever. The tests hold the fast
 * tables against it. A product reads `rows` of the linear map, or its panels where rows is NULL. */
#ifndef ADAPLER_KERNELS_REF_H
#define ADAPLER_KERNELS_REF_H

#include "kernels.h"

/* A table like the others, named "reference"; kernels_find does not offer it. */
extern const struct kernels kernels_reference;

double activation_ref(double z, enum activation act);

#endif
