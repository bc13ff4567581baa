/* Models between two others. */
#include "tests/torch.h"
#include "tests/unit/export_made.h"

/* Exports the blend of two files; the report, or NULL and the error. */
static char *try_blend(const char *from, const char *with, double alpha, const char *to) {
    struct import a, b;
    struct export e;
    struct str report = {0};
    CHECK_OK(import_open(&a, from, NULL));
    CHECK_OK(import_open(&b, with, NULL));
    export_open(&e, &a);
    export_blend(&e, &b, alpha);
    export_as(&e, EXPORT_SAFETENSORS);
    int status = export_write(&e, to, &report);
    export_close(&e);
    import_close(&a);
    import_close(&b);
    if (status) str_free(&report);
    return report.at;
}

TEST(a_blend_lies_between_and_its_ends_are_the_models_themselves) {
    struct params p = {0}, q = {0}, middle = {0};
    make_clip(&p, "", &PLAIN, 1);
    make_clip(&q, "", &PLAIN, 2);
    char *a = save(&p, "a.safetensors"), *b = save(&q, "b.safetensors"),
         *to = test_path("to.safetensors");
    const struct {
        double alpha;
        const struct params *is;
    } ends[] = {{0, &p}, {1, &q}};
    for (int i = 0; i < 2; i++) {
        free(try_blend(a, b, ends[i].alpha, to));
        CHECK_OK(error_status());
        check_back(to, ends[i].is, &PLAIN);
    }
    char *report = try_blend(a, b, 0.25, to);
    CHECK_OK(error_status());
    CHECK_HAS(report, "blended visual.proj F32 [64, 16] ");
    for (size_t i = 0; i < p.n; i++)
        put(&middle, p.at[i].name, t_add(t_scale(p.at[i].t, 0.75), t_scale(q.at[i].t, 0.25)));
    check_back(to, &middle, &PLAIN);
    free(report);
    char *const owned[] = {a, b, to};
    for (size_t i = 0; i < 3; i++) free(owned[i]);
    params_free(&p);
    params_free(&q);
    params_free(&middle);
}

TEST(prompts_that_one_of_them_has_are_taken_whole) {
    struct params bare = {0}, prompted = {0};
    make_clip(&bare, "", &PLAIN, 1);
    make_clip(&prompted, "", &TINY, 2);
    char *a = save(&bare, "a.safetensors"), *b = save(&prompted, "b.safetensors"),
         *to = test_path("to.safetensors");
    const char *const ways[][2] = {{a, b}, {b, a}};
    for (int i = 0; i < 2; i++) {
        char *report = try_blend(ways[i][0], ways[i][1], 0.5, to);
        CHECK_OK(error_status());
        CHECK_HAS(report, "used visual.mask_embedding F32 ");
        CHECK_HAS(report, "blended logit_scale F32 [] ");
        free(report);
    }
    char *const owned[] = {a, b, to};
    for (size_t i = 0; i < 3; i++) free(owned[i]);
    params_free(&bare);
    params_free(&prompted);
}

TEST(models_of_other_forms_have_nothing_between_them) {
    struct params p = {0}, q = {0}, r = {0};
    struct clip_options wide = PLAIN;
    wide.features = 24;
    make_clip(&p, "", &PLAIN, 1);
    make_clip(&q, "", &wide, 2);
    make_clip(&r, "", &RESIDUAL, 3);
    char *a = save(&p, "a.safetensors"), *b = save(&q, "b.safetensors"),
         *c = save(&r, "c.safetensors"), *to = test_path("to.safetensors");
    CHECK(!try_blend(a, b, 0.5, to));
    CHECK_ERROR(error_status(), ERR_CONFIG, "visual.proj is [64, 24], expected [64, 16]");
    CHECK(!try_blend(a, c, 0.5, to));
    CHECK_ERROR(error_status(), ERR_CONFIG, "unexpected: ");
    CHECK(!file_exists(to));
    char *const owned[] = {a, b, c, to};
    for (size_t i = 0; i < 4; i++) free(owned[i]);
    params_free(&p);
    params_free(&q);
    params_free(&r);
}
