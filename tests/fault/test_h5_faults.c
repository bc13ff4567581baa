/* A disk that is full from some write on: an error, and a process that ends as it wants to. */
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "data/h5_write.h"
#include "tests/fault/inject.h"
#include "tests/test.h"

enum { ROWS = 400000 };

/* One array is bulk, small ones are HDF5's own business until the end. */
static int write_file(const char *path, const char *fault) {
    static uint8_t bytes[ROWS];
    struct h5_out f;
    fault_set(fault, ".h5.tmp");
    h5_create(&f, path, "test", 1, "");
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "array%d", i);
        h5_put(&f, name, H5_TYPE_U8, i == 20 ? ROWS : 10, 0, bytes);
        h5_put_text(&f, name, "a text"); /* an attribute, of which some fill a block */
    }
    int status = h5_commit(&f);
    h5_drop(&f);
    fault_set(NULL, NULL);
    return status;
}

TEST(a_disk_that_is_full_from_whichever_write_on_is_an_error_and_no_crash) {
    char *path = test_path("x.h5");
    int failed = 0, done = 0;
    h5_without_end();
    for (int k = 1; !done && k < 200; k++) {
        char *fault = mem_format("pwrite:%d+:ENOSPC", k);
        pid_t child = fork();
        if (!child) {
            int status = write_file(path, fault);
            if (status && !strstr(error_message(), "No space left on device")) {
                fprintf(stderr, "%s\n", error_message());
                status = 1;
            }
            exit(status); /* with all that is to be done at the end of a process */
        }
        int how = 0;
        CHECK(waitpid(child, &how, 0) == child);
        if (WIFSIGNALED(how)) test_fail(__FILE__, __LINE__, "%s: signal %d", fault, WTERMSIG(how));
        done = WEXITSTATUS(how) == 0;
        if (!done) CHECK_INT(WEXITSTATUS(how), ERR_IO);
        failed += !done;
        CHECK_INT(file_exists(path), done);
        free(fault);
    }
    CHECK(done && failed > 3);
    free(path);
}
