#include "checkpoints/pth_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "checkpoints/pickle_globals.h"

/* The pickle. */

enum { MEMO_MAX = 16 };

struct pickler {
    struct str out;
    char *memo[MEMO_MAX]; /* names that have been written; a second time a number stands for them */
    int n;
};

static void op(struct pickler *p, char code) { str_put(&p->out, &code, 1); }

static void op_number(struct pickler *p, char code, int bytes, uint64_t x) {
    op(p, code);
    for (int i = 0; i < bytes; i++) op(p, (char)(x >> (8 * i) & 255));
}

static void put_text(struct pickler *p, const char *text) {
    op_number(p, 'X', 4, strlen(text));
    str_add(&p->out, "%s", text);
}

/* x >= 0 */
static void put_int(struct pickler *p, int64_t x) {
    if (x < 1 << 8) {
        op_number(p, 'K', 1, (uint64_t)x);
    } else if (x < 1 << 16) {
        op_number(p, 'M', 2, (uint64_t)x);
    } else if (x <= INT32_MAX) {
        op_number(p, 'J', 4, (uint64_t)x);
    } else {
        op_number(p, (char)0x8a, 1, 8); /* of so many bytes, two's complement */
        for (int i = 0; i < 8; i++) op(p, (char)((uint64_t)x >> (8 * i) & 255));
    }
}

static void put_global(struct pickler *p, const char *module, const char *name) {
    char *text = mem_format("c%s\n%s\n", module, name);
    int k = 0;
    while (k < p->n && strcmp(p->memo[k], text) != 0) k++;
    if (k < p->n) {
        op_number(p, 'h', 1, (uint64_t)k);
        free(text);
        return;
    }
    REQUIRE(p->n < MEMO_MAX, "more names than the memo holds");
    str_add(&p->out, "%s", text);
    op_number(p, 'q', 1, (uint64_t)k);
    p->memo[p->n++] = text;
}

static void put_ints(struct pickler *p, const int64_t *x, int n) {
    static const char end[] = {')', (char)0x85, (char)0x86, (char)0x87, 't'};
    if (n > 3) op(p, '(');
    for (int i = 0; i < n; i++) put_int(p, x[i]);
    op(p, end[n > 3 ? 4 : n]);
}

static void put_empty_dict(struct pickler *p) {
    put_global(p, "collections", "OrderedDict");
    op(p, ')');
    op(p, 'R');
}

static void put_tensor(struct pickler *p, const struct st_tensor *x, size_t i) {
    char key[24];
    int64_t stride[8], elements = 1;
    for (int d = x->shape.n; d-- > 0;) {
        stride[d] = elements;
        elements *= x->shape.d[d];
    }
    snprintf(key, sizeof key, "%zu", i);
    put_global(p, "torch._utils", "_rebuild_tensor_v2");
    op(p, '(');
    op(p, '(');
    put_text(p, "storage");
    put_global(p, "torch", pickle_storage_name(x->dtype));
    put_text(p, key);
    put_text(p, "cpu");
    put_int(p, elements);
    op(p, 't');
    op(p, 'Q');
    put_int(p, 0); /* offset */
    put_ints(p, x->shape.d, x->shape.n);
    put_ints(p, stride, x->shape.n);
    op(p, (char)0x89); /* needs no gradient */
    put_empty_dict(p); /* hooks */
    op(p, 't');
    op(p, 'R');
}

/* {"_metadata": {module: {"version": n}}}, the attributes of the dict of tensors. */
static void put_versions(struct pickler *p, const struct pth_out_object *o) {
    op(p, '}');
    put_text(p, "_metadata");
    put_empty_dict(p);
    op(p, '(');
    for (size_t i = 0; i < o->n_versions; i++) {
        put_text(p, o->versions[i].module);
        op(p, '}');
        put_text(p, "version");
        put_int(p, o->versions[i].version);
        op(p, 's');
    }
    op(p, 'u');
    op(p, 's');
    op(p, 'b');
}

static void put_object(struct pickler *p, const struct st_table *t,
                       const struct pth_out_object *o) {
    op_number(p, (char)0x80, 1, 2);
    if (o->key) {
        op(p, '}');
        put_text(p, o->key);
    }
    put_empty_dict(p);
    op(p, '(');
    for (size_t i = 0; i < t->n; i++) {
        put_text(p, t->at[i].name);
        put_tensor(p, &t->at[i], i);
    }
    op(p, 'u');
    if (o->n_versions) put_versions(p, o);
    if (o->key) op(p, 's');
    op(p, '.');
}

/* The file. */

int pth_out_open(struct pth_out *w, const char *path, struct pth_out_object object) {
    *w = (struct pth_out){.object = object};
    return zip_out_open(&w->zip, path);
}

void pth_out_name(struct pth_out *w, const char *name, enum t_dtype dtype, struct shape shape) {
    REQUIRE(!w->started, "%s is named after the first data", name);
    st_table_add(&w->table, name, dtype, shape);
}

static int start(struct pth_out *w) {
    if (w->started) return 0;
    const char *twice = st_table_index(&w->table);
    REQUIRE(!twice, "two tensors are named %s", twice);
    w->started = true;
    w->hash = mem_alloc(w->table.n + 1, sizeof *w->hash);
    struct pickler p = {0};
    put_object(&p, &w->table, &w->object);
    int status = zip_out_add(&w->zip, "archive/data.pkl", p.out.at, p.out.n);
    if (!status) status = zip_out_add(&w->zip, "archive/byteorder", "little", 6);
    for (int i = 0; i < p.n; i++) free(p.memo[i]);
    str_free(&p.out);
    return status;
}

int pth_out_put(struct pth_out *w, const void *data, size_t n) {
    if (w->zip.file.fd < 0) return error_status();
    int status = start(w);
    if (status) return status;
    REQUIRE(w->next < w->table.n && n == w->table.at[w->next].bytes,
            "%s: not the data that was named", w->zip.file.path);
    char *name = mem_format("archive/data/%zu", w->next);
    status = zip_out_add(&w->zip, name, data, n);
    w->hash[w->next++] = hash_bytes(data, n);
    free(name);
    return status;
}

int pth_out_commit(struct pth_out *w) {
    if (w->zip.file.fd < 0) return error_status();
    int status = start(w);
    if (status) return status;
    REQUIRE(w->next == w->table.n, "%s: the data of %s is missing", w->zip.file.path,
            w->table.at[w->next].name);
    status = zip_out_add(&w->zip, "archive/version", "3\n", 2);
    return status ? status : zip_out_commit(&w->zip);
}

void pth_out_close(struct pth_out *w) {
    zip_out_close(&w->zip);
    st_table_free(&w->table);
    free(w->hash);
    *w = (struct pth_out){.zip.file.fd = -1};
}
