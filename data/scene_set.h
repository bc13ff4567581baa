/* Drawn scenes as a data set that needs no file: each is drawn when it is asked for. */
#pragma once

#include "data/dataset.h"
#include "data/scenes.h"

/* Scenes 0 .. n - 1 of a split of a world, the same that stage scenes writes with these options and
 * this seed; without captions. */
void scene_set_open(struct dataset *d, const struct scenes_options *o, uint64_t seed,
                    const char *split, int64_t n);
