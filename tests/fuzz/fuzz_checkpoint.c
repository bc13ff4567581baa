/* A checkpoint's manifest, and the header of a safetensors file. */
#include <string.h>

#include "base/hash.h"
#include "checkpoints/manifest.h"
#include "checkpoints/safetensors_header.h"
#include "tests/fuzz/fuzz.h"

/* ---- manifest ---- */

static void seeds_of(struct corpus *c, enum manifest_kind kind) {
    struct manifest m = {.kind = kind, .step = 60, .best = true, .config = mem_strdup("c0ffee")};
    struct manifest_file *f = manifest_add(&m, "model.safetensors", 1234, 0x123456789abcdef0);
    f->tensor_hash = mem_alloc(2, sizeof *f->tensor_hash);
    strings_add(&f->tensor, "visual.proj");
    strings_add(&f->tensor, "logit_scale");
    f->tensor_hash[0] = 1;
    manifest_add(&m, "state.json", 5, 6)->tensor_hash = NULL;
    struct str text = {0};
    manifest_format(&m, &text);
    corpus_add(c, text.at, text.n);
    str_free(&text);
    manifest_free(&m);
}

static void manifest_seeds(struct corpus *c) { seeds_of(c, MANIFEST_CHECKPOINT); }
static void package_seeds(struct corpus *c) { seeds_of(c, MANIFEST_PACKAGE); }

static void manifest_seal(uint8_t *data, size_t n) {
    char line[] = "\"self\":\"0123456789abcdef\"}\n", hex[17];
    size_t length = sizeof line - 1;
    if (n < length) return;
    hash_hex(hash_bytes(data, n - length), hex);
    memcpy(line + 8, hex, 16);
    memcpy(data + n - length, line, length);
}

static int run_kind(const uint8_t *data, size_t n, enum manifest_kind kind) {
    struct manifest m;
    int status = manifest_parse(&m, kind, "fuzz", (const char *)data, n);
    if (status) return status;
    for (size_t i = 0; i < m.n; i++) {
        REQUIRE(manifest_find(&m, m.file[i].name) == &m.file[i], "two of one name");
        REQUIRE(!strchr(m.file[i].name, '/'), "a name that leaves the folder");
    }
    struct str first = {0}, second = {0};
    struct manifest again;
    manifest_format(&m, &first);
    REQUIRE(!manifest_parse(&again, kind, "again", first.at, first.n), "%s", error_message());
    manifest_format(&again, &second);
    REQUIRE(strcmp(first.at, second.at) == 0, "reads differently");
    str_free(&first);
    str_free(&second);
    manifest_free(&again);
    manifest_free(&m);
    return 0;
}

static int run_manifest(const uint8_t *data, size_t n) {
    return run_kind(data, n, MANIFEST_CHECKPOINT);
}
static int run_package(const uint8_t *data, size_t n) {
    return run_kind(data, n, MANIFEST_PACKAGE);
}

FUZZ(manifest, .seeds = manifest_seeds, .run = run_manifest, .seal = manifest_seal,
     .codes = {ERR_DATA, ERR_CONFIG});
FUZZ(package, .seeds = package_seeds, .run = run_package, .seal = manifest_seal,
     .codes = {ERR_DATA, ERR_CONFIG});

/* ---- safetensors: two bytes, the size of the data; then the JSON ---- */

static void safetensors_seeds(struct corpus *c) {
    struct st_table t = {0};
    st_table_add(&t, "a.weight", T_F32, SHAPE(2, 3));
    st_table_add(&t, "b", T_I64, SHAPE(4));
    st_table_add(&t, "scalar", T_F32, (struct shape){0});
    strings_add(&t.key, "format");
    strings_add(&t.value, "pt");
    struct str text = {0};
    st_table_format(&t, &text);
    text.at[6] = 24 + 32 + 4; /* over the length of the JSON: 8 bytes, of which two are kept */
    text.at[7] = 0;
    corpus_add(c, text.at + 6, text.n - 6);
    str_free(&text);
    st_table_free(&t);
    corpus_add_text(c, "\1\1{\"x\":{\"dtype\":\"U8\",\"shape\":[257],\"data_offsets\":[0,257]}}");
}

/* It covers the data without hole or overlap, and every name finds its own tensor. */
static void check_sound(const struct st_table *t, uint64_t data_bytes) {
    uint64_t end = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct st_tensor *x = &t->at[i];
        REQUIRE(x->at == end, "a hole or an overlap at %s", x->name);
        REQUIRE(st_table_find(t, x->name) == x, "%s is not found", x->name);
        end += x->bytes;
    }
    REQUIRE(end == data_bytes, "the data is not covered");
    REQUIRE(t->key.n == t->value.n, "a key without a value");
}

static int run_safetensors(const uint8_t *data, size_t n) {
    uint64_t data_bytes = n < 2 ? 0 : data[0] | (uint64_t)data[1] << 8;
    struct st_table t, u;
    size_t skip = n < 2 ? n : 2;
    int status = st_table_parse(&t, "fuzz", (const char *)data + skip, n - skip, data_bytes);
    if (status) return status;
    check_sound(&t, data_bytes);
    struct str again = {0};
    st_table_format(&t, &again);
    REQUIRE(!st_table_parse(&u, "again", again.at + 8, again.n - 8, data_bytes), "%s",
            error_message());
    REQUIRE(u.n == t.n && u.key.n == t.key.n, "reads differently");
    st_table_free(&u);
    st_table_free(&t);
    str_free(&again);
    return 0;
}

FUZZ(safetensors, .seeds = safetensors_seeds, .run = run_safetensors, .codes = {ERR_DATA});
