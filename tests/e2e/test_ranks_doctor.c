/* ovseg doctor --distributed, as mpirun and a launcher without MPI start it. */
/* ctest: timeout=180 processors=2 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/self.h"
#include "tests/test.h"

enum { MOST = 32 };

static char *program(void) {
    char *folder = path_dir(TEST_PROGRAM), *path = path_join(folder, "ovseg");
    free(folder);
    return path;
}

/* mpirun -np N PROGRAM doctor --distributed MORE... */
static struct ended under_mpi(const char *ranks, const char *const *more) {
    if (!*TEST_MPIRUN) test_skip("there is no MPI");
    char *path = program();
    const char *argv[MOST] = {TEST_MPIRUN,
                              "--allow-run-as-root",
                              "--oversubscribe",
                              "--bind-to",
                              "none",
                              "-np",
                              ranks,
                              path,
                              "doctor",
                              "--distributed"};
    size_t n = 10;
    for (; *more; more++) argv[n++] = *more;
    struct process p;
    process_start(&p, argv, (const char *const[]){NO_LEAKS, NULL});
    free(path);
    return process_wait(&p, 60);
}

static size_t lines_with(const char *text, const char *part) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) n++;
    return n;
}

static void check_table(const char *ranks, const char *alike) {
    char *runs = test_path("runs"), *name = mem_alloc(256, 1);
    struct ended e = under_mpi(ranks, (const char *const[]){"--runs", runs, NULL});
    check_status(&e, 0);
    gethostname(name, 255);
    CHECK_INT(lines_with(e.out, name), strtol(ranks, NULL, 10));
    CHECK_INT(lines_with(e.out, "rank  host"), 1); /* one table */
    CHECK_HAS(e.out, "numbers go over Open MPI");
    CHECK_HAS(e.out, "a sum of 25 MiB over all: ");
    CHECK_HAS(e.out, alike);
    CHECK(!dir_exists(runs)); /* nothing is left behind */
    CHECK(e.seconds < 60);
    ended_free(&e);
    free(runs);
    free(name);
}

TEST(two_ranks_are_alike) { check_table("2", "all 2 ranks are alike"); }
TEST(four_ranks_are_alike) { check_table("4", "all 4 ranks are alike"); }

TEST(the_same_as_json) {
    char *runs = test_path("runs");
    CHECK_OK(dir_make(runs));
    struct ended e = under_mpi("2", (const char *const[]){"--json", "--runs", runs, NULL});
    check_status(&e, 0);
    CHECK_HAS(e.out, "\"ok\":true");
    CHECK_HAS(e.out, "\"folder\":true");
    CHECK_HAS(e.out, "\"wrong\":[]");
    CHECK(dir_exists(runs));
    struct strings names;
    CHECK_OK(dir_list(runs, &names));
    CHECK_INT(names.n, 0);
    strings_free(&names);
    ended_free(&e);
    free(runs);
}

/* ctest, next: processors=1 */
TEST(ranks_that_do_not_share_a_folder_end_with_69) {
    char *path = program(), *a = test_path("a"), *b = test_path("b");
    CHECK_OK(dir_make(a));
    CHECK_OK(dir_make(b));
    struct ended e =
        under_mpi("1", (const char *const[]){"--runs", a, ":", "--bind-to", "none", "-np", "1",
                                             path, "doctor", "--distributed", "--runs", b, NULL});
    CHECK_INT(e.status, 69);
    CHECK_HAS(e.out, "X folder: rank 1 on ");
    ended_free(&e);
    free(path);
    free(a);
    free(b);
}

/* The same program with a byte behind its end: another build, to us. */
static char *other_build(const char *path) {
    struct bytes b = {0};
    char *copy = test_path("ovseg");
    CHECK_OK(file_read(path, (size_t)1 << 30, &b));
    CHECK_OK(file_write(copy, b.at, b.n + 1)); /* its NUL, too */
    CHECK_INT(chmod(copy, 0755), 0);
    bytes_free(&b);
    return copy;
}

TEST(ranks_of_two_builds_end_with_69_and_the_difference) {
    char *path = program(), *copy = other_build(path), *runs = test_path("runs");
    struct ended e = under_mpi(
        "1", (const char *const[]){"--runs", runs, ":", "--bind-to", "none", "-np", "1", copy,
                                   "doctor", "--distributed", "--runs", runs, NULL});
    CHECK_INT(e.status, 69);
    CHECK_HAS(e.out, "X program: rank 1 has ");
    ended_free(&e);
    free(path);
    free(copy);
    free(runs);
}

TEST(one_process_is_told_to_start_others) {
    struct ended e = OVSEG("doctor", "--distributed");
    check_status(&e, 0);
    CHECK_HAS(e.err, "one process");
    CHECK_HAS(e.out, "all 1 ranks are alike");
    ended_free(&e);
}
