/* What would run and what is reused, and every mistake that is seen before the first step: nothing
 * is trained here. */
/* ctest: timeout=120 */
#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static const char *const smoke = "smoke/mpt.yaml";

/* The line of a config in what --dry-run prints: does it begin with this word? */
static bool would(const struct ended *e, const char *what, const char *name) {
    for (const char *line = e->out; *line;) {
        char first[16], second[64];
        if (sscanf(line, "%15s %63s", first, second) == 2 && strcmp(second, name) == 0)
            return strcmp(first, what) == 0;
        const char *end = strchr(line, '\n');
        if (!end) break;
        line = end + 1;
    }
    test_fail(__FILE__, __LINE__, "%s is not in\n%s", name, e->out);
}

/* Which of the chain would run, in the order of the chain: "mpt eval". */
static void check_runs(const struct ended *e, const char *expected) {
    static const char *const names[] = {"scenes",   "clip", "proposals", "mine",
                                        "finetune", "mpt",  "mpt-only",  "eval"};
    struct str s = {0};
    check_status(e, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (would(e, "run", names[i]))
            str_add(&s, "%s%s", s.n ? " " : "", names[i]);
        else
            CHECK(would(e, "reuse", names[i]));
    }
    CHECK_TEXT(s.at ? s.at : "", expected);
    str_free(&s);
}

/* Makes the runs that --dry-run names, as if they had finished. */
static void pretend(const struct ended *e) {
    for (const char *line = e->out; *line;) {
        char path[512];
        if (sscanf(line, "%*s %*s %*s %511s", path) == 1) {
            CHECK_OK(dir_make(path));
            char *done = path_join(path, "DONE");
            CHECK_OK(file_write(done, "{\"seconds\":1}", 13));
            free(done);
        }
        const char *end = strchr(line, '\n');
        if (!end) break;
        line = end + 1;
    }
}

static void check_would_run(const char *const *arguments, const char *expected) {
    struct ended e = train_run("out", smoke, arguments);
    check_runs(&e, expected);
    ended_free(&e);
}
#define WOULD_RUN(expected, ...)                                                                   \
    check_would_run((const char *const[]){__VA_ARGS__, "--dry-run", NULL}, expected)

TEST(an_override_reruns_its_stage_and_what_depends_on_it) {
    const char *all = "scenes clip proposals mine finetune mpt mpt-only eval";
    struct ended e = TRAIN("out", smoke, "--dry-run");
    check_runs(&e, all);
    char *dir = test_path("out");
    CHECK(!dir_exists(dir)); /* a dry run changes nothing */
    pretend(&e);
    char *before = listing_of(dir);
    WOULD_RUN("", "--explain");
    WOULD_RUN("mpt eval", "optim.lr=0.01");
    WOULD_RUN("finetune mpt eval", "finetune:optim.lr=0.001");
    WOULD_RUN("mine finetune mpt mpt-only eval", "mine:mine.similarity=0.1");
    WOULD_RUN("proposals mine finetune mpt mpt-only eval", "proposals:optim.steps=13");
    WOULD_RUN("eval", "eval:eval.lambda=0.5");
    WOULD_RUN(all, "*:seed=2");
    WOULD_RUN(all, "seed=2");            /* inherited by all */
    WOULD_RUN("", "log.every=7");        /* changes no result */
    WOULD_RUN("", "checkpoint.every=3"); /* nor this */
    WOULD_RUN("", "*:loader.threads=2"); /* nor this */
    WOULD_RUN("", "optim.lr=5e-3");      /* what it is anyhow */
    char *after = listing_of(dir);
    CHECK_TEXT(after, before);
    ended_free(&e);
    free(before);
    free(after);
    free(dir);
}

struct mistake {
    const char *argument;
    int status;
    const char *says, *also;
};

TEST(mistakes_on_the_command_line_are_answered) {
    static const struct mistake mistakes[] = {
        {"optm.lr=1e-3", 78, "command line: unknown setting optm.lr", "did you mean optim.lr?"},
        {"optim.lr=-1", 78, "optim.lr: -1 is outside", ""},
        {"optim.beta1=1", 78, "optim.beta1: 1 is outside 0", ""},
        {"finetune:optim.beta2=1", 78, "optim.beta2: 1 is outside 0", ""},
        {"batch.global=many", 78, "batch.global: expected an integer, got \"many\"", ""},
        {"loss.kind=best", 78, "loss.kind", "noun-bank"},
        {"fine:optim.lr=1", 78, "fine:optim.lr: no config of that name", "finetune, mpt, mpt-only"},
        {"scenes:optim.lr=1e-3", 78, "optim.lr", "stage scenes"},
        {"inputs.clip=nowhere.pth", 66, "inputs.clip", "nowhere.pth"},
        {"inputs.clip=nowhere.yaml", 66, "nowhere.yaml", "No such file"},
        {"then=nowhere.yaml", 66, "nowhere.yaml", "No such file"},
        {"inputs.teeth=configs/smoke/clip.yaml", 78, "inputs.teeth",
         "stage mask-prompt has no such input"},
        {"optim.lr", 64, "optim.lr", ""},
        {"--nonsense", 64, "nonsense", ""},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct ended e = TRAIN("out", smoke, mistakes[i].argument);
        check_status(&e, mistakes[i].status);
        CHECK_HAS(e.err, mistakes[i].says);
        CHECK_HAS(e.err, mistakes[i].also);
        CHECK_TEXT(e.out, "");
        ended_free(&e);
    }
    char *dir = test_path("out");
    CHECK(!dir_exists(dir)); /* nothing was begun */
    free(dir);
}

TEST(all_mistakes_are_told_at_once) {
    struct ended e = TRAIN("out", smoke, "optm.lr=1", "optim.lr=-1", "clip:batch.global=0",
                           "mine:mine.images=x");
    check_status(&e, 78);
    CHECK_HAS(e.err, "optm.lr");
    CHECK_HAS(e.err, "optim.lr: -1");
    CHECK_HAS(e.err, "batch.global: 0");
    CHECK_HAS(e.err, "mine.images");
    ended_free(&e);
}

static void write_config(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(path);
}

static void check_config(const char *text, int status, const char *says) {
    write_config("bad.yaml", text);
    char *path = test_path("bad.yaml");
    struct ended e = TRAIN("out", path, "--dry-run");
    check_status(&e, status);
    CHECK_HAS(e.err, "bad.yaml");
    CHECK_HAS(e.err, says);
    ended_free(&e);
    free(path);
}

TEST(an_override_of_a_name_that_two_configs_have_is_refused_with_both) {
    char *dir = test_path("sub"), *path = test_path("mine.yaml");
    CHECK_OK(dir_make(dir));
    write_config("set.yaml", "stage: scenes\n");
    write_config("sub/set.yaml", "stage: scenes\nscenes: {size: 32}\n");
    write_config("clip.yaml", "stage: clip-pretrain\ninputs: {scenes: sub/set.yaml}\n");
    write_config("proposals.yaml",
                 "stage: proposals\ninputs: {scenes: set.yaml, clip: clip.yaml}\n");
    write_config("mine.yaml",
                 "stage: mine\n"
                 "inputs: {scenes: set.yaml, clip: clip.yaml, proposals: proposals.yaml}\n");
    struct ended whole = TRAIN("out", path, "--dry-run", "*:seed=2", "proposals:optim.lr=1e-3");
    check_status(&whole, 0); /* the names alone harm nobody */
    struct ended e = TRAIN("out", path, "--dry-run", "set:count.val=5");
    check_status(&e, 78);
    CHECK_HAS(e.err, "set:count.val: which one?");
    char *one = mem_format("%s/set.yaml", test_dir()), *other = mem_format("%s/set.yaml", dir);
    CHECK_HAS(e.err, one);
    CHECK_HAS(e.err, other);
    ended_free(&whole);
    ended_free(&e);
    char *const owned[] = {dir, path, one, other};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(mistakes_in_a_config_are_told_with_their_place) {
    check_config("stage: scenes\nscenes: {sise: 32}\n", 78, "bad.yaml:2:10");
    check_config("stage: scenes\nscenes: {sise: 32}\n", 78, "did you mean scenes.size?");
    check_config("stage: scones\n", 78, "\"scones\" is none of");
    check_config("scenes: {size: 32}\n", 78, "missing stage");
    check_config("stage: clip-pretrain\n", 78, "missing inputs.scenes");
    check_config("stage: clip-pretrain\ninputs: {scenes: bad.yaml}\n", 78, "needs its own result");
    check_config("stage: [\n", 78, "bad.yaml:2:1");
    check_config("base: other.yaml\nstage: scenes\n", 66, "other.yaml");
}

TEST(samples_of_training_that_cannot_be_are_refused) {
    static const char head[] = "stage: proposals\ninputs: {scenes: set.yaml, clip: clip.yaml}\n";
    write_config("set.yaml", "stage: scenes\n");
    write_config("clip.yaml", "stage: clip-pretrain\ninputs: {scenes: set.yaml}\n");
    char *padded = mem_format("%ssegment: {crop: 512, pad: 256}\n", head);
    char *whole = mem_format("%ssegment: {crop: 0}\n", head);
    check_config(padded, 78, "segment.pad");
    check_config(whole, 78, "pictures of several sizes need segment.crop");
    free(padded);
    free(whole);
}

/* The folder that a config would run in. */
static char *would_be(const char *config, const char *argument) {
    char *path = test_path(config), folder[512];
    struct ended e = TRAIN("out", path, "--dry-run", argument);
    check_status(&e, 0);
    const char *line = strstr(e.out, " mine ");
    CHECK(line && sscanf(line, "%*s %511s", folder) == 1);
    ended_free(&e);
    free(path);
    return mem_strdup(folder);
}

TEST(a_stop_list_counts_by_its_contents_and_is_found_beside_its_config) {
    static const char text[] =
        "stage: mine\nmine: {captions: 2}\n"
        "inputs: {scenes: set.yaml, clip: clip.yaml, proposals: proposals.yaml}\n%s";
    char *listed = mem_format(text, "nouns: {stop_list: words.txt}\n");
    char *bare = mem_format(text, "");
    char *dir = test_path("sub/"), *copy = test_path("copy.txt");
    char *elsewhere = mem_format("nouns.stop_list=%s", copy);
    CHECK_OK(dir_make(dir));
    write_config("sub/set.yaml", "stage: scenes\n");
    write_config("sub/clip.yaml", "stage: clip-pretrain\ninputs: {scenes: set.yaml}\n");
    write_config("sub/proposals.yaml",
                 "stage: proposals\ninputs: {scenes: set.yaml, clip: clip.yaml}\n");
    write_config("sub/listed.yaml", listed);
    write_config("sub/bare.yaml", bare);
    write_config("sub/words.txt", "photo\n");
    write_config("copy.txt", "photo\n");
    char *with = would_be("sub/listed.yaml", NULL), *same = would_be("sub/listed.yaml", elsewhere);
    CHECK_TEXT(same, with);
    write_config("copy.txt", "image\n");
    char *other = would_be("sub/listed.yaml", elsewhere), *none = would_be("sub/bare.yaml", NULL);
    CHECK(strcmp(other, with) != 0);
    CHECK(strcmp(path_base(none) + 5, path_base(with) + 7) != 0); /* behind "bare-", "listed-" */
    CHECK_OK(file_remove(copy));
    char *path = test_path("sub/listed.yaml");
    struct ended e = TRAIN("out", path, elsewhere);
    check_status(&e, 66);
    CHECK_HAS(e.err, "nouns.stop_list");
    CHECK_OK(dir_make(copy));
    struct ended folder = TRAIN("out", path, elsewhere);
    check_status(&folder, 66); /* before anything runs */
    CHECK_HAS(folder.err, "the stop list of nouns: ");
    CHECK_HAS(folder.err, "is a folder, not a file");
    ended_free(&e);
    ended_free(&folder);
    char *const owned[] = {listed, bare, dir, copy, elsewhere, with, same, other, none, path};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(prompts_go_on_at_the_depth_that_they_have) {
    char *here = realpath(TEST_SOURCE_DIR "/configs/smoke", NULL), *path = test_path("on.yaml");
    char *text = mem_format(
        "base: %s/mpt-only.yaml\n"
        "inputs: {scenes: %s/scenes.yaml, clip: %s/mpt-only.yaml, pairs: %s/mine.yaml}\n",
        here, here, here, here);
    write_config("on.yaml", text);
    struct ended same = TRAIN("out", path, "--dry-run");
    check_status(&same, 0);
    struct ended other = TRAIN("out", path, "prompt.depth=1");
    check_status(&other, 78);
    CHECK_HAS(other.err, "prompt.depth 1, but inputs.clip has prompts of depth 2");
    ended_free(&same);
    ended_free(&other);
    free(here);
    free(path);
    free(text);
}

TEST(an_input_of_the_wrong_kind_is_refused_before_anything_runs) {
    write_config("scenes.yaml", "stage: scenes\n");
    /* Scenes where a CLIP is expected, and mined pairs that are scenes. */
    check_config(
        "stage: mask-prompt\nprompt: {depth: 1}\n"
        "inputs: {scenes: scenes.yaml, clip: scenes.yaml, pairs: scenes.yaml}\n",
        78, "inputs.clip");
    /* A file where a run is expected. */
    write_config("pairs.txt", "not pairs");
    check_config("stage: clip-pretrain\ninputs: {scenes: pairs.txt}\n", 78, "inputs.scenes");
}

TEST(the_nouns_of_a_mine_stage_are_settings_and_their_files_count_by_contents) {
    static const char text[] =
        "stage: mine\ninputs: {scenes: set.yaml, clip: clip.yaml, proposals: proposals.yaml}\n"
        "nouns: {phrases: words.txt}\n";
    char *dir = test_path("sub/"), *copy = test_path("copy.txt"),
         *path = test_path("sub/listed.yaml");
    char *elsewhere = mem_format("nouns.phrases=%s", copy);
    CHECK_OK(dir_make(dir));
    write_config("sub/set.yaml", "stage: scenes\n");
    write_config("sub/clip.yaml", "stage: clip-pretrain\ninputs: {scenes: set.yaml}\n");
    write_config("sub/proposals.yaml",
                 "stage: proposals\ninputs: {scenes: set.yaml, clip: clip.yaml}\n");
    write_config("sub/listed.yaml", text);
    write_config("sub/words.txt", "fire hydrant\n");
    write_config("copy.txt", "fire hydrant\n");
    char *with = would_be("sub/listed.yaml", NULL), *same = would_be("sub/listed.yaml", elsewhere);
    CHECK_TEXT(same, with);
    write_config("copy.txt", "stop sign\n");
    char *other = would_be("sub/listed.yaml", elsewhere);
    char *none = would_be("sub/listed.yaml", "nouns.phrases=");
    char *folded = would_be("sub/listed.yaml", "nouns.fold_plurals=true");
    CHECK(strcmp(other, with) != 0 && strcmp(none, with) != 0 && strcmp(none, other) != 0);
    CHECK(strcmp(folded, with) != 0);
    static const struct {
        const char *override, *says;
        int status;
    } cases[] = {{"nouns.backend=perceptron", "nouns.weights: the perceptron needs weights", 78},
                 {"nouns.backend=tags", "nouns.tags: the backend tags needs a file", 78},
                 {"nouns.tags=/dev/null", "nouns.tags: a file of tags is for the backend tags", 78},
                 {"nouns.backend=nltk", "nouns.backend", 78},
                 {"nouns.stop_list=/nowhere/x", "nouns.stop_list: /nowhere/x", 66}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ended e = TRAIN("out", path, cases[i].override);
        check_status(&e, cases[i].status);
        CHECK_HAS(e.err, cases[i].says);
        ended_free(&e);
    }
    char *const owned[] = {dir, copy, path, elsewhere, with, same, other, none, folded};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
