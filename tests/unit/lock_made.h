/* Lock files by hand, as processes of other hosts or dead ones would have left them. */
#pragma once

#include "base/file.h"
#include "tests/test.h"
#include "train/run/lock_file.h"

static inline void lock_put(const char *path, const struct lock_holder *h) {
    char text[LOCK_TEXT];
    size_t n = lock_text(h, text);
    CHECK_OK(file_write(path, text, n));
}

/* Process 17 of a host that nobody here can look at. */
static inline struct lock_holder lock_elsewhere(void) {
    struct lock_holder h;
    lock_holder_self(&h);
    snprintf(h.host, sizeof h.host, "elsewhere.example");
    snprintf(h.job, sizeof h.job, "77");
    h.pid = 17;
    h.system++;
    h.every_ms = 20;
    h.held_ms = 185000;
    return h;
}
