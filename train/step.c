/* One step of training: shards, their losses and gradients, the update. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"
#include "train/loop.h"

enum whole_kind whole_kind(const struct node *n) {
    static const enum whole_kind of[] = {WHOLE_SAME, WHOLE_SHARE, WHOLE_REFERENCE};
    return of[n->config.clip_train.gather]; /* enum clip_gather_kind */
}

static int64_t shards_here(const struct training *t) { return t->shards.n ? t->shards.mine : 1; }
static int64_t shards_in_all(const struct training *t) { return t->shards.n ? t->shards.n : 1; }

/* Dropout and the like depend on the shard, not on the rank that has it. */
static void seed(const struct training *t, int64_t step, int64_t k) {
    uint64_t number = (uint64_t)(step * shards_in_all(t) + t->shards.first + k);
    struct rng r = rng_stream((uint64_t)t->node->config.run.seed, "step", number);
    t_seed(rng_next(&r));
}

static void add_row(struct metrics_row *sum, const struct metrics_row *x) {
    for (int i = 0; i < x->n; i++) {
        if (i == sum->n) metrics_put(sum, x->at[i].name, 0);
        sum->at[i].value += x->at[i].value;
    }
}

/* The mean over all shards of the batch, wherever they are. */
static void average(const struct training *t, struct metrics_row *row, double *loss) {
    double all[METRICS_MAX + 1];
    for (int i = 0; i < row->n; i++) all[i] = row->at[i].value;
    all[row->n] = *loss;
    comm_sum(t->node->comm, all, (size_t)row->n + 1);
    for (int i = 0; i < row->n; i++) row->at[i].value = all[i] / (double)shards_in_all(t);
    *loss = all[row->n]; /* its shards were divided before */
}

/* Every shard on its own: -> the batch's loss. */
static double backward_of_shards(struct training *t, int64_t step, struct metrics_row *row) {
    double sum = 0;
    for (int64_t k = 0; k < shards_here(t); k++) {
        struct metrics_row part = {0};
        int scope = t_scope_open("shard", T_INHERIT);
        seed(t, step, k);
        tensor *loss = t->loss(t->self, k, &part); /* [] */
        if (shards_in_all(t) > 1) loss = t_scale(loss, 1 / (double)shards_in_all(t));
        reducer_shard_begin(t->reducer, k);
        t_backward(scaler_up(&t->scaler, loss));
        reducer_shard_end(t->reducer, k);
        sum += t_item(loss);
        t_scope_close(scope, NULL);
        add_row(row, &part);
    }
    if (!error_status()) average(t, row, &sum);
    return sum;
}

static tensor *features(struct training *t, int64_t step, int64_t k) {
    seed(t, step, k);
    return t->features(t->self, k); /* [size, F] */
}

/* All ranks' rows as a leaf: [n size, F]. */
static tensor *gather(struct training *t, tensor *mine) {
    tensor *all = t_detach(mine);
    if (t->node->comm && !error_status()) {
        int64_t rows = t_size(mine, 0), F = t_size(mine, 1);
        all = t_empty(SHAPE(comm_size(t->node->comm) * rows, F), T_F32);
        comm_gather_tensor(t->node->comm, t_contiguous(t_detach(mine)), all);
    }
    t_require_grad(all, true);
    return all;
}

/* What the batch's loss says about all rows: its gradient [n size, F]. The loss's own parameters
 * (the temperature) have their gradient afterwards, of all ranks' together the right one. */
static tensor *gradient_of_whole(struct training *t, tensor *all, struct metrics_row *row,
                                 double *loss) {
    struct comm *c = t->node->comm;
    tensor *l = t->whole(t->self, all, row); /* [] */
    t_backward(scaler_up(&t->scaler, l));
    tensor *grad = t_grad(all); /* [n size, F] */
    *loss = t_item(l);
    if (!c || error_status()) return grad;
    if (t->whole_kind == WHOLE_SHARE) {
        comm_sum(c, loss, 1);
        comm_sum_tensor(c, grad);
        return grad;
    }
    if (comm_rank(c)) params_clear_grads(t->params);
    return t->whole_kind == WHOLE_REFERENCE ? t_scale(grad, 1.0 / comm_size(c)) : grad;
}

/* Features of all shards, the loss of all rows, then back through each shard. */
static double backward_of_whole(struct training *t, int64_t step, struct metrics_row *row) {
    int64_t n = shards_here(t);
    bool once = n == 1; /* its graph is kept */
    tensor **part = mem_alloc((size_t)n, sizeof(tensor *));
    for (int64_t k = 0; k < n; k++) {
        int scope = t_scope_open("features", once ? T_INHERIT : T_NO_GRAD);
        part[k] = t_scope_close(scope, features(t, step, k));
    }
    double loss = NAN;
    tensor *all = gather(t, once ? part[0] : t_cat(part, (size_t)n, 0));
    int scope = t_scope_open("whole", T_INHERIT);
    tensor *grad = t_scope_close(scope, gradient_of_whole(t, all, row, &loss));
    int64_t size = t_size(part[0], 0), first = t->shards.first;
    for (int64_t k = 0; k < n && !error_status(); k++) {
        scope = t_scope_open("shard", T_INHERIT);
        tensor *x = once ? part[k] : features(t, step, k);
        tensor *dx = t_narrow(grad, 0, (first + k) * size, size); /* [size, F] */
        reducer_shard_begin(t->reducer, k);
        t_backward_from(x, dx);
        reducer_shard_end(t->reducer, k);
        t_scope_close(scope, NULL);
    }
    free(part);
    return loss;
}

/* What a forward changes beside gradients: running statistics, which a skipped step must not. */
struct buffers {
    tensor **was; /* [params], NULL where nothing is kept */
};

static struct buffers keep_buffers(const struct training *t, bool wanted) {
    struct buffers b = {mem_alloc(t->params->n, sizeof(tensor *))};
    for (size_t i = 0; wanted && i < t->params->n; i++)
        if (t->params->at[i].buffer) b.was[i] = t_clone(t->params->at[i].t);
    return b;
}

static void put_back(const struct training *t, const struct buffers *b) {
    for (size_t i = 0; i < t->params->n; i++)
        if (b->was[i]) t_copy_(t->params->at[i].t, b->was[i]);
}

static void update(struct training *t, int64_t step, double loss, double norm,
                   const struct buffers *b) {
    bool bad = !isfinite(loss);                     /* which has no scale yet */
    if (!bad && !scaler_passes(&t->scaler, norm)) { /* the scale was too large: it is smaller now */
        put_back(t, b);
        return;
    }
    if (!error_status() && (bad || !isfinite(norm))) {
        if (not_finite(t, step, loss, norm) == 0) put_back(t, b);
        return;
    }
    adamw_step(t->adamw, schedule_rate(&t->schedule, step));
    if (t->updated) t->updated(t->self);
    if (!error_status()) t->skipped.in_row = 0;
}

int training_try(struct training *t) {
    struct metrics_row row = {0};
    int scope = t_scope_open(t->node->name, T_TRAIN);
    struct buffers before = keep_buffers(t, true);
    if (t->features)
        backward_of_whole(t, 0, &row);
    else
        backward_of_shards(t, 0, &row);
    reducer_finish(t->reducer);
    put_back(t, &before);
    params_clear_grads(t->params);
    free(before.was);
    t_scope_close(scope, NULL);
    return error_status();
}

int training_step(struct training *t, int64_t step, struct metrics_row *row) {
    double loss = NAN;
    int scope = t_scope_open(t->node->name, T_TRAIN);
    bool skips = t->node->config.train.not_finite == NOT_FINITE_SKIP || t->scaler.scale > 0;
    struct buffers before = keep_buffers(t, skips);
    if (t->batch) t->batch(t->self, step);
    if (!error_status())
        loss = t->features ? backward_of_whole(t, step, row) : backward_of_shards(t, step, row);
    reducer_finish(t->reducer);
    scaler_down(&t->scaler, t->adamw);
    double norm = t_item(adamw_clip(t->adamw, t->clip_norm));
    update(t, step, loss, norm, &before);
    params_clear_grads(t->params);
    free(before.was);
    t_scope_close(scope, NULL);

    if (t->scaler.scale > 0) metrics_put(row, "loss_scale", t->scaler.scale);
    metrics_put(row, "loss", loss);
    metrics_put(row, "grad_norm", norm);
    metrics_put(row, "lr", schedule_rate(&t->schedule, step));
    if (error_status()) return error_context("%s: step %lld", t->node->name, (long long)step);
    return 0;
}
