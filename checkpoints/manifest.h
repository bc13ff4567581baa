/* The manifest of a checkpoint, or of a model package: what was saved, with a hash of every file
 * and every tensor, and of itself. It is written last; a folder without a whole one is neither. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define MANIFEST_NAME "manifest.json"
enum { MANIFEST_VERSION = 1 };

enum manifest_kind { MANIFEST_CHECKPOINT, MANIFEST_PACKAGE };

struct manifest_file {
    char *name; /* inside the folder, without slashes */
    uint64_t size, hash;
    struct strings tensor; /* names, in the order of the data; none when it is no tensor file */
    uint64_t *tensor_hash;
};

struct manifest {
    enum manifest_kind kind;
    int64_t step; /* of a checkpoint, as is the next */
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

/* ERR_DATA when it is damaged, or of the other kind; ERR_CONFIG when it is of a newer version. */
int manifest_parse(struct manifest *m, enum manifest_kind kind, const char *path, const char *text,
                   size_t n);
/* Of the folder `dir`; one without a manifest is damaged, too. */
int manifest_read(struct manifest *m, enum manifest_kind kind, const char *dir);
bool manifest_is(enum manifest_kind kind, const char *dir); /* by the first bytes of the file */
void manifest_free(struct manifest *m);
