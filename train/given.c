#include "train/given.h"

#include "base/file.h"
#include "checkpoints/import.h"
#include "eval/given.h"
#include "train/package/package.h"
#include "train/run/run.h"

bool given_is(const char *path) {
    if (run_folder(path) || package_is(path) || (dir_exists(path) && import_is_weights(path)))
        return false;
    return mask_source_is(path);
}

int given_check_inputs(const struct node *n) {
    const struct node_input *in = node_input(n, "proposals");
    if (!in || !in->path) return 0;
    struct mask_source s;
    int status = mask_source_open(&s, in->path);
    mask_source_close(&s);
    return status;
}

const char *given_excludes(const struct eval_options *o) {
    if (!o->ensemble) return "eval.ensemble: false";
    if (o->demo) return "eval.demo";
    if (o->matting) return "eval.matting";
    if (o->panoptic.enabled) return "eval.panoptic.enabled";
    return views_many(&o->views) ? "eval.tta or eval.sliding" : NULL;
}

int given_picture(const struct mask_source *s, const struct namer *m, const struct config *c,
                  int64_t id, const char *stem, const struct image *im, struct labels *out,
                  struct scores *scores) {
    struct region_list masks;
    *out = (struct labels){0};
    int status = mask_source_read(s, id, stem, im->h, im->w, &masks);
    if (!status)
        status = given_labels(m, &c->crop, c->eval.min_area,
                              c->eval.crf.enabled ? &c->eval.crf : NULL, im, &masks, out, scores);
    region_list_free(&masks);
    return status;
}
