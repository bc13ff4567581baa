#include "data/perceptron.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "data/unicode.h"

bool tag_is_noun(const char *tag) {
    static const char *const nouns[] = {"NN", "NNS", "NNP", "NNPS", "NOUN", "PROPN"};
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++)
        if (!strcmp(tag, nouns[i])) return true;
    return false;
}

/* ---- making ---- */

/* The number of a text, ERR_DATA and 0 when it is none that can be. *fresh: it was not there. */
static int index_text(struct text_index *t, const char *what, const char *s, size_t n, size_t *i,
                      bool *fresh) {
    if (!n || n > PERCEPTRON_TEXT_MAX || memchr(s, '\0', n))
        return error_set(ERR_DATA, "a %s of %zu bytes, or with a NUL in it", what, n);
    size_t before = t->n;
    *i = text_index_add(t, s, n);
    *fresh = t->n > before;
    return *i == TEXT_INDEX_NONE ? error_set(ERR_DATA, "more than %zu %ss", before, what) : 0;
}

static int index_tag(struct perceptron *p, const char *s, size_t n, uint32_t *tag) {
    size_t i;
    bool fresh;
    int status = index_text(&p->tag, "tag", s, n, &i, &fresh);
    if (status) return status;
    if (i >= PERCEPTRON_TAGS_MAX)
        return error_set(ERR_DATA, "more than %d tags", PERCEPTRON_TAGS_MAX);
    *tag = (uint32_t)i;
    if (!fresh) return 0;
    if (!p->is_class) {
        p->is_class = mem_alloc(PERCEPTRON_TAGS_MAX, sizeof *p->is_class);
        p->is_noun = mem_alloc(PERCEPTRON_TAGS_MAX, sizeof *p->is_noun);
    }
    p->is_noun[i] = tag_is_noun(text_index_at(&p->tag, i));
    return 0;
}

int perceptron_class(struct perceptron *p, const char *name, size_t n) {
    REQUIRE(!p->finished, "a class for a tagger that is finished");
    uint32_t tag;
    int status = index_tag(p, name, n, &tag);
    if (status) return status;
    if (p->is_class[tag]) return error_set(ERR_DATA, "class \"%.*s\" twice", (int)n, name);
    p->is_class[tag] = true;
    p->classes++;
    return 0;
}

int perceptron_word(struct perceptron *p, const char *word, size_t n, const char *tag,
                    size_t n_tag) {
    REQUIRE(!p->finished, "a word for a tagger that is finished");
    size_t i;
    bool fresh;
    uint32_t number;
    int status = index_text(&p->word, "word", word, n, &i, &fresh);
    if (!status) status = index_tag(p, tag, n_tag, &number);
    if (status) return status;
    if (!fresh) return error_set(ERR_DATA, "word \"%.*s\" twice", (int)n, word);
    p->word_tag = mem_grow(p->word_tag, &p->cap_word_tag, i + 1, sizeof *p->word_tag);
    p->word_tag[i] = number;
    return 0;
}

int perceptron_feature(struct perceptron *p, const char *name, size_t n) {
    REQUIRE(!p->finished, "a feature for a tagger that is finished");
    size_t i;
    bool fresh;
    int status = index_text(&p->feature, "feature", name, n, &i, &fresh);
    if (status) return status;
    if (!fresh) return error_set(ERR_DATA, "feature \"%.*s\" twice", (int)n, name);
    p->start = mem_grow(p->start, &p->cap_start, i + 2, sizeof *p->start);
    p->start[i] = p->start[i + 1] = (uint32_t)p->n_weights;
    if (n > p->longest) p->longest = n;
    return 0;
}

int perceptron_weight(struct perceptron *p, const char *tag, size_t n, double value) {
    REQUIRE(!p->finished && p->feature.n, "a weight of no feature");
    uint32_t number;
    int status = index_tag(p, tag, n, &number);
    if (status) return status;
    if (!(fabs(value) <= 1e100)) /* sums of them stay finite */
        return error_set(ERR_DATA, "a weight that is no finite number");
    if (p->n_weights == PERCEPTRON_WEIGHTS_MAX)
        return error_set(ERR_DATA, "more than %d weights", PERCEPTRON_WEIGHTS_MAX);
    const char *feature = text_index_at(&p->feature, p->feature.n - 1);
    for (size_t k = p->start[p->feature.n - 1]; k < p->n_weights; k++)
        if (p->weight[k].tag == number)
            return error_set(ERR_DATA, "feature \"%s\" has two weights for %.*s", feature, (int)n,
                             tag);
    p->weight = mem_grow(p->weight, &p->cap_weight, p->n_weights + 1, sizeof *p->weight);
    p->weight[p->n_weights++] = (struct perceptron_weight){value, number};
    p->start[p->feature.n] = (uint32_t)p->n_weights;
    return 0;
}

int perceptron_finish(struct perceptron *p) {
    if (!p->classes) return error_set(ERR_DATA, "no classes: there is nothing to choose from");
    for (size_t i = 0; i < p->word.n; i++)
        if (!p->is_class[p->word_tag[i]])
            return error_set(ERR_DATA, "word \"%s\": its tag %s is none of the classes",
                             text_index_at(&p->word, i), text_index_at(&p->tag, p->word_tag[i]));
    p->order = mem_alloc(p->classes, sizeof *p->order);
    size_t n = 0;
    for (uint32_t i = 0; i < p->tag.n; i++) {
        if (!p->is_class[i]) continue;
        size_t at = n++; /* the order of bytes is Python's: UTF-8 keeps that of code points */
        for (;
             at && strcmp(text_index_at(&p->tag, i), text_index_at(&p->tag, p->order[at - 1])) < 0;
             at--)
            p->order[at] = p->order[at - 1];
        p->order[at] = i;
    }
    p->finished = true;
    return 0;
}

void perceptron_close(struct perceptron *p) {
    text_index_free(&p->tag);
    text_index_free(&p->word);
    text_index_free(&p->feature);
    free(p->order);
    free(p->is_class);
    free(p->is_noun);
    free(p->word_tag);
    free(p->start);
    free(p->weight);
    *p = (struct perceptron){0};
}

/* ---- tagging ---- */

/* A piece of text that a feature is made of. */
struct part {
    const char *at;
    size_t n;
};

static struct part whole(const char *s) { return (struct part){s, strlen(s)}; }

/* The last three characters, and the first. Bytes that are no UTF-8 count as one each. */
static struct part suffix(struct part p) {
    size_t from = p.n;
    for (int k = 0; k < 3 && from; k++) {
        from--;
        while (from && ((unsigned char)p.at[from] & 0xC0) == 0x80 && p.n - from < 12) from--;
    }
    return (struct part){p.at + from, p.n - from};
}

static struct part prefix(struct part p) {
    int32_t code;
    if (p.n) p.n = unicode_get(p.at, p.n, &code);
    return p;
}

/* A token as its neighbours see it. */
static void normalize(const char *token, struct str *out) {
    size_t n = strlen(token), characters = 0, digits = 0;
    int32_t code = 0;
    bool begins = false;
    for (size_t i = 0; i < n; characters++) {
        i += unicode_get(token + i, n - i, &code);
        digits += unicode_is_digit(code);
        if (!characters) begins = digits;
    }
    if (n && token[0] != '-' && strchr(token, '-'))
        str_put(out, "!HYPHEN", 7);
    else if (characters == 4 && digits == 4)
        str_put(out, "!YEAR", 5);
    else if (begins)
        str_put(out, "!DIGITS", 7);
    else
        unicode_lower(token, n, out);
    str_put(out, "", 1);
}

struct tagging {
    const struct perceptron *p;
    double *score; /* [tag.n] */
    char *text;    /* room for the longest feature */
};

/* Adds the weights of the feature NAME A [B]. */
static void add(const struct tagging *t, const char *name, struct part a, struct part b) {
    const struct perceptron *p = t->p;
    size_t n = strlen(name), all = n + 1 + a.n + (b.at ? 1 + b.n : 0);
    if (all > p->longest) return; /* there is none so long */
    memcpy(t->text, name, n);
    t->text[n++] = ' ';
    memcpy(t->text + n, a.at, a.n);
    n += a.n;
    if (b.at) {
        t->text[n++] = ' ';
        memcpy(t->text + n, b.at, b.n);
        n += b.n;
    }
    size_t feature = text_index_find(&p->feature, t->text, n);
    if (feature == TEXT_INDEX_NONE) return;
    for (size_t k = p->start[feature]; k < p->start[feature + 1]; k++)
        t->score[p->weight[k].tag] += p->weight[k].value;
}

static void add_bias(const struct tagging *t) {
    const struct perceptron *p = t->p;
    size_t feature = text_index_find(&p->feature, "bias", 4);
    if (feature == TEXT_INDEX_NONE) return;
    for (size_t k = p->start[feature]; k < p->start[feature + 1]; k++)
        t->score[p->weight[k].tag] += p->weight[k].value;
}

/* In this order: sums of the same numbers in another one could tell equal scores apart. `word` is
 * the normalised token, with two of its neighbours' on either side. */
static uint32_t choose(const struct tagging *t, struct part token, const struct part *word,
                       struct part tag1, struct part tag2) {
    static const struct part none;
    const struct perceptron *p = t->p;
    memset(t->score, 0, p->tag.n * sizeof *t->score);
    add_bias(t);
    add(t, "i suffix", suffix(token), none);
    add(t, "i pref1", prefix(token), none);
    add(t, "i-1 tag", tag1, none);
    add(t, "i-2 tag", tag2, none);
    add(t, "i tag+i-2 tag", tag1, tag2);
    add(t, "i word", word[0], none);
    add(t, "i-1 tag+i word", tag1, word[0]);
    add(t, "i-1 word", word[-1], none);
    add(t, "i-1 suffix", suffix(word[-1]), none);
    add(t, "i-2 word", word[-2], none);
    add(t, "i+1 word", word[1], none);
    add(t, "i+1 suffix", suffix(word[1]), none);
    add(t, "i+2 word", word[2], none);
    uint32_t best = p->order[0];
    for (size_t k = 1; k < p->classes; k++)
        if (t->score[p->order[k]] >= t->score[best]) best = p->order[k];
    return best;
}

void perceptron_tag(const struct perceptron *p, char *const *token, size_t n, uint32_t *tag) {
    REQUIRE(p->finished, "a tagger without perceptron_finish");
    struct str text = {0}; /* the normalised tokens, each with its NUL */
    for (size_t i = 0; i < n; i++) normalize(token[i], &text);
    struct part *word = mem_alloc(n + 4, sizeof *word);
    word[0] = whole("-START-");
    word[1] = whole("-START2-");
    word[n + 2] = whole("-END-");
    word[n + 3] = whole("-END2-");
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        word[i + 2] = whole(text.at + at);
        at += word[i + 2].n + 1;
    }
    struct tagging t = {.p = p,
                        .score = mem_alloc(p->tag.n, sizeof *t.score),
                        .text = mem_alloc(p->longest + 1, 1)};
    struct part tag1 = word[0], tag2 = word[1];
    for (size_t i = 0; i < n; i++) {
        struct part spelt = whole(token[i]);
        size_t known = text_index_find(&p->word, spelt.at, spelt.n);
        tag[i] = known != TEXT_INDEX_NONE ? p->word_tag[known]
                                          : choose(&t, spelt, word + i + 2, tag1, tag2);
        tag2 = tag1;
        tag1 = whole(text_index_at(&p->tag, tag[i]));
    }
    free(t.score);
    free(t.text);
    free(word);
    str_free(&text);
}

const char *perceptron_tag_name(const struct perceptron *p, uint32_t tag) {
    return text_index_at(&p->tag, tag);
}
