/* Mining over one smoke chain: what another run finds of it, parts, kills, and masks that come from
 * elsewhere. */
/* ctest: timeout=900 labels=slow */
#include "base/file.h"
#include "data/pairs.h"
#include "data/rle.h"
#include "data/set.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static void free_all(char *const *owned, size_t n) {
    for (size_t i = 0; i < n; i++) free(owned[i]);
}
#define FREE_ALL(...)                                                                              \
    free_all((char *const[]){__VA_ARGS__}, sizeof((char *const[]){__VA_ARGS__}) / sizeof(char *))

/* Runs of the chain before mining, in DIR/out. */
struct chain {
    char *scenes, *clip, *proposals;
};

static void chain_run(struct chain *c) {
    struct ended e = TRAIN("out", "smoke/proposals.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    *c = (struct chain){run_of("out", "scenes"), run_of("out", "clip"), run_of("out", "proposals")};
}

static void chain_free(struct chain *c) { FREE_ALL(c->scenes, c->clip, c->proposals); }

/* A config of stage mine with these inputs and settings; owned. */
static char *config_of(const char *name, const struct chain *c, const char *proposals,
                       const char *settings) {
    char *path = test_path(name);
    char *text = mem_format(
        "stage: mine\ninputs: {scenes: %s, clip: %s%s%s}\nmine: {images: 64, mask_threshold: 0.3, "
        "min_area: 4, shard_images: 32%s}\n",
        c->scenes, c->clip, *proposals ? ", proposals: " : "", proposals, settings);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(text);
    return path;
}

/* Mines into DIR/OUT and checks what went through the models: "64 of 64", "384". */
static void mine(const char *out, const char *config, const char *pictures, const char *crops,
                 const char *const *arguments) {
    struct process p;
    train_start(&p, out, config, arguments, NULL);
    struct ended e = process_wait(&p, 300);
    check_status(&e, 0);
    char *says = mem_format("%s pictures went through the proposal network, %s crops through CLIP",
                            pictures, crops);
    CHECK_HAS(e.err, says);
    free(says);
    ended_free(&e);
}
#define MINE(out, config, pictures, crops, ...)                                                    \
    mine(out, config, pictures, crops, (const char *const[]){__VA_ARGS__, NULL})

/* The files of pairs of the only run, with their contents' hashes; owned. */
static char *manifest_of(const char *out, const char *name) {
    char *path = file_of(out, name, "pairs/manifest.json"), *text = text_of(path);
    CHECK(*text);
    free(path);
    return text;
}

static void check_same_pairs(const char *a, const char *b, const char *name) {
    char *x = manifest_of(a, name), *y = manifest_of(b, name);
    CHECK_TEXT(x, y);
    FREE_ALL(x, y);
}

/* Files of a kind in DIR/OUT/.mined. */
static size_t cached(const char *out, const char *kind, char **last) {
    char *dir = mem_format("%s/.mined", out), *path = test_path(dir);
    struct strings names;
    size_t n = 0;
    CHECK_OK(dir_list(path, &names));
    for (size_t i = 0; i < names.n; i++)
        if (strncmp(names.at[i], kind, strlen(kind)) == 0) {
            n++;
            free(*last);
            *last = path_join(path, names.at[i]);
        }
    strings_free(&names);
    FREE_ALL(dir, path);
    return n;
}

/* Crops that CLIP saw, of what a process said. */
static int64_t crops_in(const char *err) {
    const char *at = strstr(err, "proposal network, ");
    CHECK(at);
    return strtoll(at + strlen("proposal network, "), NULL, 10);
}

static int64_t crops_of_all(const char *config) {
    struct ended e = TRAIN("first", config, NULL);
    check_status(&e, 0);
    CHECK_HAS(e.err, "64 of 64 pictures went through");
    CHECK_HAS(e.err, "milliseconds a picture: load ");
    int64_t n = crops_in(e.err);
    CHECK(n > 64);
    ended_free(&e);
    return n;
}

TEST(another_run_asks_the_models_nothing_that_they_said_before) {
    struct chain c;
    chain_run(&c);
    char *config = config_of("mine.yaml", &c, c.proposals, "");
    char *more = config_of("more.yaml", &c, c.proposals, ", captions: 2, similarity: -0.5");
    char *stop = test_path("stop.txt"), *stopped = mem_format("nouns.stop_list=%s", stop);
    char *wide = config_of("wide.yaml", &c, c.proposals, ""), *file = NULL;
    CHECK_OK(file_write(stop, "sky\ngrass\n", 10));
    char *all = mem_format("%lld", (long long)crops_of_all(config));
    CHECK_INT(cached("first", "masks-", &file), 4); /* of 16 pictures each */
    CHECK_INT(cached("first", "features-", &file), 4);
    CHECK_INT(cached("first", "pictures-", &file), 4);
    /* Other captions, nouns and thresholds; the same pairs as without a cache. */
    MINE("first", more, "0 of 64", "0", stopped);
    MINE("second", more, "64 of 64", all, stopped, "mine.cache=none");
    char *kept = test_path("second/.mined");
    CHECK(!dir_exists(kept));
    check_same_pairs("first", "second", "more");
    /* Other crops need no proposals; other masks need both. */
    MINE("first", wide, "0 of 64", all, "crop.expand=1.5");
    struct ended e = TRAIN("first", config, "mine.mask_threshold=0.35");
    check_status(&e, 0);
    CHECK_HAS(e.err, "64 of 64 pictures went through");
    ended_free(&e);
    FREE_ALL(config, more, stop, stopped, wide, file, all, kept);
    chain_free(&c);
}

/* An index stays the same when a file does not. */
TEST(a_picture_that_changed_under_an_index_is_looked_at_again) {
    struct chain c;
    chain_run(&c);
    char *sets = test_path("sets"), *index = path_join(sets, "clip.h5"),
         *plain = test_path("plain");
    char *set = path_join(c.scenes, "clip.h5");
    struct ended made[] = {OVSEG("data", "export", set, plain, "--images", "32", "--masks", "32"),
                           OVSEG("data", "prepare", "folder", "--root", plain, "--index",
                                 "--keep-empty", "-o", index)};
    for (size_t i = 0; i < 2; i++) {
        check_status(&made[i], 0);
        ended_free(&made[i]);
    }
    struct chain over = {.scenes = sets, .clip = c.clip, .proposals = c.proposals};
    char *config = config_of("mine.yaml", &over, c.proposals, "");
    char *more = config_of("more.yaml", &over, c.proposals, ", similarity: -0.5");
    struct ended first = TRAIN("first", config, NULL);
    check_status(&first, 0);
    CHECK_HAS(first.err, "32 of 32 pictures went through");
    char *images = path_join(plain, "images"), *was = NULL;
    struct strings names;
    struct bytes other;
    CHECK_OK(dir_list(images, &names));
    was = path_join(images, names.at[20]);
    char *from = path_join(images, names.at[0]);
    CHECK_OK(file_read(from, 1 << 20, &other));
    CHECK_OK(file_write(was, other.at, other.n));
    struct ended second = TRAIN("first", more, NULL);
    check_status(&second, 0);
    CHECK_HAS(second.err, "16 of 32 pictures went through");
    bytes_free(&other);
    strings_free(&names);
    ended_free(&first);
    ended_free(&second);
    FREE_ALL(sets, index, plain, set, config, more, images, was, from);
    chain_free(&c);
}

/* A shard of another part, or nothing. */
static void take_shard(const char *from, const char *to, const char *name) {
    struct bytes b;
    char *a = path_join(from, name), *z = path_join(to, name);
    CHECK_OK(file_read(a, 1 << 24, &b));
    CHECK_OK(file_write(z, b.at, b.n));
    bytes_free(&b);
    FREE_ALL(a, z);
}

TEST(parts_put_together_and_a_run_that_was_killed_are_the_bytes_of_one_run) {
    struct chain c;
    chain_run(&c);
    char *config = config_of("mine.yaml", &c, c.proposals, ", shard_images: 24");
    char *text = text_of(config), *twice = strstr(text, "shard_images: 32, ");
    memmove(twice, twice + strlen("shard_images: 32, "),
            strlen(twice + strlen("shard_images: 32, ")) + 1);
    CHECK_OK(file_write(config, text, strlen(text)));
    int64_t all = crops_of_all(config);
    /* Two parts, three shards. */
    struct ended a = TRAIN("a", config, "mine.part=1/2"), b = TRAIN("b", config, "mine.part=2/2");
    check_status(&a, 75);
    CHECK_HAS(a.err, "part 1/2 is mined; 1 of 3 files of pairs are other parts'");
    check_status(&b, 75);
    CHECK_HAS(b.err, "part 2/2 is mined; 2 of 3 files of pairs are other parts'");
    char *from = file_of("b", "mine", "pairs"), *to = file_of("a", "mine", "pairs");
    take_shard(from, to, "pairs-00001.h5");
    MINE("a", config, "0 of 64", "0", NULL);
    check_same_pairs("first", "a", "mine");
    struct ended bad = TRAIN("b", config, "mine.part=3/2");
    check_status(&bad, 78);
    CHECK_HAS(bad.err, "mine.part: \"3/2\"");
    /* Killed in the middle of the second shard: what was finished of it is not asked again. */
    struct fault_environment f = fault_environment("rename:8:KILL", "killed/.mined");
    struct process p;
    train_start(&p, "killed", config, (const char *const[]){NULL}, (const char *const *)f.at);
    struct ended killed = process_wait(&p, 300);
    check_status(&killed, 128 + 9);
    struct ended again = TRAIN("killed", config, NULL);
    check_status(&again, 0);
    CHECK_HAS(again.err, " 40 of 64 pictures went through"); /* 24 of the first shard are there */
    CHECK(crops_in(again.err) > 0 && crops_in(again.err) < all);
    check_same_pairs("first", "killed", "mine");
    fault_environment_free(&f);
    ended_free(&a);
    ended_free(&b);
    ended_free(&bad);
    ended_free(&killed);
    ended_free(&again);
    FREE_ALL(config, text, from, to);
    chain_free(&c);
}

enum { SIDE = 32, MASKS = 3 };

/* Mask k of picture i: a block of its own. */
static bool inside(int64_t i, int k, int64_t y, int64_t x) {
    int64_t left = (i + 9 * k) % 20, top = (3 * i + 5 * k) % 20;
    return x >= left && x < left + 9 && y >= top && y < top + 7 + k;
}

static void draw(struct mask *m, int64_t i, int k) {
    CHECK_OK(mask_alloc(m, SIDE, SIDE));
    for (int64_t y = 0; y < SIDE; y++)
        for (int64_t x = 0; x < SIDE; x++) m->at[y * SIDE + x] = inside(i, k, y, x);
}

static void open_set(struct dataset *d, const struct chain *c, const char *name) {
    char *path = path_join(c->scenes, name);
    CHECK_OK(set_open(d, path));
    free(path);
}

/* The same masks of the first n pictures of a set as COCO's results and as folders of PNG. */
static char *write_results(const struct dataset *d, int64_t n, const char *name) {
    struct str s = {0};
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < MASKS; k++) {
            struct mask m;
            struct coco_rle rle;
            struct str counts = {0};
            draw(&m, i, k);
            CHECK_OK(coco_rle_encode(&m, &rle));
            coco_rle_print(&rle, &counts);
            str_add(&s, "%c{\"image_id\":%lld,\"segmentation\":{\"size\":[%d,%d],\"counts\":\"",
                    s.n ? ',' : '[', (long long)d->image_id[i], SIDE, SIDE);
            for (size_t j = 0; j < counts.n; j++) /* \ is a digit of theirs */
                str_add(&s, counts.at[j] == '\\' ? "\\\\" : "%c", counts.at[j]);
            str_add(&s, "\"}}\n");
            str_free(&counts);
            coco_rle_free(&rle);
            mask_free(&m);
        }
    str_add(&s, "]");
    char *path = test_path(name);
    CHECK_OK(file_write(path, s.at, s.n));
    str_free(&s);
    return path;
}

static char *write_stacks(const struct dataset *d, int64_t n, const char *name) {
    char *dir = test_path(name);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < MASKS; k++) {
            struct labels l;
            struct bytes png;
            char *below = mem_format("%s/%lld", dir, (long long)d->image_id[i]);
            char *path = mem_format("%s/%d.png", below, k);
            CHECK_OK(dir_make(below));
            CHECK_OK(labels_alloc(&l, SIDE, SIDE));
            for (int64_t p = 0; p < (int64_t)SIDE * SIDE; p++)
                l.at[p] = inside(i, k, p / SIDE, p % SIDE) ? 255 : 0;
            CHECK_OK(labels_encode_png(&l, &png));
            CHECK_OK(file_write(path, png.at, png.n));
            bytes_free(&png);
            labels_free(&l);
            FREE_ALL(below, path);
        }
    return dir;
}

static void open_pairs(struct pairs *p, const char *out, const char *name) {
    char *dir = file_of(out, name, "pairs");
    CHECK_OK(pairs_open(p, dir));
    CHECK(p->n > 20);
    free(dir);
}

/* Masks of the pairs are those that were given. */
static void check_given(const struct pairs *p) {
    for (int64_t i = 0; i < p->n; i++) {
        struct bytes packed;
        struct mask got, want;
        const struct pair *q = &p->at[i];
        CHECK(q->proposal < MASKS);
        draw(&want, q->image, (int)q->proposal);
        CHECK_OK(pairs_mask(p, i, &packed));
        CHECK_OK(rle_unpack(packed.at, packed.n, q->h, q->w, &got));
        CHECK(!memcmp(got.at, want.at, (size_t)SIDE * SIDE));
        bytes_free(&packed);
        mask_free(&got);
        mask_free(&want);
    }
}

static void check_equal_pairs(const struct pairs *a, const struct pairs *b) {
    CHECK_INT(a->n, b->n);
    CHECK(!memcmp(a->at, b->at, (size_t)a->n * sizeof *a->at));
}

static void mine_given(const struct chain *c) {
    struct dataset d;
    struct pairs a, b;
    open_set(&d, c, "clip.h5");
    char *json = write_results(&d, 64, "masks.json"), *png = write_stacks(&d, 64, "stacks");
    char *by_json = config_of("by-json.yaml", c, json, ""),
         *by_png = config_of("by-png.yaml", c, png, "");
    char *output = test_path("given"), *out = mem_format("output_dir=%s", output);
    struct ended e = OVSEG("mine", by_json, "threads=1", out);
    check_status(&e, 0);
    CHECK_HAS(e.err, "0 of 64 pictures went through the proposal network, 192 crops through CLIP");
    MINE("given", by_png, "0 of 64", "0", NULL); /* the same masks in the same pictures */
    open_pairs(&a, "given", "by-json");
    open_pairs(&b, "given", "by-png");
    check_given(&a);
    check_equal_pairs(&a, &b);
    pairs_close(&a);
    pairs_close(&b);
    ended_free(&e);
    char *few = write_results(&d, 5, "few.json"), *cut = test_path("cut.json");
    struct bytes all;
    CHECK_OK(file_read(json, 1 << 24, &all));
    CHECK_OK(file_write(cut, all.at, all.n / 2));
    char *damaged = config_of("damaged.yaml", c, cut, "");
    struct ended bad = TRAIN("damaged", damaged, NULL);
    check_status(&bad, 65);
    CHECK_HAS(bad.err, "cut.json:");
    ended_free(&bad);
    bytes_free(&all);
    dataset_close(&d);
    FREE_ALL(json, png, by_json, by_png, output, out, few, cut, damaged);
}

/* Evaluation and `ovseg segment` with masks of others. */
static void judge_given(const struct chain *c) {
    struct dataset d;
    open_set(&d, c, "test.h5");
    char *json = write_results(&d, d.n_images, "test-masks.json"), *config = test_path("eval.yaml");
    char *text = mem_format(
        "stage: evaluate\ninputs: {scenes: %s, raw: %s, proposals: %s}\n"
        "eval: {min_area: 4}\n",
        c->scenes, c->clip, json);
    CHECK_OK(file_write(config, text, strlen(text)));
    struct ended e = TRAIN("given", config, NULL);
    check_status(&e, 0);
    char *file = file_of("given", "eval", "evaluation.json"), *said = text_of(file);
    CHECK_HAS(said, "\"proposals\":\"masks of others, named by CLIP alone\",\"lambda\":0,");
    struct ended demo = TRAIN("given", config, "eval.demo=true");
    check_status(&demo, 78);
    CHECK_HAS(demo.err, "eval.demo needs a proposal network");
    /* One picture of the set as a file named after its id. */
    struct image im;
    struct bytes png;
    char *picture = mem_format("%s/%lld.png", test_dir(), (long long)d.image_id[2]);
    CHECK_OK(d.source->image(&d, 2, &im));
    CHECK_OK(image_encode_png(&im, &png));
    CHECK_OK(file_write(picture, png.at, png.n));
    char *out = test_path("segmented");
    struct ended s = OVSEG("segment", "-m", c->clip, "--proposals", json, "--classes",
                           "sky,sea,cat", "-o", out, picture);
    check_status(&s, 0);
    CHECK_HAS(s.out, "test-masks.json, named by CLIP alone");
    CHECK_HAS(s.out, "(unlabelled)");
    char *map = mem_format("%s/%lld.png", out, (long long)d.image_id[2]);
    struct bytes b;
    struct labels l;
    CHECK_OK(file_read(map, 1 << 20, &b));
    CHECK_OK(labels_decode_png(b.at, b.n, map, &l));
    for (int64_t y = 0; y < SIDE; y++)
        for (int64_t x = 0; x < SIDE; x++) {
            bool any = inside(2, 0, y, x) || inside(2, 1, y, x) || inside(2, 2, y, x);
            CHECK(any ? l.at[y * SIDE + x] < 3 : l.at[y * SIDE + x] == 255);
        }
    char *other = test_path("nobody.png");
    CHECK_OK(file_write(other, png.at, png.n));
    struct ended none = OVSEG("segment", "-m", c->clip, "--proposals", json, "--classes", "sky,sea",
                              "-o", out, other);
    check_status(&none, 66);
    CHECK_HAS(none.err, "picture nobody: ");
    labels_free(&l);
    image_free(&im);
    bytes_free(&b);
    bytes_free(&png);
    dataset_close(&d);
    ended_free(&e);
    ended_free(&demo);
    ended_free(&s);
    ended_free(&none);
    FREE_ALL(json, config, text, file, said, picture, out, map, other);
}

/* True masks, and the nouns of the captions. */
static void mine_labels(const struct chain *c) {
    struct dataset d;
    struct pairs p, first;
    char *labels = config_of("labels.yaml", c, "", ", masks: labels, captions: 2");
    char *once = config_of("once.yaml", c, "",
                           ", masks: labels, captions: 2, duplicates: first, share: false");
    struct ended e = TRAIN("given", labels, NULL);
    check_status(&e, 0);
    CHECK_HAS(e.err, "0 of 64 pictures went through the proposal network");
    CHECK(crops_in(e.err) > 64);
    ended_free(&e);
    MINE("given", once, "0 of 64", "0", NULL);
    open_set(&d, c, "clip.h5");
    open_pairs(&p, "given", "labels");
    for (int64_t i = 0; i < p.n; i++) { /* each mask is one of the label map: its id the class */
        struct labels l;
        int64_t area = 0;
        CHECK_OK(d.source->labels(&d, p.at[i].image, &l));
        for (int64_t k = 0; k < l.h * l.w; k++) area += l.at[k] == p.at[i].proposal;
        CHECK(d.class_seen[p.at[i].proposal]);
        CHECK_INT(p.at[i].area, area);
        labels_free(&l);
    }
    open_pairs(&first, "given", "once");
    CHECK(first.n < p.n);
    for (int64_t i = 1; i < first.n; i++)
        for (int64_t k = 0; k < i; k++)
            if (first.at[k].image == first.at[i].image) {
                CHECK(first.at[k].noun != first.at[i].noun);
                CHECK(first.at[k].proposal != first.at[i].proposal);
            }
    pairs_close(&p);
    pairs_close(&first);
    dataset_close(&d);
    FREE_ALL(labels, once);
}

TEST(masks_may_come_from_files_and_from_label_maps) {
    struct chain c;
    chain_run(&c);
    mine_given(&c);
    judge_given(&c);
    mine_labels(&c);
    char *config = config_of("none.yaml", &c, "", ""),
         *both = config_of("both.yaml", &c, c.proposals, ", masks: labels");
    struct ended e = TRAIN("given", config, NULL), f = TRAIN("given", both, NULL);
    check_status(&e, 78);
    CHECK_HAS(e.err, "missing inputs.proposals: a run, weights, or masks of others");
    check_status(&f, 78);
    CHECK_HAS(f.err, "inputs.proposals has no use with mine.masks: labels");
    ended_free(&e);
    ended_free(&f);
    char *argv = mem_format("%s/configs/smoke/clip.yaml", TEST_SOURCE_DIR);
    struct ended g = OVSEG("mine", argv);
    check_status(&g, 78);
    CHECK_HAS(g.err, "of stage clip-pretrain: pairs are mined by a config of stage mine");
    ended_free(&g);
    FREE_ALL(config, both, argv);
    chain_free(&c);
}
