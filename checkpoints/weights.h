/* Registries of named tensors in files: written as safetensors, read from those of PyTorch, too.
 * Loading is strict: what is missing, unexpected or of another shape is an error with the full
 * list, and nothing has been changed then. */
#pragma once

#include "checkpoints/tensor_file.h"
#include "nn/params.h"

struct weights_options {
    const char *prefix; /* of the names in the file that are meant; the others are passed over.
                           "clip.visual." reads clip.visual.proj into proj. NULL: all */
    const char *const *allow_missing; /* fnmatch(3) patterns of names of the registry */
    size_t n_allow_missing;
    const char *const *allow_unexpected; /* fnmatch(3) patterns of names of the file */
    size_t n_allow_unexpected;
    const char *part; /* of the object in a file of PyTorch's (checkpoints/pth.h); NULL: as usual */
    bool exact;       /* refuse other element types instead of converting */
};

/* Compares names, shapes and, if exact, types. ERR_CONFIG with all that does not fit. */
int weights_check(const char *path, const struct st_table *t, const struct params *p,
                  struct weights_options o);

/* Checks, then copies the values into the registry's tensors, in place. ERR_CONFIG when it does not
 * fit, ERR_MISSING or ERR_DATA when the file cannot be read. */
int weights_load(const char *path, struct params *p, struct weights_options o);
int weights_copy(struct tensor_file *f, struct params *p, struct weights_options o);

/* Writes a registry in its order. `meta`: n pairs key, value. */
int weights_save(const char *path, const struct params *p, const char *const (*meta)[2], size_t n);
/* The same into a file under way: names and data, not committed. */
int weights_put(struct safetensors_out *w, const struct params *p);
