/* From items to tensors and registries. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/import_parts.h"
#include "checkpoints/misfits.h"
#include "checkpoints/position_table.h"

/* g of a table of positions; 0: it is none. */
static int64_t grid_of(struct shape s) { return s.n == 2 ? position_table_grid(s.d[0]) : 0; }

static tensor *resized(tensor *x, struct shape s) {
    int64_t g = grid_of(t_shape(x)), h = grid_of(s), width = s.d[1];
    size_t n = (size_t)t_numel(x) * sizeof(float), m = (size_t)(s.d[0] * width) * sizeof(float);
    float *from = mem_try(n, 1), *to = mem_try(m, 1);
    tensor *out = NULL;
    if (from && to && !t_copy_out(x, from, n)) {
        position_table_resize(from, g, to, h, width);
        out = t_from_data(to, s, T_F32);
    }
    free(from);
    free(to);
    return out;
}

static tensor *tensor_as(struct import *im, const struct import_item *item, struct shape shape) {
    int scope = t_scope_open(item->name, T_NO_GRAD);
    tensor *part[IMPORT_SOURCES_MAX] = {NULL};
    for (int i = 0; i < item->sources; i++) {
        part[i] = tensor_file_tensor(&im->file[item->source[i].file], item->source[i].x);
        if (part[i] && st_dtype_floats(t_dtype(part[i]))) part[i] = t_cast(part[i], T_F32);
    }
    tensor *x = item->sources > 1 ? t_cat(part, (size_t)item->sources, 0) : part[0];
    if (item->verdict & IMPORT_TRANSPOSED) x = t_contiguous(t_transpose(x, 0, 1));
    if (x && !st_shape_same(t_shape(x), shape)) x = resized(x, shape);
    return t_scope_close(scope, x);
}

tensor *import_tensor(struct import *im, const struct import_item *item) {
    REQUIRE(!(item->verdict & IMPORT_DROPPED), "%s is dropped", item->name);
    return tensor_as(im, item, item->shape);
}

int import_bytes(struct tensor_file *f, const struct st_tensor *x, struct bytes *data) {
    int status = bytes_reserve(data, (size_t)x->bytes);
    return status ? status : tensor_file_read(f, x, data->at);
}

static bool is_positions(const char *name) {
    static const char tail[] = "visual.positional_embedding";
    size_t n = strlen(name), k = sizeof tail - 1;
    return n >= k && strcmp(name + n - k, tail) == 0 && (n == k || name[n - k - 1] == '.');
}

/* Whether an item can become one of this shape: it has it, or is a table of positions. */
static bool fits(const struct import_item *item, struct shape s) {
    if (st_shape_same(item->shape, s)) return true;
    return is_positions(item->name) && grid_of(item->shape) && grid_of(s) &&
           item->shape.d[1] == s.d[1];
}

int import_resize(struct import *im, const char *prefix, int64_t g) {
    char *name = mem_format("%svisual.positional_embedding", prefix);
    char *prompts = mem_format("%svisual.mask_embedding", prefix);
    struct import_item *item = import_find(im, name);
    const struct import_item *prompt = import_find(im, prompts);
    int64_t old = item ? grid_of(item->shape) : 0;
    if (!old)
        error_set(ERR_CONFIG, "%s: no table %s to resize", im->path, name);
    else if (g < 1 || g > 1024)
        error_set(ERR_CONFIG, "a grid of %" PRId64 " patches a side", g);
    else if (old != g && prompt)
        error_set(ERR_CONFIG,
                  "%s: %s is of a grid of %" PRId64
                  ": prompts are not resized; leave them out or "
                  "keep the grid",
                  im->path, prompts, old);
    else if (old != g) {
        item->shape.d[0] = 1 + g * g;
        item->verdict |= IMPORT_RESIZED;
    }
    free(prompts);
    free(name);
    return error_status();
}

/* Registries. */

static bool matches(const char *name, const char *const *patterns, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (fnmatch(patterns[i], name, 0) == 0) return true;
    return false;
}

/* What the model computed for itself and no layout brings. */
static bool recomputed(const char *name) {
    return fnmatch("*.relative_position_index", name, 0) == 0;
}

static bool starts(const char *name, const char *prefix) {
    return !prefix || strncmp(name, prefix, strlen(prefix)) == 0;
}

/* `name`, with the one prefix in the place of the other; owned. */
static char *other_name(const char *name, const char *off, const char *on) {
    return mem_format("%s%s", on ? on : "", name + (off ? strlen(off) : 0));
}

static const struct import_item *item_for(const struct import *im, const char *name,
                                          const struct import_options *o) {
    char *ours = other_name(name, o->into, o->prefix);
    const struct import_item *item = import_find(im, ours);
    free(ours);
    return item;
}

/* What its user finds it by: also the name in the file, where more than what stands in front of it
 * is another. Owned. */
static char *both_names(const struct import_item *item) {
    const char *in_file = item->source[0].x->name;
    size_t n = strlen(in_file), k = strlen(item->name);
    bool same = n >= k && strcmp(in_file + n - k, item->name) == 0;
    return same ? mem_strdup(item->name) : mem_format("%s (in the file %s)", item->name, in_file);
}

static void add_unexpected(struct misfits *m, const struct import_item *item) {
    char *names = both_names(item);
    misfit_add(&m->unexpected, names);
    free(names);
}

static void add_misfit(struct misfits *m, const struct import_item *item, struct shape s) {
    char in_file[192], here[192], *names = both_names(item);
    st_shape_text(item->shape, in_file, sizeof in_file);
    st_shape_text(s, here, sizeof here);
    bool window = strstr(item->name, "relative_position_bias_table") != NULL;
    char *text = mem_format("%s is %s, expected %s%s", names, in_file, here,
                            window ? " (of another window; it is not resized)" : "");
    misfit_add(&m->form, text);
    free(names);
    free(text);
}

static void compare(struct misfits *m, const struct import *im, const struct params *p,
                    const struct import_options *o) {
    for (size_t i = 0; i < p->n; i++) {
        const char *name = p->at[i].name;
        if (!starts(name, o->into)) continue;
        const struct import_item *item = item_for(im, name, o);
        if (item && !fits(item, t_shape(p->at[i].t)))
            add_misfit(m, item, t_shape(p->at[i].t));
        else if (!item && !recomputed(name) && !matches(name, o->allow_missing, o->n_allow_missing))
            misfit_add(&m->missing, name);
    }
    for (size_t i = 0; i < im->n; i++) {
        const struct import_item *item = &im->at[i];
        if (item->verdict & IMPORT_DROPPED || !starts(item->name, o->prefix)) continue;
        char *name = other_name(item->name, o->prefix, o->into);
        if (!params_find(p, name) &&
            !matches(item->name, o->allow_unexpected, o->n_allow_unexpected))
            add_unexpected(m, item);
        free(name);
    }
}

int import_check(const struct import *im, const struct params *p, struct import_options o) {
    if (error_status()) return error_status();
    struct misfits m = {0};
    compare(&m, im, p, &o);
    char *what = mem_format("%s (%s)", im->path, import_family_name(im));
    int status = misfits_close(&m, what);
    free(what);
    return status;
}

int import_copy(struct import *im, struct params *p, struct import_options o) {
    int status = import_check(im, p, o);
    for (size_t i = 0; !status && i < p->n; i++) {
        if (!starts(p->at[i].name, o.into)) continue;
        const struct import_item *item = item_for(im, p->at[i].name, &o);
        if (!item || recomputed(p->at[i].name)) continue; /* allowed to be missing */
        struct shape s = t_shape(p->at[i].t);
        if (!st_shape_same(item->shape, s))
            log_info("%s: %s is resized from a grid of %" PRId64 " to %" PRId64, im->path,
                     item->name, grid_of(item->shape), grid_of(s));
        int scope = t_scope_open("import", T_NO_GRAD);
        tensor *value = tensor_as(im, item, s);
        if (value) t_copy_(p->at[i].t, value);
        t_scope_close(scope, NULL);
        status = error_status();
    }
    return status;
}

int import_load(const char *path, struct params *p, struct import_options o,
                struct import_facts *facts) {
    struct import im;
    int status = import_open(&im, path, NULL);
    if (status) return status;
    status = import_copy(&im, p, o);
    if (!status && facts) {
        *facts = im.facts;
        im.facts.config = NULL; /* moved */
    }
    import_close(&im);
    return status;
}
