/* The manifest of a checkpoint: what was saved, with a hash of every file and every tensor, and of
 * itself. It is written last; a folder without a whole one is not a checkpoint. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define MANIFEST_NAME "manifest.json"
enum { MANIFEST_VERSION = 1 };

struct manifest_file {
    char *name; /* inside the folder, without slashes */
    uint64_t size, hash;
    struct strings tensor; /* names, in the order of the data; none when it is no tensor file */
    uint64_t *tensor_hash;
};

struct manifest {
    int64_t step;
    bool best;    /* the best one when it was saved */
    char *config; /* hash of the settings, "" when there is none */
    struct manifest_file *file;
    size_t n, cap;
};

/* Takes over nothing: names and hashes are copied by the caller into the entry it returns. */
struct manifest_file *manifest_add(struct manifest *m, const char *name, uint64_t size,
                                   uint64_t hash);
const struct manifest_file *manifest_find(const struct manifest *m, const char *name);

/* Equal manifests give equal bytes. */
void manifest_format(const struct manifest *m, struct str *out);

/* ERR_DATA when it is damaged, ERR_CONFIG when a newer version wrote it. */
int manifest_parse(struct manifest *m, const char *path, const char *text, size_t n);
/* Of the checkpoint `dir`; a folder without a manifest is damaged, too. */
int manifest_read(struct manifest *m, const char *dir);
void manifest_free(struct manifest *m);
