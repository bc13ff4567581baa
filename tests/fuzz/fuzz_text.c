/* Texts: CLIP's tokenizer, and the nouns of a caption. */
#include <stdlib.h>

#include "data/nouns.h"
#include "data/tokenizer.h"
#include "tests/fuzz/fuzz.h"

static void text_seeds(struct corpus *c) {
    corpus_add_text(c, "A man in a red shirt rides two brown horses along the beach.");
    corpus_add_text(c, "there's a dog's bowl; 3 cats, \"it\" and caf\xc3\xa9 tables (12.5)!");
    corpus_add_text(c, "a photo of a stop sign with graffiti on it &amp; a fire hydrant");
    corpus_add_text(
        c, "\xe4\xb8\xad\xe6\x96\x87 na\xc3\xafve \xf0\x9f\x98\x80 \xce\x91\xce\xa9 STRASSE");
}

/* ---- the first byte: cut or refuse what is too long, and the length ---- */

static void tokenizer_seeds(struct corpus *c) {
    struct corpus texts = {0};
    text_seeds(&texts);
    for (size_t i = 0; i < texts.n; i++) {
        struct str s = {0};
        str_put(&s, i % 2 ? "\x4d" : "\xcd", 1);
        str_put(&s, texts.at[i].at, texts.at[i].n);
        corpus_add(c, s.at, s.n);
        str_free(&s);
    }
    corpus_free(&texts);
}

static int run_tokenizer(const uint8_t *data, size_t n) {
    static struct tokenizer t;
    if (!t.text) REQUIRE(!tokenizer_open(&t, NULL), "%s", error_message());
    bool truncate = n && data[0] >= 128;
    int64_t context = n ? data[0] % 128 : 77, length = 0, row[128];
    if (context < 2) context = 2;
    char *text = fuzz_text(n ? data + 1 : data, n ? n - 1 : 0);
    int status = tokenizer_encode(&t, text, context, truncate, row, &length);
    free(text);
    if (status) return status;
    REQUIRE(length >= 2 && length <= context && row[0] == TOKENIZER_START &&
                row[length - 1] == TOKENIZER_END,
            "a row of %lld of %lld", (long long)length, (long long)context);
    for (int64_t i = 0; i < context; i++)
        REQUIRE(row[i] >= 0 && row[i] < TOKENIZER_SIZE && (i < length || !row[i]), "id %lld",
                (long long)row[i]);
    return 0;
}

FUZZ(tokenizer, .seeds = tokenizer_seeds, .run = run_tokenizer, .codes = {ERR_DATA});

/* ---- nouns ---- */

#ifdef OVSEG_LINK_GRAMMAR
static int run_nouns(const uint8_t *data, size_t n) {
    static struct nouns finder;
    struct nouns_options options = {.fold_plurals = true};
    if (!finder.parser) REQUIRE(!nouns_open(&finder, &options), "%s", error_message());
    char *text = fuzz_text(data, n);
    struct noun_list l = {0};
    int status = nouns_find(&finder, text, &l);
    for (size_t i = 0; !status && i < l.n; i++)
        REQUIRE(l.at[i] < l.token.n && (!i || l.at[i] > l.at[i - 1]) && *l.name.at[i],
                "noun %zu of %zu", i, l.n);
    noun_list_free(&l);
    free(text);
    return status;
}

FUZZ(nouns, .seeds = text_seeds, .run = run_nouns, .codes = {ERR_DATA});
#endif
