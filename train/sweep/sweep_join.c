#include "train/sweep/sweep_join.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"

/* The slot of a run folder: of its stage, or free (SIZE_MAX). */
static size_t *slot_of(const struct sweep *s, const char *dir) {
    size_t i = (size_t)hash_string(dir) & (s->n_slots - 1);
    while (s->slot[i] != SIZE_MAX && strcmp(s->stage[s->slot[i]].dir, dir) != 0)
        i = (i + 1) & (s->n_slots - 1);
    return &s->slot[i];
}

/* At most half of the slots are taken. */
static void make_room(struct sweep *s) {
    if (2 * (s->n_stages + 1) <= s->n_slots) return;
    free(s->slot);
    s->n_slots = s->n_slots ? 2 * s->n_slots : 64;
    s->slot = mem_alloc(s->n_slots, sizeof *s->slot);
    memset(s->slot, 0xFF, s->n_slots * sizeof *s->slot);
    for (size_t i = 0; i < s->n_stages; i++) *slot_of(s, s->stage[i].dir) = i;
}

static size_t add_stage(struct sweep *s, size_t trial, const struct node *n) {
    make_room(s);
    size_t *slot = slot_of(s, n->dir);
    if (*slot != SIZE_MAX) return *slot;
    s->stage = mem_grow(s->stage, &s->stages_cap, s->n_stages + 1, sizeof *s->stage);
    struct sweep_stage *to = &s->stage[s->n_stages];
    *to = (struct sweep_stage){.name = mem_strdup(n->name),
                               .kind = mem_strdup(n->stage->name),
                               .dir = mem_strdup(n->dir),
                               .trial = trial,
                               .state = n->done ? SWEEP_DONE : SWEEP_WAITING,
                               .reused = n->done,
                               .seconds = n->seconds};
    clock_parse_span(n->config.resources.time, &to->asks); /* 0 where it is none */
    for (size_t k = 0; k < n->n_inputs; k++)
        if (n->input[k].node) strings_add(&to->inputs, n->input[k].node->dir);
    return *slot = s->n_stages++;
}

static void note(struct sweep_trial *t, size_t stage, size_t *n_trials) {
    for (size_t k = 0; k < t->n_stages; k++)
        if (t->stage[k] == stage) return;
    t->stage = mem_grow(t->stage, &t->cap, t->n_stages + 1, sizeof *t->stage);
    t->stage[t->n_stages++] = stage;
    (*n_trials)++;
}

static void want(struct sweep_trial *t, size_t stage) {
    for (size_t k = 0; k < t->n_wanted; k++)
        if (t->wanted[k] == stage) return;
    REQUIRE(t->n_wanted < WANTED_MAX, "a trial wants more than %d stages", WANTED_MAX);
    t->wanted[t->n_wanted++] = stage;
}

void sweep_join(struct sweep *s, size_t trial, const struct graph *g, bool judged) {
    struct sweep_trial *t = &s->trial[trial];
    const struct node *closing = g->named->then ? g->named->then : g->named;
    for (size_t i = 0; i < g->n; i++) {
        const struct node *n = g->at[i];
        size_t stage = add_stage(s, trial, n);
        note(t, stage, &s->stage[stage].n_trials);
        if (n == g->named || n == closing) want(t, stage);
        if (n != closing) continue;
        if (!judged) t->closing = stage;
        t->judged = stage;
    }
}

void sweep_join_needs(struct sweep *s) {
    for (size_t i = 0; i < s->n_stages; i++) {
        struct sweep_stage *stage = &s->stage[i];
        stage->need = mem_alloc(stage->inputs.n, sizeof *stage->need);
        for (size_t k = 0; k < stage->inputs.n; k++)
            stage->need[k] = *slot_of(s, stage->inputs.at[k]);
    }
}
