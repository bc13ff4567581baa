#include "train/weights/import_settings.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/import.h"
#include "configs/config.h"

/* A text of settings, without those that doc has. */
struct told {
    const struct settings_doc *doc;
    const struct import *im;
    struct str text;
};

__attribute__((format(printf, 3, 4))) static void tell(struct told *t, const char *key,
                                                       const char *fmt, ...) {
    if (settings_find(t->doc, key)) return;
    char value[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(value, sizeof value, fmt, ap);
    va_end(ap);
    str_add(&t->text, "%s: %s\n", key, value);
}

static void tell_int(struct told *t, const char *key, int64_t value) {
    if (value > 0) tell(t, key, "%lld", (long long)value);
}

/* One side of a tensor's shape; 0 when there is no such tensor. */
static int64_t side(const struct told *t, const char *name, int d) {
    const struct import_item *x = import_find(t->im, name);
    return x && d < x->shape.n ? x->shape.d[d] : 0;
}

/* How many of "PREFIX0SUFFIX", "PREFIX1SUFFIX", ... there are. */
static int64_t count(const struct told *t, const char *prefix, const char *suffix) {
    for (int64_t n = 0;; n++) {
        char *name = mem_format("%s%lld%s", prefix, (long long)n, suffix);
        bool there = import_find(t->im, name);
        free(name);
        if (!there) return n;
    }
}

static void tell_swin(struct told *t) {
    int64_t blocks[4], heads[4], rows = 0;
    for (int i = 0; i < 4; i++) {
        char prefix[64], table[128];
        snprintf(prefix, sizeof prefix, "backbone.layers.%d.blocks.", i);
        blocks[i] = count(t, prefix, ".attn.qkv.weight");
        snprintf(table, sizeof table, "%s0.attn.relative_position_bias_table", prefix);
        heads[i] = side(t, table, 1);
        rows = side(t, table, 0);
    }
    tell(t, "proposals.backbone.kind", "swin-b");
    tell_int(t, "proposals.backbone.embed", side(t, "backbone.patch_embed.proj.weight", 0));
    tell(t, "proposals.backbone.blocks", "[%lld, %lld, %lld, %lld]", (long long)blocks[0],
         (long long)blocks[1], (long long)blocks[2], (long long)blocks[3]);
    tell(t, "proposals.backbone.heads", "[%lld, %lld, %lld, %lld]", (long long)heads[0],
         (long long)heads[1], (long long)heads[2], (long long)heads[3]);
    tell_int(t, "proposals.backbone.window", (llround(sqrt((double)rows)) + 1) / 2);
}

static void tell_resnet(struct told *t) {
    int64_t res3 = count(t, "backbone.res3.", ".conv1.weight");
    int64_t res4 = count(t, "backbone.res4.", ".conv1.weight");
    bool deeplab = import_find(t->im, "backbone.stem.conv3.weight");
    tell(t, "proposals.backbone.kind", "resnet%d", res4 == 6 ? 50 : res3 == 8 ? 152 : 101);
    tell(t, "proposals.backbone.stem", deeplab ? "deeplab" : "basic");
    tell_int(t, "proposals.backbone.stem_width",
             side(t, deeplab ? "backbone.stem.conv3.weight" : "backbone.stem.conv1.weight", 0));
    tell_int(t, "proposals.backbone.res2_width", side(t, "backbone.res2.0.conv3.weight", 0));
    tell_int(t, "proposals.backbone.block_width", side(t, "backbone.res2.0.conv1.weight", 0));
    if (!import_find(t->im, "backbone.stem.conv1.norm.running_mean"))
        tell(t, "proposals.backbone.norm",
             import_find(t->im, "backbone.stem.conv1.norm.weight") ? "gn" : "none");
}

/* The memory is the map of as many channels as its projection takes in; without a projection it has
 * the decoder's width already. */
static void tell_memory(struct told *t, bool encodes) {
    int64_t in = side(t, "sem_seg_head.predictor.input_proj.weight", 1);
    const char *memory =
        encodes && (!in || in == side(t, "sem_seg_head.pixel_decoder.layer_1.weight", 0))
            ? "encoded"
            : NULL;
    int64_t res2 = side(t, "backbone.res2.0.conv3.weight", 0);
    if (!res2) res2 = side(t, "backbone.patch_embed.proj.weight", 0);
    static const char *const maps[] = {"res2", "res3", "res4", "res5"};
    for (int i = 0; !memory && i < 4; i++)
        if (in == res2 << i) memory = maps[i];
    if (memory) tell(t, "proposals.decoder.memory", "%s", memory);
}

static void tell_proposals(struct told *t) {
    static const char pixel[] = "sem_seg_head.pixel_decoder.", top[] = "sem_seg_head.predictor.";
    char name[160];
#define NAMED(part, rest) (snprintf(name, sizeof name, "%s%s", part, rest), name)
    if (import_find(t->im, "backbone.patch_embed.proj.weight"))
        tell_swin(t);
    else
        tell_resnet(t);
    int64_t encoder = count(t, NAMED(pixel, "transformer.encoder.layers."), ".linear1.weight");
    tell_int(t, "proposals.pixel.width", side(t, NAMED(pixel, "layer_1.weight"), 0));
    tell_int(t, "proposals.pixel.mask_width", side(t, NAMED(pixel, "mask_features.weight"), 0));
    if (!import_find(t->im, NAMED(pixel, "layer_1.norm.weight")))
        tell(t, "proposals.pixel.norm", "false");
    tell_int(t, "proposals.pixel.encoder", encoder);
    bool encodes = import_find(t->im, NAMED(pixel, "input_proj.weight"));
    if (encodes && !encoder) tell(t, "proposals.pixel.input_proj", "true");
    tell_memory(t, encodes);
    tell_int(t, "proposals.decoder.queries", side(t, NAMED(top, "query_embed.weight"), 0));
    tell_int(t, "proposals.decoder.width", side(t, NAMED(top, "query_embed.weight"), 1));
    tell_int(t, "proposals.decoder.layers",
             count(t, NAMED(top, "transformer.decoder.layers."), ".linear1.weight"));
    tell_int(t, "proposals.decoder.encoder",
             count(t, NAMED(top, "transformer.encoder.layers."), ".linear1.weight"));
    tell_int(t, "proposals.decoder.hidden",
             side(t, NAMED(top, "transformer.decoder.layers.0.linear1.weight"), 0));
    int64_t layers = count(t, NAMED(top, "class_embed.layers."), ".weight");
    tell_int(t, "proposals.class.layers", layers);
    if (layers > 1)
        tell_int(t, "proposals.class.hidden",
                 side(t, NAMED(top, "class_embed.layers.0.weight"), 0));
#undef NAMED
}

/* A residual tower is one of the published ones, by its width and depth. */
static int tell_residual(struct told *t, const struct clip_resnet_options *r) {
    static const char *const names[] = {"RN50", "RN101", "RN50x4", "RN50x16"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct clip_options o;
        if (!clip_options_named(names[i], &o) && o.resnet.width == r->width &&
            o.resnet.blocks[2] == r->blocks[2]) {
            tell(t, "clip.model", "%s", names[i]);
            return 0;
        }
    }
    return error_set(ERR_DATA,
                     "%s: its residual image tower, %lld wide with %lld blocks in its third stage, "
                     "is none of RN50, RN101, RN50x4 and RN50x16, which there are",
                     t->im->path, (long long)r->width, (long long)r->blocks[2]);
}

/* A count that the config gives where the file tells none. */
static void given_int(const struct settings_doc *doc, const char *key, int64_t *value) {
    const char *text = settings_text(doc, key);
    if (!*value && text) *value = strtoll(text, NULL, 10); /* its row checks it later */
}

static int tell_clip(struct told *t, struct import *im, const char *prefix) {
    static const char *const words[] = {"quickgelu", "gelu"}; /* enum clip_activation */
    const char *given = settings_text(t->doc, "clip.activation");
    int activation = ACTIVATION_UNKNOWN;
    for (int i = 0; given && i < 2; i++)
        if (strcmp(given, words[i]) == 0) activation = i;
    given_int(t->doc, "clip.heads", &im->facts.image_heads);
    given_int(t->doc, "clip.text.heads", &im->facts.text_heads);
    struct clip_options o;
    int status = import_clip_options(im, prefix, activation, &o);
    if (status) return status;
    int says = im->facts.activation;
    if (activation != ACTIVATION_UNKNOWN && says != ACTIVATION_UNKNOWN && says != activation)
        log_warn("%s: its activation is %s; clip.activation, %s, is computed with", im->path,
                 words[says], words[activation]);
    if (import_facts_odd_pixels(&im->facts))
        log_warn(
            "%s: its pixels have another mean or deviation than OpenAI's, with which this program "
            "computes: untrained it does worse than it could",
            im->path);
    tell(t, "clip.activation", "%s", words[o.image.activation]);
    tell_int(t, "prompt.depth", o.image.prompt_depth);
    if (settings_find(t->doc, "clip.model")) return 0;
    if (o.resnet.width) return tell_residual(t, &o.resnet);
    tell_int(t, "clip.image_size", o.image.image_size);
    tell_int(t, "clip.patch", o.image.patch);
    tell_int(t, "clip.width", o.image.width);
    tell_int(t, "clip.layers", o.image.layers);
    tell_int(t, "clip.heads", o.image.heads);
    tell_int(t, "clip.features", o.features);
    tell_int(t, "clip.text.width", o.text.width);
    tell_int(t, "clip.text.layers", o.text.layers);
    tell_int(t, "clip.text.heads", o.text.heads);
    tell_int(t, "clip.text.context", o.text.context);
    return 0;
}

int import_settings(struct settings_doc *doc, const char *path) {
    static const char *const all[] = {"*", NULL};
    struct import im;
    int status = import_open(&im, path, NULL);
    struct told t = {.doc = doc, .im = &im};
    if (!status && import_has_proposals(&im)) tell_proposals(&t);
    const char *prefix = status ? NULL : import_clip_prefix(&im);
    if (prefix) status = tell_clip(&t, &im, prefix);
    struct settings_doc from;
    if (!status && t.text.n) {
        status = settings_parse(&from, path, t.text.at);
        if (!status) status = settings_inherit(doc, &from, all);
        settings_doc_free(&from);
    }
    str_free(&t.text);
    import_close(&im);
    return status;
}
