/* COCO's JSON as a stream of events. The position in the document is a depth and three names:
 *
 *   depth 1  {"images": ..., "annotations": ..., "categories": ...}     section
 *   depth 2            [...]
 *   depth 3              {"id": ..., "segmentation": ...}               field of a record
 *   depth 4                                {"counts": ..., "size": ...} or [...]
 *   depth 5                                           [...]               or   [x, y, x, y, ...]
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/coco_internal.h"
#include "data/image_internal.h"
#include "data/json_stream.h"
#include "data/polygon.h"
#include "data/rle.h"

enum { DEPTH_MAX = 64, NUMBER_CHARS_MAX = 40, TEXT_MAX = 4096 };

enum section { OTHER_SECTION, IMAGES, ANNOTATIONS, CATEGORIES };

enum field {
    OTHER_FIELD,
    ID,
    HEIGHT,
    WIDTH,
    IMAGE_ID,
    CATEGORY_ID,
    INTEGERS, /* fields above hold integers, below text */
    FILE_NAME,
    NAME,
    CAPTION,
    TEXTS,
    SEGMENTATION,
    N_FIELDS,
};

static const char *const field_name[N_FIELDS] = {
    [ID] = "id",
    [HEIGHT] = "height",
    [WIDTH] = "width",
    [IMAGE_ID] = "image_id",
    [CATEGORY_ID] = "category_id",
    [FILE_NAME] = "file_name",
    [NAME] = "name",
    [CAPTION] = "caption",
    [SEGMENTATION] = "segmentation",
};

enum part { OTHER_PART, COUNTS, SIZE };

struct reader {
    struct coco_table *t;
    int depth;
    enum section section;
    enum field field;
    enum part part;
    unsigned sections; /* 1 << section of those that were there */
    /* the record under way */
    int64_t integer[INTEGERS];
    char *text[TEXTS];
    unsigned seen, named; /* 1 << field: has a value; has a key */
    enum coco_shape shape;
    size_t at, polygon; /* in number: where the shape starts, where its last polygon starts */
    int64_t size[2];
    int n_size;
    char *mistake; /* the first of an annotation, owned */
};

static bool in_segmentation(const struct reader *r) {
    return r->section == ANNOTATIONS && r->field == SEGMENTATION && r->depth >= 3;
}

static bool in_record_field(const struct reader *r) {
    return r->section != OTHER_SECTION && r->depth == 3;
}

static void add_number(struct coco_table *t, uint32_t v) {
    t->number = mem_grow(t->number, &t->cap_numbers, t->n_numbers + 1, sizeof *t->number);
    t->number[t->n_numbers++] = v;
}

static int wrong(const struct reader *r, const char *what) {
    static const char *const names[] = {"", "images", "annotations", "categories"};
    error_set(ERR_DATA, "\"%s\" in \"%s\" %s", field_name[r->field] ? field_name[r->field] : "?",
              names[r->section], what);
    return 0;
}

static void keep_mistake(struct reader *r) {
    if (!r->mistake) r->mistake = mem_strdup(error_message());
    error_clear();
}

/* What is wrong inside an annotation concerns its picture alone: the file is read on. */
static int forgive(struct reader *r, int ok) {
    if (ok || r->section != ANNOTATIONS || r->depth < 3) return ok;
    keep_mistake(r);
    return 1;
}

static int other(struct reader *r) {
    if (r->depth == 0) return !error_set(ERR_DATA, "is not a COCO file: no object at the top");
    if (in_segmentation(r) && r->depth >= 4) return wrong(r, "holds something that is no number");
    return 1;
}

static int on_other(void *ctx) { return forgive(ctx, other(ctx)); }

static int on_boolean(void *ctx, int v) {
    (void)v;
    return on_other(ctx);
}

static bool parse_integer(const char *text, int64_t *out) {
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    *out = v;
    return !*end && !errno;
}

/* strtod for corners: "123.45" is 12345 / 100, and the quotient of two exact doubles is rounded as
 * strtod rounds. A third less time for COCO's 448 MB, nearly all of which are corners. */
static double parse_decimal(const char *text) {
    enum { DIGITS_MAX = 15 };
    int64_t digits = 0, scale = 1;
    bool point = false;
    const char *p = text;
    for (; p < text + DIGITS_MAX && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        digits = digits * 10 + (*p - '0');
        if (point) scale *= 10;
    }
    return *p ? strtod(text, NULL) : (double)digits / (double)scale;
}

static int segmentation_number(struct reader *r, const char *text) {
    int64_t v = 0;
    if (r->shape == COCO_POLYGONS && r->depth == 5) {
        int32_t fifths;
        if (!polygon_snap(parse_decimal(text), &fifths))
            return wrong(r, "has a corner far outside: draw it again, or take it out");
        add_number(r->t, (uint32_t)fifths);
        return 1;
    }
    if (r->shape != COCO_RUNS || r->depth != 5)
        return wrong(r, "must be lists of numbers, or {counts, size}");
    if (!parse_integer(text, &v) || v < 0 || v > IMAGE_PIXELS_MAX)
        return wrong(r, "has a run or a size that cannot be");
    if (r->part == COUNTS) add_number(r->t, (uint32_t)v);
    if (r->part == SIZE && r->n_size < 2) r->size[r->n_size] = v;
    r->n_size += r->part == SIZE;
    return 1;
}

static int number(struct reader *r, const char *s, size_t n) {
    char text[NUMBER_CHARS_MAX];
    if (r->depth == 0) return other(r);
    if (n >= sizeof text) return !error_set(ERR_DATA, "a number of %zu digits", n);
    memcpy(text, s, n);
    text[n] = '\0';
    if (in_segmentation(r)) return segmentation_number(r, text);
    if (!in_record_field(r) || r->field == OTHER_FIELD) return 1;
    if (r->field >= INTEGERS) return wrong(r, "must be text, not a number");
    if (!parse_integer(text, &r->integer[r->field])) return wrong(r, "must be a whole number");
    r->seen |= 1U << r->field;
    return 1;
}

static int on_number(void *ctx, const char *s, size_t n) { return forgive(ctx, number(ctx, s, n)); }

static int counts_string(struct reader *r, const char *s, size_t n) {
    struct coco_rle rle;
    if (coco_rle_parse(s, n, &rle)) return 0;
    for (size_t i = 0; i < rle.n; i++) add_number(r->t, rle.count[i]);
    coco_rle_free(&rle);
    return 1;
}

static int string(struct reader *r, const unsigned char *s, size_t n) {
    if (r->depth == 0) return other(r);
    if (in_segmentation(r)) {
        if (r->shape == COCO_RUNS && r->depth == 4 && r->part == COUNTS)
            return counts_string(r, (const char *)s, n);
        return wrong(r, "must be lists of numbers, or {counts, size}");
    }
    if (!in_record_field(r) || r->field == OTHER_FIELD) return 1;
    if (r->field <= INTEGERS) return wrong(r, "must be a number, not text");
    if (n > TEXT_MAX) return wrong(r, "is longer than 4096 bytes: shorten it");
    if (memchr(s, '\0', n)) return wrong(r, "holds a NUL (\\u0000): take it out");
    char *copy = mem_alloc(n + 1, 1);
    memcpy(copy, s, n);
    free(r->text[r->field]);
    r->text[r->field] = copy;
    r->seen |= 1U << r->field;
    return 1;
}

static int on_string(void *ctx, const unsigned char *s, size_t n) {
    return forgive(ctx, string(ctx, s, n));
}

static bool key_is(const unsigned char *s, size_t n, const char *name) {
    return strlen(name) == n && !memcmp(s, name, n);
}

static int on_key(void *ctx, const unsigned char *s, size_t n) {
    struct reader *r = ctx;
    if (r->depth == 1) {
        r->section = key_is(s, n, "images")        ? IMAGES
                     : key_is(s, n, "annotations") ? ANNOTATIONS
                     : key_is(s, n, "categories")  ? CATEGORIES
                                                   : OTHER_SECTION;
        r->sections |= 1U << r->section;
        r->field = OTHER_FIELD;
    } else if (r->depth == 3) {
        r->field = OTHER_FIELD;
        for (int f = ID; f < N_FIELDS; f++)
            if (field_name[f] && key_is(s, n, field_name[f])) r->field = (enum field)f;
        if (r->field == SEGMENTATION && r->section != ANNOTATIONS) r->field = OTHER_FIELD;
        r->named |= 1U << r->field;
    } else if (r->depth == 4) {
        r->part = key_is(s, n, "counts") ? COUNTS : key_is(s, n, "size") ? SIZE : OTHER_PART;
    }
    return 1;
}

static int deeper(struct reader *r) {
    if (++r->depth > DEPTH_MAX) return !error_set(ERR_DATA, "nested deeper than %d", DEPTH_MAX);
    return 1;
}

static void record_start(struct reader *r) {
    for (int f = 0; f < TEXTS; f++) free(r->text[f]);
    memset(r->text, 0, sizeof r->text);
    memset(r->integer, 0, sizeof r->integer);
    r->seen = r->named = 0;
    r->field = OTHER_FIELD;
    r->shape = COCO_EMPTY;
    r->at = r->t->n_numbers;
    r->n_size = 0;
    free(r->mistake);
    r->mistake = NULL;
}

static int map_start(struct reader *r) {
    if (r->section != OTHER_SECTION) {
        if (r->depth == 1) return !error_set(ERR_DATA, "a section must be a list of objects");
        if (r->depth == 2) record_start(r);
        if (r->depth == 3 && in_segmentation(r)) {
            r->shape = COCO_RUNS;
            r->at = r->t->n_numbers;
            r->part = OTHER_PART;
        } else if (r->depth >= 4 && in_segmentation(r)) {
            return wrong(r, "is nested too deep");
        } else if (r->depth == 3 && r->field != OTHER_FIELD) {
            return wrong(r, "must not be an object");
        }
    }
    return 1;
}

static int on_map_start(void *ctx) { return forgive(ctx, map_start(ctx)) && deeper(ctx); }

static int need(const struct reader *r, enum field f) {
    if (r->seen & 1U << f) return 1;
    static const char *const what[] = {"", "an image", "an annotation", "a category"};
    error_set(ERR_DATA, "%s without \"%s\": write it, or take the entry out", what[r->section],
              field_name[f]);
    return 0;
}

static char *take_text(struct reader *r, enum field f) {
    char *text = r->text[f];
    r->text[f] = NULL;
    return text;
}

/* A name that stays below the folder of images. */
static bool name_is_inside(const char *name) {
    if (!name[0] || name[0] == '/') return false;
    for (const char *p = name; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') return false;
        p += n;
        p += *p == '/';
    }
    return true;
}

static int end_image(struct reader *r) {
    if (!need(r, ID) || !need(r, FILE_NAME)) return 0;
    int64_t h = r->integer[HEIGHT], w = r->integer[WIDTH];
    if (!(r->seen & 1U << HEIGHT) != !(r->seen & 1U << WIDTH))
        return !error_set(ERR_DATA, "%s: has only one of \"height\" and \"width\": write both",
                          r->text[FILE_NAME]);
    if ((h || w) && image_check_size(r->text[FILE_NAME], h, w)) return 0;
    if (!name_is_inside(r->text[FILE_NAME]))
        return !error_set(ERR_DATA, "file_name \"%s\" leads out of the folder", r->text[FILE_NAME]);
    struct coco_table *t = r->t;
    t->image = mem_grow(t->image, &t->cap_images, t->n_images + 1, sizeof *t->image);
    t->image[t->n_images++] =
        (struct coco_image){.id = r->integer[ID], .h = h, .w = w, .file = take_text(r, FILE_NAME)};
    return 1;
}

/* An annotation of which too little is known to keep it. */
static int lost(struct reader *r) {
    if (!r->mistake) return 0;
    error_clear();
    return !error_set(ERR_DATA, "%s", r->mistake);
}

/* One that has both ids, and no more that could be used. */
static int neither(struct reader *r) {
    bool caption = r->named & 1U << CAPTION;
    error_set(ERR_DATA, "%s",
              caption ? "its \"caption\" is no text: write it, or take the annotation out"
                      : "has neither \"caption\" nor \"category_id\": write one, or take it out");
    lost(r);
    error_context("annotation %lld", (long long)r->integer[ID]);
    return 0;
}

static int end_annotation(struct reader *r) {
    struct coco_table *t = r->t;
    if (!need(r, ID) || !need(r, IMAGE_ID)) return lost(r);
    if (r->seen & 1U << CAPTION) {
        t->caption = mem_grow(t->caption, &t->cap_captions, t->n_captions + 1, sizeof *t->caption);
        t->caption[t->n_captions++] = (struct coco_caption){
            .id = r->integer[ID], .image = r->integer[IMAGE_ID], .text = take_text(r, CAPTION)};
        return 1;
    }
    if (!(r->named & 1U << CATEGORY_ID)) return neither(r);
    if (r->shape == COCO_RUNS && r->n_size != 2) {
        r->field = SEGMENTATION;
        wrong(r, "needs \"size\": [h, w]");
        keep_mistake(r);
    }
    t->annotation =
        mem_grow(t->annotation, &t->cap_annotations, t->n_annotations + 1, sizeof *t->annotation);
    t->annotation[t->n_annotations++] =
        (struct coco_annotation){.id = r->integer[ID],
                                 .image = r->integer[IMAGE_ID],
                                 .category = r->integer[CATEGORY_ID],
                                 .shape = r->shape,
                                 .at = r->at,
                                 .n = t->n_numbers - r->at,
                                 .h = r->size[0],
                                 .w = r->size[1],
                                 .mistake = r->mistake};
    r->mistake = NULL;
    return 1;
}

static int end_category(struct reader *r) {
    struct coco_table *t = r->t;
    if (!need(r, ID) || !need(r, NAME)) return 0;
    t->category =
        mem_grow(t->category, &t->cap_categories, t->n_categories + 1, sizeof *t->category);
    t->category[t->n_categories++] =
        (struct coco_category){.id = r->integer[ID], .name = take_text(r, NAME)};
    return 1;
}

static int on_map_end(void *ctx) {
    struct reader *r = ctx;
    if (--r->depth != 2) return 1;
    return r->section == IMAGES        ? end_image(r)
           : r->section == ANNOTATIONS ? end_annotation(r)
           : r->section == CATEGORIES  ? end_category(r)
                                       : 1;
}

static int list_start(struct reader *r) {
    if (r->depth == 0) return other(r);
    if (r->depth == 2 && r->section != OTHER_SECTION)
        return !error_set(ERR_DATA, "a section must be a list of objects");
    if (in_record_field(r) && r->field != OTHER_FIELD && r->field != SEGMENTATION)
        return wrong(r, "must not be a list");
    if (in_segmentation(r)) {
        if (r->depth == 3) {
            r->shape = COCO_POLYGONS;
            r->at = r->t->n_numbers;
        } else if (r->depth == 4 && r->shape == COCO_POLYGONS) {
            r->polygon = r->t->n_numbers;
            add_number(r->t, 0);
        } else if (r->depth != 4) {
            return wrong(r, "is nested too deep");
        }
    }
    return 1;
}

static int on_list_start(void *ctx) { return forgive(ctx, list_start(ctx)) && deeper(ctx); }

static int list_end(struct reader *r) {
    r->depth--;
    if (!in_segmentation(r) || r->depth != 4 || r->shape != COCO_POLYGONS) return 1;
    size_t n = r->t->n_numbers - r->polygon - 1;
    if (n % 2 || n < 6 || n > INT_MAX)
        return wrong(r,
                     "has a polygon without three whole corners, x and y of each: draw it again, "
                     "or take it out");
    r->t->number[r->polygon] = (uint32_t)(n / 2);
    return 1;
}

static int on_list_end(void *ctx) { return forgive(ctx, list_end(ctx)); }

static const yajl_callbacks callbacks = {
    .yajl_null = on_other,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map_start,
    .yajl_map_key = on_key,
    .yajl_end_map = on_map_end,
    .yajl_start_array = on_list_start,
    .yajl_end_array = on_list_end,
};

int coco_read(const char *path, struct coco_table *t, struct hasher *hash) {
    struct reader r = {.t = t};
    struct json_stream s;
    if (!json_stream_read(&s, path, &callbacks, &r, hash)) {
        unsigned need_both = 1U << IMAGES | 1U << ANNOTATIONS;
        if ((r.sections & need_both) != need_both)
            error_set(ERR_DATA,
                      "%s: is not a COCO file: it has no \"%s\" (captions may be JSON Lines, too)",
                      path, r.sections & 1U << IMAGES ? "annotations" : "images");
    }
    for (int k = 0; k < TEXTS; k++) free(r.text[k]);
    free(r.mistake);
    return error_status();
}

void coco_table_free(struct coco_table *t) {
    for (size_t i = 0; i < t->n_images; i++) free(t->image[i].file);
    for (size_t i = 0; i < t->n_captions; i++) free(t->caption[i].text);
    for (size_t i = 0; i < t->n_categories; i++) free(t->category[i].name);
    for (size_t i = 0; i < t->n_annotations; i++) free(t->annotation[i].mistake);
    free(t->image);
    free(t->caption);
    free(t->category);
    free(t->annotation);
    free(t->number);
    *t = (struct coco_table){0};
}
