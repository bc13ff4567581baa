/* What bench/segment gives to PyTorch's side, so that both sides see the same: the picture as the
 * proposal network sees it, and the tokens of all texts.
 *
 *     segment_inputs IMAGE CLASSES SHORTEST LONGEST OUT.safetensors
 *
 * pixels [h, w, 3] u8; original [2] i64: height, width; ids [K, T, 77] i64 of ViLD's templates. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "bench/texts.h"
#include "checkpoints/safetensors.h"
#include "eval/segment.h"

enum { FILE_MAX = 256 << 20 };

static int read_picture(const char *path, const char *shortest, const char *longest,
                        tensor **pixels, tensor **original) {
    struct bytes b = {0};
    struct image im = {0};
    struct segment_size size = {atoll(shortest), atoll(longest)};
    int status = file_read(path, FILE_MAX, &b);
    if (!status) status = image_decode_upright(b.at, b.n, path, &im);
    int64_t was[] = {im.h, im.w};
    if (!status) status = segment_resize(&size, &im);
    if (!status) {
        *original = t_from_data(was, SHAPE(2), T_I64);
        *pixels = t_from_data(im.at, SHAPE(im.h, im.w, 3), T_U8);
    }
    bytes_free(&b);
    image_free(&im);
    return status;
}

static int save(const char *path, const char *const *names, tensor *const *x, int n) {
    struct safetensors_out w;
    int status = safetensors_out_open(&w, path);
    for (int i = 0; i < n; i++) safetensors_out_name(&w, names[i], t_dtype(x[i]), t_shape(x[i]));
    for (int i = 0; !status && i < n; i++) status = safetensors_out_put_tensor(&w, x[i]);
    if (!status) status = safetensors_out_commit(&w);
    safetensors_out_close(&w);
    return status;
}

int main(int argc, char **argv) {
    static const char *const names[] = {"pixels", "original", "ids"};
    tensor *x[3] = {NULL};
    struct vocabulary v = {0};
    if (argc != 6) return ERR_USAGE;
    int scope = t_scope_open("", T_NO_GRAD);
    int status = read_picture(argv[1], argv[3], argv[4], &x[0], &x[1]);
    if (!status) status = vocabulary_open(&v, argv[2]);
    if (!status) status = text_ids(&v, &x[2]);
    vocabulary_close(&v);
    if (!status) status = save(argv[5], names, x, 3);
    if (status) fprintf(stderr, "segment_inputs: %s\n", error_message());
    t_scope_close(scope, NULL);
    return status;
}
