/* Where weights and data sets come from: every path of a shipped config has an entry, every archive
 * of a known set, and what lies in a folder is compared with what is published. */
#include "base/file.h"
#include "base/settings.h"
#include "configs/config.h"
#include "data/file_digest.h"
#include "data/known_sets.h"
#include "data/sources_check.h"
#include "tests/test.h"

/* ---- the configs ---- */

static size_t n_named;

/* A run, a config and a file of this tree need no source. */
static bool is_ours(const char *file, const char *text) {
    char *path = settings_path_from(file, text);
    bool ours = path_is_yaml(path) && file_exists(path);
    free(path);
    return ours || !*text;
}

static void check_entry(const struct setting_entry *e) {
    const char *key = e->yaml.key;
    bool input = strncmp(key, "inputs.", 7) == 0 || strcmp(key, "init.weights") == 0 ||
                 strcmp(key, "nouns.weights") == 0 || strcmp(key, "nouns.tags") == 0;
    if (!input || e->yaml.kind != YAML_SCALAR || is_ours(e->file, e->yaml.at->text)) return;
    if (!source_of_path(e->yaml.at->text))
        test_fail(__FILE__, __LINE__, "%s: %s: %s has no entry in data/sources.c", e->file, key,
                  e->yaml.at->text);
    n_named++;
}

static void check_config(const char *path) {
    struct settings_doc doc;
    CHECK_OK(settings_read(&doc, path));
    for (size_t i = 0; i < doc.n; i++) check_entry(&doc.at[i]);
    settings_doc_free(&doc);
}

static void check_configs(const char *dir) {
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.at[i]);
        if (dir_exists(path))
            check_configs(path);
        else if (path_is_yaml(path))
            check_config(path);
        free(path);
    }
    strings_free(&names);
}

TEST(every_path_that_a_shipped_config_takes_from_outside_has_an_entry) {
    char *dir = test_source("configs");
    check_configs(dir);
    CHECK(n_named >= 12); /* weights, pictures, captions, maps, over all recipes */
    free(dir);
}

TEST(every_archive_of_a_known_set_has_an_entry_of_that_set) {
    const struct known_set *set;
    for (size_t i = 0; (set = known_set_at(i)); i++)
        for (int k = 0; k < 2 && set->split[k].name; k++)
            for (int a = 0; a < 2 * KNOWN_PLACES && set->split[k].archives[a]; a++) {
                const struct source *of = NULL;
                CHECK(source_file_find(set->split[k].archives[a], &of));
                CHECK(source_find(set->name));
            }
}

/* ---- the table ---- */

static void check_hex(const char *text, size_t n) {
    if (!text) return;
    CHECK(n ? strlen(text) == n : strlen(text) > 0);
    CHECK(strspn(text, "0123456789abcdef") == strlen(text));
}

TEST(entries_are_whole_and_names_are_unique) {
    const struct source *s;
    for (size_t i = 0; (s = source_at(i)); i++) {
        CHECK(s->name && s->about && s->page && s->path[0]);
        CHECK(strncmp(s->page, "http", 4) == 0);
        CHECK(source_find(s->name) == s);
        for (int k = 0; k < SOURCE_FILES && s->file[k].name; k++) {
            const struct source *of;
            CHECK(source_file_find(s->file[k].name, &of) == &s->file[k] && of == s);
            check_hex(s->file[k].sha256, 64);
            check_hex(s->file[k].md5, 32);
            check_hex(s->file[k].md5_begins, 0);
        }
        for (int k = 0; k < SOURCE_SETS && s->set[k]; k++) CHECK(known_set_find(s->set[k]));
    }
}

TEST(what_is_not_known_is_said_to_be_unknown) {
    struct str text = {0};
    source_describe(source_find("swin-b-22k"), &text);
    CHECK_HAS(text.at, "page     https://github.com/microsoft/Swin-Transformer\n");
    CHECK_HAS(text.at, "    size   unknown\n");
    CHECK_HAS(text.at, "    hash   unknown\n");
    CHECK_HAS(text.at, "  licence  unknown\n");
    str_free(&text);
    source_describe(source_find("clip-vit-b16"), &text);
    CHECK_HAS(text.at, "sha256 5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f\n");
    str_free(&text);
    source_describe(source_find("ovseg-swinb-vitl14"), &text);
    CHECK_HAS(text.at, "not for commercial use");
    CHECK_HAS(text.at, "526080... (no more of it is published)");
    str_free(&text);
    source_describe(source_find("coco-stuff"), &text);
    CHECK_HAS(text.at, "coco/stuffthingmaps/train2017 (118287 pictures)");
    str_free(&text);
}

static const char *name_of(const char *path) {
    const struct source *s = source_of_path(path);
    return s ? s->name : "";
}

TEST(a_path_means_the_entry_whose_end_it_has_and_the_longer_one_first) {
    CHECK_TEXT(name_of("$coco/train2017"), "coco");
    CHECK_TEXT(name_of("/data/stuffthingmaps/train2017/"), "coco-stuff");
    CHECK_TEXT(name_of("../shared/data/coco-mini/train2017"), "coco-mini");
    CHECK_TEXT(name_of("$weights/ViT-B-16.pt"), "clip-vit-b16");
    CHECK_TEXT(name_of("ViT-B-16.pt"), "clip-vit-b16");
    CHECK_TEXT(name_of("MyViT-B-16.pt"), ""); /* whole names alone */
    CHECK_TEXT(name_of("mytrain2017"), "");
    CHECK_TEXT(name_of(""), "");
    CHECK_TEXT(name_of("/"), "");
}

TEST(a_message_is_followed_by_each_entry_once) {
    struct str text = {0};
    CHECK_INT(sources_of_message("a.yaml:3:4: inputs.file: /w/ViT-B-16.pt: No such file\n"
                                 "b.yaml:1:1: init.weights: \"/w/R-103.pkl\", /w/ViT-B-16.pt",
                                 &text),
              2);
    CHECK_HAS(text.at, "clip-vit-b16: ");
    CHECK_HAS(text.at, "resnet-101c: ");
    char *first = strstr(text.at, "clip-vit-b16: ");
    CHECK(!strstr(first + 1, "clip-vit-b16: "));
    str_free(&text);
    CHECK_INT(sources_of_message("nowhere.yaml: No such file", &text), 0);
    CHECK(!text.n);
}

TEST(an_unknown_name_lists_those_that_are_known) {
    CHECK(!source_find("imagenet"));
    CHECK_ERROR(error_status(), ERR_USAGE, "clip-vit-b16, clip-vit-l14");
}

/* ---- what is there ---- */

static void put(const char *name, const char *text) {
    char *path = test_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, text, strlen(text)));
    free(dir);
    free(path);
}

static const struct source_tick *tick(const struct source_ticks *t, const char *file) {
    for (size_t i = 0; i < t->n; i++) {
        const char *name = t->at[i].file ? t->at[i].file->name : path_base(t->at[i].path);
        if (strcmp(name, file) == 0) return &t->at[i];
    }
    return NULL;
}

TEST(digests_are_those_of_md5sum_and_sha256sum) {
    char hex[DIGEST_HEX];
    put("abc", "abc");
    char *path = test_path("abc");
    CHECK_OK(file_digest(path, DIGEST_MD5, NULL, hex));
    CHECK_TEXT(hex, "900150983cd24fb0d6963f7d28e17f72");
    CHECK_OK(file_digest(path, DIGEST_SHA256, NULL, hex));
    CHECK_TEXT(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    free(path);
    CHECK_ERROR(file_digest("/nowhere", DIGEST_MD5, NULL, hex), ERR_MISSING, "/nowhere");
}

TEST(files_are_ticked_off_by_name_size_and_hash) {
    struct source_ticks t;
    put("w/clip/ViT-B-16.pt", "not CLIP");
    put("w/R-103.pkl", "no hash of it is published");
    put("d/val2017.zip", "short");
    put("w/.hidden/ViT-L-14.pt", "not looked for");
    CHECK_OK(sources_check(&t, test_dir(), NULL, true, NULL));
    CHECK_INT(tick(&t, "ViT-B-16.pt")->state, TICK_OTHER);
    CHECK_HAS(tick(&t, "ViT-B-16.pt")->text, "published is 5806e77c");
    CHECK_INT(tick(&t, "R-103.pkl")->state, TICK_THERE);
    CHECK_INT(tick(&t, "val2017.zip")->state, TICK_OTHER);
    CHECK_HAS(tick(&t, "val2017.zip")->text, "5 bytes, published are 815585330");
    CHECK_INT(tick(&t, "ViT-L-14.pt")->state, TICK_MISSING);
    source_ticks_free(&t);
    CHECK_OK(sources_check(&t, test_dir(), NULL, false, NULL)); /* sizes alone */
    CHECK_INT(tick(&t, "ViT-B-16.pt")->state, TICK_THERE);
    source_ticks_free(&t);
    CHECK_OK(sources_check(&t, test_dir(), source_find("resnet-101c"), true, NULL));
    CHECK_INT(t.n, 1);
    source_ticks_free(&t);
    CHECK_ERROR(sources_check(&t, "/nowhere", NULL, true, NULL), ERR_MISSING, "/nowhere");
    source_ticks_free(&t);
}

TEST(the_vocabulary_that_set_up_fetched_is_the_published_one) {
    char *dir = test_source(".deps/clip");
    struct source_ticks t;
    CHECK_OK(sources_check(&t, dir, source_find("clip-vocabulary"), true, NULL));
    CHECK_INT(tick(&t, "bpe_simple_vocab_16e6.txt.gz")->state, TICK_EQUAL);
    source_ticks_free(&t);
    free(dir);
}

TEST(an_unpacked_set_is_counted) {
    struct source_ticks t;
    put("coco/val2017/000000000139.jpg", "x");
    put("VOCdevkit/VOC2012/SegmentationClassAug/2007_000033.png", "x");
    CHECK_OK(sources_check(&t, test_dir(), NULL, true, NULL));
    CHECK_INT(tick(&t, "val2017")->state, TICK_OTHER);
    CHECK_HAS(tick(&t, "val2017")->text, "1 files, published are 5000");
    CHECK_INT(tick(&t, "SegmentationClassAug")->state, TICK_UNPACKED); /* more than the split */
    source_ticks_free(&t);
}

static int ask_to_stop(void) { return error_set(130, "stopped"); }

TEST(a_long_comparison_can_be_stopped) {
    struct source_ticks t;
    put("ViT-B-16.pt", "not CLIP");
    CHECK_ERROR(sources_check(&t, test_dir(), NULL, true, ask_to_stop), 130, "stopped");
    source_ticks_free(&t);
}
