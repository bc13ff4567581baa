/* Makes sets out of files that the user has: images, COCO captions, COCO instances. Pictures are
 * resized as Pillow does, label maps as torch's nearest does (reference-spec 5.2). */
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
#include "train/graph.h"
#include "train/signals.h"

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

/* unseen[class]: its pixels become "unlabelled", when the set is for training. */
static int prepare(struct prepared *p, const struct dataset *d, int64_t i,
                   const struct prepare_options *o, const bool *unseen) {
    *p = (struct prepared){0};
    int status = d->source->image(d, i, &p->image);
    if (!status && d->has_labels) status = d->source->labels(d, i, &p->labels);
    if (!status && p->labels.at && (p->labels.h != p->image.h || p->labels.w != p->image.w))
        status = error_set(ERR_DATA, "image %lld: it is %lld x %lld, its label map %lld x %lld",
                           (long long)d->image_id[i], (long long)p->image.w, (long long)p->image.h,
                           (long long)p->labels.w, (long long)p->labels.h);
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

/* A set to be written: pictures first .. end - 1. */
struct part {
    const char *name;
    int64_t first, end;
    const bool *unseen; /* of prepare(), or NULL */
};

/* named[picture]: a damaged one is named once, though it may belong to two sets. */
static int write_set(const struct node *n, const struct dataset *d, const struct part *part,
                     bool *named) {
    int64_t first = part->first, end = part->end;
    const char *name = part->name;
    char *file = mem_format("%s.h5", name), *path = path_join(n->dir, file);
    struct set_info info = {d->class_name, d->class_seen, d->n_classes, d->ignore, n->id};
    struct set_writer w;
    struct progress progress;
    int64_t skipped = 0, empty = 0;
    int status = set_create(&w, path, &info);
    progress_open(&progress, name, "pictures", 0, end - first, 30);
    for (int64_t i = first; !status && i < end; i++) {
        struct prepared p;
        int bad = prepare(&p, d, i, &n->config.prepare, part->unseen);
        bool stops =
            n->config.prepare.damaged == DAMAGED_STOP || (bad != ERR_DATA && bad != ERR_MISSING);
        if (bad && stops) { /* a file may be left out; memory that runs out may not */
            status = bad;
        } else if (bad) {
            if (!named[i]) log_warn("skipped: %s", error_message()); /* bad among good ones */
            named[i] = true;
            error_clear();
            skipped++;
        } else if (part->unseen && n->config.prepare.drop_empty && is_empty(&p, d)) {
            empty++;
        } else {
            int64_t c = d->caption_at ? d->caption_at[i] : 0;
            struct set_item item = {.id = d->image_id[i],
                                    .h = p.image.h,
                                    .w = p.image.w,
                                    .bytes = p.png.at,
                                    .n = p.png.n,
                                    .labels = p.labels.at ? &p.labels : NULL,
                                    .caption = d->caption + c,
                                    .caption_id = d->caption_id + c,
                                    .n_captions = d->caption_at ? d->caption_at[i + 1] - c : 0};
            status = set_add(&w, &item);
        }
        prepared_free(&p);
        progress_at(&progress, i + 1 - first, NULL);
        if (!status && signals_pending())
            status = signals_error("the same command prepares the sets anew");
    }
    progress_close(&progress);
    if (!status && skipped + empty == end - first)
        status = error_set(ERR_DATA, "%s: none of its %lld pictures can be read%s", name,
                           (long long)(end - first), empty ? " and has a label" : "");
    if (!status && empty)
        log_info("%s: %lld of %lld pictures have no labelled pixel and are left out", name,
                 (long long)empty, (long long)(end - first));
    if (!status) status = set_finish(&w);
    if (!status && skipped)
        log_warn("%s: %lld of %lld pictures skipped", name, (long long)skipped,
                 (long long)(end - first));
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

static const char *path_of(const struct node *n, const char *name) {
    const struct node_input *in = node_input(n, name);
    return in ? in->path : NULL;
}

/* The user's files. *unseen: [n_classes], owned; *train: pictures that are not held out. */
static int open_source(const struct node *n, struct dataset *d, bool **unseen, int64_t *train) {
    const struct prepare_options *o = &n->config.prepare;
    *unseen = NULL;
    *train = 0;
    int status =
        dataset_open_coco(d, path_of(n, "images"), path_of(n, "captions"), path_of(n, "instances"));
    if (!status && path_of(n, "maps"))
        status = dataset_use_maps(d, path_of(n, "maps"), path_of(n, "names"));
    if (status) return status;
    *unseen = mem_alloc((size_t)d->n_classes, sizeof **unseen);
    for (int64_t k = 0; k < d->n_classes; k++) (*unseen)[k] = !d->class_seen[k];
    *train = d->n_images - o->val - o->test;
    status = mark_unseen(n, d, *unseen);
    if (!status && *train < 1)
        status =
            error_set(ERR_CONFIG, "%s: prepare.val and prepare.test leave none of %lld pictures",
                      n->path, (long long)d->n_images);
    return status;
}

static int check_inputs(const struct node *n) {
    struct dataset d = {0};
    bool *unseen;
    int64_t train;
    int status = open_source(n, &d, &unseen, &train);
    free(unseen);
    dataset_close(&d);
    return status;
}

static int run(struct node *n) {
    const struct prepare_options *o = &n->config.prepare;
    struct dataset d = {0};
    bool *unseen;
    int64_t train;
    int status = open_source(n, &d, &unseen, &train);
    const struct part parts[] = {
        {"clip", 0, train, NULL},
        {"seen", 0, d.has_labels ? train : 0, unseen},
        {"val", train, train + o->val, NULL},
        {"test", train + o->val, d.n_images, NULL},
    };
    bool *named = mem_alloc((size_t)d.n_images, sizeof *named);
    for (size_t i = 0; !status && i < sizeof parts / sizeof *parts; i++)
        if (parts[i].first < parts[i].end) status = write_set(n, &d, &parts[i], named);
    free(named);
    free(unseen);
    dataset_close(&d);
    return status;
}

static void check(const struct node *n, struct problems *p) {
    bool maps = node_input(n, "maps"), names = node_input(n, "names");
    if (maps != names)
        problems_add(p,
                     "%s: inputs.maps and inputs.names go together: label maps, and what their "
                     "values mean",
                     n->path);
    if (maps && node_input(n, "instances"))
        problems_add(p, "%s: inputs.maps, inputs.instances: masks come from one of them", n->path);
}

static const char *const inputs[] = {"images", "captions", NULL};
static const char *const maybe[] = {"instances", "maps", "names", NULL};
const struct stage stage_prepare = {
    .name = "prepare",
    .inputs = inputs,
    .maybe = maybe,
    .revision = 1,
    .check = check,
    .run = run,
    .check_inputs = check_inputs,
};
