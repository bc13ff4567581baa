/* From the object of a file of PyTorch's to its table of tensors. Inside checkpoints/pth.c. */
#pragma once

#include "checkpoints/pth.h"

/* Chooses the part, names its tensors and finds their elements. ERR_DATA, ERR_CONFIG. */
int pth_table_fill(struct pth *f, const char *part);
