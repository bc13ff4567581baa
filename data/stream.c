#include "data/stream.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"

void stream_open(struct stream *s, uint64_t seed, const char *purpose, int64_t n, int64_t batch,
                 const uint8_t *kind) {
    REQUIRE(batch > 0 && n > 0, "batches of %lld out of %lld samples", (long long)batch,
            (long long)n);
    *s = (struct stream){
        .seed = seed, .purpose = purpose, .n = n, .batch = batch, .kind = kind, .drawn = -1};
    s->order = mem_alloc((size_t)n, sizeof *s->order);
    s->taken = mem_alloc((size_t)batch, sizeof *s->taken);
    for (int k = 0; k < STREAM_KINDS; k++)
        s->next.sample[k] = mem_alloc((size_t)batch, sizeof *s->next.sample[k]);
}

void stream_close(struct stream *s) {
    free(s->order);
    free(s->taken);
    for (int k = 0; k < STREAM_KINDS; k++) free(s->next.sample[k]);
    *s = (struct stream){0};
}

static void draw_pass(struct stream *s) {
    for (int64_t i = 0; i < s->n; i++) s->order[i] = i;
    struct rng r = rng_stream(s->seed, s->purpose, (uint64_t)s->next.pass);
    rng_shuffle(&r, s->order, s->n);
    s->drawn = s->next.pass;
}

const int64_t *stream_next(struct stream *s) {
    struct stream_position *p = &s->next;
    for (;;) {
        if (s->drawn != p->pass) draw_pass(s);
        int64_t i = s->order[p->at++];
        if (p->at == s->n) {
            p->pass++;
            p->at = 0;
        }
        int k = s->kind ? s->kind[i] : 0;
        p->sample[k][p->waiting[k]++] = i;
        if (p->waiting[k] < s->batch) continue;
        p->waiting[k] = 0;
        memcpy(s->taken, p->sample[k], (size_t)s->batch * sizeof *s->taken);
        return s->taken;
    }
}

/* pass, at, how many wait of each kind, and they. */
enum { STATE_HEAD = 2 + STREAM_KINDS };

int64_t stream_state_size(int64_t batch) { return STATE_HEAD + STREAM_KINDS * batch; }

void stream_state(const struct stream *s, int64_t *to) {
    to[0] = s->next.pass;
    to[1] = s->next.at;
    for (int k = 0; k < STREAM_KINDS; k++) {
        to[2 + k] = s->next.waiting[k];
        memcpy(to + STATE_HEAD + k * s->batch, s->next.sample[k], (size_t)s->batch * sizeof *to);
    }
}

void stream_state_write(const int64_t *state, int64_t batch, struct json_out *j) {
    json_object(j);
    json_key_int(j, "pass", state[0]);
    json_key_int(j, "at", state[1]);
    json_key(j, "waiting");
    json_array(j);
    for (int k = 0; k < STREAM_KINDS; k++) {
        json_array(j);
        for (int64_t i = 0; i < state[2 + k]; i++) json_int(j, state[STATE_HEAD + k * batch + i]);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

/* A whole number of 0 .. end - 1. */
static bool whole(const cJSON *x, int64_t end, int64_t *out) {
    if (!cJSON_IsNumber(x) || !(x->valuedouble >= 0 && x->valuedouble < (double)end)) return false;
    *out = (int64_t)x->valuedouble;
    return (double)*out == x->valuedouble;
}

static bool read_waiting(const struct stream *s, int k, const cJSON *list,
                         struct stream_position *p) {
    const cJSON *x;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) >= s->batch) return false;
    cJSON_ArrayForEach(x, list) {
        int64_t i;
        if (!whole(x, s->n, &i) || (s->kind ? s->kind[i] : 0) != k) return false;
        p->sample[k][p->waiting[k]++] = i;
    }
    return true;
}

int stream_restore(struct stream *s, const cJSON *state) {
    const cJSON *waiting = cJSON_GetObjectItemCaseSensitive(state, "waiting");
    struct stream_position *p = &s->next;
    bool good =
        whole(cJSON_GetObjectItemCaseSensitive(state, "pass"), INT64_C(1) << 52, &p->pass) &&
        whole(cJSON_GetObjectItemCaseSensitive(state, "at"), s->n, &p->at) &&
        cJSON_IsArray(waiting) && cJSON_GetArraySize(waiting) == STREAM_KINDS;
    for (int k = 0; good && k < STREAM_KINDS; k++) {
        p->waiting[k] = 0;
        good = read_waiting(s, k, cJSON_GetArrayItem(waiting, k), p);
    }
    if (good) return 0;
    return error_set(ERR_DATA,
                     "the position of the samples is not one of these %lld samples in "
                     "batches of %lld",
                     (long long)s->n, (long long)s->batch);
}
