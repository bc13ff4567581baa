#include "train/mine/mine_part.h"

#include <errno.h>
#include <stdlib.h>

bool mine_part_parse(struct mine_part *p, const char *text) {
    enum { PARTS_MAX = 1 << 16 };
    char *slash, *end;
    *p = (struct mine_part){0, 1};
    if (!*text) return true;
    errno = 0;
    long long i = strtoll(text, &slash, 10);
    if (*text < '1' || *text > '9' || *slash != '/' || slash[1] < '1' || slash[1] > '9')
        return false;
    long long n = strtoll(slash + 1, &end, 10);
    if (*end || errno || n > PARTS_MAX || i > n) return false;
    *p = (struct mine_part){i - 1, n};
    return true;
}
