#include "data/noun_phrases.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/nouns.h"
#include "data/singular.h"
#include "data/word_list.h"

static int add_phrase(struct noun_phrases *p, const char *text) {
    struct strings token = {0};
    struct str joined = {0};
    nouns_tokenize(text, strlen(text), false, &token);
    for (size_t i = 0; i < token.n; i++) str_add(&joined, "%s%s", i ? " " : "", token.at[i]);
    int status = 0;
    if (token.n > NOUN_PHRASE_WORDS)
        status = error_set(ERR_DATA, "a phrase of %zu words; at most %d are", token.n,
                           NOUN_PHRASE_WORDS);
    else if (token.n && text_index_add(&p->phrase, joined.at, joined.n) == TEXT_INDEX_NONE)
        status = error_set(ERR_DATA, "more phrases than fit");
    if (token.n > p->longest) p->longest = token.n;
    strings_free(&token);
    str_free(&joined);
    return status;
}

int noun_phrases_read(struct noun_phrases *p, const char *path) {
    *p = (struct noun_phrases){0};
    struct strings text = {0};
    size_t *line = NULL;
    int status = word_list_read(path, &text, &line);
    for (size_t i = 0; !status && i < text.n; i++)
        if (add_phrase(p, text.at[i])) status = error_context("%s: line %zu", path, line[i]);
    if (!status && !p->phrase.n)
        status = error_set(ERR_DATA, "%s: no phrases in it; one a line is expected", path);
    free(line);
    strings_free(&text);
    if (status) noun_phrases_free(p);
    return status ? error_context("the phrases of nouns") : 0;
}

void noun_phrases_free(struct noun_phrases *p) {
    text_index_free(&p->phrase);
    *p = (struct noun_phrases){0};
}

size_t noun_phrases_match(const struct noun_phrases *p, char *const *token, size_t n) {
    if (n > p->longest) n = p->longest;
    size_t found = 0;
    struct str text = {0}, last = {0};
    for (size_t k = 1; k <= n; k++) {
        size_t before = text.n;
        last.n = 0;
        noun_singular(token[k - 1], &last);
        str_put(&text, last.at, last.n);
        bool is = text_index_find(&p->phrase, text.at, text.n) != TEXT_INDEX_NONE;
        text.n = before;
        str_put(&text, token[k - 1], strlen(token[k - 1]));
        if (is || text_index_find(&p->phrase, text.at, text.n) != TEXT_INDEX_NONE) found = k;
        str_put(&text, " ", 1);
    }
    str_free(&text);
    str_free(&last);
    return found;
}
