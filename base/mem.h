/* Memory: allocations whose sizes are checked, and a string that grows.
 *
 * Small things cannot fail (the program aborts: nothing sensible follows); what may exceed 1 MiB
 * or whose size comes from a file uses mem_try and handles NULL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t n, size_t size); /* n zeroed elements; aborts when memory is out */
void *mem_try(size_t n, size_t size);   /* the same; NULL and ERR_INTERNAL instead of aborting */

/* Room for `need` elements in *cap; contents are kept, new bytes are not cleared. Aborts like
 * mem_alloc. `p = mem_grow(p, &cap, n + 1, sizeof *p);` */
void *mem_grow(void *p, size_t *cap, size_t need, size_t size);

char *mem_strdup(const char *s);
char *mem_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* *out = a * b or a + b; false on overflow. For every size that comes from outside. */
bool size_mul(size_t a, size_t b, size_t *out);
bool size_add(size_t a, size_t b, size_t *out);

/* Bytes with their length, owned. */
struct bytes {
    uint8_t *at;
    size_t n;
};
void bytes_free(struct bytes *b);
/* Room for n bytes and one more, contents undefined; what is there already is kept when it is
 * enough: fresh pages for each use cost more than filling them. ERR_INTERNAL. */
int bytes_reserve(struct bytes *b, size_t n);

/* A string that grows. {0} is the empty one; `at` is NULL until something was added. */
struct str {
    char *at;
    size_t n, cap;
};
void str_add(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_put(struct str *s, const void *bytes, size_t n);
void str_free(struct str *s);

/* A list of owned strings. {0} is the empty one. */
struct strings {
    char **at;
    size_t n, cap;
};
void strings_add(struct strings *l, const char *s);
void strings_copy(struct strings *to, const struct strings *from); /* frees what `to` held */
void strings_free(struct strings *l);
void strings_settle(struct strings *l); /* sorted by bytes, each text once */
/* The place of a text in such a list; -1: not there. */
int64_t strings_find(const struct strings *l, const char *s);

/* Keeps freed memory in the process instead of giving it back after every tensor: glibc otherwise
 * maps and clears the same pages again and again (measured: a training step of R50 1.4 times as
 * long). Once, at the start of the program. Bit-equal. */
void mem_keep_pages(void);
/* Gives back what was kept and is free now: between phases that need memory of other shapes. */
void mem_return_pages(void);
