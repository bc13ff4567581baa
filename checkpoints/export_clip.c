/* Another CLIP, or other prompts, into a model on its way out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/export_parts.h"
#include "checkpoints/misfits.h"
#include "checkpoints/position_table.h"

static const char PROMPTS[] = "visual.mask_embedding";
static const char POSITIONS[] = "visual.positional_embedding";

static bool is(const char *name, const char *what) { return strcmp(name, what) == 0; }

/* What follows the prefix, NULL when it does not start so. */
static const char *behind(const char *name, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 ? name + n : NULL;
}

static struct export_item *find_at(const struct export *e, const char *prefix, const char *name) {
    char *full = mem_format("%s%s", prefix, name);
    struct export_item *x = export_find(e, full);
    free(full);
    return x;
}

/* The positions of the image tower are those of its own pictures' size; the prompts' depth is free,
 * and whether they fit is asked of the whole. */
static bool may_replace(const char *rest, struct shape old, struct shape new) {
    if (is(rest, PROMPTS) || st_shape_same(old, new)) return true;
    return is(rest, POSITIONS) && old.n == 2 && new.n == 2 && old.d[1] == new.d[1];
}

/* The head's classes are texts of as many features, with or without a CLIP beside it. */
static void compare_features(struct misfits *m, const struct export *e, const struct import *clip,
                             const char *prefix) {
    const struct export_item *none = export_find(e, "clip_adapter.non_object_embedding");
    char *name = mem_format("%stext_projection", prefix);
    const struct import_item *new = import_find(clip, name);
    if (none && new && !export_prefix(e) && none->shape.n == 2 && new->shape.n == 2 &&
        none->shape.d[1] != new->shape.d[1]) {
        char *text = mem_format("%s makes %" PRId64 " features, the model's classes have %" PRId64,
                                name, new->shape.d[1], none->shape.d[1]);
        misfit_add(&m->form, text);
        free(text);
    }
    free(name);
}

static int compare(const struct export *e, const struct import *clip, const char *prefix) {
    struct misfits m = {0};
    for (size_t i = 0; i < e->n; i++) {
        const struct export_item *x = &e->at[i];
        const char *rest = x->dropped ? NULL : behind(x->name, EXPORT_CLIP_AT);
        if (!rest) continue;
        char *name = mem_format("%s%s", prefix, rest);
        const struct import_item *new = import_find(clip, name);
        if (!new && !is(rest, PROMPTS)) misfit_add(&m.missing, name);
        if (new && !may_replace(rest, x->shape, new->shape))
            misfit_form(&m, name, new->shape, x->shape);
        free(name);
    }
    compare_features(&m, e, clip, prefix);
    return misfits_close(&m, clip->path);
}

/* Prompts fit when they are one vector a patch, or one for all, at up to as many depths as there
 * are blocks (reference-spec 1.11). */
static int check_prompts(const struct export *e) {
    const char *prefix = export_prefix(e), *path = e->im->path;
    const struct export_item *x = find_at(e, prefix, PROMPTS), *table;
    if (!x) return 0;
    char shape[192];
    st_shape_text(x->shape, shape, sizeof shape);
    table = find_at(e, prefix, POSITIONS);
    if (!find_at(e, prefix, "visual.proj") || !table || table->shape.n != 2)
        return error_set(ERR_CONFIG,
                         "%s: mask prompts are of vision transformers, this is a ResNet", path);
    int64_t patches = table->shape.d[0] - 1, width = table->shape.d[1], blocks = 0;
    for (bool there = true; there; blocks += there) {
        char *name = mem_format("visual.transformer.resblocks.%" PRId64 ".ln_1.weight", blocks);
        there = find_at(e, prefix, name);
        free(name);
    }
    struct shape s = x->shape;
    if (s.n == 3 && s.d[0] >= 1 && s.d[0] <= blocks && (s.d[1] == patches || s.d[1] == 1) &&
        s.d[2] == width)
        return 0;
    return error_set(ERR_CONFIG,
                     "%s: mask prompts %s do not fit an image tower of %" PRId64
                     " patches, %" PRId64 " wide, of %" PRId64 " blocks",
                     x->im->path, shape, patches, width, blocks);
}

/* Writes `new` in the place of what was there, which is reported as replaced; returns whether
 * anything was. */
static bool put_over(struct export *e, struct export_item new) {
    struct export_item *x = export_find(e, new.name);
    if (!x) return false;
    struct export_item old = *x;
    *x = new;
    old.dropped = "replaced";
    export_add(e, old);
    return true;
}

static void put_clip_item(struct export *e, struct import *clip, const struct import_item *item,
                          const char *prefix, bool whole) {
    const char *rest = item->verdict & IMPORT_DROPPED ? NULL : behind(item->name, prefix);
    if (!rest) { /* a number, or a part of the model that the CLIP was in */
        struct export_item x = export_of(clip, item, mem_strdup(item->name));
        if (!x.dropped) x.dropped = "not-of-clip";
        export_add(e, x);
        return;
    }
    struct export_item x = export_of(clip, item, mem_format(EXPORT_CLIP_AT "%s", rest));
    if (put_over(e, x)) return;
    if (!whole && !is(rest, PROMPTS)) {
        log_warn("%s: %s: the model has no such tensor; it is left out", clip->path, rest);
        x.dropped = "not-in-model";
    }
    export_add(e, x);
}

int export_replace_clip(struct export *e, struct import *clip) {
    if (error_status()) return error_status();
    const char *prefix = import_clip_prefix(clip), *had = export_prefix(e);
    if (!prefix) return error_set(ERR_CONFIG, "%s: there is no CLIP in it", clip->path);
    if (!export_find(e, "sem_seg_head.predictor.query_embed.weight") || (had && !*had))
        return error_set(ERR_CONFIG, "%s: is no OVSeg model, whose CLIP could be replaced",
                         e->im->path);
    int status = compare(e, clip, prefix);
    if (status) return status;
    for (size_t i = 0; i < clip->n; i++) put_clip_item(e, clip, &clip->at[i], prefix, !had);
    e->clip = clip;
    e->clip_prefix = prefix;
    const struct export_item *prompts = export_find(e, EXPORT_CLIP_AT "visual.mask_embedding");
    if (prompts && prompts->im != clip)
        log_warn(
            "%s: has no mask prompts; those of the old CLIP stay, and do not belong to it: segment "
            "with eval.prompts=false (the reference: MASK_PROMPT_FWD False)",
            clip->path);
    return check_prompts(e);
}

int export_set_prompts(struct export *e, struct import *from) {
    if (error_status()) return error_status();
    static const char *const names[] = {"visual.mask_embedding",
                                        EXPORT_CLIP_AT "visual.mask_embedding"};
    const char *prefix = export_prefix(e);
    const struct import_item *item = import_find(from, names[0]);
    if (!item) item = import_find(from, names[1]);
    if (!item) return error_set(ERR_CONFIG, "%s: there are no mask prompts in it", from->path);
    if (!prefix) return error_set(ERR_CONFIG, "%s: there is no CLIP in it", e->im->path);
    struct export_item x = export_of(from, item, mem_format("%s%s", prefix, PROMPTS));
    if (!put_over(e, x)) export_add(e, x);
    return check_prompts(e);
}
