#include "checkpoints/sealed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "checkpoints/weights.h"

int sealed_put_weights(const char *dir, const char *name, const struct params *p,
                       const char *const (*meta)[2], size_t n, struct manifest *m) {
    char *path = path_join(dir, name);
    struct safetensors_out w;
    int status = safetensors_out_open(&w, path);
    if (!status) {
        for (size_t i = 0; i < n; i++) safetensors_out_meta(&w, meta[i][0], meta[i][1]);
        status = weights_put(&w, p);
    }
    if (!status) status = safetensors_out_commit(&w);
    if (!status) {
        struct manifest_file *f = manifest_add(m, name, w.size, w.file_hash);
        f->tensor_hash = mem_alloc(w.table.n + 1, sizeof *f->tensor_hash);
        for (size_t k = 0; k < w.table.n; k++) {
            strings_add(&f->tensor, w.table.at[k].name);
            f->tensor_hash[k] = w.hash[k];
        }
    }
    safetensors_out_close(&w);
    free(path);
    return status;
}

int sealed_put(const char *dir, const char *name, const void *data, size_t n, struct manifest *m) {
    char *path = path_join(dir, name);
    int status = file_write(path, data, n);
    if (!status) manifest_add(m, name, n, hash_bytes(data, n));
    free(path);
    return status;
}

int sealed_close(const char *dir, const struct manifest *m) {
    char *path = path_join(dir, MANIFEST_NAME);
    struct str text = {0};
    manifest_format(m, &text);
    int status = file_write(path, text.at, text.n);
    str_free(&text);
    free(path);
    return status;
}

static int verify_tensors(struct safetensors *f, const struct manifest_file *m) {
    if (f->table.n != m->tensor.n)
        return error_set(ERR_DATA, "%s: damaged: holds %zu tensors, the manifest %zu", f->in.path,
                         f->table.n, m->tensor.n);
    for (size_t i = 0; i < m->tensor.n; i++)
        if (strcmp(f->table.at[i].name, m->tensor.at[i]) != 0)
            return error_set(ERR_DATA, "%s: damaged: tensor %s is named %s", f->in.path,
                             m->tensor.at[i], f->table.at[i].name);
    uint64_t file_hash, *hash = mem_alloc(m->tensor.n + 1, sizeof *hash);
    int status = safetensors_hash(f, &file_hash, hash);
    struct str bad = {0};
    for (size_t i = 0; !status && i < m->tensor.n; i++)
        if (hash[i] != m->tensor_hash[i]) str_add(&bad, "%s%s", bad.n ? ", " : "", m->tensor.at[i]);
    if (bad.n)
        status = error_set(ERR_DATA, "%s: damaged: the values of tensor %s have changed",
                           f->in.path, bad.at);
    else if (!status && file_hash != m->hash)
        status = error_set(ERR_DATA, "%s: damaged: its header has changed", f->in.path);
    str_free(&bad);
    free(hash);
    return status;
}

static int verify_contents(const char *path, const struct manifest_file *m) {
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".safetensors") == 0) {
        struct safetensors f;
        int status = safetensors_open(&f, path);
        if (status) return status;
        status = verify_tensors(&f, m);
        safetensors_close(&f);
        return status;
    }
    uint64_t hash;
    int status = hash_file(path, &hash);
    if (status) return status;
    return hash == m->hash ? 0
                           : error_set(ERR_DATA, "%s: damaged: its contents have changed", path);
}

/* `files`: a link is none. */
static int verify_file(const char *dir, const struct manifest_file *m, bool files) {
    char *path = path_join(dir, m->name);
    int64_t size = file_size(path);
    int status = 0;
    struct stat st;
    if (files && !lstat(path, &st) && !S_ISREG(st.st_mode))
        status = error_set(ERR_DATA,
                           "%s: damaged: is a link, or no file: a package has all that it needs in "
                           "itself",
                           path);
    else if (size < 0)
        status = error_set(ERR_DATA, "%s: damaged: the file is missing", path);
    else if ((uint64_t)size != m->size)
        status = error_set(ERR_DATA, "%s: damaged: %" PRId64 " bytes, %" PRIu64 " were saved", path,
                           size, m->size);
    else
        status = verify_contents(path, m);
    free(path);
    return status;
}

int sealed_verify(const char *dir, const struct manifest *m) {
    int status = 0;
    for (size_t i = 0; !status && i < m->n; i++)
        status = verify_file(dir, &m->file[i], m->kind == MANIFEST_PACKAGE);
    return status;
}
