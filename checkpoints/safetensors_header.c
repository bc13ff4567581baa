#include "checkpoints/safetensors_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/error.h"

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [T_F32] = {"F32", 4}, [T_F64] = {"F64", 8}, [T_BF16] = {"BF16", 2}, [T_F16] = {"F16", 2},
    [T_I64] = {"I64", 8}, [T_I32] = {"I32", 4}, [T_U8] = {"U8", 1},     [T_BOOL] = {"BOOL", 1},
};

bool st_dtype_floats(enum t_dtype t) {
    return t == T_F32 || t == T_F64 || t == T_F16 || t == T_BF16;
}

bool st_shape_same(struct shape a, struct shape b) {
    bool same = a.n == b.n;
    for (int i = 0; same && i < a.n; i++) same = a.d[i] == b.d[i];
    return same;
}

size_t st_dtype_size(enum t_dtype dtype) { return types[dtype].size; }
const char *st_dtype_name(enum t_dtype dtype) { return types[dtype].name; }

void st_shape_text(struct shape s, char *out, size_t n) {
    size_t used = (size_t)snprintf(out, n, "[");
    for (int i = 0; i < s.n && used < n; i++)
        used += (size_t)snprintf(out + used, n - used, "%s%" PRId64, i ? ", " : "", s.d[i]);
    if (used < n) snprintf(out + used, n - used, "]");
}

void st_table_free(struct st_table *t) {
    for (size_t i = 0; i < t->n; i++) free(t->at[i].name);
    free(t->at);
    free(t->by_name);
    strings_free(&t->key);
    strings_free(&t->value);
    *t = (struct st_table){0};
}

struct place {
    const char *name;
    size_t index;
};

static int compare_names(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    return strcmp(x->name, y->name);
}

const char *st_table_index(struct st_table *t) {
    struct place *sorted = mem_alloc(t->n + 1, sizeof *sorted);
    for (size_t i = 0; i < t->n; i++) sorted[i] = (struct place){t->at[i].name, i};
    qsort(sorted, t->n, sizeof *sorted, compare_names);
    const char *twice = NULL;
    for (size_t i = 1; i < t->n && !twice; i++)
        if (strcmp(sorted[i - 1].name, sorted[i].name) == 0) twice = sorted[i].name;
    free(t->by_name);
    t->by_name = mem_alloc(t->n + 1, sizeof *t->by_name);
    for (size_t i = 0; i < t->n; i++) t->by_name[i] = sorted[i].index;
    free(sorted);
    return twice;
}

const struct st_tensor *st_table_find(const struct st_table *t, const char *name) {
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct st_tensor *x = &t->at[t->by_name[mid]];
        int order = strcmp(name, x->name);
        if (order == 0) return x;
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const char *st_table_meta(const struct st_table *t, const char *key) {
    for (size_t i = 0; i < t->value.n; i++)
        if (strcmp(t->key.at[i], key) == 0) return t->value.at[i];
    return NULL;
}

/* Reading. The parser calls back for each token; `where` says what may come. */

enum where { START, TOP, NAMED, META, TENSOR, SHAPE_LIST, OFFSETS, END };
enum { METADATA_MAX = 1000 }; /* looked up one by one */
enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4, HAS_ALL = 7 };

struct reader {
    struct st_table *t;
    const char *path;
    enum where where;
    bool metadata, had_metadata; /* the object under way is __metadata__; one has been */
    int has, field;              /* HAS_*: of the tensor under way; the value that must follow */
    int n_offsets;
    uint64_t end; /* second offset */
};

static struct st_tensor *current(const struct reader *r) { return &r->t->at[r->t->n - 1]; }

/* Stops the parser (0) with a message that names the tensor under way. */
static int refuse(const struct reader *r, const char *what) {
    if (r->where >= TENSOR && r->where <= OFFSETS)
        error_set(ERR_DATA, "%s: header: tensor %s: %s", r->path, current(r)->name, what);
    else
        error_set(ERR_DATA, "%s: header: %s", r->path, what);
    return 0;
}

static int on_null(void *ctx) { return refuse(ctx, "null is not allowed"); }
static int on_bool(void *ctx, int value) {
    (void)value;
    return refuse(ctx, "a truth value is not allowed");
}
static int on_double(void *ctx, double value) {
    (void)value;
    return refuse(ctx, "a fraction is not allowed");
}

static int on_integer(void *ctx, long long value) {
    struct reader *r = ctx;
    if (r->where != SHAPE_LIST && r->where != OFFSETS) return refuse(r, "a number is not allowed");
    if (value < 0) return refuse(r, "a size or an offset is negative");
    struct st_tensor *x = current(r);
    if (r->where == SHAPE_LIST) {
        if (x->shape.n == (int)(sizeof x->shape.d / sizeof *x->shape.d))
            return refuse(r, "more than 8 axes");
        x->shape.d[x->shape.n++] = value;
        return 1;
    }
    if (r->n_offsets == 2) return refuse(r, "more than two data_offsets");
    *(r->n_offsets++ ? &r->end : &x->at) = (uint64_t)value;
    return 1;
}

static int on_string(void *ctx, const unsigned char *text, size_t n) {
    struct reader *r = ctx;
    if (r->where == META && r->field) {
        if (memchr(text, 0, n)) return refuse(r, "a NUL in __metadata__");
        char *value = mem_format("%.*s", (int)n, (const char *)text);
        strings_add(&r->t->value, value);
        free(value);
        r->field = 0;
        return 1;
    }
    if (r->where != TENSOR || r->field != HAS_DTYPE) return refuse(r, "a string is not allowed");
    r->field = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i].name) == n && memcmp(types[i].name, text, n) == 0) {
            current(r)->dtype = (enum t_dtype)i;
            return 1;
        }
    return refuse(r, "an element type that is not read (F32 F64 F16 BF16 I64 I32 U8 BOOL are)");
}

static int on_start_map(void *ctx) {
    struct reader *r = ctx;
    if (r->where == START) {
        r->where = TOP;
        return 1;
    }
    if (r->where != NAMED) return refuse(r, "an object is not allowed");
    r->where = r->metadata ? META : TENSOR;
    r->has = r->field = r->n_offsets = 0;
    return 1;
}

static int start_entry(struct reader *r, const char *name, size_t n) {
    r->metadata = n == 12 && memcmp(name, "__metadata__", n) == 0;
    if (r->metadata) {
        if (r->had_metadata) return refuse(r, "two __metadata__");
        r->had_metadata = true;
        r->where = NAMED;
        return 1;
    }
    if (n == 0 || n > ST_NAME_MAX) return refuse(r, "a name is empty or longer than 255 bytes");
    for (size_t i = 0; i < n; i++)
        if (name[i] < 0x20 || name[i] > 0x7e) return refuse(r, "a name is not printable ASCII");
    if (r->t->n == ST_TENSORS_MAX) return refuse(r, "more than 100000 tensors");
    r->t->at = mem_grow(r->t->at, &r->t->cap, r->t->n + 1, sizeof *r->t->at);
    r->t->at[r->t->n++] = (struct st_tensor){.name = mem_format("%.*s", (int)n, name)};
    r->where = NAMED;
    return 1;
}

static int on_key(void *ctx, const unsigned char *text, size_t n) {
    struct reader *r = ctx;
    const char *key = (const char *)text;
    if (r->where == TOP) return start_entry(r, key, n);
    if (r->where == META) {
        if (memchr(key, 0, n)) return refuse(r, "a NUL in __metadata__");
        char *copy = mem_format("%.*s", (int)n, key);
        bool twice = st_table_meta(r->t, copy) != NULL;
        strings_add(&r->t->key, copy);
        free(copy);
        r->field = 1;
        if (r->t->key.n > METADATA_MAX) return refuse(r, "more than 1000 pairs in __metadata__");
        return twice ? refuse(r, "a key of __metadata__ appears twice") : 1;
    }
    static const char *const fields[] = {"dtype", "shape", "data_offsets"};
    for (int i = 0; i < 3; i++) {
        if (strlen(fields[i]) != n || memcmp(fields[i], key, n) != 0) continue;
        r->field = 1 << i;
        if (r->has & r->field) return refuse(r, "a field appears twice");
        r->has |= r->field;
        return 1;
    }
    return refuse(r, "a field other than dtype, shape and data_offsets");
}

/* The elements must fill the bytes exactly; no product may overflow. */
static int end_tensor(struct reader *r) {
    struct st_tensor *x = current(r);
    if (r->has != HAS_ALL || r->n_offsets != 2)
        return refuse(r, "dtype, shape and two data_offsets are needed");
    size_t bytes = st_dtype_size(x->dtype);
    for (int i = 0; i < x->shape.n; i++)
        if (!size_mul(bytes, (size_t)x->shape.d[i], &bytes)) return refuse(r, "its size overflows");
    if (r->end < x->at || r->end - x->at != bytes)
        return refuse(r, "its data_offsets do not fit its shape");
    x->bytes = bytes;
    r->where = TOP;
    return 1;
}

static int on_end_map(void *ctx) {
    struct reader *r = ctx;
    if (r->where == TENSOR) return end_tensor(r);
    r->where = r->where == META ? TOP : END;
    return 1;
}

static int on_start_array(void *ctx) {
    struct reader *r = ctx;
    if (r->where != TENSOR || (r->field != HAS_SHAPE && r->field != HAS_OFFSETS))
        return refuse(r, "a list is not allowed");
    r->where = r->field == HAS_SHAPE ? SHAPE_LIST : OFFSETS;
    r->field = 0;
    return 1;
}

static int on_end_array(void *ctx) {
    struct reader *r = ctx;
    r->where = TENSOR;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_integer = on_integer,
    .yajl_double = on_double,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end_map,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end_array,
};

static int compare_places(const void *a, const void *b) {
    const struct st_tensor *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name,
                  y->name); /* several empty ones at one place: any order, but a fixed one */
}

/* Sorts by place: each tensor starts where the one before it ends, the last ends with the file. */
static int check_places(struct st_table *t, const char *path, uint64_t data_bytes) {
    if (t->n) qsort(t->at, t->n, sizeof *t->at, compare_places);
    uint64_t end = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct st_tensor *x = &t->at[i];
        if (x->at != end)
            return error_set(ERR_DATA, "%s: tensor %s %s", path, x->name,
                             x->at < end ? "overlaps another" : "follows a hole");
        if (x->bytes > data_bytes - end)
            return error_set(ERR_DATA, "%s: tensor %s ends behind the end of the file (cut short?)",
                             path, x->name);
        end += x->bytes;
    }
    if (end != data_bytes)
        return error_set(ERR_DATA, "%s: %" PRIu64 " bytes at the end belong to no tensor", path,
                         data_bytes - end);
    const char *twice = st_table_index(t);
    return twice ? error_set(ERR_DATA, "%s: two tensors are named %s", path, twice) : 0;
}

int st_table_parse(struct st_table *t, const char *path, const char *json, size_t n,
                   uint64_t data_bytes) {
    *t = (struct st_table){0};
    if (n == 0 || n > ST_HEADER_MAX || json[0] != '{')
        return error_set(ERR_DATA, "%s: not a safetensors file: its header does not start with {",
                         path);
    struct reader r = {.t = t, .path = path};
    yajl_handle parser = yajl_alloc(&callbacks, NULL, &r);
    REQUIRE(parser, "out of memory");
    yajl_status status = yajl_parse(parser, (const unsigned char *)json, n);
    if (status == yajl_status_ok) status = yajl_complete_parse(parser);
    if (status == yajl_status_error) {
        unsigned char *why = yajl_get_error(parser, 0, NULL, 0);
        error_set(ERR_DATA, "%s: header: %.*s", path, (int)strcspn((char *)why, "\n"), (char *)why);
        yajl_free_error(parser, why);
    } else if (status == yajl_status_ok) {
        check_places(t, path, data_bytes);
    }
    yajl_free(parser);
    if (error_status()) st_table_free(t);
    return error_status();
}

/* Writing. */

void st_table_add(struct st_table *t, const char *name, enum t_dtype dtype, struct shape shape) {
    size_t bytes = st_dtype_size(dtype);
    for (int i = 0; i < shape.n; i++)
        REQUIRE(size_mul(bytes, (size_t)shape.d[i], &bytes), "%s: its size overflows", name);
    REQUIRE(*name && strlen(name) <= ST_NAME_MAX, "a tensor's name has 1 to 255 bytes: %s", name);
    for (const char *c = name; *c; c++)
        REQUIRE(*c >= 0x20 && *c <= 0x7e, "not printable: %s", name);
    uint64_t at = t->n ? t->at[t->n - 1].at + t->at[t->n - 1].bytes : 0;
    t->at = mem_grow(t->at, &t->cap, t->n + 1, sizeof *t->at);
    t->at[t->n++] = (struct st_tensor){mem_strdup(name), dtype, shape, at, bytes};
}

void st_json_string(struct str *out, const char *text) {
    str_put(out, "\"", 1);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            str_add(out, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            str_add(out, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            str_put(out, c, 1);
    }
    str_put(out, "\"", 1);
}

static void put_u64(struct str *out, uint64_t v) {
    for (int i = 0; i < 8; i++) {
        unsigned char byte = (unsigned char)(v >> (8 * i));
        str_put(out, &byte, 1);
    }
}

void st_table_format(struct st_table *t, struct str *out) {
    const char *twice = st_table_index(t);
    REQUIRE(!twice, "two tensors are named %s", twice);
    struct str json = {0};
    str_add(&json, "{");
    for (size_t i = 0; i < t->key.n; i++) {
        str_add(&json, i ? "," : "\"__metadata__\":{");
        st_json_string(&json, t->key.at[i]);
        str_add(&json, ":");
        st_json_string(&json, t->value.at[i]);
    }
    if (t->key.n) str_add(&json, "}");
    for (size_t i = 0; i < t->n; i++) {
        const struct st_tensor *x = &t->at[i];
        if (i || t->key.n) str_add(&json, ",");
        st_json_string(&json, x->name);
        str_add(&json, ":{\"dtype\":\"%s\",\"shape\":[", st_dtype_name(x->dtype));
        for (int d = 0; d < x->shape.n; d++)
            str_add(&json, "%s%" PRId64, d ? "," : "", x->shape.d[d]);
        str_add(&json, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", x->at, x->at + x->bytes);
    }
    str_add(&json, "}");
    while (json.n % 8) str_put(&json, " ", 1);
    REQUIRE(json.n <= ST_HEADER_MAX && t->n <= ST_TENSORS_MAX, "%zu tensors are too many", t->n);
    put_u64(out, json.n);
    str_put(out, json.at, json.n);
    str_free(&json);
}
