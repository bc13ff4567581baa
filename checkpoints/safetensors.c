#include "checkpoints/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { BLOCK = 1 << 18 }; /* bytes hashed at once: two hashes of them while they are in the cache */

/* What people have in the place of weights, by its first bytes. */
static int not_weights(const struct input *in) {
    static const char lfs[] = "version https://git-lfs";
    char start[64] = {0};
    size_t n = in->size < sizeof start - 1 ? (size_t)in->size : sizeof start - 1, text = 0;
    if (input_read(in, 0, start, n)) return error_status();
    while (text < n && start[text] && (start[text] >= ' ' || strchr("\t\r\n", start[text])))
        text++; /* UTF-8 is none of ours to tell from noise: ASCII alone */
    if (strncmp(start, lfs, sizeof lfs - 1) == 0)
        return error_set(ERR_DATA,
                         "%s: not weights but Git LFS's pointer to them: `git lfs pull` fetches "
                         "them",
                         in->path);
    if (text == n && start[0] == '<')
        return error_set(ERR_DATA,
                         "%s: not weights but a web page: the link leads to a page about them",
                         in->path);
    if (text == n) return error_set(ERR_DATA, "%s: not weights but text", in->path);
    if (in->size < 8)
        return error_set(ERR_DATA, "%s: not weights: only %d bytes long", in->path, (int)in->size);
    return error_set(ERR_DATA,
                     "%s: not weights: neither a file of torch.save nor a safetensors file (its "
                     "header would have more than %d MiB)",
                     in->path, ST_HEADER_MAX >> 20);
}

static int read_header(struct safetensors *f) {
    if (!f->in.size) return error_set(ERR_DATA, "%s: is empty: get it again", f->in.path);
    if (f->in.size < 8) return not_weights(&f->in);
    uint8_t length[8];
    int status = input_read(&f->in, 0, length, sizeof length);
    if (status) return status;
    uint64_t n = input_little(length, 8);
    if (n > ST_HEADER_MAX) return not_weights(&f->in);
    if (n > f->in.size - 8)
        return error_set(ERR_DATA, "%s: ends inside its header (cut short?)", f->in.path);
    f->data = 8 + n;
    char *json = mem_try((size_t)n + 1, 1);
    if (!json) return error_status();
    status = input_read(&f->in, 8, json, (size_t)n);
    if (!status)
        status = st_table_parse(&f->table, f->in.path, json, (size_t)n, f->in.size - f->data);
    free(json);
    return status;
}

int safetensors_open(struct safetensors *f, const char *path) {
    *f = (struct safetensors){0};
    int status = input_open(&f->in, path);
    if (!status) status = read_header(f);
    if (status) safetensors_close(f);
    return status;
}

void safetensors_close(struct safetensors *f) {
    input_close(&f->in);
    st_table_free(&f->table);
    bytes_free(&f->scratch);
    *f = (struct safetensors){.in.fd = -1};
}

int safetensors_read(struct safetensors *f, const struct st_tensor *x, void *dst) {
    return input_read(&f->in, f->data + x->at, dst, (size_t)x->bytes);
}

int safetensors_bytes(struct safetensors *f, const struct st_tensor *x, struct bytes *out) {
    *out = (struct bytes){.at = mem_try((size_t)x->bytes + 1, 1), .n = (size_t)x->bytes};
    if (!out->at) return error_status();
    int status = safetensors_read(f, x, out->at);
    if (status) bytes_free(out);
    return status;
}

tensor *safetensors_tensor(struct safetensors *f, const struct st_tensor *x) {
    if (bytes_reserve(&f->scratch, (size_t)x->bytes) || safetensors_read(f, x, f->scratch.at))
        return NULL;
    return t_from_data(f->scratch.at, x->shape, x->dtype);
}

/* Hashes [at, at + n) of the file into `whole` and, where it is not NULL, `one`. */
static int hash_range(struct safetensors *f, uint64_t at, uint64_t n, struct hasher *whole,
                      struct hasher *one, char *block) {
    while (n) {
        size_t k = n < BLOCK ? (size_t)n : BLOCK;
        int status = input_read(&f->in, at, block, k);
        if (status) return status;
        hasher_add(whole, block, k);
        if (one) hasher_add(one, block, k);
        at += k;
        n -= k;
    }
    return 0;
}

int safetensors_hash(struct safetensors *f, uint64_t *file, uint64_t *tensor_hash) {
    char *block = mem_alloc(BLOCK, 1);
    struct hasher whole;
    hasher_open(&whole);
    int status = hash_range(f, 0, f->data, &whole, NULL, block);
    for (size_t i = 0; !status && i < f->table.n; i++) {
        const struct st_tensor *x = &f->table.at[i];
        struct hasher one;
        hasher_open(&one);
        status = hash_range(f, f->data + x->at, x->bytes, &whole, &one, block);
        tensor_hash[i] = hasher_close(&one);
    }
    *file = hasher_close(&whole);
    free(block);
    return status;
}

/* Writing. */

int safetensors_out_open(struct safetensors_out *w, const char *path) {
    *w = (struct safetensors_out){0};
    return file_out_open(&w->file, path);
}

void safetensors_out_meta(struct safetensors_out *w, const char *key, const char *value) {
    REQUIRE(!w->started && !st_table_meta(&w->table, key), "metadata %s: late or twice", key);
    strings_add(&w->table.key, key);
    strings_add(&w->table.value, value);
}

void safetensors_out_name(struct safetensors_out *w, const char *name, enum t_dtype dtype,
                          struct shape shape) {
    REQUIRE(!w->started, "%s is named after the first data", name);
    st_table_add(&w->table, name, dtype, shape);
}

static int put(struct safetensors_out *w, const void *data, size_t n) {
    hasher_add(&w->whole, data, n);
    return file_out_put(&w->file, data, n);
}

/* Finishes the tensors that are complete: the one under way, and empty ones behind it. */
static void end_tensors(struct safetensors_out *w) {
    while (w->next < w->table.n && w->filled == w->table.at[w->next].bytes) {
        w->hash[w->next++] = hasher_close(&w->one);
        hasher_open(&w->one);
        w->filled = 0;
    }
}

static int start(struct safetensors_out *w) {
    if (w->started) return 0;
    w->started = true;
    w->hash = mem_alloc(w->table.n + 1, sizeof *w->hash);
    hasher_open(&w->whole);
    hasher_open(&w->one);
    struct str header = {0};
    st_table_format(&w->table, &header);
    int status = put(w, header.at, header.n);
    str_free(&header);
    end_tensors(w);
    return status;
}

int safetensors_out_put(struct safetensors_out *w, const void *data, size_t n) {
    if (w->file.fd < 0) return error_status();
    int status = start(w);
    if (status || !n) return status;
    REQUIRE(w->next < w->table.n && n <= w->table.at[w->next].bytes - w->filled,
            "%s: more data than was named", w->file.path);
    status = put(w, data, n);
    if (status) return status;
    hasher_add(&w->one, data, n);
    w->filled += n;
    end_tensors(w);
    return 0;
}

int safetensors_out_put_tensor(struct safetensors_out *w, tensor *x) {
    if (w->file.fd < 0) return error_status();
    size_t bytes = (size_t)t_numel(x) * st_dtype_size(t_dtype(x));
    int status = bytes_reserve(&w->scratch, bytes);
    if (!status) status = t_copy_out(x, w->scratch.at, bytes);
    return status ? status : safetensors_out_put(w, w->scratch.at, bytes);
}

int safetensors_out_commit(struct safetensors_out *w) {
    if (w->file.fd < 0) return error_status();
    int status = start(w);
    if (status) return status;
    REQUIRE(w->next == w->table.n, "%s: the data of %s is missing", w->file.path,
            w->table.at[w->next].name);
    w->size = w->file.written;
    w->file_hash = hasher_close(&w->whole);
    return file_out_commit(&w->file);
}

void safetensors_out_close(struct safetensors_out *w) {
    if (w->started) {
        hasher_close(&w->one);
        if (w->whole.state) hasher_close(&w->whole);
    }
    file_out_close(&w->file);
    st_table_free(&w->table);
    bytes_free(&w->scratch);
    free(w->hash);
    *w = (struct safetensors_out){.file.fd = -1};
}
