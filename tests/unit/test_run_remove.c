/* Runs go whole, and only those that nothing needs. */
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/run_made.h"
#include "train/run/lock.h"
#include "train/run/run_remove.h"

static const char uses_clip[] = "{\"clip\":{\"run\":\"clip-00000000aaaa\",\"best\":false}}";

TEST(a_run_that_another_was_made_from_is_refused_unless_that_one_goes_too) {
    char *clip = made_run(test_dir(), "clip-00000000aaaa", "clip-pretrain", "{}");
    char *mpt = made_run(test_dir(), "mpt-00000000bbbb", "mask-prompt", uses_clip);
    struct run_looks all;
    CHECK_OK(run_look_all(&all, test_dir()));
    const struct run_look *both[] = {&all.at[0], &all.at[1]};
    CHECK_ERROR(run_check_unused(&all.at[0], &all, both, 1), ERR_USAGE, "mpt-00000000bbbb");
    CHECK_OK(run_check_unused(&all.at[0], &all, both, 2));
    CHECK_OK(run_check_unused(&all.at[1], &all, both, 0));
    run_looks_free(&all);
    free(clip);
    free(mpt);
}

TEST(all_runs_that_were_made_from_one_are_named_up_to_four) {
    char *clip = made_run(test_dir(), "clip-00000000aaaa", "clip-pretrain", "{}");
    for (int i = 1; i <= 5; i++) {
        char *name = mem_format("mpt-00000000000%d", i);
        free(made_run(test_dir(), name, "mask-prompt", uses_clip));
        free(name);
    }
    struct run_looks all;
    CHECK_OK(run_look_all(&all, test_dir()));
    CHECK_INT(all.n, 6);
    const struct run_look *going[] = {&all.at[0], &all.at[3], &all.at[5]};
    CHECK(run_check_unused(&all.at[0], &all, going, 1) == ERR_USAGE);
    CHECK_HAS(error_message(), "/mpt-000000000001, ");
    CHECK_HAS(error_message(), "/mpt-000000000004 and 1 more were made from it: remove those");
    error_clear();
    CHECK(run_check_unused(&all.at[0], &all, going, 3) == ERR_USAGE);
    CHECK_HAS(error_message(), "/mpt-000000000002, ");
    CHECK_HAS(error_message(), "/mpt-000000000004 were made from it: remove those first, or all");
    CHECK(!strstr(error_message(), "/mpt-000000000003"));
    error_clear();
    run_looks_free(&all);
    free(clip);
}

/* Runs that were made alike have equal names wherever they are. */
TEST(a_run_of_another_folder_is_no_stand_in_for_the_one_that_uses_it) {
    char *a = test_path("a"), *b = test_path("b");
    CHECK_OK(dir_make(a));
    CHECK_OK(dir_make(b));
    struct run_looks in_a, in_b;
    char *const made[] = {made_run(a, "clip-00000000aaaa", "clip-pretrain", "{}"),
                          made_run(a, "mpt-00000000bbbb", "mask-prompt", uses_clip),
                          made_run(b, "clip-00000000aaaa", "clip-pretrain", "{}"),
                          made_run(b, "mpt-00000000bbbb", "mask-prompt", uses_clip)};
    CHECK_OK(run_look_all(&in_a, a));
    CHECK_OK(run_look_all(&in_b, b));
    const struct run_look *going[] = {&in_b.at[1], &in_a.at[0]};
    CHECK_ERROR(run_check_unused(&in_a.at[0], &in_a, going, 2), ERR_USAGE, "mpt-00000000bbbb");
    CHECK(!run_same(&in_a.at[1], &in_b.at[1]));
    struct run_look again; /* under another name of its folder */
    char *dots = path_join(b, "../a/mpt-00000000bbbb");
    run_look(&again, dots);
    CHECK(run_same(&again, &in_a.at[1]));
    run_look_free(&again);
    run_looks_free(&in_a);
    run_looks_free(&in_b);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) free(made[i]);
    free(dots);
    free(a);
    free(b);
}

TEST(removing_leaves_nothing_and_a_run_at_work_stays) {
    char *run = made_run(test_dir(), "clip-00000000aaaa", "clip-pretrain", "{}");
    char *lock = path_join(run, "lock");
    struct run_look r;
    struct strings names;
    int ends[2];
    char byte;
    CHECK_INT(pipe(ends), 0);
    pid_t pid = test_fork();
    if (!pid) {
        struct lock *held;
        byte = lock_take(lock, LOCK_STILL, &held) ? 'n' : 'y';
        if (write(ends[1], &byte, 1) == 1) pause();
        _exit(0);
    }
    CHECK_INT(read(ends[0], &byte, 1), 1);
    run_look(&r, run);
    CHECK_ERROR(run_remove(&r), ERR_DEVICE, "is at work");
    CHECK(dir_exists(run));
    kill(pid, SIGKILL);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    CHECK_OK(run_remove(&r));
    CHECK_OK(dir_list(test_dir(), &names));
    CHECK_INT(names.n, 0);
    strings_free(&names);
    run_look_free(&r);
    close(ends[0]);
    close(ends[1]);
    free(lock);
    free(run);
}

TEST(what_a_removal_that_was_cut_short_left_is_swept) {
    char *left = test_path(".removed-clip-00000000aaaa-77");
    CHECK_OK(dir_make(left));
    put_in(left, "model.safetensors", "12345");
    CHECK_INT(run_sweep(test_dir(), false), 5);
    CHECK(dir_exists(left));
    CHECK_INT(run_sweep(test_dir(), true), 5);
    CHECK(!dir_exists(left));
    free(left);
}
