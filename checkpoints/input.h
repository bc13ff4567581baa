/* A file of weights under its readers: opened once, read by pread. Not mapped: a file that
 * is cut while we read it is then an error and not a signal. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct input {
    char *path;
    int fd;
    uint64_t size;
};

int input_open(struct input *in, const char *path); /* ERR_MISSING */
void input_close(struct input *in);                 /* also after a failed open */

/* Exactly n bytes at `at`. ERR_DATA when the file ends before, ERR_MISSING when it is not read. */
int input_read(const struct input *in, uint64_t at, void *dst, size_t n);

uint64_t input_little(const uint8_t *p, int bytes); /* the number of 1 to 8 bytes */
