/* A file of named tensors, whichever of the two kinds it is: safetensors, or one of PyTorch's. */
#pragma once

#include "checkpoints/pth.h"
#include "checkpoints/safetensors.h"

struct tensor_file {
    bool torch; /* one of PyTorch's; told by the first bytes */
    struct pth pth;
    struct safetensors st;
    const char *path;
    const struct st_table *table; /* names, types, shapes; of the kind that is open */
};

/* `part` as in pth_open(); a safetensors file has none and takes no notice. Do not copy f. */
int tensor_file_open(struct tensor_file *f, const char *path, const char *part);
void tensor_file_close(struct tensor_file *f);

/* The elements of a tensor, row-major, little endian; dst has room for x->bytes. */
int tensor_file_read(struct tensor_file *f, const struct st_tensor *x, void *dst);
/* A new tensor of the innermost scope; NULL and the pending error when it cannot be read. */
tensor *tensor_file_tensor(struct tensor_file *f, const struct st_tensor *x);
