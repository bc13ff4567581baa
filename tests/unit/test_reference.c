/* The reference's configuration keys in terms of our settings. */
#include "configs/reference.h"

#include <fnmatch.h>

#include "base/error.h"
#include "configs/config.h"
#include "tests/test.h"
#include "train/proposals_run.h"

/* The settings of a stage after overrides "KEY=VALUE", ending with NULL; config_free(). */
static void assign(int stage, const char *text, const char *const *args, struct config *c) {
    struct settings_doc doc;
    struct problems p = {0};
    *c = (struct config){0};
    CHECK_OK(settings_parse(&doc, "c.yaml", text));
    for (int turn = 0; turn < REFERENCE_TURNS; turn++)
        for (const char *const *arg = args; *arg; arg++) {
            struct override o;
            CHECK_OK(override_parse(*arg, NULL, &o));
            if (reference_turn(o.key) == turn) CHECK_OK(config_override(&doc, &o));
            override_free(&o);
        }
    settings_assign(&doc, config_used(stage), config_known(), stage_names[stage], c, &p);
    CHECK_OK(problems_close(&p, ERR_CONFIG));
    settings_doc_free(&doc);
}

#define ASSIGN(stage, c, ...) assign(STAGE_##stage, "", (const char *const[]){__VA_ARGS__, NULL}, c)

static const char *refused(const char *arg) {
    static char message[1024];
    struct settings_doc doc;
    struct override o;
    CHECK_OK(settings_parse(&doc, "c.yaml", ""));
    CHECK_OK(override_parse(arg, NULL, &o));
    CHECK_INT(config_override(&doc, &o), ERR_CONFIG);
    snprintf(message, sizeof message, "%s", error_message());
    error_clear();
    override_free(&o);
    settings_doc_free(&doc);
    return message;
}

TEST(keys_of_the_references_set_ours) {
    struct config c;
    ASSIGN(EVALUATE, &c, "stage=evaluate", "MODEL.CLIP_ADAPTER.MASK_THR=0.35",
           "MODEL.CLIP_ADAPTER.CLIP_ENSEMBLE_WEIGHT=0", "INPUT.MIN_SIZE_TEST=640",
           "MODEL.CLIP_ADAPTER.MASK_FILL=zero");
    CHECK_NEAR(c.eval.mask_threshold, 0.35, 0);
    CHECK_NEAR(c.eval.lambda, 0, 0);
    CHECK_INT(c.eval.shortest, 640);
    CHECK_INT(c.crop.fill, 1);
    config_free(&c);
}

TEST(options_of_inference_are_set_by_their_keys) {
    struct config c;
    ASSIGN(EVALUATE, &c, "stage=evaluate", "MODEL.META_ARCHITECTURE=OVSegDEMO",
           "MODEL.CLIP_ADAPTER.CLIP_ENSEMBLE=False", "MODEL.CLIP_ADAPTER.MASK_MATTING=True",
           "MODEL.CLIP_ADAPTER.MASK_PROMPT_FWD=False", "TEST.AUG.ENABLED=True",
           "TEST.AUG.MIN_SIZES=(256, 320)", "TEST.AUG.FLIP=False", "TEST.SLIDING_WINDOW=True",
           "TEST.SLIDING_TILE_SIZE=-1");
    CHECK(c.eval.demo && !c.eval.ensemble && c.eval.matting && !c.eval.prompts);
    CHECK(c.eval.views.tta && !c.eval.views.flip && c.eval.views.sliding);
    CHECK_INT(c.eval.views.sizes.n, 2);
    CHECK_INT(c.eval.views.sizes.at[1], 320);
    CHECK_INT(c.eval.views.longest, 3584);
    CHECK_INT(c.eval.views.tile, -1);
    CHECK_NEAR(c.eval.views.overlap, 2.0 / 3, 0);
    config_free(&c);
}

TEST(what_is_made_of_scores_and_proposals_is_set_by_their_keys) {
    struct config c;
    ASSIGN(EVALUATE, &c, "stage=evaluate", "TEST.DENSE_CRF=True",
           "MODEL.MASK_FORMER.TEST.PANOPTIC_ON=True",
           "MODEL.MASK_FORMER.TEST.OBJECT_MASK_THRESHOLD=0.8",
           "MODEL.MASK_FORMER.TEST.OVERLAP_THRESHOLD=0.7",
           "MODEL.MASK_FORMER.TEST.SEM_SEG_POSTPROCESSING_BEFORE_INFERENCE=False");
    CHECK(c.eval.crf.enabled && c.eval.panoptic.enabled);
    CHECK_NEAR(c.eval.panoptic.object_threshold, 0.8, 0);
    CHECK_NEAR(c.eval.panoptic.overlap, 0.7, 0);
    CHECK_INT(c.eval.crf.iterations, crf_standard.iterations); /* which it has no keys for */
    CHECK_NEAR(c.eval.crf.gaussian_sxy, crf_standard.gaussian_sxy, 0);
    CHECK_NEAR(c.eval.crf.gaussian_compat, crf_standard.gaussian_compat, 0);
    CHECK_NEAR(c.eval.crf.bilateral_sxy, crf_standard.bilateral_sxy, 0);
    CHECK_NEAR(c.eval.crf.bilateral_srgb, crf_standard.bilateral_srgb, 0);
    CHECK_NEAR(c.eval.crf.bilateral_compat, crf_standard.bilateral_compat, 0);
    config_free(&c);
}

TEST(samples_and_weights_of_training_are_set_by_their_keys) {
    struct config c;
    ASSIGN(PROPOSALS, &c, "stage=proposals", "INPUT.MIN_SIZE_TRAIN=(320, 384)",
           "INPUT.MAX_SIZE_TRAIN=2560", "INPUT.CROP.SIZE=(640, 640)", "INPUT.COLOR_AUG_SSD=True",
           "INPUT.CROP.SINGLE_CATEGORY_MAX_AREA=0.75", "INPUT.SIZE_DIVISIBILITY=672",
           "MODEL.WEIGHTS=swin.pth");
    CHECK_INT(c.segment.sizes.n, 2);
    CHECK_INT(c.segment.sizes.at[1], 384);
    CHECK_INT(c.segment.longest, 2560);
    CHECK_INT(c.segment.crop, 640);
    CHECK_NEAR(c.segment.single_area, 0.75, 0);
    CHECK_INT(c.segment.pad, 672);
    CHECK(c.segment.colour);
    CHECK_TEXT(c.init.weights, "swin.pth");
    config_free(&c);
    CHECK_HAS(refused("INPUT.CROP.SIZE=(512, 640)"), "two equal sides");
    CHECK_HAS(refused("MODEL.WEIGHTS=detectron2://DeepLab/R-103.pkl"), "nothing is downloaded");
    struct config import;
    ASSIGN(IMPORT, &import, "stage=import", "MODEL.WEIGHTS=ovseg.pth");
    CHECK_TEXT(string_map_get(&import.run.inputs, "file"), "ovseg.pth");
    config_free(&import);
}

TEST(the_backbone_is_put_together_from_several_keys) {
    struct config c;
    ASSIGN(PROPOSALS, &c, "stage=proposals", "MODEL.BACKBONE.NAME=build_resnet_backbone",
           "MODEL.RESNETS.DEPTH=50", "MODEL.RESNETS.STEM_TYPE=basic",
           "MODEL.RESNETS.STEM_OUT_CHANNELS=64", "MODEL.RESNETS.RES2_OUT_CHANNELS=64",
           "MODEL.RESNETS.WIDTH_PER_GROUP=16");
    struct maskformer_options o = proposals_model(&c.proposals, 512, 100);
    CHECK_INT(o.backbone.family, BACKBONE_RESNET);
    CHECK_INT(o.backbone.resnet.stem, RESNET_STEM_BASIC);
    CHECK_INT(o.backbone.resnet.stage[2].blocks, 6);
    CHECK_INT(o.backbone.resnet.stage[3].out, 512);
    CHECK_INT(o.backbone.resnet.stage[3].width, 128);
    for (int i = 0; i < 3; i++) CHECK_INT(o.backbone.resnet.grid[i], 1);
    config_free(&c);

    ASSIGN(PROPOSALS, &c, "stage=proposals", "MODEL.BACKBONE.NAME=D2SwinTransformer",
           "MODEL.RESNETS.DEPTH=50", /* detectron2 keeps it; Swin has none */
           "MODEL.SWIN.EMBED_DIM=32", "MODEL.SWIN.DEPTHS=(2, 2, 2, 2)",
           "MODEL.SWIN.NUM_HEADS=[1,2,4,8]", "MODEL.SWIN.WINDOW_SIZE=6",
           "MODEL.SWIN.DROP_PATH_RATE=0.0");
    o = proposals_model(&c.proposals, 512, 100);
    CHECK_INT(o.backbone.family, BACKBONE_SWIN);
    CHECK_INT(o.backbone.swin.embed, 32);
    CHECK_INT(o.backbone.swin.blocks[2], 2);
    CHECK_INT(o.backbone.swin.heads[3], 8);
    CHECK_INT(o.backbone.swin.window, 6);
    CHECK_NEAR(o.backbone.swin.drop_path, 0, 0);
    config_free(&c);
}

TEST(the_order_of_the_references_keys_does_not_matter) {
    static const char swin[] = "proposals: {backbone: {kind: swin-b}}\nstage: proposals\n";
    struct config c;
    assign(STAGE_PROPOSALS, swin,
           (const char *[]){"MODEL.RESNETS.RES5_MULTI_GRID=[1, 2, 4]", "MODEL.RESNETS.DEPTH=101",
                            "MODEL.SEM_SEG_HEAD.PIXEL_DECODER_NAME=BasePixelDecoder",
                            "MODEL.SEM_SEG_HEAD.TRANSFORMER_ENC_LAYERS=2",
                            "MODEL.BACKBONE.NAME=build_resnet_backbone", NULL},
           &c);
    struct maskformer_options o = proposals_model(&c.proposals, 512, 100);
    CHECK_INT(o.backbone.resnet.stage[2].blocks, 23);
    for (int i = 0; i < 3; i++) CHECK_INT(o.backbone.resnet.grid[i], 1); /* a plain builder's */
    CHECK(!o.pixel.input_proj);
    CHECK_INT(o.pixel.encoder.layers, 0);
    config_free(&c);
    assign(STAGE_PROPOSALS, swin,
           (const char *[]){"MODEL.SEM_SEG_HEAD.TRANSFORMER_ENC_LAYERS=2",
                            "MODEL.SEM_SEG_HEAD.PIXEL_DECODER_NAME=TransformerEncoderPixelDecoder",
                            NULL},
           &c);
    o = proposals_model(&c.proposals, 512, 100);
    CHECK(o.pixel.input_proj);
    CHECK_INT(o.pixel.encoder.layers, 2);
    config_free(&c);
    ASSIGN(PROPOSALS, &c, "stage=proposals", "MODEL.RESNETS.RES5_MULTI_GRID=[1, 2, 3]",
           "MODEL.BACKBONE.NAME=build_resnet_deeplab_backbone");
    CHECK_INT(proposals_model(&c.proposals, 512, 100).backbone.resnet.grid[2], 3);
    config_free(&c);
}

TEST(the_plain_pixel_decoder_does_not_read_the_layers_of_an_encoder) {
    struct config c;
    ASSIGN(PROPOSALS, &c, "stage=proposals", "MODEL.SEM_SEG_HEAD.TRANSFORMER_ENC_LAYERS=6");
    CHECK_INT(proposals_model(&c.proposals, 512, 100).pixel.encoder.layers, 0);
    config_free(&c);
}

static double decay_of(const struct group_rule *rules, const char *name) {
    for (int i = 0; i < PROPOSALS_RULES; i++)
        if (fnmatch(rules[i].pattern, name, 0) == 0) return rules[i].weight_decay;
    return NAN;
}

TEST(norms_and_embeddings_have_a_decay_of_their_own) {
    struct config c;
    struct group_rule rules[PROPOSALS_RULES];
    ASSIGN(PROPOSALS, &c, "stage=proposals", "SOLVER.WEIGHT_DECAY=0.25",
           "SOLVER.WEIGHT_DECAY_NORM=0.5", "SOLVER.WEIGHT_DECAY_EMBED=0.75");
    proposals_rules(rules, &c.optim);
    static const struct {
        const char *name;
        double decay;
    } wanted[] = {
        {"backbone.layers.0.blocks.0.norm1.bias", 0.5},
        {"backbone.layers.0.blocks.0.attn.relative_position_bias_table", 0},
        {"backbone.layers.0.blocks.0.attn.qkv.bias", 0.25},
        {"sem_seg_head.pixel_decoder.layer_1.norm.weight", 0.5},
        {"sem_seg_head.predictor.query_embed.weight", 0.75},
        {"sem_seg_head.predictor.mask_embed.layers.0.bias", 0.25},
        {"clip_adapter.non_object_embedding", 0.25},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        CHECK_NEAR(decay_of(rules, wanted[i].name), wanted[i].decay, 0);
    config_free(&c);
    ASSIGN(PROPOSALS, &c, "stage=proposals");
    CHECK(c.optim.weight_decay_norm == 0 && c.optim.weight_decay_embed == 0);
    config_free(&c);
}

TEST(the_decoders_are_put_together_from_several_keys) {
    struct config c;
    ASSIGN(PROPOSALS, &c, "stage=proposals",
           "MODEL.SEM_SEG_HEAD.PIXEL_DECODER_NAME=TransformerEncoderPixelDecoder",
           "MODEL.SEM_SEG_HEAD.TRANSFORMER_ENC_LAYERS=2", "MODEL.SEM_SEG_HEAD.CONVS_DIM=128",
           "MODEL.MASK_FORMER.TRANSFORMER_IN_FEATURE=transformer_encoder",
           "MODEL.MASK_FORMER.PRE_NORM=True", "MODEL.MASK_FORMER.ENC_LAYERS=3",
           "MODEL.MASK_FORMER.ENFORCE_INPUT_PROJ=True", "MODEL.SEM_SEG_HEAD.NUM_CLASSES=7",
           "MODEL.SEM_SEG_HEAD.NORM=''");
    struct maskformer_options o = proposals_model(&c.proposals, 512, 100);
    CHECK_INT(o.pixel.encoder.layers, 2);
    CHECK(o.pixel.input_proj);
    CHECK_INT(o.pixel.encoder.width, 128); /* the pyramid's, not the decoder's */
    CHECK_INT(o.memory, MASKFORMER_ENCODED);
    CHECK_INT(o.decoder.encoder_layers, 3);
    CHECK(o.decoder.transformer.pre_norm && o.decoder.enforce_input_proj);
    CHECK_INT(o.pixel.norm.kind, NORM_NONE);
    config_free(&c);
}

TEST(gradients_are_not_clipped_when_the_key_says_so) {
    struct config c;
    ASSIGN(PROPOSALS, &c, "stage=proposals", "SOLVER.CLIP_GRADIENTS.CLIP_VALUE=0.02",
           "SOLVER.CLIP_GRADIENTS.ENABLED=True");
    CHECK_NEAR(c.optim.clip_norm, 0.02, 0);
    config_free(&c);
    ASSIGN(PROPOSALS, &c, "stage=proposals", "SOLVER.CLIP_GRADIENTS.ENABLED=False");
    CHECK_NEAR(c.optim.clip_norm, 0, 0);
    config_free(&c);
    CHECK_HAS(refused("SOLVER.LR_SCHEDULER_NAME=WarmupCosineLR"), "\"WarmupPolyLR\"");
}

TEST(the_only_value_that_there_is_may_be_spelled_as_in_python) {
    struct config c;
    ASSIGN(PROPOSALS, &c, "stage=proposals", "MODEL.RESNETS.STRIDE_IN_1X1=False",
           "MODEL.PIXEL_MEAN=(123.675, 116.280, 103.530)", "MODEL.SWIN.MLP_RATIO=4.0",
           "MODEL.SWIN.QK_SCALE=None",
           "MODEL.SEM_SEG_HEAD.IN_FEATURES=['res2', 'res3', 'res4', 'res5']");
    config_free(&c);
    CHECK_TEXT(refused("MODEL.RESNETS.STRIDE_IN_1X1=True"),
               "MODEL.RESNETS.STRIDE_IN_1X1=true: has no counterpart here: \"false\" is what there "
               "is");
    CHECK_HAS(refused("MODEL.PIXEL_MEAN=[0, 0, 0]"), "has no counterpart");
    CHECK_HAS(refused("MODEL.SWIN.APE=True"), "has no counterpart");
    CHECK_HAS(refused("MODEL.RESNETS.NORM=SSN"), "\"FrozenBN\", \"BN\"");
    CHECK_HAS(refused("MODEL.RESNETS.DEPTH=34"), "50, 101 or 152");
    CHECK_HAS(refused("MODEL.BACKBONE.NAME=resnest"), "D2SwinTransformer");
    CHECK_HAS(refused("MODEL.NO_SUCH.KEY=1"), "MODEL.NO_SUCH.KEY: no key of the reference's");
}

static void check_templates(const char *const *args, size_t n, const char *first) {
    struct config c;
    assign(STAGE_EVALUATE, "", args, &c);
    CHECK_INT(c.text.templates.n, n);
    CHECK_TEXT(c.text.templates.at[0], first);
    config_free(&c);
}

TEST(predefined_templates_are_those_of_their_own_key_in_either_order) {
    static const char is[] = "MODEL.CLIP_ADAPTER.TEXT_TEMPLATES=predefined",
                      own[] = "MODEL.CLIP_ADAPTER.PREDEFINED_PROMPT_TEMPLATES=['a {}.', 'one {}']";
    check_templates((const char *[]){"stage=evaluate", is, NULL}, 1, "predefined");
    check_templates((const char *[]){"stage=evaluate", is, own, NULL}, 2, "a {}.");
    check_templates((const char *[]){"stage=evaluate", own, is, NULL}, 2, "a {}.");
    check_templates(
        (const char *[]){"stage=evaluate", "MODEL.CLIP_ADAPTER.TEXT_TEMPLATES=vild", own, NULL}, 1,
        "vild");
    CHECK_HAS(refused("MODEL.CLIP_ADAPTER.TEXT_TEMPLATES=mine"), "vild, imagenet or predefined");
}

TEST(keys_that_change_no_result_are_taken) {
    struct config c;
    ASSIGN(EVALUATE, &c, "stage=evaluate", "SOLVER.TEST_IMS_PER_BATCH=1", "CUDNN_BENCHMARK=False",
           "DATASETS.SAMPLE_PER_CLASS=-1", "DATASETS.SAMPLE_SEED=0", "WANDB.PROJECT=open_vocab_seg",
           "WANDB.NAME=None");
    config_free(&c);
}

TEST(our_keys_are_not_taken_for_theirs) {
    CHECK(reference_is_key("MODEL.X") && reference_is_key("SEED") && reference_is_key("A_2.b"));
    CHECK(!reference_is_key("optim.lr") && !reference_is_key("") && !reference_is_key("Model.X"));
    CHECK(!reference_is_key(".X") && !reference_is_key("2A.X"));
    char *theirs = reference_of("eval.lambda");
    CHECK_TEXT(theirs, "MODEL.CLIP_ADAPTER.CLIP_ENSEMBLE_WEIGHT");
    free(theirs);
    CHECK(!reference_of("scenes.size"));
}

TEST(every_key_that_has_a_setting_names_one_that_exists) {
    struct settings_table known = config_known();
    size_t named = 0;
    for (size_t k = 0; k < known.n; k++)
        for (size_t i = 0; i < known.at[k].n; i++) {
            char key[SETTING_MAX_KEY];
            setting_key(&known.at[k], &known.at[k].rows[i], key);
            char *theirs = reference_of(key);
            for (const char *c = theirs; c; c = strchr(c + 1, ',')) named++;
            free(theirs);
        }
    CHECK_INT(named, reference_count());
}
