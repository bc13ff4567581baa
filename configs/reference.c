#include "configs/reference.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct word {
    const char *theirs, *ours;
};

/* What a key means here. */
enum meaning {
    KEY_SAME,  /* the value as it is */
    KEY_WORDS, /* another word for each of its values */
    KEY_ONLY,  /* no setting: this one value is what we do */
    KEY_ANY,   /* no setting, and no need of one: it follows from something else */
    KEY_OWN,   /* a function */
};

struct key {
    const char *theirs, *ours; /* ours: NULL for the next two */
    enum meaning meaning;
    const struct word *words; /* ends with NULL */
    const char *value;        /* the only one; or why any will do */
    int (*apply)(struct settings_doc *doc, const char *value);
};

static int set(struct settings_doc *doc, const char *key, const char *value) {
    struct override o = {.key = mem_strdup(key), .value = mem_strdup(value)};
    int status = settings_override(doc, &o);
    override_free(&o);
    return status;
}

static int no_counterpart(const char *key, const char *value, const char *why) {
    return error_set(ERR_CONFIG, "%s=%s: has no counterpart here: %s", key, value, why);
}

static const char *kind_of(const struct settings_doc *doc) {
    const char *kind = settings_text(doc, "proposals.backbone.kind");
    return kind ? kind : "resnet101";
}

/* A builder, whatever the stem: the multi-grid is of the deeplab one. Sizes stay as they are unless
 * the family changes; then they start from the reference's defaults. */
static int backbone_name(struct settings_doc *doc, const char *value) {
    bool swin = strcmp(value, "D2SwinTransformer") == 0;
    bool deeplab = strcmp(value, "build_resnet_deeplab_backbone") == 0;
    if (!swin && !deeplab && strcmp(value, "build_resnet_backbone") != 0)
        return no_counterpart("MODEL.BACKBONE.NAME", value,
                              "build_resnet_backbone, build_resnet_deeplab_backbone or "
                              "D2SwinTransformer");
    bool was_swin = strncmp(kind_of(doc), "swin", 4) == 0;
    int status = 0;
    if (swin != was_swin)
        status = set(doc, "proposals.backbone.kind", swin ? "swin-t" : "resnet50");
    if (!status && !swin)
        status = set(doc, "proposals.backbone.dilations", deeplab ? "[1, 2, 4]" : "[1, 1, 1]");
    return status;
}

/* The plain builder keeps the key and does not read it: what its name has set stays. */
static int multi_grid(struct settings_doc *doc, const char *value) {
    static const char key[] = "proposals.backbone.dilations";
    const struct setting_entry *said = settings_find(doc, key);
    bool plain = said && !said->file && said->yaml.kind == YAML_LIST && said->yaml.n;
    for (size_t i = 0; plain && i < said->yaml.n; i++)
        plain = strcmp(said->yaml.at[i].text, "1") == 0;
    return plain ? 0 : set(doc, key, value);
}

/* detectron2 keeps a depth also where the backbone is another. */
static int depth(struct settings_doc *doc, const char *value) {
    if (strncmp(kind_of(doc), "swin", 4) == 0) return 0;
    if (strcmp(value, "50") != 0 && strcmp(value, "101") != 0 && strcmp(value, "152") != 0)
        return no_counterpart("MODEL.RESNETS.DEPTH", value, "50, 101 or 152");
    char *kind = mem_format("resnet%s", value);
    int status = set(doc, "proposals.backbone.kind", kind);
    free(kind);
    return status;
}

/* The encoder's layers are a key of their own; the plain decoder, which is the default, does not
 * read it. */
static int pixel_layers(struct settings_doc *doc, const char *value) {
    const char *encoder = settings_text(doc, "proposals.pixel.input_proj");
    const char *layers = settings_text(doc, "proposals.pixel.encoder");
    bool has = (encoder && strcmp(encoder, "true") == 0) || (layers && strcmp(layers, "0") != 0);
    return has ? set(doc, "proposals.pixel.encoder", value) : 0;
}

static int pixel_decoder(struct settings_doc *doc, const char *value) {
    if (strcmp(value, "TransformerEncoderPixelDecoder") == 0)
        return set(doc, "proposals.pixel.input_proj", "true");
    if (strcmp(value, "BasePixelDecoder") == 0) {
        int status = set(doc, "proposals.pixel.input_proj", "false");
        return status ? status : set(doc, "proposals.pixel.encoder", "0");
    }
    return no_counterpart("MODEL.SEM_SEG_HEAD.PIXEL_DECODER_NAME", value,
                          "BasePixelDecoder or TransformerEncoderPixelDecoder");
}

/* On, the limit is a key of its own. */
static int clip_gradients(struct settings_doc *doc, const char *value) {
    if (strcmp(value, "true") == 0) return 0;
    if (strcmp(value, "false") == 0) return set(doc, "optim.clip_norm", "0");
    return no_counterpart("SOLVER.CLIP_GRADIENTS.ENABLED", value, "true or false");
}

/* The list is a key of its own; when it has been said already, it stays. */
static int text_templates(struct settings_doc *doc, const char *value) {
    static const char key[] = "text.templates";
    bool predefined = strcmp(value, "predefined") == 0;
    if (!predefined && strcmp(value, "vild") != 0 && strcmp(value, "imagenet") != 0)
        return no_counterpart("MODEL.CLIP_ADAPTER.TEXT_TEMPLATES", value,
                              "vild, imagenet or predefined");
    const struct setting_entry *said = settings_find(doc, key);
    bool list = said && said->yaml.kind == YAML_LIST && said->yaml.n;
    if (predefined && list && strchr(said->yaml.at[0].text, '{')) return 0;
    char *name = mem_format("[%s]", value);
    int status = set(doc, key, name);
    free(name);
    return status;
}

/* Height and width; here the part is a square. */
static int crop_size(struct settings_doc *doc, const char *value) {
    char side[16], end;
    int h = 0, w = 0;
    if (sscanf(value, " [ %d , %d ]%c", &h, &w, &end) != 2 || h != w)
        return no_counterpart("INPUT.CROP.SIZE", value, "two equal sides, [512, 512]");
    snprintf(side, sizeof side, "%d", h);
    return set(doc, "segment.crop", side);
}

/* What a file is to a stage: what it trains on from, or what an import reads. */
static int weights(struct settings_doc *doc, const char *value) {
    const char *stage = settings_text(doc, "stage");
    bool import = stage && strcmp(stage, "import") == 0;
    if (strstr(value, "://"))
        return no_counterpart("MODEL.WEIGHTS", value, "nothing is downloaded; name a file");
    if (stage && strcmp(stage, "evaluate") == 0)
        return no_counterpart("MODEL.WEIGHTS", value, "an evaluation's weights are its inputs");
    return set(doc, import ? "inputs.file" : "init.weights", value);
}

/* clang-format off */
#define SAME(key, setting) {.theirs = (key), .ours = (setting), .meaning = KEY_SAME}
#define WORDS(key, setting, ...) {.theirs = (key), .ours = (setting), .meaning = KEY_WORDS, .words = (const struct word[]){__VA_ARGS__, {NULL, NULL}}}
#define ONLY(key, one) {.theirs = (key), .meaning = KEY_ONLY, .value = (one)}
#define ANY(key, why) {.theirs = (key), .meaning = KEY_ANY, .value = (why)}
#define OWN(key, setting, function) {.theirs = (key), .ours = (setting), .meaning = KEY_OWN, .apply = (function)}
static const struct key keys[] = {
    SAME ("SEED",                                  "seed"),
    SAME ("OUTPUT_DIR",                            "output_dir"),
    SAME ("MODEL.DEVICE",                          "device"),
    WORDS("MODEL.META_ARCHITECTURE",               "eval.demo", {"OVSeg", "false"}, {"OVSegDEMO", "true"}),
    OWN  ("MODEL.WEIGHTS",                         "init.weights", weights),
    OWN  ("MODEL.BACKBONE.NAME",                   "proposals.backbone.kind", backbone_name),
    SAME ("MODEL.BACKBONE.FREEZE_AT",              "proposals.backbone.freeze_at"),
    OWN  ("MODEL.RESNETS.DEPTH",                   "proposals.backbone.kind", depth),
    SAME ("MODEL.RESNETS.STEM_TYPE",               "proposals.backbone.stem"),
    SAME ("MODEL.RESNETS.STEM_OUT_CHANNELS",       "proposals.backbone.stem_width"),
    SAME ("MODEL.RESNETS.RES2_OUT_CHANNELS",       "proposals.backbone.res2_width"),
    SAME ("MODEL.RESNETS.WIDTH_PER_GROUP",         "proposals.backbone.block_width"),
    OWN  ("MODEL.RESNETS.RES5_MULTI_GRID",         "proposals.backbone.dilations", multi_grid),
    WORDS("MODEL.RESNETS.NORM",                    "proposals.backbone.norm", {"FrozenBN", "frozen-bn"}, {"BN", "bn"}, {"SyncBN", "sync-bn"}, {"GN", "gn"}, {"", "none"}),
    ONLY ("MODEL.RESNETS.NUM_GROUPS",              "1"),
    ONLY ("MODEL.RESNETS.STRIDE_IN_1X1",           "false"),
    ONLY ("MODEL.RESNETS.RES4_DILATION",           "1"),
    ONLY ("MODEL.RESNETS.RES5_DILATION",           "1"),
    ONLY ("MODEL.RESNETS.OUT_FEATURES",            "[res2, res3, res4, res5]"),
    SAME ("MODEL.SWIN.EMBED_DIM",                  "proposals.backbone.embed"),
    SAME ("MODEL.SWIN.DEPTHS",                     "proposals.backbone.blocks"),
    SAME ("MODEL.SWIN.NUM_HEADS",                  "proposals.backbone.heads"),
    SAME ("MODEL.SWIN.WINDOW_SIZE",                "proposals.backbone.window"),
    SAME ("MODEL.SWIN.DROP_PATH_RATE",             "proposals.backbone.drop_path"),
    ANY  ("MODEL.SWIN.PRETRAIN_IMG_SIZE",          "without absolute positions it has no effect"),
    ANY  ("MODEL.SWIN.PROJECT_DIM",                "without PROJECTION it has no effect"),
    ANY  ("MODEL.SWIN.USE_CHECKPOINT",             "it changes memory, not results"),
    ONLY ("MODEL.SWIN.PATCH_SIZE",                 "4"),
    ONLY ("MODEL.SWIN.MLP_RATIO",                  "4"),
    ONLY ("MODEL.SWIN.QKV_BIAS",                   "true"),
    ONLY ("MODEL.SWIN.QK_SCALE",                   "null"),
    ONLY ("MODEL.SWIN.NORM_INDICES",               "null"),
    ONLY ("MODEL.SWIN.PROJECTION",                 "false"),
    ONLY ("MODEL.SWIN.DROP_RATE",                  "0"),
    ONLY ("MODEL.SWIN.ATTN_DROP_RATE",             "0"),
    ONLY ("MODEL.SWIN.APE",                        "false"),
    ONLY ("MODEL.SWIN.PATCH_NORM",                 "true"),
    ONLY ("MODEL.SWIN.OUT_FEATURES",               "[res2, res3, res4, res5]"),
    ONLY ("MODEL.PIXEL_MEAN",                      "[123.675, 116.28, 103.53]"),
    ONLY ("MODEL.PIXEL_STD",                       "[58.395, 57.12, 57.375]"),
    SAME ("MODEL.MASK_FORMER.DEEP_SUPERVISION",    "proposals.decoder.deep_supervision"),
    SAME ("MODEL.MASK_FORMER.NO_OBJECT_WEIGHT",    "proposals.loss.no_object"),
    SAME ("MODEL.MASK_FORMER.DICE_WEIGHT",         "proposals.loss.dice"),
    SAME ("MODEL.MASK_FORMER.MASK_WEIGHT",         "proposals.loss.mask"),
    SAME ("MODEL.MASK_FORMER.NHEADS",              "proposals.decoder.heads"),
    SAME ("MODEL.MASK_FORMER.DROPOUT",             "proposals.decoder.dropout"),
    SAME ("MODEL.MASK_FORMER.DIM_FEEDFORWARD",     "proposals.decoder.hidden"),
    SAME ("MODEL.MASK_FORMER.ENC_LAYERS",          "proposals.decoder.encoder"),
    SAME ("MODEL.MASK_FORMER.DEC_LAYERS",          "proposals.decoder.layers"),
    SAME ("MODEL.MASK_FORMER.PRE_NORM",            "proposals.decoder.pre_norm"),
    SAME ("MODEL.MASK_FORMER.HIDDEN_DIM",          "proposals.decoder.width"),
    SAME ("MODEL.MASK_FORMER.NUM_OBJECT_QUERIES",  "proposals.decoder.queries"),
    SAME ("MODEL.MASK_FORMER.ENFORCE_INPUT_PROJ",  "proposals.decoder.input_proj"),
    SAME ("MODEL.MASK_FORMER.TEST.PANOPTIC_ON",    "eval.panoptic.enabled"),
    SAME ("MODEL.MASK_FORMER.TEST.OBJECT_MASK_THRESHOLD", "eval.panoptic.object_threshold"),
    SAME ("MODEL.MASK_FORMER.TEST.OVERLAP_THRESHOLD", "eval.panoptic.overlap"),
    ANY  ("MODEL.MASK_FORMER.TEST.SEM_SEG_POSTPROCESSING_BEFORE_INFERENCE", "the reference does not read it"),
    WORDS("MODEL.MASK_FORMER.TRANSFORMER_IN_FEATURE", "proposals.decoder.memory", {"res2", "res2"}, {"res3", "res3"}, {"res4", "res4"}, {"res5", "res5"}, {"transformer_encoder", "encoded"}),
    SAME ("MODEL.MASK_FORMER.SIZE_DIVISIBILITY",   "proposals.divisor"),
    ONLY ("MODEL.SEM_SEG_HEAD.NAME",               "OpenVocabMaskFormerHead"),
    ONLY ("MODEL.SEM_SEG_HEAD.IN_FEATURES",        "[res2, res3, res4, res5]"),
    ONLY ("MODEL.SEM_SEG_HEAD.IGNORE_VALUE",       "255"),
    ANY  ("MODEL.SEM_SEG_HEAD.COMMON_STRIDE",      "the reference does not read it: it is 4"),
    ANY  ("MODEL.SEM_SEG_HEAD.LOSS_WEIGHT",        "the reference does not read it"),
    ANY  ("MODEL.SEM_SEG_HEAD.NUM_CLASSES",        "it is the number of names"),
    ANY  ("MODEL.SEM_SEG_HEAD.EMBEDDING_DIM",      "it is the length of CLIP's features"),
    SAME ("MODEL.SEM_SEG_HEAD.EMBED_HIDDEN_DIM",   "proposals.class.hidden"),
    SAME ("MODEL.SEM_SEG_HEAD.EMBED_LAYERS",       "proposals.class.layers"),
    SAME ("MODEL.SEM_SEG_HEAD.CONVS_DIM",          "proposals.pixel.width"),
    SAME ("MODEL.SEM_SEG_HEAD.MASK_DIM",           "proposals.pixel.mask_width"),
    WORDS("MODEL.SEM_SEG_HEAD.NORM",               "proposals.pixel.norm", {"GN", "true"}, {"", "false"}),
    OWN  ("MODEL.SEM_SEG_HEAD.PIXEL_DECODER_NAME", "proposals.pixel.encoder", pixel_decoder),
    OWN  ("MODEL.SEM_SEG_HEAD.TRANSFORMER_ENC_LAYERS", "proposals.pixel.encoder", pixel_layers),
    SAME ("MODEL.CLIP_ADAPTER.CLIP_MODEL_NAME",    "clip.model"),
    OWN  ("MODEL.CLIP_ADAPTER.TEXT_TEMPLATES",     "text.templates", text_templates),
    SAME ("MODEL.CLIP_ADAPTER.PREDEFINED_PROMPT_TEMPLATES", "text.templates"),
    SAME ("MODEL.CLIP_ADAPTER.MASK_FILL",          "crop.fill"),
    SAME ("MODEL.CLIP_ADAPTER.MASK_EXPAND_RATIO",  "crop.expand"),
    SAME ("MODEL.CLIP_ADAPTER.MASK_THR",           "eval.mask_threshold"),
    SAME ("MODEL.CLIP_ADAPTER.CLIP_ENSEMBLE_WEIGHT", "eval.lambda"),
    SAME ("MODEL.CLIP_ADAPTER.CLIP_ENSEMBLE",      "eval.ensemble"),
    SAME ("MODEL.CLIP_ADAPTER.MASK_MATTING",       "eval.matting"),
    SAME ("MODEL.CLIP_ADAPTER.MASK_PROMPT_DEPTH",  "prompt.depth"),
    SAME ("MODEL.CLIP_ADAPTER.MASK_PROMPT_FWD",    "eval.prompts"),
    ONLY ("MODEL.CLIP_ADAPTER.REGION_RESIZED",     "true"),
    ONLY ("MODEL.CLIP_ADAPTER.PROMPT_CHECKPOINT",  ""),
    ONLY ("INPUT.FORMAT",                          "RGB"),
    ONLY ("INPUT.DATASET_MAPPER_NAME",             "mask_former_semantic"),
    SAME ("INPUT.MIN_SIZE_TRAIN",                  "segment.sizes"),
    SAME ("INPUT.MAX_SIZE_TRAIN",                  "segment.longest"),
    ONLY ("INPUT.MIN_SIZE_TRAIN_SAMPLING",         "choice"),
    OWN  ("INPUT.CROP.SIZE",                       "segment.crop", crop_size),
    ONLY ("INPUT.CROP.ENABLED",                    "true"),
    ONLY ("INPUT.CROP.TYPE",                       "absolute"),
    SAME ("INPUT.CROP.SINGLE_CATEGORY_MAX_AREA",   "segment.single_area"),
    SAME ("INPUT.SIZE_DIVISIBILITY",               "segment.pad"),
    SAME ("INPUT.COLOR_AUG_SSD",                   "segment.colour"),
    SAME ("INPUT.MIN_SIZE_TEST",                   "eval.shortest"),
    SAME ("INPUT.MAX_SIZE_TEST",                   "eval.longest"),
    SAME ("TEST.AUG.ENABLED",                      "eval.tta.enabled"),
    SAME ("TEST.AUG.MIN_SIZES",                    "eval.tta.sizes"),
    SAME ("TEST.AUG.MAX_SIZE",                     "eval.tta.longest"),
    SAME ("TEST.AUG.FLIP",                         "eval.tta.flip"),
    SAME ("TEST.SLIDING_WINDOW",                   "eval.sliding.enabled"),
    SAME ("TEST.SLIDING_TILE_SIZE",                "eval.sliding.tile"),
    SAME ("TEST.SLIDING_OVERLAP",                  "eval.sliding.overlap"),
    SAME ("TEST.DENSE_CRF",                        "eval.crf.enabled"),
    SAME ("SOLVER.BASE_LR",                        "optim.lr"),
    SAME ("SOLVER.WEIGHT_DECAY",                   "optim.weight_decay"),
    SAME ("SOLVER.BACKBONE_MULTIPLIER",            "optim.backbone_multiplier"),
    SAME ("SOLVER.MAX_ITER",                       "optim.steps"),
    SAME ("SOLVER.WARMUP_ITERS",                   "optim.warmup"),
    SAME ("SOLVER.WARMUP_FACTOR",                  "optim.warmup_factor"),
    SAME ("SOLVER.POLY_LR_POWER",                  "optim.power"),
    SAME ("SOLVER.CLIP_GRADIENTS.CLIP_VALUE",      "optim.clip_norm"),
    SAME ("SOLVER.IMS_PER_BATCH",                  "batch.global"),
    SAME ("SOLVER.CHECKPOINT_PERIOD",              "checkpoint.every"),
    WORDS("SOLVER.LR_SCHEDULER_NAME",              "optim.schedule", {"WarmupPolyLR", "poly"}),
    ONLY ("SOLVER.WARMUP_METHOD",                  "linear"),
    ONLY ("SOLVER.AMP.ENABLED",                    "false"),
    ONLY ("SOLVER.OPTIMIZER",                      "ADAMW"),
    ANY  ("SOLVER.MOMENTUM",                       "AdamW has none"),
    ANY  ("SOLVER.GAMMA",                          "of schedules by steps, which are not here"),
    ANY  ("SOLVER.STEPS",                          "of schedules by steps, which are not here"),
    SAME ("SOLVER.WEIGHT_DECAY_EMBED",             "optim.weight_decay_embed"),
    SAME ("SOLVER.WEIGHT_DECAY_NORM",              "optim.weight_decay_norm"),
    ONLY ("SOLVER.POLY_LR_CONSTANT_ENDING",        "0"),
    OWN  ("SOLVER.CLIP_GRADIENTS.ENABLED",         "optim.clip_norm", clip_gradients),
    ONLY ("SOLVER.CLIP_GRADIENTS.CLIP_TYPE",       "full_model"),
    ONLY ("SOLVER.CLIP_GRADIENTS.NORM_TYPE",       "2"),
    ANY  ("SOLVER.TEST_IMS_PER_BATCH",             "it changes speed, not results"),
    ANY  ("CUDNN_BENCHMARK",                       "it changes speed, not results"),
    ANY  ("DATASETS.SAMPLE_PER_CLASS",             "the reference does not read it"),
    ANY  ("DATASETS.SAMPLE_SEED",                  "the reference does not read it"),
    ANY  ("WANDB.PROJECT",                         "nothing is sent anywhere"),
    ANY  ("WANDB.NAME",                            "nothing is sent anywhere"),
};
/* clang-format on */
enum { KEYS = sizeof keys / sizeof *keys };

bool reference_is_key(const char *key) {
    const char *c = key;
    while (isupper((unsigned char)*c) || (c != key && (isdigit((unsigned char)*c) || *c == '_')))
        c++;
    return c != key && (*c == '.' || !*c);
}

int reference_turn(const char *key) {
    static const char *const last[] = {"MODEL.SEM_SEG_HEAD.TRANSFORMER_ENC_LAYERS",
                                       "MODEL.CLIP_ADAPTER.TEXT_TEMPLATES",
                                       "SOLVER.CLIP_GRADIENTS.ENABLED"};
    if (strcmp(key, "MODEL.BACKBONE.NAME") == 0) return 0;
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        if (strcmp(key, last[i]) == 0) return REFERENCE_TURNS - 1;
    return 1;
}

/* A value in our spelling, owned: true and null for Python's words, brackets for parentheses. */
static char *respell(const char *value) {
    static const struct word words[] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(value, words[i].theirs) == 0) return mem_strdup(words[i].ours);
    char *s = mem_strdup(value);
    size_t n = strlen(s);
    if (n >= 2 && s[0] == '(' && s[n - 1] == ')') {
        s[0] = '[';
        s[n - 1] = ']';
        if (n >= 3 && s[n - 2] == ',') s[n - 2] = ' '; /* (1,) */
    }
    if (n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n - 1] == s[0]) {
        s[n - 1] = '\0';
        memmove(s, s + 1, n - 1);
    }
    return s;
}

/* Equal as lists of numbers and words: "[res2, res3]" and "['res2','res3']", "4" and "4.0". */
static bool equal(const char *a, const char *b) {
    static const char blank[] = " ,[]'\"";
    for (;;) {
        a += strspn(a, blank);
        b += strspn(b, blank);
        size_t n = strcspn(a, blank), m = strcspn(b, blank);
        if (!n || !m) return n == m;
        char *end_a, *end_b;
        double x = strtod(a, &end_a), y = strtod(b, &end_b);
        bool numbers = end_a == a + n && end_b == b + m;
        if (numbers ? x != y : n != m || memcmp(a, b, n) != 0) return false;
        a += n;
        b += m;
    }
}

static int apply(struct settings_doc *doc, const struct key *k, const char *value) {
    switch (k->meaning) {
    case KEY_SAME: return set(doc, k->ours, value);
    case KEY_OWN: return k->apply(doc, value);
    case KEY_ANY: return 0;
    case KEY_ONLY:
        if (equal(value, k->value)) return 0;
        return error_set(ERR_CONFIG, "%s=%s: has no counterpart here: \"%s\" is what there is",
                         k->theirs, value, k->value);
    case KEY_WORDS: break;
    }
    struct str known = {0};
    for (const struct word *w = k->words; w->theirs; w++) {
        if (strcmp(w->theirs, value) == 0) {
            str_free(&known);
            return set(doc, k->ours, w->ours);
        }
        str_add(&known, "%s\"%s\"", known.n ? ", " : "", w->theirs);
    }
    int status = error_set(ERR_CONFIG, "%s=%s: has no counterpart here: %s are known", k->theirs,
                           value, known.at);
    str_free(&known);
    return status;
}

int reference_override(struct settings_doc *doc, const struct override *o) {
    for (int i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].theirs, o->key) != 0) continue;
        char *value = respell(o->value);
        int status = apply(doc, &keys[i], value);
        free(value);
        return status;
    }
    return error_set(ERR_CONFIG, "%s: no key of the reference's that is known here", o->key);
}

char *reference_of(const char *setting) {
    struct str list = {0};
    for (int i = 0; i < KEYS; i++)
        if (keys[i].ours && strcmp(keys[i].ours, setting) == 0)
            str_add(&list, "%s%s", list.n ? ", " : "", keys[i].theirs);
    return list.at;
}

void reference_meaning(const char *key, const char **ours, const char **why) {
    *ours = *why = NULL;
    for (int i = 0; i < KEYS; i++)
        if (strcmp(keys[i].theirs, key) == 0) {
            *ours = keys[i].ours;
            if (keys[i].meaning == KEY_ANY) *why = keys[i].value;
            if (keys[i].meaning == KEY_ONLY) *why = "it is what there is";
        }
}

size_t reference_count(void) {
    size_t n = 0;
    for (int i = 0; i < KEYS; i++) n += keys[i].ours != NULL;
    return n;
}
