/* Panoptic segments of a picture as files: the ids as a grey PNG, 8 bits or 16 where they must be,
 * and JSON in COCO's panoptic form:
 *
 *     {"file_name": "street-panoptic.png",
 *      "segments_info": [{"id": 1, "category_id": 4, "isthing": 1, "area": 812,
 *                         "bbox": [x, y, width, height], "iscrowd": 0}],
 *      "categories": [{"id": 0, "name": "sky", "isthing": 0}]}
 *
 * A category's id is its index among the names, from 0; the segments' ids are the PNG's values, 0
 * where there is none.
 */
#pragma once

#include "data/vocabulary.h"
#include "eval/panoptic.h"

/* thing [v->n]. Both files are written atomically, the PNG first. 0 or the pending error. */
int panoptic_write(const char *png, const char *json, const struct panoptic *p,
                   const struct vocabulary *v, const bool *thing);
