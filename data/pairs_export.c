#include "data/pairs_export.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/pairs_crop.h"
#include "data/templates.h"

static const char table_name[] = "pairs.tsv", crops_name[] = "crops";

/* Pairs first .. end - 1 are those of one image. */
struct group {
    int64_t first, end, id;
};

static struct group *groups_of(const struct pairs *p, int64_t *n) {
    struct group *g = mem_alloc((size_t)p->n + 1, sizeof *g);
    *n = 0;
    for (int64_t i = 0; i < p->n; i++) {
        if (!i || p->at[i].image != p->at[i - 1].image)
            g[(*n)++] = (struct group){.first = i, .id = p->at[i].image_id};
        g[*n - 1].end = i + 1;
    }
    return g;
}

static int by_id(const void *a, const void *b) {
    int64_t x = ((const struct group *)a)->id, y = ((const struct group *)b)->id;
    return x < y ? -1 : x > y;
}

/* Names are made of them. */
static int check_ids(const struct group *g, int64_t n) {
    struct group *sorted = mem_alloc((size_t)n + 1, sizeof *sorted);
    int status = 0;
    memcpy(sorted, g, (size_t)n * sizeof *g);
    if (n) qsort(sorted, (size_t)n, sizeof *sorted, by_id);
    for (int64_t i = 1; !status && i < n; i++)
        if (sorted[i].id == sorted[i - 1].id)
            status = error_set(ERR_DATA,
                               "two pictures have the id %lld: their crops would have one "
                               "name",
                               (long long)sorted[i].id);
    free(sorted);
    return status;
}

static int check_folders(const struct pairs *p) {
    for (size_t k = 0; k < p->noun.n; k++) {
        const char *noun = p->noun.at[k];
        if (!*noun || *noun == '.' || strchr(noun, '/') || strlen(noun) > NAME_MAX)
            return error_set(ERR_DATA,
                             "the noun \"%s\": no folder can have this name: rename it first "
                             "(`ovseg mine edit --rename`)",
                             noun);
    }
    return 0;
}

/* Where the crop of pair i goes, from the folder on; owned. */
static char *crop_path(const struct pairs_export *x, const struct group *g, int64_t i) {
    const char *in =
        x->form == PAIRS_FORM_TABLE ? crops_name : x->pairs->noun.at[x->pairs->at[i].noun];
    return mem_format("%s/%012lld_%lld.jpg", in, (long long)g->id, (long long)(i - g->first));
}

static int write_crop(const struct pairs_export *x, const struct image *im, int64_t i,
                      const struct dir_out *to, const char *name) {
    struct region_options o = {.side = x->side, .expand = 1, .fill = REGION_FILL_MEAN};
    struct bytes jpeg = {0};
    struct mask mask = {0};
    struct image crop = {0};
    int status = pairs_crop(x->pairs, i, im, &o, &crop, &mask);
    if (!status) status = image_encode_jpeg(&crop, x->quality, &jpeg);
    if (!status) status = dir_out_put(to, name, jpeg.at, jpeg.n);
    bytes_free(&jpeg);
    image_free(&crop);
    mask_free(&mask);
    return status;
}

static int write_group(const struct pairs_export *x, const struct group *g,
                       const struct dir_out *to) {
    struct image im = {0};
    int64_t image = x->pairs->at[g->first].image;
    const struct dataset *d = x->pictures;
    if (image >= d->n_images || d->image_id[image] != g->id)
        return error_set(ERR_DATA, "picture %lld of the pairs is not in the set: it is another one",
                         (long long)g->id);
    int status = d->source->image(d, image, &im);
    for (int64_t i = g->first; !status && i < g->end; i++) {
        char *name = crop_path(x, g, i);
        status = write_crop(x, &im, i, to, name);
        free(name);
    }
    image_free(&im);
    return status;
}

/* The first error by the order of the groups that were begun. */
static int write_crops(const struct pairs_export *x, const struct group *g, int64_t n,
                       const struct dir_out *to) {
    int code = 0;
    char *message = NULL;
    int64_t done = 0;
#pragma omp parallel for num_threads(x->threads) schedule(dynamic, 1)
    for (int64_t k = 0; k < n; k++) {
        int failed;
#pragma omp atomic read
        failed = code;
        int status = failed || !x->stop ? 0 : x->stop();
        if (!failed && !status) status = write_group(x, &g[k], to);
#pragma omp critical(pairs_export)
        {
            done += g[k].end - g[k].first;
            if (x->each && !failed && !status) x->each(x->ctx, done);
            if (status && !code) {
                message = mem_strdup(error_message());
#pragma omp atomic write
                code = status;
            }
        }
        if (status) error_clear(); /* of this thread; the caller gets it below */
    }
    if (code) error_set(code, "%s", message);
    free(message);
    return code;
}

/* As pandas writes it: quoted where it must be. */
static void put_field(struct str *s, const char *text) {
    if (!strpbrk(text, "\t\n\r\"")) {
        str_add(s, "%s", text);
        return;
    }
    str_add(s, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"') str_add(s, "\"");
        str_put(s, c, 1);
    }
    str_add(s, "\"");
}

static int write_table(const struct pairs_export *x, const struct group *g, int64_t n,
                       const struct dir_out *to) {
    struct str text = {0};
    put_field(&text, x->path_column);
    str_add(&text, "\t");
    put_field(&text, x->title_column);
    str_add(&text, "\n");
    int status = 0;
    for (int64_t k = 0; !status && k < n; k++)
        for (int64_t i = g[k].first; !status && i < g[k].end; i++) {
            char *name = crop_path(x, &g[k], i);
            struct str title = {0};
            status = template_fill(x->template, x->pairs->noun.at[x->pairs->at[i].noun], &title);
            if (!status) {
                put_field(&text, name);
                str_add(&text, "\t");
                put_field(&text, title.at);
                str_add(&text, "\n");
            }
            str_free(&title);
            free(name);
        }
    if (!status) status = dir_out_put(to, table_name, text.at, text.n);
    str_free(&text);
    return status;
}

static int make_folders(const struct pairs_export *x, const char *dir) {
    bool table = x->form == PAIRS_FORM_TABLE;
    size_t n = table ? 1 : x->pairs->noun.n;
    int status = 0;
    for (size_t k = 0; !status && k < n; k++) {
        char *path = path_join(dir, table ? crops_name : x->pairs->noun.at[k]);
        status = dir_make(path);
        free(path);
    }
    return status;
}

int pairs_export_write(const struct pairs_export *x, const char *dir) {
    bool table = x->form == PAIRS_FORM_TABLE;
    int64_t n;
    struct group *g = groups_of(x->pairs, &n);
    int status = template_check(x->template);
    if (!status && !n) status = error_set(ERR_DATA, "no pairs to write");
    if (!status) status = check_ids(g, n);
    if (!status && !table) status = check_folders(x->pairs);
    if (!status) {
        struct dir_out to;
        status = dir_out_open(&to, dir);
        if (!status) status = make_folders(x, to.tmp);
        if (!status) status = write_crops(x, g, n, &to);
        if (!status && table) status = write_table(x, g, n, &to);
        status = dir_out_close(&to, status);
    }
    free(g);
    return status;
}
