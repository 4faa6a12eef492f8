/* Soft removal: method.md, "Forward, soft removal (training)". Rows stay; every key gets a bias that grows with lambda
 * until the row is out of the attention. Double throughout: lambda reaches 1e20.
 *
 * Two recursions share the step: the forward's own, whose scores are rescaled by the mask, and the one that weights the
 * saliency in the loss, whose scores are not (and which has no key bias). */
#ifndef ADAPLER_SOFT_H
#define ADAPLER_SOFT_H

/* One layer's step for one sequence of n rows. Row 0 ([CLS]) is never removed: its mask is 1 by definition and its entry
 * is not read. Outputs may be the inputs. */
struct soft_step {
	int n;
	double eta, lambda;
	int is_rescaled;     /* scores * [1, u_1..], renormalised, before they meet the threshold */
	const double *score; /* [n] softmax over all n rows */
	const double *mask;  /* [n] u on entry */
	const double *bias;  /* [n] the keys' bias on entry; NULL: none is kept */
	double length;       /* 1 + sum of u on entry */
	double *rescaled;    /* [n] the scores that met the threshold; NULL: not wanted */
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
	double *score;   /* [n] += */
	double eta;      /* += */
	double *scratch; /* [n] */
};

void soft_backward(const struct soft_step *s, struct soft_gradient *g);

#endif
