#include "train/evaluation/difference.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

/* *why: it is not there. */
static int open_side(struct analysis *a, struct difference_side s, char **why) {
    char *path = path_join(s.dir, ANALYSIS_FILE);
    int status = 0;
    *a = (struct analysis){.file.fd = -1};
    bool there = file_exists(path);
    if (there && !*why) status = analysis_read(a, path);
    if (!there && !*why)
        *why = mem_format(
            "%s: not there: it was evaluated with measure.analysis=false, or by an older version; "
            "remove that run (ovseg runs rm) and evaluate again",
            path);
    free(path);
    return status;
}

static char *different_names(const struct analysis *a, const struct analysis *b) {
    if (a->K != b->K)
        return mem_format("the names are not the same: %lld in A, %lld in B", (long long)a->K,
                          (long long)b->K);
    for (int64_t k = 0; k < a->K; k++)
        if (strcmp(a->classes.at[k], b->classes.at[k]) != 0 || a->seen[k] != b->seen[k])
            return mem_format(
                "the names are not the same: class %lld is \"%s\" (%s) in A, \"%s\" (%s) in B",
                (long long)k, a->classes.at[k], a->seen[k] ? "seen" : "unseen", b->classes.at[k],
                b->seen[k] ? "seen" : "unseen");
    return NULL;
}

/* A pair is one picture under both: the same one, with the same truth. */
static char *different_pictures(const struct analysis *a, const struct analysis *b) {
    if (a->N != b->N)
        return mem_format("the pictures are not the same: %lld in A, %lld in B", (long long)a->N,
                          (long long)b->N);
    for (int64_t i = 0; i < a->N; i++) {
        if (a->image_id[i] != b->image_id[i])
            return mem_format("the pictures are not the same: number %lld is %lld in A, %lld in B",
                              (long long)i, (long long)a->image_id[i], (long long)b->image_id[i]);
        if (a->labels[i] != b->labels[i])
            return mem_format("the label maps of picture %lld are not the same",
                              (long long)a->image_id[i]);
    }
    return NULL;
}

static int load(const struct analysis *a, const char *model, struct analysis_counts *out,
                char **why) {
    char *name = mem_format("ensemble %s", model);
    size_t j = analysis_judge(a, name);
    int status = 0;
    if (j == a->judges.n)
        *why = *why ? *why : mem_format("%s: has no model \"%s\"", a->file.path, model);
    else
        status = analysis_counts(a, j, out);
    free(name);
    return status;
}

static int compute(struct difference *d, const struct analysis *a, const struct analysis *b,
                   const char *const model[2], int64_t resamples, uint64_t seed) {
    struct analysis_counts x = {0}, y = {0};
    struct bootstrap_options o = {a->N, a->K, a->seen, resamples, seed};
    int status = load(a, model[0], &x, &d->why);
    if (!status) status = load(b, model[1], &y, &d->why);
    if (!status && !d->why) {
        d->N = a->N;
        d->K = a->K;
        strings_copy(&d->classes, &a->classes);
        d->class = mem_alloc((size_t)a->K, sizeof *d->class);
        status = bootstrap_pair(&x.lines, &y.lines, &o, d->figure, d->class);
    }
    analysis_counts_free(&x);
    analysis_counts_free(&y);
    return status;
}

int difference_of(struct difference *d, struct difference_side a, struct difference_side b,
                  int64_t resamples, uint64_t seed) {
    struct analysis x, y;
    const char *const model[2] = {a.model, b.model};
    *d = (struct difference){0};
    int status = open_side(&x, a, &d->why), other = open_side(&y, b, &d->why);
    if (!status) status = other;
    if (!status && !d->why) d->why = different_names(&x, &y);
    if (!status && !d->why) d->why = different_pictures(&x, &y);
    if (!status && !d->why) status = compute(d, &x, &y, model, resamples, seed);
    analysis_free(&x);
    analysis_free(&y);
    if (status) difference_free(d);
    return status;
}

int difference_open(struct difference_drawn *m, struct difference_side side) {
    *m = (struct difference_drawn){.model = side.model};
    return open_side(&m->analysis, side, &m->why);
}

void difference_close(struct difference_drawn *m) {
    analysis_free(&m->analysis);
    bootstrap_drawn_free(&m->of);
    free(m->why);
    *m = (struct difference_drawn){.analysis.file.fd = -1};
}

/* Once: later comparisons find it. */
static int draw(struct difference_drawn *m, int64_t resamples, uint64_t seed) {
    const struct analysis *a = &m->analysis;
    struct bootstrap_options o = {a->N, a->K, a->seen, resamples, seed};
    struct analysis_counts counts = {0};
    if (m->why || m->of.figure) return 0;
    int status = load(a, m->model, &counts, &m->why);
    if (!status && !m->why) status = bootstrap_draw(&m->of, &counts.lines, &o);
    analysis_counts_free(&counts);
    return status;
}

int difference_between(struct difference *d, struct difference_drawn *a, struct difference_drawn *b,
                       int64_t resamples, uint64_t seed) {
    *d = (struct difference){0};
    const char *why = a->why ? a->why : b->why;
    d->why = why ? mem_strdup(why) : different_names(&a->analysis, &b->analysis);
    if (!d->why) d->why = different_pictures(&a->analysis, &b->analysis);
    int status = d->why ? 0 : draw(a, resamples, seed);
    if (!status && !d->why) status = draw(b, resamples, seed);
    if (status || d->why) return status;
    why = a->why ? a->why : b->why; /* it has no such model */
    if (why) {
        d->why = mem_strdup(why);
        return 0;
    }
    d->N = a->analysis.N;
    d->K = a->analysis.K;
    return bootstrap_gains(&a->of, &b->of, d->figure);
}

void difference_free(struct difference *d) {
    free(d->why);
    free(d->class);
    strings_free(&d->classes);
    *d = (struct difference){0};
}

const char *difference_title(enum bootstrap_figure f) {
    static const char *const titles[BOOTSTRAP_FIGURES] = {
        [FIGURE_MIOU] = "mIoU, classes in truth or predicted",
        [FIGURE_MIOU_SEEN] = "mIoU, seen classes",
        [FIGURE_MIOU_UNSEEN] = "mIoU, unseen classes",
        [FIGURE_MIOU_TRUTH] = "mIoU, classes in the truth",
        [FIGURE_MIOU_ALL] = "mIoU, all classes",
        [FIGURE_FWIOU] = "fwIoU",
        [FIGURE_MACC] = "mACC",
        [FIGURE_PACC] = "pACC"};
    return titles[f];
}
