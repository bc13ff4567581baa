/* cmocka.h needs these four before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/offspring.h"
#include "tests/test.h"

enum { MAX_TESTS = 256, MAX_ENDINGS = 8 };

static struct CMUnitTest tests[MAX_TESTS];
static void (*bodies[MAX_TESTS])(void);
static size_t n_tests;
static bool skipped;
static pid_t owner; /* who runs the tests: not what they fork */
static void (*endings[MAX_ENDINGS])(void);
static size_t n_endings;

void (*test_before)(const char *name);
void (*test_after)(const char *name);

static char *dir;

const char *test_dir(void) {
    if (!dir) {
        const char *tmp = getenv("TMPDIR");
        dir = mem_format("%s/ovseg-test-XXXXXX", tmp ? tmp : "/tmp");
        REQUIRE(mkdtemp(dir), "cannot make %s", dir);
    }
    return dir;
}

char *test_path(const char *name) { return path_join(test_dir(), name); }

char *test_source(const char *path) {
    const char *root = getenv("OVSEG_SOURCE_DIR"); /* CTest runs in the root of the repository */
    return path_join(root ? root : ".", path);
}

char *test_coco_mini(const char *path) {
    const char *root = getenv("OVSEG_COCO_MINI");
    char *found = root ? mem_strdup(root) : test_source("../shared/data/coco-mini");
    if (!dir_exists(found)) {
        free(found);
        test_skip("the photographs are not here (OVSEG_COCO_MINI)");
    }
    char *full = path_join(found, path);
    free(found);
    return full;
}

static void run(void **state) {
    size_t i = (size_t)((const struct CMUnitTest *)*state - tests);
    error_clear();
    if (test_before) test_before(tests[i].name);
    bodies[i]();
    if (test_after) test_after(tests[i].name);
    if (error_status()) test_fail(__FILE__, __LINE__, "left an error: %s", error_message());
}

void test_at_end(void (*ending)(void)) {
    for (size_t i = 0; i < n_endings; i++)
        if (endings[i] == ending) return;
    REQUIRE(n_endings < MAX_ENDINGS, "more than %d endings of a test", MAX_ENDINGS);
    endings[n_endings++] = ending;
}

pid_t test_fork(void) {
    pid_t parent = getpid(), pid = fork();
    if (pid) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1); /* it was gone before */
    return 0;
}

/* Also of a test that failed or was skipped: cmocka sees to it. */
static int clean(void **state) {
    (void)state;
    error_clear();
    while (n_endings) endings[--n_endings]();
    size_t left = offspring_end();
    if (left) fprintf(stderr, "%zu processes were left running and are ended\n", left);
    if (dir) {
        error_clear();
        dir_remove(dir);
        free(dir);
        dir = NULL;
    }
    return 0;
}

void test_register(const char *name, void (*body)(void)) {
    REQUIRE(n_tests < MAX_TESTS, "more than %d tests in one program", MAX_TESTS);
    bodies[n_tests] = body;
    tests[n_tests] = (struct CMUnitTest){
        .name = name, .test_func = run, .teardown_func = clean, .initial_state = &tests[n_tests]};
    n_tests++;
}

void test_fail(const char *file, int line, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    if (owner && getpid() != owner) _exit(1); /* a child: the rest is its parent's */
    _fail(file, line);
    abort(); /* _fail has jumped */
}

void test_skip(const char *why) {
    fprintf(stderr, "skipped: %s\n", why);
    if (owner && getpid() != owner) _exit(1); /* as above */
    skipped = true;
    _skip(__FILE__, __LINE__);
    abort();
}

int test_main(int argc, char **argv) {
    owner = getpid();
    offspring_begin();
    struct CMUnitTest chosen[MAX_TESTS];
    size_t n = 0;
    for (size_t i = 0; i < n_tests; i++) {
        bool wanted = argc == 1;
        for (int a = 1; a < argc; a++) wanted |= strcmp(argv[a], tests[i].name) == 0;
        if (wanted) chosen[n++] = tests[i];
    }
    if (!n) {
        fprintf(stderr, "no test of that name\n");
        return 1;
    }
    int failed = _cmocka_run_group_tests("tests", chosen, n, NULL, NULL);
    if (failed) return 1;
    return skipped && n == 1 ? 77 : 0; /* 77: CTest prints "Skipped" */
}
