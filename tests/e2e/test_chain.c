/* The smoke chain from end to end, once; everything that needs a finished one looks at it. */
/* ctest: timeout=600 labels=slow */

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/test.h"

static const char *const smoke = "smoke/mpt.yaml";

static double percent(const cJSON *o, const char *key) {
    double x = json_value(o, key);
    CHECK(x >= 0 && x <= 100);
    return x;
}

static void check_split(const cJSON *o) {
    double all = percent(o, "all"), seen = percent(o, "seen"), unseen = percent(o, "unseen");
    double lo = fmin(seen, unseen), hi = fmax(seen, unseen);
    CHECK(all >= lo - 1e-9 && all <= hi + 1e-9); /* the mean over both kinds of classes */
}

/* The shape that sweeps and reports read. */
static void check_result(const char *text) {
    static const char *const rows[] = {"raw", "mpt", "ft", "ft+mpt"};
    static const char *const stages[] = {"scenes",   "clip", "proposals", "mine",
                                         "finetune", "mpt",  "mpt-only",  "eval"};
    cJSON *json = json_of_text(text);
    CHECK_INT(cJSON_GetArraySize(json_item(json, "rows")), 4);
    for (int i = 0; i < 4; i++) {
        const cJSON *row = cJSON_GetArrayItem(json_item(json, "rows"), i);
        CHECK_TEXT(json_item(row, "name")->valuestring, rows[i]);
        check_split(json_item(row, "miou"));
        check_split(json_item(row, "mask_accuracy"));
    }
    const cJSON *ensemble = json_item(json, "ensemble"),
                *last = cJSON_GetArrayItem(json_item(json, "rows"), 3);
    CHECK_NEAR(json_value(ensemble, "lambda"), 0.7, 1e-9);
    check_split(json_item(ensemble, "maskformer_only"));
    check_split(json_item(ensemble, "clip_only"));
    check_split(json_item(ensemble, "fused"));
    CHECK_NEAR(percent(json_item(ensemble, "fused"), "all"),
               percent(json_item(last, "miou"), "all"), 0);
    CHECK_INT(cJSON_GetArraySize(json_item(json, "stages")), 8);
    for (int i = 0; i < 8; i++) {
        const cJSON *stage = cJSON_GetArrayItem(json_item(json, "stages"), i);
        CHECK_TEXT(json_item(stage, "name")->valuestring, stages[i]);
        CHECK(json_value(stage, "seconds") >= 0);
        if (i)
            CHECK_TEXT(json_item(stage, "precision")->valuestring, "fp32"); /* scenes are drawn */
    }
    cJSON_Delete(json);
}

/* Without the marks that say which stages were reused. */
static char *without_reused(const char *text) {
    struct str s = {0};
    const char *mark = "   reused";
    for (const char *hit; (hit = strstr(text, mark)); text = hit + strlen(mark))
        str_add(&s, "%.*s", (int)(hit - text), text);
    str_add(&s, "%s", text);
    return s.at;
}

static void check_table(const char *text) {
    static const char *const words[] = {"raw CLIP",    "MPT only",        "FT only",   "FT+MPT",
                                        "unseen",      "MaskFormer only", "CLIP only", "ensemble",
                                        "lambda 0.70", "in all",          "results: "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) CHECK_HAS(text, words[i]);
}

static void check_explained(const char *argument, const char *was, const char *now) {
    struct ended e = TRAIN("out", smoke, argument, "--explain", "--dry-run");
    check_status(&e, 0);
    CHECK_HAS(e.out, was);
    CHECK_HAS(e.out, now);
    ended_free(&e);
}

/* What is counted are the labels of the dense CRF; segments are not counted, and that is said.
 * `plain`: evaluation.json without. */
static void check_ways(const char *plain) {
    struct ended e = TRAIN("out", "smoke/eval.yaml", "TEST.DENSE_CRF=True");
    check_status(&e, 0);
    CHECK_HAS(e.out, "results: ");
    char *run = mem_strdup(strstr(e.out, "results: ") + strlen("results: "));
    run[strcspn(run, "\n")] = '\0';
    char *path = path_join(run, "evaluation.json"), *crf = text_of(path);
    CHECK_HAS(crf, "\"fused\"");
    CHECK(strcmp(plain, crf) != 0);
    ended_free(&e);
    free(run);
    free(path);
    free(crf);
    e = TRAIN("out", "smoke/eval.yaml", "eval.panoptic.enabled=true");
    check_status(&e, 78);
    CHECK_HAS(e.err, "eval.panoptic.enabled: `ovseg segment` writes segments");
    ended_free(&e);
}

TEST(the_chain_ends_with_a_table_and_what_is_done_is_reused) {
    struct ended first = TRAIN("out", smoke, NULL);
    check_status(&first, 0);
    check_table(first.out);
    CHECK(!strstr(first.out, "reused"));
    char *named = file_of("out", "mpt", "result.json"), *copy = text_of(named);
    char *path = file_of("out", "eval", "result.json"), *result = text_of(path);
    char *counted = file_of("out", "eval", "evaluation.json"), *plain = text_of(counted);
    check_result(result);
    CHECK_TEXT(copy, result);

    /* Again: the same table, from what is there. The goal is 3 s of wall time on a quiet machine;
     * processor time is what a busy one can promise. */
    struct ended second = TRAIN("out", smoke, NULL);
    check_status(&second, 0);
    CHECK(second.cpu <= 3);
    char *table = without_reused(second.out);
    CHECK_TEXT(table, first.out);
    CHECK(!strstr(second.err, ": stage"));

    check_explained("optim.lr=0.01", "was optim.lr=0.005", "now optim.lr=0.01");
    check_explained("finetune:optim.lr=0.002", "was optim.lr=0.0003", "now optim.lr=0.002");

    /* One setting: its stage and the evaluation run, nothing else. */
    struct ended other = TRAIN("out", smoke, "optim.lr=0.01");
    check_status(&other, 0);
    CHECK_HAS(other.err, "mpt: stage mask-prompt");
    CHECK_HAS(other.err, "eval: stage evaluate");
    CHECK_HAS(other.err, ", which differs in optim.lr\n"); /* why, though a run was done */
    CHECK(!strstr(first.err, "which differs"));
    CHECK(!strstr(other.err, "finetune: stage") && !strstr(other.err, "mpt-only: stage"));
    check_table(other.out);
    check_ways(plain);
    ended_free(&first);
    ended_free(&second);
    ended_free(&other);
    free(named);
    free(copy);
    free(path);
    free(result);
    free(counted);
    free(plain);
    free(table);
}

/* The same bits wherever the folder is, however batches are made, whatever is logged. */
TEST(a_chain_of_the_same_seed_has_the_same_weights) {
    static const char *const names[] = {"clip", "proposals", "finetune"};
    struct ended a = TRAIN("a", "smoke/finetune.yaml", NULL);
    check_status(&a, 0);
    struct ended b = TRAIN("b", "smoke/finetune.yaml", "*:loader.threads=3", "*:loader.ahead=1",
                           "log.every=5", "checkpoint.every=7", "-v");
    check_status(&b, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *run_a = run_of("a", names[i]), *run_b = run_of("b", names[i]);
        check_same_checkpoint(run_a, run_b);
        free(run_a);
        free(run_b);
    }
    ended_free(&a);
    ended_free(&b);
}
