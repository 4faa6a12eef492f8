/* Weights that Keras saved as .h5: transformers' TFBert and TFDistilBert, and the published AdapLeR code.
 *
 * Names and layout are turned into Hugging Face's for PyTorch: dense kernels are [in,out] there and transposed, layers
 * are "layer_._0", contribution predictors "exp_head_pre_1" and "exp_head_1" (counted from 1), ETA and THETA. */
#ifndef ADAPLER_HDF5_H
#define ADAPLER_HDF5_H

#include "checkpoint.h"

struct hdf5_file;

/* Takes what `c`'s list of tensors has a place for, whatever groups it lies in. The checkpoint borrows from the
 * hdf5_file, which must be closed after it. Built without libhdf5: ERR_UNSUPPORTED. */
int hdf5_open(struct hdf5_file **f, struct checkpoint **checkpoint, const char *path, const struct config *c,
              struct err *e);
void hdf5_close(struct hdf5_file *f);

#endif
