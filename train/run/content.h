/* The contents of input files as hashes. They are asked for at every start, and a data set takes
 * long to read: what was hashed is remembered in OUTPUT_DIR/.hashes, by path, size, times and
 * inode.
 *
 *   ovseg hashes 1
 *   HASH SIZE MTIME CTIME INODE PATH      by rising path; times in ns, the hash in hex
 *   whole HASH                            of the lines before
 *
 * A file changed less than two seconds before it was hashed is not remembered: another change could
 * leave the same times. A memory that is damaged or cannot be written costs time, nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct content_entry {
    char *path; /* absolute */
    uint64_t hash, size, mtime, ctime, inode;
    bool stale; /* the file is another one now */
};

struct content {
    char *file;
    struct content_entry *at; /* by path, but for the last ones while a folder is read */
    size_t n, cap, sorted;
    bool changed;
    size_t n_read; /* files that were read to be hashed */
};

void content_open(struct content *c, const char *output_dir);
void content_save(struct content *c); /* if there is something new */
void content_close(struct content *c);

/* Of a file, or of a folder: names and contents of all in it. ERR_MISSING names what cannot be
 * read; ERR_DATA: a link that leads back up, what is no file. */
int content_of(struct content *c, const char *path, uint64_t *out);

/* Of these files of a folder, each once, in their order: their paths from it on, and what is in
 * them. Errors as above. */
int content_of_files(struct content *c, const char *folder, const struct strings *files,
                     uint64_t *out);

/* Of a table and of the n files that it names, in its order; a file that is not there counts as
 * such. */
int content_of_table(struct content *c, const char *table, char *const *files, size_t n,
                     uint64_t *out);
