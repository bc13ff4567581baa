#include "tests/gpu_check/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "checkpoints/safetensors.h"
#include "nn/models/clip.h"
#include "tests/formula.h"

static const double TOLERANCE = 1e-4;
enum { TEXTS = 6, CONTEXT = 77 };

double off_by(tensor *a, tensor *b) {
    int scope = t_scope_open("compare", T_NO_GRAD);
    a = t_cast(t_reshape(a, SHAPE(-1)), T_F64);
    b = t_cast(t_reshape(b, SHAPE(-1)), T_F64);
    tensor *left = t_sub(a, b);
    double off = sqrt(t_item(t_dot(left, left)) / t_item(t_dot(b, b)));
    t_scope_close(scope, NULL);
    return off;
}

static tensor *stored(struct safetensors *f, const char *name) {
    const struct st_tensor *x = st_table_find(&f->table, name);
    if (!x) {
        error_set(ERR_DATA, "%s: it has no %s", f->in.path, name);
        return NULL;
    }
    return safetensors_tensor(f, x);
}

static tensor *masks(void) {
    tensor *m = t_zeros(SHAPE(2, 224, 224), T_F32);
    t_fill_(t_narrow(t_narrow(t_select(m, 0, 0), 0, 40, 110), 1, 60, 140), 1);
    t_fill_(t_narrow(t_select(m, 0, 1), 0, 0, 80), 1);
    t_fill_(t_select(t_select(t_select(m, 0, 1), 0, 200), 0, 10), 1);
    return m;
}

static int compare(struct safetensors *f, const char *name, tensor *x) {
    double off = off_by(x, stored(f, name));
    if (error_status()) return error_status();
    printf("  %-24s off by %.1e of its RMS\n", name, off);
    return off <= TOLERANCE ? 0
                            : error_set(ERR_DATA, "%s is off by %g of its RMS, allowed %g", name,
                                        off, TOLERANCE);
}

static int check_model(struct safetensors *f, const struct clip *c) {
    int64_t rows[TEXTS * CONTEXT];
    tensor *x = golden_input("input.image", SHAPE(2, 3, 28, 28), 1, -1.8, 2.0);
    x = t_resize_nearest(x, 224, 224);
    t_copy_out(t_cast(stored(f, "tokens"), T_I64), rows, sizeof rows);
    if (error_status()) return error_status();
    int status = compare(f, "image_features", clip_vit(&c->visual, x, NULL));
    if (!status) status = compare(f, "image_features_masked", clip_vit(&c->visual, x, masks()));
    if (!status)
        status = compare(f, "text_features", clip_text_encode(&c->text, rows, TEXTS, CONTEXT));
    return status;
}

int golden_check(const char *folder) {
    struct params p = {0};
    struct clip c;
    struct clip_options opt;
    struct safetensors f;
    char *path = mem_format("%s/clip_vitb16_seed1.safetensors", folder);
    if (clip_options_named("ViT-B/16", &opt)) return error_status();
    opt.image.prompt_depth = 3;
    int scope = t_scope_open("golden", T_NO_GRAD | T_UNDRAWN);
    clip_init(&c, params_root(&p), &opt);
    golden_fill(&p, 1, 0.02);
    int status = safetensors_open(&f, path);
    if (!status) status = check_model(&f, &c);
    safetensors_close(&f);
    clip_free(&c);
    params_free(&p);
    t_scope_close(scope, NULL);
    free(path);
    return status;
}
