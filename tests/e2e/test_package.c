/* ovseg export, and what takes a package: segment, eval, and the examples of libovseg and of mask
 * prompts in PyTorch. */
/* ctest: timeout=900 labels=slow */
#include <cjson/cJSON.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "data/image.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/test.h"

static const char PROGRAM_FILE[] = TEST_BUILD_DIR "/bin/ovseg";
static const char C_EXAMPLE[] = TEST_SOURCE_DIR "/examples/segment.c";
static const char EXAMPLES[] = TEST_SOURCE_DIR "/examples";
static const char PYTHON_EXAMPLE[] = TEST_SOURCE_DIR "/examples/apply_prompts.py";

static void free_all(char *const *owned, size_t n) {
    for (size_t i = 0; i < n; i++) free(owned[i]);
}
#define FREE_ALL(...)                                                                              \
    free_all((char *const[]){__VA_ARGS__}, sizeof((char *const[]){__VA_ARGS__}) / sizeof(char *))

/* A command that must succeed; what it printed, owned. */
#define GOOD(...) good(ovseg_run((const char *const[]){__VA_ARGS__, NULL}))
static char *good(struct ended e) {
    check_status(&e, 0);
    char *out = mem_strdup(e.out);
    ended_free(&e);
    return out;
}

#define REFUSED(status, about, ...)                                                                \
    refused(ovseg_run((const char *const[]){__VA_ARGS__, NULL}), status, about)
static void refused(struct ended e, int status, const char *about) {
    check_status(&e, status);
    CHECK_HAS(e.err, about);
    ended_free(&e);
}

/* The smoke chain in DIR/out, its test pictures in DIR/plain/images; the run of NAME, owned. */
static char *make_chain(const char *name) {
    struct ended e = TRAIN("out", "smoke/mpt.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *set = file_of("out", "scenes", "test.h5"), *plain = test_path("plain");
    free(GOOD("data", "export", set, plain));
    FREE_ALL(set, plain);
    return run_of("out", name);
}

static char *picture(int i) {
    char *name = mem_format("plain/images/%012d.png", i), *path = test_path(name);
    free(name);
    return path;
}

static void segment(const char *model, const char *names, const char *out) {
    char *a = picture(0), *b = picture(5);
    free(GOOD("segment", "-q", "-m", model, "--classes", names, "-o", out, a, b));
    FREE_ALL(a, b);
}

/* Label maps and overlays; what lies beside them names the model, which is another file. */
static void check_same_files(const char *dir_a, const char *dir_b) {
    struct strings names;
    size_t maps = 0;
    CHECK_OK(dir_list(dir_a, &names));
    for (size_t i = 0; i < names.n; i++) {
        if (!strstr(names.at[i], ".png")) continue;
        maps++;
        char *a = path_join(dir_a, names.at[i]), *b = path_join(dir_b, names.at[i]);
        struct bytes x, y;
        CHECK_OK(file_read(a, 1 << 24, &x));
        CHECK_OK(file_read(b, 1 << 24, &y));
        if (x.n != y.n || memcmp(x.at, y.at, x.n) != 0)
            test_fail(__FILE__, __LINE__, "%s differs", names.at[i]);
        bytes_free(&x);
        bytes_free(&y);
        FREE_ALL(a, b);
    }
    CHECK_INT(maps, 4);
    strings_free(&names);
}

static double miou_of(const cJSON *rows, const char *name) {
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        const cJSON *miou = cJSON_GetObjectItem(cJSON_GetObjectItem(row, "miou"), "all");
        if (strcmp(cJSON_GetObjectItem(row, "name")->valuestring, name) == 0)
            return miou->valuedouble;
    }
    test_fail(__FILE__, __LINE__, "no row %s", name);
}

static void check_card(const char *package) {
    cJSON *card = json_in(package, "card.json");
    const cJSON *results = cJSON_GetObjectItem(card, "results");
    CHECK_TEXT(cJSON_GetObjectItem(card, "non_commercial")->valuestring, "no");
    CHECK_TEXT(cJSON_GetObjectItem(results, "row")->valuestring, "ft+mpt");
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(results, "rows")), 4);
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(results, "other_settings")), 0);
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(card, "lineage")), 6);
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(card, "sets")), 5);
    const cJSON *pairs = cJSON_GetArrayItem(cJSON_GetObjectItem(card, "pairs"), 0);
    CHECK(cJSON_GetObjectItem(pairs, "pairs")->valuedouble > 0);
    CHECK(cJSON_GetObjectItem(pairs, "nouns")->valuedouble > 0);
    cJSON_Delete(card);
    char *page = path_join(package, "CARD.md"), *text = text_of(page);
    CHECK_HAS(text, "none needed: drawn by ovseg");
    CHECK_HAS(text, "No source below forbids commercial use.");
    CHECK_HAS(text, "| ft+mpt | ");
    FREE_ALL(page, text);
}

/* Measured again, by the package alone. */
static void check_eval(const char *package, const char *runs) {
    char *into = test_path("measured"), *output = mem_format("output_dir=%s", into);
    struct strings names;
    char *scenes = NULL;
    CHECK_OK(dir_list(runs, &names));
    for (size_t i = 0; i < names.n; i++)
        if (strncmp(names.at[i], "scenes-", 7) == 0) scenes = path_join(runs, names.at[i]);
    char *sets = mem_format("%s:test", scenes);
    char *out = GOOD("eval", package, "--sets", sets, output, "threads=1");
    char *head = mem_format("\n%-24s model      classes", "set"); /* as wide as the name below */
    char *row = mem_format("\n%s:test clip       ", path_base(scenes));
    CHECK_HAS(out, head);
    CHECK_HAS(out, row);
    cJSON *card = json_in(package, "card.json");
    char *run = run_of("measured", "m");
    cJSON *again = json_in(run, "evaluation.json");
    double was =
        miou_of(cJSON_GetObjectItem(cJSON_GetObjectItem(card, "results"), "rows"), "ft+mpt");
    CHECK_NEAR(miou_of(cJSON_GetObjectItem(again, "rows"), "clip"), was, 0);
    cJSON_Delete(card);
    cJSON_Delete(again);
    REFUSED(ERR_USAGE, "a package has no pictures in it", "eval", package);
    strings_free(&names);
    FREE_ALL(into, output, scenes, sets, out, run, head, row);
}

TEST(a_package_takes_the_place_of_the_runs_it_came_from) {
    char *run = make_chain("eval"), *package = test_path("m.ovseg");
    char *by[] = {test_path("by-run"), test_path("by-package"), test_path("by-other")};
    segment(run, "sky,a red car,grass,tree", by[0]);
    struct ended e = OVSEG("export", run, "-o", package);
    check_status(&e, 0);
    CHECK_HAS(e.out, "m.ovseg");
    CHECK(!strstr(e.err, "warn"));
    ended_free(&e);
    REFUSED(ERR_USAGE, "is there already", "export", run, "-o", package);
    char *other = test_path("other.ovseg"); /* with another setting */
    free(GOOD("export", run, "-o", other, "eval.lambda=1", "-q"));
    char *away = test_path("away"), *out = test_path("out");
    CHECK(rename(out, away) == 0);
    segment(package, "sky,a red car,grass,tree", by[1]);
    check_same_files(by[0], by[1]);
    segment(other, "sky,a red car,grass,tree", by[2]);
    check_card(package);
    check_eval(package, away);
    cJSON *card = json_in(other, "card.json");
    const cJSON *results = cJSON_GetObjectItem(card, "results");
    CHECK_TEXT(cJSON_GetArrayItem(cJSON_GetObjectItem(results, "other_settings"), 0)->valuestring,
               "eval.lambda");
    cJSON_Delete(card);
    FREE_ALL(run, package, by[0], by[1], by[2], other, away, out);
}

TEST(what_cannot_be_exported_or_used_says_what_to_do) {
    char *run = make_chain("mpt"), *package = test_path("m.ovseg"), *one = picture(0);
    char *out = test_path("labels"), *scenes = run_of("out", "scenes");
    REFUSED(ERR_USAGE, "-o MODEL.ovseg", "export", run);
    REFUSED(ERR_MISSING, "ovseg runs list", "export", "no/such/run", "-o", package);
    REFUSED(ERR_MISSING, "stage scenes", "export", scenes, "-o", package);
    REFUSED(ERR_CONFIG, "eval.lambda", "export", run, "-o", package, "eval.lamda=0.1");
    REFUSED(ERR_CONFIG, "is no part of a package", "export", run, "-o", package, "precision=bf16");
    REFUSED(ERR_USAGE, "NAME=TEXT", "export", run, "-o", package, "--licence", "CC0");
    CHECK(!dir_exists(package));
    /* Killed in the middle: nothing is there, and the same command makes it. */
    struct fault_environment kill = fault_environment("write:40:KILL", "m.ovseg");
    struct process p;
    process_start(&p, (const char *const[]){PROGRAM_FILE, "export", run, "-o", package, NULL},
                  (const char *const *)kill.at);
    struct ended e = process_wait(&p, 60);
    CHECK_INT(e.status, 128 + 9);
    ended_free(&e);
    fault_environment_free(&kill);
    CHECK(!dir_exists(package));
    free(GOOD("export", "-q", run, "-o", package));
    char *weights = path_join(package, "clip.safetensors");
    CHECK(truncate(weights, 1000) == 0);
    REFUSED(ERR_DATA, "copy or export it again", "segment", "-m", package, "--classes", "a,b", "-o",
            out, one);
    REFUSED(ERR_DATA, "clip.safetensors", "eval", package, "--sets", scenes);
    CHECK_OK(dir_remove(package));
    REFUSED(ERR_MISSING, "model package", "segment", "-m", package, "--classes", "a,b", "-o", out,
            one);
    FREE_ALL(run, package, one, out, scenes, weights);
}

/* ---- the examples ---- */

static struct ended program(const char *const *argv, const char *const *environment) {
    struct process p;
    process_start(&p, argv, environment);
    return process_wait(&p, 300);
}
#define PROGRAM(...) good(program((const char *const[]){__VA_ARGS__, NULL}, NULL))

/* A picture as the C example reads it. */
static void write_ppm(const char *png, const char *ppm) {
    struct bytes file;
    struct image im;
    struct str s = {0};
    CHECK_OK(file_read(png, 1 << 24, &file));
    CHECK_OK(image_decode_upright(file.at, file.n, png, &im));
    str_add(&s, "P6\n%d %d\n255\n", (int)im.w, (int)im.h);
    str_put(&s, im.at, (size_t)(im.h * im.w * 3));
    CHECK_OK(file_write(ppm, s.at, s.n));
    str_free(&s);
    image_free(&im);
    bytes_free(&file);
}

static void check_labels(const char *pgm, const char *png) {
    struct bytes a, b;
    struct labels l;
    CHECK_OK(file_read(pgm, 1 << 24, &a));
    CHECK_OK(file_read(png, 1 << 24, &b));
    CHECK_OK(labels_decode_png(b.at, b.n, png, &l));
    size_t n = (size_t)(l.h * l.w);
    CHECK(a.n > n);
    for (size_t i = 0; i < n; i++) CHECK_INT(a.at[a.n - n + i], l.at[i]);
    labels_free(&l);
    bytes_free(&a);
    bytes_free(&b);
}

/* Two pictures by a program of the example. */
static void check_example(const char *example, const char *package, const char *labels) {
    for (int i = 0; i <= 5; i += 5) {
        char *png = picture(i), *ppm = test_path("in.ppm"), *pgm = test_path("out.pgm");
        char *file = mem_format("%s/%012d.png", labels, i);
        write_ppm(png, ppm);
        free(PROGRAM(example, package, "sky,a red car,grass,tree", ppm, pgm));
        check_labels(pgm, file);
        FREE_ALL(png, ppm, pgm, file);
    }
}

/* What pkg-config says for an installed prefix, split at blanks; owned. */
static void flags_of(const char *prefix, struct strings *flags) {
    char *where = mem_format("PKG_CONFIG_PATH=%s/lib/pkgconfig:%s/lib/" TEST_LIBRARY_ARCH
                             "/pkgconfig:%s/lib64/pkgconfig",
                             prefix, prefix, prefix);
    const char *const environment[] = {where, NULL};
    const char *const argv[] = {TEST_PKG_CONFIG, "--cflags", "--libs", "ovseg", NULL};
    char *text = good(program(argv, environment));
    for (char *at = strtok(text, " \n"); at; at = strtok(NULL, " \n")) strings_add(flags, at);
    FREE_ALL(where, text);
}

static char *build_by_pkg_config(const char *prefix) {
    struct strings flags = {0};
    char *to = test_path("by-pkg-config"), *rpath = mem_format("-Wl,-rpath,%s/lib", prefix);
    flags_of(prefix, &flags);
    const char *argv[32] = {TEST_CC,   "-std=c11", "-Wall", "-Wextra", "-Werror",
                            C_EXAMPLE, "-o",       to,      rpath};
    for (size_t i = 0; i < flags.n && i < 20; i++) argv[9 + i] = flags.at[i];
    free(good(program(argv, NULL)));
    strings_free(&flags);
    free(rpath);
    return to;
}

static char *build_by_cmake(const char *prefix) {
    char *dir = test_path("by-cmake"), *find = mem_format("-DCMAKE_PREFIX_PATH=%s", prefix);
    free(PROGRAM(TEST_CMAKE, "-S", EXAMPLES, "-B", dir, find));
    free(PROGRAM(TEST_CMAKE, "--build", dir));
    char *program = path_join(dir, "segment");
    FREE_ALL(dir, find);
    return program;
}

TEST(the_c_example_gives_the_labels_of_ovseg_segment) {
    char *run = make_chain("mpt"), *package = test_path("m.ovseg"), *out = test_path("labels");
    char *prefix = test_path("prefix"), *moved = test_path("moved");
    free(GOOD("export", "-q", run, "-o", package));
    segment(package, "sky,a red car,grass,tree", out);
    free(PROGRAM(TEST_CMAKE, "--install", TEST_BUILD_DIR, "--prefix", prefix, "--component",
                 "library"));
    CHECK(rename(prefix, moved) == 0); /* a prefix may be moved */
    char *first = build_by_pkg_config(moved), *second = build_by_cmake(moved);
    check_example(first, package, out);
    check_example(second, package, out);
    struct ended e =
        program((const char *const[]){first, "no/such", "a,b", "x.ppm", "y", NULL}, NULL);
    CHECK_INT(e.status, 1);
    CHECK_HAS(e.err, "IN.ppm cannot be read");
    ended_free(&e);
    FREE_ALL(run, package, out, prefix, moved, first, second);
}

static bool imports_torch(const char *path) {
    const char *const argv[] = {"/usr/bin/python3", "-c", "import torch", NULL};
    if (access(argv[0], X_OK)) return false;
    struct ended e = program(argv, (const char *const[]){path, NULL});
    bool found = e.status == 0;
    ended_free(&e);
    return found;
}

/* PyTorch: Debian's, else what bench/setup fetches, which is newer. */
static char *python_path(void) {
    const char *deps = getenv("OVSEG_DEPS");
    if (imports_torch("PYTHONPATH=")) return mem_strdup("PYTHONPATH=");
    char *fetched = mem_format("PYTHONPATH=%s/bench", deps ? deps : TEST_SOURCE_DIR "/.deps");
    if (imports_torch(fetched)) return fetched;
    free(fetched);
    test_skip("no PyTorch here: scripts/setup --dev");
}

TEST(the_pytorch_example_gives_the_labels_of_ovseg_segment) {
    char *path = python_path(), *run = make_chain("mpt"), *package = test_path("m.ovseg");
    char *prompts = test_path("prompts.safetensors"), *dump = test_path("dump.safetensors");
    char *clip = path_join(package, "clip.safetensors"), *out = test_path("labels");
    const char *const environment[] = {path, NULL};
    free(GOOD("export", "-q", run, "-o", package));
    free(GOOD("convert", clip, prompts, "--as", "prompts"));
    for (int i = 0; i < 2; i++) { /* Python takes seconds to start */
        char *one = picture(i);
        free(GOOD("segment", "-q", "-m", package, "--classes", "sky,a red car,grass,tree", "--dump",
                  dump, "-o", out, one));
        const char *const argv[] = {"/usr/bin/python3", PYTHON_EXAMPLE, clip, prompts, dump, NULL};
        char *said = good(program(argv, environment));
        CHECK_HAS(said, " 0 of 1024 labels differ");
        CHECK(!strstr(said, "0 regions"));
        if (i == 0) { /* the prompts of another run are seen to be others */
            char *mpt_only = run_of("out", "mpt-only"), *others = test_path("others.safetensors");
            free(GOOD("convert", mpt_only, others, "--as", "prompts"));
            const char *const wrong[] = {argv[0], argv[1], clip, others, dump, NULL};
            struct ended e = program(wrong, environment);
            CHECK_INT(e.status, 1);
            ended_free(&e);
            FREE_ALL(mpt_only, others);
        }
        FREE_ALL(one, said);
    }
    FREE_ALL(path, run, package, prompts, dump, clip, out);
}
