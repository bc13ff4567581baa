/* The nouns of a set's captions, by tags and by a tagger: what does not need a parser. */
#include "train/mine/mine_nouns.h"

#include "base/file.h"
#include "base/rng.h"
#include "data/nouns.h"
#include "tests/test.h"
#include "train/run/graph.h"

enum { IMAGES = 40, CAPTIONS = 3 };

/* A set of captions alone. */
static void make_set(struct dataset *d, struct rng *r) {
    static const char *const words[] = {"dog",   "kites",  "a",         "the",  "red",
                                        "holds", "table",  "in",        "Anna", "light",
                                        "walks", "street", "caf\u00E9", ","};
    *d = (struct dataset){.n_images = IMAGES, .n_captions = IMAGES * CAPTIONS};
    d->caption = mem_alloc(IMAGES * CAPTIONS, sizeof *d->caption);
    d->caption_id = mem_alloc(IMAGES * CAPTIONS, sizeof *d->caption_id);
    d->caption_at = mem_alloc(IMAGES + 1, sizeof *d->caption_at);
    for (int64_t i = 0; i <= IMAGES; i++) d->caption_at[i] = i * CAPTIONS;
    for (int64_t c = 0; c < d->n_captions; c++) {
        struct str text = {0};
        int64_t n = 1 + rng_below(r, 9);
        for (int64_t k = 0; k < n; k++)
            str_add(&text, "%s ", words[rng_below(r, sizeof words / sizeof *words)]);
        d->caption[c] = text.at;
        d->caption_id[c] = 1000 - c;
    }
}

static void free_set(struct dataset *d) {
    for (int64_t c = 0; c < d->n_captions; c++) free(d->caption[c]);
    free(d->caption);
    free(d->caption_id);
    free(d->caption_at);
}

/* The table and the rows of every caption, as one text. */
static char *described(const struct node *n, const struct dataset *d, int threads) {
    struct mine_nouns t;
    struct str s = {0};
    CHECK_OK(mine_nouns_find(&t, d, IMAGES, 2, n, threads));
    for (size_t i = 0; i < t.noun.n; i++) str_add(&s, "%s\n", t.noun.at[i]);
    for (int64_t c = 0; c < t.n_captions; c++) {
        for (size_t k = 0; k < t.of[c].n; k++) str_add(&s, "%lld ", (long long)t.of[c].at[k]);
        CHECK(c % CAPTIONS < 2 || !t.of[c].n);
        str_add(&s, "\n");
    }
    mine_nouns_free(&t);
    return s.at;
}

static struct node node_of(struct node_input *in, int backend) {
    struct node n = {.input = in, .n_inputs = 1};
    n.config.nouns.backend = backend;
    return n;
}

TEST(nouns_do_not_depend_on_the_number_of_threads) {
    struct rng r = rng_stream(1, "test.mine_nouns", 0);
    struct dataset d;
    char weights[] = "nouns.weights", *path = test_source("tests/data/tagger/eng");
    struct node_input in = {.name = weights, .path = path};
    struct node n = node_of(&in, NOUNS_PERCEPTRON);
    make_set(&d, &r);
    char *one = described(&n, &d, 1);
    CHECK_HAS(one, "kites\n");
    for (int threads = 2; threads < 6; threads++) {
        char *more = described(&n, &d, threads);
        CHECK_TEXT(more, one);
        free(more);
    }
    n.config.nouns.fold_plurals = true;
    char *folded = described(&n, &d, 2);
    CHECK_HAS(folded, "kite\n");
    free(folded);
    free(one);
    free(path);
    free_set(&d);
}

/* Lines for the captions from the last to the first, with or without their ids. */
static char *write_tags(const struct dataset *d, bool ids, int64_t stop) {
    struct str s = {0};
    for (int64_t k = 0; k < stop; k++) {
        int64_t c = ids ? d->n_captions - 1 - k : k;
        struct strings token = {0};
        nouns_tokenize(d->caption[c], strlen(d->caption[c]), true, &token);
        str_add(&s, "{");
        if (ids) str_add(&s, "\"id\": %lld, ", (long long)d->caption_id[c]);
        str_add(&s, "\"nouns\": [0], \"tokens\": [");
        for (size_t i = 0; i < token.n; i++) str_add(&s, "%s\"%s\"", i ? ", " : "", token.at[i]);
        str_add(&s, "]}\n");
        strings_free(&token);
    }
    char *path = test_path(ids ? "ids.jsonl" : "order.jsonl");
    CHECK_OK(file_write(path, s.at, s.n));
    str_free(&s);
    return path;
}

TEST(tags_by_id_and_by_order_are_the_same) {
    struct rng r = rng_stream(1, "test.mine_nouns", 1);
    struct dataset d;
    make_set(&d, &r);
    char name[] = "nouns.tags", *by_id = write_tags(&d, true, d.n_captions),
         *by_order = write_tags(&d, false, d.n_captions);
    struct node_input in = {.name = name, .path = by_id};
    struct node n = node_of(&in, NOUNS_TAGS);
    char *a = described(&n, &d, 2);
    in.path = by_order;
    char *b = described(&n, &d, 3);
    CHECK_TEXT(a, b);
    free(by_order);
    in.path = by_order = write_tags(&d, false, 5);
    struct mine_nouns t;
    CHECK_ERROR(mine_nouns_find(&t, &d, IMAGES, 2, &n, 2), ERR_DATA, "5 lines, none for caption");
    mine_nouns_free(&t);
    char *const owned[] = {a, b, by_id, by_order};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    free_set(&d);
}
