#include "data/damage.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

void damage_open(struct damage *d, struct damage_options o, int64_t n) {
    *d = (struct damage){.o = o, .n = n};
    pthread_mutex_init(&d->lock, NULL);
}

void damage_close(struct damage *d) {
    if (!d->n) return; /* never opened */
    pthread_mutex_destroy(&d->lock);
    free(d->sample);
    *d = (struct damage){0};
}

/* True when it is the first time. The lock is held. */
static bool add(struct damage *d, int64_t i) {
    for (size_t k = 0; k < d->met; k++)
        if (d->sample[k] == i) return false;
    d->sample = mem_grow(d->sample, &d->cap, d->met + 1, sizeof *d->sample);
    d->sample[d->met++] = i;
    return true;
}

int damage_met(struct damage *d, int64_t i) {
    int code = error_status();
    REQUIRE(code, "sample %lld is not damaged", (long long)i);
    /* A file may be done without; memory that ran out may not. */
    if (d->o.stop || (code != ERR_DATA && code != ERR_MISSING)) return code;
    pthread_mutex_lock(&d->lock);
    bool first = add(d, i);
    int64_t met = (int64_t)d->met;
    pthread_mutex_unlock(&d->lock);
    if ((double)met > d->o.most * (double)d->n)
        return error_context(
            "%lld of %lld samples are damaged, more than data.damaged_most "
            "allows; mend the data. The last one",
            (long long)met, (long long)d->n);
    if (first) log_warn("skipped: %s", error_message());
    error_clear();
    return 0;
}

int64_t damage_count(struct damage *d) {
    pthread_mutex_lock(&d->lock);
    int64_t met = (int64_t)d->met;
    pthread_mutex_unlock(&d->lock);
    return met;
}

void damage_report(struct damage *d, const char *who) {
    int64_t met = d->n ? damage_count(d) : 0;
    if (met)
        log_warn("%s: %lld of %lld samples could not be read; others took their places", who,
                 (long long)met, (long long)d->n);
}

static int rising(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void damage_write(struct damage *d, struct json_out *j) {
    pthread_mutex_lock(&d->lock);
    if (d->met) qsort(d->sample, d->met, sizeof *d->sample, rising);
    json_array(j);
    for (size_t k = 0; k < d->met; k++) json_int(j, d->sample[k]);
    json_end(j);
    pthread_mutex_unlock(&d->lock);
}

int damage_restore(struct damage *d, const cJSON *list) {
    const cJSON *x;
    bool good = cJSON_IsArray(list);
    cJSON_ArrayForEach(x, list) {
        good = good && cJSON_IsNumber(x) && x->valuedouble >= 0 && x->valuedouble < (double)d->n;
        if (good) add(d, (int64_t)x->valuedouble);
    }
    return good ? 0 : error_set(ERR_DATA, "its list of damaged samples is not one");
}

int64_t *damage_list(struct damage *d, size_t *n) {
    pthread_mutex_lock(&d->lock);
    if (d->met) qsort(d->sample, d->met, sizeof *d->sample, rising);
    int64_t *list = mem_alloc(d->met + 1, sizeof *list);
    *n = d->met;
    for (size_t k = 0; k < d->met; k++) list[k] = d->sample[k];
    pthread_mutex_unlock(&d->lock);
    return list;
}

void damage_add(struct damage *d, int64_t i) {
    pthread_mutex_lock(&d->lock);
    add(d, i);
    pthread_mutex_unlock(&d->lock);
}

/* The k-th that may take a place: those planned for the batch, from the place's own on; where none
 * of them can be read, all samples, from the one behind it on. */
static int64_t candidate(const int64_t *planned, int64_t n, int64_t place, int64_t k, int64_t all) {
    return k < n ? planned[(place + k) % n] : (planned[place] + 1 + k - n) % all;
}

int batch_make(const struct batch_maker *m, struct damage *d, int64_t step, const int64_t *planned,
               int64_t n, struct batch_part part, int64_t *used, void *slot) {
    for (int64_t to = 0; to < part.count; to++) {
        int64_t place = part.first + to;
        bool made = false;
        for (int64_t k = 0; !made && k < n + d->n; k++) {
            int64_t i = candidate(planned, n, place, k, d->n);
            struct rng r = rng_stream(m->seed, m->purpose, (uint64_t)(step * n + place));
            used[to] = i;
            made = m->sample(m->ctx, i, &r, to, slot) == 0;
            if (!made && damage_met(d, i)) return error_status();
        }
        if (!made)
            return error_set(ERR_DATA,
                             "none of all %lld samples can be read; the messages above name them",
                             (long long)d->n);
    }
    return 0;
}
