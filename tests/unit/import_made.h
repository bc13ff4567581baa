/* Models of ours, and the same weights in the layouts of others; for tests that import them. */
#pragma once

#include "checkpoints/import.h"
#include "checkpoints/weights.h"
#include "nn/models/maskformer.h"
#include "tests/torch.h"

static const struct clip_options TINY = {
    .image = {.image_size = 16, .patch = 4, .width = 64, .layers = 3, .prompt_depth = 2},
    .text = {.vocab = 40, .context = 12, .width = 128, .layers = 2, .cut_at_end = true},
    .features = 16,
    .temperature = 0.07,
};

/* A tiny CLIP below a path of names; `seed` makes two of them different. */
static inline void make_clip(struct params *p, const char *at, const struct clip_options *o,
                             uint64_t seed) {
    struct clip c;
    t_seed(seed);
    clip_init(&c, *at ? path_at(params_root(p), "%s", at) : params_root(p), o);
    for (size_t i = 0; i < p->n; i++) /* also what starts as zeros and ones */
        if (t_dtype(p->at[i].t) == T_F32) t_copy_(p->at[i].t, t_randn(t_shape(p->at[i].t), 1));
    clip_free(&c);
}

/* MaskFormer with a small Swin and a CLIP, as the reference stores them. */
static inline void make_ovseg(struct params *p, const struct maskformer_options *o) {
    struct maskformer *m = mem_alloc(1, sizeof *m);
    maskformer_init(m, params_root(p), o);
    free(m);
    make_clip(p, "clip_adapter.clip_model", &TINY, 3);
}

static inline struct maskformer_options small_swin(void) {
    struct maskformer_options o = maskformer_small(TINY.features, 100);
    o.backbone = backbone_swin((struct swin_options){
        .embed = 8, .blocks = {1, 2, 1, 1}, .heads = {1, 2, 2, 4}, .window = 3});
    return o;
}

static inline void put(struct params *p, const char *name, tensor *x) {
    path_buffer(params_root(p), name, x); /* which may be whole numbers, too */
}

static inline bool starts(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* `on` in the place of `off` at the front of all names. */
static inline void rename_all(struct params *to, const struct params *from, const char *off,
                              const char *on) {
    for (size_t i = 0; i < from->n; i++) {
        REQUIRE(starts(from->at[i].name, off), "%s", from->at[i].name);
        char *name = mem_format("%s%s", on, from->at[i].name + strlen(off));
        put(to, name, t_clone(from->at[i].t));
        free(name);
    }
}

static inline void cast_all(struct params *p, enum t_dtype dtype) {
    for (size_t i = 0; i < p->n; i++) {
        tensor *old = p->at[i].t;
        p->at[i].t = t_hold(t_cast(old, dtype));
        if (p->at[i].t != old) t_drop(old);
    }
}

/* Without metadata, as others write. */
static inline char *save(const struct params *p, const char *name) {
    char *path = test_path(name);
    CHECK_OK(weights_save(path, p, NULL, 0));
    return path;
}

static inline void check_equal(const struct params *a, const struct params *b) {
    CHECK_INT(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        if (!test_equal_bits(a->at[i].t, b->at[i].t))
            test_fail(__FILE__, __LINE__, "%s differs", a->at[i].name);
}

/* The file must be refused when it is opened. */
static inline void check_refused(const char *path, const char *about) {
    struct import im;
    CHECK_ERROR(import_open(&im, path, NULL), ERR_DATA, about);
}

static inline void write_text(const char *dir, const char *name, const char *text) {
    char *path = path_join(dir, name);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(path);
}
