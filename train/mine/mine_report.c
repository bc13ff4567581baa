#include "train/mine/mine_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "data/rle.h"
#include "data/scenes.h"
#include "data/singular.h"
#include "train/signals.h"

/* The class of the drawn world that a word stands for, by its name; NULL: none. */
static const char *scene_name(const char *noun) {
    for (int k = 0; k < SCENE_CLASSES; k++) {
        const struct scene_class *c = &scene_classes[k];
        const char *const words[] = {c->name, c->plural, c->synonym, c->synonym_plural};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (words[i] && strcmp(words[i], noun) == 0) return c->name;
    }
    return NULL;
}

static int64_t class_of(const struct dataset *d, const char *noun) {
    struct str singular = {0};
    noun_singular(noun, &singular);
    const char *scene = scene_name(noun);
    int64_t found = -1;
    for (int64_t k = 0; found < 0 && k < d->n_classes; k++) {
        const char *name = d->class_name[k];
        if (strcmp(name, noun) == 0 || strcmp(name, singular.at) == 0 ||
            (scene && strcmp(name, scene) == 0))
            found = k;
    }
    str_free(&singular);
    return found;
}

/* -1: none of its pixels is labelled. */
static int64_t majority(const struct mask *m, const struct labels *l, int64_t K, int64_t *count) {
    memset(count, 0, (size_t)K * sizeof *count);
    for (int64_t i = 0; i < l->h * l->w; i++)
        if (m->at[i] && l->at[i] < K) count[l->at[i]]++;
    int64_t best = 0;
    for (int64_t k = 1; k < K; k++)
        if (count[k] > count[best]) best = k;
    return count[best] ? best : -1;
}

/* The map of pair i's picture; nothing in it when there is none, or when it is damaged and that may
 * be: then there is nothing to judge by. */
static int labels_of(const struct pairs *p, int64_t i, const struct dataset *d,
                     struct damage *damage, struct labels *l) {
    int status = d->source->labels(d, p->at[i].image, l);
    if (status == ERR_MISSING) {
        error_clear();
        return 0;
    }
    return status ? damage_met(damage, p->at[i].image) : 0;
}

/* Pair i, whose noun names class k. `count` [classes] is room to count in. */
static int judge(struct mine_report *r, const struct pairs *p, int64_t i, int64_t k,
                 const struct dataset *d, struct damage *damage, int64_t *count) {
    struct bytes packed = {0};
    struct mask m = {0};
    struct labels l = {0};
    int status = pairs_mask(p, i, &packed);
    if (!status) status = rle_unpack(packed.at, packed.n, p->at[i].h, p->at[i].w, &m);
    if (!status) status = labels_of(p, i, d, damage, &l);
    if (!status && l.at && l.h == m.h && l.w == m.w) {
        bool right = majority(&m, &l, d->n_classes, count) == k;
        r->classed++;
        r->right += right;
        *(d->class_seen[k] ? &r->seen : &r->unseen) += 1;
        *(d->class_seen[k] ? &r->seen_right : &r->unseen_right) += right;
    }
    bytes_free(&packed);
    mask_free(&m);
    labels_free(&l);
    return status;
}

int mine_report_of(struct mine_report *r, const struct pairs *p, const struct dataset *d,
                   struct damage *damage) {
    *r = (struct mine_report){.pairs = p->n, .nouns = (int64_t)p->noun.n};
    if (!d->has_labels) return 0;
    int64_t *named = mem_alloc(p->noun.n, sizeof *named);
    int64_t *count = mem_alloc((size_t)d->n_classes, sizeof *count);
    for (size_t i = 0; i < p->noun.n; i++) named[i] = class_of(d, p->noun.at[i]);
    int status = 0;
    for (int64_t i = 0; !status && i < p->n; i++) {
        int64_t k = named[p->at[i].noun];
        if (k < 0) continue;
        status = judge(r, p, i, k, d, damage, count);
        if (!status && signals_pending())
            status = signals_error("the pairs are kept, the same command judges them again");
    }
    free(named);
    free(count);
    return status;
}

double mine_percent(int64_t part, int64_t whole) {
    return whole ? 100 * (double)part / (double)whole : NAN;
}

int mine_report_write(const struct mine_report *r, const char *run) {
    struct str s = {0};
    struct json_out j = {.to = &s};
    json_object(&j);
    json_key_int(&j, "pairs", r->pairs);
    json_key_int(&j, "nouns", r->nouns);
    json_key_int(&j, "pairs_of_classes", r->classed);
    json_key(&j, "purity");
    json_object(&j);
    json_key_real(&j, "all_pairs", mine_percent(r->right, r->classed ? r->pairs : 0));
    json_key_real(&j, "classes", mine_percent(r->right, r->classed));
    json_key_real(&j, "seen", mine_percent(r->seen_right, r->seen));
    json_key_real(&j, "unseen", mine_percent(r->unseen_right, r->unseen));
    json_end(&j);
    json_end(&j);
    char *path = path_join(run, "mining.json");
    int status = file_write(path, s.at, s.n);
    free(path);
    str_free(&s);
    return status;
}
