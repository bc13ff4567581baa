/* Texts: CLIP's tokenizer, the nouns of a caption, and what their backends read. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/font.h"
#include "data/nouns.h"
#include "data/tokenizer.h"
#include "tests/fuzz/fuzz.h"
#include "train/mine/tagger.h"

static void text_seeds(struct corpus *c) {
    corpus_add_text(c, "A man in a red shirt rides two brown horses along the beach.");
    corpus_add_text(c, "there's a dog's bowl; 3 cats, \"it\" and caf\xc3\xa9 tables (12.5)!");
    corpus_add_text(c, "a photo of a stop sign with graffiti on it &amp; a fire hydrant");
    corpus_add_text(
        c, "\xe4\xb8\xad\xe6\x96\x87 na\xc3\xafve \xf0\x9f\x98\x80 \xce\x91\xce\xa9 STRASSE");
}

/* ---- the font of legends; the first byte: how many letters there is room for ---- */

static void font_seeds(struct corpus *c) {
    text_seeds(c);
    corpus_add_text(c,
                    "\x05Gr\xc3\xb6\xc3\x9f"
                    "e \xc5\x81\xc3\xb3"
                    "d\xc5\xba o\xcc\x88\xcc\x81 \xe1\xba\xa4");
    corpus_add_text(c,
                    "\x11\xd0\x81\xd0\xb6 \xef\xb7\xba \xe2\x80\xa6\xc2\xbd \xed\x95\x9c \xff\xc3");
}

static int run_font(const uint8_t *data, size_t n) {
    static const uint8_t ink[3] = {255, 255, 255};
    int64_t cells = n ? data[0] : 1;
    char *text = fuzz_text(n ? data + 1 : data, n ? n - 1 : 0), *fit = font_fit(text, cells);
    struct image im;
    REQUIRE(font_cells(fit) <= (cells ? cells : 1), "%lld cells of %lld",
            (long long)font_cells(fit), (long long)cells);
    REQUIRE(font_cells(text) > cells || strcmp(text, fit) == 0, "shortened without need");
    REQUIRE(!image_alloc(&im, FONT_LINE, 50, 3), "%s", error_message());
    font_draw(&im, FONT_ABOVE, -3, 2, ink, text);
    image_free(&im);
    free(text);
    free(fit);
    return 0;
}

FUZZ(font, .seeds = font_seeds, .run = run_font);

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
    REQUIRE(length <= context || truncate, "a text of %lld", (long long)length);
    if (length > context) length = context;
    REQUIRE(length >= 2 && row[0] == TOKENIZER_START && row[length - 1] == TOKENIZER_END,
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
    int status = nouns_find(&finder, &(struct noun_caption){.text = text, .n = n}, &l);
    for (size_t i = 0; !status && i < l.n; i++)
        REQUIRE(l.at[i] < l.token.n && (!i || l.at[i] > l.at[i - 1]) && *l.name.at[i],
                "noun %zu of %zu", i, l.n);
    noun_list_free(&l);
    free(text);
    return status;
}

FUZZ(nouns, .seeds = text_seeds, .run = run_nouns, .codes = {ERR_DATA});
#endif

/* ---- weights of the perceptron, in every form but that of a folder ---- */

static void tagger_seeds(struct corpus *c) {
    corpus_add_file(c, "tests/data/tagger/averaged_perceptron_tagger.pickle");
    corpus_add_file(c, "tests/data/tagger/protocol4.pickle");
    corpus_add_text(c,
                    "[{\"bias\": {\"NN\": 0.5, \"DT\": -1}, \"i suffix ing\": {\"NN\": 1.25}}, "
                    "{\"the\": \"DT\"}, [\"NN\", \"DT\"]]");
    corpus_add_text(c, "class\tNN\nclass\tDT\nword\tthe\tDT\nweight\ti word caf\u00E9\tNN\t1e-3\n");
}

static int run_tagger(const uint8_t *data, size_t n) {
    static char text[][8] = {"the", "caf\u00E9", "1984", "x-y", "going", "\xFF"};
    char *path = fuzz_path("tagger"), *word[6];
    uint32_t tag[6];
    struct perceptron p;
    REQUIRE(!file_write(path, data, n), "%s", error_message());
    int status = tagger_read(&p, path);
    for (int i = 0; i < 6; i++) word[i] = text[i];
    if (!status) perceptron_tag(&p, word, 6, tag);
    for (int i = 0; !status && i < 6; i++)
        REQUIRE(tag[i] < p.tag.n && p.is_class[tag[i]], "tag %u", (unsigned)tag[i]);
    perceptron_close(&p);
    free(path);
    return status;
}

FUZZ(tagger, .seeds = tagger_seeds, .run = run_tagger, .codes = {ERR_DATA});

/* ---- imported tags ---- */

static void tags_seeds(struct corpus *c) {
    corpus_add_text(c,
                    "{\"tokens\": [\"a\", \"dog\"], \"nouns\": [1]}\n"
                    "{\"tokens\": [\"two\", \"hot\", \"dogs\"], \"nouns\": [2], "
                    "\"names\": [\"hot dogs\"]}\n");
    corpus_add_text(c,
                    "{\"id\": 3, \"tokens\": [\"a\", \"dog\"], \"tags\": [\"DT\", \"NN\"]}\n"
                    "{\"id\": 1, \"tokens\": [], \"tags\": []}\n");
}

static int run_tags(const uint8_t *data, size_t n) {
    char *path = fuzz_path("tags");
    struct noun_tags t;
    struct nouns finder;
    REQUIRE(!file_write(path, data, n), "%s", error_message());
    int status = noun_tags_read(&t, path);
    struct nouns_options options = {.backend = NOUNS_TAGS, .tags = &t, .lemmatize = true};
    if (!status) REQUIRE(!nouns_open(&finder, &options), "%s", error_message());
    for (size_t i = 0; !status && i < t.n; i++) {
        const struct noun_tags_line *line = &t.line[i];
        struct str caption = {0};
        struct noun_list l = {0};
        const char *token = t.text.at + line->text;
        for (uint32_t k = 0; k < line->n_tokens; k++, token += strlen(token) + 1)
            str_add(&caption, "%s", token);
        struct noun_caption c = {caption.at ? caption.at : "", caption.n, line->id, line->id};
        if (nouns_find(&finder, &c, &l)) error_clear(); /* "''" is a quote, not two */
        for (size_t k = 0; k < l.n; k++) REQUIRE(l.at[k] < l.token.n, "noun %zu", k);
        noun_list_free(&l);
        str_free(&caption);
    }
    if (!status) nouns_close(&finder);
    if (!status) noun_tags_free(&t);
    free(path);
    return status;
}

FUZZ(tags, .seeds = tags_seeds, .run = run_tags, .codes = {ERR_DATA});
