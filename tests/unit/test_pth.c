#include "checkpoints/pth.h"

#include "base/file.h"
#include "checkpoints/weights.h"
#include "tests/torch.h"

static char *fixture(const char *name) {
    char *path = mem_format("tests/data/pth/%s", name), *full = test_source(path);
    free(path);
    return full;
}

/* Element i of a tensor as make.py writes it, compared in the tensor's own type. */
static void check_element(const char *name, enum t_dtype dtype, const uint8_t *at, uint64_t i) {
    uint64_t sum = 0;
    for (const char *c = name; *c; c++) sum += (uint8_t)*c;
    int v = (int)((i * 7 + sum) % 251);
    uint8_t want[8] = {0};
    float f = (float)(v - 125) / 8;
    double d = f;
    int64_t wide = v - 125;
    int32_t narrow = v - 125;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    uint16_t brain = (uint16_t)(bits >> 16);
    switch (dtype) {
    case T_F32: memcpy(want, &f, 4); break;
    case T_F64: memcpy(want, &d, 8); break;
    case T_BF16: memcpy(want, &brain, 2); break;
    case T_F16: { /* these values are normal numbers of half, or 0 */
        uint32_t exponent = bits >> 23 & 255;
        uint16_t half = (uint16_t)(bits >> 16 & 0x8000);
        if (exponent) half = (uint16_t)(half | (exponent - 112) << 10 | (bits >> 13 & 0x3ff));
        memcpy(want, &half, 2);
        break;
    }
    case T_I64: memcpy(want, &wide, 8); break;
    case T_I32: memcpy(want, &narrow, 4); break;
    case T_U8: want[0] = (uint8_t)v; break;
    case T_BOOL: want[0] = v & 1; break;
    }
    if (memcmp(at, want, st_dtype_size(dtype)) != 0)
        test_fail(__FILE__, __LINE__, "%s: element %d is not %d", name, (int)i, v);
}

/* The values of one tensor; `formula` is its name in make.py, NULL: the same. */
static void check_tensor(struct pth *f, const char *name, const char *formula, enum t_dtype dtype,
                         const char *shape) {
    const struct st_tensor *x = st_table_find(&f->table, name);
    if (!x) test_fail(__FILE__, __LINE__, "%s is not there", name);
    char text[128];
    st_shape_text(x->shape, text, sizeof text);
    CHECK_TEXT(text, shape);
    CHECK_INT(x->dtype, dtype);
    uint8_t *data = mem_alloc((size_t)x->bytes + 1, 1);
    CHECK_OK(pth_read(f, x, data));
    size_t size = st_dtype_size(x->dtype);
    for (uint64_t i = 0; i < x->bytes / size; i++)
        check_element(formula ? formula : name, dtype, data + i * size, i);
    free(data);
}

static void check_model(struct pth *f) {
    check_tensor(f, "type.float32", NULL, T_F32, "[3, 5]");
    check_tensor(f, "type.float64", NULL, T_F64, "[3, 5]");
    check_tensor(f, "type.float16", NULL, T_F16, "[3, 5]");
    check_tensor(f, "type.bfloat16", NULL, T_BF16, "[3, 5]");
    check_tensor(f, "type.int64", NULL, T_I64, "[3, 5]");
    check_tensor(f, "type.int32", NULL, T_I32, "[3, 5]");
    check_tensor(f, "type.uint8", NULL, T_U8, "[3, 5]");
    check_tensor(f, "type.bool", NULL, T_BOOL, "[3, 5]");
    check_tensor(f, "scalar", NULL, T_F32, "[]");
    check_tensor(f, "empty", NULL, T_F32, "[0, 4]");
    check_tensor(f, "transposed", NULL, T_F32, "[6, 4]");
    check_tensor(f, "permuted", NULL, T_F16, "[4, 2, 3]");
    check_tensor(f, "channels_last", NULL, T_F32, "[2, 3, 4, 5]");
    check_tensor(f, "rows", NULL, T_F32, "[3, 4]");
    check_tensor(f, "window", NULL, T_F32, "[3, 2]");
    check_tensor(f, "every_other", NULL, T_F32, "[6]");
    check_tensor(f, "tied.a", NULL, T_F32, "[3, 4]");
    check_tensor(f, "tied.b", "tied.a", T_F32, "[3, 4]");
    float v[6];
    CHECK_OK(pth_read(f, st_table_find(&f->table, "expanded"), v));
    CHECK(v[0] == 2.5f && v[2] == 2.5f && v[3] == -1 && v[5] == -1);
    CHECK_INT(f->table.n, 19);
    CHECK_TEXT(f->table.at[0].name, "type.float32"); /* the order of the object */
    CHECK_TEXT(f->table.at[18].name, "expanded");
    CHECK_INT(f->passed.n, 0);
    CHECK(!f->module);
}

static struct pth open_fixture(const char *name, const char *part, enum pth_form form) {
    struct pth f;
    char *path = fixture(name);
    CHECK(pth_is(path));
    CHECK_OK(pth_open(&f, path, part));
    CHECK_INT(f.form, form);
    free(path);
    return f;
}

static void check_file(const char *name, const char *part, enum pth_form form,
                       void (*check)(struct pth *)) {
    struct pth f = open_fixture(name, part, form);
    check(&f);
    pth_close(&f);
}

static void check_optimizer(struct pth *f) {
    CHECK_TEXT(f->part, "optimizer");
    CHECK_INT(f->table.n, 6); /* step, exp_avg, exp_avg_sq of two parameters */
    const struct st_tensor *x = st_table_find(&f->table, "state.0.exp_avg");
    float v[6];
    CHECK(x && x->bytes == sizeof v);
    CHECK_OK(pth_read(f, x, v));
    for (int i = 0; i < 6; i++) CHECK_NEAR(v[i], 0.1, 1e-7); /* (1 - beta) times a gradient of 1 */
    CHECK(f->passed.n > 10);
    CHECK_TEXT(f->passed.at[0], "param_groups.0.lr");
}

static void check_others(struct pth *f) {
    const struct pickle *p = &f->pickle;
    const struct pickle_value *v = &p->at[pickle_get(p, p->root, "iteration")];
    CHECK(v->kind == PICKLE_INT && v->i == 7);
    v = &p->at[pickle_get(p, p->root, "numbers")];
    static const int64_t whole[] = {1, -2, 300, 70000, -70000, 1LL << 40, -(1LL << 40)};
    CHECK(v->kind == PICKLE_LIST && v->n == 13);
    for (int i = 0; i < 7; i++) CHECK_INT(p->at[v->item[i]].i, whole[i]);
    CHECK_INT(p->at[v->item[7]].kind, PICKLE_BYTES); /* more than 64 bits */
    CHECK(p->at[v->item[8]].kind == PICKLE_REAL && p->at[v->item[8]].real == 0.5);
    CHECK_INT(p->at[v->item[9]].kind, PICKLE_NONE);
    CHECK(p->at[v->item[10]].kind == PICKLE_BOOL && p->at[v->item[10]].i);
    CHECK(pickle_is(p, v->item[11], "text"));
    CHECK(p->at[v->item[12]].kind == PICKLE_TUPLE && p->at[v->item[12]].n == 4);
    v = &p->at[pickle_get(p, p->root, "model")]; /* the versions of the modules beside it */
    CHECK(pickle_get(p, v->extra, "_metadata"));
    CHECK(pickle_get(p, p->at[pickle_get(p, v->extra, "_metadata")].item[3], "version"));
}

TEST(archives_and_streams_are_read_as_they_were_written) {
    check_file("archive.pth", NULL, PTH_ARCHIVE, check_model);
    check_file("archive.pth", "model", PTH_ARCHIVE, check_model);
    check_file("archive.pth", NULL, PTH_ARCHIVE, check_others);
    check_file("bare.pth", NULL, PTH_ARCHIVE, check_model);
    check_file("stream.pth", NULL, PTH_STREAM, check_model);
    check_file("stream.pth", NULL, PTH_STREAM, check_others);
}

TEST(the_optimizer_beside_the_model_is_another_part) {
    check_file("archive.pth", "optimizer", PTH_ARCHIVE, check_optimizer);
    check_file("stream.pth", "optimizer", PTH_STREAM, check_optimizer);
    struct pth f;
    char *path = fixture("archive.pth");
    CHECK_ERROR(pth_open(&f, path, "none"), ERR_CONFIG, "holds no part \"none\"");
    CHECK_ERROR(pth_open(&f, path, "iteration"), ERR_DATA, "holds no tensors");
    free(path);
}

TEST(a_common_module_prefix_is_taken_off) {
    struct pth f = open_fixture("module.pth", NULL, PTH_ARCHIVE);
    CHECK(f.module);
    CHECK_TEXT(f.part, "state_dict");
    check_tensor(&f, "a.weight", NULL, T_F16, "[3, 2]");
    check_tensor(&f, "count", NULL, T_I64, "[]");
    pth_close(&f);
}

TEST(parameters_are_tensors) {
    struct pth f = open_fixture("parameter.pth", NULL, PTH_ARCHIVE);
    check_tensor(&f, "a", NULL, T_BF16, "[2, 3]");
    pth_close(&f);
}

TEST(a_script_gives_its_parameters_and_buffers_and_its_code_is_not_read) {
    struct pth f = open_fixture("script.pt", NULL, PTH_SCRIPT);
    check_tensor(&f, "visual.conv.weight", NULL, T_F32, "[3, 2, 1, 1]");
    check_tensor(&f, "visual.norm.running_var", NULL, T_F32, "[3]");
    check_tensor(&f, "visual.norm.num_batches_tracked", NULL, T_I64, "[]");
    check_tensor(&f, "blocks.0.weight", NULL, T_F16, "[4, 3]");
    check_tensor(&f, "blocks.2.bias", NULL, T_F16, "[2]");
    check_tensor(&f, "logit_scale", NULL, T_F32, "[]");
    check_tensor(&f, "input_resolution", NULL, T_I64, "[]");
    CHECK_INT(f.table.n, 13);
    pth_close(&f);
}

TEST(arrays_and_tensors_inside_a_pickle_are_read) {
    for (int protocol = 3; protocol <= 4; protocol++) {
        struct pth f =
            open_fixture(protocol == 3 ? "arrays3.pkl" : "arrays4.pkl", NULL, PTH_PICKLE);
        check_tensor(&f, "stem.conv1.weight", NULL, T_F32, "[2, 3, 3, 3]");
        check_tensor(&f, "stem.norm.bias", NULL, T_F64, "[4]");
        check_tensor(&f, "one", NULL, T_F32, "[]");
        check_tensor(&f, "flags", NULL, T_BOOL, "[3]");
        check_tensor(&f, "count", NULL, T_I64, "[2]");
        check_tensor(&f, "columns", NULL, T_F32, "[3, 4]");
        CHECK_INT(f.table.n, 6);
        pth_close(&f);
    }
    struct pth f = open_fixture("tensors.pkl", NULL, PTH_PICKLE);
    check_tensor(&f, "a.weight", NULL, T_F32, "[2, 3]");
    check_tensor(&f, "b.weight", NULL, T_F32, "[2, 3]");
    check_tensor(&f, "view", NULL, T_F32, "[2, 3]");
    pth_close(&f);
}

TEST(tensors_of_the_library_are_made_of_them) {
    struct pth f = open_fixture("archive.pth", NULL, PTH_ARCHIVE);
    for (size_t i = 0; i < f.table.n; i++) {
        const struct st_tensor *x = &f.table.at[i];
        uint8_t *raw = mem_alloc((size_t)x->bytes + 1, 2), *again = raw + x->bytes;
        CHECK_OK(pth_read(&f, x, raw));
        CHECK_OK(t_copy_out(pth_tensor(&f, x), again, (size_t)x->bytes));
        CHECK(memcmp(raw, again, (size_t)x->bytes) == 0);
        free(raw);
    }
    pth_close(&f);
}

TEST(a_model_is_filled_from_them_by_name) {
    struct params p = {0};
    path_buffer(params_root(&p), "weight", t_zeros(SHAPE(3, 2), T_F32));
    char *path = fixture("module.pth"), *other = fixture("archive.pth");
    struct weights_options o = {.prefix = "a."};
    CHECK_OK(weights_load(path, &p, o));
    float v[6];
    CHECK_OK(t_copy_out(p.at[0].t, v, sizeof v));
    for (uint64_t i = 0; i < 6; i++)
        check_element("a.weight", T_F32, (uint8_t *)(v + i), i); /* from half, exact */
    o.exact = true;
    CHECK_ERROR(weights_load(path, &p, o), ERR_CONFIG, "weight is F16 [3, 2], expected F32");
    CHECK_ERROR(weights_load(other, &p, (struct weights_options){0}), ERR_CONFIG,
                "missing: weight");
    params_free(&p);
    free(path);
    free(other);
}
