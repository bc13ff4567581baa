#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "train/lock.h"

/* A child that takes the lock, says so, and keeps it until it is killed. */
static pid_t hold(const char *path) {
    int ends[2];
    char byte;
    CHECK_INT(pipe(ends), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        int fd;
        byte = lock_take(path, &fd) ? 'n' : 'y';
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

static void put(const char *path, const char *text) {
    CHECK_OK(file_write(path, text, strlen(text)));
}

TEST(a_lock_is_refused_while_its_process_lives_and_free_when_it_died) {
    char *path = test_path("lock"), *who;
    int fd;
    pid_t pid = hold(path);
    who = mem_format("process %ld ", (long)pid);
    CHECK_ERROR(lock_take(path, &fd), ERR_DEVICE, who);
    end(pid);
    CHECK(file_exists(path)); /* nothing was cleared */
    CHECK_OK(lock_take(path, &fd));
    lock_release(path, fd);
    CHECK(!file_exists(path));
    free(path);
    free(who);
}

TEST(a_number_that_another_process_has_now_keeps_nothing_locked) {
    char *path = test_path("lock"), host[128] = "", *text;
    int fd;
    gethostname(host, sizeof host - 1);
    text = mem_format("%ld %s\n", (long)getppid(), host); /* it lives, and holds no lock */
    put(path, text);
    CHECK_OK(lock_take(path, &fd));
    lock_release(path, fd);
    put(path, ""); /* killed between making and filling it */
    CHECK_OK(lock_take(path, &fd));
    lock_release(path, fd);
    free(path);
    free(text);
}

TEST(the_lock_of_another_host_is_refused_by_name) {
    char *path = test_path("lock");
    int fd;
    put(path, "17 elsewhere.example\n");
    CHECK_ERROR(lock_take(path, &fd), ERR_DEVICE, "17 elsewhere.example");
    free(path);
}

TEST(a_lock_in_a_folder_that_is_not_there_is_an_io_error) {
    char *path = test_path("nowhere/lock");
    int fd;
    CHECK_ERROR(lock_take(path, &fd), ERR_IO, "nowhere/lock");
    free(path);
}

/* Children that start together on the file of a dead process; each says whether it won. */
TEST(a_hundred_races_have_one_winner_each) {
    char *path = test_path("lock");
    for (int race = 0; race < 100; race++) {
        enum { RACERS = 4 };
        int go[2], said[2], winners = 0;
        pid_t pid[RACERS];
        end(hold(path)); /* what it leaves behind */
        CHECK_INT(pipe(go), 0);
        CHECK_INT(pipe(said), 0);
        for (int i = 0; i < RACERS; i++) {
            pid[i] = fork();
            CHECK(pid[i] >= 0);
            if (pid[i]) continue;
            char byte;
            int fd;
            close(go[1]);
            if (read(go[0], &byte, 1) != 0) _exit(1); /* until the parent closes its end */
            byte = lock_take(path, &fd) ? 0 : 1;
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
        CHECK_INT(winners, 1);
    }
    free(path);
}
