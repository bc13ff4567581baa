#include "data/json_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { CHUNK = 1 << 16 };

uint64_t json_stream_at(const struct json_stream *s) {
    return s->chunk + yajl_get_bytes_consumed(s->json);
}

static void move(struct json_stream *s, const uint8_t *at, size_t n) {
    s->chunk += n;
    for (size_t i = 0; i < n; i++) s->line += at[i] == '\n';
}

/* 0, or the pending error with its place in front. */
static int check(struct json_stream *s, yajl_status status, const char *path, const uint8_t *at,
                 size_t n) {
    if (status == yajl_status_ok) return 0;
    size_t used = yajl_get_bytes_consumed(s->json);
    if (status == yajl_status_error) {
        unsigned char *text = yajl_get_error(s->json, 0, at, n);
        error_set(ERR_DATA, "is not JSON, mend it there or export it again: %.*s",
                  (int)strcspn((char *)text, "\n"), text);
        yajl_free_error(s->json, text);
    }
    move(s, at, used < n ? used : n);
    return error_context("%s:%lld: byte %llu", path, (long long)s->line,
                         (unsigned long long)s->chunk);
}

static int read_all(struct json_stream *s, FILE *f, const char *path, struct hasher *hash) {
    uint8_t *chunk = mem_alloc(CHUNK, 1);
    size_t n;
    while (!error_status() && (n = fread(chunk, 1, CHUNK, f)) > 0) {
        if (hash) hasher_add(hash, chunk, n);
        size_t mark = s->chunk ? 0 : utf8_mark(chunk, n); /* JSON itself knows none */
        const uint8_t *at = chunk + mark;
        move(s, chunk, mark);
        if (!check(s, yajl_parse(s->json, at, n - mark), path, at, n - mark)) move(s, at, n - mark);
    }
    if (ferror(f) && !error_status()) error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    if (!error_status()) check(s, yajl_complete_parse(s->json), path, chunk, 0);
    free(chunk);
    return error_status();
}

int json_stream_read(struct json_stream *s, const char *path, const yajl_callbacks *callbacks,
                     void *ctx, struct hasher *hash) {
    FILE *f = fopen(path, "rb");
    if (!f) return error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    *s = (struct json_stream){.json = yajl_alloc(callbacks, NULL, ctx), .line = 1};
    REQUIRE(s->json, "out of memory");
    int status = read_all(s, f, path, hash);
    yajl_free(s->json);
    s->json = NULL;
    fclose(f);
    return status;
}
