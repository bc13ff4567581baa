/* What a training forgets: the retention probe beside its validations, and the models between the
 * CLIP that it began with and its own. */
/* ctest: timeout=600 labels=slow */
#include <string.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/page.h"
#include "tests/same_tensors.h"

/* The k-th validation of a run; owned. */
static cJSON *validation(const char *run, int k) {
    char *path = path_join(run, "metrics.jsonl"), *text = text_of(path), *at = text;
    while ((at = strstr(at, "{\"kind\":\"validate\"")) && k--) at++;
    CHECK(at);
    *strchr(at, '\n') = '\0';
    cJSON *line = json_of_text(at);
    free(text);
    free(path);
    return line;
}

static void check_same_figures(const cJSON *a, const cJSON *b) {
    static const char *const keys[] = {"mask_accuracy", "mask_accuracy_seen",
                                       "mask_accuracy_unseen", "probe_accuracy"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        CHECK(json_value(a, keys[i]) == json_value(b, keys[i])); /* to the bit */
}

static void check_text(const char *run, const char *file, const char *has, bool there) {
    char *path = path_join(run, file), *text = text_of(path);
    CHECK(*text);
    if (there) CHECK_HAS(text, has);
    if (!there) CHECK(!strstr(text, has));
    free(text);
    free(path);
}

static void train(const char *out, const char *probe, const char *clip) {
    struct ended e =
        TRAIN(out, "smoke/finetune.yaml", "optim.steps=6", "validate.every=3", probe, clip);
    check_status(&e, 0);
    ended_free(&e);
}

TEST(a_probe_is_measured_from_the_start_and_changes_nothing_of_the_training) {
    train("probed", "validate.probe=drawn", NULL);
    train("plain", NULL, NULL);
    char *probed = run_of("probed", "finetune"), *plain = run_of("plain", "finetune");
    char *a = path_join(probed, "checkpoint-000006/model.safetensors");
    char *b = path_join(plain, "checkpoint-000006/model.safetensors");
    check_same_tensors(a, b);
    free(a);
    free(b);
    check_text(probed, "identity.txt", "\nvalidate.probe drawn: test scenes 0 to 99 of seed 1\n",
               true);
    check_text(plain, "identity.txt", "validate.probe", false);
    for (int k = 0; k < 3; k++) {
        cJSON *line = validation(probed, k);
        CHECK(json_value(line, "step") == 3 * k);
        CHECK(json_value(line, "probe_accuracy") >= 0);
        cJSON_Delete(line);
    }
    cJSON *first = validation(plain, 0);
    CHECK(json_value(first, "step") == 3);
    CHECK(!cJSON_GetObjectItemCaseSensitive(first, "probe_accuracy"));
    cJSON_Delete(first);
    free(probed);
    free(plain);
}

TEST(a_probe_may_be_a_file_and_one_that_is_none_is_told_before_anything_runs) {
    struct ended e = TRAIN("out", "smoke/scenes.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *set = file_of("out", "scenes", "test.h5"),
         *config = test_source("configs/smoke/mpt.yaml");
    const struct {
        const char *probe;
        int status;
        const char *said;
    } wrong[] = {{"finetune:validate.probe=/nowhere.h5", 66, "/nowhere.h5: No such file"},
                 {"proposals:validate.probe=drawn", 78, "the proposals stage does not validate"}};
    for (size_t i = 0; i < 2; i++) {
        e = TRAIN("out", "smoke/mpt.yaml", wrong[i].probe);
        check_status(&e, wrong[i].status);
        CHECK_HAS(e.err, wrong[i].said);
        ended_free(&e);
    }
    char *none = mem_format("finetune:validate.probe=%s", config);
    e = TRAIN("out", "smoke/mpt.yaml", none);
    check_status(&e, 65);
    ended_free(&e);
    char *probe = mem_format("validate.probe=%s", set);
    train("out", probe, NULL);
    char *run = run_of("out", "finetune");
    check_text(run, "identity.txt", "\ninput validate.probe file ", true);
    cJSON *last = validation(run, 2);
    CHECK(json_value(last, "probe_accuracy") >= 0);
    cJSON_Delete(last);
    char *const owned[] = {set, config, none, probe, run};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static cJSON *points_of(const char *run) {
    cJSON *json = json_in(run, "blend.json");
    cJSON *points = cJSON_DetachItemFromObjectCaseSensitive(json, "points");
    CHECK_INT(cJSON_GetArraySize(points), 11);
    cJSON_Delete(json);
    return points;
}

static void check_point(const cJSON *points, int k, const char *run, int at) {
    cJSON *line = validation(run, at);
    check_same_figures(cJSON_GetArrayItem(points, k), line);
    cJSON_Delete(line);
}

/* What `ovseg convert` makes of the middle is what was measured there. */
static void check_middle(const cJSON *points, const char *clip, const char *run) {
    char *file = test_path("blend.safetensors");
    struct ended e = OVSEG("convert", "--blend", clip, run, "--alpha", "0.5", file);
    check_status(&e, 0);
    ended_free(&e);
    char *begin = mem_format("inputs.clip=%s", file);
    train("middle", "validate.probe=drawn", begin);
    char *middle = run_of("middle", "finetune");
    check_point(points, 5, middle, 0);
    free(middle);
    free(begin);
    free(file);
}

static void check_report(const char *run) {
    char *dir = test_path("report"), *page = path_join(dir, "report.html");
    struct ended e = OVSEG("report", run, "-o", dir);
    check_status(&e, 0);
    ended_free(&e);
    char *text = text_of(page);
    check_page(text);
    CHECK_HAS(text, "<h2>Gained and forgotten</h2>");
    CHECK_HAS(text, "probe: drawn");
    CHECK_HAS(text, "validation: val");
    CHECK_HAS(text, "<figcaption>mask accuracy from clip-");
    check_text(dir, "blend.csv", "from,to,alpha,validation,probe", true);
    check_text(dir, "retention.csv", "run,measured on,before,after,change", true);
    free(text);
    free(page);
    free(dir);
}

TEST(what_lies_between_begins_and_ends_with_the_models_themselves) {
    train("out", "validate.probe=drawn", NULL);
    char *run = run_of("out", "finetune"), *clip = run_of("out", "clip");
    struct ended e = OVSEG("eval", run, "--blend");
    check_status(&e, 0);
    CHECK_HAS(e.out, "mask accuracy, validation");
    CHECK_HAS(e.out, "\nbest validation that keeps the probe within 2 points of alpha 0: alpha ");
    CHECK_HAS(e.out, "\nwritten: ");
    ended_free(&e);
    cJSON *points = points_of(run);
    check_point(points, 0, run, 0);
    check_point(points, 10, run, 2);
    check_middle(points, clip, run);
    cJSON_Delete(points);
    check_report(run);
    char *given = mem_format("--blend=%s", clip), *itself = mem_format("--blend=%s", run);
    e = OVSEG("eval", run, itself, "validate.images=3"); /* all eleven are one */
    check_status(&e, 0);
    CHECK_HAS(e.out, " of alpha 0: alpha 0.0, what it began with\n");
    ended_free(&e);
    free(itself);
    e = OVSEG("eval", clip, "--blend");
    check_status(&e, 78);
    CHECK_HAS(e.err, "--blend wants one");
    ended_free(&e);
    e = OVSEG("eval", run, given, "validate.images=3", "validate.probe=\"\"");
    check_status(&e, 0);
    ended_free(&e);
    char *set = file_of("out", "scenes", "test.h5"), *probe = mem_format("validate.probe=%s", set);
    e = OVSEG("eval", run, "--blend", probe);
    check_status(&e, 0);
    CHECK_HAS(e.out, "from clip-");
    ended_free(&e);
    free(probe);
    free(set);
    e = OVSEG("eval", run, given, "optim.lr=1");
    check_status(&e, 78);
    ended_free(&e);
    free(given);
    free(run);
    free(clip);
}
