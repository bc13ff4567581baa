#include "train/pictures/picture_print.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

struct line {
    const char *name;
    int64_t pixels, pictures;
};

/* By falling share, then by name. */
static int by_share(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    if (x->pixels != y->pixels) return x->pixels < y->pixels ? 1 : -1;
    return strcmp(x->name, y->name);
}

static double percent(int64_t pixels, int64_t all) {
    return all ? 100.0 * (double)pixels / (double)all : 0;
}

void picture_print(FILE *to, const char *picture, const struct picture_found *f,
                   const struct vocabulary *v, const bool *hidden) {
    struct line *s = mem_alloc(v->n, sizeof *s);
    int64_t all = f->h * f->w;
    size_t n = 0;
    for (size_t k = 0; k < v->n; k++)
        if (!hidden || !hidden[k]) s[n++] = (struct line){v->at[k].name, f->at[k].pixels, 1};
    qsort(s, n, sizeof *s, by_share);
    char *shown = mem_strdup(picture);
    utf8_tame(shown);
    fprintf(to, "%s  %lld x %lld\n", shown, (long long)f->w, (long long)f->h);
    for (size_t k = 0; k < n; k++)
        fprintf(to, "  %6.2f %%  %s\n", percent(s[k].pixels, all), s[k].name);
    if (f->unlabelled) fprintf(to, "  %6.2f %%  (unlabelled)\n", percent(f->unlabelled, all));
    free(shown);
    free(s);
}

void picture_totals_open(struct picture_totals *t, int64_t K) {
    *t = (struct picture_totals){.K = K,
                                 .pixels = mem_alloc((size_t)K, sizeof *t->pixels),
                                 .pictures = mem_alloc((size_t)K, sizeof *t->pictures)};
}

void picture_totals_free(struct picture_totals *t) {
    free(t->pixels);
    free(t->pictures);
    *t = (struct picture_totals){0};
}

void picture_totals_add(struct picture_totals *t, const struct picture_found *f) {
    for (int64_t k = 0; k < t->K; k++) {
        t->pixels[k] += f->at[k].pixels;
        t->pictures[k] += f->at[k].pixels > 0;
        t->all += f->at[k].pixels;
    }
    t->unlabelled += f->unlabelled;
    t->all += f->unlabelled;
}

void picture_totals_print(FILE *to, const struct picture_totals *t, size_t damaged,
                          const struct vocabulary *v, const bool *hidden) {
    struct line *s = mem_alloc(v->n, sizeof *s);
    size_t n = 0;
    for (size_t k = 0; k < v->n; k++)
        if (!hidden || !hidden[k])
            s[n++] = (struct line){v->at[k].name, t->pixels[k], t->pictures[k]};
    qsort(s, n, sizeof *s, by_share);
    fprintf(to, "%zu picture%s segmented, %zu done before, %zu damaged\n", t->done,
            t->done == 1 ? "" : "s", t->before, damaged);
    fprintf(to, "   share  pictures  name\n");
    for (size_t k = 0; k < n; k++)
        fprintf(to, "%6.2f %%  %8lld  %s\n", percent(s[k].pixels, t->all), (long long)s[k].pictures,
                s[k].name);
    if (t->unlabelled)
        fprintf(to, "%6.2f %%  %8s  (unlabelled)\n", percent(t->unlabelled, t->all), "");
    free(s);
}
