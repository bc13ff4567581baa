/* ctest: timeout=300 */
#include <errno.h>

#include "base/log.h"
#include "tests/fault/inject.h"
#include "tests/torch.h"
#include "tests/unit/export_made.h"

static const struct {
    const char *name;
    int err;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EROFS", EROFS}};
enum { N_ERRORS = sizeof errors / sizeof *errors };

/* Whether OUT is whole, and all that is there beside IN. */
static bool is_whole(const char *dir, const char *to) {
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    bool there = file_exists(to) || dir_exists(to);
    if (names.n != 1 + (size_t)there) test_fail(__FILE__, __LINE__, "%zu names", names.n);
    strings_free(&names);
    struct import im;
    if (there) CHECK_OK(import_open(&im, to, NULL));
    if (there) import_close(&im);
    return there;
}

/* One export with one fault; false when it did not happen: there are not so many calls. */
static bool fails_once(const char *from, enum export_target target, const char *call, int n,
                       int e) {
    char *to = test_path("out"), *spec = mem_format("%s:%d:%s", call, n, errors[e].name);
    fault_set(spec, to);
    char *report = try_export(from, to, target, QUICK);
    bool happened = fault_happened();
    fault_set(NULL, NULL);
    if (happened && report && strcmp(call, "close") != 0) /* of a folder: nothing is lost */
        test_fail(__FILE__, __LINE__, "%s: nothing was said", spec);
    if (!report && (error_status() != ERR_IO || !strstr(error_message(), to) ||
                    !strstr(error_message(), strerror(errors[e].err))))
        test_fail(__FILE__, __LINE__, "%s: %d %s", spec, error_status(), error_message());
    error_clear();
    /* After the rename only the folder's own sync can fail: it is whole then, and said to be not
     * safe yet. */
    bool whole = is_whole(test_dir(), to);
    CHECK(whole || !report);
    if (whole && !report && strcmp(call, "fsync") != 0 && strcmp(call, "open") != 0)
        test_fail(__FILE__, __LINE__, "%s: an error, and a result", spec);
    CHECK_OK(dir_remove(to));
    free(report);
    free(spec);
    free(to);
    return happened;
}

TEST(any_call_of_an_export_may_fail_and_leaves_all_or_nothing) {
    static const char *const calls[] = {"open", "write", "fsync", "close", "rename", "mkdir"};
    static const enum export_target targets[] = {EXPORT_SAFETENSORS, EXPORT_CLIP, EXPORT_OPEN_CLIP,
                                                 EXPORT_HF};
    struct params p = {0};
    make_clip(&p, "", &PLAIN, 1);
    char *from = save(&p, "p.safetensors");
    int total = 0;
    log_set_level(LOG_ERROR);
    fault_skip_fsync(true);
    for (int t = 0; t < 4; t++)
        for (size_t c = 0; c < sizeof calls / sizeof *calls; c++)
            for (int e = 0; e < N_ERRORS; e++)
                for (int n = 1; fails_once(from, targets[t], calls[c], n, e); n++) total++;
    printf("%d failures\n", total);
    CHECK(total > 500);
    fault_skip_fsync(false);
    free(from);
    params_free(&p);
}
