#include "tests/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "train/mine/mine_nouns.h"
#include "train/run/graph.h"
#include "train/signals.h"

/* Signals change the whole process: each case in a child. The exit status of what it does. */
static int status_of(void (*run)(void)) {
    fflush(NULL);
    pid_t pid = test_fork();
    CHECK(pid >= 0);
    if (!pid) {
        signals_install();
        run();
        _exit(99);
    }
    int status;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void stop_by(int signo, const char *name) {
    if (signals_pending()) _exit(1);
    raise(signo);
    if (signals_pending() != signo) _exit(2);
    int code = signals_error("step %d is saved", 12);
    char *expected = mem_format("stopped by %s; step 12 is saved", name);
    if (strcmp(error_message(), expected) != 0) _exit(3);
    _exit(code);
}

static void term(void) { stop_by(SIGTERM, "SIGTERM"); }
static void interrupt(void) { stop_by(SIGINT, "SIGINT"); }
static void user(void) { stop_by(SIGUSR1, "SIGUSR1"); }

static void user2(void) { stop_by(SIGUSR2, "SIGUSR2"); }
static void hang_up(void) { stop_by(SIGHUP, "SIGHUP"); }

/* The later of two. */
static void term_after_user(void) {
    raise(SIGUSR1);
    _exit(raise(SIGTERM) == 0 && signals_pending() == SIGTERM ? 0 : 1);
}
static void user_after_term(void) {
    raise(SIGTERM);
    _exit(raise(SIGUSR1) == 0 && raise(SIGUSR2) == 0 && signals_pending() == SIGTERM ? 0 : 1);
}
static void user_after_interrupt(void) {
    raise(SIGINT);
    _exit(raise(SIGUSR1) == 0 && signals_pending() == SIGINT ? 0 : 1);
}
/* Another rank's, and then this process's own. */
static void heard_of_term(void) {
    signals_take(SIGUSR1);
    signals_take(SIGTERM);
    signals_take(SIGUSR2);
    _exit(signals_noted() == SIGTERM && signals_pending() == SIGTERM ? 0 : 1);
}
static void heard_of_an_interrupt(void) {
    signals_take(SIGINT);
    raise(SIGINT); /* to all of them at once: it is the first one here */
    if (signals_pending() != SIGINT) _exit(1);
    raise(SIGINT);
}
/* With its status, and without a message: that one has told. Signals that end it come then, too. */
static void heard_of_a_failure(void) {
    signals_take(SIGUSR1);
    signals_fail(65);
    raise(SIGTERM);
    int code = signals_pending() ? signals_error("shards are kept") : 1;
    _exit(*error_message() ? 2 : code);
}
static void continued(void) { _exit(raise(SIGCONT) == 0 && !signals_pending() ? 0 : 1); }

static void hang_up_under_nohup(void) {
    signal(SIGHUP, SIG_IGN);
    signals_install();
    _exit(raise(SIGHUP) == 0 && !signals_pending() ? 0 : 1);
}

static void interrupt_twice(void) {
    raise(SIGINT);
    raise(SIGINT);
}

static void write_to_nobody(void) {
    int ends[2];
    if (pipe(ends) != 0) _exit(1);
    close(ends[0]);
    _exit(write(ends[1], "x", 1) < 0 ? 0 : 2);
}

TEST(signals_are_noted_and_end_the_run_with_their_documented_status) {
    CHECK_INT(status_of(term), 143);
    CHECK_INT(status_of(interrupt), 130);
    CHECK_INT(status_of(user), ERR_AGAIN);
    CHECK_INT(status_of(user2), ERR_AGAIN);
    CHECK_INT(status_of(hang_up), 129);
}

TEST(what_was_cancelled_is_not_run_again_for_a_later_signal) {
    CHECK_INT(status_of(term_after_user), 0);
    CHECK_INT(status_of(user_after_term), 0);
    CHECK_INT(status_of(user_after_interrupt), 0);
}

TEST(what_another_rank_was_asked_is_no_first_interrupt_of_this_one) {
    CHECK_INT(status_of(heard_of_term), 0);
    CHECK_INT(status_of(heard_of_an_interrupt), 130);
}

TEST(what_this_rank_is_at_ends_with_the_status_of_another_that_failed) {
    CHECK_INT(status_of(heard_of_a_failure), 65);
}

TEST(nohup_is_heeded_and_being_continued_is_no_reason_to_stop) {
    CHECK_INT(status_of(hang_up_under_nohup), 0);
    CHECK_INT(status_of(continued), 0);
}

static void look_for_nouns(void) {
    char caption[] = "a dog on the grass", *captions[] = {caption, caption};
    int64_t at[] = {0, 1, 2}, ids[] = {10, 11};
    struct dataset d = {
        .n_images = 2, .n_captions = 2, .caption = captions, .caption_at = at, .caption_id = ids};
    struct node node = {0};
    struct mine_nouns nouns;
    if (mine_nouns_find(&nouns, &d, 2, 1, &node, 2) || nouns.noun.n != 2) _exit(77);
    mine_nouns_free(&nouns);
    raise(SIGTERM);
    int code = mine_nouns_find(&nouns, &d, 2, 1, &node, 2);
    if (!strstr(error_message(), "looks for the nouns again")) _exit(3);
    _exit(code);
}

TEST(looking_for_nouns_ends_between_two_captions) {
    int status = status_of(look_for_nouns);
    if (status == 77) test_skip("no link-grammar");
    CHECK_INT(status, 143);
}

/* What a child that does this means to who waits for it. */
static int meaning(int how_to_end, int signo) {
    int how;
    pid_t pid = test_fork();
    CHECK(pid >= 0);
    if (!pid) {
        if (signo) raise(signo); /* before anything is installed */
        _exit(how_to_end);
    }
    CHECK_INT(waitpid(pid, &how, 0), pid);
    return signals_status(how);
}

TEST(who_died_of_a_signal_before_it_listened_was_stopped_and_no_failure) {
    CHECK_INT(meaning(0, 0), 0);
    CHECK_INT(meaning(78, 0), 78);
    CHECK_INT(meaning(0, SIGTERM), 143);
    CHECK_INT(meaning(0, SIGINT), 130);
    CHECK_INT(meaning(0, SIGHUP), 129);
    CHECK_INT(meaning(0, SIGUSR1), ERR_AGAIN);
    CHECK_INT(meaning(0, SIGUSR2), ERR_AGAIN);
    CHECK_INT(meaning(0, SIGKILL), ERR_INTERNAL);
    CHECK(signals_stopped(ERR_AGAIN) && signals_stopped(143) && !signals_stopped(137));
}

TEST(a_second_interrupt_ends_the_program_at_once) { CHECK_INT(status_of(interrupt_twice), 130); }

TEST(a_closed_pipe_is_a_failed_write_and_not_a_death) { CHECK_INT(status_of(write_to_nobody), 0); }
