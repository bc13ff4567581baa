/* Models of ours on their way out, for tests of checkpoints/export.h. */
#pragma once

#include "checkpoints/export.h"
#include "tests/unit/import_made.h"

static const struct clip_options PLAIN = {
    .image = {.image_size = 16, .patch = 4, .width = 64, .layers = 3},
    .text = {.vocab = 40, .context = 12, .width = 128, .layers = 2, .cut_at_end = true},
    .features = 16,
    .temperature = 0.07,
};

static const struct clip_options RESIDUAL = {
    .resnet = {.image_size = 64, .width = 4, .blocks = {1, 2, 1, 1}},
    .text = {.vocab = 40, .context = 12, .width = 64, .layers = 2},
    .features = 16,
    .temperature = 0.07,
};

/* What is asked for beside the target. */
struct wish {
    int activation;
    const char *clip, *prompts; /* paths */
};
static const struct wish NOTHING = {.activation = ACTIVATION_UNKNOWN}, QUICK = {0};

/* Exports a file; the report, or NULL and the error. */
static inline char *try_export(const char *from, const char *to, enum export_target target,
                               struct wish wish) {
    struct import im, clip, prompts;
    struct export e;
    struct str report = {0};
    CHECK_OK(import_open(&im, from, NULL));
    if (wish.clip) CHECK_OK(import_open(&clip, wish.clip, NULL));
    if (wish.prompts) CHECK_OK(import_open(&prompts, wish.prompts, NULL));
    if (im.facts.activation == ACTIVATION_UNKNOWN) im.facts.activation = wish.activation;
    export_open(&e, &im);
    if (wish.clip) export_replace_clip(&e, &clip);
    if (wish.prompts) export_set_prompts(&e, &prompts);
    export_as(&e, target);
    int status = export_write(&e, to, &report);
    export_close(&e);
    import_close(&im);
    if (wish.clip) import_close(&clip);
    if (wish.prompts) import_close(&prompts);
    if (status) str_free(&report);
    return report.at;
}

static inline char *export_to(const char *from, const char *name, enum export_target target,
                              struct wish wish) {
    char *to = test_path(name), *report = try_export(from, to, target, wish);
    CHECK_OK(error_status());
    CHECK(report);
    free(report);
    return to;
}

static inline void check_export_refused(const char *from, enum export_target target,
                                        struct wish wish, const char *about) {
    char *to = test_path("refused");
    struct strings before, after;
    CHECK_OK(dir_list(test_dir(), &before));
    CHECK(!try_export(from, to, target, wish));
    CHECK_ERROR(error_status(), ERR_CONFIG, about);
    CHECK_OK(dir_list(test_dir(), &after));
    CHECK_INT(after.n, before.n);
    strings_free(&before);
    strings_free(&after);
    free(to);
}

/* A model of these options, filled from a path, has the bits of p. */
static inline void check_back(const char *path, const struct params *p,
                              const struct clip_options *o) {
    struct params q = {0};
    make_clip(&q, "", o, 77);
    CHECK_OK(import_load(path, &q, (struct import_options){0}, NULL));
    check_equal(&q, p);
    params_free(&q);
}

/* The reference's layout, as a safetensors file. */
static inline char *save_ovseg(struct params *p, const char *name) {
    struct maskformer_options o = small_swin();
    make_ovseg(p, &o);
    return save(p, name);
}

static inline void check_ovseg(const char *path, const struct params *p) {
    struct maskformer_options o = small_swin();
    struct params q = {0};
    make_ovseg(&q, &o);
    t_fill_(q.at[0].t, 3);
    CHECK_OK(import_load(path, &q, (struct import_options){0}, NULL));
    check_equal(&q, p);
    params_free(&q);
}
