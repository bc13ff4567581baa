/* What kind of file system a folder lies on. */
#pragma once

#include <stdbool.h>

struct disk_kind {
    unsigned long magic; /* of statfs(2) */
    const char *name;
    bool network, memory; /* neither: of one running system at a time */
};

const struct disk_kind *disk_kind(const char *path); /* NULL: none that is known */
