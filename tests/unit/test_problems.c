#include "base/problems.h"

#include "base/error.h"
#include "tests/test.h"

TEST(a_mistake_that_several_stages_meet_is_told_once) {
    struct problems p = {0};
    problems_add(&p, "seed: -1 is outside 0..9");
    problems_add(&p, "seed: -1");
    problems_add(&p, "batch: 0 is outside 1..9");
    problems_add(&p, "seed: -1 is outside 0..9");
    problems_add(&p, "seed: -1");
    CHECK_INT(p.n, 3);
    CHECK_INT(problems_close(&p, ERR_CONFIG), ERR_CONFIG);
    CHECK_TEXT(error_message(), "seed: -1 is outside 0..9\nseed: -1\nbatch: 0 is outside 1..9");
    error_clear();
}

/* What two errors, and perhaps a mistake of the settings, end with. */
static int status_of(int first, int second, bool mistake) {
    struct problems p = {0};
    if (mistake) problems_add(&p, "seed: -1 is outside 0..9");
    error_set(first, "a.pth: is empty");
    problems_take_error(&p);
    if (second) error_set(second, "b.pth: is empty");
    problems_take_error(&p);
    int status = problems_close(&p, ERR_CONFIG);
    error_clear();
    return status;
}

TEST(errors_of_one_kind_alone_keep_their_status) {
    CHECK_INT(status_of(ERR_DATA, 0, false), ERR_DATA);
    CHECK_INT(status_of(ERR_DATA, ERR_DATA, false), ERR_DATA);
    CHECK_INT(status_of(ERR_DATA, ERR_MISSING, false), ERR_CONFIG);
    CHECK_INT(status_of(ERR_DATA, 0, true), ERR_CONFIG);
}
