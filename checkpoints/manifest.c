#include "checkpoints/manifest.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "checkpoints/safetensors_header.h"

static const struct {
    const char *format, *what, *remedy;
} kinds[] = {
    [MANIFEST_CHECKPOINT] = {"ovseg-checkpoint", "checkpoint", ""},
    [MANIFEST_PACKAGE] = {"ovseg-package", "model package", "; copy it again, or export it again"},
};
enum { MANIFEST_MAX = 64 << 20 }; /* bytes; 100k tensors with the longest names take 30 MiB */

/* The last line is the hash of all bytes before it and has a fixed length, so that every byte of
 * the file is either hashed or compared. */
static const char seal_before[] = "\"self\":\"", seal_after[] = "\"}\n";
enum { SEAL = sizeof seal_before - 1 + 16 + sizeof seal_after - 1 };

struct manifest_file *manifest_add(struct manifest *m, const char *name, uint64_t size,
                                   uint64_t hash) {
    m->file = mem_grow(m->file, &m->cap, m->n + 1, sizeof *m->file);
    m->file[m->n] = (struct manifest_file){.name = mem_strdup(name), .size = size, .hash = hash};
    return &m->file[m->n++];
}

const struct manifest_file *manifest_find(const struct manifest *m, const char *name) {
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->file[i].name, name) == 0) return &m->file[i];
    return NULL;
}

void manifest_free(struct manifest *m) {
    for (size_t i = 0; i < m->n; i++) {
        free(m->file[i].name);
        strings_free(&m->file[i].tensor);
        free(m->file[i].tensor_hash);
    }
    free(m->file);
    free(m->config);
    *m = (struct manifest){0};
}

static void format_file(const struct manifest_file *f, struct str *out) {
    char hex[17];
    hash_hex(f->hash, hex);
    str_add(out, " {\"name\":");
    st_json_string(out, f->name);
    str_add(out, ",\"size\":%" PRIu64 ",\"hash\":\"%s\",\"tensors\":[", f->size, hex);
    for (size_t i = 0; i < f->tensor.n; i++) {
        hash_hex(f->tensor_hash[i], hex);
        str_add(out, "%s\n  {\"name\":", i ? "," : "");
        st_json_string(out, f->tensor.at[i]);
        str_add(out, ",\"hash\":\"%s\"}", hex);
    }
    str_add(out, "]}");
}

void manifest_format(const struct manifest *m, struct str *out) {
    str_add(out, "{\"format\":\"%s\",\"version\":%d,\"tool\":\"" OVSEG_VERSION "\",\n",
            kinds[m->kind].format, MANIFEST_VERSION);
    if (m->kind == MANIFEST_CHECKPOINT)
        str_add(out, "\"step\":%" PRId64 ",\"best\":%s,", m->step, m->best ? "true" : "false");
    str_add(out, "\"config\":");
    st_json_string(out, m->config ? m->config : "");
    str_add(out, ",\n\"files\":[");
    for (size_t i = 0; i < m->n; i++) {
        str_add(out, i ? ",\n" : "\n");
        format_file(&m->file[i], out);
    }
    str_add(out, "],\n");
    char hex[17];
    hash_hex(hash_bytes(out->at, out->n), hex);
    str_add(out, "%s%s%s", seal_before, hex, seal_after);
}

/* Reading. The seal is checked before the contents; what follows guards against what a correct
 * program would not have written, because the hash is no defence against somebody who computes it
 * anew. */

static int damaged(const char *path, const char *what) {
    return error_set(ERR_DATA, "%s: damaged: %s", path, what);
}

static int check_seal(const char *path, const char *text, size_t n) {
    if (n < SEAL) return damaged(path, "cut short");
    const char *seal = text + n - SEAL, *hex = seal + sizeof seal_before - 1;
    if (memcmp(seal, seal_before, sizeof seal_before - 1) != 0 ||
        memcmp(hex + 16, seal_after, sizeof seal_after - 1) != 0)
        return damaged(path, "its last line is not a hash (cut short?)");
    char found[17];
    hash_hex(hash_bytes(text, n - SEAL), found);
    return memcmp(found, hex, 16) == 0 ? 0 : damaged(path, "its own hash does not fit");
}

static int check_version(const char *path, uint64_t version) {
    if (version <= MANIFEST_VERSION) return 0;
    return error_set(ERR_CONFIG,
                     "%s: format %" PRIu64 ", written by a newer ovseg; this one, " OVSEG_VERSION
                     ", reads up to %d: use that one",
                     path, version, MANIFEST_VERSION);
}

/* A package of a newer version may be sealed in another way: the version at its head is asked
 * first. Of a checkpoint a bit that flipped there must be damage, since the one before it is then
 * used. */
static int check_head(enum manifest_kind kind, const char *path, const char *text, size_t n) {
    char *head = mem_format("{\"format\":\"%s\",\"version\":", kinds[kind].format);
    size_t at = strlen(head);
    uint64_t version = 0;
    bool is = kind == MANIFEST_PACKAGE && n > at && memcmp(text, head, at) == 0;
    free(head);
    for (; is && at < n && text[at] >= '0' && text[at] <= '9' && version < UINT32_MAX; at++)
        version = 10 * version + (uint64_t)(text[at] - '0');
    return check_version(path, version);
}

static bool read_text(const cJSON *object, const char *key, const char **out) {
    *out = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return *out != NULL;
}

static bool read_count(const cJSON *object, const char *key, uint64_t *out) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item)) return false;
    double v = item->valuedouble;
    if (!(v >= 0 && v <= 9007199254740992.0) || v != floor(v)) return false;
    *out = (uint64_t)v;
    return true;
}

static bool read_hash(const cJSON *object, uint64_t *out) {
    const char *hex;
    return read_text(object, "hash", &hex) && hash_parse(hex, out) == 0;
}

static bool read_file(struct manifest *m, const cJSON *object) {
    const char *name;
    uint64_t size, hash;
    if (!read_text(object, "name", &name) || !read_count(object, "size", &size) ||
        !read_hash(object, &hash) || !*name || *name == '.' || strchr(name, '/') ||
        manifest_find(m, name))
        return false;
    struct manifest_file *f = manifest_add(m, name, size, hash);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "tensors"), *item;
    if (!cJSON_IsArray(list)) return false;
    f->tensor_hash = mem_alloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *f->tensor_hash);
    cJSON_ArrayForEach(item, list) {
        if (!read_text(item, "name", &name) || !read_hash(item, &f->tensor_hash[f->tensor.n]))
            return false;
        strings_add(&f->tensor, name);
    }
    return true;
}

/* What a checkpoint has, and a package has not. */
static bool read_step(struct manifest *m, const cJSON *top) {
    uint64_t step = 0;
    const cJSON *best = cJSON_GetObjectItemCaseSensitive(top, "best");
    if (m->kind != MANIFEST_CHECKPOINT) return true;
    if (!read_count(top, "step", &step) || !cJSON_IsBool(best)) return false;
    m->step = (int64_t)step;
    m->best = cJSON_IsTrue(best);
    return true;
}

/* Of a whole folder of another kind nothing is damaged. */
static int wrong_kind(const struct manifest *m, const char *path, const char *format) {
    for (size_t k = 0; format && k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(format, kinds[k].format) == 0)
            return error_set(ERR_DATA, "%s: is of a %s, not of a %s%s", path, kinds[k].what,
                             kinds[m->kind].what,
                             k == MANIFEST_PACKAGE ? ": name clip.safetensors beside it" : "");
    return error_set(ERR_DATA, "%s: damaged: not the manifest of a %s", path, kinds[m->kind].what);
}

static int read_all(struct manifest *m, const char *path, const cJSON *top) {
    const char *format = NULL, *config;
    uint64_t version;
    if (!read_text(top, "format", &format) || strcmp(format, kinds[m->kind].format) != 0)
        return wrong_kind(m, path, format);
    if (!read_count(top, "version", &version)) return damaged(path, "a field is missing");
    if (check_version(path, version)) return error_status();
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(top, "files"), *item;
    if (!read_text(top, "config", &config) || !read_step(m, top) || !cJSON_IsArray(files))
        return damaged(path, "a field is missing");
    m->config = mem_strdup(config);
    cJSON_ArrayForEach(item, files) if (!read_file(m, item)) {
        error_clear(); /* of hash_parse, which does not know the path */
        return damaged(path, "the entry of a file is malformed");
    }
    return 0;
}

int manifest_parse(struct manifest *m, enum manifest_kind kind, const char *path, const char *text,
                   size_t n) {
    *m = (struct manifest){.kind = kind};
    int status = check_head(kind, path, text, n);
    if (!status) status = check_seal(path, text, n);
    if (status) return status;
    cJSON *top = cJSON_ParseWithLength(text, n);
    status = top ? read_all(m, path, top) : damaged(path, "not JSON");
    cJSON_Delete(top);
    if (status) manifest_free(m);
    return status;
}

int manifest_read(struct manifest *m, enum manifest_kind kind, const char *dir) {
    *m = (struct manifest){.kind = kind};
    char *path = path_join(dir, MANIFEST_NAME);
    struct bytes text = {0};
    int status = 0;
    if (file_size(path) < 0)
        status = error_set(ERR_DATA, "%s: is missing: %s is no complete %s%s", path, dir,
                           kinds[kind].what, kinds[kind].remedy);
    if (!status) status = file_read(path, MANIFEST_MAX, &text);
    if (!status) status = manifest_parse(m, kind, path, (const char *)text.at, text.n);
    bytes_free(&text);
    free(path);
    return status;
}

bool manifest_is(enum manifest_kind kind, const char *dir) {
    if (error_status()) return false; /* the caller's error is not ours to clear */
    char *path = path_join(dir, MANIFEST_NAME);
    char *start = mem_format("{\"format\":\"%s\",", kinds[kind].format);
    struct bytes head = {0};
    bool is = file_exists(path) && !file_read_head(path, strlen(start), &head) &&
              head.n == strlen(start) && memcmp(head.at, start, head.n) == 0;
    error_clear();
    bytes_free(&head);
    free(start);
    free(path);
    return is;
}
