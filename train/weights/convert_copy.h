/* Tensors copied as they are, bit for bit, with a line for each. */
#pragma once

#include "checkpoints/tensor_file.h"

/* Into a safetensors file, with the metadata of one. A file by itself has no hashes to compare
 * with: reading it checks its header and that all its data is there. ERR_DATA, ERR_IO. */
int convert_copy(struct tensor_file *f, const char *to, struct str *report);
/* The same from a path; `part` as in pth_open(). */
int convert_copy_file(const char *from, const char *to, const char *part, struct str *report);

/* What a file's object holds beside tensors goes to people, not into the list of tensors. */
void convert_tell_passed(const struct tensor_file *f);
