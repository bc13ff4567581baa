/* The recipes of the paper, on a miniature tree of COCO-Stuff and on weights that have the shapes
 * of the published ones and take no room. Nothing is trained.
 *
 * ctest: timeout=600 labels=slow */
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "data/set.h"
#include "nn/models/backbone.h"
#include "tests/e2e/process.h"
#include "tests/torch.h"
#include "tests/unit/import_made.h"

static void put_file(const char *dir, const char *name, const void *at, size_t n) {
    char *folder = test_path(dir), *path = path_join(folder, name);
    CHECK_OK(dir_make(folder));
    CHECK_OK(file_write(path, at, n));
    free(folder);
    free(path);
}

/* A label map of 34 x 21 whose left half is `left`. */
static void put_map(const char *name, uint16_t left, uint16_t right) {
    struct labels l;
    struct bytes png;
    CHECK_OK(labels_alloc(&l, 21, 34));
    for (int64_t i = 0; i < 21 * 34; i++) l.at[i] = i % 34 < 17 ? left : right;
    CHECK_OK(labels_encode_png(&l, &png));
    put_file("coco/stuffthingmaps/train2017", name, png.at, png.n);
    bytes_free(&png);
    labels_free(&l);
}

/* Three photographs: a person before wood, nothing that is labelled, a bus before a value that
 * means no class. */
static void make_coco(void) {
    static const char captions[] =
        "{\"images\":[{\"id\":1,\"file_name\":\"000000000001.jpg\"},"
        "{\"id\":2,\"file_name\":\"000000000002.jpg\"},{\"id\":3,\"file_name\":\"000000000003."
        "jpg\"}],"
        "\"annotations\":[{\"id\":1,\"image_id\":1,\"caption\":\"a man\"},"
        "{\"id\":2,\"image_id\":2,\"caption\":\"a wall\"},{\"id\":3,\"image_id\":3,\"caption\":\"a "
        "bus\"}]}";
    char *from = test_source("tests/golden/images/photo.jpg");
    struct bytes b;
    CHECK_OK(file_read(from, 1 << 20, &b));
    for (int i = 1; i <= 3; i++) {
        char *name = mem_format("%012d.jpg", i);
        put_file("coco/train2017", name, b.at, b.n);
        free(name);
    }
    put_file("coco/annotations", "captions_train2017.json", captions, strlen(captions));
    put_map("000000000001.png", 0, 181);
    put_map("000000000002.png", 255, 255);
    put_map("000000000003.png", 5, 11);
    bytes_free(&b);
    free(from);
}

static void check_set(const char *name, const int64_t *ids, int64_t n) {
    char *path = file_of("out", "prepare", name);
    struct dataset d;
    CHECK_OK(set_open(&d, path));
    CHECK_INT(d.n_images, n);
    CHECK_INT(d.n_classes, 171);
    CHECK_TEXT(d.class_name[0], "person");
    CHECK_TEXT(d.class_name[170], "wood");
    for (int64_t i = 0; i < n; i++) CHECK_INT(d.image_id[i], ids[i]);
    struct labels l;
    CHECK_OK(d.source->labels(&d, 0, &l));
    CHECK(l.at[0] == 0 && l.at[33] == 170);
    labels_free(&l);
    CHECK_OK(d.source->labels(&d, n - 1, &l));
    CHECK(l.at[0] == 5 && l.at[33] == 255);
    labels_free(&l);
    dataset_close(&d);
    free(path);
}

TEST(coco_stuff_is_prepared_from_its_label_maps) {
    make_coco();
    char *coco = mem_format("paths.coco=%s/coco", test_dir());
    struct ended e = TRAIN("out", "paper/prepare.yaml", coco);
    check_status(&e, 0);
    CHECK_HAS(e.err, "seen: 1 of 3 pictures have no labelled pixel");
    ended_free(&e);
    check_set("clip.h5", (const int64_t[]){1, 2, 3}, 3);
    check_set("seen.h5", (const int64_t[]){1, 3}, 2); /* Q22 */
    free(coco);
}

static void check_refused_inputs(const char *inputs, int status, const char *says) {
    char *text = mem_format(
        "stage: prepare\n"
        "inputs: {images: coco/train2017, captions: coco/annotations/captions_train2017.json, "
        "%s}\n",
        inputs);
    put_file("", "own.yaml", text, strlen(text));
    char *config = test_path("own.yaml");
    struct ended e = TRAIN("out", config, "--dry-run");
    check_status(&e, status);
    CHECK_HAS(e.err, says);
    ended_free(&e);
    free(config);
    free(text);
}

TEST(label_maps_need_names_for_their_values) {
    static const char names[] = "classes: [{name: cat, raw: 3}, dog]\n";
    make_coco();
    put_file("", "names.yaml", names, strlen(names));
    check_refused_inputs("maps: coco/stuffthingmaps/train2017", 78, "go together");
    check_refused_inputs("names: names.yaml", 78, "go together");
    check_refused_inputs("maps: coco/stuffthingmaps/train2017, names: names.yaml", 65,
                         "class 2, dog: needs its raw value");
    check_refused_inputs(
        "maps: coco/stuffthingmaps/train2017, names: names.yaml, instances: names.yaml", 78,
        "masks come from one of them");
}

/* Tensors of these shapes, all zero: a safetensors file that is one hole behind its header. */
static void put_zeros(const char *name, const struct params *p, const char *off) {
    struct str header = {0};
    uint64_t at = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct param *q = &p->at[i];
        if (!starts(q->name, off) || starts(q->name, "backbone.norm") ||
            strstr(q->name, "relative_position_index"))
            continue;
        struct shape s = t_shape(q->t);
        uint64_t bytes = 2 * (uint64_t)t_numel(q->t);
        str_add(&header, "%s\"%s\":{\"dtype\":\"F16\",\"shape\":[", header.n ? "," : "{",
                q->name + strlen(off));
        for (int d = 0; d < s.n; d++) str_add(&header, "%s%lld", d ? "," : "", (long long)s.d[d]);
        str_add(&header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                (unsigned long long)(at + bytes));
        at += bytes;
    }
    str_add(&header, "}");
    uint64_t n = header.n;
    struct str file = {0};
    str_put(&file, (const char *)&n, 8); /* little-endian, as every machine we run on */
    str_put(&file, header.at, header.n);
    put_file("weights", name, file.at, file.n);
    char *path = mem_format("%s/weights/%s", test_dir(), name);
    CHECK(truncate(path, (off_t)(8 + n + at)) == 0);
    free(path);
    str_free(&file);
    str_free(&header);
}

/* The files that a recipe names, in the shapes of the published ones. */
static void make_weights(struct backbone_options o, const char *backbone, const char *clip_name,
                         const char *clip) {
    struct params p = {0}, q = {0};
    struct clip_options options;
    struct clip c;
    struct backbone *b = mem_alloc(1, sizeof *b);
    int scope = t_scope_open("shapes", T_META);
    CHECK_OK(clip_options_named(clip_name, &options));
    backbone_init(b, path_at(params_root(&p), "backbone"), &o);
    clip_init(&c, params_root(&q), &options);
    t_scope_close(scope, NULL);
    put_zeros(backbone, &p, "backbone.");
    put_zeros(clip, &q, "");
    clip_free(&c);
    params_free(&p);
    params_free(&q);
    free(b);
}

static struct ended dry_run(const char *config) {
    char *coco = mem_format("paths.coco=%s/coco", test_dir());
    char *weights = mem_format("paths.weights=%s/weights", test_dir());
    struct ended e = TRAIN("out", config, "--dry-run", coco, weights);
    free(coco);
    free(weights);
    return e;
}

static void check_whole(const char *config) {
    static const char *const stages[] = {"prepare", "import",        "proposals",
                                         "mine",    "clip-finetune", "mask-prompt"};
    struct ended e = dry_run(config);
    check_status(&e, 0);
    size_t lines = 0, found = 0;
    for (const char *line = e.out; *line; lines++) {
        char what[16], stage[64];
        CHECK_INT(sscanf(line, "%15s %*s %63s", what, stage), 2);
        CHECK_TEXT(what, "run");
        for (size_t i = 0; i < 6; i++) found += strcmp(stage, stages[i]) == 0;
        line = strchr(line, '\n');
        CHECK(line++);
    }
    CHECK_INT(lines, 6);
    CHECK_INT(found, 6);
    ended_free(&e);
}

TEST(the_smaller_recipe_is_whole_when_its_data_and_weights_are_there) {
    make_coco();
    make_weights(backbone_resnet(resnet_standard(101, true)), "R-103.pkl", "ViT-B/16",
                 "ViT-B-16.pt");
    check_whole("paper/ovseg-r101c-vitb16/mpt.yaml");
    check_whole("paper/ovseg-r101c-vitb16/yaml/mpt.yaml");
}

TEST(the_larger_recipe_is_whole_when_its_data_and_weights_are_there) {
    make_coco();
    make_weights(backbone_swin(swin_standard('B')), "swin_base_patch4_window12_384_22k.pth",
                 "ViT-L/14", "ViT-L-14.pt");
    check_whole("paper/ovseg-swinb-vitl14/mpt.yaml");
    check_whole("paper/ovseg-swinb-vitl14/yaml/mpt.yaml");
    make_weights(backbone_swin(swin_standard('S')), "swin_base_patch4_window12_384_22k.pth",
                 "ViT-B/16", "ViT-B-16.pt"); /* another model than the recipe's */
    struct ended e = dry_run("paper/ovseg-swinb-vitl14/mpt.yaml");
    check_status(&e, 78);
    CHECK_HAS(e.err, "init.weights");
    CHECK_HAS(e.err, "of another window");
    ended_free(&e);
}

TEST(all_files_that_a_recipe_lacks_are_told_at_once) {
    struct ended e = dry_run("paper/ovseg-swinb-vitl14/mpt.yaml");
    check_status(&e, 66);
    static const char *const files[] = {"ViT-L-14.pt", "swin_base_patch4_window12_384_22k.pth",
                                        "coco/train2017", "captions_train2017.json",
                                        "stuffthingmaps/train2017"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) CHECK_HAS(e.err, files[i]);
    CHECK_HAS(e.err, "proposals.yaml:5:17: init.weights: ");
    ended_free(&e);
}

/* ovseg sweep configs/sweeps/paper/NAME.yaml --dry-run, evaluated on what it trains on. */
static struct ended sweep_dry_run(const char *name) {
    char *bin = path_dir(TEST_PROGRAM), *program = path_join(bin, "ovseg");
    char *file = mem_format("%s/configs/sweeps/paper/%s.yaml", TEST_SOURCE_DIR, name);
    char *scenes = mem_format("inputs.scenes=%s/configs/paper/prepare.yaml", TEST_SOURCE_DIR);
    char *out = mem_format("output_dir=%s/out", test_dir());
    char *coco = mem_format("paths.coco=%s/coco", test_dir());
    char *weights = mem_format("paths.weights=%s/weights", test_dir());
    const char *const argv[] = {program, "sweep", file,    "--dry-run", scenes,
                                out,     coco,    weights, NULL};
    struct process p;
    process_start(&p, argv, NULL);
    struct ended e = process_wait(&p, 300);
    char *const owned[] = {bin, program, file, scenes, out, coco, weights};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return e;
}

TEST(every_sweep_of_the_paper_is_whole_when_its_data_and_weights_are_there) {
    static const struct {
        const char *name, *says;
    } sweeps[] = {{"table2", "5 trials of 5 settings"},   {"table3", "4 trials of 4 settings"},
                  {"table5", "3 trials of 3 settings"},   {"table6", "8 trials of 8 settings"},
                  {"table7", "3 trials of 3 settings"},   {"table8", "6 trials of 6 settings"},
                  {"lambda", "16 trials of 16 settings"}, {"unmasked", "4 trials of 4 settings"},
                  {"fill", "4 trials of 4 settings"},     {"templates", "4 trials of 4 settings"},
                  {"loss", "3 trials of 3 settings"}};
    make_coco();
    make_weights(backbone_swin(swin_standard('B')), "swin_base_patch4_window12_384_22k.pth",
                 "ViT-L/14", "ViT-L-14.pt");
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) {
        struct ended e = sweep_dry_run(sweeps[i].name);
        check_status(&e, 0);
        CHECK_HAS(e.out, sweeps[i].says);
        ended_free(&e);
    }
}
