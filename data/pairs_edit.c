#include "data/pairs_edit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "data/pairs_edit_json.h"
#include "data/pairs_write.h"

void pairs_edit_init(struct pairs_edit *e) {
    *e = (struct pairs_edit){.score_lo = -INFINITY, .score_hi = INFINITY};
}

void pairs_edit_free(struct pairs_edit *e) {
    pair_ids_free(&e->drop_id);
    pair_ids_free(&e->keep_id);
    string_map_free(&e->rename);
    strings_free(&e->drop_noun);
    strings_free(&e->keep_noun);
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void pair_ids_add(struct pair_ids *ids, int64_t id) {
    ids->at = mem_grow(ids->at, &ids->cap, ids->n + 1, sizeof *ids->at);
    ids->at[ids->n++] = id;
}

void pair_ids_sort(struct pair_ids *ids) {
    size_t n = 0;
    if (ids->n) qsort(ids->at, ids->n, sizeof *ids->at, by_number);
    for (size_t i = 0; i < ids->n; i++)
        if (!n || ids->at[n - 1] != ids->at[i]) ids->at[n++] = ids->at[i];
    ids->n = n;
}

void pair_ids_free(struct pair_ids *ids) {
    free(ids->at);
    *ids = (struct pair_ids){0};
}

/* An edit under way. */
struct editing {
    const struct pairs *p;
    const struct pairs_edit *e;
    struct pairs_edited *done;
    struct strings name; /* old and new nouns, sorted, each once */
    int64_t *noun;       /* [p->n], rows of `name` */
    bool *kept;          /* [p->n] */
    int64_t *count;      /* [name.n]: kept pairs */
};

static bool drop(struct editing *x, int64_t i, int64_t *counter) {
    if (!x->kept[i]) return false;
    x->kept[i] = false;
    ++*counter;
    return true;
}

/* ---- 1, 2: ids and scores ---- */

static int64_t unknown(const struct pair_ids *ids, const struct pair_ids *all) {
    int64_t n = 0;
    for (size_t i = 0; i < ids->n; i++)
        n += !all->n || !bsearch(&ids->at[i], all->at, all->n, sizeof *all->at, by_number);
    return n;
}

static bool listed(const struct pair_ids *ids, int64_t id) {
    return ids->n && bsearch(&id, ids->at, ids->n, sizeof *ids->at, by_number);
}

static void edit_ids(struct editing *x) {
    const struct pairs *p = x->p;
    struct pair_ids all = {0};
    if (x->e->drop_id.n || x->e->keep_ids) {
        for (int64_t i = 0; i < p->n; i++) pair_ids_add(&all, p->id[i]);
        pair_ids_sort(&all); /* a rename may have turned them around */
    }
    x->done->unknown_ids = unknown(&x->e->drop_id, &all) + unknown(&x->e->keep_id, &all);
    pair_ids_free(&all);
    for (int64_t i = 0; i < p->n; i++)
        if (listed(&x->e->drop_id, p->id[i]) ||
            (x->e->keep_ids && !listed(&x->e->keep_id, p->id[i])))
            drop(x, i, &x->done->by_id);
}

static void edit_scores(struct editing *x) {
    for (int64_t i = 0; i < x->p->n; i++) {
        double s = (double)x->p->at[i].similarity;
        if (s < x->e->score_lo || s > x->e->score_hi) drop(x, i, &x->done->by_score);
    }
}

/* ---- 3, 4: nouns ---- */

/* All names that there may be, and each pair's among them. */
static void rename_nouns(struct editing *x) {
    const struct pairs *p = x->p;
    const struct string_map *m = &x->e->rename;
    for (size_t i = 0; i < p->noun.n; i++) strings_add(&x->name, p->noun.at[i]);
    for (size_t i = 0; i < m->values.n; i++) strings_add(&x->name, m->values.at[i]);
    strings_settle(&x->name);
    int64_t *to = mem_alloc(p->noun.n + 1, sizeof *to);
    for (size_t i = 0; i < p->noun.n; i++) to[i] = strings_find(&x->name, p->noun.at[i]);
    for (size_t i = 0; i < m->names.n; i++) {
        int64_t old = strings_find(&p->noun, m->names.at[i]);
        if (old < 0)
            x->done->unknown_nouns++;
        else
            to[old] = strings_find(&x->name, m->values.at[i]);
    }
    for (int64_t i = 0; i < p->n; i++) {
        x->noun[i] = to[p->at[i].noun];
        x->done->renamed +=
            x->kept[i] && strcmp(x->name.at[x->noun[i]], p->noun.at[p->at[i].noun]) != 0;
    }
    free(to);
}

static bool same_caption(const struct pair *a, const struct pair *b) {
    return a->image == b->image && a->caption == b->caption;
}

/* Pairs that differed by their nouns alone. A caption has few: all against all. */
static void join_same(struct editing *x) {
    const struct pair *at = x->p->at;
    if (!x->e->rename.names.n) return;
    for (int64_t i = 0; i < x->p->n; i++)
        for (int64_t k = i + 1; k < x->p->n && same_caption(&at[i], &at[k]) && x->kept[i]; k++) {
            if (!x->kept[k] || x->noun[i] != x->noun[k] || at[i].proposal != at[k].proposal)
                continue;
            drop(x, at[k].similarity > at[i].similarity ? i : k, &x->done->made_one);
        }
}

static void mark(struct editing *x, const struct strings *names, bool *marked) {
    for (size_t i = 0; i < names->n; i++) {
        int64_t k = strings_find(&x->name, names->at[i]);
        if (k < 0)
            x->done->unknown_nouns++;
        else
            marked[k] = true;
    }
}

static void edit_nouns(struct editing *x) {
    bool *dropped = mem_alloc(x->name.n + 1, sizeof *dropped);
    bool *wanted = mem_alloc(x->name.n + 1, sizeof *wanted);
    mark(x, &x->e->drop_noun, dropped);
    mark(x, &x->e->keep_noun, wanted);
    for (int64_t i = 0; i < x->p->n; i++)
        if (dropped[x->noun[i]] || (x->e->keep_nouns && !wanted[x->noun[i]]))
            drop(x, i, &x->done->by_noun);
    free(dropped);
    free(wanted);
}

/* ---- 5, 6: counts ---- */

static void edit_rare(struct editing *x) {
    for (int64_t i = 0; i < x->p->n; i++) x->count[x->noun[i]] += x->kept[i];
    for (int64_t i = 0; i < x->p->n; i++)
        if (x->count[x->noun[i]] < x->e->min_count) drop(x, i, &x->done->by_min_count);
}

/* A pair and what it is chosen by: the least first. */
struct choice {
    int64_t noun, pair;
    double key;
};

static int by_choice(const void *a, const void *b) {
    const struct choice *x = a, *y = b;
    if (x->noun != y->noun) return x->noun < y->noun ? -1 : 1;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->pair < y->pair ? -1 : x->pair > y->pair;
}

static int edit_frequent(struct editing *x) {
    const struct pairs *p = x->p;
    if (!x->e->max_per_noun) return 0;
    struct choice *c = mem_try((size_t)p->n, sizeof *c);
    if (!c) return error_status();
    int64_t n = 0;
    for (int64_t i = 0; i < p->n; i++)
        if (x->kept[i]) c[n++] = (struct choice){x->noun[i], i, -(double)p->at[i].similarity};
    if (!x->e->best) /* a draw for each pair, by its id: other pairs do not change it */
        for (int64_t k = 0; k < n; k++) {
            uint64_t noun = hash_string(x->name.at[c[k].noun]);
            struct rng r =
                rng_stream((uint64_t)x->e->seed, "max-per-noun", noun ^ (uint64_t)p->id[c[k].pair]);
            c[k].key = rng_uniform(&r);
        }
    if (n) qsort(c, (size_t)n, sizeof *c, by_choice);
    for (int64_t k = 0, rank = 0; k < n; k++) {
        rank = k && c[k - 1].noun == c[k].noun ? rank + 1 : 0;
        if (rank >= x->e->max_per_noun) drop(x, c[k].pair, &x->done->by_max);
    }
    free(c);
    return 0;
}

/* ---- the new folder ---- */

struct row {
    int64_t image, caption, noun, pair;
};

static int by_row(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->image != y->image) return x->image < y->image ? -1 : 1;
    if (x->caption != y->caption) return x->caption < y->caption ? -1 : 1;
    if (x->noun != y->noun) return x->noun < y->noun ? -1 : 1;
    return x->pair < y->pair ? -1 : x->pair > y->pair;
}

static int write_shard(const struct editing *x, const char *dir, int64_t k) {
    const struct pairs *p = x->p;
    struct pairs_block b = pairs_block(p, k);
    struct pairs_shard shard;
    struct row *row = mem_alloc((size_t)b.n + 1, sizeof *row);
    int64_t *id = mem_alloc((size_t)b.n + 1, sizeof *id), n = 0;
    for (int64_t i = b.first; i < b.first + b.n; i++)
        if (x->kept[i]) row[n++] = (struct row){p->at[i].image, p->at[i].caption, x->noun[i], i};
    if (n) qsort(row, (size_t)n, sizeof *row, by_row); /* new names have other places */
    pairs_shard_open(&shard, dir, k, b.first_image, b.n_images, &p->source);
    int status = 0;
    for (int64_t i = 0; !status && i < n; i++) {
        struct bytes mask;
        if (i % 256 == 0 && x->e->stop) status = x->e->stop();
        if (!status) status = pairs_mask(p, row[i].pair, &mask);
        if (status) break;
        pairs_shard_add(&shard, &p->at[row[i].pair], x->name.at[row[i].noun], mask.at, mask.n);
        id[i] = p->id[row[i].pair];
        bytes_free(&mask);
    }
    pairs_shard_ids(&shard, id);
    if (!status) status = pairs_shard_commit(&shard);
    pairs_shard_drop(&shard);
    free(row);
    free(id);
    return status;
}

static int write_folder(const struct editing *x, const char *dir) {
    struct dir_out to;
    struct str edits = {0};
    pairs_edit_json(x->p, x->e, &edits);
    int status = dir_out_open(&to, dir);
    for (int64_t k = 0; !status && k < x->p->n_shards; k++) {
        status = write_shard(x, to.tmp, k);
        if (!status && x->e->stop) status = x->e->stop();
    }
    if (!status) status = pairs_manifest_edited(to.tmp, x->p->n_shards, &x->p->source, edits.at);
    str_free(&edits);
    return dir_out_close(&to, status);
}

static int edit(struct editing *x) {
    edit_ids(x);
    edit_scores(x);
    rename_nouns(x);
    join_same(x);
    edit_nouns(x);
    x->count = mem_alloc(x->name.n + 1, sizeof *x->count);
    edit_rare(x);
    int status = edit_frequent(x);
    for (int64_t i = 0; i < x->p->n; i++) x->done->left += x->kept[i];
    if (!status && !x->done->left)
        status = error_set(ERR_DATA, "no pair of %lld would be left: nothing is written",
                           (long long)x->p->n);
    return status;
}

int pairs_edit_write(const struct pairs *p, struct pairs_edit *e, const char *dir,
                     struct pairs_edited *done) {
    struct editing x = {.p = p, .e = e, .done = done};
    *done = (struct pairs_edited){0};
    pair_ids_sort(&e->drop_id);
    pair_ids_sort(&e->keep_id);
    x.noun = mem_try((size_t)p->n, sizeof *x.noun);
    x.kept = mem_try((size_t)p->n, sizeof *x.kept);
    int status = error_status();
    if (x.noun && x.kept) {
        for (int64_t i = 0; i < p->n; i++) x.kept[i] = true;
        status = edit(&x);
        if (!status) status = write_folder(&x, dir);
    }
    strings_free(&x.name);
    free(x.noun);
    free(x.kept);
    free(x.count);
    return status;
}
