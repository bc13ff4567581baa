#include "train/pictures/picture_reader.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/loader.h"

enum { FILE_MAX = 256 << 20, THREADS = 2, AHEAD = 1 };

struct picture_reader {
    const struct picture_list *list;
    const struct picture_outputs *outputs;
    const char *made_by;
    int64_t K, next;
    struct picture_read *ready; /* [list]; what the caller did not take is freed at the end */
    struct loader *loader;
};

void picture_read_free(struct picture_read *p) {
    image_free(&p->im);
    picture_found_free(&p->found);
    *p = (struct picture_read){0};
}

static bool is_done(const struct picture_reader *r, const struct picture_file *p,
                    struct picture_read *to) {
    if (!r->made_by || !picture_outputs_there(r->outputs, p)) return false;
    struct picture_source from = {.made_by = r->made_by, .hash = to->hash};
    char *path = picture_output(r->outputs, p, PICTURE_JSON);
    bool done = picture_json_read(path, &from, r->K, &to->found);
    if (!done && !picture_json_whole(path))
        log_warn("%s: is damaged: the picture is segmented again", path);
    free(path);
    return done;
}

static int fill(void *ctx, int64_t step, void *slot) {
    struct picture_reader *r = ctx;
    const struct picture_file *p = &r->list->at[step];
    struct picture_read *to = &r->ready[step];
    struct bytes b = {0};
    (void)slot;
    int status = file_read(p->path, FILE_MAX, &b);
    if (!status) to->hash = hash_bytes(b.at, b.n);
    if (!status) to->done = is_done(r, p, to);
    if (!status && !to->done) status = image_decode_upright(b.at, b.n, p->path, &to->im);
    bytes_free(&b);
    return status;
}

struct picture_reader *picture_reader_open(const struct picture_list *l,
                                           const struct picture_outputs *o, const char *made_by,
                                           int64_t K) {
    struct picture_reader *r = mem_alloc(1, sizeof *r);
    *r = (struct picture_reader){.list = l,
                                 .outputs = o,
                                 .made_by = made_by,
                                 .K = K,
                                 .ready = mem_alloc(l->n, sizeof *r->ready)};
    struct loader_options how = {.threads = THREADS, .ahead = AHEAD};
    struct loader_source from = {.ctx = r, .slot_bytes = 1, .fill = fill};
    r->loader = loader_open(how, from, 0, (int64_t)l->n);
    if (r->loader) return r;
    picture_reader_close(r);
    return NULL;
}

int picture_reader_next(struct picture_reader *r, struct picture_read *out) {
    void *slot;
    int status = loader_next(r->loader, &slot);
    *out = r->ready[r->next];
    r->ready[r->next++] = (struct picture_read){0};
    if (status) picture_read_free(out);
    return status;
}

void picture_reader_close(struct picture_reader *r) {
    if (!r) return;
    loader_close(r->loader);
    for (size_t i = 0; i < r->list->n; i++) picture_read_free(&r->ready[i]);
    free(r->ready);
    free(r);
}
