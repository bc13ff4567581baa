/* Another CLIP, or other prompts, in the place of what a model had. */
#include "tests/torch.h"
#include "tests/unit/export_made.h"

TEST(prompts_go_from_one_clip_to_another) {
    struct params p = {0}, plain = {0}, narrow = {0};
    make_clip(&p, "", &TINY, 1);
    make_clip(&plain, "", &PLAIN, 2);
    char *from = save(&p, "from.safetensors"), *to = save(&plain, "plain.safetensors");
    char *prompts = export_to(from, "prompts.safetensors", EXPORT_PROMPTS, NOTHING);
    struct tensor_file f;
    CHECK_OK(tensor_file_open(&f, prompts, NULL));
    CHECK_INT(f.table->n, 1);
    CHECK_TEXT(st_table_meta(f.table, "format"), "ovseg-prompts");
    CHECK_TEXT(st_table_meta(f.table, "depth"), "2");
    CHECK_TEXT(st_table_meta(f.table, "grid"), "4");
    CHECK_TEXT(st_table_meta(f.table, "width"), "64");
    tensor_file_close(&f);
    struct params both = {0};
    rename_all(&both, &plain, "", "");
    put(&both, "visual.mask_embedding", t_clone(params_find(&p, "visual.mask_embedding")->t));
    const char *const sources[] = {prompts, from}; /* of its own, or in a CLIP */
    for (int i = 0; i < 2; i++) {
        struct wish wish = {.prompts = sources[i]};
        char *out = export_to(to, "both.safetensors", EXPORT_SAFETENSORS, wish), *report;
        struct params q = {0};
        make_clip(&q, "", &TINY, 3);
        CHECK_OK(import_load(out, &q, (struct import_options){0}, NULL));
        for (size_t k = 0; k < q.n; k++)
            CHECK(test_equal_bits(q.at[k].t, params_find(&both, q.at[k].name)->t));
        report = try_export(from, out, EXPORT_SAFETENSORS, wish); /* its own again */
        CHECK_HAS(report, "dropped(replaced) visual.mask_embedding ");
        free(report);
        free(out);
        params_free(&q);
    }
    struct clip_options other = PLAIN;
    other.image.image_size = 20;
    make_clip(&narrow, "", &other, 2);
    char *odd = save(&narrow, "odd.safetensors");
    check_export_refused(odd, EXPORT_SAFETENSORS, (struct wish){.prompts = prompts},
                         "mask prompts [2, 16, 64] do not fit an image tower of 25 patches");
    check_export_refused(to, EXPORT_SAFETENSORS, (struct wish){.prompts = odd},
                         "there are no mask prompts in it");
    check_export_refused(to, EXPORT_PROMPTS, NOTHING, "its CLIP has no mask prompts");
    free(from);
    free(to);
    free(prompts);
    free(odd);
    params_free(&p);
    params_free(&plain);
    params_free(&narrow);
    params_free(&both);
}

/* A whole model with the CLIP of `new`, of which `kept` prompts are the old ones. */
static void check_replaced(const char *path, const struct params *old, const struct params *new,
                           bool kept) {
    static const char prompts[] = "clip_adapter.clip_model.visual.mask_embedding";
    struct maskformer_options o = small_swin();
    struct params q = {0};
    make_ovseg(&q, &o);
    CHECK_OK(import_load(path, &q, (struct import_options){0}, NULL));
    for (size_t i = 0; i < q.n; i++) {
        const char *name = q.at[i].name;
        bool clip = starts(name, "clip_adapter.clip_model.");
        if (kept && strcmp(name, prompts) == 0) clip = false;
        const struct param *want = clip
                                       ? params_find(new, name + strlen("clip_adapter.clip_model."))
                                       : params_find(old, name);
        if (!test_equal_bits(q.at[i].t, want->t))
            test_fail(__FILE__, __LINE__, "%s is not the one it must be", name);
    }
    params_free(&q);
}

TEST(a_clip_takes_the_place_of_another) {
    struct params p = {0}, prompted = {0}, plain = {0};
    char *whole = save_ovseg(&p, "whole.safetensors");
    make_clip(&prompted, "", &TINY, 5);
    make_clip(&plain, "", &PLAIN, 6);
    char *a = save(&prompted, "a.safetensors"), *b = save(&plain, "b.safetensors");
    char *to = export_to(whole, "a.pth", EXPORT_OVSEG, (struct wish){.clip = a});
    check_replaced(to, &p, &prompted, false);
    free(to);
    to = export_to(whole, "b.pth", EXPORT_OVSEG, (struct wish){.clip = b});
    check_replaced(to, &p, &plain, true);
    free(to);
    to = export_to(whole, "out.safetensors", EXPORT_SAFETENSORS, (struct wish){.clip = whole});
    check_ovseg(to, &p); /* the CLIP of a whole model, its own */
    free(to);
    struct params head = {0}; /* without a CLIP it gets the whole of one */
    for (size_t i = 0; i < p.n; i++)
        if (!starts(p.at[i].name, "clip_adapter.clip_model."))
            put(&head, p.at[i].name, t_clone(p.at[i].t));
    char *bare = save(&head, "bare.safetensors");
    to = export_to(bare, "c.pth", EXPORT_OVSEG, (struct wish){.clip = a});
    check_replaced(to, &p, &prompted, false);
    free(to);
    struct clip_options other = TINY;
    struct params odd = {0};
    other.features = 24;
    make_clip(&odd, "", &other, 7);
    CHECK_OK(weights_save(b, &odd, NULL, 0));
    check_export_refused(bare, EXPORT_OVSEG, (struct wish){.clip = b},
                         "text_projection makes 24 features, the model's classes have 16");
    params_free(&odd);
    free(bare);
    free(whole);
    free(a);
    free(b);
    params_free(&p);
    params_free(&prompted);
    params_free(&plain);
    params_free(&head);
}

TEST(prompts_of_another_depth_come_along_with_their_clip) {
    struct clip_options deep = TINY;
    deep.image.prompt_depth = 3;
    struct params p = {0}, clip = {0};
    char *whole = save_ovseg(&p, "whole.safetensors");
    make_clip(&clip, "", &deep, 5);
    char *a = save(&clip, "a.safetensors"), *to = test_path("out.pth");
    char *report = try_export(whole, to, EXPORT_OVSEG, (struct wish){.clip = a});
    CHECK_HAS(report,
              "renamed clip_adapter.clip_model.visual.mask_embedding <- "
              "visual.mask_embedding F32 [3, 16, 64] ");
    CHECK_HAS(report,
              "dropped(replaced) clip_adapter.clip_model.visual.mask_embedding F32 "
              "[2, 16, 64] ");
    free(report);
    char *back = export_to(to, "back.pth", EXPORT_CLIP, NOTHING);
    check_back(back, &clip, &deep);
    free(back);
    free(to);
    free(a);
    free(whole);
    params_free(&p);
    params_free(&clip);
}

TEST(a_clip_of_other_sizes_does_not_take_the_place) {
    struct params p = {0}, clip = {0};
    struct clip_options wide = TINY, coarse = PLAIN;
    wide.image.width = 128;
    coarse.image.image_size = 20;
    char *whole = save_ovseg(&p, "whole.safetensors");
    make_clip(&clip, "", &wide, 5);
    char *a = save(&clip, "a.safetensors");
    check_export_refused(whole, EXPORT_OVSEG, (struct wish){.clip = a},
                         "visual.proj is [128, 16], expected [64, 16]");
    params_free(&clip);
    wide = TINY;
    wide.image.layers = 2;
    make_clip(&clip, "", &wide, 5);
    CHECK_OK(weights_save(a, &clip, NULL, 0));
    check_export_refused(whole, EXPORT_OVSEG, (struct wish){.clip = a},
                         "12 missing: visual.transformer.resblocks.2.");
    params_free(&clip);
    make_clip(&clip, "", &coarse, 5); /* fits but for the prompts that would stay */
    CHECK_OK(weights_save(a, &clip, NULL, 0));
    check_export_refused(whole, EXPORT_OVSEG, (struct wish){.clip = a},
                         "mask prompts [2, 16, 64] do not fit");
    check_export_refused(a, EXPORT_CLIP, (struct wish){.clip = a}, "is no OVSeg model");
    params_free(&clip);
    make_clip(&clip, "", &RESIDUAL, 5);
    CHECK_OK(weights_save(a, &clip, NULL, 0));
    check_export_refused(whole, EXPORT_OVSEG, (struct wish){.clip = a}, "visual.class_embedding");
    free(a);
    free(whole);
    params_free(&p);
    params_free(&clip);
}

TEST(tensors_that_the_model_does_not_have_are_left_out_by_name) {
    struct params p = {0}, clip = {0};
    struct clip_options deep = TINY;
    deep.text.layers = 3;
    char *whole = save_ovseg(&p, "whole.safetensors"), *to = test_path("out.pth");
    make_clip(&clip, "", &deep, 5);
    char *a = save(&clip, "a.safetensors");
    char *report = try_export(whole, to, EXPORT_OVSEG, (struct wish){.clip = a});
    CHECK_HAS(report,
              "dropped(not-in-model) "
              "clip_adapter.clip_model.transformer.resblocks.2.ln_1.weight ");
    check_replaced(to, &p, &clip, false);
    free(report);
    free(to);
    free(a);
    free(whole);
    params_free(&p);
    params_free(&clip);
}
