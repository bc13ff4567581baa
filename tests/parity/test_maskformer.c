/* The modules of the proposal network against the reference's own classes (reference-spec Annex B).
 * Tolerance 1e-4 of a tensor's RMS: fp32 through up to 53 convolutions, the parity bar of modules.
 */
#include "nn/models/mask_decoder.h"
#include "nn/models/pixel_decoder.h"
#include "nn/models/position.h"
#include "nn/models/resnet.h"
#include "nn/models/swin.h"
#include "tests/formula.h"
#include "tests/golden_file.h"
#include "tests/torch.h"

static const double TOL = 1e-4;
static const int64_t CHANNELS[] = {32, 64, 128, 320};

static struct features golden_features(void) {
    return (struct features){.n = 4,
                             .map = {vector_input(SHAPE(1, 32, 24, 32), 2, -1, 1),
                                     vector_input(SHAPE(1, 64, 12, 16), 3, -1, 1),
                                     vector_input(SHAPE(1, 128, 6, 8), 4, -1, 1),
                                     vector_input(SHAPE(1, 320, 3, 4), 5, -1, 1)}};
}

static const struct pixel_decoder_options PIXEL = {
    .conv_width = 256, .mask_width = 256, .norm = {.kind = NORM_GN, .groups = 32}};

static double at(tensor *pos, int64_t c, int64_t y, int64_t x) {
    return t_item(t_select(t_select(pos, 0, y * 5 + x), 0, c));
}

TEST(v1_swin_is_the_references) {
    struct params p = {0};
    struct swin *swin = mem_alloc(1, sizeof *swin);
    struct swin_options o = {32, {2, 2, 2, 2}, {1, 2, 4, 8}, 7, 0.3, false};
    swin_init(swin, params_root(&p), &o);
    vector_fill(&p, "", NULL);
    tensor *x = vector_input(SHAPE(2, 3, 70, 94), 1, -1, 1), *plain[4];
    for (int fused = 0; fused < 2; fused++) {
        int scope = t_scope_open("attention", fused ? T_NO_GRAD : T_INHERIT);
        struct features f = swin_forward(swin, x);
        CHECK(vector_equal(f.map[0], "V1_swin_mini/res2", TOL));
        CHECK(vector_equal(f.map[1], "V1_swin_mini/res3", TOL));
        CHECK(vector_equal(f.map[2], "V1_swin_mini/res4", TOL));
        CHECK(vector_equal(f.map[3], "V1_swin_mini/res5", TOL));
        for (int i = 0; i < 4; i++) {
            if (fused) CHECK_CLOSE(f.map[i], plain[i], 1e-6); /* the class of swin_options.plain */
            plain[i] = t_keep(scope, f.map[i]);
        }
        t_scope_close(scope, NULL);
    }
    swin->opt.plain = true;
    int scope = t_scope_open("plain", T_NO_GRAD);
    struct features f = swin_forward(swin, x);
    CHECK(!test_equal_bits(f.map[3], plain[3])); /* which was the fused one's */
    CHECK_CLOSE(f.map[3], plain[3], 1e-6);
    t_scope_close(scope, NULL);
    params_free(&p);
    free(swin);
}

static int64_t offset(const struct swin_block *b, int64_t q, int64_t k) {
    return (int64_t)t_item(t_select(t_select(b->bias_index, 0, q), 0, k));
}

TEST(v1_relative_positions_and_drop_path_rates_are_the_references) {
    struct params p = {0};
    struct swin *swin = mem_alloc(1, sizeof *swin);
    struct swin_options o = swin_standard('B');
    swin_init(swin, params_root(&p), &o);
    const struct swin_block *first = &swin->stage[0].block[0];
    CHECK_INT(offset(first, 0, 0), 264);
    CHECK_INT(offset(first, 0, 143), 0);
    CHECK_INT(offset(first, 143, 0), 528);
    CHECK_NEAR(first->drop_path, 0, 0);
    CHECK_NEAR(swin->stage[0].block[1].drop_path, 0.0130435, 1e-7);
    CHECK_NEAR(swin->stage[2].block[17].drop_path, 0.3 * 21 / 23, 1e-12);
    CHECK_NEAR(swin->stage[3].block[1].drop_path, 0.3, 1e-12);
    CHECK_INT(params_count(&p, false), 86880376);
    params_free(&p);
    free(swin);
}

TEST(v2_the_position_encoding_is_the_references) {
    tensor *pos = position_sine(3, 5, 256); /* [15, 256] */
    const double tol = 2e-6; /* the reference computes its angles, up to 2 pi, in float32 */
    CHECK_NEAR(at(pos, 0, 0, 0), 0.8660257, tol);
    CHECK_NEAR(at(pos, 1, 0, 0), -0.4999994, tol);
    CHECK_NEAR(at(pos, 2, 1, 0), -0.4668711, tol);
    CHECK_NEAR(at(pos, 127, 2, 4), 0.9999998, tol);
    static const double c128[] = {0.9510565, 0.5877856, -0.5877848, -0.9510568, -7.788287e-07};
    static const double c129[] = {0.3090172, -0.8090168, -0.8090174, 0.3090162, 1.0};
    static const double c130[] = {0.8857943, 0.8221555, -0.1227055, -0.9360453, -0.7460908};
    for (int x = 0; x < 5; x++) {
        CHECK_NEAR(at(pos, 128, 0, x), c128[x], tol);
        CHECK_NEAR(at(pos, 129, 0, x), c129[x], tol);
        CHECK_NEAR(at(pos, 130, 2, x), c130[x], tol);
    }
    CHECK_NEAR(t_item(t_sum(pos)), 1864.777, 0.01);
}

TEST(v3_pixel_decoder_and_predictor_are_the_references) {
    struct params pixel_params = {0}, mask_params = {0};
    struct pixel_decoder pixel;
    pixel_decoder_init(&pixel, params_root(&pixel_params), &PIXEL, 4, CHANNELS);
    struct mask_decoder_options opt = {
        .queries = 100,
        .transformer = {.width = 256, .heads = 8, .hidden = 2048, .layers = 6, .dropout = 0.1},
        .deep_supervision = true,
        .class_hidden = 1024,
        .class_layers = 2};
    struct mask_decoder predictor;
    mask_decoder_init(&predictor, params_root(&mask_params), &opt, 320, 256, 48);
    vector_fill(&pixel_params, "", NULL);
    vector_fill(&mask_params, "", NULL);

    struct features f = golden_features();
    struct pixel_output out = pixel_decoder_forward(&pixel, &f);
    CHECK_OK(error_status());
    CHECK(vector_equal(out.mask_features, "V3_mask_features", TOL));
    struct mask_predictions p =
        mask_decoder_forward(&predictor, f.map[3], out.mask_features, false);
    CHECK_OK(error_status());
    CHECK_INT(t_size(p.masks, 1), 6);
    CHECK(vector_equal(t_select(p.embeddings, 1, 5), "V3_pred_logits", TOL));
    CHECK(vector_equal(t_select(p.masks, 1, 5), "V3_pred_masks", TOL));
    CHECK(vector_equal(t_select(p.embeddings, 1, 0), "V3_aux0_logits", TOL));
    CHECK(vector_equal(t_select(p.masks, 1, 4), "V3_aux4_masks", TOL));

    struct mask_predictions last =
        mask_decoder_forward(&predictor, f.map[3], out.mask_features, true);
    CHECK_INT(t_size(last.masks, 1), 1);
    CHECK_CLOSE(t_select(last.masks, 1, 0), t_select(p.masks, 1, 5), 1e-6); /* other GEMM shape */
    params_free(&pixel_params);
    params_free(&mask_params);
}

TEST(v3b_the_transformer_encoder_pixel_decoder_is_the_references) {
    struct params params = {0};
    struct pixel_decoder_options opt = PIXEL;
    opt.encoder =
        (struct detr_options){.width = 256, .heads = 8, .hidden = 512, .layers = 2, .dropout = 0.1};
    struct pixel_decoder pixel;
    pixel_decoder_init(&pixel, params_root(&params), &opt, 4, CHANNELS);
    vector_fill(&params, "", NULL);
    struct features f = golden_features();
    struct pixel_output out = pixel_decoder_forward(&pixel, &f);
    CHECK_OK(error_status());
    CHECK(vector_equal(out.mask_features, "V3b_enc_mask_features", TOL));
    CHECK(vector_equal(out.encoded, "V3b_enc_feat", TOL));
    params_free(&params);
}

TEST(v8_resnet_50c_is_the_references) {
    struct params params = {0};
    struct resnet_options opt = resnet_standard(50, true);
    struct resnet *net = mem_alloc(1, sizeof *net);
    resnet_init(net, params_root(&params), &opt);
    vector_fill(&params, "", NULL);
    struct features f = resnet_forward(net, vector_input(SHAPE(1, 3, 64, 96), 12, -1, 1));
    CHECK(vector_equal(f.map[0], "V8_r50c/res2", TOL));
    CHECK(vector_equal(f.map[1], "V8_r50c/res3", TOL));
    CHECK(vector_equal(f.map[2], "V8_r50c/res4", TOL));
    CHECK(vector_equal(f.map[3], "V8_r50c/res5", TOL));
    free(net);
    params_free(&params);
}
