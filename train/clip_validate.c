#include "train/clip_validate.h"

#include <stdlib.h>

#include "base/error.h"
#include "dist/comm.h"

enum { BATCH = 64 }; /* crops of a forward */

int clip_validation_open(struct clip_validation *v, const struct node *n, const struct clip_run *c,
                         bool frozen_text) {
    *v = (struct clip_validation){0};
    const struct train_options *o = &n->config.train;
    if (!*o->validate_set) return 0;
    struct dataset d;
    int status = clip_open_set(n, o->validate_set, &d);
    if (status) return status;
    struct region_options region = crop_region(&n->config.crop, clip_image_size(&c->clip));
    status = mask_crops_of(&v->crops, &d, &region, o->validate_images, 1);
    v->K = d.n_classes;
    v->seen = mem_alloc((size_t)v->K, sizeof *v->seen);
    v->unseen = mem_alloc((size_t)v->K, sizeof *v->unseen);
    v->names = mem_alloc((size_t)v->K, sizeof *v->names);
    for (int64_t k = 0; k < v->K; k++) {
        v->names[k] = mem_strdup(d.class_name[k]);
        v->seen[k] = d.class_seen[k];
        v->unseen[k] = !d.class_seen[k];
    }
    dataset_close(&d);
    if (!status && frozen_text) {
        v->text =
            t_hold(class_text_of_names(&c->clip, &n->config.text, v->names, v->K)); /* [K, D] */
        status = error_status();
    }
    if (status) clip_validation_free(v);
    return status;
}

void clip_validation_free(struct clip_validation *v) {
    for (int64_t k = 0; v->names && k < v->K; k++) free(v->names[k]);
    free(v->names);
    free(v->seen);
    free(v->unseen);
    t_drop(v->text);
    mask_crops_free(&v->crops);
    *v = (struct clip_validation){0};
}

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

int clip_validation_run(const struct clip_validation *v, const struct node *n,
                        const struct clip_run *c, struct metrics_row *row) {
    int scope = t_scope_open("validation", T_NO_GRAD | T_EVAL);
    tensor *text =
        v->text ? v->text
                : class_text_of_names(&c->clip, &n->config.text, v->names, v->K); /* [K, D] */
    struct mask_accuracy a = {0};
    struct mask_crops crops = share(&v->crops, n->comm);
    int status =
        text ? mask_accuracy_of(&a, &crops, clip_regions(&c->clip), text, BATCH) : error_status();
    if (!status) {
        comm_sum_counts(n->comm, a.right, (size_t)a.K);
        comm_sum_counts(n->comm, a.total, (size_t)a.K);
        metrics_put(row, "mask_accuracy", mask_accuracy_mean(&a, NULL));
        metrics_put(row, "mask_accuracy_seen", mask_accuracy_mean(&a, v->seen));
        metrics_put(row, "mask_accuracy_unseen", mask_accuracy_mean(&a, v->unseen));
    }
    mask_accuracy_free(&a);
    t_scope_close(scope, NULL);
    return status;
}

int clip_validation_try(const struct clip_validation *v, const struct node *n,
                        const struct clip_run *c, int64_t samples) {
    enum { STEPS = 3, FORWARDS = 3 }; /* that a step takes of a sample, with backward */
    struct clip_validation few = *v;
    struct metrics_row row = {0};
    int64_t most = BATCH * comm_size(n->comm), mine = v->crops.n < BATCH ? v->crops.n : BATCH;
    int64_t texts = v->text ? 0 : v->K * (int64_t)n->config.text.templates.n;
    if (mine + texts > STEPS * FORWARDS * samples) return 0;
    if (few.crops.n > most) few.crops.n = most;
    return clip_validation_run(&few, n, c, &row);
}
