/* Where each weight file and data set that a shipped config uses comes from: the official page,
 * what the files are called, how large they are, their published hashes, the licence. Facts that
 * are published; what is not, or was not found, is NULL or 0 and printed as "unknown". Nothing is
 * downloaded. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum { SOURCE_FILES = 4, SOURCE_PATHS = 9, SOURCE_SETS = 3 };

struct source_file {
    const char *name;         /* as it is published */
    const char *url;          /* NULL: the page leads to it */
    int64_t bytes;            /* 0: not known to the byte */
    const char *about_size;   /* as the page rounds it; NULL */
    const char *sha256, *md5; /* whole, in small hex digits; NULL: none is published */
    const char *md5_begins;   /* what is published of it; NULL */
};

struct source {
    const char *name, *about, *page;
    const char *licence;  /* NULL: unknown */
    bool non_commercial;  /* the licence forbids commercial use */
    const char *note;     /* NULL: none */
    const char *accepted; /* forms that are read, where the name does not say it; NULL */
    struct source_file file[SOURCE_FILES];
    /* The ends of paths by which configs name it, whole names:
     * "annotations/captions_train2017.json"
     */
    const char *path[SOURCE_PATHS];
    const char *set[SOURCE_SETS]; /* data/known_sets.h, which know the folders */
};

const struct source *source_at(size_t i);           /* NULL behind the last */
const struct source *source_find(const char *name); /* ERR_USAGE lists them; NULL */

/* The one that a path means by its end, the longest one; NULL: none of them. */
const struct source *source_of_path(const char *path);

/* A published file, by its name without folders; *of, when wanted, its source. NULL. */
const struct source_file *source_file_find(const char *name, const struct source **of);

/* The whole entry, for people: lines that each end with one. */
void source_describe(const struct source *s, struct str *out);

/* Adds the entries of all paths that a message names, each once; how many there are. */
size_t sources_of_message(const char *message, struct str *out);
