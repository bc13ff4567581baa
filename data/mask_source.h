/* Masks that others made, in the place of a proposal network's. Of what a path holds:
 *
 *   FILE.json        COCO's results or instances, of all pictures
 *   DIR/NAME.json    SAM's, a file a picture (data/mask_json.h has both)
 *   DIR/NAME/N.png   a picture a mask, what is not 0 belongs to it; in the order of their names
 *   DIR/NAME.png     a grey or palette picture: each value but 0 is a mask, by rising value
 *
 * NAME is that of the picture's file, or its id, with zeros in front (COCO's twelve digits) or
 * without. Masks of another size than the picture are resized (nearest) when their proportions are
 * the picture's. */
#pragma once

#include "data/mask_json.h"

struct mask_source {
    char *path;
    bool folder;
    struct mask_json file; /* of all pictures */
};

/* A path that can be masks: a .json file, or a folder that holds some of the above. */
bool mask_source_is(const char *path);

/* ERR_MISSING, or ERR_DATA with the file and the line. Close it in any case. */
int mask_source_open(struct mask_source *s, const char *path);
void mask_source_close(struct mask_source *s);

/* The masks of a picture of h x w. stem: its file's name without folder and suffix; NULL: unknown.
 * id -1: unknown, unless the name is digits. ERR_MISSING: none of that picture; a file of results
 * may say of one that it has none, by not naming it. ERR_DATA names the picture. The list can be
 * freed in any case. */
int mask_source_read(const struct mask_source *s, int64_t id, const char *stem, int64_t h,
                     int64_t w, struct region_list *out);
