/* Our names into those of others: the importer's tables, read backwards. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "checkpoints/export_parts.h"
#include "nn/models/swin.h"

/* Buffers of the reference that follow from its settings, dropped on the way in (3.2). */
static const char bias_index[] = "backbone.layers.#.blocks.#.attn.relative_position_index";
static const char bias_table[] = "backbone.layers.#.blocks.#.attn.relative_position_bias_table";
static const char class_weights[] = "criterion.empty_weight";
static const char *const pixels[] = {"clip_adapter.pixel_mean", "clip_adapter.pixel_std"};

/* The reference's training has COCO-Stuff's classes (4.3); whoever loads the file for others sets
 * the buffer anew. */
enum { CLASSES = 171 };
static const float NO_OBJECT = 0.1F;

static bool is_buffer(const char *name) {
    const char *const all[] = {bias_index, class_weights, pixels[0], pixels[1]};
    struct rule_found found;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (rule_match(all[i], name, &found)) return true;
    return false;
}

/* What a rule that made our name does the other way. */
static int turn(struct export *e, struct export_item *x, enum rule_how how) {
    switch (how) {
    case RULE_QUERY:
    case RULE_KEY:
    case RULE_VALUE:
        if (x->shape.n < 1 || x->shape.d[0] % 3 != 0)
            return error_set(ERR_DATA, "%s: the rows of %s are not query, key and value",
                             e->im->path, x->name);
        x->shape.d[0] /= 3;
        x->part = (int)how - RULE_QUERY;
        x->parts = 3;
        break;
    case RULE_TRANSPOSE: {
        if (x->shape.n != 2)
            return error_set(ERR_DATA, "%s: %s is no matrix", e->im->path, x->name);
        int64_t rows = x->shape.d[0];
        x->shape.d[0] = x->shape.d[1];
        x->shape.d[1] = rows;
        x->transposed = true;
        break;
    }
    default: break;
    }
    return 0;
}

/* Adds to `to` all that item x becomes by the rules of a group. */
static int rename_by(struct export *to, const struct import_group *g, const struct export_item *x) {
    size_t skip = strlen(g->to);
    if (strncmp(x->name, g->to, skip) != 0) return 0;
    for (const struct import_rule *r = g->rules; r->from; r++) {
        struct rule_found found;
        if (r->how == RULE_DROP || !rule_match(rule_target(r), x->name + skip, &found)) continue;
        char *end = rule_name(r->from, &found);
        struct export_item *y = export_add(to, *x);
        y->name = mem_format("%s%s", g->from, end);
        free(end);
        int status = turn(to, y, r->how);
        if (status) return status;
        if (!y->parts) break;
    }
    return 0;
}

/* By the first group that knows it. */
static int rename_one(struct export *to, const struct import_layout *layout,
                      const struct export_item *x) {
    size_t before = to->n;
    int status = 0;
    for (const struct import_group *g = layout->group; !status && to->n == before && g->rules; g++)
        status = rename_by(to, g, x);
    if (!status && to->n == before)
        status = error_set(ERR_DATA, "%s: no rule names %s as %s does", to->im->path, x->name,
                           layout->name);
    return status;
}

int export_rename(struct export *e, enum import_family family) {
    struct export to = *e;
    to.at = NULL;
    to.n = to.cap = 0;
    int status = 0;
    for (size_t i = 0; i < e->n; i++) {
        struct export_item *x = &e->at[i];
        if (status || x->dropped || (family == IMPORT_OVSEG && is_buffer(x->name))) {
            export_add(&to, *x);
            continue;
        }
        status = rename_one(&to, &import_layouts[family], x);
        free(x->name);
    }
    free(e->at);
    *e = to;
    return status;
}

/* Buffers. */

/* Those of IN come along with their own bits; but not the pixels of a CLIP that is not its own. */
static void take_over(struct export *e) {
    bool other = e->clip && e->clip != e->im && e->clip->facts.has_pixels;
    for (size_t i = 0; i < e->n; i++) {
        struct export_item *x = &e->at[i];
        const char *name = x->name;
        if (!x->dropped || x->im != e->im) continue;
        if (strncmp(name, "module.", 7) == 0) name += 7;
        if (!is_buffer(name) || export_find(e, name)) continue;
        if (other && (strcmp(name, pixels[0]) == 0 || strcmp(name, pixels[1]) == 0)) continue;
        memmove(x->name, name, strlen(name) + 1);
        x->dropped = NULL;
    }
}

static void make(struct export *e, char *name, struct shape shape, enum t_dtype dtype,
                 const void *data) {
    size_t n = st_dtype_size(dtype);
    for (int d = 0; d < shape.n; d++) n *= (size_t)shape.d[d];
    struct export_item x = {.name = name, .dtype = dtype, .shape = shape};
    x.made = (struct bytes){.at = mem_alloc(n + 1, 1), .n = n};
    memcpy(x.made.at, data, n);
    export_add(e, x);
}

/* Of a table of (2 w - 1)^2 rows. */
static int make_index(struct export *e, const struct rule_found *found, int64_t rows) {
    char *name = rule_name(bias_index, found);
    int64_t w = 1;
    while (w < 64 && (2 * w - 1) * (2 * w - 1) < rows) w++;
    if ((2 * w - 1) * (2 * w - 1) != rows) {
        error_set(ERR_DATA, "%s: %s: no window has %lld rows of a bias table", e->im->path, name,
                  (long long)rows);
    } else if (!export_find(e, name)) {
        int scope = t_scope_open("index", T_NO_GRAD);
        size_t n = (size_t)(w * w * w * w) * sizeof(int64_t);
        int64_t *data = mem_try(n, 1);
        if (data && !t_copy_out(swin_bias_index(w), data, n))
            make(e, mem_strdup(name), SHAPE(w * w, w * w), T_I64, data);
        free(data);
        t_scope_close(scope, NULL);
    }
    free(name);
    return error_status();
}

static void make_pixels(struct export *e, int which) {
    struct import_facts *f = &e->clip->facts;
    float v[3];
    if (export_find(e, pixels[which])) return;
    if (!f->has_pixels) import_facts_usual_pixels(f);
    for (int c = 0; c < 3; c++) v[c] = (float)((which ? f->std : f->mean)[c] * 255.0);
    make(e, mem_strdup(pixels[which]), SHAPE(1, 3, 1, 1), T_F32, v);
}

int export_add_buffers(struct export *e) {
    take_over(e);
    int status = 0;
    for (size_t i = 0, n = e->n; !status && i < n; i++) {
        struct rule_found found;
        const struct export_item *x = &e->at[i];
        if (!x->dropped && rule_match(bias_table, x->name, &found))
            status = make_index(e, &found, x->shape.n ? x->shape.d[0] : 0);
    }
    if (status) return status;
    float weights[CLASSES + 1];
    for (int i = 0; i <= CLASSES; i++) weights[i] = i < CLASSES ? 1 : NO_OBJECT;
    if (!export_find(e, class_weights))
        make(e, mem_strdup(class_weights), SHAPE(CLASSES + 1), T_F32, weights);
    for (int i = 0; e->clip && i < 2; i++) make_pixels(e, i);
    return 0;
}
