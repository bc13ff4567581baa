#include "data/captions_file.h"

#include <cjson/cJSON.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/utf8.h"
#include "data/coco_internal.h"

enum { LINES_BYTES_MAX = 1 << 30, LINE_MAX_BYTES = 64 << 10 };

struct entry {
    char *name, *text; /* name: without folders and suffix */
    int64_t id;
};

struct entries {
    struct entry *at;
    size_t n, cap;
};

static void add(struct entries *e, const char *file, const char *text, int64_t id) {
    e->at = mem_grow(e->at, &e->cap, e->n + 1, sizeof *e->at);
    e->at[e->n++] = (struct entry){path_stem(file), mem_strdup(text), id};
}

static int by_name_and_id(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

/* ---- COCO's JSON ---- */

static int by_id(const void *a, const void *b) {
    const struct coco_image *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int read_coco(struct entries *e, const char *path, struct hasher *hash) {
    struct coco_table t = {0};
    int status = coco_read(path, &t, hash);
    if (!status && !t.n_captions) status = error_set(ERR_DATA, "%s: has no captions", path);
    if (t.n_images) qsort(t.image, t.n_images, sizeof *t.image, by_id);
    for (size_t i = 0; !status && i < t.n_captions; i++) {
        struct coco_image key = {.id = t.caption[i].image};
        const struct coco_image *im =
            t.n_images ? bsearch(&key, t.image, t.n_images, sizeof key, by_id) : NULL;
        if (im)
            add(e, im->file, t.caption[i].text, t.caption[i].id);
        else
            status = error_set(ERR_DATA, "%s: caption %lld is of image %lld, which is not listed",
                               path, (long long)t.caption[i].id, (long long)key.id);
    }
    coco_table_free(&t);
    return status;
}

/* ---- lines ---- */

static bool is_text(const cJSON *x) {
    return cJSON_IsString(x) && utf8_valid(x->valuestring, strlen(x->valuestring));
}

/* What is wrong with a line's object, or NULL. */
static const char *take_object(struct entries *e, const cJSON *o) {
    const cJSON *image = cJSON_GetObjectItemCaseSensitive(o, "image");
    const cJSON *one = cJSON_GetObjectItemCaseSensitive(o, "caption");
    const cJSON *many = cJSON_GetObjectItemCaseSensitive(o, "captions");
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(o, "ids");
    if (!is_text(image)) return "needs \"image\", the name of a file";
    if (!one == !many) return "needs either \"caption\" or \"captions\"";
    if (one && !is_text(one)) return "\"caption\" is a text";
    if (many && !cJSON_IsArray(many)) return "\"captions\" is a list of texts";
    if (ids && (!many || cJSON_GetArraySize(ids) != cJSON_GetArraySize(many)))
        return "\"ids\" is a list as long as \"captions\"";
    if (one) add(e, image->valuestring, one->valuestring, (int64_t)e->n);
    const cJSON *id = ids ? ids->child : NULL, *text;
    cJSON_ArrayForEach(text, many) {
        if (!is_text(text)) return "\"captions\" is a list of texts";
        double number = id && cJSON_IsNumber(id) ? id->valuedouble : (double)e->n;
        if ((id && !cJSON_IsNumber(id)) || !(number >= 0 && number <= 9e15) ||
            number != (double)(int64_t)number)
            return "\"ids\" are whole numbers";
        add(e, image->valuestring, text->valuestring, (int64_t)number);
        if (id) id = id->next;
    }
    return NULL;
}

static int read_lines(struct entries *e, const char *path, struct hasher *hash) {
    struct bytes file;
    int status = file_read(path, LINES_BYTES_MAX, &file);
    if (status) return status;
    hasher_add(hash, file.at, file.n);
    char *at = (char *)file.at, *end = at + file.n; /* with a NUL behind it */
    for (size_t number = 1; !status && at < end; number++) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        at[n] = '\0';
        bool empty = strspn(at, " \t\r") >= n, nul = memchr(at, '\0', n);
        cJSON *o = empty || n > LINE_MAX_BYTES ? NULL : cJSON_ParseWithOpts(at, NULL, true);
        const char *wrong = empty                       ? NULL
                            : n > LINE_MAX_BYTES        ? "is longer than 64 KiB"
                            : nul || !cJSON_IsObject(o) ? "is not one JSON object"
                                                        : take_object(e, o);
        if (wrong) status = error_set(ERR_DATA, "%s: line %zu: %s", path, number, wrong);
        cJSON_Delete(o);
        at += n + 1;
    }
    bytes_free(&file);
    if (!status && !e->n) status = error_set(ERR_DATA, "%s: has no captions", path);
    return status;
}

/* ---- both ---- */

static void attach(struct dataset *d, struct entries *e, const char *path) {
    if (e->n) qsort(e->at, e->n, sizeof *e->at, by_name_and_id);
    d->caption = mem_alloc(e->n + 1, sizeof *d->caption);
    d->caption_id = mem_alloc(e->n + 1, sizeof *d->caption_id);
    d->caption_at = mem_alloc((size_t)d->n_images + 1, sizeof *d->caption_at);
    size_t k = 0, others = 0, without = 0;
    for (int64_t i = 0; i < d->n_images; i++) {
        for (; k < e->n && strcmp(e->at[k].name, d->image_name[i]) < 0; k++) others++;
        int64_t before = d->n_captions;
        for (; k < e->n && strcmp(e->at[k].name, d->image_name[i]) == 0; k++) {
            d->caption[d->n_captions] = e->at[k].text;
            d->caption_id[d->n_captions++] = e->at[k].id;
            e->at[k].text = NULL;
        }
        without += d->n_captions == before;
        d->caption_at[i + 1] = d->n_captions;
    }
    others += e->n - k;
    if (others) log_info("%s: %zu captions are of other pictures", path, others);
    if (without)
        log_warn("%s: %zu of %lld pictures have no caption", path, without, (long long)d->n_images);
}

int captions_attach(struct dataset *d, const char *path, struct hasher *hash) {
    struct entries e = {0};
    size_t n = strlen(path);
    bool lines = n > 6 && strcmp(path + n - 6, ".jsonl") == 0;
    int status = lines ? read_lines(&e, path, hash) : read_coco(&e, path, hash);
    if (!status) attach(d, &e, path);
    if (!status && !d->n_captions)
        status = error_set(ERR_DATA, "%s: none of its captions is of one of the pictures", path);
    for (size_t i = 0; i < e.n; i++) {
        free(e.at[i].name);
        free(e.at[i].text);
    }
    free(e.at);
    return status;
}
