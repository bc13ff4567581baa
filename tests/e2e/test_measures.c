/* What an evaluation counts beside its table: grids, oracles, predictions, sets, protocols.
 *
 * ctest: timeout=900 labels=slow */
#include <unistd.h>

#include "base/file.h"
#include "data/rle.h"
#include "data/set.h"
#include "eval/confusion.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/test.h"
#include "train/evaluation/analysis.h"

#define EVAL(...) OVSEG("eval", __VA_ARGS__)
#define REPORT(...) OVSEG("report", __VA_ARGS__)

/* The smoke chain's network and raw CLIP. */
static char *config;

static void write_config(void) {
    char *dir = test_source("configs/smoke"), *here = realpath(dir, NULL);
    char *text = mem_format(
        "stage: evaluate\n"
        "inputs: {scenes: %s/scenes.yaml, proposals: %s/proposals.yaml, raw: %s/clip.yaml}\n"
        "eval: {mask_threshold: 0.3, min_area: 4, temperature: 0, overlays: 0}\n",
        here, here, here);
    config = test_path("measured.yaml");
    CHECK_OK(file_write(config, text, strlen(text)));
    free(text);
    free(dir);
    free(here);
}

static char *out_option(void) {
    char *out = test_path("out"), *text = mem_format("output_dir=%s", out);
    free(out);
    return text;
}

/* The run folder that a command named last: "results: DIR". */
static char *run_said(const struct ended *e) {
    char *at = strstr(e->out, "results: ");
    CHECK(at);
    at += strlen("results: ");
    return mem_format("%.*s", (int)strcspn(at, "\n"), at);
}

static double miou(const cJSON *metrics) {
    return json_item(json_item(metrics, "all"), "miou")->valuedouble;
}

/* sem_seg_predictions.json against the set's own maps: the same figures. Raw values are 7 more. */
static void check_predictions(const char *run, const cJSON *row) {
    char *scenes = run_of("out", "scenes"), *path = path_join(scenes, "test.h5");
    cJSON *list = json_in(run, "sem_seg_predictions.json");
    const cJSON *one;
    struct dataset d;
    struct confusion c;
    CHECK_OK(set_open(&d, path));
    confusion_open(&c, d.n_classes);
    for (int64_t i = 0; i < d.n_images; i++) {
        struct labels truth, found;
        CHECK_OK(d.source->labels(&d, i, &truth));
        CHECK_OK(labels_alloc(&found, truth.h, truth.w));
        memset(found.at, 255, (size_t)(found.h * found.w) * sizeof *found.at);
        cJSON_ArrayForEach(one, list) {
            if ((int64_t)json_item(one, "image_id")->valuedouble != d.image_id[i]) continue;
            const cJSON *segmentation = json_item(one, "segmentation");
            const char *counts = json_item(segmentation, "counts")->valuestring;
            struct coco_rle r;
            struct mask m;
            CHECK_OK(coco_rle_parse(counts, strlen(counts), &r));
            r.h = cJSON_GetArrayItem(json_item(segmentation, "size"), 0)->valueint;
            r.w = cJSON_GetArrayItem(json_item(segmentation, "size"), 1)->valueint;
            CHECK_INT(r.h, truth.h);
            CHECK_OK(coco_rle_decode(&r, &m));
            for (int64_t k = 0; k < m.h * m.w; k++)
                if (m.at[k]) found.at[k] = (uint16_t)(json_item(one, "category_id")->valueint - 7);
            coco_rle_free(&r);
            mask_free(&m);
        }
        confusion_add(&c, found.at, truth.at, truth.h * truth.w, d.ignore);
        labels_free(&truth);
        labels_free(&found);
    }
    CHECK_NEAR(confusion_metrics(&c, NULL).miou, miou(json_item(row, "metrics")), 1e-12);
    CHECK_NEAR(confusion_metrics(&c, NULL).pacc,
               json_item(json_item(json_item(row, "metrics"), "all"), "pacc")->valuedouble, 1e-12);
    confusion_free(&c);
    dataset_close(&d);
    cJSON_Delete(list);
    free(scenes);
    free(path);
}

/* A vocabulary with a raw value for each class, in groups of two. */
static char *write_names(const char *run) {
    cJSON *json = json_in(run, "evaluation.json");
    const cJSON *name;
    struct str s = {0};
    int k = 0;
    cJSON_ArrayForEach(name, json_item(json, "classes")) {
        str_add(&s, "- {name: \"%s\", raw: %d, group: pair %d}\n", name->valuestring, k + 7, k / 2);
        k++;
    }
    char *path = test_path("names.yaml");
    CHECK_OK(file_write(path, s.at, s.n));
    cJSON_Delete(json);
    str_free(&s);
    return path;
}

static void check_grid(const cJSON *row, const char *out) {
    const cJSON *grid = json_item(row, "grid");
    CHECK_INT(cJSON_GetArraySize(grid), 6);
    for (int i = 0; i < 6; i++) {
        const cJSON *point = cJSON_GetArrayItem(grid, i);
        char *lambda = mem_format("eval.lambda=%g", json_item(point, "lambda")->valuedouble);
        char *threshold =
            mem_format("eval.mask_threshold=%g", json_item(point, "mask_threshold")->valuedouble);
        struct ended e = EVAL(config, "threads=1", out, lambda, threshold);
        check_status(&e, 0);
        char *run = run_said(&e);
        cJSON *alone = json_in(run, "evaluation.json");
        const cJSON *metrics =
            json_item(cJSON_GetArrayItem(json_item(alone, "rows"), 0), "metrics");
        const cJSON *figure; /* those of subsets are not asked for here */
        cJSON_ArrayForEach(figure, metrics) CHECK(
            cJSON_Compare(figure, json_item(json_item(point, "metrics"), figure->string), true));
        cJSON_Delete(alone);
        ended_free(&e);
        free(run);
        free(lambda);
        free(threshold);
    }
}

static void check_measures(const cJSON *json) {
    const cJSON *row = cJSON_GetArrayItem(json_item(json, "rows"), 0);
    const cJSON *masks = json_item(json_item(row, "masks"), "all");
    double sum = json_item(masks, "found_right")->valuedouble +
                 json_item(masks, "found_misnamed")->valuedouble +
                 json_item(masks, "not_found")->valuedouble;
    CHECK_NEAR(sum, 100, 1e-9);
    CHECK(miou(json_item(json, "oracle_best_names")) > miou(json_item(row, "metrics")));
    CHECK(miou(json_item(row, "oracle_true_masks")) > 0);
    CHECK(miou(json_item(row, "open")) > miou(json_item(row, "metrics")));
    CHECK_INT(json_item(json, "n_groups")->valueint, 10);
    CHECK(json_item(json_item(row, "groups"), "miou")->valuedouble > 0);
    CHECK(cJSON_IsTrue(json_item(json_item(json, "search"), "on_test_set")));
    const cJSON *subset = cJSON_GetArrayItem(json_item(json_item(row, "metrics"), "subsets"), 0);
    CHECK_NEAR(harmonic_mean(json_item(subset, "mIoU-few")->valuedouble,
                             json_item(subset, "mIoU-unfew")->valuedouble),
               json_item(subset, "hIoU")->valuedouble, 1e-12);
    CHECK(json_item(cJSON_GetArrayItem(json_item(row, "confused"), 0), "similarity")->valuedouble >
          0);
    CHECK_INT(cJSON_GetArraySize(json_item(row, "class_iou")), 20);
}

TEST(grids_and_predictions_of_one_pass_are_those_of_passes_of_their_own) {
    write_config();
    char *out = out_option();
    struct ended plain = EVAL(config, "threads=1", out);
    check_status(&plain, 0);
    CHECK_HAS(plain.out, "mIoU, classes in truth or predicted");
    CHECK_HAS(plain.out, "mIoU, classes in the truth");
    CHECK_HAS(plain.out, "mIoU, all classes");
    char *run = run_said(&plain), *names = write_names(run);
    char *names_option = mem_format("inputs.names=%s", names);
    char *dictionary = test_source("tests/data/wordnet");
    char *wordnet = mem_format("measure.wordnet=%s", dictionary);
    struct ended all = EVAL(config, "threads=1", out, names_option, wordnet,
                            "measure.similarity=text", "measure.lambdas=[0, 0.4, 0.7]",
                            "measure.thresholds=[0.2, 0.3]", "measure.oracles=true",
                            "measure.predictions=true", "measure.subsets={few: \"0;1;2\"}");
    check_status(&all, 0);
    CHECK_HAS(all.out, "chosen with the answers in sight");
    char *measured = run_said(&all), *table = path_join(measured, "classes.csv");
    cJSON *json = json_in(measured, "result.json"), *first = json_in(run, "result.json");
    const cJSON *row = cJSON_GetArrayItem(json_item(json, "rows"), 0);
    const cJSON *row_first = cJSON_GetArrayItem(json_item(first, "rows"), 0);
    CHECK(cJSON_Compare(json_item(row, "miou"), json_item(row_first, "miou"), true));
    check_measures(json);
    check_predictions(measured, row);
    check_grid(row, out);
    char *lines = text_of(table);
    CHECK_HAS(lines, "model,index,class,split,truth,predicted,right,iou,acc,open_iou");
    CHECK_HAS(lines, "\nraw,19,");
    cJSON_Delete(json);
    cJSON_Delete(first);
    ended_free(&plain);
    ended_free(&all);
    char *const owned[] = {out,     run,      names, names_option, dictionary,
                           wordnet, measured, table, lines,        config};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static void check_compared(const char *run, const char *tables) {
    char *csv = path_join(tables, "class-differences.csv");
    struct ended same = REPORT("--compare", run, run, "-o", tables),
                 other = REPORT("--compare", run, run, "--models", "raw,again"),
                 few = REPORT("--compare", run, run, "--models", "raw"),
                 alone = REPORT(run, "--seed", "3");
    check_status(&same, 0);
    CHECK_HAS(same.out, "the 12 pictures drawn anew with replacement, 10000 times");
    CHECK_HAS(same.out, "raw: mIoU, seen classes                                 +0.00");
    CHECK_HAS(same.out, "raw: IoU of classes, whose interval leaves out 0: 0 of ");
    char *text = text_of(csv);
    CHECK_HAS(text, "model_a,model_b,class,a,b,gain,low,high,better,draws\nraw,raw,sky,");
    check_status(&other, 64);
    CHECK_HAS(other.err, "has no model \"again\"");
    check_status(&few, 64);
    check_status(&alone, 64);
    CHECK_HAS(alone.err, "go with --compare");
    struct ended *const ended[] = {&same, &other, &few, &alone, NULL};
    for (size_t i = 0; ended[i]; i++) ended_free(ended[i]);
    free(text);
    free(csv);
}

/* A run's name and hash digits, the config of it, and a run that went into it. */
static void check_named(const char *run, const char *out) {
    const char *runs = strchr(out, '=') + 1, *hash = strrchr(run, '-') + 1;
    struct strings names;
    char *network = NULL, *heading = mem_format("A: %s\nB: %s\n", run, run);
    CHECK_OK(dir_list(runs, &names));
    for (size_t i = 0; i < names.n; i++)
        if (strncmp(names.at[i], "proposals-", 10) == 0) network = mem_strdup(names.at[i]);
    CHECK(network);
    struct ended named = REPORT("--compare", path_base(run), hash, "--runs", runs),
                 whole = REPORT("--compare", run, config, "--runs", runs),
                 part = REPORT("--compare", run, network, "--runs", runs),
                 none = REPORT("--compare", run, "nosuch", "--runs", runs);
    check_status(&named, 0);
    CHECK_HAS(named.out, heading);
    check_status(&whole, 0);
    CHECK_HAS(whole.out, heading);
    check_status(&part, 66);
    CHECK_HAS(part.err, "has no result; it went into these: name one: ");
    CHECK_HAS(part.err, run);
    check_status(&none, 66);
    CHECK_HAS(none.err, "no such run");
    struct ended *const ended[] = {&named, &whole, &part, &none, NULL};
    for (size_t i = 0; ended[i]; i++) ended_free(ended[i]);
    strings_free(&names);
    free(network);
    free(heading);
}

TEST(several_sets_make_one_table_and_a_finished_run_is_a_config) {
    write_config();
    char *out = out_option();
    struct ended two = EVAL(config, "threads=1", out, "--sets", "test,val");
    check_status(&two, 0);
    CHECK_HAS(two.out, "set                  model      classes  images    mIoU  /truth    /all");
    CHECK_HAS(two.out, "\ntest                 raw             20      12");
    CHECK_HAS(two.out, "\nval                  raw             20      12");
    char *run = run_said(&two), *val = run_said(&(struct ended){.out = strstr(two.out, "== val")});
    struct ended again = EVAL(run, "-q", "--sets", "val"), same = EVAL(run, "-q");
    check_status(&again, 0);
    check_status(&same, 0);
    CHECK_HAS(again.out, val); /* the same run, found again */
    CHECK_HAS(same.out, run);
    CHECK_HAS(same.out, "reused");

    struct ended report = REPORT("--compare", run, val), none = REPORT("--compare", run, run);
    check_status(&report, 0);
    CHECK_HAS(report.out, "set: test in A, val in B");
    CHECK_HAS(report.out, "mIoU may differ for these reasons alone");
    check_status(&none, 0);
    CHECK_HAS(none.out, "The protocols are the same");
    CHECK_HAS(report.out, "no intervals: the "); /* other pictures */
    char *tables = test_path("tables");
    check_compared(run, tables);
    free(tables);
    struct ended other = REPORT("--compare", run), scenes = REPORT("--compare", run, test_dir());
    check_status(&other, 64);
    check_status(&scenes, 66);
    CHECK_HAS(other.err, "--compare takes two results");
    check_named(run, out);
    struct ended nowhere = EVAL(config, "threads=1", out, "eval.set=nosuch");
    check_status(&nowhere, 66);
    CHECK_HAS(nowhere.err, "has no set \"nosuch\"; there are clip, easy, seen, test, val");
    ended_free(&nowhere);
    struct ended twice = EVAL(config, "--sets", "val,val"),
                 nothing = EVAL(config, "--sets", "val,");
    check_status(&twice, 64);
    check_status(&nothing, 64);
    struct ended *const ended[] = {&two,   &again,  &same,  &report,  &none,
                                   &other, &scenes, &twice, &nothing, NULL};
    for (size_t i = 0; ended[i]; i++) ended_free(ended[i]);
    free(out);
    free(run);
    free(val);
    free(config);
}

/* mIoU of a judge's lines, summed over the pictures. */
static double miou_of(const struct analysis *a, const char *judge) {
    struct analysis_counts c;
    size_t j = analysis_judge(a, judge);
    if (j == a->judges.n) test_fail(__FILE__, __LINE__, "no judge \"%s\"", judge);
    CHECK_OK(analysis_counts(a, j, &c));
    struct tally *tally = mem_alloc((size_t)a->K, sizeof *tally);
    for (size_t i = 0; i < c.lines.n; i++) {
        struct tally *t = &tally[c.lines.class[i]];
        t->right += c.lines.intersection[i];
        t->truth += c.lines.truth[i];
        t->wrong += c.lines.unions[i] - c.lines.truth[i];
        t->there = true;
    }
    double miou = tally_metrics(tally, a->K, NULL).miou;
    analysis_counts_free(&c);
    free(tally);
    return miou;
}

#define CHECK_MIOU(analysis, judge, metrics) CHECK(miou_of(analysis, judge) == miou(metrics))

static void check_sums(const char *run) {
    cJSON *json = json_in(run, "evaluation.json");
    const cJSON *row = cJSON_GetArrayItem(json_item(json, "rows"), 0), *point;
    char *path = path_join(run, "analysis.h5");
    struct analysis a;
    CHECK_OK(analysis_read(&a, path));
    CHECK_INT(a.judges.n, 3 + 2 + 2); /* the table, oracles, grid */
    CHECK_MIOU(&a, "maskformer", json_item(json, "metrics_maskformer_only"));
    CHECK_MIOU(&a, "ensemble raw", json_item(row, "metrics"));
    CHECK_MIOU(&a, "clip raw", json_item(row, "metrics_clip_only"));
    CHECK_MIOU(&a, "best names", json_item(json, "oracle_best_names"));
    cJSON_ArrayForEach(point, json_item(row, "grid")) {
        char *judge = mem_format("ensemble raw threshold=%g lambda=%g",
                                 json_item(point, "mask_threshold")->valuedouble,
                                 json_item(point, "lambda")->valuedouble);
        CHECK_MIOU(&a, judge, json_item(point, "metrics"));
        free(judge);
    }
    analysis_free(&a);
    cJSON_Delete(json);
    free(path);
}

TEST(what_is_kept_of_each_picture_adds_up_to_the_result_to_the_bit) {
    write_config();
    char *out = out_option();
    struct ended e =
        EVAL(config, "threads=1", out, "measure.oracles=true", "measure.lambdas=[0.3, 0.8]");
    check_status(&e, 0);
    char *run = run_said(&e), *csv = path_join(run, "per_proposal.csv");
    check_sums(run);
    CHECK(!file_exists(csv));
    struct ended later = EVAL(run, "-q", "measure.csv=true"); /* the run that is there */
    check_status(&later, 0);
    CHECK_HAS(later.out, "reused");
    CHECK(file_exists(csv));
    struct ended without = EVAL(config, "threads=1", out, "measure.analysis=false"),
                 both = EVAL(config, "measure.analysis=false", "measure.csv=true");
    check_status(&without, 0);
    char *none = run_said(&without), *path = path_join(none, "analysis.h5");
    CHECK(!file_exists(path));
    check_status(&both, 78);
    struct ended asked = EVAL(none, "-q", "measure.analysis=true", "measure.csv=true"),
                 why = REPORT("--compare", run, none);
    check_status(&asked, 66);
    CHECK_HAS(asked.err, "analysis.h5: not there");
    check_status(&why, 0);
    CHECK_HAS(why.out, "no intervals: ");
    struct ended *const ended[] = {&e, &later, &without, &both, &asked, &why, NULL};
    for (size_t i = 0; ended[i]; i++) ended_free(ended[i]);
    char *const owned[] = {out, run, csv, none, path, config};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* A folder of sets that the config names from where it lies is found from the run, too. */
TEST(a_run_over_a_folder_of_sets_is_a_config) {
    write_config();
    char *out = out_option(), *sets = test_path("sets"), *path = test_path("folder.yaml");
    struct ended e = EVAL(config, "threads=1", out);
    check_status(&e, 0);
    ended_free(&e);
    char *from = file_of("out", "scenes", "test.h5"), *to = path_join(sets, "test.h5");
    CHECK_OK(dir_make(sets));
    CHECK(link(from, to) == 0);
    char *text = mem_format("base: %s\ninputs: {scenes: sets}\n", config);
    CHECK_OK(file_write(path, text, strlen(text)));
    struct ended folder = EVAL(path, "threads=1", out);
    check_status(&folder, 0);
    char *run = run_said(&folder);
    struct ended again = EVAL(run, "-q");
    check_status(&again, 0);
    CHECK_HAS(again.out, run);
    ended_free(&folder);
    ended_free(&again);
    char *const owned[] = {out, sets, path, from, to, text, run, config};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static void check_refused(const char *const *settings, int status, const char *message) {
    const char *argv[16] = {"eval", config, "--dry-run"};
    for (int i = 0; settings[i]; i++) argv[i + 3] = settings[i];
    struct ended e = ovseg_run(argv);
    check_status(&e, status);
    CHECK_HAS(e.err, message);
    ended_free(&e);
}
#define REFUSED(status, message, ...)                                                              \
    check_refused((const char *const[]){__VA_ARGS__, NULL}, status, message)

TEST(measures_that_contradict_each_other_are_refused_before_anything_runs) {
    write_config();
    REFUSED(78, "measure.oracles: goes with one view", "measure.oracles=true",
            "eval.tta.enabled=true");
    REFUSED(78, "measure.lambdas: eval.ensemble is off", "measure.lambdas=[0.5]",
            "eval.ensemble=false");
    REFUSED(78, "missing inputs.similarity", "measure.similarity=file");
    char *table = mem_format("inputs.similarity=%s", config);
    REFUSED(78, "is not read without measure.similarity=file", table);
    REFUSED(78, "measure.lambdas", "measure.lambdas=[1.5]");
    REFUSED(66, "inputs.names", "inputs.names=nowhere.yaml");
    free(table);
    free(config);
}
