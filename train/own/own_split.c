/* Who trains and who is held out. Pictures that are nearly the same stay on one side: a held-out
 * picture that was trained on would be judged too well. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"
#include "train/own/own_before.h"

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

/* Of pictures that count: how many there are, and how many of a group. */
static int64_t *sizes_of(const struct own *o, int64_t *total) {
    int64_t *size = mem_alloc(o->n + 1, sizeof *size);
    *total = 0;
    for (size_t i = 0; i < o->n; i++) {
        bool it = counts(o, &o->at[i]);
        size[o->at[i].group] += it;
        *total += it;
    }
    return size;
}

/* The groups of what counts and has no side yet, in an order that the seed draws: [*n] roots,
 * owned. */
static int64_t *groups_of(const struct own *o, const int *side, int64_t *n) {
    bool *in = mem_alloc(o->n + 1, sizeof *in);
    int64_t *root = mem_alloc(o->n + 1, sizeof *root);
    *n = 0;
    for (size_t i = 0; i < o->n; i++) {
        int64_t g = o->at[i].group;
        if (!counts(o, &o->at[i]) || in[g] || side[g] != NEW) continue;
        in[root[(*n)++] = g] = true;
    }
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

/* Whole groups to the sides that have too few, the rest trains. side: [n] of a group's root. A
 * group that is larger than what is still wanted trains; where all are (bursts), one is held out
 * nevertheless. held[side]: pictures that count. */
static void deal(const struct own *o, int *side, int64_t held[SIDES]) {
    int64_t n, total, left[SIDES] = {0}, *size = sizes_of(o, &total);
    int64_t *root = groups_of(o, side, &n);
    want(total, o->n_masks > 0, &left[VAL], &left[TEST]);
    for (int64_t g = 0; g < n; g++)
        for (int k = VAL; k <= TEST && side[root[g]] == NEW; k++)
            if (held[k] + size[root[g]] <= left[k]) {
                side[root[g]] = k;
                held[k] += size[root[g]];
            }
    if (!held[VAL] && !held[TEST] && n > 1) side[smallest(root, n, size)] = VAL;
    free(size);
    free(root);
}

/* ---- an earlier call ---- */

/* The side of a group of which some pictures have one: what is nearly the same as a held-out
 * picture is held out, too. */
static void take_before(const struct own *o, const int *before, int *side, int64_t held[SIDES]) {
    for (size_t i = 0; i < o->n; i++) {
        int *of = &side[o->at[i].group];
        if (before[i] > *of) *of = before[i];
    }
    for (size_t i = 0; i < o->n; i++) {
        int k = before[i] != NEW ? before[i] : side[o->at[i].group];
        if (k != NEW && counts(o, &o->at[i])) held[k]++;
    }
}

/* Nothing is left that judges, or what judges are other pictures now; many new ones make up for it.
 */
static bool is_worn(const struct own *o, const int64_t held[SIDES]) {
    int64_t total, val, test, *size = sizes_of(o, &total);
    free(size);
    want(total, o->n_masks > 0, &val, &test);
    return val && !held[VAL] && 2 * held[TRAIN] > total;
}

static void note_kept(struct own *o, const int *before, size_t gone) {
    size_t is_new = 0;
    for (size_t i = 0; i < o->n; i++) is_new += !o->at[i].out && before[i] == NEW;
    if (is_new || gone)
        own_note(o,
                 "split/ stays as it was for the pictures that it had; %zu new one%s dealt out, "
                 "%zu %s gone; --seed N draws all anew",
                 is_new, is_new == 1 ? " is" : "s are", gone, gone == 1 ? "is" : "are");
}

/* side: [n] of a group's root; before: [n], NEW: the side of its group. */
static int decide(struct own *o, int *side, int *before) {
    int64_t held[SIDES] = {0};
    size_t gone = 0;
    bool some = false;
    for (size_t i = 0; i < o->n; i++) side[i] = before[i] = NEW;
    int status = o->draws_anew ? 0 : own_before(o, before, &some, &gone);
    if (status) return status;
    if (some) take_before(o, before, side, held);
    o->worn = some && is_worn(o, held);
    o->keeps_lists = some && !o->worn;
    if (o->worn && own_was_written(o, "split/val.txt"))
        own_note(o, "split/ was drawn anew: nothing of val.txt can judge any more");
    if (o->worn) {
        str_free(&o->left_out);
        memset(held, 0, sizeof held);
        for (size_t i = 0; i < o->n; i++) side[i] = before[i] = NEW;
    }
    if (o->keeps_lists) note_kept(o, before, gone);
    deal(o, side, held);
    return 0;
}

int own_split(struct own *o) {
    int *side = mem_alloc(o->n + 1, sizeof *side), *before = mem_alloc(o->n + 1, sizeof *before);
    int status = decide(o, side, before);
    for (size_t i = 0; i < o->n && !status; i++) {
        const struct own_picture *p = &o->at[i];
        if (p->out) continue;
        int k = before[i] != NEW ? before[i] : side[p->group] != NEW ? side[p->group] : TRAIN;
        strings_add(&o->list[k], p->file);
        *(k == TRAIN ? &o->train_masks : &o->held_masks[k - VAL]) += p->has_mask;
    }
    free(side);
    free(before);
    if (status || !o->n_masks || o->held_masks[0]) return status;
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
