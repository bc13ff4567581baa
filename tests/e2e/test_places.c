/* Where files of a machine are said to be, by whom, and what a missing one is followed by. */
/* ctest: timeout=300 labels=slow */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

enum { MOST = 12 };

/* ovseg ARGUMENT..., on a machine that says these files and variables alone. */
struct said {
    const char *site, *user;    /* texts of config.yaml; NULL: no such file */
    const char *variable[MOST]; /* NAME=VALUE */
};

static char *put(const char *name, const char *text) {
    char *path = test_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    if (text)
        CHECK_OK(file_write(path, text, strlen(text)));
    else
        CHECK_OK(file_remove(path));
    free(dir);
    return path;
}

static struct ended run(const struct said *s, const char *const *arguments) {
    const char *argv[MOST + 2] = {TEST_BUILD_DIR "/bin/ovseg"}, *environment[MOST + 4];
    size_t n = 1, k = 0;
    free(put("site/ovseg/config.yaml", s->site));
    free(put("user/ovseg/config.yaml", s->user));
    for (; arguments[n - 1]; n++) argv[n] = arguments[n - 1];
    char *site = mem_format("XDG_CONFIG_DIRS=%s/none:%s/site", test_dir(), test_dir());
    char *user = mem_format("XDG_CONFIG_HOME=%s/user", test_dir());
    environment[k++] = site;
    environment[k++] = user;
    for (size_t i = 0; s->variable[i]; i++) environment[k++] = s->variable[i];
    environment[k] = NULL;
    struct process p;
    process_start(&p, argv, environment);
    struct ended e = process_wait(&p, 120);
    free(site);
    free(user);
    return e;
}
#define RUN(said, ...) run(said, (const char *const[]){__VA_ARGS__, NULL})

/* `ovseg settings paths` says this of paths.NAME. */
static void check_place(const struct said *s, const char *line) {
    struct ended e = RUN(s, "settings", "paths");
    check_status(&e, 0);
    char *whole = mem_format("    here %s", line);
    CHECK_HAS(e.out, whole);
    free(whole);
    ended_free(&e);
}

TEST(what_is_said_later_wins_from_the_site_to_the_command_line) {
    struct said s = {0};
    check_place(&s, "paths.weights: weights # default\n");
    check_place(&s, "paths.runs: runs # default\n");
    s.site = "paths: {weights: /site/w, data: /site/d, mine: /site/m}\n";
    check_place(&s, "paths.weights: /site/w # ");
    check_place(&s, "paths.mine: /site/m # ");
    s.user = "paths: {weights: /user/w, cache: $data/cache}\n";
    check_place(&s, "paths.weights: /user/w # ");
    check_place(&s, "paths.data: /site/d # ");
    check_place(&s, "paths.cache: /site/d/cache # ");
    s.variable[0] = "OVSEG_WEIGHTS=/env/w";
    check_place(&s, "paths.weights: /env/w # environment OVSEG_WEIGHTS\n");
}

/* The path that a chain looks for, as the message names it. */
static void check_looks(const struct said *s, const char *path, const char *config,
                        const char *setting) {
    struct ended e = RUN(s, "train", config, "--dry-run", setting ? setting : "seed=1");
    check_status(&e, ERR_MISSING);
    char *whole = mem_format("inputs.file: %s: No such file", path);
    CHECK_HAS(e.err, whole);
    free(whole);
    ended_free(&e);
}

TEST(a_config_wins_over_the_machine_and_the_command_line_over_it) {
    static const char text[] =
        "stage: import\npaths: {weights: /config/w}\n"
        "inputs: {file: $weights/ViT-B-16.pt}\n";
    struct said s = {.site = "paths: {weights: /site/w}\n", .variable = {"OVSEG_WEIGHTS=/env/w"}};
    char *config = put("clip.yaml", text);
    check_looks(&s, "/config/w/ViT-B-16.pt", config, NULL);
    check_looks(&s, "/command/w/ViT-B-16.pt", config, "paths.weights=/command/w");
    check_looks(&s, "/env/w/ViT-B-16.pt", "@paper/ovseg-r101c-vitb16/clip.yaml", NULL);
    s.variable[0] = NULL;
    check_looks(&s, "/site/w/ViT-B-16.pt", "@paper/ovseg-r101c-vitb16/clip.yaml", NULL);
    free(config);
}

TEST(a_missing_published_file_is_followed_by_its_entry) {
    struct said s = {0};
    struct ended e = RUN(&s, "train", "configs/paper/ovseg-r101c-vitb16/clip.yaml", "--dry-run");
    check_status(&e, ERR_MISSING);
    CHECK_HAS(e.err, "\nclip-vit-b16: OpenAI's CLIP ViT-B/16\n");
    CHECK_HAS(e.err, "page     https://github.com/openai/CLIP\n");
    CHECK_HAS(e.err, "sha256 5806e77cd80f8b59");
    ended_free(&e);
    e = RUN(&s, "train", "configs/paper/prepare.yaml", "--dry-run", "paths.coco=/nowhere");
    check_status(&e, ERR_MISSING);
    CHECK_HAS(e.err, "\ncoco: COCO 2017");
    CHECK_HAS(e.err, "\ncoco-stuff: COCO-Stuff");
    ended_free(&e);
    e = RUN(&s, "train", "nowhere.yaml");
    check_status(&e, ERR_MISSING);
    CHECK(!strstr(e.err, "page "));
    ended_free(&e);
}

TEST(sources_are_printed_with_the_configs_that_want_them) {
    struct said s = {0};
    struct ended e = RUN(&s, "sources", "ovseg-swinb-vitl14");
    check_status(&e, 0);
    CHECK_HAS(e.out, "  used by  @paper/ovseg-swinb-vitl14/model.yaml\n");
    ended_free(&e);
    e = RUN(&s, "sources", "$weights/R-103.pkl"); /* by a path, as configs have it */
    check_status(&e, 0);
    CHECK_HAS(e.out, "resnet-101c: ");
    ended_free(&e);
    e = RUN(&s, "sources");
    check_status(&e, 0);
    CHECK_HAS(e.out, "\nade20k-150: ");
    ended_free(&e);
    e = RUN(&s, "sources", "imagenet");
    check_status(&e, ERR_USAGE);
    ended_free(&e);
    free(put("w/ViT-B-16.pt", "no CLIP"));
    char *w = test_path("w");
    e = RUN(&s, "sources", "clip-vit-b16", "--check", w);
    check_status(&e, ERR_DATA);
    CHECK_HAS(e.out, "X ViT-B-16.pt");
    ended_free(&e);
    e = RUN(&s, "sources", "--check", w, "--no-hash", "--json");
    check_status(&e, ERR_MISSING); /* of other sources there is nothing */
    CHECK_HAS(e.out, "\"state\":\"there\"");
    ended_free(&e);
    free(w);
}

TEST(a_variable_that_is_not_set_and_a_wrong_file_of_places_are_named) {
    struct said s = {.variable = {"OVSEG_TEST_PLACE=/scratch"}};
    struct ended e = RUN(&s, "train", "@smoke/scenes.yaml", "--dry-run",
                         "output_dir=${env:OVSEG_TEST_PLACE}/runs");
    check_status(&e, 0);
    CHECK_HAS(e.out, " /scratch/runs/scenes-");
    ended_free(&e);
    e = RUN(&s, "train", "@smoke/scenes.yaml", "--dry-run", "output_dir=${env:OVSEG_TEST_NONE}/x");
    check_status(&e, ERR_CONFIG);
    CHECK_HAS(e.err, "output_dir: the environment has no variable OVSEG_TEST_NONE");
    ended_free(&e);
    e = RUN(&s, "train", "@smok/scenes.yaml", "--dry-run");
    check_status(&e, ERR_MISSING);
    CHECK_HAS(e.err, "@smok/scenes.yaml: no config of that name comes with the program");
    ended_free(&e);
    s.user = "pats: {data: /d}\n";
    e = RUN(&s, "train", "@smoke/scenes.yaml", "--dry-run");
    check_status(&e, ERR_CONFIG);
    CHECK_HAS(e.err,
              "/user/ovseg/config.yaml:1:8: unknown setting pats.data (did you mean paths.data?)");
    ended_free(&e);
}

/* The folder of the only run that a dry run prints. */
static char *dir_of(struct ended e) {
    check_status(&e, 0);
    char *at = strrchr(e.out, ' ');
    CHECK(at);
    char *dir = mem_format("%.*s", (int)strcspn(at + 1, "\n"), at + 1);
    ended_free(&e);
    return dir;
}

TEST(places_are_not_in_the_identity_of_a_run) {
    struct said s = {0};
    char *one = dir_of(RUN(&s, "train", "@smoke/scenes.yaml", "--dry-run"));
    s.user = "paths: {data: /x, weights: /y, cache: /z}\n";
    s.variable[0] = "OVSEG_RUNS=/elsewhere";
    char *two = dir_of(RUN(&s, "train", "@smoke/scenes.yaml", "--dry-run"));
    CHECK_HAS(two, "/elsewhere/scenes-");
    CHECK_TEXT(path_base(two), path_base(one));
    char *three = dir_of(RUN(&s, "train", "@smoke/scenes.yaml", "--dry-run", "output_dir=/named"));
    CHECK_HAS(three, "/named/scenes-"); /* what is named wins over paths.runs */
    free(one);
    free(two);
    free(three);
}

/* Makes the files of a folder older. */
static void age(const char *dir, time_t seconds) {
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    struct timespec then[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.at[i]);
        CHECK_INT(utimensat(AT_FDCWD, path, then, 0), 0);
        free(path);
    }
    strings_free(&names);
}

/* runs gc --caches: a folder that is named is all it looks at; otherwise paths.cache, too. */
static void check_runs_gc(const struct said *s, const char *runs, const char *text) {
    struct strings left;
    age(text, 7200);
    struct ended e = RUN(s, "runs", "gc", "--caches", "--yes", runs);
    check_status(&e, 0);
    CHECK_HAS(e.out, "0 B freed");
    CHECK_HAS(e.err, "(paths.cache) is kept");
    ended_free(&e);
    e = RUN(s, "runs", "gc", "--caches", "--older-than", "1d");
    check_status(&e, 0);
    CHECK_HAS(e.out, "0 B would go");
    ended_free(&e);
    e = RUN(s, "runs", "gc", "--caches", "--yes");
    check_status(&e, 0);
    CHECK_HAS(e.out, "/kept\tcache, ");
    ended_free(&e);
    CHECK_OK(dir_list(text, &left));
    CHECK_INT(left.n, 0);
    strings_free(&left);
}

TEST(what_is_kept_for_other_runs_goes_to_its_place_and_is_listed_and_removed_there) {
    char *cache = test_path("kept"), *runs = test_path("runs");
    char *variables[2] = {mem_format("OVSEG_CACHE=%s", cache), mem_format("OVSEG_RUNS=%s", runs)};
    struct said s = {.variable = {variables[0], variables[1]}};
    struct ended e = RUN(&s, "train", "@smoke/mine.yaml", "threads=1");
    check_status(&e, 0);
    ended_free(&e);
    char *mined = path_join(cache, ".mined"), *text = path_join(cache, ".text"),
         *beside = path_join(runs, ".mined");
    CHECK(dir_exists(mined) && dir_exists(text) && !dir_exists(beside));
    e = RUN(&s, "runs", "list"); /* where OVSEG_RUNS says */
    check_status(&e, 0);
    CHECK_HAS(e.out, "mine\tmine\tdone");
    ended_free(&e);
    e = RUN(&s, "cache", "ls");
    check_status(&e, 0);
    CHECK_HAS(e.out, "\tfeatures\t");
    CHECK_HAS(e.out, "\ttext\t");
    ended_free(&e);
    e = RUN(&s, "cache", "gc", "--older-than", "0s", "--yes"); /* all of it is young */
    check_status(&e, 0);
    CHECK_HAS(e.out, "0 B freed");
    ended_free(&e);
    age(mined, 7200);
    char *before = listing_of(cache);
    e = RUN(&s, "cache", "gc", "--unused-for", "1h");
    check_status(&e, 0);
    CHECK_HAS(e.out, "would go; --yes removes them");
    ended_free(&e);
    char *after = listing_of(cache);
    CHECK_TEXT(after, before);
    e = RUN(&s, "cache", "gc", "--unused-for", "1h", "--yes");
    check_status(&e, 0);
    CHECK_HAS(e.out, " freed\n");
    ended_free(&e);
    struct strings left;
    CHECK_OK(dir_list(mined, &left));
    CHECK_INT(left.n, 0);
    strings_free(&left);
    e = RUN(&s, "cache", "gc");
    check_status(&e, ERR_USAGE);
    ended_free(&e);
    check_runs_gc(&s, runs, text);
    char *const owned[] = {cache, runs,   variables[0], variables[1], mined,
                           text,  beside, before,       after};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
