/* n parameters, numbered from the last registered to the first. */
#include "dist/reducer.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "dist/shared.h"

enum {
    /* Floats of a bucket. What it costs to begin a sum is nothing to MPI between a few processes,
     * so buckets are small: less waits for a bucket's last gradient (MaskFormer, R50: of a sum that
     * takes half a step, backward hides 0.74 in place of 0.64). NCCL's rings over many GPUs have to
     * earn their latency. */
    BUCKET_MPI = 4 << 18,   /* 4 MiB */
    BUCKET_NCCL = 25 << 18, /* 25 MiB */
    LEVELS = 32,            /* of the tree: more shards than memory */
    LINE = 16,              /* floats: a bucket begins where a line of the cache does */
};

struct bucket {
    tensor *flat; /* [n floats], held */
    size_t first, end;
    int64_t at, floats; /* where it begins in memory that ranks share; its length */
    size_t missing;     /* gradients of this step that are not in it yet */
};

struct member {
    tensor *t;    /* the parameter */
    tensor *part; /* its place in the bucket, held */
    size_t bucket;
    bool there; /* its gradient of this step is in the bucket */
};

/* Sums of 2^level neighbouring shards each. */
struct level {
    tensor **grad; /* [n], held; NULL: no gradient. NULL altogether: the level is empty */
};

struct reducer {
    struct comm *comm;
    struct shared *shared; /* where all buckets lie; NULL: anywhere */
    struct member *member;
    size_t n;
    struct bucket *bucket;
    size_t n_buckets, cap;
    size_t *order, *filled; /* [n_buckets]: as sums begin; as this step's backward fills them */
    size_t begun, n_filled; /* sums of this step; buckets of `filled` */
    bool learned;           /* `order` is the one in which backward filled them once */
    int64_t shards;
    bool tree, listening; /* listening: what backward makes now is final */
    struct level level[LEVELS];
};

/* ---- buckets ---- */

/* x[0] becomes the sum of x: [n rows, floats], as ((0 + 1) + (2 + 3)) + ... */
static void add_rows(tensor *x) {
    int64_t n = t_size(x, 0);
    for (int64_t far = 1; far < n; far *= 2)
        for (int64_t i = 0; i + far < n; i += 2 * far)
            t_add_(t_select(x, 0, i), t_select(x, 0, i + far), 1);
}

/* NCCL adds in an order of its own: it only carries, and the ranks' parts are added here. Costs
 * memory for a bucket of each rank, and size / 2 times the traffic. */
static void sum_as_tree(struct reducer *r, struct bucket *b) {
    int scope = t_scope_open("sum of ranks", T_NO_GRAD);
    tensor *all = t_empty(SHAPE(comm_size(r->comm), t_numel(b->flat)), T_F32);
    comm_gather_tensor(r->comm, b->flat, all);
    add_rows(all);
    t_copy_(b->flat, t_select(all, 0, 0));
    t_scope_close(scope, NULL);
}

/* In order: all ranks must begin the same sums one after the other. */
static void begin_full_ones(struct reducer *r) {
    while (r->begun < r->n_buckets && !r->bucket[r->order[r->begun]].missing && !error_status()) {
        struct bucket *b = &r->bucket[r->order[r->begun++]];
        if (r->tree && comm_has_nccl(r->comm))
            sum_as_tree(r, b);
        else
            comm_sum_tensor_start(r->comm, b->flat, r->shared);
    }
}

/* One gradient of it less to wait for. */
static void count_in(struct reducer *r, size_t bucket) {
    if (!--r->bucket[bucket].missing) r->filled[r->n_filled++] = bucket;
}

/* Into its bucket, which it then lives in. */
static void put(struct reducer *r, size_t i, tensor *grad) {
    struct member *m = &r->member[i];
    if (m->there) return;
    t_copy_(m->part, grad);
    t_set_grad(m->t, m->part);
    m->there = true;
    count_in(r, m->bucket);
}

static void on_grad(void *ctx, size_t i) {
    struct reducer *r = ctx;
    if (!r->listening) return;
    put(r, i, t_grad(r->member[i].t));
    begin_full_ones(r);
}

static void add_to_bucket(struct reducer *r, size_t i) {
    int64_t size = t_numel(r->member[i].t);
    int64_t most = comm_has_nccl(r->comm) ? BUCKET_NCCL : BUCKET_MPI;
    struct bucket *b = r->n_buckets ? &r->bucket[r->n_buckets - 1] : NULL;
    if (!b || b->floats + size > most) {
        r->bucket = mem_grow(r->bucket, &r->cap, r->n_buckets + 1, sizeof *r->bucket);
        b = &r->bucket[r->n_buckets++];
        *b = (struct bucket){.first = i};
    }
    r->member[i].bucket = r->n_buckets - 1;
    b->end = i + 1;
    b->floats += size;
}

/* Of the GPU and of NCCL there is none that ranks share. NULL: buckets lie anywhere. */
static tensor *share(struct reducer *r, bool wanted) {
    int64_t floats = 0;
    for (size_t b = 0; b < r->n_buckets; b++) {
        r->bucket[b].at = floats;
        floats += (r->bucket[b].floats + LINE - 1) / LINE * LINE;
    }
    if (error_status() || t_device() != T_CPU || comm_has_nccl(r->comm)) return NULL;
    r->shared = shared_open(r->comm, (size_t)floats, wanted);
    return r->shared ? shared_tensor(r->shared) : NULL;
}

static void make_room(struct reducer *r, bool shared) {
    int scope = t_scope_open("gradients", T_NO_GRAD);
    tensor *all = share(r, shared); /* [floats of all buckets] */
    for (size_t b = 0; b < r->n_buckets; b++) {
        struct bucket *bucket = &r->bucket[b];
        int64_t floats = bucket->floats, at = 0;
        tensor *flat = all ? t_narrow(all, 0, bucket->at, floats) : t_zeros(SHAPE(floats), T_F32);
        bucket->flat = t_hold(flat); /* [floats] */
        for (size_t i = bucket->first; i < bucket->end; i++) {
            struct member *m = &r->member[i];
            m->part = t_hold(t_part_like(flat, at, m->t));
            at += t_numel(m->t);
        }
    }
    t_scope_close(scope, NULL);
}

struct reducer *reducer_open(struct comm *c, struct params *p, struct reducer_options o) {
    if (!c && !o.tree) return NULL;
    struct reducer *r = mem_alloc(1, sizeof *r);
    *r = (struct reducer){.comm = c, .shards = o.shards, .tree = o.tree};
    r->member = mem_alloc(p->n, sizeof *r->member);
    for (size_t i = p->n; i--;) {
        if (!p->at[i].trainable) continue;
        REQUIRE(error_status() || t_dtype(p->at[i].t) == T_F32, "%s is not float32", p->at[i].name);
        r->member[r->n].t = p->at[i].t;
        add_to_bucket(r, r->n++);
    }
    make_room(r, o.shared);
    r->order = mem_alloc(r->n_buckets, sizeof *r->order);
    r->filled = mem_alloc(r->n_buckets, sizeof *r->filled);
    for (size_t b = 0; b < r->n_buckets; b++) r->order[b] = b;
    for (size_t i = 0; i < r->n; i++) t_on_grad(r->member[i].t, on_grad, r, i);
    return r;
}

static void drop_level(struct reducer *r, int k) {
    for (size_t i = 0; r->level[k].grad && i < r->n; i++) t_drop(r->level[k].grad[i]);
    free(r->level[k].grad);
    r->level[k].grad = NULL;
}

void reducer_close(struct reducer *r) {
    if (!r || comm_is_summing(r->comm)) return; /* a step has failed, and so this process ends */
    for (size_t i = 0; i < r->n; i++) {
        t_on_grad(r->member[i].t, NULL, NULL, 0);
        t_drop(r->member[i].part);
    }
    for (size_t b = 0; b < r->n_buckets; b++) t_drop(r->bucket[b].flat);
    for (int k = 0; k < LEVELS; k++) drop_level(r, k);
    shared_close(r->shared);
    free(r->bucket);
    free(r->order);
    free(r->filled);
    free(r->member);
    free(r);
}

/* ---- the tree ---- */

/* The parameters' gradients, which they no longer have. */
static tensor **take_grads(struct reducer *r) {
    tensor **grad = mem_alloc(r->n, sizeof(tensor *));
    for (size_t i = 0; i < r->n; i++) {
        tensor *g = t_grad(r->member[i].t);
        grad[i] = t_hold(g);
        if (g) t_clear_grad(r->member[i].t);
    }
    return grad;
}

/* Adds the earlier shards' sums to the later ones', as a counter in base two carries. */
static void carry(struct reducer *r, tensor **grad) {
    int k = 0;
    for (; r->level[k].grad; k++) {
        tensor **earlier = r->level[k].grad;
        for (size_t i = 0; i < r->n; i++) {
            if (earlier[i] && grad[i]) t_add_(earlier[i], grad[i], 1);
            if (!earlier[i]) continue;
            t_drop(grad[i]);
            grad[i] = earlier[i];
            earlier[i] = NULL;
        }
        drop_level(r, k);
    }
    r->level[k].grad = grad;
}

/* The one sum that is left becomes the parameters' gradients. */
static void give_back(struct reducer *r) {
    int k = 0;
    while (k < LEVELS && !r->level[k].grad) k++;
    for (size_t i = 0; k < LEVELS && i < r->n; i++)
        if (r->level[k].grad[i]) t_set_grad(r->member[i].t, r->level[k].grad[i]);
    for (k = 0; k < LEVELS; k++) drop_level(r, k);
}

/* ---- a step ---- */

void reducer_shard_begin(struct reducer *r, int64_t i) {
    if (!r) return;
    if (i == 0) {
        r->begun = r->n_filled = 0;
        for (size_t m = 0; m < r->n; m++) r->member[m].there = false;
        for (size_t b = 0; b < r->n_buckets; b++)
            r->bucket[b].missing = r->bucket[b].end - r->bucket[b].first;
    }
    r->listening = r->comm && i == r->shards - 1 && (!r->tree || r->shards == 1);
}

void reducer_shard_end(struct reducer *r, int64_t i) {
    if (!r) return;
    r->listening = false;
    (void)i;
    if (r->tree && r->shards > 1) carry(r, take_grads(r));
}

/* From the first step: no sum waits for a bucket that is full later
 * (MaskFormer's layers go from the deepest stage up, and are registered the other way). Rank 0's
 * order is that of all. What a bucket holds stays as it is, and so does every bit of its sum,
 * whatever the order: a resumed run, which learns anew, is equal. */
static void learn_order(struct reducer *r) {
    if (r->learned || r->n_filled != r->n_buckets || error_status()) return;
    memcpy(r->order, r->filled, r->n_buckets * sizeof *r->order);
    comm_broadcast(r->comm, r->order, r->n_buckets * sizeof *r->order);
    r->learned = true;
}

/* Which gradients there are, on any rank: who has none puts nothing, that is zeros. */
static void fill_up(struct reducer *r) {
    int64_t *has = mem_alloc(r->n, sizeof *has);
    for (size_t i = 0; i < r->n; i++) {
        tensor *g = t_grad(r->member[i].t);
        has[i] = g != NULL;
        if (g) put(r, i, g);
        if (g) continue;
        t_zero_(r->member[i].part);
        count_in(r, r->member[i].bucket);
    }
    begin_full_ones(r);
    if (!error_status()) {
        comm_sum_counts(r->comm, has, r->n);
        comm_sums_wait(r->comm);
        learn_order(r);
    }
    for (size_t i = 0; i < r->n; i++)
        if (has[i]) t_set_grad(r->member[i].t, r->member[i].part);
    free(has);
}

int reducer_finish(struct reducer *r) {
    if (!r || error_status()) return error_status();
    int scope = t_scope_open("gradients", T_NO_GRAD);
    if (r->tree && r->shards > 1) give_back(r);
    if (r->comm) fill_up(r);
    t_scope_close(scope, NULL);
    return error_status();
}
