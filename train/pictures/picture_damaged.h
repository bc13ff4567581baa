/* Pictures that cannot be read, among others: --damaged fail|skip|stop. */
#pragma once

#include <argp.h>
#include <stddef.h>

enum picture_damaged {
    PICTURE_BAD_FAIL, /* named; the others are worked on, then it is the command's error */
    PICTURE_BAD_SKIP, /* named, and no error, as long as any picture can be read */
    PICTURE_BAD_STOP, /* the command's error, at once */
};

struct picture_failures {
    enum picture_damaged how;
    size_t n;
    int kind; /* ERR_MISSING, unless one was of another; 0: none yet */
};

/* The value of --damaged; usage when it is none. */
enum picture_damaged picture_damaged_of(const char *arg, struct argp_state *state);

/* After a picture failed with the pending error: 0, and it was named, or that error. */
int picture_failed(struct picture_failures *f);
/* At the end, of n pictures. */
int picture_failures_end(const struct picture_failures *f, size_t n);
