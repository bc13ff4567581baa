/* What names are measured by: a table of similarities, and WordNet's files. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/csv.h"
#include "data/wordnet.h"
#include "tests/fuzz/fuzz.h"

/* ---- tables ---- */

static void csv_seeds(struct corpus *c) {
    corpus_add_text(c, "name,cat,\"door, double\"\ncat,1,0.5\n\"door, double\",0.25,1\n");
    corpus_add_text(c, "cat,dog,0.5\r\ndog,cow,.25\r\n\r\n\"a \"\"quoted\"\" one\",,1");
}

/* What is read and written reads back. */
static int run_csv(const uint8_t *data, size_t n) {
    char *path = fuzz_path("table.csv");
    struct csv c, again;
    struct str s = {0};
    REQUIRE(!file_write(path, data, n), "%s", error_message());
    int status = csv_read(&c, path);
    for (size_t i = 0; !status && i < c.n; i++) {
        for (size_t k = 0; k < c.at[i].n; k++) csv_put(&s, c.at[i].at[k], k == 0);
        str_add(&s, "\n");
    }
    if (!status) {
        REQUIRE(!file_write(path, s.n ? s.at : "", s.n), "%s", error_message());
        REQUIRE(!csv_read(&again, path), "%s", error_message());
        REQUIRE(again.n == c.n, "%zu rows, then %zu", c.n, again.n);
        for (size_t i = 0; i < c.n; i++)
            REQUIRE(c.at[i].n == again.at[i].n && strcmp(c.at[i].at[0], again.at[i].at[0]) == 0,
                    "row %zu is another", i);
        csv_free(&again);
        csv_free(&c);
    }
    str_free(&s);
    free(path);
    return status;
}

FUZZ(csv, .seeds = csv_seeds, .run = run_csv, .codes = {ERR_DATA});

/* ---- WordNet: one text that is all of its files, cut at lines of "=" ---- */

static void put_file(struct str *s, const char *name) {
    struct bytes b;
    char *path = mem_format("%s/tests/data/wordnet/%s", TEST_SOURCE_DIR, name);
    REQUIRE(!file_read(path, FUZZ_MAX, &b), "%s", error_message());
    str_put(s, b.at, b.n);
    bytes_free(&b);
    free(path);
}

static void wordnet_seeds(struct corpus *c) {
    struct str s = {0};
    put_file(&s, "data.noun");
    str_add(&s, "=\n");
    put_file(&s, "index.noun");
    str_add(&s, "=\n");
    put_file(&s, "noun.exc");
    corpus_add(c, s.at, s.n);
    str_free(&s);
}

/* The next part of the text, as a file. */
static void write_part(const char *name, const char **at, const char *end) {
    char *path = fuzz_path(name);
    const char *stop = *at;
    while (stop < end && *stop != '=') stop++;
    REQUIRE(!file_write(path, *at, (size_t)(stop - *at)), "%s", error_message());
    *at = stop + 2 < end ? stop + 2 : end;
    free(path);
}

static int look_at(const struct wordnet *w, const char *name) {
    struct wordnet_senses s;
    char *as;
    int status = wordnet_find(w, name, &s, &as);
    if (status) return status;
    for (size_t i = 0; !status && i < s.n; i++) {
        struct wordnet_paths p;
        status = wordnet_paths_of(w, s.at[i], &p);
        if (!status) REQUIRE(wordnet_similarity(&p, &p) == 1, "not like itself");
        wordnet_paths_free(&p);
    }
    wordnet_senses_free(&s);
    free(as);
    return status;
}

static int run_wordnet(const uint8_t *data, size_t n) {
    static const char *const names[] = {"dog", "Traffic Lights", "women, cat", "wall-brick",
                                        "ouroboros"};
    const char *at = (const char *)data, *end = at + n;
    struct wordnet w;
    write_part("data.noun", &at, end);
    write_part("index.noun", &at, end);
    write_part("noun.exc", &at, end);
    int status = wordnet_open(&w, fuzz_dir());
    for (size_t i = 0; !status && i < sizeof names / sizeof *names; i++)
        status = look_at(&w, names[i]);
    wordnet_close(&w);
    return status;
}

FUZZ(wordnet, .seeds = wordnet_seeds, .run = run_wordnet, .codes = {ERR_DATA});
