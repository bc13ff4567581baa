/* Label maps in MATLAB's files of version 5: Pascal Context's (reference-spec 5.1). */
#pragma once

#include "data/image.h"

/* The matrix `LabelMap` of whole numbers 0 .. 65535 in a file. ERR_MISSING: no such file; ERR_DATA:
 * not such a file, another variable, a matrix of another kind, too large; ERR_DEVICE: a build
 * without libmatio. Nothing is left in `out` after an error. */
int labels_read_mat(const char *path, struct labels *out);
