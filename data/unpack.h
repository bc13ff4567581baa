/* Takes files out of archives (.zip, .tar, .tar.gz, .tgz and what else libarchive reads). An
 * archive is a stranger's: names that are absolute or lead out (..), anything but regular files,
 * sizes that lie, and more than such an archive can hold are refused before or while they are
 * written. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/progress.h"

bool unpack_is_archive(const char *path); /* by its name */

struct unpack {
    const char *archive, *to; /* `to`: a folder that is made; the files in it are flat */
    /* The name below `to` for an entry; NULL: not wanted. Owned by the caller of it. */
    char *(*name_of)(void *self, const char *entry);
    void *self;
    int (*stop)(void); /* an error when the work should end now; NULL: never */
    int copies;        /* so many times the bytes of the files are needed beside them later */
};

/* Goes through the archive twice: what is wanted must have room on the disk before anything is
 * written. Names are bytes, in any locale. Files that are there already with the size that the
 * archive says are kept, so that a killed one goes on. *n: files that are there now. ERR_MISSING,
 * ERR_DATA, ERR_IO; ERR_DEVICE in a build without libarchive. */
int unpack_files(const struct unpack *u, int64_t *n);
