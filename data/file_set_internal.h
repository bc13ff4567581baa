/* Finding and pairing of files, for file_set.c. */
#pragma once

#include "data/file_set.h"

struct found_file {
    char *stem, *path; /* path: below the folder */
};

struct found_files {
    struct found_file *at; /* by stem */
    size_t n, cap;
};

/* Which files of a folder. */
struct file_filter {
    const char *suffix, *middle; /* as in file_set_options */
    bool deep, texts;            /* texts: "a.jpg.txt" belongs to the picture "a", too */
    const struct strings *only;  /* settled: those of pictures of these names; NULL: all */
};

/* They, and of those that end as they should but are not among `only`, how many, in *beside (NULL:
 * not asked for). ERR_MISSING, or ERR_DATA for two of one stem, or, but with `only`, for none. Free
 * it in any case. */
int found_files_list(struct found_files *f, const char *dir, const struct file_filter *filter,
                     size_t *beside);
void found_files_free(struct found_files *f);

/* Fills s->at, and the names of the pairs, which the caller owns. */
int file_set_pair(struct file_set *s, const struct file_set_options *o, struct strings *names);
