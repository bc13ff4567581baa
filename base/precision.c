#include "base/precision.h"

#include <stddef.h>

const char *const precision_names[] = {"fp32", "tf32", "bf16", "fp16", NULL};
const char *const part_precision_names[] = {"fp32", "tf32", "bf16", "fp16", "run", NULL};
