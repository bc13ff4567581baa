#include "base/stacks.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

static void *reader(void *arg) {
    char byte;
    const int *end = arg;
    CHECK_INT(read(*end, &byte, 1), 0); /* until the other end is closed */
    return arg;
}

TEST(the_stacks_of_all_threads_are_written) {
    pthread_t other;
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    CHECK_INT(pthread_create(&other, NULL, reader, ends), 0);
    char *path = test_path("stacks.txt");
    int fd = open(path, O_CREAT | O_RDWR, 0666);
    stacks_write(fd);
    close(fd);
    struct bytes text;
    CHECK_OK(file_read(path, 1 << 20, &text));
    char *first = strstr((char *)text.at, "thread ");
    CHECK(first);
    CHECK_HAS(strstr(first + 1, "thread "), "libc.so"); /* the other one, in read() */
    CHECK(!strstr((char *)text.at, "no answer"));
    CHECK_INT(close(ends[1]), 0);
    CHECK_INT(pthread_join(other, NULL), 0);
    CHECK_INT(close(ends[0]), 0);
    bytes_free(&text);
    free(path);
}
