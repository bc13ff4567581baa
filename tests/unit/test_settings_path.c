/* What a setting that is a path means. */
#include "base/settings_path.h"

#include "base/error.h"
#include "base/shipped.h"
#include "tests/test.h"

static struct settings_doc doc;

/* What `key` of a text means; "" after the error, which is kept. */
static const char *mean(const char *yaml, const char *key) {
    static char out[600];
    char *path = NULL;
    CHECK_OK(settings_parse(&doc, "dir/x.yaml", yaml));
    int status = settings_resolve(&doc, key, &path);
    snprintf(out, sizeof out, "%s", status || !path ? "" : path);
    settings_doc_free(&doc);
    free(path);
    return out;
}

TEST(a_relative_path_starts_at_the_file_that_says_it) {
    CHECK_TEXT(mean("a: x/y\n", "a"), "dir/x/y");
    CHECK_TEXT(mean("a: /x\n", "a"), "/x");
    CHECK_TEXT(mean("a: x\n", "b"), "");
}

TEST(a_place_stands_for_its_folder_and_may_be_said_with_others) {
    CHECK_TEXT(mean("paths: {data: /d}\na: $data/coco/x\n", "a"), "/d/coco/x");
    CHECK_TEXT(mean("paths: {data: /d}\na: $data\n", "a"), "/d");
    CHECK_TEXT(mean("paths: {data: /d, coco: $data/coco}\na: $coco/x\n", "a"), "/d/coco/x");
    CHECK_TEXT(mean("paths: {data: d}\na: $data/x\n", "a"), "dir/d/x");
}

TEST(a_variable_of_the_environment_is_put_in_its_place) {
    CHECK_INT(setenv("OVSEG_TEST_A", "/scratch/me", 1), 0);
    CHECK_INT(setenv("OVSEG_TEST_B", "run7", 1), 0);
    CHECK_TEXT(mean("a: \"${env:OVSEG_TEST_A}/x-${env:OVSEG_TEST_B}.pt\"\n", "a"),
               "/scratch/me/x-run7.pt");
    CHECK_TEXT(mean("paths: {data: \"${env:OVSEG_TEST_A}\"}\na: $data/x\n", "a"), "/scratch/me/x");
    CHECK_TEXT(mean("a: \"sub/${env:OVSEG_TEST_B}\"\n", "a"), "dir/sub/run7");
    CHECK_TEXT(mean("a: cost$5\n", "a"), "dir/cost$5"); /* nothing else is expanded */
    CHECK_TEXT(mean("a: \"~/x\"\n", "a"), "dir/~/x");
}

TEST(a_variable_that_is_not_set_is_named) {
    CHECK_INT(unsetenv("OVSEG_TEST_A"), 0);
    CHECK_TEXT(mean("a: \"${env:OVSEG_TEST_A}/x\"\n", "a"), "");
    CHECK_ERROR(error_status(), ERR_CONFIG, "no variable OVSEG_TEST_A: set it");
}

TEST(other_things_between_braces_are_refused) {
    static const char *const wrong[] = {"a: \"${HOME}/x\"\n", "a: \"${env:}/x\"\n",
                                        "a: \"${env:HOME/x\"\n", "a: \"${oc.env:HOME}\"\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_TEXT(mean(wrong[i], "a"), "");
        CHECK_ERROR(error_status(), ERR_CONFIG, "only ${env:NAME} is known");
    }
}

TEST(a_place_that_is_not_set_or_leads_back_to_itself_is_named) {
    CHECK_TEXT(mean("a: $data/x\n", "a"), "");
    CHECK_ERROR(error_status(), ERR_CONFIG, "$data/x: set paths.data");
    CHECK_TEXT(mean("paths: {b: $c/x, c: $b/y}\na: $b\n", "a"), "");
    CHECK_ERROR(error_status(), ERR_CONFIG, "leads back to itself");
}

TEST(an_at_sign_names_a_shipped_config) {
    char *shipped = shipped_config("smoke/mpt.yaml");
    CHECK_TEXT(mean("a: \"@smoke/mpt.yaml\"\n", "a"), shipped);
    CHECK_HAS(shipped, "/configs/smoke/mpt.yaml");
    free(shipped);
    CHECK_INT(setenv("OVSEG_CONFIGS", "/elsewhere", 1), 0);
    CHECK_TEXT(mean("a: \"@x.yaml\"\n", "a"), "/elsewhere/x.yaml");
    CHECK_TEXT(mean("a: \"./@x.yaml\"\n", "a"), "dir/./@x.yaml");
    CHECK_INT(unsetenv("OVSEG_CONFIGS"), 0);
}

TEST(what_is_no_shipped_config_is_told_with_what_there_is) {
    CHECK_OK(shipped_check("@smoke/mpt.yaml"));
    CHECK_OK(shipped_check("smoke"));
    CHECK_ERROR(shipped_check("@smoke"), ERR_MISSING,
                "name one of them: @smoke/clip.yaml, @smoke/");
    CHECK_ERROR(shipped_check("@smoke/"), ERR_MISSING, "name one of them: @smoke/clip.yaml, ");
    CHECK_ERROR(shipped_check("@"), ERR_MISSING, "name one of them: @clip.yaml, @eval.yaml");
    CHECK_ERROR(shipped_check("@smok/mpt.yaml"), ERR_MISSING, "no config of that name comes with");
    CHECK_ERROR(shipped_check("@../x.yaml"), ERR_USAGE, "@../x.yaml: leads out of the configs");
    CHECK_ERROR(shipped_check("@/etc/x.yaml"), ERR_USAGE, "are named by their path");
    CHECK_ERROR(settings_read(&doc, "@smoke"), ERR_MISSING, "name one of them");
}

TEST(what_is_put_beneath_loses_to_what_is_there_and_is_not_inherited) {
    static const char *const all[] = {"*", NULL};
    struct settings_doc under, other;
    CHECK_OK(settings_parse(&doc, "top", "paths: {data: /d}\n"));
    CHECK_OK(settings_parse(&under, "under", "paths: {data: /u, weights: /w}\n"));
    CHECK_OK(settings_beneath(&doc, &under));
    CHECK_TEXT(settings_text(&doc, "paths.data"), "/d");
    CHECK_TEXT(settings_text(&doc, "paths.weights"), "/w");
    CHECK_TEXT(settings_find(&doc, "paths.weights")->file, "under");
    CHECK_OK(settings_parse(&other, "other", "{}\n"));
    CHECK_OK(settings_inherit(&other, &doc, all));
    CHECK_TEXT(settings_text(&other, "paths.data"), "/d");
    CHECK(!settings_find(&other, "paths.weights"));
    settings_doc_free(&under);
    settings_doc_free(&other);
    settings_doc_free(&doc);
}
