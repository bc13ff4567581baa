#include "checkpoints/weights.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "checkpoints/misfits.h"

static bool matches(const char *name, const char *const *patterns, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (fnmatch(patterns[i], name, 0) == 0) return true;
    return false;
}

/* The entry of the file for a name of the registry, NULL when there is none. */
static const struct st_tensor *entry(const struct st_table *t, const char *prefix,
                                     const char *name) {
    if (!prefix) return st_table_find(t, name);
    char *full = mem_format("%s%s", prefix, name);
    const struct st_tensor *x = st_table_find(t, full);
    free(full);
    return x;
}

static void compare(struct misfits *m, const struct param *p, const struct st_tensor *x,
                    bool exact) {
    struct shape s = t_shape(p->t);
    enum t_dtype dtype = t_dtype(p->t);
    if (st_shape_same(s, x->shape) && (!exact || dtype == x->dtype)) return;
    char in_file[192], here[192];
    st_shape_text(x->shape, in_file, sizeof in_file);
    st_shape_text(s, here, sizeof here);
    char *text = mem_format("%s is %s %s, expected %s %s", p->name, st_dtype_name(x->dtype),
                            in_file, st_dtype_name(dtype), here);
    misfit_add(&m->form, text);
    free(text);
}

int weights_check(const char *path, const struct st_table *t, const struct params *p,
                  struct weights_options o) {
    if (error_status()) return error_status();
    struct misfits m = {0};
    for (size_t i = 0; i < p->n; i++) {
        const struct st_tensor *x = entry(t, o.prefix, p->at[i].name);
        if (x)
            compare(&m, &p->at[i], x, o.exact);
        else if (!matches(p->at[i].name, o.allow_missing, o.n_allow_missing))
            misfit_add(&m.missing, p->at[i].name);
    }
    size_t skip = o.prefix ? strlen(o.prefix) : 0;
    for (size_t i = 0; i < t->n; i++) {
        const char *name = t->at[i].name;
        if (skip && strncmp(name, o.prefix, skip) != 0) continue;
        if (!params_find(p, name + skip) &&
            !matches(name, o.allow_unexpected, o.n_allow_unexpected))
            misfit_add(&m.unexpected, name);
    }
    return misfits_close(&m, path);
}

int weights_copy(struct tensor_file *f, struct params *p, struct weights_options o) {
    int status = weights_check(f->path, f->table, p, o);
    for (size_t i = 0; !status && i < p->n; i++) {
        const struct st_tensor *x = entry(f->table, o.prefix, p->at[i].name);
        if (!x) continue; /* allowed to be missing */
        int scope = t_scope_open("weights", T_NO_GRAD);
        tensor *value = tensor_file_tensor(f, x);
        if (value) t_copy_(p->at[i].t, value);
        t_scope_close(scope, NULL);
        status = error_status();
    }
    return status;
}

int weights_load(const char *path, struct params *p, struct weights_options o) {
    struct tensor_file f;
    int status = tensor_file_open(&f, path, o.part);
    if (status) return status;
    status = weights_copy(&f, p, o);
    tensor_file_close(&f);
    return status;
}

int weights_put(struct safetensors_out *w, const struct params *p) {
    for (size_t i = 0; i < p->n; i++)
        safetensors_out_name(w, p->at[i].name, t_dtype(p->at[i].t), t_shape(p->at[i].t));
    int status = error_status();
    for (size_t i = 0; !status && i < p->n; i++) status = safetensors_out_put_tensor(w, p->at[i].t);
    return status;
}

int weights_save(const char *path, const struct params *p, const char *const (*meta)[2], size_t n) {
    struct safetensors_out w;
    int status = safetensors_out_open(&w, path);
    for (size_t i = 0; !status && i < n; i++) safetensors_out_meta(&w, meta[i][0], meta[i][1]);
    if (!status) status = weights_put(&w, p);
    if (!status) status = safetensors_out_commit(&w);
    safetensors_out_close(&w);
    return status;
}
