#include "train/pictures/picture_result.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "checkpoints/safetensors.h"
#include "train/evaluation/panoptic_files.h"
#include "train/pictures/picture_overlay.h"

void picture_result_free(struct picture_result *r) {
    picture_read_free(&r->from);
    labels_free(&r->labels);
    scores_free(&r->scores);
    panoptic_free(&r->panoptic);
    dump_free(&r->dump);
}

size_t picture_result_bytes(const struct picture_result *r) {
    size_t pixels = (size_t)(r->labels.h * r->labels.w), each = sizeof *r->labels.at;
    if (r->from.im.at) each += (size_t)r->from.im.c;
    if (r->scores.at) each += sizeof *r->scores.at;
    if (r->panoptic.id.at) each += sizeof *r->panoptic.id.at;
    return pixels * each;
}

int picture_result_make(const struct picture_work *w, struct picture_result *r) {
    int64_t K = (int64_t)w->names->n;
    int status = segmenter_scored(w->segmenter, r->of->path, &r->from.im, &r->labels, &r->scores,
                                  w->outputs.wanted[PICTURE_IDS] ? &r->panoptic : NULL,
                                  w->dump ? &r->dump : NULL);
    if (status) return status;
    segment_unlabel(&r->labels, &r->scores, w->rules.least, w->rules.background, K);
    picture_find(&r->from.found, &r->labels, &r->scores, K);
    if (!w->outputs.wanted[PICTURE_SCORES]) scores_free(&r->scores);
    if (!w->outputs.wanted[PICTURE_OVERLAY]) image_free(&r->from.im);
    return 0;
}

static int write_labels(const struct picture_work *w, const char *path, const struct labels *l) {
    struct bytes png = {0};
    int status = picture_labels_encode(l, (int64_t)w->names->n, &png);
    if (!status) status = file_write(path, png.at, png.n);
    bytes_free(&png);
    return status;
}

static int write_scores(const char *path, const struct scores *s) {
    struct safetensors_out out;
    int status = safetensors_out_open(&out, path);
    safetensors_out_name(&out, "score", T_F32, SHAPE(s->h, s->w));
    if (!status) status = safetensors_out_put(&out, s->at, (size_t)(s->h * s->w) * sizeof *s->at);
    if (!status) status = safetensors_out_commit(&out);
    safetensors_out_close(&out);
    return status;
}

/* The tensors by name, and the label map. */
static int write_dump(const struct picture_work *w, const struct picture_file *p,
                      struct picture_result *r) {
    char *name = mem_format("%s.safetensors", p->stem);
    char *path = w->dump_file ? mem_strdup(w->dump) : path_join(w->dump, name);
    char *dir = path_dir(path);
    int scope = t_scope_open("dump", T_NO_GRAD);
    dump_put_labels(&r->dump, "label", &r->labels);
    struct safetensors_out out;
    int status = w->dump_file ? 0 : dir_make(dir);
    if (safetensors_out_open(&out, path)) status = error_status();
    for (int i = 0; i < r->dump.n; i++)
        safetensors_out_name(&out, r->dump.at[i].name, t_dtype(r->dump.at[i].x),
                             t_shape(r->dump.at[i].x));
    for (int i = 0; !status && i < r->dump.n; i++)
        status = safetensors_out_put_tensor(&out, t_contiguous(r->dump.at[i].x));
    if (!status) status = safetensors_out_commit(&out);
    safetensors_out_close(&out);
    t_scope_close(scope, NULL);
    free(dir);
    free(path);
    free(name);
    return status;
}

int picture_result_write(const struct picture_work *w, struct picture_result *r) {
    const struct picture_outputs *o = &w->outputs;
    const struct picture_file *p = r->of;
    const struct picture_source source = {p->name, w->record->made_by, r->from.hash};
    char *path[PICTURE_KINDS];
    for (int k = 0; k < PICTURE_KINDS; k++) path[k] = picture_output(o, p, (enum picture_kind)k);
    int status = file_remove(path[PICTURE_JSON]); /* an old one does not speak of new files */
    if (!status) status = write_labels(w, path[PICTURE_LABELS], &r->labels);
    if (!status && o->wanted[PICTURE_OVERLAY])
        status = picture_overlay_write(path[PICTURE_OVERLAY], &r->from.im, &r->labels, w->names);
    if (!status && o->wanted[PICTURE_SCORES])
        status = write_scores(path[PICTURE_SCORES], &r->scores);
    if (!status && o->wanted[PICTURE_IDS])
        status = panoptic_write(path[PICTURE_IDS], path[PICTURE_SEGMENTS], &r->panoptic, w->names,
                                w->segmenter->thing);
    if (!status && w->dump) status = write_dump(w, p, r);
    if (!status)
        status = picture_json_write(path[PICTURE_JSON], &source, &r->from.found, w->names,
                                    o->rle ? &r->labels : NULL);
    for (int k = 0; k < PICTURE_KINDS; k++) free(path[k]);
    return status;
}
