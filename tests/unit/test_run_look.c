/* What run folders say of their runs. */
#include <signal.h>
#include <sys/wait.h>
#include <utime.h>

#include "tests/unit/lock_made.h"
#include "tests/unit/run_made.h"
#include "train/run/lock.h"
#include "train/run/run_look.h"
#include "train/run/run_settings.h"
#include "train/run/run_status.h"

static enum run_state state_of(const char *run) {
    struct run_look r;
    run_look(&r, run);
    enum run_state state = r.state;
    run_look_free(&r);
    return state;
}

/* A child that works in the run until it is killed. */
static pid_t work_in(const char *run) {
    int ends[2];
    char byte, *path = path_join(run, "lock");
    CHECK_INT(pipe(ends), 0);
    pid_t pid = test_fork();
    CHECK(pid >= 0);
    if (!pid) {
        struct lock *held;
        byte = lock_take(path, LOCK_STILL, &held) ? 'n' : 'y';
        if (write(ends[1], &byte, 1) == 1) pause();
        _exit(0);
    }
    CHECK_INT(read(ends[0], &byte, 1), 1);
    CHECK_INT(byte, 'y');
    close(ends[0]);
    close(ends[1]);
    free(path);
    return pid;
}

TEST(a_run_is_running_while_the_holder_of_its_lock_lives_and_unfinished_after) {
    char *run = made_run(test_dir(), "mpt-0123456789ab", "mask-prompt", "{}");
    CHECK_INT(state_of(run), RUN_UNFINISHED);
    pid_t pid = work_in(run);
    struct run_look r;
    run_look(&r, run);
    CHECK_INT(r.state, RUN_RUNNING);
    CHECK_INT(r.holder.pid, pid);
    CHECK(r.holder.here);
    run_look_free(&r);
    kill(pid, SIGKILL);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    run_look(&r, run);
    CHECK_INT(r.state, RUN_UNFINISHED);
    CHECK(r.locked); /* which tells that it was killed */
    run_look_free(&r);
    free(run);
}

static void make_old(const char *dir, const char *name) {
    struct utimbuf past = {.actime = 1000, .modtime = 1000};
    char *path = path_join(dir, name);
    CHECK_INT(utime(path, &past), 0);
    free(path);
}

TEST(a_holder_on_another_host_lives_while_the_files_of_its_run_move) {
    char *run = made_run(test_dir(), "mpt-0123456789ab", "mask-prompt", "{}");
    char *lock = path_join(run, "lock");
    struct lock_holder h = lock_elsewhere();
    lock_put(lock, &h);
    free(lock);
    struct run_look r;
    run_look(&r, run);
    CHECK_INT(r.state, RUN_RUNNING);
    CHECK(!r.holder.here);
    CHECK_TEXT(r.holder.host, "elsewhere.example");
    CHECK_TEXT(r.holder.job, "77");
    CHECK_INT(r.holder.pid, 17);
    CHECK_NEAR(r.holder.since, 185, 0);
    run_look_free(&r);
    static const char *const files[] = {"lock", "settings.yaml", "identity.txt", "inputs.json",
                                        "."};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) make_old(run, files[i]);
    CHECK_INT(state_of(run), RUN_UNFINISHED);
    free(run);
}

TEST(an_error_makes_a_failed_run_and_DONE_a_finished_one) {
    char *run = made_run(test_dir(), "mpt-0123456789ab", "mask-prompt", "{}");
    put_in(run, "FAILED", "{\"code\":65,\"message\":\"x.h5: is damaged\"}");
    struct run_look r;
    run_look(&r, run);
    CHECK_INT(r.state, RUN_FAILED);
    CHECK_INT(r.failed_code, 65);
    CHECK_TEXT(r.failed, "x.h5: is damaged");
    run_look_free(&r);
    put_in(run, "FAILED", "nonsense");
    CHECK_INT(state_of(run), RUN_UNFINISHED);
    put_in(run, "DONE", "{\"seconds\":12.5}");
    run_look(&r, run);
    CHECK_INT(r.state, RUN_DONE);
    CHECK_NEAR(r.seconds, 12.5, 0);
    CHECK_TEXT(r.stage, "mask-prompt");
    CHECK_TEXT(r.config, "mpt");
    CHECK(isnan(r.value));
    run_look_free(&r);
    free(run);
}

TEST(the_main_figure_is_of_the_evaluation_else_of_the_last_validation_else_the_loss) {
    char *run = made_run(test_dir(), "mpt-0123456789ab", "mask-prompt", "{}");
    struct run_look r;
    put_in(run, "metrics.jsonl",
           "{\"kind\":\"train\",\"step\":1,\"wall\":5.5,\"loss\":2}\n"
           "{\"kind\":\"train\",\"step\":2,\"wall\":6.5,\"loss\":1.5}\n{\"kind\":\"train\",\"st");
    run_look(&r, run);
    CHECK_TEXT(r.metric, "loss");
    CHECK_NEAR(r.value, 1.5, 0);
    run_look_free(&r);
    put_in(run, "metrics.jsonl",
           "{\"kind\":\"validate\",\"step\":1,\"wall\":5.5,\"mask_accuracy\":61,\"x\":2}\n"
           "{\"kind\":\"train\",\"step\":2,\"wall\":6.5,\"loss\":1.5}\n");
    run_look(&r, run);
    CHECK_TEXT(r.metric, "mask_accuracy");
    CHECK_NEAR(r.value, 61, 0);
    run_look_free(&r);
    put_in(run, "evaluation.json",
           "{\"rows\":[{\"name\":\"raw\",\"miou\":{\"all\":1}},{\"name\":\"ft\",\"miou\":{\"all\":"
           "39.4}}]}");
    run_look(&r, run);
    CHECK_TEXT(r.metric, "mIoU");
    CHECK_NEAR(r.value, 39.4, 0);
    run_look_free(&r);
    free(run);
}

TEST(a_run_uses_what_its_inputs_name_wherever_the_folder_was_moved) {
    char *clip = made_run(test_dir(), "clip-00000000aaaa", "clip-pretrain", "{}");
    char *mpt = made_run(test_dir(), "mpt-00000000bbbb", "mask-prompt",
                         "{\"clip\":{\"run\":\"clip-00000000aaaa\",\"best\":true},"
                         "\"pairs\":{\"path\":\"/x/y.tsv\",\"best\":false}}");
    struct run_looks all;
    CHECK_OK(run_look_all(&all, test_dir()));
    CHECK_INT(all.n, 2);
    CHECK(run_uses(&all.at[1], clip));
    CHECK(!run_uses(&all.at[0], mpt));
    CHECK_INT(all.at[1].n_inputs, 2);
    CHECK(all.at[1].input[0].best);
    CHECK_TEXT(all.at[1].input[1].path, "/x/y.tsv");
    run_looks_free(&all);
    CHECK_ERROR(run_look_all(&all, "no/such"), ERR_MISSING, "no/such");
    free(clip);
    free(mpt);
}

TEST(a_run_is_found_by_folder_name_or_the_beginning_of_its_hash_if_it_is_the_only_one) {
    char *a = made_run(test_dir(), "mpt-01234567aaaa", "mask-prompt", "{}");
    char *b = made_run(test_dir(), "mpt-01239999bbbb", "mask-prompt", "{}");
    char *c = made_run(test_dir(), "clip-ffff0000cccc", "clip-pretrain", "{}");
    static const char *const good[] = {"clip", "clip-ffff0000cccc", "ffff", "clip-ff"};
    for (int i = 0; i < 4; i++) {
        char *found = run_named(good[i], test_dir());
        CHECK_TEXT(found, c);
        free(found);
    }
    char *found = run_named(b, "elsewhere");
    CHECK_TEXT(found, b);
    free(found);
    CHECK(!run_named("mpt", test_dir()));
    CHECK_ERROR(error_status(), ERR_USAGE, "mpt-01234567aaaa, mpt-01239999bbbb");
    CHECK(!run_named("0123", test_dir()));
    CHECK_ERROR(error_status(), ERR_USAGE, "which one?");
    CHECK(!run_named("mpt-0123", test_dir()));
    CHECK_ERROR(error_status(), ERR_USAGE, "which one?");
    CHECK(!run_named("cli", test_dir()));
    CHECK_ERROR(error_status(), ERR_MISSING, "no such run");
    CHECK(!run_named("clip-", test_dir()));
    CHECK_ERROR(error_status(), ERR_MISSING, "no such run");
    CHECK(!run_named("fff", test_dir()));
    CHECK_ERROR(error_status(), ERR_MISSING, "no such run");
    char *d = made_run(test_dir(), "clip-ff-00001111dddd", "clip-pretrain", "{}");
    found = run_named("clip-ff", test_dir()); /* the whole name of one, the beginning of another */
    CHECK_TEXT(found, d);
    free(found);
    char *const owned[] = {a, b, c, d};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(settings_of_a_run_are_read_with_their_origins) {
    char *run = made_run(test_dir(), "mpt-0123456789ab", "mask-prompt", "{}");
    struct said_settings s;
    put_in(run, "settings.yaml",
           "stage: mask-prompt                       # mpt.yaml:2:8\n"
           "text.templates: [\"a # b\"]                # configs/a # b.yaml:1:2\n"
           "init.weights: \"\"                         # default\n");
    CHECK_OK(run_settings_read(&s, run));
    CHECK_INT(s.n, 3);
    CHECK_TEXT(s.at[0].origin, "mpt.yaml:2:8");
    CHECK_TEXT(s.at[1].key, "text.templates");
    CHECK_TEXT(s.at[2].value, "\"\"");
    CHECK_TEXT(s.at[2].origin, "default");
    struct str lines = {0};
    run_settings_lines(&s, &lines);
    CHECK_HAS(lines.at, "init.weights=\"\"\nstage=mask-prompt\n");
    str_free(&lines);
    run_settings_free(&s);
    put_in(run, "settings.yaml", "stage mask-prompt\n");
    CHECK_ERROR(run_settings_read(&s, run), ERR_DATA, "no line of ours");
    run_settings_free(&s);
    free(run);
}

TEST(status_tells_how_far_a_run_is_and_how_it_ended) {
    char *run = made_run(test_dir(), "mpt-0123456789ab", "mask-prompt", "{}");
    struct run_status s;
    struct str text = {0};
    put_in(run, "progress.json",
           "{\"what\":\"mpt\",\"unit\":\"steps\",\"first\":0,\"done\":15,\"total\":60,\"rate\":2.5,"
           "\"note\":\"loss 0.5\",\"pid\":1,\"host\":\"x\",\"job\":\"88\",\"warnings\":2,"
           "\"warning\":\"a picture is damaged\"}");
    pid_t pid = work_in(run);
    run_status_read(&s, run);
    CHECK_INT(run_status_exit(&s), 0);
    run_status_screen(&s, &text);
    CHECK_HAS(text.at, "running");
    CHECK_HAS(text.at, "15 of 60 steps (25 %), 2.50 steps/s, 18.0 s left");
    CHECK_HAS(text.at, "job 88");
    CHECK_HAS(text.at, "2, the last: a picture is damaged");
    run_status_free(&s);
    kill(pid, SIGKILL);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    run_status_read(&s, run);
    CHECK_INT(run_status_exit(&s), ERR_AGAIN);
    str_free(&text);
    run_status_line(&s, &text);
    CHECK_HAS(text.at, "mpt-0123456789ab\tunfinished\t");
    CHECK_HAS(text.at, "was killed; the same command goes on");
    run_status_free(&s);
    put_in(run, "FAILED", "{\"code\":74,\"message\":\"no space\"}");
    run_status_read(&s, run);
    CHECK_INT(run_status_exit(&s), 74);
    run_status_free(&s);
    put_in(run, "DONE", "{\"seconds\":60}");
    run_status_read(&s, run);
    CHECK_INT(run_status_exit(&s), 0);
    run_status_free(&s);
    str_free(&text);
    free(run);
}
