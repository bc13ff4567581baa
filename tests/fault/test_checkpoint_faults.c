/* ctest: timeout=600 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "checkpoints/history.h"
#include "checkpoints/safetensors.h"
#include "tests/fault/inject.h"
#include "tests/fault/toy.h"
#include "tests/torch.h"

/* Damage. */

static void xor_byte(const char *path, size_t at, int mask) {
    FILE *f = fopen(path, "r+b");
    CHECK(f && fseek(f, (long)at, SEEK_SET) == 0);
    int c = fgetc(f);
    CHECK(c >= 0 && fseek(f, (long)at, SEEK_SET) == 0);
    CHECK(fputc(c ^ mask, f) != EOF && fclose(f) == 0);
}

/* The tensor that a byte of a file belongs to, "" for the header. Owned. */
static char *tensor_at(const char *path, size_t at) {
    struct safetensors f;
    CHECK_OK(safetensors_open(&f, path));
    char *name = NULL;
    for (size_t i = 0; i < f.table.n && !name; i++) {
        const struct st_tensor *x = &f.table.at[i];
        uint64_t begin = f.data + x->at;
        if (at >= begin && at < begin + x->bytes) name = mem_strdup(x->name);
    }
    safetensors_close(&f);
    return name ? name : mem_strdup("");
}

static void check_flip(const char *dir, const char *name, size_t at, int bit) {
    char *path = path_join(dir, name), *file = mem_format("/%s: ", name);
    bool tensors = strstr(name, ".safetensors") != NULL;
    char *owner = tensors ? tensor_at(path, at) : mem_strdup("");
    xor_byte(path, at, 1 << bit);
    int status = checkpoint_verify(dir);
    if (status != ERR_DATA || !strstr(error_message(), file) || !strstr(error_message(), owner))
        test_fail(__FILE__, __LINE__, "%s byte %zu bit %d (%s): %d %s", name, at, bit, owner,
                  status, error_message());
    error_clear();
    xor_byte(path, at, 1 << bit);
    free(owner);
    free(file);
    free(path);
}

TEST(every_flipped_bit_of_every_file_is_found_and_named) {
    save_step(test_dir(), 1, false);
    char *dir = history_last(test_dir());
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    CHECK_INT(names.n, 4);
    size_t flips = 0;
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.at[i]);
        size_t n = (size_t)file_size(path);
        for (size_t bit = 0; bit < 8 * n; bit++, flips++)
            check_flip(dir, names.at[i], bit / 8, (int)(bit % 8));
        free(path);
    }
    CHECK_OK(checkpoint_verify(dir));
    printf("%zu flips, all found and named\n", flips);
    strings_free(&names);
    free(dir);
}

TEST(flips_in_a_large_file_name_the_tensor) {
    struct params p = {0};
    for (int i = 0; i < 32; i++)
        path_param(path_at(params_root(&p), "block.%d", i), "weight", t_randn(SHAPE(128, 256), 1));
    struct checkpoint c = {.step = 1, .part = {{"model", &p}}, .state = "{}"};
    CHECK_OK(checkpoint_save(test_dir(), &c)); /* 4 MiB */
    char *dir = history_last(test_dir()), *path = path_join(dir, "model.safetensors");
    struct rng r = rng_stream(1, "flips", 0);
    int64_t size = file_size(path);
    for (int i = 0; i < 300; i++)
        check_flip(dir, "model.safetensors", (size_t)rng_below(&r, size), (int)rng_below(&r, 8));
    params_free(&p);
    free(path);
    free(dir);
}

TEST(a_file_of_a_checkpoint_that_is_cut_grown_or_gone_is_named) {
    save_step(test_dir(), 1, false);
    char *dir = history_last(test_dir());
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.at[i]);
        struct bytes b;
        CHECK_OK(file_read(path, 1 << 20, &b));
        for (size_t n = 0; n <= b.n + 1; n++) {
            if (n == b.n) continue;
            FILE *f = fopen(path, "wb");
            CHECK(f && fwrite(b.at, 1, n < b.n ? n : b.n, f) == (n < b.n ? n : b.n));
            if (n > b.n) fputc('\n', f);
            fclose(f);
            CHECK_ERROR(checkpoint_verify(dir), ERR_DATA, names.at[i]);
        }
        CHECK(unlink(path) == 0);
        CHECK_ERROR(checkpoint_verify(dir), ERR_DATA, names.at[i]);
        CHECK_OK(file_write(path, b.at, b.n));
        bytes_free(&b);
        free(path);
    }
    CHECK_OK(checkpoint_verify(dir));
    strings_free(&names);
    free(dir);
}

/* Errors of the system. */

static const struct {
    const char *name;
    int err;
    bool harmless; /* a save must succeed in spite of it, on calls that handle data */
} errors[] = {{"ENOSPC", ENOSPC, false}, {"EIO", EIO, false},       {"EROFS", EROFS, false},
              {"EDQUOT", EDQUOT, false}, {"EMFILE", EMFILE, false}, {"EINTR", EINTR, true},
              {"SHORT", 0, true}};
enum { N_ERRORS = sizeof errors / sizeof *errors };

static void fresh(const char *run) {
    CHECK_OK(dir_remove(run));
    save_step(run, 1, true);
    save_step(run, 2, false);
    save_step(run, 3, false); /* 1 is the best, so that all kinds of names are there */
}

static bool has_name(const char *run, const char *part) {
    struct strings names;
    CHECK_OK(dir_list(run, &names));
    bool found = false;
    for (size_t i = 0; i < names.n; i++) found |= strstr(names.at[i], part) != NULL;
    strings_free(&names);
    return found;
}

/* Loads the last: it must be bit-equal to what its step says. Returns the step. */
static int64_t load_any(const char *run) {
    struct toy t, expected;
    toy_init(&t, 999);
    struct checkpoint c = toy_at(&t, 0);
    struct checkpoint_found found;
    CHECK_OK(checkpoint_load_last(run, &c, &found));
    CHECK(found.path);
    int64_t step = found.step;
    toy_init(&expected, (uint64_t)step);
    CHECK(toy_equal(&t, &expected));
    checkpoint_found_free(&found);
    toy_free(&expected);
    toy_free(&t);
    return step;
}

static int save_under(const char *run, const char *spec, bool best) {
    struct toy t;
    toy_init(&t, 4);
    struct checkpoint c = toy_at(&t, 4);
    c.best = best;
    fault_set(spec, run);
    int status = checkpoint_save(run, &c);
    toy_free(&t);
    return status;
}

/* One save with one fault; false when the fault did not happen: there are not so many calls. */
static bool try_save(const char *run, const char *call, int n, int e, const char *plus) {
    char *spec = mem_format("%s:%d%s:%s", call, n, plus, errors[e].name);
    fresh(run);
    int status = save_under(run, spec, true);
    bool happened = fault_happened();
    fault_set(NULL, NULL);
    if (status) {
        CHECK_INT(status, error_status());
        if (!strstr(error_message(), run) || !strstr(error_message(), strerror(errors[e].err)))
            test_fail(__FILE__, __LINE__, "%s: the message is %s", spec, error_message());
        error_clear();
        if (errors[e].harmless && (strcmp(call, "write") == 0 || errors[e].err == 0))
            test_fail(__FILE__, __LINE__, "%s: is no reason to fail", spec);
    }
    /* A single failure of a removal after a successful save leaves its folder for the next one. */
    if (status && !*plus && has_name(run, ".tmp"))
        test_fail(__FILE__, __LINE__, "%s: something temporary stayed", spec);
    char *best = history_best(run);
    CHECK(best);
    free(best);
    int64_t step = load_any(run);
    if (step != 4 && !(status && step == 3))
        test_fail(__FILE__, __LINE__, "%s: %d, then step %lld", spec, status, (long long)step);
    save_step(run, 5, false);
    CHECK(load_any(run) == 5 && !has_name(run, ".tmp") && !has_name(run, ".old"));
    free(spec);
    return happened;
}

static void fail_every_call(const char *plus) {
    static const char *const calls[] = {"open",   "write", "fsync", "rename", "mkdir",
                                        "unlink", "rmdir", "close", "symlink"};
    fault_skip_fsync(true);
    char *run = test_path("run");
    int total = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int e = 0; e < N_ERRORS; e++) {
            int n = 1;
            if (*plus && errors[e].err == EINTR) continue; /* a retry without end is right then */
            while (try_save(run, calls[i], n, e, plus)) n++, total++;
            CHECK(n > 1);
        }
    printf("%d failures\n", total);
    free(run);
    fault_skip_fsync(false);
}

TEST(any_call_of_a_save_may_fail_once) { fail_every_call(""); }
TEST(any_call_of_a_save_may_fail_from_then_on) { fail_every_call("+"); }

TEST(any_call_of_a_load_may_fail_and_what_is_loaded_is_right) {
    static const char *const calls[] = {"open", "read", "pread", "close"};
    fault_skip_fsync(true);
    char *run = test_path("run");
    int total = 0, fell_back = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int e = 0; e < N_ERRORS; e++)
            for (int n = 1, more = 1; more; n++) {
                fresh(run);
                struct toy t, expected;
                toy_init(&t, 999);
                struct checkpoint c = toy_at(&t, 0);
                struct checkpoint_found found;
                char *spec = mem_format("%s:%d:%s", calls[i], n, errors[e].name);
                fault_set(spec, run);
                int status = checkpoint_load_last(run, &c, &found);
                more = fault_happened();
                fault_set(NULL, NULL);
                error_clear();
                total += more;
                fell_back += !status && found.step != 3;
                if (!status) {
                    CHECK(found.path && found.step >= 1 && found.step <= 3);
                    toy_init(&expected, (uint64_t)found.step);
                    CHECK(toy_equal(&t, &expected));
                    toy_free(&expected);
                }
                checkpoint_found_free(&found);
                toy_free(&t);
                load_any(run);
                free(spec);
            }
    printf("%d failures, %d fall-backs\n", total, fell_back);
    CHECK(fell_back > 0);
    free(run);
    fault_skip_fsync(false);
}

TEST(a_read_only_folder_and_a_full_disk_have_clear_messages) {
    fault_skip_fsync(true);
    char *run = test_path("run");
    fresh(run);
    CHECK_ERROR(save_under(run, "mkdir:1+:EROFS", false), ERR_IO,
                "cannot create: Read-only file system");
    CHECK_ERROR(save_under(run, "write:3:ENOSPC", false), ERR_IO,
                "step 4 is not saved, what was saved before is intact");
    CHECK_ERROR(save_under(run, "write:3:ENOSPC", false), ERR_IO, "No space left on device");
    fault_set(NULL, NULL);
    free(run);
    fault_skip_fsync(false);
}

/* Kills. */

/* Runs `work` in a child that dies at its n-th I/O call; false when it came to its end. */
static bool killed(void (*work)(const char *run), const char *run, int n, const char *what) {
    pid_t pid = test_fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        char *spec = mem_format("any:%d:%s", n, what);
        fault_set(spec, run);
        work(run);
        _exit(error_status() ? 1 : 0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void save_four(const char *run) { save_step(run, 4, true); }
static void save_three(const char *run) { save_step(run, 3, true); }
static void load_last(const char *run) { load_any(run); }

static int kill_everywhere(void (*work)(const char *), void (*prepare)(const char *),
                           const int64_t allowed[2]) {
    fault_skip_fsync(true);
    char *run = test_path("run");
    static const char *const whats[] = {"KILL", "KILL-AFTER"};
    int kills = 0;
    for (int w = 0; w < 2; w++)
        for (int n = 1, more = 1; more; n++) {
            fresh(run);
            if (prepare) prepare(run);
            more = killed(work, run, n, whats[w]);
            kills += more;
            int64_t step = load_any(run);
            if (step != allowed[0] && step != allowed[1])
                test_fail(__FILE__, __LINE__, "%s %d: step %lld", whats[w], n, (long long)step);
            CHECK(!has_name(run, ".tmp") && !has_name(run, ".old"));
            char *best = history_best(run);
            CHECK(best);
            free(best);
            save_step(run, 5, false);
            CHECK_INT(load_any(run), 5);
        }
    printf("%d kills\n", kills);
    free(run);
    fault_skip_fsync(false);
    return kills;
}

TEST(a_kill_at_any_call_of_a_save_leaves_the_last_or_the_one_before) {
    CHECK(kill_everywhere(save_four, NULL, (int64_t[]){3, 4}) > 80);
}

TEST(a_kill_at_any_call_of_replacing_a_step_leaves_one_of_the_two) {
    CHECK(kill_everywhere(save_three, NULL, (int64_t[]){2, 3}) > 80);
}

static void leave_one(const char *run) {
    CHECK_OK(history_mark_best(run, 3));
    CHECK_OK(history_prune(run, 1));
}

TEST(a_kill_while_the_only_checkpoint_is_replaced_never_loses_it) {
    CHECK(kill_everywhere(save_three, leave_one, (int64_t[]){3, 3}) > 80);
}

static void damage_last(const char *run) {
    char *path = mem_format("%s/checkpoint-000003/model.safetensors", run);
    xor_byte(path, (size_t)file_size(path) - 1, 1);
    char *tmp = mem_format("%s/checkpoint-000004.tmp/x", run);
    CHECK_OK(dir_make(tmp));
    free(tmp);
    free(path);
}

TEST(a_kill_at_any_call_of_resuming_changes_nothing) {
    CHECK(kill_everywhere(load_last, damage_last, (int64_t[]){2, 2}) > 30);
}
