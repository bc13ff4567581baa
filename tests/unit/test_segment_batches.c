/* The batches of the proposal network: their order, what becomes of damaged samples, and that
 * neither threads nor a restart change them. */
#include "data/segment_batches.h"

#include <cjson/cJSON.h>

#include "tests/test.h"
#include "tests/unit/batches_seen.h"

enum { N = 37, B = SEEN_BATCH, SIDE = SEEN_SIDE, STEPS = SEEN_STEPS };

/* Pictures of several shapes, made when they are asked for; some cannot be read. */
struct made {
    struct dataset set;
    int64_t id[N];
    uint32_t size[2 * N];
    uint16_t name_of[5];
    struct segment_data_options o;
    bool bad[N]; /* the picture, or (odd numbers) its label map */
};

static int made_image(const struct dataset *d, int64_t i, struct image *out) {
    const struct made *m = d->state;
    if (m->bad[i] && i % 2 == 0) return error_set(ERR_DATA, "%lld.jpg: damaged", (long long)i);
    int status = image_alloc(out, m->size[2 * i], m->size[2 * i + 1], 3);
    for (int64_t k = 0; !status && k < out->h * out->w * 3; k++)
        out->at[k] = (uint8_t)(k * 7 + i * 31);
    return status;
}

static int made_labels(const struct dataset *d, int64_t i, struct labels *out) {
    const struct made *m = d->state;
    if (m->bad[i]) return error_set(ERR_MISSING, "%lld.png: No such file", (long long)i);
    int status = labels_alloc(out, m->size[2 * i], m->size[2 * i + 1]);
    for (int64_t k = 0; !status && k < out->h * out->w; k++) out->at[k] = (uint16_t)((k + i) % 5);
    return status;
}

static const struct dataset_source made_source = {.image = made_image, .labels = made_labels};

static int64_t sizes[] = {20, 30, 44};

static void make(struct made *m) {
    *m = (struct made){.o = {.sizes = {sizes, 3},
                             .longest = 60,
                             .crop = SIDE,
                             .single_area = 1,
                             .colour = true,
                             .mirror = true,
                             .group = true}};
    for (int64_t i = 0; i < N; i++) {
        m->id[i] = 100 + i;
        m->size[2 * i] = (uint32_t)(20 + i % 3 * 8);
        m->size[2 * i + 1] = (uint32_t)(24 + i % 5 * 4);
    }
    for (uint16_t k = 0; k < 5; k++) m->name_of[k] = (uint16_t)(10 * k);
    m->set = (struct dataset){.n_images = N,
                              .n_classes = 5,
                              .image_id = m->id,
                              .has_labels = true,
                              .ignore = 255,
                              .size = m->size,
                              .source = &made_source,
                              .state = m};
}

static void open_batches(struct segment_batches *b, struct made *m, struct damage_options damage) {
    m->set.state = m;
    seen_open(b, &m->set, &m->o, m->name_of, damage);
}

/* All steps on so many threads; the number of damaged samples. */
static int64_t see(struct made *m, int64_t threads, struct seen *seen) {
    struct segment_batches b;
    open_batches(&b, m, (struct damage_options){.most = 0.5});
    CHECK_OK(segment_batches_start(&b, (struct loader_options){threads, 3}, 0, STEPS));
    seen_take(&b, 0, STEPS, seen);
    int64_t damaged = damage_count(&b.damage);
    segment_batches_close(&b);
    return damaged;
}

TEST(batches_hold_one_shape_and_do_not_depend_on_threads) {
    struct made m;
    struct seen one, many;
    make(&m);
    CHECK_INT(see(&m, 1, &one), 0);
    CHECK_INT(see(&m, 4, &many), 0);
    CHECK(memcmp(&one, &many, sizeof one) == 0);
    bool wide[2] = {false, false};
    for (int64_t step = 0; step < STEPS; step++)
        for (int64_t k = 0; k < B; k++) {
            const uint32_t *size = m.size + 2 * one.sample[step][k];
            const uint32_t *first = m.size + 2 * one.sample[step][0];
            CHECK_INT(size[1] > size[0], first[1] > first[0]);
            wide[size[1] > size[0]] = true;
        }
    CHECK(wide[0] && wide[1]);
    m.set.size = NULL; /* not known: found by decoding */
    CHECK_INT(see(&m, 2, &many), 0);
    CHECK(memcmp(&one, &many, sizeof one) == 0);
}

TEST(classes_become_names_and_padding_stays_unlabelled) {
    struct made m;
    struct segment_batches b;
    struct segment_batch batch;
    make(&m);
    open_batches(&b, &m, (struct damage_options){.stop = true});
    CHECK_OK(segment_batches_start(&b, (struct loader_options){1, 1}, 0, 1));
    CHECK_OK(segment_batches_next(&b, &batch));
    for (int64_t k = 0; k < B * SIDE * SIDE; k++)
        CHECK(batch.maps[k] % 10 == 0 || batch.maps[k] == 255);
    segment_batches_close(&b);
}

TEST(damaged_samples_are_replaced_by_rule_and_change_no_other) {
    struct made m;
    struct seen good, bad, again;
    make(&m);
    see(&m, 2, &good);
    m.bad[3] = m.bad[8] = m.bad[20] = true;
    CHECK_INT(see(&m, 1, &bad), 3);
    CHECK_INT(see(&m, 4, &again), 3);
    CHECK(memcmp(&bad, &again, sizeof bad) == 0);
    CHECK(seen_check(&good, &bad, m.bad) >= 9);
}

TEST(damage_ends_the_run_when_it_shall_or_when_there_is_too_much) {
    struct made m;
    struct segment_batches b;
    struct segment_batch batch;
    make(&m);
    for (int64_t i = 0; i < 12; i++) m.bad[i] = true;
    open_batches(&b, &m, (struct damage_options){.stop = true});
    CHECK_OK(segment_batches_start(&b, (struct loader_options){1, 1}, 0, STEPS));
    int status = 0;
    while (!status) status = segment_batches_next(&b, &batch);
    CHECK(status == ERR_DATA || status == ERR_MISSING);
    CHECK_HAS(error_message(), "picture 1"); /* its id, and the file */
    error_clear();
    segment_batches_close(&b);
    open_batches(&b, &m, (struct damage_options){.most = 0.2});
    CHECK_OK(segment_batches_start(&b, (struct loader_options){1, 1}, 0, STEPS));
    for (status = 0; !status;) status = segment_batches_next(&b, &batch);
    CHECK_HAS(error_message(), "8 of 37 samples are damaged, more than data.damaged_most allows");
    error_clear();
    segment_batches_close(&b);
}

TEST(a_set_without_a_good_sample_ends_the_run) {
    struct made m;
    struct segment_batches b;
    struct segment_batch batch;
    make(&m);
    for (int64_t i = 0; i < N; i++) m.bad[i] = true;
    open_batches(&b, &m, (struct damage_options){.most = 1});
    CHECK_OK(segment_batches_start(&b, (struct loader_options){1, 1}, 0, STEPS));
    CHECK_ERROR(segment_batches_next(&b, &batch), ERR_DATA, "none of all 37 samples");
    segment_batches_close(&b);
}

/* Stopped after `step`, state through JSON, and on to the end. */
static void see_in_two(struct made *m, int64_t step, struct seen *seen) {
    struct segment_batches b;
    struct str text = {0};
    struct json_out j = {.to = &text};
    open_batches(&b, m, (struct damage_options){.most = 0.5});
    CHECK_OK(segment_batches_start(&b, (struct loader_options){2, 3}, 0, STEPS));
    seen_take(&b, 0, step, seen);
    segment_batches_keep(&b, &j);
    segment_batches_close(&b);
    cJSON *state = cJSON_Parse(text.at);
    open_batches(&b, m, (struct damage_options){.most = 0.5});
    CHECK_OK(segment_batches_restore(&b, state));
    CHECK_OK(segment_batches_start(&b, (struct loader_options){3, 2}, step, STEPS));
    seen_take(&b, step, STEPS, seen);
    CHECK_INT(damage_count(&b.damage), 2);
    segment_batches_close(&b);
    cJSON_Delete(state);
    str_free(&text);
}

TEST(a_run_that_was_stopped_anywhere_sees_the_same_batches) {
    struct made m;
    struct seen whole, parts;
    make(&m);
    m.bad[4] = m.bad[11] = true;
    CHECK_INT(see(&m, 1, &whole), 2);
    for (int64_t step = 1; step < STEPS; step++) {
        see_in_two(&m, step, &parts);
        CHECK(memcmp(&whole, &parts, sizeof whole) == 0);
    }
}

TEST(a_state_of_another_set_is_refused) {
    static const char *const texts[] = {
        "{}", "{\"stream\":{\"pass\":0,\"at\":0,\"waiting\":[[],[]]}}",
        "{\"stream\":{\"pass\":0,\"at\":0,\"waiting\":[[],[]]},\"damaged\":[37]}",
        "{\"stream\":{\"pass\":0,\"at\":99,\"waiting\":[[],[]]},\"damaged\":[]}"};
    struct made m;
    make(&m);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct segment_batches b;
        open_batches(&b, &m, (struct damage_options){.most = 1});
        cJSON *state = cJSON_Parse(texts[i]);
        CHECK_ERROR(segment_batches_restore(&b, state), ERR_DATA, "");
        cJSON_Delete(state);
        segment_batches_close(&b);
    }
}
