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

/* The files of a folder whose names end as they should. ERR_MISSING, or ERR_DATA for two of one
 * stem. Free it in any case. */
int found_files_list(struct found_files *f, const char *dir, const char *suffix, const char *middle,
                     bool deep);
void found_files_free(struct found_files *f);

/* Fills s->at, and the names of the pairs, which the caller owns. */
int file_set_pair(struct file_set *s, const struct file_set_options *o, struct strings *names);
