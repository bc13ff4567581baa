#include "data/set_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/progress.h"
#include "data/class_names.h"
#include "data/overlay.h"
#include "data/resize.h"

enum { CHUNK = 64, SHEET = 8, SHEET_SIDE = 480, COLUMNS = 2, GAP = 8 };

/* ---- counting ---- */

/* What one picture tells; counted by a thread, added up in order. */
struct one {
    char *damage;
    int status;
    bool misfit, no_map;
    int64_t *pixels, ignored; /* [n_classes] */
};

static int look(struct one *o, const struct dataset *d, int64_t i) {
    struct image im = {0};
    struct labels l = {0};
    int status = d->source->image(d, i, &im);
    if (!status && d->has_labels) status = d->source->labels(d, i, &l);
    if (status == ERR_MISSING && im.at && !l.at) { /* a set may have pictures without */
        o->no_map = true;
        error_clear();
        status = 0;
    }
    if (!status && l.at && (l.h != im.h || l.w != im.w)) {
        o->misfit = true;
        status =
            error_set(ERR_DATA, "picture %lld%s%s: it is %lld x %lld, its label map %lld x %lld",
                      (long long)d->image_id[i], d->image_name ? ", " : "",
                      d->image_name ? d->image_name[i] : "", (long long)im.w, (long long)im.h,
                      (long long)l.w, (long long)l.h);
    }
    for (int64_t k = 0; l.at && !status && k < l.h * l.w; k++) {
        if (l.at[k] < d->n_classes)
            o->pixels[l.at[k]]++;
        else
            o->ignored++;
    }
    image_free(&im);
    labels_free(&l);
    return status;
}

static void look_apart(struct one *o, const struct dataset *d, int64_t i) {
    *o = (struct one){.pixels = mem_alloc((size_t)d->n_classes, sizeof *o->pixels)};
    int status = look(o, d, i);
    if (status) o->damage = mem_strdup(error_message());
    o->status = status == ERR_DATA || status == ERR_MISSING ? 0 : status;
    error_clear();
}

static int add_up(struct set_check *c, const struct dataset *d, struct one *o) {
    if (o->status) return error_set(o->status, "%s", o->damage);
    if (o->damage) {
        strings_add(&c->damage, o->damage);
        c->misfits += o->misfit;
        c->unreadable += !o->misfit;
        return 0;
    }
    int64_t labelled = 0;
    for (int64_t k = 0; k < d->n_classes; k++) {
        c->pixels[k] += o->pixels[k];
        c->in[k] += o->pixels[k] > 0;
        labelled += o->pixels[k];
    }
    c->without_map += o->no_map;
    c->ignored += o->ignored;
    c->all += labelled + o->ignored;
    c->empty += d->has_labels && !o->no_map && !labelled;
    return 0;
}

int set_check_run(struct set_check *c, const struct dataset *d, const struct strings *known,
                  int (*stop)(void)) {
    struct progress bar;
    *c = (struct set_check){.pictures = d->n_images, .captions = d->n_captions};
    c->pixels = mem_alloc((size_t)d->n_classes, sizeof *c->pixels);
    c->in = mem_alloc((size_t)d->n_classes, sizeof *c->in);
    class_names_check(d->class_name, (size_t)d->n_classes, known, &c->names);
    int status = 0;
    progress_open(&bar, "check", "pictures", 0, d->n_images, 30);
    for (int64_t first = 0; first < d->n_images && !status; first += CHUNK) {
        int64_t n = d->n_images - first < CHUNK ? d->n_images - first : CHUNK;
        struct one one[CHUNK];
#pragma omp parallel for schedule(dynamic, 1)
        for (int64_t k = 0; k < n; k++) look_apart(&one[k], d, first + k);
        for (int64_t k = 0; k < n; k++) {
            if (!status) status = add_up(c, d, &one[k]);
            free(one[k].pixels);
            free(one[k].damage);
        }
        progress_at(&bar, first + n, NULL);
        if (!status && stop) status = stop();
    }
    progress_close(&bar);
    return status;
}

void set_check_free(struct set_check *c) {
    free(c->pixels);
    free(c->in);
    strings_free(&c->damage);
    strings_free(&c->names);
    *c = (struct set_check){0};
}

/* ---- telling ---- */

struct share {
    int64_t pixels, class;
};

static int by_share(const void *a, const void *b) {
    const struct share *x = a, *y = b;
    if (x->pixels != y->pixels) return x->pixels < y->pixels ? 1 : -1;
    return (x->class > y->class) - (x->class < y->class);
}

static void print_classes(const struct set_check *c, const struct dataset *d, struct str *out) {
    struct share *order = mem_alloc((size_t)d->n_classes, sizeof *order);
    double all = c->all ? (double)c->all : 1;
    int64_t never = 0;
    for (int64_t k = 0; k < d->n_classes; k++) order[k] = (struct share){c->pixels[k], k};
    qsort(order, (size_t)d->n_classes, sizeof *order, by_share);
    str_add(out, "\n%5s %12s %8s %9s  %s\n", "class", "pixels", "share", "pictures", "name");
    for (int64_t i = 0; i < d->n_classes; i++) {
        int64_t k = order[i].class;
        never += !c->pixels[k];
        str_add(out, "%5lld %12lld %6.2f %% %9lld  %s%s\n", (long long)k, (long long)c->pixels[k],
                100 * (double)c->pixels[k] / all, (long long)c->in[k], d->class_name[k],
                d->class_seen[k] ? "" : " (unseen)");
    }
    str_add(out, "%5s %12lld %6.2f %%            (unlabelled, value %u)\n", "-",
            (long long)c->ignored, 100 * (double)c->ignored / all, (unsigned)d->ignore);
    if (never) str_add(out, "%lld classes never occur\n", (long long)never);
    free(order);
}

static void print_list(const char *title, const struct strings *l, struct str *out) {
    if (l->n) str_add(out, "\n%s:\n", title);
    for (size_t i = 0; i < l->n; i++) str_add(out, "  %s\n", l->at[i]);
}

void set_check_print(const struct set_check *c, const struct dataset *d, struct str *out) {
    str_add(out, "pictures         %lld\n", (long long)c->pictures);
    str_add(out, "captions         %lld\n", (long long)c->captions);
    str_add(out, "classes          %lld\n", (long long)d->n_classes);
    str_add(out, "unreadable       %lld\n", (long long)c->unreadable);
    str_add(out, "size mismatches  %lld\n", (long long)c->misfits);
    if (d->has_labels) {
        str_add(out, "without map      %lld\n", (long long)c->without_map);
        str_add(out, "all unlabelled   %lld\n", (long long)c->empty);
        print_classes(c, d, out);
    }
    print_list("damaged", &c->damage, out);
    print_list("names to look at", &c->names, out);
}

/* ---- the sheet ---- */

/* A picture and its map, both of at most SHEET_SIDE. */
static int draw_one(const struct dataset *d, int64_t i, struct image *out) {
    struct image im = {0}, small = {0};
    struct labels l = {0}, narrow = {0};
    int64_t h, w;
    int status = d->source->image(d, i, &im);
    if (!status) status = d->source->labels(d, i, &l);
    if (!status && (im.h != l.h || im.w != l.w)) status = error_set(ERR_DATA, "sizes differ");
    if (!status) {
        resize_shortest_edge(im.h, im.w, SHEET_SIDE, SHEET_SIDE, &h, &w);
        status = image_resize(&im, NULL, h, w, RESIZE_BILINEAR, &small);
    }
    if (!status) status = labels_resize_nearest_torch(&l, h, w, &narrow);
    struct overlay_options o = {.opacity = 0.6,
                                .names = (const char *const *)d->class_name,
                                .n_names = d->n_classes,
                                .ignore = d->ignore};
    if (!status) status = overlay_draw(&small, &narrow, &o, out);
    image_free(&im);
    image_free(&small);
    labels_free(&l);
    labels_free(&narrow);
    return status;
}

static int lay_out(const struct image *part, int n, struct image *out) {
    int64_t h = GAP, w = GAP + COLUMNS * (SHEET_SIDE + GAP), row[SHEET] = {0};
    for (int i = 0; i < n; i++)
        if (part[i].h > row[i / COLUMNS]) row[i / COLUMNS] = part[i].h;
    for (int i = 0; i < SHEET; i++) h += row[i] ? row[i] + GAP : 0;
    if (image_alloc(out, h, w, 3)) return error_status();
    memset(out->at, 255, (size_t)(h * w * 3));
    int64_t y = GAP;
    for (int i = 0; i < n; i++) {
        image_paste(out, y, GAP + i % COLUMNS * (SHEET_SIDE + GAP), &part[i]);
        if (i % COLUMNS == COLUMNS - 1) y += row[i / COLUMNS] + GAP;
    }
    return 0;
}

int set_check_sheet(const struct dataset *d, struct image *out) {
    struct image part[SHEET] = {{0}};
    int n = 0, status = 0;
    *out = (struct image){0};
    int64_t next = 0; /* the first picture that is not tried yet */
    for (int k = 0; k < SHEET && d->has_labels && !status; k++) {
        int64_t i = (int64_t)k * d->n_images / SHEET, end = (int64_t)(k + 1) * d->n_images / SHEET;
        for (i = i < next ? next : i; i < end || (k == SHEET - 1 && i < d->n_images); i++) {
            int bad = draw_one(d, i, &part[n]);
            next = i + 1;
            if (!bad) {
                n++;
                break;
            }
            if (bad != ERR_DATA && bad != ERR_MISSING) {
                status = bad;
                break;
            }
            error_clear();
        }
    }
    if (!status && !n) status = error_set(ERR_DATA, "no picture with a label map can be read");
    if (!status) status = lay_out(part, n, out);
    for (int i = 0; i < SHEET; i++) image_free(&part[i]);
    return status;
}
