#include "tests/e2e/submit.h"

#include <sys/stat.h>

#include "base/file.h"
#include "tests/test.h"

/* Ids count from 101; call N leaves its arguments in args.N and its standard input in script.N. */
static const char fake[] =
    "#!/bin/sh\n"
    "n=$(cat \"$FAKE/n\" 2>/dev/null || echo 100)\n"
    "n=$((n + 1))\n"
    "echo $n >\"$FAKE/n\"\n"
    "printf '%s\\n' \"$@\" >\"$FAKE/args.$n\"\n"
    "cat >\"$FAKE/script.$n\"\n"
    "[ \"$n\" != \"${FAIL_AT-}\" ] || { echo 'sbatch: error: no' >&2; exit 1; }\n"
    "echo \"${SAYS-$n}\"\n";

struct ended submit_run(const char *command, const char *more, const char *const *arguments) {
    enum { MAX = 24 };
    char *dir = test_path("bin"), *sbatch = test_path("bin/sbatch"), *calls = test_path("calls");
    char *folder = path_dir(TEST_PROGRAM), *program = path_join(folder, "ovseg");
    CHECK_OK(dir_make(dir));
    CHECK_OK(dir_make(calls));
    CHECK_OK(file_write(sbatch, fake, strlen(fake)));
    CHECK_INT(chmod(sbatch, 0755), 0);
    char *path = mem_format("PATH=%s:%s", dir, getenv("PATH")), *at = mem_format("FAKE=%s", calls);
    char *home = mem_format("XDG_CONFIG_HOME=%s", test_dir());
    const char *argv[MAX] = {program, command};
    bool no_path = more && strncmp(more, "PATH=", 5) == 0;
    const char *const environment[] = {at, home, no_path ? more : path, no_path ? NULL : more,
                                       NULL};
    size_t n = 2;
    for (; *arguments; arguments++) {
        CHECK(n + 1 < MAX);
        argv[n++] = *arguments;
    }
    struct process p;
    process_start(&p, argv, environment);
    struct ended e = process_wait(&p, 60);
    char *const owned[] = {dir, sbatch, calls, folder, program, path, at, home};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return e;
}

char *submit_config(const char *name) {
    char *file = mem_format("configs/smoke/%s", name), *path = test_source(file);
    free(file);
    return path;
}

char *submit_output(void) {
    char *dir = test_path("runs"), *text = mem_format("output_dir=%s", dir);
    free(dir);
    return text;
}

char *submit_call(const char *what, int n) {
    char *name = mem_format("calls/%s.%d", what, n), *path = test_path(name), *text = text_of(path);
    free(name);
    free(path);
    return text;
}

void submit_put(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(path);
}
