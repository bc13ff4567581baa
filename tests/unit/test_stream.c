#include "data/stream.h"

#include <cjson/cJSON.h>

#include "tests/test.h"

enum { N = 103, B = 8 };

static uint8_t kinds[N];

static void open_stream(struct stream *s, uint64_t seed, bool grouped) {
    for (int i = 0; i < N; i++) kinds[i] = i % 5 == 0;
    stream_open(s, seed, "test", N, B, grouped ? kinds : NULL);
}

TEST(each_pass_visits_every_sample_once_and_nothing_is_left_out) {
    struct stream s;
    open_stream(&s, 7, false);
    int64_t count[N] = {0}, first[N], same = 0;
    for (int64_t i = 0; i < N * 4; i++) { /* 4 passes: 51 batches and a half */
        static int64_t batch[B];
        if (i % B == 0) memcpy(batch, stream_next(&s), sizeof batch);
        int64_t x = batch[i % B];
        CHECK(x >= 0 && x < N);
        CHECK_INT(count[x]++, i / N);
        if (i < N)
            first[i] = x;
        else if (i < 2 * N)
            same += first[i - N] == x;
    }
    CHECK(same < 10); /* a fresh permutation */
    stream_close(&s);
}

TEST(batches_are_of_one_kind_and_both_kinds_are_gathered_across_passes) {
    struct stream s;
    open_stream(&s, 7, true);
    int64_t count[N] = {0};
    for (int64_t step = 0; step < 200; step++) {
        const int64_t *batch = stream_next(&s);
        for (int64_t i = 0; i < B; i++) {
            CHECK_INT(kinds[batch[i]], kinds[batch[0]]);
            count[batch[i]]++;
        }
    }
    for (int i = 0; i < N; i++) CHECK(count[i] >= 14 && count[i] <= 17); /* 1600 / 103 = 15.5 */
    stream_close(&s);
}

/* In arrival order within a kind: the plain stream's order, less the other kind. */
TEST(grouping_does_not_change_the_order_within_a_kind) {
    struct stream plain, grouped;
    open_stream(&plain, 9, false);
    open_stream(&grouped, 9, true);
    int64_t order[2][2000], n[2] = {0, 0}, at[2] = {0, 0};
    for (int64_t step = 0; step < 120; step++) {
        const int64_t *batch = stream_next(&plain);
        for (int64_t i = 0; i < B; i++) order[kinds[batch[i]]][n[kinds[batch[i]]]++] = batch[i];
    }
    for (int64_t step = 0; step < 100; step++) {
        const int64_t *batch = stream_next(&grouped);
        int k = kinds[batch[0]];
        for (int64_t i = 0; i < B; i++) CHECK_INT(batch[i], order[k][at[k]++]);
    }
    stream_close(&plain);
    stream_close(&grouped);
}

static cJSON *state_of(const struct stream *s) {
    int64_t *state = mem_alloc((size_t)stream_state_size(B), sizeof *state);
    struct str text = {0};
    struct json_out j = {.to = &text};
    stream_state(s, state);
    stream_state_write(state, B, &j);
    cJSON *json = cJSON_Parse(text.at);
    CHECK(json);
    str_free(&text);
    free(state);
    return json;
}

TEST(a_stream_goes_on_from_any_step_also_with_samples_that_wait) {
    struct stream whole, again;
    open_stream(&whole, 3, true);
    bool waited = false;
    for (int64_t step = 0; step < 60; step++) {
        cJSON *state = state_of(&whole);
        waited |= whole.next.waiting[0] || whole.next.waiting[1];
        open_stream(&again, 3, true);
        CHECK_OK(stream_restore(&again, state));
        struct stream ahead;
        open_stream(&ahead, 3, true);
        for (int64_t k = 0; k < step; k++) stream_next(&ahead);
        for (int64_t k = 0; k < 20; k++)
            CHECK(memcmp(stream_next(&again), stream_next(&ahead), B * sizeof(int64_t)) == 0);
        stream_close(&again);
        stream_close(&ahead);
        cJSON_Delete(state);
        stream_next(&whole);
    }
    CHECK(waited);
    stream_close(&whole);
}

TEST(a_position_that_cannot_be_is_refused) {
    static const char *const texts[] = {
        "null",
        "[]",
        "{}",
        "{\"pass\":-1,\"at\":0,\"waiting\":[[],[]]}",
        "{\"pass\":0,\"at\":103,\"waiting\":[[],[]]}",
        "{\"pass\":0,\"at\":1.5,\"waiting\":[[],[]]}",
        "{\"pass\":0,\"at\":0,\"waiting\":[[]]}",
        "{\"pass\":0,\"at\":0,\"waiting\":[[1,2,3,4,6,7,8,9],[]]}",
        "{\"pass\":0,\"at\":0,\"waiting\":[[5],[]]}",
        "{\"pass\":0,\"at\":0,\"waiting\":[[103],[]]}",
        "{\"pass\":0,\"at\":0,\"waiting\":[[\"1\"],[]]}",
    };
    struct stream s;
    open_stream(&s, 3, true);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cJSON *state = cJSON_Parse(texts[i]);
        CHECK_ERROR(stream_restore(&s, state), ERR_DATA, "position of the samples");
        cJSON_Delete(state);
    }
    stream_close(&s);
}
