/* What people might write under a drawn scene: plain words, some right, some left out, relations
 * that nobody checked against the picture. */
#pragma once

#include "data/scenes.h"

/* Caption k of 0 .. SCENE_CAPTIONS - 1, from a stream of its own: drawing more captions never
 * changes the first. Owned by the caller; lower case, words parted by single spaces. */
char *scene_caption(const struct scene *s, uint64_t seed, const char *split, int64_t index, int k);
