/* Mined pairs as others read them: masked crops as JPEG files, as the reference published its own
 * (reference-spec 7.2, 7.3).
 *
 *   table    DIR/pairs.tsv, a line of the columns' names, then a line a pair: path, text; and
 *            DIR/crops/{image id, 12 digits}_{k}.jpg, k from 0 within the image
 *   folders  DIR/{noun}/{image id, 12 digits}_{k}.jpg: a sub-folder a class (6.3)
 *
 * A crop is reference-spec 8.2, steps 2 to 5, without normalizing, clipped to bytes: the tight box,
 * outside the mask CLIP's mean colour, bicubic. As a JPEG of quality 75 by libjpeg's tables, 4:2:0,
 * that colour reads back as (124, 116, 103), the colour that masks are recovered from.
 */
#pragma once

#include "data/dataset.h"
#include "data/pairs.h"

enum pairs_form { PAIRS_FORM_TABLE, PAIRS_FORM_FOLDERS };

struct pairs_export {
    const struct pairs *pairs;
    const struct dataset *pictures;
    enum pairs_form form;
    int64_t side;         /* of a crop: 224 */
    int quality;          /* 75; another one loses the colour */
    const char *template; /* of the text: "a photo of a {}." */
    const char *path_column, *title_column;
    int threads;
    void (*each)(void *ctx, int64_t pairs); /* how many are done; in turn; may be NULL */
    void *ctx;
    int (*stop)(void); /* an error when the work should end now; NULL: never */
};

/* Writes `dir`, which must not exist: whole or not at all, the same bytes for any number of
 * threads. ERR_DATA: a picture that cannot be read or is not the one of its pair, two images of one
 * id, a noun that no folder can be named after; ERR_CONFIG: the template; ERR_IO. */
int pairs_export_write(const struct pairs_export *x, const char *dir);
