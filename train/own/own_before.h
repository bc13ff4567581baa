/* Who trained and who was held out by an earlier call of `ovseg init`. */
#pragma once

#include "train/own/own.h"

enum own_side { NEW = -1, TRAIN, VAL, TEST, SIDES };

/* Where the lists in split/ have a picture, also after they were edited; the last one that names it
 * counts. before: [n], untouched for a new one. *some: there are lists. *gone: names of which there
 * is no good picture any more; those that were held out are in o->left_out then. ERR_DATA, ERR_IO.
 */
int own_before(struct own *o, int *before, bool *some, size_t *gone);
