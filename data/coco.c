#include "data/coco.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/coco_internal.h"
#include "data/polygon.h"
#include "data/rle.h"

enum { IMAGE_BYTES_MAX = 256 << 20 };

struct coco {
    char *dir, *instances; /* instances: the file; NULL: none */
    uint32_t *size;        /* as dataset.size, or NULL */
    struct coco_table t;
    size_t *annotation_at; /* [n_images + 1]: as caption_at */
};

static int compare(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int by_image_id(const void *a, const void *b) {
    return compare(((const struct coco_image *)a)->id, ((const struct coco_image *)b)->id);
}

static int by_category_id(const void *a, const void *b) {
    return compare(((const struct coco_category *)a)->id, ((const struct coco_category *)b)->id);
}

static int by_caption(const void *a, const void *b) {
    const struct coco_caption *x = a, *y = b;
    return x->image != y->image ? compare(x->image, y->image) : compare(x->id, y->id);
}

static int by_annotation(const void *a, const void *b) {
    const struct coco_annotation *x = a, *y = b;
    if (x->image != y->image) return compare(x->image, y->image);
    return x->id != y->id ? compare(x->id, y->id) : compare((int64_t)x->at, (int64_t)y->at);
}

static void sort(void *at, size_t n, size_t size, int (*order)(const void *, const void *)) {
    if (n) qsort(at, n, size, order);
}

/* One entry an image: the caption and the instance file list the same ones. */
static int merge_images(struct coco_table *t) {
    sort(t->image, t->n_images, sizeof *t->image, by_image_id);
    size_t n = 0;
    for (size_t i = 0; i < t->n_images; i++) {
        struct coco_image *im = &t->image[i], *last = n ? &t->image[n - 1] : NULL;
        if (!last || last->id != im->id) {
            t->image[n++] = *im;
            continue;
        }
        if (strcmp(last->file, im->file) != 0)
            error_set(ERR_DATA, "image %lld is \"%s\" and \"%s\": give each its own id",
                      (long long)im->id, last->file, im->file);
        if (!last->h) {
            last->h = im->h;
            last->w = im->w;
        }
        free(im->file);
    }
    t->n_images = n;
    return error_status();
}

static int64_t find(const void *key, const void *at, size_t n, size_t size,
                    int (*order)(const void *, const void *)) {
    const char *found = n ? bsearch(key, at, n, size, order) : NULL;
    return found ? (found - (const char *)at) / (int64_t)size : -1;
}

/* Ids become indices, here and in join(). */
static int join_captions(struct coco_table *t) {
    for (size_t i = 0; i < t->n_captions; i++) {
        struct coco_image key = {.id = t->caption[i].image};
        t->caption[i].image = find(&key, t->image, t->n_images, sizeof key, by_image_id);
        if (t->caption[i].image < 0)
            return error_set(ERR_DATA,
                             "caption %lld is of image %lld, which is not listed: list it, or take "
                             "the caption out",
                             (long long)t->caption[i].id, (long long)key.id);
    }
    sort(t->caption, t->n_captions, sizeof *t->caption, by_caption);
    return 0;
}

static int join(struct coco_table *t) {
    if (merge_images(t)) return error_status();
    sort(t->category, t->n_categories, sizeof *t->category, by_category_id);
    for (size_t i = 1; i < t->n_categories; i++)
        if (t->category[i].id == t->category[i - 1].id)
            return error_set(ERR_DATA, "category %lld is listed twice: give each its own id",
                             (long long)t->category[i].id);
    for (size_t i = 0; i < t->n_annotations; i++) {
        struct coco_annotation *a = &t->annotation[i];
        struct coco_image im = {.id = a->image};
        struct coco_category cat = {.id = a->category};
        a->image = find(&im, t->image, t->n_images, sizeof im, by_image_id);
        a->category = find(&cat, t->category, t->n_categories, sizeof cat, by_category_id);
        if (a->image < 0)
            return error_set(ERR_DATA,
                             "annotation %lld is of image %lld, which is not listed: list it, or "
                             "take the annotation out",
                             (long long)a->id, (long long)im.id);
        if (a->category < 0 && !a->mistake)
            a->mistake = mem_format(
                "is of category %lld, which is not listed: list it, or mend its "
                "category_id",
                (long long)cat.id);
    }
    sort(t->annotation, t->n_annotations, sizeof *t->annotation, by_annotation);
    return 0;
}

static int coco_image(const struct dataset *d, int64_t i, struct image *out) {
    const struct coco *c = d->state;
    const struct coco_image *im = &c->t.image[i];
    *out = (struct image){0};
    char *path = path_join(c->dir, im->file);
    struct bytes b = {0};
    if (!file_read(path, IMAGE_BYTES_MAX, &b) && !image_decode_upright(b.at, b.n, path, out) &&
        im->h && (im->h != out->h || im->w != out->w))
        error_set(ERR_DATA, "%s: is %lld x %lld, its annotations are for %lld x %lld", path,
                  (long long)out->w, (long long)out->h, (long long)im->w, (long long)im->h);
    bytes_free(&b);
    free(path);
    if (error_status()) image_free(out);
    return error_status();
}

static int fill(const struct coco_table *t, const struct coco_annotation *a, struct mask *m) {
    if (a->mistake) return error_set(ERR_DATA, "%s", a->mistake);
    const uint32_t *at = t->number + a->at, *end = at + a->n;
    if (a->shape == COCO_RUNS) {
        if (a->h != m->h || a->w != m->w)
            return error_set(ERR_DATA,
                             "runs for %lld x %lld, the image is %lld x %lld: export it again",
                             (long long)a->w, (long long)a->h, (long long)m->w, (long long)m->h);
        return coco_rle_fill(at, a->n, m);
    }
    while (a->shape == COCO_POLYGONS && at < end) {
        size_t corners = *at++;
        if (polygon_fill((const int32_t *)at, corners, m)) return error_status();
        at += 2 * corners;
    }
    return 0;
}

/* The smallest annotation of a pixel wins, the later of equals: the same as painting them by
 * falling area, in any order. size[i] is the area of the pixel's owner. */
static int paint(const struct coco *c, int64_t i, struct mask *m, uint32_t *size,
                 struct labels *out) {
    int64_t n = out->h * out->w;
    for (int64_t p = 0; p < n; p++) size[p] = UINT32_MAX;
    for (size_t k = c->annotation_at[i]; k < c->annotation_at[i + 1]; k++) {
        const struct coco_annotation *a = &c->t.annotation[k];
        memset(m->at, 0, (size_t)n);
        if (fill(&c->t, a, m))
            return error_context("%s: image %lld: annotation %lld", c->instances,
                                 (long long)c->t.image[i].id, (long long)a->id);
        uint32_t area = (uint32_t)mask_area(m);
        for (int64_t p = 0; p < n; p++)
            if (m->at[p] && area <= size[p]) {
                size[p] = area;
                out->at[p] = (uint16_t)a->category;
            }
    }
    return 0;
}

static int coco_labels(const struct dataset *d, int64_t i, struct labels *out) {
    const struct coco *c = d->state;
    const struct coco_image *im = &c->t.image[i];
    *out = (struct labels){0};
    if (!d->has_labels) return error_set(ERR_MISSING, "%s has no annotations", c->dir);
    if (!im->h)
        return error_set(ERR_DATA,
                         "%s: image %lld, %s: has no \"height\" and \"width\": write them into its "
                         "entry in \"images\"",
                         c->instances, (long long)im->id, im->file);
    struct mask m = {0};
    uint32_t *size = mem_try((size_t)(im->h * im->w), sizeof *size);
    if (size && !mask_alloc(&m, im->h, im->w) && !labels_alloc(out, im->h, im->w)) {
        for (int64_t p = 0; p < im->h * im->w; p++) out->at[p] = d->ignore;
        paint(c, i, &m, size, out);
    }
    free(size);
    mask_free(&m);
    if (error_status()) labels_free(out);
    return error_status();
}

static void coco_close(struct dataset *d) {
    struct coco *c = d->state;
    coco_table_free(&c->t);
    free(c->annotation_at);
    free(c->size);
    free(c->instances);
    free(c->dir);
    free(c);
}

static const struct dataset_source source = {
    .image = coco_image, .labels = coco_labels, .close = coco_close};

/* The tables as a data set's arrays; texts change hands. */
static void fill_dataset(struct dataset *d, struct coco *c) {
    struct coco_table *t = &c->t;
    d->n_images = (int64_t)t->n_images;
    d->n_captions = (int64_t)t->n_captions;
    d->n_classes = (int64_t)t->n_categories;
    d->image_id = mem_alloc(t->n_images + 1, sizeof *d->image_id);
    d->caption_at = mem_alloc(t->n_images + 1, sizeof *d->caption_at);
    d->caption = mem_alloc(t->n_captions + 1, sizeof *d->caption);
    d->caption_id = mem_alloc(t->n_captions + 1, sizeof *d->caption_id);
    d->class_name = mem_alloc(t->n_categories + 1, sizeof *d->class_name);
    d->class_seen = mem_alloc(t->n_categories + 1, sizeof *d->class_seen);
    c->annotation_at = mem_alloc(t->n_images + 1, sizeof *c->annotation_at);
    size_t caption = 0, annotation = 0;
    for (size_t i = 0; i < t->n_images; i++) {
        d->image_id[i] = t->image[i].id;
        while (caption < t->n_captions && t->caption[caption].image == (int64_t)i) caption++;
        while (annotation < t->n_annotations && t->annotation[annotation].image == (int64_t)i)
            annotation++;
        d->caption_at[i + 1] = (int64_t)caption;
        c->annotation_at[i + 1] = annotation;
    }
    for (size_t i = 0; i < t->n_captions; i++) {
        d->caption_id[i] = t->caption[i].id;
        d->caption[i] = t->caption[i].text;
        t->caption[i].text = NULL;
    }
    for (size_t i = 0; i < t->n_categories; i++) {
        d->class_name[i] = t->category[i].name;
        d->class_seen[i] = true;
        t->category[i].name = NULL;
    }
}

/* When the files say the size of every image. */
static void fill_sizes(struct dataset *d, struct coco *c) {
    const struct coco_table *t = &c->t;
    for (size_t i = 0; i < t->n_images; i++)
        if (!t->image[i].h) return;
    c->size = mem_alloc(2 * t->n_images + 1, sizeof *c->size);
    for (size_t i = 0; i < t->n_images; i++) {
        c->size[2 * i] = (uint32_t)t->image[i].h;
        c->size[2 * i + 1] = (uint32_t)t->image[i].w;
    }
    d->size = c->size;
}

static void hash_images(struct hasher *hash, const struct coco *c) {
    for (size_t i = 0; i < c->t.n_images; i++) {
        char *path = path_join(c->dir, c->t.image[i].file);
        int64_t size = file_size(path);
        hasher_add_string(hash, c->t.image[i].file);
        hasher_add(hash, &size, sizeof size);
        free(path);
    }
}

static int read_both(struct coco_table *t, const char *captions_json, const char *instances_json,
                     struct hasher *hash) {
    hasher_add_string(hash, captions_json ? "captions" : "");
    if (captions_json && coco_read(captions_json, t, hash)) return error_status();
    if (captions_json && !t->n_captions)
        return error_set(ERR_DATA, "%s: has no captions", captions_json);
    hasher_add_string(hash, instances_json ? "instances" : "");
    size_t captions = t->n_captions;
    if (instances_json && coco_read(instances_json, t, hash)) return error_status();
    if (t->n_captions > captions)
        return error_set(ERR_DATA, "%s: holds captions; name it as the file of captions",
                         instances_json);
    if (instances_json && !t->n_categories)
        return error_set(ERR_DATA, "%s: has no categories: they give the masks their names",
                         instances_json);
    if (t->n_categories >= UINT16_MAX)
        return error_set(ERR_DATA, "%s: has %zu categories", instances_json, t->n_categories);
    if (join(t)) return error_context("%s", instances_json ? instances_json : captions_json);
    if (join_captions(t)) return error_context("%s", captions_json);
    return 0;
}

int dataset_open_coco(struct dataset *d, const char *images_dir, const char *captions_json,
                      const char *instances_json) {
    REQUIRE(captions_json || instances_json, "a data set without files");
    *d = (struct dataset){0};
    if (!dir_exists(images_dir))
        return error_set(ERR_MISSING, "%s: is not a folder; it should hold the images", images_dir);
    struct coco *c = mem_alloc(1, sizeof *c);
    d->source = &source;
    d->state = c;
    c->dir = mem_strdup(images_dir);
    c->instances = instances_json ? mem_strdup(instances_json) : NULL;
    struct hasher hash;
    hasher_open(&hash);
    if (!read_both(&c->t, captions_json, instances_json, &hash)) {
        fill_dataset(d, c);
        fill_sizes(d, c);
        hash_images(&hash, c);
        d->has_labels = instances_json != NULL;
        d->ignore = dataset_ignore(d->n_classes);
    }
    d->hash = hasher_close(&hash);
    if (error_status()) dataset_close(d);
    return error_status();
}

const char *dataset_coco_file(const struct dataset *d, int64_t i) {
    REQUIRE(d->source == &source, "a data set of COCO's files");
    return ((const struct coco *)d->state)->t.image[i].file;
}

char *coco_twice(int64_t id, const char *file, int64_t other_id, const char *other_file) {
    if (strcmp(file, other_file) == 0)
        return mem_format("images %lld and %lld are both %s", (long long)id, (long long)other_id,
                          file);
    return mem_format("images %lld and %lld are %s and %s", (long long)id, (long long)other_id,
                      file, other_file);
}

char *dataset_coco_twice(const struct dataset *d, int64_t a, int64_t b) {
    const char *file = dataset_coco_file(d, a), *other = dataset_coco_file(d, b);
    char *what = coco_twice(d->image_id[a], file, d->image_id[b], other);
    char *text =
        mem_format("%s: %s", what,
                   strcmp(file, other) == 0 ? "make one entry of them"
                                            : "suffix and folder do not count: rename one of them");
    free(what);
    return text;
}

int64_t dataset_coco_boxes(const struct dataset *d, int64_t *all) {
    REQUIRE(d->source == &source, "a data set of COCO's files");
    const struct coco_table *t = &((const struct coco *)d->state)->t;
    int64_t n = 0;
    for (size_t i = 0; i < t->n_annotations; i++)
        n += !t->annotation[i].n && !t->annotation[i].mistake;
    *all = (int64_t)t->n_annotations;
    return n;
}

/* Of the polygons of one annotation, the first corner that is further out than the picture is
 * large; NULL: none. */
static const int32_t *far_corner(const struct coco_table *t, const struct coco_annotation *a,
                                 const struct coco_image *im) {
    const uint32_t *at = t->number + a->at, *end = at + a->n;
    int64_t h = POLYGON_SCALE * im->h, w = POLYGON_SCALE * im->w;
    while (a->shape == COCO_POLYGONS && !a->mistake && at < end) {
        size_t corners = *at++;
        for (size_t k = 0; k < corners; k++) {
            const int32_t *xy = (const int32_t *)at + 2 * k;
            if (xy[0] < -w || xy[0] > 2 * w || xy[1] < -h || xy[1] > 2 * h) return xy;
        }
        at += 2 * corners;
    }
    return NULL;
}

bool dataset_coco_far(const struct dataset *d, int64_t i, struct coco_far *out) {
    REQUIRE(d->source == &source, "a data set of COCO's files");
    const struct coco *c = d->state;
    for (size_t k = c->annotation_at[i]; k < c->annotation_at[i + 1]; k++) {
        const struct coco_annotation *a = &c->t.annotation[k];
        const int32_t *xy = far_corner(&c->t, a, &c->t.image[i]);
        if (!xy) continue;
        *out =
            (struct coco_far){a->id, (double)xy[0] / POLYGON_SCALE, (double)xy[1] / POLYGON_SCALE};
        return true;
    }
    return false;
}
