#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Room for the many-line report of a config with dozens of mistakes. */
enum { MESSAGE_MAX = 16384 };

static _Thread_local struct {
    int code;
    char message[MESSAGE_MAX];
} slot;

#undef error_set /* the analyzer's version of it, see the header */
int error_set(int code, const char *fmt, ...) {
    if (slot.code) return slot.code;
    va_list ap;
    va_start(ap, fmt);
    utf8_vformat(slot.message, sizeof slot.message, fmt, ap);
    va_end(ap);
    return slot.code = code;
}

int error_context(const char *fmt, ...) {
    if (!slot.code) return 0;
    char prefix[1024];
    va_list ap;
    va_start(ap, fmt);
    utf8_vformat(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    size_t len = strlen(prefix), keep = strlen(slot.message), room = sizeof slot.message - len - 3;
    if (keep > room) keep = utf8_whole(slot.message, room);
    memmove(slot.message + len + 2, slot.message, keep);
    slot.message[len + 2 + keep] = '\0';
    memcpy(slot.message, prefix, len);
    memcpy(slot.message + len, ": ", 2);
    return slot.code;
}

int error_status(void) { return slot.code; }
const char *error_message(void) { return slot.message; }

void error_clear(void) {
    slot.code = 0;
    slot.message[0] = '\0';
}

void error_abort(const char *file, int line, const char *cond, const char *fmt, ...) {
    fprintf(stderr, "%s:%d: REQUIRE(%s): ", file, line, cond);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}
