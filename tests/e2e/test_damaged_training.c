/* Training on a set with damaged pictures, and on pictures of two shapes: what the stages say, what
 * they end with, and that a stopped run goes on to the same bits. */
/* ctest: timeout=600 labels=slow */
#include "base/file.h"
#include "data/pairs.h"
#include "data/set.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

enum { SIDE = 32, NARROW = 24 };

/* What a set of the scenes becomes: every second picture narrower in y, some cut short. */
struct change {
    const char *name;
    bool two_shapes;
    int64_t damaged[3], n;
};

static void narrow(struct image *im, struct labels *l) {
    struct image part;
    CHECK_OK(image_crop(im, (struct box){0, 0, SIDE, NARROW}, &part));
    image_free(im);
    *im = part;
    l->h = NARROW; /* rows at the end */
}

static void copy_item(struct set_writer *w, const struct dataset *d, int64_t i,
                      const struct change *c) {
    struct image im;
    struct labels l = {0};
    struct bytes png;
    CHECK_OK(d->source->image(d, i, &im));
    if (d->has_labels) CHECK_OK(d->source->labels(d, i, &l));
    if (c->two_shapes && i % 2) narrow(&im, &l);
    CHECK_OK(image_encode_png(&im, &png));
    size_t n = png.n;
    for (int64_t k = 0; k < c->n; k++)
        if (c->damaged[k] == i) n /= 2;
    int64_t first = d->caption_at[i];
    const struct set_item item = {.id = d->image_id[i],
                                  .h = im.h,
                                  .w = im.w,
                                  .bytes = png.at,
                                  .n = n,
                                  .labels = d->has_labels ? &l : NULL,
                                  .caption = d->caption + first,
                                  .caption_id = d->caption_id + first,
                                  .n_captions = d->caption_at[i + 1] - first};
    CHECK_OK(set_add(w, &item));
    bytes_free(&png);
    image_free(&im);
    labels_free(&l);
}

/* The set of this name in the finished run of the smoke scenes below DIR/out. */
static void change_set(const char *out, const struct change *c) {
    char *path = file_of(out, "scenes", c->name);
    struct dataset d;
    struct set_writer w;
    CHECK_OK(set_open(&d, path));
    const struct set_info info = {d.class_name, d.class_seen, d.n_classes, d.ignore, ""};
    CHECK_OK(set_create(&w, path, &info));
    for (int64_t i = 0; i < d.n_images; i++) copy_item(&w, &d, i, c);
    CHECK_OK(set_finish(&w));
    set_drop(&w);
    dataset_close(&d);
    free(path);
}

static void check_ends(const char *out, const char *config, const char *argument, int status,
                       const char *says, const char *also) {
    struct ended e = TRAIN(out, config, argument);
    check_status(&e, status);
    CHECK_HAS(e.err, says);
    CHECK_HAS(e.err, also);
    ended_free(&e);
}

static void make_scenes(const char *out) {
    struct ended e = TRAIN(out, "smoke/scenes.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
}

TEST(every_training_stage_ends_at_a_damaged_picture_or_names_counts_and_replaces_it) {
    make_scenes("out");
    change_set("out", &(struct change){.name = "clip.h5", .damaged = {3, 70}, .n = 2});
    check_ends("out", "smoke/clip.yaml", NULL, 65, "clip.h5: image ", "damaged PNG");
    check_ends("out", "smoke/clip.yaml", "data.damaged=skip", 0,
               "skipped: ", "clip: 2 of 128 samples could not be read");
    change_set("out", &(struct change){.name = "seen.h5", .damaged = {5, 8, 60}, .n = 3});
    check_ends("out", "smoke/proposals.yaml", NULL, 65, "seen.h5: image ", "damaged PNG");
    check_ends("out", "smoke/proposals.yaml", "data.damaged=skip", 0, "skipped: picture ",
               " of 64 samples could not be read");
}

TEST(damage_among_mined_pairs_too) {
    struct ended e = TRAIN("out", "smoke/mine.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    change_set("out", &(struct change){.name = "clip.h5", .damaged = {0}, .n = 1});
    check_ends("out", "smoke/finetune.yaml", NULL, 65, "clip.h5: image ", "damaged PNG");
    check_ends("out", "smoke/finetune.yaml", "data.damaged=skip", 0, "skipped: pair ",
               " samples could not be read; others took their places");
}

/* ---- mining ---- */

static const char *const by_16[] = {"mine.shard_images=16", "mine.cache=none", NULL};
/* Another run, of which nothing is left out. */
static const char *const damaged_by_16[] = {"mine.shard_images=16", "mine.cache=none",
                                            "mine.similarity=-0.9", "data.damaged=skip", NULL};
static const int64_t unreadable[] = {5, 40};

static bool is_readable(int64_t image) { return image != unreadable[0] && image != unreadable[1]; }

static void check_ends_as(struct ended e, int status) {
    check_status(&e, status);
    ended_free(&e);
}

/* The only mining run in DIR/out, moved out of the way. */
static char *take_run(const char *to) {
    char *run = run_of("out", "mine"), *path = test_path(to);
    CHECK_INT(rename(run, path), 0);
    free(run);
    return path;
}

/* Pairs of the pictures that are good, in their order. */
static void check_rest(const char *whole_run, const char *damaged_run) {
    char *a = path_join(whole_run, "pairs"), *b = path_join(damaged_run, "pairs");
    struct pairs whole, damaged;
    int64_t k = 0, left_out = 0;
    CHECK_OK(pairs_open(&whole, a));
    CHECK_OK(pairs_open(&damaged, b));
    for (int64_t i = 0; i < whole.n; i++) {
        const struct pair *x = &whole.at[i], *y = &damaged.at[k];
        if (!is_readable(x->image)) {
            left_out++;
            continue;
        }
        CHECK(k++ < damaged.n);
        CHECK_INT(x->image, y->image);
        CHECK_INT(x->caption, y->caption);
        CHECK_INT(x->proposal, y->proposal);
        CHECK_INT(x->area, y->area);
        CHECK_TEXT(whole.noun.at[x->noun], damaged.noun.at[y->noun]);
        CHECK_NEAR(x->similarity, y->similarity, 1e-5); /* other crops stand beside it */
    }
    CHECK_INT(k, damaged.n);
    CHECK(left_out > 0);
    pairs_close(&whole);
    pairs_close(&damaged);
    free(a);
    free(b);
}

static char *manifest_in(const char *run) {
    char *path = path_join(run, "pairs/manifest.json"), *text = text_of(path);
    CHECK(*text);
    free(path);
    return text;
}

/* Without the shards of the pictures that can be read: those that were damaged are not met again.
 */
static void check_resumed(void) {
    static const char *const parts[] = {"DONE", "pairs/manifest.json", "pairs/pairs-00001.h5"};
    char *run = run_of("out", "mine");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *path = path_join(run, parts[i]);
        CHECK(file_exists(path));
        CHECK_OK(file_remove(path));
        free(path);
    }
    struct ended e = train_run("out", "smoke/mine.yaml", damaged_by_16);
    check_status(&e, 0);
    CHECK(!strstr(e.err, "skipped: "));
    CHECK_HAS(e.err, "mine: 2 of 64 pictures could not be read, and have no pairs");
    ended_free(&e);
    free(run);
}

TEST(mining_ends_at_a_damaged_picture_or_does_without_it_alike_on_any_number_of_ranks) {
    check_ends_as(train_run("out", "smoke/mine.yaml", by_16), 0);
    char *whole = take_run("whole"), *first = NULL, *manifest = NULL;
    change_set("out", &(struct change){.name = "clip.h5", .damaged = {5, 40}, .n = 2});
    check_ends("out", "smoke/mine.yaml", "mine.similarity=-0.9", 65, "clip.h5: image ",
               "damaged PNG");
    char *ended = run_of("out", "mine");
    CHECK_OK(dir_remove(ended));
    for (int ranks = 1; ranks <= 4; ranks *= 2) {
        struct ended e = ranks == 1
                             ? train_run("out", "smoke/mine.yaml", damaged_by_16)
                             : train_run_ranks(ranks, "out", "smoke/mine.yaml", damaged_by_16);
        check_status(&e, 0);
        CHECK_HAS(e.err, "skipped: ");
        CHECK_HAS(e.err, "mine: 2 of 64 pictures could not be read, and have no pairs");
        ended_free(&e);
        if (ranks == 4) check_resumed();
        char *name = mem_format("by-%d", ranks), *run = take_run(name), *text = manifest_in(run);
        if (first) CHECK_TEXT(text, manifest);
        if (!first) {
            first = mem_strdup(run);
            manifest = mem_strdup(text);
            check_rest(whole, first);
        }
        free(name);
        free(run);
        free(text);
    }
    free(whole);
    free(first);
    free(manifest);
    free(ended);
}

static const char *const shapes[] = {"segment.sizes=[24,32,40]", "segment.crop=32",
                                     "segment.colour=true", "data.damaged=skip", NULL};

TEST(a_run_on_two_shapes_stopped_while_samples_wait_goes_on_to_the_same_bits) {
    static const struct change c = {
        .name = "seen.h5", .two_shapes = true, .damaged = {5, 8}, .n = 2};
    make_scenes("whole");
    make_scenes("broken");
    change_set("whole", &c);
    change_set("broken", &c);
    struct ended whole = train_run("whole", "smoke/proposals.yaml", shapes);
    check_status(&whole, 0);
    char *a = run_of("whole", "proposals"), *b = NULL;
    static const char *const faults[] = {"write:3:TERM", "write:5:KILL", "write:4:TERM"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char *under = mem_format("%s/metrics.jsonl", path_base(a));
        struct fault_environment fault = fault_environment(faults[i], under);
        struct process p;
        train_start(&p, "broken", "smoke/proposals.yaml", shapes, (const char *const *)fault.at);
        struct ended e = process_wait(&p, 300);
        check_status(&e, i == 1 ? 137 : 143);
        ended_free(&e);
        fault_environment_free(&fault);
        free(under);
    }
    struct ended last = train_run("broken", "smoke/proposals.yaml", shapes);
    check_status(&last, 0);
    CHECK_HAS(last.err, "goes on from step ");
    b = run_of("broken", "proposals");
    check_same_checkpoint(a, b);
    check_same_metrics(a, b);
    ended_free(&whole);
    ended_free(&last);
    free(a);
    free(b);
}
