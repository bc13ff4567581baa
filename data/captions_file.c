#include "data/captions_file.h"

#include <cjson/cJSON.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text_file.h"
#include "base/utf8.h"
#include "data/captions_internal.h"
#include "data/coco.h"
#include "data/coco_internal.h"

enum { HEAD_BYTES = 64 << 10 };

void captions_add(struct captions *c, const char *file, const char *text, int64_t id, size_t line) {
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    const char *said = c->source.n ? c->source.at[c->source.n - 1] : c->path;
    bool texts = c->form == CAPTIONS_TEXTS;
    c->at[c->n++] =
        (struct caption_entry){.file = mem_strdup(file),
                               .name = texts ? image_name_bare(file) : image_name_said(file),
                               .text = mem_strdup(text),
                               .id = id,
                               .line = line,
                               .said = said};
}

static int by_name_and_text(const void *a, const void *b) {
    const struct caption_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (!order) order = strcmp(x->text, y->text);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static int by_name_and_id(const void *a, const void *b) {
    const struct caption_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static void entry_free(struct caption_entry *e) {
    free(e->file);
    free(e->name);
    free(e->text);
}

/* The same text of the same picture counts once: each further one would be the same pairs again.
 * But for COCO's, whose ids others may refer to. */
static void drop_doubled(struct captions *c) {
    size_t n = 0;
    if (!c->n || c->form == CAPTIONS_COCO) return;
    qsort(c->at, c->n, sizeof *c->at, by_name_and_text);
    for (size_t i = 0; i < c->n; i++) {
        struct caption_entry *e = &c->at[i], *before = n ? &c->at[n - 1] : NULL;
        if (before && strcmp(before->name, e->name) == 0 && strcmp(before->text, e->text) == 0)
            entry_free(e);
        else
            c->at[n++] = *e;
    }
    c->doubled = c->n - n;
    c->n = n;
}

/* ---- COCO's JSON ---- */

static int by_id(const void *a, const void *b) {
    const struct coco_image *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* The same id of two files would give captions to either of them. */
static int check_ids(const struct captions *c, const struct coco_table *t) {
    for (size_t i = 1; i < t->n_images; i++) {
        const struct coco_image *a = &t->image[i - 1], *b = &t->image[i];
        if (a->id == b->id && strcmp(a->file, b->file) != 0)
            return error_set(ERR_DATA, "%s: image %lld is \"%s\" and \"%s\": give each its own id",
                             c->path, (long long)a->id, a->file, b->file);
    }
    return 0;
}

struct named_image {
    char *name;
    const struct coco_image *image;
};

static int by_name(const void *a, const void *b) {
    const struct named_image *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : by_id(x->image, y->image);
}

/* Images that will be taken for one picture, since a name without folders and suffix is what
 * counts. */
static void find_twice(struct captions *c, const struct coco_table *t) {
    struct named_image *all = mem_alloc(t->n_images + 1, sizeof *all);
    for (size_t i = 0; i < t->n_images; i++)
        all[i] = (struct named_image){image_name_said(t->image[i].file), &t->image[i]};
    if (t->n_images) qsort(all, t->n_images, sizeof *all, by_name);
    for (size_t i = 1; i < t->n_images; i++) {
        const struct coco_image *a = all[i - 1].image, *b = all[i].image;
        if (strcmp(all[i - 1].name, all[i].name) != 0 || a->id == b->id) continue;
        char *text = coco_twice(a->id, a->file, b->id, b->file);
        strings_add(strcmp(a->file, b->file) == 0 ? &c->twice : &c->mixed, text);
        free(text);
    }
    for (size_t i = 0; i < t->n_images; i++) free(all[i].name);
    free(all);
}

static int read_coco(struct captions *c, struct hasher *hash) {
    struct coco_table t = {0};
    int status = coco_read(c->path, &t, hash);
    if (!status && !t.n_captions)
        status = error_set(ERR_DATA, "%s: has no captions: write some, or leave it out", c->path);
    if (t.n_images) qsort(t.image, t.n_images, sizeof *t.image, by_id);
    if (!status) status = check_ids(c, &t);
    if (!status) find_twice(c, &t);
    for (size_t i = 0; !status && i < t.n_captions; i++) {
        struct coco_image key = {.id = t.caption[i].image};
        const struct coco_image *im =
            t.n_images ? bsearch(&key, t.image, t.n_images, sizeof key, by_id) : NULL;
        if (im)
            captions_add(c, im->file, t.caption[i].text, t.caption[i].id, 0);
        else
            status =
                error_set(ERR_DATA,
                          "%s: caption %lld is of image %lld, which is not listed: list it, or "
                          "take the caption out",
                          c->path, (long long)t.caption[i].id, (long long)key.id);
    }
    coco_table_free(&t);
    return status;
}

/* ---- which form ---- */

static bool ends_in(const char *path, const char *suffix) {
    size_t n = strlen(path), k = strlen(suffix);
    return n > k && strcasecmp(path + n - k, suffix) == 0;
}

/* One whole object in a line is JSON Lines, unless it is all of COCO's. */
static enum captions_form form_of_text(const char *text, size_t n) {
    while (n && strchr(" \t\r\n\xEF\xBB\xBF", *text) && *text) text++, n--;
    size_t line = 0;
    while (line < n && text[line] != '\n') line++;
    if (*text != '{') return CAPTIONS_TABLE;
    char *first = mem_format("%.*s", (int)line, text);
    cJSON *o = line < n || n < HEAD_BYTES ? cJSON_ParseWithOpts(first, NULL, true) : NULL;
    bool lines = cJSON_IsObject(o) && !cJSON_GetObjectItemCaseSensitive(o, "images");
    cJSON_Delete(o);
    free(first);
    return lines ? CAPTIONS_LINES : CAPTIONS_COCO;
}

/* A list of objects: of these keys, or of those that other programs write. */
static int is_list(const char *path, const char *text, const char *as) {
    const char *end;
    cJSON *first = cJSON_ParseWithOpts(text + 1, &end, false);
    bool numbered = cJSON_HasObjectItem(first, "image_id"),
         talks = cJSON_HasObjectItem(first, "conversations");
    cJSON_Delete(first);
    if (numbered)
        return error_set(ERR_DATA,
                         "%s: is a list of COCO's results, where pictures have numbers: put it "
                         "together with the JSON that lists these as \"images\": jq -s '{images: "
                         ".[0].images, annotations: [.[1] | to_entries[] | .value + {id: .key}]}' "
                         "IMAGES.json %s >NEW.json",
                         path, path);
    return error_set(ERR_DATA,
                     "%s: is a list in JSON; write its objects a line each: jq -c '.[]%s' %s >%s",
                     path,
                     talks ? " | {image, captions: [.conversations[] | select(.from == \"gpt\") | "
                             ".value]}"
                           : "",
                     path, as);
}

/* {"a.jpg": ...}: its first key is the name of a picture. */
static bool is_map(const char *text) {
    text++;
    text += strspn(text, " \t\r\n");
    const char *stop = *text == '"' ? strchr(text + 1, '"') : NULL;
    char *key = stop ? mem_format("%.*s", (int)(stop - text - 1), text + 1) : NULL;
    bool is = key && image_name_is(key);
    free(key);
    return is;
}

int captions_check_json(const char *path, const char *text, bool lines) {
    const char *as = lines ? "NEW.jsonl" : "captions.jsonl"; /* never onto itself */
    text += strspn(text, " \t\r\n\xEF\xBB\xBF");
    if (*text == '[') return is_list(path, text, as);
    if (*text == '{' && is_map(text))
        return error_set(ERR_DATA,
                         "%s: is a map in JSON, from pictures to captions; write them a line each: "
                         "jq -c 'to_entries[] | {image: .key, captions: ([.value] | flatten)}' %s "
                         ">%s",
                         path, path, as);
    if (lines && *text == '{' && text[1 + strspn(text + 1, " \t\r")] == '\n')
        return error_set(ERR_DATA,
                         "%s: has objects of several lines; write them a line each: jq -c . %s >%s",
                         path, path, as);
    return 0;
}

int captions_form_of(const char *path, enum captions_form *form) {
    static const struct {
        const char *suffix;
        enum captions_form form;
    } known[] = {{".jsonl", CAPTIONS_LINES},
                 {".ndjson", CAPTIONS_LINES},
                 {".tsv", CAPTIONS_TABLE},
                 {".csv", CAPTIONS_TABLE}};
    *form = CAPTIONS_TEXTS;
    if (dir_exists(path)) return 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (ends_in(path, known[i].suffix)) {
            *form = known[i].form;
            return 0;
        }
    struct bytes head = {0};
    int status = file_read_head(path, HEAD_BYTES, &head);
    if (status) return status;
    const char *text = (const char *)head.at;
    status = captions_check_json(path, text, false);
    *form = form_of_text(text, head.n);
    bytes_free(&head);
    return status;
}

bool captions_with_commas(const char *path) { return ends_in(path, ".csv"); }

const char *captions_form_name(enum captions_form form) {
    static const char *const names[] = {"COCO JSON", "JSON Lines", "a table", "texts (.txt)"};
    return names[form];
}

/* ---- the whole ---- */

int captions_read(struct captions *c, const char *path, const struct strings *only,
                  struct hasher *hash) {
    *c = (struct captions){.path = mem_strdup(path)};
    int status = captions_form_of(path, &c->form);
    if (!status) {
        switch (c->form) {
        case CAPTIONS_COCO: status = read_coco(c, hash); break;
        case CAPTIONS_LINES: status = captions_read_lines(c, hash); break;
        case CAPTIONS_TABLE: status = captions_read_table(c, hash); break;
        case CAPTIONS_TEXTS: status = captions_read_texts(c, only, hash); break;
        }
    }
    if (!status && !c->n && !c->damaged.n)
        status = error_set(ERR_DATA, "%s: has no captions: write some, or leave it out", path);
    drop_doubled(c);
    if (c->n) qsort(c->at, c->n, sizeof *c->at, by_name_and_id);
    if (status) captions_free(c);
    return status;
}

void captions_free(struct captions *c) {
    for (size_t i = 0; i < c->n; i++) entry_free(&c->at[i]);
    free(c->at);
    free(c->path);
    strings_free(&c->source);
    strings_free(&c->damaged);
    strings_free(&c->twice);
    strings_free(&c->mixed);
    *c = (struct captions){0};
}

static void attach(struct dataset *d, struct captions *e) {
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
    if (others)
        log_info("%s: %zu caption%s of other pictures", e->path, others,
                 others == 1 ? " is" : "s are");
    if (without)
        log_warn("%s: %zu of %lld pictures %s no caption", e->path, without, (long long)d->n_images,
                 without == 1 ? "has" : "have");
}

int captions_attach(struct dataset *d, const char *path, const struct strings *only,
                    struct hasher *hash) {
    struct captions e;
    int status = captions_read(&e, path, only, hash);
    if (status) return status;
    for (size_t i = 0; i < e.damaged.n; i++) log_warn("left out: %s", e.damaged.at[i]);
    if (e.mixed.n)
        log_warn(
            "%s: %zu pair%s of files with one name, suffix and folder do not count, and captions "
            "of both are one picture's: %s",
            path, e.mixed.n, e.mixed.n == 1 ? "" : "s", e.mixed.at[0]);
    attach(d, &e);
    if (!d->n_captions)
        status = error_set(ERR_DATA, "%s: none of its captions is of one of the pictures", path);
    captions_free(&e);
    return status;
}
