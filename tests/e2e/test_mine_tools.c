/* `ovseg mine inspect|edit|diff|export`, as a user types them, on the pairs of the smoke chain; and
 * what they write as the input of a training.
 *
 * ctest: timeout=600 labels=slow */

#include "base/file.h"
#include "data/image.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/test.h"

static const char program[] = TEST_BUILD_DIR "/bin/ovseg";

/* The mined pairs of the running test. */
struct mined {
    char *run;    /* of stage mine */
    int64_t n;    /* its pairs */
    char *scenes; /* the run of their pictures */
};

static struct mined mine(void) {
    struct ended e = TRAIN("out", "smoke/mine.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    return (struct mined){.run = run_of("out", "mine"), .scenes = run_of("out", "scenes")};
}

static void mined_free(struct mined *m) {
    free(m->run);
    free(m->scenes);
}

static double number(const char *text, const char *key) {
    cJSON *j = json_of_text(text);
    double value = json_value(j, key);
    cJSON_Delete(j);
    return value;
}

static int64_t count_lines(const char *text) {
    int64_t n = 0;
    for (; (text = strchr(text, '\n')); text++) n++;
    return n;
}

static void check_size(const char *file, int64_t h, int64_t w) {
    struct bytes b;
    int64_t found_h, found_w;
    CHECK_OK(file_read(file, 1 << 26, &b));
    CHECK_OK(image_size(b.at, b.n, file, &found_h, &found_w));
    CHECK_INT(found_h, h);
    CHECK_INT(found_w, w);
    bytes_free(&b);
}

/* The run, its config and its folder of pairs are the same pairs. */
static void check_inspect(struct mined *m) {
    char *pairs = path_join(m->run, "pairs"), *sheet = test_path("sheet.png");
    struct ended run = OVSEG("mine", "inspect", m->run, "--json", "--top", "3");
    struct ended folder = OVSEG("mine", "inspect", pairs, "--json", "--top", "3");
    check_status(&run, 0);
    check_status(&folder, 0);
    CHECK_TEXT(run.out, folder.out);
    m->n = (int64_t)number(run.out, "pairs");
    CHECK(m->n >= 100);
    ended_free(&run);
    ended_free(&folder);
    struct ended list = OVSEG("mine", "inspect", pairs, "--list");
    check_status(&list, 0);
    CHECK_INT(count_lines(list.out), m->n);
    CHECK(strncmp(list.out, "0:0\t", 4) == 0);
    ended_free(&list);
    struct ended e = OVSEG("mine", "inspect", m->run, "-o", sheet, "-n", "9", "--side", "64");
    check_status(&e, 0);
    CHECK_HAS(e.out, "most frequent nouns");
    CHECK_HAS(e.out, "####");
    check_size(sheet, 3 * (64 + 6 + 2 * 24) + 6, 3 * (64 + 6) + 6); /* two lines of 24 */
    ended_free(&e);
    e = OVSEG("mine", "inspect", m->run, "--noun", "no such noun", "-o", sheet);
    check_status(&e, 65);
    CHECK_HAS(e.err, "there is nothing to draw");
    ended_free(&e);
    free(pairs);
    free(sheet);
}

/* The same sheet for a seed, another one for another; of an edited folder elsewhere with --scenes.
 */
static void check_sheets(const struct mined *m, const char *edited) {
    char *a = test_path("a.png"), *b = test_path("b.png"), *c = test_path("c.png");
    const char *const seeds[] = {"1", "1", "2"};
    char *const files[] = {a, b, c};
    for (int i = 0; i < 3; i++) {
        struct ended e = OVSEG("mine", "inspect", edited, "--scenes", m->scenes, "-o", files[i],
                               "--seed", seeds[i], "-n", "4", "--outline");
        check_status(&e, 0);
        ended_free(&e);
    }
    struct bytes x, y, z;
    CHECK_OK(file_read(a, 1 << 26, &x));
    CHECK_OK(file_read(b, 1 << 26, &y));
    CHECK_OK(file_read(c, 1 << 26, &z));
    CHECK(x.n == y.n && !memcmp(x.at, y.at, x.n));
    CHECK(x.n != z.n || memcmp(x.at, z.at, x.n) != 0);
    struct ended e = OVSEG("mine", "inspect", edited, "-o", a);
    check_status(&e, 66);
    CHECK_HAS(e.err, "--scenes");
    ended_free(&e);
    bytes_free(&x);
    bytes_free(&y);
    bytes_free(&z);
    for (int i = 0; i < 3; i++) free(files[i]);
}

/* Into a folder apart, so that the run of the scenes is not beside it; its path, owned. */
static char *check_edit(const struct mined *m) {
    char *dir = test_path("elsewhere/deep"), *to = path_join(dir, "edited");
    char *ids = test_path("ids"), *again = test_path("again");
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(ids, "0:0\tcat\n0:1\n", 12));
    struct ended e =
        OVSEG("mine", "edit", m->run, to, "--drop", ids, "--drop", "1:0", "--max-per-noun", "8");
    check_status(&e, 0);
    CHECK_HAS(e.out, "3  dropped by id");
    ended_free(&e);
    e = OVSEG("mine", "edit", m->run, again, "--max-per-noun", "8", "--drop", "1:0,0:1,0:0");
    check_status(&e, 0);
    ended_free(&e);
    char *ma = path_join(to, "manifest.json"), *mb = path_join(again, "manifest.json");
    char *ta = text_of(ma), *tb = text_of(mb);
    CHECK_TEXT(ta, tb);
    CHECK_HAS(ta, "\"drop_ids\":\t[\"0:0\", \"0:1\", \"1:0\"]");
    e = OVSEG("mine", "edit", m->run, to, "--min-count", "2");
    check_status(&e, 64);
    CHECK_HAS(e.err, "is there already");
    ended_free(&e);
    e = OVSEG("mine", "edit", m->run, "x", "--drop", "0:zero");
    check_status(&e, 64);
    CHECK_HAS(e.err, "is no id of a pair");
    ended_free(&e);
    char *const owned[] = {dir, ids, again, ma, mb, ta, tb};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return to;
}

/* A signal while a folder is written, or the same at every call from then on: neither the folder
 * nor its temporary name is there. */
static void check_stopped_by(const struct mined *m, const char *part, const char *fault, int status,
                             const char *says) {
    char *dir = test_path("stopped"), *out = path_join(dir, "out");
    const char *const argv[] = {program, "mine", part, m->run, out, NULL};
    struct fault_environment f = fault_environment(fault, out);
    struct process p;
    struct strings left;
    CHECK_OK(dir_make(dir));
    process_start(&p, argv, (const char *const *)f.at);
    struct ended e = process_wait(&p, 60);
    check_status(&e, status);
    CHECK_HAS(e.err, says);
    CHECK_OK(dir_list(dir, &left));
    CHECK_INT(left.n, 0);
    strings_free(&left);
    ended_free(&e);
    fault_environment_free(&f);
    free(dir);
    free(out);
}

static void check_stopped(const struct mined *m) {
    static const char *const parts[] = {"edit", "export"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        check_stopped_by(m, parts[i], "any:3:TERM", 143, "stopped by SIGTERM; nothing is written");
        check_stopped_by(m, parts[i], "any:3:INT", 130, "stopped by SIGINT; nothing is written");
        check_stopped_by(m, parts[i], "any:3+:INT", 130, "stopped by SIGINT; nothing is written");
    }
}

static void check_diff(const struct mined *m, const char *edited) {
    struct ended e = OVSEG("mine", "diff", m->run, edited, "--json", "--list"), list;
    check_status(&e, 0);
    double only = number(e.out, "only_a"), same = number(e.out, "same");
    CHECK(only >= 3);
    CHECK_INT(only + same, m->n);
    CHECK_INT(number(e.out, "only_b") + number(e.out, "other_mask"), 0);
    ended_free(&e);
    list = OVSEG("mine", "diff", m->run, edited, "--list", "--exit-code");
    check_status(&list, 1);
    CHECK_INT(count_lines(list.out), only);
    ended_free(&list);
    e = OVSEG("mine", "diff", m->run, m->run, "--exit-code");
    check_status(&e, 0);
    CHECK_HAS(e.out, "0  only in A");
    ended_free(&e);
}

/* Edited pairs are an input as a run is, with an identity of their own. */
static void check_trained_on(const char *edited) {
    char *input = mem_format("inputs.pairs=%s", edited);
    struct ended e = TRAIN("out", "smoke/finetune.yaml", input);
    check_status(&e, 0);
    CHECK_HAS(e.err, "finetune: stage clip-finetune");
    ended_free(&e);
    e = TRAIN("out", "smoke/finetune.yaml", input);
    check_status(&e, 0);
    CHECK(!strstr(e.err, "stage clip-finetune")); /* reused */
    ended_free(&e);
    char *dir = test_source("configs/smoke"), *here = realpath(dir, NULL);
    char *other = test_path("other.yaml"), *tune = test_path("tune.yaml");
    char *a = mem_format("base: %s/scenes.yaml\nseed: 9\n", here);
    char *b = mem_format(
        "base: %s/finetune.yaml\ninputs: {scenes: other.yaml, clip: %s/clip.yaml, "
        "pairs: %s}\n",
        here, here, edited);
    CHECK_OK(file_write(other, a, strlen(a)));
    CHECK_OK(file_write(tune, b, strlen(b)));
    e = TRAIN("out", tune, NULL);
    check_status(&e, 78);
    CHECK_HAS(e.err, "name the same scenes");
    ended_free(&e);
    char *const owned[] = {input, dir, here, other, tune, a, b};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(mined_pairs_are_looked_at_edited_compared_and_trained_on) {
    struct mined m = mine();
    check_inspect(&m);
    char *edited = check_edit(&m);
    check_sheets(&m, edited);
    check_diff(&m, edited);
    check_stopped(&m);
    check_trained_on(edited);
    free(edited);
    mined_free(&m);
}

/* A stage that needs a CLIP and the table, and nothing else; its path, owned. */
static char *table_config(const char *name, const char *stage, const char *more) {
    char *dir = test_source("configs/smoke"), *here = realpath(dir, NULL), *path = test_path(name);
    char *text = mem_format(
        "stage: %s\n"
        "inputs: {clip: %s/clip.yaml, pairs: table/pairs.tsv}\n"
        "batch: {global: 16}\noptim: {epochs: 0, steps: 4, warmup: 2}\n%s",
        stage, here, more);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(dir);
    free(here);
    free(text);
    return path;
}

static void check_table_run(const char *config, const char *argument, int status,
                            const char *says) {
    struct ended e = TRAIN("out", config, argument);
    check_status(&e, status);
    CHECK_HAS(e.err, says);
    ended_free(&e);
}

/* One picture is gone, one is no picture: named, then fatal or left out. */
static void check_losses(const char *tune, const char *table) {
    char *gone = path_join(table, "crops/000000000000_0.jpg");
    char *bad = path_join(table, "crops/000000000001_0.jpg");
    CHECK_OK(file_remove(gone));
    check_table_run(tune, NULL, 66, "000000000000_0.jpg: a picture of");
    check_table_run(tune, NULL, 66, "data.damaged=skip does without them");
    check_table_run(tune, "data.damaged=skip", 0, "pictures are missing");
    CHECK_OK(file_write(bad, "GIF89a", 6));
    check_table_run(tune, "data.damaged=skip", 0, "000000000001_0.jpg: ");
    free(gone);
    free(bad);
}

/* Sets of `ovseg data`, an index among them, in a folder that is no run. */
TEST(pairs_of_a_folder_of_sets_find_their_pictures) {
    char *sets = test_path("sets"), *plain = test_path("plain"),
         *index = path_join(sets, "clip.h5");
    char *config = test_path("mine.yaml"), *sheet = test_path("sheet.png");
    static const char text[] =
        "stage: mine\ninputs: {scenes: sets}\nmine: {ground_truth: true, images: 12}\n";
    struct ended e = TRAIN("out", "smoke/scenes.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *scenes = file_of("out", "scenes", "clip.h5");
    struct ended made[] = {
        OVSEG("data", "export", scenes, plain, "--images", "20", "--masks", "20"),
        OVSEG("data", "prepare", "folder", "--root", plain, "--index", "-o", index)};
    for (size_t i = 0; i < 2; i++) check_status(&made[i], 0);
    CHECK_OK(file_write(config, text, sizeof text - 1));
    e = TRAIN("pairs", config, NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *run = run_of("pairs", "mine"), *pairs = path_join(run, "pairs");
    char *edited = test_path("edited");
    const char *const places[] = {run, pairs};
    for (size_t i = 0; i < 2; i++) {
        e = OVSEG("mine", "inspect", places[i], "-o", sheet);
        check_status(&e, 0);
        ended_free(&e);
    }
    e = OVSEG("mine", "edit", run, edited, "--min-count", "2");
    check_status(&e, 0);
    ended_free(&e);
    e = OVSEG("mine", "inspect", edited, "-o", sheet);
    check_status(&e, 66);
    CHECK_HAS(e.err, "of a folder of sets: name it by --scenes");
    ended_free(&e);
    e = OVSEG("mine", "inspect", edited, "-o", sheet, "--scenes", sets);
    check_status(&e, 0);
    ended_free(&e);
    for (size_t i = 0; i < 2; i++) ended_free(&made[i]);
    char *const owned[] = {sets, plain, index, config, sheet, scenes, run, pairs, edited};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(exported_pairs_are_read_back_trained_on_and_named) {
    struct mined m = mine();
    char *table = test_path("table"), *folders = test_path("folders");
    struct ended e = OVSEG("mine", "export", m.run, table, "--side", "64");
    check_status(&e, 0);
    ended_free(&e);
    char *file = path_join(table, "pairs.tsv"), *text = text_of(file);
    CHECK_HAS(text, "filepath\ttitle\ncrops/000000000000_0.jpg\ta photo of a ");
    char *crop = path_join(table, "crops/000000000000_0.jpg");
    check_size(crop, 64, 64);
    e = OVSEG("mine", "export", m.run, folders, "--form", "folders");
    check_status(&e, 0);
    ended_free(&e);
    char *clip = run_of("out", "clip");
    e = OVSEG("eval", clip, "--images", folders);
    check_status(&e, 0);
    CHECK_HAS(e.out, "classes");
    ended_free(&e);

    char *tune = table_config("tune.yaml", "clip-finetune", "loss: {kind: in-batch}\n");
    char *prompt = table_config("prompt.yaml", "mask-prompt", "prompt: {depth: 2}\n");
    check_table_run(tune, NULL, 0, "tune: stage clip-finetune");
    check_table_run(prompt, NULL, 0, "prompt: stage mask-prompt");
    check_table_run(prompt, "pairs.title_column=text", 65, "no column \"text\"");
    check_table_run(prompt, "validate.set=val", 78, "missing inputs.scenes: validate.set");
    check_losses(tune, table);
    char *const owned[] = {table, folders, file, text, crop, clip, tune, prompt};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    mined_free(&m);
}
