/* Model packages: written, opened again, damaged, and made to do harm. */
/* ctest: timeout=300 */
#include <cjson/cJSON.h>

#include "base/log.h"
#include "tests/json_of.h"
#include "tests/package_made.h"
#include "train/package/card.h"
#include "train/segmenter.h"

static const char *const names[] = {"sky", "tree", "road"};

/* `network`: another one than the model's, or NULL. */
static void look_with(const char *model, const char *network, bool package, struct labels *l,
                      struct dump *d) {
    struct model_options o = made_model(model);
    o.proposals = network;
    struct segmenter s;
    struct vocabulary v = {0};
    struct image im;
    if (package) o.n_overrides = 0;
    for (int i = 0; i < 3; i++) vocabulary_add(&v, names[i]);
    CHECK_OK(segmenter_open(&s, &o, &v));
    made_picture(&im);
    CHECK_OK(segmenter_labels(&s, "picture", &im, l, NULL, d));
    image_free(&im);
    segmenter_close(&s);
    vocabulary_close(&v);
}

static void look(const char *model, bool package, struct labels *l, struct dump *d) {
    look_with(model, NULL, package, l, d);
}

static void check_same_dump(struct dump *x, struct dump *y) {
    CHECK(x->n > 15 && x->n == y->n);
    for (int i = 0; i < x->n; i++)
        if (!test_equal_bits(x->at[i].x, dump_find(y, x->at[i].name)))
            test_fail(__FILE__, __LINE__, "%s differs", x->at[i].name);
    dump_free(x);
    dump_free(y);
}

static void labels_of(const char *model, bool package, struct labels *l) {
    look(model, package, l, NULL);
}

TEST(a_package_gives_the_labels_of_the_model_that_it_was_made_of) {
    char *file = made_whole(), *package = made_package(file, "m.ovseg");
    struct labels a, b, c;
    struct dump x = {0}, y = {0};
    look(file, false, &a, &x);
    CHECK_OK(file_remove(file)); /* nothing of it is needed */
    look(package, true, &b, &y);
    CHECK(memcmp(a.at, b.at, 48 * 70 * sizeof *a.at) == 0);
    check_same_dump(&x, &y);              /* and all that lies between */
    char *moved = test_path("elsewhere"); /* nor its place and name */
    CHECK(rename(package, moved) == 0);
    labels_of(moved, true, &c);
    CHECK(memcmp(a.at, c.at, 48 * 70 * sizeof *a.at) == 0);
    labels_free(&a);
    labels_free(&b);
    labels_free(&c);
    free(file);
    free(package);
    free(moved);
}

TEST(a_network_that_speaks_another_text_tower_brings_it_along) {
    char *clip = made_whole_as("a.safetensors"), *network = made_whole_as("b.safetensors");
    struct package_request r = {.model = made_model(clip), .out = test_path("m.ovseg")};
    struct package_made made;
    r.model.proposals = network;
    CHECK_OK(package_write(&r, &made));
    package_made_free(&made);
    char *text = path_join(r.out, "text.safetensors");
    CHECK(file_exists(text));
    struct labels a, b;
    struct dump x = {0}, y = {0};
    look_with(clip, network, false, &a, &x);
    CHECK_OK(file_remove(clip));
    CHECK_OK(file_remove(network));
    look(r.out, true, &b, &y);
    check_same_dump(&x, &y);
    CHECK(memcmp(a.at, b.at, 48 * 70 * sizeof *a.at) == 0);
    struct model_options o = {.command = "the test", .name = r.out}; /* other names, too */
    struct segmenter s;
    struct vocabulary first = {0}, later = {0};
    struct image im;
    struct labels c;
    vocabulary_add(&first, "something else");
    for (int i = 0; i < 3; i++) vocabulary_add(&later, names[i]);
    CHECK_OK(segmenter_open(&s, &o, &first));
    CHECK_OK(segmenter_names(&s, &later));
    made_picture(&im);
    CHECK_OK(segmenter_labels(&s, "picture", &im, &c, NULL, NULL));
    CHECK(memcmp(a.at, c.at, 48 * 70 * sizeof *a.at) == 0);
    segmenter_close(&s);
    vocabulary_close(&first);
    vocabulary_close(&later);
    image_free(&im);
    labels_free(&a);
    labels_free(&b);
    labels_free(&c);
    free(text);
    free((char *)r.out);
    free(clip);
    free(network);
}

TEST(names_that_come_later_are_those_of_the_beginning) {
    char *file = made_whole(), *package = made_package(file, "m.ovseg");
    struct model_options o = {.command = "the test", .name = package};
    struct segmenter s;
    struct vocabulary first = {0}, later = {0};
    struct image im;
    struct labels a, b;
    vocabulary_add(&first, "something else");
    for (int i = 0; i < 3; i++) vocabulary_add(&later, names[i]);
    CHECK_OK(segmenter_open(&s, &o, &first));
    CHECK_OK(segmenter_names(&s, &later));
    made_picture(&im);
    CHECK_OK(segmenter_labels(&s, "picture", &im, &a, NULL, NULL));
    labels_of(package, true, &b);
    CHECK(memcmp(a.at, b.at, 48 * 70 * sizeof *a.at) == 0);
    struct vocabulary long_name = {0}; /* over the text tower's context: those before stay */
    struct str text = {0};
    for (int i = 0; i < 90; i++) str_add(&text, "word ");
    vocabulary_add(&long_name, text.at);
    CHECK_ERROR(segmenter_names(&s, &long_name), ERR_DATA, "word");
    struct labels c;
    CHECK_OK(segmenter_labels(&s, "picture", &im, &c, NULL, NULL));
    CHECK(memcmp(a.at, c.at, 48 * 70 * sizeof *a.at) == 0);
    labels_free(&a);
    labels_free(&b);
    labels_free(&c);
    image_free(&im);
    segmenter_close(&s);
    vocabulary_close(&first);
    vocabulary_close(&later);
    vocabulary_close(&long_name);
    str_free(&text);
    free(file);
    free(package);
}

/* ---- damage ---- */

static int try_open(const char *package) {
    struct graph g = {0};
    int status = package_open(&g, package) ? 0 : error_status();
    graph_close(&g);
    return status;
}

static void check_refused(const char *package, int status, const char *about) {
    CHECK_ERROR(try_open(package), status, about);
}

TEST(damage_to_any_file_is_named_with_what_to_do) {
    char *file = made_whole(), *package = made_package(file, "m.ovseg");
    struct strings files;
    CHECK_OK(dir_list(package, &files));
    CHECK(files.n >= 9);
    for (size_t i = 0; i < files.n; i++) {
        char *path = path_join(package, files.at[i]), *away = test_path("away");
        struct bytes whole;
        CHECK_OK(file_read(path, 1 << 28, &whole));
        CHECK(rename(path, away) == 0);
        check_refused(package, ERR_DATA, files.at[i]); /* gone */
        CHECK(symlink(away, path) == 0);
        bool manifest = strcmp(files.at[i], MANIFEST_NAME) == 0;
        if (!manifest) check_refused(package, ERR_DATA, "is a link"); /* the same bytes elsewhere */
        CHECK_OK(file_remove(path));
        CHECK_OK(file_write(path, whole.at, whole.n - 1));
        check_refused(package, ERR_DATA, files.at[i]); /* cut */
        whole.at[whole.n / 2] ^= 4;
        CHECK_OK(file_write(path, whole.at, whole.n));
        check_refused(package, ERR_DATA, "export it again"); /* a bit */
        CHECK_OK(file_remove(path));
        CHECK(rename(away, path) == 0);
        CHECK_OK(try_open(package));
        bytes_free(&whole);
        free(path);
        free(away);
    }
    strings_free(&files);
    free(file);
    free(package);
}

/* The manifest with a text put in the place of another, and its seal made anew. */
static void spoil_manifest(const char *package, const char *was, const char *now) {
    char *path = path_join(package, MANIFEST_NAME);
    struct bytes text;
    CHECK_OK(file_read(path, 1 << 24, &text));
    char *at = strstr((char *)text.at, was), *seal = strstr((char *)text.at, "\"self\":\"");
    CHECK(at && seal);
    struct str s = {0};
    char hex[17];
    str_put(&s, text.at, (size_t)(at - (char *)text.at));
    str_add(&s, "%s", now);
    at += strlen(was);
    str_put(&s, at, (size_t)(seal - at));
    hash_hex(hash_bytes(s.at, s.n), hex);
    str_add(&s, "\"self\":\"%s\"}\n", hex);
    CHECK_OK(file_write(path, s.at, s.n));
    str_free(&s);
    bytes_free(&text);
    free(path);
}

TEST(a_manifest_that_means_harm_is_refused) {
    static const struct {
        const char *was, *now, *about;
    } all[] = {
        {"\"name\":\"clip.yaml\"", "\"name\":\"../clip.yaml\"", "malformed"},
        {"\"name\":\"clip.yaml\"", "\"name\":\"/etc/passwd\"", "malformed"},
        {"\"name\":\"clip.yaml\"", "\"name\":\"x/clip.yaml\"", "malformed"},
        {"\"name\":\"clip.yaml\"", "\"name\":\".\"", "malformed"},
        {"\"name\":\"clip.yaml\"", "\"name\":\"settings.yaml\"", "malformed"}, /* twice */
        {"\"name\":\"clip.yaml\"", "\"name\":\"other.yaml\"", "other.yaml"},
        {"\"size\":", "\"size\":1", "bytes"},
        {"\"size\":", "\"size\":-", "malformed"},
        {"\"version\":1", "\"version\":2", "written by a newer ovseg"},
        {"ovseg-package", "ovseg-checkpoint", "is of a checkpoint, not of a model package"},
        {"ovseg-package", "ovseg-something", "damaged: not the manifest of a model package"},
    };
    char *file = made_whole();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *package = made_package(file, "m.ovseg");
        spoil_manifest(package, all[i].was, all[i].now);
        check_refused(package, ERR_DATA, all[i].about);
        CHECK_OK(dir_remove(package));
        free(package);
    }
    free(file);
}

/* A later version may seal what it writes in its own way. */
TEST(a_package_of_a_newer_ovseg_is_called_newer_whatever_seals_it) {
    static const char later[] =
        "{\"format\":\"ovseg-package\",\"version\":12,\"sealed_by\":\"x\"}\n";
    char *file = made_whole(), *package = made_package(file, "m.ovseg");
    char *path = path_join(package, MANIFEST_NAME);
    CHECK_OK(file_write(path, later, sizeof later - 1));
    CHECK_INT(try_open(package), ERR_DATA);
    CHECK_HAS(error_message(), "format 12, written by a newer ovseg");
    CHECK(!strstr(error_message(), "damaged") && !strstr(error_message(), "again"));
    error_clear();
    free(path);
    free(package);
    free(file);
}

TEST(settings_of_a_package_are_those_that_belong_there) {
    static const struct {
        const char *file, *text, *about;
    } all[] = {
        {"settings.yaml", "stage: evaluate\nbase: /etc/passwd\n", "names no other files"},
        {"settings.yaml", "stage: evaluate\ninputs: {scenes: /tmp}\n", "inputs.scenes"},
        {"settings.yaml", "stage: evaluate\noutput_dir: /tmp\n", "output_dir"},
        {"settings.yaml", "stage: evaluate\nmeasure.wordnet: /tmp\n", "measure.wordnet"},
        {"settings.yaml", "stage: evaluate\neval.lambda: 7\n", "eval.lambda"},
        {"settings.yaml", "stage: mine\n", "stage"},
        {"settings.yaml", "eval.lambda: 0.5\n", "stage"},
        {"settings.yaml", "- a\n", "settings.yaml"},
        {"clip.yaml", "clip.width: 1000000000\n", "clip.width"},
        {"clip.yaml", "inputs: {file: x}\n", "inputs"},
        {"clip.yaml", "clip: {width: 8192, layers: 128, heads: 64}\n", "tensors"},
        {"clip.yaml", "clip: {image_size: 100, patch: 16}\n", "no multiple of clip.patch"},
        {"clip.yaml", "clip.heads: 7\n", "no multiple of clip.heads"},
        {"clip.yaml", "prompt.depth: 100\n", "the image tower has 12 blocks"},
        {"clip.yaml", "clip.model: RN50\nprompt.depth: 1\n", "the image tower has 0 blocks"},
        {"clip.yaml", "{}\n", "clip.safetensors"},
        {"proposals.yaml", "proposals.decoder.width: 4096\n", "proposals.safetensors"},
        {"proposals.yaml", "proposals.decoder.heads: 7\n", "its heads 7"},
        {"proposals.yaml", "proposals: {backbone: {norm: gn, stem_width: 6}}\n",
         "proposals.backbone.norm: 3 channels"},
        {"proposals.yaml", "proposals.decoder.queries: -1\n", "proposals.decoder.queries"},
    };
    char *file = made_whole();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *package = made_package(file, "m.ovseg");
        replace_sealed(package, all[i].file, all[i].text);
        int status = try_open(package);
        if (status != ERR_DATA)
            test_fail(__FILE__, __LINE__, "%s: %d %s", all[i].text, status, error_message());
        CHECK_HAS(error_message(), all[i].about);
        error_clear();
        CHECK_OK(dir_remove(package));
        free(package);
    }
    free(file);
}

/* ---- the card ---- */

static const char *source_text(const cJSON *card, const char *name, const char *key) {
    const cJSON *one;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(card, "sources")) {
        if (strcmp(cJSON_GetObjectItem(one, "name")->valuestring, name) == 0)
            return cJSON_GetObjectItem(one, key)->valuestring;
    }
    test_fail(__FILE__, __LINE__, "no source %s", name);
}

static void check_says(const char *licence, const char *forbidden, const char *warning) {
    char *file = test_path("whole.safetensors");
    struct package_request r = {.model = made_model(file), .out = test_path("said.ovseg")};
    struct package_made made;
    if (licence) string_map_put(&r.licences, "whole.file", licence);
    CHECK_OK(package_write(&r, &made));
    cJSON *card = json_in(r.out, PACKAGE_CARD);
    CHECK_TEXT(source_text(card, "whole.file", "non_commercial"), forbidden);
    if (licence) CHECK_TEXT(source_text(card, "whole.file", "licence"), licence);
    CHECK_TEXT(source_text(card, "tokenizer", "licence"), "MIT, that of its repository");
    CHECK_TEXT(cJSON_GetObjectItem(card, "non_commercial")->valuestring, forbidden);
    CHECK_TEXT(cJSON_GetObjectItem(card, "results")->valuestring, "unknown");
    CHECK_INT(made.warnings.n, warning ? 1 : 0);
    if (warning) CHECK_HAS(made.warnings.at[0], warning);
    cJSON_Delete(card);
    package_made_free(&made);
    string_map_free(&r.licences);
    CHECK_OK(dir_remove(r.out));
    free((char *)r.out);
    free(file);
}

TEST(a_name_of_a_published_file_tells_its_licence_but_does_not_prove_it) {
    struct card c = {.json = cJSON_CreateObject()};
    char captions[] = "/d/coco/annotations/captions_train2017.json", photos[] = "/my/photos",
         weights[] = "/nowhere/R-103.pkl", name[] = "data", in[2][9] = {"captions", "images"};
    struct node_input inputs[] = {{.name = in[0], .path = captions},
                                  {.name = in[1], .path = photos}};
    struct node n = {.name = name, .input = inputs, .n_inputs = 2, .init = weights};
    n.config.run.stage = STAGE_PREPARE;
    cJSON_AddArrayToObject(c.json, "sources");
    card_sources(&c, &n);
    CHECK_HAS(source_text(c.json, "data.captions", "licence"),
              "unknown; by its name it is of coco: annotations: CC BY 4.0");
    CHECK_TEXT(source_text(c.json, "data.captions", "non_commercial"), "unknown");
    CHECK_TEXT(source_text(c.json, "data.images", "licence"), "unknown");
    CHECK_HAS(source_text(c.json, "data.init.weights", "licence"), "CC BY-NC 4.0");
    CHECK_TEXT(source_text(c.json, "data.init.weights", "non_commercial"), "maybe");
    cJSON_Delete(c.json);
}

TEST(licences_are_told_or_unknown_and_one_against_commerce_is_a_warning) {
    free(made_whole());
    check_says(NULL, "maybe", "OVSeg's authors publish are CC BY-NC 4.0");
    check_says("CC BY 4.0", "no", NULL);
    check_says("CC BY-NC-SA 4.0", "yes", "not for commercial use");
    check_says("for academic use", "yes", "not for commercial use");
    check_says("unknown", "unknown", "licence unknown: whole.file");
    check_says("Concert hall licence", "no", NULL); /* NC must be a word */
    char *file = test_path("whole.safetensors");
    struct package_request r = {.model = made_model(file), .out = test_path("said.ovseg")};
    struct package_made made;
    string_map_put(&r.licences, "*", "CC0"); /* what is known, or feared, is not covered up */
    CHECK_OK(package_write(&r, &made));
    CHECK_HAS(made.warnings.at[0], "CC BY-NC 4.0");
    CHECK_OK(dir_remove(r.out));
    package_made_free(&made);
    string_map_put(&r.licences, "photos", "CC0");
    CHECK_ERROR(package_write(&r, &made), ERR_USAGE, "there are whole.file, tokenizer");
    CHECK(!dir_exists(r.out));
    string_map_free(&r.licences);
    free((char *)r.out);
    free(file);
}

static bool has_text(const struct bytes *b, const char *text) {
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= b->n; i++)
        if (b->at[i] == (uint8_t)*text && memcmp(b->at + i, text, n) == 0) return true;
    return false;
}

TEST(nothing_of_the_machine_is_in_a_package) {
    char *file = made_whole(), *package = made_package(file, "m.ovseg");
    struct strings files;
    CHECK_OK(dir_list(package, &files));
    for (size_t i = 0; i < files.n; i++) {
        char *path = path_join(package, files.at[i]);
        struct bytes b;
        CHECK_OK(file_read(path, 1 << 28, &b));
        CHECK(!has_text(&b, test_dir()));
        bytes_free(&b);
        free(path);
    }
    char *again = made_package(file, "again.ovseg"); /* equal models are equal bytes */
    for (size_t i = 0; i < files.n; i++) {
        if (strcmp(files.at[i], "CARD.md") == 0 || strcmp(files.at[i], MANIFEST_NAME) == 0)
            continue; /* they say its name */
        char *a = path_join(package, files.at[i]), *b = path_join(again, files.at[i]);
        uint64_t x, y;
        CHECK_OK(hash_file(a, &x));
        CHECK_OK(hash_file(b, &y));
        if (x != y) test_fail(__FILE__, __LINE__, "%s differs", files.at[i]);
        free(a);
        free(b);
    }
    strings_free(&files);
    free(again);
    free(package);
    free(file);
}

TEST(a_package_of_a_package_is_the_same_model) {
    char *file = made_whole(), *first = made_package(file, "first.ovseg");
    struct package_request r = {.model = {.command = "the test", .name = first},
                                .out = test_path("second.ovseg")};
    struct package_made made;
    CHECK_OK(package_write(&r, &made));
    CHECK_INT(made.warnings.n, 1); /* its sources are this one's */
    CHECK_HAS(made.warnings.at[0], "first/whole.file");
    cJSON *card = json_in(r.out, PACKAGE_CARD);
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(card, "packages")), 1);
    struct labels a, b;
    labels_of(first, true, &a);
    labels_of(r.out, true, &b);
    CHECK(memcmp(a.at, b.at, 48 * 70 * sizeof *a.at) == 0);
    labels_free(&a);
    labels_free(&b);
    cJSON_Delete(card);
    package_made_free(&made);
    free((char *)r.out);
    free(first);
    free(file);
}

TEST(two_packages_of_one_name_tell_the_sources_of_each) {
    char *file = made_whole(), *one = made_package(file, "first.ovseg"), *dir = test_path("other");
    CHECK_OK(dir_make(dir));
    struct package_request two = {.model = made_model(file), .out = path_join(dir, "first.ovseg")};
    struct package_made made;
    string_map_put(&two.licences, "whole.file", "CC BY-NC-SA 4.0");
    CHECK_OK(package_write(&two, &made));
    package_made_free(&made);
    struct package_request both = {
        .model = {.command = "the test", .name = one, .proposals = two.out},
        .out = test_path("both.ovseg")};
    CHECK_OK(package_write(&both, &made));
    cJSON *card = json_in(both.out, PACKAGE_CARD);
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(card, "packages")), 2);
    CHECK_TEXT(cJSON_GetObjectItem(card, "non_commercial")->valuestring, "yes");
    cJSON_Delete(card);
    package_made_free(&made);
    string_map_free(&two.licences);
    free((char *)both.out);
    free((char *)two.out);
    free(dir);
    free(one);
    free(file);
}
