/* Files, what they are based on, and what is written down of the settings that came out. */
#include "base/file.h"
#include "base/settings_text.h"
#include "tests/unit/settings_made.h"

static char *put(const char *name, const char *text) {
    char *path = test_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, text, strlen(text)));
    free(dir);
    return path;
}

/* Messages have the path of the test's folder in them: shown as $. */
static const char *relative(const char *message) {
    static char out[4096];
    size_t n = 0, len = strlen(test_dir());
    for (const char *c = message; *c && n < sizeof out - 1;) {
        bool here = strncmp(c, test_dir(), len) == 0;
        out[n++] = *c;
        if (here) out[n - 1] = '$';
        c += here ? len : 1;
    }
    out[n] = '\0';
    return out;
}

TEST(a_file_wins_over_its_base_and_a_base_over_its_own) {
    struct config c = {0};
    struct settings_doc doc;
    struct problems p = {0};
    free(put("all/base.yaml",
             "seed: 1\nthreads: 1\noptim: {lr: 0.1, warmup: 7}\n"
             "swin.depths: [1, 1, 1, 1]\ninputs: {clip: a, pairs: b}\n"));
    free(put("all/middle.yaml", "base: base.yaml\nseed: 2\nmine.shard_images: 3\n"));
    char *path = put("top.yaml",
                     "base: all/middle.yaml\nthreads: 3\nswin: {depths: [9]}\n"
                     "inputs: {clip: c}\n");
    CHECK_OK(settings_read(&doc, path));
    CHECK_INT(settings_assign(&doc, used, known, "stage mine", &c, &p), 0);
    CHECK_OK(problems_close(&p, ERR_CONFIG)); /* shard_images comes from a base: no mistake */
    CHECK_INT(c.seed, 2);
    CHECK_INT(c.threads, 3);
    CHECK_INT(c.optim.warmup, 7);
    CHECK_INT(c.depths.n, 1);
    CHECK_TEXT(string_map_get(&c.inputs, "clip"), "c");
    CHECK_TEXT(string_map_get(&c.inputs, "pairs"), "b");
    CHECK_TEXT(relative(settings_find(&doc, "inputs.pairs")->file), "$/all/base.yaml");
    CHECK_TEXT(settings_text(&doc, "inputs.clip"), "c");
    CHECK(!settings_text(&doc, "base"));
    settings_free(used, &c);
    settings_doc_free(&doc);
    free(path);
}

TEST(a_mistake_in_a_base_file_is_reported_there) {
    struct config c = {0};
    struct settings_doc doc;
    struct problems p = {0};
    free(put("base.yaml", "sede: 1\nmine.shard_images: none\n"));
    char *path = put("top.yaml", "base: base.yaml\noptim.lr: 1\n");
    CHECK_OK(settings_read(&doc, path));
    CHECK_INT(settings_assign(&doc, used, known, "stage mine", &c, &p), ERR_CONFIG);
    CHECK_INT(problems_close(&p, ERR_CONFIG), ERR_CONFIG);
    CHECK_TEXT(relative(error_message()),
               "$/base.yaml:1:1: unknown setting sede (did you mean seed?)\n"
               "$/base.yaml:2:20: mine.shard_images: expected an integer, got \"none\"");
    error_clear();
    settings_free(used, &c);
    settings_doc_free(&doc);
    free(path);
}

static const char *read_fails(const char *path, int code) {
    static char message[4096];
    struct settings_doc doc;
    CHECK_INT(settings_read(&doc, path), code);
    CHECK(!doc.n && !doc.path);
    snprintf(message, sizeof message, "%s", relative(error_message()));
    error_clear();
    return message;
}

TEST(chains_of_base_files_end) {
    char *path = put("a.yaml", "seed: 1\nbase: b.yaml\n");
    CHECK_TEXT(read_fails(path, ERR_MISSING),
               "$/a.yaml:2:7: base: $/b.yaml: No such file or directory");
    free(put("b.yaml", "base: ./a.yaml\n"));
    CHECK_TEXT(read_fails(path, ERR_CONFIG),
               "$/./a.yaml:2:7: base: the chain comes back to this file");
    free(put("b.yaml", "base: [a.yaml]\n"));
    CHECK_TEXT(read_fails(path, ERR_CONFIG), "$/b.yaml:1:7: base: expected the path of one file");
    free(put("b.yaml", "seed: !!python/object/apply:eval [1]\n"));
    CHECK_TEXT(read_fails(path, ERR_CONFIG),
               "$/b.yaml:1:7: the tag !!python/object/apply:eval is not accepted; only plain data "
               "is read");
    free(put("b.yaml", "[1, 2]"));
    CHECK_TEXT(read_fails(path, ERR_CONFIG), "$/b.yaml:1:1: settings are written as key: value");
    for (int i = 0; i < 9; i++) {
        char name[16], text[32];
        snprintf(name, sizeof name, "%d.yaml", i);
        snprintf(text, sizeof text, "base: %d.yaml\n", i + 1);
        free(put(name, text));
    }
    free(put("9.yaml", "seed: 1\n"));
    free(path);
    path = test_path("0.yaml");
    CHECK_TEXT(read_fails(path, ERR_CONFIG), "$/8.yaml:1:7: base: a chain of too many files");
    free(path);
    path = test_path("1.yaml"); /* and eight base files are not too many */
    struct settings_doc doc;
    CHECK_OK(settings_read(&doc, path));
    CHECK_INT(doc.n, 1);
    settings_doc_free(&doc);
    free(path);
}

static void points_to(const struct settings_doc *doc, const char *key, const char *path) {
    char *found = settings_path(doc, key);
    CHECK_TEXT(found, path);
    free(found);
}

TEST(a_path_starts_at_the_folder_of_the_file_that_says_it) {
    struct settings_doc doc;
    struct override o;
    CHECK_OK(settings_parse(&doc, "configs/smoke/mpt.yaml",
                            "inputs: {clip: ../clip.yaml, pairs: /data/p.h5, none: ~}"));
    CHECK_OK(override_parse("inputs.weights=w.pt", NULL, &o));
    CHECK_OK(settings_override(&doc, &o));
    override_free(&o);
    points_to(&doc, "inputs.clip", "configs/smoke/../clip.yaml");
    points_to(&doc, "inputs.pairs", "/data/p.h5");
    points_to(&doc, "inputs.weights", "w.pt");
    CHECK(!settings_path(&doc, "inputs.none") && !settings_path(&doc, "inputs"));
    settings_doc_free(&doc);
}

TEST(an_empty_file_has_no_settings) {
    struct settings_doc doc;
    static const char *const empty[] = {"", "# nothing\n", "---\n", "{}", "~\n"};
    for (size_t i = 0; i < N(empty); i++) {
        CHECK_OK(settings_parse(&doc, "c.yaml", empty[i]));
        CHECK_INT(doc.n, 0);
        settings_doc_free(&doc);
    }
}

TEST(inherited_settings_win_over_the_file_and_lose_to_its_own_override) {
    struct config c = {0};
    struct settings_doc parent, child;
    struct problems p = {0};
    struct str origin = {0};
    struct override o;
    CHECK_OK(settings_parse(&parent, "mpt.yaml",
                            "seed: 5\nthreads: 2\nname: mpt\nmine.shard_images: 9"));
    CHECK_OK(settings_parse(&child, "finetune.yaml", "seed: 1\nthreads: 1\noptim.lr: 1"));
    CHECK_OK(
        settings_inherit(&child, &parent, (const char *const[]){"seed", "thr*", "mine.*", NULL}));
    CHECK_OK(override_parse("finetune:threads=8", NULL, &o));
    CHECK_OK(settings_override(&child, &o));
    override_free(&o);
    settings_doc_free(&parent);
    CHECK_INT(settings_assign(&child, used, known, "stage clip-finetune", &c, &p), 0);
    CHECK_OK(problems_close(&p, ERR_CONFIG));
    CHECK_INT(c.seed, 5);
    CHECK_INT(c.threads, 8);
    CHECK_TEXT(c.name, "");
    setting_origin(settings_find(&child, "seed"), &origin);
    CHECK_TEXT(origin.at, "mpt.yaml:1:7, inherited");
    str_free(&origin);
    settings_free(used, &c);
    settings_doc_free(&child);
}

TEST(a_check_across_settings_is_reported_where_the_value_stands) {
    struct settings_doc doc;
    struct problems p = {0};
    CHECK_OK(settings_parse(&doc, "c.yaml", "seed: 1\noptim: {warmup: 70}"));
    settings_problem(&doc, &p, "optim.warmup", "%d steps of %d", 70, 60);
    settings_problem(&doc, &p, "threads", "too few");
    CHECK_INT(problems_close(&p, ERR_CONFIG), ERR_CONFIG);
    CHECK_TEXT(error_message(),
               "c.yaml:2:17: optim.warmup: 70 steps of 60\nc.yaml: threads: too few");
    error_clear();
    settings_doc_free(&doc);
}

/* --- as text ------------------------------------------------------------------------------------
 */

static const char *const full =
    "seed: 7\nname: \"true\"\ninputs: {clip: a.yaml, \"ft+mpt\": \"x: y\"}\n"
    "optim: {lr: 0.1, schedule: cosine, weight_decay: 1e-8}\n"
    "captions: [\"a, b\", plain, \"\\u00e9\\n\"]\n";

TEST(resolved_settings_have_origins_and_read_back_to_the_same) {
    struct config a = {0}, b = {0};
    struct settings_doc doc;
    struct problems p = {0};
    struct override o;
    struct str text = {0}, again = {0};
    CHECK_OK(settings_parse(&doc, "c.yaml", full));
    CHECK_OK(override_parse("optim.warmup=3", NULL, &o));
    CHECK_OK(settings_override(&doc, &o));
    override_free(&o);
    CHECK_INT(settings_assign(&doc, used, known, "stage mine", &a, &p), 0);
    settings_write(used, &a, &doc, &text);
    settings_doc_free(&doc);
    CHECK_TEXT(text.at,
               "seed: 7                                      # c.yaml:1:7\n"
               "threads: 0                                   # default\n"
               "deterministic: false                         # default\n"
               "name: \"true\"                                 # c.yaml:2:7\n"
               "inputs.clip: a.yaml                          # c.yaml:3:16\n"
               "inputs.ft+mpt: \"x: y\"                        # c.yaml:3:34\n"
               "swin.depths: [2, 2, 6, 2]                    # default\n"
               "captions: [\"a, b\", plain, \"é\\n\"]            # c.yaml:5:11\n"
               "optim.lr: 0.1                                # c.yaml:4:13\n"
               "optim.weight_decay: 1e-08                    # c.yaml:4:50\n"
               "optim.warmup: 3                              # command line\n"
               "optim.schedule: cosine                       # c.yaml:4:28\n"
               "optim.betas: [0.9, 0.999]                    # default\n");
    CHECK_OK(settings_parse(&doc, "c.yaml", text.at));
    CHECK_INT(settings_assign(&doc, used, known, "stage mine", &b, &p), 0);
    settings_doc_free(&doc);
    CHECK_OK(problems_close(&p, ERR_CONFIG));
    text.n = 0;
    settings_describe(used, &a, &text);
    settings_describe(used, &b, &again);
    CHECK_TEXT(text.at, again.at);
    CHECK_TEXT(b.name, "true");
    CHECK_TEXT(string_map_get(&b.inputs, "ft+mpt"), "x: y");
    CHECK_TEXT(b.captions.at[2], "\xC3\xA9\n");
    str_free(&text);
    str_free(&again);
    settings_free(used, &a);
    settings_free(used, &b);
}

static char *described(const char *text, const char *arg) {
    struct config c;
    struct str out = {0};
    CHECK_TEXT(load(&c, text, (const char *const[]){arg, NULL}), "");
    settings_describe(used, &c, &out);
    settings_free(used, &c);
    return out.at;
}

TEST(the_description_has_result_settings_only_and_one_way_to_write_a_number) {
    char *a = described("optim: {lr: 1e-1, weight_decay: -0.0}", NULL);
    CHECK_TEXT(a,
               "captions=[]\n"
               "deterministic=false\n"
               "optim.betas=[0.9, 0.999]\n"
               "optim.lr=0.1\n"
               "optim.schedule=poly\n"
               "optim.warmup=0\n"
               "optim.weight_decay=0\n"
               "seed=1\n"
               "swin.depths=[2, 2, 6, 2]\n");
    char *b = described("threads: 5\nname: x\noptim: {weight_decay: 0, lr: 0.10}", "threads=7");
    CHECK_TEXT(b, a);
    free(a);
    free(b);
}

TEST(a_diff_names_what_changed) {
    struct setting_changes d;
    char *a = described("optim.lr: 0.1", NULL), *b = described("optim.lr: 0.2", "seed=9");
    settings_diff(a, b, &d);
    CHECK_INT(d.n, 2);
    CHECK_TEXT(d.at[0].key, "optim.lr");
    CHECK_TEXT(d.at[0].old, "0.1");
    CHECK_TEXT(d.at[0].new, "0.2");
    CHECK_TEXT(d.at[1].key, "seed");
    CHECK_TEXT(d.at[1].new, "9");
    setting_changes_free(&d);
    settings_diff(a, a, &d);
    CHECK_INT(d.n, 0);
    free(a);
    free(b);
    /* rows that came or went between versions; '.' and letters sort on both sides of '=' */
    settings_diff("a.b=1\na=2\nab=3\nz=\n", "a.b=1\na=5\nac=4\nz=\n", &d);
    CHECK_INT(d.n, 3);
    CHECK_TEXT(d.at[0].key, "a");
    CHECK_TEXT(d.at[1].key, "ab");
    CHECK(d.at[1].old && !d.at[1].new);
    CHECK_TEXT(d.at[2].key, "ac");
    CHECK(!d.at[2].old && d.at[2].new);
    setting_changes_free(&d);
}

static const char *printed(const char *pattern, size_t rows) {
    static char out[4096];
    FILE *f = tmpfile();
    CHECK(f != NULL);
    CHECK_INT(settings_print_table(f, known, pattern, NULL), rows);
    rewind(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    fclose(f);
    return out;
}

TEST(the_tables_print_as_documentation) {
    CHECK_TEXT(printed("optim", 5),
               "optim.lr: must be given (real 0..1, result)\n"
               "    learning rate after warm-up\n"
               "optim.weight_decay: 0.01 (real 0..1, result)\n"
               "    decoupled\n"
               "optim.warmup: 0 (integer 0..1000000000, result)\n"
               "    steps\n"
               "optim.schedule: poly (poly | cosine, result)\n"
               "    how the rate decays\n"
               "optim.betas: [0.9, 0.999] (list of reals 0..1, result)\n"
               "    of the two moments\n");
    CHECK_TEXT(printed("name", 1), "name: \"\" (text, output)\n    shown in reports\n");
    CHECK_TEXT(printed("*.shard*", 1),
               "mine.shard_images: 1000 (integer 1..1000000, speed)\n    images in one shard\n");
    CHECK_TEXT(printed("opt", 0), "");
    printed(NULL, 13);
}
