/* The pictures that a command line names: files, folders, lists of files.
 *
 *   street.jpg        a file
 *   photos            a folder: its .jpg, .jpeg, .png and .webp, also in folders below
 *   -                 a list on standard input, as below
 *   --list FILE       a path a line, empty lines and lines that begin with # aside; relative ones
 *                     start at the folder of the list, those of standard input at the current one.
 *                     Where the list holds NUL bytes they end the paths (find -print0).
 */
#pragma once

#include "base/mem.h"

struct picture_file {
    char *path; /* to open */
    char *name; /* what it is called in results: its place below the folder that was named */
    char *stem; /* the same without suffix: where its outputs go, below their folder */
};

struct picture_list {
    struct picture_file *at;
    size_t n, cap;
    bool many; /* a folder or a list is among what was named */
};

/* A word of the command line; `out` is the folder of the results, which is passed over in folders.
 * ERR_MISSING: a folder or a list that cannot be read; a file that is not there is told when it is
 * its turn. ERR_DATA: a list that is no text. ERR_USAGE: pictures and results in one folder. */
int picture_list_add(struct picture_list *l, const char *word, const char *out);
int picture_list_read(struct picture_list *l, const char *list);
void picture_list_free(struct picture_list *l);
