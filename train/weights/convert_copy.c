#include "train/weights/convert_copy.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/import.h"

int convert_copy(struct tensor_file *f, const char *to, struct str *report) {
    struct safetensors_out w;
    int status = safetensors_out_open(&w, to);
    for (size_t i = 0; i < f->table->key.n; i++)
        safetensors_out_meta(&w, f->table->key.at[i], f->table->value.at[i]);
    for (size_t i = 0; i < f->table->n; i++) {
        const struct st_tensor *x = &f->table->at[i];
        safetensors_out_name(&w, x->name, x->dtype, x->shape);
    }
    struct bytes data = {0};
    for (size_t i = 0; !status && i < f->table->n; i++) {
        const struct st_tensor *x = &f->table->at[i];
        status = import_bytes(f, x, &data);
        if (!status) status = safetensors_out_put(&w, data.at, (size_t)x->bytes);
    }
    bytes_free(&data);
    if (!status) status = safetensors_out_commit(&w);
    for (size_t i = 0; !status && i < f->table->n; i++) {
        const struct st_tensor *x = &f->table->at[i];
        char shape[192];
        st_shape_text(x->shape, shape, sizeof shape);
        str_add(report, "used %s %s %s %016" PRIx64 "\n", x->name, st_dtype_name(x->dtype), shape,
                w.hash[i]);
    }
    safetensors_out_close(&w);
    return status;
}

void convert_tell_passed(const struct tensor_file *f) {
    const struct strings *passed = &f->pth.passed;
    if (f->torch && f->pth.module) log_info("%s: \"module.\" is taken off every name", f->path);
    if (f->torch && passed->n)
        log_info("%s: %zu members are no tensors and are left out, the first: %s", f->path,
                 passed->n, passed->at[0]);
}

int convert_copy_file(const char *from, const char *to, const char *part, struct str *report) {
    struct tensor_file f;
    int status = tensor_file_open(&f, from, part);
    if (status) return status;
    status = convert_copy(&f, to, report);
    if (!status) convert_tell_passed(&f);
    tensor_file_close(&f);
    return status;
}
