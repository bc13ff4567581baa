/* The smoke chain in bf16 beside the one in fp32, and what cannot be had on this machine. */
/* ctest: timeout=600 labels=slow */
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/test.h"

static const char *const smoke = "smoke/mpt.yaml";

static cJSON *result_of(const char *out) {
    char *path = file_of(out, "eval", "result.json");
    cJSON *json = json_of(path);
    free(path);
    return json;
}

static double figure(const cJSON *result, int row, const char *key) {
    const cJSON *x = cJSON_GetArrayItem(cJSON_GetObjectItem(result, "rows"), row);
    return cJSON_GetObjectItem(cJSON_GetObjectItem(x, key), "all")->valuedouble;
}

static const cJSON *stage(const cJSON *result, int i) {
    return cJSON_GetArrayItem(cJSON_GetObjectItem(result, "stages"), i);
}

/* The losses of the training steps of a run. */
static size_t losses_of(const char *out, const char *name, double *loss, size_t room) {
    char *path = file_of(out, name, "metrics.jsonl"), *text = text_of(path);
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, "\"loss\":")) && n < room; at++)
        loss[n++] = strtod(at + strlen("\"loss\":"), NULL);
    free(path);
    free(text);
    return n;
}

/* A rounding of bf16 is 0.2 %; over some dozen steps it grows to percents. */
static void check_losses(const char *name) {
    enum { MOST = 64 };
    double full[MOST], low[MOST], worst = 0;
    size_t n = losses_of("fp32", name, full, MOST);
    CHECK(n > 0);
    CHECK_INT(losses_of("bf16", name, low, MOST), n);
    for (size_t i = 0; i < n; i++) worst = fmax(worst, fabs(low[i] / full[i] - 1));
    printf("%s: losses of %zu steps differ by up to %.2g\n", name, n, worst);
    CHECK(worst > 0 && worst < 0.1);
}

TEST(the_chain_in_bf16_comes_near_to_the_one_in_fp32) {
    struct ended a = TRAIN("fp32", smoke, NULL), b = TRAIN("bf16", smoke, "precision=bf16");
    check_status(&a, 0);
    check_status(&b, 0);
    cJSON *full = result_of("fp32"), *low = result_of("bf16");
    for (int row = 0; row < 4; row++)
        for (int k = 0; k < 2; k++) {
            const char *key = k ? "mask_accuracy" : "miou";
            double x = figure(full, row, key), y = figure(low, row, key);
            printf("row %d, %s: %.2f, in bf16 %.2f\n", row, key, x, y);
            CHECK_NEAR(y, x, 6); /* points; this small chain moves by as much with its seed */
        }
    for (int i = 1; i < 8; i++)
        CHECK_TEXT(cJSON_GetObjectItem(stage(low, i), "precision")->valuestring, "bf16");
    CHECK(!cJSON_GetObjectItem(stage(low, 0), "precision"));
    const cJSON *protocol = cJSON_GetObjectItem(low, "protocol");
    CHECK_TEXT(
        cJSON_GetObjectItem(cJSON_GetObjectItem(protocol, "settings"), "precision")->valuestring,
        "bf16");
    check_losses("clip");
    check_losses("proposals");
    check_losses("finetune");
    check_losses("mpt");
    cJSON_Delete(full);
    cJSON_Delete(low);
    ended_free(&a);
    ended_free(&b);
}

TEST(what_needs_a_gpu_says_why_there_is_none) {
    if (access("/proc/driver/nvidia/version", F_OK) == 0) test_skip("there is an NVIDIA driver");
    static const struct {
        const char *first, *second;
        int status;
        const char *says;
    } cases[] = {
        {"device=cuda", "seed=1", 69, "device: cuda: no usable GPU, because "},
        {"precision=fp16", "seed=1", 69,
         "precision: fp16 is for GPUs, and there is no usable GPU, because "},
        {"precision=tf32", "seed=1", 69,
         "precision: tf32 is for GPUs, and there is no usable GPU, because "},
        {"precision=fp16", "device=cpu", 78, "precision: fp16 is for GPUs, and device is cpu"},
        {"precision=tf32", "device=cpu", 78, "precision: tf32 is for GPUs, and device is cpu"},
        {"finetune:precision=fp16", "seed=1", 69, "precision: fp16 is for GPUs"},
        {"clip:device=cuda", "device=cpu", 78, "a chain works on one device"},
        {"precision=fp8", "seed=1", 78, "precision: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ended e = TRAIN("none", smoke, cases[i].first, cases[i].second);
        check_status(&e, cases[i].status);
        CHECK_HAS(e.err, cases[i].says);
        ended_free(&e);
    }
    char *dir = test_path("none");
    CHECK(!dir_exists(dir));
    free(dir);
}

TEST(a_chain_for_a_gpu_can_be_looked_at_where_there_is_none) {
    if (access("/proc/driver/nvidia/version", F_OK) == 0) test_skip("there is an NVIDIA driver");
    struct ended cpu = TRAIN("none", smoke, "--dry-run");
    struct ended gpu = TRAIN("none", smoke, "device=cuda", "precision=fp16", "--dry-run");
    struct ended why = TRAIN("none", smoke, "device=cuda", "--dry-run", "--explain");
    check_status(&gpu, 0);
    check_status(&why, 0);
    CHECK_HAS(gpu.err, "here it cannot be run: device: cuda: no usable GPU, because ");
    CHECK_HAS(why.out, "no older run of this name");
    char *clip = mem_format("%.18s", strstr(cpu.out, "/clip-"));
    char *scenes = mem_format("%.20s", strstr(cpu.out, "/scenes-"));
    CHECK(!strstr(why.out, clip));
    CHECK_HAS(why.out, scenes); /* computes nothing */
    ended_free(&cpu);
    ended_free(&gpu);
    ended_free(&why);
    free(clip);
    free(scenes);
}

TEST(a_stage_that_computes_nothing_is_the_same_in_every_precision) {
    struct ended a = TRAIN("none", smoke, "--dry-run");
    struct ended b = TRAIN("none", smoke, "precision=bf16", "--dry-run");
    const char *scenes = strstr(a.out, "/scenes-"), *clip = strstr(a.out, "/clip-");
    CHECK(scenes && clip);
    char *name = mem_format("%.20s", scenes);
    CHECK_HAS(b.out, name);
    free(name);
    name = mem_format("%.18s", clip);
    CHECK(!strstr(b.out, name));
    free(name);
    ended_free(&a);
    ended_free(&b);
}
