/* Pictures in one sub-folder a class: the form of torchvision's ImageFolder, in which the reference
 * keeps the masked crops that it classifies (reference-spec 6.3). */
#pragma once

#include <stdint.h>

#include "base/mem.h"

struct class_file {
    char *path;
    int64_t label;
};

struct class_folder {
    struct strings name;   /* [K]: the sub-folders, sorted as strings of bytes; links count */
    struct class_file *at; /* [n]: by class, then by path; folders below a class are looked into */
    size_t n, cap;
    size_t others; /* files that by their names are no pictures that can be read */
};

/* Names that begin with a dot are passed over. ERR_MISSING: no such folder; ERR_DATA: no
 * sub-folders, or one without pictures. Close it in any case. */
int class_folder_open(struct class_folder *f, const char *dir);
void class_folder_close(struct class_folder *f);
