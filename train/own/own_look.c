/* Every picture and its mask, decoded once: what training would stumble over is said now. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/progress.h"
#include "data/coco.h"
#include "data/file_set.h"
#include "data/resize.h"
#include "train/own/own.h"
#include "train/signals.h"

enum { SIDE_MIN = 16 };

/* What all threads share. */
struct look {
    struct own *o;
    struct dataset coco; /* of COCO's instances */
    bool has_coco;
    int64_t done;
    struct progress bar;
};

static void say(struct own_picture *p, enum own_kind kind, char *text) {
    if (p->said)
        free(text);
    else
        p->said = text, p->kind = kind;
    p->out = true;
}

static void say_error(struct own_picture *p, enum own_kind kind) {
    say(p, kind, mem_strdup(error_message()));
    error_clear();
}

/* ---- pictures ---- */

static void take_facts(struct own_picture *p, const char *path, const struct image_facts *f) {
    p->orientation = f->orientation;
    p->cmyk = strcmp(f->format, "JPEG") == 0 && f->channels == 4;
    p->deep = f->bits == 16;
    if (f->h < SIDE_MIN || f->w < SIDE_MIN)
        say(p, OWN_PICTURE,
            mem_format("%s: is %lld x %lld, too small to hold anything: sides of %d pixels at "
                       "least; take it away",
                       path, (long long)f->w, (long long)f->h, SIDE_MIN));
}

static int sign(struct own_picture *p, const struct image *im) {
    struct image small;
    int status = image_resize(im, NULL, THUMB, THUMB + 1, RESIZE_BILINEAR, &small);
    if (status) return status;
    memcpy(p->look.rgb, small.at, sizeof p->look.rgb);
    for (int y = 0; y < THUMB; y++)
        for (int x = 0; x < THUMB; x++) {
            const uint8_t *a = small.at + 3 * (y * (THUMB + 1) + x);
            int left = 299 * a[0] + 587 * a[1] + 114 * a[2];
            int right = 299 * a[3] + 587 * a[4] + 114 * a[5];
            p->look.rises |= (uint64_t)(left < right) << (y * THUMB + x);
        }
    image_free(&small);
    return 0;
}

static void look_at_picture(const struct look *l, struct own_picture *p) {
    char *path = path_join(l->o->images, p->file);
    struct bytes b = {0};
    struct image im = {0};
    struct image_facts f;
    int status = file_read(path, FILE_SET_BYTES_MAX, &b);
    if (!status) status = image_look(b.at, b.n, path, &f);
    if (!status) take_facts(p, path, &f);
    if (!status) status = image_decode_upright(b.at, b.n, path, &im);
    p->h = im.h;
    p->w = im.w;
    if (!status) status = sign(p, &im);
    if (status) say_error(p, OWN_PICTURE);
    image_free(&im);
    bytes_free(&b);
    free(path);
}

/* ---- masks ---- */

/* Of a camera that was held upright the file holds a lying picture, and the mask may lie, too. */
static void check_size(struct own_picture *p, const char *mask, int64_t h, int64_t w) {
    bool turned = p->orientation >= 5 && h == p->w && w == p->h;
    if (p->out || (h == p->h && w == p->w)) return;
    if (turned)
        say(p, OWN_SIZE,
            mem_format(
                "%s: is %lld x %lld, as the picture is stored; EXIF turns that one to %lld x "
                "%lld: turn the mask, too (EXIF orientation %d), or save the picture turned",
                mask, (long long)w, (long long)h, (long long)p->w, (long long)p->h,
                p->orientation));
    else if (h == p->w && w == p->h)
        say(p, OWN_SIZE,
            mem_format("%s: is %lld x %lld, its picture %s %lld x %lld: turn it by 90 degrees",
                       mask, (long long)w, (long long)h, p->file, (long long)p->w,
                       (long long)p->h));
    else
        say(p, OWN_SIZE,
            mem_format("%s: is %lld x %lld, its picture %s %lld x %lld: make it as large, without "
                       "smoothing",
                       mask, (long long)w, (long long)h, p->file, (long long)p->w,
                       (long long)p->h));
}

static int unlabelled(const struct own *o) { return dataset_ignore((int64_t)o->names.n); }

/* A value that stands for nothing is a mistake, or all masks of its class would count for none. */
static int to_classes(const struct own *o, const char *path, struct labels *m) {
    int64_t bad = 0, first = 0;
    uint16_t value = 0;
    for (int64_t i = 0; i < m->h * m->w; i++) {
        uint16_t class = o->class_of[m->at[i]];
        if (class == OWN_MISTAKE && !bad++) first = i, value = m->at[i];
        m->at[i] = class;
    }
    if (!bad) return 0;
    struct str mend = {0};
    size_t gap = own_names_gap(o);
    if (value == 255 || value == UINT16_MAX) /* as others say it, of 8 bits and of 16 */
        str_add(&mend, "where it means unlabelled, write %d", unlabelled(o));
    else
        str_add(&mend, "add its name%s",
                o->first_value ? "" : "; or, where 1 is the first name: --first 1");
    if (gap) str_add(&mend, "; line %zu of the names is empty or a comment: it has no value", gap);
    error_set(ERR_DATA,
              "%s: value %d at row %lld, column %lld stands for no name (%lld pixel%s): %zu name%s "
              "the values %d to %d%s, %d is unlabelled: %s",
              path, value, (long long)(first / m->w), (long long)(first % m->w), (long long)bad,
              bad == 1 ? " does" : "s do", o->names.n, o->names.n == 1 ? " has" : "s are",
              (int)o->names.at[0].raw, (int)o->names.at[o->names.n - 1].raw,
              o->first_value ? ", 0 none" : "", unlabelled(o), mend.at);
    str_free(&mend);
    return ERR_DATA;
}

static int read_map(const struct own *o, const char *path, struct labels *m) {
    struct bytes b;
    struct image_facts f;
    int status = file_read(path, FILE_SET_BYTES_MAX, &b);
    if (status) return status;
    status = image_look(b.at, b.n, path, &f);
    if (!status && o->masks == OWN_COLOUR_PNG && f.channels < 3 && !f.palette) {
        status = error_set(ERR_DATA,
                           "%s: is grey, and the names stand for colours: write them without, a "
                           "name a line, that of value 0 first",
                           path);
    } else if (!status && o->masks == OWN_COLOUR_PNG) {
        status = labels_decode_colours(b.at, b.n, path, &o->colours, m);
    } else if (!status && f.channels >= 3) {
        status =
            error_set(ERR_DATA,
                      "%s: is painted in colours, and the names have none: write them as name, "
                      "red, green, blue; or save it as a grey PNG of class numbers",
                      path);
    } else if (!status) {
        status = labels_decode_png(b.at, b.n, path, m);
        if (!status) status = to_classes(o, path, m);
    }
    bytes_free(&b);
    return status;
}

static void count_classes(const struct look *l, struct own_picture *p, const struct labels *m,
                          const uint16_t *class_of) {
    size_t K = l->o->names.n;
    bool *in = mem_alloc(K + 1, sizeof *in), some = false, gaps = false;
    for (int64_t i = 0; i < m->h * m->w; i++) {
        uint16_t class = class_of ? class_of[m->at[i]] : m->at[i];
        if (class < K) in[class] = some = true;
        gaps |= class == OWN_IGNORE;
    }
    if (gaps) {
#pragma omp atomic write
        l->o->gaps = true;
    }
    for (size_t k = 0; k < K; k++)
        if (in[k]) {
#pragma omp atomic
            l->o->class_in[k]++;
        }
    p->has_mask = some;
    free(in);
}

static void look_at_map(const struct look *l, struct own_picture *p) {
    char *path = path_join(l->o->masks_path, p->map);
    struct labels m = {0};
    if (read_map(l->o, path, &m))
        say_error(p, OWN_MASK);
    else
        check_size(p, path, m.h, m.w);
    if (m.at && !p->out) count_classes(l, p, &m, NULL);
    labels_free(&m);
    free(path);
}

/* Polygons are cut at the border of their picture, but these are of another picture, or no pixels.
 */
static void check_corners(const struct look *l, struct own_picture *p) {
    struct coco_far far;
    if (dataset_coco_far(&l->coco, p->coco, &far))
        say(p, OWN_MASK,
            mem_format("%s: annotation %lld has a corner at %.0f, %.0f, far outside of %s, %lld x "
                       "%lld: draw it again, in pixels of this picture, or take it out",
                       l->o->masks_path, (long long)far.annotation, far.x, far.y, p->file,
                       (long long)p->w, (long long)p->h));
}

static void look_at_coco(const struct look *l, struct own_picture *p, const uint16_t *class_of) {
    struct labels m = {0};
    if (l->coco.source->labels(&l->coco, p->coco, &m)) {
        say_error(p, OWN_MASK);
    } else {
        char *what = mem_format("%s: the entry of %s", l->o->masks_path, p->file);
        check_size(p, what, m.h, m.w);
        free(what);
    }
    if (!p->out) check_corners(l, p);
    if (m.at && !p->out) count_classes(l, p, &m, class_of);
    labels_free(&m);
}

/* ---- all of them ---- */

static int open_tables(struct look *l) {
    struct own *o = l->o;
    o->class_in = mem_alloc(o->names.n + 1, sizeof *o->class_in);
    if (o->masks == OWN_COLOUR_PNG)
        return colour_table_of(&o->colours, &o->names, o->names_path, OWN_IGNORE);
    if (o->masks == OWN_COCO) {
        int status = dataset_open_coco(&l->coco, o->images, NULL, o->masks_path);
        l->has_coco = !status;
        return status;
    }
    if (o->masks != OWN_INDEX_PNG) return 0;
    enum { VALUES = 1 << 16 };
    o->class_of = mem_alloc(VALUES, sizeof *o->class_of);
    for (int i = 0; i < VALUES; i++) o->class_of[i] = OWN_MISTAKE;
    int ignore = unlabelled(o);
    o->class_of[ignore] = OWN_IGNORE;
    if (o->first_value > 0) o->class_of[0] = OWN_IGNORE;
    for (size_t k = 0; k < o->names.n; k++) {
        if (o->names.at[k].raw < 0)
            return error_set(ERR_DATA, "%s: %s: needs its value in the masks, raw: N",
                             o->names_path, o->names.at[k].name);
        if (o->names.at[k].raw == ignore)
            return error_set(
                ERR_DATA,
                "%s: %s: has the value %d, which is that of unlabelled pixels: take it "
                "out of the names",
                o->names_path, o->names.at[k].name, ignore);
        o->class_of[o->names.at[k].raw] = (uint16_t)k;
    }
    return 0;
}

/* Of a category of the file: class. Owned. */
static uint16_t *categories(const struct look *l) {
    uint16_t *class_of = mem_alloc((size_t)UINT16_MAX + 1, sizeof *class_of);
    for (int64_t k = 0; k <= UINT16_MAX; k++) class_of[k] = OWN_IGNORE;
    for (int64_t k = 0; k < l->coco.n_classes; k++) {
        size_t class = vocabulary_find(&l->o->names, l->coco.class_name[k]);
        if (class < l->o->names.n) class_of[k] = (uint16_t) class;
    }
    return class_of;
}

static void look_at_all(struct look *l) {
    struct own *o = l->o;
    uint16_t *class_of = l->has_coco ? categories(l) : NULL;
    progress_open(&l->bar, "init", "pictures", 0, (int64_t)o->n, 30);
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = 0; i < o->n; i++) {
        struct own_picture *p = &o->at[i];
        if (signals_pending()) continue;
        look_at_picture(l, p);
        if (p->map && o->names.n) look_at_map(l, p);
        if (p->coco >= 0 && l->has_coco) look_at_coco(l, p, class_of);
#pragma omp critical(own_look)
        progress_at(&l->bar, ++l->done, NULL);
    }
    progress_close(&l->bar);
    free(class_of);
}

static const char *coco_without_labels(const struct look *l) {
    int64_t all, known = 0;
    if (!l->has_coco) return "it has no categories: name what is drawn";
    dataset_coco_boxes(&l->coco, &all);
    for (int64_t k = 0; k < l->coco.n_classes; k++)
        known += vocabulary_find(&l->o->names, l->coco.class_name[k]) < l->o->names.n;
    return !all    ? "it has no annotations: draw some"
           : known ? "what it draws lies outside of the pictures: coordinates are pixels, from the "
                     "upper left corner"
                   : "none of its annotations is of one of the names: mend the names of its "
                     "categories";
}

/* Nobody names masks that are to teach nothing. */
static void no_labels(const struct look *l) {
    struct own *o = l->o;
    const char *why = o->masks == OWN_COCO ? coco_without_labels(l)
                      : o->masks == OWN_COLOUR_PNG
                          ? "all are black: paint them in the colours of the names"
                      : o->first_value ? "all are 255 or 0: write the values of the names into them"
                                       : "all are 255: write the values of the names into them";
    own_problem(o, OWN_LAYOUT, "%s: no mask has a labelled pixel, %s%s", o->masks_path, why,
                o->n_captioned ? "; or take it away, and captions alone are learned from" : "");
}

static const struct own_picture *first_map(const struct own *o) {
    for (size_t i = 0; i < o->n; i++)
        if (!o->at[i].out && o->at[i].map && o->at[i].has_mask) return &o->at[i];
    return NULL;
}

/* Black and white masks of one thing: what is white in them, 255, counts as unlabelled, and
 * everything else as the first name. */
static void check_two_values(struct own *o) {
    const struct own_picture *p = first_map(o);
    if (o->masks != OWN_INDEX_PNG || !p || (o->problems.of[OWN_MASK] && !o->skip)) return;
    for (size_t k = 0; k < o->names.n; k++)
        if ((o->names.at[k].raw == 0) != (o->class_in[k] > 0)) return;
    size_t zero = 0;
    while (o->names.at[zero].raw) zero++;
    const char *name = o->names.at[zero].name;
    int none = unlabelled(o);
    char *also = o->gaps ? mem_format(", and %d, which is unlabelled", none) : mem_strdup("");
    if (o->names.n > 1)
        own_problem(o, OWN_LAYOUT,
                    "%s/%s: holds nothing but 0, which is \"%s\"%s; so do all %lld masks, and %zu "
                    "names are given: write the value of each name into them (docs/own-data.md); "
                    "where nothing but \"%s\" is drawn, give its name alone",
                    o->masks_path, p->map, name, also, (long long)o->n_masks, o->names.n, name);
    else if (o->gaps)
        own_note(
            o,
            "masks hold 0, which is \"%s\"%s: where %d is meant to be it, write 0 in its place "
            "and %d elsewhere",
            name, also, none, none);
    free(also);
}

static bool lacks_labels(const struct own_picture *p) {
    return !p->out && (p->map || p->coco >= 0) && !p->has_mask;
}

/* Masks that teach nothing, beside others that do. */
static void note_unlabelled(struct own *o, int64_t n) {
    enum { SHOWN = 3 };
    struct str names = {0};
    int64_t shown = 0;
    for (size_t i = 0; i < o->n && shown < SHOWN; i++)
        if (lacks_labels(&o->at[i]))
            str_add(&names, "%s%s", shown++ ? ", " : "",
                    o->at[i].map ? o->at[i].map : o->at[i].file);
    if (n)
        own_note(o, "%s: %lld mask%s no labelled pixel: %s%s", o->masks_path, (long long)n,
                 n == 1 ? " has" : "s have", names.at, n > SHOWN ? ", ..." : "");
    str_free(&names);
}

/* What threads found, in the order of the pictures. */
static void tell(const struct look *l) {
    struct own *o = l->o;
    int64_t turned = 0, cmyk = 0, deep = 0, unclear = 0, empty = 0;
    bool read = !o->captions_path || o->captions.n; /* or every picture would have none */
    for (size_t i = 0; i < o->n; i++) {
        struct own_picture *p = &o->at[i];
        if (p->said) own_problem(o, p->kind, "%s", p->said);
        bool mask = p->map || p->coco >= 0;
        if (!p->out && !p->captions && !mask && read)
            own_problem(o, OWN_BARE,
                        "%s/%s: has neither a caption nor a mask: write one, or take it away",
                        o->images, p->file);
        p->out |= !p->captions && !mask;
        turned += p->orientation != 1;
        cmyk += p->cmyk;
        deep += p->deep && !p->out;
        unclear += !p->out && mask && p->orientation != 1;
        empty += lacks_labels(p);
        o->n_masks += !p->out && p->has_mask;
    }
    if (read && o->masks_path && !o->problems.n && !o->n_masks) no_labels(l);
    if (turned)
        own_note(o, "%lld picture%s turned upright by EXIF when %s read", (long long)turned,
                 turned == 1 ? " is" : "s are", turned == 1 ? "it is" : "they are");
    if (unclear)
        own_note(
            o,
            "%lld of those %s of the right size: look at a few, masks must be upright, too (ovseg "
            "data check)",
            (long long)unclear, unclear == 1 ? "has a mask" : "have masks");
    if (cmyk)
        own_note(o, "%lld picture%s CMYK, taken as RGB as Pillow does", (long long)cmyk,
                 cmyk == 1 ? " is" : "s are");
    if (deep)
        own_note(o, "%lld picture%s 16 bits, of which 8 are taken", (long long)deep,
                 deep == 1 ? " has" : "s have");
    note_unlabelled(o, empty);
}

int own_look(struct own *o) {
    struct look l = {.o = o};
    bool masks = o->masks_path && o->names.n && !o->problems.of[OWN_NAMES];
    int status = masks ? open_tables(&l) : 0;
    if (status == ERR_DATA) {
        own_take_error(o, OWN_NAMES, "");
        status = 0;
        masks = false;
    }
    if (o->masks_path && !masks) vocabulary_close(&o->names); /* they were told what is wrong */
    if (!status) look_at_all(&l);
    if (!status && signals_pending()) status = signals_error("nothing was written");
    if (!status) tell(&l);
    if (!status && masks) check_two_values(o);
    if (l.has_coco) dataset_close(&l.coco);
    return status;
}
