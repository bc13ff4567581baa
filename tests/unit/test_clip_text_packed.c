#include "nn/models/clip_text_packed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/models/text_bank.h"
#include "tests/torch.h"

enum { CONTEXT = 20, START = 38, END = 39, FEATURES = 16 };

struct tower {
    struct params params;
    struct clip_text text;
};

static void tower_open(struct tower *t) {
    struct clip_text_options o = {.vocab = 40,
                                  .context = CONTEXT,
                                  .width = 32,
                                  .layers = 3,
                                  .heads = 2,
                                  .activation = CLIP_GELU,
                                  .cut_at_end = true};
    memset(t, 0, sizeof *t);
    t_seed(5);
    clip_text_init(&t->text, params_root(&t->params), &o, FEATURES);
}

static void tower_close(struct tower *t) {
    clip_text_free(&t->text);
    params_free(&t->params);
}

/* Templates of words 1 .. 9, nouns of words 10 .. 37. */
static const int64_t starts[3][CONTEXT] = {
    {START, 1, 2, 3}, {START, 1, 2, 3, 4, 5}, {START}}; /* one begins with another */

/* START, words, END. Text i has one of the starts, or none, and 1 to 5 words and an end of its
 * own. */
static void make_texts(int64_t *ids, int64_t n) {
    static const int64_t alone[] = {START, 7, 2};
    memset(ids, 0, (size_t)(n * CONTEXT) * sizeof *ids);
    for (int64_t i = 0; i < n; i++) {
        int64_t *row = ids + i * CONTEXT, at = 0;
        const int64_t *from = i % 4 < 3 ? starts[i % 4] : alone;
        while (at < CONTEXT && at < (i % 4 < 3 ? CONTEXT : 3) && from[at]) {
            row[at] = from[at];
            at++;
        }
        for (int64_t k = 0; k < 1 + i % 5; k++) row[at++] = 10 + (11 * i + 5 * k) % 28;
        if (i % 3 == 0) row[at++] = 6;
        row[at] = END;
    }
}

static int64_t *texts_of(int64_t n) {
    int64_t *ids = mem_alloc((size_t)(n * CONTEXT), sizeof *ids);
    make_texts(ids, n);
    return ids;
}

TEST(packed_texts_behind_shared_starts_equal_padded_ones) {
    enum { N = 1500 }; /* three passes */
    struct tower t;
    tower_open(&t);
    int64_t *ids = texts_of(N);
    struct clip_starts s = {0};
    tensor *padded = clip_text_encode(&t.text, ids, N, CONTEXT);
    tensor *packed = clip_text_encode_packed(&t.text, &s, ids, N, CONTEXT, 64);
    CHECK_CLOSE(packed, padded, 1e-6); /* sums of 32 in another order */
    CHECK_OK(clip_starts_open(&s, &t.text, *starts, 3, CONTEXT));
    CHECK_INT(s.length[1], 6);
    CHECK_CLOSE(clip_text_encode_packed(&t.text, &s, ids, N, CONTEXT, 1), padded, 1e-6);
    CHECK(!t_requires_grad(packed));
    clip_starts_free(&s);
    free(ids);
    tower_close(&t);
}

TEST(a_text_is_put_behind_a_start_only_if_it_goes_on_after_it) {
    struct tower t;
    tower_open(&t);
    /* The start itself, a part of it, and one that differs in its last word. */
    static const int64_t ids[3][CONTEXT] = {
        {START, 1, 2, 3, 4, 5, END}, {START, 1, 2, END}, {START, 1, 2, 3, 4, 6, END}};
    struct clip_starts s;
    CHECK_OK(clip_starts_open(&s, &t.text, *starts, 2, CONTEXT));
    tensor *x = clip_text_encode_packed(&t.text, &s, *ids, 3, CONTEXT, 1);
    CHECK_CLOSE(x, clip_text_encode(&t.text, *ids, 3, CONTEXT), 1e-6);
    clip_starts_free(&s);
    tower_close(&t);
}

TEST(a_start_that_is_wrong_is_seen_in_the_features) {
    struct tower t;
    tower_open(&t);
    int64_t *ids = texts_of(8);
    struct clip_starts s;
    CHECK_OK(clip_starts_open(&s, &t.text, *starts, 3, CONTEXT));
    t_scale_(s.value[2 * s.layers + 1], 1.5); /* of START alone, in the second block */
    tensor *padded = clip_text_encode(&t.text, ids, 8, CONTEXT);
    CHECK(test_max_diff(clip_text_encode_packed(&t.text, &s, ids, 8, CONTEXT, 1), padded) > 1e-4);
    clip_starts_free(&s);
    free(ids);
    tower_close(&t);
}

TEST(a_bank_behind_shared_starts_is_the_bank) {
    enum { NAMES = 300, TEMPLATES = 4 };
    struct tower t;
    tower_open(&t);
    int64_t *ids = texts_of((int64_t)NAMES * TEMPLATES);
    struct clip_starts s;
    CHECK_OK(clip_starts_open(&s, &t.text, *starts, 3, CONTEXT));
    struct text_bank_args args = {.names = NAMES, .templates = TEMPLATES, .columns = CONTEXT};
    tensor *bank = text_bank(&t.text, ids, args);
    args.starts = &s;
    tensor *packed = text_bank(&t.text, ids, args);
    CHECK_CLOSE(packed, bank, 1e-6);
    args.precision = PRECISION_BF16;
    tensor *low = text_bank(&t.text, ids, args);
    CHECK(t_dtype(low) == T_F32);
    double worst = test_max_diff(low, bank);
    CHECK(worst > 1e-5 && worst < 2e-2); /* bfloat16 has 8 bits */
    clip_starts_free(&s);
    free(ids);
    tower_close(&t);
}
