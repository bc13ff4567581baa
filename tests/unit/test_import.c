/* Weights in the layouts of others come in under our names, whole or not at all. */
#include "tests/torch.h"
#include "tests/unit/import_made.h"

static const struct import_item *item_of(const struct import *im, const char *name) {
    for (size_t i = 0; i < im->n; i++)
        if (strcmp(im->at[i].name, name) == 0) return &im->at[i];
    test_fail(__FILE__, __LINE__, "no item %s", name);
}

static void check_item(const struct import *im, const char *name, unsigned verdict,
                       const char *rule) {
    const struct import_item *item = item_of(im, name);
    CHECK_INT(item->verdict, verdict);
    if (rule)
        CHECK_TEXT(item->rule, rule);
    else
        CHECK(!item->rule);
}

/* Loads `path` into another model of the same shape: all bits must be those of p. */
static void check_clip(const char *path, const struct params *p, const struct clip_options *o) {
    struct params q = {0};
    make_clip(&q, "", o, 2);
    CHECK_OK(import_load(path, &q, (struct import_options){0}, NULL));
    check_equal(&q, p);
    params_free(&q);
}

TEST(a_state_dict_of_open_clip_is_used_as_it_is) {
    struct params p = {0}, module = {0}, custom = {0};
    make_clip(&p, "", &TINY, 1);
    char *path = save(&p, "p.safetensors");
    check_clip(path, &p, &TINY);
    rename_all(&module, &p, "", "module.");
    free(path);
    path = save(&module, "module.safetensors");
    check_clip(path, &p, &TINY);
    for (size_t i = 0; i < p.n; i++) { /* CustomTextCLIP */
        bool text = !starts(p.at[i].name, "visual.") && strcmp(p.at[i].name, "logit_scale") != 0;
        char *name = mem_format("%s%s", text ? "text." : "", p.at[i].name);
        put(&custom, name, t_clone(p.at[i].t));
        free(name);
    }
    put(&custom, "text.attn_mask", t_zeros(SHAPE(12, 12), T_F32));
    free(path);
    path = save(&custom, "custom.safetensors");
    check_clip(path, &p, &TINY);
    struct import im;
    CHECK_OK(import_open(&im, path, NULL));
    CHECK_TEXT(import_family_name(&im), "open_clip");
    check_item(&im, "ln_final.weight", IMPORT_RENAMED, NULL);
    check_item(&im, "visual.proj", 0, NULL);
    check_item(&im, "text.attn_mask", IMPORT_DROPPED, "recomputed");
    CHECK_INT(im.facts.activation, ACTIVATION_UNKNOWN);
    import_close(&im);
    free(path);
    params_free(&p);
    params_free(&module);
    params_free(&custom);
}

TEST(half_precision_becomes_single) {
    static const enum t_dtype types[] = {T_F16, T_BF16, T_F64};
    struct params p = {0}, q = {0};
    make_clip(&p, "", &TINY, 1);
    for (int i = 0; i < 3; i++) {
        cast_all(&p, types[i]);
        char *path = save(&p, "half.safetensors");
        cast_all(&p, T_F32);
        check_clip(path, &p, &TINY);
        struct import im;
        CHECK_OK(import_open(&im, path, NULL));
        check_item(&im, "visual.proj", IMPORT_CAST, NULL);
        CHECK_INT(t_dtype(import_tensor(&im, import_find(&im, "visual.proj"))), T_F32);
        import_close(&im);
        free(path);
    }
    put(&q, "visual.proj", t_zeros(SHAPE(2, 2), T_I64));
    for (size_t i = 0; i < p.n; i++)
        if (strcmp(p.at[i].name, "visual.proj") != 0) put(&q, p.at[i].name, t_clone(p.at[i].t));
    char *path = save(&q, "whole.safetensors");
    check_refused(path, "visual.proj I64 [2, 2]: weights are floating-point numbers");
    free(path);
    params_free(&p);
    params_free(&q);
}

TEST(a_residual_clip_comes_without_its_counters) {
    static const struct clip_options o = {
        .resnet = {.image_size = 64, .width = 4, .blocks = {1, 2, 1, 1}},
        .text = {.vocab = 40, .context = 12, .width = 64, .layers = 2},
        .features = 16,
        .temperature = 0.07,
    };
    struct params p = {0}, theirs = {0};
    make_clip(&p, "", &o, 1);
    rename_all(&theirs, &p, "", "");
    put(&theirs, "visual.bn1.num_batches_tracked", t_zeros(SCALAR, T_I64));
    put(&theirs, "visual.layer2.1.bn3.num_batches_tracked", t_zeros(SCALAR, T_I64));
    char *path = save(&theirs, "rn.safetensors");
    check_clip(path, &p, &o);
    struct import im;
    struct clip_options found;
    CHECK_OK(import_open(&im, path, NULL));
    check_item(&im, "visual.layer2.1.bn3.num_batches_tracked", IMPORT_DROPPED, "batch-counter");
    CHECK_OK(import_clip_options(&im, "", CLIP_GELU, &found));
    CHECK_INT(found.resnet.width, 4);
    CHECK_INT(found.resnet.image_size, 64);
    CHECK_INT(found.resnet.blocks[1], 2);
    CHECK_INT(found.text.layers, 2);
    CHECK_INT(found.text.activation, CLIP_GELU);
    import_close(&im);
    free(path);
    params_free(&p);
    params_free(&theirs);
}

TEST(what_is_unknown_or_missing_is_named) {
    struct params p = {0};
    make_clip(&p, "", &TINY, 1);
    struct param *scale = params_find(&p, "visual.transformer.resblocks.1.ln_2.bias");
    char *name = scale->name;
    scale->name = mem_strdup("visual.transformer.resblocks.1.ln_3.bias");
    char *path = save(&p, "x.safetensors");
    check_refused(path, "no rule knows 1 of its tensors: visual.transformer.resblocks.1.ln_3.bias");
    free(scale->name);
    scale->name = mem_strdup("attn_mask"); /* dropped by a rule, so the other one is missing */
    CHECK_OK(weights_save(path, &p, NULL, 0));
    check_refused(path, "1 missing: visual.transformer.resblocks.1.ln_2.bias");
    free(scale->name);
    scale->name = name;
    struct params q = {0};
    for (size_t i = 0; i < p.n; i++) /* without the middle block */
        if (!starts(p.at[i].name, "visual.transformer.resblocks.1."))
            put(&q, p.at[i].name, t_clone(p.at[i].t));
    CHECK_OK(weights_save(path, &q, NULL, 0));
    check_refused(path, "visual.transformer.resblocks.1.attn.in_proj_weight");
    params_free(&q);
    for (size_t i = 0; i < p.n; i++) /* the image tower alone */
        if (starts(p.at[i].name, "visual.")) put(&q, p.at[i].name, t_clone(p.at[i].t));
    CHECK_OK(weights_save(path, &q, NULL, 0));
    check_refused(path, "token_embedding.weight");
    params_free(&q);
    put(&p, "ln_final.num", t_zeros(SHAPE(1), T_F32));
    CHECK_OK(weights_save(path, &p, NULL, 0));
    check_refused(path, "ln_final.num");
    free(path);
    params_free(&p);
}

/* How often a text stands in the pending error. */
static int times_said(const char *text) {
    int n = 0;
    for (const char *at = error_message(); (at = strstr(at, text)); at += strlen(text)) n++;
    return n;
}

/* It is needed by a rule, which knows its name in the file, and by the layout. */
TEST(what_is_missing_is_named_once_with_the_name_that_the_file_would_have) {
    static const char *const name[] = {
        "logit_scale", "visual_projection.weight", "text_projection.weight",
        "text_model.embeddings.position_embedding.weight", "text_model.final_layer_norm.weight"};
    struct params p = {0};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        put(&p, name[i], t_zeros(SHAPE(4, 4), T_F32));
    char *path = save(&p, "x.safetensors");
    struct import im;
    CHECK_INT(import_open(&im, path, NULL), ERR_DATA);
    CHECK_HAS(error_message(),
              "token_embedding.weight (in the file text_model.embeddings.token_embedding.weight)");
    CHECK_INT(times_said("token_embedding.weight"), 2);
    CHECK_INT(times_said("ln_final.bias"), 1);
    CHECK_INT(times_said("visual.conv1.weight"), 1);
    error_clear();
    free(path);
    params_free(&p);
}

TEST(two_names_of_one_tensor_are_both_named) {
    struct params p = {0};
    make_clip(&p, "", &TINY, 1);
    put(&p, "text.ln_final.bias", t_zeros(SHAPE(128), T_F32));
    put(&p, "text.token_embedding.weight", t_zeros(SHAPE(40, 128), T_F32));
    char *path = save(&p, "x.safetensors");
    check_refused(path,
                  "ln_final.bias are two names of one tensor, ln_final.bias: take one of "
                  "them out");
    check_refused(path, "text.ln_final.bias");
    free(path);
    params_free(&p);
}

TEST(other_families_are_refused_by_their_names) {
    static const char *const cases[][2] = {
        {"logit_bias", "SigLIP"},
        {"visual.trunk.blocks.0.norm1.weight", "timm"},
        {"visual.blocks.0.attn.q_proj.weight", "EVA-CLIP"},
        {"text_decoder.ln_final.weight", "CoCa"},
        {"sem_seg_head.predictor.level_embed.weight", "Mask2Former"},
        {"sem_seg_head.predictor.class_embed.weight", "closed list"},
        {"backbone.bottom_up.res2.0.conv1.weight", "feature pyramid"},
        {"res2_0_branch2a_w", "Caffe2"},
        {"blocks.0.attn.qkv.weight", "plain vision transformer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct params p = {0};
        if (i < 4) put(&p, "visual.conv1.weight", t_zeros(SHAPE(2, 3, 4, 4), T_F32));
        put(&p, cases[i][0], t_zeros(SHAPE(2), T_F32));
        char *path = save(&p, "x.safetensors");
        check_refused(path, cases[i][1]);
        free(path);
        params_free(&p);
    }
}

TEST(names_of_no_layout_are_kept_and_loading_says_what_does_not_fit) {
    struct params p = {0}, q = {0};
    put(&p, "w", t_ones(SHAPE(2), T_F16));
    put(&p, "odd", t_ones(SHAPE(2), T_I64));
    put(&q, "w", t_zeros(SHAPE(2), T_F32));
    char *path = save(&p, "x.safetensors");
    CHECK_ERROR(import_load(path, &q, (struct import_options){0}, NULL), ERR_CONFIG,
                "(no layout that is known): does not fit the model; 1 unexpected: odd");
    CHECK_NEAR(t_item(t_select(q.at[0].t, 0, 1)), 0, 0);
    static const char *const odd[] = {"odd"};
    struct import_options o = {.allow_unexpected = odd, .n_allow_unexpected = 1};
    CHECK_OK(import_load(path, &q, o, NULL));
    CHECK_NEAR(t_item(t_select(q.at[0].t, 0, 1)), 1, 0);
    free(path);
    params_free(&p);
    params_free(&q);
}

/* The verdict of one import: 0 and whole, or refused with a message. */
static bool survives(const char *path, size_t whole) {
    struct import im;
    if (import_open(&im, path, NULL)) {
        CHECK(strlen(error_message()) > strlen(path));
        error_clear();
        return false;
    }
    CHECK_INT(im.n, whole);
    for (size_t i = 0; i < im.n; i++)
        if (!(im.at[i].verdict & IMPORT_DROPPED)) CHECK(import_tensor(&im, &im.at[i]));
    import_close(&im);
    return true;
}

TEST(changed_letters_in_the_names_are_refused_or_kept) {
    struct params p = {0};
    make_clip(&p, "", &TINY, 1);
    char *path = save(&p, "x.safetensors");
    struct bytes file;
    CHECK_OK(file_read(path, 64 << 20, &file));
    uint64_t header = input_little(file.at, 8);
    int refused = 0;
    for (uint32_t i = 0, x = 1; i < 300; i++) {
        x = x * 1664525 + 1013904223;
        uint8_t *byte = &file.at[8 + (x >> 8) % header], old = *byte;
        *byte = (uint8_t)("0129.ab_#@*|"[x % 12]);
        CHECK_OK(file_write(path, file.at, file.n));
        refused += !survives(path, p.n);
        *byte = old;
    }
    CHECK(refused > 200); /* of the others most are the same letter again */
    bytes_free(&file);
    free(path);
    params_free(&p);
}

TEST(a_checkpoint_of_the_reference_fills_the_whole_model) {
    static const char *const layouts[] = {"", "module."};
    struct maskformer_options o = small_swin();
    struct params p = {0}, q = {0}, theirs = {0};
    make_ovseg(&p, &o);
    t_seed(9);
    for (int i = 0; i < 2; i++) {
        rename_all(&theirs, &p, "", layouts[i]);
        const float mean[] = {51, 102, 153}, std[] = {255, 127.5F, 51};
        char *names[4];
        for (int k = 0; k < 4; k++) {
            static const char *const buffers[] = {
                "criterion.empty_weight", "clip_adapter.pixel_mean", "clip_adapter.pixel_std",
                "backbone.layers.1.blocks.1.attn_mask"};
            names[k] = mem_format("%s%s", layouts[i], buffers[k]);
        }
        put(&theirs, names[0], t_ones(SHAPE(172), T_F32));
        put(&theirs, names[1], t_from_data(mean, SHAPE(1, 3, 1, 1), T_F32));
        put(&theirs, names[2], t_from_data(std, SHAPE(1, 3, 1, 1), T_F32));
        put(&theirs, names[3], t_ones(SHAPE(4, 9, 9), T_F32));
        for (int k = 0; k < 4; k++) free(names[k]);
        char *path = save(&theirs, "ovseg.safetensors");
        make_ovseg(&q, &o);
        struct import_facts facts;
        CHECK_OK(import_load(path, &q, (struct import_options){0}, &facts));
        check_equal(&q, &p);
        CHECK_INT(facts.activation, CLIP_QUICK_GELU);
        CHECK_NEAR(facts.mean[1], 0.4, 1e-7);
        CHECK_NEAR(facts.std[1], 0.5, 1e-7);
        import_facts_free(&facts);
        free(path);
        params_free(&q);
        params_free(&theirs);
    }
    params_free(&p);
}

TEST(parts_of_a_checkpoint_fill_models_of_their_own) {
    struct maskformer_options o = small_swin();
    struct params p = {0}, clip = {0}, proposals = {0};
    make_ovseg(&p, &o);
    char *path = save(&p, "ovseg.safetensors");
    make_clip(&clip, "", &TINY, 4);
    CHECK_OK(import_load(path, &clip, (struct import_options){.prefix = "clip_adapter.clip_model."},
                         NULL));
    CHECK(test_equal_bits(params_find(&clip, "visual.proj")->t,
                          params_find(&p, "clip_adapter.clip_model.visual.proj")->t));
    struct maskformer *m = mem_alloc(1, sizeof *m);
    maskformer_init(m, params_root(&proposals), &o);
    free(m);
    static const char *const others[] = {"clip_adapter.clip_model.*"};
    struct import_options rest = {.allow_unexpected = others, .n_allow_unexpected = 1};
    CHECK_OK(import_load(path, &proposals, rest, NULL));
    CHECK(test_equal_bits(params_find(&proposals, "backbone.norm2.bias")->t,
                          params_find(&p, "backbone.norm2.bias")->t));
    CHECK_ERROR(import_load(path, &proposals, (struct import_options){0}, NULL), ERR_CONFIG,
                "unexpected: clip_adapter.clip_model.logit_scale");
    free(path);
    path = save(&clip, "clip.safetensors"); /* and back, a CLIP into the place of another */
    struct import_options into = {.into = "clip_adapter.clip_model."};
    t_fill_(params_find(&p, "clip_adapter.clip_model.visual.proj")->t, 0);
    CHECK_OK(import_load(path, &p, into, NULL));
    CHECK(test_equal_bits(params_find(&clip, "visual.proj")->t,
                          params_find(&p, "clip_adapter.clip_model.visual.proj")->t));
    free(path);
    params_free(&p);
    params_free(&clip);
    params_free(&proposals);
}

TEST(files_of_maskformer_1_have_no_pixel_decoder_in_their_names) {
    static const char now[] = "sem_seg_head.pixel_decoder.";
    struct maskformer_options o = small_swin();
    struct params p = {0}, q = {0}, old = {0};
    make_ovseg(&p, &o);
    for (size_t i = 0; i < p.n; i++) {
        bool pixel = starts(p.at[i].name, now);
        char *name = mem_format("%s%s", pixel ? "sem_seg_head." : "",
                                p.at[i].name + (pixel ? sizeof now - 1 : 0));
        put(&old, name, t_clone(p.at[i].t));
        free(name);
    }
    char *path = save(&old, "v1.safetensors");
    make_ovseg(&q, &o);
    CHECK_OK(import_load(path, &q, (struct import_options){0}, NULL));
    check_equal(&q, &p);
    free(path);
    params_free(&p);
    params_free(&q);
    params_free(&old);
}

TEST(a_swin_of_imagenet_fills_all_but_the_output_norms) {
    static const char *const norms[] = {"backbone.norm*"};
    struct import_options o = {.into = "backbone.", .prefix = "backbone."};
    struct maskformer_options m = small_swin();
    struct params p = {0}, q = {0}, theirs = {0};
    struct swin *s = mem_alloc(2, sizeof *s);
    swin_init(&s[0], path_at(params_root(&p), "backbone"), &m.backbone.swin);
    swin_init(&s[1], path_at(params_root(&q), "backbone"), &m.backbone.swin);
    free(s);
    for (size_t i = 0; i < p.n; i++)
        if (!starts(p.at[i].name, "backbone.norm"))
            put(&theirs, p.at[i].name + strlen("backbone."), t_clone(p.at[i].t));
    put(&theirs, "norm.weight", t_ones(SHAPE(64), T_F32));
    put(&theirs, "norm.bias", t_ones(SHAPE(64), T_F32));
    put(&theirs, "head.weight", t_ones(SHAPE(5, 64), T_F32));
    put(&theirs, "head.bias", t_ones(SHAPE(5), T_F32));
    put(&theirs, "layers.1.blocks.1.attn_mask", t_ones(SHAPE(4, 9, 9), T_F32));
    char *path = save(&theirs, "swin.safetensors");
    CHECK_ERROR(import_load(path, &q, o, NULL), ERR_CONFIG, "8 missing: backbone.norm0.weight");
    o.allow_missing = norms;
    o.n_allow_missing = 1;
    CHECK_OK(import_load(path, &q, o, NULL));
    for (size_t i = 0; i < p.n; i++)
        if (!starts(p.at[i].name, "backbone.norm")) CHECK(test_equal_bits(p.at[i].t, q.at[i].t));
    struct import im;
    CHECK_OK(import_open(&im, path, NULL));
    CHECK_TEXT(import_family_name(&im), "Swin");
    check_item(&im, "head.bias", IMPORT_DROPPED, "classifier");
    check_item(&im, "backbone.patch_embed.norm.bias", IMPORT_RENAMED, NULL);
    import_close(&im);
    params_free(&q);
    m.backbone.swin.window = 4;
    s = mem_alloc(1, sizeof *s);
    swin_init(s, path_at(params_root(&q), "backbone"), &m.backbone.swin);
    free(s);
    CHECK_ERROR(import_load(path, &q, o, NULL), ERR_CONFIG, "of another window; it is not resized");
    free(path);
    params_free(&p);
    params_free(&q);
    params_free(&theirs);
}

static void make_resnet(struct params *p) {
    struct resnet_options o = {
        .stem = RESNET_STEM_BASIC, .stem_out = 4, .stages = 4, .norm = {.kind = NORM_BN}};
    for (int i = 0; i < 4; i++)
        o.stage[i] = (struct resnet_stage){.blocks = 1 + i % 2, .width = 2, .out = 8};
    struct resnet *r = mem_alloc(1, sizeof *r);
    resnet_init(r, path_at(params_root(p), "backbone"), &o);
    free(r);
    for (size_t i = 0; i < p->n; i++) t_copy_(p->at[i].t, t_randn(t_shape(p->at[i].t), 1));
}

/* backbone.res3.0.conv2.norm.bias -> layer2.0.bn2.bias; owned. */
static char *torchvision_name(const char *name) {
    int stage, block, conv;
    char end[64];
    if (sscanf(name, "backbone.stem.conv1.norm.%63s", end) == 1) return mem_format("bn1.%s", end);
    if (sscanf(name, "backbone.res%d.%d.conv%d.norm.%63s", &stage, &block, &conv, end) == 4)
        return mem_format("layer%d.%d.bn%d.%s", stage - 1, block, conv, end);
    if (sscanf(name, "backbone.res%d.%d.shortcut.norm.%63s", &stage, &block, end) == 3)
        return mem_format("layer%d.%d.downsample.1.%s", stage - 1, block, end);
    if (sscanf(name, "backbone.res%d.%d.shortcut.%63s", &stage, &block, end) == 3)
        return mem_format("layer%d.%d.downsample.0.%s", stage - 1, block, end);
    if (sscanf(name, "backbone.res%d.%d.%63s", &stage, &block, end) == 3)
        return mem_format("layer%d.%d.%s", stage - 1, block, end);
    return mem_strdup(name + strlen("backbone.stem."));
}

TEST(residual_networks_of_torchvision_and_detectron2_fill_the_backbone) {
    struct params p = {0}, theirs[2] = {{0}};
    make_resnet(&p);
    for (size_t i = 0; i < p.n; i++) {
        char *name = torchvision_name(p.at[i].name);
        put(&theirs[0], name, t_clone(p.at[i].t));
        free(name);
    }
    put(&theirs[0], "bn1.num_batches_tracked", t_zeros(SCALAR, T_I64));
    put(&theirs[0], "fc.weight", t_zeros(SHAPE(3, 8), T_F32));
    rename_all(&theirs[1], &p, "backbone.", "");
    put(&theirs[1], "stem.fc.bias", t_zeros(SHAPE(3), T_F32));
    for (int i = 0; i < 2; i++) {
        struct params q = {0};
        char *path = save(&theirs[i], "resnet.safetensors");
        make_resnet(&q);
        CHECK_OK(import_load(path, &q, (struct import_options){0}, NULL));
        check_equal(&q, &p);
        struct import im;
        CHECK_OK(import_open(&im, path, NULL));
        CHECK_TEXT(import_family_name(&im), i ? "detectron2's ResNet" : "torchvision's ResNet");
        check_item(&im, i ? "stem.fc.bias" : "fc.weight", IMPORT_DROPPED, "classifier");
        import_close(&im);
        params_free(&q);
        params_free(&theirs[i]);
        free(path);
    }
    params_free(&p);
}
