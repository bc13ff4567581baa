/* Folders of Hugging Face's and open_clip's, and what their configuration tells. */
#include "checkpoints/import.h"

#include "tests/torch.h"
#include "tests/unit/import_made.h"

static const struct clip_options HEADS = {
    .image = {.image_size = 16, .patch = 4, .width = 48, .layers = 2, .heads = 3},
    .text = {.vocab = 40, .context = 12, .width = 32, .layers = 3, .heads = 4},
    .features = 16,
    .temperature = 0.07,
};

static const char CONFIG[] =
    "{\"model_type\": \"clip\", \"projection_dim\": 16,"
    " \"text_config\": {\"hidden_size\": 32, \"num_hidden_layers\": 3, \"num_attention_heads\": 4,"
    "  \"hidden_act\": \"gelu\", \"vocab_size\": 40, \"max_position_embeddings\": 12},"
    " \"vision_config\": {\"hidden_size\": 48, \"num_hidden_layers\": 2, \"num_attention_heads\": "
    "3,"
    "  \"hidden_act\": \"gelu\", \"patch_size\": 4, \"image_size\": 16, \"layer_norm_eps\": "
    "1e-05}}";

/* One third of the rows of a joined matrix. */
static void put_part(struct params *to, const char *tower, const char *block, char part,
                     const char *kind, tensor *joined) {
    int64_t rows = t_size(joined, 0) / 3;
    char *name = mem_format("%s.encoder.layers.%s.self_attn.%c_proj.%s", tower, block, part, kind);
    put(to, name,
        t_clone(t_narrow(joined, 0,
                         part == 'q'   ? 0
                         : part == 'k' ? rows
                                       : 2 * rows,
                         rows)));
    free(name);
}

/* One tensor inside a block: "attn.in_proj_weight". */
static void put_inner(struct params *to, const char *tower, const char *block, const char *inner,
                      tensor *x) {
    static const char *const names[][2] = {
        {"attn.out_proj.", "self_attn.out_proj."},
        {"ln_1.", "layer_norm1."},
        {"ln_2.", "layer_norm2."},
        {"mlp.c_fc.", "mlp.fc1."},
        {"mlp.c_proj.", "mlp.fc2."},
    };
    if (starts(inner, "attn.in_proj_"))
        for (const char *part = "kvq"; *part; part++) /* as sorted names lie in their files */
            put_part(to, tower, block, *part, inner + strlen("attn.in_proj_"), x);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i][0]);
        if (strncmp(inner, names[i][0], n) != 0) continue;
        char *name = mem_format("%s.encoder.layers.%s.%s%s", tower, block, names[i][1], inner + n);
        put(to, name, t_clone(x));
        free(name);
    }
}

/* A CLIP of ours by Hugging Face's names. */
static void make_hf(struct params *to, const struct params *from) {
    static const char *const names[][2] = {
        {"logit_scale", "logit_scale"},
        {"positional_embedding", "text_model.embeddings.position_embedding.weight"},
        {"token_embedding.weight", "text_model.embeddings.token_embedding.weight"},
        {"ln_final.weight", "text_model.final_layer_norm.weight"},
        {"ln_final.bias", "text_model.final_layer_norm.bias"},
        {"visual.class_embedding", "vision_model.embeddings.class_embedding"},
        {"visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
        {"visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"},
        {"visual.ln_pre.weight", "vision_model.pre_layrnorm.weight"},
        {"visual.ln_pre.bias", "vision_model.pre_layrnorm.bias"},
        {"visual.ln_post.weight", "vision_model.post_layernorm.weight"},
        {"visual.ln_post.bias", "vision_model.post_layernorm.bias"},
    };
    for (size_t i = 0; i < from->n; i++) {
        const char *name = from->at[i].name;
        char block[8], inner[64];
        tensor *x = from->at[i].t;
        if (sscanf(name, "transformer.resblocks.%7[0-9].%63s", block, inner) == 2)
            put_inner(to, "text_model", block, inner, x);
        else if (sscanf(name, "visual.transformer.resblocks.%7[0-9].%63s", block, inner) == 2)
            put_inner(to, "vision_model", block, inner, x);
        else if (strcmp(name, "text_projection") == 0)
            put(to, "text_projection.weight", t_contiguous(t_transpose(x, 0, 1)));
        else if (strcmp(name, "visual.proj") == 0)
            put(to, "visual_projection.weight", t_contiguous(t_transpose(x, 0, 1)));
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (strcmp(name, names[k][0]) == 0) put(to, names[k][1], t_clone(x));
    }
    put(to, "vision_model.embeddings.position_ids", t_zeros(SHAPE(1, 17), T_I64));
}

/* A folder with the weights of p, and config.json. */
static void make_folder(const char *dir, const struct params *p, const char *config) {
    struct params theirs = {0};
    char *path = path_join(dir, "model.safetensors");
    make_hf(&theirs, p);
    CHECK_OK(dir_make(dir));
    CHECK_OK(weights_save(path, &theirs, NULL, 0));
    write_text(dir, "config.json", config);
    params_free(&theirs);
    free(path);
}

TEST(what_does_not_fit_is_named_as_it_is_in_the_file_too) {
    struct params p = {0}, hf = {0}, q = {0};
    struct clip_options other = HEADS;
    other.features = 24;
    make_clip(&p, "", &HEADS, 1);
    make_clip(&q, "", &other, 1);
    make_hf(&hf, &p);
    char *path = save(&hf, "x.safetensors");
    CHECK_ERROR(import_load(path, &q, (struct import_options){0}, NULL), ERR_CONFIG,
                "text_projection (in the file text_projection.weight) is [32, 16], expected [32, "
                "24]");
    free(path);
    params_free(&p);
    params_free(&hf);
    params_free(&q);
}

TEST(a_clipmodel_is_joined_and_transposed) {
    struct params p = {0}, q = {0};
    make_clip(&p, "", &HEADS, 1);
    make_clip(&q, "", &HEADS, 2);
    char *dir = test_path("hf");
    make_folder(dir, &p, CONFIG);
    write_text(dir, "preprocessor_config.json",
               "{\"image_mean\": [0.5, 0.25, 0.125], \"image_std\": [1, 2, 3]}");
    struct import_facts facts;
    CHECK_OK(import_load(dir, &q, (struct import_options){0}, &facts));
    check_equal(&q, &p);
    CHECK_INT(facts.activation, CLIP_GELU);
    CHECK(facts.has_pixels && facts.mean[2] == 0.125 && facts.std[2] == 3);
    import_facts_free(&facts);
    struct import im;
    struct clip_options found;
    CHECK_OK(import_open(&im, dir, NULL));
    CHECK_OK(import_clip_options(&im, "", ACTIVATION_UNKNOWN, &found));
    CHECK_INT(found.image.heads, 3);
    CHECK_INT(found.image.image_size, 16);
    CHECK_INT(found.text.heads, 4);
    CHECK_INT(found.text.context, 12);
    CHECK_INT(found.features, 16);
    CHECK_INT(found.image.activation, CLIP_GELU);
    CHECK_INT(found.image.prompt_depth, 0);
    char verdict[64];
    import_verdict_text(import_find(&im, "visual.proj")->verdict, verdict, sizeof verdict);
    CHECK_TEXT(verdict, "renamed+transposed");
    import_verdict_text(import_find(&im, "transformer.resblocks.2.attn.in_proj_bias")->verdict,
                        verdict, sizeof verdict);
    CHECK_TEXT(verdict, "renamed+joined");
    import_close(&im);
    free(dir);
    params_free(&p);
    params_free(&q);
}

TEST(shards_are_read_together) {
    struct params p = {0}, q = {0}, theirs = {0}, half[2] = {{0}};
    make_clip(&p, "", &HEADS, 1);
    make_clip(&q, "", &HEADS, 2);
    make_hf(&theirs, &p);
    char *dir = test_path("hf");
    CHECK_OK(dir_make(dir));
    struct str index = {0};
    for (size_t i = 0; i < theirs.n; i++) {
        put(&half[i % 2], theirs.at[i].name, t_clone(theirs.at[i].t));
        str_add(&index, "%s\"%s\": \"part-%zu.safetensors\"", i ? ", " : "{\"weight_map\": {",
                theirs.at[i].name, i % 2);
    }
    str_add(&index, "}}");
    for (int i = 0; i < 2; i++) {
        char *name = mem_format("part-%d.safetensors", i), *path = path_join(dir, name);
        CHECK_OK(weights_save(path, &half[i], NULL, 0));
        free(name);
        free(path);
    }
    write_text(dir, "model.safetensors.index.json", index.at);
    CHECK_OK(import_load(dir, &q, (struct import_options){0}, NULL));
    check_equal(&q, &p);
    write_text(dir, "model.safetensors.index.json", "{\"weight_map\": {\"x\": \"../part\"}}");
    check_refused(dir, "x is not in a file beside it");
    write_text(dir, "model.safetensors.index.json",
               "{\"weight_map\": {\"x\": \"part-0.safetensors\"}}");
    check_refused(dir, "missing");
    str_free(&index);
    free(dir);
    params_free(&p);
    params_free(&q);
    params_free(&theirs);
    params_free(&half[0]);
    params_free(&half[1]);
}

/* CONFIG with one text in the place of another, owned. */
static char *changed(const char *off, const char *on) {
    const char *at = strstr(CONFIG, off);
    REQUIRE(at, "%s", off);
    return mem_format("%.*s%s%s", (int)(at - CONFIG), CONFIG, on, at + strlen(off));
}

TEST(a_configuration_that_is_at_odds_with_its_weights_is_refused) {
    static const char *const cases[][3] = {
        {"\"clip\"", "\"siglip\"", "a model of type \"siglip\""},
        {"\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", "says num_hidden_layers 4"},
        {"\"projection_dim\": 16", "\"projection_dim\": 17", "says projection_dim 17"},
        {"\"patch_size\": 4", "\"patch_size\": 8", "says patch_size 8"},
        {"\"num_attention_heads\": 4", "\"num_attention_heads\": 5", "5 heads"},
        {"\"gelu\"", "\"quick_gelu\"", "different activations"},
        {"\"gelu\"", "\"gelu_new\"", "gelu_new"},
        {"1e-05", "1e-06", "layer_norm_eps"},
        {"{\"model_type\"", "[\"model_type\"", "is not a JSON object"},
    };
    struct params p = {0};
    make_clip(&p, "", &HEADS, 1);
    char *dir = test_path("hf");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *config = changed(cases[i][0], cases[i][1]);
        make_folder(dir, &p, config);
        check_refused(dir, cases[i][2]);
        free(config);
    }
    free(dir);
    params_free(&p);
}

TEST(what_no_file_tells_stays_unknown_until_it_is_set) {
    struct params p = {0};
    make_clip(&p, "", &TINY, 1);
    char *path = save(&p, "clip.safetensors");
    struct import im;
    struct clip_options found;
    CHECK_OK(import_open(&im, path, NULL));
    CHECK(!im.facts.has_pixels);
    CHECK_ERROR(import_clip_options(&im, "", ACTIVATION_UNKNOWN, &found), ERR_CONFIG,
                "set clip.activation");
    CHECK_OK(import_clip_options(&im, "", CLIP_QUICK_GELU, &found));
    CHECK_INT(found.image.prompt_depth, 2);
    CHECK_INT(found.image.layers, 3);
    import_close(&im);
    write_text(test_dir(), "open_clip_config.json",
               "{\"model_cfg\": {\"embed_dim\": 16, \"quick_gelu\": true,"
               " \"vision_cfg\": {\"image_size\": 16, \"layers\": 3, \"width\": 64,"
               "  \"patch_size\": 4, \"head_width\": 16},"
               " \"text_cfg\": {\"context_length\": 12, \"heads\": 8, \"layers\": 2}},"
               " \"preprocess_cfg\": {\"mean\": [0, 0.5, 1], \"std\": [1, 1, 2]}}");
    CHECK_OK(import_open(&im, path, NULL));
    CHECK_OK(import_clip_options(&im, "", ACTIVATION_UNKNOWN, &found));
    CHECK_INT(found.image.activation, CLIP_QUICK_GELU);
    CHECK_INT(found.image.heads, 4);
    CHECK_INT(found.text.heads, 8);
    CHECK(im.facts.has_pixels && im.facts.mean[1] == 0.5 && im.facts.std[2] == 2);
    import_close(&im);
    write_text(test_dir(), "open_clip_config.json",
               "{\"model_cfg\": {\"text_cfg\": {\"context_length\": 77}}}");
    check_refused(path, "says context_length 77");
    free(path);
    params_free(&p);
}

TEST(a_script_of_openais_is_known_by_its_hash_alone) {
    char *path = test_source("tests/data/pth/openai.pt");
    struct import im;
    CHECK_OK(import_open(&im, path, NULL));
    CHECK_TEXT(import_family_name(&im), "OpenAI's CLIP");
    CHECK_INT(im.facts.activation, ACTIVATION_UNKNOWN); /* weights of nobody's */
    CHECK(!im.facts.published);
    CHECK_INT(import_find(&im, "visual.proj")->verdict, IMPORT_CAST);
    CHECK_INT(import_find(&im, "visual.ln_pre.weight")->verdict, 0);
    CHECK(!import_find(&im, "context_length"));
    size_t dropped = 0;
    for (size_t i = 0; i < im.n; i++) {
        if (!(im.at[i].verdict & IMPORT_DROPPED)) continue;
        CHECK_TEXT(im.at[i].rule, "told-by-shapes");
        dropped++;
    }
    CHECK_INT(dropped, 3);
    import_close(&im);
    free(path);
}

TEST(positions_are_resized_for_another_grid_and_prompts_are_not) {
    struct clip_options o = TINY;
    struct params p = {0}, q = {0};
    o.image.prompt_depth = 0;
    make_clip(&p, "", &o, 1);
    char *path = save(&p, "clip.safetensors");
    o.image.image_size = 24;
    make_clip(&q, "", &o, 2);
    CHECK_OK(import_load(path, &q, (struct import_options){0}, NULL));
    struct import im;
    CHECK_OK(import_open(&im, path, NULL));
    CHECK_OK(import_resize(&im, "", 6));
    struct import_item *item = import_find(&im, "visual.positional_embedding");
    CHECK_INT(item->verdict, IMPORT_RESIZED);
    tensor *table = params_find(&q, item->name)->t;
    CHECK(test_equal_bits(import_tensor(&im, item), table));
    CHECK(test_equal_bits(t_select(table, 0, 0), t_select(params_find(&p, item->name)->t, 0, 0)));
    import_close(&im);
    params_free(&p);
    make_clip(&p, "", &TINY, 1); /* with prompts */
    CHECK_OK(weights_save(path, &p, NULL, 0));
    CHECK_OK(import_open(&im, path, NULL));
    CHECK_ERROR(import_resize(&im, "", 6), ERR_CONFIG, "prompts are not resized");
    import_close(&im);
    free(path);
    params_free(&p);
    params_free(&q);
}

TEST(facts_survive_in_a_file_of_our_own) {
    struct import_facts f = {.activation = CLIP_GELU,
                             .has_pixels = true,
                             .image_heads = 3,
                             .text_heads = 4,
                             .mean = {0.48145466, 0.5, 0.25},
                             .std = {1, 2, 3}};
    struct str text = {0};
    import_facts_format(&f, &text);
    struct params p = {0};
    make_clip(&p, "", &HEADS, 1);
    const char *const meta[][2] = {
        {"format", "ovseg-weights"}, {"version", "1"}, {"clip", text.at}};
    char *path = test_path("ours.safetensors");
    CHECK_OK(weights_save(path, &p, meta, 3));
    struct import im;
    CHECK_OK(import_open(&im, path, NULL));
    CHECK_INT(im.family, IMPORT_OURS);
    CHECK_INT(im.facts.activation, CLIP_GELU);
    CHECK_INT(im.facts.image_heads, 3);
    CHECK(memcmp(im.facts.mean, f.mean, sizeof f.mean) == 0);
    CHECK(memcmp(im.facts.std, f.std, sizeof f.std) == 0);
    import_close(&im);
    const char *const newer[][2] = {{"format", "ovseg-weights"}, {"version", "2"}};
    CHECK_OK(weights_save(path, &p, newer, 2));
    check_refused(path, "of version 2");
    str_free(&text);
    free(path);
    params_free(&p);
}

/* Lists of zeros: 40 bytes of memory for one of text. */
TEST(an_index_of_shards_is_small) {
    enum { N = 3 << 20 };
    char *path = test_path("model.safetensors.index.json"), *text = mem_alloc(N + 1, 1);
    memset(text, ' ', N);
    static const char index[] = "{\"weight_map\": {}}";
    for (size_t i = 0; index[i]; i++) text[i] = index[i];
    CHECK_OK(file_write(path, text, N));
    struct import im;
    CHECK_ERROR(import_open(&im, test_dir(), NULL), ERR_DATA, "bytes, at most 2097152 are read");
    free(text);
    free(path);
}

TEST(sizes_of_tensors_without_elements_are_not_believed) {
    static const int64_t huge = INT64_C(1) << 61;
    struct params p = {0};
    struct safetensors_out w;
    make_clip(&p, "", &TINY, 1);
    char *path = test_path("empty.safetensors"), *zeros = mem_alloc(1 << 20, 1);
    CHECK_OK(safetensors_out_open(&w, path));
    for (size_t i = 0; i < p.n; i++) {
        bool patches = strcmp(p.at[i].name, "visual.conv1.weight") == 0;
        safetensors_out_name(&w, p.at[i].name, T_F32,
                             patches ? SHAPE(64, 0, 4, huge) : t_shape(p.at[i].t));
    }
    for (size_t i = 0; i < w.table.n; i++)
        CHECK_OK(safetensors_out_put(&w, zeros, (size_t)w.table.at[i].bytes));
    CHECK_OK(safetensors_out_commit(&w));
    safetensors_out_close(&w);
    struct import im;
    struct clip_options found;
    CHECK_OK(import_open(&im, path, NULL));
    CHECK_ERROR(import_clip_options(&im, "", CLIP_GELU, &found), ERR_DATA,
                "visual.conv1.weight is [64, 0, 4, 2305843009213693952]");
    import_close(&im);
    free(zeros);
    free(path);
    params_free(&p);
}
