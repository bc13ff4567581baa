#include "checkpoints/pth_storage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static struct pth_storage *grow(struct pth_storages *s) {
    s->at = mem_grow(s->at, &s->cap, s->n + 1, sizeof *s->at);
    s->at[s->n] = (struct pth_storage){0};
    return &s->at[s->n++];
}

size_t pth_storage_add(struct pth_storages *s, uint64_t at, uint64_t bytes) {
    struct pth_storage *x = grow(s);
    x->at = at;
    x->bytes = bytes;
    return s->n - 1;
}

void pth_storages_free(struct pth_storages *s) {
    for (size_t i = 0; i < s->n; i++) free(s->at[i].key);
    free(s->at);
    *s = (struct pth_storages){0};
}

void pth_storages_of_zip(struct pth_storages *s, const struct zip *z, const char *prefix) {
    size_t n = strlen(prefix);
    for (size_t i = 0; i < z->n; i++) {
        const struct zip_entry *e = &z->at[i];
        if (!e->stored || strncmp(e->name, prefix, n) != 0 || !e->name[n]) continue;
        struct pth_storage *x = grow(s); /* sorted: the names are */
        x->key = mem_strdup(e->name + n);
        x->at = e->data;
        x->bytes = e->bytes;
        x->crc = e->crc;
        x->has_crc = true;
    }
}

static int compare_keys(const void *a, const void *b) {
    const struct pth_storage *x = a, *y = b;
    return strcmp(x->key, y->key);
}

struct pth_storage *pth_storage_find(const struct pth_storages *s, const char *key) {
    struct pth_storage wanted = {.key = (char *)key};
    return s->n ? bsearch(&wanted, s->at, s->n, sizeof *s->at, compare_keys) : NULL;
}

int pth_storage_settle(struct pth_storage *x, const struct pickle_type *type, uint64_t n,
                       const char *path) {
    size_t bytes;
    if (!size_mul((size_t)n, type->size, &bytes) || bytes != x->bytes)
        return error_set(ERR_DATA,
                         "%s: storage %s has %" PRIu64 " bytes, not %" PRIu64 " elements of %zu",
                         path, x->key ? x->key : "", x->bytes, n, type->size);
    if (x->type && x->type != type)
        return error_set(ERR_DATA, "%s: storage %s is a %s and a %s", path, x->key ? x->key : "",
                         x->type->name, type->name);
    x->type = type;
    return 0;
}

int pth_storage_check(struct pth_storage *x, const struct input *in) {
    if (!x->has_crc || x->checked) return 0;
    char name[64];
    snprintf(name, sizeof name, "data/%.40s", x->key);
    struct zip_entry e = {.name = name, .data = x->at, .bytes = x->bytes, .crc = x->crc};
    e.stored = true;
    int status = zip_check(in, &e);
    x->checked = !status;
    return status;
}

/* The stream. */

static int bad(const struct input *in, const char *what) {
    return error_set(ERR_DATA, "%s: %s", in->path, what);
}

enum { MAGIC = 15 };

/* The pickle of 0x1950a86a20f9469cfc6c, whatever its protocol. */
bool pth_is_stream(const struct input *in, uint64_t from, uint64_t to) {
    static const uint8_t number[12] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                       0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    uint8_t b[MAGIC];
    if (to - from < MAGIC || input_read(in, from, b, sizeof b)) return false;
    return b[0] == 0x80 && memcmp(b + 2, number, sizeof number) == 0 && b[14] == '.';
}

/* The two pickles behind the magic number; *at moves behind them. */
static int read_preamble(const struct input *in, uint64_t *at, uint64_t to) {
    struct pickle p;
    int status = pickle_read(&p, in, *at, to, in->path);
    if (status) return status;
    *at = p.end;
    if (p.at[p.root].kind != PICKLE_INT || p.at[p.root].i != 1001)
        status = bad(in, "a torch stream of another protocol than 1001");
    pickle_free(&p);
    if (!status) status = pickle_read(&p, in, *at, to, in->path);
    if (status) return status;
    *at = p.end;
    const struct pickle_value *little = &p.at[pickle_get(&p, p.root, "little_endian")];
    if (little->kind != PICKLE_BOOL || !little->i)
        status = bad(in, "a torch stream that was not written by a little-endian machine");
    pickle_free(&p);
    return status;
}

/* The storages that the object refers to, each key once, sorted; places not yet known. */
static int collect(struct pth_storages *s, const struct pickle *p, const struct input *in) {
    for (size_t i = 0; i < p->n; i++) {
        const struct pickle_value *v = &p->at[i];
        if (v->kind != PICKLE_STORAGE) continue;
        struct pth_storage *x = grow(s);
        x->key = mem_strdup(v->text);
        x->type = v->type;
        size_t bytes;
        if (!size_mul((size_t)v->n, v->type->size, &bytes))
            return bad(in, "the size of a storage overflows");
        x->bytes = bytes;
    }
    if (s->n) qsort(s->at, s->n, sizeof *s->at, compare_keys);
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct pth_storage *x = &s->at[i], *last = kept ? &s->at[kept - 1] : NULL;
        if (!last || strcmp(last->key, x->key) != 0) {
            s->at[kept++] = *x;
            continue;
        }
        bool same = last->bytes == x->bytes && last->type == x->type;
        if (!same) {
            while (i < s->n) s->at[kept++] = s->at[i++]; /* all that is left has an owner */
            s->n = kept;
            return bad(in, "a storage has two sizes or types");
        }
        free(x->key);
    }
    s->n = kept;
    return 0;
}

/* Walks the storages in the order of the list of keys; they must fill [at, to) exactly. */
static int place(struct pth_storages *s, const struct pickle *keys, const struct input *in,
                 uint64_t at, uint64_t to) {
    const struct pickle_value *list = &keys->at[keys->root];
    if (list->kind != PICKLE_LIST || list->n != s->n)
        return bad(in, "the list of storages and the object differ");
    for (uint64_t i = 0; i < list->n; i++) {
        const struct pickle_value *key = &keys->at[list->item[i]];
        struct pth_storage *x = NULL;
        if (key->kind == PICKLE_STRING) x = pth_storage_find(s, key->text);
        if (!x || x->at) return bad(in, "the list of storages and the object differ");
        uint8_t n[8];
        if (to - at < 8 || to - at - 8 < x->bytes)
            return bad(in, "ends inside a storage (cut short?)");
        int status = input_read(in, at, n, sizeof n);
        if (status) return status;
        x->at = at + 8;
        size_t bytes;
        if (!size_mul((size_t)input_little(n, 8), x->type->size, &bytes) || bytes != x->bytes)
            return bad(in, "a storage has another size than its tensors say");
        at = x->at + x->bytes;
    }
    return at == to ? 0 : bad(in, "more bytes behind the last storage");
}

int pth_stream_read(struct pickle *p, struct pth_storages *all, const struct input *in,
                    uint64_t from, uint64_t to) {
    uint64_t at = from + MAGIC;
    struct pth_storages s = {0};
    struct pickle keys = {0};
    *p = (struct pickle){0};
    int status = read_preamble(in, &at, to);
    if (!status) status = pickle_read(p, in, at, to, in->path);
    if (!status) status = pickle_read(&keys, in, p->end, to, in->path);
    if (!status) status = collect(&s, p, in);
    if (!status) status = place(&s, &keys, in, keys.end, to);
    for (size_t i = 0; !status && i < s.n; i++) {
        *grow(all) = s.at[i];
        s.at[i].key = NULL; /* moved */
    }
    pth_storages_free(&s);
    pickle_free(&keys);
    if (status) pickle_free(p);
    return status;
}
