#include "checkpoints/tensor_out.h"

int tensor_out_open(struct tensor_out *w, const char *path, const struct pth_out_object *object) {
    *w = (struct tensor_out){.torch = object != NULL, .pth.zip.file.fd = -1, .st.file.fd = -1};
    return object ? pth_out_open(&w->pth, path, *object) : safetensors_out_open(&w->st, path);
}

void tensor_out_name(struct tensor_out *w, const char *name, enum t_dtype dtype,
                     struct shape shape) {
    if (w->torch)
        pth_out_name(&w->pth, name, dtype, shape);
    else
        safetensors_out_name(&w->st, name, dtype, shape);
}

int tensor_out_put(struct tensor_out *w, const void *data, size_t n) {
    return w->torch ? pth_out_put(&w->pth, data, n) : safetensors_out_put(&w->st, data, n);
}

int tensor_out_commit(struct tensor_out *w) {
    return w->torch ? pth_out_commit(&w->pth) : safetensors_out_commit(&w->st);
}

uint64_t tensor_out_hash(const struct tensor_out *w, size_t i) {
    return w->torch ? w->pth.hash[i] : w->st.hash[i];
}

void tensor_out_close(struct tensor_out *w) {
    if (w->torch)
        pth_out_close(&w->pth);
    else
        safetensors_out_close(&w->st);
}
