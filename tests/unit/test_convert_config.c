#include "train/weights/convert_config.h"

#include "base/error.h"
#include "base/file.h"
#include "base/settings.h"
#include "configs/config.h"
#include "tests/test.h"

static char *put(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

static const char base[] =
    "MODEL:\n"
    "  BACKBONE: {FREEZE_AT: 0, NAME: \"build_resnet_deeplab_backbone\"}\n"
    "  WEIGHTS: \"R-103.pkl\"\n"
    "  RESNETS: {DEPTH: 101, STEM_TYPE: \"deeplab\", NUM_GROUPS: 1}\n"
    "  ROI_HEADS: {NMS_THRESH_TEST: 0.5}\n"
    "SOLVER: {BASE_LR: 0.0001, MAX_ITER: 120000, IMS_PER_BATCH: 32}\n"
    "INPUT:\n"
    "  MIN_SIZE_TRAIN: [256, 512]\n"
    "  CROP:\n"
    "    SIZE: (512, 512)\n"
    "VERSION: 2\n";
static const char top[] =
    "_BASE_: sub/base.yaml\n"
    "MODEL:\n"
    "  CLIP_ADAPTER: {MASK_THR: 0.35, CLIP_ENSEMBLE: True}\n"
    "SOLVER: {BASE_LR: 0.0002}\n"
    "DATASETS:\n"
    "  TRAIN: (\"coco_2017_train_stuff_sem_seg\",)\n"
    "CUDNN_BENCHMARK: True\n";

struct converted {
    char *in, *out;
    struct str report;
    struct settings_doc doc;
    struct config config;
};

/* The config that comes out, as a stage reads it. */
static void convert(struct converted *c, int stage) {
    struct problems p = {0};
    char *folder = test_path("sub");
    CHECK_OK(dir_make(folder));
    free(put("sub/base.yaml", base));
    *c = (struct converted){.in = put("theirs.yaml", top), .out = test_path("ours.yaml")};
    CHECK_OK(convert_config(c->in, c->out, stage, &c->report));
    CHECK_OK(settings_read(&c->doc, c->out));
    settings_assign(&c->doc, config_used(stage), config_known(), "", &c->config, &p);
    CHECK_OK(problems_close(&p, ERR_CONFIG));
    free(folder);
}

static void drop(struct converted *c) {
    settings_doc_free(&c->doc);
    config_free(&c->config);
    str_free(&c->report);
    free(c->in);
    free(c->out);
}

TEST(a_configuration_and_its_base_become_a_config_of_ours) {
    struct converted c;
    convert(&c, STAGE_PROPOSALS);
    CHECK_INT(c.config.run.stage, STAGE_PROPOSALS);
    CHECK_NEAR(c.config.optim.lr, 2e-4, 0); /* the later file wins */
    CHECK_INT(c.config.optim.steps, 120000);
    CHECK_INT(c.config.train.batch_global, 32);
    CHECK_INT(c.config.proposals.freeze_at, 0);
    CHECK_INT(c.config.segment.crop, 512);
    CHECK_TEXT(settings_text(&c.doc, "proposals.backbone.kind"), "resnet101");
    CHECK_TEXT(settings_text(&c.doc, "init.weights"), "R-103.pkl");
    drop(&c);
}

TEST(every_key_is_told_with_what_it_has_become) {
    static const char *const lines[] = {
        "used      SOLVER.BASE_LR 0.0002 -> optim.lr\n",
        "dropped   MODEL.RESNETS.NUM_GROUPS 1 -> it is what there is\n",
        "dropped   MODEL.ROI_HEADS.NMS_THRESH_TEST 0.5 -> of detectron2's other models\n",
        "dropped   CUDNN_BENCHMARK True -> it changes speed, not results\n",
        "DATASETS.TRAIN (\"coco_2017_train_stuff_sem_seg\",) -> sets are named by inputs.scenes",
        "elsewhere MODEL.CLIP_ADAPTER.MASK_THR 0.35 -> eval.mask_threshold, of another stage\n"};
    struct converted c;
    convert(&c, STAGE_PROPOSALS);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) CHECK_HAS(c.report.at, lines[i]);
    drop(&c);
}

TEST(the_same_file_is_a_config_of_an_evaluation) {
    struct converted c;
    convert(&c, STAGE_EVALUATE);
    CHECK_INT(c.config.run.stage, STAGE_EVALUATE);
    CHECK_NEAR(c.config.eval.mask_threshold, 0.35, 0);
    CHECK(!settings_find(&c.doc, "optim.lr"));
    drop(&c);
}

TEST(what_has_no_counterpart_is_named_with_file_and_line_and_nothing_is_written) {
    struct str report = {0};
    char *out = test_path("out.yaml");
    char *in = put("wrong.yaml",
                   "MODEL:\n  SWIN: {PATCH_SIZE: 8}\n  RESNET: {DEPTH: 50}\n"
                   "SOLVER: {BASE_LR: fast}\n");
    static const char *const wrong[] = {
        "wrong.yaml:2:10: MODEL.SWIN.PATCH_SIZE=8: has no counterpart here",
        "wrong.yaml:3:12: MODEL.RESNET.DEPTH: not a key", "optim.lr: "};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_ERROR(convert_config(in, out, STAGE_PROPOSALS, &report), ERR_CONFIG, wrong[i]);
    CHECK(!file_exists(out));
    free(in);
    str_free(&report);
    in = put("round.yaml", "_BASE_: round.yaml\n");
    CHECK_ERROR(convert_config(in, out, STAGE_PROPOSALS, &report), ERR_DATA, "_BASE_");
    free(in);
    str_free(&report);
    in = put("empty.yaml", "");
    CHECK_ERROR(convert_config(in, out, STAGE_PROPOSALS, &report), ERR_DATA, "no settings");
    free(in);
    str_free(&report);
    free(out);
}
