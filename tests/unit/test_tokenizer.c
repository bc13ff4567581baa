#include "data/tokenizer.h"

#include <cjson/cJSON.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "tests/json_of.h"
#include "tests/test.h"

enum { CONTEXT = 77 };

static struct tokenizer tok; /* opened by the first test that runs, closed with the process */

static void close_it(void) { tokenizer_close(&tok); }

static void open_it(void) {
    if (tok.at) return;
    CHECK_OK(tokenizer_open(&tok, NULL));
    atexit(close_it);
}

/* `want` lists the ids from `skip` places before the row's first to as many before its end. */
static void check_ids(const char *text, const cJSON *want, int64_t skip) {
    int64_t row[256], n, at = skip;
    CHECK_OK(tokenizer_encode(&tok, text, 256, false, row, &n));
    const cJSON *id;
    bool same = n == cJSON_GetArraySize(want) + 2 * skip;
    cJSON_ArrayForEach(id, want) same = same && row[at++] == id->valueint;
    if (!same) test_fail(__FILE__, __LINE__, "\"%s\": ids differ", text);
    CHECK_INT(row[0], TOKENIZER_START);
    CHECK_INT(row[n - 1], TOKENIZER_END);
    for (int64_t i = n; i < 256; i++) CHECK_INT(row[i], 0);
}

TEST(the_golden_prompts_of_the_reference_give_its_ids) {
    open_it();
    cJSON *root = json_of_source("tests/golden/reference-vectors.json");
    const cJSON *all = cJSON_GetObjectItem(root, "V12_tokens"), *one;
    CHECK_INT(cJSON_GetArraySize(all), 9);
    cJSON_ArrayForEach(one, all) check_ids(one->string, one, 0);
    const cJSON *longest = cJSON_GetObjectItem(root, "V12_longest_ade847_prompt_tokens");
    int64_t row[CONTEXT], n;
    const char *prompt = cJSON_GetArrayItem(longest, 1)->valuestring;
    CHECK_OK(tokenizer_encode(&tok, prompt, CONTEXT, false, row, &n));
    CHECK_INT(n, cJSON_GetArrayItem(longest, 0)->valueint);
    cJSON_Delete(root);
}

TEST(three_hundred_texts_in_many_scripts_give_the_ids_of_openai_s_tokenizer) {
    open_it();
    cJSON *root = json_of_source("tests/golden/tokens.json"), *pair;
    CHECK(cJSON_GetArraySize(root) >= 300);
    cJSON_ArrayForEach(pair, root)
        check_ids(cJSON_GetArrayItem(pair, 0)->valuestring, cJSON_GetArrayItem(pair, 1), 1);
    cJSON_Delete(root);
}

static void check_token(int64_t id, const char *text, bool ends) {
    size_t n;
    bool ends_word;
    const char *at = tokenizer_token(&tok, id, &n, &ends_word);
    CHECK_INT(n, strlen(text));
    CHECK(memcmp(at, text, n) == 0 && ends_word == ends);
}

TEST(tokens_have_the_places_that_weights_expect) {
    open_it();
    check_token(0, "!", false);
    check_token(255, "\xAD", false); /* the last of the alphabet: the soft hyphen's byte */
    check_token(256, "!", true);
    check_token(512, "in", false);
    check_token(49405, "jekyll", true);
    check_token(TOKENIZER_END, "<|endoftext|>", true);
}

static int by_pair(const void *a, const void *b) {
    const struct tokenizer_merge *x = a, *y = b;
    if (x->left != y->left) return x->left < y->left ? -1 : 1;
    return x->right == y->right ? 0 : x->right < y->right ? -1 : 1;
}

/* BPE as it is defined: the pair of lowest rank, one occurrence at a time. */
static size_t merge_slowly(const struct tokenizer_merge *table, size_t n_table, uint32_t *id,
                           size_t n) {
    for (;;) {
        uint32_t best = UINT32_MAX;
        size_t where = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            struct tokenizer_merge key = {id[i], id[i + 1], 0};
            const struct tokenizer_merge *m = bsearch(&key, table, n_table, sizeof key, by_pair);
            if (m && m->id < best) best = m->id, where = i;
        }
        if (best == UINT32_MAX) return n;
        id[where] = best;
        memmove(id + where + 1, id + where + 2, (n - where - 2) * sizeof *id);
        n--;
    }
}

TEST(words_are_merged_as_the_definition_says) {
    open_it();
    size_t n = 0, cap = 0;
    struct tokenizer_merge *table = NULL;
    for (size_t i = 0; i < 1 << 17; i++) {
        if (!tok.merge[i].id) continue;
        table = mem_grow(table, &cap, n + 1, sizeof *table);
        table[n++] = tok.merge[i];
    }
    CHECK_INT(n, 48894);
    qsort(table, n, sizeof *table, by_pair);
    struct rng r = rng_stream(1, "test.tokenizer", 2);
    for (int round = 0; round < 20000; round++) {
        char text[64];
        uint32_t want[64];
        int64_t row[CONTEXT], got;
        /* few letters and long words give runs like "aaaa" and many possible merges */
        int64_t letters = 1 + rng_below(&r, 26), length = 1 + rng_below(&r, 40);
        for (int64_t i = 0; i < length; i++) {
            text[i] = (char)('a' + rng_below(&r, letters));
            want[i] = tok.byte_id[(uint8_t)text[i]] + (i + 1 == length ? 256u : 0u);
        }
        text[length] = '\0';
        CHECK_OK(tokenizer_encode(&tok, text, CONTEXT, false, row, &got));
        CHECK_INT(got - 2, merge_slowly(table, n, want, (size_t)length));
        for (int64_t i = 0; i < got - 2; i++) CHECK_INT(row[i + 1], want[i]);
    }
    free(table);
}

TEST(every_word_of_the_vocabulary_is_one_token) {
    open_it();
    int words = 0;
    for (int64_t id = 512; id < TOKENIZER_START; id++) {
        char text[128];
        size_t n;
        bool ends;
        const char *s = tokenizer_token(&tok, id, &n, &ends);
        CHECK(n < sizeof text);
        memcpy(text, s, n);
        text[n] = '\0';
        if (!ends || strspn(text, "abcdefghijklmnopqrstuvwxyz") != n) continue;
        int64_t row[CONTEXT], length;
        CHECK_OK(tokenizer_encode(&tok, text, CONTEXT, false, row, &length));
        CHECK_INT(length, 3);
        CHECK_INT(row[1], id);
        words++;
    }
    CHECK(words > 30000);
}

TEST(a_text_that_does_not_fit_is_an_error_or_cut_by_choice) {
    open_it();
    int64_t row[8], n;
    CHECK_OK(tokenizer_encode(&tok, "a a a a a a", 8, false, row, &n)); /* exactly 8 */
    CHECK_INT(n, 8);
    CHECK_ERROR(tokenizer_encode(&tok, "a a a a a a a", 8, false, row, &n), ERR_DATA,
                "has 9 tokens, the model reads 8");
    CHECK_OK(tokenizer_encode(&tok, "a a a a a a a", 8, true, row, &n));
    CHECK_INT(n, 9);
    CHECK_INT(row[0], TOKENIZER_START);
    CHECK_INT(row[6], 320);
    CHECK_INT(row[7], TOKENIZER_END);
}

TEST(an_empty_text_is_start_and_end) {
    open_it();
    static const char *const empty[] = {"", " ", "\t\n", "\xE2\x80\x83", "&nbsp;", "\x01"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        int64_t row[4], n;
        CHECK_OK(tokenizer_encode(&tok, empty[i], 4, false, row, &n));
        CHECK_INT(n, 2);
        CHECK_INT(row[1], TOKENIZER_END);
        CHECK_INT(row[2], 0);
    }
}

TEST(bytes_that_are_not_utf_8_read_as_the_replacement_character) {
    open_it();
    int64_t bad[CONTEXT], good[CONTEXT], n, m;
    CHECK_OK(tokenizer_encode(&tok, "a\xFF\xC3 b\xED\xA0\x80", CONTEXT, false, bad, &n));
    CHECK_OK(tokenizer_encode(&tok, "a\uFFFD\uFFFD b\uFFFD\uFFFD\uFFFD", CONTEXT, false, good, &m));
    CHECK_INT(n, m);
    CHECK(memcmp(bad, good, sizeof bad) == 0);
}

/* A caption-like mix: words, bytes, and what the cleaning looks for. */
static size_t random_text(struct rng *r, char *text, size_t max) {
    static const char *const parts[] = {
        "a ",       "'s",           "&amp;",    "&#",       "&#x", "&lt", "\x1B[", "<|endoftext|>",
        "\xCC\x81", "\xE2\x80\x99", "\xCE\xA3", "\xF0\x9F", "dog"};
    size_t n = 0, want = (size_t)rng_below(r, (int64_t)max - 16);
    bool bytes = rng_chance(r, 0.5);
    while (n < want) {
        if (bytes || rng_chance(r, 0.5)) {
            text[n++] = (char)(1 + rng_below(r, 255));
        } else {
            const char *part = parts[rng_below(r, sizeof parts / sizeof *parts)];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
    }
    text[n] = '\0';
    return n;
}

TEST(any_bytes_give_ids_in_range_and_the_same_ids_twice) {
    open_it();
    struct rng r = rng_stream(1, "test.tokenizer", 0);
    for (int i = 0; i < 20000; i++) {
        char text[128];
        random_text(&r, text, sizeof text);
        int64_t row[CONTEXT], again[CONTEXT], n, m;
        CHECK_OK(tokenizer_encode(&tok, text, CONTEXT, true, row, &n));
        CHECK_OK(tokenizer_encode(&tok, text, CONTEXT, true, again, &m));
        CHECK_INT(n, m);
        CHECK(memcmp(row, again, sizeof row) == 0);
        if (n > CONTEXT) n = CONTEXT;
        CHECK(n >= 2 && row[0] == TOKENIZER_START && row[n - 1] == TOKENIZER_END);
        for (int k = 0; k < CONTEXT; k++)
            CHECK(row[k] >= 0 && row[k] < TOKENIZER_SIZE && (k < n || row[k] == 0));
    }
}

TEST(the_longest_text_is_bounded_in_time_and_a_longer_one_refused) {
    open_it();
    struct rng r = rng_stream(1, "test.tokenizer", 1);
    char *text = mem_alloc(TOKENIZER_MAX_TEXT + 8, 1);
    for (int i = 0; i < TOKENIZER_MAX_TEXT; i++) text[i] = (char)('a' + rng_below(&r, 26));
    int64_t row[CONTEXT];
    double start = clock_s();
    CHECK_OK(tokenizer_encode(&tok, text, CONTEXT, true, row, NULL));
    printf("one word of %d letters: %.2f s\n", TOKENIZER_MAX_TEXT, clock_s() - start);
    CHECK_INT(row[CONTEXT - 1], TOKENIZER_END);
    for (int i = 0; i + 5 <= TOKENIZER_MAX_TEXT; i += 5) memcpy(text + i, "&amp;", 5);
    text[TOKENIZER_MAX_TEXT] = '\0';
    CHECK_OK(tokenizer_encode(&tok, text, CONTEXT, true, row, NULL));
    memset(text, 'a', TOKENIZER_MAX_TEXT + 1);
    CHECK_ERROR(tokenizer_encode(&tok, text, CONTEXT, true, row, NULL), ERR_DATA, "at most 16384");
    free(text);
}

static char *write_temporary(const char *name, const void *data, size_t n) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, data, n));
    return path;
}

TEST(a_missing_or_another_vocabulary_is_named_with_the_remedy) {
    struct tokenizer t;
    CHECK_ERROR(tokenizer_open(&t, "/nowhere/bpe.txt.gz"), ERR_MISSING, "/nowhere/bpe.txt.gz");
    setenv("OVSEG_BPE", "/nowhere/at/all", 1);
    CHECK_ERROR(tokenizer_open(&t, NULL), ERR_MISSING, "scripts/setup");
    unsetenv("OVSEG_BPE");
    setenv("OVSEG_DEPS", "/nowhere", 1);
    CHECK_ERROR(tokenizer_open(&t, NULL), ERR_MISSING, "/nowhere/clip/bpe_simple_vocab");
    unsetenv("OVSEG_DEPS");
    char *other = write_temporary("other.txt", "#version\ni n\n", 13);
    CHECK_ERROR(tokenizer_open(&t, other), ERR_DATA, "not CLIP's vocabulary");
    free(other);
}

TEST(a_damaged_file_is_refused_and_an_unpacked_one_read) {
    char *path;
    struct bytes packed;
    CHECK_OK(tokenizer_default_path(&path));
    CHECK_OK(file_read(path, 4 << 20, &packed));
    struct tokenizer t;
    char *half = write_temporary("half.gz", packed.at, packed.n / 2);
    CHECK_ERROR(tokenizer_open(&t, half), ERR_DATA, "damaged");
    packed.at[packed.n / 2] ^= 1;
    char *flipped = write_temporary("flipped.gz", packed.at, packed.n);
    CHECK_ERROR(tokenizer_open(&t, flipped), ERR_DATA, "flipped.gz");

    struct str text = {0};
    char block[4096];
    int k;
    gzFile f = gzopen(path, "rb");
    while ((k = gzread(f, block, sizeof block)) > 0) str_put(&text, block, (size_t)k);
    gzclose(f);
    char *plain = write_temporary("plain.txt", text.at, text.n);
    CHECK_OK(tokenizer_open(&t, plain));
    tokenizer_close(&t);
    CHECK(text.n > 1000);
    text.at[1000] ^= 1; /* one letter of one merge */
    char *changed = write_temporary("changed.txt", text.at, text.n);
    CHECK_ERROR(tokenizer_open(&t, changed), ERR_DATA, "not CLIP's vocabulary");

    str_free(&text);
    bytes_free(&packed);
    free(changed);
    free(plain);
    free(flipped);
    free(half);
    free(path);
}

TEST(captions_take_microseconds) {
    double start = clock_s();
    struct tokenizer t;
    CHECK_OK(tokenizer_open(&t, NULL));
    printf("opening: %.0f ms\n", (clock_s() - start) * 1e3);
    int64_t row[CONTEXT], n, total = 0;
    start = clock_s();
    enum { ROUNDS = 20000 };
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_OK(tokenizer_encode(
            &t, "A multicolored kite flies over the snow-covered hill near two giraffes.", CONTEXT,
            false, row, &n));
        total += n;
    }
    printf("encoding: %.0f captions/s\n", ROUNDS / (clock_s() - start));
    CHECK_INT(total, 19 * ROUNDS);
    tokenizer_close(&t);
}

TEST(tokens_are_spelled_as_the_vocabulary_has_them) {
    static const struct {
        int64_t id;
        const char *text;
    } cases[] = {{0, "!"},
                 {256, "!</w>"},
                 {188, "\xc4\x80"}, /* the byte 0: U+0100 */
                 {511, "\xc5\x83</w>"},
                 {512, "in"},
                 {TOKENIZER_START, "<|startoftext|>"},
                 {TOKENIZER_END, "<|endoftext|>"}};
    struct tokenizer t;
    CHECK_OK(tokenizer_open(&t, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = {0};
        tokenizer_spell(&t, cases[i].id, &text);
        CHECK_TEXT(text.at, cases[i].text);
        str_free(&text);
    }
    tokenizer_close(&t);
}

TEST(every_merge_is_of_tokens_before_it) {
    struct tokenizer t;
    uint32_t(*pair)[2] = mem_alloc(TOKENIZER_SIZE, sizeof *pair);
    CHECK_OK(tokenizer_open(&t, NULL));
    tokenizer_merges(&t, pair);
    for (int64_t id = TOKENIZER_MERGED; id < TOKENIZER_START; id++) {
        struct str both = {0}, whole = {0};
        CHECK(pair[id][0] < id && pair[id][1] < id);
        tokenizer_spell(&t, pair[id][0], &both);
        tokenizer_spell(&t, pair[id][1], &both);
        tokenizer_spell(&t, id, &whole);
        CHECK_TEXT(both.at, whole.at);
        str_free(&both);
        str_free(&whole);
    }
    free(pair);
    tokenizer_close(&t);
}
