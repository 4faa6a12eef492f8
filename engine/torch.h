/* pytorch_model.bin: what torch.save makes of a state dict since torch 1.6, a zip archive with a pickle in it. */
#ifndef ADAPLER_TORCH_H
#define ADAPLER_TORCH_H

#include "checkpoint.h"

struct torch_file;

/* `path`: a .bin (.pt, .pth) file, or pytorch_model.bin.index.json with its shards beside it. The checkpoint borrows from
 * the torch_file, which must be closed after it. */
int torch_open(struct torch_file **f, struct checkpoint **c, const char *path, struct err *e);
void torch_close(struct torch_file *f);

#endif
