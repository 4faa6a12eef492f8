/* A model that has learnt nothing yet. */
#ifndef ADAPLER_INIT_H
#define ADAPLER_INIT_H

#include "weights.h"

/* One tensor as BERT starts it: matrices normal(0, initializer_range), drawn from (seed, the tensor's name), the padding
 * piece's row zero; norms 1 and 0; biases 0; eta 0.25, theta 1. */
void init_tensor(float *out, const struct weight_info *info, const struct config *c, uint64_t seed);
/* How positions begin: drawn as everything else, or as sinusoids of as large a root mean square (Vaswani et al. 2017),
 * from which a small model learns sooner to look at neighbours. They are learnt either way. */
enum init_positions { POSITIONS_NORMAL, POSITIONS_SINUSOID };
void init_sinusoids(float *out /* [P,H] */, const struct config *c);

/* Every tensor of a classifier of this config into a safetensors file. */
int init_write(const struct config *c, uint64_t seed, enum init_positions positions, enum dtype d, const char *path,
               struct err *e);

#endif
