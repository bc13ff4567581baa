/* Names looked through and tried out: `ovseg vocab`, and what wordings do to pictures and to an
 * evaluation, on the runs of one smoke chain. */
/* ctest: timeout=600 labels=slow */
#include <string.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/e2e/segmented.h"
#include "tests/json_of.h"
#include "tests/test.h"

static char *model, *evaluation, *photos;

static char *put_names(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

static void walk_lint(void) {
    char *odd = put_names("odd.txt", "sky\ntrafficlight\nCars\ncar\n");
    char *bad = put_names("bad.txt", "sky\n\nSky\n"), *clip = run_of("runs", "clip");
    check_says(OVSEG("vocab", odd), 0, "odd.txt:2: warning: \"trafficlight\": looks joined", NULL);
    check_says(OVSEG("vocab", odd, "--strict"), 65,
               "odd.txt:4: warning: \"car\": duplicated: line 3", "2 things to mend");
    check_says(OVSEG("vocab", bad), 65, NULL, "bad.txt:3: \"sky\" names class 0 and class 1");
    check_says(OVSEG("vocab", odd, "--clip", clip, "--alike", "-1"), 0,
               "odd.txt:2: warning: \"trafficlight\": CLIP hardly tells it from \"sky\" of line 1",
               NULL);
    check_says(OVSEG("vocab", odd, "--print"), 0, "  - {name: \"trafficlight\"}", NULL);
    check_says(OVSEG("vocab", "/no/such.txt"), 66, NULL, "/no/such.txt");
    check_says(OVSEG("vocab", odd, "x.jpg"), 64, NULL, "pictures go with --try");
    free(odd);
    free(bad);
    free(clip);
}

/* A wording by itself has the maps of a file that says no other. */
static void walk_try(void) {
    char *names = put_names("try.yaml", "- sky\n- {name: car, synonyms: [red ball]}\n");
    char *alone = put_names("alone.txt", "sky\nred ball\n"), *one = segmented_picture(photos, 4);
    char *tried = test_path("tried"), *out = test_path("by-alone"), *max = test_path("max");
    struct ended e = OVSEG("vocab", "--try", names, "-m", model, "-o", tried, one);
    check_status(&e, 0);
    struct ended by_name = OVSEG("segment", "-m", model, "--classes", alone, "-o", out, one);
    check_status(&by_name, 0);
    cJSON *j = json_in(out, "p4.json");
    const cJSON *n;
    double share = 0;
    cJSON_ArrayForEach(n, json_item(j, "names")) if (json_item(n, "index")->valuedouble > 0) share =
        json_item(n, "share")->valuedouble;
    char *line = strstr(e.out, "red ball "), *want = mem_format("  %6.2f %%", 100 * share);
    CHECK_HAS(e.out, "\n car\n");
    CHECK_HAS(e.out, "p4-1-1.png");
    CHECK(line);
    while (line > e.out && line[-1] != '\n') line--;
    CHECK(strncmp(line, want, strlen(want)) == 0);
    cJSON_Delete(j);
    ended_free(&by_name);
    ended_free(&e);
    free(want);
    check_says(OVSEG("segment", "-m", model, "--classes", names, "--set", "eval.synonyms=max", "-o",
                     max, one),
               0, "car", NULL);
    check_says(OVSEG("segment", "-m", model, "--classes", names, "--set", "eval.synonyms=max", "-o",
                     max, "--dump", max, one),
               64, NULL, "without eval.synonyms=max");
    check_says(OVSEG("vocab", "--try", alone, "-m", model, one), 65, NULL, "no class has synonyms");
    check_says(OVSEG("vocab", "--try", names, one), 64, NULL, "which model?");
    check_says(OVSEG("vocab", "--try", names, "-m", model, "-o", tried, one, one), 64, NULL,
               "would both be written to");
    check_says(OVSEG("vocab", "--try", names, "-m", model, one, "no.jpg"), 66, NULL,
               "no.jpg: no such");
    char *const owned[] = {names, alone, one, tried, out, max};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* Pixel accuracy of CLIP alone, of an evaluation with a vocabulary. */
static double right_with(const char *names, const char *more) {
    char *input = mem_format("inputs.names=%s", names);
    struct ended e = OVSEG("eval", evaluation, input, "threads=1", more);
    check_status(&e, 0);
    char *at = strstr(e.out, "results: ") + 9;
    at[strcspn(at, "\n")] = '\0';
    cJSON *j = json_in(at, "evaluation.json");
    const cJSON *row = cJSON_GetArrayItem(json_item(j, "rows"), 0);
    double x =
        json_item(json_item(json_item(row, "metrics_clip_only"), "all"), "pacc")->valuedouble;
    cJSON_Delete(j);
    ended_free(&e);
    free(input);
    return x;
}

static void walk_wordings(void) {
    char *file = path_join(evaluation, "evaluation.json");
    cJSON *j = json_of(file);
    const cJSON *name;
    struct str plain = {0}, other = {0};
    cJSON_ArrayForEach(name, json_item(j, "classes")) {
        str_add(&plain, "- {name: \"%s\"}\n", name->valuestring);
        str_add(&other, "- {name: \"%s\", prompts: [\"nothing of the kind\", \"%zu\"]}\n",
                name->valuestring, other.n);
    }
    CHECK(plain.at && other.at);
    char *a = put_names("plain.yaml", plain.at), *b = put_names("other.yaml", other.at);
    double bare = right_with(a, "eval.wordings=false");
    CHECK(right_with(a, "eval.wordings=true") == bare); /* nothing else is said */
    CHECK(right_with(b, "eval.wordings=false") == bare);
    CHECK(right_with(b, "eval.wordings=true") != bare);
    check_says(OVSEG("eval", evaluation, "eval.wordings=true"), 78, NULL, "missing inputs.names");
    cJSON_Delete(j);
    str_free(&plain);
    str_free(&other);
    char *const owned[] = {file, a, b};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(names_are_looked_through_and_tried_and_their_wordings_count) {
    segmented_start(&model, &evaluation, &photos);
    walk_lint();
    walk_try();
    walk_wordings();
    free(model);
    free(evaluation);
    free(photos);
}
