/* What goes out in the layouts of others comes back to the same bits. */
#include "tests/torch.h"
#include "tests/unit/export_made.h"

TEST(a_clip_comes_back_from_every_layout) {
    static const struct {
        const struct clip_options *o;
        enum export_target target;
        const char *name;
    } cases[] = {
        {&TINY, EXPORT_SAFETENSORS, "a.safetensors"},     {&TINY, EXPORT_CLIP, "a.pth"},
        {&PLAIN, EXPORT_OPEN_CLIP, "a-open-clip/"},       {&PLAIN, EXPORT_HF, "a-hf"},
        {&RESIDUAL, EXPORT_SAFETENSORS, "b.safetensors"}, {&RESIDUAL, EXPORT_CLIP, "b.pth"},
        {&RESIDUAL, EXPORT_OPEN_CLIP, "b-open-clip"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct params p = {0};
        make_clip(&p, "", cases[i].o, 1);
        char *from = save(&p, "from.safetensors");
        char *to = export_to(from, cases[i].name, cases[i].target, QUICK);
        check_back(to, &p, cases[i].o);
        char *again = export_to(to, "again.safetensors", EXPORT_SAFETENSORS, NOTHING);
        check_back(again, &p, cases[i].o);
        free(from);
        free(to);
        free(again);
        params_free(&p);
    }
}

TEST(a_folder_tells_what_the_tensors_do_not) {
    static const enum export_target targets[] = {EXPORT_OPEN_CLIP, EXPORT_HF};
    struct params p = {0};
    make_clip(&p, "", &PLAIN, 1);
    char *from = save(&p, "from.safetensors");
    for (int i = 0; i < 4; i++) {
        char name[] = "folder-0";
        name[7] = (char)('0' + i);
        char *to = export_to(from, name, targets[i / 2], (struct wish){.activation = i % 2});
        struct import im;
        struct clip_options o;
        CHECK_OK(import_open(&im, to, NULL));
        CHECK_OK(import_clip_options(&im, "", ACTIVATION_UNKNOWN, &o));
        CHECK_INT(o.image.activation, i % 2);
        CHECK_INT(im.facts.image_heads, 1);
        CHECK_INT(im.facts.text_heads, 2);
        CHECK_NEAR(im.facts.mean[1], 0.4578275, 0);
        CHECK_NEAR(im.facts.std[2], 0.27577711, 0);
        import_close(&im);
        free(to);
    }
    check_export_refused(from, EXPORT_HF, NOTHING, "say --activation");
    check_export_refused(from, EXPORT_OPEN_CLIP, NOTHING, "say --activation");
    free(from);
    params_free(&p);
}

TEST(hugging_face_gets_matrices_apart_and_turned) {
    struct params p = {0};
    make_clip(&p, "", &PLAIN, 1);
    char *from = save(&p, "from.safetensors"), *to = test_path("hf");
    char *report = try_export(from, to, EXPORT_HF, QUICK);
    CHECK(report);
    CHECK_HAS(report,
              "renamed+split vision_model.encoder.layers.2.self_attn.k_proj.weight <- "
              "visual.transformer.resblocks.2.attn.in_proj_weight F32 [64, 64] ");
    CHECK_HAS(report, "renamed+transposed visual_projection.weight <- visual.proj F32 [16, 64] ");
    CHECK_HAS(report, "used logit_scale F32 [] ");
    free(report);
    free(to);
    struct params q = {0};
    make_clip(&q, "", &RESIDUAL, 1);
    free(from);
    from = save(&q, "from.safetensors");
    check_export_refused(from, EXPORT_HF, QUICK, "its image tower is a ResNet");
    free(from);
    params_free(&p);
    params_free(&q);
}

/* The elements of a tensor of a file, which must be of that type and shape. */
static void read_tensor(struct tensor_file *f, const char *name, enum t_dtype dtype,
                        const char *shape, void *out) {
    const struct st_tensor *x = st_table_find(f->table, name);
    char found[192];
    if (!x) test_fail(__FILE__, __LINE__, "no %s", name);
    st_shape_text(x->shape, found, sizeof found);
    CHECK_TEXT(found, shape);
    CHECK_INT(x->dtype, dtype);
    CHECK_OK(tensor_file_read(f, x, out));
}

TEST(the_references_checkpoint_has_its_buffers_and_versions) {
    struct params p = {0};
    char *from = save_ovseg(&p, "from.safetensors");
    char *to = export_to(from, "out.pth", EXPORT_OVSEG, NOTHING);
    check_ovseg(to, &p);
    struct tensor_file f;
    CHECK_OK(tensor_file_open(&f, to, NULL));
    CHECK(f.torch && f.pth.part);
    float weights[172], mean[3], std[3];
    int64_t index[81];
    read_tensor(&f, "criterion.empty_weight", T_F32, "[172]", weights);
    CHECK(weights[0] == 1 && weights[170] == 1 && weights[171] == 0.1F);
    read_tensor(&f, "clip_adapter.pixel_mean", T_F32, "[1, 3, 1, 1]", mean);
    read_tensor(&f, "clip_adapter.pixel_std", T_F32, "[1, 3, 1, 1]", std);
    CHECK_NEAR(mean[0], 122.7709383, 1e-4);
    CHECK_NEAR(std[2], 70.32281, 1e-3);
    read_tensor(&f, "backbone.layers.1.blocks.1.attn.relative_position_index", T_I64, "[9, 9]",
                index);
    CHECK_INT(index[0], 12); /* the middle of 5 x 5 offsets */
    CHECK_INT(index[8], 0);
    const struct pickle *k = &f.pth.pickle;
    uint32_t dict = pickle_get(k, k->root, "model");
    uint32_t head = pickle_get(k, pickle_get(k, k->at[dict].extra, "_metadata"), "sem_seg_head");
    CHECK_INT(k->at[pickle_get(k, head, "version")].i, 2);
    tensor_file_close(&f);
    free(from);
    free(to);
    params_free(&p);
}

TEST(buffers_of_the_reference_come_along_as_they_are) {
    struct params p = {0};
    free(save_ovseg(&p, "from.safetensors"));
    struct params theirs = {0};
    rename_all(&theirs, &p, "", "module.");
    put(&theirs, "module.criterion.empty_weight", t_full(SHAPE(20), 0.5, T_F32));
    put(&theirs, "module.clip_adapter.pixel_mean", t_full(SHAPE(1, 3, 1, 1), 7, T_F32));
    char *from = save(&theirs, "theirs.safetensors");
    char *to = export_to(from, "out.pth", EXPORT_OVSEG, NOTHING);
    struct tensor_file f;
    float weights[20], mean[3];
    CHECK_OK(tensor_file_open(&f, to, NULL));
    read_tensor(&f, "criterion.empty_weight", T_F32, "[20]", weights);
    read_tensor(&f, "clip_adapter.pixel_mean", T_F32, "[1, 3, 1, 1]", mean);
    CHECK(weights[19] == 0.5F && mean[2] == 7);
    tensor_file_close(&f);
    check_ovseg(to, &p);
    free(from);
    free(to);
    params_free(&p);
    params_free(&theirs);
}

/* A folder of open_clip whose pixels have a mean of 0.5578275 in green; owned. */
static char *save_odd_pixels(void) {
    struct params p = {0};
    struct clip_options o = TINY;
    o.image.prompt_depth = 0;
    make_clip(&p, "", &o, 5);
    char *file = save(&p, "clip.safetensors");
    char *folder = export_to(file, "odd", EXPORT_OPEN_CLIP, QUICK);
    char *config = path_join(folder, "open_clip_config.json");
    struct bytes text;
    CHECK_OK(file_read(config, 1 << 16, &text));
    char *at = strstr((char *)text.at, "0.4578275");
    CHECK(at);
    at[2] = '5';
    CHECK_OK(file_write(config, text.at, text.n));
    bytes_free(&text);
    free(config);
    free(file);
    params_free(&p);
    return folder;
}

TEST(the_pixels_of_another_clip_come_along_with_it) {
    struct params p = {0};
    free(save_ovseg(&p, "from.safetensors"));
    put(&p, "clip_adapter.pixel_mean", t_full(SHAPE(3, 1, 1), 7, T_F32));
    char *from = save(&p, "from.safetensors"), *odd = save_odd_pixels();
    for (int i = 0; i < 2; i++) {
        char *to = export_to(from, i ? "b.pth" : "a.pth", EXPORT_OVSEG,
                             (struct wish){.clip = i ? odd : NULL});
        struct tensor_file f;
        float mean[3];
        CHECK_OK(tensor_file_open(&f, to, NULL));
        read_tensor(&f, "clip_adapter.pixel_mean", T_F32, i ? "[1, 3, 1, 1]" : "[3, 1, 1]", mean);
        CHECK_NEAR(mean[1], i ? 142.2460125 : 7, 1e-4);
        tensor_file_close(&f);
        free(to);
    }
    struct import im;
    CHECK_OK(import_open(&im, odd, NULL));
    CHECK(import_facts_odd_pixels(&im.facts));
    import_facts_usual_pixels(&im.facts);
    CHECK(!import_facts_odd_pixels(&im.facts));
    import_close(&im);
    free(from);
    free(odd);
    params_free(&p);
}

TEST(a_clip_alone_or_one_of_gelu_is_no_checkpoint_of_the_reference) {
    struct params p = {0}, clip = {0};
    char *whole = save_ovseg(&p, "whole.safetensors");
    make_clip(&clip, "", &TINY, 5);
    char *file = save(&clip, "clip.safetensors");
    check_export_refused(file, EXPORT_OVSEG, NOTHING, "is no whole OVSeg model");
    char *gelu = export_to(file, "gelu", EXPORT_OPEN_CLIP, (struct wish){.activation = CLIP_GELU});
    check_export_refused(whole, EXPORT_OVSEG, (struct wish){.clip = gelu}, "has gelu");
    free(whole);
    free(file);
    free(gelu);
    params_free(&p);
    params_free(&clip);
}

TEST(the_clip_of_a_checkpoint_goes_out_by_itself) {
    struct params p = {0}, clip = {0};
    char *from = save_ovseg(&p, "from.safetensors");
    for (size_t i = 0; i < p.n; i++)
        if (starts(p.at[i].name, "clip_adapter.clip_model."))
            put(&clip, p.at[i].name + strlen("clip_adapter.clip_model."), t_clone(p.at[i].t));
    char *to = export_to(from, "clip.pth", EXPORT_CLIP, NOTHING);
    check_back(to, &clip, &TINY);
    free(from);
    free(to);
    params_free(&p);
    params_free(&clip);
}

TEST(layouts_without_a_place_for_prompts_leave_them_out_by_name) {
    static const enum export_target targets[] = {EXPORT_OPEN_CLIP, EXPORT_HF};
    struct params p = {0}, plain = {0};
    make_clip(&p, "", &TINY, 1);
    for (size_t i = 0; i < p.n; i++)
        if (strcmp(p.at[i].name, "visual.mask_embedding") != 0)
            put(&plain, p.at[i].name, t_clone(p.at[i].t));
    char *from = save(&p, "from.safetensors");
    for (int i = 0; i < 2; i++) {
        char *to = test_path(i ? "one" : "two"), *report;
        report = try_export(from, to, targets[i], QUICK);
        CHECK_HAS(report, "dropped(prompts) visual.mask_embedding ");
        check_back(to, &plain, &PLAIN);
        free(report);
        free(to);
    }
    free(from);
    params_free(&p);
    params_free(&plain);
}

TEST(a_damaged_input_leaves_nothing) {
    static const enum export_target targets[] = {EXPORT_SAFETENSORS, EXPORT_CLIP, EXPORT_HF};
    struct params p = {0};
    make_clip(&p, "", &PLAIN, 1);
    char *file = save(&p, "p.safetensors"), *from = export_to(file, "p.pth", EXPORT_CLIP, QUICK);
    char *to = test_path("out");
    struct bytes bytes;
    CHECK_OK(file_read(from, 64 << 20, &bytes));
    bytes.at[bytes.n / 2] ^= 1;
    CHECK_OK(file_write(from, bytes.at, bytes.n));
    for (int i = 0; i < 3; i++) {
        struct strings names;
        CHECK(!try_export(from, to, targets[i], QUICK));
        CHECK_ERROR(error_status(), ERR_DATA, "CRC32");
        CHECK_OK(dir_list(test_dir(), &names));
        CHECK_INT(names.n, 2);
        strings_free(&names);
    }
    bytes_free(&bytes);
    free(file);
    free(from);
    free(to);
    params_free(&p);
}
