#include "data/tokenizer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/shipped.h"
#include "base/utf8.h"
#include "data/clean.h"
#include "data/unicode.h"

enum {
    BYTES = 256,
    MERGES = 48894,
    SPECIAL = 2,
    WORD_SLOTS = 1 << 17, /* powers of two, at most 38 % full */
    MERGE_SLOTS = 1 << 17,
    MAX_FILE = 4 << 20, /* the file unpacks to 3.2 MB */
    SMALL_PIECE = 64,   /* bytes of a piece that is merged on the stack */
};
_Static_assert(2 * BYTES + MERGES + SPECIAL == TOKENIZER_SIZE, "the vocabulary's parts");

static const uint32_t NONE = UINT32_MAX;
static const char *const special[SPECIAL] = {"<|startoftext|>", "<|endoftext|>"};
static const char FILE_NAME[] = "bpe_simple_vocab_16e6.txt.gz";

/* XXH3 of the unpacked file. Set-up compares the sha256 of the packed one, which a gzip of the
 * same text by another program does not have: 924691ac288e5440...48d6804a. */
static const uint64_t CONTENT = UINT64_C(0x3456375b922f0cb6);

/* The file writes bytes in a printable alphabet: 188 bytes are themselves, the other 68 are the
 * code points from 256 on, in the order of the bytes. Ids of the bytes follow the same order. */
static bool is_printable(int byte) {
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

struct alphabet {
    uint8_t byte_of_id[BYTES];
    int16_t byte_of_code[BYTES + 68]; /* code point -> byte, -1: not in the alphabet */
};

static void alphabet_make(struct alphabet *a, uint8_t byte_id[BYTES]) {
    int id = 0, remapped = BYTES;
    memset(a->byte_of_code, -1, sizeof a->byte_of_code);
    for (int printable = 1; printable >= 0; printable--) {
        for (int b = 0; b < BYTES; b++) {
            if (is_printable(b) != printable) continue;
            a->byte_of_code[printable ? b : remapped++] = (int16_t)b;
            a->byte_of_id[id] = (uint8_t)b;
            byte_id[b] = (uint8_t)id++;
        }
    }
}

/* ---- the two tables ---- */

/* The slot of a token, or the empty one where it belongs. */
static uint32_t *word_slot(const struct tokenizer *t, const char *s, size_t n, bool ends) {
    uint64_t h = hash_bytes(s, n) + ends;
    for (;; h++) {
        uint32_t *slot = &t->word[h & (WORD_SLOTS - 1)];
        if (!*slot) return slot;
        uint32_t id = *slot - 1;
        size_t length = t->at[id + 1] - t->at[id];
        if (t->ends[id] == ends && length == n && !memcmp(t->text + t->at[id], s, n)) return slot;
    }
}

static struct tokenizer_merge *merge_slot(const struct tokenizer *t, uint32_t left,
                                          uint32_t right) {
    uint64_t h = ((uint64_t)left << 32 | right) * UINT64_C(0x9E3779B97F4A7C15) >> 40;
    for (;; h++) {
        struct tokenizer_merge *m = &t->merge[h & (MERGE_SLOTS - 1)];
        if (!m->id || (m->left == left && m->right == right)) return m;
    }
}

/* The id of two neighbours merged. Ids of merges are in the order of their ranks, so that the
 * lowest id is the one to merge first. */
static uint32_t merged(const struct tokenizer *t, uint32_t left, uint32_t right) {
    uint32_t id = merge_slot(t, left, right)->id;
    return id ? id : NONE;
}

/* ---- reading the file ---- */

static int read_unpacked(const char *path, struct str *out) {
    gzFile f = gzopen(path, "rb"); /* reads plain files as they are */
    if (!f)
        return error_set(ERR_MISSING, "%s: cannot be opened; scripts/setup gets CLIP's vocabulary",
                         path);
    char block[1 << 14];
    int k;
    while ((k = gzread(f, block, sizeof block)) > 0 && out->n <= MAX_FILE)
        str_put(out, block, (size_t)k);
    bool whole = gzclose(f) == Z_OK && k == 0;
    if (!whole || out->n > MAX_FILE)
        return error_set(ERR_DATA, "%s: damaged, or not CLIP's vocabulary; scripts/setup gets it",
                         path);
    return 0;
}

/* One token of the file's alphabet, appended to `bytes`; false when it is none. */
static bool parse_symbol(const struct alphabet *a, const char *s, size_t n, struct str *bytes,
                         bool *ends) {
    static const char suffix[] = "</w>";
    size_t tail = sizeof suffix - 1;
    *ends = n > tail && !memcmp(s + n - tail, suffix, tail);
    if (*ends) n -= tail;
    for (size_t i = 0; i < n;) {
        int32_t code;
        i += unicode_get(s + i, n - i, &code);
        if (code >= BYTES + 68 || a->byte_of_code[code] < 0) return false;
        char byte = (char)a->byte_of_code[code];
        str_put(bytes, &byte, 1);
    }
    return n > 0;
}

static void add_token(struct tokenizer *t, uint32_t id, struct str *text, const char *s, size_t n,
                      bool ends) {
    t->at[id] = (uint32_t)text->n;
    str_put(text, s, n);
    t->at[id + 1] = (uint32_t)text->n;
    t->text = text->at; /* it may have moved */
    t->ends[id] = ends;
    *word_slot(t, s, n, ends) = id + 1;
}

/* "left right": both are tokens already, and together they are the next one. */
static bool add_merge(struct tokenizer *t, const struct alphabet *a, uint32_t id, const char *line,
                      size_t n, struct str *text) {
    const char *space = memchr(line, ' ', n);
    if (!space) return false;
    size_t n_left = (size_t)(space - line);
    struct str both = {0};
    bool ends_left, ends_right, ok;
    ok = parse_symbol(a, line, n_left, &both, &ends_left) && !ends_left;
    size_t cut = both.n;
    ok = ok && parse_symbol(a, space + 1, n - n_left - 1, &both, &ends_right);
    uint32_t left = ok ? *word_slot(t, both.at, cut, false) : 0;
    uint32_t right = ok ? *word_slot(t, both.at + cut, both.n - cut, ends_right) : 0;
    ok = left && right && !*word_slot(t, both.at, both.n, ends_right);
    struct tokenizer_merge *m = ok ? merge_slot(t, left - 1, right - 1) : NULL;
    ok = m && !m->id;
    if (ok) {
        *m = (struct tokenizer_merge){left - 1, right - 1, id};
        add_token(t, id, text, both.at, both.n, ends_right);
    }
    str_free(&both);
    return ok;
}

static bool parse(struct tokenizer *t, const char *file, size_t n) {
    struct alphabet a;
    struct str text = {0};
    alphabet_make(&a, t->byte_id);
    for (uint32_t id = 0; id < 2 * BYTES; id++)
        add_token(t, id, &text, (const char *)&a.byte_of_id[id % BYTES], 1, id >= BYTES);
    const char *end = file + n;
    const char *line = memchr(file, '\n', n); /* after the header */
    for (uint32_t id = 2 * BYTES; id < TOKENIZER_START; id++) {
        if (!line || ++line == end) return false;
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop || !add_merge(t, &a, id, line, (size_t)(stop - line), &text)) return false;
        line = stop;
    }
    for (uint32_t i = 0; i < SPECIAL; i++)
        add_token(t, TOKENIZER_START + i, &text, special[i], strlen(special[i]), true);
    return true;
}

int tokenizer_open(struct tokenizer *t, const char *path) {
    *t = (struct tokenizer){0};
    char *found = NULL;
    int status = path ? 0 : tokenizer_default_path(&found);
    if (status) return status;
    if (!path) path = found;
    struct str file = {0};
    status = read_unpacked(path, &file);
    if (!status) {
        t->at = mem_alloc(TOKENIZER_SIZE + 1, sizeof *t->at);
        t->ends = mem_alloc(TOKENIZER_SIZE, sizeof *t->ends);
        t->word = mem_alloc(WORD_SLOTS, sizeof *t->word);
        t->merge = mem_alloc(MERGE_SLOTS, sizeof *t->merge);
        if (hash_bytes(file.at, file.n) != CONTENT || !parse(t, file.at, file.n))
            status = error_set(ERR_DATA, "%s: not CLIP's vocabulary (%s); scripts/setup gets it",
                               path, FILE_NAME);
    }
    if (status) tokenizer_close(t);
    str_free(&file);
    free(found);
    return status;
}

void tokenizer_close(struct tokenizer *t) {
    free(t->text);
    free(t->at);
    free(t->ends);
    free(t->word);
    free(t->merge);
    *t = (struct tokenizer){0};
}

int tokenizer_default_path(char **path) {
    const char *file = getenv("OVSEG_BPE"), *deps = getenv("OVSEG_DEPS");
    if (file)
        *path = mem_strdup(file);
    else if (deps)
        *path = mem_format("%s/clip/%s", deps, FILE_NAME);
    else
        *path = shipped_words(FILE_NAME);
    if (file_exists(*path)) return 0;
    int status = error_set(ERR_MISSING,
                           "%s: CLIP's vocabulary is not there; run scripts/setup, or name the "
                           "file in OVSEG_BPE",
                           *path);
    free(*path);
    *path = NULL;
    return status;
}

/* ---- encoding ---- */

struct row {
    int64_t *at;
    int64_t n, room; /* n counts on beyond room */
};

static void row_add(struct row *r, int64_t id) {
    if (r->n < r->room) r->at[r->n] = id;
    r->n++;
}

/* Merges the neighbours of lowest rank, everywhere from the left, until none can be: [n] symbols
 * become the count returned. next[i] is what i and i + 1 become. */
static size_t merge_all(const struct tokenizer *t, uint32_t *symbol, uint32_t *next, size_t n) {
    for (size_t i = 0; i + 1 < n; i++) next[i] = merged(t, symbol[i], symbol[i + 1]);
    while (n > 1) {
        uint32_t best = NONE;
        for (size_t i = 0; i + 1 < n; i++)
            if (next[i] < best) best = next[i];
        if (best == NONE) break;
        size_t k = 0;
        bool changed = false; /* symbol[k - 1] is new */
        for (size_t i = 0; i < n; k++) {
            bool join = i + 1 < n && next[i] == best;
            symbol[k] = join ? best : symbol[i];
            if (k)
                next[k - 1] = join || changed ? merged(t, symbol[k - 1], symbol[k]) : next[i - 1];
            changed = join;
            i += join ? 2 : 1;
        }
        n = k;
    }
    return n;
}

static void encode_piece(const struct tokenizer *t, const char *s, size_t n, struct row *row) {
    uint32_t small[2][SMALL_PIECE], *symbol = small[0], *next = small[1];
    if (n > SMALL_PIECE) {
        symbol = mem_alloc(2 * n, sizeof *symbol);
        next = symbol + n;
    }
    for (size_t i = 0; i < n; i++) symbol[i] = t->byte_id[(uint8_t)s[i]] + (i + 1 == n ? BYTES : 0);
    size_t k = merge_all(t, symbol, next, n);
    for (size_t i = 0; i < k; i++) row_add(row, symbol[i]);
    if (symbol != small[0]) free(symbol);
}

/* Bytes of a contraction's end ('s 't 're 've 'm 'll 'd) at s, 0: none. The long s is an s when
 * case does not count. */
static size_t contraction(const char *s, size_t n) {
    static const char *const tails[] = {"s", "\u017F", "t", "re", "ve", "m", "ll", "d"};
    for (size_t i = 0; s[0] == '\'' && i < sizeof tails / sizeof *tails; i++) {
        size_t k = strlen(tails[i]);
        if (n > k && !memcmp(s + 1, tails[i], k)) return k + 1;
    }
    return 0;
}

enum kind { SPACE, LETTER, NUMBER, OTHER };

static enum kind kind_of(int32_t code) {
    if (unicode_is_letter(code)) return LETTER;
    if (unicode_is_number(code)) return NUMBER;
    /* U+0345 is a mark whose upper case is a letter: Python's pattern, blind to case, finds it in
     * neither class and drops it. */
    return unicode_is_space(code) || code == 0x0345 ? SPACE : OTHER;
}

/* Bytes of the piece at s: a contraction, letters, one number character, or a run of others. */
static size_t piece_length(const char *s, size_t n, enum kind *kind) {
    int32_t code;
    size_t i = unicode_get(s, n, &code);
    *kind = kind_of(code);
    size_t tail = contraction(s, n);
    if (tail) return tail;
    if (*kind == SPACE || *kind == NUMBER) return i;
    while (i < n) {
        size_t k = unicode_get(s + i, n - i, &code);
        if (kind_of(code) != *kind) break;
        i += k;
    }
    return i;
}

static void encode_clean(const struct tokenizer *t, const char *s, size_t n, struct row *row) {
    for (size_t i = 0, k; i < n; i += k) {
        k = 0;
        for (int j = 0; j < SPECIAL && !k; j++) {
            size_t length = strlen(special[j]);
            if (n - i < length || memcmp(s + i, special[j], length) != 0) continue;
            row_add(row, TOKENIZER_START + j);
            k = length;
        }
        if (k) continue;
        enum kind kind;
        k = piece_length(s + i, n - i, &kind);
        if (kind != SPACE) encode_piece(t, s + i, k, row);
    }
}

int tokenizer_encode(const struct tokenizer *t, const char *text, int64_t context, bool truncate,
                     int64_t *row, int64_t *length) {
    REQUIRE(context >= 2, "a context of %lld", (long long)context);
    size_t n = strlen(text);
    if (n > TOKENIZER_MAX_TEXT)
        return error_set(ERR_DATA, "a text of %zu bytes \"%s\": at most %d are tokenized", n,
                         utf8_short(text, 40).at, TOKENIZER_MAX_TEXT);
    struct row r = {row, 0, context};
    memset(row, 0, (size_t)context * sizeof *row);
    struct str clean = {0};
    text_clean(text, n, &clean);
    row_add(&r, TOKENIZER_START);
    encode_clean(t, clean.at, clean.n, &r);
    row_add(&r, TOKENIZER_END);
    str_free(&clean);
    if (r.n > context && !truncate)
        return error_set(ERR_DATA, "\"%s\" has %lld tokens, the model reads %lld: shorten it",
                         utf8_short(text, 80).at, (long long)r.n, (long long)context);
    row[(r.n < context ? r.n : context) - 1] = TOKENIZER_END;
    if (length) *length = r.n;
    return 0;
}

const char *tokenizer_token(const struct tokenizer *t, int64_t id, size_t *n, bool *ends_word) {
    REQUIRE(id >= 0 && id < TOKENIZER_SIZE, "token %lld", (long long)id);
    *n = t->at[id + 1] - t->at[id];
    *ends_word = t->ends[id];
    return t->text + t->at[id];
}

void tokenizer_spell(const struct tokenizer *t, int64_t id, struct str *out) {
    enum { PRINTABLE = 188 };
    size_t n;
    bool ends;
    const char *s = tokenizer_token(t, id, &n, &ends);
    for (size_t i = 0; i < n; i++) {
        unsigned byte = (unsigned char)s[i], code = byte;
        if (!is_printable((int)byte)) code = BYTES + t->byte_id[byte] - PRINTABLE;
        char utf8[2] = {(char)(0xc0 | code >> 6), (char)(0x80 | (code & 0x3f))}; /* code < 0x800 */
        if (code < 0x80)
            str_add(out, "%c", (int)code);
        else
            str_put(out, utf8, 2);
    }
    if (ends && id < TOKENIZER_START) str_add(out, "</w>");
}

void tokenizer_merges(const struct tokenizer *t, uint32_t (*pair)[2]) {
    memset(pair, 0, TOKENIZER_SIZE * sizeof *pair);
    for (size_t i = 0; i < MERGE_SLOTS; i++) {
        const struct tokenizer_merge *m = &t->merge[i];
        if (!m->id) continue;
        pair[m->id][0] = m->left;
        pair[m->id][1] = m->right;
    }
}
