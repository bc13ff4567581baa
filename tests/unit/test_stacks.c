#include "base/stacks.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

static void *sleeper(void *arg) {
    nanosleep(&(struct timespec){.tv_sec = 20}, NULL);
    return arg;
}

TEST(the_stacks_of_all_threads_are_written) {
    pthread_t other;
    CHECK_INT(pthread_create(&other, NULL, sleeper, NULL), 0);
    char *path = test_path("stacks.txt");
    int fd = open(path, O_CREAT | O_RDWR, 0666);
    stacks_write(fd);
    close(fd);
    struct bytes text;
    CHECK_OK(file_read(path, 1 << 20, &text));
    char *first = strstr((char *)text.at, "thread ");
    CHECK(first);
    CHECK_HAS(strstr(first + 1, "thread "), "libc.so"); /* the other one, asleep */
    CHECK(!strstr((char *)text.at, "no answer"));
    CHECK_INT(pthread_cancel(other), 0);
    CHECK_INT(pthread_join(other, NULL), 0);
    bytes_free(&text);
    free(path);
}
