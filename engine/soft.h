/* Soft removal: method.md, "Forward, soft removal (training)". Rows stay; every key gets a bias that grows with lambda
 * until the row is out of the attention. Double throughout: lambda reaches 1e20.
 *
 * Each layer's scores are first rescaled by the mask. Two recursions then share one step: the forward's own, which keeps
 * the keys' bias, and the one that weights the saliency in the loss. In both, row 0 ([CLS]) is never removed: its mask is
 * 1 by definition and its entry is not read. */
#ifndef ADAPLER_SOFT_H
#define ADAPLER_SOFT_H

/* out [n] = score * [1, u_1..], renormalised; out may be the scores. */
void soft_rescale(double *out, const double *score, const double *mask, int n);
/* by_out [n]: the derivatives by `rescaled`, what came of it. by_score is set (and may be by_out), by_mask added to. */
void soft_rescale_backward(double *by_score, double *by_mask, const double *by_out, const double *rescaled,
                           const double *score, const double *mask, int n);

/* One layer's step for one sequence of n rows. Outputs may be the inputs. */
struct soft_step {
	int n;
	double eta, lambda;
	const double *score; /* [n] rescaled */
	const double *mask;  /* [n] u on entry */
	const double *bias;  /* [n] the keys' bias on entry; NULL: none is kept */
	double length;       /* 1 + sum of u on entry */
	double *mask_out;    /* [n] */
	double *bias_out;    /* [n] */
	double length_out;   /* set by soft_forward */
};

void soft_forward(struct soft_step *s);

/* The step backwards. On entry mask, bias and length hold the loss's derivatives by what left the step, on return by
 * what entered it; score and eta are added to. */
struct soft_gradient {
	double *mask; /* [n] */
	double *bias; /* [n]; NULL with a NULL bias of the step */
	double length;
	double *score; /* [n] += */
	double eta;    /* += */
};

void soft_backward(const struct soft_step *s, struct soft_gradient *g);

#endif
