/* What reading of sets and of indices shares. */
#pragma once

#include "data/dataset.h"
#include "data/h5.h"

int set_load_classes(struct dataset *d, const struct h5_in *f);
/* After the pictures: their number is known. */
int set_load_captions(struct dataset *d, const struct h5_in *f);
