#include "tests/e2e/small.h"

#include "base/file.h"
#include "tests/test.h"

char *small_config(const char *name, const char *text) {
    char *dir = test_source("configs/smoke"), *smoke = realpath(dir, NULL), *path = test_path(name);
    char *whole = strncmp(text, "SMOKE", 5) == 0 ? mem_format("base: %s%s", smoke, text + 5)
                                                 : mem_strdup(text);
    CHECK_OK(file_write(path, whole, strlen(whole)));
    free(dir);
    free(smoke);
    free(whole);
    return path;
}

char *small_evaluation(void) {
    char *scenes = mem_format(
        "stage: scenes\nscenes: {size: 32}\n"
        "count: {easy: 64, clip: 64, seen: 64, val: 12, test: %d}\n",
        SMALL_PICTURES);
    free(small_config("scenes.yaml", scenes));
    free(small_config("clip.yaml", "SMOKE/clip.yaml\ninputs: {scenes: scenes.yaml}\n"));
    char *proposals = small_config(
        "proposals.yaml", "SMOKE/proposals.yaml\ninputs: {scenes: scenes.yaml, clip: clip.yaml}\n");
    struct ended made = TRAIN("out", proposals, NULL);
    check_status(&made, 0);
    ended_free(&made);
    free(proposals);
    free(scenes);
    return small_config("eval.yaml",
                        "stage: evaluate\n"
                        "inputs: {scenes: scenes.yaml, proposals: proposals.yaml, raw: clip.yaml}\n"
                        "eval: {mask_threshold: 0.3, min_area: 4}\n");
}

struct ended small_run(int ranks, const char *rank, const char *config, const char *fault,
                       const char *under) {
    struct fault_environment f = fault_environment(fault, under);
    char *only = mem_format("OVSEG_FAULT_RANK=%s", rank);
    struct process p;
    train_start_ranks(&p, ranks, "out", config, (const char *const[]){NULL},
                      (const char *const[]){f.at[0], f.at[1], f.at[2], only, NULL});
    struct ended e = process_wait(&p, 300);
    fault_environment_free(&f);
    free(only);
    return e;
}
