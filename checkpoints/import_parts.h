/* Steps of import_open(). Inside checkpoints/import*.c. */
#pragma once

#include "checkpoints/import.h"

/* Tells the family and gives every tensor its item. ERR_DATA. */
int import_build(struct import *im);

/* What the configuration beside the weights, or the file itself, tells. ERR_DATA, ERR_MISSING. */
int import_learn(struct import *im);

/* ERR_DATA when `dir` holds a config.json of another family than CLIP. */
int import_check_folder(const char *dir);

/* import_clip_options() without the activation. */
int import_clip_sizes(const struct import *im, const char *prefix, struct clip_options *out);
