#include "data/mask_json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "data/image_internal.h"
#include "data/json_stream.h"
#include "data/polygon.h"
#include "data/rle.h"

enum { DEPTH_MAX = 64, RECORD_MAX = 8 << 20 /* bytes */, NUMBER_CHARS_MAX = 32, NAME_MAX_N = 4096 };

enum section { NOTHING, IMAGES, ANNOTATIONS };
enum field { OTHER, ID, HEIGHT, WIDTH, IMAGE_ID, FILE_NAME };

/* The way through a file. Records are the objects in a list at the top, or in the lists "images"
 * and "annotations" of an object at the top. */
struct scan {
    struct mask_json *to;
    struct json_stream stream;
    int depth, records; /* of what is open; at which the fields of records stand */
    enum section section;
    enum field field;
    bool found; /* there is a list of masks */
    /* the record under way */
    uint64_t begin;
    int64_t line, value[FILE_NAME];
    unsigned seen; /* 1 << field */
    char *name;
};

static int refuse(const char *what) { return !error_set(ERR_DATA, "%s", what); }

/* A value where only records may stand. */
static bool misplaced(const struct scan *s) { return s->section && s->depth == s->records - 1; }

static bool in_record(const struct scan *s) { return s->section && s->depth == s->records; }

static int on_null(void *ctx) {
    struct scan *s = ctx;
    if (misplaced(s)) return refuse("something among the masks that is no object");
    return s->depth ? 1 : refuse("neither a list of masks nor an object that holds one");
}

static int on_boolean(void *ctx, int v) {
    (void)v;
    return on_null(ctx);
}

static int on_number(void *ctx, const char *at, size_t n) {
    struct scan *s = ctx;
    char text[NUMBER_CHARS_MAX], *end;
    if (!s->depth || misplaced(s)) return on_null(s);
    if (!in_record(s) || s->field == OTHER || s->field == FILE_NAME) return 1;
    if (n >= sizeof text) return refuse("a number of too many digits");
    memcpy(text, at, n);
    text[n] = '\0';
    errno = 0;
    s->value[s->field] = strtoll(text, &end, 10);
    if (*end || errno) return refuse("an id or a size that is no whole number");
    s->seen |= 1U << s->field;
    return 1;
}

static int on_string(void *ctx, const unsigned char *at, size_t n) {
    struct scan *s = ctx;
    if (!s->depth || misplaced(s)) return on_null(s);
    if (!in_record(s) || s->field == OTHER) return 1;
    if (s->field != FILE_NAME) return refuse("an id or a size that is text, not a number");
    if (n > NAME_MAX_N || memchr(at, '\0', n)) return refuse("a file_name of no sensible length");
    free(s->name);
    s->name = mem_format("%.*s", (int)n, (const char *)at);
    return 1;
}

static bool key_is(const unsigned char *s, size_t n, const char *name) {
    return strlen(name) == n && !memcmp(s, name, n);
}

static int on_key(void *ctx, const unsigned char *at, size_t n) {
    static const char *const names[] = {[ID] = "id",
                                        [HEIGHT] = "height",
                                        [WIDTH] = "width",
                                        [IMAGE_ID] = "image_id",
                                        [FILE_NAME] = "file_name"};
    struct scan *s = ctx;
    if (s->depth == 1)
        s->section = key_is(at, n, "images")        ? IMAGES
                     : key_is(at, n, "annotations") ? ANNOTATIONS
                                                    : NOTHING;
    if (!in_record(s)) return 1;
    s->field = OTHER;
    for (int f = ID; f <= FILE_NAME; f++)
        if (key_is(at, n, names[f])) s->field = (enum field)f;
    return 1;
}

static int deeper(struct scan *s) {
    return ++s->depth <= DEPTH_MAX ? 1 : refuse("nested too deep");
}

static int on_map_start(void *ctx) {
    struct scan *s = ctx;
    if (!s->depth) s->records = 3; /* {"annotations": [{ */
    if (s->section && s->depth == s->records - 2) return refuse("masks must be a list");
    if (s->section && s->depth == s->records - 1) {
        s->begin = json_stream_at(&s->stream) - 1;
        s->line = s->stream.line;
        s->seen = 0;
        s->field = OTHER;
        memset(s->value, 0, sizeof s->value);
        free(s->name);
        s->name = NULL;
    }
    return deeper(s);
}

static int on_list_start(void *ctx) {
    struct scan *s = ctx;
    if (!s->depth) {
        s->records = 2; /* [{ */
        s->section = ANNOTATIONS;
    } else if (misplaced(s)) {
        return on_null(s);
    }
    s->found |= s->section == ANNOTATIONS && s->depth == s->records - 2;
    return deeper(s);
}

static int end_picture(struct scan *s) {
    struct mask_json *to = s->to;
    int64_t h = s->value[HEIGHT], w = s->value[WIDTH];
    if (!(s->seen & 1U << ID)) return refuse("a picture without \"id\"");
    if ((h || w) && image_check_size("a picture", h, w)) return 0;
    to->picture = mem_grow(to->picture, &to->pictures_cap, to->n_pictures + 1, sizeof *to->picture);
    to->picture[to->n_pictures++] = (struct mask_picture){
        .id = s->value[ID], .h = h, .w = w, .stem = s->name ? path_stem(s->name) : NULL};
    return 1;
}

static int end_mask(struct scan *s) {
    struct mask_json *to = s->to;
    uint64_t n = json_stream_at(&s->stream) - s->begin;
    if (to->all && !(s->seen & 1U << IMAGE_ID)) return refuse("a mask without \"image_id\"");
    if (n > RECORD_MAX) return refuse("a mask of too many bytes");
    to->record = mem_grow(to->record, &to->cap, to->n + 1, sizeof *to->record);
    to->record[to->n++] = (struct mask_record){.image = to->all ? s->value[IMAGE_ID] : 0,
                                               .at = s->begin,
                                               .n = (uint32_t)n,
                                               .line = (uint32_t)s->line};
    return 1;
}

static int on_map_end(void *ctx) {
    struct scan *s = ctx;
    if (--s->depth != s->records - 1) return 1;
    if (s->section == IMAGES) return s->to->all ? end_picture(s) : 1;
    return s->section == ANNOTATIONS ? end_mask(s) : 1;
}

static int on_list_end(void *ctx) {
    struct scan *s = ctx;
    s->depth--;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map_start,
    .yajl_map_key = on_key,
    .yajl_end_map = on_map_end,
    .yajl_start_array = on_list_start,
    .yajl_end_array = on_list_end,
};

static int order(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int by_image(const void *a, const void *b) {
    const struct mask_record *x = a, *y = b;
    return x->image != y->image ? order(x->image, y->image) : order((int64_t)x->at, (int64_t)y->at);
}

static int by_id(const void *a, const void *b) {
    return order(((const struct mask_picture *)a)->id, ((const struct mask_picture *)b)->id);
}

int mask_json_open(struct mask_json *f, const char *path, bool all) {
    *f = (struct mask_json){.path = mem_strdup(path), .fd = -1, .all = all};
    struct scan s = {.to = f};
    int status = json_stream_read(&s.stream, path, &callbacks, &s, NULL);
    free(s.name);
    if (!status && !s.found)
        status = error_set(ERR_DATA, "%s: neither a list of masks nor \"annotations\" in it", path);
    if (!status && (f->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        status = error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    if (f->n) qsort(f->record, f->n, sizeof *f->record, by_image);
    if (f->n_pictures) qsort(f->picture, f->n_pictures, sizeof *f->picture, by_id);
    return status;
}

void mask_json_close(struct mask_json *f) {
    if (f->path && f->fd >= 0) close(f->fd);
    for (size_t i = 0; i < f->n_pictures; i++) free(f->picture[i].stem);
    free(f->picture);
    free(f->record);
    free(f->path);
    *f = (struct mask_json){.fd = -1};
}

/* A whole number of a JSON list; -1: it is none. */
static int64_t whole(const cJSON *x) {
    bool good = cJSON_IsNumber(x) && x->valuedouble >= 0 && x->valuedouble <= UINT32_MAX &&
                x->valuedouble == floor(x->valuedouble);
    return good ? (int64_t)x->valuedouble : -1;
}

static int runs_mask(const cJSON *segmentation, struct mask *m) {
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(segmentation, "size"), *x;
    const cJSON *counts = cJSON_GetObjectItemCaseSensitive(segmentation, "counts");
    int64_t h = whole(cJSON_GetArrayItem(size, 0)), w = whole(cJSON_GetArrayItem(size, 1));
    struct coco_rle rle = {0};
    if (cJSON_GetArraySize(size) != 2) return error_set(ERR_DATA, "needs \"size\": [h, w]");
    if (image_check_size("its picture", h, w)) return error_status();
    int status = 0;
    if (cJSON_IsString(counts)) {
        status = coco_rle_parse(counts->valuestring, strlen(counts->valuestring), &rle);
    } else if (cJSON_IsArray(counts)) {
        cJSON_ArrayForEach(x, counts) {
            if (!status && whole(x) < 0) status = error_set(ERR_DATA, "has a run that cannot be");
            if (!status) coco_rle_add(&rle, (uint32_t)whole(x));
        }
    } else {
        status = error_set(ERR_DATA, "needs \"counts\"");
    }
    rle.h = h;
    rle.w = w;
    if (!status) status = coco_rle_decode(&rle, m);
    coco_rle_free(&rle);
    return status;
}

static int polygons_mask(const cJSON *segmentation, int64_t h, int64_t w, struct mask *m) {
    const cJSON *polygon, *x;
    int status = h ? mask_alloc(m, h, w)
                   : error_set(ERR_DATA, "is polygons, and no \"images\" say how large");
    cJSON_ArrayForEach(polygon, segmentation) {
        int n = cJSON_GetArraySize(polygon), i = 0;
        if (!status && (!cJSON_IsArray(polygon) || n % 2 || n < 6))
            status = error_set(ERR_DATA,
                               "has a polygon without three whole corners: draw it again, or take "
                               "it out");
        int32_t *xy = mem_alloc((size_t)n + 1, sizeof *xy);
        cJSON_ArrayForEach(x, polygon) {
            if (!status && (!cJSON_IsNumber(x) || !polygon_snap(x->valuedouble, &xy[i])))
                status = error_set(ERR_DATA, "has a corner that is none, or far outside");
            i++;
        }
        if (!status) status = polygon_fill(xy, (size_t)n / 2, m);
        free(xy);
    }
    return status;
}

/* Record i as a mask of its picture, which the file may say to be h x w. */
static int read_mask(const struct mask_json *f, const struct mask_record *r, int64_t h, int64_t w,
                     struct mask *m) {
    char *text = mem_alloc((size_t)r->n + 1, 1);
    ssize_t got = pread(f->fd, text, r->n, (off_t)r->at);
    cJSON *json = got == (ssize_t)r->n ? cJSON_ParseWithLength(text, r->n) : NULL;
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(json, "segmentation");
    int status = 0;
    if (!json)
        status = error_set(ERR_DATA, "is no longer the file that it was");
    else if (cJSON_IsObject(s))
        status = runs_mask(s, m);
    else if (cJSON_IsArray(s))
        status = polygons_mask(s, h, w, m);
    else
        status = error_set(ERR_DATA, "has no \"segmentation\"");
    if (!status && h && (m->h != h || m->w != w))
        status = error_set(ERR_DATA, "is of %lld x %lld, its picture of %lld x %lld",
                           (long long)m->w, (long long)m->h, (long long)w, (long long)h);
    if (status) status = error_context("%s:%u: a mask", f->path, r->line);
    cJSON_Delete(json);
    free(text);
    return status;
}

/* By id, when its name is not another; else by name. */
static const struct mask_picture *find_picture(const struct mask_json *f, int64_t id,
                                               const char *stem) {
    struct mask_picture key = {.id = id};
    const char *name = stem ? path_base(stem) : NULL;
    const struct mask_picture *p =
        f->n_pictures ? bsearch(&key, f->picture, f->n_pictures, sizeof key, by_id) : NULL;
    if (p && (!name || !p->stem || strcmp(p->stem, name) == 0)) return p;
    for (size_t i = 0; name && i < f->n_pictures; i++)
        if (f->picture[i].stem && strcmp(f->picture[i].stem, name) == 0) return &f->picture[i];
    return NULL;
}

int mask_json_read(const struct mask_json *f, int64_t id, const char *stem,
                   struct region_list *to) {
    const struct mask_picture *p = find_picture(f, id, stem);
    if (f->n_pictures && !p) return error_set(ERR_MISSING, "%s: does not list it", f->path);
    int64_t image = !f->all ? 0 : p ? p->id : id, place = 0;
    if (image < 0)
        return error_set(ERR_MISSING, "%s: knows pictures by numbers, and this is none", f->path);
    size_t lo = 0, hi = f->n; /* the first record of the picture */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (f->record[mid].image < image)
            lo = mid + 1;
        else
            hi = mid;
    }
    int status = 0;
    for (; !status && lo < f->n && f->record[lo].image == image; lo++) {
        struct mask m = {0};
        status = read_mask(f, &f->record[lo], p ? p->h : 0, p ? p->w : 0, &m);
        if (!status) status = region_list_add(to, place++, &m);
        mask_free(&m);
    }
    return status;
}
