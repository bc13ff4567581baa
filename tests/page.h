/* A page that a report wrote, read strictly: elements closed in order, attributes quoted, entities
 * whole, and nothing in it that runs or comes from elsewhere. Texts may hold anything. */
#pragma once

#include <ctype.h>

#include "base/utf8.h"
#include "tests/test.h"

enum { PAGE_DEPTH = 64 };

struct page_check {
    const char *at;
    char open[PAGE_DEPTH][16];
    int depth;
};

static inline _Noreturn void page_fails(const struct page_check *p, const char *why) {
    test_fail(__FILE__, __LINE__, "%s: %.80s", why, p->at);
}

static inline bool page_is_one_of(const char *name, const char *const *list) {
    for (; *list; list++)
        if (strcmp(name, *list) == 0) return true;
    return false;
}

static inline void page_name(struct page_check *p, char out[16]) {
    size_t n = 0;
    while (isalnum((unsigned char)*p->at) || *p->at == '-') {
        if (n == 15) page_fails(p, "a name too long");
        out[n++] = *p->at++;
    }
    out[n] = '\0';
    if (!n) page_fails(p, "no name");
}

/* "&lt;", "&#39;" */
static inline void page_entity(struct page_check *p) {
    static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;", NULL};
    for (size_t i = 0; known[i]; i++)
        if (strncmp(p->at, known[i], strlen(known[i])) == 0) {
            p->at += strlen(known[i]);
            return;
        }
    page_fails(p, "no entity of ours");
}

static inline void page_attribute(struct page_check *p) {
    char name[32];
    size_t n = 0;
    while (isalnum((unsigned char)*p->at) || *p->at == '-') {
        if (n == 31) page_fails(p, "an attribute too long");
        name[n++] = *p->at++;
    }
    name[n] = '\0';
    static const char *const known[] = {
        "lang",  "charset", "name", "content", "http-equiv", "class", "id",   "href",
        "scope", "viewBox", "role", "d",       "aria-label", "x",     "y",    "width",
        "src",   "height",  "alt",  "cx",      "cy",         "r",     "open", NULL};
    if (!page_is_one_of(name, known)) page_fails(p, "an attribute that we do not write");
    if (strncmp(p->at, "=\"", 2) != 0) page_fails(p, "an attribute without quotes");
    p->at += 2;
    if (strcmp(name, "href") == 0 && *p->at != '#') page_fails(p, "a link out of the page");
    if (strcmp(name, "src") == 0 && strncmp(p->at, "data:image/png;base64,", 22) != 0)
        page_fails(p, "something from elsewhere");
    while (*p->at != '"') {
        if (!*p->at || *p->at == '<' || *p->at == '>') page_fails(p, "an attribute without end");
        if (*p->at == '&')
            page_entity(p);
        else
            p->at++;
    }
    p->at++;
}

static inline void page_begin(struct page_check *p) {
    static const char *const known[] = {
        "html",    "head",    "meta",    "title",      "style",  "body",  "header", "h1",
        "h2",      "h3",      "h4",      "p",          "div",    "b",     "span",   "nav",
        "a",       "main",    "section", "i",          "table",  "thead", "tbody",  "tr",
        "th",      "td",      "figure",  "svg",        "path",   "rect",  "circle", "text",
        "details", "summary", "img",     "figcaption", "footer", NULL};
    char name[16];
    page_name(p, name);
    if (!page_is_one_of(name, known)) page_fails(p, "an element that we do not write");
    while (*p->at == ' ') {
        p->at++;
        page_attribute(p);
    }
    if (strncmp(p->at, "/>", 2) == 0) {
        p->at += 2;
        return;
    }
    if (*p->at != '>' || p->depth == PAGE_DEPTH) page_fails(p, "a tag without end");
    p->at++;
    memcpy(p->open[p->depth++], name, sizeof name);
}

static inline void page_end(struct page_check *p) {
    char name[16];
    page_name(p, name);
    if (*p->at != '>' || !p->depth || strcmp(p->open[p->depth - 1], name) != 0)
        page_fails(p, "an end without its begin");
    p->at++;
    p->depth--;
}

static inline void check_page(const char *page) {
    static const char type[] = "<!DOCTYPE html>\n";
    struct page_check p = {.at = page};
    CHECK(utf8_valid(page, strlen(page)));
    CHECK(strncmp(page, type, sizeof type - 1) == 0);
    for (p.at += sizeof type - 1; *p.at;) {
        if (strncmp(p.at, "</", 2) == 0) {
            p.at += 2;
            page_end(&p);
        } else if (*p.at == '<') {
            p.at++;
            page_begin(&p);
        } else if (*p.at == '&') {
            page_entity(&p);
        } else if (p.depth && strcmp(p.open[p.depth - 1], "style") == 0 &&
                   (strncmp(p.at, "url(", 4) == 0 || strncmp(p.at, "@import", 7) == 0)) {
            page_fails(&p, "something from elsewhere");
        } else {
            if ((unsigned char)*p.at < ' ' && *p.at != '\n' && *p.at != '\t')
                page_fails(&p, "a control character");
            p.at++;
        }
    }
    if (p.depth) page_fails(&p, p.open[p.depth - 1]);
}
