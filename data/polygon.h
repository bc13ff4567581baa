/* Filling COCO's polygons, equal to pycocotools pixel by pixel: corners are rounded to fifths of a
 * pixel, the outline is drawn in fifths, and a pixel column changes where the outline crosses its
 * middle. */
#pragma once

#include "base/mem.h"
#include "data/mask.h"

enum { POLYGON_SCALE = 5, POLYGON_LIMIT = 1 << 18 /* of a coordinate, in fifths */ };

/* A coordinate in fifths; false when it is not finite or out of every image's reach. */
bool polygon_snap(double v, int32_t *out);

/* Sets the inside in `into` (what was set stays set). xy: [n, 2] corners in fifths, x then y, the
 * last joined to the first. ERR_DATA: fewer than 3, or an outline too long to be an object's. */
int polygon_fill(const int32_t *xy, size_t n, struct mask *into);
