/* What becomes of the predicted class when the tokens on top are taken away, and when they are left alone. */
#ifndef ADAPLER_ERASER_PERTURB_H
#define ADAPLER_ERASER_PERTURB_H

#include "../eval/rationale.h"
#include "inputs.h"
#include "instances.h"

/* Fills d->removed and d->alone [layers,thresholds] with the probability of d->pred. At threshold q the ceil(q tokens)
 * (with `floors`: the whole part) with the highest scores are on top, ties to the earlier; what remains keeps its order.
 * All texts of a layer go through the model as ragged batches. A document's windows stay what they were; each weighs what
 * it weighed. `in` is scratch, with its mask. */
int perturb(const struct rationale_facts *f, struct rationale_document *d, const struct instance *x, struct runner *r,
            struct inputs *in, int floors, struct err *e);

#endif
