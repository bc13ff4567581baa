#include "checkpoints/safetensors.h"

#include "base/file.h"
#include "checkpoints/weights.h"
#include "tests/torch.h"

/* Without fsync, for loops over thousands of variants. */
static void write_quickly(const char *path, const void *data, size_t n) {
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n && fclose(f) == 0);
}

/* A file of this header and `data` zero bytes behind it. */
static char *write_header(const char *name, const char *json, size_t n, size_t data) {
    char *path = test_path(name);
    struct str all = {0};
    for (int i = 0; i < 8; i++) {
        unsigned char byte = (unsigned char)((uint64_t)n >> (8 * i));
        str_put(&all, &byte, 1);
    }
    char *zeros = mem_alloc(data + 1, 1);
    str_put(&all, json, n);
    str_put(&all, zeros, data);
    write_quickly(path, all.at, all.n);
    str_free(&all);
    free(zeros);
    return path;
}

static void write_small(const char *path) {
    struct safetensors_out w;
    float f[6] = {1, -2, 3.5f, 0, INFINITY, 1e-40f};
    int64_t i[2] = {1, -1};
    unsigned char b[3] = {0, 1, 1};
    CHECK_OK(safetensors_out_open(&w, path));
    safetensors_out_meta(&w, "format", "pt");
    safetensors_out_meta(&w, "note", "a \"quoted\" \\ line\nand \xc3\xa9");
    safetensors_out_name(&w, "b.flags", T_BOOL, SHAPE(3));
    safetensors_out_name(&w, "a.weight", T_F32, SHAPE(2, 3)); /* starts at an odd offset */
    safetensors_out_name(&w, "nothing", T_F16, SHAPE(0, 7));
    safetensors_out_name(&w, "count", T_I64, SHAPE(2));
    CHECK_OK(safetensors_out_put(&w, b, 3));
    CHECK_OK(safetensors_out_put(&w, f, 10)); /* in pieces that split an element */
    CHECK_OK(safetensors_out_put(&w, (char *)f + 10, 14));
    CHECK_OK(safetensors_out_put(&w, i, sizeof i));
    CHECK_OK(safetensors_out_commit(&w));
    CHECK_INT(w.size, file_size(path));
    uint64_t whole;
    CHECK_OK(hash_file(path, &whole));
    CHECK(w.file_hash == whole);
    CHECK(w.hash[1] == hash_bytes(f, sizeof f) && w.hash[2] == hash_bytes(f, 0));
    CHECK(w.hash[3] == hash_bytes(i, sizeof i));
    safetensors_out_close(&w);
}

TEST(what_was_written_is_read_back) {
    char *path = test_path("x.safetensors");
    write_small(path);
    struct safetensors f;
    CHECK_OK(safetensors_open(&f, path));
    CHECK_INT(f.table.n, 4);
    CHECK_INT(f.data % 8, 0);
    CHECK_TEXT(f.table.at[0].name, "b.flags");
    CHECK_TEXT(st_table_meta(&f.table, "format"), "pt");
    CHECK_TEXT(st_table_meta(&f.table, "note"), "a \"quoted\" \\ line\nand \xc3\xa9");
    CHECK(!st_table_meta(&f.table, "other") && !st_table_find(&f.table, "a"));
    const struct st_tensor *x = st_table_find(&f.table, "a.weight");
    CHECK(x && x->dtype == T_F32 && x->shape.n == 2 && x->shape.d[1] == 3 && x->bytes == 24);
    struct bytes raw;
    CHECK_OK(safetensors_bytes(&f, x, &raw));
    float v[6];
    memcpy(v, raw.at, sizeof v);
    CHECK(v[2] == 3.5f && v[4] == INFINITY && v[5] == 1e-40f);
    bytes_free(&raw);
    tensor *t = safetensors_tensor(&f, x);
    CHECK_INT(t_size(t, 1), 3);
    float w[6];
    CHECK_OK(t_copy_out(t, w, sizeof w));
    CHECK(memcmp(v, w, sizeof v) == 0);
    t = safetensors_tensor(&f, st_table_find(&f.table, "nothing"));
    CHECK(t_dim(t) == 2 && t_numel(t) == 0 && t_dtype(t) == T_F16);
    uint64_t whole, hash[4], expected;
    CHECK_OK(safetensors_hash(&f, &whole, hash));
    CHECK_OK(hash_file(path, &expected));
    CHECK(whole == expected && hash[1] == hash_bytes(v, sizeof v));
    safetensors_close(&f);
    free(path);
}

TEST(every_type_makes_the_round_trip) {
    struct params p = {0}, q = {0};
    enum t_dtype all[] = {T_F32, T_F64, T_BF16, T_F16, T_I64, T_I32, T_U8, T_BOOL};
    char *path = test_path("x.safetensors");
    for (int i = 0; i < 8; i++) {
        tensor *x = t_gt(t_uniform(SHAPE(5, 3), -1, 1), 0);
        if (all[i] != T_BOOL) x = t_cast(t_uniform(SHAPE(5, 3), 0, 200), all[i]);
        path_buffer(params_root(&p), st_dtype_name(all[i]), x);
        path_buffer(params_root(&q), st_dtype_name(all[i]), t_zeros(SHAPE(5, 3), all[i]));
    }
    CHECK_OK(weights_save(path, &p, NULL, 0));
    CHECK_OK(weights_load(path, &q, (struct weights_options){.exact = true}));
    for (int i = 0; i < 8; i++) CHECK(test_equal_bits(p.at[i].t, q.at[i].t));
    params_free(&p);
    params_free(&q);
    free(path);
}

TEST(a_view_is_saved_in_row_major_order) {
    struct params p = {0}, q = {0};
    tensor *x = t_transpose(t_randn(SHAPE(4, 6), 1), 0, 1);
    path_buffer(params_root(&p), "x", x);
    path_buffer(params_root(&q), "x", t_transpose(t_zeros(SHAPE(4, 6), T_F32), 0, 1));
    char *path = test_path("x.safetensors");
    CHECK_OK(weights_save(path, &p, NULL, 0));
    CHECK_OK(weights_load(path, &q, (struct weights_options){.exact = true}));
    CHECK(test_equal_bits(q.at[0].t, x));
    params_free(&p);
    params_free(&q);
    free(path);
}

TEST(the_bytes_of_a_file_are_pinned) {
    /* Written by hand from the description of the format; other programs must read it. */
    static const char expected[] =
        "\x38\0\0\0\0\0\0\0"
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}"
        "   \x07\x09";
    char *path = test_path("x.safetensors");
    struct safetensors_out w;
    CHECK_OK(safetensors_out_open(&w, path));
    safetensors_out_name(&w, "x", T_U8, SHAPE(2));
    CHECK_OK(safetensors_out_put(&w, "\x07\x09", 2));
    CHECK_OK(safetensors_out_commit(&w));
    safetensors_out_close(&w);
    struct bytes b;
    CHECK_OK(file_read(path, 1000, &b));
    CHECK_INT(b.n, sizeof expected - 1);
    CHECK(memcmp(b.at, expected, b.n) == 0);
    bytes_free(&b);
    free(path);
}

TEST(tensors_may_lie_in_another_order_than_they_are_named) {
    const char *json =
        "{\"b\":{\"data_offsets\":[4,8],\"shape\":[1],\"dtype\":\"F32\"},"
        " \"a\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[0,4]}}  ";
    char *path = write_header("x", json, strlen(json), 8);
    struct safetensors f;
    CHECK_OK(safetensors_open(&f, path));
    CHECK_TEXT(f.table.at[0].name, "a");
    CHECK_INT(st_table_find(&f.table, "b")->at, 4);
    safetensors_close(&f);
    free(path);
}

/* Eight bytes of data follow each of these. */
#define T(dtype, shape, from, to)                                                                  \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"
#define OK T("F32", "[2]", 0, 8)
static const char *const hostile[] = {
    "",
    " {}",
    "[]",
    "{}", /* 8 bytes of no tensor */
    "{",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":" OK,
    "{\"a\":" OK "}}",
    "{\"a\":" OK "}{}",
    "{\"a\":" OK "}\n[]",
    "{\"a\":" OK ",}",
    "{\"a\":" OK ",\"a\":" OK "}",
    "{\"a\":" T("F32", "[1]", 0, 4) ",\"a\":" T("F32", "[1]", 4, 8) "}",
    "{\"a\":" T("F32", "[0]", 0, 0) ",\"a\":" OK "}",
    "{\"a\":" T("F32", "[1]", 0, 4) ",\"\\u0061\":" T("F32", "[1]", 4, 8) "}",
    "{\"a\":" T("F32", "[1]", 0, 4) "}", /* the end is not covered */
    "{\"a\":" T("F32", "[1]", 4, 8) "}", /* nor the start */
    "{\"a\":" T("U8", "[3]", 0, 3) ",\"b\":" T("U8", "[4]", 4, 8) "}",
    "{\"a\":" T("U8", "[5]", 0, 5) ",\"b\":" T("U8", "[4]", 4, 8) "}",
    "{\"a\":" OK ",\"b\":" OK "}",
    "{\"a\":" OK ",\"b\":" T("F32", "[0]", 4, 4) "}", /* empty, inside another */
    "{\"a\":" OK ",\"b\":" T("F32", "[0]", 9, 9) "}",
    "{\"a\":" T("F32", "[3]", 0, 12) "}",
    "{\"a\":" T("F32", "[2]", 8, 16) "}",
    "{\"a\":" T("F32", "[2]", 8, 0) "}",
    "{\"a\":" T("F32", "[2]", -8, 0) "}",
    "{\"a\":" T("F32", "[2]", 0, 9) "}",
    "{\"a\":" T("F32", "[3]", 0, 8) "}",
    "{\"a\":" T("F64", "[2]", 0, 8) "}",
    "{\"a\":" T("F32", "[-2]", 0, 8) "}",
    "{\"a\":" T("F32", "[2.0]", 0, 8) "}",
    "{\"a\":" T("F32", "[2e0]", 0, 8) "}",
    "{\"a\":" T("F32", "[\"2\"]", 0, 8) "}",
    "{\"a\":" T("F32", "[[2]]", 0, 8) "}",
    "{\"a\":" T("F32", "[true]", 0, 8) "}",
    "{\"a\":" T("F32", "[null]", 0, 8) "}",
    "{\"a\":" T("F32", "2", 0, 8) "}",
    "{\"a\":" T("F32", "{}", 0, 8) "}",
    "{\"a\":" T("F32", "[4611686018427387904,4]", 0, 0) "}",
    "{\"a\":" T("F32", "[4611686018427387904,4611686018427387904,0]", 0, 0) "}",
    "{\"a\":" T("F32", "[4611686018427387906]", 0, 8) "}", /* times 4 is 8 modulo 2^64 */
    "{\"a\":" T("F32", "[18446744073709551618]", 0, 8) "}",
    "{\"a\":" T("F32", "[9223372036854775808]", 0, 8) "}",
    "{\"a\":" T("F32", "[2,1,1,1,1,1,1,1,1]", 0, 8) "}", /* nine axes */
    "{\"a\":" T("f32", "[2]", 0, 8) "}",
    "{\"a\":" T("F8_E4M3", "[8]", 0, 8) "}",
    "{\"a\":" T("I4", "[16]", 0, 8) "}",
    "{\"a\":" T("", "[2]", 0, 8) "}",
    "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":{\"0\":8}}}",
    "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[2],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"extra\":1}}",
    "{\"a\":{\"dtype\":5,\"shape\":[2],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":[\"F32\"],\"shape\":[2],\"data_offsets\":[0,8]}}",
    "{\"a\":{}}",
    "{\"a\":[]}",
    "{\"a\":null}",
    "{\"a\":1}",
    "{\"a\":\"F32\"}",
    "{\"\":" OK "}",
    "{\"a\\nb\":" OK "}",
    "{\"a\\u0000b\":" OK "}",
    "{\"\xc3\xa9\":" OK "}",
    "{\"\xff\":" OK "}",
    "{\"a\\\":" OK "}",
    "{'a':" OK "}",
    "{a:" OK "}",
    "{\"a\":" OK " /* comment */}",
    "{\"__metadata__\":{},\"__metadata__\":{},\"a\":" OK "}",
    "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"},\"a\":" OK "}",
    "{\"__metadata__\":{\"k\":1},\"a\":" OK "}",
    "{\"__metadata__\":{\"k\":{}},\"a\":" OK "}",
    "{\"__metadata__\":{\"k\":[]},\"a\":" OK "}",
    "{\"__metadata__\":{\"k\":\"\\u0000\"},\"a\":" OK "}",
    "{\"__metadata__\":[],\"a\":" OK "}",
    "{\"__metadata__\":" OK "}",
    "{\"__metadata__\":\"x\",\"a\":" OK "}",
};

TEST(hostile_headers_are_refused_with_the_name_of_the_file) {
    struct safetensors f;
    char *good = write_header("good", "{\"a\":" OK "}", strlen("{\"a\":" OK "}"), 8);
    CHECK_OK(safetensors_open(&f, good)); /* the frame of them all */
    safetensors_close(&f);
    free(good);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        char *path = write_header("bad", hostile[i], strlen(hostile[i]), 8);
        int status = safetensors_open(&f, path);
        if (status != ERR_DATA || !strstr(error_message(), "/bad: "))
            test_fail(__FILE__, __LINE__, "%s: %d %s", hostile[i], status, error_message());
        error_clear();
        free(path);
    }
}

TEST(deep_long_and_crowded_headers_are_refused_quickly) {
    struct st_table t;
    struct str s = {0};
    str_add(&s, "{\"a\":");
    for (int i = 0; i < 8 << 20; i++) str_put(&s, "[", 1);
    CHECK_ERROR(st_table_parse(&t, "deep", s.at, s.n, 0), ERR_DATA, "deep: header");
    str_free(&s);
    str_put(&s, "{", 1);
    for (int i = 0; i < 100001; i++) str_add(&s, "%s\"%d\":" T("U8", "[0]", 0, 0), i ? "," : "", i);
    str_put(&s, "}", 1);
    CHECK_ERROR(st_table_parse(&t, "crowd", s.at, s.n, 0), ERR_DATA, "more than 100000 tensors");
    str_free(&s);
    str_put(&s, "{\"__metadata__\":{", 17);
    for (int i = 0; i < 1001; i++) str_add(&s, "%s\"%d\":\"\"", i ? "," : "", i);
    str_put(&s, "}}", 2);
    CHECK_ERROR(st_table_parse(&t, "meta", s.at, s.n, 0), ERR_DATA, "more than 1000 pairs");
    str_free(&s);
    str_add(&s, "{\"%0300d\":" OK "}", 1);
    CHECK_ERROR(st_table_parse(&t, "long", s.at, s.n, 8), ERR_DATA, "longer than 255");
    str_free(&s);
    unsigned char length[8] = {1, 0, 0, 1}; /* 16 MiB and one byte */
    char *path = test_path("huge");
    CHECK_OK(file_write(path, length, 8));
    struct safetensors f;
    CHECK_ERROR(safetensors_open(&f, path), ERR_DATA, "more than 16 MiB");
    memset(length, 255, 8);
    CHECK_OK(file_write(path, length, 8));
    CHECK_ERROR(safetensors_open(&f, path), ERR_DATA, "more than 16 MiB");
    static const struct {
        const char *text, *told;
    } instead[] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS's pointer"},
        {"<!DOCTYPE html>\n<html>", "a web page"},
        {"# Weights\n\nThey are elsewhere.\n", "not weights but text"},
    };
    for (size_t i = 0; i < sizeof instead / sizeof *instead; i++) {
        CHECK_OK(file_write(path, instead[i].text, strlen(instead[i].text)));
        CHECK_ERROR(safetensors_open(&f, path), ERR_DATA, instead[i].told);
    }
    CHECK_ERROR(safetensors_open(&f, test_dir()), ERR_MISSING, "is not a file");
    CHECK_ERROR(safetensors_open(&f, "/nonexistent"), ERR_MISSING, "/nonexistent: No such file");
    free(path);
}

TEST(a_file_cut_or_grown_at_any_byte_is_refused) {
    char *path = test_path("x.safetensors"), *cut = test_path("cut");
    write_small(path);
    struct bytes b;
    CHECK_OK(file_read(path, 10000, &b));
    struct safetensors f;
    for (size_t n = 0; n < b.n; n++) {
        write_quickly(cut, b.at, n);
        CHECK_ERROR(safetensors_open(&f, cut), ERR_DATA, "/cut: ");
    }
    write_quickly(cut, b.at, b.n + 1); /* the NUL that file_read adds */
    CHECK_ERROR(safetensors_open(&f, cut), ERR_DATA, "1 bytes at the end belong to no tensor");
    bytes_free(&b);
    free(cut);
    free(path);
}

static bool same_reading(const struct st_table *a, const struct st_table *b) {
    bool same = a->n == b->n && a->key.n == b->key.n;
    for (size_t i = 0; same && i < a->n; i++) {
        const struct st_tensor *x = &a->at[i], *y = &b->at[i];
        same = strcmp(x->name, y->name) == 0 && x->dtype == y->dtype && x->at == y->at &&
               x->bytes == y->bytes && x->shape.n == y->shape.n &&
               memcmp(x->shape.d, y->shape.d, sizeof x->shape.d) == 0;
    }
    return same;
}

/* The format has no checksum: a flip inside a name, or F32 to F16... of equal size, reads as
 * another sound header. Such a reading must be sound, too: it covers the same bytes. */
TEST(every_flipped_bit_of_a_header_is_refused_or_reads_as_a_sound_table) {
    char *path = test_path("x.safetensors");
    write_small(path);
    struct bytes b;
    CHECK_OK(file_read(path, 10000, &b));
    uint64_t n = b.at[0] | (uint64_t)b.at[1] << 8, data = b.n - 8 - n;
    struct st_table whole, t;
    CHECK_OK(st_table_parse(&whole, path, (char *)b.at + 8, n, data));
    size_t refused = 0, equal = 0, other = 0;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        b.at[8 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (st_table_parse(&t, path, (char *)b.at + 8, n, data)) {
            refused++;
            error_clear();
        } else if (same_reading(&whole, &t)) {
            equal++;
        } else {
            uint64_t end = 0;
            for (size_t i = 0; i < t.n; i++) {
                CHECK(t.at[i].at == end && st_table_find(&t, t.at[i].name) == &t.at[i]);
                end += t.at[i].bytes;
            }
            CHECK(end == data);
            other++;
        }
        st_table_free(&t);
        b.at[8 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    printf("%zu refused, %zu equal, %zu another sound table\n", refused, equal, other);
    CHECK(refused > 8 * n / 2 && other < 8 * n / 4);
    st_table_free(&whole);
    bytes_free(&b);
    free(path);
}

TEST(a_file_that_shrinks_while_it_is_read_is_an_error) {
    char *path = test_path("x.safetensors");
    write_small(path);
    struct safetensors f;
    CHECK_OK(safetensors_open(&f, path));
    FILE *cut = fopen(path, "w");
    CHECK(cut && fclose(cut) == 0);
    struct bytes raw;
    CHECK_ERROR(safetensors_bytes(&f, &f.table.at[1], &raw), ERR_DATA, "became shorter");
    CHECK(!safetensors_tensor(&f, &f.table.at[1]));
    CHECK_TENSOR_ERROR("became shorter");
    safetensors_close(&f);
    free(path);
}

/* weights_* */

static struct params two(const char *first, const char *second) {
    struct params p = {0};
    path_param(params_root(&p), first, t_randn(SHAPE(2, 3), 1));
    path_param(params_root(&p), second, t_randn(SHAPE(4), 1));
    return p;
}

TEST(loading_lists_all_that_does_not_fit_and_changes_nothing) {
    struct params p = two("a", "b"), q = {0};
    path_param(params_root(&q), "b", t_ones(SHAPE(5), T_F32));
    path_param(params_root(&q), "c", t_ones(SHAPE(1), T_F32));
    path_param(params_root(&q), "d", t_ones(SHAPE(1), T_F32));
    char *path = test_path("x.safetensors");
    CHECK_OK(weights_save(path, &p, NULL, 0));
    CHECK_ERROR(weights_load(path, &q, (struct weights_options){0}), ERR_CONFIG,
                "x.safetensors: does not fit the model; 2 missing: c, d; 1 unexpected: a; "
                "1 of another form: b is F32 [4], expected F32 [5]");
    CHECK(test_equal_bits(q.at[0].t, t_ones(SHAPE(5), T_F32)));
    params_free(&p);
    params_free(&q);
    free(path);
}

/* As when they are of another model: 20 names of each kind, and how many there are. */
TEST(of_hundreds_that_do_not_fit_the_first_are_named_and_the_rest_is_counted) {
    struct params p = {0}, q = {0};
    for (int i = 0; i < 451; i++) {
        char ours[16], theirs[16];
        snprintf(ours, sizeof ours, "a.%03d", i);
        snprintf(theirs, sizeof theirs, "b.%03d", i);
        path_param(params_root(&p), theirs, t_ones(SHAPE(1), T_F32));
        path_param(params_root(&q), ours, t_ones(SHAPE(1), T_F32));
    }
    char *path = test_path("x.safetensors");
    CHECK_OK(weights_save(path, &p, NULL, 0));
    int status = weights_load(path, &q, (struct weights_options){0});
    CHECK_INT(status, ERR_CONFIG);
    const char *text = error_message();
    CHECK_HAS(text, "model; 451 missing: a.000, a.001, ");
    CHECK_HAS(
        text,
        ", a.019 and 431 more (ovseg convert -v, or train -v, lists all); 451 unexpected: b.000, ");
    CHECK_HAS(text, ", b.019 and 431 more");
    CHECK(!strstr(text, "a.020") && !strstr(text, "b.020") && strlen(text) < 600);
    error_clear();
    params_free(&p);
    params_free(&q);
    free(path);
}

TEST(patterns_allow_what_is_missing_and_what_is_unexpected) {
    struct params p = two("a", "logit_scale"), q = two("a", "prompts.0");
    char *path = test_path("x.safetensors");
    CHECK_OK(weights_save(path, &p, NULL, 0));
    const char *missing[] = {"prompts.*"}, *unexpected[] = {"logit_*"};
    struct weights_options o = {.allow_missing = missing, .n_allow_missing = 1};
    CHECK_ERROR(weights_load(path, &q, o), ERR_CONFIG, "model; 1 unexpected: logit_scale");
    o.allow_unexpected = unexpected;
    o.n_allow_unexpected = 1;
    CHECK_OK(weights_load(path, &q, o));
    CHECK(test_equal_bits(p.at[0].t, q.at[0].t));
    params_free(&p);
    params_free(&q);
    free(path);
}

TEST(a_prefix_takes_one_model_out_of_a_file) {
    struct params p = {0}, q = two("a", "b");
    path_param(params_root(&p), "clip.a", t_randn(SHAPE(2, 3), 1));
    path_param(params_root(&p), "clip.b", t_randn(SHAPE(4), 1));
    path_param(params_root(&p), "head.a", t_randn(SHAPE(9), 1));
    char *path = test_path("x.safetensors");
    CHECK_OK(weights_save(path, &p, NULL, 0));
    CHECK_OK(weights_load(path, &q, (struct weights_options){.prefix = "clip."}));
    CHECK(test_equal_bits(p.at[0].t, q.at[0].t) && test_equal_bits(p.at[1].t, q.at[1].t));
    CHECK_ERROR(weights_load(path, &q, (struct weights_options){.prefix = "head."}), ERR_CONFIG,
                "1 missing: b; 1 of another form: a");
    params_free(&p);
    params_free(&q);
    free(path);
}

TEST(types_are_converted_unless_exactness_is_asked_for) {
    struct params p = {0}, q = {0};
    path_param(params_root(&p), "w", t_cast(t_randn(SHAPE(7), 1), T_F16));
    path_param(params_root(&q), "w", t_zeros(SHAPE(7), T_F32));
    char *path = test_path("x.safetensors");
    CHECK_OK(weights_save(path, &p, NULL, 0));
    CHECK_ERROR(weights_load(path, &q, (struct weights_options){.exact = true}), ERR_CONFIG,
                "w is F16 [7], expected F32 [7]");
    CHECK_OK(weights_load(path, &q, (struct weights_options){0}));
    CHECK(test_equal_bits(q.at[0].t, t_cast(p.at[0].t, T_F32)));
    CHECK(t_requires_grad(q.at[0].t));
    params_free(&p);
    params_free(&q);
    free(path);
}
