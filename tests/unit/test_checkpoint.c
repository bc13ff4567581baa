#include "checkpoints/checkpoint.h"

#include <unistd.h>

#include "base/file.h"
#include "checkpoints/history.h"
#include "checkpoints/manifest.h"
#include "checkpoints/weights.h"
#include "tests/fault/toy.h"
#include "tests/torch.h"

static void flip(const char *dir, const char *name, size_t at) {
    char *path = path_join(dir, name);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 24, &b));
    CHECK(at < b.n);
    b.at[at] ^= 4;
    CHECK_OK(file_write(path, b.at, b.n));
    bytes_free(&b);
    free(path);
}

TEST(a_saved_run_comes_back_bit_equal_in_the_same_tensors) {
    save_step(test_dir(), 12, false);
    check_names(test_dir(), "checkpoint-000012");
    check_last(test_dir(), 12);
    char *path = history_last(test_dir());
    check_names(path, "manifest.json model.safetensors optimizer.safetensors state.json");
    CHECK_OK(checkpoint_verify(path));
    free(path);
}

TEST(an_empty_folder_is_a_fresh_start_and_no_error) {
    struct toy t;
    toy_init(&t, 1);
    struct checkpoint c = toy_at(&t, 0);
    struct checkpoint_found found;
    CHECK_OK(checkpoint_load_last(test_dir(), &c, &found));
    CHECK(!found.path);
    CHECK_OK(checkpoint_load_last("/nonexistent/run", &c, &found));
    CHECK(!found.path);
    CHECK(!history_last(test_dir()));
    toy_free(&t);
}

TEST(saving_twice_gives_the_same_bytes) {
    char *a = test_path("a"), *b = test_path("b");
    save_step(a, 3, false);
    save_step(b, 3, false);
    const char *names[] = {"manifest.json", "model.safetensors", "optimizer.safetensors",
                           "state.json"};
    for (int i = 0; i < 4; i++) {
        char *name = mem_format("checkpoint-000003/%s", names[i]);
        char *pa = path_join(a, name), *pb = path_join(b, name);
        struct bytes x, y;
        CHECK_OK(file_read(pa, 1 << 20, &x));
        CHECK_OK(file_read(pb, 1 << 20, &y));
        CHECK(x.n == y.n && memcmp(x.at, y.at, x.n) == 0);
        bytes_free(&x);
        bytes_free(&y);
        free(pa);
        free(pb);
        free(name);
    }
    free(a);
    free(b);
}

TEST(the_last_two_are_kept_and_the_best) {
    save_step(test_dir(), 10, false);
    save_step(test_dir(), 20, true);
    save_step(test_dir(), 30, false);
    check_names(test_dir(), "checkpoint-000020 checkpoint-000030 checkpoint-best");
    save_step(test_dir(), 40, false);
    check_names(test_dir(),
                "checkpoint-000020 checkpoint-000030 checkpoint-000040 checkpoint-best");
    char *best = history_best(test_dir());
    CHECK_HAS(best, "checkpoint-000020");
    free(best);
    save_step(test_dir(), 50, true);
    check_names(test_dir(), "checkpoint-000040 checkpoint-000050 checkpoint-best");
    char *link = test_path("checkpoint-best");
    CHECK_OK(checkpoint_verify(link));
    free(link);
    check_last(test_dir(), 50);
}

TEST(a_step_that_is_saved_again_replaces_itself) {
    save_step(test_dir(), 1, false);
    save_step(test_dir(), 2, false);
    struct toy t;
    toy_init(&t, 77);
    struct checkpoint c = toy_at(&t, 2);
    CHECK_OK(checkpoint_save(test_dir(), &c));
    check_names(test_dir(), "checkpoint-000001 checkpoint-000002");
    struct toy u;
    toy_init(&u, 5);
    struct checkpoint d = toy_at(&u, 0);
    struct checkpoint_found found;
    CHECK_OK(checkpoint_load_last(test_dir(), &d, &found));
    CHECK(toy_equal(&t, &u));
    checkpoint_found_free(&found);
    toy_free(&u);
    toy_free(&t);
}

TEST(a_damaged_one_falls_back_and_is_set_aside_until_two_good_ones_exist) {
    save_step(test_dir(), 1, false);
    save_step(test_dir(), 2, false);
    char *path = history_last(test_dir());
    flip(path, "state.json", 3);
    CHECK_ERROR(checkpoint_verify(path), ERR_DATA, "state.json");
    free(path);
    check_last(test_dir(), 1);
    check_names(test_dir(), "checkpoint-000001 checkpoint-000002.damaged");
    save_step(test_dir(), 2, false);
    check_names(test_dir(), "checkpoint-000001 checkpoint-000002");
    check_last(test_dir(), 2);
}

TEST(when_none_is_valid_the_error_says_so_and_nothing_is_moved) {
    save_step(test_dir(), 1, false);
    save_step(test_dir(), 2, false);
    char *one = test_path("checkpoint-000001"), *two = test_path("checkpoint-000002");
    flip(one, "manifest.json", 9);
    flip(two, "optimizer.safetensors", 8);
    struct toy t;
    toy_init(&t, 1);
    struct checkpoint c = toy_at(&t, 0);
    struct checkpoint_found found;
    CHECK_ERROR(checkpoint_load_last(test_dir(), &c, &found), ERR_DATA,
                "none of its 2 checkpoints can be used");
    check_names(test_dir(), "checkpoint-000001 checkpoint-000002");
    toy_free(&t);
    free(one);
    free(two);
}

TEST(another_model_or_other_settings_are_refused_with_the_full_list) {
    save_step(test_dir(), 1, false);
    save_step(test_dir(), 2, false);
    struct toy t;
    toy_init(&t, 1);
    path_param(params_root(&t.model), "extra", t_zeros(SHAPE(1), T_F32));
    struct checkpoint c = toy_at(&t, 0);
    struct checkpoint_found found;
    CHECK_ERROR(checkpoint_load_last(test_dir(), &c, &found), ERR_CONFIG, "1 missing: extra");
    check_names(test_dir(), "checkpoint-000001 checkpoint-000002");
    toy_free(&t);
    toy_init(&t, 1);
    c = toy_at(&t, 0);
    c.config = "fedcba9876543210";
    CHECK_ERROR(checkpoint_load_last(test_dir(), &c, &found), ERR_CONFIG, "other settings");
    toy_free(&t);
}

TEST(a_part_alone_can_be_loaded_from_one_checkpoint) {
    save_step(test_dir(), 6, false);
    struct toy t, expected;
    toy_init(&t, 1);
    toy_init(&expected, 6);
    struct checkpoint c = {.part = {{"model", &t.model}}};
    struct checkpoint_found found;
    char *path = history_last(test_dir());
    CHECK_OK(checkpoint_load(path, &c, &found));
    CHECK_INT(found.step, 6);
    CHECK(params_equal(&t.model, &expected.model));
    CHECK(!params_equal(&t.optimizer, &expected.optimizer));
    checkpoint_found_free(&found);
    c.part[1] = (struct checkpoint_part){"ema", &t.model};
    CHECK_ERROR(checkpoint_load(path, &c, &found), ERR_CONFIG, "holds no ema.safetensors");
    free(path);
    toy_free(&t);
    toy_free(&expected);
}

TEST(a_later_history_is_not_pruned_but_refused) {
    save_step(test_dir(), 20, false);
    struct toy t;
    toy_init(&t, 1);
    struct checkpoint c = toy_at(&t, 5);
    CHECK_ERROR(checkpoint_save(test_dir(), &c), ERR_DATA, "later than 5");
    check_names(test_dir(), "checkpoint-000020");
    toy_free(&t);
}

static void rename_in(const char *dir, const char *from, const char *to) {
    char *a = path_join(dir, from), *b = path_join(dir, to);
    CHECK(rename(a, b) == 0);
    free(a);
    free(b);
}

TEST(a_start_removes_what_a_crash_left_and_mends_the_best) {
    save_step(test_dir(), 1, false);
    save_step(test_dir(), 2, true);
    char *tmp = test_path("checkpoint-000009.tmp/deep"), *link = test_path("checkpoint-best");
    CHECK_OK(dir_make(tmp));
    rename_in(test_dir(), "checkpoint-000002", "checkpoint-000002.old"); /* replacing it */
    CHECK(unlink(link) == 0 && symlink("checkpoint-000001", link) == 0);
    CHECK_OK(history_recover(test_dir()));
    check_names(test_dir(), "checkpoint-000001 checkpoint-000002 checkpoint-best");
    char *best = history_best(test_dir());
    CHECK_HAS(best, "checkpoint-000002");
    check_last(test_dir(), 2);
    free(best);
    free(link);
    free(tmp);
}

TEST(files_of_two_checkpoints_are_never_mixed) {
    save_step(test_dir(), 1, false);
    save_step(test_dir(), 2, false);
    rename_in(test_dir(), "checkpoint-000001/model.safetensors",
              "checkpoint-000002/model.safetensors");
    char *two = test_path("checkpoint-000002"), *one = test_path("checkpoint-000001");
    CHECK_ERROR(checkpoint_verify(two), ERR_DATA, "model.safetensors");
    CHECK_ERROR(checkpoint_verify(one), ERR_DATA,
                "model.safetensors: damaged: the file is missing");
    rename_in(test_dir(), "checkpoint-000001/manifest.json", "checkpoint-000002/manifest.json");
    CHECK_ERROR(checkpoint_verify(two), ERR_DATA, "optimizer.safetensors");
    free(one);
    free(two);
    /* a whole one under another step's name */
    char *run = test_path("renamed");
    save_step(run, 1, false);
    save_step(run, 2, false);
    rename_in(run, "checkpoint-000001", "checkpoint-000003");
    check_last(run, 2);
    free(run);
}

/* The seal is no secret: whoever writes another version can seal it. */
static int parse_sealed(const char *text) {
    struct str s = {0};
    char hex[17];
    str_add(&s, "%s", text);
    hash_hex(hash_bytes(s.at, s.n), hex);
    str_add(&s, "\"self\":\"%s\"}\n", hex);
    struct manifest m;
    int status = manifest_parse(&m, MANIFEST_CHECKPOINT, "m.json", s.at, s.n);
    manifest_free(&m);
    str_free(&s);
    return status;
}

TEST(a_newer_manifest_is_refused_by_name_and_a_malformed_one_as_damaged) {
#define HEAD                                                                                       \
    "{\"format\":\"ovseg-checkpoint\",\"version\":1,\"step\":1,\"best\":false,\"config\":\"\","
    CHECK_OK(parse_sealed(HEAD "\"files\":[],"));
    CHECK_ERROR(parse_sealed("{\"format\":\"ovseg-checkpoint\",\"version\":2,"), ERR_CONFIG,
                "written by a newer ovseg");
    const char *bad[] = {
        "{",
        "{\"format\":\"other\",\"version\":1,",
        "{\"format\":\"ovseg-checkpoint\",\"version\":1,\"step\":-1,\"best\":false,"
        "\"config\":\"\",\"files\":[],",
        "[1,2],",
        HEAD,
        HEAD "\"files\":{},",
        HEAD "\"files\":[1],",
        HEAD
        "\"files\":[{\"name\":\"../x\",\"size\":1,\"hash\":\"0123456789abcdef\",\"tensors\":[]}],",
        HEAD
        "\"files\":[{\"name\":\"a/b\",\"size\":1,\"hash\":\"0123456789abcdef\",\"tensors\":[]}],",
        HEAD
        "\"files\":[{\"name\":\"a\",\"size\":1.5,\"hash\":\"0123456789abcdef\",\"tensors\":[]}],",
        HEAD
        "\"files\":[{\"name\":\"a\",\"size\":1e300,\"hash\":\"0123456789abcdef\",\"tensors\":[]}],",
        HEAD
        "\"files\":[{\"name\":\"a\",\"size\":1,\"hash\":\"0123456789ABCDEF\",\"tensors\":[]}],",
        HEAD "\"files\":[{\"name\":\"a\",\"size\":1,\"hash\":\"0123456789abcdef\"}],",
        HEAD
        "\"files\":[{\"name\":\"a\",\"size\":1,\"hash\":\"0123456789abcdef\",\"tensors\":[1]}],",
        HEAD
        "\"files\":[{\"name\":\"a\",\"size\":1,\"hash\":\"0123456789abcdef\",\"tensors\":[]},"
        "{\"name\":\"a\",\"size\":1,\"hash\":\"0123456789abcdef\",\"tensors\":[]}],",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_ERROR(parse_sealed(bad[i]), ERR_DATA, "m.json: damaged");
#undef HEAD
}

TEST(a_pending_tensor_error_is_not_saved) {
    struct toy t;
    toy_init(&t, 1);
    struct checkpoint c = toy_at(&t, 1);
    t_matmul(t.model.at[0].t, t.model.at[0].t);
    CHECK(checkpoint_save(test_dir(), &c) != 0);
    CHECK_TENSOR_ERROR("t_matmul");
    check_names(test_dir(), "");
    toy_free(&t);
}
