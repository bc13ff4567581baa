/* A package is written whole or not at all, whichever call of the system fails. */
/* ctest: timeout=600 */
#include <errno.h>

#include "base/log.h"
#include "tests/fault/inject.h"
#include "tests/package_made.h"

static bool opens(const char *package) {
    struct graph g = {0};
    bool is = package_open(&g, package) != NULL;
    graph_close(&g);
    return is;
}

/* What is beside the file of weights: the package, or nothing. */
static void check_folder(bool whole) {
    struct strings names;
    CHECK_OK(dir_list(test_dir(), &names));
    CHECK_INT(names.n, 1 + (size_t)whole);
    strings_free(&names);
}

/* One export with one fault; false when it did not happen: there are not so many calls. */
static bool fails_once(const char *file, const char *call, int n, int err, const char *name) {
    char *out = test_path("m.ovseg"), *spec = mem_format("%s:%d:%s", call, n, name);
    struct package_request r = {.model = made_model(file), .out = out};
    struct package_made made = {0};
    fault_set(spec, out);
    int status = package_write(&r, &made);
    bool happened = fault_happened();
    fault_set(NULL, NULL);
    package_made_free(&made);
    if (happened && !status && strcmp(call, "close") != 0)
        test_fail(__FILE__, __LINE__, "%s: nothing was said", spec);
    if (status && (status != ERR_IO || !strstr(error_message(), out) ||
                   !strstr(error_message(), strerror(err))))
        test_fail(__FILE__, __LINE__, "%s: %d %s", spec, status, error_message());
    error_clear();
    bool whole = dir_exists(out);
    check_folder(whole);
    CHECK(whole || status);
    if (whole) CHECK(opens(out));
    if (whole && status && strcmp(call, "fsync") != 0 && strcmp(call, "open") != 0)
        test_fail(__FILE__, __LINE__, "%s: an error, and a package", spec);
    CHECK_OK(dir_remove(out));
    free(spec);
    free(out);
    return happened;
}

TEST(any_call_of_a_package_may_fail_and_leaves_all_or_nothing) {
    static const char *const calls[] = {"open", "fsync", "close", "rename", "mkdir"};
    char *file = made_whole();
    int total = 0;
    log_set_level(LOG_ERROR);
    fault_skip_fsync(true);
    for (size_t c = 0; c < sizeof calls / sizeof *calls; c++)
        for (int n = 1; fails_once(file, calls[c], n, EIO, "EIO"); n++) total++;
    for (int n = 1; fails_once(file, "write", n, ENOSPC, "ENOSPC"); n += 1 + n / 3) total++;
    fault_skip_fsync(false);
    printf("%d failures\n", total);
    CHECK(total > 60);
    free(file);
}
