/* Label maps out of a folder of PNG files, for a data set that has none or others: COCO-Stuff's
 * (reference-spec 5.1). */
#pragma once

#include "data/dataset.h"

/* The map of the image of id 9 is MAPS_DIR/000000000009.png, grey or of a palette. `names`: a
 * vocabulary (data/vocabulary.h) whose classes all have a raw value; values of none of them, and
 * 255, are `ignore`. Its `split` says which classes are seen. Maps are read when asked for; what
 * else the data set has stays.
 *
 * ERR_MISSING, or ERR_DATA with all mistakes of the vocabulary; the data set is whole then, too. */
int dataset_use_maps(struct dataset *d, const char *maps_dir, const char *names);
