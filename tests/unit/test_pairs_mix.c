/* Pairs of two folders as one list, as they come or with a share of each batch. */
#include "tests/unit/pairs_made.h"
#include "train/mine/pairs_mix.h"

static const struct made mined[] = {{0, 0, "dog", 0.3F, 0}, {0, 0, "sky", 0.3F, 1},
                                    {1, 1, "car", 0.3F, 0}, {2, 2, "dog", 0.3F, 0},
                                    {3, 3, "cat", 0.3F, 1}, {3, 3, "dog", 0.3F, 2}};
static const struct made true_ones[] = {
    {0, 0, "grass", 1, 3}, {1, 1, "car", 1, 3}, {2, 2, "dog", 1, 3}};

/* A stage with both folders as inputs. */
struct stage_made {
    struct node node;
    struct node_input input[2];
};

static void make(struct stage_made *s, double mix) {
    static char pairs[] = "pairs", more[] = "more_pairs";
    *s = (struct stage_made){0};
    s->input[0] = (struct node_input){.name = pairs, .path = make_pairs("mined", mined, 6)};
    s->input[1] = (struct node_input){.name = more, .path = make_pairs("true", true_ones, 3)};
    s->node.input = s->input;
    s->node.n_inputs = 2;
    s->node.config.pairs.mix = mix;
    s->node.config.run.seed = 1;
}

static void drop(struct stage_made *s, struct pairs_mix *m) {
    pairs_mix_close(m);
    free(s->input[0].path);
    free(s->input[1].path);
}

static const char *noun(const struct pairs_mix *m, int64_t i) {
    return m->noun.at[pairs_mix_noun(m, i)];
}

TEST(pairs_of_two_folders_keep_their_nouns_and_places) {
    struct stage_made s;
    struct pairs_mix m;
    int64_t place;
    make(&s, -1);
    CHECK_OK(pairs_mix_open(&m, &s.node));
    CHECK_INT(m.n, 9);
    CHECK_INT(m.noun.n, 5); /* car cat dog grass sky */
    CHECK_TEXT(noun(&m, 0), "dog");
    CHECK_TEXT(noun(&m, 4), "cat");
    CHECK_TEXT(noun(&m, 6), "grass");
    CHECK_TEXT(noun(&m, 8), "dog");
    CHECK_INT(pairs_mix_noun(&m, 0), pairs_mix_noun(&m, 8)); /* one row of the bank */
    CHECK(pairs_mix_find(&m, 7, &place) == &m.of[1]);
    CHECK_INT(place, 1);
    drop(&s, &m);
}

TEST(as_they_come_every_pair_of_both_is_once_in_an_epoch) {
    struct stage_made s;
    struct pairs_mix m;
    int seen[9] = {0};
    make(&s, -1);
    CHECK_OK(pairs_mix_open(&m, &s.node));
    CHECK_OK(pairs_mix_sample(&m, &s.node, 3));
    CHECK_INT(pairs_mix_epoch(&m), 3);
    for (int64_t step = 0; step < 3; step++)
        for (int k = 0; k < 3; k++) seen[pairs_mix_batch(&m, step)[k]]++;
    for (int i = 0; i < 9; i++) CHECK_INT(seen[i], 1);
    drop(&s, &m);
}

TEST(a_share_holds_in_each_batch_and_does_not_change_the_length_of_an_epoch) {
    static const double shares[] = {0, 0.25, 0.5, 0.75};
    for (int i = 0; i < 4; i++) {
        struct stage_made s;
        struct pairs_mix m, again;
        make(&s, shares[i]);
        CHECK_OK(pairs_mix_open(&m, &s.node));
        CHECK_OK(pairs_mix_open(&again, &s.node));
        CHECK_OK(pairs_mix_sample(&m, &s.node, 4));
        CHECK_OK(pairs_mix_sample(&again, &s.node, 4));
        CHECK_INT(pairs_mix_epoch(&m), 1);
        for (int64_t step = 0; step < 5; step++) {
            int more = 0;
            for (int k = 0; k < 4; k++) more += pairs_mix_batch(&m, step)[k] >= 6;
            CHECK_INT(more, i);
        }
        int64_t there[4]; /* a function of the step: another life meets the same batch */
        memcpy(there, pairs_mix_batch(&m, 3), sizeof there);
        CHECK(memcmp(pairs_mix_batch(&again, 3), there, sizeof there) == 0);
        pairs_mix_close(&again);
        drop(&s, &m);
    }
}

TEST(a_folder_with_fewer_pairs_than_its_share_is_refused) {
    struct stage_made s;
    struct pairs_mix m;
    make(&s, 1);
    CHECK_OK(pairs_mix_open(&m, &s.node));
    CHECK_ERROR(pairs_mix_sample(&m, &s.node, 6), ERR_CONFIG,
                "6 of a batch, but inputs.more_pairs has only 3 pairs");
    drop(&s, &m);
}
