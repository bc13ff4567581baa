#include "data/text_bank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/h5_write.h"

#define BANK_FORMAT "ovseg text bank"
enum { BANK_VERSION = 1 };

static int64_t *find_slot(const struct text_bank *b, const char *text) {
    size_t i = hash_string(text) & (b->n_slots - 1); /* a power of two */
    while (b->slot[i] && strcmp(b->text.at[b->slot[i] - 1], text) != 0)
        i = (i + 1) & (b->n_slots - 1);
    return &b->slot[i];
}

static void make_room(struct text_bank *b) {
    if (b->slot && (size_t)b->n * 2 < b->n_slots) return;
    b->n_slots = b->n_slots ? b->n_slots * 2 : 64;
    free(b->slot);
    b->slot = mem_alloc(b->n_slots, sizeof *b->slot);
    for (int64_t i = 0; i < b->n; i++) *find_slot(b, b->text.at[i]) = i + 1;
}

int64_t text_bank_find(const struct text_bank *b, const char *text) {
    return b->n ? *find_slot(b, text) - 1 : -1;
}

int64_t text_bank_add(struct text_bank *b, const char *text, const float *feature) {
    make_room(b);
    int64_t *slot = find_slot(b, text);
    if (*slot) return *slot - 1;
    size_t d = (size_t)b->d, n = (size_t)b->n;
    strings_add(&b->text, text);
    b->at = mem_grow(b->at, &b->cap, (n + 1) * d, sizeof *b->at);
    memcpy(b->at + n * d, feature, d * sizeof *feature);
    *slot = ++b->n;
    b->changed = true;
    return b->n - 1;
}

static int load(struct text_bank *b) {
    struct h5_in f;
    if (h5_open(&f, b->path, BANK_FORMAT, BANK_VERSION)) return error_status();
    char *key = NULL;
    struct strings text = {0};
    float *at = NULL;
    int status = h5_text(&f, "key", &key);
    if (!status && strcmp(key, b->key) != 0)
        status = error_set(ERR_DATA, "%s: holds features of another model: remove it", b->path);
    if (!status) status = h5_load_strings(&f, "text", H5_ANY, &text);
    if (!status) status = h5_load(&f, "feature", H5_TYPE_F32, text.n, (uint64_t)b->d, NULL, &at);
    for (size_t i = 0; !status && i < text.n; i++)
        if (text_bank_add(b, text.at[i], at + i * (size_t)b->d) != (int64_t)i)
            status = error_set(ERR_DATA, "%s: has \"%s\" twice", b->path, text.at[i]);
    b->changed = false;
    free(at);
    free(key);
    strings_free(&text);
    /* Features larger than a mebibyte are not covered by the check on opening. */
    if (!status) status = h5_verify(&f);
    h5_close(&f);
    return status;
}

char *text_bank_file(const char *dir, const char *key) {
    char hex[17], name[64];
    hash_hex(hash_string(key), hex);
    snprintf(name, sizeof name, "text-%s.h5", hex);
    return path_join(dir, name);
}

int text_bank_open(struct text_bank *b, const char *dir, const char *key, int64_t d) {
    REQUIRE(d > 0, "features of width %lld", (long long)d);
    *b = (struct text_bank){.path = text_bank_file(dir, key), .key = mem_strdup(key), .d = d};
    int status = file_exists(b->path) ? load(b) : 0;
    if (status) text_bank_close(b);
    return status;
}

void text_bank_close(struct text_bank *b) {
    free(b->path);
    free(b->key);
    free(b->at);
    free(b->slot);
    strings_free(&b->text);
    *b = (struct text_bank){0};
}

struct entry {
    const char *text;
    const float *feature;
};

static int compare_entries(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->text, ((const struct entry *)b)->text);
}

int text_bank_save(struct text_bank *b) {
    if (!b->changed) return 0;
    size_t n = (size_t)b->n, d = (size_t)b->d;
    float *at = mem_try(n * d, sizeof *at);
    if (!at) return error_status();
    struct entry *e = mem_alloc(n, sizeof *e);
    char **text = mem_alloc(n, sizeof *text);
    for (size_t i = 0; i < n; i++) e[i] = (struct entry){b->text.at[i], b->at + i * d};
    qsort(e, n, sizeof *e, compare_entries);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char *)e[i].text;
        memcpy(at + i * d, e[i].feature, d * sizeof *at);
    }
    char hex[17];
    hash_hex(hash_string(b->key), hex);
    struct h5_out f;
    int status = h5_create(&f, b->path, BANK_FORMAT, BANK_VERSION, hex);
    if (!status) {
        h5_put_text(&f, "key", b->key);
        h5_put_strings(&f, "text", text, n);
        h5_put(&f, "feature", H5_TYPE_F32, n, d, at);
        status = h5_commit(&f);
    }
    h5_drop(&f);
    if (!status) b->changed = false;
    free(text);
    free(e);
    free(at);
    return status;
}
