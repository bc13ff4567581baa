/* The YAML files under configs/: every key is known, every value in range; and the recipes of the
 * paper have the numbers of the paper. */
#include "base/file.h"
#include "configs/config.h"
#include "tests/test.h"

/* A file's settings, its base files included; one without a stage is a base file itself, and may
 * speak to any. */
static void load(const char *path, struct config *c) {
    struct settings_doc doc;
    struct problems p = {0};
    *c = (struct config){0};
    CHECK_OK(settings_read(&doc, path));
    const char *stage = settings_text(&doc, "stage");
    int kind = -1;
    for (int i = 0; stage && stage_names[i]; i++)
        if (strcmp(stage, stage_names[i]) == 0) kind = i;
    CHECK(!stage || kind >= 0);
    if (!stage) {
        struct override any = {.key = mem_strdup("stage"), .value = mem_strdup("scenes")};
        CHECK_OK(settings_override(&doc, &any));
        override_free(&any);
    }
    struct settings_table used = stage ? config_used(kind) : config_known();
    settings_assign(&doc, used, config_known(), path, c, &p);
    CHECK_OK(problems_close(&p, ERR_CONFIG));
    settings_doc_free(&doc);
}

static size_t load_all(const char *dir) {
    struct strings names;
    size_t n = 0;
    CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.at[i]);
        size_t length = strlen(path);
        struct config c;
        if (strcmp(names.at[i], "sweeps") == 0) {
            /* not stages: tests/e2e/test_sweep.c and test_paper.c open every trial of theirs */
        } else if (dir_exists(path)) {
            n += load_all(path);
        } else if (length > 5 && strcmp(path + length - 5, ".yaml") == 0) {
            load(path, &c);
            config_free(&c);
            n++;
        }
        free(path);
    }
    strings_free(&names);
    return n;
}

TEST(every_shipped_config_has_known_keys_and_values_in_range) {
    char *dir = test_source("configs");
    CHECK(load_all(dir) >= 50);
    free(dir);
}

static void open_paper(const char *file, struct config *c) {
    char *name = mem_format("configs/paper/%s", file), *path = test_source(name);
    load(path, c);
    free(path);
    free(name);
}

/* reference-spec 5.2, 6.1, annex A (columns R and S). */
struct proposals_recipe {
    const char *file;
    double lr, decay, multiplier;
    int64_t sizes, first, last, longest, crop, freeze_at;
    int backbone;
    const char *weights;
};

static void check_schedule(const struct config *c) {
    CHECK_INT(c->optim.steps, 120000);
    CHECK_INT(c->optim.warmup, 1500);
    CHECK_NEAR(c->optim.warmup_factor, 1e-6, 0);
    CHECK_NEAR(c->optim.power, 0.9, 0);
    CHECK_INT(c->optim.schedule, SCHEDULE_POLY);
    CHECK_NEAR(c->optim.clip_norm, 0.01, 0);
    CHECK_NEAR(c->optim.beta1, 0.9, 0);
    CHECK_NEAR(c->optim.beta2, 0.999, 0);
    CHECK_NEAR(c->optim.eps, 1e-8, 0);
    CHECK_INT(c->train.batch_global, 32);
    CHECK_INT(c->run.checkpoint_every, 5000);
    CHECK_INT(c->pretrain.steps, 0);
}

static void check_network(const struct config *c) {
    const struct proposals_options *o = &c->proposals;
    CHECK_INT(o->conv_width, 256);
    CHECK_INT(o->mask_width, 256);
    CHECK(o->pixel_norm && o->norm_groups == 32);
    CHECK_INT(o->pixel_encoder_layers, 0);
    CHECK_INT(o->queries, 100);
    CHECK_INT(o->width, 256);
    CHECK_INT(o->heads, 8);
    CHECK_INT(o->hidden, 2048);
    CHECK_INT(o->layers, 6);
    CHECK_INT(o->encoder_layers, 0);
    CHECK_NEAR(o->dropout, 0.1, 0);
    CHECK(!o->pre_norm && o->deep_supervision && !o->enforce_input_proj && !o->own_ffn_bias);
    CHECK_INT(o->class_hidden, 1024);
    CHECK_INT(o->class_layers, 2);
    CHECK_INT(o->divisor, 32);
    CHECK_NEAR(o->temperature, 100, 0);
    CHECK_NEAR(o->class_weight, 1, 0);
    CHECK_NEAR(o->mask_weight, 20, 0);
    CHECK_NEAR(o->dice_weight, 1, 0);
    CHECK_NEAR(o->no_object_weight, 0.1, 0);
    CHECK_NEAR(o->drop_path, 0.3, 0);
}

TEST(proposal_networks_are_trained_as_the_paper_and_the_released_files_say) {
    static const struct proposals_recipe recipes[] = {
        {"ovseg-r101c-vitb16/proposals.yaml", 2e-4, 1e-4, 0.1, 16, 256, 1024, 2048, 512, 0,
         BACKBONE_R101, "$weights/R-103.pkl"},
        {"ovseg-r101c-vitb16/yaml/proposals.yaml", 2e-4, 1e-4, 0.1, 1, 800, 800, 1333, 512, 2,
         BACKBONE_R101, "$weights/R-103.pkl"},
        {"ovseg-swinb-vitl14/proposals.yaml", 6e-5, 1e-2, 1, 16, 320, 1280, 2560, 640, 2,
         BACKBONE_SWIN_B, "$weights/swin_base_patch4_window12_384_22k.pth"},
    };
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        const struct proposals_recipe *r = &recipes[i];
        struct config c;
        open_paper(r->file, &c);
        CHECK_INT(c.run.stage, STAGE_PROPOSALS);
        CHECK_NEAR(c.optim.lr, r->lr, 0);
        CHECK_NEAR(c.optim.weight_decay, r->decay, 0);
        CHECK_NEAR(c.optim.backbone_multiplier, r->multiplier, 0);
        check_schedule(&c);
        check_network(&c);
        const struct ints *sizes = &c.segment.sizes;
        CHECK_INT(sizes->n, r->sizes);
        CHECK_INT(sizes->at[0], r->first);
        CHECK_INT(sizes->at[sizes->n - 1], r->last);
        bool swin = r->backbone == BACKBONE_SWIN_B; /* which ignores freeze_at (Q20) */
        for (size_t k = 0; sizes->n > 1 && k < sizes->n; k++)
            CHECK_INT(sizes->at[k], swin ? 320 + 64 * (int64_t)k : 512 * (5 + (int64_t)k) / 10);
        CHECK_INT(c.segment.longest, r->longest);
        CHECK_INT(c.segment.crop, r->crop);
        CHECK(c.segment.colour && c.segment.mirror);
        CHECK_INT(c.proposals.backbone, r->backbone);
        CHECK_INT(c.proposals.freeze_at, r->freeze_at);
        CHECK_INT(c.proposals.norm, NORM_FROZEN_BN);
        CHECK_INT(c.proposals.stem, RESNET_STEM_DEEPLAB);
        struct maskformer_options m = proposals_model(&c.proposals, 512, 100);
        if (swin) {
            CHECK(m.backbone.swin.embed == 128 && m.backbone.swin.window == 12);
        } else {
            CHECK_INT(m.backbone.resnet.stem_out, 128);
            for (int k = 0; k < 3; k++) CHECK_INT(m.backbone.resnet.grid[k], 1 << k);
        }
        CHECK_TEXT(c.init.weights, r->weights);
        config_free(&c);
    }
}

/* reference-spec 6.2; of the last one no script was released. */
struct clip_recipe {
    const char *file;
    int stage;
    double lr, decay;
    int64_t batch;
};

TEST(clips_are_tuned_as_the_paper_and_the_released_scripts_say) {
    static const struct clip_recipe recipes[] = {
        {"ovseg-r101c-vitb16/finetune.yaml", STAGE_CLIP_FINETUNE, 5e-6, 0.2, 1024},
        {"ovseg-swinb-vitl14/finetune.yaml", STAGE_CLIP_FINETUNE, 5e-6, 0.2, 256},
        {"ovseg-r101c-vitb16/yaml/finetune.yaml", STAGE_CLIP_FINETUNE, 5e-6, 0.2, 512},
        {"ovseg-swinb-vitl14/yaml/finetune.yaml", STAGE_CLIP_FINETUNE, 5e-6, 0.2, 128},
        {"ovseg-r101c-vitb16/mpt.yaml", STAGE_MASK_PROMPT, 0.02, 0, 1024},
        {"ovseg-swinb-vitl14/mpt.yaml", STAGE_MASK_PROMPT, 0.02, 0, 256},
        {"ovseg-swinb-vitl14/yaml/mpt.yaml", STAGE_MASK_PROMPT, 0.05, 0, 128},
        {"ovseg-r101c-vitb16/yaml/mpt.yaml", STAGE_MASK_PROMPT, 0.05, 0, 512},
    };
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        const struct clip_recipe *r = &recipes[i];
        struct config c;
        open_paper(r->file, &c);
        CHECK_INT(c.run.stage, r->stage);
        CHECK_NEAR(c.optim.lr, r->lr, 0);
        CHECK_NEAR(c.optim.weight_decay, r->decay, 0);
        CHECK_INT(c.train.batch_global, r->batch);
        CHECK_INT(c.optim.epochs, 5);
        CHECK_INT(c.optim.steps, 0);
        CHECK_INT(c.optim.warmup, 100);
        CHECK_INT(c.optim.schedule, SCHEDULE_COSINE);
        CHECK_NEAR(c.optim.beta2, 0.98, 0);
        CHECK_NEAR(c.optim.eps, 1e-6, 0);
        CHECK_NEAR(c.optim.clip_norm, 0, 0);
        CHECK(c.clip_train.loss == CLIP_LOSS_IN_BATCH && !c.clip_train.freeze_scale);
        CHECK_NEAR(c.crop.area_lo, 0.9, 0);
        CHECK_NEAR(c.crop.area_hi, 1, 0);
        if (r->stage == STAGE_MASK_PROMPT) CHECK(c.prompt.depth == 3 && !c.prompt.init);
        config_free(&c);
    }
}

TEST(inference_is_that_of_the_released_files) {
    static const char *const files[] = {"eval.yaml", "eval-trained.yaml", "model.yaml"};
    for (int i = 0; i < 6; i++) {
        bool swin = i >= 3;
        char *file =
            mem_format("%s/%s", swin ? "ovseg-swinb-vitl14" : "ovseg-r101c-vitb16", files[i % 3]);
        struct config c;
        open_paper(file, &c);
        CHECK_NEAR(c.eval.mask_threshold, swin ? 0.4 : 0.5, 0);
        CHECK_NEAR(c.eval.lambda, 0.7, 0);
        CHECK_INT(c.eval.shortest, swin ? 640 : 512);
        CHECK_INT(c.eval.longest, swin ? 2560 : 2048);
        CHECK(c.eval.ensemble && c.eval.prompts && !c.eval.matting && !c.eval.views.tta);
        CHECK_NEAR(c.eval.temperature, 100, 0);
        CHECK_NEAR(c.crop.expand, 1, 0);
        CHECK_TEXT(c.text.templates.at[0], "vild");
        config_free(&c);
        free(file);
    }
}
