/* Makes sets out of files that the user has: images, COCO captions, COCO instances; or, with lists
 * of what is held out, own files in any form of data/own_set.h. Pictures are resized as Pillow
 * does, label maps as torch's nearest does (reference-spec 5.2). */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/coco.h"
#include "data/label_maps.h"
#include "data/resize.h"
#include "data/set.h"
#include "train/prepare_input.h"
#include "train/prepare_sets.h"
#include "train/run/graph.h"
#include "train/signals.h"

/* The user's files, and what is made of them. */
struct source {
    struct dataset d;
    bool own;     /* data/own_set.h */
    bool *unseen; /* [n_classes] */
    int64_t *at[PREPARE_LISTS],
        n[PREPARE_LISTS]; /* pictures to train on, for choices, for the table */
};

struct prepared {
    struct image image;
    struct labels labels;
    struct bytes png;
};

static void prepared_free(struct prepared *p) {
    image_free(&p->image);
    labels_free(&p->labels);
    bytes_free(&p->png);
}

static int resize(struct prepared *p, const struct prepare_options *o) {
    int64_t h, w;
    struct image image = {0};
    struct labels labels = {0};
    if (!o->shortest) return 0;
    resize_shortest_edge(p->image.h, p->image.w, o->shortest, o->longest, &h, &w);
    int status = image_resize(&p->image, NULL, h, w, RESIZE_BILINEAR, &image);
    if (!status && p->labels.at) status = labels_resize_nearest_torch(&p->labels, h, w, &labels);
    if (status) {
        image_free(&image);
        return status;
    }
    image_free(&p->image);
    labels_free(&p->labels);
    p->image = image;
    p->labels = labels;
    return 0;
}

/* What the user knows a picture by. */
static char *name_of(const struct source *s, int64_t i) {
    return s->own ? mem_strdup(own_set_file(&s->d, i))
                  : mem_format("image %lld", (long long)s->d.image_id[i]);
}

static bool has_map(const struct source *s, int64_t i) {
    return s->d.has_labels && (!s->own || own_set_has_mask(&s->d, i));
}

static bool has_caption(const struct dataset *d, int64_t i) {
    return d->caption_at && d->caption_at[i + 1] > d->caption_at[i];
}

/* unseen[class]: its pixels become "unlabelled", when the set is for training. */
static int prepare(struct prepared *p, const struct source *s, int64_t i,
                   const struct prepare_options *o, const bool *unseen) {
    const struct dataset *d = &s->d;
    *p = (struct prepared){0};
    int status = d->source->image(d, i, &p->image);
    if (!status && has_map(s, i)) status = d->source->labels(d, i, &p->labels);
    if (!status && p->labels.at && (p->labels.h != p->image.h || p->labels.w != p->image.w)) {
        char *name = name_of(s, i);
        status = error_set(ERR_DATA, "%s: it is %lld x %lld, its label map %lld x %lld", name,
                           (long long)p->image.w, (long long)p->image.h, (long long)p->labels.w,
                           (long long)p->labels.h);
        free(name);
    }
    if (!status) status = resize(p, o);
    for (int64_t k = 0; !status && unseen && p->labels.at && k < p->labels.h * p->labels.w; k++)
        if (p->labels.at[k] < d->n_classes && unseen[p->labels.at[k]]) p->labels.at[k] = d->ignore;
    return status ? status : image_encode_png(&p->image, &p->png);
}

/* Whether a picture has nothing to train masks on (Q22). */
static bool is_empty(const struct prepared *p, const struct dataset *d) {
    if (!p->labels.at) return true;
    for (int64_t k = 0; k < p->labels.h * p->labels.w; k++)
        if (p->labels.at[k] != d->ignore) return false;
    return true;
}

/* A set to be written. */
struct part {
    const char *name;
    const int64_t *at; /* [n] pictures */
    int64_t n;
    const bool *unseen; /* of prepare(), or NULL */
};

static int add(struct set_writer *w, const struct source *s, int64_t i, const struct prepared *p) {
    const struct dataset *d = &s->d;
    int64_t c = d->caption_at ? d->caption_at[i] : 0;
    struct set_item item = {.id = d->image_id[i],
                            .h = p->image.h,
                            .w = p->image.w,
                            .name = s->own ? d->image_name[i] : NULL,
                            .bytes = p->png.at,
                            .n = p->png.n,
                            .labels = p->labels.at ? &p->labels : NULL,
                            .caption = d->caption + c,
                            .caption_id = d->caption_id + c,
                            .n_captions = d->caption_at ? d->caption_at[i + 1] - c : 0};
    return set_add(w, &item);
}

/* What was left out of a set. */
struct left_out {
    int64_t skipped, empty;
    bool *named; /* [n_images]: a damaged one is named once, though it may belong to two sets */
};

static int add_or_leave(const struct node *n, const struct source *s, const struct part *part,
                        int64_t i, struct set_writer *w, struct left_out *left) {
    const struct prepare_options *o = &n->config.prepare;
    struct prepared p;
    int status = 0, bad = prepare(&p, s, i, o, part->unseen);
    bool stops = o->damaged == DAMAGED_STOP || (bad != ERR_DATA && bad != ERR_MISSING);
    if (bad && stops) { /* a file may be left out; memory that runs out may not */
        status = bad;
    } else if (bad) {
        if (!left->named[i]) log_warn("skipped: %s", error_message()); /* bad among good ones */
        left->named[i] = true;
        error_clear();
        left->skipped++;
    } else if (part->unseen && o->drop_empty && is_empty(&p, &s->d)) {
        left->empty++;
    } else {
        status = add(w, s, i, &p);
    }
    prepared_free(&p);
    return status;
}

static int finish_set(const struct part *part, struct set_writer *w, const struct left_out *left) {
    if (left->empty ==
        part->n) { /* they have masks to be painted yet, and nothing trains on them */
        log_warn("%s: none of its %lld pictures has a labelled pixel: there is no such set",
                 part->name, (long long)part->n);
        return 0;
    }
    if (left->skipped + left->empty == part->n)
        return error_set(ERR_DATA, "%s: none of its %lld pictures can be read%s: get them again",
                         part->name, (long long)part->n, left->empty ? " and has a label" : "");
    if (left->empty)
        log_info("%s: %lld of %lld pictures have no labelled pixel and are left out", part->name,
                 (long long)left->empty, (long long)part->n);
    int status = set_finish(w);
    if (!status && left->skipped)
        log_warn("%s: %lld of %lld pictures skipped", part->name, (long long)left->skipped,
                 (long long)part->n);
    return status;
}

static int write_set(const struct node *n, const struct source *s, const struct part *part,
                     bool *named) {
    const struct dataset *d = &s->d;
    char *file = mem_format("%s.h5", part->name), *path = path_join(n->dir, file);
    struct set_info info = {d->class_name, d->class_seen, d->n_classes, d->ignore, n->id};
    struct set_writer w;
    struct progress progress;
    struct left_out left = {.named = named};
    int status = set_create(&w, path, &info);
    progress_open(&progress, part->name, "pictures", 0, part->n, 30);
    for (int64_t k = 0; !status && k < part->n; k++) {
        status = add_or_leave(n, s, part, part->at[k], &w, &left);
        progress_at(&progress, k + 1, NULL);
        if (!status && signals_pending())
            status = signals_error("the same command prepares the sets anew");
    }
    progress_close(&progress);
    if (!status) status = finish_set(part, &w, &left);
    set_drop(&w);
    free(path);
    free(file);
    return status;
}

static int mark_unseen(const struct node *n, struct dataset *d, bool *unseen) {
    const struct strings *names = &n->config.prepare.unseen;
    for (size_t i = 0; i < names->n; i++) {
        bool found = false;
        for (int64_t k = 0; k < d->n_classes; k++)
            if (strcmp(d->class_name[k], names->at[i]) == 0) {
                found = unseen[k] = true;
                d->class_seen[k] = false;
            }
        if (!found)
            return error_set(ERR_CONFIG, "%s: prepare.unseen: the data has no class \"%s\"",
                             n->path, names->at[i]);
    }
    return 0;
}

static int64_t *range(int64_t first, int64_t end) {
    int64_t *at = mem_alloc((size_t)(end - first) + 1, sizeof *at);
    for (int64_t i = first; i < end; i++) at[i - first] = i;
    return at;
}

/* The last pictures by id are held out. */
static int hold_out(const struct node *n, struct source *s) {
    const struct prepare_options *o = &n->config.prepare;
    int64_t train = s->d.n_images - o->val - o->test;
    if (train < 1)
        return error_set(ERR_CONFIG, "%s: prepare.val and prepare.test leave none of %lld pictures",
                         n->path, (long long)s->d.n_images);
    s->at[PREPARE_TRAIN] = range(0, s->n[PREPARE_TRAIN] = train);
    s->at[PREPARE_VAL] = range(train, train + (s->n[PREPARE_VAL] = o->val));
    s->at[PREPARE_TEST] = range(train + o->val, train + o->val + (s->n[PREPARE_TEST] = o->test));
    return 0;
}

static int open_coco(const struct node *n, struct source *s) {
    int status = dataset_open_coco(&s->d, node_path(n, "images"), node_path(n, "captions"),
                                   node_path(n, "instances"));
    if (!status && node_path(n, "maps"))
        status = dataset_use_maps(&s->d, node_path(n, "maps"), node_path(n, "names"));
    return status ? status : hold_out(n, s);
}

static int say_gone(struct problems *gone) {
    size_t n = gone->n;
    if (!problems_close(gone, ERR_DATA)) return 0;
    return error_context(
        "%zu listed picture%s gone; put %s back, or take the line%s out, as "
        "`ovseg init` does when it is called as before with --damaged skip",
        n, n == 1 ? " is" : "s are", n == 1 ? "it" : "them", n == 1 ? "" : "s");
}

/* train.txt, and val.txt and test.txt where they are there. */
static int open_own(const struct node *n, struct source *s) {
    struct own_files f;
    struct strings only;
    struct problems gone = {0};
    s->own = true;
    int status = prepare_files(n, &f, &only);
    if (!status) status = own_set_open(&s->d, &f);
    for (int k = PREPARE_TRAIN; k < PREPARE_LISTS && !status; k++) {
        char *path = prepare_list(n, k);
        if (k == PREPARE_TRAIN || file_exists(path))
            status = own_set_list(&s->d, path, &s->at[k], &s->n[k], &gone);
        free(path);
    }
    if (!status)
        status = say_gone(&gone);
    else
        str_free(&gone.text);
    strings_free(&only);
    return status;
}

static void source_close(struct source *s) {
    dataset_close(&s->d);
    free(s->unseen);
    for (int k = PREPARE_TRAIN; k < PREPARE_LISTS; k++) free(s->at[k]);
}

static int source_open(const struct node *n, struct source *s) {
    *s = (struct source){0};
    int status = node_path(n, "split") ? open_own(n, s) : open_coco(n, s);
    if (status) return status;
    s->unseen = mem_alloc((size_t)s->d.n_classes + 1, sizeof *s->unseen);
    for (int64_t k = 0; k < s->d.n_classes; k++) s->unseen[k] = !s->d.class_seen[k];
    return mark_unseen(n, &s->d, s->unseen);
}

static int check_inputs(const struct node *n) {
    struct source s;
    int status = source_open(n, &s);
    source_close(&s);
    return status;
}

/* The pictures of a list that have what a set is for; owned. */
static int64_t *choose(const struct source *s, int list,
                       bool (*has)(const struct source *, int64_t), int64_t *n) {
    int64_t *at = mem_alloc((size_t)s->n[list] + 1, sizeof *at);
    *n = 0;
    for (int64_t k = 0; k < s->n[list]; k++)
        if (has(s, s->at[list][k])) at[(*n)++] = s->at[list][k];
    return at;
}

/* Without captions at all masks are what pairs are made of. */
static bool is_to_mine(const struct source *s, int64_t i) {
    return !s->own || has_caption(&s->d, i) || !s->d.n_captions;
}

/* Without masks at all a set for choices has captions alone. */
static bool is_to_judge(const struct source *s, int64_t i) {
    return has_map(s, i) || !s->d.has_labels;
}

static const struct {
    const char *name;
    int list;
    bool (*has)(const struct source *, int64_t);
    bool train_masks;
} sets[] = {{"clip", PREPARE_TRAIN, is_to_mine, false},
            {"seen", PREPARE_TRAIN, has_map, true},
            {"val", PREPARE_VAL, is_to_judge, false},
            {"test", PREPARE_TEST, is_to_judge, false}};
enum { SETS = sizeof sets / sizeof *sets };

/* A list that was taken away, or of which no picture has a mask any more. */
static int no_set(const struct node *n, const struct source *s, size_t k, const struct node *reader,
                  const char *setting) {
    int list = sets[k].list;
    char *why = setting ? mem_format("%s of %s is \"%s\"", setting, reader->path, sets[k].name)
                        : mem_format("%s trains on them", reader->path);
    char *path = prepare_list(n, list);
    if (!s->n[list])
        error_set(ERR_DATA,
                  "%s: names no picture, or is not there, and %s: write it, a file name a "
                  "line",
                  path, why);
    else
        error_set(ERR_DATA,
                  "%s: none of its %lld pictures has a %s, and %s: put some that have one into it",
                  path, (long long)s->n[list], sets[k].has == is_to_mine ? "caption" : "mask", why);
    free(path);
    free(why);
    return ERR_DATA;
}

int prepare_sets_check(const struct node *n, const char *set, const struct node *reader,
                       const char *setting) {
    struct source s;
    size_t k = 0;
    int64_t with = 0;
    if (!n || n->stage != &stage_prepare || n->done || !node_path(n, "split")) return 0;
    while (k < SETS && strcmp(sets[k].name, set) != 0) k++;
    if (k == SETS) return 0; /* who opens it says which there are */
    int status = source_open(n, &s);
    if (!status) free(choose(&s, sets[k].list, sets[k].has, &with));
    if (!status && !with) status = no_set(n, &s, k, reader, setting);
    source_close(&s);
    return status;
}

static int run(struct node *n) {
    struct source s;
    int status = source_open(n, &s);
    bool *named = mem_alloc((size_t)s.d.n_images + 1, sizeof *named);
    for (size_t i = 0; !status && i < SETS; i++) {
        struct part part = {.name = sets[i].name, .unseen = sets[i].train_masks ? s.unseen : NULL};
        int64_t *at = choose(&s, sets[i].list, sets[i].has, &part.n);
        part.at = at;
        if (part.n) status = write_set(n, &s, &part, named);
        free(at);
    }
    free(named);
    source_close(&s);
    return status;
}

static void check_own(const struct node *n, struct problems *p) {
    const struct prepare_options *o = &n->config.prepare;
    bool masks = node_input(n, "masks"), names = node_input(n, "names");
    if (!masks && !node_input(n, "captions"))
        problems_add(p, "%s: inputs.captions, inputs.masks: at least one of them", n->path);
    if (masks != names) problems_add(p, "%s: inputs.masks and inputs.names go together", n->path);
    if (node_input(n, "instances") || node_input(n, "maps"))
        problems_add(p, "%s: inputs.split: masks are inputs.masks then", n->path);
    if (o->val || o->test)
        problems_add(p, "%s: prepare.val, prepare.test: inputs.split says what is held out",
                     n->path);
}

static void check(const struct node *n, struct problems *p) {
    bool maps = node_input(n, "maps"), names = node_input(n, "names");
    if (node_input(n, "split")) {
        check_own(n, p);
        return;
    }
    if (!node_input(n, "captions")) problems_add(p, "%s: missing inputs.captions", n->path);
    if (node_input(n, "masks"))
        problems_add(p, "%s: inputs.masks needs inputs.split, the lists of pictures", n->path);
    if (maps != names)
        problems_add(p,
                     "%s: inputs.maps and inputs.names go together: label maps, and what their "
                     "values mean",
                     n->path);
    if (maps && node_input(n, "instances"))
        problems_add(p, "%s: inputs.maps, inputs.instances: masks come from one of them", n->path);
}

static const char *const inputs[] = {"images", NULL};
static const char *const maybe[] = {"captions", "instances", "maps", "masks",
                                    "names",    "split",     NULL};
const struct stage stage_prepare = {
    .name = "prepare",
    .inputs = inputs,
    .maybe = maybe,
    .revision = 2, /* captions that are there twice, EXIF of PNG and WebP, grey of 16 bits */
    .check = check,
    .run = run,
    .check_inputs = check_inputs,
};
