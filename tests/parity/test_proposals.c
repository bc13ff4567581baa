/* The whole proposal network against a run of the reference on a photograph: ResNet-50 with the
 * basic stem, a transformer in the pixel decoder whose output is the decoder's memory, ViT-B/32's
 * text features (the golden opt_encdec_seed7).
 *
 * ctest: timeout=300
 */
#include "base/file.h"
#include "data/image.h"
#include "data/resize.h"
#include "nn/models/maskformer.h"
#include "tests/formula.h"
#include "tests/golden_file.h"
#include "tests/torch.h"

static const char GOLDEN[] = "opt_encdec_seed7";
static const double TOL = 1e-4; /* DESIGN section 6; the run's sensitivity is below a third of it */

static tensor *read_photograph(const cJSON *golden) {
    char *path = test_coco_mini("train2017/000000063217.jpg");
    struct bytes file;
    struct image full, small;
    CHECK_OK(file_read(path, 1 << 24, &file));
    CHECK_OK(image_decode(file.at, file.n, path, &full));
    const cJSON *size = cJSON_GetObjectItem(golden, "resized_hw");
    int64_t h = cJSON_GetArrayItem(size, 0)->valueint, w = cJSON_GetArrayItem(size, 1)->valueint;
    CHECK_OK(image_resize(&full, NULL, h, w, RESIZE_BILINEAR, &small));
    tensor *x = t_from_data(small.at, SHAPE(1, h, w, 3), T_U8);
    image_free(&full);
    image_free(&small);
    bytes_free(&file);
    free(path);
    return t_permute(x, SHAPE(0, 3, 1, 2)); /* [1, 3, h, w] */
}

/* The sums and the 64 samples of a map that the golden does not hold as a whole. */
static void check_stage(tensor *x, const cJSON *golden, const char *name) {
    const cJSON *want = cJSON_GetObjectItem(cJSON_GetObjectItem(golden, "stages"), name);
    const cJSON *samples = cJSON_GetObjectItem(want, "samples");
    size_t n = (size_t)t_numel(x);
    double *all = mem_alloc(n, sizeof *all), sumsq = 0, diff = 0;
    CHECK_OK(t_copy_out(t_cast(x, T_F64), all, n * sizeof *all));
    for (size_t i = 0; i < n; i++) sumsq += all[i] * all[i];
    for (int i = 0; i < 64; i++) {
        double d = all[(size_t)i * n / 64] - cJSON_GetArrayItem(samples, i)->valuedouble;
        diff += d * d / 64;
    }
    double want_sumsq = cJSON_GetObjectItem(want, "sumsq")->valuedouble;
    if (!(sqrt(diff) <= TOL * sqrt(want_sumsq / (double)n)))
        test_fail(__FILE__, __LINE__, "%s: samples differ by %g", name, sqrt(diff));
    CHECK_NEAR(sumsq, want_sumsq, 2 * TOL * want_sumsq);
    free(all);
}

static struct maskformer_options options(void) {
    struct maskformer_options o = maskformer_standard();
    o.backbone = backbone_resnet(resnet_standard(50, false));
    o.pixel.encoder = o.decoder.transformer;
    o.pixel.encoder.layers = 2;
    o.memory = MASKFORMER_ENCODED;
    return o;
}

TEST(the_proposal_network_is_the_references_on_a_photograph) {
    cJSON *golden = golden_json(GOLDEN);
    tensor *image = read_photograph(golden);
    struct params p = {0};
    struct maskformer *m = mem_alloc(1, sizeof *m);
    struct maskformer_options o = options();
    maskformer_init(m, params_root(&p), &o);
    golden_fill(&p, 7, cJSON_GetObjectItem(golden, "mask_features_bias_factor")->valuedouble);

    int scope = t_scope_open("run", T_NO_GRAD);
    tensor *x = maskformer_input(m, &image, 1);
    struct features f = backbone_forward(&m->backbone, x);
    check_stage(f.map[0], golden, "backbone.res2");
    check_stage(f.map[3], golden, "backbone.res5");
    struct pixel_output pixel = pixel_decoder_forward(&m->pixel, &f);
    check_stage(pixel.encoded, golden, "pixel_decoder_encoder_output");
    check_stage(pixel.mask_features, golden, "mask_features");
    struct mask_predictions q =
        mask_decoder_forward(&m->decoder, pixel.encoded, pixel.mask_features, false);
    check_stage(t_select(q.embeddings, 1, 0), golden, "aux_0.pred_embed");
    check_stage(t_select(q.masks, 1, 4), golden, "aux_4.pred_masks");
    CHECK_CLOSE(t_select(t_select(q.embeddings, 0, 0), 0, 5), golden_tensor(GOLDEN, "pred_embed"),
                TOL);
    tensor *rows = golden_tensor(GOLDEN, "text_features"); /* [K + 1, D], "no object" included */
    int64_t K = t_size(rows, 0) - 1;
    CHECK_CLOSE(normalize_rows(m->no_object, 0), t_narrow(rows, 0, K, 1), 1e-6);
    tensor *text = t_narrow(rows, 0, 0, K);
    struct maskformer_output out = maskformer_forward(m, x, text, true);
    tensor *logits = t_select(t_select(out.logits, 0, 0), 0, 0); /* [Q, K + 1] */
    tensor *masks = t_select(t_select(out.masks, 0, 0), 0, 0);   /* [Q, H/4, W/4] */
    CHECK_CLOSE(logits, golden_tensor(GOLDEN, "pred_logits"), TOL);
    CHECK_CLOSE(golden_every(masks, SHAPE(1, 4, 4)), golden_tensor(GOLDEN, "pred_masks"), TOL);
    printf("logits %.2g, masks %.2g of their RMS\n",
           test_rel_rms(logits, golden_tensor(GOLDEN, "pred_logits")),
           test_rel_rms(golden_every(masks, SHAPE(1, 4, 4)), golden_tensor(GOLDEN, "pred_masks")));
    t_scope_close(scope, NULL);
    cJSON_Delete(golden);
    params_free(&p);
    free(m);
}
