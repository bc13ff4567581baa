/* Counts of work, and what a probe's file of steps says. */
#include "base/file.h"
#include "tests/torch.h"
#include "train/plan/plan.h"
#include "train/plan/plan_rows.h"

static char *put(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

TEST(a_step_is_the_mean_of_those_behind_the_batches_made_ahead_without_the_slowest_tenth) {
    struct str text = {0};
    struct plan_rows r;
    double wall = 1000;
    for (int i = 1; i <= 35; i++) { /* 5 s for the first three, then 1 s, one stall */
        wall += i <= 3 ? 5 : i == 20 ? 9 : 1;
        str_add(&text, "{\"kind\":\"train\",\"step\":%d,\"wall\":%.17g,\"loss\":1}\n", i, wall);
        if (i != 6) continue;
        wall += 4; /* which is no step's */
        str_add(&text, "{\"kind\":\"validate\",\"step\":6,\"wall\":%.17g,\"x\":1}\n", wall);
    }
    str_add(&text, "{\"kind\":\"train\",\"step\":36,\"wa");
    free(put("metrics.jsonl", text.at));
    plan_rows_read(&r, test_dir());
    CHECK_INT(r.trained, 35);
    CHECK_INT(r.n, 36);
    CHECK_NEAR(r.validate, 4, 1e-9);
    CHECK_NEAR(plan_rows_unit(&r, 3), 1, 1e-9);
    plan_rows_free(&r);
    plan_rows_read(&r, "no/such/folder");
    CHECK_INT(r.n, 0);
    CHECK_NEAR(plan_rows_unit(&r, 3), 0, 0);
    plan_rows_free(&r);
    str_free(&text);
}

/* The chain of a config below configs/, counted. */
static void count(const char *config, const char *set, struct graph *g, struct plan *p) {
    struct overrides o = {0};
    char *path = test_source(config), *out = mem_format("output_dir=%s", test_dir());
    CHECK_OK(overrides_add(&o, out, NULL));
    if (set) CHECK_OK(overrides_add(&o, set, NULL));
    CHECK_OK(graph_open(g, path, o.at, o.n));
    plan_open(p, g);
    overrides_free(&o);
    free(path);
    free(out);
}

static const struct plan_stage *find(const struct plan *p, const char *name) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].node->name, name) == 0) return &p->at[i];
    test_fail(__FILE__, __LINE__, "no stage %s", name);
}

static void check_close(double got, double known, double share) {
    if (fabs(got - known) > share * known)
        test_fail(__FILE__, __LINE__, "%.4g, known %.4g", got, known);
}

/* performance 2.2: B/16 35.13 GFLOP an image, attention 1.43; trained 3 F without the stem's
 * gradient of the image, frozen weights 2 F + A. */
TEST(fine_tuning_and_prompt_tuning_of_vit_b_16_are_counted_as_they_are_known) {
    struct graph g = {0};
    struct plan p;
    count("configs/mpt.yaml", "clip:clip.model=ViT-B/16", &g, &p);
    const struct plan_stage *ft = find(&p, "finetune"), *mpt = find(&p, "mpt");
    CHECK_INT(ft->counts.batch, 64);
    check_close(ft->counts.flop / 64, 3 * 35.13e9 - 0.231e9, 0.002);
    check_close(mpt->counts.flop / 64, 2 * 35.13e9 + 1.43e9 - 0.231e9, 0.005);
    check_close((double)ft->counts.trained, 86.19e6, 0.002);
    CHECK_INT(mpt->counts.trained, 3 * 196 * 768);
    plan_close(&p);
    graph_close(&g);
}

/* performance 2.1: a picture of 640 x 640, forward. */
TEST(networks_of_masks_are_counted_within_a_few_percent_of_what_is_known) {
    static const struct {
        const char *backbone;
        double forward;
    } known[] = {{"proposals:proposals.backbone.kind=resnet50", 157.7e9},
                 {"proposals:proposals.backbone.kind=swin-b", 383.0e9}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct graph g = {0};
        struct plan p;
        struct overrides o = {0};
        char *path = test_path("proposals.yaml"),
             *smoke = realpath(TEST_SOURCE_DIR "/configs/smoke", NULL);
        char *text = mem_format(
            "stage: proposals\ninputs: {scenes: %s/scenes.yaml, clip: %s/clip.yaml}\n"
            "segment: {crop: 640}\nbatch: {global: 1}\n",
            smoke, smoke);
        CHECK_OK(file_write(path, text, strlen(text)));
        CHECK_OK(overrides_add(&o, known[i].backbone, NULL));
        CHECK_OK(overrides_add(&o, "proposals:proposals.backbone.stem=basic", NULL));
        CHECK_OK(graph_open(&g, path, o.at, o.n));
        plan_open(&p, &g);
        check_close(find(&p, "proposals")->counts.flop / 3, known[i].forward, 0.06);
        plan_close(&p);
        graph_close(&g);
        overrides_free(&o);
        free(path);
        free(smoke);
        free(text);
    }
}

TEST(without_a_probe_there_are_counts_and_no_times) {
    struct graph g = {0};
    struct plan p;
    struct plan_options o = {.share = 0.5};
    struct str text = {0};
    count("configs/smoke/mpt.yaml", NULL, &g, &p);
    plan_forecast(&p, &o);
    plan_print(&p, &o, &text);
    CHECK(isnan(find(&p, "clip")->seconds));
    CHECK(find(&p, "clip")->memory > 0);
    CHECK_HAS(text.at, "by counts alone");
    CHECK_HAS(text.at, "GPU-hours: 0");
    str_free(&text);
    plan_close(&p);
    graph_close(&g);
}

/* A finetune stage of the shipped chain with a setting, forecast to fit into so much. */
static struct plan_stage finetune(const char *set, double memory) {
    struct graph g = {0};
    struct plan p;
    struct plan_options o = {.share = 0.5, .memory = memory};
    count("configs/mpt.yaml", set, &g, &p);
    plan_forecast(&p, &o);
    struct plan_stage s = *find(&p, "finetune");
    plan_close(&p);
    graph_close(&g);
    return s;
}

TEST(memory_by_counts_is_that_of_the_samples_computed_at_once) {
    struct plan_stage all = finetune(NULL, 0);
    struct plan_stage part = finetune("finetune:batch.micro=16", 24e9);
    struct plan_stage shards = finetune("finetune:virtual_shards=2", 24e9);
    CHECK_INT(all.counts.at_once, 64);
    CHECK_INT(part.counts.at_once, 16);
    CHECK_INT(part.counts.batch, 64);
    CHECK_INT(shards.counts.at_once, 32);
    check_close(all.memory - part.memory, 48 * all.counts.activations, 1e-6);
    CHECK_INT(part.fits, (int64_t)((24e9 - part.counts.state) / part.counts.activations));
    CHECK_INT(part.fits, shards.fits);
}

/* ViT-B/16: 12 blocks, 197 tokens, width 768, 12 heads; three times a forward, and one more. */
TEST(blocks_that_are_computed_again_keep_their_inputs_and_cost_a_forward) {
    struct graph g = {0};
    struct plan p;
    count("configs/mpt.yaml", "clip:clip.model=ViT-B/16", &g, &p);
    const struct plan_stage *kept = find(&p, "finetune");
    check_close(kept->counts.activations, 4.0 * 12 * 197 * (16 * 768 + 12), 1e-9);
    double flop = kept->counts.flop;
    plan_close(&p);
    graph_close(&g);
    struct overrides o = {0};
    char *path = test_source("configs/mpt.yaml");
    CHECK_OK(overrides_add(&o, "clip:clip.model=ViT-B/16", NULL));
    CHECK_OK(overrides_add(&o, "finetune:checkpointing=blocks", NULL));
    CHECK_OK(graph_open(&g, path, o.at, o.n));
    plan_open(&p, &g);
    const struct plan_stage *again = find(&p, "finetune");
    check_close(again->counts.activations, 4.0 * 197 * (12 * 768 + 16 * 768 + 12), 1e-9);
    check_close(again->counts.flop / flop, 4.0 / 3, 0.01);
    plan_close(&p);
    graph_close(&g);
    overrides_free(&o);
    free(path);
}

/* A stage of which a probe found this. */
static const struct plan_stage *probed(struct plan *p, const char *name, struct plan_probe probe) {
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->at[i].node->name, name) != 0) continue;
        probe.there = true;
        p->at[i].probe = probe;
    }
    return find(p, name);
}

/* The embedded chain: 30,400 pictures, 26,000 of which train CLIP, 200 held out. */
TEST(a_forecast_adds_what_is_there_once_to_what_each_step_picture_and_validation_takes) {
    struct graph g = {0};
    struct plan p;
    struct plan_options o = {.share = 1};
    count("configs/mpt.yaml", NULL, &g, &p);
    const struct plan_stage *scenes =
        probed(&p, "scenes", (struct plan_probe){.start = 0.9, .unit = 3e-4, .units = 2000});
    const struct plan_stage *clip = probed(&p, "clip",
                                           (struct plan_probe){.start = 1,
                                                               .load = 0.1,
                                                               .pictures = 1300,
                                                               .unit = 0.05,
                                                               .validate = 0.2,
                                                               .save = 0.05});
    const struct plan_stage *mine =
        probed(&p, "mine",
               (struct plan_probe){
                   .start = 1.4, .unit = 0.01, .bare = 0.004, .units = 64, .pictures = 1000});
    plan_forecast(&p, &o);
    CHECK_NEAR(scenes->seconds, 0.3 + 30400 * 3e-4, 1e-9);
    CHECK_NEAR(clip->seconds, 1 + 0.1 * 19 + 800 * 0.05 + 2 * 0.2 + 2 * 0.05, 1e-9);
    CHECK_NEAR(mine->seconds, 1.4 - 0.64 + 2000 * 0.01, 1e-9);
    o.share = 0.5;
    plan_forecast(&p, &o);
    CHECK_NEAR(mine->seconds, 1.4 - 0.64 + 2000 * 0.007, 1e-9);
    plan_close(&p);
    graph_close(&g);
}
