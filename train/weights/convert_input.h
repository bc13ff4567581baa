/* What ovseg convert is given: a file of weights, a folder of others', a checkpoint, or a run. */
#pragma once

#include <stdbool.h>

#include "checkpoints/import.h"

/* The file of `part` ("model", "optimizer") of the checkpoint that IN means: the folder of one, or
 * a run's newest (RUN@best: its best); every byte has been verified. *file is owned. ERR_MISSING,
 * ERR_DATA. */
int convert_checkpoint_file(const char *in, const char *part, char **file);

/* Opens IN of any kind. Of a run's checkpoint the settings of the runs it was made of tell what
 * its file does not. Errors as import_open()'s, and the above. */
int convert_open(struct import *im, const char *in, const char *part);

/* Makes the positions of its CLIP's image tower those of pictures of this side. ERR_CONFIG. */
int convert_resize(struct import *im, int64_t pixels);
/* What --activation says of its CLIP, "quickgelu" or "gelu", when nothing else does. ERR_USAGE,
 * ERR_CONFIG when its file says otherwise. */
int convert_activation(struct import *im, const char *name);
