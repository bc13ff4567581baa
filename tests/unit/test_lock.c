/* ctest: timeout=300 */
#include "tests/unit/lock_made.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "train/run/lock.h"
#include "train/signals.h"

static const double STILL = 0.3;

/* In place of the C library's: a file system without links, and one that loses its answers. */
static enum { LINKS, NO_LINKS, NO_ANSWERS } links;
int link(const char *from, const char *to) {
    if (links == NO_LINKS) {
        errno = EPERM;
        return -1;
    }
    int status = linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
    if (links != NO_ANSWERS || status) return status;
    errno = EEXIST;
    return -1;
}

/* Likewise: the kind of file system that every folder lies on. */
enum { EXT4 = 0xEF53 };
static unsigned long disk = EXT4;
int statfs(const char *file, struct statfs *buf) {
    (void)file;
    *buf = (struct statfs){.f_type = (long)disk};
    return 0;
}

static void nap(double s) {
    nanosleep(&(struct timespec){.tv_sec = (time_t)s, .tv_nsec = (long)((s - floor(s)) * 1e9)},
              NULL);
}

/* A child that takes the lock, says so, and keeps it until it is killed. */
static pid_t hold(const char *path) {
    int ends[2];
    char byte;
    CHECK_INT(pipe(ends), 0);
    pid_t pid = test_fork();
    CHECK(pid >= 0);
    if (!pid) {
        struct lock *lock;
        byte = lock_take(path, STILL, &lock) ? 'n' : 'y';
        if (write(ends[1], &byte, 1) == 1) pause();
        _exit(0);
    }
    CHECK_INT(read(ends[0], &byte, 1), 1);
    CHECK_INT(byte, 'y');
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void end(pid_t pid) {
    kill(pid, SIGKILL);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
}

/* Taken, given back, and nothing but that is left in the folder: after how many seconds? */
static double taken_after(const char *path) {
    struct lock *lock;
    struct strings names = {0};
    double start = clock_s();
    CHECK_OK(lock_take(path, STILL, &lock));
    double seconds = clock_s() - start;
    CHECK_OK(lock_check(lock));
    CHECK_OK(dir_list(test_dir(), &names));
    CHECK_INT(names.n, 1);
    CHECK_TEXT(names.at[0], "lock");
    strings_free(&names);
    lock_release(lock);
    CHECK(!file_exists(path));
    return seconds;
}

/* Children that start together on what is left there; each says whether it won. How many did? */
static int race(const char *path) {
    enum { RACERS = 4 };
    int go[2], said[2], winners = 0;
    pid_t pid[RACERS];
    CHECK_INT(pipe(go), 0);
    CHECK_INT(pipe(said), 0);
    for (int i = 0; i < RACERS; i++) {
        pid[i] = test_fork();
        CHECK(pid[i] >= 0);
        if (pid[i]) continue;
        char byte;
        struct lock *lock;
        close(go[1]);
        if (read(go[0], &byte, 1) != 0) _exit(1); /* until the parent closes its end */
        byte = lock_take(path, 0.05, &lock) ? 0 : 1;
        if (write(said[1], &byte, 1) == 1) pause();
        _exit(0);
    }
    close(go[0]);
    close(go[1]);
    for (int i = 0; i < RACERS; i++) {
        char byte;
        CHECK_INT(read(said[0], &byte, 1), 1);
        winners += byte;
    }
    for (int i = 0; i < RACERS; i++) end(pid[i]);
    close(said[0]);
    close(said[1]);
    return winners;
}

TEST(a_lock_is_refused_while_its_process_lives_and_free_when_it_died) {
    char *path = test_path("lock"), *who, host[128] = "";
    struct lock *lock;
    gethostname(host, sizeof host - 1);
    setenv("SLURM_JOB_ID", "4321", 1);
    pid_t pid = hold(path);
    unsetenv("SLURM_JOB_ID");
    who = mem_format("process %ld on %s, job 4321, since ", (long)pid, host);
    CHECK_ERROR(lock_take(path, STILL, &lock), ERR_DEVICE, who);
    CHECK(!lock);
    end(pid);
    CHECK(file_exists(path)); /* nothing was cleared */
    CHECK(taken_after(path) < STILL);
    free(path);
    free(who);
}

TEST(one_that_was_killed_and_is_not_yet_waited_for_holds_nothing) {
    char *path = test_path("lock");
    pid_t pid = hold(path);
    kill(pid, SIGKILL);
    siginfo_t info;
    CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0); /* a zombie now */
    CHECK(taken_after(path) < STILL);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    free(path);
}

TEST(a_number_that_another_process_has_now_keeps_nothing_locked) {
    char *path = test_path("lock");
    struct lock_holder h;
    lock_holder_self(&h);
    CHECK(h.start > 0 && h.system);
    h.start--;
    lock_put(path, &h);
    CHECK(taken_after(path) < STILL);
    free(path);
}

TEST(the_holder_moves_its_file_and_tells_how_long_it_holds_it) {
    char *path = test_path("lock");
    struct lock_holder first, then;
    struct lock *lock;
    CHECK_OK(lock_take(path, STILL, &lock));
    CHECK_INT(lock_read(path, &first), 0);
    CHECK(first.ours);
    CHECK_INT(first.pid, getpid());
    double until = clock_s() + 20;
    do {
        nap(0.02);
        CHECK_INT(lock_read(path, &then), 0);
        CHECK(then.ours);
    } while (then.held_ms == first.held_ms && clock_s() < until);
    CHECK(then.held_ms > first.held_ms);
    CHECK_TEXT(then.token, first.token);
    CHECK_ERROR(lock_take(path, STILL, &(struct lock *){NULL}), ERR_DEVICE, "at work");
    lock_release(lock);
    free(path);
}

/* ---- other hosts ---- */

TEST(the_lock_of_another_host_that_stands_still_is_taken_after_the_period_and_not_before) {
    char *path = test_path("lock");
    struct lock_holder h = lock_elsewhere();
    lock_put(path, &h);
    CHECK(taken_after(path) >= STILL);
    h.every_ms = 200; /* it promised to move more slowly than we would look */
    lock_put(path, &h);
    CHECK(taken_after(path) >= 4 * 0.2);
    free(path);
}

/* This host, before its power was lost: its numbers may have come to living processes. */
static struct lock_holder earlier_boot(void) {
    struct lock_holder h;
    lock_holder_self(&h);
    CHECK(h.boot);
    h.system++;
    h.boot++;
    h.pid = 1;
    h.every_ms = 20;
    return h;
}

TEST(what_this_host_held_before_it_was_started_anew_is_taken_at_once) {
    char *path = test_path("lock");
    struct lock_holder h = earlier_boot();
    lock_put(path, &h);
    CHECK(taken_after(path) < STILL);
    for (int i = 0; i < 20; i++) { /* by one of many */
        lock_put(path, &h);
        CHECK_INT(race(path), 1);
    }
    free(path);
}

TEST(a_namesake_of_this_host_and_another_container_of_it_are_other_hosts) {
    char *path = test_path("lock");
    struct lock_holder of[4];
    for (int i = 0; i < 4; i++) of[i] = earlier_boot();
    of[0].machine++;         /* a namesake */
    of[1].boot--;            /* a container: same boot, processes that are not seen here */
    of[2].boot = 0;          /* of a version that did not tell */
    strcpy(of[3].host, "x"); /* a clone of this machine */
    for (int i = 0; i < 4; i++) {
        lock_put(path, &of[i]);
        CHECK(taken_after(path) >= STILL);
    }
    free(path);
}

TEST(on_network_file_systems_and_unknown_ones_another_boot_is_another_host) {
    static const unsigned long kinds[] = {0x6969, 0x0BD00BD0, 0x65735546, 0x12345678};
    char *path = test_path("lock");
    struct lock_holder h = earlier_boot();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        disk = kinds[i];
        lock_put(path, &h);
        CHECK(taken_after(path) >= STILL);
    }
    disk = EXT4;
    free(path);
}

TEST(the_lock_of_another_host_that_moves_is_refused_with_host_process_job_and_age) {
    char *path = test_path("lock");
    struct lock_holder h = lock_elsewhere();
    struct lock *lock;
    lock_put(path, &h);
    pid_t pid = test_fork();
    if (!pid) {
        char text[LOCK_TEXT];
        int fd = open(path, O_WRONLY);
        for (;; nap(0.03), h.held_ms += 30)
            if (pwrite(fd, text, lock_text(&h, text), 0) < 0) _exit(1);
    }
    for (int i = 0; i < 3; i++)
        CHECK_ERROR(lock_take(path, 20, &lock), ERR_DEVICE,
                    "process 17 on elsewhere.example, job 77, since 3 min 0");
    end(pid);
    CHECK(taken_after(path) >= STILL);
    free(path);
}

TEST(what_is_no_lock_of_ours_is_watched_and_then_taken) {
    char *path = test_path("lock"), text[LOCK_TEXT], longer[3000];
    struct lock_holder h, read;
    lock_holder_self(&h);
    size_t n = lock_text(&h, text);
    memset(longer, 'x', sizeof longer);
    const struct {
        const char *at;
        size_t n;
    } bad[] = {{"", 0},
               {"17 elsewhere.example\n", 21},
               {text, n / 2},
               {"\0\0\0\0", 4},
               {longer, sizeof longer}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_OK(file_write(path, bad[i].at, bad[i].n));
        CHECK(taken_after(path) >= STILL);
    }
    for (size_t cut = 0; cut < n; cut++) { /* no part of one is taken for a whole one */
        lock_parse(&read, text, cut);
        CHECK(!read.ours || cut == n - 1);
    }
    free(path);
}

TEST(no_byte_of_a_lock_file_can_break_its_reader) {
    char text[LOCK_TEXT], copy[LOCK_TEXT];
    struct lock_holder h = lock_elsewhere(), read;
    size_t n = lock_text(&h, text);
    for (size_t i = 0; i < n; i++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, text, n);
            copy[i] = (char)byte;
            copy[n] = '\0';
            lock_parse(&read, copy, n);
            lock_life(&read, "/dev/shm/lock");
            CHECK(strlen(read.token) == 16);
        }
    lock_parse(&read, text, n);
    CHECK(read.ours);
    CHECK_INT(read.pid, 17);
    CHECK_INT(read.held_ms, 185000);
    CHECK_TEXT(read.job, "77");
}

/* ---- where it cannot be ---- */

TEST(a_lock_in_a_folder_that_is_not_there_is_an_io_error) {
    char *path = test_path("nowhere/lock");
    struct lock *lock;
    CHECK_ERROR(lock_take(path, STILL, &lock), ERR_IO, "nowhere/lock");
    free(path);
}

TEST(a_folder_that_cannot_be_written_is_an_io_error) {
    CHECK_INT(chmod(test_dir(), 0555), 0);
    pid_t pid = test_fork(); /* as nobody: rights mean nothing to root */
    if (!pid) {
        struct lock *lock;
        if (chdir(test_dir()) || (geteuid() == 0 && setuid(65534))) _exit(1);
        int status = lock_take("lock", STILL, &lock);
        _exit(status == ERR_IO && strstr(error_message(), "lock: cannot create: ") ? 0 : 2);
    }
    int status;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(chmod(test_dir(), 0755), 0);
    CHECK_INT(status, 0);
}

TEST(a_file_system_without_links_or_whose_answers_are_lost_locks_all_the_same) {
    char *path = test_path("lock");
    struct lock *lock;
    for (int kind = NO_LINKS; kind <= NO_ANSWERS; kind++) {
        links = kind;
        end(hold(path));
        CHECK(taken_after(path) < STILL);
        pid_t pid = hold(path);
        CHECK_ERROR(lock_take(path, STILL, &lock), ERR_DEVICE, "is at work");
        end(pid);
        CHECK(taken_after(path) < STILL);
    }
    links = LINKS;
    free(path);
}

/* ---- losing it ---- */

TEST(a_holder_whose_lock_was_taken_is_told_and_leaves_the_other_ones_alone) {
    char *path = test_path("lock");
    struct lock_holder other = lock_elsewhere(), read;
    struct lock *lock;
    signals_install();
    CHECK_OK(lock_take(path, STILL, &lock));
    lock_put(path, &other);
    CHECK_ERROR(lock_check(lock), ERR_DEVICE, "process 17 on elsewhere.example, job 77");
    for (double until = clock_s() + 20; !signals_pending() && clock_s() < until;) nap(0.01);
    CHECK_INT(signals_pending(), SIGTERM); /* its thread saw it, too */
    signals_take(0);
    lock_release(lock);
    CHECK_INT(lock_read(path, &read), 0);
    CHECK_TEXT(read.token, other.token);
    CHECK_INT(read.held_ms, other.held_ms);
    free(path);
}

TEST(a_holder_whose_lock_was_removed_is_told) {
    char *path = test_path("lock");
    struct lock *lock;
    CHECK_OK(lock_take(path, 60, &lock));
    CHECK_INT(unlink(path), 0);
    CHECK_ERROR(lock_check(lock), ERR_DEVICE, "was removed");
    lock_release(lock);
    free(path);
}

/* ---- races ---- */

TEST(a_taker_that_died_in_the_middle_is_no_obstacle_and_one_that_lives_is_the_holder) {
    char *path = test_path("lock");
    struct lock_holder dead, middle;
    struct lock *lock;
    lock_holder_self(&dead);
    dead.start--;
    middle = dead;
    memset(middle.token, 'a', 16);
    char *after = mem_format("%s.after-%s", path, dead.token);
    lock_put(path, &dead);
    lock_put(after, &middle);
    CHECK(taken_after(path) < STILL);
    CHECK(!file_exists(after));
    lock_put(path, &dead);
    lock_holder_self(&middle);
    lock_put(after, &middle);
    CHECK_ERROR(lock_take(path, STILL, &lock), ERR_DEVICE, "at work");
    CHECK(file_exists(after));
    free(after);
    free(path);
}

/* Two hundred of them, four at a time: most of a race is waiting. */
static void race_often(bool elsewhere) {
    enum { RACES = 200, AT_ONCE = 4 };
    pid_t pid[AT_ONCE];
    free(test_path("")); /* the folder is this process's, who removes it */
    for (int k = 0; k < AT_ONCE; k++) {
        pid[k] = test_fork();
        CHECK(pid[k] >= 0);
        if (pid[k]) continue;
        char *name = mem_format("lock-%d", k), *path = test_path(name);
        if (!elsewhere)
            end(hold(path)); /* what it leaves behind; then what the winner before leaves */
        for (int i = 0; i < RACES / AT_ONCE; i++) {
            struct lock_holder h = lock_elsewhere();
            h.every_ms = 1;
            if (elsewhere) lock_put(path, &h);
            CHECK_INT(race(path), 1);
        }
        _exit(0);
    }
    for (int k = 0; k < AT_ONCE; k++) {
        int status;
        CHECK_INT(waitpid(pid[k], &status, 0), pid[k]);
        CHECK_INT(status, 0);
    }
}

TEST(two_hundred_races_for_the_lock_of_a_dead_process_have_one_winner_each) { race_often(false); }
TEST(two_hundred_races_for_the_lock_of_another_host_have_one_winner_each) { race_often(true); }

/* Takes it, looks whether it is alone, gives it back or dies with it. 0: all was well. */
static int visit(const char *path, const char *inside, int number) {
    struct lock *lock;
    double until = clock_s() + 60;
    while (lock_take(path, 60, &lock)) {
        if (error_status() != ERR_DEVICE || clock_s() > until) {
            fprintf(stderr, "%s\n", error_message());
            return 2;
        }
        error_clear();
        nap(1e-3);
    }
    if (mkdir(inside, 0777)) return 3; /* another one is in there */
    nap(1e-4 * (number % 7));
    if (rmdir(inside)) return 4;
    if (number % 3 == 0) lock_release(lock);
    return 0;
}

TEST(of_many_that_come_and_die_no_two_are_inside_at_once) {
    enum { AT_ONCE = 6, ALL = 600 };
    char *path = test_path("lock"), *inside = test_path("inside");
    int status, alive = 0;
    for (int i = 0; i < ALL || alive; i++) {
        if (i < ALL) {
            pid_t pid = test_fork();
            CHECK(pid >= 0);
            if (!pid) _exit(visit(path, inside, i));
            alive++;
        }
        if (i < ALL && alive < AT_ONCE) continue;
        CHECK(wait(&status) > 0);
        CHECK_INT(status, 0);
        alive--;
    }
    free(inside);
    free(path);
}
