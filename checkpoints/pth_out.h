/* Files that torch.load() reads, weights_only=True: an archive (checkpoints/zip_out.h) of a pickle,
 * protocol 2, and the elements of each tensor in a storage of its own:
 *
 *   archive/data.pkl  byteorder  data/0  data/1 ...  version
 *
 * The object is an OrderedDict of tensors, by itself or under one key of a dict, with the attribute
 * `_metadata` where a loader looks for versions of modules. Written as safetensors are: open, name
 * the tensors, put their data in the same order, commit, close. After an error put and commit do
 * nothing; close always.
 */
#pragma once

#include "checkpoints/safetensors_header.h"
#include "checkpoints/zip_out.h"

struct pth_out_version { /* of a module, "" the model */
    const char *module;
    int version;
};

struct pth_out_object {
    const char *key;                        /* "model"; NULL: the dict of tensors is the object */
    const struct pth_out_version *versions; /* NULL: none */
    size_t n_versions;
};

struct pth_out {
    struct zip_out zip;
    struct st_table table;
    struct pth_out_object object;
    bool started; /* the pickle is written */
    size_t next;  /* the tensor whose data comes */
    uint64_t *hash;
};

int pth_out_open(struct pth_out *w, const char *path, struct pth_out_object object);
void pth_out_name(struct pth_out *w, const char *name, enum t_dtype dtype, struct shape shape);
/* All n bytes of the next tensor. */
int pth_out_put(struct pth_out *w, const void *data, size_t n);
int pth_out_commit(struct pth_out *w);
void pth_out_close(struct pth_out *w);
