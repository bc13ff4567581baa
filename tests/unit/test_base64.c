/* Bytes as text. */
#include <string.h>

#include "base/base64.h"
#include "tests/test.h"

static void check_base64(const char *bytes, const char *wanted) {
    struct str out = {0};
    str_put(&out, "", 0);
    base64_add(&out, bytes, strlen(bytes));
    CHECK_TEXT(out.at, wanted);
    str_free(&out);
}

TEST(base64_is_that_of_RFC_4648) {
    check_base64("", "");
    check_base64("f", "Zg==");
    check_base64("fo", "Zm8=");
    check_base64("foo", "Zm9v");
    check_base64("foob", "Zm9vYg==");
    check_base64("foobar", "Zm9vYmFy");
    check_base64("\xFF\xFE\xFB", "//77");
}
