#include "tests/fuzz/mutants.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "base/hash.h"
#include "checkpoints/export.h"

/* ---- the kinds ---- */

static void add_all(struct corpus *c, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char *path = mem_format("tests/data/pth/%s", names[i]);
        corpus_add_file(c, path);
        free(path);
    }
}

static void archive_seeds(struct corpus *c, const char *dir) {
    static const char *const names[] = {"archive.pth", "module.pth", "bare.pth", "parameter.pth"};
    (void)dir;
    add_all(c, names, 4);
}

static void script_seeds(struct corpus *c, const char *dir) {
    static const char *const names[] = {"script.pt", "openai.pt"};
    (void)dir;
    add_all(c, names, 2);
}

static void stream_seeds(struct corpus *c, const char *dir) {
    static const char *const names[] = {"stream.pth"};
    (void)dir;
    add_all(c, names, 1);
}

static void pickle_seeds(struct corpus *c, const char *dir) {
    static const char *const names[] = {"arrays3.pkl", "arrays4.pkl", "tensors.pkl"};
    (void)dir;
    add_all(c, names, 3);
}

/* The CLIP of tests/data/pth in another layout. */
static void export_openai(enum export_target target, const char *to) {
    struct import im;
    struct export e;
    struct str report = {0};
    char *from = path_join(TEST_SOURCE_DIR, "tests/data/pth/openai.pt");
    REQUIRE(!import_open(&im, from, NULL), "%s", error_message());
    im.facts.activation = CLIP_QUICK_GELU;
    im.facts.image_heads = im.facts.text_heads = 2;
    import_facts_usual_pixels(&im.facts);
    export_open(&e, &im);
    if (!export_as(&e, target)) export_write(&e, to, &report);
    REQUIRE(!error_status(), "%s", error_message());
    export_close(&e);
    import_close(&im);
    str_free(&report);
    free(from);
}

static void add_path(struct corpus *c, const char *path) {
    struct bytes b;
    REQUIRE(!file_read(path, FUZZ_MAX, &b), "%s", error_message());
    corpus_add(c, b.at, b.n);
    bytes_free(&b);
}

static void safetensors_seeds(struct corpus *c, const char *dir) {
    static const char text[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"b\":{\"dtype\":\"I64\",\"shape\":[4],\"data_offsets\":[24,56]},"
        "\"c\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[56,58]},"
        "\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[58,58]}}  ";
    struct str small = {0};
    uint64_t n = sizeof text - 1;
    str_put(&small, &n, sizeof n);
    str_put(&small, text, n);
    for (int i = 0; i < 58; i++) str_add(&small, "%c", 'a' + i % 26);
    corpus_add(c, small.at, small.n);
    str_free(&small);
    char *path = path_join(dir, "seed.safetensors");
    export_openai(EXPORT_SAFETENSORS, path);
    add_path(c, path);
    free(path);
}

static void folder_seeds(struct corpus *c, const char *dir, enum export_target target,
                         const char *name) {
    dir_remove(dir);
    export_openai(target, dir);
    char *path = path_join(dir, name);
    add_path(c, path);
    free(path);
}

static void hf_seeds(struct corpus *c, const char *dir) {
    folder_seeds(c, dir, EXPORT_HF, "config.json");
}
static void hf_weight_seeds(struct corpus *c, const char *dir) {
    folder_seeds(c, dir, EXPORT_HF, "model.safetensors");
}
static void open_clip_seeds(struct corpus *c, const char *dir) {
    folder_seeds(c, dir, EXPORT_OPEN_CLIP, "open_clip_config.json");
}

const struct mutant_kind mutant_kinds[] = {
    {"archive", "mutant.pth", archive_seeds, mutate_archive, false},
    {"script", "mutant.pt", script_seeds, mutate_archive, false},
    {"stream", "mutant.pth", stream_seeds, mutate_stream, false},
    {"pickle", "mutant.pkl", pickle_seeds, mutate_pickled, false},
    {"safetensors", "mutant.safetensors", safetensors_seeds, mutate_safetensors, false},
    {"hf", "config.json", hf_seeds, mutate_json, true},
    {"hf_weights", "model.safetensors", hf_weight_seeds, mutate_safetensors, true},
    {"open_clip", "open_clip_config.json", open_clip_seeds, mutate_json, true},
};
const size_t n_mutant_kinds = sizeof mutant_kinds / sizeof *mutant_kinds;

/* ---- loading ---- */

/* What a load gave: a file is first read as one of tensors, then as weights of a known layout,
 * which not every file of tensors is. A folder is only the latter. */
struct loaded {
    int status;
    uint64_t tensors, import; /* hashes of all that was read; 0: refused */
};

static int hash_tensor(struct hasher *h, struct tensor_file *f, const struct st_tensor *x,
                       struct bytes *data) {
    int status = import_bytes(f, x, data);
    hasher_add_string(h, x->name);
    hasher_add_string(h, st_dtype_name(x->dtype));
    hasher_add(h, &x->shape.n, sizeof x->shape.n);
    hasher_add(h, x->shape.d, (size_t)x->shape.n * sizeof *x->shape.d);
    if (!status) hasher_add(h, data->at, (size_t)x->bytes);
    return status;
}

static int load_tensors(const char *path, uint64_t *hash) {
    struct tensor_file f;
    struct bytes data = {0};
    struct hasher h;
    int status = tensor_file_open(&f, path, NULL);
    if (status) return status;
    hasher_open(&h);
    for (size_t i = 0; !status && i < f.table->n; i++)
        status = hash_tensor(&h, &f, &f.table->at[i], &data);
    *hash = hasher_close(&h);
    bytes_free(&data);
    tensor_file_close(&f);
    return status;
}

/* What an item is made of, and its tensor. */
static int hash_item(struct hasher *h, struct import *im, const struct import_item *item,
                     struct bytes *data) {
    int status = 0;
    hasher_add_string(h, item->name);
    hasher_add(h, &item->verdict, sizeof item->verdict);
    for (int i = 0; !status && i < item->sources; i++)
        status = hash_tensor(h, &im->file[item->source[i].file], item->source[i].x, data);
    if (status || item->verdict & IMPORT_DROPPED) return status;
    int scope = t_scope_open("mutant", T_NO_GRAD);
    tensor *x = import_tensor(im, item);
    REQUIRE(!x || st_shape_same(t_shape(x), item->shape), "%s gets another shape", item->name);
    t_scope_close(scope, NULL);
    return error_status();
}

static int load_import(const char *path, uint64_t *hash) {
    struct import im;
    struct bytes data = {0};
    struct hasher h;
    struct clip_options o;
    int status = import_open(&im, path, NULL);
    if (status) return status;
    hasher_open(&h);
    for (size_t i = 0; !status && i < im.n; i++) status = hash_item(&h, &im, &im.at[i], &data);
    const char *prefix = import_clip_prefix(&im);
    if (!status && prefix) status = import_clip_options(&im, prefix, CLIP_GELU, &o);
    const struct import_facts *facts = &im.facts;
    hasher_add(&h, &facts->activation, sizeof facts->activation);
    hasher_add(&h, &facts->image_heads, sizeof facts->image_heads);
    hasher_add(&h, &facts->text_heads, sizeof facts->text_heads);
    hasher_add(&h, facts->mean, sizeof facts->mean);
    hasher_add(&h, facts->std, sizeof facts->std);
    *hash = hasher_close(&h);
    bytes_free(&data);
    import_close(&im);
    return status;
}

/* ---- judging ---- */

/* A refusal names the file, or one beside it, and holds nothing that moves a terminal's cursor. */
static const char *wrong_refusal(int status, const char *dir) {
    const char *message = error_message();
    if (status != error_status()) return "a status that is not the pending one";
    if (status != ERR_DATA && status != ERR_CONFIG && status != ERR_MISSING) return message;
    if (!strstr(message, dir)) return "a message without its path";
    for (const char *c = message; *c; c++)
        if (((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
            return "control characters in its message";
    return NULL;
}

static uint64_t process_peak(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)u.ru_maxrss << 10;
}

/* Reads all of it, as far as anybody reads weights; NULL, or what is wrong with how it is refused.
 */
static const char *load(const struct mutants_run *run, const char *opened, struct loaded *l) {
    const char *wrong = NULL;
    *l = (struct loaded){0};
    if (!run->kind->folder) {
        l->status = load_tensors(opened, &l->tensors);
        wrong = l->status ? wrong_refusal(l->status, opened) : NULL;
    }
    if (wrong) return wrong;
    error_clear();
    int status = load_import(opened, &l->import);
    if (status) l->import = 0;
    wrong = status ? wrong_refusal(status, opened) : NULL;
    if (run->kind->folder) l->status = status;
    if (!wrong && l->status && !status) wrong = "weights of a file that is refused";
    return wrong;
}

static bool judge(struct mutants_run *run, const struct mutant *m, const char *opened,
                  const struct loaded *good) {
    struct loaded l;
    char what[160];
    uint64_t before = process_peak();
    if (run->start) run->start();
    clock_t start = clock();
    const char *wrong = load(run, opened, &l);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    uint64_t bytes = run->peak ? run->peak() : process_peak() - before;
    if (seconds > run->slowest) run->slowest = seconds;
    if (bytes > run->most) run->most = bytes;
    snprintf(what, sizeof what, "%.3f s and %.1f MiB", seconds, (double)bytes / (1 << 20));
    bool same = !l.status && l.tensors == good->tensors && l.import == good->import;
    if (!wrong && (seconds > run->cpu_max || bytes > run->memory_max)) wrong = what;
    if (!wrong && !l.status && !same && m->exact) wrong = "loads with other contents";
    if (wrong) {
        fprintf(stderr, "%s: mutant %" PRIu64 " of seed %" PRIu64 " (%s): %s; it is in %s\n",
                run->kind->name, run->at, run->seed, m->how, wrong, run->path);
        if (error_status()) fprintf(stderr, "%d %s\n", error_status(), error_message());
    }
    *(l.status ? &run->refused : same ? &run->equal : &run->other) += 1;
    error_clear();
    return !wrong;
}

/* Not file_write(), which waits for the disk. */
static void place(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "we");
    REQUIRE(f && fwrite(bytes, 1, n, f) == n && !fclose(f), "%s: cannot be written", path);
}

static bool run_all(struct mutants_run *run, const struct corpus *c, const char *opened) {
    struct loaded *good = mem_alloc(c->n, sizeof *good);
    struct mutant m = {0};
    bool well = true;
    for (size_t i = 0; i < c->n; i++) {
        place(run->path, c->at[i].at, c->at[i].n);
        const char *wrong = load(run, opened, &good[i]);
        REQUIRE(!wrong && !good[i].status, "seed %zu: %s: %s", i, wrong, error_message());
        error_clear();
    }
    for (run->at = 0; well && run->at < run->n; run->at++) {
        struct rng r = rng_stream(run->seed, run->kind->name, run->at);
        size_t seed = (size_t)rng_below(&r, (int64_t)c->n);
        run->kind->mutate(&r, c, seed, &m);
        place(run->path, m.bytes.at, m.bytes.n);
        well = judge(run, &m, opened, &good[seed]);
    }
    str_free(&m.bytes);
    free(good);
    return well;
}

bool mutants(struct mutants_run *run) {
    struct corpus c = {0};
    char *dir = path_join(run->dir, run->kind->name);
    REQUIRE(!dir_make(dir), "%s", error_message());
    run->kind->seeds(&c, dir);
    run->path = path_join(dir, run->kind->file);
    bool well = run_all(run, &c, run->kind->folder ? dir : run->path);
    if (well)
        printf("full: mutants of %s: %" PRIu64 ", seed %" PRIu64 ": %" PRIu64 " refused, %" PRIu64
               " load bit-equal, %" PRIu64 " load otherwise; at most %.3f s and %.1f MiB each\n",
               run->kind->name, run->n, run->seed, run->refused, run->equal, run->other,
               run->slowest, (double)run->most / (1 << 20));
    if (well) dir_remove(dir);
    free(run->path);
    free(dir);
    corpus_free(&c);
    return well;
}
