/* sem_seg_predictions.json: what was predicted, as COCO's stuff results have it, one mask of run
 * lengths for each label of each picture (reference-spec 8.9). */
#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "data/rle.h"
#include "train/evaluation/evaluation.h"

int predictions_open(struct evaluation *e) {
    char *path = path_join(e->node->dir, "sem_seg_predictions.json");
    int status = file_out_open(&e->predictions, path);
    e->has_predictions = !status;
    free(path);
    return status ? status : file_out_put(&e->predictions, "[", 1);
}

static void put_mask(struct evaluation *e, int64_t image_id, int64_t k, const struct mask *m,
                     struct str *out) {
    struct coco_rle r;
    struct str counts = {0};
    struct json_out j = {.to = out};
    coco_rle_encode(m, &r);
    coco_rle_print(&r, &counts);
    str_add(out, e->some ? ",\n" : "\n");
    e->some = true;
    json_object(&j);
    json_key_int(&j, "image_id", image_id);
    json_key_int(&j, "category_id", e->category[k]);
    json_key(&j, "segmentation");
    json_object(&j);
    json_key(&j, "size");
    json_array(&j);
    json_int(&j, m->h);
    json_int(&j, m->w);
    json_end(&j);
    json_key_string(&j, "counts", counts.at);
    json_end(&j);
    json_end(&j);
    str_free(&counts);
    coco_rle_free(&r);
}

int predictions_add(struct evaluation *e, int64_t image_id, const struct labels *found) {
    bool *there = mem_alloc((size_t)e->K, sizeof *there);
    int64_t n = found->h * found->w;
    struct mask m;
    struct str text = {0};
    int status = mask_alloc(&m, found->h, found->w);
    for (int64_t i = 0; i < n; i++)
        if (found->at[i] < e->K) there[found->at[i]] = true; /* not what demo leaves unlabelled */
    for (int64_t k = 0; !status && k < e->K; k++) {
        if (!there[k]) continue;
        for (int64_t i = 0; i < n; i++) m.at[i] = found->at[i] == k;
        put_mask(e, image_id, k, &m, &text);
    }
    if (!status && text.n) status = file_out_put(&e->predictions, text.at, text.n);
    str_free(&text);
    mask_free(&m);
    free(there);
    return status;
}

int predictions_commit(struct evaluation *e) {
    int status = file_out_put(&e->predictions, "\n]\n", 3);
    return status ? status : file_out_commit(&e->predictions);
}
