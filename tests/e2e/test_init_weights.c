/* Stages that start from a file of weights (init.weights, init.allow_missing, init.freeze).
 *
 * ctest: timeout=600 labels=slow */
#include "base/file.h"
#include "nn/models/ovseg.h"
#include "tests/e2e/process.h"
#include "tests/torch.h"
#include "tests/unit/import_made.h"
#include "train/run/graph.h"

static char *write_config(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

/* A Swin of 8 channels below "backbone." */
static void make_backbone(struct params *p) {
    struct swin_options o = swin_standard('T');
    o.embed = 8;
    o.window = 3;
    for (int i = 0; i < 4; i++) {
        o.blocks[i] = 1;
        o.heads[i] = i < 2 ? 1 : 2;
    }
    struct backbone_options b = backbone_swin(o);
    struct backbone *net = mem_alloc(1, sizeof *net);
    t_seed(7);
    backbone_init(net, path_at(params_root(p), "backbone"), &b);
    free(net);
    for (size_t i = 0; i < p->n; i++)
        if (!p->at[i].buffer) t_copy_(p->at[i].t, t_randn(t_shape(p->at[i].t), 0.1));
}

/* In the layout of Swin's classifiers (reference-spec 3.7): no prefix, a head, no norms of maps.
 * `without`: a tensor that is left out as well, or NULL. */
static char *write_swin(const struct params *p, const char *name, const char *without) {
    struct params theirs = {0};
    for (size_t i = 0; i < p->n; i++) {
        const char *ours = p->at[i].name + strlen("backbone.");
        if (starts(ours, "norm") || (without && strcmp(ours, without) == 0)) continue;
        put(&theirs, ours, t_clone(p->at[i].t));
    }
    put(&theirs, "norm.weight", t_ones(SHAPE(64), T_F32));
    put(&theirs, "norm.bias", t_ones(SHAPE(64), T_F32));
    put(&theirs, "head.weight", t_ones(SHAPE(3, 64), T_F32));
    put(&theirs, "head.bias", t_ones(SHAPE(3), T_F32));
    char *path = save(&theirs, name);
    params_free(&theirs);
    return path;
}

/* The smoke chain's proposals with that Swin, and an init. */
static char *write_proposals(const char *name, const char *init) {
    char *here = realpath(TEST_SOURCE_DIR "/configs/smoke", NULL);
    char *text = mem_format(
        "base: %s/proposals.yaml\ninputs: {scenes: %s/scenes.yaml, clip: %s/clip.yaml}\n"
        "proposals.backbone: {kind: swin-t, embed: 8, window: 3, blocks: [1, 1, 1, 1], "
        "heads: [1, 1, 2, 2]}\n"
        "pretrain.steps: 0\noptim.steps: 2\n%s",
        here, here, here, init);
    char *path = write_config(name, text);
    free(here);
    free(text);
    return path;
}

static void check_dry(const char *config, const char *argument, int status, const char *says) {
    struct ended e = TRAIN("out", config, "--dry-run", argument);
    check_status(&e, status);
    if (says) CHECK_HAS(e.err, says);
    ended_free(&e);
}

/* The folder that a config would run in; owned. */
static char *would_be(const char *config, const char *argument) {
    char folder[512];
    struct ended e = TRAIN("out", config, "--dry-run", argument);
    check_status(&e, 0);
    const char *line = strstr(e.out, " proposals ");
    CHECK(line && sscanf(line, "%*s %*s %511s", folder) == 1);
    ended_free(&e);
    return mem_strdup(folder);
}

TEST(mistakes_about_weights_are_told_before_anything_runs) {
    struct params p = {0};
    make_backbone(&p);
    char *whole = write_swin(&p, "swin.safetensors", NULL);
    char *part = write_swin(&p, "part.safetensors", "layers.2.blocks.0.mlp.fc1.bias");
    char *config = write_proposals("proposals.yaml", "init: {weights: swin.safetensors}\n");
    check_dry(config, NULL, 0, NULL);
    check_dry(config, "init.weights=nowhere.pth", 66,
              "command line: init.weights: nowhere.pth: No");
    char *none = write_proposals("none.yaml", "init:\n  weights: none.pth\n");
    check_dry(none, NULL, 66, "none.yaml:7:12: init.weights: ");
    char *named = mem_format("init.weights=%s", part);
    check_dry(config, named, 65, "layers.2.blocks.0.mlp.fc1.bias");
    check_dry(config, "init.weights=/", 78, "/ is a folder; a file is needed");
    check_dry(config, "init.freeze=[backbon.*]", 78, "no tensor of the model matches backbon.*");
    check_dry(config, "proposals.backbone.window=4", 78, "of another window");
    check_dry(config, "proposals.backbone.embed=16", 78, "expected [16, 3, 4, 4]");
    check_dry(config, "proposals.backbone.blocks=[1,1,2,1]", 78,
              "backbone.layers.2.blocks.1.norm1.weight");
    check_dry(config, "init.weights=", 0, NULL);
    struct ended e = TRAIN("out", config, "--dry-run", "init.weights=", "init.allow_missing=[x]");
    check_status(&e, 78);
    CHECK_HAS(e.err, "init.allow_missing: there are no init.weights");
    ended_free(&e);
    char *dir = test_path("out");
    CHECK(!dir_exists(dir));
    params_free(&p);
    char *const owned[] = {whole, part, config, none, named, dir};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(weights_count_by_their_contents) {
    struct params p = {0};
    make_backbone(&p);
    char *one = write_swin(&p, "one.safetensors", NULL);
    char *copy = write_swin(&p, "copy.safetensors", NULL);
    t_copy_(p.at[0].t, t_zeros_like(p.at[0].t));
    char *other = write_swin(&p, "other.safetensors", NULL);
    char *config = write_proposals("proposals.yaml", "init: {weights: one.safetensors}\n");
    char *set_copy = mem_format("init.weights=%s", copy),
         *set_other = mem_format("MODEL.WEIGHTS=%s", other);
    char *a = would_be(config, NULL), *b = would_be(config, set_copy);
    char *c = would_be(config, set_other), *d = would_be(config, "init.weights=");
    char *e = would_be(config, "init.freeze=[backbone.*]");
    CHECK_TEXT(b, a);
    CHECK(strcmp(c, a) != 0 && strcmp(d, a) != 0 && strcmp(c, d) != 0 && strcmp(e, a) != 0);
    params_free(&p);
    char *const owned[] = {one, copy, other, config, set_copy, set_other, a, b, c, d, e};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_proposal_network_starts_from_a_backbone_and_what_is_frozen_stays) {
    struct params p = {0};
    make_backbone(&p);
    char *file = write_swin(&p, "swin.safetensors", NULL);
    char *config = write_proposals(
        "proposals.yaml", "init: {weights: swin.safetensors, freeze: ['backbone.layers.*']}\n");
    struct ended e = TRAIN("out", config, NULL);
    check_status(&e, 0);
    CHECK_HAS(e.err, "rule backbone");
    ended_free(&e);
    char *trained = file_of("out", "proposals", "checkpoint-000002/model.safetensors");
    struct tensor_file f;
    size_t kept = 0, moved = 0, fresh = 0;
    CHECK_OK(tensor_file_open(&f, trained, NULL));
    for (size_t i = 0; i < p.n; i++) {
        const char *name = p.at[i].name;
        const struct st_tensor *x = st_table_find(f.table, name);
        bool same = test_equal_bits(tensor_file_tensor(&f, x), p.at[i].t);
        if (starts(name, "backbone.norm"))
            fresh += !same;
        else if (starts(name, "backbone.layers."))
            kept += same;
        else
            moved += !same; /* patch_embed, which trains: near where it started */
        if (strcmp(name, "backbone.patch_embed.proj.weight") == 0)
            CHECK(t_item(t_amax(
                      t_abs(t_reshape(t_sub(tensor_file_tensor(&f, x), p.at[i].t), SHAPE(-1))), 0,
                      false)) < 1e-2);
    }
    CHECK_INT(fresh, 8);
    CHECK_INT(moved, 4);
    CHECK_INT(kept, p.n - 12);
    tensor_file_close(&f);
    params_free(&p);
    free(file);
    free(config);
    free(trained);
}

/* Equal but for the metadata, which names the run. */
static void check_same_model(const char *run_a, const char *run_b) {
    struct tensor_file a, b;
    char *file[] = {file_of("out", run_a, "checkpoint-000012/model.safetensors"),
                    file_of("out", run_b, "checkpoint-000012/model.safetensors")};
    CHECK_OK(tensor_file_open(&a, file[0], NULL));
    CHECK_OK(tensor_file_open(&b, file[1], NULL));
    CHECK_INT(a.table->n, b.table->n);
    for (size_t i = 0; i < a.table->n; i++) {
        const struct st_tensor *x = &a.table->at[i], *y = st_table_find(b.table, x->name);
        if (!y || !test_equal_bits(tensor_file_tensor(&a, x), tensor_file_tensor(&b, y)))
            test_fail(__FILE__, __LINE__, "%s differs", x->name);
    }
    tensor_file_close(&a);
    tensor_file_close(&b);
    free(file[0]);
    free(file[1]);
}

TEST(weights_take_the_place_of_the_inputs_and_new_prompts_are_drawn_as_ever) {
    struct ended e = TRAIN("out", "smoke/mpt.yaml", "then=");
    check_status(&e, 0);
    ended_free(&e);
    char *here = realpath(TEST_SOURCE_DIR "/configs/smoke", NULL);
    char *tuned = file_of("out", "finetune", "checkpoint-000012/model.safetensors");
    char *text = mem_format(
        "base: %s/mpt.yaml\n" /* whose input is the tuned CLIP; here it is the raw one */
        "inputs: {scenes: %s/scenes.yaml, clip: %s/clip.yaml, pairs: %s/mine.yaml}\n"
        "init.weights: %s\n",
        here, here, here, here, tuned);
    char *again = write_config("again.yaml", text);
    e = TRAIN("out", again, "then=");
    check_status(&e, 0);
    CHECK_HAS(e.err, "rule prompts");
    ended_free(&e);
    check_same_model("mpt", "again");
    char *const owned[] = {here, tuned, text, again};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* A model of the reference's with the sizes of the smoke chain; `clip_only`: its CLIP alone. */
static char *write_model(const char *name, bool clip_only) {
    struct graph g;
    char *config = test_source("configs/smoke/proposals.yaml");
    CHECK_OK(graph_open(&g, config, NULL, 0));
    struct clip_options clip = clip_model(&node_clip(g.named)->config.clip, NULL);
    struct maskformer_options proposals =
        proposals_model(&g.named->config.proposals, clip.features, 100);
    struct params p = {0};
    struct ovseg *m = mem_alloc(1, sizeof *m);
    if (clip_only)
        clip_init(&m->clip, params_root(&p), &clip);
    else
        ovseg_init(m, params_root(&p), &proposals, &clip);
    char *path = save(&p, name);
    ovseg_free(m);
    params_free(&p);
    graph_close(&g);
    free(m);
    free(config);
    return path;
}

static void check_weights(const char *config, const char *file, int status, const char *says) {
    char *set = mem_format("init.weights=%s", file);
    check_dry(config, set, status, says);
    free(set);
}

TEST(a_stage_takes_its_own_part_of_a_whole_model_and_refuses_the_wrong_kind) {
    struct params p = {0};
    make_backbone(&p);
    char *whole = write_model("whole.safetensors", false);
    char *clip = write_model("clip.safetensors", true);
    char *swin = write_swin(&p, "swin.safetensors", NULL);
    check_weights("smoke/proposals.yaml", whole, 0, NULL);
    check_weights("smoke/finetune.yaml", whole, 0, NULL);
    check_weights("smoke/finetune.yaml", clip, 0, NULL);
    check_weights("smoke/clip.yaml", clip, 0, NULL);
    check_weights("smoke/mpt.yaml", clip, 0, NULL);
    check_weights("smoke/proposals.yaml", clip, 65, "neither a proposal network nor a backbone");
    check_weights("smoke/finetune.yaml", swin, 65, "there is no CLIP in it");
    check_weights("smoke/proposals.yaml", swin, 78, "backbone.stem.conv1.weight");
    check_weights("smoke/eval.yaml", clip, 78, "init.weights");
    params_free(&p);
    free(whole);
    free(clip);
    free(swin);
}

TEST(weights_may_be_those_of_a_config_or_of_its_run) {
    char *here = realpath(TEST_SOURCE_DIR "/configs/smoke", NULL);
    char *from = path_join(here, "proposals.yaml"), *scenes = path_join(here, "scenes.yaml");
    char *text = mem_format("base: %s\ninit: {weights: %s}\npretrain.steps: 0\noptim.steps: 2\n",
                            from, from);
    char *config = write_config("more.yaml", text);
    char *wrong = mem_format("init.weights=%s", scenes);
    check_dry(config, wrong, 78, "is a run of stage scenes, which has no weights for this one");
    struct ended e = TRAIN("out", config, "optim.warmup=1");
    check_status(&e, 0);
    CHECK_HAS(e.err, "more: starts from ");
    ended_free(&e);
    char *run = run_of("out", "proposals"), *of_run = mem_format("init.weights=%s", run);
    e = TRAIN("out", config, "optim.warmup=1", of_run);
    check_status(&e, 0);
    CHECK(!strstr(e.err, "starts from")); /* the same run, by another name of it */
    ended_free(&e);
    char *const owned[] = {here, from, scenes, text, config, wrong, run, of_run};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
