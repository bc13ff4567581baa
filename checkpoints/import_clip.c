/* The sizes of a CLIP from the shapes of its tensors (reference-spec 3.4). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "checkpoints/import_parts.h"
#include "checkpoints/position_table.h"

static const struct import_item *at(const struct import *im, const char *prefix, const char *name) {
    char *full = mem_format("%s%s", prefix, name);
    const struct import_item *item = import_find(im, full);
    free(full);
    return item;
}

const char *import_clip_prefix(const struct import *im) {
    static const char *const prefixes[] = {"", "clip_adapter.clip_model."};
    for (int i = 0; i < 2; i++)
        if (at(im, prefixes[i], "visual.conv1.weight")) return prefixes[i];
    return NULL;
}

/* A tensor without elements may have an axis of any length; no product of ours overflows with
 * these. */
enum { AXIS_MAX = 1 << 24 };

/* The size of an axis; 0 and the error when there is no such tensor. */
static int64_t size_of(const struct import *im, const char *prefix, const char *name, int dims,
                       int axis) {
    const struct import_item *item = at(im, prefix, name);
    int64_t size = item && item->shape.n == dims ? item->shape.d[axis] : 0;
    if (size > 0 && size <= AXIS_MAX) return size;
    char shape[192] = "missing";
    if (item) st_shape_text(item->shape, shape, sizeof shape);
    error_set(ERR_DATA, "%s: not a CLIP of a size that is known: %s%s is %s", im->path, prefix,
              name, shape);
    return 0;
}

/* How many neighbours of a name with a number in it there are. */
static int64_t count(const struct import *im, const char *prefix, const char *before,
                     const char *behind) {
    for (int64_t n = 0;; n++) {
        char *name = mem_format("%s%" PRId64 "%s", before, n, behind);
        bool there = at(im, prefix, name) != NULL;
        free(name);
        if (!there) return n;
    }
}

/* g of 1 + g g positions. */
static int64_t grid(const struct import *im, const char *prefix, const char *name) {
    int64_t rows = size_of(im, prefix, name, 2, 0);
    int64_t g = rows ? position_table_grid(rows) : 0;
    if (rows && !g)
        error_set(ERR_DATA, "%s: %s%s has %" PRId64 " rows: not those of a square and one",
                  im->path, prefix, name, rows);
    return g;
}

static struct clip_vit_options vit(const struct import *im, const char *prefix) {
    const struct import_item *prompts = at(im, prefix, "visual.mask_embedding");
    struct clip_vit_options o = {
        .patch = size_of(im, prefix, "visual.conv1.weight", 4, 3),
        .width = size_of(im, prefix, "visual.conv1.weight", 4, 0),
        .layers = count(im, prefix, "visual.transformer.resblocks.", ".attn.in_proj_weight"),
        .heads = im->facts.image_heads,
        .last_block_cls_only = true,
    };
    o.image_size = o.patch * grid(im, prefix, "visual.positional_embedding");
    if (prompts) o.prompt_depth = size_of(im, prefix, "visual.mask_embedding", 3, 0);
    return o;
}

static struct clip_resnet_options resnet(const struct import *im, const char *prefix) {
    enum { STRIDE = 32 };
    struct clip_resnet_options o = {
        .image_size = STRIDE * grid(im, prefix, "visual.attnpool.positional_embedding"),
        .width = size_of(im, prefix, "visual.conv3.weight", 4, 0),
    };
    for (int i = 0; i < CLIP_RESNET_STAGES; i++) {
        char *stage = mem_format("visual.layer%d.", i + 1);
        o.blocks[i] = count(im, prefix, stage, ".conv1.weight");
        if (o.blocks[i] < 1 || o.blocks[i] > CLIP_RESNET_BLOCKS_MAX)
            error_set(ERR_DATA, "%s: %s%s has %" PRId64 " blocks", im->path, prefix, stage,
                      o.blocks[i]);
        free(stage);
    }
    return o;
}

/* Heads are 64 wide where nothing else is told. */
static void check_heads(const struct import *im, const char *what, int64_t width, int64_t heads) {
    if (!heads && width % 64 != 0)
        error_set(ERR_DATA,
                  "%s: the %s tower is %" PRId64
                  " wide, which no number of heads of 64 makes, and "
                  "no configuration beside the file tells their number",
                  im->path, what, width);
    if (heads && width % heads != 0)
        error_set(ERR_DATA, "%s: %" PRId64 " heads in a %s tower %" PRId64 " wide", im->path, heads,
                  what, width);
}

int import_clip_sizes(const struct import *im, const char *prefix, struct clip_options *out) {
    if (error_status()) return error_status();
    *out = (struct clip_options){
        .text = {.vocab = size_of(im, prefix, "token_embedding.weight", 2, 0),
                 .context = size_of(im, prefix, "positional_embedding", 2, 0),
                 .width = size_of(im, prefix, "token_embedding.weight", 2, 1),
                 .layers = count(im, prefix, "transformer.resblocks.", ".attn.in_proj_weight"),
                 .heads = im->facts.text_heads,
                 .cut_at_end = true},
        .features = size_of(im, prefix, "text_projection", 2, 1),
        .temperature = 0.07,
    };
    if (at(im, prefix, "visual.proj")) {
        out->image = vit(im, prefix);
        check_heads(im, "image", out->image.width, out->image.heads);
    } else {
        out->resnet = resnet(im, prefix);
    }
    check_heads(im, "text", out->text.width, out->text.heads);
    return error_status();
}

int import_clip_options(const struct import *im, const char *prefix, int activation,
                        struct clip_options *out) {
    int status = import_clip_sizes(im, prefix, out);
    int told = im->facts.activation;
    if (status) return status;
    if (told == ACTIVATION_UNKNOWN && activation == ACTIVATION_UNKNOWN)
        return error_set(
            ERR_CONFIG,
            "%s: nothing tells whether its activation is quickgelu (OpenAI's) or gelu: "
            "set clip.activation",
            im->path);
    if (told == ACTIVATION_UNKNOWN) told = activation;
    out->image.activation = out->text.activation = (enum clip_activation)told;
    return 0;
}

bool import_has_proposals(const struct import *im) {
    return import_find(im, "sem_seg_head.predictor.query_embed.weight");
}
