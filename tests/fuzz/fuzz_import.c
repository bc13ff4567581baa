/* Weights of others, from the first byte to a model's registry; and the texts beside them. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "checkpoints/import.h"
#include "nn/models/clip.h"
#include "tests/fuzz/mutants.h"

/* A CLIP of the sizes that the file tells, if they are those of a small one. */
static int fill_model(struct import *im, const char *prefix) {
    enum { SMALL = 64 };
    struct clip_options o;
    struct clip c;
    struct params p = {0};
    int status = import_clip_options(im, prefix, CLIP_GELU, &o);
    if (status == ERR_DATA) error_clear(); /* no configuration tells how many heads it has */
    if (status) return error_status();
    if (o.resnet.width || o.image.width > SMALL || o.image.image_size > SMALL ||
        o.image.layers > 4 || o.text.width > SMALL || o.text.context > SMALL ||
        o.text.vocab > SMALL || o.text.layers > 4 || o.features > SMALL)
        return 0;
    int scope = t_scope_open("fuzz", T_NO_GRAD);
    clip_init(&c, params_root(&p), &o);
    status = import_copy(im, &p, (struct import_options){.prefix = prefix});
    clip_free(&c);
    params_free(&p);
    t_scope_close(scope, NULL);
    return status;
}

static int fill_tensors(struct import *im) {
    for (size_t i = 0; i < im->n; i++) {
        if (im->at[i].verdict & IMPORT_DROPPED) continue;
        int scope = t_scope_open("fuzz", T_NO_GRAD);
        import_tensor(im, &im->at[i]);
        t_scope_close(scope, NULL);
        if (error_status()) break;
    }
    return error_status();
}

static int run_path(const char *path) {
    struct import im;
    int status = import_open(&im, path, NULL);
    if (status) return status;
    for (size_t i = 0; i < im.n; i++) {
        const struct import_item *item = &im.at[i];
        REQUIRE(*item->name && item->sources > 0, "an item of nothing");
        REQUIRE(item->verdict & IMPORT_DROPPED || import_find(&im, item->name) == item,
                "%s is not found", item->name);
    }
    status = fill_tensors(&im);
    const char *prefix = import_clip_prefix(&im);
    if (!status && prefix) status = fill_model(&im, prefix);
    import_close(&im);
    return status;
}

static int run_in(const char *name, const uint8_t *data, size_t n, bool folder) {
    char *dir = fuzz_path("import"), *path = path_join(dir, name);
    int status = dir_make(dir);
    if (!status) status = file_write(path, data, n);
    if (!status) status = run_path(folder ? dir : path);
    free(path);
    free(dir);
    return status;
}

static void import_seeds(struct corpus *c) {
    char *dir = fuzz_path("seeds");
    REQUIRE(!dir_make(dir), "%s", error_message());
    for (size_t i = 0; i < n_mutant_kinds; i++)
        if (!mutant_kinds[i].folder && strcmp(mutant_kinds[i].name, "script") != 0)
            mutant_kinds[i].seeds(c, dir);
    corpus_add_file(c, "tests/data/pth/openai.pt"); /* the other script is no known model */
    free(dir);
}

static int run_import(const uint8_t *data, size_t n) { return run_in("x.pth", data, n, false); }

FUZZ(import, .seeds = import_seeds, .run = run_import, .seal = archive_seal,
     .codes = {ERR_DATA, ERR_CONFIG});

static void folder_seeds(struct corpus *c, const char *kind) {
    char *dir = fuzz_path("import");
    for (size_t i = 0; i < n_mutant_kinds; i++)
        if (strcmp(mutant_kinds[i].name, kind) == 0) mutant_kinds[i].seeds(c, dir);
    free(dir);
}

/* config.json of Hugging Face's. */
static void import_hf_seeds(struct corpus *c) { folder_seeds(c, "hf"); }
static int run_import_hf(const uint8_t *data, size_t n) {
    return run_in("config.json", data, n, true);
}

FUZZ(import_hf, .seeds = import_hf_seeds, .run = run_import_hf,
     .codes = {ERR_DATA, ERR_CONFIG, ERR_MISSING});

static void import_open_clip_seeds(struct corpus *c) { folder_seeds(c, "open_clip"); }
static int run_import_open_clip(const uint8_t *data, size_t n) {
    return run_in("open_clip_config.json", data, n, true);
}

FUZZ(import_open_clip, .seeds = import_open_clip_seeds, .run = run_import_open_clip,
     .codes = {ERR_DATA, ERR_CONFIG});
