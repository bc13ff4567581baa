#include "train/vocab/vocab_try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/progress.h"
#include "train/pictures/picture_files.h"
#include "train/pictures/picture_json.h"
#include "train/pictures/picture_overlay.h"
#include "train/signals.h"

enum { FILE_MAX = 256 << 20 };

/* The classes as they are, then every wording by itself: one pass of the text towers has the
 * features of all, and a vocabulary with another wording is a choice of K of these rows. */
struct tries {
    const struct vocab_try *t;
    size_t K;
    size_t *class_of; /* [wordings] */
    struct vocabulary wordings;
    struct segmenter s;
    tensor *namer_text, *proposals_text; /* [K + wordings, D] held */
};

static int open_wordings(struct tries *a) {
    a->K = a->t->names->n;
    vocabulary_wordings(a->t->names, &a->wordings, &a->class_of);
    if (a->wordings.n > a->K) return 0;
    return error_set(ERR_DATA,
                     "no class has synonyms: --try compares the wordings of a class, name and "
                     "synonyms");
}

static int open_model(struct tries *a) {
    const struct vocabulary *v = a->t->names;
    struct vocabulary all = {0}, more;
    vocabulary_copy(v, &all);
    vocabulary_wordings(v, &more, NULL);
    for (size_t i = 0; i < more.n; i++) vocabulary_take(&all, &more, i);
    int status = segmenter_open(&a->s, a->t->model, &all);
    a->namer_text = a->s.namer.namer.text;
    a->proposals_text = a->s.proposals.text;
    vocabulary_close(&more);
    vocabulary_close(&all);
    return status;
}

static void close_all(struct tries *a) {
    a->s.namer.namer.text = a->namer_text;
    a->s.proposals.text = a->proposals_text;
    segmenter_close(&a->s);
    vocabulary_close(&a->wordings);
    free(a->class_of);
}

/* ---- overlays ---- */

enum { TOGETHER = -1 }; /* the wordings of a class as in the file */

/* Its name, for the k-th wording of a class; owned. */
static char *overlay_of(const struct picture_file *p, size_t class, int64_t k) {
    return k == TOGETHER ? mem_format("%s-all.png", p->stem)
                         : mem_format("%s-%zu-%lld.png", p->stem, class, (long long)k);
}

static void add_overlay(struct picture_targets *to, const struct vocab_try *t,
                        const struct picture_file *p, size_t class, int64_t k) {
    char *name = overlay_of(p, class, k);
    picture_targets_add(to, path_join(t->out, name), p->path);
    free(name);
}

static int check_overlays(const struct vocab_try *t) {
    struct picture_targets to = {0};
    for (size_t i = 0; i < t->pictures->n; i++) {
        const struct picture_file *p = &t->pictures->at[i];
        add_overlay(&to, t, p, 0, TOGETHER);
        for (size_t c = 0; c < t->names->n; c++) {
            int64_t synonyms = (int64_t)t->names->at[c].synonyms.n;
            for (int64_t k = 0; synonyms && k <= synonyms; k++) add_overlay(&to, t, p, c, k);
        }
    }
    int status = picture_targets_check(&to, t->pictures);
    picture_targets_free(&to);
    return status;
}

/* What can be said without the model, whose opening may take a minute. */
static int check_files(const struct vocab_try *t) {
    const struct picture_outputs o = {.dir = t->out};
    int status = 0;
    for (size_t i = 0; !status && i < t->pictures->n; i++)
        if (!file_exists(t->pictures->at[i].path))
            status = error_set(ERR_MISSING, "%s: no such picture", t->pictures->at[i].path);
    if (!status && t->out) status = check_overlays(t);
    if (!status && t->out) status = picture_outputs_make(&o, t->pictures);
    return status;
}

/* ---- a picture ---- */

/* The rows of the K classes; of class `class` that of a wording, unless that is none. */
static tensor *choose(const struct tries *a, tensor *text, size_t class, size_t wording) {
    int64_t *row = mem_alloc(a->K, sizeof *row);
    for (size_t k = 0; k < a->K; k++) row[k] = (int64_t)k;
    if (wording < a->wordings.n) row[class] = (int64_t)(a->K + wording);
    tensor *x =
        text ? t_index_select(text, -2, t_from_data(row, SHAPE((int64_t)a->K), T_I64)) : NULL;
    free(row);
    return x;
}

/* Segments with one wording of a class; `wording` beyond the last: with the file's own. */
static int segment(struct tries *a, const char *file, const struct image *im, size_t class,
                   size_t wording, const char *overlay, struct picture_found *f) {
    struct labels l = {0};
    struct scores scores = {0};
    int scope = t_scope_open("try", T_NO_GRAD | T_EVAL);
    a->s.namer.namer.text = choose(a, a->namer_text, class, wording);
    a->s.proposals.text = choose(a, a->proposals_text, class, wording);
    int status = segmenter_scored(&a->s, file, im, &l, &scores, NULL, NULL);
    a->s.namer.namer.text = a->namer_text;
    a->s.proposals.text = a->proposals_text;
    t_scope_close(scope, NULL);
    if (!status) picture_find(f, &l, &scores, (int64_t)a->K);
    if (!status && a->t->out) {
        char *path = path_join(a->t->out, overlay);
        status = picture_overlay_write(path, im, &l, a->t->names);
        free(path);
    }
    labels_free(&l);
    scores_free(&scores);
    return status;
}

static void print(const struct picture_found *f, size_t class, const char *wording,
                  const char *overlay, bool shown) {
    const struct name_found *n = &f->at[class];
    double share = 100 * (double)n->pixels / (double)(f->h * f->w);
    printf("  %6.2f %%  %6.3f  %-28s%s%s\n", share, n->score, wording, shown ? "  " : "",
           shown ? overlay : "");
}

/* The wordings of a class, below what all of them make together. */
static int try_class(struct tries *a, const struct picture_file *p, const struct image *im,
                     size_t class, const struct picture_found *together) {
    const struct vocabulary_class *c = &a->t->names->at[class];
    char *base = overlay_of(p, class, TOGETHER);
    int64_t k = 0;
    int status = 0;
    printf(" %s\n", c->name);
    print(together, class, "(as in the file)", base, a->t->out);
    for (size_t w = 0; !status && w < a->wordings.n; w++) {
        if (a->class_of[w] != class) continue;
        struct picture_found f = {0};
        char *overlay = overlay_of(p, class, k++);
        status = segment(a, p->path, im, class, w, overlay, &f);
        if (!status) print(&f, class, a->wordings.at[w].name, overlay, a->t->out);
        if (!status && signals_pending()) status = signals_error("the same command tries again");
        picture_found_free(&f);
        free(overlay);
    }
    free(base);
    return status;
}

static int try_picture(struct tries *a, const struct picture_file *p) {
    struct bytes b = {0};
    struct image im = {0};
    struct picture_found together = {0};
    char *base = overlay_of(p, 0, TOGETHER);
    int status = file_read(p->path, FILE_MAX, &b);
    if (!status) status = image_decode_upright(b.at, b.n, p->path, &im);
    if (!status) status = segment(a, p->path, &im, 0, a->wordings.n, base, &together);
    if (!status) printf("%s\n     share   score\n", p->path);
    for (size_t k = 0; !status && k < a->K; k++)
        if (a->t->names->at[k].synonyms.n) status = try_class(a, p, &im, k, &together);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    picture_found_free(&together);
    image_free(&im);
    bytes_free(&b);
    free(base);
    return status;
}

int vocab_try(const struct vocab_try *t) {
    struct tries a = {.t = t, .s.masks.file.fd = -1};
    int status = open_wordings(&a);
    if (!status) status = check_files(t);
    if (!status) status = open_model(&a);
    for (size_t i = 0; !status && i < t->pictures->n; i++)
        status = try_picture(&a, &t->pictures->at[i]);
    close_all(&a);
    return status;
}
