#include "checkpoints/tensor_file.h"

int tensor_file_open(struct tensor_file *f, const char *path, const char *part) {
    *f = (struct tensor_file){.torch = pth_is(path), .st.in.fd = -1, .pth.in.fd = -1};
    int status = f->torch ? pth_open(&f->pth, path, part) : safetensors_open(&f->st, path);
    f->path = f->torch ? f->pth.in.path : f->st.in.path;
    f->table = f->torch ? &f->pth.table : &f->st.table;
    return status;
}

void tensor_file_close(struct tensor_file *f) {
    if (f->torch)
        pth_close(&f->pth);
    else
        safetensors_close(&f->st);
}

int tensor_file_read(struct tensor_file *f, const struct st_tensor *x, void *dst) {
    return f->torch ? pth_read(&f->pth, x, dst) : safetensors_read(&f->st, x, dst);
}

tensor *tensor_file_tensor(struct tensor_file *f, const struct st_tensor *x) {
    return f->torch ? pth_tensor(&f->pth, x) : safetensors_tensor(&f->st, x);
}
