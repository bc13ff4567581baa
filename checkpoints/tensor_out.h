/* The other way than checkpoints/tensor_file.h: named tensors into a safetensors file or into one
 * of PyTorch's. Open, name the tensors, put the data of each in the same order, commit, close.
 * After an error put and commit do nothing; close always. */
#pragma once

#include "checkpoints/pth_out.h"
#include "checkpoints/safetensors.h"

struct tensor_out {
    bool torch;
    struct pth_out pth;
    struct safetensors_out st; /* its metadata: safetensors_out_meta() before the first data */
};

/* `object` of a file of PyTorch's; NULL: safetensors. ERR_IO. */
int tensor_out_open(struct tensor_out *w, const char *path, const struct pth_out_object *object);
void tensor_out_name(struct tensor_out *w, const char *name, enum t_dtype dtype,
                     struct shape shape);
int tensor_out_put(struct tensor_out *w, const void *data, size_t n); /* all of one tensor */
int tensor_out_commit(struct tensor_out *w);
uint64_t tensor_out_hash(const struct tensor_out *w, size_t i); /* of tensor i; after commit */
void tensor_out_close(struct tensor_out *w);
