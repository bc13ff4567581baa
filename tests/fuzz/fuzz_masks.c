/* Masks of others: COCO's results and instances, SAM's files. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/mask_source.h"
#include "tests/fuzz/fuzz.h"

enum { H = 6, W = 8 };

static void mask_seeds(struct corpus *c) {
    corpus_add_text(c,
                    "[{\"image_id\":7,\"score\":0.5,\"segmentation\":{\"size\":[6,8],\"counts\":"
                    "[9,3,3,3,30]}},{\"segmentation\":{\"counts\":\"933000e0\",\"size\":[6,8]},"
                    "\"image_id\":7},{\"image_id\":9,\"segmentation\":{\"size\":[6,8],\"counts\":"
                    "[0,48]}}]");
    corpus_add_text(c,
                    "{\"images\":[{\"id\":7,\"file_name\":\"a/b.jpg\",\"height\":6,\"width\":8}],"
                    "\"annotations\":[{\"id\":1,\"image_id\":7,\"segmentation\":[[1,1,4,1,4,4],"
                    "[2.5,2,6,2,6,5,2,5]]}]}");
    corpus_add_text(c,
                    "{\"image\":{\"image_id\":7,\"width\":8},\"annotations\":[{\"id\":1,"
                    "\"image_id\":7,\"predicted_iou\":0.9,\"point_coords\":[[1,2]],"
                    "\"segmentation\":{\"size\":[6,8],\"counts\":[9,3,3,3,30]}}]}");
}

/* Every mask is of one size, has its area inside its box, and can be unpacked. */
static void check_sound(const struct region_list *l, int64_t h, int64_t w) {
    for (size_t i = 0; i < l->n; i++) {
        const struct packed_region *r = &l->at[i];
        struct mask m;
        struct box box;
        REQUIRE(l->h == h && l->w == w && r->same <= i, "region %zu", i);
        REQUIRE(!region_list_mask(l, i, &m), "%s", error_message());
        REQUIRE(mask_area(&m) == r->area && mask_box(&m, &box), "region %zu", i);
        REQUIRE(!memcmp(&box, &r->box, sizeof box), "region %zu", i);
        mask_free(&m);
    }
}

static int read_picture(const char *path, const char *stem) {
    struct mask_source s;
    struct region_list l = {0};
    int status = mask_source_open(&s, path);
    if (!status) status = mask_source_read(&s, 7, stem, H, W, &l);
    if (!status) check_sound(&l, H, W);
    region_list_free(&l);
    mask_source_close(&s);
    return status;
}

/* As a file of all pictures, and as that of one: a form need not serve as both. */
static int run_masks(const uint8_t *data, size_t n) {
    char *all = fuzz_path("masks.json"), *dir = fuzz_path("sam"), *one = path_join(dir, "x.json");
    int status = dir_make(dir);
    if (!status) status = file_write(all, data, n);
    if (!status) status = file_write(one, data, n);
    REQUIRE(!status, "%s", error_message());
    bool served = !read_picture(all, NULL);
    error_clear();
    served |= !read_picture(dir, "x");
    if (served) error_clear();
    free(all);
    free(dir);
    free(one);
    return error_status();
}

FUZZ(masks, .seeds = mask_seeds, .run = run_masks, .codes = {ERR_DATA, ERR_MISSING});
