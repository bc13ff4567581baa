/* A model between two others. */
#include <string.h>

#include "base/error.h"
#include "checkpoints/export_parts.h"
#include "checkpoints/misfits.h"

static bool is_prompts(const char *name) {
    const char *prompts = "visual.mask_embedding";
    size_t n = strlen(name), k = strlen(prompts);
    return n >= k && strcmp(name + n - k, prompts) == 0;
}

static void pair(struct misfits *m, struct export_item *x, struct import *other, double alpha) {
    const struct import_item *with = import_find(other, x->name);
    if (!with && !is_prompts(x->name)) misfit_add(&m->missing, x->name);
    if (with && !st_shape_same(with->shape, x->shape))
        misfit_form(m, x->name, with->shape, x->shape);
    if (!with || x->dtype != T_F32) return;
    x->other = other;
    x->with = with;
    x->alpha = alpha;
}

/* What only the other one has. */
static void take_rest(struct misfits *m, struct export *e, struct import *other) {
    for (size_t i = 0; i < other->kept; i++) {
        const struct import_item *x = other->by_name[i];
        if (export_find(e, x->name)) continue;
        if (is_prompts(x->name))
            export_add(e, export_of(other, x, mem_strdup(x->name)));
        else
            misfit_add(&m->unexpected, x->name);
    }
}

static int check_activation(const struct export *e, const struct import *other) {
    if (!e->clip || !import_clip_prefix(other)) return 0;
    int a = e->clip->facts.activation, b = other->facts.activation;
    if (a == b || a == ACTIVATION_UNKNOWN || b == ACTIVATION_UNKNOWN) return 0;
    return error_set(ERR_CONFIG,
                     "%s: computes with another activation than %s: nothing lies between them",
                     other->path, e->im->path);
}

int export_blend(struct export *e, struct import *other, double alpha) {
    if (error_status()) return error_status();
    struct misfits m = {0};
    size_t n = e->n;
    for (size_t i = 0; i < n; i++)
        if (!e->at[i].dropped) pair(&m, &e->at[i], other, alpha);
    take_rest(&m, e, other);
    int status = misfits_close(&m, other->path);
    return status ? status : check_activation(e, other);
}
