#include "tests/test.h"

TEST(a_message_does_not_speak_to_the_terminal) {
    error_set(ERR_DATA, "x.pth: \x1b[2Jname\x7f\r: is\n\tnot caf\xc3\xa9");
    CHECK_TEXT(error_message(), "x.pth: ?[2Jname??: is\n\tnot caf\xc3\xa9");
    error_clear();
}
