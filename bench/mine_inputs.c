/* What bench/mine gives to PyTorch's side, and what it asks of ours.
 *
 *     mine_inputs weights SEED MASK_BIAS OUT.safetensors
 *     mine_inputs pairs SET.h5 PAIRS IMAGES OUT.safetensors OUT.json
 *
 * weights: ResNet-50 under MaskFormer and CLIP ViT-B/32 by formula, by the reference's names,
 * without mask prompts. pairs: pixels.I [h, w, 3] u8 of the first pictures of a set, ids [nouns, T,
 * 77] i64 of ViLD's templates; {"nouns": [...], "pairs": [[image, caption, noun, proposal,
 * similarity, margin, area], ...]}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "bench/texts.h"
#include "checkpoints/weights.h"
#include "data/pairs.h"
#include "data/set.h"
#include "nn/models/ovseg.h"
#include "tests/formula.h"

enum { IMAGES_MAX = 64 };

static int write_weights(const char *seed, const char *bias, const char *out) {
    struct params p = {0};
    struct ovseg *m = mem_alloc(1, sizeof *m);
    struct maskformer_options proposals = maskformer_standard();
    struct clip_options clip;
    int status = clip_options_named("ViT-B/32", &clip);
    proposals.backbone = backbone_resnet(resnet_standard(50, false));
    proposals.text_width = clip.features;
    if (!status) {
        ovseg_init(m, params_root(&p), &proposals, &clip);
        golden_fill(&p, (uint64_t)strtoull(seed, NULL, 10), strtod(bias, NULL));
        status = weights_save(out, &p, NULL, 0);
    }
    ovseg_free(m);
    params_free(&p);
    free(m);
    return status;
}

static int write_tensors(const char *path, const struct dataset *d, int64_t n, tensor *ids) {
    struct safetensors_out w;
    struct image im[IMAGES_MAX] = {{0}};
    int status = safetensors_out_open(&w, path);
    for (int64_t i = 0; !status && i < n; i++) {
        status = d->source->image(d, i, &im[i]);
        char *name = mem_format("pixels.%lld", (long long)i);
        if (!status) safetensors_out_name(&w, name, T_U8, SHAPE(im[i].h, im[i].w, 3));
        free(name);
    }
    if (!status) safetensors_out_name(&w, "ids", T_I64, t_shape(ids));
    for (int64_t i = 0; !status && i < n; i++)
        status = safetensors_out_put(&w, im[i].at, (size_t)(im[i].h * im[i].w * 3));
    if (!status) status = safetensors_out_put_tensor(&w, ids);
    if (!status) status = safetensors_out_commit(&w);
    safetensors_out_close(&w);
    for (int64_t i = 0; i < n; i++) image_free(&im[i]);
    return status;
}

static int write_pairs(const char *path, const struct pairs *p) {
    struct str s = {0};
    struct json_out j = {.to = &s};
    json_object(&j);
    json_key(&j, "nouns");
    json_array(&j);
    for (size_t i = 0; i < p->noun.n; i++) json_string(&j, p->noun.at[i]);
    json_end(&j);
    json_key(&j, "pairs");
    json_array(&j);
    for (int64_t i = 0; i < p->n; i++) {
        const struct pair *q = &p->at[i];
        const int64_t whole[] = {q->image, q->caption, q->noun, q->proposal};
        json_array(&j);
        for (size_t k = 0; k < sizeof whole / sizeof *whole; k++) json_int(&j, whole[k]);
        json_real(&j, (double)q->similarity);
        json_real(&j, (double)q->margin);
        json_int(&j, q->area);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    int status = file_write(path, s.at, s.n);
    str_free(&s);
    return status;
}

static int write_inputs(char **argv) {
    struct dataset d = {0};
    struct pairs p = {0};
    tensor *ids = NULL;
    int64_t n = strtoll(argv[2], NULL, 10);
    int status = set_open(&d, argv[0]);
    if (!status) status = pairs_open(&p, argv[1]);
    if (!status && (n < 1 || n > IMAGES_MAX || n > d.n_images))
        status = error_set(ERR_USAGE, "%s pictures of %lld, at most %d", argv[2],
                           (long long)d.n_images, IMAGES_MAX);
    struct vocabulary v;
    vocabulary_of(&v, p.noun.at, p.noun.n);
    if (!status) status = text_ids(&v, &ids);
    vocabulary_close(&v);
    if (!status) status = write_tensors(argv[3], &d, n, ids);
    if (!status) status = write_pairs(argv[4], &p);
    pairs_close(&p);
    dataset_close(&d);
    return status;
}

int main(int argc, char **argv) {
    bool weights = argc == 5 && strcmp(argv[1], "weights") == 0;
    if (!weights && (argc != 7 || strcmp(argv[1], "pairs") != 0)) return ERR_USAGE;
    int scope = t_scope_open("", T_NO_GRAD);
    int status = weights ? write_weights(argv[2], argv[3], argv[4]) : write_inputs(argv + 2);
    if (status) fprintf(stderr, "mine_inputs: %s\n", error_message());
    t_scope_close(scope, NULL);
    return status;
}
