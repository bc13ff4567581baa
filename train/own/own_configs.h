/* The texts of a chain for a user's own pictures. */
#pragma once

#include "train/own/own.h"

struct own_file {
    char *name; /* below the folder */
    struct str text;
    /* own_write.c's: */
    bool kept;       /* a user has changed it since: it is not written, */
    uint64_t before; /* and this is the hash of what was, which the manifest keeps */
    bool beside;     /* NAME.new of such a one */
};

struct own_configs {
    struct own_file *at;
    size_t n, cap;
};

void own_configs_make(struct own_configs *c, const struct own *o);
void own_configs_free(struct own_configs *c);

/* The recipe of configs/own/ for so many pairs: "1k", "10k", "100k". */
const char *own_recipe(const struct own *o);
/* Whether the chain trains a network of masks of its own, and from what: a config, or NULL. */
bool own_trains_masks(const struct own *o);
const char *own_masks_start(const struct own *o);
