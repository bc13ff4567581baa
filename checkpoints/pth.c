#include "checkpoints/pth.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "checkpoints/pth_table.h"

enum { BLOCK = 1 << 18 }; /* bytes read and summed at once, while they are in the cache */

/* The archive's folder, owned: that of its only NAME/data.pkl. */
static char *find_folder(const struct zip *z, const struct input *in) {
    const char *found = NULL;
    static const char tail[] = "/data.pkl";
    for (size_t i = 0; i < z->n; i++) {
        const char *slash = strchr(z->at[i].name, '/');
        if (!slash || strcmp(slash, tail) != 0) continue;
        if (found) {
            error_set(ERR_DATA, "%s: an archive of two objects", in->path);
            return NULL;
        }
        found = z->at[i].name;
    }
    if (!found) {
        error_set(ERR_DATA, "%s: a ZIP archive without a data.pkl: not a file of torch.save",
                  in->path);
        return NULL;
    }
    return mem_format("%.*s", (int)(strlen(found) - sizeof tail + 1), found);
}

static const struct zip_entry *member(const struct zip *z, const char *folder, const char *name) {
    char *full = mem_format("%s/%s", folder, name);
    const struct zip_entry *e = zip_find(z, full);
    free(full);
    return e;
}

/* Torch writes "little"; files of before 2.1 say nothing and are that, too. */
static int check_order(const struct zip *z, const char *folder, const struct input *in) {
    const struct zip_entry *e = member(z, folder, "byteorder");
    char text[8] = {0};
    if (!e) return 0;
    if (!e->stored || e->bytes != 6)
        return error_set(ERR_DATA, "%s: byteorder is not little", in->path);
    int status = zip_check(in, e);
    if (!status) status = input_read(in, e->data, text, 6);
    if (!status && strcmp(text, "little") != 0)
        status = error_set(ERR_DATA, "%s: byteorder is not little", in->path);
    return status;
}

static int read_archive(struct pth *f, const struct zip *z, const char *folder) {
    const struct zip_entry *e = member(z, folder, "data.pkl");
    if (!e->stored)
        return error_set(ERR_DATA, "%s: data.pkl is compressed: torch does not write that",
                         f->in.path);
    int status = check_order(z, folder, &f->in);
    if (!status) status = zip_check(&f->in, e);
    if (status) return status;
    char *what = mem_format("%s: data.pkl", f->in.path);
    status = pickle_read(&f->pickle, &f->in, e->data, e->data + e->bytes, what);
    if (!status && f->pickle.end != e->data + e->bytes)
        status = error_set(ERR_DATA, "%s: more bytes behind the pickle", what);
    free(what);
    char *prefix = mem_format("%s/data/", folder);
    if (!status) pth_storages_of_zip(&f->storages, z, prefix);
    free(prefix);
    const struct pickle_value *root = &f->pickle.at[f->pickle.root];
    if (!status)
        f->form =
            root->kind == PICKLE_OBJECT && root->role == PICKLE_MODULE ? PTH_SCRIPT : PTH_ARCHIVE;
    return status;
}

static int open_archive(struct pth *f) {
    struct zip z;
    int status = zip_open(&z, &f->in);
    if (status) return status;
    char *folder = find_folder(&z, &f->in);
    status = folder ? read_archive(f, &z, folder) : error_status();
    free(folder);
    zip_close(&z);
    return status;
}

static int open_stream(struct pth *f) {
    f->form = PTH_STREAM;
    return pth_stream_read(&f->pickle, &f->storages, &f->in, 0, f->in.size);
}

static int open_pickle(struct pth *f) {
    f->form = PTH_PICKLE;
    int status = pickle_read(&f->pickle, &f->in, 0, f->in.size, f->in.path);
    if (!status && f->pickle.end != f->in.size)
        status = error_set(ERR_DATA, "%s: more bytes behind the pickle", f->in.path);
    return status;
}

enum start { OTHER, ZIP, STREAM, PICKLE };

static enum start look(const struct input *in) {
    uint8_t b[8];
    if (in->size < sizeof b || input_read(in, 0, b, sizeof b)) return OTHER;
    if (memcmp(b, "PK\3\4", 4) == 0) return ZIP;
    if (pth_is_stream(in, 0, in->size)) return STREAM;
    /* A safetensors file may start with the same byte; the size of its header ends in zeros. */
    static const uint8_t zeros[4] = {0};
    if (memcmp(b + 4, zeros, 4) == 0) return OTHER;
    return b[0] == 0x80 && b[1] >= 2 && b[1] <= 5 ? PICKLE : OTHER;
}

bool pth_is(const char *path) {
    struct input in;
    bool yes = !input_open(&in, path) && look(&in) != OTHER;
    input_close(&in);
    error_clear();
    return yes;
}

int pth_open(struct pth *f, const char *path, const char *part) {
    *f = (struct pth){0};
    int status = input_open(&f->in, path);
    if (!status) switch (look(&f->in)) {
        case ZIP: status = open_archive(f); break;
        case STREAM: status = open_stream(f); break;
        case PICKLE: status = open_pickle(f); break;
        default: status = error_set(ERR_DATA, "%s: not a file of PyTorch's", path);
        }
    if (!status) status = pth_table_fill(f, part);
    if (status) pth_close(f);
    return status;
}

void pth_close(struct pth *f) {
    input_close(&f->in);
    pickle_free(&f->pickle);
    st_table_free(&f->table);
    free(f->view);
    strings_free(&f->passed);
    free(f->part);
    pth_storages_free(&f->storages);
    bytes_free(&f->scratch);
    bytes_free(&f->values);
    *f = (struct pth){.in.fd = -1};
}

/* Reading. */

/* The whole storage, summed on the way. */
static int read_whole(struct pth *f, struct pth_storage *s, uint8_t *dst) {
    uLong crc = 0;
    int status = 0;
    for (uint64_t at = 0; !status && at < s->bytes; at += BLOCK) {
        size_t n = s->bytes - at < BLOCK ? (size_t)(s->bytes - at) : BLOCK;
        status = input_read(&f->in, s->at + at, dst + at, n);
        if (!status && s->has_crc) crc = crc32(crc, dst + at, (uInt)n);
    }
    if (!status && s->has_crc && crc != s->crc)
        status = error_set(ERR_DATA, "%s: storage %s: its CRC32 is wrong: the file is damaged",
                           f->in.path, s->key);
    return status;
}

/* Copies the elements of the axes from `axis` on; returns the place behind them. */
static uint8_t *gather(const struct st_tensor *x, const struct pth_view *v, int axis,
                       const uint8_t *from, uint8_t *to) {
    size_t size = st_dtype_size(x->dtype);
    if (axis == x->shape.n) {
        memcpy(to, from, size);
        return to + size;
    }
    for (int64_t i = 0; i < x->shape.d[axis]; i++) {
        to = gather(x, v, axis + 1, from, to);
        from += (size_t)v->stride[axis] * size;
    }
    return to;
}

int pth_read(struct pth *f, const struct st_tensor *x, void *dst) {
    const struct pth_view *v = &f->view[x - f->table.at];
    struct pth_storage *s = &f->storages.at[v->storage];
    if (v->dense && x->bytes == s->bytes) return read_whole(f, s, dst);
    int status = pth_storage_check(s, &f->in);
    if (status || !x->bytes) return status;
    if (v->dense) return input_read(&f->in, s->at + v->at, dst, (size_t)x->bytes);
    status = bytes_reserve(&f->scratch, (size_t)v->span);
    if (!status) status = input_read(&f->in, s->at + v->at, f->scratch.at, (size_t)v->span);
    if (!status) gather(x, v, 0, f->scratch.at, dst);
    return status;
}

tensor *pth_tensor(struct pth *f, const struct st_tensor *x) {
    if (bytes_reserve(&f->values, (size_t)x->bytes) || pth_read(f, x, f->values.at)) return NULL;
    return t_from_data(f->values.at, x->shape, x->dtype);
}
