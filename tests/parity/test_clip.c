/* CLIP against the reference's own classes: the golden vectors (reference-spec Annex B) and the
 * full-size golden outputs. */
#include "nn/models/clip.h"

#include "tests/formula.h"
#include "tests/golden_file.h"
#include "tests/torch.h"

/* The vectors were printed with 7 digits by another libtorch; both sides round to fp32. */
static const double VECTOR_TOLERANCE = 2e-6;

static const struct clip_options MINI = {
    .image = {.image_size = 16,
              .patch = 4,
              .width = 128,
              .layers = 4,
              .prompt_depth = 3,
              .last_block_cls_only = true},
    .text = {.vocab = 1000, .context = 77, .width = 64, .layers = 2, .cut_at_end = true},
    .features = 32,
    .temperature = 0.07,
};

static void mini(struct clip *c, struct params *p) {
    clip_init(c, params_root(p), &MINI);
    vector_fill(p, "", NULL);
}

TEST(the_image_tower_equals_the_vector_without_masks) {
    struct params p = {0};
    struct clip c;
    mini(&c, &p);
    tensor *image = vector_input(SHAPE(2, 3, 16, 16), 10, -1, 1);
    CHECK(vector_equal(clip_vit(&c.visual, image, NULL), "V4_vit_nomask", VECTOR_TOLERANCE));
    clip_free(&c);
    params_free(&p);
}

TEST(the_image_tower_equals_the_vector_with_mask_prompts) {
    struct params p = {0};
    struct clip c;
    mini(&c, &p);
    uint8_t mask[2][16][16] = {0};
    for (int y = 0; y <= 6; y++)
        for (int x = 0; x <= 8; x++) mask[0][y][x] = 1;
    mask[1][5][6] = 1;
    tensor *image = vector_input(SHAPE(2, 3, 16, 16), 10, -1, 1);
    tensor *y = clip_vit(&c.visual, image, t_from_data(mask, SHAPE(2, 16, 16), T_U8));
    CHECK(vector_equal(y, "V4_vit_mask", VECTOR_TOLERANCE));
    clip_free(&c);
    params_free(&p);
}

TEST(the_text_tower_equals_the_vector) {
    struct params p = {0};
    struct clip c;
    mini(&c, &p);
    static const int32_t ids[2][77] = {{998, 320, 125, 539, 320, 368, 269, 999},
                                       {998, 615, 593, 999}};
    CHECK(vector_equal(clip_text_encode(&c.text, ids[0], 2, 77), "V4_text", VECTOR_TOLERANCE));
    clip_free(&c);
    params_free(&p);
}
