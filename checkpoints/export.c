#include "checkpoints/export.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/export_parts.h"

const struct export_form export_forms[EXPORT_TARGETS] = {
    [EXPORT_SAFETENSORS] = {.name = "safetensors"},
    [EXPORT_OVSEG] = {.name = "ovseg-pth", .torch = true},
    [EXPORT_CLIP] = {.name = "clip", .torch = true},
    [EXPORT_OPEN_CLIP] = {.name = "open-clip", .model = "open_clip_model.safetensors"},
    [EXPORT_HF] = {.name = "hf", .model = "model.safetensors"},
    [EXPORT_PROMPTS] = {.name = "prompts"},
};

struct export_item *export_add(struct export *e, struct export_item item) {
    e->at = mem_grow(e->at, &e->cap, e->n + 1, sizeof *e->at);
    e->at[e->n] = item;
    return &e->at[e->n++];
}

struct export_item *export_find(const struct export *e, const char *name) {
    for (size_t i = 0; i < e->n; i++)
        if (!e->at[i].dropped && strcmp(e->at[i].name, name) == 0) return &e->at[i];
    return NULL;
}

struct export_item export_of(struct import *im, const struct import_item *item, char *name) {
    enum t_dtype dtype = item->source[0].x->dtype;
    bool dropped = item->verdict & IMPORT_DROPPED;
    return (struct export_item){.name = name,
                                .im = im,
                                .item = item,
                                .dropped = dropped ? item->rule : NULL,
                                .dtype = !dropped && st_dtype_floats(dtype) ? T_F32 : dtype,
                                .shape = item->shape};
}

const char *export_prefix(const struct export *e) {
    static const char *const prefixes[] = {"", EXPORT_CLIP_AT};
    for (int i = 0; i < 2; i++) {
        char *name = mem_format("%svisual.conv1.weight", prefixes[i]);
        bool there = export_find(e, name);
        free(name);
        if (there) return prefixes[i];
    }
    return NULL;
}

void export_open(struct export *e, struct import *im) {
    *e = (struct export){.im = im, .clip_prefix = import_clip_prefix(im)};
    if (e->clip_prefix) e->clip = im;
    for (size_t i = 0; i < im->n; i++)
        export_add(e, export_of(im, &im->at[i], mem_strdup(im->at[i].name)));
}

void export_close(struct export *e) {
    for (size_t i = 0; i < e->n; i++) {
        free(e->at[i].name);
        bytes_free(&e->at[i].made);
    }
    free(e->at);
    *e = (struct export){0};
}

/* Targets. */

/* Leaves nothing but the CLIP, by the names of a CLIP. */
static int take_clip(struct export *e) {
    const char *prefix = export_prefix(e);
    if (!prefix) return error_set(ERR_CONFIG, "%s: there is no CLIP in it", e->im->path);
    size_t skip = strlen(prefix);
    for (size_t i = 0; i < e->n; i++) {
        struct export_item *x = &e->at[i];
        if (x->dropped) continue;
        if (strncmp(x->name, prefix, skip) != 0)
            x->dropped = "not-of-clip";
        else
            memmove(x->name, x->name + skip, strlen(x->name + skip) + 1);
    }
    return 0;
}

/* Of layouts that have no place for them. Without a mask CLIP computes the same with and without
 * prompts, so nothing else changes. */
static void drop_prompts(struct export *e) {
    struct export_item *x = export_find(e, "visual.mask_embedding");
    if (!x) return;
    x->dropped = "prompts";
    log_warn(
        "%s: %s has no place for mask prompts, they are left out; `--as prompts` writes them to a "
        "file of their own",
        e->im->path, export_forms[e->target].name);
}

static int check_told(struct export *e) {
    struct import_facts *facts = &e->clip->facts;
    if (facts->activation == ACTIVATION_UNKNOWN)
        return error_set(ERR_CONFIG,
                         "%s: nothing tells whether its activation is quickgelu (OpenAI's) or "
                         "gelu: say --activation",
                         e->clip->path);
    if (facts->has_pixels) return 0;
    log_info(
        "%s: nothing tells the mean and deviation of its pixels: OpenAI's, with which this "
        "program computes, are written",
        e->clip->path);
    import_facts_usual_pixels(facts);
    return 0;
}

static bool odd_heads(const struct export *e, const char *name, int64_t heads) {
    char *full = mem_format("%s%s", export_prefix(e), name);
    const struct export_item *x = export_find(e, full);
    free(full);
    return heads && x && x->shape.n == 1 && x->shape.d[0] != heads * 64;
}

/* Dicts of tensors have no place for heads and activation; who reads them takes OpenAI's. */
static void warn_untold(const struct export *e) {
    const struct import_facts *f = &e->clip->facts;
    if (odd_heads(e, "visual.class_embedding", f->image_heads) ||
        odd_heads(e, "ln_final.weight", f->text_heads))
        log_warn(
            "%s: its heads are not 64 wide, and %s has no place to say so: who reads the file "
            "has to be told",
            e->clip->path, export_forms[e->target].name);
    if (f->activation == CLIP_GELU)
        log_warn(
            "%s: its activation is gelu, and %s has no place to say so: who reads the file "
            "has to be told",
            e->clip->path, export_forms[e->target].name);
}

static int as_clip(struct export *e) {
    int status = take_clip(e);
    if (status) return status;
    warn_untold(e);
    return export_rename(e, IMPORT_OPENAI);
}

static int as_ovseg(struct export *e) {
    if (!export_find(e, "sem_seg_head.predictor.query_embed.weight"))
        return error_set(ERR_CONFIG, "%s: is no whole OVSeg model: --as clip writes a CLIP",
                         e->im->path);
    if (e->clip && e->clip->facts.activation == CLIP_GELU)
        return error_set(ERR_CONFIG,
                         "%s: its CLIP has gelu; the reference computes all with quickgelu, and "
                         "its file has no place to say otherwise",
                         e->clip->path);
    if (e->clip && e->clip->facts.activation == ACTIVATION_UNKNOWN)
        log_warn(
            "%s: nothing tells whether its activation is gelu, which the reference would not "
            "compute with: --activation quickgelu says that it is not",
            e->clip->path);
    if (e->clip)
        warn_untold(e);
    else
        log_info("%s: there is no CLIP in it; --replace-clip puts one in", e->im->path);
    int status = export_rename(e, IMPORT_OVSEG);
    return status ? status : export_add_buffers(e);
}

static int as_folder(struct export *e, enum import_family family) {
    int status = take_clip(e);
    if (!status && family == IMPORT_HF_CLIP && !export_find(e, "visual.proj"))
        status = error_set(ERR_CONFIG,
                           "%s: its image tower is a ResNet, and CLIPModel has none of those: "
                           "--as open-clip has",
                           e->im->path);
    if (!status) status = check_told(e);
    if (status) return status;
    drop_prompts(e);
    return export_rename(e, family);
}

static int as_prompts(struct export *e) {
    int status = take_clip(e);
    if (!status && !export_find(e, "visual.mask_embedding"))
        status = error_set(ERR_CONFIG, "%s: its CLIP has no mask prompts", e->im->path);
    for (size_t i = 0; !status && i < e->n; i++)
        if (!e->at[i].dropped && strcmp(e->at[i].name, "visual.mask_embedding") != 0)
            e->at[i].dropped = "not-of-prompts";
    return status;
}

int export_as(struct export *e, enum export_target target) {
    if (error_status()) return error_status();
    e->target = target;
    switch (target) {
    case EXPORT_OVSEG: return as_ovseg(e);
    case EXPORT_CLIP: return as_clip(e);
    case EXPORT_OPEN_CLIP: return as_folder(e, IMPORT_OPEN_CLIP);
    case EXPORT_HF: return as_folder(e, IMPORT_HF_CLIP);
    case EXPORT_PROMPTS: return as_prompts(e);
    default: return 0;
    }
}
