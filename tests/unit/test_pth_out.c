#include "checkpoints/pth_out.h"

#include "base/hash.h"
#include "checkpoints/pth.h"
#include "tests/torch.h"

static const struct pth_out_version versions[] = {{"", 1}, {"sem_seg_head", 2}};

static const struct {
    const char *name;
    enum t_dtype dtype;
    struct shape shape;
} made[] = {
    {"a.weight", T_F32, {2, {2, 3}}},  {"a.index", T_I64, {4, {1, 2, 2, 3}}},
    {"scalar", T_F32, {0, {0}}},       {"none", T_F32, {2, {0, 70000}}},
    {"half", T_F16, {3, {1, 300, 1}}}, {"brain", T_BF16, {1, {3}}},
    {"yes", T_BOOL, {1, {5}}},         {"long", T_U8, {1, {70001}}},
};
enum { MADE = sizeof made / sizeof *made };

static uint8_t *data_of(int i, size_t n) {
    uint8_t *data = mem_alloc(n + 1, 1);
    for (size_t k = 0; k < n; k++) data[k] = made[i].dtype == T_BOOL ? k & 1 : (uint8_t)(k * 7 + i);
    return data;
}

static void put_all(const char *path, struct pth_out_object object, uint64_t *hash) {
    struct pth_out w;
    CHECK_OK(pth_out_open(&w, path, object));
    for (int i = 0; i < MADE; i++) pth_out_name(&w, made[i].name, made[i].dtype, made[i].shape);
    for (int i = 0; i < MADE; i++) {
        size_t n = (size_t)w.table.at[i].bytes;
        uint8_t *data = data_of(i, n);
        if (hash) hash[i] = hash_bytes(data, n);
        CHECK_OK(pth_out_put(&w, data, n));
        free(data);
    }
    CHECK_OK(pth_out_commit(&w));
    for (int i = 0; hash && i < MADE; i++) CHECK_INT(w.hash[i], hash[i]);
    pth_out_close(&w);
}

static void check_all(struct pth *f) {
    CHECK_INT(f->table.n, MADE);
    for (int i = 0; i < MADE; i++) {
        const struct st_tensor *x = &f->table.at[i];
        CHECK_TEXT(x->name, made[i].name);
        CHECK_INT(x->dtype, made[i].dtype);
        CHECK_INT(x->shape.n, made[i].shape.n);
        for (int d = 0; d < x->shape.n; d++) CHECK_INT(x->shape.d[d], made[i].shape.d[d]);
        uint8_t *want = data_of(i, (size_t)x->bytes), *found = mem_alloc((size_t)x->bytes + 1, 1);
        CHECK_OK(pth_read(f, x, found));
        CHECK(memcmp(want, found, (size_t)x->bytes) == 0);
        free(want);
        free(found);
    }
}

/* The value of a key; it must be there. */
static uint32_t get(const struct pickle *p, uint32_t dict, const char *key) {
    uint32_t value = pickle_get(p, dict, key);
    if (!value) test_fail(__FILE__, __LINE__, "no %s", key);
    return value;
}

TEST(tensors_of_every_type_come_back_bit_by_bit) {
    static const char *const keys[] = {"model", NULL};
    char *path = test_path("x.pth");
    for (int i = 0; i < 2; i++) {
        struct pth f;
        uint64_t hash[MADE];
        put_all(path, (struct pth_out_object){keys[i], versions, 2}, hash);
        CHECK_OK(pth_open(&f, path, NULL));
        CHECK_INT(f.form, PTH_ARCHIVE);
        check_all(&f);
        if (keys[i])
            CHECK_TEXT(f.part, "model");
        else
            CHECK(!f.part);
        pth_close(&f);
    }
    free(path);
}

TEST(versions_of_modules_are_attributes_of_the_dict) {
    char *path = test_path("x.pth");
    struct pth f;
    put_all(path, (struct pth_out_object){"model", versions, 2}, NULL);
    CHECK_OK(pth_open(&f, path, NULL));
    const struct pickle *p = &f.pickle;
    uint32_t attributes = p->at[get(p, p->root, "model")].extra;
    uint32_t head = get(p, get(p, attributes, "_metadata"), "sem_seg_head");
    CHECK_INT(p->at[get(p, head, "version")].i, 2);
    pth_close(&f);
    put_all(path, (struct pth_out_object){.key = "model"}, NULL);
    CHECK_OK(pth_open(&f, path, NULL));
    CHECK_INT(f.pickle.at[get(&f.pickle, f.pickle.root, "model")].extra, 0);
    pth_close(&f);
    free(path);
}

TEST(equal_tensors_give_equal_files) {
    char *path[2] = {test_path("one.pth"), test_path("two.pth")};
    struct bytes file[2];
    for (int i = 0; i < 2; i++) {
        put_all(path[i], (struct pth_out_object){.key = "model"}, NULL);
        CHECK_OK(file_read(path[i], 1 << 20, &file[i]));
        free(path[i]);
    }
    CHECK(file[0].n == file[1].n && memcmp(file[0].at, file[1].at, file[0].n) == 0);
    bytes_free(&file[0]);
    bytes_free(&file[1]);
}

TEST(a_file_that_is_not_committed_leaves_nothing) {
    char *path = test_path("x.pth");
    struct pth_out w;
    struct strings names;
    CHECK_OK(pth_out_open(&w, path, (struct pth_out_object){.key = "model"}));
    pth_out_name(&w, "x", T_U8, SHAPE(3));
    CHECK_OK(pth_out_put(&w, "abc", 3));
    pth_out_close(&w);
    CHECK_OK(dir_list(test_dir(), &names));
    CHECK_INT(names.n, 0);
    strings_free(&names);
    free(path);
}
