/* Tables of pairs in the reference's form, and files of new names for nouns. */
#include <string.h>

#include "data/pairs_edit.h"
#include "data/pairs_tsv.h"
#include "tests/fuzz/fuzz.h"

static void pairs_tsv_seeds(struct corpus *c) {
    corpus_add_text(c, "filepath\ttitle\na/000000000139_0.jpg\ta photo of a cat.\n/b.jpg\tdog\n");
    corpus_add_text(c,
                    "title\tx\tfilepath\r\n\"a \"\"big\"\"\tcat\nasleep\"\t\ta.jpg\r\n\r\nd\t9\tb");
    corpus_add_text(c,
                    "\xEF\xBB\xBF"
                    "title\tfilepath\ncaf\xC3\xA9\t../b.jpg\n");
}

static int run_pairs_tsv(const uint8_t *data, size_t n) {
    static char path[] = "filepath", title[] = "title";
    const struct pairs_options o = {.path_column = path, .title_column = title};
    struct pairs_tsv t;
    int status = pairs_tsv_parse(&t, "/d/pairs.tsv", (const char *)data, n, &o);
    if (status) return status;
    REQUIRE(t.n > 0 && t.texts.n > 0, "%lld pairs", (long long)t.n);
    for (int64_t i = 0; i < t.n; i++)
        REQUIRE(t.file[i][0] == '/' && t.text[i] >= 0 && t.text[i] < (int64_t)t.texts.n &&
                    *t.texts.at[t.text[i]],
                "pair %lld", (long long)i);
    for (size_t i = 1; i < t.texts.n; i++)
        REQUIRE(strcmp(t.texts.at[i - 1], t.texts.at[i]) < 0, "text %zu", i);
    pairs_tsv_close(&t);
    return 0;
}

FUZZ(pairs_tsv, .seeds = pairs_tsv_seeds, .run = run_pairs_tsv, .codes = {ERR_DATA});

static void pairs_rename_seeds(struct corpus *c) {
    corpus_add_text(c, "tpuppy\tdog\r\n# a note\n\n st. bernard \tbig dog\n");
    corpus_add_text(c, "ypuppy: dog\n\"st. bernard\": big dog\n");
}

/* The first byte: YAML or lines. */
static int run_pairs_rename(const uint8_t *data, size_t n) {
    struct string_map m;
    const char *name = n && data[0] == 'y' ? "names.yaml" : "names.tsv";
    int status = pairs_rename_parse(&m, name, n ? (const char *)data + 1 : "", n ? n - 1 : 0);
    if (status) return status;
    REQUIRE(m.names.n > 0 && m.names.n == m.values.n, "%zu names", m.names.n);
    for (size_t i = 0; i < m.names.n; i++)
        REQUIRE(*m.names.at[i] && *m.values.at[i], "name %zu", i);
    string_map_free(&m);
    return 0;
}

FUZZ(pairs_rename, .seeds = pairs_rename_seeds, .run = run_pairs_rename, .codes = {ERR_DATA});
