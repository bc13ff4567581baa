/* K names, h w the size that the network sees. */
#include "eval/picture.h"

/* The picture as the network sees it -> labels of the size H x W. */
static int label(const struct picture_models *m, const struct image *seen, int64_t H, int64_t W,
                 struct labels *out, struct dump *dump) {
    struct tap tap = dump_tap(dump);
    struct proposer proposer = {m->net, m->text};
    struct namer namer = m->namer;
    struct proposals p = {0};
    struct regions r = {0};
    namer.tap = m->net->tap = dump ? &tap : NULL;
    int status = segment_propose(&proposer, m->eval, seen, 1, &p, &r);
    if (!status) status = segment_encode(&namer, m->crop, &r, seen, 1);
    m->net->tap = NULL;
    int scope = t_scope_open("label", T_NO_GRAD | T_EVAL);
    if (!status) {
        tensor *scores = segment_scores(&p, &r, &namer, m->eval->lambda); /* [K, h, w] */
        if (dump) {
            dump_segmentation(dump, &proposer, &namer, &p, &r);
            dump_put(dump, "fused_before_resize", scores);
            dump_put(dump, "sem_seg",
                     t_squeeze(t_resize_bilinear(t_unsqueeze(scores, 0), H, W), 0));
        }
        status = segment_decide(scores, H, W, out);
    }
    t_scope_close(scope, NULL);
    proposals_free(&p);
    regions_free(&r);
    return status;
}

int picture_segment(const struct picture_models *m, const struct image *im, struct labels *out,
                    struct dump *dump) {
    struct image seen = {0};
    struct box all = {0, 0, im->w, im->h};
    int status = image_crop(im, all, &seen);
    if (!status) status = segment_resize(&m->size, &seen);
    if (!status) status = label(m, &seen, im->h, im->w, out, dump);
    image_free(&seen);
    return status;
}
