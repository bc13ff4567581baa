/* Who trains and who is held out. Pictures that are nearly the same (a burst, a frame of a film and
 * the next, a copy at another size) stay on one side: a held-out picture that was trained on would
 * be judged too well. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"
#include "train/own/own.h"

enum {
    RISES_APART = 5, /* of 64: rises of brightness that may differ */
    COLOUR_APART = 8 /* mean difference of small copies, of 255 */
};

/* ---- alike ---- */

static bool are_alike(const struct own_signature *a, const struct own_signature *b) {
    if (__builtin_popcountll(a->rises ^ b->rises) > RISES_APART) return false;
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof a->rgb; i++) sum += abs(a->rgb[i] - b->rgb[i]);
    return sum <= COLOUR_APART * (int64_t)sizeof a->rgb;
}

static int64_t root_of(struct own *o, int64_t i) {
    while (o->at[i].group != i) i = o->at[i].group = o->at[o->at[i].group].group;
    return i;
}

/* Every picture with those before it; pairs are found by all threads and joined by one. */
void own_alike(struct own *o) {
    int64_t n = (int64_t)o->n;
    for (int64_t i = 0; i < n; i++) o->at[i].group = i;
#pragma omp parallel for schedule(dynamic, 64)
    for (int64_t i = 1; i < n; i++)
        for (int64_t k = 0; k < i && !o->at[i].out; k++) {
            if (o->at[k].out || !are_alike(&o->at[i].look, &o->at[k].look)) continue;
#pragma omp critical(own_alike)
            {
                int64_t a = root_of(o, i), b = root_of(o, k);
                o->at[a > b ? a : b].group = a > b ? b : a;
            }
        }
    for (int64_t i = 0; i < n; i++) {
        o->at[i].group = root_of(o, i);
        o->n_alike += o->at[i].group != i;
    }
}

/* ---- split ---- */

enum { TRAIN, VAL, TEST };

/* Where masks are, they are what is held out, since they alone can judge. */
static bool counts(const struct own *o, const struct own_picture *p) {
    return !p->out && (o->n_masks ? p->has_mask : p->captions > 0);
}

/* Of n that count: a table of its own needs enough to be chosen and judged on apart. */
static void want(int64_t n, bool masks, int64_t *val, int64_t *test) {
    enum { FOR_TEST = 30 };
    *test = masks && n >= FOR_TEST ? n * 15 / 100 : 0;
    *val = n * (*test ? 15 : masks ? 25 : 10) / 100;
    if (!*val && n > (masks ? 0 : 1)) *val = 1;
}

/* The groups of what counts, in an order that the seed draws: [*n] roots, owned. */
static int64_t *groups_of(const struct own *o, int64_t *n) {
    bool *in = mem_alloc(o->n + 1, sizeof *in);
    int64_t *root = mem_alloc(o->n + 1, sizeof *root);
    *n = 0;
    for (size_t i = 0; i < o->n; i++)
        if (counts(o, &o->at[i]) && !in[o->at[i].group]) in[root[(*n)++] = o->at[i].group] = true;
    struct rng rng = rng_stream((uint64_t)o->seed, "init split", 0);
    rng_shuffle(&rng, root, *n);
    free(in);
    return root;
}

/* The first of the smallest groups. */
static int64_t smallest(const int64_t *root, int64_t n, const int64_t *size) {
    int64_t least = root[0];
    for (int64_t g = 1; g < n; g++)
        if (size[root[g]] < size[least]) least = root[g];
    return least;
}

/* side[root]: of its group. A group that is larger than what is still wanted trains; where all are
 * (bursts), one is held out nevertheless. */
static void deal(const struct own *o, int *side) {
    int64_t *size = mem_alloc(o->n + 1, sizeof *size), n, total = 0, left[3] = {0};
    for (size_t i = 0; i < o->n; i++) {
        bool it = counts(o, &o->at[i]);
        size[o->at[i].group] += it;
        total += it;
    }
    int64_t *root = groups_of(o, &n);
    bool held = false;
    want(total, o->n_masks > 0, &left[VAL], &left[TEST]);
    for (int64_t g = 0; g < n; g++)
        for (int k = VAL; k <= TEST && side[root[g]] == TRAIN; k++)
            if (size[root[g]] <= left[k]) {
                side[root[g]] = k;
                left[k] -= size[root[g]];
                held = true;
            }
    if (!held && n > 1) side[smallest(root, n, size)] = VAL;
    free(size);
    free(root);
}

int own_split(struct own *o) {
    int *side = mem_alloc(o->n + 1, sizeof *side);
    deal(o, side);
    for (size_t i = 0; i < o->n; i++) {
        const struct own_picture *p = &o->at[i];
        if (p->out) continue;
        int k = side[p->group];
        strings_add(&o->list[k], p->file);
        *(k == TRAIN ? &o->train_masks : &o->held_masks[k - VAL]) += p->has_mask;
    }
    free(side);
    if (!o->n_masks || o->list[VAL].n) return 0;
    return error_set(ERR_DATA,
                     "%s: all %lld pictures with masks are nearly the same: none could be held out "
                     "to judge by: add masks of others",
                     o->images, (long long)o->n_masks);
}

bool own_few_held(const struct own *o, struct str *text) {
    enum { FEW = 50 };
    int64_t val = o->held_masks[0], test = o->held_masks[1], least = test ? test : val;
    if (!least || least >= FEW) return false;
    str_add(text, "%lld picture%s with masks %s", (long long)val, val == 1 ? "" : "s",
            val == 1 ? "is" : "are");
    if (test)
        str_add(text, " validated on, %lld %s in the table", (long long)test,
                test == 1 ? "is" : "are");
    else
        str_add(text, " validated on and in the table");
    str_add(
        text,
        ": one is about %lld %% of a figure, and a difference of as much may be one picture; more "
        "masks, or the intervals of `ovseg report --compare A B`, say more",
        (long long)((100 + least / 2) / least));
    return true;
}
