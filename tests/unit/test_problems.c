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
