/* Soft removal: method.md, "Forward, soft removal (training)". Rows stay; every key gets a bias that grows with lambda
 * until the row is out of the attention. */
#ifndef ADAPLER_SOFT_H
#define ADAPLER_SOFT_H

/* The state of one sequence through the layers. */
struct soft {
	int n;
	double *mask;    /* u [n]: 0 for [CLS], from 1 towards 0 for the others */
	float *key_bias; /* [n]: the sum of m over the layers so far, not below -10000 */
	double length;   /* 1 + sum of u */
};

void soft_begin(struct soft *s);
/* One layer's step. score [n]: softmax over all n rows on entry, rescaled by the mask and renormalised on return. */
void soft_step(struct soft *s, float *score, double eta, double lambda);

#endif
