/* What prompts in the place of blank patches, and tokens beside the patches, do. */
#include "tests/torch.h"
#include "tests/unit/clip_made.h"

TEST(prompts_work_at_every_depth_and_only_where_a_patch_is_blank) {
    for (int depth = 1; depth <= 3; depth++) {
        struct model m;
        struct clip_options opt = TINY;
        opt.image.prompt_depth = depth;
        model_open(&m, &opt);
        tensor *images = make_images(), *full = t_ones(SHAPE(B, 16, 16), T_U8);
        tensor *plain = clip_vit(&m.clip.visual, images, NULL);
        CHECK(test_equal_bits(clip_vit(&m.clip.visual, images, full), plain));
        tensor *y = clip_vit(&m.clip.visual, images, make_masks());
        CHECK(test_max_diff(t_narrow(y, 0, 0, 5), t_narrow(plain, 0, 0, 5)) > 1e-3);
        t_backward(t_sum(t_mul(y, y)));
        tensor *g = t_grad(m.clip.visual.mask_embedding); /* [depth, 16, 32] */
        for (int d = 0; d < depth; d++) {
            tensor *slice = t_norm(t_select(g, 0, d), 1, false); /* [16] */
            CHECK(t_item(t_select(slice, 0, 3)) > 0);            /* blank in the first images */
        }
        model_close(&m);
    }
}

TEST(tokens_beside_the_patches_train_at_every_depth_whatever_the_mask) { /* prompt.kind: tokens */
    for (int depth = 1; depth <= 3; depth++) {
        struct model m;
        struct clip_options opt = TINY;
        opt.image.prompt_depth = depth;
        opt.image.prompt_tokens = 5;
        opt.image.prompt_init = CLIP_PROMPT_UNIFORM;
        model_open(&m, &opt);
        struct clip_vit *v = &m.clip.visual;
        struct shape s = t_shape(params_find(&m.params, "visual.prompt_embedding")->t);
        CHECK(s.n == 3 && s.d[0] == depth && s.d[1] == 5 && s.d[2] == 32);
        CHECK(!params_find(&m.params, "visual.mask_embedding"));
        tensor *images = make_images(), *y = clip_image(&m.clip, images, make_masks());
        CHECK(test_equal_bits(clip_image(&m.clip, images, NULL), y));
        for (int n = 0; n <= 3; n++) CHECK_INT(t_size(clip_vit_tokens(v, images, NULL, n), 1), 17);
        v->opt.last_block_cls_only = false;
        CHECK(test_max_diff(clip_vit(v, images, NULL), y) < 1e-5);
        t_backward(t_sum(t_mul(y, y)));
        tensor *g = t_norm(t_grad(v->prompt_embedding), 2, false); /* [depth, 5] */
        for (int d = 0; d < depth; d++)
            for (int k = 0; k < 5; k++) CHECK(t_item(t_select(t_select(g, 0, d), 0, k)) > 0);
        struct clip_vit plain = *v; /* the same weights without them */
        plain.prompt_embedding = NULL;
        CHECK(test_max_diff(clip_vit(&plain, images, NULL), y) > 1e-3);
        model_close(&m);
    }
}

TEST(one_visible_pixel_makes_a_patch_visible) { /* reference-spec Q8 */
    struct model m;
    model_open(&m, &TINY);
    uint8_t one[16][16] = {0}, whole[16][16] = {0};
    one[6][9] = 1;
    for (int y = 4; y < 8; y++)
        for (int x = 8; x < 12; x++) whole[y][x] = 1;
    tensor *image = t_randn(SHAPE(1, 3, 16, 16), 1);
    tensor *a = clip_vit(&m.clip.visual, image, t_from_data(one, SHAPE(1, 16, 16), T_U8));
    tensor *b = clip_vit(&m.clip.visual, image, t_from_data(whole, SHAPE(1, 16, 16), T_U8));
    CHECK(test_equal_bits(a, b));
    model_close(&m);
}

TEST(what_a_blank_patch_shows_does_not_matter) {
    struct model m;
    model_open(&m, &TINY);
    uint8_t left[1][16][16] = {0};
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 8; x++) left[0][y][x] = 1;
    tensor *mask = t_from_data(left, SHAPE(1, 16, 16), T_U8),
           *image = t_randn(SHAPE(1, 3, 16, 16), 1);
    tensor *other = t_clone(image);
    t_fill_(t_narrow(other, 3, 8, 8), 5);
    CHECK(test_equal_bits(clip_vit(&m.clip.visual, image, mask),
                          clip_vit(&m.clip.visual, other, mask)));
    model_close(&m);
}
