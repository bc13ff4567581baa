#include "train/clip_validate.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/scene_set.h"
#include "data/set_index.h"
#include "dist/comm.h"

enum { BATCH = 64 }; /* crops of a forward */

/* ---- the probe ---- */

const char clip_probe_word[] = "drawn";
const char *const clip_probe_files[] = {"validate.probe", NULL};

bool clip_probe_is_drawn(const struct node *n) {
    const char *probe = n->config.train.validate_probe;
    return probe && strcmp(probe, clip_probe_word) == 0;
}

const char *clip_probe_identity(const struct node *n) {
    static const char drawn[] = "validate.probe drawn: test scenes 0 to 99 of seed 1\n";
    return clip_probe_is_drawn(n) ? drawn : NULL;
}

bool clip_judges(const struct dataset *d) { return d->has_labels && d->n_classes; }

/* What has been opened from `path` for this setting. */
static int check_judges(struct dataset *d, const char *setting, const char *path) {
    if (clip_judges(d)) return 0;
    dataset_close(d);
    return error_set(ERR_DATA,
                     "%s: has no masks: %s wants a set with masks and names (%s=\"\" does without)",
                     path, setting, setting);
}

static int open_probe(const struct node *n, struct dataset *d) {
    if (clip_probe_is_drawn(n)) {
        struct scenes_options world = scenes_defaults();
        scene_set_open(d, &world, 1, "test", CLIP_PROBE_SCENES);
        return 0;
    }
    const struct node_input *in = node_input(n, clip_probe_files[0]);
    REQUIRE(in && in->path, "validate.probe is no input");
    int status = set_or_index_open(d, in->path);
    return status ? status : check_judges(d, clip_probe_files[0], in->path);
}

int clip_probe_check(const struct node *n) {
    struct dataset d = {0};
    if (!config_trains(n->config.run.stage) || !*n->config.train.validate_probe) return 0;
    int status = open_probe(n, &d);
    if (!status) dataset_close(&d);
    return status;
}

/* ---- the crops ---- */

static void named_free(struct named_crops *v) {
    for (int64_t k = 0; v->names && k < v->K; k++) free(v->names[k]);
    free(v->names);
    free(v->seen);
    free(v->unseen);
    t_drop(v->text);
    mask_crops_free(&v->crops);
    *v = (struct named_crops){0};
}

/* Takes the set over. */
static int named_open(struct named_crops *v, struct dataset *d, const struct node *n,
                      const struct clip_run *c, bool frozen_text) {
    struct region_options region = crop_region(&n->config.crop, clip_image_size(&c->clip));
    int status = mask_crops_of(&v->crops, d, &region, n->config.train.validate_images, 1);
    v->K = d->n_classes;
    v->seen = mem_alloc((size_t)v->K, sizeof *v->seen);
    v->unseen = mem_alloc((size_t)v->K, sizeof *v->unseen);
    v->names = mem_alloc((size_t)v->K, sizeof *v->names);
    for (int64_t k = 0; k < v->K; k++) {
        v->names[k] = mem_strdup(d->class_name[k]);
        v->seen[k] = d->class_seen[k];
        v->unseen[k] = !d->class_seen[k];
    }
    dataset_close(d);
    if (!status && frozen_text) {
        v->text =
            t_hold(class_text_of_names(&c->clip, &n->config.text, v->names, v->K)); /* [K, D] */
        status = error_status();
    }
    return status;
}

int clip_validation_open(struct clip_validation *v, const struct node *n, const struct clip_run *c,
                         bool frozen_text) {
    *v = (struct clip_validation){0};
    const struct train_options *o = &n->config.train;
    struct dataset d;
    int status = 0;
    if (*o->validate_set) {
        status = clip_open_set(n, o->validate_set, &d);
        if (!status) status = check_judges(&d, "validate.set", o->validate_set);
        if (!status) status = named_open(&v->set, &d, n, c, frozen_text);
    }
    if (!status && *o->validate_probe) {
        status = open_probe(n, &d);
        if (!status) status = named_open(&v->probe, &d, n, c, frozen_text);
    }
    if (status) clip_validation_free(v);
    return status;
}

void clip_validation_free(struct clip_validation *v) {
    named_free(&v->set);
    named_free(&v->probe);
}

bool clip_validation_any(const struct clip_validation *v) {
    return v->set.crops.n || v->probe.crops.n;
}

/* ---- figures ---- */

/* This rank's share of the crops. */
static struct mask_crops share(const struct mask_crops *all, struct comm *c) {
    int64_t rank = comm_rank(c), size = comm_size(c), pixels = all->S * all->S;
    int64_t first = all->n * rank / size, end = all->n * (rank + 1) / size;
    return (struct mask_crops){.n = end - first,
                               .S = all->S,
                               .region = all->region + first * 3 * pixels,
                               .mask = all->mask + first * pixels,
                               .label = all->label + first};
}

/* Of all ranks' crops; free with mask_accuracy_free. */
static int count(const struct named_crops *v, const struct node *n, const struct clip_run *c,
                 struct mask_accuracy *a) {
    int scope = t_scope_open("validation", T_NO_GRAD | T_EVAL);
    tensor *text =
        v->text ? v->text
                : class_text_of_names(&c->clip, &n->config.text, v->names, v->K); /* [K, D] */
    struct mask_crops crops = share(&v->crops, n->comm);
    int status =
        text ? mask_accuracy_of(a, &crops, clip_regions(&c->clip), text, BATCH) : error_status();
    t_scope_close(scope, NULL);
    if (status) return status;
    comm_sum_counts(n->comm, a->right, (size_t)a->K);
    comm_sum_counts(n->comm, a->total, (size_t)a->K);
    return 0;
}

int clip_validation_run(const struct clip_validation *v, const struct node *n,
                        const struct clip_run *c, struct metrics_row *row) {
    struct mask_accuracy set = {0}, probe = {0};
    int status = v->set.crops.n ? count(&v->set, n, c, &set) : 0;
    if (!status && set.K) {
        metrics_put(row, "mask_accuracy", mask_accuracy_mean(&set, NULL));
        metrics_put(row, "mask_accuracy_seen", mask_accuracy_mean(&set, v->set.seen));
        metrics_put(row, "mask_accuracy_unseen", mask_accuracy_mean(&set, v->set.unseen));
    }
    if (!status && v->probe.crops.n) status = count(&v->probe, n, c, &probe);
    if (!status && probe.K) metrics_put(row, "probe_accuracy", mask_accuracy_mean(&probe, NULL));
    mask_accuracy_free(&set);
    mask_accuracy_free(&probe);
    return status;
}

/* Forwards of crops and texts for a batch of it. */
static int64_t work(const struct named_crops *v, const struct node *n) {
    int64_t texts = v->text ? 0 : v->K * (int64_t)n->config.text.templates.n;
    return texts + (v->crops.n < BATCH ? v->crops.n : BATCH);
}

int clip_validation_try(const struct clip_validation *v, const struct node *n,
                        const struct clip_run *c, int64_t samples) {
    enum { STEPS = 3, FORWARDS = 3 }; /* that a step takes of a sample, with backward */
    struct clip_validation few = *v;
    struct metrics_row row = {0};
    int64_t most = BATCH * comm_size(n->comm);
    few.probe.crops.n = few.set.crops.n ? 0 : few.probe.crops.n; /* it goes the same way */
    struct named_crops *tried = few.set.crops.n ? &few.set : &few.probe;
    if (work(tried, n) > STEPS * FORWARDS * samples) return 0;
    if (tried->crops.n > most) tried->crops.n = most;
    return clip_validation_run(&few, n, c, &row);
}
