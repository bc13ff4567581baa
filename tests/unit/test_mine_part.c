#include "train/mine/mine_part.h"

#include "tests/test.h"

TEST(every_shard_is_the_business_of_one_part) {
    struct mine_part p;
    CHECK(mine_part_parse(&p, ""));
    for (int64_t k = 0; k < 5; k++) CHECK(mine_part_has(&p, k));
    static const char *const parts[] = {"1/3", "2/3", "3/3"};
    int count[10] = {0};
    for (size_t i = 0; i < 3; i++) {
        CHECK(mine_part_parse(&p, parts[i]));
        for (int64_t k = 0; k < 10; k++) count[k] += mine_part_has(&p, k);
    }
    for (int64_t k = 0; k < 10; k++) CHECK_INT(count[k], 1);
}

TEST(what_is_no_part_is_refused) {
    static const char *const bad[] = {"1",
                                      "/",
                                      "0/3",
                                      "4/3",
                                      "1/0",
                                      "-1/3",
                                      "1/3x",
                                      "1 /3",
                                      " 1/3",
                                      "1/-3",
                                      "1/70000",
                                      "1/+3",
                                      "a/b",
                                      "1//3",
                                      "1/3 ",
                                      "1/3/3",
                                      "99999999999999999999/3"};
    struct mine_part p;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mine_part_parse(&p, bad[i])) test_fail(__FILE__, __LINE__, "%s is taken", bad[i]);
}
