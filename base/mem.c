#include "base/mem.h"

#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

bool size_mul(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
bool size_add(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }

void *mem_alloc(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size);
    REQUIRE(p, "out of memory: %zu x %zu bytes", n, size);
    return p;
}

void *mem_try(size_t n, size_t size) {
    size_t total; /* asked first: sanitizers end the program over an overflow inside calloc */
    void *p = size_mul(n, size, &total) ? calloc(n ? n : 1, size ? size : 1) : NULL;
    if (!p) error_set(ERR_INTERNAL, "out of memory: %zu x %zu bytes", n, size);
    return p;
}

void *mem_grow(void *p, size_t *cap, size_t need, size_t size) {
    if (need <= *cap) return p;
    size_t want = *cap ? *cap : 16, total;
    while (want < need) REQUIRE(size_mul(want, 2, &want), "a list of %zu elements", need);
    REQUIRE(size_mul(want, size, &total), "a list of %zu x %zu bytes", want, size);
    p = realloc(p, total);
    REQUIRE(p, "out of memory: %zu bytes", total);
    *cap = want;
    return p;
}

char *mem_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    return memcpy(mem_alloc(n, 1), s, n);
}

char *mem_format(const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    REQUIRE(n >= 0, "bad format %s", fmt);
    char *s = mem_alloc((size_t)n + 1, 1);
    vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

void bytes_free(struct bytes *b) {
    free(b->at);
    *b = (struct bytes){0};
}

int bytes_reserve(struct bytes *b, size_t n) {
    if (b->at && n <= b->n) return 0;
    bytes_free(b);
    b->at = mem_try(n + 1, 1);
    if (!b->at) return error_status();
    b->n = n;
    return 0;
}

void str_put(struct str *s, const void *bytes, size_t n) {
    size_t need;
    REQUIRE(size_add(s->n, n, &need) && size_add(need, 1, &need), "a string of %zu bytes", n);
    s->at = mem_grow(s->at, &s->cap, need, 1);
    if (n) memcpy(s->at + s->n, bytes, n);
    s->n += n;
    s->at[s->n] = '\0';
}

void str_add(struct str *s, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    REQUIRE(n >= 0, "bad format %s", fmt);
    s->at = mem_grow(s->at, &s->cap, s->n + (size_t)n + 1, 1);
    vsnprintf(s->at + s->n, (size_t)n + 1, fmt, again);
    va_end(again);
    s->n += (size_t)n;
}

void str_free(struct str *s) {
    free(s->at);
    *s = (struct str){0};
}

void strings_add(struct strings *l, const char *s) {
    l->at = mem_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    l->at[l->n++] = mem_strdup(s);
}

void strings_copy(struct strings *to, const struct strings *from) {
    strings_free(to);
    for (size_t i = 0; i < from->n; i++) strings_add(to, from->at[i]);
}

void strings_free(struct strings *l) {
    for (size_t i = 0; i < l->n; i++) free(l->at[i]);
    free(l->at);
    *l = (struct strings){0};
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_settle(struct strings *l) {
    size_t n = 0;
    if (l->n) qsort(l->at, l->n, sizeof *l->at, by_text);
    for (size_t i = 0; i < l->n; i++) {
        if (n && strcmp(l->at[n - 1], l->at[i]) == 0)
            free(l->at[i]);
        else
            l->at[n++] = l->at[i];
    }
    l->n = n;
}

int64_t strings_find(const struct strings *l, const char *s) {
    char *const *hit = l->n ? bsearch(&s, l->at, l->n, sizeof *l->at, by_text) : NULL;
    return hit ? hit - l->at : -1;
}

void mem_keep_pages(void) {
    /* Without the cap of 32 MiB that older manuals name: glibc 2.36 takes any threshold. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 64 << 20);
}

void mem_return_pages(void) { malloc_trim(64 << 20); }
