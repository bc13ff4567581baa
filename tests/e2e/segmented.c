#include "tests/e2e/segmented.h"

#include <stdlib.h>

#include "base/file.h"
#include "data/image.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

/* Stripes and noise, each picture its own. */
void segmented_draw(const char *path, int seed) {
    struct image im;
    struct bytes png;
    unsigned x = 1234567U * (unsigned)(seed + 1);
    CHECK_OK(image_alloc(&im, SEGMENTED_SIDE, SEGMENTED_SIDE + 8 * seed, 3));
    for (int64_t i = 0; i < im.h * im.w * 3; i++)
        im.at[i] = (uint8_t)((i / 3 / im.w * (5 + seed)) % 200 +
                             (((x = x * 1103515245 + 12345) >> 16) & 31));
    CHECK_OK(image_encode_png(&im, &png));
    char *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, png.at, png.n));
    bytes_free(&png);
    image_free(&im);
    free(dir);
}

char *segmented_picture(const char *photos, int i) {
    return mem_format("%s/%sp%d.png", photos, i < SEGMENTED_PICTURES / 2 ? "" : "more/", i);
}

void segmented_start(char **model, char **evaluation, char **photos) {
    struct ended e = TRAIN("runs", "smoke/mpt.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    *model = run_of("runs", "mpt");
    *evaluation = run_of("runs", "eval");
    *photos = test_path("photos");
    for (int i = 0; i < SEGMENTED_PICTURES; i++) {
        char *path = segmented_picture(*photos, i);
        segmented_draw(path, i);
        free(path);
    }
}
