/* The data sets whose form is known: where their files lie below a root as they are unpacked, which
 * archives they come in, what the values in their label maps mean (reference-spec 5.1). Nothing is
 * downloaded.
 *
 * A folder a/b/c is looked for as ROOT/a/b/c, ROOT/b/c and ROOT/c: the root may be the folder of
 * all data sets or that of this one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "data/file_set.h"

enum { KNOWN_PLACES = 3 };

struct known_split {
    const char *name;
    const char *images[KNOWN_PLACES], *maps[KNOWN_PLACES]; /* folders: the first that is there */
    const char *list[KNOWN_PLACES]; /* file of the names that belong to it: the first that is there;
                                       none: all files */
    const char *captions;           /* COCO's JSON; NULL: none */
    const char *prepared_images,
        *prepared_maps;                     /* what the reference's scripts make; may be NULL */
    const char *archives[2 * KNOWN_PLACES]; /* as they are published */
    const char *middle; /* the second part of a file's name, between underscores: "val", or any
                           other, "!val"; NULL: any */
    int64_t pictures;   /* with a map, before empty ones are dropped; 0: not known */
};

struct known_set {
    const char *name, *about;
    const char *alias;  /* a shorter name that papers use; may be NULL */
    const char *labels; /* file below data/labels; NULL: no label maps */
    enum map_kind kind, prepared_kind;
    bool zero_is_none; /* value 0 is `ignore`, and values of no class are mistakes: "value - 1" */
    bool deep;         /* files lie in folders of folders */
    bool shrunk;       /* the reference shrinks and re-encodes its pictures */
    const char *image_suffix, *map_suffix;
    const char *unseen; /* names, commas between them, that have no masks in training; NULL: none */
    struct known_split split[2];
};

const struct known_set *known_set_at(size_t i);           /* NULL behind the last */
const struct known_set *known_set_find(const char *name); /* ERR_USAGE lists them; NULL */
/* NULL stands for the first. ERR_USAGE lists them; NULL. */
const struct known_split *known_split_find(const struct known_set *set, const char *name);

/* The path of a table of classes of ours: in $OVSEG_LABELS, or in the source tree. Owned. */
char *known_labels_path(const char *file);
